# The contract of a family, R's half: what a component looks like to a person. The other half, density and
# M-step, is src/family.h. A family object is inert: a list with a `name`, the class em_family_<name>, and what
# its constructor was told. These generics are all that the rest of the package asks of it:
#
#   family_data(family, frame)             a frame of user columns -> list(x = the matrix C++ reads, ...)
#   family_fields(family, k, data)         the sheet of its parameters: see fields.R
#   family_check(family, data, k, estimated)   what can be said against data and k before a run; estimated: are
#                                          the components' parameters to be estimated, or are they given?
#   family_parameters(family, start, k, data, fields)   a user's list, its types checked -> complete parameters in the
#                                          engine's shapes; fields: their sheet
#   family_held(family, fixed, k, data)    a user's list of what is held, NA where free -> the same
#   family_label(family, data)             "Gaussian mixture", ... for print
#   family_summary(family, parameters, data)    one row of plain numbers for each component, for print and tidy
#   family_means(family, parameters, data) expected value of every row under each component: n x d x k, or 1 x d x k where
#                                          it is the same for all rows
#   family_simulate(family, parameters, component, data)   new rows in the user's columns
#   family_observed(family, data)          the rows as fitted() and residuals() speak of them: n x d
#   family_order(family, parameters)       what ties between equal proportions are broken by
#   family_split(family, parameters, j)    component j taken apart into two: parameters of one component more
#   family_frame(family, x, arg, by, old)  what a user gave -> a frame: numbers, and what they stand for (see em-data.R)
#   family_given_columns(family, data)     the numbers of the frame that family_data() made data of
#   family_numbers(family, rows, data)     rows as simulated -> numbers as data has them
#   family_variables(family)               names of columns that the family reads beside those that are fitted
#   family_with(family, beside)            with what was said beside new rows: see said_beside()
#   family_of_rows(family, rows, n)        of some of the n rows, where it has something for each row
#   family_of_others(family, n)            of n other rows; an error where it has something for each row

family_data <- function(family, frame, ...) UseMethod("family_data")
family_fields <- function(family, k, data) UseMethod("family_fields")
family_check <- function(family, data, k, estimated = TRUE) UseMethod("family_check")
family_parameters <- function(family, start, k, data, fields = family_fields(family, k, data)) {
  UseMethod("family_parameters")
}
#' @export
family_parameters.default <- function(family, start, k, data, fields = family_fields(family, k, data)) {
  read_fields(start, fields, fitted_names(data), "start")
}
family_held <- function(family, fixed, k, data) UseMethod("family_held")
#' @export
family_held.default <- function(family, fixed, k, data) {
  read_fields(fixed, family_fields(family, k, data), fitted_names(data), "fixed")
}
# Can it hold what `held` of the family says?
family_check_held <- function(family, k, data) UseMethod("family_check_held")
#' @export
family_check_held.default <- function(family, k, data) invisible()
family_label <- function(family, ...) UseMethod("family_label")
family_summary <- function(family, parameters, data) UseMethod("family_summary")
family_means <- function(family, parameters, data) UseMethod("family_means")
family_simulate <- function(family, parameters, component, data) UseMethod("family_simulate")
family_observed <- function(family, data) UseMethod("family_observed")
family_order <- function(family, parameters) UseMethod("family_order")
family_split <- function(family, parameters, j) UseMethod("family_split")

# As family_summary(), in all columns that tidy() has.
family_columns <- function(family, parameters, data) UseMethod("family_columns")
#' @export
family_columns.default <- function(family, parameters, data) family_summary(family, parameters, data)

# The columns of family_summary() by their kinds, which print puts below each other where a line has no room for all; NULL:
# they are of one kind.
family_groups <- function(family) UseMethod("family_groups")
family_groups.default <- function(family) NULL

# What print says of the rows, behind their number.
family_rows <- function(family, data) UseMethod("family_rows")
#' @export
family_rows.default <- function(family, data) plural(length(family_responses(family, data)), "variable")

# Which of several structures this is, where the family has such.
family_structure <- function(family) UseMethod("family_structure")
#' @export
family_structure.default <- function(family) NA_character_

# Pictures: the types that can be drawn, the default first; the names of the columns that have a distribution; one number
# for each row where one says all, list(x, name, and of counts `label` of each row and `rows`, what labels say); density
# ("density") or distribution function ("cdf") of each component along a column: length(x) x k; what type = "path" and
# em_animate() draw.
family_plots <- function(family, data) UseMethod("family_plots")
#' @export
family_plots.default <- function(family, data) "trace"

