# The table of cases that test-laws.R runs through every law. A new family or structure adds one row here.
#
#   x        the data as a user gives them          x_of(n)  new data of the same kind, n rows
#   k, start a start by parameters                  family   its object
#   shift, scale  does the family move with x + b, x * s?
#   own      the name of its location
#   oracle   how helper-reference.R calls it: list(structure, family); or list(blocks, parameters), functions of x and of a
#            start, for helper-reference-families.R
#   closed   of a family by columns: parameters as closed forms from the rows of one group
#   says(x)  of families whose rows may say nothing: which do
#   augmented  is its M-step that of rows with more that is hidden than their component, so that it is not at once the maximum?
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

law_times <- function(n, seed) {
  withr_seed(seed, {
    z <- sample(3, n, replace = TRUE, prob = c(0.5, 0.3, 0.2))
    cbind(a = rgamma(n, c(2, 5, 0.8)[z], c(2, 1, 0.1)[z]), b = rgamma(n, c(3, 1.5, 8)[z], c(1, 2, 1)[z]))
  })
}

law_spread_rates <- function(n, seed) {
  withr_seed(seed, {
    exposure <- runif(n, 0.3, 2) * (seq_len(n) %% 20 > 0)
    z <- sample(3, n, replace = TRUE)
    cbind(count = rnbinom(n, c(2, 5, 9)[z], mu = c(1, 6, 25)[z] * exposure), exposure = exposure)
  })
}

negbin_law_cases <- function() {
  rates <- list(
    name = "negbin", family = em_negbin("exposure"), x_of = function(n) law_spread_rates(n, 20), k = 3L,
    start = list(proportions = c(0.4, 0.3, 0.3), mean = c(1, 5, 20), size = c(2, 3, 9)),
    shift = FALSE, scale = FALSE, own = "mean", augmented = TRUE, says = function(x) x[, 2] > 0,
    oracle = list(blocks = function(x) list(reference_block("negbin", x[, 1], exposure = x[, 2])),
                  parameters = function(start) list(lapply(start[c("mean", "size")], as.matrix)))
  )
  counts <- list(
    name = "negbin, 2 columns", family = em_negbin(), k = 3L,
    x_of = function(n) withr_seed(21, {
      z <- sample(3, n, replace = TRUE)
      cbind(a = rnbinom(n, 3, mu = c(1, 6, 20)[z]), b = rnbinom(n, c(9, 1, 4)[z], mu = c(7, 4, 2)[z]))
    }),
    start = list(proportions = c(0.4, 0.3, 0.3), mean = cbind(c(1, 5, 20), c(7, 4, 2)), size = cbind(c(2, 3, 4), c(5, 2, 3))),
    shift = FALSE, scale = FALSE, own = "mean", augmented = TRUE,
    oracle = list(blocks = function(x) list(reference_block("negbin", x)),
                  parameters = function(start) list(start[c("mean", "size")]))
  )
  list(rates, counts)
}

# Three groups with heavy tails.
law_heavy <- function(n, d, seed) {
  x <- law_matrix(n, d, seed)
  far <- withr_seed(seed + 1, sqrt(rchisq(n, 3) / 3))
  (x - mean(x)) / pmax(far, 0.2) + mean(x)
}

t_law_case <- function(structure, d, common = FALSE) {
  start <- list(proportions = c(0.4, 0.3, 0.3))
  start$mean <- if (d == 1) c(0, 3, -2) else rbind(c(0, 0, 0), c(3, -1, 0), c(-2, 3, 0))
  if (d == 1) start$sd <- c(1, 1, 1) else start$covariance <- diag(d)
  start$df <- if (common) rep(5, 3) else c(4, 6, 8)
  whole <- function(start) {
    out <- start[intersect(c("mean", "sd", "covariance", "df"), names(start))]
    out$mean <- as.matrix(out$mean)
    if (length(dim(out$covariance)) == 2L) out$covariance <- array(out$covariance, c(d, d, 3))
    list(out)
  }
  list(
    name = paste0("t, ", structure, if (common) ", common"), family = em_t(structure, common = common), k = 3L,
    x_of = function(n) if (d == 1) law_heavy(n, 1, 22)[, 1] else law_heavy(n, d, 22), start = start,
    shift = TRUE, scale = TRUE, own = "mean", augmented = TRUE,
    tied = c(if (structure %in% c("EEE", "VII")) "covariance", if (common) "df"),
    oracle = list(blocks = function(x) list(reference_block("t", unname(as.matrix(x)), structure = structure, common = common)),
                  parameters = whole)
  )
}

