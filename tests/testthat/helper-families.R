# The table of cases that test-laws.R runs through every law. A new family or structure adds one row here.
#
#   x        the data as a user gives them          x_of(n)  new data of the same kind, n rows
#   k, start a start by parameters                  family   its object
#   shift, scale  does the family move with x + b, x * s?
#   oracle   how helper-reference.R calls it: list(structure, family); or `blocks`, how helper-reference-families.R does
#   closed   of a family that has neither: parameters as closed forms from the rows of one group

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

law_items <- function(n, seed) {
  withr_seed(seed, {
    lean <- c(0.4, 1, 2.5)[sample(3, n, replace = TRUE)]
    draw <- function(size) factor(letters[1 + floor(size * runif(n)^lean)], levels = letters[seq_len(size)])
    data.frame(p = draw(3), q = draw(2), r = draw(5), s = draw(2))
  })
}

law_prob <- function(sizes, k = 3) {
  lapply(sizes, function(size) {
    p <- outer(seq_len(k), seq_len(size), function(j, l) 1 + (j * l + j) %% 4)
    p / rowSums(p)
  })
}

categorical_law_cases <- function() {
  categorical <- list(
    name = "categorical", family = em_categorical(), x_of = function(n) law_items(n, 15), k = 3L,
    start = list(proportions = c(0.4, 0.3, 0.3), prob = stats::setNames(law_prob(c(3, 2, 5, 2)), c("p", "q", "r", "s"))),
    shift = FALSE, scale = FALSE, oracle = list(blocks = function(x) list(reference_block("categorical", x))),
    closed = function(x) unlist(lapply(x, function(item) prop.table(table(item))), use.names = FALSE)
  )
  bernoulli <- list(
    name = "bernoulli", family = em_bernoulli(), k = 3L,
    x_of = function(n) {
      items <- law_items(n, 16)
      cbind(vapply(items, function(f) as.integer(f != "a"), integer(n)), t = as.integer(items$r %in% c("d", "e")))
    },
    start = list(proportions = c(0.4, 0.3, 0.3),
                 prob = rbind(c(0.2, 0.3, 0.4, 0.3, 0.1), c(0.5, 0.6, 0.5, 0.5, 0.3), c(0.8, 0.7, 0.9, 0.6, 0.5))),
    shift = FALSE, scale = FALSE, oracle = list(blocks = function(x) list(reference_block("bernoulli", x))),
    closed = function(x) unname(colMeans(x))
  )
  multinomial <- list(
    name = "multinomial", family = em_multinomial(), k = 3L,
    x_of = function(n) withr_seed(17, t(vapply(sample(3, n, replace = TRUE), function(z) {
      as.double(rmultinom(1, 12, list(c(6, 2, 1, 1), c(1, 4, 4, 1), c(1, 1, 2, 6))[[z]]))
    }, numeric(4)))),
    start = list(proportions = c(0.4, 0.3, 0.3), prob = law_prob(4)[[1]]), shift = FALSE, scale = FALSE,
    oracle = list(blocks = function(x) list(reference_block("multinomial", x))),
    closed = function(x) unname(colSums(x) / sum(x))
  )
  list(categorical, bernoulli, multinomial)
}

# The oracle of a case: list(trace, loglik, numbers).
law_oracle <- function(case, x, start, n_iter, proportions = "free", weights = rep(1, NROW(x))) {
  if (is.null(case$oracle$blocks)) {
    out <- reference_em(x, 3, structure = case$oracle$structure, family = case$oracle$family, start = start,
                        proportions = proportions, weights = weights, n_iter = n_iter)
    return(list(trace = out$trace, numbers = unlist(lapply(out$parameters, as.numeric), use.names = FALSE)))
  }
  fixed <- if (identical(proportions, "equal")) rep(1 / 3, 3) else if (is.numeric(proportions)) proportions
  blocks <- case$oracle$blocks(x)
  p <- list(proportions = if (is.null(fixed)) start$proportions else fixed, blocks = list(start["prob"]))
  trace <- reference_blocks_loglik(blocks, p, weights)
  for (i in seq_len(n_iter)) {
    p <- reference_blocks_step(blocks, weights * reference_blocks_responsibilities(blocks, p))
    if (!is.null(fixed)) p$proportions <- fixed
    trace <- c(trace, reference_blocks_loglik(blocks, p, weights))
  }
  list(trace = trace, numbers = unlist(list(p$proportions, p$blocks), use.names = FALSE))
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
  cases <- c(one, many, list(coins), categorical_law_cases())
  names(cases) <- vapply(cases, function(case) case$name, "")
  cases
}

# A run of so many plain iterations from the start of a case.
law_run <- function(case, x, n_iter = 12, ..., start = case$start, control = list()) {
  control <- do.call(em_control, utils::modifyList(list(tol = 0, max_iter = n_iter, accelerate = FALSE), control))
  em_fit(x, k = length(start$proportions), family = case$family, start = start, control = control, ...)
}

law_rows <- function(x, i) if (length(dim(x)) == 2L) x[i, , drop = FALSE] else x[i]

parameter_numbers <- function(fit) unlist(fit$parameters, use.names = FALSE)

expect_same_parameters <- function(a, b, tolerance = 1e-9) {
  expect_equal(parameter_numbers(a), parameter_numbers(b), tolerance = tolerance)
}
