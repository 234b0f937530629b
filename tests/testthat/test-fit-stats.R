test_that("AIC and BIC follow from logLik()", {
  fit <- em_fit(faithful, 1)
  expect_identical(attributes(logLik(fit))[c("df", "nobs")], list(df = 5L, nobs = 272L))
  expect_equal(AIC(fit), -2 * fit$loglik + 10)
  expect_equal(BIC(fit), -2 * fit$loglik + 5 * log(272))
  weighted <- em_fit(faithful, 1, weights = rep(3, 272))
  expect_equal(BIC(weighted), -6 * fit$loglik + 5 * log(816))
})

test_that("coef() names every parameter once, and as.data.frame() has the same in columns", {
  fit <- em_fit(faithful, 1)
  expect_named(coef(fit), c("proportion[1]", "mean.eruptions[1]", "mean.waiting[1]",
                            "covariance.eruptions.eruptions[1]", "covariance.eruptions.waiting[1]",
                            "covariance.waiting.waiting[1]"))
  expect_identical(coef(fit)[["covariance.eruptions.waiting[1]"]], fit$parameters$covariance[1, 2, 1])
  table <- as.data.frame(fit)
  expect_named(table, c("component", "term", "variable", "variable2", "estimate"))
  expect_identical(table$estimate, unname(coef(fit)))
})

test_that("the other extractors give what was put in", {
  fit <- em_fit(~eruptions, faithful, 1, weights = rep(2, 272))
  expect_identical(nobs(fit), 544)
  expect_identical(weights(fit), rep(2, 272))
  expect_identical(weights(em_fit(faithful, 1)), rep(1, 272))
  expect_identical(formula(fit), ~eruptions, ignore_formula_env = TRUE)
  expect_null(formula(em_fit(faithful, 1)))
})

test_that("a fall that the units of the columns allow for is rounding, and a greater one is reported", {
  set.seed(1)
  x <- cbind(a = rnorm(40, 0, 1e-3), b = rnorm(40, 1e9, 600))
  fit <- em_fit(x, k = 1)
  fit$status <- "not_monotone"
  fall <- function(by) {
    fit$gain <- -by
    emfit:::warn_falling(fit)
  }
  expect_warning(fall(1e-6), "Rounding made the log-likelihood fall by 1e-06", class = "emfit_warning_not_monotone")
  expect_warning(fall(1e-6), "update(fit, x = scale(fit$data$x))", fixed = TRUE)
  expect_warning(fall(1e-1), "please report this data set", class = "emfit_warning_not_monotone")
  fit$data$x[, 1] <- 1e6 * fit$data$x[, 1] # then b is only far from 0
  fit$data$x[, 2] <- fit$data$x[, 2] + 3e9
  expect_warning(fall(1e-8), "\"b\" has values of about 4", class = "emfit_warning_not_monotone")
  expect_warning(fall(1e-6), "please report", class = "emfit_warning_not_monotone")
})
