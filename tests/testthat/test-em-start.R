test_that("methods draw from the user's seed, and differ", {
  set.seed(5)
  first <- em_start(faithful, 3)
  set.seed(5)
  expect_identical(em_start(faithful, 3), first)
  expect_false(identical(em_start(faithful, 3), first))
  for (method in c("random", "partition")) {
    start <- em_start(faithful, 3, start = method)
    expect_identical(dim(start$mean), c(3L, 2L))
    expect_equal(sum(start$proportions), 1)
  }
})

test_that("\"random\" puts the means at rows, with the covariance of all", {
  set.seed(2)
  start <- em_start(faithful, 4, start = "random")
  rows <- match(start$mean[, 1], faithful$eruptions)
  expect_false(anyNA(rows))
  expect_identical(anyDuplicated(start$mean), 0L)
  expect_equal(start$covariance[, , 3], cov(faithful) * 271 / 272, ignore_attr = TRUE)
})

test_that("k-means++ finds well separated groups", {
  set.seed(3)
  x <- c(rnorm(50), rnorm(50, 100), rnorm(50, 1000))
  expect_equal(sort(unname(em_start(x, 3)$mean)), c(mean(x[1:50]), mean(x[51:100]), mean(x[101:150])))
})

test_that("a partition gives the closed-form estimates", {
  start <- em_start(iris[1:4], start = iris$Species)
  expect_equal(start$mean, as.matrix(aggregate(iris[1:4], iris["Species"], mean)[-1]), ignore_attr = TRUE)
  expect_equal(start$covariance[, , "virginica"], cov(iris[101:150, 1:4]) * 49 / 50, ignore_attr = TRUE)
  expect_named(start$proportions, levels(iris$Species))
})

test_that("a partition may be given for the rows before na.action left some out", {
  x <- c(1, 2, NA, 11, 12, 13)
  start <- rep(c("low", "high"), each = 3)
  fit <- em_fit(x, start = start, na.action = na.omit, control = em_control(max_iter = 0))
  expect_equal(fit$parameters$mean, c(high = 12, low = 1.5))
})

test_that("responsibilities, partition and parameters that say the same start the same", {
  labels <- 1 + (faithful$eruptions > 3)
  by_labels <- em_fit(faithful, 2, start = labels, control = em_control(max_iter = 0))
  by_matrix <- em_fit(faithful, 2, start = cbind(labels == 1, labels == 2) + 0,
                      control = em_control(max_iter = 0))
  by_list <- em_fit(faithful, 2, start = by_labels$parameters, control = em_control(max_iter = 0))
  expect_equal(by_matrix$loglik, by_labels$loglik, tolerance = 1e-14)
  expect_equal(by_list$loglik, by_labels$loglik, tolerance = 1e-14)
})

test_that("rows that agree up to rounding are found, others not", {
  expect_identical(coincident_pair(rbind(c(1, 2), c(1, 2 + 1e-9), c(1, 2))), c(1L, 3L))
  expect_null(coincident_pair(rbind(c(1, 2), c(1, 2 + 1e-12))))
  expect_null(coincident_pair(rbind(c(1, 2))))
  expect_identical(coincident_pair(rbind(1 / 3, 1 - 2 / 3)), c(1L, 2L))
})

test_that("components that share their first parameter only are apart, and those that share all are not", {
  components <- function(mean, sd) list(proportions = rep(1 / 3, 3), mean = mean, sd = sd)
  coincident <- function(parameters) {
    k <- length(parameters$mean)
    fields <- model_fields(list(family = em_gaussian(), latent = em_mixture(), k = k), list(x = matrix(0, 9, 1)))
    coincident_components(parameters, fields, k)
  }
  expect_null(coincident(components(c(1, 1, 3), c(1, 2, 1))))
  expect_identical(coincident(components(c(1, 3, 3), c(1, 2, 2))), c(2L, 3L))
  expect_null(coincident(components(c(1, 2, 3), c(2, 2, 2))))
  expect_null(coincident(list(proportions = 1, mean = 0, sd = 1)))
})

