# One chunk as the user's reader gave it -> rows as the core reads them: a matrix of the family's columns with, behind
# them, weights and codes of labels where there are such. A reading is what goes with that, learned on the way:
#   family, spec (the em_chunks), columns (names fitted), data (of the guard row and all levels: `old` of later rows),
#   guard (a frame of one row whose presence keeps rules for whole data sets from being asked of a chunk)
#   weighted, gaps (any cell missing?), sorts (do patterns of missing cells matter?), label_levels, chunk, row
#   together, chain, units, unit_sizes, roster   of rows that belong together: see chunk-units.R

new_reading <- function(spec, family, latent = em_mixture()) {
  reading <- new.env(parent = emptyenv())
  reading$family <- family
  reading$spec <- spec
  reading$weighted <- !is.null(spec$weights)
  reading$gaps <- reading$sorts <- FALSE
  reading$label_levels <- character()
  reading$together <- latent_rows_together(latent)
  reading$chain <- latent_keeps_order(latent)
  reading$units <- 0
  reading
}

# Errors of the checks that memory has too name the chunk and where its rows begin.
in_chunk <- function(reading, code) {
  place <- sprintf("In chunk %d, whose rows begin at %s.", reading$chunk, number(reading$row + 1, 15L))
  withCallingHandlers(code, emfit_error = function(e) {
    if (isTRUE(e$placed)) return()
    e$body <- c(e$body, x = place)
    e$placed <- TRUE
    rlang::cnd_signal(e)
  }, emfit_message = function(m) rlang::cnd_muffle(m))
}

# A frame of the columns that are wanted, by name; of those without names as they are.
pick_chunk <- function(frame, reading) {
  if (!inherits(frame, "data.frame") && !is.matrix(frame)) {
    if (is.numeric(frame) && is.null(dim(frame))) frame <- matrix(frame, ncol = 1L)
    else abort_em("input", sprintf("A chunk must be a data frame or a matrix, not %s.", describe_value(frame)))
  }
  if (inherits(frame, "data.frame")) frame <- as.data.frame(frame)
  beside <- c(reading$spec$weights, reading$spec$labels, units_beside(reading))
  if (is.null(reading$width)) learn_columns(frame, reading, beside)
  wanted <- reading$columns
  if (is.null(wanted)) {
    if (ncol(frame) == reading$width) return(frame)
    abort_em("input", sprintf("A chunk must have %s, not %d.", plural(reading$width, "column"), ncol(frame)))
  }
  lacking <- setdiff(c(wanted, beside), colnames(frame))
  if (length(lacking)) {
    abort_em("input", c(sprintf("The chunk lacks the column %s.", quoted(lacking)),
                        x = if (length(colnames(frame))) sprintf("It has %s.", quoted(colnames(frame)))))
  }
  frame
}

learn_columns <- function(frame, reading, beside) {
  if (!is.null(reading$spec$columns)) {
    reading$columns <- reading$spec$columns
  } else if (!is.null(colnames(frame))) {
    reading$columns <- setdiff(colnames(frame), beside)
  } else if (length(beside)) {
    abort_em("input", c(sprintf("The chunks have no names of columns, so none of them is %s.", quoted(beside)),
                        i = "Give data frames, or matrices with names."))
  }
  reading$width <- if (is.null(reading$columns)) ncol(frame) else length(reading$columns)
  if (reading$width == 0L) abort_em("input", "There is no column left to fit beside weights and labels.")
}

# The columns to fit.
fitted_part <- function(frame, reading) {
  force(frame) # which may be what tells the columns
  if (is.null(reading$columns)) frame else frame[, reading$columns, drop = FALSE]
}

# The guard row: the first that is complete. Of categories the rows that have all levels, so that codes are the same in
# every chunk.
learn_guard <- function(frame, reading) {
  own <- fitted_part(frame, reading)
  at <- which(stats::complete.cases(own))
  if (length(at)) reading$guard <- own[at[1L], , drop = FALSE]
  length(at) > 0L
}

# ---- weights and labels ----

chunk_weights <- function(frame, reading) {
  name <- reading$spec$weights
  if (is.null(name)) return(NULL)
  w <- frame[, name]
  if (!is.numeric(w)) abort_em("argument", sprintf("`weights`, the column \"%s\", must be numeric, not %s.", name, describe_value(w)))
  bad <- which(is.na(w) | is.infinite(w) | w < 0)
  if (length(bad)) {
    abort_em("argument", c(sprintf("`weights`, the column \"%s\", must have finite numbers of 0 or more.", name),
                           x = sprintf("Row %s of all has %s.", number(reading$row + bad[1L], 15L), number(w[bad[1L]]))))
  }
  as.double(w)
}

# Codes of labels in the order in which they were first met; NA where unknown.
chunk_labels <- function(frame, reading) {
  name <- reading$spec$labels
  if (is.null(name)) return(NULL)
  value <- frame[, name]
  if (is.numeric(value) && !is.factor(value)) {
    reading$label_levels <- NULL
    return(check_codes(value)$codes)
  }
  met <- if (is.factor(value)) levels(value) else unique(as.character(value))
  reading$label_levels <- union(reading$label_levels, met[!is.na(met)])
  match(as.character(value), reading$label_levels)
}

