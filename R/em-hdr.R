#' Highest density regions
#'
#' The smallest region that holds a given part of a mixture: all points where its density is at least some level
#' (Hyndman 1996). Of a mixture it is often several intervals.
#'
#' Along one column the region is exact: between its peaks and valleys the density rises or falls, so the ends of the
#' intervals are roots, and the level is the root of what lies outside. Of counts and categories it is the smallest set of
#' values with at least that probability, of several such columns the smallest set of cells where there are no more than
#' 50 000. Of other columns together, also of numbers beside categories, the level is a quantile of the density at `n` drawn
#' rows, with its standard error; a single normal component has an exact one. Rows inside are those whose density,
#' `predict(fit, type = "density")`, is not below the level.
#'
#' @param x A fit by [em_fit()], or a density by [em_marginal()] or [em_conditional()].
#' @param prob What the region holds: numbers above 0 and below 1.
#' @param columns Names or numbers of columns, along which the density is; `NULL`: all.
#' @param n How many rows are drawn where the level is not known exactly.
#' @param seed `NULL`, or a number for [set.seed()]; the generator's state is put back afterwards.
#' @param size,exposure As in [em_marginal()].
#' @param digits Significant digits.
#' @param ... Arguments of [print.default()]; any other is an error.
#' @return An object of class `em_hdr`, a list of `levels`, a data frame with `prob`, `level` (of the density), `content`
#'   (what the region holds) and `std.error` (of the level, 0 where it is exact); and `regions`: of one column a data frame with `prob`, `lower`, `upper`
#'   and `content` of each interval, of counts and categories with `prob`, `value` and `density` (of several, the columns in
#'   the place of `value`); NULL where rows were drawn.
#' @section Errors: `emfit_error_argument`; `emfit_error_unsupported` for families of which it is not known what they are
#'   along a column.
#' @references Hyndman, R. J. (1996) Computing and graphing highest density regions. *The American Statistician* 50,
#'   120-126. \doi{10.1080/00031305.1996.10474359}
#' @seealso [em_modes()], [em_cdf()]; `plot(fit, type = "hdr")`
#' @examples
#' fit <- em_fit(faithful, k = 2)
#' em_hdr(fit, 0.9, "waiting")
#' em_hdr(fit, c(0.5, 0.9), n = 2000, seed = 1)
#' @export
em_hdr <- function(x, prob = 0.9, columns = NULL, n = 20000, seed = NULL, size = NULL, exposure = NULL) {
  density <- as_em_density(x, size, exposure)
  density <- pick_density(density, find_columns(density, columns, "columns"))
  prob <- check_contents(prob)
  n <- check_count(n, "n", 100L)
  line <- if (length(density_columns(density)) == 1L) density_line(density, 1L)
  found <- if (is.null(line)) with_seed(seed, space_hdr(density, prob, n))
           else if (line$law$discrete) count_hdr(line, prob, density$blocks[[1L]])
           else line_hdr(line, prob)
  structure(c(found, list(columns = density_columns(density))), class = "em_hdr")
}

check_contents <- function(prob) {
  prob <- unname(check_values(prob, "prob"))
  bad <- which(is.na(prob) | prob <= 0 | prob >= 1)
  if (!length(prob) || length(bad)) {
    abort_em("argument", c(sprintf("`prob` must be numbers above 0 and below 1, not %s.",
                                   if (length(bad)) number(prob[bad[1L]], 15L) else "empty"),
                           i = if (length(bad) && isTRUE(prob[bad[1L]] > 1 && prob[bad[1L]] < 100)) sprintf("Per cent? prob = %s", number(prob[bad[1L]] / 100))))
  }
  sort(unique(prob))
}

# ---- one column ----

line_hdr <- function(line, prob) {
  pieces <- line_pieces(line)
  each <- lapply(prob, function(p) one_hdr(line, pieces, p))
  list(levels = do.call(rbind, lapply(each, `[[`, "level")), regions = do.call(rbind, lapply(each, `[[`, "region")))
}

