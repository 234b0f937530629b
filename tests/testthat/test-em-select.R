# em_select(), best(), icl(): the table says what the fits say, structures help each other, trouble keeps its row.

quick <- em_control(n_start = 3)

test_that("a row holds what its fit says", {
  set.seed(1)
  s <- em_select(faithful, k = 1:3, covariance = c("VVV", "EEE", "VVI"), control = quick)
  expect_s3_class(s, "em_select")
  expect_named(s$table, c("family", "covariance", "k", "logLik", "df", "AIC", "BIC", "ICL", "entropy", "n.min",
                          "prob.min", "converged", "starts.agree", "leaning", "status", "reason"))
  expect_identical(s$table$covariance, rep(c("VVI", "EEE", "VVV"), each = 3))
  expect_identical(s$table$k, rep(1:3, 3))
  for (row in seq_len(nrow(s$table))) {
    line <- s$table[row, ]
    fit <- best(s, k = line$k, covariance = line$covariance)
    r <- predict(fit, type = "prob")
    top <- apply(r, 1, max)
    expect_equal(line$logLik, sum(predict(fit, type = "logdensity")), tolerance = 1e-10)
    expect_identical(line$df, as.integer(reference_df(line$k, 2, line$covariance)))
    expect_equal(c(line$AIC, line$BIC), c(AIC(fit), BIC(fit)), tolerance = 1e-12)
    expect_equal(line$ICL, BIC(fit) - 2 * sum(log(top)), tolerance = 1e-9)
    expect_equal(line$ICL, icl(fit), tolerance = 1e-9)
    disorder <- -sum(r * log(pmax(r, 1e-300)))
    expect_equal(line$entropy, if (line$k == 1) 1 else 1 - disorder / (272 * log(line$k)), tolerance = 1e-9)
    expect_equal(line$prob.min, min(tapply(top, max.col(r), mean)), tolerance = 1e-9)
    expect_equal(line$n.min, min(colSums(r)), tolerance = 1e-4)
    expect_true(line$converged && line$status == "converged" && is.na(line$reason) && line$starts.agree >= 1)
  }
})

test_that("best() is the least by the criterion, and a fit like any other", {
  set.seed(2)
  s <- em_select(iris[1:4], k = 1:3, control = quick)
  expect_identical(nrow(s$table), 42L)
  for (criterion in c("BIC", "ICL", "AIC")) {
    fit <- best(s, criterion = criterion)
    value <- switch(criterion, BIC = BIC(fit), ICL = icl(fit), AIC = AIC(fit))
    expect_equal(value, min(s$table[[criterion]]), tolerance = 1e-9)
  }
  # mclust 6.0.0 names the same model, with the opposite sign: -561.7285.
  fit <- best(s)
  expect_identical(c(fit$family$covariance, fit$k), c("VEV", "2"))
  expect_printed(BIC(fit), 561.73, 2)
  expect_identical(class(fit), class(em_fit(iris[1:4], 2)))
  expect_identical(fit$call[[1]], quote(emfit::em_fit))
  expect_equal(logLik(update(fit, start = fit)), logLik(fit), tolerance = 1e-8)
  expect_identical(best(s, k = 1)$family$covariance, "EEE")
})

test_that("no structure ends below one nested in it, and no k below the one before", {
  set.seed(3)
  s <- em_select(iris[1:4], k = 2:3, control = em_control(n_start = 1))
  freedom <- function(name) match(strsplit(name, "")[[1]], c("I", "E", "V"))
  loglik <- matrix(s$table$logLik, 2, dimnames = list(2:3, unique(s$table$covariance)))
  compared <- 0
  for (small in colnames(loglik)) for (large in colnames(loglik)) {
    if (small == large || any(freedom(small) > freedom(large))) next
    compared <- compared + 1
    expect_true(all(loglik[, large] >= loglik[, small] - 1e-6), label = paste(small, "above", large))
  }
  expect_gt(compared, 50)
  expect_true(all(loglik["3", ] > loglik["2", ]))
})

test_that("the seed decides, and threads and the caller's generator do not matter", {
  pick <- function(threads) {
    set.seed(4)
    em_select(faithful, k = 2:3, covariance = c("EII", "VVV"), control = em_control(n_start = 2, threads = threads))
  }
  one <- pick(1)
  two <- pick(2)
  expect_identical(one$table, two$table)
  expect_identical(best(one)$parameters, best(two)$parameters)
})

