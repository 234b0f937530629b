#' EM as a film
#'
#' Writes one HTML page that plays the iterations of a fit: curves for one variable, ellipses for two,
#' responsibilities and, beside them, probabilities for binomial components, the data in the colour of their
#' responsibilities and with the symbol of their most likely component, the numbers of each iteration as a table, and the
#' log-likelihood below. The page has a button to play and pause, a slider, and steps forward and back; the space bar
#' plays, arrow keys, Home and End step. It grows with its window, and needs nothing else: no network, no other file.
#'
#' @param fit A fit by [em_fit()].
#' @param file Where to write the page; a name without an ending gets `".html"`.
#' @param iterations Which iterations to show (0 is the start); `NULL` for all, or, of more than 150, for the first
#'   50 and 100 of the rest, evenly spaced.
#' @param variables Which variables, for Gaussian components: one or two names or numbers. Left out: of several, the two
#'   along which the fitted components overlap least.
#' @param delay Milliseconds from one iteration to the next.
#' @param title The heading of the page.
#' @return The path of the file, invisibly.
#' @section Errors: `emfit_error_argument`; `emfit_error_unsupported` for components that are neither Gaussian nor
#'   binomial.
#' @references McLachlan, G. J. and Krishnan, T. (2008) *The EM Algorithm and Extensions*. Wiley.
#'   \doi{10.1002/9780470191613}
#' @seealso [em_path()], and `plot(fit, type = "path")` for a picture that stands still
#' @examples
#' fit <- em_fit(red_blue$value, start = list(mean = c(red = 1.1, blue = 9), sd = c(2, 1.7)))
#' file <- tempfile(fileext = ".html")
#' em_animate(fit, file)
#' # browseURL(file)
#' @export
em_animate <- function(fit, file, iterations = NULL, variables = NULL, delay = 600,
                       title = "EM, one iteration at a time") {
  check_fit(fit, "em_animate()")
  if (missing(file) || !is.character(file) || length(file) != 1L || is.na(file)) {
    abort_em("argument", c("`file` must say where to write the page.", i = "em_animate(fit, \"em.html\")"))
  }
  if (!grepl("\\.[[:alnum:]]+$", basename(file))) file <- paste0(file, ".html")
  delay <- check_count(delay, "delay")
  path <- path_parameters(fit)
  chosen <- if (is.null(iterations)) frames_of(length(path) - 1L) else choose_iterations(iterations, length(path) - 1L)
  scene <- animation_scene(fit, path, chosen, variables)
  scene$delay <- delay
  page <- readLines(system.file("animate", "page.html", package = "emfit"), encoding = "UTF-8")
  page <- gsub("{{title}}", escape_html(title), paste(page, collapse = "\n"), fixed = TRUE)
  writeLines(enc2utf8(sub_fixed("{{data}}", as_json(scene), page)), file, useBytes = TRUE)
  invisible(file)
}

frames_of <- function(last) {
  if (last <= 150L) return(0:last)
  unique(c(0:50, as.integer(round(seq(51, last, length.out = 100L)))))
}

animation_scene <- function(fit, path, chosen, variables) {
  states <- lapply(chosen, function(i) {
    state <- fit
    state$parameters <- path[[i + 1L]]
    state
  })
  c(list(components = animation_style(fit)), family_scene(fit$family, fit, states, chosen, variables))
}

# Dashes as lengths in pixels, as a canvas takes them; symbols by R's numbers.
animation_style <- function(fit) {
  style <- fit_style(fit)
  lapply(seq_len(nrow(style)), function(i) {
    dash <- if (style$line[i] == "solid") numeric() else 3 * as.numeric(strsplit(style$line[i], "")[[1L]])
    list(name = style$component[i], colour = style$colour[i], dash = I(dash), symbol = style$symbol[i])
  })
}

# What every frame has: the numbers of its iteration, and of each row drawn the colour mixed of its responsibilities and
# the component it most likely belongs to (from 0), whose symbol it gets.
frame_base <- function(state, iteration, numbers, rows = NULL) {
  out <- list(iteration = iteration, loglik = state$trace$loglik[iteration + 1L], numbers = numbers)
  if (is.null(rows)) return(out)
  r <- responsibilities(state)[rows, , drop = FALSE]
  c(out, list(colours = I(mix_colours(r, fit_style(state)$colour)), members = I(max.col(r, ties.method = "first") - 1L)))
}

# The table beside the picture: `make` gives one column of numbers each, by component. Proportions that are held alike
# tell nothing. columns: their heads; frames: for each state a list of rows of text, for each component.
animation_numbers <- function(states, make) {
  tables <- lapply(states, function(state) c(list(proportion = unname(shares_of(state))), make(state$parameters)))
  shares <- unlist(lapply(tables, `[[`, "proportion"))
  if (diff(range(shares)) < 1e-12) tables <- lapply(tables, `[`, -1L)
  list(columns = I(names(tables[[1L]])), frames = lapply(tables, number_rows))
}

