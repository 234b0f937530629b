# Pictures of em_merge(): the tree of components, and entropy against the rows that were merged.

#' Pictures of merged components
#'
#' `"tree"`: the components, joined step by step from below; each joint has the value of its step, and joints above the
#' dashed line are those below the method's cut-off, or above the elbow. `"entropy"`: entropy against the cumulated number of rows that
#' were merged, with the two lines whose meeting point is the elbow.
#'
#' @param x,fit,object What [em_merge()] returned.
#' @param type `"tree"` or `"entropy"`.
#' @param main,xlab,ylab,xlim,ylim As in [graphics::plot()]; `NULL` chooses.
#' @param ... Nothing: an unknown argument is an error.
#' @return `plot_data()`: a list of class `em_plot` with the data frames of the picture; `plot()` the same, invisibly.
#' @section Errors: `emfit_error_argument` for an unknown type or argument.
#' @references Baudry, J.-P., Raftery, A. E., Celeux, G., Lo, K. and Gottardo, R. (2010) Combining mixture components for
#'   clustering. *Journal of Computational and Graphical Statistics* 19, 332-353. \doi{10.1198/jcgs.2010.08111}
#' @examples
#' m <- em_merge(em_fit(faithful, k = 3, family = em_gaussian("EEE")))
#' plot(m)
#' plot(m, type = "entropy")
#' @export
plot.em_merge <- function(x, type = c("tree", "entropy"), main = NULL, xlab = NULL, ylab = NULL, xlim = NULL, ylim = NULL, ...) {
  check_dots(...)
  data <- plot_data(x, type)
  draw_plot(data, plot_look(main, xlab, ylab, xlim, ylim))
  invisible(data)
}

#' @rdname plot.em_merge
#' @export
plot_data.em_merge <- function(fit, type = c("tree", "entropy"), ...) {
  check_dots(...)
  type <- check_choice(type, "type", c("tree", "entropy"))
  parts <- if (type == "tree") merge_tree_data(fit) else merge_entropy_data(fit)
  structure(c(list(type = type), parts), class = c(paste0("em_plot_merge_", type), "em_plot"))
}

#' @rdname plot.em_merge
#' @method autoplot em_merge
#' @exportS3Method ggplot2::autoplot em_merge
autoplot.em_merge <- function(object, type = c("tree", "entropy"), ...) gg_with_words(plot_data(object, type = type, ...))

merge_tree_data <- function(m) {
  tree <- m$tree
  at <- order(tree$order)
  k <- length(at)
  place <- numeric(k - 1L)
  where <- function(node) if (node < 0L) c(at[-node], 0) else c(place[node], node)
  lines <- lapply(seq_len(k - 1L), function(step) {
    ends <- vapply(tree$merge[step, ], where, numeric(2L))
    place[step] <<- mean(ends[1L, ])
    data.frame(step = step, x = ends[1L, c(1L, 1L, 2L)], y = c(ends[2L, 1L], step, ends[2L, 2L]),
               xend = ends[1L, c(1L, 2L, 2L)], yend = step)
  })
  cut <- if (m$method == "entropy") m$elbow else m$at_cutoff
  list(lines = do.call(rbind, lines), leaves = data.frame(component = tree$labels, x = at, component_style(tree$labels)[c("colour", "symbol")]),
       joints = data.frame(x = place, y = seq_len(k - 1L), label = number(without_dust(m$path$value[-1L], m$path$entropy[1L]), 3L)),
       cut = if (!is.na(cut)) k - cut + 0.5, ylab = paste("step; value:", merge_methods[[m$method]]$label))
}

merge_entropy_data <- function(m) {
  path <- m$path
  line <- function(rows, side) {
    if (length(rows) < 2L) return(NULL)
    fit <- stats::lm.fit(cbind(1, path$cumulated[rows]), path$entropy[rows])
    data.frame(side = side, x = path$cumulated[rows], y = fit$fitted.values)
  }
  c <- match(m$elbow, path$k)
  list(points = data.frame(k = path$k, x = path$cumulated, y = path$entropy, elbow = path$k %in% m$elbow),
       fitted = if (!is.na(c)) rbind(line(seq_len(c), "first"), line(c:nrow(path), "last")))
}

