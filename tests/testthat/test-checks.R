test_that("a value is described as a person would", {
  described <- vapply(list(NULL, 1.5, "a", NA, 1:3, list(1), factor(2), mean, quote(a), iris, 1e-7,
                           Sys.Date()[0]),
                      describe_value, "")
  expect_identical(described, c(
    "NULL", "1.5", "\"a\"", "NA", "an integer of length 3", "a list of length 1", "a factor", "a function",
    "a name", "a data frame of length 5", "1e-07", "a Date of length 0"
  ))
})

test_that("counts are whole numbers in the range of integers", {
  expect_identical(check_count(3, "k"), 3L)
  expect_identical(check_count(0, "max_iter", 0L), 0L)
  expect_error(check_count(.Machine$integer.max + 1, "k"), class = "emfit_error_argument")
  expect_error(check_count(1i, "k"), "not 0+1i", fixed = TRUE, class = "emfit_error_argument")
})

test_that("the other checks return their value or name it", {
  expect_identical(check_nonnegative(2L, "tol"), 2)
  expect_identical(check_flag(FALSE, "path"), FALSE)
  expect_error(check_flag("a", "path"), "`path` must be TRUE or FALSE, not \"a\"", fixed = TRUE)
  expect_identical(check_choice(c("a", "b"), "stop", c("a", "b")), "a")
  expect_error(check_choice(c("a", "b"), "stop", c("a", "c")), "\"a\" or \"c\"",
               class = "emfit_error_argument")
})

test_that("the nearest name is found through case, dots, swaps and endings, and no farther", {
  settings <- c("tol", "stop", "max_iter", "n_start", "algorithm", "path", "threads")
  expect_identical(nearest("maxit", settings), "max_iter")
  expect_identical(nearest("MaxIter", settings), "max_iter")
  expect_identical(nearest("nstart", settings), "n_start")
  expect_identical(nearest("tolerance", settings), "tol")
  expect_identical(nearest("thread", settings), "threads")
  expect_identical(nearest("tpye", c("type", "newdata")), "type")
  expect_null(nearest("fudge", settings))
  expect_null(nearest("mu", c("mean", "sd")))
  expect_null(nearest("...", settings))
  expect_null(nearest(NA_character_, settings))
})
