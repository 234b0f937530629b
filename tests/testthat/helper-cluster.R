# Workers for a test file, stopped with it; the test is skipped where none can be started.
start_workers <- function(n = 2L, ..., env = parent.frame()) {
  skip_on_cran()
  cl <- tryCatch(parallel::makeCluster(n, ..., setup_timeout = 60), error = function(e) NULL)
  if (is.null(cl)) skip("no cluster can be started here")
  do.call(on.exit, list(substitute(stop_workers(cl), list(cl = cl)), add = TRUE), envir = env)
  cl
}

# Also those of which some are gone or asleep.
stop_workers <- function(cl) {
  for (i in seq_along(cl)) try(suppressWarnings(parallel::stopCluster(cl[i])), silent = TRUE)
}

write_csv_exactly <- function(frame, path) {
  utils::write.csv(format_exactly(frame), path, row.names = FALSE, quote = FALSE)
}
