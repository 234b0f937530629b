# Classification EM and stochastic EM: algorithms that give each row wholly to one component.

cem <- em_control(algorithm = "cem")

# Gaussian components in plain R: the E-step, the most probable component, the M-step of that partition.
cem_by_hand <- function(x, labels, iterations) {
  x <- as.matrix(x)
  k <- max(labels)
  trace <- double()
  for (i in seq_len(iterations + 1L)) {
    joint <- sapply(seq_len(k), function(j) {
      own <- x[labels == j, , drop = FALSE]
      spread <- cov(own) * (nrow(own) - 1) / nrow(own)
      log(mean(labels == j)) - 0.5 * (ncol(x) * log(2 * pi) + log(det(spread)) + mahalanobis(x, colMeans(own), spread))
    })
    best <- max.col(joint, "first")
    trace <- c(trace, sum(joint[cbind(seq_along(best), best)]))
    at <- labels
    labels <- best
  }
  list(trace = trace, labels = labels, mean = t(sapply(seq_len(k), function(j) colMeans(x[at == j, ]))),
       loglik = sum(log(rowSums(exp(joint)))))
}

test_that("classification EM is that of plain R, step by step", {
  start <- ifelse(faithful$waiting > 60, 1L, 2L)
  hand <- cem_by_hand(faithful, start, 6)
  fit <- em_fit(faithful, start = start, k = 2, control = em_control(algorithm = "cem", max_iter = 6, tol = 0))
  expect_equal(fit$trace$loglik, hand$trace, tolerance = 1e-12)
  expect_equal(unname(fit$parameters$mean), unname(hand$mean), tolerance = 1e-12)
  expect_equal(fit$objective, hand$trace[7], tolerance = 1e-12)
  expect_equal(fit$loglik, hand$loglik, tolerance = 1e-12)
  expect_equal(unname(fit$counts), as.double(table(hand$labels)))
  expect_equal(unname(predict(fit, type = "class")), hand$labels, ignore_attr = TRUE)
  done <- em_fit(faithful, start = start, k = 2, control = cem)
  expect_identical(done$status, "converged")
  expect_lt(done$iterations, 20)
  expect_gt(em_fit(faithful, k = 2, start = done)$loglik, done$loglik + 1e-4)
})

test_that("on spherical components of equal spread and proportions it is k-means", {
  x <- scale(iris[1:4])
  for (seed in 1:3) {
    centres <- x[withr_seed(seed, sample(150, 3)), ]
    lloyd <- suppressWarnings(kmeans(x, centres, iter.max = 100, algorithm = "Lloyd"))
    start <- list(mean = centres, covariance = diag(4))
    fit <- em_fit(x, 3, em_gaussian("EII"), em_mixture("equal"), start = start, control = cem)
    expect_equal(fit$parameters$mean, lloyd$centers, tolerance = 1e-12, ignore_attr = TRUE)
    expect_equal(fit$parameters$covariance[1, 1, 1], lloyd$tot.withinss / (150 * 4), tolerance = 1e-12)
    expect_identical(as.integer(predict(fit, type = "class")), unname(lloyd$cluster))
  }
})

assigned_cases <- function() {
  y <- withr_seed(1, c(rpois(60, 2), rpois(40, 9)))
  z <- withr_seed(2, c(rgamma(60, 2, 2), rgamma(40, 5, 0.5)))
  items <- withr_seed(3, data.frame(a = factor(sample(3, 100, TRUE)), b = factor(rep(1:2, c(60, 40))), c = factor(rep(1:2, 50))))
  list(
    gaussian = list(x = as.matrix(faithful), family = em_gaussian()), tied = list(x = as.matrix(faithful), family = em_gaussian("VEE")),
    t = list(x = as.matrix(faithful), family = em_t()), poisson = list(x = y, family = em_poisson()),
    negbin = list(x = y, family = em_negbin()), gamma = list(x = z, family = em_gamma()),
    binomial = list(x = cbind(y = pmin(y, 12), n = 12 - pmin(y, 12)), family = em_binomial()),
    categorical = list(x = items, family = em_categorical()),
    mixed = list(x = data.frame(z = log(z), items), family = em_mixed()),
    user = list(x = z, family = em_family("exponential",
      fields = list(rate = "positive"), statistics = function(x) cbind(n = 1, sum = x),
      log_density = function(x, parameters) outer(x, parameters$rate, dexp, log = TRUE),
      maximise = function(s) list(rate = s[, "n"] / s[, "sum"])
    ))
  )
}

