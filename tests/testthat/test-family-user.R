# Families written as functions of R. The oracles are EM in plain R, and families of the core that are the same.

geometric_of <- function(...) {
  parts <- list(
    name = "geometric", fields = list(prob = "unit"), statistics = function(x) cbind(n = 1, sum = x),
    log_density = function(x, parameters) outer(x, parameters$prob, dgeom, log = TRUE),
    maximise = function(s) list(prob = s[, "n"] / (s[, "n"] + s[, "sum"]))
  )
  do.call(em_family, utils::modifyList(parts, list(...)))
}

exponential <- em_family("exponential",
  fields = list(rate = "positive"),
  statistics = function(x) cbind(n = 1, sum = x),
  log_density = function(x, parameters) outer(x, parameters$rate, dexp, log = TRUE),
  maximise = function(s) list(rate = s[, "n"] / s[, "sum"]),
  simulate = function(n, parameters) rexp(n, parameters$rate),
  means = function(parameters) 1 / parameters$rate
)

bessel_ratio <- function(kappa) besselI(kappa, 1, TRUE) / besselI(kappa, 0, TRUE)
concentration <- function(r) uniroot(function(kappa) bessel_ratio(kappa) - r, c(1e-8, 1e4), tol = 1e-10)$root
von_mises <- em_family("vonmises", fields = list(mu = "real", kappa = "positive"),
  statistics = function(x) cbind(n = 1, cos = cos(x), sin = sin(x)),
  log_density = function(x, parameters) {
    constant <- log(2 * pi * besselI(parameters$kappa, 0, TRUE))
    t(parameters$kappa * (cos(outer(parameters$mu, x, "-")) - 1) - constant)
  },
  maximise = function(s) {
    r <- sqrt(s[, "cos"]^2 + s[, "sin"]^2) / s[, "n"]
    list(mu = atan2(s[, "sin"], s[, "cos"]), kappa = vapply(pmin(pmax(r, 1e-7), 0.9999), concentration, 0))
  }
)

# Independent normal columns, the family VVI of the core: from the rows, and from sums.
independent_density <- function(x, parameters) {
  vapply(seq_len(nrow(parameters$mean)), function(j) {
    colSums(dnorm(t(x), parameters$mean[j, ], parameters$sd[j, ], log = TRUE))
  }, numeric(nrow(x)))
}
independent_fields <- list(mean = list("real", "variable"), sd = list("positive", "variable"))
by_rows <- em_family("independent", independent_fields, independent_density, maximise = function(x, w) {
  mean <- crossprod(w, x) / colSums(w)
  list(mean = mean, sd = sqrt(pmax(crossprod(w, x^2) / colSums(w) - mean^2, 0)))
})
by_sums <- em_family("independent", independent_fields, independent_density,
  statistics = function(x) cbind(1, x, x^2),
  maximise = function(s) {
    d <- (ncol(s) - 1) / 2
    mean <- s[, 1 + seq_len(d), drop = FALSE] / s[, 1]
    list(mean = mean, sd = sqrt(pmax(s[, 1 + d + seq_len(d), drop = FALSE] / s[, 1] - mean^2, 0)))
  }
)

counts <- withr_seed(1, c(rgeom(80, 0.5), rgeom(80, 0.05)))
plain <- function(n) em_control(tol = 0, max_iter = n, accelerate = FALSE)

# EM in eight lines.
geometric_em <- function(x, prob, w = rep(1, length(x)), n_iter = 20) {
  p <- rep(1 / length(prob), length(prob))
  for (i in seq_len(n_iter)) {
    r <- t(p * t(outer(x, prob, dgeom)))
    r <- w * r / rowSums(r)
    p <- colSums(r) / sum(w)
    prob <- colSums(r) / (colSums(r) + colSums(r * x))
  }
  list(proportions = p, prob = prob, loglik = sum(w * log(outer(x, prob, dgeom) %*% p)))
}

