# Start specifications. Whatever the user gives as `start` becomes a list:
#   items     the start as em_runs_cpp() takes it: parameters, as they stand; none where a method was named
#   method    a word for the table of starts
#   k, names  number and names of the components (names NULL where the user gave none)
#   model, fields   what a run needs besides start and data, and the sheet of its parameters
#   ordered   do the components keep the user's order?
start_methods <- c("varied", "kmeans++", "random", "partition")

resolve_start <- function(start, k, data, family, latent, control, fixed = NULL) {
  if (is.function(start)) start <- call_start(start, data, k)
  if (is.object(start)) start <- if (inherits(start, "em_fit")) start$parameters else start_of_object(start, k, latent)
  if (is.null(start)) start <- start_methods[1L]
  kind <- start_kind(start, data)
  latent <- latent_bind(latent, data, family)
  fields <- model_fields(list(family = family, latent = latent, k = 1L), data)
  if (kind == "parameters") {
    start <- flatten_given(start, fields, "start")
    check_types(start, fields, "start")
  }
  if (!is.null(fixed)) fixed <- check_fixed_list(fixed, fields)
  if (kind == "partition" || kind == "responsibilities") {
    told <- latent_start(latent, start, kind, data)
    start <- told$start
    kind <- told$kind
  }
  if (is.null(k) && !is.null(data$labels)) k <- labels_k(data$labels)
  if (is.null(k) && kind == "method" && is.list(fixed)) k <- components_of(fixed, fields, latent)
  k <- resolve_k(k, start, kind, latent, fields)
  if (!is.null(data$labels)) {
    check_labels_k(data$labels, k)
    start <- align_to_labels(start, kind, data$labels, k)
  }
  latent_check(latent, k)
  if (!is.null(data[["units"]])) check_units_k(data, k)
  all_held <- !is.null(fixed) && holds_all(fixed, fields)
  if (kind == "method" && all_held) {
    # Of proportions alone the likelihood has one maximum: no start leads to another.
    start <- fixed[names(fixed) %in% own_names(fields)]
    kind <- "parameters"
  }
  estimated <- !all_held && (kind != "parameters" || .subset2(control, "max_iter") > 0L)
  model <- list(family = family_check(family, data, k, estimated), latent = latent, k = k)
  if (!is.null(fixed)) {
    fixed <- align_fixed(fixed, k, names_to_hold(start, kind, data, k))
    model <- resolve_fixed(fixed, model, data)
    if (kind == "parameters") start <- fill_from_fixed(start, model, data)
  }
  fields <- resize_fields(fields, k)
  resolved <- switch(kind,
    method = list(method = start),
    parameters = start_from_parameters(start, data, model, fields),
    partition = start_from_partition(start, data, model, fields),
    responsibilities = start_from_responsibilities(start, data, model, fields)
  )
  supplied <- kind != "method"
  told <- latent_is_ordered(latent) || !is.null(data$labels) || !is.null(fixed)
  names <- if (told) resolve_names(resolved$names, model, data, fixed) else resolved$names
  if (!is.null(names)) check_noise_name(names, latent)
  list(items = resolved$items, method = resolved$method, model = model, fields = fields, names = names,
       supplied = supplied, ordered = supplied || told)
}

# Which names `fixed` has to use.
names_to_hold <- function(start, kind, data, k) {
  names <- label_names(data$labels, k)
  if (!is.null(names)) return(names)
  switch(kind, parameters = component_names(start, k), responsibilities = colnames(start)[seq_len(k)],
         partition = if (!is.numeric(start)) as.character(partition_levels(start)))
}

# Names of the components: those of the labels, else of the start, else of proportions or of what is held.
resolve_names <- function(names, model, data, fixed) {
  if (!is.null(data$labels$levels)) names <- label_names(data$labels, model$k)
  if (is.null(names)) names <- latent_names(model$latent, model$k)
  if (is.null(names) && !is.null(fixed)) names <- component_names(fixed, model$k, "fixed")
  names
}