test_that("the classification log-likelihood rises for every family, and is that of the components' own rows", {
  for (case in assigned_cases()) {
    control <- em_control(algorithm = "cem", max_iter = 15, tol = 0)
    start <- rep_len(c(1L, 1L, 2L), NROW(case$x))
    fit <- suppressMessages(suppressWarnings(em_fit(case$x, 2, case$family, start = start, control = control)))
    expect_gte(min(diff(fit$trace$loglik)), -1e-9)
    joint <- suppressWarnings(predict(fit, type = "logdensity"))
    r <- predict(fit, type = "prob")
    expect_equal(fit$objective, sum(joint + log(apply(r, 1, max))), tolerance = 1e-10)
    expect_equal(fit$loglik, sum(joint), tolerance = 1e-10)
  }
})

test_that("labels, noise, persons, weights and missing cells keep their meaning", {
  x <- c(faithful$waiting, 150, 160)
  fit <- em_fit(x, 2, latent = em_mixture(noise = TRUE), control = cem)
  expect_equal(unname(fit$counts[3]), 2)
  labels <- rep(NA, 272)
  labels[faithful$waiting > 90] <- 2
  labels[1] <- 1
  told <- em_fit(faithful, 2, labels = labels, control = cem)
  expect_identical(as.integer(predict(told, type = "class"))[which(!is.na(labels))], as.integer(labels[!is.na(labels)]))
  person <- rep(1:68, each = 4)
  units <- em_fit(data.frame(faithful, person), 2, latent = em_mixture(unit = "person"), start = NULL, control = cem)
  expect_equal(sum(units$counts), 272)
  expect_true(all(units$counts %% 4 == 0))
  twice <- em_fit(faithful[rep(1:272, 1 + (1:272) %% 2), ], 2, start = rep_len(1:2, 272)[rep(1:272, 1 + (1:272) %% 2)], control = cem)
  weighted <- em_fit(faithful, 2, weights = 1 + (1:272) %% 2, start = twice$start, control = cem)
  expect_equal(weighted$objective, twice$objective, tolerance = 1e-10)
  holes <- as.matrix(faithful)
  holes[seq(1, 272, 5), 2] <- NA
  gaps <- suppressMessages(em_fit(holes, 2, control = cem))
  expect_gte(min(diff(gaps$trace$loglik)[-1]), -1e-9)
})

test_that("neither algorithm depends on threads, and what is drawn follows set.seed()", {
  x <- withr_seed(1, c(rnorm(6000), rnorm(5000, 3)))
  start <- list(mean = c(-1, 4), sd = c(1, 1))
  for (algorithm in c("cem", "sem")) {
    fits <- lapply(c(1L, 2L, 4L), function(threads) {
      control <- em_control(algorithm = algorithm, max_iter = 8, threads = threads)
      withr_seed(5, suppressWarnings(em_fit(x, 2, start = start, control = control)))
    })
    expect_identical(fits[[1]]$trace, fits[[2]]$trace)
    expect_identical(fits[[1]]$parameters, fits[[3]]$parameters)
  }
  drawn <- function(seed) withr_seed(seed, em_fit(faithful, 2, control = em_control(algorithm = "sem", max_iter = 30)))
  expect_identical(drawn(1)$trace, drawn(1)$trace)
  expect_false(identical(drawn(1)$trace, drawn(2)$trace))
})

test_that("stochastic EM keeps its best iteration, averages near the maximum, and can be replayed", {
  fit <- withr_seed(1, em_fit(faithful, 2, control = em_control(algorithm = "sem", max_iter = 400, n_start = 4)))
  best <- withr_seed(1, em_fit(faithful, 2))
  expect_equal(fit$objective, max(fit$trace$loglik), tolerance = 1e-12)
  expect_equal(fit$loglik, fit$trace$loglik[fit$best_iteration + 1], tolerance = 1e-12)
  expect_equal(fit$iterations, 400)
  expect_lt(min(diff(fit$trace$loglik)[-1]), 0)
  expect_lt(best$loglik - fit$loglik, 0.5)
  expect_equal(fit$average$mean, best$parameters$mean, tolerance = 0.01, ignore_attr = TRUE)
  expect_equal(fit$average$proportions, best$parameters$proportions, tolerance = 0.02, ignore_attr = TRUE)
  expect_equal(em_fit(faithful, start = fit$average, k = 2)$loglik, best$loglik, tolerance = 1e-9)
  path <- em_path(fit)
  expect_equal(path$loglik[match(fit$best_iteration, path$iteration)], fit$loglik, tolerance = 1e-10)
  shares <- path$value[path$term == "proportion" & path$iteration > 0] * 272
  expect_equal(shares, round(shares), tolerance = 1e-9) # each row is whole
  mean <- path[path$iteration == fit$best_iteration & startsWith(path$term, "mean"), "value"]
  expect_setequal(signif(mean, 10), signif(as.vector(fit$parameters$mean), 10))
  later <- path[path$iteration >= 200 & path$term == "proportion", ]
  means <- vapply(names(fit$average$proportions), function(name) mean(later$value[later$component == name]), 0)
  expect_equal(means, fit$average$proportions, tolerance = 1e-10)
})

