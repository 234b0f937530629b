# Pictures of a chain: the series with its path, the transitions, and the lengths of stays.

#' @export
latent_plots.em_latent_markov <- function(latent) c("series", "transition", "dwell", "acf", "forecast")

# Pictures that only some latent structures have.
need_latent_plot <- function(fit, type) {
  if (type %in% latent_plots(fit$latent)) return(invisible())
  abort_em("unsupported", c(sprintf("A plot of type \"%s\" is of a chain.", type),
                            i = "Fit one, with latent = em_markov()."))
}

# type = "series" ---------------------------------------------------------------------------------------------------

plot_data_series <- function(fit, variable = 1L) {
  need_latent_plot(fit, "series")
  names <- observed_names(fit)
  j <- pick_variables(names, variable, "variable", most = 1L)
  rows <- rows_to_draw(fit$data$n, 4000L)
  path <- predict(fit, type = "path")
  path <- if (all(fit_rows(fit)$complete)) path else path[fit_rows(fit)$complete]
  r <- responsibilities(fit)[rows, , drop = FALSE]
  means <- family_means(fit$family, fit$parameters, fit$data)
  level <- means[cbind(if (nrow(means) == 1L) 1L else rows, j, as.integer(path)[rows])]
  below <- row_cumsum(r)
  list(
    variable = names[j], components = fit_style(fit),
    points = data.frame(row = rows, y = family_observed(fit$family, fit$data)[rows, j],
                        component = as.character(path)[rows], mean = level),
    strip = data.frame(row = rep(rows, fit$k), component = rep(component_names_of(fit), each = length(rows)),
                       bottom = as.vector(below - r), top = as.vector(below)),
    breaks = utils::head(cumsum(unit_lengths(fit$data$units)), -1L) + 0.5
  )
}

# The columns that fitted() tells of: of a factor one for each level.
observed_names <- function(fit) {
  told <- colnames(family_observed(fit$family, fit$data))
  if (is.null(told)) family_responses(fit$family, fit$data) else told
}

# Where the strip of probabilities lies, below the data, with room for its name between; the axis has numbers from `least`.
series_frame <- function(data) {
  range <- range(data$points$y, data$points$mean, na.rm = TRUE)
  height <- max(diff(range), 1e-300)
  list(ylim = range + c(-0.41, 0.05) * height, strip = range[1L] + c(-0.37, -0.18) * height, least = range[1L] - 0.05 * height)
}

in_strip <- function(p, frame) frame$strip[1L] + p * diff(frame$strip)

#' @export
draw_plot.em_plot_series <- function(data, look) {
  style <- data$components
  frame <- series_frame(data)
  points <- data$points
  key <- key_entries(style$component, style$colour, symbol = style$symbol)
  old <- open_frame(range(points$row) + c(-1, 1), frame$ylim, look, "row", data$variable, key, least = frame$least)
  on.exit(graphics::par(old))
  at <- match(data$strip$component, style$component)
  half <- max(diff(points$row), 1) / 2
  graphics::rect(data$strip$row - half, in_strip(data$strip$bottom, frame), data$strip$row + half,
                 in_strip(data$strip$top, frame), col = style$colour[at], border = NA)
  room <- 0.12 * diff(frame$strip) / 0.19 / graphics::strheight("P")
  graphics::text(points$row[1L], in_strip(1.12, frame), "P(state)", adj = c(0, 0), cex = min(0.8, room), col = quiet_grey)
  graphics::abline(v = data$breaks, lty = "dotted", col = quiet_grey)
  graphics::lines(points$row, points$y, col = light_grey)
  at <- match(points$component, style$component)
  graphics::segments(points$row - half, points$mean, points$row + half, points$mean, col = style$colour[at], lwd = 2)
  graphics::points(points$row, points$y, pch = style$symbol[at], col = style$colour[at], cex = 0.7)
}

