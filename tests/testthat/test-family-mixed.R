# Mixed columns against EM in plain R (helper-reference-families.R), against flexmix, and by the law that no unit of a
# numeric column moves a responsibility.

births <- function() {
  skip_if_not_installed("MASS")
  x <- MASS::birthwt
  data.frame(age = x$age, lwt = x$lwt, race = factor(x$race, labels = c("white", "black", "other")), smoke = x$smoke == 1,
             ptl = x$ptl, ui = x$ui, ftv = x$ftv)
}

by_hand <- em_mixed(counts = "ptl", ui ~ em_bernoulli(), ftv ~ em_binomial(size = 6))
quietly <- function(...) suppressMessages(em_fit(...))
once <- function(x, seed = 1, ...) withr_seed(seed, quietly(x, ...))

with_gaps <- function(x, share = 0.2) {
  gone <- withr_seed(9, matrix(runif(length(x) * nrow(x)) < share, nrow(x)))
  for (j in seq_along(x)) x[[j]][gone[, j]] <- NA
  x
}

blocks_of_births <- function(x) {
  list(reference_block("diagonal", x[c("age", "lwt")]),
       reference_block("categorical", data.frame(race = x$race, smoke = factor(x$smoke))),
       reference_block("bernoulli", x$ui), reference_block("poisson", x$ptl))
}

start_of_births <- list(
  proportions = c(0.6, 0.4),
  numeric = list(mean = rbind(c(21, 115), c(27, 150)), covariance = array(c(16, 0, 0, 225, 36, 0, 0, 1200), c(2, 2, 2))),
  categorical = list(prob = list(race = rbind(c(0.4, 0.2, 0.4), c(0.6, 0.2, 0.2)), smoke = rbind(c(0.6, 0.4), c(0.5, 0.5)))),
  binary = list(prob = matrix(c(0.2, 0.1))), counts = list(rate = c(0.3, 0.1))
)

oracle_start <- list(proportions = c(0.6, 0.4), blocks = list(
  list(mean = start_of_births$numeric$mean, sd = rbind(c(4, 15), c(6, sqrt(1200)))),
  list(prob = start_of_births$categorical$prob), start_of_births$binary, list(rate = matrix(c(0.3, 0.1)))))

plain_steps <- function(n) em_control(tol = 0, max_iter = n, accelerate = FALSE)

births_of_oracle <- function() births()[names(births()) != "ftv"]
weights_of_births <- rep(c(0.5, 1, 2), 63)

fit_births <- function(x, ...) {
  quietly(x, k = 2, family = em_mixed(counts = "ptl", ui ~ em_bernoulli()), start = start_of_births,
          weights = weights_of_births, ...)
}

expect_oracle <- function(fit, x, p, tolerance) {
  expect_within <- function(a, b) expect_lt(max(abs(unname(a) - unname(b))), tolerance)
  expect_within(fit$parameters$numeric$mean, p$blocks[[1]]$mean)
  expect_within(sqrt(t(apply(fit$parameters$numeric$covariance, 3, diag))), p$blocks[[1]]$sd)
  expect_within(fit$parameters$categorical$prob$race, p$blocks[[2]]$prob$race)
  expect_within(fit$parameters$binary$prob, p$blocks[[3]]$prob)
  expect_within(fit$parameters$counts$rate, drop(p$blocks[[4]]$rate))
  expect_within(predict(fit, type = "prob"), reference_blocks_responsibilities(blocks_of_births(x), p))
  expect_identical(fit$df, as.integer(reference_blocks_df(blocks_of_births(x), 2)))
}

test_that("iterations with categories and counts missing, and weights, are the oracle's", {
  x <- with_gaps(births_of_oracle())
  x[c("age", "lwt")] <- births()[c("age", "lwt")]
  fit <- fit_births(x, control = plain_steps(12))
  oracle <- reference_blocks_em(blocks_of_births(x), oracle_start, weights_of_births, 12)
  expect_equal(fit$trace$loglik, oracle$trace, tolerance = 1e-12)
  expect_oracle(fit, x, oracle$parameters, 1e-9)
})

