# em_data(): the only place that looks at raw user input. What comes out is plain, complete and checked:
#   x          double matrix as the family's C++ half reads it; one row for each row of the user's that is kept
#   weights    NULL (all one) or doubles; 0 also for rows that carry no information
#   names      names of the user's columns, or NULL         row_names  of the user's rows, or NULL
#   n          rows                                         vector     was it given as a plain vector?
#   terms      of the formula, or NULL                      na.action  rows that were left out, or NULL
#   items      of columns of categories, the levels of each: x has their codes
#   missing, order   where rows with missing values were kept: see em-missing.R
#   weighted   were weights given?                          labels     see em-labels.R
#   width      how many columns of x are fitted, where others (exposures) stand behind them; else NULL
#   units      which rows belong together, or NULL: see units.R
#   whole      where these are a sample of rows that come in chunks: list(n, weight, unit, weighted, sampled) of all
# and what the family adds. `old`: data that say the levels of categories.
em_data <- function(x, family, weights = NULL, na.action = NULL, terms = NULL, labels = NULL, units = NULL, old = NULL) {
  frame <- family_frame(family, x, by = if (is.null(terms)) "columns" else "formula", old = old)
  if (!is.null(frame$names)) frame <- with_clean_names(frame)
  frame$weighted <- !is.null(weights)
  if (frame$weighted) frame$weights <- check_weights(weights, nrow(frame$x))
  if (!is.null(labels)) frame$labels <- check_labels(labels, nrow(frame$x))
  if (!is.null(units)) {
    frame$units <- check_units(units, nrow(frame$x))
    check_series_weights(frame$weights, ordered_units(frame)$codes)
  }
  frame$terms <- terms
  data_of_frame(frame, family, na.action)
}

# Messages say numbers where names had to be mended.
with_clean_names <- function(frame) {
  names <- clean_names(frame$names)
  if (identical(names, frame$names)) return(frame)
  frame$names <- names
  frame$renamed <- TRUE
  frame
}

data_of_frame <- function(frame, family, na.action) {
  in_units <- !is.null(frame[["units"]])
  if (in_units) frame <- share_in_units(frame)
  if (!all_finite(frame$x)) {
    frame <- treat_missing(frame, na.action)
    check_finite(frame)
  }
  data <- family_data(family, frame)
  data$n <- dim(data$x)[1L]
  if (in_units && !is.null(shared_units(data))) data$order <- row_order(data)
  data
}

# Anything rectangular -> list(x = double matrix without dimnames, names, row_names, vector).
as_frame <- function(x, logical_ok = FALSE, arg = "x", by = frame_by(arg)) {
  if (is.null(x)) abort_em("input", sprintf("`%s` has no observations: it is NULL.", arg))
  if (is.object(x)) {
    if (inherits(x, "data.frame")) return(frame_of_columns(x, logical_ok, arg, by))
    if (inherits(x, "ts") || inherits(x, "table") && length(dim(x)) < 3L) x <- unclass(x)
  }
  size <- dim(x)
  usable <- is.numeric(x) || (logical_ok && is.logical(x))
  if (!usable || is.object(x) || length(size) > 2L) {
    abort_em("input", c(
      sprintf("`%s` must be a numeric vector, matrix or data frame, not %s.", arg, describe_input(x)),
      i = input_remedy(x, arg)
    ))
  }
  if (length(size) < 2L) {
    check_rows(length(x), arg)
    row_names <- names(x)
    x <- matrix(as.double(x), ncol = 1L)
    return(check_shape(list(x = x, names = NULL, row_names = row_names, vector = TRUE), arg))
  }
  labels <- dimnames(x)
  if (!is.double(x) || length(attributes(x)) > 1L) x <- bare(x)
  frame <- list(x = x, names = labels[[2L]], row_names = labels[[1L]], vector = FALSE)
  if (all(size > 0L)) frame else check_shape(frame, arg)
}

describe_input <- function(x) {
  if (length(dim(x)) > 2L) return(sprintf("an array of %d dimensions", length(dim(x))))
  if (is.object(x) || !is.atomic(x)) return(article(class(x)[1L]))
  paste(article(typeof(x)), if (is.matrix(x)) "matrix" else "vector")
}

