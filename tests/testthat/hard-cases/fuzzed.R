# What tests/fuzz found: random inputs that once led to R's own errors, to a crash or to words that were wrong.
gives("labels that say nothing", em_fit(one, start = near, labels = rep(NA_integer_, 272))$loglik, fit1$loglik, 1e-9)
gives("labels of one component, and a row without data",
      suppressMessages(em_fit(c(NA, one), 1, labels = c(NA, rep(1L, 272))))$parameters$mean, c("1" = mean(one)), 1e-12)
gives("levels that are numbers of other components",
      names(em_fit(one, 4, labels = factor(c("1", "4", rep(NA, 270))))$counts), c("1", "4", "2", "3"))
fails("weights too large to add up", em_fit(one, 2, weights = rep(1e308, 272)), "argument",
      "`weights` add up to Inf", "weights / mean(weights)")
fails("weights too small to compute with", em_fit(one, 2, weights = rep(1e-300, 272)), "argument",
      "`weights` add up to 2.72e-298")
fails("all weight on one value", em_fit(c(1, 2, 3), 1, weights = c(1e60, 1e-30, 0)), "input",
      "`x` varies too little in the rows that count")
fails("more trials than doubles can count", em_fit(cbind(c(3, 1e300), 2), 1, "binomial"), "counts",
      "`x` has 1e+300 trials in all", "Row 2 has")
fails("a column constant where all are observed", em_fit(cbind(a = c(1, 2, 4, 7, NA, NA), b = c(5, 5, 5, 5, 6, 9)), 1,
                                                        na.action = na.pass), "input", "\"b\"",
      "varies too little in the rows that count")
fails("more rows to draw than there can be",
      em_bootstrap(em_fit(one, 1, weights = rep(1e8, 272)), 2), "argument", "add up to 2.72e+10", "\"weighted\"")
gives("starts of which only one is left to finish", {
  set.seed(3)
  x <- matrix(rexp(120)^6, 60)
  suppressWarnings(em_fit(x, 2, em_gaussian("EEV"), control = em_control(n_start = 1)))$k
}, 2L)
gives("standard errors where nothing is left to estimate", {
  fit <- suppressWarnings(em_fit(c(1, 2), 2, latent = em_mixture("equal"), start = list(mean = c(1, 2), sd = c(0.3, 0.3))))
  unname(is.na(diag(suppressWarnings(vcov(fit)))))
}, rep(TRUE, 4))
warns("rounding makes the log-likelihood fall", {
  set.seed(6)
  x <- cbind(rnorm(30), 1e15 * rnorm(30) + 1e15 * rep(0:1, 15))
  em_fit(x, 2, em_gaussian("VEV"), start = rep(1:2, 15), control = em_control(accelerate = FALSE))$status
}, "not_monotone", "Rounding made the log-likelihood fall by", "Standard deviations of the columns range from",
"update(fit, x = scale(fit$data$x))", value = "not_monotone")
gives("columns of 1e15 and 1e-3 to fill in", {
  set.seed(2)
  x <- cbind(1e15 * rnorm(40), 1e-3 * rnorm(40), rnorm(40))
  x[1:4, 1] <- x[3:6, 2] <- NA
  fit <- em_fit(x, 1, na.action = na.pass)
  anyNA(em_impute(fit)[[1]])
}, FALSE)
gives("noise beside columns that determine each other",
      em_fit(cbind(one, pi * one), 2, em_gaussian("VVI"), latent = em_mixture(noise = TRUE))$noise_volume,
      pi * diff(range(one))^2, 1e-12)
fails("noise, and numbers whose squares overflow", em_fit(both * 1e200, 2, latent = em_mixture(noise = TRUE)), "input",
      "Column \"eruptions\"", "Rescale it")
gives("noise at a scale of 1e150", {
  set.seed(3)
  x <- rbind(both, cbind(runif(30, 1, 6), runif(30, 35, 100)))
  fit <- em_fit(x * 1e150, 2, latent = em_mixture(noise = TRUE))
  fit$parameters$proportions[["noise"]] > 0.02 && fit$parameters$proportions[["noise"]] < 0.3
}, TRUE)
fails("a column that is missing in all rows that count",
      em_fit(cbind(a = 1:6, b = c(1, 3, 2, NA, NA, NA)), 1, weights = c(0, 0, 0, 1, 1, 1), na.action = na.pass), "missing",
      "no observed value in column \"b\"")
fails("labels against a probability that is held at 0",
      em_fit(cbind(c(3, 0, 5), c(1, 4, 0)), 2, "binomial", start = list(prob = c(0, 1)), labels = c(1, 1, 2),
             fixed = list(prob = c(0, NA))), "degenerate", "Some rows have density 0 in every component", "`fixed`")
gives("rows that a start makes impossible, and EM does not",
      is.finite(em_fit(cbind(c(3, 0, 5), c(1, 4, 0)), 2, "binomial", start = list(prob = c(0, 1)))$loglik), TRUE)
warns("standard errors where a component has no density", {
  fit <- fit2
  fit$parameters$covariance[, , 2] <- 1
  all(is.na(vcov(fit, type = "sandwich")))
}, "standard_error", "12 of 12 parameters have no standard error", value = TRUE)
