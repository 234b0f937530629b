# Cross-validation: the rows, or units, are cut into folds; a model is fitted to all folds but one, and scored by the
# log-likelihood of that one. It starts from its own partition of all rows and from k-means++. em_cv() does it to one
# fit, em_select(criterion = "CV") to a table of them, with the same folds and the same starts for all of one k.
#
#   fold_parts()   for each fold: list(fold, fitted, native, held), the data that are fitted and those held out
#   fold_runs()    for each fold the best run
#   held_out()     for each fold the log-likelihood of each row held out; NULL where a fold could not be fitted

#' Cross-validate a fit
#'
#' What is a model worth to rows it has not seen? The rows are cut into folds at random; the model of the fit is fitted
#' to all folds but one, and scored by the log-likelihood of the one left out.
#'
#' Each refit starts from the groups of the fit and from `n_start` k-means++ partitions. Rows that belong together, as
#' the units of [em_mixture()] and the series of [em_markov()] do, are left out together. What was known of rows
#' (`labels`), what was held (`fixed`), case weights and a prior hold in each refit; the score is the log-likelihood
#' alone. Folds are drawn with R's generator. Fits are compared on the same folds: see the example.
#'
#' [em_select()] with `criterion = "CV"` does the same to a table of models.
#'
#' @param object A fit by [em_fit()].
#' @param folds In how many parts the rows, or units, are cut; or the fold of each row: numbers, as in `$folds` of
#'   another cross-validation. As many as there are rows: leave one out.
#' @param control Settings of the refits, see [em_control()]; left out: those of the fit.
#' @param cluster `NULL`, or a cluster of package parallel whose workers share the folds; the answer is the same.
#' @param ... Nothing: an unknown argument is an error.
#' @return An object of class `em_cv`, a list with
#' \describe{
#'   \item{logLik}{The log-likelihood of all rows, each held out once; `NA` where a fold could not be fitted.}
#'   \item{std.error}{Its standard error, from how much the log-likelihoods of rows (or units) vary.}
#'   \item{fitted, nobs}{The log-likelihood of the fit itself, and the number of rows (or units), by weight.}
#'   \item{table}{Data frame, a row for each fold: `fold`, `nobs`, `logLik` held out, `per.obs` (that of one row or
#'     unit), `iterations` and `status` of the refit.}
#'   \item{row_loglik, folds}{For each row its held-out log-likelihood and its fold.}
#' }
#' `as.data.frame()` and `tidy()` return the table, `glance()` the numbers above it in one row.
#' @section Errors: `emfit_error_argument`; `emfit_error_unsupported` for fewer than three series.
#' @section Warnings: `emfit_warning_collapse`: a fold could not be fitted.
#' @references Smyth, P. (2000) Model selection for probabilistic clustering using cross-validated likelihood.
#'   *Statistics and Computing* 10, 63-72. \doi{10.1023/A:1008940618127}
#' @seealso [em_select()], [em_bootstrap()]
#' @examples
#' set.seed(1)
#' two <- em_cv(em_fit(faithful, k = 2), folds = 5)
#' two
#' three <- em_cv(em_fit(faithful, k = 3), folds = two$folds)
#' three$logLik - two$logLik
#' @export
em_cv <- function(object, ...) UseMethod("em_cv")

#' @rdname em_cv
#' @export
em_cv.default <- function(object, ...) check_fit(object)

#' @rdname em_cv
#' @export
em_cv.em_fit <- function(object, folds = 10, control = object$control, cluster = NULL, ...) {
  check_no_dots(list(...), names(formals(em_cv.em_fit)))
  check_fit(object, "em_cv()")
  control <- with_crew(refit_control(object, as_em_control(control), NULL), cluster)
  data <- object$data
  model <- fit_model(object)
  if (missing(folds)) folds <- max(2L, min(folds, drawn_rows(data))) # of few rows, leaving out one after the other
  folds <- if (length(folds) == 1L) draw_folds(data, folds, "em_cv()", "em_bootstrap(fit, type = \"parametric\")")
           else check_folds(folds, data)
  parts <- fold_parts(data, folds, model)
  labels <- max.col(responsibilities(object), ties.method = "first")
  items <- lapply(parts, function(part) {
    own <- start_of_fold(model, object$parameters, labels, part)
    c(list(own), draw_fold_starts(part$fitted, model, control$n_start))
  })
  runs <- fold_runs(parts, items, model, control, data)
  new_em_cv(object, folds, parts, runs, match.call())
}

