# Noise: one component more, of constant density. The oracle is helper-combined.R, the peer mclust.

noisy_rows <- function(d = 2, n = 120, noise = 30, seed = 21) {
  groups <- law_matrix(n, d, 11)
  withr_seed(seed, rbind(unname(groups), matrix(runif(noise * d, -6, 8), noise)))
}

noisy_start <- function(d = 2) {
  means <- rbind(c(0, 0, 0), c(3, -1, 0), c(-2, 3, 0))[, seq_len(d), drop = FALSE]
  spread <- if (d == 1) list(mean = means[, 1], sd = c(1, 1, 1)) else list(mean = means, covariance = diag(d))
  c(list(proportions = c(0.35, 0.3, 0.25, 0.1)), spread)
}

with_noise <- em_mixture(noise = TRUE)

run_noise <- function(x, structure = "VVV", n_iter = 4, ..., start = noisy_start(NCOL(x)), latent = with_noise,
                      control = list()) {
  control <- do.call(em_control, utils::modifyList(list(tol = 0, max_iter = n_iter, accelerate = FALSE), control))
  em_fit(x, k = 3, family = em_gaussian(structure), latent = latent, start = start, na.action = na.pass,
         control = control, ...)
}

# The volumes of both boxes, as Banfield and Raftery say.
plain_log_volume <- function(x) {
  side <- function(z) sum(log(apply(z, 2, function(column) diff(range(column)))))
  min(side(x), side(stats::princomp(x)$scores))
}

test_that("every structure's iterations are those of the oracle", {
  x <- noisy_rows()
  for (structure in law_structures) {
    fit <- run_noise(x, structure)
    oracle <- combined_em(x, 3, structure, noisy_start(), log_noise = rep(-plain_log_volume(x), nrow(x)))
    tolerance <- if (structure %in% c("EVE", "VVE")) 1e-6 else 1e-9
    expect_equal(fit$trace$loglik, oracle$trace, tolerance = tolerance, info = structure)
    expect_equal(parameter_numbers(fit), unlist(lapply(oracle$parameters, as.numeric), use.names = FALSE),
                 tolerance = tolerance, info = structure)
    expect_identical(fit$df, as.integer(reference_df(3, 2, structure)) + 1L)
  }
  for (structure in c("E", "V")) {
    one <- noisy_rows(1)
    oracle <- combined_em(one, 3, structure, noisy_start(1), log_noise = rep(-log(diff(range(one))), nrow(one)))
    expect_equal(run_noise(one[, 1], structure)$trace$loglik, oracle$trace, tolerance = 1e-9)
  }
})

test_that("every structure but VVE ends where mclust ends from the same start", {
  skip_if_not_installed("mclust")
  x <- noisy_rows()
  groups <- withr_seed(1, c(max.col(-as.matrix(dist(rbind(noisy_start()$mean, x[1:120, ])))[-(1:3), 1:3]), rep(4, 30)))
  z <- diag(4)[groups, ]
  for (structure in setdiff(law_structures, "VVE")) {
    peer <- eval(quote(me(x, modelName = structure, z = z, Vinv = hypvol(x, reciprocal = TRUE),
                          control = emControl(tol = c(1e-14, 1e-12), itmax = c(20000L, 2000L)))),
                 list(x = x, structure = structure, z = z), asNamespace("mclust"))
    ours <- em_fit(x, 3, em_gaussian(structure), with_noise, start = z,
                   control = em_control(tol = 1e-10, max_iter = 20000, accelerate = FALSE))
    expect_within(ours$loglik, peer$loglik, 1e-6)
    expect_equal(unname(ours$parameters$proportions), peer$parameters$pro, tolerance = 1e-5)
  }
  expect_equal(ours$noise_volume, eval(quote(hypvol(x)), list(x = x), asNamespace("mclust")), tolerance = 1e-10)
})

