#' Gamma and exponential components
#'
#' Says that a component gives positive numbers that are skewed to the right: times until something happens, sizes,
#' amounts. Each has a mean and a shape; with the shape held at 1 it is the exponential distribution. It is the `family`
#' argument of [em_fit()].
#'
#' The data are one column of positive numbers, or several, which are independent within a component. The density is
#' \eqn{a^a x^{a-1} e^{-ax/m} / (m^a \Gamma(a))} with mean m and shape a, the `mean` and `shape` of the parameters:
#' `shape` and `rate = shape / mean` of [stats::dgamma()]. The coefficient of variation is `1 / sqrt(shape)`; a shape
#' below 1 has its mode at 0, a large one is close to the normal distribution.
#'
#' Shapes are free in each component. `em_gamma(shape = 1)` holds all of them, which gives exponential components;
#' single ones are held by `fixed = list(shape = c(1, NA))`, see [em_fit()]. In other units only the means change. A
#' missing cell has the factor 1, so that the row counts by the others.
#'
#' The likelihood of a component that shrinks onto one value has no bound, as for [em_gaussian()]: such runs end and
#' say so. With held shapes it is bounded.
#'
#' @param shape `NULL` (free), or the number above 0 at which the shapes of all components are held.
#' @return An object of class `em_family`: a plain list, to be given to [em_fit()]. In the fit `parameters$mean` and
#'   `parameters$shape` are vectors of k numbers, or for several columns k x p matrices.
#' @section Errors: `emfit_error_input` (`emfit_error_newdata` for new rows) names the row and the value where a number
#'   is 0 or negative. `emfit_error_argument` where `shape` is not a number above 0, `emfit_error_fixed` where `fixed`
#'   holds shapes at other numbers.
#' @references Minka, T. P. (2002) Estimating a Gamma distribution. Technical report, Microsoft Research.
#'
#'   McLachlan, G. J. and Peel, D. (2000) *Finite Mixture Models*. Wiley.
#' @seealso [em_fit()], [em_gaussian()], [em_negbin()]
#' @examples
#' # Waiting times between eruptions: two skewed groups
#' fit <- em_fit(faithful$waiting, k = 2, family = "gamma")
#' coef(fit)
#'
#' # A mixture of two exponential distributions
#' times <- c(0.1, 0.3, 0.2, 4.1, 9.7, 0.6, 12.3, 0.4, 0.9, 7.5, 0.05, 2.2)
#' em_fit(times, k = 2, family = em_gamma(shape = 1))
#' @export
em_gamma <- function(shape = NULL) {
  if (is.null(shape)) return(new_em_family("gamma"))
  sound <- is.numeric(shape) && length(shape) == 1L && is.finite(shape) && shape > 0
  if (!sound) {
    abort_em("argument", c(
      sprintf("`shape` must be NULL or one number above 0, not %s.", describe_value(shape)),
      i = "Shapes that differ between components are held by em_fit(, fixed = list(shape = c(1, NA)))."
    ))
  }
  new_em_family("gamma", shape = as.double(shape))
}

#' @export
format.em_family_gamma <- function(x, ...) {
  check_dots(..., let_pass = format_arguments)
  if (is.null(x$shape)) "Gamma components" else sprintf("Gamma components%s", gamma_detail(x))
}

gamma_detail <- function(family) {
  sprintf(", shape held at %s%s", number(family$shape), if (family$shape == 1) " (exponential)" else "")
}

# The rows -----------------------------------------------------------------------------------------------------

#' @export
family_data.em_family_gamma <- function(family, frame, old = NULL, ...) {
  if (!is.null(old) && ncol(frame$x) != ncol(old$x)) {
    abort_em("newdata", sprintf("`newdata` must have %s of positive numbers, not %d.",
                                plural(ncol(old$x), "column"), ncol(frame$x)))
  }
  check_positive(frame, is.null(old))
  keep_cells(frame, is.null(old))
}

check_positive <- function(frame, is_new) {
  bad <- which(frame$x <= 0, arr.ind = TRUE)
  if (!nrow(bad)) return(invisible())
  rows <- sort(unique(bad[, 1L]))
  at <- bad[order(bad[, 1L]), , drop = FALSE][1L, ]
  value <- frame$x[at[1L], at[2L]]
  says <- c(
    sprintf("`%s` must have numbers above 0 for gamma components.", if (is_new) "x" else "newdata"),
    x = sprintf("Row %d has %s%s.", at[1L], number(value, 15L),
                if (ncol(frame$x) > 1L) paste(" in", name_columns(frame, at[2L])) else ""),
    x = if (length(rows) > 1L) sprintf("%d rows are affected (%s).", length(rows), enumerate(rows)),
    i = if (value == 0) "Zeros are often values below what could be measured: leave them out, x[x > 0], or use em_gaussian()."
        else "Leave these rows out, or use em_gaussian()."
  )
  if (is_new) abort_em("input", says) else abort_em("newdata", says)
}

# Rows with missing cells count by the others, as the core takes them.
keep_cells <- function(frame, is_new) {
  frame$gaps <- anyNA(frame$x)
  if (is.null(frame$missing)) return(frame)
  if (!is_new) return(frame)
  check_observed(frame)
  frame$missing$used <- TRUE # by cells
  drop_from_weights(frame, frame$missing$empty)
}

#' @export
family_observed.em_family_gamma <- function(family, data) data$x

# The model ----------------------------------------------------------------------------------------------------

#' @export
family_fields.em_family_gamma <- function(family, k, data) {
  p <- ncol(data$x)
  field <- function(name) {
    if (p == 1L) new_field("positive", "component", k, name)
    else new_field("positive", c("component", "variable"), c(k, p), name)
  }
  list(mean = field("mean"), shape = field("shape"))
}

