# The worked examples of the literature, to the digits they were computed with. An iteration is one M-step and
# the E-step after it, so a log-likelihood "before iteration i" is the trace at i - 1.

fixture <- function(name) utils::read.csv(test_path("fixtures", name))

# red / blue ------------------------------------------------------------------

red_blue_start <- list(mean = c(red = 1.1, blue = 9), sd = c(2, 1.7))

fit_red_blue <- function(..., latent = em_mixture("equal")) {
  em_fit(red_blue$value, k = 2, latent = latent, start = red_blue_start, control = em_control(...))
}

red_blue_trace <- function(variant) {
  trace <- fixture("red_blue_trace.csv")
  trace[trace$variant == variant, ]
}

red_blue_limit <- list(
  mean = c(2.909593371507, 6.837952023105), sd = c(0.854149110754, 2.227356232048),
  loglik = -88.45253165143825
)

variants <- c(ecm = "sd_about_previous_mean", em = "standard")

for (algorithm in names(variants)) {
  test_that(sprintf("red / blue: twenty iterations by algorithm = \"%s\"", algorithm), {
    trace <- red_blue_trace(variants[[algorithm]])
    fit <- fit_red_blue(algorithm = algorithm, max_iter = 20, tol = 0, accelerate = FALSE, path = TRUE)

    expect_equal(fit$iterations, 20)
    expect_equal(fit$trace$iteration, 0:20)
    expect_false(any(fit$trace$accelerated))
    expect_within(fit$trace$loglik[1:20], trace$loglik_before, 1e-9)

    path <- em_path(fit)
    expect_named(path, c("iteration", "component", "term", "value", "loglik"), ignore.order = TRUE)
    expect_setequal(as.character(path$component), c("red", "blue"))
    expect_setequal(as.character(path$term), c("proportion", "mean", "sd"))
    expect_equal(nrow(path), 21 * 2 * 3)
    values <- path_matrix(path, c("mean", "sd", "proportion"))
    expect_identical(unname(values[1, ]), c(1.1, 9, 2, 1.7, 0.5, 0.5))
    expect_within(
      values[-1, 1:4],
      as.matrix(trace[c("red_mean", "blue_mean", "red_sd", "blue_sd")]), 1e-9
    )
    expect_true(all(values[, 5:6] == 0.5))
    expect_equal(path$loglik, fit$trace$loglik[path$iteration + 1], tolerance = 1e-14)

    expect_identical(unname(values[21, 1:2]), as.numeric(fit$parameters$mean))
    expect_identical(unname(values[21, 3:4]), as.numeric(fit$parameters$sd))
    expect_printed(c(fit$parameters$mean, fit$parameters$sd), c(2.910, 6.838, 0.854, 2.227), 3)
    expect_identical(names(fit$parameters$mean), c("red", "blue"))
  })

  test_that(sprintf("red / blue: the limit of algorithm = \"%s\"", algorithm), {
    plain <- fit_red_blue(algorithm = algorithm, max_iter = 300, tol = 0, accelerate = FALSE)
    expect_within(plain$parameters$mean, red_blue_limit$mean, 1e-11)
    expect_within(plain$parameters$sd, red_blue_limit$sd, 1e-11)
    expect_within(plain$loglik, red_blue_limit$loglik, 1e-11)

    stopped <- fit_red_blue(algorithm = algorithm, tol = 1e-12)
    expect_true(stopped$converged)
    expect_within(c(stopped$parameters$mean, stopped$parameters$sd), unlist(red_blue_limit[1:2]), 1e-5)
    expect_within(stopped$loglik, red_blue_limit$loglik, 1e-10)
  })

  test_that(sprintf("red / blue: the loop by hand gives the iterates of algorithm = \"%s\"", algorithm), {
    trace <- red_blue_trace(variants[[algorithm]])
    start <- em_start(red_blue$value, k = 2, latent = em_mixture("equal"), start = red_blue_start)
    states <- loop_by_hand(red_blue$value, start, 20, algorithm)
    by_hand <- t(vapply(
      states, function(state) unlist(unclass(state$parameters)[c("mean", "sd")]), numeric(4)
    ))
    expect_within(
      by_hand[-1, ],
      as.matrix(trace[c("red_mean", "blue_mean", "red_sd", "blue_sd")]), 1e-9
    )

    fit <- fit_red_blue(algorithm = algorithm, max_iter = 20, tol = 0, accelerate = FALSE, path = TRUE)
    expect_equal(by_hand, unname(path_matrix(em_path(fit), c("mean", "sd"))),
      tolerance = 1e-12, ignore_attr = TRUE
    )
    expect_equal(vapply(states, `[[`, 0, "loglik"), fit$trace$loglik, tolerance = 1e-12)
  })
}

