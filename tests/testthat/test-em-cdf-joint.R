# em_cdf() of several columns: against one-dimensional integrals, R's own laws and counted draws.

# P(X <= h, Y <= k) of a normal pair by conditioning on X.
pair_by_hand <- function(q, mean, sigma, above = FALSE) {
  s <- sqrt(sigma[2, 2] - sigma[1, 2]^2 / sigma[1, 1])
  inner <- function(x) {
    dnorm(x, mean[1], sqrt(sigma[1, 1])) * pnorm(q[2], mean[2] + sigma[1, 2] / sigma[1, 1] * (x - mean[1]), s, lower.tail = !above)
  }
  ends <- if (above) c(q[1], mean[1] + 12 * sqrt(sigma[1, 1])) else c(mean[1] - 12 * sqrt(sigma[1, 1]), q[1])
  if (ends[1] >= ends[2]) return(0)
  sum(vapply(1:40, function(i) {
    cut <- ends[1] + diff(ends) * (i - 1:0) / 40
    integrate(inner, cut[1], cut[2], rel.tol = 1e-12)$value
  }, 0))
}

test_that("two correlated columns, both tails", {
  fit <- em_fit(faithful, k = 2)
  p <- fit$parameters
  q <- as.matrix(expand.grid(eruptions = c(1.5, 2, 3.3, 4.4, 6), waiting = c(45, 60, 81)))
  for (above in c(FALSE, TRUE)) {
    expected <- apply(q, 1, function(at) {
      sum(vapply(1:2, function(j) p$proportions[j] * pair_by_hand(at, p$mean[j, ], p$covariance[, , j], above), 0))
    })
    expect_within(em_cdf(fit, q, lower.tail = !above), expected, 1e-11)
  }
  expect_equal(em_cdf(fit, q, log.p = TRUE), log(em_cdf(fit, q)), tolerance = 1e-12)
  # by name, by number, one point, a data frame with the columns the other way round
  expect_identical(em_cdf(fit, c(3, 60), 1:2), em_cdf(fit, cbind(eruptions = 3, waiting = 60)))
  expect_identical(em_cdf(fit, data.frame(waiting = 60, eruptions = 3)), em_cdf(fit, c(3, 60), 1:2))
  expect_identical(em_cdf(fit, c(60, 3), 2:1), em_cdf(fit, c(3, 60), 1:2))
  expect_equal(em_cdf(fit, cbind(c(NA, Inf, 3), c(60, 60, -Inf))), c(NA, em_cdf(fit, 60, "waiting"), 0), tolerance = 1e-14)
  expect_equal(em_cdf(fit, matrix(c(3, 4)), "eruptions"), em_cdf(fit, 3:4, "eruptions"), tolerance = 1e-14)
})

test_that("any correlation to 1e-14, from -1 to 1", {
  for (r in c(-0.999, -0.93, -0.92, -0.4, 0.4, 0.92, 0.93, 0.999)) {
    h <- c(-6, -1, 0, 0.3, 2, 0.3)
    k <- c(1, -1.2, 0, -0.3, 1.9, 0.3001)
    expected <- vapply(seq_along(h), function(i) pair_by_hand(c(h[i], k[i]), c(0, 0), matrix(c(1, r, r, 1), 2), TRUE), 0)
    expect_within(emfit:::binormal_above(h, k, r), expected, 1e-12)
  }
  for (r in c(-1 + 1e-9, -0.7, 0, 0.95, 1 - 1e-9)) { # Sheppard's formula
    expect_within(emfit:::binormal_above(0, 0, r), 0.25 + asin(r) / (2 * pi), 1e-15)
  }
  expect_identical(emfit:::binormal_above(0.5, -0.2, 1), pnorm(-0.5))
  expect_within(emfit:::binormal_above(-0.5, -0.2, -1), pnorm(0.2) - pnorm(-0.5), 1e-15)
})

test_that("columns that are independent within a component multiply, with their log tails", {
  fit <- em_fit(iris[1:3], k = 3, family = em_gaussian("VVI"))
  p <- fit$parameters
  each <- function(at, ...) vapply(1:3, function(j) sum(pnorm(at, p$mean[j, ], sqrt(diag(p$covariance[, , j])), log.p = TRUE, ...)), 0)
  far <- c(-20, -30, -40)
  expect_equal(em_cdf(fit, far, 1:3, log.p = TRUE), max(each(far) + log(p$proportions)), tolerance = 1e-10)
  mid <- c(5.5, 3, 2)
  expect_equal(em_cdf(fit, mid, 1:3, lower.tail = FALSE), sum(p$proportions * exp(each(mid, lower.tail = FALSE))), tolerance = 1e-12)
  d <- withr_seed(1, data.frame(h = rnorm(200, rep(c(0, 4), 100)), n = rpois(200, rep(c(1, 6), 100)), f = rep(c("a", "b"), 100)))
  mixed <- suppressMessages(em_fit(d, 2, family = em_mixed(counts = "n")))
  p <- mixed$parameters
  rate <- unlist(p$counts$rate)
  expected <- sum(p$proportions * pnorm(1, p$numeric$mean, p$numeric$sd) * ppois(3, rate))
  expect_equal(em_cdf(mixed, data.frame(n = 3.5, h = 1)), expected, tolerance = 1e-12)
  expect_error(em_cdf(mixed, data.frame(n = 3, f = 1)), "no order", class = "emfit_error_unsupported")
})

