# em_data(): the only place that looks at raw user input. What comes out is plain, complete and checked:
#   x          double matrix as the family's C++ half reads it; one row for each row of the user's that is kept
#   weights    NULL (all one) or doubles; 0 also for rows that carry no information
#   names      names of the user's columns, or NULL         row_names  of the user's rows, or NULL
#   n          rows                                         vector     was it given as a plain vector?
#   terms      of the formula, or NULL                      na.action  rows that were left out, or NULL
# and what the family adds.
em_data <- function(x, family, weights = NULL, na.action = NULL, terms = NULL) {
  frame <- as_frame(x, logical_ok = identical(family$name, "binomial"))
  frame$weights <- check_weights(weights, nrow(frame$x))
  frame$terms <- terms
  frame <- treat_missing(frame, na.action)
  check_finite(frame)
  data <- family_data(family, frame)
  data$n <- nrow(data$x)
  structure(data, class = "em_data")
}

# Anything rectangular -> list(x = double matrix without dimnames, names, row_names, vector).
as_frame <- function(x, logical_ok = FALSE, arg = "x") {
  if (is.null(x)) abort_em("input", sprintf("`%s` has no observations: it is NULL.", arg))
  if (inherits(x, "data.frame")) return(frame_of_columns(x, logical_ok, arg))
  if (inherits(x, "ts") || inherits(x, "table")) x <- unclass(x)
  usable <- is.numeric(x) || (logical_ok && is.logical(x))
  if (!usable || is.object(x) || length(dim(x)) > 2L) {
    abort_em("input", c(
      sprintf("`%s` must be a numeric vector, matrix or data frame, not %s.", arg, describe_input(x)),
      i = if (is.factor(x) || is.character(x)) "Groups are what EM finds; give it the measurements."
    ))
  }
  vector <- is.null(dim(x)) || length(dim(x)) == 1L
  if (vector) {
    row_names <- names(x)
    x <- matrix(as.double(x), ncol = 1L)
    return(check_shape(list(x = x, names = NULL, row_names = row_names, vector = TRUE), arg))
  }
  frame <- list(x = x, names = colnames(x), row_names = rownames(x), vector = FALSE)
  if (storage.mode(frame$x) != "double") storage.mode(frame$x) <- "double"
  frame$x <- bare(frame$x)
  check_shape(frame, arg)
}

describe_input <- function(x) {
  if (length(dim(x)) > 2L) return(sprintf("an array of %d dimensions", length(dim(x))))
  if (is.matrix(x)) return(paste("a", typeof(x), "matrix"))
  article <- if (grepl("^[aeiou]", class(x)[1L])) "an" else "a"
  paste0(article, " ", class(x)[1L], if (is.atomic(x) && !is.object(x)) " vector")
}

frame_of_columns <- function(x, logical_ok, arg) {
  if (!length(x)) abort_em("input", sprintf("`%s` has no columns.", arg))
  columns <- as.list(x)
  good <- vapply(columns, function(column) {
    (is.numeric(column) && (!is.object(column) || inherits(column, "integer64"))) ||
      (logical_ok && is.logical(column)) || inherits(column, "ts")
  }, logical(1L))
  if (!all(good)) refuse_columns(columns[!good], which(!good), x, arg)
  wide <- any(vapply(columns, function(column) length(dim(column)) == 2L, logical(1L)))
  row_names <- attr(x, "row.names")
  frame <- list(x = NULL, names = names(x), row_names = if (is.character(row_names)) row_names, vector = FALSE)
  if (wide) {
    frame$x <- as.matrix(x)
    frame$names <- colnames(frame$x)
    storage.mode(frame$x) <- "double"
    frame$x <- bare(frame$x)
  } else {
    frame$x <- matrix(0, nrow = length(columns[[1L]]), ncol = length(columns))
    for (j in seq_along(columns)) frame$x[, j] <- as.double(columns[[j]])
  }
  check_shape(frame, arg)
}

refuse_columns <- function(bad, at, x, arg) {
  described <- sprintf("Column %s is of class %s.", dQuote(names(bad), FALSE),
                       vapply(bad, function(column) dQuote(class(column)[1L], FALSE), ""))
  abort_em("input", c(
    sprintf("`%s` must be numeric.", arg),
    stats::setNames(described, rep("x", length(described)))[seq_len(min(5L, length(described)))],
    i = if (length(bad) < length(x)) sprintf("Drop %s: %s[-%s].", if (length(bad) > 1L) "them" else "it",
                                             user_name(arg), if (length(at) > 1L) deparse(unname(at)) else at)
  ))
}

