old_geyser <- function(...) {
  em_fit(faithful, family = em_gaussian("VVV"), ...,
         start = factor(faithful$eruptions > 3, labels = c("short", "long")))
}

# Standard errors of a bootstrap against those of the information, all within a part of themselves.
expect_errors <- function(boot, fit, part) {
  ratio <- sqrt(diag(vcov(boot)) / diag(vcov(fit)))
  expect_within(ratio, rep(1, length(ratio)), part)
}

types <- c("nonparametric", "parametric", "weighted")

test_that("set.seed() governs, and the number of threads changes nothing", {
  fit <- old_geyser()
  for (type in types) {
    run <- function(seed, threads) {
      set.seed(seed)
      em_bootstrap(fit, 12, type, threads = threads)[-1]
    }
    once <- run(1, 1)
    expect_identical(run(1, 2), once)
    expect_identical(run(1, 5), once)
    expect_false(identical(run(2, 1)$replicates, once$replicates))
  }
})

test_that("a replicate is the fit to its own data", {
  fit <- old_geyser(control = em_control(tol = 1e-10))
  set.seed(3)
  boot <- em_bootstrap(fit, 2, "nonparametric")
  set.seed(3)
  for (i in 1:2) {
    rows <- rep(seq_len(272), rmultinom(1, 272, rep(1, 272)))
    again <- em_fit(faithful[rows, ], start = fit, control = em_control(tol = 1e-10))
    expect_equal(boot$replicates[i, ], coef(again), tolerance = 1e-6)
    expect_equal(boot$loglik[i], again$loglik, tolerance = 1e-9)
  }
  set.seed(3)
  boot <- em_bootstrap(fit, 2, "parametric")
  set.seed(3)
  again <- em_fit(simulate(fit)[[1]], start = fit, control = em_control(tol = 1e-10))
  expect_equal(boot$replicates[1, ], coef(again), tolerance = 1e-6)
})

test_that("all types agree with the observed information where groups are far apart", {
  set.seed(8)
  x <- c(rnorm(400), rnorm(300, 9, 2))
  fit <- em_fit(x, k = 2)
  for (type in types) {
    set.seed(9)
    boot <- em_bootstrap(fit, 400, type)
    expect_errors(boot, fit, 0.15)
    expect_identical(boot$estimate, coef(fit))
    expect_true(all(boot$status == "converged"))
  }
  set.seed(9)
  by_fit <- vcov(fit, "bootstrap", n_boot = 20)
  set.seed(9)
  expect_identical(by_fit, vcov(em_bootstrap(fit, 20)))
})

test_that("counts keep their trials, weights count as rows", {
  size <- rep(c(4, 9, 30), 40)
  set.seed(2)
  successes <- rbinom(120, size, rep(c(0.2, 0.7), each = 60))
  fit <- em_fit(cbind(successes, size - successes), k = 2, family = "binomial")
  expect_identical(emfit:::simulated_data(fit)$x[, 2], size)
  for (type in types) {
    set.seed(5)
    expect_errors(em_bootstrap(fit, 300, type), fit, 0.25)
  }
  x <- c(rnorm(60), rnorm(60, 8))
  heavy <- em_fit(x, k = 2, weights = rep(4, 120))
  for (type in types) {
    set.seed(6)
    boot <- em_bootstrap(heavy, 300, type)
    expect_errors(boot, heavy, 0.25)
  }
  expect_equal(nrow(emfit:::simulated_data(heavy)$x), 480)
})

test_that("simulated data have the missing cells of the fit's, and its weights", {
  rows <- simulate(old_geyser(), seed = 3)[[1]]
  x <- with_holes(rows)
  fit <- quietly(em_fit(x, start = attr(rows, "component"), weights = rep(c(1, 2), 136)))
  drawn <- emfit:::simulated_data(fit)
  expect_identical(is.na(drawn$x), is.na(x[rep(1:272, fit$data$weights), ]), ignore_attr = TRUE)
  expect_equal(sum(drawn$weights), fit$nobs)
  for (type in types) {
    set.seed(6)
    expect_errors(em_bootstrap(fit, 300, type), fit, 0.25)
  }
})

