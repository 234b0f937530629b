#' Bootstrap a fit
#'
#' Refits a model to resampled or simulated data, to see how much its estimates vary. Every refit starts from
#' the fit, so it stays with the same groups; components that changed places all the same are put back before
#' anything is averaged.
#'
#' Data are drawn with R's generator, so [set.seed()] governs the result; the number of threads does not change
#' it. Case weights count as rows: `"nonparametric"` draws as many rows as the weights add up to. Rows keep what was
#' known of them: a row with a label is drawn along with it, and simulated from the component that it names. Fixed
#' parameters stay where they are, and so does the volume of noise.
#'
#' @param fit A fit by [em_fit()].
#' @param n_boot How many data sets.
#' @param type Where they come from: `"nonparametric"`, rows drawn with replacement; `"parametric"`, rows
#'   simulated from the fit; `"weighted"`, all rows under random weights from the exponential distribution
#'   (Newton & Raftery 1994), which never leaves out a row.
#' @param control Settings of the refits, see [em_control()]; left out: those of the fit.
#' @param threads How many threads; `NULL` chooses.
#' @param cluster `NULL`, or a cluster of package parallel whose workers share the refits; the answer is the same. See
#'   [em_chunks()] for what goes wrong on clusters.
#' @return A list of class `em_bootstrap`: `estimate` (the coefficients of the fit), `replicates` (a matrix with a
#'   row for each data set and a column for each coefficient; `NA` where the refit failed), `loglik`,
#'   `iterations` and `status` of each refit, `moved` (was its order of components changed?), `type` and the call.
#'   `print()` shows estimate, bias and standard error; `vcov()` gives the covariance matrix of the replicates and
#'   `confint()` their quantiles, both without the coefficients that never changed.
#' @param object,x A bootstrap by `em_bootstrap()`.
#' @param parm,level As in [confint.em_fit()].
#' @param digits Significant digits.
#' @param ... Nothing: an unknown argument is an error.
#' @section Warnings: `emfit_warning_standard_error` tells how many refits collapsed and are left out, and how
#'   many stopped at `max_iter`.
#' @section Errors: `emfit_error_argument`.
#' @references Efron, B. and Tibshirani, R. J. (1993) *An Introduction to the Bootstrap*. Chapman & Hall.
#'   \doi{10.1201/9780429246593}
#'
#'   Newton, M. A. and Raftery, A. E. (1994) Approximate Bayesian inference with the weighted likelihood bootstrap.
#'   *Journal of the Royal Statistical Society B* 56, 3-48. \doi{10.1111/j.2517-6161.1994.tb01956.x}
#' @seealso [vcov.em_fit()] for standard errors without refits
#' @examples
#' fit <- em_fit(faithful, k = 2)
#' set.seed(1)
#' boot <- em_bootstrap(fit, n_boot = 50)
#' boot
#' confint(boot, "mean.waiting[1]")
#' @export
em_bootstrap <- function(fit, n_boot = 200, type = c("nonparametric", "parametric", "weighted"), control = NULL,
                         threads = NULL, cluster = NULL) {
  check_fit(fit, "em_bootstrap()")
  refuse_sample(fit, "em_bootstrap()")
  n_boot <- check_count(n_boot, "n_boot", 2L)
  type <- check_choice(type, "type", c("nonparametric", "parametric", "weighted"))
  if (type != "weighted") check_drawn_rows(fit)
  control <- with_crew(refit_control(fit, control, threads), cluster)
  runs <- refit_draws(fit, resampler(fit, type), n_boot, control)
  sound <- !runs$status %in% c("bad_start", "collapsed") & (runs$spread > 0) %in% TRUE
  aligned <- align_replicates(fit, runs$parameters, which(sound))
  replicates <- t(aligned$parameters[packed_positions(fit$parameters, fit_fields(fit)), , drop = FALSE])
  replicates[!sound, ] <- NA
  colnames(replicates) <- names(coef(fit))
  call <- plain_call(name_function(match.call(), em_bootstrap))
  out <- structure(list(call = call, type = type, n_boot = n_boot, estimate = coef(fit),
                        replicates = replicates, loglik = runs$loglik - runs$log_prior, iterations = runs$iterations,
                        status = runs$status, moved = aligned$moved), class = "em_bootstrap")
  warn_refits(out, sound)
  out
}

# The fit's own settings; those of a replay, which stop nowhere or at once, are not meant for new data.
refit_control <- function(fit, control, threads) {
  if (is.null(control)) {
    control <- fit$control
    if (!(control$tol > 0) || control$max_iter < 1L) control <- em_control()
  }
  control <- as_em_control(control)
  control$path <- FALSE
  if (!is.null(threads)) control$threads <- check_count(threads, "threads")
  control
}

