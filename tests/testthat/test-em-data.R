# What em_data() makes of good input; bad input is in hard-cases/.

test_that("every rectangular shape becomes the same plain matrix", {
  frame <- data.frame(a = c(1, 2, 4), b = 4:6)
  shapes <- list(frame, as.matrix(frame), matrix(c(1, 2, 4, 4, 5, 6), 3), ts(as.matrix(frame)))
  for (x in shapes) {
    data <- em_data(x, em_gaussian())
    expect_identical(data$x, matrix(c(1, 2, 4, 4, 5, 6), 3))
    expect_identical(data$n, 3L)
    expect_false(data$vector)
  }
  expect_true(em_data(c(1, 2), em_gaussian())$vector)
})

test_that("names are kept apart from the numbers", {
  x <- matrix(1:4, 2, dimnames = list(c("r", "s"), c("u", "v")))
  data <- em_data(x, em_gaussian())
  expect_identical(data$names, c("u", "v"))
  expect_identical(data$row_names, c("r", "s"))
  expect_null(em_data(data.frame(a = 1:2), em_gaussian())$row_names)
})


test_that("na.omit and na.exclude leave rows out and remember them", {
  x <- cbind(a = c(1, NA, 3, 5), b = c(2, 2, NA, 1))
  data <- em_data(x, em_gaussian(), weights = 1:4, na.action = na.exclude)
  expect_identical(data$x, cbind(c(1, 5), c(2, 1)))
  expect_identical(data$weights, c(1, 4))
  expect_identical(as.integer(data$na.action), 2:3)
  expect_s3_class(data$na.action, "exclude")
})

test_that("binomial data become successes and trials; rows without trials lose their weight", {
  data <- em_data(cbind(c(1, 0, 3), c(2, 0, 0)), em_binomial())
  expect_identical(data$x, cbind(c(1, 0, 3), c(3, 0, 3)))
  expect_identical(data$weights, c(1, 0, 1))
  expect_identical(data$n_empty, 1L)
})

test_that("distinct rows are counted only as far as needed, and right", {
  x <- cbind(rep(1:3, 400), 1)
  expect_identical(distinct_rows(x, 3), 3L)
  expect_identical(distinct_rows(x, 5), 3L)
  expect_identical(distinct_rows(cbind(1, 1:4), 4), 4L)
  expect_identical(distinct_rows(cbind(c(1, 1, 2)), 3), 2L)
  expect_identical(distinct_rows(rbind(matrix(0, 900, 2), c(1, 1)), 2), 2L)
})

test_that("new data are matched by name, and by position only without names", {
  fit <- em_fit(faithful, k = 1)
  turned <- new_data(faithful[1:2, 2:1], fit)
  expect_identical(turned$x, unname(as.matrix(faithful[1:2, ])))
  bare <- new_data(unname(as.matrix(faithful[1:2, ])), fit)
  expect_identical(bare$x, turned$x)
})
