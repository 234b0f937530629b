# Gaussian components: what `start` and `fixed` may say of their spread.

#' @export
family_parameters.em_family_gaussian <- function(family, start, k, data, fields = family_fields(family, k, data)) {
  check_spreads(read_fields(start, fields, fitted_names(data), "start"), k)
}

check_spreads <- function(out, k) {
  if (is.null(out$covariance)) check_squares(out$sd, "start")
  else for (j in seq_len(k)) check_covariance(gaussian_covariance(out, j), j)
  out
}

#' @export
family_held.em_family_gaussian <- function(family, fixed, k, data) {
  out <- NextMethod()
  check_squares(out$sd, "fixed")
  for (j in seq_len(k)) if (!is.null(out$covariance)) check_fixed_covariance(gaussian_covariance(out, j), family, j)
  out
}

# Standard deviations whose squares are no numbers can't be computed with.
check_squares <- function(sd, arg) {
  bad <- sd^2 < .Machine$double.xmin | sd^2 > .Machine$double.xmax
  refuse_numbers(sd, bad, "sd", arg, "a number whose square can be computed with")
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

check_fixed_covariance <- function(sigma, family, component) {
  if (all(is.na(sigma))) return(invisible())
  if (anyNA(sigma)) {
    partly <- family$covariance == "VVI" && all(is.na(sigma) | row(sigma) == col(sigma) | sigma == 0) &&
      all(is.na(diag(sigma)) | diag(sigma) > 0)
    if (partly) return(invisible())
    abort_em("unsupported", c(
      sprintf("`fixed$covariance` of component %d is partly NA, which \"%s\" can't honour.", component,
              family$covariance),
      i = "Hold all of it, or single variances under em_gaussian(\"VVI\")."
    ))
  }
  symmetric <- max(abs(sigma - t(sigma))) <= 1e-8 * max(abs(sigma))
  if (!symmetric || is.null(tryCatch(chol(sigma), error = function(e) NULL))) {
    abort_em("fixed", sprintf("`fixed$covariance` of component %d is not symmetric and positive definite.", component))
  }
}

# Structures that share anything hold all covariances or none; what is held must be of the structure's kind.
#' @export
family_check_held.em_family_gaussian <- function(family, k, data) {
  spread <- if (is.null(family$held$sd)) family$held$covariance else family$held$sd
  if (is.null(spread)) return(invisible())
  if (!family$covariance %in% c("V", "VII", "VVI", "VVV") && anyNA(spread)) {
    abort_em("unsupported", c(
      sprintf("\"%s\" shares its covariances among the components, so `fixed` must hold all of them or none.",
              family$covariance),
      i = "Use em_gaussian(\"VVV\")."
    ))
  }
  if (!is_of_structure(spread, family, data)) {
    abort_em("fixed", sprintf("`fixed` holds covariances that are not of the structure \"%s\".", family$covariance))
  }
}

# A set of covariances is of a structure where its M-step gives them back.
is_of_structure <- function(spread, family, data) {
  if (is.null(dim(spread))) {
    return(family$covariance != "E" || max(abs(spread - spread[1L])) <= 1e-8 * spread[1L])
  }
  d <- dim(spread)[1L]
  whole <- which(apply(spread, 3L, function(s) !anyNA(s)))
  if (!length(whole)) return(TRUE)
  sigma <- spread[, , whole, drop = FALSE]
  k <- length(whole)
  free <- list(family = family, latent = em_mixture(), k = k)
  free$family[c("held", "prior")] <- list(NULL)
  second <- if (gaussian_is_diagonal(free$family)) apply(sigma, 3L, diag) else if (free$family$covariance == "EEE")
    apply(sigma, 1:2, sum) else sigma
  parameters <- list(proportions = rep(1 / k, k), mean = matrix(0, k, d), covariance = sigma)
  back <- maximise_em(bare_data(data), c(rep(1, k), rep(0, k * d), as.vector(second), rep(1 / k, k)), parameters, free,
                      "em")$covariance
  max(abs(back - sigma)) <= 1e-6 * max(abs(sigma))
}

bare_data <- function(data) {
  data[c("labels", "units")] <- list(NULL)
  data["order"] <- list(row_order(data))
  data
}
