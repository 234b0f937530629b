# Where chunks come from. A source is list(open, label, ordered): open() returns a function(reset = FALSE) that returns
# the next rows as the user's reader gave them, and NULL at the end; its attribute `shut`, where there is one, is called
# when it will not be asked to the end. `ordered`: are they the same rows in the same order
# each time, as far as can be told?

chunk_source <- function(x, query, rows, reader) {
  if (inherits(x, "DBIConnection")) return(source_of_query(x, query, rows))
  if (!is.null(query)) abort_em("argument", "`query` is for a database: `x` must then be a connection of package DBI.")
  if (is.function(x)) return(source_of_function(x))
  if (is.character(x)) return(source_of_files(x, rows, reader))
  if (inherits(x, "data.frame") || is.matrix(x)) x <- list(x)
  if (is.list(x) && !is.object(x)) return(source_of_list(x))
  abort_em("argument", c(
    sprintf("`x` must be files, a connection, a list of data frames or a function, not %s.", describe_value(x)),
    i = "em_chunks(function(reset = FALSE) ...) reads anything."
  ))
}

source_of_function <- function(f) {
  if (!"reset" %in% names(formals(args(f)))) {
    abort_em("argument", c("`x` must be a function of `reset`.",
                           i = "function(reset = FALSE) returns the next rows, NULL at the end, and begins anew with reset = TRUE."))
  }
  list(open = function() f, label = "a function", ordered = TRUE)
}

source_of_list <- function(x) {
  if (!length(x)) abort_em("input", "`x` has no observations: it is an empty list.")
  open <- function() {
    at <- 0L
    function(reset = FALSE) {
      at <<- if (reset) 1L else at + 1L
      if (at <= length(x)) x[[at]]
    }
  }
  list(open = open, label = paste("a list of", plural(length(x), "chunk")), ordered = TRUE)
}

# ---- files ----

source_of_files <- function(files, rows, reader) {
  if (!length(files) || anyNA(files)) abort_em("input", "`x` must name files: there are none.")
  lacking <- files[!file.exists(files)]
  if (length(lacking)) abort_em("input", sprintf("There is no file %s.", quoted(lacking)))
  openers <- lapply(files, file_opener, rows = rows, reader = reader)
  open <- function() {
    at <- 0L
    current <- NULL
    shut <- function() {
      if (!is.null(current)) current(close = TRUE)
      at <<- 0L
      current <<- NULL
    }
    read <- function(reset = FALSE) {
      if (reset) shut()
      repeat {
        if (is.null(current)) {
          if (at == length(files)) return(NULL)
          at <<- at + 1L
          current <<- openers[[at]](files[at])
        }
        found <- current()
        if (!is.null(found)) return(found)
        current <<- NULL
      }
    }
    structure(read, shut = shut)
  }
  list(open = open, label = if (length(files) == 1L) sprintf("the file %s", dQuote(basename(files), FALSE))
                            else plural(length(files), "file"), ordered = TRUE)
}

# What opens a file: a function of its name that returns a function(close = FALSE) of the next rows.
file_opener <- function(file, rows, reader) {
  if (!is.null(reader)) return(function(file) read_whole(file, reader))
  kind <- tolower(sub("^.*[.]", "", sub("[.](gz|bz2|xz)$", "", file, ignore.case = TRUE)))
  switch(kind,
    csv = , txt = , tsv = function(file) read_lines_of(file, rows, if (kind == "tsv") "\t" else ","),
    rds = function(file) read_whole(file, readRDS),
    parquet = function(file) read_whole(file, parquet_reader()),
    abort_em("argument", c(sprintf("Files of kind \"%s\" (%s) can't be read without help.", kind, dQuote(basename(file), FALSE)),
                           i = "Say how: em_chunks(files, reader = function(file) <a data frame>)."))
  )
}

parquet_reader <- function() {
  need_package("nanoparquet", "parquet files")
  get("read_parquet", envir = asNamespace("nanoparquet"))
}

need_package <- function(name, what) {
  if (requireNamespace(name, quietly = TRUE)) return(invisible())
  abort_em("argument", c(sprintf("%s are read by package %s, which is not installed.", what, name),
                         i = sprintf("install.packages(\"%s\"), or give a `reader`.", name)))
}

read_whole <- function(file, reader) {
  done <- FALSE
  function(close = FALSE) {
    if (done || close) return(NULL)
    done <<- TRUE
    as_rows_of_file(reader(file), file)
  }
}

as_rows_of_file <- function(found, file) {
  if (inherits(found, "data.frame") || is.matrix(found)) return(found)
  abort_em("input", sprintf("The file %s must hold a data frame or a matrix, not %s.", dQuote(basename(file), FALSE),
                            describe_value(found)))
}

# Text: so many lines at a time, below the line of names.
read_lines_of <- function(file, rows, mark) {
  con <- file(file, "r")
  header <- readLines(con, 1L, warn = FALSE)
  function(close = FALSE) {
    lines <- if (!close && length(header)) readLines(con, rows, warn = FALSE)
    if (!length(lines)) {
      close.connection(con)
      return(NULL)
    }
    parse_lines(c(header, lines), mark, file)
  }
}

# A line that is cut short makes one reader warn and go on with less, and the other stop. A reader that warns is let
# finish, as it cleans up only then.
parse_lines <- function(lines, mark, file) {
  said <- NULL
  note <- function(condition) said <<- conditionMessage(condition)
  found <- tryCatch(
    withCallingHandlers(read_text(lines, mark), warning = function(w) {
      note(w)
      rlang::cnd_muffle(w)
    }),
    error = note
  )
  if (is.null(said)) return(found)
  abort_em("input", c(sprintf("The file %s can't be read as it stands.", dQuote(basename(file), FALSE)), x = said))
}

read_text <- function(lines, mark) {
  if (requireNamespace("data.table", quietly = TRUE)) {
    data.table::fread(text = lines, sep = mark, header = TRUE, data.table = FALSE, showProgress = FALSE)
  } else {
    utils::read.table(text = lines, sep = mark, header = TRUE, quote = "\"", comment.char = "", check.names = FALSE)
  }
}

# ---- databases ----

source_of_query <- function(con, query, rows) {
  need_package("DBI", "databases")
  if (!is.character(query) || length(query) != 1L || is.na(query)) {
    abort_em("argument", c("`query` must be the name of a table, or SQL.", i = "em_chunks(con, \"obs\")"))
  }
  sql <- if (grepl("[[:space:]]", query)) query else paste("SELECT * FROM", DBI::dbQuoteIdentifier(con, query))
  list(open = function() read_query(con, sql, rows), label = sprintf("a database, %s", sql),
       ordered = grepl("order[[:space:]]+by", sql, ignore.case = TRUE))
}

read_query <- function(con, sql, rows) {
  result <- NULL
  finish <- function() {
    if (!is.null(result)) DBI::dbClearResult(result)
    result <<- NULL
  }
  read <- function(reset = FALSE) {
    if (reset) finish()
    if (reset || is.null(result)) result <<- DBI::dbSendQuery(con, sql)
    found <- DBI::dbFetch(result, n = rows)
    if (nrow(found)) return(found)
    finish()
    NULL
  }
  structure(read, shut = finish)
}