# The fit as a picture of a type sees it that shows these variables (NULL: the first that suit); where it is of some columns
# alone, `whole` is the fit that they are of. And the lines of type = "profile": see profile_cells().
family_view <- function(family, fit, type, variables = NULL) UseMethod("family_view")
family_view.default <- function(family, fit, type, variables = NULL) fit
family_profile_cells <- function(family, fit) UseMethod("family_profile_cells")
family_profile_cells.default <- function(family, fit) profile_cells(fit)
whole_fit <- function(fit) if (is.null(fit$whole)) fit else fit$whole

family_responses <- function(family, data) UseMethod("family_responses")
#' @export
family_responses.default <- function(family, data) variable_names(data)

family_is_discrete <- function(family) UseMethod("family_is_discrete")
#' @export
family_is_discrete.default <- function(family) FALSE

family_line <- function(family, data) UseMethod("family_line")
#' @export
family_line.default <- function(family, data) NULL

family_distribution <- function(family, parameters, x, column, what, data) UseMethod("family_distribution")
#' @export
family_distribution.default <- function(family, parameters, x, column, what, data) {
  abort_em("unsupported", c(
    sprintf("Values of %s components have no distribution function.", family$name),
    i = "residuals(fit) has what is observed less what is expected."
  ))
}

# The cells g of rows given their cells o, under component j: list(mean, draw(), ...). Absent: there is nothing to say.
family_conditional <- function(family, parameters, x, o, g, j) UseMethod("family_conditional")

# How em_impute() can fill in gaps, the default first: by expected values ("mean"), by draws ("draw"); NULL: it can't.
# What it filled in, as columns of the user's.
family_fills <- function(family) UseMethod("family_fills")
family_fills.default <- function(family) if (family_can(family, "conditional")) c("mean", "draw")
family_filled <- function(family, filled, data) UseMethod("family_filled")
family_filled.default <- function(family, filled, data) columns_of(filled)

# Has it a method for one of those that need not be there?
family_can <- function(family, what) {
  has <- function(class) {
    !is.null(utils::getS3method(paste0("family_", what), class, optional = TRUE, envir = asNamespace("emfit")))
  }
  any(vapply(class(family), has, NA))
}

# What crosses to the core. Does the core know its derivatives? Where not, there is no acceleration, and standard errors
# come from differences. Starts of its own for a method, as em_start_cpp() gives them, or NULL. What is to be said where
# the log-likelihood falls, NULL: that it can't. Why a component has no density at these parameters, and why it
# found none.
family_native <- function(family, k) UseMethod("family_native")
#' @export
family_native.default <- function(family, k) c(unclass(family), k = k)
family_has_score <- function(family) UseMethod("family_has_score")
#' @export
family_has_score.default <- function(family) TRUE
# Do its means, and nothing else, move with the data's origin?
family_shifts <- function(family) UseMethod("family_shifts")
#' @export
family_shifts.default <- function(family) FALSE
family_starts <- function(family, x, k, method, n_start) UseMethod("family_starts")
#' @export
family_starts.default <- function(family, x, k, method, n_start) NULL
family_no_density <- function(family, parameters) UseMethod("family_no_density")
#' @export
family_no_density.default <- function(family, parameters) {
  if (is.null(parameters$sd)) "its covariance is not positive definite" else "its standard deviation is 0 or no number"
}
family_too_few <- function(family) UseMethod("family_too_few")
#' @export
family_too_few.default <- function(family) "has too few rows for its covariance"
family_fall <- function(family) UseMethod("family_fall")
#' @export
family_fall.default <- function(family) NULL

family_path <- function(family, fit, path, chosen, variables) UseMethod("family_path")

family_scene <- function(family, fit, states, chosen, variables) UseMethod("family_scene")
#' @export
family_scene.default <- function(family, fit, states, chosen, variables) {
  abort_em("unsupported", sprintf("em_animate() can't draw %s components.", family$name))
}

# May noise, a constant density over a box, stand beside its components?
family_allows_noise <- function(family) UseMethod("family_allows_noise")
#' @export
family_allows_noise.default <- function(family) FALSE
# Why not, in words, or NULL.
family_without_box <- function(family) UseMethod("family_without_box")
family_without_box.default <- function(family) {
  if (family_is_discrete(family)) boxes_are_of_numbers
}
boxes_are_of_numbers <- "It is constant over a box of numbers, and counts and categories have none."

# Do distinct rows with their summed weights say all that equal rows say?
family_tallies <- function(family) UseMethod("family_tallies")
#' @export
family_tallies.default <- function(family) FALSE

# Can its rows come in chunks, a part bound after the other? Must all levels of its columns be known before any row is?
family_takes_chunks <- function(family) UseMethod("family_takes_chunks")
#' @export
family_takes_chunks.default <- function(family) TRUE
family_needs_levels <- function(family) UseMethod("family_needs_levels")
#' @export
family_needs_levels.default <- function(family) FALSE

