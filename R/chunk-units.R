# Rows in chunks that belong together: those of a person, a series. A chunk's last unit may go on in the next, so it waits
# for it; from there on a chunk holds whole units. Whoever comes again later is an error. Of a reading (see chunk-rows.R):
#   together   NULL, the name of the column that says the unit, or TRUE: all rows are one
#   chain      does the order of rows count in them?
#   units, unit_sizes   how many there were, and of how many rows: the least and the most
#   roster     who was there before; watched: is anybody asked now?

chunk_unit_column <- function(said, example) {
  if (is_unit_name(said)) return(said)
  if (inherits(said, "formula") && length(said) == 2L && is.symbol(said[[2L]])) return(as.character(said[[2L]]))
  abort_em("argument", c("Of rows in chunks a column must say which belong together: a value for each row would be as long as they.",
                         i = example))
}

units_beside <- function(reading) if (is.character(reading$together)) reading$together

# Of the rows as the user's reader gave them; NULL where they have no such column, which is said later.
units_of_chunk <- function(frame, reading) {
  if (isTRUE(reading$together)) return(rep(1L, NROW(frame)))
  if (!reading$together %in% colnames(frame)) return(NULL)
  value <- if (is.data.frame(frame)) frame[[reading$together]] else frame[, reading$together]
  if (is.factor(value)) as.character(value) else as.vector(value)
}

# ---- whole units ----

# A reader whose chunks hold whole units, where those of a unit stand together. `reading$number` is that of the source's chunk
# in which what it returns begins.
read_whole_units <- function(read, reading) {
  if (is.null(reading$together)) return(read)
  waiting <- list()
  began <- 0
  ended <- FALSE
  release <- function(head, tail, number) {
    out <- join_frames(c(waiting, head))
    reading$number <- if (length(waiting)) began else number
    waiting <<- tail
    began <<- number
    out
  }
  function(reset = FALSE) {
    if (reset) {
      waiting <<- list()
      ended <<- FALSE
    }
    while (!ended) {
      frame <- read(reset)
      reset <- FALSE
      if (is.null(frame)) {
        ended <<- TRUE
        return(if (length(waiting)) release(NULL, list(), began))
      }
      if (!NROW(frame)) next
      number <- reading$reads
      unit <- units_of_chunk(frame, reading)
      cut <- if (is.null(unit) || anyNA(unit)) NROW(frame) else before_last_run(unit)
      if (cut == 0L && (!length(waiting) || identical(unit[1L], last_of(waiting, reading)))) {
        if (!length(waiting)) began <<- number
        waiting <<- c(waiting, list(frame))
        next
      }
      return(release(if (cut > 0L) list(some_rows(frame, seq_len(cut))),
                     if (cut < NROW(frame)) list(some_rows(frame, seq.int(cut + 1L, NROW(frame)))) else list(), number))
    }
    NULL
  }
}

# How many rows stand before the last unit's; all of them where it also stands elsewhere.
before_last_run <- function(unit) {
  other <- which(unit != unit[length(unit)])
  if (!length(other)) return(0L)
  cut <- other[length(other)]
  if (any(unit[seq_len(cut)] == unit[length(unit)])) length(unit) else cut
}

last_of <- function(frames, reading) {
  frame <- frames[[length(frames)]]
  units_of_chunk(some_rows(frame, NROW(frame)), reading)
}

some_rows <- function(frame, rows) {
  if (is.null(dim(frame))) return(frame[rows])
  if (is.data.frame(frame)) as.data.frame(frame)[rows, , drop = FALSE] else frame[rows, , drop = FALSE]
}

join_frames <- function(frames) {
  if (length(frames) == 1L) return(frames[[1L]])
  if (is.null(dim(frames[[1L]]))) return(do.call(c, frames))
  names <- Reduce(intersect, lapply(frames, colnames))
  if (length(names)) frames <- lapply(frames, function(frame) frame[, names, drop = FALSE])
  out <- do.call(rbind, frames)
  if (is.data.frame(out)) row.names(out) <- NULL
  out
}

