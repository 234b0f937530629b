# What rows are worth to a fit that never saw them, against one M-step in plain R.
by_hand <- function(fit, group = seq_len(fit$data$n)) {
  x <- fit$data$x
  r <- responsibilities(fit)
  d <- ncol(x)
  log_normal <- function(row, mean, sigma) {
    -0.5 * (d * log(2 * pi) + log(det(sigma)) + drop(crossprod(row - mean, solve(sigma, row - mean))))
  }
  vapply(seq_len(nrow(x)), function(i) {
    keep <- group != group[i]
    terms <- vapply(seq_len(fit$k), function(j) {
      w <- r[keep, j]
      moments <- cov.wt(x[keep, , drop = FALSE], w / sum(w), method = "ML")
      log(sum(w) / sum(keep)) + log_normal(x[i, ], moments$center, moments$cov)
    }, 0)
    max(terms) + log(sum(exp(terms - max(terms))))
  }, 0)
}

test_that("rows are left out with their copies, as one M-step without them", {
  fit <- em_fit(iris[1:4], 2)
  group <- number_of_row(fit$data$x)
  left <- leave_out(fit$data, fit$parameters, fit_model(fit), fit$df)
  expect_equal(left$loglik, sum(by_hand(fit, group)), tolerance = 1e-9)
  expect_equal(glance(fit)$LOO, left$loglik)
  expect_identical(number_of_row(cbind(c(1, 2, 1, 2), c(5, 5, 5, 6))), c(1L, 2L, 1L, 3L))
  apart <- by_hand(fit)
  expect_gt(max(abs(apart - by_hand(fit, group))), 1e-4)
})

test_that("weights count rows, and other units shift it alone", {
  fit <- em_fit(faithful, 2)
  twice <- em_fit(faithful, start = fit, weights = rep(2, 272))
  rows <- em_fit(faithful[rep(1:272, 2), ], start = fit)
  gap <- function(fit) leave_out(fit$data, fit$parameters, fit_model(fit), fit$df)$gap
  expect_equal(gap(twice), gap(rows), tolerance = 1e-5)
  expect_equal(gap(twice), gap(fit), tolerance = 1e-4)
  scaled <- em_fit(faithful * 1e3 + 1e4, start = factor(predict(fit)))
  expect_equal(sort(gap(scaled)), sort(gap(fit)), tolerance = 1e-4)
})

test_that("it is refused where rows are not by themselves or whole", {
  holes <- as.matrix(faithful)
  holes[1, 1] <- NA
  fit <- suppressMessages(em_fit(holes, 2, na.action = na.pass))
  expect_identical(glance(fit)$LOO, NA_real_)
  native <- native_data(fit$data, fit_model(fit))
  expect_error(em_leave_out_cpp(native, native_family(fit_model(fit)), native_latent(fit_model(fit)),
                                lapply(unclass(fit$parameters), bare_numbers), rep(0L, 272), 1L), "numbered from 1")
})

test_that("an end that leans on few rows does not win over one that does not", {
  for (seed in 1:6) {
    set.seed(seed)
    expect_equal(em_fit(iris[1:4], 3)$loglik, -180.185, tolerance = 1e-5)
  }
  skip_if_not_installed("mclust")
  unemployment <- mclust::EuroUnemployment
  set.seed(1)
  fit <- em_fit(unemployment, 2)
  expect_gt(min(fit$counts), 8)
  expect_identical(fit$leaning, integer())
  # Where it is all there is it stays, and says so.
  pancake <- em_fit(unemployment, start = factor(1 + seq_len(31) %in% c(6, 8, 12, 23, 28)))
  expect_gt(pancake$loglik, fit$loglik + 5)
  expect_length(pancake$leaning, 1)
  expect_match(format(pancake), "leans on few rows", all = FALSE)
  support <- subset(em_diagnose(pancake), check == "support")
  expect_identical(as.character(support$status), "note")
  expect_gt(support$value, 2)
  s <- em_select(unemployment, k = 1:2, covariance = c("EEV", "VVV"))
  expect_identical(best(s)$family$covariance, "EEV")
})

test_that("a fit of a table that leans keeps its row and is passed over", {
  table <- data.frame(BIC = c(10, 20, 15), df = 1:3, leaning = c(TRUE, FALSE, FALSE))
  expect_identical(rank_fits(table, "BIC"), c(3L, 2L, 1L))
})

