# Fits that have nothing to do with each other, spread over the workers of a cluster: em_bootstrap(), em_lrt() and em_cv() take
# `cluster`, which goes with control$crew to the two places of em-engine.R where many data sets are fitted. What is random is
# drawn here, so that the answer is the same on any cluster and on none.

with_crew <- function(control, cluster) {
  if (!is.null(cluster)) control$crew <- new_crew(cluster)
  control
}

without_crew <- function(control) {
  control$crew <- NULL
  control
}

# Runs of about as many data sets for each worker that lives.
spread <- function(n, crew) {
  workers <- min(n, sum(crew$alive))
  unname(split(seq_len(n), ceiling(seq_len(n) * workers / n)))
}

# Rows that all data sets have in common are sent once.
pack_natives <- function(natives) {
  x <- natives[[1L]]$x
  if (!all(vapply(natives, function(native) identical(native$x, x), NA))) return(list(natives = natives))
  list(natives = lapply(natives, function(native) {
    native["x"] <- list(NULL)
    native
  }), x = x)
}

unpack_natives <- function(packed) {
  if (is.null(packed$x)) return(packed$natives)
  lapply(packed$natives, function(native) {
    native$x <- packed$x
    native
  })
}

refit_on_crew <- function(natives, parameters, model, control, row_weight) {
  crew <- control$crew
  tasks <- lapply(spread(length(natives), crew), function(at) {
    list(name = "worker_refit", args = list(packed = pack_natives(natives[at]), parameters = plain_parameters(parameters), model = model,
                                            control = without_crew(control), row_weight = row_weight))
  })
  runs <- crew_run(crew, tasks)
  pick <- function(name) unlist(lapply(runs, `[[`, name), use.names = FALSE)
  out <- lapply(stats::setNames(nm = setdiff(names(runs[[1L]]), "parameters")), pick)
  c(out, list(parameters = do.call(cbind, lapply(runs, `[[`, "parameters"))))
}

worker_refit <- function(args) {
  list(value = refit_em(unpack_natives(args$packed), args$parameters, args$model, args$control, args$row_weight))
}

race_on_crew <- function(natives, items, model, control, most, row_weight) {
  crew <- control$crew
  tasks <- lapply(spread(length(natives), crew), function(at) {
    list(name = "worker_race", args = list(packed = pack_natives(natives[at]), items = items[at], model = model,
                                           control = without_crew(control), most = most, row_weight = row_weight))
  })
  unlist(crew_run(crew, tasks), recursive = FALSE)
}

worker_race <- function(args) {
  list(value = race_em(unpack_natives(args$packed), args$items, args$model, args$control, args$most, args$row_weight))
}
