# Algorithms that give each row wholly to one component between the E-step and the M-step, which src/assign.h does:
# classification EM takes the most probable one, stochastic EM draws it. The first climbs the classification log-likelihood,
# the second nothing: what is said of ascent, of maxima and of their standard errors goes by this file.

assigns <- function(control) any(match(.subset2(control, "algorithm")[1L], c("cem", "sem"), 0L) > 0L)
draws_classes <- function(control) identical(.subset2(control, "algorithm")[1L], "sem")

algorithm_label <- function(control) {
  switch(unclass(control)$algorithm, cem = "classification EM", sem = "stochastic EM", "EM")
}

# What is given of settings that such an algorithm has no use for; NULL where nothing is.
check_assigned_settings <- function(algorithm, tol, accelerate) {
  if (isTRUE(accelerate)) {
    abort_em("argument", c(sprintf("`accelerate` must be left out for algorithm = \"%s\": it has no long steps.", algorithm),
                           i = sprintf("em_control(algorithm = \"%s\")", algorithm)))
  }
  if (algorithm == "sem" && !is.null(tol) && !identical(as.double(tol), 0)) {
    abort_em("argument", c("`tol` must be left out for algorithm = \"sem\": what is drawn comes to no end.",
                           i = "Say how many iterations it makes: em_control(algorithm = \"sem\", max_iter = 500)."))
  }
}

abort_assigned <- function(algorithm) {
  abort_em("unsupported", c(
    sprintf("algorithm = \"%s\" serves em_fit() of rows that fit into memory alone: this asks for maxima of the likelihood.",
            algorithm),
    i = "Use control = em_control(algorithm = \"em\")."
  ))
}

check_assigned_latent <- function(control, latent) {
  if (!assigns(control) || latent_assigns(latent)) return(invisible())
  abort_em("unsupported", c(
    sprintf("algorithm = \"%s\" gives each row its component, and here components of rows depend on each other.",
            unclass(control)$algorithm),
    i = "Use em_control(algorithm = \"em\"), or latent = em_mixture()."
  ))
}

# Of a run, or a fit: was it made by such an algorithm?
is_assigned <- function(run) !is.null(run$log_classes) || !is.null(run$best_iteration)

# What a fit has of such a run besides; finish(): parameters of the run as those of the fit.
with_assigned <- function(fit, run, finish) {
  fit$loglik <- fit$objective - sum(run$log_prior, run$log_classes)
  fit$log_classes <- run$log_classes
  fit$best_iteration <- run$best_iteration
  if (!is.null(run$average)) fit$average <- finish(run$average)
  fit$seed <- run$seed
  fit
}

# What a fit's objective, and its trace, are.
objective_label <- function(fit) {
  paste0(if (is.null(fit$log_classes)) "log-likelihood" else "classification log-likelihood",
         if (has_prior(fit)) " + log prior")
}

# Rows as a run reads them: equal ones tallied, but where each is drawn by itself.
rows_of_run <- function(data, model, control) if (draws_classes(control)) native_data(data, model) else tallied(data, model)

# As many starts as were asked for, some of each kind, each with a seed of its own, to the end: none is set aside, because
# what is drawn later tells more than where it began.
search_by_draws <- function(data, start, control) {
  task <- list(data = data, model = start$model, control = control, native = rows_of_run(data, start$model, control))
  items <- start$items
  kinds <- start$method
  if (!start$supplied) {
    check_enough_rows(task)
    n <- if (has_one_start(task)) 1L else control$n_start
    kinds <- sort(rep_len(if (start$method == "varied") varied_kinds else start$method, n), method = "radix")
    drawn <- lapply(unique(kinds), function(kind) {
      starts_by_method(data, task$model, kind, sum(kinds == kind), task$native)
    })
    kinds <- rep(unique(kinds), lengths(drawn))
    items <- unlist(drawn, recursive = FALSE)
  }
  seeds <- sample.int(.Machine$integer.max, length(items), replace = TRUE)
  items <- lapply(seq_along(items), function(i) c(items[[i]], seed = as.double(seeds[i])))
  run <- run_task(task, items, kinds)
  run$seed <- as.double(seeds[run$best])
  run
}

describe_ending_assigned <- function(x) {
  n <- plural(x$iterations, "iteration")
  if (is.null(x$best_iteration)) return(NULL)
  sprintf("Ran %s of stochastic EM; the best, %d, is kept%s.", n, x$best_iteration,
          if (nrow(x$starts) > 1L) sprintf(" (the best of %d starts)", nrow(x$starts)) else "")
}

# What em_diagnose() says of the end, and of the way there.
diagnose_assigned <- function(fit) {
  list("note", paste("The run ended, but at no maximum of the likelihood:",
                     if (!is.null(fit$best_iteration)) "stochastic EM keeps its best iteration."
                     else "classification EM climbs the classification log-likelihood."),
       remedy = "update(FIT, start = FIT, control = em_control())")
}

describe_ascent <- function(fit) {
  if (!is.null(fit$best_iteration)) return("Stochastic EM promises no ascent: the log-likelihood rises and falls.")
  sprintf("The %s never fell, as it can't in %s.", objective_label(fit), algorithm_label(fit$control))
}

# Standard errors are those of a maximum of the likelihood.
refuse_assigned <- function(fit, what) {
  if (!is_assigned(fit)) return(invisible())
  abort_em("unsupported", c(
    sprintf("%s is for maxima of the likelihood, and %s comes to none.", what, algorithm_label(fit$control)),
    i = "Go on from there by EM: update(fit, start = fit, control = em_control())."
  ))
}
