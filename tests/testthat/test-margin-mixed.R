# Columns of several kinds in one density: against the law of each, weighted by what is given.

test_that("mixed columns are laws of their own, in the user's names, and conditionals weigh the components", {
  d <- withr_seed(4, {
    z <- sample(2, 300, replace = TRUE)
    data.frame(f = factor(c("a", "b", "c")[ifelse(runif(300) < 0.7, z, 3)]), h = rnorm(300, c(0, 3)[z]),
               n = rpois(300, c(2, 9)[z]), w = rnorm(300, c(1, -1)[z]))
  })
  fit <- withr_seed(1, suppressMessages(em_fit(d, 2, family = em_mixed(counts = "n"))))
  p <- fit$parameters
  h <- c(-1, 2, 5)
  numbers <- p$numeric
  sd <- sqrt(numbers$covariance["h", "h", ])
  own <- vapply(1:2, function(k) pnorm(h, numbers$mean[k, "h"], sd[k]), h)
  expect_equal(unname(em_cdf(fit, h, "h")), as.vector(own %*% p$proportions), tolerance = 1e-12)
  rate <- unlist(p$counts$rate)
  if (is.null(rate)) rate <- unlist(p$count$rate)
  expect_equal(unname(em_cdf(fit, 4, "n")), sum(p$proportions * ppois(4, rate)), tolerance = 1e-12)
  given <- em_conditional(fit, f = "a", n = 3)
  prob <- p$categorical$prob$f[, "a"]
  share <- p$proportions * prob * dpois(3, rate)
  share <- share / sum(share)
  expect_equal(unname(em_cdf(given, h, "h")), as.vector(own %*% share), tolerance = 1e-10)
  told <- suppressMessages(predict(fit, d[1:3, c("f", "n", "w")], type = "response"))
  shares <- predict(fit, d, type = "prob")[1, ] / vapply(1:2, function(k) dnorm(d$h[1], numbers$mean[k, "h"], sd[k]), 0)
  expect_equal(told$mean[1], sum(shares / sum(shares) * numbers$mean[, "h"]), tolerance = 1e-8)
  levels <- suppressMessages(predict(fit, d[1:3, c("h", "n", "w")], type = "response"))
  expect_equal(rowSums(levels), rep(1, 3), tolerance = 1e-12, ignore_attr = TRUE)
  expect_identical(names(levels), c("a", "b", "c"))
  expect_s3_class(em_modes(fit, "h"), "data.frame")
  merged <- em_merge(fit)
  expect_length(predict(merged, k = 1), 300)
})

test_that("summaries have the most probable level of categories, print says what it leaves out, and lacking counts are predicted", {
  d <- withr_seed(4, data.frame(f = factor(c("a", "b", "c")[sample(3, 200, TRUE)]), g = rep(c("u", "v"), 100), h = rnorm(200, c(0, 3)),
                                n = rpois(200, c(2, 9)), t = rbinom(200, 5, c(0.2, 0.8))))
  fit <- withr_seed(1, suppressMessages(em_fit(d, 2, family = em_mixed(t ~ em_binomial(size = 5), counts = "n"))))
  told <- summary(em_marginal(fit))
  expect_identical(names(told), c("variable", "mean", "sd", "5%", "50%", "95%", "mode", "prob"))
  p <- fit$parameters
  shares <- colSums(p$proportions * p$categorical$prob$f)
  expect_identical(told$mode[told$variable == "f"], names(which.max(shares)))
  expect_equal(told$prob[told$variable == "f"], max(shares), tolerance = 1e-12)
  expect_identical(is.na(told$mean), told$variable %in% c("f", "g"))
  expect_identical(names(summary(em_marginal(fit, c("f", "g")))), c("variable", "mode", "prob"))
  expect_identical(names(summary(em_marginal(fit, "h"))), c("variable", "mean", "sd", "5%", "50%", "95%"))
  expect_output(print(em_marginal(fit)), "4 columns more: as.data.frame()", fixed = TRUE)
  expect_silent(lacking <- predict(fit, data.frame(h = 0), type = "response", probs = 0.5))
  given <- em_conditional(fit, h = 0)
  expect_equal(lacking$mean.n, summary(em_marginal(given, "n"))$mean, tolerance = 1e-10)
  expect_equal(lacking$mean.t, summary(em_marginal(given, "t"))$mean, tolerance = 1e-10)
  expect_equal(lacking$f.a, as.vector(em_marginal(given, "f")$weights %*% p$categorical$prob$f[, "a"]), tolerance = 1e-10)
})

test_that("counts that share a total are binomial by themselves, and share what is left of it", {
  y <- withr_seed(1, t(cbind(rmultinom(60, 9, c(2, 3, 5)), rmultinom(60, 9, c(6, 3, 1)))))
  colnames(y) <- c("a", "b", "c")
  fit <- withr_seed(1, em_fit(y, k = 2, family = "multinomial"))
  p <- fit$parameters
  w <- p$proportions
  expect_equal(em_cdf(fit, 0:9, "b"), as.vector(pbinom(outer(0:9, c(1, 1)), 9, rep(p$prob[, "b"], each = 10)) %*% w), tolerance = 1e-12)
  rows <- as.matrix(expand.grid(a = 0:9, b = 0:9))
  whole <- cbind(rows, c = 9 - rowSums(rows))[rowSums(rows) <= 9, ]
  mass <- apply(whole, 1, function(x) sum(w * apply(p$prob, 1, function(prob) dmultinom(x, prob = prob))))
  expect_equal(predict(em_marginal(fit), whole), mass, tolerance = 1e-12)
  given <- em_conditional(fit, a = 4)
  own <- mass[whole[, "a"] == 4]
  expect_equal(predict(em_marginal(given, "b"), data.frame(b = 0:5)), own / sum(own), tolerance = 1e-12)
  expect_equal(predict(given, data.frame(b = 0:5, c = 5:0)), own / sum(own), tolerance = 1e-12)
  expect_equal(predict(em_marginal(fit, c("a", "c")), whole[, c("a", "c")]), mass, tolerance = 1e-12)
  twelve <- em_conditional(fit, a = 4, b = 6, size = 12)
  expect_equal(predict(twelve, data.frame(c = 0:2)), c(0, 0, 1))
  drawn <- simulate(em_conditional(fit, a = 4), 2000, seed = 1)
  expect_true(all(rowSums(drawn) == 5))
  expect_within(mean(drawn$b), summary(given)$mean[1], 0.15)
  expect_error(em_conditional(fit, a = 10), "at most 9", class = "emfit_error_argument")
  expect_error(em_conditional(fit, a = 6, b = 6), "No component has a density", class = "emfit_error_argument")
  expect_error(em_cdf(fit, c(3, 3), 1:2), "share a total have no distribution", class = "emfit_error_unsupported")
  expect_error(predict(fit, data.frame(a = 1, b = 3), type = "response"), "the total is not known", class = "emfit_error_unsupported")
  varied <- withr_seed(1, em_fit(rbind(y, c(1, 1, 1)), k = 2, family = "multinomial"))
  expect_error(em_marginal(varied), "`size` must be said", class = "emfit_error_argument")
})
