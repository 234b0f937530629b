# The search behind em_select(). A search holds a cell for each family and k, and passes over the cells that improve
# them; it is an environment because an interrupt must leave what was done so far. It is never part of a result.
#
#   cell$model    list(family, latent, k)          cell$run     what run_em() returned, of the best start
#   cell$starts   for each start: method, loglik, iterations, status, degenerate; cell$run$best: which led to the run
#   cell$agree    how many starts came as high as the best, where that was counted before the run was finished
#   cell$status   "converged", ..., see em_select()              cell$reason  why it has no run, or NA
#   cell$note     what the data were warned about, if anything
#   cell$searched was it searched by itself, as em_fit() would? Then cell$left says whether it leans on few rows
#                 and cell$single which components are a single row (leave-out.R), cell$leaning that it is passed
#                 over for that, cell$run$passed_over of which end that was true
#   cell$cv       cross-validated criterion, where asked for
#
# What is asked of all cells again and again stands beside them in matrices, a row for each k, a column for each family:
# `loglik`, -Inf where a cell has no sound run, `deviance` (without the prior), Inf there, and `df`; `tasks` has what the
# core is told of each cell beside its starts. A cell is put by put_cell(), which keeps them true.

# A thorough search, the default up to few_rows rows: every start races under every structure, and each race is run to
# its end. In a quick one starts are chosen by what src/gaussian_relatives.h says they promise, races end roughly, and when all are done
# the best run of each cell is finished.

finalists <- 3L # how many of the starts of a cell run to the end, at most
few_rows <- 1000L
rough_tol <- 0.1
rough_iterations <- 50L
same_loglik <- 1e-3
sharing_rounds <- 2L
few_optima <- 3L # of a k, the best by BIC, and merges: what those that are far behind start from

new_search <- function(data, families, ks, latent, control, way = "auto") {
  first <- list(family = families[[1L]], latent = latent, k = ks[1L])
  search <- list2env(fitting_plan(data, control, first), parent = emptyenv())
  search$ks <- ks
  search$control <- control
  search$cells <- lapply(ks, function(k) lapply(families, new_cell, k = k, latent = latent, data = data))
  search$loglik <- matrix(-Inf, length(ks), length(families))
  search$deviance <- -search$loglik
  search$df <- replace(search$loglik, TRUE, 0)
  search$tasks <- lapply(ks, function(k) vector("list", length(families)))
  search$nested <- nesting(families)
  search$splits <- family_can(first$family, "split")
  search$interrupted <- FALSE
  search$tick <- function() NULL
  related <- has_relatives(first) && is.null(data$units)
  search$quick <- way == "quick" || (way == "auto" && nrow(search$native$x) > few_rows && related)
  if (search$quick && !related) {
    abort_em("unsupported", c("A quick search is for Gaussian components without a prior and without noise or units.",
                              i = "Leave `search` out."))
  }
  search$now <- search$long
  if (search$quick) be_quick(search)
  search
}

# One component is its closed form.
is_quick <- function(search, at) search$quick && search$ks[at] > 1L

has_relatives <- function(model) {
  family_has_relatives(model$family) && latent_columns(model$latent, 1L) == 1L
}

be_quick <- function(search) {
  rows <- seq_len(nrow(search$native$x))
  if (!is.null(search$native$weights)) rows <- rows[search$native$weights > 0]
  if (length(rows) > kmeans_rows) rows <- rows[sample_in_order(length(rows), kmeans_rows, search$cells[[1L]][[1L]]$model$latent)]
  search$sample <- native_rows(search$native, rows)
  search$states <- lapply(search$ks, function(k) vector("list", length(search$cells[[1L]])))
  if (search$long$tol == 0) return(invisible())
  search$now$tol <- max(search$long$tol, rough_tol)
  search$now$stop <- "loglik"
  search$now$max_iter <- min(search$long$max_iter, rough_iterations)
}

