# Classes of rows in chunks on a cluster: each worker predicts the rows of its shares and writes them itself. Files are numbered
# over all shares, which is known when all have been read: they are written aside, and then renamed.

predict_on_crew <- function(fit, spec, type, into, keep) {
  check_writer_on_crew(into)
  crew <- open_crew(spec, fit$family)
  fit$data$whole <- NULL
  crews$made <- crews$made + 1
  known <- list(id = paste0("model ", crews$made), fit = fit, type = type, into = into, keep = keep)
  found <- ask_shares(crew, "share_predict", function(i) list(part = i), model = known)
  if (is.character(into)) {
    before <- cumsum(c(0, vapply(found, `[[`, 0, "chunks")))
    ask_shares(crew, "share_name_files", function(i) list(part = i, before = before[i], chunks = found[[i]]$chunks), model = known)
  }
  Reduce(`+`, lapply(found, `[[`, "counts"))
}

check_writer_on_crew <- function(into) {
  if (is.function(into) && length(formals(into)) >= 3L) return(invisible())
  if (is.character(into)) return(invisible(chunk_writer(into)))
  abort_em("argument", c(
    sprintf("On a cluster `into` must be something that each worker can write to, not %s.",
            if (is.function(into)) "a function without `part`" else describe_value(into)),
    i = "predict(fit, chunks, into = \"class-%03d.csv\"), or function(rows, i, part): the chunk i of a part."
  ))
}

share_predict <- function(share, args, model) {
  write <- if (is.function(model$into)) function(rows, i) model$into(rows, i, args$part)
           else chunk_writer(aside_of(model$into, args$part))
  reading <- share_reading(share)
  counts <- predict_source(model$fit, share$open(), reading, model$type, write, model$keep)
  list(counts = counts, chunks = reading$chunk)
}

# "class-%03d.csv" -> "class-%03d.part2.csv"
aside_of <- function(pattern, part) sub("[.](csv|rds)$", sprintf(".part%d.\\1", part), pattern)

share_name_files <- function(share, args, model) {
  aside <- sprintf(aside_of(model$into, args$part), seq_len(args$chunks))
  if (!all(file.exists(aside))) share_predict(share, args, model) # another worker wrote them elsewhere, and is lost
  all(file.rename(aside, sprintf(model$into, as.integer(args$before + seq_len(args$chunks)))))
}
