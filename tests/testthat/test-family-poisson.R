insurance <- function() {
  skip_if_not_installed("MASS")
  MASS::Insurance
}

rates <- withr_seed(21, {
  e <- runif(120, 0.5, 3) * (1:120 %% 15 > 0)
  data.frame(y = rpois(120, c(1, 6)[sample(2, 120, replace = TRUE)] * e), e = e)
})
rate_start <- list(proportions = c(0.5, 0.5), rate = c(6, 1))
run <- function(...) em_fit(..., start = rate_start, control = em_control(tol = 1e-12))

counts_with_holes <- withr_seed(22, {
  z <- sample(2, 150, replace = TRUE)
  x <- cbind(a = rpois(150, c(1, 6)[z]), b = rpois(150, c(7, 2)[z]))
  x[1:6, 1] <- NA
  x[5:12, 2] <- NA
  x
})
fit_holes <- function(...) {
  em_fit(counts_with_holes, family = "poisson", start = list(rate = cbind(c(1, 6), c(7, 2))), na.action = na.pass,
         control = em_control(tol = 1e-12), ...)
}

test_that("density, M-step and log-likelihood are those of the formulae", {
  fit <- run(rates$y, family = em_poisson(rates$e))
  rate <- fit$parameters$rate
  joint <- vapply(1:2, function(j) fit$parameters$proportions[[j]] * dpois(rates$y, rate[[j]] * rates$e), numeric(120))
  expect_equal(predict(fit, type = "density"), rowSums(joint), tolerance = 1e-12)
  expect_equal(unname(predict(fit, type = "prob")), joint / rowSums(joint), tolerance = 1e-12)
  r <- predict(fit, type = "prob")
  expect_equal(unname(rate), unname(colSums(r * rates$y) / colSums(r * rates$e)), tolerance = 1e-6)
  expect_equal(fit$loglik, sum(log(rowSums(joint))), tolerance = 1e-13)
  expect_identical(fit$df, 3L)
})

test_that("counts from 0 to 1e15 have the digits of dpois()", {
  y <- c(0, 1, 14, 15, 16, 17, 1e3, 1e6, 1e9, 1e12, 1e15)
  for (e in list(y + 1, y * 1.003 + 2, pmax(y, 1) * 3)) {
    fit <- em_fit(y, family = em_poisson(e), start = list(rate = 1), control = em_control(max_iter = 0))
    expect_within(predict(fit, type = "logdensity") / dpois(y, e, log = TRUE) - 1, rep(0, 11), 1e-12)
  }
  near <- 1e12 + c(-2e6, -1e6, 0, 1e6, 2e6)
  fit <- em_fit(near, family = em_poisson(), start = list(rate = 1e12), control = em_control(max_iter = 0))
  expect_equal(predict(fit, type = "logdensity"), dpois(near, 1e12, log = TRUE), tolerance = 1e-12)
})

test_that("large counts of components far apart are right, inside the loop and outside", {
  for (size in c(2e5, 1e9, 1e12)) {
    y <- round(c(size + (-10:10) * sqrt(size) / 10, 2 * size + (-10:10) * sqrt(size) / 8))
    fit <- em_fit(y, family = "poisson", start = list(rate = size * 1:2), control = em_control(tol = 0, max_iter = 3))
    rate <- fit$parameters$rate
    joint <- vapply(1:2, function(j) log(fit$parameters$proportions[[j]]) + dpois(y, rate[[j]], log = TRUE), numeric(42))
    expect_equal(predict(fit, type = "logdensity"), apply(joint, 1, max), tolerance = 1e-12)
    expect_equal(fit$trace$loglik[4], sum(apply(joint, 1, max)), tolerance = 1e-12)
  }
})

