# em_marginal(), em_conditional() and predict(type = "response") against formulas, 50 digits and each other.

test_that("a conditional agrees with 50 digits, near and far out", {
  table <- read.csv(test_path("fixtures", "density.csv"))
  fit <- square_fit()
  for (rows in split(table[table$case == "given", ], table$at[table$case == "given"])) {
    given <- em_conditional(fit, Var1 = rows$at[1])
    value <- stats::setNames(rows$value, rows$what)
    told <- summary(given, 0.5)
    expect_equal(given$log_weights[1], value[["share"]], tolerance = 1e-14)
    expect_equal(c(told$mean, told$sd), c(value[["mean"]], value[["sd"]]), tolerance = 1e-14)
  }
  beyond <- em_conditional(fit, Var1 = 1e200)
  expect_identical(beyond$weights, c(0, 1)) # the wider of the two
  expect_equal(em_conditional(fit, Var2 = -1e-12)$weights, em_conditional(fit, Var2 = 0)$weights, tolerance = 1e-11)
})

test_that("columns come in the order asked, those of noise too", {
  fit <- em_fit(rbind(as.matrix(faithful), c(9, 20), c(0, 140)), k = 2, latent = em_mixture(noise = TRUE))
  turned <- em_marginal(fit, c("waiting", "eruptions"))
  expect_equal(predict(turned, faithful[1:3, ]), unname(predict(fit, faithful[1:3, ], type = "density")), tolerance = 1e-12)
  expect_equal(quantile(turned, c(0.001, 0.999), "waiting"), quantile(fit, c(0.001, 0.999), "waiting"), tolerance = 1e-12)
  expect_equal(em_conditional(turned, eruptions = 3)$weights, em_conditional(fit, eruptions = 3)$weights, tolerance = 1e-12)
})

test_that("density of a row is margin times conditional", {
  fit <- em_fit(iris[1:4], k = 2)
  row <- iris[77, 1:4]
  given <- em_conditional(fit, Petal.Length = row$Petal.Length, Sepal.Width = row$Sepal.Width)
  expect_equal(predict(given, row[c(1, 4)]) * predict(em_marginal(fit, c("Petal.Length", "Sepal.Width")), row[c(2, 3)]),
               unname(predict(fit, row, type = "density")), tolerance = 1e-12)
  again <- em_conditional(em_conditional(fit, Petal.Length = row$Petal.Length), Sepal.Width = row$Sepal.Width)
  expect_equal(again$weights, given$weights, tolerance = 1e-12)
  expect_equal(again$blocks, given$blocks, tolerance = 1e-12)
  expect_equal(predict(em_marginal(fit), iris[1:4], "prob"), unname(predict(fit, type = "prob")), tolerance = 1e-12, ignore_attr = TRUE)
})

test_that("draws have the moments, and the seed is put back", {
  given <- em_conditional(square_fit(), Var1 = 1.5)
  set.seed(4)
  before <- runif(1)
  set.seed(4)
  x <- simulate(given, 4000, seed = 1)
  expect_identical(runif(1), before)
  told <- summary(given)
  expect_within(mean(x$Var2), told$mean, 4 * told$sd / sqrt(4000))
  expect_within(mean(x$Var2 < told[["5%"]]), 0.05, 4 * sqrt(0.05 * 0.95 / 4000))
  expect_identical(levels(attr(x, "component")), given$components)
})

test_that("predict(type = \"response\") is the conditional of each row", {
  fit <- em_fit(faithful, k = 2)
  found <- predict(fit, data.frame(eruptions = c(a = 2, b = 3, c = 50)), type = "response", probs = c(0.1, 0.9))
  for (i in 1:3) {
    given <- em_conditional(fit, eruptions = c(2, 3, 50)[i])
    expect_equal(unlist(found[i, ]), c(unlist(summary(given, 0.5)[c("mean", "sd")]), quantile(given, c(0.1, 0.9))), tolerance = 1e-10)
  }
  expect_named(found, c("mean", "sd", "10%", "90%"))
  gaps <- predict(fit, data.frame(eruptions = c(3, NA), waiting = c(NA, 70)), type = "response")
  expect_identical(gaps$mean.eruptions[1], 3)
  expect_equal(gaps$mean.waiting[1], found$mean[2])
  expect_equal(gaps$mean.eruptions[2], summary(em_conditional(fit, waiting = 70))$mean, tolerance = 1e-10)
  holes <- em_fit(airquality[1:4], k = 2, control = em_control(n_start = 2))
  filled <- em_impute(holes)[[1]]
  expect_equal(predict(holes, type = "response")$mean.Ozone, filled$Ozone, tolerance = 1e-10)
})

