# type = "regions": which class is decided where. Two variables, or the first two canonical axes; for one variable
# curves.

#' Draw a classification
#'
#' Where which class is decided, with the rows and the components of the classes; `autoplot()` draws the same with
#' ggplot2.
#'
#' Regions are shaded in the hue of the class that is decided there, lines part them. All components of a class have
#' its hue; their ellipses hold 50 % and 95 % of each, crosses are their means. Points have the hue and the symbol of
#' their true class (grey where it is not known), and those decided wrongly are ringed.
#'
#' More than two variables are drawn along the first two canonical axes, the directions in which the means of the
#' components of different classes
#' are furthest apart beside the spread inside components. In the picture rows are then judged, and regions are drawn,
#' by what is known of a row along these two axes
#' alone; rings are those of the decision by all variables. With `variables` it is the same for two of them.
#' One variable is drawn as a curve for each component, its height the density times the class's share, over its rows.
#'
#' @param x,fit,object What [em_classify()] returned. Gaussian components only.
#' @param type Only `"regions"`.
#' @param variables Two variables, names or numbers, where there are more; left out: the canonical axes.
#' @param prior,costs As in [predict.em_classify()].
#' @param grid How many points regions are judged at, along each axis.
#' @param main,xlab,ylab,xlim,ylim As in [graphics::plot()]; `NULL` chooses.
#' @param ... Nothing: an unknown argument is an error.
#' @return `plot_data()`: a list of class `em_plot` with the data frames `regions` (`x`, `y`, `class`), `borders`,
#'   `points` (`row`, `x`, `y`, `class`,
#'   `decided`, `wrong`), `ellipses`, `means`, `components` (the style of each class), `axes` (a matrix, the picture's
#'   axes in the variables), `variables`; of one variable `curves` and no regions. `plot()` returns the same, invisibly.
#' @section Errors: `emfit_error_argument`; `emfit_error_unsupported` for other than Gaussian components.
#' @references McLachlan, G. J. (1992) *Discriminant Analysis and Statistical Pattern Recognition*. Wiley.
#'   \doi{10.1002/0471725293}
#' @seealso [em_classify()]
#' @examples
#' cl <- em_classify(Species ~ Sepal.Length + Sepal.Width, data = iris, covariance = "VVV")
#' plot(cl)
#' plot(em_classify(iris[1:4], iris$Species, covariance = "VVV"))
#' @export
plot.em_classify <- function(x, type = "regions", variables = NULL, prior = "shares", costs = NULL, grid = 120,
                             main = NULL, xlab = NULL,
                             ylab = NULL, xlim = NULL, ylim = NULL, ...) {
  check_dots(...)
  data <- plot_data(x, type = type, variables = variables, prior = prior, costs = costs, grid = grid)
  draw_plot(data, plot_look(main, xlab, ylab, xlim, ylim))
  invisible(data)
}

#' @rdname plot.em_classify
#' @export
plot_data.em_classify <- function(fit, type = "regions", variables = NULL, prior = "shares", costs = NULL, grid = 120,
                                  ...) {
  check_no_dots(list(...), names(formals(plot_data.em_classify)))
  check_choice(type, "type", "regions")
  grid <- check_count(grid, "grid", 10L)
  costs <- check_costs(costs, fit$classes)
  prior <- check_class_prior(prior, fit)
  need_plot(fit$fits[[1L]], "density")
  data <- reading_fit(fit)$data
  told <- decide(fit, fit_rows_of(fit), prior, costs)
  seen <- along_axes(fit, data, variables)
  parts <- list(type = "regions", variables = seen$labels, components = class_style(fit$classes), axes = seen$axes,
                points = region_points(fit, data, seen, told), prior = told$prior)
  parts <- c(parts, if (ncol(seen$axes) == 1L) region_curves(fit, seen, told$prior)
                    else region_parts(fit, seen, parts$points, told$prior, costs, grid))
  structure(parts, class = c("em_plot_regions", "em_plot"))
}

fit_rows_of <- function(fit) {
  data <- reading_fit(fit)$data
  data["labels"] <- list(NULL)
  data
}

class_style <- function(classes) {
  out <- component_style(classes)
  out$tint <- translucent(out$colour, 0.22)
  out
}

# The components as seen along the axes of the picture: means, covariances, shares, class.
along_axes <- function(fit, data, variables) {
  d <- ncol(data$x)
  all <- gathered_components(fit)
  names <- variable_names(data)
  if (is.null(variables) && d > 2L) {
    axes <- canonical_axes(all)
    labels <- paste("canonical axis", seq_len(ncol(axes)))
  } else {
    at <- pick_variables(names, if (is.null(variables)) seq_len(d) else variables, "variables", most = 2L,
                         least = min(d, 2L))
    axes <- diag(d)[, at, drop = FALSE]
    labels <- names[at]
  }
  rownames(axes) <- names
  c(all[c("class", "share")], list(
    axes = axes, labels = labels, component = fit$components$component, mean = all$mean %*% axes,
    covariance = lapply(all$covariance, function(sigma) crossprod(axes, sigma %*% axes))
  ))
}

