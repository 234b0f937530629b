# Known classes: every number against plain R, fits of labelled rows, or other programs.

edda <- function(structure, x = iris[1:4], y = iris$Species, ...) em_classify(x, y, covariance = structure, ...)

# log f(x | c) in plain R: n x C.
plain_densities <- function(cl, x) {
  fit <- cl$fits[[1]]
  x <- as.matrix(x)
  each <- vapply(seq_len(fit$k), function(j) {
    sigma <- fit$parameters$covariance[, , j]
    log(cl$components$share[j]) - (ncol(x) * log(2 * pi) + log(det(sigma)) +
      mahalanobis(x, fit$parameters$mean[j, ], sigma)) / 2
  }, numeric(nrow(x)))
  vapply(cl$classes, function(class) log(rowSums(exp(each[, cl$components$class == class, drop = FALSE]))), numeric(nrow(x)))
}

plain_posterior <- function(densities, prior) {
  joint <- exp(densities) * rep(prior, each = nrow(densities))
  joint / rowSums(joint)
}

# mclust's own functions of a structure.
peer <- function(what, structure) get(paste0(what, structure), asNamespace("mclust"))

quick <- em_control(n_start = 3)

test_that("one component for each class is a fit of labelled rows under all 14 structures, joint and marginal", {
  for (structure in emfit:::gaussian_structures) {
    cl <- edda(structure)
    fit <- em_fit(iris[1:4], labels = iris$Species, family = em_gaussian(structure))
    expect_equal(cl$loglik, fit$loglik, tolerance = 1e-9)
    expect_identical(cl$df, fit$df)
    densities <- plain_densities(cl, iris[1:4])
    expect_equal(cl$loglik, sum(log(1 / 3) + densities[cbind(1:150, as.integer(iris$Species))]), tolerance = 1e-9)
    expect_equal(cl$marginal, sum(log(rowSums(exp(densities)) / 3)), tolerance = 1e-9)
    expect_equal(unname(predict(cl, type = "prob")), unname(plain_posterior(densities, rep(1 / 3, 3))), tolerance = 1e-8)
  }
  cl <- edda("VEV")
  expect_equal(c(cl$loglik, cl$marginal), c(-194.0475, -187.7097), tolerance = 1e-6)
  expect_identical(cl$df, 38L)
  expect_equal(c(logLik(cl)), cl$loglik)
  expect_equal(BIC(cl), -2 * cl$loglik + 38 * log(150))
  expect_identical(glance(cl)$logLik.marginal, cl$marginal)
  all <- em_classify(iris[1:4], iris$Species)
  expect_identical(all$table$covariance[1], "VEV")
  expect_identical(nrow(all$table), 14L)
  expect_false(is.unsorted(all$table$BIC))
})

test_that("a closed form ends at once, also where rounding moves the last digits of its log-likelihood", {
  for (part in 1:5) for (structure in c("VII", "VVI", "VVV", "EEE")) {
    rows <- rep(1:5, 30) != part
    fit <- expect_silent(em_fit(iris[rows, 1:4], labels = iris$Species[rows], family = em_gaussian(structure)))
    expect_lt(fit$iterations, 10)
  }
})

test_that("EDDA beside mclust: never below it, and the same degrees of freedom", {
  skip_if_not_installed("mclust")
  sets <- list(iris = list(iris[1:4], iris$Species),
               banknote = with(list(d = mclust::banknote), list(d[-1], d$Status)),
               thyroid = with(list(d = mclust::thyroid), list(d[-1], d$Diagnosis)))
  for (name in names(sets)) {
    x <- sets[[name]][[1]]
    y <- sets[[name]][[2]]
    for (structure in c("EEE", "VVI", "VVV", "VVE", "EEV")) {
      cl <- edda(structure, x, y)
      step <- peer("mstep", structure)(as.matrix(x), mclust::unmap(y))
      dens <- peer("cdens", structure)(as.matrix(x), parameters = step$parameters, logarithm = TRUE)
      joint <- sum(dens[cbind(seq_along(y), as.integer(factor(y)))] + log(step$parameters$pro)[as.integer(factor(y))])
      expect_gte(cl$loglik, joint - 1e-6)
      if (!structure %in% c("VVE", "EEV")) expect_equal(cl$loglik, joint, tolerance = 1e-8, label = paste(name, structure))
      expect_equal(cl$df, mclust::nMclustParams(structure, ncol(x), nlevels(factor(y))), ignore_attr = TRUE)
    }
  }
})

