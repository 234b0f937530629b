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
  heavy <- suppressWarnings(em_fit(faithful, k = 1, family = "t"))
  expect_error(em_modes(heavy), "known of normal components only", class = "emfit_error_unsupported")
})

test_that("gamma and t components peak where their own densities do, also at 0", {
  x <- withr_seed(2, c(rgamma(150, 4, 2), rgamma(150, 30, 2)))
  grid <- seq(0.01, 25, by = 0.001)
  tops <- function(fit) {
    f <- predict(em_marginal(fit), data.frame(grid))
    grid[which(diff(sign(diff(f))) < 0) + 1]
  }
  fit <- em_fit(x, k = 2, family = "gamma")
  expect_within(sort(em_modes(fit)[[1]]), tops(fit), 2e-3)
  shape <- fit$parameters$shape
  expect_true(all(abs(sort(em_modes(fit)[[1]]) - sort(fit$parameters$mean)) > 0.1)) # not at the means
  heavy <- suppressWarnings(em_fit(withr_seed(3, c(rt(200, 3), 12 + 2 * rt(200, 3))), k = 2, family = "t"))
  expect_within(sort(em_modes(heavy)[[1]])[2], tops(heavy)[length(tops(heavy))], 2e-3)
  region <- em_hdr(fit, 0.8)
  ends <- as.matrix(region$regions[c("lower", "upper")])
  expect_equal(sum(em_cdf(fit, ends[, 2]) - em_cdf(fit, ends[, 1])), 0.8, tolerance = 1e-9)
  expect_equal(as.vector(predict(em_marginal(fit), data.frame(as.vector(ends)))), rep(region$levels$level, length(ends)), tolerance = 1e-8)
  falling <- scored(c(0.2, 1, 3, 20, 25), mean = c(1, 22), shape = c(0.5, 40), proportions = c(0.5, 0.5), family = em_gamma())
  expect_identical(em_modes(falling)[[1]][1], 0)
  expect_identical(em_modes(falling)$density[1], Inf)
  expect_identical(nrow(em_modes(falling)), 2L)
  low <- em_hdr(falling, 0.7)$regions
  expect_within(low$lower[1], 0, 1e-12)
  expect_equal(sum(em_cdf(falling, low$upper) - em_cdf(falling, low$lower)), 0.7, tolerance = 1e-8)
  even <- scored(c(0.2, 1, 3), mean = 1, shape = 1, family = em_gamma())
  expect_equal(em_modes(even), data.frame(x = 0, density = 1), tolerance = 1e-12)
})

# Every cell, in plain R: none that differs in one column by one step is higher.
cells_by_hand <- function(p, ordered) {
  at <- which(p > -1, arr.ind = TRUE)
  top <- apply(at, 1, function(i) {
    beside <- unlist(lapply(seq_along(dim(p)), function(j) {
      to <- setdiff(if (ordered[j]) i[j] + c(-1, 1) else seq_len(dim(p)[j]), i[j])
      to <- to[to >= 1 & to <= dim(p)[j]]
      vapply(to, function(t) p[rbind(replace(i, j, t))], 0)
    }))
    all(p[rbind(i)] > beside)
  })
  at[top, , drop = FALSE]
}

test_that("peaks and regions of tables of categories and counts are those of every cell", {
  votes <- withr_seed(1, em_fit(interview, k = 3, family = "categorical", control = em_control(n_start = 5)))
  cells <- expand.grid(lapply(votes$data$items, seq_along))
  p <- array(predict(votes, as.data.frame(Map(function(levels, code) levels[code], votes$data$items, cells)), type = "density"), lengths(votes$data$items))
  by_hand <- cells_by_hand(p, rep(FALSE, 4))
  found <- em_modes(votes)
  expect_setequal(found$density, p[by_hand])
  expect_s3_class(found$purpose, "factor")
  region <- em_hdr(votes, c(0.5, 0.9))
  sizes <- vapply(c(0.5, 0.9), function(content) which(cumsum(sort(p, decreasing = TRUE)) >= content)[1], 1L)
  expect_identical(as.vector(table(region$regions$prob)), sizes)
  expect_equal(region$levels$content, cumsum(sort(p, decreasing = TRUE))[sizes], tolerance = 1e-10)
  counts <- withr_seed(2, em_fit(cbind(a = rpois(300, c(1, 8)), b = rpois(300, c(9, 2))), k = 2, family = "poisson"))
  rate <- counts$parameters$rate
  p <- Reduce(`+`, lapply(1:2, function(j) counts$parameters$proportions[j] * outer(dpois(0:40, rate[j, 1]), dpois(0:40, rate[j, 2]))))
  by_hand <- cells_by_hand(p, c(TRUE, TRUE)) - 1
  expect_identical(nrow(by_hand), 2L)
  expect_setequal(paste(em_modes(counts)$a, em_modes(counts)$b), paste(by_hand[, 1], by_hand[, 2]))
  totals <- withr_seed(1, em_fit(t(cbind(rmultinom(50, 12, c(2, 3, 5)), rmultinom(50, 12, c(6, 3, 1)))), k = 2, family = "multinomial"))
  expect_error(em_modes(totals), "none of them changes alone", class = "emfit_error_unsupported")
  wide <- as.data.frame(lapply(1:17, function(j) rep(0:1, length.out = 60)[order((1:60 * j) %% 61)]), col.names = paste0("v", 1:17))
  expect_error(em_modes(em_fit(wide, k = 1, family = "bernoulli")), "at most 50000 cells", class = "emfit_error_unsupported")
})

test_that("beside numbers a peak is one in the numbers that no cell beside rises above", {
  d <- withr_seed(4, {
    z <- rep(1:2, 150)
    data.frame(f = factor(ifelse(runif(300) < 0.8, c("a", "b")[z], "c")), h = rnorm(300, c(0, 4)[z]), w = rnorm(300, c(0, -2)[z]))
  })
  fit <- withr_seed(1, suppressMessages(em_fit(d, 2, family = em_mixed())))
  found <- em_modes(fit, c("f", "h"))
  expect_identical(sort(as.character(found$f)), c("a", "b"))
  p <- fit$parameters
  at <- function(f, h) sum(p$proportions * p$categorical$prob$f[, f] * dnorm(h, p$numeric$mean[, "h"], sqrt(p$numeric$covariance["h", "h", ])))
  for (i in 1:2) {
    here <- at(as.character(found$f[i]), found$h[i])
    expect_equal(found$density[i], here, tolerance = 1e-10)
    for (h in found$h[i] + c(-1e-4, 1e-4)) expect_lt(at(as.character(found$f[i]), h), here)
    for (f in c("a", "b", "c")) expect_lte(at(f, found$h[i]), here)
  }
  whole <- em_modes(fit)
  expect_identical(sort(as.character(whole$f)), c("a", "b"))
  expect_identical(names(whole), c("h", "w", "f", "density"))
  level <- em_hdr(fit, 0.9, seed = 1)
  drawn <- simulate(em_marginal(fit), 5e4, seed = 2)
  expect_within(mean(predict(em_marginal(fit), drawn) >= level$levels$level), 0.9, 0.008)
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
