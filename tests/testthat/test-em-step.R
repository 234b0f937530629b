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
