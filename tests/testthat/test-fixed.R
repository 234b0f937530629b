# Parameters that are held: to the last bit, with the degrees of freedom that are left.

run_fixed <- function(x, fixed, ..., family = em_gaussian()) {
  em_fit(x, family = family, fixed = fixed, control = em_control(tol = 1e-10, max_iter = 3000, accelerate = FALSE), ...)
}

test_that("held numbers come back bit by bit, and df counts what is free", {
  x <- law_matrix(200, 1, 12)[, 1]
  fit <- withr_seed(1, run_fixed(x, list(mean = c(0.1, NA), sd = c(NA, 0.7)), k = 2))
  expect_identical(unname(fit$parameters$mean[1]), 0.1)
  expect_identical(unname(fit$parameters$sd[2]), 0.7)
  expect_identical(fit$df, 3L)
  expect_match(format(fit)[2], "200 observations, 1 variable, 2 parameters held", fixed = TRUE)
  fit <- withr_seed(1, run_fixed(x, list(proportions = c(0.3, NA, NA)), k = 3))
  expect_identical(unname(fit$parameters$proportions[1]), 0.3)
  expect_equal(sum(fit$parameters$proportions), 1)
  expect_identical(fit$df, 3L + 3L + 1L)
  all_held <- run_fixed(x, list(mean = c(a = 0, b = 3), sd = c(1, 1), proportions = c(0.6, 0.4)))
  expect_identical(all_held$df, 0L)
  expect_named(all_held$counts, c("a", "b"))
  expect_equal(all_held$loglik, sum(log(0.6 * dnorm(x) + 0.4 * dnorm(x, 3))), tolerance = 1e-12)
  held <- matrix(c(0, NA, NA, NA, 3, NA), 2)
  fit <- withr_seed(1, run_fixed(law_matrix(200, 3, 11), list(mean = held), k = 2))
  expect_identical(unname(fit$parameters$mean[!is.na(held)]), c(0, 3))
  expect_identical(fit$df, 1L + 6L - 2L + 12L)
  coins_fit <- withr_seed(1, em_fit(coins[c("heads", "tails")], k = 2, family = "binomial", fixed = list(prob = c(NA, 0.5))))
  expect_identical(unname(coins_fit$parameters$prob[2]), 0.5)
  expect_identical(coins_fit$df, 2L)
})

test_that("the fit is the maximum over what is free, under every structure", {
  x <- law_matrix(200, 3, 11)
  held <- matrix(c(0, NA, NA, NA, 3, NA), 2)
  start <- list(mean = rbind(c(0, 0, 0), c(3, -1, 3)), covariance = diag(3))
  for (structure in law_structures) {
    fit <- run_fixed(x, list(mean = held), start = start, family = em_gaussian(structure))
    expect_gte(min(diff(fit$trace$loglik)), -1e-8)
    score <- emfit:::score_em(fit$data, fit$parameters, emfit:::fit_model(fit), "information")
    expect_length(score$gradient, fit$df)
    expect_lt(max(abs(score$gradient)), 1e-3)
    free <- em_fit(x, start = fit, family = em_gaussian(structure))
    expect_gte(free$loglik, fit$loglik)
  }
})

test_that("a mean held at a known value is the closed form for one component", {
  x <- law_matrix(100, 2, 11)
  fit <- run_fixed(x, list(mean = matrix(c(0.5, NA), 1)), k = 1)
  # mu_2 is the intercept at x_1 = 0.5 of the regression of x_2 on x_1
  slope <- coef(lm(x[, 2] ~ I(x[, 1] - 0.5)))
  expect_equal(unname(fit$parameters$mean[1, 2]), unname(slope[1]), tolerance = 1e-5)
  expect_equal(fit$parameters$covariance[1, 1, 1], mean((x[, 1] - 0.5)^2), tolerance = 1e-6)
})

