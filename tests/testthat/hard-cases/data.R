# What is given as `x`.

# ---- not data at all ----
fails("no x", em_fit(), "input", "`x` is missing")
fails("NULL", em_fit(NULL, 2), "input", "`x` has no observations: it is NULL")
fails("no rows", em_fit(two[0, ], 2), "input", "`x` has no observations: it has 0 rows")
fails("no values", em_fit(numeric(), 2), "input", "`x` has no observations: it has 0 rows")
fails("a matrix of 0 rows", em_fit(matrix(0, 0, 2), 2), "input", "it has 0 rows")
fails("no columns", em_fit(two[, 0], 2), "input", "`x` has no columns")
fails("an empty data frame", em_fit(data.frame(), 2), "input", "`x` has no columns")
fails("a matrix of 0 columns", em_fit(matrix(0, 5, 0), 2), "input", "`x` has no columns")
fails("a factor column", em_fit(iris, 3), "input", "Column \"Species\" is of class \"factor\"", "iris[-5]")
fails("a character column", em_fit(data.frame(a = one, b = "u"), 2), "input", "\"b\"", "\"character\"")
fails("a Date column", em_fit(data.frame(a = 1:5, day = Sys.Date() + 0:4), 2), "input", "\"day\"", "\"Date\"")
fails("a logical column", em_fit(data.frame(a = one, yes = one > 3), 2), "input", "\"yes\"", "\"logical\"")
fails("a list column", em_fit(data.frame(a = I(list(1, 2, 3))), 1), "input",
      "Column \"a\" is of class \"AsIs\"")
fails("two bad columns", em_fit(data.frame(a = one, b = "u", c = "v"), 2), "input", "\"b\"", "\"c\"",
      "x[-c(2, 3)]")
fails("a factor", em_fit(factor(1:3), 2), "input", "not a factor", "Groups are what EM finds")
fails("words", em_fit(letters, 2), "input", "not a character vector")
fails("a matrix of words", em_fit(matrix(letters, 13), 2), "input", "not a character matrix")
fails("a list", em_fit(list(1, 2), 2), "input", "not a list.")
fails("dates", em_fit(Sys.Date() + 0:9, 2), "input", "not a Date.")
fails("times", em_fit(as.POSIXct("2020-01-01", tz = "UTC") + 1:4, 2), "input", "not a POSIXct.")
fails("complex numbers", em_fit(complex(5, 1, 1), 2), "input", "not a complex vector")
fails("raw bytes", em_fit(as.raw(1:4), 2), "input", "not a raw vector")
fails("truth values", em_fit(c(TRUE, FALSE), 1), "input", "not a logical vector")
fails("a table of counts", em_fit(HairEyeColor, 2), "input", "not an array of 3 dimensions", "em_fit(d[-4], k, \"categorical\", weights = d$Freq)")
fails("a tally beside categories", em_fit(as.data.frame(HairEyeColor), 2, "categorical"), "input",
      "Column \"Freq\" is of class \"numeric\"", "weights = x$Freq")
fails("an array", em_fit(array(1, c(2, 2, 2)), 2), "input", "not an array of 3 dimensions")
fails("a function", em_fit(mean, 2), "input", "not a function.")
fails("an environment", em_fit(new.env(), 2), "input", "not an environment.")
fails("a symbol", em_fit(quote(a), 2), "input", "not a name.")

# ---- values ----
fails("Inf in a vector", em_fit(replace(one, 3, Inf), 2), "input", "`x[3]` is Inf", "1 row (3)")
fails("NaN in a vector", em_fit(replace(one, 7, NaN), 2), "input", "`x[7]` is NaN")
fails("-Inf in a matrix", em_fit(replace(both, 3, -Inf), 2), "input", "`x[3, 1]` is -Inf")
fails("NaN in a data frame", em_fit(replace(two, cbind(c(7, 9), 2), NaN), 2), "input", "`x[7, 2]` is NaN",
      "2 rows (7, 9)")
fails("a sum that overflows, of numbers that don't", em_fit(c(1, 2, 3, 4) * 4e307, 1), "input",
      "`x` has a standard deviation of 5.164e+307", "Rescale it")

# ---- too few of them ----
fails("one value", em_fit(1, 1), "input", "Can't fit 1 component to 1 row (1 distinct)")
fails("one row", em_fit(both[1, , drop = FALSE], 1), "input", "Can't fit 1 component to 1 row (1 distinct)")
fails("fewer rows than components", em_fit(one[1:3], 4), "input",
      "Can't fit 4 components to 3 rows (3 distinct)")
