# autoplot(): the same pictures in ggplot2, from the same plot_data(). The methods are registered when ggplot2 is
# loaded; nothing here is needed without it. `.data` is the pronoun that ggplot2 evaluates its aesthetics with, not an
# import: conditions and hashes alone need rlang, which takes longer to load than this package and waits for the first.
utils::globalVariables(".data")

#' @rdname plot.em_fit
#' @param object A fit by [em_fit()], or what `plot_data()` returned.
#' @method autoplot em_fit
#' @exportS3Method ggplot2::autoplot em_fit
autoplot.em_fit <- function(object, type = NULL, ...) gg_with_words(plot_data(object, type = type, ...))

#' @method autoplot em_plot
#' @exportS3Method ggplot2::autoplot em_plot
autoplot.em_plot <- function(object, ...) {
  check_no_dots(list(...), names(formals(autoplot.em_plot)))
  gg_with_words(object)
}

gg_with_words <- function(data) gg_plot(data) + gg_key_room(data) + ggplot2::labs(alt = plot_words(data), caption = data$sample)

gg_plot <- function(data) UseMethod("gg_plot")

# Pieces ---------------------------------------------------------------------------------------------------

gg_frame <- function(xlab, ylab) {
  list(ggplot2::theme_minimal(),
       ggplot2::theme(legend.position = "top", legend.box = "vertical", legend.box.spacing = ggplot2::unit(4, "pt"),
                      legend.margin = ggplot2::margin(1, 0, 1, 0), legend.spacing.y = ggplot2::unit(2, "pt"),
                      panel.grid.minor = ggplot2::element_blank(), plot.margin = ggplot2::margin(5.5, 11, 5.5, 5.5)),
       ggplot2::labs(x = gg_axis_name(xlab), y = gg_axis_name(ylab, 24L)))
}

# Long names of axes take two lines: one is cut where the picture is small.
gg_axis_name <- function(label, most = 30L) if (is.null(label)) NULL else in_two_lines(label, most, "[ ]")

# The key takes as many rows (three at most), and goes without its title, as it must to fit a column of print:
# symbols and letters in points.
gg_key_width <- function(labels, title = NULL) {
  sum(36 + 4.2 * nchar(labels, type = "width")) + if (is.null(title)) 0 else 6 + 5.5 * nchar(title)
}

gg_key_rows <- function(labels, title = NULL) as.integer(min(3, ceiling(gg_key_width(labels, title) / 225)))

# A wide key ends with the panel and begins over the numbers of the axis, where there is room; more entries than three rows
# hold are smaller.
gg_key_room <- function(data) {
  labels <- shorten(data$components$component)
  width <- gg_key_width(labels)
  if (width <= 225 && data$type != "profile") return(NULL)
  small <- if (width > 3 * 200) list(legend.text = ggplot2::element_text(size = 7), legend.key.width = ggplot2::unit(13, "pt"),
                                     legend.key.height = ggplot2::unit(11, "pt"))
  do.call(ggplot2::theme, c(list(legend.justification = "right"), small))
}

gg_key_title <- function(labels, title) if (gg_key_rows(labels, title) == 1L) title

gg_key <- function(labels, title = NULL, ...) {
  ggplot2::guide_legend(nrow = gg_key_rows(labels, title), byrow = TRUE, override.aes = list(...))
}

# Colour, shape and line of the components, in their order, under one title.
gg_scales <- function(style, what = c("colour", "shape", "linetype"), title = "component") {
  labels <- shorten(style$component)
  make <- list(colour = ggplot2::scale_colour_manual, fill = ggplot2::scale_fill_manual, shape = ggplot2::scale_shape_manual,
               linetype = ggplot2::scale_linetype_manual)
  values <- list(colour = style$colour, fill = style$colour, shape = style$symbol, linetype = style$line)
  lapply(what, function(one) {
    make[[one]](gg_key_title(labels, title), values = values[[one]], limits = style$component, labels = labels,
                guide = if (one == what[1L]) gg_key(labels, NULL, alpha = 1, size = 2) else gg_key(labels))
  })
}

