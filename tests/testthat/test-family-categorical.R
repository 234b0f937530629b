# Latent classes, Bernoulli and multinomial mixtures, against the plain-R oracle (helper-reference-families.R), poLCA's
# numbers (fixtures) and laws of their own.

quiet <- function(expr) suppressMessages(expr)
replay <- function(n) em_control(tol = 0, max_iter = n, accelerate = FALSE)

items_with_gaps <- function(n = 120, seed = 5) {
  withr_seed(seed, {
    z <- sample(2, n, replace = TRUE)
    x <- data.frame(a = factor(c("p", "q", "r")[pmin(3, z + rbinom(n, 1, 0.4))]), b = rbinom(n, 1, z / 3) == 1,
                    c = letters[pmin(4, rpois(n, z) + 1)])
    x$a[sample(n, 12)] <- NA
    x$b[sample(n, 9)] <- NA
    x[7, ] <- NA
    x
  })
}

as_factors <- function(x) as.data.frame(lapply(x, factor))

numbers_of <- function(fit) unlist(fit$parameters, use.names = FALSE)
oracle_numbers <- function(p) unlist(list(p$proportions, p$blocks[[1]]), use.names = FALSE)

test_that("iterations are those of the oracle, with factor, logical and character columns, gaps and weights", {
  x <- items_with_gaps()
  w <- rep(c(1, 0.5, 3, 1), 30)
  start <- list(proportions = c(0.6, 0.4),
                prob = list(a = rbind(c(0.5, 0.3, 0.2), c(0.2, 0.2, 0.6)), b = rbind(c(0.7, 0.3), c(0.2, 0.8)),
                            c = rbind(c(0.4, 0.3, 0.2, 0.1), c(0.1, 0.2, 0.3, 0.4))))
  fit <- quiet(em_fit(x, 2, "categorical", start = start, weights = w, control = replay(9)))
  block <- reference_block("categorical", as_factors(x))
  seen <- replace(w, 7, 0)
  oracle <- reference_blocks_em(list(block), list(proportions = start$proportions, blocks = list(list(prob = start$prob))),
                                seen, 9)
  expect_equal(fit$trace$loglik, oracle$trace, tolerance = 1e-12)
  expect_equal(numbers_of(fit), oracle_numbers(oracle$parameters), tolerance = 1e-12)
  expect_identical(nobs(fit), sum(seen))
  expect_identical(fit$df, 13L)
  expect_equal(unname(predict(fit, type = "prob")[7, ]), unname(fit$parameters$proportions), tolerance = 1e-14)
})

test_that("Bernoulli and multinomial iterations are those of the oracle", {
  votes <- withr_seed(2, matrix(rbinom(400, 1, rep(c(0.2, 0.7), each = 50)), 100, 4))
  votes[3, 2] <- NA
  prob <- rbind(c(0.3, 0.4, 0.3, 0.2), c(0.6, 0.7, 0.8, 0.6))
  fit <- quiet(em_fit(votes, 2, "bernoulli", start = list(prob = prob), control = replay(8)))
  oracle <- reference_blocks_em(list(reference_block("bernoulli", votes)),
                                list(proportions = c(0.5, 0.5), blocks = list(list(prob = prob))), n_iter = 8)
  expect_equal(fit$trace$loglik, oracle$trace, tolerance = 1e-12)
  expect_equal(numbers_of(fit), oracle_numbers(oracle$parameters), tolerance = 1e-12)

  counts <- withr_seed(3, t(cbind(rmultinom(60, 9, c(6, 3, 1)), rmultinom(40, 12, c(1, 3, 6)))))
  counts[5, 2] <- NA
  counts[6, ] <- 0
  prob <- rbind(c(0.5, 0.3, 0.2), c(0.2, 0.3, 0.5))
  fit <- quiet(em_fit(counts, 2, "multinomial", start = list(prob = prob), control = replay(8)))
  block <- reference_block("multinomial", counts)
  oracle <- reference_blocks_em(list(block), list(proportions = c(0.5, 0.5), blocks = list(list(prob = prob))),
                                replace(rep(1, 100), 5:6, 0), n_iter = 8)
  expect_equal(fit$trace$loglik, oracle$trace, tolerance = 1e-12)
  expect_equal(numbers_of(fit), oracle_numbers(oracle$parameters), tolerance = 1e-11)
  expect_identical(nobs(fit), 98)
  expect_equal(em_fit(counts[-(5:6), ], 1, "multinomial")$loglik,
               sum(apply(counts[-(5:6), ], 1, function(y) dmultinom(y, prob = colSums(counts[-(5:6), ]), log = TRUE))),
               tolerance = 1e-12)
})