fails("fewer distinct rows than components", em_fit(two, 257), "input",
      "257 components to 272 rows (256 distinct)")
fails("five values, six components", em_fit(rep(c(1, 2, 5, 9, 20), 20), 6), "input",
      "6 components to 100 rows (5 distinct)")
fails("two rows that count", em_fit(one, 3, weights = rep(c(1, 0), c(2, 270))), "input",
      "3 components to 2 rows (2 distinct)")
fails("as many rows as columns", em_fit(both[1:2, ], 1), "input", "2 rows (2 distinct)", "2 columns", "VVI")
fails("fewer rows than columns", em_fit(matrix(c(1, 5, 2, 8, 3, 9, 4, 4, 7, 1, 0, 2), 3), 1), "input",
      "3 rows (3 distinct)",
      "4 columns")
gives("fewer rows than columns, diagonal",
      em_fit(rbind(c(1, 5, 2), c(3, 1, 4)), 1, family = em_gaussian("VVI"))$loglik,
      -3 * (log(2 * pi) + 1) - 2 * log(2), 1e-14)
gives("d + 1 rows", em_fit(both[1:3, ], 1)$status, "converged")
gives("two values, one component", em_fit(c(1, 2), 1)$parameters$sd, c("1" = 0.5), 1e-14)

fails("more rows than R's matrices count", em_fit(1:2^31, 2), "unsupported", "2147483648 rows",
      "the most there can be are 2147483647")
gives("as many rows as there may be", check_rows(2^31 - 1, "x"), NULL)

# ---- columns that say nothing, or nothing new ----
fails("a constant vector", em_fit(rep(7, 9), 1), "input", "`x` is constant (7 in every row)")
fails("a constant column", em_fit(cbind(a = one, b = 3), 2), "input",
      "Column \"b\" is constant (3 in every row)", "Remove it")
fails("a constant column, diagonal", em_fit(data.frame(one, b = 3), 2, em_gaussian("VVI")), "input",
      "Column \"b\" is constant")
fails("all columns constant", em_fit(data.frame(a = rep(1, 5), b = 2), 1), "input",
      "Columns \"a\", \"b\" are constant")
fails("constant where the weights count", em_fit(c(1, 1, 5), 1, weights = c(1, 1, 0)), "input",
      "`x` is constant (1 in every row)")
fails("a column twice", em_fit(cbind(one, one), 2), "input", "Column 2 is a linear combination of 1.", "VVI")
fails("a sum of columns", em_fit(transform(two, both = eruptions + waiting), 2), "input",
      "Column \"both\" is a linear combination of \"eruptions\", \"waiting\"")
fails("a column twice but for 1e-9", em_fit(cbind(a = one, b = one + 1e-9 * rnorm(272)), 2), "input",
      "Column \"b\" is a linear combination of \"a\"")
gives("a sum of columns, diagonal",
      em_fit(transform(two, both = eruptions + waiting), 2, em_gaussian("VVI"))$converged, TRUE)
gives("a column twice but for 1e-3", em_fit(cbind(one, one + 1e-3 * rnorm(272)), 2)$converged, TRUE)

# ---- ties and heaps ----
warns("five values, twenty times each", em_fit(rep(c(1, 2, 5, 9, 20), 20), 3), "collapse",
      "20 identical points (rows ", "unbounded", "em_gaussian(\"E\")")
warns("half of the rows alike", em_fit(c(rep(0, 50), seq(4, 6, length.out = 50)), 2), "collapse",
      "shrank onto 50 identical points (rows 1, 2, 3, 4, 5, ")
fails("two values, two components", em_fit(c(1, 2), 2), "degenerate", "2 rows are too few for 2 components",
      "Use k = 1, or a simpler covariance, em_gaussian(\"E\")")
warns("three values, two components", em_fit(1:3, 2, start = list(mean = c(1.3, 2.7), sd = c(0.5, 0.5))), "collapse",
      "too few rows for a covariance of its own: 1.5 effective", "The same holds for component 2.")
warns("a component far from all rows",
      em_fit(one, start = list(mean = c(4.3, 2, 1e9), sd = c(0.4, 0.2, 1)))$counts[["3"]], "collapse",
      "Component 3 has too few rows", "0 effective", value = 0)
