#' Modes of a mixture
#'
#' The peaks of the density: where it is higher than all about. There may be fewer of them than components, and in
#' several dimensions more (Ray & Lindsay 2005).
#'
#' Along one column all points where the slope changes its sign are found between the lowest and the highest of the
#' components' own peaks, to the last bit; a gamma component of a shape up to 1 has its peak at 0. Of several columns normal
#' components have all their peaks on the ridge lines between means; from points on these, and from all means, a fixed
#' point iteration that only climbs and then Newton's method lead to peaks; points where the density curves upwards in some
#' direction are left out, and what lies within 1e-6 standard deviations is one peak.
#'
#' Of one column of counts a peak is a value more probable than its neighbours, of categories the most probable level. Of
#' several such columns, or of these beside numbers, a peak is a cell of the table of their values and a place in the
#' numbers, higher than all about in the numbers and than any cell that differs from it in one category, or by one in one
#' count; that is found where the table has no more than 50 000 cells (beside numbers 2000). Noise is flat and has none.
#'
#' @param x A fit by [em_fit()], or a density by [em_marginal()] or [em_conditional()].
#' @param columns Names or numbers of columns, along which the density is; `NULL`: all.
#' @param size,exposure As in [em_marginal()].
#' @return A data frame with a row for each peak, the highest first: its place in the columns, and the `density` there.
#' @section Errors: `emfit_error_argument`; `emfit_error_unsupported` for several columns of numbers that are not normal, for
#'   larger tables, and for several counts that share a total.
#' @references Ray, S. and Lindsay, B. G. (2005) The topography of multivariate normal mixtures. *Annals of Statistics* 33,
#'   2042-2065. \doi{10.1214/009053605000000417}
#' @seealso [em_hdr()], [em_conditional()]
#' @examples
#' fit <- em_fit(faithful, k = 2)
#' em_modes(fit)
#' em_modes(fit, "waiting")
#' em_modes(em_conditional(fit, eruptions = 3)) # one: two components are not two peaks
#' @export
em_modes <- function(x, columns = NULL, size = NULL, exposure = NULL) {
  density <- as_em_density(x, size, exposure)
  density <- pick_density(density, find_columns(density, columns, "columns"))
  names <- density_columns(density)
  if (length(names) > 1L) {
    at <- if (any(discrete_columns(density))) cell_modes(density) else space_modes(need_modal(density), density)
    out <- data.frame(show_cells(density, at), density = exp(log_sum(joint_log_density(density, at))), check.names = FALSE)
  } else {
    line <- density_line(density, 1L)
    at <- if (line$law$discrete) count_modes(line) else line_turns(line)$modes
    out <- data.frame(at, density = exp(if (line$law$discrete) line_log_density(line_repeat(line, length(at)), at)
                                        else peak_log_density(line, at)))
    names(out)[1L] <- names
    out[[1L]] <- block_show(density$blocks[[1L]], 1L, at)
  }
  out <- out[order(-out$density), , drop = FALSE]
  row.names(out) <- NULL
  out
}

need_modal <- function(density) {
  modal <- if (length(density$blocks) == 1L) block_modal(density$blocks[[1L]])
  if (!is.null(modal)) return(modal)
  abort_em("unsupported", c("Peaks of several columns of numbers are known of normal components only.",
                            i = sprintf("Ask for one column: columns = %s.", dQuote(density_columns(density)[1L], FALSE))))
}

# ---- one column ----

# Where the slope of the density changes its sign: list(modes, valleys), in order. At the least value that there is, a
# density that falls from there on has a peak too.
line_turns <- function(line) {
  use <- which(line$weights[1L, seq_len(law_k(line$law))] > 0)
  if (!length(use)) return(list(modes = numeric(), valleys = numeric()))
  law <- line$law
  law$parts <- lapply(law$parts, function(part) part[1L, use, drop = FALSE])
  log_weights <- line$log_weights[1L, use]
  slope <- function(x) line_slope(x, log_weights, law)
  peaks <- law_peak(law)
  grid <- turn_grid(law, peaks)
  sign <- sign(slope(grid))
  known <- which(sign != 0)
  change <- which(diff(sign[known]) != 0)
  low <- grid[known[change]]
  high <- grid[known[change + 1L]]
  falls <- sign[known[change]] > 0
  at <- halve_to_root(low, high, function(x, rows) slope(x) * ifelse(falls[rows], -1, 1))
  first <- if (min(peaks) <= law_least(law) && isTRUE(sign[known[1L]] < 0)) law_least(law)
  list(modes = c(first, at[falls]), valleys = at[!falls])
}

