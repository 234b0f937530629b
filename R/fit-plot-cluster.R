# type = "cluster": two variables, points and ellipses; type = "pairs": all pairs of several variables.

plot_data_cluster <- function(fit, variables = 1:2) {
  need_plot(fit, "cluster")
  if (ncol(fit$data$x) < 2L) {
    abort_em("unsupported", c("A plot of type \"cluster\" needs two variables, and this fit has one.",
                              i = "Try type = \"density\"."))
  }
  at <- pick_variables(variable_names(fit$data), variables, "variables", most = 2L, least = 2L)
  r <- responsibilities(fit)
  c(list(variables = variable_names(fit$data)[at], components = fit_style(fit)), cluster_parts(fit, at, r),
    list(rug = cluster_rug(fit, at, r)))
}

cluster_parts <- function(fit, at, r) {
  list(points = cluster_points(fit, at, r), ellipses = cluster_ellipses(fit$parameters, at),
       means = cluster_means(fit$parameters, at))
}

cluster_points <- function(fit, at, r) {
  rows <- rows_to_draw(fit$data$n)
  x <- family_observed(fit$family, fit$data)[rows, at, drop = FALSE]
  both <- !is.na(x[, 1L]) & !is.na(x[, 2L])
  rows <- rows[both]
  r <- r[rows, , drop = FALSE]
  data.frame(row = rows, x = x[both, 1L], y = x[both, 2L],
             component = component_names_of(fit)[max.col(r, ties.method = "first")], uncertainty = 1 - row_max(r))
}

# Rows of which one of the two values is missing: a tick on the axis of the other, 1 below or 2 on the left.
cluster_rug <- function(fit, at, r) {
  x <- fit$data$x[, at, drop = FALSE]
  rows <- rows_to_draw(fit$data$n)
  rows <- rows[is.na(x[rows, 1L]) != is.na(x[rows, 2L])]
  axis <- 1L + is.na(x[rows, 1L])
  data.frame(row = rows, axis = axis, at = x[cbind(rows, axis)],
             component = component_names_of(fit)[max.col(r[rows, , drop = FALSE], ties.method = "first")])
}

cluster_means <- function(parameters, at) {
  mean <- parameters$mean
  data.frame(component = names(parameters$proportions)[seq_len(nrow(mean))], x = unname(mean[, at[1L]]),
             y = unname(mean[, at[2L]]))
}

# The outlines of the regions that hold `levels` of each component's probability.
cluster_ellipses <- function(parameters, at, levels = c(0.5, 0.95), points = 121L) {
  labels <- names(parameters$proportions)
  df <- if (is.null(parameters$df)) rep(Inf, nrow(parameters$mean)) else parameters$df
  pieces <- lapply(seq_len(nrow(parameters$mean)), function(j) {
    sigma <- parameters$covariance[at, at, j]
    do.call(rbind, lapply(levels, function(level) {
      outline <- ellipse_outline(parameters$mean[j, at], sigma, level, points, df[j])
      data.frame(component = labels[j], level = level, x = outline[, 1L], y = outline[, 2L])
    }))
  })
  do.call(rbind, pieces)
}

# Eigenvectors rather than a Cholesky factor: they also serve where a component is flat.
# df: of Student components.
ellipse_outline <- function(mean, sigma, level, points = 121L, df = Inf) {
  parts <- eigen(sigma, symmetric = TRUE)
  radius <- sqrt(2 * stats::qf(level, 2, df))
  angle <- seq(0, 2 * pi, length.out = points)
  circle <- rbind(cos(angle), sin(angle))
  t(unname(mean) + radius * parts$vectors %*% (sqrt(pmax(parts$values, 0)) * circle))
}

#' @export
draw_plot.em_plot_cluster <- function(data, look) {
  xlim <- padded_range(c(data$points$x, data$ellipses$x, data$rug$at[data$rug$axis == 1L]))
  ylim <- padded_range(c(data$points$y, data$ellipses$y, data$rug$at[data$rug$axis == 2L]))
  old <- open_frame(xlim, ylim, look, data$variables[1L], data$variables[2L], cluster_key(data))
  on.exit(graphics::par(old))
  draw_cluster_rug(data$rug, data$components)
  draw_cluster(data, data$components)
}

