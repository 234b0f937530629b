# update() refits the rows that the fit holds.

quick <- em_control(n_start = 1, max_iter = 200)
calm <- function(expr) suppressMessages(suppressWarnings(expr))
geyser <- data.frame(a = faithful$eruptions, b = faithful$waiting, c = sin(1:272), w = rep(1:2, 136))

same_fit <- function(one, other) {
  expect_equal(one$parameters, other$parameters, tolerance = 1e-6)
  expect_equal(one$loglik, other$loglik, tolerance = 1e-10)
  expect_identical(one$data$x, other$data$x)
}

test_that("k, family, latent, control and weights of fits by matrix, data frame, vector and formula", {
  fits <- list(em_fit(as.matrix(faithful), k = 2, control = quick), em_fit(faithful, k = 2, control = quick),
               em_fit(faithful$waiting, k = 2, control = quick),
               em_fit(~ eruptions + waiting, faithful, k = 2, control = quick))
  for (fit in fits) {
    set.seed(1)
    expect_identical(calm(update(fit, k = 3))$k, 3L)
    expect_identical(update(fit, control = em_control(max_iter = 0))$iterations, 0L)
    expect_equal(update(fit, weights = rep(2, 272))$loglik, 2 * fit$loglik, tolerance = 1e-8)
    expect_identical(update(fit, latent = em_mixture("equal"))$latent$proportions, "equal")
    expect_identical(update(fit, family = em_gaussian("EEE"))$data, fit$data)
    expect_identical(unname(calm(update(fit, k = 1))$data$row_names), fit$data$row_names)
  }
})

test_that("it uses the rows of the fit: after lapply(), in functions, when the data changed or left", {
  fits <- lapply(list(faithful, -faithful), function(x) em_fit(x, k = 1))
  refits <- lapply(fits, update, control = quick)
  expect_equal(refits[[2]]$parameters$mean, -refits[[1]]$parameters$mean)
  in_function <- function(fit, k) update(fit, k = k)
  expect_identical(calm(in_function(fits[[1]], 2))$k, 2L)
  x <- faithful
  fit <- em_fit(x, k = 1)
  x <- faithful * 100
  same_fit(update(fit), fit)
  rm(x)
  same_fit(update(fit), fit)
  by_formula <- local({
    d <- faithful
    em_fit(~ waiting, d, k = 1)
  })
  d <- data.frame(waiting = rnorm(50))
  same_fit(update(by_formula), by_formula)
  expect_identical(update(update(by_formula, control = quick))$nobs, by_formula$nobs)
  many <- lapply(1:3, function(k) calm(update(fits[[1]], k = k)))
  expect_identical(vapply(many, `[[`, 0L, "k"), 1:3)
})

test_that("formulas change, of fits by formula and of fits by columns", {
  by_columns <- em_fit(faithful, k = 2, control = quick)
  by_formula <- em_fit(~ eruptions + waiting, faithful, k = 2, control = quick)
  direct <- em_fit(~ waiting, faithful, k = 2)
  for (fit in list(by_columns, by_formula)) {
    one <- update(fit, ~ waiting, control = em_control())
    same_fit(one, direct)
    expect_identical(deparse(one$call$x), "~waiting")
    expect_identical(update(fit, ~ . - eruptions)$data$names, "waiting")
    logs <- update(fit, ~ log(eruptions) + waiting)
    expect_equal(logs$data$x[, 1], log(faithful$eruptions))
    expect_equal(unname(predict(logs, faithful[3:4, ], "prob")), unname(predict(logs, type = "prob")[3:4, ]))
    expect_null(attributes(one$call$x)$.Environment)
  }
  expect_error(update(em_fit(faithful$waiting, k = 1), ~ . + b), "have no names", class = "emfit_error_argument")
  expect_error(update(by_columns, 3), "`formula.` must be a formula, not 3", class = "emfit_error_argument")
  expect_error(update(by_columns, kk = 3), "Unknown argument `kk`", class = "emfit_error_argument")
  expect_identical(update(by_columns, k = 3, evaluate = FALSE),
                   quote(emfit::em_fit(x = faithful, k = 3, control = quick)))
})

test_that("what the fit does not hold comes from the data of its call, if these are its data still", {
  d <- geyser
  fit <- em_fit(~ log(a), d, k = 1, subset = b > 60)
  expect_equal(update(fit, ~ a + c)$data$x, unname(as.matrix(d[d$b > 60, c("a", "c")])))
  expect_equal(update(fit, weights = w)$nobs, sum(d$w[d$b > 60]))
  d$a[7] <- d$a[7] + 1e-9
  expect_error(update(fit, ~ a + c), "does not hold \"a\", \"c\"", class = "emfit_error_argument")
  expect_error(update(fit, weights = w), "`weights` of update\\(\\) can't be evaluated", class = "emfit_error_argument")
  rm(d)
  expect_error(update(fit, ~ c), "does not hold \"c\"", class = "emfit_error_argument")
  c <- geyser$c # no column of the fit
  expect_error(update(fit, ~ c), "does not hold \"c\"", class = "emfit_error_argument")
})