test_that("weights count rows, and the formula and the matrix are the same call", {
  set.seed(5)
  rows <- rep(1:150, rep(1:3, 50))
  twice <- em_select(iris[rows, 1:2], k = 1:2, covariance = c("EII", "VVV"), control = quick)
  weighted <- em_select(~ Sepal.Length + Sepal.Width, data = transform(iris, w = rep(1:3, 50)), weights = w, k = 1:2,
                        covariance = c("spherical", "EII", "full"), control = quick)
  one <- weighted$table[weighted$table$covariance != "VII", ]
  numbers <- c("logLik", "df", "AIC", "BIC", "ICL", "entropy", "n.min", "prob.min")
  expect_equal(one[numbers], twice$table[numbers], tolerance = 1e-4, ignore_attr = TRUE)
  expect_identical(weighted$nobs, 300)
  half <- em_select(~ Sepal.Length + Sepal.Width, iris, subset = Species != "setosa", k = 1, covariance = "VVV")
  expect_equal(half$table$logLik, as.numeric(logLik(em_fit(iris[51:150, 1:2], 1))), tolerance = 1e-12)
  expect_identical(formula(best(half)), ~ Sepal.Length + Sepal.Width, ignore_formula_env = TRUE)
})

test_that("counts are selected too, and a doubt about them is a note in the table", {
  set.seed(6)
  s <- expect_silent(em_select(cbind(heads, tails) ~ 1, coins, k = 1:3, family = "binomial", control = quick))
  expect_identical(s$table$covariance, rep(NA_character_, 3))
  expect_identical(best(s)$k, 1L)
  expect_identical(as.integer(s$table$df), c(1L, 3L, 5L))
  expect_true(all(diff(s$table$logLik) > -1e-6))
  few <- em_select(c(0, 1, 2, 2), k = 2, family = em_binomial(size = 2), control = quick)
  expect_match(few$table$reason, "needs rows of at least 3 trials")
})

test_that("what can't be fitted keeps its row and says why", {
  set.seed(7)
  x <- cbind(a = rnorm(30), b = rnorm(30))
  collinear <- em_select(cbind(x, c = x[, 1] - x[, 2]), k = 1:2, control = quick)
  full <- !grepl("I$", collinear$table$covariance)
  expect_identical(collinear$table$status == "failed", full)
  expect_match(collinear$table$reason[full], "Column \"c\" is a linear combination of \"a\", \"b\".", fixed = TRUE)
  expect_true(all(is.na(collinear$table$BIC[full])) && !anyNA(collinear$table$BIC[!full]))
  expect_match(best(collinear)$family$covariance, "I$")

  constant <- em_select(cbind(x, c = 1), k = 1:2, control = quick)
  expect_true(all(constant$table$status == "failed"))
  expect_error(best(constant), "Column \"c\" is constant", class = "emfit_error_degenerate")
  expect_error(plot(constant), class = "emfit_error_degenerate")
  expect_match(format(constant), "No fit came about", all = FALSE)

  wide <- em_select(matrix(rnorm(60), 6), k = 1:2, control = quick)
  expect_identical(wide$table$status == "failed", full)
  expect_match(wide$table$reason[full], "can't determine a full covariance of 10 columns")

  many <- em_select(x[1:4, ], k = 3:5, covariance = c("EII", "VVV"), control = quick)
  expect_identical(many$table$status[many$table$k == 5], rep("failed", 2))
  expect_match(many$table$reason[3], "Can't fit 5 components to 4 rows")
  # Four components for four rows: each shrinks onto one.
  expect_identical(many$table$status[many$table$covariance == "EII"][1:2], c("converged", "collapsed"))
  expect_false(any(many$table$status[4:5] == "converged"))

  points <- em_select(rep(c(1, 2, 5), 20), k = 2:3, control = quick)
  expect_identical(points$table$status[c(1, 3, 4)], c("converged", "collapsed", "collapsed"))
  expect_match(points$table$reason[3:4], "unbounded")
  expect_true(all(is.na(points$table$BIC[3:4])))
})

