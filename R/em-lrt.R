#' Bootstrap likelihood-ratio test of the number of components
#'
#' Is one component more worth it? Twice the gain in log-likelihood has no chi-squared distribution here, because the
#' smaller model lies on the boundary of the larger one. So the test draws samples from the smaller fit, fits both
#' models to each, and counts how often chance alone gains as much (McLachlan 1987).
#'
#' The data are searched as [em_fit()] searches them, and as the samples are: the smaller model from the parameters a
#' sample was drawn from, the larger one from the smaller one's optimum with each component split, both also from
#' k-means++ partitions, random rows and random partitions. The starts race as in [em_select()].
#'
#' @param fit The smaller model: a fit by [em_fit()], or [best()] of a selection.
#' @param k The number of components of the larger model, which has the structure of `fit`.
#' @param against `NULL`; or `"saturated"`, to compare the fit with the table of all rows itself, for [em_categorical()] and
#'   [em_bernoulli()] without missing cells: does the model with its number of components fit? The statistic is G2, and its
#'   distribution is that in samples from the fit, whatever cells are thin (Langeheine, Pannekoek & van de Pol 1996).
#' @param n_boot How many samples are drawn. With 199 the smallest p-value there can be is 1/200.
#' @param control Settings of the runs: [em_control()]; left out: those of `fit`. The answer does not depend on
#'   `threads`.
#' @param cluster `NULL`, or a cluster of package parallel whose workers share the samples; the answer is the same.
#' @param ... Nothing: an unknown argument is an error.
#' @return An object of class `em_lrt` and `htest`: `statistic` (LR, twice the gain; G2 against the table), `parameter` (how many `samples`
#'   could be fitted), `p.value`, (1 + samples that gain as much) / (1 + samples); `estimate`, the two
#'   log-likelihoods; `simulated`, the statistic of each sample (`NA` where a likelihood is unbounded); `method`,
#'   `alternative`, `data.name`.
#' @section Errors: `emfit_error_argument`; `emfit_error_unsupported` for fits with case weights that are no counts, a
#'   prior, `fixed` parameters or beliefs (`labels` are kept: rows that have one are simulated from the component it
#'   names; a row of weight 3 counts as three);
#'   `emfit_error_degenerate` where the larger model can't be fitted.
#' @references McLachlan, G. J. (1987) On bootstrapping the likelihood ratio test statistic for the number of
#'   components in a normal mixture. *Applied Statistics* 36, 318-324. \doi{10.2307/2347790}
#'
#'   Langeheine, R., Pannekoek, J. and van de Pol, F. (1996) Bootstrapping goodness-of-fit measures in categorical data
#'   analysis. *Sociological Methods & Research* 24, 492-516. \doi{10.1177/0049124196024004004}
#' @seealso [em_select()], [icl()]
#' @examples
#' set.seed(1)
#' fit <- em_fit(faithful$waiting, k = 1)
#' em_lrt(fit, n_boot = 19)
#'
#' # Do two classes explain how 216 people answered four questions?
#' classes <- em_fit(role_conflict, k = 2, family = "categorical")
#' em_lrt(classes, against = "saturated", n_boot = 19)
#' @export
em_lrt <- function(fit, ...) UseMethod("em_lrt")

