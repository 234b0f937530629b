# Gradient, information and standard errors against derivatives of a log-likelihood written in plain R, see
# helper-reference.R and helper-derivatives.R.

bare_parameters <- function(fit) lapply(fit$parameters, emfit:::bare_numbers)

score_of <- function(fit, want = "information") {
  emfit:::score_em(fit$data, fit$parameters, emfit:::fit_model(fit), want)
}

# The slopes along the columns of the jacobian, which are directions in the space of all parameters.
reference_gradient <- function(fit, x, jacobian, weights) {
  at <- bare_parameters(fit)
  origin <- unlist(at)
  vapply(seq_len(ncol(jacobian)), function(j) {
    richardson_slope(function(t) {
      reference_loglik(x, utils::relist(origin + t * jacobian[, j], at), weights, fit$family$name)
    })
  }, 0)
}

structures <- c("EII", "VII", "EEI", "VEI", "EVI", "VVI", "EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV", "VVV")
few <- em_control(tol = 0, max_iter = 3, accelerate = FALSE)
tight <- em_control(tol = 1e-12, max_iter = 20000)

for (structure in structures) {
  test_that(sprintf("%s: gradient, scores and symmetric second derivatives away from a maximum", structure), {
    x <- as.matrix(iris[1:3])
    w <- rep(c(1, 2, 0.5), 50)
    fit <- em_fit(x, family = em_gaussian(structure), start = iris$Species, weights = w, control = few)
    found <- score_of(fit)
    expect_length(found$gradient, fit$df)
    expect_lte(found$passes, 2 * fit$df + 1)
    expected <- reference_gradient(fit, x, found$jacobian, w)
    expect_gt(max(abs(expected)), 0.01)
    expect_within(found$gradient, expected, 1e-8)
    scores <- score_of(fit, "scores")$scores
    expect_within(colSums(w * scores), expected, 1e-8)
    expect_within(score_of(fit, "outer")$outer, crossprod(sqrt(w) * scores), 1e-12)
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
    start <- factor(case$x[, 1] > mean(case$x[, 1]))
    fit <- do.call(em_fit, c(list(case$x, start = start, control = few), case$args))
    found <- score_of(fit)
    expect_length(found$gradient, fit$df)
    expected <- reference_gradient(fit, case$x, found$jacobian, rep(1, nrow(case$x)))
    expect_gt(max(abs(expected)), 1e-4)
    expect_within(found$gradient, expected, 1e-9)
    expect_within(colSums(score_of(fit, "scores")$scores), expected, 1e-9)
  }
})

# vcov() ----------------------------------------------------------------------

# Largest difference in units of the standard errors.
expect_vcov <- function(found, expected, tolerance = 1e-5) {
  expect_equal(dim(found), dim(expected))
  error <- sqrt(diag(expected))
  expect_within(found / outer(error, error), expected / outer(error, error), tolerance)
}

gaussian_vcov <- function(fit, x, weights = NULL) {
  if (is.null(weights)) weights <- rep(1, nrow(x))
  loglik <- if (anyNA(x)) pattern_loglik else reference_loglik
  coordinates <- reference_coordinates(bare_parameters(fit), fit$family$covariance,
                                       identical(fit$latent$proportions, "free"))
  expect_equal(coordinates$size, fit$df)
  estimated <- match(rownames(vcov(fit)), names(coef(fit)))
  reference_vcov(coordinates, function(p) loglik(x, p, weights), function(p) {
    lower <- if (!is.null(p$covariance)) apply(p$covariance, 3, function(s) s[lower.tri(s, diag = TRUE)])
    c(p$proportions, p$mean, if (is.null(lower)) p$sd else lower)[estimated]
  })
}

# Columns of like units, so that one step suits them all.
geyser <- as.matrix(data.frame(eruptions = faithful$eruptions, waiting = faithful$waiting / 10))

