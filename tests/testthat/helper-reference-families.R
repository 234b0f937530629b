# EM in plain R for counts, categories and mixed columns: the oracle of these families, written from the formulae
# and sharing no code with the package. Base R and stats only.
#
# Data are a list of blocks, whose densities multiply; a block is list(kind, x, ...):
#   "poisson"       x: counts, a matrix or vector; exposure: one for each row, or a matrix like x
#   "categorical"   x: a data frame of factors
#   "bernoulli"     x: a matrix of 0 and 1
#   "multinomial"   x: a matrix of counts, a row is missing as a whole where one of them is
#   "gamma"         x: positive numbers; shape: where it is held
#   "negbin"        as "poisson"
#   "t"             x: numbers, complete; structure: "V", "VVV", "EEE" or "VII"; common: is df?
#   "diagonal"      x: numbers
# A cell that is NA has the factor 1. Parameters are list(proportions, blocks), `blocks` having, in the same order,
#   mean and shape (k x p) | mean and size (k x p) | mean, covariance or sd, df | rate (k x p) | prob, a list by item of k x levels | prob (k x J) | prob (k x V) | mean and sd (k x d)

reference_block <- function(kind, x, ...) {
  if (kind != "categorical") x <- as.matrix(x)
  out <- list(kind = kind, x = x, ...)
  if (kind %in% c("poisson", "negbin")) {
    out$exposure <- matrix(if (is.null(out$exposure)) 1 else out$exposure, nrow(x), ncol(x))
  }
  out
}

# log f_k of the rows of a block: n x k.
reference_block_density <- function(block, p, k) {
  x <- block$x
  one <- function(j) {
    cells <- switch(block$kind,
      poisson = dpois(x, block$exposure * rep(p$rate[j, ], each = nrow(x)), log = TRUE),
      t = reference_t_density(x, p, j),
      negbin = dnbinom(x, size = rep(p$size[j, ], each = nrow(x)), mu = block$exposure * rep(p$mean[j, ], each = nrow(x)), log = TRUE),
      gamma = dgamma(x, rep(p$shape[j, ], each = nrow(x)), rep(p$shape[j, ] / p$mean[j, ], each = nrow(x)), log = TRUE),
      bernoulli = dbinom(x, 1, rep(p$prob[j, ], each = nrow(x)), log = TRUE),
      diagonal = dnorm(x, rep(p$mean[j, ], each = nrow(x)), rep(p$sd[j, ], each = nrow(x)), log = TRUE),
      categorical = mapply(function(codes, prob) log(prob[j, as.integer(codes)]), x, p$prob),
      multinomial = ifelse(is.na(rowSums(x)), NA,
                           lgamma(rowSums(x) + 1) - rowSums(lgamma(x + 1)) +
                             rowSums(ifelse(x > 0, x * log(rep(p$prob[j, ], each = nrow(x))), 0))))
    cells <- matrix(cells, nrow(x))
    cells[is.na(cells)] <- 0
    rowSums(cells)
  }
  matrix(vapply(seq_len(k), one, numeric(nrow(x))), nrow(x), k)
}

# sum over the rows that were seen of r_ik y_ij: k x columns.
reference_seen_sums <- function(r, y, seen = !is.na(y)) {
  y[!seen] <- 0
  crossprod(r, y)
}

# The M-step of a block. r holds w_i r_ik.
reference_block_step <- function(block, r, p) {
  x <- block$x
  switch(block$kind,
    poisson = list(rate = reference_seen_sums(r, x) / reference_seen_sums(r, block$exposure, !is.na(x))),
    negbin = {
      # Moments of the hidden rates: gamma with shape y + size and rate exposure + size / mean.
      seen <- !is.na(x) & block$exposure > 0
      moment <- function(of) {
        out <- vapply(seq_len(ncol(r)), function(j) {
          shape <- x + rep(p$size[j, ], each = nrow(x))
          values <- of(shape, block$exposure + rep(p$size[j, ] / p$mean[j, ], each = nrow(x)))
          values[!seen] <- 0
          colSums(r[, j] * values)
        }, numeric(ncol(x)))
        matrix(out, ncol(r), byrow = TRUE) / crossprod(r, seen)
      }
      mean <- moment(function(shape, rate) shape / rate)
      logs <- moment(function(shape, rate) digamma(shape) - log(rate))
      list(mean = mean, size = array(vapply(log(mean) - logs, reference_shape, 0), dim(mean)))
    },
    t = reference_t_step(block, r, p),
    gamma = {
      n <- crossprod(r, !is.na(x))
      mean <- reference_seen_sums(r, x) / n
      spread <- log(mean) - reference_seen_sums(r, log(x)) / n
      shape <- if (is.null(block$shape)) vapply(spread, reference_shape, 0) else block$shape
      list(mean = mean, shape = array(shape, dim(mean)))
    },
    bernoulli = list(prob = reference_seen_sums(r, x) / crossprod(r, !is.na(x))),
    multinomial = {
      s <- reference_seen_sums(r, x, matrix(!is.na(rowSums(x)), nrow(x), ncol(x)))
      list(prob = s / rowSums(s))
    },
    categorical = list(prob = lapply(x, function(item) {
      s <- vapply(levels(item), function(l) colSums(r * (!is.na(item) & item == l)), numeric(ncol(r)))
      s <- matrix(s, ncol(r))
      s / rowSums(s)
    })),
    diagonal = {
      n <- crossprod(r, !is.na(x))
      mean <- reference_seen_sums(r, x) / n
      square <- vapply(seq_len(ncol(r)), function(j) {
        colSums(r[, j] * (x - rep(mean[j, ], each = nrow(x)))^2, na.rm = TRUE)
      }, numeric(ncol(x)))
      list(mean = mean, sd = sqrt(matrix(square, ncol(r), byrow = TRUE) / n))
    })
}