# Between these points the density rises or falls: list(x, log_density).
line_pieces <- function(line) {
  turns <- line_turns(line)
  use <- which(line$log_weights[1L, seq_len(law_k(line$law))] > -700)
  ends <- c(law_quantile(line$law, -700, TRUE, TRUE)[use], law_quantile(line$law, -700, FALSE, TRUE)[use])
  ends <- pmin(pmax(ends, -1e300), 1e300)
  least <- law_least(line$law)
  if (least > -Inf) ends <- c(least_above(line$law), ends[ends > least])
  x <- sort(unique(c(range(ends, line$noise$ends), turns$modes, turns$valleys)))
  if (!is.null(line$noise)) {
    bit <- 4 * .Machine$double.eps * max(abs(x))
    x <- sort(unique(c(x, line$noise$ends - bit, line$noise$ends + bit, line$noise$mean)))
  }
  x <- x[x > least]
  list(x = x, log_density = line_log_density(line_repeat(line, length(x)), x))
}

# Intervals where the log density is at least `level`: matrix of lower and upper ends.
level_set <- function(line, pieces, level) {
  x <- pieces$x
  inside <- pieces$log_density >= level
  cross <- which(inside[-1L] != inside[-length(inside)])
  if (!length(cross)) return(if (all(inside)) cbind(x[1L], x[length(x)]) else matrix(0, 0L, 2L))
  up <- inside[cross + 1L]
  at <- halve_to_root(x[cross], x[cross + 1L], function(x, rows) {
    (line_log_density(line_repeat(line, length(x)), x) - level) * ifelse(up[rows], 1, -1)
  })
  lower <- c(if (inside[1L]) x[1L], at[up])
  upper <- c(at[!up], if (inside[length(x)]) x[length(x)])
  cbind(lower, upper)
}

# Of each interval, every component by the tail in which it is smaller.
interval_mass <- function(line, lower, upper) {
  own <- line_repeat(line, length(lower))
  from_left <- line_tails(own, upper, TRUE) - line_tails(own, lower, TRUE)
  from_right <- line_tails(own, lower, FALSE) - line_tails(own, upper, FALSE)
  right <- line_tails(own, lower, TRUE) > 0.5
  rowSums(own$weights * ifelse(right, from_right, from_left))
}

outside_mass <- function(line, set) {
  if (!nrow(set)) return(1)
  m <- nrow(set)
  sum(line_cdf(line_repeat(line, 1L), set[1L, 1L]), line_cdf(line_repeat(line, 1L), set[m, 2L], FALSE),
      if (m > 1L) interval_mass(line, set[-m, 2L], set[-1L, 1L]))
}

one_hdr <- function(line, pieces, p) {
  excess <- function(level) outside_mass(line, level_set(line, pieces, level)) - (1 - p)
  top <- max(pieces$log_density)
  low <- top - 1
  while (excess(low) > 0) low <- top - 2 * (top - low)
  found <- stats::uniroot(excess, c(low, top), f.lower = excess(low), f.upper = p, tol = 1e-13, maxiter = 200L)
  level <- found$root
  # Where the density is flat the content jumps: the region holds no less than was asked.
  if (excess(level) > 1e-10) level <- level - 1e-12 * max(1, abs(level))
  if (excess(level) > 1e-10) level <- low
  set <- level_set(line, pieces, level)
  mass <- interval_mass(line, set[, 1L], set[, 2L])
  list(level = data.frame(prob = p, level = exp(level), content = 1 - outside_mass(line, set), std.error = 0),
       region = data.frame(prob = p, lower = unname(set[, 1L]), upper = unname(set[, 2L]), content = mass))
}

# ---- counts and categories ----