geyser_groups <- factor(geyser[, 1] > 3)

fit_geyser <- function(structure, ..., rows = seq_len(nrow(geyser))) {
  em_fit(geyser[rows, ], family = em_gaussian(structure), start = geyser_groups[rows], control = tight, ...)
}

vcov_cases <- list(
  complete = list(),
  holes = list(holes = TRUE),
  weights = list(weights = c(1, 2, 0.5, 0), proportions = "equal"),
  all = list(holes = TRUE, weights = c(2, 1, 0, 1), proportions = "equal")
)

expect_case <- function(structure, x, start, case) {
  if (isTRUE(case$holes)) x <- with_holes(x)
  w <- if (!is.null(case$weights)) rep_len(case$weights, nrow(x))
  latent <- em_mixture(if (is.null(case$proportions)) "free" else case$proportions)
  fit <- quietly(em_fit(x, family = em_gaussian(structure), start = start, weights = w, latent = latent,
                        control = tight))
  expect_vcov(vcov(fit), gaussian_vcov(fit, x, w))
}

# A case for each structure here; the long tests have all, and three dimensions.
for (i in seq_along(structures)) {
  case <- c(1:4, 4:1, 2, 3, 1, 4, 3, 2)[i]
  test_that(sprintf("%s (%s): vcov() is that of a Hessian by differences", structures[i], names(vcov_cases)[case]), {
    expect_case(structures[i], geyser, geyser_groups, vcov_cases[[case]])
  })
}

test_that("every structure, every case: vcov() is that of a Hessian by differences", {
  skip_if_not(nzchar(Sys.getenv("EMFIT_LONG_TESTS")))
  for (structure in structures) {
    for (case in vcov_cases) {
      expect_case(structure, geyser, geyser_groups, case)
      expect_case(structure, as.matrix(iris[c(1, 2, 4)]), iris$Species, case)
    }
  }
})

for (structure in c("E", "V")) {
  test_that(sprintf("%s: vcov() in one dimension is that of a Hessian by differences", structure), {
    fit <- em_fit(red_blue$value, family = em_gaussian(structure), start = list(mean = c(red = 1.1, blue = 9),
      sd = c(2, 2)), control = tight)
    expect_vcov(vcov(fit), gaussian_vcov(fit, cbind(red_blue$value)))
  })
}

test_that("binomial with unequal trials: vcov() is that of a Hessian by differences", {
  size <- rep(c(5, 8, 12, 20), 15)
  successes <- (seq_along(size) * 7) %% (size + 1)
  x <- cbind(successes, size - successes)
  w <- rep(c(1, 2, 3), 20)
  for (latent in c("free", "equal")) {
    fit <- em_fit(x, 2, "binomial", em_mixture(latent), start = list(prob = c(0.3, 0.7)), weights = w, control = tight)
    origin <- bare_parameters(fit)
    free <- latent == "free"
    coordinates <- list(size = 2 + free, at = function(z) {
      odds <- c(if (free) exp(z[3]) else 1, 1) * origin$proportions
      list(proportions = odds / sum(odds), prob = plogis(qlogis(origin$prob) + z[1:2]))
    })
    expected <- reference_vcov(coordinates, function(p) reference_loglik(x, p, w, "binomial"), function(p) {
      c(if (free) p$proportions, p$prob)
    })
    expect_vcov(vcov(fit), expected)
    expect_identical(rownames(vcov(fit)), names(coef(fit))[if (free) 1:4 else 3:4])
  }
})

