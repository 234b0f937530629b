# Hidden Markov models against the oracle of helper-markov.R: enumeration, iterates, and laws.

speed_data <- function() utils::read.csv(test_path("fixtures", "markov_speed.csv"))

replay <- em_control(max_iter = 6, tol = 0, accelerate = FALSE, path = TRUE)

# A chain at given parameters, of rows of one variable.
scored <- function(x, chain, mean, sd, series = NULL, labels = NULL, ...) {
  em_fit(x, k = length(mean), latent = em_markov(series), labels = labels, control = em_control(max_iter = 0),
         start = c(chain, list(mean = mean, sd = sd)), ...)
}

three_states <- list(initial = c(0.2, 0.5, 0.3), transition = rbind(c(0.8, 0.15, 0.05), c(0.1, 0.5, 0.4),
                                                                    c(0.3, 0.3, 0.4)))

test_that("likelihood, probabilities, transitions, path and forecast are those of the enumeration of all paths", {
  x <- c(0.3, 2.1, NA, -1, 3.9, 1.2)
  mean <- c(0, 2, 4)
  sd <- c(1, 0.7, 1.5)
  density <- markov_gaussian$log_density(matrix(x), list(mean = mean, sd = sd))
  density[3, ] <- 0
  all <- markov_enumerate(density, three_states)
  fit <- suppressMessages(scored(x, three_states, mean, sd))
  step <- em_estep(x, fit)
  expect_within(as.numeric(logLik(fit)), all$loglik, 1e-12)
  expect_within(unname(predict(fit, type = "prob")), all$smooth, 1e-12)
  expect_within(unname(step$expected_transitions), all$transitions, 1e-12)
  path <- predict(fit, type = "path")
  expect_identical(as.integer(path), as.integer(all$path))
  expect_within(attr(path, "log_joint"), all$log_joint, 1e-12)
  expect_within(icl(fit), BIC(fit) - 2 * (all$log_joint - all$loglik), 1e-10)
  own <- markov_series(density, three_states)
  expect_within(unname(predict(fit, type = "filter")), own$filter, 1e-12)
  expect_within(unname(step$filter), own$filter, 1e-12)
  expect_within(predict(fit, type = "logdensity"), own$row_loglik, 1e-12)
  # Rows ahead are missing rows at the end.
  longer <- suppressMessages(predict(fit, c(x, NA, NA), type = "prob"))
  expect_within(unname(predict(fit, n.ahead = 2, type = "prob")), unname(longer[7:8, ]), 1e-12)
  expect_identical(as.integer(predict(fit, n.ahead = 2)), max.col(longer[7:8, ]))
  expect_within(predict(fit, n.ahead = 2, type = "uncertainty"), 1 - apply(longer[7:8, ], 1, max), 1e-12)
})

test_that("pseudo-residuals are the place of a row in its law given all others", {
  x <- c(0.3, 2.1, NA, -1, 3.9)
  fit <- suppressMessages(scored(x, three_states, c(0, 2, 4), c(1, 0.7, 1.5)))
  # The joint density with another value in row 4, integrated up to the observed one.
  at <- function(value) exp(vapply(value, function(v) suppressMessages(em_estep(replace(x, 4, v), fit)$loglik), 0))
  place <- stats::integrate(at, -Inf, -1, rel.tol = 1e-10)$value / stats::integrate(at, -Inf, Inf, rel.tol = 1e-10)$value
  found <- residuals(fit, type = "pseudo")
  expect_within(found[4], qnorm(place), 1e-6)
  expect_identical(which(is.na(found)), 3L)
})

test_that("iterates are those of Baum and Welch, with series, weights, labels and missing rows", {
  d <- speed_data()
  d$rt[c(5, 100:104)] <- NA
  weights <- c(1, 3, 2)[d$series]
  labels <- rep(NA_integer_, nrow(d))
  labels[c(10, 20, 200)] <- c(1, 2, 2)
  chain <- list(initial = c(0.5, 0.5), transition = rbind(c(0.9, 0.1), c(0.2, 0.8)))
  own <- list(mean = c(5.5, 6.4), sd = c(0.2, 0.3))
  expect <- markov_em(d$rt, chain, own, markov_gaussian$log_density, markov_gaussian$maximise, n_iter = 6,
                      series = d$series, weights = weights, labels = labels)
  fit <- suppressMessages(suppressWarnings(
    em_fit(~ rt, data = d, k = 2, latent = em_markov(~ series), weights = weights, labels = labels,
           start = c(chain, own), control = replay)
  ))
  expect_within(fit$trace$loglik, expect$trace, 1e-10)
  for (name in names(expect$parameters)) {
    expect_within(unname(fit$parameters[[name]]), expect$parameters[[name]], 1e-11)
  }
  expect_within(unname(predict(fit, type = "prob")), expect$responsibilities, 1e-11)
  expect_within(unname(predict(fit, type = "filter")), expect$filter, 1e-11)
})

