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
#   nest    where it is one of several that a person sees in one list: the name of the list, and its own name there.
#           The core calls these "prob.1", "prob.2", ... Lists of a list: the names of all, from the outermost in; by
#           name, "numeric.mean", but for those of a list "prob", which has one for each column
#   levels  what its axis of categories is labelled with
#   of      the variable that all of it belongs to, where it is one of several that has it for itself
#   variables, columns   what its axis of variables is labelled with, and the columns of x that these are; NULL: all
#           that are fitted
new_field <- function(scale, axes, size, term, own = TRUE, zero = FALSE, nest = NULL, levels = NULL) {
  list(scale = scale, axes = axes, size = as.integer(size), term = term, own = own, zero = zero, nest = nest, levels = levels,
       of = nest[2L])
}

# Sheets of one component that most small fits ask for, made once: numbers along a line, and the shares of a mixture.
line_fields <- list(mean = new_field("real", "component", 1L, "mean"), sd = new_field("positive", "component", 1L, "sd"))
share_fields <- list(proportions = new_field("simplex", "column", 1L, "proportion", own = FALSE))

# Lists of parameters: flat, as the core has them and as fields are named; nested, as a person sees them. All that
# reads parameters by the names of fields makes them flat first; name_parameters() nests.
flat_parameters <- function(parameters) {
  parameters <- unclass(parameters)
  for (x in parameters) if (is.list(x) && !inherits(x, "data.frame")) return(flatten_lists(parameters))
  parameters
}

flatten_lists <- function(parameters) {
  pieces <- Map(function(x, name) {
    if (!is.list(x) || inherits(x, "data.frame")) return(stats::setNames(list(x), name))
    by_name <- name != "prob" && !is.null(names(x))
    x <- if (by_name) flat_parameters(x) else unclass(x)
    stats::setNames(x, paste0(name, ".", if (by_name) names(x) else seq_along(x)))
  }, parameters, names(parameters))
  do.call(c, unname(pieces))
}

# Does a person see any of them in a list?
any_nested <- function(fields) {
  for (field in fields) if (!is.null(field$nest)) return(TRUE)
  FALSE
}

# Names of those that are the family's own.
own_names <- function(fields) {
  own <- logical(length(fields))
  for (i in seq_along(fields)) own[i] <- fields[[i]]$own
  names(fields)[own]
}

nest_parameters <- function(parameters, fields) {
  nest_by(parameters, lapply(names(parameters), function(name) {
    if (is.null(fields[[name]]$nest)) name else fields[[name]]$nest
  }))
}

# paths: the names of the lists that each is in, and its own.
nest_by <- function(parameters, paths) {
  first <- vapply(paths, `[`, "", 1L)
  if (all(lengths(paths) == 1L)) return(stats::setNames(parameters, first))
  out <- lapply(unique(first), function(group) {
    own <- which(first == group)
    if (length(paths[[own[1L]]]) == 1L) return(parameters[[own]])
    nest_by(parameters[own], lapply(paths[own], `[`, -1L))
  })
  stats::setNames(out, unique(first))
}

# A user's list, `start` or `fixed` (arg), with its inner lists taken apart; their parts are found by name, and by
# position where they have none.
flatten_given <- function(given, fields, arg) {
  if (!any_nested(fields)) return(unclass(given))
  given <- flatten_blocks(given, fields, arg)
  groups <- unique(unlist(lapply(fields, function(field) if (length(field$nest) == 2L) field$nest[1L])))
  if (!length(groups) || !any(groups %in% names(given))) return(given)
  for (group in intersect(groups, names(given))) {
    own <- names(fields)[vapply(fields, function(field) identical(field$nest[1L], group), NA)]
    labels <- vapply(fields[own], function(field) field$nest[2L], "")
    parts <- pick_parts(given[[group]], group, labels, fields[own], arg)
    given <- c(given[names(given) != group], stats::setNames(parts, own[match(names(parts), labels)]))
  }
  given
}

# Lists of blocks, whose parts have names: "numeric.mean", and "prob.1" of a list in such a list.
flatten_blocks <- function(given, fields, arg) {
  blocks <- unique(unlist(lapply(fields, function(field) if (!is.null(field$variables)) field$nest[1L])))
  given <- unclass(given)
  for (block in intersect(blocks, names(given))) {
    own <- fields[vapply(fields, function(field) identical(field$nest[1L], block), NA)]
    inside <- lapply(own, function(field) {
      replace(field, c("nest", "variables"), list(if (length(field$nest) > 2L) field$nest[-1L], NULL))
    })
    names(inside) <- substring(names(own), nchar(block) + 2L)
    parts <- flatten_given(check_block_list(given[[block]], block, inside, arg), inside, arg)
    given <- c(given[names(given) != block], stats::setNames(parts, paste0(block, ".", names(parts))))
  }
  given
}

