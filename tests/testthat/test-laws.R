# The laws that every family, structure and latent structure obeys; helper-families.R has the table of cases.
# From a given start, without acceleration; tolerance 1e-9 relative unless a law says bitwise.

cases <- law_cases()
latents <- list(free = em_mixture(), equal = em_mixture("equal"), held = em_mixture(c(0.5, 0.3, 0.2)))
columns <- law_columns(cases)

# but: latent structures of which the law does not speak.
each_case <- function(law, test, but = character()) {
  for (case in columns) {
    if (case$kind %in% but) next
    test_that(paste0(law, ": ", case$name), {
      test(case, case$x_of(150))
    })
  }
}

# Of rows `at`, at the start of the case and, where they are some of many, as the model of all has it.
statistics_of <- function(case, x, at = seq_len(NROW(x)), model = NULL) {
  parted <- emfit:::part_units(law_data(case, x, at), case$latent)
  data <- emfit:::em_data(parted$x, case$family, labels = law_labels(case, at), units = parted$units)
  start <- emfit:::resolve_start(case$start, case$k, data, case$family, case$latent, em_control())
  if (is.null(model)) model <- start$model
  out <- emfit:::expect_em(data, start$items[[1]]$parameters, model, c("statistics", "loglik"))
  c(out, model = list(model))
}

each_case("agrees with the plain-R oracle", function(case, x) {
  fit <- law_run(case, x, 6)
  oracle <- law_oracle(case, x, 6)
  expect_equal(fit$trace$loglik, oracle$trace, tolerance = law_loose(case))
  expect_equal(parameter_numbers(fit), unlist(oracle$parameters, use.names = FALSE),
               tolerance = law_loose(case))
})

each_case("agrees with the oracle under other proportions", function(case, x) {
  for (latent in latents[c("equal", "held")]) {
    case$latent$proportions <- latent$proportions
    case$start$proportions <- NULL
    fit <- law_run(case, x, 4)
    oracle <- law_oracle(case, x, 4)
    expect_equal(fit$trace$loglik, oracle$trace, tolerance = law_loose(case))
    expect_equal(parameter_numbers(fit), unlist(oracle$parameters, use.names = FALSE),
                 tolerance = law_loose(case))
  }
}, but = c("equal", "held", "noise"))

each_case("weighted fits agree with the oracle", function(case, x) {
  w <- law_recycled(case, c(0.5, 1, 2, 0), 1:150)
  fit <- law_run(case, x, 5, weights = w)
  oracle <- law_oracle(case, x, 5, weights = w)
  expect_equal(fit$trace$loglik, oracle$trace, tolerance = law_loose(case))
}, but = "noise") # its box is that of the rows that count: test-latent-noise.R

each_case("ascent at every iteration", function(case, x) {
  loglik <- law_run(case, x, 60)$trace$loglik
  expect_gte(min(diff(loglik)), -1e-10 * (1 + max(abs(loglik))))
})

each_case("statistics add over rows", function(case, x) {
  whole <- statistics_of(case, x)
  rows <- split(1:150, if (is.null(case$unit_of)) rep(1:3, c(40, 57, 53)) else case$unit_of(1:150) %% 3)
  parts <- lapply(rows, function(i) statistics_of(case, x, i, whole$model))
  expect_equal(Reduce(`+`, lapply(parts, `[[`, "statistics")), whole$statistics, tolerance = 1e-12)
  expect_equal(sum(vapply(parts, `[[`, 0, "loglik")), whole$loglik, tolerance = 1e-12)
})

each_case("weight 2 is the row, or unit, twice, weight 0 it absent", function(case, x) {
  w <- law_recycled(case, c(1, 2, 0, 3, 1), 1:150)
  weighted <- law_run(case, x, weights = w)
  replicated <- law_run(case, x, at = rep(1:150, w), copy = sequence(w))
  expect_same_parameters(weighted, replicated)
  expect_equal(weighted$loglik, replicated$loglik, tolerance = 1e-10)
  expect_equal(BIC(weighted), BIC(replicated), tolerance = 1e-10)
  expect_equal(icl(weighted), icl(replicated), tolerance = 1e-8)
  expect_identical(rowSums(predict(weighted, type = "prob")) > 0.999, rep(TRUE, 150))
})

