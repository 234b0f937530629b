# Other packages, where installed: the same start, both run to convergence, the same log-likelihood.
tight <- em_control(tol = 1e-10, max_iter = 20000)

for (structure in c("EII", "VII", "EEI", "VEI", "EVI", "VVI", "EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV",
                    "VVV")) {
  test_that(paste("mclust agrees on", structure), {
    skip_if_not_installed("mclust")
    x <- as.matrix(iris[1:4])
    control <- mclust::emControl(tol = c(1e-14, 1e-14), itmax = c(20000, 20000))
    me <- getExportedValue("mclust", paste0("me", structure))
    peer <- me(data = x, z = mclust::unmap(iris$Species), control = control)
    ours <- em_fit(x, family = em_gaussian(structure), start = iris$Species, control = tight)
    # The common axes of EVE and VVE have several optima for given scatters: ours must be as good or better.
    if (structure %in% c("EVE", "VVE")) expect_gte(ours$loglik, peer$loglik - 1e-5)
    else expect_equal(ours$loglik, peer$loglik, tolerance = 1e-8)
    expect_identical(as.double(ours$df), as.double(mclust::nMclustParams(structure, 4, 3)))
  })
}

test_that("mclust agrees in one dimension", {
  skip_if_not_installed("mclust")
  z <- mclust::unmap(1 + (faithful$eruptions > 3))
  for (model in c("E", "V")) {
    me <- getExportedValue("mclust", paste0("me", model))
    peer <- me(data = faithful$eruptions, z = z, control = mclust::emControl(tol = c(1e-14, 1e-14)))
    ours <- em_fit(faithful$eruptions, family = em_gaussian(model), start = 1 + (faithful$eruptions > 3),
                   control = tight)
    expect_equal(ours$loglik, peer$loglik, tolerance = 1e-9)
    expect_equal(unname(ours$parameters$mean), unname(peer$parameters$mean), tolerance = 1e-6)
  }
})

test_that("mixtools agrees in one dimension", {
  skip_if_not_installed("mixtools")
  capture.output(peer <- mixtools::normalmixEM(faithful$waiting, lambda = c(0.5, 0.5), mu = c(55, 80),
                                               sigma = c(5, 5),
                                               epsilon = 1e-12, maxit = 10000))
  ours <- em_fit(faithful$waiting, start = list(mean = c(55, 80), sd = c(5, 5)), control = tight)
  expect_equal(ours$loglik, peer$loglik, tolerance = 1e-9)
  expect_equal(unname(ours$parameters$sd), peer$sigma, tolerance = 1e-5)
})

test_that("flexmix agrees on binomial components", {
  skip_if_not_installed("flexmix")
  set.seed(4)
  size <- rep(12, 120)
  y <- rbinom(120, size, c(0.25, 0.7)[rep(1:2, c(80, 40))])
  cluster <- rep(1:2, c(80, 40))
  counts <- data.frame(y = y, rest = size - y)
  peer <- flexmix::flexmix(cbind(y, rest) ~ 1, data = counts, k = 2, cluster = cluster,
                           model = flexmix::FLXMRglm(family = "binomial"),
                           control = list(tolerance = 1e-13, iter.max = 5000, minprior = 0))
  ours <- em_fit(cbind(y, rest) ~ 1, data = counts, family = "binomial", start = cluster, control = tight)
  logit <- flexmix::parameters(peer)
  expect_equal(unname(ours$parameters$prob), unname(as.vector(plogis(logit))), tolerance = 1e-5)
  p <- plogis(as.vector(logit))
  peer_loglik <- sum(log(drop(cbind(dbinom(y, 12, p[1]), dbinom(y, 12, p[2])) %*% flexmix::prior(peer))))
  expect_equal(ours$loglik, peer_loglik, tolerance = 1e-8)
})
