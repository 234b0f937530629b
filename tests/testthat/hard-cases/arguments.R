# Every other argument of em_fit() and its helpers.

# ---- k ----
fails("k = 0", em_fit(two, 0), "argument", "`k` must be a whole number of 1 or more, not 0.")
fails("k = -1", em_fit(two, -1), "argument", "`k`", "not -1.")
fails("k = 1.5", em_fit(two, 1.5), "argument", "`k`", "not 1.5.")
fails("k = NA", em_fit(two, NA), "argument", "`k`", "not NA.")
fails("k = NaN", em_fit(two, NaN), "argument", "`k`", "not NaN.")
fails("k = Inf", em_fit(two, Inf), "argument", "`k`", "not Inf.")
fails("k = 1e10", em_fit(two, 1e10), "argument", "`k`", "not 10000000000.")
fails("k = \"2\"", em_fit(two, "2"), "argument", "`k`", "not \"2\".")
fails("k = c(2, 3)", em_fit(two, c(2, 3)), "argument", "`k`", "not a numeric of length 2.")
fails("k = TRUE", em_fit(two, TRUE), "argument", "`k`", "not TRUE.")
fails("k = list(2)", em_fit(two, list(2)), "argument", "`k`", "not a list of length 1.")
fails("k a factor", em_fit(two, factor(2)), "argument", "`k`", "not a factor.")
fails("k = 2i", em_fit(two, 2i), "argument", "`k`", "not 0+2i.")
fails("no k", em_fit(two), "argument", "`k` must say how many components there are")
gives("k = 2L", em_fit(two, 2L)$k, 2L)
gives("k = 1: the closed form", em_fit(one, 1)$parameters$sd, c("1" = sqrt(mean((one - mean(one))^2))), 1e-14)
gives("k = 1: one iteration", em_fit(two, 1)$trace$iteration, 0:1)
gives("k = 1: responsibilities", range(predict(em_fit(two, 1), type = "prob")), c(1, 1))
gives("k = 1: uncertainty", range(predict(em_fit(two, 1), type = "uncertainty")), c(0, 0))
gives("k = 1, d = 1: all methods", {
  fit <- em_fit(one, 1)
  c(logLik(fit) == fit$loglik, nobs(fit) == 272, length(coef(fit)) == 3L,
    all(fitted(fit) == fit$parameters$mean),
    all(residuals(fit) == one - fit$parameters$mean), length(simulate(fit)[[1]][[1]]) == 272L,
    levels(predict(fit)) == "1", nrow(as.data.frame(fit)) == 3L, length(format(fit)) > 4L)
}, rep(TRUE, 9))

# ---- names of arguments ----
fails("K = 3", em_fit(two, K = 3), "argument", "Unknown argument `K`", "It is called `k` here: k = 3.")
fails("maxit = 5", em_fit(two, 2, maxit = 5), "argument", "Unknown argument `maxit`",
      "em_control(max_iter = 5)")
fails("max_iter = 5 outside control", em_fit(two, 2, max_iter = 5), "argument", "`max_iter` is a setting",
      "em_control(max_iter = )")
fails("covariance = outside the family", em_fit(two, 2, covariance = "EEE"), "argument",
      "`covariance` is part of the family: family = em_gaussian(covariance = ).")
fails("noise = outside the mixture", em_fit(two, 2, noise = TRUE), "argument", "latent = em_mixture(noise = )")
fails("n_start = outside control", em_fit(two, 2, n_start = 50), "argument", "control = em_control(n_start = )")
fails("G = 2, a letter near to nothing", em_fit(two, G = 2), "argument", "Unknown argument `G`.", "k = 2")
fails("an argument like no other", em_fit(two, 2, fudge = 1), "argument", "Unknown argument `fudge`.")
fails("weight = ", em_fit(two, 2, weight = 1, weights = NULL), "argument", "Unknown argument `weight`",
      "\"weights\"")
fails("too many arguments", do.call(em_fit, c(list(two, 2), rep(list(NULL), 20))), "argument")
fails("a setting that isn't one", em_control(maxiter = 5), "argument", "Unknown argument `maxiter`",
      "max_iter = 5")
