# em_impute(): conditional means and draws of what is missing.

test_that("means are those of the formula, averaged over the components", {
  x <- with_holes(law_matrix(80, 3, 11))
  x[4, ] <- NA
  fit <- withr_seed(1, em_fit(x, k = 2, na.action = na.pass))
  filled <- em_impute(fit)
  expect_length(filled, 1)
  filled <- as.matrix(filled[[1]])
  expect_identical(filled[!is.na(x)], x[!is.na(x)])
  r <- predict(fit, type = "prob")
  p <- fit$parameters
  oracle <- t(vapply(1:80, function(i) {
    Reduce(`+`, lapply(1:2, function(j) r[i, j] * missing_fill(unname(x[i, ]), p$mean[j, ], p$covariance[, , j])$x))
  }, numeric(3)))
  expect_equal(unname(filled), unname(oracle), tolerance = 1e-10)
  expect_equal(unname(filled[4, ]), unname(colSums(p$proportions * p$mean)), tolerance = 1e-10)
})

test_that("draws have the conditional mean and covariance, and follow set.seed()", {
  fit <- withr_seed(1, em_fit(with_holes(law_matrix(200, 2, 11)), k = 2, na.action = na.pass))
  new <- data.frame(id = "a", b = rep(NA_real_, 20000), a = 1)
  drawn <- withr_seed(2, em_impute(fit, new, m = 1, type = "draw", parameters = "estimate"))[[1]]
  expect_identical(drawn$a, new$a)
  expect_identical(names(drawn), names(new))
  p <- fit$parameters
  r <- predict(fit, new[1, ], type = "prob")[1, ]
  given <- lapply(1:2, function(j) missing_fill(c(1, NA), p$mean[j, ], p$covariance[, , j]))
  m <- vapply(given, function(g) g$x[2], 0)
  v <- vapply(given, function(g) g$extra[2, 2], 0)
  mean <- sum(r * m)
  sd <- sqrt(sum(r * (v + m^2)) - mean^2)
  expect_lt(abs(mean(drawn$b) - mean), 4 * sd / sqrt(20000))
  expect_lt(abs(sd(drawn$b) / sd - 1), 0.03)
  again <- withr_seed(2, em_impute(fit, new, m = 1, type = "draw", parameters = "estimate"))[[1]]
  expect_identical(again, drawn)
})

test_that("bootstrapped parameters make the data sets differ, one dimension works, other families don't", {
  x <- with_holes(law_matrix(100, 2, 11), 0.1)
  fit <- withr_seed(1, em_fit(x, k = 1, na.action = na.pass))
  sets <- withr_seed(3, em_impute(fit, m = 4, type = "draw"))
  expect_length(sets, 4)
  expect_false(any(vapply(sets, anyNA, NA)))
  expect_false(identical(sets[[1]], sets[[2]]))
  one <- c(a = 1, b = NA, c = 3, d = 2.5, e = 0)
  fit <- em_fit(one, k = 1, na.action = na.pass)
  expect_equal(em_impute(fit)[[1]], replace(one, 2, mean(one, na.rm = TRUE)))
  expect_error(em_impute(em_fit(coins[c("heads", "tails")], k = 1, family = "binomial")),
               class = "emfit_error_unsupported")
  expect_error(em_impute(fit, m = 0), class = "emfit_error_argument")
})

test_that("parameters are drawn about the estimates as vcov() says, and are possible ones", {
  x <- with_holes(law_matrix(200, 2, 11), 0.1) + 1e4
  for (structure in c("VVV", "EEV")) {
    fit <- em_fit(x, k = 2, em_gaussian(structure), na.action = na.pass, start = list(mean = rbind(c(0, 0), c(3, -1)) + 1e4,
                                                                                      covariance = diag(2)))
    drawn <- withr_seed(4, emfit:::parameters_about_estimate(fit, 3000))
    means <- t(vapply(drawn, function(p) as.vector(p$mean), numeric(4)))
    wanted <- vcov(fit)[names(coef(fit))[3:6], names(coef(fit))[3:6]]
    expect_equal(unname(cov(means)), unname(wanted), tolerance = 0.12)
    expect_within(colMeans(means), as.vector(fit$parameters$mean), 5 * max(sqrt(diag(wanted) / 3000)))
    expect_true(all(vapply(drawn, function(p) abs(sum(p$proportions) - 1) < 1e-12, NA)))
    spread <- vapply(drawn[1:50], function(p) apply(p$covariance, 3, function(s) eigen(s, symmetric = TRUE)$values), matrix(0, 2, 2))
    expect_true(all(spread > 0))
    if (structure == "EEV") expect_equal(spread[, 1, ], spread[, 2, ], tolerance = 1e-9)
  }
  sets <- withr_seed(4, em_impute(fit, m = 3, type = "draw", parameters = "vcov"))
  expect_false(any(vapply(sets, anyNA, NA)))
  expect_false(identical(sets[[1]], sets[[2]]))
})
