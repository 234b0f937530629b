# What to do about data that can't be read as numbers, and about a covariance that asks too much. A remedy is true
# where it is shown: it names what the user called the data, keeps the information where there is some, and never
# tells someone to use what they use already.

# Columns of a data frame that are no numbers. `by` is how the data came: "columns", "formula" or "newdata".
column_remedy <- function(bad, at, x, arg, by) {
  name <- user_name(if (by == "formula") "data" else arg)
  numbers <- vapply(bad, holds_numbers, NA)
  family <- if (!all(numbers) && by != "newdata" && length(bad) < length(x)) family_for(as.list(x))
  if (any(numbers) && is.null(family)) return(conversion(column_code(name, names(x), at[numbers][1L]), bad[numbers][[1L]]))
  if (by == "newdata") return("The fit has numbers there.")
  if (length(bad) == length(x)) {
    family <- if (length(bad) > 1L) family_for(bad)
    if (!is.null(family)) return(sprintf("Columns of categories are for latent classes: family = \"%s\".", family))
    return(if (by == "columns") "Groups are what EM finds; give it the measurements.")
  }
  them <- if (length(bad) > 1L) "them" else "it"
  if (by == "formula") {
    columns <- vapply(names(bad), code_name, "")
    out <- sprintf("Take %s out of the formula: ~ . - %s", them, paste(columns, collapse = " - "))
  } else {
    which_ones <- if (length(at) > 1L) sprintf("c(%s)", paste(at, collapse = ", ")) else at
    out <- sprintf("Drop %s: %s[-%s].", them, name, which_ones)
  }
  if (is.null(family)) return(out)
  sprintf("Numbers beside categories are for family = \"%s\". Or %s%s", family, tolower(substr(out, 1L, 1L)), substring(out, 2L))
}

# x$a <- as.numeric(x$a), in words that fit the class.
conversion <- function(target, values) {
  if (is_wide_integer(values)) return("library(bit64) is needed to read integer64.")
  numbers <- if (is.factor(values)) sprintf("as.numeric(as.character(%s))", target)
             # as.numeric() of a labelled column asks for the package that made it
             else sprintf(if (inherits(values, "vctrs_vctr")) "as.numeric(unclass(%s))" else "as.numeric(%s)", target)
  sprintf("Its values are numbers: %s <- %s", target, numbers)
}

# Without the methods of bit64 the bits of integer64 are read as doubles, which they are not.
is_wide_integer <- function(x) inherits(x, "integer64") && !isNamespaceLoaded("bit64")

# A column as it is written in code: by name where the name tells, else by number.
column_code <- function(name, names, at) {
  one <- names[at]
  if (is.na(one) || !nzchar(one) || one %in% names[-at]) return(sprintf("%s[[%d]]", name, at))
  paste0(name, "$", code_name(one))
}

code_name <- function(name) deparse(as.name(name), backtick = TRUE)

# Numbers in disguise: dates, durations, labelled columns, integer64, units; text and levels that all read as numbers.
# A few levels such as 1, 2, 3 are groups.
holds_numbers <- function(x) {
  if (length(dim(x)) > 1L || is.list(x)) return(FALSE)
  if (is.factor(x)) x <- if (nlevels(x) > 10L) levels(x) else "a group"
  if (!is.character(x)) return(typeof(x) %in% c("integer", "double", "logical"))
  x <- x[!is.na(x) & nzchar(x)]
  length(x) > 0L && !anyNA(suppressWarnings(as.numeric(x)))
}

# Of anything else that is no vector, matrix or data frame of numbers.
input_remedy <- function(x, arg) {
  name <- user_name(arg)
  if (inherits(x, "dist")) return(sprintf("Distances have no coordinates; cmdscale(%s) finds some.", name))
  if (inherits(x, c("Matrix", "simple_triplet_matrix", "dfm", "big.matrix"))) {
    return(sprintf("It becomes one by as.matrix(%s).", name))
  }
  if (length(dim(x)) > 2L && inherits(x, "table")) {
    return(sprintf("Its cells are rows that count so often: d <- as.data.frame(%s); em_fit(d[-%d], k, \"categorical\", weights = d$Freq).",
                   name, length(dim(x)) + 1L))
  }
  if (length(dim(x)) > 2L) {
    return(sprintf("A matrix has a row for each observation: matrix(%s, nrow = dim(%s)[1]).", name, name))
  }
  if (is.atomic(x) && length(dim(x)) < 2L && holds_numbers(x)) {
    return(conversion(name, x))
  }
  if (is.logical(x)) return(sprintf("TRUE and FALSE are 1 and 0 in %s + 0.", name))
  if (is.factor(x) || is.character(x)) return("Groups are what EM finds; give it the measurements.")
  if (is.list(x) && !is.object(x) && length(x) && all(vapply(x, is.numeric, NA)) && length(unique(lengths(x))) == 1L) {
    return(sprintf("Columns of the same length make a data frame: as.data.frame(%s).", name))
  }
}

# R's NaN and Inf are not NA.
finite_remedy <- function(value, frame, arg) {
  name <- user_name(arg)
  test <- if (is.nan(value)) "is.nan" else "is.infinite"
  why <- if (is.nan(value)) "NaN is what 0/0 gives, and not NA."
         else "Missing values are welcome as NA; infinite ones are not."
  if (!is.null(frame$terms)) return(paste(why, "Where it stands for a missing value, make it NA."))
  sprintf("%s Where it stands for a missing value: %s%s[%s(%s)] <- NA", why,
          if (frame$vector) "" else sprintf("%s <- as.matrix(%s); ", name, name), name, test, name)
}

# What the user calls the data, where that is a plain name: the argument of this name, else the first without one, or
# the second for new rows.
user_name <- function(arg) {
  call <- user_call()
  names <- names(call)[-1L]
  given <- as.list(call)[-1L]
  bare <- if (is.null(names)) seq_along(given) else which(names == "")
  here <- if (arg %in% names) match(arg, names) else bare[if (arg %in% c("newdata", "data")) 2L else 1L]
  if (is.na(here) || !is.symbol(given[[here]])) return(arg)
  found <- as.character(given[[here]])
  if (nzchar(found)) found else arg
}

# Fewer components, or the next simpler covariance where there is one.
simpler_hint <- function(family, begin = "Use fewer components") {
  simpler <- family_simpler(family)
  if (is.null(simpler)) paste0(begin, ".")
  else sprintf("%s or a simpler covariance: em_gaussian(\"%s\").", begin, simpler)
}

# Calls of update() to paste -------------------------------------------------------------------------------------------

# What the user has to write for the fit; lapply() and the like have names of their own for it.
name_for_remedies <- function(expression) {
  text <- paste(deparse(expression, width.cutoff = 200L, backtick = TRUE), collapse = " ")
  if (is.language(expression) && nchar(text) <= 60L && !text %in% c("X[[i]]", ".", ".x", "..1")) text else "fit"
}

# The same fit of scaled columns: by their names, so that new rows are scaled alike, where a formula can have them.
rescaled <- function(fit, how = "") {
  names <- fit$data$names
  known <- if (is.null(fit$data$terms)) names else attr(fit$data$terms, "rows")
  usable <- names %in% known & make.names(names) == names & !grepl("FIT", names)
  if (length(names) %in% 1:4 && all(usable) && !anyDuplicated(names)) {
    return(sprintf("update(FIT, ~ %s)", paste0("scale(", names, how, ")", collapse = " + ")))
  }
  sprintf("update(FIT, x = scale(FIT$data$x%s))", how)
}
