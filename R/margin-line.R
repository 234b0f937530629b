# A line: one column of a mixture, for n rows: list(weights, log_weights (n x K, or one row), law, noise).
density_line <- function(density, j) {
  line <- new_line(matrix(density$weights, 1L), column_law(density$blocks, j),
                   if (!is.null(density$noise)) noise_along(density$noise, j), matrix(density$log_weights, 1L))
  line$name <- density_columns(density)[j]
  line
}

new_line <- function(weights, law, noise = NULL, log_weights = log(weights)) {
  list(weights = weights, log_weights = log_weights, law = law, noise = noise)
}

# The same for each of n points; row i of it n times in turn for `rows`.
line_repeat <- function(line, n) line_rows(line, rep(1L, n))

line_rows <- function(line, rows) {
  some <- function(x) if (nrow(x) == 1L) x[rep(1L, length(rows)), , drop = FALSE] else x[rows, , drop = FALSE]
  line$weights <- some(line$weights)
  line$log_weights <- some(line$log_weights)
  line$law <- law_rows(line$law, rows)
  line
}

# One tail of every component, and of noise: n x K.
line_tails <- function(line, q, lower, log = FALSE) {
  out <- law_cdf(line$law, q, lower, log)
  if (is.null(line$noise)) return(out)
  own <- line$noise$cumulated(q, lower)
  cbind(out, if (log) log(own) else own, deparse.level = 0L)
}

line_log_density <- function(line, q) {
  each <- law_log_density(line$law, q)
  if (!is.null(line$noise)) each <- cbind(each, log(line$noise$density(q)), deparse.level = 0L)
  each[is.nan(each)] <- -Inf
  log_sum(each + line$log_weights)
}

# A tail of the mixture. The logarithm of one that is nearly 1 comes from the other.
line_cdf <- function(line, q, lower = TRUE, log = FALSE) {
  if (!log) return(pmin(weighted_tails(line, q, lower), 1))
  out <- log_sum(line_tails(line, q, lower, TRUE) + line$log_weights)
  near <- which(out > -0.7)
  if (length(near)) {
    rest <- line_rows(line, near)
    out[near] <- log1p(-pmin(weighted_tails(rest, q[near], !lower), 1))
  }
  out
}

weighted_tails <- function(line, q, lower) {
  each <- line_tails(line, q, lower) * line$weights
  each[which(line$weights == 0 & !is.na(each))] <- 0
  rowSums(each)
}

# n x 2 numbers: mean and standard deviation, from within and between.
line_moments <- function(line) {
  mean <- law_mean(line$law)
  variance <- law_sd(line$law)^2
  n <- max(nrow(mean), nrow(variance), nrow(line$weights))
  spread <- function(x) if (nrow(x) == n) x else x[rep(1L, n), , drop = FALSE]
  mean <- spread(mean)
  variance <- spread(variance)
  if (!is.null(line$noise)) {
    mean <- cbind(mean, line$noise$mean)
    variance <- cbind(variance, line$noise$variance)
  }
  w <- spread(line$weights)
  # About one of the means, so that nothing is lost where all are far from 0.
  origin <- mean[cbind(seq_len(n), max.col(w, ties.method = "first"))]
  away <- mean - origin
  shift <- rowSums(w * away)
  data.frame(mean = origin + shift, sd = sqrt(rowSums(w * (variance + (away - shift)^2))))
}

# ---- quantiles ----

# p for each row of the line. Solved on the smaller tail; counts: the smallest value that reaches it.
line_quantile <- function(line, p, lower = TRUE, log = FALSE) {
  small <- if (log) p <= -log(2) else p <= 0.5
  log_t <- if (log) ifelse(small, p, log_complement(p)) else log(ifelse(small, p, 1 - p))
  t <- if (log) exp(log_t) else ifelse(small, p, 1 - p)
  from_below <- small == lower
  out <- rep(NA_real_, length(p))
  for (side in c(TRUE, FALSE)) {
    rows <- which(!is.na(p) & from_below == side & stats::complete.cases(line$log_weights))
    none <- rows[log_t[rows] == -Inf]
    if (length(none)) out[none] <- line_end(line_rows(line, none), side)
    rows <- setdiff(rows, none)
    if (!length(rows)) next
    own <- line_rows(line, rows)
    solve <- if (line$law$discrete) solve_counts else solve_tail
    out[rows] <- solve(own, t[rows], log_t[rows], side)
  }
  out
}

# Where nothing is left on one side.
line_end <- function(line, lower) {
  bracket <- line_bracket(line, rep(-Inf, nrow(line$weights)), lower)
  if (lower) bracket$low else bracket$high
}

log_complement <- function(lp) ifelse(lp > -log(2), log(-expm1(lp)), log1p(-exp(lp)))

# Between the components' own quantiles at the same probability, whose range holds the mixture's.
line_bracket <- function(line, log_t, lower) {
  each <- law_quantile(line$law, log_t, lower, TRUE)
  if (!is.null(line$noise)) each <- cbind(each, noise_quantile(line$noise, exp(log_t), lower))
  each[line$log_weights == -Inf] <- NA
  list(low = do.call(pmin, c(columns_of(each), na.rm = TRUE)), high = do.call(pmax, c(columns_of(each), na.rm = TRUE)))
}

# Any bracket does for noise: its ends.
noise_quantile <- function(noise, t, lower) {
  ends <- if (lower) noise$ends[1L] + t * diff(noise$ends) else noise$ends[2L] - t * diff(noise$ends)
  if (noise$exact) ends else noise$ends[if (lower) 1L else 2L] + 0 * t
}

