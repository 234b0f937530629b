# The look of all pictures: colours, symbols, lines, the key above the plot, axes.

# Okabe and Ito's colours, the best to be told apart on white first; black is kept for what sums up.
okabe_ito <- c(blue = "#0072B2", vermillion = "#D55E00", green = "#009E73", purple = "#CC79A7",
               orange = "#E69F00", sky = "#56B4E9")
colour_words <- c(blue = "#0072B2", red = "#D55E00", vermillion = "#D55E00", green = "#009E73",
                  purple = "#CC79A7", pink = "#CC79A7", orange = "#E69F00", black = "#000000", yellow = "#F0E442")
style_symbols <- c(19L, 17L, 15L, 18L, 1L, 2L, 0L, 5L, 6L, 8L)
style_lines <- c("solid", "42", "12", "4212", "82", "421212")
quiet_grey <- "#666666"
light_grey <- "#D9D9D9"

# One row for each component; what repeats does so out of step, so no two look alike.
component_style <- function(labels) {
  k <- length(labels)
  at <- seq_len(k) - 1L
  colour <- okabe_ito[at %% length(okabe_ito) + 1L]
  words <- tolower(labels)
  if (all(words %in% names(colour_words)) && !anyDuplicated(colour_words[words])) colour <- colour_words[words]
  round <- at %/% length(okabe_ito)
  data.frame(component = labels, colour = unname(colour), symbol = style_symbols[at %% length(style_symbols) + 1L],
             line = style_lines[(at + round) %% length(style_lines) + 1L], size = rep(1, k))
}

fit_style <- function(fit) {
  with_noise_style(component_style(component_names_of(fit)[seq_len(fit$k)]), fit$latent)
}

# Lines in the key only of what has a line in the picture.
line_in <- function(style, part) ifelse(style$component %in% part$component, style$line, NA_character_)

# One colour for each row: the components' colours mixed in the proportions of the row's responsibilities.
mix_colours <- function(responsibilities, colours) {
  parts <- responsibilities %*% (t(grDevices::col2rgb(colours)) / 255)
  parts[] <- pmin(pmax(parts, 0), 1)
  grDevices::rgb(parts[, 1L], parts[, 2L], parts[, 3L])
}

translucent <- function(colour, alpha) {
  rgb <- grDevices::col2rgb(colour) / 255
  grDevices::rgb(rgb[1L, ], rgb[2L, ], rgb[3L, ], alpha)
}

# Labels no wider than `most` characters, told apart still: those that begin alike keep their ends, too.
shorten <- function(labels, most = 24L) {
  long <- nchar(labels, type = "width") > most
  if (!any(long)) return(labels)
  whole <- labels
  labels[long] <- paste0(strtrim(labels[long], most - 3L), "...")
  alike <- long & labels %in% labels[long & !duplicated(whole)][duplicated(labels[long & !duplicated(whole)])]
  if (any(alike) && most >= 8L) {
    tail <- (most - 3L) %/% 2L
    n <- nchar(whole[alike])
    labels[alike] <- paste0(strtrim(whole[alike], most - 3L - tail), "...", substring(whole[alike], n - tail + 1L))
  }
  repeated <- labels %in% labels[duplicated(labels)]
  labels[repeated] <- paste0(labels[repeated], " (", seq_along(labels)[repeated], ")")
  labels
}

# The key -------------------------------------------------------------------------------------------------
# Entries stand in rows above the plot, so that they never hide data. An entry has a label, a colour, and a symbol,
# a line (with its width), or both.

key_entries <- function(labels, colour, symbol = NA_integer_, line = NA_character_, width = 2) {
  data.frame(label = labels, colour = colour, symbol = symbol, line = line, width = width)
}

key_cex <- 0.9

# The width of a letter in inches: estimated, for no plot is open yet when margins are chosen.
letter_width <- function(cex = 1) graphics::par("cin")[1L] * graphics::par("cex") * cex * 0.6

# Where each entry goes in a key `inches` wide: left edge, and row from the top; long labels are shortened. A key of more than
# two rows is drawn smaller (`scale`).
lay_out_key <- function(key, inches) {
  if (is.null(key) || !nrow(key)) return(NULL)
  for (scale in c(1, 0.85, 0.7)) {
    out <- fill_key(key, inches, scale)
    if (max(out$row) <= 2L) break
  }
  out
}

fill_key <- function(key, inches, scale) {
  letter <- letter_width(key_cex * scale)
  key$label <- shorten(key$label, min(28L, max(4L, floor((inches - 0.45 * scale) / letter))))
  width <- nchar(key$label, type = "width") * letter + 0.6 * scale
  key$scale <- scale
  key$left <- 0
  key$row <- 1L
  for (i in seq_len(nrow(key))[-1L]) {
    right <- key$left[i - 1L] + width[i - 1L]
    fits <- right + width[i] - 0.15 * scale <= inches
    key$left[i] <- if (fits) right else 0
    key$row[i] <- key$row[i - 1L] + !fits
  }
  key
}

key_rows <- function(key, inches) if (is.null(key)) 0L else max(lay_out_key(key, inches)$row)

