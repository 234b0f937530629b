# Student components.

precise <- em_control(tol = 1e-13, max_iter = 20000)

two_heavy <- function(n, seed) withr_seed(seed, c(rt(n, 3), 9 + 2 * rt(n / 2, 5)))

t_loglik <- function(x, proportions, mean, sd, df) {
  sum(log(rowSums(mapply(function(p, m, s, nu) p * dt((x - m) / s, nu) / s, proportions, mean, sd, df))))
}

test_that("k = 1 is MASS::fitdistr(), with its standard errors", {
  skip_if_not_installed("MASS")
  x <- withr_seed(1, 1 + 2 * rt(500, 4))
  fit <- em_fit(x, 1, "t", control = precise)
  peer <- suppressWarnings(MASS::fitdistr(x, "t"))
  expect_equal(unname(unlist(fit$parameters)[-1]), unname(peer$estimate), tolerance = 1e-3)
  expect_gte(fit$loglik, peer$loglik - 1e-9)
  expect_equal(unname(sqrt(diag(vcov(fit)))), unname(peer$sd), tolerance = 1e-3)
})

test_that("two components are where optim() finds the maximum, with its standard errors", {
  x <- two_heavy(600, 2)
  fit <- withr_seed(1, em_fit(x, 2, "t", control = precise))
  p <- fit$parameters
  negative <- function(t) -t_loglik(x, c(plogis(t[1]), plogis(-t[1])), t[2:3], exp(t[4:5]), exp(t[6:7]))
  at <- unname(c(qlogis(p$proportions[[1]]), p$mean, log(p$sd), log(p$df)))
  found <- optim(at + 0.05, negative, method = "BFGS", control = list(reltol = 1e-15, maxit = 2000))
  expect_equal(fit$loglik, -found$value, tolerance = 1e-10)
  expect_equal(found$par, at, tolerance = 1e-3)
  errors <- sqrt(diag(solve(optimHess(at, negative))))
  expect_equal(unname(sqrt(diag(vcov(fit)))[3:8] / c(1, 1, p$sd, p$df)), errors[-1], tolerance = 1e-3)
})

test_that("as df grows it is the normal distribution, to 1e-9", {
  x <- as.matrix(faithful)
  parameters <- em_fit(x, 2, start = rep_len(1:2, 272), control = em_control(max_iter = 30))$parameters
  normal <- predict(em_fit(x, 2, start = parameters, control = em_control(max_iter = 0)), type = "logdensity")
  for (df in c(1e12, 1e15, 1e100)) {
    start <- c(unclass(parameters), list(df = rep(df, 2)))
    fit <- em_fit(x, 2, "t", start = start, control = em_control(max_iter = 0))
    expect_lt(max(abs(predict(fit, type = "logdensity") / normal - 1)), 1e-9)
  }
  held <- withr_seed(1, em_fit(x, 2, em_t(df = 1e14), control = precise))
  expect_equal(held$loglik, withr_seed(1, em_fit(x, 2, control = precise))$loglik, tolerance = 1e-11)
  expect_equal(held$df, 11)
})

test_that("all structures climb, have their free parameters and agree where they are the same", {
  x <- as.matrix(iris[1:4])
  control <- em_control(max_iter = 25, tol = 0, accelerate = FALSE)
  fits <- lapply(law_structures, function(name) em_fit(x, 3, em_t(name), start = as.integer(iris$Species), control = control))
  for (i in seq_along(fits)) {
    expect_gte(min(diff(fits[[i]]$trace$loglik)), -1e-9)
    expect_equal(fits[[i]]$df, reference_df(3, 4, law_structures[i]) + 3)
  }
  shared <- em_fit(x, 3, em_t("VVV", common = TRUE), start = as.integer(iris$Species), control = control)
  expect_identical(length(unique(unname(shared$parameters$df))), 1L)
  expect_equal(shared$df, fits[[14]]$df - 2)
})

test_that("gradients that standard errors come from are those of the likelihood, df own and common", {
  x <- two_heavy(200, 3)
  for (common in c(FALSE, TRUE)) {
    fit <- withr_seed(1, em_fit(x, 2, em_t("E", common = common), control = precise))
    p <- fit$parameters
    negative <- function(t) -t_loglik(x, c(plogis(t[1]), plogis(-t[1])), t[2:3], rep(exp(t[4]), 2), exp(rep(t[-(1:4)], length.out = 2)))
    at <- unname(c(qlogis(p$proportions[[1]]), p$mean, log(p$sd[1]), log(if (common) p$df[1] else p$df)))
    errors <- sqrt(diag(solve(optimHess(at, negative))))
    own <- sqrt(diag(vcov(fit)))
    expect_equal(unname(own[c("mean[1]", "mean[2]", "sd[1]", "df[1]")] / c(1, 1, p$sd[1], p$df[1])), errors[2:5], tolerance = 2e-3)
  }
})

