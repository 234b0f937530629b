# Do accelerated runs end where plain EM ends? Rscript inst/bench/lower.R [problems=480]
#
# Random small problems under six structures: overlapping groups, means at random rows, the covariance of all rows for each
# component. Each is run to tol = 1e-8 with and without acceleration. Problems where either run ends with a degenerate
# component are left out. Prints how many of the accelerated runs ended lower or higher by more than 0.001, and the passes.

suppressPackageStartupMessages(library(emfit))
given <- grep("^problems=", commandArgs(trailingOnly = TRUE), value = TRUE)
n_problems <- if (length(given)) as.integer(sub("problems=", "", given)) else 480L

problem <- function(seed) {
  set.seed(seed)
  structure <- c("VVV", "VII", "EEE", "VVI", "VEV", "V")[seed %% 6 + 1]
  d <- if (structure == "V") 1 else sample(2:3, 1)
  k <- sample(2:4, 1)
  n <- sample(c(150, 300, 600), 1)
  means <- matrix(rnorm(k * d, 0, runif(1, 0.5, 1.5)), k)
  group <- sample(k, n, TRUE)
  x <- means[group, , drop = FALSE] + matrix(rnorm(n * d), n) * sqrt(runif(k, 0.4, 2))[group]
  at <- x[sample(n, k), , drop = FALSE]
  start <- if (d == 1) list(mean = at[, 1], sd = rep(sd(x), k)) else list(mean = at, covariance = cov(x))
  list(x = x, start = start, family = em_gaussian(structure))
}

ends <- function(seed) {
  case <- problem(seed)
  run <- function(accelerate) {
    control <- em_control(tol = 1e-8, max_iter = 20000, accelerate = accelerate, threads = 1)
    suppressWarnings(em_fit(case$x, start = case$start, family = case$family, control = control))
  }
  fast <- run(TRUE)
  plain <- run(FALSE)
  c(gain = fast$loglik - plain$loglik, fast = fast$passes, plain = plain$passes,
    degenerate = length(c(fast$degenerate, plain$degenerate)))
}

runs <- as.data.frame(t(vapply(seq_len(n_problems), ends, numeric(4L))))
runs <- runs[runs$degenerate == 0, ]
cat(sprintf("%d problems: %d ended lower, %d higher; passes %d and, plain, %d (1 / %.0f)\n", nrow(runs), sum(runs$gain < -1e-3),
            sum(runs$gain > 1e-3), sum(runs$fast), sum(runs$plain), sum(runs$plain) / sum(runs$fast)))
print(round(sort(runs$gain[abs(runs$gain) > 1e-3]), 3))
