#' One iteration at a time
#'
#' The two halves of the algorithm, for teaching and for loops of one's own. They are the same code that
#' [em_fit()] runs, so a loop written with them gives the same numbers.
#'
#' `em_estep()` gives every row's responsibilities at given parameters. `em_mstep()` gives the parameters that
#' maximise the expected log-likelihood for given responsibilities. Known groups are the simplest case:
#' `em_mstep()` from a factor gives the closed-form estimates.
#'
#' @param x The data, as in [em_fit()]; a matrix, data frame or vector. Columns are found by name, as in
#'   [predict.em_fit()], where the parameters have names of variables; for a fit by formula they are those of the
#'   formula.
#' @param parameters What [em_start()] or [em_mstep()] returned, or a fit. `em_mstep()` can do without:
#'   it then needs `family` and `latent`.
#' @param responsibilities An n x k matrix whose rows sum to one, what `em_estep()` returned, or a factor
#'   of known groups. With noise (see [em_mixture()]) the matrix has k + 1 columns, and the factor may have a level
#'   `"noise"`.
#' @param algorithm `"em"`, or `"ecm"`: the spread about the means in `parameters`.
#' @param size The trials of the rows, for counts given as successes alone; as in [em_binomial()]. Left out: those of
#'   the family in `parameters`, which a fit has for its own rows only where they are one for each row.
#' @param exposure The exposure of the rows, for rates; as in [em_poisson()]. Left out: as for `size`.
#' @param family,latent As in [em_fit()]; used where `parameters` is left out.
#' @return `em_estep()`: a list of `responsibilities` (n x k), `loglik` (one number) and `log_density` (n x k, of the
#'   components, without the proportions). `em_mstep()`: parameters, as [em_start()].
#'   Of topics (see [em_topics()]) `em_estep()` gives `documents` (gamma, documents x k), `words` (expected words, k x
#'   terms), `log_shares` (k sums over the documents of the expected log shares), `n` (documents with words), `bounds` (of
#'   each document) and `bound`; gamma is taken from equal shares to convergence, the published algorithm, while [em_fit()]
#'   makes one sweep from the gamma of the iteration before. `em_mstep()` takes that list.
#' @section Errors: `emfit_error_newdata` where a column is lacking, or the trials are not said;
#'   `emfit_error_start` where parameters or responsibilities do not fit the data;
#'   `emfit_error_argument`; and those of [em_fit()] for the data.
#' @references Dempster, A. P., Laird, N. M. and Rubin, D. B. (1977) Maximum likelihood from incomplete data via
#'   the EM algorithm. *Journal of the Royal Statistical Society B* 39, 1-38.
#'   \doi{10.1111/j.2517-6161.1977.tb01600.x}
#' @seealso [em_path()] for all iterations of a fit
#' @examples
#' x <- coins[c("heads", "tails")]
#' p <- em_start(x, family = "binomial", latent = em_mixture("equal"),
#'               start = list(prob = c(A = 0.6, B = 0.5)))
#' for (i in 1:10) {
#'   e <- em_estep(x, p)
#'   p <- em_mstep(x, e, p)
#' }
#' p$prob
#'
#' em_mstep(x, coins$coin, family = "binomial")$prob # the coins known: 24/30 and 9/20
#' @export
em_estep <- function(x, parameters, size = NULL, exposure = NULL) {
  own <- latent_step(latent_of(parameters), x, parameters)
  if (!is.null(own)) return(own)
  fit <- parameters
  parameters <- as_em_parameters(parameters)
  model <- parameters_model(parameters)
  data <- step_data(x, fit, parameters, model, said_beside(size, exposure))
  out <- expect_em(data, parameters, model, c("responsibilities", "log_density", "loglik"))
  names <- list(data$row_names, names(parameters[[1L]]))
  dimnames(out$responsibilities) <- dimnames(out$log_density) <- names
  c(out[c("responsibilities", "loglik", "log_density")], latent_estep(model$latent, parameters, out, data, model))
}

