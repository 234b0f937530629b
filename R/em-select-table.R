# The object that em_select() returns: a table with a row for each fit, and what best() makes fits of.
new_em_select <- function(search, criterion, call) {
  nobs <- count_observations(search$data)
  families <- length(search$cells[[1L]])
  # By structure, then by k, as the lines of a plot.
  by_family <- order(rep(seq_len(families), length(search$ks)), rep(search$ks, each = families))
  cells <- do.call(c, search$cells)[by_family]
  table <- select_table(search, cells, nobs)
  if (criterion != "CV") table$CV <- NULL
  call <- plain_call(call)
  call[[1L]] <- quote(emfit::em_fit)
  out <- structure(list(
    call = call, table = table, criterion = criterion, quick = search$quick,
    searched = count_searched(search), interrupted = search$interrupted, nobs = nobs,
    cells = lapply(cells, function(cell) cell[c("model", "run", "starts")]),
    latent = cells[[1L]]$model$latent, control = search$control, data = unclass(search$data)
  ), class = "em_select")
  warn_interrupted(out)
  out
}

# Made of whole columns: a data frame for each row takes longer than a small fit.
select_table <- function(search, cells, nobs) {
  good <- vapply(cells, is_sound, NA)
  clear <- lapply(cells[good], clarity_of_cell, search = search)
  of_good <- function(values) replace(rep(NA_real_, length(cells)), good, values)
  of_run <- function(ask) vapply(cells, function(cell) if (is.null(cell$run)) NA_real_ else ask(cell$run), 0)
  loglik <- of_run(function(run) run$loglik - run$log_prior)
  df <- as.integer(of_run(function(run) run$df))
  bic <- -2 * loglik + df * log(nobs)
  data.frame(
    family = vapply(cells, function(cell) cell$model$family$name, ""),
    covariance = vapply(cells, function(cell) family_structure(cell$model$family), ""),
    k = vapply(cells, function(cell) cell$model$k, 0L), logLik = loglik, df = df,
    AIC = of_good((-2 * loglik + 2 * df)[good]), BIC = of_good(bic[good]),
    ICL = of_good(bic[good] - 2 * vapply(clear, `[[`, 0, "log_top")),
    CV = vapply(cells, function(cell) c(cell$cv, NA_real_)[1L], 0),
    entropy = of_good(vapply(clear, `[[`, 0, "entropy")),
    n.min = of_good(vapply(cells[good], function(cell) min(cell$run$counts[seq_len(cell$model$k)]), 0)),
    prob.min = of_good(vapply(clear, `[[`, 0, "least")),
    converged = vapply(cells, function(cell) cell$status == "converged", NA),
    starts.agree = as.integer(of_good(vapply(cells[good], starts_agreeing_in, 0))),
    leaning = vapply(cells, function(cell) isTRUE(cell$leaning), NA),
    status = vapply(cells, `[[`, "", "status"), reason = vapply(cells, reason_of_cell, "")
  )
}

# How well its components are told apart: log_top, entropy, least. Known by its log-likelihood, where that was asked
# before.
clarity_of_cell <- function(search, cell) {
  if (is.null(search$clarity)) search$clarity <- list()
  at <- sprintf("%s %d %a", family_structure(cell$model$family), cell$model$k, cell$run$loglik)
  if (is.null(search$clarity[[at]])) {
    found <- clarity_em(search$native, cell$run$parameters, cell$model, search$control$threads)
    log_top <- latent_log_top(cell$model$latent, cell$model, search$data, cell$run$parameters)
    if (!is.null(log_top)) found$log_top <- log_top
    search$clarity[[at]] <- found
  }
  search$clarity[[at]]
}

starts_agreeing_in <- function(cell) as.double(if (is.null(cell$agree)) agreeing(cell) else cell$agree)

reason_of_cell <- function(cell) {
  if (!is.na(cell$reason)) return(cell$reason)
  if (isTRUE(cell$leaning) && !leans(cell$left) && length(cell$single)) {
    return("A component is a single row, and a fit without such a one is within 10 of it.")
  }
  if (isTRUE(cell$leaning)) return("A component leans on few rows: others are worth more to rows left out.")
  if (!is.null(cell$run$passed_over)) {
    return(sprintf("A higher end, logLik %s, leans on few rows and is passed over.", number(cell$run$passed_over, 7L)))
  }
  reason <- if (is.null(cell$run)) NA_character_ else run_reason(cell$run)
  if (is.na(reason) && !is.null(cell$note)) cell$note else reason
}

warn_interrupted <- function(x) {
  if (!x$interrupted) return(invisible())
  done <- sum(x$table$status != "not_run")
  warn_em("interrupted", c(
    sprintf("Interrupted: %d of %s were tried, and not with every start.", done, plural(nrow(x$table), "fit")),
    i = "What was done is kept; best() is the best of it."
  ))
}

#' Print and tabulate a selection
#'
#' `print()` shows the best models by the criterion, what failed and why, and what did not converge, in at most 15
#' lines.
#'
#' @param x What [em_select()] returned.
#' @param n How many models to show.
#' @param row.names,optional Ignored; they belong to the generic.
#' @param ... What R's own callers add, such as `digits` in a list; any other is an error.
#' @return `print()` returns `x`, invisibly; `format()` a character vector, a line each. `as.data.frame()` and
#'   `tidy()` return the table described in [em_select()], a row for each fit; `glance()` one row: the best
#'   model's, the `criterion`, and how many of the `fits` came about.
#' @references Schwarz, G. (1978) Estimating the dimension of a model. *Annals of Statistics* 6, 461-464.
#'   \doi{10.1214/aos/1176344136}
#' @seealso [plot.em_select()], [best()]
#' @examples
#' models <- em_select(faithful, k = 1:3, covariance = c("EEE", "VVV"))
#' print(models, n = 2)
#' head(as.data.frame(models))
#' @export
print.em_select <- function(x, n = 6L, ...) {
  check_dots(..., let_pass = print_arguments)
  cat(format(x, n = n), sep = "\n")
  invisible(x)
}

