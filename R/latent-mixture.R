#' Rows from independent components: a mixture
#'
#' Says which component each row comes from: independently of the other rows, with given proportions; or, with `unit`,
#' one component for all rows of a person, a series or a document. It is the `latent` argument of [em_fit()].
#'
#' @param proportions `"free"` (estimated), `"equal"` (1/k each, held), or k positive numbers that sum to one and
#'   are held as they are. With noise k + 1 numbers, its own the last; `"equal"` then leaves its proportion free,
#'   and the components share the rest equally.
#' @param noise `TRUE` adds a component of noise, for rows that belong to no group. Gaussian data only.
#' @param unit `NULL`: every row is by itself. Otherwise what says which rows share a component: the name of a column of
#'   the data, a formula such as `~ id` (looked up in the data, then where the formula was made), or a value for each
#'   row (a factor, text or numbers). Columns that it names are not fitted.
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
#' @section Units: With `unit` a unit u with rows x_1 .. x_m has the density \eqn{\sum_k \pi_k \prod_i f_k(x_i)}: its rows
#'   are independent given the component that they share. They may stand anywhere in the data, and may have missing
#'   cells. Proportions are those of units, and so are the numbers that count observations: [nobs()], and with it
#'   BIC and ICL, is the number of units (the sum of their weights). `counts` in a fit, the `n` of print, stay rows.
#'
#'   All rows of a unit have one responsibility. The log density of a row, `predict(type = "logdensity")`, is the one
#'   given the rows of its unit that stand before it, so that they add up to the log-likelihood. New rows need the columns
#'   that say the unit; what is predicted for them comes from the rows of their unit in `newdata` alone.
#'
#'   `weights` of [em_fit()] are those of units and must be the same in all rows of one; a label of any row is the label of
#'   its unit. Beliefs are the same in all rows. A partition given as a start may divide a unit. Starts that are drawn
#'   are groups of units (k-means++ of their means, random groups) and random rows. Whatever draws rows draws units: [em_bootstrap()], the folds of
#'   [em_select()], [em_lrt()], and [simulate()][simulate.em_fit], whose `n` is a number of units. Standard errors are
#'   those of independent units: see `type = "opg"` of [vcov()][vcov.em_fit]. Noise takes whole units.
#' @section Errors: `emfit_error_argument` where `proportions` is none of these, or does not sum to one (to
#'   1e-8), and where `unit` is none of the above. [em_fit()] raises `emfit_error_argument` for a column that the data
#'   lack, an NA among units, and weights or labels that differ in a unit (the message names the rows);
#'   `emfit_error_input` for fewer units than components; `emfit_error_unsupported` for noise beside binomial
#'   components. [predict()][predict.em_fit] raises `emfit_error_newdata` where the units of new rows are not said.
#' @references McLachlan, G. J. and Peel, D. (2000) *Finite Mixture Models*. Wiley. \doi{10.1002/0471721182}
#'
#'   Banfield, J. D. and Raftery, A. E. (1993) Model-based Gaussian and non-Gaussian clustering. *Biometrics* 49,
#'   803-821. \doi{10.2307/2532201}
#'
#'   Leisch, F. (2004) FlexMix: a general framework for finite mixture models and latent class regression in R.
#'   *Journal of Statistical Software* 11(8), 1-18. \doi{10.18637/jss.v011.i08}
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
#'
#' # Chicks that grow fast and chicks that grow slowly: one component for all days of a chick
#' growth <- em_fit(~ I(weight / (40 + 8 * Time)), data = ChickWeight, k = 2,
#'                  latent = em_mixture(unit = "Chick"),
#'                  control = em_control(n_start = 3))
#' growth
#' table(tapply(as.integer(predict(growth)), ChickWeight$Chick, unique))
#' @export
em_mixture <- function(proportions = "free", noise = FALSE, unit = NULL) {
  if (missing(proportions) && missing(noise) && is.null(unit)) return(plain_mixture)
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
  out <- new_em_latent("mixture", proportions = proportions, noise = noise)
  if (!is.null(unit)) out$unit <- check_unit(unit)
  out
}