fails("a misspelt setting in a list", em_fit(two, 2, control = list(tolerance = 1)), "argument",
      "Unknown argument `tolerance`", "tol = 1")
fails("predict with a stranger", predict(fit2, two, "prob", tpye = 1), "argument", "Unknown argument `tpye`",
      "\"type\"")

# ---- control ----
fails("control = 5", em_fit(two, 2, control = 5), "argument",
      "`control` must be a call of em_control(), not 5.")
fails("control without names", em_fit(two, 2, control = list(1)), "argument", "`control`",
      "not a list of length 1")
fails("tol = -1", em_control(tol = -1), "argument", "`tol` must be a number of 0 or more, not -1.")
fails("tol = NA", em_control(tol = NA), "argument", "`tol`", "not NA.")
fails("tol = Inf", em_control(tol = Inf), "argument", "`tol`", "not Inf.")
fails("tol = \"a\"", em_control(tol = "a"), "argument", "`tol`", "not \"a\".")
fails("max_iter = -1", em_control(max_iter = -1), "argument",
      "`max_iter` must be a whole number of 0 or more, not -1.")
fails("max_iter = NA", em_control(max_iter = NA), "argument", "`max_iter`", "not NA.")
fails("n_start = 0", em_control(n_start = 0), "argument",
      "`n_start` must be a whole number of 1 or more, not 0.")
fails("threads = 0", em_control(threads = 0), "argument", "`threads`", "not 0.")
fails("stop = \"never\"", em_control(stop = "never"), "argument",
      "`stop` must be \"loglik\" or \"parameters\"")
fails("algorithm = \"scem\"", em_control(algorithm = "scem"), "argument", "`algorithm`", "Did you mean")
fails("path = NA", em_control(path = NA), "argument", "`path` must be TRUE or FALSE, not NA.")
fails("accelerate = 1", em_control(accelerate = 1), "argument", "`accelerate` must be TRUE or FALSE, not 1.")
fails("verbose = \"yes\"", em_control(verbose = "yes"), "argument",
      "`verbose` must be TRUE or FALSE, not \"yes\".")
gives("control as a list", em_fit(two, start = fit2, control = list(tol = 0, max_iter = 3))$iterations, 3L)
gives("tol = 0 runs all iterations", em_fit(two, start = fit2, control = exactly(7))$trace$iteration, 0:7)
gives("max_iter = 0 scores the start",
      em_fit(one, start = near, control = exactly(0))$parameters[c("mean", "sd")],
      list(mean = c("1" = 4.3, "2" = 2), sd = c("1" = 0.4, "2" = 0.2)))
warns("max_iter = 2 is too few",
      em_fit(two, 2, start = rep(1:2, 136), control = em_control(max_iter = 2))$converged,
      "not_converged", "stopped after 2 iterations", "tol = 1e-06", value = FALSE)
gives("threads change nothing", coef(em_fit(two, 2, control = em_control(threads = 3))),
      coef(em_fit(two, 2, control = em_control(threads = 1))))

# ---- family, latent ----
fails("family = \"gausian\"", em_fit(two, 2, family = "gausian"), "argument", "not \"gausian\"",
      "Did you mean \"gaussian\"?")
fails("family = Gamma()", em_fit(two, 2, family = Gamma()), "argument", "`family` must be", "\"poisson\"")
fails("family = 3", em_fit(two, 2, family = 3), "argument", "`family` must be", "not 3.")
gives("a family of stats", em_fit(two, start = fit2, family = gaussian())$family, em_gaussian())
gives("a constructor", em_fit(two, start = fit2, family = em_gaussian)$family, em_gaussian())
fails("covariance = \"VVX\"", em_gaussian("VVX"), "argument", "not \"VVX\"", "There are EII",
      "Did you mean \"VVI\"?")
fails("covariance = 3", em_gaussian(3), "argument", "`covariance` must name a structure, not 3.")
fails("\"E\" in two dimensions", em_fit(two, 2, family = em_gaussian("E")), "argument", "`x` has 2 columns",
      "\"EII\" or \"EVV\"")
