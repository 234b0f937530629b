# Binomial data.
fails("more successes than trials", em_fit(c(5, 12, 3), 1, em_binomial(10)), "counts",
      "Row 2 has 12 successes out of 10 trials.")
fails("a negative count", em_fit(c(5, -1, 3), 1, em_binomial(10)), "counts", "can't have negative counts",
      "Row 2 has -1 successes")
fails("negative failures", em_fit(cbind(1:3, c(4, 5, -6)), 1, "binomial"), "counts",
      "can't have negative counts", "Row 3 has 3 successes and -6 failures.")
fails("half a success", em_fit(c(5, 1.5, 3), 1, em_binomial(10)), "counts", "whole numbers",
      "Row 2 has 1.5 successes")
fails("several bad rows", em_fit(c(11, 1, 12, 13), 1, em_binomial(10)), "counts", "Row 1 has 11",
      "3 rows are affected (1, 3, 4)")
fails("Inf successes", em_fit(c(5, Inf), 1, em_binomial(10)), "input", "`x[2]` is Inf")
fails("size = 2.5", em_binomial(2.5), "argument",
      "`size` must be NULL, whole numbers of 0 or more or the name of a column, not 2.5.")
fails("size = -1", em_binomial(-1), "argument", "`size`", "not -1.")
fails("size = \"\"", em_binomial(""), "argument", "`size`", "not \"\".")
fails("size = \"a\", a column that is not there", em_fit(data.frame(b = 1), 1, em_binomial("a")), "input", "\"a\"")
fails("size of no length", em_binomial(numeric()), "argument", "`size`", "not a numeric of length 0.")
fails("two sizes for three rows", em_fit(c(5, 1, 3), 1, em_binomial(c(10, 10))), "argument", "`size`",
      "3, not 2")
fails("no size", em_fit(c(5, 1, 3), 1, "binomial"), "input", "two columns, successes and failures, not 1",
      "em_binomial(size = )")
fails("three columns", em_fit(cbind(1:3, 4:6, 7:9), 1, "binomial"), "input", "successes and failures, not 3")
fails("two columns and a size", em_fit(cbind(1:3, 4:6), 1, em_binomial(10)), "input",
      "one column, the successes", "not 2")
fails("no trials at all", em_fit(cbind(c(0, 0), c(0, 0)), 1, "binomial"), "counts", "no trials in any row")
fails("a coin in words", em_fit(c("H", "T"), 1, em_binomial(1)), "input", "not a character vector")
fails("prob = 1.5", em_fit(3:4, 2, em_binomial(10), start = list(prob = c(0.5, 1.5))), "start",
      "between 0 and 1: component 2 has 1.5.")
fails("prob without a name", em_fit(3:4, 2, em_binomial(10), start = list(c(0.5, 0.6))), "start",
      "`start` must hold 'prob'")
fails("more components than rows", em_fit(5, 2, em_binomial(10)), "input",
      "Can't fit 2 components to 1 row (1 distinct)")
fails("successes that aren't in the data",
      em_fit(cbind(heads, nowhere) ~ 1, data = coins, k = 1, family = "binomial"), "input",
      "'nowhere' not found")

gives("one row of tosses", em_fit(5, 1, em_binomial(10))$parameters$prob, c("1" = 0.5))
gives("all successes", em_fit(cbind(5:7, 0), 1, "binomial")[c("loglik", "parameters")],
      list(loglik = 0, parameters = list(proportions = c("1" = 1), prob = c("1" = 1))))
gives("all failures", em_fit(cbind(0, 5:7), 1, "binomial")$parameters$prob, c("1" = 0))
gives("only 0 and 10: the global maximum", em_fit(rep(c(0, 10), 10), 2, em_binomial(10))$parameters,
      list(proportions = c("1" = 0.5, "2" = 0.5), prob = c("1" = 0, "2" = 1)), 1e-12)
gives("only 0 and 10: its log-likelihood", em_fit(rep(c(0, 10), 10), 2, em_binomial(10))$loglik, -20 * log(2),
      1e-12)
gives("rows without trials do not count", em_fit(cbind(c(5, 0, 3), c(3, 0, 2)), 1, "binomial")$nobs, 2)
gives("rows without trials keep their place",
      predict(em_fit(cbind(c(9, 0, 1, 9, 1), c(1, 0, 9, 1, 9)), 2, "binomial"), type = "prob")[2, ],
      c("1" = 0.5, "2" = 0.5), 1e-6)
gives("rows without trials have density 1",
      predict(em_fit(cbind(c(9, 0, 1, 9, 1), c(1, 0, 9, 1, 9)), 2, "binomial"), type = "logdensity")[2], 0, 1e-15)
gives("rows without trials are told",
      any(grepl("1 without trials not counted",
                format(em_fit(cbind(c(5, 0, 3), c(3, 0, 2)), 1, "binomial")))),
      TRUE)
gives("heads and tails are successes and size",
      coef(em_fit(cbind(heads, tails) ~ 1, data = coins, start = list(prob = c(0.6, 0.5)),
                  family = "binomial")),
      coef(em_fit(coins$heads, start = list(prob = c(0.6, 0.5)), family = em_binomial(10))))
gives("tallied rows are rows",
      coef(em_fit(rep(coins$heads, 7), start = list(prob = c(0.6, 0.5)), family = em_binomial(10),
                  control = exactly(5))),
      coef(em_fit(coins$heads, start = list(prob = c(0.6, 0.5)), family = em_binomial(10),
                  weights = rep(7, 5), control = exactly(5))), 1e-12)
gives("truth values are one toss each", em_fit(c(TRUE, FALSE, TRUE), 1, em_binomial(1))$parameters$prob,
      c("1" = 2 / 3), 1e-15)
gives("trials of 1e15", em_fit(c(3e8, 4e14), 1, em_binomial(c(1e9, 1e15)))$parameters$prob,
      c("1" = (3e8 + 4e14) / (1e9 + 1e15)), 1e-14)
gives("y -> size - y is 1 - p",
      em_fit(10 - coins$heads, start = list(prob = c(0.4, 0.5)), family = em_binomial(10))$parameters$prob,
      1 - em_fit(coins$heads, start = list(prob = c(0.6, 0.5)),
                 family = em_binomial(10))$parameters$prob, 1e-10)
warns("one toss a row", em_fit(rep(0:1, 10), 2, em_binomial(1))$loglik, "unidentified",
      "A mixture of 2 binomials", "at least 3 trials",
      "the most here is 1", value = -20 * log(2))
warns("coins that start alike",
      em_fit(c(3, 4), 2, em_binomial(10), start = list(prob = c(0.5, 0.5)))$parameters$prob[["2"]],
      "coincide", value = 0.35)
gives("counts too large to be tallied by one number", em_fit(c(0, 60), 1, em_binomial(1e9))$parameters$prob,
      c("1" = 3e-8), 1e-14)
