#' Poisson components
#'
#' Says that a component gives counts, at a rate of its own for each unit of exposure: claims for each policy holder,
#' incidents for each month of service. It is the `family` argument of [em_fit()].
#'
#' The data are one column of counts, or several, which are independent within a component. Exposure multiplies the
#' rate: a row with exposure e has the mean `rate * e`. It is given to `exposure`, or in a formula by its logarithm, as
#' in [stats::glm()]: `claims ~ 1 + offset(log(holders))`. Without it every row has exposure 1. Exposure is not a
#' weight: a row counts once however much of it there is.
#'
#' New rows have exposures of their own. One number stands for all rows, old and new. A column that `exposure` names
#' is found by that name in the data and in new rows, and an offset is evaluated in new rows. Exposures that were
#' given one for each row say nothing of other rows: these get theirs by the `exposure` argument of
#' [predict()][predict.em_fit()], [augment()][augment.em_fit()], [em_estep()] and [em_mstep()]; otherwise it is an
#' error of class `emfit_error_newdata`.
#'
#' A row with exposure 0 and no counts says nothing: it keeps its place in every output, its responsibilities are the
#' proportions, and it is not counted by [nobs()]. So does a row with all counts missing; where there are several
#' columns, a missing count has the factor 1 and the others are used. A component without counts has the rate 0, which
#' is a maximum like any other: its standard error is `NA`.
#'
#' A mixture of Poisson components is the usual answer to counts that vary more than one Poisson distribution allows.
#' More zeros than these have are a component whose rate is held at 0: `fixed = list(rate = c(0, NA))`.
#'
#' @param exposure `NULL` (1 for every row); or one number of 0 or more, one for each row, or the name of a column of
#'   the data that has them.
#' @param prior `NULL`, or [em_prior()] with `shape` and `rate`: a gamma distribution for every rate, worth
#'   `shape - 1` counts in `rate` units of exposure.
#' @return An object of class `em_family`: a plain list, to be given to [em_fit()]. In the fit `parameters$rate` is a
#'   vector of k numbers, or for several columns a k x p matrix: counts for each unit of exposure.
#' @section Errors: `emfit_error_counts` names the row and the value where a count is negative or not whole.
#'   `emfit_error_exposure` names the row where exposure is negative or missing beside a count, or 0 beside a count
#'   above 0. `emfit_error_argument` where `exposure` is not of the length of the data, or said twice.
#' @section Warnings: `emfit_warning_unidentified` where no count is above 0, so that all rates are 0.
#' @references Titterington, D. M., Smith, A. F. M. and Makov, U. E. (1985) *Statistical Analysis of Finite Mixture
#'   Distributions*. Wiley.
#'
#'   Loader, C. (2000) Fast and accurate computation of binomial probabilities. Technical report, Bell Laboratories.
#' @seealso [em_fit()], [em_binomial()], [em_prior()]
#' @examples
#' # Deaths by horse kicks in 14 corps over 20 years, of 10 corps: one rate is enough
#' kicks <- rep(0:4, c(109, 65, 22, 3, 1))
#' em_fit(kicks, k = 1, family = "poisson")
#'
#' months <- data.frame(failures = c(0, 2, 1, 14, 11, 3, 0, 22),
#'                      hours = c(5, 40, 16, 50, 38, 60, 4, 81))
#' fit <- em_fit(failures ~ 1 + offset(log(hours)), data = months, k = 2, family = em_poisson())
#' coef(fit)
#' predict(fit, data.frame(failures = c(3, 3), hours = c(10, 60)), type = "prob")
#' @export
em_poisson <- function(exposure = NULL, prior = NULL) {
  named <- is.character(exposure) && length(exposure) == 1L && !is.na(exposure) && nzchar(exposure)
  if (!is.null(exposure) && !named && (!is.numeric(exposure) || is.object(exposure) || !length(exposure))) {
    abort_em("argument", sprintf("`exposure` must be NULL, numbers of 0 or more or the name of a column, not %s.",
                                 describe_value(exposure)))
  }
  if (is.numeric(exposure)) exposure <- as.double(exposure)
  prior <- check_prior(prior, c("shape", "rate"), "Poisson")
  if (is.null(prior)) new_em_family("poisson", exposure = exposure)
  else new_em_family("poisson", exposure = exposure, prior = prior)
}

