# Known labels and beliefs: what is said of a row multiplies its densities.

labelled <- function(share = 0.4, seed = 4) {
  species <- iris$Species
  withr_seed(seed, species[runif(150) > share] <- NA)
  species
}

# One EM iteration in plain R with b_ik pi_k f_k.
belief_step <- function(x, beliefs, p) {
  joint <- reference_log_joint(x, p) + log(beliefs)
  r <- exp(joint - reference_row_loglik(joint))
  loglik <- sum(reference_row_loglik(joint))
  p$proportions <- colSums(r) / sum(r)
  list(parameters = reference_gaussian_step(x, r, p, "VVV"), loglik = loglik)
}

test_that("partial labels give the oracle's iterations, and beliefs of 0 and 1 are labels", {
  x <- unname(as.matrix(iris[1:4]))
  species <- labelled()
  beliefs <- matrix(1, 150, 3)
  known <- which(!is.na(species))
  beliefs[known, ] <- diag(3)[as.integer(species)[known], ]
  start <- em_mstep(x, iris$Species)
  control <- em_control(tol = 0, max_iter = 4, accelerate = FALSE)
  fit <- em_fit(x, labels = species, start = start, control = control)
  p <- reference_parameters(start, 3, 4)
  for (i in 1:5) {
    step <- belief_step(x, beliefs, p)
    expect_equal(fit$trace$loglik[i], step$loglik, tolerance = 1e-10)
    p <- step$parameters
  }
  expect_named(fit$parameters$proportions, levels(iris$Species))
  same <- em_fit(x, labels = beliefs, start = start, control = control)
  expect_equal(same$trace$loglik, fit$trace$loglik, tolerance = 1e-12)
  r <- predict(fit, type = "prob")
  expect_equal(unname(r[known, ]), beliefs[known, ])
  soft <- withr_seed(1, matrix(runif(450), 150))
  fit <- em_fit(x, labels = soft, start = start, control = em_control(tol = 0, max_iter = 1, accelerate = FALSE))
  expect_equal(fit$trace$loglik[1], belief_step(x, soft, reference_parameters(start, 3, 4))$loglik, tolerance = 1e-10)
})

test_that("all labels known is the closed form, in one start", {
  fit <- em_fit(iris[1:4], labels = iris$Species)
  expect_true(fit$converged)
  closed <- em_mstep(iris[1:4], iris$Species)
  expect_equal(fit$parameters$mean, closed$mean, tolerance = 1e-12)
  expect_equal(fit$parameters$covariance, closed$covariance, tolerance = 1e-12)
  expect_identical(nrow(fit$starts), 1L)
  expect_identical(as.character(predict(fit)), as.character(iris$Species))
  counts <- em_fit(coins[c("heads", "tails")], family = "binomial", labels = coins$coin)
  expect_equal(unname(counts$parameters$prob), c(24 / 30, 9 / 20), tolerance = 1e-12)
})

test_that("a few labels guide every start, and the log-likelihood rises", {
  for (structure in c("VVV", "EEE", "VEI")) {
    fit <- withr_seed(1, em_fit(iris[1:4], labels = labelled(0.1), family = em_gaussian(structure),
                                control = em_control(accelerate = FALSE)))
    expect_gte(min(diff(fit$trace$loglik)), -1e-9)
    expect_gt(mean(predict(fit) == iris$Species), 0.9)
    expect_identical(names(fit$counts), levels(iris$Species))
  }
  codes <- rep(NA, 150)
  codes[51:55] <- 2
  codes[1:5] <- 1
  fit <- withr_seed(1, em_fit(iris[1:4], k = 3, labels = codes))
  expect_identical(unname(max.col(predict(fit, type = "prob"))[c(1, 51)]), 1:2)
  named <- factor(c("a", "b")[codes])
  expect_identical(names(withr_seed(1, em_fit(iris[1:4], k = 3, labels = named))$counts), c("a", "b", "3"))
})

test_that("labels go with weights, missing values, formulas, subsets and left out rows", {
  x <- with_holes(iris[1:4], 0.15)
  x[3, ] <- NA
  species <- labelled()
  species[3] <- "setosa"
  w <- rep(c(1, 2, 0), 50)
  w[3] <- 2
  run <- function(x, ...) em_fit(x, na.action = na.pass, control = em_control(tol = 0, max_iter = 8, accelerate = FALSE),
                                 start = em_mstep(iris[1:4], iris$Species), ...)
  weighted <- run(x, labels = species, weights = w)
  i <- rep(1:150, w)
  expect_same_parameters(weighted, run(x[i, ], labels = species[i]))
  expect_identical(nobs(weighted), sum(w))
  data <- cbind(iris, known = labelled())
  a <- em_fit(~ Sepal.Length + Petal.Length, data = data, labels = known, subset = Petal.Width < 2)
  keep <- iris$Petal.Width < 2
  b <- em_fit(iris[keep, c(1, 3)], labels = labelled()[keep])
  expect_equal(a$loglik, b$loglik, tolerance = 1e-9)
  holes <- iris[1:4]
  holes[c(2, 60), 1] <- NA
  expect_identical(em_fit(holes, labels = iris$Species, na.action = na.omit)$data$labels$codes,
                   as.integer(iris$Species)[-c(2, 60)])
})

