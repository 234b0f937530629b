# A mixture whose components are those of units, below R's own interface: the core against a loop over the units.

unit_case <- function(n = 9007, seed = 3) {
  withr_seed(seed, {
    sizes <- sample(1:9, n, replace = TRUE)
    ends <- as.integer(pmin(cumsum(sizes), n))
    ends <- ends[seq_len(match(n, ends))]
    unit <- findInterval(seq_len(n), ends + 1) + 1
    group <- sample(2, length(ends), replace = TRUE)[unit]
    labels <- integer(n)
    labels[ends[c(2, 5)]] <- c(1L, 2L)
    list(unit = unit,
         data = list(x = matrix(rnorm(n, c(0, 1)[group]), n), weights = c(0, 1, 2.5)[unit %% 3 + 1], missing = FALSE,
                     units = ends, labels = labels),
         family = list(name = "gaussian", covariance = "V", k = 2L),
         latent = list(name = "mixture", proportions = c(0.5, 0.5), held = c(NaN, NaN)),
         parameters = list(proportions = c(0.3, 0.7), mean = c(-0.2, 1.3), sd = c(1, 0.8)))
  })
}

unit_expect <- function(case, want = c("responsibilities", "row_loglik", "statistics", "loglik"), threads = 1L) {
  emfit:::em_expect_cpp(case$data, case$family, case$latent, case$parameters, want, NULL, threads)
}

# The log joint density of each component and its unit's rows up to this one, what is known of the unit included.
naive_units <- function(case) {
  p <- case$parameters
  logs <- sapply(1:2, function(j) dnorm(case$data$x, p$mean[j], p$sd[j], log = TRUE))
  for (i in split(seq_len(nrow(logs)), case$unit)) {
    logs[i[1L], ] <- logs[i[1L], ] + log(p$proportions)
    known <- setdiff(case$data$labels[i], 0L)
    if (length(known)) logs[i[1L], -known] <- -Inf
    logs[i, ] <- apply(logs[i, , drop = FALSE], 2L, cumsum)
  }
  logs
}

log_sums <- function(x) {
  top <- apply(x, 1L, max)
  top + log(rowSums(exp(x - top)))
}

test_that("a unit has one responsibility, and its rows' conditional densities add up to its own", {
  case <- unit_case()
  out <- unit_expect(case)
  joint <- naive_units(case)
  reached <- log_sums(joint)
  last <- case$data$units
  first <- c(1L, last[-length(last)] + 1L)
  r <- exp(joint - reached)[last, ]
  expect_equal(out$responsibilities, r[case$unit, ], tolerance = 1e-12)
  before <- c(0, reached[-length(reached)])
  before[first] <- 0
  expect_equal(out$row_loglik, reached - before, tolerance = 1e-10)
  weights <- case$data$weights[last]
  expect_equal(out$loglik, sum(weights * reached[last]), tolerance = 1e-12)
  size <- tabulate(case$unit)
  counts <- utils::tail(out$statistics, 4)
  expect_equal(counts, c(colSums(weights * r), colSums(weights * size * r)), tolerance = 1e-10)
})

test_that("threads do not show, and units of one row are rows", {
  case <- unit_case()
  one <- unit_expect(case)
  for (threads in 2:3) expect_identical(unit_expect(case, threads = threads), one)
  case$data$units <- seq_len(nrow(case$data$x))
  units <- unit_expect(case)
  case$data$units <- NULL
  rows <- unit_expect(case)
  for (what in c("responsibilities", "row_loglik", "loglik")) {
    expect_equal(units[[what]], rows[[what]], tolerance = 1e-12)
  }
})

test_that("a run by units climbs, and its proportions are those of units", {
  case <- unit_case()
  control <- c(unclass(em_control(max_iter = 60, threads = 2)), row_weight = 1, ends = FALSE)
  start <- list(list(parameters = case$parameters, may_borrow = FALSE))
  run <- emfit:::em_runs_cpp(list(c(case[c("data", "family", "latent")], list(starts = start))), control)[[1]]
  expect_gt(min(diff(run$trace$loglik)), -1e-8)
  case$parameters <- run$parameters
  statistics <- unit_expect(case, "statistics")$statistics
  units <- utils::tail(statistics, 4)[1:2]
  expect_equal(run$parameters$proportions, units / sum(units), tolerance = 1e-4)
  expect_equal(run$counts, utils::tail(statistics, 2), tolerance = 1e-8)
  scores <- emfit:::em_score_cpp(case$data, case$family, case$latent, case$parameters, "scores", NULL, 2L)
  expect_equal(nrow(scores$scores), length(case$data$units))
  weights <- case$data$weights[case$data$units]
  expect_equal(colSums(weights * scores$scores), scores$gradient, tolerance = 1e-6)
})

test_that("units that are none are refused", {
  case <- unit_case(500)
  n <- 500L
  for (ends in list(49L, c(20L, 20L, n), c(0L, n), c(30L, 20L, n), as.double(n), integer())) {
    case$data$units <- ends
    expect_error(unit_expect(case, "loglik"), "data$units must be the last rows of all units, in order", fixed = TRUE,
                 class = "std::invalid_argument")
  }
  case <- unit_case(500)
  case$data$weights <- seq_len(n) + 0.5
  expect_error(unit_expect(case, "loglik"), "weights and beliefs must be the same in all rows of a unit", fixed = TRUE,
               class = "std::invalid_argument")
})
