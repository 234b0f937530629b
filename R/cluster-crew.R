# A crew: the workers of a cluster, what they hold and which of them still live. An environment:
#   cluster, id (of the crew), hosts, alive (of each worker), kernels (that all have)
#   shares (see chunks-cluster.R), owner (the worker of each share), holds (share x worker: is it there?), model_at (the id of the
#   model that each worker knows)
# crew_run() has tasks done and gives their answers in order. A task is
#   list(name = a function of cluster-worker.R or share-*.R, args, share = number, or NULL: any worker may do it, model = NULL
#   or what must be known: list(id, ...), worker = NULL or the only one that may)
# The tasks of a worker that is lost go to others, where they can be done there: twice, then the error is raised.
most_tries <- 3L

crews <- new.env(parent = emptyenv()) # ids of those that are still held by somebody: workers drop what others left there
crews$made <- 0

new_crew <- function(cluster) {
  crew <- new.env(parent = emptyenv())
  crews$made <- crews$made + 1
  crew$id <- paste(Sys.getpid(), format(as.numeric(Sys.time()), digits = 15), crews$made, sep = "-")
  crew$cluster <- check_cluster(cluster)
  crew$alive <- rep(TRUE, length(cluster))
  crew$hosts <- paste("worker", seq_along(cluster))
  crew$asked <- 0
  crew$model_at <- rep("", length(cluster))
  crew$shares <- list()
  assign(crew$id, TRUE, envir = crews)
  reg.finalizer(crew, function(crew) suppressWarnings(rm(list = crew$id, envir = crews)))
  greet(crew)
  crew
}

greet <- function(crew) {
  live <- setdiff(ls(crews), "made")
  tasks <- lapply(seq_along(crew$cluster), function(i) list(name = "worker_hello", args = list(live = live), worker = i))
  found <- crew_run(crew, tasks, first_seconds(), starts = TRUE)
  heard <- which(!vapply(found, is.null, NA))
  if (!length(heard)) abort_worker("None of the workers answers: their connections are closed.", remedy_start)
  for (gone in crew$hosts[-heard]) inform_em("worker", sprintf("The %s does not answer: its connection is closed. The others go on.", gone))
  crew$hosts[heard] <- vapply(heard, function(i) sprintf("worker %d on %s", i, found[[i]]$host), "")
  own <- own_version()
  others <- vapply(found[heard], `[[`, "", "version")
  if (any(others != own)) {
    at <- heard[which(others != own)[1L]]
    abort_worker(sprintf("The %s has version %s of the package, and here it is %s.", crew$hosts[at], found[[at]]$version, own),
                 "Install the same version everywhere.")
  }
  agree_on_kernels(crew, lapply(found[heard], `[[`, "kernels"))
}

remedy_start <- "Make the cluster anew: parallel::makeCluster(2). Nothing here starts workers."

own_version <- function() as.character(utils::packageVersion("emfit"))

# Unlike machines add up with the best kernels that all of them have, so that a share gives the same bits anywhere.
agree_on_kernels <- function(crew, theirs) {
  wanted <- kernels_wanted()
  own <- em_kernels_cpp()
  common <- Reduce(intersect, theirs, own)
  crew$kernels <- if (!is.null(wanted) && wanted != "best") wanted else common[1L]
  if (!all(vapply(theirs, function(names) crew$kernels %in% names, NA))) {
    abort_worker(sprintf("A worker has no kernels \"%s\", which options(emfit.kernels = ) asks for.", crew$kernels),
                 "options(emfit.kernels = \"baseline\") is there on any machine.")
  }
  if (crew$kernels == own[1L] || !is.null(wanted)) return(invisible())
  inform_em("worker", sprintf("The machines are unlike: passes use the kernels \"%s\", which all of them have.", crew$kernels))
}

abort_worker <- function(what, remedy, ...) abort_em("worker", c(what, ..., i = remedy))

# ---- tasks ----

crew_run <- function(crew, tasks, seconds = silence_allowed(), starts = FALSE) {
  force(seconds)
  run <- new.env(parent = emptyenv())
  run$tasks <- tasks
  run$starts <- starts
  run$answers <- vector("list", length(tasks))
  run$state <- rep("waiting", length(tasks))
  run$tries <- integer(length(tasks))
  run$at <- integer(length(crew$cluster)) # the task of each worker
  run$tag <- character(length(crew$cluster))
  run$since <- numeric(length(crew$cluster))
  on.exit(drain(crew, run))
  while (any(run$state != "done")) {
    for (worker in which(crew$alive & run$at == 0L)) hand_out(crew, run, worker)
    if (any(run$at > 0L)) collect(crew, run, seconds)
    else if (!any(crew$alive)) break
  }
  run$answers
}

task_of <- function(crew, run, worker) {
  for (i in which(run$state == "waiting")) {
    task <- run$tasks[[i]]
    only <- if (!is.null(task$worker)) task$worker else if (!is.null(task$share)) crew$owner[task$share]
    if (is.null(only) || only == worker) return(i)
  }
  0L
}

hand_out <- function(crew, run, worker) {
  at <- task_of(crew, run, worker)
  if (at == 0L) return(invisible())
  task <- run$tasks[[at]]
  args <- if (is.null(task$share) && is.null(task$model)) task$args else list(
    room = crew$id, share = task$share, name = task$name, args = task$args, kernels = crew$kernels,
    recipe = if (!is.null(task$share) && !crew$holds[task$share, worker]) crew$shares[[task$share]]$recipe,
    model = task$model$id, model_sent = if (!is.null(task$model) && crew$model_at[worker] != task$model$id) task$model
  )
  name <- if (is.null(task$share) && is.null(task$model)) task$name else "worker_do"
  crew$asked <- crew$asked + 1
  run$tag[worker] <- paste(crew$id, crew$asked)
  run$at[worker] <- at
  run$since[worker] <- clock()
  run$state[at] <- "working"
  sent <- tryCatch({
    tell_node(crew$cluster[[worker]], name, args, run$tag[worker])
    TRUE
  }, error = function(e) FALSE)
  if (!sent) lose(crew, run, worker, "its connection is closed")
}

