# What a chain says of rows beside their responsibilities: paths, filtered probabilities, forecasts, weights for
# pseudo-residuals.

# Forward and backward sums of the rows in `data`; want: as chain_em().
chain_pass <- function(model, data, parameters, want) {
  log_density <- expect_em(data, parameters, model, "log_density")$log_density
  ends <- if (is.null(data$units)) data$n else cumsum(unit_lengths(data$units))
  chain_em(known_densities(log_density, data$labels), parameters, ends, want)
}

known_densities <- function(log_density, labels) {
  if (is.null(labels)) return(log_density)
  if (!is.null(labels$beliefs)) return(log_density + log(labels$beliefs))
  known <- which(!is.na(labels$codes))
  log_density[known, ][col(log_density[known, , drop = FALSE]) != labels$codes[known]] <- -Inf
  log_density
}

#' @export
latent_answer.em_latent_markov <- function(latent, fit, data, type) {
  states <- component_names_of(fit)
  if (!data$n) {
    if (type == "filter") return(matrix(0, 0L, fit$k, dimnames = list(NULL, states)))
    return(structure(factor(character(), states), log_joint = numeric()))
  }
  found <- chain_pass(fit_model(fit), data, fit$parameters, if (type == "filter") "filtered" else "path")
  if (type == "filter") return(matrix(found$states, data$n, dimnames = list(NULL, states)))
  structure(found$path, levels = states, class = "factor", log_joint = by_series(found$value, data))
}

# Under the names of the series, where there are several.
by_series <- function(x, data) if (length(x) > 1L) stats::setNames(x, unit_labels(data$units)) else x

#' @export
latent_forecast.em_latent_markov <- function(latent, fit, data, n, type) {
  type <- check_choice(type, "type", c("class", "prob", "uncertainty"))
  filtered <- latent_answer(latent, fit, data, "filter")
  last <- filtered[cumsum(unit_lengths(data$units)), , drop = FALSE]
  out <- do.call(rbind, forecast_states(last, fit$parameters$transition, n))
  rownames(out) <- if (nrow(last) > 1L) paste0(rep(unit_labels(data$units), each = n), "+", seq_len(n)) else seq_len(n)
  step <- of_step(list(responsibilities = out), type, component_names_of(fit))
  if (is.matrix(step)) step else stats::setNames(step, rownames(out))
}

#' @export
latent_weights.em_latent_markov <- function(latent, fit) {
  matrix(chain_pass(fit_model(fit), fit$data, fit$parameters, "others")$states, fit$data$n)
}

#' @export
latent_log_top.em_latent_markov <- function(latent, model, data, parameters) {
  codes <- data$units$codes
  own <- !duplicated(codes)
  weights <- if (is.null(data$weights)) 1 else series_weights(data$weights, codes)[own]
  joint <- chain_pass(model, data, parameters, "path")$value
  sum(weights * joint) - expect_em(data, parameters, model, "loglik")$loglik
}

#' @export
latent_estep.em_latent_markov <- function(latent, parameters, step, data, model) {
  filtered <- matrix(chain_pass(model, data, parameters, "filtered")$states, data$n,
                     dimnames = dimnames(step$responsibilities))
  statistics <- expect_em(data, parameters, model, "statistics")$statistics
  k <- model$k
  moves <- matrix(utils::tail(statistics, k * k), k, byrow = TRUE)
  dimnames(moves) <- dimnames(parameters$transition)
  list(filter = filtered, expected_transitions = moves)
}
