# What a component is along columns: the one place that says it, and what pictures, em_cdf(), quantile(), em_hdr(),
# em_modes(), em_marginal(), em_conditional() and predict(type = "response") read.
#
#   family_margin(family, parameters, data, beside)   -> a list of blocks, which are independent within a component
#   family_cells(family, data)                        the rows as blocks have them: numbers, n x p
#
# A block speaks of some columns (`variables`) under each of k components:
#   block_pick(block, at)              the same of some of its columns
#   block_law(block, j, x, o)          the law of its column j, given its columns o at the values x (n x length(o))
#   block_given(block, x, o)           list(block = what is left, log_density = k numbers) for one row of values
#   block_log_density(block, x)        n x k
#   block_draw(block, component)       numbers, n x p
#   block_read(block, j, value)        a user's value of column j -> a number; block_show(block, j, x) the way back
#   block_modal(block)                 list(mean k x p, covariance p x p x k), or NULL where there are no peaks in space
#
# A law is one column of it, for n rows (or one, which stands for all): see margin-laws.R.
family_margin <- function(family, parameters, data, beside = list()) UseMethod("family_margin")
#' @export
family_margin.default <- function(family, parameters, data, beside = list()) {
  abort_em("unsupported", c(
    sprintf("What %s components are along a column is not known.", family$name),
    i = "simulate(fit) draws rows from the fit."
  ))
}

family_cells <- function(family, data) UseMethod("family_cells")
#' @export
family_cells.default <- function(family, data) family_observed(family, data)

block_pick <- function(block, at) UseMethod("block_pick")
block_law <- function(block, j, x = NULL, o = NULL) UseMethod("block_law")
block_given <- function(block, x, o) UseMethod("block_given")
block_log_density <- function(block, x) UseMethod("block_log_density")
#' @export
block_log_density.default <- function(block, x) {
  Reduce(`+`, lapply(seq_along(block$variables), function(j) law_log_density(block_law(block, j), x[, j])))
}
# Columns that are independent within a component need no more than the law of each.
#' @export
block_given.default <- function(block, x, o) {
  each <- lapply(seq_along(o), function(i) drop(law_log_density(block_law(block, o[i]), x[i])))
  list(block = block_pick(block, setdiff(seq_along(block$variables), o)), log_density = Reduce(`+`, each))
}
block_draw <- function(block, component) UseMethod("block_draw")
#' @export
block_draw.default <- function(block, component) {
  out <- vapply(seq_along(block$variables), function(j) law_draw(block_law(block, j), component), numeric(length(component)))
  matrix(out, length(component))
}
block_read <- function(block, j, value) UseMethod("block_read")
#' @export
block_read.default <- function(block, j, value) {
  if (is.numeric(value) && !is.object(value) && length(value) == 1L && !is.na(value) && is.finite(value)) return(as.double(value))
  abort_em("argument", sprintf("`%s` must be given one finite number, not %s.", block$variables[j], describe_value(value)))
}
block_show <- function(block, j, x) UseMethod("block_show")
#' @export
block_show.default <- function(block, j, x) x
block_modal <- function(block) UseMethod("block_modal")
#' @export
block_modal.default <- function(block) NULL

new_block <- function(kind, variables, ...) {
  structure(list(kind = kind, variables = variables, ...), class = c(paste0("em_block_", kind), "em_block"))
}

# ---- one column of a fit ----

# Its components along column j, noise left out: list(component, proportion, mean, sd, law).
component_margins <- function(fit, j, parameters = fit$parameters) {
  law <- column_law(family_margin(fit$family, parameters, fit$data), j)
  list(component = component_names_of(fit)[seq_len(fit$k)],
       proportion = unname(parameters$proportions)[seq_len(fit$k)], mean = drop(law_centre(law)), sd = drop(law_reach(law)), least = law_least(law),
       law = law)
}

# Of the columns of all blocks, one after the other, the j-th: its law; its block, and its place there.
column_law <- function(blocks, j) {
  at <- column_place(blocks, j)
  block_law(blocks[[at[1L]]], at[2L])
}

column_place <- function(blocks, j) {
  sizes <- lengths(lapply(blocks, `[[`, "variables"))
  block <- findInterval(j - 1L, cumsum(c(0L, sizes)))
  c(block, j - sum(sizes[seq_len(block - 1L)]))
}

block_variables <- function(blocks) unlist(lapply(blocks, `[[`, "variables"), use.names = FALSE)

# The same of columns `at`, in that order within each block; blocks without any go.
pick_blocks <- function(blocks, at) {
  first <- 0L
  out <- lapply(blocks, function(block) {
    size <- length(block$variables)
    own <- at[at > first & at <= first + size] - first
    first <<- first + size
    if (length(own)) block_pick(block, own)
  })
  out[lengths(out) > 0L]
}

# Where noise is, along one column: list(density, cumulated(x, lower), ends).
noise_along <- function(noise, j) noise_margin(noise$box, noise$columns[j])