test_that("functions and constants of the first formula stay those of the first formula", {
  fit <- local({
    s <- 10
    f <- function(v) v / s
    em_fit(~ f(b) + a, geyser, k = 1)
  })
  s <- 1
  expect_equal(update(fit, ~ . - a)$data$x[, 1], geyser$b / 10)
  expect_equal(update(fit, k = 1)$data$x[, 1], geyser$b / 10)
})

test_that("new data only where they are given", {
  fit <- em_fit(~ scale(b), geyser, k = 1)
  half <- geyser[1:100, ]
  expect_equal(update(fit, data = half)$loglik, em_fit(~ scale(b), half, k = 1)$loglik)
  matrix_fit <- em_fit(faithful, k = 1)
  expect_equal(update(matrix_fit, x = faithful[1:50, ])$loglik, em_fit(faithful[1:50, ], k = 1)$loglik)
  expect_identical(update(matrix_fit, data = faithful[1:50, 2:1])$data$names, names(faithful))
  weighted <- em_fit(~ b, geyser, k = 1, weights = w)
  expect_identical(update(weighted, data = half)$nobs, 150)
  expect_error(update(weighted, data = half["b"]), "`weights` of the fit are of its own rows",
               class = "emfit_error_argument")
  expect_identical(update(weighted, data = half["b"], weights = NULL)$nobs, 100L)
  expect_error(update(fit, x = ~ b), "second argument", class = "emfit_error_argument")
})

test_that("weights, labels and subset of the rows that are held", {
  labels <- factor(ifelse(1:272 %in% 1:20, ifelse(geyser$b > 68, "long", "short"), NA))
  fit <- withr_seed(1, em_fit(~ b, geyser, k = 2, labels = labels, control = quick))
  same_fit(withr_seed(1, update(fit)), fit)
  expect_null(update(fit, labels = NULL)$data$labels)
  expect_identical(update(fit, subset = b > 60)$nobs, sum(geyser$b > 60))
  expect_identical(update(fit, subset = b > 60)$data$labels$codes, fit$data$labels$codes[geyser$b > 60])
  expect_identical(update(em_fit(~ b, geyser, k = 1), weights = b)$nobs, sum(geyser$b))
  noisy <- em_fit(faithful, k = 1, latent = em_mixture(noise = TRUE), labels = factor(c("noise", "g")[c(1, 2, rep(NA, 270))]))
  expect_identical(update(noisy)$data$labels, noisy$data$labels)
  plain <- update(noisy, latent = em_mixture(), k = 2)
  expect_identical(plain$data$labels$codes[1:2], match(c("noise", "g"), plain$data$labels$levels))
})

test_that("rows that were left out are held too", {
  air <- airquality[c("Ozone", "Wind")]
  row.names(air) <- paste0("day", 1:153)
  weights <- rep(c(1, 2, 3), 51)
  labels <- factor(ifelse(air$Wind > 12, "windy", NA))
  whole <- calm(em_fit(air, k = 2, weights = weights, labels = labels))
  for (action in list(na.omit, na.exclude)) {
    fit <- em_fit(air, k = 2, weights = weights, labels = labels, na.action = action)
    again <- update(fit)
    expect_identical(again$data, fit$data)
    back <- calm(update(fit, na.action = NULL))
    expect_identical(back$data$x, whole$data$x)
    expect_identical(back$data[c("weights", "labels", "row_names")], whole$data[c("weights", "labels", "row_names")])
    expect_identical(update(fit, weights = rep(1, fit$data$n))$nobs, as.double(fit$data$n))
  }
  expect_message(update(fit, na.action = NULL), "37 missing values", class = "emfit_message_missing")
})

