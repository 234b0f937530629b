# type = "density": one variable, its histogram, the curves of the components and their sum.

plot_data_density <- function(fit, variable = 1L, bins = NULL, probs = NULL, hdr = NULL, modes = FALSE,
                              means = FALSE) {
  need_plot(fit, "density")
  j <- pick_variables(variable_names(fit$data), variable, "variable", most = 1L)
  if (!is.null(bins)) bins <- check_count(bins, "bins")
  x <- fit$data$x[, j]
  margins <- component_margins(fit, j)
  out <- list(
    variable = variable_names(fit$data)[j], components = fit_style(fit),
    bars = histogram_bars(x, row_weights(fit), bins),
    curves = mixture_curves(margins, curve_limits(x, margins), noise = noise_curve(fit, j)),
    rug = density_rug(fit, x)
  )
  if (check_flag(means, "means")) out$means <- mean_marks(margins)
  c(out, density_marks(fit, j, probs, hdr, check_flag(modes, "modes")))
}

# Quantiles, regions and peaks of the mixture, those that are asked for.
density_marks <- function(fit, j, probs, hdr, modes) {
  if (is.null(probs) && is.null(hdr) && !modes) return(NULL)
  density <- pick_density(as_em_density(fit), j)
  list(quantiles = if (!is.null(probs)) data.frame(label = percent(check_probabilities(probs, "probs")),
                                                   x = quantile.em_density(density, probs, names = FALSE)),
       regions = if (!is.null(hdr)) em_hdr(density, hdr)$regions,
       modes = if (modes) stats::setNames(em_modes(density), c("x", "density")))
}

# The mean of each component, and the height of its curve there.
mean_marks <- function(margins) {
  data.frame(component = margins$component, x = margins$mean, density = diag(as.matrix(margin_curves(margins, margins$mean))))
}

# Density of the data in bars of equal width, rows counted by their weights.
histogram_bars <- function(x, weights, bins = NULL) {
  used <- !is.na(x) & weights > 0
  if (!all(used)) {
    x <- x[used]
    weights <- weights[used]
  }
  breaks <- histogram_breaks(x, bins)
  mass <- mass_of_bins(findInterval(x, breaks, rightmost.closed = TRUE), weights, length(breaks) - 1L)
  left <- breaks[-length(breaks)]
  right <- breaks[-1L]
  data.frame(left = left, right = right, density = mass / sum(weights) / (right - left))
}

# The weights of the rows in bin 1, 2, ...
mass_of_bins <- function(bin, weights, n_bins) {
  if (all(weights == 1)) return(as.double(tabulate(bin, n_bins)))
  found <- rowsum(weights, bin, reorder = FALSE)
  mass <- numeric(n_bins)
  mass[as.integer(rownames(found))] <- found
  mass
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
curve_limits <- function(x, margins) {
  padded_range(c(x, pmax(margins$mean - 3 * margins$sd, margins$least), margins$mean + 3 * margins$sd), 0)
}

# An even grid, and one about every mean, so that narrow peaks keep their height.
curve_grid <- function(margins, limits) {
  own <- outer(margins$sd, seq(-4, 4, length.out = 81L)) + margins$mean
  grid <- sort(unique(c(seq(limits[1L], limits[2L], length.out = 301L), own)))
  grid[grid >= limits[1L] & grid <= limits[2L] & grid > margins$least]
}

# Several margins, as curve_limits() reads them.
all_margins <- function(margins) {
  list(mean = unlist(lapply(margins, `[[`, "mean")), sd = unlist(lapply(margins, `[[`, "sd")),
       least = margins[[1L]]$least)
}

# Each component's density times its proportion: length(grid) x k.
margin_curves <- function(margins, grid) {
  exp(law_log_density(margins$law, grid)) * rep(margins$proportion, each = length(grid))
}

# Long data frame: x, component (NA for the sum), density (times the proportion).
mixture_curves <- function(margins, limits, grid = curve_grid(margins, limits), noise = NULL) {
  grid <- sort(unique(c(grid, noise$steps)))
  each <- margin_curves(margins, grid)
  if (!is.null(noise)) each <- cbind(each, noise$density(grid))
  data.frame(x = rep(grid, ncol(each) + 1L),
             component = rep(c(margins$component, if (!is.null(noise)) "noise", NA), each = length(grid)),
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
  draw_density_marks(data, top)
}

draw_density_marks <- function(data, top) {
  at <- data$quantiles
  if (!is.null(at)) {
    graphics::segments(at$x, 0, at$x, 0.95 * top, lty = "42", col = quiet_grey, lwd = 1.5)
    graphics::text(at$x, 0.975 * top, at$label, cex = 0.8)
  }
  if (!is.null(data$regions)) graphics::rect(data$regions$lower, -0.05 * top, data$regions$upper, -0.035 * top, col = "black", border = NA)
  if (!is.null(data$means)) draw_means(data$means, data$components)
  if (!is.null(data$modes)) graphics::points(data$modes$x, data$modes$density, pch = 25L, bg = "black", cex = 1.1)
}

draw_means <- function(means, style, strength = rep(1, nrow(means))) {
  graphics::segments(means$x, 0, means$x, means$density, lty = "12", lwd = 1.5,
                     col = translucent(style$colour[match(means$component, style$component)], strength))
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