each_case("rows, columns and components in another order", function(case, x) {
  base <- law_run(case, x)
  i <- withr_seed(1, sample(150))
  shuffled <- law_run(case, x, at = i)
  expect_same_parameters(shuffled, base)
  expect_equal(predict(shuffled, type = "prob"), predict(base, type = "prob")[i, ], tolerance = 1e-9,
               ignore_attr = TRUE)
  if (case$shift && is.matrix(x)) {
    j <- c(2, 3, 1)
    start <- case$start
    start$mean <- start$mean[, j]
    turned <- law_run(case, x[, j], start = start)
    expect_equal(unname(turned$parameters$mean), unname(base$parameters$mean[, j]), tolerance = 1e-8)
    expect_equal(turned$loglik, base$loglik, tolerance = 1e-9)
  }
  if (case$kind %in% c("held", "labelled", "both")) return(invisible()) # they name the components
  o <- c(3, 1, 2)
  swapped <- rapply(case$start, how = "replace", f = function(p) {
    if (is.null(dim(p))) p[c(o, seq_along(p)[-o])] else if (length(dim(p)) == 3) p[, , o] else if (nrow(p) == 3 && !identical(p, diag(3))) p[o, ] else p
  })
  relabelled <- law_run(case, x, start = swapped)
  expect_equal(parameter_numbers(relabelled)[1:3], parameter_numbers(base)[o], tolerance = 1e-9)
  expect_equal(relabelled$loglik, base$loglik, tolerance = 1e-10)
})

each_case("1, 2 and 3 threads give the same bits", function(case, x) {
  many <- case$x_of(25003)
  run <- function(threads) law_run(case, many, 3, control = list(threads = threads))
  one <- run(1)
  expect_identical(parameter_numbers(run(2)), parameter_numbers(one))
  expect_identical(run(3)$trace$loglik, one$trace$loglik)
})

several_slices <- c("V", "VVV", "EEE", "binomial", "poisson", "poisson, 2 columns", "t, V", "t, EEE, common", "negbin",
                    "negbin, 2 columns", "gamma", "exponential", "gamma, 2 columns", "categorical", "bernoulli", "multinomial",
                    "mixed")
