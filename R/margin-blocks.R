# Blocks of the families at hand: see margin.R.

# ---- normal: mean (k x p), covariance (p x p x k) ----

# sd (k x p): where it is known better than as a root.
normal_block <- function(variables, mean, covariance, sd = NULL) {
  k <- nrow(mean)
  p <- ncol(mean)
  if (is.null(sd)) sd <- matrix(vapply(seq_len(p), function(j) sqrt(pmax(covariance[j, j, ], 0)), numeric(k)), k)
  new_block("normal", variables, mean = mean, covariance = covariance, sd = sd)
}

#' @export
block_pick.em_block_normal <- function(block, at) {
  normal_block(block$variables[at], block$mean[, at, drop = FALSE], block$covariance[at, at, , drop = FALSE],
               block$sd[, at, drop = FALSE])
}

#' @export
block_law.em_block_normal <- function(block, j, x = NULL, o = NULL) {
  if (!length(o)) return(normal_law(matrix(block$mean[, j], 1L), matrix(block$sd[, j], 1L)))
  k <- nrow(block$mean)
  parts <- lapply(seq_len(k), function(i) normal_given(block$mean[i, ], covariance_of(block, i), x, o, j))
  normal_law(do.call(cbind, lapply(parts, `[[`, "mean")), matrix(vapply(parts, function(part) sqrt(part$covariance[1L]), 0), 1L))
}

covariance_of <- function(block, i) matrix(block$covariance[, , i], ncol(block$mean))

#' @export
block_given.em_block_normal <- function(block, x, o) {
  rest <- setdiff(seq_along(block$variables), o)
  k <- nrow(block$mean)
  parts <- lapply(seq_len(k), function(i) normal_given(block$mean[i, ], covariance_of(block, i), matrix(x, 1L), o, rest))
  mean <- do.call(rbind, lapply(parts, `[[`, "mean"))
  covariance <- array(unlist(lapply(parts, `[[`, "covariance")), c(length(rest), length(rest), k))
  density <- vapply(parts, function(part) part$log_density[1L], 0)
  if (!any(is.finite(density))) density <- density_far_out(parts, x, block$mean[, o, drop = FALSE])
  list(block = if (length(rest)) normal_block(block$variables[rest], mean, covariance), log_density = density)
}

# Beyond what numbers hold only the largest of the densities is left: that of the smallest distance.
density_far_out <- function(parts, x, mean) {
  size <- max(abs(x))
  from <- vapply(seq_along(parts), function(i) parts[[i]]$distance((x / size - mean[i, ] / size)), 0)
  ifelse(from <= min(from) * (1 + 1e-12), 0, -Inf)
}

#' @export
block_log_density.em_block_normal <- function(block, x) {
  p <- ncol(block$mean)
  if (p == 1L) return(law_log_density(block_law(block, 1L), x[, 1L]))
  out <- vapply(seq_len(nrow(block$mean)), function(i) {
    normal_given(block$mean[i, ], covariance_of(block, i), x, seq_len(p), integer())$log_density
  }, numeric(nrow(x)))
  matrix(out, nrow(x))
}

#' @export
block_draw.em_block_normal <- function(block, component) {
  p <- ncol(block$mean)
  out <- block$mean[component, , drop = FALSE]
  noise <- matrix(stats::rnorm(length(component) * p), length(component))
  for (i in unique(component)) {
    rows <- which(component == i)
    out[rows, ] <- out[rows, ] + noise[rows, , drop = FALSE] %*% root_of(covariance_of(block, i))
  }
  out
}

#' @export
block_modal.em_block_normal <- function(block) block[c("mean", "covariance")]

