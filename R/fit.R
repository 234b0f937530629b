# The fit object: plain data of class em_fit. new_em_fit() makes it from what the engine returned.
new_em_fit <- function(run, start, data, control, call, fields = model_fields(start$model, data)) {
  model <- start$model
  check_run(run, start)
  # Parameters that are scored as they were given are nobody's estimates.
  if (scores_given(start, control)) run$degenerate <- integer()
  ordered <- start$ordered
  order <- if (ordered) seq_len(model$k) else order_components(run, model, start$groups)
  labels <- sheet_labels(model, component_labels(start$names, model$k), data, length(run$counts))
  finish <- function(parameters) {
    if (!ordered) parameters <- permute_components(parameters, fields, order)
    name_parameters(parameters, fields, labels)
  }
  counts <- if (ordered) run$counts else run$counts[c(order, seq_along(run$counts)[-order])]
  names(counts) <- labels$column
  relative_spread <- run$relative_spread[order]
  names(relative_spread) <- labels$component
  call <- plain_call(call)
  call[[1L]] <- quote(emfit::em_fit)
  fit <- list(
    call = call, family = model$family, latent = model$latent, k = model$k,
    parameters = finish(run$parameters), loglik = run$loglik - run$log_prior, df = as.integer(run$df),
    objective = run$loglik, nobs = count_observations(data), trace = run$trace,
    path = if (length(run$path)) lapply(unpack_path(run), finish), converged = run$status == "converged",
    status = run$status, iterations = run$iterations, passes = run$passes, gain = run$gain, remaining = run$remaining,
    counts = counts, relative_spread = relative_spread, collapsed = if (run$component > 0L) match(run$component, order),
    degenerate = places(run$degenerate, order), coincident = places(run$coincident, order),
    starts = plain_frame(c(list(method = rep_len(start$method, length(run$starts$loglik))), run$starts)),
    raced = isTRUE(start$raced), traces = if (length(run$traces) > 1L) run$traces, start = finish(run$start),
    control = control, data = unclass(data), order = order, # of the run: em_path() replays in that
    leaning = places(components_on_few_rows(run, data, model), order)
  )
  if (!is.null(start$asked)) fit$asked <- start$asked
  if (!start$supplied) fit$passed_over <- run$passed_over
  volume <- noise_volume(model$latent)
  if (!is.null(volume)) fit$noise_volume <- volume
  if (assigns(control)) fit <- with_assigned(fit, run, finish)
  class(fit) <- c(paste0("em_fit_", .subset2(model$family, "name")), "em_fit")
  if (run$status == "max_iter") warn_unfinished(run, unclass(control))
  if (run$status == "not_monotone" || length(run$degenerate) || length(run$coincident)) warn_about(fit)
  warn_of_doubts(unclass(fit)) # a list gives its parts without looking for methods first
  family_warn(model$family, fit)
  fit
}

# Those that lean on few rows, or are a single one. Nearly always each has more rows than either is asked of.
components_on_few_rows <- function(run, data, model) {
  few <- max(most_copies, enough_rows * family_rows_needed(model$family, data)) * weight_of_row(data$weights)
  if (min(run$counts) >= few) return(no_components)
  c(leaning_of(run, data, model)$components, single_rows(run, data, model))
}

scores_given <- function(start, control) {
  .subset2(control, "max_iter") == 0L && start$supplied && identical(start$method, "parameters")
}

# Where components of the core's order are in the fit's.
places <- function(components, order) if (length(components)) sort(match(components, order)) else no_components

no_components <- integer()

# data.frame() without its checks, which take a third of a small fit.
plain_frame <- function(columns) {
  attr(columns, "row.names") <- c(NA_integer_, -length(columns[[1L]]))
  class(columns) <- "data.frame"
  columns
}