#' @rdname em_estep
#' @export
em_mstep <- function(x, responsibilities, parameters = NULL, algorithm = c("em", "ecm"), family = em_gaussian(),
                     latent = em_mixture(), size = NULL, exposure = NULL) {
  algorithm <- check_choice(algorithm, "algorithm", c("em", "ecm"))
  own <- latent_step(latent_of(parameters), x, parameters, responsibilities)
  if (!is.null(own)) return(own)
  if (is.list(responsibilities) && !is.null(responsibilities$responsibilities)) {
    responsibilities <- responsibilities$responsibilities
  }
  if (is.object(responsibilities)) responsibilities <- start_of_object(responsibilities, NULL, latent)
  if (is.null(parameters)) {
    family <- family_with(as_em_family(family), said_beside(size, exposure))
    return(first_mstep(x, responsibilities, family, as_em_latent(latent), algorithm))
  }
  fit <- parameters
  parameters <- as_em_parameters(parameters)
  model <- parameters_model(parameters)
  data <- step_data(x, fit, parameters, model, said_beside(size, exposure))
  given <- as_responsibilities(responsibilities, data, model$latent, latent_columns(model$latent, model$k))
  statistics <- expect_em(data, parameters, model, "statistics", given)$statistics
  out <- maximise_em(data, statistics, parameters, model, algorithm)
  new_em_parameters(out, component_names(flat_parameters(parameters), model$k), model, data, attr(parameters, "columns"))
}

# The rows of one step, under the columns of the parameters. What a fit says of its own rows is not said of others.
step_data <- function(x, given, parameters, model, beside) {
  family <- model$family
  of_fit <- inherits(given, "em_fit")
  if (length(beside)) family <- family_with(family, beside)
  else if (of_fit) family <- family_of_others(family, NROW(x))
  parted <- if (of_fit) new_units(x, given) else part_units(x, attr(parameters, "latent"))
  x <- parted$x
  columns <- attr(parameters, "columns")
  if (of_fit) parted$x <- named_rows(x, given$data, family_variables(family))
  else if (length(columns) && length(colnames(x))) parted$x <- pick_columns(x, columns)
  data <- em_data(parted$x, family, units = parted$units)
  check_fits_data(parameters, data)
  data
}

first_mstep <- function(x, responsibilities, family, latent, algorithm) {
  if (algorithm == "ecm") {
    abort_em("argument", "`parameters` must be given for algorithm = \"ecm\": it takes the spread about their means.")
  }
  parted <- part_units(x, latent)
  data <- em_data(parted$x, family, units = parted$units)
  groups <- if (is.matrix(responsibilities)) seq_len(ncol(responsibilities)) else partition_levels(responsibilities)
  labels <- if (is.matrix(responsibilities)) colnames(responsibilities)
            else if (!is.numeric(responsibilities)) as.character(groups)
  extra <- latent_columns(latent, 1L) - 1L
  if (extra > 0L) labels <- setdiff(labels, "noise")
  if (!length(labels)) labels <- NULL
  latent <- latent_bind(latent, data, family)
  given <- as_responsibilities(responsibilities, data, latent, length(groups))
  k <- ncol(given) - extra
  model <- list(family = family_check(family, data, k), latent = latent, k = k)
  out <- parameters_from(data, given, model)
  new_em_parameters(out, labels, model, data)
}

# With noise its column is the last, and rows of a factor's level "noise" are in it.
as_responsibilities <- function(responsibilities, data, latent, columns) {
  if (!is.matrix(responsibilities)) return(latent_given(latent, responsibilities, data, columns))
  check_responsibilities(responsibilities, data, columns, "responsibilities")
  responsibilities
}

# 1 in the column of each row's group.
one_hot <- function(groups, data, k) {
  labels <- partition_labels(groups, data, k, "responsibilities")
  out <- matrix(0, data$n, k)
  out[cbind(seq_len(data$n), labels)] <- 1
  out
}

