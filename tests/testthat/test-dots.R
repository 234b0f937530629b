# Nothing disappears into `...`: every method of every class refuses what it does not know.
fit <- em_fit(faithful, k = 2, start = "kmeans++", control = em_control(n_start = 2))
selection <- em_select(faithful, k = 1:2, covariance = "EEE", control = em_control(n_start = 2))

objects <- list(
  em_fit = fit, em_select = selection, summary.em_fit = summary(fit), em_plot = plot_data(fit),
  em_diagnosis = em_diagnose(fit), em_parameters = em_start(faithful, k = 1), em_family = em_gaussian(),
  em_family_gaussian = em_gaussian(), em_family_binomial = em_binomial(), em_latent = em_mixture(),
  em_density = em_marginal(fit), em_hdr = em_hdr(fit, 0.9, "waiting"), em_merge = em_merge(fit),
  em_prior = em_prior(), em_control = em_control(),
  em_cv = em_cv(fit, folds = 2), em_bootstrap = quietly(em_bootstrap(fit, n_boot = 3)), em_lrt = quietly(em_lrt(em_fit(faithful, k = 1), n_boot = 2))
)

# generic.class for each method, also those that wait for another package
methods_of <- function(class) {
  all <- ls(asNamespace("emfit"))
  ending <- paste0(".", class)
  found <- all[endsWith(all, ending)]
  generic <- substr(found, 1L, nchar(found) - nchar(ending))
  # the package's own generics that nobody else calls
  found[!grepl("^(family|latent|draw|gg)_|^(print|format)[.]summary$", generic)]
}

test_that("a misspelt argument is an error in every method of every class", {
  checked <- character()
  for (class in names(objects)) {
    for (method in methods_of(class)) {
      f <- get(method, asNamespace("emfit"))
      if (!"..." %in% names(formals(f))) next
      error <- tryCatch(f(objects[[class]], tpyo = 1), error = identity, warning = identity)
      expect(inherits(error, "emfit_error"), paste(method, "takes `tpyo` without a word"))
      checked <- c(checked, method)
    }
  }
  expect_gt(length(checked), 50)
  expect_true(all(c("logLik.em_fit", "autoplot.em_select", "as.Mclust.em_fit") %in% checked))
})

test_that("the message names what is nearest, or what there is", {
  expect_error(simulate(fit, nsmi = 3), "\"nsim\"", class = "emfit_error_argument")
  expect_error(fitted(fit, type = "link"), "Unknown argument `type`", class = "emfit_error_argument")
  expect_error(fitted(fit, type = "link"), "There are no further arguments", fixed = TRUE)
  expect_error(logLik(fit, newdata = faithful), "Unknown argument `newdata`", class = "emfit_error_argument")
  expect_error(coef(fit, what = "mean"), "Unknown argument `what`", class = "emfit_error_argument")
  expect_error(augment(fit, nedwata = faithful), "\"newdata\"", class = "emfit_error_argument")
  expect_error(simulate(fit, fudge = 3), "`nsim`, `seed`", class = "emfit_error_argument")
  expect_error(vcov(fit, type = "bootstrap", nbot = 3), "Unknown argument `nbot`", class = "emfit_error_argument")
})

test_that("what R's own callers add passes", {
  expect_output(print(list(fit, em_mixture()), digits = 3), "Gaussian mixture")
  expect_identical(nrow(data.frame(fit)), nrow(as.data.frame(fit)))
  expect_length(AIC(fit, k = 3), 1L)
  other <- fit
  expect_identical(dim(BIC(fit, other)), c(2L, 2L))
  expect_identical(nobs(fit, use.fallback = TRUE), 272L)
  expect_output(print(fit, row.names = FALSE, right = TRUE), "Gaussian mixture")
  skip_if_not_installed("knitr")
  expect_output(knitr::knit_print(fit), "Gaussian mixture")
})
