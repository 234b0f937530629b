# fixed = : parameters that are held at given numbers. The user's list, shaped like `start` with NA where free,
# becomes `held` of the family and of the latent structure of a model: lists shaped like the parameters.

resolve_fixed <- function(fixed, model, data) {
  if (is.null(fixed)) return(model)
  if (!is.list(fixed) || is.null(names(fixed)) || inherits(fixed, "data.frame")) {
    abort_em("fixed", c(sprintf("`fixed` must be a named list shaped like `start`, not %s.", describe_value(fixed)),
                        i = "Numbers are held, NA is free: fixed = list(mean = c(0, NA))."))
  }
  if (!is.null(fixed$proportions)) {
    model$latent$held <- fixed_proportions(fixed$proportions, model$latent, n_columns(model))
    model$latent$proportions <- "free"
  }
  held <- family_held(model$family, fixed[names(fixed) != "proportions"], model$k, data)
  held <- held[vapply(held, function(x) !all(is.na(x)), NA)]
  if (length(held)) model$family$held <- held
  check_held_structure(model, data)
  model
}

family_held <- function(family, fixed, k, data) UseMethod("family_held")

#' @export
family_held.em_family_gaussian <- function(family, fixed, k, data) {
  d <- ncol(data$x)
  check_fixed_names(fixed, if (d == 1L) c("mean", "sd") else c("mean", "covariance"))
  out <- list()
  if (!is.null(fixed$mean)) {
    out$mean <- if (d == 1L) fixed_vector(fixed$mean, "mean", k) else fixed_means(fixed$mean, k, d, data$names)
  }
  if (!is.null(fixed$sd)) {
    out$sd <- fixed_vector(fixed$sd, "sd", k)
    refuse_fixed(out$sd, out$sd <= 0, "sd", "must be positive")
  }
  if (!is.null(fixed$covariance)) out$covariance <- fixed_covariance(fixed$covariance, family, k, d)
  out
}

#' @export
family_held.em_family_binomial <- function(family, fixed, k, data) {
  check_fixed_names(fixed, "prob")
  prob <- fixed_vector(fixed$prob, "prob", k)
  refuse_fixed(prob, prob < 0 | prob > 1, "prob", "must be between 0 and 1")
  list(prob = prob)
}

check_fixed_names <- function(fixed, known) {
  unknown <- setdiff(names(fixed), known)
  if (!length(unknown)) return(invisible())
  abort_em("fixed", c(sprintf("`fixed` can hold %s, not %s.", one_of(c(known, "proportions")), quoted(unknown)),
                      i = did_you_mean(unknown[1L], c(known, "proportions"))))
}

refuse_fixed <- function(x, bad, name, what) {
  at <- which(bad)
  if (!length(at)) return(invisible())
  abort_em("fixed", sprintf("`fixed$%s` %s: component %d has %s.", name, what, at[1L], number(x[at[1L]])))
}

fixed_vector <- function(x, name, k) {
  if (is.null(x)) return(rep(NA_real_, k))
  if (!(is.numeric(x) || all(is.na(x))) || length(x) != k) {
    abort_em("fixed", sprintf("`fixed$%s` must have one value per component: k = %d, but %d were given.", name, k,
                              length(x)))
  }
  x <- unname(as.double(x))
  refuse_fixed(x, is.infinite(x), name, "must be finite")
  x
}

fixed_means <- function(mean, k, d, names) {
  if (is.null(dim(mean)) && k == 1L) mean <- matrix(mean, 1L, dimnames = list(NULL, names(mean)))
  if (!is.matrix(mean) || !identical(dim(mean), c(k, d))) {
    abort_em("fixed", sprintf(
      "`fixed$mean` must be a matrix with a row for each component and a column for each variable: %d x %d.", k, d
    ))
  }
  named <- !is.null(colnames(mean)) && !is.null(names)
  if (named && setequal(colnames(mean), names)) mean <- mean[, names, drop = FALSE]
  out <- matrix(as.double(mean), k, d)
  refuse_fixed(out, is.infinite(out), "mean", "must be finite")
  out
}