# ---- checks ----

# What em_data() has of them, checked.
chunk_units <- function(frame, reading) {
  if (is.null(reading$together)) return(NULL)
  value <- units_of_chunk(frame, reading)
  blank <- which(is.na(value))
  if (length(blank)) {
    abort_em("input", c(
      sprintf("The column \"%s\" must say of every row where it belongs: row %s of all has NA.", reading$together,
              number(reading$row + blank[1L], 15L)),
      i = "Leave these rows out of the source, or give each a value of its own."
    ))
  }
  check_roster(unique(value), reading)
  units <- check_units(numbered_units(value, reading), length(value))
  note_units(reading, tabulate(units$codes))
  units
}

numbered_units <- function(value, reading) {
  column <- units_beside(reading)
  list(value = value, codes = match(value, unique(value)), name = if (is.null(column)) "unit" else column,
       columns = column, ordered = reading$chain)
}

note_units <- function(reading, sizes) {
  reading$units_before <- reading$units
  reading$units <- reading$units + length(sizes)
  reading$unit_sizes <- range(reading$unit_sizes, sizes)
}

# Remembers who was there; of numbers that keep rising no more than where they end is looked at.
new_roster <- function() {
  seen <- list()
  function(values, chunk) {
    apart <- is.numeric(values) && !anyNA(values)
    ends <- if (apart) range(values)
    for (old in seen) {
      if (apart && !is.null(old$ends) && (old$ends[2L] < ends[1L] || ends[2L] < old$ends[1L])) next
      again <- match(values, old$values)
      if (!all(is.na(again))) return(list(value = values[!is.na(again)][1L], chunk = old$chunk))
    }
    seen[[length(seen) + 1L]] <<- list(values = values, ends = ends, chunk = chunk)
    NULL
  }
}

check_roster <- function(values, reading) {
  if (!isTRUE(reading$watched)) return(invisible())
  again <- reading$roster(values, reading$chunk)
  if (is.null(again)) return(invisible())
  if (isTRUE(reading$together)) {
    abort_em("input", c("The rows of all chunks are one series, which can't go on.",
                        i = "Say which rows are a series of their own: em_markov(series = \"id\")."))
  }
  abort_em("input", c(
    sprintf("Unit \"%s\" (column \"%s\") has rows in chunk %s and again in chunk %s: chunks must hold whole units.", as.character(again$value),
            reading$together, number(again$chunk, 15L), number(reading$chunk, 15L)),
    i = sprintf("Sort by it, as in SELECT ... ORDER BY %s: then it doesn't matter where chunks end.", reading$together)
  ))
}

# ---- the sample ----

# Whole units: those whose first rows have the smallest keys, until they have `size` rows; at least so many of them.
new_unit_sample <- function(size, reading, least) {
  seed <- sample.int(.Machine$integer.max, 1L)
  frames <- NULL
  keys <- places <- numeric()
  limit <- Inf
  settle <- function() {
    each <- sort(unique(keys))
    rows <- tabulate(match(keys, each))
    kept <- cumsum(rows) - rows < size | seq_along(each) <= least
    if (all(kept)) return(invisible())
    limit <<- each[sum(kept)]
    keep <- keys <= limit
    frames <<- frames[keep, , drop = FALSE]
    keys <<- keys[keep]
    places <<- places[keep]
  }
  add <- function(frame, before) {
    value <- units_of_chunk(frame, reading)
    new <- row_keys(seed, before, NROW(frame))[match(value, value)]
    at <- which(new <= limit)
    if (!length(at)) return(invisible())
    frame <- as.data.frame(frame)[at, , drop = FALSE]
    frames <<- if (is.null(frames)) frame else rbind(frames, frame[names(frames)])
    keys <<- c(keys, new[at])
    places <<- c(places, before + at)
    settle()
  }
  sampler(add, function() frames, environment())
}

least_units_of <- function(reading) if (reading$chain) 1L else 100L

# ---- what a fit tells of them ----

whole_units <- function(data) data$whole$units
