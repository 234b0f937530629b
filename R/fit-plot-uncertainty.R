# How sure the fit is of each row: type = "responsibility" and type = "uncertainty".

# Responsibility -------------------------------------------------------------------------------------------

plot_data_responsibility <- function(fit, variable = 1L) {
  line <- family_line(fit$family, fit$data)
  if (is.null(line)) {
    abort_em("unsupported", c("A plot of type \"responsibility\" is for one variable, or for counts.",
                              i = "Try type = \"uncertainty\"."))
  }
  if (!is.null(line$label)) return(responsibility_bars(fit, line))
  x <- line$x
  limits <- padded_range(x, 0.05)
  grid <- curve_grid(component_margins(fit, 1L), limits)
  step <- expect_em(list(x = matrix(grid), n = length(grid)), fit$parameters, fit_model(fit), "responsibilities")
  list(variable = line$name, components = fit_style(fit),
       curves = long_responsibilities(step$responsibilities, fit, x = grid), rug = density_rug(fit, x))
}

long_responsibilities <- function(r, fit, ...) {
  labels <- component_names_of(fit)[seq_len(ncol(r))]
  data.frame(..., component = rep(labels, each = nrow(r)), responsibility = as.vector(r))
}

# A bar for each row; with many rows, one for each different row, by share of successes. Of a chain equal rows have
# responsibilities of their own: the bar has their mean.
responsibility_bars <- function(fit, line, most = 40L) {
  x <- fit$data$x
  r <- responsibilities(fit)
  rows <- which(is.finite(line$x))
  if (length(rows) > most) {
    r <- mean_of_equal(r, x, rows, row_weights(fit))
    rows <- rows[!duplicated(x[rows, , drop = FALSE])]
    rows <- rows[order(line$x[rows], x[rows, ncol(x)])]
    rows <- rows[rows_to_draw(length(rows), 200L)]
  }
  r <- r[rows, , drop = FALSE]
  top <- row_cumsum(r)
  at <- seq_along(rows)
  bars <- long_responsibilities(r, fit, row = rows, at = at, label = line$label[rows])
  bars$top <- as.vector(top)
  bars$bottom <- pmax(bars$top - bars$responsibility, 0)
  list(variable = line$rows, components = fit_style(fit), bars = bars)
}

# Responsibilities, in which those of `rows` are the mean over rows that are alike.
mean_of_equal <- function(r, x, rows, weights) {
  alike <- do.call(paste, c(lapply(seq_len(ncol(x)), function(j) x[rows, j]), sep = "\r"))
  alike <- match(alike, unique(alike))
  w <- if (all(weights[rows] == 0)) rep(1, length(rows)) else weights[rows]
  total <- rowsum(w, alike)
  mean <- rowsum(r[rows, , drop = FALSE] * w, alike) / as.vector(total)
  r[rows, ] <- mean[alike, ]
  r
}

#' @export
draw_plot.em_plot_responsibility <- function(data, look) {
  if (!is.null(data$bars)) return(draw_responsibility_bars(data, look))
  style <- data$components
  old <- open_frame(range(data$curves$x), c(-0.06, 1.03), look, data$variable, "P(component | x)",
                    key_entries(style$component, style$colour, line = style$line))
  on.exit(graphics::par(old))
  for (i in seq_len(nrow(style))) {
    rows <- data$curves$component == style$component[i]
    graphics::lines(data$curves$x[rows], data$curves$responsibility[rows], col = style$colour[i],
                    lty = style$line[i], lwd = 2.5)
  }
  graphics::segments(data$rug$x, -0.055, data$rug$x, -0.015, col = data$rug$colour)
}