test_that("exposure by number, by column and by offset is the same, and a constant one only divides the rates", {
  base <- run(rates$y, family = em_poisson(rates$e))
  fits <- list(
    run(rates, family = em_poisson("e")), run(as.matrix(rates[2:1]), family = em_poisson("e")),
    run(y ~ 1, data = rates, family = em_poisson("e")), run(y ~ 1 + offset(log(e)), data = rates, family = "poisson"),
    run(~ y + offset(log(e)), data = rates, family = poisson()),
    run(y ~ offset(l), data = cbind(rates, l = log(rates$e)), family = stats::poisson)
  )
  for (fit in fits) expect_same_parameters(fit, base, 1e-12)
  expect_identical(fits[[4]]$data$names, c("y", "e"))
  expect_identical(fits[[6]]$data$names, c("y", "exp(l)"))
  one <- run(rates$y, family = "poisson")
  ten <- em_fit(rates$y, family = em_poisson(10), start = list(rate = c(0.6, 0.1)), control = em_control(tol = 1e-12))
  expect_equal(ten$loglik, one$loglik, tolerance = 1e-12)
  expect_equal(ten$parameters$rate * 10, one$parameters$rate, tolerance = 1e-7)
  expect_equal(run(rates$y, family = em_poisson(rep(1, 120)))$loglik, one$loglik, tolerance = 1e-13)
  many <- em_fit(rates$y, family = em_poisson(rates$e * 1e9), start = list(rate = c(6, 1) / 1e9),
                 control = em_control(tol = 1e-12))
  expect_equal(many$loglik, base$loglik, tolerance = 1e-11)
  expect_equal(many$parameters$rate * 1e9, base$parameters$rate, tolerance = 1e-7)
})

test_that("a row without exposure or count says nothing and keeps its place", {
  fit <- run(rates$y, family = em_poisson(rates$e))
  some <- rates$e > 0
  expect_identical(sum(!some), 8L)
  expect_equal(nobs(fit), 112)
  expect_same_parameters(run(rates$y[some], family = em_poisson(rates$e[some])), fit, 1e-12)
  expect_equal(unname(predict(fit, type = "prob")[!some, ]), matrix(fit$parameters$proportions, 8, 2, byrow = TRUE))
  expect_identical(predict(fit, type = "logdensity")[!some], rep(0, 8))
  expect_match(format(fit), "8 without exposure not counted", fixed = TRUE, all = FALSE)
  expect_identical(residuals(fit)[!some], rep(0, 8))
})

test_that("a missing count has the factor 1, and the others of its row are used", {
  fit <- fit_holes()
  blocks <- list(reference_block("poisson", counts_with_holes))
  says <- rowSums(!is.na(counts_with_holes)) > 0
  p <- list(proportions = c(0.5, 0.5), blocks = list(list(rate = cbind(c(1, 6), c(7, 2)))))
  oracle <- reference_blocks_em(blocks, p, as.numeric(says), 500)
  expect_equal(fit$loglik, oracle$loglik, tolerance = 1e-12)
  found <- order(fit$parameters$rate[, 1])
  expect_equal(unname(fit$parameters$rate[found, ]), unname(oracle$parameters$blocks[[1]]$rate), tolerance = 1e-6)
  expect_equal(nobs(fit), 148)
  r <- predict(fit, type = "prob")
  expect_equal(unname(r[5:6, ]), matrix(fit$parameters$proportions, 2, 2, byrow = TRUE))
  one <- em_fit(counts_with_holes, family = "poisson", start = fit, na.action = na.pass, control = em_control(max_iter = 0))
  expect_equal(em_estep(counts_with_holes, one)$responsibilities, r, tolerance = 1e-12)
  expect_equal(predict(fit, counts_with_holes[1:12, ], type = "prob"), r[1:12, ], tolerance = 1e-12)
  expect_identical(is.na(residuals(fit)), is.na(counts_with_holes))
  expect_false(anyNA(fitted(fit)[c(1:4, 7:12), ]))
  expect_identical(unname(is.na(as.matrix(simulate(fit, seed = 1)[[1]]))), unname(is.na(counts_with_holes)))
  expect_false(anyNA(simulate(fit, n = 500, seed = 1)[[1]]))
  expect_gt(mean(simulate(fit, n = 2000, seed = 1)[[1]]$a), 0.9 * mean(counts_with_holes[, 1], na.rm = TRUE))
  expect_message(em_fit(counts_with_holes, 1, "poisson"), "14 missing values in 12 of 150 rows (a 6, b 8)", fixed = TRUE)
  expect_match(format(fit), "10 with missing values, 2 with nothing observed not counted", fixed = TRUE, all = FALSE)
})

