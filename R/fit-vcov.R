#' Standard errors and confidence intervals
#'
#' `vcov()` gives the covariance matrix of the estimates, on the scale on which they are printed: proportions,
#' means, standard deviations or covariances, probabilities. `confint()` gives intervals that stay where the
#' parameter can be.
#'
#' The observed information is minus the matrix of second derivatives of the log-likelihood at the fit. The
#' expected statistics of an E-step give the gradient exactly (Fisher's identity, Louis 1982), for every family
#' and covariance structure; its central differences in free coordinates, two E-steps for each free parameter,
#' give the information; the delta method brings its inverse to the printed scale. Case weights count as rows:
#' weight 2 is the row twice.
#'
#' Where groups are well separated and the model is right the four types agree. `"opg"` inverts the sum of the
#' outer products of each row's gradient and needs a single pass, but is the least exact in small samples.
#' `"sandwich"` (Huber, White) stays valid where the components are not quite what the model says. `"bootstrap"`
#' refits resampled rows, see [em_bootstrap()], and draws random numbers.
#'
#' Standard errors say how precise the estimates are given the number of components and their labels; they are
#' no test of whether a component exists.
#'
#' Of a fit to rows in chunks ([em_chunks()]) `vcov()` and `tidy()` are of type `"opg"` unless another is named: all rows are
#' read once for it, and twice for each free parameter for `"observed"`.
#'
#' @param object A fit by [em_fit()].
#' @param type Which estimate of the covariance matrix; see above.
#' @param parm Which parameters, by name (as in [coef()]) or by number (a row of `vcov()`); left out: all.
#' @param level The probability that an interval covers its parameter.
#' @param ... For `type = "bootstrap"` the `n_boot`, `control` and `threads` of [em_bootstrap()]; otherwise
#'   nothing.
#' @return `vcov()`: a symmetric matrix whose rows and columns are the estimated parameters under their names in
#'   [coef()], in units of one times the other. What is not estimated has none: equal or held proportions, the
#'   zeros of a diagonal covariance. Parameters that structures make equal have the same row. `confint()`: a
#'   matrix with a row for each parameter and columns for the lower and upper end: proportions and probabilities
#'   are taken on the logit scale, standard deviations and variances on the log scale, means and covariances as
#'   they are.
#' @section Warnings: `emfit_warning_standard_error`, once, names the parameters that have no standard error and
#'   says why; theirs are `NA`, all others as if those were known. That is so at a boundary (a probability of 0
#'   or 1, an empty component), for a component that collapsed, and where the information is singular because
#'   the data cannot tell some parameters apart. It also says where the fit stopped short of a maximum.
#' @section Errors: `emfit_error_argument` where `type`, `parm` or `level` is none of the above;
#'   `emfit_error_unsupported` for the types `"opg"` and `"sandwich"` of fits with a prior, and for fits by classification EM or
#'   stochastic EM, which are no maxima of the likelihood.
#' @references Louis, T. A. (1982) Finding the observed information matrix when using the EM algorithm. *Journal
#'   of the Royal Statistical Society B* 44, 226-233. \doi{10.1111/j.2517-6161.1982.tb01203.x}
#'
#'   Boldea, O. and Magnus, J. R. (2009) Maximum likelihood estimation of the multivariate normal mixture model.
#'   *Journal of the American Statistical Association* 104, 1539-1549. \doi{10.1198/jasa.2009.tm08273}
#'
#'   White, H. (1982) Maximum likelihood estimation of misspecified models. *Econometrica* 50, 1-25.
#'   \doi{10.2307/1912526}
#' @seealso [em_bootstrap()], [coef()]
#' @examples
#' fit <- em_fit(faithful, k = 2)
#' sqrt(diag(vcov(fit)))
#' confint(fit, parm = c("proportion[1]", "mean.waiting[1]"))
#' @name em_fit-errors
NULL

vcov_types <- c("observed", "opg", "sandwich", "bootstrap")

#' @rdname em_fit-errors
#' @importFrom stats vcov
#' @export
vcov.em_fit <- function(object, type = c("observed", "opg", "sandwich", "bootstrap"), ...) {
  left_out <- missing(type)
  type <- check_choice(type, "type", vcov_types)
  if (type == "bootstrap") {
    check_dots(..., let_pass = c("n_boot", "control", "threads"))
    return(vcov(em_bootstrap(object, ...)))
  }
  check_no_dots(list(...), names(formals(vcov.em_fit)))
  if (left_out && is_sample(object$data) && !has_prior(object)) type <- "opg"
  if (type != "observed") refuse_prior(object, sprintf("vcov(type = \"%s\")", type), "rows have no part of it")
  parameters <- estimated_parameters(object, if (is_sample(object$data) && type == "opg") "outer" else "information")
  if (type != "observed") check_enough_units(object, type)
  found <- free_covariance(object, parameters, type)
  warn_standard_error(object, parameters, found)
  jacobian <- parameters$jacobian
  out <- jacobian %*% found$covariance %*% t(jacobian) / row_weight(object$data)
  out[found$lacking, ] <- out[, found$lacking] <- NA
  out <- (out + t(out)) / 2
  dimnames(out) <- list(parameters$names, parameters$names)
  out
}

