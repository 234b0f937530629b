# Pseudo-counts, the bootstrap of G2 and the table of cells.

test_that("a prior of counts is the rows that it says, for every family of categories", {
  x <- role_conflict
  prior <- em_prior(counts = 3)
  one <- em_fit(x, k = 2, family = em_categorical(prior), start = list(prob = law_prob(rep(2, 4), 2)),
                control = em_control(tol = 0, max_iter = 5, accelerate = FALSE))
  # By hand: the sums of an E-step, and three rows that are spread as all rows are.
  margin <- lapply(x, function(item) c(prop.table(table(item))))
  p <- list(proportions = c(0.5, 0.5), blocks = list(list(prob = law_prob(rep(2, 4), 2))))
  blocks <- list(reference_block("categorical", x))
  for (i in 1:5) {
    r <- reference_blocks_responsibilities(blocks, p)
    sums <- lapply(names(x), function(v) t(rowsum(r, x[[v]])) + 3 * rep(margin[[v]], each = 2))
    p <- list(proportions = colMeans(r), blocks = list(list(prob = lapply(sums, function(s) s / rowSums(s)))))
  }
  expect_equal(unlist(one$parameters$prob, use.names = FALSE), unlist(p$blocks[[1]]$prob, use.names = FALSE), tolerance = 1e-12)
  expect_equal(one$loglik, reference_blocks_loglik(blocks, p), tolerance = 1e-12)
  expect_equal(one$objective - one$loglik, 3 * sum(unlist(Map(function(m, q) sum(rep(m, each = 2) * log(q)), margin, p$blocks[[1]]$prob))),
               tolerance = 1e-12)
  two <- withr_seed(1, em_fit(x == "universalistic", k = 2, family = em_bernoulli(prior), control = em_control(tol = 1e-12)))
  same <- withr_seed(1, em_fit(x, k = 2, family = em_categorical(prior), control = em_control(tol = 1e-12)))
  expect_equal(two$objective, same$objective, tolerance = 1e-10)
  y <- cbind(a = c(3, 0, 5), b = c(1, 0, 2), c = c(0, 0, 4))
  counts <- em_fit(y, k = 1, family = em_multinomial(prior))
  expect_equal(unname(counts$parameters$prob[1, ]), unname(colSums(y) / sum(y)), tolerance = 1e-12)
})

test_that("with a prior no probability is 0, it is told, and errors are those of the objective", {
  fit <- withr_seed(1, em_fit(interview, k = 3, family = em_categorical(em_prior(counts = 1)), control = em_control(tol = 1e-12, max_iter = 5000)))
  plain <- withr_seed(1, em_fit(interview, k = 3, family = "categorical"))
  expect_gt(min(unlist(fit$parameters$prob)), 1e-5)
  expect_lt(min(unlist(plain$parameters$prob)), 1e-8)
  expect_lt(fit$loglik, plain$loglik)
  expect_match(format(fit), "Log-likelihood and log prior together", all = FALSE)
  expect_no_warning(errors <- sqrt(diag(vcov(fit))))
  expect_true(all(errors > 0))
  expect_match(format(fit$family), "with a prior")
  expect_identical(format(em_prior(counts = 1)), "Prior on probabilities: counts 1")
  expect_error(em_prior(counts = 1, rate = 2), "can't stand beside", class = "emfit_error_argument")
  expect_error(em_prior(counts = -1), class = "emfit_error_argument")
  expect_error(em_categorical(em_prior()), "Categorical components, with counts", class = "emfit_error_argument")
})

test_that("G2 against the table is told, and its bootstrap tells two classes from one", {
  two <- withr_seed(1, em_fit(role_conflict, k = 2, family = "categorical"))
  one <- em_fit(role_conflict, k = 1, family = "categorical")
  fits <- withr_seed(1, em_lrt(two, against = "saturated", n_boot = 39))
  n <- table(do.call(paste, role_conflict))
  expect_equal(unname(fits$statistic), 2 * (sum(n * log(n / 216)) - two$loglik), tolerance = 1e-6)
  expect_gt(fits$p.value, 0.2)
  expect_equal(withr_seed(1, em_lrt(one, against = "saturated", n_boot = 19))$p.value, 0.05)
  # Where cells are full the samples are chi-squared on their degrees of freedom.
  expect_lt(abs(mean(fits$simulated) - 6), 4 * sqrt(12 / 39))
  gone <- role_conflict
  gone$A[1] <- NA
  fit <- suppressMessages(withr_seed(1, em_fit(gone, k = 1, family = "categorical")))
  expect_error(em_lrt(fit, against = "saturated"), "missing cells are in no cell", class = "emfit_error_unsupported")
  expect_error(em_lrt(two, k = 3, against = "saturated"), "can't stand beside `against`", class = "emfit_error_argument")
  expect_error(em_lrt(two, against = "table"), class = "emfit_error_argument")
  expect_error(em_lrt(em_fit(faithful, k = 1), against = "saturated"), "no table of cells", class = "emfit_error_unsupported")
  labelled <- em_fit(role_conflict, k = 2, family = "categorical", labels = c(1, 2, rep(NA, 214)))
  expect_error(em_lrt(labelled, against = "saturated"), class = "emfit_error_unsupported")
})

