# A run: what em_runs_cpp() tells of the best of several starts, see src/r_fits.cpp. Whether it can be used, what it is worth
# beside another, and why it came to nothing.

sound_statuses <- c("converged", "max_iter", "not_monotone")
run_is_sound <- function(run) run_status(run) %in% sound_statuses

run_status <- function(run) {
  if (run$status == "bad_start") return("failed")
  if (run$status != "collapsed" && !length(run$degenerate)) return(run$status)
  "collapsed"
}

run_reason <- function(run) {
  switch(run_status(run),
    failed = sprintf("No start led to a fit: component %d has too few rows for its covariance.", run$component),
    collapsed = sprintf("A component shrank onto too few points; the %s.",
                        if (isTRUE(run$bounded)) "covariance has no inverse" else "likelihood is unbounded"),
    max_iter = if (run$gain > 0) sprintf("Stopped after %s, still gaining %s per iteration.",
                                         plural(run$iterations, "iteration"), number(run$gain)) else NA_character_,
    not_monotone = sprintf("The log-likelihood fell by %s.", number(-run$gain)),
    NA_character_
  )
}

# The one order of ends, as is_better() of src/engine.h has it for the starts of a run: by what the components are worth, and
# of equals the higher.
is_better_run <- function(a, b) a$rank > b$rank || (a$rank == b$rank && a$loglik > b$loglik)

better_run <- function(old, new) if (is_better_run(new, old)) new else old

# The better of two, but not where it leans on few rows and the other is worth more to rows that are left out: leave-out.R.
better_supported <- function(old, new, data, model) {
  best <- better_run(old, new)
  if (!leans(leaning_of(best, data, model))) return(best)
  other <- if (is_better_run(new, old)) old else new
  if (!stands_better(other, best, data, model)) return(best)
  other$passed_over <- max(best$loglik, other$passed_over)
  other
}