#' @export
draw_plot.em_plot_merge_tree <- function(data, look) {
  top <- max(data$lines$yend)
  old <- open_frame(c(0.4, nrow(data$leaves) + 0.6), c(-0.35, 1.1) * c(1, top + 0.2), look, "component", data$ylab, bottom = FALSE)
  on.exit(graphics::par(old))
  graphics::segments(data$lines$x, data$lines$y, data$lines$xend, data$lines$yend, lwd = 1.5)
  if (!is.null(data$cut)) graphics::abline(h = data$cut, lty = "42", col = quiet_grey)
  graphics::points(data$leaves$x, rep(0, nrow(data$leaves)), pch = data$leaves$symbol, col = data$leaves$colour, cex = 1.4)
  graphics::axis(1L, data$leaves$x, shorten(data$leaves$component, 12L), tick = FALSE, mgp = c(3, 0.4, 0))
  graphics::text(data$joints$x, data$joints$y, data$joints$label, adj = c(-0.15, -0.5), cex = 0.85, xpd = NA)
}

#' @export
gg_plot.em_plot_merge_tree <- function(data) {
  ggplot2::ggplot() +
    ggplot2::geom_segment(ggplot2::aes(x = .data$x, y = .data$y, xend = .data$xend, yend = .data$yend), data = data$lines) +
    (if (!is.null(data$cut)) ggplot2::geom_hline(yintercept = data$cut, linetype = "42", colour = quiet_grey)) +
    ggplot2::geom_point(ggplot2::aes(.data$x, 0), data = data$leaves, colour = data$leaves$colour, shape = data$leaves$symbol, size = 3) +
    ggplot2::geom_text(ggplot2::aes(.data$x, .data$y, label = .data$label), data = data$joints, hjust = -0.15, vjust = -0.5, size = 3) +
    ggplot2::scale_x_continuous(breaks = data$leaves$x, labels = shorten(data$leaves$component, 12L),
                                expand = ggplot2::expansion(add = c(0.4, 1))) +
    ggplot2::scale_y_continuous(breaks = function(limits) whole_ticks(limits), expand = ggplot2::expansion(mult = c(0.05, 0.12))) +
    gg_frame("component", data$ylab)
}

#' @export
draw_plot.em_plot_merge_entropy <- function(data, look) {
  old <- open_frame(padded_range(data$points$x, 0.08), padded_range(c(data$points$y, data$fitted$y), 0.1), look,
                    "rows merged, cumulated", "entropy")
  on.exit(graphics::par(old))
  for (line in split(data$fitted, data$fitted$side)) graphics::lines(line$x, line$y, col = okabe_ito[["vermillion"]], lty = "42", lwd = 2)
  graphics::points(data$points$x, data$points$y, pch = 19L, col = okabe_ito[["blue"]], cex = ifelse(data$points$elbow, 1.6, 1))
  graphics::text(data$points$x, data$points$y, data$points$k, adj = c(-0.7, -0.5), xpd = NA)
}

#' @export
gg_plot.em_plot_merge_entropy <- function(data) {
  ggplot2::ggplot() +
    (if (!is.null(data$fitted)) ggplot2::geom_line(ggplot2::aes(.data$x, .data$y, group = .data$side), data = data$fitted,
                                                   colour = okabe_ito[["vermillion"]], linetype = "42")) +
    ggplot2::geom_point(ggplot2::aes(.data$x, .data$y, size = .data$elbow), data = data$points, colour = okabe_ito[["blue"]]) +
    ggplot2::geom_text(ggplot2::aes(.data$x, .data$y, label = .data$k), data = data$points, hjust = -0.7, vjust = -0.5) +
    ggplot2::scale_x_continuous(expand = ggplot2::expansion(mult = c(0.05, 0.12))) +
    ggplot2::scale_y_continuous(expand = ggplot2::expansion(mult = c(0.05, 0.12))) +
    ggplot2::scale_size_manual(values = c("FALSE" = 2, "TRUE" = 3.5), guide = "none") + gg_frame("rows merged, cumulated", "entropy")
}
