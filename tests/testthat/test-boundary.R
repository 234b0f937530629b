# The functions of C++, called past R's checks: they refuse by an exception what they can't work with. tests/fuzz tries
# many more.
native <- function() {
  list(data = list(x = matrix(c(1, 5, 2, 8, 3, 9, 4, 4, 7, 1, 0, 2), 6)), family = list(name = "gaussian", covariance = "VVV", k = 2L),
       latent = list(name = "mixture", proportions = c(0.5, 0.5), held = c(NaN, NaN)),
       parameters = list(proportions = c(0.5, 0.5), mean = matrix(c(2, 5, 8, 11), 2), covariance = array(diag(2), c(2, 2, 2))),
       control = c(unclass(em_control(threads = 1)), row_weight = 1, ends = FALSE))
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
  expect_refused(core$em_runs_cpp(list(), n$control), "there must be tasks")
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

test_that("counts, names and starts of other shapes than R sends are refused, not read", {
  core <- asNamespace("emfit")
  n <- native()
  one <- matrix(1:3 + 0, 3)
  expect_refused(core$em_describe_cpp(one, "counts", NULL), "counts need two columns")
  expect_refused(core$em_describe_cpp(matrix(0, 3, 0), "counts", 1), "counts need two columns")
  for (size in list(numeric(), c(4, 5), 1:4 + 0)) {
    expect_refused(core$em_describe_cpp(one, "counts", size), "size must be one number")
  }
  expect_refused(core$em_describe_cpp(matrix(0, 3, 0), "tally", NULL), "there must be a column")
  expect_refused(core$em_describe_cpp(cbind(one, one), "tally", c(1, 1)), "a weight for each row")
  expect_refused(core$em_describe_cpp(one, "spread", NULL), "asked for finite, tally or counts")
  run <- list(parameters = n$parameters, may_borrow = FALSE)
  task <- list(data = n$data, family = n$family, latent = n$latent, starts = list(run))
  runs <- function(task, control = n$control) core$em_runs_cpp(list(task), control)
  expect_refused(runs(replace(task, "starts", list(list()))), "each task needs a start")
  expect_identical(runs(replace(task, "starts", list(list(run, run))))[[1]]$starts$loglik, rep(runs(task)[[1]]$loglik, 2))
  race <- runs(replace(task, "starts", list(list(run, run))), c(n$control, race = list(emfit:::table_race(1L))))[[1]]
  expect_identical(race$loglik, runs(task)[[1]]$loglik)
  for (part in c("data", "family", "latent")) expect_error(runs(task[names(task) != part]))
  expect_error(core$em_runs_cpp(list(1), n$control))
  score <- function(want, at) core$em_score_cpp(n$data, n$family, n$latent, n$parameters, want, at, 1L)
  for (at in list(NULL, matrix(0, 3, 1))) expect_refused(score("parameters", at), "a coordinate for each freedom")
  expect_refused(score("slope", NULL), "unknown answer slope")
  sums <- function(family, start) core$em_sums_cpp(n$data, family, n$latent, list(start), 1L)
  for (family in list(replace(n$family, "covariance", "EEE"), c(n$family, list(held = list())))) {
    expect_refused(sums(family, run), "only free Gaussian components without noise")
  }
  expect_refused(sums(n$family, list(responsibilities = matrix(0.5, 6, 2), may_borrow = FALSE)), "parameters or a partition")
  own <- sums(n$family, run)
  for (part in c("counts", "mean", "covariance", "level")) {
    expect_refused(core$em_relatives_cpp(list(own[[1L]][names(own[[1L]]) != part]), "VVV"), "sums need counts")
  }
  expect_error(core$em_relatives_cpp(list(replace(own[[1L]], "covariance", list(1))), "VVV"), "covariance must be doubles")
  expect_error(core$em_relatives_cpp(own, "VVX"))
  expect_refused(core$em_merges_cpp(n$parameters[-1L], 2L, 1), "to be merged")
  for (k in c(0L, -1L)) expect_refused(core$em_merges_cpp(n$parameters, k, 1), "to be merged")
  expect_refused(core$em_merges_cpp(n$parameters, 2L, NaN), "to be merged")
  expect_error(core$em_merges_cpp(replace(n$parameters, "mean", list(1:3)), 2L, 1), "mean must be doubles")
  flat <- replace(n$parameters, "covariance", list(array(0, c(2, 2, 2))))
  expect_identical(core$em_expect_cpp(n$data, n$family, n$latent, flat, "clarity", NULL, 1L), list(component = 1L))
  expect_refused(core$em_start_cpp(list(x = matrix(0, 0, 2)), n$family, "random", 1), "starts need rows")
  expect_refused(core$em_start_cpp(list(x = matrix(0, 3, 0)), n$family, "random", 1), "must have a column")
  for (seed in c(NaN, -1, Inf)) expect_refused(core$em_row_keys_cpp(seed, 0, 3L), "keys need a seed")
})

test_that("a family that can't model the data is told of, also among several", {
  n <- native()
  n$data$x[, 2] <- 1
  start <- list(parameters = n$parameters, may_borrow = FALSE)
  run <- em_runs_cpp(list(list(data = n$data, family = n$family, latent = n$latent, starts = list(start))), n$control)[[1]]
  expect_identical(run$status, "bad_start")
  expect_identical(run$parameters$mean, n$parameters$mean)
})

test_that("the fuzzer calls every function of the boundary", {
  script <- test_path("..", "fuzz", "boundary.R")
  skip_if_not(file.exists(script), "tests/fuzz is not part of the installed package")
  functions <- grep("^em_.*_cpp$", ls(asNamespace("emfit")), value = TRUE)
  called <- vapply(functions, function(name) any(grepl(sprintf("\"%s\"", name), readLines(script), fixed = TRUE)), NA)
  expect_identical(functions[!called], character())
})