test_that("red / blue: a path that was not kept is replayed from the stored start", {
  kept <- fit_red_blue(algorithm = "ecm", max_iter = 20, tol = 0, accelerate = FALSE, path = TRUE)
  replayed <- fit_red_blue(algorithm = "ecm", max_iter = 20, tol = 0, accelerate = FALSE)
  expect_null(replayed$path)
  expect_equal(em_path(replayed), em_path(kept), tolerance = 1e-14)
})

test_that("red / blue: the first likelihoods at 1.761", {
  start <- em_start(red_blue$value, k = 2, latent = em_mixture("equal"), start = red_blue_start)
  expect_equal(sum(abs(red_blue$value - 1.761) < 0.001), 1)
  density <- exp(em_estep(1.761, start)$log_density)
  expect_printed(density[1, 1], 0.189, 3)
  expect_printed(density[1, 2], 0.00003, 5)
  expect_within(density, c(stats::dnorm(1.761, 1.1, 2), stats::dnorm(1.761, 9, 1.7)), 1e-15)
})

test_that("red / blue: free proportions", {
  proportions <- c(.48421454, 1 - .48421454)
  values <- c(2.900903546, 6.762934193, 0.842853061, 2.268582773)
  fit <- fit_red_blue(latent = em_mixture(), max_iter = 1000, tol = 0, accelerate = FALSE)
  expect_within(fit$parameters$proportions, proportions, 5.1e-9)
  expect_within(c(fit$parameters$mean, fit$parameters$sd), values, 1e-9)
  expect_within(fit$loglik, -88.44650785241, 1e-11)

  accelerated <- fit_red_blue(latent = em_mixture(), tol = 1e-12)
  expect_true(accelerated$converged)
  expect_within(accelerated$loglik, -88.44650785241, 1e-10)
  expect_within(c(accelerated$parameters$mean, accelerated$parameters$sd), values, 1e-5)
})

test_that("red / blue: known colours give the sample's own values", {
  known <- em_mstep(red_blue$value, red_blue$colour, family = em_gaussian())
  expect_s3_class(known, "em_parameters")
  expect_identical(names(known$mean), c("red", "blue"))
  expect_printed(known$mean, c(2.813, 6.973), 3)
  expect_printed(known$sd, c(0.800, 2.039), 3)
  expect_equal(as.numeric(known$proportions), c(0.5, 0.5))
  groups <- split(red_blue$value, red_blue$colour)
  expect_within(known$mean, vapply(groups, mean, 0), 1e-14)
  expect_within(known$sd, vapply(groups, function(x) sqrt(mean((x - mean(x))^2)), 0), 1e-14)
})

# two coins -------------------------------------------------------------------

coins_start <- list(prob = c(A = 0.6, B = 0.5))
tosses <- as.matrix(coins[c("heads", "tails")])

fit_coins <- function(..., start = coins_start, k = 2, latent = em_mixture("equal")) {
  em_fit(cbind(heads, tails) ~ 1,
    data = coins, k = k, family = "binomial", latent = latent, start = start,
    control = em_control(...)
  )
}

start_coins <- function() {
  em_start(tosses, k = 2, family = em_binomial(), latent = em_mixture("equal"), start = coins_start)
}

test_that("coins: thirty iterations", {
  trace <- fixture("coins_trace.csv")
  fit <- fit_coins(max_iter = 30, tol = 0, accelerate = FALSE, path = TRUE)
  expect_equal(fit$trace$iteration, 0:30)
  expect_within(fit$trace$loglik[1:30], trace$loglik_before, 1e-9)
  expect_within(fit$trace$loglik[1], -11.3205865761, 5.1e-11)

  path <- em_path(fit)
  expect_setequal(as.character(path$term), c("proportion", "prob"))
  expect_setequal(as.character(path$component), c("A", "B"))
  values <- path_matrix(path, c("prob", "proportion"))
  expect_within(values[-1, 1:2], as.matrix(trace[c("theta_A", "theta_B")]), 1e-9)
  expect_true(all(values[, 3:4] == 0.5))
  expect_printed(values[2, 1:2], c(0.713, 0.581), 3)
  expect_printed(values[11, 1:2], c(0.797, 0.520), 3)
  expect_printed(values[11, 1:2], c(0.80, 0.52), 2)
  expect_identical(names(fit$parameters$prob), c("A", "B"))
})

