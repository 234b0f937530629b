# Hidden Markov models in plain R: forward and backward sums in logs, Baum-Welch, Viterbi, enumeration. Slow; shares
# nothing with the package.
#
#   chain        list(initial = k numbers, transition = k x k, rows from); a held cell of the transition is a number
#                in held$transition or held$initial, a free one NA
#   log_density  rows x k; a row with a known state has -Inf elsewhere, a missing row 0 in all of them
#   series       what series each row belongs to: runs of equal values; weights: one number for each row, the same
#                within a series

markov_log_sum <- function(x) {
  largest <- max(x)
  if (largest == -Inf) largest else largest + log(sum(exp(x - largest)))
}

# One series: log-likelihood, probabilities of the states, expected transitions (from x to).
markov_series <- function(log_density, chain) {
  n <- nrow(log_density)
  k <- ncol(log_density)
  moves <- log(chain$transition)
  ahead <- matrix(0, n, k)
  back <- matrix(0, n, k)
  row_loglik <- numeric(n)
  for (t in seq_len(n)) {
    prior <- if (t == 1) log(chain$initial) else apply(ahead[t - 1, ] + moves, 2, markov_log_sum)
    joint <- prior + log_density[t, ]
    row_loglik[t] <- markov_log_sum(joint)
    ahead[t, ] <- joint - row_loglik[t]
  }
  counts <- matrix(0, k, k)
  for (t in rev(seq_len(n - 1))) {
    pair <- moves + rep(log_density[t + 1, ] + back[t + 1, ], each = k)
    back[t, ] <- apply(pair, 1, markov_log_sum) - row_loglik[t + 1]
    counts <- counts + exp(ahead[t, ] + pair - row_loglik[t + 1])
  }
  list(loglik = sum(row_loglik), row_loglik = row_loglik, filter = exp(ahead), smooth = exp(ahead + back),
       transitions = counts)
}

# All series together.
markov_estep <- function(log_density, chain, series = rep(1, nrow(log_density)), weights = rep(1, nrow(log_density))) {
  rows <- split(seq_len(nrow(log_density)), factor(series, unique(series)))
  parts <- lapply(rows, function(i) markov_series(log_density[i, , drop = FALSE], chain))
  w <- vapply(rows, function(i) weights[i[1]], 0)
  stack <- function(what) do.call(rbind, lapply(parts, `[[`, what))
  list(
    loglik = sum(w * vapply(parts, `[[`, 0, "loglik")),
    row_loglik = unlist(lapply(parts, `[[`, "row_loglik"), use.names = FALSE),
    responsibilities = stack("smooth"), filter = stack("filter"),
    first = colSums(w * do.call(rbind, lapply(parts, function(part) part$smooth[1, ]))),
    transitions = Reduce(`+`, Map(function(part, one) one * part$transitions, parts, w))
  )
}

markov_share <- function(counts, held, now) {
  free <- if (is.null(held)) rep(TRUE, length(counts)) else is.na(held)
  out <- now
  if (sum(counts[free]) > 0) out[free] <- counts[free] / sum(counts[free]) * (1 - sum(held[!free]))
  out[!free] <- held[!free]
  out
}

# Baum-Welch. log_density(x, parameters) gives rows x k, maximise(x, w) the parameters from weights n x k. labels:
# known states, NA where none is. Element i of trace belongs to the parameters before the i-th step.
markov_em <- function(x, chain, parameters, log_density, maximise, n_iter = 5, series = rep(1, NROW(x)),
                      weights = rep(1, NROW(x)), labels = NULL, held = NULL) {
  x <- as.matrix(x)
  missing <- rowSums(!is.na(x)) == 0
  trace <- numeric()
  for (iteration in 0:n_iter) {
    density <- log_density(x, parameters)
    density[missing, ] <- 0
    known <- which(!is.na(labels))
    for (i in known) density[i, -labels[i]] <- -Inf
    step <- markov_estep(density, chain, series, weights)
    trace <- c(trace, step$loglik)
    if (iteration == n_iter) break
    chain$initial <- markov_share(step$first, held$initial, chain$initial)
    for (j in seq_along(chain$initial)) {
      chain$transition[j, ] <- markov_share(step$transitions[j, ], held$transition[j, ], chain$transition[j, ])
    }
    parameters <- maximise(x[!missing, , drop = FALSE], (weights * step$responsibilities)[!missing, , drop = FALSE])
  }
  c(list(trace = trace, loglik = step$loglik, parameters = c(chain, parameters)), step[-1])
}

# The most probable path of one series; ties to the smaller state.
markov_path <- function(log_density, chain) {
  n <- nrow(log_density)
  from <- matrix(0L, n, ncol(log_density))
  best <- log(chain$initial) + log_density[1, ]
  for (t in seq_len(n)[-1]) {
    reach <- best + log(chain$transition)
    from[t, ] <- apply(reach, 2, which.max)
    best <- apply(reach, 2, max) + log_density[t, ]
  }
  path <- rep(which.max(best), n)
  for (t in rev(seq_len(n - 1))) path[t] <- from[t + 1, path[t + 1]]
  list(path = path, log_joint = max(best))
}

# Every path of one series: log-likelihood, probabilities of states, transitions, best path, entropy of the path.
markov_enumerate <- function(log_density, chain) {
  n <- nrow(log_density)
  k <- ncol(log_density)
  paths <- unname(as.matrix(expand.grid(rep(list(seq_len(k)), n))))
  joint <- log(chain$initial)[paths[, 1]]
  for (t in seq_len(n)) joint <- joint + log_density[t, paths[, t]]
  for (t in seq_len(n)[-1]) joint <- joint + log(chain$transition)[paths[, c(t - 1, t)]]
  loglik <- markov_log_sum(joint)
  share <- exp(joint - loglik)
  states <- t(apply(paths, 2, function(own) tapply(share, factor(own, seq_len(k)), sum)))
  states[is.na(states)] <- 0
  counts <- matrix(0, k, k)
  for (t in seq_len(n)[-1]) for (p in seq_along(share)) {
    at <- paths[p, c(t - 1, t), drop = FALSE]
    counts[at] <- counts[at] + share[p]
  }
  list(loglik = loglik, smooth = unname(states), transitions = counts, path = paths[which.max(joint), ],
       log_joint = max(joint), entropy = -sum((share * (joint - loglik))[share > 0]))
}

# Two families, for markov_em().
markov_gaussian <- list(
  log_density = function(x, p) {
    matrix(dnorm(x[, 1], rep(p$mean, each = nrow(x)), rep(p$sd, each = nrow(x)), TRUE), nrow(x))
  },
  maximise = function(x, w) {
    mean <- colSums(w * x[, 1]) / colSums(w)
    list(mean = mean, sd = sqrt(colSums(w * outer(x[, 1], mean, `-`)^2) / colSums(w)))
  }
)

markov_poisson <- list(
  log_density = function(x, p) matrix(dpois(x[, 1], rep(p$rate, each = nrow(x)), TRUE), nrow(x)),
  maximise = function(x, w) list(rate = colSums(w * x[, 1]) / colSums(w))
)
