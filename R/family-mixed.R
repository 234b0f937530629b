#' Components of mixed columns: numbers, categories and counts at once
#'
#' Says that the columns of a data frame are of several kinds: within a component numbers are normal, categories
#' multinomial, counts Poisson or binomial, and columns of different kinds are independent. It is the `family` argument
#' of [em_fit()].
#'
#' Without arguments numeric columns become Gaussian, with diagonal covariances, and factor, character and logical
#' columns categorical. Nothing is guessed from values: a column of whole numbers is a number like any other unless
#' `counts` names it. One message says which column got what.
#'
#' A formula puts columns (on its left: a name, or `c(a, b)`) into a block of their own with the family on its
#' right: `c(height, weight) ~ em_gaussian("VVV")`, `visits ~ em_poisson()`, `heads ~ em_binomial(size = 10)`. Columns
#' that no formula names get what they get without arguments. Families of blocks are [em_gaussian()], in any of its
#' structures, [em_categorical()], [em_bernoulli()], [em_poisson()] without exposure and [em_binomial()] with one number
#' of trials.
#'
#' Log densities of the blocks add, so **the units of a numeric column don't matter**: grams or ounces give the same
#' components, the same responsibilities, and a log-likelihood that differs by a constant. (Methods by distances,
#' such as k-prototypes, have to weigh a unit of a number against a level.) That is so for structures which do not
#' compare columns with each other; `"VII"`, say, is spherical in the units given. Starts weigh every
#' column alike.
#'
#' A missing cell, of whatever kind, has the factor 1: a row is used for what it says.
#'
#' In the fit, `parameters` has a list for each block: `numeric`, `categorical`, `binary`, `counts`, `trials`, or the
#' name that its formula was given as an argument, such as `em_mixed(size = c(a, b) ~ em_gaussian("VVV"))`. Each has the
#' parameters that the family alone would have: `fit$parameters$numeric$mean`,
#' `fit$parameters$categorical$prob$race`. `start` and `fixed` are lists of the same shape.
#'
#' @param ... Formulas, as above.
#' @param counts Names of columns that are Poisson.
#' @param covariance The covariance structure of numeric columns that no formula names, as in [em_gaussian()].
#' @return An object of class `em_family`: a plain list, to be given to [em_fit()].
#' @section What it does not have: Noise and exposure; means to fill gaps with ([em_impute()] draws); laws of
#'   residuals (`residuals(fit, "pseudo")`). They are errors of class `emfit_error_unsupported`.
#' @section Errors: `emfit_error_argument` for what is no formula or block, and columns named twice or not there;
#'   `emfit_error_input` for columns that are not what their block takes; those of the families of the blocks.
#' @section Warnings: `emfit_warning_frozen` where a start put the probability of a level at 0 and the likelihood would move
#'   it, as for [em_categorical()].
#' @section Messages: `emfit_message_columns` says which column got what, which levels were left out, which columns
#'   were ordered, and which numbers are only 0 and 1.
#' @references Hunt, L. and Jorgensen, M. (2011) Clustering mixed data. *WIREs Data Mining and Knowledge Discovery* 1,
#'   352-361. \doi{10.1002/widm.33}
#'
#'   McLachlan, G. J. and Peel, D. (2000) *Finite Mixture Models*, section 3.2. Wiley. \doi{10.1002/0471721182}
#' @seealso [em_fit()], [em_gaussian()], [em_categorical()], [em_poisson()], [em_binomial()]
#' @examples
#' cars <- data.frame(mtcars[c("mpg", "hp", "wt")],
#'                    gearbox = factor(mtcars$am, 0:1, c("automatic", "manual")))
#' set.seed(1)
#' fit <- em_fit(cars, k = 2, family = em_mixed())
#' fit
#' fit$parameters$categorical$prob$gearbox
#'
#' # Pounds, miles and horses in other units: the same components
#' metric <- transform(cars, mpg = mpg * 0.425, hp = hp * 0.746, wt = wt * 453.6)
#' set.seed(1)
#' all.equal(predict(em_fit(metric, k = 2, family = em_mixed())), predict(fit))
#' @export
em_mixed <- function(..., counts = NULL, covariance = "VVI") {
  given <- list(...)
  said <- Map(read_block, given, names_of(given))
  if (!is.null(counts) && (!is.character(counts) || anyNA(counts) || !length(counts))) {
    abort_em("argument", sprintf("`counts` must be names of columns, not %s.", describe_value(counts)))
  }
  numeric <- em_gaussian(covariance)
  numeric$named <- NULL
  said <- unname(said)
  if (!is.null(counts)) said <- c(said, list(list(columns = counts, family = em_poisson(), name = "")))
  twice <- unlist(lapply(said, `[[`, "columns"))
  twice <- twice[duplicated(twice)]
  if (length(twice)) {
    abort_em("argument", sprintf("Every column has one block: %s %s named twice.", quoted(unique(twice)),
                                 if (length(unique(twice)) == 1L) "is" else "are"))
  }
  new_em_family("mixed", said = said, numeric = numeric)
}

