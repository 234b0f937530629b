test_that("the log-likelihood includes the coefficients", {
  fit <- em_fit(coins$heads, 1, em_binomial(10))
  expect_equal(fit$loglik, sum(dbinom(coins$heads, 10, mean(coins$heads) / 10, log = TRUE)),
               tolerance = 1e-14)
})

test_that("log coefficients are right from 1 trial to 1e6", {
  size <- c(1, 10, 255, 256, 257, 1000, 1e6)
  successes <- c(1, 3, 100, 100, 100, 500, 12345)
  fit <- em_fit(successes, 1, em_binomial(size))
  p <- sum(successes) / sum(size)
  expect_equal(predict(fit, type = "logdensity"), dbinom(successes, size, p, log = TRUE), tolerance = 1e-11)
})

test_that("trials may differ from row to row", {
  size <- c(5, 20, 8, 12, 30, 6)
  successes <- c(1, 16, 2, 9, 24, 1)
  fit <- em_fit(successes, 2, em_binomial(size), start = list(prob = c(0.7, 0.3)),
                control = em_control(tol = 1e-12))
  r <- predict(fit, type = "prob")
  expect_equal(unname(fit$parameters$prob), unname(colSums(r * successes) / colSums(r * size)),
               tolerance = 1e-8)
})

test_that("tallying rows changes nothing", {
  set.seed(8)
  size <- sample(3:6, 400, replace = TRUE)
  y <- rbinom(400, size, c(0.2, 0.7)[sample(2, 400, replace = TRUE)])
  data <- em_data(y, em_binomial(size))
  model <- list(family = em_binomial(size), latent = em_mixture(), k = 2L)
  small <- tallied(data, model)
  expect_identical(nrow(small$x), nrow(unique(cbind(y, size))))
  expect_identical(sum(small$weights), 400)
  expect_equal(em_fit(y, family = em_binomial(size), start = list(prob = c(0.2, 0.7)))$loglik,
               sum(predict(em_fit(y, family = em_binomial(size), start = list(prob = c(0.2, 0.7))),
                           type = "logdensity")),
               tolerance = 1e-12)
})

test_that("rows are tallied as by hand, in the order they were met, also when there are thousands of them", {
  withr_seed(9, {
    trials <- c(sample(0:90, 5000, replace = TRUE), 1e15, 2^53, 1e15)
    x <- cbind(floor(trials * runif(5003)), trials)
    weights <- sample(0:5, 5003, replace = TRUE) / 4
  })
  x[5003, ] <- x[5001, ]
  key <- paste(x[, 1], x[, 2])
  expect_gt(sum(!duplicated(key)), 2000)
  for (w in list(NULL, weights)) {
    tally <- em_tally_cpp(x, w)
    expect_identical(tally$x, unname(x[!duplicated(key), ]))
    by_hand <- tapply(if (is.null(w)) rep(1, 5003) else w, factor(key, unique(key)), sum)
    expect_identical(tally$weights, as.vector(by_hand))
  }
})

# successes, trials, probability, log density: by 60 digits, of the probability as the double that it is.
exact_densities <- matrix(c(
  300, 1000, 0.3, -3.5928057905186981, 60, 101, 0.5, -4.3157543692830211, 123456, 300000, 0.41, -7.9477738537061704,
  299999123, 1e9, 0.3, -10.50207800316187, 300000000, 1e9, 0.3, -10.500247577859036, 1, 1e9, 1e-9, -0.9999999995,
  999999997, 1e9, 0.9999, -99972.253016409638, 299999999123, 1e12, 0.3, -13.954127047461167,
  500001000000, 1e12, 0.5, -16.041301910608585, 700000000123456, 1e15, 0.7, -17.408039145445586,
  500000000000000, 1e15, 0.5, -17.49517955010007, 123456789, 1e15, 1e-7, -2558162.2872919918,
  100000123456789, 1e15, 0.1, -101.65976099439702, 999999999999999, 1e15, 0.999999999999999, -1.0000003195928371,
  2, 1e15, 0.4, -510825623765923.15, 999999999999000, 1e15, 1e-3, -6907755278946603.6
), ncol = 4, byrow = TRUE)

log_density_at <- function(successes, trials, prob) {
  k <- length(prob)
  em_expect_cpp(list(x = cbind(as.double(successes), as.double(trials))), list(name = "binomial", k = k),
                list(name = "mixture", proportions = rep(1 / k, k), held = rep(NaN, k)),
                list(proportions = rep(1 / k, k), prob = as.double(prob)), "log_density", NULL, 1L)$log_density
}

test_that("log densities are right to 1e-12 of themselves for any number of trials", {
  for (i in seq_len(nrow(exact_densities))) {
    case <- exact_densities[i, ]
    found <- drop(log_density_at(case[1], case[2], case[3]))
    expect_lt(abs(found / case[4] - 1), 1e-13)
  }
  prob <- c(0.3, 0.5, 1e-9, 0.9999, 1e-300, 0, 1)
  for (m in c(1, 2, 10, 15, 16, 100, 101, 1000, 1e6)) {
    y <- unique(pmin(round(c(0, 1, 2, m * c(0.1, 0.3), m * 0.3 + 2 * sqrt(m), m - 1, m)), m))
    known <- outer(y, prob, function(y, p) dbinom(y, m, p, log = TRUE))
    ours <- log_density_at(y, rep(m, length(y)), prob)
    expect_identical(is.infinite(ours), is.infinite(known))
    expect_lt(max((abs(ours - known) / abs(known))[is.finite(known) & known != 0]), 1e-12)
  }
})

test_that("a fit of very many trials has the log-likelihood of its parameters", {
  for (m in c(1e5, 1e6, 1e9, 1e12)) {
    y <- round(m * c(0.2, 0.2, 0.7, 0.7)) + round(sqrt(m) * c(-0.3, 0.2, 0.1, -0.4))
    fit <- em_fit(y, family = em_binomial(m), start = list(prob = c(0.3, 0.6)))
    known <- sum(dbinom(y, m, rep(fit$parameters$prob, each = 2), log = TRUE)) - 4 * log(2)
    expect_equal(fit$loglik, known, tolerance = 1e-11)
    expect_lt(max(predict(fit, type = "logdensity")), 0)
    # What the loop reads differs by less than shows from what is reported.
    expect_lt(abs(fit$trace$loglik[nrow(fit$trace)] - fit$trace$loglik[nrow(fit$trace) - 1]), 1e-6)
  }
})
