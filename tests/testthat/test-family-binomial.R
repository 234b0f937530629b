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
    tally <- em_describe_cpp(x, "tally", w)
    expect_identical(tally$x, unname(x[!duplicated(key), ]))
    by_hand <- tapply(if (is.null(w)) rep(1, 5003) else w, factor(key, unique(key)), sum)
    expect_identical(tally$weights, as.vector(by_hand))
  }
})

test_that("a family object with a link of its own is refused, in every call that takes one", {
  for (link in c("cloglog", "probit", "cauchit", "log")) {
    expect_error(em_fit(cbind(heads, tails) ~ 1, data = coins, k = 2, family = stats::binomial(link)),
                 sprintf("`family` has the link \"%s\", but components have no link", link), fixed = TRUE,
                 class = "emfit_error_unsupported")
  }
  expect_error(em_fit(faithful, 2, stats::gaussian("log")), "em_gaussian()", fixed = TRUE, class = "emfit_error_unsupported")
  expect_error(em_start(faithful, 2, stats::gaussian("inverse")), "the link \"inverse\"", class = "emfit_error_unsupported")
  expect_error(em_select(faithful, 1:2, family = stats::gaussian("log")), "no link", class = "emfit_error_unsupported")
  x <- coins[c("heads", "tails")]
  expect_identical(em_fit(x, 1, stats::binomial())$loglik, em_fit(x, 1, "binomial")$loglik)
  expect_identical(em_fit(x, 1, stats::binomial)$loglik, em_fit(x, 1, "binomial")$loglik)
  expect_identical(em_fit(faithful, 1, stats::gaussian())$loglik, em_fit(faithful, 1)$loglik)
})

# Trials of new rows ------------------------------------------------------------------------------------------------

tosses <- data.frame(id = 1:8, heads = c(2, 9, 8, 1, 5, 12, 3, 0), n = c(10, 10, 12, 9, 20, 13, 4, 6))
two_coins <- list(prob = c(0.2, 0.8))
by_row <- em_fit(tosses$heads, family = em_binomial(size = tosses$n), start = two_coins)
by_column <- em_fit(heads ~ 1, tosses, family = em_binomial(size = "n"), start = two_coins)
rows <- c(6, 2, 3)
wanted <- predict(by_row, type = "prob")[rows, ]

test_that("trials may be a column that the family names", {
  expect_identical(by_column$loglik, by_row$loglik)
  expect_identical(em_fit(tosses[c("n", "heads")], family = em_binomial("n"), start = two_coins)$loglik, by_row$loglik)
  expect_identical(em_fit(as.matrix(tosses[2:3]), family = em_binomial("n"), start = two_coins)$loglik, by_row$loglik)
  half <- em_fit(heads ~ 1, tosses, family = em_binomial("n"), start = two_coins, subset = id < 5)
  expect_identical(half$loglik, em_fit(tosses$heads[1:4], family = em_binomial(tosses$n[1:4]), start = two_coins)$loglik)
  expect_error(em_fit(tosses[1:2], family = em_binomial("n")), "lacks the column \"n\"", class = "emfit_error_input")
  expect_error(em_fit(tosses, family = em_binomial("n")), "must have one column", class = "emfit_error_input")
  expect_error(em_fit(heads ~ 1, tosses, family = em_binomial("m")), "numeric column \"m\"", class = "emfit_error_argument")
  expect_error(em_fit(heads ~ 1, transform(tosses, n = 4), family = em_binomial("n")), "more successes than trials",
               class = "emfit_error_counts")
  expect_error(em_binomial(c("a", "b")), "or the name of a column", class = "emfit_error_argument")
  expect_identical(format(em_binomial("n")), "Binomial components, trials in \"n\"")
  gaps <- transform(tosses, n = replace(n, 2, NA))
  expect_message(fit <- em_fit(heads ~ 1, gaps, family = em_binomial("n"), start = two_coins), "missing counts in 1 of 8")
  expect_identical(fit$nobs, 7)
})

