# What t components cost: CPU time of an iteration beside one of normal components. Rscript inst/bench/t.R
library(emfit)
set.seed(1)
n <- 1e5
k <- 3

compare <- function(structure, d) {
  means <- matrix(rnorm(k * d, 0, 2), k)
  x <- means[sample(k, n, TRUE), , drop = FALSE] + matrix(rt(n * d, 5), n)
  start <- if (d == 1) list(mean = means[, 1] + 0.3, sd = rep(1.5, k)) else list(mean = means + 0.3, covariance = diag(d) * 1.5)
  seconds <- function(family, start, iterations) {
    control <- em_control(tol = 0, max_iter = iterations, accelerate = FALSE, threads = 1)
    system.time(suppressWarnings(em_fit(x, k, family, start = start, control = control)))[[1]]
  }
  each <- function(family, start, many) 1000 * (seconds(family, start, many + 2) - seconds(family, start, 2)) / many
  with_df <- c(start, list(df = rep(10, k)))
  times <- replicate(5, c(each(em_gaussian(structure), start, 100), each(em_t(structure), with_df, 40)))
  cat(sprintf("%s, d = %d: normal %.2f ms, t %.2f ms, ratio %.1f\n", structure, d, median(times[1, ]), median(times[2, ]),
              median(times[2, ] / times[1, ])))
}

compare("VVV", 5)
compare("VVI", 5)
compare("EEE", 5)
compare("V", 1)
