# em_cdf() and quantile() against 50 digits (data-raw/density-reference.py), against R's own functions, and back.

test_that("both tails and their logarithms have all digits", {
  table <- read.csv(test_path("fixtures", "density.csv"))
  fits <- density_fits()
  for (rows in split(table, table[c("case", "lower", "log")])) {
    rows <- rows[rows$what == "cdf", ]
    if (!nrow(rows)) next
    found <- em_cdf(fits[[rows$case[1]]], rows$at, lower.tail = rows$lower[1], log.p = rows$log[1])
    expect_lt(max(abs(found / rows$value - 1)), 2e-15)
  }
})

test_that("quantiles are right to what the distribution function can tell", {
  table <- read.csv(test_path("fixtures", "density.csv"))
  fits <- density_fits()
  for (case in names(fits)) {
    rows <- table[table$case == case & table$what == "quantile", ]
    found <- quantile(fits[[case]], rows$at, names = FALSE)
    # one unit in the last place of x, or what one unit in the last place of p moves it by
    p <- pmin(rows$at, 1 - rows$at)
    slope <- predict(fits[[case]], found, type = "density")
    unit <- pmax(2.3e-16 * abs(rows$value), 4e-16 * p / slope)
    expect_lt(max(abs(found - rows$value) / unit), 1.5)
  }
  # 1 - 1e-15 is not what a solver of 1 - F sees
  expect_equal(quantile(fits$far, 1e-15, lower.tail = FALSE, names = FALSE),
               quantile(fits$far, 1 - 1e-15, names = FALSE), tolerance = 1e-9)
})

test_that("between groups far apart the middle is found", {
  fit <- line_fit(c(0.5, 0.5), c(0, 1000), c(1, 1))
  expect_identical(quantile(fit, 0.5, names = FALSE), 500)
  fit <- line_fit(c(0.5, 0.5), c(0, 1000), c(1, 4))
  expect_within(quantile(fit, 0.5, names = FALSE), 200, 0.5) # 200 sd of the one, 200 of the other
  fit <- line_fit(c(1e-20, 0.25, 0.75), c(-1e4, 0, 1e4), c(1, 1, 1)) # the first is what is over
  expect_equal(quantile(fit, 0.25, names = FALSE), qnorm(4e-20, lower.tail = FALSE), tolerance = 1e-12)
})

test_that("one component is R's own", {
  fit <- line_fit(1, 3, 2)
  p <- c(1e-200, 1e-5, 0.3, 0.5, 0.999, NA, 0, 1)
  expect_equal(quantile(fit, p, names = FALSE), qnorm(p, 3, 2), tolerance = 1e-15)
  expect_equal(quantile(fit, log(1e-5), log.p = TRUE, lower.tail = FALSE, names = FALSE), qnorm(1e-5, 3, 2, lower.tail = FALSE), tolerance = 1e-14)
  expect_equal(em_cdf(fit, c(9, -1, NA, Inf, -Inf)), c(pnorm(9, 3, 2), pnorm(-1, 3, 2), NA, 1, 0), tolerance = 1e-15)
})

test_that("answers come in the order asked, with names, and lead back", {
  fit <- em_fit(faithful$waiting, k = 2)
  q <- c(b = 90, a = 45, c = 70)
  expect_identical(names(em_cdf(fit, q)), names(q))
  expect_identical(order(em_cdf(fit, q)), order(q))
  p <- c(0.9, 1e-12, 0.4, 1 - 1e-12, 0.6)
  expect_equal(em_cdf(fit, quantile(fit, p, names = FALSE)), p, tolerance = 1e-14)
  expect_named(quantile(fit, c(0.05, 0.5, 0.9999)), c("5%", "50%", "99.99%"))
  deep <- quantile(fit, c(-1000, -1e5), log.p = TRUE, names = FALSE)
  expect_equal(em_cdf(fit, deep, log.p = TRUE), c(-1000, -1e5), tolerance = 1e-14)
  expect_identical(quantile(fit, c(0, 1), names = FALSE), c(-Inf, Inf))
  expect_length(quantile(fit, numeric()), 0L)
})

test_that("a column of several is its margin, by name or number", {
  fit <- em_fit(faithful, k = 2)
  p <- fit$parameters
  by_hand <- sum(p$proportions * pnorm(68, p$mean[, "waiting"], sqrt(p$covariance["waiting", "waiting", ])))
  expect_equal(em_cdf(fit, 68, "waiting"), by_hand, tolerance = 1e-14)
  expect_identical(em_cdf(fit, 68, 2), em_cdf(em_marginal(fit, "waiting"), 68))
  expect_error(em_cdf(fit, 68), "variable = \"waiting\"", class = "emfit_error_argument")
  expect_error(em_cdf(fit, 68, "wating"), "Did you mean \"waiting\"", class = "emfit_error_argument")
  expect_error(quantile(fit, 0.5, 1:2), "must be one column, not 2", class = "emfit_error_argument")
})