test_that("missing counts stand beside exposures, one for each row", {
  e <- rep(c(0.5, 1, 2), 50)
  fit <- em_fit(cbind(counts_with_holes, e = e), family = em_poisson("e"), na.action = na.pass,
                start = list(rate = cbind(c(1, 6), c(7, 2))), control = em_control(tol = 0, max_iter = 20))
  oracle <- reference_blocks_em(list(reference_block("poisson", counts_with_holes, exposure = e)),
                                list(proportions = c(0.5, 0.5), blocks = list(list(rate = cbind(c(1, 6), c(7, 2))))),
                                as.numeric(rowSums(!is.na(counts_with_holes)) > 0), 20)
  expect_equal(fit$loglik, oracle$loglik, tolerance = 1e-6)
  frame <- as.data.frame(augment(fit))
  expect_identical(frame$e[-(5:6)], e[-(5:6)])
  again <- update(fit, control = em_control(max_iter = 0), start = fit)
  expect_equal(again$loglik, fit$loglik, tolerance = 1e-12)
})

test_that("one column with missing counts does not count those rows", {
  y <- replace(rates$y, 3:5, NA)
  fit <- run(y, family = em_poisson(rates$e), na.action = na.pass)
  expect_equal(nobs(fit), 109)
  expect_same_parameters(run(y, family = em_poisson(rates$e), na.action = na.omit), fit, 1e-12)
  expect_match(format(fit), "3 with missing counts not counted, 8 without exposure not counted", fixed = TRUE, all = FALSE)
  expect_message(em_fit(y, 1, "poisson"), "missing counts in 3 of 120 rows", fixed = TRUE)
  expect_identical(is.na(residuals(fit)), is.na(y))
})

test_that("new rows bring exposures of their own, never the old ones by position", {
  by_name <- run(rates, family = em_poisson("e"))
  by_offset <- run(y ~ 1 + offset(log(e)), data = rates, family = "poisson")
  by_row <- run(rates$y, family = em_poisson(rates$e))
  new <- data.frame(e = c(1, 0.25, 9), y = c(2, 2, 30))
  expected <- t(vapply(1:3, function(i) {
    d <- by_row$parameters$proportions * dpois(new$y[i], by_row$parameters$rate * new$e[i])
    unname(d / sum(d))
  }, numeric(2)))
  for (found in list(predict(by_name, new, "prob"), predict(by_offset, new, "prob"),
                     predict(by_row, new$y, "prob", exposure = new$e), em_estep(new$y, by_row, exposure = new$e)$responsibilities,
                     em_estep(new, by_name)$responsibilities, em_estep(new, by_offset)$responsibilities,
                     as.matrix(augment(by_row, newdata = data.frame(y = new$y), exposure = new$e)[c(".prob.1", ".prob.2")]))) {
    expect_equal(unname(found), expected, tolerance = 1e-10)
  }
  expect_equal(unname(predict(by_row, new$y[1:2], "prob", exposure = 1)[1, ]), expected[1, ], tolerance = 1e-10)
  same <- data.frame(y = rates$y)
  expect_error(predict(by_row, rates$y), "exposure of the 120 new rows is not said", class = "emfit_error_newdata")
  expect_error(predict(by_offset, same), "lacks column \"e\"", class = "emfit_error_newdata", fixed = TRUE)
  expect_error(predict(by_name, same), "\"e\"", class = "emfit_error_newdata")
  expect_error(predict(by_offset, rates$y), "must be a data frame", class = "emfit_error_newdata")
  expect_error(predict(by_row, exposure = 2), "`exposure` has the exposure of `newdata`", class = "emfit_error_argument")
  expect_error(predict(by_offset, new, exposure = 2), "said twice", class = "emfit_error_argument")
  expect_error(predict(em_fit(faithful, 1), faithful, exposure = 2), "gaussian components have no exposure",
               class = "emfit_error_argument")
  expect_error(predict(by_row, 1, size = 2, exposure = 1), "poisson components have no trials", class = "emfit_error_argument")
  expect_identical(dim(predict(by_offset, rates[0, ], "prob")), c(0L, 2L))
})

