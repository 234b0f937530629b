# type = "hdr": the smallest regions that hold given parts of the mixture: bars under the density of one column, contours
# of two.

plot_data_hdr <- function(fit, variables = NULL, prob = c(0.5, 0.95), n = 20000L, grid = 121L) {
  density <- as_em_density(fit)
  names <- density_columns(density)
  at <- pick_variables(names, if (is.null(variables)) seq_len(min(2L, length(names))) else variables, "variables", most = 2L)
  if (length(at) == 1L) return(hdr_of_column(fit, density, at, prob))
  grid <- check_count(grid, "grid", 5L)
  pair <- pick_density(density, at)
  if (is.null(if (length(pair$blocks) == 1L) block_modal(pair$blocks[[1L]]))) {
    abort_em("unsupported", c("A plot of type \"hdr\" is of one column of numbers, or of two normal ones.",
                              i = sprintf("variables = %s; em_hdr() has the regions of others.", dQuote(names[at[1L]], FALSE))))
  }
  found <- with_seed(1L, em_hdr(pair, prob, n = n))
  modal <- need_modal(pair)
  cells <- family_cells(fit$family, fit$data)[, match(density_columns(pair), names), drop = FALSE]
  spread <- vapply(1:2, function(j) sqrt(modal$covariance[j, j, ]), numeric(density$k))
  spread <- matrix(spread, density$k)
  axis <- lapply(1:2, function(j) {
    limits <- range(cells[, j], modal$mean[, j] - 3 * spread[, j], modal$mean[, j] + 3 * spread[, j], na.rm = TRUE)
    seq(limits[1L], limits[2L], length.out = grid)
  })
  height <- log_sum(joint_log_density(pair, as.matrix(expand.grid(axis))))
  rows <- rows_to_draw(fit$data$n)
  list(variables = density_columns(pair), levels = found$levels,
       points = stats::na.omit(data.frame(row = rows, x = cells[rows, 1L], y = cells[rows, 2L])),
       contours = hdr_contours(axis, matrix(height, grid), found$levels), modes = stats::setNames(em_modes(pair), c("x", "y", "density")))
}

hdr_contours <- function(axis, height, levels) {
  pieces <- lapply(seq_len(nrow(levels)), function(i) {
    lines <- grDevices::contourLines(axis[[1L]], axis[[2L]], height, levels = log(levels$level[i]))
    do.call(rbind, lapply(seq_along(lines), function(j) {
      data.frame(prob = levels$prob[i], piece = paste(i, j), x = lines[[j]]$x, y = lines[[j]]$y)
    }))
  })
  do.call(rbind, pieces)
}

hdr_of_column <- function(fit, density, at, prob) {
  line <- density_line(density, at)
  if (line$law$discrete) {
    abort_em("unsupported", c("A plot of type \"hdr\" is for columns of numbers that are not counts.", i = "em_hdr() has the values."))
  }
  found <- em_hdr(pick_density(density, at), prob)
  parts <- plot_data_density(fit, at)
  c(parts[c("variable", "components", "bars", "curves")], list(levels = found$levels, regions = found$regions))
}

hdr_lines <- function(levels) stats::setNames(rep_len(c("solid", "42", "12"), nrow(levels)), percent(levels$prob))