starts_by_method <- function(data, model, method, n_start, native = tallied(data, model), deep = TRUE) {
  items <- if (is.null(data$labels)) draw_starts(data, model, method, n_start, native, deep)
           else labelled_starts(data, model, method, n_start)
  if (holds_parameters(model)) held_starts(items, data, model) else items
}

call_start <- function(start, data, k) {
  tryCatch(start(user_matrix(data), k), error = function(e) {
    abort_em("start", c("The function given as `start` failed.", x = conditionMessage(e)))
  })
}

start_kind <- function(start, data) {
  if (is.list(start) && !inherits(start, "data.frame")) {
    if (is.object(start) && !inherits(start, "em_parameters")) abort_start_kind(start, data)
    return("parameters")
  }
  if (is.character(start) && length(start) == 1L) {
    check_choice(start, "start", start_methods)
    return("method")
  }
  if (inherits(start, "data.frame")) abort_start_kind(start, data)
  if (is.matrix(start) && is.numeric(start)) return("responsibilities")
  if (is.factor(start) || is.character(start) || is.logical(start) || is.numeric(start)) return("partition")
  abort_start_kind(start, data)
}

abort_start_kind <- function(start, data) {
  abort_em("start", c(
    sprintf(paste("`start` must be a method name, a partition, responsibilities, a list of parameters, a fit or a",
                  "function, not %s."), describe_value(start)),
    i = sprintf("Methods are %s. A partition is a factor with %d values.", one_of(start_methods), data$n)
  ))
}

resolve_k <- function(k, start, kind, latent, fields) {
  said <- switch(kind,
    parameters = components_of(start, fields, latent),
    partition = if (is.numeric(start)) NULL else length(partition_levels(start)),
    responsibilities = ncol(start) - (latent_columns(latent, 1L) - 1L) * !identical(k, ncol(start))
  )
  if (is.null(said)) said <- latent_k(latent)
  if (is.null(k)) {
    if (is.null(said) && kind == "partition" && !anyNA(start)) said <- max(start)
    if (is.null(said)) abort_em("argument", c("`k` must say how many components there are.", i = "em_fit(x, k = 2)"))
    return(check_count(said, "k"))
  }
  k <- check_count(k, "k")
  if (!is.null(said) && kind == "partition" && said != k) {
    abort_em("start", sprintf("`start` must have one group for each component: k = %d, but it has %d.", k, said))
  }
  k
}

start_from_parameters <- function(start, data, model, fields) {
  names <- component_names(start, model$k)
  if (!is.null(names)) start <- align_components(start, names)
  own <- own_names(fields)
  check_start_names(start, fields, own)
  parameters <- c(latent_parameters(model$latent, start, model$k, names),
                  family_parameters(model$family, start, model$k, data, fields[own]))
  warn_coincident(parameters, fields, model$k, own)
  if (holds_parameters(model)) parameters <- override_held(parameters, model, fields)
  item <- list(parameters = parameters, may_borrow = FALSE)
  list(items = list(item), method = "parameters", names = names)
}

start_from_partition <- function(start, data, model, fields) {
  labels <- partition_labels(start, data, model$k)
  parameters <- parameters_from_start(data, labels, model)
  warn_coincident(parameters, fields, model$k)
  list(items = list(list(parameters = parameters, may_borrow = FALSE)), method = "partition",
       names = if (!is.numeric(start)) as.character(partition_levels(start)))
}

start_from_responsibilities <- function(start, data, model, fields) {
  columns <- latent_columns(model$latent, model$k)
  check_responsibilities(start, data, if (ncol(start) == columns) columns else model$k)
  parameters <- parameters_from_start(data, start, model)
  warn_coincident(parameters, fields, model$k)
  list(items = list(list(parameters = parameters, may_borrow = FALSE)), method = "responsibilities",
       names = colnames(start)[seq_len(model$k)])
}

# Groups that leave out what the latent structure adds to them: it gets its share.
parameters_from_start <- function(data, given, model) {
  columns <- if (is.matrix(given)) ncol(given) else model$k
  if (columns == latent_columns(model$latent, model$k)) return(parameters_from(data, given, model))
  beside <- model$latent
  model$latent <- em_mixture()
  data["labels"] <- list(NULL)
  latent_from_partition(beside, parameters_from(data, given, model), model$k)
}

