#' Student components
#'
#' Says that a component has a multivariate t distribution: a normal distribution with heavier tails, so that rows far
#' from all groups count for little. It is the `family` argument of [em_fit()].
#'
#' Component k has a centre, a scale matrix under one of the 14 structures of [em_gaussian()], and degrees of freedom
#' `df`: the smaller, the heavier its tails; at 1 it has no mean, at 2 or less no variance, and as `df` grows it
#' becomes the normal distribution. In the fit `parameters$mean` and `parameters$covariance` (`sd` in one dimension) are
#' the centre and the scale matrix; the covariance of the component is `df / (df - 2)` times the latter.
#'
#' Each row has a weight in each component, `(df + d) / (df + distance^2)`, that takes the place of deletion of
#' outliers. An [em_mixture()] with `noise` is the other way to have some: it gives them a component of their own.
#'
#' Where a component has no heavier tails than the normal distribution, the likelihood has no maximum in `df`, which grows from
#' step to step, up to 1e10 at most: as good as normal. Print and [em_diagnose()] say so above 500, since no data tell such
#' numbers apart. Hold it, or use [em_gaussian()]. As there, a component can shrink onto few points.
#'
#' Rows with missing cells count with what is observed, under every structure, as those of [em_gaussian()] do: the weight of a
#' row comes from the observed cells alone. They can't be filled in by [em_impute()]. Means that `fixed` holds are refused.
#'
#' @param covariance The structure of the scale matrices, as in [em_gaussian()].
#' @param df `NULL` (free), or the number above 0 at which the degrees of freedom of all components are held. Single
#'   ones are held by `fixed = list(df = c(4, NA))`, see [em_fit()].
#' @param common Do all components share one number of degrees of freedom?
#' @return An object of class `em_family`: a plain list, to be given to [em_fit()]. In the fit `parameters$df` are k
#'   numbers, all the same where `common`.
#' @section Errors: `emfit_error_argument` for another structure, `df` or `common`; `emfit_error_unsupported` for
#'   held means, and single degrees of freedom held where they are common.
#' @references Peel, D. and McLachlan, G. J. (2000) Robust mixture modelling using the t distribution. *Statistics and
#'   Computing* 10, 339-348. \doi{10.1023/A:1008981510081}
#'
#'   Andrews, J. L. and McNicholas, P. D. (2012) Model-based clustering, classification, and discriminant analysis via
#'   mixtures of multivariate t-distributions. *Statistics and Computing* 22, 1021-1029.
#'   \doi{10.1007/s11222-011-9272-x}
#'
#'   Wang, H., Zhang, Q., Luo, B. and Wei, S. (2004) Robust mixture modelling using multivariate t-distribution with missing
#'   information. *Pattern Recognition Letters* 25, 701-710. \doi{10.1016/j.patrec.2004.01.010}
#' @seealso [em_fit()], [em_gaussian()], [em_mixture()]
#' @examples
#' set.seed(1)
#' x <- rbind(as.matrix(faithful), c(1, 110), c(6, 30), c(8, 120))
#' fit <- em_fit(x, k = 2, family = em_t("EEE", common = TRUE))
#' coef(fit)
#' @export
em_t <- function(covariance = "VVV", df = NULL, common = FALSE) {
  out <- if (missing(covariance)) em_gaussian() else em_gaussian(covariance)
  sound <- is.null(df) || is.numeric(df) && length(df) == 1L && is.finite(df) && df > 0
  if (!sound) {
    abort_em("argument", c(
      sprintf("`df` must be NULL or one number above 0, not %s.", describe_value(df)),
      i = "Degrees of freedom that differ are held by em_fit(, fixed = list(df = c(4, NA)))."
    ))
  }
  if (!isTRUE(common) && !isFALSE(common)) {
    abort_em("argument", sprintf("`common` must be TRUE or FALSE, not %s.", describe_value(common)))
  }
  out$name <- "t"
  if (!is.null(df)) out$df <- as.double(df)
  if (common) out$common <- TRUE
  class(out) <- c("em_family_t", class(out))
  out
}

#' @export
format.em_family_t <- function(x, ...) {
  check_dots(..., let_pass = format_arguments)
  paste0("t components, ", t_detail(x))
}

t_detail <- function(family) {
  freedom <- if (!is.null(family$df)) sprintf(", df held at %s", number(family$df))
             else if (isTRUE(family$common)) ", common df"
  paste0(sprintf("%s (%s)", covariance_label(family$covariance), family$covariance), freedom)
}

