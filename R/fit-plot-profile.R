# type = "profile": the probabilities of categories in every component, with intervals and the shares of all rows.

plot_data_profile <- function(fit, variables = NULL, level = 0.95) {
  need_plot(fit, "profile")
  level <- check_level(level)
  cells <- family_profile_cells(fit$family, fit)
  names <- unique(cells$variable)
  shown <- if (is.null(variables)) first_profiles(cells) else pick_variables(names, variables, "variables")
  cells <- cells[cells$variable %in% names[shown], ]
  table <- withCallingHandlers(tidy_parameters(fit, TRUE, level), emfit_warning_standard_error = function(w) {
    rlang::cnd_muffle(w)
  })
  at <- outer(paste0(cells$name, "["), paste0(names(fit$counts), "]"), paste0)
  at <- match(as.vector(at), parameter_names(table))
  n <- nrow(cells)
  if (is.null(cells$from)) cells[c("from", "width")] <- list(rep(0, n), rep(1, n))
  placed <- function(value) (value - rep(cells$from, fit$k)) / rep(cells$width, fit$k)
  lines <- data.frame(variable = rep(cells$variable, fit$k), level = rep(cells$level, fit$k), row = rep(cells$row, fit$k),
                      component = rep(names(fit$counts), each = n), prob = placed(table$estimate[at]),
                      conf.low = placed(table$conf.low[at]), conf.high = placed(table$conf.high[at]))
  list(variable = if (!is.null(cells$label)) "probability, or place in the range"
                  else if (all(is.na(cells$level))) "P(= 1)" else "probability",
       components = fit_style(fit), profile = lines,
       margin = cells[intersect(c("variable", "level", "row", "share", "label"), names(cells))])
}

# The cells that are drawn: of which variable and level (NA where there is only one to tell), where, the share of all rows
# that have it, and what coef() calls it. Of numbers also what is said of them (`label`) and their range, `from` and `width`,
# in which the mean of a component and of all rows (`share`) has its place.
profile_cells <- function(fit) {
  data <- fit$data
  counts <- length(data$items) == 1L && length(data$items[[1L]]) == ncol(data$x)
  shares <- colSums(family_observed(fit$family, data) * row_weights(fit), na.rm = TRUE)
  names <- colnames(family_observed(fit$family, data))
  binary <- length(names) == length(data$items)
  variable <- if (counts) rep("", length(names)) else if (binary) names else rep(item_names(data), lengths(data$items))
  level <- if (binary) rep(NA_character_, length(names)) else unlist(data$items, use.names = FALSE)
  seen <- if (counts) sum(shares) else {
    known <- colSums((!is.na(data$x)) * row_weights(fit))
    known[match(variable, item_names(data))]
  }
  heads <- if (binary || counts) 0L else match(variable, unique(variable))
  data.frame(variable = variable, level = level, row = seq_along(names) + heads, share = shares / seen,
             name = paste0("prob.", names), row.names = NULL)
}

# So many lines can be read in one picture.
first_profiles <- function(cells, most = 45L) {
  last <- tapply(cells$row, factor(cells$variable, unique(cells$variable)), max)
  seq_len(max(1L, sum(last <= most)))
}

# Names of variables stand above those of their levels.
profile_labels <- function(margin) {
  levels <- data.frame(row = margin$row, label = ifelse(is.na(margin$level), margin$variable, margin$level), head = FALSE)
  if (!is.null(margin$label)) levels$label <- margin$label
  first <- margin[!duplicated(margin$variable) & !is.na(margin$level) & margin$variable != "", ]
  if (nrow(first)) levels <- rbind(levels, data.frame(row = first$row - 1L, label = first$variable, head = TRUE))
  levels$label <- shorten(levels$label, 28L)
  levels[order(levels$row), ]
}

# Components one below the other within a line.
profile_heights <- function(profile, style) {
  k <- nrow(style)
  profile$row + if (k > 1L) 0.5 * ((match(profile$component, style$component) - 1) / (k - 1) - 0.5) else 0
}

