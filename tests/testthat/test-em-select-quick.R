# Tables of more than 1000 rows: starts are chosen by what they promise, races end roughly, the best of each is finished.

three_clouds <- function(n, seed = 1) {
  withr_seed(seed, {
    group <- sample(3, n, replace = TRUE, prob = c(0.5, 0.3, 0.2))
    cbind(c(0, 3, 6)[group], c(0, 2, -1)[group]) + matrix(rnorm(2 * n), n) * c(1, 0.5, 1.5)[group]
  })
}

shared_starts <- function(x, k, item, structures = gaussian_structures, weights = NULL) {
  data <- em_data(x, em_gaussian(), weights)
  one <- ncol(data$x) == 1L
  model <- list(family = family_check(em_gaussian(if (one) "V" else "VVV"), data, k), latent = em_mixture(), k = k)
  sums <- sums_em(tallied(data, model), list(item), model, em_control(threads = 1))[[1L]]
  if (is.null(sums)) return(NULL)
  state <- new_state(sums, needed = ncol(data$x) + 1)
  bounds <- vapply(structures, function(structure) bounds_under(list(state), structure), 0, USE.NAMES = FALSE)
  starts <- lapply(structures, state_start, state = state, method = "shared")
  list(bounds = bounds, parameters = lapply(starts, `[[`, "parameters"), fewest = min(sums$counts))
}

test_that("the sums of one E-step give every structure its M-step and a bound that holds", {
  x <- as.matrix(iris[, 1:3])
  fit <- em_fit(x, 3, em_gaussian("EEI"), start = iris$Species, control = em_control(max_iter = 2, tol = 0))
  soft <- shared_starts(x, 3L, parameters_start(lapply(unclass(fit$parameters), bare_numbers), "shared"))
  hard <- shared_starts(x, 3L, list(partition = as.integer(iris$Species), may_borrow = FALSE))
  from <- lapply(unclass(fit$parameters), bare_numbers)
  r <- reference_responsibilities(x, from)
  for (structure in c("EII", "VVI", "EEE", "VEV", "EVV", "VVV")) {
    at <- match(structure, gaussian_structures)
    step <- reference_em(x, 3, structure, from, n_iter = 1)
    expect_equal(soft$parameters[[at]]$covariance, step$parameters$covariance, tolerance = 1e-8, ignore_attr = TRUE)
    expect_equal(soft$parameters[[at]]$mean, step$parameters$mean, tolerance = 1e-10, ignore_attr = TRUE)
    # loglik(p) + Q(q) - Q(p), from the formulae.
    gain <- sum(r * (reference_log_joint(x, step$parameters) - reference_log_joint(x, from)))
    expect_equal(soft$bounds[at], reference_loglik(x, from) + gain, tolerance = 1e-9)
    expect_lte(soft$bounds[at], step$trace[2] + 1e-8)
    joint <- reference_log_joint(x, hard$parameters[[at]])
    expect_equal(hard$bounds[at], sum(joint[cbind(1:150, as.integer(iris$Species))]), tolerance = 1e-9)
  }
  expect_identical(hard$fewest, 50)
  # Rows of weight 2 are there twice; in one dimension E and V are all there are.
  weighted <- shared_starts(x, 3L, list(partition = as.integer(iris$Species), may_borrow = FALSE), weights = rep(2, 150))
  expect_equal(weighted$bounds, 2 * hard$bounds, tolerance = 1e-10)
  line <- shared_starts(faithful$eruptions, 2L, list(partition = 1L + (faithful$eruptions > 3), may_borrow = FALSE), c("E", "V"))
  expect_named(line$parameters[[1]], c("proportions", "mean", "sd"))
  expect_gt(line$bounds[2], line$bounds[1])
})

test_that("a component without spread has no bound, and no density no state", {
  x <- as.matrix(faithful)
  labels <- rep(1:2, c(270, 2))
  hard <- shared_starts(x, 2L, list(partition = labels, may_borrow = FALSE), c("EEE", "VVV"))
  expect_identical(is.finite(hard$bounds), c(TRUE, FALSE))
  flat <- list(proportions = c(0.5, 0.5), mean = x[1:2, ], covariance = array(0, c(2, 2, 2)))
  expect_null(shared_starts(x, 2L, parameters_start(flat, "shared")))
})

