# Digits: what must not depend on units, on where zero is, on the order of rows, or on how hard the numbers are.

# Correct significant digits.
digits_right <- function(computed, certified) {
  if (identical(unname(computed), certified)) return(16)
  -log10(abs(unname(computed) - certified) / abs(certified))
}

# The Statistical Reference Datasets of NIST for univariate summaries that are hardest, from their definitions:
# one value, then 500 pairs 0.1 below and above it. Certified: that value as the mean, and 0.1 as the standard
# deviation with divisor n - 1; ours divides by n.
test_that("NIST's NumAcc2, NumAcc3 and NumAcc4", {
  exact <- list(c(1.2, 14), c(1000000.2, 9), c(10000000.2, 8))
  for (set in exact) {
    x <- c(set[1], rep(c(floor(set[1]) + 0.1, floor(set[1]) + 0.3), 500))
    fit <- em_fit(x, 1)
    expect_gte(digits_right(fit$parameters$mean, set[1]), 15)
    expect_gte(digits_right(fit$parameters$sd * sqrt(1001 / 1000), 0.1), set[2])
  }
})

test_that("a few large whole numbers that differ by one: NIST's NumAcc1", {
  fit <- em_fit(c(10000001, 10000003, 10000002), 1)
  expect_identical(unname(fit$parameters$mean), 10000002)
  expect_gte(digits_right(fit$parameters$sd * sqrt(3 / 2), 1), 15)
})

start_at <- function(scale = 1, offset = 0) {
  list(mean = rbind(c(4.3, 80), c(2, 55)) * scale + offset, covariance = diag(c(0.2, 40)) * scale^2)
}
run_at <- function(scale = 1, offset = 0, iterations = 10) {
  em_fit(as.matrix(faithful) * scale + offset, start = start_at(scale, offset),
         control = em_control(tol = 0, max_iter = iterations, accelerate = FALSE))
}

test_that("units change nothing but the units: a power of two, to the last digits", {
  plain <- run_at()
  for (scale in 2^c(-490, -30, 30, 490)) {
    scaled <- run_at(scale)
    expect_equal(scaled$parameters$mean / scale, plain$parameters$mean, tolerance = 1e-14)
    expect_equal(scaled$parameters$covariance / scale / scale, plain$parameters$covariance, tolerance = 1e-13)
    expect_equal(scaled$loglik, plain$loglik - 272 * 2 * log(scale), tolerance = 1e-13)
  }
})

test_that("units change nothing but the units, in every structure", {
  run <- function(x, structure) {
    em_fit(x, family = em_gaussian(structure), start = 1 + (faithful$eruptions > 3),
           control = em_control(tol = 0, max_iter = 10))
  }
  for (structure in gaussian_structures) {
    plain <- run(faithful, structure)
    for (scale in c(1e-9, 1e9, 1e-150, 1e150)) {
      scaled <- run(faithful * scale, structure)
      expect_equal(scaled$parameters$proportions, plain$parameters$proportions, tolerance = 1e-9)
      expect_equal(scaled$loglik, plain$loglik - 272 * 2 * log(scale), tolerance = 1e-10)
    }
  }
})

test_that("offsets cost no more digits than the data themselves lost", {
  plain <- run_at()
  for (power in c(4, 8, 10)) {
    moved <- run_at(offset = 10^power)
    lost <- .Machine$double.eps * 10^power
    expect_equal(moved$parameters$proportions, plain$parameters$proportions,
                 tolerance = max(1e-12, 100 * lost))
    expect_equal(unname(moved$parameters$covariance), unname(plain$parameters$covariance),
                 tolerance = max(1e-12, 100 * lost))
  }
})

test_that("rows in another order and a rotation change nothing", {
  plain <- run_at()
  set.seed(3)
  rows <- sample(272)
  turned <- em_fit(as.matrix(faithful)[rows, ], start = start_at(), control = plain$control)
  expect_equal(turned$parameters, plain$parameters, tolerance = 1e-12)
  a <- matrix(c(cos(1), sin(1), -sin(1), cos(1)), 2)
  start <- list(mean = start_at()$mean %*% a, covariance = t(a) %*% start_at()$covariance %*% a)
  start$covariance <- (start$covariance + t(start$covariance)) / 2
  rotated <- em_fit(as.matrix(faithful) %*% a, start = start, control = plain$control)
  expect_equal(rotated$loglik, plain$loglik, tolerance = 1e-12)
  expect_equal(unname(rotated$parameters$mean), unname(plain$parameters$mean %*% a), tolerance = 1e-11)
})

test_that("rows twice, weight 2 and twice the log-likelihood are one thing", {
  plain <- run_at()
  twice <- em_fit(faithful[rep(1:272, each = 2), ], start = start_at(), control = plain$control)
  weighted <- em_fit(faithful, start = start_at(), weights = rep(2, 272), control = plain$control)
  expect_equal(twice$parameters, plain$parameters, tolerance = 1e-12)
  expect_identical(weighted$parameters, plain$parameters)
  expect_equal(c(twice$loglik, weighted$loglik), rep(2 * plain$loglik, 2), tolerance = 1e-13)
})

test_that("far away responsibilities still sum to one, and the nearest in its own units wins", {
  fit <- em_fit(faithful$eruptions, start = list(mean = c(4.3, 2), sd = c(0.4, 0.2)))
  far <- fit$parameters$mean[[1]] + fit$parameters$sd[[1]] * c(-1e6, -1e3, -40, 40, 1e3, 1e6)
  r <- predict(fit, far, "prob")
  expect_identical(rowSums(r), rep(1, 6))
  expect_identical(as.character(predict(fit, far)), rep("1", 6))
  expect_true(all(is.finite(predict(fit, far, "logdensity"))))
})

test_that("one start per thread or one thread: the same bits", {
  set.seed(1)
  one <- em_fit(iris[1:4], 3, control = em_control(threads = 1))
  set.seed(1)
  three <- em_fit(iris[1:4], 3, control = em_control(threads = 3))
  expect_identical(three$parameters, one$parameters)
  expect_identical(three$starts, one$starts)
})

test_that("rows far away that do not count cost no digits, wherever they stand", {
  withr_seed(3, x <- matrix(rnorm(9000), 3000))
  for (at in list(seq(1, 3000, 3), 1:5)) {
    far <- x
    far[at, ] <- 1e8
    for (structure in c("EEE", "VVV", "VII")) {
      start <- list(mean = rbind(c(1, 0, 0), c(-1, 0, 0)), covariance = diag(3))
      control <- em_control(tol = 0, max_iter = 5, accelerate = FALSE)
      whole <- em_fit(far, start = start, family = em_gaussian(structure), weights = 1 - seq_len(3000) %in% at,
                      control = control)
      counted <- em_fit(x[-at, ], start = start, family = em_gaussian(structure), control = control)
      expect_equal(whole$parameters, counted$parameters, tolerance = 1e-11)
    }
  }
})

test_that("a fit on threads in a forked process is the fit of the process it came from", {
  skip_on_os("windows")
  withr_seed(4, x <- matrix(rnorm(30000), 15000))
  fit <- function(threads) {
    em_fit(x, start = list(mean = diag(2), covariance = diag(2)),
           control = em_control(tol = 0, max_iter = 3, threads = threads))$parameters
  }
  here <- fit(2)
  expect_identical(parallel::mclapply(1:2, function(i) fit(2), mc.cores = 2), list(here, here))
  expect_identical(fit(1), here)
})
