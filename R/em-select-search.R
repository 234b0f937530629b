# The search behind em_select(). A search holds a cell for each family and k, and passes over the cells that improve
# them; it is an environment because an interrupt must leave what was done so far. It is never part of a result.
#
#   cell$model    list(family, latent, k)          cell$run     what run_em() returned, of the best start
#   cell$starts   for each start: method, loglik, iterations, status, degenerate
#   cell$status   "converged", ..., see em_select()              cell$reason  a sentence, or NA
#   cell$note     what the data were warned about, if anything
#   cell$view     labels and certainty from an E-step at the best parameters; made when asked for
#   cell$cv       cross-validated criterion, where asked for

finalists <- 3L # how many of the starts of a cell run to the end, at most

new_search <- function(data, families, ks, latent, control) {
  first <- list(family = families[[1L]], latent = latent, k = ks[1L])
  search <- list2env(fitting_plan(data, control, first), parent = emptyenv())
  search$ks <- ks
  search$control <- control
  search$cells <- lapply(ks, function(k) lapply(families, new_cell, k = k, latent = latent, data = data))
  search$nested <- nesting(families)
  search$interrupted <- FALSE
  search$tick <- function() NULL
  search
}

# Data, and how starts are run.
fitting_plan <- function(data, control, model) {
  list(data = data, native = tallied(data, model), long = utils::modifyList(control, list(path = FALSE)))
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
      share_optima(search, at)
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

# k-means++ partitions, shared by all structures; optima of the structures before; splits of the optimum for k - 1.
search_from_below <- function(search, at) {
  drawn <- draw_shared_starts(search, at)
  for (i in seq_along(search$cells[[at]])) {
    items <- c(drawn, starts_from_others(search, at, i, seq_len(i - 1L)), starts_from_splits(search, at, i))
    improve_cell(search, at, i, items, finalists)
    keep_nested_order(search, at, i)
    search$tick()
  }
}

# The optima of the structures behind.
share_optima <- function(search, at) {
  count <- length(search$cells[[at]])
  for (i in seq_len(count)) {
    improve_cell(search, at, i, starts_from_others(search, at, i, seq_len(count)[-seq_len(i)]), 1L)
    keep_nested_order(search, at, i)
    search$tick()
  }
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

# For each family the numbers of those nested in it.
nesting <- function(families) {
  lapply(families, function(one) which(vapply(families, is_nested, NA, within = one)))
}

nested_cells <- function(search, at, i) Filter(is_sound, search$cells[[at]][search$nested[[i]]])

parameters_start <- function(parameters, method, forgiving = FALSE) {
  list(parameters = parameters, forgiving = forgiving, method = method)
}

# Labels in the user's order of rows, to that in which the core gets them.
partition_start <- function(labels, method, data) {
  if (!is.null(data$order)) labels <- labels[data$order]
  list(partition = labels, forgiving = TRUE, method = method)
}

starts_from_others <- function(search, at, i, others) {
  if (search$ks[at] == 1L) return(NULL)
  lapply(Filter(is_sound, search$cells[[at]][others]),
         function(cell) parameters_start(cell$run$parameters, "shared"))
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
  if (!is_sound(above)) return(NULL)
  model <- search$cells[[at]][[i]]$model
  lapply(family_merges(model$family, above$run$parameters, above$model$k), function(parameters) {
    parameters$proportions <- proportions_of_split(parameters$proportions, model)
    parameters_start(parameters, "merge", forgiving = TRUE)
  })
}

usable_partition <- function(labels, k) if (length(unique(labels)) == k && max(labels) == k) labels

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

# Runs starts, at most `most` of them to the end, and keeps what is better than what the cell has.
improve_cell <- function(search, at, i, items, most) {
  cell <- search$cells[[at]][[i]]
  if (!length(items) || (cell$status == "failed" && is.null(cell$run))) return(invisible())
  search$cells[[at]][[i]] <- guarded(cell, keep_better(cell, run_items(search, cell$model, items, most, cell_loglik(cell))))
}

# The best of a race of starts: see race.h.
run_items <- function(plan, model, items, most = length(items), to_beat = -Inf) {
  control <- plan$long
  control[c("finalists", "to_beat")] <- list(most, to_beat)
  run <- run_em(plan$data, list(items = items), model, control, plan$native)
  run$traces <- NULL
  run$starts <- c(list(method = vapply(items, `[[`, "", "method")), run$starts)
  run
}

keep_better <- function(cell, run) {
  starts <- if (is.null(cell$starts)) run$starts else Map(c, cell$starts, run$starts)
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

# One E-step at the optimum: labels of the rows, certainty.
cell_view <- function(search, at, i) {
  cell <- search$cells[[at]][[i]]
  if (is.null(cell$view)) {
    responsibilities <- expect_em(search$data, cell$run$parameters, cell$model, "responsibilities",
                                  threads = search$control$threads)$responsibilities
    weights <- if (is.null(search$data$weights)) rep(1, search$data$n) else search$data$weights
    cell$view <- list(labels = max.col(responsibilities, ties.method = "first"),
                      certainty = certainty(responsibilities, weights))
    search$cells[[at]][[i]] <- cell
  }
  cell$view
}
