# Chains of every family against a plain forward and backward pass over densities written down here.

# log_density: rows by states. list(loglik, smooth), of one series.
forward_backward <- function(log_density, initial, transition) {
  density <- exp(log_density)
  n <- nrow(density)
  ahead <- matrix(0, n, ncol(density))
  after <- matrix(1, n, ncol(density))
  scale <- numeric(n)
  for (t in seq_len(n)) {
    now <- (if (t == 1L) initial else drop(ahead[t - 1L, ] %*% transition)) * density[t, ]
    scale[t] <- sum(now)
    ahead[t, ] <- now / scale[t]
  }
  for (t in rev(seq_len(n - 1L))) after[t, ] <- transition %*% (density[t + 1L, ] * after[t + 1L, ]) / scale[t + 1L]
  list(loglik = sum(log(scale)), smooth = ahead * after)
}

# What EM itself has at its end: probabilities and expected counts are those of the pass, and the pass leads to the
# parameters that it was made with.
expect_chain <- function(fit, log_density) {
  p <- fit$parameters
  own <- forward_backward(log_density, unname(p$initial), unname(p$transition))
  expect_equal(fit$loglik, own$loglik, tolerance = 1e-12)
  expect_within(unname(predict(fit, type = "prob")), own$smooth, 1e-10)
  own$smooth
}

means_by <- function(x, r) crossprod(r, as.matrix(x)) / colSums(r)

precise <- em_control(tol = 1e-13, max_iter = 5000)

three_types <- function(n = 240) {
  withr_seed(4, {
    state <- cumsum(stats::runif(n) < 0.1) %% 2 + 1
    data.frame(a = factor(ifelse(stats::runif(n) < c(0.2, 0.8)[state], "yes", "no")),
               b = factor(c("x", "y", "z")[1 + stats::rbinom(n, 2, c(0.3, 0.7)[state])]),
               c = stats::runif(n) < c(0.9, 0.3)[state])
  })
}

test_that("Poisson chains find the published maxima of the earthquakes, and are the oracle's", {
  # Zucchini, MacDonald and Langrock (2016), Hidden Markov Models for Time Series, 2nd ed., chapter 4: by EM.
  published <- list(-341.8787, -328.5275)
  for (k in 2:3) {
    fit <- withr_seed(1, em_fit(earthquakes$count, k, "poisson", em_markov(), control = precise))
    expect_within(fit$loglik, published[[k - 1]], 1e-4)
    r <- expect_chain(fit, outer(earthquakes$count, unname(fit$parameters$rate), stats::dpois, log = TRUE))
    expect_within(unname(fit$parameters$rate), drop(means_by(earthquakes$count, r)), 1e-4)
  }
  expect_within(sort(unname(fit$parameters$rate)), c(13.134, 19.713, 29.710), 1e-3)
})

test_that("Poisson chains of several columns with exposure are the oracle's", {
  y <- withr_seed(2, {
    state <- rep(rep(1:2, each = 12), 5)
    exposure <- stats::runif(120, 1, 4)
    data.frame(a = stats::rpois(120, exposure * c(1, 4)[state]), b = stats::rpois(120, exposure * c(3, 2)[state]), e = exposure)
  })
  fit <- withr_seed(1, em_fit(y, 2, em_poisson(exposure = "e"), em_markov(), control = precise))
  rate <- unname(fit$parameters$rate)
  own <- vapply(1:2, function(s) {
    stats::dpois(y$a, y$e * rate[s, 1], log = TRUE) + stats::dpois(y$b, y$e * rate[s, 2], log = TRUE)
  }, numeric(120))
  r <- expect_chain(fit, own)
  expect_within(rate, crossprod(r, as.matrix(y[1:2])) / drop(crossprod(r, y$e)), 1e-4)
})

test_that("chains of categories are the oracle's, and no table of single rows judges them", {
  d <- three_types()
  expect_warning(fit <- withr_seed(1, em_fit(d, 2, "categorical", em_markov(), control = precise)), NA)
  prob <- lapply(fit$parameters$prob, unname)
  own <- Reduce(`+`, Map(function(p, x) t(log(p[, as.integer(factor(x))])), prob, d))
  r <- expect_chain(fit, own)
  for (j in 1:3) {
    expect_within(prob[[j]], unname(means_by(stats::model.matrix(~ 0 + factor(d[[j]])), r)), 1e-4)
  }
  expect_false(any(grepl("G2|Largest pair", utils::capture.output(print(fit)))))
  expect_error(residuals(fit, "pairwise"), class = "emfit_error_unsupported")
})