test_that("a geometric family agrees with EM in plain R, with weights too", {
  geometric <- geometric_of()
  for (w in list(NULL, rep(c(1, 2, 0.5, 0), 40))) {
    fit <- em_fit(counts, family = geometric, start = list(prob = c(0.6, 0.1)), weights = w, control = plain(20))
    oracle <- geometric_em(counts, c(0.6, 0.1), if (is.null(w)) rep(1, 160) else w)
    expect_equal(unname(fit$parameters$proportions), oracle$proportions, tolerance = 1e-12)
    expect_equal(unname(fit$parameters$prob), oracle$prob, tolerance = 1e-12)
    expect_equal(fit$loglik, oracle$loglik, tolerance = 1e-13)
  }
  one <- em_fit(counts, k = 1, family = geometric)
  expect_equal(unname(one$parameters$prob), 1 / (1 + mean(counts)), tolerance = 1e-14)
  expect_identical(one$df, 1L)
  expect_s3_class(one, "em_fit_geometric")
})

test_that("exponential and von Mises families obey the laws", {
  times <- withr_seed(2, c(rexp(60, 1), rexp(40, 0.1)))
  laws <- em_check_family(exponential, times)
  expect_identical(laws$law[!laws$passed], character())
  expect_true("what is simulated comes back" %in% laws$law)
  angles <- withr_seed(3, c(rnorm(60, 1, 0.4), rnorm(60, -2, 0.7)))
  laws <- em_check_family(von_mises, angles, k = 3)
  expect_identical(laws$law[!laws$passed], character())
  fit <- em_fit(angles, k = 2, family = von_mises, start = list(mu = c(1, -2), kappa = c(3, 3)))
  expect_equal(unname(fit$parameters$mu), c(1, -2), tolerance = 0.15)
  # The moments of the circle: the M-step is where both are matched.
  r <- predict(fit, type = "prob")
  expect_equal(unname(colSums(r * cos(outer(angles, fit$parameters$mu, "-"))) / colSums(r)),
               unname(bessel_ratio(fit$parameters$kappa)), tolerance = 1e-4)
})

test_that("tables, simplexes and M-steps from rows obey the laws too", {
  x <- as.matrix(faithful)[1:120, ]
  for (family in list(by_rows, by_sums)) {
    laws <- em_check_family(family, x)
    expect_identical(laws$law[!laws$passed], character())
  }
  categories <- em_family("categories", fields = list(p = list("simplex", 3)),
    statistics = function(x) outer(x, 1:3, `==`),
    log_density = function(x, parameters) log(t(parameters$p)[x, , drop = FALSE]),
    maximise = function(s) list(p = s / rowSums(s)))
  laws <- em_check_family(categories, rep(c(1, 2, 3, 3, 1, 1), 20))
  expect_identical(laws$law[!laws$passed], character())
  one <- em_fit(rep(c(1, 2, 3, 3, 1, 1), 20), k = 1, family = categories)
  expect_equal(as.vector(one$parameters$p), c(3, 1, 2) / 6)
  expect_identical(one$df, 2L)
})

broken_laws <- function(family, x = counts) {
  laws <- em_check_family(family, x)
  laws$law[!laws$passed]
}

test_that("a wrong family breaks the laws that name its fault", {
  lacks_term <- geometric_of(log_density = function(x, parameters) outer(x, log1p(-parameters$prob)))
  expect_true(all(c("the M-step is the maximum", "k = 1 is the maximum likelihood") %in% broken_laws(lacks_term)))
  looks_at_others <- geometric_of(statistics = function(x) cbind(n = 1, sum = x / mean(x)))
  expect_true("statistics add over rows" %in% broken_laws(looks_at_others))
  sorts <- geometric_of(maximise = function(s) list(prob = sort(s[, "n"] / (s[, "n"] + s[, "sum"]))))
  expect_true("components in another order" %in% broken_laws(sorts))
  counts_rows <- em_family("geometric", list(prob = "unit"),
    log_density = function(x, parameters) outer(x, parameters$prob, dgeom, log = TRUE),
    maximise = function(x, w) list(prob = 1 / (1 + colSums(w * x) / nrow(w))))
  expect_true("weight 2 is the row twice" %in% broken_laws(counts_rows))
  draws_others <- em_family("exponential", list(rate = "positive"), statistics = function(x) cbind(n = 1, sum = x),
    log_density = function(x, parameters) outer(x, parameters$rate, dexp, log = TRUE),
    maximise = function(s) list(rate = s[, "n"] / s[, "sum"]), simulate = function(n, parameters) rexp(n, 2 * parameters$rate))
  expect_identical(broken_laws(draws_others, counts + 0.5), "what is simulated comes back")
  turned <- geometric_of(log_density = function(x, parameters) t(outer(x, parameters$prob, dgeom, log = TRUE)))
  laws <- em_check_family(turned, counts)
  expect_match(laws$look[1], "`log_density` of the family \"geometric\" must return a matrix")
  expect_false(any(laws$passed[c(1, 2, 7)]))
})