check_block_list <- function(x, block, fields, arg) {
  known <- own_first(fields)
  if (!is.list(x) || inherits(x, "data.frame") || is.null(names(x))) {
    abort_slot(arg, c(sprintf("`%s$%s` must be a list with %s, not %s.", arg, block, quoted(known), describe_shape(x)),
                      i = sprintf("%s = list(%s = list(%s = <numbers>))", arg, block, known[1L])))
  }
  unknown <- setdiff(names(x), known)
  if (!length(unknown)) return(x)
  abort_slot(arg, c(sprintf("`%s$%s` can hold %s, not %s.", arg, block, quoted(known), quoted(unknown)),
                    i = did_you_mean(unknown[1L], known)))
}

pick_parts <- function(x, group, labels, fields, arg) {
  example <- fields[[1L]]
  if (!is.list(x) || inherits(x, "data.frame") || is.null(names(x)) && length(x) != length(labels)) {
    abort_slot(arg, c(
      sprintf("`%s$%s` must be a list with a matrix for each of %s, not %s.", arg, group, quoted(labels), describe_shape(x)),
      i = sprintf("%s = list(%s = list(%s = matrix(<numbers>, <components>, %d), ...))", arg, group, code_name(labels[1L]),
                  example$size[2L])
    ))
  }
  if (is.null(names(x))) return(stats::setNames(unclass(x), labels))
  names(x) <- clean_names(names(x))
  strange <- setdiff(names(x), labels)
  if (length(strange)) {
    abort_slot(arg, c(sprintf("`%s$%s` must name columns of the data (%s), not %s.", arg, group, quoted(labels), quoted(strange)),
                      i = did_you_mean(strange[1L], labels)))
  }
  lacking <- setdiff(labels, names(x))
  if (length(lacking) && arg == "start") {
    abort_slot(arg, sprintf("`%s$%s` must have a matrix for each column: %s lack%s.", arg, group, quoted(lacking),
                            if (length(lacking) == 1L) "s" else ""))
  }
  unclass(x)
}

# What a person calls a field: "prob$purpose".
said_name <- function(name, field) {
  nest <- field$nest
  if (is.null(nest)) name else paste(c(nest[1L], vapply(nest[-1L], code_name, "")), collapse = "$")
}

model_fields <- function(model, data) {
  c(latent_fields(model$latent, model$k), family_fields(model$family, model$k, data))
}

fit_fields <- function(fit) model_fields(fit, fit$data)

# The sheet of one component for k: what the latent structure adds behind the components stays as it is.
resize_fields <- function(fields, k) {
  more <- as.integer(k) - 1L
  if (more == 0L) return(fields)
  for (i in seq_along(fields)) {
    field <- fields[[i]]
    field$size <- field$size + more * (match(field$axes, component_axes, 0L) > 0L)
    fields[[i]] <- field
  }
  fields
}

# The axes along which components lie.
component_axes <- c("component", "column", "state")

# What the axes of a model's fields are labelled with: noise is the last column.
sheet_labels <- function(model, components, data, columns = latent_columns(model$latent, model$k)) {
  list(component = components, state = components, column = c(components, "noise")[seq_len(columns)],
       variable = fitted_names(data))
}

name_parameters <- function(parameters, fields, labels) {
  for (name in names(fields)) {
    field <- fields[[name]]
    x <- parameters[[name]]
    axes <- field$axes
    if (length(axes) == 1L) {
      names(x) <- labels[[axes]]
    } else {
      along <- labels[axes]
      names(along) <- NULL
      if (!is.null(field$levels)) along[axes == "category"] <- list(field$levels)
      if (!is.null(field$variables)) along[axes == "variable"] <- list(field$variables)
      dimnames(x) <- along
    }
    parameters[[name]] <- x
  }
  if (any_nested(fields)) nest_parameters(parameters, fields) else parameters
}