count_hdr <- function(line, prob, block) {
  values <- if (is.null(line$law$levels)) count_range(line, 1e-15) else seq_along(line$law$levels)
  p <- exp(line_log_density(line_repeat(line, length(values)), values))
  by_size <- order(-p, values)
  each <- lapply(prob, function(content) {
    size <- which(cumsum(p[by_size]) >= content * (1 - 1e-12))[1L]
    if (is.na(size)) size <- length(values)
    sort(by_size[seq_len(size)])
  })
  list(levels = data.frame(prob = prob, level = vapply(each, function(at) min(p[at]), 0),
                           content = vapply(each, function(at) sum(p[at]), 0), std.error = 0),
       regions = data.frame(prob = rep(prob, lengths(each)), value = block_show(block, 1L, values[unlist(each)]),
                            density = p[unlist(each)]))
}

# ---- several columns ----

space_hdr <- function(density, prob, n) {
  modal <- if (length(density$blocks) == 1L) block_modal(density$blocks[[1L]])
  if (!is.null(modal) && density$k == 1L && is.null(density$noise)) {
    d <- ncol(modal$mean)
    level <- exp(-(d * log(2 * pi) + log_determinant(modal$covariance[, , 1L]) + stats::qchisq(prob, d)) / 2)
    return(list(levels = data.frame(prob = prob, level = level, content = prob, std.error = 0), regions = NULL))
  }
  discrete <- discrete_columns(density)
  table <- if (all(discrete)) density_table(density, which(discrete))
  if (is.null(table)) drawn_hdr(density, prob, n, any(discrete)) else table_hdr(density, table, prob)
}

drawn_hdr <- function(density, prob, n, steps) {
  component <- sample.int(length(density$components), n, replace = TRUE, prob = density$weights)
  f <- sort(exp(log_sum(joint_log_density(density, draw_density_cells(density, component)))))
  at <- function(rank) f[pmin(pmax(round(rank), 1), n)]
  spread <- sqrt(n * prob * (1 - prob))
  # Where single rows have a probability, the level is that of one, and the region holds no less than was asked.
  level <- if (steps) rev(f)[ceiling(prob * n)] else unname(stats::quantile(f, 1 - prob, type = 8L))
  list(levels = data.frame(prob = prob, level = level, content = vapply(level, function(l) mean(f >= l), 0),
                           std.error = (at(n * (1 - prob) + spread) - at(n * (1 - prob) - spread)) / 2), regions = NULL)
}

table_hdr <- function(density, table, prob) {
  p <- exp(log_sum(joint_log_density(density, table$cells)))
  by_size <- order(-p)
  total <- cumsum(p[by_size])
  each <- lapply(prob, function(content) {
    size <- which(total >= content * (1 - 1e-12))[1L]
    by_size[seq_len(if (is.na(size)) length(p) else size)]
  })
  at <- unlist(each)
  list(levels = data.frame(prob = prob, level = vapply(each, function(at) min(p[at]), 0),
                           content = vapply(each, function(at) sum(p[at]), 0), std.error = 0),
       regions = data.frame(prob = rep(prob, lengths(each)), show_cells(density, table$cells[at, , drop = FALSE]),
                            density = p[at], check.names = FALSE))
}

#' @rdname em_hdr
#' @export
print.em_hdr <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  check_dots(..., let_pass = print_arguments)
  cat(format(x, digits = digits), sep = "\n")
  invisible(x)
}

#' @rdname em_hdr
#' @export
format.em_hdr <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  check_dots(..., let_pass = format_arguments)
  levels <- x$levels
  if (all(levels$std.error == 0)) levels$std.error <- NULL
  c(sprintf("Highest density regions along %s", enumerate(x$columns)), "", table_lines(format_columns(levels, digits)),
    if (!is.null(x$regions)) c("", table_lines(format_columns(utils::head(x$regions, 40L), digits))),
    if (NROW(x$regions) > 40L) sprintf("%s more: $regions", plural(nrow(x$regions) - 40L, "row")))
}
