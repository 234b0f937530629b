# Conversions for other packages, registered when these are loaded and never needed without them.

# For the parameters package: one row for each parameter, under its names for the columns.
#' @method model_parameters em_fit
#' @exportS3Method parameters::model_parameters em_fit
model_parameters.em_fit <- function(model, ci = 0.95, verbose = TRUE, ...) {
  check_dots(...)
  table <- tidy_parameters(model, conf.int = TRUE, conf.level = ci)
  out <- data.frame(Parameter = parameter_names(table), Coefficient = table$estimate, SE = table$std.error, CI = ci,
                    CI_low = table$conf.low, CI_high = table$conf.high, Component = table$component)
  structure(out, class = c("parameters_model", "data.frame"), ci = ci, model_class = class(model)[1L], digits = 2,
            ci_digits = 2, pretty_names = stats::setNames(out$Parameter, out$Parameter))
}

# For the performance package: the criteria of the fit; all, or those that `metrics` names.
#' @method model_performance em_fit
#' @exportS3Method performance::model_performance em_fit
model_performance.em_fit <- function(model, metrics = "all", verbose = TRUE, ...) {
  check_dots(...)
  line <- glance.em_fit(model)
  out <- data.frame(line[c("logLik", "AIC", "BIC", "ICL")], Entropy = line$entropy, Nobs = line$nobs)
  if (!identical(metrics, "all") && !identical(metrics, "common")) {
    for (name in metrics) check_choice(name, "metrics", names(out))
    out <- out[metrics]
  }
  structure(out, class = c("performance_model", "data.frame"))
}

# For mclust: a fit as mclust would have returned it. Its criteria have the opposite sign there.
#' @method as.Mclust em_fit
#' @exportS3Method mclust::as.Mclust em_fit
as.Mclust.em_fit <- function(x, ...) {
  check_dots(...)
  if (class(x$family)[1L] != "em_family_gaussian") {
    abort_em("unsupported", sprintf("mclust has no %s components.", x$family$name))
  }
  if (length(component_names_of(x)) != x$k) {
    abort_em("unsupported", "A fit with noise can't be handed to mclust.")
  }
  data <- x$data$x
  colnames(data) <- variable_names(x$data)
  r <- responsibilities(x)
  model <- mclust_model_name(x$family$covariance, ncol(data), x$k)
  class <- max.col(r, ties.method = "first")
  structure(list(
    call = x$call, data = data, modelName = model, n = x$data$n, d = ncol(data), G = x$k,
    BIC = mclust_criterion(-stats::BIC(x), x$k, model), loglik = x$loglik, df = x$df, bic = -stats::BIC(x),
    icl = -fit_clarity(x)$icl, hypvol = NA_real_,
    parameters = list(pro = unname(shares_of(x)), mean = mclust_mean(x$parameters),
                      variance = mclust_variance(x$parameters, model, ncol(data), x$k)),
    z = unname(r), classification = class, uncertainty = 1 - row_max(r)
  ), class = "Mclust")
}

mclust_model_name <- function(name, d, k) {
  if (k > 1L) return(name)
  if (d == 1L) return("X")
  gsub("[EV]", "X", name)
}

mclust_criterion <- function(value, k, model) {
  structure(matrix(value, 1L, 1L, dimnames = list(k, model)), class = "mclustBIC", G = k, modelNames = model)
}

mclust_mean <- function(parameters) {
  if (is.matrix(parameters$mean)) t(unname(parameters$mean)) else unname(parameters$mean)
}

# All the forms in which mclust's functions may look for a covariance.
mclust_variance <- function(parameters, model, d, k) {
  if (d == 1L) {
    sigmasq <- unname(parameters$sd)^2
    return(list(modelName = model, d = 1L, G = k, sigmasq = if (model == "V") sigmasq else sigmasq[1L],
                scale = sigmasq))
  }
  sigma <- unname(parameters$covariance)
  slices <- lapply(seq_len(k), function(j) matrix(sigma[, , j], d, d))
  letters <- strsplit(model, "")[[1L]]
  parts <- covariance_parts(slices, letters[3L])
  shared <- function(values, letter) if (letter %in% c("E", "X", "I")) values[[1L]] else simplify2array(values)
  out <- list(modelName = model, d = d, G = k, sigma = sigma)
  roots <- lapply(slices, chol)
  out$Sigma <- sigma[, , 1L]
  out$cholSigma <- roots[[1L]]
  out$cholsigma <- simplify2array(roots)
  out$scale <- shared(lapply(parts, `[[`, "scale"), letters[1L])
  out$sigmasq <- out$scale
  out$shape <- shared(lapply(parts, `[[`, "shape"), letters[2L])
  out$orientation <- shared(lapply(parts, `[[`, "orientation"), letters[3L])
  out
}

# Volume, shape and orientation of each component; where the axes are shared, shapes stand in the order of the first's.
covariance_parts <- function(slices, letter) {
  d <- nrow(slices[[1L]])
  own <- function(sigma) eigen(sigma, symmetric = TRUE)$vectors
  axes <- switch(letter, I = rep(list(diag(d)), length(slices)), V = lapply(slices, own),
                 rep(list(own(slices[[1L]])), length(slices)))
  Map(function(sigma, axis) {
    values <- colSums(axis * (sigma %*% axis))
    scale <- exp(mean(log(values)))
    list(scale = scale, shape = values / scale, orientation = axis)
  }, slices, axes)
}
