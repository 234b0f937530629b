# A mixture as a density, apart from any data: class em_density. It has
#   components    the names of the columns of its weights: the components', and "noise"
#   weights, log_weights   numbers, and their logarithms where the numbers are too small
#   k             how many components there are
#   blocks        what they are along columns: see margin.R
#   noise         NULL, or list(box, columns): the box of noise, and which of its columns are these
#   given         what was given: list(name = value), empty for a fit
new_em_density <- function(components, weights, k, blocks, noise = NULL, given = list()) {
  structure(list(components = components, weights = weights, log_weights = log(weights), k = k, blocks = blocks, noise = noise, given = given),
            class = "em_density")
}

# What the tools take: a density, or a fit, which is one.
as_em_density <- function(x, size = NULL, exposure = NULL, arg = "x") {
  if (inherits(x, "em_density")) {
    if (length(said_beside(size, exposure))) {
      abort_em("argument", sprintf("`%s` is for a fit: a density has its own already.", names(said_beside(size, exposure))[1L]))
    }
    return(x)
  }
  if (!inherits(x, "em_fit")) {
    abort_em("argument", sprintf("`%s` must come from em_fit(), em_marginal() or em_conditional(), not %s.", arg, describe_value(x)))
  }
  check_fit(x, "A density of columns")
  beside <- said_beside(size, exposure)
  blocks <- family_margin(x$family, x$parameters, x$data, beside)
  for (name in names(beside)) {
    heard <- vapply(blocks, function(block) identical(block[[name]], as.double(beside[[name]])), NA)
    if (!any(heard)) family_with.default(x$family, beside[name])
  }
  shares <- latent_mixture(x$latent, x)
  noise <- if (!is.null(.subset2(x$latent, "box"))) list(box = x$latent$box, columns = seq_along(block_variables(blocks)))
  new_em_density(component_names_of(x), unname(shares), x$k, blocks, noise)
}

density_columns <- function(density) block_variables(density$blocks)

# Columns by name or number, where they are.
find_columns <- function(density, columns, arg) {
  names <- density_columns(density)
  if (is.null(columns)) return(seq_along(names))
  at <- if (is.character(columns)) match(columns, names) else match(columns, seq_along(names))
  if (length(at) && !anyNA(at) && !anyDuplicated(at)) return(at)
  bad <- if (anyNA(at)) columns[is.na(at)][1L] else columns
  abort_em("argument", c(sprintf("`%s` must be among the columns %s, each once, not %s.", arg, quoted(names), describe_value(bad)),
                         i = if (is.character(bad) && length(bad) == 1L) did_you_mean(bad, names)))
}

