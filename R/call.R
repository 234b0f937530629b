# The calls that fits keep and that conditions show. Where do.call() or a pipe of values wrote the arguments
# themselves into the call, large ones give way to a word that says what they were: a fit holds its data once.

# The same call without data. No variable has a name such as `<data.frame: 272 x 2>`, so nothing else can be found
# in its place.
plain_call <- function(call) {
  plain <- without_data(call)
  if (is.null(plain)) call else plain
}

# NULL where it has none.
without_data <- function(call) {
  found <- FALSE
  for (i in seq_along(call)[-1L]) {
    if (is.symbol(call[[i]])) next # an empty argument is a symbol too
    part <- call[[i]]
    if (is.atomic(part) && length(part) == 1L && is.null(attributes(part))) next
    plain <- if (is.call(part)) {
      if (!inherits(part, "formula")) without_data(part)
    } else if (holds_data(part, names(call)[i])) as.name(sprintf("<%s>", what_stood_there(part)))
    if (is.null(plain)) next
    call[[i]] <- plain
    found <- TRUE
  }
  if (found) call
}

# Data are what is long where data belong, or large, or a table.
data_arguments <- c("x", "data", "newdata", "weights", "labels", "subset")

holds_data <- function(part, name) {
  if (is.function(part) || is.language(part) || is.pairlist(part)) return(FALSE)
  if (is.null(name) || is.na(name) || !nzchar(name)) return(length(part) > 10L || length(dim(part)) > 0L || isS4(part))
  if (name %in% data_arguments) return(length(part) > 1L || isS4(part))
  if (is.list(part) && !inherits(part, c("data.frame", "em_fit"))) return(utils::object.size(part) > 1e4)
  !is.null(dim(part)) || is.list(part) || length(part) > 100L || isS4(part)
}

what_stood_there <- function(part) {
  size <- if (length(dim(part)) == 2L) paste(dim(part), collapse = " x ") else number(length(part), 15L)
  sprintf("%s: %s", class(part)[1L], size)
}

# A function that do.call() wrote into a call, under its name.
name_function <- function(call, f) {
  if (!is.function(call[[1L]])) return(call)
  home <- topenv()
  for (name in getNamespaceExports(home)) {
    if (identical(get0(name, home, inherits = FALSE), f)) call[[1L]] <- as.name(name)
  }
  call
}