test_that("the box is the smaller of the two, follows weights, and goes along the columns where cells are missing", {
  x <- noisy_rows()
  turned <- x %*% matrix(c(1, 0.9, 0.4, 1.5), 2)
  expect_equal(run_noise(turned, n_iter = 0)$noise_volume, exp(plain_log_volume(turned)), tolerance = 1e-10)
  expect_identical(run_noise(turned, n_iter = 0)$latent$box$kind, "principal")
  w <- replace(rep(c(1, 2, 0, 3, 1), 30), which.max(turned[, 1]), 0) # the box shrinks with the row
  weighted <- run_noise(turned, weights = w)
  expect_equal(weighted$noise_volume, run_noise(turned[rep(1:150, w), ])$noise_volume, tolerance = 1e-12)
  expect_same_parameters(weighted, run_noise(turned[rep(1:150, w), ]))
  far <- run_noise(rbind(turned, c(900, -900)), weights = rep(1:0, c(150, 1)))
  expect_equal(far$noise_volume, run_noise(turned)$noise_volume, tolerance = 1e-12)
  holed <- with_holes(turned, 0.1)
  holed[9, ] <- NA
  fit <- run_noise(holed)
  sides <- apply(holed, 2, function(column) diff(range(column, na.rm = TRUE)))
  expect_equal(fit$noise_volume, prod(sides), tolerance = 1e-12)
  oracle <- combined_em(holed, 3, "VVV", noisy_start(), log_noise = -drop(!is.na(holed)) %*% log(sides))
  expect_equal(fit$trace$loglik, oracle$trace, tolerance = 1e-9)
  expect_equal(predict(fit, type = "prob")[9, ], fit$parameters$proportions, tolerance = 1e-12)
})

test_that("equal proportions leave noise free, and held ones hold it", {
  x <- noisy_rows()
  noise <- rep(-plain_log_volume(x), nrow(x))
  start <- noisy_start()
  start$proportions <- c(0.3, 0.3, 0.3, 0.1)
  equal <- run_noise(x, latent = em_mixture("equal", noise = TRUE), start = start)
  oracle <- combined_em(x, 3, "VVV", start, log_noise = noise, proportions = "equal")
  expect_equal(equal$trace$loglik, oracle$trace, tolerance = 1e-9)
  expect_identical(equal$df, 16L)
  held <- run_noise(x, latent = em_mixture(c(0.4, 0.2, 0.2, 0.2), noise = TRUE), start = start[-1])
  start$proportions <- c(0.4, 0.2, 0.2, 0.2)
  oracle <- combined_em(x, 3, "VVV", start, log_noise = noise, proportions = "held")
  expect_equal(held$trace$loglik, oracle$trace, tolerance = 1e-9)
  expect_identical(held$df, 15L)
})