# Numbers that are missing are filled in by what is expected of them, so that the steps are smaller and the end the same.
test_that("the maximum with 20 % of all cells missing is the oracle's", {
  x <- with_gaps(births_of_oracle())
  fit <- fit_births(x, control = em_control(tol = 1e-13, max_iter = 20000))
  oracle <- reference_blocks_em(blocks_of_births(x), oracle_start, weights_of_births, 20000, 1e-12)
  expect_equal(fit$trace$loglik[1], oracle$trace[1], tolerance = 1e-13)
  expect_equal(fit$loglik, oracle$loglik, tolerance = 1e-11)
  expect_oracle(fit, x, oracle$parameters, 1e-3)
})

test_that("no unit of a numeric column moves a responsibility", {
  x <- births()
  base <- once(x, k = 2, family = by_hand)
  for (s in c(1e-9, 28.35, 1e9)) {
    moved <- once(transform(x, lwt = s * lwt, age = age / s + 3), k = 2, family = by_hand)
    expect_equal(predict(moved, type = "prob"), predict(base, type = "prob"), tolerance = 1e-5)
    expect_equal(moved$loglik, base$loglik, tolerance = 1e-7)
    expect_equal(moved$parameters$numeric$mean[, "lwt"] / s, base$parameters$numeric$mean[, "lwt"], tolerance = 1e-6)
  }
  one <- once(transform(x, lwt = 1000 * lwt), k = 2, family = by_hand)
  expect_equal(one$loglik, base$loglik - nrow(x) * log(1000), tolerance = 1e-8)
})

test_that("an order of rows or of columns changes nothing", {
  x <- with_gaps(births())
  fit <- once(x, k = 2, family = by_hand)
  turned <- quietly(x[189:1, 7:1], k = 2, family = by_hand, start = fit)
  expect_equal(turned$loglik, fit$loglik, tolerance = 1e-10)
  expect_equal(unname(predict(turned, type = "prob")[189:1, ]), unname(predict(fit, type = "prob")), tolerance = 1e-6)
})

test_that("flexmix's log-likelihood and probabilities at its own parameters", {
  skip_if_not_installed("flexmix")
  x <- withr_seed(5, {
    z <- rep(1:2, c(120, 80))
    data.frame(a = rnorm(200, c(0, 3)[z]), b = rnorm(200, c(5, 4)[z]), y = rpois(200, c(1, 5)[z]),
               q = rbinom(200, 1, c(0.2, 0.7)[z]))
  })
  other <- withr_seed(1, flexmix::flexmix(~ 1, k = 2, cluster = rep(1:2, c(120, 80)), model = list(
    flexmix::FLXMCmvnorm(cbind(x$a, x$b) ~ ., diagonal = TRUE), flexmix::FLXMCmvpois(x$y ~ .),
    flexmix::FLXMCmvbinary(x$q ~ .)), control = list(tolerance = 1e-15, iter.max = 2000)))
  find <- function(model) flexmix::parameters(other, model = model, simplify = FALSE)
  numbers <- lapply(1:2, function(j) find(1)[[j]])
  start <- list(
    proportions = flexmix::prior(other),
    numeric = list(mean = t(vapply(numbers, function(p) as.numeric(p$center), numeric(2))),
                   covariance = array(unlist(lapply(numbers, function(p) diag(diag(as.matrix(p$cov))))), c(2, 2, 2))),
    binary = list(prob = matrix(unlist(find(3)))), counts = list(rate = unlist(find(2))))
  fit <- quietly(x, k = 2, family = em_mixed(counts = "y", q ~ em_bernoulli()), start = start,
                 control = em_control(max_iter = 0))
  expect_equal(fit$loglik, other@logLik, tolerance = 1e-10)
  expect_equal(unname(predict(fit, type = "prob")), unname(flexmix::posterior(other)), tolerance = 1e-8)
  best <- once(x, k = 2, family = em_mixed(counts = "y", q ~ em_bernoulli()))
  expect_gte(best$loglik, fit$loglik) # its variances are not those of the maximum
})