test_that("a fit with an offset is updated, refitted, simulated and kept", {
  fit <- run(y ~ 1 + offset(log(e)), data = rates, family = "poisson")
  expect_identical(names(simulate(fit, seed = 1)[[1]]), c("y", "e"))
  expect_equal(simulate(fit, seed = 1)[[1]]$e, rates$e, tolerance = 1e-14)
  half <- update(fit, . ~ 1 + offset(log(2 * e)), start = list(rate = c(3, 0.5)))
  expect_equal(half$parameters$rate * 2, fit$parameters$rate, tolerance = 1e-6)
  plain <- update(fit, y ~ 1)
  expect_equal(plain$loglik, run(rates$y, family = "poisson")$loglik, tolerance = 1e-10)
  expect_null(plain$family$exposure)
  some <- update(fit, data = rates[1:60, ])
  expect_equal(some$loglik, run(rates$y[1:60], family = em_poisson(rates$e[1:60]))$loglik, tolerance = 1e-12)
  part <- update(run(rates$y, family = em_poisson(rates$e)), subset = 1:60)
  expect_equal(part$loglik, some$loglik, tolerance = 1e-12)
  file <- tempfile()
  on.exit(unlink(file))
  saveRDS(fit, file)
  expect_identical(predict(readRDS(file), rates[4:9, ], "prob"), predict(fit, rates[4:9, ], "prob"))
})

test_that("errors name the row, the number and the way out", {
  bad <- function(..., class) expect_error(em_fit(..., k = 1), class = paste0("emfit_error_", class))
  e <- bad(c(3, 1), family = em_poisson(c(0, 1)), class = "exposure")
  expect_match(conditionMessage(e), "can't be 0 where there are counts.*Row 1 has exposure 0 and 3 counts.*mend")
  expect_match(conditionMessage(bad(c(3, 1, 2), family = em_poisson(c(1, -2, -1)), class = "exposure")),
               "must not be negative.*Row 2 has exposure -2.*2 rows are affected")
  expect_match(conditionMessage(bad(c(3, 1), family = em_poisson(c(NA, 1)), class = "exposure")), "must be known where there is")
  expect_match(conditionMessage(bad(c(3, 1), family = em_poisson(c(Inf, 1)), class = "exposure")), "must be finite")
  expect_match(conditionMessage(bad(c(0, 0), family = em_poisson(c(0, 0)), class = "exposure")), "no exposure in any row")
  expect_match(conditionMessage(bad(c(3, 1, 2), family = em_poisson(c(1, 2)), class = "argument")), "one for each row: 3, not 2")
  expect_match(conditionMessage(bad(y ~ 1 + offset(log(e)), data = rates, family = em_poisson("e"), class = "argument")),
               "said twice")
  expect_match(conditionMessage(bad(y ~ 1 + offset(log(e)), data = rates, class = "unsupported")), "an offset")
  expect_match(conditionMessage(bad(y ~ 1 + offset(e) + offset(y), data = rates, family = "poisson", class = "unsupported")),
               "more than one offset")
  expect_match(conditionMessage(bad(c(3, -1), family = "poisson", class = "counts")), "The counts of `x` must not be negative.*Row 2 has -1")
  expect_match(conditionMessage(bad(cbind(a = 1:2, b = c(1, 0.5)), family = "poisson", class = "counts")),
               "whole numbers.*Row 2 has 0.5 in column \"b\".*`exposure`")
  expect_match(conditionMessage(bad(c(3, 2^60), family = "poisson", class = "counts")), "beyond 2\\^53")
  expect_match(conditionMessage(bad(rates, family = em_poisson("f"), class = "input")), "lacks the column \"f\"")
  expect_error(em_poisson("") , "name of a column", class = "emfit_error_argument")
  expect_error(em_poisson(TRUE), "not TRUE", class = "emfit_error_argument")
  expect_error(em_fit(c(1, 1, 1), 2, "poisson"), "2 components to 3 rows (1 distinct)", class = "emfit_error_input", fixed = TRUE)
  expect_warning(expect_warning(em_fit(c(0, 0, 0), 2, em_poisson(1:3)), "No count is above 0",
                                class = "emfit_warning_unidentified"), class = "emfit_warning_coincide")
  expect_error(em_fit(rates$y, 2, "poisson", start = list(rate = c(-1, 2))), "0 or more", class = "emfit_error_start")
  expect_error(em_fit(rates$y, 2, "poisson", fixed = list(rate = c(NA, -2))), "0 or more", class = "emfit_error_fixed")
  expect_error(em_fit(rates$y, 2, poisson("identity")), "has the link \"identity\"", class = "emfit_error_unsupported")
  expect_error(predict(em_fit(rates$y, 1, "poisson"), cbind(1, 2)), "1 column of counts, not 2", class = "emfit_error_newdata")
})

