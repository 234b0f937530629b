# Installs emfit and testthat where needed, then runs all tests of tests/testthat against the installed
# package:
#
#   Rscript .ci/test.R
#
# Prints each failure and a last line "tests: N passed, N failed, N skipped" (counting test_that() blocks),
# and ends with status 1 where one failed. EMFIT_LONG_TESTS=true runs the long ones too.

rscript <- file.path(R.home("bin"), "Rscript")
if (system2(rscript, c(file.path(".ci", "install.R"), "testthat")) != 0) quit(status = 1)

# The installation may have made the user's library; this session began before it was there.
user <- path.expand(strsplit(Sys.getenv("R_LIBS_USER"), .Platform$path.sep, fixed = TRUE)[[1]])
.libPaths(c(.libPaths(), user[dir.exists(user)]))

results <- as.data.frame(testthat::test_dir(
  file.path("tests", "testthat"),
  package = "emfit", load_package = "installed",
  reporter = if (interactive()) "progress" else "check", stop_on_failure = FALSE
))
failed <- results$failed > 0 | results$error
skipped <- results$skipped & !failed
if (any(failed)) {
  cat("\nFailed:\n", sprintf("  %s: %s\n", results$file[failed], results$test[failed]), sep = "")
}
cat(sprintf(
  "tests: %d passed, %d failed, %d skipped\n",
  sum(!failed & !skipped), sum(failed), sum(skipped)
))
quit(status = as.integer(any(failed) || nrow(results) == 0))
