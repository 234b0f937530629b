# Hidden Markov models: rows of a series follow each other, and the component of a row (its state) depends on that of
# the row before. The latent structure is what the user said; which rows are a series is in the data, `data$units`: see
# units.R. The chain's own arithmetic is in latent-markov-chain.R. Transition matrices have a row for the state that is
# left and a column for the one that is reached; the core has them transposed (src/chain.h).

#' Rows that follow each other: a hidden Markov model
#'
#' Says that rows come in series, and that the component of a row depends on the component of the row before. The
#' components are then called states. It is the `latent` argument of [em_fit()], beside any family.
#'
#' The state of the first row of a series is drawn with the `initial` probabilities, each later one with the row of
#' `transition` that belongs to the state before. Given the states, rows are independent, each from the law of its
#' state.
#'
#' @param series Which rows belong together: the name of a column of the data, a one-sided formula such as `~ id`, or
#'   a factor or vector with an entry for each row. `NULL`: all rows are one series. The rows of a series must stand
#'   together and in the order of time; they are never sorted. Several series are independent of each other and share
#'   all parameters.
#' @param initial `"free"` (estimated), `"stationary"` (the distribution that the transitions lead to in the long run:
#'   no parameter of its own), or k probabilities that are held.
#' @param transition `"free"`, or a k x k matrix, rows from and columns to, with numbers that are held and `NA` where
#'   a cell is free. Held zeros forbid a transition: `rbind(c(NA, NA), c(0, 1))` is a change that happens once.
#' @return An object of class `em_latent`: a plain list, to be given to [em_fit()].
#' @section What a fit has: `fit$parameters` has `initial` (k), `transition` (k x k) and those of the family. The
#'   proportions in print and tables are the mean probabilities of the states over all rows, no parameters.
#'   Degrees of freedom are (k - 1) + k (k - 1) beside the family's, less one for each held cell (a whole row held has
#'   none), and without the first k - 1 where the initial probabilities are held or stationary.
#'
#'   With one series, free initial probabilities are estimated from a single row: one of them is 1 at the maximum, the
#'   others 0. They still count as k - 1 parameters, as in other packages; `initial = "stationary"` avoids it.
#'
#'   A transition that is 0 in a `start` of one's own stays 0; say so in `transition`, or it counts as free.
#'   Transitions that become 0 by themselves are counted as free, but have no standard error.
#' @section Missing rows: A row in which nothing is observed is a step of the chain all the same: the states go on, and
#'   the row has a probability for each of them. Leaving such rows out would join the rows before and after as if they
#'   were neighbours and bias the transitions, so `na.action = na.omit` is an error where it would do so. Series that
#'   were not observed at equal distances need rows of `NA` in between; the chain counts rows, not time, and the times
#'   of a `ts` are not looked at.
#' @section Weights and labels: `weights` must be the same in all rows of a series: a series of weight 2 counts as two
#'   equal series. `labels` are known states; with all of them known the estimates are relative frequencies.
#' @section Predictions: `predict()` has two answers to which state a row is in. `type = "class"` is the most probable
#'   state of each row by itself, given all rows of its series (`type = "prob"` has the probabilities);
#'   `type = "path"` is the most probable sequence of states as a whole, with the log of its joint probability with the
#'   data in the attribute `"log_joint"`. They can differ, and a sequence of classes may even contain a forbidden
#'   transition. `type = "filter"` is what was known when the row came: the probabilities given the rows up to it.
#'   `type = "logdensity"` is the log density of each row given those before; it sums to the log-likelihood.
#'   `predict(n.ahead = h)` goes h rows beyond the end of each series.
#' @section Memory: A series goes through forward and backward sums as a whole. Beside the data it takes three numbers
#'   for each row and state (24 bytes), for the longest series, on each thread. Threads share series: one series is
#'   the work of one thread.
#' @section Not there: Transitions that depend on covariates need a regression in each M-step: see the packages
#'   depmixS4 and hmmTMB. Stays of other than geometric length need semi-Markov models: see mhsmm.
#' @section Errors: `emfit_error_argument` where an argument is none of these, where the rows of a series don't stand
#'   together, where probabilities don't sum to one, or where weights change within a series; `emfit_error_newdata`
#'   where new data lack the column of the series.
#' @references Baum, L. E., Petrie, T., Soules, G. and Weiss, N. (1970) A maximization technique occurring in the
#'   statistical analysis of probabilistic functions of Markov chains. *Annals of Mathematical Statistics* 41, 164-171.
#'   \doi{10.1214/aoms/1177697196}
#'
#'   Rabiner, L. R. (1989) A tutorial on hidden Markov models and selected applications in speech recognition.
#'   *Proceedings of the IEEE* 77, 257-286. \doi{10.1109/5.18626}
#'
#'   Zucchini, W., MacDonald, I. L. and Langrock, R. (2016) *Hidden Markov Models for Time Series*, 2nd ed. Chapman &
#'   Hall. \doi{10.1201/b20790}
#' @seealso [em_fit()], [em_mixture()], [em_stationary()], `vignette("hidden-markov")`
#' @examples
#' # After a short wait for the geyser comes a long one.
#' fit <- em_fit(waiting ~ 1, data = faithful, k = 2, latent = em_markov())
#' fit
#'
#' # One change, once: from left to right.
#' once <- em_markov(initial = c(1, 0), transition = rbind(c(NA, NA), c(0, 1)))
#' em_fit(Nile, k = 2, latent = once)
#' @export
em_markov <- function(series = NULL, initial = "free", transition = "free") {
  series <- check_series_argument(series)
  initial <- check_initial(initial)
  transition <- check_transition(transition)
  if (is.numeric(initial) && is.matrix(transition) && length(initial) != nrow(transition)) {
    abort_em("argument", sprintf("`initial` speaks of %s, `transition` of %d.", plural(length(initial), "state"),
                                 nrow(transition)))
  }
  if (identical(initial, "stationary") && is.matrix(transition)) check_one_end(transition)
  new_em_latent("markov", series = series, initial = initial, transition = transition)
}