# Every law has one peak, so that there are no turns outside of all of these.
turn_grid <- function(law, peaks) {
  centre <- law_centre(law)[1L, ]
  reach <- law_reach(law)[1L, ]
  z <- c(seq(-5, 5, by = 0.05), seq(5.25, 40, by = 0.25), -seq(5.25, 40, by = 0.25))
  limits <- range(peaks)
  log_p <- c(-700, -300, -100, -30, log(seq(0.005, 0.5, by = 0.005)))
  tails <- c(law_quantile(law, log_p, TRUE, TRUE), law_quantile(law, log_p, FALSE, TRUE))
  grid <- sort(unique(c(outer(reach, z) + centre, tails, peaks, seq(limits[1L], limits[2L], length.out = 1001L))))
  grid <- grid[grid >= limits[1L] & grid <= limits[2L] & grid > law_least(law)]
  # Outside of all peaks there is no doubt.
  below <- limits[1L] - reach[which.min(peaks)]
  c(if (below > law_least(law)) below else if (limits[1L] > law_least(law)) law_least(law) / 2 + limits[1L] / 2
    else least_above(law), grid, limits[2L] + reach[which.max(peaks)])
}

# The numbers next to the least value: a density may be infinite there.
least_above <- function(law) law_least(law) + c(1e-300, 1e-200, 1e-100)

# The slope, as a multiple of something positive.
line_slope <- function(x, log_weights, law) {
  each <- law_log_density(law, x) + rep(log_weights, each = length(x))
  r <- exp(each - row_max(each))
  rowSums(r * law_slope(law, x))
}

# The log density at peaks; at the least value what it tends to.
peak_log_density <- function(line, at) {
  edge <- at == law_least(line$law)
  out <- line_log_density(line_repeat(line, length(at)), ifelse(edge, least_above(line$law)[1L], at))
  further <- line_log_density(line_repeat(line, length(at)), ifelse(edge, least_above(line$law)[2L], at))
  ifelse(edge & out > further + 1e-6, Inf, out)
}

# Where a function rises through 0 between low and high, of many at once; value(x, rows).
halve_to_root <- function(low, high, value) {
  for (step in seq_len(1100L)) {
    middle <- low / 2 + high / 2
    open <- which(middle > low & middle < high)
    if (!length(open)) break
    found <- value(middle[open], open)
    below <- found <= 0
    above <- found >= 0
    low[open[below]] <- middle[open[below]]
    high[open[above]] <- middle[open[above]]
  }
  low / 2 + high / 2
}

# Of values as probable as their neighbour, the first.
count_modes <- function(line) {
  if (!is.null(line$law$levels)) {
    levels <- seq_along(line$law$levels)
    p <- line_log_density(line_repeat(line, length(levels)), levels)
    return(levels[p >= max(p) - 1e-12])
  }
  values <- count_range(line, 1e-9)
  p <- line_log_density(line_repeat(line, length(values)), values)
  steps <- c(1, diff(p), -1)
  steps <- replace(steps, abs(steps) < 1e-12, 0)
  rising <- which(steps > 0)
  # A peak is reached by a rise, and left by a fall, with nothing but level ground between.
  top <- rising[vapply(rising, function(i) {
    after <- which(steps[-seq_len(i)] != 0)[1L]
    steps[i + after] < 0
  }, NA)]
  values[top]
}

# Values that hold all but `rest` of the probability, and those below.
count_range <- function(line, rest) {
  seq(0, max(line_quantile(line_repeat(line, 1L), rest, FALSE), 1))
}

# ---- several columns ----

# In units in which the columns have standard deviations of about 1.
space_modes <- function(modal, density) {
  use <- density$weights[seq_len(density$k)] > 0
  mean <- modal$mean[use, , drop = FALSE]
  covariance <- modal$covariance[, , use, drop = FALSE]
  k <- nrow(mean)
  d <- ncol(mean)
  centre <- colMeans(mean)
  away <- mean - rep(centre, each = k)
  scale <- sqrt(apply(away^2, 2L, mean) + vapply(seq_len(d), function(j) mean(covariance[j, j, ]), 0))
  unit <- list(log_weights = density$log_weights[seq_along(use)][use], mean = away / rep(scale, each = k))
  unit$roots <- lapply(seq_len(k), function(i) chol(matrix(covariance[, , i], d) / outer(scale, scale)))
  unit$precision <- lapply(unit$roots, chol2inv)
  at <- climb_means(ridge_points(unit), unit)
  at <- do.call(rbind, lapply(seq_len(nrow(at)), function(i) settle_mode(at[i, ], unit)))
  at <- distinct_modes(at, unit)
  at * rep(scale, each = nrow(at)) + rep(centre, each = nrow(at))
}