test_that("a fit with noise answers like any other, with one class more", {
  x <- noisy_rows()
  colnames(x) <- c("a", "b")
  fit <- run_noise(x, n_iter = 60)
  expect_named(fit$parameters$proportions, c("1", "2", "3", "noise"))
  expect_named(fit$counts, c("1", "2", "3", "noise"))
  expect_identical(fit$k, 3L)
  prob <- predict(fit, type = "prob")
  expect_equal(rowSums(prob), rep(1, 150), tolerance = 1e-12)
  expect_identical(colnames(prob), names(fit$counts))
  expect_identical(levels(predict(fit)), names(fit$counts))
  expect_identical(as.character(predict(fit, cbind(a = 50, b = -50))), "noise")
  density <- predict(fit, type = "component")
  expect_equal(unname(density[, "noise"]), rep(1 / fit$noise_volume, 150), tolerance = 1e-12)
  expect_equal(predict(fit, type = "density"), drop(density %*% fit$parameters$proportions), tolerance = 1e-12)
  box <- fit$latent$box
  centre <- box$centre + drop(box$axes %*% (box$lower + box$upper)) / 2
  expect_equal(unname(fitted(fit)), unname(prob[, 1:3] %*% fit$parameters$mean + prob[, 4] %o% centre), tolerance = 1e-10)
  shown <- format(fit)
  expect_match(shown[1], "3 components and noise", fixed = TRUE)
  expect_match(shown, "noise +0\\.[0-9]+ +[0-9]+ *$", all = FALSE)
  expect_identical(is.na(tidy(fit)$mean.a), c(FALSE, FALSE, FALSE, TRUE))
  expect_identical(glance(fit)$n.min, min(fit$counts[1:3]))
  expect_true(all(c(".prob.noise", ".class") %in% names(augment(fit))))
  expect_identical(sum(summary(fit)$components$n), sum(fit$counts))
  path <- em_path(fit)
  expect_identical(unique(path$component), names(fit$counts))
  expect_identical(path$term[path$component == "noise"], rep("proportion", 61))
  drawn <- withr_seed(3, simulate(fit)[[1]])
  noise <- as.matrix(drawn[attr(drawn, "component") == "noise", ])
  along <- (noise - rep(box$centre, each = nrow(noise))) %*% box$axes
  expect_true(all(t(along) >= box$lower & t(along) <= box$upper))
  expect_gt(length(unique(along[, 1])), 10)
})

test_that("steps by hand, resumed runs and acceleration give the same numbers", {
  x <- noisy_rows()
  fit <- run_noise(x, n_iter = 6)
  p <- em_start(x, latent = with_noise, start = noisy_start())
  for (i in 1:6) {
    e <- em_estep(x, p)
    p <- em_mstep(x, e, p)
  }
  expect_equal(unlist(p, use.names = FALSE), parameter_numbers(fit), tolerance = 1e-9)
  expect_identical(dim(e$log_density), c(150L, 4L))
  again <- em_fit(x, latent = with_noise, start = run_noise(x, n_iter = 3),
                  control = em_control(tol = 0, max_iter = 3, accelerate = FALSE))
  expect_identical(parameter_numbers(again), parameter_numbers(fit))
  groups <- factor(c(rep(1:3, 40), rep("noise", 30)), levels = c("noise", 1:3))
  known <- em_mstep(x, groups, latent = with_noise)
  expect_equal(unname(known$proportions), c(40, 40, 40, 30) / 150)
  expect_equal(known$mean[2, ], colMeans(x[seq(2, 120, 3), ]), tolerance = 1e-12)
  runs <- list(list("VEV", with_noise), list("VVI", em_mixture("equal", noise = TRUE)))
  for (run in runs) {
    start <- noisy_start()[-1]
    slow <- run_noise(x, run[[1]], start = start, latent = run[[2]], control = list(tol = 1e-11, max_iter = 20000))
    fast <- run_noise(x, run[[1]], start = start, latent = run[[2]],
                      control = list(tol = 1e-9, max_iter = 2000, accelerate = TRUE))
    expect_true(any(fast$trace$accelerated))
    expect_within(fast$loglik, slow$loglik, 1e-6)
    score <- emfit:::score_em(slow$data, slow$parameters, emfit:::fit_model(slow), "information")
    expect_length(score$gradient, slow$df)
    expect_lt(max(abs(score$gradient)), 1e-3)
  }
})

