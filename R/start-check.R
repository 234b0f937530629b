# The numbers of a user's list, `start` or `fixed` (arg): looked at for their type before anything is counted, then
# brought into the engine's shapes. Each function returns plain doubles, or says what is wrong. In `fixed` NA is free.

abort_slot <- function(arg, bullets) {
  if (arg == "fixed") abort_em("fixed", bullets) else abort_em("start", bullets)
}

check_slot_types <- function(given, family, data, arg) {
  for (name in intersect(c(family_slots(family, dim(data$x)[2L]), "proportions"), names(given))) {
    check_numeric_slot(.subset2(given, name), name, arg)
  }
}

check_numeric_slot <- function(x, name, arg) {
  if (is.numeric(x) && length(x)) return(invisible())
  if (is.logical(x) && length(x) && all(is.na(x))) return(invisible())
  if (!inherits(x, "data.frame") || !length(x)) {
    abort_slot(arg, sprintf("`%s$%s` must be numeric, not %s.", arg, name, describe_shape(x)))
  }
  bad <- which(!vapply(x, is.numeric, NA))
  if (!length(bad)) return(invisible())
  abort_slot(arg, sprintf("`%s$%s` must have numeric columns: column %s is of class %s.", arg, name,
                        dQuote(names(x)[bad[1L]], FALSE), dQuote(class(x[[bad[1L]]])[1L], FALSE)))
}

# "a character matrix of 2 x 3", "a list of length 2", "TRUE".
describe_shape <- function(x) {
  if (is.null(x)) return("NULL")
  if (is.function(x)) return("a function")
  size <- paste(dim(x), collapse = " x ")
  if (inherits(x, "data.frame")) return(paste("a data frame of", size))
  kind <- if (is.object(x)) class(x)[1L] else if (is.numeric(x)) "numeric" else typeof(x)
  if (length(dim(x)) > 1L) return(paste(article(kind), if (length(dim(x)) == 2L) "matrix" else "array", "of", size))
  if (is.object(x) || is.list(x) || !is.atomic(x)) return(paste(article(kind), "of length", length(x)))
  if (length(x) == 1L) return(describe_value(x))
  paste(article(kind), "vector of length", length(x))
}

# One number for each component.
read_vector <- function(x, name, k, arg) {
  check_numeric_slot(x, name, arg)
  flat <- !is.data.frame(x) && sum(dim(x) > 1L) < 2L
  if (!flat || length(x) != k) {
    given <- if (flat) paste(count(x), if (length(x) == 1L) "was given" else "were given")
             else paste("it is", describe_shape(x))
    abort_slot(arg, sprintf("`%s$%s` must have one value per component: k = %d, but %s.", arg, name, k, given))
  }
  x <- as.double(x)
  check_numbers(x, name, arg, seq_len(k))
  x
}

# A row for each component, a column for each variable; columns are found by name.
read_means <- function(mean, k, d, names, arg) {
  check_numeric_slot(mean, "mean", arg)
  if (inherits(mean, "data.frame")) mean <- as.matrix(mean)
  if (is.null(dim(mean)) && k == 1L) mean <- matrix(mean, nrow = 1L, dimnames = list(NULL, names(mean)))
  if (!identical(dim(mean), c(k, d))) {
    abort_slot(arg, sprintf(paste0("`%s$mean` must be a matrix with a row for each component and a column for each ",
                                 "variable: %d x %d, not %s."), arg, k, d, shape_of(mean, 2L)))
  }
  at <- match_variables(colnames(mean), names, d, arg, "mean", "columns")
  mean <- matrix(as.double(mean[, at, drop = FALSE]), k, d)
  check_numbers(mean, "mean", arg, rep(seq_len(k), d))
  mean
}

# A d x d matrix for each component, or one for all; rows and columns are found by name.
read_covariance <- function(covariance, k, d, names, arg) {
  check_numeric_slot(covariance, "covariance", arg)
  if (inherits(covariance, "data.frame")) covariance <- as.matrix(covariance)
  if (is.matrix(covariance)) {
    covariance <- array(covariance, c(dim(covariance), k), c(dimnames_of(covariance, 2L), list(NULL)))
  }
  if (!identical(dim(covariance), c(d, d, k))) {
    abort_slot(arg, sprintf("`%s$covariance` must be one %d x %d matrix, or a %d x %d x %d array, not %s.", arg, d, d,
                          d, d, k, shape_of(covariance, 3L)))
  }
  labels <- dimnames_of(covariance, 3L)
  if (identical(labels[[1L]], labels[[2L]])) {
    at <- match_variables(labels[[1L]], names, d, arg, "covariance", "rows and columns")
    covariance <- covariance[at, at, , drop = FALSE]
  }
  covariance <- array(as.double(covariance), c(d, d, k))
  check_numbers(covariance, "covariance", arg, rep(seq_len(k), each = d * d))
  covariance
}

