# The calls that objects keep hold no data, however the call was made.
sizes <- function(x) length(serialize(x, NULL))

test_that("a call made by do.call() keeps a word in the place of the data", {
  x <- matrix(rnorm(20000), ncol = 2)
  control <- em_control(max_iter = 2, tol = 0, n_start = 1)
  fit <- do.call(em_fit, list(x, k = 1, weights = rep(1, 10000), control = control))
  expect_lt(sizes(fit$call), 2000)
  expect_identical(fit$call$x, as.name("<matrix: 10000 x 2>"))
  expect_identical(fit$call$weights, as.name("<numeric: 10000>"))
  expect_identical(fit$call$control, control) # what was said of the run stays
  expect_lt(max(nchar(capture.output(print(summary(fit))))), 200)
  expect_identical(do.call(em_fit, list(quote(faithful), k = 1))$call, em_fit(faithful, k = 1)$call)
  expect_identical(eval(bquote(em_fit(.(faithful)[1:50, ], k = 1)))$call$x, quote(`<data.frame: 272 x 2>`[1:50, ]))
  expect_identical(em_fit(c(1, 2, 4), k = 1)$call$x, quote(c(1, 2, 4)))
})

test_that("selections, bootstraps and tests keep no data in their calls either", {
  table <- do.call(em_select, list(faithful, k = 1, covariance = "EEE"))
  expect_lt(sizes(table$call), 2000)
  expect_lt(sizes(best(table)$call), 2000)
  fit <- do.call(em_fit, list(faithful$waiting, k = 1))
  boot <- quietly(do.call(em_bootstrap, list(fit, n_boot = 5)))
  expect_lt(sizes(boot$call), 2000)
  expect_lt(nchar(em_lrt(fit, n_boot = 2)$data.name), 60)
})

test_that("conditions show a call without the data", {
  error <- tryCatch(do.call(em_fit, list(faithful, k = 0)), error = identity)
  expect_identical(conditionCall(error), quote(em_fit(`<data.frame: 272 x 2>`, k = 0)))
})

test_that("formulas, empty arguments and functions stay in a call", {
  call <- em_fit(faithful[1:50, ], k = 1)$call
  expect_identical(call$x, quote(faithful[1:50, ]))
  by_formula <- do.call(em_fit, list(~ waiting, data = quote(faithful), k = 1))
  expect_s3_class(by_formula$call$x, "formula")
})

test_that("a call without data stays as it is, and what it holds inside other calls goes", {
  call <- quote(em_fit(case$x[, 1], k = 2, family = em_gaussian("V"), start = list(mean = c(1, 2)), control = ))
  expect_null(without_data(call))
  expect_identical(plain_call(call), call)
  deep <- bquote(em_fit(scale(cbind(1, .(faithful))), k = 2, weights = .(c(1, 2))))
  expect_identical(plain_call(deep), quote(em_fit(scale(cbind(1, `<data.frame: 272 x 2>`)), k = 2, weights = `<numeric: 2>`)))
  # One number that is more than a number.
  expect_identical(plain_call(bquote(em_fit(x = .(matrix(1)), k = 1)))$x, matrix(1))
  expect_identical(plain_call(bquote(em_fit(.(matrix(1)), 1)))[[2L]], as.name("<matrix: 1 x 1>"))
})