# Of all fits, side by side.
gathered_components <- function(fit) {
  at <- fit$components
  list(class = match(at$class, fit$classes), share = at$share, n = at$n,
       mean = do.call(rbind, lapply(seq_len(nrow(at)), function(i) {
         as.matrix(fit$fits[[at$fit[i]]]$parameters$mean)[at$at[i], ]
       })),
       covariance = lapply(seq_len(nrow(at)), function(i) {
         gaussian_covariance(fit$fits[[at$fit[i]]]$parameters, at$at[i])
       }))
}

# Directions in which classes' components are apart, in the metric of the spread inside components; two of them, each
# with variance 1 inside components and its largest entry positive.
canonical_axes <- function(all) {
  n <- all$n / sum(all$n)
  within <- Reduce(`+`, Map(`*`, all$covariance, n))
  centred <- sweep(all$mean, 2L, colSums(n * all$mean))
  between <- crossprod(sqrt(n) * centred)
  scale <- sqrt(diag(within))
  root <- backsolve(chol(within / outer(scale, scale)), diag(length(scale)))
  inner <- crossprod(root, (between / outer(scale, scale)) %*% root)
  parts <- eigen((inner + t(inner)) / 2, symmetric = TRUE)
  vectors <- parts$vectors[, 1:2]
  if (parts$values[2L] < 1e-8 * parts$values[1L]) vectors[, 2L] <- second_axis(all, root, scale, n, parts$vectors)
  axes <- (root %*% vectors) / scale
  sweep(axes, 2L, sign(axes[cbind(apply(abs(axes * scale), 2L, which.max), 1:2)]), `*`)
}

# Means on a line have no second axis: it is then where covariances differ most.
second_axis <- function(all, root, scale, n, vectors) {
  rest <- vectors[, -1L, drop = FALSE]
  spread <- Reduce(`+`, Map(function(sigma, share) {
    apart <- crossprod(root, (sigma / outer(scale, scale)) %*% root) - diag(length(scale))
    share * crossprod(apart %*% rest)
  }, all$covariance, n))
  drop(rest %*% eigen(spread, symmetric = TRUE)$vectors[, 1L])
}

region_points <- function(fit, data, seen, told) {
  rows <- rows_to_draw(data$n)
  # a cell that the picture does not use may be missing
  used <- rowSums(seen$axes != 0) > 0
  place <- data$x[rows, used, drop = FALSE] %*% seen$axes[used, , drop = FALSE]
  whole <- rowSums(is.na(place)) == 0
  rows <- rows[whole]
  data.frame(row = rows, x = place[whole, 1L], y = if (ncol(place) > 1L) place[whole, 2L] else 0,
             class = fit$classes[fit$y[rows]], decided = fit$classes[told$decided[rows]],
             wrong = !is.na(fit$y[rows]) & fit$y[rows] != told$decided[rows])
}

region_parts <- function(fit, seen, points, prior, costs, grid) {
  ellipses <- do.call(rbind, lapply(seq_along(seen$share), function(j) {
    do.call(rbind, lapply(c(0.5, 0.95), function(level) {
      outline <- ellipse_outline(seen$mean[j, ], seen$covariance[[j]], level)
      data.frame(component = seen$component[j], class = fit$classes[seen$class[j]], level = level, x = outline[, 1L],
                 y = outline[, 2L])
    }))
  }))
  xs <- grid_along(c(points$x, ellipses$x), grid)
  ys <- grid_along(c(points$y, ellipses$y), grid)
  at <- as.matrix(expand.grid(x = xs, y = ys))
  score <- region_scores(at, seen, fit, prior, costs)
  list(regions = data.frame(x = at[, 1L], y = at[, 2L], class = fit$classes[max.col(score, ties.method = "first")]),
       borders = region_borders(score, xs, ys), ellipses = ellipses,
       means = data.frame(component = seen$component, class = fit$classes[seen$class], x = seen$mean[, 1L],
                          y = seen$mean[, 2L]))
}

grid_along <- function(x, grid) {
  limits <- padded_range(x)
  seq(limits[1L], limits[2L], length.out = grid)
}