reference_t_scale <- function(p, j) if (is.null(p$sd)) p$covariance[, , j] else matrix(p$sd[j]^2)

reference_t_distance <- function(x, p, j) {
  root <- chol(reference_t_scale(p, j))
  colSums(backsolve(root, t(x) - p$mean[j, ], transpose = TRUE)^2)
}

reference_t_density <- function(x, p, j) {
  d <- ncol(x)
  nu <- p$df[j]
  lgamma((nu + d) / 2) - lgamma(nu / 2) - d / 2 * log(nu * pi) - sum(log(diag(chol(reference_t_scale(p, j))))) -
    (nu + d) / 2 * log1p(reference_t_distance(x, p, j) / nu)
}

reference_t_step <- function(block, r, p) {
  x <- block$x
  d <- ncol(x)
  k <- ncol(r)
  n <- colSums(r)
  u <- vapply(seq_len(k), function(j) (p$df[j] + d) / (p$df[j] + reference_t_distance(x, p, j)), numeric(nrow(x)))
  mean <- crossprod(r * u, x) / colSums(r * u)
  scatter <- vapply(seq_len(k), function(j) {
    z <- x - rep(mean[j, ], each = nrow(x))
    crossprod(z, r[, j] * u[, j] * z)
  }, matrix(0, d, d))
  scatter <- array(scatter, c(d, d, k))
  covariance <- switch(block$structure,
    EEE = array(apply(scatter, 1:2, sum) / sum(n), c(d, d, k)),
    VII = array(vapply(seq_len(k), function(j) diag(sum(diag(scatter[, , j])) / (n[j] * d), d), matrix(0, d, d)), c(d, d, k)),
    scatter / rep(n, each = d^2))
  spread <- colSums(r * (u - 1 - log(u))) + n * (log((p$df + d) / 2) - digamma((p$df + d) / 2))
  df <- if (isTRUE(block$common)) rep(2 * reference_shape(sum(spread) / sum(n)), k)
        else 2 * vapply(spread / n, reference_shape, 0)
  if (d == 1) list(mean = mean, sd = sqrt(covariance[1, 1, ]), df = df)
  else list(mean = mean, covariance = covariance, df = df)
}

# The shape a with log(a) - digamma(a) = spread.
reference_shape <- function(spread) {
  exp(uniroot(function(t) t - digamma(exp(t)) - spread, c(-30, 30), tol = 1e-15)$root)
}

reference_blocks_joint <- function(blocks, p) {
  k <- length(p$proportions)
  n <- nrow(blocks[[1]]$x)
  out <- matrix(log(p$proportions), n, k, byrow = TRUE)
  for (b in seq_along(blocks)) out <- out + reference_block_density(blocks[[b]], p$blocks[[b]], k)
  out
}

reference_blocks_loglik <- function(blocks, p, weights = 1) {
  joint <- reference_blocks_joint(blocks, p)
  top <- apply(joint, 1, max)
  sum(weights * (top + log(rowSums(exp(joint - top)))))
}

reference_blocks_responsibilities <- function(blocks, p) {
  joint <- reference_blocks_joint(blocks, p)
  e <- exp(joint - apply(joint, 1, max))
  e / rowSums(e)
}

