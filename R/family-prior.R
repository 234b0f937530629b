# A conjugate prior on the components of a Gaussian family; src/gaussian_prior.h has the mathematics. What
# em_prior() left open is filled in by resolve_prior() when the family meets its data; `open` remembers what that was.

#' A prior on components
#'
#' A conjugate prior on the parameters of every component. Of Gaussian ones, on mean and covariance: of a mean given its covariance a normal
#' distribution, of the covariance an inverse Wishart one. The fit is then the mode of the posterior (MAP). A weak
#' prior keeps components from collapsing onto a few points, where the likelihood has no maximum (Fraley & Raftery
#' 2007).
#'
#' The prior is the product over the components of
#' \deqn{N(\mu_k; m, \Sigma_k/\kappa) \; IW(\Sigma_k; \nu, \Lambda)}{N(mu_k; m, Sigma_k/kappa) IW(Sigma_k; nu, Lambda)}
#' on the covariances as the structure makes them, so each of the 14 M-steps reads \eqn{n_k + \nu + d + 2} in the
#' place of its rows and \eqn{W_k + \Lambda + \kappa n_k / (\kappa + n_k) (\bar x_k - m)(\bar x_k - m)^T}{W_k + Lambda
#' + kappa n_k / (kappa + n_k) (xbar_k - m)(xbar_k - m)'} in the place of its scatter; means are drawn towards m, as by
#' \eqn{\kappa}{kappa} rows there. Proportions have no prior. Structures that share a covariance count the prior once
#' for each component (Fraley and Raftery: once altogether), so nested structures stay ordered.
#'
#' What the fit maximises is the log-likelihood plus the logarithm of the prior (up to a constant): that is
#' `fit$objective`, and the numbers in `fit$trace`, `fit$starts` and [em_path()]. [stats::logLik()], and with it AIC
#' and BIC, is the log-likelihood alone. [stats::vcov()] is the inverse of minus the second derivatives of the
#' objective.
#'
#' @param mean m, a number for each variable; `NULL` takes the means of the data.
#' @param kappa How many rows at m the prior is worth for a mean: a number of 0 or more. With 0 nothing is said of
#'   the means, and covariances get \eqn{n_k + \nu + d + 1}.
#' @param nu Degrees of freedom of the inverse Wishart distribution, a number of 0 or more, proper above d - 1; `NULL`
#'   takes d + 2.
#' @param scale \eqn{\Lambda}{Lambda}, in squared units of the data: a positive definite d x d matrix, or one positive
#'   number, or d of them for its diagonal. `NULL` takes the covariance of all rows over k^(2/d), with missing values
#'   that of the cells observed, and its diagonal alone where it is singular (collinear columns, fewer rows than
#'   columns). Diagonal structures read the diagonal alone.
#' @param shape,rate Of Poisson components: a gamma distribution for every rate, with density proportional to
#'   \eqn{\lambda^{shape - 1} e^{-rate \lambda}}{lambda^(shape - 1) exp(-rate lambda)}. That adds `shape - 1` counts and
#'   `rate` units of exposure to each component. `shape` is 1 or more, `rate` 0 or more; they say nothing where they
#'   are 1 and 0, as the one of them that is left out is. With `shape` above 1 no rate is 0.
#' @param counts Of [em_categorical()], [em_bernoulli()] and [em_multinomial()]: a Dirichlet distribution for the
#'   probabilities of every item in every component, worth so many rows that are spread over the levels as all rows are. A
#'   number of 0 or more; 1 is what is usual against probabilities of 0 and 1.
#' @section Few rows: With a prior the maximum exists for any finite data, so that none are refused: there may be fewer
#'   rows than columns or than components, and columns may be constant or linear combinations of others. For one
#'   component it is the closed form above. A constant column has no variance that `scale = NULL` could take; it must
#'   be given then.
#' @return An object of class `em_prior`, for the `prior` of [em_gaussian()]: a list of the four; of [em_poisson()]: of
#'   `shape` and `rate`; of categories: of `counts`. In a fit
#'   `fit$family$prior` holds the numbers that were used.
#' @section Errors: `emfit_error_argument`, also from [em_fit()] where the sizes do not fit the data;
#'   `emfit_error_input` from [em_fit()] where `scale` is open and a column is constant.
#' @references Fraley, C. and Raftery, A. E. (2007) Bayesian regularization for normal mixture estimation and
#'   model-based clustering. *Journal of Classification* 24, 155-181. \doi{10.1007/s00357-007-0004-5}
#' @seealso [em_gaussian()], [em_poisson()], [em_fit()]
#' @examples
#' # Four equal rows: one component can shrink onto them, and the likelihood grows without bound
#' x <- c(1.2, 1.2, 1.2, 1.2, faithful$eruptions[1:60])
#' set.seed(1)
#' em_fit(x, k = 3, family = em_gaussian("V", prior = em_prior()))
#' @export
em_prior <- function(mean = NULL, kappa = 0.01, nu = NULL, scale = NULL, shape = NULL, rate = NULL, counts = NULL) {
  if (!is.null(counts)) {
    more <- !is.null(mean) || !missing(kappa) || !is.null(nu) || !is.null(scale) || !is.null(shape) || !is.null(rate)
    return(counts_prior(counts, more))
  }
  if (!is.null(shape) || !is.null(rate)) {
    return(gamma_prior(shape, rate, !is.null(mean) || !missing(kappa) || !is.null(nu) || !is.null(scale)))
  }
  if (!is.null(mean)) mean <- check_prior_numbers(mean, "mean")
  kappa <- check_nonnegative(kappa, "kappa")
  if (!is.null(nu)) nu <- check_nonnegative(nu, "nu")
  if (!is.null(scale)) scale <- check_prior_scale(scale)
  structure(list(mean = mean, kappa = kappa, nu = nu, scale = scale), class = "em_prior")
}