gives("one spread for all, few rows each",
      suppressWarnings(em_fit(matrix(c(1, 5, 2, 8, 3, 9, 4, 4, 7, 1, 0, 2), 3), 2, em_gaussian("EII")),
                       classes = "emfit_warning_unidentified")$degenerate, integer())
gives("five values, one variance", round(em_fit(rep(c(1, 2, 5, 9, 20), 20), 2, em_gaussian("E"))$counts),
      c("1" = 80, "2" = 20))
gives("every row twice is weight 2", em_fit(two[rep(1:272, 2), ], start = fit2, control = exactly(9))$loglik,
      em_fit(two, start = fit2, weights = rep(2, 272), control = exactly(9))$loglik, 1e-12)

# ---- units ----
gives("a scale of 1e-8",
      em_fit(one * 1e-8, start = list(mean = c(4.3, 2) * 1e-8, sd = c(0.4, 0.2) * 1e-8))$loglik,
      em_fit(one, start = near)$loglik - 272 * log(1e-8), 1e-10)
gives("a scale of 1e8",
      em_fit(one * 1e8, start = list(mean = c(4.3, 2) * 1e8, sd = c(0.4, 0.2) * 1e8))$iterations,
      em_fit(one, start = near)$iterations)
gives("a scale of 1e-150", em_fit(both * 1e-150, 2)$parameters$mean * 1e150, em_fit(both, 2)$parameters$mean,
      1e-6)
gives("a scale of 1e150", em_fit(both * 1e150, 2)$parameters$mean * 1e-150, em_fit(both, 2)$parameters$mean,
      1e-6)
gives("responsibilities at 1e150", predict(em_fit(both * 1e150, 2), type = "prob"),
      predict(em_fit(both, 2), type = "prob"), 1e-5)
fails("a scale of 1e-160", em_fit(both * 1e-160, 2), "input", "Column \"eruptions\"", "1.141e-160",
      "Rescale it")
fails("a scale of 1e160", em_fit(both * 1e160, 2), "input", "Column \"eruptions\"", "1.141e+160",
      "Rescale it")
fails("a scale of 1e-300", em_fit(one * 1e-300, 2), "input", "`x` has a standard deviation of 1.141e-300",
      "Rescale it")
gives("a column of 1e-6 beside one of 1e6", em_fit(both %*% diag(c(1e-6, 1e6)), 2)$loglik, fit2$loglik, 1e-9)
gives("an offset of 1e8", em_fit(one + 1e8, 2)$parameters$sd, em_fit(one, 2)$parameters$sd, 1e-6)
gives("proportions at an offset of 1e8", em_fit(both + 1e8, 2)$parameters$proportions,
      fit2$parameters$proportions, 1e-5)
gives("an offset of 1e12 spreads", em_fit(one + 1e12, 2)$parameters$proportions, fit1$parameters$proportions,
      1e-3)
fails("an offset of 1e15", em_fit(one + 1e15, 2), "input", "1e+15", "standard deviation of 1.1",
      "Subtract a constant")

# ---- shapes and types that mean the same ----
gives("a matrix is a data frame", coef(em_fit(both, start = fit2)), coef(em_fit(two, start = fit2)))
gives("a vector is a matrix of one column", unname(coef(em_fit(one, start = near))),
      unname(coef(em_fit(cbind(one), start = near))))
gives("a vector is a data frame of one column", unname(coef(em_fit(one, start = near))),
      unname(coef(em_fit(two["eruptions"], start = near))))
gives("a tibble is a data frame",
      coef(em_fit(structure(two, class = c("tbl_df", "tbl", "data.frame")), start = fit2)),
      coef(em_fit(two, start = fit2)))
gives("a time series is a vector", coef(em_fit(ts(one), start = near)), coef(em_fit(one, start = near)))
gives("time series side by side", unname(coef(em_fit(ts(both), start = fit2))),
      unname(coef(em_fit(both, start = fit2))))
gives("an array of one dimension", coef(em_fit(array(one, 272), start = near)),
      coef(em_fit(one, start = near)))
gives("a table of one dimension", em_fit(table(c(1, 1, 2, 3, 3, 3)), 1)$parameters$mean, c("1" = 2))
gives("whole numbers", em_fit(round(two$waiting), 2)$loglik, em_fit(as.integer(round(two$waiting)), 2)$loglik)
gives("a whole-number matrix", em_fit(matrix(c(1L, 5L, 9L, 2L, 4L, 0L), 3), 1)$loglik,
      em_fit(matrix(c(1, 5, 9, 2, 4, 0), 3), 1)$loglik)