# A formula -> list(columns, family, name).
read_block <- function(formula, name) {
  usage <- "em_mixed(c(a, b) ~ em_gaussian(\"VVV\"), y ~ em_poisson())"
  if (!inherits(formula, "formula") || length(formula) != 3L) {
    abort_em("argument", c(sprintf("`...` must be formulas, columns ~ family, not %s.", describe_value(formula)),
                           i = usage))
  }
  made <- tryCatch(eval(formula[[3L]], named_constructors(), environment(formula)), error = function(e) {
    abort_em("argument", c(sprintf("The family of `%s` can't be made.", deparse1(formula)), x = conditionMessage(e)))
  })
  if (is.character(made) && identical(made, "mixed")) made <- em_mixed()
  family <- as_em_family(made)
  check_block_family(family, formula)
  if (name %in% c("prob", "proportions", "initial", "transition", "noise")) {
    abort_em("argument", c(sprintf("A block can't be named \"%s\": parameters are.", name), i = usage))
  }
  list(columns = names_on_left(formula[[2L]], formula), family = family, name = name)
}

# em_gaussian() and the like are found whether or not the package is attached.
named_constructors <- function() {
  constructors <- family_constructors()
  stats::setNames(constructors, paste0("em_", names(constructors)))
}

# a, "a", c(a, b), a + b
names_on_left <- function(left, formula) {
  if (is.symbol(left)) return(as.character(left))
  if (is.character(left)) return(left)
  if (is.call(left) && as.character(left[[1L]])[1L] %in% c("c", "cbind", "+")) {
    return(unlist(lapply(as.list(left)[-1L], names_on_left, formula = formula)))
  }
  abort_em("argument", c(sprintf("The left side of `%s` must name columns.", deparse1(formula)),
                         i = "c(a, b) ~ em_gaussian()"))
}

# A block's words: what it is called, how the core reads its columns, what it takes, what messages call it.
block_kinds <- list(
  gaussian = list(name = "numeric", reading = "plain", takes = "number", word = "Gaussian"),
  categorical = list(name = "categorical", reading = "plain", takes = "category", word = "categorical"),
  bernoulli = list(name = "binary", reading = "plain", takes = "binary", word = "Bernoulli"),
  poisson = list(name = "counts", reading = "counts", takes = "number", word = "Poisson"),
  binomial = list(name = "trials", reading = "trials", takes = "number", word = "binomial")
)

check_block_family <- function(family, formula) {
  unable <- if (is.null(block_kinds[[family$name]])) sprintf("%s components", family$name)
            else if (!is.null(family$exposure)) "exposure"
            else if (family$name == "binomial" && length(family$size) != 1L || is.character(family$size))
              "trials that differ by row"
  if (is.null(unable)) return(invisible())
  abort_em("unsupported", c(
    sprintf("A block of em_mixed() can't have %s: `%s`.", unable, deparse1(formula)),
    i = if (family$name == "binomial") "Give the successes and one number of trials: y ~ em_binomial(size = 10)."
        else if (!is.null(family$exposure)) "Counts in em_mixed() are of rows watched alike; by themselves em_fit(y, k, em_poisson(exposure = e)) has rates."
  ))
}

#' @export
format.em_family_mixed <- function(x, ...) {
  check_dots(..., let_pass = format_arguments)
  blocks <- x$blocks
  if (is.null(blocks)) {
    said <- vapply(x$said, function(one) paste0(enumerate(one$columns), ": ", block_kinds[[one$family$name]]$word), "")
    return(paste0("Components of mixed columns", if (length(said)) ", ", paste(said, collapse = "; ")))
  }
  paste0("Components of mixed columns, ", paste(vapply(blocks, describe_block, ""), collapse = "; "))
}

describe_block <- function(block) {
  structure <- if (length(block$columns) > 1L) family_structure(block$family) else NA
  paste0(enumerate(block$names), ": ", block_kinds[[block$family$name]]$word,
         if (!is.na(structure)) sprintf(" (%s)", structure))
}

# What crosses to the core: a family for each block, with its columns.
#' @export
family_native.em_family_mixed <- function(family, k) {
  parts <- lapply(family$blocks, function(block) {
    child <- block$family
    child["held"] <- list(part_of(family$held, block))
    c(family_native(child, k), list(part = block$name, part_columns = block$columns,
                                    reading = block_kinds[[child$name]]$reading))
  })
  list(name = "mixed", k = k, parts = parts)
}

