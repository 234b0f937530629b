# What is said of a run, and which of two is worth more.

run_of <- function(status = "converged", degenerate = integer(), rank = 3L, loglik = 0, ...) {
  list(status = status, degenerate = degenerate, rank = rank, loglik = loglik, iterations = 7L, component = 2L, ...)
}

test_that("a run that ended with a degenerate component has collapsed, whatever its loop said", {
  statuses <- vapply(list(run_of(), run_of(degenerate = 2L), run_of("max_iter"), run_of("collapsed"), run_of("bad_start"),
                          run_of("not_monotone"), run_of("stopped_early")), run_status, "")
  expect_identical(statuses, c("converged", "collapsed", "max_iter", "collapsed", "failed", "not_monotone", "stopped_early"))
  expect_false(run_is_sound(run_of(degenerate = 2L)))
  expect_true(run_is_sound(run_of("max_iter")))
  expect_match(run_reason(run_of(degenerate = 2L, bounded = FALSE)), "likelihood is unbounded")
  expect_match(run_reason(run_of(degenerate = 2L, bounded = TRUE)), "covariance has no inverse")
  expect_match(run_reason(run_of("max_iter", gain = 0.5)), "Stopped after 7 iterations, still gaining 0.5")
  expect_match(run_reason(run_of("bad_start")), "component 2 has too few rows")
  expect_identical(run_reason(run_of()), NA_character_)
})

test_that("the worth of components comes first, then the log-likelihood", {
  low <- run_of(rank = 3L, loglik = -10)
  high <- run_of(rank = 2L, loglik = -5)
  expect_identical(better_run(high, low), low)
  expect_identical(better_run(low, high), low)
  expect_true(is_better_run(run_of(loglik = -4), run_of(loglik = -5)))
  # Of two that are worth the same the one that is there stays.
  expect_identical(better_run(low, c(low, new = TRUE)), low)
})

test_that("what leans on few rows is passed over for what does not, whatever the starts were", {
  for (start in c("partition", "varied")) {
    set.seed(4)
    fit <- suppressWarnings(em_fit(iris[1:4], 3, start = start, control = em_control(n_start = 200)))
    expect_equal(fit$loglik, -180.1855, tolerance = 1e-6)
    expect_length(fit$leaning, 0)
    expect_equal(fit$passed_over, -179.7077, tolerance = 1e-6)
  }
})
