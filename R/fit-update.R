#' Fit again, with something changed
#'
#' Fits the rows that the fit holds again, with other arguments. Nothing is looked up under the names that the first
#' call used, so it works after [lapply()], inside functions, and after the data have changed or gone.
#'
#' @param object A fit by [em_fit()], or [best()] of a selection.
#' @param formula. A new formula: `~ waiting`, or with dots as in [stats::update.formula()]: `~ . - eruptions`.
#' @param ... Arguments of [em_fit()] to be changed: `k`, `family`, `latent`, `start`, `weights`, `labels`, `fixed`,
#'   `subset` (of the rows of the fit), `na.action`, `control`; `NULL` takes one away. `data` (or `x`, a matrix or data
#'   frame) gives new rows.
#'   Of a fit to rows in chunks, [em_chunks()], only `append` and `control`: see below.
#' @param evaluate `FALSE` returns the call that is meant, and fits nothing.
#' @details What is not given stays as it was. A method of starts stays; a start of one's own stays as the parameters of
#'   iteration 0, where the new model has the same parameters, and otherwise the starts are those of `start = NULL`.
#'   `weights`, `labels` and `subset` may use the columns of the fit. Rows that `na.action` left out count as held.
#'
#'   A formula may name columns that the fit does not hold. They are taken from the `data` of the first call,
#'   if these are still there and give the very rows of the fit; otherwise it is an error.
#' @section Rows that are added:
#' `update(fit, append = rows)` puts rows behind those of a fit to rows in chunks: a data frame, a matrix, a list of them, or
#' [em_chunks()]. They are looked at, cached and sampled as the others were, and the fit goes on from its parameters with all
#' rows, old and new: it is exact, and takes as many passes as it takes from there. With `cache = "none"` the source of the old
#' rows is read again. The old fit stays as it was. New rows are new units or series.
#' @return A fit, as [em_fit()] returns it.
#' @section Errors: `emfit_error_argument`, `emfit_error_unsupported` for `append` where the fit is of rows in memory, and those of [em_fit()].
#' @references Chambers, J. M. (1992) Linear models. Chapter 4 of *Statistical Models in S*, eds Chambers, J. M. and
#'   Hastie, T. J. Wadsworth & Brooks/Cole. \doi{10.1201/9780203738535}
#' @seealso [em_fit()], [em_diagnose()]
#' @examples
#' fit <- em_fit(faithful, k = 2)
#' update(fit, k = 3)
#' update(fit, ~ waiting)
#' update(fit, weights = eruptions)
#' @importFrom stats update
#' @export
update.em_fit <- function(object, formula., ..., evaluate = TRUE) {
  if ("append" %in% ...names()) return(update_by_append(object, list(...), missing(formula.)))
  given <- as.list(substitute(list(...)))[-1L]
  known <- setdiff(names(formals(em_fit.formula)), "...")
  check_no_dots(given[!names_of(given) %in% known], c(known, "append"))
  refuse_sample(object, "update()", "Put rows behind the others, update(fit, append = rows), or fit the chunks again from here: em_fit(chunks, k, start = fit).")
  formula <- if (missing(formula.)) NULL else changed_formula(object, formula.)
  call <- updated_call(object$call, given, formula)
  if (!check_flag(evaluate, "evaluate")) return(call)
  # Values as they were where update() was called; weights, labels and subset may also be columns.
  change <- list(given = given, home = parent.frame(), formula = formula,
                 force = function(name) ...elt(match(name, names(given))))
  model <- updated_model(object, change)
  rows <- if (any(c("x", "data") %in% names(given))) new_rows_of_update(object, change, model)
          else held_rows_of_update(object, change, model)
  data <- data_of_frame(rows$frame, rows$family, updated_na_action(object, change))
  if (rows$new || "na.action" %in% names(given)) tell_missing(data)
  start <- if ("start" %in% names(given)) change$force("start") else kept_start(object, data, model, change)
  model$latent <- latent_settle(model$latent, data$units)
  fit_data(data, model$k, rows$family, model$latent, start, model$control, call, model$fixed)
}

