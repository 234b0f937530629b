# The second search of em_select(): cells that decide the answer are searched as em_fit() would search them alone.
#
# In a table cells share their starts, which finds much for little; but a cell alone may need starts of every kind.
# So the winner is searched again, and every rival: what is within `rival_bic` of it, and, in a thorough search, the
# best of each k, of which a rival may yet come. That is repeated until the winner and its rivals have all been. Where a
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

# A winner that leans on few rows does not win over a fit that does not and is worth more to rows left out of it: see
# leave-out.R. It keeps its row, and the next comes to the fore.
pass_over_leaning <- function(search) {
  repeat {
    bic <- cell_bic(search)
    if (!any(is.finite(bic))) return(invisible())
    best <- which(bic == min(bic), arr.ind = TRUE)[1L, ]
    cell <- search$cells[[best[1L]]][[best[2L]]]
    passed <- if (length(cell$single)) any_stands_near(search, bic)
              else leans(cell$left) && any_stands_better(search, cell)
    if (!passed) return(invisible())
    search$cells[[best[1L]]][[best[2L]]]$leaning <- TRUE
  }
}

# A component of a single row wins only where the evidence is very strong (Kass & Raftery 1995).
any_stands_near <- function(search, bic) {
  sound <- vapply(do.call(c, search$cells), function(cell) {
    isTRUE(cell$searched) && is_sound(cell) && !leans(cell$left) && !length(cell$single)
  }, NA)
  any(t(bic)[sound] <= min(bic) + rival_bic)
}

# Of all fits, also those that are too far behind to be searched again: a winner that a few rows made leaves all of them behind.
any_stands_better <- function(search, than) {
  cells <- Filter(is_sound, do.call(c, search$cells))
  searched <- vapply(cells, function(cell) isTRUE(cell$searched), NA)
  for (cell in cells[order(!searched)]) {
    left <- if (isTRUE(cell$searched)) cell$left else leaning_of(cell$run, search$data, cell$model)
    if (leans(left)) next
    if (is.null(left)) left <- leave_out(search$data, cell$run$parameters, cell$model, cell$run$df)
    if (!is.null(left) && left$loglik > than$left$loglik) return(TRUE)
  }
  FALSE
}

# A single cell is em_fit()'s search and no more.
is_single <- function(search) length(search$ks) == 1L && length(search$cells[[1L]]) == 1L

# Pairs c(at, i) of cells that were not searched by themselves yet and should be.
open_rivals <- function(search) {
  bic <- cell_bic(search)
  near <- bic <= min(bic, Inf) + rival_bic
  if (!search$quick) {
    far <- ncol(bic) >= many_structures & bic > min(bic, Inf) + far_bic
    near <- near | (!far & bic == apply(bic, 1L, min)[row(bic)])
  }
  searched <- vapply(do.call(c, search$cells), function(cell) isTRUE(cell$searched), NA)
  open <- near & is.finite(bic) & !matrix(searched, nrow(bic), byrow = TRUE)
  places <- which(open, arr.ind = TRUE)
  lapply(seq_len(nrow(places)), function(p) unname(places[p, ]))
}

# A row for each k, a column for each family; Inf where there is no fit.
cell_bic <- function(search) {
  weights <- search$data$weights
  rows <- if (is.null(weights)) search$data$n else sum(weights)
  of_cell <- function(cell) {
    if (!is_sound(cell) || isTRUE(cell$leaning)) return(Inf)
    -2 * (cell$run$loglik - cell$run$log_prior) + cell$run$df * log(rows)
  }
  t(matrix(vapply(do.call(c, search$cells), of_cell, 0), ncol = length(search$ks)))
}

search_cell_again <- function(search, at, i) {
  cell <- search$cells[[at]][[i]]
  cell <- guarded(cell, {
    start <- list(supplied = FALSE, model = cell$model, method = "varied")
    run <- search_em(search$data, start, search$long)
    run$starts <- c(list(method = run$method), as.list(run$starts))
    # The table of the runs holds those of all rounds: which of them led to the end is told by its log-likelihood.
    run$best <- which.min(abs(run$starts$loglik - run$loglik))
    run[c("method", "traces")] <- NULL
    keep_better(cell, run, search$data)
  })
  cell$searched <- TRUE
  search$cells[[at]][[i]] <- judge_cell(cell, search$data)
}

# One component more can't be worth less: where it ended so, the optimum of one less is split.
keep_order_in_k <- function(search) {
  for (at in seq_along(search$ks)[-1L]) {
    for (i in seq_along(search$cells[[at]])) {
      lower <- cell_loglik(search$cells[[at - 1L]][[i]]) > cell_loglik(search$cells[[at]][[i]])
      if (lower && is_sound(search$cells[[at]][[i]])) {
        improve_cell(search, at, i, starts_from_splits(search, at, i), finalists)
      }
    }
  }
}

count_searched <- function(search) {
  sum(vapply(do.call(c, search$cells), function(cell) isTRUE(cell$searched), NA))
}
