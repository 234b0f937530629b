# Student components.

precise <- em_control(tol = 1e-13, max_iter = 20000)

two_heavy <- function(n, seed) withr_seed(seed, c(rt(n, 3), 9 + 2 * rt(n / 2, 5)))

t_loglik <- function(x, proportions, mean, sd, df) {
  sum(log(rowSums(mapply(function(p, m, s, nu) p * dt((x - m) / s, nu) / s, proportions, mean, sd, df))))
}

test_that("k = 1 is MASS::fitdistr(), with its standard errors", {
  skip_if_not_installed("MASS")
  x <- withr_seed(1, 1 + 2 * rt(500, 4))
  fit <- em_fit(x, 1, "t", control = precise)
  peer <- suppressWarnings(MASS::fitdistr(x, "t"))
  expect_equal(unname(unlist(fit$parameters)[-1]), unname(peer$estimate), tolerance = 1e-3)
  expect_gte(fit$loglik, peer$loglik - 1e-9)
  expect_equal(unname(sqrt(diag(vcov(fit)))), unname(peer$sd), tolerance = 1e-3)
})

test_that("two components are where optim() finds the maximum, with its standard errors", {
  x <- two_heavy(600, 2)
  fit <- withr_seed(1, em_fit(x, 2, "t", control = precise))
  p <- fit$parameters
  negative <- function(t) -t_loglik(x, c(plogis(t[1]), plogis(-t[1])), t[2:3], exp(t[4:5]), exp(t[6:7]))
  at <- unname(c(qlogis(p$proportions[[1]]), p$mean, log(p$sd), log(p$df)))
  found <- optim(at + 0.05, negative, method = "BFGS", control = list(reltol = 1e-15, maxit = 2000))
  expect_equal(fit$loglik, -found$value, tolerance = 1e-10)
  expect_equal(found$par, at, tolerance = 1e-3)
  errors <- sqrt(diag(solve(optimHess(at, negative))))
  expect_equal(unname(sqrt(diag(vcov(fit)))[3:8] / c(1, 1, p$sd, p$df)), errors[-1], tolerance = 1e-3)
})

test_that("as df grows it is the normal distribution, to 1e-9", {
  x <- as.matrix(faithful)
  parameters <- em_fit(x, 2, start = rep_len(1:2, 272), control = em_control(max_iter = 30))$parameters
  normal <- predict(em_fit(x, 2, start = parameters, control = em_control(max_iter = 0)), type = "logdensity")
  for (df in c(1e12, 1e15, 1e100)) {
    start <- c(unclass(parameters), list(df = rep(df, 2)))
    fit <- em_fit(x, 2, "t", start = start, control = em_control(max_iter = 0))
    expect_lt(max(abs(predict(fit, type = "logdensity") / normal - 1)), 1e-9)
  }
  held <- withr_seed(1, em_fit(x, 2, em_t(df = 1e14), control = precise))
  expect_equal(held$loglik, withr_seed(1, em_fit(x, 2, control = precise))$loglik, tolerance = 1e-11)
  expect_equal(held$df, 11)
})

test_that("all structures climb, have their free parameters and agree where they are the same", {
  x <- as.matrix(iris[1:4])
  control <- em_control(max_iter = 25, tol = 0, accelerate = FALSE)
  fits <- lapply(law_structures, function(name) em_fit(x, 3, em_t(name), start = as.integer(iris$Species), control = control))
  for (i in seq_along(fits)) {
    expect_gte(min(diff(fits[[i]]$trace$loglik)), -1e-9)
    expect_equal(fits[[i]]$df, reference_df(3, 4, law_structures[i]) + 3)
  }
  shared <- em_fit(x, 3, em_t("VVV", common = TRUE), start = as.integer(iris$Species), control = control)
  expect_identical(length(unique(unname(shared$parameters$df))), 1L)
  expect_equal(shared$df, fits[[14]]$df - 2)
})

test_that("gradients that standard errors come from are those of the likelihood, df own and common", {
  x <- two_heavy(200, 3)
  for (common in c(FALSE, TRUE)) {
    fit <- withr_seed(1, em_fit(x, 2, em_t("E", common = common), control = precise))
    p <- fit$parameters
    negative <- function(t) -t_loglik(x, c(plogis(t[1]), plogis(-t[1])), t[2:3], rep(exp(t[4]), 2), exp(rep(t[-(1:4)], length.out = 2)))
    at <- unname(c(qlogis(p$proportions[[1]]), p$mean, log(p$sd[1]), log(if (common) p$df[1] else p$df)))
    errors <- sqrt(diag(solve(optimHess(at, negative))))
    own <- sqrt(diag(vcov(fit)))
    expect_equal(unname(own[c("mean[1]", "mean[2]", "sd[1]", "df[1]")] / c(1, 1, p$sd[1], p$df[1])), errors[2:5], tolerance = 2e-3)
  }
})