changed_formula <- function(object, formula) {
  if (!inherits(formula, "formula")) {
    abort_em("argument", c(sprintf("`formula.` must be a formula, not %s.", describe_value(formula)),
                           i = "Name the other arguments: update(fit, k = 3)."))
  }
  if (!"." %in% all.vars(formula)) return(formula)
  old <- formula_of_columns(object)
  out <- stats::update.formula(old, formula)
  environment(out) <- environment(formula)
  out
}

# A fit of a matrix or a data frame has the formula of its columns.
formula_of_columns <- function(fit) {
  if (!is.null(fit$data$terms)) return(stats::formula(fit))
  names <- setdiff(fit$data$names, fit$data$beside)
  if (!length(names)) {
    abort_em("argument", c("`formula.` can't change a fit whose columns have no names.",
                           i = "Fit the data under names: em_fit(~ a + b, data = )."))
  }
  symbols <- lapply(names, as.name)
  stats::as.formula(call("~", Reduce(function(a, b) call("+", a, b), symbols)), env = globalenv())
}

updated_call <- function(call, given, formula) {
  for (name in names(given)) call[name] <- list(given[[name]])
  call <- call[!vapply(as.list(call), is.null, NA)]
  if (!is.null(formula)) {
    attributes(formula) <- NULL # the call is language, and keeps no environment
    call$x <- formula
  }
  call
}

# What em_fit() was asked, where the fit itself tells something else; see fit_data().
what_was_asked <- function(specified, start, family, latent, fixed) {
  list(start = if (!start$supplied) specified, supplied = start$supplied,
       family = if (!identical(family, start$model$family)) family,
       latent = if (!identical(latent, start$model$latent)) latent, fixed = fixed)
}

updated_model <- function(object, change) {
  asked <- object$asked
  pick <- function(name, as, otherwise) {
    if (!name %in% names(change$given)) return(otherwise)
    value <- change$force(name)
    if (is.null(value)) as() else as(value)
  }
  list(
    k = pick("k", function(k = NULL) k, object$k),
    family = pick("family", function(family = em_gaussian()) as_em_family(family),
                  if (is.null(asked$family)) object$family else asked$family),
    latent = pick("latent", function(latent = em_mixture()) as_em_latent(latent),
                  if (is.null(asked$latent)) unresolved_latent(object$latent) else asked$latent),
    fixed = pick("fixed", function(fixed = NULL) fixed, asked$fixed),
    control = pick("control", function(control = em_control()) as_em_control(control, assigned = TRUE), object$control)
  )
}

updated_na_action <- function(object, change) {
  if ("na.action" %in% names(change$given)) return(change$force("na.action"))
  omitted <- object$data$na.action
  if (length(omitted)) return(paste0("na.", class(omitted)[1L]))
  if (isTRUE(object$data$missing$told)) "na.pass"
}

# A start of one's own is a list of parameters now; it serves where these are those of the new model.
kept_start <- function(object, data, model, change) {
  if (!isTRUE(object$asked$supplied)) return(object$asked$start)
  fields <- model_fields(model, data)
  if (!identical(data$names, object$data$names) || !identical(fields, fit_fields(object))) return(NULL)
  own <- vapply(fields, `[[`, NA, "own")
  if (latent_is_held(model$latent, model$k) || "latent" %in% names(change$given)) return(flat_parameters(object$start)[own])
  object$start
}

# The rows that the fit holds ---------------------------------------------------------------------------------------

