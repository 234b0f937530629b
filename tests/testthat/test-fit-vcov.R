# Gradient, information and standard errors against derivatives of a log-likelihood written in plain R
# (helper-reference.R), taken by Richardson's extrapolation.

# d f(x + t direction) / dt at 0: three central differences, errors of order h^2 and h^4 removed.
richardson_slope <- function(f, h = 1e-2) {
  central <- function(h) (f(h) - f(-h)) / (2 * h)
  d <- c(central(h), central(h / 2), central(h / 4))
  e <- (4 * d[-1] - d[-3]) / 3
  (16 * e[2] - e[1]) / 15
}

bare_parameters <- function(fit) lapply(fit$parameters, emfit:::bare_numbers)

score_of <- function(fit, want = "information") {
  emfit:::score_em(fit$data, fit$parameters, emfit:::fit_model(fit), want)
}

# The slopes along the columns of the jacobian, which are directions in the space of all parameters.
reference_gradient <- function(fit, x, jacobian, weights, family = "gaussian") {
  at <- bare_parameters(fit)
  origin <- unlist(at)
  vapply(seq_len(ncol(jacobian)), function(j) {
    richardson_slope(function(t) {
      reference_loglik(x, utils::relist(origin + t * jacobian[, j], at), weights, family)
    })
  }, 0)
}

structures <- c("EII", "VII", "EEI", "VEI", "EVI", "VVI", "EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV", "VVV")
few <- em_control(tol = 0, max_iter = 3, accelerate = FALSE)

for (structure in structures) {
  test_that(sprintf("%s: gradient, scores and symmetric second derivatives away from a maximum", structure), {
    x <- as.matrix(iris[1:3])
    w <- rep(c(1, 2, 0.5), 50)
    fit <- em_fit(x, family = em_gaussian(structure), start = iris$Species, weights = w, control = few)
    found <- score_of(fit)
    expect_length(found$gradient, fit$df)
    expected <- reference_gradient(fit, x, found$jacobian, w)
    expect_gt(max(abs(expected)), 0.01)
    expect_within(found$gradient, expected, 1e-8)
    expect_within(colSums(w * score_of(fit, "scores")$scores), expected, 1e-8)
    # In moving coordinates they would not be symmetric where the gradient is not 0.
    expect_within(found$information, t(found$information), 1e-8)
  })
}

test_that("one dimension, counts and held proportions: gradient and scores", {
  cases <- list(
    list(x = cbind(faithful$waiting), args = list(family = em_gaussian("V"))),
    list(x = cbind(faithful$waiting), args = list(family = em_gaussian("E"), latent = em_mixture("equal"))),
    list(x = as.matrix(coins[c("heads", "tails")]), args = list(family = em_binomial()))
  )
  for (case in cases) {
    fit <- suppressWarnings(do.call(em_fit, c(list(case$x, k = 2, control = em_control(tol = 0, max_iter = 2,
      accelerate = FALSE), start = factor(case$x[, 1] > mean(case$x[, 1]))), case$args)))
    found <- score_of(fit)
    expect_length(found$gradient, fit$df)
    expected <- reference_gradient(fit, case$x, found$jacobian, rep(1, nrow(case$x)),
                                   fit$family$name)
    expect_gt(max(abs(expected)), 1e-4)
    expect_within(found$gradient, expected, 1e-9)
    expect_within(colSums(score_of(fit, "scores")$scores), expected, 1e-9)
  }
})
