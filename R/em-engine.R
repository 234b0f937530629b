# The only R file that calls the compiled core. A `model` is what a run needs besides data and start:
# list(family, latent, k), the family already checked against the data.

native_family <- function(model) family_native(model$family, model$k)
native_latent <- function(model) latent_native(model$latent, model$k)

# Rows with missing values go sorted by pattern; what comes back by row is put in the user's order again. What is
# known of the rows, labels and their density as noise, goes with them.
native_data <- function(data, model) {
  latent <- model$latent
  if (latent_keeps_order(latent)) data <- in_own_order(data)
  order <- data$order
  units <- data[["units"]]
  x <- if (is.null(order)) data$x else data$x[order, , drop = FALSE]
  rows <- list(x = x, weights = if (is.null(order)) data$weights else data$weights[order], missing = has_gaps(data),
               kernels = kernels_wanted())
  if (!is.null(data$width)) rows$width <- data$width # these two are not for the core: family_fields() asks for them
  if (!is.null(data$items)) rows$items <- data$items
  if (!is.null(units)) rows <- c(rows, native_units(units, order, latent))
  if (!is.null(data$labels)) rows <- c(rows, native_labels(data$labels, order, model$k))
  c(rows, native_noise(latent, x))
}

# The kernels that this machine has, the best first.
kernels_here <- function() em_kernels_cpp()

# What options(emfit.kernels =) asks for; NULL: the best.
kernels_wanted <- function() {
  wanted <- getOption("emfit.kernels")
  if (is.null(wanted)) return(NULL)
  available <- c(em_kernels_cpp(), "best")
  if (is.character(wanted) && length(wanted) == 1L && wanted %in% available) return(wanted)
  abort_em("argument", sprintf("The option `emfit.kernels` must be %s on this machine, not %s.", one_of(available),
                               describe_value(wanted)))
}

native_order <- function(x, data) {
  if (is.null(data$order)) return(x)
  if (is.matrix(x)) x[data$order, , drop = FALSE] else x[data$order]
}

user_order <- function(x, data) {
  if (is.null(data$order)) return(x)
  back <- integer(data$n)
  back[data$order] <- seq_len(data$n)
  if (is.matrix(x)) x[back, , drop = FALSE] else x[back]
}

is_tallied <- function(model) family_tallies(model$family)

# Equal rows of counts are tallied: distinct rows with their summed weights give the same statistics.
tallied <- function(data, model) {
  alone <- !family_tallies(model$family) || data$n < 2L || !is.null(data$labels) || !is.null(shared_units(data)) ||
    latent_keeps_order(model$latent)
  native_data(if (alone) data else tallied_rows(data), model)
}

# Neither NA nor Inf anywhere.
all_finite <- function(x) em_describe_cpp(x, "finite", NULL)

# The different rows of codes or counts with their summed weights.
tallied_rows <- function(data) em_describe_cpp(data$x, "tally", data$weights)

# How many different rows there are.
count_rows_apart <- function(x) length(em_describe_cpp(x, "tally", NULL)$weights)

# Columns of successes and failures, or of successes with their trials, become list(x = successes and trials, sound =
# are they counts?). Rows with a missing one have no trials.
count_rows <- function(x, size) em_describe_cpp(x, "counts", size)

# Starts from the data themselves: a list of items as em_runs_cpp() takes them.
draw_starts <- function(data, model, method, n_start, native = tallied(data, model), deep = TRUE) {
  if (deep) {
    found <- deep_starts(data, model, method, n_start, native)
    if (!is.null(found)) return(found)
  }
  n_start <- latent_draws(model$latent, model$k, n_start)
  seeds <- as.double(sample.int(.Machine$integer.max, n_start, replace = TRUE))
  items <- family_starts(model$family, native$x, model$k, method, n_start)
  by_unit <- is.null(items) && !is.null(native$units) && method != "random" && !latent_keeps_order(model$latent)
  if (is.null(items)) {
    rows <- if (by_unit) means_of_units(native) else native
    items <- if (method == "joined") joined_starts(rows, model, seeds)
             else core_starts(rows, model, method, seeds)
  }
  items <- lapply(items, function(item) {
    if (by_unit) item$partition <- item$partition[codes_of_ends(native$units)]
    if (!is.null(item$parameters)) {
      item$parameters <- c(latent_parameters(model$latent, NULL, model$k), item$parameters)
    }
    c(item, may_borrow = TRUE)
  })
  latent_starts(model$latent, items, native, model)
}

