# Negative binomial components.

precise <- em_control(tol = 1e-13, max_iter = 20000)

test_that("k = 1 is MASS::fitdistr(), with its standard errors", {
  skip_if_not_installed("MASS")
  y <- MASS::quine$Days
  fit <- em_fit(y, 1, "negbin", control = precise)
  peer <- suppressWarnings(MASS::fitdistr(y, "negative binomial", control = list(reltol = 1e-14)))
  expect_equal(c(fit$parameters$size, fit$parameters$mean), peer$estimate, tolerance = 1e-5, ignore_attr = TRUE)
  expect_gte(fit$loglik, peer$loglik - 1e-9)
  expect_equal(unname(sqrt(diag(vcov(fit))))[2:1], unname(peer$sd), tolerance = 1e-3)
})

test_that("two components with exposure are where optim() finds the maximum", {
  e <- withr_seed(1, runif(400, 0.5, 3))
  y <- withr_seed(2, rnbinom(400, size = c(5, 2), mu = c(1, 12) * e))
  fit <- withr_seed(1, em_fit(y, 2, em_negbin(e), control = precise))
  p <- fit$parameters
  negative <- function(t) {
    -sum(log(plogis(t[1]) * dnbinom(y, exp(t[4]), mu = exp(t[2]) * e) + plogis(-t[1]) * dnbinom(y, exp(t[5]), mu = exp(t[3]) * e)))
  }
  at <- unname(c(qlogis(p$proportions[[1]]), log(p$mean), log(p$size)))
  found <- optim(at + 0.1 * c(1, -1, 1, 1, -1), negative, method = "BFGS", control = list(reltol = 1e-15, maxit = 2000))
  expect_equal(fit$loglik, -found$value, tolerance = 1e-10)
  expect_equal(found$par, at, tolerance = 1e-4)
  errors <- sqrt(diag(solve(optimHess(at, negative))))
  expect_equal(unname(sqrt(diag(vcov(fit)))[3:6] / c(p$mean, p$size)), errors[2:5], tolerance = 1e-3)
})

test_that("as the size grows it is the Poisson distribution, to 1e-9, and has no other limit", {
  y <- c(0:30, 100, 1000, 5000)
  e <- withr_seed(1, runif(length(y), 0.1, 100))
  density <- function(size) {
    fit <- em_fit(y, 1, em_negbin(e), start = list(mean = 7, size = size), control = em_control(max_iter = 0))
    as.vector(predict(fit, type = "logdensity"))
  }
  poisson <- dpois(y, 7 * e, log = TRUE)
  expect_lt(max(abs(density(1e300) / poisson - 1)), 1e-9)
  expect_lt(max(abs(density(1e17) / poisson - 1)), 1e-9)
  for (size in c(1e-3, 1, 40, 1e4)) {
    expect_equal(density(size), dnbinom(y, size = size, mu = 7 * e, log = TRUE), tolerance = 1e-10)
  }
  counts <- withr_seed(2, rpois(300, c(2, 12)))
  negbin <- withr_seed(1, em_fit(counts, 2, "negbin", fixed = list(size = c(1e14, 1e14)), control = precise))
  plain <- withr_seed(1, em_fit(counts, 2, "poisson", control = precise))
  expect_equal(negbin$loglik, plain$loglik, tolerance = 1e-9)
  expect_equal(negbin$parameters$mean, plain$parameters$rate, tolerance = 1e-4)
})

test_that("counts that vary no more than Poisson counts let the size grow, and the fit comes to the Poisson one", {
  y <- rep(c(4, 5, 6), c(10, 30, 10))
  fit <- em_fit(y, 1, "negbin")
  expect_gt(fit$parameters$size[[1]], 1e3)
  expect_equal(fit$loglik, em_fit(y, 1, "poisson")$loglik, tolerance = 1e-3)
  expect_output(print(fit), "do not ask for more variation than Poisson counts have in component 1: em_poisson() says", fixed = TRUE)
  expect_false(any(grepl("do not ask", format(em_fit(withr_seed(1, rnbinom(100, 2, mu = 5)), 1, "negbin")))))
})

test_that("missing counts and rows without exposure say nothing", {
  y <- withr_seed(3, cbind(a = rnbinom(80, 2, mu = c(2, 15)), b = rnbinom(80, 3, mu = c(9, 4))))
  y[cbind(c(2, 7, 30), c(1, 2, 1))] <- NA
  start <- list(mean = rbind(c(2, 8), c(12, 4)), size = matrix(2, 2, 2))
  fit <- suppressMessages(em_fit(y, 2, "negbin", start = start, control = em_control(tol = 0, max_iter = 6, accelerate = FALSE)))
  block <- reference_block("negbin", y)
  run <- reference_blocks_em(list(block), list(proportions = c(0.5, 0.5), blocks = list(start)), n_iter = 6, tol = -Inf)
  expect_equal(fit$loglik, run$loglik, tolerance = 1e-12)
  none <- em_fit(c(3, 0, 9, 1), 1, em_negbin(c(1, 0, 2, 1)))
  expect_equal(none$loglik, em_fit(c(3, 9, 1), 1, em_negbin(c(1, 2, 1)))$loglik, tolerance = 1e-8)
  expect_identical(as.integer(nobs(none)), 3L)
})

test_that("exposure and errors are those of Poisson components, and a call is told", {
  d <- data.frame(y = c(0, 2, 1, 14, 11, 3, 0, 22), hours = c(5, 40, 16, 50, 38, 60, 4, 81))
  by_offset <- em_fit(y ~ 1 + offset(log(hours)), data = d, k = 1, family = em_negbin())
  by_name <- em_fit(d, 1, em_negbin("hours"))
  expect_equal(by_offset$loglik, by_name$loglik, tolerance = 1e-12)
  expect_error(em_fit(c(1, -2), 1, "negbin"), class = "emfit_error_counts")
  expect_error(em_fit(c(1, 2), 1, em_negbin(c(1, 0))), class = "emfit_error_exposure")
  expect_error(em_negbin(TRUE), class = "emfit_error_argument")
  expect_output(print(em_negbin("hours")), "Negative binomial components, exposure in \"hours\"", fixed = TRUE)
  expect_output(print(by_name), "Negative binomial mixture", fixed = TRUE)
  expect_error(em_fit(d, 1, em_negbin("hours"), start = list(mean = 1, size = -1)), class = "emfit_error_start")
})

test_that("pictures are drawn from its probabilities", {
  y <- withr_seed(5, rnbinom(300, c(3, 9), mu = c(3, 30)))
  fit <- withr_seed(1, em_fit(y, 2, "negbin", control = em_control(path = TRUE)))
  bars <- plot_data(fit)$curves
  p <- fit$parameters
  expect_equal(sum(bars$expected[is.na(bars$component)]), 300, tolerance = 0.02)
  file <- tempfile(fileext = ".png")
  grDevices::png(file)
  for (type in c("counts", "responsibility", "uncertainty", "qq", "path", "trace")) expect_no_error(plot(fit, type = type))
  grDevices::dev.off()
  if (requireNamespace("ggplot2", quietly = TRUE)) expect_no_error(ggplot2::autoplot(fit))
})
