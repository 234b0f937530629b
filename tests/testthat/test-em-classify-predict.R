# Priors, costs, components, typicality, missing cells; print, tidy, augment.

cl <- em_classify(iris[1:4], iris$Species, covariance = "VVV")
new <- iris[c(1, 71, 134), 1:4]

test_that("priors enter Bayes' rule and nothing else", {
  even <- predict(cl, new, type = "prob")
  tilted <- predict(cl, new, type = "prob", prior = c(virginica = 0.8, setosa = 0.1, versicolor = 0.1))
  by_hand <- even * rep(c(0.1, 0.1, 0.8), each = 3)
  expect_equal(tilted, by_hand / rowSums(by_hand), tolerance = 1e-10)
  expect_identical(predict(cl, new, type = "prob", prior = "equal"), even)
  unequal <- em_classify(iris[1:120, 1:4], iris$Species[1:120], covariance = "EEE")
  prob <- predict(unequal, new, type = "prob")
  equal <- predict(unequal, new, type = "prob", prior = "equal")
  expect_equal(prob, equal * rep(unequal$shares, each = 3) / rowSums(equal * rep(unequal$shares, each = 3)), tolerance = 1e-10)
  skip_if_not_installed("MASS")
  lda <- MASS::lda(iris[1:120, 1:4], iris$Species[1:120])
  expect_identical(as.character(predict(unequal, iris[1:4])), as.character(predict(lda, iris[1:4])$class))
})

test_that("priors of new rows are found by EM, and are a fixed point", {
  rows <- iris[c(1:5, 51:60, 101:150), 1:4]
  prob <- predict(cl, rows, type = "prob", prior = "newdata")
  prior <- attr(prob, "prior")
  expect_equal(unname(colMeans(prob)), unname(prior), tolerance = 1e-6)
  expect_equal(unname(prior), c(5, 10, 50) / 65, tolerance = 0.05)
  skip_if_not_installed("mclust")
  densities <- exp(emfit:::decide(cl, emfit:::judged_rows(cl, rows))$log_density)
  loglik <- function(p) sum(log(densities %*% p))
  expect_gte(loglik(prior), loglik(c(5, 10, 50) / 65))
})

test_that("costs decide by expected cost, rows true and columns decided, whatever their order", {
  prob <- predict(cl, type = "prob")
  costs <- matrix(c(0, 1, 1, 1, 0, 1, 1, 20, 0), 3, byrow = TRUE, dimnames = list(cl$classes, cl$classes))
  # a true virginica that is decided versicolor costs 20
  decided <- predict(cl, costs = costs)
  expect_identical(unname(as.integer(decided)), max.col(-(prob %*% costs), ties.method = "first"))
  expect_gt(sum(decided == "virginica"), sum(predict(cl) == "virginica"))
  mixed <- costs[c(3, 1, 2), c(2, 3, 1)]
  expect_identical(predict(cl, costs = mixed), decided)
  expect_identical(predict(cl, costs = unname(costs)), decided)
  expect_identical(predict(cl, costs = 1 - diag(3)), predict(cl))
  component <- predict(cl, type = "component", costs = costs)
  expect_identical(sub(" .*", "", component), as.character(decided))
})

test_that("priors and costs that are none are refused", {
  fails <- function(message, ...) expect_error(predict(cl, new, ...), message, class = "emfit_error_argument", fixed = TRUE)
  fails("0.5, 0.5, 0.5 sum to 1.5", prior = c(0.5, 0.5, 0.5))
  fails("or 3 numbers, not 0.5", prior = 0.5)
  fails("must name the classes", prior = c(a = 0.5, b = 0.25, c = 0.25))
  fails("`prior` must be \"shares\"", prior = "share")
  fails("must be a matrix of numbers, 3 x 3", costs = c(1, 2))
  bad <- 1 - diag(3)
  bad[2, 2] <- 5
  fails("Deciding versicolor for a true versicolor costs 5.", costs = bad)
  bad <- 1 - diag(3)
  bad[1, 3] <- -5
  fails("Deciding virginica for a true setosa costs -5.", costs = bad)
  turned <- matrix(1 - diag(3), 3, dimnames = list(decided = cl$classes, true = cl$classes))
  fails("`costs` has \"decided\" in its rows", costs = turned)
  expect_error(predict(cl, iris[1:3]), "lacks column \"Petal.Width\"", class = "emfit_error_newdata", fixed = TRUE)
  fails("Did you mean \"prior\"", priors = "equal")
})

