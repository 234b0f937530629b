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
#'   \item{`"path"`}{of a chain ([em_markov()]) the most probable sequence of states as a whole, a factor; the attribute
#'     `"log_joint"` is the logarithm of its joint probability with the rows, a number for each series}
#'   \item{`"filter"`}{of a chain the probabilities of each row's state given it and the rows before it}
#'   \item{`"response"`}{what the fit says of cells that are missing, or of columns that `newdata` lacks, given the others:
#'     mean, standard deviation and quantiles; of categories the probabilities of their levels. This is the one type
#'     that takes rows without some of the columns.}
#' }
#'   In a fit with noise, classes have the level `"noise"` and matrices a last column of that name.
#' @param size The trials of the new rows, for counts given as successes alone: one number, or one for each row; see
#'   [em_binomial()].
#' @param exposure The exposure of the new rows, for rates: one number, or one for each row; see [em_poisson()].
#' @param n.ahead Of a chain: how many rows to go beyond the end of each series. Then `type` is `"prob"` (what the states
#'   of these rows are likely to be), `"class"` or `"uncertainty"`.
#' @param probs Of `"response"`: the probabilities of the quantiles.
#' @param into Of `newdata` that are [em_chunks()]: where the predictions go, chunk by chunk. The name of files with a
#'   place for the chunk's number, `"class-%03d.csv"` (or `.rds`); a table, [em_table()]; or a function of the predictions
#'   (a data frame) and the number. What is returned, invisibly, is how many rows each component has.
#' @param keep Names of columns of the chunks, such as a key, that are written beside the predictions.
#' @param ... Nothing: an unknown argument is an error.
#' @return A factor, vector or matrix (of `"response"` a data frame, with `mean`, `sd` and quantiles such as `5%`; where
#'   several columns lack cells with the column's name behind, `mean.waiting`) with an entry or row for each row of `newdata`, under its row names. A row
#'   with missing values is judged by the cells that are observed: densities are those of their margin. Where
#'   nothing is observed the responsibilities are the proportions and the log density is 0. In a chain all rows of a series
#'   have a say in each other's, log densities are those given the rows before, and with `n.ahead` there are so many rows
#'   for each series, named `<series>+1` and so on where there are several. Rows that
#'   `na.exclude` left out of the fit give NA. Where rows have units, see [em_mixture()].
#' @section Errors: `emfit_error_newdata` where a column is lacking (named) or their number is wrong, where the
#'   trials are not said, and for rows without names where a formula transforms them;
#'   `emfit_error_unsupported` for what only a chain can say;
#'   `emfit_error_input` for values that are not finite or not numeric; `emfit_error_levels` for a level that the fit never
#'   saw; `emfit_error_counts`.
#' @references McLachlan, G. J. and Peel, D. (2000) *Finite Mixture Models*. Wiley. \doi{10.1002/0471721182}
#' @examples
#' fit <- em_fit(faithful, k = 2)
#' predict(fit, data.frame(waiting = c(50, 80), eruptions = c(2, 4.5)))
#' predict(fit, data.frame(waiting = c(50, 80), eruptions = c(2, 4.5)), type = "prob")
#' predict(fit, data.frame(eruptions = c(2, 3, 4.5)), type = "response")
#' @importFrom stats predict
#' @export
predict.em_fit <- function(object, newdata = NULL,
                           type = c("class", "prob", "density", "logdensity", "uncertainty", "component", "path",
                                    "filter", "response"),
                           size = NULL, exposure = NULL, n.ahead = NULL, probs = c(0.05, 0.5, 0.95), into = NULL,
                           keep = NULL, ...) {
  type <- check_choice(type, "type", eval(formals(predict.em_fit)$type))
  check_no_dots(list(...), names(formals(predict.em_fit)))
  if (inherits(newdata, "em_chunks")) return(predict_chunks(object, newdata, type, into, keep))
  check_no_into(into, keep)
  if (type == "response" && is.null(n.ahead)) {
    return(predict_response(object, newdata, said_beside(size, exposure), check_probabilities(probs, "probs")))
  }
  data <- rows_to_judge(object, newdata, said_beside(size, exposure))
  if (!is.null(n.ahead)) {
    return(latent_forecast(object$latent, object, data, check_count(n.ahead, "n.ahead"), type))
  }
  if (!type %in% c("path", "filter")) return(at_parameters(object, data, type))
  out <- latent_answer(object$latent, object, data, type)
  like <- attributes(out)["log_joint"]
  out <- with_row_names(spread_over(out, data$complete), data$row_names)
  if (type == "path") attr(out, "log_joint") <- like[[1L]]
  out
}

