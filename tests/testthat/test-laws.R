# The laws that every family, structure and latent structure obeys; helper-families.R has the table of cases.
# From a given start, without acceleration; tolerance 1e-9 relative unless a law says bitwise.

cases <- law_cases()
latents <- list(free = em_mixture(), equal = em_mixture("equal"), held = em_mixture(c(0.5, 0.3, 0.2)))

each_case <- function(law, test) {
  for (case in cases) {
    test_that(paste0(law, ": ", case$name), {
      test(case, case$x_of(150))
    })
  }
}

statistics_of <- function(case, x, weights = NULL) {
  data <- emfit:::em_data(x, case$family, weights)
  start <- emfit:::resolve_start(case$start, case$k, data, case$family, em_mixture(), em_control())
  emfit:::expect_em(data, start$items[[1]]$parameters, start$model, c("statistics", "loglik"))
}

each_case("agrees with the plain-R oracle, all proportions", function(case, x) {
  for (latent in latents) {
    start <- case$start
    if (!identical(latent$proportions, "free")) start$proportions <- NULL
    fit <- em_fit(x, k = 3, family = case$family, latent = latent, start = start,
                  control = em_control(tol = 0, max_iter = 6, accelerate = FALSE))
    oracle <- reference_em(x, 3, structure = case$oracle$structure, family = case$oracle$family, start = start,
                           proportions = latent$proportions, n_iter = 6)
    loose <- if (case$name %in% c("EVE", "VVE")) 1e-6 else 1e-8
    expect_equal(fit$trace$loglik, oracle$trace, tolerance = loose)
    expect_equal(parameter_numbers(fit), unlist(lapply(oracle$parameters, as.numeric), use.names = FALSE),
                 tolerance = loose)
  }
})

each_case("weighted fits agree with the oracle", function(case, x) {
  w <- rep(c(0.5, 1, 2, 0), length.out = 150)
  fit <- law_run(case, x, 5, weights = w)
  oracle <- reference_em(x, 3, structure = case$oracle$structure, family = case$oracle$family, start = case$start,
                         weights = w, n_iter = 5)
  expect_equal(fit$trace$loglik, oracle$trace, tolerance = if (case$name %in% c("EVE", "VVE")) 1e-6 else 1e-8)
})

each_case("ascent at every iteration", function(case, x) {
  loglik <- law_run(case, x, 60)$trace$loglik
  expect_gte(min(diff(loglik)), -1e-10 * (1 + max(abs(loglik))))
})

each_case("statistics add over rows", function(case, x) {
  whole <- statistics_of(case, x)
  parts <- lapply(list(1:40, 41:97, 98:150), function(i) statistics_of(case, law_rows(x, i)))
  expect_equal(Reduce(`+`, lapply(parts, `[[`, "statistics")), whole$statistics, tolerance = 1e-12)
  expect_equal(sum(vapply(parts, `[[`, 0, "loglik")), whole$loglik, tolerance = 1e-12)
})

each_case("weight 2 is the row twice, weight 0 the row absent", function(case, x) {
  w <- rep(c(1, 2, 0, 3, 1), length.out = 150)
  weighted <- law_run(case, x, weights = w)
  replicated <- law_run(case, law_rows(x, rep(1:150, w)))
  expect_same_parameters(weighted, replicated)
  expect_equal(weighted$loglik, replicated$loglik, tolerance = 1e-10)
  expect_equal(BIC(weighted), BIC(replicated), tolerance = 1e-10)
  expect_identical(rowSums(predict(weighted, type = "prob")) > 0.999, rep(TRUE, 150))
})

each_case("rows, columns and labels in another order", function(case, x) {
  base <- law_run(case, x)
  i <- withr_seed(1, sample(150))
  expect_same_parameters(law_run(case, law_rows(x, i)), base)
  o <- c(3, 1, 2)
  swapped <- lapply(case$start, function(p) {
    if (is.null(dim(p))) p[o] else if (nrow(p) == 3 && !identical(p, diag(3))) p[o, ] else p
  })
  relabelled <- law_run(case, x, start = swapped)
  expect_equal(parameter_numbers(relabelled)[1:3], parameter_numbers(base)[o], tolerance = 1e-9)
  expect_equal(relabelled$loglik, base$loglik, tolerance = 1e-10)
  if (case$shift && is.matrix(x)) {
    j <- c(2, 3, 1)
    start <- case$start
    start$mean <- start$mean[, j]
    turned <- law_run(case, x[, j], start = start)
    expect_equal(unname(turned$parameters$mean), unname(base$parameters$mean[, j]), tolerance = 1e-8)
    expect_equal(turned$loglik, base$loglik, tolerance = 1e-9)
  }
})

