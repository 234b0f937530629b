#' Binomial components
#'
#' Says that a component gives a number of successes out of a number of trials, with a probability of its own: a
#' coin. It is the `family` argument of [em_fit()]. The number of trials may differ from row to row.
#'
#' The data are two columns, successes and failures, as in [stats::glm()]: `cbind(heads, tails) ~ 1` or a matrix
#' of two columns. Or they are the successes alone (a vector, or one column), with the trials in `size`.
#'
#' New rows need trials too. One number stands for all rows, old and new. A column that `size` names is found by
#' that name in the data and in new rows. Trials that were given one for each row say nothing of other rows: these
#' get theirs by the `size` argument of [predict()][predict.em_fit()], [augment()][augment.em_fit()], [em_estep()]
#' and [em_mstep()], or, where the fit is of a vector, from a matrix of two columns, successes and failures;
#' otherwise it is an error of class `emfit_error_newdata`.
#'
#' The log-likelihood includes the binomial coefficients. A row with 0 trials says nothing: it keeps its place
#' in every output, its responsibilities are the proportions, and it is not counted by [nobs()]. So does a row
#' with a missing count.
#'
#' @param size `NULL` where the data have two columns; otherwise the number of trials: one number, one for
#'   each row, or the name of a column of the data that has them.
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
#'
#' coins$tosses <- coins$heads + coins$tails
#' fit <- em_fit(heads ~ 1, data = coins, k = 2, family = em_binomial(size = "tosses"))
#' predict(fit, data.frame(heads = c(3, 30), tosses = c(10, 40)))
#' @export
em_binomial <- function(size = NULL) {
  if (is.character(size) && length(size) == 1L && !is.na(size) && nzchar(size)) {
    return(new_em_family("binomial", size = size))
  }
  if (!is.null(size) && (!is.numeric(size) || is.object(size) || !length(size) || anyNA(size) ||
                         any(size < 0 | is.infinite(size) | size != floor(size)))) {
    abort_em("argument", sprintf("`size` must be NULL, whole numbers of 0 or more or the name of a column, not %s.",
                                 describe_value(size)))
  }
  new_em_family("binomial", size = if (!is.null(size)) as.double(size))
}

#' @export
format.em_family_binomial <- function(x, ...) {
  check_dots(..., let_pass = format_arguments)
  size <- x$size
  paste0("Binomial components", if (is.character(size)) sprintf(", trials in \"%s\"", size)
                                else if (length(size) == 1L) sprintf(" of %s", plural(size, "trial")))
}