# What has no line in the picture has none in the key, either.
key_lines <- function(style, part) {
  style$line[is.na(line_in(style, part))] <- "blank"
  style
}

# Beside several components their sum has an entry of the key, too.
with_mixture_style <- function(style) {
  if (nrow(style) < 2L) return(style)
  rbind(style, data.frame(component = "the mixture", colour = "#000000", symbol = NA, line = "solid", size = 1))
}

gg_histogram <- function(bars, height = "density") {
  ggplot2::geom_rect(ggplot2::aes(xmin = .data$left, xmax = .data$right, ymin = 0, ymax = .data[[height]]),
                     data = bars, fill = light_grey, colour = "white")
}

# Curves of the components, and of their sum, where there are several.
gg_curves <- function(curves, style, x = "x", y = "density") {
  each <- curves[!is.na(curves$component), ]
  list(
    if (nrow(style) > 1L) ggplot2::geom_line(ggplot2::aes(.data[[x]], .data[[y]], colour = "the mixture", linetype = "the mixture"),
                                             linewidth = 1.2, data = curves[is.na(curves$component), ]),
    ggplot2::geom_line(ggplot2::aes(.data[[x]], .data[[y]], colour = .data$component, linetype = .data$component),
                       linewidth = 0.8, data = each)
  )
}

gg_rug <- function(rug) {
  ggplot2::geom_rug(ggplot2::aes(.data$x), data = rug, colour = rug$colour, sides = "b", inherit.aes = FALSE)
}

# Smaller and fainter where many would hide the ellipses.
gg_points <- function(points) {
  crowd <- crowded(nrow(points))
  list(
    ggplot2::geom_point(ggplot2::aes(.data$x, .data$y, colour = .data$component, shape = .data$component,
                                     size = .data$uncertainty), data = points, alpha = if (crowd < 0.5) 0.4 else 0.65),
    ggplot2::scale_size_continuous(range = c(1, 4) * crowd, limits = c(0, 1), guide = "none")
  )
}

gg_ellipses <- function(ellipses) {
  ggplot2::geom_path(ggplot2::aes(.data$x, .data$y, colour = .data$component, linetype = .data$component,
                                  group = interaction(.data$component, .data$level)), data = ellipses, linewidth = 0.8)
}

# A white cross under a black one stands out anywhere.
gg_means <- function(means, size = 3.5) {
  cross <- function(...) ggplot2::geom_point(ggplot2::aes(.data$x, .data$y), data = means, shape = 3L, ...)
  list(cross(size = 1.06 * size, stroke = 0.75 * size, colour = "white"), cross(size = size, stroke = 0.37 * size))
}

# Types ----------------------------------------------------------------------------------------------------

#' @export
gg_plot.em_plot_density <- function(data) {
  ggplot2::ggplot() + gg_histogram(data$bars) + gg_curves(data$curves, data$components) + gg_rug(data$rug) +
    ggplot2::coord_cartesian(ylim = c(0, density_top(data$bars, data$curves))) +
    gg_density_marks(data) + gg_scales(with_mixture_style(data$components), c("colour", "linetype")) + gg_frame(data$variable, "density")
}

# Dotted, from the axis to the curve of the component.
gg_mean_lines <- function(means, ...) {
  ggplot2::geom_segment(ggplot2::aes(x = .data$x, xend = .data$x, y = 0, yend = .data$density, colour = .data$component, ...),
                        data = means, linetype = "12", show.legend = FALSE)
}

gg_density_marks <- function(data) {
  top <- density_top(data$bars, data$curves)
  list(
    if (!is.null(data$quantiles)) ggplot2::geom_vline(ggplot2::aes(xintercept = .data$x), data = data$quantiles, linetype = "42",
                                                      colour = quiet_grey),
    if (!is.null(data$quantiles)) ggplot2::geom_text(ggplot2::aes(.data$x, 0.98 * top, label = .data$label), data = data$quantiles, size = 3),
    if (!is.null(data$regions)) ggplot2::geom_rect(ggplot2::aes(xmin = .data$lower, xmax = .data$upper, ymin = 0, ymax = 0.015 * top),
                                                   data = data$regions, fill = "black"),
    if (!is.null(data$means)) gg_mean_lines(data$means),
    if (!is.null(data$modes)) ggplot2::geom_point(ggplot2::aes(.data$x, .data$density), data = data$modes, shape = 25L, size = 3,
                                                  fill = "black")
  )
}

