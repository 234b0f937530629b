# Units: rows that belong together, those of a person, a document or a series. A latent structure says that there are
# some, latent_unit(), and what they mean: latent_keeps_order(). `data$units` is NULL, or
#   list(value = the unit of each row as it was given, codes = their numbers, by first appearance,
#        name = what a column of them is called, columns = names of those columns of the data that say it,
#        ordered = FALSE: the rows of a unit share a component, and are one observation, in any order;
#                  TRUE: they are the steps of a series, each with a component of its own, and stand together)
# The core gets the rows of a unit together: see row_order(). There `units` are the last rows of each.

# A user's columns -> list(x = those that are left, units). home: where names are looked up that are no columns. Of a
# formula without variables, as `~ 1`, the rows are not known here: check_units() has them.
part_units <- function(x, latent, home = emptyenv(), arg = "x") {
  said <- latent_unit(latent)
  if (is.null(said)) return(list(x = x, units = NULL))
  columns <- named_columns(x, unit_variables(said))
  ordered <- latent_keeps_order(latent)
  value <- if (!is_one_unit(said)) unit_values(said, x, columns, home, arg, ordered)
  units <- list(value = value, codes = match(value, unique(value)), name = unit_name(said), columns = names(columns),
                ordered = ordered)
  list(x = without_columns(x, names(columns)), units = units)
}

# All rows are one: `~ 1`.
is_one_unit <- function(said) identical(said, one_unit)

one_unit <- quote(~ 1)

# What a unit is called to users, as an argument and in a sentence.
unit_word <- function(ordered) if (ordered) "series" else "unit"

# Units whose rows share a component, and those whose rows are steps; NULL where there are none of the kind.
shared_units <- function(data) if (is.list(data[["units"]]) && !data[["units"]]$ordered) data[["units"]]
ordered_units <- function(data) if (is.list(data[["units"]]) && data[["units"]]$ordered) data[["units"]]

count_units <- function(units) max(units$codes)

# Of units whose rows stand together.
unit_lengths <- function(units) rle(units$codes)$lengths

# By first appearance, as codes are.
unit_labels <- function(units) as.character(units$value[!duplicated(units$codes)])

unit_variables <- function(said) {
  if (inherits(said, "formula")) all.vars(said[[2L]]) else if (is_unit_name(said)) said else character()
}

is_unit_name <- function(said) is.character(said) && !is.factor(said) && length(said) == 1L

unit_name <- function(said) {
  if (is_unit_name(said)) return(said)
  if (inherits(said, "formula") && is.symbol(said[[2L]])) as.character(said[[2L]]) else "unit"
}

named_columns <- function(x, names) {
  if (is.environment(x)) return(mget(names[names %in% ls(x, all.names = TRUE)], envir = x))
  here <- intersect(names, if (is.list(x)) names(x) else colnames(x))
  stats::setNames(lapply(here, function(name) if (is.list(x)) x[[name]] else as.vector(x[, name])), here)
}

without_columns <- function(x, names) {
  if (!length(names) || is.environment(x)) return(x)
  if (is.list(x)) {
    for (name in names) x[[name]] <- NULL
    return(x)
  }
  x[, !colnames(x) %in% names, drop = FALSE]
}

unit_values <- function(said, x, columns, home, arg, ordered) {
  if (inherits(said, "formula")) return(evaluate(said[[2L]], columns, environment(said), "unit"))
  if (!is_unit_name(said)) return(said)
  value <- if (length(columns)) columns[[said]] else look_up(said, home)
  if (!is.null(value) && !is.function(value)) return(value)
  has <- if (is.list(x)) names(x) else colnames(x)
  abort_em("argument", c(
    sprintf("`%s` lacks the column \"%s\", which says the %s of each row.", arg, said, unit_word(ordered)),
    x = if (length(has)) sprintf("It has %s.", quoted(has)),
    i = did_you_mean(said, has),
    i = sprintf("Give a column of the data, or a value for each row: %s.",
                if (ordered) "em_markov(series = )" else "em_mixture(unit = )")
  ))
}

check_units <- function(units, n, arg = "x") {
  if (is.null(units)) return(NULL)
  word <- unit_word(units$ordered)
  if (is.null(units$value)) units[c("value", "codes")] <- list(rep(1L, n), rep(1L, n))
  value <- units$value
  if (!is.atomic(value) || length(dim(value)) > 1L) {
    abort_em("argument", sprintf("`%s` must be a factor, text or numbers, not %s.", word, describe_value(value)))
  }
  if (length(value) != n) {
    abort_em("argument", sprintf("`%s` must have a value for each row of `%s`: %d, not %s.", word, arg, n, count(value)))
  }
  blank <- which(is.na(value))
  if (length(blank)) {
    abort_em("argument", c(sprintf("`%s` must say the %s of every row: it is NA in %s (%s).", word, word,
                                   plural(length(blank), "row"), enumerate(blank)),
                           i = "Leave these rows out, or give each a value of its own."))
  }
  if (units$ordered) check_together(units)
  units
}

