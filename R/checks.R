# One wording for every argument check. Each returns its value in the type the package works with.

describe_value <- function(x) {
  if (is.null(x)) return("NULL")
  if (is.object(x) && length(x) == 1L && !inherits(x, "data.frame")) return(article(class(x)[1L]))
  if (length(x) != 1L || is.list(x)) {
    return(paste0(if (inherits(x, "data.frame")) "a data frame" else article(class(x)[1L]),
                  " of length ", length(x)))
  }
  if (is.character(x)) return(dQuote(x, FALSE))
  if (is.numeric(x)) return(number(x, 15L))
  if (is.atomic(x)) return(paste(x))
  article(class(x)[1L])
}

article <- function(noun) paste(if (grepl("^[aeiouA]", noun)) "an" else "a", noun)

is_number <- function(x) is.numeric(x) && !is.object(x) && length(x) == 1L && !is.na(x)

check_count <- function(x, arg, least = 1L) {
  if (is.integer(x) && length(x) == 1L && !is.na(x) && x >= least) return(as.integer(x))
  if (!is_number(x) || x < least || x != floor(x) || x > .Machine$integer.max) {
    abort_em("argument", c(
      sprintf("`%s` must be a whole number of %d or more, not %s.", arg, least, describe_value(x)),
      i = if (identical(arg, "k") && is.numeric(x) && length(x) > 1L) "em_select(x, k = 1:5) compares several k."
    ))
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

# reader: the function that asks, where not every kind of fit serves it.
check_fit <- function(fit, reader = NULL) {
  if (inherits(fit, "em_fit")) {
    if (!is.null(reader)) latent_serves(fit$latent, reader)
    return(invisible(fit))
  }
  abort_em("argument", sprintf("`fit` must come from em_fit(), not %s.", describe_value(fit)))
}

# One of a few words; the default is the first where the caller left the whole vector in place.
check_choice <- function(x, arg, choices) {
  if (is.character(x)) {
    if (length(x) == 1L && match(x, choices, 0L) > 0L) return(x)
    if (identical(x, choices)) return(choices[1L])
  }
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
  near <- nearest(x, choices)
  if (!is.null(near)) sprintf("Did you mean %s?", dQuote(near, FALSE))
}

# Case and punctuation don't count, nor does an ending that one of the two lacks: maxit is nearly max_iter.
nearest <- function(x, choices) {
  if (!is.character(x) || length(x) != 1L || is.na(x) || !nzchar(x) || !length(choices)) return(NULL)
  plain <- function(name) tolower(gsub("[^[:alnum:]]", "", name))
  x <- plain(x)
  if (!nzchar(x)) return(NULL)
  distance <- utils::adist(x, plain(choices))[1L, ]
  begins <- nchar(x) >= 3L & (startsWith(plain(choices), x) | startsWith(x, plain(choices)))
  distance[begins & nchar(choices) >= 3L] <- pmin(distance[begins & nchar(choices) >= 3L], 1)
  # A name as short as `data` is no misspelt `path`; two letters that changed places are one slip.
  letters_of <- function(name) vapply(strsplit(name, ""), function(parts) paste(sort(parts), collapse = ""), "")
  swapped <- distance == 2L & letters_of(plain(choices)) == letters_of(x)
  distance[swapped] <- 1
  best <- which.min(distance)
  # Something of the name must be left, so that one letter is near to itself only.
  if (distance[best] <= min((nchar(x) + 1L) %/% 3L, nchar(x) - 1L)) choices[best]
}

# Nothing may disappear into `...`: whatever is left over there is a misspelt or misplaced argument.
# `check_dots(...)` in a method: its own arguments are known, and `let_pass` are what R's own callers add to a call.
check_dots <- function(..., let_pass = NULL) {
  if (!...length()) return(invisible())
  dots <- list(...)
  if (!is.null(names(dots))) dots <- dots[!names(dots) %in% let_pass]
  check_no_dots(dots, setdiff(names(formals(sys.function(sys.parent()))), "..."))
}

# print() of a list hands these to the print() of its elements; format() has the next; data.frame() the last.
print_arguments <- c("digits", "quote", "na.print", "print.gap", "right", "max", "width", "useSource", "row.names")
format_arguments <- c("trim", "digits", "nsmall", "justify", "width", "na.encode", "scientific", "big.mark")
frame_arguments <- c("stringsAsFactors", "check.names", "make.names", "nm")

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
  hint <- habit_hint(name, dots[[1L]], known)
  if (is.null(hint)) hint <- plot_habit(name, dots[[1L]], known)
  if (is.null(hint)) hint <- belongs_elsewhere(name, known)
  if (is.null(hint)) hint <- did_you_mean(name, setdiff(known, "..."))
  if (is.null(hint)) hint <- belongs_elsewhere(name, known, nearest)
  known <- setdiff(known, c("x", "object", "fit", "model", "..."))
  if (is.null(hint)) {
    hint <- if (length(known)) sprintf("There %s %s.", if (length(known) == 1L) "is" else "are",
                                       enumerate(sprintf("`%s`", known), 20L))
            else "There are no further arguments."
  }
  abort_em("argument", c(sprintf("Unknown argument `%s`.", name), i = hint))
}

# An argument of what another argument is made by: the settings, the family, the latent structure.
belongs_elsewhere <- function(name, known, find = intersect) {
  makers <- c(control = "em_control", family = "em_gaussian", latent = "em_mixture")
  roles <- c(control = "a setting", family = "part of the family", latent = "part of the latent structure")
  for (place in intersect(names(makers), known)) {
    near <- find(name, setdiff(names(formals(makers[[place]])), "..."))
    if (length(near)) return(sprintf("`%s` is %s: %s = %s(%s = ).", near, roles[[place]], place, makers[[place]], near))
  }
}