test_that("standard errors are those of numerical derivatives", {
  skip_if_not_installed("numDeriv")
  x <- births()[c("age", "smoke", "ftv")]
  fit <- once(x, k = 2, family = em_mixed(counts = "ftv"), control = em_control(tol = 1e-12, max_iter = 5000))
  p <- fit$parameters
  loglik <- function(u) {
    density <- vapply(1:2, function(j) {
      c(plogis(u[1]), plogis(-u[1]))[j] * dnorm(x$age, u[1 + j], u[3 + j]) * ifelse(x$smoke, u[5 + j], 1 - u[5 + j]) *
        dpois(x$ftv, exp(u[7 + j]))
    }, numeric(189))
    sum(log(rowSums(density)))
  }
  at <- c(qlogis(p$proportions[[1]]), p$numeric$mean, p$numeric$sd, p$categorical$prob$smoke[, "TRUE"], log(p$counts$rate))
  error <- sqrt(diag(solve(-numDeriv::hessian(loglik, at))))
  own <- sqrt(diag(vcov(fit)))
  expect_equal(unname(own[c("mean.age[1]", "mean.age[2]", "sd.age[1]", "sd.age[2]", "prob.smoke.TRUE[1]", "prob.smoke.TRUE[2]")]),
               error[2:7], tolerance = 1e-4)
  expect_equal(unname(own[c("rate.ftv[1]", "rate.ftv[2]")] / p$counts$rate), error[8:9], tolerance = 1e-4)
  ends <- confint(fit)
  expect_true(all(ends[startsWith(rownames(ends), "prob"), ] > 0 & ends[startsWith(rownames(ends), "prob"), ] < 1))
  expect_true(all(ends[startsWith(rownames(ends), "rate"), ] > 0))
})

test_that("one message says which column got what", {
  x <- births()
  x$race[x$race == "black"] <- "white"
  x$smoke <- factor(x$smoke, ordered = TRUE)
  told <- expect_message(em_fit(x, k = 1, family = em_mixed(counts = "ptl")), class = "emfit_message_columns")
  expect_match(conditionMessage(told), "age, lwt, ui, ftv: Gaussian (VVI); race, smoke: categorical; ptl: Poisson", fixed = TRUE)
  expect_match(conditionMessage(told), "Only 0 and 1 in ui", fixed = TRUE)
  expect_match(conditionMessage(told), "left out: \"black\" of race", fixed = TRUE)
  expect_match(conditionMessage(told), "Ordered factors are taken as categories: smoke", fixed = TRUE)
  expect_no_message(em_fit(x["age"], k = 1, family = em_mixed(age ~ em_gaussian())))
})

test_that("formulas say blocks, and parameters nest in them by their names", {
  x <- births()
  fit <- quietly(x, k = 1, family = em_mixed(size = c(age, lwt) ~ em_gaussian("VVV"), race + smoke ~ em_categorical(),
                                             cbind(ptl, ftv) ~ em_poisson(), ui ~ "bernoulli"))
  expect_named(fit$parameters, c("proportions", "size", "categorical", "binary", "counts"))
  expect_equal(unname(fit$parameters$size$covariance[, , 1]), unname(cov(x[1:2]) * 188 / 189), tolerance = 1e-10)
  expect_equal(unname(fit$parameters$counts$rate[1, ]), unname(colMeans(x[c("ptl", "ftv")])), tolerance = 1e-12)
  expect_identical(colnames(fit$parameters$counts$rate), c("ptl", "ftv"))
  two <- quietly(x, k = 1, family = em_mixed(age ~ em_gaussian()))
  expect_named(two$parameters, c("proportions", "numeric", "numeric_1", "categorical"))
  expect_setequal(rownames(vcov(two))[1:3], c("mean.age[1]", "sd.age[1]", "mean.lwt[1]"))
})

