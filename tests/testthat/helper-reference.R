# EM in plain R: the oracle that the C++ core is tested against. It is written from the formulae, with nothing
# in mind but that a reader can check them, and shares no code with the package. Base R and stats only.
#
# Shapes are those of `fit$parameters`: proportions (k), mean (k x d; k numbers for d = 1) with covariance
# (d x d x k, or one d x d matrix for all) or sd (d = 1), or, for binomial mixtures, prob (k).

# `x` is a matrix, or for family = "binomial" the two columns successes and failures.
# `proportions` is "free", "equal" or k numbers that are held. Returns the parameters after n_iter iterations
# and the log-likelihood at the start and after each.
#
#   unit       which rows share a component; `weights` are the same in all rows of a unit
#   labels     the component of some rows, NA where it is not known, k + 1 for noise
#   log_noise  the log density of noise, one number for each row; proportions then have k + 1 entries
reference_em <- function(x, k, structure = "VVV", start, proportions = "free", weights = rep(1, NROW(x)),
                         n_iter = 10, algorithm = c("em", "ecm"), family = c("gaussian", "binomial"),
                         unit = seq_len(NROW(x)), labels = NULL, log_noise = NULL) {
  algorithm <- match.arg(algorithm)
  family <- match.arg(family)
  x <- as.matrix(x)
  p <- reference_parameters(start, k, ncol(x), proportions, family)
  if (!is.null(log_noise) && is.null(start$proportions)) p$proportions <- c(0.95 * p$proportions, 0.05)
  unit <- match(unit, unique(unit))
  of_unit <- weights[!duplicated(unit)]
  joint <- function(p) reference_unit_joint(x, p, k, family, unit, labels, log_noise)
  trace <- sum(of_unit * reference_row_loglik(joint(p)))
  for (iteration in seq_len(n_iter)) {
    now <- joint(p)
    r <- of_unit * exp(now - reference_row_loglik(now))
    share <- colSums(r) / sum(r)
    if (identical(proportions, "free")) p$proportions <- share
    if (identical(proportions, "equal") && !is.null(log_noise)) {
      p$proportions <- c(rep((1 - share[k + 1]) / k, k), share[k + 1])
    }
    r <- r[unit, seq_len(k), drop = FALSE]
    p <- if (family == "binomial") reference_binomial_step(x, r, p) else
      reference_gaussian_step(x, r, p, structure, algorithm)
    trace <- c(trace, sum(of_unit * reference_row_loglik(joint(p))))
  }
  list(parameters = reference_shapes(p), trace = trace, loglik = trace[length(trace)])
}

# One layout inside: mean k x d, covariance d x d x k.
reference_parameters <- function(start, k, d, proportions = "free", family = "gaussian") {
  p <- list(proportions = if (is.numeric(proportions)) proportions else rep(1 / k, k))
  if (identical(proportions, "free") && !is.null(start$proportions)) p$proportions <- start$proportions
  if (family == "binomial") return(c(p, list(prob = unname(start$prob))))
  covariance <- if (is.null(start$covariance)) start$sd^2 else start$covariance
  shared <- is.matrix(covariance)
  p$mean <- matrix(as.matrix(start$mean), k, d)
  p$covariance <- array(if (shared) rep(covariance, k) else covariance, c(d, d, k))
  p
}

reference_shapes <- function(p) {
  if (is.null(p$mean) || ncol(p$mean) > 1) return(p)
  list(proportions = p$proportions, mean = p$mean[, 1], sd = sqrt(p$covariance[1, 1, ]))
}

# log pi_k + log f_k(x_i), n x k
reference_log_joint <- function(x, p, family = "gaussian") {
  k <- length(p$proportions)
  one <- function(j) {
    if (family == "binomial") {
      return(log(p$proportions[j]) + dbinom(x[, 1], x[, 1] + x[, 2], p$prob[j], log = TRUE))
    }
    root <- chol(p$covariance[, , j])
    z <- backsolve(root, t(x) - p$mean[j, ], transpose = TRUE)
    log(p$proportions[j]) - sum(log(diag(root))) - ncol(x) / 2 * log(2 * pi) - colSums(z^2) / 2
  }
  matrix(vapply(seq_len(k), one, numeric(nrow(x))), nrow(x), k)
}

