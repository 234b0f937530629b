# em_merge() against plain R, mclust's clustCombi and shapes that are known; em_relabel(); em_directions(); their pictures.

three <- function() withr_seed(1, em_fit(faithful, k = 3, family = em_gaussian("EEE")))

# Baudry et al. (2010): the pair of the largest drop, in plain R.
entropy_by_hand <- function(r, w = rep(1, nrow(r))) {
  h <- function(x) ifelse(x > 0, x * log(x), 0)
  out <- -sum(w * h(r))
  while (ncol(r) > 1L) {
    pairs <- combn(ncol(r), 2)
    gain <- apply(pairs, 2, function(p) sum(w * (h(rowSums(r[, p])) - h(r[, p[1]]) - h(r[, p[2]]))))
    p <- pairs[, which.max(gain)]
    r[, p[1]] <- rowSums(r[, p])
    r <- r[, -p[2], drop = FALSE]
    out <- c(out, -sum(w * h(r)))
  }
  out
}

test_that("the path of entropy is that of plain R, with weights and of every family", {
  fit <- three()
  m <- em_merge(fit)
  expect_within(m$path$entropy, entropy_by_hand(predict(fit, type = "prob")), 1e-12)
  expect_identical(m$path$joined, c("", "1 and 3", "1+3 and 2"))
  expect_equal(m$path$value[-1], -diff(m$path$entropy), tolerance = 1e-10)
  w <- rep(c(1, 3), 136)
  heavy <- withr_seed(1, em_fit(faithful, k = 3, weights = w, control = em_control(n_start = 3)))
  expect_within(em_merge(heavy)$path$entropy, entropy_by_hand(predict(heavy, type = "prob"), w), 1e-9)
  pairs <- suppressWarnings(em_fit(c(0.4, 0.5, 0.6, 20.5, -1, 2, 19, 22), k = 4, weights = c(1, 1, 1, 10, 1, 1, 1, 1), control = em_control(max_iter = 0),
                                   start = list(mean = c(0, 1, 20, 21), sd = rep(1, 4))))
  expect_identical(em_merge(pairs)$path$joined[2], "3 and 4") # three rows of weight 1 against one of 10
  rates <- withr_seed(1, em_fit(rpois(200, c(1, 5, 20)), k = 3, family = "poisson"))
  expect_within(em_merge(rates)$path$entropy, entropy_by_hand(predict(rates, type = "prob")), 1e-10)
})

test_that("clustCombi takes the same path", {
  skip_if_not_installed("mclust")
  suppressPackageStartupMessages(library("mclust", warn.conflicts = FALSE))
  on.exit(detach("package:mclust"))
  for (x in list(as.matrix(faithful), as.matrix(iris[1:4]))) {
    theirs <- Mclust(x, G = 4, modelNames = "EEE", verbose = FALSE)
    p <- theirs$parameters
    fit <- suppressWarnings(em_fit(x, k = 4, family = em_gaussian("EEE"), control = em_control(max_iter = 0),
                                   start = list(proportions = p$pro, mean = unname(t(p$mean)), covariance = unname(p$variance$sigma))))
    m <- em_merge(fit)
    # their responsibilities are from before the last M-step
    theirs$z <- z <- unname(predict(fit, type = "prob"))
    theirs$classification <- max.col(z, "first")
    combined <- clustCombi(theirs)
    expected <- vapply(4:1, function(k) {
      z <<- z %*% t(combined$combiM[[k]])
      -sum(ifelse(z > 0, z * log(z), 0))
    }, 0)
    expect_within(m$path$entropy, expected, 1e-10)
    for (k in 2:3) expect_identical(adjustedRandIndex(predict(m, k = k), combined$classification[[k]]), 1)
  }
})

