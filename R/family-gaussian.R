# The 14 structures: volume, shape, orientation; what each is called; src/covariance.h has the mathematics.
gaussian_structures <- c("EII", "VII", "EEI", "VEI", "EVI", "VVI", "EEE", "VEE", "EVE", "VVE", "EEV", "VEV",
                         "EVV", "VVV")
gaussian_words <- c(full = "VVV", tied = "EEE", diagonal = "VVI", spherical = "VII")
gaussian_names <- c(gaussian_structures, "E", "V", names(gaussian_words))

#' Gaussian components
#'
#' Says that a component is a normal distribution in one or many dimensions, under a covariance structure. It is
#' the `family` argument of [em_fit()].
#'
#' The covariance of component k is taken apart into volume, shape and orientation,
#' \eqn{\Sigma_k = \lambda_k D_k A_k D_k'} with \eqn{|A_k| = 1}, and each of the three may be equal (E) over the
#' components, variable (V), or the identity (I): `"VVV"` is unrestricted, `"EEE"` one covariance for all,
#' `"VVI"` diagonal, `"VII"` spherical. In one dimension only the volume is left: a name that begins with E
#' means one variance for all components, one that begins with V a variance for each.
#'
#' @param covariance One of the 14 names of three letters, or `"full"` (VVV), `"tied"` (EEE), `"diagonal"`
#'   (VVI), `"spherical"` (VII); for one dimension also `"V"` and `"E"`.
#' @param prior `NULL`, or a prior on means and covariances: [em_prior()].
#' @return An object of class `em_family`: a plain list, to be given to [em_fit()].
#' @section Errors: `emfit_error_argument` names the structures there are.
#' @references Banfield, J. D. and Raftery, A. E. (1993) Model-based Gaussian and non-Gaussian clustering.
#'   *Biometrics* 49, 803-821. \doi{10.2307/2532201}
#'
#'   Celeux, G. and Govaert, G. (1995) Gaussian parsimonious clustering models. *Pattern Recognition* 28,
#'   781-793. \doi{10.1016/0031-3203(94)00125-6}
#' @seealso [em_fit()], [em_mixture()], [em_prior()]
#' @examples
#' em_gaussian("tied")
#' em_fit(faithful, k = 2, family = em_gaussian("EEE"))
#' @export
em_gaussian <- function(covariance = "VVV", prior = NULL) {
  known <- gaussian_names
  named <- !missing(covariance)
  if (!is.character(covariance) || length(covariance) != 1L || match(covariance, known, 0L) == 0L) {
    abort_em("argument", c(
      sprintf("`covariance` must name a structure, not %s.", describe_value(covariance)),
      x = paste0("There are ", paste(known, collapse = ", "), "."),
      i = did_you_mean(covariance, known)
    ))
  }
  if (nchar(covariance) > 3L) covariance <- gaussian_words[[covariance]]
  told <- list(name = "gaussian", covariance = covariance)
  if (!is.null(prior)) told$prior <- check_prior(prior)
  if (named) told$named <- TRUE # em_select() must know whether a structure was asked for; fits don't carry this
  class(told) <- c("em_family_gaussian", "em_family")
  told
}

#' @export
format.em_family_gaussian <- function(x, ...) {
  check_dots(..., let_pass = format_arguments)
  paste0("Gaussian components, ", covariance_label(x$covariance), " (", x$covariance, ")",
         if (!is.null(x$prior)) ", with a prior")
}

covariance_label <- function(name) {
  words <- c(VVV = "full covariance", EEE = "tied covariance", VVI = "diagonal covariance",
             VII = "spherical covariance", E = "equal variance", V = "free variance")
  if (name %in% names(words)) return(words[[name]])
  letters <- strsplit(name, "")[[1L]]
  meaning <- c(E = "equal", V = "variable", I = "identity")[letters]
  paste0(c("volume ", "shape ", "orientation "), meaning, collapse = ", ")
}

# Volume, shape and orientation shared; then no orientation; then no shape.
#' @export
family_simpler.em_family_gaussian <- function(family) {
  structure <- .subset2(family, "covariance")
  if (structure %in% c("E", "EII")) return(NULL)
  if (structure == "V") return("E")
  last <- substr(structure, 3L, 3L)
  if (structure == "EEI" || structure == "VII") return("EII")
  if (last == "I" || structure == "EEE") "EEI" else "EEE"
}

gaussian_is_diagonal <- function(family) {
  substr(family$covariance, 3L, 3L) == "I" || nchar(family$covariance) == 1L
}