test_that("Bernoulli is the latent class model of two levels", {
  a <- withr_seed(1, em_fit(role_conflict == "universalistic", 2, "bernoulli"))
  b <- withr_seed(1, em_fit(role_conflict, 2, "categorical"))
  expect_equal(a$loglik, b$loglik, tolerance = 1e-10)
  expect_identical(a$df, b$df)
  expect_equal(unname(a$parameters$prob[, 3]), unname(b$parameters$prob$C[, "universalistic"]), tolerance = 1e-3)
})

test_that("poLCA's log-likelihood, parameters, BIC, G2 and X2 on four tables", {
  peers <- read.csv(test_path("fixtures", "peers_lca.csv"))
  for (i in seq_len(nrow(peers))) {
    table <- lca_table(peers$table[i])
    fit <- withr_seed(1, suppressWarnings(em_fit(table$items, peers$k[i], "categorical", weights = table$n,
                                                 control = em_control(tol = 1e-9, max_iter = 1e4))))
    expect_equal(fit$loglik, peers$best[i], tolerance = 1e-6 / abs(peers$best[i]), label = peers$table[i])
    expect_identical(fit$df, peers$npar[i])
    if (peers$loglik[i] < peers$best[i] - 1e-5) next
    expect_equal(BIC(fit), peers$bic[i], tolerance = 1e-9)
    if (fit$k == 1L) next
    found <- emfit:::fit_statistics(fit, emfit:::table_of_fit(fit))
    expect_equal(found$gsq, peers$gsq[i], tolerance = 1e-5)
    expect_equal(found$chisq, peers$chisq[i], tolerance = 1e-3)
    # poLCA takes the rows for the cells where they are fewer.
    expect_equal(found$df, if (peers$table[i] == "carcinoma") 127 - fit$df else peers$df[i])
  }
})

# Log-likelihoods as the examples of poLCA's help pages have them (version 1.6.0.2: carcinoma, cheating, gss82), to their digits.
test_that("the default finds what poLCA's documentation prints for three public tables", {
  printed <- list(carcinoma = c(`2` = "-317.2568", `3` = "-293.705", `4` = "-289.2858"), cheating = c(`2` = "-440.0271"),
                  interview = c(`2` = "-2783.268", `3` = "-2754.545", `4` = "-2746.621"))
  for (name in names(printed)) {
    table <- lca_table(name)
    for (k in names(printed[[name]])) {
      fit <- withr_seed(1, suppressWarnings(em_fit(table$items, as.integer(k), "categorical", weights = table$n)))
      digits <- nchar(sub(".*[.]", "", printed[[name]][[k]]))
      expect_identical(formatC(fit$loglik, digits, format = "f"), printed[[name]][[k]], label = paste(name, k))
    }
  }
})

test_that("standard errors by outer products are poLCA's, and NA instead of 0 at a boundary", {
  peers <- read.csv(test_path("fixtures", "peers_lca_errors.csv"))
  for (name in unique(peers$table)) {
    table <- lca_table(name)
    fit <- withr_seed(1, em_fit(table$items, 2, "categorical", weights = table$n,
                                control = em_control(tol = 1e-11, max_iter = 1e4)))
    errors <- suppressWarnings(sqrt(diag(vcov(fit, type = "opg"))))
    own <- peers[peers$table == name, ]
    class <- rank(fit$parameters$proportions)[own$class] # theirs are ordered by proportion, the small one first
    at <- paste0("prob.", own$item, ".", mapply(function(item, level) levels(table$items[[item]])[level], own$item, own$level),
                 "[", ifelse(own$class == 1, 2, 1), "]")
    expect_false(anyNA(match(at, names(coef(fit)))))
    expect_equal(unname(coef(fit)[at]), own$prob, tolerance = 1e-4)
    boundary <- own$prob < 1e-5 | own$prob > 1 - 1e-5
    found <- unname(errors[match(at, names(errors))])
    expect_true(all(is.na(found[boundary])))
    expect_equal(found[!boundary], own$error[!boundary], tolerance = 5e-3)
  }
})