#' @export
gg_plot.em_plot_cluster <- function(data) {
  below <- data$rug[data$rug$axis == 1L, ]
  left <- data$rug[data$rug$axis == 2L, ]
  ggplot2::ggplot() + gg_points(data$points) +
    ggplot2::geom_rug(ggplot2::aes(x = .data$at, colour = .data$component), data = below, sides = "b", alpha = 0.65,
                      show.legend = FALSE) +
    ggplot2::geom_rug(ggplot2::aes(y = .data$at, colour = .data$component), data = left, sides = "l", alpha = 0.65,
                      show.legend = FALSE) +
    gg_ellipses(data$ellipses) + gg_means(data$means) +
    gg_scales(key_lines(data$components, data$ellipses)) + gg_frame(data$variables[1L], data$variables[2L])
}

# One facet for each pair; the curves of the diagonal are stretched to the height of their facet.
#' @export
gg_plot.em_plot_pairs <- function(data) {
  names <- factor(data$variables, levels = data$variables)
  place <- function(part, column = part$column, line = part$line) {
    data.frame(part, across = names[column], down = names[line])
  }
  ranges <- vapply(seq_along(names), function(j) pair_limits(data, j), numeric(2L))
  # On the diagonal densities stand on the variable's own axis, which says nothing of them and shows no numbers there.
  tops <- vapply(seq_along(names), function(j) {
    density_top(data$bars[data$bars$column == j, ], data$curves[data$curves$column == j, ])
  }, 0)
  lift <- function(density, column) ranges[1L, column] + density / tops[column] * (ranges[2L, ] - ranges[1L, ])[column]
  bars <- data$bars
  bars$floor <- ranges[1L, bars$column]
  bars$y <- lift(bars$density, bars$column)
  curves <- data$curves
  curves$y <- lift(curves$density, curves$column)
  first <- c(ranges[1L, 1L], max(bars$y[bars$column == 1L], curves$y[curves$column == 1L]))
  mixed <- if (nrow(data$components) > 1L) curves[is.na(curves$component), ]
  curves <- curves[!is.na(curves$component), ]
  above <- which(upper.tri(diag(length(names))), arr.ind = TRUE)
  layers <- list()
  if (!is.null(data$points)) {
    layers <- list(gg_points(place(data$points)), gg_ellipses(place(data$ellipses)), gg_means(place(data$means), 1.6))
  }
  ggplot2::ggplot() + layers +
    ggplot2::geom_rect(ggplot2::aes(xmin = .data$left, xmax = .data$right, ymin = .data$floor, ymax = .data$y),
                       data = place(bars, line = bars$column), fill = light_grey, colour = "white") +
    (if (!is.null(mixed)) ggplot2::geom_line(ggplot2::aes(.data$x, .data$y), data = place(mixed, line = mixed$column),
                                             linewidth = 0.9)) +
    ggplot2::geom_line(ggplot2::aes(.data$x, .data$y, colour = .data$component, linetype = .data$component),
                       data = place(curves, line = curves$column)) +
    (if (nrow(above)) ggplot2::geom_rect(ggplot2::aes(xmin = -Inf, xmax = Inf, ymin = -Inf, ymax = Inf), fill = "white",
                                         data = place(data.frame(column = above[, 2L], line = above[, 1L])))) +
    ggplot2::facet_grid(ggplot2::vars(.data$down), ggplot2::vars(.data$across), scales = "free", switch = "both",
                        labeller = ggplot2::as_labeller(in_two_lines)) +
    ggplot2::scale_y_continuous(breaks = not_of(first), guide = ggplot2::guide_axis(check.overlap = TRUE)) +
    ggplot2::scale_x_continuous(guide = ggplot2::guide_axis(check.overlap = TRUE)) +
    gg_scales(data$components) + gg_frame(NULL, NULL) +
    ggplot2::theme(strip.placement = "outside", strip.clip = "off",
                   strip.text = ggplot2::element_text(size = ggplot2::rel(min(0.8, 3.2 / length(names)))))
}