test_that("the most promising states come first, those with a small component last", {
  state <- function(bound, fewest = 50) {
    out <- new_state(list(counts = c(100, fewest), proportions = bound, mean = diag(2)), needed = 3)
    out$under <- list(VVV = list(bound = bound, covariance = 1), EII = list(bound = -bound, covariance = 1))
    out
  }
  states <- list(state(-5), NULL, state(-1), state(9, fewest = 2), state(-Inf), state(-3))
  taken <- function(...) vapply(promising(states, ...), function(item) item$parameters$proportions, 0)
  expect_identical(taken("VVV", 2L, "shared"), c(-1, -3))
  expect_identical(taken("VVV", 9L, "shared"), c(-1, -3, -5, 9))
  expect_identical(taken("VVV", 9L, "shared", above = -4), c(-1, -3, 9))
  expect_identical(taken("EII", 1L, "shared"), -Inf)
  expect_identical(promising(list(NULL), "VVV", 2L, "shared"), list())
})

test_that("where an M-step is dear only those that may be chosen are asked, and the same are chosen", {
  x <- as.matrix(iris[, 1:4])
  data <- em_data(x, em_gaussian())
  model <- list(family = family_check(em_gaussian("VVV"), data, 3L), latent = em_mixture(), k = 3L)
  native <- tallied(data, model)
  set.seed(8)
  items <- draw_starts(data, model, "random", 12L)
  states <- function() lapply(sums_em(native, items, model, em_control(threads = 1)), new_state, needed = 5)
  for (structure in names(quicker_within)) {
    all <- states()
    bounds <- bounds_under(all, structure)
    small <- vapply(all, function(state) state$small, NA)
    expect_true(all(bounds <= bounds_under(all, quicker_within[[structure]]) + 1e-8))
    order <- order(small, -bounds)[1:3]
    above <- sort(bounds, decreasing = TRUE)[5L]
    some <- states()
    chosen <- promising(some, structure, 3L, "shared", above)
    expect_identical(chosen, lapply(all[order[bounds[order] > above]], state_start, structure, "shared"))
    expect_lt(sum(vapply(some, function(state) !is.null(state$under[[structure]]), NA)), 12)
  }
})

test_that("an optimum becomes a state when another asks for it, and is asked once", {
  x <- three_clouds(1200)
  set.seed(6)
  families <- lapply(c("EII", "VVI", "VVV"), em_gaussian)
  search <- new_search(em_data(x, em_gaussian()), families, 2L, em_mixture(), em_control(n_start = 2))
  search_from_below(search, 1L)
  expect_true(is.list(search$states[[1L]][[3L]]))
  first <- search$states[[1L]][[1L]]
  expect_true(is.environment(first))
  expect_named(first$under, c("VVI", "VVV"), ignore.order = TRUE)
  starts_from_others(search, 1L, 1L, 2:3)
  expect_true(is.environment(search$states[[1L]][[3L]]))
  expect_identical(search$states[[1L]][[1L]], first)
})

test_that("a quick table is of finished fits, in the order of the structures, whatever the threads", {
  x <- three_clouds(1200)
  quick <- function(threads) {
    set.seed(2)
    em_select(x, k = 1:4, covariance = c("EII", "VII", "VVI", "EEE", "VEV", "VVV"),
              control = em_control(threads = threads, n_start = 4))
  }
  s <- quick(1)
  expect_identical(quick(2)[c("table", "cells")], s[c("table", "cells")])
  expect_true(all(s$table$converged) && all(s$table$starts.agree >= 1L) && all(is.na(s$table$reason)))
  loglik <- matrix(s$table$logLik, 4, dimnames = list(1:4, unique(s$table$covariance)))
  for (pair in list(c("EII", "VII"), c("VII", "VVI"), c("EII", "EEE"), c("EEE", "VEV"), c("VVI", "VVV"), c("VEV", "VVV"))) {
    expect_true(all(loglik[, pair[2]] >= loglik[, pair[1]] - 1e-6), label = paste(pair, collapse = " below "))
  }
  for (row in which(s$table$k > 1)) {
    fit <- best(s, k = s$table$k[row], covariance = s$table$covariance[row])
    # Where it ended EM has nothing to gain, and the table of starts says what led there.
    onward <- em_fit(x, fit$k, fit$family, start = fit, control = em_control(tol = 0, max_iter = 20, accelerate = FALSE))
    expect_lt(onward$loglik - fit$loglik, 1e-4)
    expect_identical(sum(fit$starts$loglik == fit$loglik & fit$starts$status == "converged"), 1L)
    expect_true(all(fit$starts$loglik <= fit$loglik + 1e-9))
  }
  # The same ends as a search of all starts.
  set.seed(3)
  thorough <- em_fit(x, 3, control = em_control(n_start = 20))
  expect_equal(loglik["3", "VVV"], thorough$loglik, tolerance = 1e-8)
})

