quiet <- function(code) suppressWarnings(suppressMessages(code))
look <- function(fit, check) {
  found <- as.data.frame(em_diagnose(fit))
  found[found$check == check, ]
}
expect_found <- function(fit, check, status, says, value) {
  found <- look(fit, check)
  expect_identical(as.character(found$status), status)
  for (piece in says) expect_match(found$explanation, piece, fixed = TRUE)
  if (!missing(value)) expect_equal(found$value, value, tolerance = 1e-8)
}
near <- list(mean = c(4.3, 2), sd = c(0.4, 0.2))
one <- faithful$eruptions

test_that("a fit in order has nothing to be told of", {
  set.seed(1)
  found <- em_diagnose(em_fit(faithful, 2))
  expect_s3_class(found, c("em_diagnosis", "data.frame"), exact = TRUE)
  expect_identical(names(found), c("check", "status", "value", "explanation", "remedy"))
  expect_setequal(found$check, c("convergence", "ascent", "starts", "symmetry", "size", "distance", "collapse", "support", "units",
                                 "digits", "identifiability", "missing", "weights"))
  expect_identical(as.character(unique(found$status)), "ok")
  expect_true(all(is.na(found$remedy)))
  expect_match(format(found), "0 problems, 0 notes, 13 ok", fixed = TRUE, all = FALSE)
})

test_that("every structure and family is looked at, and every finding has a sentence", {
  for (case in law_cases()) {
    found <- as.data.frame(quiet(em_diagnose(law_run(case, case$x_of(60), 3))))
    expect_identical(nrow(found), 13L)
    expect_true(all(nchar(found$explanation) > 15 & grepl("[.?]$", found$explanation)))
    expect_false(anyNA(found$value[!found$check %in% c("ascent", "symmetry", "support")]))
  }
})

test_that("the end of a run", {
  short <- quiet(em_fit(three_groups[1:2], 3, start = rep(1:3, length.out = 300), control = em_control(max_iter = 4)))
  expect_found(short, "convergence", "problem", c("after 4 iterations", "no maximum yet"), short$remaining)
  asked <- em_fit(one, start = near, control = em_control(tol = 0, max_iter = 3))
  expect_found(asked, "convergence", "note", "as was asked")
  expect_found(asked, "ascent", "ok", "never fell", min(diff(asked$trace$loglik)[-1]))
  set.seed(6)
  x <- cbind(rnorm(30), 1e15 * rnorm(30) + 1e15 * rep(0:1, 15))
  fell <- quiet(em_fit(x, 2, em_gaussian("VEV"), start = rep(1:2, 15), control = em_control(accelerate = FALSE)))
  expect_found(fell, "ascent", "problem", c("rounding", "range from"), min(diff(fell$trace$loglik)[-1]))
  expect_found(fell, "convergence", "problem", "broke off")
  expect_found(fell, "units", "problem", c("VEV", "the widest decides"))
})

test_that("starts: how many agree, and where the others ended", {
  expect_found(em_fit(one, start = near), "starts", "note", "There was one start")
  expect_found(em_fit(one, 1), "starts", "ok", "One component has one maximum")
  fit <- em_fit(one, start = near)
  fit$starts <- data.frame(method = "random", loglik = fit$loglik - c(0, 0, 2.5, 2.5, 7, 9), iterations = 9L,
                           status = c(rep("converged", 5), "stopped_early"), degenerate = FALSE)
  expect_found(fit, "starts", "note", c("Only 2 of 6 starts", "3 ended lower, at 2 other maxima; the nearest by 2.5."), 2)
  fit$starts$degenerate[5] <- TRUE
  expect_found(fit, "starts", "note", "2 ended lower, at one other maximum; the nearest by 2.5.")
  fit$loglik <- fit$loglik + 99 # with a prior, starts are compared by what was maximised
  expect_found(fit, "starts", "note", "the nearest by 2.5.")
  fit$starts <- fit$starts[-2, ]
  expect_found(fit, "starts", "note", "Only 1 of 5 starts", 1)
})

