# The table of cases that test-laws.R runs through every law. A new family or structure adds one row here.
#
#   x        the data as a user gives them          x_of(n)  new data of the same kind, n rows
#   k, start a start by parameters                  family   its object
#   shift, scale  does the family move with x + b, x * s?
#   own      the name of its location
#   oracle   how helper-reference.R calls it: list(structure, family); or list(blocks, parameters), functions of x and of a
#            start, for helper-reference-families.R
#   given(x, group)   of families that do not scale: their M-step where the groups of the rows are known

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

# Rates for exposures that differ, some of them 0.
law_rates <- function(n, seed) {
  withr_seed(seed, {
    exposure <- runif(n, 0.3, 2) * (seq_len(n) %% 20 > 0)
    cbind(count = rpois(n, c(0.6, 3, 9)[sample(3, n, replace = TRUE)] * exposure), exposure = exposure)
  })
}

law_two_counts <- function(n, seed) {
  withr_seed(seed, {
    z <- sample(3, n, replace = TRUE)
    cbind(a = rpois(n, c(1, 4, 9)[z]), b = rpois(n, c(6, 2, 2)[z]))
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
      shift = TRUE, scale = TRUE, own = "mean", oracle = list(structure = name, family = "gaussian")
    )
  })
  one <- lapply(c("E", "V"), function(name) {
    list(
      name = name, family = em_gaussian(name), x_of = function(n) law_matrix(n, 1, 12)[, 1], k = 3L,
      start = list(proportions = c(0.4, 0.3, 0.3), mean = c(0, 3, -2), sd = c(1, 1, 1)),
      shift = TRUE, scale = TRUE, own = "mean", oracle = list(structure = name, family = "gaussian")
    )
  })
  coins <- list(
    name = "binomial", family = em_binomial(), x_of = function(n) law_counts(n, 13), k = 3L,
    start = list(proportions = c(0.4, 0.3, 0.3), prob = c(0.3, 0.5, 0.7)),
    shift = FALSE, scale = FALSE, own = "prob", oracle = list(structure = NA, family = "binomial"),
    given = function(x, group) c(tapply(x[, 1], group, sum) / tapply(rowSums(x), group, sum))
  )
  rates <- list(
    name = "poisson", family = em_poisson("exposure"), x_of = function(n) law_rates(n, 14), k = 3L,
    start = list(proportions = c(0.4, 0.3, 0.3), rate = c(0.5, 2.5, 8)),
    shift = FALSE, scale = FALSE, own = "rate",
    oracle = list(blocks = function(x) list(reference_block("poisson", x[, 1], exposure = x[, 2])),
                  parameters = function(start) list(list(rate = matrix(start$rate)))),
    given = function(x, group) c(tapply(x[, 1], group, sum) / tapply(x[, 2], group, sum))
  )
  counts <- list(
    name = "poisson, 2 columns", family = em_poisson(), x_of = function(n) law_two_counts(n, 15), k = 3L,
    start = list(proportions = c(0.4, 0.3, 0.3), rate = cbind(c(0.5, 3, 8), c(5, 2, 3))),
    shift = FALSE, scale = FALSE, own = "rate",
    oracle = list(blocks = function(x) list(reference_block("poisson", x)),
                  parameters = function(start) list(list(rate = start$rate))),
    given = function(x, group) apply(x, 2, function(y) tapply(y, group, mean))
  )
  cases <- c(one, many, list(coins, rates, counts))
  names(cases) <- vapply(cases, function(case) case$name, "")
  cases
}

# What the oracle of a case makes of x in n_iter iterations: list(parameters, trace).
law_oracle <- function(case, x, start = case$start, proportions = "free", weights = rep(1, NROW(x)), n_iter = 10) {
  if (is.null(case$oracle$blocks)) {
    return(reference_em(x, 3, structure = case$oracle$structure, family = case$oracle$family, start = start,
                        proportions = proportions, weights = weights, n_iter = n_iter))
  }
  blocks <- case$oracle$blocks(x)
  says <- case$name != "poisson" | x[, NCOL(x)] > 0 # rows that say something
  own <- if (identical(proportions, "free")) start$proportions else if (is.numeric(proportions)) proportions
  p <- list(proportions = if (is.null(own)) rep(1 / 3, 3) else own, blocks = case$oracle$parameters(start))
  held <- if (!identical(proportions, "free")) p$proportions
  trace <- reference_blocks_loglik(blocks, p, weights * says)
  for (iteration in seq_len(n_iter)) {
    p <- reference_blocks_step(blocks, weights * says * reference_blocks_responsibilities(blocks, p))
    if (!is.null(held)) p$proportions <- held
    trace <- c(trace, reference_blocks_loglik(blocks, p, weights * says))
  }
  list(parameters = c(p["proportions"], p$blocks[[1]]), trace = trace)
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
