test_that("the table of starts tells what became of each", {
  set.seed(1)
  fit <- em_fit(faithful, 3)
  expect_identical(as.vector(table(fit$starts$method)[varied_kinds]), rep(15L, 4))
  expect_true(all(fit$starts$status %in% c("converged", "stopped_early", "collapsed")))
  long <- fit$starts$iterations > trial_iterations
  expect_lte(sum(long), fit$control$n_start)
  expect_gte(sum(long), 3)
  expect_true(all(fit$starts$iterations[fit$starts$status == "stopped_early"] == trial_iterations))
  expect_true(fit$loglik %in% fit$starts$loglik)
  expect_identical(lengths(fit$traces), fit$starts$iterations + 1L)
  # Higher was only what leans on few rows.
  set.seed(1)
  fit <- em_fit(iris[1:4], 4)
  higher <- fit$starts$loglik[!fit$starts$degenerate & fit$starts$loglik > fit$loglik + 1e-3]
  expect_true(all(higher <= fit$passed_over + 1e-3))
})

test_that("groups of near rows are joined at random, until there are as many as components", {
  sizes <- withr_seed(1, replicate(500, max(tabulate(join_groups(rep(1:6, 2), 6L, 2L), 2L)) / 2L))
  expect_setequal(sizes, 3:5) # of one alone as of halves
  expect_gt(min(table(sizes)), 50L)
  apart <- withr_seed(1, replicate(100, { joined <- join_groups(1:6, 6L, 2L); joined[1] == joined[6] && joined[1] != joined[3] }))
  expect_true(any(apart)) # not only of neighbours
  joined <- withr_seed(1, join_groups(c(4L, 4L, 1L, 3L, 1L), 8L, 2L))
  expect_setequal(joined, 1:2)
  expect_identical(joined[c(1, 3)], joined[c(2, 5)])
  # Equal rows make fewer groups than there are components.
  expect_setequal(withr_seed(1, join_groups(c(7L, 7L, 2L), 8L, 3L)), 1:2)
  expect_identical(join_groups(c(3L, 3L), 4L, 1L), c(1L, 1L))
})

test_that("one of four groups stands alone and the others are joined where that is the highest", {
  for (seed in 1:5) {
    fit <- withr_seed(seed, em_fit(ruspini, 2, em_gaussian("VVI")))
    expect_equal(fit$loglik, -724.218, tolerance = 1e-6)
    expect_equal(unname(fit$counts), c(55, 20), tolerance = 1e-2)
  }
  # With what is known of components, or of units, as without.
  held <- withr_seed(1, em_fit(ruspini, 2, fixed = list(mean = rbind(c(20, 65), NA))))
  expect_true(all(table(held$starts$method) == 15L))
  frame <- data.frame(ruspini, id = rep(1:25, each = 3))
  units <- withr_seed(1, em_fit(frame, 2, em_gaussian("VVI"), em_mixture(unit = "id")))
  expect_true("joined" %in% units$starts$method)
})

test_that("where k-means leads nowhere its groups are not joined", {
  family <- em_categorical()
  data <- em_data(as.data.frame(lapply(1:40, function(i) factor(rep(1:5, 4)))), family)
  task <- function(data, family) {
    model <- list(family = family_check(family, data, 2L), latent = em_mixture(), k = 2L)
    list(data = data, model = model, control = em_control(), native = list(x = data$x))
  }
  counts <- function(task) as.vector(table(factor(kinds_to_try(task), varied_kinds)))
  expect_identical(counts(task(data, family)), c(20L, 0L, 20L, 20L))
  # Nor where rows are so few that ends are made by some of them.
  expect_identical(counts(task(em_data(attitude[1:4], em_gaussian()), em_gaussian())), c(20L, 0L, 20L, 20L))
  expect_identical(counts(task(em_data(attitude[1:4], em_gaussian()), em_gaussian("VVI"))), c(20L, 0L, 20L, 20L))
  expect_identical(counts(task(em_data(faithful, em_gaussian()), em_gaussian())), rep(15L, 4))
})

