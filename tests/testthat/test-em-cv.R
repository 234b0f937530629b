quick <- em_control(n_start = 3)

test_that("rows are scored by fits that did not see them", {
  x <- as.matrix(faithful)[1:60, ]
  fold <- withr_seed(10, sample(rep_len(1:4, 60)))
  held <- lapply(1:4, function(f) {
    seen <- x[fold != f, ]
    mean <- colMeans(seen)
    rows <- sweep(x[fold == f, ], 2, mean)
    covariance <- cov.wt(seen, method = "ML")$cov
    -log(2 * pi) - log(det(covariance)) / 2 - rowSums(rows %*% solve(covariance) * rows) / 2
  })
  one <- em_fit(x, 1)
  cv <- withr_seed(10, em_cv(one, folds = 4))
  expect_identical(cv$folds, fold)
  expect_equal(cv$table$logLik, vapply(held, sum, 0))
  expect_equal(unname(cv$row_loglik[fold == 3]), unname(held[[3]]))
  expect_equal(cv$logLik, sum(unlist(held)))
  expect_equal(cv$std.error, sqrt(60) * sd(unlist(held)))
  expect_equal(cv$table$nobs, tabulate(fold))
  expect_equal(tidy(cv)$per.obs, cv$table$logLik / 15)
  expect_identical(as.data.frame(cv), cv$table)
  expect_equal(glance(cv)$logLik, cv$logLik)
  expect_equal(cv$fitted, em_fit(x, 1)$loglik)
})

test_that("em_select() reads the same number", {
  fit <- em_fit(faithful, 2, em_gaussian("EEE"))
  of_table <- withr_seed(4, em_select(faithful, 2, "EEE", criterion = "CV", folds = 5))
  fold <- of_table$table$CV
  folds <- withr_seed(4, draw_folds(fit$data, 5))
  expect_equal(em_cv(fit, folds)$logLik, -fold / 2, tolerance = 1e-7)
  expect_identical(em_cv(fit, folds * 10)$folds, folds)
})

test_that("rows that belong together are left out together, and count once", {
  people <- withr_seed(2, data.frame(id = rep(1:30, each = 4), x = rnorm(120) + rep(rbinom(30, 1, 0.5) * 4, each = 4)))
  fit <- em_fit(people, 2, latent = em_mixture(unit = "id"))
  cv <- withr_seed(1, em_cv(fit, folds = 5))
  expect_true(all(tapply(cv$folds, people$id, function(f) length(unique(f))) == 1))
  expect_identical(cv$nobs, sum(cv$table$nobs))
  expect_equal(cv$std.error, sqrt(30) * sd(tapply(cv$row_loglik, people$id, sum)))
  expect_error(em_cv(fit, rep_len(1:2, 120)), "row 2 is in another fold than row 1", class = "emfit_error_argument")
  chain <- em_fit(people, 2, latent = em_markov("id"))
  expect_true(is.finite(withr_seed(1, em_cv(chain, folds = 3, control = quick))$logLik))
})

test_that("weights, labels and what is held hold in each refit", {
  folds <- rep_len(1:4, 272)
  twice <- em_fit(faithful, 2, weights = rep(2, 272))
  once <- em_fit(faithful, 2)
  expect_equal(em_cv(twice, folds)$logLik, 2 * em_cv(once, folds)$logLik, tolerance = 1e-6)
  species <- replace(iris$Species, 1:150 %% 3 != 0, NA)
  labelled <- em_fit(iris[1:4], labels = species)
  expect_true(is.finite(em_cv(labelled, rep_len(1:5, 150))$logLik))
  even <- em_fit(faithful, 2, fixed = list(proportions = c(0.5, 0.5)))
  by_hand <- sum(vapply(1:4, function(f) {
    part <- em_fit(faithful[folds != f, ], 2, fixed = list(proportions = c(0.5, 0.5)))
    sum(predict(part, faithful[folds == f, ], type = "logdensity"))
  }, 0))
  expect_equal(em_cv(even, folds)$logLik, by_hand, tolerance = 1e-6)
  toss <- em_cv(em_fit(cbind(heads, tails) ~ 1, coins, 2, "binomial"), 1:5)
  expect_identical(nrow(toss$table), 5L)
})

test_that("a fold that can't be fitted is told, and what makes no folds is refused", {
  x <- c(1, 1.1, 1.2, 1.35, 9, 9.1)
  fit <- quietly(em_fit(x, 2, start = c(1, 1, 1, 1, 2, 2)))
  expect_warning(cv <- em_cv(fit, c(1, 1, 2, 2, 3, 4)), "4 folds could not be fitted", class = "emfit_warning_collapse")
  expect_identical(cv$logLik, NA_real_)
  expect_match(format(cv), "No held-out log-likelihood", all = FALSE)
  fit <- em_fit(faithful, 1)
  expect_error(em_cv(fit, 1), "2 or more", class = "emfit_error_argument")
  expect_error(em_cv(fit, 300), "can't be more than the rows: 272, not 300", class = "emfit_error_argument")
  expect_error(em_cv(fit, 1:3), "number of a fold for each of the 272 rows", class = "emfit_error_argument")
  expect_error(em_cv(fit, rep(1, 272)), "two folds or more", class = "emfit_error_argument")
  expect_error(em_cv(faithful), "must come from em_fit", class = "emfit_error_argument")
})

test_that("print says what it is worth beside the fit itself", {
  cv <- withr_seed(1, em_cv(em_fit(faithful, 2), folds = 5))
  lines <- format(cv)
  expect_match(lines[1], "Gaussian mixture: 2 components")
  expect_match(lines, "Cross-validation in 5 folds", all = FALSE)
  expect_match(lines, sprintf("Held-out log-likelihood %.2f", cv$logLik), all = FALSE, fixed = TRUE)
  expect_output(print(cv), sprintf("Log-likelihood of the fit %.2f", cv$fitted), fixed = TRUE)
})

test_that("of fewer than ten rows each is left out, and a chain is told of a bootstrap that it has", {
  few <- em_fit(women$height[1:8], k = 1)
  expect_identical(nrow(em_cv(few)$table), 8L)
  expect_error(em_cv(few, folds = 10), "can't be more than the rows: 8, not 10", class = "emfit_error_argument")
  chain <- em_fit(as.numeric(Nile), k = 2, latent = em_markov())
  expect_error(em_cv(chain), "em_bootstrap(fit, type = \"parametric\")", fixed = TRUE, class = "emfit_error_unsupported")
  expect_s3_class(quietly(em_bootstrap(chain, n_boot = 2, type = "parametric")), "em_bootstrap")
})