# As many rows are drawn as the weights add up to.
check_drawn_rows <- function(fit) {
  if (fit$nobs <= 1e9) return(invisible())
  abort_em("argument", c(
    sprintf("`fit` has weights that add up to %s: so many rows can't be drawn.", number(fit$nobs)),
    i = "Draw weights instead: em_bootstrap(fit, type = \"weighted\")."
  ))
}

# A function that draws one data set, as the core takes it.
resampler <- function(fit, type) {
  model <- fit_model(fit)
  if (type == "parametric") return(function() tallied(simulated_data(fit), model))
  frame <- native <- tallied(fit$data, model)
  if (!is.null(ordered_units(fit$data))) return(unit_resampler(native, type))
  function() {
    native$weights <- draw_units(frame, function(w) {
      total <- sum(w)
      drawn <- switch(type,
        nonparametric = as.double(stats::rmultinom(1L, max(1, round(total)), w)),
        weighted = stats::rgamma(length(w), shape = w)
      )
      drawn * (total / sum(drawn))
    })
    native
  }
}

# What belongs together is drawn as a whole.
unit_resampler <- function(native, type) {
  sizes <- diff(c(0L, native$units))
  check_units_drawn(length(sizes), "Its bootstrap", "em_bootstrap(fit, type = \"parametric\")")
  weights <- if (is.null(native$weights)) rep(1, length(sizes)) else native$weights[native$units]
  total <- sum(weights)
  function() {
    drawn <- switch(type,
      nonparametric = as.double(stats::rmultinom(1L, max(1, round(total)), weights)),
      weighted = stats::rgamma(length(weights), shape = weights)
    )
    native$weights <- rep(drawn * (total / sum(drawn)), sizes)
    native
  }
}

# Rows that belong together are left out, or drawn, as a whole; of too few there is nothing to draw from.
least_units <- 3L

check_units_drawn <- function(n, what, instead) {
  if (n >= least_units) return(invisible())
  abort_em("unsupported", c(sprintf("%s needs at least %d series to draw from, not %d.", what, least_units, n),
                            i = sprintf("Use %s.", instead)))
}

# New rows from the fit: as many as there are, or as the weights add up to.
simulated_data <- function(fit) {
  data <- fit$data
  weights <- data$weights
  if (!is.null(weights)) {
    series <- ordered_units(data)
    total <- if (is.null(series)) fit$nobs else sum(weights)
    drawn <- if (is.null(series)) repeated_rows(data, total)
             else series_by_weight(series, weights, all(weights == floor(weights)))
    rows <- drawn$rows
    data$x <- data$x[rows, , drop = FALSE]
    data$labels <- keep_labels(data$labels, rows)
    if (!is.null(data$missing)) data$missing$rows <- which(rows %in% data$missing$rows)
    data$n <- length(rows)
    data["units"] <- list(drawn$units)
    data$weights <- rep(total / (if (is.null(series)) drawn$count else length(rows)), length(rows))
  }
  component <- latent_simulate(fit$latent, fit$parameters, data$n, data$labels, unit_codes(data))
  drawn <- simulate_rows(fit_model(fit), fit$parameters, component, data)
  random <- seq_len(family_width(fit))
  absent <- is.na(data$x)
  drawn <- family_numbers(fit$family, drawn, data)[, random]
  drawn[is.na(drawn)] <- 0 # the row, or the cell, counts for nothing
  data$x[, random] <- drawn
  data$x[absent] <- NA
  data["order"] <- list(row_order(data))
  data
}

# As many rows, or units, as the weights add up to: list(rows, units, count).
repeated_rows <- function(data, total) {
  codes <- unit_codes(data)
  weights <- if (is.null(codes)) data$weights else data$weights[!duplicated(codes)]
  whole <- all(weights == floor(weights))
  drawn <- if (whole) rep(seq_along(weights), weights)
           else sample.int(length(weights), max(1, round(total)), replace = TRUE, prob = weights)
  if (is.null(codes)) return(list(rows = drawn, count = length(drawn)))
  c(rows_of_units(data$units, drawn), count = length(drawn))
}

# Whole series, as often as their weights say, or drawn by these; a series has the largest weight of its rows.
series_by_weight <- function(series, weights, whole) {
  own <- as.double(tapply(weights, series$codes, max))
  rows_of_units(series, if (whole) rep(seq_along(own), own)
                        else sample.int(length(own), max(1, round(sum(own))), replace = TRUE, prob = own))
}

# How many columns of data$x are random; the others, as the trials of counts, are given.
family_width <- function(fit) min(ncol(family_observed(fit$family, fit$data)), ncol(fit$data$x))

