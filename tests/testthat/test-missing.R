# Missing values: exact likelihood of the observed cells, under every structure. The oracle is helper-missing.R.

holed <- function(n, d = 3, share = 0.2) with_holes(law_matrix(n, d, 11), share)

many_start <- list(proportions = c(0.4, 0.3, 0.3), mean = rbind(c(0, 0, 0), c(3, -1, 0), c(-2, 3, 0)),
                   covariance = diag(3))
one_start <- list(proportions = c(0.4, 0.3, 0.3), mean = c(0, 3, -2), sd = c(1, 1, 1))

missing_run <- function(x, structure, n_iter, start = many_start, ..., control = list()) {
  control <- do.call(em_control, utils::modifyList(list(tol = 0, max_iter = n_iter, accelerate = FALSE), control))
  em_fit(x, k = 3, family = em_gaussian(structure), start = start, na.action = na.pass, control = control, ...)
}

test_that("every structure's iterations are those of the oracle", {
  x <- holed(60)
  x[7, ] <- NA
  for (structure in law_structures) {
    fit <- missing_run(x, structure, 4)
    oracle <- missing_em(x, 3, structure, many_start, n_iter = 4)
    tolerance <- if (structure %in% c("EVE", "VVE")) 1e-6 else 1e-9
    expect_equal(fit$trace$loglik, oracle$trace, tolerance = tolerance, info = structure)
    expect_equal(parameter_numbers(fit), unlist(lapply(oracle$parameters, as.numeric), use.names = FALSE),
                 tolerance = tolerance, info = structure)
  }
})

test_that("one dimension, weights, held proportions and ECM agree with the oracle", {
  x <- holed(60)
  w <- rep(c(0.5, 1, 2, 0), 15)
  for (structure in c("E", "V")) {
    fit <- missing_run(x[, 1], structure, 5, one_start, weights = w)
    expect_equal(fit$trace$loglik, missing_em(x[, 1], 3, structure, one_start, weights = w)$trace, tolerance = 1e-10)
  }
  fit <- missing_run(x, "VEV", 5, many_start[-1], weights = w, latent = em_mixture(c(0.5, 0.3, 0.2)))
  oracle <- missing_em(x, 3, "VEV", many_start[-1], weights = w, proportions = c(0.5, 0.3, 0.2))
  expect_equal(fit$trace$loglik, oracle$trace, tolerance = 1e-9)
  fit <- missing_run(x, "VVV", 5, control = list(algorithm = "ecm"))
  expect_equal(fit$trace$loglik, missing_em(x, 3, "VVV", many_start, algorithm = "ecm")$trace, tolerance = 1e-9)
})

test_that("the observed-data log-likelihood rises under every structure", {
  x <- holed(300, share = 0.35)
  for (structure in law_structures) {
    loglik <- missing_run(x, structure, 60)$trace$loglik
    expect_gte(min(diff(loglik)), -1e-10 * (1 + max(abs(loglik))))
  }
})

test_that("complete data give the same numbers through the missing-value path", {
  x <- law_matrix(200, 3, 11)
  for (structure in law_structures) {
    fit <- law_run(list(family = em_gaussian(structure), start = many_start), x, 12)
    data <- unclass(fit$data)
    data$order <- withr_seed(3, sample(200))
    start <- list(items = list(list(parameters = lapply(fit$start, emfit:::bare_numbers), may_borrow = FALSE)))
    run <- emfit:::run_em(data, start, emfit:::fit_model(fit), fit$control)
    expect_equal(run$trace$loglik, fit$trace$loglik, tolerance = 1e-10, info = structure)
    expect_equal(unlist(run$parameters, use.names = FALSE), parameter_numbers(fit), tolerance = 1e-10,
                 info = structure)
  }
})