test_that("one component: the closed form of every type", {
  x <- geyser[, 1]
  n <- length(x)
  fit <- em_fit(x, k = 1)
  s <- fit$parameters$sd[[1]]
  expect_equal(vcov(fit), diag(s^2 / c(n, 2 * n)), tolerance = 1e-8, ignore_attr = TRUE)
  expect_identical(rownames(vcov(fit)), c("mean[1]", "sd[1]"))
  scores <- cbind((x - mean(x)) / s^2, ((x - mean(x))^2 / s^2 - 1) / s)
  expect_equal(vcov(fit, "opg"), solve(crossprod(scores)), tolerance = 1e-8, ignore_attr = TRUE)
  bread <- diag(s^2 / c(n, 2 * n))
  expect_equal(vcov(fit, "sandwich"), bread %*% crossprod(scores) %*% bread, tolerance = 1e-8, ignore_attr = TRUE)
  coin <- em_fit(cbind(30, 70), k = 1, family = "binomial")
  expect_equal(c(vcov(coin)), 0.3 * 0.7 / 100, tolerance = 1e-8)
})

test_that("weight 2 is the row twice, and duplicated data give errors smaller by sqrt 2", {
  w <- rep(c(1, 2), 136)
  twice <- rep(seq_len(272), w)
  for (type in c("observed", "opg", "sandwich")) {
    expect_equal(vcov(fit_geyser("VVV", weights = w), type), vcov(fit_geyser("VVV", rows = twice), type),
                 tolerance = 1e-7)
    for (structure in c("EII", "VVE", "VEV", "EEE")) {
      once <- vcov(fit_geyser(structure), type)
      double <- vcov(fit_geyser(structure, rows = rep(1:272, 2)), type)
      expect_equal(double, once / 2, tolerance = 1e-6)
    }
  }
})

test_that("weights scaled to a small sum scale the covariance matrix, and nothing counts as empty", {
  whole <- fit_geyser("VVV", weights = rep(c(1, 2), 136))
  small <- fit_geyser("VVV", weights = rep(c(1, 2), 136) * 1e-7)
  for (type in c("observed", "opg", "sandwich")) {
    expect_equal(vcov(small, type) * 1e-7, vcov(whole, type), tolerance = 1e-5)
  }
})

test_that("labels, units, offsets and rows without weight change nothing but what they should", {
  fit <- fit_geyser("VVE")
  swapped <- em_fit(geyser, family = em_gaussian("VVE"), start = factor(geyser[, 1] <= 3, labels = c("TRUE", "FALSE")),
                    control = tight)
  expect_identical(rownames(vcov(swapped))[1:2], c("proportion[TRUE]", "proportion[FALSE]"))
  expect_equal(vcov(swapped)[rownames(vcov(fit)), rownames(vcov(fit))], vcov(fit), tolerance = 1e-6)

  moved <- em_fit(cbind(1e8 + geyser[, 1], 1e6 * geyser[, 2]), family = em_gaussian("VVV"),
                  start = factor(geyser[, 1] > 3), control = tight)
  unit <- c(1, 1, 1, 1, 1e6, 1e6, rep(c(1, 1e6, 1e12), 2))
  expect_equal(unname(vcov(moved)) / outer(unit, unit), unname(vcov(fit_geyser("VVV"))), tolerance = 1e-5)

  absent <- fit_geyser("VVV", weights = c(rep(1, 200), rep(0, 72)))
  for (type in c("observed", "opg", "sandwich")) {
    expect_equal(vcov(absent, type), vcov(fit_geyser("VVV", rows = 1:200), type), tolerance = 1e-7)
  }
})

test_that("scores of rows with missing cells are in the order of the rows", {
  x <- with_holes(geyser)
  w <- seq_len(272) / 100
  fit <- quietly(em_fit(x, family = em_gaussian("VVV"), start = geyser_groups, weights = w, control = few))
  found <- score_of(fit, "scores")
  expect_within(colSums(w * found$scores), found$gradient, 1e-9)
  empty <- rowSums(!is.na(x)) == 0
  expect_gt(sum(empty), 0)
  expect_within(found$scores[empty, ], matrix(0, sum(empty), fit$df), 1e-15)
})