test_that("where one start alone came to the best end others are drawn, at most twice", {
  set.seed(1)
  lucky <- suppressWarnings(em_fit(iris[1:4], 5))
  drawn <- function(fit) sum(fit$starts$method %in% varied_kinds)
  expect_true(drawn(lucky) %in% c(120L, 180L))
  set.seed(1)
  expect_identical(drawn(em_fit(iris[1:4], 2)), 60L)
  # Where rows are few all ends are made by some, and another round would find more of those.
  set.seed(1)
  expect_identical(drawn(suppressWarnings(em_fit(swiss[1:4], 3))), 60L)
  # Few starts were asked for: they are few.
  set.seed(1)
  expect_identical(drawn(suppressWarnings(em_fit(iris[1:4], 5, control = em_control(n_start = 2)))), 12L)
})

test_that("a finalist's run is that of its start by itself, so that it can be replayed", {
  set.seed(1)
  fit <- em_fit(faithful, 3)
  again <- em_fit(faithful, start = fit$start, control = fit$control)
  expect_equal(again$trace$loglik, fit$trace$loglik, tolerance = 1e-13)
  expect_equal(again$parameters, fit$parameters, ignore_attr = TRUE)
})

test_that("few iterations are run for all starts, none is stopped early", {
  set.seed(1)
  fit <- em_fit(faithful, 2, control = em_control(tol = 0, max_iter = 5, n_start = 2))
  expect_identical(fit$starts$status, rep("max_iter", 12))
  expect_identical(fit$starts$iterations, rep(5L, 12))
})

test_that("one component takes one start, a named method n_start of them", {
  expect_identical(nrow(em_fit(faithful, 1)$starts), 1L)
  set.seed(1)
  fit <- em_fit(faithful, 2, start = "random", control = em_control(n_start = 4))
  expect_identical(fit$starts$method, rep("random", 4))
})

test_that("where most starts end degenerate others are drawn, at most twice", {
  set.seed(1)
  fit <- suppressWarnings(em_fit(rep(c(1, 2, 5, 9, 20), 20), 3, start = "kmeans++"))
  expect_identical(nrow(fit$starts), 30L)
  expect_true(all(fit$starts$degenerate))
  expect_match(tail(format(fit), 2)[1], "best of 30 starts (30 degenerate, ", fixed = TRUE)
  expect_identical(nrow(em_fit(faithful, 2, start = "kmeans++")$starts), 10L)
})

test_that("a sound fit is preferred to a degenerate one of higher likelihood", {
  set.seed(1)
  fit <- em_fit(iris$Petal.Width, 4)
  expect_true(any(fit$starts$loglik > fit$loglik + 1))
  ended <- fit$starts$status == "converged" & !fit$starts$degenerate
  expect_identical(starts_agreeing(fit), sum(abs(fit$starts$loglik[ended] - fit$loglik) < 1e-3))
  expect_length(fit$degenerate, 0)
  expect_gte(min(fit$counts), 2)
})

test_that("a trial that had converged is not forgotten for one that had not", {
  for (seed in 1:5) {
    set.seed(seed)
    fit <- em_fit(iris$Petal.Width, 4)
    ended <- fit$starts$status == "converged" & !fit$starts$degenerate
    expect_equal(fit$loglik, max(fit$starts$loglik[ended]), tolerance = 1e-12)
  }
})

test_that("of many rows a sample serves to choose the starts, and all rows count in the end", {
  set.seed(1)
  x <- c(rnorm(15000), rnorm(12000, 4, 0.5))
  fit <- em_fit(x, 2)
  expect_identical(nrow(fit$starts), 10L)
  expect_identical(fit$nobs, 27000L)
  expect_equal(unname(fit$parameters$mean), c(0, 4), tolerance = 0.02)
  expect_lt(fit$iterations, 60)
  expect_equal(sum(predict(fit, type = "logdensity")), fit$loglik, tolerance = 1e-12)
  weighted <- em_fit(x, 2, weights = rep(0:1, c(20000, 7000)), control = em_control(tol = 0, max_iter = 30))
  expect_identical(nrow(weighted$starts), 60L)
})