test_that("the table of laws is printed with what to look at", {
  local_reproducible_output(unicode = FALSE)
  text <- paste(format(em_check_family(geometric_of(maximise = function(s) list(prob = 1 / (2 + s[, "sum"] / s[, "n"]))), counts)),
                collapse = "\n")
  expect_match(text, "Laws of the family \"geometric\": [0-9]+ of 12 hold")
  expect_match(text, "k = 1 is the maximum likelihood +BROKEN")
  expect_match(text, "compare `maximise` with the textbook's estimate")
  expect_error(em_check_family(em_gaussian(), counts), "must come from em_family", class = "emfit_error_argument")
  expect_error(em_check_family(geometric_of(), counts, k = 1), "`k`", class = "emfit_error_argument")
})

test_that("fits and standard errors are those of the core's family that is the same", {
  core <- em_fit(faithful, k = 2, family = em_gaussian("VVI"), start = rep(1:2, 136), control = em_control(tol = 1e-12, max_iter = 2000))
  for (family in list(by_rows, by_sums)) {
    own <- em_fit(faithful, k = 2, family = family, start = rep(1:2, 136), control = em_control(tol = 1e-12, max_iter = 2000))
    expect_equal(own$loglik, core$loglik, tolerance = 1e-12)
    expect_equal(unname(own$parameters$mean), unname(core$parameters$mean), tolerance = 1e-6)
    for (type in c("observed", "opg", "sandwich")) {
      expect_equal(unname(vcov(own, type)[1:6, 1:6]), unname(vcov(core, type)[1:6, 1:6]), tolerance = 1e-6)
    }
  }
  expect_false(any(own$trace$accelerated))
  expect_equal(unname(confint(own, "mean.waiting[1]")), unname(confint(core, "mean.waiting[1]")), tolerance = 1e-6)
})

test_that("standard errors of one component are the textbook's", {
  fit <- em_fit(counts, k = 1, family = geometric_of())
  p <- fit$parameters$prob
  expect_equal(as.vector(vcov(fit)), unname(p^2 * (1 - p) / 160), tolerance = 1e-8)
  heavy <- em_fit(counts, k = 1, family = geometric_of(), weights = rep(4, 160))
  expect_equal(as.vector(vcov(heavy)), unname(p^2 * (1 - p) / 640), tolerance = 1e-8)
  held <- em_fit(counts, k = 2, family = geometric_of(), fixed = list(prob = c(NA, 0.6)))
  expect_identical(rownames(vcov(held)), c("proportion[1]", "proportion[2]", "prob[1]"))
  equal <- em_fit(counts, k = 2, family = geometric_of(), latent = em_mixture("equal"))
  expect_identical(rownames(vcov(equal)), c("prob[1]", "prob[2]"))
})

test_that("1, 2 and 3 threads give the same bits, with one start and with many", {
  many <- withr_seed(5, c(rgeom(5000, 0.5), rgeom(4100, 0.05)))
  run <- function(threads, ...) {
    set.seed(1)
    em_fit(many, k = 2, family = geometric_of(), control = em_control(max_iter = 6, tol = 0, threads = threads, n_start = 2), ...)
  }
  one <- run(1)
  expect_identical(run(3)$parameters, one$parameters)
  expect_identical(run(2, start = list(prob = c(0.5, 0.1)))$loglik, run(1, start = list(prob = c(0.5, 0.1)))$loglik)
})