test_that("k = 1 with a monotone pattern is the closed form of the factored likelihood (Anderson 1957)", {
  x <- law_matrix(200, 2, 11)
  x[81:200, 2] <- NA
  fit <- quietly(em_fit(x, k = 1, control = em_control(tol = 0, max_iter = 300, n_start = 1, accelerate = FALSE)))
  slope <- cov(x[1:80, 1], x[1:80, 2]) / var(x[1:80, 1])
  rest <- mean((lm(x[1:80, 2] ~ x[1:80, 1])$residuals)^2)
  v <- mean((x[, 1] - mean(x[, 1]))^2)
  expect_equal(unname(fit$parameters$mean[1, ]),
               c(mean(x[, 1]), mean(x[1:80, 2]) + slope * (mean(x[, 1]) - mean(x[1:80, 1]))), tolerance = 1e-7)
  expect_equal(unname(fit$parameters$covariance[, , 1]),
               rbind(c(v, slope * v), c(slope * v, rest + slope^2 * v)), tolerance = 1e-6)
})

test_that("k = 1 agrees with norm, k = 2 with MGMM, to 1e-5", {
  # norm 1.0-11.1: em.norm(prelim.norm(airquality[1:4]), criterion = 1e-13, maxits = 1e5)
  mean <- c(41.8711730196, 184.84680625, 9.95751633987, 77.8823529412)
  covariance <- c(1044.01864306, 942.529841813, -64.6359276937, 209.563502826, 942.529841813, 8090.70166121,
                  -17.3353803413, 238.073311327, -64.6359276937, -17.3353803413, 12.3304173608, -15.1723183391,
                  209.563502826, 238.073311327, -15.1723183391, 89.0057670127)
  fit <- quietly(em_fit(airquality[1:4], k = 1, control = em_control(tol = 0, max_iter = 200, n_start = 1)))
  expect_equal(as.vector(fit$parameters$mean), mean, tolerance = 1e-9)
  expect_equal(as.vector(fit$parameters$covariance), covariance, tolerance = 1e-9)

  # MGMM 1.0.1.3: FitGMM(x, k = 2, eps = 1e-15, maxit = 1e4) from the same start
  x <- with_holes(faithful, 0.1)
  fit <- em_fit(x, na.action = na.pass, control = em_control(tol = 0, max_iter = 300, accelerate = FALSE),
                start = list(mean = rbind(c(2, 55), c(4.3, 80)), covariance = diag(c(0.1, 36))))
  expect_equal(unname(fit$parameters$proportions), c(0.355614112542, 0.644385887458), tolerance = 1e-9)
  expect_equal(as.vector(fit$parameters$mean), c(2.02293877076, 4.30286253848, 54.5883746262, 79.8717361741),
               tolerance = 1e-9)
  expect_equal(as.vector(fit$parameters$covariance),
               c(0.0637589088433, 0.415157072969, 0.415157072969, 32.405574914, 0.167686056435, 0.90479293753,
                 0.90479293753, 36.369240709), tolerance = 1e-9)
})

test_that("outputs keep all rows in the user's order", {
  x <- holed(80)
  x[c(5, 60), ] <- NA
  rownames(x) <- paste0("row", 1:80)
  fit <- missing_run(x, "VVV", 3)
  joint <- missing_log_joint(unname(x), reference_parameters(fit$parameters, 3, 3))
  expect_equal(unname(predict(fit, type = "logdensity")), reference_row_loglik(joint), tolerance = 1e-10)
  expect_equal(unname(predict(fit, type = "prob")), exp(joint - reference_row_loglik(joint)), tolerance = 1e-10)
  expect_equal(predict(fit, x, type = "prob"), predict(fit, type = "prob"))
  expect_equal(predict(fit, x[9:3, ], type = "density"), predict(fit, type = "density")[9:3])
  expect_identical(names(predict(fit)), rownames(x))
  expect_equal(fit$loglik, sum(reference_row_loglik(joint)[-c(5, 60)]), tolerance = 1e-12)
  component <- predict(fit, type = "component")
  expect_equal(unname(component[, 2]), exp(missing_log_density(unname(x), fit$parameters$mean[2, ],
                                                              fit$parameters$covariance[, , 2])), tolerance = 1e-10)
  i <- withr_seed(2, sample(80))
  expect_equal(predict(missing_run(x[i, ], "VVV", 3), type = "prob"), predict(fit, type = "prob")[i, ],
               tolerance = 1e-9)
  expect_identical(is.na(residuals(fit)), is.na(x))
  expect_false(anyNA(fitted(fit)))
  expect_identical(dim(simulate(fit, seed = 1)[[1]]), c(80L, 3L))
})