# Names too long for a small panel are broken after the dot, line or blank that is nearest to their middle.
in_two_lines <- function(labels, most = 8L, after = "[._ -]") {
  vapply(as.character(labels), function(label) {
    at <- gregexpr(after, label)[[1L]]
    n <- nchar(label)
    at <- at[at > 1L & at < n]
    if (n <= most || !length(at)) return(label)
    at <- at[which.min(abs(at - n / 2))]
    paste0(substr(label, 1L, at), "\n", substring(label, at + 1L))
  }, "", USE.NAMES = FALSE)
}

# Breaks of an axis, none on the one of this range, which ggplot2 widens by as much on both sides.
not_of <- function(range) {
  function(limits) {
    own <- abs(sum(limits) - sum(range)) < 1e-6 * diff(range) && diff(limits) < 1.3 * diff(range)
    if (own) numeric() else pretty(limits, 4L)
  }
}

whole_ticks <- function(limits) Filter(function(at) at == floor(at), pretty(limits))

#' @export
gg_plot.em_plot_counts <- function(data) {
  each <- data$curves[!is.na(data$curves$component), ]
  ggplot2::ggplot() + gg_histogram(data$bars, "observed") +
    (if (nrow(data$components) > 1L) {
      ggplot2::geom_segment(ggplot2::aes(.data$left, .data$expected, xend = .data$right, yend = .data$expected,
                                         colour = "the mixture", linetype = "the mixture"), data = mixture_steps(data), linewidth = 1.2)
    }) +
    ggplot2::geom_line(ggplot2::aes(.data$at, .data$expected, colour = .data$component, linetype = .data$component),
                       data = each, linewidth = 0.4) +
    ggplot2::geom_point(ggplot2::aes(.data$at, .data$expected, colour = .data$component, shape = .data$component),
                        data = each, size = 2 * count_size(nrow(data$bars) / 25)) +
    (if (all(each$at == floor(each$at))) ggplot2::scale_x_continuous(breaks = function(limits) whole_ticks(limits))) +
    gg_scales(with_mixture_style(data$components)) + gg_frame(data$variable, "rows")
}

#' @export
gg_plot.em_plot_trace <- function(data) {
  starts <- data$starts[is.finite(data$starts$loglik), ]
  starts$what <- rep("every start", nrow(starts))
  limits <- trace_limits(data)
  best <- data.frame(data$trace, what = "best start")
  first <- from_below(best[1L, ], limits)
  foot <- limits[1L] + trace_foot * diff(limits)
  ggplot2::ggplot(mapping = ggplot2::aes(.data$iteration, .data$loglik, colour = .data$what, linewidth = .data$what)) +
    (if (nrow(data$ends) > 1L) list(
      ggplot2::geom_line(ggplot2::aes(group = .data$start), data = starts),
      ggplot2::geom_point(ggplot2::aes(.data$iteration, .data$loglik, shape = .data$how), data = trace_stops(data), size = 2,
                          colour = quiet_grey, inherit.aes = FALSE, show.legend = any(data$ends$status %in% "collapsed")),
      ggplot2::scale_shape_manual(NULL, values = c(ended = 1L, collapsed = 4L))
    )) +
    ggplot2::geom_line(data = best) +
    (if (nrow(best) <= 60L) ggplot2::geom_point(data = best, size = 1.5, show.legend = FALSE)) +
    (if (first$below) list(
      ggplot2::annotate("point", x = 0, y = foot, shape = 25L, fill = okabe_ito[["blue"]], colour = okabe_ito[["blue"]]),
      ggplot2::annotate("label", x = 0, y = foot, label = paste("start at", number(best$loglik[1L])), hjust = -0.12, size = 3,
                        colour = quiet_grey, fill = "white", alpha = 0.75, label.size = 0)
    )) +
    ggplot2::scale_colour_manual(NULL, values = c("best start" = okabe_ito[["blue"]], "every start" = quiet_grey)) +
    ggplot2::scale_linewidth_manual(NULL, values = c("best start" = 1.2, "every start" = 0.3)) +
    ggplot2::scale_x_continuous(breaks = function(limits) whole_ticks(limits)) +
    ggplot2::coord_cartesian(ylim = limits) + gg_frame("iteration", data$variable) +
    (if (nrow(data$ends) < 2L) ggplot2::theme(legend.position = "none"))
}

