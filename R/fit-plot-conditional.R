# type = "conditional": what a fit says of one column given another: expected value, quantiles, and the peaks, of which
# there may be two.

plot_data_conditional <- function(fit, variables = NULL, probs = c(0.05, 0.95), grid = 121L) {
  grid <- check_count(grid, "grid", 5L)
  probs <- check_probabilities(probs, "probs")
  density <- as_em_density(fit)
  names <- density_columns(density)
  if (length(names) < 2L) {
    abort_em("unsupported", c("A plot of type \"conditional\" needs two columns.", i = "Try type = \"density\"."))
  }
  at <- pick_variables(names, if (is.null(variables)) 1:2 else variables, "variables", most = 2L, least = 2L)
  cells <- family_cells(fit$family, fit$data)[, at, drop = FALSE]
  given <- density_line(density, at[1L])$law
  x <- given_values(given, range(cells[, 1L], na.rm = TRUE), grid)
  line <- conditional_line(density, at, x)
  if (!is.null(line$law$levels)) {
    abort_em("unsupported", c(sprintf("A plot of type \"conditional\" is of numbers, and %s are categories.", dQuote(names[at[2L]], FALSE)),
                              i = sprintf("predict(fit, newdata, type = \"response\") has their probabilities; or turn round: variables = c(%s)",
                                          paste(dQuote(names[rev(at)], FALSE), collapse = ", "))))
  }
  told <- law_told(line, length(x), probs)
  band <- if (length(probs)) data.frame(x = x, lower = told[[3L]], upper = told[[ncol(told)]])
  rows <- rows_to_draw(fit$data$n)
  list(variables = names[at], points = stats::na.omit(data.frame(row = rows, x = cells[rows, 1L], y = cells[rows, 2L])),
       band = band, expected = data.frame(x = x, y = told$mean), modes = conditional_modes(line, x), probs = probs,
       steps = given$discrete, levels = given$levels)
}

# Of counts and categories every value, else a grid.
given_values <- function(law, limits, grid) {
  if (!is.null(law$levels)) return(seq_along(law$levels))
  if (law$discrete && diff(limits) < 1000) return(seq(limits[1L], limits[2L]))
  x <- seq(limits[1L], limits[2L], length.out = grid)
  if (law$discrete) unique(round(x)) else x
}

# Column at[2] given column at[1], at each of x.
conditional_line <- function(density, at, x) {
  given <- density_line(density, at[1L])
  n <- length(x)
  each <- law_log_density(given$law, x)
  noise <- NULL
  if (!is.null(density$noise)) {
    each <- cbind(each, -log(density$noise$box$sides[density$noise$columns[at[1L]]]))
    noise <- noise_along(density$noise, at[2L])
  }
  each <- each + given$log_weights[rep(1L, n), , drop = FALSE]
  each <- each - log_sum(each)
  from <- column_place(density$blocks, at[1L])
  to <- column_place(density$blocks, at[2L])
  law <- if (from[1L] == to[1L]) block_law(density$blocks[[to[1L]]], to[2L], matrix(x), from[2L])
         else column_law(density$blocks, at[2L])
  new_line(exp(each), law, noise, each)
}

# Peaks at each x; a peak goes on the line of the nearest peak at the x before, unless that is a leap away: there the probability
# has gone over to another branch.
conditional_modes <- function(line, x) {
  each <- lapply(seq_along(x), function(i) weighty_peaks(line_rows(line, i)))
  leap <- max(0.15 * diff(range(unlist(each))), line$law$discrete)
  lines <- list(seq_along(each[[1L]]))
  last <- length(each[[1L]])
  for (i in seq_along(x)[-1L]) {
    own <- follow_peaks(each[[i - 1L]], lines[[i - 1L]], each[[i]], leap)
    own[is.na(own)] <- last + seq_len(sum(is.na(own)))
    last <- max(last, own)
    lines[[i]] <- own
  }
  count <- lengths(each)
  data.frame(x = rep(x, count), y = unlist(each), line = unlist(lines), peaks = rep(count, count))
}

# The line of each peak, NA for one that begins a line; the pairs that are closest are joined first, each peak once.
follow_peaks <- function(before, line, now, leap) {
  out <- rep(NA_integer_, length(now))
  away <- abs(outer(before, now, `-`))
  while (length(away) && min(away) <= leap) {
    at <- arrayInd(which.min(away), dim(away))
    out[at[2L]] <- line[at[1L]]
    away[at[1L], ] <- Inf
    away[, at[2L]] <- Inf
  }
  out
}

# The peaks of a line that have at least 1 of 100 parts of the probability between the valleys about them: a component
# without weight has its peak all the same, far below anything that is seen.
weighty_peaks <- function(line, least = 0.01) {
  turns <- if (line$law$discrete) count_turns(line) else line_turns(line)
  if (length(turns$modes) < 2L) return(turns$modes)
  mass <- diff(c(0, line_cdf(line_repeat(line, length(turns$valleys)), turns$valleys), 1))
  turns$modes[mass >= min(least, max(mass))]
}

