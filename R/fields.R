# The sheet: every parameter of a model described once, as src/fields.h describes it to the core. All that moves
# parameters about (names, order of components, tables, paths, what is held, intervals) reads it and no name.
#
#   family_fields(family, k, data), latent_fields(latent, k)   named lists of fields, in the order of the core
#   model_fields(model, data)                                  the latent structure's, then the family's
#
# A field says
#   scale   the set its numbers live in: "real", "positive", "unit" (from 0 to 1), "simplex" (0 or more, with sum one
#           along the last axis), "covariance" (d x d matrices)
#   axes    what each of its dimensions runs along: "component", "column" (a component, or noise), "variable",
#           "category", "state" (a component too, that others are reached from)
#   size    the length of each
#   term    what one of its numbers is called in tables
#   own     does it belong to the family, and not to the latent structure?
#   zero    of a positive one, may it be 0?
new_field <- function(scale, axes, size, term, own = TRUE, zero = FALSE) {
  list(scale = scale, axes = axes, size = as.integer(size), term = term, own = own, zero = zero)
}

model_fields <- function(model, data) {
  c(latent_fields(model$latent, model$k), family_fields(model$family, model$k, data))
}

fit_fields <- function(fit) model_fields(fit, fit$data)

# What the axes of a model's fields are labelled with: noise is the last column.
sheet_labels <- function(model, components, data) {
  columns <- c(components, "noise")[seq_len(latent_columns(model$latent, model$k))]
  list(component = components, state = components, column = columns, variable = fitted_names(data),
       category = data$levels)
}

name_parameters <- function(parameters, fields, labels) {
  for (name in names(fields)) {
    along <- unname(labels[fields[[name]]$axes])
    if (length(along) == 1L) names(parameters[[name]]) <- along[[1L]]
    else dimnames(parameters[[name]]) <- along
  }
  parameters
}

# Components in another order, along every axis that runs along them; what noise adds stays behind them.
permute_components <- function(parameters, fields, order) {
  for (name in names(fields)) {
    field <- fields[[name]]
    index <- Map(function(axis, size) {
      switch(axis, component = , state = order, column = c(order, seq_len(size)[-seq_along(order)]), TRUE)
    }, field$axes, field$size)
    parameters[[name]] <- do.call(`[`, c(list(parameters[[name]]), unname(index), list(drop = FALSE)))
  }
  parameters
}

# One row of numbers for each component (of k; what noise adds is left out).
as_rows <- function(x, field, k) {
  at <- match(TRUE, field$axes %in% c("component", "column", "state"))
  if (length(field$axes) == 1L) return(matrix(x[seq_len(k)], k))
  matrix(aperm(array(x, field$size), c(at, seq_along(field$axes)[-at])), nrow = k)
}

# The same of all parameters that are the family's own.
own_rows <- function(parameters, fields, k) {
  own <- names(fields)[vapply(fields, `[[`, NA, "own")]
  do.call(cbind, lapply(own, function(name) as_rows(parameters[[name]], fields[[name]], k)))
}

# Names of the parameters as messages tell them: the family's own, then the latent structure's.
own_first <- function(fields) {
  own <- vapply(fields, `[[`, NA, "own")
  c(names(fields)[own], names(fields)[!own])
}

# How many components a user's list speaks of, NULL where it does not say; the latent structure's part may count what
# is no component, so it says least.
components_of <- function(given, fields, latent) {
  for (name in names(fields)) {
    x <- given[[name]]
    field <- fields[[name]]
    if (is.null(x) || !field$own || field$scale == "covariance" && length(dim(x)) == 2L) next
    at <- match("component", field$axes)
    if (length(field$axes) == 1L) return(length(x))
    if (length(dim(x)) == length(field$axes)) return(dim(x)[at])
  }
  said <- latent_components_of(latent, given)
  if (!is.null(said)) return(said)
  if (is.null(given[[own_first(fields)[1L]]])) NULL else 1L
}

# Numbers as the core packs them -> a list of parameters shaped like another.
unpack_parameters <- function(packed, like) {
  pieces <- split(packed, factor(rep(names(like), lengths(like)), levels = names(like)))
  for (name in names(like)) dim(pieces[[name]]) <- dim(like[[name]])
  pieces
}

# All parameters in long form: component, term, variable, variable2 (of a covariance, the second), estimate; and of
# each row the scale it lives on, whether it is the family's own, and whether it may be 0 though positive.
parameter_rows <- function(parameters, fields) {
  rows <- lapply(names(fields), function(name) {
    field <- fields[[name]]
    x <- parameters[[name]]
    table <- if (field$scale == "covariance") covariance_rows(x, field) else plain_rows(x, field)
    data.frame(table[1L], term = rep(field$term, nrow(table)), table[-1L], own = rep(field$own, nrow(table)),
               zero = rep(field$zero, nrow(table)))
  })
  do.call(rbind, rows)
}

# The columns of it that are shown.
parameter_table <- function(parameters, fields) {
  parameter_rows(parameters, fields)[c("component", "term", "variable", "variable2", "estimate")]
}

plain_rows <- function(x, field) {
  labels <- field_labels(x, field)
  at <- arrayInd(seq_along(x), field$size)
  along <- function(axis) if (axis <= ncol(at)) labels[[axis]][at[, axis]] else rep(NA_character_, length(x))
  data.frame(component = along(1L), variable = along(2L), variable2 = along(3L), estimate = as.vector(unname(x)),
             scale = rep(field$scale, length(x)))
}

# Every variance and covariance once, component after component.
covariance_rows <- function(x, field) {
  labels <- field_labels(x, field)
  d <- field$size[1L]
  k <- field$size[3L]
  at <- which(lower.tri(diag(d), diag = TRUE), arr.ind = TRUE)
  data.frame(component = rep(labels[[3L]], each = nrow(at)), variable = rep(labels[[1L]][at[, 2L]], k),
             variable2 = rep(labels[[1L]][at[, 1L]], k), estimate = as.vector(apply(x, 3L, function(sigma) sigma[at])),
             scale = rep(ifelse(at[, 1L] == at[, 2L], "positive", "real"), k))
}

# Labels along each axis: the parameter's own, else numbers.
field_labels <- function(x, field) {
  own <- if (length(field$axes) == 1L) list(names(x)) else dimnames(x)
  Map(function(axis, size, labels) {
    if (!is.null(labels)) labels else paste0(if (axis == "variable") "x", seq_len(size))
  }, field$axes, field$size, if (is.null(own)) list(NULL) else own)
}

# Where the core keeps each row of the table of parameters.
packed_positions <- function(parameters, fields) {
  before <- 0L
  for (name in names(fields)) {
    size <- length(parameters[[name]])
    parameters[[name]][] <- before + seq_len(size)
    before <- before + size
  }
  parameter_rows(parameters, fields)$estimate
}
