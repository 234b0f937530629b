# Gaussian components taken apart: means, draws, margins, conditionals, halves of a component and pairs of them.

#' @export
family_means.em_family_gaussian <- function(family, parameters, data) {
  same_means(as.matrix(parameters$mean))
}

# Of all rows: k x d.
same_means <- function(mean) array(t(mean), c(1L, ncol(mean), nrow(mean)))

#' @export
family_observed.em_family_gaussian <- function(family, data) data$x

#' @export
family_order.em_family_gaussian <- function(family, parameters) {
  if (is.matrix(parameters$mean)) parameters$mean[, 1L] else parameters$mean
}

#' @export
family_simulate.em_family_gaussian <- function(family, parameters, component, data) {
  n <- length(component)
  d <- ncol(data$x)
  out <- stats::rnorm(n * d)
  dim(out) <- c(n, d)
  if (d == 1L) {
    out <- parameters$mean[component] + parameters$sd[component] * out
  } else {
    for (j in unique(component)) {
      rows <- which(component == j)
      spread <- out[rows, , drop = FALSE] %*% chol(parameters$covariance[, , j])
      out[rows, ] <- rep(parameters$mean[j, ], each = length(rows)) + spread
    }
  }
  out <- as.data.frame(unname(out))
  names(out) <- variable_names(data)
  out
}

# Both halves keep the covariance, so that they are what every structure allows; they part along the longest axis.
#' @export
family_split.em_family_gaussian <- function(family, parameters, j) {
  if (!is.null(parameters$sd)) {
    step <- 0.75 * parameters$sd[j]
    return(list(mean = c(replace(parameters$mean, j, parameters$mean[j] - step), parameters$mean[j] + step),
                sd = c(parameters$sd, parameters$sd[j])))
  }
  sigma <- parameters$covariance[, , j]
  axes <- eigen(sigma, symmetric = TRUE)
  step <- 0.75 * sqrt(axes$values[1L]) * axes$vectors[, 1L]
  mean <- rbind(parameters$mean, parameters$mean[j, ] + step)
  mean[j, ] <- mean[j, ] - step
  covariance <- c(parameters$covariance, sigma)
  dim(covariance) <- dim(parameters$covariance) + c(0L, 0L, 1L) # array() takes longer
  list(mean = mean, covariance = covariance)
}

# Those pairs that lose least: see src/gaussian_relatives.h.
family_merges.em_family_gaussian <- function(family, parameters, most) {
  merges_em(parameters, NROW(parameters$mean), most)
}

log_determinant <- function(x) as.numeric(determinant(as.matrix(x))$modulus)

replace_row <- function(x, row, value) {
  x[row, ] <- value
  x
}

#' @export
family_conditional.em_family_gaussian <- function(family, parameters, x, o, g, j) {
  n <- nrow(x)
  mean <- as.matrix(parameters$mean)[j, ]
  sigma <- gaussian_covariance(parameters, j)
  found <- if (length(o)) normal_given(mean, sigma, x[, o, drop = FALSE], o, g)
           else list(mean = matrix(mean[g], n, length(g), byrow = TRUE), covariance = sigma[g, g, drop = FALSE])
  list(mean = found$mean, covariance = found$covariance,
       draw = function() found$mean + matrix(stats::rnorm(n * length(g)), n) %*% root_of(found$covariance))
}

# Of one component, as a matrix.
gaussian_covariance <- function(parameters, j) {
  if (!is.null(parameters$sd)) return(matrix(parameters$sd[[j]]^2))
  matrix(parameters$covariance[, , j], dim(parameters$covariance)[1L])
}

# On the scale of correlations, so that columns may be in any units; directions without spread explain nothing.
regression_slope <- function(sigma, o, g) {
  size <- sqrt(diag(sigma))
  parts <- eigen(sigma[o, o, drop = FALSE] / outer(size[o], size[o]), symmetric = TRUE)
  use <- parts$values > .Machine$double.eps * length(o) * max(parts$values)
  across <- crossprod(parts$vectors[, use, drop = FALSE], sigma[o, g, drop = FALSE] / outer(size[o], size[g]))
  parts$vectors[, use, drop = FALSE] %*% (across / parts$values[use]) * outer(1 / size[o], size[g])
}

# A matrix whose crossproduct is this covariance; what rounding made negative in it is 0.
root_of <- function(sigma) {
  size <- sqrt(pmax(diag(sigma), 0))
  size[size == 0] <- 1
  parts <- eigen(sigma / outer(size, size), symmetric = TRUE)
  t(parts$vectors * rep(sqrt(pmax(parts$values, 0)), each = length(size)) * size)
}

# Pictures, and what they are drawn from ------------------------------------------------------------------------

#' @export
family_plots.em_family_gaussian <- function(family, data) {
  by_dimension <- c("density", "cluster", "pairs")
  first <- by_dimension[min(ncol(data$x), 3L)]
  c(first, setdiff(by_dimension, first), "responsibility", "uncertainty", "qq", "path", "trace")
}

#' @export
family_line.em_family_gaussian <- function(family, data) {
  if (ncol(data$x) == 1L) list(x = data$x[, 1L], name = variable_names(data))
}

#' @export
family_distribution.em_family_gaussian <- function(family, parameters, x, column, what, data) {
  law <- column_law(family_margin(family, parameters, data), column)
  switch(what, density = exp(law_log_density(law, x)), cdf = law_cdf(law, x))
}

#' @export
family_path.em_family_gaussian <- function(family, fit, path, chosen, variables) {
  if (is.null(variables)) variables <- telling_pair(fit)
  at <- pick_variables(variable_names(fit$data), variables, "variables", most = 2L)
  if (length(at) == 1L) path_curves(fit, path, chosen, at) else path_ellipses(fit, path, chosen, at)
}

#' @export
family_scene.em_family_gaussian <- function(family, fit, states, chosen, variables) {
  if (is.null(variables)) variables <- telling_pair(fit)
  at <- pick_variables(variable_names(fit$data), variables, "variables", most = 2L)
  rows <- rows_to_draw(fit$data$n, 600L)
  rows <- rows[rowSums(is.na(fit$data$x[rows, at, drop = FALSE])) == 0]
  if (length(at) == 1L) curve_scene(fit, states, chosen, at, rows) else ellipse_scene(fit, states, chosen, at, rows)
}

# What a component is along columns: see margin.R.
#' @export
family_margin.em_family_gaussian <- function(family, parameters, data, beside = list()) {
  mean <- unname(as.matrix(parameters$mean))
  covariance <- if (is.null(parameters$sd)) unname(parameters$covariance)
                else array(unname(parameters$sd)^2, c(1L, 1L, nrow(mean)))
  sd <- if (!is.null(parameters$sd)) matrix(unname(parameters$sd))
  list(normal_block(variable_names(data), mean, covariance, sd))
}