test_that("new rows get the trials of their own column, those that are said, or those of two columns", {
  expect_equal(predict(by_column, tosses[rows, ], "prob"), wanted, ignore_attr = TRUE)
  expect_equal(predict(by_row, tosses$heads[rows], "prob", size = tosses$n[rows]), wanted, ignore_attr = TRUE)
  expect_equal(predict(by_column, tosses[rows, 1:2], "prob", size = tosses$n[rows]), wanted, ignore_attr = TRUE)
  expect_equal(predict(by_row, with(tosses[rows, ], cbind(heads, n - heads)), "prob"), wanted, ignore_attr = TRUE)
  expect_equal(em_estep(tosses[rows, ], by_column)$responsibilities, wanted, ignore_attr = TRUE)
  expect_equal(em_estep(tosses$heads[rows], by_row, size = tosses$n[rows])$responsibilities, wanted, ignore_attr = TRUE)
  expect_equal(em_mstep(tosses$heads[rows], wanted, by_row, size = tosses$n[rows])$prob,
               em_mstep(tosses[rows, ], wanted, by_column)$prob)
  expect_equal(augment(by_row, newdata = tosses$heads[rows], size = tosses$n[rows])$.prob.1, wanted[, 1],
               ignore_attr = TRUE)
  expect_equal(augment(by_column, newdata = tosses[rows, ])$.prob.1, wanted[, 1], ignore_attr = TRUE)
  expect_named(augment(by_column)[1:2], c("heads", "n"))
  same <- predict(em_fit(c(2, 9, 8), family = em_binomial(10), start = two_coins), c(9, 2))
  expect_identical(as.integer(same), 2:1)
  expect_length(predict(by_row, numeric()), 0L)
})

test_that("trials that are not said are an error, never the old ones by position", {
  named <- em_fit(heads ~ 1, tosses, family = em_binomial(size = tosses$n), start = two_coins)
  for (ask in list(function() predict(by_row, tosses$heads), function() predict(by_row, tosses$heads[rows]),
                   function() predict(named, tosses), function() augment(named, newdata = tosses),
                   function() em_estep(rev(tosses$heads), by_row), function() em_mstep(tosses$heads, wanted, by_row))) {
    expect_error(ask(), "are not said", class = "emfit_error_newdata")
  }
  expect_error(predict(by_column, tosses[1:2]), "lacks column \"n\"", class = "emfit_error_newdata")
  expect_error(predict(by_row, 3:4, size = 1:3), "one number or one for each row: 2, not 3", class = "emfit_error_argument")
  expect_error(predict(by_row, size = 3), "`size` has the trials of `newdata`", class = "emfit_error_argument")
  expect_error(predict(em_fit(faithful, k = 1), faithful, size = 3), "components have no trials", class = "emfit_error_argument")
  two <- em_fit(cbind(heads, n - heads) ~ 1, tosses, family = "binomial", start = two_coins)
  expect_error(predict(two, tosses, size = 3), "have two columns", class = "emfit_error_argument")
})

test_that("simulate(), em_bootstrap() and em_lrt() know trials in a column", {
  drawn <- simulate(by_column, seed = 1)[[1]]
  expect_identical(drawn$n, tosses$n)
  expect_identical(drawn$heads, simulate(by_row, seed = 1)[[1]][[1]])
  expect_length(predict(by_column, drawn), 8L)
  set.seed(1)
  a <- em_bootstrap(by_column, 3, type = "parametric")
  set.seed(1)
  expect_identical(a$replicates, em_bootstrap(by_row, 3, type = "parametric")$replicates)
  one <- update(by_column, k = 1)
  set.seed(1)
  p <- em_lrt(one, n_boot = 5)$p.value
  set.seed(1)
  expect_identical(em_lrt(update(by_row, k = 1), n_boot = 5)$p.value, p)
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
