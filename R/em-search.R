# From the starts that a method names to the best run.
#
# "varied" takes k-means++ partitions, random rows and random partitions, as many of each: every one of the three
# finds optima that the others miss. All are tried for a few iterations; the most promising, and always some of
# each kind, run to the end (Biernacki, Celeux & Govaert 2003). Where most of these end in a degenerate component,
# so do the others, and new ones are drawn. inst/bench/starts.R measures what it finds.
varied_kinds <- c("kmeans++", "random", "partition")
tries_per_start <- 2L # of each kind
trial_iterations <- 40L
least_difference <- 1e-3 # of the log-likelihoods of two maxima
most_ends <- 10L # that are asked, where the best leans on few rows
patience <- 200L # iterations, after which a start that is still below the best end is left alone
search_rounds <- 3L

# Of more rows than these, a sample is enough to tell which starts promise something.
sample_rows <- 10000L
sample_iterations <- 100L

# ends: also the parameters that each start came to, a list?
search_em <- function(data, start, control, ends = FALSE) {
  if (draws_classes(control)) return(search_by_draws(data, start, control))
  if (start$supplied) return(c(run_em(data, start, start$model, control), method = start$method))
  task <- list(data = data, model = start$model, control = control, native = tallied(data, start$model), ends = ends)
  check_enough_rows(task)
  search_further(task, search_rounds_of(task, start$method, search_rounds), start$method)
}

search_rounds_of <- function(task, method, rounds) {
  found <- NULL
  for (round in seq_len(rounds)) {
    found <- better_search(found, search_once(task, method))
    if (enough_sound(found$starts, task)) break
  }
  found
}

# Each component needs rows of its own, and there are not as many: no start can lead to a fit.
check_enough_rows <- function(task) {
  needed <- family_least_rows(task$model$family, task$data)
  weights <- task$data$weights
  rows <- if (is.null(weights)) task$data$n else sum(weights) / weight_of_row(weights)
  k <- task$model$k
  if (k == 1L || rows >= k * needed || task$control$max_iter == 0L) return(invisible())
  simpler <- family_simpler(task$model$family)
  most <- max(1, floor(rows / needed))
  abort_em("degenerate", c(
    sprintf("%s are too few for %s: each needs %s at least for a covariance of its own.",
            paste(number(rows, 7L), "rows"), plural(k, "component"), number(needed)),
    i = sprintf("Use k = %d%s, or a prior, em_gaussian(prior = em_prior()).", as.integer(most),
                if (is.null(simpler)) "" else sprintf(", or a simpler covariance, em_gaussian(\"%s\")", simpler))
  ))
}

is_sound_end <- function(run) !length(run$degenerate) && run$status %in% c("converged", "max_iter")

# Of ends that are maxima: the highest that does not lean on few rows where the highest of all does, if it also is worth
# more to rows that were left out. See leave-out.R.
prefer_supported <- function(task, items, table, best) {
  if (!leans(leaning_of(best, task$data, task$model))) return(best)
  starts <- table$starts
  ended <- which(starts$status == "converged" & !starts$degenerate & starts$loglik < best$loglik - least_difference)
  ended <- ended[order(-starts$loglik[ended], method = "radix")]
  ended <- ended[!duplicated(round(starts$loglik[ended] / least_difference))]
  for (end in utils::head(ended, most_ends)) {
    other <- run_task(task, items[end], table$method[end])
    if (stands_better(other, best, task$data, task$model)) {
      other$passed_over <- best$loglik
      return(other)
    }
  }
  best
}

# Half of the starts that were asked for ended in something that can be used.
enough_sound <- function(starts, task) {
  wanted <- if (has_one_start(task)) 1L else (task$control$n_start + 1L) %/% 2L
  left <- starts$status == "stopped_early" & starts$iterations > trial_iterations
  sum((left | starts$status %in% c("converged", "max_iter")) & !starts$degenerate) >= wanted
}

# One component, or all labels known: every start is the closed form.
has_one_start <- function(task) {
  labels <- task$data$labels
  task$model$k == 1L || (!is.null(labels) && !anyNA(labels$codes))
}

run_task <- function(task, items, kinds, control = task$control) {
  as_search(run_em(task$data, list(items = items), task$model, control, task$native, isTRUE(task$ends)), kinds)
}

as_search <- function(run, kinds) {
  run$starts <- structure(run$starts, class = "data.frame", row.names = seq_along(run$starts$loglik)) # as.data.frame() is slow
  run$method <- kinds
  run
}

table_of_search <- function(run) run[intersect(c("starts", "traces", "method", "ends"), names(run))]

# The better of two runs, with the tables of both.
better_search <- function(old, new) {
  if (is.null(old)) return(new)
  better <- new$rank > old$rank || (new$rank == old$rank && new$loglik > old$loglik)
  out <- if (better) new else old
  out$starts <- rbind(old$starts, new$starts)
  out$method <- c(old$method, new$method)
  out$traces <- c(old$traces, new$traces)
  if (!is.null(new$ends)) out$ends <- c(old$ends, new$ends)
  out
}

search_once <- function(task, method) {
  if (method != "varied" || has_one_start(task)) {
    kind <- if (method == "varied") varied_kinds[1L] else method
    items <- starts_by_method(task$data, task$model, kind, task$control$n_start, task$native)
    return(run_task(task, items, rep(kind, length(items))))
  }
  kinds <- rep(varied_kinds, each = tries_per_start * task$control$n_start)
  sampled <- search_in_sample(task, kinds)
  if (!is.null(sampled)) return(sampled)
  items <- draw_kinds(task, kinds, task$native)
  if (task$control$max_iter <= trial_iterations) return(run_task(task, items, kinds))
  trial <- run_task(task, items, kinds, replace(task$control, "max_iter", trial_iterations))
  finish_search(task, items, trial)
}