test_that("far rows move Gaussian components and not these", {
  x <- withr_seed(4, rbind(matrix(rnorm(200), 100), matrix(rnorm(200, 6), 100)))
  far <- rbind(x, cbind(c(40, -30, 25, -45, 35, -20), c(-40, 35, 60, -25, 45, 50)))
  student <- withr_seed(1, em_fit(far, 2, "t"))
  gaussian <- withr_seed(1, em_fit(far, 2))
  truth <- rep(1:2, each = 100)
  agree <- function(fit) {
    class <- as.integer(predict(fit, type = "class"))[1:200]
    max(mean(class == truth), mean(class != truth))
  }
  expect_gt(agree(student), 0.99)
  expect_lt(agree(gaussian), 0.6)
})

test_that("degrees of freedom are held, together and one by one", {
  x <- two_heavy(200, 5)
  fit <- withr_seed(1, em_fit(x, 2, "t", fixed = list(df = c(3, NA))))
  expect_identical(fit$parameters$df[[1]], 3)
  expect_equal(fit$df, 6)
  all <- withr_seed(1, em_fit(x, 2, em_t(df = 4)))
  expect_identical(unname(all$parameters$df), c(4, 4))
  expect_equal(all$df, 5)
  expect_error(em_fit(x, 2, em_t(df = 4), fixed = list(df = c(3, NA))), "said twice", class = "emfit_error_fixed")
  expect_error(em_fit(x, 2, em_t(common = TRUE), fixed = list(df = c(3, NA))), "are common", class = "emfit_error_unsupported")
  expect_error(em_fit(x, 2, "t", fixed = list(mean = c(0, NA))), "means that are held", class = "emfit_error_unsupported")
  start <- list(mean = c(0, 9), sd = c(1, 1), df = c(3, 4))
  expect_error(em_fit(x, 2, em_t(common = TRUE), start = start), "must be the same", class = "emfit_error_start")
})

test_that("what can't be had is said", {
  expect_error(em_impute(suppressMessages(em_fit(c(1, NA, 3, 4, 9), 1, em_t(df = 4)))), class = "emfit_error_unsupported")
  for (bad in list(0, -1, NA_real_, c(1, 2), "a", Inf)) expect_error(em_t(df = bad), "`df` must be", class = "emfit_error_argument")
  expect_error(em_t(common = 1), "`common` must be", class = "emfit_error_argument")
  expect_error(em_t("ABC"), class = "emfit_error_argument")
  expect_output(print(em_t("EEE", common = TRUE)), "t components, tied covariance (EEE), common df", fixed = TRUE)
  expect_output(print(em_t(df = 4)), "df held at 4", fixed = TRUE)
})

test_that("pictures and draws are those of t distributions", {
  x <- two_heavy(300, 6)
  fit <- withr_seed(1, em_fit(x, 2, "t", control = em_control(path = TRUE)))
  curves <- plot_data(fit)$curves
  sum <- curves[is.na(curves$component), ]
  expect_equal(sum$density, as.vector(predict(fit, sum$x, type = "density")), tolerance = 1e-12)
  two <- withr_seed(1, em_fit(cbind(a = x, b = rev(x)), 2, em_t("VVV", df = 3), control = em_control(path = TRUE)))
  outline <- plot_data(two)$ellipses
  one <- outline[outline$component == "1" & outline$level == 0.95, ]
  distance <- mahalanobis(one[c("x", "y")], two$parameters$mean[1, ], two$parameters$covariance[, , 1])
  expect_equal(unname(distance), rep(2 * qf(0.95, 2, 3), length(distance)), tolerance = 1e-8)
  grDevices::png(tempfile(fileext = ".png"))
  for (type in c("density", "responsibility", "uncertainty", "qq", "path", "trace")) expect_no_error(plot(fit, type = type))
  for (type in c("cluster", "pairs", "uncertainty", "path")) expect_no_error(plot(two, type = type))
  grDevices::dev.off()
  if (requireNamespace("ggplot2", quietly = TRUE)) expect_no_error(ggplot2::autoplot(fit))
  if (requireNamespace("ggplot2", quietly = TRUE)) expect_no_error(ggplot2::autoplot(two))
  drawn <- withr_seed(2, simulate(em_fit(x, 1, em_t(df = 3)), 1, n = 20000))[[1]]
  p <- em_fit(x, 1, em_t(df = 3))$parameters
  expect_gt(ks.test((as.vector(unlist(drawn)) - p$mean) / p$sd, "pt", 3)$p.value, 1e-4)
})