# What the user gave ----------------------------------------------------------------------------------------------

check_series_argument <- function(series) {
  if (is.null(series)) return(NULL)
  if (inherits(series, "formula")) {
    if (length(series) == 2L && is.name(series[[2L]])) return(as.character(series[[2L]]))
    abort_em("argument", c(sprintf("`series` must name one column, such as ~ id, not %s.",
                                   paste(deparse(series), collapse = " ")),
                           i = "Several columns: series = interaction(a, b, drop = TRUE)."))
  }
  if (is.factor(series) || (is.atomic(series) && is.null(dim(series)))) return(series)
  abort_em("argument", sprintf(
    "`series` must be a column's name, ~ id, or a factor with an entry for each row, not %s.", describe_value(series)
  ))
}

check_initial <- function(initial) {
  if (!is.numeric(initial)) return(check_choice(initial, "initial", c("free", "stationary")))
  initial <- as.double(initial)
  if (!length(initial) || anyNA(initial) || any(initial < 0) || abs(sum(initial) - 1) > 1e-8) {
    abort_em("argument", c("`initial` must be probabilities that sum to 1.",
                           x = sprintf("They are %s and sum to %s.", enumerate(number(initial)),
                                       number(sum(initial), 10L))))
  }
  initial
}

# Cells are probabilities or NA; a row without NA sums to 1, one with NA leaves the free cells something.
check_transition <- function(transition, arg = "transition", class = "argument") {
  if (is.character(transition)) return(check_choice(transition, "transition", "free"))
  if (is.data.frame(transition)) transition <- as.matrix(transition)
  if (is.logical(transition) && is.matrix(transition) && all(is.na(transition))) storage.mode(transition) <- "double"
  if (!is.matrix(transition) || !is.numeric(transition) || nrow(transition) != ncol(transition) ||
      !nrow(transition)) {
    refuse_transition(class, c(
      sprintf("`transition` must be \"free\" or a square matrix, not %s.",
              if (is.matrix(transition)) paste(dim(transition), collapse = " x ") else describe_value(transition)),
      i = "Rows are the states that are left; NA is free: rbind(c(NA, NA), c(0, 1))."
    ))
  }
  storage.mode(transition) <- "double"
  bad <- which(!is.na(transition) & (transition < 0 | transition > 1), arr.ind = TRUE)
  if (nrow(bad)) {
    refuse_transition(class, sprintf("`%s` must hold probabilities: row %d, column %d has %s.", arg, bad[1L, 1L],
                            bad[1L, 2L], number(transition[bad[1L, , drop = FALSE]])))
  }
  for (i in seq_len(nrow(transition))) check_transition_row(transition[i, ], i, arg, class)
  transition
}