test_that("labels, fixed, missing rows, formulas, predict and update work as for other families", {
  geometric <- geometric_of()
  known <- em_mstep(counts, rep(c("a", "b"), each = 80), family = geometric)
  expect_equal(unname(known$prob), 1 / (1 + c(mean(counts[1:80]), mean(counts[81:160]))), tolerance = 1e-14)
  labelled <- em_fit(counts, k = 2, family = geometric, labels = rep(c("a", NA, "b", NA), c(20, 60, 20, 60)))
  expect_named(labelled$parameters$prob, c("a", "b"))
  held <- em_fit(counts, k = 2, family = geometric, fixed = list(prob = c(NA, 0.6)))
  expect_identical(held$parameters$prob[[2]], 0.6)
  expect_identical(held$df, 2L)
  start <- list(prob = c(0.6, 0.1))
  fit <- em_fit(counts, family = geometric, start = start)
  expect_message(gap <- em_fit(c(counts, NA), family = geometric, start = start), "missing values in 1 of 161 rows",
                 class = "emfit_message_missing")
  expect_equal(gap$parameters, fit$parameters, tolerance = 1e-12)
  expect_identical(nobs(gap), 160)
  expect_equal(unname(predict(gap, type = "prob")[161, ]), unname(gap$parameters$proportions))
  expect_match(format(gap), "1 with missing values not counted", all = FALSE)
  byname <- em_fit(~ y, data = data.frame(y = counts), family = geometric, start = start)
  expect_equal(predict(byname, data.frame(y = 0:2), type = "density"), predict(fit, 0:2, type = "density"),
               ignore_attr = TRUE)
  expect_equal(predict(fit, 3, type = "component"), matrix(dgeom(3, fit$parameters$prob), 1), ignore_attr = TRUE)
  expect_identical(nrow(predict(fit, numeric(), type = "prob")), 0L)
  expect_error(predict(fit, cbind(1, 2)), "must have 1 column of the family", class = "emfit_error_newdata")
  expect_identical(update(fit, k = 1, start = NULL)$k, 1L)
  expect_identical(tidy(fit)$prob, unname(fit$parameters$prob))
  expect_error(em_fit(c(NA_real_, NA), k = 1, family = geometric), "`x` has a missing value in every row, so", class = "emfit_error_missing")
})

test_that("selection over k, the likelihood ratio and the bootstrap work without splits", {
  set.seed(1)
  select <- em_select(counts, k = 1:3, family = geometric_of(), control = em_control(n_start = 2))
  expect_identical(best(select)$k, 2L)
  times <- withr_seed(2, c(rexp(60, 1), rexp(40, 0.05)))
  test <- em_lrt(em_fit(times, k = 1, family = exponential), n_boot = 19, control = em_control(n_start = 2))
  expect_lte(test$p.value, 0.05)
  fit <- em_fit(times, k = 2, family = exponential)
  boot <- em_bootstrap(fit, n_boot = 5, type = "parametric")
  expect_identical(nrow(vcov(boot)), 4L)
  expect_error(em_lrt(em_fit(counts, k = 1, family = geometric_of()), n_boot = 5), "how rows are drawn",
               class = "emfit_error_unsupported")
})

test_that("simulate, fitted and residuals ask for what says it", {
  times <- withr_seed(2, c(rexp(60, 1), rexp(40, 0.05)))
  fit <- em_fit(times, k = 2, family = exponential)
  drawn <- simulate(fit, seed = 1, n = 4000)[[1]]
  expect_equal(as.vector(tapply(drawn$x, attr(drawn, "component"), mean)), unname(1 / fit$parameters$rate), tolerance = 0.1)
  expect_equal(fitted(fit) + residuals(fit), times)
  expect_equal(fitted(fit), drop(predict(fit, type = "prob") %*% (1 / fit$parameters$rate)), ignore_attr = TRUE)
  bare <- em_fit(counts, k = 2, family = geometric_of())
  expect_error(simulate(bare), "simulate = function", class = "emfit_error_unsupported")
  expect_error(fitted(bare), "means = function", class = "emfit_error_unsupported")
  wrong <- em_fit(counts, k = 2, family = geometric_of(simulate = function(n, parameters) 1:3, means = function(parameters) 1:3))
  expect_error(simulate(wrong), "`simulate` of the family", class = "emfit_error_family")
  expect_error(fitted(wrong), "`means` of the family", class = "emfit_error_family")
})