# The same for units, a row each: of all their rows, under what is known of them.
reference_unit_joint <- function(x, p, k, family, unit, labels = NULL, log_noise = NULL) {
  own <- replace(p, "proportions", list(rep(1, k)))
  density <- cbind(reference_log_joint(x, own, family), log_noise)
  out <- rowsum(density, unit) + rep(log(p$proportions), each = max(unit))
  for (i in which(!is.na(labels))) out[unit[i], -labels[i]] <- -Inf
  out
}

reference_row_loglik <- function(joint) {
  top <- apply(joint, 1, max)
  top + log(rowSums(exp(joint - top)))
}

reference_responsibilities <- function(x, p, family = "gaussian") {
  joint <- reference_log_joint(x, p, family)
  exp(joint - reference_row_loglik(joint))
}

reference_loglik <- function(x, parameters, weights = rep(1, NROW(x)), family = "gaussian") {
  x <- as.matrix(x)
  p <- reference_parameters(parameters, length(parameters$proportions), ncol(x), family = family)
  sum(weights * reference_row_loglik(reference_log_joint(x, p, family)))
}

reference_binomial_step <- function(x, r, p) {
  p$prob <- colSums(r * x[, 1]) / colSums(r * rowSums(x))
  p
}

# EM takes the spread about the new mean, ECM about the previous one. `r` holds w_i r_ik.
reference_gaussian_step <- function(x, r, p, structure, algorithm = "em") {
  new_mean <- t(r) %*% x / colSums(r)
  centre <- if (algorithm == "ecm") p$mean else new_mean
  p$covariance <- reference_covariance(structure, colSums(r), reference_scatter(x, r, centre), p$covariance)
  p$mean <- new_mean
  p
}

reference_scatter <- function(x, r, mean) {
  one <- function(j) crossprod(sqrt(r[, j]) * t(t(x) - mean[j, ]))
  array(vapply(seq_len(ncol(r)), one, matrix(0, ncol(x), ncol(x))), c(ncol(x), ncol(x), ncol(r)))
}

# What an M-step makes small: sum over k of n_k log|Sigma_k| + tr(W_k Sigma_k^-1).
reference_objective <- function(n, w, sigma) {
  one <- function(j) {
    s <- as.matrix(sigma[, , j])
    n[j] * as.numeric(determinant(s)$modulus) + sum(diag(solve(s, as.matrix(w[, , j]))))
  }
  sum(vapply(seq_along(n), one, 0))
}

# Free parameters of the model.
reference_df <- function(k, d = 1, structure = "VVV", proportions = "free", family = "gaussian") {
  df <- if (identical(proportions, "free")) k - 1 else 0
  if (family == "binomial") return(df + k)
  full <- d * (d + 1) / 2
  turn <- d * (d - 1) / 2
  df + k * d + switch(structure,
    E = 1, V = k, EII = 1, VII = k, EEI = d, VEI = k + d - 1, EVI = 1 + k * (d - 1), VVI = k * d,
    EEE = full, VEE = k - 1 + full, EVE = 1 + k * (d - 1) + turn, VVE = k * d + turn, EEV = d + k * turn,
    VEV = k + d - 1 + k * turn, EVV = 1 + k * (full - 1), VVV = k * full)
}

# ---- the 14 covariance updates (Celeux & Govaert 1995; EVE and VVE: Browne & McNicholas 2014) ----