# Are there families, of other structures, that one pass over the rows gives an M-step each?
family_has_relatives <- function(family) UseMethod("family_has_relatives")
#' @export
family_has_relatives.default <- function(family) FALSE

# What may have gone wrong with the data where components come out empty or alike: a sentence, or NULL.
family_hint <- function(family, data) UseMethod("family_hint")
family_hint.default <- function(family, data) NULL

# `old`: the data of the fit that the rows are for. The default takes numbers alone.
family_frame <- function(family, x, arg = "x", by = frame_by(arg), old = NULL, logical_ok = !is.null(old)) {
  UseMethod("family_frame")
}
#' @export
family_frame.default <- function(family, x, arg = "x", by = frame_by(arg), old = NULL, logical_ok = !is.null(old)) {
  as_frame(x, logical_ok, arg, by)
}
frame_by <- function(arg) if (arg == "newdata") "newdata" else "columns"

# Does it take a column of this class? Errors name the families that do.
family_accepts <- function(family, column) UseMethod("family_accepts")
#' @export
family_accepts.default <- function(family, column) is.numeric(column)

family_given_columns <- function(family, data) UseMethod("family_given_columns")
family_given_columns.default <- function(family, data) data$x
family_numbers <- function(family, rows, data) UseMethod("family_numbers")
family_numbers.default <- function(family, rows, data) unname(as.matrix(rows))

# What is against predicting one column from others.
family_check_response <- function(family) UseMethod("family_check_response")
family_check_response.default <- function(family) invisible()

# Lines that print adds below the criteria, and tables that summary() adds.
family_remarks <- function(family, fit) UseMethod("family_remarks")
family_remarks.default <- function(family, fit) NULL
family_print_more <- function(family, fit, digits) UseMethod("family_print_more")
family_print_more.default <- function(family, fit, digits) invisible()

# What a fit warns of when it is made.
family_warn <- function(family, fit) UseMethod("family_warn")
family_warn.default <- function(family, fit) invisible()

# Residuals of another type than those of the rows.
family_residuals <- function(family, fit, type) UseMethod("family_residuals")
family_residuals.default <- function(family, fit, type) {
  abort_em("unsupported", sprintf("There are no residuals of type \"%s\" for %s components.", type, family$name))
}
# The log-likelihood of the table of all rows, and what is against asking for it.
family_saturated <- function(family, data) UseMethod("family_saturated")
family_check_saturated <- function(family, fit) UseMethod("family_check_saturated")
family_check_saturated.default <- function(family, fit) {
  abort_em("unsupported", c(sprintf("Rows of %s components are no table of cells to compare the fit with.", family$name),
                            i = "em_lrt(fit) compares it with one component more."))
}

# What is to be said of data once, before a fit.
family_tell <- function(family, data) UseMethod("family_tell")
family_tell.default <- function(family, data) invisible()
tell_of_data <- function(data, family) {
  if (!is.null(data$missing)) tell_missing(data)
  family_tell(family, data)
}

family_variables <- function(family) UseMethod("family_variables")
family_variables.default <- function(family) character()
family_of_rows <- function(family, rows, n) UseMethod("family_of_rows")
family_of_rows.default <- function(family, rows, n) family
# What `name` of it says, where it says a number for each of n rows.
with_numbers_of_rows <- function(family, name, rows, n) {
  if (n > 1L && length(family[[name]]) == n) family[[name]] <- family[[name]][rows]
  family
}
family_of_others <- function(family, n) UseMethod("family_of_others")
family_of_others.default <- function(family, n) family
family_with <- function(family, beside) UseMethod("family_with")
family_with.default <- function(family, beside) {
  if (!length(beside)) return(family)
  what <- names(beside)[1L]
  abort_em("argument", sprintf("`%s` can't be given: %s components have no %s.", what, family$name,
                               words_beside[[what]]))
}

# Numbers that belong to rows beside their columns, under the names of the arguments that say them; those that were said.
words_beside <- c(size = "trials", exposure = "exposure")
said_beside <- function(size = NULL, exposure = NULL) {
  all <- list(size = size, exposure = exposure)
  all[!vapply(all, is.null, NA)]
}

# What a row lacks that says nothing and does not count.
family_lacks <- function(family) UseMethod("family_lacks")
#' @export
family_lacks.default <- function(family) "information"

# May the formula have an offset, the logarithm of what multiplies a mean?
family_takes_offset <- function(family) UseMethod("family_takes_offset")
#' @export
family_takes_offset.default <- function(family) FALSE

# Of type = "counts": list(variable, bars, curves).
# Of counts with exposure: the probability of up to so many of a column under component j, for exposures e.
family_cumulative <- function(family, parameters, upper, e, j, column) UseMethod("family_cumulative")
family_counts <- function(family, fit, bins, variable) UseMethod("family_counts")