# Noise has a proportion and nothing else.
number_rows <- function(table) {
  k <- max(lengths(table))
  columns <- vapply(table, function(x) c(plain_digits(x), rep("", k - length(x))), character(k))
  lapply(columns_of(t(matrix(columns, k))), I)
}

# As many decimals for all of a column as the largest needs for five digits, four at least of numbers below 10.
plain_digits <- function(x) {
  if (is.character(x)) return(x)
  reach <- max(abs(x[is.finite(x)]), 0)
  if (reach >= 1e7 || (reach > 0 && reach < 1e-3)) return(formatC(x, digits = 5L, format = "g", width = 1L, decimal.mark = "."))
  fixed(x, max(0L, min(4L, 4L - as.integer(floor(log10(max(reach, 1)))))), ".")
}

curve_scene <- function(fit, states, chosen, j, rows) {
  x <- fit$data$x[, j]
  margins <- lapply(states, function(state) component_margins(state, j))
  limits <- curve_limits(x, all_margins(margins))
  grid <- seq(limits[1L], limits[2L], length.out = 401L)
  numbers <- animation_numbers(states, function(p) means_and_sds(p, j))
  frames <- lapply(seq_along(states), function(i) {
    y <- lapply(columns_of(margin_curves(margins[[i]], grid)), function(height) I(signif(height, 4L)))
    noise <- noise_curve(fit, j, states[[i]]$parameters)
    if (!is.null(noise)) y <- c(y, list(I(signif(noise$density(grid), 4L))))
    c(frame_base(states[[i]], chosen[i], numbers$frames[[i]], rows), list(y = y, means = I(unname(margins[[i]]$mean))))
  })
  tops <- vapply(frames, function(f) max(unlist(f$y)), 0)
  # A spike on the way may leave the frame, the last curves not.
  top <- min(max(tops), max(4 * stats::median(tops), tops[length(tops)]))
  list(kind = "curves", xlab = variable_names(fit$data)[j], ylab = "density", xlim = limits, columns = numbers$columns,
       ylim = c(-0.06, 1.05) * top, x = I(signif(grid, 8L)), points = I(x[rows]),
       frames = frames)
}

means_and_sds <- function(parameters, at) {
  sd <- if (is.null(parameters$sd)) sqrt(parameters$covariance[at, at, ]) else parameters$sd
  list(mean = unname(as.matrix(parameters$mean)[, at]), sd = unname(sd))
}

# Of two columns in one cell for each, so that the table leaves room for the picture.
means_with_sds <- function(parameters, at, names) {
  out <- lapply(at, function(j) {
    own <- means_and_sds(parameters, j)
    sprintf("%s (%s)", plain_digits(own$mean), plain_digits(own$sd))
  })
  stats::setNames(out, sprintf("%s: mean (sd)", shorten(names, 16L)))
}

ellipse_scene <- function(fit, states, chosen, at, rows) {
  x <- fit$data$x[rows, at, drop = FALSE]
  names <- variable_names(fit$data)[at]
  outline <- function(parameters, k, level) {
    df <- if (is.null(parameters$df)) Inf else parameters$df[k]
    line <- ellipse_outline(parameters$mean[k, at], parameters$covariance[at, at, k], level, 61L, df)
    list(x = I(signif(line[, 1L], 6L)), y = I(signif(line[, 2L], 6L)))
  }
  numbers <- animation_numbers(states, function(p) means_with_sds(p, at, names))
  frames <- lapply(seq_along(states), function(i) {
    p <- states[[i]]$parameters
    each <- seq_len(nrow(p$mean))
    c(frame_base(states[[i]], chosen[i], numbers$frames[[i]], rows), list(
      ellipses = lapply(each, function(k) list(outline(p, k, 0.5), outline(p, k, 0.95))),
      means = lapply(each, function(k) I(unname(p$mean[k, at])))
    ))
  })
  # Wide ellipses of early iterations may leave the frame, so that the rows fill it.
  around <- lapply(frames, function(f) lapply(f$ellipses, function(e) e[[2L]]))
  reach <- function(which) {
    far <- unlist(lapply(around, function(f) lapply(f, function(e) unclass(e[[which]]))))
    seen <- range(x[, if (which == "x") 1L else 2L])
    padded_range(c(seen, pmin(pmax(far, seen[1L] - 0.3 * diff(seen)), seen[2L] + 0.3 * diff(seen))))
  }
  list(kind = "ellipses", xlab = names[1L], ylab = names[2L], xlim = reach("x"), ylim = reach("y"),
       columns = numbers$columns, points = list(x = I(x[, 1L]), y = I(x[, 2L])), frames = frames)
}

