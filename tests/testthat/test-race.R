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
  run_cells(race$plan, list(cell_task(race$plan$native, race$model)), list(items), race_by(table_race(most), race$plan$long), to_beat)[[1L]]
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
  kept <- keep_better(list(model = race$model, status = "converged", run = alone, starts = alone$starts), beaten)
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

raced_kinds <- c("kmeans++", "random", "partition")

# Starts of three kinds on faithful, three components, that take EM's own short steps: none has ended at the first pause.
drawn_kinds <- function(seed, each) {
  race <- race_of(faithful, "VVV", 3L, em_control(threads = 1, accelerate = FALSE, tol = 1e-10, max_iter = 5000))
  set.seed(seed)
  items <- unlist(lapply(raced_kinds, function(kind) draw_starts(race$data, race$model, kind, each)), recursive = FALSE)
  kinds <- rep(raced_kinds, each = each)
  list(kinds = kinds, run = function(plan, max_iter = 5000L) {
    control <- race_by(plan, replace(race$plan$long, "max_iter", max_iter))
    run_em(race$data, list(items = items, kinds = match(kinds, kinds)), race$model, control)
  })
}

test_that("of each kind the best run on, then the best of all, each as it would alone", {
  drawn <- drawn_kinds(1, 4)
  plan <- replace(fit_race(em_control(n_start = 6), length(raced_kinds)), "usable", 0L)
  trial <- drawn$run(NULL, trial_iterations)$starts
  expect_identical(unique(trial$status), "max_iter")
  place <- ave(-trial$loglik, drawn$kinds, FUN = rank)
  for (finalists in c(6L, 5L)) {
    raced <- drawn$run(replace(plan, c("finalists", "patience"), list(finalists, 5000L)))$starts
    first <- order(place > 2, -trial$loglik)[seq_len(finalists)]
    ran <- raced$status != "stopped_early"
    expect_setequal(which(ran), first)
    expect_identical(raced$iterations[!ran], rep(trial_iterations, 12 - finalists))
    expect_equal(raced$loglik[ran], drawn$run(NULL)$starts$loglik[ran], tolerance = 1e-12)
  }
  # Without a place for each kind the best of all run on.
  best <- drawn$run(replace(plan, c("of_each", "patience"), list(0L, 5000L)))$starts
  expect_setequal(which(best$status != "stopped_early"), order(-trial$loglik)[1:6])
})

test_that("the rest have their turn where too few that can be used came of the finalists", {
  set.seed(14)
  x <- c(rnorm(50), rnorm(50, 4), rep(8, 8))
  race <- race_of(x, "V", 2L)
  start <- function(labels) list(partition = labels, may_borrow = TRUE)
  items <- list(start(rep(1:2, c(100, 8))), start(rep(1:2, c(50, 58))), start(rep(1:2, c(60, 48))))
  of <- function(usable, items) {
    plan <- list(finalists = 1L, of_each = 0L, first_pause = 2L, kept = 0, patience = 10L, drop_equals = FALSE, usable = usable)
    run_em(race$data, list(items = items), race$model, race_by(plan, race$plan$long))$starts
  }
  expect_identical(of(0L, items)$status[-1], rep("stopped_early", 2))
  expect_false("stopped_early" %in% of(1L, items)$status)
  # One came to something, and two were wanted.
  expect_identical(of(1L, items[2:3])$iterations[2], 2L)
  expect_gt(of(2L, items[2:3])$iterations[2], 2)
})

test_that("a start that can't reach the best is given up after a while, and not before", {
  drawn <- drawn_kinds(1, 4)
  plan <- replace(fit_race(em_control(n_start = 12), length(raced_kinds)), c("usable", "first_pause"), list(0L, 10L))
  all <- drawn$run(NULL)$starts
  early <- drawn$run(replace(plan, "patience", 20L))$starts
  left <- early$status == "stopped_early"
  expect_gt(sum(left), 1)
  expect_true(all(early$iterations[left] >= 40))
  expect_true(all(all$loglik[left] < max(all$loglik) - 1e-3))
  expect_equal(max(early$loglik[!left]), max(all$loglik), tolerance = 1e-12)
  expect_false("stopped_early" %in% drawn$run(replace(plan, "patience", 5000L))$starts$status)
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
