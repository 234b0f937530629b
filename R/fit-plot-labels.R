# Names beside points, in both painters: one rule says where each stands, in inches from the lower left corner of the panel.
# The most important come first. A name stands beside its point, where it hides fewest of the points to `avoid`, no name
# that is there already, and where it can't be read as the name of another point; where no such place is free it goes further
# out, with a line to its point. None is left out.

# Boxes of all names, a row each: left, right, bottom, top, and whether a line leads there. `gap`: how far from its point
# a name keeps, across and up, a row each; `panel`: width and height.
place_labels <- function(x, y, width, height, gap, panel, avoid) {
  boxes <- matrix(0, 0L, 5L)
  for (i in seq_along(x)) {
    box <- label_place(x[i], y[i], width[i], height, gap[i, ], panel, boxes, avoid, list(x = x[-i], y = y[-i]))
    boxes <- rbind(boxes, box, deparse.level = 0L)
    # Names that come later keep off the line of this one, too.
    if (box[5L] > 0) avoid <- with_line(avoid, x[i], y[i], nearest_of_box(x[i], y[i], rbind(box)))
  }
  boxes
}

with_line <- function(avoid, x, y, end, along = seq(0.05, 0.95, by = 0.05)) {
  list(x = c(avoid$x, x + along * (end$x - x)), y = c(avoid$y, y + along * (end$y - y)))
}

# `others`: the other points that have names. What hides more than `much` beside its point gives way to a free place that is
# not far; thousands of points leave none.
label_place <- function(x, y, width, height, gap, panel, taken, avoid, others = list(x = numeric(), y = numeric())) {
  much <- if (length(avoid$x) > 1000L) Inf else 8
  avoid <- points_within(avoid, x, y, width + 12 * height)
  others <- points_within(others, x, y, width + 12 * height)
  near <- near_boxes(x, y, width, height, gap)
  own <- near[free_boxes(near, panel, taken) & own_boxes(x, y, near, others, height), , drop = FALSE]
  hidden <- points_under(own, avoid)
  beside <- if (nrow(own)) c(own[which.min(hidden), ], 0)
  if (nrow(own) && min(hidden) <= much) return(beside)
  turn <- seq(0, 2 * pi, length.out = 17L)[-17L]
  best <- NULL
  least <- Inf
  for (away in height * seq(1.5, if (nrow(own) && min(hidden) <= 3 * much) 4.5 else 9, by = 0.75)) {
    # The middle of a name is as far out as its own size in that direction asks for.
    far <- boxes_at(x + (away + width / 2) * cos(turn) - width / 2, y + (away + height / 2) * sin(turn) - height / 2,
                    width, height)
    far <- far[free_boxes(far, panel, taken), , drop = FALSE]
    under <- points_under(far, avoid) + points_crossed(x, y, far, avoid, height)
    under <- under + 1e3 * !clear_lines(x, y, far, taken, others, height)
    if (any(under == 0)) return(c(far[which(under == 0)[1L], ], 1))
    if (any(under < least)) best <- c(far[which.min(under), ], 1)
    least <- min(least, under)
  }
  if (!is.null(beside)) beside else if (!is.null(best)) best else c(least_covered(near, panel, taken), 0)
}

points_within <- function(points, x, y, reach) {
  use <- abs(points$x - x) <= reach & abs(points$y - y) <= reach
  list(x = points$x[use], y = points$y[use])
}

# Right and left of the point, above and below it, and at its corners.
near_boxes <- function(x, y, width, height, gap) {
  up <- 0.6 * gap[2L]
  right <- x + c(1, 0.7) * gap[1L]
  left <- x - c(1, 0.7) * gap[1L] - width
  above <- y + c(1, 0.7) * up
  below <- y - c(1, 0.7) * up - height
  boxes_at(c(right[1L], left[1L], rep(x - width / 2, 2L), right[c(2L, 2L)], left[c(2L, 2L)]),
           c(rep(y - height / 2, 2L), above[1L], below[1L], rep(c(above[2L], below[2L]), 2L)), width, height)
}

