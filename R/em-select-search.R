# The search behind em_select(). A search holds a cell for each family and k, and passes over the cells that improve
# them; it is an environment because an interrupt must leave what was done so far. It is never part of a result.
#
#   cell$model    list(family, latent, k)          cell$run     what run_em() returned, of the best start
#   cell$starts   a line for each start that ran to the end: method, loglik, iterations, status
#   cell$status   "converged", ..., see em_select()              cell$reason  a sentence, or NA
#   cell$note     what the data were warned about, if anything
#   cell$view     labels, overlaps and certainty from an E-step at the best parameters; made when asked for
#   cell$cv       cross-validated criterion, where asked for

short_iterations <- 10L # of a start that is only being tried
finalists <- 3L         # how many of them then run to the end

new_search <- function(data, families, ks, latent, control) {
  search <- list2env(fitting_plan(data, control), parent = emptyenv())
  search$ks <- ks
  search$control <- control
  search$cells <- lapply(ks, function(k) lapply(families, new_cell, k = k, latent = latent, data = data))
  search$interrupted <- FALSE
  search$tick <- function() NULL
  search
}

# Data, and how starts are run: to the end, or only tried.
fitting_plan <- function(data, control) {
  long <- utils::modifyList(control, list(path = FALSE))
  list(data = data, long = long,
       short = utils::modifyList(long, list(tol = 0, max_iter = short_iterations, accelerate = FALSE)))
}

new_cell <- function(family, k, latent, data) {
  cell <- list(model = list(family = family, latent = latent, k = k), status = "not_run", reason = NA_character_)
  guarded(cell, {
    cell$model$family <- family_check(family, data, k)
    latent_proportions(latent, k)
    cell
  })
}

# What can't be fitted is a row with a reason, and a warning about the data is a note beside a fit.
guarded <- function(cell, code) {
  note <- cell$note
  out <- tryCatch(
    withCallingHandlers(code, emfit_warning = function(w) {
      note <<- first_line(w)
      tryInvokeRestart("muffleWarning")
    }),
    emfit_error = function(e) {
      cell$status <- "failed"
      cell$reason <- first_line(e)
      cell
    }
  )
  out$note <- note
  out
}

first_line <- function(condition) sub("\n.*", "", conditionMessage(condition))

# The passes. Upwards each k starts from the k before it, downwards from the one after it.
run_search <- function(search) {
  show_progress(search)
  count <- length(search$ks)
  tryCatch({
    for (at in seq_len(count)) {
      search_from_below(search, at)
      share_partitions(search, at)
    }
    for (at in rev(seq_len(count))[-1L]) search_from_above(search, at)
    if (!is.null(search$folds)) cross_validate(search)
  }, interrupt = function(condition) search$interrupted <- TRUE)
  search$close_progress()
  invisible(search)
}

show_progress <- function(search) {
  search$close_progress <- function() NULL
  if (!isTRUE(getOption("emfit.progress", rlang::is_interactive()))) return(invisible())
  size <- length(search$ks) * length(search$cells[[1L]])
  bar <- cli::cli_progress_bar("Fitting mixtures", total = size * (if (is.null(search$folds)) 3L else 4L),
                               .auto_close = FALSE)
  search$tick <- function() cli::cli_progress_update(id = bar)
  search$close_progress <- function() cli::cli_progress_done(id = bar)
}

# k-means++ partitions, shared by all structures; optima of nested structures; splits of the optimum for k - 1.
search_from_below <- function(search, at) {
  drawn <- draw_shared_starts(search, at)
  for (i in seq_along(search$cells[[at]])) {
    items <- c(drawn, starts_from_nested(search, at, i), starts_from_splits(search, at, i))
    improve_cell(search, at, i, items, finalists)
    keep_nested_order(search, at, i)
    search$tick()
  }
}

# Partitions that the other structures ended with.
share_partitions <- function(search, at) {
  cells <- search$cells[[at]]
  count <- length(cells)
  if (search$ks[at] > 1L && count > 1L) {
    labels <- lapply(seq_len(count), function(i) cell_partition(search, at, i))
    for (i in seq_len(count)) {
      known <- duplicated(c(labels[i], labels))[-1L]
      others <- labels[!known & lengths(labels) > 0L]
      improve_cell(search, at, i, lapply(others, partition_start, method = "shared", data = search$data), 1L)
      keep_nested_order(search, at, i)
    }
  }
  for (i in seq_len(count)) search$tick()
}