for (case in Filter(function(case) case$structure %in% several_slices, columns)) {
  test_that(paste0("data of several slices agree with the oracle: ", case$name), {
    many <- case$x_of(25003)
    expect_equal(law_run(case, many, 3)$trace$loglik, law_oracle(case, many, 3)$trace, tolerance = 1e-10)
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
  if (isTRUE(case$augmented)) return(expect_law_maximum(case, x, rep(1, 150)))
  fit <- law_fit(case, x, k = 1, start = NULL)
  expect_true(fit$converged)
  if (!is.null(case$closed)) return(expect_equal(parameter_numbers(fit)[-1], case$closed(x), tolerance = 1e-14))
  if (!case$scale) {
    return(expect_equal(as.numeric(fit$parameters[[case$own]]), as.numeric(case$given(x, rep(1, 150))), tolerance = 1e-14))
  }
  x <- as.matrix(x)
  expect_equal(as.numeric(fit$parameters$mean), unname(colMeans(x)), tolerance = 1e-12)
  scatter <- stats::cov(x) * (1 - 1 / nrow(x))
  spherical <- case$structure %in% c("EII", "VII")
  expected <- switch(substr(paste0(case$structure, "I"), 3, 3),
                     I = if (spherical) diag(mean(diag(scatter)), 3) else diag(diag(scatter), ncol(x)),
                     scatter)
  if (ncol(x) == 1) expect_equal(unname(fit$parameters$sd), sqrt(scatter[1]), tolerance = 1e-12) else
    expect_equal(unname(fit$parameters$covariance[, , 1]), unname(expected), tolerance = 1e-9)
}, but = c("held", "labelled", "noise", "both"))

each_case("a start at the optimum stays, and no neighbour is better", function(case, x) {
  best <- law_fit(case, x, control = em_control(tol = 1e-12, max_iter = 5000))
  again <- law_fit(case, x, start = best, control = em_control(tol = 1e-6))
  expect_lte(again$iterations, 3)
  expect_equal(again$loglik, best$loglik, tolerance = 1e-10)
  for (sign in c(-1, 1)) {
    near <- best$parameters
    if (!is.null(case$closed)) {
      # Along the line to the start every number of which is possible.
      near <- Map(function(a, b) a + 1e-3 * (b - a), emfit:::flat_parameters(near), emfit:::flat_parameters(case$start))
      moved <- law_fit(case, x, start = near, control = em_control(max_iter = 0))
      expect_lt(moved$loglik, best$loglik)
      next
    }
    near[[case$own]] <- near[[case$own]] + sign * 1e-4 * c(1, -1, 1)
    moved <- law_fit(case, x, start = near, control = em_control(max_iter = 0))
    expect_lt(moved$loglik, best$loglik)
  }
})

each_case("a start comes back bit for bit", function(case, x) {
  fit <- law_run(case, x, 0)
  if (!is.null(case$start$proportions)) {
    expect_identical(unname(fit$parameters$proportions), case$start$proportions)
  }
  bare <- function(x) as.numeric(unlist(x))
  expect_identical(bare(fit$parameters[[case$own]]), bare(case$start[[case$own]]))
  again <- law_fit(case, x, start = law_run(case, x, 5), control = em_control(max_iter = 0))
  expect_identical(parameter_numbers(again), parameter_numbers(law_run(case, x, 5)))
})

each_case("5 + 5 iterations are 10, bit for bit", function(case, x) {
  half <- law_run(case, x, 5)
  rest <- law_run(case, x, 5, start = half)
  expect_identical(parameter_numbers(rest), parameter_numbers(law_run(case, x, 10)))
})

each_case("single steps by hand are em_fit()", function(case, x) {
  fit <- law_run(case, x, 6)
  given <- law_data(case, x)
  p <- em_start(given, k = 3, family = case$family, latent = case$latent, start = case$start)
  for (i in 1:6) p <- em_mstep(given, em_estep(given, p), p)
  expect_equal(unlist(p, use.names = FALSE), unlist(fit$parameters, use.names = FALSE), tolerance = 1e-9)
  expect_equal(em_estep(given, p)$loglik, fit$loglik, tolerance = 1e-12)
}, but = c("labelled", "both")) # a step has no labels

each_case("simulate, then fit, recovers", function(case, x) {
  many <- case$x_of(4000)
  truth <- law_run(case, many, 30)
  two <- withr_seed(4, simulate(truth, nsim = 2))
  drawn <- two[[1]]
  at_truth <- em_fit(drawn, k = 3, family = case$family, latent = case$latent, start = truth$parameters,
                     control = em_control(max_iter = 0))
  logdensity <- predict(truth, two[[2]], type = "logdensity")
  if (!is.null(case$unit_of)) logdensity <- rowsum(logdensity, case$unit_of(1:4000))
  expect_lt(abs(at_truth$loglik - sum(logdensity)), 5 * sd(logdensity) * sqrt(2 * length(logdensity)))
  # Twice the gain over the truth is chi-squared with df degrees of freedom (Wilks).
  again <- em_fit(drawn, k = 3, family = case$family, latent = case$latent, start = truth$parameters,
                  control = em_control(tol = 0, max_iter = 30, accelerate = FALSE))
  expect_gt(again$loglik, at_truth$loglik)
  expect_lt(2 * (again$loglik - at_truth$loglik), qchisq(1 - 1e-5, truth$df))
}, but = c("labelled", "both", "noise")) # labels have no say in what is drawn; the box is that of the rows

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
  if (isTRUE(case$augmented)) return(expect_law_maximum(case, x, as.integer(group)))
  p <- em_mstep(x, group, family = case$family)
  says <- law_says(case, x)
  expect_equal(p$proportions, c(table(group[says])) / sum(says))
  if (!is.null(case$closed)) {
    wanted <- vapply(levels(group), function(g) case$closed(law_rows(x, group == g)), case$closed(x))
    own <- rapply(unclass(p)[-1], how = "unlist", f = as.numeric)
    return(expect_equal(sort(unname(own)), sort(as.vector(wanted)), tolerance = 1e-14))
  }
  if (!case$scale) return(expect_equal(p[[case$own]], case$given(x, group), tolerance = 1e-14))
  means <- apply(as.matrix(x), 2, function(column) tapply(column, group, mean))
  expect_equal(matrix(p$mean, 3), unname(matrix(means, 3)), tolerance = 1e-12)
}, but = setdiff(names(law_latents), "free"))

each_case("predict on the rows of the fit is the fit", function(case, x) {
  fit <- law_run(case, x, 4)
  given <- law_data(case, x)
  prob <- predict(fit, given, type = "prob")
  expect_equal(unname(prob), unname(predict(fit, type = "prob")), tolerance = 1e-14)
  expect_equal(unname(prob), unname(em_estep(given, fit)$responsibilities), tolerance = 1e-12)
  expect_equal(rowSums(prob), rep(1, 150), tolerance = 1e-14, ignore_attr = TRUE)
  expect_equal(sum(predict(fit, type = "logdensity")), fit$loglik, tolerance = 1e-12)
  some <- if (is.null(case$unit_of)) 5:9 else rev(which(case$unit_of(1:150) %in% 2:9))
  expect_equal(unname(predict(fit, law_data(case, x, some), type = "prob")), unname(prob[some, ]), tolerance = 1e-14)
}, but = c("labelled", "both")) # new rows have no labels

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