test_that("a component of a single row is told, and wins over no fit without one that is nearly as likely", {
  x <- as.matrix(swiss[, 1:4])
  set.seed(1)
  models <- em_select(x, k = 1:3, covariance = "EEE")
  table <- models$table
  expect_equal(table$logLik[3], -654.72, tolerance = 1e-5)
  expect_lt(table$BIC[3], table$BIC[2])
  expect_identical(table$leaning, c(FALSE, FALSE, TRUE))
  expect_match(table$reason[3], "single row")
  expect_identical(best(models)$k, 2L)
  expect_match(format(models), "1 fit passed over: EEE 3", all = FALSE)

  lone <- best(models, k = 3)
  expect_identical(lone$leaning, 3L)
  expect_match(format(lone), "Component 3 is no group: 1 point (row 45).", fixed = TRUE, all = FALSE)
  found <- as.data.frame(em_diagnose(lone))
  expect_identical(as.character(found$status[found$check == "support"]), "note")

  # The same under weights that count every row twice, and where every row is there twice.
  for (twice in list(em_fit(x, 3, em_gaussian("EEE"), weights = rep(2, 47), start = lone$parameters),
                     em_fit(rbind(x, x), 3, em_gaussian("EEE"), start = lone$parameters))) {
    expect_identical(twice$leaning, 3L)
  }
})

test_that("a single row far from all others stays a component", {
  set.seed(1)
  x <- c(rnorm(100), 1000)
  models <- em_select(x, k = 1:2, covariance = "E")
  expect_identical(best(models)$k, 2L)
  expect_false(any(models$table$leaning))
  expect_identical(best(models)$leaning, 2L)
})

test_that("three rows that are nearly one do not win, however narrow they are", {
  # Three eruptions of 1.82 minutes after 46: what leaving one of them costs is limited, and all three are at the limit.
  at <- c(135, 188, 271)
  start <- 1L + (faithful$eruptions > 3)
  start[at] <- 3L
  run <- em_fit(faithful, 3, em_gaussian("VEV"), start = factor(start))
  few <- which.min(run$counts)
  expect_lt(run$counts[[few]], 3.1)
  left <- leave_out(run$data, run$parameters, fit_model(run), run$df)
  expect_gt(left$gap[few], 2.6)
  sound <- withr_seed(1, em_fit(faithful, 3, em_gaussian("EEE")))
  expect_gt(run$loglik - run$counts[[few]] * run$df / 3, glance(sound)$LOO) # less one component's parameters a row
  expect_lt(left$loglik, glance(sound)$LOO)
  models <- withr_seed(1, em_select(faithful, k = 2:3, covariance = c("EEE", "VEV", "VVV")))
  expect_identical(best(models)$family$covariance, "EEE")
})

test_that("two rows with nothing beside them are too few to stand, whatever they can lose", {
  skip_if_not_installed("mclust")
  x <- as.matrix(mclust::EuroUnemployment)
  pair <- suppressWarnings(em_fit(rbind(x, colMeans(x) + 400, colMeans(x) + c(400, 401, 399)), 2, em_gaussian("VEV"),
                                  start = rep(1:2, c(nrow(x), 2L))))
  left <- leave_out(pair$data, pair$parameters, fit_model(pair), pair$df)
  expect_equal(min(left$rows), 2, tolerance = 1e-6)
  expect_lte(left$gap[which.min(left$rows)], 2)
  expect_identical(pair$leaning, which.min(pair$counts)[[1L]])
})

test_that("a search asks what a run is worth without its rows once", {
  fit <- em_fit(iris[, 1:4], 3, em_gaussian("VVV"), start = iris$Species)
  data <- remembering(fit$data)
  ask <- function(data, df = fit$df) leave_out(data, fit$parameters, fit_model(fit), df)
  expect_identical(ask(data), ask(fit$data))
  expect_length(data$answers$all, 2L) # and which rows are equal
  data$answers$all[[2L]]$answer <- "kept"
  expect_identical(ask(data), "kept")
  # Of another run, or of one that counts other parameters, it says something else.
  expect_identical(ask(data, fit$df + 1), ask(fit$data, fit$df + 1))
  other <- em_fit(iris[, 1:4], 3, em_gaussian("EEE"), start = iris$Species)
  expect_identical(leave_out(data, other$parameters, fit_model(other), other$df),
                   leave_out(other$data, other$parameters, fit_model(other), other$df))
  expect_null(em_select(iris[, 1:4], k = 2)$data$answers)
})

test_that("a row stays a single one where its copies are there too", {
  x <- rbind(as.matrix(faithful), matrix(c(30, 300), 3, 2, byrow = TRUE))
  fit <- em_fit(x, 2, em_gaussian("EEE"), start = rep(1:2, c(272, 3)))
  alone <- which.min(fit$counts)
  expect_equal(fit$counts[[alone]], 3, tolerance = 1e-6)
  expect_identical(single_rows(fit, fit$data, fit_model(fit)), unname(alone))
})
