# Laws and blocks of t, gamma and negative binomial components: see margin.R and margin-laws.R.

# ---- t: location, scale, degrees of freedom ----

student_law <- function(location, scale, df) new_law("student", list(location = location, scale = scale, df = df))

#' @export
law_log_density.em_law_student <- function(law, q) {
  over_components(law, q, function(q, location, scale, df) stats::dt((q - location) / scale, df, log = TRUE) - log(scale))
}

#' @export
law_slope.em_law_student <- function(law, q) {
  over_components(law, q, function(q, location, scale, df) {
    z <- (q - location) / scale
    -(df + 1) / (df + z^2) * z / scale
  })
}

#' @export
law_cdf.em_law_student <- function(law, q, lower = TRUE, log = FALSE) {
  over_components(law, q, function(q, location, scale, df) {
    stats::pt((q - location) / scale, df, lower.tail = lower, log.p = log)
  })
}

#' @export
law_quantile.em_law_student <- function(law, p, lower = TRUE, log = FALSE) {
  over_components(law, p, function(p, location, scale, df) {
    location + scale * stats::qt(p, df, lower.tail = lower, log.p = log)
  })
}

# There is no mean up to one degree of freedom, and no standard deviation up to two.
#' @export
law_mean.em_law_student <- function(law) ifelse(law$parts$df > 1, law$parts$location, NaN)

#' @export
law_sd.em_law_student <- function(law) {
  df <- law$parts$df
  law$parts$scale * ifelse(df > 2, sqrt(1 / (1 - 2 / pmax(df, 2))), ifelse(df > 1, Inf, NaN))
}

#' @export
law_centre.em_law_student <- function(law) law$parts$location

#' @export
law_reach.em_law_student <- function(law) law$parts$scale

#' @export
law_draw.em_law_student <- function(law, component) {
  law$parts$location[1L, component] + law$parts$scale[1L, component] * stats::rt(length(component), law$parts$df[1L, component])
}

student_block <- function(variables, mean, covariance, df) {
  new_block("student", variables, mean = mean, covariance = covariance, df = df)
}

#' @export
block_pick.em_block_student <- function(block, at) {
  student_block(block$variables[at], block$mean[, at, drop = FALSE], block$covariance[at, at, , drop = FALSE], block$df)
}

# Component i given its columns o at the rows of x, as normal_given() has it, with degrees of freedom and the factor by
# which the scale grows with the distance of what is given (Roth 2013, section 3).
student_given <- function(block, i, x, o, g) {
  part <- normal_given(block$mean[i, ], covariance_of(block, i), x, o, g)
  away <- apply(x - rep(block$mean[i, o], each = nrow(x)), 1L, function(z) part$distance(z))
  p <- length(o)
  df <- block$df[i]
  half_log_det <- -part$log_density - away / 2 - p * log(2 * pi) / 2
  list(mean = part$mean, covariance = part$covariance, df = df + p, growth = (df + away) / (df + p),
       log_density = lgamma((df + p) / 2) - lgamma(df / 2) - p * log(df * pi) / 2 - half_log_det - (df + p) / 2 * log1p(away / df))
}

#' @export
block_law.em_block_student <- function(block, j, x = NULL, o = NULL) {
  k <- nrow(block$mean)
  if (!length(o)) {
    return(student_law(matrix(block$mean[, j], 1L), matrix(sqrt(block$covariance[j, j, ]), 1L), matrix(block$df, 1L)))
  }
  parts <- lapply(seq_len(k), function(i) student_given(block, i, x, o, j))
  each <- function(of) do.call(cbind, lapply(parts, of))
  student_law(each(function(part) part$mean[, 1L]), each(function(part) sqrt(part$covariance[1L] * part$growth)),
              each(function(part) rep(part$df, nrow(x))))
}

#' @export
block_given.em_block_student <- function(block, x, o) {
  rest <- setdiff(seq_along(block$variables), o)
  parts <- lapply(seq_len(nrow(block$mean)), function(i) student_given(block, i, matrix(x, 1L), o, rest))
  covariance <- lapply(parts, function(part) part$covariance * part$growth)
  left <- if (length(rest)) {
    student_block(block$variables[rest], do.call(rbind, lapply(parts, `[[`, "mean")),
                  array(unlist(covariance), c(length(rest), length(rest), length(parts))),
                  vapply(parts, `[[`, 0, "df"))
  }
  list(block = left, log_density = vapply(parts, function(part) part$log_density[1L], 0))
}

#' @export
block_log_density.em_block_student <- function(block, x) {
  p <- ncol(block$mean)
  if (p == 1L) return(law_log_density(block_law(block, 1L), x[, 1L]))
  out <- vapply(seq_len(nrow(block$mean)), function(i) {
    student_given(block, i, x, seq_len(p), integer())$log_density
  }, numeric(nrow(x)))
  matrix(out, nrow(x))
}