check_unit <- function(unit) {
  if (inherits(unit, "formula") && length(unit) == 2L) return(unit)
  plain <- is.factor(unit) || is.null(dim(unit)) && (is.character(unit) || is.numeric(unit))
  if (plain && length(unit)) return(unit)
  abort_em("argument", c(
    sprintf("`unit` must be the name of a column, a formula such as ~ id, or a value for each row, not %s.",
            describe_value(unit)),
    i = "em_mixture(unit = \"id\")"
  ))
}

#' @export
latent_unit.em_latent_mixture <- function(latent) .subset2(latent, "unit")

# A fit keeps which columns say it, and of a value for each row that they were given: these are in its data.
#' @export
latent_settle.em_latent_mixture <- function(latent, units) {
  said <- latent$unit
  latent$unit <- if (!length(units$columns)) TRUE else if (inherits(said, "formula")) {
    environment(said) <- globalenv()
    said
  } else said
  latent
}

# What most calls mean. Written out, as it is made before the functions of other files are there.
plain_mixture <- structure(list(name = "mixture", proportions = "free", noise = FALSE),
                           class = c("em_latent_mixture", "em_latent"))

#' @export
format.em_latent_mixture <- function(x, ...) {
  check_dots(..., let_pass = format_arguments)
  proportions <- if (is.numeric(x$proportions)) enumerate(number(x$proportions)) else x$proportions
  paste0("Mixture, proportions ", proportions, if (is.numeric(x$proportions)) " (held)",
         if (has_noise(x)) ", and noise", format_unit(x$unit))
}

format_unit <- function(said) {
  if (is.null(said)) return("")
  column <- if (inherits(said, "formula")) deparse1(said[[2L]]) else if (is_unit_name(said)) said
  paste0(", one component for each unit", if (!is.null(column)) sprintf(" (%s)", column))
}

#' @export
latent_bind.em_latent_mixture <- function(latent, data, family) {
  if (.subset2(latent, "noise")) bind_noise(latent, data, family) else latent
}

# Numbers may or may not count noise.
#' @export
latent_k.em_latent_mixture <- function(latent) {
  proportions <- .subset2(latent, "proportions")
  if (is.numeric(proportions)) length(proportions) - has_noise(latent)
}

#' @export
latent_check.em_latent_mixture <- function(latent, k) {
  said <- .subset2(latent, "proportions")
  noise <- .subset2(latent, "noise")
  if (!is.numeric(said) || length(said) == k + noise) return(invisible())
  abort_em("argument", sprintf(
    "`proportions` must have one number for each component%s: k = %d, but %d were given.",
    if (noise) ", and one for noise" else "", k, length(said)
  ))
}

#' @export
latent_columns.em_latent_mixture <- function(latent, k) k + .subset2(latent, "noise")

#' @export
latent_fields.em_latent_mixture <- function(latent, k) resize_fields(share_fields, k + .subset2(latent, "noise"))

#' @export
latent_parameters.em_latent_mixture <- function(latent, start, k, names = NULL) {
  initial <- initial_proportions(latent, k)
  if (is.null(start$proportions)) return(list(proportions = initial))
  proportions <- noise_of_proportions(start$proportions, latent, k, names)
  proportions <- read_vector(proportions, "proportions", latent_columns(latent, k), "start")
  if (proportions_are_held(latent)) {
    check_held_proportions(proportions, initial)
    return(list(proportions = initial))
  }
  check_proportions(proportions)
  if (identical(latent$proportions, "equal")) proportions <- share_equally(proportions)
  list(proportions = proportions)
}

# Where the user says nothing; that of noise is the last.
initial_proportions <- function(latent, k) {
  if (identical(latent, plain_mixture)) return(rep(1 / k, k))
  if (is.numeric(latent$proportions)) {
    latent_check(latent, k)
    return(unname(as.double(latent$proportions)))
  }
  proportions <- rep(1 / k, k)
  if (has_noise(latent)) proportions <- with_noise_share(proportions)
  if (is.null(latent$held)) proportions else spread_proportions(proportions, latent$held)
}