test_that("several components in each class are the masked fit: where nothing is shared, that of each class alone", {
  x <- iris[51:150, 1:2]
  y <- droplevels(iris$Species[51:150])
  for (structure in c("VVI", "VII")) {
    both <- withr_seed(1, edda(structure, x, y, k = 2, control = quick))
    apart <- withr_seed(1, edda(structure, x, y, k = 2, shared = FALSE, control = quick))
    expect_equal(both$loglik, apart$loglik, tolerance = 1e-6)
    expect_identical(both$df, apart$df)
    expect_equal(both$marginal, apart$marginal, tolerance = 1e-4)
    expect_identical(both$components$component, c("versicolor 1", "versicolor 2", "virginica 1", "virginica 2"))
    expect_gte(both$components$share[1], both$components$share[2])
    expect_equal(unname(tapply(both$components$share, both$components$class, sum)), c(1, 1), ignore_attr = TRUE)
  }
  each <- suppressWarnings(lapply(split(x, y), function(part) withr_seed(1, em_fit(part, k = 2, family = em_gaussian("VVI")))))
  both <- withr_seed(1, edda("VVI", x, y, k = 2))
  expect_gte(both$loglik, sum(vapply(each, `[[`, 0, "loglik")) + 100 * log(0.5) - 1e-4)
  # a shared structure: all of the components, by the beliefs that the classes are
  shared <- withr_seed(1, edda("EEE", x, y, k = 2, control = quick))
  beliefs <- matrix(c(1, 1, 0, 0, 0, 0, 1, 1), 2, byrow = TRUE)[as.integer(y), ]
  masked <- em_fit(x, labels = beliefs, family = em_gaussian("EEE"), start = unname(predict(shared$fits[[1]], type = "prob")))
  expect_equal(shared$loglik, masked$loglik, tolerance = 1e-6)
  densities <- plain_densities(shared, x)
  expect_equal(shared$loglik, sum(log(0.5) + densities[cbind(1:100, as.integer(y))]), tolerance = 1e-8)
  expect_equal(unname(predict(shared, type = "prob")), unname(plain_posterior(densities, shared$shares)), tolerance = 1e-8)
})

test_that("starts inside the classes find the maximum of the banknotes, where a search that ignores classes seldom does", {
  skip_if_not_installed("mclust")
  notes <- mclust::banknote
  cl <- withr_seed(1, em_classify(Status ~ ., data = notes, k = 2, covariance = "VVV"))
  # Maxima are many; it is the highest known from before or a higher one, and the sum of what each class comes to by itself.
  expect_gte(cl$loglik, -591.676)
  beliefs <- predict(cl$fits[[1]], type = "prob")
  alone <- vapply(levels(notes$Status), function(class) {
    own <- notes$Status == class
    suppressWarnings(em_fit(notes[own, -1], k = 2, start = beliefs[own, cl$components$class == class]))$loglik
  }, 0)
  expect_equal(cl$loglik, sum(alone) + 200 * log(0.5), tolerance = 1e-9)
  expect_identical(cl$df, 111L)
  expect_false(any(cl$fits[[1]]$starts$degenerate))
  tied <- withr_seed(1, em_classify(Status ~ ., data = notes, k = 2, covariance = "EEE"))
  expect_equal(tied$loglik, -681.3594, tolerance = 1e-6)
  expect_identical(tied$df, 48L)
})

