#' Binomial components
#'
#' Says that a component gives a number of successes out of a number of trials, with a probability of its own: a
#' coin. It is the `family` argument of [em_fit()]. The number of trials may differ from row to row.
#'
#' The data are two columns, successes and failures, as in [stats::glm()]: `cbind(heads, tails) ~ 1` or a matrix
#' of two columns. Or they are the successes alone (a vector, or one column), with the trials in `size`.
#'
#' The log-likelihood includes the binomial coefficients. A row with 0 trials says nothing: it keeps its place
#' in every output, its responsibilities are the proportions, and it is not counted by [nobs()]. So does a row
#' with a missing count.
#'
#' @param size `NULL` where the data have two columns; otherwise the number of trials: one number, or one for
#'   each row.
#' @return An object of class `em_family`: a plain list, to be given to [em_fit()].
#' @section Errors: `emfit_error_counts` names the row and the values where a count is negative, not whole, or
#'   above its trials. `emfit_error_argument` where `size` is neither of the above.
#' @section Warnings: `emfit_warning_unidentified` where a mixture of k components is fitted to rows of fewer than
#'   2k - 1 trials: different parameters then have the same likelihood (Blischke 1964).
#' @references Do, C. B. and Batzoglou, S. (2008) What is the expectation maximization algorithm? *Nature
#'   Biotechnology* 26, 897-899. \doi{10.1038/nbt1406}
#'
#'   Blischke, W. R. (1964) Estimating the parameters of mixtures of binomial distributions. *Journal of the
#'   American Statistical Association* 59, 510-528. \doi{10.1080/01621459.1964.10482176}
#' @seealso [em_fit()], [em_mixture()], [coins]
#' @examples
#' em_fit(coins$heads, k = 2, family = em_binomial(size = 10))
#' @export
em_binomial <- function(size = NULL) {
  if (!is.null(size) && (!is.numeric(size) || is.object(size) || !length(size) || anyNA(size) ||
                         any(size < 0 | is.infinite(size) | size != floor(size)))) {
    abort_em("argument", sprintf("`size` must be NULL or whole numbers of 0 or more, not %s.",
                                 describe_value(size)))
  }
  new_em_family("binomial", size = if (!is.null(size)) as.double(size))
}

#' @export
format.em_family_binomial <- function(x, ...) {
  size <- x$size
  paste0("Binomial components", if (length(size) == 1L) sprintf(" of %s", plural(size, "trial")))
}

# x becomes successes and trials; a row without trials gets weight 0, and one with a missing count is a row
# without trials.
#' @export
family_data.em_family_binomial <- function(family, frame, old = NULL, ...) {
  arg <- if (is.null(old)) "x" else "newdata"
  counts <- count_rows(frame$x, binomial_size(family, frame, arg))
  if (!counts$sound) abort_counts(counts$x, arg, is.null(family$size))
  frame$x <- counts$x
  empty <- counts$empty
  if (is.null(old) && length(empty)) {
    frame <- drop_from_weights(frame, empty)
    if (!any(frame$weights > 0)) abort_em("counts", "`x` has no trials in any row that counts.")
    frame$n_empty <- length(setdiff(empty, frame$missing$rows))
  }
  frame
}

# Trials as the user gave them: NA where a count is missing.
trials_of <- function(data) {
  trials <- data$x[, 2L]
  trials[data$missing$rows] <- NA
  trials
}

# The trials of every row, or one number for all; NULL where the second column has the failures.
binomial_size <- function(family, frame, arg) {
  size <- family$size
  n <- nrow(frame$x)
  if (is.null(size)) {
    if (ncol(frame$x) == 2L) return(NULL)
    abort_em("input", c(
      sprintf("`%s` must have two columns, successes and failures, not %d.", arg, ncol(frame$x)),
      i = if (ncol(frame$x) == 1L) "Or say how many trials there were: family = em_binomial(size = )."
    ))
  }
  if (ncol(frame$x) != 1L) {
    abort_em("input", sprintf("`%s` must have one column, the successes, where `size` is given, not %d.", arg,
                              ncol(frame$x)))
  }
  omitted <- frame$na.action
  if (length(omitted) && length(size) == n + length(omitted)) size <- size[-as.integer(omitted)]
  if (!length(size) %in% c(1L, n)) {
    abort_em("argument", sprintf("`size` must be one number or one for each row: %d, not %s.", n, count(size)))
  }
  size
}

