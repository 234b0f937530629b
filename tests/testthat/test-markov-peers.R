# The oracle of helper-markov.R, before anything leans on it: enumeration, and what depmixS4 and HiddenMarkov found
# (data-raw/markov-peers.R).

fixture_table <- function(name) utils::read.csv(test_path("fixtures", name))

peer_data <- function(name) {
  switch(name,
    speed = with(fixture_table("markov_speed.csv"), list(x = rt, series = series)),
    earthquakes = list(x = earthquakes$count), faithful = list(x = faithful$waiting), Nile = list(x = as.numeric(Nile))
  )
}

peer_parameters <- function(rows, k) {
  own <- function(name) rows$value[rows$parameter == name]
  chain <- list(initial = own("initial"), transition = matrix(own("transition"), k))
  chain$initial <- chain$initial / sum(chain$initial)
  chain$transition <- chain$transition / rowSums(chain$transition)
  names <- intersect(c("mean", "sd", "rate"), rows$parameter)
  list(chain = chain, own = stats::setNames(lapply(names, own), names))
}

test_that("the oracle agrees with the enumeration of all paths", {
  withr_seed(1, log_density <- matrix(rnorm(15), 5))
  log_density[3, 2:3] <- -Inf
  log_density[4, ] <- 0
  chain <- list(initial = c(0.2, 0.5, 0.3), transition = rbind(c(0.8, 0.1, 0.1), c(0, 0.5, 0.5), c(0.3, 0.3, 0.4)))
  sums <- markov_series(log_density, chain)
  all <- markov_enumerate(log_density, chain)
  expect_within(sums$loglik, all$loglik, 1e-13)
  expect_within(sums$smooth, all$smooth, 1e-13)
  expect_within(sums$transitions, all$transitions, 1e-13)
  best <- markov_path(log_density, chain)
  expect_identical(best$path, as.integer(all$path))
  expect_within(best$log_joint, all$log_joint, 1e-13)
  expect_within(rowSums(sums$filter), rep(1, 5), 1e-13)
  expect_within(sums$filter[5, ], sums$smooth[5, ], 1e-13)
})

test_that("the oracle treats series, weights, labels and held cells as they are meant", {
  x <- c(1, 4, 2, 5, 1, 3)
  chain <- list(initial = c(0.4, 0.6), transition = rbind(c(0.7, 0.3), c(0.2, 0.8)))
  run <- function(...) {
    markov_em(..., chain = chain, parameters = list(rate = c(1, 4)), log_density = markov_poisson$log_density,
              maximise = markov_poisson$maximise)
  }
  twice <- run(c(x, x[1:3]), series = rep(c("b", "a", "c"), each = 3))
  weighted <- run(x, series = rep(c("b", "a"), each = 3), weights = rep(2:1, each = 3))
  expect_within(weighted$trace, twice$trace, 1e-12)
  expect_true(all(diff(twice$trace) > 0))
  known <- run(x, labels = c(1, 2, 1, 2, 1, 1), n_iter = 1)
  expect_within(known$parameters$transition, rbind(c(1, 2) / 3, c(1, 0)), 1e-12)
  expect_within(known$parameters$rate, c(7 / 4, 9 / 2), 1e-12)
  held <- run(x, held = list(transition = rbind(c(NA, NA), c(0, 1))))
  expect_identical(held$parameters$transition[2, ], c(0, 1))
  gap <- run(c(1, NA, 2), n_iter = 0)
  far <- markov_series(markov_poisson$log_density(matrix(c(1, 2)), list(rate = c(1, 4))),
                       list(initial = chain$initial, transition = chain$transition %*% chain$transition))
  expect_within(gap$loglik, far$loglik, 1e-12)
})

test_that("the oracle has the log-likelihoods of depmixS4 and HiddenMarkov, and stays where they ended", {
  optima <- fixture_table("markov_optima.csv")
  estimates <- fixture_table("markov_estimates.csv")
  for (i in seq_len(nrow(optima))) {
    case <- optima[i, ]
    found <- peer_parameters(estimates[estimates$data == case$data & estimates$k == case$k, ], case$k)
    given <- peer_data(case$data)
    family <- if (case$family == "poisson") markov_poisson else markov_gaussian
    series <- if (is.null(given$series)) rep(1, length(given$x)) else given$series
    run <- markov_em(given$x, found$chain, found$own, family$log_density, family$maximise, n_iter = 2, series = series)
    expect_within(run$trace[1], case$loglik, 1e-5)
    expect_within(run$trace[3], case$loglik, 1e-5)
    if (!is.na(case$hidden_markov)) expect_within(case$hidden_markov, case$loglik, 1e-5)
  }
})

test_that("stationary chains on the earthquakes have the log-likelihoods that Zucchini and MacDonald print", {
  printed <- fixture_table("markov_printed.csv")
  optima <- fixture_table("markov_optima.csv")
  free <- printed[printed$initial == "free", ]
  expect_printed(-optima$loglik[optima$data == "earthquakes" & optima$k == free$k], free$minus_loglik, 4)
  for (k in 1:2) {
    at <- function(z) {
      rate <- exp(z[seq_len(k)])
      transition <- diag(k)
      transition[row(transition) != col(transition)] <- exp(z[-seq_len(k)])
      transition <- transition / rowSums(transition)
      initial <- solve(t(diag(k) - transition + 1), rep(1, k))
      density <- markov_poisson$log_density(matrix(earthquakes$count), list(rate = rate))
      -markov_series(density, list(initial = initial, transition = transition))$loglik
    }
    start <- c(log(c(15, 26)[seq_len(k)]), rep(-2, k * (k - 1)))
    found <- if (k == 1) at(log(mean(earthquakes$count))) else stats::optim(start, at, method = "BFGS")$value
    expect_printed(found, printed$minus_loglik[printed$initial == "stationary" & printed$k == k], 4)
  }
})