trace_stops <- function(data) {
  ends <- data$ends[is.finite(data$ends$loglik), ]
  ends$how <- factor(ifelse(ends$status %in% "collapsed", "collapsed", "ended"), c("ended", "collapsed"))
  ends
}

#' @export
gg_plot.em_plot_path <- function(data) {
  strong <- function(part) {
    data.frame(part, strength = data$steps$strength[match(part$iteration, data$steps$iteration)])
  }
  moving <- unique(c(data$curves$component, data$ellipses$component))
  frame <- list(
    gg_scales(data$components[data$components$component %in% moving, ]),
    ggplot2::scale_alpha_continuous("iteration", range = c(0.3, 1), limits = c(0.3, 1), breaks = data$steps$strength,
                                    labels = data$steps$iteration, guide = gg_key(data$steps$iteration, "iteration")),
    ggplot2::scale_linewidth_continuous(range = c(0.3, 1.2), limits = c(0.3, 1), guide = "none")
  )
  if (!is.null(data$curves)) {
    return(ggplot2::ggplot() + gg_path_lines(strong(data$curves), "x", "density") + gg_rug(data$rug) +
             gg_mean_lines(strong(data$means), alpha = .data$strength) +
             gg_frame(data$variable, "density") + frame)
  }
  if (!is.null(data$ellipses)) {
    return(ggplot2::ggplot() +
             ggplot2::geom_point(ggplot2::aes(.data$x, .data$y), data = data$points, colour = quiet_grey,
                                 size = 0.7 * crowded(nrow(data$points)), alpha = 0.5) +
             gg_path_lines(strong(data$ellipses), "x", "y", ggplot2::geom_path) +
             ggplot2::geom_path(ggplot2::aes(.data$x, .data$y, group = .data$component), data = data$walk) +
             ggplot2::geom_point(ggplot2::aes(.data$x, .data$y, colour = .data$component, shape = .data$component,
                                              alpha = .data$strength), data = strong(data$means), size = 2) +
             gg_frame(data$variables[1L], data$variables[2L]) + frame)
  }
  ggplot2::ggplot(data$walk, ggplot2::aes(.data$iteration, .data[[data$value]], colour = .data$component)) +
    ggplot2::geom_line(ggplot2::aes(linetype = .data$component)) +
    ggplot2::geom_point(ggplot2::aes(shape = .data$component), size = 2,
                        data = data$walk[data$walk$iteration %in% data$steps$iteration, ]) + gg_scales(data$components) +
    ggplot2::scale_x_continuous(breaks = function(limits) whole_ticks(limits)) +
    ggplot2::ylim(data$limits) + gg_frame("iteration", data$axis)
}

gg_path_lines <- function(part, x, y, geom = ggplot2::geom_line) {
  geom(ggplot2::aes(.data[[x]], .data[[y]], colour = .data$component, linetype = .data$component,
                    alpha = .data$strength, linewidth = .data$strength, group = interaction(.data$component, .data$iteration)),
       data = part)
}

