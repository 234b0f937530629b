# Calls of the C++ functions themselves, past all checks of R: sound calls of random shapes, then one thing in them spoilt.

some_native <- function() {
  n <- sample(c(1L, 2L, 5L, 64L, 65L, 300L), 1L)
  k <- sample.int(5L, 1L)
  binomial <- rarely(4)
  d <- if (binomial) 2L else sample(c(1L, 2L, 3L, 5L, 13L), 1L)
  x <- matrix(stats::rnorm(n * d), n, d)
  missing <- !binomial && rarely(4)
  if (missing) x[stats::runif(n * d) < 0.3] <- NA
  if (missing) x <- x[do.call(order, lapply(seq_len(d), function(j) is.na(x[, j]))), , drop = FALSE]
  if (binomial) x <- cbind(stats::rbinom(n, 7L, 0.4) + 0, rep(7, n))
  proportions <- some_proportions(k)
  parameters <- if (binomial) list(proportions = proportions, prob = stats::runif(k)) else {
    spread <- if (d == 1L) list(sd = stats::rexp(k) + 0.01)
              else list(covariance = array(unlist(lapply(1:k, function(j) diag(stats::rexp(d) + 0.01, d))), c(d, d, k)))
    c(list(proportions = proportions, mean = if (d == 1L) stats::rnorm(k) else matrix(stats::rnorm(k * d), k, d)), spread)
  }
  structures <- if (d == 1L) c("E", "V") else
    c("EII", "VII", "EEI", "VEI", "EVI", "VVI", "EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV", "VVV")
  list(
    data = list(x = x, weights = if (rarely(3)) stats::runif(n), missing = missing, kernels = NULL),
    family = if (binomial) list(name = "binomial", size = NULL, k = k)
             else list(name = "gaussian", covariance = sample(structures, 1L), k = k),
    latent = list(name = "mixture", proportions = proportions, held = if (rarely(3)) proportions else rep(NaN, k)),
    parameters = parameters,
    starts = list(pick(list(partition = sample.int(k, n, replace = TRUE), may_borrow = TRUE),
                       list(responsibilities = matrix(1 / k, n, k), may_borrow = FALSE),
                       list(parameters = parameters, may_borrow = rarely(2)))),
    control = c(unclass(em_control(max_iter = sample(0:20, 1L), tol = pick(0, 1e-6), accelerate = rarely(2), threads = sample.int(3L, 1L))),
                list(row_weight = 1, ends = rarely(2)))
  )
}

# One element, at any depth, becomes something else.
spoil_list <- function(x) {
  if (!length(x)) return(rubbish())
  at <- sample.int(length(x), 1L)
  if (is.list(x[[at]]) && length(x[[at]]) && !rarely(5)) {
    x[[at]] <- spoil_list(x[[at]])
    return(x)
  }
  value <- x[[at]]
  x[at] <- list(if (is.numeric(value) && length(value)) {
    pick(spoil(value), value[-1L], c(value, value[1L]), as.integer(suppressWarnings(pmin(pmax(value, -9), 9))), -value, value * 0, rubbish())
  } else rubbish())
  if (rarely(6)) x[-at] else x
}

# Those of an E-step, or any.
statistics_for <- function(n) {
  core <- get("em_expect_cpp", asNamespace("emfit"))
  made <- tryCatch(core(n$data, n$family, n$latent, n$parameters, "statistics", NULL, 1L)$statistics, error = function(e) NULL)
  if (is.null(made)) stats::rexp(sample(0:60, 1L)) else made
}

# Coordinates as many as there are free parameters, or not.
some_points <- function(n) {
  core <- get("em_runs_cpp", asNamespace("emfit"))
  task <- list(data = n$data, family = n$family, latent = n$latent, starts = n$starts)
  free <- tryCatch(core(list(task), n$control)[[1L]]$df, error = function(e) NULL)
  if (is.null(free)) free <- sample(0:40, 1L)
  matrix(stats::rnorm(2 * free) / 10, free, 2L)
}

# The same model once or more.
some_tasks <- function(n, starts) {
  lapply(seq_len(sample.int(3L, 1L)), function(i) list(data = n$data, family = n$family, latent = n$latent, starts = starts))
}

# For each row the group it is left out with, numbered as they appear.
some_groups <- function(n) {
  rows <- NROW(n$data$x)
  pick(seq_len(rows), rep(1L, rows), (seq_len(rows) + 1L) %/% 2L)
}