# The rows of a series must be neighbours; those of other units are sorted for the core.
check_together <- function(units) {
  runs <- rle(units$codes)
  again <- which(duplicated(runs$values))
  if (!length(again)) return(invisible())
  begins <- cumsum(c(1L, runs$lengths))
  second <- begins[again[1L]]
  first <- match(units$codes[second], units$codes)
  abort_em("argument", c(
    "The rows of a series must stand together.",
    x = sprintf("Series %s begins in row %d and again in row %d.", dQuote(as.character(units$value[first]), FALSE), first,
                second),
    i = if (length(units$columns) == 1L) sprintf("Sort: d[order(d$%s), ] keeps the order within.", units$columns)
        else "Sort the data and `series`: order(series) keeps the order within."
  ))
}

keep_units <- function(units, rows) {
  if (is.null(units$value)) return(units)
  units$value <- units$value[rows]
  units$codes <- match(units$value, unique(units$value))
  units
}

# What is said of some rows of a unit is said of the unit: it has one weight, and a label of any row is that of all.
share_in_units <- function(frame) {
  unit <- shared_units(frame)
  if (is.null(unit)) return(frame)
  if (!is.null(frame$weights)) check_alike_in_units(as.matrix(frame$weights), unit, "weights")
  labels <- frame$labels
  if (is.null(labels)) return(frame)
  if (!is.null(labels$beliefs)) {
    check_alike_in_units(labels$beliefs, unit, "labels")
    return(frame)
  }
  known <- which(!is.na(labels$codes))
  of_unit <- known[match(unit$codes, unit$codes[known])]
  other <- known[labels$codes[known] != labels$codes[of_unit[known]]]
  if (length(other)) abort_labels_of_unit(labels, unit, c(of_unit[other[1L]], other[1L]))
  frame$labels$codes <- labels$codes[of_unit]
  frame
}

check_alike_in_units <- function(values, unit, arg) {
  first <- match(unit$codes, unit$codes)
  differs <- which(rowSums(values != values[first, , drop = FALSE]) > 0)
  if (!length(differs)) return(invisible())
  at <- c(first[differs[1L]], differs[1L])
  abort_em("argument", c(
    sprintf("`%s` must be the same in all rows of a unit: rows %d and %d are of unit %s.", arg, at[1L], at[2L],
            dQuote(as.character(unit$value[at[1L]]), FALSE)),
    x = sprintf("They have %s and %s.", enumerate(number(values[at[1L], ])), enumerate(number(values[at[2L], ]))),
    i = if (arg == "weights") "A weight says how often the whole unit counts; take one for each unit."
  ))
}

abort_labels_of_unit <- function(labels, unit, at) {
  shown <- if (is.null(labels$levels)) labels$codes[at] else labels$levels[labels$codes[at]]
  abort_em("argument", c(
    sprintf("`labels` must agree in all rows of a unit: rows %d and %d are of unit %s.", at[1L], at[2L],
            dQuote(as.character(unit$value[at[1L]]), FALSE)),
    x = sprintf("They are labelled %s and %s.", shown[1L], shown[2L])
  ))
}

# Of these rows, those with no others beside them in a unit that shares a component.
rows_of_whole_units <- function(data, rows) {
  unit <- shared_units(data)
  if (is.null(unit)) return(rows)
  rows[!unit$codes[rows] %in% unit$codes[-rows]]
}

# The order in which the core gets the rows, NULL where it is the user's: units together, in them equal patterns of
# missing cells.
row_order <- function(data) {
  codes <- shared_codes(data)
  if (is.null(codes)) return(if (anyNA(data$x)) order_by_pattern(data$x))
  if (anyNA(data$x)) return(order_by_pattern(data$x, codes))
  if (is.unsorted(codes)) order(codes, method = "radix")
}

# Are there cells of `x` that are missing?
has_gaps <- function(data) {
  isTRUE(data$gaps) || !is.null(data$order) && !isFALSE(data$gaps) && (is.null(shared_units(data)) || anyNA(data$x))
}

# The last row of each unit, in the core's order. To rows by themselves, as starts of a chain see them, a series is none.
native_units <- function(units, order, latent) {
  if (units$ordered && !latent_keeps_order(latent)) return(NULL)
  list(units = ends_of(if (is.null(order)) units$codes else units$codes[order]))
}

ends_of <- function(codes) which(c(codes[-1L] != codes[-length(codes)], TRUE))

codes_of_ends <- function(ends) rep(seq_along(ends), diff(c(0L, ends)))

# The unit of each row, of data or of rows as the core has them; NULL where every row is by itself.
unit_codes <- function(data) {
  units <- data[["units"]]
  if (is.list(units)) units$codes else if (!is.null(units)) codes_of_ends(units)
}

# The same where rows of a unit are one observation.
shared_codes <- function(data) if (is.null(ordered_units(data))) unit_codes(data)

# Is each row a draw of its own? Rows of a unit tell of each other, so what is derived from the law of one row (what it
# can identify, a table of all rows) says nothing about them.
rows_stand_alone <- function(data) is.null(data[["units"]]) && is.null(data$labels)

