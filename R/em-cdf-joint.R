# em_cdf() of several columns together: the probability that all of them are at most (or all above) a row's values. Given
# the component blocks are independent, and so are the columns of most blocks; correlated normal columns have integrals.

joint_cdf <- function(density, q, variable, lower, log) {
  at <- joint_columns(density, q, variable)
  q <- joint_values(density, q, at)
  # The blocks' own order, which is that of `density`.
  own <- order(vapply(at, function(j) column_place(density$blocks, j)[1L], 0), at)
  density <- pick_density(density, at[own])
  q <- q[, own, drop = FALSE]
  out <- rep(NA_real_, nrow(q))
  known <- which(stats::complete.cases(q))
  if (length(known)) out[known] <- log_sum(joint_tails(density, q[known, , drop = FALSE], lower) +
                                             rep(density$log_weights, each = length(known)))
  out <- pmin(out, 0)
  stats::setNames(if (log) out else exp(out), rownames(q))
}

# A matrix or data frame says the columns by their names, where they have any.
joint_columns <- function(density, q, variable) {
  names <- density_columns(density)
  told <- if (is.null(variable)) colnames(q) else variable
  at <- if (is.null(told)) seq_along(names) else find_columns(density, told, if (is.null(variable)) "q" else "variable")
  if (is.null(dim(q)) || length(at) == ncol(q)) return(at)
  abort_em("argument", c(sprintf("`q` must have a column for each of %s, not %s.", quoted(names[at]), plural(ncol(q), "column")),
                         i = sprintf("variable = c(%s)", paste(dQuote(utils::head(names, ncol(q)), FALSE), collapse = ", "))))
}

joint_values <- function(density, q, at) {
  names <- density_columns(density)[at]
  if (is.null(dim(q))) {
    q <- check_values(q, "q")
    if (length(q) == length(at)) return(matrix(q, 1L))
    abort_em("argument", c(sprintf("`q` must have a value for each of %s: %d, not %d.", quoted(names), length(at), length(q)),
                           i = "Of several points it is a matrix or a data frame, a row for each."))
  }
  if (!is.null(colnames(q)) && all(names %in% colnames(q))) q <- q[, names, drop = FALSE]
  rows <- if (is.data.frame(q)) attr(q, "row.names") else rownames(q)
  out <- do.call(cbind, lapply(seq_along(at), function(j) check_values(if (is.data.frame(q)) q[[j]] else q[, j], "q")))
  matrix(out, ncol = length(at), dimnames = list(if (is.character(rows)) rows, NULL))
}

# The logarithm of each component's part, and of noise's: n x K.
joint_tails <- function(density, q, lower) {
  first <- 0L
  out <- 0
  for (block in density$blocks) {
    p <- length(block$variables)
    out <- out + block_cdf(block, q[, first + seq_len(p), drop = FALSE], lower)
    first <- first + p
  }
  if (is.null(density$noise)) out else cbind(out, log(noise_corner(density$noise, q, lower)), deparse.level = 0L)
}

# The logarithm of the probability that all columns of a block are at most, or all above, the rows of q: n x k.
block_cdf <- function(block, q, lower) UseMethod("block_cdf")

#' @export
block_cdf.default <- function(block, q, lower) independent_cdf(block, q, lower)

independent_cdf <- function(block, q, lower) {
  Reduce(`+`, lapply(seq_along(block$variables), function(j) {
    law <- block_law(block, j)
    law_cdf(law, if (law$discrete) floor(q[, j] + 1e-7) else q[, j], lower, TRUE)
  }))
}

#' @export
block_cdf.em_block_normal <- function(block, q, lower) {
  out <- independent_cdf(block, q, lower)
  if (ncol(q) < 2L) return(out)
  for (i in seq_len(nrow(block$mean))) {
    sigma <- covariance_of(block, i)
    if (any(sigma[lower.tri(sigma)] != 0)) out[, i] <- log(normal_corner(q, block$mean[i, ], sigma, lower))
  }
  out
}

# Correlated normal columns: two by a quadrature, more by the package that has the integrals.
normal_corner <- function(q, mean, sigma, lower) {
  size <- sqrt(diag(sigma))
  z <- (q - rep(mean, each = nrow(q))) / rep(size, each = nrow(q))
  if (lower) z <- -z
  r <- sigma / outer(size, size)
  if (ncol(z) == 2L) return(binormal_above(z[, 1L], z[, 2L], r[1L, 2L]))
  if (!requireNamespace("mvtnorm", quietly = TRUE)) {
    abort_em("unsupported", c(
      "The distribution function of three or more correlated columns needs package mvtnorm, which is not installed.",
      i = "install.packages(\"mvtnorm\"), or ask for two columns: variable ="
    ))
  }
  above <- function(lower) {
    how <- if (ncol(z) == 3L) mvtnorm::TVPACK(abseps = 1e-14) else mvtnorm::GenzBretz(abseps = 1e-7, maxpts = 1e5)
    as.double(mvtnorm::pmvnorm(lower = lower, corr = stats::cov2cor(r), algorithm = how))
  }
  # Of four columns and more the integral draws points; a fixed seed makes the answer one.
  with_seed(1L, apply(z, 1L, above))
}

#' @export
block_cdf.em_block_student <- function(block, q, lower) {
  if (ncol(q) < 2L) return(independent_cdf(block, q, lower))
  abort_em("unsupported", c("Several columns of t components have no distribution function here: they depend on each other.",
                            i = "Ask for one column: variable =; or count drawn rows: simulate(em_marginal(fit), 1e5)."))
}

