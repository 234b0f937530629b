# Generics of stats that other code asks a model for. What a mixture has is given; what it does not have is an error
# that says why and what to ask for, never NULL, which goes on as a number that is not there.

#' @rdname em_fit-numbers
#' @param fit A fit by [em_fit()].
#' @param scale Ignored; it belongs to the generic.
#' @param k The weight of a parameter: 2 for AIC.
#' @importFrom stats extractAIC
#' @export
extractAIC.em_fit <- function(fit, scale = 0, k = 2, ...) {
  check_dots(...)
  c(fit$df, -2 * fit$loglik + k * fit$df)
}

#' @rdname em_fit-numbers
#' @importFrom stats family
#' @export
family.em_fit <- function(object, ...) {
  check_dots(...)
  object$family
}

#' @rdname em_fit-numbers
#' @importFrom stats deviance
#' @export
deviance.em_fit <- function(object, ...) {
  check_dots(...)
  abort_em("unsupported", c("A mixture has no deviance: there is no saturated model to compare it with.",
                            i = "-2 * logLik(fit) is what AIC() and BIC() are made of."))
}

#' @rdname em_fit-numbers
#' @importFrom stats df.residual
#' @export
df.residual.em_fit <- function(object, ...) {
  check_dots(...)
  abort_em("unsupported", c("A mixture has no residual degrees of freedom.",
                            i = "attr(logLik(fit), \"df\") counts its free parameters, nobs(fit) its rows."))
}

#' @rdname em_fit-numbers
#' @importFrom stats sigma
#' @export
sigma.em_fit <- function(object, ...) {
  check_dots(...)
  abort_em("unsupported", c("A mixture has no single residual standard deviation.",
                            i = "Each component has its own: tidy(fit), coef(fit)."))
}

#' @rdname em_fit-numbers
#' @importFrom stats anova
#' @export
anova.em_fit <- function(object, ...) {
  abort_em("unsupported", c("anova() has no test for mixtures: twice the gain in log-likelihood is not chi-squared.",
                            i = "em_lrt(fit) tests one component more by simulation; BIC(fit1, fit2) compares."))
}