test_that("starts of our own find noise, and one's own may name it", {
  x <- noisy_rows(n = 240, noise = 60)
  fit <- withr_seed(1, em_fit(x, 3, latent = with_noise))
  truth <- run_noise(x, n_iter = 200)
  expect_gte(fit$loglik, truth$loglik - 1e-3)
  expect_equal(sum(predict(fit, type = "logdensity")), fit$loglik, tolerance = 1e-10)
  expect_equal(colSums(predict(fit, type = "prob")), fit$counts, tolerance = 1e-8)
  expect_gt(mean(predict(fit)[241:300] == "noise"), 0.5)
  one <- withr_seed(1, em_fit(x, 1, latent = with_noise))
  expect_gt(one$loglik, em_fit(x, 1)$loglik)
  expect_identical(nrow(one$starts), 3L)
  expect_match(subset(em_diagnose(one), check == "starts")$explanation, "of 3 starts", fixed = TRUE)
  groups <- c(rep(c("a", "b", "c"), 80), rep("noise", 60))
  named <- em_fit(x, latent = with_noise, start = groups)
  expect_identical(named$k, 3L)
  expect_equal(unname(named$start$proportions[4]), 0.2)
  silent_groups <- rep(1:3, 100)
  silent <- em_fit(x, latent = with_noise, start = silent_groups, control = em_control(max_iter = 0))
  expect_equal(unname(silent$parameters$proportions[4]), 0.05)
  expect_equal(silent$parameters$mean, em_fit(x, start = silent_groups, control = em_control(max_iter = 0))$parameters$mean)
  start <- noisy_start()
  start$proportions <- c(noise = 0.1, a = 0.35, c = 0.25, b = 0.3)
  rownames(start$mean) <- c("a", "b", "c")
  fit <- em_fit(x, latent = with_noise, start = start, control = em_control(max_iter = 0))
  expect_equal(fit$parameters$proportions, c(a = 0.35, b = 0.3, c = 0.25, noise = 0.1))
})

test_that("noise stays last where components are put in order", {
  fit <- withr_seed(1, em_fit(noisy_rows(n = 60, noise = 90), 2, latent = with_noise))
  expect_named(fit$counts, c("1", "2", "noise"))
  expect_gt(fit$counts[["noise"]], fit$counts[["1"]])
  expect_gte(fit$counts[["1"]], fit$counts[["2"]])
  expect_equal(fit$counts, colSums(predict(fit, type = "prob")), tolerance = 1e-6)
  expect_equal(fit$parameters$proportions, fit$counts / 150, tolerance = 1e-4)
})

test_that("noise over a constant column is refused, also where nothing is estimated", {
  x <- cbind(1:6, 3)
  start <- list(mean = x[c(2, 5), ], covariance = array(diag(2), c(2, 2, 2)))
  for (iterations in c(0, 10)) {
    expect_error(em_fit(x, 2, latent = with_noise, start = start, control = em_control(max_iter = iterations)),
                 "Column 2 is constant", class = "emfit_error_input")
  }
})

test_that("labelled rows that no first step can be made from are refused in words", {
  x <- cbind(1:30, 2 * (1:30)) * 2.6e152 # their squares are beyond what numbers hold
  x[7] <- NA
  labels <- rep(c(1, 2, NA), c(2, 2, 26))
  expect_error(suppressMessages(em_fit(x, 2, latent = with_noise, labels = labels)), class = "emfit_error_input")
})

