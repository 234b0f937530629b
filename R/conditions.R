# Every error, warning and message of the package is raised here, so that all are classed alike and show the
# call that the user typed. `bullets` is a character vector: what is wrong; then, named "x", where; named "i",
# how to mend it.

abort_em <- function(what, bullets, call = user_call(), parent = NULL) {
  rlang::abort(bullets, class = c(paste0("emfit_error_", what), "emfit_error"), call = call, parent = parent)
}

# An error that abort_em() raised elsewhere, on a worker, is raised here with the same class.
abort_again <- function(classes, bullets, parent = NULL) {
  rlang::abort(bullets, class = classes, call = user_call(), parent = parent)
}

# Many small fits warn, so this is rlang::warn() without what takes it a millisecond: looking up the version of cli.
warn_em <- function(what, bullets, call = user_call()) {
  old <- options(warning.length = 8170L)
  on.exit(options(old))
  classes <- c(paste0("emfit_warning_", what), "emfit_warning")
  warning(rlang::warning_cnd(classes, message = format_bullets(bullets), call = call))
}

# As rlang writes them: an unnamed line behind the first is one of several.
format_bullets <- function(bullets) {
  marks <- if (is.null(names(bullets))) c("", rep("*", length(bullets) - 1L)) else names(bullets)
  plain <- isFALSE(getOption("cli.condition_unicode_bullets"))
  for (mark in unique(marks[nzchar(marks)])) {
    sign <- if (plain) mark else cli::symbol[[switch(mark, i = "info", x = "cross", "bullet")]]
    sign <- switch(mark, i = cli::col_blue(sign), x = cli::col_red(sign), cli::col_cyan(sign))
    marks[marks == mark] <- paste0(sign, " ")
  }
  paste0(marks, bullets, collapse = "\n")
}

inform_em <- function(what, bullets) {
  rlang::inform(bullets, class = c(paste0("emfit_message_", what), "emfit_message"))
}

# The outermost call on the stack that entered this package: what the user typed, not what it led to.
user_call <- function() {
  home <- topenv()
  for (i in seq_len(sys.nframe())) {
    f <- sys.function(i)
    if (!is.primitive(f) && identical(topenv(environment(f)), home)) {
      return(plain_call(name_function(sys.call(i), f)))
    }
  }
  NULL
}

# "a, b, c" with at most `most` items, the rest counted.
enumerate <- function(x, most = 5L) {
  if (length(x) <= most) return(paste(x, collapse = ", "))
  paste0(paste(x[seq_len(most)], collapse = ", "), ", ... (", length(x) - most, " more)")
}

quoted <- function(x) enumerate(dQuote(x, FALSE))

plural <- function(n, one, many = paste0(one, "s")) {
  paste(if (n == round(n)) fixed(n, 0L) else number(n, 15L), if (n == 1) one else many)
}

# A number for a message: enough digits to recognise it, none of the user's options().
number <- function(x, digits = 4L, mark = ".") {
  trimws(formatC(x, digits = digits, format = "g", decimal.mark = mark))
}

# How many there are, for a message: beyond 2^31 that is no integer.
count <- function(x) number(length(x), 15L)
