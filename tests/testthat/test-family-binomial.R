test_that("the log-likelihood includes the coefficients", {
  fit <- em_fit(coins$heads, 1, em_binomial(10))
  expect_equal(fit$loglik, sum(dbinom(coins$heads, 10, mean(coins$heads) / 10, log = TRUE)),
               tolerance = 1e-14)
})

test_that("log coefficients are right from 1 trial to 1e6", {
  size <- c(1, 10, 255, 256, 257, 1000, 1e6)
  successes <- c(1, 3, 100, 100, 100, 500, 12345)
  fit <- em_fit(successes, 1, em_binomial(size))
  p <- sum(successes) / sum(size)
  expect_equal(predict(fit, type = "logdensity"), dbinom(successes, size, p, log = TRUE), tolerance = 1e-11)
})

test_that("trials may differ from row to row", {
  size <- c(5, 20, 8, 12, 30, 6)
  successes <- c(1, 16, 2, 9, 24, 1)
  fit <- em_fit(successes, 2, em_binomial(size), start = list(prob = c(0.7, 0.3)),
                control = em_control(tol = 1e-12))
  r <- predict(fit, type = "prob")
  expect_equal(unname(fit$parameters$prob), unname(colSums(r * successes) / colSums(r * size)),
               tolerance = 1e-8)
})

test_that("tallying rows changes nothing", {
  set.seed(8)
  size <- sample(3:6, 400, replace = TRUE)
  y <- rbinom(400, size, c(0.2, 0.7)[sample(2, 400, replace = TRUE)])
  data <- em_data(y, em_binomial(size))
  model <- list(family = em_binomial(size), latent = em_mixture(), k = 2L)
  small <- tallied(data, model)
  expect_identical(nrow(small$x), nrow(unique(cbind(y, size))))
  expect_identical(sum(small$weights), 400)
  expect_equal(em_fit(y, family = em_binomial(size), start = list(prob = c(0.2, 0.7)))$loglik,
               sum(predict(em_fit(y, family = em_binomial(size), start = list(prob = c(0.2, 0.7))),
                           type = "logdensity")),
               tolerance = 1e-12)
})