frame_of_columns <- function(x, logical_ok, arg, by) {
  if (!length(x)) return(check_shape(list(x = matrix(0, nrow(x), 0L)), arg))
  columns <- as.list(x)
  good <- vapply(columns, function(column) {
    plain <- !is.object(column) || inherits(column, c("AsIs", "integer64", "ts")) && !is_wide_integer(column)
    plain && (is.numeric(column) || (logical_ok && is.logical(column)))
  }, logical(1L))
  if (!all(good)) refuse_columns(columns[!good], which(!good), x, arg, by)
  wide <- any(vapply(columns, function(column) length(dim(column)) == 2L, logical(1L)))
  row_names <- attr(x, "row.names")
  frame <- list(x = NULL, names = names(x), row_names = if (is.character(row_names)) row_names, vector = FALSE)
  if (wide) {
    frame$x <- as.matrix(x)
    frame$names <- colnames(frame$x)
    frame$x <- bare(frame$x)
  } else {
    frame$x <- matrix(0, nrow = length(columns[[1L]]), ncol = length(columns))
    for (j in seq_along(columns)) frame$x[, j] <- as.double(columns[[j]])
  }
  check_shape(frame, arg)
}

refuse_columns <- function(bad, at, x, arg, by) {
  described <- sprintf("Column %s is of class %s.", column_labels(list(names = names(x)), at),
                       vapply(bad, function(column) dQuote(class(column)[1L], FALSE), ""))
  abort_em("input", c(
    sprintf("`%s` must be numeric.", arg),
    stats::setNames(described, rep("x", length(described)))[seq_len(min(5L, length(described)))],
    i = column_remedy(bad, at, x, arg, by)
  ))
}

check_shape <- function(frame, arg) {
  size <- dim(frame$x)
  if (size[2L] == 0L) abort_em("input", sprintf("`%s` has no columns.", arg))
  if (size[1L] == 0L) abort_em("input", sprintf("`%s` has no observations: it has 0 rows.", arg))
  frame
}

# Rows are counted by integers in R's matrices.
check_rows <- function(n, arg) {
  if (n <= .Machine$integer.max) return(invisible())
  abort_em("unsupported", sprintf("`%s` has %s rows; the most there can be are %d.", arg, number(n, 15L),
                                  .Machine$integer.max))
}

# A matrix of doubles without dimnames and other attributes.
bare <- function(x) {
  size <- dim(x)
  x <- as.double(x)
  dim(x) <- size
  x
}

check_weights <- function(weights, n) {
  if (is.null(weights)) return(NULL)
  if (!is.numeric(weights) || is.object(weights)) {
    abort_em("argument", sprintf("`weights` must be numeric, not %s.", describe_value(weights)))
  }
  if (length(weights) != n) {
    abort_em("argument", sprintf("`weights` must have one number for each row: %d, not %s.", n, count(weights)))
  }
  bad <- which(is.na(weights) | is.infinite(weights) | weights < 0)
  if (length(bad)) {
    abort_em("argument", c("`weights` must be finite numbers of 0 or more.",
                           x = sprintf("Row %d has %s.", bad[1L], number(weights[bad[1L]]))))
  }
  if (!any(weights > 0)) abort_em("argument", "`weights` can't all be 0: no row would count.")
  total <- sum(weights)
  if (total < 1e-100 || total > 1e100) {
    abort_em("argument", c(sprintf("`weights` add up to %s, which can't be computed with.", number(total)),
                           i = "Divide them by their mean: weights / mean(weights)."))
  }
  as.double(weights)
}

name_columns <- function(frame, at) {
  if (frame$vector) return("the vector")
  if (is.null(frame$names) || isTRUE(frame$renamed)) {
    return(paste(if (length(at) > 1L) "columns" else "column", enumerate(at)))
  }
  paste(if (length(at) > 1L) "columns" else "column", quoted(frame$names[at]))
}

check_finite <- function(frame, arg = "x") {
  bad <- do.call(rbind, lapply(seq_len(ncol(frame$x)), function(j) {
    values <- frame$x[, j]
    rows <- which(!is.finite(values) & !(is.na(values) & !is.nan(values)))
    cbind(rows, rep(j, length(rows)), deparse.level = 0)
  }))
  if (!length(bad)) return(invisible())
  row <- bad[1L, 1L]
  column <- bad[1L, 2L]
  value <- frame$x[row, column]
  place <- if (frame$vector) sprintf("%s[%d]", arg, row) else sprintf("%s[%d, %d]", arg, row, column)
  rows <- sort(unique(bad[, 1L]))
  abort_em("input", c(
    sprintf("`%s` must be finite: `%s` is %s.", arg, place, number(value)),
    x = sprintf("%s (%s) hold%s Inf or NaN.", plural(length(rows), "row"), enumerate(rows),
                if (length(rows) == 1L) "s" else ""),
    i = finite_remedy(value, frame, arg)
  ))
}

