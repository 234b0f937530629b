# From the starts that a method names to the best run.
#
# "varied" takes k-means++ partitions, more groups of that kind that are joined (start-joined.R), random rows and random
# partitions, as many of each: every one of the four finds optima that the others miss. All are tried for a few
# iterations; the most promising, and always some of each kind, run to the end (Biernacki, Celeux & Govaert 2003). Where
# most of these end in a degenerate component, so do the others; then, and where a single start came to the best end, new
# ones are drawn. inst/bench/starts.R measures what it finds.
varied_kinds <- c("kmeans++", "joined", "random", "partition")
tries_per_start <- 6L # of all kinds together
least_difference <- 1e-3 # of the log-likelihoods of two maxima
most_ends <- 10L # that are asked, where the best leans on few rows
search_rounds <- 3L
luck_rows <- 5L # times k (d + 1): with fewer rows a single start that came to the best end is nothing special

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
    found <- better_search(task, found, search_once(task, method))
    if (enough_sound(found$starts, task) && !was_luck(found, task, method)) break
  }
  found
}

# Each component needs rows of its own, and there are not as many: no start can lead to a fit.
check_enough_rows <- function(task) {
  needed <- family_least_rows(task$model$family, task$data)
  weights <- task$data$weights
  rows <- if (is.null(weights)) task$data$n else sum(weights) / weight_of_row(weights)
  k <- task$model$k
  # Too few for one component, too, are told of as such.
  if (k == 1L || rows >= k * needed || rows < needed || task$control$max_iter == 0L) return(invisible())
  simpler <- family_simpler(task$model$family)
  most <- max(1, floor(rows / needed))
  abort_em("degenerate", c(
    sprintf("%s are too few for %s: each needs %s at least for a covariance of its own.",
            paste(number(rows, 7L), "rows"), plural(k, "component"), number(needed)),
    i = sprintf("Use k = %d%s, or a prior, em_gaussian(prior = em_prior()).", as.integer(most),
                if (is.null(simpler)) "" else sprintf(", or a simpler covariance, em_gaussian(\"%s\")", simpler))
  ))
}

# Of ends that are maxima: the highest that does not lean on few rows where the highest of all does, if it also is worth
# more to rows that were left out. See leave-out.R.
prefer_supported <- function(task, items, best) {
  if (!leans(leaning_of(best, task$data, task$model))) return(best)
  starts <- best$starts
  ended <- which(starts$status == "converged" & !starts$degenerate & starts$loglik < best$loglik - least_difference)
  ended <- ended[order(-starts$loglik[ended], method = "radix")]
  ended <- ended[!duplicated(round(starts$loglik[ended] / least_difference))]
  for (end in utils::head(ended, most_ends)) {
    other <- run_task(task, items[end], best$method[end])
    if (stands_better(other, best, task$data, task$model)) {
      table <- table_of_search(best)
      other$passed_over <- best$loglik
      other[names(table)] <- table
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

# Where one start alone came to the best end, another round may well find a better one. Not where rows are few: ends are
# made by some of them there, each another, and it would find more of those.
was_luck <- function(found, task, method) {
  again <- may_go_further(task, method) && task$control$n_start >= least_agreeing
  rows <- nrow(task$native$x)
  if (!again || rows > sample_rows || rows < task$model$k * luck_rows * (ncol(task$native$x) + 1L)) return(FALSE)
  starts <- found$starts
  sum(starts$status == "converged" & !starts$degenerate & abs(starts$loglik - found$loglik) < least_difference) < 2L
}

# One component, or all labels known: every start is the closed form.
has_one_start <- function(task) {
  labels <- task$data$labels
  task$model$k == 1L || (!is.null(labels) && !anyNA(labels$codes))
}

run_task <- function(task, items, kinds, control = task$control) {
  start <- list(items = items, kinds = match(kinds, kinds))
  as_search(run_em(task$data, start, task$model, control, task$native, isTRUE(task$ends)), kinds)
}

as_search <- function(run, kinds) {
  run$starts <- structure(run$starts, class = "data.frame", row.names = seq_along(run$starts$loglik)) # as.data.frame() is slow
  run$method <- kinds
  run
}

table_of_search <- function(run) run[intersect(c("starts", "traces", "method", "ends"), names(run))]

# The better of two searches, with the tables of both.
better_search <- function(task, old, new) {
  if (is.null(old)) return(new)
  out <- better_supported(old, new, task$data, task$model)
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
    return(prefer_supported(task, items, run_task(task, items, rep(kind, length(items)))))
  }
  kinds <- kinds_to_try(task)
  sampled <- search_in_sample(task, kinds)
  if (!is.null(sampled)) return(sampled)
  race_starts(task, draw_kinds(task, kinds, task$native), kinds)
}

# Which of them each start is of.
kinds_to_try <- function(task) {
  kinds <- if (may_join(task)) varied_kinds else setdiff(varied_kinds, "joined")
  kinds[sort(rep_len(seq_along(kinds), tries_per_start * task$control$n_start))]
}

# The best of all, or what stands better than it.
race_starts <- function(task, items, kinds, plan = fit_race(task$control, length(unique(kinds)))) {
  prefer_supported(task, items, run_task(task, items, kinds, race_by(plan, task$control)))
}

draw_kinds <- function(task, kinds, native) {
  drawn <- lapply(unique(kinds), function(kind) {
    starts_by_method(task$data, task$model, kind, sum(kinds == kind), native)
  })
  do.call(c, drawn)
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
  usable <- which(!trial$starts$degenerate & trial$starts$status %in% c("converged", "max_iter"))
  chosen <- utils::head(usable[order(-trial$starts$loglik[usable], method = "radix")], control$n_start)
  if (!length(chosen)) return(NULL)
  items <- lapply(trial$ends[chosen], function(end) list(parameters = end, may_borrow = FALSE))
  race_starts(task, items, kinds[chosen])
}

# So many of n rows, in their order; where they follow each other, a stretch of them.
sample_in_order <- function(n, size, latent) {
  if (latent_keeps_order(latent)) return(sample.int(n - size + 1L, 1L) - 1L + seq_len(size))
  sort(sample.int(n, size, useHash = n > 2L * size), method = "radix")
}
