# Generics of other packages on fits, and of this one on objects of others.
fit <- em_fit(faithful, k = 2, start = "kmeans++", control = em_control(n_start = 2))

in_new_session <- function(...) {
  file <- tempfile(fileext = ".R")
  on.exit(unlink(file))
  writeLines(c(sprintf(".libPaths(%s)", paste(deparse(.libPaths()), collapse = "")), ...), file)
  out <- system2(file.path(R.home("bin"), "Rscript"), c("--vanilla", shQuote(file)), stdout = TRUE, stderr = TRUE)
  utils::tail(out, 1L)
}

test_that("icl() knows both packages' objects, whichever was attached last", {
  skip_on_cran()
  skip_if_not_installed("mclust")
  ask <- c("m <- Mclust(faithful, G = 2, modelNames = 'VVV', verbose = FALSE)",
           "f <- em_fit(faithful, start = factor(m$classification))",
           "cat(isTRUE(all.equal(icl(f), BIC(f) - 2 * sum(log(apply(predict(f, type = 'prob'), 1, max))))),",
           "    isTRUE(all.equal(icl(m), mclust::icl(m))), isTRUE(all.equal(emfit::icl(m), mclust::icl(m))),",
           "    isTRUE(all.equal(mclust::icl(f), emfit::icl(f))))")
  quiet <- function(package) sprintf("suppressPackageStartupMessages(library(%s))", package)
  expect_identical(in_new_session(quiet("mclust"), quiet("emfit"), ask), "TRUE TRUE TRUE TRUE")
  expect_identical(in_new_session(quiet("emfit"), quiet("mclust"), ask), "TRUE TRUE TRUE TRUE")
})

test_that("the generics that flexmix and broom bring work on fits, attached before or after", {
  skip_on_cran()
  skip_if_not_installed("flexmix")
  skip_if_not_installed("broom")
  ask <- c("f <- em_fit(faithful, k = 1)",
           "ok <- vapply(list(AIC, BIC, logLik, nobs, predict, fitted, simulate, summary, tidy, glance, augment, icl),",
           "             function(g) length(g(f)) > 0, NA)", "cat(all(ok))")
  quiet <- function(package) sprintf("suppressPackageStartupMessages(library(%s))", package)
  expect_identical(in_new_session(quiet("flexmix"), quiet("broom"), quiet("emfit"), ask), "TRUE")
  expect_identical(in_new_session(quiet("emfit"), quiet("broom"), quiet("flexmix"), ask), "TRUE")
})

test_that("icl() of anything else says what it takes", {
  expect_error(icl(lm(dist ~ speed, cars)), "`object` must come from em_fit()", class = "emfit_error_argument",
               fixed = TRUE)
  selection <- em_select(faithful, k = 1, covariance = "EEE")
  expect_error(icl(selection), "icl(best(models))", class = "emfit_error_argument", fixed = TRUE)
})

test_that("what a mixture has is given to stats, and what it has not is told", {
  expect_equal(extractAIC(fit), c(11, AIC(fit)))
  expect_equal(extractAIC(fit, k = log(272)), c(11, BIC(fit)))
  expect_identical(family(fit), fit$family)
  expect_error(deviance(fit), "no saturated model", class = "emfit_error_unsupported")
  expect_error(df.residual(fit), "no residual degrees of freedom", class = "emfit_error_unsupported")
  expect_error(sigma(fit), "no single residual standard deviation", class = "emfit_error_unsupported")
  expect_error(anova(fit, fit), "em_lrt(fit)", class = "emfit_error_unsupported", fixed = TRUE)
})

test_that("model_performance() gives the criteria that are asked for", {
  all <- model_performance.em_fit(fit)
  expect_identical(all$BIC, BIC(fit))
  expect_identical(names(model_performance.em_fit(fit, metrics = c("BIC", "ICL"))), c("BIC", "ICL"))
  expect_error(model_performance.em_fit(fit, metrics = "R2"), "`metrics` must be", class = "emfit_error_argument")
})

test_that("only Gaussian fits become objects of mclust's, and nothing is said of plots", {
  coins_fit <- em_fit(cbind(heads, tails) ~ 1, coins, k = 1, family = "binomial")
  error <- expect_error(as.Mclust.em_fit(coins_fit), "mclust has no binomial components",
                        class = "emfit_error_unsupported")
  expect_no_match(conditionMessage(error), "plot")
})

test_that("the table of components carries the limits of confint()", {
  limits <- tidy(fit, conf.int = TRUE, conf.level = 0.9)
  ends <- confint(fit, level = 0.9)
  expect_equal(limits$proportion.conf.low, unname(ends[c("proportion[1]", "proportion[2]"), 1L]))
  expect_equal(limits$mean.waiting.conf.high, unname(ends[c("mean.waiting[1]", "mean.waiting[2]"), 2L]))
  expect_equal(limits$sd.waiting.conf.low, unname(sqrt(ends[sprintf("covariance.waiting.waiting[%d]", 1:2), 1L])))
  expect_identical(tidy(fit), limits[seq_along(tidy(fit))])
  one <- em_fit(faithful$waiting, k = 2, start = "kmeans++", control = em_control(n_start = 2))
  expect_equal(tidy(one, conf.int = TRUE)$sd.conf.high, unname(confint(one)[c("sd[1]", "sd[2]"), 2L]))
  tosses <- em_fit(cbind(heads, tails) ~ 1, coins, k = 2, family = "binomial", latent = em_mixture("equal"))
  table <- tidy(tosses, conf.int = TRUE)
  expect_equal(table$prob.conf.low, unname(confint(tosses)[, 1L]))
  expect_true(all(is.na(table$proportion.conf.low)))
  expect_error(tidy(fit, conf.int = TRUE, conf.level = 2), "`conf.level` must be", class = "emfit_error_argument")
})