test_that("values of the other methods are those of their formulas", {
  fit <- three()
  p <- fit$parameters
  s <- p$covariance[, , 1]
  distance <- function(i, j) exp(-mahalanobis(p$mean[i, ], p$mean[j, ], s) / 8)
  expect_equal(em_merge(fit, "bhattacharyya")$path$value[2], max(distance(1, 2), distance(1, 3), distance(2, 3)), tolerance = 1e-12)
  r <- predict(fit, type = "prob")
  class <- predict(fit)
  q <- outer(1:3, 1:3, Vectorize(function(i, j) sum(r[class == i, j]) / sum(r[, j])))
  expect_equal(em_merge(fit, "demp")$path$value[2], max(q[row(q) != col(q)]), tolerance = 1e-12)
  # equal and spherical: the ridge is a straight line, so the ratio is that of a mixture along it
  two <- scored(rbind(diag(2), -diag(2), c(3, 3)), proportions = c(0.5, 0.5), mean = rbind(c(0, 0), c(3, 0)), covariance = array(diag(2), c(2, 2, 2)))
  f <- function(x) dnorm(x) + dnorm(x - 3)
  top <- optimize(f, c(0, 1), maximum = TRUE, tol = 1e-12)$objective
  expect_equal(em_merge(two, "ridgeline")$path$value[2], f(1.5) / top, tolerance = 1e-10)
  near <- scored(rbind(diag(2), -diag(2), c(3, 3)), proportions = c(0.5, 0.5), mean = rbind(c(0, 0), c(1.9, 0)), covariance = array(diag(2), c(2, 2, 2)))
  expect_identical(em_merge(near, "ridgeline")$path$value[2], 1)
  for (method in c("demp", "bhattacharyya", "ridgeline")) expect_identical(em_merge(fit, method)$at_cutoff, 2L)
  expect_identical(em_merge(fit, "bhattacharyya", cutoff = 0.9)$at_cutoff, 3L)
})