gives("three letters in one dimension",
      em_fit(one, start = near, family = em_gaussian("VVV"))$family$covariance, "V")
fails("latent = 3", em_fit(two, 2, latent = 3), "argument",
      "`latent` must be a call of em_mixture(), em_markov() or em_topics(), not 3.")
fails("proportions = \"fixed\"", em_mixture("fixed"), "argument",
      "`proportions` must be \"free\" or \"equal\", not \"fixed\".")
fails("proportions that sum to 1.1", em_mixture(c(0.5, 0.6)), "argument", "0.5, 0.6 and sum to 1.1.")
fails("a proportion of 0", em_mixture(c(1, 0)), "argument", "must be positive", "1, 0 and sum to 1.")
fails("a proportion of NA", em_mixture(c(NA, 1)), "argument", "must be positive", "NA, 1")
fails("three proportions for two", em_fit(two, 2, latent = em_mixture(c(0.2, 0.3, 0.5))), "argument",
      "k = 2, but 3 were given")
gives("proportions that say k", em_fit(two, latent = em_mixture(c(0.3, 0.7)))$parameters$proportions,
      c("1" = 0.3, "2" = 0.7))

# ---- weights ----
fails("three weights", em_fit(two, 2, weights = 1:3), "argument",
      "`weights` must have one number for each row: 272, not 3.")
fails("a negative weight", em_fit(two, 2, weights = replace(rep(1, 272), 4, -1)), "argument", "`weights`",
      "Row 4 has -1.")
fails("a weight of NA", em_fit(two, 2, weights = replace(rep(1, 272), 5, NA)), "argument", "`weights`",
      "Row 5 has NA.")
fails("a weight of Inf", em_fit(two, 2, weights = replace(rep(1, 272), 6, Inf)), "argument", "`weights`",
      "Row 6 has Inf.")
fails("all weights 0", em_fit(two, 2, weights = rep(0, 272)), "argument", "`weights` can't all be 0")
fails("weights in words", em_fit(two, 2, weights = rep("a", 272)), "argument",
      "`weights` must be numeric, not a character of length 272.")
fails("weights a factor", em_fit(two, 2, weights = factor(rep(1, 272))), "argument",
      "`weights` must be numeric, not a factor of length 272.")
gives("weight 0 is a row absent",
      coef(em_fit(two, start = fit2, weights = rep(0:1, c(72, 200)), control = exactly(5))),
      coef(em_fit(two[73:272, ], start = fit2, control = exactly(5))), 1e-12)
gives("a row of weight 0 has responsibilities",
      sum(predict(em_fit(two, start = fit2, weights = rep(0:1, c(72, 200))), type = "prob")[1, ]), 1, 1e-15)
gives("a row of weight 0 may be far away",
      em_fit(c(one, 1e100), start = near, weights = rep(1:0, c(272, 1)))$loglik, fit1$loglik, 1e-9)
gives("whole-number weights are repeated rows",
      em_fit(one, start = near, weights = rep(1:4, 68), control = exactly(5))$loglik,
      em_fit(rep(one, rep(1:4, 68)), start = near, control = exactly(5))$loglik, 1e-10)
gives("weights that sum to 1",
      em_fit(one, start = near, weights = rep(1 / 272, 272), control = tight)$parameters$mean,
      em_fit(one, start = near, control = tight)$parameters$mean, 1e-8)
gives("weights of 1e-9", em_fit(one, start = near, weights = rep(1e-9, 272), control = tight)$parameters$mean,
      em_fit(one, start = near, control = tight)$parameters$mean, 1e-8)
gives("weights of 1e6", em_fit(one, start = near, weights = rep(1e6, 272), control = tight)$parameters$mean,
      em_fit(one, start = near, control = tight)$parameters$mean, 1e-8)
gives("integer weights", em_fit(one, start = near, weights = rep(1L, 272))$loglik, fit1$loglik)
gives("BIC counts the weights", BIC(em_fit(one, start = near, weights = rep(2, 272))),
      -4 * fit1$loglik + 5 * log(544), 1e-9)
