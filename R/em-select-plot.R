# The picture of em_select(): the criterion by the number of components, near the best.

#' Draw a selection
#'
#' The criterion by the number of components, a line for each structure, the best ringed; `autoplot()` draws it with
#' ggplot2. Where fits that can't win would take most of the axis, it ends above those that compete: the better half, one
#' component more or less than the winner, and the best of each structure that is not far behind. How many fits lie beyond
#' is said below the picture; `ylim` shows them.
#'
#' @param x,fit What [em_select()] returned.
#' @param criterion Which column of the table; left out: the criterion of the selection.
#' @param type Only `"select"`.
#' @param main,xlab,ylab,xlim,ylim As in [graphics::plot()]; `NULL` chooses.
#' @param ... Nothing: an unknown argument is an error.
#' @return `plot_data()`: a list of class `em_plot` with the data frames `points` (`covariance`, `k`, `value`),
#'   `best` (one row of it), `components` (the style of each line), the `criterion`, the `limits` of the axis and how
#'   many points lie `beyond`. `plot()` returns the same,
#'   invisibly. Fits that did not come about leave gaps.
#' @section Errors: `emfit_error_argument`; `emfit_error_degenerate` where no fit came about.
#' @references Schwarz, G. (1978) Estimating the dimension of a model. *Annals of Statistics* 6, 461-464.
#'   \doi{10.1214/aos/1176344136}
#' @seealso [em_select()]
#' @examples
#' models <- em_select(faithful, k = 1:4, covariance = c("EEE", "VVI", "VVV"))
#' plot(models)
#' plot(models, criterion = "ICL")
#' @export
plot.em_select <- function(x, criterion = x$criterion, main = NULL, xlab = NULL, ylab = NULL, xlim = NULL,
                           ylim = NULL, ...) {
  data <- plot_data(x, criterion = criterion, ...)
  draw_plot(data, plot_look(main, xlab, ylab, xlim, ylim))
  invisible(data)
}

#' @rdname plot.em_select
#' @export
plot_data.em_select <- function(fit, type = "select", criterion = fit$criterion, ...) {
  check_no_dots(list(...), c("type", "criterion"))
  check_choice(type, "type", "select")
  criterion <- check_choice(criterion, "criterion", intersect(select_criteria, names(fit$table)))
  fit$table$leaning <- passed_by(fit, criterion)
  best <- rank_fits(fit$table, criterion)[1L]
  if (is.na(best)) abort_nothing_fitted(fit$table)
  label <- ifelse(is.na(fit$table$covariance), fit$table$family, fit$table$covariance)
  points <- data.frame(covariance = label, k = fit$table$k, value = fit$table[[criterion]])
  limits <- rival_limits(points, points[best, ])
  structure(list(type = "select", criterion = criterion, points = points, best = points[best, ],
                 components = component_style(unique(label)), limits = limits,
                 beyond = sum(points$value > limits[2L], na.rm = TRUE)), class = c("em_plot_select", "em_plot"))
}

#' @rdname plot.em_select
#' @param object What [em_select()] returned.
#' @method autoplot em_select
#' @exportS3Method ggplot2::autoplot em_select
autoplot.em_select <- function(object, criterion = object$criterion, ...) {
  gg_with_words(plot_data(object, criterion = criterion, ...))
}

# From the best value to those that compete with it; to all of them where these take most of the axis anyway.
rival_limits <- function(points, best) {
  points <- points[!is.na(points$value), ]
  bests <- tapply(points$value, points$covariance, min)
  near <- points$value[points$covariance == best$covariance & abs(points$k - best$k) <= 1]
  span <- max(near, stats::quantile(points$value, 0.5, type = 1L, names = FALSE)) - best$value
  behind <- bests - best$value
  span <- max(span, behind[behind <= 3 * span])
  all <- max(points$value) - best$value
  if (span <= 0 || all < 2 * span) span <- all
  best$value + c(-0.08, 1.1) * if (span > 0) span else max(abs(best$value), 1) * 0.1
}

beyond_limits <- function(data, ylim = NULL) {
  if (!data$beyond || !is.null(ylim)) return(NULL)
  sprintf("%s of %d above %s", plural(data$beyond, "fit"), sum(!is.na(data$points$value)), number(data$limits[2L], 4L))
}

# The last points of the lines, from below; lines that end beyond the axis have none.
line_ends <- function(data, limits = data$limits) {
  points <- data$points[!is.na(data$points$value), ]
  last <- points[order(points$k), ]
  last <- last[!duplicated(last$covariance, fromLast = TRUE), ]
  last <- last[last$value >= limits[1L] & last$value <= limits[2L], ]
  last <- last[order(last$value), ]
  last$label <- shorten(last$covariance, 12L)
  own <- match(last$covariance, data$components$component)
  last$colour <- data$components$colour[own]
  last$symbol <- data$components$symbol[own]
  last
}