test_that("columns are found by name, and missing cells leave the margin", {
  expect_identical(predict(cl, new[4:1]), predict(cl, new))
  holes <- new
  holes[1, 2] <- NA
  holes[2, c(1, 4)] <- NA
  holes[3, ] <- NA
  prob <- predict(cl, holes, type = "prob")
  p <- cl$fits[[1]]$parameters
  margin <- function(x, seen) {
    vapply(1:3, function(j) {
      exp(-(mahalanobis(x[seen], p$mean[j, seen], p$covariance[seen, seen, j]) + log(det(p$covariance[seen, seen, j]))) / 2)
    }, 0)
  }
  x <- as.matrix(new)
  for (i in 1:2) {
    density <- margin(x[i, ], which(!is.na(holes[i, ])))
    expect_equal(unname(prob[i, ]), density / sum(density), tolerance = 1e-8)
  }
  expect_equal(unname(prob[3, ]), unname(cl$shares))
  holed <- iris[1:4]
  holed[c(3, 77), 1] <- NA
  out <- quietly(em_classify(holed, iris$Species, covariance = "VVI", na.action = na.omit))
  expect_length(predict(out), 148L)
  kept <- suppressMessages(em_classify(holed, iris$Species, covariance = "VVI"))
  expect_length(predict(kept), 150L)
  back <- quietly(em_classify(holed, iris$Species, covariance = "VVI", na.action = na.exclude))
  expect_identical(which(is.na(predict(back))), c(3L, 77L))
})

test_that("typicality is small where a row belongs nowhere, exact or simulated", {
  exact <- predict(cl, new, type = "typicality")
  p <- cl$fits[[1]]$parameters
  for (j in 1:3) {
    expect_equal(unname(exact[, j]), unname(pchisq(mahalanobis(as.matrix(new), p$mean[j, ], p$covariance[, , j]), 4, lower.tail = FALSE)))
  }
  far <- data.frame(Sepal.Length = 20, Sepal.Width = 1, Petal.Length = 3, Petal.Width = 9)
  expect_gt(max(predict(cl, far, type = "prob")), 0.99)
  expect_lt(max(predict(cl, far, type = "typicality")), 1e-6)
  # the same class as a mixture of two equal halves, by simulation
  two <- cl
  p <- two$fits[[1]]$parameters
  twice <- c(1, 1, 2, 3)
  two$fits[[1]]$parameters <- list(proportions = c(1, 1, 2, 2) / 6, mean = p$mean[twice, ], covariance = p$covariance[, , twice])
  two$fits[[1]]$k <- 4L
  two$components <- transform(two$components[twice, ], share = c(0.5, 0.5, 1, 1), at = 1:4)
  holes <- rbind(new, new)
  holes[4:6, 3] <- NA
  simulated <- predict(two, holes, type = "typicality", seed = 3)
  expect_equal(simulated[, 1], predict(cl, holes, type = "typicality")[, 1], tolerance = 0.03)
  expect_identical(predict(two, holes, type = "typicality", seed = 3), simulated)
  state <- get(".Random.seed", globalenv())
  predict(two, holes, type = "typicality", seed = 4)
  expect_identical(get(".Random.seed", globalenv()), state)
})

test_that("components are those of the decided class, and the hardest is told", {
  x <- iris[51:150, 1:2]
  y <- droplevels(iris$Species[51:150])
  two <- withr_seed(1, em_classify(x, y, k = 2, covariance = "VVI", control = em_control(n_start = 3)))
  component <- predict(two, type = "component")
  expect_identical(sub(" .*", "", component), as.character(predict(two)))
  expect_identical(levels(component), two$components$component)
  r <- predict(two$fits[[1]], type = "prob") # held to the true class
  own <- two$components$component[max.col(r)]
  lost <- tapply(predict(two) != y, factor(own, two$components$component), mean)
  expect_equal(unname(c(lost)), two$lost$lost)
  expect_equal(sum(two$lost$rows), 100)
  expect_equal(sum(two$lost$wrong), sum(predict(two) != y))
  hardest <- names(which.max(lost))
  expect_output(print(two), sprintf("Hardest component: %s", hardest), fixed = TRUE)
  expect_equal(two$confusion, unclass(table(true = y, decided = predict(two))), ignore_attr = TRUE)
})

test_that("print says what was chosen and what is lost", {
  expect_snapshot(print(cl))
  expect_snapshot(print(em_classify(iris[1:4], iris$Species, shared = FALSE, covariance = c("EEE", "VVI"))))
  expect_snapshot(print(em_classify(interview[1:3], interview$cooperation, family = "categorical")))
})

