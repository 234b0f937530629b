# A conjugate prior on the components. The oracle is helper-combined.R; that of the optimum a zero gradient of the log
# posterior, by differences in coordinates that share nothing with the package.

a_prior <- function(d = 2, kappa = 0.7) {
  scale <- matrix(c(1.5, 0.4, 0.2, 0.4, 1, 0.1, 0.2, 0.1, 2), 3)[seq_len(d), seq_len(d), drop = FALSE]
  list(mean = c(0.5, -1, 2)[seq_len(d)], kappa = kappa, nu = d + 3.5, scale = scale)
}

as_prior <- function(p) do.call(em_prior, p)

prior_start <- function(d = 2) {
  means <- rbind(c(0, 0, 0), c(3, -1, 0), c(-2, 3, 0))[, seq_len(d), drop = FALSE]
  c(list(proportions = c(0.4, 0.3, 0.3)), if (d == 1) list(mean = means[, 1], sd = c(1, 1, 1)) else
    list(mean = means, covariance = diag(d)))
}

run_prior <- function(x, structure, p = a_prior(NCOL(x)), n_iter = 4, ..., start = prior_start(NCOL(x)), control = list()) {
  control <- do.call(em_control, utils::modifyList(list(tol = 0, max_iter = n_iter, accelerate = FALSE), control))
  em_fit(x, k = 3, family = em_gaussian(structure, prior = as_prior(p)), start = start, control = control,
         na.action = na.pass, ...)
}

objective_of <- function(x, p, prior) {
  p <- reference_parameters(p, length(p$proportions), NCOL(x))
  reference_loglik(as.matrix(x), p) + combined_log_prior(p, prior)
}

test_that("every structure's iterations are those of the oracle", {
  x <- unname(law_matrix(60, 2, 11))
  for (structure in law_structures) {
    fit <- run_prior(x, structure)
    oracle <- combined_em(x, 3, structure, prior_start(), prior = a_prior())
    tolerance <- if (structure %in% c("EVE", "VVE")) 1e-6 else 1e-9
    expect_equal(fit$trace$loglik, oracle$trace, tolerance = tolerance, info = structure)
    expect_equal(parameter_numbers(fit), unlist(lapply(oracle$parameters, as.numeric), use.names = FALSE),
                 tolerance = tolerance, info = structure)
    expect_equal(fit$loglik, oracle$loglik, tolerance = tolerance)
    expect_identical(fit$objective, fit$trace$loglik[5])
  }
  for (structure in c("E", "V")) {
    oracle <- combined_em(x[, 1], 3, structure, prior_start(1), prior = a_prior(1))
    expect_equal(run_prior(x[, 1], structure)$trace$loglik, oracle$trace, tolerance = 1e-9)
  }
  for (p in list(a_prior(kappa = 0), a_prior())) {
    ecm <- run_prior(x, "VEV", p, control = list(algorithm = "ecm"))
    expect_equal(ecm$trace$loglik, combined_em(x, 3, "VEV", prior_start(), prior = p, algorithm = "ecm")$trace,
                 tolerance = 1e-9)
  }
})

test_that("the gradient of the log posterior is 0 where a fit ends, under every structure", {
  tight <- list(tol = 1e-11, max_iter = 5000)
  ends <- function(x, structure, d) {
    fit <- run_prior(x, structure, control = tight)
    expect_gte(min(diff(fit$trace$loglik)), -1e-9)
    coordinates <- reference_coordinates(lapply(fit$parameters, unname), fit$family$covariance)
    slope <- function(j) {
      richardson_slope(function(t) objective_of(x, coordinates$at(replace(numeric(coordinates$size), j, t)), a_prior(d)), 1e-2)
    }
    expect_within(vapply(seq_len(coordinates$size), slope, 0), numeric(coordinates$size), 2e-4)
    fast <- run_prior(x, structure, start = fit$start, control = list(tol = 1e-9, max_iter = 5000, accelerate = TRUE))
    expect_within(fast$objective, fit$objective, 1e-6)
    fit
  }
  x <- unname(law_matrix(90, 2, 11))
  for (structure in law_structures) fit <- ends(x, structure, 2)
  for (structure in c("E", "V")) ends(x[, 1], structure, 1)
})