test_that("em_select() tries structures of t components, and its call gives them back", {
  table <- withr_seed(1, em_select(faithful, k = 1:2, family = em_t(common = TRUE), covariance = c("EEE", "VVV")))
  top <- best(table)
  expect_s3_class(top$family, "em_family_t")
  expect_true(top$family$common)
  expect_identical(top$k, 2L)
})

with_holes <- function(x, seed) withr_seed(seed, {
  x <- as.matrix(x)
  x[cbind(sample(nrow(x), 40), sample(ncol(x), 40, replace = TRUE))] <- NA
  x
})

# What is seen of a row: its cells, and their centre and scale.
seen_of <- function(x, i, mean, scale) {
  o <- which(!is.na(x[i, ]))
  away <- x[i, o] - mean[o]
  list(o = o, p = length(o), delta = sum(away * solve(scale[o, o], away)), log_det = log(det(scale[o, o, drop = FALSE])),
       filled = { z <- mean; z[o] <- x[i, o]; m <- setdiff(seq_along(mean), o)
                  if (length(m)) z[m] <- mean[m] + scale[m, o, drop = FALSE] %*% solve(scale[o, o], away)
                  z },
       left = { out <- scale * 0; m <- setdiff(seq_along(mean), o)
                if (length(m)) out[m, m] <- scale[m, m] - scale[m, o, drop = FALSE] %*% solve(scale[o, o], scale[o, m, drop = FALSE])
                out })
}

t_margin <- function(seen, nu) {
  lgamma((nu + seen$p) / 2) - lgamma(nu / 2) - seen$p / 2 * log(nu * pi) - seen$log_det / 2 -
    (nu + seen$p) / 2 * log1p(seen$delta / nu)
}

test_that("with missing cells densities and one step are those of plain R, as EMMIX has them for complete rows", {
  x <- with_holes(iris[1:3], 1)
  start <- em_fit(iris[1:3], 2, em_t(df = 5), start = rep_len(1:2, 150), control = em_control(max_iter = 4, tol = 0))$parameters
  start$df <- c(3, 8)
  fit <- suppressMessages(em_fit(x, 2, em_t(), start = start, control = em_control(max_iter = 1, tol = 0, path = TRUE)))
  seen <- lapply(1:2, function(k) lapply(1:150, function(i) seen_of(x, i, start$mean[k, ], start$covariance[, , k])))
  log_density <- sapply(1:2, function(k) vapply(seen[[k]], t_margin, 0, nu = start$df[[k]]))
  joint <- exp(log_density) * rep(start$proportions, each = 150)
  expect_equal(fit$trace$loglik[1], sum(log(rowSums(joint))), tolerance = 1e-12)
  r <- joint / rowSums(joint)
  for (k in 1:2) {
    nu <- start$df[[k]]
    p <- vapply(seen[[k]], `[[`, 0L, "p")
    u <- (nu + p) / (nu + vapply(seen[[k]], `[[`, 0, "delta"))
    filled <- t(sapply(seen[[k]], `[[`, "filled"))
    mean <- colSums(r[, k] * u * filled) / sum(r[, k] * u)
    left <- Reduce(`+`, Map(function(s, r) r * s$left, seen[[k]], r[, k]))
    away <- filled - rep(mean, each = 150)
    expect_equal(unname(fit$parameters$mean[k, ]), unname(mean), tolerance = 1e-10)
    expect_equal(unname(fit$parameters$covariance[, , k]), unname((crossprod(away, r[, k] * u * away) + left) / sum(r[, k])),
                 tolerance = 1e-10)
    gap <- sum(r[, k] * (log(u) - u + digamma((nu + p) / 2) - log((nu + p) / 2))) / sum(r[, k])
    df <- uniroot(function(v) log(v / 2) - digamma(v / 2) + 1 + gap, c(1e-3, 1e5), tol = 1e-12)$root
    expect_equal(fit$parameters$df[[k]], df, tolerance = 1e-7)
  }
})

