# The contract of a family, R's half: what a component looks like to a person. The other half, density and
# M-step, is src/family.h. A family object is inert: a list with a `name`, the class em_family_<name>, and what
# its constructor was told. These generics are all that the rest of the package asks of it:
#
#   family_data(family, frame)             a frame of user columns -> list(x = the matrix C++ reads, ...)
#   family_check(family, data, k, estimated)   what can be said against data and k before a run; estimated: are
#                                          the components' parameters to be estimated, or are they given?
#   family_slots(family, d)                names of those parameters, for data of d columns
#   family_parameters(family, start, k, data)   a user's list -> complete parameters in the engine's shapes
#   family_label(family, data)             "Gaussian mixture", ... for print
#   family_summary(family, parameters, data)    one row of plain numbers for each component, for print and tidy
#   family_means(family, parameters, data) expected value of every row under each component: n x d x k
#   family_simulate(family, parameters, component, data)   new rows in the user's columns
#   family_observed(family, data)          the rows as fitted() and residuals() speak of them: n x d
#   family_order(family, parameters)       what ties between equal proportions are broken by
#   family_split(family, parameters, j)    component j taken apart into two: parameters of one component more
#   family_frame(family, data)             the rows in the user's columns: what family_data() made data of
#   family_variables(family)               names of columns that the family reads beside those that are fitted
#   family_with_size(family, size)         with the trials of new rows
#   family_of_rows(family, rows, n)        of some of the n rows, where it has something for each row
#   family_of_others(family, n)            of n other rows; an error where it has something for each row

family_data <- function(family, frame, ...) UseMethod("family_data")
family_check <- function(family, data, k, estimated = TRUE) UseMethod("family_check")
family_slots <- function(family, d) UseMethod("family_slots")
family_parameters <- function(family, start, k, data) UseMethod("family_parameters")
family_label <- function(family, ...) UseMethod("family_label")
family_summary <- function(family, parameters, data) UseMethod("family_summary")
family_means <- function(family, parameters, data) UseMethod("family_means")
family_simulate <- function(family, parameters, component, data) UseMethod("family_simulate")
family_observed <- function(family, data) UseMethod("family_observed")
family_order <- function(family, parameters) UseMethod("family_order")
family_split <- function(family, parameters, j) UseMethod("family_split")

# What may have gone wrong with the data where components come out empty or alike: a sentence, or NULL.
family_hint <- function(family, data) UseMethod("family_hint")
family_hint.default <- function(family, data) NULL
family_frame <- function(family, data) UseMethod("family_frame")
family_frame.default <- function(family, data) data$x
family_variables <- function(family) UseMethod("family_variables")
family_variables.default <- function(family) character()
family_of_rows <- function(family, rows, n) UseMethod("family_of_rows")
family_of_rows.default <- function(family, rows, n) family
family_of_others <- function(family, n) UseMethod("family_of_others")
family_of_others.default <- function(family, n) family
family_with_size <- function(family, size) UseMethod("family_with_size")
family_with_size.default <- function(family, size) {
  abort_em("argument", sprintf("`size` can't be given: %s components have no trials.", family$name))
}

# Parameters with one component less: those `most` pairs merged that lose least by it.
family_merges <- function(family, parameters, most) UseMethod("family_merges")
family_merges.default <- function(family, parameters, most) list()

# The structure that asks less of the data than this one, or NULL where none does.
family_simpler <- function(family) UseMethod("family_simpler")
#' @export
family_simpler.default <- function(family) NULL

new_em_family <- function(name, ...) {
  out <- list(name = name, ...)
  class(out) <- c(paste0("em_family_", name), "em_family")
  out
}

family_constructors <- function() list(gaussian = em_gaussian, binomial = em_binomial)

# A family, its name, its constructor, or a family object of stats -> a family.
as_em_family <- function(family, arg = "family") {
  if (inherits(family, "em_family")) {
    if (!is.null(.subset2(family, "named"))) family$named <- NULL
    return(family)
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

# Components have no predictors, so there is nothing for a link to link: a mean or a probability is a parameter itself.
check_link <- function(family, constructors, arg) {
  if (!isTRUE(family$family %in% names(constructors))) return(invisible())
  usual <- get(family$family, asNamespace("stats"))()$link
  if (identical(family$link, usual)) return(invisible())
  abort_em("unsupported", c(
    sprintf("`%s` has the link %s, but components have no link: their %s.", arg, dQuote(family$link, FALSE),
            "means and probabilities are the parameters themselves"),
    i = sprintf("Use %s = em_%s().", arg, family$family)
  ))
}

#' @export
print.em_family <- function(x, ...) {
  check_dots(..., let_pass = print_arguments)
  cat(format(x), "\n", sep = "")
  invisible(x)
}