#' @export
format.em_family_poisson <- function(x, ...) {
  check_dots(..., let_pass = format_arguments)
  exposure <- x$exposure
  paste0("Poisson components",
         if (is.character(exposure)) sprintf(", exposure in \"%s\"", exposure)
         else if (length(exposure) == 1L) sprintf(" of exposure %s", number(exposure))
         else if (length(exposure)) ", rates for a unit of exposure",
         if (!is.null(x$prior)) ", with a prior")
}

# The rows -----------------------------------------------------------------------------------------------------

# x becomes counts and, behind them, exposures: none where all are 1, one column, or (where some of several counts are
# missing) one for each column of counts, 0 where the count is missing.
#' @export
family_data.em_family_poisson <- function(family, frame, old = NULL, ...) {
  arg <- if (is.null(old)) "x" else "newdata"
  said <- said_exposure(family, if (is.null(old)) frame$terms else old$terms)
  if (is.character(said)) frame <- take_beside(frame, said, arg, "exposure")
  counts <- frame$x
  if (!is.null(old) && ncol(counts) != old$width) {
    abort_em("newdata", sprintf("`newdata` must have %s of counts, not %d.", plural(old$width, "column"),
                                ncol(counts)))
  }
  exposure <- if (is.character(said)) frame$taken else exposure_of_rows(family, said, frame, !is.null(old))
  frame$taken <- NULL
  check_poisson_counts(counts, arg, frame)
  missing <- is.na(counts)
  if (!is.null(exposure)) check_exposure(exposure, counts, arg)
  if (is.null(old) && any(missing)) check_observed(frame)
  frame <- poisson_missing(frame, missing)
  frame$x <- bare(poisson_columns(counts, exposure, missing))
  frame$width <- ncol(counts)
  empty <- which(rowSums(!missing) == 0 | row_exposure(frame) == 0)
  if (is.null(old) && length(empty)) {
    frame <- drop_from_weights(frame, empty)
    if (nothing_counts(frame, empty)) abort_em("exposure", "`x` has no exposure in any row that counts.")
    frame$n_empty <- length(setdiff(empty, frame$missing$empty))
  }
  frame
}

# What the family or the formula says of exposure: NULL, numbers, or the name of a column.
said_exposure <- function(family, terms) {
  by_formula <- offset_column(terms)
  own <- family$exposure
  if (isTRUE(family$by_offset) && !isTRUE(family$said) && !is.null(terms)) own <- NULL
  if (is.null(by_formula)) return(own)
  if (!is.null(own)) {
    abort_em("argument", c("`exposure` is said twice: the formula has it as its offset.",
                           i = "Leave one of the two out."))
  }
  by_formula
}

poisson_columns <- function(counts, exposure, missing) {
  if (!any(missing)) return(cbind(counts, exposure))
  each <- if (is.null(exposure)) rep(1, nrow(counts)) else exposure
  each[is.na(each)] <- 0
  each <- matrix(each, nrow(counts), ncol(counts))
  each[missing] <- 0
  counts[missing] <- 0
  cbind(counts, each)
}

poisson_missing <- function(frame, missing) {
  if (is.null(frame$missing)) return(frame)
  frame["missing"] <- list(if (any(missing)) {
    list(rows = which(rowSums(missing) > 0), cells = as.integer(colSums(missing)),
         empty = which(rowSums(!missing) == 0), told = frame$missing$told)
  })
  frame$by_cell <- ncol(missing) > 1L
  frame
}

# NULL where every row has 1.
exposure_of_rows <- function(family, exposure, frame, new) {
  n <- nrow(frame$x)
  if (is.null(exposure) || length(exposure) == 1L && !is.na(exposure) && exposure == 1) return(NULL)
  if (new && n > 0L) family_of_others(family, n)
  if (n == 0L) return(numeric())
  omitted <- frame$na.action
  if (length(omitted) && length(exposure) == n + length(omitted)) exposure <- exposure[-as.integer(omitted)]
  if (!length(exposure) %in% c(1L, n)) {
    abort_em("argument", sprintf("`exposure` must be one number or one for each row: %d, not %s.", n, count(exposure)))
  }
  rep_len(exposure, n)
}

check_poisson_counts <- function(counts, arg, frame) {
  defects <- list("must not be negative" = counts < 0, "must be whole numbers" = counts != floor(counts),
                  "must not be beyond 2^53, where one more or less is lost in rounding" = counts > 2^53)
  for (defect in names(defects)) {
    at <- which(defects[[defect]], arr.ind = TRUE)
    if (!nrow(at)) next
    rows <- sort(unique(at[, 1L]))
    at <- at[order(at[, 1L]), , drop = FALSE][1L, ]
    abort_em("counts", c(
      sprintf("The counts of `%s` %s.", arg, defect),
      x = sprintf("Row %d has %s%s.", at[1L], number(counts[at[1L], at[2L]], 15L),
                  if (ncol(counts) > 1L) paste(" in", name_columns(frame, at[2L])) else ""),
      x = if (length(rows) > 1L) sprintf("%d rows are affected (%s).", length(rows), enumerate(rows)),
      i = if (grepl("whole", defect)) "Rates are not counts: give the counts, and what they were divided by as `exposure`."
    ))
  }
}