test_that("iterates of binomial states are those of Baum and Welch, rows untallied and in order", {
  binomial <- list(
    log_density = function(x, p) {
      out <- vapply(p$prob, function(prob) dbinom(x[, 1], rowSums(x), prob, TRUE), numeric(nrow(x)))
      replace(out, is.na(out), 0)
    },
    maximise = function(x, w) list(prob = colSums(w * x[, 1]) / colSums(w * rowSums(x)))
  )
  x <- withr_seed(2, {
    hits <- rbinom(60, 6, rep(c(0.2, 0.7, 0.3), each = 20))
    cbind(hit = hits, miss = 6 - hits)
  })
  x[c(7, 30), ] <- NA
  chain <- list(initial = c(0.5, 0.5), transition = rbind(c(0.9, 0.1), c(0.2, 0.8)))
  expect <- markov_em(x, chain, list(prob = c(0.2, 0.6)), binomial$log_density, binomial$maximise, n_iter = 6)
  fit <- suppressMessages(suppressWarnings(
    em_fit(x, family = "binomial", latent = em_markov(), start = c(chain, list(prob = c(0.2, 0.6))), control = replay)
  ))
  expect_within(fit$trace$loglik, expect$trace, 1e-10)
  expect_within(unname(fit$parameters$prob), expect$parameters$prob, 1e-12)
  residual <- residuals(fit, type = "pseudo")
  expect_named(residual, c("lower", "middle", "upper"))
  expect_true(all(residual$lower <= residual$middle & residual$middle <= residual$upper, na.rm = TRUE))
})

test_that("a chain whose rows of transitions are all equal is the mixture", {
  share <- c(0.2, 0.5, 0.3)
  chain <- list(initial = share, transition = matrix(share, 3, 3, byrow = TRUE))
  x <- faithful$waiting
  own <- list(mean = c(50, 70, 80), sd = c(5, 9, 4))
  as_chain <- scored(x, chain, own$mean, own$sd)
  mixture <- em_fit(x, start = c(list(proportions = share), own), control = em_control(max_iter = 0))
  expect_within(as.numeric(logLik(as_chain)), as.numeric(logLik(mixture)), 1e-9)
  for (type in c("prob", "logdensity")) {
    expect_within(predict(as_chain, type = type), predict(mixture, type = type), 1e-9)
  }
  expect_within(unname(residuals(as_chain, type = "pseudo")), unname(residuals(mixture, type = "pseudo")), 1e-9)
})

test_that("weight 2 is the series twice, and the order of series does not matter", {
  d <- speed_data()
  start <- list(mean = c(5.5, 6.4), sd = c(0.2, 0.3))
  fit <- function(d, ...) {
    suppressWarnings(em_fit(d, k = 2, latent = em_markov("series"), start = start, control = replay, ...))
  }
  twice <- fit(rbind(d, transform(d[d$series == 2, ], series = 9)))
  weighted <- fit(d, weights = ifelse(d$series == 2, 2, 1))
  expect_within(coef(weighted), coef(twice), 1e-11)
  expect_within(weighted$loglik, twice$loglik, 1e-9)
  expect_equal(nobs(weighted), nobs(twice))
  turned <- fit(d[order(-d$series), ])
  expect_within(coef(turned), coef(fit(d)), 1e-11)
  expect_true(all(diff(turned$trace$loglik) > 0))
})

test_that("the number of threads changes no bit, and acceleration not the end", {
  x <- withr_seed(4, data.frame(x = rnorm(24000) + rep(c(0, 2), each = 20), id = rep(1:600, each = 40)))
  start <- list(mean = c(0, 2), sd = c(1, 1))
  fits <- lapply(1:3, function(threads) {
    em_fit(x, k = 2, latent = em_markov("id"), start = start, control = em_control(threads = threads))
  })
  for (other in fits[-1]) {
    expect_identical(other$parameters, fits[[1]]$parameters)
    expect_identical(other$trace$loglik, fits[[1]]$trace$loglik)
  }
  plain <- em_fit(x, k = 2, latent = em_markov("id"), start = start,
                  control = em_control(accelerate = FALSE, tol = 1e-9, max_iter = 5000))
  expect_within(fits[[1]]$loglik, plain$loglik, 1e-4)
})

