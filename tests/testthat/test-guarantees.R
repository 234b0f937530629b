# What README.md guarantees and no other file tests; test-laws.R and test-numerics.R hold the rest.

test_that("an offset of up to 1e12 spreads costs what the rounding of the data costs, in every structure", {
  for (case in law_cases()) {
    if (!case$scale) next
    run <- function(x, offset) {
      start <- case$start
      start$mean <- start$mean + offset
      law_run(case, x, 8, start = start)
    }
    x <- case$x_of(100)
    least <- min(apply(as.matrix(x), 2, sd))
    for (offset in c(1e3, 1e6, 1e9, 1e12) * 0.99 * least) {
      moved <- run(x + offset, offset)
      near <- run((x + offset) - offset, 0) # the same rounded numbers, about 0
      lost <- .Machine$double.eps * offset / least
      expect_equal(unname(predict(moved, type = "prob")), unname(predict(near, type = "prob")), tolerance = max(1e-9, 10 * lost))
      moved$parameters$mean <- moved$parameters$mean - offset
      expect_same_parameters(moved, near, tolerance = max(1e-9, 10 * lost))
    }
  }
})

test_that("weights of any size say the same, in every structure and family", {
  for (case in law_cases()) {
    x <- case$x_of(80)
    w <- rep(c(1, 2, 0.5, 3), 20)
    base <- law_run(case, x, 6, weights = w)
    for (size in c(2^-30, 1e-9, 3, 1e6)) {
      scaled <- law_run(case, x, 6, weights = w * size)
      expect_same_parameters(scaled, base)
      expect_equal(scaled$loglik / size, base$loglik, tolerance = 1e-10)
      expect_equal(predict(scaled, type = "prob"), predict(base, type = "prob"), tolerance = 1e-8)
    }
  }
})

test_that("the default call, its search for starts included, gives the same groups in other units", {
  classes <- function(x) {
    set.seed(4)
    unname(predict(em_fit(x, 3)))
  }
  base <- classes(iris[1:4])
  for (scale in c(1e-150, 1e-6, 1e6, 1e150)) expect_identical(classes(iris[1:4] * scale), base)
  expect_identical(classes(iris[1:4] + 1e6), base)
  expect_identical(classes(sweep(iris[1:4], 2, c(1e-6, 1, 1e3, 1e6), "*")), base)
})

test_that("posterior rows sum to one 40 standard deviations out and further, in every structure", {
  for (case in law_cases()) {
    if (!case$scale) next
    fit <- law_run(case, case$x_of(100), 8)
    d <- max(1, ncol(fit$parameters$mean))
    sd <- if (d == 1) max(fit$parameters$sd) else sqrt(max(fit$parameters$covariance))
    far <- outer(c(-1e5, -1e3, -40, 40, 1e3, 1e5) * sd, rep(1, d))
    r <- predict(fit, if (d == 1) far[, 1] else far, "prob")
    expect_identical(max(abs(rowSums(r) - 1)) < 1e-14, TRUE)
    expect_true(all(r >= 0 & r <= 1))
  }
})