test_that("with missing cells all structures climb, standard errors are those of the likelihood, and df to infinity is normal", {
  x <- with_holes(iris[1:3], 2)
  x[7, ] <- NA
  control <- em_control(max_iter = 8, tol = 0, accelerate = FALSE)
  for (name in law_structures) {
    fit <- suppressMessages(em_fit(x, 2, em_t(name), start = rep(1:2, c(50, 100)), control = control))
    expect_gte(min(diff(fit$trace$loglik)), -1e-9)
  }
  expect_equal(fit$nobs, 149)
  expect_equal(unname(predict(fit, type = "prob")[7, ]), unname(fit$parameters$proportions))
  y <- with_holes(withr_seed(3, matrix(rt(200, 4), 100)), 4)
  one <- suppressMessages(em_fit(y, 1, em_t("VVV"), control = precise))
  negative <- function(at) {
    half <- matrix(c(exp(at[3]), at[4], 0, exp(at[5])), 2)
    -sum(vapply(which(rowSums(!is.na(y)) > 0), function(i) t_margin(seen_of(y, i, at[1:2], half %*% t(half)), exp(at[6])), 0))
  }
  half <- t(chol(one$parameters$covariance[, , 1]))
  at <- unname(c(one$parameters$mean, log(half[1, 1]), half[2, 1], log(half[2, 2]), log(one$parameters$df)))
  expect_equal(negative(at), -one$loglik, tolerance = 1e-11)
  slope <- vapply(1:6, function(i) { e <- replace(numeric(6), i, 1e-4); negative(at + e) - negative(at - e) }, 0) / 2e-4
  expect_lt(max(abs(slope)), 1e-3)
  errors <- sqrt(diag(solve(optimHess(at, negative))))
  expect_equal(unname(sqrt(diag(vcov(one)))[c(1, 2)]), errors[1:2], tolerance = 2e-3)
  expect_equal(unname(sqrt(diag(vcov(one)))[grepl("^df", rownames(vcov(one)))] / one$parameters$df), errors[6], tolerance = 5e-3)
  held <- suppressMessages(em_fit(x, 2, em_t(df = 1e14), start = rep(1:2, c(50, 100)), control = precise))
  normal <- suppressMessages(em_fit(x, 2, start = rep(1:2, c(50, 100)), control = precise))
  expect_equal(held$loglik, normal$loglik, tolerance = 1e-9)
})

test_that("missing cells take nothing from the others: far rows still count for little", {
  x <- withr_seed(5, rbind(matrix(rnorm(200), 100), matrix(rnorm(200, 6), 100), c(40, -40), c(-30, 35)))
  x[seq(1, 200, 7), 2] <- NA
  fit <- withr_seed(1, suppressMessages(em_fit(x, 2, em_t(common = TRUE))))
  class <- as.integer(predict(fit, type = "class"))[1:200]
  truth <- rep(1:2, each = 100)
  expect_gt(max(mean(class == truth), mean(class != truth)), 0.97)
})

test_that("where tails are no heavier than normal df grows, and that is said", {
  x <- qnorm(ppoints(200))
  fit <- em_fit(x, 1, "t")
  expect_gt(fit$parameters$df[[1]], 500)
  for (accelerate in c(FALSE, TRUE)) {
    far <- em_fit(x, 1, "t", control = em_control(tol = 0, max_iter = 500, accelerate = accelerate))
    expect_lte(far$parameters$df[[1]], 1e10)
  }
  flat <- withr_seed(1, em_fit(matrix(runif(3000), ncol = 3), 1, "t", control = em_control(tol = 0, max_iter = 300)))
  expect_identical(flat$parameters$df[[1]], 1e10)
  expect_equal(fit$loglik, em_fit(x, 1)$loglik, tolerance = 1e-5)
  expect_output(print(fit), "The data do not ask for tails heavier than normal in component 1: em_gaussian(\"V\") says the same.", fixed = TRUE)
  found <- em_diagnose(fit)
  expect_identical(as.character(found$status[found$check == "limit"]), "note")
  expect_match(found$remedy[found$check == "limit"], "em_gaussian", fixed = TRUE)
  heavy <- em_fit(two_heavy(300, 1)[1:300], 1, "t")
  expect_false(any(grepl("do not ask", format(heavy))))
  expect_false("limit" %in% em_diagnose(heavy)$check)
  expect_false(any(grepl("do not ask", format(em_fit(x, 1, em_t(df = 1e6))))))
})
