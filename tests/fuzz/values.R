# Random inputs for fuzz.R, sound and unsound: numbers of every size, shapes down to nothing, arguments of the wrong kind.

pick <- function(...) {
  choices <- list(...)
  choices[[sample.int(length(choices), 1L)]]
}

# TRUE once in so many.
rarely <- function(times = 10) stats::runif(1) * times < 1

some_count <- function() pick(if (rarely(3)) 0L else 20L, if (rarely(3)) 1L else 9L, 2L, 3L, 5L, 8L, 13L, 30L, 63L, 65L, 100L, 257L, if (rarely(8)) 5000L else 40L)

some_numbers <- function(n) {
  scale <- if (rarely(3)) 10^stats::runif(1, -170, 170) else 10^stats::runif(1, -3, 3)
  shift <- if (rarely(3)) 10^stats::runif(1, 0, 16) else 0
  x <- pick(
    stats::rnorm(n), stats::rnorm(n) + 5 * sample(0:2, n, replace = TRUE), stats::rcauchy(n), if (rarely(3)) rep(stats::rnorm(1), n) else stats::rt(n, 3),
    sample(c(1, 2, 5), n, replace = TRUE), as.double(sample.int(20L, n, replace = TRUE)), seq_len(n) + 0,
    c(rep(0, n %/% 2), stats::rnorm(n - n %/% 2)), stats::rexp(n)^9, c(stats::rnorm(max(0, n - 1)), 1e6)[seq_len(n)]
  )
  spread <- stats::sd(x)
  (x + shift * if (is.na(spread) || spread == 0) 1 else spread) * scale
}

spoil <- function(x, values = c(NA, NaN, Inf, -Inf, 1e308, -1e308, 5e-324, 0, -1)) {
  if (!length(x)) return(x)
  at <- sample.int(length(x), sample.int(min(3L, length(x)), 1L))
  x[at] <- sample(values, length(at), replace = TRUE)
  x
}

some_matrix <- function(n, d) {
  x <- matrix(unlist(lapply(seq_len(d), function(j) some_numbers(n))), n, d)
  if (d > 1 && rarely(8)) x[, d] <- x[, 1]
  if (d > 0 && rarely(3)) x[stats::runif(n * d) < 0.2] <- NA
  if (rarely(30)) x <- spoil(x)
  if (d > 0 && rarely(3)) colnames(x) <- pick(letters[seq_len(d)], rep("a", d), rep("", d), LETTERS[d:1])
  x
}

some_counts <- function(n) {
  size <- sample(pick(0:3, 10L, c(0L, 50L), 5:20, 1000000L), n, replace = TRUE)
  yes <- stats::rbinom(n, size, stats::runif(n)^pick(1, 5, 0.1, 0))
  x <- cbind(yes = yes, no = size - yes)
  if (rarely(8)) x[sample.int(max(1L, n), 1L, TRUE)[n > 0], ] <- NA
  if (rarely(15)) x <- spoil(x, c(-1, 0.5, NA, Inf, 1e300))
  x
}

# What is no argument at all.
rubbish <- function() {
  pick(NULL, NA, NaN, Inf, -1, 0, 0.5, 1e10, "a", "", character(), numeric(), list(), list(1), TRUE, 1:3, mean, quote(a),
       new.env(), factor("a"), 2i, as.raw(1), matrix(1, 2, 2), array(1, c(2, 2, 2)), data.frame(), Sys.Date(), list(a = NULL))
}

some_k <- function(n) if (rarely(50)) rubbish() else pick(1L, 1L, 2L, 2L, 2L, 3L, 3L, 4L, 7L, if (rarely(5)) max(1L, min(n, 30L)) else 2L)

some_gaussian <- function(d) {
  names <- c("EII", "VII", "EEI", "VEI", "EVI", "VVI", "EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV", "VVV")
  if (rarely(60)) return(em_gaussian("E"))
  em_gaussian(if (d == 1 && rarely(2)) pick("E", "V") else sample(names, 1L), prior = some_prior(d))
}

