# The compiled kernels: every instruction set this machine has, and the fast forms beside the exact one.

sets <- emfit:::em_kernels_cpp()

with_kernels <- function(name, code) {
  old <- options(emfit.kernels = name)
  on.exit(options(old))
  code
}

# Log-likelihood by iteration, and by the exact E-step at the same parameters; weights are whole numbers.
expect_exact_trace <- function(x, ..., weights = rep(1, NROW(x)), tolerance = 1e-10) {
  control <- em_control(tol = 0, max_iter = 6, accelerate = FALSE, path = TRUE)
  fit <- em_fit(x, ..., weights = weights, control = control)
  parameters <- lapply(fit$path, function(p) emfit:::parameters_of_fit(replace(fit, "parameters", list(p))))
  repeated <- as.matrix(x)[rep(seq_len(NROW(x)), weights), ]
  exact <- vapply(parameters, function(p) em_estep(repeated, p)$loglik, 0)
  expect_equal(fit$trace$loglik, exact, tolerance = tolerance)
  invisible(fit)
}

test_that("every instruction set gives the oracle's numbers, for every family and structure", {
  expect_true("baseline" %in% sets)
  w <- rep(c(0.5, 1, 2, 0, 1), length.out = 300)
  for (case in law_cases()) {
    x <- case$x_of(300)
    oracle <- law_oracle(case, x, weights = w, n_iter = 4)
    for (name in sets) {
      fit <- with_kernels(name, law_run(case, x, 4, weights = w))
      expect_equal(fit$trace$loglik, oracle$trace, tolerance = if (case$name %in% c("EVE", "VVE")) 1e-6 else 1e-9)
      prob <- with_kernels(name, predict(fit, type = "prob"))
      expect_equal(rowSums(prob), rep(1, 300), tolerance = 1e-14)
    }
  }
})

test_that("instruction sets agree where rows fill neither vectors nor blocks", {
  for (n in c(5L, 257L, 1031L)) {
    for (d in c(1L, 2L, 7L, 17L)) {
      x <- law_matrix(max(n, 2L * d), d, n + d)
      for (structure in c("VII", "VVI", "EEE", "VVV")) {
        start <- list(mean = x[c(1, 4), , drop = FALSE], covariance = diag(d) * 4)
        if (d == 1L) start <- list(mean = x[c(1, 4)], sd = c(2, 2))
        run <- function(name) {
          control <- em_control(tol = 0, max_iter = 0)
          # At the start itself a component may hold fewer rows than it needs.
          suppressWarnings(classes = "emfit_warning_collapse", {
            with_kernels(name, em_fit(x, k = 2, family = em_gaussian(structure), start = start, control = control))
          })
        }
        logliks <- vapply(sets, function(name) run(name)$loglik, 0)
        expect_equal(unname(logliks), rep(logliks[["baseline"]], length(sets)), tolerance = 1e-13)
      }
    }
  }
})

test_that("fast iterations lose no digit that shows", {
  for (name in sets) {
    with_kernels(name, {
      for (structure in c("VII", "EII", "VVI", "EEE", "VVV", "VEV")) {
        x <- law_matrix(700, 4, 3) + 1e8
        start <- list(mean = x[c(1, 20, 300), ], covariance = diag(4))
        expect_exact_trace(x, family = em_gaussian(structure), start = start)
        expect_exact_trace(x, family = em_gaussian(structure), start = start, weights = rep(c(3, 2, 0, 1), 175))
      }
      seven <- list(mean = x[100 * (1:7), ], covariance = diag(4))
      expect_exact_trace(x, family = em_gaussian("VVV"), start = seven)
      x <- law_matrix(700, 1, 4)[, 1] + 1e8
      expect_exact_trace(x, start = list(mean = x[c(1, 20, 300)], sd = c(1, 1, 1)))
    })
  }
})

test_that("what a converged run reports is the exact form's, to the last bit", {
  x <- law_matrix(300, 4, 3)
  for (structure in c("VII", "VVI", "EEE", "VVV")) {
    start <- list(mean = x[c(1, 20, 300), ], covariance = diag(4))
    fit <- em_fit(x, family = em_gaussian(structure), start = start)
    expect_true(fit$converged)
    expect_identical(fit$loglik, em_estep(x, fit)$loglik)
  }
})

test_that("narrow clusters far from the centre stay exact", {
  x <- withr_seed(8, matrix(rnorm(600 * 2, sd = 1e-2), 600) + rep(c(-1e3, 0, 1e3), each = 200))
  start <- list(mean = cbind(c(-1e3, 0, 1e3), c(-1e3, 0, 1e3)), covariance = diag(2) * 1e-3)
  for (structure in c("VII", "VVI", "EEE", "VVV")) {
    # 200 rows each: far apart and narrow is no reason for an alarm.
    expect_warning(fit <- expect_exact_trace(x, family = em_gaussian(structure), start = start), NA)
    pooled <- var(x[1:200, 1]) * 199 / 200
    if (structure == "VVV") expect_equal(fit$parameters$covariance[[1, 1, 1]], pooled, tolerance = 1e-6)
  }
})

test_that("rows 40 standard deviations out have finite densities and responsibilities that sum to one", {
  x <- rbind(law_matrix(200, 2, 5), c(60, -60), c(-1e5, 1e5))
  start <- list(mean = rbind(c(0, 0), c(3, -1)), covariance = diag(2))
  fit <- em_fit(law_matrix(200, 2, 5), start = start, control = em_control(max_iter = 5, tol = 0))
  for (name in sets) {
    for (type in c("prob", "logdensity")) {
      out <- with_kernels(name, predict(fit, x, type = type))
      expect_true(all(is.finite(out)))
      if (type == "prob") expect_equal(unname(rowSums(out)), rep(1, 202), tolerance = 1e-14)
    }
  }
})

test_that("the same bits come from the baseline again, and an unknown name is refused", {
  run <- function() em_fit(faithful, k = 2, start = list(mean = faithful[c(1, 2), ], covariance = diag(c(1, 100))))
  expect_identical(with_kernels("baseline", run()), with_kernels("baseline", run()))
  expect_error(with_kernels("mmx", run()), class = "emfit_error_argument")
})

test_that("a start whose covariances are not of the structure's kind is scored as it is", {
  x <- law_matrix(100, 2, 9)
  tilted <- matrix(c(2, 0.9, 0.9, 1), 2)
  start <- list(proportions = c(0.5, 0.5), mean = x[c(1, 4), ], covariance = array(c(tilted, diag(2)), c(2, 2, 2)))
  expected <- reference_em(x, 2, structure = "VVV", family = "gaussian", start = start, n_iter = 0)$trace[1]
  for (structure in c("VVI", "VII", "EEE", "VVV")) {
    fit <- em_fit(x, start = start, family = em_gaussian(structure), control = em_control(max_iter = 0))
    expect_equal(fit$loglik, expected, tolerance = 1e-12)
  }
})