test_that("MDA beside MclustDA from the same start ends at least as high", {
  skip_if_not_installed("mclust")
  x <- iris[1:4]
  cl <- withr_seed(1, em_classify(x, iris$Species, k = 2, covariance = "VVI"))
  starts <- lapply(levels(iris$Species), function(class) {
    own <- iris$Species == class
    r <- predict(cl$fits[[1]], type = "prob")[own, cl$components$class == class]
    peer("me", "VVI")(as.matrix(x[own, ]), z = r, control = mclust::emControl(tol = c(1e-10, 1e-10)))$loglik
  })
  expect_gte(cl$loglik, sum(unlist(starts)) + 150 * log(1 / 3) - 1e-4)
  expect_equal(cl$loglik, sum(unlist(starts)) + 150 * log(1 / 3), tolerance = 1e-6)
})

test_that("numbers are candidates, names are classes, lists are both; BIC picks what a full table picks", {
  x <- iris[1:2]
  y <- iris$Species
  named <- withr_seed(1, edda("VVI", x, y, k = c(virginica = 2, setosa = 1, versicolor = 1), control = quick))
  expect_identical(named$components$class, c("setosa", "versicolor", "virginica", "virginica"))
  chosen <- withr_seed(1, edda("VVI", x, y, k = 1:2, control = quick))
  listed <- withr_seed(1, edda("VVI", x, y, k = list(setosa = 1:2, versicolor = 1:2, virginica = 1:2), control = quick))
  expect_identical(chosen$table$k, listed$table$k)
  grid <- expand.grid(1:2, 1:2, 1:2)
  values <- apply(grid, 1, function(k) {
    BIC(withr_seed(1, edda("VVI", x, y, k = setNames(as.list(k), levels(y)), control = quick)))
  })
  expect_equal(BIC(chosen), min(values), tolerance = 1e-6)
  expect_identical(nrow(named$table), 1L)
  one <- withr_seed(1, edda("VVI", x, y, k = list(setosa = 1, versicolor = 1, virginica = 1:2), control = quick))
  expect_setequal(one$table$k, c("1 + 1 + 1", "1 + 1 + 2"))
})

test_that("cross-validation chooses by the log probability of left out classes, in parts that can be given", {
  parts <- rep(1:5, 30)
  cl <- em_classify(iris[1:4], iris$Species, covariance = c("EEE", "VVI", "VVV"), criterion = "CV", folds = parts)
  by_hand <- vapply(cl$table$covariance, function(structure) {
    -2 * sum(vapply(1:5, function(part) {
      fit <- edda(structure, iris[parts != part, 1:4], iris$Species[parts != part])
      prob <- predict(fit, iris[parts == part, 1:4], type = "prob")
      sum(log(prob[cbind(1:30, as.integer(iris$Species[parts == part]))]))
    }, 0))
  }, 0)
  expect_equal(cl$table$CV, unname(by_hand), tolerance = 1e-8)
  expect_false(is.unsorted(cl$table$CV))
  apart <- withr_seed(1, em_classify(iris[1:4], iris$Species, k = 1:2, covariance = c("EEE", "VVI"), shared = FALSE,
                                     criterion = "CV", folds = 3, control = quick))
  expect_setequal(names(apart$table)[1:3], c("class", "k", "covariance"))
  expect_false(all(is.na(apart$table$CV)))
})

test_that("rows without a class help as labels of em_fit() do", {
  y <- iris$Species
  withr_seed(4, y[runif(150) < 0.7] <- NA)
  cl <- edda("VVV", y = y)
  fit <- em_fit(iris[1:4], labels = y)
  expect_equal(cl$loglik, fit$loglik, tolerance = 1e-6)
  expect_gt(em_agree(cl, iris$Species)$rand, em_agree(edda("VVV", iris[!is.na(y), 1:4], droplevels(y[!is.na(y)])) |>
                                                        predict(iris[1:4]), iris$Species)$rand - 0.02)
  expect_equal(sum(cl$confusion), sum(!is.na(y)))
  expect_equal(sum(cl$shares), 1)
  some <- withr_seed(1, em_classify(iris[1:4], y, k = c(setosa = 2, versicolor = 1, virginica = 1), covariance = "EEE", control = quick))
  expect_true(is.finite(some$loglik))
  expect_gte(min(diff(some$fits[[1]]$trace$loglik)), -1e-8)
})

