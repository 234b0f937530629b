# A fit with these parameters, of rows that they may have given; nothing is estimated.
scored <- function(x, ..., latent = em_mixture(), family = em_gaussian()) {
  start <- list(...)
  k <- NROW(start[[1L]])
  quietly(em_fit(x, k = k, start = start, family = family, latent = latent, control = em_control(max_iter = 0)))
}

line_fit <- function(w, m, s) scored(c(outer(s, c(-1, 0.3, 1)) + m), proportions = w, mean = m, sd = s)

density_cases <- list(
  apart = list(c(0.3, 0.7), c(0, 1e6), c(1, 1)), rare = list(c(1e-9, 1 - 1e-9), c(50, 0), c(1, 1)),
  small = list(c(0.4, 0.6), c(1, 1.000000003), c(1e-9, 2e-9)),
  mixed = list(c(0.2, 0.3, 0.5), c(-3, 0.1, 1e5), c(0.01, 5, 1e3)), far = list(c(0.25, 0.75), c(1e8, 100000003), c(1, 0.1))
)

# Kept in the order given, so that the proportions of the table are those of the fit.
density_fits <- function() lapply(density_cases, function(case) do.call(line_fit, case))

square_fit <- function() {
  scored(as.matrix(expand.grid(c(-2, 0, 3, 5), c(-4, 0, 5, 9))), proportions = c(0.6, 0.4), mean = rbind(c(0, 0), c(3, 5)),
         covariance = array(c(1, 0.5, 0.5, 2, 4, -3, -3, 9), c(2, 2, 2)))
}

triangle_fit <- function(sd) {
  mean <- rbind(c(0, 0), c(1, 0), c(0.5, sqrt(3) / 2))
  scored(rbind(mean - sd, mean, mean + 0.7 * sd), proportions = rep(1, 3) / 3, mean = mean, covariance = array(diag(2) * sd^2, c(2, 2, 3)))
}
