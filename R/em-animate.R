#' EM as a film
#'
#' Writes one HTML page that plays the iterations of a fit: curves for one variable, ellipses for two,
#' responsibilities and probabilities for binomial components, the data in the colour of their responsibilities,
#' and the log-likelihood below. The page has a button to play and pause, a slider, and steps forward and back. It
#' needs nothing else: no network, no other file.
#'
#' @param fit A fit by [em_fit()].
#' @param file Where to write the page.
#' @param iterations Which iterations to show (0 is the start); `NULL` for all, or, of more than 150, for the first
#'   50 and 100 of the rest, evenly spaced.
#' @param variables Which variables, for Gaussian components: one or two names or numbers.
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
  common <- list(components = animation_style(fit))
  states <- lapply(chosen, function(i) {
    state <- fit
    state$parameters <- path[[i + 1L]]
    state
  })
  c(common, family_scene(fit$family, fit, states, chosen, variables))
}

# Dashes as lengths in pixels, as a canvas takes them.
animation_style <- function(fit) {
  style <- fit_style(fit)
  lapply(seq_len(nrow(style)), function(i) {
    dash <- if (style$line[i] == "solid") numeric() else 3 * as.numeric(strsplit(style$line[i], "")[[1L]])
    list(name = style$component[i], colour = style$colour[i], dash = I(dash))
  })
}

frame_base <- function(fit, iteration) list(iteration = iteration, loglik = fit$trace$loglik[iteration + 1L])

row_colours <- function(state, rows) {
  I(mix_colours(responsibilities(state)[rows, , drop = FALSE], fit_style(state)$colour))
}

curve_scene <- function(fit, states, chosen, j, rows) {
  x <- fit$data$x[, j]
  margins <- lapply(states, function(state) component_margins(state, j))
  limits <- curve_limits(x, all_margins(margins))
  grid <- seq(limits[1L], limits[2L], length.out = 401L)
  frames <- lapply(seq_along(states), function(i) {
    y <- lapply(columns_of(margin_curves(margins[[i]], grid)), function(height) I(signif(height, 4L)))
    noise <- noise_curve(fit, j, states[[i]]$parameters)
    if (!is.null(noise)) y <- c(y, list(I(signif(noise$density(grid), 4L))))
    c(frame_base(fit, chosen[i]), list(y = y, colours = row_colours(states[[i]], rows)))
  })
  tops <- vapply(frames, function(f) max(unlist(f$y)), 0)
  list(kind = "curves", xlab = variable_names(fit$data)[j], ylab = "density", xlim = limits,
       ylim = c(-0.06, 1.05) * min(max(tops), 4 * stats::median(tops)), x = I(signif(grid, 8L)), points = I(x[rows]),
       frames = frames)
}

ellipse_scene <- function(fit, states, chosen, at, rows) {
  x <- fit$data$x[rows, at, drop = FALSE]
  outline <- function(parameters, k, level) {
    line <- ellipse_outline(parameters$mean[k, at], parameters$covariance[at, at, k], level, 61L, c(parameters$df, Inf)[if (is.null(parameters$df)) 1L else k])
    list(x = I(signif(line[, 1L], 6L)), y = I(signif(line[, 2L], 6L)))
  }
  frames <- lapply(seq_along(states), function(i) {
    p <- states[[i]]$parameters
    each <- seq_len(nrow(p$mean))
    c(frame_base(fit, chosen[i]), list(
      ellipses = lapply(each, function(k) list(outline(p, k, 0.5), outline(p, k, 0.95))),
      means = lapply(each, function(k) I(unname(p$mean[k, at]))), colours = row_colours(states[[i]], rows)
    ))
  })
  around <- lapply(frames, function(f) lapply(f$ellipses, function(e) e[[2L]]))
  reach <- function(which) {
    far <- unlist(lapply(around, function(f) lapply(f, function(e) unclass(e[[which]]))))
    padded_range(c(x[, if (which == "x") 1L else 2L], far))
  }
  names <- variable_names(fit$data)[at]
  list(kind = "ellipses", xlab = names[1L], ylab = names[2L], xlim = reach("x"), ylim = reach("y"),
       points = list(x = I(x[, 1L]), y = I(x[, 2L])), frames = frames)
}

bar_scene <- function(fit, states, chosen) {
  rows <- responsibility_bars(fit, family_line(fit$family, fit$data))$bars
  rows <- rows[!duplicated(rows$row), ]
  frames <- lapply(seq_along(states), function(i) {
    r <- responsibilities(states[[i]])[rows$row, , drop = FALSE]
    prob <- states[[i]]$parameters$prob
    c(frame_base(fit, chosen[i]), list(
      responsibilities = lapply(seq_len(ncol(r)), function(k) I(signif(unname(r[, k]), 5L))), prob = I(unname(prob)),
      note = paste0("Probability of ",
                     paste0(names(prob), ": ", fixed(prob, 4L, "."), collapse = ", "))
    ))
  })
  list(kind = "bars", xlab = "successes / trials of each row; lines: probabilities of success",
       ylab = "P(component | row)", labels = I(rows$label), frames = frames)
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