test_that("vcov() is symmetric, positive, and the same for any number of threads", {
  fit <- fit_geyser("VVV")
  for (type in c("observed", "opg", "sandwich")) {
    v <- vcov(fit, type)
    expect_identical(v, t(v))
    expect_identical(rownames(v), names(coef(fit)))
    expect_true(all(diag(v) > 0))
    expect_gt(min(eigen(cov2cor(v[-1, -1]), TRUE)$values), 0)
  }
  set.seed(4)
  x <- c(rnorm(9000), rnorm(5000, 4))
  fit <- em_fit(x, k = 2)
  model <- emfit:::fit_model(fit)
  for (want in c("information", "outer", "scores")) {
    expect_identical(emfit:::score_em(fit$data, fit$parameters, model, want, threads = 1),
                     emfit:::score_em(fit$data, fit$parameters, model, want, threads = 3))
  }
})

# where there is none ----------------------------------------------------------

test_that("a probability at the boundary has no standard error, the others have", {
  x <- cbind(c(0, 0, 0, 0, 5, 6, 7, 3, 4, 6), c(10, 10, 10, 10, 5, 4, 3, 7, 6, 4))
  fit <- em_fit(x, 2, "binomial", start = list(prob = c(0, 0.5)), control = tight)
  expect_warning(v <- vcov(fit), class = "emfit_warning_standard_error")
  expect_warning(vcov(fit), "prob[1]: at the boundary", fixed = TRUE)
  expect_identical(is.na(diag(v)), c("proportion[1]" = FALSE, "proportion[2]" = FALSE, "prob[1]" = TRUE,
                                     "prob[2]" = FALSE))
  # As if that probability were known: two parameters are left.
  loglik <- function(z) reference_loglik(x, list(proportions = c(z[1], 1 - z[1]), prob = c(0, z[2])),
                                         family = "binomial")
  at <- c(fit$parameters$proportions[[1]], fit$parameters$prob[[2]])
  expected <- solve(-richardson_hessian(loglik, at, 1e-3))
  expect_equal(v[c(1, 4), c(1, 4)], expected, tolerance = 1e-5, ignore_attr = TRUE)
})

test_that("so has one that EM comes near to but does not reach", {
  y <- rep(0:4, c(30, 4, 7, 5, 2))
  fit <- function(p) {
    em_fit(cbind(y, 10 - y), 2, "binomial", start = list(prob = c(p, 0.4)), control = em_control(accelerate = FALSE))
  }
  near <- fit(0.1)
  expect_gt(near$parameters$prob[[1]], 1e-12)
  expect_warning(v <- vcov(near), "prob[1]: at the boundary", fixed = TRUE)
  expect_warning(there <- vcov(fit(0)), "prob[1]: at the boundary", fixed = TRUE)
  expect_within(v[-3, -3] / there[-3, -3], rep(1, 9), 1e-3)
})

test_that("a collapsed component has no standard errors, the others have", {
  set.seed(1)
  x <- c(rnorm(300), rep(20, 30))
  fit <- suppressWarnings(em_fit(x, k = 2, start = list(mean = c(a = 0, b = 20), sd = c(1, 1e-3))))
  warning <- expect_warning(v <- vcov(fit), class = "emfit_warning_standard_error")
  expect_match(conditionMessage(warning), "mean[b], sd[b]: component b is empty or collapsed", fixed = TRUE)
  expect_identical(rownames(v)[is.na(diag(v))], c("mean[b]", "sd[b]"))
  expect_true(all(is.finite(v[!is.na(diag(v)), !is.na(diag(v))])))
})

