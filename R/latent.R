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
#   latent_native(latent, k)               what crosses to the core; with the rows goes their density as noise
#   latent_starts(latent, items, native, model)  starts that were drawn without it -> its own
#   latent_draws(latent, k, n_start)       how many starts of a kind differ
#   latent_from_partition(latent, parameters, k) parameters of a partition that says nothing of its extra columns
#   latent_start(latent, start, kind, data)      what a user's partition or responsibilities say of extra columns:
#                                          list(start, kind)
#   latent_given(latent, groups, data, k)  a user's partition as responsibilities with a column for each of its own
#   latent_simulate(latent, parameters, n, labels, units)   the component of each row; units: their numbers, or NULL
#   latent_unit(latent)                    which rows belong together: the name of a column, a formula, a value for each
#                                          row, one_unit, or TRUE where the data alone know; NULL: every row is by itself.
#                                          See units.R. latent_settle(latent, units): as a fit keeps it
#   latent_split(latent, parameters, j, k), latent_merge(latent, parameters, pair, k)   its parameters of one component
#                                          more (j in two halves), or less
#   latent_is_ordered(latent), latent_names(latent, k)   does it name or number the components itself?
#   latent_is_exchangeable(latent, k)      would it be the same with its components in another order?
#   latent_label(latent)                   what print says behind the number of components
#
# Those below have a default, that of rows that are by themselves:
#   latent_keeps_order(latent)             are the rows of a unit its steps, in their order?
#   latent_assigns(latent)                 can algorithms that give each row to one component be had?
#   latent_shares(latent, parameters, counts)   the share of the rows that each column has
#   latent_title(latent, label, k), latent_rows_label(latent, data), latent_lines(latent, fit)   of print: its first line,
#                                          what is said behind the number of rows, and lines below the table
#   latent_weights(), latent_log_top(), latent_answer(), latent_forecast()   see there
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
latent_starts <- function(latent, items, native, model) UseMethod("latent_starts")
latent_draws <- function(latent, k, n_start) UseMethod("latent_draws")
latent_from_partition <- function(latent, parameters, k) UseMethod("latent_from_partition")
latent_start <- function(latent, start, kind, data) UseMethod("latent_start")
latent_given <- function(latent, groups, data, k) UseMethod("latent_given")
latent_simulate <- function(latent, parameters, n, labels = NULL, units = NULL) UseMethod("latent_simulate")
latent_split <- function(latent, parameters, j, k) UseMethod("latent_split")
latent_merge <- function(latent, parameters, pair, k) UseMethod("latent_merge")
latent_unit <- function(latent) UseMethod("latent_unit")
#' @export
latent_unit.default <- function(latent) NULL
latent_settle <- function(latent, units) if (is.null(units)) latent else UseMethod("latent_settle")
#' @export
latent_settle.default <- function(latent, units) latent
latent_is_ordered <- function(latent) UseMethod("latent_is_ordered")
latent_names <- function(latent, k) UseMethod("latent_names")
latent_is_exchangeable <- function(latent, k) UseMethod("latent_is_exchangeable")
latent_label <- function(latent) UseMethod("latent_label")

# Can its rows be given to components one by one, as classification EM and stochastic EM do?
latent_assigns <- function(latent) UseMethod("latent_assigns")
#' @export
latent_assigns.default <- function(latent) FALSE
latent_keeps_order <- function(latent) UseMethod("latent_keeps_order")
#' @export
latent_keeps_order.default <- function(latent) FALSE
latent_shares <- function(latent, parameters, counts = NULL) UseMethod("latent_shares")
#' @export
latent_shares.default <- function(latent, parameters, counts = NULL) parameters$proportions
latent_title <- function(latent, label, k) UseMethod("latent_title")
#' @export
latent_title.default <- function(latent, label, k) paste0(label$title, ": ", plural(k, "component"), latent_label(latent))
# Many models, and what their components are called.
latent_models <- function(latent, label) UseMethod("latent_models")
#' @export
latent_models.default <- function(latent, label) c(paste0(label$title, "s"), "components")
latent_rows_label <- function(latent, data) UseMethod("latent_rows_label")
#' @export
latent_rows_label.default <- function(latent, data) NULL
latent_lines <- function(latent, fit) UseMethod("latent_lines")
#' @export
latent_lines.default <- function(latent, fit) NULL