# What the user calls the data, where that is a plain name.
user_name <- function(arg) {
  call <- user_call()
  if (length(call) > 1L && is.symbol(call[[2L]])) as.character(call[[2L]]) else arg
}

check_shape <- function(frame, arg) {
  if (ncol(frame$x) == 0L) abort_em("input", sprintf("`%s` has no columns.", arg))
  if (nrow(frame$x) == 0L) abort_em("input", sprintf("`%s` has no observations: it has 0 rows.", arg))
  frame
}

# Without dimnames and other attributes; copies nothing where there are none.
bare <- function(x) {
  extra <- setdiff(names(attributes(x)), "dim")
  for (name in extra) attr(x, name) <- NULL
  x
}

check_weights <- function(weights, n) {
  if (is.null(weights)) return(NULL)
  if (!is.numeric(weights) || is.object(weights)) {
    abort_em("argument", sprintf("`weights` must be numeric, not %s.", describe_value(weights)))
  }
  if (length(weights) != n) {
    abort_em("argument", sprintf("`weights` must have one number for each row: %d, not %d.", n, length(weights)))
  }
  bad <- which(is.na(weights) | is.infinite(weights) | weights < 0)
  if (length(bad)) {
    abort_em("argument", c("`weights` must be finite numbers of 0 or more.",
                           x = sprintf("Row %d has %s.", bad[1L], format(weights[bad[1L]]))))
  }
  if (!any(weights > 0)) abort_em("argument", "`weights` can't all be 0: no row would count.")
  as.double(weights)
}

# na.action: NULL or na.fail refuse; na.omit and na.exclude leave rows out, as in lm().
treat_missing <- function(frame, na.action) {
  if (!anyNA(frame$x)) return(frame)
  missing <- is.na(frame$x) & !is.nan(frame$x)
  rows <- which(rowSums(missing) > 0)
  if (!length(rows)) return(frame)
  action <- na_action_name(na.action)
  if (action == "fail") {
    abort_em("missing", c(
      sprintf("`x` has missing values in %s (%s) of %s.", plural(length(rows), "row"), enumerate(rows),
              name_columns(frame, which(colSums(missing) > 0))),
      i = "Leave these rows out with na.action = na.omit."
    ))
  }
  if (length(rows) == nrow(frame$x)) {
    abort_em("missing", "`x` has a missing value in every row; leaving them out leaves no observations.")
  }
  keep_rows(frame, -rows, structure(rows, class = action))
}

na_action_name <- function(na.action) {
  if (is.null(na.action) || identical(na.action, stats::na.fail) || identical(na.action, "na.fail")) {
    return("fail")
  }
  if (identical(na.action, stats::na.omit) || identical(na.action, "na.omit")) return("omit")
  if (identical(na.action, stats::na.exclude) || identical(na.action, "na.exclude")) return("exclude")
  abort_em("argument", "`na.action` must be NULL, na.omit, na.exclude or na.fail.")
}

keep_rows <- function(frame, keep, na.action) {
  frame$x <- frame$x[keep, , drop = FALSE]
  frame$weights <- frame$weights[keep]
  frame$row_names <- frame$row_names[keep]
  frame$na.action <- na.action
  frame
}

name_columns <- function(frame, at) {
  if (frame$vector) return("the vector")
  if (is.null(frame$names)) return(paste(if (length(at) > 1L) "columns" else "column", enumerate(at)))
  paste(if (length(at) > 1L) "columns" else "column", quoted(frame$names[at]))
}

# The sum of finite numbers is nearly always finite, and costs no memory.
check_finite <- function(frame, arg = "x") {
  if (is.finite(sum(frame$x))) return(invisible())
  bad <- which(!is.finite(frame$x) & !(is.na(frame$x) & !is.nan(frame$x)), arr.ind = TRUE)
  if (!length(bad)) return(invisible())
  row <- bad[1L, 1L]
  column <- bad[1L, 2L]
  value <- frame$x[row, column]
  place <- if (frame$vector) sprintf("%s[%d]", arg, row) else sprintf("%s[%d, %d]", arg, row, column)
  rows <- sort(unique(bad[, 1L]))
  abort_em("input", c(
    sprintf("`%s` must be finite: `%s` is %s.", arg, place, if (is.nan(value)) "NaN" else format(value)),
    x = sprintf("%s (%s) hold%s Inf or NaN.", plural(length(rows), "row"), enumerate(rows),
                if (length(rows) == 1L) "s" else "")
  ))
}

# How many different rows there are; only as many are counted as are needed to know that there are enough.
distinct_rows <- function(x, enough) {
  few <- min(nrow(x), 10L * enough + 100L)
  found <- nrow(unique(x[seq_len(few), , drop = FALSE]))
  if (found >= enough || few == nrow(x)) return(found)
  nrow(unique(x))
}