# What has come; workers that say nothing for too long are given up.
collect <- function(crew, run, seconds) {
  busy <- which(run$at > 0L)
  ready <- tryCatch(are_ready(crew$cluster[busy], min(1, seconds)), error = function(e) rep(TRUE, length(busy)))
  for (worker in busy[ready]) {
    message <- tryCatch(hear_node(crew$cluster[[worker]]), error = function(e) NULL)
    if (is.null(message)) lose(crew, run, worker, "its connection broke")
    else if (identical(message$tag, run$tag[worker])) take_answer(crew, run, worker, answer_of(message))
  }
  for (worker in busy[!ready]) {
    if (clock() - run$since[worker] <= seconds) next
    silent <- sprintf("nothing was heard of it for %s seconds", number(seconds))
    if (run$starts) {
      crew$alive[worker] <- FALSE
      run$at[worker] <- 0L
      abort_worker(sprintf("The %s could not start: %s.", crew$hosts[worker], silent), remedy_start)
    }
    lose(crew, run, worker, silent)
  }
}

take_answer <- function(crew, run, worker, answer) {
  at <- run$at[worker]
  task <- run$tasks[[at]]
  if (!is.null(answer$lost)) return(lose(crew, run, worker, answer$lost))
  run$at[worker] <- 0L
  if (!is.null(answer$absent)) {
    abort_worker(sprintf("The %s can't load package emfit.", crew$hosts[worker]),
                 sprintf("Let it find the package: parallel::clusterCall(cl, .libPaths, \"%s\")", dirname(system.file(package = "emfit"))),
                 x = sprintf("It looked in %s.", quoted(answer$absent)))
  }
  if (!is.null(answer$failed)) raise_failed(answer$failed, crew, worker, task)
  if (!is.null(answer$lacking)) {
    if (answer$lacking == "share") crew$holds[task$share, worker] <- FALSE
    crew$model_at[worker] <- ""
    return(try_again(run, at, crew, worker, "it does not keep what it is given"))
  }
  if (!is.null(task$share)) crew$holds[task$share, worker] <- TRUE
  if (!is.null(task$model)) crew$model_at[worker] <- task$model$id
  run$answers[[at]] <- answer$value
  run$state[at] <- "done"
}

# Its shares go to those that have the fewest.
lose <- function(crew, run, worker, why) {
  crew$alive[worker] <- FALSE
  at <- run$at[worker]
  run$at[worker] <- 0L
  task <- run$tasks[[at]]
  if (!is.null(task$worker)) {
    run$state[at] <- "done"
    return(invisible())
  }
  if (!any(crew$alive)) abort_lost(crew, worker, task, why, "It was the last.")
  for (share in which(crew$owner == worker)) {
    if (!crew$shares[[share]]$again) {
      abort_lost(crew, worker, list(share = share), why, "What it held can't be read by another worker.")
    }
    held <- tabulate(crew$owner[crew$alive[crew$owner]], length(crew$alive))
    held[!crew$alive] <- NA
    crew$owner[share] <- which.min(held)
  }
  try_again(run, at, crew, worker, why)
  inform_em("worker", sprintf("The %s is lost (%s): others go on with what it did.", crew$hosts[worker], why))
}

try_again <- function(run, at, crew, worker, why) {
  run$tries[at] <- run$tries[at] + 1L
  run$state[at] <- "waiting"
  if (run$tries[at] >= most_tries) {
    abort_lost(crew, worker, run$tasks[[at]], why, sprintf("It was tried %d times.", most_tries))
  }
}

abort_lost <- function(crew, worker, task, why, more) {
  abort_worker(c(sprintf("The %s is lost: %s.", crew$hosts[worker], why),
                 x = if (!is.null(task$share)) sprintf("It had %s.", crew$shares[[task$share]]$label), x = more),
               "With em_control(checkpoint = ) a fit goes on where it was, once there is a cluster again.")
}

# An error on a worker is the error here, with the place.
raise_failed <- function(failed, crew, worker, task) {
  place <- sprintf("On %s%s.", crew$hosts[worker], if (!is.null(task$share)) paste(", in", crew$shares[[task$share]]$label) else "")
  if (is.null(failed$classes)) {
    abort_worker(c(sprintf("The %s failed: %s.", crew$hosts[worker], sub("[.]?[[:space:]]*$", "", failed$message)), x = place), remedy_start)
  }
  abort_again(failed$classes, c(failed$message, failed$body, x = place), if (!is.null(failed$parent)) simpleError(failed$parent))
}

# What was left unanswered is waited for a while, so that whoever asks next hears what they asked for.
drain <- function(crew, run, seconds = 5) {
  until <- clock() + seconds
  repeat {
    busy <- which(run$at > 0L & crew$alive)
    if (!length(busy) || clock() > until) return(invisible())
    ready <- tryCatch(are_ready(crew$cluster[busy], 0.2), error = function(e) rep(TRUE, length(busy)))
    for (worker in busy[ready]) {
      message <- tryCatch(hear_node(crew$cluster[[worker]]), error = function(e) NULL)
      if (is.null(message)) crew$alive[worker] <- FALSE
      if (is.null(message) || identical(message$tag, run$tag[worker])) run$at[worker] <- 0L
    }
  }
}