check_no_into <- function(into, keep) {
  if (is.null(into) && is.null(keep)) return(invisible())
  abort_em("argument", c("`into` and `keep` are for rows in chunks.", i = "predict(fit, em_chunks(files), into = \"class-%03d.csv\")"))
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
  refuse_sample(fit, "What was asked")
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
  fit <- whole_fit(fit)
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
#' @param type `"response"`, or `"pseudo"`: where the row stands in its law given all other rows, as a normal quantile.
#'   Of [em_categorical()] and [em_bernoulli()] also `"pairwise"` and `"cells"`, tables of the pairs of columns and of the cells, see there.
#' @param nsim How many data sets.
#' @param n How many rows each of them has. Left out: those of the fit, row by row, with their trials or exposure and their missing
#'   counts. With `n` the rows are new ones, none of them missing, and each has the trials of a row of the fit drawn
#'   by weight. Labels have no say in either. With units (see [em_mixture()]) `n` is their number.
#' @param seed `NULL`, or a number for [set.seed()]; the generator's state is put back afterwards.
#' @param ... Nothing: an unknown argument is an error.
#' @section Pseudo-residuals: The law of a row given all others is that of the components with shares: in a mixture the
#'   proportions, in a chain ([em_markov()]) what the other rows of its series say of its state. Where the model is right
#'   the probability of a value below the observed one is uniform, and its normal quantile, the pseudo-residual, standard
#'   normal (Zucchini, MacDonald & Langrock 2016, chapter 6). Counts jump: theirs are intervals. Of several variables each
#'   is judged by its margin.
#' @return `fitted()`, `residuals()`: an n x d matrix in the units of the data (successes for counts), a vector
#'   where there is one variable; residuals are NA where the data are. Pseudo-residuals of counts: a data frame of `lower`,
#'   `middle` (of the jump) and `upper`. `simulate()`: a list of `nsim` data frames
#'   with the columns of the data (where there are units, they are the first) and as many rows as the data or `n`, each with the attribute `component`, a factor
#'   of the true components.
#' @references McLachlan, G. J. and Peel, D. (2000) *Finite Mixture Models*. Wiley. \doi{10.1002/0471721182}
#'
#'   Zucchini, W., MacDonald, I. L. and Langrock, R. (2016) *Hidden Markov Models for Time Series*, 2nd ed. Chapman &
#'   Hall. \doi{10.1201/b20790}
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
  out <- weighted_means(means, r[, seq_len(object$k), drop = FALSE]) + noise_part(object$latent, r)
  in_user_shape(out, object, data)
}

# By the responsibilities r (n x k): n x d.
weighted_means <- function(means, r) {
  if (nrow(means) == 1L) return(unname(r %*% t(matrix(means, ncol(means)))))
  out <- matrix(0, nrow(r), ncol(means))
  for (j in seq_len(ncol(r))) out <- out + r[, j] * matrix(means[, , j], nrow(r))
  out
}

#' @rdname em_fit-rows
#' @importFrom stats residuals
#' @export
residuals.em_fit <- function(object, type = c("response", "pseudo", "pairwise", "cells"), ...) {
  check_dots(...)
  type <- check_choice(type, "type", c("response", "pseudo", "pairwise", "cells"))
  if (type %in% c("pairwise", "cells")) return(family_residuals(object$family, object, type))
  data <- fit_rows(object)
  if (type == "pseudo") return(pseudo_residuals(object, data))
  observed <- family_observed(object$family, object$data)
  in_user_shape(observed, object, data) - fitted(object)
}

pseudo_residuals <- function(fit, data) {
  x <- family_observed(fit$family, fit$data)
  upper <- columnwise(fit, x)
  if (!family_is_discrete(fit$family)) return(in_user_shape(qnorm_inside(upper), fit, data))
  lower <- pmin(columnwise(fit, x - 1), upper)
  out <- data.frame(lower = stats::qnorm(lower[, 1L]), middle = qnorm_inside((lower[, 1L] + upper[, 1L]) / 2),
                    upper = stats::qnorm(upper[, 1L]))
  out <- out[spread_over(seq_len(nrow(out)), data$complete), , drop = FALSE]
  row.names(out) <- data$row_names
  out
}

# The probability of a value up to that of each cell, given the other rows.
columnwise <- function(fit, x) {
  at <- vapply(seq_len(ncol(x)), function(j) distribution_at(fit, x[, j], j), numeric(nrow(x)))
  matrix(at, nrow(x))
}

in_user_shape <- function(out, fit, data) {
  out <- spread_over(out, data$complete)
  if (ncol(out) == 1L) return(with_row_names(as.vector(out), data$row_names))
  told <- colnames(family_observed(fit$family, fit$data))
  colnames(out) <- if (is.null(told)) fitted_names(fit$data) else told
  with_row_names(out, data$row_names)
}

# Rows drawn from those that count, by their weights: what simulated ones take from them is how many trials they have.
fresh_rows <- function(data, n) {
  if (!is.null(shared_units(data))) return(fresh_units(data, n))
  counting <- if (is.null(data$weights)) seq_len(data$n) else which(data$weights > 0)
  drawn <- counting[sample.int(length(counting), n, replace = TRUE, prob = data$weights[counting])]
  data$x <- data$x[drawn, , drop = FALSE]
  data[c("missing", "units")] <- list(NULL)
  data$n <- n
  data
}

# As many whole units, drawn by their weights.
fresh_units <- function(data, n) {
  first <- which(!duplicated(data$units$codes))
  drawn <- sample.int(length(first), n, replace = TRUE, prob = data$weights[first])
  new <- rows_of_units(data$units, drawn)
  data$x <- data$x[new$rows, , drop = FALSE]
  data$units <- new$units
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
  labels <- component_names_of(object)
  with_seed(seed, lapply(seq_len(nsim), function(i) {
    if (is.null(n)) refuse_sample(object, "simulate() without `n`", "Say how many rows: simulate(fit, n = 1000).")
    data <- if (is.null(n)) object$data else fresh_rows(object$data, n)
    component <- latent_simulate(object$latent, object$parameters, data$n, NULL, unit_codes(data))
    rows <- simulate_rows(fit_model(object), object$parameters, component, data)
    rows <- with_unit_column(rows, shared_units(data))
    structure(rows, component = factor(labels[component], levels = labels))
  }))
}

# What is drawn from this seed, R's own stream going on as if nothing had been; NULL: drawn from that.
with_seed <- function(seed, draw) {
  if (is.null(seed)) return(draw)
  state <- get0(".Random.seed", globalenv(), inherits = FALSE)
  on.exit(if (is.null(state)) rm(".Random.seed", envir = globalenv()) else assign(".Random.seed", state, envir = globalenv()))
  base::set.seed(seed)
  draw
}