test_that("a component on one point is no candidate", {
  set.seed(14)
  s <- em_select(c(rnorm(50), rep(10, 5)), k = 2, control = quick)
  expect_identical(s$table$status, c("converged", "collapsed"))
  expect_lt(s$table$logLik[1], s$table$logLik[2])
  expect_identical(best(s)$family$covariance, "E")
})

test_that("a structure is nested in another where each letter says at most as much", {
  nested <- function(small, large) family_is_nested(em_gaussian(small), em_gaussian(large))
  expect_true(nested("EII", "VVV") && nested("EEI", "EEE") && nested("VEI", "VVE") && nested("EEE", "EEV"))
  expect_false(nested("VII", "EVV") || nested("EEV", "VVE") || nested("VVV", "VVV") || nested("VVI", "EVE"))
  expect_true(family_is_nested(em_gaussian("E"), em_gaussian("V")))
  expect_false(family_is_nested(em_binomial(), em_binomial()))
})

test_that("one dimension has two structures, and one component few models", {
  set.seed(8)
  s <- em_select(faithful$waiting, k = 1:2, control = quick)
  expect_identical(unique(s$table$covariance), c("E", "V"))
  expect_identical(unique(em_select(faithful$waiting, k = 1, covariance = c("VII", "VVV", "E"))$table$covariance),
                   c("E", "V"))
  expect_identical(length(grep("^ +V +1 ", format(s, n = 9))), 0L)
  one <- em_select(iris[1:4], k = 1)
  expect_identical(length(unique(signif(one$table$logLik, 10))), 3L)
})

test_that("an interrupt keeps what was done", {
  set.seed(9)
  search <- new_search(em_data(faithful, em_gaussian()), lapply(c("EII", "VVV"), em_gaussian), 1:3, em_mixture(), quick)
  done <- 0
  search$tick <- function() {
    done <<- done + 1
    if (done == 3) stop(structure(class = c("interrupt", "condition"), list(message = "", call = NULL)))
  }
  run_search(search)
  expect_warning(s <- new_em_select(search, "BIC", quote(em_select(faithful))), class = "emfit_warning_interrupted")
  expect_true(s$interrupted)
  expect_identical(s$table$status[c(1, 4)], rep("converged", 2))
  expect_true("not_run" %in% s$table$status)
  expect_lte(best(s)$k, 2L)
  expect_match(format(s), "not tried (interrupted)", fixed = TRUE, all = FALSE)
})

test_that("cross-validation scores rows by fits that did not see them", {
  x <- as.matrix(faithful)[1:60, ]
  set.seed(10)
  s <- em_select(x, k = 1, covariance = "VVV", criterion = "CV", folds = 4)
  set.seed(10)
  fold <- sample(rep_len(1:4, 60))
  held <- vapply(1:4, function(f) {
    fit <- list(mean = colMeans(x[fold != f, ]), covariance = cov.wt(x[fold != f, ], method = "ML")$cov)
    reference_loglik(x[fold == f, ], list(proportions = 1, mean = t(fit$mean), covariance = fit$covariance))
  }, 0)
  expect_equal(s$table$CV, -2 * sum(held), tolerance = 1e-9)
  set.seed(11)
  s <- em_select(faithful, k = 1:3, covariance = c("EII", "VVV"), criterion = "CV", folds = 3, control = quick)
  expect_identical(s$criterion, "CV")
  expect_true(all(s$table$CV > -2 * s$table$logLik))
  expect_identical(best(s)$family$covariance, "VVV")
  counts <- em_select(cbind(heads, tails) ~ 1, coins, k = 1:2, family = "binomial", criterion = "CV", folds = 5)
  expect_true(all(counts$table$CV > 0))
  expect_error(em_select(coins$heads, k = 1, criterion = "CV", folds = 6), "can't be more than the rows: 5, not 6")
})