#' @export
gg_plot.em_plot_series <- function(data) {
  frame <- series_frame(data)
  half <- max(diff(data$points$row), 1) / 2
  strip <- data.frame(data$strip["row"], component = factor(data$strip$component, data$components$component),
                      bottom = in_strip(data$strip$bottom, frame), top = in_strip(data$strip$top, frame))
  ggplot2::ggplot(data$points, ggplot2::aes(.data$row, .data$y)) +
    ggplot2::geom_rect(ggplot2::aes(xmin = .data$row - half, xmax = .data$row + half, ymin = .data$bottom,
                                    ymax = .data$top, fill = .data$component), data = strip, inherit.aes = FALSE,
                       show.legend = FALSE) + # its key would hide the shapes that tell states apart without colour
    ggplot2::annotate("text", x = data$points$row[1L], y = in_strip(1.4, frame), label = "P(state)", hjust = 0, size = 2.5,
                      colour = quiet_grey) +
    ggplot2::geom_vline(xintercept = data$breaks, linetype = "dotted", colour = quiet_grey) +
    ggplot2::geom_line(colour = light_grey, na.rm = TRUE) +
    ggplot2::geom_segment(ggplot2::aes(x = .data$row - half, xend = .data$row + half, y = .data$mean,
                                       yend = .data$mean, colour = .data$component)) +
    ggplot2::geom_point(ggplot2::aes(colour = .data$component, shape = .data$component), size = 1.2, na.rm = TRUE) +
    ggplot2::scale_y_continuous(breaks = function(limits) pretty(limits)[pretty(limits) >= frame$least]) +
    gg_scales(data$components, c("colour", "fill", "shape"), "state") + gg_frame("row", data$variable)
}

# type = "transition" -----------------------------------------------------------------------------------------------

# States on a circle, from the top clockwise; arrows bend to the side, a stay is a loop outwards.
plot_data_transition <- function(fit, least = if (fit$k > 6L) 0.1 else 0.005) {
  need_latent_plot(fit, "transition")
  if (!is_number(least) || least < 0 || least >= 1) {
    abort_em("argument", sprintf("`least` must be a number from 0 to 1, not %s.", describe_value(least)))
  }
  k <- fit$k
  angle <- pi / 2 - 2 * pi * (seq_len(k) - 1L) / k + if (k == 2L) pi / 2 else 0
  share <- unname(shares_of(fit))
  radius <- 0.3 * sqrt(pmax(share, 0.1) / max(share, 0.1)) / max(1, k / 4)
  states <- data.frame(component = component_names_of(fit), share = share, x = cos(angle) * (k > 1L),
                       y = sin(angle) * (k > 1L), radius = radius)
  cells <- which(fit$parameters$transition >= max(least, 1e-300), arr.ind = TRUE)
  arrows <- lapply(seq_len(nrow(cells)), function(i) {
    arrow_between(states, cells[i, 1L], cells[i, 2L], angle, fit$parameters$transition[cells[i, , drop = FALSE]])
  })
  list(components = fit_style(fit), states = states, arrows = do.call(rbind, lapply(arrows, `[[`, "path")),
       labels = do.call(rbind, lapply(arrows, `[[`, "label")))
}

arrow_between <- function(states, from, to, angle, probability) {
  path <- if (from == to) loop_path(states[from, ], angle[from]) else bent_path(states[from, ], states[to, ])
  middle <- path$middle
  list(path = data.frame(from = states$component[from], to = states$component[to], probability = probability,
                         x = path$x, y = path$y),
       label = data.frame(from = states$component[from], to = states$component[to], probability = probability,
                          x = middle[1L], y = middle[2L]))
}

loop_path <- function(state, angle) {
  turn <- seq(-0.78, 0.78, length.out = 61L) * pi
  centre <- c(state$x, state$y) + 1.25 * state$radius * c(cos(angle), sin(angle))
  size <- 0.75 * state$radius
  list(x = centre[1L] + size * cos(angle + turn), y = centre[2L] + size * sin(angle + turn),
       middle = centre + (size + 0.17) * c(cos(angle), sin(angle)))
}

