# Winners of a table that a few rows made, by whatever criterion.

unwarned <- function(code) suppressWarnings(code, classes = c("emfit_warning_unidentified", "emfit_warning_agreement"))
flat_sets <- function() list(longley = longley[, 1:3], freeny = as.matrix(freeny)[1:20, 1:4])

test_that("components of few rows that lie flat are seen under a common volume, and don't win", {
  flat <- withr_seed(1, unwarned(em_fit(longley[, 1:3], 5, em_gaussian("EEV"))))
  expect_lt(max(flat$counts), 5)
  expect_identical(flat$leaning, 1:5)
  expect_match(format(flat), "Components 1, 2, 3, 4, 5 lean on few rows", all = FALSE)
  expect_identical(as.character(subset(em_diagnose(flat), check == "support")$status), "note")
  skip_if_not_installed("mclust")
  for (seed in 1:2) expect_identical(best(withr_seed(seed, em_select(mclust::EuroUnemployment, k = 1:5)))$k, 2L)
  for (x in flat_sets()) {
    for (criterion in c("BIC", "ICL", "AIC")) {
      s <- withr_seed(1, em_select(x, k = 1:5, criterion = criterion))
      table <- s$table[s$table$status %in% sound_statuses, ]
      expect_true(table$leaning[which.min(table[[criterion]])])
      chosen <- unwarned(best(s))
      expect_identical(chosen$leaning, integer())
      expect_no_match(format(s), "leans on few rows too")
    }
  }
})

test_that("what lies flat under a common volume is asked for by its rows, and a prior answers for itself", {
  expect_true(family_is_bounded(em_gaussian("EEV")) && family_can_lean(em_gaussian("EEV")))
  expect_false(family_can_lean(em_gaussian("EEV", prior = em_prior())))
  expect_false(family_can_lean(em_poisson()))
  # Groups of 22 rows are no such components, although they lose more than 2 where the common spread is not theirs.
  skip_if_not_installed("mclust")
  thyroid <- as.matrix(mclust::thyroid[-1])
  for (structure in c("EVI", "EEV", "EVE")) {
    fit <- withr_seed(1, unwarned(em_fit(thyroid, 3, em_gaussian(structure))))
    expect_gt(max(leave_out(fit$data, fit$parameters, fit_model(fit), fit$df)$gap), 2)
    expect_identical(fit$leaning, integer())
  }
})

test_that("a table that was made by one criterion judges its winners by another", {
  x <- longley[, 1:3]
  s <- withr_seed(1, em_select(x, k = 1:5))
  by_aic <- passed_by(s, "AIC")
  expect_identical(passed_by(s, "BIC"), s$table$leaning)
  expect_true(by_aic[which.min(s$table$AIC)])
  chosen <- unwarned(best(s, "AIC"))
  expect_identical(chosen$leaning, integer())
  s$table$leaning <- by_aic
  expect_equal(chosen$loglik, s$table$logLik[rank_fits(s$table, "AIC")[1L]])
  expect_identical(plot_data(s, criterion = "AIC")$best$value, s$table$AIC[rank_fits(s$table, "AIC")[1L]])
})

test_that("the winner by another criterion and its rivals are searched again, too", {
  s <- withr_seed(3, em_select(faithful, k = 1:5, covariance = c("EEE", "VVV"), criterion = "AIC"))
  table <- s$table
  for (row in which(table$AIC <= min(table$AIC[!table$leaning]) + rival_bic & !table$leaning)) {
    fit <- withr_seed(row, unwarned(em_fit(faithful, table$k[row], em_gaussian(table$covariance[row]))))
    expect_gt(table$logLik[row], fit$loglik - 1e-3)
  }
})

test_that("a cross-validated winner stands the same test", {
  structures <- c("EEV", "VVV", "EEE")
  s <- withr_seed(1, em_select(longley[, 1:3], k = 1:4, covariance = structures, criterion = "CV", folds = 4))
  winner <- s$table[rank_fits(s$table, "CV")[1L], ]
  expect_false(winner$leaning)
  data <- s$data
  values <- replace(s$table$CV, is.na(s$table$CV) | s$table$leaning, Inf)
  expect_identical(winners_that_fall(s$cells, values, data), integer())
})

test_that("each fit is judged once and only where it may decide", {
  one_if <- function(yes) if (yes) 1L else integer()
  fit <- function(at) {
    list(run = at, searched = TRUE, left = list(loglik = -at, components = one_if(at < 3)), single = one_if(at == 3))
  }
  cells <- lapply(1:5, fit)
  # 1 and 2 lean and are worth -1 and -2 to rows left out, more than the others: nothing falls.
  expect_identical(winners_that_fall(cells, c(10, 12, 15, 18, 90), NULL), integer())
  cells[[5]]$left$loglik <- 0
  # Far behind as it is, it stands better than 1 and 2; then 4 is within 10 of the single row of 3.
  expect_identical(winners_that_fall(cells, c(10, 12, 15, 18, 90), NULL), 1:3)
  expect_identical(winners_that_fall(cells, c(10, 12, 15, 26, 90), NULL), 1:2)
  expect_identical(winners_that_fall(cells, c(10, 12, 15, 18, Inf), NULL), integer())
  expect_identical(winners_that_fall(cells, rep(Inf, 5), NULL), integer())
  # A winner that was not searched by itself yet is not judged yet.
  expect_identical(winners_that_fall(cells, c(10, 12, 15, 18, 90), NULL, c(TRUE, FALSE, TRUE, TRUE, TRUE)), 1L)
})

test_that("print says where the best of all leans", {
  s <- withr_seed(1, em_select(longley[, 1:3], k = 5, covariance = c("EEV", "VEV")))
  expect_gt(length(unwarned(best(s))$leaning), 0)
  said <- "^The best fit leans on few rows too: no other is worth more to rows left out of it\\.$"
  expect_match(format(s), said, all = FALSE)
})
