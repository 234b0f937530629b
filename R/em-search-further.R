# What is tried behind the starts of a search (em-search.R), from what they found.
#
#   search_by_moves()    from a sound end: two of its components merged and another split (Ueda et al. 2000)
#   search_by_splits()   where all ended in a component that collapsed: from the optimum of one component less, of a
#                        simpler structure
#   search_by_widths()   where that led nowhere: groups of very different widths about single rows

most_moves <- 24L # from one end
move_rounds <- 5L
width_starts <- 200L
least_width <- 0.1 # of a group, in standard deviations of the data
width_work <- 4e4 # rows times starts

search_further <- function(task, found, method) {
  if (!may_go_further(task, method)) return(found)
  if (run_is_sound(found)) return(search_by_moves(task, found))
  search_by_widths(task, search_by_splits(task, found, method))
}

may_go_further <- function(task, method) {
  task$model$k > 1L && method == "varied" && task$control$max_iter > trial_iterations && is.null(task$data$labels) &&
    !holds_parameters(task$model) && is.null(latent_k(task$model$latent)) # which has numbers for so many components
}

# The log-likelihood has maxima that few starts lead to and that differ from a good one in where two components are.
search_by_moves <- function(task, found) {
  if (task$model$k < 2L || nrow(task$native$x) > sample_rows || !family_can(task$model$family, "split")) return(found)
  for (round in seq_len(move_rounds)) {
    items <- items_from_moves(task$model, found$parameters)
    if (!length(items)) break
    control <- replace(race_by(move_race(), task$control), "to_beat", found$loglik)
    moved <- run_task(task, items, vapply(items, `[[`, "", "method"), control)
    higher <- run_is_sound(moved) && moved$rank >= found$rank && moved$loglik > found$loglik + least_difference
    if (!higher) break
    before <- found$loglik
    found <- better_search(task, found, moved)
    if (found$loglik == before) break
  }
  found
}

items_from_moves <- function(model, parameters) {
  c(if (model$k > 2L) merged_then_split(model, parameters), split_then_merged(model, parameters))
}

merged_then_split <- function(model, parameters) {
  k <- model$k
  merges <- family_merges(model$family, with_shares(parameters, model$latent), max(2L, most_moves %/% (k - 1L)))
  model$k <- k - 1L
  items <- lapply(merges, function(merged) {
    parameters <- merge_components(model, parameters, merged)
    lapply(seq_len(k - 1L), function(j) {
      parameters_start(split_component(model, parameters, j), "move", may_borrow = TRUE)
    })
  })
  unlist(items, recursive = FALSE)
}

# A part of one component joins another: the one way where there are two.
split_then_merged <- function(model, parameters) {
  items <- lapply(seq_len(model$k), function(j) {
    split <- split_component(model, parameters, j)
    merges <- family_merges(model$family, with_shares(split, model$latent), max(2L, most_moves %/% model$k))
    lapply(merges, function(merged) {
      parameters_start(merge_components(model, split, merged), "move", may_borrow = TRUE)
    })
  })
  unlist(items, recursive = FALSE)
}

# Parameters of one component more than model$k become those of so many.
merge_components <- function(model, parameters, merged) {
  c(latent_merge(model$latent, parameters, merged$pair, model$k + 1L), merged$parameters)
}

# Where ties or few rows let every start collapse, a maximum may still lie where the optimum of one component less
# leads when a component is split, or that of a simpler structure.
search_by_splits <- function(task, found, method) {
  if (run_is_sound(found) || !may_go_further(task, method)) return(found)
  items <- c(items_from_splits(task, method), items_from_simpler(task, method))
  if (!length(items)) return(found)
  better_search(task, found, run_task(task, items, vapply(items, `[[`, "", "method")))
}

items_from_splits <- function(task, method) {
  below <- task
  below$model$k <- task$model$k - 1L
  run <- search_by_splits(below, search_rounds_of(below, method, 1L), method)
  if (!run_is_sound(run)) return(NULL)
  lapply(seq_len(below$model$k), function(j) {
    parameters_start(split_component(below$model, run$parameters, j), "split", may_borrow = TRUE)
  })
}

# A structure that asks less of the data can't collapse as easily: from its optimum.
items_from_simpler <- function(task, method) {
  structure <- family_simpler(task$model$family)
  if (is.null(structure)) return(NULL)
  task$model$family$covariance <- structure
  run <- search_rounds_of(task, method, 1L)
  if (run_is_sound(run)) list(parameters_start(run$parameters, "simpler", may_borrow = TRUE))
}


# Narrow groups collapse onto ties, groups as wide as each other do as their number grows. Some of very different
# widths don't.
search_by_widths <- function(task, found) {
  apart <- latent_columns(task$model$latent, 1L) == 1L && is.null(task$data$units)
  if (run_is_sound(found) || !apart || !is.double(task$native$x) || family_is_bounded(task$model$family)) return(found)
  tries <- as.integer(min(width_starts, width_work %/% nrow(task$native$x)))
  if (tries < 1L) return(found)
  items <- items_of_widths(task$native$x, task$model$k, tries)
  plan <- replace(fit_race(task$control), c("finalists", "usable"), list(tries, 1L))
  wide <- race_starts(task, items, rep("widths", tries), plan)
  if (run_is_sound(wide)) better_search(task, found, wide) else found
}

items_of_widths <- function(x, k, tries) {
  x <- scale(x)
  x[is.na(x)] <- 0
  lapply(seq_len(tries), function(i) {
    at <- x[sample.int(nrow(x), k, replace = nrow(x) < k), , drop = FALSE]
    width <- exp(stats::runif(k, log(least_width), 0))
    share <- stats::rexp(k)
    density <- vapply(seq_len(k), function(j) {
      log(share[j]) - ncol(x) * log(width[j]) - rowSums((x - rep(at[j, ], each = nrow(x)))^2) / (2 * width[j]^2)
    }, numeric(nrow(x)))
    r <- exp(density - apply(density, 1L, max))
    list(responsibilities = r / rowSums(r), may_borrow = TRUE)
  })
}
