# The functions of C++, called past R's checks: they refuse by an exception what they can't work with. tests/fuzz tries
# many more.
native <- function() {
  list(data = list(x = matrix(c(1, 5, 2, 8, 3, 9, 4, 4, 7, 1, 0, 2), 6)), family = list(name = "gaussian", covariance = "VVV", k = 2L),
       latent = list(name = "mixture", proportions = c(0.5, 0.5), held = c(NaN, NaN)),
       parameters = list(proportions = c(0.5, 0.5), mean = matrix(c(2, 5, 8, 11), 2), covariance = array(diag(2), c(2, 2, 2))),
       control = c(unclass(em_control(threads = 1)), unit = 1, ends = FALSE))
}

expect_refused <- function(code, says) expect_error(code, says, fixed = TRUE, class = "std::invalid_argument")

test_that("sizes and labels that don't fit are refused, not read", {
  n <- native()
  core <- asNamespace("emfit")
  maximise <- function(size) core$em_maximise_cpp(numeric(size), n$data, n$family, n$latent, n$parameters, "em")
  for (size in c(0, 13, 15)) expect_refused(maximise(size), "statistics must be as many as the model has")
  expect <- function(given) core$em_expect_cpp(n$data, n$family, n$latent, n$parameters, "statistics", given, 1L)
  for (given in list(matrix(0.5, 5, 2), matrix(1L, 6, 2), "a", 0.5)) {
    expect_refused(expect(given), "responsibilities have the wrong size or type")
  }
  expect_refused(core$em_run_cpp(n$data, n$family, n$latent, list(), n$control), "there must be a start")
  expect_refused(core$em_refit_cpp(list(), n$family, n$latent, n$parameters, n$control), "there must be data")
  for (label in c(-1L, 3L)) {
    data <- c(n$data, list(labels = c(label, 1L, 1L, 2L, 2L, 0L)))
    expect_refused(core$em_expect_cpp(data, n$family, n$latent, n$parameters, "loglik", NULL, 1L), "labels beyond the components")
  }
  for (seed in c(NaN, -1, Inf)) expect_refused(core$em_start_cpp(n$data, n$family, "random", seed), "a seed must be 0 or more")
})

test_that("more threads than slices are no more than slices", {
  n <- native()
  run <- function(threads) emfit:::em_expect_cpp(n$data, n$family, n$latent, n$parameters, "loglik", NULL, threads)$loglik
  expect_identical(run(.Machine$integer.max), run(1L))
})