gives("as-is columns", coef(em_fit(data.frame(a = I(one)), start = near)),
      coef(em_fit(data.frame(a = one), start = near)))
gives("a matrix in a data frame", unname(coef(em_fit(data.frame(m = I(both)), k = 1))),
      unname(coef(em_fit(both, k = 1))))
gives("rows in another order", em_fit(two[272:1, ], start = fit2)$loglik, em_fit(two, start = fit2)$loglik,
      1e-12)
gives("columns in another order", em_fit(two[2:1], 2)$loglik, em_fit(two, 2)$loglik, 1e-8)

# ---- names ----
gives("no names", dimnames(em_fit(unname(both), start = fit2)$parameters$mean), list(c("1", "2"), NULL))
gives("names of nothing", colnames(em_fit(`colnames<-`(both, c("", "")), 2)$parameters$mean), c("x1", "x2"))
gives("names alike", colnames(em_fit(`colnames<-`(both, c("a", "a")), 2)$parameters$mean), c("a", "a.1"))
gives("names with spaces", colnames(em_fit(`names<-`(two, c("how long", "until next")), 2)$parameters$mean),
      c("how long", "until next"))
gives("names in UTF-8", colnames(em_fit(`names<-`(two, c("d\u00e4r", "\u4e2d")), 2)$parameters$mean),
      c("d\u00e4r", "\u4e2d"))
gives("names in Latin-1",
      enc2utf8(colnames(em_fit(`names<-`(two, c(iconv("d\u00e4r", "UTF-8", "latin1"), "b")),
                               2)$parameters$mean)),
      c("d\u00e4r", "b"))
gives("names like R's own", colnames(em_fit(`names<-`(two, c("mean", "proportion")), 2)$parameters$mean),
      c("mean", "proportion"))
gives("row names", names(predict(em_fit(both[c(1:50), ] |> `rownames<-`(paste0("r", 1:50)), 2)))[50], "r50")
gives("the input is left alone", {
  before <- serialize(both, NULL)
  em_fit(both, 2)
  identical(serialize(both, NULL), before)
}, TRUE)

# ---- formulas ----
fails("a variable that isn't there", em_fit(~zzz, data = two, k = 2), "input", "object 'zzz' not found")
fails("no variables", em_fit(~1, data = two, k = 2), "input", "The formula names no columns")
fails("predictors", em_fit(eruptions ~ waiting, data = two, k = 2), "unsupported", "variables on both sides")
fails("an interaction", em_fit(~ eruptions * waiting, data = two, k = 2), "unsupported",
      "interactions or an offset")
fails("an offset in the formula", em_fit(~ eruptions + offset(waiting), data = two, k = 2), "unsupported",
      "I(a * b) is a column")
fails("a factor in the formula", em_fit(~Species, data = iris, k = 2), "input", "\"Species\"", "\"factor\"")
fails("variables of two lengths", em_fit(~ eruptions + letters, data = two, k = 2), "input",
      "variable lengths differ")
fails("no rows in the subset", em_fit(~eruptions, data = two, k = 2, subset = waiting > 1000), "input",
      "it has 0 rows")
fails("a subset that isn't there", em_fit(~eruptions, data = two, k = 2, subset = nowhere > 3), "argument",
      "`subset`", "'nowhere' not found")
fails("weights that aren't there", em_fit(~eruptions, data = two, k = 2, weights = nowhere), "argument",
      "`weights`", "'nowhere' not found")
fails("data that aren't a data frame", em_fit(~eruptions, data = "two", k = 2), "argument",
      "`data` must be a data frame, not a character vector")
fails("k in the place of the data", em_fit(~one, 2), "argument", "`data` must be a data frame, not a number")
gives("a dot", em_fit(~., data = two, start = fit2)$loglik, em_fit(two, start = fit2)$loglik)
gives("data first, then the environment", {
  eruptions <- 1:272
  extra <- two$waiting
  em_fit(~ eruptions + extra, data = two, 2)$loglik
}, em_fit(unname(both), 2)$loglik, 1e-8)
gives("a subset", em_fit(~eruptions, data = two, start = near, subset = waiting > 50)$nobs,
      sum(two$waiting > 50))
gives("a transformed variable", em_fit(~ I(eruptions^2), data = two, 2)$loglik, em_fit(one^2, 2)$loglik)