# Levels in the order of a factor's, else sorted, as in memory; and the codes that they had -> theirs.
settle_labels <- function(reading) {
  met <- reading$label_levels
  if (!length(met)) return(list(levels = NULL, codes = NULL))
  levels <- if (isTRUE(reading$label_factor)) met else sort(met, method = "radix")
  list(levels = clean_names(levels, ""), codes = match(met, levels))
}

# ---- the matrix ----

# Rows as a page has them (chunk-pages.R), but of units their number for each row. Units then stand in the order of the core:
# see row_order().
chunk_matrix <- function(frame, reading) {
  frame <- pick_chunk(frame, reading)
  weights <- chunk_weights(frame, reading)
  if (!is.null(reading$spec$labels) && is.factor(frame[, reading$spec$labels])) reading$label_factor <- TRUE
  labels <- chunk_labels(frame, reading)
  together <- chunk_units(frame, reading)
  data <- chunk_data(fitted_part(frame, reading), weights, labels, reading, together)
  x <- data$x
  if (anyNA(x)) reading$gaps <- TRUE
  if (!is.null(data$order)) reading$sorts <- TRUE
  if (!is.null(data$weights)) reading$weighted <- TRUE
  w <- data$weights
  if (is.null(together)) return(list(x = x, w = w, l = labels, u = NULL))
  reading$own_weights <- w
  codes <- together$codes
  reading$own_units <- !duplicated(codes)
  if (reading$chain) w <- series_weights(w, codes)
  out <- list(x = x, w = w, l = if (!is.null(labels)) data$labels$codes, u = codes + reading$units_before)
  order <- if (!reading$chain) row_order(list(x = x, units = together))
  if (is.null(order)) out else rows_of_page(out, order)
}

# The checks of memory, with the guard behind the rows; its row is then taken away.
chunk_data <- function(own, weights, labels, reading, together = NULL) {
  guard <- reading$guard
  n <- nrow(own)
  m <- if (is.null(guard)) 0L else nrow(guard)
  frame <- family_frame(reading$family, own, by = "columns", old = reading$data)
  if (!all_finite(frame$x)) {
    frame <- treat_missing(frame, stats::na.pass)
    check_finite(frame)
  }
  if (m && (!is.null(weights) || !is.null(frame$missing))) {
    behind <- family_frame(reading$family, guard, by = "columns", old = reading$data)
    frame$x <- rbind(frame$x, behind$x)
    if (!is.null(frame$missing)) frame <- note_missing(frame, frame$missing$rows, TRUE)
  } else {
    m <- 0L
  }
  frame$weights <- if (!is.null(weights)) c(weights, rep(1, m))
  if (!is.null(labels)) frame$labels <- list(levels = NULL, codes = c(labels, rep(NA_integer_, m)), beliefs = NULL)
  if (!is.null(together)) frame <- frame_together(frame, together, m)
  data <- family_data(reading$family, frame)
  if (m == 0L) return(data)
  data$x <- data$x[seq_len(n), , drop = FALSE]
  if (!is.null(data$weights)) data$weights <- data$weights[seq_len(n)]
  if (!is.null(data$labels)) data$labels$codes <- data$labels$codes[seq_len(n)]
  data
}

# The rows of the guard are units of their own.
frame_together <- function(frame, together, m) {
  if (together$ordered) check_series_weights(frame$weights[seq_along(together$codes)], together$codes)
  together$value <- c(as.character(together$value), rep("", m))
  together$codes <- c(together$codes, max(together$codes) + seq_len(m))
  frame$units <- together
  share_in_units(frame)
}

# ---- levels of categories, which one chunk need not have ----

# A pass of its own: of each column that is no number, all that occurs. The guard is then a table of them.
see_levels <- function(reading, read) {
  seen <- NULL
  reading$chunk <- reading$row <- 0
  repeat {
    frame <- read()
    if (is.null(frame)) break
    reading$chunk <- reading$chunk + 1
    frame <- in_chunk(reading, fitted_part(pick_chunk(frame, reading), reading))
    reading$row <- reading$row + nrow(frame)
    seen <- add_levels(seen, as.data.frame(frame))
  }
  seen
}

guard_of_levels <- function(seen) {
  most <- max(lengths(lapply(seen, `[[`, "levels")))
  if (most > 10000L) abort_em("input", "A column of the chunks has more than 10000 different values.")
  columns <- lapply(seen, function(column) {
    levels <- if (column$factor) column$levels else sort(column$levels, method = "radix")
    value <- rep_len(levels, most)
    if (column$kind == "number") as.double(value) else factor(value, levels = levels)
  })
  as.data.frame(columns, check.names = FALSE, optional = TRUE)
}

add_levels <- function(seen, frame) {
  if (is.null(seen)) seen <- lapply(frame, function(column) {
    list(levels = character(), factor = is.factor(column), kind = if (is.numeric(column)) "number" else "category")
  })
  Map(function(column, value) {
    met <- if (is.factor(value)) levels(droplevels(value)) else unique(as.character(value))
    column$levels <- union(column$levels, met[!is.na(met)])
    if (is.factor(value) && all(column$levels %in% levels(value))) column$levels <- intersect(levels(value), column$levels)
    column$all <- if (is.factor(value)) union(column$all, levels(value))
    column
  }, seen, frame)
}

# Those of chunks that were seen elsewhere, behind these.
join_levels <- function(seen, more) {
  add_levels(seen, lapply(more, function(column) {
    if (column$factor) factor(column$levels, levels = column$all) else column$levels
  }))
}
