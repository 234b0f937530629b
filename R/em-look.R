#' The first look at rows in chunks
#'
#' Reads all rows of [em_chunks()] once: what [em_fit()] does before it fits. It counts and checks them, draws the sample
#' for starts and pictures, and keeps them where the chunks say. A look can be fitted itself, as often as wanted, without
#' the source being read again.
#'
#' The sample has the rows whose keys are smallest, where the key of a row is a number made of its place among all rows
#' and one drawn number: after [set.seed()] it is the same rows, however they are cut into chunks. Rows whose order is not
#' fixed give another sample each time.
#'
#' @param x Rows, as [em_chunks()] describes them.
#' @param family What a component looks like, as in [em_fit()]: it says which columns can be used.
#' @param latent How rows are put into components, as in [em_fit()]: it says which rows belong together.
#' @return An object of class `em_look`: a list with `n` (rows), `weight` (their sum of weights), `columns` (a data frame
#'   with a row for each column: `column`, `class`, `missing` (cells), and of numbers `mean`, `sd`, `min`, `max`, where each
#'   row counts once), `chunks` (how many there were), `sample` (rows drawn), `cache` (where the rows are kept),
#'   `bytes` (how many) and `seconds` (taken).
#' @section Errors: those of [em_chunks()].
#' @references Chan, T. F., Golub, G. H. and LeVeque, R. J. (1983) Algorithms for computing the sample variance. *The
#'   American Statistician* 37, 242-247. \doi{10.1080/00031305.1983.10483115}
#' @seealso [em_chunks()]
#' @examples
#' look <- em_look(em_chunks(list(faithful[1:100, ], faithful[101:272, ])))
#' look
#' em_fit(look, k = 2, start = list(mean = faithful[c(1, 2), ], covariance = diag(2)))
#' @export
em_look <- function(x, family = em_gaussian(), latent = em_mixture()) {
  if (!inherits(x, "em_chunks")) {
    abort_em("argument", c(sprintf("`x` must come from em_chunks(), not %s.", describe_value(x)),
                           i = "em_look(em_chunks(files))"))
  }
  latent <- as_em_latent(latent)
  check_latent_in_chunks(latent)
  look_at(x, as_em_family(family), latent)
}

look_at <- function(spec, family, latent = em_mixture()) {
  if (!family_takes_chunks(family)) {
    abort_em("unsupported", c(sprintf("Components of the family \"%s\" can't be fitted to rows in chunks.", family$name),
                              i = "Fit a sample: em_look(x, em_gaussian())$rows has one."))
  }
  if (!is.null(spec$cluster) && !is.null(latent_rows_together(latent))) refuse_together_on_cluster()
  if (!is.null(spec$cluster)) return(look_at_cluster(spec, family))
  began <- proc.time()[["elapsed"]]
  reading <- new_reading(spec, family, latent)
  opened <- spec$source$open()
  read <- read_whole_units(careful_reader(opened, reading), reading)
  on.exit(shut_reader(opened))
  learn_before(reading, read)
  keeper <- if (is.null(reading$together)) new_sample(spec$sample) else new_unit_sample(spec$sample, reading, least_units_of(reading))
  moments <- new_moments()
  store <- new_store(spec$cache)
  if (spec$cache == "none") store$read_by(page_reader(reading, read))
  if (!is.null(reading$together)) reading$roster <- new_roster()
  take_rows(reading, read, store, keeper, moments)
  check_look(reading)
  new_look(reading, store, keeper, moments, proc.time()[["elapsed"]] - began)
}

# All that is read goes to the store, and is looked at on its way. on: behind the rows that were read before?
take_rows <- function(reading, read, store, keeper, moments, on = FALSE) {
  cutter <- new_cutter_for(reading, store)
  reading$watched <- !is.null(reading$roster)
  on.exit(reading$watched <- FALSE)
  go_through(reading, read, function(frame) {
    x <- chunk_matrix(frame, reading)
    keeper$add(frame, reading$row)
    moments$add(fitted_part(pick_chunk(frame, reading), reading))
    cutter$add(x)
    add_weights(reading, x)
  }, on)
  cutter$finish()
}