test_that("three and more correlated columns, and conditionals of them", {
  skip_if_not_installed("mvtnorm")
  fit <- em_fit(iris[1:4], k = 2)
  draws <- simulate(em_marginal(fit), 2e5, seed = 1)
  at <- c(6, 3, 4.5, 1.4)
  for (d in 3:4) {
    counted <- mean(rowSums(draws[seq_len(d)] <= rep(at[seq_len(d)], each = 2e5)) == d)
    expect_within(em_cdf(fit, at[seq_len(d)], seq_len(d)), counted, 4 * sqrt(0.25 / 2e5))
    expect_identical(em_cdf(fit, at[seq_len(d)], seq_len(d)), em_cdf(fit, at[seq_len(d)], seq_len(d)))
  }
  state <- get0(".Random.seed", globalenv())
  em_cdf(fit, at, 1:4)
  expect_identical(get0(".Random.seed", globalenv()), state)
  given <- em_conditional(fit, Petal.Width = 1.4, Petal.Length = 4.5)
  drawn <- simulate(given, 2e5, seed = 2)
  expect_within(em_cdf(given, c(6, 3), 1:2), mean(drawn[[1]] <= 6 & drawn[[2]] <= 3), 4 * sqrt(0.25 / 2e5))
})

test_that("noise is a product or a polygon", {
  both <- withr_seed(3, rbind(as.matrix(faithful), cbind(runif(30, 1.5, 5.2), runif(30, 42, 97))))
  straight <- em_fit(both, k = 2, latent = em_mixture(noise = TRUE))
  z <- withr_seed(4, matrix(rnorm(400), 200) %*% rbind(c(2, 1.9), c(0, 0.3)))
  turned <- suppressWarnings(em_fit(rbind(z, z[1:20, ] * 3), k = 1, latent = em_mixture(noise = TRUE)))
  expect_identical(c(straight$latent$box$kind, turned$latent$box$kind), c("range", "principal"))
  for (fit in list(straight, turned)) {
    at <- unname(colMeans(fit$data$x))
    drawn <- simulate(em_marginal(fit), 2e5, seed = 1)
    expect_within(em_cdf(fit, at, 1:2), mean(drawn[[1]] <= at[1] & drawn[[2]] <= at[2]), 4 * sqrt(0.25 / 2e5))
    expect_within(em_cdf(fit, at, 1:2, lower.tail = FALSE), mean(drawn[[1]] > at[1] & drawn[[2]] > at[2]), 4 * sqrt(0.25 / 2e5))
  }
  corners <- rbind(c(0, -1), c(1, 0), c(0, 1), c(-1, 0))
  expect_equal(emfit:::polygon_corner(corners, c(0, 0), TRUE), 0.25)
  expect_equal(emfit:::polygon_corner(corners, c(0.5, 2), FALSE), 0)
  expect_equal(emfit:::polygon_corner(corners, c(0.5, 2), TRUE), 1 - 0.125)
  deep <- em_fit(cbind(rbind(z, z[1:20, ] * 3), rep(0:10 / 10, 20)), k = 1, latent = em_mixture(noise = TRUE))
  deep$latent$box$kind <- "principal"
  expect_error(em_cdf(deep, c(0, 0), 1:2), "along principal axes of three", class = "emfit_error_unsupported")
})

test_that("what can't be answered is refused in words", {
  fit <- em_fit(faithful, k = 2)
  expect_error(em_cdf(fit, matrix(1, 2, 3)), "not 3 columns", class = "emfit_error_argument")
  expect_error(em_cdf(fit, 1:3, 1:2), "a value for each of .*: 2, not 3", class = "emfit_error_argument")
  expect_error(em_cdf(fit, data.frame(eruption = 3, waiting = 60)), "not \"eruption\"", class = "emfit_error_argument")
  expect_error(em_cdf(fit, data.frame(eruptions = "3", waiting = 60)), "must be numbers", class = "emfit_error_argument")
  heavy <- suppressWarnings(em_fit(faithful, k = 1, family = "t"))
  expect_error(em_cdf(heavy, c(3, 60), 1:2), "they depend on each other", class = "emfit_error_unsupported")
})
