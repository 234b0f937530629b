# A component is judged by its own rows, never by how far it lies from others.

# Groups that don't overlap: the log-likelihood is that of each group by itself.
apart <- function(x, z) {
  x <- as.matrix(x)
  of_group <- function(g) {
    y <- x[z == g, , drop = FALSE]
    m <- nrow(y)
    log_det <- as.numeric(determinant(cov(y) * (m - 1) / m)$modulus)
    m * log(m / nrow(x)) - m / 2 * (ncol(x) * log(2 * pi) + log_det + ncol(x))
  }
  sum(vapply(unique(z), of_group, 0))
}

test_that("narrow groups far apart are a plain fit", {
  set.seed(1)
  x <- c(rnorm(100), rnorm(100, 5000))
  z <- rep(1:2, each = 100)
  fit <- expect_silent(em_fit(x, 2))
  expect_equal(fit$loglik, apart(x, z), tolerance = 1e-10)
  expect_length(fit$degenerate, 0)
  expect_false(anyNA(vcov(fit)))
  expect_identical(em_diagnose(fit)$status[em_diagnose(fit)$check == "collapse"], factor("note", c("problem", "note", "ok")))
  s <- em_select(x, k = 1:2)
  expect_equal(s$table$logLik[s$table$covariance == "V" & s$table$k == 2], fit$loglik, tolerance = 1e-9)
  expect_identical(best(s)$k, 2L)
  expect_equal(em_lrt(em_fit(x, 1), n_boot = 3)$statistic[["LR"]], 2 * (fit$loglik - em_fit(x, 1)$loglik), tolerance = 1e-6)
})

test_that("groups of any spread and distance are found, without an alarm", {
  set.seed(2)
  for (d in 1:3) for (ratio in c(1e-3, 1, 1e3)) for (distance in c(1e2, 1e7)) {
    k <- sample(2:4, 1)
    z <- rep(seq_len(k), each = 40)
    sds <- ratio^runif(k)
    x <- matrix(rnorm(40 * k * d), ncol = d) * sds[z] + (z - 1) * distance * max(sds)
    fit <- expect_silent(em_fit(x, k, em_gaussian(if (d == 1) "V" else "VVV")))
    expect_equal(fit$loglik, apart(x, z), tolerance = 1e-6)
    expect_false(anyNA(vcov(fit)))
  }
})

# The same under a structure, by the plain M-step of helper-reference.R.
apart_under <- function(x, z, structure) {
  x <- as.matrix(x)
  k <- max(z)
  r <- diag(k)[z, ]
  n <- colSums(r)
  w <- reference_scatter(x, r, t(r) %*% x / n)
  sum(n * log(n / nrow(x))) - nrow(x) * ncol(x) / 2 * log(2 * pi) -
    reference_objective(n, w, reference_covariance(structure, n, w)) / 2
}

test_that("groups far apart are found under every structure, in one to three dimensions, without an alarm", {
  set.seed(7)
  for (d in 1:3) for (structure in if (d == 1) c("E", "V") else gaussian_structures) for (distance in c(1e2, 1e5)) {
    k <- sample(2:5, 1)
    z <- rep(seq_len(k), each = 20 * d)
    # Groups of unequal sizes are no groups of equal volume.
    sds <- if (startsWith(structure, "V")) sample(c(1e-3, 1, 1e3), 1)^runif(k) else rep(1, k)
    x <- matrix(rnorm(20 * d * k * d), ncol = d) * sds[z] + (z - 1) * distance * max(sds)
    wanted <- apart_under(x, z, structure)
    if (structure %in% c("EVE", "VVE")) {
      # Common axes of round groups have maxima of their own.
      fit <- suppressWarnings(em_fit(x, k, em_gaussian(structure)), classes = "emfit_warning_agreement")
      expect_gt(fit$loglik, wanted - 1e-6 * abs(wanted))
      expect_lt(fit$loglik, wanted + 0.1)
    } else {
      fit <- expect_silent(em_fit(x, k, em_gaussian(structure)))
      expect_equal(fit$loglik, wanted, tolerance = 1e-6)
    }
    expect_length(fit$degenerate, 0)
  }
})

test_that("what components share stays shared by long steps between groups that are far apart", {
  # Where a run came from both groups in one covariance, whose axes differed as much as the groups are apart.
  logs <- function(fit) log(apply(fit$parameters$covariance, 3, function(s) sort(eigen(s, TRUE, TRUE)$values)))
  apart <- function(x) max(apply(rbind(x), 1, function(row) diff(range(row))))
  for (structure in c("EVV", "EVE", "VEE", "EEV", "VEV")) for (distance in c(1e6, 1e7)) for (seed in 1:6) {
    set.seed(seed)
    d <- 2 + seed %% 2
    x <- matrix(rnorm(120 * d), ncol = d) + rep(0:2, each = 40) * distance
    expect_no_warning(fit <- em_fit(x, 3, em_gaussian(structure)))
    found <- logs(fit)
    volume <- colMeans(found)
    if (startsWith(structure, "E")) expect_lt(apart(volume), 1e-8)
    if (substr(structure, 2, 2) == "E") expect_lt(apart(found - rep(volume, each = d)), 1e-8)
  }
})