# A call for each component: axis() takes one colour for all its ticks.
draw_cluster_rug <- function(rug, style) {
  for (axis in 1:2) for (i in seq_len(nrow(style))) {
    ticks <- rug$at[rug$axis == axis & rug$component == style$component[i]]
    graphics::axis(axis, ticks, labels = FALSE, lwd = 0, lwd.ticks = 1.2, tcl = 0.5,
                   col.ticks = translucent(style$colour[i], 0.65))
  }
}

cluster_key <- function(data) {
  style <- data$components
  key_entries(style$component, style$colour, symbol = style$symbol, line = line_in(style, data$ellipses), width = 1.5)
}

# Points, then ellipses, then means on top: a white cross under a coloured one stands out anywhere.
draw_cluster <- function(parts, style, cex = 1) {
  draw_cluster_points(parts$points, style, cex)
  draw_ellipses(parts$ellipses, style)
  graphics::points(parts$means$x, parts$means$y, pch = 3L, cex = 1.6 * cex, lwd = 5, col = "white")
  graphics::points(parts$means$x, parts$means$y, pch = 3L, cex = 1.5 * cex, lwd = 2.2, col = "black")
}

# How large a point may be among so many.
crowded <- function(n) if (n > 2000L) 0.45 else if (n > 500L) 0.65 else if (n > 60L) 0.85 else 1.2

draw_cluster_points <- function(points, style, cex = 1) {
  at <- match(points$component, style$component)
  crowd <- crowded(nrow(points))
  largest <- max(0.5, 1 - 1 / nrow(style))
  size <- cex * crowd * (0.7 + 1.3 * points$uncertainty / largest) * style$size[at]
  graphics::points(points$x, points$y, pch = style$symbol[at], cex = size,
                   col = translucent(style$colour, if (crowd < 0.5) 0.4 else 0.65)[at])
}

draw_ellipses <- function(ellipses, style, alpha = 1, lwd = 2) {
  for (i in seq_len(nrow(style))) for (level in unique(ellipses$level)) {
    rows <- which(ellipses$component == style$component[i] & ellipses$level == level)
    graphics::lines(ellipses$x[rows], ellipses$y[rows], col = translucent(style$colour[i], alpha),
                    lty = style$line[i], lwd = if (level == max(ellipses$level)) lwd else 0.6 * lwd)
  }
}

# Pairs ----------------------------------------------------------------------------------------------------

plot_data_pairs <- function(fit, variables = NULL) {
  need_plot(fit, "pairs")
  d <- ncol(fit$data$x)
  if (is.null(variables)) variables <- seq_len(min(d, 6L))
  at <- pick_variables(variable_names(fit$data), variables, "variables")
  names <- variable_names(fit$data)[at]
  r <- responsibilities(fit)
  both <- which(lower.tri(diag(length(at))), arr.ind = TRUE)
  panels <- lapply(seq_len(nrow(both)), function(i) cluster_parts(fit, at[both[i, 2:1]], r))
  list(variables = names, left_out = d - length(at), components = fit_style(fit),
       points = pair_rows(panels, both, "points"), ellipses = pair_rows(panels, both, "ellipses"),
       means = pair_rows(panels, both, "means"), bars = per_variable(fit, at, pair_bars),
       curves = per_variable(fit, at, pair_curves))
}

# The panels' rows under one another, with the numbers of their variables: `column` across, `line` down. A panel of
# variables that no row has both of has no points.
pair_rows <- function(panels, both, part) {
  do.call(rbind, lapply(seq_along(panels), function(i) {
    rows <- panels[[i]][[part]]
    data.frame(column = rep(both[i, 2L], nrow(rows)), line = rep(both[i, 1L], nrow(rows)), rows, row.names = NULL)
  }))
}

per_variable <- function(fit, at, make) {
  do.call(rbind, lapply(seq_along(at), function(i) data.frame(column = i, make(fit, at[i]))))
}

pair_bars <- function(fit, j) histogram_bars(fit$data$x[, j], row_weights(fit))

pair_curves <- function(fit, j) {
  margins <- component_margins(fit, j)
  mixture_curves(margins, curve_limits(fit$data$x[, j], margins), noise = noise_curve(fit, j))
}

