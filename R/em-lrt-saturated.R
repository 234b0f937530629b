# em_lrt(against = "saturated"): does the model fit the table of all rows? G2, twice what the table itself has above the
# fit, against its values in samples from the fit.

lrt_saturated <- function(fit, n_boot, control) {
  check_can_resample(fit)
  if (!rows_stand_alone(fit$data)) {
    abort_em("unsupported", "Rows that belong together are no table: em_lrt() can't compare the fit with it.")
  }
  family_check_saturated(fit$family, fit)
  model <- fit_model(fit)
  truth <- list(parameters_start(plain_parameters(fit$parameters), "truth"))
  run <- best_runs(list(fit$data), model, list(truth), control, finalists)[[1L]]
  loglik <- max(fit$loglik, if (has_maximum(run)) run$loglik)
  table <- family_saturated(fit$family, fit$data)
  observed <- 2 * (table - loglik)
  simulated <- saturated_statistics(fit, model, truth, control, n_boot)
  used <- simulated[!is.na(simulated)]
  structure(list(
    statistic = c(G2 = observed), parameter = c(samples = length(used)),
    p.value = (1 + sum(used >= observed)) / (1 + length(used)),
    estimate = stats::setNames(c(loglik, table), paste("logLik of", c(plural(fit$k, "component"), "the table"))),
    alternative = sprintf("the table of all rows rather than %s", plural(fit$k, "component")),
    method = "Bootstrap test of fit", data.name = paste(deparse(fit$call$x, width.cutoff = 60L)[1L]),
    simulated = simulated
  ), class = c("em_lrt", "htest"))
}

saturated_statistics <- function(fit, model, truth, control, n_boot) {
  first <- seq.int(1L, n_boot, by = samples_at_once)
  unlist(lapply(first, function(at) {
    size <- min(samples_at_once, n_boot - at + 1L)
    drawn <- replicate(size, resample(fit, fit$parameters), simplify = FALSE)
    runs <- best_runs(drawn, model, rep(list(truth), size), control, 2L)
    unlist(Map(function(data, run) {
      if (has_maximum(run)) max(0, 2 * (family_saturated(fit$family, data) - run$loglik)) else NA_real_
    }, drawn, runs))
  }))
}

# The log-likelihood of the shares that the different rows have.
#' @export
family_saturated.em_family_categorical <- function(family, data) {
  n <- tallied_rows(data)$weights
  n <- n[n > 0]
  sum(n * log(n / sum(n)))
}

#' @export
family_check_saturated.em_family_categorical <- function(family, fit) {
  why <- if (family$name == "multinomial") "rows of counts are no cells"
         else if (anyNA(fit$data$x)) "rows with missing cells are in no cell"
         else if (!is.null(fit$data$labels)) "rows with labels are told apart by more than their cells"
  if (!is.null(why)) abort_em("unsupported", sprintf("There is no table of all rows to compare the fit with: %s.", why))
}