# Blocks and their parameters -----------------------------------------------------------------------------------

# Of a flat list those of a block, under the names that its family knows; NULL where there are none.
part_of <- function(parameters, block) {
  if (!length(parameters)) return(NULL)
  flat <- flat_parameters(parameters)
  before <- paste0(block$name, ".")
  own <- startsWith(names(flat), before)
  if (!any(own)) return(NULL)
  stats::setNames(flat[own], substring(names(flat)[own], nchar(before) + 1L))
}

whole_of <- function(parts, blocks) {
  unlist(Map(function(part, block) {
    if (length(part)) stats::setNames(flat_parameters(part), paste0(block$name, ".", names(flat_parameters(part))))
  }, parts, blocks), recursive = FALSE, use.names = TRUE)
}

# of(child, its parameters, its data, block) for every block.
for_blocks <- function(family, parameters, data, of) {
  blocks <- blocks_of(family, data)
  lapply(blocks, function(block) of(block$family, part_of(parameters, block), block_data(data, block), block))
}

blocks_of <- function(family, data) {
  found <- .subset2(data, "blocks")
  checked <- .subset2(family, "blocks")
  if (is.null(checked)) found else checked
}

#' @export
family_fields.em_family_mixed <- function(family, k, data) {
  fields <- lapply(blocks_of(family, data), function(block) {
    own <- family_fields(block$family, k, block_shape(block))
    names <- names(own)
    own <- Map(function(field, name) {
      field$nest <- c(block$name, if (is.null(field$nest)) name else field$nest)
      field$variables <- block$names
      field$columns <- block$columns
      if (identical(field$axes, "component")) field$of <- block$names
      field
    }, own, names)
    stats::setNames(own, paste0(block$name, ".", names))
  })
  do.call(c, unname(fields))
}

#' @export
family_parameters.em_family_mixed <- function(family, start, k, data, fields = family_fields(family, k, data)) {
  read <- read_fields(start, fields, fitted_names(data), "start")
  whole_of(for_blocks(family, read, data, function(child, part, own, block) family_parameters(child, part, k, own)),
           blocks_of(family, data))
}

#' @export
family_held.em_family_mixed <- function(family, fixed, k, data) {
  read <- read_fields(fixed, family_fields(family, k, data), fitted_names(data), "fixed")
  held <- for_blocks(family, read, data, function(child, part, own, block) {
    if (length(part)) family_held(child, part, k, own)
  })
  out <- whole_of(held, blocks_of(family, data))
  if (is.null(out)) list() else out
}

#' @export
family_check_held.em_family_mixed <- function(family, k, data) {
  for (block in blocks_of(family, data)) {
    child <- block$family
    child$held <- part_of(family$held, block)
    if (length(child$held)) family_check_held(child, k, block_data(data, block))
  }
}

#' @export
family_check.em_family_mixed <- function(family, data, k, estimated = TRUE) {
  family$blocks <- lapply(with_structure(family, data$blocks), function(block) {
    block$family <- family_check(block$family, block_data(data, block), k, estimated = FALSE)
    block
  })
  priors <- lapply(family$blocks, function(block) block$family$prior)
  family["prior"] <- list(if (any(lengths(priors) > 0L)) priors)
  if (estimated && is.null(family$prior)) check_distinct(data, k, least = 2L)
  family
}

#' @export
family_split.em_family_mixed <- function(family, parameters, j) {
  whole_of(lapply(family$blocks, function(block) {
    family_split(block$family, part_of(parameters, block), j)
  }), family$blocks)
}

#' @export
family_order.em_family_mixed <- function(family, parameters) {
  block <- family$blocks[[1L]]
  family_order(block$family, part_of(parameters, block))
}

# What several blocks say -----------------------------------------------------------------------------------------

any_block <- function(family, ask) any(vapply(family$blocks, function(block) isTRUE(ask(block$family)), NA))

#' @export
family_has_units.em_family_mixed <- function(family) any_block(family, family_has_units)
#' @export
family_can_collapse.em_family_mixed <- function(family) any_block(family, family_can_collapse)
#' @export
family_is_bounded.em_family_mixed <- function(family) {
  all(vapply(family$blocks, function(block) family_is_bounded(block$family), NA))
}
#' @export
family_can_lean.em_family_mixed <- function(family) any_block(family, family_can_lean)
#' @export
family_without_box.em_family_mixed <- function(family) boxes_are_of_numbers
#' @export
family_fills_gaps.em_family_mixed <- function(family) TRUE

most_of_blocks <- function(family, data, ask) {
  max(vapply(blocks_of(family, data), function(block) ask(block$family, block_shape(block)), 0))
}