held_rows_of_update <- function(object, change, model) {
  family <- model$family
  latent <- model$latent
  frame <- frame_of_fit(object)
  n <- nrow(frame$x)
  held <- held_columns(frame)
  if (!is.null(change$formula)) frame <- frame_by_formula(frame, held, object, change, family)
  value <- function(name) value_in_rows(name, change, held, function() original_data(object, change$home))
  if ("latent" %in% names(change$given)) frame <- with_new_units(frame, held, object, change, model$latent)
  if ("weights" %in% names(change$given)) {
    weights <- value("weights")
    frame$weighted <- !is.null(weights)
    frame["weights"] <- list(if (frame$weighted) check_weights(in_all_rows(weights, object, n, 1), n))
  }
  if ("labels" %in% names(change$given)) {
    labels <- value("labels")
    frame["labels"] <- list(if (!is.null(labels)) check_labels(in_all_rows(labels, object, n, NA), n))
  }
  rows <- if ("subset" %in% names(change$given)) value("subset")
  if (!is.null(rows)) {
    at <- rows_kept(rows, n)
    frame <- rows_of_frame(frame, at)
    family <- family_of_rows(family, at, n)
  }
  list(frame = frame, family = family, new = FALSE)
}

# The rows as they were given, those that na.action left out in their places.
frame_of_fit <- function(fit) {
  data <- fit$data
  frame <- c(frame_again(fit), list(names = data$names, row_names = data$row_names, vector = data$vector,
                                    weighted = data$weighted))
  if (data$weighted) frame$weights <- data$weights
  frame$labels <- labels_with_noise(data$labels, fit$latent)
  frame$terms <- data$terms
  frame$units <- data$units
  if (is.null(data$omitted)) frame else with_omitted(frame, data$omitted, data$na.action)
}

# The frame that the data of a fit were made of: numbers, and what they stand for.
frame_again <- function(fit) {
  c(list(x = unname(family_given_columns(fit$family, fit$data))), fit$data["declared"][!is.null(fit$data$declared)])
}

# Its columns as the user had them.
frame_columns <- function(frame) {
  if (is.null(frame$declared)) return(as.data.frame(unname(frame$x)))
  columns <- lapply(seq_along(frame$declared), function(j) category_column(frame$x[, j], frame$declared[[j]]))
  names(columns) <- paste0("V", seq_along(columns))
  plain_frame(columns)
}

with_omitted <- function(frame, omitted, na.action) {
  n <- nrow(frame$x) + length(na.action)
  back <- order(c(seq_len(n)[-na.action], na.action))
  labels <- frame$labels
  frame$x <- rbind(frame$x, omitted$x)[back, , drop = FALSE]
  frame$weights <- c(frame$weights, omitted$weights)[back]
  if (!is.null(frame$units)) {
    frame$units$value <- c(frame$units$value, omitted$units)
    frame$units <- keep_units(frame$units, back)
  }
  frame$row_names <- c(frame$row_names, omitted$row_names)[back]
  if (!frame$weighted) frame$weights <- NULL
  if (is.null(labels)) return(frame)
  codes <- omitted$labels$codes
  if (!is.null(labels$levels)) codes <- match(omitted$labels$levels[codes], labels$levels)
  frame$labels$codes <- c(labels$codes, codes)[back]
  if (!is.null(labels$beliefs)) {
    beliefs <- omitted$labels$beliefs
    if (!is.null(labels$levels)) beliefs <- beliefs[, match(labels$levels, omitted$labels$levels), drop = FALSE]
    frame$labels$beliefs <- rbind(labels$beliefs, beliefs)[back, , drop = FALSE]
  }
  frame
}

rows_of_frame <- function(frame, at) {
  frame$x <- frame$x[at, , drop = FALSE]
  frame$weights <- frame$weights[at]
  frame$labels <- keep_labels(frame$labels, at)
  frame$units <- keep_units(frame$units, at)
  frame$row_names <- frame$row_names[at]
  frame
}