test_that("start and fixed are lists of the same shape", {
  x <- births()
  fit <- once(x, k = 2, family = by_hand, fixed = list(counts = list(rate = c(0, NA)), numeric = list(mean = rbind(c(NA, NA), c(NA, 140)))))
  expect_identical(fit$parameters$counts$rate[[1]], 0)
  expect_identical(fit$parameters$numeric$mean[2, "lwt"], 140)
  expect_identical(fit$df, 21L - 2L)
  again <- quietly(x, k = 2, family = by_hand, start = fit$parameters, control = em_control(max_iter = 0))
  expect_identical(parameter_numbers(again), parameter_numbers(fit))
  expect_error(quietly(x, k = 2, family = by_hand, start = list(numeric = list(middle = 1))), "can hold \"mean\", \"covariance\"",
               class = "emfit_error_start")
  expect_error(quietly(x, k = 2, family = by_hand, fixed = list(numeric = 1:2)), "must be a list with", class = "emfit_error_fixed")
  expect_error(quietly(x, k = 2, family = by_hand, fixed = list(counts = list(rate = c(-1, NA)))), "`fixed$counts$rate` must be 0 or more",
               fixed = TRUE, class = "emfit_error_fixed")
})

test_that("labels, equal proportions, units and chains go with mixed columns", {
  x <- with_gaps(births(), 0.05)
  labels <- c(1, 2, rep(NA, 187))
  fit <- once(x, k = 2, family = by_hand, labels = labels)
  expect_identical(unname(predict(fit)[1:2]), factor(1:2))
  equal <- once(x, k = 2, family = by_hand, latent = em_mixture("equal"))
  expect_equal(unname(equal$parameters$proportions), c(0.5, 0.5))
  id <- rep(1:63, each = 3)
  unit <- once(data.frame(id, x), k = 2, family = by_hand, latent = em_mixture(unit = "id"))
  expect_true(all(tapply(predict(unit, type = "prob")[, 1], id, function(p) diff(range(p))) < 1e-12))
  chain <- once(x, k = 2, family = by_hand, latent = em_markov())
  expect_identical(dim(predict(chain, type = "prob")), c(189L, 2L))
  expect_error(once(x, k = 2, family = by_hand, latent = em_mixture(noise = TRUE)), class = "emfit_error_unsupported")
})

test_that("new rows are read by names and kinds", {
  x <- births()
  fit <- once(x, k = 2, family = by_hand)
  expect_equal(predict(fit, x[5:9, 7:1], type = "prob"), predict(fit, type = "prob")[5:9, ], ignore_attr = TRUE)
  part <- predict(fit, data.frame(age = 30, lwt = NA, race = "white", smoke = NA, ptl = 0, ui = FALSE, ftv = NA), type = "density")
  p <- fit$parameters
  by_hand <- sum(p$proportions * dnorm(30, p$numeric$mean[, 1], sqrt(p$numeric$covariance[1, 1, ])) *
                   p$categorical$prob$race[, "white"] * (1 - p$binary$prob[, 1]) * exp(-p$counts$rate))
  expect_equal(unname(part), by_hand, tolerance = 1e-12)
  expect_error(predict(fit, transform(x, race = "green")), class = "emfit_error_levels")
  expect_error(predict(fit, transform(x, age = "old")), "must be numeric, as it was in the fit", class = "emfit_error_newdata")
  expect_error(predict(fit, x[-1]), "lacks column \"age\"", class = "emfit_error_newdata")
  expect_error(predict(fit, transform(x, ptl = 0.5)), class = "emfit_error_counts")
})