test_that("a row with nothing observed changes nothing and is told of", {
  x <- holed(80)
  with <- rbind(x[1:40, ], NA, x[41:80, ])
  fit <- missing_run(with, "VVV", 20)
  expect_equal(parameter_numbers(fit), parameter_numbers(missing_run(x, "VVV", 20)), tolerance = 1e-12)
  expect_identical(nobs(fit), 80)
  expect_equal(predict(fit, type = "prob")[41, ], fit$parameters$proportions)
  expect_equal(predict(fit, type = "logdensity")[41], 0)
  expect_match(format(fit)[2], fixed = TRUE,
               sprintf("81 observations, 3 variables, %d with missing values, 1 with nothing observed not counted",
                       sum(!complete.cases(x))))
  new <- predict(fit, rbind(c(NA, NA, NA), c(1, NA, NA)), type = "prob")
  expect_equal(new[1, ], fit$parameters$proportions)
})

test_that("na.action: one message, silence, fewer rows or an error", {
  expect_message(em_fit(airquality[1:4], k = 1), "44 missing values in 42 of 153 rows (Ozone 37, Solar.R 7)",
                 class = "emfit_message_missing", fixed = TRUE)
  told <- character()
  withCallingHandlers(em_fit(~ Ozone + Temp, data = airquality, k = 2, control = em_control(max_iter = 2, tol = 0)),
                      emfit_message = function(m) {
                        told <<- c(told, conditionMessage(m))
                        invokeRestart("muffleMessage")
                      })
  expect_length(told, 1)
  expect_silent(em_fit(airquality[1:4], k = 1, na.action = na.pass))
  omitted <- em_fit(airquality[1:4], k = 1, na.action = na.omit)
  expect_equal(omitted$data$n, 111L)
  expect_equal(unname(omitted$parameters$mean[1, ]), unname(colMeans(na.omit(airquality[1:4]))))
  excluded <- em_fit(airquality[1:4], k = 1, na.action = na.exclude)
  expect_identical(unname(is.na(predict(excluded, type = "logdensity"))), !complete.cases(airquality[1:4]))
  expect_error(em_fit(airquality[1:4], k = 1, na.action = na.fail), "42 rows (5, 6, 10, 11, 25, ... (37 more))",
               class = "emfit_error_missing", fixed = TRUE)
  expect_error(em_fit(airquality[1:4], k = 1, na.action = mean), class = "emfit_error_argument")
  expect_error(em_fit(cbind(a = 1:9 + 0, b = NA), k = 1), "no observed value in column \"b\"",
               class = "emfit_error_missing")
  expect_error(em_fit(rep(NA_real_, 9), k = 1), "no observed value", class = "emfit_error_missing")
  expect_error(em_fit(cbind(c(1, 2, NA, 4), c(3, Inf, 1, 2)), k = 1), "`x[2, 2]` is Inf", class = "emfit_error_input",
               fixed = TRUE)
  expect_error(em_fit(cbind(c(1, 2, NA, 4), c(3, NaN, 1, 2)), k = 1), "`x[2, 2]` is NaN", class = "emfit_error_input",
               fixed = TRUE)
})

test_that("collinear, constant and unidentified columns are found among missing values", {
  x <- holed(100)
  expect_error(quietly(em_fit(cbind(x, d = x[, 1] + x[, 2]), k = 2)), "Column \"d\" is a linear combination",
               class = "emfit_error_input")
  expect_error(quietly(em_fit(cbind(x, d = ifelse(1:100 > 50, NA, 4)), k = 2)), "Column \"d\" is constant",
               class = "emfit_error_input")
  apart <- cbind(a = ifelse(1:100 > 50, NA, x[, 1]), b = ifelse(1:100 > 50, x[, 2], NA))
  expect_warning(quietly(em_fit(apart, k = 1)), "\"a\" and \"b\" are never observed in the same row",
                 class = "emfit_warning_unidentified")
  expect_silent(em_fit(apart, k = 1, family = em_gaussian("VVI"), na.action = na.pass))
})

