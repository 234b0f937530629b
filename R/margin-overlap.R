# How much two components of a block overlap, and what two of them are together: what em_merge() by Bhattacharyya's
# distance asks.
#
#   block_affinity(block, i, j)       log of the integral of the root of the product of their densities; NA: no formula
#   block_pool(block, a, b, share)    component a becomes both, with shares that sum to 1, and b goes
block_affinity <- function(block, i, j) UseMethod("block_affinity")
#' @export
block_affinity.default <- function(block, i, j) NA_real_
block_pool <- function(block, a, b, share) UseMethod("block_pool")

# Rows a and b of a matrix by their shares.
pool_rows <- function(x, a, b, share) {
  x[a, ] <- share[1L] * x[a, ] + share[2L] * x[b, ]
  x[-b, , drop = FALSE]
}

# ---- normal ----

#' @export
block_affinity.em_block_normal <- function(block, i, j) {
  a <- covariance_of(block, i)
  b <- covariance_of(block, j)
  size <- sqrt(diag(a + b) / 2)
  middle <- (a + b) / 2 / outer(size, size)
  apart <- (block$mean[i, ] - block$mean[j, ]) / size
  spread <- log_determinant(middle) - (log_determinant(a / outer(size, size)) + log_determinant(b / outer(size, size))) / 2
  -sum(apart * solve(middle, apart)) / 8 - spread / 2
}

#' @export
block_pool.em_block_normal <- function(block, a, b, share) {
  apart <- block$mean[b, ] - block$mean[a, ]
  block$mean[a, ] <- block$mean[a, ] + share[2L] * apart
  block$covariance[, , a] <- share[1L] * block$covariance[, , a] + share[2L] * block$covariance[, , b] + prod(share) * tcrossprod(apart)
  normal_block(block$variables, block$mean[-b, , drop = FALSE], block$covariance[, , -b, drop = FALSE])
}

# ---- counts ----

#' @export
block_affinity.em_block_rates <- function(block, i, j) {
  -block$exposure * sum((sqrt(block$rate[i, ]) - sqrt(block$rate[j, ]))^2) / 2
}

#' @export
block_pool.em_block_rates <- function(block, a, b, share) {
  rates_block(block$variables, pool_rows(block$rate, a, b, share), block$exposure)
}

#' @export
block_affinity.em_block_trials <- function(block, i, j) {
  p <- block$prob
  block$size * sum(log(sqrt(p[i, ] * p[j, ]) + sqrt((1 - p[i, ]) * (1 - p[j, ]))))
}

#' @export
block_pool.em_block_trials <- function(block, a, b, share) {
  trials_block(block$variables, pool_rows(block$prob, a, b, share), block$size)
}

#' @export
block_affinity.em_block_sharing <- function(block, i, j) {
  p <- cbind(block$prob, block$rest)
  block$size * log(sum(sqrt(p[i, ] * p[j, ])))
}

#' @export
block_pool.em_block_sharing <- function(block, a, b, share) {
  rest <- pool_rows(matrix(block$rest), a, b, share)
  sharing_block(block$variables, pool_rows(block$prob, a, b, share), rest[, 1L], block$size)
}

# ---- categories ----

#' @export
block_affinity.em_block_level <- function(block, i, j) {
  sum(vapply(block$prob, function(p) log(sum(sqrt(p[i, ] * p[j, ]))), 0))
}

#' @export
block_pool.em_block_level <- function(block, a, b, share) {
  level_block(block$variables, lapply(block$prob, pool_rows, a, b, share), block$levels)
}

# ---- gamma: shapes and rates ----

#' @export
block_affinity.em_block_positive <- function(block, i, j) {
  a <- block$shape[c(i, j), , drop = FALSE]
  rate <- a / block$mean[c(i, j), , drop = FALSE]
  middle <- colMeans(a)
  sum(lgamma(middle) - colSums(lgamma(a)) / 2 + colSums(a * log(rate)) / 2 - middle * log(colMeans(rate)))
}

# By mean and variance.
#' @export
block_pool.em_block_positive <- function(block, a, b, share) {
  apart <- block$mean[a, ] - block$mean[b, ]
  variance <- block$mean^2 / block$shape
  variance[a, ] <- share[1L] * variance[a, ] + share[2L] * variance[b, ] + prod(share) * apart^2
  mean <- pool_rows(block$mean, a, b, share)
  positive_block(block$variables, mean, mean^2 / variance[-b, , drop = FALSE])
}