each_case("1, 2 and 3 threads give the same bits", function(case, x) {
  many <- case$x_of(25003)
  run <- function(threads) law_run(case, many, 3, control = list(threads = threads))
  one <- run(1)
  expect_identical(parameter_numbers(run(2)), parameter_numbers(one))
  expect_identical(run(3)$trace$loglik, one$trace$loglik)
})

for (case in cases[c("V", "VVV", "EEE", "binomial")]) {
  test_that(paste0("data of several slices agree with the oracle: ", case$name), {
    many <- case$x_of(25003)
    oracle <- reference_em(many, 3, structure = case$oracle$structure, family = case$oracle$family,
                           start = case$start, n_iter = 3)
    expect_equal(law_run(case, many, 3)$trace$loglik, oracle$trace, tolerance = 1e-10)
  })
}

each_case("moves with the units of the data", function(case, x) {
  if (!case$scale) return(expect_false(case$scale))
  base <- law_run(case, x, 8)
  n <- length(x)
  move <- function(b, s) {
    start <- case$start
    start$mean <- (start$mean + b) * s
    if (is.null(start$sd)) start$covariance <- start$covariance * s^2 else start$sd <- start$sd * s
    law_run(case, (x + b) * s, 8, start = start)
  }
  for (s in c(1e-9, 1e9, 1e-150, 1e150)) {
    moved <- move(0, s)
    expect_equal(moved$loglik, base$loglik - n * log(s), tolerance = 1e-9)
    expect_equal(moved$parameters$mean / s, base$parameters$mean, tolerance = 1e-7)
  }
  far <- move(1e8, 1)
  expect_equal(far$parameters$proportions, base$parameters$proportions, tolerance = 1e-6)
  spread <- function(fit) if (is.null(fit$parameters$sd)) fit$parameters$covariance else fit$parameters$sd
  expect_equal(spread(far), spread(base), tolerance = 1e-6)
})

each_case("k = 1 is the closed form", function(case, x) {
  fit <- em_fit(x, k = 1, family = case$family)
  expect_true(fit$converged)
  if (!case$scale) return(expect_equal(unname(fit$parameters$prob), sum(x[, 1]) / sum(x), tolerance = 1e-14))
  x <- as.matrix(x)
  expect_equal(as.numeric(fit$parameters$mean), unname(colMeans(x)), tolerance = 1e-12)
  scatter <- stats::cov(x) * (1 - 1 / nrow(x))
  expected <- switch(substr(paste0(case$name, "I"), 3, 3),
                     I = if (case$name %in% c("EII", "VII")) diag(mean(diag(scatter)), 3) else diag(diag(scatter), ncol(x)),
                     scatter)
  if (ncol(x) == 1) expect_equal(unname(fit$parameters$sd), sqrt(scatter[1]), tolerance = 1e-12) else
    expect_equal(unname(fit$parameters$covariance[, , 1]), unname(expected), tolerance = 1e-9)
})

each_case("a start at the optimum stays, and no neighbour is better", function(case, x) {
  best <- em_fit(x, k = 3, family = case$family, start = case$start,
                 control = em_control(tol = 1e-12, max_iter = 5000))
  again <- em_fit(x, family = case$family, start = best, control = em_control(tol = 1e-6))
  expect_lte(again$iterations, 3)
  expect_equal(again$loglik, best$loglik, tolerance = 1e-10)
  for (sign in c(-1, 1)) {
    near <- best$parameters
    name <- if (is.null(near$prob)) "mean" else "prob"
    near[[name]] <- near[[name]] + sign * 1e-4 * c(1, -1, 1)
    moved <- em_fit(x, family = case$family, start = near, control = em_control(max_iter = 0))
    expect_lt(moved$loglik, best$loglik)
  }
})

each_case("a start comes back bit for bit", function(case, x) {
  fit <- law_run(case, x, 0)
  expect_identical(unname(fit$parameters$proportions), case$start$proportions)
  location <- if (case$shift) "mean" else "prob"
  expect_identical(as.numeric(fit$parameters[[location]]), as.numeric(case$start[[location]]))
  again <- em_fit(x, family = case$family, start = law_run(case, x, 5), control = em_control(max_iter = 0))
  expect_identical(parameter_numbers(again), parameter_numbers(law_run(case, x, 5)))
})