test_that("weight 2 is the row twice, weight 0 the row absent", {
  x <- holed(100)
  w <- rep(c(1, 2, 0, 3, 1), 20)
  for (structure in c("VVV", "EEE", "VEI")) {
    weighted <- missing_run(x, structure, 12, weights = w)
    replicated <- missing_run(x[rep(1:100, w), ], structure, 12)
    expect_same_parameters(weighted, replicated)
    expect_equal(BIC(weighted), BIC(replicated), tolerance = 1e-10)
  }
})

test_that("threads, units and offsets", {
  x <- holed(9000)
  one <- missing_run(x, "VVV", 3, control = list(threads = 1))
  two <- missing_run(x, "VVV", 3, control = list(threads = 2))
  expect_identical(two$trace, one$trace)
  expect_identical(parameter_numbers(two), parameter_numbers(one))
  x <- x[1:150, ]
  base <- missing_run(x, "VVV", 8)
  move <- function(b, s) {
    missing_run((x + b) * s, "VVV", 8, list(proportions = many_start$proportions, mean = (many_start$mean + b) * s,
                                            covariance = diag(3) * s^2))
  }
  for (s in c(1e-150, 1e-9, 1e9, 1e150)) {
    expect_equal(move(0, s)$loglik, base$loglik - sum(!is.na(x)) * log(s), tolerance = 1e-9)
  }
  far <- move(1e8, 1)
  expect_equal(far$parameters$covariance, base$parameters$covariance, tolerance = 1e-6)
  expect_equal(far$loglik, base$loglik, tolerance = 1e-6)
})

test_that("more patterns than are kept give the same numbers", {
  x <- with_holes(withr_seed(1, matrix(rnorm(1500 * 30), 1500)), 0.3)
  p <- list(proportions = c(0.3, 0.3, 0.4), mean = rbind(0, 1, rep(c(-1, 1), 15)), covariance = diag(30) + 0.3)
  start <- em_start(x, 3, start = p)
  step <- em_estep(x, start)
  expect_equal(step$loglik, missing_loglik(x[1:1500, ], start), tolerance = 1e-12)
  next_step <- em_mstep(x, step, start)
  halves <- lapply(list(1:700, 701:1500), function(i) {
    data <- emfit:::em_data(x[i, ], em_gaussian())
    emfit:::expect_em(data, start, emfit:::parameters_model(start), "statistics")$statistics
  })
  data <- emfit:::em_data(x, em_gaussian())
  whole <- emfit:::maximise_em(data, Reduce(`+`, halves), start, emfit:::parameters_model(start), "em")
  expect_equal(unname(next_step$covariance), whole$covariance, tolerance = 1e-10)
})

test_that("a start by responsibilities or partition, and one step at a time", {
  x <- as.matrix(with_holes(iris[1:4], 0.1))
  by_species <- quietly(em_fit(x, k = 3, start = iris$Species))
  expect_true(by_species$converged)
  r <- predict(by_species, type = "prob")
  expect_gt(mean(levels(iris$Species)[max.col(r)] == iris$Species), 0.95)
  start <- list(mean = rbind(c(5, 3.4, 1.5), c(6, 2.8, 4.3), c(6.6, 3, 5.5)), covariance = diag(3) / 2)
  fit <- missing_run(x[, 1:3], "VVV", 6, start, control = list(path = TRUE))
  p <- em_start(x[, 1:3], start = start)
  for (i in 1:6) p <- em_mstep(x[, 1:3], em_estep(x[, 1:3], p), p)
  expect_equal(unlist(lapply(p[1:3], as.numeric), use.names = FALSE), parameter_numbers(fit), tolerance = 1e-12)
  for (method in c("kmeans++", "random", "partition")) {
    fit <- withr_seed(1, quietly(em_fit(x, k = 2, start = method)))
    expect_true(is.finite(fit$loglik))
  }
})

test_that("the gradient is zero at the maximum and the information that of the observed cells", {
  x <- holed(150, 2)
  fit <- quietly(em_fit(x, k = 2, control = em_control(tol = 1e-12, max_iter = 5000)))
  score <- emfit:::score_em(unclass(fit$data), fit$parameters, emfit:::fit_model(fit), "scores")
  expect_lt(max(abs(score$gradient)), 1e-4)
  expect_equal(colSums(score$scores), score$gradient, tolerance = 1e-6)
})

