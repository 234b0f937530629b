# The numbers of a user's list, `start` or `fixed` (arg): looked at for their type before anything is counted, then
# brought into the engine's shapes. Each function returns plain doubles, or says what is wrong. In `fixed` NA is free.

abort_slot <- function(arg, bullets) {
  if (arg == "fixed") abort_em("fixed", bullets) else abort_em("start", bullets)
}

check_types <- function(given, fields, arg) {
  for (name in names(fields)[match(names(fields), names(given), 0L) > 0L]) {
    x <- .subset2(given, name)
    if (!is.numeric(x) || !length(x)) check_numeric_slot(x, said_name(name, fields[[name]]), arg)
  }
}

# Those of the fields that the list has, in the order of the fields.
read_fields <- function(given, fields, variables, arg) {
  out <- list()
  for (name in names(fields)) {
    x <- given[[name]]
    if (!length(x)) next
    field <- fields[[name]]
    out[[name]] <- read_field(x, said_name(name, field), field, variables, arg)
  }
  out
}

read_field <- function(x, name, field, variables, arg) {
  size <- field$size
  if (!is.null(field$variables)) variables <- field$variables
  if (field$scale == "covariance") return(read_covariance(x, name, size[3L], size[1L], variables, arg))
  if (!is.null(field$levels)) variables <- field$levels
  what <- if (is.null(field$levels)) "variable" else "level"
  x <- if (length(size) == 1L) read_vector(x, name, size, arg)
       else read_table(x, name, size[1L], size[2L], if (field$axes[2L] != "state") variables, arg, what)
  scale <- field$scale
  if (scale == "real") return(x)
  if (scale != "positive") refuse_numbers(x, x < 0 | x > 1, name, arg, "between 0 and 1", size[1L])
  else if (field$zero) refuse_numbers(x, x < 0, name, arg, "0 or more", size[1L])
  else refuse_numbers(x, x <= 0, name, arg, "positive", size[1L])
  if (scale == "simplex") check_simplex(x, name, arg)
  x
}

# Rows sum to one; what is held of a row must leave room for what is free.
check_simplex <- function(x, name, arg) {
  free <- rowSums(is.na(x)) > 0
  sums <- rowSums(x, na.rm = TRUE)
  bad <- which(if (arg == "fixed") sums > 1 + 1e-8 | !free & abs(sums - 1) > 1e-8 else abs(sums - 1) > 1e-8)
  if (!length(bad)) return(invisible())
  abort_slot(arg, sprintf("`%s$%s` must have rows that sum to 1%s: that of component %d sums to %s.", arg, name,
                          if (arg == "fixed") ", or less where some are free" else "", bad[1L],
                          number(sums[bad[1L]], 10L)))
}

# What is not simply numbers: NA alone, a data frame of numbers, or an error.
check_numeric_slot <- function(x, name, arg) {
  if (is.logical(x) && length(x) && all(is.na(x))) return(invisible())
  if (!inherits(x, "data.frame") || !length(x)) {
    abort_slot(arg, sprintf("`%s$%s` must be numeric, not %s.", arg, name, describe_shape(x)))
  }
  bad <- which(!vapply(x, is.numeric, NA))
  if (!length(bad)) return(invisible())
  abort_slot(arg, sprintf("`%s$%s` must have numeric columns: column %s is of class %s.", arg, name,
                        dQuote(names(x)[bad[1L]], FALSE), dQuote(class(x[[bad[1L]]])[1L], FALSE)))
}

# "a character matrix of 2 x 3", "a list of length 2", "TRUE".
describe_shape <- function(x) {
  if (is.null(x)) return("NULL")
  if (is.function(x)) return("a function")
  size <- paste(dim(x), collapse = " x ")
  if (inherits(x, "data.frame")) return(paste("a data frame of", size))
  kind <- if (is.object(x)) class(x)[1L] else if (is.numeric(x)) "numeric" else typeof(x)
  if (length(dim(x)) > 1L) return(paste(article(kind), if (length(dim(x)) == 2L) "matrix" else "array", "of", size))
  if (is.object(x) || is.list(x) || !is.atomic(x)) return(paste(article(kind), "of length", length(x)))
  if (length(x) == 1L) return(describe_value(x))
  paste(article(kind), "vector of length", length(x))
}

