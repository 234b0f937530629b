# Derivatives of a log-likelihood by differences, and free coordinates to take them in. They share nothing with
# the package: covariances are turned by plane rotations one after the other, shapes are logs of ratios.

# d f(t) / dt at 0: central differences at h, h/2, h/4; errors of order h^2 and h^4 removed (Richardson).
richardson_slope <- function(f, h = 1e-2) {
  richardson(function(h) (f(h) - f(-h)) / (2 * h), h)
}

richardson <- function(difference, h) {
  half <- difference(h / 2)
  one <- (4 * half - difference(h)) / 3
  two <- (4 * difference(h / 4) - half) / 3
  (16 * two - one) / 15
}

richardson_jacobian <- function(f, x, h = 1e-2) {
  columns <- lapply(seq_along(x), function(j) richardson_slope(function(t) f(replace(x, j, x[j] + t)), h))
  do.call(cbind, columns)
}

# All second derivatives: differences of second order at h and h / 2, whose error of order h^2 is removed.
richardson_hessian <- function(f, x, h = 4e-3) {
  one <- difference_hessian(f, x, h)
  (4 * difference_hessian(f, x, h / 2) - one) / 3
}

difference_hessian <- function(f, x, h) {
  p <- length(x)
  at <- function(i, j, h) {
    x[i] <- x[i] + h
    if (j != i) x[j] <- x[j] + h
    f(x)
  }
  centre <- f(x)
  both <- function(i, j) at(i, j, h) + at(i, j, -h)
  alone <- vapply(seq_len(p), function(i) both(i, i), 0) - 2 * centre
  out <- diag(alone, p)
  for (i in seq_len(p)) {
    for (j in seq_len(i - 1)) out[i, j] <- out[j, i] <- (both(i, j) - 2 * centre - alone[i] - alone[j]) / 2
  }
  out / h^2
}

# Free coordinates about the parameters of a Gaussian fit: a list of their number and `at`, a function of so
# many numbers that returns parameters and at 0 those of the fit. Units are standard deviations, logs, angles.
reference_coordinates <- function(p, structure, free_proportions = TRUE) {
  k <- length(p$proportions)
  mean <- as.matrix(p$mean)
  d <- ncol(mean)
  sigma <- if (is.null(p$covariance)) array(p$sd^2, c(1, 1, k)) else p$covariance
  letters <- strsplit(structure, "")[[1]]
  sets <- c(E = 1, V = k, I = 0)[if (d == 1) c(letters[1], "I", "I") else letters]
  each <- c(1, d - 1, d * (d - 1) / 2)
  axes <- reference_axes(sigma, if (sets[3] == 0) "I" else letters[3])
  along <- lapply(seq_len(k), function(j) diag(t(axes[[j]]) %*% sigma[, , j] %*% axes[[j]]))
  sizes <- c(if (free_proportions) k - 1 else 0, k * d, sets * each)
  at <- function(z) {
    z <- split(z, factor(rep(seq_along(sizes), sizes), seq_along(sizes)))
    own <- function(what, j) {
      if (sets[what] == 0) return(numeric(each[what]))
      z[[what + 2]][(if (sets[what] == 1) 0 else j - 1) * each[what] + seq_len(each[what])]
    }
    for (j in seq_len(k)) {
      shape <- if (d == 1) 0 else c(own(2, j), -sum(own(2, j)))
      turned <- axes[[j]] %*% plane_rotations(own(3, j), d)
      sigma[, , j] <- turned %*% (along[[j]] * exp(own(1, j) + shape) * t(turned))
      mean[j, ] <- mean[j, ] + sqrt(diag(p_sigma(p, j))) * z[[2]][(j - 1) * d + seq_len(d)]
    }
    odds <- c(z[[1]], numeric(k - length(z[[1]])))
    out <- list(proportions = p$proportions * exp(odds) / sum(p$proportions * exp(odds)))
    if (is.null(p$covariance)) return(c(out, list(mean = mean[, 1], sd = sqrt(sigma[1, 1, ]))))
    c(out, list(mean = mean, covariance = sigma))
  }
  list(size = sum(sizes), at = at)
}

p_sigma <- function(p, j) if (is.null(p$covariance)) matrix(p$sd[j]^2) else p$covariance[, , j]

reference_axes <- function(sigma, letter) {
  k <- dim(sigma)[3]
  own <- lapply(seq_len(k), function(j) eigen(as.matrix(sigma[, , j]), symmetric = TRUE)$vectors)
  switch(letter, I = rep(list(diag(dim(sigma)[1])), k), E = rep(own[1], k), V = own)
}

plane_rotations <- function(angles, d) {
  out <- diag(d)
  if (!length(angles)) return(out)
  planes <- which(lower.tri(out), arr.ind = TRUE)
  for (i in seq_along(angles)) {
    turn <- diag(d)
    turn[planes[i, ], planes[i, ]] <- c(cos(angles[i]), sin(angles[i]), -sin(angles[i]), cos(angles[i]))
    out <- out %*% turn
  }
  out
}

# The covariance matrix of `printed(parameters)` by the delta method, from the Hessian of `loglik(parameters)`.
reference_vcov <- function(coordinates, loglik, printed) {
  origin <- numeric(coordinates$size)
  hessian <- richardson_hessian(function(z) loglik(coordinates$at(z)), origin)
  jacobian <- richardson_jacobian(function(z) printed(coordinates$at(z)), origin)
  jacobian %*% solve(-hessian, t(jacobian))
}

# Rows with missing cells, a pattern at a time: the log-likelihood of the columns that it observes.
pattern_loglik <- function(x, p, weights = rep(1, nrow(x))) {
  pattern <- apply(is.na(x), 1, paste, collapse = " ")
  sum(vapply(split(seq_len(nrow(x)), pattern), function(rows) {
    o <- which(!is.na(x[rows[1], ]))
    if (!length(o)) return(0)
    margin <- list(proportions = p$proportions, mean = p$mean[, o, drop = FALSE],
                   covariance = p$covariance[o, o, , drop = FALSE])
    reference_loglik(x[rows, o, drop = FALSE], margin, weights[rows])
  }, 0))
}