# A curve through a point beside the middle, from the edge of one circle to that of the other.
bent_path <- function(a, b) {
  begin <- c(a$x, a$y)
  end <- c(b$x, b$y)
  along <- (end - begin) / sqrt(sum((end - begin)^2))
  aside <- c(along[2L], -along[1L])
  control <- (begin + end) / 2 - 0.5 * aside
  t <- seq(0, 1, length.out = 201L)
  x <- (1 - t)^2 * begin[1L] + 2 * t * (1 - t) * control[1L] + t^2 * end[1L]
  y <- (1 - t)^2 * begin[2L] + 2 * t * (1 - t) * control[2L] + t^2 * end[2L]
  outside <- sqrt((x - a$x)^2 + (y - a$y)^2) > a$radius + 0.02 & sqrt((x - b$x)^2 + (y - b$y)^2) > b$radius + 0.03
  list(x = x[outside], y = y[outside], middle = (begin + end) / 2 - 0.14 * aside)
}

#' @export
draw_plot.em_plot_transition <- function(data, look) {
  limits <- transition_limits(data)
  old <- graphics::par(mar = c(0.5, 0.5, if (is.null(look$main)) 0.5 else 2, 0.5))
  on.exit(graphics::par(old))
  graphics::plot.new()
  graphics::plot.window(if (is.null(look$xlim)) limits$x else look$xlim, if (is.null(look$ylim)) limits$y else look$ylim,
                        asp = 1)
  if (!is.null(look$main)) graphics::title(main = look$main, line = 0.7)
  states <- data$states
  style <- data$components
  graphics::symbols(states$x, states$y, circles = states$radius, inches = FALSE, add = TRUE,
                    bg = translucent(style$colour, 0.3), fg = style$colour)
  small <- min(1, max(0.5, min(graphics::par("pin")) / 4), 8 / nrow(states)) # letters grow with the picture
  graphics::text(states$x, states$y, paste0(shorten(states$component, 14L), "\n", fixed(states$share, 2L)), cex = small)
  for (path in split(data$arrows, list(data$arrows$from, data$arrows$to), drop = TRUE)) {
    n <- nrow(path)
    colour <- style$colour[match(path$from[1L], style$component)]
    graphics::lines(path$x[-n], path$y[-n], lwd = 1 + 5 * path$probability[1L], col = colour, lend = "butt")
    graphics::arrows(path$x[n - 1L], path$y[n - 1L], path$x[n], path$y[n], length = 0.12, lwd = 2, col = colour)
  }
  graphics::text(data$labels$x, data$labels$y, fixed(data$labels$probability, 2L), cex = 0.9 * small)
}

transition_limits <- function(data) {
  around <- function(name) {
    padded_range(c(data$states[[name]] - data$states$radius, data$states[[name]] + data$states$radius,
                   data$arrows[[name]], data$labels[[name]]), 0.06)
  }
  list(x = around("x"), y = around("y"))
}

#' @export
gg_plot.em_plot_transition <- function(data) {
  style <- data$components
  turn <- seq(0, 2 * pi, length.out = 73L)
  circles <- do.call(rbind, lapply(seq_len(nrow(data$states)), function(i) {
    state <- data$states[i, ]
    data.frame(from = state$component, x = state$x + state$radius * cos(turn), y = state$y + state$radius * sin(turn))
  }))
  ggplot2::ggplot(mapping = ggplot2::aes(.data$x, .data$y)) +
    ggplot2::geom_polygon(ggplot2::aes(fill = .data$from), data = circles, alpha = 0.3) +
    ggplot2::geom_path(ggplot2::aes(colour = .data$from, linewidth = .data$probability,
                                    group = interaction(.data$from, .data$to)), data = data$arrows,
                       arrow = ggplot2::arrow(length = ggplot2::unit(0.1, "inches"))) +
    ggplot2::geom_text(ggplot2::aes(label = paste0(shorten(.data$component, 14L), "\n", fixed(.data$share, 2L))),
                       data = data$states, size = 3.6 * min(1, 8 / nrow(data$states)), lineheight = 0.8) +
    ggplot2::geom_text(ggplot2::aes(label = fixed(.data$probability, 2L)), data = data$labels,
                       size = 3 * min(1, 8 / nrow(data$states))) +
    ggplot2::scale_linewidth_continuous(range = c(0.4, 2.5), limits = c(0, 1), guide = "none") +
    gg_scales(style, c("colour", "fill"), "state") + ggplot2::coord_equal() + ggplot2::theme_void() +
    ggplot2::theme(legend.position = "none")
}