test_that("the table of cells has all rows, and pools the cells that nobody is in", {
  fit <- withr_seed(1, em_fit(interview, k = 2, family = "categorical"))
  cells <- as.data.frame(residuals(fit, "cells"))
  expect_identical(nrow(cells), 34L)
  expect_equal(sum(cells$n), 1202)
  expect_equal(sum(cells$expected), 1202, tolerance = 1e-10)
  expect_true(all(is.na(cells[34, 1:4])))
  p <- fit$parameters
  first <- Reduce(`*`, Map(function(prob, level) prob[, level], p$prob, as.character(unlist(cells[1, 1:4]))), p$proportions)
  expect_equal(cells$expected[1], 1202 * sum(first), tolerance = 1e-10)
  expect_match(format(fit), "G2 79.3 on 22 df", all = FALSE)
  expect_equal(2 * sum((cells$n * log(cells$n / cells$expected))[1:33]), 79.3, tolerance = 1e-3)
  expect_identical(nrow(residuals(withr_seed(1, em_fit(role_conflict, k = 2, family = "categorical")), "cells")), 16L)
  expect_error(residuals(em_fit(faithful, k = 1), "cells"), class = "emfit_error_unsupported")
  gone <- interview
  gone$purpose[1] <- NA
  fit <- suppressMessages(withr_seed(1, em_fit(gone, k = 2, family = "categorical")))
  expect_error(residuals(fit, "cells"), "in no cell of the table", class = "emfit_error_unsupported")
})

test_that("columns of zeros and ones are told of once where they are taken as numbers", {
  x <- cbind(a = rep(0:1, 20), b = rep(c(0, 1, 1, 0), 10), y = seq_len(40))
  expect_message(em_fit(x, k = 1), "Columns \"a\", \"b\" have only 0 and 1", class = "emfit_message_columns")
  told <- testthat::capture_messages(em_select(x, k = 1:2, covariance = c("EEE", "VVI")))
  expect_length(grep("0 and 1", told), 1L)
  expect_message(em_fit(x[, 1], k = 1), "`x` has only 0 and 1.*bernoulli", class = "emfit_message_columns")
  expect_no_message(em_fit(x[, 1:2], k = 1, family = "bernoulli"))
  expect_no_message(em_fit(faithful, k = 1))
})

test_that("starts of categories are the best of many that were tried, and only where these can be", {
  items <- withr_seed(3, {
    z <- sample(4, 300, replace = TRUE)
    as.data.frame(lapply(stats::setNames(nm = letters[1:12]), function(name) {
      prob <- matrix(stats::rexp(16), 4)
      factor(vapply(z, function(k) sample(4L, 1L, prob = prob[k, ]), 0L), levels = 1:4)
    }))
  })
  data <- emfit:::em_data(items, em_categorical())
  model <- function(k, ...) list(family = emfit:::family_check(em_categorical(), data, k), latent = em_mixture(...), k = k)
  native <- emfit:::tallied(data, model(6L))
  deep <- withr_seed(1, emfit:::deep_starts(data, model(6L), "kmeans++", 10L, native))
  expect_length(deep, 10L)
  at <- function(items, n) withr_seed(1, {
    emfit:::run_native(data, native, items, model(6L), em_control(max_iter = n))$starts$loglik
  })
  shallow <- withr_seed(1, emfit:::draw_starts(data, model(6L), "kmeans++", 10L, native, deep = FALSE))
  expect_false(is.unsorted(-round(at(deep, 0), 6)))
  expect_gt(min(at(deep, 0)), stats::median(at(shallow, 60)) - 0.1)
  expect_null(emfit:::deep_starts(data, model(1L), "kmeans++", 10L, native))
  expect_null(emfit:::deep_starts(data, model(6L), "random", 10L, native))
  expect_null(emfit:::deep_starts(c(data, list(labels = list(codes = 1))), model(6L), "kmeans++", 10L, native))
  held <- model(6L)
  held$family$held <- list(prob.1 = matrix(NA_real_, 6, 4))
  expect_null(emfit:::deep_starts(data, held, "kmeans++", 10L, native))
  expect_null(emfit:::deep_starts(data, model(4L), "kmeans++", 10L, native)) # few parameters
  fit <- suppressWarnings(withr_seed(1, em_fit(items, 6, "categorical", start = "kmeans++", control = em_control(n_start = 4))))
  expect_identical(fit$starts$method, rep("kmeans++", 4))
  expect_gt(fit$loglik, stats::median(at(shallow, 2000)))
})

test_that("summary() has the shares of all rows beside those of the components", {
  shown <- utils::capture.output(summary(withr_seed(1, em_fit(interview, k = 2, family = "categorical"))))
  at <- which(shown == "accuracy:")
  expect_match(shown[at + 1], "level +1 +2 all rows")
  expect_match(shown[at + 2], paste0("mostly true .* ", sprintf("%.3f", mean(interview$accuracy == "mostly true")), "$"))
})