check_folds <- function(folds, data) {
  if (!is.numeric(folds) || length(folds) != data$n || anyNA(folds)) {
    abort_em("argument", c(
      sprintf("`folds` must be a number, or the number of a fold for each of the %s of the fit, not %s.",
              plural(data$n, "row"), describe_value(folds)),
      i = "Take `folds` of another cross-validation, or folds = 10."
    ))
  }
  codes <- match(folds, sort(unique(folds)))
  if (max(codes) < 2L) abort_em("argument", "`folds` must name two folds or more: it is the same for all rows.")
  units <- unit_codes(data)
  if (!is.null(units)) {
    apart <- which(codes != codes[match(units, units)])
    if (length(apart)) {
      abort_em("argument", c(
        sprintf("`folds` must be the same in all rows that belong together: row %d is in another fold than row %d.",
                apart[1L], match(units[apart[1L]], units)),
        i = "Give a number, folds = 10: units and series are then left out as a whole."
      ))
    }
  }
  codes
}

new_em_cv <- function(fit, folds, parts, runs, call) {
  scores <- held_out(parts, runs, fit_model(fit))
  row_loglik <- rep(NA_real_, fit$data$n)
  for (part in parts) if (!is.null(scores[[part$fold]])) row_loglik[folds == part$fold] <- scores[[part$fold]]
  counted <- lapply(parts, function(part) count_observations(part$held))
  totals <- unlist(Map(function(rows, part) if (is.null(rows)) NA_real_ else weighted_sum(rows, part$held$weights),
                       scores, parts))
  table <- data.frame(
    fold = seq_along(parts), nobs = unlist(counted), logLik = totals, per.obs = totals / unlist(counted),
    iterations = vapply(runs, function(run) run$iterations, 0L), status = vapply(runs, run_status, "")
  )
  out <- structure(list(
    call = plain_call(name_function(call, em_cv)), logLik = sum(totals), std.error = held_out_error(row_loglik, fit),
    fitted = fit$loglik, nobs = sum(table$nobs), k = fit$k, title = format_title(fit), table = table,
    row_loglik = row_loglik, folds = folds
  ), class = "em_cv")
  warn_folds(out)
  out
}

# Of the sum, from how the log-likelihoods of what stands by itself vary.
held_out_error <- function(rows, fit) {
  weights <- stats::weights(fit)
  units <- unit_codes(fit$data)
  if (!is.null(units)) {
    rows <- as.vector(rowsum(rows, units, reorder = FALSE))
    weights <- weights[!duplicated(units)]
  }
  rows <- rows[weights > 0]
  weights <- weights[weights > 0]
  n <- sum(weights)
  if (n <= 1) return(NA_real_)
  sqrt(n / (n - 1) * sum(weights * (rows - sum(weights * rows) / n)^2))
}

failed_folds <- function(cv) which(is.na(cv$table$logLik))

warn_folds <- function(cv) {
  failed <- failed_folds(cv)
  if (!length(failed)) return(invisible())
  warn_em("collapse", c(
    sprintf("%d of %s could not be fitted: %s.", length(failed), plural(nrow(cv$table), "fold"),
            enumerate(paste("fold", failed))),
    x = "Without its rows a component has too few, or collapses.",
    i = "Use fewer components, or more folds: each leaves out fewer rows."
  ))
}

#' @export
print.em_cv <- function(x, digits = 2L, ...) {
  check_dots(..., let_pass = print_arguments)
  cat(format(x, digits = digits), sep = "\n")
  invisible(x)
}

#' @export
format.em_cv <- function(x, digits = 2L, ...) {
  check_dots(..., let_pass = format_arguments)
  failed <- failed_folds(x)
  c(
    x$title, "", sprintf("Cross-validation in %d folds, %s", nrow(x$table), plural(x$nobs, "observation")), "",
    if (length(failed)) sprintf("No held-out log-likelihood: %s could not be fitted.", enumerate(paste("fold", failed)))
    else sprintf("Held-out log-likelihood %s (standard error %s), %s of one observation", fixed(x$logLik, digits),
                 fixed(x$std.error, digits), fixed(x$logLik / x$nobs, digits + 1L)),
    sprintf("Log-likelihood of the fit %s, %s of one observation", fixed(x$fitted, digits),
            fixed(x$fitted / x$nobs, digits + 1L)),
    if (!length(failed)) sprintf("Of one observation, fold by fold: %s to %s", fixed(min(x$table$per.obs), digits + 1L),
                                 fixed(max(x$table$per.obs), digits + 1L))
  )
}

#' @rdname em_cv
#' @param x A cross-validation by `em_cv()`.
#' @param row.names,optional Ignored; they belong to the generic.
#' @export
as.data.frame.em_cv <- function(x, row.names = NULL, optional = FALSE, ...) {
  check_dots(..., let_pass = frame_arguments)
  x$table
}

#' @rdname em_cv
#' @export
tidy.em_cv <- function(x, ...) {
  check_dots(...)
  as_tidy(x$table)
}

#' @rdname em_cv
#' @export
glance.em_cv <- function(x, ...) {
  check_dots(...)
  as_tidy(data.frame(k = x$k, nobs = x$nobs, folds = nrow(x$table), logLik = x$logLik, std.error = x$std.error,
                     fitted = x$fitted))
}

