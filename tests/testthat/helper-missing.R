# EM for Gaussian rows with missing cells in plain R, from the formulae of Ghahramani & Jordan (1994): the margin
# of what is observed, the conditional mean and covariance of what is not. A row at a time, and slow.

# log N(x_o; mu_o, Sigma_oo); 0 where nothing is observed.
missing_log_density <- function(x, mean, covariance) {
  vapply(seq_len(nrow(x)), function(i) {
    o <- which(!is.na(x[i, ]))
    if (!length(o)) return(0)
    z <- x[i, o] - mean[o]
    s <- covariance[o, o, drop = FALSE]
    -0.5 * (length(o) * log(2 * pi) + as.numeric(determinant(s)$modulus) + sum(z * solve(s, z)))
  }, 0)
}

missing_log_joint <- function(x, p) {
  one <- function(j) log(p$proportions[j]) + missing_log_density(x, p$mean[j, ], as.matrix(p$covariance[, , j]))
  matrix(vapply(seq_along(p$proportions), one, numeric(nrow(x))), nrow(x))
}

missing_loglik <- function(x, parameters, weights = rep(1, NROW(x))) {
  x <- as.matrix(x)
  p <- reference_parameters(parameters, length(parameters$proportions), ncol(x))
  observed <- rowSums(!is.na(x)) > 0
  sum((weights * reference_row_loglik(missing_log_joint(x, p)))[observed])
}

# The filled rows and the conditional covariance of row i under one component.
missing_fill <- function(x, mean, covariance) {
  m <- which(is.na(x))
  o <- which(!is.na(x))
  extra <- matrix(0, length(x), length(x))
  if (!length(m)) return(list(x = x, extra = extra))
  if (!length(o)) return(list(x = mean, extra = covariance))
  b <- covariance[m, o, drop = FALSE] %*% solve(covariance[o, o, drop = FALSE])
  x[m] <- mean[m] + b %*% (x[o] - mean[o])
  extra[m, m] <- covariance[m, m] - b %*% covariance[o, m, drop = FALSE]
  list(x = x, extra = extra)
}

missing_em <- function(x, k, structure = "VVV", start, proportions = "free", weights = rep(1, NROW(x)), n_iter = 5,
                       algorithm = "em") {
  x <- as.matrix(x)
  d <- ncol(x)
  p <- reference_parameters(start, k, d, proportions)
  used <- rowSums(!is.na(x)) > 0 & weights > 0
  x <- x[used, , drop = FALSE]
  weights <- weights[used]
  trace <- missing_loglik(x, p, weights)
  for (iteration in seq_len(n_iter)) {
    joint <- missing_log_joint(x, p)
    r <- weights * exp(joint - reference_row_loglik(joint))
    mean <- p$mean
    w <- array(0, c(d, d, k))
    for (j in seq_len(k)) {
      filled <- lapply(seq_len(nrow(x)), function(i) missing_fill(x[i, ], p$mean[j, ], as.matrix(p$covariance[, , j])))
      rows <- do.call(rbind, lapply(filled, `[[`, "x"))
      mean[j, ] <- colSums(r[, j] * rows) / sum(r[, j])
      z <- t(rows) - if (algorithm == "ecm") p$mean[j, ] else mean[j, ]
      w[, , j] <- z %*% (r[, j] * t(z)) + Reduce(`+`, Map(function(f, one) one * f$extra, filled, r[, j]))
    }
    if (identical(proportions, "free")) p$proportions <- colSums(r) / sum(r)
    p$covariance <- reference_covariance(structure, colSums(r), w, p$covariance)
    p$mean <- mean
    trace <- c(trace, missing_loglik(x, p, weights))
  }
  list(parameters = reference_shapes(p), trace = trace, loglik = trace[length(trace)])
}

# A share of the cells taken out at random, the same for a seed.
with_holes <- function(x, share = 0.2, seed = 5) {
  x <- as.matrix(x)
  withr_seed(seed, x[stats::runif(length(x)) < share] <- NA)
  x
}

# Without the message that a fit of incomplete rows gives.
quietly <- function(code) suppressMessages(code, classes = "emfit_message_missing")