fixed_covariance <- function(covariance, family, k, d) {
  if (is.matrix(covariance)) covariance <- array(covariance, c(dim(covariance), k))
  if (!identical(dim(covariance), c(d, d, k))) {
    abort_em("fixed", sprintf("`fixed$covariance` must be one %d x %d matrix, or a %d x %d x %d array.", d, d, d, d, k))
  }
  out <- array(as.double(covariance), c(d, d, k))
  for (j in seq_len(k)) check_fixed_covariance(matrix(out[, , j], d, d), family, j)
  out
}

check_fixed_covariance <- function(sigma, family, component) {
  if (all(is.na(sigma))) return(invisible())
  if (anyNA(sigma)) {
    partly <- family$covariance == "VVI" && all(is.na(sigma) | row(sigma) == col(sigma) | sigma == 0) &&
      all(is.na(diag(sigma)) | diag(sigma) > 0)
    if (partly) return(invisible())
    abort_em("unsupported", c(
      sprintf("`fixed$covariance` of component %d is partly NA, which \"%s\" can't honour.", component,
              family$covariance),
      i = "Hold all of it, or single variances under em_gaussian(\"VVI\")."
    ))
  }
  symmetric <- max(abs(sigma - t(sigma))) <= 1e-8 * max(abs(sigma))
  if (!symmetric || is.null(tryCatch(chol(sigma), error = function(e) NULL))) {
    abort_em("fixed", sprintf("`fixed$covariance` of component %d is not symmetric and positive definite.", component))
  }
}

# Structures that share anything hold all covariances or none; what is held must be of the structure's kind.
check_held_structure <- function(model, data) {
  family <- model$family
  spread <- if (is.null(family$held$sd)) family$held$covariance else family$held$sd
  if (is.null(spread)) return(invisible())
  if (!family$covariance %in% c("V", "VII", "VVI", "VVV") && anyNA(spread)) {
    abort_em("unsupported", c(
      sprintf("\"%s\" shares its covariances among the components, so `fixed` must hold all of them or none.",
              family$covariance),
      i = "Use em_gaussian(\"VVV\")."
    ))
  }
  if (!is_of_structure(spread, model, data)) {
    abort_em("fixed", sprintf("`fixed` holds covariances that are not of the structure \"%s\".", family$covariance))
  }
}

# A set of covariances is of a structure where its M-step gives them back.
is_of_structure <- function(spread, model, data) {
  if (is.null(dim(spread))) {
    return(model$family$covariance != "E" || max(abs(spread - spread[1L])) <= 1e-8 * spread[1L])
  }
  d <- dim(spread)[1L]
  whole <- which(apply(spread, 3L, function(s) !anyNA(s)))
  if (!length(whole)) return(TRUE)
  sigma <- spread[, , whole, drop = FALSE]
  k <- length(whole)
  free <- list(family = model$family, latent = em_mixture(), k = k)
  free$family[c("held", "prior")] <- list(NULL)
  second <- if (gaussian_is_diagonal(free$family)) apply(sigma, 3L, diag) else if (free$family$covariance == "EEE")
    apply(sigma, 1:2, sum) else sigma
  parameters <- list(proportions = rep(1 / k, k), mean = matrix(0, k, d), covariance = sigma)
  back <- maximise_em(bare_data(data), c(rep(1, k), rep(0, k * d), as.vector(second), rep(1 / k, k)), parameters, free,
                      "em")$covariance
  max(abs(back - sigma)) <= 1e-6 * max(abs(sigma))
}

bare_data <- function(data) {
  data["labels"] <- list(NULL)
  data
}

fixed_proportions <- function(proportions, latent, k) {
  held <- fixed_vector(proportions, "proportions", k)
  if (!identical(latent$proportions, "free")) {
    abort_em("fixed", c("`fixed$proportions` can't be given where em_mixture() holds the proportions.",
                        i = "Use em_mixture(\"free\")."))
  }
  refuse_fixed(held, held <= 0 | held > 1, "proportions", "must be above 0 and at most 1")
  total <- sum(held, na.rm = TRUE)
  if (anyNA(held) && total >= 1 || !anyNA(held) && abs(total - 1) > 1e-8) {
    abort_em("fixed", sprintf("`fixed$proportions` sum to %s; they must sum to %s.", number(total, 8L),
                              if (anyNA(held)) "less than 1 where others are free" else "1"))
  }
  held
}