refuse_transition <- function(class, bullets) {
  if (class == "fixed") abort_em("fixed", bullets) else abort_em("argument", bullets)
}

check_transition_row <- function(row, i, arg, class) {
  free <- is.na(row)
  sum <- sum(row[!free])
  if (!any(free) && abs(sum - 1) > 1e-8) {
    refuse_transition(class, c(sprintf("Row %d of `%s` must sum to 1, not %s.", i, arg, number(sum, 10L)),
                           i = "Rows are the states that are left: is it transposed?"))
  }
  if (any(free) && sum >= 1) {
    refuse_transition(class, c(sprintf("Row %d of `%s` leaves nothing to its free %s: those held sum to %s.", i, arg,
                           if (sum(free) == 1L) "cell" else "cells", number(sum, 10L)),
                           i = "Hold 0 instead of NA, or less in the others."))
  }
}

# A stationary distribution must be the only one: some state that all others lead to, free cells taken for possible.
check_one_end <- function(transition) {
  if (has_one_end(is.na(transition) | transition > 0)) return(invisible())
  abort_em("argument", c(
    "`initial = \"stationary\"` needs one stationary distribution, and `transition` allows several.",
    x = "Its zeros split the states into groups that never meet.",
    i = "Use initial = \"free\", or free a transition between the groups."
  ))
}

has_one_end <- function(possible) {
  reach <- possible | diag(nrow(possible)) > 0
  for (via in seq_len(nrow(reach))) reach <- reach | outer(reach[, via], reach[via, ], `&`)
  any(colSums(reach) == nrow(reach))
}

# The contract ----------------------------------------------------------------------------------------------------

#' @export
format.em_latent_markov <- function(x, ...) {
  check_dots(..., let_pass = format_arguments)
  initial <- if (is.numeric(x$initial)) paste(enumerate(number(x$initial)), "(held)") else x$initial
  held <- if (is.matrix(x$transition)) sum(!is.na(x$transition)) else 0L
  series <- if (is.null(x$series)) "one series" else if (is_unit_name(x$series))
    paste("series by", dQuote(x$series, FALSE)) else paste(length(unique(x$series)), "series")
  paste0("Markov chain, ", series, ", initial ", initial, ", transition ",
         if (held) paste(plural(held, "cell"), "held") else "free")
}

#' @export
latent_keeps_order.em_latent_markov <- function(latent) TRUE

#' @export
latent_bind.em_latent_markov <- function(latent, data, family) {
  check_omitted(data)
  check_series_weights(data$weights, unit_codes(data), counting = TRUE)
  check_labels_possible(data$labels, unit_codes(data), latent)
  latent
}

#' @export
latent_k.em_latent_markov <- function(latent) {
  if (is.matrix(latent$transition)) return(nrow(latent$transition))
  if (is.numeric(latent$initial)) length(latent$initial)
}

#' @export
latent_check.em_latent_markov <- function(latent, k) {
  sizes <- c(initial = if (is.numeric(latent$initial)) length(latent$initial),
             transition = if (is.matrix(latent$transition)) nrow(latent$transition))
  wrong <- which(sizes != k)
  if (!length(wrong)) return(invisible())
  abort_em("argument", sprintf("`%s` of em_markov() has %s, but k = %d.", names(sizes)[wrong[1L]],
                               plural(sizes[[wrong[1L]]], "state"), k))
}