# Two pictures: a bar for each row with its responsibilities, and beside it the parameter `name` by iteration.
bar_scene <- function(fit, states, chosen, name = "prob", head = "probability", axis = "probability of success",
                      limits = c(0, 1)) {
  line <- family_line(fit$family, fit$data)
  rows <- responsibility_bars(fit, line)$bars
  rows <- rows[!duplicated(rows$row), ]
  numbers <- animation_numbers(states, function(p) stats::setNames(list(unname(p[[name]])), head))
  frames <- lapply(seq_along(states), function(i) {
    r <- responsibilities(states[[i]])[rows$row, , drop = FALSE]
    c(frame_base(states[[i]], chosen[i], numbers$frames[[i]]), list(
      responsibilities = lapply(seq_len(ncol(r)), function(k) I(signif(unname(r[, k]), 5L))),
      values = I(unname(states[[i]]$parameters[[name]]))
    ))
  })
  list(kind = "bars", xlab = line$rows, ylab = "P(component | row)", valuelab = axis, limits = limits,
       columns = numbers$columns, labels = I(rows$label), frames = frames)
}

# The pair of columns along which components overlap least, of `most` that do so by themselves: the sum over all pairs of
# components of sqrt(p_i p_j) exp(-B), where B is Bhattacharyya's distance of two normal laws.
telling_pair <- function(fit, most = 30L) {
  mean <- as.matrix(fit$parameters$mean)
  d <- ncol(mean)
  if (d <= 2L || fit$k < 2L) return(seq_len(min(2L, d)))
  share <- unname(shares_of(fit)[seq_len(fit$k)])
  overlap <- function(at) overlap_along(mean, fit$parameters$covariance, share, at)
  at <- sort(utils::head(order(vapply(seq_len(d), overlap, 0)), most))
  pairs <- utils::combn(at, 2L)
  pairs[, which.min(apply(pairs, 2L, overlap))]
}

overlap_along <- function(mean, covariance, share, at) {
  both <- utils::combn(nrow(mean), 2L)
  sum(apply(both, 2L, function(pair) {
    one <- matrix(covariance[at, at, pair[1L]], length(at))
    two <- matrix(covariance[at, at, pair[2L]], length(at))
    middle <- (one + two) / 2
    gap <- mean[pair[1L], at] - mean[pair[2L], at]
    size <- sqrt(pmax(diag(middle), .Machine$double.xmin))
    parts <- eigen(middle / outer(size, size), symmetric = TRUE)
    along <- drop(crossprod(parts$vectors, gap / size))
    distance <- sum(along^2 / pmax(parts$values, 1e-8)) / 8
    spread <- log_volume(middle) / 2 - (log_volume(one) + log_volume(two)) / 4
    sqrt(prod(share[pair])) * exp(-distance - max(spread, 0))
  }))
}

log_volume <- function(sigma) {
  size <- pmax(sqrt(diag(sigma)), sqrt(.Machine$double.xmin))
  2 * sum(log(size)) + sum(log(pmax(eigen(sigma / outer(size, size), symmetric = TRUE, only.values = TRUE)$values, 1e-8)))
}

# JSON of lists, vectors marked with I(), and single values; what is not finite becomes null.
as_json <- function(x) {
  if (is.list(x)) {
    parts <- vapply(x, as_json, "")
    if (is.null(names(x))) return(paste0("[", paste(parts, collapse = ","), "]"))
    return(paste0("{", paste0(json_text(names(x)), ":", parts, collapse = ","), "}"))
  }
  values <- if (is.character(x)) json_text(x) else ifelse(is.finite(x), format_json(x), "null")
  if (length(x) != 1L || inherits(x, "AsIs")) paste0("[", paste(values, collapse = ","), "]") else values
}

format_json <- function(x) formatC(as.double(x), digits = 15L, format = "g", width = 1L, decimal.mark = ".")

# "<" is escaped, so that no text can end the script it stands in.
json_text <- function(x) {
  x <- gsub("([\"\\\\])", "\\\\\\1", enc2utf8(as.character(x)))
  x <- gsub("[[:cntrl:]]", " ", x)
  paste0("\"", gsub("<", "\\u003c", x, fixed = TRUE), "\"")
}

escape_html <- function(x) {
  for (pair in list(c("&", "&amp;"), c("<", "&lt;"), c(">", "&gt;"), c("\"", "&quot;"))) {
    x <- gsub(pair[1L], pair[2L], x, fixed = TRUE)
  }
  x
}

# sub() would read backslashes in the replacement.
sub_fixed <- function(pattern, replacement, x) {
  at <- regexpr(pattern, x, fixed = TRUE)
  paste0(substr(x, 1L, at - 1L), replacement, substr(x, at + nchar(pattern), nchar(x)))
}
