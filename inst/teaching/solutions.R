# Solutions of exercises.md. The file runs from top to bottom; stopifnot() states what should come out.
library(emfit)

# 1 ---------------------------------------------------------------------------------------------------------
x <- red_blue$value
colour <- red_blue$colour
divisor_n <- function(v) sqrt(mean((v - mean(v))^2))
means <- tapply(x, colour, mean)
sds <- tapply(x, colour, divisor_n)

known <- em_mstep(x, colour, family = em_gaussian(), latent = em_mixture("equal"))
stopifnot(all.equal(c(means), c(known$mean)), all.equal(c(sds), c(known$sd)))

# c) sd() divides by n - 1: it is larger by the factor sqrt(20 / 19).
stopifnot(all.equal(sd(x[colour == "red"]) / sds[["red"]], sqrt(20 / 19)))

# 2 ---------------------------------------------------------------------------------------------------------
mean0 <- c(red = 1.1, blue = 9)
sd0 <- c(red = 2, blue = 1.7)
density <- dnorm(1.761, mean0, sd0)
stopifnot(round(density[1], 3) == 0.189, round(density[2], 5) == 0.00003)
density[1] / sum(density)

densities <- cbind(red = dnorm(x, mean0[1], sd0[1]), blue = dnorm(x, mean0[2], sd0[2]))
r <- densities / rowSums(densities)
start <- em_start(x, latent = em_mixture("equal"), start = list(mean = mean0, sd = sd0))
e <- em_estep(x, start)
stopifnot(all.equal(r, e$responsibilities))
x[which.min(abs(r[, "red"] - 0.5))]

# 3 ---------------------------------------------------------------------------------------------------------
mean1 <- colSums(r * x) / colSums(r)
sd1 <- sqrt(colSums(r * outer(x, mean1, `-`)^2) / colSums(r))
p <- em_mstep(x, e, start)
stopifnot(all.equal(mean1, p$mean), all.equal(sd1, p$sd))

loglik <- function(mean, sd) sum(log(dnorm(x, mean[1], sd[1]) / 2 + dnorm(x, mean[2], sd[2]) / 2))
stopifnot(loglik(mean1, sd1) > loglik(mean0, sd0), all.equal(loglik(mean0, sd0), e$loglik))

# 4 ---------------------------------------------------------------------------------------------------------
p <- em_start(x, latent = em_mixture("equal"), start = list(mean = mean0, sd = sd0))
for (i in 1:20) {
  e <- em_estep(x, p)
  p <- em_mstep(x, e, p)
}
p

# tol = 0 runs exactly max_iter iterations; accelerate = FALSE keeps to plain EM.
fit <- em_fit(x, latent = em_mixture("equal"), start = list(mean = mean0, sd = sd0),
              control = em_control(max_iter = 20, tol = 0, accelerate = FALSE))
stopifnot(all.equal(fit$parameters$mean, p$mean), all.equal(fit$parameters$sd, p$sd))
plot(fit, type = "path", iterations = 0:5)
plot(fit, type = "trace")

# 5 ---------------------------------------------------------------------------------------------------------
tosses <- coins[c("heads", "tails")]
stopifnot(all.equal(c(em_mstep(tosses, coins$coin, family = "binomial")$prob), c(A = 0.80, B = 0.45)))

q <- em_start(tosses, family = "binomial", latent = em_mixture("equal"), start = list(prob = c(A = 0.6, B = 0.5)))
r <- em_estep(tosses, q)$responsibilities
table <- cbind(r[, "A"] * tosses, r[, "B"] * tosses)
round(table, 1)
stopifnot(all.equal(round(unname(colSums(table)), 1), c(21.3, 8.6, 11.7, 8.4)))

# c) Equal coins share every set equally, so both get the share of heads in all tosses, and stay equal: a saddle.
fit_coins <- function(start, ...) {
  em_fit(tosses, family = "binomial", latent = em_mixture("equal"), start = list(prob = start),
         control = em_control(accelerate = FALSE, ...))
}
stuck <- suppressWarnings(fit_coins(c(A = 0.5, B = 0.5)))
stopifnot(all.equal(unname(stuck$parameters$prob), c(0.66, 0.66)))

# d) Eight, and B is then within .001 of its limit: the steps shrink fast here. They need not.
stopped <- fit_coins(c(A = 0.6, B = 0.5), stop = "parameters", tol = 1e-3)
limit <- fit_coins(c(A = 0.6, B = 0.5), tol = 1e-12)
stopifnot(stopped$iterations == 8, max(abs(stopped$parameters$prob - limit$parameters$prob)) < 1e-3)

# e) BIC is smaller for one coin.
one <- em_fit(tosses, k = 1, family = "binomial")
stopifnot(BIC(one) < BIC(limit))

# 6 ---------------------------------------------------------------------------------------------------------
set.seed(1)
ends <- replicate(20, suppressWarnings(
  em_fit(three_groups[1:2], k = 3, start = "random", control = em_control(n_start = 1))$loglik
))
table(round(ends, 1))
# b) All it looks at is whether the log-likelihood still rises from where it is; at a local maximum it does not.

# 7 ---------------------------------------------------------------------------------------------------------
set.seed(1)
speed <- sapply(c(4, 3, 2), function(g) {
  fit <- em_fit(c(rnorm(1000), rnorm(1000, g)), start = list(mean = c(-0.5, g + 0.5), sd = c(1, 1)),
                control = em_control(accelerate = FALSE, max_iter = 10000))
  gains <- diff(tail(fit$trace$loglik, 3))
  c(g = g, iterations = fit$iterations, ratio = gains[2] / gains[1])
})
t(speed)
stopifnot(diff(speed["iterations", ]) > 0, diff(speed["ratio", ]) > 0)
# b) To gain a factor of a thousand takes log(1000) / -log(ratio) iterations.

# 8 ---------------------------------------------------------------------------------------------------------
# The logarithm is concave, so for weights r_ik that sum to one over k (Jensen)
#   log sum_k pi_k f_k = log sum_k r_ik (pi_k f_k / r_ik) >= sum_k r_ik log(pi_k f_k / r_ik),
# with equality where pi_k f_k / r_ik does not depend on k, that is, where r are the posterior probabilities. The E-step
# makes the bound touch at the present parameters; the M-step raises the bound; the log-likelihood is at least as high
# as the bound there. So it is at least as high as before.
