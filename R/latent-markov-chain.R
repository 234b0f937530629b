# The arithmetic of a chain: what is held, starts from counts, the long run, stays, forecasts, simulated states.
# Transition matrices have a row for the state that is left.

# Parameters ------------------------------------------------------------------------------------------------------

# What is held of the transitions, NaN where free, and of the initial distribution. k x k, rows from.
markov_held <- function(latent, k) {
  transition <- if (is.matrix(latent$transition)) unname(latent$transition) else matrix(NaN, k, k)
  transition[is.na(transition)] <- NaN
  # A single free cell of a row is what the others leave.
  single <- if (k > 1L) which(rowSums(is.nan(transition)) == 1L)
  for (i in single) transition[i, is.nan(transition[i, ])] <- 1 - sum(transition[i, ], na.rm = TRUE)
  initial <- if (is.numeric(latent$initial)) unname(latent$initial) else rep(NaN, k)
  initial[is.na(initial)] <- NaN
  list(initial = initial, transition = transition)
}

# Free cells of a row in proportion to `wanted`, sharing what the held ones leave.
share_row <- function(wanted, held) {
  free <- is.nan(held)
  if (!any(free)) return(held)
  wanted <- if (sum(wanted[free]) > 0) wanted[free] / sum(wanted[free]) else rep(1 / sum(free), sum(free))
  held[free] <- wanted * (1 - sum(held[!free]))
  held
}

share_rows <- function(wanted, held) {
  out <- wanted
  for (i in seq_len(nrow(wanted))) out[i, ] <- share_row(wanted[i, ], held[i, ])
  out
}

# Complete: what is held in its place, and where nothing is said, states that stay.
settle_chain <- function(initial, transition, latent, k) {
  held <- markov_held(latent, k)
  transition <- share_rows(if (is.null(transition)) sticky_transition(k) else bare(transition), held$transition)
  if (identical(latent$initial, "stationary")) {
    found <- stationary_of(transition)
    return(list(initial = if (is.null(found)) rep(1 / k, k) else found, transition = transition))
  }
  initial <- share_row(if (is.null(initial)) rep(1 / k, k) else as.double(initial), held$initial)
  list(initial = initial, transition = transition)
}

check_start_transition <- function(transition, k) {
  if (is.data.frame(transition)) transition <- as.matrix(transition)
  if (!is.matrix(transition) || any(dim(transition) != k)) {
    abort_em("start", sprintf("`start$transition` must be a %d x %d matrix, rows from, not %s.", k, k,
                              if (is.matrix(transition)) paste(dim(transition), collapse = " x ") else
                                describe_value(transition)))
  }
  for (i in seq_len(k)) {
    transition[i, ] <- check_start_simplex(transition[i, ], sprintf("start$transition[%d, ]", i), k)
  }
  transition
}

check_start_simplex <- function(x, arg, k) {
  if (!is.numeric(x) || length(x) != k) {
    abort_em("start", sprintf("`%s` must have one number for each state: k = %d, but %s given.", arg, k,
                              if (length(x) == 1L) "1 was" else paste(length(x), "were")))
  }
  if (anyNA(x) || any(x < 0) || abs(sum(x) - 1) > 1e-8) {
    abort_em("start", sprintf("`%s` must be probabilities that sum to 1; they sum to %s.", arg, number(sum(x), 10L)))
  }
  as.double(unname(x)) / sum(x)
}

# Where a start says nothing of the transitions: states stay for ten rows.
sticky_transition <- function(k) {
  if (k == 1L) return(matrix(1, 1L, 1L))
  out <- matrix(0.1 / (k - 1), k, k)
  diag(out) <- 0.9
  out
}

# From responsibilities (n x k) or a partition (codes) and the lengths of the series: the expected numbers of first
# states and of transitions. With all states known these are the counts.
transition_counts <- function(responsibilities, lengths, k = ncol(responsibilities), weights = NULL) {
  if (!is.matrix(responsibilities)) responsibilities <- diag(k)[responsibilities, , drop = FALSE]
  weighted <- if (is.null(weights)) responsibilities else weights * responsibilities
  ends <- cumsum(lengths)
  begins <- ends - lengths + 1L
  later <- setdiff(seq_len(sum(lengths)), begins)
  list(first = colSums(weighted[begins, , drop = FALSE]),
       moves = crossprod(weighted[later - 1L, , drop = FALSE], responsibilities[later, , drop = FALSE]))
}

# Starts of our own: one pseudo-row of 1/k in each row, so that no transition begins at 0.
transition_of_counts <- function(counts, latent, k, pseudo = 1) {
  held <- markov_held(latent, k)
  transition <- share_rows(counts$moves + pseudo / k, held$transition)
  initial <- if (identical(latent$initial, "stationary")) stationary_of(transition) else
    share_row(counts$first + pseudo / k, held$initial)
  list(initial = initial, transition = transition)
}