#' Margins and conditionals of a mixture
#'
#' A mixture is a mixture again along some of its columns, and along the others once some are given. Both are
#' densities that [em_cdf()], [quantile()][quantile.em_fit], [em_hdr()] and [em_modes()] take as they take a fit.
#'
#' Along some columns the components keep their proportions. Given a value, the proportions are multiplied by the
#' density that each component has there and divided by their sum, in logarithms, so that a value far from all
#' components has an answer too; normal components get the mean and the covariance of a regression on what is given,
#' components whose columns are independent (counts, categories) stay what they are. A row of a fit with units or of a
#' chain ([em_markov()]) is one of which nothing else is known: a chain's proportions are its stationary distribution.
#'
#' Noise keeps its box: along some columns it has the margin of the box, and given a value the density that
#' [predict.em_fit()] gives rows of which only that is known, the box along the columns.
#'
#' `predict(type = "density")` gives the density at rows, `simulate()` draws rows, `as.data.frame()` shows the
#' components and `summary()` each column's mean, standard deviation and quantiles.
#'
#' @param x,object A fit by [em_fit()], or what one of the two functions returned.
#' @param columns Names or numbers of the columns to keep; `NULL`: all.
#' @param size,exposure Of a fit of counts: the trials ([em_binomial()]), the total of a row ([em_multinomial()]) or the
#'   exposure ([em_poisson()]) that the density is for, one number. Left out where all rows of the fit have the same.
#' @param ... Of `em_conditional()`: one value for each column that is given, under its name. Elsewhere nothing: an
#'   unknown argument is an error.
#' @param newdata A data frame or matrix with a column for each of the density's, found by name, or by position where
#'   there are no names.
#' @param type `"density"`, `"logdensity"`, or `"prob"` (the probabilities of the components, n x k).
#' @param nsim How many rows to draw.
#' @param seed `NULL`, or a number for [set.seed()]; the generator's state is put back afterwards.
#' @param probs Probabilities of the quantiles.
#' @param row.names,optional Ignored; they belong to the generic.
#' @param digits Significant digits.
#' @return An object of class `em_density`, a plain list: `components`, their `weights` and the logarithms of these, `k`, `blocks` of columns that
#'   are independent within a component, `noise` and what was `given`. `predict()` a vector or a matrix, `simulate()` a
#'   data frame with the attribute `component`, `as.data.frame()` a row for each component, `summary()` a row for each
#'   column; where there are categories it has their most probable level and its probability as `mode` and `prob`, and
#'   no mean or quantiles of them.
#' @section Errors: `emfit_error_argument` for columns that are not there, given twice or all given, for values that are not one
#'   finite number, and where `size` or `exposure` must be said; `emfit_error_levels` for an unknown level;
#'   `emfit_error_unsupported` for families of which it is not known what they are along a column.
#' @references McLachlan, G. J. and Peel, D. (2000) *Finite Mixture Models*. Wiley. \doi{10.1002/0471721182}
#' @seealso [em_cdf()], [em_hdr()], [em_modes()], and [predict.em_fit()] with `type = "response"` for many rows
#' @examples
#' fit <- em_fit(faithful, k = 2)
#' em_marginal(fit, "waiting")
#'
#' # How long shall I wait after an eruption of 3 minutes?
#' after <- em_conditional(fit, eruptions = 3)
#' after
#' quantile(after, c(0.05, 0.5, 0.95))
#' em_modes(after)
#' @export
em_marginal <- function(x, columns = NULL, size = NULL, exposure = NULL) {
  density <- as_em_density(x, size, exposure)
  pick_density(density, find_columns(density, columns, "columns"))
}

# Columns come in the order asked, but for those of another block, which stay behind.
pick_density <- function(density, at) {
  at <- at[order(vapply(at, function(j) column_place(density$blocks, j)[1L], 0))]
  density$blocks <- pick_blocks(density$blocks, at)
  density$noise$columns <- density$noise$columns[at]
  density
}

#' @rdname em_marginal
#' @export
em_conditional <- function(x, ..., size = NULL, exposure = NULL) {
  density <- as_em_density(x, size, exposure)
  given <- list(...)
  names <- density_columns(density)
  check_given(given, names)
  at <- match(names(given), names)
  log_density <- 0
  blocks <- list()
  first <- 0L
  values <- numeric(length(names))
  for (block in density$blocks) {
    p <- length(block$variables)
    own <- sort(at[at > first & at <= first + p])
    for (j in own) values[j] <- block_read(block, j - first, given[[names[j]]])
    if (length(own)) {
      found <- block_given(block, values[own], own - first)
      log_density <- log_density + found$log_density
      block <- found$block
    }
    if (length(block$variables)) blocks <- c(blocks, list(block))
    first <- first + p
  }
  weigh_given(density, blocks, log_density, at, given)
}

# The density of what is left, once the weights know what was given.
weigh_given <- function(density, blocks, log_density, at, given) {
  if (!is.null(density$noise)) {
    log_density <- c(log_density, -sum(log(density$noise$box$sides[density$noise$columns[at]])))
    density$noise$columns <- density$noise$columns[-at]
  }
  weights <- density$log_weights + log_density
  if (!any(weights > -Inf)) {
    abort_em("argument", c(sprintf("No component has a density where %s.", describe_given(given)),
                           i = "Give values that are possible."))
  }
  density$log_weights <- weights - log_sum(matrix(weights, 1L))
  density$weights <- exp(density$log_weights)
  density$blocks <- blocks
  density$given <- c(density$given, given)
  density
}