abort_counts <- function(counts, arg, two_columns) {
  successes <- counts[, 1L]
  trials <- counts[, 2L]
  if (sum(trials) > 2^53) {
    abort_em("counts", c(
      sprintf("`%s` has %s trials in all; beyond 2^53 one more or less is lost in rounding.", arg, number(sum(trials))),
      x = sprintf("Row %d has %s.", which.max(trials), number(max(trials), 15L))
    ))
  }
  failures <- trials - successes
  defects <- list(
    "can't have negative counts" = successes < 0 | (two_columns & failures < 0),
    "must hold whole numbers" = successes != floor(successes) | trials != floor(trials),
    "can't have more successes than trials" = failures < 0
  )
  for (defect in names(defects)) {
    rows <- which(defects[[defect]])
    if (!length(rows)) next
    second <- if (two_columns) paste("and", number(failures[rows[1L]], 15L), "failures")
              else paste("out of", number(trials[rows[1L]], 15L), "trials")
    abort_em("counts", c(
      sprintf("`%s` %s.", arg, defect),
      x = sprintf("Row %d has %s successes %s.", rows[1L], number(successes[rows[1L]], 15L), second),
      x = if (length(rows) > 1L) sprintf("%d rows are affected (%s).", length(rows), enumerate(rows))
    ))
  }
}

#' @export
family_check.em_family_binomial <- function(family, data, k, estimated = TRUE) {
  if (!estimated) return(family)
  # Of many rows the first nearly always tell.
  trials <- data$x[seq_len(min(data$n, 1000L)), 2L]
  if (k > sum(trials > 0) || max(trials) < 2 * k - 1) trials <- data$x[, 2L]
  if (k > sum(trials > 0)) {
    informative <- data$x[trials > 0, , drop = FALSE]
    abort_too_many(k, nrow(informative), nrow(unique(informative)), "Use fewer components.")
  }
  largest <- max(trials)
  if (largest < 2 * k - 1) {
    warn_em("unidentified", c(
      sprintf("A mixture of %d binomials needs rows of at least %d trials to be identified; the most here is %d.",
              k, 2L * k - 1L, as.integer(largest)),
      i = "Other parameters have the same likelihood. Use fewer components."
    ))
  }
  family
}

#' @export
family_slots.em_family_binomial <- function(family, d) "prob"

#' @export
family_parameters.em_family_binomial <- function(family, start, k, data) {
  check_start_names(start, "prob")
  list(prob = read_prob(start$prob, k, "start"))
}

#' @export
family_label.em_family_binomial <- function(family, ...) list(title = "Binomial mixture", detail = NULL)

#' @export
family_summary.em_family_binomial <- function(family, parameters, data) {
  data.frame(prob = unname(parameters$prob))
}

#' @export
family_means.em_family_binomial <- function(family, parameters, data) {
  array(outer(trials_of(data), unname(parameters$prob)), c(data$n, 1L, length(parameters$prob)))
}

#' @export
family_observed.em_family_binomial <- function(family, data) {
  out <- data$x[, 1L, drop = FALSE]
  out[data$missing$rows, ] <- NA
  out
}

#' @export
family_order.em_family_binomial <- function(family, parameters) parameters$prob

#' @export
family_simulate.em_family_binomial <- function(family, parameters, component, data) {
  trials <- trials_of(data)
  successes <- stats::rbinom(length(component), data$x[, 2L], parameters$prob[component])
  successes[is.na(trials)] <- NA
  if (!is.null(family$size)) {
    out <- data.frame(successes)
    names(out) <- if (is.null(data$names)) "successes" else data$names
    return(out)
  }
  out <- data.frame(successes, trials - successes)
  names(out) <- if (is.null(data$names)) c("successes", "failures") else data$names
  out
}

# Trials in the place of failures are never fewer than the successes.
#' @export
family_hint.em_family_binomial <- function(family, data) {
  x <- data$x[data$x[, 2L] > 0, , drop = FALSE]
  if (!is.null(family$size) || nrow(x) < 3L || any(2 * x[, 1L] > x[, 2L])) return(NULL)
  paste("No row has more successes than failures: are the failures the trials? Then give the successes alone, with",
        "family = em_binomial(size = ).")
}

# A quarter of the way to either end.
#' @export
family_split.em_family_binomial <- function(family, parameters, j) {
  prob <- parameters$prob[j]
  list(proportions = split_proportions(parameters, j),
       prob = c(replace(parameters$prob, j, 0.75 * prob), prob + 0.25 * (1 - prob)))
}
