# One wording for every argument check. Each returns its value in the type the package works with.

describe_value <- function(x) {
  if (is.null(x)) return("NULL")
  if (length(x) != 1L || is.list(x)) {
    return(paste0(if (inherits(x, "data.frame")) "a data frame" else paste("a", class(x)[1L]),
                  " of length ", length(x)))
  }
  if (is.character(x)) return(dQuote(x, FALSE))
  if (is.atomic(x)) return(paste(as.character(x)))
  paste("a", class(x)[1L])
}

is_number <- function(x) is.numeric(x) && !is.object(x) && length(x) == 1L && !is.na(x)

check_count <- function(x, arg, least = 1L) {
  if (!is_number(x) || x < least || x != floor(x) || x > .Machine$integer.max) {
    abort_em("argument", sprintf("`%s` must be a whole number of %d or more, not %s.",
                                 arg, least, describe_value(x)))
  }
  as.integer(x)
}

check_nonnegative <- function(x, arg) {
  if (!is_number(x) || x < 0 || is.infinite(x)) {
    abort_em("argument", sprintf("`%s` must be a number of 0 or more, not %s.", arg, describe_value(x)))
  }
  as.double(x)
}

check_flag <- function(x, arg) {
  if (!is.logical(x) || length(x) != 1L || is.na(x)) {
    abort_em("argument", sprintf("`%s` must be TRUE or FALSE, not %s.", arg, describe_value(x)))
  }
  x
}

# One of a few words; the default is the first where the caller left the whole vector in place.
check_choice <- function(x, arg, choices) {
  if (identical(x, choices)) return(choices[1L])
  if (is.character(x) && length(x) == 1L && x %in% choices) return(x)
  abort_em("argument", c(
    sprintf("`%s` must be %s, not %s.", arg, one_of(choices), describe_value(x)),
    i = did_you_mean(x, choices)
  ))
}

one_of <- function(choices) {
  choices <- dQuote(choices, FALSE)
  if (length(choices) == 1L) return(choices)
  paste(paste(choices[-length(choices)], collapse = ", "), "or", choices[length(choices)])
}

# "Did you mean ...?" for a name that is nearly one of `choices`; NULL otherwise.
did_you_mean <- function(x, choices) {
  if (!is.character(x) || length(x) != 1L || is.na(x) || !nzchar(x) || !length(choices)) return(NULL)
  distance <- utils::adist(x, choices, ignore.case = TRUE)[1L, ]
  close <- which.min(distance)
  if (distance[close] > max(2, nchar(x) / 3)) return(NULL)
  sprintf("Did you mean %s?", dQuote(choices[close], FALSE))
}

# Nothing may disappear into `...`: whatever is left over there is a misspelt or misplaced argument.
check_no_dots <- function(dots, known) {
  if (!length(dots)) return(invisible())
  name <- names(dots)[1L]
  if (is.null(name) || !nzchar(name)) {
    abort_em("argument", c(
      sprintf("Too many arguments: %s without a name %s not expected.", plural(length(dots), "argument"),
              if (length(dots) == 1L) "was" else "were"),
      i = "Name the arguments after the first."
    ))
  }
  inside_control <- names(formals(em_control))
  hint <- did_you_mean(name, known)
  if (is.null(hint)) {
    near <- did_you_mean(name, inside_control)
    if (!is.null(near)) hint <- paste0(near, " That belongs in `control = em_control()`.")
  }
  abort_em("argument", c(sprintf("Unknown argument `%s`.", name), i = hint))
}