test_that("standard errors are those of the log posterior, and long steps climb it", {
  x <- unname(law_matrix(90, 2, 11))
  for (structure in c("VEV", "EEE")) {
    fit <- run_prior(x, structure, control = list(tol = 1e-11, max_iter = 5000))
    coordinates <- reference_coordinates(lapply(fit$parameters, unname), structure)
    wanted <- reference_vcov(coordinates, function(p) objective_of(x, p, a_prior()),
                             function(p) c(p$proportions, p$mean, p$covariance[lower.tri(diag(2), TRUE)]))
    of_mine <- sqrt(diag(vcov(fit)))
    expect_equal(unname(of_mine[seq_len(9)]), sqrt(diag(wanted))[seq_len(9)], tolerance = 1e-4)
  }
  y <- withr_seed(4, c(rnorm(150), rnorm(150, 1.6, 1.2)))
  p <- list(mean = 0.5, kappa = 0.1, nu = 3, scale = 0.5)
  run <- function(...) {
    em_fit(y, 2, em_gaussian("V", as_prior(p)), start = list(mean = c(0, 2), sd = c(1, 1)), control = em_control(...))
  }
  fast <- run(tol = 1e-9)
  expect_true(any(fast$trace$accelerated))
  expect_gte(min(diff(fast$trace$loglik)), -1e-9)
  expect_within(fast$objective, run(tol = 1e-12, max_iter = 1e5, accelerate = FALSE)$objective, 1e-6)
  expect_error(vcov(fast, type = "sandwich"), "can't take a fit with a prior", class = "emfit_error_unsupported")
  expect_error(em_lrt(fast), "compares maxima of the likelihood", class = "emfit_error_unsupported")
  expect_identical(dim(withr_seed(1, vcov(em_bootstrap(fast, n_boot = 20)))), c(6L, 6L))
})

# mclust takes 3 degrees of freedom in one dimension and d + 2 in more, whatever it is told; 3 and 4 here.
test_that("fits agree with mclust where mclust's prior is this one in other numbers", {
  skip_if_not_installed("mclust")
  x <- unname(law_matrix(150, 2, 11))
  z <- reference_responsibilities(x, reference_parameters(prior_start(), 3, 2))
  peer <- function(x, structure, z, scale) {
    prior <- mclust::priorControl(shrinkage = 0.7, mean = c(0.5, -1)[seq_len(NCOL(x))], scale = scale)
    eval(quote(me(x, modelName = structure, z = z, prior = prior,
                  control = emControl(tol = c(1e-14, 1e-12), itmax = c(20000L, 2000L)))),
         list(x = x, structure = structure, z = z, prior = prior), asNamespace("mclust"))$parameters
  }
  agree <- function(x, structure, theirs, nu, scale, z) {
    d <- NCOL(x)
    prior <- em_prior(c(0.5, -1)[seq_len(d)], 0.7, nu, scale)
    fit <- em_fit(x, family = em_gaussian(structure, prior), start = z,
                  control = em_control(tol = 1e-11, max_iter = 20000, accelerate = FALSE))
    end <- peer(x, structure, z, theirs)
    expect_equal(t(matrix(end$mean, d)), unname(matrix(fit$parameters$mean, ncol(z))), tolerance = 1e-5, info = structure)
    sigma <- if (d == 1) rep_len(end$variance$sigmasq, ncol(z)) else end$variance$sigma
    expect_equal(as.numeric(sigma), as.numeric(if (d == 1) fit$parameters$sd^2 else fit$parameters$covariance),
                 tolerance = 1e-5, info = structure)
  }
  scale <- a_prior()$scale
  agree(x, "VVV", scale, 4, scale, z)
  agree(x, "VVI", 1.2, 3, 1.2, z)       # rows of a variance: n_k + 4 + 3 = n_k + nu + d + 2
  agree(x, "VII", 1.2, 0, 0.6, z)       # of d of them: d n_k + 4 + d + 2 = d (n_k + nu + d + 2), and the trace of scale
  y <- faithful$eruptions
  agree(y, "V", 1.5, 3, 1.5, cbind(y < 3, y >= 3) + 0)
  two <- cbind(z[, 1], z[, 2] + z[, 3]) # counted once altogether: n + 4 + d + 2 + 1 = n + 2 (nu + d + 2)
  agree(x, "EEE", scale, 0.5, scale / 2, two)
  agree(x[, 1], "E", 1.5, 0.5, 0.75, two)
})