test_that("Bhattacharyya's distance of other components is that of its integral, and of mixed columns the sum", {
  overlap <- function(fit) em_merge(fit, "bhattacharyya")$path$value[2]
  rates <- withr_seed(1, em_fit(rpois(200, c(2, 9)), k = 2, family = "poisson"))
  y <- 0:200
  expect_equal(overlap(rates), sum(sqrt(dpois(y, rates$parameters$rate[1]) * dpois(y, rates$parameters$rate[2]))), tolerance = 1e-12)
  waits <- withr_seed(1, em_fit(c(rgamma(100, 2, 1), rgamma(100, 20, 2)), k = 2, family = "gamma"))
  p <- waits$parameters
  root <- function(x) sqrt(dgamma(x, p$shape[1], p$shape[1] / p$mean[1]) * dgamma(x, p$shape[2], p$shape[2] / p$mean[2]))
  expect_equal(overlap(waits), integrate(root, 0, Inf, rel.tol = 1e-10)$value, tolerance = 1e-8)
  tosses <- withr_seed(1, em_fit(rbinom(100, 10, c(0.2, 0.8)), k = 2, family = em_binomial(size = 10)))
  p <- tosses$parameters$prob
  expect_equal(overlap(tosses), sum(sqrt(dbinom(0:10, 10, p[1]) * dbinom(0:10, 10, p[2]))), tolerance = 1e-12)
  votes <- withr_seed(1, em_fit(interview, k = 2, family = "categorical", control = em_control(n_start = 3)))
  expect_equal(overlap(votes), prod(vapply(votes$parameters$prob, function(p) sum(sqrt(p[1, ] * p[2, ])), 0)), tolerance = 1e-12)
  shares <- withr_seed(1, em_fit(t(cbind(rmultinom(50, 9, c(2, 3, 5)), rmultinom(50, 9, c(6, 3, 1)))), k = 2, family = "multinomial"))
  p <- shares$parameters$prob
  expect_equal(overlap(shares), sum(sqrt(p[1, ] * p[2, ]))^9, tolerance = 1e-12)
  d <- withr_seed(2, data.frame(h = rnorm(150, c(0, 2, 8)), n = rpois(150, c(2, 3, 9)), f = c("a", "b", "b")[1:150 %% 3 + 1]))
  mixed <- withr_seed(1, suppressMessages(em_fit(d, 3, family = em_mixed(counts = "n"))))
  p <- mixed$parameters
  by_hand <- function(i, j) {
    v <- p$numeric$sd[c(i, j)]^2
    normal <- exp(-diff(p$numeric$mean[c(i, j)])^2 / sum(v) / 4) * sqrt(2 * sqrt(prod(v)) / sum(v))
    count <- exp(-diff(sqrt(unlist(p$counts$rate)[c(i, j)]))^2 / 2)
    normal * count * sum(sqrt(p$categorical$prob$f[i, ] * p$categorical$prob$f[j, ]))
  }
  m <- em_merge(mixed, "bhattacharyya")
  expect_equal(m$path$value[2], max(by_hand(1, 2), by_hand(1, 3), by_hand(2, 3)), tolerance = 1e-10)
  # the joined cluster has the mean, variance, rate and shares of both
  pair <- which(m$groups[2, ] == m$groups[2, duplicated(m$groups[2, ])])
  w <- p$proportions[pair] / sum(p$proportions[pair])
  pooled <- function(x) sum(w * x[pair])
  third <- setdiff(1:3, pair)
  mean <- pooled(p$numeric$mean)
  var <- c(pooled(p$numeric$sd^2 + (p$numeric$mean - mean)^2), p$numeric$sd[third]^2)
  f <- rbind(colSums(w * p$categorical$prob$f[pair, ]), p$categorical$prob$f[third, ])
  last <- exp(-(mean - p$numeric$mean[third])^2 / sum(var) / 4) * sqrt(2 * sqrt(prod(var)) / sum(var)) *
    exp(-(sqrt(pooled(unlist(p$counts$rate))) - sqrt(unlist(p$counts$rate)[third]))^2 / 2) * sum(sqrt(f[1, ] * f[2, ]))
  expect_equal(m$path$value[3], last, tolerance = 1e-10, ignore_attr = TRUE)
  for (method in c("entropy", "demp")) expect_length(predict(em_merge(mixed, method), k = 2), 150)
  expect_error(em_merge(mixed, "ridgeline"), "for Gaussian components, not for mixed", class = "emfit_error_unsupported")
  heavy <- suppressWarnings(em_fit(faithful, k = 2, family = "t", control = em_control(n_start = 2)))
  expect_error(em_merge(heavy, "bhattacharyya"), "whose overlap has a formula", class = "emfit_error_unsupported")
  watched <- withr_seed(1, em_fit(rpois(100, c(3, 9)), k = 2, family = em_poisson(exposure = 1:100)))
  expect_error(em_merge(watched, "bhattacharyya"), "one exposure or number of trials", class = "emfit_error_unsupported")
  expect_error(em_directions(mixed), "Directions are for Gaussian", class = "emfit_error_unsupported")
})

test_that("classes are sums, the density stays, noise is never merged", {
  fit <- three()
  m <- em_merge(fit)
  prob <- predict(m, k = 2, type = "prob")
  all <- predict(fit, type = "prob")
  expect_equal(prob[, "1+3"], all[, 1] + all[, 3], tolerance = 1e-14, ignore_attr = TRUE)
  expect_identical(predict(m, faithful[1:5, ], type = "density"), predict(fit, faithful[1:5, ], type = "density"))
  expect_identical(as.character(predict(m, k = 2)), colnames(prob)[max.col(prob, "first")])
  expect_identical(levels(predict(m, k = 1)), "1+2+3")
  noisy <- withr_seed(1, em_fit(rbind(as.matrix(faithful), c(9, 150), c(0, 140)), k = 2, latent = em_mixture(noise = TRUE)))
  merged <- em_merge(noisy)
  expect_identical(colnames(predict(merged, k = 1, type = "prob")), c("1+2", "noise"))
  expect_identical(merged$path$k, 2:1)
  expect_identical(m$elbow, 2L)
  expect_identical(em_merge(em_fit(faithful, k = 2))$elbow, NA_integer_)
})