check_held_proportions <- function(proportions, held) {
  if (max(abs(proportions - held)) < 1e-8) return(invisible())
  abort_em("start", c(
    sprintf("`start$proportions` can't be %s: em_mixture() holds them at %s.", enumerate(number(proportions)),
            enumerate(number(held))),
    i = "Leave them out of `start`."
  ))
}

check_proportions <- function(proportions) {
  if (all(proportions >= 0) && abs(sum(proportions) - 1) <= 1e-6) return(invisible())
  abort_em("start", c("`start$proportions` must be numbers of 0 or more that sum to 1.",
                      x = sprintf("They are %s and sum to %s.", enumerate(number(proportions)),
                                  number(sum(proportions), 8L))))
}

# Proportions may or may not count noise.
#' @export
latent_components_of.em_latent_mixture <- function(latent, given) {
  if (!is.null(given$proportions)) length(given$proportions) - has_noise(latent)
}

#' @export
latent_hold.em_latent_mixture <- function(latent, fixed, k) {
  if (is.null(fixed$proportions)) return(latent)
  latent$held <- fixed_proportions(fixed$proportions, latent, latent_columns(latent, k))
  latent$proportions <- "free"
  latent
}

fixed_proportions <- function(proportions, latent, k) {
  held <- read_vector(proportions, "proportions", k, "fixed")
  if (!identical(latent$proportions, "free")) {
    abort_em("fixed", c("`fixed$proportions` can't be given where em_mixture() holds the proportions.",
                        i = "Use em_mixture(\"free\")."))
  }
  refuse_numbers(held, held <= 0 | held > 1, "proportions", "fixed", "above 0 and at most 1")
  total <- sum(held, na.rm = TRUE)
  if (anyNA(held) && total >= 1 || !anyNA(held) && abs(total - 1) > 1e-8) {
    abort_em("fixed", sprintf("`fixed$proportions` sum to %s; they must sum to %s.", number(total, 8L),
                              if (anyNA(held)) "less than 1 where others are free" else "1"))
  }
  held
}

#' @export
latent_held.em_latent_mixture <- function(latent, k) {
  held <- .subset2(latent, "held")
  if (!is.null(held)) list(proportions = held)
}

#' @export
latent_release.em_latent_mixture <- function(latent) {
  latent[c("proportions", "held")] <- list("free", NULL)
  latent
}

#' @export
latent_override.em_latent_mixture <- function(latent, parameters, k) {
  parameters$proportions <- spread_proportions(parameters$proportions, latent$held)
  parameters
}

spread_proportions <- function(proportions, held) {
  if (is.null(held)) return(proportions)
  free <- is.na(held)
  share <- proportions[free]
  if (sum(share) <= 0) share[] <- 1
  proportions[free] <- (1 - sum(held[!free])) * share / sum(share)
  proportions[!free] <- held[!free]
  proportions
}

#' @export
latent_is_held.em_latent_mixture <- function(latent, k) k == 1L && !has_noise(latent) || proportions_are_held(latent)

# Beside equal ones noise is free.
proportions_are_held <- function(latent) {
  latent <- unclass(latent)
  if (is.numeric(latent$proportions)) return(TRUE)
  if (latent$proportions == "equal") return(!has_noise(latent))
  length(latent$held) > 0L && !anyNA(latent$held)
}

#' @export
latent_native.em_latent_mixture <- function(latent, k) {
  if (identical(latent, plain_mixture)) {
    return(list(name = "mixture", proportions = rep(1 / k, k), held = rep(NaN, k), noise = FALSE, alike = FALSE))
  }
  proportions <- initial_proportions(latent, k)
  noise <- has_noise(latent)
  list(name = latent$name, proportions = proportions, held = native_held(latent, proportions),
       noise = noise, alike = noise && identical(latent$proportions, "equal"))
}