#' @export
family_check.em_family_gamma <- function(family, data, k, estimated = TRUE) {
  if (!is.null(family$shape)) {
    p <- ncol(data$x)
    family$held$shape <- if (p == 1L) rep(family$shape, k) else matrix(family$shape, k, p)
  }
  if (estimated) check_distinct(data, k, least = if (is.null(family$shape)) 2L else 1L)
  family
}

#' @export
family_parameters.em_family_gamma <- function(family, start, k, data, fields = family_fields(family, k, data)) {
  if (is.null(start$shape)) start$shape <- family$held$shape
  family_parameters.default(family, start, k, data, fields)
}

#' @export
family_held.em_family_gamma <- function(family, fixed, k, data) {
  held_by_constructor(family_held.default(family, fixed, k, data), family, "shape")
}

#' @export
family_fills_gaps.em_family_gamma <- function(family) TRUE

#' @export
family_has_units.em_family_gamma <- function(family) FALSE

#' @export
family_can_collapse.em_family_gamma <- function(family) is.null(family$shape)

#' @export
family_steadier.em_family_gamma <- function(family) "shapes that are held, em_gamma(shape = 1)"

#' @export
family_spread_word.em_family_gamma <- function(family) "shape"

#' @export
family_is_bounded.em_family_gamma <- function(family) !is.null(family$shape)

#' @export
family_rows_needed.em_family_gamma <- function(family, data) if (is.null(family$shape)) 2 else 1

#' @export
family_least_rows.em_family_gamma <- function(family, data) if (is.null(family$shape)) 2 else 0

#' @export
family_no_density.em_family_gamma <- function(family, parameters) "its mean or its shape is no number above 0"

#' @export
family_too_few.em_family_gamma <- function(family) "has too few different values for its shape"

#' @export
family_label.em_family_gamma <- function(family, ...) {
  list(title = "Gamma mixture", detail = if (!is.null(family$shape)) sub("^, ", "", gamma_detail(family)))
}

#' @export
family_rows.em_family_gamma <- function(family, data) plural(ncol(data$x), "variable")

#' @export
family_summary.em_family_gamma <- function(family, parameters, data) {
  mean <- as.matrix(parameters$mean)
  shape <- as.matrix(parameters$shape)
  if (ncol(mean) == 1L) return(data.frame(mean = unname(mean[, 1L]), shape = unname(shape[, 1L])))
  names <- variable_names(data)
  out <- data.frame(unname(mean), unname(shape))
  names(out) <- c(paste0("mean.", names), paste0("shape.", names))
  out
}

#' @export
family_means.em_family_gamma <- function(family, parameters, data) {
  same_means(as.matrix(parameters$mean))
}

#' @export
family_order.em_family_gamma <- function(family, parameters) unname(as.matrix(parameters$mean)[, 1L])

#' @export
family_simulate.em_family_gamma <- function(family, parameters, component, data) {
  mean <- as.matrix(parameters$mean)[component, , drop = FALSE]
  shape <- as.matrix(parameters$shape)[component, , drop = FALSE]
  out <- as.data.frame(matrix(stats::rgamma(length(mean), shape, shape / mean), nrow(mean)))
  names(out) <- variable_names(data)
  out
}

# Three quarters of a standard deviation of log x to either side, or e times.
#' @export
family_split.em_family_gamma <- function(family, parameters, j) {
  mean <- as.matrix(parameters$mean)
  shape <- as.matrix(parameters$shape)
  by <- exp(pmin(0.75 / sqrt(shape[j, ]), 1))
  mean <- rbind(replace_row(mean, j, mean[j, ] / by), mean[j, ] * by)
  shape <- rbind(shape, shape[j, ])
  if (is.matrix(parameters$mean)) list(mean = mean, shape = shape) else list(mean = mean[, 1L], shape = shape[, 1L])
}

# Columns are independent: what was seen says nothing of what was not.
#' @export
family_conditional.em_family_gamma <- function(family, parameters, x, o, g, j) {
  mean <- as.matrix(parameters$mean)[j, g]
  shape <- as.matrix(parameters$shape)[j, g]
  n <- nrow(x)
  list(mean = matrix(mean, n, length(g), byrow = TRUE),
       draw = function() matrix(stats::rgamma(n * length(g), rep(shape, each = n), rep(shape / mean, each = n)), n))
}

# Pictures, and what they are drawn from ------------------------------------------------------------------------

#' @export
family_plots.em_family_gamma <- function(family, data) {
  one <- ncol(data$x) == 1L
  c("density", if (one) "responsibility", "uncertainty", "qq", "path", "trace")
}

#' @export
family_line.em_family_gamma <- function(family, data) {
  if (ncol(data$x) == 1L) list(x = data$x[, 1L], name = variable_names(data))
}

#' @export
family_margin.em_family_gamma <- function(family, parameters, data, beside = list()) {
  list(positive_block(variable_names(data), unname(as.matrix(parameters$mean)), unname(as.matrix(parameters$shape))))
}

#' @export
family_distribution.em_family_gamma <- function(family, parameters, x, column, what, data) {
  of <- switch(what, density = stats::dgamma, cdf = stats::pgamma)
  mean <- as.matrix(parameters$mean)[, column]
  shape <- as.matrix(parameters$shape)[, column]
  each <- vapply(seq_along(mean), function(j) of(x, shape[j], shape[j] / mean[j]), numeric(length(x)))
  each <- matrix(each, length(x))
  each[which(x <= 0), ] <- 0
  each
}

#' @export
family_path.em_family_gamma <- function(family, fit, path, chosen, variables) {
  at <- pick_variables(variable_names(fit$data), if (is.null(variables)) 1L else variables, "variables", most = 1L)
  path_curves(fit, path, chosen, at)
}
