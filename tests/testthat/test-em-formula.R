# Formulas as stats::lm() has them.

quick <- em_control(n_start = 1, max_iter = 50)
fit_by <- function(formula, data, ...) {
  set.seed(1)
  suppressWarnings(em_fit(formula, data, k = 2, control = quick, ...))
}
geyser <- data.frame(a = faithful$eruptions, b = faithful$waiting, c = sin(1:272), species = gl(2, 136))
numbers <- geyser[1:3]

test_that("the columns are those of the terms: `-` takes away", {
  expect_identical(fit_by(~ a + b - b, geyser)$data$names, "a")
  expect_identical(fit_by(~ . - species, geyser)$data$names, c("a", "b", "c"))
  expect_identical(fit_by(~ . - a, numbers)$data$names, c("b", "c"))
  expect_identical(fit_by(a ~ 1 + c - c, numbers)$data$names, "a")
  expect_equal(logLik(fit_by(~ . - c, numbers)), logLik(fit_by(~ a + b, numbers)), tolerance = 1e-12)
  expect_error(fit_by(~ a - a, geyser), "names no columns", class = "emfit_error_input")
  # What is taken away is not asked of new rows.
  expect_length(predict(fit_by(~ . - species, geyser), numbers[1:3, ]), 3L)
})

test_that("a fit and its predictions for the same rows agree, and each row by itself, for every formula", {
  shift <- 3
  double <- function(v) 2 * v
  moved <- function(v) double(v) + shift
  formulas <- list(
    ~ a + b, ~ ., ~ . - c, ~ a + b - b, a ~ 1, log(a) ~ 1, cbind(a, b) ~ 1, cbind(log(a), b) ~ 1, ~ log(a) + b,
    ~ I(a^2) + b, ~ I(a * b), ~ sqrt(a) + log(b), ~ scale(a) + b, ~ scale(a, scale = FALSE) + scale(b),
    ~ scale(cbind(a, b)), ~ poly(a, 2), ~ poly(a, 2) + b, ~ poly(a, b, degree = 2), ~ splines::ns(b, 3),
    ~ splines::bs(a, df = 4) + b, ~ moved(a) + b, ~ I(a / shift), ~ sapply(a, function(v) v + shift),
    ~ base::pmin(a, shift) + b
  )
  rows <- c(200, 7, 31)
  for (formula in formulas) {
    fit <- fit_by(formula, numbers)
    for (type in c("logdensity", "prob")) {
      own <- predict(fit, type = type)
      expect_equal(unname(predict(fit, numbers, type)), unname(own), tolerance = 1e-9, info = deparse(formula))
      some <- unname(predict(fit, numbers[rows, ], type))
      expect_equal(some, unname(if (is.matrix(own)) own[rows, ] else own[rows]), tolerance = 1e-9, info = deparse(formula))
    }
    one <- predict(fit, numbers[7, ], "logdensity")
    expect_equal(unname(one), unname(predict(fit, type = "logdensity"))[7], tolerance = 1e-9, info = deparse(formula))
    expect_equal(em_estep(numbers, fit)$loglik, fit$loglik, tolerance = 1e-9, info = deparse(formula))
    expect_length(predict(fit, numbers[0, ]), 0L)
  }
})

test_that("columns of poly() and the like have names that tell them apart", {
  expect_identical(fit_by(~ poly(a, 2), numbers)$data$names, c("poly(a, 2)1", "poly(a, 2)2"))
  expect_identical(fit_by(~ scale(a) + b, numbers)$data$names, c("scale(a)", "b"))
})

test_that("a term that is computed from all rows is refused for others, and agrees for the same", {
  for (formula in list(~ I(a - mean(a)) + b, ~ log(scale(a)^2 + 1), ~ rank(a))) {
    fit <- fit_by(formula, numbers)
    expect_equal(unname(predict(fit, numbers, "logdensity")), unname(predict(fit, type = "logdensity")))
    expect_error(predict(fit, numbers[1:9, ]), "computed from all rows together", class = "emfit_error_newdata")
  }
})

test_that("names are found where the formula was made, then and later, never in a global of the same name", {
  make <- function() {
    k2 <- 2
    inner <- function(v) v * k2
    emfit_test_f <- function(v) inner(v) + 1
    emfit_test_s <- 10
    fit_by(~ emfit_test_f(a) + I(b / emfit_test_s), numbers)
  }
  environment(make) <- new.env(parent = globalenv())
  environment(make)$fit_by <- fit_by
  environment(make)$numbers <- numbers
  assign("emfit_test_f", function(v) stop("the global one"), globalenv())
  assign("emfit_test_s", rep(1e6, 272), globalenv())
  on.exit(rm("emfit_test_f", "emfit_test_s", envir = globalenv()))
  fit <- make()
  expect_identical(unname(fit$data$x), unname(cbind(numbers$a * 2 + 1, numbers$b / 10)))
  expect_equal(unname(predict(fit, numbers[5:6, ], "logdensity")), unname(predict(fit, type = "logdensity"))[5:6])
  # A column of that name is not the constant of the fit.
  expect_equal(predict(fit, cbind(numbers, emfit_test_s = 1), "prob"), predict(fit, type = "prob"), ignore_attr = TRUE)
})