# What a chain over the columns of the data as log densities of its states is asked with.
some_chain <- function(n) {
  states <- max(NCOL(n$data$x), 1L)
  rows <- NROW(n$data$x)
  list(initial = rep(1 / states, states), transition = diag(states), ends = unique(c(pick(1L, rows), rows)),
       answer = pick("path", "filtered", "others", "before", "entropy"))
}

# A corpus with topics, expected words and what a run of them is told.
some_topics <- function() {
  k <- sample.int(3L, 1L)
  terms <- sample.int(6L, 1L)
  counts <- matrix(stats::rpois(5L * terms, 1), 5L)
  cells <- which(t(counts) > 0)
  kind <- sample(c("held", "symmetric", "free"), 1L)
  list(
    corpus = list(begin = c(0L, as.integer(cumsum(rowSums(counts > 0)))), term = (cells - 1L) %% terms, n_terms = terms,
                  count = t(counts)[cells] + 0, weights = if (rarely(3)) stats::runif(5L)),
    topic = matrix(1 / terms, k, terms), alpha = stats::rexp(k) + 0.01, expected = matrix(rowSums(counts) / k, k, 5L, byrow = TRUE),
    held = if (rarely(4)) matrix(NaN, k, terms), kind = kind, words = matrix(stats::rexp(k * terms), k),
    control = list(tol = pick(0, 1e-6), max_iter = sample(0:20, 1L), fresh_every = pick(0L, 3L), fresh_first = pick(0L, 2L),
                   alpha_from = 1L, first = 0L, alpha = kind, threads = sample.int(3L, 1L))
  )
}

# What a worker with a share of the rows is asked: nodes of sums, and a description in d dimensions.
some_share <- function(d) {
  some <- rarely(2)
  list(description = if (rarely(2)) stats::rexp(1 + 2 * d + d^2), first = pick(0, 5), n = pick(1, 4096), about = numeric(if (some) 0L else d),
       state = numeric(if (some) d + 1L else d * (d + 3L)), level = c(1L, 0L), index = c(0, 2), sums = matrix(1:6 + 0.5, 3L),
       weights = stats::rexp(4L), file = tempfile(), begin = pick(0, 8))
}

some_sums <- function() {
  list(counts = stats::rexp(2L, 0.1), proportions = c(0.5, 0.5), mean = matrix(stats::rnorm(4L), 2L),
       covariance = array(diag(2), c(2L, 2L, 2L)), level = stats::rnorm(1L))
}

# A sound call of which this function may say that it can't be answered.
may_refuse <- function(name, n) {
  switch(name, given = , refit = , races = , sums = , relatives = , merges = , places = , share_expect = , share_describe = TRUE, counts = , tally = n$family$name != "binomial", FALSE)
}