check_exposure <- function(exposure, counts, arg) {
  seen <- rowSums(!is.na(counts)) > 0
  total <- rowSums(counts, na.rm = TRUE)
  defects <- list("must not be negative" = exposure < 0, "must be finite" = is.infinite(exposure),
                  "must be known where there is a count" = is.na(exposure) & seen,
                  "can't be 0 where there are counts" = exposure == 0 & total > 0)
  for (defect in names(defects)) {
    rows <- which(defects[[defect]])
    if (!length(rows)) next
    abort_em("exposure", c(
      sprintf("The exposure of `%s` %s.", arg, defect),
      x = sprintf("Row %d has exposure %s and %s.", rows[1L], number(exposure[rows[1L]], 15L),
                  plural(total[rows[1L]], "count")),
      x = if (length(rows) > 1L) sprintf("%d rows are affected (%s).", length(rows), enumerate(rows)),
      i = if (grepl("0 where", defect)) "No rate gives these counts: leave such rows out, or mend their exposure."
          else if (grepl("known", defect)) "Leave such rows out: em_fit(, na.action = na.omit)."
    ))
  }
}

poisson_counts <- function(data) data$x[, seq_len(data$width), drop = FALSE]

# Of each row; 0 where all its counts are missing.
row_exposure <- function(data) {
  p <- data$width
  if (ncol(data$x) == p) rep(1, nrow(data$x)) else row_max(data$x[, -seq_len(p), drop = FALSE])
}

missing_cells <- function(data) {
  p <- data$width
  out <- matrix(FALSE, nrow(data$x), p)
  if (is.null(data$missing)) return(out)
  if (p > 1L && ncol(data$x) == 2L * p) out <- data$x[, p + seq_len(p), drop = FALSE] == 0 & row_exposure(data) > 0
  out[if (p > 1L) data$missing$empty else data$missing$rows, ] <- TRUE
  out
}

# n x p, NA where the count is missing.
poisson_exposures <- function(data) {
  out <- matrix(row_exposure(data), nrow(data$x), data$width)
  out[missing_cells(data)] <- NA
  out
}

# Of each row, NA where all its counts are missing: nothing was kept there.
known_exposure <- function(data) {
  out <- row_exposure(data)
  out[if (data$width > 1L) data$missing$empty else data$missing$rows] <- NA
  out
}

# Expected counts for a unit of exposure: k x p.
rate_matrix <- function(parameters) {
  rate <- if (is.null(parameters$rate)) parameters$mean else parameters$rate
  if (is.matrix(rate)) unname(rate) else matrix(rate, ncol = 1L)
}

#' @export
family_observed.em_family_poisson <- function(family, data) {
  out <- poisson_counts(data)
  out[missing_cells(data)] <- NA
  out
}

count_names <- function(data) {
  names <- fitted_names(data)
  if (!is.null(names)) return(names)
  if (data$width == 1L) "count" else paste0("count", seq_len(data$width))
}

#' @export
family_given_columns.em_family_poisson <- function(family, data) with_exposure(family_observed(family, data), family, data)

# The user's columns: counts and, where it is one, exposure.
with_exposure <- function(counts, family, data) {
  names <- count_names(data)
  if (is.character(family$exposure)) {
    counts <- cbind(counts, known_exposure(data))
    names <- c(names, family$exposure)
  }
  dimnames(counts) <- list(NULL, names)
  counts
}

#' @export
family_variables.em_family_poisson <- function(family) {
  if (is.character(family$exposure) && !isTRUE(family$by_offset)) family$exposure else character()
}

#' @export
family_takes_offset.em_family_poisson <- function(family) TRUE

#' @export
family_with.em_family_poisson <- function(family, beside) {
  family_with.default(family, beside[setdiff(names(beside), "exposure")])
  if (is.null(beside$exposure)) return(family)
  family$exposure <- em_poisson(beside$exposure)$exposure
  family$said <- TRUE
  family
}

#' @export
family_of_rows.em_family_poisson <- function(family, rows, n) {
  with_numbers_of_rows(family, "exposure", rows, n)
}