test_that("components that start alike, that are alike, and how far apart the others are", {
  stuck <- quiet(em_fit(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial", start = list(prob = c(A = 0.5, B = 0.5))))
  expect_found(stuck, "symmetry", "problem", c("Components A and B started alike", "for ever"), 0)
  expect_found(stuck, "distance", "problem", "Components A and B are one and the same", 0)
  coins2 <- em_fit(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial", start = list(prob = c(A = 0.6, B = 0.5)))
  p <- coins2$parameters$prob
  expect_found(coins2, "distance", "ok", "are the nearest",
               -log(sum(sqrt(dbinom(0:10, 10, p[[1]]) * dbinom(0:10, 10, p[[2]])))))
  fit <- em_fit(one, start = near)
  m <- fit$parameters$mean
  s <- fit$parameters$sd
  overlap <- integrate(function(v) sqrt(dnorm(v, m[1], s[1]) * dnorm(v, m[2], s[2])), -5, 12, rel.tol = 1e-11)$value
  expect_equal(look(fit, "distance")$value, -log(overlap), tolerance = 1e-8)
  cover <- em_fit(one, start = list(mean = c(3.4, 3.6), sd = c(1, 1)), control = em_control(max_iter = 0))
  expect_found(cover, "distance", "note", "nearly cover each other", 0.04 / 8)
})

test_that("Bhattacharyya's distance is the same in other units and axes, and that of the formula", {
  a <- matrix(c(2, 0.5, 0.5, 1), 2)
  b <- matrix(c(1, -0.3, -0.3, 3), 2)
  gap <- c(1, -2)
  formula <- sum(gap * solve((a + b) / 2, gap)) / 8 + log(det((a + b) / 2) / sqrt(det(a) * det(b))) / 2
  distance <- function(map) {
    p <- list(proportions = c(0.5, 0.5), mean = rbind(c(0, 0), c(map %*% gap)),
              covariance = array(c(map %*% a %*% t(map), map %*% b %*% t(map)), c(2, 2, 2)))
    model <- list(family = em_gaussian(), latent = em_mixture(), k = 2L)
    distances_em(em_data(as.matrix(faithful), em_gaussian()), p, model)[1, 2]
  }
  turn <- function(angle) matrix(c(cos(angle), sin(angle), -sin(angle), cos(angle)), 2)
  for (map in list(diag(2), diag(c(1e-150, 1e140)), diag(c(1e5, 3)), turn(0.3), turn(2) %*% diag(c(1e3, 1)))) {
    expect_equal(distance(map), formula, tolerance = 1e-10)
  }
})

test_that("components without rows, on few points, or narrow", {
  thin <- quiet(em_fit(1:3, 2, start = list(mean = c(1.3, 2.7), sd = c(0.5, 0.5))))
  expect_found(thin, "size", "problem", "need at least 2", min(thin$counts))
  small <- em_fit(c(one, 9.1, 9.3), start = list(mean = c(4.3, 2, 9.2), sd = c(0.4, 0.2, 0.1)), family = em_gaussian("E"))
  expect_found(small, "size", "note", c("Component 3", "a few odd rows"), min(small$counts))
  heap <- withr_seed(2, quiet(em_fit(c(rep(0, 50), seq(4, 6, length.out = 50)), 2)))
  expect_found(heap, "starts", "note", "None of 182 starts led to a sound fit with 2 components.")
  expect_found(heap, "collapse", "problem", c("50 identical points", "no bound"), min(heap$relative_spread))
  narrow <- em_fit(c(seq(0, 0.05, length.out = 50), seq(4, 6, length.out = 50)), 2)
  expect_found(narrow, "collapse", "note", c("Component ", "times narrower than the data"), min(narrow$relative_spread))
})

test_that("units, digits, spare rows", {
  x <- cbind(a = one, b = 100 * faithful$waiting)
  spreads <- unname(apply(x, 2, sd))
  wide <- em_fit(x, 2, em_gaussian("EII"))
  expect_found(wide, "units", "note", c("range from", "EII"), max(spreads) / min(spreads))
  expect_found(em_fit(x, 2, em_gaussian("EEE")), "units", "ok", "the same in other units")
  far <- em_fit(one + 1e9, start = list(mean = c(4.3, 2) + 1e9, sd = near$sd))
  expect_found(far, "digits", "note", "`x` has values of about 1e+09", -log10(.Machine$double.eps * max(one + 1e9) / sd(one)))
  few <- quiet(em_fit(faithful[1:9, ], 2, start = rep(1:2, c(4, 5))))
  expect_found(few, "identifiability", "problem", "9 rows for 11 free parameters", 9 / 11)
  counts <- quiet(em_fit(cbind(c(0, 1, 2, 1), c(2, 1, 0, 1)), 2, "binomial", start = list(prob = c(0.2, 0.7))))
  expect_found(counts, "identifiability", "problem", "told apart from 3 on", 2 / 3)
})

test_that("missing values and weights", {
  air <- airquality[c("Ozone", "Wind")]
  fit <- em_fit(air, 1, na.action = na.pass)
  expect_found(fit, "missing", "note", c("12 % of the cells", "at random"), mean(is.na(air)))
  expect_found(em_fit(air, 1, na.action = na.omit), "missing", "note", "37 rows were left out", 0)
  apart <- quiet(em_fit(cbind(c(one[1:20], rep(NA, 20)), c(rep(NA, 20), one[21:40])), 1, start = list(mean = t(c(3, 3)), covariance = diag(2))))
  expect_found(apart, "missing", "problem", "1 pair of columns is never observed together", 0.5)
  w <- rep(c(1000, 1), c(8, 264))
  heavy <- quiet(em_fit(one, start = near, weights = w))
  expect_found(heavy, "weights", "note", "272 rows count as 8.5", sum(w)^2 / sum(w^2))
  expect_found(em_fit(one, start = near, weights = rep(3, 272)), "weights", "ok", "272 rows", 272)
})

test_that("every remedy is a call, of the user's own fit, and cures what it is for", {
  my_fit <- withr_seed(2, quiet(em_fit(c(rep(0, 50), seq(4, 6, length.out = 50)), k = 2)))
  found <- em_diagnose(my_fit)
  remedy <- found$remedy[found$check == "collapse"]
  expect_identical(remedy, "update(my_fit, family = em_gaussian(\"E\"), start = NULL, k = 2)")
  expect_identical(look(eval(parse(text = remedy)), "collapse")$status, factor("ok", levels(found$status)))
  my_fit <- quiet(em_fit(three_groups[1:2], 3, start = rep(1:3, length.out = 300), control = em_control(max_iter = 4)))
  remedy <- em_diagnose(my_fit)$remedy[em_diagnose(my_fit)$check == "convergence"]
  expect_true(eval(parse(text = remedy))$converged)
  for (text in stats::na.omit(c(em_diagnose(my_fit)$remedy, found$remedy))) expect_true(is.call(parse(text = text)[[1]]))
})

test_that("what is printed", {
  stuck <- quiet(em_fit(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial", start = list(prob = c(0.5, 0.5))))
  found <- em_diagnose(stuck)
  lines <- format(found, width = 80)
  expect_identical(lines[1:2], c("Binomial mixture: 2 components", "2 problems, 1 note, 10 ok"))
  expect_true(all(c("PROBLEMS", "NOTE") %in% lines))
  expect_lte(max(nchar(lines[!grepl("Try ", lines)])), 80)
  expect_match(lines, "Try update(stuck, k = 2, start = NULL)", fixed = TRUE, all = FALSE)
  expect_match(lines, "^In order: ", all = FALSE)
  expect_match(format(found, all = TRUE), "^OK$", all = FALSE)
  expect_output(expect_identical(print(found), found), "Binomial mixture")
  expect_identical(class(as.data.frame(found)), "data.frame")
  expect_identical(as.data.frame(tidy(found)), as.data.frame(found))
  expect_error(em_diagnose(3), "`fit` must come from em_fit(), not 3.", fixed = TRUE, class = "emfit_error_argument")
})

test_that("two long thin groups are told apart whichever way they lie, by the fit and by its diagnosis", {
  set.seed(1)
  x <- cbind(rnorm(400, 0, 100), rnorm(400, rep(c(0, 6), each = 200)))
  for (angle in c(0, 0.3, pi / 4, 2)) {
    turned <- x %*% matrix(c(cos(angle), sin(angle), -sin(angle), cos(angle)), 2)
    fit <- expect_silent(em_fit(turned, 2))
    expect_identical(fit$coincident, integer())
    expect_found(fit, "distance", "ok", "are the nearest, and differ.")
    expect_gt(look(fit, "distance")$value, 3)
    # One group for two: from starts that differ, EM comes to a saddle where the two are one.
    start <- list(mean = rbind(c(0, 0), c(1e-4, 0)), covariance = stats::cov(turned[1:200, ]))
    expect_warning(twice <- em_fit(turned[1:200, ], start = start, control = em_control(max_iter = 2, tol = 0)),
                   "nearly coincide", class = "emfit_warning_coincide")
    expect_found(twice, "distance", "problem", "one and the same")
    expect_lt(look(twice, "distance")$value, 0.1^2 / 8)
  }
})

test_that("coins are as far apart as their counts, also with very many trials", {
  for (size in c(10, 1e9)) {
    p <- 0.3 + c(0, 0.05, 0.2) / sqrt(size)
    data <- em_data(cbind(rep(round(size * 0.3), 8), round(size * 0.7)), em_binomial())
    model <- list(family = em_binomial(), latent = em_mixture(), k = 3L)
    found <- distances_em(data, list(proportions = rep(1 / 3, 3), prob = p), model)
    # To second order d^2 / 8, d the gap in standard deviations.
    expect_equal(found[1, 2:3], (c(0.05, 0.2)^2 / (0.3 * 0.7)) / 8, tolerance = if (size == 10) 0.05 else 1e-4)
  }
})

test_that("a part of a diagnosis is printed", {
  found <- em_diagnose(quiet(em_fit(faithful, k = 3, start = rep(1:3, length.out = 272), control = em_control(max_iter = 2))))
  for (part in list(found[1:2, c("check", "status")], found["value"])) {
    expect_output(print(part), names(part)[1])
    expect_false(is.null(format(part)))
  }
  expect_output(print(found[1, ]), "Try ")
  expect_output(print(head(found, 2)), "PROBLEM")
})
