# Counts, categories and mixed columns: every two of a fifth of the cells missing, weights, labels, units and what
# proportions may be, against EM in plain R (helper-reference-families.R), and for ascent.

pair_unit_of <- function(row) (row - 1) %/% 4 + 1

# A fifth of the cells, but one in every row; a row of counts that share a total goes as a whole.
pair_holes <- function(case, x) {
  n <- nrow(x)
  whole <- case$name == "multinomial"
  columns <- setdiff(seq_len(ncol(x)), match("exposure", colnames(x)))
  withr_seed(41, {
    if (whole) return(replace(x, cbind(seq_len(n), 1)[runif(n) < 0.2, ], NA))
    holes <- matrix(runif(n * length(columns)) < 0.2, n)
    if (length(columns) > 1L) holes[rowSums(!holes) == 0, 1] <- FALSE
    for (j in seq_along(columns)) x[holes[, j], columns[j]] <- NA
    x
  })
}

pair_family_features <- c("missing", "weights", "labels", "unit", "equal", "held")

# list(call, x, weights, labels, unit, proportions) with these features.
family_pair <- function(case, features) {
  n <- 120L
  row <- seq_len(n)
  on <- function(name) name %in% features
  x <- case$x_of(n)
  if (on("missing")) x <- pair_holes(case, x)
  unit <- if (on("unit")) pair_unit_of(row) else row
  s <- list(x = x, unit = unit, weights = if (on("weights")) c(0.5, 1, 2, 0, 1)[unit %% 5 + 1] else rep(1, n),
            labels = if (on("labels")) ifelse(unit %% 6 == 0, unit %/% 6 %% 3 + 1, NA) else rep(NA, n),
            proportions = if (on("equal")) "equal" else if (on("held")) c(0.5, 0.3, 0.2) else "free")
  s$start <- case$start
  if (!identical(s$proportions, "free")) s$start$proportions <- if (on("held")) s$proportions else rep(1, 3) / 3
  s$call <- list(if (on("unit")) data.frame(id = unit, x) else x, 3L, case$family,
                 em_mixture(s$proportions, unit = if (on("unit")) "id"), start = s$start, na.action = stats::na.pass)
  if (on("weights")) s$call$weights <- s$weights
  if (on("labels")) s$call$labels <- s$labels
  s
}

# Rows that say something: an exposure and a count.
pair_says <- function(case, x) {
  says <- law_says(case, x)
  if (case$name %in% c("multinomial", "poisson")) says & !is.na(rowSums(x)) else says
}

# As reference_block_step(), but missing numbers are hidden ones, each with the mean and variance that its component has.
pair_step <- function(block, r, p) {
  if (block$kind != "diagonal") return(reference_block_step(block, r, p))
  x <- block$x
  r <- r * (rowSums(!is.na(x)) > 0) # a row without any says nothing of them
  for (k in seq_len(ncol(r))) {
    old <- rbind(p$mean[k, ], p$sd[k, ])
    for (j in seq_len(ncol(x))) {
      lost <- is.na(x[, j])
      full <- ifelse(lost, old[1, j], x[, j])
      p$mean[k, j] <- sum(r[, k] * full) / sum(r[, k])
      p$sd[k, j] <- sqrt(sum(r[, k] * ((full - p$mean[k, j])^2 + lost * old[2, j]^2)) / sum(r[, k]))
    }
  }
  p
}

family_pair_oracle <- function(case, s, n_iter) {
  blocks <- case$oracle$blocks(s$x)
  p <- list(proportions = s$start$proportions, blocks = case$oracle$parameters(s$start))
  says <- pair_says(case, s$x)
  # A unit counts where one of its rows says something, or a label does.
  unit_weight <- as.vector(tapply(s$weights * (says | !is.na(s$labels)), s$unit, max))
  label <- s$labels[!duplicated(s$unit)]
  expect <- function(p) {
    logs <- Reduce(`+`, Map(function(block, q) reference_block_density(block, q, 3L), blocks, p$blocks))
    logs[!says, ] <- 0
    joint <- rowsum(logs, s$unit) + rep(log(p$proportions), each = length(unit_weight))
    for (i in which(!is.na(label))) joint[i, -label[i]] <- -Inf
    top <- apply(joint, 1, max)
    list(r = exp(joint - top) / rowSums(exp(joint - top)), loglik = sum(unit_weight * (top + log(rowSums(exp(joint - top))))))
  }
  found <- expect(p)
  trace <- found$loglik
  for (i in seq_len(n_iter)) {
    r <- found$r[s$unit, ] * s$weights * says
    p$blocks <- Map(function(block, q) pair_step(block, r, q), blocks, p$blocks)
    if (identical(s$proportions, "free")) p$proportions <- colSums(unit_weight * found$r) / sum(unit_weight)
    found <- expect(p)
    trace <- c(trace, found$loglik)
  }
  own <- if (is.null(case$oracle$shaped)) p$blocks[[1]] else case$oracle$shaped(p$blocks)
  list(trace = trace, parameters = c(p["proportions"], own))
}

family_pair_cases <- law_cases()[c("categorical", "bernoulli", "multinomial", "poisson", "poisson, 2 columns", "mixed")]
family_pairs <- Filter(function(pair) !setequal(pair, c("equal", "held")), utils::combn(pair_family_features, 2L, simplify = FALSE))

for (case in family_pair_cases) local({
  case <- case
  test_that(sprintf("%s: every two features, the oracle's iterations, then ascent", case$name), {
    for (pair in family_pairs) {
      s <- family_pair(case, pair)
      run <- function(n) {
        quietly(suppressWarnings(do.call(em_fit, c(s$call, list(control = em_control(tol = 0, max_iter = n, accelerate = FALSE))))))
      }
      fit <- run(3L)
      oracle <- family_pair_oracle(case, s, 3L)
      told <- paste(c(case$name, pair), collapse = ", ")
      expect_equal(fit$trace$loglik, oracle$trace, tolerance = 1e-9, label = told)
      expect_equal(parameter_numbers(fit), unlist(oracle$parameters, use.names = FALSE), tolerance = 1e-8, label = told)
      long <- run(40L)$trace$loglik
      expect_gte(min(diff(long)), -1e-10 * (1 + max(abs(long))), label = told)
    }
  })
})

test_that("mixed columns: all of them at once", {
  case <- family_pair_cases$mixed
  s <- family_pair(case, setdiff(pair_family_features, "equal"))
  fit <- quietly(do.call(em_fit, c(s$call, list(control = em_control(tol = 0, max_iter = 4, accelerate = FALSE)))))
  oracle <- family_pair_oracle(case, s, 4L)
  expect_equal(fit$trace$loglik, oracle$trace, tolerance = 1e-9)
  expect_equal(parameter_numbers(fit), unlist(oracle$parameters, use.names = FALSE), tolerance = 1e-8)
  # another unit of a number moves no responsibility
  other <- s
  other$call[[1]]$b <- other$call[[1]]$b / 100
  other$call$start$numeric$mean[, 2] <- other$call$start$numeric$mean[, 2] / 100
  scale <- diag(c(1, 0.01))
  other$call$start$numeric$covariance <- array(apply(other$call$start$numeric$covariance, 3, function(v) scale %*% v %*% scale), c(2, 2, 3))
  again <- quietly(do.call(em_fit, c(other$call, list(control = em_control(tol = 0, max_iter = 4, accelerate = FALSE)))))
  expect_equal(emfit:::responsibilities(again), emfit:::responsibilities(fit), tolerance = 1e-10)
})