holds_parameters <- function(model) {
  !is.null(.subset2(model$family, "held")) || !is.null(.subset2(model$latent, "held"))
}

# Held numbers take their places in a list of parameters.
override_held <- function(parameters, model) {
  if (!holds_parameters(model)) return(parameters)
  held <- model$family$held
  for (name in names(held)) {
    at <- which(!is.na(held[[name]]))
    parameters[[name]][at] <- held[[name]][at]
  }
  parameters$proportions <- spread_proportions(parameters$proportions, model$latent$held)
  parameters
}

spread_proportions <- function(proportions, held) {
  if (is.null(held)) return(proportions)
  free <- is.na(held)
  share <- proportions[free]
  if (sum(share) <= 0) share[] <- 1
  proportions[free] <- (1 - sum(held[!free])) * share / sum(share)
  proportions[!free] <- held[!free]
  proportions
}

# A user's list of parameters may leave out what is held.
fill_from_fixed <- function(start, fixed) {
  if (is.null(fixed)) return(start)
  for (name in setdiff(names(fixed), "proportions")) {
    at <- which(!is.na(fixed[[name]]))
    if (is.null(start[[name]])) {
      start[[name]] <- fixed[[name]]
    } else if (identical(dim(start[[name]]), dim(fixed[[name]])) && length(start[[name]]) == length(fixed[[name]])) {
      start[[name]][at] <- fixed[[name]][at]
    }
  }
  start
}

# Starts of our own know no names: each component takes the group that is nearest to what it holds.
held_starts <- function(items, data, model) {
  plain <- model
  plain$latent[c("proportions", "held")] <- list("free", NULL)
  plain$family["held"] <- list(NULL)
  out <- lapply(items, function(item) {
    if (is.null(item$parameters)) {
      run <- run_em(data, list(items = list(item)), plain, em_control(max_iter = 0))
      if (run$status == "bad_start") return(NULL)
      item <- list(parameters = run$parameters)
    }
    parameters <- item$parameters
    if (is.null(data$labels)) parameters <- permute_components(parameters, nearest_groups(parameters, model, data))
    list(parameters = override_held(parameters, model), forgiving = FALSE)
  })
  out <- out[lengths(out) > 0L]
  if (length(out)) out else items
}

nearest_groups <- function(parameters, model, data) {
  k <- model$k
  cost <- matrix(0, k, k) # group, component
  held <- c(model$family$held, if (!is.null(model$latent$held)) list(proportions = model$latent$held))
  for (name in names(held)) {
    groups <- as_rows(parameters[[name]], k)
    wanted <- as_rows(held[[name]], k)
    scale <- if (name == "mean") apply(data$x, 2L, stats::sd, na.rm = TRUE)
    else pmax(apply(abs(groups), 2L, max), 1e-300)
    for (i in seq_len(k)) {
      gap <- (t(groups) - wanted[i, ]) / scale
      cost[, i] <- cost[, i] + colSums(gap^2, na.rm = TRUE)
    }
  }
  order <- integer(k)
  # What holds something chooses first.
  idle <- colSums(abs(cost)) == 0
  for (step in seq_len(k)) {
    open <- cost
    if (any(!idle & order == 0L)) open[, idle] <- Inf
    best <- which(open == min(open), arr.ind = TRUE)[1L, ]
    order[best[[2L]]] <- best[[1L]]
    cost[best[[1L]], ] <- Inf
    cost[, best[[2L]]] <- Inf
  }
  order
}

as_rows <- function(x, k) {
  if (length(dim(x)) == 3L) return(t(matrix(x, ncol = k)))
  if (is.null(dim(x))) x <- x[seq_len(k)]
  matrix(x, nrow = k)
}

# Which rows of the table of parameters are held.
is_held <- function(fit) {
  values <- lapply(fit$parameters, function(x) replace(x, TRUE, NA_real_))
  held <- c(fit$family$held, if (!is.null(fit$latent$held)) list(proportions = fit$latent$held))
  for (name in names(held)) values[[name]][] <- held[[name]]
  !is.na(parameter_rows(values, fit_fields(fit))$estimate)
}