test_that("a boundary probability has NA and never 0, and limits stay inside", {
  fit <- withr_seed(1, em_fit(as.data.frame(Titanic)[1:4], 2, "categorical", weights = as.data.frame(Titanic)$Freq))
  expect_warning(v <- vcov(fit), "at the boundary", class = "emfit_warning_standard_error")
  zero <- pmin(coef(fit)[rownames(v)], 1 - coef(fit)[rownames(v)]) < 1e-6
  expect_true(any(zero))
  expect_true(all(is.na(diag(v)[zero])))
  expect_true(all(diag(v)[!is.na(diag(v))] > 0))
  ends <- suppressWarnings(confint(fit))
  expect_true(all(ends >= 0 & ends <= 1, na.rm = TRUE))
})

test_that("levels are named in every output, and parameters nest by column", {
  fit <- withr_seed(1, em_fit(interview, 2, "categorical"))
  expect_named(fit$parameters$prob, names(interview))
  expect_identical(dimnames(fit$parameters$prob$purpose), list(c("1", "2"), levels(interview$purpose)))
  expect_identical(names(coef(fit))[3], "prob.purpose.good[1]")
  expect_identical(names(tidy(fit))[4:6], paste0("prob.purpose.", levels(interview$purpose)))
  long <- tidy(fit, what = "parameters", conf.int = TRUE)
  expect_identical(unlist(long[3, c("term", "variable", "variable2")], use.names = FALSE), c("prob", "purpose", "good"))
  limits <- tidy(fit, conf.int = TRUE)
  expect_equal(limits$prob.purpose.good.conf.low, long$conf.low[3:4])
  expect_identical(colnames(fitted(fit))[1:4], c(paste0("purpose.", levels(interview$purpose)), "accuracy.mostly true"))
  expect_equal(unname(rowSums(fitted(fit)[, 1:3])), rep(1, 1202))
  expect_equal(colMeans(residuals(fit)), colMeans(fitted(fit)) * 0, tolerance = 1e-4)
  expect_identical(as.data.frame(augment(fit))[names(interview)], interview)
  expect_identical(unique(em_path(fit)$term)[2], "prob.purpose.good")
  expect_output(print(fit), "good 0.895 mostly true 0.637", fixed = TRUE)
  expect_output(print(fit), "G2 79.3 on 22 df", fixed = TRUE)
  expect_output(print(summary(fit)), "fair or poor 0.167 0.258", fixed = TRUE)
})

test_that("what a start and `fixed` say nests too, by name or by position", {
  fit <- withr_seed(1, em_fit(interview, 2, "categorical"))
  prob <- fit$parameters$prob
  same <- function(prob) {
    em_fit(interview, family = "categorical", start = list(proportions = fit$parameters$proportions, prob = prob),
           control = em_control(max_iter = 0))$loglik
  }
  expect_equal(same(prob), fit$loglik, tolerance = 1e-14)
  expect_equal(same(rev(prob)), fit$loglik, tolerance = 1e-14)
  expect_equal(same(unname(prob)), fit$loglik, tolerance = 1e-14)
  prob$purpose <- prob$purpose[, c(3, 1, 2)]
  expect_equal(same(prob), fit$loglik, tolerance = 1e-14)
  held <- em_fit(interview, 2, "categorical", start = fit,
                 fixed = list(prob = list(purpose = rbind(c(NA, NA, NA), c(0.2, NA, NA)))))
  expect_identical(held$parameters$prob$purpose[[2, 1]], 0.2)
  expect_equal(unname(rowSums(held$parameters$prob$purpose)), c(1, 1), tolerance = 1e-14)
  expect_identical(held$df, 12L)
  expect_lt(held$loglik, fit$loglik)
  expect_gt(held$loglik, fit$loglik - 0.1)
  expect_false("prob.purpose.good[2]" %in% rownames(suppressWarnings(vcov(held))))
  expect_identical(fit$loglik, update(fit, start = fit, control = em_control(max_iter = 0))$loglik)
})