# Components in another order, along every axis that runs along them; what noise adds stays behind them.
permute_components <- function(parameters, fields, order) {
  parameters <- flat_parameters(parameters)
  if (identical(order, seq_along(order))) return(parameters)
  for (name in names(fields)) {
    field <- fields[[name]]
    index <- list(TRUE, TRUE, TRUE)
    for (at in seq_along(field$axes)) {
      index[[at]] <- switch(field$axes[at], component = , state = order,
                            column = c(order, seq_len(field$size[at])[-seq_along(order)]), TRUE)
    }
    x <- parameters[[name]]
    parameters[[name]] <- switch(length(field$axes), x[index[[1L]]], x[index[[1L]], index[[2L]], drop = FALSE],
                                 x[index[[1L]], index[[2L]], index[[3L]], drop = FALSE])
  }
  parameters
}

# One row of numbers for each component (of k; what noise adds is left out).
as_rows <- function(x, field, k) {
  at <- match(TRUE, field$axes %in% component_axes)
  if (length(field$axes) == 1L) return(matrix(x[seq_len(k)], k))
  matrix(aperm(array(x, field$size), c(at, seq_along(field$axes)[-at])), nrow = k)
}

# The same of all parameters that are the family's own.
own_rows <- function(parameters, fields, k) {
  parameters <- flat_parameters(parameters)
  do.call(cbind, lapply(own_names(fields), function(name) as_rows(parameters[[name]], fields[[name]], k)))
}

# Names of the parameters as messages tell them: the family's own, then the latent structure's.
own_first <- function(fields) {
  own <- vapply(fields, `[[`, NA, "own")
  names <- vapply(names(fields), function(name) c(fields[[name]]$nest, name)[1L], "", USE.NAMES = FALSE)
  unique(c(names[own], names[!own]))
}

# How many components a user's list, made flat, speaks of, NULL where it does not say; the latent structure's part may
# count what is no component, so it says least.
components_of <- function(given, fields, latent) {
  for (name in names(fields)) {
    x <- given[[name]]
    if (is.null(x)) next
    field <- fields[[name]]
    if (!field$own || field$scale == "covariance" && length(dim(x)) == 2L) next
    at <- match("component", field$axes)
    if (length(field$axes) == 1L) return(length(x))
    if (length(dim(x)) == length(field$axes)) return(dim(x)[at])
  }
  said <- latent_components_of(latent, given)
  if (!is.null(said)) return(said)
  if (is.null(given[[own_names(fields)[1L]]])) NULL else 1L
}

# Numbers as the core packs them -> a list of parameters shaped like another.
unpack_parameters <- function(packed, like) {
  like <- flat_parameters(like)
  before <- 0L
  for (name in names(like)) {
    size <- length(like[[name]])
    x <- packed[before + seq_len(size)]
    dim(x) <- dim(like[[name]])
    like[[name]] <- x
    before <- before + size
  }
  attributes(like) <- list(names = names(like))
  like
}

# All parameters in long form: component, term, variable, variable2 (of a covariance, the second), estimate; and of
# each row the scale it lives on, whether it is the family's own, and whether it may be 0 though positive.
parameter_rows <- function(parameters, fields) {
  parameters <- flat_parameters(parameters)
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
  if (identical(field$axes, c("state", "state"))) {
    labels <- list(paste(labels[[1L]][at[, 1L]], labels[[2L]][at[, 2L]], sep = ","))
    at <- cbind(seq_along(x))
  }
  along <- function(axis) if (axis <= ncol(at)) labels[[axis]][at[, axis]] else rep(NA_character_, length(x))
  owned <- !is.null(field$of)
  data.frame(component = along(1L), variable = if (owned) rep(field$of, length(x)) else along(2L),
             variable2 = along(if (owned) 2L else 3L), estimate = as.vector(unname(x)),
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
  if (is.null(own) && !is.null(field$levels)) own <- list(NULL, field$levels)
  Map(function(axis, size, labels) {
    if (!is.null(labels)) labels else paste0(if (axis == "variable") "x", seq_len(size))
  }, field$axes, field$size, if (is.null(own)) list(NULL) else own)
}

# Where the core keeps each row of the table of parameters.
packed_positions <- function(parameters, fields) {
  parameters <- flat_parameters(parameters)
  before <- 0L
  for (name in names(fields)) {
    size <- length(parameters[[name]])
    parameters[[name]][] <- before + seq_len(size)
    before <- before + size
  }
  parameter_rows(parameters, fields)$estimate
}