# Whatever is drawn of rows is drawn of units: draw(w) gets the weights of all units and gives each a number, which
# its rows share.
draw_units <- function(data, draw) {
  codes <- shared_codes(data)
  weights <- if (is.null(data$weights)) rep(1, nrow(data$x)) else data$weights
  if (is.null(codes)) return(draw(weights))
  draw(weights[!duplicated(codes)])[codes]
}

# About n rows out of those with weight, in whole units.
sample_rows_of <- function(native, n) {
  codes <- unit_codes(native)
  counting <- if (is.null(native$weights)) seq_len(nrow(native$x)) else which(native$weights > 0)
  if (is.null(codes)) {
    count <- length(counting)
    return(counting[sort(sample.int(count, n, useHash = count > 2L * n), method = "radix")])
  }
  sizes <- tabulate(codes[counting], max(codes))
  drawn <- sample.int(length(sizes))
  taken <- drawn[seq_len(sum(cumsum(sizes[drawn]) < n) + 1L)]
  counting[codes[counting] %in% taken]
}

# The sum of the weights, once of each unit that is one observation.
count_observations <- function(data) {
  if (!is.null(data$whole)) return(data$whole$weight)
  codes <- if (!is.null(data[["units"]])) shared_codes(data)
  if (is.null(codes)) return(if (is.null(data$weights)) data$n else sum(data$weights))
  if (is.null(data$weights)) max(codes) else sum(data$weights[!duplicated(codes)])
}

# A row for each unit, its mean: where groups of units are looked for.
means_of_units <- function(native) {
  codes <- codes_of_ends(native$units)
  seen <- !is.na(native$x)
  x <- native$x
  x[!seen] <- 0
  native$x <- unname(rowsum(x, codes, reorder = FALSE) / rowsum(seen + 0, codes, reorder = FALSE))
  native$missing <- anyNA(native$x)
  native$weights <- native$weights[native$units]
  native[c("units", "labels", "log_beliefs", "log_noise")] <- NULL
  native
}

check_units_k <- function(data, k) {
  units <- shared_units(data)
  if (is.null(units) || k <= count_units(units)) return(invisible())
  abort_em("input", c(sprintf("Can't fit %s to %s.", plural(k, "component"), plural(count_units(units), "unit")),
                      i = "The rows of a unit are of one component: use fewer components."))
}

# "40 units of 3 to 9 rows"; what print says of series is their latent structure's.
describe_units <- function(data) {
  units <- shared_units(data)
  if (is.null(units)) return(NULL)
  found <- if (is.null(data$whole)) list(n = count_units(units), sizes = range(tabulate(units$codes))) else data$whole$units
  sizes <- found$sizes
  rows <- if (sizes[1L] == sizes[2L]) plural(sizes[1L], "row") else sprintf("%d to %d rows", sizes[1L], sizes[2L])
  sprintf("%s of %s", plural(found$n, "unit"), rows)
}

# Of a chain; of data that are a sample, those of all rows.
count_series <- function(data) {
  if (is.null(data$whole)) count_units(data$units) else data$whole$units$n
}

# With the column of the units in front, in rows that are to be fitted again.
with_unit_column <- function(rows, units) {
  if (is.null(units)) return(rows)
  data.frame(stats::setNames(list(units$value), units$name), rows, check.names = FALSE)
}

# Of new rows for a fit.
new_units <- function(newdata, fit) {
  said <- latent_unit(fit$latent)
  if (is.null(said)) return(list(x = newdata, units = NULL))
  if (isTRUE(said)) {
    abort_em("newdata", c(
      "The units of the new rows are not said: the fit has a value for each of its own rows.",
      i = "Fit by a column, em_mixture(unit = \"id\"), which new rows can have too."
    ))
  }
  lacking <- setdiff(fit$data$units$columns, if (is.list(newdata)) names(newdata) else colnames(newdata))
  if (length(lacking)) {
    has <- if (is.list(newdata)) names(newdata) else colnames(newdata)
    ordered <- latent_keeps_order(fit$latent)
    abort_em("newdata", c(sprintf("`newdata` lacks %s, which says the %s of each row.", quoted(lacking), unit_word(ordered)),
                          x = if (length(has)) sprintf("It has %s.", quoted(has)), i = did_you_mean(lacking[1L], has),
                          i = sprintf("Rows that have no other row in their %s need a value of their own.",
                                      unit_word(ordered))))
  }
  parted <- part_units(newdata, fit$latent, arg = "newdata")
  parted$units <- check_units(parted$units, NROW(newdata), "newdata")
  parted
}

# The rows of these units, one unit after the other, each a unit of its own: list(rows, units).
rows_of_units <- function(units, drawn) {
  rows <- split(seq_along(units$codes), units$codes)[drawn]
  codes <- rep(seq_along(rows), lengths(rows))
  units[c("value", "codes")] <- list(codes, codes)
  list(rows = unlist(rows, use.names = FALSE), units = units)
}
