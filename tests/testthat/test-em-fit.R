test_that("vector, matrix, data frame and formula are four ways to one fit", {
  start <- list(mean = c(4.3, 2), sd = c(0.4, 0.2))
  fits <- list(em_fit(faithful$eruptions, start = start), em_fit(faithful["eruptions"], start = start),
               em_fit(as.matrix(faithful["eruptions"]), start = start), em_fit(~eruptions, faithful,
                                                                               start = start))
  for (fit in fits) {
    expect_identical(fit$loglik, fits[[1]]$loglik)
    expect_identical(unname(fit$parameters$sd), unname(fits[[1]]$parameters$sd))
  }
})

test_that("the Old Faithful fit is the one of the literature", {
  set.seed(1)
  fit <- em_fit(faithful, k = 2)
  expect_equal(fit$loglik, -1130.264, tolerance = 1e-7)
  expect_equal(BIC(fit), 2322.192, tolerance = 1e-6)
  expect_equal(unname(fit$parameters$proportions), c(0.6441, 0.3559), tolerance = 1e-3)
  expect_identical(fit$df, 11L)
})

test_that("the log-likelihood never falls, from any start", {
  for (seed in 1:10) {
    set.seed(seed)
    fit <- em_fit(iris[1:4], 3, start = "partition", control = em_control(n_start = 1, accelerate = FALSE))
    expect_true(all(diff(fit$trace$loglik) > -1e-10 * abs(fit$loglik)))
  }
})

test_that("a formula finds weights and subset in the data", {
  d <- transform(faithful, w = rep(1:2, 136), keep = waiting > 50)
  start <- list(mean = c(4.3, 2), sd = c(0.4, 0.2))
  fit <- em_fit(~eruptions, d, start = start, weights = w, subset = keep)
  direct <- em_fit(d$eruptions[d$keep], start = start, weights = d$w[d$keep])
  expect_identical(unname(coef(fit)), unname(coef(direct)))
  expect_identical(fit$nobs, direct$nobs)
})

test_that("components keep the user's order, and are sorted otherwise", {
  small_first <- em_fit(faithful,
                        start = list(mean = rbind(c(2, 55), c(4.3, 80)), covariance = diag(c(0.2, 40))))
  expect_lt(small_first$parameters$proportions[[1]], 0.5)
  set.seed(1)
  expect_gt(em_fit(faithful, 2)$parameters$proportions[[1]], 0.5)
  set.seed(1)
  equal <- em_fit(faithful, 2, latent = em_mixture("equal"))
  expect_lt(equal$parameters$mean[1, 1], equal$parameters$mean[2, 1])
})
