test_that("tidy() gives a row for each component", {
  fit <- em_fit(faithful, k = 2)
  table <- tidy(fit)
  expect_s3_class(table, c("tbl_df", "tbl", "data.frame"), exact = TRUE)
  expect_named(table, c("component", "size", "proportion", "mean.eruptions", "mean.waiting", "sd.eruptions", "sd.waiting"))
  expect_within(table$sd.waiting, sqrt(fit$parameters$covariance[2, 2, ]), 1e-12)
  expect_within(sum(table$size), 272, 1e-9)
  expect_named(tidy(em_fit(faithful$waiting, k = 1)), c("component", "size", "proportion", "mean", "sd"))
  expect_named(tidy(em_fit(coins$heads, k = 2, family = em_binomial(10))), c("component", "size", "proportion", "prob"))
  expect_error(tidy(fit, what = "component"), class = "emfit_error_argument")
  expect_error(tidy(fit, conf_int = TRUE), "Did you mean", class = "emfit_error_argument")
})

test_that("tidy() of parameters has the standard errors of vcov() and the limits of confint()", {
  fit <- em_fit(faithful, k = 2, family = em_gaussian("EEI"))
  table <- tidy(fit, what = "parameters", conf.int = TRUE, conf.level = 0.9)
  expect_identical(table$estimate, unname(coef(fit)))
  names <- emfit:::parameter_names(table)
  v <- vcov(fit)
  at <- match(names, rownames(v))
  expect_identical(is.na(table$std.error), is.na(at))
  expect_identical(which(is.na(at)), grep("covariance.eruptions.waiting", names))
  expect_within(table$std.error[!is.na(at)], sqrt(diag(v)), 1e-12)
  ci <- confint(fit, level = 0.9)
  expect_within(table$conf.low[!is.na(at)], ci[, 1], 1e-12)
  expect_within(table$conf.high[!is.na(at)], ci[, 2], 1e-12)
  expect_false("conf.low" %in% names(tidy(fit, what = "parameters")))
})

test_that("parameters knows a fit", {
  skip_if_not_installed("parameters")
  fit <- em_fit(faithful$waiting, k = 2)
  table <- parameters::model_parameters(fit)
  expect_within(table$SE, tidy(fit, "parameters")$std.error, 1e-12)
  expect_output(print(table), "mean")
})

test_that("glance() gives one row, with the criteria by their definitions", {
  fit <- em_fit(red_blue$value, start = list(mean = c(1.1, 9), sd = c(2, 1.7)), weights = rep(1:2, 20))
  row <- glance(fit)
  expect_identical(dim(row), c(1L, 16L))
  r <- predict(fit, type = "prob")
  w <- rep(1:2, 20)
  expect_within(row$BIC, -2 * fit$loglik + 5 * log(60), 1e-9)
  expect_within(row$ICL, row$BIC - 2 * sum(w * log(pmax(r[, 1], r[, 2]))), 1e-9)
  expect_within(row$entropy, 1 + sum(w * r * log(r)) / (60 * log(2)), 1e-9)
  first <- r[, 1] > 0.5
  expect_within(row$prob.min, min(weighted.mean(r[first, 1], w[first]), weighted.mean(r[!first, 2], w[!first])), 1e-12)
  expect_within(row$n.min, min(colSums(w * r)), 1e-6)
  one <- glance(em_fit(red_blue$value, k = 1))
  expect_identical(c(one$entropy, one$ICL), c(1, one$BIC))
})

test_that("augment() adds to each row what predict() says", {
  fit <- em_fit(faithful, k = 2)
  rows <- augment(fit)
  expect_named(rows, c("eruptions", "waiting", ".class", ".uncertainty", ".prob.1", ".prob.2", ".density"))
  expect_identical(rows$waiting, faithful$waiting)
  expect_identical(rows$.class, unname(predict(fit)))
  expect_within(rows$.density, predict(fit, type = "density"), 0)
  new <- augment(fit, newdata = data.frame(waiting = c(80, NA), eruptions = c(4, 2), more = c("a", "b")))
  expect_identical(new$more, c("a", "b"))
  expect_identical(new$.class, unname(predict(fit, new)))
  expect_identical(augment(fit, data.frame(id = 1:272))$id, 1:272)
  expect_error(augment(fit, data.frame(id = 1:3)), "must have the rows of the fit: 272, not 3",
               class = "emfit_error_argument")
})