test_that("counts and categories: weights alone change", {
  set.seed(2)
  x <- data.frame(a = rpois(150, c(1, 8)), b = rpois(150, c(12, 3)))
  fit <- em_fit(x, k = 2, family = "poisson")
  p <- fit$parameters
  w <- p$proportions * dpois(7, p$rate[, "a"])
  given <- em_conditional(fit, a = 7)
  expect_equal(given$weights, unname(w / sum(w)), tolerance = 1e-13)
  told <- predict(fit, data.frame(a = 7), type = "response")
  expect_equal(told$mean, sum(given$weights * p$rate[, "b"]), tolerance = 1e-12)
  expect_identical(told[["50%"]], quantile(given, 0.5, names = FALSE))
  votes <- em_fit(interview, k = 2, family = "categorical", control = em_control(n_start = 5))
  first <- levels(interview$purpose)[1]
  prob <- votes$parameters$prob
  w <- votes$parameters$proportions * prob$purpose[, first]
  told <- predict(votes, data.frame(purpose = first), type = "response")
  expect_equal(unlist(told[paste0("accuracy.", levels(interview$accuracy))], use.names = FALSE),
               as.vector((w / sum(w)) %*% unname(prob$accuracy)), tolerance = 1e-12)
  expect_equal(em_conditional(votes, purpose = first)$weights, unname(w / sum(w)), tolerance = 1e-13)
  expect_identical(levels(simulate(em_marginal(votes), 3, seed = 1)$purpose), levels(interview$purpose))
  ones <- em_fit(cbind(a = rbinom(90, 1, 0.3), b = rbinom(90, 1, c(0.2, 0.9))), k = 1, family = "bernoulli")
  expect_equal(em_cdf(ones, 0, "a"), 1 - ones$parameters$prob[[1, "a"]], tolerance = 1e-14)
})

test_that("noise and chains have their say", {
  x <- rbind(as.matrix(faithful), cbind(runif(15, 0, 9), runif(15, 20, 140)))
  fit <- em_fit(x, k = 2, latent = em_mixture(noise = TRUE), start = NULL)
  given <- em_conditional(fit, eruptions = 3)
  r <- predict(fit, data.frame(eruptions = 3, waiting = NA), type = "prob")
  expect_equal(given$weights, unname(r[1, ]), tolerance = 1e-12)
  expect_equal(predict(fit, data.frame(eruptions = 3), type = "response")$mean, summary(given)$mean, tolerance = 1e-10)
  expect_equal(em_conditional(fit, eruptions = 1e6)$weights, c(0, 0, 1))
  chain <- em_fit(faithful, k = 2, latent = em_markov(), control = em_control(n_start = 3))
  gap <- faithful[1:9, ]
  gap$waiting[5] <- NA
  told <- predict(chain, gap, type = "response")
  r <- predict(chain, gap, type = "prob")[5, ]
  p <- chain$parameters
  by_hand <- sum(r * (p$mean[, 2] + p$covariance[1, 2, ] / p$covariance[1, 1, ] * (gap$eruptions[5] - p$mean[, 1])))
  expect_equal(told$mean[5], by_hand, tolerance = 1e-10)
})

test_that("what can't be is refused in words", {
  fit <- em_fit(faithful, k = 2, control = em_control(n_start = 1))
  expect_error(em_conditional(fit, eruptions = 3, waiting = 70), "All columns are given", class = "emfit_error_argument")
  expect_error(em_conditional(fit), "needs a value for at least one column", class = "emfit_error_argument")
  expect_error(em_conditional(fit, 3), "must have the name of its column", class = "emfit_error_argument")
  expect_error(em_conditional(fit, eruption = 3), "Did you mean \"eruptions\"", class = "emfit_error_argument")
  expect_error(em_conditional(fit, eruptions = 3, eruptions = 3), "given twice", class = "emfit_error_argument")
  expect_error(em_conditional(fit, eruptions = Inf), "one finite number, not Inf", class = "emfit_error_argument")
  expect_error(em_conditional(fit, eruptions = 2:3), "one finite number", class = "emfit_error_argument")
  expect_error(em_marginal(fit, "wait"), "each once, not \"wait\"", class = "emfit_error_argument")
  expect_error(predict(em_marginal(fit), data.frame(a = 1)), "must have the columns", class = "emfit_error_newdata")
  none <- predict(fit, data.frame(eruptions = numeric()), type = "response")
  expect_identical(dim(none), c(0L, 5L))
  expect_error(predict(fit, faithful, type = "response"), "nothing to predict", class = "emfit_error_newdata")
  expect_error(predict(fit, data.frame(a = 1), type = "response"), "lacks columns", class = "emfit_error_newdata")
  expect_error(predict(fit, data.frame(eruptions = 1, wating = 2), type = "response"), "misspelt", class = "emfit_error_newdata")
  votes <- em_fit(interview, k = 2, family = "categorical", control = em_control(n_start = 2))
  expect_error(em_conditional(votes, purpose = "god"), "Did you mean \"good\"", class = "emfit_error_levels")
  none <- em_fit(cbind(a = c(0, 1, 2, 0), b = c(0, 0, 0, 0)), k = 1, family = "poisson")
  expect_error(em_conditional(none, b = 3), "No component has a density where b = 3", class = "emfit_error_argument")
  expect_error(em_conditional(none, b = -1), "whole number of 0 or more", class = "emfit_error_argument")
  shares <- em_fit(matrix(c(3, 4, 5, 1, 2, 6, 2, 2, 8), 3), k = 1, family = "multinomial")
  expect_error(em_marginal(shares), "`size` must be said: rows of the fit differ in it, from 6 to 19", class = "emfit_error_argument")
})