# Between two peaks of counts the least probable value.
count_turns <- function(line) {
  modes <- count_modes(line)
  valleys <- vapply(seq_along(modes)[-1L], function(i) {
    values <- seq(modes[i - 1L], modes[i])
    values[which.min(line_log_density(line_repeat(line, length(values)), values))]
  }, 0)
  list(modes = modes, valleys = valleys)
}

conditional_ylim <- function(data) padded_range(c(data$points$y, data$expected$y, data$band$lower, data$band$upper))

#' @export
draw_plot.em_plot_conditional <- function(data, look) {
  key <- rbind(key_entries(c("data", "expected value"), c(quiet_grey, "black"), c(19L, NA), c(NA, "solid"), 2.5),
               key_entries("peaks", okabe_ito[["vermillion"]], line = "42", width = 2.5),
               if (!is.null(data$band)) key_entries(band_name(data), light_grey, symbol = 15L))
  xlim <- padded_range(if (data$steps) range(data$expected$x) + c(-0.5, 0.5) else data$points$x)
  old <- open_frame(xlim, conditional_ylim(data), look, data$variables[1L], data$variables[2L], key, bottom = is.null(data$levels))
  on.exit(graphics::par(old))
  if (!is.null(data$levels)) graphics::axis(1L, seq_along(data$levels), shorten(data$levels, 12L), lwd = 0, lwd.ticks = 1)
  if (data$steps) return(draw_conditional_steps(data))
  band <- data$band
  if (!is.null(band)) graphics::polygon(c(band$x, rev(band$x)), c(band$lower, rev(band$upper)), col = light_grey, border = NA)
  graphics::points(data$points$x, data$points$y, pch = 19L, cex = 0.5, col = quiet_grey)
  graphics::lines(data$expected$x, data$expected$y, lwd = 2.5)
  for (line in split(data$modes, data$modes$line)) {
    graphics::lines(line$x, line$y, col = okabe_ito[["vermillion"]], lty = "42", lwd = 2.5)
  }
}

# Half of the width that a value's band, expected value and peaks have.
step_half <- 0.35

draw_conditional_steps <- function(data) {
  band <- data$band
  if (!is.null(band)) graphics::rect(band$x - step_half, band$lower, band$x + step_half, band$upper, col = light_grey, border = NA)
  graphics::points(data$points$x, data$points$y, pch = 19L, cex = 0.5, col = quiet_grey)
  across <- function(at, ...) graphics::segments(at$x - step_half, at$y, at$x + step_half, at$y, lwd = 2.5, ...)
  across(data$expected)
  across(data$modes, col = okabe_ito[["vermillion"]], lty = "42")
}

band_name <- function(data) paste(percent(min(data$probs)), "to", percent(max(data$probs)))

#' @export
gg_plot.em_plot_conditional <- function(data) {
  shapes <- if (data$steps) gg_conditional_steps(data) else gg_conditional_lines(data)
  ggplot2::ggplot() + (if (!is.null(data$band)) shapes$band) +
    ggplot2::geom_point(ggplot2::aes(.data$x, .data$y), data = data$points, colour = quiet_grey, size = 0.8) +
    shapes$expected + shapes$modes +
    (if (!is.null(data$levels)) ggplot2::scale_x_continuous(breaks = seq_along(data$levels), labels = shorten(data$levels, 12L))) +
    ggplot2::scale_linetype_manual(NULL, values = c("expected value" = "solid", peaks = "42")) +
    ggplot2::scale_colour_manual(NULL, values = c("expected value" = "black", peaks = okabe_ito[["vermillion"]])) +
    ggplot2::scale_fill_manual(NULL, values = light_grey) + gg_frame(data$variables[1L], data$variables[2L])
}

gg_conditional_lines <- function(data) {
  list(band = ggplot2::geom_ribbon(ggplot2::aes(.data$x, ymin = .data$lower, ymax = .data$upper, fill = band_name(data)), data = data$band),
       expected = ggplot2::geom_line(ggplot2::aes(.data$x, .data$y, linetype = "expected value", colour = "expected value"),
                                     data = data$expected, linewidth = 1.1),
       modes = ggplot2::geom_line(ggplot2::aes(.data$x, .data$y, group = .data$line, linetype = "peaks", colour = "peaks"),
                                  data = data$modes[data$modes$line %in% data$modes$line[duplicated(data$modes$line)], ], linewidth = 1.1))
}

gg_conditional_steps <- function(data) {
  across <- function(at, label) {
    ggplot2::geom_segment(ggplot2::aes(.data$x - step_half, .data$y, xend = .data$x + step_half, yend = .data$y,
                                       linetype = label, colour = label), data = at, linewidth = 1.1)
  }
  list(band = ggplot2::geom_rect(ggplot2::aes(xmin = .data$x - step_half, xmax = .data$x + step_half, ymin = .data$lower,
                                              ymax = .data$upper, fill = band_name(data)), data = data$band),
       expected = across(data$expected, "expected value"), modes = across(data$modes, "peaks"))
}