test_that("far rows move Gaussian components and not these", {
  x <- withr_seed(4, rbind(matrix(rnorm(200), 100), matrix(rnorm(200, 6), 100)))
  far <- rbind(x, cbind(c(40, -30, 25), c(-40, 35, 60)))
  student <- withr_seed(1, em_fit(far, 2, "t"))
  gaussian <- withr_seed(1, em_fit(far, 2))
  truth <- rep(1:2, each = 100)
  agree <- function(fit) {
    class <- as.integer(predict(fit, type = "class"))[1:200]
    max(mean(class == truth), mean(class != truth))
  }
  expect_gt(agree(student), 0.99)
  expect_lt(agree(gaussian), 0.6)
})

test_that("degrees of freedom are held, together and one by one", {
  x <- two_heavy(200, 5)
  fit <- withr_seed(1, em_fit(x, 2, "t", fixed = list(df = c(3, NA))))
  expect_identical(fit$parameters$df[[1]], 3)
  expect_equal(fit$df, 6)
  all <- withr_seed(1, em_fit(x, 2, em_t(df = 4)))
  expect_identical(unname(all$parameters$df), c(4, 4))
  expect_equal(all$df, 5)
  expect_error(em_fit(x, 2, em_t(df = 4), fixed = list(df = c(3, NA))), "said twice", class = "emfit_error_fixed")
  expect_error(em_fit(x, 2, em_t(common = TRUE), fixed = list(df = c(3, NA))), "are common", class = "emfit_error_unsupported")
  expect_error(em_fit(x, 2, "t", fixed = list(mean = c(0, NA))), "means that are held", class = "emfit_error_unsupported")
  start <- list(mean = c(0, 9), sd = c(1, 1), df = c(3, 4))
  expect_error(em_fit(x, 2, em_t(common = TRUE), start = start), "must be the same", class = "emfit_error_start")
})

test_that("what can't be had is said", {
  expect_error(em_fit(c(1, NA, 3, 4, 9), 1, "t"), "row.*2.*missing cells|missing cells", class = "emfit_error_unsupported")
  for (bad in list(0, -1, NA_real_, c(1, 2), "a", Inf)) expect_error(em_t(df = bad), "`df` must be", class = "emfit_error_argument")
  expect_error(em_t(common = 1), "`common` must be", class = "emfit_error_argument")
  expect_error(em_t("ABC"), class = "emfit_error_argument")
  expect_output(print(em_t("EEE", common = TRUE)), "t components, tied covariance (EEE), common df", fixed = TRUE)
  expect_output(print(em_t(df = 4)), "df held at 4", fixed = TRUE)
})

test_that("pictures and draws are those of t distributions", {
  x <- two_heavy(300, 6)
  fit <- withr_seed(1, em_fit(x, 2, "t", control = em_control(path = TRUE)))
  curves <- plot_data(fit)$curves
  sum <- curves[is.na(curves$component), ]
  expect_equal(sum$density, as.vector(predict(fit, sum$x, type = "density")), tolerance = 1e-12)
  two <- withr_seed(1, em_fit(cbind(a = x, b = rev(x)), 2, em_t("VVV", df = 3), control = em_control(path = TRUE)))
  outline <- plot_data(two)$ellipses
  one <- outline[outline$component == "1" & outline$level == 0.95, ]
  distance <- mahalanobis(one[c("x", "y")], two$parameters$mean[1, ], two$parameters$covariance[, , 1])
  expect_equal(unname(distance), rep(2 * qf(0.95, 2, 3), length(distance)), tolerance = 1e-8)
  grDevices::png(tempfile(fileext = ".png"))
  for (type in c("density", "responsibility", "uncertainty", "qq", "path", "trace")) expect_no_error(plot(fit, type = type))
  for (type in c("cluster", "pairs", "uncertainty", "path")) expect_no_error(plot(two, type = type))
  grDevices::dev.off()
  if (requireNamespace("ggplot2", quietly = TRUE)) expect_no_error(ggplot2::autoplot(fit))
  if (requireNamespace("ggplot2", quietly = TRUE)) expect_no_error(ggplot2::autoplot(two))
  drawn <- withr_seed(2, simulate(em_fit(x, 1, em_t(df = 3)), 1, n = 20000))[[1]]
  p <- em_fit(x, 1, em_t(df = 3))$parameters
  expect_gt(ks.test((as.vector(unlist(drawn)) - p$mean) / p$sd, "pt", 3)$p.value, 1e-4)
})

test_that("em_select() tries structures of t components, and its call gives them back", {
  table <- withr_seed(1, em_select(faithful, k = 1:2, family = em_t(common = TRUE), covariance = c("EEE", "VVV")))
  top <- best(table)
  expect_s3_class(top$family, "em_family_t")
  expect_true(top$family$common)
  expect_identical(top$k, 2L)
})
