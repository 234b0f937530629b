# A fit of rows in chunks: the four stages of every fit, with the first look in the place of em_data(). What is made of
# rows (starts, checks, pictures) is made of the look's sample; the loop of the core asks for all rows, page by page.

#' @rdname em_fit
#' @export
em_fit.em_chunks <- function(x, k = NULL, family = em_gaussian(), latent = em_mixture(), start = NULL, fixed = NULL,
                             control = em_control(), ...) {
  check_chunk_arguments(...)
  family <- as_em_family(family)
  latent <- as_em_latent(latent)
  check_latent_in_chunks(latent)
  fit_look(look_at(x, family), k, latent, start, fixed, as_em_control(control),
           match.call(em_fit.em_chunks, sys.call(), envir = parent.frame()))
}

#' @rdname em_fit
#' @export
em_fit.em_look <- function(x, k = NULL, family = x$family, latent = em_mixture(), start = NULL, fixed = NULL,
                           control = em_control(), ...) {
  check_chunk_arguments(...)
  family <- as_em_family(family)
  if (!identical(class(family), class(x$family))) {
    abort_em("argument", c("`family` must be of the kind that the look was made for.",
                           i = "em_look(chunks, family = <the family>)"))
  }
  x$family <- family
  latent <- as_em_latent(latent)
  check_latent_in_chunks(latent)
  fit_look(x, k, latent, start, fixed, as_em_control(control),
           match.call(em_fit.em_look, sys.call(), envir = parent.frame()))
}

check_chunk_arguments <- function(...) {
  given <- intersect(...names(), c("weights", "labels", "na.action", "data", "subset"))
  if (!length(given)) return(if (...length()) check_no_dots(list(...), names(formals(em_fit.em_chunks))))
  abort_em("argument", c(
    sprintf("`%s` can't be given beside rows in chunks.", given[1L]),
    i = if (given[1L] %in% c("weights", "labels")) sprintf("Name the column that has them: em_chunks(..., %s = \"w\").", given[1L])
        else "Let the source leave out what is not wanted."
  ))
}

check_latent_in_chunks <- function(latent) {
  why <- latent_against_chunks(latent)
  if (is.null(why)) return(invisible())
  abort_em("unsupported", c(sprintf("Rows in chunks can't be fitted by %s: %s.", deparse(latent_call(latent)), why),
                            i = "Fit the sample, em_look(chunks)$rows, or rows in memory."))
}

latent_call <- function(latent) call(paste0("em_", .subset2(latent, "name")))

fit_look <- function(look, k, latent, start, fixed, control, call) {
  specified <- start
  data <- look$data
  start <- resolve_start(start, k, data, look$family, latent, control, fixed)
  task <- chunk_task(look, start$model, control)
  book <- open_checkpoint(unclass(control)$checkpoint, look, start, specified, control)
  found <- if (is.null(book$items)) starts_in_sample(task, start) else book$found
  book <- begin_checkpoint(book, found)
  run <- run_chunks(task, found$items, book)
  run$method <- found$method
  asked <- what_was_asked(specified, start, look$family, latent, fixed)
  start$method <- found$method
  fit <- new_em_fit(run, start, data, control, call)
  fit$asked <- asked
  fit$searched <- found$searched
  end_checkpoint(book)
  fit
}

chunk_task <- function(look, model, control) list(look = look, data = look$data, model = model, control = control)

# The best of the sample's search and, as the sample may mislead, others that came near it.
starts_in_sample <- function(task, start) {
  if (start$supplied) return(list(items = start$items, method = start$method, searched = NULL))
  run <- search_em(task$data, start, task$control)
  best <- list(parameters = run$parameters, may_borrow = FALSE)
  agree <- starts_agreeing(list(starts = run$starts, objective = run$loglik, remaining = run$remaining))
  list(items = list(best), method = rep_len(run$method, run$best)[run$best],
       searched = list(starts = nrow(run$starts), agree = agree, rows = task$data$n))
}

# ---- the core's side ----

# The sample as the core takes it, with where all rows come from; `book` knows passes that were made before.
native_chunks <- function(look, model, book = NULL, shift = NULL, unit = 1) {
  data <- look$data
  if (look$gaps && look$sorts && is.null(data$order)) data$order <- seq_len(data$n)
  native <- native_data(data, model)
  native$missing <- look$gaps && look$sorts
  pages <- seq_pages(look)
  parts <- list(
    n = look$data$whole$n, weighted = data$whole$weighted || family_tallies(model$family),
    `next` = function(rows, first) native_part(pages(rows, first), look, model, shift, unit),
    recall = book$recall, keep = book$keep
  )
  native$parts <- if (is.null(look$store$crew)) parts else parts_on_crew(parts, native, look, model, book, shift, unit)
  native
}

# The next rows of the pages, whatever their size; NULL behind the last.
seq_pages <- function(look) {
  page <- NULL
  at <- i <- 0
  take <- function(rows) {
    if (is.null(page) || at == page_size(page)) {
      if (i == look$store$count()) return(NULL)
      i <<- i + 1
      at <<- 0
      page <<- look$store$get(i)
    }
    size <- min(rows, page_size(page) - at)
    out <- if (size == page_size(page)) page else page_part(page, at + seq_len(size))
    at <<- at + size
    out
  }
  function(rows, first) {
    if (first) {
      page <<- NULL
      at <<- i <<- 0
    }
    pieces <- list()
    while (rows > 0) {
      piece <- take(rows)
      if (is.null(piece)) break
      pieces[[length(pieces) + 1L]] <- piece
      rows <- rows - page_size(piece)
    }
    if (!length(pieces)) {
      if (!is.null(look$store$ends)) look$store$ends()
      return(NULL)
    }
    if (length(pieces) == 1L) pieces[[1L]] else join_pages(pieces)
  }
}

native_part <- function(page, look, model, shift, unit) {
  if (is.null(page)) return(NULL)
  x <- page$x
  if (!is.null(shift)) x <- x - rep(shift, each = nrow(x))
  data <- list(x = x, n = nrow(x), weights = page$w)
  if (unit != 1 && !is.null(page$w)) data$weights <- page$w / unit
  if (!is.null(page$l)) data$labels <- part_labels(page$l, look$labels)
  if (look$sorts && anyNA(x)) data$order <- order_by_pattern(x)
  native_data(data, model)
}

part_labels <- function(codes, labels) {
  if (!is.null(labels$codes)) codes <- labels$codes[codes]
  list(levels = labels$levels, codes = codes, beliefs = NULL)
}

run_chunks <- function(task, items, book = NULL) {
  model <- task$model
  native <- native_chunks(task$look, model, book)
  settings <- run_settings(task$control, model)
  settings$threads <- resolve_threads(settings, task$look$n * ncol(native$x) * model$k)
  settings <- c(settings, unit = task$data$whole$unit, ends = FALSE)
  run <- run_parts(native, items, model, settings)
  if (!is.null(run$defect)) abort_defect(task$data, run$defect)
  run
}

describe_sample_search <- function(fit) {
  searched <- fit$searched
  if (is.null(searched)) return(NULL)
  sprintf("Begun at the best of %s in a sample of %s (%d agree).", plural(searched$starts, "start"),
          plural(searched$rows, "row"), searched$agree)
}