test_that("the default finds the best known optimum of classic data", {
  known <- list(list(faithful, 2, -1130.264), list(iris[1:4], 2, -214.3547), list(iris[1:4], 3, -180.1855))
  for (case in known) {
    for (seed in 1:3) {
      set.seed(seed)
      expect_gt(em_fit(case[[1]], case[[2]])$loglik, case[[3]] - 1e-3)
    }
  }
})

slow_groups <- function() c(rnorm(1500, -1, 0.8), rnorm(2000, 1, 1), rnorm(1500, 3, 0.7))

test_that("starts that are all slow run to the end", {
  set.seed(1)
  slow <- em_fit(slow_groups(), 3, control = em_control(accelerate = FALSE, max_iter = 20000))
  expect_true(slow$converged)
  expect_identical(sum(slow$starts$iterations > 1000 & slow$starts$status == "converged"), 10L)
  expect_identical(lengths(slow$traces), slow$starts$iterations + 1L)
})

test_that("where every start collapses onto ties, starts of very different widths find a maximum", {
  sets <- list(list(mtcars$qsec, 2), list(mtcars$qsec, 4), list(as.numeric(nhtemp), 3), list(iris$Sepal.Length, 3))
  for (set in sets) {
    fit <- withr_seed(1, quietly(em_fit(set[[1]], set[[2]])))
    expect_identical(fit$status, "converged")
    expect_length(fit$degenerate, 0L)
  }
  expect_equal(fit$loglik, -175.091, tolerance = 1e-5)
})

test_that("from a good end two components merge and another splits, and only what is higher counts", {
  x <- withr_seed(2, c(rnorm(40), rnorm(40, 6), rnorm(40, 12), rnorm(40, 18)))
  data <- em_data(x, em_gaussian())
  model <- list(family = family_check(em_gaussian("V"), data, 4L), latent = em_mixture(), k = 4L)
  task <- list(data = data, model = model, control = em_control(), native = tallied(data, model))
  # Two groups under one component, and another group under two.
  low <- as_search(run_em(data, list(items = list(partition_start(rep(c(1L, 1L, 2L, 3L, 4L), c(40, 40, 40, 20, 20)), "own", data))),
                          model, task$control), "own")
  best <- em_fit(x, 4, start = rep(1:4, each = 40))
  expect_lt(low$loglik, best$loglik - 5)
  moved <- search_by_moves(task, low)
  expect_equal(moved$loglik, best$loglik, tolerance = 1e-8)
  expect_identical(search_by_moves(task, moved), moved)
})

test_that("rows too few for one component are not sent to one component", {
  x <- matrix(c(1, 4, 2, 7, 3, 9, 8, 1, 5, 2, 6, 4), 3)
  for (k in 1:2) {
    expect_error(em_fit(x, k), "can't determine a full covariance of 4 columns.*fewer columns, or a diagonal covariance",
                 class = "emfit_error_input")
  }
})

test_that("of two components one gives a part to the other where that leads higher", {
  x <- withr_seed(2, c(rnorm(40), rnorm(20, 11, 0.6), rnorm(40, 16, 0.6)))
  data <- em_data(x, em_gaussian())
  model <- list(family = family_check(em_gaussian("V"), data, 2L), latent = em_mixture(), k = 2L)
  task <- list(data = data, model = model, control = em_control(), native = tallied(data, model))
  from <- function(labels) {
    as_search(run_em(data, list(items = list(partition_start(labels, "own", data))), model, task$control), "own")
  }
  low <- from(rep(c(1L, 2L), c(60, 40)))
  best <- from(rep(c(1L, 2L), c(40, 60)))
  expect_lt(low$loglik, best$loglik - 5)
  expect_equal(search_by_moves(task, low)$loglik, best$loglik, tolerance = 1e-8)
})

test_that("under a spread that is shared a lone row is a maximum like any other", {
  fit <- withr_seed(1, quietly(em_fit(swiss[1:4], 3, em_gaussian("EEE"))))
  expect_gte(fit$loglik, -654.7213)
  far <- rbind(as.matrix(faithful), c(1000, 1000))
  expect_equal(min(withr_seed(1, quietly(em_fit(far, 3, em_gaussian("EEE"))))$counts), 1, tolerance = 1e-6)
})
