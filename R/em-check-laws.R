# The laws of em_check_family(). Each takes a trial, list(family, data, x = the user's rows, k, mass =
# responsibilities), and returns the largest violation, NULL where it does not apply.

relative_gap <- function(a, b) {
  a <- as.numeric(unlist(a))
  b <- as.numeric(unlist(b))
  if (length(a) != length(b)) return(Inf)
  gap <- abs(a - b) / (1 + pmax(abs(a), abs(b)))
  gap[a == b] <- 0
  max(0, gap)
}

trial_model <- function(trial, k = trial$k) list(family = trial$family, latent = em_mixture(), k = k)

trial_rows <- function(trial, i) {
  trial$data <- part_of_check(trial$data, i)
  trial$x <- user_matrix(trial$data)
  trial$mass <- trial$mass[i, , drop = FALSE]
  trial
}

# The M-step of given responsibilities, from parameters where it takes such.
trial_mstep <- function(trial, mass = trial$mass, k = ncol(mass)) {
  native <- family_native(trial$family, k)
  rows <- native$bind(trial$data$x)
  s <- if (native$additive) crossprod(mass, rows$statistics) else mass
  native$maximise(rows, colSums(mass), s, inside_parameters(trial, k))
}

# Numbers inside of the scales, for an M-step that begins somewhere.
inside_parameters <- function(trial, k) {
  fields <- family_fields(trial$family, k, trial$data)
  lapply(fields, function(field) {
    value <- switch(field$scale, real = 0, positive = 1, unit = 0.5, simplex = 1 / field$size[2L])
    if (length(field$size) == 1L) rep(value, k) else matrix(value, k, field$size[2L])
  })
}

trial_density <- function(trial, parameters) {
  k <- NROW(parameters[[1L]])
  native <- family_native(trial$family, k)
  found <- native$density(native$bind(trial$data$x), parameters, FALSE)
  if (found$component > 0L) abort_user(trial$family, "log_density", "a density inside of the scales", NULL)
  found$density
}

trial_fit <- function(trial, n_iter, ..., start = trial_start(trial), x = trial$x) {
  em_fit(x, k = length(start$proportions), family = trial$family, start = start, ...,
         control = em_control(tol = 0, max_iter = n_iter, threads = 1))
}

trial_start <- function(trial) {
  c(list(proportions = colMeans(trial$mass)), trial_mstep(trial))
}

law_shapes <- function(trial) {
  parameters <- trial_mstep(trial)
  trial_density(trial, parameters)
  first <- trial_rows(trial, 1L)
  trial_density(first, parameters)
  one <- trial_mstep(trial, matrix(1, trial$data$n, 1L))
  trial_density(trial, one)
  0
}

law_rows_alone <- function(trial) {
  parameters <- trial_mstep(trial)
  whole <- trial_density(trial, parameters)
  n <- trial$data$n
  parts <- list(seq_len(n %/% 3L + 1L), n, rev(seq_len(n)))
  gaps <- vapply(parts, function(i) relative_gap(trial_density(trial_rows(trial, i), parameters), whole[i, ]), 0)
  max(gaps)
}

law_additive <- function(trial) {
  native <- family_native(trial$family, trial$k)
  if (!native$additive) return(NULL)
  whole <- native$bind(trial$data$x)$statistics
  n <- trial$data$n
  parts <- split(seq_len(n), rep_len(1:3, n))
  gaps <- vapply(parts, function(i) relative_gap(native$bind(trial$data$x[i, , drop = FALSE])$statistics, whole[i, ]), 0)
  max(gaps)
}

law_components <- function(trial) {
  parameters <- trial_mstep(trial)
  o <- rev(seq_len(trial$k))
  turned <- lapply(parameters, function(p) if (is.matrix(p)) p[o, , drop = FALSE] else p[o])
  max(relative_gap(trial_density(trial, turned), trial_density(trial, parameters)[, o]),
      relative_gap(trial_mstep(trial, trial$mass[, o]), turned))
}

law_order <- function(trial) {
  i <- order(seq_len(trial$data$n) * 0.6180339887 %% 1)
  relative_gap(trial_mstep(trial_rows(trial, i)), trial_mstep(trial))
}

law_weights <- function(trial) {
  w <- rep_len(c(1, 2, 1, 3, 1), trial$data$n)
  again <- rep(seq_len(trial$data$n), w)
  start <- trial_start(trial)
  weighted <- trial_fit(trial, 2, start = start, weights = w)
  repeated <- trial_fit(trial_rows(trial, again), 2, start = start)
  relative_gap(weighted$parameters, repeated$parameters)
}