test_that("a stationary chain rises at every step, begins in its long run, and its gradient is 0 at the end", {
  x <- faithful$waiting[1:60]
  fit <- em_fit(x, k = 2, latent = em_markov(initial = "stationary"), start = list(mean = c(80, 55), sd = c(5, 5)),
                control = em_control(tol = 1e-10, accelerate = FALSE))
  expect_true(all(diff(fit$trace$loglik) > -1e-10))
  initial <- fit$parameters$initial
  expect_within(unname(drop(initial %*% fit$parameters$transition)), unname(initial), 1e-12)
  expect_identical(em_stationary(fit), initial)
  expect_equal(fit$df, 6L)
  best <- stats::optim(c(80, 55, log(5), log(5), 0, 2), function(z) {
    a <- plogis(z[5:6])
    chain <- list(initial = c(a[2], 1 - a[1]) / (1 + a[2] - a[1]), transition = rbind(c(a[1], 1 - a[1]), c(a[2], 1 - a[2])))
    -markov_series(markov_gaussian$log_density(matrix(x), list(mean = z[1:2], sd = exp(z[3:4]))), chain)$loglik
  }, method = "BFGS", control = list(reltol = 1e-14, maxit = 500))
  expect_within(fit$loglik, -best$value, 1e-6)
})

test_that("standard errors are those of the second derivatives of the likelihood", {
  x <- faithful$waiting[1:80]
  for (initial in list("stationary", c(0.4, 0.6))) {
    fit <- em_fit(x, latent = em_markov(initial = initial), start = list(mean = c(80, 55), sd = c(5, 5)),
                  control = em_control(tol = 1e-11))
    p <- fit$parameters
    loglik <- function(z) {
      a <- z[5:6]
      delta <- if (is.character(initial)) c(a[2], 1 - a[1]) / (1 + a[2] - a[1]) else initial
      chain <- list(initial = delta, transition = cbind(a, 1 - a))
      markov_series(markov_gaussian$log_density(matrix(x), list(mean = z[1:2], sd = z[3:4])), chain)$loglik
    }
    at <- unname(c(p$mean, p$sd, p$transition[, 1]))
    information <- -stats::optimHess(at, loglik, control = list(ndeps = 1e-4 * abs(at)))
    expected <- sqrt(diag(solve(information)))
    names <- c("mean[1]", "mean[2]", "sd[1]", "sd[2]", "transition[1,1]", "transition[2,1]")
    expect_within(unname(sqrt(diag(vcov(fit)))[names]) / expected, rep(1, 6), 1e-4)
  }
  ends <- confint(fit, "transition[1,2]")
  expect_true(ends[1] > 0 && ends[2] < 1 && ends[1] < p$transition[1, 2])
})

test_that("opg and sandwich take series for rows, and more of them than parameters", {
  d <- data.frame(x = 0, id = rep(1:60, each = 20))
  chain <- list(initial = c(0.4, 0.6), transition = rbind(c(0.7, 0.3), c(0.2, 0.8)))
  d$x <- simulate(scored(transform(d, x = seq_along(x)), chain, c(0, 3), c(1, 1), "id"), seed = 1)[[1]]$x
  fit <- em_fit(d, k = 2, latent = em_markov("id", initial = "stationary"))
  for (type in c("opg", "sandwich")) {
    error <- sqrt(diag(vcov(fit, type = type)))
    expect_true(all(error > 0))
    expect_true(all(abs(log(error / sqrt(diag(vcov(fit))))) < log(1.5)))
  }
  one <- em_fit(d["x"], k = 2, latent = em_markov(initial = "stationary"))
  expect_error(vcov(one, type = "sandwich"), "more series than parameters", class = "emfit_error_unsupported")
})

test_that("the default search finds what depmixS4 and HiddenMarkov found at best", {
  best <- utils::read.csv(test_path("fixtures", "markov_optima.csv"))
  value <- function(data, k) best$loglik[best$data == data & best$k == k]
  set.seed(1)
  for (k in 2:3) {
    expect_within(em_fit(speed_data(), k = k, latent = em_markov("series"))$loglik, value("speed", k), 1e-4)
    expect_within(em_fit(faithful$waiting, k = k, latent = em_markov())$loglik, value("faithful", k), 1e-4)
  }
  once <- em_markov(initial = c(1, 0), transition = rbind(c(NA, NA), c(0, 1)))
  nile <- em_fit(Nile, k = 2, latent = once)
  expect_within(nile$loglik, value("Nile", 2), 1e-4)
  expect_identical(as.integer(predict(nile, type = "path")), rep(1:2, c(28, 72)))
  expect_identical(nile$parameters$transition[2, ], c("1" = 0, "2" = 1))
  expect_equal(nile$df, 5L)
})

test_that("the default search finds the best known optimum from 95 of 100 seeds and more", {
  skip_if_not(nzchar(Sys.getenv("EMFIT_LONG_TESTS")))
  best <- utils::read.csv(test_path("fixtures", "markov_optima.csv"))
  times_found <- function(data, k, fit) {
    known <- best$loglik[best$data == data & best$k == k]
    sum(vapply(1:100, function(seed) withr_seed(seed, suppressWarnings(fit(k)))$loglik, 0) > known - 1e-3)
  }
  for (k in 2:3) {
    expect_gte(times_found("speed", k, function(k) em_fit(speed_data(), k = k, latent = em_markov("series"))), 95)
    expect_gte(times_found("faithful", k, function(k) em_fit(faithful$waiting, k = k, latent = em_markov())), 95)
  }
  for (k in 2:4) {
    expect_gte(times_found("earthquakes", k, function(k) {
      em_fit(count ~ 1, data = earthquakes, k = k, family = "poisson", latent = em_markov())
    }), 95)
  }
})

