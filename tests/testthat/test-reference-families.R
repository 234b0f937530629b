# The plain-R oracle of counts and categories against other programs: fixtures that data-raw/families-peers.R made.

lca_best <- function(name, k, n_start = 10) {
  table <- lca_table(name)
  withr_seed(1, {
    blocks <- list(reference_block("categorical", table$items))
    best <- reference_blocks_best(blocks, k, n_start, table$n, 300, 1e-8)
    c(table, reference_blocks_em(blocks, best$parameters, table$n, 5000, 1e-11), list(blocks = blocks))
  })
}

test_that("the oracle has poLCA's log-likelihood, parameters and BIC", {
  peers <- read.csv(test_path("fixtures", "peers_lca.csv"))
  for (i in which(peers$k <= 2)) {
    fit <- lca_best(peers$table[i], peers$k[i])
    expect_equal(fit$loglik, peers$loglik[i], tolerance = 1e-9)
    npar <- reference_blocks_df(fit$blocks, peers$k[i])
    expect_equal(npar, peers$npar[i])
    expect_equal(-2 * fit$loglik + npar * log(sum(fit$n)), peers$bic[i], tolerance = 1e-9)
  }
})

test_that("no start of poLCA ends above the best of the oracle", {
  peers <- read.csv(test_path("fixtures", "peers_lca.csv"))
  expect_true(all(peers$loglik <= peers$best + 1e-4))
})

test_that("the oracle has poLCA's standard errors", {
  peers <- read.csv(test_path("fixtures", "peers_lca_errors.csv"))
  for (name in unique(peers$table)) {
    fit <- lca_best(name, 2)
    errors <- reference_categorical_errors(fit$blocks[[1]], fit$parameters, fit$n)
    order <- order(fit$parameters$proportions)
    own <- peers[peers$table == name, ]
    for (item in names(errors$prob)) {
      rows <- own[own$item == item, ]
      expect_equal(as.vector(fit$parameters$blocks[[1]]$prob[[item]][order, ]), rows$prob, tolerance = 1e-4)
      expect_equal(as.vector(errors$prob[[item]][order, ]), rows$error, tolerance = 1e-3)
    }
  }
})

test_that("the oracle has flexmix's Bernoulli mixture and its rates with exposure", {
  skip_if_not_installed("MASS")
  peers <- read.csv(test_path("fixtures", "peers_flexmix.csv"))
  table <- lca_table("cheating")
  votes <- vapply(table$items, function(item) as.integer(item) - 1, numeric(nrow(table$items)))
  ships <- MASS::ships[MASS::ships$service > 0, ]
  data <- list(cheating = reference_block("bernoulli", votes),
               Insurance = reference_block("poisson", MASS::Insurance$Claims, exposure = MASS::Insurance$Holders),
               ships = reference_block("poisson", ships$incidents, exposure = ships$service),
               Claims = reference_block("poisson", MASS::Insurance$Claims))
  for (name in names(data)) {
    own <- peers[peers$data == name, ]
    weights <- if (name == "cheating") table$n else rep(1, nrow(data[[name]]$x))
    fit <- withr_seed(1, reference_blocks_best(data[name], own$k[1], 10, weights, 3000, 1e-11))
    expect_gt(fit$loglik, own$loglik[1] - 1e-6)
    p <- fit$parameters$blocks[[1]]
    values <- if (name == "cheating") p$prob else p$rate
    theirs <- do.call(rbind, lapply(strsplit(as.character(own$parameters), " "), as.numeric))
    if (fit$loglik < own$loglik[1] + 1e-5) {
      expect_equal(values[order(values[, 1]), ], drop(theirs), tolerance = 1e-4, ignore_attr = TRUE)
    }
  }
})

test_that("the oracle climbs with missing cells in a product, and no unit of a number moves a responsibility", {
  withr_seed(4, {
    z <- sample(2, 200, replace = TRUE)
    blocks <- list(
      reference_block("diagonal", cbind(rnorm(200, 3 * z), rnorm(200))),
      reference_block("categorical", data.frame(a = factor(sample(3, 200, replace = TRUE)), b = factor(rbinom(200, 1, z / 3)))),
      reference_block("poisson", cbind(rpois(200, 4 * z), rpois(200, 2)), exposure = runif(200, 0.5, 2)),
      reference_block("multinomial", t(rmultinom(200, 6, c(1, 2, 3))))
    )
    blocks[[1]]$x[sample(400, 40)] <- NA
    blocks[[2]]$x$a[sample(200, 30)] <- NA
    blocks[[3]]$x[sample(400, 40)] <- NA
    blocks[[4]]$x[sample(200, 20), 2] <- NA
    r <- cbind(z == 1, z == 2) * 0.8 + 0.1
    fit <- reference_blocks_em(blocks, r, n_iter = 30)
    expect_true(all(diff(fit$trace) > -1e-9))
    ounces <- blocks
    ounces[[1]]$x[, 1] <- blocks[[1]]$x[, 1] / 28.35
    again <- reference_blocks_em(ounces, r, n_iter = 30)
    expect_equal(again$loglik, fit$loglik + sum(!is.na(blocks[[1]]$x[, 1])) * log(28.35), tolerance = 1e-12)
    expect_equal(reference_blocks_responsibilities(ounces, again$parameters),
                 reference_blocks_responsibilities(blocks, fit$parameters), tolerance = 1e-9)
  })
})