test_that("coins: the first E-step and its expected counts", {
  step <- em_estep(tosses, start_coins())
  responsibilities <- step$responsibilities
  expect_identical(colnames(responsibilities), c("A", "B"))
  expect_printed(responsibilities[, "A"], c(0.449, 0.805, 0.733, 0.352, 0.647), 3)
  expect_within(rowSums(responsibilities), rep(1, 5), 1e-15)
  expect_printed(crossprod(responsibilities, coins$heads), c(21.3, 11.7), 1)
  expect_printed(crossprod(responsibilities, coins$tails), c(8.6, 8.4), 1)
  expect_within(step$loglik, -11.3205865761, 5.1e-11)
})

test_that("coins: binomial, multinomial and ordered sequence give the same numbers", {
  step <- em_estep(tosses, start_coins())
  multinomial <- vapply(coins_start$prob, function(p) {
    apply(tosses, 1, stats::dmultinom, prob = c(p, 1 - p))
  }, numeric(5))
  expect_within(exp(step$log_density), multinomial, 1e-14)

  sequence <- exp(step$log_density - lchoose(10, coins$heads))
  expect_printed(sequence[1, ], c(0.00080, 0.00098), 5)
  expect_within(sequence[1, ], c(0.6^5 * 0.4^5, 0.5^10), 1e-16)
  expect_within(sequence / rowSums(sequence), step$responsibilities, 1e-14)

  expect_printed(step$responsibilities[1, ], c(0.45, 0.55), 2)
  expect_printed(step$responsibilities[1, ] * coins$heads[1], c(2.2, 2.8), 1)
  expect_printed(step$responsibilities[1, ] * coins$tails[1], c(2.2, 2.8), 1)
})

test_that("coins: eight iterations where the parameters must move by less than .001", {
  fit <- fit_coins(stop = "parameters", tol = 1e-3, accelerate = FALSE)
  expect_equal(fit$iterations, 8)
  expect_true(fit$converged)
  trace <- fixture("coins_trace.csv")
  expect_within(fit$parameters$prob, unlist(trace[8, c("theta_A", "theta_B")]), 1e-9)
})

test_that("coins: the limit, with and without acceleration", {
  limit <- c(0.7967890669, 0.5195831201)
  plain <- fit_coins(max_iter = 200, tol = 0, accelerate = FALSE)
  expect_within(plain$parameters$prob, limit, 5.1e-11)
  default <- fit_coins()
  expect_true(default$converged)
  expect_printed(default$parameters$prob, c(0.797, 0.520), 3)
  expect_within(default$loglik, plain$loglik, 1e-6)
})

test_that("coins: the loop by hand gives the iterates of em_fit()", {
  trace <- fixture("coins_trace.csv")
  states <- loop_by_hand(tosses, start_coins(), 30)
  by_hand <- t(vapply(states, function(state) as.numeric(state$parameters$prob), numeric(2)))
  expect_within(by_hand[-1, ], as.matrix(trace[c("theta_A", "theta_B")]), 1e-9)
  fit <- fit_coins(max_iter = 30, tol = 0, accelerate = FALSE, path = TRUE)
  expect_equal(by_hand, path_matrix(em_path(fit), "prob"), tolerance = 1e-12, ignore_attr = TRUE)
  expect_equal(vapply(states, `[[`, 0, "loglik"), fit$trace$loglik, tolerance = 1e-12)
})

test_that("coins: equal starts stay at the saddle, and say so", {
  expect_warning(
    fit <- fit_coins(start = list(prob = c(0.5, 0.5)), accelerate = FALSE),
    class = "emfit_warning_coincide"
  )
  expect_within(fit$parameters$prob, c(0.66, 0.66), 1e-12)
  expect_within(fit$loglik, sum(stats::dbinom(coins$heads, 10, 0.66, log = TRUE)), 1e-12)
})

test_that("coins: BIC prefers one coin to two", {
  one <- em_fit(cbind(heads, tails) ~ 1, data = coins, k = 1, family = "binomial")
  two <- fit_coins(tol = 1e-10)
  expect_equal(as.numeric(one$parameters$prob), 0.66, tolerance = 1e-14)
  expect_equal(c(one$df, two$df), c(1, 2))
  expect_printed(c(stats::BIC(one), stats::BIC(two)), c(22.17, 22.81), 2)
})