# Columns under names that a formula can use.
held_columns <- function(frame) {
  out <- frame_columns(frame)
  if (length(frame$names) != ncol(out)) return(out[integer()])
  names(out) <- frame$names
  known <- if (is.null(frame$terms)) frame$names else attr(frame$terms, "rows")
  out[!is.na(frame$names) & frame$names %in% known & !duplicated(frame$names)]
}

# A number for each row of the fit, or of all that it was given.
in_all_rows <- function(value, fit, n, blank) {
  omitted <- fit$data$na.action
  if (!length(omitted) || NROW(value) != fit$data$n) return(value)
  at <- replace(rep(NA_integer_, n), seq_len(n)[-omitted], seq_len(fit$data$n))
  if (is.matrix(value)) return(value[at, , drop = FALSE])
  value <- value[at]
  value[omitted] <- blank
  value
}

# weights, labels or subset: of the columns of the rows first, then as the caller has it.
value_in_rows <- function(name, change, columns, further) {
  expression <- change$given[[name]]
  names <- all.vars(expression)
  if (any(names %in% names(columns))) {
    return(tryCatch(eval(expression, columns, change$home), error = function(e) abort_update(name, e)))
  }
  tryCatch(change$force(name), error = function(e) {
    data <- further()
    if (is.null(data) || !any(names %in% names(data$data))) abort_update(name, e)
    value <- evaluate(expression, data$data, change$home, name)
    if (is.null(data$rows)) value else if (is.matrix(value)) value[data$rows, , drop = FALSE] else value[data$rows]
  })
}

abort_update <- function(name, e) {
  abort_em("argument", c(sprintf("`%s` of update() can't be evaluated.", name), x = conditionMessage(e)))
}

# The rows under a new formula.
frame_by_formula <- function(frame, held, object, change, family) {
  n <- nrow(frame$x)
  formula <- change$formula
  constants <- if (!is.null(frame$terms)) attr(frame$terms, "home")
  if (!is.null(constants)) {
    environment(formula) <- list2env(as.list(constants, all.names = TRUE), parent = environment(formula))
  }
  names <- c(all.vars(formula), family_variables(family))
  bare <- vapply(all_terms(formula), function(term) if (is.symbol(term)) as.character(term) else "", "")
  lacking <- names[!names %in% names(held) &
                   vapply(names, not_constant, NA, home = environment(formula), n = n, bare = bare)]
  data <- list(data = held)
  if (length(lacking)) {
    data <- original_data(object, change$home)
    if (is.null(data)) abort_not_held(lacking, names(held))
  }
  found <- rows_of_formula(formula, data$data, data$rows, family)
  new <- family_frame(family, found$x, logical_ok = TRUE)
  new$terms <- found$terms
  c(new, frame[intersect(c("weighted", "weights", "labels", "units"), names(frame))])
}

# A function is no column, but a column may be called as a function is.
not_constant <- function(name, home, n, bare) {
  value <- look_up(name, home)
  is.null(value) || name %in% bare || !is.function(value) && NROW(value) == n
}

all_terms <- function(formula) as.list(attr(stats::terms(formula, allowDotAsName = TRUE), "variables"))[-1L]

abort_not_held <- function(lacking, held) {
  abort_em("argument", c(
    sprintf("The fit does not hold %s, and the data of its call are no longer those of its rows.", quoted(lacking)),
    x = if (length(held)) sprintf("It holds %s.", quoted(held)),
    i = "Give the data: update(fit, formula., data = )."
  ))
}

# The data of the call, if they still give the rows of the fit to the last bit: list(data, rows); otherwise NULL.
original_data <- function(object, home) {
  terms <- object$data$terms
  if (is.null(terms)) return(NULL)
  data <- tryCatch(eval(object$call$data, home), error = function(e) NULL)
  if (is.null(data) && !is.null(object$call$data)) return(NULL)
  constants <- attr(terms, "home")
  terms <- terms_at_home(terms, if (is.null(constants)) home
                                else list2env(as.list(constants, all.names = TRUE), parent = home))
  tryCatch({
    x <- model_frame(terms, data)
    rows <- eval(object$call$subset, data, home)
    rows <- rows_kept(if (is.null(rows)) TRUE else rows, nrow(x))
    attr(x, "terms") <- NULL
    same_rows(flatten_matrices(undo_offset(x, terms))[rows, , drop = FALSE], object)
    list(data = data, rows = rows)
  }, error = function(e) NULL)
}

