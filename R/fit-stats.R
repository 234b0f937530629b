#' Numbers of a fit
#'
#' Log-likelihood, coefficients and the like. [stats::AIC()] and [stats::BIC()] work through `logLik()`; both
#' have R's sign, smaller is better.
#'
#' @param object,x A fit by [em_fit()].
#' @param row.names,optional Ignored; they belong to the generic.
#' @param ... Nothing: an unknown argument is an error.
#' @return `logLik()`: class `logLik` with attributes `df` and `nobs` (the sum of the weights). `nobs()`: that
#'   sum, a number. `coef()`: a named vector of all parameters, each entry of a covariance once; names are
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
  table <- parameter_table(object$parameters)
  stats::setNames(table$estimate, parameter_names(table))
}

#' @rdname em_fit-numbers
#' @importFrom stats weights
#' @export
weights.em_fit <- function(object, ...) {
  check_dots(...)
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
  parameter_table(x$parameters)
}

# All parameters in long form: component, term, variable, variable2 (of a covariance), estimate.
parameter_table <- function(parameters) {
  all_labels <- names(parameters$proportions)
  labels <- all_labels[seq_len(count_components(parameters))]
  terms <- c(proportions = "proportion")
  rows <- lapply(names(parameters), function(name) {
    x <- parameters[[name]]
    term <- if (name %in% names(terms)) terms[[name]] else name
    if (length(dim(x)) == 3L) return(covariance_rows(x, labels, term))
    if (length(dim(x)) == 2L) return(mean_rows(x, labels, term))
    parameter_rows(all_labels[seq_along(x)], term, NA_character_, NA_character_, unname(x))
  })
  do.call(rbind, rows)
}

parameter_rows <- function(component, term, variable, variable2, estimate) {
  data.frame(component = component, term = term, variable = variable, variable2 = variable2,
             estimate = estimate)
}

labels_or_numbers <- function(labels, n) if (is.null(labels)) paste0("x", seq_len(n)) else labels

mean_rows <- function(x, labels, term) {
  variables <- labels_or_numbers(colnames(x), ncol(x))
  parameter_rows(rep(labels, ncol(x)), term, rep(variables, each = nrow(x)), NA_character_, as.vector(x))
}

covariance_rows <- function(x, labels, term) {
  d <- dim(x)[1L]
  variables <- labels_or_numbers(dimnames(x)[[1L]], d)
  at <- which(lower.tri(diag(d), diag = TRUE), arr.ind = TRUE)
  k <- length(labels)
  estimate <- apply(x, 3L, function(sigma) sigma[at])
  parameter_rows(rep(labels, each = nrow(at)), term, rep(variables[at[, 2L]], k), rep(variables[at[, 1L]], k),
                 as.vector(estimate))
}
