# EM in plain R with everything at once: missing cells, weights, beliefs, noise, a prior, held means, equal or held
# proportions, ECM, under any structure. Slow, and built of helper-missing.R and helper-reference.R.
#
#   beliefs    n x (k, and one with noise); a label is a row of zeros and a one
#   log_noise  the log density of noise, one number for each row; proportions then have k + 1 entries
#   prior      list(mean, kappa, nu, scale), as em_prior() has them
#   held       k x d, NA where free: means that are held
combined_em <- function(x, k, structure, start, n_iter = 4, weights = rep(1, NROW(x)), beliefs = NULL,
                        log_noise = NULL, prior = NULL, proportions = "free", algorithm = "em", held = NULL) {
  x <- as.matrix(x)
  p <- reference_parameters(start, k, ncol(x))
  if (!is.null(start$proportions)) p$proportions <- start$proportions
  if (!is.null(held)) p$mean[!is.na(held)] <- held[!is.na(held)]
  # Rows with nothing observed, of which nothing is known either
  silent <- rowSums(!is.na(x)) == 0 & (if (is.null(beliefs)) TRUE else rowSums(beliefs != 1) == 0)
  weights[silent] <- 0
  objective <- numeric()
  loglik <- numeric()
  for (iteration in 0:n_iter) {
    joint <- combined_log_joint(x, p, k, log_noise, beliefs)
    loglik <- c(loglik, sum((weights * reference_row_loglik(joint))[weights > 0]))
    objective <- c(objective, loglik[iteration + 1] + combined_log_prior(p, prior))
    if (iteration == n_iter) break
    r <- weights * exp(joint - reference_row_loglik(joint))
    r[weights == 0, ] <- 0
    p <- combined_step(x, r, p, k, structure, prior, proportions, algorithm, held)
  }
  list(parameters = reference_shapes(p), trace = objective, loglik = loglik[n_iter + 1])
}

combined_log_joint <- function(x, p, k, log_noise = NULL, beliefs = NULL) {
  own <- p
  own$proportions <- p$proportions[seq_len(k)]
  joint <- missing_log_joint(x, own)
  if (!is.null(log_noise)) joint <- cbind(joint, log(p$proportions[k + 1]) + log_noise)
  if (is.null(beliefs)) joint else joint + log(beliefs)
}

# N(mean; m, Sigma / kappa) times inverse Wishart(Sigma; nu, Lambda), without what does not depend on them; Sigma in
# units of Lambda.
combined_log_prior <- function(p, prior) {
  if (is.null(prior)) return(0)
  d <- ncol(p$mean)
  sum(vapply(seq_len(nrow(p$mean)), function(j) {
    sigma <- matrix(p$covariance[, , j], d)
    gap <- p$mean[j, ] - prior$mean
    spread <- prior$scale + prior$kappa * gap %o% gap
    size <- as.numeric(determinant(sigma)$modulus - determinant(prior$scale)$modulus)
    -0.5 * (prior$nu + d + 1 + (prior$kappa > 0)) * size - 0.5 * sum(diag(solve(sigma, spread)))
  }, 0))
}

combined_step <- function(x, r, p, k, structure, prior, proportions, algorithm, held) {
  d <- ncol(x)
  kappa <- if (is.null(prior)) 0 else prior$kappa
  total <- colSums(r)
  w <- array(0, c(d, d, k))
  mean <- p$mean
  for (j in seq_len(k)) {
    sigma <- matrix(p$covariance[, , j], d)
    filled <- lapply(seq_len(nrow(x)), function(i) missing_fill(x[i, ], p$mean[j, ], sigma))
    rows <- do.call(rbind, lapply(filled, `[[`, "x"))
    sums <- colSums(r[, j] * rows)
    if (kappa > 0) sums <- sums + kappa * prior$mean
    mean[j, ] <- combined_mean(sums / (total[j] + kappa), sigma, held[j, ])
    about <- if (algorithm == "ecm") p$mean[j, ] else mean[j, ]
    z <- t(rows) - about
    w[, , j] <- z %*% (r[, j] * t(z)) + Reduce(`+`, Map(function(f, one) one * f$extra, filled, r[, j]))
    if (!is.null(prior)) w[, , j] <- w[, , j] + prior$scale + kappa * (prior$mean - about) %o% (prior$mean - about)
  }
  more <- if (is.null(prior)) 0 else prior$nu + d + 1 + (kappa > 0)
  p$covariance <- reference_covariance(structure, total[seq_len(k)] + more, w, p$covariance)
  p$mean <- mean
  share <- total / sum(total)
  if (identical(proportions, "free")) p$proportions <- share
  if (identical(proportions, "equal") && length(share) > k) {
    p$proportions <- c(rep((1 - share[k + 1]) / k, k), share[k + 1])
  }
  p
}

# Where some entries are held the others move with them, as Sigma says.
combined_mean <- function(wanted, sigma, held) {
  h <- which(!is.na(held))
  if (!length(h)) return(wanted)
  out <- wanted - sigma[, h, drop = FALSE] %*% solve(sigma[h, h, drop = FALSE], wanted[h] - held[h])
  out[h] <- held[h]
  drop(out)
}

# Beliefs that say what labels say.
beliefs_of <- function(labels, columns) {
  out <- matrix(1, length(labels), columns)
  known <- which(!is.na(labels))
  out[known, ] <- diag(columns)[as.integer(labels)[known], ]
  out
}