# Is each box nearer to its own point than to any other that has a name? By a third of what the points are apart, half a
# line at most: points in the very same place may share.
own_boxes <- function(x, y, boxes, others, height) {
  own <- box_distance(boxes, x, y)
  apart <- sqrt((others$x - x)^2 + (others$y - y)^2)
  out <- rep(TRUE, nrow(boxes))
  for (i in which(apart > 0)) out <- out & box_distance(boxes, others$x[i], others$y[i]) >= own + min(height / 2, apart[i] / 3)
  out
}

# Can the line to each box be followed? It crosses no name, and neither it nor the box touches a point that has another one.
clear_lines <- function(x, y, boxes, taken, others, height) {
  if (!nrow(boxes)) return(logical())
  end <- nearest_of_box(x, y, boxes)
  apart <- sqrt((others$x - x)^2 + (others$y - y)^2) > height
  others <- list(x = others$x[apart], y = others$y[apart])
  taken <- taken[taken[, 1L] <= max(x, boxes) & taken[, 2L] >= min(x, boxes[, 1L]), , drop = FALSE]
  vapply(seq_len(nrow(boxes)), function(i) {
    to <- list(x = end$x[i], y = end$y[i])
    crossed <- nrow(taken) && sum(points_under(taken, with_line(list(), x, y, to))) > 0
    touched <- any(line_distance(x, y, to, others) < 0.4 * height)
    !crossed && !touched && all(box_distance(boxes[i, , drop = FALSE], others$x, others$y) > 0.6 * height)
  }, NA)
}

# How many of the points to avoid the line to each box runs over; of thousands it can't but run over some.
points_crossed <- function(x, y, boxes, avoid, height) {
  apart <- which(sqrt((avoid$x - x)^2 + (avoid$y - y)^2) > height)
  if (length(apart) > 1000L) return(numeric(nrow(boxes)))
  end <- nearest_of_box(x, y, boxes)
  avoid <- list(x = avoid$x[apart], y = avoid$y[apart])
  vapply(seq_len(nrow(boxes)), function(i) sum(line_distance(x, y, list(x = end$x[i], y = end$y[i]), avoid) < 0.15 * height), 0)
}

# How far points are from the line between a point and another.
line_distance <- function(x, y, to, points) {
  across <- to$x - x
  up <- to$y - y
  part <- ((points$x - x) * across + (points$y - y) * up) / max(across^2 + up^2, 1e-300)
  part <- pmin(pmax(part, 0), 1)
  sqrt((points$x - x - part * across)^2 + (points$y - y - part * up)^2)
}

box_distance <- function(boxes, x, y) {
  sqrt(pmax(boxes[, 1L] - x, x - boxes[, 2L], 0)^2 + pmax(boxes[, 3L] - y, y - boxes[, 4L], 0)^2)
}

boxes_at <- function(left, low, width, height) cbind(left, left + width, low, low + height, deparse.level = 0L)

free_boxes <- function(boxes, panel, taken) {
  inside <- boxes[, 1L] >= 0 & boxes[, 2L] <= panel[1L] & boxes[, 3L] >= 0 & boxes[, 4L] <= panel[2L]
  inside & apply(boxes, 1L, function(b) sum(shared_area(b, taken))) == 0
}

shared_area <- function(box, taken) {
  across <- pmin(taken[, 2L], box[2L]) - pmax(taken[, 1L], box[1L])
  up <- pmin(taken[, 4L], box[4L]) - pmax(taken[, 3L], box[3L])
  pmax(across, 0) * pmax(up, 0)
}

points_under <- function(boxes, avoid) {
  apply(boxes, 1L, function(b) sum(avoid$x > b[1L] & avoid$x < b[2L] & avoid$y > b[3L] & avoid$y < b[4L]))
}

# There is no room for all of them: moved into the panel, where other names are covered least.
least_covered <- function(boxes, panel, taken) {
  width <- boxes[, 2L] - boxes[, 1L]
  height <- boxes[, 4L] - boxes[, 3L]
  moved <- boxes_at(pmax(0, pmin(boxes[, 1L], panel[1L] - width)), pmax(0, pmin(boxes[, 3L], panel[2L] - height)), width, height)
  moved[which.min(apply(moved, 1L, function(b) sum(shared_area(b, taken)))), ]
}