test_that("declared levels that nobody has are left out, told once, and not counted", {
  plain <- withr_seed(1, em_fit(interview, 2, "categorical"))
  x <- interview
  x$purpose <- factor(x$purpose, levels = c("good", "never", "depends", "waste"))
  x$cooperation <- ordered(x$cooperation)
  told <- list()
  fit <- withr_seed(1, withCallingHandlers(em_fit(x, 2, "categorical"), message = function(m) {
    told[[length(told) + 1]] <<- m
    invokeRestart("muffleMessage")
  }))
  expect_length(told, 1)
  expect_s3_class(told[[1]], "emfit_message_columns")
  expect_match(conditionMessage(told[[1]]), "\"never\" of purpose", fixed = TRUE)
  expect_match(conditionMessage(told[[1]]), "Ordered factors are taken as categories: cooperation", fixed = TRUE)
  expect_identical(fit$df, plain$df)
  expect_identical(fit$loglik, plain$loglik)
  expect_identical(levels(augment(fit)$purpose), levels(x$purpose))
  expect_identical(levels(simulate(fit, seed = 1)[[1]]$purpose), levels(x$purpose))
  expect_error(predict(fit, transform(x[1:3, ], purpose = "never")), "\"never\" in column \"purpose\", row 1",
               class = "emfit_error_levels")
  codes <- factor(c(1, 3)[withr_seed(1, sample(2, 50, TRUE))], levels = 1:3)
  expect_identical(quiet(em_fit(data.frame(codes, other = rev(codes)), 1, "categorical"))$df, 2L)
})

test_that("levels in another order, names and rows change nothing", {
  fit <- withr_seed(1, em_fit(interview, 2, "categorical", control = em_control(tol = 1e-10)))
  x <- interview[sample(1202), 4:1]
  x$purpose <- factor(x$purpose, levels = rev(levels(x$purpose)))
  other <- withr_seed(2, em_fit(x, 2, "categorical", control = em_control(tol = 1e-10)))
  expect_equal(other$loglik, fit$loglik, tolerance = 1e-10)
  expect_equal(other$parameters$prob$purpose[, levels(interview$purpose)], fit$parameters$prob$purpose, tolerance = 1e-3)
  words <- as.data.frame(lapply(interview, as.character))
  expect_equal(withr_seed(1, em_fit(words, 2, "categorical"))$loglik, fit$loglik, tolerance = 1e-8)
  expect_equal(predict(fit, words[9:1, 4:1], type = "prob"), predict(fit, interview[9:1, ], type = "prob"),
               ignore_attr = TRUE)
  by_formula <- withr_seed(1, em_fit(~ purpose + accuracy + understanding + cooperation, interview, 2, "categorical"))
  expect_equal(by_formula$loglik, fit$loglik, tolerance = 1e-8)
  expect_equal(predict(by_formula, words[1:3, ], type = "prob"), predict(fit, words[1:3, ], type = "prob"), tolerance = 1e-3)
})

test_that("a missing cell has the factor 1", {
  fit <- withr_seed(1, em_fit(interview, 2, "categorical"))
  row <- interview[1, ]
  row$purpose <- NA
  p <- fit$parameters
  by_hand <- p$proportions * p$prob$accuracy[, row$accuracy] * p$prob$understanding[, row$understanding] *
    p$prob$cooperation[, row$cooperation]
  expect_equal(predict(fit, row, type = "density"), sum(by_hand), tolerance = 1e-12, ignore_attr = TRUE)
  blank <- interview[1, ]
  blank[] <- NA
  expect_equal(predict(fit, blank, type = "density"), 1, ignore_attr = TRUE)
  expect_equal(drop(unname(predict(fit, blank, type = "prob"))), unname(p$proportions), tolerance = 1e-14)
})

test_that("gaps are filled in by draws from their component, in the user's columns", {
  x <- items_with_gaps(2000, 6)
  fit <- quiet(withr_seed(1, em_fit(x, 2, "categorical")))
  sets <- withr_seed(2, em_impute(fit, m = 3, parameters = "estimate"))
  expect_length(sets, 3)
  expect_false(anyNA(sets[[1]]))
  expect_identical(vapply(sets[[1]], function(column) class(column), ""), vapply(x, function(column) class(column), ""))
  seen <- !is.na(x$a)
  expect_identical(sets[[2]]$a[seen], x$a[seen])
  many <- withr_seed(3, em_impute(fit, data.frame(a = NA_character_, b = TRUE, c = "a")[rep(1, 4000), ], m = 1))[[1]]
  r <- predict(fit, data.frame(a = NA, b = TRUE, c = "a"), type = "prob")
  expect_equal(as.vector(table(many$a)) / 4000, as.vector(r %*% fit$parameters$prob$a), tolerance = 0.08)
  expect_error(em_impute(fit, type = "mean"), "have no mean to be filled in with", class = "emfit_error_unsupported")
})