test_that("gaps are filled in by draws of their own kind", {
  x <- with_gaps(births())
  fit <- once(x, k = 2, family = by_hand)
  expect_error(em_impute(fit, type = "mean"), class = "emfit_error_unsupported")
  sets <- withr_seed(1, em_impute(fit, m = 40, parameters = "estimate"))
  one <- sets[[1]]
  expect_identical(unname(vapply(one, class, "")), c("numeric", "numeric", "factor", "logical", rep("numeric", 3)))
  expect_false(anyNA(one))
  kept <- !is.na(x$race)
  expect_identical(one$race[kept], x$race[kept])
  # Of rows whose race is missing: its share is the responsibility-weighted one.
  gone <- which(!kept)
  drawn <- mean(vapply(sets, function(set) mean(set$race[gone] == "white"), 0))
  wanted <- mean(predict(fit, type = "prob")[gone, ] %*% fit$parameters$categorical$prob$race[, "white"])
  expect_lt(abs(drawn - wanted), 4 * sqrt(0.25 / (length(gone) * 40)))
  rates <- mean(vapply(sets, function(set) mean(set$ptl[is.na(x$ptl)]), 0))
  expect_lt(abs(rates - mean(predict(fit, type = "prob")[is.na(x$ptl), ] %*% fit$parameters$counts$rate)), 0.1)
})

test_that("selection over k and structures, tests, refits and cross-validation work", {
  x <- births()
  table <- withr_seed(1, suppressMessages(em_select(x, k = 1:2, family = by_hand, covariance = c("EEI", "VVI", "VVV"))))
  expect_identical(sort(unique(table$table$covariance)), c("EEI", "VVI", "VVV"))
  chosen <- best(table, k = 2, covariance = "VVV")
  expect_identical(chosen$family$blocks[[1]]$family$covariance, "VVV")
  expect_equal(suppressMessages(withr_seed(1, update(chosen)))$loglik, chosen$loglik, tolerance = 1e-6)
  expect_true(all(chosen$loglik > best(table, k = 2, covariance = "VVI")$loglik - 1e-6))
  expect_error(suppressMessages(em_select(x["race"], k = 1, family = em_mixed(), covariance = "VVV")), class = "emfit_error_argument")
  fit <- best(table, k = 1, covariance = "VVI")
  expect_s3_class(withr_seed(1, em_lrt(fit, n_boot = 19)), "em_lrt")
  expect_error(em_lrt(fit, against = "saturated"), "no table of cells", class = "emfit_error_unsupported")
  cv <- withr_seed(1, suppressMessages(em_select(x, k = 1:2, family = by_hand, criterion = "CV", folds = 3)))
  expect_true(all(is.finite(cv$table$CV)))
  boot <- withr_seed(1, em_bootstrap(once(with_gaps(x, 0.05), k = 2, family = by_hand), n_boot = 5, type = "parametric"))
  expect_false(anyNA(boot$replicates))
})

test_that("priors of blocks are maximised with them", {
  x <- births()
  family <- em_mixed(c(age, lwt) ~ em_gaussian("VVI", prior = em_prior()), c(race, smoke) ~ em_categorical(em_prior(counts = 2)),
                     ptl ~ em_poisson(prior = em_prior(shape = 2, rate = 1)))
  fit <- once(x[1:5], k = 1, family = family)
  expect_equal(fit$parameters$counts$rate[[1]], (sum(x$ptl) + 1) / (189 + 1), tolerance = 1e-12)
  expect_equal(unname(fit$parameters$categorical$prob$smoke[1, ]), c(prop.table(table(x$smoke))), ignore_attr = TRUE)
  expect_false(isTRUE(all.equal(fit$objective, fit$loglik)))
})

