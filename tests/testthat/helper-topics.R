# Latent Dirichlet allocation by variational EM in plain R: dense loops over documents, digamma() and lgamma() of R,
# alpha by uniroot() or by Newton steps with the whole matrix of second derivatives. Slow; shares nothing with the package.
#
#   x  documents x terms     topics  list(topic = k x terms, alpha = k)     expected  documents x k

draw_documents <- function(n, terms, k, words = 40, sharp = 0.2) {
  draw <- function(n, k, a) {
    g <- matrix(stats::rgamma(n * k, a) + 1e-12, n, k)
    g / rowSums(g)
  }
  topic <- draw(k, terms, sharp)
  shares <- draw(n, k, 0.4)
  x <- t(vapply(seq_len(n), function(d) stats::rmultinom(1, words, shares[d, ] %*% topic)[, 1], numeric(terms)))
  dimnames(x) <- list(paste0("d", seq_len(n)), paste0("w", seq_len(terms)))
  structure(x, topic = topic, shares = shares)
}

plain_corpus <- function(x) {
  attr(x, "topic") <- attr(x, "shares") <- NULL
  x
}

random_topics <- function(k, x, alpha = 0.5) {
  topic <- matrix(stats::runif(k * ncol(x), 0.5, 1.5), k, dimnames = list(NULL, colnames(x)))
  list(topic = topic / rowSums(topic), alpha = rep_len(alpha, k))
}

# One document at given expected words: its bound, log e, and phi weighted by its counts (k x terms).
topics_document <- function(counts, topics, expected) {
  gamma <- topics$alpha + expected
  log_e <- digamma(gamma) - digamma(sum(gamma))
  used <- counts > 0
  weight <- exp(log_e) * topics$topic[, used, drop = FALSE]
  q <- colSums(weight)
  phi <- matrix(0, length(gamma), length(counts))
  phi[, used] <- weight * rep(counts[used] / q, each = length(gamma))
  bound <- sum(counts[used] * log(q)) + lgamma(sum(topics$alpha)) - sum(lgamma(topics$alpha)) +
    sum((topics$alpha - gamma) * log_e) + sum(lgamma(gamma)) - lgamma(sum(gamma))
  list(bound = bound, log_e = log_e, phi = phi)
}

# Equal shares, then sweeps until they gain no more.
topics_fresh <- function(counts, topics, most = 40, tol = 1e-8) {
  k <- length(topics$alpha)
  expected <- rep(sum(counts) / k, k)
  before <- -Inf
  for (i in seq_len(most)) {
    here <- topics_document(counts, topics, expected)
    if (here$bound - before <= tol * sum(counts)) break
    before <- here$bound
    expected <- rowSums(here$phi)
  }
  expected
}

topics_alpha <- function(alpha, kind, log_shares, documents) {
  k <- length(alpha)
  if (kind == "held" || k == 1) return(alpha)
  if (kind == "symmetric") {
    slope <- function(u) documents * k * (digamma(k * exp(u)) - digamma(exp(u))) + sum(log_shares)
    return(rep(exp(stats::uniroot(slope, c(log(1e-4), log(1e6)), tol = 1e-15, maxiter = 1e4)$root), k))
  }
  for (i in 1:200) {
    gradient <- documents * (digamma(sum(alpha)) - digamma(alpha)) + log_shares
    hessian <- documents * (matrix(trigamma(sum(alpha)), k, k) - diag(trigamma(alpha), k))
    step <- solve(hessian, gradient)
    while (any(alpha - step <= 0)) step <- step / 2
    alpha <- alpha - step
    if (max(abs(step)) < 1e-14) break
  }
  alpha
}

# EM as em_fit() runs it: one sweep an iteration; fresh: also a fresh try of each document in these iterations.
topics_em <- function(x, topics, kind, iterations, fresh = integer(), weights = rep(1, nrow(x))) {
  k <- length(topics$alpha)
  expected <- matrix(rowSums(x) / k, nrow(x), k)
  trace <- numeric()
  for (i in 0:iterations) {
    if (i > 0) {
      topics$topic <- words / rowSums(words)
      topics$alpha <- topics_alpha(topics$alpha, kind, log_shares, documents)
      expected <- ahead
    }
    words <- matrix(0, k, ncol(x))
    log_shares <- numeric(k)
    bound <- documents <- 0
    ahead <- expected
    for (d in which(rowSums(x) > 0)) {
      here <- topics_document(x[d, ], topics, expected[d, ])
      if (i %in% fresh) {
        anew <- topics_fresh(x[d, ], topics)
        there <- topics_document(x[d, ], topics, anew)
        if (there$bound > here$bound) {
          here <- there
          expected[d, ] <- anew
        }
      }
      words <- words + weights[d] * here$phi
      log_shares <- log_shares + weights[d] * here$log_e
      bound <- bound + weights[d] * here$bound
      documents <- documents + weights[d]
      ahead[d, ] <- rowSums(here$phi)
    }
    trace <- c(trace, bound)
  }
  c(topics, list(trace = trace, gamma = expected + rep(topics$alpha, each = nrow(x))))
}

# The exact log-likelihood of a document under two topics: the product over its words of s b_1 + (1 - s) b_2 is a
# polynomial in s, whose terms have Beta means.
topics_exact <- function(counts, topics) {
  words <- rep(seq_along(counts), counts)
  coefficients <- 1
  for (w in words) {
    coefficients <- c(coefficients * topics$topic[2, w], 0) + c(0, coefficients * topics$topic[1, w])
    scale <- max(coefficients)
    coefficients <- coefficients / scale
    attr(words, "log") <- sum(attr(words, "log"), log(scale))
  }
  n <- length(words)
  m <- 0:n
  a <- topics$alpha
  sum(attr(words, "log")) + log(sum(coefficients * exp(lbeta(a[1] + m, a[2] + n - m) - lbeta(a[1], a[2]))))
}
