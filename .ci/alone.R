# Rscript .ci/alone.R: the tests with no suggested package at hand but testthat.
#
# A library of links is made: what R itself brings, what emfit imports, testthat, and what these need. R looks there and
# nowhere else, so a test that forgets to ask whether a package is there fails. Needs emfit installed. Prints "alone: ..."
# with the counts, and ends with status 1 where a test failed or where a suggested package can be seen all the same.

needed_by <- function(packages) {
  installed <- utils::installed.packages()
  found <- tools::package_dependencies(packages, installed, which = c("Depends", "Imports"), recursive = TRUE)
  base <- rownames(utils::installed.packages(priority = "base"))
  unique(c(packages, unlist(found), base))
}

link_library <- function(packages) {
  library <- tempfile("library")
  dir.create(library)
  for (package in packages) {
    from <- system.file(package = package)
    if (nzchar(from)) file.symlink(normalizePath(from), file.path(library, package))
  }
  library
}

# .Library is R's own, which may hold recommended packages; .libPaths() always adds it.
see_only <- function(library) {
  base <- baseenv()
  for (name in c(".Library", ".Library.site")) {
    unlockBinding(name, base)
    assign(name, if (name == ".Library") library else character(), envir = base)
  }
  Sys.setenv(R_LIBS = library, R_LIBS_SITE = library, R_LIBS_USER = library)
  Sys.setenv(TESTTHAT_PARALLEL = "false") # another process would see R's own library again
  .libPaths(library)
}

suggested <- function() {
  field <- read.dcf("DESCRIPTION", "Suggests")
  setdiff(gsub("[ (].*", "", trimws(strsplit(field, ",")[[1]])), "testthat")
}

# Two processes, each with every other file. This one is the second where it is told where to leave its results.
other <- commandArgs(TRUE)
if (!length(other)) {
  left <- tempfile(fileext = ".rds")
  system2(file.path(R.home("bin"), "Rscript"), c("--vanilla", file.path(".ci", "alone.R"), left), wait = FALSE)
}

wanted <- needed_by(c("emfit", "testthat"))
hidden <- setdiff(suggested(), wanted)
see_only(link_library(wanted))
seen <- hidden[vapply(hidden, requireNamespace, NA, quietly = TRUE)]
if (length(seen)) cat("These can still be seen:", toString(seen), "\n")
suppressMessages(library(testthat))

files <- sub("^test-(.*)[.]R$", "\\1", list.files(file.path("tests", "testthat"), "^test-.*[.]R$"))
mine <- files[seq_along(files) %% 2L == length(other)]
results <- as.data.frame(test_dir(file.path("tests", "testthat"), filter = sprintf("^(%s)$", paste(mine, collapse = "|")),
                                  package = "emfit", load_package = "installed", reporter = "check", stop_on_failure = FALSE))
results$result <- NULL
if (length(other)) {
  saveRDS(results, paste0(other, ".new"))
  quit(status = as.integer(!file.rename(paste0(other, ".new"), other)))
}
begun <- Sys.time()
while (!file.exists(left) && difftime(Sys.time(), begun, units = "mins") < 15) Sys.sleep(1)
results <- rbind(results, readRDS(left))
failed <- results$failed > 0 | results$error
if (any(failed)) cat("\nFailed:\n", sprintf("  %s: %s\n", results$file[failed], results$test[failed]), sep = "")
cat(sprintf("alone: %d passed, %d failed, %d skipped, without %s\n", sum(!failed & !results$skipped), sum(failed),
            sum(results$skipped & !failed), toString(hidden)))
quit(status = as.integer(any(failed) || nrow(results) == 0 || length(seen) > 0))