# P(X > h, Y > k) of two standard normal columns with correlation r, to about 1e-15 (Drezner & Wesolowsky 1990, in the form
# of Genz 2004).
binormal_above <- function(h, k, r) {
  out <- if (abs(r) < 0.925) binormal_moderate(h, k, r) else binormal_strong(h, k, r)
  pmin(pmax(out, 0), pmin(stats::pnorm(-h), stats::pnorm(-k)))
}

# The integral over correlations from 0 to r, as an angle.
binormal_moderate <- function(h, k, r) {
  nodes <- gauss_legendre()
  angle <- asin(r)
  s <- sin(angle * (nodes$x + 1) / 2)
  part <- function(i) {
    value <- exp((s[i] * h * k - (h * h + k * k) / 2) / (1 - s[i]^2))
    value[is.nan(value)] <- 0
    nodes$weight[i] * value
  }
  stats::pnorm(-h) * stats::pnorm(-k) + Reduce(`+`, lapply(seq_along(s), part)) * angle / (4 * pi)
}

# Near 1 or -1: from perfect correlation inwards, the steep part of the integrand taken out and integrated by hand.
binormal_strong <- function(h, k, r) {
  if (r < 0) k <- -k
  perfect <- stats::pnorm(-pmax(h, k))
  rest <- rep(0, length(h))
  inner <- which(is.finite(h) & is.finite(k) & abs(h) < 1e8 & abs(k) < 1e8)
  if (abs(r) < 1 && length(inner)) rest[inner] <- strong_rest(h[inner], k[inner], (1 - abs(r)) * (1 + abs(r)))
  out <- perfect - rest
  if (r >= 0) return(out)
  stats::pnorm(-h) - out # P(X > h, Y > k) = P(X > h) - P(X > h, -Y > -k)
}

strong_rest <- function(h, k, as) {
  hk <- h * k
  a <- sqrt(as)
  bs <- (h - k)^2
  b <- sqrt(bs)
  c <- (4 - hk) / 8
  d <- (12 - hk) / 16
  total <- a * exp(-(bs / as + hk) / 2) * (1 - c * (bs - as) * (1 - d * bs / 5) / 3 + c * d * as^2 / 5)
  total <- total - exp(-hk / 2) * sqrt(2 * pi) * stats::pnorm(-b / a) * b * (1 - c * bs * (1 - d * bs / 5) / 3)
  total[!is.finite(total)] <- 0
  nodes <- gauss_legendre()
  for (i in seq_along(nodes$x)) {
    xs <- (a * (nodes$x[i] + 1) / 2)^2
    rs <- sqrt(1 - xs)
    steep <- exp(-(bs / xs + hk) / 2)
    value <- a / 2 * nodes$weight[i] * steep * (exp(-hk * (1 - rs) / (2 * (1 + rs))) / rs - (1 + c * xs * (1 + d * xs)))
    value[!is.finite(value)] <- 0
    total <- total + value
  }
  total / (2 * pi)
}

# Twenty points from -1 to 1 and their weights: eigenvalues of the recurrence (Golub & Welsch 1969).
gauss_legendre <- function(points = 20L) {
  i <- seq_len(points - 1L)
  off <- i / sqrt(4 * i^2 - 1)
  jacobi <- matrix(0, points, points)
  jacobi[cbind(i, i + 1L)] <- off
  jacobi[cbind(i + 1L, i)] <- off
  found <- eigen(jacobi, symmetric = TRUE)
  list(x = found$values, weight = 2 * found$vectors[1L, ]^2)
}

# ---- noise ----

# What part of the box has all of its columns at most, or all above, the rows of q. A box along the columns is a product;
# a turned one in a plane is a polygon.
noise_corner <- function(noise, q, lower) {
  box <- noise$box
  if (box$kind == "range" || ncol(q) == 1L) {
    each <- lapply(seq_len(ncol(q)), function(j) noise_along(noise, j)$cumulated(q[, j], lower))
    return(Reduce(`*`, each))
  }
  if (length(box$lower) == 2L) return(apply(q, 1L, function(at) polygon_corner(turned_corners(box, noise$columns), at, lower)))
  abort_em("unsupported", c(
    "Noise over a box along principal axes of three or more columns has no distribution function of several of them.",
    i = "Ask for one column: variable =; or count drawn rows: simulate(em_marginal(fit), 1e5)."
  ))
}

turned_corners <- function(box, columns) {
  ends <- rbind(c(box$lower[1L], box$lower[2L]), c(box$upper[1L], box$lower[2L]), box$upper, c(box$lower[1L], box$upper[2L]))
  (ends %*% t(box$axes) + rep(box$centre, each = 4L))[, columns, drop = FALSE]
}

polygon_corner <- function(corners, at, lower) {
  whole <- polygon_area(corners)
  for (j in 1:2) corners <- cut_polygon(corners, (if (lower) -1 else 1) * (corners[, j] - at[j]))
  polygon_area(corners) / whole
}

polygon_area <- function(corners) {
  if (nrow(corners) < 3L) return(0)
  z <- corners - rep(corners[1L, ], each = nrow(corners))
  after <- z[c(seq_len(nrow(z))[-1L], 1L), , drop = FALSE]
  abs(sum(z[, 1L] * after[, 2L] - z[, 2L] * after[, 1L])) / 2
}

# What is left of a convex polygon where `inside`, a linear function at its corners, is not negative.
cut_polygon <- function(corners, inside) {
  out <- list()
  n <- nrow(corners)
  for (i in seq_len(n)) {
    j <- i %% n + 1L
    if (inside[i] >= 0) out <- c(out, list(corners[i, ]))
    if ((inside[i] >= 0) != (inside[j] >= 0)) {
      part <- inside[i] / (inside[i] - inside[j])
      out <- c(out, list(corners[i, ] + part * (corners[j, ] - corners[i, ])))
    }
  }
  if (length(out)) do.call(rbind, out) else matrix(0, 0L, 2L)
}