# The optimum for k + 1 with two of its components merged.
search_from_above <- function(search, at) {
  for (i in seq_along(search$cells[[at]])) {
    improve_cell(search, at, i, starts_from_merges(search, at, i), 1L)
    keep_nested_order(search, at, i)
    search$tick()
  }
}

draw_shared_starts <- function(search, at) {
  n_start <- if (search$ks[at] == 1L && !has_noise(search$cells[[at]][[1L]]$model$latent)) 1L else search$control$n_start
  seeds <- NULL
  for (cell in search$cells[[at]]) {
    if (cell$status == "failed") next
    seeds <- guarded(cell, list(items = draw_starts(search$data, cell$model, "kmeans++", n_start)))
    break
  }
  lapply(seeds$items, function(item) c(item, method = "kmeans++"))
}

# Letters that say at most as much, each by each: a matrix of one structure is then also one of the other.
is_nested <- function(family, within) {
  if (is.null(family$covariance) || identical(family$covariance, within$covariance)) return(FALSE)
  freedom <- function(name) match(strsplit(name, "")[[1L]], c("I", "E", "V"))
  all(freedom(family$covariance) <= freedom(within$covariance))
}

nested_cells <- function(search, at, i) {
  Filter(function(cell) is_sound(cell) && is_nested(cell$model$family, search$cells[[at]][[i]]$model$family),
         search$cells[[at]])
}

parameters_start <- function(parameters, method, forgiving = FALSE) {
  list(parameters = parameters, forgiving = forgiving, method = method)
}

# Labels in the user's order of rows, to that in which the core gets them.
partition_start <- function(labels, method, data) {
  if (!is.null(data$order)) labels <- labels[data$order]
  list(partition = labels, forgiving = TRUE, method = method)
}

starts_from_nested <- function(search, at, i) {
  if (search$ks[at] == 1L) return(NULL)
  lapply(nested_cells(search, at, i), function(cell) parameters_start(cell$run$parameters, "nested"))
}

starts_from_splits <- function(search, at, i) {
  if (at == 1L || search$ks[at - 1L] != search$ks[at] - 1L) return(NULL)
  below <- search$cells[[at - 1L]][[i]]
  if (!is_sound(below)) return(NULL)
  model <- search$cells[[at]][[i]]$model
  items <- lapply(seq_len(below$model$k), function(j) {
    parameters <- family_split(model$family, below$run$parameters, j)
    parameters$proportions <- proportions_of_split(parameters$proportions, model)
    parameters_start(parameters, "split", forgiving = TRUE)
  })
  items[vapply(items, function(item) !is.null(item$parameters$proportions), NA)]
}

starts_from_merges <- function(search, at, i) {
  if (search$ks[at] == 1L || search$ks[at + 1L] != search$ks[at] + 1L) return(NULL)
  above <- search$cells[[at + 1L]][[i]]
  if (!is_sound(above) || is_tallied(above$model)) return(NULL)
  view <- cell_view(search, at + 1L, i)
  own <- seq_len(above$model$k)
  pairs <- which(lower.tri(view$overlap[own, own, drop = FALSE]), arr.ind = TRUE)
  pairs <- pairs[order(-view$overlap[pairs], method = "radix"), , drop = FALSE]
  pairs <- pairs[seq_len(min(nrow(pairs), above$model$k)), , drop = FALSE]
  items <- lapply(seq_len(nrow(pairs)), function(p) merge_labels(view$labels, pairs[p, ], n_columns(above$model)))
  lapply(Filter(Negate(is.null), items), partition_start, method = "merge", data = search$data)
}

# Labels 1..count - 1 from 1..count; NULL where a component would have no rows, or a row belongs to none.
merge_labels <- function(labels, pair, count) {
  map <- seq_len(count)
  map[max(pair)] <- min(pair)
  usable_partition(match(map, sort(unique(map)))[labels], length(map) - 1L)
}

usable_partition <- function(labels, k) if (length(unique(labels)) == k && max(labels) == k) labels