test_that("a prior cures collapse, and says what it takes from the data", {
  x <- c(1.2, 1.2, 1.2, 1.2, faithful$eruptions[1:60])
  start <- list(mean = c(1.2, 2, 4.3), sd = c(0.001, 0.3, 0.4))
  expect_warning(em_fit(x, start = start, control = em_control(tol = 1e-8)), class = "emfit_warning_collapse")
  cured <- em_fit(x, start = start, family = em_gaussian("V", prior = em_prior()))
  expect_true(cured$converged)
  expect_length(cured$degenerate, 0)
  expect_gt(min(cured$parameters$sd), 0.05)
  used <- cured$family$prior
  expect_equal(used$mean, mean(x))
  expect_equal(drop(used$scale), var(x) / 3^2, tolerance = 1e-12)
  expect_identical(c(used$nu, used$kappa), c(3, 0.01))
  two <- em_fit(faithful, 2, em_gaussian(prior = em_prior()), start = "kmeans++")
  expect_equal(two$family$prior$scale, unname(var(faithful)) / 2, tolerance = 1e-12)
  expect_equal(two$family$prior$mean, unname(colMeans(faithful)), tolerance = 1e-12)
  tight <- withr_seed(1, em_fit(faithful, 2, em_gaussian(prior = em_prior(scale = c(0.01, 1))), start = "kmeans++"))
  expect_gt(tight$loglik, tight$objective)
  of_starts <- subset(em_diagnose(tight), check == "starts")
  expect_identical(of_starts$value, as.numeric(nrow(tight$starts)))
  expect_no_match(of_starts$explanation, "lower", fixed = TRUE)
  # Two rows of their own in three dimensions
  y <- unname(rbind(law_matrix(60, 3, 11), c(20, 20, 20), c(21, 20, 20)))
  few <- em_fit(y, family = em_gaussian(prior = em_prior()), start = rep(1:2, c(60, 2)))
  expect_true(few$converged)
  expect_equal(unname(few$parameters$proportions), c(60, 2) / 62, tolerance = 1e-4)
  shown <- format(few)
  expect_match(shown[1], "with a prior", fixed = TRUE)
  expect_match(shown, "Log-likelihood and log prior together", fixed = TRUE, all = FALSE)
  expect_identical(as.numeric(logLik(few)), few$loglik)
  expect_identical(plot_data(few, type = "trace")$variable, "log-likelihood + log prior")
})

test_that("the default prior follows units and weights, and each k of a table has its own", {
  x <- unname(law_matrix(90, 2, 11))
  family <- em_gaussian("VVE", prior = em_prior())
  run <- function(x, start = prior_start(), ...) {
    em_fit(x, family = family, start = start, control = em_control(tol = 0, max_iter = 6, accelerate = FALSE), ...)
  }
  base <- run(x)
  start <- prior_start()
  start$mean <- start$mean * 1e6 + 1e8
  start$covariance <- start$covariance * 1e12
  far <- run(x * 1e6 + 1e8, start)
  expect_equal(far$parameters$covariance / 1e12, base$parameters$covariance, tolerance = 1e-6)
  expect_equal(far$objective - base$objective, far$loglik - base$loglik, tolerance = 1e-7)
  w <- rep(c(1, 2, 0, 3, 1), 18)
  expect_same_parameters(run(x, weights = w), run(x[rep(1:90, w), ]), 1e-8)
  expect_equal(run(x, weights = w)$objective, run(x[rep(1:90, w), ])$objective, tolerance = 1e-10)
  holed <- with_holes(x, 0.2)
  expect_equal(run(holed, na.action = na.pass)$family$prior$mean, colMeans(holed, na.rm = TRUE), tolerance = 1e-12)
  expect_equal(diag(run(holed, na.action = na.pass)$family$prior$scale) * 3, apply(holed, 2, var, na.rm = TRUE), tolerance = 1e-12)
  table <- withr_seed(1, em_select(x, k = 1:3, covariance = c("EII", "VVV"), family = em_gaussian(prior = em_prior())))
  expect_false(anyNA(table$table$BIC))
  three <- best(table, k = 3, covariance = "VVV")
  expect_equal(three$family$prior$scale, var(x) / 3, tolerance = 1e-12)
  expect_equal(three$loglik, sum(predict(three, type = "logdensity")), tolerance = 1e-10)
  expect_equal(table$table$logLik[table$table$k == 3 & table$table$covariance == "VVV"], three$loglik)
  expect_gte(three$objective, best(table, k = 3, covariance = "EII")$objective)
})