# The numbers that are held, NaN where free.
native_held <- function(latent, proportions) {
  if (!is.null(latent$held)) return(replace(latent$held, is.na(latent$held), NaN))
  if (proportions_are_held(latent)) proportions else rep(NaN, length(proportions))
}

#' @export
latent_starts.em_latent_mixture <- function(latent, items, native, model) {
  if (has_noise(latent)) noisy_starts(items, native, model) else items
}

# Every start of one component leads to the closed form, or differs in its share of noise alone.
#' @export
latent_draws.em_latent_mixture <- function(latent, k, n_start) {
  if (k > 1L) return(n_start)
  if (has_noise(latent)) min(n_start, length(noise_shares)) else 1L
}

#' @export
latent_start.em_latent_mixture <- function(latent, start, kind, data) {
  if (has_noise(latent)) noise_of_start(start, kind, data) else list(start = start, kind = kind)
}

#' @export
latent_given.em_latent_mixture <- function(latent, groups, data, k) {
  if (has_noise(latent)) known_with_noise(groups, data) else one_hot(groups, data, k)
}

#' @export
latent_from_partition.em_latent_mixture <- function(latent, parameters, k) {
  parameters$proportions <- if (identical(latent$proportions, "free") && is.null(latent$held))
    with_noise_share(parameters$proportions) else initial_proportions(latent, k)
  parameters
}

#' @export
latent_simulate.em_latent_mixture <- function(latent, parameters, n, labels = NULL, units = NULL) {
  if (is.null(units)) return(simulate_components(parameters$proportions, n, labels))
  first <- which(!duplicated(units))
  simulate_components(parameters$proportions, length(first), keep_labels(labels, first))[match(units, units[first])]
}

# Components (k + 1 is noise) drawn for n rows, of which labels may say something.
simulate_components <- function(proportions, n, labels) {
  columns <- length(proportions)
  if (!is.null(labels$beliefs)) {
    mass <- labels$beliefs * rep(proportions, each = n)
    below <- stats::runif(n) * rowSums(mass) > row_cumsum(mass)
    return(as.integer(pmin(1 + rowSums(matrix(below, n)), columns)))
  }
  out <- sample.int(columns, n, replace = TRUE, prob = proportions)
  known <- which(!is.na(labels$codes))
  out[known] <- ifelse(labels$codes[known] == 0L, columns, labels$codes[known])
  out
}

# Half for each; noise stays the last.
#' @export
latent_split.em_latent_mixture <- function(latent, parameters, j, k) {
  half <- parameters$proportions[j] / 2
  settle_proportions(append(replace(parameters$proportions, j, half), half, k), latent, k + 1L)
}

#' @export
latent_merge.em_latent_mixture <- function(latent, parameters, pair, k) {
  both <- sum(parameters$proportions[pair])
  settle_proportions(replace(parameters$proportions, pair[1L], both)[-pair[2L]], latent, k - 1L)
}

# What the structure makes of proportions.
settle_proportions <- function(proportions, latent, k) {
  if (proportions_are_held(latent)) proportions <- initial_proportions(latent, k)
  else if (identical(latent$proportions, "equal")) proportions <- share_equally(proportions)
  list(proportions = proportions)
}

#' @export
latent_is_ordered.em_latent_mixture <- function(latent) is.numeric(.subset2(latent, "proportions"))

#' @export
latent_names.em_latent_mixture <- function(latent, k) names(latent$proportions)[seq_len(k)]

#' @export
latent_is_exchangeable.em_latent_mixture <- function(latent, k) {
  held <- latent$proportions
  is.null(latent$held) && (!is.numeric(held) || all(held[seq_len(k)] == held[1L]))
}

#' @export
latent_label.em_latent_mixture <- function(latent) if (has_noise(latent)) " and noise" else ""

#' @export
latent_rows_together.em_latent_mixture <- function(latent) {
  said <- latent_unit(latent)
  if (!is.null(said)) chunk_unit_column(said, "em_mixture(unit = \"id\")")
}

#' @export
latent_assigns.em_latent_mixture <- function(latent) TRUE
