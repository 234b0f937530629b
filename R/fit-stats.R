#' Numbers of a fit
#'
#' Log-likelihood, coefficients and the like. [stats::AIC()] and [stats::BIC()] work through `logLik()`; both
#' have R's sign, smaller is better.
#'
#' @param object,x A fit by [em_fit()].
#' @param row.names,optional Ignored; they belong to the generic.
#' @param ... Nothing: an unknown argument is an error.
#' @return `logLik()`: class `logLik` with attributes `df` and `nobs` (the sum of the weights; of units where there are
#'   such, see [em_mixture()]). `nobs()`: that sum, a number. `coef()`: a named vector of all parameters, each entry of a covariance once; names are
#'   `term[component]`, as `mean.waiting[1]`. `weights()`: the case weights, a number for each row. `formula()`:
#'   the formula, `NULL` where there was none. `family()`: the family, as [em_gaussian()] makes it.
#'   `extractAIC()`: the number of free parameters and AIC. `as.data.frame()`: one row for each parameter with
#'   `component`, `term`, `variable`, `variable2`, `estimate`.
#' @section Errors: `deviance()`, `df.residual()`, `sigma()` and `anova()` say why a mixture has none, by
#'   `emfit_error_unsupported`.
#' @references Schwarz, G. (1978) Estimating the dimension of a model. *Annals of Statistics* 6, 461-464.
#'   \doi{10.1214/aos/1176344136}
#' @examples
#' fit <- em_fit(faithful, k = 2)
#' logLik(fit)
#' BIC(fit)
#' coef(fit)
#' as.data.frame(fit)
#' @name em_fit-numbers
NULL

#' @rdname em_fit-numbers
#' @importFrom stats logLik
#' @export
logLik.em_fit <- function(object, ...) {
  check_dots(...)
  structure(object$loglik, df = object$df, nobs = object$nobs, class = "logLik")
}

#' @rdname em_fit-numbers
#' @importFrom stats nobs
#' @export
nobs.em_fit <- function(object, ...) {
  check_dots(..., let_pass = "use.fallback")
  object$nobs
}

#' @rdname em_fit-numbers
#' @importFrom stats coef
#' @export
coef.em_fit <- function(object, ...) {
  check_dots(...)
  table <- parameter_table(object$parameters, fit_fields(object))
  stats::setNames(table$estimate, parameter_names(table))
}

#' @rdname em_fit-numbers
#' @importFrom stats weights
#' @export
weights.em_fit <- function(object, ...) {
  check_dots(...)
  refuse_sample(object, "weights()", "nobs(fit) has their sum.")
  if (is.null(object$data$weights)) rep(1, object$data$n) else object$data$weights
}

#' @rdname em_fit-numbers
#' @importFrom stats formula
#' @export
formula.em_fit <- function(x, ...) {
  check_dots(...)
  terms <- x$data$terms
  if (is.null(terms)) return(NULL)
  out <- stats::formula(terms)
  if (!is.null(attr(terms, "home"))) environment(out) <- attr(terms, "home")
  out
}

#' @rdname em_fit-numbers
#' @export
as.data.frame.em_fit <- function(x, row.names = NULL, optional = FALSE, ...) {
  check_dots(..., let_pass = frame_arguments)
  parameter_table(x$parameters, fit_fields(x))
}
