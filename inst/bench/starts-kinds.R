# What each kind of start finds by itself, and what it costs: Rscript inst/bench/starts-kinds.R [runs=200] [set ...]
#
# One start a run, plain EM to 1e-8. A kind's row says in how many of a hundred runs the best non-degenerate optimum met by any
# kind was found (within 0.001), and the mean number of iterations. em_fit() mixes the first three kinds. "split" goes from
# one component to k, splitting each in turn along its longest axis and keeping the best; "hierarchical" cuts mclust's
# model-based tree, where mclust is installed: both are one run, as nothing is left to chance.
#
# Prints the second table of starts.md, in Markdown.

suppressPackageStartupMessages(library(emfit))
has_mclust <- suppressPackageStartupMessages(require("mclust", quietly = TRUE)) # hc() works only attached
arguments <- commandArgs(trailingOnly = TRUE)
given <- grep("^runs=", arguments, value = TRUE)
n_runs <- if (length(given)) as.integer(sub("runs=", "", given)) else 200L
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE)[1]))
cases <- source(file.path(here, "starts-data.R"))$value

squared <- function(z, centre) rowSums((z - rep(centre, each = nrow(z)))^2)

seeded <- function(z, k) {
  rows <- sample(nrow(z), 1L)
  nearest <- squared(z, z[rows, ])
  while (length(rows) < k) {
    rows <- c(rows, sample(nrow(z), 1L, prob = nearest))
    nearest <- pmin(nearest, squared(z, z[rows[length(rows)], ]))
  }
  z[rows, , drop = FALSE]
}

nearest_of <- function(z, centres) {
  max.col(-apply(centres, 1L, function(centre) squared(z, centre)), ties.method = "first")
}

k_means <- function(z, k) suppressWarnings(stats::kmeans(z, seeded(z, k), iter.max = 10L))$cluster

whitened <- function(x) t(backsolve(chol(stats::cov(x)), t(scale(x, scale = FALSE)), transpose = TRUE))

at_rows <- function(x, k, shrink = 1) {
  s <- stats::cov(x) * shrink
  m <- unname(x[sample(nrow(x), k), , drop = FALSE])
  if (ncol(x) == 1L) list(mean = as.double(m), sd = rep(sqrt(s), k)) else list(mean = m, covariance = unname(s))
}

kinds <- list(
  "k-means++" = function(x, k) factor(k_means(scale(x), k)),
  "random rows" = at_rows,
  "random partition" = function(x, k) factor(sample(rep_len(seq_len(k), nrow(x)))),
  "k-means++ seeds, no k-means" = function(x, k) factor(nearest_of(scale(x), seeded(scale(x), k))),
  "k-means++, whitened" = function(x, k) factor(k_means(whitened(x), k)),
  "random rows, small spread" = function(x, k) at_rows(x, k, k^(-2 / ncol(x)))
)

one_run <- function(x, k, start, max_iter = 5000) {
  control <- em_control(tol = 1e-8, max_iter = max_iter, accelerate = FALSE)
  fit <- tryCatch(suppressWarnings(em_fit(x, k, start = start, control = control)), error = function(e) NULL)
  if (is.null(fit) || length(fit$degenerate)) return(c(loglik = -Inf, iterations = 0))
  c(loglik = fit$loglik, iterations = fit$iterations)
}

# A component in two along its longest axis.
halved <- function(p, j, d) {
  sigma <- if (d == 1L) matrix(p$sd[j]^2) else p$covariance[, , j]
  axes <- eigen(sigma, symmetric = TRUE)
  step <- 0.8 * axes$vectors[, 1L] * sqrt(axes$values[1L])
  rest <- sigma - tcrossprod(step)
  proportions <- c(p$proportions[-j], rep(p$proportions[j] / 2, 2L))
  means <- matrix(p$mean, ncol = d)
  means <- rbind(means[-j, , drop = FALSE], means[j, ] + step, means[j, ] - step)
  if (d == 1L) return(list(proportions = proportions, mean = as.double(means), sd = c(p$sd[-j], rep(sqrt(rest), 2L))))
  list(proportions = proportions, mean = unname(means),
       covariance = array(c(p$covariance[, , -j], rest, rest), c(d, d, length(proportions))))
}

by_splits <- function(x, k) {
  fit <- em_fit(x, 1)
  cost <- 0
  for (size in seq_len(k)[-1L]) {
    control <- em_control(tol = 1e-8, max_iter = 5000, accelerate = FALSE)
    grown <- lapply(seq_len(size - 1L), function(j) {
      tryCatch(suppressWarnings(em_fit(x, start = halved(lapply(fit$parameters, unname), j, ncol(x)), control = control)),
               error = function(e) NULL)
    })
    grown <- Filter(function(f) !is.null(f) && !length(f$degenerate), grown)
    if (!length(grown)) return(c(loglik = -Inf, iterations = cost))
    cost <- cost + sum(vapply(grown, `[[`, 0L, "iterations"))
    fit <- grown[[which.max(vapply(grown, `[[`, 0, "loglik"))]]
  }
  c(loglik = fit$loglik, iterations = cost)
}

by_hierarchy <- function(x, k) {
  if (!has_mclust) return(c(loglik = NA, iterations = NA))
  tree <- mclust::hc(x, modelName = if (ncol(x) == 1L) "V" else "VVV")
  one_run(x, k, factor(mclust::hclass(tree, k)[, 1L]))
}

ends_of <- function(x, k) {
  runs <- max(20L, n_runs %/% (1L + (k > 10L) * 9L))
  ends <- lapply(kinds, function(kind) {
    vapply(seq_len(runs), function(seed) {
      set.seed(seed)
      one_run(x, k, kind(x, k))
    }, numeric(2L))
  })
  c(ends, list(split = as.matrix(by_splits(x, k)), hierarchical = as.matrix(by_hierarchy(x, k))))
}

cat("| data | k | best | ", paste(c(names(kinds), "split", "hierarchical"), collapse = " | "), " |\n|",
    strrep("---|", 5L + length(kinds)), "\n", sep = "")
wanted <- grep("=", arguments, value = TRUE, invert = TRUE)
for (case in cases) {
  if (length(wanted) && !case[[1L]] %in% wanted) next
  ends <- ends_of(as.matrix(case[[2L]]), case[[3L]])
  best <- max(unlist(lapply(ends, function(e) e[1L, ])), na.rm = TRUE)
  cells <- vapply(ends, function(e) {
    sprintf("%.3g %% (%.0f)", 100 * mean(e[1L, ] > best - 1e-3), mean(e[2L, ]))
  }, "")
  cat("|", case[[1L]], "|", case[[3L]], "|", sprintf("%.3f", best), "|", paste(cells, collapse = " | "), "|\n")
}