t_law_cases <- function() {
  list(t_law_case("V", 1), t_law_case("VVV", 3), t_law_case("EEE", 3, common = TRUE), t_law_case("VII", 3))
}

gamma_law_cases <- function() {
  start <- list(proportions = c(0.4, 0.3, 0.3), mean = c(1, 5, 9), shape = c(2, 3, 1))
  one <- list(
    name = "gamma", family = em_gamma(), x_of = function(n) law_times(n, 18)[, 1], k = 3L, start = start,
    shift = FALSE, scale = FALSE, own = "mean",
    oracle = list(blocks = function(x) list(reference_block("gamma", x)),
                  parameters = function(start) list(lapply(start[c("mean", "shape")], as.matrix))),
    given = function(x, group) c(tapply(x, group, mean))
  )
  exponential <- one
  exponential$name <- "exponential"
  exponential$family <- em_gamma(1)
  exponential$start$shape <- rep(1, 3)
  exponential$oracle$blocks <- function(x) list(reference_block("gamma", x, shape = 1))
  two <- one
  two$name <- "gamma, 2 columns"
  two$x_of <- function(n) law_times(n, 19)
  two$start$mean <- cbind(c(1, 5, 9), c(3, 1, 8))
  two$start$shape <- cbind(c(2, 3, 1), c(3, 1, 8))
  two$given <- function(x, group) apply(x, 2, function(y) tapply(y, group, mean))
  list(one, exponential, two)
}

categorical_law_cases <- function() {
  categorical <- list(
    name = "categorical", family = em_categorical(), x_of = function(n) law_items(n, 15), k = 3L,
    start = list(proportions = c(0.4, 0.3, 0.3), prob = stats::setNames(law_prob(c(3, 2, 5, 2)), c("p", "q", "r", "s"))),
    shift = FALSE, scale = FALSE, own = "prob",
    oracle = list(blocks = function(x) list(reference_block("categorical", x)), parameters = function(start) list(start["prob"])),
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
    shift = FALSE, scale = FALSE, own = "prob",
    oracle = list(blocks = function(x) list(reference_block("bernoulli", x)), parameters = function(start) list(start["prob"])),
    closed = function(x) unname(colMeans(x))
  )
  multinomial <- list(
    name = "multinomial", family = em_multinomial(), k = 3L,
    x_of = function(n) withr_seed(17, t(vapply(sample(3, n, replace = TRUE), function(z) {
      as.double(rmultinom(1, 12, list(c(6, 2, 1, 1), c(1, 4, 4, 1), c(1, 1, 2, 6))[[z]]))
    }, numeric(4)))),
    start = list(proportions = c(0.4, 0.3, 0.3), prob = law_prob(4)[[1]]), shift = FALSE, scale = FALSE, own = "prob",
    oracle = list(blocks = function(x) list(reference_block("multinomial", x)), parameters = function(start) list(start["prob"])),
    closed = function(x) unname(colSums(x) / sum(x))
  )
  list(categorical, bernoulli, multinomial)
}

# Numbers of two scales, categories and counts, all of the same groups.
law_mixed <- function(n) {
  x <- law_matrix(n, 2, 21)
  items <- law_items(n, 22)
  data.frame(a = x[, 1], p = items$p, b = 100 * x[, 2], y = law_two_counts(n, 23)[, 1], q = items$q)
}