# Columns g of a normal distribution given its columns o at the rows of x: list(mean n x length(g), covariance, the log
# density of x, distance(z): the squared length of z in the metric of o). By a Cholesky root on the scale of
# correlations, so that columns may be in any units; where rounding left no root, by the axes that have spread.
normal_given <- function(mean, sigma, x, o, g) {
  n <- nrow(x)
  size <- sqrt(diag(sigma))
  at <- c(o, g)
  root <- tryCatch(chol(sigma[at, at, drop = FALSE] / outer(size[at], size[at])), error = function(e) NULL)
  if (is.null(root)) return(normal_given_by_axes(mean, sigma, x, o, g))
  first <- seq_along(o)
  own <- root[first, first, drop = FALSE]
  z <- (x - rep(mean[o], each = n)) / rep(size[o], each = n)
  solved <- backsolve(own, t(z), transpose = TRUE)
  last <- length(o) + seq_along(g)
  rest <- crossprod(root[last, last, drop = FALSE]) * outer(size[g], size[g])
  expected <- crossprod(solved, root[first, last, drop = FALSE]) * rep(size[g], each = n) + rep(mean[g], each = n)
  list(mean = expected, covariance = rest,
       log_density = -colSums(solved^2) / 2 - sum(log(diag(own))) - sum(log(size[o])) - length(o) * log(2 * pi) / 2,
       distance = function(z) sum(backsolve(own, z / size[o], transpose = TRUE)^2))
}

normal_given_by_axes <- function(mean, sigma, x, o, g) {
  n <- nrow(x)
  size <- sqrt(diag(sigma))
  z <- (x - rep(mean[o], each = n)) / rep(size[o], each = n)
  parts <- eigen(sigma[o, o, drop = FALSE] / outer(size[o], size[o]), symmetric = TRUE)
  use <- parts$values > .Machine$double.eps * length(o) * max(parts$values)
  axes <- parts$vectors[, use, drop = FALSE] / rep(sqrt(parts$values[use]), each = length(o))
  along <- z %*% axes
  slope <- regression_slope(sigma, o, g)
  list(mean = (x - rep(mean[o], each = n)) %*% slope + rep(mean[g], each = n),
       covariance = sigma[g, g, drop = FALSE] - sigma[g, o, drop = FALSE] %*% slope,
       log_density = -rowSums(along^2) / 2 - sum(log(parts$values[use])) / 2 - sum(log(size[o])) - length(o) * log(2 * pi) / 2,
       distance = function(z) sum(((z / size[o]) %*% axes)^2))
}

# ---- counts: rates (k x p) times an exposure; probabilities (k x p) and a number of trials ----

rates_block <- function(variables, rate, exposure) new_block("rates", variables, rate = rate, exposure = exposure)

# The number that was said, or else that of all rows.
one_for_all <- function(said, of_rows, arg) {
  if (!is.null(said)) return(check_nonnegative(said, arg))
  of_rows <- of_rows[!is.na(of_rows) & of_rows > 0]
  if (length(of_rows) && all(of_rows == of_rows[1L])) return(of_rows[1L])
  abort_em("argument", c(
    sprintf("`%s` must be said: rows of the fit differ in it, from %s to %s.", arg, number(min(of_rows)), number(max(of_rows))),
    i = sprintf("em_marginal(fit, %s = %s)", arg, number(stats::median(of_rows)))
  ))
}

#' @export
block_pick.em_block_rates <- function(block, at) {
  rates_block(block$variables[at], block$rate[, at, drop = FALSE], block$exposure)
}

#' @export
block_law.em_block_rates <- function(block, j, x = NULL, o = NULL) rates_law(matrix(block$rate[, j] * block$exposure, 1L))

#' @export
block_read.em_block_rates <- function(block, j, value) read_count(block$variables[j], value)

read_count <- function(name, value, most = Inf) {
  if (is_number(value) && value >= 0 && value == floor(value) && value <= most && value < Inf) return(as.double(value))
  abort_em("argument", sprintf("`%s` must be given a whole number of 0 or more%s, not %s.", name,
                               if (is.finite(most)) paste(" and at most", number(most, 15L)) else "", describe_value(value)))
}

trials_block <- function(variables, prob, size) new_block("trials", variables, prob = prob, size = size)

#' @export
block_pick.em_block_trials <- function(block, at) trials_block(block$variables[at], block$prob[, at, drop = FALSE], block$size)

#' @export
block_law.em_block_trials <- function(block, j, x = NULL, o = NULL) trials_law(matrix(block$prob[, j], 1L), block$size)

#' @export
block_read.em_block_trials <- function(block, j, value) {
  read_count(block$variables[j], if (is.logical(value)) as.numeric(value) else value, block$size)
}

# ---- categories: for each column a matrix of probabilities (k x levels) and its levels ----