# For each seed a partition, or parameters.
core_starts <- function(rows, model, method, seeds) em_start_cpp(rows, native_family(model), method, seeds)

# The groups of a starting item, each with its maximum likelihood, and an E-step there; NULL where that leads
# nowhere.
first_step <- function(item, native, model) {
  settings <- unclass(em_control(max_iter = 0, threads = 1))
  settings[c("row_weight", "ends")] <- list(1, FALSE)
  run <- run_core(native, list(item), model, settings)
  if (!is.null(run$defect) || run$status == "bad_start") return(NULL)
  em_expect_cpp(native, native_family(model), native_latent(model), run$parameters,
                c("responsibilities", "row_loglik"), NULL, 1L)
}

# Long steps go by the gradient.
run_settings <- function(control, model) {
  settings <- unclass(control)
  settings$accelerate <- settings$accelerate && family_has_score(model$family)
  settings
}

# Where each of the items leads in a few iterations: a list of parameters, NULL where to nothing; NULL instead of the
# list where the data themselves are to blame.
ends_of_trial <- function(items, native, model, iterations) {
  settings <- unclass(em_control(max_iter = iterations, threads = 1))
  settings[c("row_weight", "ends")] <- list(1, TRUE)
  run <- run_core(native, items, model, settings)
  if (is.null(run$defect)) run$ends
}

# Responsibilities of rows in the core's own shape; NULL where a component has no density.
native_responsibilities <- function(native, parameters, model) {
  out <- em_expect_cpp(native, native_family(model), native_latent(model), parameters, "responsibilities", NULL, 1L)
  if (out$component == 0L && !anyNA(out$responsibilities)) out$responsibilities
}

# What a chain says of series beside an E-step: see src/r_markov.cpp.
chain_em <- function(log_density, parameters, ends, want) {
  em_chain_cpp(log_density, as.double(parameters$initial), bare(parameters$transition), as.integer(ends), want)
}

# From starting items to the best run. Raises nothing but defects of the data.
run_em <- function(data, start, model, control, native = rows_of_run(data, model, control), ends = FALSE) {
  run <- run_native(data, native, start$items, model, control, ends, start$kinds)
  if (!is.null(run$defect)) abort_defect(data, run$defect)
  run
}

# The same on rows in the core's own shape; ends: also the parameters that every start ended with?
run_native <- function(data, native, items, model, control, ends = FALSE, kinds = NULL) {
  settings <- run_settings(control, model)
  settings$threads <- resolve_threads(settings, prod(dim(native$x), model$k, length(items)))
  settings$row_weight <- weight_of_row(data$weights)
  settings$ends <- ends
  run_core(native, items, model, settings, kinds)
}

native_rows <- function(native, rows) {
  native$x <- native$x[rows, , drop = FALSE]
  native$weights <- native$weights[rows]
  native$log_noise <- native$log_noise[rows]
  if (!is.null(native$units)) native$units <- ends_of(codes_of_ends(native$units)[rows])
  native
}

# What tol is measured in: one row's log-likelihood, which is less where weights were scaled to a small sum.
weight_of_row <- function(weights) {
  if (is.null(weights)) 1 else min(1, mean(weights[weights > 0]))
}

# Of data, which may be a sample of all.
row_weight <- function(data) if (is.null(data$whole)) weight_of_row(data$weights) else data$whole$row_weight

