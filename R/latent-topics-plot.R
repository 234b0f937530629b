# Pictures of topics: their first terms, the documents, the bound by iteration.

#' Draw topics
#'
#' `type = "terms"`: the first terms of each topic as bars, all on one scale. `"documents"`: the shares of the topics in
#' each document, stacked, ordered by the largest. `"trace"`: the bound by iteration, every start thin.
#'
#' @param x,fit,object A fit by [em_fit()] with [em_topics()].
#' @param type `"terms"`, `"documents"` or `"trace"`.
#' @param n How many terms of a topic.
#' @param topics Which topics, by number or name; left out: the first twelve for `"terms"`, else all.
#' @param main,xlab,ylab,xlim,ylim As in [graphics::plot()].
#' @param ... For `plot()` and `autoplot()`: `n` and `topics`. Any other argument is an error.
#' @return `plot()` returns its data invisibly, `plot_data()` returns them (class `em_plot`): `terms` (`topic`, `term`,
#'   `beta`), `documents` (`document`, `place`, `topic`, `bottom`, `top`), or `trace`, `starts` and `ends`. `autoplot()`: a
#'   ggplot.
#' @section Errors: `emfit_error_unsupported` for types of other models; `emfit_error_argument`.
#' @references Silge, J. and Robinson, D. (2017) *Text Mining with R*. O'Reilly.
#' @seealso [em_topics()], [plot.em_select()] for the perplexity by the number of topics
#' @examples
#' set.seed(1)
#' counts <- rbind(a = c(cat = 5, dog = 4, sun = 0, rain = 0), b = c(4, 6, 0, 1), c = c(0, 0, 7, 5),
#'                 d = c(1, 0, 4, 6))
#' fit <- em_fit(counts, k = 2, latent = em_topics(alpha = 0.5))
#' plot(fit)
#' plot(fit, type = "documents")
#' @export
plot.em_fit_topics <- function(x, type = NULL, main = NULL, xlab = NULL, ylab = NULL, xlim = NULL, ylim = NULL, ...) {
  data <- plot_data(x, type = type, ...)
  draw_plot(data, plot_look(main, xlab, ylab, xlim, ylim))
  invisible(data)
}

#' @rdname plot.em_fit_topics
#' @export
plot_data.em_fit_topics <- function(fit, type = NULL, n = 8L, topics = NULL, ...) {
  check_no_dots(list(...), c("type", "n", "topics"))
  known <- c("terms", "documents", "trace")
  if (is.null(type)) type <- "terms"
  if (is.character(type) && length(type) == 1L && type %in% setdiff(names(plot_makers()), known)) {
    refuse_for_topics(sprintf("A plot of type \"%s\"", type), c("it is of rows with one component each.",
                                                               "Try type = \"terms\", \"documents\" or \"trace\"."))
  }
  type <- check_choice(type, "type", known)
  at <- if (is.null(topics)) seq_len(fit$k) else pick_variables(names(fit$counts), topics, "topics")
  if (is.null(topics) && type == "terms") at <- utils::head(at, 12L)
  parts <- switch(type, terms = plot_data_terms(fit, check_count(n, "n"), at), documents = plot_data_documents(fit, at),
                  trace = plot_data_bound(fit))
  structure(c(list(type = type), parts), class = c(paste0("em_plot_", type), "em_plot"))
}

#' @rdname plot.em_fit_topics
#' @method autoplot em_fit_topics
#' @exportS3Method ggplot2::autoplot em_fit_topics
autoplot.em_fit_topics <- function(object, type = NULL, ...) gg_with_words(plot_data(object, type = type, ...))

# Areas have no symbols to tell them apart, so colours that come again are lighter or darker: blue, vermillion and purple
# lighter, the others darker, which leaves twelve that are apart with and without the cones for green; then the other way round.
topic_style <- function(labels) {
  style <- component_style(labels)
  round <- (seq_along(labels) - 1L) %/% length(okabe_ito)
  lighter <- style$colour %in% okabe_ito[c("blue", "vermillion", "purple")]
  lighter <- ifelse(round %% 2L == 1L, lighter, !lighter)
  towards <- ifelse(lighter, 255, 0)
  weight <- ifelse(round == 0L, 0, ifelse(lighter, 0.6, 0.5))
  rgb <- t(grDevices::col2rgb(style$colour)) * (1 - weight) + weight * towards
  style$colour <- grDevices::rgb(rgb, maxColorValue = 255)
  style
}

# type = "terms" ----------------------------------------------------------------------------------------------------

plot_data_terms <- function(fit, n, topics) {
  rows <- lapply(topics, function(j) {
    own <- first_terms(fit$parameters$topic[j, ], n)
    data.frame(topic = names(fit$counts)[j], rank = seq_along(own), term = fit$data$terms[own],
               beta = unname(fit$parameters$topic[j, own]))
  })
  list(terms = do.call(rbind, rows), n = n, components = topic_style(names(fit$counts))[topics, ])
}