test_that("the tree is one that hclust's tools take", {
  m <- withr_seed(1, em_merge(em_fit(iris[1:4], k = 5, family = em_gaussian("EEE"), control = em_control(n_start = 1))))
  for (k in 2:4) {
    cut <- unname(cutree(m$tree, k))
    expect_identical(unname(outer(cut, cut, "==")), unname(outer(m$groups[as.character(k), ], m$groups[as.character(k), ], "==")))
  }
  expect_output(print(m), "nothing is chosen")
})

test_that("bad input to merging is refused in words", {
  fit <- three()
  m <- em_merge(fit)
  expect_error(predict(m), "1 to 3, not left out", class = "emfit_error_argument")
  expect_error(predict(m, k = 4), "1 to 3, not 4", class = "emfit_error_argument")
  expect_error(em_merge(em_fit(faithful, k = 1)), "nothing to merge", class = "emfit_error_argument")
  expect_error(em_merge(fit, "entropi"), "Did you mean \"entropy\"", class = "emfit_error_argument")
  expect_error(em_merge(fit, "demp", cutoff = 2), "from 0 to 1, not 2", class = "emfit_error_argument")
  expect_error(em_merge(fit, cutoff = 0.1), "its hint is the elbow", class = "emfit_error_argument")
  rates <- em_fit(c(1, 2, 0, 9, 12, 10), k = 2, family = "poisson")
  expect_error(em_merge(rates, "ridgeline"), "is for Gaussian components", class = "emfit_error_unsupported")
})

test_that("another order moves all that belongs to a component", {
  fit <- suppressWarnings(withr_seed(1, em_fit(faithful, k = 3, control = em_control(path = TRUE, max_iter = 30))))
  other <- em_relabel(fit, c(b = 3, a = 1, c = 2))
  expect_equal(unname(predict(other, type = "prob")), unname(predict(fit, type = "prob")[, c(3, 1, 2)]), tolerance = 1e-13)
  expect_identical(colnames(predict(other, type = "prob")), c("b", "a", "c"))
  expect_identical(logLik(other), logLik(fit))
  expect_identical(unname(other$parameters$mean), unname(fit$parameters$mean[c(3, 1, 2), ]))
  expect_identical(unname(other$path[[2]]$mean), unname(fit$path[[2]]$mean[c(3, 1, 2), ]))
  expect_identical(em_relabel(em_relabel(fit, 3:1), 3:1), fit)
  labels <- factor(rep(c("x", "y", NA), c(5, 5, 262)), levels = c("x", "y"))
  known <- em_fit(faithful, k = 2, labels = labels, start = NULL)
  turned <- em_relabel(known, c("y", "x"))
  expect_equal(predict(turned, type = "prob")[, c("x", "y")], predict(known, type = "prob"), tolerance = 1e-13)
  held <- em_fit(faithful$waiting, k = 2, fixed = list(mean = c(80, NA)))
  expect_identical(as.vector(em_relabel(held, 2:1)$family$held$mean), c(NA, 80))
  chain <- em_fit(waiting ~ 1, data = faithful, k = 2, latent = em_markov())
  expect_equal(unname(predict(em_relabel(chain, 2:1), type = "prob")[, 2:1]), unname(predict(chain, type = "prob")), tolerance = 1e-14)
  expect_error(em_relabel(fit, c(1, 1, 2)), "each of the 3 components once", class = "emfit_error_argument")
  expect_error(em_relabel(fit, c(a = 1, a = 2, b = 3)), "name two components", class = "emfit_error_argument")
})

test_that("directions are MclustDR's and lda's", {
  known <- em_fit(iris[1:4], k = 3, family = em_gaussian("EEE"), labels = iris$Species)
  expect_within(em_directions(known, "canonical")$values, c(32.191929, 0.285391), 1e-6)
  skip_if_not_installed("MASS")
  theirs <- MASS::lda(iris[1:4], iris$Species)$scaling
  ours <- em_directions(known, "canonical")$basis
  expect_within(abs(diag(crossprod(ours, theirs))) / sqrt(colSums(theirs^2)), c(1, 1), 1e-9)
  # MclustDR(Mclust(iris[1:4], G = 3, modelNames = "VVV"), lambda): eigenvalues
  fit <- withr_seed(1, em_fit(iris[1:4], k = 3, control = em_control(tol = 1e-10)))
  expect_within(em_directions(fit)$values, c(1.879402, 0.072637), 1e-3)
  expect_within(em_directions(fit, lambda = 0.5)$values, c(0.94853, 0.65261, 0.0812, 0.03321), 1e-3)
  expect_error(em_directions(fit, lambda = 2), "0 to 1, not 2", class = "emfit_error_argument")
  expect_error(em_directions(em_fit(faithful, k = 1)), "two components", class = "emfit_error_unsupported")
})