#' @rdname em_lrt
#' @export
em_lrt.em_fit <- function(fit, k = fit$k + 1, n_boot = 199, control = fit$control, against = NULL, cluster = NULL, ...) {
  check_no_dots(list(...), names(formals(em_lrt.em_fit)))
  refuse_sample(fit, "em_lrt()")
  refuse_held(fit, "em_lrt()")
  refuse_prior(fit, "em_lrt()", "its statistic compares maxima of the likelihood")
  control <- with_crew(as_em_control(control), cluster)
  n_boot <- check_count(n_boot, "n_boot")
  if (!is.null(against)) {
    check_choice(against, "against", "saturated")
    if (!missing(k)) abort_em("argument", "`k` can't stand beside `against`: the table of all rows has no components.")
    return(lrt_saturated(fit, n_boot, control))
  }
  if (inherits(k, "em_fit")) refuse_second_fit(fit, k)
  k <- check_count(k, "k")
  if (k <= fit$k) {
    abort_em("argument", sprintf("`k` must be more than the %s of `fit`, not %d.", plural(fit$k, "component"), k))
  }
  check_can_resample(fit)
  models <- list(small = fit_model(fit), large = fit_model(fit))
  models$large$k <- k
  models$large$family <- family_check(fit$family, fit$data, k)
  latent_check(fit$latent, k)
  observed <- observed_pair(fit, models, control)
  if (is.na(observed$statistic)) {
    abort_em("degenerate", c(sprintf("A mixture of %s can't be fitted to these data.", plural(k, "component")),
                             x = observed$reason))
  }
  truth <- observed$small$parameters
  simulated <- simulated_statistics(fit, truth, models, control, n_boot)
  new_em_lrt(fit, k, observed, simulated)
}

#' @rdname em_lrt
#' @export
em_lrt.default <- function(fit, ...) check_fit(fit)

# em_lrt(fit1, fit2): the larger model has the structure of the smaller one, and is fitted here.
refuse_second_fit <- function(fit, other) {
  abort_em("argument", c(
    "`k` must be the number of components of the larger model, not a fit: em_lrt() fits that model itself.",
    i = if (other$k > fit$k) sprintf("em_lrt(fit, k = %d), where `fit` is the one with %s", other$k,
                                     plural(fit$k, "component"))
        else if (other$k < fit$k) sprintf("em_lrt(fit, k = %d), where `fit` is the one with %s", fit$k,
                                          plural(other$k, "component"))
        else "Both have as many components: compare their BIC()."
  ))
}

check_can_resample <- function(fit) {
  weights <- stats::weights(fit)
  if (all(weights == floor(weights))) return(invisible())
  abort_em("unsupported", c(sprintf("`fit` has case weights that are no counts (row %d has %s); a sample of such rows is not defined.",
                                    which(weights != floor(weights))[1L], number(weights[weights != floor(weights)][1L])),
                            i = "Give counts of rows, or compare BIC()."))
}

# A sample from the smaller model, with the trials and the gaps of the data; a row of weight 3 is three rows.
resample <- function(fit, parameters) {
  if (any(stats::weights(fit) > 1)) {
    fit$parameters <- parameters
    return(simulated_data(fit))
  }
  component <- latent_simulate(fit$latent, parameters, fit$data$n, fit$data$labels, unit_codes(fit$data))
  frame <- fit$data
  frame$x <- family_numbers(fit$family, simulate_rows(fit_model(fit), parameters, component, fit$data), fit$data)
  if (has_gaps(fit$data)) frame$x[is.na(fit$data$x)] <- NA
  data <- family_data(fit$family, frame)
  if (!is.null(shared_units(data))) data["order"] <- list(row_order(data))
  data
}

# Samples that are drawn and then fitted together, on several threads: all that is random comes from R, in the order
# of the samples.
samples_at_once <- 50L

simulated_statistics <- function(fit, truth, models, control, n_boot) {
  first <- seq.int(1L, n_boot, by = samples_at_once)
  statistics <- lapply(first, function(at) {
    size <- min(samples_at_once, n_boot - at + 1L)
    drawn <- replicate(size, resample(fit, truth), simplify = FALSE)
    vapply(fit_pairs(drawn, models, truth, control), `[[`, 0, "statistic")
  })
  unlist(statistics)
}

# Both models on each data set: list(statistic, small, large); statistic is NA, with a reason, where one has no fit.
fit_pairs <- function(data, models, parameters, control) {
  truth <- list(parameters_start(plain_parameters(parameters), "truth"))
  small <- best_runs(data, models$small, rep(list(truth), length(data)), control, 2L)
  sound <- which(vapply(small, has_maximum, NA))
  splits <- lapply(small[sound], function(run) split_starts(models, run$parameters))
  large <- small
  large[sound] <- best_runs(data[sound], models$large, splits, control, finalists)
  Map(pair_of_runs, small, large)
}

