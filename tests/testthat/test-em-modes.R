# em_modes() and em_hdr(): known shapes, exact levels, and what is simulated beside what is exact.

test_that("peaks of one column are where the slope is 0, to the last bits", {
  fit <- line_fit(c(0.4, 0.6), c(0, 3), c(1, 0.5))
  p <- fit$parameters
  slope <- function(x) sum(p$proportions * dnorm(x, p$mean, p$sd) * (p$mean - x) / p$sd^2)
  found <- em_modes(fit)
  expect_identical(nrow(found), 2L)
  expect_within(vapply(found[[1]], slope, 0), c(0, 0), 1e-15)
  expect_true(found$density[1] > found$density[2])
  expect_identical(em_modes(line_fit(c(0.5, 0.5), c(-1, 1), c(1, 1)))[[1]], 0) # flat, but one
  expect_identical(sign(sort(em_modes(line_fit(c(0.5, 0.5), c(-1, 1), c(0.99, 0.99)))[[1]])), c(-1, 1))
  needle <- em_modes(line_fit(c(1e-9, 1 - 1e-9), c(0.3, 0), c(1e-12, 1)))
  expect_equal(needle[[1]], c(0.3, 0), tolerance = 1e-10)
  expect_identical(nrow(em_modes(line_fit(c(0.5, 0.5), c(0, 1e8), c(1, 1)))), 2L)
})

test_that("three components can have four peaks", {
  four <- em_modes(triangle_fit(0.41))
  expect_identical(nrow(four), 4L)
  expect_within(min(abs(four[[1]] - 0.5) + abs(four[[2]] - sqrt(3) / 6)), 0, 1e-10)
  expect_identical(nrow(em_modes(triangle_fit(0.43))), 1L)
  expect_identical(nrow(em_modes(triangle_fit(0.2))), 3L)
  f <- triangle_fit(0.41)
  around <- function(x) predict(f, rbind(x, x + c(1e-3, 0), x - c(1e-3, 0), x + c(0, 1e-3), x - c(0, 1e-3)), type = "density")
  for (i in 1:4) expect_identical(which.max(unname(around(unlist(four[i, 1:2])))), 1L)
  apart <- em_modes(em_fit(faithful, k = 2))
  expect_within(apart$eruptions, c(4.2897, 2.0364), 1e-3)
})

test_that("peaks of counts and levels", {
  y <- rep(0:15, c(5, 9, 8, 6, 3, 2, 3, 5, 9, 10, 9, 8, 4, 3, 1, 1))
  fit <- em_fit(y, k = 2, family = "poisson")
  mass <- diff(c(0, em_cdf(fit, 0:30)))
  peaks <- which(diff(sign(diff(c(-1, mass)))) < 0) - 1
  expect_setequal(em_modes(fit)$count, peaks)
  votes <- em_fit(interview, k = 2, family = "categorical", control = em_control(n_start = 2))
  expect_identical(as.character(em_modes(votes, "purpose")$purpose), names(which.max(table(interview$purpose))))
  expect_error(em_modes(votes), "known of normal components only", class = "emfit_error_unsupported")
})

test_that("a region of one column holds what was asked, above one level", {
  fit <- line_fit(c(0.3, 0.5, 0.2), c(-4, 0, 6), c(1, 0.7, 2))
  for (prob in c(0.01, 0.5, 0.9, 0.999999)) {
    found <- em_hdr(fit, prob)
    ends <- unlist(found$regions[c("lower", "upper")])
    expect_equal(unname(predict(fit, unname(ends), type = "density")), rep(found$levels$level, length(ends)), tolerance = 1e-8)
    expect_equal(sum(em_cdf(fit, found$regions$upper) - em_cdf(fit, found$regions$lower)), prob, tolerance = 1e-10)
    expect_equal(found$levels$content, prob, tolerance = 1e-10)
    expect_equal(sum(found$regions$content), prob, tolerance = 1e-10)
  }
  one <- em_hdr(line_fit(1, 10, 3), 0.95)$regions
  expect_equal(c(one$lower, one$upper), 10 + 3 * qnorm(c(0.025, 0.975)), tolerance = 1e-10)
  tiny <- em_hdr(line_fit(c(0.4, 0.6), c(1, 1 + 1e-7), c(1e-9, 2e-9)), 0.9)$regions
  expect_identical(nrow(tiny), 2L)
})

test_that("simulated and exact levels agree", {
  mean <- c(1, 2)
  covariance <- matrix(c(2, 0.5, 0.5, 1), 2)
  one <- scored(rbind(mean, mean + 1, mean - 1, c(0, 3)), proportions = 1, mean = t(mean), covariance = array(covariance, c(2, 2, 1)))
  exact <- em_hdr(one, c(0.5, 0.9))$levels
  expect_equal(exact$level, exp(-qchisq(c(0.5, 0.9), 2) / 2) / (2 * pi * sqrt(det(covariance))), tolerance = 1e-12)
  twice <- suppressWarnings(scored(rbind(mean, mean + 1, mean - 1, c(0, 3)), proportions = c(0.5, 0.5), mean = unname(rbind(mean, mean)), covariance = array(covariance, c(2, 2, 2))))
  drawn <- em_hdr(twice, c(0.5, 0.9), n = 5000, seed = 1)$levels
  expect_true(all(abs(drawn$level - exact$level) < 4 * drawn$std.error))
  expect_identical(em_hdr(twice, 0.5, n = 500, seed = 2), em_hdr(twice, 0.5, n = 500, seed = 2))
})

test_that("regions of counts are the smallest sets, noise may be a plateau", {
  y <- rep(0:15, c(5, 9, 8, 6, 3, 2, 3, 5, 9, 10, 9, 8, 4, 3, 1, 1))
  fit <- em_fit(y, k = 2, family = "poisson")
  found <- em_hdr(fit, 0.5)
  mass <- diff(c(0, em_cdf(fit, 0:60)))
  expect_equal(found$levels$content, sum(mass[found$regions$value + 1]), tolerance = 1e-12)
  expect_lt(found$levels$content - min(found$regions$density), 0.5)
  expect_gte(min(found$regions$density), max(mass[-(found$regions$value + 1)]))
  noise <- em_fit(c(faithful$waiting, 5, 150, 190), k = 2, latent = em_mixture(noise = TRUE))
  held <- em_hdr(noise, 0.9)
  expect_equal(held$levels$content, 0.9, tolerance = 1e-9)
  expect_error(em_hdr(fit, 90), "Per cent\\? prob = 0.9", class = "emfit_error_argument")
  expect_error(em_hdr(fit, 1), "above 0 and below 1", class = "emfit_error_argument")
})