refuse_together_on_cluster <- function() {
  abort_em("unsupported", c("Rows that belong together can't be shared out among the workers of a cluster.",
                            i = "Leave `cluster` out: em_chunks() reads them here."))
}

shut_reader <- function(opened) {
  shut <- attr(opened, "shut")
  if (!is.null(shut)) shut()
}

# visit(frame) for each chunk, with its number and rows counted.
go_through <- function(reading, read, visit, on = FALSE) {
  before <- if (on) reading$chunk else 0
  if (!on) {
    reading$chunk <- reading$row <- reading$units <- 0
    reading$n_positive <- reading$weight <- reading$observed <- 0
  }
  first <- TRUE
  repeat {
    frame <- read(first)
    first <- FALSE
    if (is.null(frame)) break
    reading$chunk <- before + if (is.null(reading$together)) reading$reads else reading$number
    if (NROW(frame) == 0L) next
    in_chunk(reading, visit(frame))
    reading$row <- reading$row + NROW(frame)
  }
  reading$chunk <- before + reading$reads
}

add_weights <- function(reading, rows) {
  w <- if (is.null(reading$together)) rows$w else reading$own_weights
  if (is.null(w)) w <- rep(1, page_size(rows))
  reading$weight <- reading$weight + sum(w)
  reading$n_positive <- reading$n_positive + sum(w > 0)
  units <- if (!is.null(reading$together) && !reading$chain) reading$own_units else TRUE
  reading$observed <- reading$observed + sum(w[units])
}

# The user's own reader: its errors are told with the chunk, and kept as parents.
careful_reader <- function(f, reading) {
  function(reset = FALSE) {
    if (reset) reading$chunk <- reading$reads <- 0
    found <- tryCatch(if (reset) f(reset = TRUE) else f(), error = function(e) {
      if (inherits(e, "emfit_error")) rlang::cnd_signal(e)
      abort_source(e, reading)
    })
    if (!is.null(found)) reading$reads <- reading$reads + 1
    found
  }
}

abort_source <- function(e, reading) {
  abort_em("source", c(sprintf("Chunk %d could not be read.", reading$reads + 1), x = conditionMessage(e),
                       i = "With em_control(checkpoint = ) a fit goes on where it was, once the source can be read."), parent = e)
}

# What has to be known before the first row is taken: names, a complete row, all levels of categories.
learn_before <- function(reading, read) {
  if (!learn_first_rows(reading, read)) {
    if (is.null(reading$width)) abort_em("input", "The source has no rows.")
    return(invisible())
  }
  if (!family_needs_levels(reading$family)) return(invisible())
  reading$guard <- guard_of_levels(see_levels(reading, rows_of_chunks(read)))
  reading$data <- data_of_guard(reading$guard, reading$family)
}

# False where the source ended before there was a complete row, or ten chunks.
learn_first_rows <- function(reading, read) {
  reading$chunk <- reading$row <- 0
  first <- TRUE
  repeat {
    frame <- read(first)
    first <- FALSE
    if (is.null(frame)) return(FALSE)
    reading$chunk <- reading$chunk + 1
    if (NROW(frame) == 0L) next
    if (in_chunk(reading, learn_guard(pick_chunk(frame, reading), reading)) || reading$chunk > 10) return(TRUE)
  }
}

# Once more from the beginning, without chunks that have no rows.
rows_of_chunks <- function(read) {
  again <- TRUE
  function() {
    frame <- read(again)
    again <<- FALSE
    while (!is.null(frame) && NROW(frame) == 0L) frame <- read()
    frame
  }
}

data_of_guard <- function(guard, family) {
  withCallingHandlers(em_data(guard, family), emfit_message = function(m) rlang::cnd_muffle(m))
}

# Rows of codes or counts that are all weight can be merged.
new_cutter_for <- function(reading, store) {
  put <- function(rows) store$put(as_page(rows, reading$sorts))
  if (family_tallies(reading$family) && is.null(reading$spec$labels) && is.null(reading$together)) new_merger(put) else new_cutter(put)
}