test_that("a start of the family's own takes the place of random rows", {
  own <- geometric_of(start = function(x, k) list(prob = seq(0.2, 0.6, length.out = k)))
  fit <- em_fit(counts, k = 2, family = own, start = "random", control = em_control(n_start = 1, max_iter = 0))
  expect_setequal(unname(fit$parameters$prob), c(0.2, 0.6))
  groups <- geometric_of(start = function(x, k) 1 + (x > 3))
  fit <- em_fit(counts, k = 2, family = groups, start = "random", control = em_control(n_start = 1))
  expect_true(fit$converged)
  lost <- geometric_of(start = function(x, k) 1:3)
  expect_error(em_fit(counts, k = 2, family = lost), "a group from 1 to 2 for each row", class = "emfit_error_family")
  bare <- geometric_of(start = function(x, k) list(p = 1:2))
  expect_error(em_fit(counts, k = 2, family = bare), "must also hold \"prob\"", class = "emfit_error_family")
  words <- geometric_of(start = function(x, k) list(prob = c("a", "b")))
  expect_error(em_fit(counts, k = 2, family = words), "`start$prob` must be numeric", class = "emfit_error_start",
               fixed = TRUE)
})

fails <- function(pattern, ..., class = "emfit_error_family") {
  expect_error(em_fit(counts, k = 2, family = geometric_of(...), start = list(prob = c(0.6, 0.1))), pattern, class = class)
}

test_that("what a function returns wrongly is told with its name and the component", {
  fails("`log_density` of the family \"geometric\" failed.*oh no", log_density = function(x, parameters) stop("oh no"))
  fails("160 x 2.*numeric vector of length 3", log_density = function(x, parameters) c(1, 2, 3))
  fails("Row 1 has NaN under component 2 \\(prob = 0.1\\)", log_density = function(x, parameters) {
    out <- outer(x, parameters$prob, dgeom, log = TRUE)
    replace(out, cbind(1, 2), NaN)
  })
  fails("Row 2 has Inf under component 1", log_density = function(x, parameters) {
    replace(outer(x, parameters$prob, dgeom, log = TRUE), cbind(2, 1), Inf)
  })
  fails("`statistics`.*a row for each of 160 rows", statistics = function(x) 1:3)
  fails("`statistics`.*finite numbers.*Row 1 has 1, Inf", statistics = function(x) cbind(n = 1, sum = x + Inf))
  fails("`maximise`.*a list with `prob`.*a list with p", maximise = function(s) list(p = 1))
  fails("`maximise`.*a list with `prob`.*It returned 3", maximise = function(s) 3)
  fails("in `prob` one number for each component \\(2\\)", maximise = function(s) list(prob = 0.5))
  fails("between 0 and 1.*Component 2 has 1.5", maximise = function(s) list(prob = c(0.5, 1.5)))
  fails("between 0 and 1.*Component 2 has NaN", maximise = function(s) list(prob = c(0.5, NaN)))
  error <- tryCatch(em_fit(counts, k = 2, family = geometric_of(maximise = function(s) 3)), error = identity)
  expect_identical(as.character(conditionCall(error)[[1]]), "em_fit")
  expect_warning(em_fit(counts, family = geometric_of(maximise = function(s) list(prob = s[, "sum"] / rowSums(s))),
                        start = list(prob = c(0.5, 0.2))),
                 "`maximise` of the family \"geometric\" does not maximise", class = "emfit_warning_not_monotone")
})