# The end of the line from a point to a name: the place of the box nearest to the point.
nearest_of_box <- function(x, y, boxes) {
  list(x = pmin(pmax(x, boxes[, 1L]), boxes[, 2L]), y = pmin(pmax(y, boxes[, 3L]), boxes[, 4L]))
}

draw_labels <- function(x, y, label, size = 1, avoid = list(x = x, y = y)) {
  if (!length(x)) return(invisible())
  label <- shorten(label, 16L)
  panel <- graphics::par("pin")
  small <- 0.8 * min(1, max(0.8, min(panel) / 2)) # letters of small pictures are smaller
  edge <- graphics::par("usr")
  across <- function(x) (x - edge[1L]) / (edge[2L] - edge[1L]) * panel[1L]
  up <- function(y) (y - edge[3L]) / (edge[4L] - edge[3L]) * panel[2L]
  width <- graphics::strwidth(label, "inches", cex = small) + 0.5 * graphics::strwidth("0", "inches", cex = small)
  gap <- outer(0.4 + 0.35 * rep(size, length.out = length(x)), graphics::par("cin") * graphics::par("cex"))
  boxes <- place_labels(across(x), up(y), width, 1.3 * graphics::strheight("0", "inches", cex = small), gap, panel,
                        list(x = across(avoid$x), y = up(avoid$y)))
  end <- nearest_of_box(across(x), up(y), boxes)
  led <- boxes[, 5L] > 0
  back <- function(inch, side) edge[2L * side - 1L] + inch / panel[side] * (edge[2L * side] - edge[2L * side - 1L])
  if (any(led)) graphics::segments(x[led], y[led], back(end$x, 1L)[led], back(end$y, 2L)[led], col = quiet_grey, xpd = NA)
  graphics::rect(back(boxes[, 1L], 1L), back(boxes[, 3L], 2L), back(boxes[, 2L], 1L), back(boxes[, 4L], 2L),
                 col = translucent("white", 0.75), border = NA)
  graphics::text(back((boxes[, 1L] + boxes[, 2L]) / 2, 1L), back((boxes[, 3L] + boxes[, 4L]) / 2, 2L), label, cex = small, xpd = NA)
}

# The twin ---------------------------------------------------------------------------------------------------------------
# How large its panel is, ggplot2 says only when it draws: the layer leaves a grob that finds its places then.

# Names of the points with a `label`; they keep off the points of `avoid`.
gg_labels <- function(points, x = "x", y = "y", avoid = points) {
  named <- points[!is.na(points$label), ]
  if (!nrow(named)) return(NULL)
  both <- data.frame(x = c(named[[x]], avoid[[x]]), y = c(named[[y]], avoid[[y]]),
                     label = c(shorten(named$label, 16L), rep("", length(avoid[[x]]))))
  gg_placed(both, function(at) {
    named <- at$label != ""
    grid::gTree(at = at[named, ], avoid = at[!named, c("x", "y")], cl = "em_names")
  })
}

# A layer of what finds its places when it is drawn: `grob(at)`, of the rows with x and y in parts of the panel.
gg_placed <- function(data, grob) {
  geom <- ggplot2::ggproto(NULL, ggplot2::Geom, required_aes = c("x", "y", "label"), default_aes = ggplot2::aes(colour = "black"),
                           draw_panel = function(data, panel_params, coord, ...) grob(coord$transform(data, panel_params)))
  ggplot2::layer(geom, "identity", data, ggplot2::aes(.data$x, .data$y, label = .data$label), position = "identity",
                 inherit.aes = FALSE, show.legend = FALSE)
}

panel_inches <- function() {
  c(grid::convertWidth(grid::unit(1, "npc"), "inches", TRUE), grid::convertHeight(grid::unit(1, "npc"), "inches", TRUE))
}

text_inches <- function(label, size) {
  vapply(label, function(one) grid::convertWidth(grid::grobWidth(grid::textGrob(one, gp = grid::gpar(fontsize = size))), "inches", TRUE), 0)
}