test_that("long thin groups are found under every structure that turns with them", {
  for (d in 2:3) for (structure in c("EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV", "VVV")) {
    set.seed(d)
    z <- rep(1:3, each = 60)
    x <- matrix(rnorm(180 * d), ncol = d)
    x[z == 1, 2] <- x[z == 1, 1] + 1e-3 * x[z == 1, 2]
    x <- x + 6 * cbind(z == 2, z == 3, 0)[, seq_len(d)]
    known <- suppressWarnings(em_fit(x, 3, em_gaussian(structure), start = factor(z)))
    fit <- suppressWarnings(em_fit(x, 3, em_gaussian(structure)))
    expect_gt(fit$loglik, known$loglik - 1e-3)
    expect_length(fit$degenerate, 0)
    expect_no_warning(em_fit(x, 3, em_gaussian(structure)), class = "emfit_warning_collapse")
  }
})

test_that("where nothing is left to gain but rounding a run has converged", {
  set.seed(2)
  for (i in 1:4) {
    z <- rep(1:4, each = 40)
    x <- matrix(rnorm(320), ncol = 2) + (z - 1) * 100
    fit <- expect_silent(em_fit(x, 4, em_gaussian("EII")))
    expect_lt(fit$iterations, 100)
  }
})

test_that("long thin groups are groups", {
  set.seed(5)
  along <- rnorm(100)
  z <- rep(1:3, each = 100)
  for (thickness in c(1e-2, 1e-4, 1e-5)) {
    x <- rbind(cbind(along, along + thickness * rnorm(100)), cbind(rnorm(100, 6), rnorm(100)),
               cbind(rnorm(100), rnorm(100, 6)))
    fit <- expect_silent(em_fit(x, 3))
    expect_gt(fit$loglik, em_fit(x, 3, start = factor(z))$loglik - 1e-3)
    expect_length(fit$degenerate, 0)
    expect_false(anyNA(vcov(fit)))
  }
})

test_that("the verdict is the same in other units, about another origin, turned, doubled, and with a group far away", {
  set.seed(3)
  x <- rbind(matrix(rnorm(80), ncol = 2), matrix(rnorm(80, 5, 1e-3), ncol = 2))
  z <- rep(1:2, each = 40)
  turn <- matrix(c(cos(0.3), sin(0.3), -sin(0.3), cos(0.3)), 2)
  tie <- rbind(matrix(rnorm(60), ncol = 2), cbind(rnorm(20, 4), 7))
  ties <- rep(1:2, c(30, 20))
  # Nearly certain responsibilities: a group without spread is no start of its own.
  soft <- function(z) {
    k <- max(z)
    out <- matrix(0.02 / (k - 1), length(z), k)
    out[cbind(seq_along(z), z)] <- 0.98
    out
  }
  verdict <- function(x, z, ...) suppressWarnings(em_fit(x, start = soft(z), ...))$degenerate
  for (map in list(identity, function(x) 1e-5 * x, function(x) x + 1e5, function(x) x %*% turn)) {
    expect_identical(verdict(map(x), z), integer())
    expect_identical(verdict(map(tie), ties), 2L)
  }
  expect_identical(verdict(x, z, weights = rep(2, 80)), integer())
  expect_identical(verdict(tie, ties, weights = rep(2, 50)), 2L)
  far <- matrix(rnorm(60, 1e6), ncol = 2)
  expect_identical(verdict(rbind(x, far), c(z, rep(3, 30))), integer())
  expect_identical(verdict(rbind(tie, far), c(ties, rep(3, 30))), 2L)
})

test_that("points, ties and rounding are found, also at 0, and called unbounded where they are", {
  set.seed(4)
  for (at in c(0, 3, 1e8)) for (jitter in c(0, 1e-16)) {
    x <- at + c(rnorm(50), rep(20, 20) + jitter * at * rnorm(20))
    expect_warning(fit <- em_fit(x, start = list(mean = at + c(0, 20), sd = c(1, 0.1))), "likelihood is unbounded",
                   class = "emfit_warning_collapse")
    expect_identical(fit$relative_spread[[2]], 0)
  }
  heap <- suppressWarnings(em_fit(c(rep(0, 50), seq(4, 6, length.out = 50)), 2))
  expect_identical(unname(heap$relative_spread == 0), unname(heap$parameters$mean < 1))
  expect_true(family_is_bounded(em_gaussian("EEE")) && family_is_bounded(em_gaussian("E")))
  expect_false(family_is_bounded(em_gaussian("VVV")))
  expect_true(family_is_bounded(em_gaussian(prior = em_prior())))
  expect_match(what_shrank(em_gaussian("EVI")), "no inverse")
})

test_that("two groups far apart leave no column a combination of others, and a true combination is one", {
  set.seed(6)
  z <- rep(1:2, each = 30)
  x <- matrix(rnorm(120), ncol = 2) + 1e7 * (z == 2)
  expect_equal(em_fit(x, 2)$loglik, apart(x, z), tolerance = 1e-8)
  expect_error(em_fit(cbind(x[, 1], 2 * x[, 1]), 2), "linear combination", class = "emfit_error_input")
  expect_error(em_fit(cbind(x[, 1], x[, 1] + 1e-3 * 1e-7 * x[, 2]), 2), "linear combination", class = "emfit_error_input")
})

test_that("a first gain is no sign of an end: a saddle is left", {
  set.seed(1)
  blobs <- rbind(matrix(rnorm(400), ncol = 2), matrix(rnorm(400, 20), ncol = 2))
  ends <- vapply(1:20, function(s) {
    set.seed(s)
    fit <- suppressWarnings(em_fit(blobs, 2, em_gaussian("EEE"), start = factor(sample(2, 400, TRUE))))
    c(fit$iterations, fit$loglik)
  }, c(0, 0))
  expect_true(all(ends[1, ] > 1))
  expect_gt(mean(ends[2, ] > max(ends[2, ]) - 1), 0.6)
})