test_that("what a rough run is interrupted in is not called converged", {
  x <- three_clouds(1200)
  set.seed(4)
  search <- new_search(em_data(x, em_gaussian()), list(em_gaussian("VVV")), 2:3, em_mixture(), em_control(n_start = 2))
  expect_true(search$quick)
  search$tick <- function() stop(structure(class = c("interrupt", "condition"), list(message = "", call = NULL)))
  run_search(search)
  expect_warning(s <- new_em_select(search, "BIC", quote(em_select(x))), class = "emfit_warning_interrupted")
  expect_identical(s$table$status, c("max_iter", "not_run"))
  expect_match(s$table$reason[1L], "still gaining")
  search$tick <- function() NULL
  search$interrupted <- FALSE
  finish_cells(search, 1L)
  expect_identical(new_em_select(search, "BIC", quote(em_select(x)))$table$status[1L], "converged")
})

test_that("finishing restores the order of nested structures", {
  x <- three_clouds(1200)
  set.seed(7)
  search <- new_search(em_data(x, em_gaussian()), lapply(c("EEE", "VVV"), em_gaussian), 2L, em_mixture(), em_control(n_start = 2))
  run_search(search)
  # Two components that are the same stay so: a saddle below the optimum of EEE.
  same <- search$cells[[1]][[2]]$run$parameters
  same$mean[] <- rep(colMeans(x), each = 2)
  same$covariance[] <- cov(x)
  search$cells[[1]][[2]]$run$parameters <- same
  finish_cells(search, 1L)
  loglik <- vapply(search$cells[[1]], function(cell) cell$run$loglik, 0)
  expect_gt(loglik[2], loglik[1])
  expect_identical(search$loglik[1, ], loglik)
})

test_that("weights, missing values and one dimension are searched quickly too; priors, noise and counts thoroughly", {
  x <- three_clouds(1100)
  set.seed(5)
  one <- em_select(x[, 1], k = 1:3, control = em_control(n_start = 2))
  expect_true(all(one$table$converged))
  expect_true(all(one$table$logLik[one$table$covariance == "V"] >= one$table$logLik[one$table$covariance == "E"] - 1e-6))
  two <- function(weights) {
    set.seed(6)
    em_select(x, k = 2, covariance = "VVV", weights = weights, control = em_control(n_start = 2))
  }
  twice <- two(rep(2, 1100))
  plain <- two(NULL)
  expect_equal(twice$table$logLik, 2 * plain$table$logLik, tolerance = 1e-8)
  x[1:20, 1] <- NA
  holes <- quietly(em_select(x, k = 2, covariance = c("EEE", "VVV"), control = em_control(n_start = 2)))
  expect_true(all(holes$table$converged))
  is_quick_for <- function(family, latent = em_mixture()) {
    data <- em_data(three_clouds(1100), em_gaussian())
    new_search(data, list(family), 2L, latent_bind(latent, data, family), em_control())$quick
  }
  expect_true(is_quick_for(em_gaussian()))
  expect_false(is_quick_for(em_gaussian(prior = em_prior())))
  expect_false(is_quick_for(em_gaussian(), em_mixture(noise = TRUE)))
})

test_that("how clear rows are to the core is that of the responsibilities", {
  for (weights in list(NULL, rep(0:2, length.out = 272))) {
    fit <- em_fit(faithful, 3, weights = weights, control = em_control(n_start = 2))
    data <- em_data(faithful, em_gaussian(), weights)
    model <- list(family = fit$family, latent = fit$latent, k = 3L)
    found <- clarity_em(tallied(data, model), unclass(fit$parameters), model)
    expect_equal(found, clarity(responsibilities(fit), stats::weights(fit)), tolerance = 1e-10)
  }
})

test_that("the kind of search can be asked for, is told, and is refused where it can't be", {
  x <- three_clouds(200)
  few <- function(...) em_select(x, k = 2:3, covariance = c("EEE", "VVV"), control = em_control(n_start = 2), ...)
  quick <- withr_seed(1, few(search = "quick"))
  thorough <- withr_seed(1, few())
  expect_identical(c(quick$quick, thorough$quick), c(TRUE, FALSE))
  expect_match(format(quick), "search = \"thorough\"", fixed = TRUE, all = FALSE)
  expect_no_match(format(thorough), "quick", fixed = TRUE)
  expect_equal(best(quick)$loglik, best(thorough)$loglik, tolerance = 1e-8)
  expect_false(em_select(three_clouds(1001), k = 1, covariance = "EII", search = "thorough")$quick)
  expect_error(few(search = "fast"), class = "emfit_error_argument")
  expect_error(em_select(x, k = 2, latent = em_mixture(noise = TRUE), search = "quick"), "without noise",
               class = "emfit_error_unsupported")
  expect_error(em_select(coins[c("heads", "tails")], k = 1:2, family = "binomial", search = "quick"),
               class = "emfit_error_unsupported")
})