#' @exportS3Method grid::makeContent
makeContent.em_names <- function(x) {
  panel <- panel_inches()
  size <- 8.5
  high <- size / 72
  at <- list(x = x$at$x * panel[1L], y = x$at$y * panel[2L])
  boxes <- place_labels(at$x, at$y, text_inches(x$at$label, size) + 0.3 * high, high, matrix(c(0.11, 0.15), nrow(x$at), 2L, byrow = TRUE),
                        panel, list(x = x$avoid$x * panel[1L], y = x$avoid$y * panel[2L]))
  end <- nearest_of_box(at$x, at$y, boxes)
  led <- which(boxes[, 5L] > 0)
  lines <- if (length(led)) grid::segmentsGrob(at$x[led], at$y[led], end$x[led], end$y[led], "inches", gp = grid::gpar(col = quiet_grey))
  white <- grid::rectGrob(boxes[, 1L], boxes[, 3L], boxes[, 2L] - boxes[, 1L], boxes[, 4L] - boxes[, 3L], just = c(0, 0),
                          default.units = "inches", gp = grid::gpar(fill = translucent("white", 0.75), col = NA))
  names <- grid::textGrob(x$at$label, (boxes[, 1L] + boxes[, 2L]) / 2, (boxes[, 3L] + boxes[, 4L]) / 2, default.units = "inches",
                          gp = grid::gpar(fontsize = size))
  grid::setChildren(x, do.call(grid::gList, Filter(Negate(is.null), list(lines, white, names))))
}

# Names at the ends of lines -----------------------------------------------------------------------------------------------
# Where names stand that belong at heights `y` (increasing, in inches) of a panel that is `high`: moved apart, smaller, in
# columns beside each other, as many as it takes. `letter`: the height of a letter. A list: `at`, `column` (from 0), `cex`,
# `gutter`: how wide the way to the names is, which takes a line to each where any stands off the end of its own, and
# `symbol`: how much room the symbol has that those and names of many lines have before them.
lay_out_ends <- function(y, high, letter) {
  n <- length(y)
  for (way in list(c(1, 0.75), c(1, 0.65), c(1, 0.55), c(2, 0.75), c(2, 0.65), c(2, 0.55), c(3, 0.55), c(4, 0.5))) {
    gap <- 1.35 * letter * way[2L]
    if ((n - 1 + way[1L]) / way[1L] * gap <= high) break
  }
  # Names of other columns stand between those of one, so that lines to them pass there.
  at <- moved_apart(y, gap / way[1L], c(0.5 * gap, high - 0.5 * gap))
  off <- way[1L] > 1 || any(abs(at - y) > 0.4 * gap)
  list(at = at, column = (seq_len(n) - 1L) %% way[1L], cex = way[2L], gutter = if (off) 0.3 else 0.1,
       symbol = if (off || n > 6L) 0.13 else 0)
}

# The lines to the names, in inches, a row each: from the end of a line (`x`, `y`) across the gutter, which begins at `edge`,
# and on to the column of the name.
end_leaders <- function(x, y, edge, places, step) {
  if (places$gutter < 0.2) return(NULL)
  data.frame(x = pmax(x, edge) + 0.06, y = y, bend = edge + places$gutter - 0.08, at = places$at,
             end = edge + places$gutter - 0.03 + places$column * step)
}

# Names with their symbols tell lines apart, so that many need no key beside them: where each has one.
ends_are_key <- function(ends, style) nrow(style) > 6L && length(ends$value) == nrow(style)

# Increasing numbers at least `gap` apart, as near to where they were as that allows, within the limits where there is room.
moved_apart <- function(y, gap, limits) {
  n <- length(y)
  if (n < 2L) return(y)
  steps <- gap * (seq_len(n) - 1)
  moved <- stats::isoreg(y - steps)$yf
  room <- limits[2L] - steps[n]
  pmax(limits[1L], pmin(moved, room)) + steps
}