# NULL where they don't say.
latent_of <- function(parameters) {
  if (inherits(parameters, "em_fit")) parameters$latent
  else if (inherits(parameters, "em_parameters")) attr(parameters, "latent")
}

as_em_parameters <- function(parameters) {
  if (inherits(parameters, "em_parameters")) return(parameters)
  if (inherits(parameters, "em_fit")) return(parameters_of_fit(parameters))
  abort_em("argument", sprintf("`parameters` must come from em_start(), em_mstep() or em_fit(), not %s.",
                               describe_value(parameters)))
}

parameters_of_fit <- function(fit) {
  structure(fit$parameters, class = "em_parameters", family = fit$family, latent = fit$latent, k = fit$k,
            columns = fit$data$names, width = data_width(fit$data))
}

parameters_model <- function(parameters) {
  list(family = attr(parameters, "family"), latent = attr(parameters, "latent"), k = attr(parameters, "k"))
}

check_fits_data <- function(parameters, data) {
  d <- attr(parameters, "width")
  if (data_width(data) != d) {
    abort_em("input", sprintf("`x` must have the %s of `parameters`, not %d.", plural(d, "column"), data_width(data)))
  }
}

#' The path of a fit: parameters at every iteration
#'
#' All parameters at iteration 0 (the start), 1, 2, ... in a long data frame. Where the fit did not keep its
#' path, the run is replayed from the stored start, which gives the same numbers.
#'
#' @param fit A fit by [em_fit()].
#' @return A data frame with `iteration`, `component`, `term` (`proportion`, `mean`, `sd`, `prob`,
#'   `mean.<variable>`, `covariance.<variable>.<variable>`), `value` and `loglik` of the iteration (with a prior the
#'   objective: see [em_prior()]).
#' @section Errors: `emfit_error_argument` where `fit` is not a fit.
#' @references Wu, C. F. J. (1983) On the convergence properties of the EM algorithm. *Annals of Statistics* 11,
#'   95-103. \doi{10.1214/aos/1176346060}
#' @seealso [em_fit()], [plot.em_fit()]
#' @examples
#' fit <- em_fit(red_blue$value, start = list(mean = c(red = 1.1, blue = 9), sd = c(2, 1.7)))
#' head(em_path(fit))
#' @export
em_path <- function(fit) {
  check_fit(fit, "em_path()")
  if (is.null(fit$path)) refuse_sample(fit, "em_path()", "Keep the path when fitting: em_control(path = TRUE).")
  path <- path_parameters(fit)
  fields <- fit_fields(fit)
  tables <- lapply(seq_along(path), function(i) {
    table <- parameter_table(path[[i]], fields)
    data.frame(iteration = i - 1L, component = table$component, term = parameter_terms(table),
               value = table$estimate, loglik = fit$trace$loglik[i])
  })
  do.call(rbind, tables)
}

# The parameters of iteration 0, 1, 2, ...: those that were kept, or the run once more.
path_parameters <- function(fit) {
  lapply(if (is.null(fit$path)) replay_path(fit) else fit$path, with_shares, latent = fit$latent)
}

# In the order that the run had: a long step weighs sums whose rounding depends on it, and a walk from where two components
# are nearly one may end with them exchanged.
replay_path <- function(fit) {
  fields <- fit_fields(fit)
  labels <- sheet_labels(fit_model(fit), component_names_of(fit)[seq_len(fit$k)], fit$data)
  order <- if (is.null(fit$order)) seq_len(fit$k) else fit$order
  if (!is.null(fit$order)) fit <- em_relabel(fit, order(order))
  control <- fit$control
  control$path <- TRUE
  start <- list(items = list(c(list(parameters = plain_parameters(fit$start), may_borrow = FALSE), seed = fit$seed)))
  path <- unpack_path(run_em(fit$data, start, fit_model(fit), control))
  lapply(path, function(parameters) name_parameters(permute_components(parameters, fields, order), fields, labels))
}
