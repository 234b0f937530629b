# What pictures of Poisson components are drawn from: see family.R.

#' @export
family_plots.em_family_poisson <- function(family, data) {
  if (data$width == 1L) c("counts", "responsibility", "uncertainty", "qq", "path", "trace")
  else c("counts", "uncertainty", "qq", "path", "trace")
}

#' @export
family_responses.em_family_poisson <- function(family, data) count_names(data)

#' @export
family_is_discrete.em_family_poisson <- function(family) TRUE

#' @export
family_line.em_family_poisson <- function(family, data) {
  if (data$width > 1L) return(NULL)
  y <- data$x[, 1L]
  e <- row_exposure(data)
  e[data$missing$rows] <- 0
  if (all(e %in% 0:1)) {
    return(list(x = ifelse(e > 0, y, NA), name = count_names(data), rows = "count of each row", label = fixed(y, 0L)))
  }
  list(x = y / e, name = paste(count_names(data), "for a unit of exposure"), rows = "count / exposure of each row",
       label = paste0(fixed(y, 0L), "/", number(e)))
}

# Rows that have nothing to say have no place.
#' @export
family_distribution.em_family_poisson <- function(family, parameters, x, column, what, data) {
  of <- switch(what, density = stats::dpois, cdf = stats::ppois)
  e <- poisson_exposures(data)[, column]
  e[which(e == 0)] <- NA
  out <- vapply(rate_matrix(parameters)[, column], function(rate) of(x, rate * e), numeric(length(x)))
  matrix(out, length(x))
}

#' @export
family_path.em_family_poisson <- function(family, fit, path, chosen, variables) {
  path_of_counts(fit, path, variables, "rate")
}

# One column's expected counts, called `name` among the parameters.
path_of_counts <- function(fit, path, variables, name) {
  names <- count_names(fit$data)
  at <- pick_variables(names, if (is.null(variables)) 1L else variables, "variables", most = 1L)
  if (length(names) > 1L) path <- lapply(path, function(p) replace(p, name, list(p[[name]][, at])))
  top <- max(vapply(path, function(p) max(p[[name]]), 0))
  path_walk(path, name, if (length(names) > 1L) paste(name, "of", names[at]) else name, c(0, 1.05 * top))
}

# Bars of counts; of counts for a unit of exposure where that differs from row to row.
#' @export
family_counts.em_family_poisson <- function(family, fit, bins, variable) {
  j <- pick_variables(count_names(fit$data), variable, "variable", most = 1L)
  weights <- row_weights(fit)
  e <- poisson_exposures(fit$data)[, j]
  used <- which(e > 0 & weights > 0)
  e <- e[used]
  y <- fit$data$x[used, j]
  by_rate <- any(e != e[1L])
  edges <- if (by_rate) rate_edges(max(y / e), length(y), bins) else success_edges(max(y), bins)
  bin <- cut_counts(if (by_rate) y / e else y, edges)
  observed <- vapply(seq_len(nrow(edges)), function(i) sum(weights[used][bin == i]), 0)
  name <- count_names(fit$data)[j]
  list(variable = if (by_rate) paste(name, "for a unit of exposure")
                  else if (e[1L] == 1) name else sprintf("%s, exposure %s", name, number(e[1L])),
       components = fit_style(fit), bars = data.frame(edges, observed = observed),
       curves = expected_bars(fit$parameters, edges, e, weights[used], by_rate,
                              function(upper, e, i) family_cumulative(family, fit$parameters, upper, e, i, j)))
}

#' @export
family_cumulative.em_family_poisson <- function(family, parameters, upper, e, j, column) {
  stats::ppois(upper, rate_matrix(parameters)[j, column] * e)
}

rate_edges <- function(top, n, bins) {
  edges <- share_edges(n, bins)
  if (top > 0) edges * top else edges
}

# What a component is along columns: see margin.R.
#' @export
family_margin.em_family_poisson <- function(family, parameters, data, beside = list()) {
  exposure <- one_for_all(beside$exposure, known_exposure(data), "exposure")
  list(rates_block(count_names(data), rate_matrix(parameters), exposure))
}