#' @export
draw_plot.em_plot_hdr <- function(data, look) {
  lines <- hdr_lines(data$levels)
  if (!is.null(data$contours)) {
    old <- open_frame(padded_range(c(data$points$x, data$contours$x)), padded_range(c(data$points$y, data$contours$y)), look,
                      data$variables[1L], data$variables[2L],
                      rbind(key_entries(names(lines), okabe_ito[["blue"]], line = unname(lines)), key_entries("peaks", "black", symbol = 3L)))
    on.exit(graphics::par(old))
    graphics::points(data$points$x, data$points$y, pch = 19L, cex = 0.5, col = quiet_grey)
    for (piece in split(data$contours, data$contours$piece)) {
      graphics::lines(piece$x, piece$y, col = okabe_ito[["blue"]], lty = lines[[percent(piece$prob[1L])]], lwd = 2)
    }
    return(graphics::points(data$modes$x, data$modes$y, pch = 3L, lwd = 2))
  }
  top <- density_top(data$bars, data$curves)
  low <- hdr_height(nrow(data$levels), top)
  old <- open_frame(hdr_xlim(data, max(0.14, 0.45 / max(0.5, graphics::par("fin")[1L] - 1.2))), c(low, top), look, data$variable,
                    "density", key_entries("the mixture", "black", line = "solid"), least = 0)
  on.exit(graphics::par(old))
  draw_histogram(data$bars)
  sum <- is.na(data$curves$component)
  graphics::lines(data$curves$x[sum], data$curves$density[sum], lwd = 2.5)
  bars <- hdr_bars(data, top)
  graphics::rect(bars$lower, bars$bottom, bars$upper, bars$top, col = okabe_ito[["blue"]], border = NA)
  graphics::abline(h = data$levels$level, lty = unname(lines), col = quiet_grey)
  names <- hdr_names(data, top)
  room <- hdr_step * top / graphics::strheight("0") # bars closer to each other than lines of text have smaller names
  graphics::text(names$x, names$y, names$label, adj = c(1, 0.5), cex = min(0.8, 0.8 * room), xpd = NA)
}

# How far below each other the bars are, in parts of the height of the picture.
hdr_step <- 0.1

# With room for the names of the bars.
hdr_xlim <- function(data, left = 0.14) range(data$curves$x) + c(-left, 0.01) * diff(range(data$curves$x))

hdr_height <- function(i, top) -hdr_step * top * i

# What each bar holds, left of all of them.
hdr_names <- function(data, top) {
  label <- percent(data$levels$prob)
  data.frame(x = min(data$curves$x) - 0.01 * diff(range(data$curves$x)), y = hdr_height(match(label, label), top) + 0.03 * top, label = label)
}

hdr_bars <- function(data, top) {
  bottom <- hdr_height(match(data$regions$prob, data$levels$prob), top)
  data.frame(data$regions, bottom = bottom + 0.01 * top, top = bottom + 0.05 * top)
}

#' @export
gg_plot.em_plot_hdr <- function(data) {
  lines <- hdr_lines(data$levels)
  if (!is.null(data$contours)) {
    return(ggplot2::ggplot() +
             ggplot2::geom_point(ggplot2::aes(.data$x, .data$y), data = data$points, colour = quiet_grey, size = 0.8) +
             ggplot2::geom_path(ggplot2::aes(.data$x, .data$y, group = .data$piece, linetype = percent(.data$prob)),
                                data = data$contours, colour = okabe_ito[["blue"]], linewidth = 0.9) +
             ggplot2::geom_point(ggplot2::aes(.data$x, .data$y, shape = "peaks"), data = data$modes, size = 3.5, stroke = 1.3) +
             ggplot2::scale_shape_manual(NULL, values = c(peaks = 3L)) +
             ggplot2::scale_linetype_manual("region", values = lines) + gg_frame(data$variables[1L], data$variables[2L]) +
             ggplot2::theme(legend.box = "horizontal"))
  }
  top <- density_top(data$bars, data$curves)
  ggplot2::ggplot() + gg_histogram(data$bars) +
    ggplot2::geom_line(ggplot2::aes(.data$x, .data$density, colour = "the mixture"), data = data$curves[is.na(data$curves$component), ],
                       linewidth = 1.1) + ggplot2::scale_colour_manual(NULL, values = "black") +
    ggplot2::geom_rect(ggplot2::aes(xmin = .data$lower, xmax = .data$upper, ymin = .data$bottom, ymax = .data$top),
                       data = hdr_bars(data, top), fill = okabe_ito[["blue"]]) +
    ggplot2::geom_text(ggplot2::aes(.data$x, .data$y, label = .data$label), data = hdr_names(data, top), hjust = 1, size = 3) +
    ggplot2::expand_limits(x = hdr_xlim(data)) +
    ggplot2::geom_hline(ggplot2::aes(yintercept = .data$level, linetype = percent(.data$prob)), data = data$levels, colour = quiet_grey) +
    ggplot2::scale_y_continuous(breaks = function(limits) pretty(limits)[pretty(limits) >= 0]) +
    ggplot2::scale_linetype_manual(NULL, values = lines) + gg_frame(data$variable, "density") +
    ggplot2::theme(legend.box = "horizontal")
}