test_that("what can't be a block or a column is an error that says what to do", {
  x <- births()
  bad <- function(family, class, text, data = x) {
    expect_error(suppressMessages(em_fit(data, k = 2, family = family)), text, class = paste0("emfit_error_", class), fixed = TRUE)
  }
  expect_error(em_mixed(age), class = "error")
  expect_error(em_mixed("age"), "`...` must be formulas", class = "emfit_error_argument", fixed = TRUE)
  expect_error(em_mixed(age ~ em_gauss()), "can't be made", class = "emfit_error_argument")
  expect_error(em_mixed(sqrt(age) ~ em_gaussian()), "must name columns", class = "emfit_error_argument")
  expect_error(em_mixed(age ~ em_poisson(), counts = "age"), "named twice", class = "emfit_error_argument")
  expect_error(em_mixed(counts = 3), "`counts` must be names", class = "emfit_error_argument")
  expect_error(em_mixed(prob = age ~ em_poisson()), "can't be named \"prob\"", class = "emfit_error_argument")
  expect_error(em_mixed(age ~ em_multinomial()), "can't have multinomial components", class = "emfit_error_unsupported")
  expect_error(em_mixed(age ~ em_poisson(exposure = "e")), "can't have exposure.*rows watched alike", class = "emfit_error_unsupported")
  expect_error(em_fit(iris, 2, "mixed", em_mixture(noise = TRUE)), "counts and categories have none", class = "emfit_error_unsupported")
  expect_error(em_mixed(age ~ em_binomial()), "trials that differ by row", class = "emfit_error_unsupported")
  bad(em_mixed(counts = "plt"), "argument", "em_mixed() names \"plt\", which the data lack.")
  bad(em_mixed(counts = "race"), "input", "\"race\" can't be Poisson: they are no numbers.")
  bad(em_mixed(age ~ em_categorical()), "input", "\"age\" can't be categorical: numbers are no categories.")
  bad(em_mixed(age ~ em_bernoulli()), "input", "Column \"age\" must have 0 and 1")
  bad(em_mixed(counts = "ptl"), "counts", "must hold whole numbers of 0 or more", transform(x, ptl = ptl - 1))
  bad(em_mixed(ftv ~ em_binomial(size = 5)), "counts", "must hold whole numbers from 0 to 5")
  bad(em_mixed(), "input", "must have columns of numbers, factors", transform(x, day = Sys.Date()))
  bad(em_mixed(), "input", "has one level", transform(x, race = factor("white")))
  bad(em_mixed(), "input", "is constant", transform(x, age = 3))
  fit <- once(x, k = 2, family = by_hand)
  expect_error(residuals(fit, "pseudo"), class = "emfit_error_unsupported")
  expect_error(plot_data(fit, type = "surface"), class = "emfit_error_unsupported")
})

test_that("rows, tables and pictures have every column", {
  x <- with_gaps(births())
  fit <- once(x, k = 2, family = by_hand)
  expect_identical(colnames(fitted(fit)), colnames(residuals(fit)))
  expect_true(all(c("age", "race.white", "smoke.TRUE", "ptl", "ui", "ftv") %in% colnames(fitted(fit))))
  means <- fitted(fit)[1, c("age", "ptl", "ftv")]
  r <- predict(fit, type = "prob")[1, ]
  p <- fit$parameters
  expect_equal(unname(means), c(sum(r * p$numeric$mean[, "age"]), sum(r * p$counts$rate), 6 * sum(r * p$trials$prob)), tolerance = 1e-10)
  table <- tidy(fit)
  expect_true(all(c("mean.age", "sd.lwt", "prob.race.black", "prob.ui", "rate.ptl", "prob.ftv") %in% names(table)))
  expect_identical(glance(fit)$covariance, "VVI")
  drawn <- simulate(fit, seed = 1, n = 1000)[[1]]
  expect_identical(names(drawn), names(x))
  expect_identical(levels(drawn$race), levels(x$race))
  expect_false(anyNA(drawn))
  expect_lt(abs(mean(drawn$age) - sum(p$proportions * p$numeric$mean[, "age"])), 1)
  profile <- plot_data(fit)
  expect_s3_class(profile, "em_plot_profile")
  expect_true(all(profile$profile$prob >= 0 & profile$profile$prob <= 1))
  at <- profile$profile[profile$profile$variable == "age", ]
  expect_equal(at$prob * diff(range(x$age, na.rm = TRUE)) + min(x$age, na.rm = TRUE), unname(p$numeric$mean[, "age"]), tolerance = 1e-10)
  for (type in c("density", "cluster", "pairs", "counts", "uncertainty", "qq", "path")) {
    expect_s3_class(suppressWarnings(plot_data(fit, type = type)), paste0("em_plot_", type))
  }
  expect_identical(plot_data(fit, type = "counts", variable = "ftv")$variable, "ftv out of 6")
  # Rows are coloured by what all columns say of them.
  whole <- predict(fit)
  shown <- plot_data(fit, type = "cluster")$points
  expect_identical(shown$component, as.character(whole)[shown$row])
})