test_that("a prior goes with steps by hand and fixed parameters", {
  x <- unname(law_matrix(60, 2, 11))
  fit <- run_prior(x, "VEE", n_iter = 5)
  p <- em_start(x, family = em_gaussian("VEE", as_prior(a_prior())), start = prior_start())
  for (i in 1:5) p <- em_mstep(x, em_estep(x, p), p)
  expect_equal(unlist(p, use.names = FALSE), parameter_numbers(fit), tolerance = 1e-9)
  held <- matrix(c(0.2, NA, NA, NA, -1, NA), 3)
  fixed <- run_prior(x, "VVV", fixed = list(mean = held))
  expect_equal(fixed$trace$loglik, combined_em(x, 3, "VVV", prior_start(), prior = a_prior(), held = held)$trace,
               tolerance = 1e-9)
  end <- run_prior(x, "VVV", fixed = list(mean = held), control = list(tol = 1e-11, max_iter = 5000))
  score <- emfit:::score_em(end$data, end$parameters, emfit:::fit_model(end), "information")
  expect_length(score$gradient, end$df)
  expect_lt(max(abs(score$gradient)), 1e-3)
  sigma <- array(diag(2), c(2, 2, 3))
  whole <- run_prior(x, "EEE", fixed = list(covariance = sigma))
  expect_equal(unname(whole$parameters$covariance), sigma)
})

test_that("priors that can't be are refused", {
  fails <- function(call, message) expect_error(call, message, class = "emfit_error_argument", fixed = TRUE)
  fails(em_prior(mean = "a"), "`mean` must be finite numbers")
  fails(em_prior(kappa = -1), "`kappa` must be a number of 0 or more, not -1")
  fails(em_prior(nu = NA), "`nu` must be")
  fails(em_prior(scale = c(1, 0)), "`scale` must be positive")
  fails(em_prior(scale = matrix(c(1, 2, 2, 1), 2)), "symmetric and positive definite")
  fails(em_gaussian(prior = 3), "`prior` must be a call such as em_prior(), not 3")
  fails(em_fit(faithful, 2, em_gaussian(prior = em_prior(mean = 1:3))), "a number for each variable: 2, not 3")
  fails(em_fit(faithful, 2, em_gaussian(prior = em_prior(scale = diag(3)))), "2 x 2 matrix")
  expect_match(format(em_prior(mean = 1)), "mean 1; kappa 0.01; nu from the data; scale from the data", fixed = TRUE)
})

# The maximum of the posterior of one component.
one_component <- function(x, prior) {
  n <- nrow(x)
  centre <- colMeans(x)
  far <- centre - prior$mean
  scatter <- crossprod(x - rep(centre, each = n)) + prior$scale + prior$kappa * n / (prior$kappa + n) * tcrossprod(far)
  list(mean = (n * centre + prior$kappa * prior$mean) / (n + prior$kappa), covariance = scatter / (n + prior$nu + ncol(x) + 2))
}

