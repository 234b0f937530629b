# What makes a fit doubtful besides degenerate components: a component that nothing is left of, more parameters than
# rows, a maximum that hardly any start came to. new_em_fit() warns of each, and print shows the same sentence. There
# is no doubt of what was asked for: a start that is scored, parameters that are held.

# Below this many rows a component is empty.
least_rows <- 0.01

empty_components <- function(fit) {
  if (fit$iterations == 0L || fit$k == 1L) return(integer())
  if (min(fit$counts[seq_len(fit$k)]) >= least_rows) return(no_components) # rows count for 1 at most, in whatever units
  rows <- shares_of(fit)[seq_len(fit$k)] * fit$nobs / row_weight(fit$data)
  few <- which(rows < least_rows, useNames = FALSE)
  if (length(few)) setdiff(few, c(fit$degenerate, wholly_held(fit))) else few
}

# Components of which nothing was estimated but the proportion.
wholly_held <- function(fit) {
  held <- fit$family$held
  if (is.null(held)) return(integer())
  fields <- fit_fields(fit)
  if (!setequal(names(held), own_names(fields))) return(integer())
  free <- lapply(names(held), function(name) rowSums(is.na(as_rows(held[[name]], fields[[name]], fit$k))))
  which(Reduce(`+`, free) == 0)
}

describe_empty <- function(fit) {
  empty <- empty_components(fit)
  if (!length(empty)) return(NULL)
  sprintf("%s %s %s empty: the fit is one of %s.", if (length(empty) == 1L) "Component" else "Components",
          enumerate(names(fit$counts)[empty]), if (length(empty) == 1L) "is" else "are",
          plural(fit$k - length(empty), "component"))
}

# Rows that count; where rows stand for several, as many as these are.
rows_counting <- function(fit) {
  data <- fit$data
  units <- shared_units(data)
  if (!is.null(data$whole)) return(if (is.null(units)) fit$nobs / data$whole$row_weight else data$whole$counting)
  if (!is.null(units)) return(sum(row_weights(fit) > 0))
  if (is.null(data$weights)) fit$nobs else max(fit$nobs, sum(data$weights > 0))
}

describe_excess <- function(fit) {
  # One component has one maximum, however few the rows; and what is told already need not be told twice.
  if (fit$k == 1L || length(fit$degenerate) || length(fit$coincident)) return(NULL)
  rows <- rows_counting(fit)
  if (fit$df <= rows || has_prior(fit) || fit$control$max_iter == 0L) return(NULL)
  sprintf("There are more parameters (%d) than rows (%s).", fit$df, number(rows, 7L))
}

# Fewer starts than this that agree are too few to rely on, where so many were asked for.
least_agreeing <- 3L

# Starts that a fit had of its own making, each of which ran alone.
drawn_alone <- function(fit) {
  !isTRUE(fit$raced) && length(fit$starts$loglik) >= least_agreeing && fit$control$n_start >= least_agreeing
}

describe_disagreement <- function(fit) {
  if (fit$status != "converged" || !drawn_alone(fit) || length(fit$degenerate) || length(fit$coincident)) return(NULL)
  agree <- starts_agreeing(fit)
  if (agree >= least_agreeing) return(NULL)
  sprintf("Only %d of %s came to this maximum: there may be a higher one.", agree, plural(starts_finished(fit), "start"))
}

# Those that ran on after their trial, also where they were left before their end because others were higher.
starts_finished <- function(fit) {
  status <- fit$starts$status
  sum(status != "bad_start" & (status != "stopped_early" | fit$starts$iterations > trial_iterations))
}

simpler_model <- function(fit) {
  simpler <- if (is.null(fit$parameters$covariance)) "" else ", or a simpler covariance such as em_gaussian(\"EEI\")"
  sprintf("Use fewer components%s.", simpler)
}

describe_doubts <- function(fit) c(describe_empty(fit), describe_excess(fit), describe_disagreement(fit))

warn_of_doubts <- function(fit) {
  empty <- describe_empty(fit)
  if (!is.null(empty)) {
    warn_em("unidentified", c(empty, x = family_hint(fit$family, fit$data), i = "Use fewer components."))
  }
  excess <- describe_excess(fit)
  if (!is.null(excess)) {
    warn_em("unidentified", c(excess, x = "Many others are just as likely, or nearly so.", i = simpler_model(fit)))
  }
  few <- describe_disagreement(fit)
  if (!is.null(few)) warn_em("agreement", c(few, i = "Try more: em_control(n_start = 50)."))
}

# Of a table of fits the best alone is looked at, for a line in print: starts that race are set aside when they become
# like another, so that few need not mean that the maximum is wrong. In a quick search too few starts run to their end to tell.
describe_best_doubt <- function(x) {
  leaning <- describe_best_leaning(x)
  if (!is.null(leaning)) return(leaning)
  if (x$quick || x$interrupted || x$control$n_start < least_agreeing) return(NULL)
  best <- x$table[rank_fits(x$table, x$criterion)[1L], ]
  if (!isTRUE(best$converged) || best$k == 1L || best$starts.agree >= least_agreeing) return(NULL)
  sprintf("Only %s came to the maximum of the best fit: there may be a higher one.", plural(best$starts.agree, "start"))
}

# It wins where no fit stands better: see em-select-judge.R.
describe_best_leaning <- function(x) {
  cell <- x$cells[[rank_fits(x$table, x$criterion)[1L]]]
  if (x$data$n > most_left_out || !leans(leaning_of(cell$run, x$data, cell$model))) return(NULL)
  "The best fit leans on few rows too: no other is worth more to rows left out of it."
}