# How many different rows there are; only as many are counted as are needed to know that there are enough.
distinct_rows <- function(x, enough) {
  size <- dim(x)
  # There are at least as many different rows as there are different values in any one column.
  for (few in c(min(size[1L], 4L * enough), min(size[1L], 10L * enough + 100L))) {
    first <- x[seq_len(few), 1L]
    found <- sum(match(first, first) == seq_len(few))
    if (found >= enough || few == size[1L] && size[2L] == 1L) return(found)
  }
  found <- nrow(unique(x[seq_len(few), , drop = FALSE]))
  if (found >= enough || few == nrow(x)) return(found)
  nrow(unique(x))
}

# Components of single rows can't be told apart where rows are equal; those of a series or of a unit can, by what stands
# beside them.
most_components <- function(data, rows, distinct) if (rows_stand_alone(data)) distinct else rows

check_distinct <- function(data, k, least = k) {
  x <- if (is.null(data$weights)) data$x else rows_that_count(data)
  enough <- max(k, least)
  found <- distinct_rows(x, enough)
  if (found >= enough) return(invisible())
  if (found == 1L && nrow(x) > 1L) abort_constant(data, x, seq_len(ncol(x)))
  abort_too_many(k, nrow(x), found,
                 if (found > 1L) "Use fewer components." else "A variance needs at least 2 distinct rows.")
}

abort_too_many <- function(k, rows, distinct, hint) {
  abort_em("input", c(
    sprintf("Can't fit %s to %s (%d distinct).", plural(k, "component"), plural(rows, "row"), distinct),
    i = hint
  ))
}

rows_that_count <- function(data) {
  if (is.null(data$weights) || all(data$weights > 0)) return(data$x)
  data$x[data$weights > 0, , drop = FALSE]
}

# "`x`" for a vector, "Column "a"" otherwise; by number where the name does not tell.
name_column <- function(data, at) {
  if (is.null(data$names) && ncol(data$x) == 1L) return("`x`")
  paste(if (length(at) > 1L) "Columns" else "Column", enumerate(column_labels(data, at)))
}

column_labels <- function(data, at) {
  names <- data$names
  if (is.null(names) || isTRUE(data$renamed) || !identical(clean_names(names), names)) return(at)
  dQuote(names[at], FALSE)
}

abort_constant <- function(data, x, columns) {
  value <- if (length(columns) == 1L) sprintf(" (%s in every row)", number(x[1L, columns], 7L)) else ""
  abort_em("input", c(
    sprintf("%s %s constant%s, so %s.", name_column(data, columns), if (length(columns) > 1L) "are" else "is",
            value, if (length(columns) > 1L) "their variances are 0" else "its variance is 0"),
    i = if (ncol(x) > length(columns)) if (length(columns) > 1L) "Remove them." else "Remove it."
  ))
}

# The core found that no component can model `column`: it is constant, or the columns before it determine it.
abort_defect <- function(data, column) {
  check_reach(data, column)
  x <- rows_that_count(data)
  x <- x[!is.na(x[, column]), , drop = FALSE]
  if (all(x[, column] == x[1L, column])) abort_constant(data, x, column)
  check_scale(x[, column], data, column)
  x <- x[stats::complete.cases(x), , drop = FALSE]
  if (nrow(unique(x)) <= ncol(x)) {
    abort_em("input", c(
      sprintf("%s (%d distinct) can't determine a full covariance of %s.", plural(nrow(x), "row"),
              nrow(unique(x)), plural(ncol(x), "column")),
      i = "Use fewer columns, or a diagonal covariance: em_gaussian(\"VVI\")."
    ))
  }
  others <- determining_columns(x, column)
  if (!length(others)) {
    abort_em("input", c(
      sprintf("%s varies too little in the rows that count, so its variance is 0.", name_column(data, column)),
      i = "Look at the weights, or at the rows where all columns are observed."
    ))
  }
  abort_em("input", c(
    sprintf("%s is a linear combination of %s.", name_column(data, column),
            enumerate(column_labels(data, others))),
    i = "Remove it, or use a diagonal covariance: em_gaussian(\"VVI\")."
  ))
}

# Also where its row counts for nothing a number has a square.
check_reach <- function(data, column) {
  known <- data$x[!is.na(data$x[, column]), column]
  if (any(known != known[1L]) && any(abs(known) > 1e140)) check_scale(known, data, column)
}