test_that("labels that can't be are refused", {
  x <- iris[1:4]
  fails <- function(labels, message, ..., class = "emfit_error_argument") {
    expect_error(em_fit(x, labels = labels, ...), message, class = class, fixed = TRUE)
  }
  fails(1:3, "one label for each row: 150, not 3")
  fails(rep(0.5, 150), "row 1 has 0.5")
  fails(iris$Species, "a component for every one of 3 groups, but k = 2", k = 2)
  fails(matrix(1, 3, 2), "150, not 3")
  fails(rbind(matrix(1, 149, 3), 0), "Row 150 has 0, 0, 0")
  fails(factor(rep(1, 150), levels = 1:2), "group \"2\" has none")
  fails(iris$Species, "must name the components as `labels` does", class = "emfit_error_start",
        start = list(mean = em_mstep(x, iris$Species)$mean |> `rownames<-`(c("a", "b", "c")), covariance = diag(4)))
})

test_that("a bootstrap keeps labels with their rows, and simulates rows from the components they name", {
  x <- law_matrix(150, 2, 11)
  labels <- factor(rep(NA, 150), levels = c("a", "b"))
  labels[1:40] <- ifelse(x[1:40, 1] > 1.5, "a", "b")
  fit <- withr_seed(1, em_fit(x, labels = labels))
  error <- sqrt(diag(vcov(fit)))
  for (type in c("nonparametric", "parametric", "weighted")) {
    boot <- withr_seed(2, em_bootstrap(fit, n_boot = 150, type = type))
    expect_false(any(boot$moved))
    ratio <- sqrt(diag(vcov(boot)))[names(error)][1:6] / error[1:6]
    expect_true(all(ratio > 0.6 & ratio < 1.7), label = type)
  }
  component <- withr_seed(3, emfit:::latent_simulate(fit$latent, fit$parameters, 150, fit$data$labels))
  expect_identical(component[1:40], as.integer(labels)[1:40])
  expect_gt(length(unique(component[41:150])), 1)
  beliefs <- cbind(rep(c(1, 0, 0.5), 2000), rep(c(0, 1, 0.5), 2000))
  drawn <- withr_seed(3, emfit:::latent_simulate(em_mixture(), list(proportions = c(0.8, 0.2)), 6000, list(beliefs = beliefs)))
  expect_identical(unique(drawn[c(TRUE, FALSE, FALSE)]), 1L)
  expect_identical(unique(drawn[c(FALSE, TRUE, FALSE)]), 2L)
  expect_lt(abs(mean(drawn[c(FALSE, FALSE, TRUE)] == 1) - 0.8), 4 * sqrt(0.16 / 2000))
  test <- withr_seed(1, em_lrt(fit, n_boot = 3))
  expect_true(is.finite(test$statistic))
  expect_identical(unname(test$parameter), 3L)
  expect_error(em_lrt(em_fit(x, labels = beliefs[1:150, ])), "can't take a fit with beliefs", class = "emfit_error_unsupported")
})

test_that("labelled rows that say nothing are kept, where all such rows are labelled and where no other counts", {
  group <- rep(1:2, 10)
  counts <- cbind(count = c(0, 1:19), exposure = c(0, rep(1, 19)))
  fit <- em_fit(counts, k = 2, family = em_poisson(exposure = "exposure"), labels = group)
  expect_equal(unname(fit$parameters$rate), sort(c(sum(counts[group == 1, 1]) / 9, mean(counts[group == 2, 1]))),
               tolerance = 1e-12)
  expect_equal(unname(fit$parameters$proportions), c(0.5, 0.5))
  items <- data.frame(a = factor(rep(c("x", "y", "y", "x"), 5)), b = factor(rep(c("x", "y"), 10)))
  items[1, ] <- NA
  fit <- suppressMessages(em_fit(items, k = 2, family = em_categorical(), labels = group))
  expect_equal(unname(fit$parameters$proportions), c(0.5, 0.5))
  empty <- replace(counts, TRUE, 0)
  expect_error(em_fit(empty, k = 2, family = em_poisson(exposure = "exposure"), labels = group),
               "no exposure in any row", class = "emfit_error_exposure")
  expect_error(em_fit(cbind(empty, 0)[, 2:3], k = 2, family = "binomial", labels = group), "no trials in any row",
               class = "emfit_error_counts")
})
