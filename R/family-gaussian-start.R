# Gaussian components: what a user's list of parameters may be, and becomes.

#' @export
family_parameters.em_family_gaussian <- function(family, start, k, data) {
  d <- dim(data$x)[2L]
  if (d == 1L) {
    check_start_names(start, c("mean", "sd"))
    sd <- start_vector(start$sd, "sd", k)
    if (!all(sd > 0)) {
      bad <- which(!(sd > 0))
      abort_em("start", sprintf("`start$sd` must be positive: component %d has %s.", bad[1L],
                                number(sd[bad[1L]])))
    }
    return(list(mean = start_vector(start$mean, "mean", k), sd = sd))
  }
  check_start_names(start, c("mean", "covariance"))
  list(mean = start_means(start$mean, k, d, data$names), covariance = start_covariance(start$covariance, k, d))
}

start_means <- function(mean, k, d, names) {
  if (inherits(mean, "data.frame")) mean <- as.matrix(mean)
  if (is.null(dim(mean)) && k == 1L) mean <- matrix(mean, nrow = 1L, dimnames = list(NULL, names(mean)))
  if (!is.numeric(mean) || !is.matrix(mean) || !identical(dim(mean), c(k, d))) {
    shape <- if (is.null(dim(mean))) describe_value(mean) else paste(dim(mean), collapse = " x ")
    abort_em("start", sprintf(paste0(
      "`start$mean` must be a matrix with a row for each component and a column for each variable: ",
      "%d x %d, not %s."
    ), k, d, shape))
  }
  has <- colnames(mean)
  if (!is.null(has) && !is.null(names) && !anyDuplicated(names) && !identical(has, names)) {
    if (!setequal(has, names)) {
      abort_em("start", sprintf("`start$mean` must have the columns of `x` (%s), not %s.", quoted(names),
                                quoted(has)))
    }
    mean <- mean[, names, drop = FALSE]
  }
  if (!all(is.finite(mean))) abort_start_infinite(mean, "mean")
  matrix(as.double(mean), k, d)
}

start_covariance <- function(covariance, k, d) {
  if (is.data.frame(covariance)) covariance <- as.matrix(covariance)
  if (is.matrix(covariance)) covariance <- array(covariance, c(dim(covariance), k))
  if (!is.numeric(covariance) || !identical(dim(covariance), c(d, d, k))) {
    abort_em("start", sprintf(
      "`start$covariance` must be one %d x %d matrix, or a %d x %d x %d array, not %s.", d, d, d, d, k,
      if (is.null(dim(covariance))) describe_value(covariance) else paste(dim(covariance), collapse = " x ")
    ))
  }
  if (!all(is.finite(covariance))) abort_start_infinite(covariance, "covariance")
  for (j in seq_len(k)) check_covariance(matrix(covariance[, , j], d, d), j)
  array(as.double(covariance), c(d, d, k))
}

check_covariance <- function(sigma, component) {
  scale <- sqrt(outer(abs(diag(sigma)), abs(diag(sigma))))
  if (any(abs(sigma - t(sigma)) > 1e-8 * scale)) {
    abort_em("start", sprintf("`start$covariance` of component %d is not symmetric.", component))
  }
  factor <- tryCatch(chol(sigma), error = function(e) NULL)
  if (is.null(factor)) {
    smallest <- min(eigen(sigma, symmetric = TRUE, only.values = TRUE)$values)
    abort_em("start", sprintf(
      "`start$covariance` of component %d is not positive definite: its smallest eigenvalue is %s.", component,
      number(smallest)
    ))
  }
}