# Errors where the run led nowhere.
check_run <- function(run, start) {
  if (run$status != "bad_start") return(if (identical(run$loglik, -Inf)) check_possible(run))
  if (start$supplied) {
    abort_em("start", c(
      sprintf("`start` gives component %d no density: %s.", run$component,
              family_no_density(start$model$family, run$parameters)),
      i = "Start it with more spread."
    ))
  }
  abort_em("degenerate", c(
    sprintf("None of %s led to a fit: component %d %s.", plural(nrow(as.data.frame(run$starts)), "start"),
            run$component, family_too_few(start$model$family)),
    i = simpler_hint(start$model$family)
  ))
}

# A row that a probability of 0 or 1 makes impossible stays so where labels or `fixed` leave no way out.
check_possible <- function(run) {
  if (run$iterations == 0L) return(TRUE)
  abort_em("degenerate", c(
    "Some rows have density 0 in every component that they may belong to.",
    i = "Start from probabilities between 0 and 1, or look at `labels` and `fixed`."
  ))
}

# By decreasing proportion; equal ones by increasing first mean or probability. Components of groups stay in these.
order_components <- function(run, model, groups = NULL) {
  own <- family_order(model$family, run$parameters)
  if (is.null(groups)) groups <- integer(length(own))
  order(groups, -latent_shares(model$latent, run$parameters, run$counts)[seq_along(own)], own, method = "radix")
}

# `columns` are the names of those of the data, where they have any.
new_em_parameters <- function(parameters, names, model, data, columns = data$names) {
  labels <- sheet_labels(model, component_labels(names, model$k), data)
  structure(name_parameters(parameters, model_fields(model, data), labels), class = "em_parameters",
            family = model$family, latent = model$latent, k = model$k, columns = columns, width = data_width(data))
}

unclass_parameters <- function(parameters) {
  attributes(parameters) <- list(names = names(parameters))
  parameters
}

#' @export
print.em_parameters <- function(x, ...) {
  check_dots(..., let_pass = print_arguments)
  cat(format(attr(x, "family")), ". ", format(attr(x, "latent")), ".\n", sep = "")
  print(unclass_parameters(x), ...)
  invisible(x)
}

# A column of packed numbers for each iteration -> a list of parameter lists.
unpack_path <- function(run) {
  lapply(seq_len(ncol(run$path)), function(i) unpack_parameters(run$path[, i], run$parameters))
}

warn_about <- function(fit) {
  if (fit$status == "not_monotone") warn_falling(fit)
  if (length(fit$degenerate)) warn_collapsed(fit)
  if (length(fit$coincident)) warn_nearly_coincident(fit)
}

warn_unfinished <- function(run, control) {
  if (control$tol == 0 || control$max_iter == 0L) return(invisible())
  warn_em("not_converged", c(
    sprintf("%s stopped after %s, still gaining %s per iteration (tol = %s).",
            sub("^c", "C", algorithm_label(control)), plural(run$iterations, "iteration"), number(run$gain), number(control$tol)),
    i = "Raise max_iter in em_control(), or go on from here: update(fit, start = fit)."
  ))
}

# Where tol is so coarse that runs end short of their maximum, they may differ by as much.
starts_agreeing <- function(fit) {
  within <- if (is.finite(fit$remaining)) max(1e-3, 2 * fit$remaining) else 1e-3
  near <- abs(fit$starts$loglik - fit$objective) < within + 1e-10 * abs(fit$objective)
  sum(near & !fit$starts$status %in% c("bad_start", "stopped_early"))
}

describe_agreement <- function(fit) {
  early <- sum(fit$starts$status == "stopped_early")
  lost <- sum(fit$starts$degenerate & fit$starts$status != "stopped_early")
  paste0(if (early) sprintf("%d stopped early, ", early), if (lost) sprintf("%d degenerate, ", lost),
         starts_agreeing(fit), " agree")
}