test_that("what the data can't tell apart has no standard error, and one warning says so", {
  twins <- suppressWarnings(em_fit(geyser[, 1], 2, start = list(mean = c(3.5, 3.5), sd = c(1, 1))))
  caught <- list()
  withCallingHandlers(v <- vcov(twins), warning = function(w) {
    caught[[length(caught) + 1]] <<- w
    invokeRestart("muffleWarning")
  })
  expect_length(caught, 1)
  expect_s3_class(caught[[1]], "emfit_warning_standard_error")
  expect_true(all(is.na(diag(v))))

  # One toss a row: every mixture with the same overall probability has the same likelihood.
  flat <- suppressWarnings(em_fit(cbind(rep(0:1, c(30, 20)), rep(1:0, c(30, 20))), 2, "binomial",
                                  start = list(prob = c(0.2, 0.7))))
  expect_warning(v <- vcov(flat), "can't tell these apart", class = "emfit_warning_standard_error")
  expect_true(all(is.na(diag(v))))
})

test_that("a fit short of a maximum says so", {
  stopped <- em_fit(geyser, family = em_gaussian("VVV"), start = factor(geyser[, 1] > 3),
                    control = em_control(tol = 0, max_iter = 0))
  expect_warning(v <- vcov(stopped), "could still rise", class = "emfit_warning_standard_error")
  expect_false(anyNA(v))
  expect_no_warning(vcov(fit_geyser("VVV")))
})

# confint() --------------------------------------------------------------------

test_that("confint() is symmetric on the scale of each parameter", {
  fit <- fit_geyser("VVV")
  error <- sqrt(diag(vcov(fit)))
  b <- coef(fit)
  z <- qnorm(0.95)
  ends <- confint(fit, level = 0.9)
  expect_identical(dimnames(ends), list(names(b), c("5 %", "95 %")))
  at <- "proportion[TRUE]"
  expect_equal(unname(ends[at, ]), unname(plogis(qlogis(b[at]) + c(-1, 1) * z * error[at] / (b[at] * (1 - b[at])))))
  for (at in c("mean.waiting[FALSE]", "covariance.eruptions.waiting[TRUE]")) {
    expect_equal(unname(ends[at, ]), unname(b[at] + c(-1, 1) * z * error[at]))
  }
  at <- "covariance.waiting.waiting[TRUE]"
  expect_equal(unname(ends[at, ]), unname(b[at] * exp(c(-1, 1) * z * error[at] / b[at])))
  sds <- em_fit(geyser[, 1], 2, control = tight)
  expect_equal(unname(confint(sds, "sd[1]")[1, ]),
               unname(coef(sds)["sd[1]"] * exp(c(-1, 1) * qnorm(0.975) * sqrt(vcov(sds)["sd[1]", "sd[1]"]) /
                                                 coef(sds)["sd[1]"])))
  expect_identical(colnames(confint(sds)), c("2.5 %", "97.5 %"))
  expect_identical(confint(fit, c(3, 1)), confint(fit)[c(3, 1), ])
  expect_false(identical(confint(fit, type = "sandwich"), confint(fit)))
})

test_that("what is not estimated is left out", {
  diagonal <- fit_geyser("VVI", latent = em_mixture("equal"))
  expect_identical(rownames(vcov(diagonal)), names(coef(diagonal))[c(3:6, 7, 9, 10, 12)])
  expect_identical(rownames(confint(diagonal)), rownames(vcov(diagonal)))
  shared <- vcov(fit_geyser("EEE"))
  expect_equal(shared["covariance.waiting.waiting[TRUE]", ], shared["covariance.waiting.waiting[FALSE]", ])
})

test_that("vcov() and confint() refuse what they don't know", {
  fit <- fit_geyser("VVV")
  expect_error(vcov(fit, "hessian"), "`type` must be", class = "emfit_error_argument")
  expect_error(vcov(fit, n_boot = 3), "n_boot", class = "emfit_error_argument")
  expect_error(confint(fit, level = 95), "`level` must be a number between 0 and 1", class = "emfit_error_argument")
  expect_error(confint(fit, "mean.waitng[TRUE]"), "Did you mean", class = "emfit_error_argument")
  expect_error(confint(fit, 40), "`parm`", class = "emfit_error_argument")
})