each_case("5 + 5 iterations are 10, bit for bit", function(case, x) {
  half <- law_run(case, x, 5)
  rest <- em_fit(x, family = case$family, start = half,
                 control = em_control(tol = 0, max_iter = 5, accelerate = FALSE))
  expect_identical(parameter_numbers(rest), parameter_numbers(law_run(case, x, 10)))
})

each_case("single steps by hand are em_fit()", function(case, x) {
  fit <- law_run(case, x, 6)
  p <- em_start(x, family = case$family, start = case$start)
  for (i in 1:6) p <- em_mstep(x, em_estep(x, p), p)
  expect_equal(unlist(p, use.names = FALSE), unlist(fit$parameters, use.names = FALSE), tolerance = 1e-9)
  expect_equal(em_estep(x, p)$loglik, fit$loglik, tolerance = 1e-12)
})

each_case("simulate, then fit, recovers", function(case, x) {
  truth <- law_run(case, case$x_of(4000), 30)
  drawn <- withr_seed(4, simulate(truth)[[1]])
  at_truth <- em_fit(drawn, family = case$family, start = truth$parameters, control = em_control(max_iter = 0))
  logdensity <- predict(truth, type = "logdensity")
  expect_lt(abs(at_truth$loglik - sum(logdensity)), 5 * sd(logdensity) * sqrt(2 * 4000))
  # Twice the gain over the truth is chi-squared with df degrees of freedom (Wilks).
  again <- law_run(case, drawn, 30, start = truth$parameters)
  expect_gt(again$loglik, at_truth$loglik)
  expect_lt(2 * (again$loglik - at_truth$loglik), qchisq(1 - 1e-5, truth$df))
})

each_case("a fit is plain data", function(case, x) {
  fit <- law_run(case, x, 3)
  file <- tempfile(fileext = ".rds")
  on.exit(unlink(file))
  saveRDS(fit, file)
  expect_identical(readRDS(file), fit)
  expect_identical(predict(readRDS(file), type = "prob"), predict(fit, type = "prob"))
})

each_case("known labels give the supervised estimates", function(case, x) {
  group <- factor(rep(c("a", "b", "c"), length.out = 150))
  p <- em_mstep(x, group, family = case$family)
  expect_equal(p$proportions, c(a = 1, b = 1, c = 1) / 3)
  if (!case$scale) {
    return(expect_equal(p$prob, c(tapply(x[, 1], group, sum) / tapply(rowSums(x), group, sum)), tolerance = 1e-14))
  }
  means <- apply(as.matrix(x), 2, function(column) tapply(column, group, mean))
  expect_equal(matrix(p$mean, 3), unname(matrix(means, 3)), tolerance = 1e-12)
})

each_case("predict on the rows of the fit is the fit", function(case, x) {
  fit <- law_run(case, x, 4)
  prob <- predict(fit, x, type = "prob")
  expect_equal(unname(prob), unname(predict(fit, type = "prob")), tolerance = 1e-14)
  expect_equal(unname(prob), unname(em_estep(x, fit)$responsibilities), tolerance = 1e-12)
  expect_equal(rowSums(prob), rep(1, 150), tolerance = 1e-14, ignore_attr = TRUE)
  expect_equal(sum(predict(fit, type = "logdensity")), fit$loglik, tolerance = 1e-12)
  expect_equal(unname(predict(fit, law_rows(x, 5:9), type = "prob")), unname(prob[5:9, ]), tolerance = 1e-14)
})

test_that("nested structures are ordered when the larger starts from the smaller", {
  x <- cases$VVV$x_of(150)
  chain <- c("EII", "VII", "VVI", "VVV")
  fits <- list(em_fit(x, k = 3, family = em_gaussian("EII"), start = cases$EII$start))
  for (name in chain[-1]) {
    fits <- c(fits, list(em_fit(x, family = em_gaussian(name), start = fits[[length(fits)]])))
  }
  expect_true(all(diff(vapply(fits, `[[`, 0, "loglik")) > -1e-9))
  expect_identical(vapply(fits, `[[`, 0L, "df"), vapply(chain, function(s) as.integer(reference_df(3, 3, s)), 0L,
                                                        USE.NAMES = FALSE))
})

test_that("success and failure exchanged give 1 - p", {
  case <- cases$binomial
  x <- case$x_of(150)
  fit <- law_run(case, x)
  flipped <- law_run(case, x[, 2:1], start = list(proportions = case$start$proportions, prob = 1 - case$start$prob))
  expect_equal(unname(flipped$parameters$prob), 1 - unname(fit$parameters$prob), tolerance = 1e-10)
})