# One number for each component.
read_vector <- function(x, name, k, arg) {
  flat <- is.null(dim(x)) || !is.data.frame(x) && sum(dim(x) > 1L) < 2L
  if (!flat || length(x) != k) {
    given <- if (flat) paste(count(x), if (length(x) == 1L) "was given" else "were given")
             else paste("it is", describe_shape(x))
    abort_slot(arg, sprintf("`%s$%s` must have one value per component: k = %d, but %s.", arg, name, k, given))
  }
  x <- as.double(x)
  if (!all(is.finite(x))) check_numbers(x, name, arg, k)
  x
}

# A row for each component, a column for each variable; columns are found by name.
read_table <- function(x, name, k, d, variables, arg, what = "variable") {
  if (inherits(x, "data.frame")) x <- as.matrix(x)
  if (is.null(dim(x)) && k == 1L) x <- matrix(x, nrow = 1L, dimnames = list(NULL, names(x)))
  if (!identical(dim(x), c(k, d))) {
    abort_slot(arg, sprintf(paste0("`%s$%s` must be a matrix with a row for each component and a column for each ",
                                 "%s: %d x %d, not %s."), arg, name, what, k, d, shape_of(x, 2L)))
  }
  at <- match_variables(colnames(x), variables, d, arg, name, "columns")
  x <- matrix(as.double(x[, at, drop = FALSE]), k, d)
  if (!all(is.finite(x))) check_numbers(x, name, arg, k)
  x
}

# A d x d matrix for each component, or one for all; rows and columns are found by name.
read_covariance <- function(x, name, k, d, variables, arg) {
  if (inherits(x, "data.frame")) x <- as.matrix(x)
  if (is.matrix(x)) {
    x <- array(x, c(dim(x), k), c(dimnames_of(x, 2L), list(NULL)))
  }
  if (!identical(dim(x), c(d, d, k))) {
    abort_slot(arg, sprintf("`%s$%s` must be one %d x %d matrix, or a %d x %d x %d array, not %s.", arg, name,
                          d, d, d, d, k, shape_of(x, 3L)))
  }
  labels <- dimnames_of(x, 3L)
  if (identical(labels[[1L]], labels[[2L]])) {
    at <- match_variables(labels[[1L]], variables, d, arg, name, "rows and columns")
    x <- x[at, at, , drop = FALSE]
  }
  x <- array(as.double(x), c(d, d, k))
  if (!all(is.finite(x))) check_numbers(x, name, arg, k, each = d * d)
  x
}

dimnames_of <- function(x, size) if (is.null(dimnames(x))) vector("list", size) else dimnames(x)

# Its extents, with what it is where it has not as many as were wanted.
shape_of <- function(x, wanted) {
  if (length(dim(x)) == wanted) paste(dim(x), collapse = " x ") else describe_shape(x)
}

# Where the variables of the data are among the names that a user gave; by position where either has none.
match_variables <- function(has, names, d, arg, slot, what) {
  has <- clean_names(has)
  if (is.null(has) || is.null(names) || identical(has, names)) return(seq_len(d))
  if (!setequal(has, names)) {
    abort_slot(arg, sprintf("`%s$%s` must have the %s of `x` (%s), not %s.", arg, slot, what, quoted(names), quoted(has)))
  }
  match(names, has)
}

# Not all are finite. Of k components; each: so many numbers of one stand together.
check_numbers <- function(x, name, arg, k, each = 1L) {
  fixed <- arg == "fixed"
  refuse_numbers(x, if (fixed) is.infinite(x) | is.nan(x) else !is.finite(x), name, arg,
                 if (fixed) "finite, or NA where it is free" else "finite", k, each)
}

refuse_numbers <- function(x, bad, name, arg, must, k = length(x), each = 1L) {
  if (!any(bad, na.rm = TRUE)) return(invisible())
  at <- which(bad)[1L]
  component <- as.integer((at - 1L) %/% each %% k + 1L)
  abort_slot(arg, sprintf("`%s$%s` must be %s: component %d has %s.", arg, name, must, component, number(x[at])))
}
