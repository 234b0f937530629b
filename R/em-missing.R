# Missing values, R's half: what is done with rows that have some, and what is told. The likelihood of rows with
# missing cells is src/family_gaussian_missing.h. Data that keep such rows carry
#   missing   list(rows = which have missing cells, cells = how many in each column, empty = rows with nothing
#             observed, patterns = how many, told = was na.pass asked for?, used = do rows count by the cells they have
#             without being sorted?)
#   order     the rows by pattern, as the core gets them (Gaussian)
#   gaps      of families that have no use for `order`: are there missing cells?
#   by_cell   TRUE where the other counts of such a row are used all the same

# na.action: NULL and na.pass keep all rows; na.omit and na.exclude leave rows out, na.fail stops, as in lm().
treat_missing <- function(frame, na.action) {
  if (!anyNA(frame$x)) return(frame)
  gaps <- count_gaps(frame$x)
  rows <- which(gaps$in_row > 0L)
  if (!length(rows)) return(frame)
  action <- na_action_name(na.action)
  if (action %in% c("keep", "pass")) return(note_missing(frame, rows, action == "pass", gaps))
  if (action == "fail") {
    abort_em("missing", c(
      sprintf("`x` has missing values in %s (%s) of %s.", plural(length(rows), "row"), enumerate(rows),
              name_columns(frame, which(gaps$in_column > 0L))),
      i = "Leave these rows out with na.action = na.omit, or keep them with na.action = NULL."
    ))
  }
  if (length(rows) == nrow(frame$x)) {
    abort_em("missing", "`x` has a missing value in every row; leaving them out leaves no observations.")
  }
  keep_rows(frame, -rows, structure(rows, class = action))
}

# Missing cells in each column and each row, NaN not among them. As all that follows a column at a time: nothing of the
# size of the data is made.
count_gaps <- function(x) {
  in_column <- integer(ncol(x))
  in_row <- integer(nrow(x))
  for (j in seq_len(ncol(x))) {
    column <- x[, j]
    gap <- is.na(column) & !is.nan(column)
    in_column[j] <- sum(gap)
    in_row <- in_row + gap
  }
  list(in_column = in_column, in_row = in_row)
}

na_action_name <- function(na.action) {
  if (is.null(na.action)) return("keep")
  if (is.character(na.action) && length(na.action) == 1L) {
    name <- sub("^na[.]", "", na.action)
    if (name %in% c("pass", "fail", "omit", "exclude")) return(name)
  }
  if (identical(na.action, stats::na.pass)) return("pass")
  if (identical(na.action, stats::na.fail)) return("fail")
  if (identical(na.action, stats::na.omit)) return("omit")
  if (identical(na.action, stats::na.exclude)) return("exclude")
  abort_em("argument", "`na.action` must be NULL, na.pass, na.omit, na.exclude or na.fail.")
}

# What is left out is kept aside, so that update() can take it in.
keep_rows <- function(frame, keep, na.action) {
  out <- as.integer(na.action)
  frame$omitted <- list(x = frame$x[out, , drop = FALSE], weights = frame$weights[out],
                        labels = keep_labels(frame$labels, out), row_names = frame$row_names[out],
                        units = frame$units$value[out])
  frame$x <- frame$x[keep, , drop = FALSE]
  frame$weights <- frame$weights[keep]
  frame$labels <- keep_labels(frame$labels, keep)
  frame$units <- keep_units(frame$units, keep)
  frame$row_names <- frame$row_names[keep]
  frame$na.action <- na.action
  frame
}

note_missing <- function(frame, rows, told, gaps = count_gaps(frame$x)) {
  frame$missing <- list(rows = rows, cells = gaps$in_column, empty = which(gaps$in_row == ncol(frame$x)), told = told)
  frame
}

# Rows of the same pattern come together, the complete ones first; `unit` comes before that.
order_by_pattern <- function(x, unit = NULL) {
  do.call(order, c(if (!is.null(unit)) list(unit), pattern_keys(x), method = "radix"))
}

# Integers whose bits are the missing cells of a row, the first column's the highest: one for each 30 columns. They
# sort as the columns would.
pattern_keys <- function(x) {
  lapply(split(seq_len(ncol(x)), (seq_len(ncol(x)) - 1L) %/% 30L), function(columns) {
    key <- integer(nrow(x))
    for (j in columns) key <- 2L * key + is.na(x[, j])
    key
  })
}

