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
