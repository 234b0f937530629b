# fixed = : parameters that are held at given numbers. The user's list, shaped like `start` with NA where free,
# becomes `held` of the family and of the latent structure of a model: lists shaped like the parameters.

check_fixed_list <- function(fixed, fields) {
  if (!is.list(fixed) || is.null(names(fixed)) ||
      is.object(fixed) && !inherits(fixed, "em_parameters")) {
    abort_em("fixed", c(sprintf("`fixed` must be a named list shaped like `start`, not %s.", describe_shape(fixed)),
                        i = "Numbers are held, NA is free: fixed = list(mean = c(0, NA))."))
  }
  check_no_twice(fixed, "fixed")
  known <- own_first(fields)
  unknown <- setdiff(names(fixed), known)
  if (length(unknown)) {
    abort_em("fixed", c(sprintf("`fixed` can hold %s, not %s.", one_of(known), quoted(unknown)),
                        i = did_you_mean(unknown[1L], known)))
  }
  fixed <- flatten_given(fixed, fields, "fixed")
  check_types(fixed, fields, "fixed")
  fixed
}

# Does it leave nothing of the components to be estimated?
holds_all <- function(fixed, fields) {
  own <- own_names(fields)
  all(own %in% names(fixed)) && !anyNA(unlist(fixed[own]))
}

resolve_fixed <- function(fixed, model, data) {
  model$latent <- latent_hold(model$latent, fixed, model$k)
  held <- family_held(model$family, fixed, model$k, data)
  held <- held[vapply(held, function(x) !all(is.na(x)), NA)]
  if (!length(held)) return(model)
  model$family$held <- held
  family_check_held(model$family, model$k, data)
  model
}

holds_parameters <- function(model) length(held_parameters(model)) > 0L

# Held numbers take their places in a list of parameters.
override_held <- function(parameters, model, fields) {
  if (!holds_parameters(model)) return(parameters)
  held <- model$family$held
  for (name in names(held)) parameters[[name]] <- put_held(parameters[[name]], held[[name]], fields[[name]])
  latent_override(model$latent, parameters, model$k)
}

# What is free of probabilities with sum one shares what the held ones leave.
put_held <- function(x, held, field) {
  free <- is.na(held)
  x[!free] <- held[!free]
  if (field$scale != "simplex") return(x)
  for (i in which(rowSums(!free) > 0 & rowSums(free) > 0)) {
    open <- which(free[i, ])
    share <- if (sum(x[i, open]) > 0) x[i, open] / sum(x[i, open]) else rep(1 / length(open), length(open))
    x[i, open] <- (1 - sum(held[i, -open])) * share
  }
  x
}

# A user's list of parameters may leave out what is held.
fill_from_fixed <- function(start, model, data) {
  held <- model$family$held
  fields <- model_fields(model, data)
  for (name in names(held)) {
    if (is.null(start[[name]])) {
      start[[name]] <- held[[name]]
    } else if (length(start[[name]]) == length(held[[name]])) {
      labels <- c(list(fields[[name]]$levels), list(fields[[name]]$variables), list(data$names))
      labels <- labels[[which(lengths(labels) > 0L | seq_along(labels) == 3L)[1L]]]
      start[[name]] <- put_held(in_order_of_data(start[[name]], labels), held[[name]], fields[[name]])
    }
  }
  start
}

# Variables of a mean or of covariances whose names tell another order than that of the data.
in_order_of_data <- function(x, names) {
  if (is.data.frame(x)) x <- as.matrix(x)
  has <- if (length(dim(x)) == 2L) colnames(x) else if (length(dim(x)) == 3L) dimnames(x)[[1L]]
  at <- match(names, has)
  if (is.null(has) || is.null(names) || anyNA(at) || length(at) != length(has)) return(x)
  if (length(dim(x)) == 2L) x[, at, drop = FALSE] else x[at, at, , drop = FALSE]
}

# Starts of our own know no names: each component takes the group that is nearest to what it holds.
held_starts <- function(items, data, model) {
  if (is.null(model$family$held) && latent_keeps_order(model$latent)) return(items) # they have what is held
  plain <- release(model)
  fields <- model_fields(model, data)
  out <- lapply(items, function(item) {
    if (is.null(item$parameters)) {
      run <- run_em(data, list(items = list(item)), plain, em_control(max_iter = 0))
      if (run$status == "bad_start") return(NULL)
      item <- list(parameters = run$parameters)
    }
    parameters <- item$parameters
    if (is.null(data$labels)) {
      parameters <- permute_components(parameters, fields, nearest_groups(parameters, model, fields, data))
    }
    list(parameters = override_held(parameters, model, fields), may_borrow = FALSE)
  })
  out <- out[lengths(out) > 0L]
  if (length(out)) out else items
}

nearest_groups <- function(parameters, model, fields, data) {
  k <- model$k
  cost <- matrix(0, k, k) # group, component
  held <- held_parameters(model)
  for (name in names(held)) {
    groups <- as_rows(parameters[[name]], fields[[name]], k)
    wanted <- as_rows(held[[name]], fields[[name]], k)
    columns <- if (is.null(fields[[name]]$columns)) seq_len(ncol(data$x)) else fields[[name]]$columns
    scale <- if (fields[[name]]$scale == "real") apply(data$x[, columns, drop = FALSE], 2L, stats::sd, na.rm = TRUE)
    else pmax(apply(abs(groups), 2L, max), 1e-300)
    for (i in seq_len(k)) {
      gap <- (t(groups) - wanted[i, ]) / scale
      cost[, i] <- cost[, i] + colSums(gap^2, na.rm = TRUE)
    }
  }
  order <- integer(k)
  # What holds something chooses first.
  idle <- colSums(abs(cost)) == 0
  for (step in seq_len(k)) {
    open <- cost
    if (any(!idle & order == 0L)) open[, idle] <- Inf
    best <- which(open == min(open), arr.ind = TRUE)[1L, ]
    order[best[[2L]]] <- best[[1L]]
    cost[best[[1L]], ] <- Inf
    cost[, best[[2L]]] <- Inf
  }
  order
}

# The model with nothing held.
release <- function(model) {
  model$latent <- latent_release(model$latent)
  model$family["held"] <- list(NULL)
  model
}

# What is held of either, NA where free.
held_parameters <- function(model) c(latent_held(model$latent, model$k), .subset2(model$family, "held"))

# Which rows of the table of parameters are held.
is_held <- function(fit) {
  values <- lapply(flat_parameters(fit$parameters), function(x) replace(x, TRUE, NA_real_))
  held <- held_parameters(fit)
  for (name in names(held)) values[[name]][] <- held[[name]]
  !is.na(parameter_rows(values, fit_fields(fit))$estimate)
}

# What is held by `fixed`, and by the argument `name` of the family's constructor.
held_by_constructor <- function(held, family, name) {
  said <- family[[name]]
  if (is.null(said)) return(held)
  if (any(held[[name]] != said, na.rm = TRUE)) {
    abort_em("fixed", c(sprintf("`fixed$%s` is said twice: em_%s(%s = %s) holds it too.", name, family$name, name,
                                number(said)),
                        i = "Leave one of the two out."))
  }
  held[[name]] <- family$held[[name]]
  held
}
