# What is given as `start`, here and in em_start(), em_estep() and em_mstep().

# ---- parameters ----
fails("no sd", em_fit(one, 2, start = list(mean = c(2, 4))), "start", "`start` must also hold \"sd\".")
fails("an empty list", em_fit(one, 2, start = list()), "start",
      "`start` must hold 'mean', 'sd', 'proportions'.")
fails("a list without names", em_fit(one, 2, start = list(1, 2)), "start",
      "`start` must hold 'mean', 'sd', 'proportions'.")
fails("a parameter that isn't one", em_fit(one, 2, start = list(means = c(2, 4), sd = c(1, 1))), "start",
      "It holds \"means\"", "\"mean\"")
fails("sd = 0", em_fit(one, 2, start = list(mean = c(2, 4), sd = c(1, 0))), "start",
      "`start$sd` must be positive: component 2 has 0.")
fails("sd = -1", em_fit(one, 2, start = list(mean = c(2, 4), sd = c(-1, 1))), "start",
      "`start$sd` must be positive: component 1 has -1.")
fails("a mean of NaN", em_fit(one, 2, start = list(mean = c(2, NaN), sd = c(1, 1))), "start",
      "`start$mean` must be finite: component 2 has NaN.")
fails("three means for two", em_fit(one, 2, start = list(mean = 1:3, sd = c(1, 1))), "start", "`start$mean`",
      "k = 2, but 3 were given")
fails("one sd for two", em_fit(one, 2, start = list(mean = c(2, 4), sd = 1)), "start", "`start$sd`",
      "k = 2, but 1 was given")
fails("means in words", em_fit(one, 2, start = list(mean = c("a", "b"), sd = c(1, 1))), "start",
      "`start$mean`", "not a character vector of length 2")
fails("proportions that sum to 2", em_fit(one, start = c(near, list(proportions = c(1, 1)))), "start",
      "1, 1 and sum to 2.")
fails("a negative proportion", em_fit(one, start = c(near, list(proportions = c(-0.1, 1.1)))), "start",
      "-0.1, 1.1 and sum to 1.")
fails("proportions against those held",
      em_fit(one, start = c(near, list(proportions = c(0.3, 0.7))), latent = em_mixture("equal")),
      "start", "`start$proportions` can't be 0.3, 0.7", "0.5, 0.5")
fails("two names for a component", em_fit(one, 2, start = list(mean = c(a = 2, b = 4), sd = c(a = 1, c = 1))),
      "start", "\"a\", \"b\"", "\"a\", \"c\" in `sd`")
fails("a name twice", em_fit(one, 2, start = list(mean = c(a = 2, a = 4), sd = c(1, 1))), "start",
      "two components named \"a\"")
gives("names in two orders",
      em_fit(one, start = list(mean = c(a = 2, b = 4), sd = c(b = 1, a = 0.5)),
             control = exactly(0))$parameters$sd,
      c(a = 0.5, b = 1))
fails("not positive definite",
      em_fit(two, 2, start = list(mean = both[1:2, ], covariance = matrix(c(1, 2, 2, 1), 2))), "start",
      "component 1 is not positive definite", "eigenvalue is -1.")
fails("the second not positive definite",
      em_fit(two, 2,
             start = list(mean = both[1:2, ],
                          covariance = array(c(diag(2), 0, 0, 0, 0), c(2, 2, 2)))), "start",
      "component 2 is not positive definite", "eigenvalue is 0.")
fails("not symmetric",
      em_fit(two, 2, start = list(mean = both[1:2, ], covariance = matrix(c(1, 0.5, 0, 1), 2))), "start",
      "component 1 is not symmetric")
fails("a covariance of the wrong size",
      em_fit(two, 2, start = list(mean = both[1:2, ], covariance = diag(3))), "start", "2 x 2",
      "not 3 x 3 x 2")
fails("means of the wrong size", em_fit(two, 2, start = list(mean = both[1:3, ], covariance = diag(2))),
      "start", "`start$mean`", "2 x 2, not 3 x 2")
fails("means that are no matrix", em_fit(two, 2, start = list(mean = c(1, 2), covariance = diag(2))), "start",
      "not a numeric vector of length 2")
fails("a covariance with NA", em_fit(two, 2, start = list(mean = both[1:2, ], covariance = diag(c(1, NA)))),
      "start", "`start$covariance` must be finite: component 1 has NA.")
fails("means of other columns",
      em_fit(two, 2, start = list(mean = cbind(a = 1:2, b = 1:2), covariance = diag(2))), "start",
      "(\"eruptions\", \"waiting\"), not \"a\", \"b\"")
gives("means with the columns turned",
      em_fit(two, start = list(mean = cbind(waiting = c(80, 50), eruptions = c(4, 2)), covariance = diag(2)),
                                              control = exactly(0))$parameters$mean["1", ], c(eruptions = 4,
                                                                                              waiting = 80))
warns("two components that start alike",
      em_fit(one, start = list(mean = c(2, 2), sd = c(1, 1)))$parameters$sd[["1"]], "coincide",
      "Components 1 and 2 of `start` coincide", value = sqrt(mean((one - mean(one))^2)))
warns("the third like the first", em_fit(one, start = list(mean = c(2, 3, 2), sd = c(1, 1, 1)))$k, "coincide",
      "Components 1 and 3", value = 3L)