test_that("components that changed places are put back", {
  set.seed(7)
  x <- cbind(rnorm(90, rep(c(0, 5, 10), 30)), rnorm(90))
  fit <- em_fit(x, k = 3, family = em_gaussian("VVI"))
  packed <- unlist(fit$parameters, use.names = FALSE)
  order <- c(3L, 1L, 2L)
  shuffled <- unlist(emfit:::permute_components(fit$parameters, emfit:::fit_fields(fit), order), use.names = FALSE)
  aligned <- emfit:::align_replicates(fit, cbind(packed, shuffled), 1:2)
  expect_identical(unname(aligned$parameters[, 2]), packed)
  expect_identical(aligned$moved, c(FALSE, TRUE))

  named <- em_fit(x, k = 3, latent = em_mixture(c(0.3, 0.3, 0.4)), family = em_gaussian("VVI"),
                  start = list(mean = cbind(c(0, 5, 10), 0), covariance = diag(2)))
  expect_false(emfit:::align_replicates(named, cbind(shuffled), 1)$moved)
})

test_that("the assignment is the best of all permutations", {
  every <- as.matrix(expand.grid(rep(list(1:4), 4)))
  every <- every[apply(every, 1, function(row) !anyDuplicated(row)), ]
  set.seed(1)
  for (i in 1:25) {
    gain <- matrix(rexp(16), 4)
    worth <- apply(every, 1, function(row) sum(gain[cbind(1:4, row)]))
    expect_identical(emfit:::best_assignment(gain), unname(every[which.max(worth), ]))
  }
  expect_identical(emfit:::best_assignment(matrix(1, 3, 3)), 1:3)
  expect_identical(emfit:::best_assignment(rbind(c(5, 4), c(9, 6))), 2:1)
  expect_identical(emfit:::best_assignment(rbind(c(5, 9), c(4, 6))), 2:1)
})

test_that("refits that fail are counted and left out", {
  set.seed(4)
  fit <- em_fit(c(rnorm(30), 8, 8.2, 8.5), k = 2, start = list(mean = c(0, 8), sd = c(1, 1)))
  set.seed(1)
  expect_warning(boot <- em_bootstrap(fit, 60), "collapsed", class = "emfit_warning_standard_error")
  failed <- is.na(boot$replicates[, 1])
  expect_gt(sum(failed), 0)
  expect_true(all(is.na(boot$replicates[failed, ])))
  expect_equal(vcov(boot), cov(boot$replicates[!failed, ]))
  expect_output(print(boot), sprintf("%d left out", sum(failed)))

  fit <- old_geyser()
  expect_warning(em_bootstrap(fit, 3, control = em_control(max_iter = 1)), "stopped at max_iter",
                 class = "emfit_warning_standard_error")
})

test_that("confint() gives quantiles, print() a table, and what is held is left out", {
  fit <- old_geyser(latent = em_mixture("equal"))
  set.seed(1)
  boot <- em_bootstrap(fit, 40)
  at <- "mean.waiting[long]"
  expect_equal(unname(confint(boot, at, level = 0.8)[1, ]),
               unname(quantile(boot$replicates[, at], c(0.1, 0.9))))
  expect_identical(colnames(confint(boot)), c("2.5 %", "97.5 %"))
  expect_identical(rownames(vcov(boot)), names(coef(fit))[-(1:2)])
  lines <- capture.output(expect_identical(print(boot), boot))
  expect_lte(length(lines), 15)
  expect_match(lines[1], "Bootstrap, nonparametric: 40 refits", fixed = TRUE)
  expect_identical(unserialize(serialize(boot, NULL)), boot)
})

test_that("em_bootstrap() refuses what it can't use", {
  fit <- old_geyser()
  expect_error(em_bootstrap(1), "`fit` must come from em_fit", class = "emfit_error_argument")
  expect_error(em_bootstrap(fit, 1), "`n_boot` must be", class = "emfit_error_argument")
  expect_error(em_bootstrap(fit, 5, "jackknife"), "`type` must be", class = "emfit_error_argument")
  expect_error(em_bootstrap(fit, 5, threads = 0), "`threads` must be", class = "emfit_error_argument")
  set.seed(1)
  boot <- em_bootstrap(fit, 5)
  expect_error(confint(boot, "nobody"), "`parm`", class = "emfit_error_argument")
  boot$replicates[] <- NA
  expect_error(vcov(boot), "Fewer than two refits", class = "emfit_error_degenerate")
})
