# em_lrt(): the statistic, the p-value, the seed.

quick <- em_control(n_start = 2)

test_that("the statistic is twice the gain and the p-value counts the samples", {
  set.seed(4)
  fit <- em_fit(faithful$waiting, 1)
  test <- em_lrt(fit, n_boot = 19, control = quick)
  expect_s3_class(test, c("em_lrt", "htest"), exact = TRUE)
  two <- em_fit(faithful$waiting, 2)
  expect_equal(unname(test$statistic), 2 * (two$loglik - fit$loglik), tolerance = 1e-7)
  expect_equal(unname(test$estimate), c(fit$loglik, two$loglik), tolerance = 1e-9)
  expect_length(test$simulated, 19)
  expect_true(all(test$simulated >= 0))
  expect_equal(test$p.value, (1 + sum(test$simulated >= test$statistic)) / 20)
  expect_equal(test$p.value, 1 / 20)
  expect_output(print(test), "LR = 122.57.*p-value = 0.05.*2 components rather than 1")
})

test_that("a model that is true is not refused", {
  set.seed(2)
  x <- c(rnorm(60), rnorm(60, 6))
  test <- em_lrt(em_fit(x, 2, em_gaussian("E")), n_boot = 19, control = quick)
  expect_gt(test$p.value, 0.1)
  expect_gt(sum(test$simulated < test$statistic), 0)
})

test_that("a sample counts though a component has few rows, unless its likelihood is unbounded", {
  set.seed(2)
  fit <- em_fit(faithful$waiting, 1)
  models <- list(small = fit_model(fit), large = fit_model(fit))
  models$large$k <- 2L
  pairs <- fit_pairs(replicate(30, resample(fit, fit$parameters), simplify = FALSE), models, fit$parameters, quick)
  thin <- Filter(function(pair) length(pair$large$degenerate) > 0L, pairs)
  expect_gt(length(thin), 0)
  expect_true(all(vapply(thin, function(pair) least_spread(pair$large) >= 1e-6 && pair$statistic > 0, NA)))
  point <- fit$data
  point$x[1] <- 1e5
  expect_identical(fit_pairs(list(point), models, fit$parameters, quick)[[1]]$statistic, NA_real_)
})

test_that("the seed decides and threads do not", {
  fit <- em_fit(faithful[1:80, ], k = 1, family = em_gaussian("EEE"))
  run <- function(threads) {
    set.seed(3)
    em_lrt(fit, n_boot = 4, control = em_control(n_start = 2, threads = threads))
  }
  expect_identical(run(1), run(2))
})

test_that("counts keep their trials, and held proportions stay held", {
  set.seed(4)
  data <- law_counts(60, 5)
  fit <- em_fit(data, 1, "binomial")
  drawn <- resample(fit, fit$parameters)
  expect_identical(drawn$x[, 2], rowSums(data))
  test <- em_lrt(fit, n_boot = 9, control = quick)
  expect_equal(test$p.value, 0.1)
  equal <- em_lrt(em_fit(faithful$waiting, 1, latent = em_mixture("equal")), n_boot = 3, control = quick)
  expect_equal(unname(equal$estimate[2]),
               em_fit(faithful$waiting, 2, latent = em_mixture("equal"))$loglik, tolerance = 1e-7)
})

test_that("what can't be tested is said", {
  fit <- em_fit(faithful, 2)
  expect_error(em_lrt(fit, k = 2), "`k` must be more than the 2 components of `fit`, not 2", class = "emfit_error_argument")
  expect_error(em_lrt(fit, n_boot = 0), "`n_boot`", class = "emfit_error_argument")
  expect_error(em_lrt(fit, nboot = 3), "Unknown argument `nboot`", class = "emfit_error_argument")
  expect_error(em_lrt(em_fit(faithful, 1, weights = rep(c(2, 1.5), 136))), "case weights that are no counts \\(row 2 has 1.5",
               class = "emfit_error_unsupported")
  expect_error(em_lrt(em_fit(c(1, 1, 2, 2), 1), n_boot = 1), class = "emfit_error_degenerate")
})

test_that("a row of weight 3 counts as three, in the data and in the samples", {
  x <- faithful$waiting[1:60]
  weights <- rep_len(1:3, 60)
  fit <- em_fit(x, 1, weights = weights)
  drawn <- withr_seed(1, resample(fit, fit$parameters))
  expect_identical(nrow(drawn$x), sum(weights))
  expect_true(all(drawn$weights == 1))
  counted <- withr_seed(2, em_lrt(fit, n_boot = 9, control = quick))
  repeated <- withr_seed(2, em_lrt(em_fit(rep(x, weights), 1), n_boot = 9, control = quick))
  expect_equal(counted$statistic, repeated$statistic, tolerance = 1e-6)
  expect_lt(abs(median(counted$simulated) - median(repeated$simulated)), 8)
})
