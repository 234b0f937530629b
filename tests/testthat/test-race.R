# A race of starts: what lags, repeats another or promises too little is set aside, and nothing depends on threads.

race_of <- function(x, structure, k, control = em_control(threads = 1)) {
  data <- em_data(x, em_gaussian())
  model <- list(family = family_check(em_gaussian(structure), data, k), latent = em_mixture(), k = k)
  list(data = data, model = model, plan = fitting_plan(data, control, model))
}

drawn_starts <- function(race, n) {
  lapply(draw_starts(race$data, race$model, "kmeans++", n), c, method = "kmeans++")
}

raced_of <- function(race, items, most = length(items), to_beat = -Inf) {
  run_cells(race$plan, list(race$model), list(items), replace(race$plan$long, "finalists", most), to_beat)[[1L]]
}

# Each to its own end.
all_of <- function(race, items) run_em(race$data, list(items = items), race$model, race$plan$long)

test_that("the best of many starts wins, and the rest is set aside", {
  race <- race_of(faithful, "VVV", 3L)
  set.seed(7)
  items <- drawn_starts(race, 6)
  full <- all_of(race, items)
  expect_true(all(full$starts$status == "converged"))
  best <- which.max(full$starts$loglik)
  some <- raced_of(race, items, 3L)
  expect_identical(some$loglik, full$loglik)
  expect_lte(sum(some$starts$status == "converged"), 3)
  expect_true(all(some$starts$status %in% c("converged", "stopped_early")))
  ran <- some$starts$status == "converged"
  expect_identical(some$starts$loglik[ran], full$starts$loglik[ran])
  expect_true(all(some$starts$loglik[!ran] < full$starts$loglik[!ran] + 1e-9))

  # One that leads after two iterations, five times, doesn't crowd out the one that wins.
  early <- race
  early$plan$long$max_iter <- 2
  ahead <- which.max(all_of(early, items)$starts$loglik)
  expect_lt(full$starts$loglik[ahead], full$loglik - 1)
  crowd <- raced_of(race, items[c(rep(ahead, 5), best)], 2L)
  expect_identical(crowd$loglik, full$loglik)
  expect_gte(sum(crowd$starts$status == "stopped_early"), 4)
})

test_that("a start that can't beat what there is stops early", {
  race <- race_of(iris[1:4], "VVV", 3L)
  set.seed(1)
  items <- drawn_starts(race, 1)
  alone <- raced_of(race, items)
  beaten <- raced_of(race, items, 1L, to_beat = alone$loglik + 50)
  expect_identical(beaten$status, "stopped_early")
  expect_lt(beaten$iterations, alone$iterations)
  cell <- list(status = "converged", run = alone, starts = alone$starts)
  kept <- keep_better(cell, beaten)
  expect_identical(kept$run, alone)
  expect_identical(kept$starts$status, c("converged", "stopped_early"))
  winning <- raced_of(race, items, 1L, to_beat = alone$loglik - 50)
  expect_identical(winning$loglik, alone$loglik)
})

test_that("where the finalists collapse the others have their turn", {
  set.seed(14)
  x <- c(rnorm(50), rnorm(50, 4), rep(8, 8))
  race <- race_of(x, "V", 2L)
  start <- function(labels) list(partition = labels, may_borrow = TRUE, method = "made")
  items <- list(start(rep(1:2, c(100, 8))), start(rep(1:2, c(50, 58))))
  alone <- all_of(race, items)
  expect_identical(alone$starts$degenerate, c(TRUE, FALSE))
  expect_gt(alone$starts$loglik[1], alone$starts$loglik[2])
  expect_gt(alone$starts$iterations[2], 10) # it is set aside before it has ended
  raced <- raced_of(race, items, 1L)
  expect_identical(raced$loglik, alone$starts$loglik[2])
  expect_length(raced$degenerate, 0)
})

test_that("threads don't show in a table", {
  x <- as.matrix(faithful)[rep(1:272, 3), ] + rep(c(0, 0.01, 0.02), each = 272)
  table_on <- function(threads) {
    set.seed(3)
    em_select(x, k = 1:4, covariance = c("EII", "VVI", "EVE", "VVV"),
              control = em_control(threads = threads, n_start = 4))[c("table", "cells")]
  }
  expect_identical(table_on(2), table_on(1))
})