# Of the twin: beside the panel, in the margin that gg_end_margin() keeps free.
gg_end_labels <- function(ends) {
  if (!length(ends$value)) return(NULL)
  gg_placed(data.frame(x = ends$k, y = ends$value, label = ends$label), function(at) {
    own <- match(at$label, ends$label)
    grid::gTree(at = at, colour = ends$colour[own], symbol = ends$symbol[own], cl = "em_ends", vp = grid::viewport(clip = "off"))
  })
}

# For two columns where there are many: how many it takes is known when it is drawn.
gg_end_margin <- function(ends) {
  if (!length(ends$value)) return(NULL)
  letters <- max(nchar(ends$label, type = "width")) + 3
  ggplot2::theme(plot.margin = ggplot2::margin(5.5, 18 + 5 * letters * if (nrow(ends) > 8L) 1.5 else 1, 5.5, 5.5))
}

#' @exportS3Method grid::makeContent
makeContent.em_ends <- function(x) {
  panel <- panel_inches()
  size <- 11
  order <- order(x$at$y)
  ends <- x$at[order, ]
  places <- lay_out_ends(ends$y * panel[2L], panel[2L], 0.72 * size / 72)
  step <- max(text_inches(ends$label, size * places$cex)) + 0.08 + places$symbol
  edge <- max(ends$x) * panel[1L]
  left <- edge + places$gutter + places$column * step
  colour <- grid::gpar(fontsize = size * places$cex, col = x$colour[order])
  lines <- end_leaders(ends$x * panel[1L], ends$y * panel[2L], edge, places, step)
  if (!is.null(lines)) {
    lines <- grid::polylineGrob(t(lines[c("x", "bend", "end")]), t(lines[c("y", "at", "at")]), rep(seq_len(nrow(lines)), each = 3L),
                                default.units = "inches", gp = grid::gpar(col = quiet_grey, lwd = 0.6))
  }
  symbols <- if (places$symbol > 0) {
    grid::pointsGrob(left + 0.05, places$at, pch = x$symbol[order], size = grid::unit(0.75 * size * places$cex, "points"),
                     default.units = "inches", gp = colour)
  }
  names <- grid::textGrob(ends$label, left + places$symbol, places$at, hjust = 0, default.units = "inches", gp = colour)
  grid::setChildren(x, do.call(grid::gList, Filter(Negate(is.null), list(lines, symbols, names))))
}

# Names in bars --------------------------------------------------------------------------------------------------------------
# Of the twin of bars from -0.42 to 0.42 about `at`: the longest of "name 0.45", "name" and "n", the first letter
# where that tells them apart, that fits them all.
gg_bar_names <- function(bars) {
  if (!nrow(bars)) return(NULL)
  name <- shorten(bars$component, 10L)
  share <- fixed(bars$responsibility, 2L)
  whole <- data.frame(x = bars$at, y = (bars$bottom + bars$top) / 2, label = paste(name, share))
  gg_placed(rbind(whole, data.frame(x = bars$at - 0.42, y = whole$y, label = name)), function(at) {
    n <- nrow(at) / 2L
    begin <- at[n + seq_len(n), ]
    at <- at[seq_len(n), ]
    grid::gTree(x = at$x, y = at$y, width = 2 * (at$x - begin$x), whole = at$label, short = begin$label, cl = "em_bars")
  })
}

#' @exportS3Method grid::makeContent
makeContent.em_bars <- function(x) {
  size <- 8.5
  room <- x$width * panel_inches()[1L] - 0.03
  first <- substr(x$short, 1L, 1L)
  if (length(unique(first)) < length(unique(x$short))) first <- rep("", length(first))
  for (label in list(x$whole, x$short, first)) {
    width <- text_inches(label, size)
    if (all(width <= room)) break
  }
  high <- 1.5 * size / 72
  if (!any(nzchar(label))) return(x)
  white <- grid::rectGrob(x$x, x$y, grid::unit(width + 0.04, "inches"), grid::unit(high, "inches"), gp = grid::gpar(fill = "white", col = NA))
  grid::setChildren(x, grid::gList(white, grid::textGrob(label, x$x, x$y, gp = grid::gpar(fontsize = size))))
}
