# Digits: what units and offsets of the columns cost, and a log-likelihood that falls for it.

# EM can't do that, but rounding can.
warn_falling <- function(fit) {
  if (length(fit$degenerate)) return(invisible()) # told by warn_collapsed(): nearly singular covariances
  trouble <- scale_trouble(fit)
  if (length(trouble)) {
    return(warn_em("not_monotone", c(
      sprintf("Rounding made the %s fall by %s at iteration %d.", objective_label(fit), number(-fit$gain), fit$iterations),
      x = trouble, i = "Centre and scale the columns: update(fit, x = scale(fit$data$x))."
    )))
  }
  told <- family_fall(fit$family)
  if (!is.null(told)) {
    return(warn_em("not_monotone", c(
      sprintf("The %s fell by %s at iteration %d.", objective_label(fit), number(-fit$gain), fit$iterations), told
    )))
  }
  warn_em("not_monotone", sprintf(
    "The %s fell by %s at iteration %d, which %s can't do; please report this data set.", objective_label(fit),
    number(-fit$gain), fit$iterations, algorithm_label(fit$control)
  ))
}

# What costs digits: columns in very different units, where covariances have axes of their own, and columns far from 0
# beside their spread; less of both where that is enough for a fall of this size. NULL where neither does: an axis is
# known to 1e-16 of the longest, so its variance to that times the square of their ratio, in every row.
scale_trouble <- function(fit) {
  if (!family_has_units(fit$family)) return(NULL)
  spreads <- fit_spreads(fit)
  reach <- apply(abs(fit$data$x), 2L, max, 0, na.rm = TRUE)
  far <- which.max(reach / spreads)
  fall <- if (fit$status == "not_monotone") -fit$gain else Inf
  rounding <- .Machine$double.eps * fit$nobs
  if (max(spreads) > 1e6 * min(spreads) || rounding * (max(spreads) / min(spreads))^2 > fall) {
    return(sprintf("Standard deviations of the columns range from %s to %s.",
                   number(min(spreads)), number(max(spreads))))
  }
  if (reach[far] > 1e7 * spreads[far] || rounding * reach[far] / spreads[far] > fall) {
    return(sprintf("%s has values of about %s and a standard deviation of %s.", name_column(fit$data, far),
                   number(reach[far]), number(spreads[far])))
  }
}

# A column that is constant, as a prior allows, has the spread that the prior gives it.
fit_spreads <- function(fit) {
  spreads <- column_spreads(fit$data)
  prior <- fit$family$prior
  flat <- !(spreads > 0) & !is.null(prior)
  spreads[flat] <- sqrt(diag(prior$scale)[flat] / (prior$nu + length(spreads) + 2))
  spreads
}

# Standard deviations of the observed values, computed so that no square overflows.
column_spreads <- function(data) {
  x <- rows_that_count(data)
  vapply(seq_len(ncol(x)), function(j) {
    column <- x[!is.na(x[, j]), j]
    reach <- max(abs(column), 0)
    if (length(column) < 2L || reach == 0) 0 else stats::sd(column / reach) * reach
  }, 0)
}
