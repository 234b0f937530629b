# Laws: one column under each of k components, as matrices of n rows or of one, which stands for every row. Both tails
# are computed as such, never as one less the other, and logarithms never from the number.
#
#   law_log_density(law, q), law_cdf(law, q, lower, log), law_quantile(law, p, lower, log)   n x k
#   law_mean(law), law_sd(law)     n or 1 x k
#   law_draw(law, component)       a number for each component
#   law_rows(law, rows)            of some of its rows
law_log_density <- function(law, q) UseMethod("law_log_density")
law_cdf <- function(law, q, lower = TRUE, log = FALSE) UseMethod("law_cdf")
law_quantile <- function(law, p, lower = TRUE, log = FALSE) UseMethod("law_quantile")
law_mean <- function(law) UseMethod("law_mean")
law_sd <- function(law) UseMethod("law_sd")
law_draw <- function(law, component) UseMethod("law_draw")
# Where pictures put a component and how far it reaches, also where it has no mean or standard deviation.
law_centre <- function(law) UseMethod("law_centre")
#' @export
law_centre.default <- function(law) law_mean(law)
law_reach <- function(law) UseMethod("law_reach")
#' @export
law_reach.default <- function(law) law_sd(law)
# The derivative of the log density, n x k, and where each component is highest: k numbers. What peaks and valleys are
# found by; every law has one peak.
law_slope <- function(law, q) UseMethod("law_slope")
law_peak <- function(law) UseMethod("law_peak")
#' @export
law_peak.default <- function(law) law_centre(law)[1L, ]
# What all values are above.
law_least <- function(law) UseMethod("law_least")
#' @export
law_least.default <- function(law) -Inf

# parts: matrices with a column for each component.
new_law <- function(kind, parts, discrete = FALSE) {
  structure(list(kind = kind, parts = parts, discrete = discrete), class = c(paste0("em_law_", kind), "em_law"))
}

law_k <- function(law) ncol(law$parts[[1L]])

law_rows <- function(law, rows) {
  law$parts <- lapply(law$parts, function(part) if (nrow(part) == 1L) part else part[rows, , drop = FALSE])
  law
}

# of(q, parts ...) for every component: n x k. In blocks of rows, so that what `of` puts aside for many stays small.
over_components <- function(law, q, of) {
  parts <- unname(law$parts)
  in_blocks(length(q), law_k(law), function(rows) {
    vapply(seq_len(law_k(law)), function(j) {
      do.call(of, c(list(q[rows]), lapply(parts, function(part) if (nrow(part) == 1L) part[1L, j] else part[rows, j])))
    }, numeric(length(rows)))
  })
}

# Numbers of n rows, of(rows) of each block: n x columns.
in_blocks <- function(n, columns, of) {
  out <- matrix(0, n, columns)
  for (rows in row_blocks(n)) out[rows, ] <- of(rows)
  out
}

# Consecutive rows from 1 to n, a list.
row_blocks <- function(n, most = 16384L) {
  lapply(seq_len(ceiling(n / most)), function(i) seq.int((i - 1L) * most + 1L, min(n, i * most)))
}

# ---- normal: mean, sd ----

normal_law <- function(mean, sd) new_law("normal", list(mean = mean, sd = sd))

# (q - mean) / sd is rounded twice. In the tails that shows, so what it lacks is kept beside it.
normal_place <- function(q, mean, sd) {
  apart <- q - mean
  back <- apart - q
  lost <- (q - (apart - back)) - (mean + back)
  z <- apart / sd
  product <- z * sd
  high <- function(x) {
    c <- 134217729 * x
    c - (c - x)
  }
  zh <- high(z)
  sh <- high(sd)
  error <- ((zh * sh - product) + zh * (sd - sh) + (z - zh) * sh) + (z - zh) * (sd - sh)
  rest <- ((apart - product) - error + lost) / sd
  rest[!is.finite(rest)] <- 0
  list(z = z, rest = rest)
}

#' @export
law_log_density.em_law_normal <- function(law, q) {
  over_components(law, q, function(q, mean, sd) {
    at <- normal_place(q, mean, sd)
    stats::dnorm(at$z, log = TRUE) - at$z * at$rest - log(sd)
  })
}

#' @export
law_slope.em_law_normal <- function(law, q) over_components(law, q, function(q, mean, sd) (mean - q) / sd / sd)

#' @export
law_cdf.em_law_normal <- function(law, q, lower = TRUE, log = FALSE) {
  over_components(law, q, function(q, mean, sd) {
    at <- normal_place(q, mean, sd)
    tail <- stats::pnorm(at$z, lower.tail = lower, log.p = TRUE)
    hazard <- exp(stats::dnorm(at$z, log = TRUE) - tail)
    change <- (if (lower) 1 else -1) * hazard * at$rest
    change[!is.finite(change)] <- 0
    if (log) tail + change else stats::pnorm(at$z, lower.tail = lower) * (1 + change)
  })
}

