# How em_merge() values pairs of clusters: a k x k matrix, read below its diagonal.

merge_by_entropy <- function(state) {
  each_pair(state, function(i, j) {
    sum(state$w * (x_log_x(state$r[, i] + state$r[, j]) - x_log_x(state$r[, i]) - x_log_x(state$r[, j])))
  })
}

# The larger of the probabilities that a row of one is put into the other.
merge_by_demp <- function(state) {
  class <- max.col(state$r, ties.method = "first")
  k <- length(state$names)
  put <- vapply(seq_len(k), function(i) colSums((state$w * state$r)[class == i, seq_len(k), drop = FALSE]), numeric(k))
  put <- put / colSums(state$w * state$r)[seq_len(k)]
  each_pair(state, function(i, j) max(put[i, j], put[j, i]))
}

merge_by_bhattacharyya <- function(state) {
  each_pair(state, function(i, j) exp(sum(vapply(state$blocks, block_affinity, 0, i, j))))
}

merge_by_ridgeline <- function(state) each_pair(state, function(i, j) ridge_ratio(state$blocks[[1L]], state$share, i, j))

# The lowest point between the highest peaks on its two sides, divided by the lower of these; 1: there is one peak.
ridge_ratio <- function(block, share, i, j) {
  size <- sqrt(diag(covariance_of(block, i) + covariance_of(block, j)) / 2)
  unit <- list(log_weights = log(share[c(i, j)]), mean = rbind(0, (block$mean[j, ] - block$mean[i, ]) / size))
  unit$roots <- lapply(c(i, j), function(at) chol(covariance_of(block, at) / outer(size, size)))
  unit$precision <- lapply(unit$roots, chol2inv)
  point <- function(a) weighted_centre(c(1 - a, a), unit)
  height <- function(a) log_sum(unit_log_density(do.call(rbind, lapply(a, point)), unit))
  a <- ridge_grid()
  f <- height(a)
  # Of each point the lower of the highest on its two sides: where it is furthest below that, the valley is.
  left <- cummax(f)
  right <- rev(cummax(rev(f)))
  depth <- f - pmin(left, right)
  valley <- which.min(depth)
  if (depth[valley] > -1e-10) return(1)
  finest <- function(at, maximum) {
    ends <- a[c(max(at - 1L, 1L), min(at + 1L, length(a)))]
    found <- stats::optimize(height, ends, maximum = maximum, tol = 1e-10)
    if (maximum) max(found$objective, f[at]) else min(found$objective, f[at])
  }
  peaks <- c(which.max(f[seq_len(valley)]), valley - 1L + which.max(f[valley:length(f)]))
  exp(finest(valley, FALSE) - min(finest(peaks[1L], TRUE), finest(peaks[2L], TRUE)))
}

# Finer towards the ends, where peaks of groups far apart are.
ridge_grid <- function() {
  middle <- seq(0, 1, length.out = 401L)
  near <- 10^seq(-12, -2.7, length.out = 80L)
  sort(unique(c(middle, near, 1 - near)))
}

each_pair <- function(state, value) {
  k <- length(state$names)
  out <- matrix(-Inf, k, k)
  for (j in seq_len(k - 1L)) for (i in (j + 1L):k) out[i, j] <- value(i, j)
  out
}

# shapes: does it look at what the components are along columns; modal: must they be normal?
merge_methods <- list(
  entropy = list(values = merge_by_entropy, cutoff = NULL, shapes = FALSE, modal = FALSE, label = "entropy"),
  demp = list(values = merge_by_demp, cutoff = 0.025, shapes = FALSE, modal = FALSE, label = "estimated misclassification"),
  bhattacharyya = list(values = merge_by_bhattacharyya, cutoff = 0.1, shapes = TRUE, modal = FALSE, label = "Bhattacharyya's distance"),
  ridgeline = list(values = merge_by_ridgeline, cutoff = 0.2, shapes = TRUE, modal = TRUE, label = "the valley on the ridge line")
)