#' @export
family_label.em_family_t <- function(family, ...) list(title = "t mixture", detail = t_detail(family))

#' @export
family_fields.em_family_t <- function(family, k, data) {
  c(NextMethod(), list(df = new_field("positive", "component", k, "df")))
}

#' @export
family_check.em_family_t <- function(family, data, k, estimated = TRUE) {
  family <- NextMethod()
  if (!is.null(family$df)) family$held$df <- rep(family$df, k)
  family
}

#' @export
family_parameters.em_family_t <- function(family, start, k, data, fields = family_fields(family, k, data)) {
  if (is.null(start$df)) start$df <- if (is.null(family$held$df)) rep(10, k) else family$held$df
  if (isTRUE(family$common) && length(unique(unname(start$df))) > 1L) {
    abort_em("start", c("`start$df` must be the same in all components: em_t(common = TRUE) has one number.",
                        i = "Give it once for each component, or use em_t(common = FALSE)."))
  }
  check_spreads(family_parameters.default(family, start, k, data, fields), k)
}

#' @export
family_held.em_family_t <- function(family, fixed, k, data) {
  held_by_constructor(NextMethod(), family, "df")
}

#' @export
family_check_held.em_family_t <- function(family, k, data) {
  held <- family$held
  if (any(!is.na(held$mean))) {
    abort_em("unsupported", c("t components can't have means that are held.", i = "Leave `mean` out of `fixed`."))
  }
  if (isTRUE(family$common) && length(unique(unname(held$df))) > 1L) {
    abort_em("unsupported", c("Degrees of freedom that are common are held all at one number, or none.",
                              i = "Use em_t(common = FALSE)."))
  }
  plain <- family
  class(plain) <- setdiff(class(plain), "em_family_t")
  plain$name <- "gaussian"
  family_check_held(plain, k, data)
}

#' @export
family_summary.em_family_t <- function(family, parameters, data) {
  data.frame(NextMethod(), df = unname(parameters$df), check.names = FALSE)
}

#' @export
family_columns.em_family_t <- function(family, parameters, data) {
  plain <- family
  class(plain) <- setdiff(class(plain), "em_family_t")
  data.frame(family_columns(plain, parameters, data), df = unname(parameters$df), check.names = FALSE)
}

#' @export
family_call.em_family_t <- function(family, call) {
  arguments <- list(family$covariance)
  if (!is.null(family$df)) arguments$df <- family$df
  if (isTRUE(family$common)) arguments$common <- TRUE
  as.call(c(list(as.name("em_t")), arguments))
}

#' @export
family_has_relatives.em_family_t <- function(family) FALSE

#' @export
family_fills_gaps.em_family_t <- function(family) FALSE

#' @export
family_fills.em_family_t <- function(family) NULL

#' @export
family_conditional.em_family_t <- function(family, parameters, x, o, g, j) {
  abort_em("unsupported", "t components can't fill in missing cells.")
}

# A normal row over the root of its precision.
#' @export
family_simulate.em_family_t <- function(family, parameters, component, data) {
  out <- NextMethod()
  df <- unname(parameters$df)[component]
  centre <- as.matrix(parameters$mean)[component, , drop = FALSE]
  precision <- stats::rchisq(length(component), df) / df
  out[] <- unname(centre) + (as.matrix(out) - unname(centre)) / sqrt(precision)
  out
}

#' @export
family_split.em_family_t <- function(family, parameters, j) c(NextMethod(), list(df = c(parameters$df, parameters$df[j])))

#' @export
family_merges.em_family_t <- function(family, parameters, most) {
  lapply(NextMethod(), function(merged) {
    merged$parameters$df <- unname(parameters$df)[-merged$pair[2L]]
    merged
  })
}

#' @export
family_distribution.em_family_t <- function(family, parameters, x, column, what, data) {
  law <- column_law(family_margin(family, parameters, data), column)
  if (what == "density") exp(law_log_density(law, x)) else law_cdf(law, x)
}

#' @export
family_margin.em_family_t <- function(family, parameters, data, beside = list()) {
  mean <- unname(as.matrix(parameters$mean))
  scale <- if (is.null(parameters$sd)) unname(parameters$covariance) else array(unname(parameters$sd)^2, c(1L, 1L, nrow(mean)))
  list(student_block(variable_names(data), mean, scale, unname(parameters$df)))
}