# Parameters from responsibilities alone (n x k), or from labels: the start of a run of no iterations.
parameters_from <- function(data, given, model, threads = 1L) {
  settings <- unclass(em_control(max_iter = 0))
  settings$threads <- threads
  settings$row_weight <- 1
  settings$ends <- FALSE
  if (is.matrix(given) && !is.double(given)) storage.mode(given) <- "double"
  if (latent_keeps_order(model$latent)) data <- in_own_order(data)
  start <- list(list(native_order(given, data), may_borrow = FALSE))
  names(start[[1L]])[1L] <- if (is.matrix(given)) "responsibilities" else "partition"
  run <- run_core(native_data(data, model), start, model, settings)
  if (!is.null(run$defect)) abort_defect(data, run$defect)
  if (run$status == "bad_start") abort_bad_component(run$component, data, given, model$family)
  run$parameters
}

# One E-step. want: any of "responsibilities", "log_density", "row_loglik", "statistics".
expect_em <- function(data, parameters, model, want, given = NULL, threads = NULL) {
  threads <- resolve_threads(list(threads = threads), as.double(data$n) * ncol(data$x) * model$k)
  if (latent_keeps_order(model$latent)) data <- in_own_order(data)
  if (!is.null(given)) {
    given <- native_order(given, data)
    storage.mode(given) <- "double"
  }
  native <- native_data(data, model)
  out <- expect_native(native, parameters, model, want, given, threads)
  if (out$component > 0 && is.null(given)) {
    abort_em("start", sprintf("Component %d has no density: %s.", out$component, family_no_density(model$family, parameters)))
  }
  if ("log_density" %in% want) out$log_density <- with_noise_density(out$log_density, native)
  by_row <- intersect(c("responsibilities", "log_density", "row_loglik"), names(out))
  out[by_row] <- lapply(out[by_row], user_order, data)
  out
}

expect_native <- function(native, parameters, model, want, given = NULL, threads = 1L) {
  em_expect_cpp(native, native_family(model), native_latent(model), plain_parameters(parameters), want, given, threads)
}

maximise_em <- function(data, statistics, parameters, model, algorithm) {
  plain <- plain_parameters(parameters)
  em_maximise_cpp(statistics, native_data(data, model), native_family(model), native_latent(model), plain, algorithm)
}

bare_numbers <- function(x) {
  out <- as.double(x)
  dim(out) <- dim(x)
  out
}

# Many data sets, as native_data() or tallied() give them, each fitted from the same parameters.
refit_em <- function(natives, parameters, model, control, row_weight = 1) {
  if (!is.null(control$crew)) return(refit_on_crew(natives, parameters, model, control, row_weight))
  start <- list(list(parameters = plain_parameters(parameters), may_borrow = FALSE))
  runs <- batch_em(model_tasks(natives, model, list(start)), model, control, row_weight)
  pick <- function(name, kind) vapply(runs, `[[`, kind, name)
  list(loglik = pick("loglik", 0), iterations = pick("iterations", 0L), status = pick("status", ""),
       spread = vapply(runs, least_spread, 0), log_prior = pick("log_prior", 0),
       parameters = vapply(runs, function(run) unlist(run$parameters, use.names = FALSE), unlist(start[[1L]]$parameters) + 0))
}

least_spread <- function(run) if (run$status == "bad_start") NA_real_ else min(run$relative_spread)

# Many data sets, each with starts of its own that race, at most `most` of them to the end: the best run of each.
race_em <- function(natives, items, model, control, most, row_weight = 1) {
  if (!is.null(control$crew)) return(race_on_crew(natives, items, model, control, most, row_weight))
  batch_em(model_tasks(natives, model, items), model, race_by(table_race(most), replace(control, "path", FALSE)), row_weight)
}

# Each of the data sets with its starts, or all with the same.
model_tasks <- function(natives, model, starts) {
  family <- native_family(model)
  latent <- native_latent(model)
  Map(function(native, items) list(data = native, family = family, latent = latent, starts = items), natives, starts)
}

# Several models on the same rows, each with starts of its own, that race where control has a plan; to_beat: what it has.
cell_task <- function(native, model) {
  list(data = native, family = native_family(model), latent = native_latent(model), model = model)
}
with_starts <- function(tasks, starts, to_beat) {
  Map(function(task, items, bar) c(task, list(starts = items, to_beat = bar)), tasks, starts, to_beat)
}

