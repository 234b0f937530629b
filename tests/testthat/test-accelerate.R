# Accelerated steps: when they come, what they may not do, where they end, when they stop.

# Overlapping groups, on which plain iterations are slow.
slow_line <- function(seed, n = 1000) {
  withr_seed(seed, {
    group <- sample(3, n, replace = TRUE, prob = c(0.3, 0.4, 0.3))
    rnorm(n, c(-1, 0, 1.2)[group], c(0.8, 1, 0.7)[group])
  })
}
line_start <- list(mean = c(-0.5, 0, 0.5), sd = c(1, 1, 1))

slow_cloud <- function(seed, n = 600) {
  withr_seed(seed, {
    mean <- matrix(rnorm(9, 0, 0.55), 3)
    group <- sample(3, n, replace = TRUE)
    x <- mean[group, ] + matrix(rnorm(n * 3), n) * sqrt(runif(3, 0.4, 2))[group]
    list(x = x, start = list(mean = mean + matrix(rnorm(9, 0, 0.3), 3), covariance = 0.5 * cov(x)))
  })
}

slow_coins <- function(seed, n = 400) {
  withr_seed(seed, {
    size <- sample(5:20, n, replace = TRUE)
    yes <- rbinom(n, size, c(0.3, 0.45, 0.6)[sample(3, n, replace = TRUE)])
    list(x = cbind(yes, size - yes), start = list(prob = sort(runif(3))))
  })
}

quiet_fit <- function(...) suppressWarnings(em_fit(...), classes = "emfit_warning")

test_that("a slow run takes long steps after ten plain ones, a quick one takes none, and the trace says which", {
  fit <- em_fit(slow_line(1), start = line_start)
  expect_true(fit$converged)
  expect_false(any(fit$trace$accelerated[1:11]))
  expect_gt(sum(fit$trace$accelerated), 20)
  expect_gte(fit$passes, fit$iterations + 1)
  quick <- em_fit(faithful, start = list(mean = cbind(c(4.3, 2), c(80, 55)), covariance = diag(c(0.2, 40))))
  expect_true(quick$converged)
  expect_false(any(quick$trace$accelerated))
  plain <- quiet_fit(slow_line(1), start = line_start, control = em_control(accelerate = FALSE))
  expect_false(any(plain$trace$accelerated))
  before <- seq_len(which(fit$trace$accelerated)[1] - 1)
  expect_identical(fit$trace$loglik[before], plain$trace$loglik[before])
})

test_that("a tenth of the passes reaches the optimum of plain EM", {
  x <- slow_line(2)
  plain <- em_fit(x, start = line_start, control = em_control(tol = 0, max_iter = 20000, accelerate = FALSE))
  fit <- em_fit(x, start = line_start)
  there <- which(plain$trace$loglik > plain$loglik - 1e-2)[1]
  expect_lt(10 * fit$passes, there)
  expect_equal(fit$loglik, plain$loglik, tolerance = 1e-8)
})

test_that("no step lowers the log-likelihood, and the end is not below that of plain EM", {
  runs <- c(
    lapply(1:12, function(seed) list(x = slow_line(seed), start = line_start, family = em_gaussian("V"))),
    lapply(1:14, function(seed) c(slow_cloud(seed), list(family = em_gaussian(law_structures[seed])))),
    lapply(1:8, function(seed) c(slow_coins(seed), list(family = em_binomial())))
  )
  for (run in runs) {
    fit <- quiet_fit(run$x, start = run$start, family = run$family)
    plain <- quiet_fit(run$x, start = run$start, family = run$family, control = em_control(accelerate = FALSE))
    expect_gte(min(diff(fit$trace$loglik)), -1e-10 * abs(fit$loglik))
    expect_gte(fit$loglik - plain$loglik, -1e-6)
    expect_lte(fit$iterations, plain$iterations + 20)
  }
})

# Overlapping groups, means at random rows: on its way EM passes close to saddles.
near_saddles <- function(seed) {
  withr_seed(seed, {
    structure <- c("VVV", "VII", "EEE", "VVI", "VEV", "V")[seed %% 6 + 1]
    d <- if (structure == "V") 1 else sample(2:3, 1)
    k <- sample(2:4, 1)
    n <- sample(c(150, 300, 600), 1)
    means <- matrix(rnorm(k * d, 0, runif(1, 0.5, 1.5)), k)
    group <- sample(k, n, TRUE)
    x <- means[group, , drop = FALSE] + matrix(rnorm(n * d), n) * sqrt(runif(k, 0.4, 2))[group]
    at <- x[sample(n, k), , drop = FALSE]
    start <- if (d == 1) list(mean = at[, 1], sd = rep(sd(x), k)) else list(mean = at, covariance = cov(x))
    list(x = x, start = start, family = em_gaussian(structure))
  })
}

# With pairs that are trusted wherever they were met, each of these ends .4 to 2.1 lower.
test_that("the way stays near that of plain EM, past saddles too", {
  for (seed in c(76, 104, 156, 173, 231, 431)) {
    case <- near_saddles(seed)
    run <- function(accelerate) {
      quiet_fit(case$x, start = case$start, family = case$family,
                control = em_control(tol = 1e-8, max_iter = 20000, accelerate = accelerate))
    }
    fit <- run(TRUE)
    plain <- run(FALSE)
    expect_lt(2 * fit$passes, plain$passes)
    expect_gt(fit$loglik, plain$loglik - 1e-6)
  }
})