some_prior <- function(d) {
  if (!rarely(8)) return(NULL)
  em_prior(mean = pick(NULL, NULL, stats::rnorm(d)), kappa = pick(0.01, 0, 5, 1e9), nu = pick(NULL, d + 2, 100, 0),
           scale = pick(NULL, NULL, 1, abs(some_spd(d, 1))[1L] + 1e-9, 1e-300))
}

some_proportions <- function(k) {
  p <- stats::runif(k) + 1e-3
  p / sum(p)
}

some_latent <- function(k) {
  if (!is.numeric(k) || length(k) != 1L || !isTRUE(k >= 1) || k > 100) return(em_mixture())
  if (rarely(30)) return(rubbish())
  pick(em_mixture(), em_mixture(), em_mixture(noise = rarely(2)), em_mixture("equal", noise = rarely(4)), em_mixture(some_proportions(k + rarely(10))))
}

some_weights <- function(n) {
  if (rarely(60)) return(rubbish())
  if (!rarely(3)) return(NULL)
  w <- pick(stats::runif(n), sample(0:3, n, replace = TRUE), rep(1, n), stats::rexp(n) * 10^stats::runif(1, -12, 12),
            as.double(stats::runif(n) < 0.2))
  if (rarely(15)) spoil(w) else w
}

some_spd <- function(d, size) {
  a <- matrix(stats::rnorm(d * (d + 2L)), d)
  s <- tcrossprod(a) * size / d
  if (rarely(10)) s <- -s
  if (rarely(10)) s[1L] <- 0
  s
}

# A start of any kind for these data; most of them could be one.
some_start <- function(x, k, binomial) {
  n <- NROW(x)
  if (rarely(60)) return(rubbish())
  if (!is.numeric(k) || length(k) != 1L || !isTRUE(k >= 1) || k > 50 || n < 1L || rarely(2)) {
    return(pick(NULL, "kmeans++", "random", "partition"))
  }
  pick(partition_start(n, k), responsibility_start(n, k), parameter_start(x, k, binomial), parameter_start(x, k, binomial),
       function(x, k) partition_start(nrow(x), k))
}

partition_start <- function(n, k) {
  labels <- sample.int(k, n, replace = TRUE)
  if (rarely(3)) factor(labels) else labels
}

responsibility_start <- function(n, k) {
  r <- matrix(stats::rexp(n * k) + 1e-9, n, k)
  r <- r / rowSums(r)
  if (rarely(8)) spoil(r) else r
}

parameter_start <- function(x, k, binomial) {
  p <- if (rarely(2)) list(proportions = some_proportions(k))
  if (binomial) return(c(p, list(prob = if (rarely(6)) spoil(stats::runif(k), c(0, 1, 2, NA)) else stats::runif(k))))
  d <- NCOL(x)
  rows <- x[sample.int(nrow(x), k, replace = TRUE), , drop = FALSE]
  size <- mean(apply(x, 2L, stats::var, na.rm = TRUE), na.rm = TRUE) * pick(1, 1e-3, 1e3, 1e-12)
  if (d == 1L) return(c(p, list(mean = as.numeric(rows), sd = rep(sqrt(abs(size)), k) * stats::runif(k))))
  if (rarely(2)) return(c(p, list(mean = rows, covariance = some_spd(d, size))))
  c(p, list(mean = rows, covariance = array(unlist(lapply(seq_len(k), function(j) some_spd(d, size))), c(d, d, k))))
}

some_labels <- function(n, k) {
  if (!rarely(8) || n < 1L || !is.numeric(k) || length(k) != 1L || !isTRUE(k >= 1) || k > 50) return(NULL)
  labels <- sample(c(NA, seq_len(k)), n, replace = TRUE)
  pick(labels, factor(labels), responsibility_start(n, k), if (rarely(3)) rubbish())
}

some_control <- function() {
  if (rarely(60)) return(rubbish())
  em_control(tol = pick(1e-6, 1e-6, 0, 1e-12, 10), max_iter = pick(0, 1, 5, 30, 60), n_start = pick(1, 2, 4),
             stop = pick("loglik", "loglik", "parameters"), algorithm = pick("em", "em", "ecm"),
             accelerate = pick(TRUE, FALSE), path = rarely(4), threads = pick(1, 2, 3))
}
