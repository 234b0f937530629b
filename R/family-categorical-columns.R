# Columns of categories: what a user gave -> codes 1, 2, ... of levels, and back. A frame has
#   declared   for each column list(levels, kind), all levels that the user's column could have
# and codes of these; family_data() leaves out levels that no row has, so that data have
#   items      the levels of each column, which data$x has codes of

most_levels <- 10000L

#' @export
family_accepts.em_family_categorical <- function(family, column) {
  family$name == "categorical" && (is.factor(column) || is.character(column) || is.logical(column))
}

#' @export
family_frame.em_family_categorical <- function(family, x, arg = "x", by = frame_by(arg), old = NULL, logical_ok = TRUE) {
  if (is.null(old) && !is.null(family$items)) old <- list(items = family$items)
  switch(family$name,
    categorical = category_frame(x, arg, by, old),
    bernoulli = binary_frame(x, arg, by),
    multinomial = as_frame(x, FALSE, arg, by)
  )
}

category_frame <- function(x, arg, by, old) {
  if (is.null(x)) return(as_frame(x, arg = arg, by = by)) # which says so
  columns <- as_columns(x)
  names <- if (is.null(columns$names)) paste0("x", seq_along(columns$x)) else clean_names(columns$names)
  n <- if (length(columns$x)) NROW(columns$x[[1L]]) else NROW(x)
  check_shape(list(x = matrix(0, n, length(columns$x))), arg)
  if (!is.null(old)) check_item_count(length(names), old$items, arg)
  bad <- which(!vapply(columns$x, function(column) family_accepts(list_categorical, column), NA))
  if (length(bad)) abort_not_categories(columns$x, names, bad, arg)
  declared <- lapply(columns$x, declared_levels)
  codes <- lapply(seq_along(names), function(j) {
    value <- as.character(columns$x[[j]])
    if (is.null(old)) match(value, declared[[j]]$levels) else match_levels(value, old$items[[j]], names[j], arg)
  })
  list(x = matrix(as.double(unlist(codes)), ncol = length(names)), names = columns$names, row_names = columns$row_names,
       vector = columns$vector, declared = stats::setNames(declared, names), items = old$items)
}

list_categorical <- structure(list(name = "categorical"), class = c("em_family_categorical", "em_family"))

# A vector, factor, matrix or data frame -> list(x = columns, names, row_names, vector).
as_columns <- function(x) {
  if (is.matrix(x) && !inherits(x, "data.frame")) {
    x <- if (inherits(x, "table")) unclass(x) else x
    return(list(x = lapply(seq_len(ncol(x)), function(j) as.vector(x[, j])), names = colnames(x),
                row_names = rownames(x), vector = FALSE))
  }
  if (!inherits(x, "data.frame")) return(list(x = list(x), names = NULL, row_names = names(x), vector = TRUE))
  x <- flatten_matrices(x)
  row_names <- attr(x, "row.names")
  list(x = unname(as.list(x)), names = names(x), row_names = if (is.character(row_names)) row_names, vector = FALSE)
}

declared_levels <- function(column) {
  kind <- if (is.ordered(column)) "ordered" else if (is.factor(column)) "factor" else typeof(column)
  levels <- switch(kind, logical = c("FALSE", "TRUE"), character = sort(unique(column)), levels(column))
  list(levels = levels, kind = kind)
}

check_item_count <- function(n, items, arg) {
  if (n == length(items)) return(invisible())
  says <- sprintf("`%s` must have the %s of the fit, not %d.", arg, plural(length(items), "column"), n)
  if (arg == "newdata") abort_em("newdata", says) else abort_em("input", says)
}

abort_not_categories <- function(columns, names, bad, arg) {
  first <- bad[1L]
  whole <- length(bad) == length(columns)
  own <- user_name(arg)
  code <- if (whole) sprintf("%s[] <- lapply(%s, factor)", own, own)
          else sprintf("%s$%s <- factor(%s$%s)", own, code_name(names[first]), own, code_name(names[first]))
  abort_em("input", c(
    sprintf("`%s` must have factor, character or logical columns for family = \"categorical\".", arg),
    x = sprintf("Column %s is of class %s.", dQuote(names[first], FALSE), dQuote(class(columns[[first]])[1L], FALSE)),
    x = if (length(bad) > 1L) sprintf("%d columns are affected (%s).", length(bad), enumerate(names[bad])),
    i = if (is.numeric(columns[[first]])) sprintf("Where its numbers are codes: %s.", code),
    i = if (is_tally(columns, bad)) {
      sprintf("Where they say how often each row stands there: %s[-%d], weights = %s$%s.", own, bad, own, code_name(names[bad]))
    }
  ))
}