test_that("selection, tests, refits and cross-validation work on them", {
  found <- withr_seed(1, em_select(interview, k = 1:3, family = "categorical"))
  expect_identical(as.data.frame(found)$df, c(6L, 13L, 20L)[as.data.frame(found)$k])
  expect_identical(best(found)$k, 3L)
  expect_identical(best(withr_seed(1, em_select(role_conflict, k = 1:2, family = "categorical", criterion = "CV")))$k, 2L)
  one <- em_fit(role_conflict, 1, "categorical")
  expect_lte(withr_seed(1, em_lrt(one, n_boot = 19))$p.value, 0.05)
  fit <- withr_seed(1, em_fit(role_conflict, 2, "categorical"))
  boot <- withr_seed(1, em_bootstrap(fit, 40))
  expect_equal(sqrt(vcov(boot)["proportion[1]", "proportion[1]"]), sqrt(vcov(fit)["proportion[1]", "proportion[1]"]),
               tolerance = 0.5)
  expect_silent(withr_seed(1, em_bootstrap(fit, 5, type = "parametric")))
  # A sample that lacks a level has the parameters of the fit all the same.
  rare <- data.frame(a = rep(c("x", "y", "z"), c(60, 39, 1)), b = rep(c("u", "v"), 50), c = rep(c("s", "t", "t", "s"), 25))
  lost <- withr_seed(1, em_lrt(em_fit(rare, 1, "categorical"), n_boot = 5))
  expect_length(lost$simulated, 5)
})

test_that("labels and weights do what they do elsewhere", {
  fit <- withr_seed(1, em_fit(role_conflict, 2, "categorical", control = em_control(tol = 1e-10)))
  cells <- aggregate(n ~ ., cbind(role_conflict, n = 1), sum)
  short <- withr_seed(1, em_fit(cells[1:4], 2, "categorical", weights = cells$n, control = em_control(tol = 1e-10)))
  expect_equal(short$loglik, fit$loglik, tolerance = 1e-10)
  expect_equal(BIC(short), BIC(fit), tolerance = 1e-10)
  group <- factor(rep(c("u", "v"), 108))
  told <- suppressWarnings(em_fit(role_conflict, family = "categorical", labels = group)) # the groups are alike
  expect_equal(unname(told$parameters$prob$B), unname(prop.table(table(group, role_conflict$B), 1)), tolerance = 1e-12,
               ignore_attr = TRUE)
  expect_equal(em_mstep(role_conflict, group, family = "categorical")$prob$B, told$parameters$prob$B, tolerance = 1e-12)
  steps <- em_mstep(role_conflict[1:9, ], em_estep(role_conflict[1:9, ], fit), fit)
  expect_named(steps$prob, names(role_conflict))
})

test_that("update() keeps columns as they were given", {
  x <- items_with_gaps()
  fit <- quiet(withr_seed(1, em_fit(x, 2, "categorical", na.action = na.omit)))
  expect_identical(fit$data$n, sum(complete.cases(x)))
  all <- quiet(withr_seed(1, update(fit, na.action = na.pass)))
  expect_identical(all$data$n, 120L)
  expect_identical(as.data.frame(augment(all))[names(x)], x)
  few <- quiet(withr_seed(1, update(all, subset = c == "a" | c == "b")))
  expect_identical(lengths(few$data$items)[["c"]], 2L)
  less <- quiet(withr_seed(1, suppressWarnings(update(all, ~ . - c)))) # two columns tell little
  expect_named(less$parameters$prob, c("a", "b"))
  expect_identical(update(all, k = 1)$df, 6L)
})

test_that("a zero that a start put there is told where it isn't a maximum, and only there", {
  fit <- withr_seed(1, em_fit(interview, 2, "categorical"))
  start <- fit$parameters
  start$prob$purpose <- rbind(c(0, 0.5, 0.5), c(0.3, 0.3, 0.4))
  expect_warning(stuck <- em_fit(interview, family = "categorical", start = start), "\"good\" of purpose in component 1",
                 class = "emfit_warning_frozen")
  expect_lt(stuck$loglik, fit$loglik - 1)
  expect_identical(stuck$parameters$prob$purpose[[1, 1]], 0)
  # By a small step off the zero the log-likelihood rises as the slope says.
  at <- stuck$parameters
  at$prob$purpose[1, ] <- at$prob$purpose[1, ] * (1 - 1e-6) + c(1e-6, 0, 0)
  moved <- em_fit(interview, family = "categorical", start = at, control = em_control(max_iter = 0))
  found <- emfit:::frozen_cells(emfit:::table_of_fit(stuck))
  expect_equal(moved$loglik - stuck$loglik, 1e-6 * (found$slope - found$rows), tolerance = 1e-2)
  x <- data.frame(a = rep(c("p", "q"), each = 30), b = rep(c("u", "v"), each = 30), c = rep(c("s", "t", "t"), 20))
  true_zero <- list(prob = list(a = diag(2), b = diag(2), c = rbind(c(0.4, 0.6), c(0.3, 0.7))))
  expect_no_warning(em_fit(x, family = "categorical", start = true_zero), class = "emfit_warning_frozen")
})