check_responsibilities <- function(r, data, k, arg = "start") {
  if (!identical(dim(r), c(data$n, k))) {
    abort_em("start", sprintf(paste("`%s` must have a row for each row of `x` and a column for each component:",
                                    "%d x %d, not %s."), arg, data$n, k, paste(dim(r), collapse = " x ")))
  }
  bad <- which(!is.finite(rowSums(r)) | rowSums(r < 0) > 0 | abs(rowSums(r) - 1) > 1e-6)
  if (length(bad)) {
    abort_em("start", sprintf("`%s` must have rows of numbers of 0 or more that sum to 1: row %d has %s.", arg,
                              bad[1L], enumerate(number(r[bad[1L], ]))))
  }
}

# The data as a user would recognise them.
user_matrix <- function(data) {
  x <- data$x
  if (length(data$names) == ncol(x)) colnames(x) <- data$names
  x
}

warn_coincident <- function(parameters, fields, k, own = own_names(fields)) {
  if (k == 1L || first_are_apart(parameters[[own[1L]]], k)) return(invisible())
  pair <- coincident_components(parameters, fields, k)
  if (is.null(pair)) return(invisible())
  warn_em("coincide", c(
    sprintf("Components %d and %d of `start` coincide.", pair[1L], pair[2L]),
    i = "EM can't tell them apart: they stay equal. Start them apart."
  ))
}

# The first two components that agree up to rounding; NULL where none do.
coincident_components <- function(parameters, fields, k) {
  if (k > 1L) coincident_pair(own_rows(parameters, fields, k))
}

# Do all components differ in the first number that each has of a parameter? Nearly always that of the first parameter tells.
first_are_apart <- function(parameter, k) {
  first <- parameter[seq_len(k)]
  apart <- abs(first - rep(first, each = k)) > same_parameter * max(abs(first))
  sum(apart) == k * (k - 1L)
}

same_parameter <- 8 * .Machine$double.eps

# The first two rows that agree up to rounding; NULL where none do.
coincident_pair <- function(rows) {
  rounding <- same_parameter * apply(abs(rows), 2L, max)
  for (j in seq_len(nrow(rows) - 1L)) {
    later <- seq.int(j + 1L, nrow(rows))
    apart <- abs(t(rows[later, , drop = FALSE]) - rows[j, ]) > rounding
    alike <- colSums(apart) == 0
    if (any(alike)) return(c(j, later[which(alike)[1L]]))
  }
  NULL
}

#' A start for the EM algorithm
#'
#' Turns a start specification into parameters: the first line of an EM loop written by hand, with [em_estep()]
#' and [em_mstep()].
#'
#' @inheritParams em_fit
#' @return A list of class `em_parameters`: `proportions` and the family's own parameters, shaped as in the
#'   `parameters` of a fit. It carries the family and the latent structure along.
#' @section Errors: as [em_fit()].
#' @references Arthur, D. and Vassilvitskii, S. (2007) k-means++: the advantages of careful seeding.
#'   *Proceedings of the 18th ACM-SIAM Symposium on Discrete Algorithms*, 1027-1035.
#' @seealso [em_estep()], [em_mstep()], [em_fit()]
#' @examples
#' em_start(red_blue$value, start = list(mean = c(red = 1.1, blue = 9), sd = c(2, 1.7)))
#' @export
em_start <- function(x, k = NULL, family = em_gaussian(), latent = em_mixture(), start = NULL) {
  family <- as_em_family(family)
  latent <- as_em_latent(latent)
  parted <- part_units(x, latent)
  data <- em_data(parted$x, family, units = parted$units)
  resolved <- resolve_start(start, k, data, family, latent, em_control(n_start = 1, max_iter = 0))
  item <- resolved$items[[1L]]
  if (!resolved$supplied) {
    method <- if (resolved$method == "varied") "kmeans++" else resolved$method
    item <- starts_by_method(data, resolved$model, method, 1L)
    item <- run_em(data, list(items = item), resolved$model, em_control(max_iter = 0))
  }
  new_em_parameters(item$parameters, resolved$names, resolved$model, data)
}
