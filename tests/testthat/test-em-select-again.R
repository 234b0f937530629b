# What decides a table is searched as em_fit() would search it.

test_that("a single cell is em_fit()'s search", {
  skip_if_not_installed("MASS")
  x <- as.matrix(MASS::crabs[4:8])
  for (k in 2:4) {
    set.seed(k)
    fit <- em_fit(x, k)
    set.seed(k)
    s <- em_select(x, k, "VVV")
    expect_identical(s$table$logLik, fit$loglik)
    expect_identical(best(s)$parameters, fit$parameters)
  }
  set.seed(1)
  expect_equal(em_select(x, 2, "VVV", control = em_control(n_start = 2))$cells[[1]]$starts$method,
               rep(varied_kinds, each = 3))
  expect_no_match(format(s), "searched once more")
})

test_that("one structure with several k ends no lower than em_fit() does", {
  skip_if_not_installed("MASS")
  wanted <- list(crabs = c(-1481.878, -1354.157, -1281.280, -1223.693))
  set.seed(1)
  s <- em_select(MASS::crabs[4:8], k = 1:4, covariance = "VVV")
  expect_equal(s$table$logLik, wanted$crabs, tolerance = 1e-6)
  expect_identical(best(s)$k, 4L)
  expect_identical(s$searched, 4L)
  expect_match(format(s), "^It and 3 rivals were searched once more by themselves, as em_fit\\(\\) would\\.$", all = FALSE)
  set.seed(1)
  expect_equal(em_select(quakes[1:300, 1:4], 4, "VVV")$table$logLik, -3292.205, tolerance = 1e-6)
})

test_that("the winner and all within 10 of it have been searched, in a quick search too", {
  for (search in c("thorough", "quick")) {
    set.seed(2)
    s <- em_select(faithful, k = 1:4, covariance = c("EEE", "VVI", "VVV"), search = search)
    near <- which(s$table$BIC < min(s$table$BIC) + rival_bic)
    expect_gte(s$searched, length(near))
    for (row in near) {
      set.seed(row)
      fit <- suppressWarnings(em_fit(faithful, s$table$k[row], em_gaussian(s$table$covariance[row])))
      expect_gt(s$table$logLik[row], fit$loglik - 1e-3)
    }
  }
})

test_that("of a table of many structures the best of a far k is no rival; of a few structures it is", {
  set.seed(1)
  many <- em_select(iris[, 1:4], k = 1:4, covariance = c("EII", "VII", "EEE", "VVI", "VVV"))
  best_of <- tapply(many$table$BIC, many$table$k, min)
  expect_true(any(best_of > min(best_of) + far_bic))
  near <- sum(many$table$BIC <= min(many$table$BIC) + rival_bic)
  expect_lt(many$searched, near + length(best_of))
  few <- em_select(iris[, 1:4], k = 1:4, covariance = c("EEE", "VVV"))
  expect_gte(few$searched, 4L)
})

test_that("of many structures what is far behind takes few optima of others, and few merges", {
  data <- em_data(iris[, 1:4], em_gaussian())
  families <- family_structures(em_gaussian(), c("EII", "VII", "EEI", "EEE", "VVI", "EEV", "VVV"), data)
  set.seed(1)
  search <- new_search(data, families, 4:5, em_mixture(), em_control(threads = 1))
  share_starts(search)
  expect_identical(far_cells(search, 1L)[c(1, 6)], c(TRUE, FALSE))
  count <- function(i, method) sum(search$cells[[1L]][[i]]$starts$method == method)
  expect_identical(c(count(1, "shared"), count(1, "merge")), c(few_optima, few_optima))
  expect_gte(count(6, "shared"), 6)
  expect_identical(count(6, "merge"), 5L)
})

test_that("partitions that group the rows alike are one start", {
  one <- list(partition = c(1L, 1L, 2L, 3L))
  same <- list(partition = c(3L, 3L, 1L, 2L))
  other <- list(partition = c(1L, 2L, 2L, 3L))
  drawn <- list(parameters = list(mean = 1:2))
  expect_identical(distinct_partitions(list(one, same, other, one)), list(one, other))
  expect_identical(distinct_partitions(list(drawn, drawn)), list(drawn, drawn))
})

test_that("em_lrt() compares what em_fit() finds", {
  skip_if_not_installed("MASS")
  set.seed(1)
  test <- em_lrt(em_fit(MASS::crabs[4:8], 1), n_boot = 3)
  expect_equal(test$statistic[["LR"]], 255.442, tolerance = 1e-5)
  expect_null(better_end(NULL, NULL))
})

test_that("too few rows are told at once, and ties leave a maximum to be found", {
  expect_error(em_fit(iris[1:12, 1:4], 3), "12 rows are too few for 3 components: each needs 5 at least",
               class = "emfit_error_degenerate")
  expect_error(em_fit(cars$speed[1:5], 3), "too few", class = "emfit_error_degenerate")
  expect_match(em_select(iris[1:12, 1:4], k = 3, covariance = "VVV")$table$reason, "12 rows are too few")
  # Held or equal spreads need no rows of their own.
  expect_s3_class(suppressWarnings(em_fit(c(1, 2, 5), 2, em_gaussian("E"))), "em_fit")
  for (seed in 1:3) {
    set.seed(seed)
    fit <- suppressWarnings(em_fit(iris$Sepal.Length, 3))
    expect_equal(fit$loglik, -175.0913, tolerance = 1e-5)
    expect_length(fit$degenerate, 0)
  }
})

test_that("a winner that a few rows made is passed over where all others are far behind, too", {
  for (x in list(stackloss)) {
    s <- withr_seed(1, em_select(x, k = 1:5))
    table <- s$table[s$table$status %in% emfit:::sound_statuses, ]
    highest <- table[which.min(table$BIC), ]
    expect_lt(highest$BIC, min(table$BIC[!table$leaning]) - emfit:::rival_bic)
    expect_true(highest$leaning)
    expect_match(highest$reason, "leans on few rows")
    winner <- table[order(table$leaning, table$BIC), ][1L, ]
    chosen <- suppressWarnings(best(s), classes = "emfit_warning_unidentified") # 47 parameters of 21 rows
    expect_equal(chosen$k, winner$k)
    expect_identical(chosen$family$covariance, winner$covariance)
  }
})