check_distinct <- function(data, k, least = k) {
  found <- distinct_rows(data$x, max(k, least))
  if (found >= max(k, least)) return(invisible())
  abort_em("input", c(
    sprintf("Can't fit %s to %s (%d distinct).", plural(k, "component"), plural(data$n, "row"), found),
    i = if (found > 1L) "Use fewer components."
  ))
}

# The core found that no component can model `column`: it is constant, or the columns before it determine it.
abort_defect <- function(data, column) {
  weights <- if (is.null(data$weights)) rep(1, data$n) else data$weights
  x <- data$x[weights > 0, , drop = FALSE]
  label <- variable_names(data)
  if (all(x[, column] == x[1L, column])) {
    what <- if (is.null(data$names) && ncol(x) == 1L) "`x`" else paste("Column", dQuote(label[column], FALSE))
    abort_em("input", c(sprintf("%s is constant, so its variance is 0.", what),
                        i = if (ncol(x) > 1L) "Remove it."))
  }
  if (nrow(unique(x)) <= ncol(x)) {
    abort_em("input", c(
      sprintf("%s (%d distinct) can't determine a full covariance of %s.", plural(nrow(x), "row"),
              nrow(unique(x)), plural(ncol(x), "column")),
      i = "Use fewer columns, or a diagonal covariance: em_gaussian(\"VVI\")."
    ))
  }
  others <- determining_columns(x, column)
  abort_em("input", c(
    sprintf("Column %s is a linear combination of %s.", dQuote(label[column], FALSE), quoted(label[others])),
    i = "Remove it, or use a diagonal covariance: em_gaussian(\"VVI\")."
  ))
}

# Those columns before `column` that it is made of.
determining_columns <- function(x, column) {
  z <- scale(x[, seq_len(column), drop = FALSE])
  effect <- stats::lm.fit(z[, -column, drop = FALSE], z[, column])$coefficients
  effect[is.na(effect)] <- 0
  which(abs(effect) > 1e-6 * max(abs(effect)))
}

# The groups that a partition or responsibilities gave too few rows for a covariance of their own.
abort_bad_component <- function(component, data, responsibilities) {
  size <- sum(responsibilities[, component])
  abort_em("start", c(
    sprintf("`start` gives component %d no covariance: it has %s, and %s.", component,
            plural(round(size, 2), "row"), plural(ncol(data$x), "variable")),
    i = "Give it more rows, or use a simpler covariance such as em_gaussian(\"EEE\")."
  ))
}

# New rows for a fit: columns are found by name where both have names, by position otherwise. Rows with NA stay
# and are told apart by `complete`.
new_data <- function(newdata, fit) {
  old <- fit$data
  if (!is.null(old$terms) && inherits(newdata, "data.frame")) {
    newdata <- rows_of_formula(old$terms, newdata)$x
  }
  if (inherits(newdata, "data.frame")) newdata <- pick_columns(newdata, old)
  if (is.matrix(newdata) && !is.null(colnames(newdata))) newdata <- pick_columns(newdata, old)
  if (NROW(newdata) == 0L && length(dim(newdata)) == 2L) {
    frame <- list(x = matrix(0, 0L, NCOL(newdata)), names = old$names, row_names = NULL, vector = FALSE)
  } else if (is.numeric(newdata) && is.null(dim(newdata)) && length(old$names) > 1L) {
    frame <- as_frame(matrix(newdata, nrow = 1L), arg = "newdata")
  } else {
    frame <- as_frame(newdata, logical_ok = TRUE, arg = "newdata")
  }
  frame$complete <- rowSums(is.na(frame$x) & !is.nan(frame$x)) == 0
  rest <- frame
  rest$x <- frame$x[frame$complete, , drop = FALSE]
  check_finite(rest, "newdata")
  data <- family_data(fit$family, rest, old = old)
  data$n <- nrow(data$x)
  data$complete <- frame$complete
  data$row_names <- frame$row_names
  structure(data, class = "em_data")
}

pick_columns <- function(newdata, old) {
  wanted <- old$names
  has <- colnames(newdata)
  if (is.null(wanted) || anyDuplicated(wanted) || identical(has, wanted)) return(newdata)
  lacking <- setdiff(wanted, has)
  if (length(lacking)) {
    abort_em("newdata", c(
      sprintf("`newdata` lacks %s %s.", if (length(lacking) > 1L) "columns" else "column", quoted(lacking)),
      x = sprintf("It has %s.", quoted(has))
    ))
  }
  newdata[, wanted, drop = FALSE]
}