# Children that the oracle of blocks knows: kinds of blocks, and of the parameters the names.
mixed_law_cases <- function() {
  diagonal <- function(v) array(rbind(v[, 1], 0, 0, v[, 2]), c(2, 2, 3))
  all <- list(
    name = "mixed", family = em_mixed(c(a, b) ~ em_gaussian("VVI"), c(p, q) ~ em_categorical(), y ~ em_poisson()),
    x_of = law_mixed, k = 3L,
    start = list(proportions = c(0.4, 0.3, 0.3),
                 numeric = list(mean = cbind(c(0, 3, -2), c(0, -100, 300)), covariance = diagonal(cbind(c(1, 2, 1), c(1e4, 1e4, 4e4)))),
                 categorical = list(prob = stats::setNames(law_prob(c(3, 2)), c("p", "q"))),
                 counts = list(rate = c(1, 4, 9))),
    shift = FALSE, scale = FALSE, own = "numeric",
    oracle = list(
      blocks = function(x) {
        list(reference_block("diagonal", x[c("a", "b")]), reference_block("categorical", x[c("p", "q")]),
             reference_block("poisson", x$y))
      },
      parameters = function(start) {
        list(list(mean = start$numeric$mean, sd = t(sqrt(apply(start$numeric$covariance, 3, diag)))), start$categorical,
             list(rate = matrix(start$counts$rate)))
      },
      shaped = function(blocks) {
        list(list(blocks[[1]]$mean, diagonal(blocks[[1]]$sd^2)), blocks[[2]], blocks[[3]])
      }),
    closed = function(x) {
      numbers <- cbind(x$a, x$b)
      second <- crossprod(scale(numbers, scale = FALSE)) / nrow(x) * diag(2)
      c(colMeans(numbers), second, unlist(lapply(x[c("p", "q")], function(item) prop.table(table(item))), use.names = FALSE),
        mean(x$y))
    }
  )
  list(all)
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
    shift = FALSE, scale = FALSE, own = "rate", says = function(x) x[, 2] > 0,
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
  cases <- c(one, many, list(coins, rates, counts), gamma_law_cases(), t_law_cases(), negbin_law_cases(), categorical_law_cases(),
             mixed_law_cases())
  names(cases) <- vapply(cases, function(case) case$name, "")
  cases
}

# What the oracle of families by columns makes of x in n_iter iterations: list(parameters, trace).
blocks_oracle <- function(case, x, start, proportions, weights = rep(1, NROW(x)), n_iter = 10) {
  blocks <- case$oracle$blocks(x)
  says <- law_says(case, x)
  own <- if (identical(proportions, "free")) start$proportions else if (is.numeric(proportions)) proportions
  p <- list(proportions = if (is.null(own)) rep(1 / 3, 3) else own, blocks = case$oracle$parameters(start))
  held <- if (!identical(proportions, "free")) p$proportions
  trace <- reference_blocks_loglik(blocks, p, weights * says)
  for (iteration in seq_len(n_iter)) {
    p <- reference_blocks_step(blocks, weights * says * reference_blocks_responsibilities(blocks, p), p)
    if (!is.null(held)) p$proportions <- held
    trace <- c(trace, reference_blocks_loglik(blocks, p, weights * says))
  }
  own <- if (is.null(case$oracle$shaped)) p$blocks[[1]] else case$oracle$shaped(p$blocks)
  list(parameters = c(p["proportions"], own), trace = trace)
}

# Every latent structure that a case runs through the laws with. Units and labels are a function of the row's number.
law_latents <- list(
  free = list(latent = em_mixture()),
  equal = list(latent = em_mixture("equal")),
  held = list(latent = em_mixture(c(0.5, 0.3, 0.2))),
  labelled = list(latent = em_mixture(), label_of = function(row) ifelse(row %% 5 == 0, row %% 3 + 1, NA)),
  noise = list(latent = em_mixture(noise = TRUE)),
  unit = list(latent = em_mixture(unit = "id"), unit_of = function(row) (row * 7) %% 11 + 11 * ((row - 1) %/% 30)),
  both = list(latent = em_mixture(unit = ~ id), unit_of = function(row) (row * 7) %% 11 + 11 * ((row - 1) %/% 30),
              label_of = function(row) ifelse(row %% 30 == 4, row %/% 30 %% 3 + 1, NA))
)

# Families with every structure that they allow: all of them free, some of them all.
law_columns <- function(cases = law_cases(), some = c("V", "VVV", "EEE", "binomial")) {
  with_latent <- function(case, kind) {
    out <- c(case, law_latents[[kind]], kind = kind)
    out$structure <- case$name
    if (kind != "free") out$name <- paste0(case$name, ", ", kind)
    if (kind %in% c("equal", "held")) out$start$proportions <- NULL
    if (!is.null(out$unit_of)) out$x_of <- function(n) alike_in_units(case$x_of(n), out$unit_of(seq_len(n)))
    if (kind == "noise") out$start$proportions <- c(0.95 * case$start$proportions, 0.05)
    out
  }
  out <- lapply(cases, with_latent, kind = "free")
  for (kind in setdiff(names(law_latents), "free")) {
    able <- if (kind == "noise") setdiff(some, "binomial") else some
    out <- c(out, lapply(cases[able], with_latent, kind = kind))
  }
  unname(out)
}