test_that("print and summary say what each column is", {
  fit <- once(births(), k = 2, family = by_hand)
  shown <- format(fit)
  expect_match(shown[1], "Mixed-data mixture: 2 components, 2 Gaussian (VVI), 2 categorical, 1 Bernoulli, 1 Poisson, 1 binomial", fixed = TRUE)
  more <- utils::capture.output(summary(fit))
  expect_true(all(c("Standard deviations:", "race:", "smoke:") %in% more))
  expect_match(format(em_mixed(counts = "a")), "a: Poisson")
  expect_match(format(fit$family), "age, lwt: Gaussian (VVI); race, smoke: categorical; ui: Bernoulli", fixed = TRUE)
})

# Every two features together: the iterations of the oracle, with what each adds to it.
mixed_features <- list(
  gaps = function(s) {
    numbers <- s$x[c("age", "lwt")]
    s$x <- with_gaps(s$x)
    s$x[c("age", "lwt")] <- numbers
    s
  },
  labels = function(s) {
    s$labels <- rep(NA_integer_, nrow(s$x))
    s$labels[c(3, 9, 50, 71)] <- c(1L, 2L, 2L, 1L)
    s
  },
  weights = function(s) replace(s, "weights", list(rep(c(0.5, 1, 0), 63))),
  fixed = function(s) replace(s, "fixed", list(list(counts = list(rate = c(NA, 0.05))))),
  equal = function(s) replace(s, "latent", list(em_mixture("equal")))
)

mixed_oracle <- function(s, n_iter) {
  w <- if (is.null(s$weights)) rep(1, nrow(s$x)) else s$weights
  blocks <- blocks_of_births(s$x)
  p <- oracle_start
  if (!is.null(s$latent)) p$proportions <- c(0.5, 0.5)
  if (!is.null(s$fixed)) p$blocks[[4]]$rate[2] <- 0.05
  known <- which(!is.na(s$labels))
  loglik <- numeric()
  repeat {
    joint <- reference_blocks_joint(blocks, p)
    joint[cbind(known, 3L - s$labels[known])] <- -Inf
    top <- apply(joint, 1, max)
    loglik <- c(loglik, sum(w * (top + log(rowSums(exp(joint - top))))))
    if (length(loglik) > n_iter) return(list(trace = loglik, parameters = p))
    r <- exp(joint - top)
    p <- reference_blocks_step(blocks, w * r / rowSums(r))
    if (!is.null(s$latent)) p$proportions <- c(0.5, 0.5)
    if (!is.null(s$fixed)) p$blocks[[4]]$rate[2] <- 0.05
  }
}