# The data themselves: also as em_fit() would search them, so that neither end is below what a fit finds.
observed_pair <- function(fit, models, control) {
  pair <- fit_pairs(list(fit$data), models, fit$parameters, control)[[1L]]
  searched <- lapply(models, function(model) {
    search_em(fit$data, list(supplied = FALSE, model = model, method = "varied"), control)
  })
  small <- better_end(pair$small, searched$small)
  pair_of_runs(small, better_end(pair$large, searched$large))
}

better_end <- function(a, b) {
  if (is.null(a) || !has_maximum(a)) return(b)
  if (has_maximum(b) && b$loglik > a$loglik) b else a
}

# A component of very few rows is no reason to leave a sample out: chance makes such, and they count. Only where the
# likelihood is unbounded there is nothing to compare.
has_maximum <- function(run) run$status %in% sound_statuses && isTRUE(least_spread(run) > 0)

pair_of_runs <- function(small, large) {
  if (!has_maximum(large)) return(list(statistic = NA_real_, reason = run_reason(large)))
  list(statistic = max(0, 2 * (large$loglik - small$loglik)), small = small, large = large)
}

plain_parameters <- function(parameters) lapply(flat_parameters(parameters), bare_numbers)

# One component more at a time, the largest split; with one more altogether, each split in turn.
split_starts <- function(models, parameters) {
  model <- models$small
  if (!family_can(model$family, "split")) return(NULL)
  while (model$k < models$large$k - 1L) {
    parameters <- split_component(model, parameters, which.max(latent_shares(model$latent, parameters)[seq_len(model$k)]))
    model$k <- model$k + 1L
  }
  lapply(seq_len(model$k), function(j) {
    parameters_start(split_component(model, parameters, j), "split", may_borrow = TRUE)
  })
}

# Parameters of one component more.
split_component <- function(model, parameters, j) {
  c(latent_split(model$latent, parameters, j, model$k), family_split(model$family, parameters, j))
}

# Of given starts and drawn ones of every kind, the best run on each data set.
best_runs <- function(data, model, items, control, most) {
  if (!length(data)) return(list())
  n_start <- latent_draws(model$latent, model$k, control$n_start)
  natives <- lapply(data, tallied, model)
  # Samples have as many groups as the smaller model has components: there is nothing to join.
  kinds <- if (model$k == 1L) "kmeans++" else setdiff(varied_kinds, "joined")
  items <- lapply(seq_along(data), function(at) {
    drawn <- lapply(kinds, function(kind) starts_by_method(data[[at]], model, kind, n_start, natives[[at]], FALSE))
    c(items[[at]], unlist(drawn, recursive = FALSE))
  })
  race_em(natives, items, model, control, most)
}

new_em_lrt <- function(fit, k, observed, simulated) {
  used <- simulated[!is.na(simulated)]
  estimate <- c(observed$small$loglik, observed$large$loglik)
  names(estimate) <- sprintf("logLik of %s", plural_each(c(fit$k, k), "component"))
  structure(list(
    statistic = c(LR = observed$statistic), parameter = c(samples = length(used)),
    p.value = (1 + sum(used >= observed$statistic)) / (1 + length(used)), estimate = estimate,
    alternative = sprintf("%s rather than %d", plural(k, "component"), fit$k),
    method = "Bootstrap likelihood-ratio test",
    data.name = paste(deparse(fit$call$x, width.cutoff = 60L)[1L]), simulated = simulated
  ), class = c("em_lrt", "htest"))
}

plural_each <- function(n, one) vapply(n, plural, "", one = one)

#' @export
print.em_lrt <- function(x, ...) {
  check_dots(..., let_pass = print_arguments)
  NextMethod()
  lost <- sum(is.na(x$simulated))
  if (lost) cat(plural(lost, "sample"), " of ", length(x$simulated), " could not be fitted and ",
                if (lost == 1L) "is" else "are", " left out.\n\n", sep = "")
  invisible(x)
}