test_that("counts: sums of R's own, the smallest value that reaches", {
  set.seed(3)
  fit <- em_fit(rpois(200, c(2, 9)), k = 2, family = "poisson")
  p <- fit$parameters
  y <- 0:14
  cdf <- colSums(p$proportions * t(outer(y, p$rate, ppois)))
  expect_equal(em_cdf(fit, y), cdf, tolerance = 1e-15)
  expect_equal(em_cdf(fit, 3.7), cdf[4], tolerance = 1e-15)
  expect_identical(quantile(fit, em_cdf(fit, y), names = FALSE), as.double(y))
  expect_identical(quantile(fit, em_cdf(fit, y, lower.tail = FALSE), lower.tail = FALSE, names = FALSE), as.double(y))
  for (prob in c(0.001, 0.3, 0.77, 0.9999)) expect_identical(quantile(fit, prob, names = FALSE), as.double(which(em_cdf(fit, 0:40) >= prob)[1] - 1))
  coin <- em_fit(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial", start = list(prob = c(A = 0.6, B = 0.5)))
  expect_equal(em_cdf(coin, 5), sum(coin$parameters$proportions * pbinom(5, 10, coin$parameters$prob)), tolerance = 1e-14)
  expect_identical(quantile(coin, 1, names = FALSE), 10)
  expect_equal(em_cdf(coin, 5, size = 20), sum(coin$parameters$proportions * pbinom(5, 20, coin$parameters$prob)), tolerance = 1e-14)
})

test_that("noise has its box, a chain its stationary distribution", {
  x <- c(faithful$waiting, 10, 150, 190)
  fit <- em_fit(x, k = 2, latent = em_mixture(noise = TRUE))
  p <- fit$parameters
  by_hand <- function(q) sum(p$proportions[1:2] * pnorm(q, p$mean, p$sd)) + p$proportions[[3]] * punif(q, 10, 190)
  expect_equal(em_cdf(fit, c(120, 40)), c(by_hand(120), by_hand(40)), tolerance = 1e-14)
  q <- quantile(fit, c(1e-4, 0.2, 0.9999), names = FALSE)
  expect_equal(em_cdf(fit, q), c(1e-4, 0.2, 0.9999), tolerance = 1e-13)
  chain <- em_fit(waiting ~ 1, data = faithful, k = 2, latent = em_markov())
  expect_equal(em_cdf(chain, 68), sum(em_stationary(chain) * pnorm(68, chain$parameters$mean, chain$parameters$sd)), tolerance = 1e-14)
  apart <- scored(Nile, mean = c(1100, 850), sd = c(100, 100), latent = em_markov(transition = diag(2)))
  expect_error(em_cdf(apart, 1000), "no single stationary", class = "emfit_error_unsupported")
})

test_that("what can't be answered is refused in words", {
  fit <- em_fit(faithful$waiting, k = 2, control = em_control(n_start = 1))
  expect_error(quantile(fit, 95), "Per cent\\? probs = 0.95", class = "emfit_error_argument")
  expect_error(quantile(fit, -0.1), "from 0 to 1, not -0.1", class = "emfit_error_argument")
  expect_error(quantile(fit, 0.5, log.p = TRUE), "0 or less, not 0.5", class = "emfit_error_argument")
  expect_error(em_cdf(fit, "a"), "`q` must be numbers, not \"a\"", class = "emfit_error_argument")
  expect_error(quantile(fit, 0.5, tpyo = 1), "`tpyo`", class = "emfit_error_argument")
  expect_error(em_cdf(lm(dist ~ speed, cars), 1), "must come from em_fit", class = "emfit_error_argument")
  votes <- em_fit(interview, k = 2, family = "categorical", control = em_control(n_start = 2))
  expect_error(em_cdf(votes, 1, "purpose"), "no order, so there is no distribution function", class = "emfit_error_unsupported")
  expect_error(quantile(votes, 0.5, "purpose"), "no quantile", class = "emfit_error_unsupported")
  rows <- em_fit(c(1, 5, 9, 12, 30, 2), k = 1, family = em_poisson(exposure = c(1, 2, 3, 4, 5, 6)))
  expect_error(em_cdf(rows, 3), "`exposure` must be said", class = "emfit_error_argument")
  expect_equal(em_cdf(rows, 3, exposure = 2), ppois(3, 2 * rows$parameters$rate[[1]]), tolerance = 1e-14)
  expect_error(em_cdf(fit, 3, exposure = 2), "`exposure` can't be given", class = "emfit_error_argument")
  expect_error(em_cdf(em_marginal(fit), 3, size = 2), "is for a fit", class = "emfit_error_argument")
  own <- em_family("exponential", fields = list(rate = "positive"), log_density = function(x, parameters) -outer(c(x), parameters$rate) + rep(log(parameters$rate), each = length(x)),
                   statistics = function(x) cbind(n = 1, sum = c(x)), maximise = function(s) list(rate = s[, "n"] / s[, "sum"]))
  expect_error(em_cdf(em_fit(faithful$eruptions, k = 1, family = own), 3), "along a column is not known", class = "emfit_error_unsupported")
  remedy <- function(family) tryCatch(em_hdr(em_fit(faithful$eruptions, k = 1, family = family)), emfit_error = conditionMessage)
  expect_no_match(remedy(own), "simulate(fit)", fixed = TRUE)
  draws <- em_family("flat", fields = list(rate = "positive"), statistics = function(x) cbind(n = 1, s = x), simulate = function(n, parameters) rexp(n, parameters$rate),
                     log_density = function(x, parameters) outer(x, parameters$rate, dexp, log = TRUE), maximise = function(s) list(rate = s[, "n"] / s[, "s"]))
  expect_match(remedy(draws), "simulate(fit) draws some", fixed = TRUE)
})

test_that("places of more values than a block holds are those of each by itself", {
  fit <- em_fit(faithful$waiting, k = 2)
  q <- seq(40, 100, length.out = 2L * 16384L + 3L)
  q[c(5, 20000)] <- NA
  p <- fit$parameters
  by_hand <- as.vector(outer(q, 1:2, function(x, j) pnorm(x, p$mean[j], p$sd[j])) %*% p$proportions)
  expect_within(em_cdf(fit, q)[!is.na(q)], by_hand[!is.na(q)], 1e-14)
  expect_identical(which(is.na(em_cdf(fit, q))), c(5L, 20000L))
  expect_identical(lengths(row_blocks(10L, 4L)), c(4L, 4L, 2L))
  expect_identical(row_blocks(0L), list())
})
