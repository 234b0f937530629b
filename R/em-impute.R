#' Fill in missing values
#'
#' Completes rows with missing cells by what a fit says of them, given the cells that are observed: by their
#' expected values, or by draws for multiple imputation. Noise fills its box evenly, whatever cells are observed.
#'
#' `type = "mean"` puts the conditional mean in every gap, averaged over the components by their responsibilities.
#' That is the best single guess, but data filled so vary too little: standard errors from them are too small.
#'
#' `type = "draw"` is multiple imputation (Rubin 1987). For each of `m` data sets parameters are drawn, then for
#' each row a component by its responsibilities, then the missing cells from their conditional normal distribution.
#' Analyse each data set and combine the results by Rubin's rules. `parameters = "bootstrap"` takes the parameters
#' from refits to resampled rows, [em_bootstrap()], so that the draws also carry the uncertainty of the fit, which
#' makes them proper; `"vcov"` draws them from the normal distribution about the estimates whose covariance is
#' [vcov()]'s, in coordinates in which any point is a possible one, which needs no refits and more rows to be
#' right; `"estimate"` takes those of the fit each time, which understates the uncertainty.
#'
#' @param fit A fit of Gaussian components, of categories, or of mixed columns, by [em_fit()].
#' @param newdata Rows to complete, columns found by name as in [predict.em_fit()]; left out: the rows of the fit.
#' @param m How many completed data sets; left out: 1 for means, 5 for draws.
#' @param type `"mean"` or `"draw"`. Categories and mixed columns have no mean: of them it is `"draw"`, also
#'   where left out.
#' @param parameters Where the parameters of draws come from: `"bootstrap"`, `"vcov"` or `"estimate"`.
#' @return A list of `m` completed data sets in the units of the data: data frames with the columns of the fit (with
#'   `newdata` a data frame: all of its columns), numeric vectors where the fit is of a vector. Observed cells
#'   are as they were.
#' @section Errors: `emfit_error_unsupported` for other families; `emfit_error_argument`; for `newdata` those of
#'   [predict.em_fit()].
#' @references Rubin, D. B. (1987) *Multiple Imputation for Nonresponse in Surveys*. Wiley.
#'   \doi{10.1002/9780470316696}
#' @seealso [em_fit()] on missing values, `vignette("missing-values")`
#' @examples
#' fit <- em_fit(airquality[1:4], k = 1, na.action = na.pass)
#' head(em_impute(fit)[[1]])
#' set.seed(1)
#' sets <- em_impute(fit, m = 3, type = "draw")
#' sapply(sets, function(data) coef(lm(Ozone ~ Temp, data)))
#' @export
em_impute <- function(fit, newdata = NULL, m = NULL, type = c("mean", "draw"),
                      parameters = c("bootstrap", "vcov", "estimate")) {
  check_fit(fit, "em_impute()")
  refuse_sample(fit, "em_impute()")
  ways <- family_fills(fit$family)
  if (missing(type) && length(ways)) type <- ways[1L]
  type <- check_choice(type, "type", c("mean", "draw"))
  parameters <- check_choice(parameters, "parameters", c("bootstrap", "vcov", "estimate"))
  m <- check_count(if (is.null(m)) if (type == "mean") 1L else 5L else m, "m")
  if (!length(ways)) {
    abort_em("unsupported", sprintf("em_impute() has nothing to fill in rows of %s components with.", fit$family$name))
  }
  if (!type %in% ways) {
    abort_em("unsupported", c(sprintf("Cells of %s components have no %s to be filled in with.", fit$family$name, type),
                              i = sprintf("Use type = \"%s\".", ways[1L])))
  }
  data <- if (is.null(newdata)) fit$data else new_data(newdata, fit)
  if (is.null(newdata)) data$labels <- fit$data$labels
  if (type == "mean") {
    filled <- fill_means(data, fit$parameters, fit)
    return(rep(list(as_given(filled, newdata, fit, data)), m))
  }
  lapply(drawn_parameters(fit, m, parameters), function(p) {
    as_given(fill_draws(data, p, fit), newdata, fit, data)
  })
}

# visit(rows, observed columns, missing columns) for each pattern with gaps.
for_each_pattern <- function(x, visit) {
  missing <- is.na(x)
  alike <- do.call(paste0, columns_of(missing + 0L))
  first <- which(!duplicated(alike))
  key <- vapply(first, function(i) paste(which(missing[i, ]), collapse = " "), "")
  for (rows in split(seq_len(nrow(x)), key[match(alike, alike[first])])) {
    gaps <- missing[rows[1L], ]
    if (any(gaps)) visit(rows, which(!gaps), which(gaps))
  }
}