for (pair in utils::combn(names(mixed_features), 2, simplify = FALSE)) {
  test_that(sprintf("mixed columns with %s and %s: the oracle's iterations, then ascent", pair[1], pair[2]), {
    s <- list(x = births_of_oracle())
    for (name in pair) s <- mixed_features[[name]](s)
    start <- start_of_births
    if (!is.null(s$latent)) start$proportions <- NULL
    run <- function(n) {
      quietly(s$x, k = 2, family = em_mixed(counts = "ptl", ui ~ em_bernoulli()), start = start, weights = s$weights,
              labels = s$labels, fixed = s$fixed, latent = if (is.null(s$latent)) em_mixture() else s$latent,
              control = plain_steps(n))
    }
    fit <- run(6)
    oracle <- mixed_oracle(s, 6)
    expect_equal(fit$trace$loglik, oracle$trace, tolerance = 1e-12)
    expect_equal(unname(fit$parameters$counts$rate), drop(unname(oracle$parameters$blocks[[4]]$rate)), tolerance = 1e-9)
    trace <- run(60)$trace$loglik
    expect_gte(min(diff(trace)), -1e-10 * max(abs(trace)))
  })
}

# Log-likelihood of two columns, a number and a category, in plain R.
two_kinds_loglik <- function(p, h, f, w) {
  each <- vapply(1:2, function(k) {
    p$proportions[k] * ifelse(is.na(h), 1, dnorm(h, p$numeric$mean[k], p$numeric$sd[k])) *
      ifelse(is.na(f), 1, p$categorical$prob$f[k, f])
  }, h)
  sum(w * log(rowSums(each)))
}

test_that("a zero that a start put into a category is told where the likelihood would go elsewhere, and only there", {
  d <- withr_seed(5, data.frame(h = rnorm(240, c(0, 0, 3)), f = factor(c("a", "b", "b", "c")[1:240 %% 4 + 1])))
  d$h[7] <- NA
  d$f[9] <- NA
  w <- rep(c(1, 2), 120)
  start <- factor(ifelse(is.na(d$f) | d$f == "a", "A", "B"))
  told <- NULL
  fit <- withCallingHandlers(suppressMessages(em_fit(d, 2, family = em_mixed(), start = start, weights = w)), emfit_warning_frozen = function(e) {
    told <<- conditionMessage(e)
    invokeRestart("muffleWarning")
  })
  p <- fit$parameters
  zero <- which(p$categorical$prob$f == 0, arr.ind = TRUE)
  expect_gt(nrow(zero), 1L)
  # moved a little from zero, the others in proportion: does it climb?
  climbs <- apply(zero, 1, function(at) {
    moved <- p
    moved$categorical$prob$f[at[1], ] <- moved$categorical$prob$f[at[1], ] * (1 - 1e-7)
    moved$categorical$prob$f[at[1], at[2]] <- 1e-7
    two_kinds_loglik(moved, d$h, d$f, w) > two_kinds_loglik(p, d$h, d$f, w)
  })
  expect_true(any(climbs))
  first <- zero[climbs, , drop = FALSE][1, ]
  expect_match(told, sprintf("probability of \"%s\" of f in component %s at 0", colnames(p$categorical$prob$f)[first[2]], rownames(p$categorical$prob$f)[first[1]]))
  if (sum(climbs) > 1) expect_match(told, sprintf("%d probabilities are held so", sum(climbs)))
  # a zero that is a maximum is not told: level c lies apart
  apart <- data.frame(h = c(rnorm(50), 40 + rnorm(50)), f = factor(rep(c("a", "c"), each = 50)))
  expect_no_warning(suppressMessages(em_fit(apart, 2, family = em_mixed(), start = apart$f)), class = "emfit_warning_frozen")
  held <- list(categorical = list(prob = list(f = rbind(c(0, NA, NA), NA))))
  expect_no_warning(suppressMessages(em_fit(d, 2, family = em_mixed(), fixed = held)), class = "emfit_warning_frozen")
  binary <- transform(d[-(1:9), ], g = rep(c(TRUE, FALSE, FALSE), 77))
  expect_warning(suppressMessages(em_fit(binary[c("h", "g")], 2, family = em_mixed(g ~ em_bernoulli()), start = factor(binary$g))),
                 "of \"[01]\" of g", class = "emfit_warning_frozen")
})
