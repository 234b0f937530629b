# The contract of a latent structure, R's half; the other is src/latent.h. It says which component each row comes from,
# and which rows belong together. As a family, it is an inert list. These generics are all that the rest of the package
# asks of it:
#
#   latent_bind(latent, data, family)      what it learns of the data before k is known
#   latent_check(latent, k)                what can be said against k; the number of components it implies: latent_k()
#   latent_columns(latent, k)              columns of the responsibilities: the components, and what it adds behind them
#   latent_fields(latent, k)               the sheet of its parameters: see fields.R
#   latent_parameters(latent, start, k, names)   its part of a user's list, or NULL -> complete, in the engine's shapes
#   latent_components_of(latent, given)    how many components its part of a user's list speaks of
#   latent_hold(latent, fixed, k)          its part of `fixed` -> the structure that holds it
#   latent_held(latent, k)                 list of what is held, NA where free, shaped like its parameters; NULL: nothing
#   latent_release(latent)                 with nothing held
#   latent_override(latent, parameters, k) held numbers in their places
#   latent_is_held(latent, k)              is nothing of it estimated?
#   latent_native(latent, k)               what crosses to the core, and latent_native_data(latent, x, data) with the rows
#   latent_starts(latent, items, native, model)  starts that were drawn without it -> its own
#   latent_draws(latent, k, n_start)       how many starts of a kind differ
#   latent_from_partition(latent, parameters, k) parameters of a partition that says nothing of its extra columns
#   latent_start(latent, start, kind, data)      what a user's partition or responsibilities say of extra columns:
#                                          list(start, kind)
#   latent_given(latent, groups, data, k)  a user's partition as responsibilities with a column for each of its own
#   latent_simulate(latent, parameters, n, labels, unit)   the component of each row; unit: their numbers, or NULL
#   latent_unit(latent)                    which rows belong together, as em_mixture(unit = ) has it; NULL: every row is
#                                          by itself. latent_settle(latent, unit): as a fit keeps it
#   latent_split(latent, parameters, j, k), latent_merge(latent, parameters, pair, k)   its parameters of one component
#                                          more (j in two halves), or less
#   latent_is_ordered(latent), latent_names(latent, k)   does it name or number the components itself?
#   latent_is_exchangeable(latent, k)      would it be the same with its components in another order?
#   latent_label(latent)                   what print says behind the number of components
#
# A column behind the components', as noise has, is its own affair: latent_extra_density(), latent_extra_mean(),
# latent_extra_draws(), latent_extra_curve() and latent_extra_rows() tell of it, and do nothing where there is none.

latent_bind <- function(latent, data, family) UseMethod("latent_bind")
latent_check <- function(latent, k) UseMethod("latent_check")
latent_k <- function(latent) UseMethod("latent_k")
latent_columns <- function(latent, k) UseMethod("latent_columns")
latent_fields <- function(latent, k) UseMethod("latent_fields")
latent_parameters <- function(latent, start, k, names = NULL) UseMethod("latent_parameters")
latent_components_of <- function(latent, given) UseMethod("latent_components_of")
latent_hold <- function(latent, fixed, k) UseMethod("latent_hold")
latent_release <- function(latent) UseMethod("latent_release")
latent_held <- function(latent, k) UseMethod("latent_held")
latent_override <- function(latent, parameters, k) UseMethod("latent_override")
latent_is_held <- function(latent, k) UseMethod("latent_is_held")
latent_native <- function(latent, k) UseMethod("latent_native")
latent_native_data <- function(latent, x, data) UseMethod("latent_native_data")
latent_starts <- function(latent, items, native, model) UseMethod("latent_starts")
latent_draws <- function(latent, k, n_start) UseMethod("latent_draws")
latent_from_partition <- function(latent, parameters, k) UseMethod("latent_from_partition")
latent_start <- function(latent, start, kind, data) UseMethod("latent_start")
latent_given <- function(latent, groups, data, k) UseMethod("latent_given")
latent_simulate <- function(latent, parameters, n, labels = NULL, unit = NULL) UseMethod("latent_simulate")
latent_split <- function(latent, parameters, j, k) UseMethod("latent_split")
latent_merge <- function(latent, parameters, pair, k) UseMethod("latent_merge")
latent_unit <- function(latent) UseMethod("latent_unit")
#' @export
latent_unit.default <- function(latent) NULL
latent_settle <- function(latent, unit) UseMethod("latent_settle")
#' @export
latent_settle.default <- function(latent, unit) latent
latent_is_ordered <- function(latent) UseMethod("latent_is_ordered")
latent_names <- function(latent, k) UseMethod("latent_names")
latent_is_exchangeable <- function(latent, k) UseMethod("latent_is_exchangeable")
latent_label <- function(latent) UseMethod("latent_label")

new_em_latent <- function(name, ...) {
  out <- list(name = name, ...)
  class(out) <- c(paste0("em_latent_", name), "em_latent")
  out
}

latent_constructors <- function() list(mixture = em_mixture)

as_em_latent <- function(latent) {
  if (inherits(latent, "em_latent")) return(latent)
  constructors <- latent_constructors()
  for (name in names(constructors)) {
    if (identical(latent, constructors[[name]]) || identical(latent, name)) return(constructors[[name]]())
  }
  abort_em("argument", c(sprintf("`latent` must be a call such as em_mixture(), not %s.", describe_value(latent)),
                         i = latent_habit(latent)))
}

#' @export
print.em_latent <- function(x, ...) {
  check_dots(..., let_pass = print_arguments)
  cat(format(x), "\n", sep = "")
  invisible(x)
}
