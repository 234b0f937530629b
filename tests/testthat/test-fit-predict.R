faithful_fit <- function() {
  em_fit(faithful, start = list(mean = cbind(c(4.3, 2), c(80, 55)), covariance = diag(c(0.2, 40))))
}

# Densities by the formula, with nothing of the package.
normal_density <- function(x, mean, sigma) {
  z <- t(x) - mean
  exp(-0.5 * colSums(z * solve(sigma, z))) / sqrt((2 * pi)^nrow(sigma) * det(sigma))
}

test_that("every type is what its definition says", {
  fit <- faithful_fit()
  x <- as.matrix(faithful)
  p <- fit$parameters
  component <- vapply(1:2, function(j) normal_density(x, p$mean[j, ], p$covariance[, , j]), numeric(272))
  joint <- t(t(component) * p$proportions)
  expect_equal(predict(fit, type = "component"), component, ignore_attr = TRUE, tolerance = 1e-12)
  expect_equal(predict(fit, type = "density"), rowSums(joint), ignore_attr = TRUE, tolerance = 1e-12)
  expect_equal(predict(fit, type = "logdensity"), log(rowSums(joint)), ignore_attr = TRUE, tolerance = 1e-12)
  expect_equal(predict(fit, type = "prob"), joint / rowSums(joint), ignore_attr = TRUE, tolerance = 1e-10)
  expect_equal(predict(fit, type = "uncertainty"), 1 - apply(joint / rowSums(joint), 1, max),
               ignore_attr = TRUE,
               tolerance = 1e-10)
  expect_identical(as.integer(predict(fit)), max.col(joint))
})

test_that("na.exclude gives NA where rows were left out, na.omit leaves them out", {
  x <- replace(faithful$eruptions, 7, NA)
  start <- list(mean = c(4.3, 2), sd = c(0.4, 0.2))
  kept <- em_fit(x, start = start, na.action = na.exclude)
  expect_length(predict(kept), 272)
  expect_identical(which(is.na(predict(kept))), 7L)
  expect_identical(which(is.na(residuals(kept))), 7L)
  expect_length(predict(em_fit(x, start = start, na.action = na.omit)), 271)
})

test_that("fitted values are the means weighted by responsibilities", {
  fit <- faithful_fit()
  expect_equal(fitted(fit), predict(fit, type = "prob") %*% fit$parameters$mean, ignore_attr = TRUE,
               tolerance = 1e-14)
  expect_equal(fitted(fit) + residuals(fit), as.matrix(faithful), ignore_attr = TRUE, tolerance = 1e-14)
  coin <- em_fit(coins$heads, 1, em_binomial(10))
  expect_equal(fitted(coin), rep(mean(coins$heads), 5))
})

test_that("simulated data have the fit's means, covariances and proportions", {
  fit <- faithful_fit()
  fit$data$n <- 40000L
  sample <- simulate(fit, seed = 4)[[1]]
  group <- attr(sample, "component")
  expect_equal(mean(group == "1"), fit$parameters$proportions[["1"]], tolerance = 0.02)
  expect_equal(colMeans(sample[group == "2", ]), fit$parameters$mean["2", ], tolerance = 0.01)
  expect_equal(cov(sample[group == "1", ]), fit$parameters$covariance[, , "1"], tolerance = 0.05)
  coin <- em_fit(cbind(heads, tails) ~ 1, coins, 2, "binomial", start = list(prob = c(0.8, 0.5)))
  tosses <- simulate(coin, nsim = 2, seed = 1)
  expect_length(tosses, 2)
  expect_identical(names(tosses[[1]]), c("heads", "tails"))
  expect_identical(unname(rowSums(tosses[[1]])), rep(10, 5))
  expect_false(identical(tosses[[1]], tosses[[2]]))
})

test_that("simulate() draws as many rows as are asked for", {
  fit <- em_fit(faithful, 2)
  drawn <- simulate(fit, nsim = 2, seed = 1, n = 5)
  expect_identical(vapply(drawn, dim, c(0L, 0L)), matrix(c(5L, 2L), 2, 2))
  expect_identical(names(drawn[[1]]), names(faithful))
  expect_length(attr(drawn[[2]], "component"), 5)
  many <- simulate(fit, seed = 1, n = 2e4)[[1]]
  expect_equal(colMeans(many), colMeans(faithful), tolerance = 0.01)
  # Counts: the trials of rows that count, by weight; nothing missing.
  x <- data.frame(heads = c(5, 9, 8, NA, 0, 3), tails = c(5, 11, 2, 3, 0, 27))
  coin <- suppressMessages(em_fit(x, 1, "binomial", weights = c(1, 2, 1, 1, 1, 0)))
  some <- simulate(coin, seed = 2, n = 4000)[[1]]
  expect_false(anyNA(some))
  sizes <- table(some$heads + some$tails)
  expect_identical(names(sizes), c("10", "20"))
  expect_equal(as.vector(sizes) / 4000, c(0.5, 0.5), tolerance = 0.05)
  expect_identical(dim(simulate(em_fit(coins["heads"], 1, em_binomial(10)), n = 3)[[1]]), c(3L, 1L))
  # Without n nothing is new.
  expect_identical(nrow(simulate(coin)[[1]]), 6L)
  noisy <- em_fit(faithful, 2, latent = em_mixture(noise = TRUE))
  expect_identical(nrow(simulate(noisy, n = 300, seed = 1)[[1]]), 300L)
  for (n in list(0, -1, 2.5, "3", c(1, 2), NA)) {
    expect_error(simulate(fit, n = n), "`n` must be a whole number of 1 or more", class = "emfit_error_argument")
  }
})

test_that("what is taken of each row takes no call for each row", {
  x <- cbind(c(0.2, NA, 0.5, 0), c(0.8, 1, 0.5, NaN), c(0, 2, 0.1, 3))
  expect_identical(is.na(row_max(x)), c(FALSE, TRUE, FALSE, TRUE))
  expect_identical(row_max(x)[c(1, 3)], c(0.8, 0.5))
  expect_identical(row_max(x[0, ]), numeric())
  expect_identical(row_max(x[, 1, drop = FALSE]), x[, 1])
  expect_equal(row_cumsum(x[c(1, 3), ]), t(apply(x[c(1, 3), ], 1, cumsum)))
  expect_identical(row_cumsum(x[, 1, drop = FALSE]), x[, 1, drop = FALSE])
})