#' @rdname print.em_select
#' @export
format.em_select <- function(x, n = 6L, ...) {
  check_dots(..., let_pass = format_arguments)
  ranked <- distinct_models(x$table, rank_fits(x$table, x$criterion))
  c(select_title(x), "", select_top(x, utils::head(ranked, n)), select_verdict(x, ranked), select_troubles(x$table),
    describe_shortlist(x))
}

# With one component many structures are the same model: the simplest name stands for all.
distinct_models <- function(table, rows) {
  same <- table$k[rows] == 1L & duplicated(data.frame(table$k, table$df, signif(table$logLik, 10L))[rows, ])
  rows[!same]
}

select_title <- function(x) {
  label <- latent_models(x$latent, family_label(x$cells[[1L]]$model$family))
  structures <- length(unique(x$table$covariance))
  ks <- sort(unique(x$table$k))
  span <- if (length(ks) > 2L && all(diff(ks) == 1L)) paste(min(ks), "to", max(ks)) else paste(ks, collapse = ", ")
  rows <- paste0(plural(rows_in_all(x), "observation"), ", ", family_rows(x$cells[[1L]]$model$family, x$data))
  c(sprintf("%s: %s%s %s", label[1L],
            if (anyNA(x$table$covariance)) "" else paste0(plural(structures, "structure"), ", "), span, label[2L]),
    paste0(c(paste(c(rows, describe_units(x$data)), collapse = ", "), describe_missing(x$data)), collapse = ""))
}

select_top <- function(x, rows) {
  if (!length(rows)) return(NULL)
  table <- x$table[rows, ]
  gap <- table[[x$criterion]] - table[[x$criterion]][1L]
  shown <- data.frame(covariance = table$covariance, k = table$k, logLik = fixed(table$logLik, 2L),
                      df = table$df, fixed(table[[x$criterion]], 1L), difference = fixed(gap, 1L),
                      n.min = fixed(table$n.min, 0L), entropy = fixed(table$entropy, 2L))
  names(shown)[5L] <- x$criterion
  if (anyNA(shown$covariance)) shown$covariance <- NULL
  table_lines(shown, id = match("k", names(shown)))
}

select_verdict <- function(x, ranked) {
  if (!length(ranked)) return("No fit came about.")
  table <- x$table[ranked[1L], ]
  c("", sprintf("Best by %s (smaller is better): %s%s; best() returns the fit.", x$criterion,
                if (is.na(table$covariance)) "" else paste(table$covariance, "with "),
                plural(table$k, sub("s$", "", latent_models(x$latent, list(title = ""))[2L]))),
    describe_searched(x),
    describe_best_doubt(x),
    if (x$quick) "The search was a quick one; search = \"thorough\" takes about twice as long.")
}

# How many fits were searched by themselves: of a single one that goes without saying.
describe_searched <- function(x) {
  if (nrow(x$table) == 1L || !x$searched) return(NULL)
  sprintf("%s searched once more by %s, as em_fit() would.",
          if (x$searched == 1L) "It was" else sprintf("It and %s were", plural(x$searched - 1L, "rival")),
          if (x$searched == 1L) "itself" else "themselves")
}

# One line for each kind of trouble, and one of what that was in most of its fits.
select_troubles <- function(table) {
  lines <- character()
  words <- c(failed = "failed", collapsed = "collapsed", max_iter = "stopped before convergence",
             not_monotone = "fell in log-likelihood", not_run = "not tried (interrupted)")
  if (any(table$leaning)) {
    named <- trimws(paste(ifelse(is.na(table$covariance), "k =", table$covariance), table$k))[table$leaning]
    lines <- sprintf("%s passed over: %s. %s", plural(sum(table$leaning), "fit"), enumerate(named, 4L),
                     table$reason[table$leaning][1L])
  }
  for (status in names(words)) {
    rows <- which(table$status == status & (status != "max_iter" | !is.na(table$reason)))
    if (!length(rows)) next
    named <- trimws(paste(ifelse(is.na(table$covariance[rows]), "k =", table$covariance[rows]), table$k[rows]))
    why <- sort(table(table$reason[rows]), decreasing = TRUE)
    lines <- c(lines, sprintf("%s %s: %s.%s", plural(length(rows), "fit"), words[[status]], enumerate(named, 4L),
                              if (length(why)) paste0(" ", names(why)[1L]) else ""))
  }
  lines
}

#' @rdname print.em_select
#' @export
as.data.frame.em_select <- function(x, row.names = NULL, optional = FALSE, ...) {
  check_dots(..., let_pass = frame_arguments)
  x$table
}

#' @rdname print.em_select
#' @export
tidy.em_select <- function(x, ...) {
  check_dots(...)
  as_tidy(x$table)
}

#' @rdname print.em_select
#' @export
glance.em_select <- function(x, ...) {
  check_dots(...)
  best <- rank_fits(x$table, x$criterion)[1L]
  columns <- setdiff(names(x$table), c("leaning", "status", "reason"))
  as_tidy(data.frame(x$table[best, columns], nobs = x$nobs, criterion = x$criterion,
                     fits = sum(!is.na(x$table$BIC))))
}