# A chain of which no row follows another.
#' @export
latent_settle.em_latent_markov <- function(latent, units) {
  alone <- is.list(units) && length(units$codes) > 1L && all(unit_lengths(units) == 1L)
  if (alone && (identical(latent$transition, "free") || anyNA(latent$transition))) {
    warn_em("unidentified", c("Every series is a single row, so nothing tells how states follow each other.",
                              x = "The transitions are no estimates.",
                              i = "Give `series` one value for all rows of a series, or leave the chain out: latent = em_mixture()."))
  }
  latent
}

#' @export
latent_columns.em_latent_markov <- function(latent, k) k

#' @export
latent_fields.em_latent_markov <- function(latent, k) {
  list(initial = new_field("simplex", "state", k, "initial", own = FALSE),
       transition = new_field("simplex", c("state", "state"), c(k, k), "transition", own = FALSE))
}

#' @export
latent_parameters.em_latent_markov <- function(latent, start, k, names = NULL) {
  latent_check(latent, k)
  initial <- if (!is.null(start$initial)) check_start_simplex(start$initial, "start$initial", k)
  transition <- if (!is.null(start$transition)) check_start_transition(start$transition, k)
  settle_chain(initial, transition, latent, k)
}

#' @export
latent_components_of.em_latent_markov <- function(latent, given) {
  if (!is.null(given$transition)) NROW(given$transition) else if (!is.null(given$initial)) length(given$initial)
}

#' @export
latent_hold.em_latent_markov <- function(latent, fixed, k) {
  if (!is.null(fixed$transition)) latent$transition <- fixed_transition(fixed$transition, latent, k)
  if (!is.null(fixed$initial)) latent$initial <- fixed_initial(fixed$initial, latent, k)
  if (identical(latent$initial, "stationary") && is.matrix(latent$transition)) check_one_end(latent$transition)
  latent
}

fixed_transition <- function(transition, latent, k) {
  if (is.matrix(latent$transition)) {
    abort_em("fixed", c("`fixed$transition` can't be given where em_markov() holds transitions.",
                        i = "Say it in one place: em_markov(transition = )."))
  }
  if (!is.matrix(transition) || any(dim(transition) != k)) {
    abort_em("fixed", sprintf("`fixed$transition` must be a %d x %d matrix, rows from, not %s.", k, k,
                              if (is.matrix(transition)) paste(dim(transition), collapse = " x ") else
                                describe_value(transition)))
  }
  check_transition(transition, "fixed$transition", "fixed")
}

fixed_initial <- function(initial, latent, k) {
  if (!identical(latent$initial, "free")) {
    abort_em("fixed", c("`fixed$initial` can't be given where em_markov() holds the initial probabilities.",
                        i = "Use em_markov(initial = \"free\")."))
  }
  initial <- read_vector(initial, "initial", k, "fixed")
  refuse_numbers(initial, initial < 0 | initial > 1, "initial", "fixed", "from 0 to 1")
  total <- sum(initial, na.rm = TRUE)
  if (anyNA(initial) && total >= 1 || !anyNA(initial) && abs(total - 1) > 1e-8) {
    abort_em("fixed", sprintf("`fixed$initial` sum to %s; they must sum to %s.", number(total, 8L),
                              if (anyNA(initial)) "less than 1 where others are free" else "1"))
  }
  initial
}

# Lists shaped like the parameters, NA where free.
#' @export
latent_held.em_latent_markov <- function(latent, k) {
  held <- markov_held(latent, k)
  held <- lapply(held, function(x) replace(x, is.nan(x), NA_real_))
  held <- held[!vapply(held, function(x) all(is.na(x)), NA)]
  if (length(held)) held
}

#' @export
latent_release.em_latent_markov <- function(latent) {
  if (is.numeric(latent$initial)) latent$initial <- "free"
  latent$transition <- "free"
  latent
}

