# The functions of a user's family as the core calls them: on the main thread, for all rows (see src/r_family.h).
# What they return is checked here, and nowhere else.

#' @export
family_native.em_family_user <- function(family, k) {
  held <- family$held
  if (!is.null(held)) {
    for (name in setdiff(names(family$fields), names(held))) held[[name]] <- held_by_none(family, name, k)
  }
  fields <- lapply(names(family$fields), function(name) c(name = name, family$fields[[name]]))
  list(name = "user", k = k, fields = lapply(fields, as.list), held = held,
       additive = !is.null(family$functions$statistics),
       bind = function(x) bind_user(family, x),
       density = function(rows, parameters, untouched) density_user(family, rows, parameters, untouched, k),
       maximise = function(rows, counts, s, parameters) maximise_user(family, rows, counts, s, parameters))
}

# NA in the shape of a field; of those by variable the width is that of the columns.
held_by_none <- function(family, name, k) {
  size <- family$fields[[name]]$size
  d <- if (size < 0L) max(1L, length(family$columns)) else size
  if (size == 0L) rep(NA_real_, k) else matrix(NA_real_, k, d)
}

call_user <- function(family, what, ...) {
  tryCatch(family$functions[[what]](...), error = function(e) {
    abort_em("family", c(sprintf("`%s` of the family \"%s\" failed.", what, family$name), x = conditionMessage(e)))
  })
}

abort_user <- function(family, what, must, found = NULL) {
  abort_em("family", c(sprintf("`%s` of the family \"%s\" must return %s.", what, family$name, must), x = found,
                       i = "em_check_family(family, x) tries its functions one by one."))
}

# Rows as the functions see them: list(x, whole = their numbers).
user_rows <- function(x, columns) {
  whole <- which(rowSums(is.na(x)) == 0)
  x <- x[whole, , drop = FALSE]
  if (length(columns) == ncol(x)) colnames(x) <- columns
  list(x = if (ncol(x) == 1L) as.vector(x) else x, whole = whole)
}

bind_user <- function(family, x) {
  rows <- user_rows(x, family$columns)
  rows$n <- nrow(x)
  if (is.null(family$functions$statistics)) return(rows)
  size <- length(rows$whole)
  s <- if (size > 0L) check_statistics(family, call_user(family, "statistics", rows$x), size) else matrix(0, 0L, 0L)
  rows["names"] <- list(colnames(s))
  rows$statistics <- matrix(0, nrow(x), ncol(s))
  rows$statistics[rows$whole, ] <- s
  rows
}

check_statistics <- function(family, s, size) {
  if (is.data.frame(s)) s <- as.matrix(s)
  if (is.null(dim(s)) && length(s) == size) s <- matrix(s, size)
  if (!(is.numeric(s) || is.logical(s)) || length(dim(s)) != 2L || nrow(s) != size || !ncol(s)) {
    abort_user(family, "statistics", sprintf("a matrix with a row for each of %s", plural(size, "row")),
               sprintf("It returned %s.", describe_shape(s)))
  }
  bad <- which(!is.finite(rowSums(s)))
  if (length(bad)) {
    abort_user(family, "statistics", "finite numbers", sprintf("Row %d has %s.", bad[1L],
                                                               enumerate(number(s[bad[1L], ]))))
  }
  s
}

# list(component, density): component is the first without a density, 0 where all have one. Parameters that nobody has
# set yet need not have any.
density_user <- function(family, rows, parameters, untouched, k) {
  out <- matrix(0, rows$n, k)
  size <- length(rows$whole)
  lost <- which(on_edge(family, parameters, k, open = TRUE))
  if (length(lost)) return(list(component = lost[1L], density = out))
  if (size == 0L) return(list(component = 0L, density = out))
  own <- if (untouched) tryCatch(family$functions$log_density(rows$x, parameters), error = function(e) NULL)
         else call_user(family, "log_density", rows$x, parameters)
  if (is.null(own) && untouched) return(list(component = 1L, density = out))
  own <- check_density(family, own, size, k)
  bad <- which(is.nan(colSums(own)) | colSums(own == Inf) > 0)
  if (length(bad)) {
    # On the edge of its scale a component may have lost its density; elsewhere it has one.
    if (!untouched && !on_edge(family, parameters, k)[bad[1L]]) abort_density(family, own, rows, bad[1L], parameters)
    return(list(component = bad[1L], density = out))
  }
  if (size == rows$n) out <- own else out[rows$whole, ] <- own
  list(component = 0L, density = out)
}