# What a search adds to the expected log-likelihood, relative to its size.
search_gain <- function(trial, mass, parameters) {
  model <- trial_model(trial, ncol(mass))
  given <- c(list(proportions = colMeans(mass)), parameters)
  origin <- expected_loglik(given, trial$data, model, mass)
  moves <- Filter(function(move) move$name != "proportions", free_moves(given, model, trial$data, colSums(mass)))
  if (!length(moves)) return(0)
  expected <- function(z) {
    value <- tryCatch(expected_loglik(place_moves(given, moves, z), trial$data, model, mass), error = function(e) NaN)
    if (is.finite(value)) value else -1e300
  }
  units <- vapply(seq_along(moves), function(i) step_of(expected, i, length(moves)), 0)
  found <- stats::optim(numeric(length(moves)), function(u) expected(u * units), method = "BFGS",
                        control = list(fnscale = -1, maxit = 100, reltol = 1e-14))
  (found$value - origin) / (1 + abs(origin))
}

law_maximum <- function(trial) {
  if (!trial$improves) return(search_gain(trial, trial$mass, trial_mstep(trial)))
  at <- inside_parameters(trial, trial$k)
  score <- function(parameters) {
    expected_loglik(c(list(proportions = colMeans(trial$mass)), parameters), trial$data, trial_model(trial), trial$mass)
  }
  before <- score(at)
  after <- score(trial_mstep(trial))
  (before - after) / (1 + abs(after))
}

law_single <- function(trial) {
  fit <- em_fit(trial$x, k = 1, family = trial$family, control = em_control(n_start = 1, tol = 1e-10, threads = 1))
  own <- lapply(fit$parameters[names(trial$family$fields)], bare_numbers)
  search_gain(trial, matrix(1, trial$data$n, 1L), own)
}

law_ascent <- function(trial) {
  loglik <- trial_fit(trial, 40)$trace$loglik
  max(0, -diff(loglik)) / (1 + max(abs(loglik)))
}

law_gradient <- function(trial) {
  fit <- em_fit(trial$x, family = trial$family, start = trial_start(trial),
                control = em_control(tol = 1e-9, max_iter = 2000, threads = 1))
  g <- score_em(fit$data, fit$parameters, fit_model(fit), "information")$gradient
  if (length(g)) max(abs(g)) else 0
}

law_steps <- function(trial) {
  start <- trial_start(trial)
  fit <- trial_fit(trial, 4, start = start)
  p <- em_start(trial$x, family = trial$family, start = start)
  for (i in 1:4) p <- em_mstep(trial$x, em_estep(trial$x, p), p)
  relative_gap(unclass_parameters(p), fit$parameters)
}

law_missing <- function(trial) {
  n <- trial$data$n
  gap <- rbind(trial$x[seq_len(n %/% 2L), , drop = FALSE], NA, trial$x[-seq_len(n %/% 2L), , drop = FALSE])
  start <- trial_start(trial)
  with_gap <- trial_fit(trial, 2, start = start, x = gap)
  plain <- trial_fit(trial, 2, start = start)
  relative_gap(c(with_gap$parameters, with_gap$loglik, with_gap$nobs), c(plain$parameters, plain$loglik, plain$nobs))
}

# Twice the gain over the truth is chi-squared (Wilks 1938), and a mean of simulated rows nearly normal; as a part of what
# is hardly ever met.
law_simulate <- function(trial) {
  if (is.null(trial$family$functions$simulate)) return(NULL)
  truth <- trial_fit(trial, 20)
  drawn <- as.matrix(stats::simulate(truth, n = max(500L, trial$data$n))[[1L]])
  own <- lapply(truth$parameters, bare_numbers)
  before <- trial_fit(trial, 0, start = own, x = drawn)
  after <- trial_fit(trial, 40, start = own, x = drawn)
  excess <- 2 * (after$loglik - before$loglik) / stats::qchisq(1 - 1e-6, truth$df)
  max(excess, means_apart(trial, truth, drawn))
}

means_apart <- function(trial, truth, drawn) {
  if (is.null(trial$family$functions$means)) return(0)
  means <- family_means(trial$family, truth$parameters, truth$data)[1L, , ]
  told <- as.vector(matrix(means, ncol(drawn)) %*% truth$parameters$proportions)
  max(abs(colMeans(drawn) - told) / (6 * apply(drawn, 2L, stats::sd) / sqrt(nrow(drawn))))
}