# How high letters can be in points where lines are `apart` inches, ten at most, and which names are shown: where even letters
# of four points would stand on each other, those of variables first, and of their levels those for which there is room.
level_letters <- function(labels, apart, most = 10, least = 4) {
  size <- min(most, max(least, 0.95 * 72 * apart))
  shown <- logical(nrow(labels))
  for (i in order(!labels$head)) {
    shown[i] <- all(abs(labels$row[shown] - labels$row[i]) * apart * 72 >= 0.94 * size)
  }
  list(size = size, shown = shown, told = if (!all(shown)) paste(plural(sum(!shown), "name"), "left out"))
}

# What one line has of the height of the panel.
line_part <- function(labels) 1 / (max(labels$row) - min(labels$row) + 1.2)

#' @export
draw_plot.em_plot_profile <- function(data, look) {
  style <- data$components
  labels <- profile_labels(data$margin)
  key <- rbind(key_entries(style$component, style$colour, symbol = style$symbol),
               key_entries("all rows", quiet_grey, symbol = 124L))
  old <- open_profile(labels, key, look, data$variable)
  on.exit(graphics::par(old))
  graphics::segments(0, data$margin$row, 1, data$margin$row, col = light_grey)
  graphics::segments(data$margin$share, data$margin$row - 0.35, data$margin$share, data$margin$row + 0.35, col = quiet_grey,
                     lwd = 2)
  y <- profile_heights(data$profile, style)
  at <- match(data$profile$component, style$component)
  known <- !is.na(data$profile$conf.low)
  graphics::segments(data$profile$conf.low[known], y[known], data$profile$conf.high[known], y[known],
                     col = style$colour[at][known], lwd = 1.5)
  apart <- graphics::par("pin")[2L] * line_part(labels)
  graphics::points(data$profile$prob, y, pch = style$symbol[at], col = style$colour[at], cex = min(1.1, max(0.5, 6.5 * apart)),
                   xpd = NA)
}

open_profile <- function(labels, key, look, xlab) {
  if (is.null(look$xlim)) look$xlim <- c(-0.02, 1.02)
  if (is.null(look$ylim)) look$ylim <- c(max(labels$row) + 0.6, min(labels$row) - 0.6)
  old <- graphics::par(mar = graphics::par("mar"))
  mar <- first_margins(old$mar)
  mar[1L] <- max(mar[1L], 3.6)
  line <- graphics::par("csi")
  # Names take half of the width at most; lines that are closer than letters are high have smaller ones.
  for (pass in 1:2) {
    inches <- graphics::par("fin")[1L] - (mar[2L] + mar[4L]) * line
    mar[3L] <- max(0.6, 1.1 * key_rows(key, inches) + if (is.null(look$main)) 0.6 else 2.4)
    letters <- level_letters(labels, (graphics::par("fin")[2L] - (mar[1L] + mar[3L]) * line) * line_part(labels))
    cex <- letters$size / graphics::par("ps") / graphics::par("cex")
    letter <- letter_width(1.06 * cex)
    label <- shorten(labels$label, max(8L, floor((0.5 * graphics::par("fin")[1L] - 1.2 * line) / letter)))
    mar[2L] <- max(1, letter * max(nchar(label, type = "width")) / line + 1.2)
  }
  graphics::par(mar = mar)
  graphics::plot.new()
  graphics::plot.window(look$xlim, look$ylim, xaxs = "i", yaxs = "i")
  draw_axis(1L)
  name_profile_axis(if (is.null(look$xlab)) xlab else look$xlab, is.null(look$xlab))
  graphics::title(ylab = look$ylab, line = 2.3)
  shown <- letters$shown
  graphics::text(graphics::par("usr")[1L], labels$row[shown], paste0(label[shown], " "), adj = c(1, 0.5), cex = cex, xpd = NA,
                 font = ifelse(labels$head[shown], 2L, 1L))
  if (!all(shown)) {
    graphics::mtext(paste0(letters$told, " "), side = 1L, line = 1.4, at = graphics::par("usr")[1L], adj = 1,
                    cex = 0.55 * graphics::par("cex"), col = quiet_grey)
  }
  draw_key(key)
  if (!is.null(look$main)) graphics::title(main = look$main, line = 1.1 * key_rows(key, graphics::par("pin")[1L]) + 0.7)
  old
}