#' @export
latent_override.em_latent_markov <- function(latent, parameters, k) {
  parameters[c("initial", "transition")] <- settle_chain(parameters$initial, parameters$transition, latent, k)
  parameters
}

#' @export
latent_is_held.em_latent_markov <- function(latent, k) {
  held <- markov_held(latent, k)
  k == 1L || !anyNA(held$transition) && (identical(latent$initial, "stationary") || !anyNA(held$initial))
}

#' @export
latent_native.em_latent_markov <- function(latent, k) {
  held <- markov_held(latent, k)
  start <- settle_chain(NULL, NULL, latent, k)
  list(name = "markov", initial = start$initial, transition = start$transition, held_initial = held$initial,
       held_transition = held$transition, stationary = identical(latent$initial, "stationary"))
}

#' @export
latent_unit.em_latent_markov <- function(latent) if (is.null(latent$series)) one_unit else latent$series

# Every start of one component leads to the closed form.
#' @export
latent_draws.em_latent_markov <- function(latent, k, n_start) if (k > 1L) n_start else 1L

#' @export
latent_start.em_latent_markov <- function(latent, start, kind, data) list(start = start, kind = kind)

#' @export
latent_given.em_latent_markov <- function(latent, groups, data, k) one_hot(groups, data, k)

#' @export
latent_from_partition.em_latent_markov <- function(latent, parameters, k) {
  chain <- settle_chain(NULL, NULL, latent, k)
  c(chain, parameters[setdiff(names(parameters), c("proportions", names(chain)))])
}

#' @export
latent_simulate.em_latent_markov <- function(latent, parameters, n, labels = NULL, units = NULL) {
  lengths <- if (is.null(units)) n else rle(units)$lengths
  simulate_states(parameters, lengths, labels$codes)
}

# Both halves lead where the one led, and are come to in equal parts.
#' @export
latent_split.em_latent_markov <- function(latent, parameters, j, k) {
  of <- c(seq_len(k), j)
  share <- ifelse(of == j, 0.5, 1)
  settle_chain(parameters$initial[of] * share,
               parameters$transition[of, of, drop = FALSE] * rep(share, each = k + 1L), latent, k + 1L)
}

# The two lead where they led together, each counted as often as it is visited.
#' @export
latent_merge.em_latent_markov <- function(latent, parameters, pair, k) {
  visits <- long_run(parameters)[pair] + 1e-300
  initial <- parameters$initial
  transition <- parameters$transition
  initial[pair[1L]] <- sum(initial[pair])
  transition[, pair[1L]] <- rowSums(transition[, pair])
  transition[pair[1L], ] <- colSums(transition[pair, ] * visits) / sum(visits)
  settle_chain(unname(initial[-pair[2L]]), unname(transition[-pair[2L], -pair[2L], drop = FALSE]), latent, k - 1L)
}

#' @export
latent_is_ordered.em_latent_markov <- function(latent) is.matrix(latent$transition) || is.numeric(latent$initial)

#' @export
latent_names.em_latent_markov <- function(latent, k) {
  if (is.matrix(latent$transition)) rownames(latent$transition) else names(latent$initial)
}

#' @export
latent_is_exchangeable.em_latent_markov <- function(latent, k) !latent_is_ordered(latent)

#' @export
latent_label.em_latent_markov <- function(latent) ""

# Of all rows, those that count; or, of parameters alone, in the long run.
#' @export
latent_shares.em_latent_markov <- function(latent, parameters, counts = NULL) {
  if (is.null(counts) || !sum(counts) > 0) stats::setNames(long_run(parameters), names(parameters$initial))
  else counts / sum(counts)
}

# What its states come to in the long run.
#' @export
latent_mixture.em_latent_markov <- function(latent, fit) em_stationary(fit)

# Without a column all rows are one series.
#' @export
latent_rows_together.em_latent_markov <- function(latent) {
  if (is.null(latent$series)) TRUE else chunk_unit_column(latent$series, "em_markov(series = \"id\")")
}