test_that("the default search finds states that only the order of rows tells apart", {
  # The best of 600 random starts of plain EM, which one of four and one of twenty of them reach.
  search <- function(seed, initial) {
    withr_seed(seed, suppressWarnings(em_fit(count ~ 1, data = earthquakes, k = 4, family = "poisson",
                                             latent = em_markov(initial = initial)))$loglik)
  }
  expect_within(vapply(1:5, search, 0, initial = "stationary"), rep(-327.8316, 5), 1e-3)
  expect_within(max(vapply(1:3, search, 0, initial = "free")), -326.2850, 1e-3)
})

test_that("random stretches give every state rows, and begin anew in every series", {
  for (seed in 1:20) {
    states <- withr_seed(seed, emfit:::random_stretches(c(3L, 1L, 40L), 4L))
    expect_length(states, 44L)
    expect_setequal(states, 1:4)
  }
})

test_that("with all states known the estimates are relative frequencies", {
  known <- factor(ifelse(faithful$waiting > 68, "long", "short"))
  fit <- em_fit(faithful$waiting, latent = em_markov(), labels = known)
  counts <- unclass(table(utils::head(known, -1), utils::tail(known, -1)))
  expect_within(unname(fit$parameters$transition), unname(counts / rowSums(counts)), 1e-12)
  expect_identical(as.character(predict(fit, type = "path")), as.character(known))
  step <- em_mstep(faithful$waiting, known, latent = em_markov())
  expect_within(step$transition, fit$parameters$transition, 1e-12)
})

test_that("held transitions stay to the bit, and starts take the places they give", {
  held <- rbind(c(0.5, NA, 0), c(NA, 0.25, NA), c(0, NA, NA))
  set.seed(3)
  fit <- suppressWarnings(em_fit(faithful$waiting, k = 3, latent = em_markov(transition = held)))
  free <- is.na(held)
  expect_identical(unname(fit$parameters$transition)[!free], held[!free])
  expect_within(unname(rowSums(fit$parameters$transition)), rep(1, 3), 1e-14)
  expect_equal(fit$df, 2L + 2L + 6L)
  same <- suppressWarnings(em_fit(faithful$waiting, k = 3, latent = em_markov(), fixed = list(transition = held),
                                  start = fit))
  expect_within(same$loglik, fit$loglik, 1e-4)
  expect_equal(same$df, fit$df)
})

test_that("states keep rows and columns of transitions together in any order", {
  x <- faithful$waiting
  p <- list(initial = c(a = 0.5, b = 0.5), transition = rbind(a = c(0.1, 0.9), b = c(0.6, 0.4)), mean = c(a = 55, b = 80),
            sd = c(a = 6, b = 5))
  q <- list(mean = c(a = 55, b = 80), sd = c(b = 5, a = 6), initial = c(b = 0.5, a = 0.5),
            transition = rbind(b = c(0.4, 0.6), a = c(0.9, 0.1)))
  score <- em_control(max_iter = 0)
  one <- em_fit(x, latent = em_markov(), start = p, control = score)
  two <- em_fit(x, latent = em_markov(), start = q, control = score)
  expect_identical(two$loglik, one$loglik)
  expect_identical(two$parameters$transition[c("a", "b"), c("a", "b")], one$parameters$transition)
  expect_identical(em_fit(x, latent = em_markov(), start = one, control = score)$loglik, one$loglik)
})