# Means, and points of the ridge between two, three and all of them.
ridge_points <- function(unit) {
  k <- nrow(unit$mean)
  shares <- diag(k)
  along <- seq(0.1, 0.9, by = 0.1)
  mix <- function(at, weights) replace(numeric(k), at, weights)
  if (k > 1L) {
    pairs <- utils::combn(k, 2L)
    pairs <- pairs[, rows_to_draw(ncol(pairs), 200L), drop = FALSE]
    shares <- rbind(shares, do.call(rbind, lapply(seq_len(ncol(pairs)), function(p) t(vapply(along, function(a) mix(pairs[, p], c(a, 1 - a)), numeric(k))))))
  }
  if (k > 2L) {
    triples <- utils::combn(k, 3L)
    triples <- triples[, rows_to_draw(ncol(triples), 200L), drop = FALSE]
    corners <- rbind(c(1, 1, 1) / 3, c(2, 1, 1) / 4, c(1, 2, 1) / 4, c(1, 1, 2) / 4)
    shares <- rbind(shares, do.call(rbind, lapply(seq_len(ncol(triples)), function(p) t(apply(corners, 1L, function(a) mix(triples[, p], a))))))
  }
  shares <- rbind(shares, rep(1 / k, k), exp(unit$log_weights) / sum(exp(unit$log_weights)))
  t(apply(shares, 1L, function(share) weighted_centre(share, unit)))
}

weighted_centre <- function(share, unit) {
  total <- 0
  pull <- 0
  for (i in which(share > 0)) {
    total <- total + share[i] * unit$precision[[i]]
    pull <- pull + share[i] * unit$precision[[i]] %*% unit$mean[i, ]
  }
  as.vector(solve(total, pull))
}

# Logarithms of weighted densities at rows, but for a constant: n x k.
unit_log_density <- function(x, unit) {
  each <- vapply(seq_along(unit$roots), function(i) {
    z <- backsolve(unit$roots[[i]], t(x) - unit$mean[i, ], transpose = TRUE)
    unit$log_weights[i] - colSums(z^2) / 2 - sum(log(diag(unit$roots[[i]])))
  }, numeric(nrow(x)))
  matrix(each, nrow(x))
}

unit_shares <- function(x, unit) {
  each <- unit_log_density(x, unit)
  exp(each - log_sum(each))
}

# Every step leads to the highest point of a bound from below, so none descends.
climb_means <- function(x, unit, steps = 60L) {
  x <- matrix(x, ncol = ncol(unit$mean))
  for (step in seq_len(steps)) {
    r <- unit_shares(x, unit)
    to <- t(vapply(seq_len(nrow(x)), function(i) weighted_centre(r[i, ], unit), numeric(ncol(x))))
    to <- matrix(to, nrow(x))
    moved <- max(abs(to - x))
    x <- to
    if (step %% 10L == 0L) x <- x[!duplicated(signif(x, 6L)), , drop = FALSE]
    if (moved < 1e-10) break
  }
  x
}

# Newton's method where the density curves downwards all about and it climbs; else one more step of the other. A peak, or
# no row.
settle_mode <- function(x, unit) {
  height <- function(x) log_sum(unit_log_density(matrix(x, 1L), unit))
  for (step in seq_len(1000L)) {
    here <- mode_shape(x, unit)
    to <- weighted_centre(here$shares, unit)
    if (here$peak) {
      newton <- x - solve(here$hessian, here$slope)
      if (height(newton) >= height(to)) to <- newton
    }
    moved <- max(abs(to - x))
    x <- to
    if (moved < 1e-14) break
  }
  if (mode_shape(x, unit)$peak && moved < 1e-6) matrix(x, 1L) else matrix(0, 0L, length(x))
}

mode_shape <- function(x, unit) {
  r <- drop(unit_shares(matrix(x, 1L), unit))
  slope <- 0
  curve <- 0
  total <- 0
  for (i in which(r > 0)) {
    pull <- unit$precision[[i]] %*% (unit$mean[i, ] - x)
    slope <- slope + r[i] * pull
    curve <- curve + r[i] * (tcrossprod(pull) - unit$precision[[i]])
    total <- total + r[i] * unit$precision[[i]]
  }
  curve <- curve - tcrossprod(slope)
  # Beside the curvature of one component.
  size <- sqrt(diag(total))
  steepest <- max(eigen(curve / outer(size, size), symmetric = TRUE, only.values = TRUE)$values)
  list(shares = r, slope = slope, hessian = curve, peak = steepest < -1e-9)
}

distinct_modes <- function(x, unit) {
  keep <- integer()
  for (i in seq_len(nrow(x))) {
    size <- mode_size(x[i, ], unit)
    near <- vapply(keep, function(j) max(abs(x[i, ] - x[j, ]) / size) < 1e-6, NA)
    if (!any(near)) keep <- c(keep, i)
  }
  x[keep, , drop = FALSE]
}

mode_size <- function(x, unit) {
  r <- drop(unit_shares(matrix(x, 1L), unit))
  1 / sqrt(diag(Reduce(`+`, Map(`*`, unit$precision, r))))
}