test_that("noise goes with labels, beliefs, fixed parameters and selection", {
  x <- noisy_rows()
  labels <- factor(rep(NA, 150), levels = c("a", "noise", "b", "c"))
  labels[c(1:5, 121:130)] <- rep(c("a", "noise"), c(5, 10))
  fit <- withr_seed(1, em_fit(x, latent = with_noise, labels = labels))
  expect_named(fit$counts, c("a", "b", "c", "noise"))
  expect_identical(as.character(predict(fit))[c(1:5, 121:130)], as.character(labels)[c(1:5, 121:130)])
  start <- noisy_start()
  rownames(start$mean) <- c("a", "b", "c")
  codes <- match(labels, c("a", "b", "c", "noise"))
  oracle <- combined_em(x, 3, "VVV", noisy_start(), log_noise = rep(-plain_log_volume(x), 150), beliefs = beliefs_of(codes, 4))
  expect_equal(run_noise(x, start = start, labels = labels)$trace$loglik, oracle$trace, tolerance = 1e-9)
  expect_equal(run_noise(x, labels = beliefs_of(codes, 4))$trace$loglik, oracle$trace, tolerance = 1e-9)
  all_known <- withr_seed(1, em_fit(x, latent = with_noise, labels = rep(c("a", "b", "noise"), 50)))
  expect_equal(unname(all_known$parameters$proportions), rep(1, 3) / 3)
  held <- withr_seed(1, em_fit(x, 3, latent = with_noise, fixed = list(proportions = c(NA, NA, NA, 0.15))))
  expect_identical(unname(held$parameters$proportions[4]), 0.15)
  expect_identical(held$df, 17L)
  table <- withr_seed(1, em_select(x, k = 1:3, covariance = c("EII", "VVV"), latent = with_noise,
                                   control = em_control(n_start = 4)))
  expect_false(anyNA(table$table$BIC))
  fit <- best(table, k = 3)
  expect_named(fit$counts, c("1", "2", "3", "noise"))
  expect_identical(fit$df, table$table$df[table$table$k == 3 & table$table$covariance == fit$family$covariance])
  holed <- with_holes(x, 0.1)
  filled <- em_impute(run_noise(holed))[[1]]
  expect_false(anyNA(filled))
  drawn <- withr_seed(1, em_impute(run_noise(holed), m = 1, type = "draw", parameters = "estimate"))[[1]]
  expect_equal(as.matrix(drawn)[!is.na(holed)], holed[!is.na(holed)])
})

test_that("what noise can't do is refused", {
  expect_error(em_fit(coins[c("heads", "tails")], 2, "binomial", with_noise), "Noise has no density beside binomial",
               class = "emfit_error_unsupported")
  expect_error(em_mixture(noise = NA), "`noise` must be TRUE or FALSE", class = "emfit_error_argument")
  expect_error(em_fit(faithful, 2, latent = em_mixture(c(0.5, 0.5), noise = TRUE)), "and one for noise: k = 2, but 2",
               class = "emfit_error_argument")
  named <- list(mean = rbind(noise = c(2, 50), b = c(4, 80)), covariance = diag(2))
  expect_error(em_fit(faithful, latent = with_noise, start = named), "No component can be named \"noise\"",
               class = "emfit_error_start")
  skip_if_not_installed("mclust")
  expect_error(mclust::as.Mclust(run_noise(noisy_rows(), n_iter = 1)), "with noise can't be handed",
               class = "emfit_error_unsupported")
})

test_that("pictures show noise as a class of its own, base graphics and ggplot2 alike", {
  x <- noisy_rows()
  fit <- run_noise(x, n_iter = 20)
  one <- run_noise(noisy_rows(1)[, 1], "V", n_iter = 20)
  points <- plot_data(fit)$points
  expect_identical(points$component, as.character(predict(fit)))
  style <- plot_data(fit)$components
  expect_identical(style$component, names(fit$counts))
  expect_lt(style$size[4], 1)
  expect_identical(unique(plot_data(fit)$ellipses$component), names(fit$counts)[1:3])
  curves <- plot_data(one)$curves
  inside <- range(noisy_rows(1))
  flat <- curves$density[which(curves$component == "noise" & curves$x > inside[1] + 0.01 & curves$x < inside[2] - 0.01)]
  expect_equal(flat, rep(one$parameters$proportions[["noise"]] / one$noise_volume, length(flat)), tolerance = 1e-9)
  sum <- curves[is.na(curves$component), ]
  at <- sum$x > inside[1] + 0.01 & sum$x < inside[2] - 0.01
  expect_equal(sum$density[at], predict(one, sum$x[at], type = "density"), tolerance = 1e-9)
  drawn <- tempfile(fileext = ".pdf")
  grDevices::pdf(drawn)
  on.exit({
    grDevices::dev.off()
    unlink(drawn)
  })
  for (type in c("cluster", "density", "pairs", "path", "trace", "uncertainty", "qq")) {
    expect_s3_class(plot(fit, type = type), paste0("em_plot_", type))
    if (requireNamespace("ggplot2", quietly = TRUE)) expect_silent(print(ggplot2::autoplot(fit, type = type)))
  }
  for (type in c("density", "responsibility", "path", "uncertainty", "qq")) expect_silent(plot(one, type = type))
  film <- tempfile(fileext = ".html")
  for (each in list(fit, one)) expect_match(readLines(em_animate(each, film)), "\"name\":\"noise\"", all = FALSE)
})