# The same rows, those near each other in the first column (in the share of successes) in one unit.
alike_in_units <- function(x, unit) {
  key <- if (is.integer(x)) x[, 1] / rowSums(x) else as.matrix(x)[, 1]
  law_rows(x, order(key)[order(order(unit))])
}

# What em_fit() gets: rows `at` of those that x_of() made, and what belongs to them. copy: rows that are there several
# times are several units.
law_data <- function(case, x, at = seq_len(NROW(x)), copy = NULL) {
  x <- law_rows(x, at)
  if (is.null(case$unit_of)) return(x)
  data.frame(id = paste(case$unit_of(at), copy), x)
}

law_labels <- function(case, at) if (!is.null(case$label_of)) case$label_of(at)

# The same number for all rows of a unit.
law_recycled <- function(case, values, at) {
  by <- if (is.null(case$unit_of)) at else case$unit_of(at) + 1
  values[(by - 1) %% length(values) + 1]
}

# A run of so many plain iterations from the start of a case.
law_run <- function(case, x, n_iter = 12, ..., start = case$start, control = list(), at = seq_len(NROW(x)),
                    copy = NULL) {
  control <- do.call(em_control, utils::modifyList(list(tol = 0, max_iter = n_iter, accelerate = FALSE), control))
  law_fit(case, x, start = start, control = control, ..., at = at, copy = copy)
}

law_fit <- function(case, x, k = case$k, start = case$start, ..., at = seq_len(NROW(x)), copy = NULL) {
  latent <- if (is.null(case$latent)) em_mixture() else case$latent
  em_fit(law_data(case, x, at, copy), k = k, family = case$family, latent = latent, start = start,
         labels = law_labels(case, at), ...)
}

law_oracle <- function(case, x, n_iter, ..., start = case$start) {
  proportions <- if (is.null(case$latent)) "free" else case$latent$proportions
  if (!is.null(case$oracle$blocks)) {
    return(blocks_oracle(case, x, start, proportions, n_iter = n_iter, ...))
  }
  rows <- seq_len(NROW(x))
  noise <- if (identical(case$kind, "noise")) {
    box <- emfit:::latent_bind(case$latent, emfit:::em_data(x, case$family), case$family)
    rep(-log(emfit:::noise_volume(box)), length(rows))
  }
  reference_em(x, case$k, structure = case$oracle$structure, family = case$oracle$family, start = start,
               proportions = proportions, n_iter = n_iter, log_noise = noise,
               labels = law_labels(case, rows), unit = if (is.null(case$unit_of)) rows else case$unit_of(rows), ...)
}

# Rows that say something.
law_says <- function(case, x) if (is.null(case$says)) rep(TRUE, NROW(x)) else case$says(x)

# Where the groups are known no small step from the fit climbs, of any one number or of all of a parameter, by the
# oracle's density. case$tied: parameters of which the components share something, which can only move together.
expect_law_maximum <- function(case, x, group) {
  k <- max(group)
  fit <- em_fit(x, k = k, family = case$family, labels = group, control = em_control(tol = 1e-14, max_iter = 5000))
  blocks <- case$oracle$blocks(x)
  own <- lapply(case$oracle$parameters(fit$parameters)[[1]], unname)
  loglik <- function(p) {
    density <- reference_block_density(blocks[[1]], p, k)
    sum(density[cbind(seq_along(group), group)][law_says(case, x)])
  }
  best <- loglik(own)
  for (name in names(own)) {
    alone <- if (name %in% case$tied) NULL else as.list(seq_along(own[[name]]))
    for (i in c(alone, list(seq_along(own[[name]])))) for (by in c(0.999, 1.001)) {
      near <- own
      near[[name]][i] <- near[[name]][i] * by
      expect_lt(loglik(near), best + 1e-9)
    }
  }
}

law_loose <- function(case) if (case$structure %in% c("EVE", "VVE")) 1e-6 else 1e-8

law_rows <- function(x, i) if (length(dim(x)) == 2L) x[i, , drop = FALSE] else x[i]

parameter_numbers <- function(fit) unlist(fit$parameters, use.names = FALSE)

expect_same_parameters <- function(a, b, tolerance = 1e-9) {
  expect_equal(parameter_numbers(a), parameter_numbers(b), tolerance = tolerance)
}
