# Pictures of a chain that look along its rows: what is left of their order (type = "acf"), and what comes next
# (type = "forecast").

# type = "acf" ------------------------------------------------------------------------------------------------------

# Autocorrelations of the pseudo-residuals, over pairs of rows of one series. If the chain has caught the order of the
# rows, 95 of 100 lie within 1.96 / sqrt(pairs).
plot_data_acf <- function(fit, variable = 1L, lag.max = NULL) {
  need_latent_plot(fit, "acf")
  j <- pick_variables(family_responses(fit$family, fit$data), variable, "variable", most = 1L)
  series <- fit$data$units$codes
  longest <- max(tabulate(series)) - 1L
  if (longest < 1L) {
    abort_em("unsupported", "Every series is a single row: there is no order of which something could be left.")
  }
  lags <- if (is.null(lag.max)) ceiling(10 * log10(fit$data$n)) else check_count(lag.max, "lag.max")
  lags <- seq_len(min(lags, longest))
  z <- pseudo_of(fit, j)
  found <- vapply(lags, function(lag) lagged_correlation(z, series, lag), c(correlation = 0, pairs = 0))
  list(variable = family_responses(fit$family, fit$data)[j],
       bars = data.frame(lag = lags, correlation = found["correlation", ], limit = 1.96 / sqrt(found["pairs", ])))
}

# Of counts, the middle of the normal quantiles that a row may have.
pseudo_of <- function(fit, j) {
  x <- family_observed(fit$family, fit$data)[, j]
  at <- distribution_at(fit, x, j)
  if (family_is_discrete(fit$family)) at <- (at + pmin(distribution_at(fit, x - 1, j), at)) / 2
  qnorm_inside(at)
}

lagged_correlation <- function(z, series, lag) {
  n <- length(z)
  first <- seq_len(n - lag)
  z <- z - mean(z, na.rm = TRUE)
  products <- z[first] * z[first + lag]
  products <- products[series[first] == series[first + lag] & !is.na(products)]
  if (!length(products)) return(c(correlation = NA_real_, pairs = 0))
  c(correlation = mean(products) / mean(z^2, na.rm = TRUE), pairs = length(products))
}

#' @export
draw_plot.em_plot_acf <- function(data, look) {
  bars <- data$bars
  reach <- max(abs(bars$correlation), bars$limit[is.finite(bars$limit)], 0.2, na.rm = TRUE)
  old <- open_frame(c(0.5, max(bars$lag) + 0.5), padded_range(c(-reach, reach)), look, "lag in rows",
                    paste("autocorrelation of pseudo-residuals of", data$variable))
  on.exit(graphics::par(old))
  graphics::polygon(c(bars$lag, rev(bars$lag)), c(bars$limit, -rev(bars$limit)), col = light_grey, border = NA)
  graphics::abline(h = 0, col = quiet_grey)
  graphics::segments(bars$lag, 0, bars$lag, bars$correlation, lwd = 2, col = okabe_ito[["blue"]])
  graphics::points(bars$lag, bars$correlation, pch = 19L, cex = 0.7, col = okabe_ito[["blue"]])
}

#' @export
gg_plot.em_plot_acf <- function(data) {
  ggplot2::ggplot(data$bars, ggplot2::aes(.data$lag)) +
    ggplot2::geom_ribbon(ggplot2::aes(ymin = -.data$limit, ymax = .data$limit), fill = light_grey) +
    ggplot2::geom_hline(yintercept = 0, colour = quiet_grey) +
    ggplot2::geom_segment(ggplot2::aes(xend = .data$lag, y = 0, yend = .data$correlation), colour = okabe_ito[["blue"]],
                          na.rm = TRUE) +
    ggplot2::geom_point(ggplot2::aes(y = .data$correlation), colour = okabe_ito[["blue"]], size = 1.2, na.rm = TRUE) +
    gg_frame("lag in rows", paste("autocorrelation of pseudo-residuals of", data$variable))
}

# type = "forecast" -------------------------------------------------------------------------------------------------

fan_levels <- c(0.5, 0.9) # of the intervals
fan_grey <- "#949494" # of the inner one