# Pages read from the source once more, one after the other; NULL behind the last.
page_reader <- function(reading, read) {
  ready <- list()
  ended <- FALSE
  cutter <- NULL
  function(first) {
    if (first) {
      ready <<- list()
      ended <<- FALSE
      cutter <<- new_cutter_for(reading, list(put = function(page) ready[[length(ready) + 1L]] <<- page))
      reading$row <- reading$units <- 0
    }
    while (!length(ready) && !ended) {
      frame <- read(first)
      first <- FALSE
      if (is.null(frame)) {
        ended <<- TRUE
        cutter$finish()
        break
      }
      reading$chunk <- reading$chunk + 1
      if (NROW(frame) == 0L) next
      cutter$add(in_chunk(reading, chunk_matrix(frame, reading)))
      reading$row <- reading$row + NROW(frame)
    }
    if (!length(ready)) return(NULL)
    page <- ready[[1L]]
    ready <<- ready[-1L]
    page
  }
}

# ---- the sample ----

draw_seed <- function() sample.int(.Machine$integer.max, 1L)

new_sample <- function(size, seed = draw_seed()) {
  force(seed)
  frames <- NULL
  keys <- places <- numeric()
  add <- function(frame, before) {
    new <- row_keys(seed, before, NROW(frame))
    limit <- if (length(keys) >= size) max(keys) else Inf
    at <- which(new < limit)
    if (!length(at)) return(invisible())
    frame <- as.data.frame(frame)[at, , drop = FALSE]
    frames <<- if (is.null(frames)) frame else rbind(frames, frame[names(frames)])
    keys <<- c(keys, new[at])
    places <<- c(places, before + at)
    if (length(keys) <= size) return(invisible())
    keep <- sort(order(keys, method = "radix")[seq_len(size)])
    frames <<- frames[keep, , drop = FALSE]
    keys <<- keys[keep]
    places <<- places[keep]
  }
  sampler(add, function() frames, environment())
}

# What has been drawn so far, in a list that can be drawn on from without it being changed.
sampler <- function(add, frames, home) {
  list(add = add, rows = function() {
    out <- frames()
    row.names(out) <- NULL
    out
  }, copy = function() {
    twin <- list2env(as.list(home, all.names = TRUE), parent = parent.env(home))
    for (name in names(twin)) if (is.function(twin[[name]])) environment(twin[[name]]) <- twin
    sampler(twin$add, function() twin$frames, twin)
  }, kept = function() list(frames = frames(), keys = home$keys))
}

# ---- what print tells of columns ----

new_moments <- function(total = NULL) {
  add <- function(frame) {
    frame <- as.data.frame(frame)
    now <- do.call(rbind, lapply(frame, column_moments))
    now <- data.frame(column = names(frame), now)
    total <<- if (is.null(total)) now else add_moments(total, now)
  }
  list(add = add, all = function() total, total = function() total, table = function() moments_table(total))
}

moments_table <- function(total) {
  out <- total[c("column", "class", "missing", "mean", "sd", "min", "max")]
  out$sd <- sqrt(total$squares / pmax(total$seen - 1, 1))
  row.names(out) <- NULL
  out
}

column_moments <- function(x) {
  class <- if (is.object(x)) class(x)[1L] else if (is.numeric(x)) "numeric" else typeof(x)
  seen <- sum(!is.na(x))
  if (!is.numeric(x) || seen == 0L) {
    return(data.frame(class = class, missing = length(x) - seen, seen = seen, mean = NA_real_, squares = NA_real_, sd = NA_real_,
                      min = NA_real_, max = NA_real_))
  }
  x <- as.double(x)
  mean <- mean(x, na.rm = TRUE)
  data.frame(class = class, missing = length(x) - seen, seen = seen, mean = mean, squares = sum((x - mean)^2, na.rm = TRUE),
             sd = NA_real_, min = min(x, na.rm = TRUE), max = max(x, na.rm = TRUE))
}