fill_means <- function(data, p, fit) {
  r <- expect_em(data, p, fit_model(fit), "responsibilities")$responsibilities
  filled <- data$x
  for_each_pattern(data$x, function(rows, o, g) {
    sum <- 0
    for (j in seq_len(fit$k)) sum <- sum + r[rows, j] * family_conditional(fit$family, p, data$x[rows, , drop = FALSE], o, g, j)$mean
    filled[rows, g] <<- sum + noise_part(fit$latent, r[rows, , drop = FALSE], g)
  })
  filled
}

fill_draws <- function(data, p, fit) {
  r <- expect_em(data, p, fit_model(fit), "responsibilities")$responsibilities
  # The first component whose cumulated probability passes a uniform number.
  component <- 1L + rowSums(row_cumsum(r) < draw_units(data, function(w) stats::runif(length(w))))
  component <- pmin(component, ncol(r))
  filled <- data$x
  for_each_pattern(data$x, function(rows, o, g) {
    for (j in unique(component[rows])) {
      own <- rows[component[rows] == j]
      if (j > fit$k) {
        filled[own, g] <<- simulate_noise(fit$latent$box, length(own))[, g]
        next
      }
      given <- family_conditional(fit$family, p, data$x[own, , drop = FALSE], o, g, j)
      filled[own, g] <<- given$draw()
    }
  })
  filled
}

drawn_parameters <- function(fit, m, from) {
  if (from == "estimate") return(rep(list(fit$parameters), m))
  if (from == "vcov") return(parameters_about_estimate(fit, m))
  boot <- em_bootstrap(fit, n_boot = max(2L, m))
  sound <- which(!is.na(boot$replicates[, 1L]))
  if (!length(sound)) {
    abort_em("degenerate", c("No refit to resampled rows led to a fit.", i = "Use parameters = \"estimate\"."))
  }
  chosen <- sound[(seq_len(m) - 1L) %% length(sound) + 1L]
  lapply(chosen, function(i) parameters_of_row(fit$parameters, fit_fields(fit), boot$replicates[i, ]))
}

# Draws from the normal distribution that vcov() describes, in free coordinates.
parameters_about_estimate <- function(fit, m) {
  found <- estimated_parameters(fit)
  free <- free_covariance(fit, found, "observed")
  warn_standard_error(fit, found, free)
  parts <- eigen(free$covariance / row_weight(fit$data), symmetric = TRUE)
  size <- length(parts$values)
  u <- parts$vectors %*% (sqrt(pmax(parts$values, 0)) * matrix(stats::rnorm(size * m), size))
  place_em(fit$data, fit$parameters, fit_model(fit), u)
}

# A row of coefficients -> parameters; an entry of a covariance stands for the one across the diagonal too.
parameters_of_row <- function(parameters, fields, row) {
  parameters <- flat_parameters(parameters)
  packed <- unlist(lapply(parameters, as.double), use.names = FALSE)
  packed[packed_positions(parameters, fields)] <- row
  at <- 0L
  for (name in names(parameters)) {
    size <- length(parameters[[name]])
    parameters[[name]][] <- packed[at + seq_len(size)]
    at <- at + size
  }
  for (name in names(fields)) {
    if (fields[[name]]$scale == "covariance") parameters[[name]][] <- apply(parameters[[name]], 3L, mirror_below)
  }
  parameters
}

mirror_below <- function(sigma) {
  sigma[upper.tri(sigma)] <- t(sigma)[upper.tri(sigma)]
  sigma
}

# Completed numbers in the shape in which the rows came.
as_given <- function(filled, newdata, fit, data) {
  columns <- family_filled(fit$family, filled, fit$data)
  if (inherits(newdata, "data.frame") && !is.null(fit$data$names) && all(fit$data$names %in% names(newdata))) {
    for (j in seq_along(fit$data$names)) {
      gaps <- is.na(newdata[[fit$data$names[j]]])
      if (any(gaps)) newdata[[fit$data$names[j]]] <- fill_gaps(newdata[[fit$data$names[j]]], gaps, columns[[j]][gaps])
    }
    return(newdata)
  }
  if (fit$data$vector) return(stats::setNames(columns[[1L]], data$row_names))
  out <- plain_frame(stats::setNames(columns, variable_names(fit$data)))
  if (!is.null(data$row_names)) attr(out, "row.names") <- data$row_names
  out
}

# A factor has to know a level before it can have it.
fill_gaps <- function(column, gaps, values) {
  if (is.factor(column)) {
    values <- as.character(values)
    levels(column) <- union(levels(column), values)
  }
  column[gaps] <- values
  column
}