test_that("with a prior any finite data have a fit: few rows, constant and collinear columns", {
  z <- withr_seed(5, matrix(rnorm(90), 9, 10))
  expect_error(em_fit(z, 1), class = "emfit_error_input")
  diagonal <- function(x) diag(apply(x, 2, var))
  cases <- list(
    list(x = z, scale = NULL, used = diagonal(z)),
    list(x = cbind(z[, 1:2], 2 * z[, 1] - z[, 2]), scale = NULL, used = diagonal(cbind(z[, 1:2], 2 * z[, 1] - z[, 2]))),
    list(x = cbind(z[, 1], 5), scale = c(2, 3), used = diag(c(2, 3))),
    list(x = z[1, 1:2, drop = FALSE], scale = 2, used = diag(2, 2)),
    list(x = z[rep(1, 4), 1:2], scale = diag(2), used = diag(2))
  )
  for (case in cases) {
    prior <- list(mean = colMeans(case$x) + 1, kappa = 0.5, nu = ncol(case$x) + 2, scale = case$used)
    fit <- em_fit(case$x, 1, em_gaussian(prior = em_prior(prior$mean, prior$kappa, scale = case$scale)))
    known <- one_component(case$x, prior)
    expect_equal(unname(fit$parameters$mean[1, ]), known$mean, tolerance = 1e-12)
    expect_equal(unname(fit$parameters$covariance[, , 1]), known$covariance, tolerance = 1e-12)
    expect_length(fit$degenerate, 0)
  }
  line <- em_fit(3, 1, em_gaussian(prior = em_prior(scale = 2)))
  expect_equal(unname(c(line$parameters$mean, line$parameters$sd)), c(3, sqrt(2 / 7)), tolerance = 1e-12)
  for (structure in c("EII", "VEI", "VVI", "EEE", "EVE", "VVE", "EEV", "VEV", "VVV")) {
    fit <- em_fit(z[, c(1, 2, 1)], 2, em_gaussian(structure, prior = em_prior()))
    expect_true(fit$converged)
  }
  expect_true(em_fit(c(3, 5), 3, em_gaussian(prior = em_prior(scale = 2)))$converged)
  holes <- suppressMessages(em_fit(cbind(c(1, 2, NA, 4, 5), 7, c(NA, 3, 3, 3, 3.5)), 1, em_gaussian(prior = em_prior(scale = 1))))
  expect_true(holes$converged)
})

test_that("a default scale that the data don't have is asked for", {
  fails <- function(call, message) expect_error(call, message, class = "emfit_error_input", fixed = TRUE)
  with_prior <- em_gaussian(prior = em_prior())
  flat <- data.frame(a = c(1, 2, 4), b = 5)
  fails(em_fit(flat, 1, with_prior), "Column \"b\" is constant, so the default of the prior has no scale for it")
  fails(em_fit(flat, 1, with_prior), "em_prior(scale = c(2.3, 2.3))")
  fails(em_fit(cbind(1, 2)[c(1, 1), ], 1, with_prior), "Columns 1, 2 are constant, so the default of the prior has no scale for them")
  wide <- matrix(1:14 %% 5, 2)
  wide[, 1] <- 1
  fails(em_fit(wide, 1, with_prior), "em_prior(scale = rep(1, 7))")
  fails(em_fit(flat, 1, em_gaussian(prior = em_prior(scale = 1)), latent = em_mixture(noise = TRUE)),
        "noise has no density over a box without volume")
  # Numbers whose squares are none, also in rows that count for nothing.
  far <- cbind(c(1, 2, 4, 3), c(1, 2, 3, -1e308))
  fails(em_fit(far, 1, with_prior), "whose square can't be computed with")
  fails(suppressMessages(em_fit(cbind(c(1, 2), c(-1e308, NA)), 1)), "Column 2 is constant")
  unread <- em_fit(far, 1, em_gaussian(prior = em_prior(scale = 1)), weights = c(1, 1, 1, 0))
  read <- em_fit(far[1:3, ], 1, em_gaussian(prior = em_prior(scale = 1)))
  expect_equal(unread$parameters$covariance, read$parameters$covariance, tolerance = 1e-12)
  expect_no_warning(em_fit(cbind(c(1, 2, 4), c(1, 3, 2)), 1, with_prior, weights = c(1, 1, 2) * 1e-9))
})

test_that("constant columns have no false alarm, and a single row has a diagnosis", {
  fit <- em_fit(cbind(withr_seed(2, rnorm(30)), 5), 1, em_gaussian("EII", prior = em_prior(scale = 1)))
  found <- em_diagnose(fit)
  expect_identical(as.character(found$status[found$check %in% c("digits", "units")]), c("ok", "ok"))
  row <- em_fit(matrix(c(250199.7, 2, 0.005), 1), 1, em_gaussian("EII", prior = em_prior(scale = 1)))
  expect_s3_class(em_diagnose(row), "em_diagnosis")
})
