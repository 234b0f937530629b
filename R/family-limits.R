# Families that contain another as a limit: where the data ask for no more than that one, a parameter grows from step to
# step and has no maximum. print() and em_diagnose() say so.
#
#   family_limits(family, fit)   NULL, or list(components = their numbers, value = the largest such parameter,
#                                means = what the data do not ask for, limit = the call of the family that says as much)

family_limits <- function(family, fit) UseMethod("family_limits")
family_limits.default <- function(family, fit) NULL

endless_df <- 500 # where t has a kurtosis within 0.02 of the normal one
endless_size <- 200 # means: the variance is that of Poisson counts to half a percent

#' @export
family_limits.em_family_t <- function(family, fit) {
  df <- unname(fit$parameters$df)
  held <- if (is.null(fit$family$held$df)) rep(FALSE, fit$k) else !is.na(fit$family$held$df)
  endless <- which(df > endless_df & !held)
  if (!length(endless)) return(NULL)
  list(components = endless, value = max(df[endless]), means = "tails heavier than normal",
       limit = sprintf("em_gaussian(\"%s\")", family$covariance))
}

#' @export
family_limits.em_family_negbin <- function(family, fit) {
  size <- size_matrix(fit$parameters)
  held <- if (is.null(fit$family$held$size)) is.na(size) & FALSE else !is.na(matrix(fit$family$held$size, fit$k))
  over <- size > endless_size * pmax(rate_matrix(fit$parameters), 1) & !held
  endless <- which(rowSums(over) > 0)
  if (!length(endless)) return(NULL)
  list(components = endless, value = max(size[over]), means = "more variation than Poisson counts have",
       limit = "em_poisson()")
}

describe_limits <- function(fit) {
  found <- family_limits(fit$family, fit)
  if (is.null(found)) return(NULL)
  sprintf("The data do not ask for %s in component %s: %s says the same.", found$means,
          enumerate(names(fit$counts)[found$components]), found$limit)
}

#' @export
family_remarks.em_family_t <- function(family, fit) describe_limits(fit)

#' @export
family_remarks.em_family_negbin <- function(family, fit) describe_limits(fit)

# A check that is made where it finds something.
diagnose_limits <- function(fit, name) {
  found <- family_limits(fit$family, fit)
  if (is.null(found)) return(NULL)
  finding("limit", "note", found$value, describe_limits(fit), sprintf("update(FIT, family = %s, start = NULL)", found$limit), name)
}