# The last rows of a series, and the law of those to come: their mean, and intervals of equal tails.
plot_data_forecast <- function(fit, variable = 1L, n.ahead = 20L, last = 60L, series = NULL) {
  need_latent_plot(fit, "forecast")
  names <- family_responses(fit$family, fit$data)
  j <- pick_variables(names, variable, "variable", most = 1L)
  n_ahead <- check_count(n.ahead, "n.ahead")
  last <- check_count(last, "last")
  own <- fit$data$units
  chosen <- if (is.null(series)) count_units(own) else pick_variables(unit_labels(own), series, "series", most = 1L)
  rows <- utils::tail(which(own$codes == chosen), last)
  states <- predict(fit, n.ahead = n_ahead, type = "prob")
  states <- states[(chosen - 1L) * n_ahead + seq_len(n_ahead), , drop = FALSE]
  probs <- sort(c(0.5 - fan_levels / 2, 0.5 + fan_levels / 2))
  bounds <- t(apply(states, 1L, function(p) quantiles_ahead(fit, j, max(rows), p, probs)))
  means <- family_means(fit$family, fit$parameters, rows_ahead(fit, max(rows), 1L))[1L, j, ]
  step <- max(rows) - min(which(own$codes == chosen)) + 1L
  to_come <- data.frame(row = step + seq_len(n_ahead), mean = as.vector(states %*% means),
                        outer_lower = bounds[, 1L], inner_lower = bounds[, 2L], inner_upper = bounds[, 3L],
                        outer_upper = bounds[, 4L])
  past <- data.frame(row = step - rev(seq_along(rows)) + 1L, y = family_observed(fit$family, fit$data)[rows, j])
  list(variable = names[j], series = unit_labels(own)[chosen], points = past, fan = to_come)
}

# The last row, so many times: rows to come have its trials or its exposure.
rows_ahead <- function(fit, row, n) {
  data <- fit$data
  data$x <- data$x[rep(row, n), , drop = FALSE]
  data[c("units", "weights", "labels", "missing")] <- list(NULL)
  data$n <- n
  data
}

# Quantiles of a mixture of the states with these weights, from its distribution function: halved until no number lies
# between, or, of counts, no whole one.
quantiles_ahead <- function(fit, j, row, weights, probs) {
  data <- rows_ahead(fit, row, length(probs))
  cdf <- function(x) as.vector(family_distribution(fit$family, fit$parameters, x, j, "cdf", data) %*% weights)
  x <- family_observed(fit$family, fit$data)[, j]
  reach <- range(x, na.rm = TRUE)
  width <- max(diff(reach), abs(reach), 1e-300)
  lower <- rep(reach[1L] - width, length(probs))
  upper <- rep(reach[2L] + width, length(probs))
  for (i in 1:60) {
    middle <- (lower + upper) / 2
    below <- cdf(middle) < probs
    lower[below] <- middle[below]
    upper[!below] <- middle[!below]
  }
  if (family_is_discrete(fit$family)) ceiling(upper - 1e-9) else upper
}

#' @export
draw_plot.em_plot_forecast <- function(data, look) {
  fan <- data$fan
  past <- data$points
  key <- rbind(key_entries(c("50 %", "90 %"), c(fan_grey, light_grey), symbol = 15L),
               key_entries("mean", okabe_ito[["blue"]], line = "solid"))
  old <- open_frame(range(past$row, fan$row) + c(-1, 1), padded_range(c(past$y, fan$outer_lower, fan$outer_upper)), look, "row",
                    data$variable, key)
  on.exit(graphics::par(old))
  band <- function(lower, upper, colour) {
    graphics::polygon(c(fan$row, rev(fan$row)), c(lower, rev(upper)), col = colour, border = NA)
  }
  band(fan$outer_lower, fan$outer_upper, light_grey)
  band(fan$inner_lower, fan$inner_upper, fan_grey)
  graphics::lines(fan$row, fan$mean, col = okabe_ito[["blue"]], lwd = 2)
  graphics::abline(v = max(past$row) + 0.5, lty = "dotted", col = quiet_grey)
  graphics::lines(past$row, past$y, col = quiet_grey)
  graphics::points(past$row, past$y, pch = 19L, cex = 0.6)
}

#' @export
gg_plot.em_plot_forecast <- function(data) {
  fan <- data$fan
  bands <- data.frame(row = c(fan$row, fan$row), lower = c(fan$outer_lower, fan$inner_lower),
                      upper = c(fan$outer_upper, fan$inner_upper),
                      within = factor(rep(c("90 %", "50 %"), each = nrow(fan)), c("90 %", "50 %")))
  ggplot2::ggplot(bands, ggplot2::aes(.data$row)) +
    ggplot2::geom_ribbon(ggplot2::aes(ymin = .data$lower, ymax = .data$upper, fill = .data$within)) +
    ggplot2::scale_fill_manual("within", values = c("90 %" = light_grey, "50 %" = fan_grey)) +
    ggplot2::geom_line(ggplot2::aes(y = .data$mean, colour = "mean"), data = fan) +
    ggplot2::scale_colour_manual(NULL, values = okabe_ito[["blue"]]) +
    ggplot2::geom_vline(xintercept = max(data$points$row) + 0.5, linetype = "dotted", colour = quiet_grey) +
    ggplot2::geom_line(ggplot2::aes(y = .data$y), data = data$points, colour = quiet_grey, na.rm = TRUE) +
    ggplot2::geom_point(ggplot2::aes(y = .data$y), data = data$points, size = 1.2, na.rm = TRUE) +
    gg_frame("row", data$variable) + ggplot2::theme(legend.box = "horizontal")
}