#' @export
family_data.em_family_gaussian <- function(family, frame, old = NULL, ...) {
  if (!is.null(old) && ncol(frame$x) != ncol(old$x)) {
    abort_em("newdata", sprintf("`newdata` must have %s, not %d.", plural(ncol(old$x), "column"),
                                ncol(frame$x)))
  }
  if (is.null(frame$missing)) return(frame)
  if (is.null(old)) check_observed(frame)
  frame$order <- order_by_pattern(frame$x)
  frame$missing$patterns <- count_patterns(frame$x, frame$order)
  if (is.null(old)) frame <- drop_from_weights(frame, frame$missing$empty)
  frame
}

#' @export
family_fields.em_family_gaussian <- function(family, k, data) {
  d <- dim(data$x)[2L]
  if (d == 1L) return(resize_fields(line_fields, k))
  list(mean = new_field("real", c("component", "variable"), c(k, d), "mean"),
       covariance = new_field("covariance", c("variable", "variable", "component"), c(d, d, k), "covariance"))
}

#' @export
family_shifts.em_family_gaussian <- function(family) TRUE

#' @export
family_allows_noise.em_family_gaussian <- function(family) TRUE

#' @export
family_check.em_family_gaussian <- function(family, data, k, estimated = TRUE) {
  d <- dim(data$x)[2L]
  structure <- .subset2(family, "covariance")
  prior <- .subset2(family, "prior")
  # A prior says what rows don't: its maximum exists for any of them.
  if (estimated && is.null(prior)) check_distinct(data, k, least = 2L)
  if (d > 1L && nchar(structure) == 1L) {
    abort_em("argument", c(
      sprintf("`covariance` = \"%s\" is for one dimension, but `x` has %d columns.", structure, d),
      i = sprintf("Use \"%sII\" or \"%sVV\".", structure, structure)
    ))
  }
  if (!is.null(data$missing) && !gaussian_is_diagonal(family)) warn_never_together(data)
  # In one dimension every structure is its volume alone.
  if (d == 1L && structure != "V" && structure != "E") family$covariance <- substr(structure, 1L, 1L)
  if (!is.null(prior)) family$prior <- resolve_prior(prior, data, k)
  family
}

#' @export
family_label.em_family_gaussian <- function(family, ...) {
  list(title = "Gaussian mixture",
       detail = paste0(sprintf("%s (%s)", covariance_label(family$covariance), family$covariance),
                       if (!is.null(family$prior)) ", with a prior"))
}

#' @export
family_summary.em_family_gaussian <- function(family, parameters, data) {
  if (!is.null(parameters$sd)) {
    return(data.frame(mean = unname(parameters$mean), sd = unname(parameters$sd)))
  }
  out <- as.data.frame(unname(parameters$mean))
  names(out) <- variable_names(data)
  out
}

#' @export
family_columns.em_family_gaussian <- function(family, parameters, data) {
  means <- family_summary(family, parameters, data)
  if (!is.null(parameters$sd)) return(means)
  names <- variable_names(data)
  sd <- t(apply(parameters$covariance, 3L, function(sigma) sqrt(diag(as.matrix(sigma)))))
  data.frame(stats::setNames(means, paste0("mean.", names)),
             stats::setNames(as.data.frame(sd), paste0("sd.", names)), check.names = FALSE)
}

# Names to show where the user gave none.
variable_names <- function(data) {
  if (!is.null(data$names)) return(data$names)
  if (ncol(data$x) == 1L) "x" else paste0("x", seq_len(ncol(data$x)))
}

#' @export
family_rows.em_family_gaussian <- function(family, data) plural(ncol(data$x), "variable")

# Zeros and ones are numbers like others, but a normal distribution can shrink onto either.
#' @export
family_tell.em_family_gaussian <- function(family, data) {
  may_be <- match(data$x[1L, ], c(0, 1, NA), 0L) > 0L
  if (!any(may_be)) return(invisible())
  binary <- which(may_be)
  binary <- binary[vapply(binary, function(j) is_binary_column(data$x[, j]), NA)]
  if (!length(binary)) return(invisible())
  all <- length(binary) == ncol(data$x)
  inform_em("columns", c(
    sprintf("%s %s only 0 and 1, and normal components can shrink onto either.", name_column(data, binary),
            if (length(binary) > 1L) "have" else "has"),
    i = if (all) "family = \"bernoulli\" gives probabilities." else "Such columns are for family = \"bernoulli\"; beside others: em_mixed()."
  ))
}

# The first values nearly always tell.
is_binary_column <- function(x) {
  all(x[seq_len(min(8L, length(x)))] %in% c(0, 1, NA)) && all(x %in% c(0, 1, NA)) && all(c(0, 1) %in% x)
}