test_that("starts, fixed and the arguments of em_family() are checked", {
  expect_error(em_fit(cos(1:20), k = 2, family = von_mises, start = list(mu = 1:2)), "must also hold \"kappa\"",
               class = "emfit_error_start")
  expect_error(em_fit(cos(1:20), k = 2, family = von_mises, fixed = list(mu = c(1, NA))), "held as a whole",
               class = "emfit_error_unsupported")
  expect_error(em_fit(counts, k = 2, family = geometric_of(), start = list(prob = c(0.2, 1.5))), "between 0 and 1",
               class = "emfit_error_start")
  expect_error(em_fit(rep(1, 9), k = 2, family = geometric_of()), "1 distinct", class = "emfit_error_input")
  two <- function(x, parameters) 1
  refuses <- function(pattern, ...) expect_error(em_family(...), pattern, class = "emfit_error_argument")
  refuses("`name` must be one word", "a b", list(a = "real"), two, two)
  refuses("`name` can't be \"gaussian\"", "gaussian", list(a = "real"), two, two)
  refuses("`fields` must be a list", "a", list("real"), two, two)
  refuses("`fields` can't have a parameter \"proportions\"", "a", list(proportions = "real"), two, two)
  refuses("Did you mean \"positive\"", "a", list(a = "positiv"), two, two)
  refuses("as its size a whole number", "a", list(a = list("real", 0)), two, two)
  refuses("must have a size", "a", list(a = "simplex"), two, two)
  refuses("`log_density` must be a function of 2 arguments, not of 1", "a", list(a = "real"), function(x) 1, two)
  refuses("`maximise` must be a function, not 3", "a", list(a = "real"), two, 3)
  refuses("not a primitive one.*Wrap it", "a", list(a = "real"), two, sum)
  expect_output(print(by_rows), "Independent components: mean (real by variable), sd (positive by variable)", fixed = TRUE)
  simplex <- em_family("letters", list(p = list("simplex", 2)), function(x, parameters) log(t(parameters$p)[x, , drop = FALSE]),
                       maximise = function(s) list(p = s / rowSums(s)), statistics = function(x) outer(x, 1:2, `==`))
  expect_error(em_fit(c(1, 2, 1), k = 1, family = simplex, start = list(p = cbind(0.5, 0.6))), "sum to 1",
               class = "emfit_error_start")
})

test_that("a component that loses its density is a collapse, not a fault of the family", {
  x <- c(rep(1, 10), withr_seed(4, rnorm(30)))
  normal <- em_family("normal", list(mean = "real", sd = "positive"), statistics = function(x) cbind(1, x, x^2),
    log_density = function(x, parameters) t(dnorm(outer(parameters$mean, x, "-"), 0, parameters$sd, log = TRUE)),
    maximise = function(s) {
      mean <- s[, 2] / s[, 1]
      list(mean = mean, sd = sqrt(pmax(0, s[, 3] / s[, 1] - mean^2)))
    })
  expect_warning(em_fit(x, family = normal, start = list(mean = c(1, 0), sd = c(0.01, 1))), "shrank onto 10 identical points",
                 class = "emfit_warning_collapse")
  expect_error(em_fit(x, family = normal, start = rep(1:2, c(10, 30))), "component 1 no density",
               class = "emfit_error_start")
})

test_that("a fit is written to a file with its functions", {
  home <- new.env(parent = globalenv()) # a workspace
  maximise <- eval(quote({
    helper <- function(s) s[, "n"] / (s[, "n"] + s[, "sum"])
    function(s) list(prob = helper(s))
  }), home)
  fit <- em_fit(counts, family = geometric_of(maximise = maximise), start = list(prob = c(0.6, 0.1)))
  file <- tempfile(fileext = ".rds")
  on.exit(unlink(file))
  saveRDS(fit, file)
  again <- readRDS(file)
  rm("helper", envir = home)
  expect_identical(predict(again, type = "prob"), predict(fit, type = "prob"))
  data <- setdiff(names(fit), c("family", "asked")) # functions that were read from a file are not identical()
  expect_identical(again[data], fit[data])
  expect_equal(update(again, start = list(prob = c(0.5, 0.2)))$loglik, fit$loglik, tolerance = 1e-6)
})

test_that("a method for the name of the family takes the place of the default", {
  assign("family_label.em_family_geometric", function(family, ...) list(title = "Waiting times", detail = NULL), globalenv())
  on.exit(rm("family_label.em_family_geometric", envir = globalenv()))
  fit <- em_fit(counts, family = geometric_of(), start = list(prob = c(0.6, 0.1)))
  expect_match(format(fit)[1], "Waiting times: 2 components")
})

test_that("an interrupt in a function of the family stops the fit as an interrupt", {
  skip_on_os("windows")
  slow <- geometric_of(log_density = function(x, parameters) {
    tools::pskill(Sys.getpid(), 2L)
    Sys.sleep(2)
    outer(x, parameters$prob, dgeom, log = TRUE)
  })
  told <- tryCatch(em_fit(counts, k = 2, family = slow), interrupt = function(condition) "stopped")
  expect_identical(told, "stopped")
})