test_that("identifiability is judged by cells and by rank", {
  expect_warning(em_fit(role_conflict[1:2], 2, "categorical"), "5 parameters, but the 4 different rows",
                 class = "emfit_warning_unidentified")
  expect_warning(fit <- withr_seed(1, em_fit(role_conflict, 3, "categorical")),
                 "14 parameters, of which the rows can tell no more than 13", class = "emfit_warning_unidentified")
  expect_output(print(em_diagnose(fit)), "can\\s+tell 13")
  expect_warning(em_fit(withr_seed(1, t(rmultinom(30, 2, c(1, 2, 3)))), 2, "multinomial"),
                 "rows of at least 3 counts", class = "emfit_warning_unidentified")
})

test_that("pairwise residuals are Pearson's X2 of two-way tables", {
  fit <- withr_seed(1, em_fit(interview, 2, "categorical", control = em_control(tol = 1e-9)))
  found <- residuals(fit, "pairwise")
  expect_identical(unlist(found[1, 1:2], use.names = FALSE), c("understanding", "cooperation"))
  p <- fit$parameters
  expected <- 1202 * t(p$prob$understanding) %*% (p$proportions * p$prob$cooperation)
  observed <- table(interview$understanding, interview$cooperation)
  expect_equal(found$chisq[1], sum((observed - expected)^2 / expected), tolerance = 1e-10)
  expect_equal(found$ratio[1], 32.7, tolerance = 1e-3)
  expect_error(residuals(em_fit(faithful, 1), "pairwise"), "no residuals of type \"pairwise\"",
               class = "emfit_error_unsupported")
})

test_that("bad columns are errors that say what to do", {
  expect_error(em_fit(interview, 2), "for latent classes: family = \"categorical\"", class = "emfit_error_input")
  expect_error(em_fit(iris, 2, "categorical"), "iris|x\\$Sepal.Length <- factor", class = "emfit_error_input")
  expect_error(em_fit(as.matrix(iris[1:2]), 2, "categorical"), "Column \"Sepal.Length\" is of class \"numeric\"",
               class = "emfit_error_input")
  expect_error(em_fit(data.frame(a = rep("x", 9), b = letters[1:9]), 1, "categorical"), "one level, \"x\"",
               class = "emfit_error_input")
  expect_error(em_fit(data.frame(a = NA_character_, b = letters[1:9]), 1, "categorical"), "no observed value",
               class = "emfit_error_input")
  expect_error(em_fit(data.frame(a = as.character(1:20000), b = c("u", "v")), 1, "categorical"), "20000 different values",
               class = "emfit_error_input")
  expect_error(em_fit(NULL, 1, "categorical"), "no observations", class = "emfit_error_input")
  expect_error(em_fit(interview[0, ], 1, "categorical"), "0 rows", class = "emfit_error_input")
  expect_error(em_fit(cbind(0:2, 1), 1, "bernoulli"), "Row 3 has 2 in column 1", class = "emfit_error_input")
  expect_error(em_fit(cbind(c(0, 1), 1), 1, "bernoulli"), "is 1 in every row", class = "emfit_error_input")
  expect_error(em_fit(1:5, 1, "multinomial"), "two or more, not 1", class = "emfit_error_input")
  expect_error(em_fit(cbind(a = c(1, -2), b = 1:2), 1, "multinomial"), "Row 2 has -2 in column \"a\"",
               class = "emfit_error_counts")
  expect_error(em_fit(cbind(1:2, c(1, 2.5)), 1, "multinomial"), "can't be fractions", class = "emfit_error_counts")
  expect_error(em_fit(cbind(c(0, 0), c(0, NA)), 1, "multinomial"), "nothing observed", class = "emfit_error_input")
  expect_error(em_fit(interview, 40, "categorical"), "(33 distinct)", fixed = TRUE, class = "emfit_error_input")
  fit <- em_fit(interview, 1, "categorical")
  expect_error(predict(fit, interview[1:2, 1:3]), "lacks column \"cooperation\"", class = "emfit_error_newdata")
  expect_error(predict(fit, unname(as.matrix(interview[1:2, 1:3]))), "must have the 4 columns of the fit, not 3",
               class = "emfit_error_newdata")
  expect_error(em_estep(interview[1:2, 1:3], em_start(unname(as.matrix(interview)), 1, "categorical")),
               "must have the 4 columns of the fit, not 3", class = "emfit_error_input")
  expect_error(em_fit(interview, 2, "categorical", latent = em_mixture(noise = TRUE)), "Noise",
               class = "emfit_error_unsupported")
})

