# Classes of rows in chunks, one chunk at a time: they go where `into` says, and what is returned is how many there were.

#' @rdname em_chunks
#' @param con,name Of `em_table()`: a connection of package DBI (not the one that rows are read from where that can do one
#'   thing at a time) and the name of a table for [predict()][predict.em_fit] to write to, one transaction for each chunk.
#'   It is made where there is none; rows are put behind those it has.
#' @export
em_table <- function(con, name) {
  if (!inherits(con, "DBIConnection")) {
    abort_em("argument", sprintf("`con` must be a connection of package DBI, not %s.", describe_value(con)))
  }
  if (!is.character(name) || length(name) != 1L || is.na(name)) {
    abort_em("argument", sprintf("`name` must be the name of a table, not %s.", describe_value(name)))
  }
  structure(list(con = con, name = name), class = "em_table")
}

predict_chunks <- function(fit, spec, type, into, keep) {
  if (type %in% c("path", "filter") && !latent_keeps_order(fit$latent)) {
    abort_em("unsupported", sprintf("Rows in chunks can't be predicted with type = \"%s\": they stand alone.", type))
  }
  check_latent_in_chunks(fit$latent)
  keep <- check_names_of(keep, "keep", many = TRUE)
  if (!is.null(spec$cluster) && !is.null(latent_rows_together(fit$latent))) refuse_together_on_cluster()
  if (!is.null(spec$cluster)) return(invisible(predict_on_crew(fit, spec, type, into, keep)))
  write <- chunk_writer(into)
  invisible(predict_source(fit, spec$source$open(), new_reading(spec, fit$family, fit$latent), type, write, keep))
}

predict_source <- function(fit, opened, reading, type, write, keep) {
  read <- read_whole_units(careful_reader(opened, reading), reading)
  reading$watched <- !is.null(reading$together)
  if (reading$watched) reading$roster <- new_roster()
  on.exit(shut_reader(opened))
  counts <- stats::setNames(numeric(length(fit$counts)), component_names_of(fit))
  go_through(reading, read, function(frame) {
    chunk_units(frame, reading)
    found <- predict_chunk(fit, frame, type, keep)
    counts <<- counts + tabulate(found$class, length(counts))
    write(found$rows, as.integer(reading$chunk))
  })
  counts
}

predict_chunk <- function(fit, frame, type, keep) {
  lacking <- setdiff(keep, colnames(frame))
  if (length(lacking)) abort_em("newdata", sprintf("`newdata` lacks %s, which was to be kept.", quoted(lacking)))
  data <- new_data(frame, fit)
  step <- expect_em(data, fit$parameters, fit_model(fit), c("responsibilities", "log_density", "row_loglik"))
  names <- component_names_of(fit)
  out <- if (type %in% c("path", "filter")) latent_answer(fit$latent, fit, data, type) else of_step(step, type, names)
  out <- if (is.matrix(out)) as.data.frame(unname(out)) else data.frame(out)
  colnames(out) <- if (length(out) == 1L) type else paste(type, names[seq_along(out)], sep = ".")
  rownames(out) <- NULL
  if (length(keep)) out <- cbind(as.data.frame(frame)[keep], out)
  list(rows = out, class = if (type == "path") out$path else of_step(step, "class", names))
}

# A function(rows, number of the chunk).
chunk_writer <- function(into) {
  if (is.function(into)) return(into)
  if (inherits(into, "em_table")) return(table_writer(into))
  if (is.character(into) && length(into) == 1L && grepl("%[0-9]*d", into) && grepl("[.](csv|rds)$", into)) return(file_writer(into))
  abort_em("argument", c(
    sprintf("`into` must say where the predictions go, not %s.", describe_value(into)),
    i = "predict(fit, chunks, into = \"class-%03d.csv\"), em_table(con, \"classes\"), or a function(rows, i)."
  ))
}

file_writer <- function(pattern) {
  function(rows, i) {
    path <- sprintf(pattern, i)
    aside <- paste0(path, ".new")
    if (endsWith(pattern, ".rds")) saveRDS(rows, aside) else utils::write.csv(rows, aside, row.names = FALSE)
    file.rename(aside, path)
  }
}

table_writer <- function(into) {
  function(rows, i) {
    rows[] <- lapply(rows, function(column) if (is.factor(column)) as.character(column) else column)
    DBI::dbWithTransaction(into$con, DBI::dbWriteTable(into$con, into$name, rows, append = TRUE))
  }
}