test_that("binomial rows with a missing count keep their place and count for nothing", {
  counts <- rbind(law_counts(40, 13), c(NA, 3), c(2, NA))
  fit <- quietly(em_fit(counts, k = 2, family = em_binomial(), start = list(prob = c(0.3, 0.7))))
  without <- em_fit(counts[1:40, ], k = 2, family = em_binomial(), start = list(prob = c(0.3, 0.7)))
  expect_equal(parameter_numbers(fit), parameter_numbers(without), tolerance = 1e-12)
  expect_identical(nobs(fit), 40)
  expect_equal(unname(predict(fit, type = "prob")[41, ]), unname(fit$parameters$proportions))
  expect_lt(abs(predict(fit, type = "logdensity")[42]), 1e-15)
  expect_identical(is.na(residuals(fit)), rep(c(FALSE, TRUE), c(40, 2)))
  expect_match(format(fit)[2], "2 with missing counts not counted")
  expect_message(em_fit(counts, k = 1, family = em_binomial()), "missing counts in 2 of 42 rows (41, 42)",
                 class = "emfit_message_missing", fixed = TRUE)
  expect_equal(predict(fit, rbind(c(NA, 1), c(3, 4)), type = "prob")[1, ], fit$parameters$proportions)
  expect_identical(is.na(simulate(fit, seed = 1)[[1]][[1]]), rep(c(FALSE, TRUE), c(40, 2)))
})

test_that("every picture takes a fit with missing values", {
  file <- tempfile(fileext = ".pdf")
  grDevices::pdf(file)
  on.exit(grDevices::dev.off())
  fit <- quietly(em_fit(airquality[1:3], k = 2, start = "kmeans++"))
  expect_no_error(for (type in c("density", "cluster", "pairs", "trace")) plot(fit, type = type))
})

test_that("a start outside a diagonal structure is scored as it stands, with missing cells and without", {
  x <- law_matrix(150, 3, 11)
  sigma <- diag(3) + 0.5
  start <- list(mean = rbind(c(0, 0, 0), c(3, -1, 0)), covariance = sigma)
  scored <- function(x) {
    joint <- vapply(1:2, function(j) apply(x, 1, function(row) {
      at <- !is.na(row)
      z <- row[at] - start$mean[j, at]
      log(0.5) - (sum(at) * log(2 * pi) + log(det(sigma[at, at, drop = FALSE])) +
                    sum(z * solve(sigma[at, at, drop = FALSE], z))) / 2
    }), numeric(nrow(x)))
    sum(log(rowSums(exp(joint))))
  }
  holes <- x
  holes[cbind(c(1, 7, 7, 30), c(2, 1, 3, 1))] <- NA
  for (data in list(x, holes)) {
    for (structure in c("VVI", "EEI", "VII", "EEE")) {
      fit <- em_fit(data, family = em_gaussian(structure), start = start, na.action = na.pass,
                    control = em_control(tol = 1e-8))
      expect_equal(fit$trace$loglik[1], scored(data), tolerance = 1e-12, label = structure)
      expect_identical(fit$status, "converged", label = structure)
      expect_gte(min(diff(fit$trace$loglik[-1])), -1e-9)
    }
  }
})