# Gradients are those of what belongs together; of fewer than there are parameters their products are singular.
check_enough_units <- function(fit, type) {
  series <- ordered_units(fit$data)
  if (is.null(series) || count_units(series) > fit$df) return(invisible())
  abort_em("unsupported", c(
    sprintf("vcov(type = \"%s\") needs more series than parameters: there are %d and %d.", type, count_units(series),
            fit$df),
    i = "Use type = \"observed\"."
  ))
}

# What a fit estimates: the rows of its table of parameters that can move, or could but for a boundary. A list
# of `table`, `names`, the jacobian of those rows, and gradient and information in free coordinates.
estimated_parameters <- function(fit, want = "information") {
  refuse_assigned(fit, "A standard error")
  found <- score_em(fit$data, fit$parameters, fit_model(fit), want)
  if (want == "outer") found$information <- found$outer
  if (!length(found$jacobian)) found <- nothing_known(fit) # a component has no density to take derivatives of
  fields <- fit_fields(fit)
  table <- parameter_rows(fit$parameters, fields)
  found$jacobian[!is.finite(found$jacobian)] <- 1 # what moves them is not known, but something does
  jacobian <- found$jacobian[packed_positions(fit$parameters, fields), , drop = FALSE]
  still <- rowSums(jacobian != 0) == 0
  boundary <- still & near_boundary(table) & !is_held(fit) & (table$own | !latent_is_held(fit$latent, fit$k))
  keep <- !still | boundary
  list(table = table[keep, ], names = parameter_names(table)[keep], jacobian = jacobian[keep, , drop = FALSE],
       boundary = boundary[keep], gradient = found$gradient,
       information = (found$information + t(found$information)) / 2)
}

nothing_known <- function(fit) {
  list(jacobian = matrix(1, length(unlist(fit$parameters)), 1L), gradient = 0, information = matrix(0))
}

# A number that stays where it is for another reason, as it was held, is left out.
near_boundary <- function(table) {
  table$zero | table$scale %in% c("unit", "simplex") & pmin(table$estimate, 1 - table$estimate) < 1e-3
}

# Below this an eigenvalue of the information is 0: coordinates are such that it would be 1 if the components
# of the rows were known.
least_information <- 1e-7

# The covariance matrix in free coordinates, with 0 for those that nothing is known of, and which parameters
# these concern.
free_covariance <- function(fit, parameters, type) {
  lost <- of_lost_components(fit, parameters$table)
  dropped <- own_coordinates(parameters$jacobian, lost)
  keep <- which(!dropped)
  meat <- if (type != "observed") score_em(fit$data, fit$parameters, fit_model(fit), "outer")$outer
  if (type != "observed" && !length(meat)) meat <- 0 * parameters$information
  bread <- if (type == "opg") meat else parameters$information
  parts <- eigen_parts(bread[keep, keep, drop = FALSE])
  known <- parts$values > least_information
  unknown <- parts$vectors[, !known, drop = FALSE]
  inverse <- parts$vectors[, known, drop = FALSE] %*% (t(parts$vectors[, known, drop = FALSE]) / parts$values[known])
  if (type == "sandwich") inverse <- inverse %*% meat[keep, keep, drop = FALSE] %*% inverse
  covariance <- matrix(0, length(dropped), length(dropped))
  covariance[keep, keep] <- inverse

  jacobian <- parameters$jacobian
  lost <- lost | rowSums(jacobian[, dropped, drop = FALSE] != 0) > 0
  apart <- rowSums((jacobian[, keep, drop = FALSE] %*% unknown)^2) <= 1e-6 * rowSums(jacobian^2)
  singular <- !(apart & !is.na(apart)) & !lost
  gradient <- parameters$gradient[keep]
  list(covariance = covariance, lost = lost, singular = singular, lacking = parameters$boundary | lost | singular,
       saddle = any(parts$values < -least_information),
       gain = sum(gradient * (inverse %*% gradient)) / 2)
}

# Of nothing there is nothing to know; of numbers that can't be computed with, nothing is known.
eigen_parts <- function(x) {
  if (!length(x)) return(list(values = numeric(), vectors = x))
  if (!all(is.finite(x))) return(list(values = numeric(nrow(x)), vectors = diag(nrow(x))))
  eigen(x, symmetric = TRUE)
}

# Components without rows, or on too few points: of their own parameters nothing is known.
lost_components <- function(fit) {
  row_weight <- row_weight(fit$data)
  component_names_of(fit)[sort(unique(c(collapsed_components(fit), which(fit$counts < least_count * row_weight))))]
}