test_that("of several starts the best sound one is kept", {
  fit <- withr_seed(1, em_fit(faithful, k = 3, start = "random"))
  reached <- fit$starts$loglik[fit$starts$status == "converged"]
  expect_gt(diff(range(reached)), 0.1)
  expect_identical(fit$loglik, max(reached))
  expect_identical(fit$trace$loglik[fit$iterations + 1L], fit$loglik)
})

test_that("a partition is the responsibilities of 0 and 1 that it stands for, in every order of the rows", {
  groups <- factor(ifelse(faithful$eruptions > 3, "long", "short"))
  r <- outer(as.character(groups), levels(groups), `==`) + 0
  colnames(r) <- levels(groups)
  settings <- em_control(max_iter = 2, tol = 0)
  expect_identical(em_fit(faithful, start = groups, control = settings)$parameters,
                   em_fit(faithful, start = r, control = settings)$parameters)
  gaps <- faithful
  gaps[cbind(c(3, 50, 99, 272), c(1, 2, 2, 1))] <- NA
  by_label <- em_fit(gaps, start = groups, na.action = na.pass, control = settings)
  expect_identical(by_label$parameters, em_fit(gaps, start = r, na.action = na.pass, control = settings)$parameters)
  expect_identical(names(by_label$counts), c("long", "short"))
})

test_that("starts of the plainest kind are judged and run as any other", {
  x <- red_blue$value
  plain <- list(mean = c(1.1, 9), sd = c(2, 1.7))
  spelt <- c(plain, list(proportions = c(0.5, 0.5)))
  expect_identical(em_fit(x, start = plain)$trace, em_fit(x, start = spelt)$trace)
  expect_identical(em_start(x, start = plain)$proportions, c("1" = 0.5, "2" = 0.5))
  expect_identical(em_start(x, start = rev(plain)), em_start(x, start = plain))
  tosses <- coins[c("heads", "tails")]
  expect_identical(unclass(em_start(tosses, family = "binomial", start = list(prob = c(0.6, 0.5))))$prob, c("1" = 0.6, "2" = 0.5))
  refused <- function(start) expect_error(em_start(x, start = start), class = "emfit_error_start")
  refused(list(mean = c(1.1, 9), sd = c(2, 0)))
  refused(list(mean = c(1.1, Inf), sd = c(2, 1)))
  refused(list(mean = c(1.1, 9), sd = c(2, 1), prob = 1))
  expect_error(em_start(tosses, family = "binomial", start = list(prob = c(0.6, 1.5))), class = "emfit_error_start")
  expect_warning(em_start(x, start = list(mean = c(3, 3), sd = c(2, 2))), class = "emfit_warning_coincide")
  expect_no_warning(em_start(x, start = list(mean = c(3, 3), sd = c(2, 1))))
})