# One column of counts beside categories, as as.data.frame() makes of a table.
is_tally <- function(columns, bad) {
  length(bad) == 1L && length(columns) > 1L && is.numeric(columns[[bad]]) &&
    all(columns[[bad]] >= 0 & columns[[bad]] == round(columns[[bad]]), na.rm = TRUE)
}

match_levels <- function(value, levels, name, arg) {
  codes <- match(value, levels)
  strange <- which(is.na(codes) & !is.na(value))
  if (!length(strange)) return(codes)
  abort_em("levels", c(
    sprintf("`%s` has a level that the fit never saw: \"%s\" in column \"%s\", row %d.", arg, value[strange[1L]], name,
            strange[1L]),
    x = sprintf("The fit knows %s.", quoted(levels)),
    x = if (length(strange) > 1L) sprintf("%d rows are affected (%s).", length(strange), enumerate(strange)),
    i = "Give NA where the answer isn't known: the row is then used for its other columns."
  ))
}

# Codes of the levels in use -> a column like the user's.
code_column <- function(codes, levels, declared) category_column(match(levels, declared$levels)[codes], declared)

category_column <- function(codes, declared) {
  if (is.null(declared$levels)) return(codes)
  value <- declared$levels[codes]
  switch(declared$kind, logical = as.logical(value), character = value,
         factor(value, levels = declared$levels, ordered = declared$kind == "ordered"))
}

# 0 and 1, or FALSE and TRUE.
binary_frame <- function(x, arg, by) {
  frame <- as_frame(x, TRUE, arg, by)
  bad <- which(!is.na(frame$x) & frame$x != 0 & frame$x != 1, arr.ind = TRUE)
  if (!nrow(bad)) return(frame)
  abort_em("input", c(
    sprintf("`%s` must have 0 and 1, or FALSE and TRUE, for family = \"bernoulli\".", arg),
    x = sprintf("Row %d has %s in column %s.", bad[1L, 1L], number(frame$x[bad][1L]), column_labels(frame, bad[1L, 2L])),
    i = "Categories of several levels are \"categorical\", successes out of several trials \"binomial\"."
  ))
}

# ---- from a frame to data ----

#' @export
family_data.em_family_categorical <- function(family, frame, old = NULL, ...) {
  if (is.null(frame$items)) frame$items <- if (is.null(old)) family$items else old$items
  if (!is.null(old)) {
    check_item_count(ncol(frame$x), if (family$name == "multinomial") old$items[[1L]] else old$items, "newdata")
    frame$declared <- old$declared
  }
  frame <- switch(family$name, categorical = keep_used_levels(frame), bernoulli = code_binary(frame),
                  multinomial = check_count_rows(frame, if (is.null(old)) "x" else "newdata"))
  frame$settled <- TRUE
  if (is.null(old)) count_for_nothing(frame, family) else frame
}

# A row that says nothing counts for nothing: all is missing, or its counts are or add up to 0.
count_for_nothing <- function(frame, family) {
  if (family$name == "multinomial") {
    empty <- which(is.na(rowSums(frame$x)) | rowSums(frame$x) == 0)
    frame$n_empty <- length(setdiff(empty, frame$missing$rows))
    frame$counted <- "counts"
  } else {
    empty <- frame$missing$empty
    if (!is.null(frame$missing)) frame$missing$used <- TRUE
  }
  if (!length(empty)) return(frame)
  frame <- drop_from_weights(frame, empty)
  if (nothing_counts(frame, empty)) abort_em("input", "`x` has nothing observed in any row that counts.")
  frame
}

# Levels that no row has would be parameters that nothing is known of.
keep_used_levels <- function(frame) {
  if (!is.null(frame$items)) return(frame)
  unused <- list()
  for (j in seq_along(frame$declared)) {
    levels <- frame$declared[[j]]$levels
    seen <- which(tabulate(frame$x[, j], length(levels)) > 0L)
    check_levels(levels[seen], names(frame$declared)[j])
    if (length(seen) < length(levels) && frame$declared[[j]]$kind != "character") {
      unused[[names(frame$declared)[j]]] <- levels[-seen]
    }
    frame$x[, j] <- match(frame$x[, j], seen)
    frame$items[[names(frame$declared)[j]]] <- levels[seen]
  }
  tell_columns(frame$declared, unused)
  frame
}

