# Columns of several kinds: a frame has numbers, codes of levels, and
#   declared   for each column list(levels, kind); numbers have the kind "double" and no levels
# and data have
#   blocks     list(name, family, columns = their places in x, names, items = of categories the levels of each)
# x has the numbers as they are, counts with NA where they are missing, and codes of the levels in use. What a block's
# family would have made of its columns alone is block_data().

#' @export
family_accepts.em_family_mixed <- function(family, column) {
  is.factor(column) || is.character(column) || is.logical(column) || is_plain_number(column)
}

is_plain_number <- function(column) {
  is.numeric(column) && length(dim(column)) < 2L &&
    (!is.object(column) || inherits(column, c("AsIs", "integer64", "ts")) && !is_wide_integer(column))
}

#' @export
family_frame.em_family_mixed <- function(family, x, arg = "x", by = frame_by(arg), old = NULL, logical_ok = TRUE) {
  if (is.null(x)) return(as_frame(x, arg = arg, by = by)) # which says so
  columns <- as_columns(x)
  names <- if (is.null(columns$names)) paste0("x", seq_along(columns$x)) else clean_names(columns$names)
  n <- if (length(columns$x)) NROW(columns$x[[1L]]) else NROW(x)
  check_shape(list(x = matrix(0, n, length(columns$x))), arg)
  blocks <- if (is.null(old)) family$blocks else old$blocks
  if (!is.null(blocks)) check_item_count(length(names), unlist(lapply(blocks, `[[`, "columns")), arg)
  bad <- which(!vapply(columns$x, function(column) family_accepts(family, column), NA))
  if (length(bad)) abort_not_mixed(columns$x, names, bad, arg)
  declared <- stats::setNames(lapply(columns$x, declared_column), names)
  items <- do.call(c, lapply(blocks, function(block) block$items))
  numbers <- lapply(seq_along(names), function(j) {
    value <- columns$x[[j]]
    if (is.null(old)) return(column_numbers(value, declared[[j]]))
    if (is.logical(value) && identical(items[[names[j]]], c("0", "1"))) value <- as.integer(value)
    if (names[j] %in% names(items)) return(match_levels(as.character(value), items[[names[j]]], names[j], arg))
    if (is.null(declared[[j]]$levels) || all(is.na(value)) || is.logical(value)) return(as.double(value))
    abort_em("newdata", sprintf("Column \"%s\" of `%s` must be numeric, as it was in the fit, not of class \"%s\".",
                                names[j], arg, class(value)[1L]))
  })
  list(x = matrix(as.double(unlist(numbers)), ncol = length(names)), names = columns$names,
       row_names = columns$row_names, vector = columns$vector, declared = declared)
}

declared_column <- function(column) {
  if (is.numeric(column)) list(levels = NULL, kind = "double") else declared_levels(column)
}

column_numbers <- function(column, declared) {
  if (is.null(declared$levels)) as.double(column) else match(as.character(column), declared$levels)
}

abort_not_mixed <- function(columns, names, bad, arg) {
  abort_em("input", c(
    sprintf("`%s` must have columns of numbers, factors, characters or logicals for family = em_mixed().", arg),
    x = sprintf("Column %s is of class %s.", dQuote(names[bad[1L]], FALSE),
                dQuote(class(columns[[bad[1L]]])[1L], FALSE)),
    x = if (length(bad) > 1L) sprintf("%d columns are affected (%s).", length(bad), enumerate(names[bad])),
    i = "Make it a number (as.numeric()) or categories (factor()), or leave it out."
  ))
}

#' @export
family_data.em_family_mixed <- function(family, frame, old = NULL, ...) {
  if (!is.null(old)) {
    check_item_count(ncol(frame$x), unlist(lapply(old$blocks, `[[`, "columns")), "newdata")
    frame[c("declared", "blocks")] <- old[c("declared", "blocks")]
    if (!is.null(frame$missing)) frame$order <- order_by_pattern(frame$x)
    return(check_blocks(frame, "newdata"))
  }
  if (!isTRUE(frame$settled)) frame <- settle_blocks(frame, family)
  frame$settled <- TRUE
  frame <- check_blocks(frame, "x")
  if (is.null(frame$missing)) return(frame)
  check_observed(frame)
  frame$missing$used <- TRUE
  frame$order <- order_by_pattern(frame$x)
  drop_from_weights(frame, frame$missing$empty)
}

