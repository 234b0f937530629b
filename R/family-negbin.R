#' Negative binomial components
#'
#' Says that a component gives counts that vary more than Poisson counts of the same mean: the rate differs from row to
#' row too, by a gamma distribution. It is the `family` argument of [em_fit()].
#'
#' With mean m, size a and exposure e a count has the mean `m * e` and the variance `m * e * (1 + m * e / a)`: the
#' distribution of [stats::dnbinom()] with `mu = mean * exposure` and `size`. As the size grows it becomes the Poisson
#' distribution of [em_poisson()]. Data, several columns, exposure, missing counts and new rows are as there.
#'
#' A mixture of Poisson components and one of fewer negative binomial ones often say the same of counts. Where a
#' component varies no more than Poisson counts do, its size has no maximum: it grows from step to step and the
#' log-likelihood tends to that of the Poisson component. Hold it at a large number then, or use [em_poisson()].
#'
#' The M-step is that of gamma components, for the hidden rates of the rows. It climbs at every step, in more steps
#' than a Poisson mixture needs; `em_control(accelerate = TRUE)`, the default, makes up for most of them. A single
#' M-step by [em_mstep()] is not yet the maximum, even where all components are known.
#'
#' @inheritParams em_poisson
#' @return An object of class `em_family`: a plain list, to be given to [em_fit()]. In the fit `parameters$mean` (counts
#'   for each unit of exposure) and `parameters$size` are vectors of k numbers, or for several columns k x p matrices.
#' @section Errors: As [em_poisson()].
#' @references Lawless, J. F. (1987) Negative binomial and mixed Poisson regression. *Canadian Journal of Statistics*
#'   15, 209-225. \doi{10.2307/3314912}
#'
#'   Dempster, A. P., Laird, N. M. and Rubin, D. B. (1977) Maximum likelihood from incomplete data via the EM algorithm.
#'   *Journal of the Royal Statistical Society B* 39, 1-38.
#' @seealso [em_fit()], [em_poisson()], [em_gamma()]
#' @examples
#' # Days absent from school: one group that varies much
#' days <- c(0, 0, 1, 2, 2, 3, 5, 5, 6, 7, 9, 11, 14, 20, 22, 28, 40, 54)
#' fit <- em_fit(days, k = 1, family = "negbin")
#' coef(fit)
#' logLik(fit) - logLik(em_fit(days, k = 1, family = "poisson"))
#' @export
em_negbin <- function(exposure = NULL) {
  out <- em_poisson(exposure)
  out$name <- "negbin"
  class(out) <- c("em_family_negbin", class(out))
  out
}

#' @export
format.em_family_negbin <- function(x, ...) {
  check_dots(..., let_pass = format_arguments)
  sub("^Poisson", "Negative binomial", format.em_family_poisson(x))
}

#' @export
family_fields.em_family_negbin <- function(family, k, data) {
  p <- data$width
  field <- function(name, zero) {
    if (p == 1L) new_field("positive", "component", k, name, zero = zero)
    else new_field("positive", c("component", "variable"), c(k, p), name, zero = zero)
  }
  list(mean = field("mean", TRUE), size = field("size", FALSE))
}

#' @export
family_label.em_family_negbin <- function(family, ...) {
  list(title = "Negative binomial mixture", detail = if (!is.null(family$exposure)) "means for a unit of exposure")
}

#' @export
family_rows_needed.em_family_negbin <- function(family, data) 2

#' @export
family_no_density.em_family_negbin <- function(family, parameters) "its mean or its size is no number above 0"

size_matrix <- function(parameters) {
  if (is.matrix(parameters$size)) unname(parameters$size) else matrix(parameters$size, ncol = 1L)
}

#' @export
family_summary.em_family_negbin <- function(family, parameters, data) {
  mean <- rate_matrix(parameters)
  size <- size_matrix(parameters)
  if (ncol(mean) == 1L) return(data.frame(mean = mean[, 1L], size = size[, 1L]))
  names <- fitted_names(data)
  if (is.null(names)) names <- paste0("x", seq_len(ncol(mean)))
  stats::setNames(data.frame(mean, size), c(paste0("mean.", names), paste0("size.", names)))
}

#' @export
family_simulate.em_family_negbin <- function(family, parameters, component, data) {
  e <- poisson_exposures(data)
  mean <- rate_matrix(parameters)[component, , drop = FALSE] * e
  size <- size_matrix(parameters)[component, , drop = FALSE]
  seen <- !is.na(mean)
  counts <- matrix(NA_real_, nrow(e), ncol(e))
  counts[seen] <- stats::rnbinom(sum(seen), size = size[seen], mu = mean[seen])
  as.data.frame(with_exposure(counts, family, data), optional = TRUE)
}

# A quarter less, and a quarter more.
#' @export
family_split.em_family_negbin <- function(family, parameters, j) {
  out <- family_split.em_family_poisson(family, list(rate = parameters$mean), j)
  size <- size_matrix(parameters)
  size <- rbind(size, size[j, ])
  list(mean = out$rate, size = if (is.matrix(parameters$size)) size else size[, 1L])
}

# Pictures, and what they are drawn from ------------------------------------------------------------------------

# Rows that have nothing to say have no place.
#' @export
family_distribution.em_family_negbin <- function(family, parameters, x, column, what, data) {
  of <- switch(what, density = stats::dnbinom, cdf = stats::pnbinom)
  e <- poisson_exposures(data)[, column]
  e[which(e == 0)] <- NA
  mean <- rate_matrix(parameters)[, column]
  size <- size_matrix(parameters)[, column]
  out <- vapply(seq_along(mean), function(j) of(x, size = size[j], mu = mean[j] * e), numeric(length(x)))
  matrix(out, length(x))
}

#' @export
family_margin.em_family_negbin <- function(family, parameters, data, beside = list()) {
  exposure <- one_for_all(beside$exposure, known_exposure(data), "exposure")
  list(spread_block(count_names(data), unname(rate_matrix(parameters)), unname(size_matrix(parameters)), exposure))
}

#' @export
family_cumulative.em_family_negbin <- function(family, parameters, upper, e, j, column) {
  stats::pnbinom(upper, size = size_matrix(parameters)[j, column], mu = rate_matrix(parameters)[j, column] * e)
}

#' @export
family_path.em_family_negbin <- function(family, fit, path, chosen, variables) {
  path_of_counts(fit, path, variables, "mean")
}
