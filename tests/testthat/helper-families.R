# The table of cases that test-laws.R runs through every law. A new family or structure adds one row here.
#
#   x        the data as a user gives them          x_of(n)  new data of the same kind, n rows
#   k, start a start by parameters                  family   its object
#   shift, scale  does the family move with x + b, x * s?
#   oracle   how helper-reference.R calls it: list(structure, family)

law_structures <- c("EII", "VII", "EEI", "VEI", "EVI", "VVI", "EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV",
                    "VVV")

# Three overlapping groups that differ in size, shape and direction.
law_matrix <- function(n, d, seed) {
  withr_seed(seed, {
    group <- sample(3, n, replace = TRUE, prob = c(0.5, 0.3, 0.2))
    x <- matrix(rnorm(n * d), n, d) * c(1, 0.6, 1.4)[group]
    x[, 1] <- x[, 1] + c(0, 3, -2)[group]
    if (d > 1) x[, 2] <- x[, 2] + 0.5 * c(1, -1, 0)[group] * x[, 1] + c(0, 0, 3)[group]
    if (d > 1) colnames(x) <- letters[seq_len(d)]
    x
  })
}

law_counts <- function(n, seed) {
  withr_seed(seed, {
    size <- sample(5:20, n, replace = TRUE)
    yes <- rbinom(n, size, c(0.2, 0.5, 0.85)[sample(3, n, replace = TRUE)])
    cbind(yes = yes, no = size - yes)
  })
}

# A seed that leaves the caller's generator as it was.
withr_seed <- function(seed, code) {
  old <- get0(".Random.seed", globalenv(), inherits = FALSE)
  on.exit(if (is.null(old)) rm(".Random.seed", envir = globalenv()) else
    assign(".Random.seed", old, envir = globalenv()))
  set.seed(seed)
  code
}

law_cases <- function() {
  many <- lapply(law_structures, function(name) {
    list(
      name = name, family = em_gaussian(name), x_of = function(n) law_matrix(n, 3, 11), k = 3L,
      start = list(proportions = c(0.4, 0.3, 0.3),
                   mean = rbind(c(0, 0, 0), c(3, -1, 0), c(-2, 3, 0)), covariance = diag(3)),
      shift = TRUE, scale = TRUE, oracle = list(structure = name, family = "gaussian")
    )
  })
  one <- lapply(c("E", "V"), function(name) {
    list(
      name = name, family = em_gaussian(name), x_of = function(n) law_matrix(n, 1, 12)[, 1], k = 3L,
      start = list(proportions = c(0.4, 0.3, 0.3), mean = c(0, 3, -2), sd = c(1, 1, 1)),
      shift = TRUE, scale = TRUE, oracle = list(structure = name, family = "gaussian")
    )
  })
  coins <- list(
    name = "binomial", family = em_binomial(), x_of = function(n) law_counts(n, 13), k = 3L,
    start = list(proportions = c(0.4, 0.3, 0.3), prob = c(0.3, 0.5, 0.7)),
    shift = FALSE, scale = FALSE, oracle = list(structure = NA, family = "binomial")
  )
  cases <- c(one, many, list(coins))
  names(cases) <- vapply(cases, function(case) case$name, "")
  cases
}

# A run of so many plain iterations from the start of a case.
law_run <- function(case, x, n_iter = 12, ..., start = case$start, control = list()) {
  control <- do.call(em_control, utils::modifyList(list(tol = 0, max_iter = n_iter, accelerate = FALSE), control))
  em_fit(x, k = length(start$proportions), family = case$family, start = start, control = control, ...)
}

law_rows <- function(x, i) if (is.matrix(x)) x[i, , drop = FALSE] else x[i]

parameter_numbers <- function(fit) unlist(lapply(fit$parameters, as.numeric), use.names = FALSE)

expect_same_parameters <- function(a, b, tolerance = 1e-9) {
  expect_equal(parameter_numbers(a), parameter_numbers(b), tolerance = tolerance)
}