dimnames_of <- function(x, size) if (is.null(dimnames(x))) vector("list", size) else dimnames(x)

# Its extents, with what it is where it has not as many as were wanted.
shape_of <- function(x, wanted) {
  if (length(dim(x)) == wanted) paste(dim(x), collapse = " x ") else describe_shape(x)
}

# Where the variables of the data are among the names that a user gave; by position where either has none.
match_variables <- function(has, names, d, arg, slot, what) {
  has <- clean_names(has)
  if (is.null(has) || is.null(names) || identical(has, names)) return(seq_len(d))
  if (!setequal(has, names)) {
    abort_slot(arg, sprintf("`%s$%s` must have the %s of `x` (%s), not %s.", arg, slot, what, quoted(names), quoted(has)))
  }
  match(names, has)
}

# component: that of each number.
check_numbers <- function(x, name, arg, component) {
  fixed <- arg == "fixed"
  refuse_numbers(x, if (fixed) is.infinite(x) | is.nan(x) else !is.finite(x), name, arg,
                 if (fixed) "finite, or NA where it is free" else "finite", component)
}

refuse_numbers <- function(x, bad, name, arg, must, component = seq_along(x)) {
  at <- which(bad)
  if (!length(at)) return(invisible())
  abort_slot(arg, sprintf("`%s$%s` must be %s: component %d has %s.", arg, name, must, component[at[1L]],
                        number(x[at[1L]])))
}

# Standard deviations, whose squares must be numbers.
read_sd <- function(x, k, arg) {
  x <- read_vector(x, "sd", k, arg)
  refuse_numbers(x, x <= 0, "sd", arg, "positive")
  refuse_numbers(x, x^2 < .Machine$double.xmin | x^2 > .Machine$double.xmax, "sd", arg,
                 "a number whose square can be computed with")
  x
}

read_prob <- function(x, k, arg) {
  x <- read_vector(x, "prob", k, arg)
  refuse_numbers(x, x < 0 | x > 1, "prob", arg, "between 0 and 1")
  x
}

start_proportions <- function(proportions, model, names) {
  held <- latent_proportions(model$latent, model$k)
  if (is.null(proportions)) return(held)
  if (has_noise(model$latent)) proportions <- noise_of_proportions(proportions, model$k, names)
  proportions <- read_vector(proportions, "proportions", n_columns(model), "start")
  if (latent_is_held(model$latent)) {
    if (max(abs(proportions - held)) < 1e-8) return(held)
    abort_em("start", c(
      sprintf("`start$proportions` can't be %s: em_mixture() holds them at %s.", enumerate(number(proportions)),
              enumerate(number(held))),
      i = "Leave them out of `start`."
    ))
  }
  if (any(proportions < 0) || abs(sum(proportions) - 1) > 1e-6) {
    abort_em("start", c("`start$proportions` must be numbers of 0 or more that sum to 1.",
                        x = sprintf("They are %s and sum to %s.", enumerate(number(proportions)),
                                    number(sum(proportions), 8L))))
  }
  if (identical(model$latent$proportions, "equal")) proportions <- share_equally(proportions)
  proportions
}

check_covariance <- function(sigma, component) {
  scale <- sqrt(outer(abs(diag(sigma)), abs(diag(sigma))))
  if (any(abs(sigma - t(sigma)) > 1e-8 * scale)) {
    abort_em("start", sprintf("`start$covariance` of component %d is not symmetric.", component))
  }
  factor <- tryCatch(chol(sigma), error = function(e) NULL)
  if (is.null(factor)) {
    smallest <- min(eigen(sigma, symmetric = TRUE, only.values = TRUE)$values)
    abort_em("start", sprintf(
      "`start$covariance` of component %d is not positive definite: its smallest eigenvalue is %s.", component,
      number(smallest)
    ))
  }
}