fuzz_boundary <- function() {
  n <- some_native()
  sound <- rarely(4)
  if (!sound) part <- sample(names(n), 1L)
  if (!sound) n[[part]] <- spoil_list(n[[part]])
  core <- function(name) get(name, asNamespace("emfit"))
  want <- c("responsibilities", "log_density", "row_loglik", "statistics", "loglik")
  threads <- if (sound) sample.int(3L, 1L) else pick(1L, 2L, 3L, rubbish())
  start <- if (is.list(n$starts) && length(n$starts) && is.list(n$starts[[1L]])) n$starts[[1L]]
  groups <- if (sound) some_groups(n) else pick(some_groups(n), 0L, 3L, NA_integer_, rubbish())
  chain <- if (sound) some_chain(n) else spoil_list(some_chain(n))
  topics <- if (sound) some_topics() else spoil_list(some_topics())
  keys <- list(seed = pick(0, 1e9), before = pick(0, 2^40), n = pick(0L, 5L))
  if (!sound) keys <- list(seed = pick(-1, 0, NaN, Inf), before = pick(-1, 2^40, NaN), n = pick(-1L, 0L, 5L, NA_integer_))
  sums <- if (sound) list(some_sums()) else list(spoil_list(some_sums()))
  share <- if (sound) some_share(NCOL(n$data$x)) else spoil_list(some_share(NCOL(n$data$x)))
  shares <- if (sound) stats::runif(NCOL(n$data$x)) else pick(stats::runif(NCOL(n$data$x) + 1L), rubbish())
  calls <- list(
    run = quote(core("em_runs_cpp")(list(list(data = n$data, family = n$family, latent = n$latent, starts = n$starts)), n$control)),
    start = quote(core("em_start_cpp")(n$data, n$family, pick("kmeans++", "random", "partition", "x"), c(1, 2, 1e9))),
    expect = quote(core("em_expect_cpp")(n$data, n$family, n$latent, n$parameters, want, NULL, threads)),
    given = quote(core("em_expect_cpp")(n$data, n$family, n$latent, n$parameters, want, start$responsibilities, threads)),
    maximise = quote(core("em_maximise_cpp")(statistics_for(n), n$data, n$family, n$latent, n$parameters, "em")),
    score = quote(core("em_score_cpp")(n$data, n$family, n$latent, n$parameters, pick("information", "scores", "outer"), NULL, threads)),
    refit = quote(core("em_runs_cpp")(some_tasks(n, list(start)), n$control)),
    places = quote(core("em_score_cpp")(n$data, n$family, n$latent, n$parameters, "parameters", some_points(n), threads)),
    races = quote(core("em_runs_cpp")(some_tasks(n, n$starts), c(n$control, list(race = emfit:::table_race(1L))))),
    sums = quote(core("em_sums_cpp")(n$data, n$family, n$latent, n$starts, threads)),
    relatives = quote(core("em_relatives_cpp")(sums, pick("EII", "VVV", "EEV", "E", "X"))),
    merges = quote(core("em_merges_cpp")(n$parameters, pick(2L, 3L, NROW(n$parameters$mean)), pick(0, 2, Inf))),
    clarity = quote(core("em_expect_cpp")(n$data, n$family, n$latent, n$parameters, "clarity", NULL, threads)),
    leave_out = quote(core("em_leave_out_cpp")(n$data, n$family, n$latent, n$parameters, groups, threads)),
    bayes = quote(core("em_bayes_cpp")(n$data$x, shares, rarely(2), threads)),
    counts = quote(core("em_describe_cpp")(n$data$x, "counts", n$family$size)),
    tally = quote(core("em_describe_cpp")(n$data$x, "tally", n$data$weights)),
    finite = quote(core("em_describe_cpp")(n$data$x, "finite", NULL)),
    distances = quote(core("em_expect_cpp")(n$data, n$family, n$latent, n$parameters, "distances", NULL, threads)),
    chain = quote(core("em_chain_cpp")(n$data$x, chain$initial, chain$transition, chain$ends, chain$answer)),
    topics_run = quote(core("em_topics_run_cpp")(topics$corpus, topics$topic, topics$alpha, topics$expected, topics$held, topics$control)),
    topics_expect = quote(core("em_topics_expect_cpp")(topics$corpus, topics$topic, topics$alpha, topics$expected, 1e-8, 20L, threads)),
    topics_maximise = quote(core("em_topics_maximise_cpp")(topics$words, -stats::rexp(length(topics$alpha)), 5, topics$topic,
                                                           topics$alpha, topics$kind, topics$held)),
    keys = quote(core("em_row_keys_cpp")(keys$seed, keys$before, keys$n)),
    share_expect = quote(core("em_share_expect_cpp")(n$data, n$family, n$latent, as.double(unlist(n$parameters)), TRUE, share$description,
                                                     threads)),
    share_describe = quote(core("em_share_describe_cpp")(n$data, n$family, n$latent, share$first, share$n, share$about, share$state)),
    share_total = quote(core("em_share_total_cpp")(share$level, share$index, share$sums)),
    share_weight = quote(core("em_share_weight_cpp")(share$weights, 0)),
    doubles = quote(core("em_read_doubles_cpp")(share$file, share$begin, numeric(3L))),
    kernels = quote(core("em_kernels_cpp")())
  )
  refused <- 0L
  for (name in names(calls)) {
    tryCatch(suppressWarnings(eval(calls[[name]])), error = function(e) {
      refused <<- refused + 1L
      known <- c("std::invalid_argument", "Rcpp::exception", "Rcpp::not_compatible", "Rcpp::index_out_of_bounds", "std::exception", "C++Error")
      if (grepl("time limit", conditionMessage(e))) fault("%s took too long", name)
      if (!inherits(e, known) && !inherits(e, "simpleError")) fault("%s: error of class %s", name, class(e)[1L])
      if (sound && !may_refuse(name, n)) fault("%s refused a sound call: %s", name, one_line(conditionMessage(e)))
    })
  }
  if (refused < length(calls) - 1L) "returned" else "refused"
}