test_that("a class that nobody labelled is found among the rows without a class", {
  y <- iris$Species
  y[y == "virginica"] <- NA
  y <- droplevels(y)
  y[c(1:10, 51:60)] <- NA
  cl <- withr_seed(1, edda("VVV", y = y, unknown = 1))
  expect_identical(cl$classes, c("setosa", "versicolor", "unknown"))
  expect_gt(mean(predict(cl)[101:150] == "unknown"), 0.9)
  expect_true(all(predict(cl)[1:10] == "setosa"))
  expect_identical(dim(cl$confusion), 2:3)
  expect_output(print(cl), "70 without a class")
})

test_that("weights count as repeated rows, and formulas, subsets and pipes give the same", {
  w <- rep(c(1, 2, 0), 50)
  weighted <- edda("EEV", weights = w)
  again <- rep(1:150, w)
  repeated <- edda("EEV", iris[again, 1:4], iris$Species[again])
  expect_equal(weighted$loglik, repeated$loglik, tolerance = 1e-8)
  expect_equal(weighted$marginal, repeated$marginal, tolerance = 1e-8)
  expect_equal(weighted$confusion, repeated$confusion)
  expect_identical(weighted$nobs, sum(w))
  f <- em_classify(Species ~ ., data = iris, covariance = "EEE")
  expect_equal(f$loglik, edda("EEE")$loglik)
  expect_equal(em_classify(iris, Species ~ ., covariance = "EEE")$loglik, f$loglik)
  expect_equal(em_classify(data = iris, formula = Species ~ ., covariance = "EEE")$loglik, f$loglik)
  part <- em_classify(Species ~ Sepal.Length + log(Petal.Length), data = iris, subset = Petal.Width > 0.6, covariance = "EEE")
  expect_identical(part$classes, c("versicolor", "virginica"))
  expect_identical(as.character(predict(part, iris[c(60, 140), ])), c("versicolor", "virginica"))
})

test_that("other families have classes too", {
  counts <- withr_seed(1, data.frame(a = rpois(90, rep(c(2, 9, 4), each = 30)), b = rpois(90, rep(c(5, 5, 12), each = 30))))
  y <- rep(c("p", "q", "r"), each = 30)
  cl <- em_classify(counts, y, family = "poisson")
  rates <- as.matrix(aggregate(counts, list(y), mean)[-1])
  logs <- vapply(1:3, function(j) dpois(counts$a, rates[j, 1], log = TRUE) + dpois(counts$b, rates[j, 2], log = TRUE), numeric(90))
  expect_equal(cl$loglik, sum(logs[cbind(1:90, rep(1:3, each = 30))]) + 90 * log(1 / 3))
  expect_equal(unname(predict(cl, type = "prob")), exp(logs) / rowSums(exp(logs)))
  typical <- predict(cl, type = "typicality", seed = 1)
  expect_true(all(typical >= 0 & typical <= 1))
  own <- typical[cbind(1:90, rep(1:3, each = 30))]
  expect_gt(mean(own), 0.4)
  items <- expect_silent(em_classify(interview[1:3], interview$cooperation, family = "categorical"))
  expect_identical(items$df, 2L + 3L * (2L + 1L + 1L))
  expect_true(all(predict(items, interview[1:5, ], type = "typicality", seed = 1) >= 0))
  tosses <- em_classify(coins[c("heads", "tails")], coins$coin, family = "binomial")
  expect_identical(as.character(predict(tosses, data.frame(heads = c(9, 2), tails = c(1, 8)))), c("A", "B"))
  expect_true(all(is.finite(predict(tosses, type = "typicality", seed = 1))))
  rated <- em_classify(counts["a"], y, family = em_poisson(exposure = rep(2, 90)))
  expect_identical(nrow(predict(rated, data.frame(a = 5), exposure = 2, type = "prob")), 1L)
  expect_true(all(is.finite(predict(rated, data.frame(a = 5), exposure = 2, type = "typicality", seed = 1))))
})

