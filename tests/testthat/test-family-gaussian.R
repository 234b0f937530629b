test_that("words and letters name the same structures", {
  expect_identical(em_gaussian("full"), em_gaussian("VVV"))
  expect_identical(em_gaussian("tied"), em_gaussian("EEE"))
  expect_identical(em_gaussian("diagonal"), em_gaussian("VVI"))
  expect_identical(em_gaussian("spherical"), em_gaussian("VII"))
})

test_that("every structure says in words what is equal", {
  expect_identical(format(em_gaussian("VEV")),
                   "Gaussian components, volume variable, shape equal, orientation variable (VEV)")
  expect_identical(format(em_gaussian()), "Gaussian components, full covariance (VVV)")
})

test_that("k = 1 is the closed form in every structure", {
  x <- as.matrix(iris[1:4])
  total <- cov(x) * 149 / 150
  expected <- function(structure) {
    if (substr(structure, 3, 3) != "I") return(total)
    if (substr(structure, 2, 2) == "I") return(diag(mean(diag(total)), 4))
    diag(diag(total))
  }
  for (structure in gaussian_structures) {
    fit <- em_fit(x, 1, em_gaussian(structure))
    expect_equal(fit$parameters$covariance[, , 1], expected(structure), tolerance = 1e-10, ignore_attr = TRUE)
    expect_equal(fit$parameters$mean[1, ], colMeans(x), tolerance = 1e-14)
  }
})

test_that("a covariance is symmetric to the last bit and positive definite", {
  for (structure in gaussian_structures) {
    fit <- em_fit(iris[1:4], start = iris$Species, family = em_gaussian(structure),
                  control = em_control(tol = 0, max_iter = 20))
    for (j in 1:3) {
      sigma <- unname(fit$parameters$covariance[, , j])
      expect_identical(sigma, t(sigma))
      expect_gt(min(eigen(sigma, symmetric = TRUE, only.values = TRUE)$values), 0)
    }
  }
})

test_that("common axes can't be turned to a better place, by steps of all angles or by sweeps", {
  set.seed(3)
  for (d in c(4, 12)) {
    x <- rbind(matrix(rnorm(80 * d), 80) %*% matrix(rnorm(d * d), d), matrix(rnorm(80 * d), 80) %*% matrix(rnorm(d * d), d) + 9)
    r <- diag(2)[rep(1:2, each = 80), ]
    w <- reference_scatter(x, r, t(r) %*% x / 80)
    axes <- eigen(em_mstep(x, r, family = em_gaussian("VVE"))$covariance[, , 1])$vectors
    value <- function(axes) sum(vapply(1:2, function(j) 80 * sum(log(diag(t(axes) %*% w[, , j] %*% axes))), 0))
    best <- value(axes)
    for (a in seq_len(d - 1)) for (b in seq(a + 1, d)) for (angle in c(-1e-3, 1e-3)) {
      turned <- axes
      turned[, c(a, b)] <- axes[, c(a, b)] %*% matrix(c(cos(angle), sin(angle), -sin(angle), cos(angle)), 2)
      expect_gt(value(turned), best - 1e-7)
    }
  }
})

test_that("of all pairs those merge that lose least, each to the moments of both", {
  k <- 4L
  withr_seed(3, {
    p <- list(proportions = c(0.4, 0.3, 0.2, 0.05, 0.05), mean = matrix(rnorm(3 * k), k), # the last share is that of noise
              covariance = array(replicate(k, crossprod(matrix(rnorm(15), 5))), c(3, 3, k)))
  })
  joined <- function(a, b) {
    w <- p$proportions[c(a, b)] / sum(p$proportions[c(a, b)])
    mean <- w[1] * p$mean[a, ] + w[2] * p$mean[b, ]
    about <- function(j) p$covariance[, , j] + tcrossprod(p$mean[j, ] - mean)
    list(mean = mean, covariance = w[1] * about(a) + w[2] * about(b))
  }
  term <- function(share, sigma) share * (log(det(sigma)) / 2 - log(share))
  loss <- function(a, b) {
    term(sum(p$proportions[c(a, b)]), joined(a, b)$covariance) - term(p$proportions[a], p$covariance[, , a]) -
      term(p$proportions[b], p$covariance[, , b])
  }
  pairs <- utils::combn(k, 2L)
  best <- pairs[, order(mapply(loss, pairs[1L, ], pairs[2L, ]))]
  merges <- family_merges(em_gaussian(), p, 3)
  expect_identical(lapply(merges, `[[`, "pair"), lapply(1:3, function(i) best[, i]))
  for (one in merges) {
    a <- one$pair[1L]
    expect_equal(one$parameters$mean[a, ], joined(a, one$pair[2L])$mean)
    expect_equal(one$parameters$covariance[, , a], joined(a, one$pair[2L])$covariance)
    kept <- setdiff(seq_len(k), one$pair)
    at <- kept - (kept > one$pair[2L])
    expect_identical(one$parameters$mean[at, ], p$mean[kept, ])
    expect_identical(one$parameters$covariance[, , at], p$covariance[, , kept])
  }
  expect_length(family_merges(em_gaussian(), p, Inf), 6L)
  # In one dimension, by standard deviations.
  line <- list(proportions = c(0.5, 0.3, 0.2), mean = c(0, 4, 5), sd = c(1, 0.5, 2))
  one <- family_merges(em_gaussian("V"), line, 1)[[1L]]
  expect_identical(one$pair, 2:3)
  expect_equal(one$parameters, list(mean = c(0, 4.4), sd = c(1, sqrt(0.6 * 0.25 + 0.4 * 4 + 0.24))))
})
