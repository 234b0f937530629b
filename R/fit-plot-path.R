# type = "path": how the components moved. Curves for one variable, ellipses for two, one number of each component; the newest of the chosen iterations is the strongest.

plot_data_path <- function(fit, iterations = NULL, variables = NULL) {
  path <- path_parameters(fit)
  chosen <- choose_iterations(iterations, length(path) - 1L)
  steps <- data.frame(iteration = chosen, strength = path_strength(length(chosen)),
                      loglik = fit$trace$loglik[chosen + 1L])
  need_plot(fit, "path")
  parts <- family_path(fit$family, fit, path, chosen, variables)
  c(list(components = fit_style(fit), steps = steps), parts)
}

# At most seven that tell the story: early ones close together, then wider apart, and the last.
choose_iterations <- function(iterations, last) {
  if (is.null(iterations)) {
    story <- c(0L, 1L, 2L, 5L, 10L, 20L, 50L, 100L, 200L, 500L)
    story <- unique(c(story[story < last], last))
    return(if (length(story) > 7L) story[round(seq(1, length(story), length.out = 7L))] else story)
  }
  whole <- is.numeric(iterations) && length(iterations) && !anyNA(iterations) && all(iterations == floor(iterations))
  if (!whole || any(iterations < 0 | iterations > last)) {
    given <- if (is.numeric(iterations)) enumerate(number(iterations)) else describe_value(iterations)
    abort_em("argument", c(sprintf("`iterations` must be whole numbers from 0 to %d, not %s.", last, given),
                           i = "The fit has no more iterations than that."))
  }
  sort(unique(as.integer(iterations)))
}

path_strength <- function(n) if (n == 1L) 1 else 0.3 + 0.7 * (seq_len(n) - 1) / (n - 1)

path_curves <- function(fit, path, chosen, j) {
  x <- fit$data$x[, j]
  margins <- lapply(path[chosen + 1L], function(parameters) component_margins(fit, j, parameters))
  limits <- curve_limits(x, all_margins(margins))
  curves <- do.call(rbind, lapply(seq_along(chosen), function(i) {
    each <- mixture_curves(margins[[i]], limits, noise = noise_curve(fit, j, path[[chosen[i] + 1L]]))
    data.frame(iteration = chosen[i], each[!is.na(each$component), ], row.names = NULL)
  }))
  means <- do.call(rbind, lapply(seq_along(chosen), function(i) data.frame(iteration = chosen[i], mean_marks(margins[[i]]))))
  newest <- fit
  newest$parameters <- path[[max(chosen) + 1L]]
  list(variable = variable_names(fit$data)[j], curves = curves, means = means, rug = density_rug(newest, x))
}

path_ellipses <- function(fit, path, chosen, at) {
  each <- function(make) {
    do.call(rbind, lapply(chosen, function(i) data.frame(iteration = i, make(path[[i + 1L]]), row.names = NULL)))
  }
  all <- do.call(rbind, lapply(seq_along(path), function(i) {
    data.frame(iteration = i - 1L, cluster_means(path[[i]], at))
  }))
  rows <- rows_to_draw(fit$data$n)
  list(variables = variable_names(fit$data)[at],
       points = stats::na.omit(data.frame(row = rows, x = fit$data$x[rows, at[1L]], y = fit$data$x[rows, at[2L]])),
       ellipses = each(function(p) cluster_ellipses(p, at, levels = 0.95)),
       means = each(function(p) cluster_means(p, at)), walk = all)
}

# One number of each component by iteration: its name, what the axis says and its limits.
path_walk <- function(path, name, axis = "probability of success", limits = c(0, 1)) {
  walk <- do.call(rbind, lapply(seq_along(path), function(i) {
    data.frame(iteration = i - 1L, component = names(path[[i]][[name]]), value = unname(path[[i]][[name]]))
  }))
  names(walk)[3L] <- name
  list(walk = walk, value = name, axis = axis, limits = limits)
}