warns("responsibilities all alike", em_fit(two, 2, start = matrix(0.5, 272, 2))$k, "coincide",
      "Components 1 and 2", value = 2L)

# ---- partitions and responsibilities ----
fails("twenty labels", em_fit(two, 2, start = rep(1:2, 10)), "start", "one label for each row: 272, not 20")
fails("one group for two", em_fit(two, 2, start = rep(1, 272)), "start", "group 2 has none")
fails("an empty level", em_fit(two, 2, start = factor(rep(1, 272), levels = 1:2)), "start",
      "group 2 has none")
fails("four groups for two", em_fit(two, 2, start = rep(1:4, 68)), "start", "labels from 1 to 2: row 3 has 3")
fails("a label of NA", em_fit(two, 2, start = replace(rep(1:2, 136), 4, NA)), "start", "row 4 is NA")
fails("a label of 1.5", em_fit(two, 2, start = replace(rep(1:2, 136), 9, 1.5)), "start", "row 9 has 1.5")
fails("two levels for three", em_fit(two, 3, start = rep(c("a", "b"), 136)), "start", "k = 3, but it has 2")
fails("a group of one row", em_fit(two, 2, start = factor(rep(c("a", "b"), c(271, 1)))), "start",
      "component 2 no covariance", "1 row", "2 variables")
gives("labels name the components", names(em_fit(one, start = ifelse(one > 3, "long", "short"))$counts),
      c("long", "short"))
gives("TRUE and FALSE are labels", names(em_fit(one, start = one > 3)$counts), c("FALSE", "TRUE"))
fails("responsibilities that sum to 2", em_fit(two, 2, start = matrix(1, 272, 2)), "start",
      "sum to 1: row 1 has 1, 1")
fails("a negative responsibility", em_fit(two, 2, start = matrix(c(-1, 2), 272, 2, byrow = TRUE)), "start",
      "row 1 has -1, 2")
fails("a responsibility of NA", em_fit(two, 2, start = replace(matrix(0.5, 272, 2), 7, NA)), "start",
      "row 7 has NA")
fails("responsibilities of 20 rows", em_fit(two, 2, start = matrix(0.5, 20, 2)), "start",
      "272 x 2, not 20 x 2")

# ---- methods, functions, fits, the rest ----
fails("start = \"kmean\"", em_fit(two, 2, start = "kmean"), "argument", "`start` must be",
      "Did you mean \"kmeans++\"?")
fails("start a data frame", em_fit(two, 2, start = two), "start", "not a data frame of length 2")
fails("start a symbol", em_fit(two, 2, start = quote(a)), "start", "not a name.")
fails("a function that fails", em_fit(two, 2, start = function(x, k) stop("out of luck")), "start",
      "out of luck")
fails("a function that gives one number", em_fit(two, 2, start = function(x, k) 5), "start",
      "one label for each row: 272, not 1")
gives("a function sees the data",
      em_fit(one, 2, start = function(x, k) 1 + (x[, 1] > 3))$parameters$mean[["1"]] < 3, TRUE)
fails("a fit of other k", em_fit(two, 3, start = fit2), "start", "k = 3, but 2 were given")
fails("a fit of other columns", em_fit(one, 2, start = fit2), "start", "It holds \"covariance\"")
gives("a fit of the same data stays", em_fit(two, start = fit2)$loglik, fit2$loglik, 1e-10)
gives("a start of one's own draws nothing", {
  before <- .Random.seed
  em_fit(two, start = fit2)
  identical(before, .Random.seed)
}, TRUE)
gives("the same seed, the same bits", {
  a <- em_fit(two, 3)
  set.seed(1)
  identical(coef(a), coef(em_fit(two, 3)))
}, TRUE)
gives("the kind of generator stays", {
  em_fit(two, 2)
  RNGkind()
}, RNGkind())
gives("5 + 5 iterations are 10", {
  half <- em_fit(one, start = near, control = exactly(5))
  coef(em_fit(one, start = half, control = exactly(5)))
}, coef(em_fit(one, start = near, control = exactly(10))))

# ---- single steps ----
fails("em_estep() of a number", em_estep(two, 3), "argument",
      "`parameters` must come from em_start(), em_mstep() or em_fit(), not 3.")
fails("em_estep() of too few columns", em_estep(one, fit2), "input", "the 2 columns of `parameters`, not 1")
fails("em_estep() of words", em_estep(iris, fit2), "newdata", "lacks columns")
fails("em_mstep() of 3 rows", em_mstep(two, matrix(0.5, 3, 2), fit2), "start", "`responsibilities`",
      "272 x 2, not 3 x 2")
fails("em_mstep() of one label", em_mstep(two, "a", fit2), "start", "`responsibilities`", "272, not 1")
fails("em_mstep() of nothing", em_mstep(two, NULL, fit2), "start", "`responsibilities`", "272, not 0")
fails("ecm without means", em_mstep(two, rep(1:2, 136), algorithm = "ecm"), "argument",
      "`parameters` must be given for algorithm = \"ecm\"")
fails("em_start() without k", em_start(two), "argument", "`k` must say")
fails("em_path() of a number", em_path(3), "argument", "`fit` must come from em_fit(), not 3.")
