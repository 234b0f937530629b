# The workloads: data from a seed, a start, a number of iterations. Each returns list(x, start, ...), shaped as
# em_fit() takes them.

gaussian_groups <- function(n, d, k, seed, apart = 3) {
  set.seed(seed)
  group <- sample(k, n, replace = TRUE)
  mean <- matrix(rnorm(k * d, 0, apart), k, d)
  x <- mean[group, , drop = FALSE] + matrix(rnorm(n * d), n, d)
  at <- x[sample(n, k), , drop = FALSE]
  start <- if (d == 1) list(mean = at[, 1], sd = rep(2, k)) else list(mean = at, covariance = diag(3, d))
  list(x = x, start = start, k = k)
}

binomial_groups <- function(n, k, seed) {
  set.seed(seed)
  size <- sample(10:50, n, replace = TRUE)
  yes <- rbinom(n, size, seq(0.35, 0.65, length.out = k)[sample(k, n, replace = TRUE)])
  list(x = cbind(yes, no = size - yes), start = list(prob = seq(0.3, 0.7, length.out = k)), k = k)
}

# Three groups that overlap so much that EM takes thousands of iterations.
slow_line <- function(seed, n = 20000) {
  set.seed(seed)
  group <- sample(3, n, replace = TRUE, prob = c(0.3, 0.4, 0.3))
  list(x = rnorm(n, c(-1, 0, 1.2)[group], c(0.8, 1, 0.7)[group]), k = 3,
       start = list(mean = c(-0.5, 0, 0.5), sd = c(1, 1, 1)), structure = "V")
}

slow_cloud <- function(seed, n = 20000) {
  set.seed(seed)
  mean <- matrix(rnorm(9, 0, 0.55), 3)
  group <- sample(3, n, replace = TRUE)
  x <- mean[group, ] + matrix(rnorm(n * 3), n) * sqrt(runif(3, 0.4, 2))[group]
  list(x = x, k = 3, start = list(mean = mean + matrix(rnorm(9, 0, 0.3), 3), covariance = 0.5 * cov(x)),
       structure = "VVV")
}

workloads <- list(
  W1 = list(label = "univariate n=1e6 k=2", make = function(n = 1e6) gaussian_groups(n, 1, 2, 1), structure = "V"),
  W2 = list(label = "full n=1e5 d=10 k=5", make = function(n = 1e5) gaussian_groups(n, 10, 5, 2), structure = "VVV"),
  W3 = list(label = "full n=1e5 d=2 k=3", make = function(n = 1e5) gaussian_groups(n, 2, 3, 3), structure = "VVV"),
  W4 = list(label = "full n=2e4 d=50 k=10", make = function(n = 2e4) gaussian_groups(n, 50, 10, 4), structure = "VVV"),
  W5 = list(label = "diagonal n=1e6 d=10 k=10", make = function(n = 1e6) gaussian_groups(n, 10, 10, 5),
            structure = "VVI"),
  W6 = list(label = "spherical n=1e6 d=10 k=5", make = function(n = 1e6) gaussian_groups(n, 10, 5, 6),
            structure = "VII"),
  W7 = list(label = "tied n=1e5 d=10 k=5", make = function(n = 1e5) gaussian_groups(n, 10, 5, 7), structure = "EEE"),
  W9 = list(label = "full n=5000 d=5 k=4", make = function(n = 5000) gaussian_groups(n, 5, 4, 9), structure = "VVV")
)