test_that("covariances are held where the structure can, whole or by single variances", {
  x <- law_matrix(200, 2, 11)
  sigma <- matrix(c(1, 0.2, 0.2, 2), 2)
  spread <- array(c(sigma, rep(NA, 4)), c(2, 2, 2))
  fit <- withr_seed(1, run_fixed(x, list(covariance = spread), k = 2))
  expect_identical(unname(fit$parameters$covariance[, , 1]), sigma)
  expect_identical(fit$df, 1L + 4L + 3L)
  fit <- withr_seed(1, run_fixed(x, list(covariance = sigma), k = 2, family = em_gaussian("EEE")))
  expect_identical(unname(fit$parameters$covariance[, , 2]), sigma)
  expect_identical(fit$df, 5L)
  single <- array(NA_real_, c(2, 2, 2))
  single[1, 1, 2] <- 1.5
  fit <- withr_seed(1, run_fixed(x, list(covariance = single), k = 2, family = em_gaussian("VVI")))
  expect_identical(unname(fit$parameters$covariance[1, 1, 2]), 1.5)
  expect_identical(fit$df, 1L + 4L + 3L)
  score <- emfit:::score_em(fit$data, fit$parameters, emfit:::fit_model(fit), "information")
  expect_length(score$gradient, fit$df)
  expect_lt(max(abs(score$gradient)), 1e-3)
  expect_true(isSymmetric(vcov(fit)))
  expect_identical(nrow(vcov(fit)), 1L + 1L + 4L + 3L)
})

test_that("what can't be held is refused", {
  x <- law_matrix(100, 2, 11)
  fails <- function(fixed, message, what = "fixed", ...) {
    expect_error(em_fit(x, k = 2, fixed = fixed, ...), message, class = paste0("emfit_error_", what), fixed = TRUE)
  }
  spread <- array(c(diag(2), rep(NA, 4)), c(2, 2, 2))
  fails(list(covariance = spread), "shares its covariances", "unsupported", family = em_gaussian("EEV"))
  fails(list(covariance = array(c(1, NA, NA, 2), c(2, 2, 2))), "partly NA", "unsupported")
  fails(list(covariance = array(c(diag(2), 2 * diag(2)), c(2, 2, 2))), "not of the structure \"EEE\"",
        family = em_gaussian("EEE"))
  fails(list(covariance = matrix(c(1, 2, 2, 1), 2)), "not symmetric and positive definite")
  fails(list(means = 1:2), "not \"means\"")
  fails(list(mean = c(1, NA)), "2 x 2")
  fails(list(proportions = c(0.5, 0.6)), "sum to 1.1")
  fails(list(proportions = c(1, NA)), "less than 1")
  fails(list(proportions = c(0.5, NA)), "holds the proportions", latent = em_mixture("equal"))
  fails(3, "named list")
  expect_error(em_fit(x[, 1], k = 2, fixed = list(sd = c(-1, NA))), "component 1 has -1", class = "emfit_error_fixed")
})

test_that("fixed goes with labels, weights and missing values", {
  x <- with_holes(iris[1:4], 0.1)
  means <- matrix(NA_real_, 3, 4)
  means[2, 1] <- 6
  species <- iris$Species
  species[c(TRUE, FALSE)] <- NA
  w <- rep(c(1, 2, 0), 50)
  run <- function(i, w = NULL) {
    em_fit(x[i, ], labels = species[i], weights = w, fixed = list(mean = means), na.action = na.pass,
           start = em_mstep(iris[1:4], iris$Species), control = em_control(tol = 0, max_iter = 6, accelerate = FALSE))
  }
  fit <- run(1:150, w)
  expect_identical(unname(fit$parameters$mean[2, 1]), 6)
  expect_gte(min(diff(fit$trace$loglik)), -1e-9)
  expect_same_parameters(fit, run(rep(1:150, w)))
})

test_that("a bootstrap leaves fixed parameters where they are", {
  x <- law_matrix(150, 2, 11)
  fit <- withr_seed(1, run_fixed(x, list(mean = matrix(c(NA, 3, NA, NA), 2), proportions = c(NA, 0.4)), k = 2))
  boot <- withr_seed(2, em_bootstrap(fit, n_boot = 20))
  held <- c("mean.a[2]", "proportion[2]", "proportion[1]")
  expect_identical(unname(apply(boot$replicates[, held], 2, function(column) length(unique(column)))), c(1L, 1L, 1L))
  expect_false(any(held %in% rownames(vcov(boot))))
  expect_false(any(boot$moved))
  expect_error(em_lrt(fit), "can't take a fit with `fixed`", class = "emfit_error_unsupported")
})