# Draws in batches, so that the data sets of a batch fit into memory; the batches do not depend on the threads.
refit_draws <- function(fit, draw, n_boot, control) {
  batch <- max(8, floor(5e6 / length(fit$data$x)))
  batches <- split(seq_len(n_boot), (seq_len(n_boot) - 1) %/% batch)
  runs <- lapply(batches, function(these) {
    refit_em(lapply(these, function(i) draw()), fit$parameters, fit_model(fit), control,
             row_weight(fit$data))
  })
  pick <- function(name) unlist(lapply(runs, `[[`, name), use.names = FALSE)
  list(loglik = pick("loglik"), iterations = pick("iterations"), status = pick("status"), spread = pick("spread"),
       log_prior = pick("log_prior"),
       parameters = do.call(cbind, lapply(runs, `[[`, "parameters")))
}

# Puts each replicate's components into the order in which they share most with those of the fit: the
# responsibilities of the fit's rows under both say how much.
align_replicates <- function(fit, packed, at) {
  moved <- logical(ncol(packed))
  if (!are_exchangeable(fit)) return(list(parameters = packed, moved = moved))
  model <- fit_model(fit)
  data <- if (latent_keeps_order(fit$latent)) in_own_order(fit$data) else fit$data
  native <- native_data(data, model)
  own <- native_order(responsibilities(fit) * stats::weights(fit), data)
  fields <- fit_fields(fit)
  k <- seq_len(fit$k)
  for (i in at) {
    parameters <- unpack_parameters(packed[, i], fit$parameters)
    r <- native_responsibilities(native, parameters, model)
    if (is.null(r)) next
    order <- best_assignment(crossprod(own, r)[k, k, drop = FALSE])
    if (identical(order, k)) next
    packed[, i] <- unlist(permute_components(parameters, fields, order), use.names = FALSE)
    moved[i] <- TRUE
  }
  list(parameters = packed, moved = moved)
}

are_exchangeable <- function(fit) {
  if (!is.null(fit$data$labels) || holds_parameters(fit_model(fit))) return(FALSE)
  fit$k > 1L && latent_is_exchangeable(fit$latent, fit$k)
}

# The permutation that makes sum(gain[cbind(1:k, order)]) largest, the present order where none is better.
best_assignment <- function(gain) {
  stay <- seq_len(nrow(gain))
  if (all(gain <= diag(gain))) return(stay) # nothing in its row is above its own
  order <- best_matching(gain)
  shared <- function(order) sum(gain[cbind(stay, order)])
  if (shared(stay) >= shared(order) * (1 - 1e-12)) stay else order
}

warn_refits <- function(boot, sound) {
  failed <- sum(!sound)
  stopped <- sum(boot$status[sound] == "max_iter")
  if (!failed && !stopped) return(invisible())
  warn_em("standard_error", c(
    sprintf("%d of %s did not end well.", failed + stopped, plural(boot$n_boot, "refit")),
    x = if (failed) sprintf("%d collapsed and %s left out.", failed, if (failed == 1) "is" else "are"),
    x = if (stopped) sprintf("%d stopped at max_iter and %s kept.", stopped, if (stopped == 1) "is" else "are"),
    i = if (failed) "Components that a resample can lose are not well supported by the data.",
    i = if (stopped) "Raise max_iter: control = em_control(max_iter = )."
  ))
}

changing <- function(boot) {
  kept <- boot$replicates[stats::complete.cases(boot$replicates), , drop = FALSE]
  if (nrow(kept) < 2L) abort_em("degenerate", "Fewer than two refits did not collapse; there is nothing to average.")
  kept[, apply(kept, 2L, function(column) any(column != column[1L])), drop = FALSE]
}

#' @rdname em_bootstrap
#' @export
vcov.em_bootstrap <- function(object, ...) {
  check_dots(...)
  stats::cov(changing(object))
}

#' @rdname em_bootstrap
#' @export
confint.em_bootstrap <- function(object, parm, level = 0.95, ...) {
  check_dots(...)
  level <- check_level(level)
  kept <- changing(object)
  ends <- t(apply(kept, 2L, stats::quantile, probs = c((1 - level) / 2, (1 + level) / 2), names = FALSE))
  dimnames(ends) <- list(colnames(kept), percent_names(level))
  if (missing(parm)) ends else pick_parameters(ends, parm)
}

#' @rdname em_bootstrap
#' @export
print.em_bootstrap <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  check_dots(..., let_pass = print_arguments)
  kept <- changing(x)
  failed <- x$n_boot - nrow(kept)
  cat("Bootstrap, ", x$type, ": ", plural(x$n_boot, "refit"), if (failed) paste0(", ", failed, " left out"), "\n\n",
      sep = "")
  estimate <- x$estimate[colnames(kept)]
  table <- data.frame(estimate = estimate, bias = colMeans(kept) - estimate, std.error = apply(kept, 2L, stats::sd))
  print(utils::head(table, 10L), digits = digits)
  if (nrow(table) > 10L) cat(sprintf("(%s more)\n", plural(nrow(table) - 10L, "parameter")))
  invisible(x)
}