test_that("a bad list of probabilities is an error that names its place", {
  try_start <- function(prob) em_fit(interview, 2, "categorical", start = list(prob = prob))
  expect_error(try_start(1), "must be a list with a matrix for each", class = "emfit_error_start")
  expect_error(try_start(list(purpose = diag(2))), "\"accuracy\", \"understanding\", \"cooperation\" lack.",
               class = "emfit_error_start")
  good <- em_fit(interview, 1, "categorical")$parameters$prob
  prob <- lapply(good, function(p) unname(rbind(p, p)))
  prob$accuracy[1, ] <- c(0.9, 0.2)
  expect_error(try_start(prob), "`start$prob$accuracy` must have rows that sum to 1: that of component 1 sums to 1.1.",
               fixed = TRUE, class = "emfit_error_start")
  prob$accuracy <- diag(3)
  expect_error(try_start(prob), "a column for each level: 2 x 2, not 3 x 3", class = "emfit_error_start")
  prob$accuracy <- rbind(c(1.2, -0.2), c(0.5, 0.5))
  expect_error(try_start(prob), "between 0 and 1: component 1 has 1.2", class = "emfit_error_start")
  names(prob)[2] <- "accurcy"
  expect_error(try_start(prob), "must name columns of the data", class = "emfit_error_start")
  expect_error(em_fit(interview, 2, "categorical", fixed = list(prob = list(accuracy = rbind(c(0.9, 0.2), NA)))),
               "or less where some are free", class = "emfit_error_fixed")
})

test_that("the table of distinct rows has all columns, and tells NA from numbers", {
  x <- cbind(c(1, 1, NA, 1, NA), c(2, 2, 2, NA, 2), c(3, 3, 3, 3, 3))
  tally <- emfit:::em_describe_cpp(x, "tally", c(1, 2, 3, 4, 5))
  expect_identical(tally$x, x[c(1, 3, 4), ])
  expect_identical(tally$weights, c(3, 8, 4))
  many <- withr_seed(1, matrix(as.double(sample(3, 6e4, TRUE)), ncol = 6))
  tally <- emfit:::em_describe_cpp(many, "tally", NULL)
  expect_identical(tally$x, unname(unique(many)))
  expect_identical(sum(tally$weights), 1e4)
})

test_that("pictures show every level", {
  fit <- withr_seed(1, em_fit(interview, 2, "categorical"))
  drawn <- plot_data(fit)
  expect_s3_class(drawn, "em_plot_profile")
  expect_identical(nrow(drawn$profile), 20L)
  expect_equal(drawn$margin$share, as.vector(unlist(lapply(interview, function(x) prop.table(table(x))))), tolerance = 1e-12)
  expect_equal(drawn$profile$prob[drawn$profile$level == "waste"], unname(fit$parameters$prob$purpose[, "waste"]))
  expect_identical(unique(plot_data(fit, variables = "accuracy")$profile$variable), "accuracy")
  votes <- withr_seed(1, em_fit(role_conflict == "universalistic", 2, "bernoulli"))
  counts <- withr_seed(1, em_fit(t(rmultinom(40, 9, c(1, 2, 3))), 1, "multinomial"))
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  for (each in list(fit, votes, counts)) {
    for (type in c("profile", "responsibility", "uncertainty", "trace")) {
      expect_no_error(plot(each, type = type))
      if (requireNamespace("ggplot2", quietly = TRUE)) expect_no_error(print(ggplot2::autoplot(each, type = type)))
    }
  }
  expect_error(plot(fit, type = "cluster"), class = "emfit_error_unsupported")
})