#' @export
family_of_others.em_family_poisson <- function(family, n) {
  if (isTRUE(family$said) || !is.numeric(family$exposure) || length(family$exposure) == 1L) return(family)
  abort_em("newdata", c(
    sprintf("The exposure of the %s is not said: the fit has one number for each of its own rows.",
            plural(n, "new row")),
    i = "Say it, predict(fit, newdata, exposure = ), or fit by a column: em_poisson(exposure = \"e\")."
  ))
}

# The model ----------------------------------------------------------------------------------------------------

#' @export
family_fields.em_family_poisson <- function(family, k, data) {
  p <- data$width
  list(rate = if (p == 1L) new_field("positive", "component", k, "rate", zero = TRUE)
              else new_field("positive", c("component", "variable"), c(k, p), "rate", zero = TRUE))
}

#' @export
family_tallies.em_family_poisson <- function(family) TRUE

#' @export
family_fills_gaps.em_family_poisson <- function(family) isTRUE(family$columns > 1L)

# What the core and later calls must know of the data: how many columns are counts, and where exposure is.
#' @export
family_check.em_family_poisson <- function(family, data, k, estimated = TRUE) {
  family$columns <- data$width
  by_formula <- offset_column(data$terms)
  if (!is.null(by_formula) || isTRUE(family$by_offset) && !is.null(data$terms)) {
    family["exposure"] <- list(by_formula)
    family$by_offset <- !is.null(by_formula)
  }
  if (!estimated) return(family)
  speaks <- row_exposure(data) > 0
  if (!is.null(data$weights)) speaks <- speaks & data$weights > 0
  x <- if (all(speaks)) data$x else data$x[speaks, , drop = FALSE]
  found <- distinct_rows(x, k)
  if (k > most_components(data, nrow(x), found)) abort_too_many(k, nrow(x), found, "Use fewer components.")
  if (k > 1L && !any(x[, seq_len(data$width)] > 0)) {
    warn_em("unidentified", c("No count is above 0, so every rate is 0.",
                              i = "Use k = 1: nothing tells components apart."))
  }
  family
}

#' @export
family_label.em_family_poisson <- function(family, ...) {
  list(title = "Poisson mixture", detail = if (!is.null(family$exposure)) "rates for a unit of exposure")
}

#' @export
family_rows.em_family_poisson <- function(family, data) {
  p <- data$width
  total <- sum(poisson_counts(data))
  paste0(if (p > 1L) paste0(plural(p, "variable"), ", "), number(total, 15L), if (total == 1) " count" else " counts",
         if (ncol(data$x) > p && !is.null(family$exposure))
           paste0(" in ", number(sum(row_exposure(data)), 7L, getOption("OutDec")), " of exposure"))
}

#' @export
family_lacks.em_family_poisson <- function(family) "exposure"

#' @export
family_summary.em_family_poisson <- function(family, parameters, data) {
  rate <- rate_matrix(parameters)
  if (ncol(rate) == 1L) return(data.frame(rate = rate[, 1L]))
  names <- fitted_names(data)
  out <- as.data.frame(rate)
  names(out) <- paste0("rate.", if (is.null(names)) paste0("x", seq_len(ncol(rate))) else names)
  out
}

#' @export
family_means.em_family_poisson <- function(family, parameters, data) {
  e <- known_exposure(data)
  rate <- rate_matrix(parameters)
  out <- array(0, c(length(e), ncol(rate), nrow(rate)))
  for (j in seq_len(nrow(rate))) out[, , j] <- outer(e, rate[j, ])
  out
}

#' @export
family_order.em_family_poisson <- function(family, parameters) rate_matrix(parameters)[, 1L]

#' @export
family_simulate.em_family_poisson <- function(family, parameters, component, data) {
  e <- poisson_exposures(data)
  mean <- rate_matrix(parameters)[component, , drop = FALSE] * e
  seen <- !is.na(mean)
  counts <- matrix(NA_real_, nrow(e), ncol(e))
  counts[seen] <- stats::rpois(sum(seen), mean[seen])
  as.data.frame(with_exposure(counts, family, data), optional = TRUE)
}

# A quarter less, and a quarter more.
#' @export
family_split.em_family_poisson <- function(family, parameters, j) {
  rate <- rate_matrix(parameters)
  out <- rbind(rate, 1.25 * rate[j, ])
  out[j, ] <- 0.75 * rate[j, ]
  list(rate = if (is.matrix(parameters$rate)) out else out[, 1L])
}
