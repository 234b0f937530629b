# The second search of em_select(): cells that decide the answer are searched as em_fit() would search them alone.
#
# In a table cells share their starts, which finds much for little; but a cell alone may need starts of every kind.
# So the winner by the criterion is searched again, and every rival: what is within `rival_bic` of it, and, in a
# thorough search, the best of each k, of which a rival may yet come. That is repeated until the winner and its rivals have all been. Where a
# k was tried under many structures, each has started from the optima of all, and what is still missed is little: the
# best of its cells is then a rival only where it is not farther than `far_bic`.

rival_bic <- 10
far_bic <- 50
many_structures <- 5L

search_rivals <- function(search) {
  while (length(open <- open_rivals(search))) {
    # In the order of the cells, so that an answer does not depend on which of two near rivals leads.
    for (cell in open) search_cell_again(search, cell[1L], cell[2L])
    for (at in unique(vapply(open, `[`, 0L, 1L))) {
      for (i in seq_along(search$cells[[at]])) keep_nested_order(search, at, i)
    }
    keep_order_in_k(search)
    pass_over_leaning(search)
  }
  invisible(search)
}

# A winner that a few rows made keeps its row, and the next comes to the fore: see em-select-judge.R.
pass_over_leaning <- function(search, criterion = ranked_by(search)) {
  cells <- do.call(c, search$cells)
  count <- length(search$cells[[1L]])
  # What was cross-validated is searched no more.
  may_judge <- criterion == "CV" | is_searched(cells)
  for (p in winners_that_fall(cells, as.vector(t(cell_values(search, criterion))), search$data, may_judge)) {
    at <- (p - 1L) %/% count + 1L
    i <- (p - 1L) %% count + 1L
    put_cell(search, at, i, replace(search$cells[[at]][[i]], "leaning", TRUE))
  }
}

# By the criterion of the call; what is cross-validated is searched by BIC.
ranked_by <- function(search) if (is.null(search$criterion) || search$criterion == "CV") "BIC" else search$criterion

# A single cell is em_fit()'s search and no more.
is_single <- function(search) length(search$ks) == 1L && length(search$cells[[1L]]) == 1L

# Pairs c(at, i) of cells that were not searched by themselves yet and should be.
open_rivals <- function(search) {
  bic <- cell_values(search, ranked_by(search))
  near <- bic <= min(bic, Inf) + rival_bic
  if (!search$quick) {
    far <- ncol(bic) >= many_structures & bic > min(bic, Inf) + far_bic
    near <- near | (!far & bic == apply(bic, 1L, min)[row(bic)])
  }
  searched <- is_searched(do.call(c, search$cells))
  open <- near & is.finite(bic) & !matrix(searched, nrow(bic), byrow = TRUE)
  places <- which(open, arr.ind = TRUE)
  lapply(seq_len(nrow(places)), function(p) unname(places[p, ]))
}

# A row for each k, a column for each family; Inf where there is no fit, or one that was passed over.
cell_values <- function(search, criterion) {
  if (criterion == "CV") return(cell_deviances(search))
  weights <- search$data$weights
  per_df <- if (criterion == "AIC") 2 else log(if (is.null(weights)) search$data$n else sum(weights))
  values <- search$deviance + search$df * per_df
  if (criterion != "ICL") return(values)
  for (p in which(is.finite(values))) {
    cell <- search$cells[[row(values)[p]]][[col(values)[p]]]
    values[p] <- values[p] - 2 * clarity_of_cell(search, cell)$log_top
  }
  values
}

# Of rows left out.
cell_deviances <- function(search) {
  of_cell <- function(cell) if (isTRUE(cell$leaning) || is.null(cell$cv) || is.na(cell$cv)) Inf else cell$cv
  values <- matrix(vapply(do.call(c, search$cells), of_cell, 0), nrow(search$deviance), byrow = TRUE)
  replace(values, search$loglik == -Inf, Inf)
}

cell_bic <- function(search) cell_values(search, "BIC")

search_cell_again <- function(search, at, i) {
  cell <- search$cells[[at]][[i]]
  data <- remembering(search$data)
  cell <- guarded(cell, {
    start <- list(supplied = FALSE, model = cell$model, method = "varied")
    run <- search_em(data, start, search$long)
    run$starts <- c(list(method = run$method), as.list(run$starts))
    # The table of the runs holds those of all rounds: which of them led to the end is told by its log-likelihood.
    run$best <- which.min(abs(run$starts$loglik - run$loglik))
    run[c("method", "traces")] <- NULL
    keep_better(cell, run, data)
  })
  cell$searched <- TRUE
  put_cell(search, at, i, judge_cell(cell, data))
}

# One component more can't be worth less: where it ended so, the optimum of one less is split.
keep_order_in_k <- function(search) {
  for (at in seq_along(search$ks)[-1L]) {
    for (i in seq_along(search$cells[[at]])) {
      loglik <- search$loglik[at - 0:1, i]
      if (is.finite(loglik[1L]) && loglik[2L] > loglik[1L]) {
        improve_cell(search, at, i, starts_from_splits(search, at, i), finalists)
      }
    }
  }
}

count_searched <- function(search) {
  sum(is_searched(do.call(c, search$cells)))
}