# What is left out says nothing.
gamma_prior <- function(shape, rate, more) {
  if (more) {
    abort_em("argument", c("`shape` and `rate` can't stand beside `mean`, `kappa`, `nu` or `scale`.",
                           i = "A prior on rates is em_prior(shape = 2, rate = 1)."))
  }
  shape <- if (is.null(shape)) 1 else check_nonnegative(shape, "shape")
  if (shape < 1) {
    abort_em("argument", c(sprintf("`shape` must be 1 or more, not %s.", number(shape)),
                           i = "Below 1 the density is infinite at rate 0, which would be every mode."))
  }
  structure(list(shape = shape, rate = if (is.null(rate)) 0 else check_nonnegative(rate, "rate")), class = "em_prior")
}

counts_prior <- function(counts, more) {
  if (more) {
    abort_em("argument", c("`counts` can't stand beside what other priors have.",
                           i = "A prior on categories is em_prior(counts = 1)."))
  }
  structure(list(counts = check_nonnegative(counts, "counts")), class = "em_prior")
}

check_prior_numbers <- function(x, arg) {
  if (!is.numeric(x) || !length(x) || !all(is.finite(x))) {
    abort_em("argument", sprintf("`%s` must be finite numbers, not %s.", arg, describe_value(x)))
  }
  if (is.matrix(x)) x else stats::setNames(as.double(x), names(x))
}

check_prior_scale <- function(scale) {
  if (is.data.frame(scale)) scale <- as.matrix(scale)
  scale <- check_prior_numbers(scale, "scale")
  if (!is.matrix(scale)) {
    if (all(scale > 0)) return(scale)
    abort_em("argument", sprintf("`scale` must be positive: it is %s.", enumerate(number(scale))))
  }
  square <- nrow(scale) == ncol(scale) && max(abs(scale - t(scale))) <= 1e-8 * max(abs(scale))
  if (!square || is.null(tryCatch(chol(scale), error = function(e) NULL))) {
    abort_em("argument", "`scale` must be a symmetric and positive definite matrix.")
  }
  scale
}

# slots: what priors on such components have.
check_prior <- function(prior, slots = c("mean", "kappa", "nu", "scale"), family = "Gaussian") {
  if (is.null(prior) || inherits(prior, "em_prior") && all(slots %in% names(prior))) return(prior)
  if (inherits(prior, "em_prior")) {
    abort_em("argument", sprintf("`prior` must be one on %s components, with %s: this one has %s.", family,
                                 enumerate(slots), enumerate(names(prior))))
  }
  abort_em("argument", sprintf("`prior` must be a call such as em_prior(), not %s.", describe_value(prior)))
}

# What was left open gets its numbers, those of k components; what was given its shape.
resolve_prior <- function(prior, data, k) {
  if (is.null(prior)) return(NULL)
  d <- ncol(data$x)
  open <- if (is.null(prior$open)) names(prior)[vapply(prior, is.null, NA)] else prior$open
  moments <- if (any(c("mean", "scale") %in% open)) overall_moments(data)
  out <- list(mean = prior$mean, kappa = prior$kappa, nu = prior$nu, scale = prior$scale)
  if ("mean" %in% open) out$mean <- moments$mean
  if ("nu" %in% open) out$nu <- d + 2
  if ("scale" %in% open) out$scale <- default_scale(moments$covariance, data, k)
  out$mean <- prior_mean(out$mean, data, d)
  out$scale <- prior_scale(out$scale, data, d)
  structure(c(out, list(open = open)), class = "em_prior")
}