# x becomes successes and trials; a row without trials gets weight 0, and one with a missing count is a row
# without trials.
#' @export
family_data.em_family_binomial <- function(family, frame, old = NULL, ...) {
  arg <- if (is.null(old)) "x" else "newdata"
  if (is.character(family$size)) frame <- take_beside(frame, family$size, arg, "trials")
  counts <- count_rows(frame$x, binomial_size(family, frame, arg, old))
  frame$taken <- NULL
  if (!counts$sound) abort_counts(counts$x, arg, ncol(frame$x) == 2L)
  frame$x <- counts$x
  empty <- counts$empty
  if (is.null(old) && length(empty)) {
    frame <- drop_from_weights(frame, empty)
    if (nothing_counts(frame, empty)) abort_em("counts", "`x` has no trials in any row that counts.")
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

# Trials that were said row by row are those of the fit's own rows.
#' @export
family_of_others.em_family_binomial <- function(family, n) {
  if (isTRUE(family$said) || !is.numeric(family$size) || length(family$size) == 1L) return(family)
  abort_em("newdata", c(
    sprintf("The trials of the %s are not said: the fit has one number for each of its own rows.", plural(n, "new row")),
    i = "Say them, predict(fit, newdata, size = ), or fit by a column: em_binomial(size = \"trials\")."
  ))
}

# Where the fit is of a vector, new rows may be two columns.
of_two_columns <- function(family, frame, old) {
  !isTRUE(family$said) && length(family$size) > 1L && is.null(old$names) && ncol(frame$x) == 2L
}

#' @export
family_variables.em_family_binomial <- function(family) if (is.character(family$size)) family$size else character()

#' @export
family_with.em_family_binomial <- function(family, beside) {
  family_with.default(family, beside[setdiff(names(beside), "size")])
  if (is.null(beside$size)) return(family)
  if (is.null(family$size)) {
    abort_em("argument", "`size` can't be given: the data of the fit have two columns, successes and failures.")
  }
  family$size <- em_binomial(beside$size)$size
  family$said <- TRUE
  family
}

#' @export
family_of_rows.em_family_binomial <- function(family, rows, n) {
  with_numbers_of_rows(family, "size", rows, n)
}

#' @export
family_frame.em_family_binomial <- function(family, x, arg = "x", by = frame_by(arg), old = NULL, logical_ok = TRUE) {
  as_frame(x, TRUE, arg, by)
}

# The user's columns: successes and failures, or successes and, where they are a column, trials.
#' @export
family_given_columns.em_family_binomial <- function(family, data) {
  trials <- trials_of(data)
  x <- family_observed(family, data)
  x <- if (is.null(family$size)) cbind(x, trials - x) else if (is.character(family$size)) cbind(x, trials) else x
  dimnames(x) <- list(NULL, if (is.null(data$names)) c("successes", "failures")[seq_len(ncol(x))])
  x
}

# The trials of every row, or one number for all; NULL where the second column has the failures.
binomial_size <- function(family, frame, arg, old = NULL) {
  n <- nrow(frame$x)
  if (!is.null(old) && n > 0L) {
    if (of_two_columns(family, frame, old)) return(NULL)
    family <- family_of_others(family, n)
  }
  size <- if (is.character(family$size)) frame$taken else family$size
  if (n == 0L && length(size) > 1L) size <- 0
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
family_fields.em_family_binomial <- function(family, k, data) list(prob = new_field("unit", "component", k, "prob"))

#' @export
family_tallies.em_family_binomial <- function(family) TRUE

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
  if (largest < 2 * k - 1 && rows_stand_alone(data)) {
    warn_em("unidentified", c(
      sprintf("A mixture of %d binomials needs rows of at least %d trials to be identified; the most here is %d.",
              k, 2L * k - 1L, as.integer(largest)),
      i = "Other parameters have the same likelihood. Use fewer components."
    ))
  }
  family
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
  if (is.character(family$size)) return(stats::setNames(data.frame(successes, trials), data$names))
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
  list(prob = c(replace(parameters$prob, j, 0.75 * prob), prob + 0.25 * (1 - prob)))
}

# Pictures, and what they are drawn from ------------------------------------------------------------------------

#' @export
family_plots.em_family_binomial <- function(family, data) {
  c("counts", "responsibility", "uncertainty", "qq", "path", "trace", "surface")
}

#' @export
family_responses.em_family_binomial <- function(family, data) if (is.null(data$response)) "counts" else data$response

#' @export
family_is_discrete.em_family_binomial <- function(family) TRUE

#' @export
family_lacks.em_family_binomial <- function(family) "trials"

#' @export
family_line.em_family_binomial <- function(family, data) {
  y <- data$x[, 1L]
  m <- data$x[, 2L]
  list(x = y / m, name = "share of successes", rows = "successes / trials of each row",
       label = paste0(fixed(y, 0L), "/", fixed(m, 0L)))
}

#' @export
family_distribution.em_family_binomial <- function(family, parameters, x, column, what, data) {
  of <- switch(what, density = stats::dbinom, cdf = stats::pbinom)
  m <- data$x[, 2L]
  out <- vapply(unname(parameters$prob), function(p) of(x, m, p), numeric(length(x)))
  out <- matrix(out, length(x))
  out[m == 0, ] <- NA
  out
}

#' @export
family_path.em_family_binomial <- function(family, fit, path, chosen, variables) path_walk(path, "prob")

#' @export
family_scene.em_family_binomial <- function(family, fit, states, chosen, variables) bar_scene(fit, states, chosen)

#' @export
family_rows.em_family_binomial <- function(family, data) plural(sum(data$x[, 2L]), "trial")

# Different mixtures of k binomials have the same likelihood where no row has 2k - 1 trials.
#' @export
family_identifiability.em_family_binomial <- function(family, fit, name) {
  most <- max(fit$data$x[, 2L])
  spare <- most / (2 * fit$k - 1)
  described <- sprintf("The most trials in a row are %s; %s can be told apart from %d on", number(most, 15L),
                       plural(fit$k, "component"), 2L * fit$k - 1L)
  if (spare >= 1) return(finding("identifiability", "ok", spare, paste0(described, ".")))
  return(finding("identifiability", "problem", spare, paste0(described, ": other parameters are just as likely."),
                 sprintf("update(FIT, k = %d, start = NULL)", max(1L, as.integer((most + 1) %/% 2))), name))
}

# What a component is along columns: see margin.R.
#' @export
family_margin.em_family_binomial <- function(family, parameters, data, beside = list()) {
  size <- one_for_all(beside$size, data$x[, 2L], "size")
  list(trials_block("counts", matrix(unname(parameters$prob)), size))
}