test_that("a rate held at 0 takes zeros alone, and has no standard error", {
  y <- c(rep(0, 40), withr_seed(3, rpois(100, 3)))
  fit <- em_fit(y, 2, "poisson", fixed = list(rate = c(0, NA)))
  expect_identical(fit$parameters$rate[["1"]], 0)
  expect_identical(fit$df, 2L)
  expect_true(all(predict(fit, type = "prob")[y > 0, 1] == 0))
  # The truncated mean tells the rate, the zeros then the proportion.
  lambda <- fit$parameters$rate[["2"]]
  expect_equal(lambda / (1 - exp(-lambda)), mean(y[y > 0]), tolerance = 1e-5)
  free <- em_fit(y, family = "poisson", start = list(proportions = c(0.3, 0.7), rate = c(0, 3)))
  expect_identical(free$parameters$rate[["1"]], 0)
  expect_identical(free$df, 3L)
  expect_warning(errors <- vcov(free), "rate[1]: at the boundary", class = "emfit_warning_standard_error", fixed = TRUE)
  expect_true(is.na(errors["rate[1]", "rate[1]"]) && errors["rate[2]", "rate[2]"] > 0)
})

test_that("standard errors are those of the log scale", {
  fit <- em_fit(rates$y, 1, em_poisson(rates$e))
  total <- sum(rates$y)
  expect_equal(vcov(fit)["rate[1]", "rate[1]"], (fit$parameters$rate[[1]]^2) / total, tolerance = 1e-6, ignore_attr = TRUE)
  limits <- confint(fit)["rate[1]", ]
  expect_equal(unname(log(limits)), log(total / sum(rates$e)) + c(-1, 1) * qnorm(0.975) / sqrt(total), tolerance = 1e-6)
  two <- run(rates$y, family = em_poisson(rates$e))
  loglik <- function(q) {
    p <- plogis(q[1])
    sum(log(p * dpois(rates$y, exp(q[2]) * rates$e) + (1 - p) * dpois(rates$y, exp(q[3]) * rates$e)))
  }
  at <- c(qlogis(two$parameters$proportions[[1]]), log(two$parameters$rate))
  covariance <- solve(-stats::optimHess(at, loglik, control = list(ndeps = rep(1e-4, 3))))
  expect_equal(sqrt(diag(vcov(two)))[3:4], sqrt(diag(covariance))[2:3] * two$parameters$rate, tolerance = 1e-4,
               ignore_attr = TRUE)
})

