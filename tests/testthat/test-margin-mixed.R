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
