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
