# What print shows, numbers taken out: "#" stands for each.
words <- function(lines) trimws(gsub(" +", " ", gsub("-?[0-9]+([.][0-9]+)?(e[-+][0-9]+)?", "#", lines)))

test_that("print says what was fitted, to what, how well, and how it ended", {
  set.seed(1)
  fit <- em_fit(faithful, k = 2)
  expect_identical(words(format(fit)), c(
    "Gaussian mixture: # components, full covariance (VVV)", "# observations, # variables", "",
    "component proportion n eruptions waiting", "# # # # #", "# # # # #", "",
    "logLik # (df #) AIC # BIC # (smaller is better)", "Converged in # iterations; best of # starts (# stopped early, # agree)."
  ))
  expect_output(print(fit), "logLik -1130.26 (df 11)", fixed = TRUE)
  capture.output(shown <- withVisible(print(fit)))
  expect_identical(shown, list(value = fit, visible = FALSE))
})

test_that("one start, one dimension, weights, rows left out and rows without trials each show", {
  start <- list(mean = c(4.3, 2), sd = c(0.4, 0.2))
  fit <- em_fit(c(faithful$eruptions, NA), start = start, weights = rep(2, 273), na.action = na.omit)
  expect_match(format(fit)[2], "272 observations, 1 variable, weights sum to 544, 1 left out for NA",
               fixed = TRUE)
  expect_match(tail(format(fit), 1), "^Converged in [0-9]+ iterations[.]$")
  coin <- em_fit(cbind(c(9, 0, 1), c(1, 0, 9)), 2, "binomial", start = list(prob = c(0.8, 0.2)))
  expect_identical(format(coin)[1:2],
                   c("Binomial mixture: 2 components",
                     "3 observations, 20 trials, 1 without trials not counted"))
})

test_that("a run that did not converge says so in print even where the warning was silenced", {
  fit <- suppressWarnings(em_fit(faithful, start = rep(1:2, 136), control = em_control(max_iter = 2)))
  expect_match(tail(format(fit), 1), "NOT converged in 2 iterations", fixed = TRUE)
  asked <- em_fit(faithful, start = rep(1:2, 136), control = em_control(max_iter = 2, tol = 0))
  expect_match(tail(format(asked), 1), "Ran 2 iterations", fixed = TRUE)
})

test_that("print stays within fifteen lines, whatever k and d", {
  set.seed(1)
  x <- matrix(rnorm(6000), 300)
  fit <- suppressWarnings(em_fit(x, 9, em_gaussian("EII"), control = em_control(n_start = 2)))
  lines <- format(fit)
  expect_lte(length(lines), 15)
  expect_match(lines[11], "(3 components and 14 variables more: see coef())", fixed = TRUE)
})

test_that("print shows as many variables as the console is wide, in one block", {
  x <- stats::setNames(faithful[c(1, 2, 1)], c("eruptions_in_minutes", "waiting_time_in_minutes", "third"))
  x$third <- x$third^2
  fit <- em_fit(x, start = factor(1 + (faithful$waiting > 65), labels = c("short", "long")))
  shown <- function(width) {
    old <- options(width = width)
    on.exit(options(old))
    format(fit)[-(1:3)]
  }
  expect_identical(shown(80)[1:4], c(" component proportion   n eruptions_in_minutes waiting_time_in_minutes  third",
                                     "     short      0.357  97                2.038                   54.49  4.224",
                                     "      long      0.643 175                4.291                   79.99 18.583",
                                     ""))
  expect_identical(shown(70)[1:4], c(" component proportion   n eruptions_in_minutes waiting_time_in_minutes",
                                     "     short      0.357  97                2.038                   54.49",
                                     "      long      0.643 175                4.291                   79.99",
                                     " (1 variable more: see coef())"))
  expect_identical(shown(20)[1:4], c(" component proportion   n eruptions_in_minutes",
                                     "     short      0.357  97                2.038",
                                     "      long      0.643 175                4.291",
                                     " (2 variables more: see coef())"))
})

test_that("summary has the table, the criteria, the covariances and the starts", {
  set.seed(1)
  fit <- em_fit(faithful, k = 2)
  s <- summary(fit)
  expect_named(s$components, c("component", "proportion", "n", "eruptions", "waiting"))
  expect_identical(s$criteria[["BIC"]], BIC(fit))
  output <- capture.output(print(s))
  expect_match(output[1], "Call: emfit::em_fit(x = faithful, k = 2)", fixed = TRUE)
  expect_true("Covariance of component 2:" %in% output)
  expect_true("Starts, best first:" %in% output)
  many <- suppressWarnings(em_fit(faithful, start = rep_len(1:7, 272), control = em_control(max_iter = 1, tol = 0)))
  expect_true("(1 covariance more: see coef())" %in% capture.output(print(summary(many))))
})

test_that("a fit is plain data: no environment, no pointer, small", {
  big <- rnorm(1e5)
  fit <- (function(unused) em_fit(~eruptions, faithful, 2))(big)
  kinds <- unlist(rapply(unclass(fit), typeof, how = "unlist"))
  expect_false(any(kinds %in% c("environment", "externalptr", "closure")))
  expect_lt(length(serialize(fit, NULL)), 50000)
  expect_identical(unserialize(serialize(fit, NULL)), fit)
})

test_that("update() refits with what is changed", {
  fit <- em_fit(faithful, k = 1)
  expect_identical(update(fit, k = 2)$k, 2L)
  expect_identical(update(fit, family = em_gaussian("VVI"))$df, 4L)
})

test_that("order_components() sorts by proportion, then by the first mean, and moves all together", {
  p <- list(proportions = c(0.25, 0.5, 0.25), mean = c(3, 2, 1), sd = c(30, 20, 10))
  order <- order_components(list(parameters = p), list(family = em_gaussian("V"), latent = em_mixture()))
  expect_identical(order, c(2L, 3L, 1L))
  fields <- model_fields(list(family = em_gaussian("V"), latent = em_mixture(), k = 3L), list(x = matrix(0, 9, 1)))
  expect_identical(permute_components(p, fields, order),
                   list(proportions = c(0.5, 0.25, 0.25), mean = c(2, 1, 3), sd = c(20, 10, 30)))
})