test_that("margins of a turned box are those of uniform numbers", {
  x <- noisy_rows() %*% matrix(c(1, 0.9, 0.4, 1.5), 2)
  box <- run_noise(x, n_iter = 0)$latent$box
  drawn <- withr_seed(2, emfit:::simulate_noise(box, 20000))
  margin <- emfit:::noise_margin(box, 1)
  at <- quantile(drawn[, 1], c(0.02, 0.2, 0.5, 0.9))
  expect_within(margin$cumulated(at), c(0.02, 0.2, 0.5, 0.9), 0.012)
  grid <- seq(margin$ends[1], margin$ends[2], length.out = 4001)
  expect_within(sum(margin$density(grid)) * diff(grid[1:2]), 1, 1e-3)
  expect_within(margin$density(at), (margin$cumulated(at + 1e-2) - margin$cumulated(at - 1e-2)) / 2e-2, 1e-3)
})

test_that("noise is resampled along with the components", {
  x <- noisy_rows()
  fit <- run_noise(x, "EEI", n_iter = 100)
  error <- sqrt(diag(vcov(fit)))
  for (type in c("nonparametric", "parametric", "weighted")) {
    boot <- withr_seed(2, em_bootstrap(fit, n_boot = 100, type = type))
    ratio <- sqrt(diag(vcov(boot)))[names(error)][1:10] / error[1:10]
    expect_true(all(ratio > 0.5 & ratio < 2), label = type)
  }
  holed <- run_noise(with_holes(x, 0.1), "EEI", n_iter = 100)
  expect_false(anyNA(withr_seed(2, em_bootstrap(holed, n_boot = 5, type = "parametric"))$replicates))
  test <- withr_seed(1, em_lrt(em_fit(x, 2, em_gaussian("EII"), with_noise, start = rep(1:2, 75)), n_boot = 3,
                               control = em_control(n_start = 3)))
  expect_gte(unname(test$statistic), 0)
})

test_that("beside a box along the principal axes rows with missing cells have the box along the columns", {
  set.seed(2)
  x <- cbind(a = rnorm(200), b = 0, c = 0)
  x[, 2:3] <- x[, 1] + rnorm(400, 0, 0.1)
  fit <- em_fit(rbind(x, matrix(runif(30, -1, 1), 10)), k = 1, latent = em_mixture(noise = TRUE))
  expect_identical(fit$latent$box$kind, "principal")
  sides <- apply(fit$data$x, 2, function(column) diff(range(column)))
  new <- rbind(c(1, NA, NA), c(NA, 1, 0), NA, c(1, 1, 1))
  expected <- c(1 / sides[[1]], 1 / (sides[[2]] * sides[[3]]), 1, 1 / fit$noise_volume)
  expect_equal(predict(fit, new, "component")[, "noise"], expected)
  prob <- predict(fit, new, "prob")
  expect_equal(rowSums(prob), rep(1, 4))
  expect_equal(unname(prob[3, ]), unname(fit$parameters$proportions))
})

test_that("the margins of a box far from 0 are those of the box", {
  box <- list(centre = 2^52, axes = diag(1), lower = -8, upper = 8)
  expect_no_warning(margin <- noise_margin(box, 1))
  expect_no_warning(found <- margin$density(2^52 + c(-9, -7, 0, 7, 9)))
  expect_equal(found, c(0, 1, 1, 1, 0) / 16)
  expect_equal(margin$cumulated(2^52 + c(-9, -4, 0, 4, 9)), c(0, 0.25, 0.5, 0.75, 1))
})