check_given <- function(given, names) {
  if (!length(given)) {
    abort_em("argument", c("em_conditional() needs a value for at least one column.",
                           i = sprintf("em_conditional(fit, %s = )", code_name(names[1L]))))
  }
  if (is.null(names(given)) || !all(nzchar(names(given)))) {
    abort_em("argument", c("Every value given to em_conditional() must have the name of its column.",
                           i = sprintf("em_conditional(fit, %s = )", code_name(names[1L]))))
  }
  strange <- setdiff(names(given), names)
  if (length(strange)) {
    abort_em("argument", c(sprintf("There is no column %s: there are %s.", dQuote(strange[1L], FALSE), quoted(names)),
                           i = did_you_mean(strange[1L], names)))
  }
  twice <- names(given)[duplicated(names(given))]
  if (length(twice)) abort_em("argument", sprintf("Column %s is given twice.", dQuote(twice[1L], FALSE)))
  if (length(given) == length(names)) {
    abort_em("argument", c("All columns are given: there is nothing left to have a density.",
                           i = "predict(fit, newdata, type = \"density\") is the density of a whole row."))
  }
}

describe_given <- function(given) {
  enumerate(paste(names(given), "=", vapply(given, function(x) if (is.numeric(x)) number(x) else as.character(x), "")))
}

# log(sum(exp(x))) by rows.
log_sum <- function(x) {
  top <- row_max(x)
  top[top == -Inf] <- 0
  top + log(rowSums(exp(x - top)))
}

# ---- what can be asked of one ----

#' @rdname em_marginal
#' @export
predict.em_density <- function(object, newdata, type = c("density", "logdensity", "prob"), ...) {
  check_dots(...)
  type <- check_choice(type, "type", c("density", "logdensity", "prob"))
  each <- joint_log_density(object, read_cells(object, newdata))
  total <- log_sum(each)
  switch(type, density = exp(total), logdensity = total,
         prob = matrix(exp(each - total), nrow(each), dimnames = list(NULL, object$components)))
}

# Weighted log densities of all components, and of noise: n x K.
joint_log_density <- function(density, x) {
  first <- 0L
  each <- 0
  for (block in density$blocks) {
    each <- each + block_log_density(block, x[, first + seq_along(block$variables), drop = FALSE])
    first <- first + length(block$variables)
  }
  if (!is.null(density$noise)) each <- cbind(each, noise_log_along(density$noise, x))
  each + rep(density$log_weights, each = nrow(x))
}

# A whole box is constant everywhere, as in the fit; along one column it is its margin, else the box along the columns.
noise_log_along <- function(noise, x) {
  at <- noise$columns
  if (length(at) == 1L) return(log(noise_along(noise, 1L)$density(x[, 1L])))
  inside <- rep(TRUE, nrow(x))
  if (length(at) < length(noise$box$sides)) return(rep(-sum(log(noise$box$sides[at])), nrow(x)))
  ifelse(inside, -noise$box$log_volume, -Inf)
}

# Rows as numbers, column by column of the density.
read_cells <- function(density, newdata) {
  names <- density_columns(density)
  if (is.null(dim(newdata))) newdata <- if (length(names) == 1L) data.frame(newdata) else as.data.frame(as.list(newdata))
  newdata <- as.data.frame(newdata, optional = TRUE, stringsAsFactors = FALSE)
  if (all(names %in% names(newdata))) newdata <- newdata[names]
  if (length(newdata) != length(names)) {
    abort_em("newdata", sprintf("`newdata` must have the columns %s, not %s.", quoted(names), quoted(names(newdata))))
  }
  first <- 0L
  columns <- list()
  for (block in density$blocks) {
    for (j in seq_along(block$variables)) columns[[first + j]] <- read_column(block, j, newdata[[first + j]])
    first <- first + length(block$variables)
  }
  matrix(unlist(columns), nrow(newdata))
}

read_column <- function(block, j, column) {
  if (is.numeric(column) && inherits(block, c("em_block_normal", "em_block_rates", "em_block_trials", "em_block_sharing"))) return(as.double(column))
  vapply(seq_along(column), function(i) if (is.na(column[i])) NA_real_ else block_read(block, j, column[i]), 0)
}

#' @rdname em_marginal
#' @importFrom stats simulate
#' @export
simulate.em_density <- function(object, nsim = 1, seed = NULL, ...) {
  check_dots(...)
  nsim <- check_count(nsim, "nsim")
  with_seed(seed, draw_density(object, nsim))
}

# With the generator started at `seed`, whose state is put back.
with_seed <- function(seed, code) {
  if (is.null(seed)) return(code)
  state <- get0(".Random.seed", globalenv(), inherits = FALSE)
  on.exit(if (is.null(state)) rm(".Random.seed", envir = globalenv()) else
    assign(".Random.seed", state, envir = globalenv()))
  base::set.seed(seed)
  code
}