test_that("what follows from a fit works with chains: simulation, bootstrap, selection, update, tables", {
  d <- speed_data()
  set.seed(5)
  precise <- em_control(tol = 1e-12, max_iter = 5000) # the ICL is not at its own maximum: it moves with the last steps
  fit <- em_fit(d, k = 2, latent = em_markov("series"), control = precise)
  rows <- simulate(fit, seed = 1)[[1]]
  states <- attr(rows, "component")
  expect_identical(nrow(rows), nrow(d))
  moves <- unclass(table(utils::head(states, -1), utils::tail(states, -1)))
  expect_within(unname(moves / rowSums(moves)), unname(fit$parameters$transition), 0.1)
  expect_identical(nrow(simulate(fit, seed = 1, n = 17)[[1]]), 17L)
  boot <- em_bootstrap(fit, n_boot = 5)
  expect_true(all(boot$status == "converged"))
  expect_error(em_bootstrap(em_fit(d$rt, k = 2, latent = em_markov()), n_boot = 5), "at least 3 series",
               class = "emfit_error_unsupported")
  models <- em_select(d, k = 1:2, covariance = "V", latent = em_markov("series"), criterion = "CV", folds = 3,
                      control = precise)
  expect_identical(models$table$k[which.min(models$table$CV)], 2L)
  expect_within(models$table$ICL[2], icl(fit), 1e-4)
  expect_output(print(models), "Hidden Markov models, Gaussian: 1 structure, 1, 2 states", fixed = TRUE)
  expect_output(print(models), "V with 2 states; best() returns the fit", fixed = TRUE)
  expect_equal(update(fit, k = 1)$loglik, models$table$logLik[1])
  expect_identical(update(fit, subset = d$series < 3)$data$units$value, d$series[d$series < 3])
  table <- suppressWarnings(tidy(fit, "parameters"))
  expect_true("1,2" %in% table$component[table$term == "transition"])
  expect_named(coef(fit)[1:4], c("initial[1]", "initial[2]", "transition[1,1]", "transition[2,1]"))
  expect_within(tidy(fit)$proportion, unname(colMeans(predict(fit, type = "prob"))), 1e-8)
  replayed <- em_path(fit)
  expect_true(all(diff(unique(replayed$loglik)) > 0))
  expect_identical(predict(fit, d[1:9, ]), predict(fit, d[1:9, c("series", "rt")]))
  expect_named(attr(predict(fit, type = "path"), "log_joint"), c("1", "2", "3"))
  expect_identical(rownames(predict(fit, n.ahead = 2, type = "prob")),
                   c("1+1", "1+2", "2+1", "2+2", "3+1", "3+2"))
})

test_that("update() keeps the series, takes those of new rows, and says where it knows none", {
  d <- speed_data()
  start <- list(mean = c(6.4, 5.5), sd = c(0.2, 0.2))
  few <- d[d$series < 3, ]
  for (fit in list(em_fit(d, latent = em_markov("series"), start = start),
                   em_fit(~ rt, data = d, latent = em_markov("series"), start = start))) {
    expect_identical(emfit:::unit_labels(update(fit, data = few)$data$units), c("1", "2"))
    expect_within(update(fit, data = few, start = start)$loglik,
                  em_fit(few, latent = em_markov("series"), start = start)$loglik, 1e-6)
    expect_identical(update(fit, latent = em_markov("series", initial = "stationary"))$data$units, fit$data$units)
    expect_identical(update(fit, latent = em_markov())$data$units$codes, rep(1L, nrow(d)))
    expect_null(update(fit, latent = em_mixture(), start = start)$data$units)
    expect_identical(update(fit, latent = em_markov(d$series), start = start)$data$units$value, d$series)
  }
  mixture <- em_fit(d["rt"], k = 2)
  expect_error(update(mixture, latent = em_markov("series")), "`fit` lacks the column \"series\"", class = "emfit_error_argument")
  expect_identical(names(update(em_fit(d, latent = em_markov("series"), start = start), ~ log(rt))$parameters$mean),
                   c("1", "2"))
})

test_that("series are units as those of a mixture are: the same columns are read, and left out, in the same places", {
  d <- cbind(speed_data(), id = "a")
  start <- list(mean = c(6.4, 5.5), sd = c(0.2, 0.2))
  for (column in c("series", "id")) {
    chain <- em_fit(d[c(column, "rt")], latent = em_markov(column), start = start)$data
    mixture <- em_fit(d[c(column, "rt")], k = 1, latent = em_mixture(unit = column))$data
    expect_identical(replace(chain$units, "ordered", FALSE), mixture$units)
    expect_identical(chain$x, mixture$x)
    # The rows of a series are observations, a unit is one.
    expect_equal(emfit:::count_observations(chain), nrow(d))
    expect_equal(emfit:::count_observations(mixture), length(unique(d[[column]])))
  }
  # A dot in a formula stands for the other columns, as under em_mixture(unit = ).
  dot <- em_fit(~ ., data = d[c("series", "rt")], latent = em_markov("series"), start = start)
  expect_identical(dot$loglik, em_fit(~ rt, data = d, latent = em_markov("series"), start = start)$loglik)
  expect_error(em_fit(d["rt"], k = 2, latent = em_markov("sereis")), "which says the series", class = "emfit_error_argument")
})

test_that("a fit prints its transitions", {
  fit <- em_fit(faithful$waiting, latent = em_markov(), start = list(mean = c(80, 55), sd = c(5, 5)))
  expect_snapshot(print(fit))
  expect_snapshot(print(em_markov("id", initial = c(0.5, 0.5), transition = rbind(c(NA, NA), c(0, 1)))))
  expect_snapshot(em_fit(Nile, k = 2, latent = em_markov(c("1", rep("2", 99)), initial = "stationary"),
                         start = list(mean = c(1100, 850), sd = c(130, 130))))
})