# A name that is wider than the panel begins under the names of the levels.
name_profile_axis <- function(label, own) {
  wide <- is.character(label) &&
    nchar(label, type = "width") * letter_width() > graphics::par("pin")[1L] + graphics::par("mai")[4L]
  if (!wide) return(name_axis(1L, label, 2.3, own))
  room <- graphics::par("fin")[1L] / letter_width()
  graphics::mtext(label, side = 1L, line = 2.3, at = graphics::par("usr")[2L], adj = 1,
                  cex = graphics::par("cex") * min(1, max(0.6, room / nchar(label, type = "width"))))
}

#' @export
gg_plot.em_plot_profile <- function(data) {
  labels <- profile_labels(data$margin)
  style <- data$components
  profile <- data$profile
  profile$at <- profile_heights(profile, style)
  known <- profile[!is.na(profile$conf.low), ]
  beside <- nrow(style) < 4L && gg_key_width(shorten(style$component)) < 130
  ggplot2::ggplot() +
    ggplot2::geom_segment(ggplot2::aes(.data$share, .data$row - 0.35, xend = .data$share, yend = .data$row + 0.35,
                                       linetype = "all rows"), data = data$margin, colour = quiet_grey, linewidth = 0.8,
                          key_glyph = "vpath") +
    ggplot2::scale_linetype_manual(NULL, values = "solid") +
    ggplot2::geom_segment(ggplot2::aes(.data$conf.low, .data$at, xend = .data$conf.high, yend = .data$at,
                                       colour = .data$component), data = known) +
    ggplot2::geom_point(ggplot2::aes(.data$prob, .data$at, colour = .data$component, shape = .data$component),
                        data = profile, size = 2 * min(1, max(0.6, 25 / nrow(labels)))) +
    ggplot2::scale_y_reverse(breaks = labels$row, labels = NULL, limits = c(max(labels$row) + 0.6, min(labels$row) - 0.6),
                             expand = c(0, 0)) +
    gg_level_names(labels) + ggplot2::xlim(0, 1) + gg_scales(style, c("colour", "shape"), if (!beside) "component") +
    gg_frame(data$variable, NULL) + gg_level_margin(labels) +
    (if (beside) ggplot2::theme(legend.box = "horizontal"))
}

# Names in the margin on the left, in letters as high as the lines leave room for, which is known when it is drawn.
gg_level_names <- function(labels) {
  places <- data.frame(x = 0, y = labels$row, label = labels$label)
  gg_placed(places, function(at) {
    grid::gTree(y = at$y, labels = labels, cl = "em_levels", vp = grid::viewport(clip = "off"))
  })
}

gg_level_width <- function(labels) min(5.4 * max(nchar(labels$label, type = "width")) + 5, 110)

gg_level_margin <- function(labels) {
  ggplot2::theme(plot.margin = ggplot2::margin(5.5, 11, 5.5, 5.5 + gg_level_width(labels)))
}

#' @exportS3Method grid::makeContent
makeContent.em_levels <- function(x) {
  high <- panel_inches()[2L]
  letters <- level_letters(x$labels, high * line_part(x$labels), 8.8)
  shown <- which(letters$shown)
  label <- x$labels$label[shown]
  room <- gg_level_width(x$labels) / 72
  wide <- 1.08 * max(text_inches(label, letters$size)) / room # names of variables are bold, and wider
  size <- letters$size * max(0.7, min(1, 1 / wide))
  wide <- wide * size / letters$size
  if (wide > 1) label <- shorten(label, max(8L, floor(max(nchar(label, type = "width")) / wide)))
  left <- grid::unit(-4, "points")
  names <- grid::textGrob(label, left, grid::unit(x$y[shown], "npc"), hjust = 1,
                          gp = grid::gpar(fontsize = size, col = "grey20", fontface = ifelse(x$labels$head[shown], 2L, 1L)))
  told <- if (!is.null(letters$told)) {
    grid::textGrob(letters$told, left, grid::unit(-0.27, "inches"), hjust = 1, gp = grid::gpar(fontsize = 7, col = quiet_grey))
  }
  grid::setChildren(x, do.call(grid::gList, Filter(Negate(is.null), list(names, told))))
}