#' @export
gg_plot.em_plot_select <- function(data) {
  points <- data$points[!is.na(data$points$value), ]
  aes <- ggplot2::aes(.data$k, .data$value, colour = .data$covariance, shape = .data$covariance,
                      linetype = .data$covariance)
  ends <- if (nrow(data$components) > 1L) line_ends(data)
  ggplot2::ggplot(points, aes) + ggplot2::geom_line() + ggplot2::geom_point(size = 2) +
    ggplot2::geom_point(ggplot2::aes(.data$k, .data$value), data = data$best, shape = 1L, size = 6, stroke = 1,
                        inherit.aes = FALSE) +
    gg_end_labels(ends) +
    gg_scales(data$components, title = "structure") + ggplot2::scale_x_continuous(breaks = sort(unique(points$k))) +
    ggplot2::coord_cartesian(ylim = data$limits, clip = "on") +
    ggplot2::labs(subtitle = beyond_limits(data)) +
    gg_frame("components", paste0(data$criterion, " (smaller is better)")) +
    ggplot2::theme(plot.subtitle = ggplot2::element_text(size = 9, colour = quiet_grey)) + gg_end_margin(ends) +
    (if (ends_are_key(ends, data$components)) ggplot2::theme(legend.position = "none"))
}

#' @export
draw_plot.em_plot_select <- function(data, look) {
  points <- data$points[!is.na(data$points$value), ]
  style <- data$components
  several <- nrow(style) > 1L
  # One tick for each number of components, no halves.
  ticks <- graphics::par(lab = c(max(1L, min(12L, diff(range(points$k)))), 5L, 7L))
  on.exit(graphics::par(ticks))
  xlim <- padded_range(range(points$k), 0.04)
  # Beside the name of the axis, where nothing of it can be printed over, however narrow the picture.
  told <- beyond_limits(data, look$ylim)
  across <- paste(c("components", if (!is.null(told)) sprintf("(%s)", told)), collapse = " ")
  if (is.null(look$ylim)) look$ylim <- data$limits
  ends <- if (several) line_ends(data, look$ylim)
  key <- if (several && !ends_are_key(ends, style)) key_entries(style$component, style$colour, style$symbol, style$line, 1.5)
  old <- make_room(key, look)
  on.exit(graphics::par(old), add = TRUE)
  places <- end_places(ends, look$ylim)
  if (length(places$at)) xlim[2L] <- xlim[2L] + diff(xlim) * places$width / max(graphics::par("pin")[1L] - places$width, 0.5)
  open_frame(xlim, data$limits, look, across, paste0(data$criterion, " (smaller is better)"), key, bottom = FALSE)
  draw_axis(1L, most = if (is.null(look$xlim)) max(points$k) else Inf)
  for (i in seq_len(nrow(style))) {
    one <- data$points[data$points$covariance == style$component[i], ]
    graphics::lines(one$k, one$value, col = style$colour[i], lty = style$line[i], lwd = 1.5)
    graphics::points(one$k, one$value, col = style$colour[i], pch = style$symbol[i])
  }
  # The ring may stand over the edge, not outside of it.
  within <- data$best$value >= min(look$ylim) && data$best$value <= max(look$ylim)
  graphics::points(data$best$k, data$best$value, cex = 2.6, lwd = 2, xpd = if (within && is.null(look$xlim)) NA else FALSE)
  draw_end_labels(ends, places)
}

# Where their names go, and how wide all columns of them are, in inches.
end_places <- function(ends, limits) {
  if (!length(ends$value)) return(NULL)
  high <- graphics::par("pin")[2L]
  at <- (ends$value - limits[1L]) / diff(limits) * high
  out <- lay_out_ends(at, high, graphics::par("cin")[2L] * graphics::par("cex") * 0.72)
  out$step <- (max(nchar(ends$label, type = "width")) + 0.5) * letter_width(out$cex) * 1.15 + out$symbol
  out$width <- out$gutter + out$step * (max(out$column) + 1)
  out
}

draw_end_labels <- function(ends, places) {
  if (!length(places$at)) return(invisible())
  edge <- graphics::par("usr")
  inch <- c(diff(edge[1:2]), diff(edge[3:4])) / graphics::par("pin")
  across <- function(inches) edge[1L] + inches * inch[1L]
  up <- function(inches) edge[3L] + inches * inch[2L]
  from <- (max(ends$k) - edge[1L]) / inch[1L]
  lines <- end_leaders((ends$k - edge[1L]) / inch[1L], (ends$value - edge[3L]) / inch[2L], from, places, places$step)
  for (i in seq_len(NROW(lines))) {
    one <- lines[i, ]
    graphics::lines(across(c(one$x, one$bend, one$end)), up(c(one$y, one$at, one$at)), col = quiet_grey, lwd = 0.6, xpd = NA)
  }
  left <- from + places$gutter + places$column * places$step
  if (places$symbol > 0) {
    graphics::points(across(left + 0.05), up(places$at), pch = ends$symbol, cex = places$cex, col = ends$colour, xpd = NA)
  }
  graphics::text(across(left + places$symbol), up(places$at), ends$label, adj = c(0, 0.5), cex = places$cex, col = ends$colour, xpd = NA)
}
