# Every two features that a chain of normal states can have, used together once, against Baum and Welch in plain R
# (helper-markov.R) and for ascent. As in test-pairs.R a feature says what it adds to the call and what to the oracle.

chain_rows <- function() {
  withr_seed(5, {
    state <- rep(rep(1:2, 6), c(9, 4, 8, 6, 3, 10, 2, 8, 7, 3, 11, 4))
    data.frame(id = rep(c("b", "a", "c", "d"), c(30, 1, 24, 20)), x = rnorm(75, c(5, 7)[state], c(0.6, 0.9)[state]))
  })
}

chain_start <- list(initial = c(0.5, 0.5), transition = rbind(c(0.8, 0.2), c(0.3, 0.7)), mean = c(4.5, 7), sd = c(1, 1))

chain_features <- list(
  missing = function(s) {
    s$data$x[c(4, 17, 18, 32, 70)] <- NA
    s
  },
  labels = function(s) {
    s$call$labels <- s$oracle$labels <- replace(rep(NA_integer_, 75), c(2, 12, 40, 60), c(1L, 2L, 2L, 1L))
    s
  },
  weights = function(s) {
    s$call$weights <- s$oracle$weights <- rep(c(2, 1, 0, 0.5), c(30, 1, 24, 20))
    s
  },
  beginning = function(s) {
    s$initial <- c(0.25, 0.75)
    s
  },
  held = function(s) {
    s$transition <- rbind(c(NA, NA), c(0.3, 0.7))
    s
  },
  fixed = function(s) {
    s$call$fixed <- list(mean = c(NA, 7))
    s$fixed <- c(NA, 7)
    s
  },
  equal = function(s) {
    s$covariance <- "E"
    s
  }
)

chain_case <- function(names) {
  s <- list(data = chain_rows(), call = list(), oracle = list(), initial = "free", transition = "free", covariance = "V")
  for (name in names) s <- chain_features[[name]](s)
  start <- chain_start
  chain <- chain_start[c("initial", "transition")]
  if (is.numeric(s$initial)) start$initial <- chain$initial <- s$initial
  held <- list(initial = if (is.numeric(s$initial)) s$initial, transition = if (is.matrix(s$transition)) s$transition)
  maximise <- function(x, r) {
    mean <- colSums(r * x[, 1]) / colSums(r)
    if (!is.null(s$fixed)) mean <- ifelse(is.na(s$fixed), mean, s$fixed)
    squares <- colSums(r * outer(x[, 1], mean, `-`)^2)
    list(mean = mean, sd = sqrt(if (s$covariance == "E") rep(sum(squares) / sum(r), 2) else squares / colSums(r)))
  }
  s$oracle <- c(list(s$data$x, chain, chain_start[c("mean", "sd")], markov_gaussian$log_density, maximise, series = s$data$id,
                     held = held), s$oracle)
  s$call <- c(list(s$data, k = 2, family = em_gaussian(s$covariance), start = start, na.action = stats::na.pass,
                   latent = em_markov("id", initial = s$initial, transition = s$transition)), s$call)
  s
}

chain_run <- function(s, ...) suppressWarnings(do.call(em_fit, c(s$call, list(control = em_control(accelerate = FALSE, ...)))))

for (pair in utils::combn(names(chain_features), 2L, simplify = FALSE)) local({
  pair <- pair
  test_that(sprintf("a chain with %s and %s: the oracle's iterations, then ascent", pair[1], pair[2]), {
    s <- chain_case(pair)
    fit <- chain_run(s, tol = 0, max_iter = 4)
    oracle <- do.call(markov_em, c(s$oracle, n_iter = 4))
    expect_within(fit$trace$loglik, oracle$trace, 1e-9)
    for (name in names(oracle$parameters)) {
      expect_within(as.vector(unname(fit$parameters[[name]])), as.vector(oracle$parameters[[name]]), 1e-9)
    }
    long <- chain_run(s, tol = 0, max_iter = 60)$trace$loglik
    expect_gte(min(diff(long)), -1e-10 * (1 + max(abs(long))))
  })
})

test_that("a chain with all of them at once: the oracle's iterations, gradient 0 where free, every method", {
  s <- chain_case(names(chain_features))
  expect_within(chain_run(s, tol = 0, max_iter = 4)$trace$loglik, do.call(markov_em, c(s$oracle, n_iter = 4))$trace, 1e-9)
  fit <- chain_run(s, tol = 1e-12, max_iter = 5000)
  score <- emfit:::score_em(fit$data, fit$parameters, emfit:::fit_model(fit), "information")
  expect_length(score$gradient, fit$df)
  expect_lt(max(abs(score$gradient)), 1e-4)
  expect_identical(dim(predict(fit, type = "prob")), c(75L, 2L))
  expect_length(predict(fit, type = "path"), 75L)
  expect_true(isSymmetric(suppressWarnings(vcov(fit))))
  expect_length(simulate(fit, 2), 2)
  expect_identical(nrow(augment(fit)), 75L)
  expect_false(anyNA(withr_seed(1, em_bootstrap(fit, n_boot = 4, type = "weighted"))$replicates))
  expect_gt(length(format(fit)), 6)
})