# What is best decided at points of the picture: the highest.
region_scores <- function(at, seen, fit, prior, costs) {
  each <- vapply(seq_along(seen$share), function(j) {
    log(seen$share[j]) - stats::mahalanobis(at, seen$mean[j, ], seen$covariance[[j]]) / 2 -
      log_determinant(seen$covariance[[j]]) / 2
  }, numeric(nrow(at)))
  each <- matrix(each, nrow(at))
  density <- vapply(seq_along(fit$classes), function(class) log_sum(each[, seen$class == class, drop = FALSE]),
                    numeric(nrow(at)))
  if (is.null(costs)) return(density + rep(log(prior), each = nrow(at)))
  -log(class_posterior(density, prior) %*% costs + .Machine$double.xmin)
}

# Lines along which the best class is as good as the second.
region_borders <- function(score, xs, ys) {
  out <- lapply(seq_len(ncol(score)), function(class) {
    lead <- score[, class] - row_max(score[, -class, drop = FALSE])
    lead <- pmin(pmax(lead, -1e3), 1e3)
    lines <- grDevices::contourLines(xs, ys, matrix(lead, length(xs)), levels = 0)
    do.call(rbind, lapply(seq_along(lines), function(i) {
      data.frame(line = paste(class, i), x = lines[[i]]$x, y = lines[[i]]$y)
    }))
  })
  out <- do.call(rbind, out)
  if (is.null(out)) data.frame(line = character(), x = numeric(), y = numeric()) else out
}

# Of one variable: the density of each component with its share of all rows, and where another class is decided.
region_curves <- function(fit, seen, prior) {
  sd <- sqrt(unlist(seen$covariance))
  normals <- data.frame(proportion = seen$share * prior[seen$class], mean = seen$mean[, 1L], sd = sd)
  x <- seq(min(normals$mean - 4 * sd), max(normals$mean + 4 * sd), length.out = 801L)
  curves <- do.call(rbind, lapply(seq_along(sd), function(j) {
    data.frame(component = seen$component[j], class = fit$classes[seen$class[j]], x = x,
               density = normals$proportion[j] * stats::dnorm(x, normals$mean[j], sd[j]))
  }))
  list(curves = curves)
}

#' @export
draw_plot.em_plot_regions <- function(data, look) {
  style <- data$components
  key <- rbind(key_entries(style$component, style$colour, style$symbol),
               if (any(data$points$wrong)) key_entries("decided wrongly", "black", 1L))
  if (is.null(data$regions)) return(draw_region_curves(data, look, key))
  xlim <- range(data$regions$x)
  ylim <- range(data$regions$y)
  old <- open_frame(xlim, ylim, look, data$variables[1L], data$variables[2L], key)
  on.exit(graphics::par(old))
  draw_regions(data$regions, style)
  for (line in split(data$borders, data$borders$line)) graphics::lines(line$x, line$y, col = quiet_grey)
  draw_region_points(data$points, style)
  kinds <- line_of_component(data$means$component, data$means$class)
  for (j in seq_along(kinds)) {
    own <- data$ellipses[data$ellipses$component == data$means$component[j], ]
    for (level in unique(own$level)) {
      one <- own[own$level == level, ]
      graphics::lines(one$x, one$y, col = style$colour[match(one$class[1L], style$component)], lty = kinds[j],
                      lwd = if (level == max(own$level)) 2 else 1.2)
    }
  }
  graphics::points(data$means$x, data$means$y, pch = 3L, cex = 1.4, lwd = 4.5, col = "white")
  graphics::points(data$means$x, data$means$y, pch = 3L, cex = 1.3, lwd = 2, col = "black")
}

# The kind of line of each component, in its class; where each class has one, of the class, so that colour is not alone.
line_of_component <- function(component, class) {
  place <- if (anyDuplicated(class)) stats::ave(seq_along(component), class, FUN = seq_along) else seq_along(class)
  style_lines[(place - 1L) %% length(style_lines) + 1L]
}

draw_regions <- function(regions, style) {
  xs <- sort(unique(regions$x))
  ys <- sort(unique(regions$y))
  tint <- matrix(style$tint[match(regions$class, style$component)], length(xs))
  half <- c(xs[2L] - xs[1L], ys[2L] - ys[1L]) / 2
  picture <- grDevices::as.raster(t(tint)[rev(seq_along(ys)), ])
  graphics::rasterImage(picture, xs[1L] - half[1L], ys[1L] - half[2L], xs[length(xs)] + half[1L],
                        ys[length(ys)] + half[2L],
                        interpolate = FALSE)
  graphics::box(col = quiet_grey, lwd = 0.7)
}