test_that("coins: known coins give .80 and .45", {
  known <- em_mstep(tosses, coins$coin, family = em_binomial())
  expect_identical(names(known$prob), c("A", "B"))
  expect_equal(as.numeric(known$prob), c(24 / 30, 9 / 20), tolerance = 1e-15)
  expect_equal(as.numeric(known$proportions), c(3 / 5, 2 / 5), tolerance = 1e-15)
})

# three groups ----------------------------------------------------------------

three_start <- list(mean = three_groups[c(80, 13, 205), 1:2], covariance = diag(2))

fit_three <- function(...) {
  em_fit(three_groups[1:2], k = 3, start = three_start, control = em_control(..., accelerate = FALSE))
}

three_final <- list(
  loglik = -1146.1036342018924,
  proportions = c(.33897411, .32778969, .3332362),
  mean = rbind(c(-0.05306686, 4.80730254), c(-0.11766118, -0.00522756), c(5.13881385, 5.06920179)),
  covariance = array(
    c(
      .97884739, .01651067, .01651067, .99516519,
      .73668391, .02409119, .02409119, .9102382,
      1.01449867, -.15134066, -.15134066, .86954933
    ),
    c(2, 2, 3)
  )
)

test_that("three groups: exactly 41 iterations, to the published digits", {
  fit <- fit_three(tol = 1e-4)
  expect_true(fit$converged)
  expect_equal(fit$iterations, 41)
  expect_equal(fit$trace$iteration, 0:41)

  loglik <- fit$trace$loglik
  expect_within(loglik[2:4], c(-1217.159614016255, -1216.5200368534158, -1216.2520724007913), 1e-8)
  expect_within(loglik[41:42], c(-1146.103666185662, three_final$loglik), 1e-8)
  expect_within(fit$loglik, three_final$loglik, 1e-8)
  expect_true(all(diff(loglik) > 0))

  expect_within(fit$parameters$proportions, three_final$proportions, 1e-8)
  expect_identical(dim(fit$parameters$mean), c(3L, 2L))
  expect_identical(colnames(fit$parameters$mean), c("x1", "x2"))
  expect_within(fit$parameters$mean, three_final$mean, 1e-8)
  expect_identical(dim(fit$parameters$covariance), c(2L, 2L, 3L))
  expect_within(fit$parameters$covariance, three_final$covariance, 1e-8)
})

test_that("three groups: the path names its terms and ends at the fit", {
  fit <- fit_three(tol = 1e-4, path = TRUE)
  path <- em_path(fit)
  expect_setequal(unique(path$iteration), 0:41)
  expect_true(all(
    c("proportion", "mean.x1", "mean.x2", "covariance.x1.x1", "covariance.x1.x2", "covariance.x2.x2") %in%
      path$term
  ))
  means <- path_matrix(path, c("mean.x1", "mean.x2"))
  expect_identical(unname(means[1, ]), as.numeric(unlist(three_start$mean)))
  expect_identical(unname(means[42, ]), as.numeric(fit$parameters$mean))
  crossed <- path_matrix(path, "covariance.x1.x2")
  expect_within(crossed[42, ], three_final$covariance[1, 2, ], 1e-8)
})

test_that("three groups: the loop by hand gives the iterates of em_fit()", {
  x <- as.matrix(three_groups[1:2])
  start <- em_start(x, k = 3, start = three_start)
  states <- loop_by_hand(x, start, 41)
  fit <- fit_three(tol = 1e-4)
  expect_within(vapply(states, `[[`, 0, "loglik"), fit$trace$loglik, 1e-9)
  last <- states[[42]]$parameters
  for (field in c("proportions", "mean", "covariance")) {
    expect_within(last[[field]], fit$parameters[[field]], 1e-9)
    expect_within(last[[field]], three_final[[field]], 1e-8)
  }
})

test_that("three groups: known groups give the closed-form estimates", {
  x <- as.matrix(three_groups[1:2])
  known <- em_mstep(x, three_groups$group, family = em_gaussian())
  for (k in 1:3) {
    rows <- x[three_groups$group == k, ]
    expect_within(known$mean[k, ], colMeans(rows), 1e-13)
    expect_within(known$covariance[, , k], stats::cov(rows) * 99 / 100, 1e-13)
  }
  expect_within(known$proportions, rep(1 / 3, 3), 1e-15)
})