# Bars are told apart by colour, by white hatching, and where there is room by name.
draw_responsibility_bars <- function(data, look) {
  style <- data$components
  bars <- data$bars
  n <- max(bars$at)
  old <- open_frame(c(0.4, n + 0.6), c(0, 1.02), look, data$variable, "P(component | row)",
                    key_entries(style$component, style$colour, symbol = 15L), bottom = FALSE)
  on.exit(graphics::par(old))
  which <- match(bars$component, style$component)
  graphics::rect(bars$at - 0.42, bars$bottom, bars$at + 0.42, bars$top, col = style$colour[which], border = NA)
  hatched <- which > 1L
  if (any(hatched)) {
    graphics::rect(bars$at[hatched] - 0.42, bars$bottom[hatched], bars$at[hatched] + 0.42, bars$top[hatched],
                   density = 12, angle = 45 * (which[hatched] - 1L), col = "white", border = NA)
  }
  name_bars(bars)
  first <- bars[bars$component == style$component[1L], ]
  every <- ceiling(nrow(first) / max(1, floor(graphics::par("pin")[1L] / (7 * letter_width()))))
  shown <- first[seq(1L, nrow(first), by = every), ]
  graphics::axis(1L, at = shown$at, labels = shown$label, tick = FALSE, mgp = c(3, 0.2, 0), cex.axis = 0.9)
}

# The longest of "name 0.45", "0.45" and nothing that fits every bar.
name_bars <- function(bars) {
  bars <- bars[bars$responsibility > 0.08, ]
  share <- fixed(bars$responsibility, 2L)
  for (label in list(paste(shorten(bars$component, 10L), share), share)) {
    if (max(graphics::strwidth(label, cex = 0.85)) > 0.76) next
    middle <- (bars$bottom + bars$top) / 2
    half <- 0.55 * graphics::strwidth(label, cex = 0.85)
    up <- 0.85 * graphics::strheight("A", cex = 0.85)
    graphics::rect(bars$at - half, middle - up, bars$at + half, middle + up, col = "white", border = NA)
    return(graphics::text(bars$at, middle, label, cex = 0.85))
  }
}

# Uncertainty ----------------------------------------------------------------------------------------------

# Points as large as they are uncertain; with one variable (or counts) the uncertainty is the height as well.
plot_data_uncertainty <- function(fit, variables = NULL, label = 5L) {
  label <- check_count(label, "label", 0L)
  need_plot(fit, "uncertainty")
  line <- family_line(fit$family, fit$data)
  r <- responsibilities(fit)
  if (!is.null(line)) {
    points <- data.frame(row = seq_len(fit$data$n), x = line$x, y = 1 - row_max(r),
                         component = component_names_of(fit)[max.col(r, ties.method = "first")],
                         uncertainty = 1 - row_max(r))
    points <- points[rows_to_draw(fit$data$n), ]
    variables <- c(line$name, "uncertainty")
  } else {
    names <- family_responses(fit$family, fit$data)
    at <- pick_variables(names, if (is.null(variables)) 1:2 else variables, "variables", most = 2L, least = 2L)
    points <- cluster_points(fit, at, r)
    variables <- names[at]
  }
  points$label <- worst_labels(points, fit, label)
  list(variables = variables, components = fit_style(fit), points = points[!is.na(points$x) & !is.na(points$y), ])
}

# Row names (or numbers) of the most uncertain rows, NA for the others.
worst_labels <- function(points, fit, label) {
  worst <- utils::head(order(-points$uncertainty), label)
  worst <- worst[points$uncertainty[worst] > 1e-8]
  labels_of_few(points, worst, fit)
}

#' @export
draw_plot.em_plot_uncertainty <- function(data, look) {
  points <- data$points
  style <- data$components
  flat <- identical(data$variables[2L], "uncertainty")
  ylim <- if (flat) c(-0.04, 1.18) * max(points$uncertainty, 0.05) else padded_range(points$y)
  old <- open_frame(padded_range(points$x, 0.06), ylim, look, data$variables[1L], data$variables[2L],
                    key_entries(style$component, style$colour, symbol = style$symbol))
  on.exit(graphics::par(old))
  at <- match(points$component, style$component)
  least <- if (nrow(points) <= 100L) 0.9 else 0.5
  size <- (least + 2.5 * points$uncertainty / max(0.5, 1 - 1 / nrow(style))) * style$size[at]
  if (nrow(points) > 500L) size <- size * crowded(nrow(points))
  graphics::points(points$x, points$y, pch = style$symbol[at], cex = size, col = translucent(style$colour, 0.6)[at])
  named <- order(-points$uncertainty)
  named <- named[!is.na(points$label[named])]
  draw_labels(points$x[named], points$y[named], points$label[named], size[named], points)
}

most_important_first <- function(points) points[order(-points$uncertainty), ]