count_patterns <- function(x, order) {
  steps <- lapply(pattern_keys(x), function(key) diff(key[order]) != 0L)
  1L + sum(Reduce(`|`, steps))
}

# A row that says nothing counts for nothing.
drop_from_weights <- function(frame, rows) {
  rows <- rows_of_whole_units(frame, unlabelled(frame$labels, rows))
  if (!length(rows)) return(frame)
  if (is.null(frame$weights)) frame$weights <- rep(1, nrow(frame$x))
  frame$weights[rows] <- 0
  frame
}

# Is every row that counts among those that say nothing? Labelled ones count for the proportions alone.
nothing_counts <- function(frame, empty) {
  counting <- if (is.null(frame$weights)) seq_len(nrow(frame$x)) else which(frame$weights > 0)
  all(counting %in% empty)
}

check_observed <- function(frame) {
  counts <- if (is.null(frame$weights)) TRUE else frame$weights > 0
  blank <- which(vapply(seq_len(ncol(frame$x)), function(j) all(is.na(frame$x[counts, j])), TRUE))
  if (!length(blank)) return(invisible())
  if (length(blank) == ncol(frame$x)) abort_em("missing", "`x` has no observed value.")
  abort_em("missing", c(
    sprintf("`x` has no observed value in %s.", name_columns(frame, blank)),
    i = if (length(blank) == 1L) "Remove it." else "Remove them."
  ))
}

# Two columns that are never observed in one row have no identified covariance.
warn_never_together <- function(data) {
  if (is.null(data$missing$patterns)) return(invisible())
  keys <- unname(pattern_keys(data$x))
  first <- !duplicated(if (length(keys) == 1L) keys[[1L]] else do.call(paste, keys))
  patterns <- data$x[first, , drop = FALSE]
  together <- crossprod(!is.na(patterns))
  apart <- which(together == 0 & lower.tri(together), arr.ind = TRUE)
  if (!nrow(apart)) return(invisible())
  label <- variable_names(data)
  warn_em("unidentified", c(
    sprintf("Columns %s are never observed in the same row, so the data don't determine their covariance.",
            paste(dQuote(label[c(apart[1L, 2L], apart[1L, 1L])], FALSE), collapse = " and ")),
    x = if (nrow(apart) > 1L) sprintf("There are %d such pairs.", nrow(apart)),
    i = "Remove one of them, or use a diagonal covariance: em_gaussian(\"VVI\")."
  ))
}

# The one message of a fit.
tell_missing <- function(data) {
  missing <- data$missing
  if (is.null(missing) || missing$told) return(invisible())
  rows <- sprintf("%d of %s", length(missing$rows), plural(data$n, "row"))
  if (is.null(missing$patterns) && !isTRUE(data$by_cell) && !isTRUE(missing$used)) {
    return(inform_em("missing", c(
      sprintf("`x` has missing %s in %s (%s).", what_is_missing(missing), rows, enumerate(missing$rows)),
      i = "These rows keep their place in every output but don't count. na.action = na.omit leaves them out."
    )))
  }
  at <- which(missing$cells > 0)
  columns <- if (ncol(data$x) > 1L) sprintf(" (%s)", enumerate(paste(variable_names(data)[at], missing$cells[at])))
  else ""
  empty <- length(missing$empty)
  inform_em("missing", c(
    sprintf("`x` has %s in %s%s: the fit is maximum likelihood from all cells observed.",
            plural(sum(missing$cells), "missing value"), rows, columns),
    if (empty) sprintf("%s (%s) ha%s nothing observed and do%s not count.", plural(empty, "row"),
                       enumerate(missing$empty), if (empty == 1L) "s" else "ve", if (empty == 1L) "es" else ""),
    i = "It is taken that values are missing at random. na.action = na.omit leaves incomplete rows out."
  ))
}

what_is_missing <- function(missing) if (is.null(missing$what)) "counts" else missing$what

# For the second line of print.
describe_missing <- function(data) {
  missing <- data$missing
  if (is.null(missing)) return(NULL)
  if (is.null(missing$patterns) && !isTRUE(data$by_cell) && !isTRUE(missing$used)) {
    return(sprintf(", %d with missing %s not counted", length(missing$rows), what_is_missing(missing)))
  }
  partial <- length(missing$rows) - length(missing$empty)
  c(if (partial) sprintf(", %d with missing values", partial),
    if (length(missing$empty)) sprintf(", %d with nothing observed not counted", length(missing$empty)))
}