draw_density <- function(density, n) {
  component <- sample.int(length(density$components), n, replace = TRUE, prob = density$weights)
  cells <- draw_density_cells(density, component)
  first <- 0L
  columns <- list()
  for (block in density$blocks) {
    for (j in seq_along(block$variables)) columns[[first + j]] <- block_show(block, j, cells[, first + j])
    first <- first + length(block$variables)
  }
  out <- plain_frame(stats::setNames(columns, density_columns(density)))
  structure(out, component = factor(density$components[component], levels = density$components))
}

draw_density_cells <- function(density, component) {
  out <- do.call(cbind, lapply(density$blocks, block_draw, pmin(component, density$k)))
  noise <- which(component > density$k)
  if (length(noise)) out[noise, ] <- simulate_noise(density$noise$box, length(noise))[, density$noise$columns]
  out
}

#' @rdname em_marginal
#' @export
as.data.frame.em_density <- function(x, row.names = NULL, optional = FALSE, ...) {
  check_dots(..., let_pass = frame_arguments)
  own <- seq_len(x$k)
  out <- data.frame(component = x$components[own], proportion = x$weights[own])
  for (block in x$blocks) for (j in seq_along(block$variables)) {
    law <- block_law(block, j)
    told <- if (is.null(law$levels)) list(mean = drop(law_mean(law)), sd = drop(law_sd(law)))
            else stats::setNames(lapply(law$parts, drop), paste0("prob.", law$levels))
    names(told) <- if (length(density_columns(x)) > 1L) paste0(names(told), ".", block$variables[j]) else names(told)
    out <- data.frame(out, told, check.names = FALSE)
  }
  if (is.null(x$noise)) return(out)
  out[x$k + 1L, ] <- NA
  out$component[x$k + 1L] <- "noise"
  out$proportion[x$k + 1L] <- x$weights[x$k + 1L]
  out
}

#' @rdname em_marginal
#' @export
format.em_density <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  check_dots(..., let_pass = format_arguments)
  table <- as.data.frame(x)
  c(sprintf("Mixture of %s along %s%s%s", plural(x$k, "component"), enumerate(density_columns(x)),
            if (is.null(x$noise)) "" else " and noise",
            if (length(x$given)) paste(", given", describe_given(x$given)) else ""),
    "", table_lines(format_columns(table[seq_len(min(9L, length(table)))], digits)),
    if (length(table) > 9L) sprintf("%s more: as.data.frame()", plural(length(table) - 9L, "column")))
}

#' @rdname em_marginal
#' @export
print.em_density <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  check_dots(..., let_pass = print_arguments)
  cat(format(x, digits = digits), sep = "\n")
  invisible(x)
}

#' @rdname em_marginal
#' @export
summary.em_density <- function(object, probs = c(0.05, 0.5, 0.95), ...) {
  check_dots(...)
  probs <- check_probabilities(probs, "probs")
  lines <- lapply(seq_along(density_columns(object)), function(j) density_line(object, j))
  ordered <- vapply(lines, function(line) is.null(line$law$levels), NA)
  out <- lapply(lines, function(line) {
    moments <- if (is.null(line$law$levels)) line_moments(line) else data.frame(mean = NA_real_, sd = NA_real_)
    quantiles <- if (is.null(line$law$levels)) line_quantile(line_repeat(line, length(probs)), probs) else rep(NA_real_, length(probs))
    data.frame(variable = line$name, moments, matrix(quantiles, 1L, dimnames = list(NULL, percent(probs))), check.names = FALSE)
  })
  out <- do.call(rbind, out)
  if (all(ordered)) return(out)
  out <- data.frame(out, do.call(rbind, lapply(lines, most_probable)), check.names = FALSE)
  if (any(ordered)) out else out[c("variable", "mode", "prob")]
}

# Of categories, which have no mean: the most probable level.
most_probable <- function(line) {
  if (is.null(line$law$levels)) return(data.frame(mode = NA_character_, prob = NA_real_))
  at <- count_modes(line)[1L]
  data.frame(mode = line$law$levels[at], prob = exp(line_log_density(line, at)))
}