# Why rows that come in chunks can't be fitted by it; NULL where they can.
latent_against_chunks <- function(latent) UseMethod("latent_against_chunks")
#' @export
latent_against_chunks.default <- function(latent) NULL
# Of rows in chunks: the name of the column that says which belong together, TRUE where all do, NULL where each is by itself.
latent_rows_together <- function(latent) UseMethod("latent_rows_together")
#' @export
latent_rows_together.default <- function(latent) NULL

# Of a fit: as estimated. With them among its parameters, for what draws or merges components.
shares_of <- function(fit) latent_shares(fit$latent, fit$parameters, fit$counts)
with_shares <- function(parameters, latent, counts = NULL) {
  if (is.null(parameters$proportions)) parameters$proportions <- latent_shares(latent, parameters, counts)
  parameters
}
# The shares of the components in the law of each row, given all other rows: n x k.
latent_weights <- function(latent, fit) UseMethod("latent_weights")
#' @export
latent_weights.default <- function(latent, fit) {
  matrix(shares_of(fit)[seq_len(fit$k)], fit$data$n, fit$k, byrow = TRUE)
}
# The shares of the columns in the law of a row of which nothing else is known, as densities have it.
latent_mixture <- function(latent, fit) UseMethod("latent_mixture")
#' @export
latent_mixture.default <- function(latent, fit) shares_of(fit)
# The logarithm of the probability of the most probable components of all rows, given the rows.
latent_log_top <- function(latent, model, data, parameters) UseMethod("latent_log_top")
#' @export
latent_log_top.default <- function(latent, model, data, parameters) NULL
# Pictures that only it has, the default first.
latent_plots <- function(latent) UseMethod("latent_plots")
#' @export
latent_plots.default <- function(latent) character()
# What em_estep() gives beside responsibilities.
latent_estep <- function(latent, parameters, step, data, model) UseMethod("latent_estep")
#' @export
latent_estep.default <- function(latent, parameters, step, data, model) NULL
# Answers of predict() that are not about rows by themselves.
latent_answer <- function(latent, fit, data, type) UseMethod("latent_answer")
#' @export
latent_answer.default <- function(latent, fit, data, type) {
  abort_em("unsupported", c(sprintf("predict(type = \"%s\") is for rows that follow each other.", type),
                            i = "Fit a chain, with latent = em_markov(), or use type = \"class\" and \"prob\"."))
}
latent_forecast <- function(latent, fit, data, n, type) UseMethod("latent_forecast")
#' @export
latent_forecast.default <- function(latent, fit, data, n, type) {
  abort_em("unsupported", c("`n.ahead` is for rows that follow each other.",
                            i = "Fit a chain, with latent = em_markov()."))
}

# Structures that are fitted in a way of their own, from their own kind of data, answer here for em_fit(), em_select(),
# em_estep() and em_mstep(); NULL: in the way of all others. `asked` has the arguments of the call, NULL for a family that
# is not given; `of`: what em_estep() or em_mstep() were given as parameters.
latent_fit <- function(latent, x, asked) UseMethod("latent_fit")
#' @export
latent_fit.default <- function(latent, x, asked) NULL
latent_select <- function(latent, x, asked) UseMethod("latent_select")
#' @export
latent_select.default <- function(latent, x, asked) NULL
latent_step <- function(latent, x, of, expected = NULL) UseMethod("latent_step")
#' @export
latent_step.default <- function(latent, x, of, expected = NULL) NULL
# Does a reader of fits, such as "em_impute()", serve one of this structure? An error where it doesn't.
latent_serves <- function(latent, reader) UseMethod("latent_serves")
#' @export
latent_serves.default <- function(latent, reader) invisible()

new_em_latent <- function(name, ...) {
  out <- list(name = name, ...)
  class(out) <- c(paste0("em_latent_", name), "em_latent")
  out
}

latent_constructors <- function() list(mixture = em_mixture, markov = em_markov, topics = em_topics)

as_em_latent <- function(latent) {
  if (inherits(latent, "em_latent")) return(latent)
  constructors <- latent_constructors()
  for (name in names(constructors)) {
    if (identical(latent, constructors[[name]]) || identical(latent, name)) return(constructors[[name]]())
  }
  abort_em("argument", c(sprintf("`latent` must be a call of em_mixture(), em_markov() or em_topics(), not %s.",
                                 describe_value(latent)),
                         i = latent_habit(latent)))
}

#' @export
print.em_latent <- function(x, ...) {
  check_dots(..., let_pass = print_arguments)
  cat(format(x), "\n", sep = "")
  invisible(x)
}
