# Gamma and exponential components.

precise <- em_control(tol = 1e-13, max_iter = 20000)

gamma_loglik <- function(x, proportions, mean, shape) {
  each <- mapply(function(p, m, a) p * dgamma(x, a, a / m), proportions, mean, shape)
  sum(log(rowSums(each)))
}

test_that("k = 1 is MASS::fitdistr() at its maximum, for gamma and exponential", {
  skip_if_not_installed("MASS")
  x <- faithful$waiting
  fit <- em_fit(x, 1, "gamma", control = precise)
  peer <- suppressWarnings(MASS::fitdistr(x, "gamma", control = list(reltol = 1e-14, maxit = 5000)))
  shape <- unname(fit$parameters$shape)
  expect_equal(c(shape, shape / unname(fit$parameters$mean)), unname(peer$estimate), tolerance = 1e-4)
  expect_gte(fit$loglik, peer$loglik - 1e-9)
  # The information of (log mean, log shape) is diagonal: n a, and n a (a trigamma(a) - 1).
  n <- length(x)
  errors <- c(fit$parameters$mean / sqrt(n * shape), shape / sqrt(n * shape * (shape * trigamma(shape) - 1)))
  expect_equal(unname(sqrt(diag(vcov(fit)))), unname(errors), tolerance = 1e-6)
  exponential <- em_fit(x, 1, em_gamma(shape = 1))
  expect_equal(exponential$loglik, MASS::fitdistr(x, "exponential")$loglik, tolerance = 1e-12)
  expect_identical(exponential$df, 1L)
})

test_that("two components are where optim() finds the maximum, with its standard errors", {
  x <- withr_seed(3, rgamma(400, c(9, 3), c(9, 0.5)))
  fit <- withr_seed(1, em_fit(x, 2, "gamma", control = precise))
  p <- fit$parameters
  negative <- function(t) -gamma_loglik(x, c(plogis(t[1]), 1 - plogis(t[1])), exp(t[2:3]), exp(t[4:5]))
  at <- c(qlogis(p$proportions[[1]]), log(p$mean), log(p$shape))
  found <- optim(at + 0.1 * c(1, -1, 1, 1, -1), negative, method = "BFGS",
                 control = list(reltol = 1e-15, maxit = 2000))
  expect_equal(-found$value, fit$loglik, tolerance = 1e-10)
  expect_equal(unname(found$par), unname(at), tolerance = 1e-4)
  errors <- sqrt(diag(solve(optimHess(unname(at), negative))))
  own <- sqrt(diag(vcov(fit)))
  expect_equal(unname(own[3:6] / c(p$mean, p$shape)), errors[2:5], tolerance = 1e-3)
})

test_that("an exponential mixture is the oracle's", {
  x <- withr_seed(4, rexp(300, c(1, 0.05)))
  fit <- withr_seed(1, em_fit(x, 2, em_gamma(1), control = precise))
  loglik <- function(t) {
    sum(log(plogis(t[1]) * dexp(x, exp(t[2])) + plogis(-t[1]) * dexp(x, exp(t[3]))))
  }
  best <- optim(c(0, 0, -3), loglik, control = list(fnscale = -1, reltol = 1e-14, maxit = 5000))
  expect_equal(fit$loglik, best$value, tolerance = 1e-9)
  expect_identical(unname(fit$parameters$shape), c(1, 1))
  expect_output(print(fit), "shape held at 1 (exponential)", fixed = TRUE)
})

test_that("shapes are held one by one", {
  x <- withr_seed(5, c(rexp(200, 1), rgamma(200, 40, 4)))
  fit <- withr_seed(1, em_fit(x, 2, "gamma", fixed = list(shape = c(1, NA))))
  expect_identical(fit$parameters$shape[[1]], 1)
  expect_gt(fit$parameters$shape[[2]], 20)
  expect_identical(fit$df, 4L)
  held <- withr_seed(1, em_fit(x, 2, "gamma", fixed = list(mean = c(1, NA)), control = precise))
  free <- function(t) -gamma_loglik(x, c(plogis(t[1]), plogis(-t[1])), c(1, exp(t[2])), exp(t[3:4]))
  p <- held$parameters
  at <- unname(c(qlogis(p$proportions[[1]]), log(p$mean[[2]]), log(p$shape)))
  expect_equal(-optim(at, free, method = "BFGS", control = list(reltol = 1e-15))$value, held$loglik, tolerance = 1e-11)
  expect_error(em_fit(x, 2, em_gamma(2), fixed = list(shape = c(1, NA))), "said twice", class = "emfit_error_fixed")
})

test_that("a missing cell has the factor 1", {
  x <- law_times(200, 6)
  x[cbind(c(3, 9, 50, 51), c(1, 2, 1, 1))] <- NA
  x[51, 2] <- NA
  fit <- suppressMessages(withr_seed(1, em_fit(x, 2, "gamma", start = list(mean = rbind(c(1, 3), c(5, 5)), shape = matrix(2, 2, 2)),
                                               control = em_control(tol = 0, max_iter = 7, accelerate = FALSE))))
  block <- reference_block("gamma", x)
  p <- list(proportions = c(0.5, 0.5), blocks = list(list(mean = rbind(c(1, 3), c(5, 5)), shape = matrix(2, 2, 2))))
  w <- as.numeric(seq_len(200) != 51)
  run <- reference_blocks_em(list(block), p, weights = w, n_iter = 7, tol = -Inf)
  expect_equal(fit$loglik, run$loglik, tolerance = 1e-12)
  expect_identical(as.integer(nobs(fit)), 199L)
  for (type in c("mean", "draw")) {
    full <- as.matrix(withr_seed(1, em_impute(fit, m = 1, type = type))[[1]])
    expect_true(all(full > 0))
    expect_equal(full[-c(3, 9, 50, 51), ], x[-c(3, 9, 50, 51), ], ignore_attr = TRUE)
  }
})