test_that("chains of zeros and ones, and of counts, are the oracle's", {
  x <- data.matrix(data.frame(p = three_types()$a == "yes", q = three_types()$c)) + 0
  fit <- withr_seed(1, em_fit(x, 2, "bernoulli", em_markov(), control = precise))
  prob <- unname(fit$parameters$prob)
  r <- expect_chain(fit, x %*% t(log(prob)) + (1 - x) %*% t(log(1 - prob)))
  expect_within(prob, unname(means_by(x, r)), 1e-4)
  counts <- withr_seed(3, t(vapply(rep(rep(1:2, each = 10), 4), function(s) {
    drop(stats::rmultinom(1, 6, list(c(5, 3, 2), c(1, 3, 6))[[s]]))
  }, numeric(3))))
  fit <- withr_seed(1, em_fit(counts, 2, "multinomial", em_markov(), control = precise))
  prob <- unname(fit$parameters$prob)
  own <- vapply(1:2, function(s) apply(counts, 1, stats::dmultinom, prob = prob[s, ], log = TRUE), numeric(80))
  r <- expect_chain(fit, own)
  expect_within(prob, crossprod(r, counts) / rowSums(crossprod(r, counts)), 1e-4)
})

test_that("what single rows can't identify raises no alarm where rows tell of each other", {
  coin <- withr_seed(5, stats::rbinom(120, 1, rep(rep(c(0.1, 0.9), each = 15), 4)))
  tosses <- cbind(heads = coin, tails = 1 - coin)
  alarm <- "emfit_warning_unidentified"
  expect_warning(withr_seed(1, em_fit(tosses, 2, "binomial")), class = alarm)
  expect_warning(fit <- withr_seed(1, em_fit(tosses, 2, "binomial", em_markov(), control = precise)), NA)
  prob <- unname(fit$parameters$prob)
  expect_chain(fit, outer(coin, prob, function(x, p) stats::dbinom(x, 1, p, log = TRUE)))
  person <- data.frame(id = rep(1:8, each = 15), heads = coin, tails = 1 - coin)
  expect_warning(withr_seed(1, em_fit(person, 2, "binomial", em_mixture(unit = "id"))), NA)
  answers <- data.frame(id = rep(1:8, each = 15), a = factor(coin), b = factor(rev(coin)))
  expect_warning(withr_seed(1, em_fit(answers[-1], 2, "categorical")), class = alarm)
  expect_warning(unit <- withr_seed(1, em_fit(answers, 2, "categorical", em_mixture(unit = "id"))), NA)
  expect_false(any(grepl("G2", utils::capture.output(print(unit)))))
})

test_that("chains of mixed columns are the oracle's", {
  x <- withr_seed(6, {
    state <- cumsum(stats::runif(200) < 0.1) %% 2 + 1
    data.frame(a = stats::rnorm(200, c(0, 2)[state]), b = factor(ifelse(stats::runif(200) < c(0.2, 0.8)[state], "yes", "no")),
               y = stats::rpois(200, c(1, 4)[state]))
  })
  fit <- withr_seed(1, suppressMessages(em_fit(x, 2, em_mixed(counts = "y"), em_markov(), control = precise)))
  p <- fit$parameters
  r <- expect_chain(fit, vapply(1:2, function(j) {
    stats::dnorm(x$a, p$numeric$mean[[j]], p$numeric$sd[[j]], log = TRUE) + log(p$categorical$prob$b[j, as.character(x$b)]) +
      stats::dpois(x$y, p$counts$rate[[j]], log = TRUE)
  }, numeric(200)))
  expect_within(unname(p$numeric$mean), drop(means_by(x$a, r)), 1e-5)
  expect_within(unname(p$counts$rate), drop(means_by(x$y, r)), 1e-5)
  expect_within(unname(p$categorical$prob$b[, "yes"]), drop(means_by(x$b == "yes", r)), 1e-5)
})

test_that("states that may not go back are put in their order, with all that they have of categories", {
  x <- data.frame(a = factor(rep(c("p", "q"), each = 20)), b = factor(rep(c("u", "v", "w", "v"), 10)))
  latent <- em_markov(initial = c(1, 0), transition = rbind(c(NA, NA), c(0, 1)))
  data <- em_data(x, em_categorical())
  model <- list(family = suppressWarnings(family_check(em_categorical(), data, 2L)), latent = latent, k = 2L)
  end <- list(proportions = c(.5, .5), prob.1 = rbind(c(.1, .9), c(.8, .2)), prob.2 = rbind(c(.3, .5, .2), c(.6, .3, .1)))
  turned <- chain_of_counts(list(first = c(0, 1), moves = rbind(c(10, 0), c(1, 10))), end, native_data(data, model), model)
  expect_identical(turned$parameters[c("prob.1", "prob.2")], lapply(end[-1L], function(prob) prob[2:1, ]))
  expect_equal(turned$parameters$initial, c(1, 0))
  expect_gt(turned$parameters$transition[1L, 2L], 0)
  fit <- withr_seed(1, suppressWarnings(em_fit(x, 2, em_categorical(), latent)))
  expect_equal(unname(fit$parameters$prob$a[, "p"]), c(1, 0), tolerance = 1e-6)
})
