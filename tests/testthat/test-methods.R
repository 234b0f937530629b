# Every method for every family in every latent structure: an answer, or an error that says what can't be had.

rows_of_families <- function() {
  withr_seed(2, {
    n <- 60
    state <- rep(rep(1:2, each = 10), 3)
    heads <- stats::rbinom(n, 5, c(0.2, 0.8)[state])
    shares <- list(c(5, 3, 2), c(1, 3, 6))
    counts <- t(vapply(state, function(s) drop(stats::rmultinom(1, 8, shares[[s]])), numeric(3)))
    list(
      gaussian = data.frame(a = stats::rnorm(n, c(0, 3)[state]), b = stats::rnorm(n)),
      binomial = data.frame(heads, tails = 5 - heads),
      poisson = data.frame(y = stats::rpois(n, c(2, 9)[state]), z = stats::rpois(n, c(5, 1)[state])),
      negbin = data.frame(y = stats::rnbinom(n, 3, mu = c(2, 12)[state]), z = stats::rnbinom(n, 2, mu = 4)),
      t = data.frame(a = stats::rt(n, 4) + c(0, 6)[state], b = stats::rt(n, 4)),
      gamma = data.frame(a = stats::rgamma(n, 3, c(3, 0.5)[state]), b = stats::rgamma(n, 2)),
      categorical = data.frame(a = factor(c("x", "y")[1 + (stats::runif(n) < c(0.2, 0.8)[state])]),
                               b = factor(sample(c("p", "q", "r"), n, TRUE)), c = stats::runif(n) < c(0.9, 0.1)[state]),
      bernoulli = data.frame(p = stats::rbinom(n, 1, c(0.1, 0.8)[state]), q = stats::rbinom(n, 1, c(0.7, 0.2)[state]),
                             r = stats::rbinom(n, 1, 0.5)),
      multinomial = data.frame(counts),
      mixed = data.frame(a = stats::rnorm(n, c(0, 3)[state]), b = factor(c("x", "y")[1 + (stats::runif(n) < c(0.2, 0.8)[state])]),
                         c = stats::rnorm(n))
    )
  })
}

methods_of_a_fit <- list(
  prob = function(fit) predict(fit, type = "prob"), class = function(fit) predict(fit, type = "class"),
  density = function(fit) predict(fit, type = "density"), logdensity = function(fit) predict(fit, type = "logdensity"),
  residuals = stats::residuals, pseudo = function(fit) residuals(fit, "pseudo"), fitted = stats::fitted,
  pairwise = function(fit) residuals(fit, "pairwise"), simulate = function(fit) simulate(fit, seed = 1),
  fewer = function(fit) simulate(fit, seed = 1, n = 3), tidy = function(fit) tidy(fit, "parameters"),
  components = function(fit) tidy(fit), glance = function(fit) glance(fit), augment = function(fit) augment(fit),
  vcov = stats::vcov, opg = function(fit) vcov(fit, type = "opg"), confint = stats::confint, coef = stats::coef,
  diagnose = em_diagnose, update = function(fit) update(fit, k = 1), part = function(fit) update(fit, subset = 1:40),
  icl = icl, bic = stats::BIC, plot_data = plot_data
)

test_that("every method of every family answers, or says in a classed error what can't be had", {
  unsupported <- character()
  id <- rep(1:6, each = 10)
  for (family in names(rows_of_families())) {
    rows <- data.frame(id = id, rows_of_families()[[family]])
    for (kind in c("mixture", "unit", "chain")) {
      latent <- switch(kind, mixture = em_mixture(), unit = em_mixture(unit = "id"), chain = em_markov("id"))
      data <- if (kind == "mixture") rows[-1] else rows
      fit <- withr_seed(1, suppressMessages(suppressWarnings(em_fit(data, 2, family, latent))))
      for (name in names(methods_of_a_fit)) {
        found <- tryCatch({
          suppressMessages(suppressWarnings(methods_of_a_fit[[name]](fit)))
          NULL
        }, error = identity)
        if (is.null(found)) next
        expect_s3_class(found, "emfit_error")
        unsupported <- c(unsupported, name)
      }
    }
  }
  expect_setequal(unsupported, c("pseudo", "pairwise", "opg"))
})

test_that("what single rows cost that are left out is what a loop finds, for categories", {
  fit <- withr_seed(1, em_fit(role_conflict, 2, "categorical", control = em_control(tol = 1e-12, max_iter = 5000)))
  codes <- data.matrix(role_conflict)
  r <- unname(predict(fit, type = "prob"))
  loglik <- function(row, proportions, prob) {
    density <- Reduce(`*`, Map(function(p, code) p[, code], prob, row), proportions)
    log(sum(density))
  }
  lost <- vapply(seq_len(nrow(codes)), function(i) {
    others <- lapply(seq_len(ncol(codes)), function(j) {
      crossprod(r[-i, ], outer(codes[-i, j], 1:2, `==`)) / colSums(r[-i, ])
    })
    with <- loglik(codes[i, ], unname(fit$parameters$proportions), fit$parameters$prob)
    with - min(with - loglik(codes[i, ], colMeans(r[-i, ]), others), fit$df / 2)
  }, 0)
  expect_equal(glance(fit)$LOO, sum(lost), tolerance = 1e-10)
})