#' @export
law_quantile.em_law_normal <- function(law, p, lower = TRUE, log = FALSE) {
  over_components(law, p, function(p, mean, sd) mean + sd * stats::qnorm(p, lower.tail = lower, log.p = log))
}

#' @export
law_mean.em_law_normal <- function(law) law$parts$mean

#' @export
law_sd.em_law_normal <- function(law) law$parts$sd

#' @export
law_draw.em_law_normal <- function(law, component) {
  law$parts$mean[1L, component] + law$parts$sd[1L, component] * stats::rnorm(length(component))
}

# ---- Poisson: mean ----

rates_law <- function(mean) new_law("rates", list(mean = mean), discrete = TRUE)

#' @export
law_log_density.em_law_rates <- function(law, q) over_components(law, q, function(q, mean) count_density(q, stats::dpois, mean))

#' @export
law_cdf.em_law_rates <- function(law, q, lower = TRUE, log = FALSE) {
  over_components(law, q, function(q, mean) stats::ppois(q, mean, lower.tail = lower, log.p = log))
}

#' @export
law_quantile.em_law_rates <- function(law, p, lower = TRUE, log = FALSE) {
  over_components(law, p, function(p, mean) stats::qpois(p, mean, lower.tail = lower, log.p = log))
}

#' @export
law_mean.em_law_rates <- function(law) law$parts$mean

#' @export
law_sd.em_law_rates <- function(law) sqrt(law$parts$mean)

#' @export
law_draw.em_law_rates <- function(law, component) stats::rpois(length(component), law$parts$mean[1L, component])

# No count has a density where there is none, and R's own functions warn of it.
count_density <- function(q, density, ...) {
  out <- rep(-Inf, length(q))
  out[is.na(q)] <- NA
  whole <- which(!is.na(q) & q == floor(q))
  rest <- lapply(list(...), function(x) if (length(x) == 1L) x else x[whole])
  out[whole] <- do.call(density, c(list(q[whole]), rest, list(log = TRUE)))
  out
}

# ---- binomial: prob, size ----

trials_law <- function(prob, size) {
  new_law("trials", list(prob = prob, size = matrix(size, length(size), ncol(prob))), discrete = TRUE)
}

#' @export
law_log_density.em_law_trials <- function(law, q) {
  over_components(law, q, function(q, prob, size) count_density(q, stats::dbinom, size, prob))
}

#' @export
law_cdf.em_law_trials <- function(law, q, lower = TRUE, log = FALSE) {
  over_components(law, q, function(q, prob, size) stats::pbinom(q, size, prob, lower.tail = lower, log.p = log))
}

#' @export
law_quantile.em_law_trials <- function(law, p, lower = TRUE, log = FALSE) {
  over_components(law, p, function(p, prob, size) stats::qbinom(p, size, prob, lower.tail = lower, log.p = log))
}

#' @export
law_mean.em_law_trials <- function(law) law$parts$prob * law$parts$size[, seq_len(law_k(law))]

#' @export
law_sd.em_law_trials <- function(law) sqrt(law_mean(law) * (1 - law$parts$prob))

#' @export
law_draw.em_law_trials <- function(law, component) {
  stats::rbinom(length(component), law$parts$size[1L, component], law$parts$prob[1L, component])
}

# ---- categories: a matrix of 1 x k for each level; q is the number of a level ----

level_law <- function(prob, levels) {
  parts <- lapply(seq_len(ncol(prob)), function(l) matrix(prob[, l], 1L))
  out <- new_law("level", parts, discrete = TRUE)
  out$levels <- levels
  out
}

#' @export
law_log_density.em_law_level <- function(law, q) {
  log(matrix(do.call(rbind, law$parts), length(law$parts))[q, , drop = FALSE])
}

no_order <- function(what) {
  abort_em("unsupported", c(sprintf("Categories have no order, so there is no %s of them.", what),
                            i = "em_hdr() has the most probable levels; em_modes() the most probable one."))
}

#' @export
law_cdf.em_law_level <- function(law, q, lower = TRUE, log = FALSE) no_order("distribution function")

#' @export
law_quantile.em_law_level <- function(law, p, lower = TRUE, log = FALSE) no_order("quantile")

#' @export
law_mean.em_law_level <- function(law) no_order("mean")

#' @export
law_sd.em_law_level <- function(law) no_order("standard deviation")

#' @export
law_draw.em_law_level <- function(law, component) draw_codes(do.call(cbind, lapply(law$parts, drop)), component)
