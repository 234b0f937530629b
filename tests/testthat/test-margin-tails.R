# What t, gamma and negative binomial components are along columns, against the densities of the fits and R's own laws.

test_that("distribution functions, quantiles and conditionals of t components are those of the joint density", {
  x <- withr_seed(5, rbind(matrix(rt(300, 4), 150), matrix(rt(200, 6) + 6, 100)) %*% rbind(c(1, 0.4), c(0, 1)))
  fit <- withr_seed(1, em_fit(x, 2, family = em_t()))
  p <- fit$parameters
  at <- c(-40, -2, 0.5, 7)
  own <- vapply(1:2, function(k) pt((at - p$mean[k, 1]) / sqrt(p$covariance[1, 1, k]), p$df[k]), at)
  expect_equal(em_cdf(fit, at, 1), as.vector(own %*% p$proportions), tolerance = 1e-12, ignore_attr = TRUE)
  expect_equal(em_cdf(fit, quantile(fit, c(0.001, 0.3, 0.99), variable = 2), 2), c(0.001, 0.3, 0.99), tolerance = 1e-10,
               ignore_attr = TRUE)
  given <- em_conditional(fit, x1 = 2.5)
  joint <- function(y) predict(fit, cbind(2.5, y), type = "density")
  alone <- predict(em_marginal(fit, 1), 2.5, type = "density")
  y <- c(-30, 0, 3, 9)
  expect_equal(as.vector(predict(given, y, type = "density")), as.vector(joint(y) / alone), tolerance = 1e-9)
  drawn <- withr_seed(2, simulate(given, n = 20000))
  expect_lt(abs(mean(unlist(drawn) <= 3) - em_cdf(given, 3)), 0.015)
})

test_that("gamma and negative binomial columns are R's laws, weighted", {
  x <- withr_seed(3, rgamma(200, c(9, 0.7), c(9, 0.1)))
  fit <- withr_seed(1, em_fit(x, 2, family = "gamma"))
  p <- fit$parameters
  at <- c(1e-6, 0.5, 3, 200)
  own <- vapply(1:2, function(k) pgamma(at, p$shape[k], p$shape[k] / p$mean[k], lower.tail = FALSE), at)
  expect_equal(em_cdf(fit, at, lower.tail = FALSE), as.vector(own %*% p$proportions), tolerance = 1e-12, ignore_attr = TRUE)
  expect_identical(unname(em_cdf(fit, c(-1, 0))), c(0, 0))
  expect_error(em_conditional(withr_seed(1, em_fit(cbind(a = x, b = rev(x)), 2, family = "gamma")), a = -1), "positive number",
               class = "emfit_error_argument")
  y <- withr_seed(4, rnbinom(300, size = 2, mu = rep(c(3, 20), 150)))
  counts <- withr_seed(1, em_fit(cbind(y), 2, family = "negbin"))
  p <- counts$parameters
  own <- vapply(1:2, function(k) pnbinom(0:30, size = p$size[k], mu = p$mean[k]), numeric(31))
  expect_equal(em_cdf(counts, 0:30), as.vector(own %*% p$proportions), tolerance = 1e-10, ignore_attr = TRUE)
  expect_identical(unname(quantile(counts, 0.5)), as.double(which(own %*% p$proportions >= 0.5)[1] - 1))
})