reference_blocks_step <- function(blocks, r, p = NULL) {
  list(proportions = colSums(r) / sum(r), blocks = Map(function(block, q) reference_block_step(block, r, q), blocks, if (is.null(p)) list(NULL) else p$blocks))
}

# `start`: parameters, or a matrix of responsibilities. tol = 0 runs exactly n_iter iterations.
reference_blocks_em <- function(blocks, start, weights = rep(1, nrow(blocks[[1]]$x)), n_iter = 10, tol = 0) {
  p <- if (is.matrix(start)) reference_blocks_step(blocks, weights * start) else start
  trace <- reference_blocks_loglik(blocks, p, weights)
  for (iteration in seq_len(n_iter)) {
    p <- reference_blocks_step(blocks, weights * reference_blocks_responsibilities(blocks, p), p)
    trace <- c(trace, reference_blocks_loglik(blocks, p, weights))
    if (diff(utils::tail(trace, 2)) < tol) break
  }
  list(parameters = p, trace = trace, loglik = trace[length(trace)])
}

# The best of many runs from random responsibilities, and the log-likelihood of each.
reference_blocks_best <- function(blocks, k, n_start = 50, weights = rep(1, nrow(blocks[[1]]$x)), n_iter = 5000,
                                  tol = 1e-10) {
  best <- NULL
  all <- numeric(n_start)
  for (i in seq_len(n_start)) {
    r <- matrix(stats::rexp(nrow(blocks[[1]]$x) * k), ncol = k)
    run <- reference_blocks_em(blocks, r / rowSums(r), weights, n_iter, tol)
    all[i] <- run$loglik
    if (is.null(best) || run$loglik > best$loglik) best <- run
  }
  c(best, list(all = all))
}

# Free parameters: proportions, and each block's own.
reference_blocks_df <- function(blocks, k) {
  own <- function(block) {
    switch(block$kind, poisson = ncol(block$x), gamma = , negbin = 2 * ncol(block$x), bernoulli = ncol(block$x), multinomial = ncol(block$x) - 1,
           categorical = sum(vapply(block$x, nlevels, 0L) - 1), diagonal = 2 * ncol(block$x))
  }
  k - 1 + k * sum(vapply(blocks, own, 0))
}

# An inverse that leaves out what has no information: probabilities of 0 and 1, whose errors then come out as 0.
reference_inverse <- function(information) {
  e <- eigen(information, symmetric = TRUE)
  some <- e$values > 1e-9 * e$values[1]
  e$vectors[, some] %*% (t(e$vectors[, some]) / e$values[some])
}

# Standard errors of the probabilities of a categorical block, as poLCA has them: the inverse of the sum of outer
# products of the rows' scores on the softmax scale, and the delta method.
reference_categorical_errors <- function(block, p, weights = rep(1, nrow(block$x))) {
  r <- reference_blocks_responsibilities(list(block), p)
  k <- ncol(r)
  prob <- p$blocks[[1]]$prob
  scores <- sweep(r, 2, p$proportions)[, -1, drop = FALSE]
  for (item in seq_along(block$x)) {
    codes <- as.integer(block$x[[item]])
    for (j in seq_len(k)) {
      hit <- outer(codes, seq_len(ncol(prob[[item]])), `==`)
      hit[is.na(hit)] <- FALSE
      own <- r[, j] * (hit - rep(prob[[item]][j, ], each = nrow(hit)))
      own[is.na(codes), ] <- 0
      scores <- cbind(scores, own[, -1, drop = FALSE])
    }
  }
  covariance <- reference_inverse(crossprod(sqrt(weights) * scores))
  delta <- function(q, at) {
    jacobian <- (diag(q) - outer(q, q))[, -1, drop = FALSE]
    sqrt(diag(jacobian %*% covariance[at, at, drop = FALSE] %*% t(jacobian)))
  }
  at <- k - 1
  out <- list(proportions = delta(p$proportions, seq_len(at)))
  out$prob <- lapply(prob, function(item) {
    rows <- lapply(seq_len(k), function(j) {
      size <- ncol(item) - 1
      at <<- at + size
      delta(item[j, ], at - size + seq_len(size))
    })
    do.call(rbind, rows)
  })
  out
}

# A public table of categories, with the number of rows in each cell.
lca_table <- function(name) {
  if (name %in% c("role_conflict", "interview")) {
    x <- get(name)
    out <- aggregate(n ~ ., cbind(x, n = 1), sum)
    return(list(items = out[names(x)], n = out$n))
  }
  x <- read.csv(test_path("fixtures", sprintf("lca_%s.csv", name)))
  list(items = as.data.frame(lapply(x[names(x) != "n"], factor)), n = x$n)
}