# Parameters with one component less, for those `most` pairs merged that lose least by it: list(pair, parameters) each.
family_merges <- function(family, parameters, most) UseMethod("family_merges")
family_merges.default <- function(family, parameters, most) list()

# The structure that asks less of the data than this one, or NULL where none does.
family_simpler <- function(family) UseMethod("family_simpler")
#' @export
family_simpler.default <- function(family) NULL

# Structures of a family: those that `covariance` of em_select() asks for, a family each; the call that makes one; is one
# a special case of another; the one that one pass over the rows serves all of; does it compare columns with each other?
family_structures <- function(family, covariance, data) UseMethod("family_structures")
#' @export
family_structures.default <- function(family, covariance, data) {
  if (identical(covariance, "all")) return(list(family))
  abort_em("argument", sprintf("`covariance` must be left out: %s components have none.", family$name))
}
family_call <- function(family, call) UseMethod("family_call")
#' @export
family_call.default <- function(family, call) call
family_is_nested <- function(family, within) UseMethod("family_is_nested")
#' @export
family_is_nested.default <- function(family, within) FALSE
family_freest <- function(family, x) UseMethod("family_freest")
family_compares_columns <- function(family, data) UseMethod("family_compares_columns")
#' @export
family_compares_columns.default <- function(family, data) FALSE

# What em_diagnose() asks: have the columns units, so that digits can be lost; can a component shrink onto points; do
# rows with missing cells count by those they have; how many rows a component needs for what it has of its own; and a
# finding on identifiability, NULL for the common one of rows by parameter.
family_has_units <- function(family) UseMethod("family_has_units")
#' @export
family_has_units.default <- function(family) FALSE
family_can_collapse <- function(family) UseMethod("family_can_collapse")
#' @export
family_can_collapse.default <- function(family) FALSE
# What keeps components from shrinking onto points: words for a remedy, or NULL.
family_steadier <- function(family) UseMethod("family_steadier")
#' @export
family_steadier.default <- function(family) if (family_can_collapse(family)) "a prior, em_gaussian(prior = em_prior())"
# What a component on too few rows has none of.
family_spread_word <- function(family) UseMethod("family_spread_word")
#' @export
family_spread_word.default <- function(family) if (family_can_collapse(family)) "covariance" else "density"
# Is its likelihood bounded, so that a lone row is a maximum like any other?
family_is_bounded <- function(family) UseMethod("family_is_bounded")
#' @export
family_is_bounded.default <- function(family) TRUE
# Has it maxima that a few rows make, for what their component has of its own?
family_can_lean <- function(family) UseMethod("family_can_lean")
#' @export
family_can_lean.default <- function(family) !family_is_bounded(family)
family_fills_gaps <- function(family) UseMethod("family_fills_gaps")
#' @export
family_fills_gaps.default <- function(family) FALSE
family_rows_needed <- function(family, data) UseMethod("family_rows_needed")
#' @export
family_rows_needed.default <- function(family, data) 1
# Rows without which no component has what is its own; 0 where it can do with any.
family_least_rows <- function(family, data) UseMethod("family_least_rows")
#' @export
family_least_rows.default <- function(family, data) 0
family_identifiability <- function(family, fit, name) UseMethod("family_identifiability")
#' @export
family_identifiability.default <- function(family, fit, name) NULL

new_em_family <- function(name, ...) family_of_list(list(name = name, ...))
family_of_list <- function(told) {
  class(told) <- c(paste0("em_family_", told$name), "em_family")
  told
}

# A family, its name, its constructor, or a family object of stats -> a family.
as_em_family <- function(family, arg = "family") {
  if (inherits(family, "em_family")) {
    told <- unclass(family)
    told$named <- told$items <- told$blocks <- NULL
    class(told) <- oldClass(family)
    return(told)
  }
  constructors <- family_constructors()
  for (make in constructors) if (identical(family, make)) return(make())
  if (is.function(family) && identical(environment(family), asNamespace("stats"))) family <- family()
  if (inherits(family, "family")) {
    check_link(family, constructors, arg)
    family <- family$family
  }
  if (is.character(family) && length(family) == 1L && family %in% names(constructors)) {
    return(constructors[[family]]())
  }
  abort_em("argument", c(
    sprintf("`%s` must be %s, or a call such as em_gaussian(), not %s.", arg, one_of(names(constructors)),
            describe_value(family)),
    i = if (is.null(family_habit(family))) did_you_mean(family, names(constructors)) else family_habit(family)
  ))
}

#' @export
print.em_family <- function(x, ...) {
  check_dots(..., let_pass = print_arguments)
  cat(format(x), "\n", sep = "")
  invisible(x)
}