#' @export
family_rows_needed.em_family_mixed <- function(family, data) most_of_blocks(family, data, family_rows_needed)
#' @export
family_least_rows.em_family_mixed <- function(family, data) most_of_blocks(family, data, family_least_rows)

#' @export
family_compares_columns.em_family_mixed <- function(family, data) {
  any(vapply(family$blocks, function(block) family_compares_columns(block$family, block_shape(block)), NA))
}

#' @export
family_no_density.em_family_mixed <- function(family, parameters) "a covariance of its numbers is not positive definite"

# The structure is that of the numbers, where these are one block.
structured_block <- function(family) {
  at <- which(vapply(family$blocks, function(block) !is.na(family_structure(block$family)), NA))
  if (length(at) == 1L) at
}

#' @export
family_structure.em_family_mixed <- function(family) {
  at <- structured_block(family)
  if (is.null(at)) NA_character_ else family_structure(family$blocks[[at]]$family)
}

#' @export
family_label.em_family_mixed <- function(family, ...) {
  list(title = "Mixed-data mixture", detail = paste(vapply(family$blocks, function(block) {
    structure <- family_structure(block$family)
    paste0(length(block$names), " ", block_kinds[[block$family$name]]$word,
           if (!is.na(structure)) sprintf(" (%s)", structure))
  }, ""), collapse = ", "))
}

# Structures of the numbers, with what the other blocks are.
#' @export
family_structures.em_family_mixed <- function(family, covariance, data) {
  if (identical(covariance, "all")) return(list(family))
  family$blocks <- data$blocks
  at <- structured_block(family)
  if (is.null(at)) {
    abort_em("argument", c("`covariance` must be left out: there is not one block of Gaussian columns that has it.",
                           i = "Name structures by formulas: em_mixed(c(a, b) ~ em_gaussian(\"VVV\"))."))
  }
  block <- data$blocks[[at]]
  lapply(family_structures(block$family, covariance, block_shape(block)), function(one) {
    family$structured <- one$covariance
    family
  })
}

# Which of them em_select() is at: its columns are those of data that were made for all.
with_structure <- function(family, blocks) {
  if (is.null(family$structured)) return(blocks)
  family$blocks <- blocks
  blocks[[structured_block(family)]]$family$covariance <- family$structured
  blocks
}

#' @export
family_is_nested.em_family_mixed <- function(family, within) {
  if (is.null(family$structured) || is.null(within$structured)) return(FALSE)
  family_is_nested(em_gaussian(family$structured), em_gaussian(within$structured))
}

#' @export
family_call.em_family_mixed <- function(family, call) {
  if (is.null(family$structured)) return(call)
  block <- family$blocks[[structured_block(family)]]
  columns <- lapply(block$names, as.name)
  own <- base::call("~", if (length(columns) > 1L) as.call(c(quote(c), columns)) else columns[[1L]],
                    base::call("em_gaussian", family$structured))
  others <- lapply(family$said, function(one) {
    if (identical(sort(one$columns), sort(block$names))) return(NULL)
    columns <- lapply(one$columns, as.name)
    made <- base::call(paste0("em_", one$family$name))
    if (!is.null(one$family$size)) made$size <- one$family$size
    base::call("~", if (length(columns) > 1L) as.call(c(quote(c), columns)) else columns[[1L]], made)
  })
  as.call(c(quote(em_mixed), own, others[lengths(others) > 0L]))
}

# Zeros that a start put into categories: as family_warn() of these alone, beside what the other columns say.
#' @export
family_warn.em_family_mixed <- function(family, fit) {
  if (fit$iterations == 0L || !rows_stand_alone(fit$data)) return(invisible())
  for (block in family$blocks) {
    if (block_kinds[[block$family$name]]$takes == "number") next
    own <- fit_of_block(fit, block)
    own$start <- part_of(fit$start, block)
    zero <- any(vapply(item_probs(block$family, own$parameters), function(p) any(p == 0), NA))
    if (!zero || !starts_at_zero(own)) next
    own$family["held"] <- list(part_of(family$held, block))
    own$data$labels <- fit$data$labels
    warn_frozen(own, list(codes = own$data$x, weights = stats::weights(fit), base = density_without(fit, block),
                          prob = lapply(item_probs(block$family, own$parameters), unname)))
  }
}

# The log of proportion and density of all but one block: n x k.
density_without <- function(fit, block) {
  rows <- plain_frame(stats::setNames(family_filled(fit$family, fit$data$x, fit$data), variable_names(fit$data)))
  rows[block$names] <- lapply(rows[block$names], function(column) replace(column, seq_along(column), NA))
  prob <- unname(stats::predict(fit, rows, type = "prob"))
  log(prob) + stats::predict(fit, rows, type = "logdensity")
}