# Which columns are of which block, and the codes of the levels that are in use.
settle_blocks <- function(frame, family) {
  if (is.null(frame$declared)) frame$declared <- rep(list(declared_column(0)), ncol(frame$x))
  names <- if (is.null(frame$names)) paste0("x", seq_len(ncol(frame$x))) else frame$names
  names(frame$declared) <- names
  fresh <- is.null(family$blocks)
  frame$blocks <- if (fresh) blocks_by_columns(family, frame, names) else family$blocks
  unused <- list()
  for (b in seq_along(frame$blocks)) {
    block <- frame$blocks[[b]]
    for (j in block$columns) {
      name <- names[j]
      taken <- codes_in_use(frame$x[, j], frame$declared[[j]], block, name)
      frame$x[, j] <- taken$x
      block$items[[name]] <- taken$levels
      unused[[name]] <- taken$unused
    }
    frame$blocks[[b]] <- block
  }
  if (fresh) tell_blocks(frame, names, unused, family)
  frame
}

codes_in_use <- function(x, declared, block, name) {
  kind <- block_kinds[[block$family$name]]
  if (kind$takes == "number") return(list(x = x))
  if (kind$takes == "binary") {
    if (is.null(declared$levels)) x <- check_binary(x, name) + 1
    known <- c("0", "1")
    if (length(unique(x[!is.na(x)])) < 2L) check_levels(known[unique(x[!is.na(x)])], name)
    return(list(x = x, levels = known))
  }
  levels <- declared$levels
  known <- block$items[[name]]
  if (!is.null(known)) return(list(x = match(levels, known)[x], levels = known))
  seen <- which(tabulate(x, length(levels)) > 0L)
  check_levels(levels[seen], name)
  list(x = as.double(match(x, seen)), levels = levels[seen],
       unused = if (length(seen) < length(levels) && declared$kind != "character") levels[-seen])
}

check_binary <- function(x, name) {
  bad <- which(!is.na(x) & x != 0 & x != 1)
  if (!length(bad)) return(x)
  abort_em("input", c(
    sprintf("Column \"%s\" must have 0 and 1, or FALSE and TRUE, for a block of em_bernoulli().", name),
    x = sprintf("Row %d has %s.", bad[1L], number(x[bad[1L]]))
  ))
}

# Blocks as the user said, and for the other columns as their kind is; Gaussian ones first.
blocks_by_columns <- function(family, frame, names) {
  said <- family$said
  named <- unlist(lapply(said, `[[`, "columns"))
  unknown <- setdiff(named, names)
  if (length(unknown)) {
    abort_em("argument", c(
      sprintf("em_mixed() names %s, which the data lack.", quoted(unknown)),
      x = sprintf("They have %s.", quoted(names)), i = did_you_mean(unknown[1L], names)
    ))
  }
  rest <- setdiff(names, named)
  is_number <- vapply(frame$declared[rest], function(column) is.null(column$levels), NA)
  said <- c(said, if (any(is_number)) list(list(columns = rest[is_number], family = family$numeric, name = "")),
            if (!all(is_number)) list(list(columns = rest[!is_number], family = em_categorical(), name = "")))
  said <- said[order(match(vapply(said, function(one) one$family$name, ""), names(block_kinds)))]
  said <- one_column_each(said)
  labels <- vapply(said, function(one) if (nzchar(one$name)) one$name else block_kinds[[one$family$name]]$name, "")
  labels <- sub("[.]([0-9]+)$", "_\\1", make.unique(labels))
  lapply(seq_along(said), function(b) {
    check_block_columns(said[[b]], frame$declared)
    columns <- match(said[[b]]$columns, names)
    list(name = labels[b], family = said[[b]]$family, columns = columns, names = names[columns], items = NULL)
  })
}

# A block of binomial counts has one column.
one_column_each <- function(said) {
  unlist(lapply(said, function(one) {
    if (block_kinds[[one$family$name]]$reading != "trials") return(list(one))
    lapply(one$columns, function(column) replace(one, "columns", column))
  }), recursive = FALSE)
}

check_block_columns <- function(said, declared) {
  kind <- block_kinds[[said$family$name]]
  is_number <- vapply(declared[said$columns], function(column) is.null(column$levels), NA)
  is_logical <- vapply(declared[said$columns], function(column) column$kind == "logical", NA)
  bad <- said$columns[switch(kind$takes, number = !is_number, category = is_number, binary = !is_number & !is_logical)]
  if (!length(bad)) return(invisible())
  abort_em("input", c(
    sprintf("%s can't be %s: %s.", quoted(bad), kind$word,
            if (kind$takes == "category") "numbers are no categories" else "they are no numbers"),
    i = if (kind$takes == "category") sprintf("x$%s <- factor(x$%s)", code_name(bad[1L]), code_name(bad[1L]))
        else "Leave them to be categorical."
  ))
}