test_that("what can't be classified is refused in words", {
  x <- iris[1:4]
  y <- iris$Species
  fails <- function(message, ..., class = "emfit_error_argument") {
    expect_error(em_classify(x, ...), message, class = class, fixed = TRUE)
  }
  fails("`y` is missing")
  fails("150, not 3", 1:3)
  expect_error(em_classify(iris, "Species"), "em_classify(Species ~ ., data = )", fixed = TRUE)
  fails("must be a factor, or a vector with the class of each row, not a list", as.list(y))
  fails("\"d\" has none", factor(y, levels = c(levels(y), "d")))
  fails("\"d\", \"e\" have none", factor(y, levels = c(levels(y), "d", "e")))
  fails("No row of class \"setosa\" counts", y, weights = rep(0:1, c(50, 100)))
  fails("two classes or more, not 1", rep("a", 150))
  fails("`k` must be numbers of components, not \"two\"", y, k = "two")
  fails("must name each class once", y, k = c(setosa = 1, versicolour = 1, virginica = 1))
  fails("Did you mean \"versicolor\"?", y, k = c(setosa = 1, versicolour = 1, virginica = 1))
  fails("`k` can't be 60 for class \"setosa\": it has 50 rows", y, k = 60, covariance = "EEE")
  lone <- rep(c("a", "b"), c(149, 1))
  fails("Class \"b\" has 1 row, too few for 1 component: each needs 5", lone, covariance = "VVV", class = "emfit_error_degenerate")
  expect_identical(em_classify(x, lone, covariance = c("EEE", "VVV"))$table$status, c("converged", "failed"))
  fails("can't be fitted by itself", lone, shared = FALSE, class = "emfit_error_degenerate")
  fails("None of these numbers", lone, covariance = c("EVV", "VVV"), class = "emfit_error_degenerate")
  some <- replace(y, 1:3, NA)
  fails("so 3 rows without a class can't help", some, shared = FALSE, class = "emfit_error_unsupported")
  fails("needs rows whose class is NA", y, unknown = 1)
  fails("can't have a class \"unknown\"", replace(rep(c("a", "unknown"), 75), 1, NA), unknown = 1)
  fails("`shared` must be TRUE or FALSE", y, shared = NA)
  fails("`criterion` must be", y, criterion = "ICL")
  fails("`folds` can't be more than the rows with a class: 150, not 151", y, criterion = "CV", folds = 151)
  fails("in which of two parts or more each of the 150 rows", y, criterion = "CV", folds = rep(1, 150))
  expect_error(em_classify(~ Sepal.Width, data = iris), "no class on its left side", class = "emfit_error_input")
  expect_error(em_classify(Species ~ nothing, data = iris), class = "emfit_error_input")
  expect_error(em_classify(Specie ~ ., data = iris), "left side of the formula", class = "emfit_error_argument")
})

test_that("where one Gaussian can't hold a class, several beat one, and one beats a shared one", {
  half_rings <- function(n) {
    angle <- runif(2 * n, 0, pi)
    radius <- 3 + rnorm(2 * n, sd = 0.35)
    up <- seq_len(n)
    side <- sample(c(-3.5, 6.5), n, TRUE)
    data.frame(x1 = c((radius * cos(angle))[up], (3 - radius * cos(angle))[-up], rnorm(n, side, 0.7)),
               x2 = c((radius * sin(angle))[up], (1 - radius * sin(angle))[-up], rnorm(n, 0.2, 0.7)),
               y = factor(rep(c("a", "b", "c"), each = n)))
  }
  old <- withr_seed(1, half_rings(100))
  new <- withr_seed(2, half_rings(1000))
  error <- function(...) mean(predict(withr_seed(3, em_classify(y ~ ., data = old, control = em_control(n_start = 2), ...)), new) != new$y)
  many <- error(k = 1:3, covariance = "VVV")
  one <- error()
  linear <- error(covariance = "EEE")
  expect_lt(many, one - 0.05)
  expect_lt(one, linear - 0.03)
})
