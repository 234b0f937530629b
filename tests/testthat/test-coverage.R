# Do intervals that claim 95 % cover 95 %? Samples from known mixtures of well separated groups, each fitted from
# the truth so that components keep their names. A long test; it prints its table.

coverage_models <- list(
  "Gaussian V" = list(n = 400, family = em_gaussian("V"), truth = list(proportions = c(a = 0.4, b = 0.6),
    mean = c(a = 0, b = 7), sd = c(a = 1, b = 1.5))),
  "Gaussian VVV" = list(n = 500, family = em_gaussian("VVV"), truth = list(proportions = c(a = 0.4, b = 0.6),
    mean = rbind(a = c(0, 0), b = c(6, 3)), covariance = array(c(1, 0.5, 0.5, 1, 2, -0.6, -0.6, 1), c(2, 2, 2)))),
  "Gaussian EEE" = list(n = 400, family = em_gaussian("EEE"), truth = list(proportions = c(a = 0.4, b = 0.6),
    mean = rbind(a = c(0, 0), b = c(5, 3)), covariance = array(c(1, 0.5, 0.5, 1.5), c(2, 2, 2)))),
  "Gaussian VVI, 10 % missing" = list(n = 500, family = em_gaussian("VVI"), holes = 0.1, truth = list(
    proportions = c(a = 0.4, b = 0.6), mean = rbind(a = c(0, 0), b = c(6, 5)),
    covariance = array(c(1, 0, 0, 2, 2, 0, 0, 1), c(2, 2, 2)))),
  "binomial" = list(n = 300, family = em_binomial(), size = c(15, 20, 30), truth = list(
    proportions = c(a = 0.4, b = 0.6), prob = c(a = 0.2, b = 0.75)))
)

draw_sample <- function(model) {
  p <- model$truth
  component <- sample(2, model$n, TRUE, p$proportions)
  if (!is.null(p$prob)) {
    size <- rep_len(model$size, model$n)
    successes <- rbinom(model$n, size, p$prob[component])
    return(cbind(successes, size - successes))
  }
  if (!is.null(p$sd)) return(rnorm(model$n, p$mean[component], p$sd[component]))
  x <- p$mean[component, ]
  for (j in 1:2) {
    at <- component == j
    x[at, ] <- x[at, ] + matrix(rnorm(2 * sum(at)), ncol = 2) %*% chol(p$covariance[, , j])
  }
  if (!is.null(model$holes)) x[runif(length(x)) < model$holes] <- NA
  x
}

covered <- function(model, types) {
  fit <- quietly(em_fit(draw_sample(model), family = model$family, start = model$truth))
  truth <- fit
  truth$parameters <- emfit:::name_parameters(model$truth, c("a", "b"), fit$data)
  vapply(types, function(type) {
    ends <- confint(fit, type = type)
    value <- coef(truth)[rownames(ends)]
    ends[, 1] <= value & value <= ends[, 2]
  }, logical(nrow(vcov(fit))))
}

test_that("95 % intervals cover 93 to 97 % of 500 samples", {
  skip_if_not(nzchar(Sys.getenv("EMFIT_LONG_TESTS")))
  set.seed(2024)
  types <- c("observed", "opg", "sandwich")
  for (name in names(coverage_models)) {
    hits <- replicate(500, covered(coverage_models[[name]], types))
    rate <- apply(hits, 1:2, mean)
    cat("\n", name, "\n", sep = "")
    print(round(100 * rate, 1))
    expect_gte(min(rate[, "observed"]), 0.93)
    expect_lte(max(rate[, "observed"]), 0.97)
  }
})