#' @export
block_draw.em_block_student <- function(block, component) {
  normal <- normal_block(block$variables, 0 * block$mean, block$covariance)
  df <- block$df[component]
  block$mean[component, , drop = FALSE] + block_draw(normal, component) / sqrt(stats::rchisq(length(component), df) / df)
}

# ---- gamma: mean, shape ----

positive_law <- function(mean, shape) new_law("positive", list(mean = mean, shape = shape))

#' @export
law_log_density.em_law_positive <- function(law, q) {
  over_components(law, q, function(q, mean, shape) {
    ifelse(q > 0, stats::dgamma(q, shape, shape / mean, log = TRUE), ifelse(is.na(q), NA, -Inf))
  })
}

#' @export
law_slope.em_law_positive <- function(law, q) {
  over_components(law, q, function(q, mean, shape) (shape - 1) / q - shape / mean)
}

# Shapes up to 1 are highest at 0.
#' @export
law_peak.em_law_positive <- function(law) (law$parts$mean * pmax(1 - 1 / law$parts$shape, 0))[1L, ]

#' @export
law_cdf.em_law_positive <- function(law, q, lower = TRUE, log = FALSE) {
  over_components(law, q, function(q, mean, shape) stats::pgamma(q, shape, shape / mean, lower.tail = lower, log.p = log))
}

#' @export
law_quantile.em_law_positive <- function(law, p, lower = TRUE, log = FALSE) {
  over_components(law, p, function(p, mean, shape) stats::qgamma(p, shape, shape / mean, lower.tail = lower, log.p = log))
}

#' @export
law_mean.em_law_positive <- function(law) law$parts$mean

#' @export
law_sd.em_law_positive <- function(law) law$parts$mean / sqrt(law$parts$shape)

#' @export
law_least.em_law_positive <- function(law) 0

#' @export
law_draw.em_law_positive <- function(law, component) {
  shape <- law$parts$shape[1L, component]
  stats::rgamma(length(component), shape, shape / law$parts$mean[1L, component])
}

positive_block <- function(variables, mean, shape) new_block("positive", variables, mean = mean, shape = shape)

#' @export
block_pick.em_block_positive <- function(block, at) {
  positive_block(block$variables[at], block$mean[, at, drop = FALSE], block$shape[, at, drop = FALSE])
}

#' @export
block_law.em_block_positive <- function(block, j, x = NULL, o = NULL) {
  positive_law(matrix(block$mean[, j], 1L), matrix(block$shape[, j], 1L))
}

#' @export
block_read.em_block_positive <- function(block, j, value) {
  if (is_number(value) && value > 0 && value < Inf) return(as.double(value))
  abort_em("argument", sprintf("`%s` must be given one positive number, not %s.", block$variables[j], describe_value(value)))
}

# ---- negative binomial: mean for the exposure, size ----

spread_law <- function(mean, size) new_law("spread", list(mean = mean, size = size), discrete = TRUE)

#' @export
law_log_density.em_law_spread <- function(law, q) {
  density <- function(q, mean, size, log) stats::dnbinom(q, size = size, mu = mean, log = log)
  over_components(law, q, function(q, mean, size) count_density(q, density, mean, size))
}

#' @export
law_cdf.em_law_spread <- function(law, q, lower = TRUE, log = FALSE) {
  over_components(law, q, function(q, mean, size) stats::pnbinom(q, size = size, mu = mean, lower.tail = lower, log.p = log))
}

#' @export
law_quantile.em_law_spread <- function(law, p, lower = TRUE, log = FALSE) {
  over_components(law, p, function(p, mean, size) stats::qnbinom(p, size = size, mu = mean, lower.tail = lower, log.p = log))
}

#' @export
law_mean.em_law_spread <- function(law) law$parts$mean

#' @export
law_sd.em_law_spread <- function(law) sqrt(law$parts$mean * (1 + law$parts$mean / law$parts$size))

#' @export
law_draw.em_law_spread <- function(law, component) {
  stats::rnbinom(length(component), size = law$parts$size[1L, component], mu = law$parts$mean[1L, component])
}

spread_block <- function(variables, mean, size, exposure) {
  new_block("spread", variables, mean = mean, size = size, exposure = exposure)
}

#' @export
block_pick.em_block_spread <- function(block, at) {
  spread_block(block$variables[at], block$mean[, at, drop = FALSE], block$size[, at, drop = FALSE], block$exposure)
}

#' @export
block_law.em_block_spread <- function(block, j, x = NULL, o = NULL) {
  spread_law(matrix(block$mean[, j] * block$exposure, 1L), matrix(block$size[, j], 1L))
}

#' @export
block_read.em_block_spread <- function(block, j, value) read_count(block$variables[j], value)