test_that("starts stay where they fit, and go where they don't", {
  near <- list(mean = c(long = 80, short = 55), sd = c(5, 5))
  fit <- em_fit(faithful$waiting, k = 2, start = near)
  same_fit(update(fit, control = em_control(tol = 1e-9)), em_fit(faithful$waiting, start = near, control = em_control(tol = 1e-9)))
  expect_identical(names(update(fit)$counts), c("long", "short"))
  expect_identical(calm(update(fit, k = 3))$k, 3L)
  expect_gt(nrow(update(fit, start = NULL)$starts), 1L)
  expect_identical(unique(update(em_fit(faithful, k = 2, start = "random"), control = quick)$starts$method), "random")
  held <- em_fit(faithful$waiting, k = 2, fixed = list(mean = c(55, NA)))
  expect_identical(update(held, weights = rep(2, 272))$parameters$mean[[1]], 55)
  expect_identical(update(held, fixed = NULL)$df, 5L)
  prior <- em_fit(faithful, k = 2, family = em_gaussian(prior = em_prior()), control = quick)
  expect_equal(update(prior, k = 3)$family$prior$scale, calm(em_fit(faithful, k = 3, family = em_gaussian(prior = em_prior()), control = quick))$family$prior$scale)
  noise <- em_fit(faithful, k = 2, latent = em_mixture(noise = TRUE), control = quick)
  expect_lt(update(noise, ~ waiting)$noise_volume, noise$noise_volume)
  chosen <- best(em_select(faithful, k = 2, covariance = "EEE"))
  expect_identical(update(chosen, k = 3)$family$covariance, "EEE")
})

test_that("counts", {
  d <- data.frame(heads = c(2, 9, 8, 1, 5, 12), tosses = c(10, 10, 12, 9, 20, 13))
  sizes <- em_fit(d$heads, k = 2, family = em_binomial(size = d$tosses))
  expect_equal(calm(update(sizes, subset = 1:4))$loglik,
               calm(em_fit(d$heads[1:4], k = 2, family = em_binomial(size = d$tosses[1:4])))$loglik)
  named <- em_fit(heads ~ 1, d, k = 2, family = em_binomial(size = "tosses"))
  two <- em_fit(cbind(heads, tosses - heads) ~ 1, d, k = 2, family = "binomial")
  for (fit in list(sizes, named, two)) {
    expect_equal(update(fit, k = 1)$parameters$prob[[1]], sum(d$heads) / sum(d$tosses))
    same_fit(update(fit), fit)
  }
})

test_that("every remedy that is printed works when pasted", {
  paste_all <- function(found, env = parent.frame()) {
    for (text in stats::na.omit(found$remedy)) {
      value <- calm(eval(parse(text = text), env))
      expect_true(inherits(value, c("em_fit", "histogram")), info = text)
    }
  }
  set.seed(3)
  my_fit <- calm(em_fit(faithful, k = 3, start = "random", control = em_control(n_start = 1, max_iter = 3)))
  paste_all(em_diagnose(my_fit))
  far <- cbind(a = rnorm(50) + 1e11, b = rnorm(50))
  my_fit <- calm(em_fit(far, k = 1))
  expect_identical(em_diagnose(my_fit)$remedy[em_diagnose(my_fit)$check == "digits"],
                   "update(my_fit, ~ scale(a, scale = FALSE) + scale(b, scale = FALSE))")
  paste_all(em_diagnose(my_fit))
  my_fit <- calm(em_fit(unname(far), k = 1))
  paste_all(em_diagnose(my_fit))
  wide <- data.frame(a = rnorm(60), b = 1e7 * rnorm(60))
  my_fit <- calm(em_fit(~ a + b, wide, k = 2, family = em_gaussian("EII"), start = rep(1:2, 30)))
  rm(wide)
  expect_match(em_diagnose(my_fit)$remedy, "update(my_fit, ~ scale(a) + scale(b))", fixed = TRUE, all = FALSE)
  paste_all(em_diagnose(my_fit))
  my_fit <- em_fit(airquality[1:2], k = 1, na.action = na.omit, weights = c(rep(1e4, 3), rep(1, 150)))
  found <- em_diagnose(my_fit)
  expect_true("update(my_fit, na.action = NULL)" %in% found$remedy)
  paste_all(found)
  my_fit <- calm(em_fit(cbind(heads, tails) ~ 1, coins, k = 2, family = "binomial", start = list(prob = c(0.5, 0.5))))
  paste_all(em_diagnose(my_fit))
  fits <- list(my_fit)
  expect_match(em_diagnose(fits[[1]])$remedy, "update(fits[[1]], ", fixed = TRUE, all = FALSE)
  paste_all(em_diagnose(fits[[1]]))
  expect_match(lapply(fits, em_diagnose)[[1]]$remedy, "update(fit, ", fixed = TRUE, all = FALSE)
})

test_that("the remedies of warnings work when pasted", {
  fit <- calm(em_fit(faithful, k = 3, start = rep(1:3, length.out = 272), control = em_control(max_iter = 2)))
  told <- tryCatch(em_fit(faithful, k = 2, start = rep(1:2, 136), control = em_control(max_iter = 2)),
                   emfit_warning_not_converged = conditionMessage)
  expect_match(told, "update(fit, start = fit)", fixed = TRUE)
  expect_gt(calm(update(fit, start = fit))$loglik, fit$loglik)
  expect_s3_class(calm(update(fit, x = scale(fit$data$x))), "em_fit")
})
