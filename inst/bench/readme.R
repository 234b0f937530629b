# The numbers of the comparison in README.md: CPU seconds of the same number of EM iterations from the same start, one
# thread, runs in turn, the median of three. Rscript inst/bench/readme.R
library(emfit)
peers <- c("mclust", "mixtools", "flexmix")
has <- vapply(peers, requireNamespace, NA, quietly = TRUE)
if (has[["mclust"]]) suppressPackageStartupMessages(library(mclust)) # its functions look for one another by name

cpu <- function(expr) {
  gc(FALSE)
  sum(system.time(expr)[c("user.self", "sys.self")])
}
in_turn <- function(..., times = 3L) {
  calls <- list(...)
  seconds <- matrix(NA_real_, times, length(calls), dimnames = list(NULL, names(calls)))
  for (i in seq_len(times)) for (name in names(calls)) seconds[i, name] <- cpu(calls[[name]]())
  apply(seconds, 2L, stats::median)
}
quietly <- function(expr) utils::capture.output(suppressWarnings(suppressMessages(expr)))
# flexmix begins with an M-step from given probabilities.
from_posterior <- function(x, posterior, n) {
  quietly(flexmix::flexmix(x ~ 1, cluster = posterior, model = flexmix::FLXMCmvnorm(diagonal = FALSE),
                           control = list(iter.max = n, tolerance = 0, minprior = 0)))
}
plain <- function(n) em_control(max_iter = n, tol = 0, accelerate = FALSE, threads = 1)

set.seed(1)
n <- 1e5; d <- 10; k <- 5
x <- matrix(rnorm(n * d), n) + 2 * rnorm(k * d)[outer(sample.int(k, n, TRUE), k * (seq_len(d) - 1), `+`)]
mean <- x[sample.int(n, k), ]
covariance <- array(diag(d), c(d, d, k))
full <- list(emfit = function() em_fit(x, start = list(mean = mean, covariance = diag(d)), control = plain(10)))
if (has[["mclust"]]) {
  z <- em_estep(x, em_start(x, start = list(mean = mean, covariance = diag(d))))$responsibilities
  full$mclust <- function() {
    mclust::me(x, "VVV", z, control = mclust::emControl(itmax = c(10, 10), tol = c(0, 0)))
  }
}
# mixtools is left out of the two large ones: mvnormalmixEM() had not made an iteration after 5 minutes, and normalmixEM() not
# 20 of them after one.
if (has[["flexmix"]]) {
  first <- em_estep(x, em_start(x, start = list(mean = mean, covariance = diag(d))))$responsibilities
  full$flexmix <- function() from_posterior(x, first, 10)
}
cat("Full covariances, n = 1e5, d = 10, k = 5, 10 iterations\n")
print(do.call(in_turn, full))

set.seed(2)
y <- c(rnorm(5e4), rnorm(5e4, 3))
one <- list(emfit = function() em_fit(y, start = list(mean = c(-1, 4), sd = c(1, 1)), control = plain(20)))
if (has[["mclust"]]) {
  zy <- em_estep(y, em_start(y, start = list(mean = c(-1, 4), sd = c(1, 1))))$responsibilities
  one$mclust <- function() mclust::me(y, "V", zy, control = mclust::emControl(itmax = c(20, 20), tol = c(0, 0)))
}
if (has[["flexmix"]]) {
  second <- em_estep(y, em_start(y, start = list(mean = c(-1, 4), sd = c(1, 1))))$responsibilities
  one$flexmix <- function() from_posterior(matrix(y), second, 20)
}
cat("One dimension, n = 1e5, k = 2, 20 iterations\n")
print(do.call(in_turn, one))

small <- list(emfit = function() for (i in 1:20) {
  em_fit(red_blue$value, start = list(mean = c(1.1, 9), sd = c(2, 1.7)), control = plain(20))
})
if (has[["mclust"]]) {
  small$mclust <- function() for (i in 1:20) {
    mclust::em(red_blue$value, "V", list(pro = c(0.5, 0.5), mean = c(1.1, 9), variance = list(sigmasq = c(4, 2.89))),
               control = mclust::emControl(itmax = c(20, 20), tol = c(0, 0)))
  }
}
if (has[["mixtools"]]) {
  small$mixtools <- function() for (i in 1:20) {
    quietly(mixtools::normalmixEM(red_blue$value, mu = c(1.1, 9), sigma = c(2, 1.7), maxit = 20, epsilon = 0, maxrestarts = 0))
  }
}
if (has[["flexmix"]]) {
  third <- em_estep(red_blue$value, em_start(red_blue$value, start = list(mean = c(1.1, 9), sd = c(2, 1.7))))$responsibilities
  small$flexmix <- function() for (i in 1:20) from_posterior(matrix(red_blue$value), third, 20)
}
cat("A whole call on 40 values, 20 iterations, 20 times\n")
print(do.call(in_turn, small))