solve_counts <- function(line, t, log_t, lower) {
  bracket <- line_bracket(line, log_t, lower)
  high <- bracket$high
  low <- bracket$low - 1
  # R's own quantiles of counts have this tolerance too: a probability that em_cdf() gave leads back.
  fuzz <- 64 * .Machine$double.eps
  reached <- function(y, rows) {
    tail <- weighted_tails(line_rows(line, rows), y, lower)
    if (lower) tail >= t[rows] * (1 - fuzz) else tail <= t[rows] * (1 + fuzz)
  }
  repeat {
    open <- which(is.finite(high) & high - low > 1)
    if (!length(open)) return(pmax(high, 0))
    middle <- floor((low[open] + high[open]) / 2)
    yes <- reached(middle, open)
    high[open[yes]] <- middle[yes]
    low[open[!yes]] <- middle[!yes]
  }
}

# Newton's method for the logarithm of the tail within a bracket, halved where a step leaves it or it shrinks too
# slowly, until no number is left between its ends. All points at once.
solve_tail <- function(line, t, log_t, lower) {
  ends <- open_bracket(line, t, log_t, lower)
  a <- ends$low
  b <- ends$high
  at_a <- ends$at_low
  at_b <- ends$at_high
  x <- a / 2 + b / 2
  for (step in seq_len(2500L)) {
    middle <- a / 2 + b / 2
    open <- which(is.finite(middle) & middle > a & middle < b)
    if (!length(open)) break
    own <- line_rows(line, open)
    inside <- x[open] > a[open] & x[open] < b[open]
    x[open[!inside | is.na(inside)]] <- middle[open[!inside | is.na(inside)]]
    if (step %% 4L == 0L) x[open] <- middle[open]
    found <- tail_excess(own, x[open], t[open], log_t[open], lower)
    up <- found$sign >= 0
    b[open[up]] <- x[open[up]]
    at_b[open[up]] <- found$value[up]
    a[open[!up]] <- x[open[!up]]
    at_a[open[!up]] <- found$value[!up]
    x[open] <- next_point(own, x[open], found, a[open], b[open], lower)
  }
  ifelse(is.finite(a) & abs(at_a) < abs(at_b), a, b)
}

# A step close to one end of the bracket goes a little beyond the root, so that the other end comes near too.
next_point <- function(line, x, found, a, b, lower) {
  f <- exp(line_log_density(line, x) - found$log_tail)
  to <- x + (if (lower) -1 else 1) * found$log_ratio / f
  to[!is.finite(to)] <- (a / 2 + b / 2)[!is.finite(to)]
  bit <- 4 * .Machine$double.eps * pmax(abs(a), abs(b))
  pmin(pmax(to, a + bit), b - bit)
}

# Ends that have the root between them, by what is computed there.
open_bracket <- function(line, t, log_t, lower) {
  ends <- line_bracket(line, log_t, lower)
  a <- ends$low
  b <- ends$high
  width <- pmax(b - a, 8 * .Machine$double.eps * pmax(abs(a), abs(b)), .Machine$double.xmin)
  value <- function(x) tail_excess(line, x, t, log_t, lower)
  a <- a - width / 64
  b <- b + width / 64
  at_a <- value(a)
  at_b <- value(b)
  for (i in seq_len(1100L)) {
    wrong <- is.finite(a) & at_a$sign > 0 | is.finite(b) & at_b$sign < 0
    if (!any(wrong)) break
    a <- ifelse(is.finite(a) & at_a$sign > 0, a - width, a)
    b <- ifelse(is.finite(b) & at_b$sign < 0, b + width, b)
    width <- 2 * width
    at_a <- value(a)
    at_b <- value(b)
  }
  list(low = a, high = b, at_low = at_a$value, at_high = at_b$value)
}

# How much more than t there is to the left of x (less, to its right): of every component the smaller tail is taken, and
# the weights of those that lie wholly on one side are summed without rounding, so that nothing is lost between groups
# that are far apart. log_tail: of the mixture; log_ratio: log(tail / t).
tail_excess <- function(line, x, t, log_t, lower) {
  log_left <- line_tails(line, x, TRUE, TRUE) + line$log_weights
  log_right <- line_tails(line, x, FALSE, TRUE) + line$log_weights
  w <- line$weights
  passed <- line_tails(line, x, TRUE) > 0.5
  passed[is.na(passed)] <- FALSE
  whole <- exact_difference(w * (if (lower) passed else !passed), t)
  if (!lower) whole <- -whole
  beyond <- ifelse(passed, log_right, -Inf)
  within <- ifelse(passed, -Inf, log_left)
  minus <- log_sum(beyond)
  plus <- log_sum(within)
  value <- whole + (exp(plus) - exp(minus))
  sign <- sign(value)
  even <- which(whole == 0)
  sign[even] <- sign(plus[even] - minus[even])
  log_tail <- log_sum(if (lower) log_left else log_right)
  own <- if (lower) value else -value
  log_ratio <- ifelse(abs(own) < 0.5 * t, log1p(own / t), log_tail - log_t)
  deep <- which(t < 1e-290)
  value[deep] <- (if (lower) 1 else -1) * (log_tail - log_t)[deep]
  sign[deep] <- sign(value[deep])
  list(value = value, sign = sign, log_tail = log_tail, log_ratio = log_ratio)
}

# rowSums(w) - t, rounded once.
exact_difference <- function(w, t) {
  sum <- -t
  rest <- 0
  for (j in seq_len(ncol(w))) {
    next_sum <- sum + w[, j]
    back <- next_sum - sum
    rest <- rest + ((sum - (next_sum - back)) + (w[, j] - back))
    sum <- next_sum
  }
  sum + rest
}
