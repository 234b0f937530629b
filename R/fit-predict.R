#' Predict from a fit
#'
#' One E-step at the fitted parameters, for new rows or for the rows of the fit.
#'
#' @param object A fit by [em_fit()].
#' @param newdata New rows: a data frame or matrix, whose columns are found **by name** (any order, others are
#'   ignored), or by position where names are lacking. For a fit by formula they are the variables of the formula;
#'   what a transformation learned from the rows of the fit, as [scale()], [poly()], [splines::ns()] do
#'   ([stats::makepredictcall()]), it does to new rows, and names that are not columns are those that the formula
#'   found in the fit. Left out: the rows of the fit.
#' @param type What to return for each row:
#' \describe{
#'   \item{`"class"`}{the most probable component, a factor}
#'   \item{`"prob"`}{the responsibilities, an n x k matrix whose rows sum to one}
#'   \item{`"uncertainty"`}{one minus the largest responsibility}
#'   \item{`"density"`, `"logdensity"`}{of the mixture, and its logarithm}
#'   \item{`"component"`}{the density of each component without its proportion, n x k}
#' }
#'   In a fit with noise, classes have the level `"noise"` and matrices a last column of that name.
#' @param size The trials of the new rows, for counts given as successes alone: one number, or one for each row; see
#'   [em_binomial()].
#' @param exposure The exposure of the new rows, for rates: one number, or one for each row; see [em_poisson()].
#' @param ... Nothing: an unknown argument is an error.
#' @return A factor, vector or matrix with an entry or row for each row of `newdata`, under its row names. A row
#'   with missing values is judged by the cells that are observed: densities are those of their margin. Where
#'   nothing is observed the responsibilities are the proportions and the log density is 0. Rows that
#'   `na.exclude` left out of the fit give NA. Where rows have units, see [em_mixture()].
#' @section Errors: `emfit_error_newdata` where a column is lacking (named) or their number is wrong, where the
#'   trials are not said, and for rows without names where a formula transforms them;
#'   `emfit_error_input` for values that are not finite or not numeric; `emfit_error_counts`.
#' @references McLachlan, G. J. and Peel, D. (2000) *Finite Mixture Models*. Wiley. \doi{10.1002/0471721182}
#' @examples
#' fit <- em_fit(faithful, k = 2)
#' predict(fit, data.frame(waiting = c(50, 80), eruptions = c(2, 4.5)))
#' predict(fit, data.frame(waiting = c(50, 80), eruptions = c(2, 4.5)), type = "prob")
#' @importFrom stats predict
#' @export
predict.em_fit <- function(object, newdata = NULL,
                           type = c("class", "prob", "density", "logdensity", "uncertainty", "component"),
                           size = NULL, exposure = NULL, ...) {
  type <- check_choice(type, "type", eval(formals(predict.em_fit)$type))
  check_no_dots(list(...), names(formals(predict.em_fit)))
  data <- rows_to_judge(object, newdata, said_beside(size, exposure))
  at_parameters(object, data, type)
}

rows_to_judge <- function(fit, newdata, beside) {
  if (!is.null(newdata)) return(new_data(newdata, fit, beside))
  if (length(beside)) {
    what <- names(beside)[1L]
    abort_em("argument", sprintf("`%s` has the %s of `newdata`, which is not given.", what, words_beside[[what]]))
  }
  fit_rows(fit)
}

# The rows of the fit as data for an E-step; rows that na.exclude left out come back as NA.
fit_rows <- function(fit) {
  data <- fit$data
  omitted <- data$na.action
  if (inherits(omitted, "exclude")) {
    data$complete <- !seq_len(data$n + length(omitted)) %in% omitted
    if (!is.null(data$row_names)) {
      names <- rep(NA_character_, length(data$complete))
      names[data$complete] <- data$row_names
      names[!data$complete] <- data$omitted$row_names
      data$row_names <- names
    }
  } else {
    data$complete <- rep(TRUE, data$n)
  }
  data
}

at_parameters <- function(fit, data, type) {
  want <- switch(type, density = , logdensity = "row_loglik", component = "log_density", "responsibilities")
  out <- of_step(expect_em(data, fit$parameters, fit_model(fit), want), type, component_names_of(fit))
  with_row_names(spread_over(out, data$complete), data$row_names)
}

# One answer out of an E-step.
of_step <- function(step, type, names) {
  out <- switch(type,
    class = structure(max.col(step$responsibilities, ties.method = "first"), levels = names, class = "factor"),
    prob = step$responsibilities,
    uncertainty = 1 - row_max(step$responsibilities),
    density = exp(step$row_loglik),
    logdensity = step$row_loglik,
    component = exp(step$log_density)
  )
  if (is.matrix(out)) colnames(out) <- names
  out
}

component_names_of <- function(fit) names(fit$counts)

fit_model <- function(fit) list(family = fit$family, latent = fit$latent, k = fit$k)

# Column by column: a call of R's for each row takes longer than the fit.
columns_of <- function(x) lapply(seq_len(ncol(x)), function(j) x[, j])

row_max <- function(x) do.call(pmax.int, columns_of(x))

# The sums over the first 1, 2, ... columns.
row_cumsum <- function(x) {
  for (j in seq_len(ncol(x))[-1L]) x[, j] <- x[, j - 1L] + x[, j]
  x
}

