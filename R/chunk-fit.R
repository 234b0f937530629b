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
  fit_look(look_at(x, family, latent), k, latent, start, fixed, as_em_control(control),
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
  check_look_latent(x, latent)
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

# Which rows belong together is looked at once.
check_look_latent <- function(look, latent) {
  wanted <- latent_rows_together(latent)
  if (identical(wanted, look$together) && (is.null(wanted) || identical(latent_keeps_order(latent), look$chain))) return(invisible())
  abort_em("argument", c(
    sprintf("The look was made for %s, and `latent` needs %s.", describe_together(look$together), describe_together(wanted)),
    i = sprintf("em_look(chunks, latent = %s)", paste(deparse(latent_call(latent)), collapse = " "))
  ))
}

describe_together <- function(together) {
  if (is.null(together)) "rows by themselves" else if (isTRUE(together)) "one series" else sprintf("rows that the column \"%s\" puts together", together)
}

latent_call <- function(latent) call(paste0("em_", .subset2(latent, "name")))

fit_look <- function(look, k, latent, start, fixed, control, call) {
  specified <- start
  look$data$labels <- labels_beside_noise(look$data$labels, latent)
  data <- look$data
  latent <- latent_settle(latent, data$units)
  start <- resolve_start(start, k, data, look$family, latent, control, fixed)
  task <- chunk_task(look, start$model, control)
  book <- open_checkpoint(unclass(control)$checkpoint, look, start, specified, control)
  found <- if (is.null(book$items)) starts_in_sample(task, start) else book$found
  book <- begin_checkpoint(book, found)
  run <- run_chunks(task, found$items, book)
  run$method <- found$method
  start$asked <- what_was_asked(specified, start, look$family, latent, fixed)
  start$method <- found$method
  fit <- new_em_fit(run, start, data, control, call, start$fields)
  fit$searched <- found$searched
  fit$searched$raced <- run$trials
  end_checkpoint(book)
  fit
}

chunk_task <- function(look, model, control) list(look = look, data = look$data, model = model, control = control)

# How many of the sample's optima take some steps with all rows before the best of them goes on: the sample may mislead.
race_most <- 3L
race_steps <- 2L

starts_in_sample <- function(task, start) {
  if (start$supplied) return(list(items = start$items, method = start$method, searched = NULL))
  run <- search_em(task$data, start, task$control, ends = TRUE)
  agree <- starts_agreeing(list(starts = run$starts, objective = run$loglik, remaining = run$remaining))
  list(items = lapply(optima_of_search(run), function(end) list(parameters = end, may_borrow = FALSE)),
       method = rep_len(run$method, run$best)[run$best],
       searched = list(starts = nrow(run$starts), agree = agree, rows = task$data$n))
}

# Parameters of the search's best and of the next best that are other optima.
optima_of_search <- function(run) {
  starts <- run$starts
  usable <- !starts$degenerate & starts$status %in% c("converged", "max_iter") & lengths(run$ends) > 0L
  rank <- order(-starts$loglik, method = "radix")
  rank <- rank[usable[rank] & starts$loglik[rank] < run$loglik - least_difference]
  apart <- rank[!duplicated(round(starts$loglik[rank] / least_difference))]
  c(list(run$parameters), unname(run$ends[utils::head(apart, race_most - 1L)]))
}

# ---- the core's side ----

# The sample as the core takes it, with where all rows come from; `book` knows passes that were made before.
native_chunks <- function(look, model, book = NULL, shift = NULL, row_weight = 1) {
  data <- look$data
  if (look$gaps && look$sorts && is.null(data$order)) data$order <- seq_len(data$n)
  native <- native_data(data, model)
  native$missing <- look$gaps && look$sorts
  pages <- seq_pages(look)
  hand <- pages_at_hand(look$store)
  parts <- list(
    n = look$data$whole$n, weighted = data$whole$weighted || family_tallies(model$family),
    `next` = function(rows, first) native_part(pages(rows, first), look, model, shift, row_weight),
    at_hand = function(least, first) native_part(hand$take(least, first), look, model, shift, row_weight), put_back = hand$put_back,
    recall = book$recall, keep = book$keep
  )
  native$parts <- if (is.null(look$store$crew)) parts else parts_on_crew(parts, native, look, model, book, shift, row_weight)
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
    out <- if (size == page_size(page) && size == rows) page else page_part(page, at + seq_len(size))
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

# Pages as they are, with what of them was given before. What the core puts back comes again with as many of the next rows as
# are needed.
pages_at_hand <- function(store) {
  page <- carry <- given <- NULL
  at <- i <- 0
  more <- function() !is.null(page) && at < page_size(page) || i < store$count()
  ahead <- function() {
    if (!more()) return(FALSE)
    if (!is.null(page) && at < page_size(page)) return(TRUE)
    i <<- i + 1
    at <<- 0
    page <<- store$get(i)
    TRUE
  }
  cut <- function(rows) {
    last <- min(at + rows, page_size(page))
    if (!is.null(page$u)) last <- min(page$u[page$u >= last])
    out <- page_part(page, seq.int(at + 1, last))
    at <<- last
    out
  }
  take <- function(least, first) {
    if (first) {
      page <<- carry <<- NULL
      at <<- i <<- 0
    }
    skip <- 0
    if (!is.null(carry)) {
      pieces <- list(carry)
      carry <<- NULL
      rows <- page_size(pieces[[1L]])
      while (rows < least && ahead()) {
        pieces[[length(pieces) + 1L]] <- cut(least - rows)
        rows <- rows + page_size(pieces[[length(pieces)]])
      }
      given <<- join_pages(pieces)
    } else if (ahead()) {
      skip <- at
      at <<- page_size(page)
      given <<- page
    } else {
      if (!is.null(store$ends)) store$ends()
      return(NULL)
    }
    c(given, list(skip = skip))
  }
  put_back <- function(rows) {
    if (!more()) return(FALSE)
    size <- page_size(given)
    carry <<- page_part(given, seq.int(size - rows + 1, size))
    TRUE
  }
  list(take = take, put_back = put_back)
}

# Page by page.
visit_pages <- function(store, visit) {
  for (i in seq_len(store$count())) visit(store$get(i))
  if (!is.null(store$ends)) store$ends()
}

native_part <- function(page, look, model, shift, row_weight) {
  if (is.null(page)) return(NULL)
  c(native_data(part_data(page, look, model, shift, row_weight), model), page["skip"])
}

part_data <- function(page, look, model, shift = NULL, row_weight = 1) {
  x <- page$x
  if (!is.null(shift)) x <- x - rep(shift, each = nrow(x))
  data <- list(x = x, n = nrow(x), weights = page$w)
  if (row_weight != 1 && !is.null(page$w)) data$weights <- page$w / row_weight
  if (!is.null(page$l)) data$labels <- labels_beside_noise(part_labels(page$l, look$labels), model$latent)
  if (is.null(page$u)) return(data)
  codes <- codes_of_ends(page$u)
  data$units <- list(codes = codes, ordered = latent_keeps_order(model$latent))
  data
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
  settings <- c(settings, row_weight = task$data$whole$row_weight, ends = FALSE)
  if (length(items) > 1L) settings$trials <- race_steps
  run <- run_core(native, items, model, settings)
  if (!is.null(run$defect)) abort_defect(task$data, run$defect)
  run
}

describe_sample_search <- function(fit) {
  searched <- fit$searched
  if (is.null(searched)) return(NULL)
  sprintf("Begun at the best of %s in a sample of %s (%d agree)%s.", plural(searched$starts, "start"),
          plural(searched$rows, "row"), searched$agree,
          if (length(searched$raced) > 1L) sprintf(", of %s tried on all rows", plural(length(searched$raced), "optimum", "optima")) else "")
}