test_that("in other units only the means change", {
  x <- law_times(150, 7)[, 1]
  start <- list(mean = c(1, 8), shape = c(2, 3))
  control <- em_control(tol = 0, max_iter = 20, accelerate = FALSE)
  base <- em_fit(x, 2, "gamma", start = start, control = control)
  for (s in c(1e-150, 1e-9, 1e9, 1e150)) {
    moved <- em_fit(x * s, 2, "gamma", start = list(mean = start$mean * s, shape = start$shape), control = control)
    expect_equal(moved$loglik, base$loglik - 150 * log(s), tolerance = 1e-10)
    expect_equal(moved$parameters$shape, base$parameters$shape, tolerance = 1e-9)
    expect_equal(moved$parameters$mean / s, base$parameters$mean, tolerance = 1e-10)
  }
})

test_that("densities keep their digits from the smallest shape to the largest", {
  x <- c(1e-6, 0.3, 0.9, 0.999, 1, 1.0001, 1.2, 40)
  for (shape in c(1e-3, 0.5, 1, 7, 1e3, 1e6, 1e9, 1e12)) {
    fit <- em_fit(x, 1, "gamma", start = list(mean = 1, shape = shape), control = em_control(max_iter = 0))
    # dgamma() loses digits of its own where the shape is large: there by Loader's form about the mean.
    delta <- x - 1
    wanted <- if (shape > 1e5) -shape * ifelse(abs(delta) < 0.01, delta^2 / 2 - delta^3 / 3 + delta^4 / 4, delta - log(x)) -
                log(x) + 0.5 * log(shape / (2 * pi)) - 1 / (12 * shape)
              else dgamma(x, shape, shape, log = TRUE)
    expect_equal(as.vector(predict(fit, type = "logdensity")), wanted, tolerance = 1e-11)
  }
})

test_that("numbers that are not above 0 are refused, with the row", {
  expect_error(em_fit(c(1, 2, 0, 4), 1, "gamma"), "Row 3 has 0", class = "emfit_error_input")
  expect_error(em_fit(data.frame(a = c(1, 2, 3), b = c(2, -1, -4)), 1, "gamma"), "2 rows are affected",
               class = "emfit_error_input")
  fit <- em_fit(c(1, 2, 5, 4), 1, "gamma")
  expect_error(predict(fit, c(-1, 2)), "Row 1 has -1", class = "emfit_error_newdata")
  expect_error(predict(fit, cbind(1:2, 3:4)), class = "emfit_error_newdata")
  for (bad in list(0, -1, NA_real_, c(1, 2), "a", Inf)) {
    expect_error(em_gamma(bad), "`shape` must be", class = "emfit_error_argument")
  }
})

test_that("what shrinks onto a value ends and says so", {
  expect_error(em_fit(rep(3, 20), 1, "gamma"), class = "emfit_error")
  expect_equal(em_fit(rep(3, 20), 1, em_gamma(1))$parameters$mean[[1]], 3, tolerance = 1e-15)
  x <- c(rep(2, 30), withr_seed(1, rgamma(60, 2, 0.1)))
  expect_error(em_fit(x, 2, "gamma", start = rep(1:2, c(30, 60))), "gives component 1 no shape", class = "emfit_error_start")
  start <- list(mean = c(2, 20), shape = c(1e4, 2))
  expect_warning(em_fit(x, 2, "gamma", start = start), "shrank onto 30 identical points.*em_gamma\\(shape = 1\\)")
  expect_error(em_fit(c(1, 2, 3), 2, "gamma", start = list(mean = c(1, 2), shape = c(0, 1))), class = "emfit_error_start")
})

test_that("pictures are drawn from the densities", {
  x <- withr_seed(3, rgamma(200, c(9, 0.7), c(9, 0.1)))
  fit <- withr_seed(1, em_fit(x, 2, "gamma", control = em_control(path = TRUE)))
  data <- plot_data(fit)
  sum <- data$curves[is.na(data$curves$component), ]
  expect_equal(sum$density, as.vector(predict(fit, sum$x, type = "density")), tolerance = 1e-12)
  expect_true(all(data$curves$x > 0))
  file <- tempfile(fileext = ".png")
  grDevices::png(file)
  for (type in c("density", "responsibility", "uncertainty", "qq", "path", "trace")) expect_no_error(plot(fit, type = type))
  grDevices::dev.off()
  if (requireNamespace("ggplot2", quietly = TRUE)) expect_no_error(ggplot2::autoplot(fit))
})

test_that("the search finds the number of groups", {
  x <- withr_seed(8, rgamma(600, rep(c(20, 12), c(400, 200)), rep(c(20, 1.5), c(400, 200))))
  table <- withr_seed(1, em_select(x, k = 1:3, family = "gamma"))
  expect_identical(best(table)$k, 2L)
})