test_that("pictures have what they say, in base and in ggplot2", {
  fit <- em_fit(faithful, k = 2)
  m <- em_merge(three())
  wide <- withr_seed(1, em_fit(iris[1:4], k = 3))
  data <- list(plot_data(fit, "conditional"), plot_data(fit, "hdr", n = 2000), plot_data(fit, "hdr", variables = "waiting"),
               plot_data(fit, "density", variable = "waiting", probs = c(0.05, 0.95), hdr = 0.9, modes = TRUE),
               plot_data(wide, "directions"), plot_data(fit, "directions"), plot_data(m), plot_data(m, "entropy"))
  file <- tempfile(fileext = ".pdf")
  grDevices::pdf(file)
  on.exit(unlink(file))
  for (one in data) expect_identical(plot(one), one)
  if (requireNamespace("ggplot2", quietly = TRUE)) {
    for (one in data) expect_s3_class(ggplot2::ggplot_build(ggplot2::autoplot(one)), "ggplot_built")
  }
  grDevices::dev.off()
  at <- which.min(abs(data[[1]]$expected$x - 3))
  expect_equal(data[[1]]$expected$y[at], summary(em_conditional(fit, eruptions = data[[1]]$expected$x[at]))$mean, tolerance = 1e-12)
  expect_true(2L %in% data[[1]]$modes$peaks)
  expect_equal(data[[4]]$quantiles$x, quantile(fit, c(0.05, 0.95), "waiting", names = FALSE))
  expect_identical(nrow(data[[4]]$modes), 2L)
  expect_identical(data[[8]]$points$k, 3:1)
  expect_true(all(abs(unlist(data[[5]]$arrows[c("x", "y")])) <= 1))
  expect_error(plot_data(em_fit(faithful$waiting, k = 2), "conditional"), "needs two columns", class = "emfit_error_unsupported")
  d <- withr_seed(2, data.frame(h = rnorm(90, c(0, 8)), n = rpois(90, c(2, 9)), f = c("a", "b", "b")[1:90 %% 3 + 1]))
  mixed <- withr_seed(1, suppressMessages(em_fit(d, 2, family = em_mixed(counts = "n"))))
  steps <- plot_data(mixed, "conditional", variables = c("f", "h"))
  expect_identical(steps$levels, c("a", "b"))
  expect_equal(steps$expected$y, vapply(c("a", "b"), function(f) summary(em_conditional(mixed, f = f))$mean[1], 0), tolerance = 1e-12,
               ignore_attr = TRUE)
  counts <- plot_data(mixed, "conditional", variables = c("n", "h"))
  expect_equal(counts$expected$x, min(d$n):max(d$n))
  grDevices::pdf(file)
  for (one in list(steps, counts, plot_data(mixed, "conditional", variables = c("h", "n")), plot_data(mixed, "hdr", variables = "h"))) {
    expect_identical(plot(one), one)
    if (requireNamespace("ggplot2", quietly = TRUE)) expect_s3_class(ggplot2::ggplot_build(ggplot2::autoplot(one)), "ggplot_built")
  }
  grDevices::dev.off()
  expect_error(plot_data(mixed, "conditional", variables = c("h", "f")), "\"f\" are categories", class = "emfit_error_unsupported")
  expect_error(plot_data(mixed, "hdr", variables = c("h", "f")), "one column of numbers, or of two normal", class = "emfit_error_unsupported")
  expect_error(plot_data(m, "trees"), "Did you mean \"tree\"", class = "emfit_error_argument")
})
