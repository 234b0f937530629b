test_that("equal and given proportions are held to the last bit and cost no degrees of freedom", {
  set.seed(1)
  expect_identical(unname(em_fit(faithful, 2, latent = em_mixture("equal"))$parameters$proportions),
                   c(0.5, 0.5))
  given <- em_fit(faithful, latent = em_mixture(c(a = 0.1, b = 0.9)))
  expect_identical(given$parameters$proportions, c(a = 0.1, b = 0.9))
  expect_identical(given$df, 10L)
  expect_identical(em_fit(faithful, 2)$df, 11L)
})

test_that("free proportions are the mean responsibilities at the optimum", {
  fit <- em_fit(faithful, start = 1 + (faithful$eruptions > 3), control = em_control(tol = 0, max_iter = 100))
  expect_equal(colMeans(predict(fit, type = "prob")), fit$parameters$proportions, tolerance = 1e-8)
})

test_that("print says what is done with the proportions", {
  expect_output(print(em_mixture()), "Mixture, proportions free")
  expect_output(print(em_mixture(c(0.3, 0.7))), "Mixture, proportions 0.3, 0.7 (held)", fixed = TRUE)
  expect_identical(as_em_latent("mixture"), em_mixture())
})

test_that("a search for so many components as the structure has numbers for tries no others", {
  shares <- c(a = 0.2, b = 0.3, c = 0.5)
  fit <- withr_seed(1, em_fit(iris[1:4], latent = em_mixture(shares)))
  expect_identical(fit$parameters$proportions, shares)
  expect_identical(fit$k, 3L)
  stay <- matrix(0.1, 3, 3) + diag(0.7, 3)
  chain <- withr_seed(1, em_fit(faithful$waiting, k = 3, latent = em_markov(transition = stay)))
  expect_equal(unname(chain$parameters$transition), stay)
})
