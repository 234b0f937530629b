# fixed = : parameters that are held at given numbers. The user's list, shaped like `start` with NA where free,
# becomes `held` of the family and of the latent structure of a model: lists shaped like the parameters.

check_fixed_list <- function(fixed, family, data) {
  if (!is.list(fixed) || is.null(names(fixed)) ||
      is.object(fixed) && !inherits(fixed, "em_parameters")) {
    abort_em("fixed", c(sprintf("`fixed` must be a named list shaped like `start`, not %s.", describe_shape(fixed)),
                        i = "Numbers are held, NA is free: fixed = list(mean = c(0, NA))."))
  }
  check_no_twice(fixed, "fixed")
  known <- family_slots(family, dim(data$x)[2L])
  unknown <- setdiff(names(fixed), c(known, "proportions"))
  if (length(unknown)) {
    abort_em("fixed", c(sprintf("`fixed` can hold %s, not %s.", one_of(c(known, "proportions")), quoted(unknown)),
                        i = did_you_mean(unknown[1L], c(known, "proportions"))))
  }
  check_slot_types(fixed, family, data, "fixed")
}

# Does it leave nothing of the components to be estimated?
holds_all <- function(fixed, family, data) {
  slots <- family_slots(family, dim(data$x)[2L])
  !is.null(fixed) && all(slots %in% names(fixed)) && !anyNA(unlist(fixed[slots]))
}

resolve_fixed <- function(fixed, model, data) {
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
  d <- dim(data$x)[2L]
  out <- list()
  if (!is.null(fixed$mean)) {
    out$mean <- if (d == 1L) read_vector(fixed$mean, "mean", k, "fixed")
                else read_means(fixed$mean, k, d, data$names, "fixed")
  }
  if (!is.null(fixed$sd)) out$sd <- read_sd(fixed$sd, k, "fixed")
  if (!is.null(fixed$covariance)) {
    out$covariance <- read_covariance(fixed$covariance, k, d, data$names, "fixed")
    for (j in seq_len(k)) check_fixed_covariance(matrix(out$covariance[, , j], d, d), family, j)
  }
  out
}

#' @export
family_held.em_family_binomial <- function(family, fixed, k, data) {
  if (is.null(fixed$prob)) list() else list(prob = read_prob(fixed$prob, k, "fixed"))
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
  held <- read_vector(proportions, "proportions", k, "fixed")
  if (!identical(latent$proportions, "free")) {
    abort_em("fixed", c("`fixed$proportions` can't be given where em_mixture() holds the proportions.",
                        i = "Use em_mixture(\"free\")."))
  }
  refuse_numbers(held, held <= 0 | held > 1, "proportions", "fixed", "above 0 and at most 1")
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
fill_from_fixed <- function(start, model, data) {
  held <- model$family$held
  for (name in names(held)) {
    at <- which(!is.na(held[[name]]))
    if (is.null(start[[name]])) {
      start[[name]] <- held[[name]]
    } else if (length(start[[name]]) == length(held[[name]])) {
      start[[name]] <- in_order_of_data(start[[name]], data$names)
      start[[name]][at] <- held[[name]][at]
    }
  }
  start
}

# Variables of a mean or of covariances whose names tell another order than that of the data.
in_order_of_data <- function(x, names) {
  if (is.data.frame(x)) x <- as.matrix(x)
  has <- if (length(dim(x)) == 2L) colnames(x) else if (length(dim(x)) == 3L) dimnames(x)[[1L]]
  at <- match(names, has)
  if (is.null(has) || is.null(names) || anyNA(at) || length(at) != length(has)) return(x)
  if (length(dim(x)) == 2L) x[, at, drop = FALSE] else x[at, at, , drop = FALSE]
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
  !is.na(parameter_table(values)$estimate)
}