# The stationary distribution by elimination of states (Grassmann, Taksar & Heyman 1985): no subtraction, so each
# entry is exact to rounding. NULL where there are several.
stationary_of <- function(transition) {
  k <- nrow(transition)
  if (k == 1L) return(1)
  transition <- bare(transition)
  reach <- transition > 0 | diag(k) > 0
  for (via in seq_len(k)) reach <- reach | outer(reach[, via], reach[via, ], `&`)
  end <- which(colSums(reach) == k)
  if (!length(end)) return(NULL)
  order <- c(end[1L], setdiff(seq_len(k), end[1L]))
  a <- transition[order, order]
  for (n in k:2) {
    left <- seq_len(n - 1L)
    a[left, n] <- a[left, n] / sum(a[n, left])
    a[left, left] <- a[left, left] + outer(a[left, n], a[n, left])
  }
  visits <- numeric(k)
  visits[1L] <- 1
  for (n in 2:k) visits[n] <- sum(visits[seq_len(n - 1L)] * a[seq_len(n - 1L), n])
  out <- numeric(k)
  out[order] <- visits / sum(visits)
  out
}

# The same, and where there are several the initial probabilities, carried on for a while.
long_run <- function(parameters) {
  found <- stationary_of(parameters$transition)
  if (!is.null(found)) return(found)
  now <- parameters$initial
  for (step in seq_len(64L)) now <- drop(now %*% parameters$transition)
  unname(now)
}

#' Where a chain is in the long run
#'
#' The stationary distribution of a hidden Markov model: the share of rows in each state after many of them,
#' whichever state came first.
#'
#' @param fit What [em_fit()] returned with `latent = em_markov()`.
#' @return A named vector of k probabilities.
#' @section Errors: `emfit_error_unsupported` where the transitions allow several, because some states never lead to
#'   others, and for fits without a chain.
#' @seealso [em_markov()]
#' @examples
#' fit <- em_fit(waiting ~ 1, data = faithful, k = 2, latent = em_markov())
#' em_stationary(fit)
#' @export
em_stationary <- function(fit) {
  check_fit(fit, "em_stationary()")
  if (!inherits(fit$latent, "em_latent_markov")) {
    abort_em("unsupported", c("Only a chain has a stationary distribution.",
                              i = "Fit one with latent = em_markov(); of a mixture see fit$parameters$proportions."))
  }
  out <- stationary_of(fit$parameters$transition)
  if (is.null(out)) {
    abort_em("unsupported", c("The chain has no single stationary distribution.",
                              x = "Some of its states never lead to the others, nor these to them."))
  }
  stats::setNames(out, rownames(fit$parameters$transition))
}

# Expected length of a stay; Inf for a state that is never left.
dwell_times <- function(transition) 1 / (1 - diag(transition))

# The lengths of runs of a path, by state; a run that touches the end of its series is cut off there.
path_runs <- function(path, lengths) {
  series <- rep(seq_along(lengths), lengths)
  new <- c(TRUE, path[-1L] != path[-length(path)] | series[-1L] != series[-length(series)])
  at <- which(new)
  ends <- c(at[-1L] - 1L, length(path))
  data.frame(series = series[at], state = path[at], from = at, length = ends - at + 1L,
             complete = !(ends %in% cumsum(lengths)) & !(at %in% (cumsum(lengths) - lengths + 1L)))
}

# Probabilities of the states 1 .. h rows after the last, one matrix (h x k) a series. last: the filtered (which are
# the smoothed) probabilities of the last row, series x k.
forecast_states <- function(last, transition, h) {
  lapply(seq_len(nrow(last)), function(s) {
    out <- matrix(0, h, ncol(last), dimnames = list(NULL, colnames(last)))
    now <- last[s, ]
    for (step in seq_len(h)) out[step, ] <- now <- drop(now %*% transition)
    out
  })
}

# States drawn for series of the given lengths; codes: known ones, NA elsewhere, are kept as they are (the others are
# then drawn given the past alone).
simulate_states <- function(parameters, lengths, codes = NULL) {
  below <- t(apply(parameters$transition, 1L, cumsum))
  k <- length(parameters$initial)
  if (k == 1L) return(rep(1L, sum(lengths)))
  draws <- stats::runif(sum(lengths))
  begins <- c(TRUE, rep(FALSE, sum(lengths)))[seq_len(sum(lengths))]
  begins[cumsum(lengths)[-length(lengths)] + 1L] <- TRUE
  out <- integer(sum(lengths))
  for (t in seq_along(out)) {
    limits <- if (begins[t]) cumsum(parameters$initial) else below[out[t - 1L], ]
    out[t] <- if (!is.null(codes) && !is.na(codes[t])) codes[t] else min(sum(draws[t] >= limits) + 1L, k)
  }
  out
}