# Tasks at once, threads over them: of each its run, or the best of its race. `model`: of any of them.
batch_em <- function(tasks, model, control, row_weight) {
  if (!length(tasks)) return(list())
  settings <- run_settings(control, model)
  starts <- sum(vapply(tasks, function(task) length(task$starts), 0L))
  work <- as.double(nrow(tasks[[1L]]$data$x)) * ncol(tasks[[1L]]$data$x) * model$k * starts * 10
  settings$threads <- resolve_threads(control, work)
  settings[c("row_weight", "ends")] <- list(row_weight, FALSE)
  em_runs_cpp(unname(tasks), settings)
}

# Of one data set: the best run of these starts, as the core tells it. Rows in chunks: `native` is a sample of them and has
# `parts`, where all come from.
run_core <- function(native, items, model, settings, kinds = NULL) {
  task <- list(data = native, family = native_family(model), latent = native_latent(model), starts = items, kinds = kinds)
  em_runs_cpp(list(task), settings)[[1L]]
}

score_parts <- function(native, at, want, threads) {
  em_score_cpp(native, native_family(at$model), native_latent(at$model), at$parameters, want, NULL, threads)
}

responsibilities_of_part <- function(native, parameters, model) {
  expect_native(native, parameters, model, "responsibilities")$responsibilities
}

# What a worker does with its share of the rows, `native` with `parts`, and what is made of it: see src/r_share.cpp.
expect_share <- function(native, model, args) {
  em_share_expect_cpp(native, native_family(model), native_latent(model), args$parameters, args$exact, args$description, 1L)
}

describe_share <- function(native, model, args) {
  em_share_describe_cpp(native, native_family(model), native_latent(model), args$row, args$n, args$about, args$state)
}

total_of_shares <- function(found) {
  pick <- function(name) unlist(lapply(found, `[[`, name))
  em_share_total_cpp(pick("level"), pick("index"), do.call(cbind, lapply(found, `[[`, "sums")))
}

tallied_part <- function(x, weights) em_describe_cpp(x, "tally", weights)
weight_of_share <- function(weights, before) em_share_weight_cpp(weights, before)

# Doubles of a file from a byte on, into the memory of `into`: see src/r_parts.cpp.
read_doubles <- function(path, begin, into) em_read_doubles_cpp(path, begin, into)

# A number from 0 to 1 for each of the n rows behind these: see src/r_parts.cpp.
row_keys <- function(seed, before, n) em_row_keys_cpp(seed, before, n)

# What an M-step from each of the items tells, and what it is under a structure: see em-select-starts.R. model: of structure VVV.
sums_em <- function(native, items, model, control) {
  threads <- resolve_threads(control, as.double(nrow(native$x)) * ncol(native$x) * model$k)
  em_sums_cpp(native, native_family(model), native_latent(model), items, threads)
}

relatives_em <- function(sums, structure) em_relatives_cpp(sums, structure)

# Gaussian components with a pair of them merged: see family_merges().
merges_em <- function(parameters, k, most) em_merges_cpp(parameters, k, as.double(most))

# How clearly the rows fall into components; the same as clarity() of the responsibilities.
clarity_em <- function(native, parameters, model, threads = NULL) {
  threads <- resolve_threads(list(threads = threads), as.double(nrow(native$x)) * ncol(native$x) * model$k)
  by_unit <- !is.null(native$units) && !latent_keeps_order(model$latent)
  found <- expect_native(native, parameters, model, if (by_unit) "responsibilities" else "clarity", threads = threads)
  if (!by_unit) return(found$clarity)
  w <- if (is.null(native$weights)) rep(1, nrow(native$x)) else native$weights
  clarity(found$responsibilities[native$units, , drop = FALSE], w[native$units])
}

# How far apart the components are, k x k.
distances_em <- function(data, parameters, model) expect_native(tallied(data, model), parameters, model, "distances")$distances

# The log density of each row with it among the rows and without its group: see src/leave_out.h.
leave_out_em <- function(data, parameters, model, group, threads) {
  em_leave_out_cpp(native_data(data, model), native_family(model), native_latent(model), plain_parameters(parameters), group,
                   threads)
}

