# Every part of `start` and of `fixed` with everything that it can't be: the message must be true.

two <- as.matrix(faithful)
calls <- list(
  one = list(x = faithful$eruptions, family = em_gaussian(), k = 2L,
             right = list(mean = c(2, 4), sd = c(0.3, 0.4), proportions = c(0.4, 0.6))),
  two = list(x = two, family = em_gaussian(), k = 2L,
             right = list(mean = rbind(c(2, 54), c(4.3, 80)), covariance = array(c(stats::cov(two)), c(2, 2, 2)),
                          proportions = c(0.4, 0.6))),
  counts = list(x = coins[c("heads", "tails")], family = em_binomial(), k = 2L,
                right = list(prob = c(0.3, 0.7), proportions = c(0.4, 0.6)))
)

# What is wrong, and a word that the message must have for it.
wrong_types <- function(right) {
  words <- right
  words[] <- letters[seq_along(right) %% 26L + 1L]
  list("character" = words, "character" = as.character(right), "\"a\"" = "a", "list" = as.list(right),
       "factor" = factor(right), "NULL" = NULL, "logical" = right > 0, "TRUE" = TRUE, "complex" = right + 1i,
       "function" = mean, "Date" = as.Date(as.vector(right), "1970-01-01"), "\"character\"" = data.frame(v = c("a", "b")),
       "numeric" = numeric(), "raw" = as.raw(seq_along(right)), "symbol" = quote(a))
}
wrong_shapes <- function(right) {
  size <- dim(right)
  if (is.null(size)) return(list("3 were" = c(right, 1), "1 was" = right[1L], "data frame" = data.frame(v = right),
                                 "2 x 2" = matrix(right, 2L, 2L)))
  more <- lapply(seq_along(size), function(i) array(right[1L], size + (seq_along(size) == i)))
  # One matrix for all is right where its size is.
  c(stats::setNames(more, vapply(more, function(x) paste(dim(x), collapse = " x "), "")),
    list("vector of length" = as.vector(right), "array of" = array(right, c(size, 1L))))
}
wrong_numbers <- function(right) list("Inf" = replace(right, 2L, Inf), "NaN" = replace(right, 2L, NaN))

ask <- function(call, arg, slot, value) {
  given <- call$right
  given[slot] <- list(value)
  arguments <- list(call$x, k = call$k, family = call$family)
  arguments[[arg]] <- given
  tryCatch(do.call(em_fit, arguments), error = identity)
}

# Numbers that are said to differ do.
expect_true_message <- function(message, label) {
  said <- regmatches(message, regexec("k = ([0-9]+), but ([0-9]+) w", message))[[1L]]
  if (length(said)) expect_false(said[2L] == said[3L], label = label)
  said <- regmatches(message, regexec("([0-9]+( x [0-9]+)+), not ([0-9 x]+)[.]", message))[[1L]]
  if (length(said)) expect_false(said[2L] == said[4L], label = label)
}

for (arg in c("start", "fixed")) for (name in names(calls)) for (slot in names(calls[[name]]$right)) {
  test_that(sprintf("`%s$%s` of the wrong kind is refused in true words (%s)", arg, slot, name), {
    call <- calls[[name]]
    right <- call$right[[slot]]
    wrong <- c(wrong_types(right), wrong_shapes(right), wrong_numbers(right))
    for (i in seq_along(wrong)) {
      label <- sprintf("%s$%s, %s: %s", arg, slot, name, names(wrong)[i])
      error <- ask(call, arg, slot, wrong[[i]])
      expect_s3_class(error, paste0("emfit_error_", arg))
      expect_match(conditionMessage(error), sprintf("`%s$%s` ", arg, slot), fixed = TRUE, label = label)
      expect_match(conditionMessage(error), names(wrong)[i], fixed = TRUE, label = label)
      expect_true_message(conditionMessage(error), label)
    }
    expect_s3_class(ask(call, arg, slot, right), "em_fit")
  })
}

test_that("words for numbers hold nothing", {
  expect_error(em_fit(two, 2, fixed = list(mean = matrix("a", 2, 2))), "must be numeric, not a character matrix of 2 x 2",
               class = "emfit_error_fixed")
  expect_error(em_fit(two, 2, fixed = list(mean = matrix(1, 2, 2), mean = matrix(2, 2, 2))), "not \"mean\" twice",
               class = "emfit_error_fixed")
  expect_error(em_fit(two, start = list(mean = diag(2), mean = diag(2), covariance = diag(2))), "not \"mean\" twice",
               class = "emfit_error_start")
  expect_error(em_fit(two, 2, fixed = "a"), "must be a named list shaped like `start`, not \"a\"",
               class = "emfit_error_fixed")
})