test_that("rows with missing values are selected, scored and resampled with what is observed", {
  x <- as.matrix(faithful)
  x[c(3, 50, 51), 1] <- NA
  x[c(9, 60), 2] <- NA
  set.seed(13)
  expect_message(s <- em_select(x, k = 1:3, covariance = c("EII", "VVV"), criterion = "CV", folds = 3, control = quick),
                 class = "emfit_message_missing")
  expect_true(all(s$table$converged))
  expect_match(format(s)[2], "5 with missing values")
  two <- suppressMessages(em_fit(x, 2))
  expect_equal(s$table$logLik[5], two$loglik, tolerance = 1e-7)
  set.seed(13)
  fold <- sample(rep_len(1:3, 272))
  held <- suppressMessages(vapply(1:3, function(f) {
    sum(predict(em_fit(x[fold != f, ], 2), x[fold == f, ], type = "logdensity"))
  }, 0))
  expect_equal(s$table$CV[5], -2 * sum(held), tolerance = 1e-6)
  expect_identical(is.na(resample(two, two$parameters)$x), is.na(unname(x)))
})

test_that("print is short, tables are tables, the plot is its data", {
  set.seed(12)
  s <- em_select(iris[1:4], k = 1:3, covariance = c("EEE", "VEV", "VVV"), control = quick)
  lines <- format(s)
  expect_lte(length(lines), 15)
  expect_match(lines[1], "Gaussian mixtures: 3 structures, 1 to 3 components", fixed = TRUE)
  expect_match(lines, "Best by BIC (smaller is better): VEV with 2 components; best() returns the fit.", fixed = TRUE,
               all = FALSE)
  expect_output(expect_invisible(print(s)), "150 observations, 4 variables")
  expect_identical(as.data.frame(s), s$table)
  expect_s3_class(generics::tidy(s), "tbl_df")
  row <- generics::glance(s)
  expect_identical(list(nrow(row), row$covariance, row$k, row$criterion, row$fits), list(1L, "VEV", 2L, "BIC", 9L))
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  before <- graphics::par(c("mar", "lab"))
  drawn <- expect_invisible(plot(s, criterion = "ICL"))
  expect_identical(graphics::par(c("mar", "lab")), before)
  expect_identical(drawn$points$value, s$table$ICL)
  expect_identical(drawn$best$value, min(s$table$ICL))
  expect_identical(anyDuplicated(drawn$components[c("colour", "symbol", "line")]), 0L)
  if (requireNamespace("ggplot2", quietly = TRUE)) {
    twin <- ggplot2::ggplot_build(ggplot2::autoplot(s))
    expect_equal(twin$data[[3]][c("x", "y")], data.frame(x = 2, y = min(s$table$BIC)), ignore_attr = TRUE)
  }
  file <- tempfile(fileext = ".rds")
  saveRDS(s, file)
  expect_identical(readRDS(file), s)
  unlink(file)
})

test_that("arguments are checked in words", {
  expect_error(em_select(faithful, k = 0), "`k` must be a whole number of 1 or more, not 0.", fixed = TRUE)
  expect_error(em_select(faithful, k = "2"), "`k` must be whole numbers", class = "emfit_error_argument")
  expect_error(em_select(faithful, k = 1, covariance = "VVW"), "`covariance` must name a structure",
               class = "emfit_error_argument")
  expect_error(em_select(faithful, k = 1, covariance = 3), "`covariance` must be \"all\"", fixed = TRUE)
  expect_error(em_select(coins$heads, k = 1, family = em_binomial(10), covariance = "VVV"), "binomial components have none")
  expect_error(em_select(faithful, k = 1, criterion = "bic"), "Did you mean \"BIC\"", fixed = TRUE)
  expect_error(em_select(faithful, K = 2), "Unknown argument `K`", class = "emfit_error_argument")
  expect_error(em_select(iris, k = 1), "Species", class = "emfit_error_input")
  s <- em_select(faithful, k = 1, covariance = "EII")
  expect_error(best(s, k = 4), "no such fit", class = "emfit_error_argument")
  expect_error(best(s, criterion = "CV"), "`criterion` must be", class = "emfit_error_argument")
})

test_that("optima of other structures don't crowd out partitions and splits that end higher", {
  for (seed in 1:2) for (k in list(4, 3:4)) {
    alone <- withr_seed(seed, em_select(faithful, k = k, covariance = "EVV"))$table
    among <- withr_seed(seed, em_select(faithful, k = k, covariance = c("EVI", "EVE", "EEV", "EVV")))$table
    expect_gt(tail(among$logLik, 1), tail(alone$logLik, 1) - 1e-3) # both of EVV with four components
  }
})
