# The tests of databases on a server, against the installed package; the last line counts them. See .ci/databases.
found <- as.data.frame(testthat::test_dir("tests/testthat", filter = "^chunks-postgres$", package = "emfit",
                                          load_package = "installed", reporter = "check", stop_on_failure = FALSE))
bad <- sum(found$failed) + sum(found$error)
cat(sprintf("databases: PostgreSQL, %d expectations passed, %d failed, %d tests skipped\n", sum(found$passed), bad, sum(found$skipped)))
quit(status = if (bad > 0 || sum(found$passed) == 0) 1 else 0)