# Chan, Golub & LeVeque (1983).
add_moments <- function(a, b) {
  none <- is.na(a$mean)
  gap <- ifelse(none | is.na(b$mean), 0, b$mean - a$mean)
  n <- a$seen + b$seen
  out <- a
  out$mean <- ifelse(none, b$mean, a$mean + gap * b$seen / pmax(n, 1))
  out$squares <- ifelse(none, b$squares, a$squares + ifelse(is.na(b$squares), 0, b$squares) + gap^2 * a$seen * b$seen / pmax(n, 1))
  out$min <- pmin(a$min, b$min, na.rm = TRUE)
  out$max <- pmax(a$max, b$max, na.rm = TRUE)
  out$missing <- a$missing + b$missing
  out$seen <- n
  out
}

# ---- the look ----

check_look <- function(reading) {
  if (reading$row == 0) abort_em("input", "The source has no rows, so there is nothing to fit.")
  if (!(reading$weight > 0)) abort_em("input", "No row of the source counts: all weights are 0, or nothing is observed.")
}

new_look <- function(reading, store, keeper, moments, seconds, labels = settle_labels(reading)) {
  rows <- keeper$rows()
  data <- sample_data(rows, labels, reading)
  whole <- list(n = reading$row, weight = if (is.null(reading$observed)) reading$weight else reading$observed, counting = reading$n_positive, row_weight = if (reading$weighted) min(1, reading$weight / reading$n_positive) else 1,
                weighted = reading$weighted, sampled = data$n)
  if (!is.null(reading$together)) whole$units <- list(n = reading$units, sizes = reading$unit_sizes)
  whole$look <- list(store = store, labels = labels, gaps = reading$gaps, sorts = reading$sorts, width = ncol(data$x),
                     reading = reading, keeper = keeper, moments = moments)
  data$whole <- whole
  out <- list(n = reading$row, weight = reading$weight, columns = moments$table(), chunks = reading$chunk,
              sample = data$n, cache = store$kind(), bytes = store$bytes(), seconds = seconds, source = format(reading$spec),
              family = reading$family, rows = rows, data = data, store = store, labels = labels,
              width = ncol(data$x), gaps = reading$gaps, sorts = reading$sorts, together = reading$together,
              chain = reading$chain)
  structure(out, class = "em_look")
}

# The sample as em_data() makes data of rows, with the levels of all rows.
sample_data <- function(rows, labels, reading) {
  own <- fitted_part(if (is.null(reading$columns)) unname(as.matrix(rows)) else rows, reading)
  weights <- if (!is.null(reading$spec$weights)) rows[[reading$spec$weights]]
  known <- if (!is.null(reading$spec$labels)) rows[[reading$spec$labels]]
  if (!is.null(known) && !is.null(labels$levels)) known <- factor(as.character(known), levels = labels$levels)
  withCallingHandlers(em_data(own, reading$family, weights, stats::na.pass, labels = known, old = reading$data,
                              units = sample_units(rows, reading)),
                      emfit_message = function(m) rlang::cnd_muffle(m))
}

sample_units <- function(rows, reading) {
  if (!is.null(reading$together)) numbered_units(units_of_chunk(rows, reading), reading)
}

#' @export
format.em_look <- function(x, ...) {
  check_dots(..., let_pass = format_arguments)
  rate <- x$n / max(x$seconds, 1e-3)
  c(x$source,
    sprintf("%s in %s%s", plural(x$n, "row"), plural(x$chunks, "chunk"),
            if (x$weight != x$n) paste0(", weights sum to ", number(x$weight, 7L, getOption("OutDec"))) else ""),
    sprintf("Kept: %s; a sample of %s", describe_cache(x), plural(x$sample, "row")),
    sprintf("Read at %s rows a second", number(signif(rate, 2L), 7L)))
}

describe_cache <- function(x) {
  size <- sprintf("%s MB", fixed(x$bytes / 1e6, 1L))
  place <- sub(", on workers", "", x$cache, fixed = TRUE)
  kept <- switch(place, memory = paste(size, "in memory"), file = paste(size, "in a scratch file"),
                 none = "nothing, each pass reads the source")
  if (place == x$cache) kept else paste(kept, "on the workers")
}

#' @export
print.em_look <- function(x, ...) {
  check_dots(..., let_pass = print_arguments)
  cat(format(x), "", sep = "\n")
  print(x$columns, row.names = FALSE, digits = 4L)
  invisible(x)
}
