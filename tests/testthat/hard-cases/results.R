# What is done with a fit.

# ---- newdata ----
fails("a column is lacking", predict(fit2, two["eruptions"]), "newdata", "`newdata` lacks column \"waiting\"",
      "It has \"eruptions\"")
fails("both columns are lacking", predict(fit2, iris[1:2]), "newdata",
      "lacks columns \"eruptions\", \"waiting\"")
fails("three values for two columns", predict(fit2, c(2, 50, 3)), "newdata", "must have 2 columns, not 3")
fails("two columns for one", predict(fit1, matrix(1:4, 2)), "newdata", "must have 1 column, not 2")
fails("Inf in new data", predict(fit2, data.frame(eruptions = Inf, waiting = 50)), "input",
      "`newdata[1, 1]` is Inf")
fails("words in new data", predict(fit2, data.frame(eruptions = "a", waiting = 50)), "input",
      "`newdata` must be numeric", "\"eruptions\"")
fails("a list as new data", predict(fit1, list(1, 2)), "input", "`newdata`", "not a list.")
fails("type = \"foo\"", predict(fit2, type = "foo"), "argument", "`type` must be \"class\"", "not \"foo\".")
gives("columns in any order", predict(fit2, two[5:9, 2:1], "prob"), predict(fit2, two[5:9, ], "prob"))
gives("columns that aren't needed", predict(fit2, cbind(extra = "u", two[5:9, ]), "prob"),
      predict(fit2, two[5:9, ], "prob"))
gives("a matrix with its columns turned", predict(fit2, both[5:9, 2:1], "prob"),
      predict(fit2, both[5:9, ], "prob"))
gives("no new rows", dim(predict(fit2, two[0, ], "prob")), c(0L, 2L))
gives("no new values", predict(fit1, numeric(), "density"), numeric())
gives("no new rows, classes", predict(fit2, two[0, ]), factor(character(), levels = c("1", "2")))
gives("one new row", dim(predict(fit2, two[1, ], "prob")), c(1L, 2L))
gives("one row as a vector", predict(fit2, c(2, 50)), factor("2", levels = c("1", "2")))
gives("training rows again", predict(fit2, two, "prob"),
      unname(predict(fit2, type = "prob")) |> `dimnames<-`(list(NULL, c("1", "2"))), 1e-14)
gives("some of the rows", predict(fit2, two[c(3, 99, 99), ], "density"),
      setNames(predict(fit2, two, "density")[c(3, 99, 99)], c("3", "99", "99.1")), 1e-14)
gives("rows with NA are kept", is.na(predict(fit2, data.frame(eruptions = c(NA, 2), waiting = 50))),
      c(FALSE, FALSE))
gives("names of new values are kept", names(predict(fit1, c(a = 1, b = NA), "density")), c("a", "b"))
gives("1e5 away the rows sum to one", sum(predict(fit2, data.frame(eruptions = 1e5, waiting = -1e5), "prob")),
      1, 1e-15)
gives("40 sigma out the rows sum to one", rowSums(predict(fit1, c(-40, 40, 1e3), "prob")), c(1, 1, 1), 1e-15)
gives("1e100 away the class is that of the wider", predict(fit1, 1e100), factor("1", levels = c("1", "2")))
gives("a density 40 sigma out", predict(fit1, 40, "logdensity"),
      log(sum(fit1$parameters$proportions * c(1, 0))) + dnorm(40, fit1$parameters$mean[["1"]],
                                                              fit1$parameters$sd[["1"]], log = TRUE), 1e-12)
gives("a density integrates to one",
      integrate(function(v) predict(fit1, v, "density"), 0, 8, rel.tol = 1e-9)$value, 1, 1e-7)

# ---- consistent with itself ----
gives("logLik is the sum of the log densities", sum(predict(fit2, type = "logdensity")), fit2$loglik, 1e-12)
gives("proportions serve sample()", sum(fit2$parameters$proportions), 1, 1e-15)
gives("counts sum to the weights", sum(fit2$counts), 272, 1e-12)
gives("AIC and BIC", c(AIC(fit2), BIC(fit2)), c(-2 * fit2$loglik + 22, -2 * fit2$loglik + 11 * log(272)),
      1e-14)
gives("the trace never falls", all(diff(fit2$trace$loglik) >= -1e-10 * abs(fit2$loglik)), TRUE)
fails("simulate 0 times", simulate(fit2, 0), "argument", "`nsim` must be a whole number of 1 or more, not 0.")
gives("simulate with a seed leaves the generator alone", {
  before <- .Random.seed
  simulate(fit2, seed = 7)
  identical(before, .Random.seed)
}, TRUE)
gives("simulate gives the user's columns", names(simulate(fit2)[[1]]), c("eruptions", "waiting"))