test_that("draws follow the responsibilities, and rows of counts are drawn one by one", {
  x <- withr_seed(1, rbinom(4000, 1, 0.5))
  start <- list(prob = c(0.6, 0.4))
  control <- em_control(algorithm = "sem", max_iter = 1, path = TRUE)
  fit <- withr_seed(3, suppressWarnings(em_fit(cbind(x, 1 - x), 2, "binomial", start = start, control = control)))
  # of rows with 1 the share 0.6 goes to the first component, of the others 0.4
  drawn <- fit$path[[2]]$proportions[[1]] * 4000
  expected <- sum(ifelse(x == 1, 0.6, 0.4))
  expect_lt(abs(drawn - expected), 4 * sqrt(4000 * 0.24))
  expect_gt(abs(drawn - expected), 0)
  expect_equal(fit$path[[2]]$prob[[1]], 0.6, tolerance = 0.05)
})

test_that("every family and a structure with noise are drawn, and a component that few rows are drawn for waits", {
  control <- em_control(algorithm = "sem", max_iter = 12, n_start = 2)
  for (case in assigned_cases()) {
    fit <- withr_seed(1, suppressMessages(suppressWarnings(em_fit(case$x, 2, case$family, control = control))))
    expect_identical(fit$status, "max_iter")
    expect_equal(fit$loglik, max(fit$trace$loglik), tolerance = 1e-9)
  }
  expect_no_warning(withr_seed(1, em_fit(faithful$waiting, 2, latent = em_mixture(noise = TRUE), control = control)))
  x <- c(faithful$waiting, 300)
  start <- list(mean = c(70, 300), sd = c(13, 1), proportions = c(0.99, 0.01))
  waits <- withr_seed(1, suppressWarnings(em_fit(x, 2, start = start, control = em_control(algorithm = "sem", max_iter = 50))))
  expect_identical(waits$status, "collapsed")
  expect_identical(waits$best_iteration, 0L)
})

test_that("print, pictures and the diagnosis say what was maximised", {
  fit <- withr_seed(1, em_fit(faithful, 2, control = cem))
  expect_output(print(fit), "Maximised: the classification log-likelihood, -", fixed = TRUE)
  expect_output(print(fit), "of classification EM", fixed = TRUE)
  expect_identical(plot_data(fit, type = "trace")$variable, "classification log-likelihood")
  diagnosis <- em_diagnose(fit)
  expect_match(diagnosis$explanation[diagnosis$check == "convergence"], "no maximum of the likelihood", fixed = TRUE)
  expect_match(diagnosis$explanation[diagnosis$check == "ascent"], "classification log-likelihood never fell", fixed = TRUE)
  drawn <- withr_seed(1, em_fit(faithful, 2, control = em_control(algorithm = "sem", max_iter = 20, n_start = 2)))
  expect_output(print(drawn), "Ran 20 iterations of stochastic EM; the best, [0-9]+, is kept \\(the best of 2 starts\\)")
  diagnosis <- em_diagnose(drawn)
  expect_match(diagnosis$explanation[diagnosis$check == "ascent"], "promises no ascent", fixed = TRUE)
  expect_warning(em_fit(faithful, 2, start = rep_len(1:2, 272), control = em_control(algorithm = "cem", max_iter = 2)),
                 "Classification EM stopped after 2 iterations", class = "emfit_warning_not_converged")
  for (other in list(fit, drawn)) {
    expect_error(vcov(other), "is for maxima of the likelihood", class = "emfit_error_unsupported")
    expect_true(all(is.na(tidy(other)$std.error)))
  }
})

test_that("what they can't do is said", {
  expect_error(em_control(algorithm = "cem", accelerate = TRUE), "`accelerate` must be left out", class = "emfit_error_argument")
  expect_error(em_control(algorithm = "sem", tol = 1e-3), "`tol` must be left out", class = "emfit_error_argument")
  expect_error(em_control(algorithm = "cme"), "algorithm", class = "emfit_error_argument")
  expect_false(cem$accelerate)
  expect_identical(em_control(algorithm = "sem")$tol, 0)
  expect_error(em_fit(faithful$waiting, 2, latent = em_markov(), control = cem), "depend on each other",
               class = "emfit_error_unsupported")
  expect_error(em_select(faithful, 1:2, control = cem), "serves em_fit()", class = "emfit_error_unsupported", fixed = TRUE)
  expect_error(em_lrt(em_fit(faithful, 1, control = cem)), "serves em_fit()", class = "emfit_error_unsupported", fixed = TRUE)
  expect_error(em_fit(em_chunks(list(as.matrix(faithful))), 2, control = list(algorithm = "sem")), "serves em_fit()",
               class = "emfit_error_unsupported", fixed = TRUE)
})
