# Where the runs of em_select() start: k-means++ partitions, optima of other structures, splits and merges of optima.
#
# A thorough search tries all of them. In a quick one a state of the search, a partition or an optimum, gives every
# structure a start by one M-step, and says how high its log-likelihood is at least: only the most promising are tried.
#
#   states   a list for each state: `bounds` and `parameters` for each structure, `fewest` rows in a component; NULL
#            where it has none

most_partitions <- 4L
most_optima <- 4L # of other structures
most_merges <- 6L
within_reach <- 3 # a state's log-likelihood may gain so much on the way to its optimum that a try is worth it
kmeans_rows <- 2000L # so many are enough for k-means++

draw_shared_starts <- function(search, at) {
  model <- sound_model(search$cells[[at]])
  if (is.null(model)) return(NULL)
  quick <- is_quick(search, at)
  native <- if (quick) search$sample else search$native
  n_start <- latent_draws(model$latent, model$k, search$control$n_start)
  seeds <- guarded(list(), list(items = draw_starts(search$data, model, "kmeans++", n_start, native)))
  if (quick) return(share_states(search, at, seeds$items, native))
  lapply(distinct_partitions(seeds$items), function(item) c(item, method = "kmeans++"))
}

# Those that group the rows alike are one start.
distinct_partitions <- function(items) {
  groups <- lapply(items, function(item) match(item$partition, unique(item$partition)))
  items[!duplicated(groups) | !lengths(groups)]
}

# The first that can be fitted.
sound_model <- function(cells) {
  for (cell in cells) if (cell$status != "failed") return(cell$model)
  NULL
}

parameters_start <- function(parameters, method, may_borrow = FALSE) {
  list(parameters = parameters, may_borrow = may_borrow, method = method)
}

# Labels in the user's order of rows, to that in which the core gets them.
partition_start <- function(labels, method, data) {
  if (!is.null(data$order)) labels <- labels[data$order]
  list(partition = labels, may_borrow = TRUE, method = method)
}

share_states <- function(search, at, items, native = search$native) {
  model <- search$cells[[at]][[1L]]$model
  structures <- vapply(search$cells[[at]], function(cell) family_structure(cell$model$family), "")
  model$family <- family_freest(model$family, native$x)
  # A covariance takes one row more than it has columns, a variance one.
  needed <- ncol(native$x) + (ncol(native$x) > 1L)
  lapply(relatives_em(native, items, model, structures, search$control), function(state) {
    if (!is.null(state)) state$needed <- needed
    state
  })
}

# What the cell has found becomes a state that others may start from.
note_optimum <- function(search, at, i) {
  if (!is_quick(search, at)) return(invisible())
  optimum <- parameters_start(search$cells[[at]][[i]]$run$parameters, "shared")
  search$states[[at]][i] <- share_states(search, at, list(optimum))
}

# The states whose log-likelihood under structure i is highest at least; those with too small a component come last.
promising <- function(states, i, most, method, above = -Inf) {
  states <- Filter(Negate(is.null), states)
  bounds <- vapply(states, function(state) state$bounds[i], 0)
  small <- vapply(states, function(state) state$fewest <= state$needed, NA)
  chosen <- utils::head(order(small, -bounds, method = "radix"), most)
  lapply(states[chosen[bounds[chosen] > above]],
         function(state) parameters_start(state$parameters[[i]], method, may_borrow = TRUE))
}

starts_from_partitions <- function(search, at, i, drawn) {
  if (is_quick(search, at)) promising(drawn, i, most_partitions, "kmeans++") else drawn
}

starts_from_others <- function(search, at, i, others) {
  if (search$ks[at] == 1L) return(NULL)
  if (search$quick) return(promising(search$states[[at]][others], i, most_optima, "shared"))
  lapply(Filter(is_sound, search$cells[[at]][others]),
         function(cell) parameters_start(cell$run$parameters, "shared"))
}

# Those that might lead higher than the cell is.
starts_beyond <- function(search, at, i, others) {
  if (!search$quick) return(starts_from_others(search, at, i, others))
  promising(search$states[[at]][others], i, 1L, "shared", cell_loglik(search$cells[[at]][[i]]) - within_reach)
}

starts_from_splits <- function(search, at, i) {
  if (at == 1L || search$ks[at - 1L] != search$ks[at] - 1L) return(NULL)
  below <- search$cells[[at - 1L]][[i]]
  if (!is_sound(below) || !search$splits) return(NULL)
  lapply(seq_len(below$model$k), function(j) {
    parameters_start(split_component(below$model, below$run$parameters, j), "split", may_borrow = TRUE)
  })
}

starts_from_merges <- function(search, at, i, most) {
  if (search$ks[at] == 1L || search$ks[at + 1L] != search$ks[at] + 1L) return(NULL)
  above <- search$cells[[at + 1L]][[i]]
  if (!is_sound(above)) return(NULL)
  model <- above$model
  lapply(family_merges(model$family, with_shares(above$run$parameters, model$latent), min(most, model$k)), function(merged) {
    parameters <- c(latent_merge(model$latent, above$run$parameters, merged$pair, model$k), merged$parameters)
    parameters_start(parameters, "merge", may_borrow = TRUE)
  })
}
