# A folder that goes with the test.
withr_tempdir <- function(env = parent.frame()) {
  folder <- tempfile("chunks-")
  dir.create(folder)
  do.call(on.exit, list(substitute(unlink(folder, recursive = TRUE), list(folder = folder)), add = TRUE), envir = env)
  folder
}

# Numbers that are read back to the last bit.
format_exactly <- function(frame) {
  frame[] <- lapply(frame, function(x) if (is.double(x)) sprintf("%.17g", x) else x)
  frame
}
