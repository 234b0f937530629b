#' Tidy tables of a fit
#'
#' `tidy()` gives a row for each component or each parameter, `glance()` one row for the whole fit, `augment()` the
#' data with what the fit says of each row. They are tibbles where the tibble package is loaded, and data frames
#' otherwise.
#'
#' @param x A fit by [em_fit()].
#' @param what `"components"`, or `"parameters"` for one row each.
#' @param conf.int Add confidence limits, those of [stats::confint()]?
#' @param conf.level Their level.
#' @param data The data of the fit, with a row for each of its rows, where further columns are wanted. Left out: the
#'   columns that were fitted.
#' @param newdata,size,exposure New rows, and their trials or exposure; as in [predict.em_fit()].
#' @param ... Nothing: an unknown argument is an error.
#' @return `tidy()`: for components `component`, `size` (expected number of rows), `proportion`, and `mean.<variable>`
#'   and `sd.<variable>` (`mean`, `sd` for one variable), or `prob`; noise has `NA` there. For parameters
#'   `component`, `term`, `variable`, `variable2` (of a covariance), `estimate`, `std.error` from [stats::vcov()],
#'   and `conf.low`, `conf.high` from [stats::confint()] where asked for; a number that was not estimated has `NA`.
#'   For components the limits are further columns, `proportion.conf.low`, `proportion.conf.high` and so on.
#'
#'   `glance()`: `family`, `covariance`, `k`, `nobs`, `df`, `logLik`, `AIC`, `BIC`, `ICL` (smaller is better in all
#'   three), `LOO` (log-likelihood of rows left out, each after one M-step without it and its copies, what it can lose
#'   limited: see *Few rows* in [em_fit()]; `NA` with missing cells, more than 10000 rows, rows in units, or weighted
#'   counts), `entropy` (1 where all rows are certain), `n.min` (expected rows of the smallest component),
#'   `prob.min` (the smallest mean probability of a component among the rows put into it), `iterations`,
#'   `converged`, `starts.agree`.
#'
#'   `augment()`: the data, and `.class`, `.uncertainty`, `.prob.<component>`, `.density`, which take the place of
#'   columns of these names, as a former `augment()` made them; rows that were left out for missing values have `NA`
#'   there. Its rows are those of [predict.em_fit()], and keep their names.
#' @section Errors: `emfit_error_argument`, and for `newdata` those of [predict.em_fit()].
#' @references Biernacki, C., Celeux, G. and Govaert, G. (2000) Assessing a mixture model for clustering with the
#'   integrated completed likelihood. *IEEE Transactions on Pattern Analysis and Machine Intelligence* 22, 719-725.
#'   \doi{10.1109/34.865189}
#'
#'   Robinson, D. (2014) broom: an R package for converting statistical analysis objects into tidy data frames.
#'   \doi{10.48550/arXiv.1412.3565}
#' @seealso [em_fit()], [plot.em_fit()]
#' @examples
#' fit <- em_fit(faithful, k = 2)
#' tidy(fit)
#' glance(fit)
#' head(augment(fit))
#' @name em_fit-tidy
NULL

#' @importFrom generics tidy
#' @export
generics::tidy

#' @importFrom generics glance
#' @export
generics::glance

#' @importFrom generics augment
#' @export
generics::augment

#' @rdname em_fit-tidy
#' @export
tidy.em_fit <- function(x, what = c("components", "parameters"), conf.int = FALSE, conf.level = 0.95, ...) {
  check_no_dots(list(...), names(formals(tidy.em_fit)))
  what <- check_choice(what, "what", c("components", "parameters"))
  conf.int <- check_flag(conf.int, "conf.int")
  if (what == "parameters") return(as_tidy(tidy_parameters(x, conf.int, conf.level)))
  table <- tidy_components(x)
  as_tidy(if (conf.int) data.frame(table, component_limits(x, table, conf.level), check.names = FALSE) else table)
}

# Limits of the columns of tidy_components(). A standard deviation beside a covariance has the roots of its variance's.
component_limits <- function(fit, table, conf.level) {
  parameters <- tidy_parameters(fit, TRUE, conf.level)
  limits <- lapply(setdiff(names(table), c("component", "size")), function(column) {
    at <- match(paste0(column, "[", table$component, "]"), parameter_names(parameters))
    ends <- parameters[at, c("conf.low", "conf.high")]
    if (all(is.na(at))) {
      variable <- sub("^sd[.]", "", column)
      own <- which(parameters$variable == variable & parameters$variable2 == variable)
      at <- own[match(table$component, parameters$component[own])]
      ends <- sqrt(parameters[at, c("conf.low", "conf.high")])
    }
    stats::setNames(ends, paste0(column, c(".conf.low", ".conf.high")))
  })
  data.frame(limits, check.names = FALSE, row.names = NULL)
}

tidy_components <- function(fit) {
  p <- fit$parameters
  out <- data.frame(component = names(fit$counts), size = unname(fit$counts), proportion = unname(shares_of(fit)))
  columns <- family_columns(fit$family, p, fit$data)
  data.frame(out, with_noise_row(columns, fit$latent), check.names = FALSE, row.names = NULL)
}