# ---- kept, sent and called from elsewhere ----
gives("saved and read again", {
  file <- tempfile()
  saveRDS(fit2, file)
  predict(readRDS(file), two, "prob")
}, predict(fit2, two, "prob"))
gives("read in a session that has not loaded the package", {
  file <- tempfile()
  saveRDS(fit1, file)
  code <- sprintf(paste0(".libPaths(%s); invisible(loadNamespace('emfit')); ",
                  "cat(format(predict(readRDS('%s'), 2, 'density'), digits = 12))"),
                  paste(deparse(.libPaths()), collapse = ""), file)
  system2(file.path(R.home("bin"), "Rscript"), c("--vanilla", "-e", shQuote(code)), stdout = TRUE)
}, format(predict(fit1, 2, "density"), digits = 12))
gives("data changed after the fit", {
  x <- one
  fit <- em_fit(x, start = near)
  x[1] <- 99
  c(predict(fit, type = "density")[1], fit$data$x[1])
}, c(predict(fit1, type = "density")[1], one[1]))
gives("no environment comes along", {
  big <- rnorm(1e5)
  fit <- (function(unused) em_fit(~eruptions, data = two, start = near))(big)
  length(serialize(fit, NULL)) < 50000
}, TRUE)
gives("called from a function", (function(data, groups) em_fit(data, groups)$k)(two, 2), 2L)
gives("called by do.call", do.call("em_fit", list(two, k = 2))$k, 2L)
gives("called by lapply", vapply(1:3, function(k) em_fit(two, k)$df, 0L), c(5L, 11L, 17L))
gives("called without attaching", emfit::em_fit(two, 1)$k, 1L)
gives("a formula made elsewhere", {
  make <- function() {
    hidden <- two$waiting
    ~hidden
  }
  em_fit(make(), k = 1)$parameters$mean
}, c("1" = mean(two$waiting)), 1e-12)
gives("update inside a function", (function() {
  data <- one
  update(em_fit(data, k = 1), k = 2)$k
})(), 2L)
fails("the user's call is shown", (function(values) em_fit(values, 0))(one), "argument", "`k`")
gives("the call that an error shows", conditionCall(tryCatch(em_fit(one, 0), error = identity)),
      quote(em_fit(one, 0)))
gives("in forked workers", if (.Platform$OS.type == "windows") rep(TRUE, 2) else {
  here <- em_fit(two, 2, control = em_control(threads = 2))
  forked <- parallel::mclapply(1:2, function(i) {
    set.seed(1)
    em_fit(two, 2, control = em_control(threads = 2))
  }, mc.cores = 2, mc.set.seed = FALSE)
  vapply(forked, function(fit) identical(coef(fit), coef(here)), TRUE)
}, rep(TRUE, 2))

# ---- interrupted ----
gives("a time limit leaves at once, and the next call works", {
  x <- matrix(rnorm(4e5), ncol = 4)
  begin <- proc.time()[["elapsed"]]
  stopped <- tryCatch({
    setTimeLimit(elapsed = 0.3, transient = TRUE)
    em_fit(x, 8, control = em_control(tol = 0, max_iter = 1e6, n_start = 1))
  }, error = conditionMessage, finally = setTimeLimit())
  c(grepl("elapsed time limit", stopped), proc.time()[["elapsed"]] - begin < 3,
    em_fit(one, start = near)$converged)
}, c(TRUE, TRUE, TRUE))

gives("a signal leaves at once, and the next call works",
      if (.Platform$OS.type == "windows") "interrupted TRUE" else {
  code <- sprintf(paste0(".libPaths(%s); library(emfit); x <- matrix(rnorm(4e5), ncol = 4); ",
                         "system(paste('(sleep 0.5; kill -INT', Sys.getpid(), ') &')); ",
                         "control <- em_control(tol = 0, max_iter = 1e6, n_start = 2, threads = 2); ",
                         "told <- tryCatch(em_fit(x, 8, control = control), ",
                         "interrupt = function(i) 'interrupted'); cat(told, em_fit(faithful, 2)$converged)"),
                  paste(deparse(.libPaths()), collapse = ""))
  system2(file.path(R.home("bin"), "Rscript"), c("--vanilla", "-e", shQuote(code)), stdout = TRUE,
          timeout = 20)
}, "interrupted TRUE")

# ---- options and locales ----
gives("digits, scipen and OutDec change nothing but print", {
  old <- options(digits = 3, scipen = -5, OutDec = ",")
  on.exit(options(old))
  coef(em_fit(two, start = fit2))
}, coef(em_fit(two, start = fit2)))
gives("OutDec is for print alone", {
  old <- options(OutDec = ",")
  on.exit(options(old))
  conditionMessage(tryCatch(em_fit(one, 1.5), error = identity))
}, "`k` must be a whole number of 1 or more, not 1.5.")
gives("warn = 2", {
  old <- options(warn = 2)
  on.exit(options(old))
  em_fit(two, start = fit2)$loglik
}, em_fit(two, start = fit2)$loglik)
gives("the C locale", {
  old <- Sys.getlocale("LC_COLLATE")
  on.exit(Sys.setlocale("LC_COLLATE", old))
  Sys.setlocale("LC_COLLATE", "C")
  names(em_fit(one, start = ifelse(one > 3, "b", "A"))$counts)
}, c("A", "b"))