#' @export
draw_plot.em_plot_terms <- function(data, look) {
  style <- data$components
  columns <- ceiling(sqrt(nrow(style)))
  lines <- ceiling(nrow(style) / columns)
  # Panels that are too small for the usual letters have smaller ones, and terms take half of their width at most.
  panel <- graphics::par("din") / c(columns, lines)
  small <- min(1, max(0.45, min(panel / c(1.5, 1.3))))
  letter <- letter_width(0.8 * small)
  data$most <- max(4L, min(14L, floor(0.5 * panel[1L] / letter)))
  room <- min(max(nchar(data$terms$term)), data$most) * letter + 0.1 * small
  # Read before mfrow changes them; put back with the margins last, which are in lines as high as the letters.
  old <- graphics::par(c("mfrow", "cex", "mar", "oma"))
  graphics::par(mfrow = c(lines, columns), mai = c(0.4 * small, room, 0.3 * small, 0.1 * small),
                oma = c(1.6, 0, if (is.null(look$main)) 0 else 1.6, 0))
  on.exit(for (one in names(old)) graphics::par(old[one]))
  top <- 1.05 * max(data$terms$beta)
  data$terms$term <- shorten_terms(data$terms$term, data$most)
  graphics::par(cex = small * graphics::par("cex"))
  for (i in seq_len(nrow(style))) {
    draw_terms(data$terms[data$terms$topic == style$component[i], ], style[i, ], data$n, top, look)
  }
  graphics::mtext(if (is.null(look$xlab)) "probability in the topic" else look$xlab, side = 1L, outer = TRUE, line = 0.3, cex = 0.85)
  if (!is.null(look$main)) graphics::mtext(look$main, side = 3L, outer = TRUE, line = 0.3, font = 2L)
}

# A term has the same name in every topic.
shorten_terms <- function(terms, most) {
  all <- unique(terms)
  shorten(all, most)[match(terms, all)]
}

draw_terms <- function(own, style, n, top, look) {
  graphics::plot.new()
  graphics::plot.window(if (is.null(look$xlim)) c(0, top) else look$xlim, c(n + 0.5, 0.5), xaxs = "i", yaxs = "i")
  graphics::rect(0, own$rank - 0.4, own$beta, own$rank + 0.4, col = style$colour, border = NA)
  graphics::axis(2L, at = own$rank, labels = own$term, las = 1L, tick = FALSE, cex.axis = 0.8, mgp = c(3, 0.2, 0))
  graphics::axis(1L, col = quiet_grey, tcl = -0.2, mgp = c(3, 0.3, 0), cex.axis = 0.75)
  graphics::title(main = paste("topic", style$component), cex.main = 0.95, line = 0.4, font.main = 1L)
}

# Terms have the left half of each facet, in letters that are as large as that allows when it is drawn.
#' @export
gg_plot.em_plot_terms <- function(data) {
  topics <- data$components$component
  terms <- data$terms
  terms$topic <- factor(terms$topic, topics)
  top <- max(terms$beta)
  many <- length(topics) > 6L
  ggplot2::ggplot(terms) +
    ggplot2::geom_rect(ggplot2::aes(xmin = 0, xmax = .data$beta, ymin = .data$rank - 0.4, ymax = .data$rank + 0.4,
                                    fill = .data$topic), show.legend = FALSE) +
    gg_placed(data.frame(x = 0, y = terms$rank, label = terms$term, topic = terms$topic), function(at) {
      grid::gTree(at = at, terms = unique(terms$term), n = data$n, cl = "em_terms")
    }) +
    ggplot2::facet_wrap(ggplot2::vars(.data$topic)) +
    ggplot2::scale_x_continuous(limits = c(-top, 1.02 * top), breaks = function(limits) pretty(c(0, top), 3L),
                                expand = c(0, 0), guide = ggplot2::guide_axis(check.overlap = TRUE)) +
    ggplot2::scale_y_reverse(limits = c(data$n + 0.5, 0.5), breaks = NULL, expand = c(0, 0)) +
    gg_scales(data$components, "fill") + gg_frame("probability in the topic", NULL) +
    (if (many) ggplot2::theme(axis.text.x = ggplot2::element_text(size = ggplot2::rel(0.8)),
                              strip.text = ggplot2::element_text(margin = ggplot2::margin(1, 0, 1, 0))))
}