check_levels <- function(seen, name) {
  if (length(seen) > most_levels) {
    abort_em("input", c(
      sprintf("Column \"%s\" has %s different values; the most that can be categories are %d.", name, count(seen),
              most_levels),
      i = "Is it a name or a key? Leave it out."
    ))
  }
  if (length(seen) < 2L) {
    abort_em("input", c(
      sprintf("Column \"%s\" has %s, so it tells nothing.", name,
              if (length(seen)) sprintf("one level, \"%s\"", seen) else "no observed value"),
      i = sprintf("Leave it out: x[setdiff(names(x), \"%s\")].", name)
    ))
  }
}

tell_columns <- function(declared, unused) {
  ordered <- names(declared)[vapply(declared, function(column) column$kind == "ordered", NA)]
  says <- c(
    if (length(unused)) sprintf("Levels that no row has are left out: %s.", enumerate(sprintf(
      "%s of %s", vapply(unused, quoted, ""), names(unused)))),
    if (length(ordered)) sprintf("Ordered factors are taken as categories: %s.", enumerate(ordered))
  )
  if (length(says)) inform_em("columns", says)
}

# Codes 1 and 2 for 0 and 1.
code_binary <- function(frame) {
  if (isTRUE(frame$settled)) return(frame)
  known <- !is.null(frame$items)
  names <- clean_names(variable_names(frame))
  if (!known) frame$items <- stats::setNames(rep(list(c("0", "1")), ncol(frame$x)), names)
  for (j in if (!known) seq_len(ncol(frame$x))) {
    values <- unique(frame$x[!is.na(frame$x[, j]), j])
    if (length(values) > 1L) next
    abort_em("input", c(
      sprintf("Column \"%s\" %s, so it tells nothing.", names[j],
              if (length(values)) sprintf("is %s in every row", number(values)) else "has no observed value"),
      i = sprintf("Leave it out: x[, -%d].", j)
    ))
  }
  frame$x <- frame$x + 1
  frame
}

check_count_rows <- function(frame, arg) {
  x <- frame$x
  if (ncol(x) < 2L) {
    abort_em("input", c(
      sprintf("`%s` must have a column of counts for each category: two or more, not %d.", arg, ncol(x)),
      i = "A column of categories is family = \"categorical\"."
    ))
  }
  defects <- list("be negative" = x < 0, "be fractions" = x != floor(x))
  for (defect in names(defects)) {
    bad <- which(defects[[defect]], arr.ind = TRUE)
    if (!nrow(bad)) next
    abort_em("counts", c(
      sprintf("Counts in `%s` can't %s.", arg, defect),
      x = sprintf("Row %d has %s in column %s.", bad[1L, 1L], number(x[bad][1L], 15L), column_labels(frame, bad[1L, 2L])),
      x = if (nrow(bad) > 1L) sprintf("%d counts are affected.", nrow(bad))
    ))
  }
  if (is.null(frame$items)) frame$items <- list(prob = clean_names(variable_names(frame)))
  frame
}

# Back again: codes of all levels that were declared, 0 and 1, or counts.
#' @export
family_given_columns.em_family_categorical <- function(family, data) {
  if (family$name == "multinomial") return(data$x)
  if (family$name == "bernoulli") return(data$x - 1)
  for (j in seq_along(data$items)) data$x[, j] <- match(data$items[[j]], data$declared[[j]]$levels)[data$x[, j]]
  data$x
}

# What a component is along columns: see margin.R.
#' @export
family_margin.em_family_categorical <- function(family, parameters, data, beside = list()) {
  if (family$name == "multinomial") {
    prob <- unname(item_probs(family, parameters)[[1L]])
    size <- one_for_all(beside$size, rowSums(data$x), "size")
    return(list(sharing_block(data$items[[1L]], prob, rep(0, nrow(prob)), size)))
  }
  prob <- item_probs(family, parameters)
  if (family$name == "bernoulli") return(list(trials_block(item_names(data), do.call(cbind, lapply(prob, function(p) p[, 2L])), 1)))
  list(level_block(item_names(data), lapply(prob, unname), unname(data$items)))
}

#' @export
family_cells.em_family_categorical <- function(family, data) {
  if (family$name == "categorical") data$x else family_observed(family, data)
}

# A row that lacks a count has no total, and says nothing.
#' @export
family_check_response.em_family_categorical <- function(family) {
  if (family$name != "multinomial") return(invisible())
  abort_em("unsupported", c("Counts that share a total are not predicted from each other in rows that lack one: the total is not known.",
                            i = "Say it: em_conditional(fit, a = 3, size = 12), for a column a."))
}
