#' Bootstrap likelihood-ratio test of the number of components
#'
#' Is one component more worth it? Twice the gain in log-likelihood has no chi-squared distribution here, because the
#' smaller model lies on the boundary of the larger one. So the test draws samples from the smaller fit, fits both
#' models to each, and counts how often chance alone gains as much (McLachlan 1987).
#'
#' Each sample is fitted as the data are: the smaller model from the parameters it was drawn from and from k-means++,
#' the larger one from the smaller one's optimum with each component split and from k-means++. The starts race as in
#' [em_select()].
#'
#' @param fit The smaller model: a fit by [em_fit()], or [best()] of a selection.
#' @param k The number of components of the larger model, which has the structure of `fit`.
#' @param n_boot How many samples are drawn. With 199 the smallest p-value there can be is 1/200.
#' @param control Settings of the runs: [em_control()]; left out: those of `fit`. The answer does not depend on
#'   `threads`.
#' @param ... Nothing: an unknown argument is an error.
#' @return An object of class `em_lrt` and `htest`: `statistic` (LR, twice the gain), `parameter` (how many `samples`
#'   could be fitted), `p.value`, (1 + samples that gain as much) / (1 + samples); `estimate`, the two
#'   log-likelihoods; `simulated`, the statistic of each sample (`NA` where a model collapsed); `method`,
#'   `alternative`, `data.name`.
#' @section Errors: `emfit_error_argument`; `emfit_error_unsupported` for fits with case weights, a prior, `fixed`
#'   parameters or beliefs (`labels` are kept: rows that have one are simulated from the component it names);
#'   `emfit_error_degenerate` where the larger model can't be fitted.
#' @references McLachlan, G. J. (1987) On bootstrapping the likelihood ratio test statistic for the number of
#'   components in a normal mixture. *Applied Statistics* 36, 318-324. \doi{10.2307/2347790}
#' @seealso [em_select()], [icl()]
#' @examples
#' set.seed(1)
#' fit <- em_fit(faithful$waiting, k = 1)
#' em_lrt(fit, n_boot = 19)
#' @export
em_lrt <- function(fit, ...) UseMethod("em_lrt")

#' @rdname em_lrt
#' @export
em_lrt.em_fit <- function(fit, k = fit$k + 1, n_boot = 199, control = fit$control, ...) {
  check_no_dots(list(...), names(formals(em_lrt.em_fit)))
  refuse_held(fit, "em_lrt()")
  refuse_prior(fit, "em_lrt()", "its statistic compares maxima of the likelihood")
  control <- as_em_control(control)
  n_boot <- check_count(n_boot, "n_boot")
  k <- check_count(k, "k")
  if (k <= fit$k) {
    abort_em("argument", sprintf("`k` must be more than the %s of `fit`, not %d.", plural(fit$k, "component"), k))
  }
  check_can_resample(fit)
  models <- list(small = fit_model(fit), large = fit_model(fit))
  models$large$k <- k
  models$large$family <- family_check(fit$family, fit$data, k)
  latent_proportions(fit$latent, k)
  observed <- fit_pair(fit$data, models, fit$parameters, control)
  if (is.na(observed$statistic)) {
    abort_em("degenerate", c(sprintf("A mixture of %s can't be fitted to these data.", plural(k, "component")),
                             x = observed$reason))
  }
  truth <- observed$small$parameters
  simulated <- replicate(n_boot, fit_pair(resample(fit, truth), models, truth, control)$statistic)
  new_em_lrt(fit, k, observed, simulated)
}

check_can_resample <- function(fit) {
  if (all(stats::weights(fit) %in% c(0, 1))) return(invisible())
  abort_em("unsupported", c("`fit` has case weights; a sample of weighted rows is not defined.",
                            i = "Repeat the rows, or compare BIC()."))
}

# A sample from the smaller model, with the trials and the gaps of the data.
resample <- function(fit, parameters) {
  component <- simulate_components(parameters, fit$data$n, fit$data$labels)
  frame <- fit$data
  frame$x <- unname(as.matrix(simulate_rows(fit_model(fit), parameters, component, fit$data)))
  if (!is.null(frame$order)) frame$x[is.na(fit$data$x)] <- NA
  family_data(fit$family, frame)
}

# Both models on one data set: list(statistic, small, large); statistic is NA, with a reason, where one has no fit.
fit_pair <- function(data, models, parameters, control) {
  runs <- fitting_plan(data, control, models$small)
  small <- best_run(runs, models$small, list(parameters_start(plain_parameters(parameters), "truth")), 2L)
  if (!run_is_sound(small)) return(list(statistic = NA_real_, reason = run_reason(small)))
  large <- best_run(runs, models$large, split_starts(models, small$parameters), finalists)
  if (!run_is_sound(large)) return(list(statistic = NA_real_, reason = run_reason(large)))
  list(statistic = max(0, 2 * (large$loglik - small$loglik)), small = small, large = large)
}

plain_parameters <- function(parameters) lapply(unclass(parameters), bare_numbers)

# One component more at a time, the largest split; with one more altogether, each split in turn.
split_starts <- function(models, parameters) {
  family <- models$small$family
  steps <- models$large$k - models$small$k
  while (steps > 1L) {
    parameters <- family_split(family, parameters, which.max(parameters$proportions[seq_len(count_components(parameters))]))
    steps <- steps - 1L
  }
  lapply(seq_len(count_components(parameters)), function(j) {
    split <- family_split(family, parameters, j)
    split$proportions <- proportions_of_split(split$proportions, models$large)
    parameters_start(split, "split", forgiving = TRUE)
  })
}

# What a latent structure makes of them.
proportions_of_split <- function(proportions, model) {
  if (latent_is_held(model$latent)) return(latent_proportions(model$latent, model$k))
  if (identical(model$latent$proportions, "equal")) share_equally(proportions) else proportions
}

# Of given starts and k-means++, the best run.
best_run <- function(plan, model, items, most) {
  drawn <- starts_by_method(plan$data, model, "kmeans++", if (model$k == 1L && !has_noise(model$latent)) 1L else plan$long$n_start)
  items <- c(items, lapply(drawn, function(item) c(item, method = "kmeans++")))
  run_items(plan, model, items, most)
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
  NextMethod()
  lost <- sum(is.na(x$simulated))
  if (lost) cat(plural(lost, "sample"), " of ", length(x$simulated), " could not be fitted and ",
                if (lost == 1L) "is" else "are", " left out.\n\n", sep = "")
  invisible(x)
}