#' @exportS3Method grid::makeContent
makeContent.em_terms <- function(x) {
  panel <- panel_inches()
  size <- min(8.5, 0.95 * 72 * panel[2L] / x$n)
  room <- x$at$x[1L] * panel[1L] - 0.06
  widest <- max(text_inches(x$terms, size))
  small <- max(min(size, 5), size * min(1, room / widest))
  letters <- max(nchar(x$terms, type = "width"))
  most <- if (widest * small / size > room) max(4L, floor(letters * room / (widest * small / size))) else letters
  label <- shorten(x$terms, most)[match(x$at$label, x$terms)]
  grid::setChildren(x, grid::gList(grid::textGrob(label, grid::unit(x$at$x, "npc") - grid::unit(2, "points"), x$at$y, hjust = 1,
                                                  gp = grid::gpar(fontsize = small, col = "grey20"))))
}

# type = "documents" ------------------------------------------------------------------------------------------------

plot_data_documents <- function(fit, topics, most = 400L) {
  rows <- rows_to_draw(fit$data$n, most)
  shares <- (fit$documents / rowSums(fit$documents))[rows, topics, drop = FALSE]
  top <- max.col(shares, ties.method = "first")
  order <- order(top, -shares[cbind(seq_along(rows), top)])
  shares <- unname(shares[order, , drop = FALSE])
  above <- row_cumsum(shares)
  names <- names(fit$counts)[topics]
  list(components = topic_style(names(fit$counts))[topics, ],
       documents = data.frame(document = rep(document_names(fit$data)[rows][order], length(topics)),
                              place = rep(seq_along(rows), length(topics)), topic = rep(names, each = length(rows)),
                              bottom = as.vector(above - shares), top = as.vector(above)))
}

#' @export
draw_plot.em_plot_documents <- function(data, look) {
  style <- data$components
  bars <- data$documents
  n <- max(bars$place)
  named <- n <= 20L
  old <- open_frame(c(0.5, n + 0.5), c(0, 1), look, if (named) "document" else "documents, by their largest topic",
                    "share", key_entries(style$component, style$colour, symbol = 15L), bottom = FALSE)
  on.exit(graphics::par(old))
  at <- match(bars$topic, style$component)
  graphics::rect(bars$place - 0.5, bars$bottom, bars$place + 0.5, bars$top, col = style$colour[at],
                 border = if (named) "white" else NA)
  if (named) {
    own <- bars[!duplicated(bars$place), ]
    graphics::axis(1L, at = own$place, labels = shorten(as.character(own$document), 10L), tick = FALSE, cex.axis = 0.8,
                   mgp = c(3, 0.2, 0))
  } else {
    names <- topic_places(bars)
    graphics::axis(1L, at = names$x, labels = shorten(names$topic, 8L), tick = FALSE, cex.axis = 0.8, mgp = c(3, 0.2, 0))
  }
}

# The name of each topic below the documents that it has most of: colours alone would not do.
topic_places <- function(bars) {
  share <- bars$top - bars$bottom
  first <- vapply(split(seq_along(share), bars$place), function(i) i[which.max(share[i])], 0L)
  own <- bars[first, ]
  at <- tapply(own$place, own$topic, mean)
  at <- at[!is.na(at)]
  data.frame(topic = names(at), x = as.vector(at))
}

#' @export
gg_plot.em_plot_documents <- function(data) {
  bars <- data$documents
  bars$topic <- factor(bars$topic, data$components$component)
  own <- bars[!duplicated(bars$place), ]
  named <- nrow(own) <= 20L
  ggplot2::ggplot(bars) +
    ggplot2::geom_rect(ggplot2::aes(xmin = .data$place - 0.5, xmax = .data$place + 0.5, ymin = .data$bottom, ymax = .data$top,
                                    fill = .data$topic)) +
    gg_scales(data$components, "fill", "topic") +
    (if (named) ggplot2::scale_x_continuous(breaks = own$place, labels = shorten(as.character(own$document), 10L))
     else gg_topic_axis(topic_places(bars))) +
    gg_frame(if (named) "document" else "documents, by their largest topic", "share")
}

gg_topic_axis <- function(names) {
  ggplot2::scale_x_continuous(breaks = names$x, labels = shorten(names$topic, 8L), guide = ggplot2::guide_axis(check.overlap = TRUE))
}

# type = "trace": drawn as that of other fits, of the bound ---------------------------------------------------------

plot_data_bound <- function(fit) {
  lengths <- lengths(fit$traces)
  list(trace = data.frame(iteration = fit$trace$iteration, loglik = fit$trace$bound),
       starts = data.frame(start = rep(seq_along(lengths), lengths), iteration = sequence(lengths) - 1L,
                           loglik = unlist(fit$traces)),
       ends = data.frame(start = seq_along(lengths), iteration = fit$starts$iterations, loglik = fit$starts$bound,
                         status = fit$starts$status),
       variable = "bound")
}