#' @export
draw_plot.em_plot_path <- function(data, look) {
  if (!is.null(data$curves)) return(draw_path_curves(data, look))
  if (!is.null(data$ellipses)) return(draw_path_ellipses(data, look))
  draw_path_walk(data, look)
}

# The components, and in grey which strength is which iteration: where that takes much room, the first and the last.
path_key <- function(data) {
  style <- data$components
  style <- style[style$component %in% c(data$curves$component, data$ellipses$component), ]
  components <- key_entries(style$component, style$colour, line = style$line)
  key <- rbind(components, step_entries(data$steps))
  if (key_rows(key, 0.75 * graphics::par("fin")[1L]) <= 2L) return(key)
  rbind(components, step_entries(data$steps[unique(c(1L, nrow(data$steps))), ]))
}

step_entries <- function(steps) {
  labels <- trimws(paste(c("iteration", rep("", nrow(steps) - 1L)), steps$iteration))
  key_entries(labels, translucent("black", steps$strength), line = "solid", width = path_width(steps$strength))
}

path_width <- function(strength) 0.8 + 2.2 * strength^2

draw_path_curves <- function(data, look) {
  top <- 1.06 * max(data$curves$density)
  across <- padded_range(c(data$curves$x, data$rug$x), 0.01)
  old <- open_frame(across, c(-0.05 * top, top), look, data$variable, "density",
                    path_key(data))
  on.exit(graphics::par(old))
  style <- data$components
  for (i in seq_len(nrow(data$steps))) for (j in seq_len(nrow(style))) {
    step <- data$steps[i, ]
    rows <- data$curves$iteration == step$iteration & data$curves$component == style$component[j]
    graphics::lines(data$curves$x[rows], data$curves$density[rows], col = translucent(style$colour[j], step$strength),
                    lty = style$line[j], lwd = path_width(step$strength))
  }
  draw_means(data$means, style, data$steps$strength[match(data$means$iteration, data$steps$iteration)])
  graphics::segments(data$rug$x, -0.045 * top, data$rug$x, -0.01 * top, col = data$rug$colour)
}

draw_path_ellipses <- function(data, look) {
  old <- open_frame(padded_range(c(data$points$x, data$ellipses$x)), padded_range(c(data$points$y, data$ellipses$y)),
                    look, data$variables[1L], data$variables[2L], path_key(data))
  on.exit(graphics::par(old))
  style <- data$components
  graphics::points(data$points$x, data$points$y, pch = 16L, cex = 0.5, col = translucent(quiet_grey, 0.5))
  for (i in seq_len(nrow(data$steps))) {
    step <- data$steps[i, ]
    draw_ellipses(data$ellipses[data$ellipses$iteration == step$iteration, ], style, alpha = step$strength,
                  lwd = path_width(step$strength))
  }
  draw_walks(data, style)
}

# The whole walk of every mean, with a symbol at the chosen iterations.
draw_walks <- function(data, style) {
  for (j in seq_len(nrow(style))) {
    walk <- data$walk[data$walk$component == style$component[j], ]
    stops <- data$means[data$means$component == style$component[j], ]
    graphics::lines(walk$x, walk$y, lwd = 1.2)
    graphics::points(stops$x, stops$y, pch = style$symbol[j], cex = 0.7 + 0.6 * data$steps$strength,
                     col = style$colour[j])
  }
}

draw_path_walk <- function(data, look) {
  style <- data$components
  walk <- data$walk
  old <- open_frame(c(-0.02, 1.03) * max(walk$iteration, 1), data$limits, look, "iteration", data$axis,
                    key_entries(style$component, style$colour, style$symbol, style$line), whole = TRUE)
  on.exit(graphics::par(old))
  for (j in seq_len(nrow(style))) {
    here <- walk[walk$component == style$component[j], ]
    graphics::lines(here$iteration, here[[data$value]], col = style$colour[j], lty = style$line[j], lwd = 2)
    stops <- here[match(data$steps$iteration, here$iteration), ]
    graphics::points(stops$iteration, stops[[data$value]], pch = style$symbol[j], cex = 1.2,
                     col = translucent(style$colour[j], data$steps$strength))
  }
}