# n: the k counts; w: the scatters, d x d x k; sigma: the present covariances, where EVE and VVE begin.
reference_covariance <- function(structure, n, w, sigma = w) {
  d <- dim(w)[1]
  k <- length(n)
  if (d == 1) structure <- if (substr(structure, 1, 1) == "E") "EII" else "VII"
  slices <- lapply(seq_len(k), function(j) matrix(w[, , j], d, d))
  total <- Reduce(`+`, slices)
  diagonals <- lapply(slices, function(s) diag(diag(s), d))
  out <- switch(structure,
    EII = rep(list(diag(sum(diag(total)) / sum(n) / d, d)), k),
    VII = Map(function(s, m) diag(sum(diag(s)) / m / d, d), slices, n),
    EEI = rep(list(Reduce(`+`, diagonals) / sum(n)), k),
    VEI = reference_one_shape(n, diagonals),
    EVI = reference_one_volume(n, diagonals),
    VVI = Map(`/`, diagonals, n),
    EEE = rep(list(total / sum(n)), k),
    VEE = reference_one_shape(n, slices),
    EEV = reference_own_axes(slices, function(o) rep(list(Reduce(`+`, o) / sum(n)), k)),
    VEV = reference_own_axes(slices, function(o) reference_one_shape(n, o)),
    EVV = reference_one_volume(n, slices),
    VVV = Map(`/`, slices, n),
    EVE = reference_common_axes(slices, n, sigma, function(o) reference_one_volume(n, o)),
    VVE = reference_common_axes(slices, n, sigma, function(o) Map(`/`, o, n)))
  array(unlist(out), c(d, d, k))
}

reference_size <- function(m) exp(as.numeric(determinant(m)$modulus) / nrow(m))  # |m|^(1/d)

reference_one_volume <- function(n, w) {
  size <- vapply(w, reference_size, 0)
  Map(function(s, g) s / g * sum(size) / sum(n), w, size)
}

# lambda_k = tr(W_k C^-1) / (d n_k) and C = sum W_k / lambda_k, |C| = 1, in turn.
reference_one_shape <- function(n, w, tolerance = 1e-14) {
  shape <- Reduce(`+`, w)
  repeat {
    shape <- shape / reference_size(shape)
    lambda <- mapply(function(s, m) sum(diag(solve(shape, s))) / m, w, n) / nrow(shape)
    new <- Reduce(`+`, Map(`/`, w, lambda))
    new <- new / reference_size(new)
    if (max(abs(new - shape)) <= tolerance * max(abs(new))) break
    shape <- new
  }
  lapply(lambda, function(l) l * shape)
}

reference_own_axes <- function(w, update) {
  parts <- lapply(w, eigen, symmetric = TRUE)
  along <- update(lapply(parts, function(e) diag(e$values)))
  Map(function(e, a) e$vectors %*% a %*% t(e$vectors), parts, along)
}

# The axes D by the majorise-minimise step of the paper, from several starts; the best is kept.
reference_common_axes <- function(w, n, sigma, update) {
  starts <- list(sigma[, , 1], sigma[, , length(n)], Reduce(`+`, w), w[[1]], diag(nrow(w[[1]])))
  fits <- lapply(starts, function(s) reference_turn_axes(eigen(s, symmetric = TRUE)$vectors, w, n, update))
  fits[[which.min(vapply(fits, `[[`, 0, "value"))]]$sigma
}

reference_turn_axes <- function(axes, w, n, update, tolerance = 1e-15, most = 20000) {
  largest <- vapply(w, function(s) eigen(s, symmetric = TRUE, only.values = TRUE)$values[1], 0)
  value <- Inf
  for (i in seq_len(most)) {
    along <- update(lapply(w, function(s) diag(colSums(axes * (s %*% axes)))))
    before <- value
    value <- sum(n * vapply(along, function(a) sum(log(diag(a))), 0))
    if (before - value <= tolerance * abs(value)) break
    pull <- Map(function(s, a, l) (t(axes) %*% s - l * t(axes)) / diag(a), w, along, largest)
    parts <- svd(Reduce(`+`, pull))
    axes <- -parts$v %*% t(parts$u)
  }
  list(value = value, sigma = lapply(along, function(a) axes %*% a %*% t(axes)))
}