# Data, and how starts are run.
fitting_plan <- function(data, control, model) {
  list(data = data, native = tallied(data, model), long = utils::modifyList(control, list(path = FALSE)))
}

new_cell <- function(family, k, latent, data) {
  cell <- list(model = list(family = family, latent = latent, k = k), status = "not_run", reason = NA_character_)
  guarded(cell, {
    cell$model$family <- family_check(family, data, k)
    latent_check(latent, k)
    check_units_k(data, k)
    cell
  })
}

put_cell <- function(search, at, i, cell) {
  search$cells[[at]][[i]] <- cell
  sound <- is_sound(cell)
  search$loglik[at, i] <- if (sound) cell$run$loglik else -Inf
  search$deviance[at, i] <- if (sound && !isTRUE(cell$leaning)) -2 * (cell$run$loglik - cell$run$log_prior) else Inf
  if (sound) search$df[at, i] <- cell$run$df
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

# First all cells with shared starts, then those that decide by themselves: see em-select-again.R.
run_search <- function(search) {
  show_progress(search)
  tryCatch({
    if (!is_single(search)) share_starts(search)
    search$now <- search$long
    if (is_single(search)) search_cell_again(search, 1L, 1L) else search_rivals(search)
    if (!is.null(search$folds)) cross_validate(search)
  }, interrupt = function(condition) search$interrupted <- TRUE)
  search$close_progress()
  invisible(search)
}

# The passes. Upwards each k starts from the k before it, downwards from the one after it.
share_starts <- function(search) {
  count <- length(search$ks)
  for (at in seq_len(count)) {
    search_from_below(search, at)
    share_optima(search, at)
  }
  for (at in rev(seq_len(count))[-1L]) search_from_above(search, at)
  if (search$quick) for (at in seq_len(count)) finish_cells(search, at)
}

show_progress <- function(search) {
  search$close_progress <- function() NULL
  if (!isTRUE(getOption("emfit.progress", rlang::is_interactive()))) return(invisible())
  size <- length(search$ks) * length(search$cells[[1L]])
  bar <- cli::cli_progress_bar("Fitting mixtures", .auto_close = FALSE,
                               total = size * (3L + search$quick + !is.null(search$folds)))
  search$tick <- function() cli::cli_progress_update(id = bar)
  search$close_progress <- function() cli::cli_progress_done(id = bar)
}

# k-means++ partitions, shared by all structures, and splits of the optimum for k - 1. Each kind races by itself: in one
# race those that begin higher would crowd out what ends higher.
search_from_below <- function(search, at) {
  drawn <- draw_shared_starts(search, at)
  cells <- seq_along(search$cells[[at]])
  if (search$quick) return(search_promising(search, at, drawn))
  far <- if (at > 1L) far_cells(search, at - 1L) else rep(FALSE, length(cells))
  for (items in list(lapply(cells, function(i) drawn), lapply(cells, function(i) starts_from_splits(search, at, i)))) {
    improve_cells(search, at, replace(items, far, list(NULL)), finalists)
    improve_cells(search, at, replace(items, !far, list(NULL)), 1L)
  }
  for (i in cells) search$tick()
}

# Of many structures most are so far behind the best, and so little is to be gained, that they may end a bit lower.
far_cells <- function(search, at) {
  bic <- cell_bic(search)
  ncol(bic) >= many_structures & bic[at, ] > min(bic) + far_bic & bic[at, ] < Inf
}

# In a quick search all that is promising is one race, and what a structure found is seen by the next.
search_promising <- function(search, at, drawn) {
  for (i in seq_along(search$cells[[at]])) {
    items <- c(starts_from_partitions(search, at, i, drawn), starts_from_splits(search, at, i),
               starts_from_others(search, at, i, seq_len(i - 1L)))
    improve_cell(search, at, i, items, finalists)
    search$tick()
  }
}

# The optima of the other structures, of the leading ones where it is far behind; where they led higher, what came of it
# once more.
share_optima <- function(search, at) {
  cells <- seq_along(search$cells[[at]])
  if (search$quick) return(share_promising(search, at))
  seen <- rep(-Inf, length(cells))
  far <- far_cells(search, at)
  leading <- utils::head(order(cell_bic(search)[at, ], method = "radix"), few_optima)
  for (round in seq_len(sharing_rounds)) {
    now <- search$loglik[at, ]
    news <- which(now > seen + same_loglik)
    optima <- optima_of(search, at)
    items <- lapply(cells, function(i) {
      if (round == 1L || !far[i]) pick_optima(optima, setdiff(if (far[i]) leading else news, i))
    })
    improve_cells(search, at, items, if (round == 1L) finalists else 1L)
    seen <- now
  }
  for (i in cells) finish_pass(search, at, i)
}

share_promising <- function(search, at) {
  count <- length(search$cells[[at]])
  for (i in seq_len(count)) {
    improve_cell(search, at, i, starts_beyond(search, at, i, seq_len(count)[-seq_len(i)]), 1L)
    search$tick()
  }
}

# The optimum for k + 1 with two of its components merged; a quick search shares what came of it.
search_from_above <- function(search, at) {
  cells <- seq_along(search$cells[[at]])
  far <- far_cells(search, at)
  items <- lapply(cells, function(i) starts_from_merges(search, at, i, if (search$quick) most_merges else if (far[i]) few_optima else Inf))
  improve_cells(search, at, items, 1L)
  for (i in cells) finish_pass(search, at, i)
  if (!is_quick(search, at)) return(invisible())
  for (i in cells) improve_cell(search, at, i, starts_beyond(search, at, i, cells[-i]), 1L)
}

finish_pass <- function(search, at, i) {
  if (!search$quick) keep_nested_order(search, at, i)
  search$tick()
}

# Runs the best of each cell to the end, and sees to the order that rough runs left out. What lost a component on the
# way gets another chance.
finish_cells <- function(search, at) {
  if (!is_quick(search, at)) return(invisible())
  search$now <- search$long
  open <- which(is.finite(search$loglik[at, ]))
  starts <- lapply(search$cells[[at]][open], function(cell) list(parameters_start(cell$run$parameters, "")))
  runs <- run_cells(search, tasks_of(search, at, open), starts, search$long)
  for (j in seq_along(open)) put_cell(search, at, open[j], finish_cell(search$cells[[at]][[open[j]]], runs[[j]]))
  for (i in seq_along(search$cells[[at]])) {
    if (i %in% open && !is_sound(search$cells[[at]][[i]])) {
      others <- seq_along(search$cells[[at]])[-i]
      items <- c(starts_from_others(search, at, i, others), starts_from_splits(search, at, i))
      improve_cell(search, at, i, items, finalists)
    }
    keep_nested_order(search, at, i)
    search$tick()
  }
}

finish_cell <- function(cell, run) {
  cell$agree <- agreeing(cell, rough_tol)
  at <- run$best <- cell$run$best
  cell$starts$loglik[at] <- run$loglik
  cell$starts$status[at] <- run$status
  cell$starts$degenerate[at] <- length(run$degenerate) > 0L
  cell$starts$iterations[at] <- cell$starts$iterations[at] + run$iterations
  cell[c("run", "status")] <- list(run, run_status(run))
  cell
}

# How many starts came as high as the best.
agreeing <- function(cell, within = same_loglik) sum(cell$starts$loglik > cell$run$loglik - within)

# For each family the numbers of those nested in it.
nesting <- function(families) {
  lapply(families, function(one) which(vapply(families, family_is_nested, NA, within = one)))
}

# EM from the optimum of a nested structure can't end below it.
keep_nested_order <- function(search, at, i) {
  loglik <- search$loglik[at, ]
  above <- search$nested[[i]][loglik[search$nested[[i]]] > loglik[i] + 1e-9]
  if (!length(above)) return(invisible())
  items <- lapply(search$cells[[at]][above], function(cell) parameters_start(cell$run$parameters, "nested"))
  improve_cell(search, at, i, items, length(items))
}

is_sound <- function(cell) cell$status %in% sound_statuses

improve_cell <- function(search, at, i, items, most) {
  if (!length(items)) return(invisible())
  improve_cells(search, at, replace(vector("list", length(search$cells[[at]])), i, list(items)), most)
}

# Starts of each of the cells of one k race, at most `most` of a cell to the end; a cell keeps what is better than what it has.
improve_cells <- function(search, at, items, most) {
  open <- which(lengths(items) > 0L)
  open <- open[!vapply(search$cells[[at]][open], function(cell) cell$status == "failed" && is.null(cell$run), NA)]
  if (!length(open)) return(invisible())
  rough <- is_quick(search, at) && !identical(search$now, search$long)
  control <- race_by(table_race(most), if (rough) search$now else search$long)
  runs <- run_cells(search, tasks_of(search, at, open), items[open], control, search$loglik[at, open])
  for (j in seq_along(open)) keep_run(search, at, open[j], if (rough) as_unfinished(runs[[j]]) else runs[[j]])
}

# What is said of the cells that may win: see em-select-again.R.
judge_cell <- function(cell, data) {
  if (!is_sound(cell)) return(cell)
  cell[c("left", "single")] <- list(leaning_of(cell$run, data, cell$model), single_rows(cell$run, data, cell$model))
  cell
}

keep_run <- function(search, at, i, run) {
  cell <- search$cells[[at]][[i]]
  before <- search$loglik[at, i]
  searched <- isTRUE(cell$searched)
  cell <- if (!searched && is.null(run$defect)) keep_better(cell, run) else guarded(cell, {
    if (!is.null(run$defect)) abort_defect(search$data, run$defect)
    keep_better(cell, run, search$data)
  })
  if (searched) cell <- judge_cell(cell, search$data)
  put_cell(search, at, i, cell)
  if (search$loglik[at, i] > before + same_loglik) note_optimum(search, at, i)
}

# What the core is told of some cells beside their starts.
tasks_of <- function(search, at, cells) {
  new <- cells[!lengths(search$tasks[[at]][cells])]
  for (i in new) search$tasks[[at]][[i]] <- cell_task(search$native, search$cells[[at]][[i]]$model)
  search$tasks[[at]][cells]
}

# The best of a race of starts for each of the tasks: see race.h.
run_cells <- function(plan, tasks, items, control, to_beat = -Inf) {
  if (!length(tasks)) return(list())
  runs <- batch_em(with_starts(tasks, items, to_beat), tasks[[1L]]$model, control, weight_of_row(plan$data$weights))
  for (j in seq_along(runs)) runs[[j]]$starts <- c(list(method = vapply(items[[j]], `[[`, "", "method")), runs[[j]]$starts)
  runs
}

# Where a rough run stopped is no end.
as_unfinished <- function(run) {
  if (run$status == "converged") run$status <- "max_iter"
  run$starts$status[run$starts$status %in% c("converged", "max_iter")] <- "stopped_early"
  run
}

# The better of what the cell has and a run; of one that was searched by itself also by what it is worth without single rows.
keep_better <- function(cell, run, data = NULL) {
  run$bounded <- family_is_bounded(cell$model$family)
  run$best <- length(cell$starts$loglik) + run$best # of all its starts
  cell$starts <- join_starts(cell$starts, run$starts)
  best <- if (is.null(cell$run)) run
          else if (is.null(data)) better_run(cell$run, run)
          else better_supported(cell$run, run, data, cell$model)
  if (best$best == run$best) cell$agree <- NULL
  cell[c("run", "status")] <- list(best, run_status(best))
  cell
}

# The starts of a cell and those of one more race.
join_starts <- function(old, new) {
  for (name in names(old)) new[[name]] <- c(old[[name]], new[[name]])
  new
}