test_that("rows of a series must stand together, and weights be one for each", {
  d <- data.frame(x = faithful$waiting, id = rep(c("a", "b"), each = 136))
  bad <- function(code, words, class = "argument") {
    expect_error(code, words, class = paste0("emfit_error_", class))
  }
  bad(em_fit(d[c(1:9, 137:140, 10), ], k = 2, latent = em_markov("id")), "begins in row 1 and again in row 14")
  bad(em_fit(d["x"], k = 2, latent = em_markov("id")), "lacks the column \"id\", which says the series")
  bad(em_fit(d$x, k = 2, latent = em_markov(d$id[-1])), "`series` must have a value for each row of `x`: 272, not 271")
  bad(em_fit(d$x, k = 2, latent = em_markov(replace(d$id, 7, NA))), "the series of every row: it is NA in 1 row .7.")
  bad(em_fit(d, k = 2, latent = em_markov("id"), weights = rep(1:2, 136)), "the same in all rows of a series")
  fit <- em_fit(d, k = 2, latent = em_markov("id"))
  bad(predict(fit, d["x"]), "lacks \"id\", which says the series", "newdata")
  d$x[5] <- NA
  bad(em_fit(d, k = 2, latent = em_markov("id"), na.action = na.omit), "would join rows 4 and 6")
  d$x[5] <- 60
  d$x[c(136, 137)] <- NA
  expect_identical(em_fit(d, k = 2, latent = em_markov("id"), na.action = na.omit)$data$n, 270L)
})

test_that("arguments of em_markov() that can't be are refused with a fix", {
  bad <- function(code, words, class = "argument") {
    expect_error(code, words, class = paste0("emfit_error_", class))
  }
  bad(em_markov(y ~ id), "must name one column")
  bad(em_markov(list()), "must be a column's name")
  bad(em_markov(initial = c(0.5, 0.6)), "sum to 1.1")
  bad(em_markov(initial = "flat"), "initial")
  bad(em_markov(transition = matrix(NA, 2, 3)), "square matrix, not 2 x 3")
  bad(em_markov(transition = rbind(c(2, NA), c(NA, NA))), "row 1, column 1 has 2")
  bad(em_markov(transition = rbind(c(0.5, 0.4), c(NA, NA))), "must sum to 1, not 0.9")
  bad(em_markov(transition = rbind(c(1, NA), c(NA, NA))), "leaves nothing to its free cell")
  bad(em_markov(initial = c(1, 0, 0), transition = diag(2)), "speaks of 3 states")
  bad(em_markov(initial = "stationary", transition = diag(2)), "allows several")
  x <- faithful$waiting
  bad(em_fit(x, k = 3, latent = em_markov(initial = c(1, 0))), "has 2 states, but k = 3")
  own <- list(mean = c(80, 55), sd = c(5, 5))
  bad(em_fit(x, latent = em_markov(), start = c(own, list(transition = diag(3)))), "must be a 2 x 2 matrix", "start")
  bad(em_fit(x, latent = em_markov(), start = c(own, list(transition = matrix(0.4, 2, 2)))), "they sum to 0.8", "start")
  bad(em_fit(x, latent = em_markov(), start = c(own, list(initial = 1))), "one number for each state", "start")
  once <- em_markov(initial = c(1, 0), transition = rbind(c(NA, NA), c(0, 1)))
  bad(em_fit(x, k = 2, latent = once, fixed = list(transition = diag(2))), "holds transitions", "fixed")
  bad(em_fit(x, k = 2, latent = once, fixed = list(initial = c(1, 0))), "holds the initial", "fixed")
  bad(em_fit(x, k = 2, latent = em_markov(), fixed = list(transition = diag(3))), "2 x 2 matrix", "fixed")
  bad(em_fit(x, k = 2, latent = em_markov(), fixed = list(initial = c(0.5, 0.6))), "must sum to 1", "fixed")
  bad(em_fit(x, k = 2, latent = once, labels = replace(rep(NA, 272), 1, 2)), "no series can begin")
  bad(em_fit(x, k = 2, latent = once, labels = replace(rep(NA, 272), 3:4, 2:1)), "a transition that is held at 0")
  bad(em_fit(x, k = 2, latent = once, labels = replace(rep(NA, 272), c(3, 30), 2:1)), "no way of 27 steps leads there")
  cycle <- em_markov(initial = c(1, 0, 0), transition = rbind(c(0, 1, 0), c(0, 0, 1), c(1, 0, 0)))
  bad(em_fit(x, k = 3, latent = cycle, labels = replace(rep(NA, 272), 5, 1)), "which no series reaches in 4 steps")
  expect_no_error(emfit:::check_labels_possible(list(codes = replace(rep(NA, 272), c(4, 10), 1L)), rep(1L, 272), cycle))
  expect_no_error(emfit:::check_labels_possible(list(codes = c(NA, NA, 2L, 1L)), c(1L, 1L, 1L, 2L), once))
  mixture <- em_fit(x, k = 2)
  bad(predict(mixture, type = "path"), "rows that follow each other", "unsupported")
  bad(predict(mixture, n.ahead = 1), "rows that follow each other", "unsupported")
  bad(em_stationary(mixture), "Only a chain", "unsupported")
  kept <- em_fit(x, latent = em_markov(transition = diag(2)), start = own, control = em_control(max_iter = 0))
  bad(em_stationary(kept), "no single stationary", "unsupported")
  fit <- em_fit(x, k = 2, latent = em_markov(), start = own)
  bad(predict(fit, n.ahead = 2, type = "density"), "type")
})