#' @export
gg_plot.em_plot_responsibility <- function(data) {
  if (is.null(data$bars)) {
    return(ggplot2::ggplot() +
             ggplot2::geom_line(ggplot2::aes(.data$x, .data$responsibility, colour = .data$component,
                                             linetype = .data$component), data = data$curves, linewidth = 1) +
             gg_rug(data$rug) + gg_scales(data$components, c("colour", "linetype")) + ggplot2::ylim(0, 1) +
             gg_frame(data$variable, "P(component | x)"))
  }
  bars <- data$bars
  first <- bars[bars$component == bars$component[1L], ]
  # So many as a column of print has room for, evenly spaced.
  shown <- first[seq(1L, nrow(first), by = ceiling(nrow(first) * max(nchar(first$label)) / 36)), ]
  named <- bars[bars$responsibility > 0.08 & max(bars$at) <= 20, ]
  ggplot2::ggplot() +
    ggplot2::geom_rect(ggplot2::aes(xmin = .data$at - 0.42, xmax = .data$at + 0.42, ymin = .data$bottom,
                                    ymax = .data$top, fill = .data$component), data = bars) +
    gg_bar_names(named) +
    ggplot2::scale_x_continuous(breaks = shown$at, labels = shown$label,
                                guide = ggplot2::guide_axis(check.overlap = TRUE)) +
    gg_bar_symbols(bars, data$components) +
    gg_scales(data$components, c("fill", "shape")) + gg_frame(data$variable, "P(component | row)")
}

# Where bars are too many to be named, the symbols of the components stand in some of them.
gg_bar_symbols <- function(bars, style) {
  n <- max(bars$at)
  if (n <= 20L) return(NULL)
  marked <- bars[bars$at %in% unique(round(seq(1, n, length.out = 24L))) & bars$responsibility > 0.15, ]
  ggplot2::geom_point(ggplot2::aes(.data$at, (.data$bottom + .data$top) / 2, shape = .data$component), data = marked,
                      colour = "white", size = 1.5)
}

#' @export
gg_plot.em_plot_uncertainty <- function(data) {
  ggplot2::ggplot() + gg_points(data$points) + gg_labels(most_important_first(data$points)) +
    gg_scales(data$components, c("colour", "shape")) + gg_frame(data$variables[1L], data$variables[2L])
}

#' @export
gg_plot.em_plot_qq <- function(data) {
  ggplot2::ggplot(data$points, ggplot2::aes(.data$expected)) +
    ggplot2::geom_ribbon(ggplot2::aes(ymin = .data$lower, ymax = .data$upper), fill = light_grey) +
    ggplot2::geom_abline(slope = 1, intercept = 0, colour = quiet_grey) +
    ggplot2::geom_point(ggplot2::aes(y = .data$residual), colour = okabe_ito[["blue"]], size = 1) +
    gg_labels(data$points, "expected", "residual") +
    gg_frame("normal quantile", paste("quantile residual of", data$variable))
}

#' @export
gg_plot.em_plot_surface <- function(data) {
  labels <- paste("probability of", data$variables)
  surface <- data$surface[is.finite(data$surface$loglik), ]
  ggplot2::ggplot(mapping = ggplot2::aes(.data$x, .data$y)) +
    ggplot2::geom_contour(ggplot2::aes(z = .data$loglik), data = surface, breaks = surface_levels(surface$loglik),
                          colour = quiet_grey) +
    ggplot2::geom_abline(slope = 1, intercept = 0, linetype = "dotted") +
    gg_walk(data$walk) +
    ggplot2::geom_point(ggplot2::aes(shape = .data$what), data = data$marks, size = 3, stroke = 1.3) +
    ggplot2::scale_shape_manual(NULL, values = c(start = 19L, maximum = 8L, saddle = 4L)) + gg_frame(labels[1L], labels[2L])
}

# The start as a point, and a head on every step that is long enough to carry one.
gg_walk <- function(walk) {
  blue <- okabe_ito[["blue"]]
  n <- nrow(walk)
  steps <- data.frame(x = walk$x[-n], y = walk$y[-n], to_x = walk$x[-1L], to_y = walk$y[-1L])
  long <- sqrt((steps$to_x - steps$x)^2 + (steps$to_y - steps$y)^2) > 0.02
  aes <- ggplot2::aes(.data$x, .data$y, xend = .data$to_x, yend = .data$to_y)
  list(ggplot2::geom_segment(aes, data = steps[!long, ], colour = blue),
       ggplot2::geom_segment(aes, data = steps[long, ], colour = blue,
                             arrow = ggplot2::arrow(length = ggplot2::unit(0.08, "inches"), type = "closed")),
       ggplot2::geom_point(ggplot2::aes(.data$x, .data$y, shape = "start"), data = walk[1L, ], colour = blue, size = 2.2))
}