# As in chart.h: fewer expected rows than this are none.
least_count <- 1e-4

of_lost_components <- function(fit, table) {
  table$component %in% lost_components(fit) & table$own
}

# Free coordinates that move these parameters and, proportions aside, nothing else.
own_coordinates <- function(jacobian, rows) {
  moves <- function(which) colSums(jacobian[which, , drop = FALSE] != 0) > 0
  moves(rows) & !moves(!rows)
}

# A fit counts as stopped short of a maximum where a Newton step would still gain so much log-likelihood.
most_gain <- 0.01

warn_standard_error <- function(fit, parameters, found) {
  names <- parameters$names
  says <- function(which, why) if (any(which)) sprintf("%s: %s.", enumerate(names[which], 8L), why)
  reasons <- c(
    says(parameters$boundary, "at the boundary of what is possible"),
    says(found$lost, sprintf("component %s is empty or collapsed", enumerate(lost_components(fit)))),
    says(found$singular, if (found$saddle) "the likelihood has no maximum here (the information is not positive)"
                         else "the data can't tell these apart (the information is singular)")
  )
  short <- fit$status != "collapsed" && !isTRUE(found$gain <= most_gain)
  if (!any(found$lacking) && !short) return(invisible())
  what <- if (any(found$lacking)) {
    sprintf("%d of %d parameters %s no standard error.", sum(found$lacking), length(names),
            if (sum(found$lacking) == 1L) "has" else "have")
  } else {
    "Standard errors belong to a maximum of the likelihood, which this fit is not."
  }
  warn_em("standard_error", c(
    what, stats::setNames(as.character(reasons), rep("x", length(reasons))),
    i = if (short) sprintf("The log-likelihood could still rise by about %s: go on with update(fit, start = fit).",
                           number(found$gain, 2L)),
    i = if (any(found$lost | found$singular)) simpler_hint(fit$family)
  ))
}

#' @rdname em_fit-errors
#' @importFrom stats confint
#' @export
confint.em_fit <- function(object, parm, level = 0.95, type = c("observed", "opg", "sandwich", "bootstrap"), ...) {
  left_out <- missing(type)
  type <- check_choice(type, "type", vcov_types)
  level <- check_level(level)
  covariance <- if (left_out) vcov(object, ...) else vcov(object, type = type, ...)
  ends <- wald_intervals(object, covariance, level)
  if (missing(parm)) ends else pick_parameters(ends, parm)
}

# A row for each row of the covariance matrix.
wald_intervals <- function(fit, covariance, level) {
  table <- parameter_rows(fit$parameters, fit_fields(fit))
  at <- match(rownames(covariance), parameter_names(table))
  ends <- wald_ends(table[at, ], sqrt(diag(covariance)), level)
  dimnames(ends) <- list(rownames(covariance), percent_names(level))
  ends
}

check_level <- function(level, arg = "level") {
  if (!is_number(level) || level <= 0 || level >= 1) {
    abort_em("argument", sprintf("`%s` must be a number between 0 and 1, not %s.", arg, describe_value(level)))
  }
  level
}

# "2.5 %", "97.5 %", as confint() has them elsewhere.
percent_names <- function(level) {
  ends <- 100 * c((1 - level) / 2, 1 - (1 - level) / 2)
  paste(trimws(formatC(ends, digits = 4L, format = "g", decimal.mark = ".")), "%")
}

pick_parameters <- function(ends, parm) {
  known <- if (is.numeric(parm)) parm %in% seq_len(nrow(ends)) else parm %in% rownames(ends)
  if (!all(known)) {
    bad <- parm[!known][1L]
    abort_em("argument", c(
      sprintf("`parm` must name estimated parameters: %s is none.", describe_value(bad)),
      i = if (is.character(bad)) did_you_mean(bad, rownames(ends))
    ))
  }
  ends[parm, , drop = FALSE]
}

# Symmetric on the scale where the parameter has no bounds.
wald_ends <- function(table, error, level) {
  estimate <- table$estimate
  half <- stats::qnorm((1 + level) / 2) * error
  on_scale <- function(at, to, from, slope) {
    half <- half[at] / slope
    from(cbind(to(estimate[at]) - half, to(estimate[at]) + half))
  }
  scale <- interval_scale(table)
  scale[is.na(error)] <- "none"
  ends <- matrix(NA_real_, length(estimate), 2L)
  for (name in unique(scale)) {
    at <- which(scale == name)
    e <- estimate[at]
    ends[at, ] <- switch(name,
      real = on_scale(at, identity, identity, 1),
      log = on_scale(at, log, exp, e),
      logit = on_scale(at, stats::qlogis, stats::plogis, e * (1 - e)),
      none = NA_real_
    )
  }
  ends
}

# On which the limits of an interval are as far from the estimate on both sides.
interval_scale <- function(table) {
  c(real = "real", positive = "log", unit = "logit", simplex = "logit")[table$scale]
}