test_that("pictures of a chain have the path, the transitions and the stays, in base and ggplot2", {
  d <- speed_data()
  fit <- em_fit(d, latent = em_markov("series"), start = list(mean = c(6.4, 5.5), sd = c(0.2, 0.2)))
  series <- plot_data(fit)
  expect_s3_class(series, "em_plot_series")
  path <- predict(fit, type = "path")
  expect_identical(series$points$component, as.character(path))
  expect_within(series$points$mean, fit$parameters$mean[as.character(path)], 1e-12)
  expect_within(series$strip$top - series$strip$bottom, predict(fit, type = "prob"), 1e-12)
  expect_identical(series$breaks, cumsum(rle(d$series)$lengths)[1:2] + 0.5)
  arrows <- plot_data(fit, "transition")$labels
  expect_identical(arrows$probability, fit$parameters$transition[cbind(arrows$from, arrows$to)])
  expect_identical(nrow(arrows), 4L)
  dwell <- plot_data(fit, "dwell", state = "2")
  runs <- lapply(split(path, d$series), function(own) {
    own <- rle(as.character(own))
    inside <- seq_along(own$lengths) %in% seq_along(own$lengths)[-c(1, length(own$lengths))]
    own$lengths[inside & own$values == "2"]
  })
  expect_identical(sum(dwell$bars$stays), length(unlist(runs)))
  expect_identical(dwell$bars$stays, tabulate(unlist(runs), max(unlist(runs))))
  stay <- fit$parameters$transition[2, 2]
  expect_within(dwell$bars$expected, length(unlist(runs)) * (1 - stay) * stay^(dwell$bars$length - 1), 1e-10)
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  before <- graphics::par(c("mar", "mfrow"))
  for (type in c("series", "transition", "dwell", "acf", "forecast", "qq", "density", "trace", "path")) {
    expect_no_error(plot(fit, type))
  }
  expect_identical(graphics::par(c("mar", "mfrow")), before)
  skip_if_not_installed("ggplot2")
  for (type in c("series", "transition", "dwell", "acf", "forecast", "qq")) {
    expect_s3_class(ggplot2::autoplot(fit, type), "ggplot")
    expect_no_error(print(ggplot2::autoplot(fit, type)))
  }
})

test_that("what is left of the order of rows is counted within series", {
  d <- speed_data()
  fit <- em_fit(d, latent = em_markov("series"), start = list(mean = c(6.4, 5.5), sd = c(0.2, 0.2)))
  z <- residuals(fit, type = "pseudo")
  z <- z - mean(z)
  acf <- plot_data(fit, "acf", lag.max = 3)$bars
  for (lag in 1:3) {
    pairs <- do.call(rbind, lapply(split(z, d$series), function(own) cbind(head(own, -lag), tail(own, -lag))))
    expect_within(acf$correlation[lag], mean(pairs[, 1] * pairs[, 2]) / mean(z^2), 1e-12)
    expect_within(acf$limit[lag], 1.96 / sqrt(nrow(pairs)), 1e-12)
  }
  expect_error(plot(fit, "acf", lag.max = 0), "lag.max", class = "emfit_error_argument")
  gap <- Nile
  gap[c(3, 50, 51)] <- NA
  once <- suppressMessages(em_fit(gap, k = 2, latent = em_markov()))
  expect_false(anyNA(plot_data(once, "acf")$bars))
})

test_that("the fan holds what the chain says of rows to come", {
  d <- speed_data()
  fit <- em_fit(d, latent = em_markov("series"), start = list(mean = c(6.4, 5.5), sd = c(0.2, 0.2)))
  states <- predict(fit, n.ahead = 4, type = "prob")[5:8, ]
  drawn <- plot_data(fit, "forecast", n.ahead = 4, series = 2, last = 5)
  p <- fit$parameters
  cdf <- function(q, h) sum(states[h, ] * pnorm(q, p$mean, p$sd))
  for (h in 1:4) {
    bounds <- unlist(drawn$fan[h, c("outer_lower", "inner_lower", "inner_upper", "outer_upper")])
    expect_within(vapply(bounds, cdf, 0, h = h), c(0.05, 0.25, 0.75, 0.95), 1e-10)
  }
  expect_within(drawn$fan$mean, states %*% p$mean, 1e-12)
  of_second <- d$rt[d$series == 2]
  expect_identical(drawn$points$y, tail(of_second, 5))
  expect_identical(drawn$fan$row, length(of_second) + 1:4)
  counts <- em_fit(count ~ 1, data = earthquakes, k = 2, family = "poisson", latent = em_markov())
  fan <- plot_data(counts, "forecast", n.ahead = 2)$fan
  states <- predict(counts, n.ahead = 2, type = "prob")
  cdf <- function(q, h) sum(states[h, ] * ppois(q, counts$parameters$rate))
  for (h in 1:2) {
    expect_gte(cdf(fan$outer_upper[h], h), 0.95)
    expect_lt(cdf(fan$outer_upper[h] - 1, h), 0.95)
  }
  expect_error(plot(fit, "forecast", series = "z"), "`series` must be among", class = "emfit_error_argument")
})