same_rows <- function(x, object) {
  frame <- frame_of_fit(object)
  fitted <- frame_columns(frame)
  stopifnot(ncol(x) <= ncol(fitted), nrow(x) == nrow(fitted))
  plain <- function(column) if (is.factor(column)) as.character(column) else as.vector(column) + 0
  for (j in seq_len(ncol(x))) stopifnot(identical(plain(x[[j]]), plain(fitted[[j]])))
}

# New rows ------------------------------------------------------------------------------------------------------------

new_rows_of_update <- function(object, change, model) {
  family <- model$family
  latent <- model$latent
  given <- change$given
  data <- change$force(if ("data" %in% names(given)) "data" else "x")
  formula <- change$formula
  by_formula <- "data" %in% names(given) && (!is.null(object$data$terms) || !is.null(formula))
  if (inherits(data, "formula")) abort_em("argument", "A new formula is the second argument: update(fit, ~ a + b).")
  columns <- if (is.list(data)) data else list()
  value <- function(name) {
    if (name %in% names(given)) return(value_in_rows(name, change, columns, function() NULL))
    kept_beside(name, object, columns, if (by_formula) NA else NROW(data))
  }
  weights <- value("weights")
  labels <- value("labels")
  parted <- units_of_new_rows(data, object, change, model$latent)
  if (by_formula) {
    if (is.null(formula)) formula <- stats::formula(object)
    rows <- value("subset")
    check_formula_data(data)
    if ("." %in% all.vars(formula)) data <- parted$x
    found <- rows_of_formula(formula, data, NULL, family)
    frame <- family_frame(family, found$x, logical_ok = TRUE)
    frame$terms <- found$terms
  } else {
    data <- parted$x
    columns_given <- if ("data" %in% names(given)) named_rows(data, object$data, family_variables(family)) else data
    frame <- family_frame(family, columns_given, logical_ok = TRUE)
    rows <- if ("subset" %in% names(given)) value("subset")
  }
  n <- nrow(frame$x)
  frame$units <- check_units(parted$units, n)
  frame$weighted <- !is.null(weights)
  if (frame$weighted) frame$weights <- check_weights(weights, n)
  if (inherits(labels, "em_labels")) frame$labels <- unclass(labels)
  else if (!is.null(labels)) frame$labels <- check_labels(labels, n)
  if (!is.null(rows)) {
    at <- rows_kept(rows, n)
    frame <- rows_of_frame(frame, at)
    family <- family_of_rows(family, at, n)
  }
  list(frame = frame, family = family, new = TRUE)
}

# Weights, labels and a subset of the first call, for new rows: the columns that they were made of, if the new data
# have them; those of the rows themselves where a matrix of as many rows takes their place.
kept_beside <- function(name, object, columns, n) {
  expression <- object$call[[name]]
  frame <- frame_of_fit(object)
  had <- switch(name, weights = frame$weights, labels = frame$labels, subset = expression)
  if (is.null(had)) return(NULL)
  names <- all.vars(expression)
  if (length(names) && all(names %in% names(columns))) return(evaluate(expression, columns, baseenv(), name))
  if (name != "subset" && n %in% nrow(frame$x)) return(if (name == "labels") structure(had, class = "em_labels") else had)
  abort_em("argument", c(
    sprintf("`%s` of the fit are of its own rows: say those of the new ones.", name),
    i = sprintf("update(fit, data = , %s = ), or %s = NULL for none.", name, name)
  ))
}