# In the order of first appearance, noise last, so that equal partitions are equal numbers.
cell_partition <- function(search, at, i) {
  cell <- search$cells[[at]][[i]]
  if (!is_sound(cell) || is_tallied(cell$model)) return(NULL)
  labels <- cell_view(search, at, i)$labels
  order <- unique(labels[labels <= cell$model$k])
  usable_partition(match(labels, c(order, cell$model$k + 1L)), n_columns(cell$model))
}

# EM from the optimum of a nested structure can't end below it.
keep_nested_order <- function(search, at, i) {
  loglik <- cell_loglik(search$cells[[at]][[i]])
  above <- Filter(function(cell) cell$run$loglik > loglik + 1e-9, nested_cells(search, at, i))
  items <- lapply(above, function(cell) parameters_start(cell$run$parameters, "nested"))
  improve_cell(search, at, i, items, length(items))
}

cell_loglik <- function(cell) if (is_sound(cell)) cell$run$loglik else -Inf

sound_statuses <- c("converged", "max_iter", "not_monotone")
is_sound <- function(cell) cell$status %in% sound_statuses
run_is_sound <- function(run) run_status(run) %in% sound_statuses

# Runs starts, the `most` best of them to the end, and keeps what is better than what the cell has.
improve_cell <- function(search, at, i, items, most) {
  cell <- search$cells[[at]][[i]]
  if (!length(items) || (cell$status == "failed" && is.null(cell$run))) return(invisible())
  search$cells[[at]][[i]] <- guarded(cell, {
    chosen <- promising(search, cell$model, items, most)
    cell <- keep_better(cell, run_items(search, cell$model, items[chosen]))
    # Nothing usable among the promising: the others may do.
    if (!is_sound(cell) && length(chosen) < length(items)) {
      cell <- keep_better(cell, run_items(search, cell$model, items[-chosen]))
    }
    cell
  })
}

run_items <- function(plan, model, items, control = plan$long) {
  run <- run_em(plan$data, list(items = items), model, control)
  run$traces <- NULL
  run$starts <- data.frame(method = vapply(items, `[[`, "", "method"), run$starts)
  run
}

promising <- function(plan, model, items, most) {
  if (length(items) <= most) return(seq_along(items))
  tried <- run_items(plan, model, items, plan$short)$starts
  lost <- tried$degenerate
  order(lost, -tried$loglik, method = "radix")[seq_len(most)]
}

keep_better <- function(cell, run) {
  starts <- rbind(cell$starts, run$starts)
  new <- cell
  new[c("run", "status", "reason", "view")] <- list(run, run_status(run), run_reason(run), NULL)
  better <- is.null(cell$run) || is_sound(new) > is_sound(cell) ||
    (is_sound(new) == is_sound(cell) && run$loglik > cell$run$loglik)
  if (better) cell <- new
  cell$starts <- starts
  cell
}

run_status <- function(run) {
  if (run$status == "bad_start") return("failed")
  if (run$status != "collapsed" && !length(run$degenerate)) return(run$status)
  "collapsed"
}

run_reason <- function(run) {
  switch(run_status(run),
    failed = sprintf("No start led to a fit: component %d has too few rows for its covariance.", run$component),
    collapsed = "A component shrank onto too few points; the likelihood is unbounded.",
    max_iter = if (run$gain > 0) sprintf("Stopped after %s, still gaining %s per iteration.",
                                         plural(run$iterations, "iteration"), number(run$gain)) else NA_character_,
    not_monotone = sprintf("The log-likelihood fell by %s.", number(-run$gain)),
    NA_character_
  )
}

# One E-step at the optimum: labels of the rows, overlaps of the components, certainty.
cell_view <- function(search, at, i) {
  cell <- search$cells[[at]][[i]]
  if (is.null(cell$view)) {
    responsibilities <- expect_em(search$data, cell$run$parameters, cell$model, "responsibilities",
                                  threads = search$control$threads)$responsibilities
    weights <- if (is.null(search$data$weights)) rep(1, search$data$n) else search$data$weights
    size <- sqrt(pmax(colSums(responsibilities), .Machine$double.xmin))
    cell$view <- list(labels = max.col(responsibilities, ties.method = "first"),
                      overlap = crossprod(sqrt(responsibilities)) / outer(size, size),
                      certainty = certainty(responsibilities, weights))
    search$cells[[at]][[i]] <- cell
  }
  cell$view
}
