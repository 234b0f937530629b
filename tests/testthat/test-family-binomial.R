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