test_that("long steps begin for the gain to come of each row, so that many rows need not wait", {
  for (seed in 1:3) {
    control <- em_control(tol = 0, max_iter = 40)
    many <- em_fit(slow_line(seed, 20000), start = line_start, control = control)
    expect_lt(which(many$trace$accelerated)[1], 30)
    expect_false(any(many$trace$accelerated[1:11]))
  }
})

test_that("slow clouds take few passes", {
  passes <- vapply(1:8, function(seed) {
    cloud <- slow_cloud(seed, 2000)
    quiet_fit(cloud$x, start = cloud$start)$passes
  }, 0L)
  expect_lt(sum(passes), 900)
})

# Stopped early, components that overlap much may lie close enough to be told of.
near_twins <- function(code) suppressWarnings(code, classes = "emfit_warning_coincide")

test_that("converged means that ten times the iterations gain less than tol", {
  for (tol in c(1e-2, 1e-4, 1e-6)) {
    runs <- c(
      lapply(1:4, function(seed) list(x = slow_line(seed), start = line_start, family = em_gaussian("V"))),
      lapply(1:4, function(seed) c(slow_cloud(seed), list(family = em_gaussian(c("VVV", "VEV", "EEE", "VII")[seed])))),
      lapply(1:2, function(seed) c(slow_coins(seed), list(family = em_binomial()))),
      list(list(x = faithful, start = list(mean = faithful[c(1, 2), ], covariance = cov(faithful)),
                family = em_gaussian()))
    )
    for (run in runs) {
      control <- em_control(tol = tol, max_iter = 5000)
      fit <- near_twins(em_fit(run$x, start = run$start, family = run$family, control = control))
      expect_true(fit$converged)
      more <- em_control(tol = 0, max_iter = 10 * fit$iterations)
      longer <- near_twins(em_fit(run$x, start = fit, family = run$family, control = more))
      expect_lt(longer$loglik - fit$loglik, tol)
    }
  }
})

test_that("ten iterations are plain even where the pace has settled from the first", {
  x <- slow_line(1)
  late <- quiet_fit(x, start = line_start, control = em_control(accelerate = FALSE, max_iter = 400))
  fit <- em_fit(x, start = late)
  expect_identical(which(fit$trace$accelerated)[1], 12L)
})

test_that("an accelerated fit keeps to its structure, and to what is held", {
  cloud <- slow_cloud(3)
  tied <- em_fit(cloud$x, start = cloud$start, family = em_gaussian("EEE"))
  expect_true(any(tied$trace$accelerated))
  expect_identical(tied$parameters$covariance[, , 1], tied$parameters$covariance[, , 2])
  shape <- em_fit(cloud$x, start = cloud$start, family = em_gaussian("VEV"))
  expect_true(any(shape$trace$accelerated))
  values <- apply(shape$parameters$covariance, 3, function(s) eigen(s, symmetric = TRUE)$values)
  expect_equal(values[, 2] / values[1, 2], values[, 1] / values[1, 1], tolerance = 1e-6)
  held <- em_fit(slow_line(4), start = line_start, latent = em_mixture(c(0.3, 0.4, 0.3)))
  expect_true(any(held$trace$accelerated))
  expect_identical(unname(held$parameters$proportions), c(0.3, 0.4, 0.3))
  expect_equal(sum(tied$parameters$proportions), 1, tolerance = 1e-14)
})

test_that("weights are replicated rows, threads change no bit, and gaps are accelerated too", {
  x <- slow_line(5, 300)
  weighted <- em_fit(x, start = line_start, weights = rep(2, 300))
  twice <- em_fit(c(x, x), start = line_start)
  expect_true(any(weighted$trace$accelerated))
  expect_equal(weighted$loglik, twice$loglik, tolerance = 1e-9)
  many <- slow_line(6, 9000)
  run <- function(threads) em_fit(many, start = line_start, control = em_control(threads = threads))
  expect_identical(run(1)[c("parameters", "trace")], run(2)[c("parameters", "trace")])
  cloud <- slow_cloud(5)
  cloud$x[cbind(seq(1, 600, 7), 2)] <- NA
  gaps <- suppressMessages(em_fit(cloud$x, start = cloud$start))
  expect_true(gaps$converged && any(gaps$trace$accelerated))
})

test_that("tol = 0 runs exactly max_iter iterations, and stop = \"parameters\" ends", {
  fit <- em_fit(slow_line(7), start = line_start, control = em_control(tol = 0, max_iter = 300))
  expect_identical(fit$iterations, 300L)
  expect_lt(diff(tail(fit$trace$loglik, 2)), 1e-8)
  expect_lt(fit$passes, 700)
  still <- em_fit(slow_line(7), start = line_start, control = em_control(tol = 1e-6, stop = "parameters"))
  expect_true(still$converged)
  expect_equal(still$loglik, fit$loglik, tolerance = 1e-9)
})