# The covariance of the data for each of k components; its diagonal where it is no covariance of full rank.
default_scale <- function(covariance, data, k) {
  d <- ncol(covariance)
  variance <- diag(covariance)
  for (j in which(!is.finite(variance))) check_reach(data, j)
  flat <- which(!(variance > 0))
  if (length(flat)) abort_no_scale(variance, flat, data, k)
  scale <- covariance / k^(2 / d)
  root <- sqrt(variance)
  factor <- tryCatch(chol(covariance / outer(root, root)), error = function(e) NULL)
  if (is.null(factor) || min(diag(factor))^2 < 1e-13) diag(variance / k^(2 / d), d) else scale
}

abort_no_scale <- function(variance, flat, data, k) {
  d <- length(variance)
  variance[flat] <- if (length(flat) < d) min(variance[-flat]) else 1
  example <- if (d > 6L) sprintf("rep(1, %d)", d) else sprintf(if (d > 1L) "c(%s)" else "%s",
                                                               toString(signif(variance / k^(2 / d), 2L)))
  abort_em("input", c(
    sprintf("%s %s constant, so the default of the prior has no scale for %s.", name_column(data, flat),
            if (length(flat) > 1L) "are" else "is", if (length(flat) > 1L) "them" else "it"),
    i = sprintf("Say how much a component may spread, in squared units: em_prior(scale = %s).", example)
  ))
}

prior_mean <- function(mean, data, d) {
  if (!is.null(names(mean)) && setequal(names(mean), data$names)) mean <- mean[data$names]
  if (length(mean) == d) return(as.double(mean))
  abort_em("argument",
           sprintf("`mean` of the prior must have a number for each variable: %d, not %d.", d, length(mean)))
}

prior_scale <- function(scale, data, d) {
  if (!is.matrix(scale) && length(scale) %in% c(1L, d)) scale <- diag(as.double(scale), d)
  if (!identical(dim(scale), c(d, d))) {
    abort_em("argument", sprintf("`scale` of the prior must be one number, %d numbers or a %d x %d matrix.", d, d, d))
  }
  has <- colnames(scale)
  if (!is.null(has) && !identical(has, data$names) && setequal(has, data$names)) {
    scale <- scale[match(data$names, has), match(data$names, has)]
  }
  matrix(as.double((scale + t(scale)) / 2), d, d)
}

# Means and covariance of all rows, weights counting as rows; of the cells observed where some are missing, with
# the correlations of rows filled in by the means. The divisor is one row less than there are.
overall_moments <- function(data) {
  x <- rows_that_count(data)
  w <- if (is.null(data$weights)) rep(1, nrow(x)) else data$weights[data$weights > 0]
  seen <- !is.na(x)
  mass <- colSums(w * seen)
  first <- x[cbind(apply(seen, 2L, function(s) which(s)[1L]), seq_len(ncol(x)))]
  z <- x - rep(first, each = nrow(x))
  z[!seen] <- 0
  centre <- colSums(w * z) / mass
  z <- (z - rep(centre, each = nrow(x))) * seen
  size <- sqrt(colSums(w * z^2))
  # A single row, or several that weigh less than one, tell of no spread.
  rows <- mass - weight_of_row(data$weights)
  spread <- ifelse(rows > 0, size / sqrt(pmax(rows, 0)), 0)
  root <- sqrt(w) * z / rep(ifelse(size > 0, size, 1), each = nrow(x))
  list(mean = first + centre, covariance = crossprod(root) * outer(spread, spread))
}

#' @export
format.em_prior <- function(x, ...) {
  check_dots(..., let_pass = format_arguments)
  shown <- function(name) {
    value <- x[[name]]
    if (is.null(value)) return(paste(name, "from the data"))
    paste(name, if (length(value) > 4L) paste(dim(value), collapse = " x ") else enumerate(number(value)))
  }
  slots <- setdiff(names(x), c("open", "rows"))
  paste0("Prior on ", if ("rate" %in% slots) "rates" else if ("counts" %in% slots) "probabilities" else "Gaussian components", ": ",
         paste(vapply(slots, shown, ""), collapse = "; "))
}

#' @export
print.em_prior <- function(x, ...) {
  check_dots(..., let_pass = print_arguments)
  cat(format(x), "\n", sep = "")
  invisible(x)
}

has_prior <- function(fit) !is.null(fit$family$prior)

refuse_prior <- function(fit, verb, why) {
  if (has_prior(fit)) abort_em("unsupported", sprintf("%s can't take a fit with a prior: %s.", verb, why))
}