tell_blocks <- function(frame, names, unused, family) {
  named <- unlist(lapply(family$said, `[[`, "columns"))
  is_binary <- function(j) is.null(frame$declared[[j]]$levels) && is_binary_column(frame$x[, j])
  binary <- setdiff(names[vapply(seq_along(names), is_binary, NA)], named)
  ordered <- names[vapply(frame$declared, function(column) column$kind == "ordered", NA)]
  says <- c(
    if (length(setdiff(names, named))) sprintf("%s. To change that: em_mixed().",
                                               paste(vapply(frame$blocks, describe_block, ""), collapse = "; ")),
    if (length(binary)) sprintf("Only 0 and 1 in %s: factor() makes categories of them.", enumerate(binary)),
    if (length(unused)) sprintf("Levels that no row has are left out: %s.", enumerate(sprintf(
      "%s of %s", vapply(unused, quoted, ""), names(unused)))),
    if (length(ordered)) sprintf("Ordered factors are taken as categories: %s.", enumerate(ordered))
  )
  if (length(says)) inform_em("columns", says)
}

# A block by itself -------------------------------------------------------------------------------------------------

# Of the size and the words of its data, without rows.
block_shape <- function(block) {
  list(x = matrix(0, 0L, length(block$columns)), names = block$names, width = length(block$columns), n = 0L,
       items = block$items, vector = FALSE)
}

# What the block's family has as data of these columns.
block_data <- function(data, block) {
  frame <- block_frame(data, block)
  old <- c(block_shape(block)[c("x", "items", "width")], list(declared = data$declared[block$names]))
  out <- family_data(block$family, frame, old = old)
  out$n <- nrow(out$x)
  out$response <- block$names
  out
}

block_frame <- function(data, block) {
  x <- data$x[, block$columns, drop = FALSE]
  if (is.null(data$missing) && block_kinds[[block$family$name]]$reading != "plain") x[is.na(x)] <- 0 # rows to be drawn
  frame <- list(x = x, names = block$names, weights = data$weights, weighted = FALSE, vector = FALSE,
                row_names = data$row_names, items = block$items, declared = data$declared[block$names], settled = TRUE)
  if (!is.null(data$missing) && anyNA(x)) {
    gaps <- count_gaps(x)
    frame <- note_missing(frame, which(gaps$in_row > 0L), TRUE, gaps)
  }
  frame
}

# What families have against the numbers of their columns.
check_blocks <- function(frame, arg) {
  for (block in frame$blocks) {
    if (block_kinds[[block$family$name]]$reading == "plain") next
    x <- frame$x[, block$columns, drop = FALSE]
    bad <- x < 0 | x != floor(x) | x > (if (is.null(block$family$size)) 2^53 else block$family$size)
    at <- which(bad, arr.ind = TRUE)
    if (!nrow(at)) next
    at <- at[order(at[, 1L]), , drop = FALSE]
    most <- if (is.null(block$family$size)) "of 0 or more" else sprintf("from 0 to %s", number(block$family$size, 15L))
    abort_em("counts", c(
      sprintf("The %s columns of `%s` must hold whole numbers %s.", block_kinds[[block$family$name]]$word, arg, most),
      x = sprintf("Row %d has %s in column \"%s\".", at[1L, 1L], number(x[at[1L, , drop = FALSE]], 15L),
                  block$names[at[1L, 2L]]),
      x = if (nrow(at) > 1L) sprintf("%d cells are affected.", nrow(at))
    ))
  }
  frame
}

# Back again: numbers as the frame had them.
#' @export
family_given_columns.em_family_mixed <- function(family, data) {
  x <- data$x
  for (block in blocks_of(family, data)) {
    for (j in block$columns) {
      if (block_kinds[[block$family$name]]$takes == "number") next
      levels <- data$declared[[j]]$levels
      x[, j] <- if (is.null(levels)) x[, j] - 1
                else if (block_kinds[[block$family$name]]$takes == "binary") x[, j]
                else match(block$items[[names(data$declared)[j]]], levels)[x[, j]]
    }
  }
  x
}