test_that("what other packages return is taken as the groups it holds", {
  x <- iris[1:4]
  set.seed(1)
  groups <- stats::kmeans(x, 3, nstart = 5)
  wanted <- em_fit(x, start = unname(groups$cluster))
  expect_identical(em_fit(x, start = groups)$start, wanted$start)
  expect_identical(em_fit(x, 3, start = function(x, k) groups)$start, wanted$start)
  expect_identical(em_mstep(x, groups)$mean, wanted$start$mean)
  tree <- stats::hclust(stats::dist(x))
  expect_identical(em_fit(x, 3, start = tree)$start, em_fit(x, start = unname(stats::cutree(tree, 3)))$start)
  expect_error(em_fit(x, start = tree), "`k` must say into how many groups to cut", class = "emfit_error_argument")
  expect_error(em_fit(x[1:3, 1], 4, start = stats::hclust(stats::dist(1:3))), "can't be cut into 4 groups",
               class = "emfit_error_start")
  # As pam(), dbscan() and fanny() return them: the classes are made up, so that nothing need be installed.
  pam <- structure(list(medoids = 1, clustering = groups$cluster), class = c("pam", "partition"))
  expect_identical(em_fit(x, start = pam)$start, wanted$start)
  r <- em_estep(x, wanted)$responsibilities
  soft <- structure(list(z = unname(r), classification = groups$cluster), class = "Mclust")
  expect_identical(em_fit(x, start = soft)$start, em_fit(x, start = unname(r))$start)
  some <- replace(unname(groups$cluster), c(1, 60), 0L)
  scan <- structure(list(cluster = some), class = "dbscan_fast")
  noisy <- em_fit(x, start = scan, latent = em_mixture(noise = TRUE))
  expect_identical(noisy$start, em_fit(x, start = factor(ifelse(some == 0, "noise", some)), latent = em_mixture(noise = TRUE))$start)
  # Wrong numbers of rows and of groups, and what holds no groups.
  expect_error(em_fit(x[1:9, ], start = groups), "must have one label for each row: 9, not 150", class = "emfit_error_start")
  expect_error(em_fit(x, 2, start = groups), "labels from 1 to 2", class = "emfit_error_start")
  expect_error(em_fit(x, 2, start = stats::lm(dist ~ speed, cars)), "not a lm", class = "emfit_error_start")
})

test_that("fits of mclust and flexmix are starts", {
  skip_if_not_installed("mclust")
  mclustBIC <- mclust::mclustBIC
  fit <- mclust::Mclust(iris[1:4], 3, modelNames = "VVV", verbose = FALSE)
  ours <- em_fit(iris[1:4], start = fit)
  expect_gte(ours$loglik, fit$loglik - 1e-6)
  expect_equal(ours$trace$loglik[1], fit$loglik, tolerance = 1e-4)
  skip_if_not_installed("flexmix")
  set.seed(1)
  mixed <- flexmix::flexmix(as.matrix(faithful) ~ 1, k = 2, model = flexmix::FLXMCmvnorm(diagonal = FALSE))
  expect_identical(em_fit(faithful, start = mixed)$k, mixed@k)
})

test_that("the sheet of a family's parameters is made once for a start", {
  sheets <- 0
  suppressMessages(trace("family_fields", tracer = function() sheets <<- sheets + 1, print = FALSE,
                         where = asNamespace("emfit")))
  on.exit(suppressMessages(untrace("family_fields", where = asNamespace("emfit"))))
  em_fit(red_blue$value, start = list(mean = c(1, 9), sd = c(2, 2)), family = em_gaussian("V"))
  expect_identical(sheets, 1)
})

test_that("the sheet of a line has as many numbers as there are components, and a share for noise", {
  sizes <- function(latent, k) {
    fields <- model_fields(list(family = em_gaussian(), latent = latent, k = k), list(x = matrix(0, 5, 1)))
    vapply(fields, function(field) field$size, 0L)
  }
  expect_identical(sizes(em_mixture(), 1L), c(proportions = 1L, mean = 1L, sd = 1L))
  expect_identical(sizes(em_mixture(), 3), c(proportions = 3L, mean = 3L, sd = 3L))
  expect_identical(sizes(em_mixture(noise = TRUE), 3L), c(proportions = 4L, mean = 3L, sd = 3L))
})

test_that("a sheet in another size is the one made in that size", {
  chain <- list(family = em_gaussian(), latent = em_markov())
  noisy <- list(family = em_gaussian(), latent = em_mixture(noise = TRUE))
  t <- list(family = em_t(), latent = em_mixture())
  for (model in list(chain, noisy, t)) {
    for (d in 1:2) {
      data <- list(x = matrix(0, 5, d))
      fields <- model_fields(c(model, k = 1L), data)
      expect_identical(resize_fields(fields, 4L), model_fields(c(model, k = 4L), data))
    }
  }
})
