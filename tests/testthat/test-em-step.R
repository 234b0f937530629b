test_that("a loop of six lines gives the numbers of em_fit(), bit for bit", {
  start <- list(mean = c(4.3, 2), sd = c(0.4, 0.2))
  x <- faithful$eruptions
  p <- em_start(x, start = start)
  for (i in 1:6) {
    e <- em_estep(x, p)
    p <- em_mstep(x, e, p)
  }
  fit <- em_fit(x, start = start, control = em_control(tol = 0, max_iter = 6, accelerate = FALSE))
  expect_equal(unclass_parameters(p), fit$parameters, tolerance = 1e-14)
  expect_equal(em_estep(x, p)$loglik, fit$loglik, tolerance = 1e-14)
})

test_that("an E-step's parts fit together", {
  fit <- em_fit(faithful, start = 1 + (faithful$eruptions > 3))
  e <- em_estep(faithful, fit)
  joint <- t(t(exp(e$log_density)) * fit$parameters$proportions)
  expect_equal(e$responsibilities, joint / rowSums(joint), tolerance = 1e-12)
  expect_equal(e$loglik, sum(log(rowSums(joint))), tolerance = 1e-13)
})

test_that("em_path() replays what was not kept", {
  start <- list(mean = c(red = 1.1, blue = 9), sd = c(2, 1.7))
  run <- function(path) {
    em_fit(red_blue$value, start = start,
           control = em_control(tol = 0, max_iter = 4, accelerate = FALSE, path = path))
  }
  kept <- em_path(run(TRUE))
  expect_identical(em_path(run(FALSE)), kept)
  expect_identical(unique(kept$iteration), 0:4)
  expect_identical(unique(kept$component), c("red", "blue"))
})

test_that("one row is enough where parameters are given", {
  p <- em_start(0, k = 1, start = list(mean = 0, sd = 1))
  expect_equal(em_estep(0, p)$loglik, stats::dnorm(0, log = TRUE), tolerance = 1e-14)
  p2 <- em_start(t(c(1, 2)), start = list(mean = rbind(c(0, 0), c(1, 1)), covariance = diag(2)))
  expect_equal(em_estep(t(c(1, 2)), p2)$loglik, log(0.5 * exp(-2.5) + 0.5 * exp(-0.5)) - log(2 * pi), tolerance = 1e-14)
  expect_silent(scored <- em_fit(0, start = list(mean = 0, sd = 2), control = em_control(max_iter = 0)))
  expect_equal(scored$loglik, stats::dnorm(0, sd = 2, log = TRUE), tolerance = 1e-14)
  expect_equal(predict(scored, 1, type = "density"), stats::dnorm(1, sd = 2), tolerance = 1e-14)
  expect_equal(em_estep(rep(3, 4), p)$loglik, 4 * stats::dnorm(3, log = TRUE), tolerance = 1e-14)
  held <- expect_silent(em_fit(0.5, 2, fixed = list(mean = c(0, 5), sd = c(1, 1), proportions = c(0.5, 0.5))))
  expect_identical(held$df, 0L)
  expect_equal(held$loglik, log(mean(stats::dnorm(0.5, c(0, 5)))), tolerance = 1e-14)
  # What is to be estimated needs more.
  expect_error(em_fit(0, 1), "Can't fit 1 component to 1 row", class = "emfit_error_input")
  expect_error(em_fit(0, start = list(mean = 0, sd = 1)), "Can't fit 1 component to 1 row", class = "emfit_error_input")
  expect_error(em_start(rep(3, 4), start = rep(1:2, 2)), "constant", class = "emfit_error_input")
})

test_that("the proportions of components that are held have one maximum, whatever the start", {
  x <- faithful$eruptions
  held <- list(mean = c(2, 4.3), sd = c(0.3, 0.4))
  seed <- get0(".Random.seed", globalenv())
  fit <- em_fit(x, 2, fixed = held)
  expect_identical(get0(".Random.seed", globalenv()), seed)
  loglik <- function(p) sum(log(p * stats::dnorm(x, 2, 0.3) + (1 - p) * stats::dnorm(x, 4.3, 0.4)))
  top <- stats::optimize(loglik, c(0, 1), maximum = TRUE, tol = 1e-10)
  expect_equal(fit$loglik, top$objective, tolerance = 1e-9)
  expect_equal(fit$parameters$proportions[[1]], top$maximum, tolerance = 1e-3)
})

test_that("columns are found by name, as in predict()", {
  fit <- em_fit(faithful, k = 2, control = em_control(n_start = 1))
  start <- em_start(faithful, k = 2, start = rep(1:2, 136))
  turned <- list(faithful[2:1], as.matrix(faithful[2:1]), cbind(more = 1, faithful[2:1]))
  for (parameters in list(fit, start, em_mstep(faithful, rep(1:2, 136)))) {
    e <- em_estep(faithful, parameters)
    m <- em_mstep(faithful, e, parameters)
    for (x in turned) {
      expect_identical(em_estep(x, parameters), e, ignore_attr = TRUE)
      expect_identical(em_mstep(x, e, parameters), m)
      expect_identical(em_mstep(x, e, m), em_mstep(faithful, e, m))
    }
    expect_identical(em_estep(unname(as.matrix(faithful)), parameters)$loglik, e$loglik)
    expect_error(em_estep(faithful["waiting"], parameters), "lacks column \"eruptions\"", class = "emfit_error_newdata")
    expect_error(em_mstep(faithful["waiting"], e, parameters), "lacks column \"eruptions\"", class = "emfit_error_newdata")
  }
  expect_equal(em_estep(faithful[2:1], fit)$loglik, fit$loglik)
  counts <- em_fit(cbind(heads, tails) ~ 1, coins, k = 2, family = "binomial", start = list(prob = c(0.6, 0.5)))
  expect_equal(em_estep(coins[c("tails", "heads")], counts)$loglik, counts$loglik)
})

test_that("the path of a fit ends at the fit, whatever the order of its components", {
  # Where two components begin nearly as one, a long step may exchange them: only the order of the run leads to its end.
  for (seed in 1:12) {
    set.seed(seed)
    y <- c(rnorm(60), rnorm(60, 3), runif(20, -20, 30))
    for (latent in list(em_mixture(), em_mixture(noise = TRUE))) {
      fit <- suppressWarnings(em_fit(y, k = 3, latent = latent))
      end <- function(fit) {
        path <- emfit:::path_parameters(fit)
        path[[length(path)]]
      }
      expect_equal(end(fit), fit$parameters, tolerance = 1e-10)
      turned <- em_relabel(fit, 3:1)
      expect_equal(end(turned), turned$parameters, tolerance = 1e-10)
    }
  }
})