check_density <- function(family, own, size, k) {
  if (is.null(dim(own)) && length(own) == size * k && (k == 1L || size == 1L)) own <- matrix(own, size, k)
  if (!is.numeric(own) || !identical(dim(own), c(size, k))) {
    abort_user(family, "log_density",
               sprintf("a matrix with a row for each row and a column for each component: %d x %d", size, k),
               sprintf("It returned %s.", describe_shape(own)))
  }
  dimnames(own) <- NULL
  storage.mode(own) <- "double"
  own
}

abort_density <- function(family, own, rows, j, parameters) {
  at <- which(is.nan(own[, j]) | own[, j] == Inf)[1L]
  at_parameters <- paste(vapply(names(parameters), function(name) {
    sprintf("%s = %s", name, enumerate(number(as.matrix(parameters[[name]])[j, ])))
  }, ""), collapse = ", ")
  abort_user(family, "log_density", "numbers below Inf, or -Inf where a row is impossible",
             sprintf("Row %d has %s under component %d (%s).", rows$whole[at], number(own[at, j]), j, at_parameters))
}

# Which components have a number at an end of its scale; open: at one that is no value of it.
on_edge <- function(family, parameters, k, open = FALSE) {
  out <- logical(k)
  for (name in names(family$fields)) {
    x <- as.matrix(parameters[[name]])
    ends <- switch(family$fields[[name]]$scale, positive = x == 0 | x == Inf, real = is.infinite(x),
                   if (open) FALSE & x else x == 0 | x == 1)
    out <- out | rowSums(ends) > 0
  }
  out
}

# With fewer rows than these a component has none: it keeps its parameters, and the M-step does not hear of it.
fewest_user_rows <- 1e-10

maximise_user <- function(family, rows, counts, s, parameters) {
  live <- which(counts >= fewest_user_rows)
  if (!length(live)) return(parameters)
  old <- lapply(parameters, function(p) if (is.matrix(p)) p[live, , drop = FALSE] else p[live])
  also <- if ("parameters" %in% names(formals(family$functions$maximise))) list(parameters = old)
  given <- if (is.null(family$functions$statistics)) list(rows$x, s[rows$whole, live, drop = FALSE])
           else list(matrix(s[live, ], length(live), dimnames = if (!is.null(rows$names)) list(NULL, rows$names)))
  found <- do.call(call_user, c(list(family, "maximise"), given, also))
  if (!is.list(found) || !all(names(parameters) %in% names(found))) {
    abort_user(family, "maximise", sprintf("a list with %s", enumerate(sprintf("`%s`", names(parameters)))),
               sprintf("It returned %s.", if (is.list(found)) sprintf("a list with %s", enumerate(names(found)))
                                          else describe_shape(found)))
  }
  for (name in names(parameters)) {
    new <- new_numbers(family, name, found[[name]], old[[name]], live)
    if (is.matrix(new)) parameters[[name]][live, ] <- new else parameters[[name]][live] <- new
  }
  parameters
}

# One parameter of the components that were asked for, in the shape that it has; live: their numbers.
new_numbers <- function(family, name, x, old, live) {
  if (!is.numeric(x) || length(x) != length(old) || is.matrix(old) && !identical(dim(x), dim(old))) {
    abort_user(family, "maximise", sprintf("in `%s` %s", name, if (is.matrix(old)) paste("a matrix of", shape_of(old, 2L))
                                           else sprintf("one number for each component (%d)", length(old))),
               sprintf("It returned %s.", describe_shape(x)))
  }
  scale <- family$fields[[name]]$scale
  table <- to_scale(matrix(as.double(x), NROW(old)), scale)
  bad <- which(rowSums(is.na(table)) > 0 | off_scale(table, scale))
  if (length(bad)) {
    abort_user(family, "maximise", sprintf("in `%s` numbers that are %s", name, scale_words[[scale]]),
               sprintf("Component %d has %s.", live[bad[1L]], enumerate(number(table[bad[1L], ]))))
  }
  dim(table) <- dim(old)
  table
}

scale_words <- c(real = "finite", positive = "positive", unit = "between 0 and 1",
                 simplex = "0 or more and sum to 1")

off_scale <- function(x, scale) {
  switch(scale, real = FALSE, positive = rowSums(x < 0) > 0, unit = rowSums(x < 0 | x > 1) > 0,
         simplex = off_simplex(x))
}

# What rounding took beyond the end of a scale.
to_scale <- function(x, scale) {
  if (scale %in% c("unit", "simplex")) {
    x[which(x < 0 & x > -1e-12)] <- 0
    x[which(x > 1 & x < 1 + 1e-12)] <- 1
  }
  if (scale == "simplex" && !anyNA(x) && !any(off_simplex(x))) x <- x / rowSums(x)
  x
}
