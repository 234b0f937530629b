# What people write who come from another package, and the call that they are given for it.
says <- function(call, ...) {
  error <- tryCatch(call, error = identity)
  expect_s3_class(error, "emfit_error_argument")
  for (piece in c(...)) expect_match(conditionMessage(error), piece, fixed = TRUE)
}

one <- em_fit(faithful, k = 1)
two <- em_fit(faithful, k = 2, start = "kmeans++", control = em_control(n_start = 2))

test_that("every name for the number of components is answered by k", {
  says(em_fit(faithful, G = 2), "k = 2")
  says(em_fit(faithful, K = 2), "k = 2")
  says(em_fit(faithful, n_components = 2), "k = 2")
  says(em_fit(faithful, centers = 3), "k = 3")
  says(em_fit(~ waiting, faithful, nclass = 2), "k = 2")
  says(em_fit(faithful, nstates = 2), "k = 2")
  says(em_select(faithful, G = 1:3), "k = 1:3")
  says(em_lrt(one, G = 2), "k = 2")
  says(em_fit(faithful, k = 1:5), "em_select(x, k = 1:5)")
  says(em_fit(faithful, c(2, 4)), "em_select(")
})

test_that("every name for the structure is answered by the family", {
  for (hint in list("modelNames", "covariance_type", "model")) {
    call <- as.call(c(quote(em_fit), quote(faithful), 2, stats::setNames(list("VVI"), hint)))
    says(eval(call), "family = em_gaussian(\"VVI\")")
  }
  says(em_fit(faithful, 2, family = "VVV"), "family = em_gaussian(\"VVV\")")
  says(em_fit(faithful, 2, family = "full"), "family = em_gaussian(\"full\")")
  says(em_select(faithful, modelNames = "EEE"), "covariance = \"EEE\"")
  says(em_select(faithful, modelNames = c("EEE", "VVV")), "covariance = c(\"EEE\", \"VVV\")")
})

test_that("settings and seeds of others are answered where they belong", {
  for (name in c("nstart", "n.start", "nrep", "n_init", "n_starts")) {
    call <- as.call(c(quote(em_fit), quote(faithful), 2, stats::setNames(list(20), name)))
    says(eval(call), "control = em_control(n_start = 20)")
    says(eval(as.call(c(quote(em_control), stats::setNames(list(20), name)))), "n_start = 20")
  }
  for (name in c("iter.max", "maxit", "max.iter", "maxiter", "itermax")) {
    call <- as.call(c(quote(em_fit), quote(faithful), 2, stats::setNames(list(50), name)))
    says(eval(call), "control = em_control(max_iter = 50)")
  }
  says(em_fit(faithful, 2, seed = 7), "set.seed(7)")
  says(em_fit(faithful, 2, random_state = 7), "set.seed(7)")
  says(em_control(seed = 7), "set.seed(7)")
  expect_length(simulate(two, seed = 7), 1L) # there it is an argument
})

test_that("equal proportions are a latent structure", {
  says(em_fit(faithful, 2, equalPro = TRUE), "latent = em_mixture(\"equal\")")
  says(em_fit(faithful, 2, prop = "equal"), "latent = em_mixture(\"equal\")")
  says(em_fit(faithful, 2, latent = "equal"), "latent = em_mixture(\"equal\")")
  says(em_fit(faithful, 2, latent = c(0.2, 0.8)), "latent = em_mixture(c(0.2, 0.8))")
})

test_that("a second fit and a criterion are sent where they can be had", {
  says(em_lrt(one, two), "em_lrt(fit, k = 2), where `fit` is the one with 1 component")
  says(em_lrt(two, one), "em_lrt(fit, k = 2), where `fit` is the one with 1 component")
  says(em_lrt(two, two), "BIC()")
  says(em_lrt(1), "`fit` must come from em_fit()")
  says(plot(two, what = "BIC"), "em_select(x, k = 1:9, criterion = \"BIC\")")
  says(plot(two, what = "classification"), "type = \"cluster\"")
  says(plot(two, what = "nonsense"), "type = \"density\"")
})

test_that("data and formula are found in lm()'s names and in a pipe's order, and nowhere else", {
  set.seed(1)
  expected <- em_fit(~ waiting, data = faithful, k = 2)
  same <- function(fit) expect_identical(fit$parameters, expected$parameters)
  expect_identical(expected$call, quote(emfit::em_fit(x = ~ waiting, data = faithful, k = 2)))
  calls <- expression(
    em_fit(data = faithful, formula = ~ waiting, k = 2), em_fit(formula = ~ waiting, data = faithful, k = 2),
    em_fit(faithful, ~ waiting, 2), em_fit(faithful, ~ waiting, k = 2), em_fit(faithful, formula = ~ waiting, k = 2),
    em_fit(data = faithful, ~ waiting, k = 2), lapply(list(faithful), em_fit, formula = ~ waiting, k = 2)[[1L]]
  )
  for (call in calls) {
    set.seed(1)
    same(eval(call))
  }
  table <- em_select(faithful, ~ waiting, k = 1, covariance = "V")$table
  expect_identical(em_select(data = faithful, formula = ~ waiting, k = 1, covariance = "V")$table, table)
  says(em_fit(data = faithful, k = 2), "em_fit(faithful, k = 2)")
  says(em_fit(faithful, 2, family = ~ waiting), "A formula must be the first argument")
  says(em_fit(faithful, 2, formula = "waiting"), "A formula must be the first argument")
})

test_that("elements that other packages have are NULL, as R has it", {
  for (name in c("classification", "z", "cluster", "uncertainty", "bic")) expect_null(two[[name]])
})

test_that("a short name is near to what differs by one slip only", {
  expect_null(nearest("data", c("path", "k")))
  expect_identical(nearest("nsmi", c("nsim", "seed")), "nsim")
  expect_identical(nearest("newdat", c("newdata", "data")), "newdata")
})

test_that("em_select() takes the structure that its family names, and no other beside it", {
  structures <- function(...) unique(em_select(faithful, k = 1, ...)$table$covariance)
  expect_identical(structures(family = em_gaussian("EEE")), "EEE")
  expect_identical(structures(family = em_gaussian("full")), "VVV")
  expect_identical(structures(family = em_gaussian("EEE"), covariance = "tied"), "EEE")
  expect_length(structures(family = em_gaussian()), 14L)
  expect_length(structures(family = "gaussian"), 14L)
  expect_identical(structures(family = em_gaussian(prior = em_prior()), covariance = "VII"), "VII")
  expect_identical(unique(em_select(~ waiting, faithful, k = 1, family = em_gaussian("EEE"))$table$covariance), "E")
  says(em_select(faithful, k = 1, family = em_gaussian("EEE"), covariance = "all"), "\"EEE\"", "family = em_gaussian()")
  says(em_select(faithful, k = 1, family = em_gaussian("VVV"), covariance = c("EEE", "VVV")), "\"VVV\"")
  chosen <- best(em_select(faithful, k = 1, family = em_gaussian("VVV")))
  expect_identical(chosen$family, em_fit(faithful, k = 1)$family)
})
