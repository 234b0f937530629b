test_that("the defaults are those of the help page", {
  control <- em_control()
  expect_s3_class(control, "em_control")
  expect_identical(unclass(control), list(
    tol = 1e-6, stop = "loglik", max_iter = 1000L, n_start = 10L, algorithm = "em", accelerate = TRUE,
    path = FALSE, threads = NULL, verbose = FALSE, checkpoint = NULL
  )[names(control)])
})

test_that("a named list is as good as a call", {
  expect_identical(as_em_control(list(tol = 1e-3)), em_control(tol = 1e-3))
  expect_identical(as_em_control(list()), em_control())
})

test_that("threads stay within what the machine's owner allows", {
  old <- Sys.getenv(c("OMP_THREAD_LIMIT", "_R_CHECK_LIMIT_CORES_"), names = TRUE, unset = NA)
  on.exit({
    Sys.unsetenv(names(old)[is.na(old)])
    if (any(!is.na(old))) do.call(Sys.setenv, as.list(old[!is.na(old)]))
  })
  Sys.unsetenv(names(old))
  expect_identical(resolve_threads(list(threads = NULL), 10), 1L)
  expect_identical(resolve_threads(list(threads = NULL), 1e7), 2L)
  expect_identical(resolve_threads(list(threads = 8L), 10), 8L)
  Sys.setenv(OMP_THREAD_LIMIT = "1")
  expect_identical(resolve_threads(list(threads = 8L), 1e7), 1L)
  Sys.unsetenv("OMP_THREAD_LIMIT")
  Sys.setenv(`_R_CHECK_LIMIT_CORES_` = "TRUE")
  expect_identical(resolve_threads(list(threads = 8L), 1e7), 2L)
})

test_that("stop = \"parameters\" stops on the largest change of a parameter", {
  fit <- em_fit(red_blue$value, start = list(mean = c(1.1, 9), sd = c(2, 1.7)),
                control = em_control(stop = "parameters", tol = 1e-3, accelerate = FALSE, path = TRUE))
  changes <- vapply(seq_len(fit$iterations), function(i) {
    now <- unlist(fit$path[[i + 1]][c("mean", "sd")])
    max(abs(now - unlist(fit$path[[i]][c("mean", "sd")])))
  }, 0)
  expect_lt(changes[fit$iterations], 1e-3)
  expect_true(all(changes[-fit$iterations] >= 1e-3))
})

test_that("tol is measured in the weight of a row where weights sum to little", {
  expect_identical(weight_of_row(NULL), 1)
  expect_identical(weight_of_row(c(0, 2, 2)), 1)
  expect_identical(weight_of_row(c(0, 0.25, 0.75)), 0.5)
})

test_that("a run ends by tol, not by the units of the data or the size of the log-likelihood", {
  x <- faithful$waiting
  run <- function(s, tol) {
    em_fit(x * s, start = list(mean = c(50, 80) * s, sd = c(6, 6) * s), control = em_control(tol = tol, accelerate = FALSE))
  }
  l <- function(fit) fit$loglik / length(x)
  for (tol in c(1e-6, 1e-9)) {
    plain <- run(1, tol)
    # At the scale that brings the log-likelihood to 0, and at others that make it large, of either sign.
    for (s in c(exp(l(plain)), 1e-100, 1e100)) {
      moved <- run(s, tol)
      expect_identical(moved$iterations, plain$iterations)
      expect_lt(abs(diff(tail(moved$trace$loglik, 2))), tol)
    }
  }
  # Many rows: 1e-13 of the log-likelihood would be more than tol.
  heavy <- em_fit(x, start = list(mean = c(50, 80), sd = c(6, 6)), weights = rep(1e6, length(x)),
                  control = em_control(tol = 1e-5, accelerate = FALSE))
  last <- diff(tail(heavy$trace$loglik, 2))
  expect_true(heavy$converged)
  expect_lt(abs(last), 1e-5)
})

test_that("where rounding hides the gains a run ends, whatever tol is", {
  for (s in c(1, exp(-3.8), 1e-50)) {
    fit <- em_fit(faithful$waiting * s, start = list(mean = c(50, 80) * s, sd = c(6, 6) * s),
                  control = em_control(tol = 1e-300, max_iter = 2000))
    expect_true(fit$converged)
    expect_lt(fit$iterations, 500)
  }
})
