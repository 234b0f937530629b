# Checkpoints. The loop is the same each time, given what its passes added up: so the sums of every pass are written
# down, and a run that was broken off is made again up to where it was, from these instead of from the rows. The file is
# a row of serialized objects: first the head, with where the run begins and what it is a run of, then a record for each
# pass. A record that was cut short is the last, and is dropped.
checkpoint_version <- 1L

# A book says what is known: recall(parameters), keep(parameters, sums) for the core; items: where the run began.
open_checkpoint <- function(path, look, start, specified, control) {
  if (is.null(path)) return(NULL)
  settings <- unclass(control)
  settings[c("checkpoint", "threads", "verbose")] <- NULL
  supplied <- if (start$supplied) start$items
  identity <- list(
    model = rlang::hash(list(plain_model(start$model), supplied, settings, is.null(specified))),
    rows = rlang::hash(list(look$n, look$weight, look$columns, look$chunks > 0L, look$width))
  )
  book <- list(path = path, identity = identity)
  if (!file.exists(path)) return(book)
  read_checkpoint(book)
}

# Functions of a family do not hash alike in two sessions.
plain_model <- function(model) {
  list(class(model$family), unclass(model$family)[!vapply(unclass(model$family), is.function, NA)], unclass(model$latent), model$k)
}

read_checkpoint <- function(book) {
  con <- gzfile_plain(book$path)
  on.exit(close(con))
  head <- tryCatch(unserialize(con), error = function(e) NULL)
  if (!is.list(head) || !identical(head$what, "emfit checkpoint")) {
    abort_checkpoint(book$path, "it is no checkpoint, or was cut short at its beginning")
  }
  if (head$version > checkpoint_version) abort_checkpoint(book$path, "it comes from a newer version of the package")
  if (!identical(head$identity$model, book$identity$model)) {
    abort_checkpoint(book$path, "it is of another model, start or setting")
  }
  if (!identical(head$identity$rows, book$identity$rows)) abort_checkpoint(book$path, "it is of other rows")
  passes <- list()
  repeat {
    record <- tryCatch(unserialize(con), error = function(e) NULL, warning = function(w) NULL)
    if (is.null(record)) break
    passes[[length(passes) + 1L]] <- record
  }
  book$head <- head
  book$found <- head$found
  book$items <- head$found$items
  book$passes <- passes
  inform_em("checkpoint", sprintf("Going on from the checkpoint %s, after %s.", book$path, plural(length(passes), "pass", "passes")))
  book
}

gzfile_plain <- function(path) file(path, "rb")

abort_checkpoint <- function(path, why) {
  abort_em("checkpoint", c(sprintf("The checkpoint %s can't be used: %s.", path, why),
                           i = "Remove the file to begin anew, or name another: em_control(checkpoint = )."))
}

# Written aside and renamed, so that there is never half a head; then passes are added behind it.
begin_checkpoint <- function(book, found) {
  if (is.null(book)) return(NULL)
  head <- list(what = "emfit checkpoint", version = checkpoint_version, identity = book$identity, found = found)
  aside <- paste0(book$path, ".new")
  write <- function() {
    con <- file(aside, "wb")
    on.exit(close(con))
    for (object in c(list(head), book$passes)) serialize(object, con)
  }
  failed <- function(e) {
    abort_em("checkpoint", c(sprintf("The checkpoint %s can't be written.", book$path), x = conditionMessage(e)))
  }
  tryCatch(write(), error = failed, warning = failed)
  if (!file.rename(aside, book$path)) failed(simpleError("the file could not be renamed"))
  book$at <- 0L
  c(book, reader_and_writer(book))
}

reader_and_writer <- function(book) {
  at <- 0L
  recall <- function(parameters, ...) {
    at <<- at + 1L
    if (at > length(book$passes)) return(NULL)
    record <- book$passes[[at]]
    if (!identical(record$parameters, parameters)) abort_checkpoint(book$path, "its passes are not those of this fit")
    record$sums
  }
  full <- FALSE
  keep <- function(parameters, sums) {
    if (full) return(invisible())
    full <<- !add_record(book$path, serialize(list(parameters = parameters, sums = sums), NULL))
    if (full) {
      warn_em("checkpoint", c(sprintf("The checkpoint %s can't be written any more; the fit goes on without it.", book$path),
                              i = "Broken off it would be made again from the pass that was written last."))
    }
  }
  list(recall = recall, keep = keep)
}

# FALSE where it did not get there as a whole: a full disk need not say so.
add_record <- function(path, record) {
  before <- file.size(path)
  write <- function() {
    con <- file(path, "ab")
    on.exit(close(con))
    writeBin(record, con)
    TRUE
  }
  done <- tryCatch(write(), error = function(e) FALSE, warning = function(w) FALSE)
  done && identical(file.size(path) - before, as.double(length(record)))
}

# What is finished needs none.
end_checkpoint <- function(book) if (!is.null(book)) unlink(book$path)