# Results of the complete rows in their places, NA in the others.
spread_over <- function(x, complete) {
  if (all(complete)) return(x)
  at <- rep(NA_integer_, length(complete))
  at[complete] <- seq_len(sum(complete))
  if (is.matrix(x)) x[at, , drop = FALSE] else x[at]
}

with_row_names <- function(x, names) {
  if (is.null(names)) return(x)
  if (is.matrix(x)) rownames(x) <- names else names(x) <- names
  x
}

# n x k responsibilities of the rows of the fit.
responsibilities <- function(fit) {
  out <- expect_em(fit$data, fit$parameters, fit_model(fit), "responsibilities")$responsibilities
  colnames(out) <- component_names_of(fit)
  out
}

#' Fitted values, residuals and simulated data
#'
#' `fitted()` gives each row's expected value: the component means weighted by the row's responsibilities, noise
#' with the centre of its box, from which `simulate()` draws it.
#' `residuals()` are the data less that. `simulate()` draws new data sets from the fit.
#'
#' @param object A fit by [em_fit()].
#' @param nsim How many data sets.
#' @param n How many rows each of them has. Left out: those of the fit, row by row, with their trials or exposure and their missing
#'   counts. With `n` the rows are new ones, none of them missing, and each has the trials of a row of the fit drawn
#'   by weight. Labels have no say in either. With units (see [em_mixture()]) `n` is their number.
#' @param seed `NULL`, or a number for [set.seed()]; the generator's state is put back afterwards.
#' @param ... Nothing: an unknown argument is an error.
#' @return `fitted()`, `residuals()`: an n x d matrix in the units of the data (successes for counts), a vector
#'   where there is one variable; residuals are NA where the data are. `simulate()`: a list of `nsim` data frames
#'   with the columns of the data (where there are units, they are the first) and as many rows as the data or `n`, each with the attribute `component`, a factor
#'   of the true components.
#' @references McLachlan, G. J. and Peel, D. (2000) *Finite Mixture Models*. Wiley. \doi{10.1002/0471721182}
#' @examples
#' fit <- em_fit(red_blue$value, k = 2)
#' head(cbind(fitted(fit), residuals(fit)))
#' str(simulate(fit, nsim = 2, seed = 1))
#' simulate(fit, seed = 1, n = 3)[[1]]
#' @name em_fit-rows
NULL

#' @rdname em_fit-rows
#' @importFrom stats fitted
#' @export
fitted.em_fit <- function(object, ...) {
  check_dots(...)
  data <- fit_rows(object)
  r <- responsibilities(object)
  means <- family_means(object$family, object$parameters, object$data)
  out <- matrix(0, object$data$n, dim(means)[2L])
  for (j in seq_len(object$k)) out <- out + r[, j] * matrix(means[, , j], nrow = object$data$n)
  out <- out + noise_part(object$latent, r)
  in_user_shape(out, object, data)
}

#' @rdname em_fit-rows
#' @importFrom stats residuals
#' @export
residuals.em_fit <- function(object, ...) {
  check_dots(...)
  data <- fit_rows(object)
  observed <- family_observed(object$family, object$data)
  in_user_shape(observed, object, data) - fitted(object)
}

in_user_shape <- function(out, fit, data) {
  out <- spread_over(out, data$complete)
  if (ncol(out) == 1L) return(with_row_names(as.vector(out), data$row_names))
  colnames(out) <- fitted_names(fit$data)
  with_row_names(out, data$row_names)
}

# Rows drawn from those that count, by their weights: what simulated ones take from them is how many trials they have.
fresh_rows <- function(data, n) {
  if (!is.null(data$unit)) return(fresh_units(data, n))
  counting <- if (is.null(data$weights)) seq_len(data$n) else which(data$weights > 0)
  drawn <- counting[sample.int(length(counting), n, replace = TRUE, prob = data$weights[counting])]
  data$x <- data$x[drawn, , drop = FALSE]
  data["missing"] <- list(NULL)
  data$n <- n
  data
}

# As many whole units, drawn by their weights.
fresh_units <- function(data, n) {
  first <- which(!duplicated(data$unit$codes))
  drawn <- sample.int(length(first), n, replace = TRUE, prob = data$weights[first])
  new <- rows_of_units(data$unit, drawn)
  data$x <- data$x[new$rows, , drop = FALSE]
  data$unit <- new$unit
  data["missing"] <- list(NULL)
  data$n <- length(new$rows)
  data
}

#' @rdname em_fit-rows
#' @importFrom stats simulate
#' @export
simulate.em_fit <- function(object, nsim = 1, seed = NULL, n = NULL, ...) {
  check_dots(...)
  nsim <- check_count(nsim, "nsim")
  if (!is.null(n)) n <- check_count(n, "n")
  if (!is.null(seed)) {
    state <- get0(".Random.seed", globalenv(), inherits = FALSE)
    on.exit(if (is.null(state)) rm(".Random.seed", envir = globalenv()) else
      assign(".Random.seed", state, envir = globalenv()))
    base::set.seed(seed)
  }
  labels <- component_names_of(object)
  lapply(seq_len(nsim), function(i) {
    data <- if (is.null(n)) object$data else fresh_rows(object$data, n)
    component <- latent_simulate(object$latent, object$parameters, data$n, unit = data$unit$codes)
    rows <- simulate_rows(fit_model(object), object$parameters, component, data)
    rows <- with_unit_column(rows, data$unit)
    structure(rows, component = factor(labels[component], levels = labels))
  })
}