# Variances, and their sums over the rows, must stay numbers; a spread must show beside its distance from 0.
check_scale <- function(column, data, at) {
  reach <- max(abs(column))
  spread <- stats::sd(column / reach)
  if (spread < 2e-12) {
    abort_em("input", c(
      sprintf("%s has values of about %s and a standard deviation of %s: too few digits are left to see it.",
              name_column(data, at), number(reach), number(spread * reach)),
      i = "Subtract a constant from it."
    ))
  }
  if (spread * reach < 1e-150 || spread * reach > 1e140) {
    abort_em("input", c(
      sprintf("%s has a standard deviation of %s, whose square can't be computed with.",
              name_column(data, at), number(spread * reach)),
      i = "Rescale it: the fit is the same in other units."
    ))
  }
}

# Those columns before `column` that it is made of.
determining_columns <- function(x, column) {
  z <- scale(x[, seq_len(column), drop = FALSE])
  z[!is.finite(z)] <- 0
  effect <- stats::lm.fit(z[, -column, drop = FALSE], z[, column])$coefficients
  effect[is.na(effect)] <- 0
  which(abs(effect) > 1e-6 * max(abs(effect), 0))
}

# The groups that a partition or responsibilities gave too few rows for a covariance of their own.
abort_bad_component <- function(component, data, given, family) {
  size <- if (is.matrix(given)) sum(given[, component]) else sum(as.integer(given) == component)
  abort_em("start", c(
    sprintf("`start` gives component %d no %s: it has %s, and %s.", component,
            family_spread_word(family), plural(round(size, 2), "row"), plural(ncol(data$x), "variable")),
    i = simpler_hint(family, "Give it more rows")
  ))
}

# The column that has what belongs to rows leaves the others; data keep its name, the last of theirs.
take_beside <- function(frame, name, arg, what) {
  at <- match(name, frame$names)
  if (is.na(at)) {
    told <- c(sprintf("`%s` lacks the column \"%s\", which has the %s.", arg, name, what),
              x = if (length(frame$names)) sprintf("It has %s.", quoted(frame$names)))
    if (arg == "newdata") abort_em("newdata", told)
    abort_em("input", told)
  }
  frame$taken <- frame$x[, at]
  frame$x <- frame$x[, -at, drop = FALSE]
  frame$names <- c(frame$names[-at], name)
  frame$beside <- name
  frame
}

# Names of the columns that were fitted.
fitted_names <- function(data) {
  names <- if (is.null(data$beside)) data$names else setdiff(data$names, data$beside)
  if (length(names)) names
}

data_width <- function(data) if (is.null(data$width)) ncol(data$x) else data$width

# New rows for a fit: columns are found by name where both have names, by position otherwise. Rows with NA stay.
# `beside` is what was said of them: see said_beside().
new_data <- function(newdata, fit, beside = list()) {
  old <- fit$data
  parted <- new_units(newdata, fit)
  newdata <- parted$x
  family <- if (length(beside)) family_with(fit$family, beside) else fit$family
  newdata <- named_rows(newdata, old, family_variables(family))
  if (is.null(dim(newdata)) && is.numeric(newdata) && !length(newdata)) newdata <- matrix(0, 0L, ncol(family_given_columns(fit$family, old)))
  if (NROW(newdata) == 0L && length(dim(newdata)) == 2L) {
    frame <- list(x = matrix(0, 0L, NCOL(newdata)), names = old$names, row_names = NULL, vector = FALSE)
  } else if (is.numeric(newdata) && is.null(dim(newdata)) && !length(beside) && length(old$names) > 1L) {
    frame <- family_frame(family, matrix(newdata, nrow = 1L), "newdata", old = old)
  } else {
    frame <- family_frame(family, newdata, "newdata", old = old)
  }
  if (!all_finite(frame$x)) {
    frame <- treat_missing(frame, stats::na.pass)
    check_finite(frame, "newdata")
  }
  data <- family_data(family, frame, old = old)
  data$n <- nrow(data$x)
  data$units <- parted$units
  if (!is.null(shared_units(data))) data$order <- row_order(data)
  data$complete <- rep(TRUE, data$n)
  data
}

# The columns of the fit, in its order; as they are where names are lacking.
named_rows <- function(newdata, old, beside) {
  if (!is.null(old$terms)) newdata <- new_formula_rows(newdata, old, beside)
  if (!inherits(newdata, "data.frame") && !(is.matrix(newdata) && !is.null(colnames(newdata)))) return(newdata)
  pick_columns(newdata, unique(c(setdiff(old$names, old$beside), beside, offset_column(old$terms))))
}

pick_columns <- function(newdata, wanted) {
  has <- clean_names(colnames(newdata))
  if (!length(wanted) || identical(has, wanted)) return(newdata)
  lacking <- setdiff(wanted, has)
  if (length(lacking)) abort_lacking(lacking, has)
  newdata[, match(wanted, has), drop = FALSE]
}