test_that("a gamma prior adds counts and exposure, and is no other family's", {
  fit <- em_fit(rates$y, 1, em_poisson(rates$e, em_prior(shape = 3, rate = 4)))
  expect_equal(fit$parameters$rate[[1]], (sum(rates$y) + 2) / (sum(rates$e) + 4), tolerance = 1e-12)
  expect_equal(fit$loglik, sum(dpois(rates$y, fit$parameters$rate[[1]] * rates$e, log = TRUE)), tolerance = 1e-12)
  expect_equal(fit$objective - fit$loglik, 2 * log(fit$parameters$rate[[1]]) - 4 * fit$parameters$rate[[1]], tolerance = 1e-10)
  two <- run(rates$y, family = em_poisson(rates$e, em_prior(shape = 2, rate = 1)))
  expect_true(all(diff(two$trace$loglik) > -1e-9))
  expect_identical(format(em_prior(shape = 2)), "Prior on rates: shape 2; rate 0")
  expect_error(em_gaussian(prior = em_prior(shape = 2)), "one on Gaussian components, with mean", class = "emfit_error_argument")
  expect_error(em_poisson(prior = em_prior()), "one on Poisson components, with shape, rate", class = "emfit_error_argument")
  expect_error(em_poisson(prior = 2), "`prior` must be a call", class = "emfit_error_argument")
  expect_error(em_prior(shape = 0.5), "1 or more, not 0.5", class = "emfit_error_argument")
  expect_error(em_prior(shape = 2, kappa = 1), "can't stand beside", class = "emfit_error_argument")
  expect_error(em_prior(rate = -1), "`rate`", class = "emfit_error_argument")
})

test_that("equal rows of counts and exposure are one row", {
  y <- rep(c(0, 1, 1, 2, 5, 9, 0), 40)
  e <- rep(c(0.5, 1, 2, 1, 1, 2, 0), 40)
  data <- em_data(y, em_poisson(e))
  model <- list(family = family_check(em_poisson(e), data, 2L), latent = em_mixture(), k = 2L)
  small <- tallied(data, model)
  expect_identical(dim(small$x), c(7L, 2L))
  expect_identical(small$weights, rep(c(40, 0), c(6, 1)))
  x <- withr_seed(5, matrix(sample(c(0, 1, 0.25, 1e9, -3.5), 9000, replace = TRUE), 3000))
  tally <- em_describe_cpp(x, "tally", NULL)
  key <- apply(x, 1, paste, collapse = " ")
  expect_identical(tally$x, unique(x))
  expect_identical(tally$weights, as.vector(table(factor(key, unique(key)))) + 0)
})

test_that("the rates are those of flexmix", {
  peers <- read.csv(test_path("fixtures", "peers_flexmix.csv"))
  insurance <- insurance()
  ships <- MASS::ships
  fits <- list(
    Insurance = em_fit(Claims ~ 1 + offset(log(Holders)), data = insurance, k = 2, family = "poisson"),
    ships = em_fit(incidents ~ 1 + offset(log(service)), data = ships, k = 3, family = "poisson"),
    Claims = em_fit(insurance$Claims, k = 3, family = "poisson")
  )
  for (name in names(fits)) {
    own <- peers[peers$data == name, ]
    expect_gt(fits[[name]]$loglik, own$loglik[1] - 1e-5)
    expect_equal(fits[[name]]$loglik, own$loglik[1], tolerance = 1e-7)
    expect_equal(sort(unname(fits[[name]]$parameters$rate)), sort(as.numeric(own$parameters)), tolerance = 1e-2)
  }
})

test_that("selection, test, bootstrap, labels, weights and held proportions know rates", {
  set.seed(1)
  both <- em_select(rates$y, k = 1:3, family = em_poisson(rates$e))
  expect_identical(best(both)$k, 2L)
  folded <- em_select(y ~ 1 + offset(log(e)), data = rates, k = 1:2, family = "poisson", criterion = "CV")
  expect_true(all(is.finite(as.data.frame(folded)$CV)))
  fit <- best(both)
  expect_s3_class(em_lrt(update(fit, k = 1), n_boot = 9), "htest")
  for (type in c("nonparametric", "parametric", "weighted")) {
    expect_true(all(is.finite(vcov(em_bootstrap(fit, 8, type = type)))))
  }
  expect_true(all(is.finite(vcov(suppressWarnings(em_bootstrap(fit_holes(), 8, type = "parametric"))))))
  weighted <- run(rates$y, family = em_poisson(rates$e), weights = rep(1:3, 40))
  rows <- rep(1:120, rep(1:3, 40))
  expect_same_parameters(weighted, run(rates$y[rows], family = em_poisson(rates$e[rows])), 1e-8)
  labels <- replace(rep(NA_character_, 120), 1:4, c("low", "high", "low", "high"))
  known <- em_fit(rates$y, 2, em_poisson(rates$e), labels = labels)
  expect_identical(as.character(predict(known)[1:4]), labels[1:4])
  equal <- em_fit(rates$y, 2, em_poisson(rates$e), latent = em_mixture("equal"))
  expect_identical(unname(equal$parameters$proportions), c(0.5, 0.5))
  expect_identical(equal$df, 2L)
})