test_that("augment() keeps rows that were left out", {
  x <- faithful
  x[3, 1] <- NA
  for (action in list(na.omit, na.exclude)) {
    fit <- em_fit(x, k = 2, na.action = action)
    all <- augment(fit, x)
    expect_identical(which(is.na(all$.class)), 3L)
    expect_within(all$.density[-3], predict(fit, x[-3, ], type = "density"), 1e-12)
    expect_identical(nrow(augment(fit)), length(predict(fit)))
    expect_identical(nrow(augment(fit, x[-3, ])), 271L)
  }
})

test_that("augment() of counts has the user's columns", {
  fit <- em_fit(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial", start = list(prob = c(A = .6, B = .5)))
  rows <- augment(fit)
  expect_named(rows, c("heads", "tails", ".class", ".uncertainty", ".prob.A", ".prob.B", ".density"))
  expect_identical(as.integer(rows$tails), coins$tails)
  y <- c(5, NA, 8, 4)
  missing <- suppressMessages(em_fit(cbind(y = y, n = 10 - y), k = 1, family = "binomial"))
  expect_identical(augment(missing)$y, y)
  expect_named(augment(em_fit(coins$heads, k = 1, family = em_binomial(10))),
               c("successes", ".class", ".uncertainty", ".prob.1", ".density"))
})

test_that("a fit handed to mclust predicts there what it predicts here, in all 14 structures", {
  skip_if_not_installed("mclust")
  for (structure in emfit:::gaussian_structures) {
    fit <- em_fit(iris[1:3], family = em_gaussian(structure), start = iris$Species)
    other <- mclust::as.Mclust(fit)
    expect_within(predict(other, iris[1:3])$z, predict(fit, type = "prob"), 1e-9)
    expect_equal(BIC(other), BIC(fit))
  }
  fit <- em_fit(faithful$waiting, k = 2, family = em_gaussian("E"))
  expect_within(predict(mclust::as.Mclust(fit), 50:80)$z, predict(fit, 50:80, type = "prob"), 1e-9)
  expect_identical(mclust::as.Mclust(em_fit(faithful, k = 1))$modelName, strrep("X", 3))
  expect_error(mclust::as.Mclust(em_fit(coins$heads, k = 1, family = em_binomial(10))), class = "emfit_error_unsupported")
})

test_that("performance knows a fit", {
  skip_if_not_installed("performance")
  fit <- em_fit(faithful, k = 2)
  expect_within(performance::model_performance(fit)$BIC, BIC(fit), 1e-9)
})

test_that("augment() on augmented data replaces its columns", {
  two <- em_fit(faithful, k = 2, control = em_control(n_start = 1))
  three <- em_fit(faithful, k = 3, control = em_control(n_start = 1))
  for (again in list(augment(two, augment(three)), augment(two, newdata = augment(three)))) {
    expect_identical(again, augment(two, faithful), ignore_attr = "row.names")
    expect_identical(sum(names(again) == ".class"), 1L)
  }
})

test_that("augment() has the rows of predict(), and their names", {
  air <- airquality[c("Ozone", "Wind")]
  row.names(air) <- paste0("day", 1:153)
  fit <- em_fit(air, k = 1, na.action = na.exclude)
  rows <- augment(fit)
  expect_identical(nrow(rows), length(predict(fit)))
  expect_identical(row.names(rows), names(predict(fit)))
  expect_identical(row.names(rows), row.names(air))
  expect_identical(as.double(rows$Wind), air$Wind)
  expect_identical(is.na(rows$.class), is.na(air$Ozone))
  expect_identical(unname(rows$.density), unname(predict(fit, type = "density")))
  expect_identical(augment(fit, air)$.density, rows$.density)
  expect_identical(row.names(augment(fit, newdata = air[3:4, ])), c("day3", "day4"))
  expect_identical(row.names(augment(em_fit(air, k = 1, na.action = na.omit))), row.names(stats::na.omit(air)))
  one <- augment(em_fit(faithful, k = 1), newdata = c(2, 50))
  expect_identical(one[c("eruptions", "waiting")], data.frame(eruptions = 2, waiting = 50), ignore_attr = TRUE)
})

test_that("augment() makes one E-step", {
  fit <- em_fit(faithful, k = 2, control = em_control(n_start = 1))
  steps <- new.env()
  steps$n <- 0L
  suppressMessages(trace("expect_em", bquote(assign("n", .(steps)$n + 1L, envir = .(steps))), print = FALSE,
                         where = asNamespace("emfit")))
  on.exit(suppressMessages(untrace("expect_em", where = asNamespace("emfit"))))
  augment(fit)
  expect_identical(steps$n, 1L)
})
