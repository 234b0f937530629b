# Numbers that must agree to an absolute tolerance, in length and order; names are compared elsewhere.
expect_within <- function(object, expected, tolerance) {
  object <- as.numeric(object)
  expected <- as.numeric(expected)
  gap <- if (length(object) == length(expected)) max(abs(object - expected)) else Inf
  testthat::expect(
    isTRUE(gap <= tolerance),
    sprintf(
      "Largest difference %.3g, allowed %.3g (%d values, %d expected).\nactual:   %s\nexpected: %s",
      gap, tolerance, length(object), length(expected),
      toString(utils::head(format(object, digits = 12), 8)),
      toString(utils::head(format(expected, digits = 12), 8))
    )
  )
  invisible(object)
}

# Printed numbers: equal once rounded to as many decimals as were printed.
expect_printed <- function(object, expected, decimals) {
  testthat::expect_equal(round(as.numeric(object), decimals), expected, tolerance = 1e-12)
}

# The path as a matrix: one row for each iteration, one column for each component and term.
path_matrix <- function(path, terms) {
  components <- unique(path$component)
  columns <- lapply(terms, function(term) {
    vapply(components, function(component) {
      rows <- path[path$component == component & path$term == term, ]
      rows$value[order(rows$iteration)]
    }, numeric(length(unique(path$iteration))))
  })
  do.call(cbind, columns)
}

# One more E-step and M-step, as often as asked for: the loop a student writes.
loop_by_hand <- function(x, parameters, iterations, algorithm = "em") {
  states <- vector("list", iterations + 1L)
  for (i in seq_len(iterations + 1L)) {
    step <- em_estep(x, parameters)
    states[[i]] <- list(parameters = parameters, loglik = step$loglik)
    parameters <- em_mstep(x, step$responsibilities, parameters, algorithm = algorithm)
  }
  states
}
