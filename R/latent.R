# The contract of a latent structure, R's half; the other is src/latent.h. As a family, it is an inert list.

new_em_latent <- function(name, ...) {
  out <- list(name = name, ...)
  class(out) <- c(paste0("em_latent_", name), "em_latent")
  out
}

#' Rows from independent components: a mixture
#'
#' Says which component each row comes from: independently of the other rows, with given proportions. It is the
#' `latent` argument of [em_fit()].
#'
#' @param proportions `"free"` (estimated), `"equal"` (1/k each, held), or k positive numbers that sum to one and
#'   are held as they are. With noise k + 1 numbers, its own the last; `"equal"` then leaves its proportion free,
#'   and the components share the rest equally.
#' @param noise `TRUE` adds a component of noise, for rows that belong to no group. Gaussian data only.
#' @return An object of class `em_latent`: a plain list, to be given to [em_fit()].
#' @section Noise: Noise has the constant density 1/V, V the smaller volume of two boxes that hold all rows: one
#'   along the columns, one along their principal axes (Banfield & Raftery 1993). Where cells are missing it is
#'   the one along the columns, so that a row has the density of the cells that it has. Rows of weight 0 do not
#'   count for the box. V is taken as known: it costs no degree of freedom, the proportion of noise costs one.
#'   The density is the same outside of the box, so new rows far away are noise to [predict()].
#'
#'   In a fit with noise `k` counts the components without it. Proportions, responsibilities and the levels of the
#'   classes have one entry more, the last, named `"noise"`; `fit$noise_volume` is V.
#'
#'   A start may say what is noise: a partition with a level `"noise"`, responsibilities with k + 1 columns,
#'   proportions with k + 1 numbers. Where it doesn't, noise begins with 0.05 of the rows. Starts that are drawn
#'   take 5, 15 and 30 % of the rows for noise, in turn: those least likely under the groups that were drawn.
#'   Rows can be labelled `"noise"` in the `labels` of [em_fit()].
#' @section Errors: `emfit_error_argument` where `proportions` is none of these, or does not sum to one (to
#'   1e-8). [em_fit()] raises `emfit_error_unsupported` for noise beside binomial components.
#' @references McLachlan, G. J. and Peel, D. (2000) *Finite Mixture Models*. Wiley. \doi{10.1002/0471721182}
#'
#'   Banfield, J. D. and Raftery, A. E. (1993) Model-based Gaussian and non-Gaussian clustering. *Biometrics* 49,
#'   803-821. \doi{10.2307/2532201}
#' @seealso [em_fit()], [em_gaussian()], [em_binomial()]
#' @examples
#' em_mixture("equal")
#' em_fit(faithful, k = 2, latent = em_mixture(c(0.4, 0.6)))
#'
#' set.seed(1)
#' x <- rbind(as.matrix(faithful), cbind(runif(40, 1, 6), runif(40, 35, 100)))
#' fit <- em_fit(x, k = 2, latent = em_mixture(noise = TRUE))
#' fit
#' table(predict(fit))
#' @export
em_mixture <- function(proportions = "free", noise = FALSE) {
  if (missing(proportions) && missing(noise)) return(plain_mixture)
  noise <- check_flag(noise, "noise")
  if (is.numeric(proportions)) {
    if (!length(proportions) || anyNA(proportions) || any(proportions <= 0) ||
        abs(sum(proportions) - 1) > 1e-8) {
      abort_em("argument", c(
        "`proportions` must be positive numbers that sum to 1.",
        x = sprintf("They are %s and sum to %s.", enumerate(number(proportions)),
                    number(sum(proportions), 10L))
      ))
    }
  } else {
    proportions <- check_choice(proportions, "proportions", c("free", "equal"))
  }
  new_em_latent("mixture", proportions = proportions, noise = noise)
}

# What most calls mean.
plain_mixture <- new_em_latent("mixture", proportions = "free", noise = FALSE)

as_em_latent <- function(latent) {
  if (inherits(latent, "em_latent")) return(latent)
  if (identical(latent, em_mixture) || identical(latent, "mixture")) return(em_mixture())
  abort_em("argument", c(sprintf("`latent` must be a call such as em_mixture(), not %s.", describe_value(latent)),
                         i = latent_habit(latent)))
}

# The starting proportions, that of noise the last.
latent_proportions <- function(latent, k) {
  if (identical(latent, plain_mixture)) return(rep(1 / k, k))
  latent <- unclass(latent)
  noise <- has_noise(latent)
  if (is.numeric(latent$proportions)) {
    if (length(latent$proportions) != k + noise) {
      abort_em("argument", sprintf(
        "`proportions` must have one number for each component%s: k = %d, but %d were given.",
        if (noise) ", and one for noise" else "", k, length(latent$proportions)
      ))
    }
    return(unname(as.double(latent$proportions)))
  }
  proportions <- rep(1 / k, k)
  if (noise) proportions <- with_noise_share(proportions)
  if (is.null(latent$held)) proportions else spread_proportions(proportions, latent$held)
}

# Are all proportions held? Beside equal ones noise is free.
latent_is_held <- function(latent) {
  latent <- unclass(latent)
  if (is.numeric(latent$proportions)) return(TRUE)
  if (latent$proportions == "equal") return(!has_noise(latent))
  length(latent$held) > 0L && !anyNA(latent$held)
}

# The numbers that are held, NaN where free.
latent_held <- function(latent, proportions) {
  latent <- unclass(latent)
  if (!is.null(latent$held)) return(replace(latent$held, is.na(latent$held), NaN))
  if (latent_is_held(latent)) proportions else rep(NaN, length(proportions))
}

#' @export
format.em_latent <- function(x, ...) {
  check_dots(..., let_pass = format_arguments)
  proportions <- if (is.numeric(x$proportions)) enumerate(number(x$proportions)) else x$proportions
  paste0("Mixture, proportions ", proportions, if (is.numeric(x$proportions)) " (held)",
         if (has_noise(x)) ", and noise")
}

#' @export
print.em_latent <- function(x, ...) {
  check_dots(..., let_pass = print_arguments)
  cat(format(x), "\n", sep = "")
  invisible(x)
}