draw_kinds <- function(task, kinds, native) {
  drawn <- lapply(unique(kinds), function(kind) {
    starts_by_method(task$data, task$model, kind, sum(kinds == kind), native)
  })
  do.call(c, drawn)
}

# The starts that are to run on: the best of each kind, then the best of all.
chosen_to_finish <- function(trial, most, each = most %/% length(varied_kinds), also = NULL) {
  starts <- trial$starts
  usable <- !starts$degenerate
  if (!any(usable)) usable <- !starts$status %in% c("bad_start", "collapsed")
  rank <- order(-starts$loglik, method = "radix")
  rank <- rank[usable[rank]]
  place <- stats::ave(seq_along(rank), trial$method[rank], FUN = seq_along)
  first <- place <= each
  chosen <- sort(c(rank[first], rank[!first])[seq_len(min(most, length(rank)))])
  chosen[starts$status[chosen] %in% c("max_iter", also)]
}

# To the end; but a start that has not arrived after so many iterations, where others ended higher, is left there.
run_finalists <- function(task, items, kinds) {
  if (task$control$max_iter <= patience) return(run_task(task, items, kinds))
  run <- run_task(task, items, kinds, replace(task$control, "max_iter", patience))
  on_its_way <- run$starts$status == "max_iter"
  if (!any(on_its_way)) return(run)
  ended <- run$starts$loglik[run$starts$status == "converged" & !run$starts$degenerate]
  table <- table_of_search(run)
  table$starts$status[on_its_way] <- "stopped_early"
  best <- if (run$status != "max_iter") run
  on <- which(on_its_way & (run$starts$loglik > max(ended, -Inf) | seq_along(items) == run$best))
  if (length(on)) {
    final <- run_task(task, items[on], kinds[on])
    table$starts[on, ] <- final$starts
    table$traces[on] <- final$traces
    if (!is.null(final$ends)) table$ends[on] <- final$ends
    best <- better_search(best, final)
  }
  settle_best(task, items, table, best)
}

# A run that ended before its betters did may be worth more than what they became: it is made once more.
settle_best <- function(task, items, table, best) {
  ended <- which(table$starts$status == "converged" & !table$starts$degenerate)
  if (length(ended)) {
    again <- ended[which.max(table$starts$loglik[ended])]
    missed <- is.null(best) || length(best$degenerate) || table$starts$loglik[again] > best$loglik
    if (missed) best <- better_search(best, run_task(task, items[again], table$method[again]))
  }
  best <- prefer_supported(task, items, table, best)
  best[names(table)] <- table
  best
}

# Runs the chosen to the end, each from where its trial began; where too few of them end sound, the others too.
finish_search <- function(task, items, trial) {
  table <- table_of_search(trial)
  table$starts$status[table$starts$status == "max_iter"] <- "stopped_early"
  best <- if (trial$status != "max_iter") trial
  chosen <- chosen_to_finish(trial, task$control$n_start)
  if (!length(chosen) && is.null(best)) chosen <- trial$best
  while (length(chosen)) {
    final <- run_finalists(task, items[chosen], trial$method[chosen])
    table$starts[chosen, ] <- final$starts
    table$traces[chosen] <- final$traces
    if (!is.null(final$ends)) table$ends[chosen] <- final$ends
    best <- better_search(best, final)
    if (enough_sound(table$starts, task)) break
    chosen <- which(table$starts$status == "stopped_early" & table$starts$iterations <= trial_iterations)
  }
  settle_best(task, items, table, best)
}

# Many rows: starts are drawn and tried in a sample of them, and the chosen go on from there with all rows. NULL
# where there are not so many, or where the sample is not like the whole.
search_in_sample <- function(task, kinds) {
  weights <- task$native$weights
  count <- if (is.null(weights)) nrow(task$native$x) else sum(weights > 0)
  control <- task$control
  if (count <= sample_rows || control$max_iter == 0L || !is.null(task$data$labels)) return(NULL)
  rows <- if (latent_keeps_order(task$model$latent)) {
    at <- sample_in_order(count, sample_rows, task$model$latent)
    if (is.null(weights)) at else which(weights > 0)[at]
  } else sample_rows_of(task$native, sample_rows)
  part <- native_rows(task$native, rows)
  items <- draw_kinds(task, kinds, part)
  brief <- replace(control, c("max_iter", "path"), list(sample_iterations, FALSE))
  trial <- as_search(run_native(task$data, part, items, task$model, brief, ends = TRUE), kinds)
  if (!is.null(trial$defect)) return(NULL)
  chosen <- chosen_to_finish(trial, control$n_start, each = 0L, also = "converged")
  if (!length(chosen)) return(NULL)
  items <- lapply(trial$ends[chosen], function(end) list(parameters = end, may_borrow = FALSE))
  run_finalists(task, items, kinds[chosen])
}

# So many of n rows, in their order; where they follow each other, a stretch of them.
sample_in_order <- function(n, size, latent) {
  if (latent_keeps_order(latent)) return(sample.int(n - size + 1L, 1L) - 1L + seq_len(size))
  sort(sample.int(n, size, useHash = n > 2L * size), method = "radix")
}