# type = "dwell" ----------------------------------------------------------------------------------------------------

# Stays along the path beside the geometric law of a chain; those that its series cuts off are left out.
plot_data_dwell <- function(fit, state = NULL) {
  need_latent_plot(fit, "dwell")
  names <- component_names_of(fit)
  stay <- diag(fit$parameters$transition)
  at <- if (is.null(state)) which.max(stay) else pick_variables(names, state, "state", most = 1L)
  path <- predict(fit, type = "path")
  path <- as.integer(path)[fit_rows(fit)$complete]
  runs <- path_runs(path, unit_lengths(fit$data$units))
  lengths <- runs$length[runs$complete & runs$state == at]
  if (!length(lengths)) {
    abort_em("unsupported", c(sprintf("The path has no complete stay in state %s.", dQuote(names[at], FALSE)),
                              i = "Choose another one with `state`."))
  }
  longest <- max(lengths)
  bin <- max(1L, ceiling(longest / 40))
  left <- seq(1L, longest, by = bin)
  law <- length(lengths) * (stay[at]^(left - 1) - stay[at]^(left - 1 + bin))
  list(state = names[at], components = fit_style(fit)[at, ], width = bin,
       bars = data.frame(length = left, stays = tabulate((lengths - 1L) %/% bin + 1L, length(left)), expected = law))
}

#' @export
draw_plot.em_plot_dwell <- function(data, look) {
  bars <- data$bars
  key <- rbind(key_entries("stays of the path", light_grey, symbol = 15L),
               key_entries("geometric law", data$components$colour, data$components$symbol, "solid"))
  xlim <- c(0.4, max(bars$length) + data$width - 0.4)
  old <- open_frame(xlim, c(0, 1.06 * max(bars$stays, bars$expected)), look,
                    paste("rows in state", data$state), "stays", key)
  on.exit(graphics::par(old))
  graphics::rect(bars$length - 0.5, 0, bars$length + data$width - 0.5, bars$stays, col = light_grey, border = "white")
  graphics::lines(bars$length + (data$width - 1) / 2, bars$expected, col = data$components$colour, lwd = 2, type = "o",
                  pch = data$components$symbol, cex = 0.7)
}

#' @export
gg_plot.em_plot_dwell <- function(data) {
  middle <- (data$width - 1) / 2
  ggplot2::ggplot(data$bars) +
    ggplot2::geom_col(ggplot2::aes(.data$length + middle, .data$stays, fill = "stays of the path"), width = 0.95 * data$width) +
    ggplot2::geom_line(ggplot2::aes(.data$length + middle, .data$expected, colour = "geometric law")) +
    ggplot2::geom_point(ggplot2::aes(.data$length + middle, .data$expected, colour = "geometric law"), shape = data$components$symbol) +
    ggplot2::scale_fill_manual(NULL, values = light_grey) + ggplot2::scale_colour_manual(NULL, values = data$components$colour) +
    ggplot2::scale_x_continuous(breaks = function(limits) whole_ticks(limits)) +
    ggplot2::scale_y_continuous(breaks = function(limits) whole_ticks(limits)) +
    gg_frame(paste("rows in state", data$state), "stays")
}