test_that("pictures of a chain are refused where there is none, or nothing to draw", {
  mixture <- em_fit(faithful$waiting, k = 2)
  for (type in c("series", "transition", "dwell", "acf", "forecast")) {
    expect_error(plot(mixture, type), "is of a chain", class = "emfit_error_unsupported")
  }
  once <- em_markov(initial = c(1, 0), transition = rbind(c(NA, NA), c(0, 1)))
  nile <- em_fit(Nile, k = 2, latent = once)
  expect_error(plot(nile, "dwell"), "no complete stay", class = "emfit_error_unsupported")
  expect_error(plot(nile, "transition", least = 2), "from 0 to 1", class = "emfit_error_argument")
})

test_that("the boundary refuses chains of other sizes than their rows, and answers it does not know", {
  x <- matrix(log(c(0.1, 0.4, 0.3, 0.2)), 2)
  chain <- function(initial = c(0.5, 0.5), ends = 2L, want = "path") {
    emfit:::em_chain_cpp(x, initial, matrix(0.5, 2, 2), ends, want)
  }
  expect_identical(chain()$path, 1:2 * 0L + max.col(x))
  refused <- function(code, says) expect_error(code, says, fixed = TRUE, class = "std::invalid_argument")
  refused(chain(initial = 1), "a probability for each state")
  for (ends in list(1L, 3L, c(2L, 2L), NA_integer_)) refused(chain(ends = ends), "series")
  refused(chain(want = "all"), "unknown answer all")
})

test_that("the series of a factor names the level that it draws, and of mixed columns the one asked for", {
  set.seed(1)
  s <- rep(rep(1:2, each = 20), 3)
  x <- data.frame(a = rnorm(120, 4 * s), g = factor(letters[sample(3, 120, TRUE)]), h = rpois(120, 5 * s))
  fit <- em_fit(x, k = 2, family = em_mixed(counts = "h"), latent = em_markov())
  expect_identical(plot_data(fit, "series", variable = "h")$points$y, as.numeric(x$h))
  level <- plot_data(fit, "series", variable = 3)
  expect_identical(level$variable, "g.b")
  expect_identical(level$points$y, as.numeric(x$g == "b"))
  expect_error(plot_data(fit, "series", variable = "g"), "\"g.a\"", class = "emfit_error_argument")
})

test_that("a chain of two values may have three states, and print says what they emit and which are for good", {
  set.seed(2)
  flips <- factor(sample(c("a", "b"), 100, TRUE))
  for (family in list("categorical", "bernoulli", "poisson")) {
    x <- if (family == "poisson") as.integer(flips) - 1L else if (family == "bernoulli") flips == "b" else flips
    fit <- suppressWarnings(em_fit(x, k = 3, family = family, latent = em_markov()))
    two <- suppressWarnings(em_fit(x, k = 2, family = family, latent = em_markov()))
    expect_gt(fit$loglik, two$loglik - 1e-6)
  }
  expect_error(em_fit(flips, k = 3, family = "categorical"), "2 distinct", class = "emfit_error_input")
  expect_output(print(suppressWarnings(em_fit(flips, k = 2, family = "categorical", latent = em_markov()))),
                "Hidden Markov model, categorical: 2 states", fixed = TRUE)
  nile <- em_fit(as.numeric(Nile), k = 2, latent = em_markov())
  expect_output(print(nile), "1.000 0.000  Inf", fixed = TRUE)
})

test_that("series of single rows say nothing of transitions, and the fit says that", {
  expect_warning(fit <- em_fit(as.numeric(Nile), k = 2, latent = em_markov(seq_along(Nile))), "Every series is a single row",
                 class = "emfit_warning_unidentified")
  mixture <- em_fit(as.numeric(Nile), k = 2)
  expect_equal(fit$loglik, mixture$loglik, tolerance = 1e-8)
  held <- matrix(0.5, 2, 2)
  expect_no_warning(em_fit(as.numeric(Nile), k = 2, latent = em_markov(seq_along(Nile), transition = held)))
})
