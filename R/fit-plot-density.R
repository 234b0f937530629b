# type = "density": one variable, its histogram, the curves of the components and their sum.

plot_data_density <- function(fit, variable = 1L, bins = NULL) {
  need_plot(fit, "density")
  j <- pick_variables(variable_names(fit$data), variable, "variable", most = 1L)
  if (!is.null(bins)) bins <- check_count(bins, "bins")
  x <- fit$data$x[, j]
  margin <- family_margin(fit$family, fit$parameters, j)
  list(
    variable = variable_names(fit$data)[j], components = fit_style(fit),
    bars = histogram_bars(x, row_weights(fit), bins),
    curves = mixture_curves(fit, fit$parameters, j, curve_limits(x, margin), noise = noise_curve(fit, j)),
    rug = density_rug(fit, x)
  )
}

# Density of the data in bars of equal width, rows counted by their weights.
histogram_bars <- function(x, weights, bins = NULL) {
  used <- !is.na(x) & weights > 0
  x <- x[used]
  weights <- weights[used]
  breaks <- histogram_breaks(x, bins)
  bin <- findInterval(x, breaks, rightmost.closed = TRUE)
  mass <- vapply(seq_len(length(breaks) - 1L), function(i) sum(weights[bin == i]), 0)
  left <- breaks[-length(breaks)]
  right <- breaks[-1L]
  data.frame(left = left, right = right, density = mass / sum(weights) / (right - left))
}

histogram_breaks <- function(x, bins) {
  limits <- range(x)
  if (limits[1L] == limits[2L]) return(padded_range(x))
  if (!is.null(bins)) return(seq(limits[1L], limits[2L], length.out = bins + 1L))
  breaks <- pretty(limits, n = min(60L, max(10L, 2L * grDevices::nclass.FD(x))))
  if (breaks[1L] > limits[1L] || breaks[length(breaks)] < limits[2L] || anyDuplicated(breaks)) {
    breaks <- seq(limits[1L], limits[2L], length.out = 21L)
  }
  breaks
}

# The data and three standard deviations of every component.
curve_limits <- function(x, margin) {
  padded_range(c(x, pmax(margin$mean - 3 * margin$sd, margin$least), margin$mean + 3 * margin$sd), 0)
}

# An even grid, and one about every mean, so that narrow peaks keep their height.
curve_grid <- function(margin, limits) {
  own <- outer(margin$sd, seq(-4, 4, length.out = 81L)) + margin$mean
  grid <- sort(unique(c(seq(limits[1L], limits[2L], length.out = 301L), own)))
  grid[grid >= limits[1L] & grid <= limits[2L] & grid > margin$least[1L]]
}

# Long data frame: x, component (NA for the sum), density (times the proportion); along column j, at these parameters.
mixture_curves <- function(fit, parameters, j, limits, noise = NULL) {
  margin <- family_margin(fit$family, parameters, j)
  grid <- sort(unique(c(curve_grid(margin, limits), noise$steps)))
  each <- family_distribution(fit$family, parameters, grid, j, "density", fit$data)
  each <- each * rep(margin$proportion, each = length(grid))
  if (!is.null(noise)) each <- cbind(each, noise$density(grid))
  data.frame(x = rep(grid, ncol(each) + 1L),
             component = rep(c(margin$component, if (!is.null(noise)) "noise", NA), each = length(grid)),
             density = c(each, rowSums(each)))
}

density_rug <- function(fit, x) {
  rows <- rows_to_draw(fit$data$n, 1000L)
  rows <- rows[!is.na(x[rows])]
  r <- responsibilities(fit)[rows, , drop = FALSE]
  style <- fit_style(fit)
  data.frame(row = rows, x = x[rows], component = style$component[max.col(r, ties.method = "first")],
             colour = mix_colours(r, style$colour))
}

# A component that shrank onto a point may leave the frame; the others must stay readable.
density_top <- function(bars, curves) 1.06 * min(max(bars$density, curves$density), 5 * max(bars$density))

#' @export
draw_plot.em_plot_density <- function(data, look) {
  top <- density_top(data$bars, data$curves)
  xlim <- padded_range(c(data$bars$left, data$bars$right, data$curves$x), 0.01)
  old <- open_frame(xlim, c(-0.05 * top, top), look, data$variable, "density", density_key(data))
  on.exit(graphics::par(old))
  draw_histogram(data$bars)
  draw_curves(data$curves, data$components)
  graphics::segments(data$rug$x, -0.045 * top, data$rug$x, -0.01 * top, col = data$rug$colour)
}

density_key <- function(data) {
  style <- data$components
  key <- key_entries(style$component, style$colour, line = style$line)
  if (nrow(style) > 1L) key <- rbind(key, key_entries("the mixture", "black", line = "solid", width = 3))
  key
}

draw_histogram <- function(bars) {
  graphics::rect(bars$left, 0, bars$right, bars$density, col = light_grey, border = "white", lwd = 0.5)
}

draw_curves <- function(curves, style) {
  sum <- is.na(curves$component)
  if (nrow(style) > 1L) graphics::lines(curves$x[sum], curves$density[sum], lwd = 3)
  for (i in seq_len(nrow(style))) {
    rows <- which(curves$component == style$component[i])
    graphics::lines(curves$x[rows], curves$density[rows], col = style$colour[i], lty = style$line[i], lwd = 2)
  }
}