test_that("columns of means and of covariances are found by name, in start and in fixed", {
  sigma <- stats::cov(two)
  means <- rbind(c(eruptions = 2, waiting = 54), c(4.3, 80))
  right <- em_fit(two, start = list(mean = means, covariance = sigma))
  turned <- em_fit(two, start = list(mean = means[, 2:1], covariance = sigma[2:1, 2:1]))
  expect_identical(turned$parameters, right$parameters)
  expect_identical(turned$start$covariance[, , 1], sigma)
  held <- em_fit(two, 2, fixed = list(mean = means[, 2:1], covariance = sigma[2:1, 2:1]))
  expect_identical(unname(held$parameters$mean), unname(means))
  expect_identical(held$parameters$covariance[, , 2], sigma)
  names <- list(c("a", "b"), c("a", "b"))
  for (arg in c("start", "fixed")) {
    given <- stats::setNames(list(list(mean = means, covariance = matrix(sigma, 2, dimnames = names))), arg)
    expect_error(do.call(em_fit, c(list(two, 2), given)), "must have the rows and columns of `x`",
                 class = paste0("emfit_error_", arg))
  }
  # A start that lacks what is held, in another order of the columns.
  part <- em_fit(two, 2, fixed = list(mean = rbind(c(2, NA), c(NA, 80))),
                 start = list(mean = cbind(waiting = c(50, NA), eruptions = c(NA, 4)), covariance = sigma))
  expect_identical(unname(part$start$mean), rbind(c(2, 50), c(4, 80)))
  # Names of variables on one matrix for all are no names of components.
  expect_identical(names(em_start(two, start = list(mean = unname(means), covariance = sigma))$proportions), c("1", "2"))
})

test_that("what is held goes to the component that is named", {
  x <- faithful$eruptions
  named <- em_fit(x, 2, fixed = list(mean = c(a = 2, b = NA), sd = c(b = 0.4, a = NA)))
  expect_identical(named$parameters$mean[["a"]], 2)
  expect_identical(named$parameters$sd[["b"]], 0.4)
  start <- list(mean = c(long = 4, short = 2), sd = c(0.4, 0.3))
  after <- em_fit(x, start = start, fixed = list(mean = c(short = 2, long = NA)))
  expect_identical(after$parameters$mean[["short"]], 2)
  shares <- em_fit(x, start = start, fixed = list(proportions = c(short = 0.3, long = NA)))
  expect_identical(shares$parameters$proportions[["short"]], 0.3)
  expect_error(em_fit(x, start = start, fixed = list(mean = c(a = 2, b = NA))), "`fixed` must name the components as",
               class = "emfit_error_fixed")
  expect_error(em_fit(x, 2, fixed = list(mean = c(a = 2, b = NA), sd = c(c = 1, d = NA))),
               "`fixed` must name the components alike", class = "emfit_error_fixed")
})

test_that("a start may be far narrower than the data, and is refused in words of one dimension", {
  x <- 100 * stats::qnorm(stats::ppoints(50))
  start <- list(mean = 3, sd = 1e-5)
  expect_equal(em_fit(x, start = start)$parameters$sd, em_fit(x, 1)$parameters$sd, tolerance = 1e-12)
  fit <- em_fit(x, start = list(mean = c(-1, 1), sd = c(1e-5, 1e-5)))
  expect_true(fit$converged)
  expect_identical(fit$trace$loglik[1], em_estep(x, em_start(x, start = list(mean = c(-1, 1), sd = c(1e-5, 1e-5))))$loglik)
  d2 <- em_fit(two, start = list(mean = t(c(3, 70)), covariance = diag(1e-14, 2)))
  expect_equal(d2$loglik, em_fit(two, 1)$loglik, tolerance = 1e-12)
  for (sd in c(1e-170, 1e170)) {
    expect_error(em_fit(x, start = list(mean = 0, sd = sd)), "`start$sd` must be a number whose square", fixed = TRUE,
                 class = "emfit_error_start")
  }
  expect_identical(family_no_density(em_gaussian(), list(sd = 1)), "its standard deviation is 0 or no number")
})

test_that("a spread that is held neither collapses nor lacks rows", {
  x <- c(1e-5 * stats::qnorm(stats::ppoints(100)), 50 + 100 * stats::qnorm(stats::ppoints(100)))
  held <- expect_silent(em_fit(x, 2, fixed = list(sd = c(1e-5, NA))))
  expect_true(held$converged)
  expect_identical(held$parameters$sd[[1]], 1e-5)
  expect_identical(held$degenerate, integer())
  expect_silent(em_fit(c(0, 0.1, 1), 2, fixed = list(mean = c(0, 5), sd = c(1, 1))))
})
