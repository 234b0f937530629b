# Runs from partitions at random, under covariances that are shared, begin beside a saddle: both components are there
# what one component is.
from_random_partitions <- function(x, family, latent = em_mixture(), runs = 40, ...) {
  withr_seed(3, lapply(seq_len(runs), function(i) {
    em_fit(x, 2, family, latent, start = sample(rep_len(1:2, NROW(x))), ...)
  }))
}

blobs <- withr_seed(5, rbind(matrix(rnorm(200), 100), matrix(rnorm(200, 6), 100)))

test_that("no run from a partition at random ends at a saddle", {
  sets <- list(blobs, faithful, faithful$waiting)
  for (x in sets) {
    family <- em_gaussian(if (NCOL(x) == 1) "E" else "EEE")
    fits <- quietly(from_random_partitions(x, family))
    best <- em_fit(x, 2, family)
    for (fit in fits) {
      expect_equal(fit$loglik, best$loglik, tolerance = 1e-7)
      expect_identical(fit$status, "converged")
      expect_length(fit$coincident, 0L)
      expect_gt(min(diff(fit$trace$loglik[-1])), -1e-8)
    }
  }
})

test_that("the step off a saddle is an iteration that climbs, and EM goes on from there", {
  start <- withr_seed(1, sample(rep_len(1:2, 200)))
  plain <- em_control(accelerate = FALSE)
  fit <- em_fit(blobs, 2, em_gaussian("EEE"), start = start, control = plain)
  expect_identical(sum(fit$trace$accelerated), 1L)
  expect_identical(length(fit$trace$loglik), fit$iterations + 1L)
  expect_true(all(diff(fit$trace$loglik[-1]) > -1e-8))
  # What a log-likelihood is of must be the parameters that stand beside it.
  expect_equal(sum(predict(fit, type = "logdensity")), fit$loglik, tolerance = 1e-10)
  # Exactly so many iterations are EM's and nothing else.
  exact <- em_fit(blobs, 2, em_gaussian("EEE"), start = start, control = em_control(tol = 0, max_iter = 100))
  expect_false(any(exact$trace$accelerated))
})

test_that("rows that belong together, and rows that are known, stay so", {
  unit <- rep(1:40, each = 5)
  fits <- quietly(from_random_partitions(as.data.frame(blobs), em_gaussian("EEE"), em_mixture(unit = unit), 5))
  for (fit in fits) {
    expect_gt(fit$loglik, em_fit(blobs, 1)$loglik + 50)
    r <- predict(fit, type = "prob")
    expect_equal(max(abs(r - r[match(unit, unit), ])), 0)
  }
  known <- replace(rep(NA, 200), c(1, 150), 1:2)
  fit <- withr_seed(2, em_fit(blobs, 2, em_gaussian("EEE"), start = sample(rep_len(1:2, 200)), labels = known))
  expect_identical(unname(predict(fit, type = "prob")[1, 1]), 1)
  expect_gt(fit$parameters$mean[2, 1], 5)
})

test_that("where there is one group, two components stay one, and are told of", {
  x <- withr_seed(8, rnorm(300))
  expect_warning(alike <- em_fit(x, start = list(mean = c(0, 0), sd = c(1, 1)), family = em_gaussian("E")), class = "emfit_warning_coincide")
  expect_equal(diff(alike$parameters$mean)[[1]], 0)
  # Of long tails one group under a shared spread is the maximum, and every cut falls below it.
  tails <- qlogis(ppoints(300))
  for (fit in quietly(from_random_partitions(tails, em_gaussian("E"), runs = 5))) {
    expect_gt(min(diff(fit$trace$loglik[-1])), -1e-8)
    expect_gte(fit$loglik, em_fit(tails, 1)$loglik - 1e-4)
  }
})