# ring: how much larger than its point the ring about a wrong decision is.
draw_region_points <- function(points, style, ring = 0.9) {
  at <- match(points$class, style$component)
  crowd <- if (nrow(points) > 2000L) 0.45 else if (nrow(points) > 500L) 0.65 else 0.85
  graphics::points(points$x, points$y, pch = ifelse(is.na(at), 4L, style$symbol[at]), cex = crowd,
                   col = ifelse(is.na(at), quiet_grey, translucent(style$colour, 0.75)[at]))
  wrong <- points[points$wrong, ]
  graphics::points(wrong$x, wrong$y, pch = 1L, cex = crowd + ring, lwd = if (ring < 0.5) 0.8 else 1.6)
}

draw_region_curves <- function(data, look, key) {
  curves <- data$curves
  top <- max(curves$density)
  old <- open_frame(padded_range(range(data$points$x, curves$x[curves$density > top / 1000])), c(-0.02 - strip_depth(data$components), 1.04) * top,
                    look, data$variables[1L], "density", key, least = 0)
  on.exit(graphics::par(old))
  parts <- split(curves, factor(curves$component, unique(curves$component)))
  kinds <- line_of_component(names(parts), vapply(parts, function(one) one$class[1L], ""))
  for (j in seq_along(parts)) {
    one <- parts[[j]]
    graphics::lines(one$x, one$density, col = data$components$colour[match(one$class[1L], data$components$component)],
                    lty = kinds[j], lwd = 2)
  }
  points <- data$points
  points$y <- strip_height(points, data$components, top)
  draw_region_points(points, data$components, 0.3)
}

# What the strips of all classes have of the height of the curves.
strip_depth <- function(style) min(0.45, max(0.1, 0.06 * (nrow(style) + 1)))

# Rows of one variable stand in strips below the curves, one for each class.
strip_height <- function(points, style, top) {
  at <- match(points$class, style$component)
  at[is.na(at)] <- nrow(style) + 1L
  -top * strip_depth(style) * at / (max(at) + 0.5)
}

#' @rdname plot.em_classify
#' @method autoplot em_classify
#' @exportS3Method ggplot2::autoplot em_classify
autoplot.em_classify <- function(object, type = "regions", variables = NULL, prior = "shares", costs = NULL,
                                 grid = 120, ...) {
  check_dots(...)
  gg_with_words(plot_data(object, type = type, variables = variables, prior = prior, costs = costs, grid = grid))
}

#' @export
gg_plot.em_plot_regions <- function(data) {
  points <- data$points
  wrong <- points[points$wrong, ]
  style <- data$components
  kinds <- if (is.null(data$means)) unique(data$curves[c("component", "class")]) else data$means
  lines <- stats::setNames(line_of_component(kinds$component, kinds$class), kinds$component)
  if (is.null(data$regions)) {
    points$y <- strip_height(points, style, max(data$curves$density))
    wrong <- points[points$wrong, ]
    below <- ggplot2::geom_line(ggplot2::aes(.data$x, .data$density, colour = .data$class, linetype = .data$component),
                                data = data$curves, linewidth = 0.8)
    above <- NULL
  } else {
    below <- list(ggplot2::geom_raster(ggplot2::aes(.data$x, .data$y, fill = .data$class), data = data$regions,
                                       alpha = 0.22),
                  ggplot2::geom_path(ggplot2::aes(.data$x, .data$y, group = .data$line), data = data$borders,
                                     colour = quiet_grey))
    above <- list(ggplot2::geom_path(ggplot2::aes(.data$x, .data$y, colour = .data$class, linetype = .data$component,
                                                  group = interaction(.data$component, .data$level)),
                                     data = data$ellipses, linewidth = 0.8),
                  gg_means(data$means))
  }
  list_of <- list(below,
    ggplot2::geom_point(ggplot2::aes(.data$x, .data$y), data = points[is.na(points$class), ], colour = quiet_grey,
                        shape = 4L),
    ggplot2::geom_point(ggplot2::aes(.data$x, .data$y, colour = .data$class, shape = .data$class),
                        data = points[!is.na(points$class), ], alpha = 0.75),
    ggplot2::geom_point(ggplot2::aes(.data$x, .data$y, size = "decided wrongly"), data = wrong, shape = 1L,
                        stroke = if (is.null(above)) 0.5 else 0.9),
    ggplot2::scale_size_manual(NULL, values = if (is.null(above)) 2.4 else 4), above,
    if (is.null(above)) ggplot2::scale_y_continuous(breaks = function(limits) Filter(function(at) at >= 0, pretty(limits))))
  ggplot2::ggplot() + list_of + ggplot2::scale_linetype_manual(values = lines, guide = "none") +
    gg_scales(style, c("colour", "shape"), title = "class") +
    ggplot2::scale_fill_manual(values = style$colour, limits = style$component, guide = "none") +
    gg_frame(data$variables[1L], if (length(data$variables) > 1L) data$variables[2L] else "density")
}