draw_folds <- function(data, folds, what = "criterion = \"CV\"", instead = "criterion = \"BIC\"") {
  folds <- check_count(folds, "folds", 2L)
  series <- ordered_units(data)
  if (!is.null(series)) {
    n <- count_units(series)
    check_units_drawn(n, what, instead)
    return(sample(rep_len(seq_len(min(folds, n)), n))[series$codes])
  }
  most <- drawn_rows(data)
  if (folds > most) {
    abort_em("argument", sprintf("`folds` can't be more than the %s: %d, not %d.",
                                 if (is.null(shared_units(data))) "rows" else "units", most, folds))
  }
  draw_units(data, function(w) sample(rep_len(seq_len(folds), length(w))))
}

# How many rows, or units of rows, can be left out.
drawn_rows <- function(data) {
  units <- shared_units(data)
  if (is.null(units)) data$n else count_units(units)
}

fold_parts <- function(data, folds, model) {
  lapply(seq_len(max(folds)), function(fold) {
    fitted <- keep_data_rows(data, which(folds != fold))
    list(fold = fold, rows = which(folds != fold), fitted = fitted, native = tallied(fitted, model),
         held = keep_data_rows(data, which(folds == fold)))
  })
}

fold_runs <- function(parts, items, model, control, data) {
  race_em(lapply(parts, `[[`, "native"), items, model, utils::modifyList(control, list(path = FALSE)), 2L,
          weight_of_row(data$weights))
}

held_out <- function(parts, runs, model) {
  Map(function(part, run) {
    if (run_is_sound(run)) expect_em(part$held, run$parameters, model, "row_loglik")$row_loglik
  }, parts, runs)
}

# The fit's own groups, where all are left among the rows; else its parameters.
start_of_fold <- function(model, parameters, labels, part) {
  labels <- usable_partition(labels[part$rows], latent_columns(model$latent, model$k))
  if (is_tallied(model) || holds_parameters(model) || is.null(labels)) return(parameters_start(plain_parameters(parameters), "full"))
  partition_start(labels, "full", part$fitted)
}

cross_validate <- function(search) {
  parts <- fold_parts(search$data, search$folds, search$cells[[1L]][[1L]]$model)
  for (at in seq_along(search$ks)) {
    first <- sound_model(Filter(is_sound, search$cells[[at]]))
    drawn <- lapply(parts, function(part) if (!is.null(first)) draw_fold_starts(part$fitted, first, search$control$n_start))
    for (i in seq_along(search$cells[[at]])) {
      if (is_sound(search$cells[[at]][[i]])) {
        search$cells[[at]][[i]]$cv <- held_out_deviance(search, at, i, parts, drawn)
      }
      search$tick()
    }
  }
}

keep_data_rows <- function(data, rows) {
  data$x <- data$x[rows, , drop = FALSE]
  data$weights <- data$weights[rows]
  data$row_names <- data$row_names[rows]
  data["labels"] <- list(keep_labels(data$labels, rows))
  data$n <- length(rows)
  data["missing"] <- list(NULL)
  data["units"] <- list(keep_units(data$units, rows))
  data["order"] <- list(row_order(data))
  data
}

draw_fold_starts <- function(fitted, model, n_start) {
  n_start <- latent_draws(model$latent, model$k, n_start)
  items <- tryCatch(starts_by_method(fitted, model, "kmeans++", n_start, deep = FALSE), emfit_error = function(e) NULL)
  lapply(items, function(item) c(item[names(item) != "method"], method = "kmeans++"))
}

# NA where the rows that are left can't be fitted.
held_out_deviance <- function(search, at, i, parts, drawn) {
  cell <- search$cells[[at]][[i]]
  labels <- if (!is_tallied(cell$model)) cell_labels(search, at, i)
  items <- Map(function(part, starts) {
    c(list(start_of_fold(cell$model, cell$run$parameters, labels, part)), starts)
  }, parts, drawn)
  scores <- held_out(parts, fold_runs(parts, items, cell$model, search$long, search$data), cell$model)
  if (any(vapply(scores, is.null, NA))) return(NA_real_)
  -2 * sum(unlist(Map(function(rows, part) weighted_sum(rows, part$held$weights), scores, parts)))
}

# Rows of weight 0 take no part, whatever they have.
weighted_sum <- function(x, weights) if (is.null(weights)) sum(x) else sum((weights * x)[weights > 0])

# The most probable component of each row; kept, as every fold asks for it.
cell_labels <- function(search, at, i) {
  cell <- search$cells[[at]][[i]]
  if (is.null(cell$labels)) {
    r <- expect_em(search$data, cell$run$parameters, cell$model, "responsibilities",
                   threads = search$control$threads)$responsibilities
    cell$labels <- max.col(r, ties.method = "first")
    search$cells[[at]][[i]] <- cell
  }
  cell$labels
}

usable_partition <- function(labels, k) if (length(unique(labels)) == k && max(labels) == k) labels