# Draws the key upwards from the top edge of the plot.
draw_key <- function(key) {
  size <- graphics::par("pin")
  key <- lay_out_key(key, size[1L])
  if (is.null(key)) return(invisible())
  up <- size[2L] + graphics::par("csi") * 1.1 * (max(key$row) - key$row + 0.65)
  x <- function(inch) graphics::grconvertX(inch / size[1L], "npc", "user")
  y <- graphics::grconvertY(up / size[2L], "npc", "user")
  has_line <- !is.na(key$line)
  scale <- key$scale[1L]
  if (any(has_line)) {
    graphics::segments(x(key$left), y, x(key$left + 0.36 * scale), y, col = key$colour,
                       lty = ifelse(has_line, key$line, "blank"), lwd = key$width, xpd = NA)
  }
  graphics::points(x(key$left + 0.18 * scale), y, pch = key$symbol, col = key$colour, cex = scale, xpd = NA)
  graphics::text(x(key$left + 0.43 * scale), y, key$label, adj = c(0, 0.5), cex = key_cex * scale, xpd = NA)
}

# Frame ----------------------------------------------------------------------------------------------------

# Opens a plot with room for the key, the title and the numbers at the axes, and returns the margins to put back.
# They grow only where they must, so points() and lines() added later mostly land where they should.
# whole: does the horizontal axis count? least: where the numbers of the vertical one begin.
open_frame <- function(xlim, ylim, look, xlab, ylab, key = NULL, bottom = TRUE, whole = FALSE, least = -Inf) {
  if (is.null(look$xlim)) look$xlim <- xlim
  if (is.null(look$ylim)) look$ylim <- ylim
  old <- make_room(key, look)
  graphics::plot.new()
  graphics::plot.window(look$xlim, look$ylim, xaxs = "i", yaxs = "i")
  if (bottom) draw_axis(1L, whole)
  draw_axis(2L, least = least)
  size <- graphics::par("pin")
  name_axis(1L, if (is.null(look$xlab)) xlab else look$xlab, 2.3, is.null(look$xlab))
  name_axis(2L, if (is.null(look$ylab)) ylab else look$ylab, graphics::par("mar")[2L] - 1.2, is.null(look$ylab))
  draw_key(key)
  if (!is.null(look$main)) graphics::title(main = look$main, line = 1.1 * key_rows(key, size[1L]) + 0.7)
  old
}

make_room <- function(key, look) {
  old <- graphics::par(mar = graphics::par("mar"))
  mar <- first_margins(old$mar)
  numbers <- letter_width(0.95) * max(nchar(axis_labels(pretty(look$ylim)))) / graphics::par("csi")
  mar[1L] <- max(mar[1L], 3.6)
  mar[2L] <- max(mar[2L], numbers + 2.6)
  inches <- graphics::par("fin")[1L] - (mar[2L] + mar[4L]) * graphics::par("csi")
  mar[3L] <- max(mar[3L], 1.1 * key_rows(key, inches) + if (is.null(look$main)) 0.6 else 2.4)
  if (any(mar != old$mar)) graphics::par(mar = mar)
  old
}

# A name longer than its axis is written smaller; what is too long even so has two lines on the left, and is shortened, unless
# somebody chose it.
name_axis <- function(side, label, line, own = TRUE) {
  if (is.character(label)) {
    beside <- graphics::par("mai")[if (side == 1L) c(2L, 4L) else c(1L, 3L)]
    room <- 0.97 * (graphics::par("pin")[side] + 2 * min(beside)) / letter_width()
    if (own && side == 2L && 0.65 * nchar(label, type = "width") > room) {
      label <- in_two_lines(label, 1L, " ")
      line <- line - 0.4
    }
    parts <- strsplit(label, "\n", fixed = TRUE)[[1L]]
    cex <- min(1, max(0.65, room / max(nchar(parts, type = "width"), 1L)))
    if (own) label <- paste(shorten(parts, max(8L, floor(room / cex))), collapse = "\n")
  } else {
    cex <- 1
  }
  if (side == 1L) graphics::title(xlab = label, line = line, cex.lab = cex)
  else graphics::title(ylab = label, line = line, cex.lab = cex)
}

# On a small device R's default margins, which nobody chose, would leave a strip: there they are only what is needed.
first_margins <- function(mar) {
  unchosen <- isTRUE(all.equal(mar, c(5.1, 4.1, 4.1, 2.1)))
  if (unchosen && graphics::par("fin")[2L] < 4) c(0, 0, 0, 0.8) else mar
}

axis_labels <- function(at) format(at, digits = 7L, trim = TRUE)

# No numbers where there are names and not data.
draw_axis <- function(side, whole = FALSE, most = Inf, least = -Inf) {
  at <- graphics::axTicks(side)
  at <- at[at <= most & at >= least]
  if (whole) at <- at[at == floor(at)]
  graphics::axis(side, at = at, labels = axis_labels(at), las = 1L, col = quiet_grey, col.ticks = quiet_grey,
                 tcl = -0.3, mgp = c(3, if (side == 1L) 0.6 else 0.5, 0), cex.axis = 0.95)
}

# A range that is never empty, with a margin on both sides.
padded_range <- function(x, by = 0.04) {
  limits <- range(x, finite = TRUE)
  width <- diff(limits)
  if (width == 0) width <- if (limits[1L] == 0) 1 else abs(limits[1L]) * 0.1
  limits + c(-by, by) * width
}
