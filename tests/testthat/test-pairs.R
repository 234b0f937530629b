# Every two features that a Gaussian fit can have, used together once, against EM in plain R (helper-combined.R) and
# for ascent. One table drives it: a feature says what it adds to the call and what to the oracle.

pair_rows <- function() {
  withr_seed(31, rbind(unname(law_matrix(70, 2, 11)), matrix(runif(20, -6, 8), 10)))
}

pair_start <- list(proportions = c(0.4, 0.3, 0.3), mean = rbind(c(0, 0), c(3, -1), c(-2, 3)), covariance = diag(2))

pair_labels <- function() {
  labels <- rep(NA_integer_, 80)
  labels[c(2, 7, 11, 30, 41)] <- c(1L, 2L, 3L, 1L, 2L)
  labels
}

# Each takes and returns list(x, call = arguments of em_fit(), oracle = arguments of combined_em()).
pair_features <- list(
  missing = function(s) {
    s$x <- with_holes(s$x, 0.15)
    s$x[5, ] <- NA
    s
  },
  labels = function(s) {
    s$call$labels <- pair_labels()
    s$oracle$labels <- pair_labels()
    s
  },
  weights = function(s) {
    s$call$weights <- s$oracle$weights <- rep(c(0.5, 1, 2, 0, 1), 16)
    s
  },
  fixed = function(s) {
    held <- matrix(c(0.3, NA, NA, NA, -0.8, NA), 3)
    s$call$fixed <- list(mean = held)
    s$oracle$held <- held
    s
  },
  noise = function(s) {
    s$noise <- TRUE
    s
  },
  prior = function(s) {
    prior <- list(mean = c(0.5, -1), kappa = 0.7, nu = 5, scale = matrix(c(1.5, 0.4, 0.4, 1), 2))
    s$prior <- do.call(em_prior, prior)
    s$oracle$prior <- prior
    s
  },
  equal = function(s) {
    s$proportions <- s$oracle$proportions <- "equal"
    s
  },
  ecm = function(s) {
    s$algorithm <- s$oracle$algorithm <- "ecm"
    s
  }
)

# What the features leave to be said of latent structure, family and start.
pair_case <- function(names, structure) {
  s <- list(x = pair_rows(), call = list(), oracle = list(), noise = FALSE, proportions = "free", algorithm = "em")
  for (name in names) s <- pair_features[[name]](s)
  start <- pair_start
  if (s$proportions == "equal") start$proportions <- rep(1 / 3, 3)
  if (s$noise) {
    start$proportions <- c(0.9 * start$proportions, 0.1)
    s$oracle$log_noise <- pair_log_noise(s$x, s$oracle$weights)
  }
  if (!is.null(s$oracle$labels)) s$oracle$beliefs <- beliefs_of(s$oracle$labels, 3 + s$noise)
  s$oracle$labels <- NULL
  s$oracle <- c(list(s$x, 3, structure, start), s$oracle)
  s$call <- c(list(s$x, 3, em_gaussian(structure, prior = s$prior), em_mixture(s$proportions, noise = s$noise),
                   start = start, na.action = na.pass), s$call)
  s
}

# 1 / V of the cells that a row has.
pair_log_noise <- function(x, weights = rep(1, nrow(x))) {
  used <- x[if (is.null(weights)) TRUE else weights > 0, ]
  side <- function(z) apply(z, 2, function(column) diff(range(column, na.rm = TRUE)))
  if (anyNA(used)) return(-drop(!is.na(x)) %*% log(side(used)))
  w <- if (is.null(weights)) rep(1, nrow(x)) else weights[weights > 0]
  turned <- used %*% eigen(stats::cov.wt(used, w / sum(w))$cov, symmetric = TRUE)$vectors
  rep(-min(sum(log(side(used))), sum(log(side(turned)))), nrow(x))
}

pair_run <- function(s, ...) {
  do.call(em_fit, c(s$call, list(control = em_control(algorithm = s$algorithm, accelerate = FALSE, ...))))
}

# Structures take turns, so that each meets many pairs.
pairs <- utils::combn(names(pair_features), 2L, simplify = FALSE)
structures_in_turn <- rep(c("VVV", "EEE", "VEI", "EVV", "VEV", "EII", "VEE"), length.out = length(pairs))

for (i in seq_along(pairs)) local({
  pair <- pairs[[i]]
  structure <- structures_in_turn[i]
  test_that(sprintf("%s and %s, %s: the oracle's iterations, then ascent", pair[1], pair[2], structure), {
    s <- pair_case(pair, structure)
    fit <- pair_run(s, tol = 0, max_iter = 3)
    oracle <- do.call(combined_em, c(s$oracle, n_iter = 3))
    expect_equal(fit$trace$loglik, oracle$trace, tolerance = 1e-9)
    expect_equal(parameter_numbers(fit), unlist(lapply(oracle$parameters, as.numeric), use.names = FALSE),
                 tolerance = 1e-8)
    expect_equal(fit$loglik, oracle$loglik, tolerance = 1e-9)
    long <- pair_run(s, tol = 0, max_iter = 60)$trace$loglik
    expect_gte(min(diff(long)), -1e-10 * (1 + max(abs(long))))
  })
})

test_that("all features at once: the oracle's iterations, ascent, free gradient 0, every method", {
  s <- pair_case(setdiff(names(pair_features), "equal"), "VEV")
  expect_equal(pair_run(s, tol = 0, max_iter = 3)$trace$loglik, do.call(combined_em, c(s$oracle, n_iter = 3))$trace,
               tolerance = 1e-9)
  fit <- pair_run(s, tol = 1e-11, max_iter = 20000)
  expect_gte(min(diff(fit$trace$loglik)), -1e-9)
  score <- emfit:::score_em(fit$data, fit$parameters, emfit:::fit_model(fit), "information")
  expect_length(score$gradient, fit$df)
  expect_lt(max(abs(score$gradient)), 1e-3)
  expect_identical(dim(predict(fit, type = "prob")), c(80L, 4L))
  expect_true(isSymmetric(vcov(fit)))
  expect_length(simulate(fit, 2), 2)
  expect_false(anyNA(em_impute(fit)[[1]]))
  expect_identical(nrow(augment(fit)), 80L)
  expect_false(anyNA(withr_seed(1, em_bootstrap(fit, n_boot = 4, type = "weighted"))$replicates))
  expect_gt(length(format(fit)), 6)
})

test_that("a panel of two variables that were never observed together has no points", {
  x <- withr_seed(3, matrix(rnorm(90), 30, 3))
  x[1:15, 1] <- NA
  x[16:30, 2] <- NA
  fit <- suppressMessages(suppressWarnings(em_fit(x, 1, em_gaussian("VVI"))))
  points <- plot_data(fit, type = "pairs")$points
  expect_setequal(paste(points$column, points$line), c("1 3", "2 3"))
  file <- tempfile(fileext = ".pdf")
  grDevices::pdf(file)
  expect_no_error(plot(fit, type = "pairs"))
  grDevices::dev.off()
  unlink(file)
})