test_that("the forms about the centre give the step that the exact form gives, in thin patterns and fat ones", {
  sizes <- list(c(n = 600, d = 3), c(n = 500, d = 20), c(n = 260, d = 9))
  for (size in sizes) {
    d <- size[["d"]]
    x <- withr_seed(d, matrix(rnorm(size[["n"]] * d), ncol = d) %*% (diag(d) + 0.2) + 5)
    patterns <- withr_seed(1, matrix(runif(120 * d) < 0.15, 120))
    of <- c(rep(1:3, each = 60), withr_seed(2, sample(120, size[["n"]] - 180, TRUE)))
    x[patterns[of, ]] <- NA
    w <- rep(c(1, 0.5, 2, 1), length.out = nrow(x))
    start <- list(proportions = c(0.3, 0.7), mean = rbind(rep(4.5, d), rep(c(5, 6), length.out = d)), covariance = diag(d) + 0.3)
    for (structure in c("VVV", "EEE", "VVI")) {
      at <- start
      if (structure == "VVI") at$covariance <- diag(seq(0.5, 2, length.out = d))
      for (family in list(em_gaussian(structure), em_t(structure, df = 7))) {
        given <- if (inherits(family, "em_family_t")) c(at, list(df = c(7, 7))) else at
        control <- em_control(max_iter = 1, tol = 0)
        fit <- em_fit(x, family = family, start = given, weights = w, control = control, na.action = na.pass)
        data <- emfit:::em_data(x, family, w)
        p <- quietly(em_start(x, family = family, start = given))
        model <- emfit:::parameters_model(p)
        p <- emfit:::maximise_em(data, emfit:::expect_em(data, p, model, "statistics")$statistics, p, model, "em")
        for (field in c("mean", "covariance", if (inherits(family, "em_family_t")) "df")) {
          expect_equal(as.numeric(fit$parameters[[field]]), as.numeric(p[[field]]), tolerance = 1e-11,
                       label = paste(structure, d, family$name, field))
        }
      }
    }
  }
})

test_that("one covariance for all, whose rows share their factor, agrees with the oracle near and far", {
  x <- holed(700, share = 0.25)
  x[7, ] <- NA
  w <- rep(c(0.5, 1, 2, 0), 175)
  start <- many_start
  start$proportions <- c(0.9 * start$proportions, 0.1)
  sides <- apply(x[w > 0, ], 2, function(column) diff(range(column, na.rm = TRUE)))
  fit <- missing_run(x, "EEE", 2, start, weights = w, latent = em_mixture(noise = TRUE))
  oracle <- combined_em(x, 3, "EEE", start, n_iter = 2, weights = w, log_noise = -drop(!is.na(x)) %*% log(sides))
  expect_equal(fit$trace$loglik, oracle$trace, tolerance = 1e-10)
  expect_equal(unname(fit$parameters$covariance), oracle$parameters$covariance, tolerance = 1e-9)
  # Groups so far apart that differences about the common centre would lose their digits
  far <- holed(90)
  shift <- rep(c(0, 3e5, 7e5), each = 30)
  start <- list(proportions = rep(1, 3) / 3, mean = matrix(rep(c(0, 3e5, 7e5), 3), 3), covariance = diag(3))
  # They are told to be narrow beside the data, which is no matter here.
  fit <- suppressWarnings(missing_run(far + shift, "EEE", 3, start), classes = "emfit_warning_collapse")
  oracle <- combined_em(far + shift, 3, "EEE", start, n_iter = 3)
  expect_equal(fit$trace$loglik, oracle$trace, tolerance = 1e-10)
  expect_equal(unname(fit$parameters$covariance), oracle$parameters$covariance, tolerance = 1e-8)
})

test_that("patterns are told apart beyond thirty columns, and sorted as the columns would be", {
  x <- withr_seed(3, matrix(rnorm(400 * 65), 400))
  x[withr_seed(4, matrix(runif(400 * 65) < 0.02, 400))] <- NA
  x[5, 1:40] <- NA
  x[9, ] <- x[5, ]
  order <- emfit:::order_by_pattern(x)
  expect_identical(order, do.call(base::order, c(lapply(1:65, function(j) is.na(x[, j])), method = "radix")))
  expect_identical(emfit:::count_patterns(x, order), nrow(unique(is.na(x))))
  gaps <- emfit:::count_gaps(x)
  expect_equal(gaps$in_column, colSums(is.na(x)))
  expect_equal(gaps$in_row, rowSums(is.na(x)))
})

test_that("nothing of the size of the data is made to look at missing cells", {
  skip_if_not(capabilities("profmem"))
  x <- with_holes(withr_seed(1, matrix(rnorm(20000 * 12), 20000)), 0.01)
  file <- tempfile()
  on.exit(unlink(file))
  utils::Rprofmem(file, threshold = 0.4 * 8 * length(x))
  quietly(emfit:::em_data(x, em_gaussian()))
  utils::Rprofmem(NULL)
  expect_identical(sum(grepl("^[0-9]", readLines(file))), 0L)
})
