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
#'   are held as they are.
#' @return An object of class `em_latent`: a plain list, to be given to [em_fit()].
#' @section Errors: `emfit_error_argument` where `proportions` is none of these, or does not sum to one (to
#'   1e-8).
#' @references McLachlan, G. J. and Peel, D. (2000) *Finite Mixture Models*. Wiley. \doi{10.1002/0471721182}
#' @seealso [em_fit()], [em_gaussian()], [em_binomial()]
#' @examples
#' em_mixture("equal")
#' em_fit(faithful, k = 2, latent = em_mixture(c(0.4, 0.6)))
#' @export
em_mixture <- function(proportions = "free") {
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
  new_em_latent("mixture", proportions = proportions)
}

as_em_latent <- function(latent) {
  if (inherits(latent, "em_latent")) return(latent)
  if (identical(latent, em_mixture) || identical(latent, "mixture")) return(em_mixture())
  abort_em("argument", sprintf("`latent` must be a call such as em_mixture(), not %s.", describe_value(latent)))
}

# The starting proportions, and whether they are held.
latent_proportions <- function(latent, k) {
  if (is.numeric(latent$proportions)) {
    if (length(latent$proportions) != k) {
      abort_em("argument", sprintf(
        "`proportions` must have one number for each component: k = %d, but %d were given.",
        k, length(latent$proportions)
      ))
    }
    return(unname(as.double(latent$proportions)))
  }
  proportions <- rep(1 / k, k)
  if (is.null(latent$held)) proportions else spread_proportions(proportions, latent$held)
}

latent_is_held <- function(latent) !identical(latent$proportions, "free") || !anyNA(latent$held) && length(latent$held) > 0L

# The numbers that are held, NaN where free.
latent_held <- function(latent, proportions) {
  if (!is.null(latent$held)) return(replace(latent$held, is.na(latent$held), NaN))
  if (identical(latent$proportions, "free")) rep(NaN, length(proportions)) else proportions
}

#' @export
format.em_latent <- function(x, ...) {
  proportions <- if (is.numeric(x$proportions)) enumerate(number(x$proportions)) else x$proportions
  paste0("Mixture, proportions ", proportions, if (is.numeric(x$proportions)) " (held)")
}

#' @export
print.em_latent <- function(x, ...) {
  cat(format(x, ...), "\n", sep = "")
  invisible(x)
}