tidy_parameters <- function(fit, conf.int, conf.level) {
  if (conf.int) conf.level <- check_level(conf.level, "conf.level")
  table <- parameter_table(fit$parameters, fit_fields(fit))
  if (is_assigned(fit)) { # no maximum, and no standard errors
    table[c("std.error", if (conf.int) c("conf.low", "conf.high"))] <- NA_real_
    return(table)
  }
  names <- parameter_names(table)
  covariance <- stats::vcov(fit)
  at <- match(names, rownames(covariance))
  table$std.error <- unname(sqrt(diag(covariance))[at])
  if (conf.int) {
    limits <- wald_intervals(fit, covariance, conf.level)
    table$conf.low <- unname(limits[at, 1L])
    table$conf.high <- unname(limits[at, 2L])
  }
  table
}

#' @rdname em_fit-tidy
#' @export
glance.em_fit <- function(x, ...) {
  check_no_dots(list(...), names(formals(glance.em_fit)))
  clarity <- fit_clarity(x)
  as_tidy(data.frame(
    family = x$family$name, covariance = family_structure(x$family), k = x$k,
    nobs = x$nobs, df = x$df, logLik = x$loglik, AIC = stats::AIC(x), BIC = stats::BIC(x), ICL = clarity$icl,
    LOO = left_out_loglik(x), entropy = clarity$entropy, n.min = min(x$counts[seq_len(x$k)]),
    prob.min = clarity$least,
    iterations = x$iterations,
    converged = x$converged, starts.agree = starts_agreeing(x)
  ))
}

#' @rdname em_fit-tidy
#' @export
augment.em_fit <- function(x, data = NULL, newdata = NULL, size = NULL, exposure = NULL, ...) {
  check_no_dots(list(...), names(formals(augment.em_fit)))
  if (is.null(newdata)) refuse_sample(x, "augment()", "Give the rows, augment(fit, newdata = rows), or predict(fit, chunks, into = ).")
  if (!is.null(newdata)) {
    newdata <- as_one_row(newdata, x$data$names)
    frame <- named_frame(newdata, x)
  } else if (is.null(data)) {
    frame <- fitted_frame(x)
  } else {
    frame <- named_frame(data, x)
    check_rows_of(x, frame)
  }
  columns <- row_columns(x, rows_to_judge(x, newdata, said_beside(size, exposure)), nrow(frame))
  row_names <- attr(frame, "row.names")
  old <- names(frame) %in% names(columns) | startsWith(names(frame), ".prob.")
  structure(c(as.list(frame)[!old], columns), class = c("tbl_df", "tbl", "data.frame"),
            row.names = if (is.character(row_names)) row_names else c(NA_integer_, -nrow(frame)))
}

# To predict() some numbers are a row where a row has several.
as_one_row <- function(x, names) {
  if (!is.numeric(x) || !is.null(dim(x)) || length(names) < 2L || length(x) != length(names)) return(x)
  matrix(x, 1L, dimnames = list(NULL, names))
}

check_rows_of <- function(fit, data) {
  n <- fit$data$n + length(fit$data$na.action)
  if (nrow(data) %in% c(n, fit$data$n)) return(invisible())
  abort_em("argument", c(sprintf("`data` must have the rows of the fit: %d, not %d.", n, nrow(data)),
                         i = "For other rows: augment(fit, newdata = )."))
}

# What the fit says of each of n rows, by one E-step: of new rows, of those it used, or of all it was given.
row_columns <- function(fit, data, n) {
  step <- expect_em(data, fit$parameters, fit_model(fit), c("responsibilities", "row_loglik"))
  names <- component_names_of(fit)
  class <- of_step(step, "class", names)
  r <- step$responsibilities
  columns <- list(.class = class, .uncertainty = 1 - r[(as.integer(class) - 1) * nrow(r) + seq_len(nrow(r))])
  for (j in seq_along(names)) columns[[paste0(".prob.", names[j])]] <- r[, j]
  columns$.density <- of_step(step, "density", names)
  if (n == length(class)) return(columns)
  all <- length(class) + length(fit$data$na.action)
  lapply(columns, spread_over, if (n == all) !seq_len(n) %in% fit$data$na.action else rep(TRUE, n))
}

# The columns that were fitted, in the user's units and under the user's names: the rows that predict() has.
fitted_frame <- function(fit) {
  rows <- if (inherits(fit$data$na.action, "exclude")) frame_of_fit(fit)
          else c(frame_again(fit), list(row_names = fit$data$row_names))
  frame <- frame_columns(rows)
  names(frame) <- names_in_frame(fit, ncol(rows$x))
  unit <- shared_units(if (inherits(fit$data$na.action, "exclude")) rows else fit$data)
  if (length(unit$columns) == 1L && unit$columns == unit$name) frame <- with_unit_column(frame, unit)
  names <- rows$row_names
  if (length(names) && !anyNA(names) && !anyDuplicated(names)) attr(frame, "row.names") <- names
  frame
}

# Names of columns that have none.
names_in_frame <- function(fit, columns) {
  names <- fit$data$names
  if (length(names) == columns) return(names)
  names <- colnames(family_given_columns(fit$family, fit$data))
  if (is.null(names)) names <- variable_names(fit$data)
  if (length(names) == columns) names else paste0("x", seq_len(columns))
}

named_frame <- function(data, fit) {
  frame <- as.data.frame(data, optional = TRUE)
  if (is.null(colnames(data))) names(frame) <- names_in_frame(fit, length(frame))
  frame
}

as_tidy <- function(x) {
  row.names(x) <- NULL
  class(x) <- c("tbl_df", "tbl", "data.frame")
  x
}
