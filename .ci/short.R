# A short run of everything that reaches the core, for valgrind: .ci/run says R -d valgrind -f .ci/short.R.
suppressMessages(library(emfit))
few <- em_control(max_iter = 6, tol = 0, n_start = 1, threads = 2)
x <- as.matrix(iris[c(1:20, 51:70, 101:120), 1:4])
holes <- x
holes[cbind(c(3, 9, 30, 41), c(1, 4, 2, 3))] <- NA
for (structure in c("EII", "VVI", "EEE", "EVE", "VVV")) em_fit(x, 3, em_gaussian(structure), control = few)
invisible(em_fit(x[, 1], 2, control = few))
fit <- em_fit(x, 2, weights = rep(1:2, 30), labels = c(1, rep(NA, 58), 2), control = few)
gaps <- em_fit(holes, 2, control = few, na.action = na.pass)
coins2 <- em_fit(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial", control = em_control(n_start = 2))
for (one in list(fit, gaps, coins2)) {
  predict(one, type = "prob")
  if (is.null(one$data$labels)) suppressWarnings(vcov(one))
}
invisible(em_impute(gaps))
invisible(em_mstep(x, em_estep(x, fit), fit))
invisible(suppressWarnings(em_bootstrap(coins2, 8, threads = 1)))
tryCatch(emfit:::em_maximise_cpp(1, list(x = x), list(name = "gaussian", covariance = "VVV", k = 2L),
                                 list(name = "mixture", proportions = c(.5, .5), held = c(NaN, NaN)),
                                 c(list(proportions = c(.5, .5)), fit$parameters[-1]), "em"), error = function(e) NULL)
cat("short: done\n")