level_block <- function(variables, prob, levels) new_block("level", variables, prob = prob, levels = levels)

#' @export
block_pick.em_block_level <- function(block, at) level_block(block$variables[at], block$prob[at], block$levels[at])

#' @export
block_law.em_block_level <- function(block, j, x = NULL, o = NULL) level_law(block$prob[[j]], block$levels[[j]])

#' @export
block_read.em_block_level <- function(block, j, value) {
  code <- if (length(value) == 1L && is.atomic(value)) match(as.character(value), block$levels[[j]]) else NA
  if (!is.na(code)) return(as.double(code))
  abort_em("levels", c(sprintf("`%s` must be one of its levels (%s), not %s.", block$variables[j], quoted(block$levels[[j]]),
                               describe_value(if (is.factor(value)) as.character(value) else value)),
                       i = did_you_mean(as.character(value)[1L], block$levels[[j]])))
}

#' @export
block_show.em_block_level <- function(block, j, x) factor(block$levels[[j]][x], levels = block$levels[[j]])

# ---- counts that share a total: probabilities (k x p), that of what is left out (`rest`, k), and the total ----

sharing_block <- function(variables, prob, rest, size) new_block("sharing", variables, prob = prob, rest = rest, size = size)

#' @export
block_pick.em_block_sharing <- function(block, at) {
  rest <- block$rest + rowSums(block$prob[, setdiff(seq_along(block$variables), at), drop = FALSE])
  sharing_block(block$variables[at], block$prob[, at, drop = FALSE], rest, block$size)
}

# What is left of the total is shared by the others in proportion.
#' @export
block_law.em_block_sharing <- function(block, j, x = NULL, o = NULL) {
  if (!length(o)) return(trials_law(matrix(block$prob[, j], 1L), block$size))
  left <- block_rest(block, o)
  trials_law(matrix(ifelse(left > 0, pmin(block$prob[, j] / left, 1), 0), 1L), block$size - rowSums(x))
}

# The probability of all but the columns o.
block_rest <- function(block, o) {
  block$rest + rowSums(block$prob[, setdiff(seq_along(block$variables), o), drop = FALSE])
}

#' @export
block_given.em_block_sharing <- function(block, x, o) {
  own <- block_pick(block, o)
  others <- setdiff(seq_along(block$variables), o)
  left <- ifelse(own$rest > 0, own$rest, 1)
  list(block = sharing_block(block$variables[others], block$prob[, others, drop = FALSE] / left, block$rest / left,
                             block$size - sum(x)),
       log_density = drop(block_log_density(own, matrix(x, 1L))))
}

#' @export
block_log_density.em_block_sharing <- function(block, x) {
  over <- block$size - rowSums(x)
  impossible <- over < 0 | rowSums(x < 0 | x != floor(x)) > 0
  over <- pmax(over, 0)
  orders <- lgamma(block$size + 1) - rowSums(lgamma(pmax(x, 0) + 1)) - lgamma(over + 1)
  by_log <- function(x, p) ifelse(x == 0, 0, x * log(p))
  out <- vapply(seq_len(nrow(block$prob)), function(i) {
    each <- lapply(seq_len(ncol(x)), function(j) by_log(x[, j], block$prob[i, j]))
    ifelse(impossible, -Inf, orders + Reduce(`+`, each) + by_log(over, block$rest[i]))
  }, numeric(nrow(x)))
  matrix(out, nrow(x))
}

#' @export
block_draw.em_block_sharing <- function(block, component) {
  p <- ncol(block$prob)
  out <- vapply(component, function(i) {
    stats::rmultinom(1L, block$size, pmax(c(block$prob[i, ], block$rest[i]), 0))[seq_len(p)] + 0
  }, numeric(p))
  matrix(out, length(component), byrow = TRUE)
}

#' @export
block_read.em_block_sharing <- function(block, j, value) read_count(block$variables[j], value, block$size)

#' @export
block_cdf.em_block_sharing <- function(block, q, lower) {
  if (ncol(q) < 2L) return(independent_cdf(block, q, lower))
  abort_em("unsupported", c("Several counts that share a total have no distribution function here: they depend on each other.",
                            i = "Ask for one column: variable =; or count drawn rows: simulate(em_marginal(fit), 1e5)."))
}