test_that("a fit keeps of an environment what its terms need, and works in a new session", {
  make <- function() {
    ballast <- rnorm(1e6)
    power <- 2
    again <- function(v, n) if (n > 0) again(v, n - 1) else v^power
    f <- function(v) again(v, 2)
    fit_by(~ f(a) + b, numbers)
  }
  environment(make) <- new.env(parent = globalenv())
  environment(make)$fit_by <- fit_by
  environment(make)$numbers <- numbers
  fit <- make()
  expect_lt(length(serialize(fit, NULL)), 40000)
  file <- tempfile(fileext = ".rds")
  saveRDS(list(fit = fit, rows = numbers[3:5, ]), file)
  code <- sprintf("x <- readRDS('%s'); cat(format(stats::predict(x$fit, x$rows, 'logdensity'), digits = 15))", file)
  code <- paste0(".libPaths(c(", paste0("'", .libPaths(), "'", collapse = ", "), ")); invisible(loadNamespace('emfit')); ", code)
  out <- system2(file.path(R.home("bin"), "Rscript"), c("--vanilla", "-e", shQuote(code)), stdout = TRUE)
  expect_equal(scan(text = out, quiet = TRUE), unname(predict(fit, type = "logdensity"))[3:5], tolerance = 1e-12)
  expect_identical(environmentName(environment(formula(fit_by(~ a + b, numbers)))), "R_GlobalEnv")
})

test_that("new rows that lack a variable are refused although one of that name lies about", {
  fit <- fit_by(~ log(a) + b, numbers)
  b <- numbers$b
  assign("b", b, globalenv())
  on.exit(rm("b", envir = globalenv()))
  expect_error(predict(fit, numbers["a"]), "`newdata` lacks column \"b\"", class = "emfit_error_newdata")
  expect_error(em_estep(numbers["a"], fit), "`newdata` lacks column \"b\"", class = "emfit_error_newdata")
  # The variables were no columns then; new rows must have them all the same.
  free <- local({
    a <- numbers$a
    fit_by(~ log(a), NULL)
  })
  a <- numbers$a
  expect_error(predict(free, numbers["b"]), "lacks column \"a\"", class = "emfit_error_newdata")
  expect_length(predict(free, numbers[1:4, ]), 4L)
})

test_that("numbers without names are not taken for transformed ones", {
  fit <- fit_by(~ log(a), numbers)
  expect_error(predict(fit, 1:3), "must be a data frame with column \"a\"", class = "emfit_error_newdata")
  expect_error(predict(fit, matrix(1:3)), "the formula transforms it", class = "emfit_error_newdata")
  expect_identical(predict(fit, cbind(a = 1:3)), predict(fit, data.frame(a = 1:3)))
  expect_length(predict(fit_by(~ a, numbers), 1:3), 3L)
  # simulate() gives columns under the names of the fitted ones.
  drawn <- simulate(fit, seed = 1)[[1]]
  expect_identical(names(drawn), "log(a)")
  expect_equal(unname(predict(fit, drawn, "logdensity")), unname(predict(fit, data.frame(a = exp(drawn[[1]])), "logdensity")))
})

test_that("new columns of another kind are refused, columns without values are welcome", {
  fit <- fit_by(~ log(a) + b, numbers)
  expect_error(predict(fit, data.frame(a = 1, b = TRUE)), "\"b\" was numeric and is logical", class = "emfit_error_newdata")
  expect_error(predict(fit, data.frame(a = 1, b = "70")), class = "emfit_error")
  expect_equal(predict(fit, data.frame(a = 2, b = NA), "prob"), predict(fit, data.frame(a = 2, b = NA_real_), "prob"))
})

test_that("a formula that gives other rows than `newdata` has is refused", {
  table <- list(v = numbers$a)
  fit <- fit_by(~ I(get("v", table)), numbers)
  expect_error(predict(fit, numbers[1:3, ]), class = "emfit_error_newdata")
})

test_that("subset, weights and labels are of the data first", {
  geyser$w <- rep(1:2, 136)
  w <- rep(100, 272)
  fit <- fit_by(~ scale(a), geyser, weights = w, subset = b > 60, labels = NULL)
  expect_identical(fit$nobs, as.double(sum(geyser$w[geyser$b > 60])))
  # What scale() learns it learns of all rows, as in lm().
  all <- as.vector(scale(geyser$a))[geyser$b > 60]
  expect_equal(fit$data$x[, 1], all)
  expect_equal(unname(predict(fit, geyser[geyser$b > 60, ], "prob")), unname(predict(fit, type = "prob")))
})
