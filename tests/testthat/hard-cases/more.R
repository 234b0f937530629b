# Sizes, and calls from elsewhere.

# ---- beyond 2^31, by arithmetic ----
gives("threads for work beyond 2^31", resolve_threads(list(threads = NULL), 2^40) >= 1L, TRUE)
fails("a matrix of more rows than an integer counts", check_rows(2^31, "x"), "unsupported", "2147483648 rows")
fails("a start of 2^31 labels", em_fit(one, 2, start = 1:2^31), "start", "272")
fails("2^31 weights", em_fit(one, 2, weights = 1:2^31), "argument", "272, not 2147483648")
fails("2^31 labels", em_fit(one, 2, labels = 1:2^31), "argument", "272, not 2147483648")
fails("2^31 means", em_fit(one, 2, start = list(mean = 1:2^31, sd = 1:2)), "start", "k = 2")

# ---- saved, and read again ----
gives("a fit with missing values, saved and read again", {
  fit <- em_fit(cbind(a = c(NA, one), b = c(1, one^2)), 1, na.action = na.pass)
  file <- tempfile()
  saveRDS(fit, file)
  identical(readRDS(file), fit) && identical(fitted(readRDS(file)), fitted(fit))
}, TRUE)
gives("a fit in text, and back", {
  back <- eval(parse(text = deparse(fit1, control = c("all", "hexNumeric"))))
  predict(back, one[1:3], "prob")
}, predict(fit1, one[1:3], "prob"))
gives("a fit of a formula, read where its data are not", {
  fit <- local({
    gone <- data.frame(u = one)
    em_fit(~u, data = gone, start = near)
  })
  predict(unserialize(serialize(fit, NULL)), data.frame(u = c(2, 4)))
}, factor(c("2", "1"), levels = c("1", "2")))

# ---- data that change after the fit ----
gives("a data frame that loses its columns", {
  d <- faithful
  fit <- em_fit(d, start = fit2)
  d$eruptions <- NULL
  predict(fit, type = "class")[1:9]
}, unname(predict(fit2, type = "class")[1:9]))
gives("a weight that changes", {
  w <- rep(1, 272)
  fit <- em_fit(one, start = near, weights = w)
  w[1] <- 100
  weights(fit)[1]
}, 1)
gives("a start that changes", {
  s <- near
  fit <- em_fit(one, start = s, control = exactly(0))
  s$mean[1] <- 99
  fit$parameters$mean[[1]]
}, 4.3)

# ---- from packages and functions ----
gives("from a package that only imports", {
  home <- new.env(parent = asNamespace("stats"))
  evalq(analyse <- function(rows) {
    groups <- 2
    inner <- function(...) emfit::em_fit(~ eruptions + waiting, data = rows, k = groups, ...)
    inner(control = emfit::em_control(n_start = 2))$k
  }, home)
  home$analyse(faithful)
}, 2L)
gives("weights and subset found in the calling function", (function() {
  mine <- rep(1:2, 136)
  limit <- 60
  em_fit(~eruptions, data = faithful, start = near, weights = mine, subset = waiting > limit)$nobs
})(), as.double(sum(rep(1:2, 136)[faithful$waiting > 60])))
gives("arguments passed on by `...`", (function(...) em_fit(one, ...)$k)(k = 2, start = near), 2L)
gives("a fit inside the start of a fit", em_fit(one, start = function(x, k) em_fit(one, start = near), k = 2)$loglik,
      em_fit(one, start = em_fit(one, start = near), k = 2)$loglik, 1e-12)
gives("Map over data and k", unname(unlist(Map(function(x, k) em_fit(x, k)$k, list(one, two), 1:2))), 1:2)
gives("stringsAsFactors", {
  old <- options(stringsAsFactors = FALSE)
  on.exit(options(old))
  em_fit(two, start = fit2)$loglik
}, em_fit(two, start = fit2)$loglik)

# ---- forked, and afterwards ----
gives("a fit made before the fork is used in it", if (.Platform$OS.type == "windows") TRUE else {
  got <- parallel::mclapply(1:2, function(i) predict(fit2, two[i, ], "prob"), mc.cores = 2)
  identical(got, lapply(1:2, function(i) predict(fit2, two[i, ], "prob")))
}, TRUE)
gives("threads work again after a fork", if (.Platform$OS.type == "windows") TRUE else {
  parallel::mclapply(1:2, function(i) em_fit(two, start = fit2, control = em_control(threads = 2))$k, mc.cores = 2)
  identical(coef(em_fit(two, start = fit2, control = em_control(threads = 2))), coef(em_fit(two, start = fit2)))
}, TRUE)

# ---- interrupted ----
gives("a time limit in the middle of a search for starts, and the next call works", {
  x <- matrix(rnorm(3e5), ncol = 5)
  begin <- proc.time()[["elapsed"]]
  stopped <- tryCatch({
    setTimeLimit(elapsed = 0.2, transient = TRUE)
    em_select(x, 3:6)
  }, error = conditionMessage, finally = setTimeLimit())
  c(grepl("elapsed time limit", stopped), proc.time()[["elapsed"]] - begin < 5, em_fit(one, start = near)$converged)
}, c(TRUE, TRUE, TRUE))

# ---- log-likelihoods of all sizes ----
gives("a log-likelihood above 0", {
  fit <- em_fit(one * 1e-6, start = list(mean = c(4.3, 2) * 1e-6, sd = c(0.4, 0.2) * 1e-6))
  c(fit$loglik > 0, fit$converged, fit$iterations == fit1$iterations)
}, c(TRUE, TRUE, TRUE))
gives("a log-likelihood near 0", {
  size <- exp(fit1$loglik / 272)
  fit <- em_fit(one * size, start = list(mean = c(4.3, 2) * size, sd = c(0.4, 0.2) * size))
  c(abs(fit$loglik) < 1e-6, fit$converged)
}, c(TRUE, TRUE))

# ---- laws on the optimum ----
gives("two equal components are one", {
  p <- list(proportions = c(0.5, 0.5), mean = rep(mean(one), 2), sd = rep(sqrt(mean((one - mean(one))^2)), 2))
  suppressWarnings(em_fit(one, start = p, control = exactly(0))$loglik)
}, em_fit(one, 1)$loglik, 1e-12)
gives("a component more is never worse", {
  ll <- vapply(1:4, function(k) em_fit(two, k, em_gaussian("EEE"))$loglik, 0)
  all(diff(ll) > 0)
}, TRUE)
