# Where the runs of em_select() start: k-means++ partitions, optima of other structures, splits and merges of optima.
#
# A thorough search tries all of them. In a quick one a state of the search, a partition or an optimum, gives every
# structure a start by one M-step, and says how high its log-likelihood is at least: only the most promising are tried.
#
#   states   a list for each state, NULL where it has none. A state is an environment, so that what was asked of it is kept:
#            `sums` of its E-step, is a component too `small`?, and `under` the structures that were asked for, each
#            list(bound, covariance). An optimum that no one asked for yet is still the list of its parameters.

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
  model$family <- family_freest(model$family, native$x)
  # A covariance takes one row more than it has columns, a variance one.
  needed <- ncol(native$x) + (ncol(native$x) > 1L)
  lapply(sums_em(native, items, model, search$control), function(sums) if (!is.null(sums)) new_state(sums, needed))
}

new_state <- function(sums, needed) {
  list2env(list(sums = sums, small = min(sums$counts) <= needed, under = list()), parent = emptyenv())
}

# What the cell has found becomes a state that others may start from.
note_optimum <- function(search, at, i) {
  if (!is_quick(search, at)) return(invisible())
  search$states[[at]][[i]] <- parameters_start(search$cells[[at]][[i]]$run$parameters, "shared")
}

states_of <- function(search, at, others) {
  fresh <- others[vapply(search$states[[at]][others], is.list, NA)]
  if (length(fresh)) search$states[[at]][fresh] <- share_states(search, at, search$states[[at]][fresh])
  search$states[[at]][others]
}

# How high their log-likelihoods under a structure are at least.
bounds_under <- function(states, structure) {
  known <- lapply(states, function(state) state$under[[structure]])
  new <- which(lengths(known) == 0L)
  if (length(new)) {
    found <- relatives_em(lapply(states[new], function(state) state$sums), structure)
    for (p in seq_along(new)) {
      state <- states[[new[p]]]
      state$under[[structure]] <- known[[new[p]]] <- list(bound = found$bounds[p], covariance = found$covariances[[p]])
    }
  }
  vapply(known, `[[`, 0, "bound")
}

# The states whose log-likelihood under a structure is highest at least; those with too small a component come last.
promising <- function(states, structure, most, method, above = -Inf) {
  states <- states[lengths(states) > 0L]
  if (!length(states)) return(list())
  small <- vapply(states, function(state) state$small, NA)
  # No bound is higher than that of a structure which allows all that this one does. Where the M-step of that is the
  # quicker one, only those are asked which may be chosen.
  wider <- quicker_within[[structure]]
  asked <- rep(is.null(wider), length(states))
  bounds <- bounds_under(states, if (is.null(wider)) structure else wider)
  repeat {
    chosen <- order(small, -bounds, method = "radix")
    chosen <- chosen[seq_len(min(most, length(chosen)))]
    chosen <- chosen[bounds[chosen] > above]
    open <- chosen[!asked[chosen]]
    if (!length(open)) return(lapply(states[chosen], state_start, structure, method))
    bounds[open] <- bounds_under(states[open], structure)
    asked[open] <- TRUE
  }
}

# One M-step from there.
state_start <- function(state, structure, method) {
  sums <- state$sums
  covariance <- state$under[[structure]]$covariance
  spread <- if (ncol(sums$mean) > 1L) list(mean = sums$mean, covariance = covariance)
            else list(mean = as.vector(sums$mean), sd = sqrt(as.vector(covariance)))
  parameters_start(c(list(proportions = sums$proportions), spread), method, may_borrow = TRUE)
}

structure_of <- function(search, at, i) family_structure(search$cells[[at]][[i]]$model$family)

starts_from_partitions <- function(search, at, i, drawn) {
  if (is_quick(search, at)) promising(drawn, structure_of(search, at, i), most_partitions, "kmeans++") else drawn
}

starts_from_others <- function(search, at, i, others) {
  if (search$ks[at] == 1L) return(NULL)
  if (search$quick) {
    return(promising(states_of(search, at, others), structure_of(search, at, i), most_optima, "shared"))
  }
  pick_optima(optima_of(search, at), others)
}

# NULL where a cell has none, and NULL of a single component: that is its closed form.
optima_of <- function(search, at) {
  if (search$ks[at] == 1L) return(NULL)
  lapply(search$cells[[at]], function(cell) if (is_sound(cell)) parameters_start(cell$run$parameters, "shared"))
}

pick_optima <- function(optima, cells) {
  some <- optima[cells]
  some[lengths(some) > 0L]
}

# Those that might lead higher than the cell is.
starts_beyond <- function(search, at, i, others) {
  if (!search$quick) return(starts_from_others(search, at, i, others))
  above <- search$loglik[at, i] - within_reach
  promising(states_of(search, at, others), structure_of(search, at, i), 1L, "shared", above)
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