#' Print and summarise a fit
#'
#' `print()` shows sizes, the parameters that fit on a line, the log-likelihood and how the run ended, in at
#' most 15 lines for up to 6 components. `summary()` adds the covariances, the criteria and the starts.
#'
#' @param x,object A fit by [em_fit()].
#' @param digits Significant digits of the parameters; left out: three fewer than `options(digits = )`, so 4.
#' @param ... Arguments of [print.default()]; any other is an error.
#' @return `print()` returns `x`, invisibly; `format()` a character vector, a line each; `summary()` a list of
#'   class `summary.em_fit` with the table of components, the criteria and the fit.
#' @references Schwarz, G. (1978) Estimating the dimension of a model. *Annals of Statistics* 6, 461-464.
#'   \doi{10.1214/aos/1176344136}
#' @examples
#' fit <- em_fit(faithful, k = 2)
#' fit
#' summary(fit)
#' @export
print.em_fit <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  check_dots(..., let_pass = print_arguments)
  cat(format(x, digits = digits), sep = "\n")
  invisible(x)
}

#' @rdname print.em_fit
#' @export
format.em_fit <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  check_dots(..., let_pass = format_arguments)
  c(format_title(x), "", format_components(x, digits), "", latent_lines(x$latent, x), format_criteria(x), format_ending(x))
}

# Also where the fit has a sample of them only.
rows_in_all <- function(fit) if (is.null(fit$data$whole)) fit$data$n else fit$data$whole$n

format_title <- function(x) {
  label <- family_label(x$family)
  title <- paste0(latent_title(x$latent, label, x$k), if (!is.null(label$detail)) ", ", label$detail)
  rows <- paste0(plural(rows_in_all(x), "observation"), latent_rows_label(x$latent, x$data), ", ", family_rows(x$family, x$data))
  rows <- paste(c(rows, describe_units(x$data)), collapse = ", ")
  if (x$data$weighted) rows <- paste0(rows, ", weights sum to ", number(x$nobs, 7L, getOption("OutDec")))
  rows <- paste0(c(rows, describe_missing(x$data)), collapse = "")
  if (holds_parameters(fit_model(x))) rows <- paste0(rows, ", ", plural(sum(is_held(x)), "parameter"), " held")
  if (isTRUE(x$data$n_empty > 0)) rows <- paste0(rows, ", ", x$data$n_empty, " without ", family_lacks(x$family), " not counted")
  if (length(x$data$na.action)) rows <- paste0(rows, ", ", length(x$data$na.action), " left out for NA")
  c(title, rows)
}

# At most 6 components and 6 columns of parameters, and no more columns than the console is wide: the rest is for
# summary() and coef().
format_components <- function(x, digits) {
  frame <- component_frame(x)
  rows <- c(seq_len(min(6L, x$k)), seq_len(nrow(frame))[-seq_len(x$k)])
  frame <- frame[rows, seq_len(min(9L, ncol(frame)))]
  table <- format_columns(frame, digits)
  table$proportion <- format(round(frame$proportion, 3L), digits = 15L)
  table$n <- fixed(frame$n, 0L)
  columns <- first_columns(table, least = 4L)
  groups <- family_groups(x$family)
  if (columns == length(component_frame(x)) || is.null(groups)) {
    lines <- table_lines(table[seq_len(columns)], width = Inf)
    hidden <- length(component_frame(x)) - columns
  } else {
    found <- lapply(seq_along(groups), function(i) group_lines(x, groups[[i]], table, i == 1L, digits))
    lines <- unlist(lapply(found, `[[`, "lines"))
    hidden <- sum(vapply(found, `[[`, 0L, "hidden"))
  }
  left <- c(component = x$k - 6L, variable = hidden)
  left <- left[left > 0L]
  if (!length(left)) return(lines)
  c(lines, sprintf(" (%s more: see coef())", paste(mapply(plural, left, names(left)), collapse = " and ")))
}

# Columns of one kind, below the components; the first kind beside their shares.
group_lines <- function(x, group, table, first, digits) {
  frame <- component_frame(x)[seq_len(nrow(table)), , drop = FALSE]
  shown <- data.frame(table[if (first) 1:3 else 1L], format_columns(frame[group], digits), check.names = FALSE)
  columns <- first_columns(shown, least = 2L)
  list(lines = table_lines(shown[seq_len(columns)], width = Inf), hidden = length(shown) - columns)
}