test_that("tidy, glance and augment have the rows and columns they promise", {
  table <- tidy(cl)
  expect_identical(table$component, cl$components$component)
  expect_equal(table$mean.Petal.Width, unname(cl$fits[[1]]$parameters$mean[, 4]))
  apart <- tidy(em_classify(iris[1:4], iris$Species, shared = FALSE, covariance = "VVI"))
  expect_equal(apart$mean.Petal.Width, table$mean.Petal.Width)
  row <- glance(cl)
  expect_identical(nrow(row), 1L)
  expect_equal(row$error, mean(predict(cl) != iris$Species))
  out <- augment(cl, iris)
  expect_identical(out$.class, unname(predict(cl)))
  expect_identical(which(out$.wrong), which(predict(cl) != iris$Species))
  expect_equal(out$.prob.virginica, unname(predict(cl, type = "prob")[, 3]))
  expect_identical(names(augment(cl, newdata = new)), c(names(new), ".class", ".component", paste0(".prob.", cl$classes)))
  expect_identical(nrow(augment(cl)), 150L)
  holed <- iris[1:4]
  holed[c(3, 77), 1] <- NA
  left <- quietly(em_classify(holed, iris$Species, covariance = "VVI", na.action = na.omit))
  expect_identical(which(is.na(augment(left, iris)$.class)), c(3L, 77L))
  expect_error(augment(cl, iris[1:10, ]), "must have the rows of the fit", class = "emfit_error_argument")
  expect_identical(nobs(cl), 150L)
})

test_that("no method lets an unknown argument pass", {
  cv <- withr_seed(1, em_cv(cl, folds = 2))
  agree <- em_agree(cl, iris$Species)
  methods <- list(em_classify = cl, em_classify_cv = cv, em_agree = agree)
  for (class in names(methods)) for (method in ls(asNamespace("emfit"), pattern = paste0("[.]", class, "$"))) {
    f <- get(method, asNamespace("emfit"))
    if ("..." %in% names(formals(f))) expect_error(f(methods[[class]], tpyo = 1), class = "emfit_error", label = method)
  }
})

test_that("rows of several blocks are judged as each is by itself, also where no class has a density", {
  fit <- em_classify(iris[1:4], iris$Species, k = 1)
  rows <- iris[rep(1:150, length.out = 2L * 16384L + 1L), 1:4]
  few <- predict(fit, iris[1:4], type = "prob")
  expect_identical(unname(predict(fit, rows, type = "prob")), unname(few[rep(1:150, length.out = nrow(rows)), ]))
  log_density <- rbind(c(-Inf, -Inf), c(log(3), 0))
  expect_within(class_posterior(log_density, c(0.25, 0.75)), rbind(c(0.25, 0.75), c(0.5, 0.5)), 1e-15)
})

test_that("densities of classes and Bayes' rule are those of plain R, on any number of threads", {
  set.seed(5)
  n <- 40003L # more than two slices, and a rest
  logs <- matrix(rnorm(n * 5L, sd = 30), n)
  logs[2L, ] <- -Inf
  logs[3L, 1:2] <- -Inf
  logs[4L, ] <- logs[4L, ] - 1e5
  object <- list(components = data.frame(class = c("b", "a", "b", "a", "c"), share = c(.25, .5, .75, .5, 1)))
  of_class <- emfit:::class_densities(object, logs)
  by_hand <- function(columns, share) {
    top <- apply(logs[, columns, drop = FALSE], 1L, max)
    out <- top + log(exp(logs[, columns, drop = FALSE] - top) %*% share)
    replace(drop(out), top == -Inf, -Inf)
  }
  expect_equal(of_class, cbind(by_hand(c(1L, 3L), c(.25, .75)), by_hand(c(2L, 4L), c(.5, .5)), by_hand(5L, 1)), tolerance = 1e-14)
  prior <- c(.2, .7, .1)
  posterior <- emfit:::class_posterior(of_class, prior)
  top <- apply(of_class, 1L, max)
  joint <- exp(of_class - top) * rep(prior, each = n)
  expect_equal(posterior[-2L, ], (joint / rowSums(joint))[-2L, ], tolerance = 1e-14)
  expect_identical(posterior[2L, ], prior)
  for (threads in 2:3) expect_identical(emfit:::em_bayes_cpp(of_class, prior, TRUE, threads)$posterior, posterior)
  expect_error(emfit:::em_bayes_cpp(of_class, prior[-1L], TRUE, 1L), "a proportion for each column")
})