test_that("print, tidy, glance and the family object speak of rates", {
  fit <- run(y ~ 1 + offset(log(e)), data = rates, family = "poisson")
  shown <- format(fit)
  expect_match(shown[1], "Poisson mixture: 2 components, rates for a unit of exposure", fixed = TRUE)
  expect_match(shown[2], sprintf("%d counts in %s of exposure", sum(rates$y), format(sum(rates$e), digits = 7)), fixed = TRUE)
  expect_match(shown[4], "rate", fixed = TRUE)
  expect_identical(tidy(fit)$rate, unname(fit$parameters$rate))
  expect_identical(glance(fit)$family, "poisson")
  expect_identical(names(tidy(fit_holes()))[4:5], c("rate.a", "rate.b"))
  expect_identical(format(em_poisson()), "Poisson components")
  expect_identical(format(em_poisson("e")), "Poisson components, exposure in \"e\"")
  expect_identical(format(em_poisson(2)), "Poisson components of exposure 2")
  expect_identical(format(em_poisson(1:2, em_prior(shape = 2))), "Poisson components, rates for a unit of exposure, with a prior")
})

test_that("pictures have the numbers of the fit", {
  plain <- em_fit(rates$y, family = "poisson", start = rate_start)
  data <- plot_data(plain)
  expect_identical(data$type, "counts")
  expect_identical(data$bars$observed, as.numeric(table(factor(rates$y, 0:max(rates$y)))))
  p <- plain$parameters
  mixture <- 120 * drop(outer(data$bars$at, p$rate, dpois) %*% p$proportions)
  expect_equal(data$curves$expected[is.na(data$curves$component)], mixture, tolerance = 1e-10)
  fit <- run(rates$y, family = em_poisson(rates$e))
  by_rate <- plot_data(fit, "counts", bins = 10)
  expect_identical(sum(by_rate$bars$observed), 112)
  whole <- by_rate$curves[is.na(by_rate$curves$component), ]
  upper <- by_rate$bars$to[3]
  e <- rates$e[rates$e > 0]
  expected <- sum(vapply(1:2, function(j) {
    sum(fit$parameters$proportions[[j]] * ppois(floor(upper * e), fit$parameters$rate[[j]] * e))
  }, 0))
  expect_equal(sum(whole$expected[1:3]), expected, tolerance = 1e-10)
  qq <- plot_data(fit, "qq")
  expect_identical(nrow(qq$points), 112L)
  expect_lt(abs(mean(qq$points$residual)), 0.2)
  two <- fit_holes()
  expect_identical(nrow(plot_data(two, "uncertainty")$points), 138L)
  expect_identical(plot_data(two, "path", variables = "b")$axis, "rate of b")
  expect_identical(sum(plot_data(two, "counts", variable = "b")$bars$observed), 142)
  expect_error(plot(two, "responsibility"), class = "emfit_error_unsupported")
  expect_error(plot(fit, "surface"), "no plot of type \"surface\" for poisson components", class = "emfit_error_unsupported")
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  for (type in c("counts", "responsibility", "uncertainty", "qq", "path", "trace")) {
    expect_no_error(plot(fit, type = type))
    if (requireNamespace("ggplot2", quietly = TRUE)) expect_no_error(print(ggplot2::autoplot(plain, type = type)))
  }
})