# Gradient of the log-likelihood in free coordinates about the parameters, with want = "information" its
# second derivatives and the jacobian of the packed parameters, with want = "scores" each row's (or unit's) own gradient,
# with "outer" the sum of their outer products.
# Weights are divided by weight_of_row().
score_em <- function(data, parameters, model, want, threads = NULL) {
  if (is_sample(data)) return(score_chunks(data, parameters, model, want, threads))
  if (!family_has_score(model$family)) return(score_by_differences(data, parameters, model, want))
  if (latent_keeps_order(model$latent)) data <- in_own_order(data)
  at <- about_means(data, parameters, model, whole = want == "scores")
  threads <- resolve_threads(list(threads = threads), as.double(data$n) * ncol(data$x) * model$k)
  out <- em_score_cpp(at$native, native_family(at$model), native_latent(at$model), at$parameters, want, NULL, threads)
  if (want == "scores" && is.null(shared_units(data))) out$scores <- user_order(out$scores, data)
  out
}

# Parameters at points given in the free coordinates of score_em(), a column for each: a list of them.
place_em <- function(data, parameters, model, coordinates) {
  at <- about_means(data, parameters, model)
  packed <- em_score_cpp(at$native, native_family(at$model), native_latent(at$model), at$parameters, "parameters", coordinates,
                         1L)$parameters
  lapply(seq_len(ncol(packed)), function(i) {
    out <- unpack_parameters(packed[, i], parameters)
    if (!is.null(at$centre)) out$mean <- out$mean + rep(at$centre, each = NROW(out$mean))
    out
  })
}

# A step from a mean far from 0 would be rounded; about the means' own centre it is not.
about_means <- function(data, parameters, model, whole = FALSE) {
  plain <- plain_parameters(parameters)
  native <- if (whole) native_data(data, model) else tallied(data, model)
  if (!is.null(native$weights)) native$weights <- native$weights / weight_of_row(data$weights)
  if (!family_shifts(model$family)) return(list(native = native, parameters = plain, model = model))
  means <- as.matrix(plain$mean)
  centre <- colMeans(means)
  native$x <- native$x - rep(centre, each = nrow(native$x))
  plain$mean[] <- means - rep(centre, each = nrow(means))
  if (!is.null(model$family$prior)) model$family$prior$mean <- model$family$prior$mean - centre
  held <- model$family$held$mean
  if (!is.null(held)) model$family$held$mean[] <- as.matrix(held) - rep(centre, each = nrow(means))
  list(native = native, parameters = plain, model = model, centre = centre)
}

# Topic models: see src/r_topics.cpp. `at` has topic (k x terms) and alpha, `expected` is k x documents; settled: do the
# first iterations converge the shares of each document?
run_topics_em <- function(corpus, at, expected, held, alpha, settings, first = 0L, settled = FALSE) {
  own <- list(tol = settings$tol, max_iter = settings$max_iter, first = first, alpha = alpha, fresh_every = 30L,
              fresh_first = if (settled) 5L else 0L, alpha_from = if (settled) 1L else 20L,
              threads = resolve_threads(settings, as.double(length(corpus$term)) * nrow(at$topic)))
  if (!settings$accelerate) own[c("fresh_every", "fresh_first", "alpha_from")] <- list(0L, 0L, 1L)
  em_topics_run_cpp(corpus, at$topic, at$alpha, expected, held, own)
}

# The E-step until a sweep gains less than `tol` a word.
expect_topics <- function(corpus, at, expected = NULL, tol = 1e-8, most = 200L, threads = NULL) {
  threads <- resolve_threads(list(threads = threads), as.double(length(corpus$term)) * nrow(at$topic))
  em_topics_expect_cpp(corpus, at$topic, at$alpha, expected, tol, most, threads)
}

maximise_topics <- function(words, log_shares, documents, at, alpha, held = NULL) {
  em_topics_maximise_cpp(words, log_shares, documents, at$topic, at$alpha, alpha, held)
}

# See src/bayes.h: list(posterior, loglik) of log densities that are there already.
bayes_em <- function(log_density, proportions, posterior = TRUE) {
  em_bayes_cpp(log_density, proportions, posterior, resolve_threads(list(), length(log_density)))
}