# A row for each component, and for noise.
component_frame <- function(x) {
  data.frame(component = names(x$counts), proportion = unname(shares_of(x)), n = unname(x$counts),
             with_noise_row(family_summary(x$family, x$parameters, x$data), x$latent), check.names = FALSE)
}

format_criteria <- function(x) {
  c(sprintf("logLik %s (df %d)   AIC %s   BIC %s (smaller is better)", fixed(x$loglik, 2L), x$df,
            fixed(stats::AIC(x), 1L), fixed(stats::BIC(x), 1L)),
    if (!is.null(x$log_classes)) {
      sprintf("Maximised: the classification log-likelihood%s, %s", if (has_prior(x)) " + log prior" else "",
              fixed(x$objective, 2L))
    } else if (has_prior(x)) sprintf("Log-likelihood and log prior together %s", fixed(x$objective, 2L)),
    family_remarks(x$family, x))
}

format_ending <- function(x) {
  ending <- switch(x$status,
    converged = sprintf("Converged in %s%s", plural(x$iterations, "iteration"),
                        if (is.null(x$log_classes)) "" else " of classification EM"),
    max_iter = if (x$control$tol > 0 && x$control$max_iter > 0L) sprintf("NOT converged in %s", plural(x$iterations, "iteration"))
               else sprintf("Ran %s", plural(x$iterations, "iteration")),
    sprintf("Stopped after %s (%s)", plural(x$iterations, "iteration"), gsub("_", " ", x$status))
  )
  n <- nrow(x$starts)
  if (n > 1L) ending <- paste0(ending, sprintf("; best of %d starts (%s)", n, describe_agreement(x)))
  bad <- collapsed_components(x)
  thin <- thin_components(x)
  drawn <- describe_ending_assigned(x)
  c(if (is.null(drawn)) paste0(ending, ".") else drawn, describe_sample_search(x),
    if (length(bad)) sprintf("Collapsed onto few points: component %s.", enumerate(names(x$counts)[bad])),
    if (length(thin)) sprintf("Too few rows for a covariance of its own: component %s.",
                              enumerate(names(x$counts)[thin])),
    describe_leaning(x),
    if (length(x$coincident)) sprintf("Components %s nearly coincide.", paste(names(x$counts)[x$coincident], collapse = " and ")),
    describe_doubts(x))
}

#' @rdname print.em_fit
#' @export
summary.em_fit <- function(object, ...) {
  check_dots(...)
  criteria <- c(logLik = object$loglik, df = object$df, nobs = object$nobs, AIC = stats::AIC(object),
                BIC = stats::BIC(object))
  structure(list(fit = object, components = component_frame(object), criteria = criteria), class = "summary.em_fit")
}

print_covariances <- function(fit, digits) {
  for (j in seq_len(min(fit$k, 6L))) {
    cat("\nCovariance of component ", names(fit$counts)[j], ":\n", sep = "")
    print(fit$parameters$covariance[, , j], digits = digits)
  }
  if (fit$k > 6L) cat("\n(", plural(fit$k - 6L, "covariance"), " more: see coef())\n", sep = "")
}

#' @export
print.summary.em_fit <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  check_dots(..., let_pass = print_arguments)
  fit <- x$fit
  cat("Call: ", paste(deparse(fit$call, width.cutoff = 100L), collapse = "\n"), "\n\n", sep = "")
  cat(format_title(fit), "", sep = "\n")
  cat(table_lines(format_columns(x$components, digits)), sep = "\n")
  lines <- latent_lines(fit$latent, fit)
  if (length(lines)) cat("", lines, sep = "\n")
  if (!is.null(fit$parameters$covariance)) print_covariances(fit, digits)
  family_print_more(fit$family, fit, digits)
  cat("", format_criteria(fit), format_ending(fit), sep = "\n")
  if (nrow(fit$starts) > 1L) {
    cat("\nStarts, best first:\n")
    best <- order(-fit$starts$loglik)
    cat(table_lines(format_columns(utils::head(fit$starts[best, ], 5L), 8L)), sep = "\n")
  }
  invisible(x)
}