#' @export
draw_plot.em_plot_pairs <- function(data, look) {
  d <- length(data$variables)
  old <- graphics::par(mfrow = c(d, d), mar = rep(0.25, 4L), oma = c(4, 4, if (is.null(look$main)) 1 else 3, 1))
  on.exit(graphics::par(old))
  limits <- lapply(seq_len(d), function(j) pair_limits(data, j))
  for (line in seq_len(d)) for (column in seq_len(d)) {
    if (column > line) {
      graphics::plot.new()
    } else if (column == line) {
      draw_pair_density(data, line, limits)
    } else {
      draw_pair_points(data, line, column, limits)
    }
  }
  draw_pair_key(data, d)
  if (!is.null(look$main)) graphics::mtext(look$main, side = 3L, line = 1, outer = TRUE, font = 2L)
}

pair_limits <- function(data, j) {
  padded_range(c(data$points$x[data$points$column == j], data$points$y[data$points$line == j],
                 data$ellipses$x[data$ellipses$column == j], data$ellipses$y[data$ellipses$line == j],
                 data$bars$left[data$bars$column == j], data$bars$right[data$bars$column == j]))
}

pair_frame <- function(data, line, column, xlim, ylim) {
  d <- length(data$variables)
  graphics::plot.new()
  graphics::plot.window(xlim, ylim, xaxs = "i", yaxs = "i")
  graphics::box(col = quiet_grey, lwd = 0.7)
  if (line == d) pair_axis(1L, data$variables[column])
  if (column == 1L && line > 1L) pair_axis(2L, data$variables[line])
}

# Names only as long as their panel, in two lines where one is not enough.
pair_axis <- function(side, label, numbers = TRUE) {
  if (numbers) graphics::axis(side, col = quiet_grey, tcl = -0.25, mgp = c(3, 0.5, 0), cex.axis = 0.9)
  room <- graphics::par("pin")[side] / letter_width(0.8 / graphics::par("cex"))
  if (0.5 * nchar(label, type = "width") > room) label <- in_two_lines(label, 4L)
  parts <- strsplit(label, "\n", fixed = TRUE)[[1L]]
  small <- min(1, max(0.5, room / max(nchar(parts, type = "width"), 1L)))
  label <- paste(shorten(parts, max(4L, floor(room / small))), collapse = "\n")
  line <- (if (numbers) 2.2 else 0.5) - (if (length(parts) > 1L) 0.6 else 0) * (side == 2L)
  graphics::mtext(label, side = side, line = line, cex = 0.8 * small, padj = if (length(parts) > 1L && side == 1L) 0.6 else NA)
}

draw_pair_density <- function(data, j, limits) {
  bars <- data$bars[data$bars$column == j, ]
  curves <- data$curves[data$curves$column == j, ]
  pair_frame(data, j, j, limits[[j]], c(0, density_top(bars, curves)))
  draw_histogram(bars)
  draw_curves(curves, data$components)
  if (j == 1L) pair_axis(2L, data$variables[1L], numbers = FALSE)
}

draw_pair_points <- function(data, line, column, limits) {
  here <- function(part) part[part$line == line & part$column == column, ]
  pair_frame(data, line, column, limits[[column]], limits[[line]])
  draw_cluster(list(points = here(data$points), ellipses = here(data$ellipses), means = here(data$means)),
               data$components, cex = 0.7)
}

# The empty upper corner holds the key; a single variable leaves none, and its curves need none.
draw_pair_key <- function(data, d) {
  if (d < 2L) return(invisible())
  graphics::par(mfg = c(1L, d, d, d))
  graphics::plot.window(c(0, 1), c(0, 1))
  style <- data$components
  lines <- nrow(style) + (data$left_out > 0)
  room <- graphics::par("pin")[2L] / lines / graphics::par("csi")
  graphics::legend("topright", shorten(style$component, 18L), col = style$colour, pch = style$symbol,
                   lty = style$line, pt.cex = style$size, lwd = 1.5, bty = "n",
                   cex = min(1, max(0.5, 0.75 * room)), xpd = NA,
                   seg.len = 2.5, title = if (data$left_out > 0) paste(data$left_out, "more variables"))
}
