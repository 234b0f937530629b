# The covariance structures of a Gaussian family beside one another: which are tried, nested, simpler, or serve all.

# What `covariance` and a structure that `family` names say together.
structures_asked_for <- function(covariance, family) {
  named <- if (is.list(family) && isTRUE(.subset2(family, "named"))) .subset2(family, "covariance")
  if (is.null(named)) return(if (is.null(covariance)) "all" else covariance)
  if (is.null(covariance)) return(named)
  agree <- is.character(covariance) && length(unique(covariance)) == 1L && covariance[1L] %in% gaussian_names &&
    em_gaussian(covariance[1L])$covariance == named
  if (agree) return(named)
  abort_em("argument", c(
    sprintf("`covariance` must be left out where `family` names another structure, \"%s\".", named),
    i = "To try several: family = em_gaussian(), covariance = c(\"EEE\", \"VVV\")."
  ))
}

#' @export
family_structures.em_family_gaussian <- function(family, covariance, data) {
  if (identical(covariance, "all")) {
    covariance <- if (ncol(data$x) == 1L) c("E", "V") else gaussian_structures
  }
  if (!is.character(covariance) || !length(covariance)) {
    abort_em("argument", sprintf("`covariance` must be \"all\" or names of structures, not %s.",
                                 describe_value(covariance)))
  }
  names <- vapply(covariance, function(one) em_gaussian(one)$covariance, "", USE.NAMES = FALSE)
  # In one dimension every structure is its volume alone.
  if (ncol(data$x) == 1L) names <- substr(names, 1L, 1L)
  names <- unique(names)
  known <- c("E", "V", gaussian_structures)
  lapply(known[known %in% names], function(name) {
    family$covariance <- name
    family
  })
}

#' @export
family_structure.em_family_gaussian <- function(family) family$covariance

#' @export
family_call.em_family_gaussian <- function(family, call) base::call("em_gaussian", family$covariance)

# Letters that say at most as much, each by each: a matrix of one structure is then also one of the other.
#' @export
family_is_nested.em_family_gaussian <- function(family, within) {
  if (identical(family$covariance, within$covariance)) return(FALSE)
  freedom <- function(name) match(strsplit(name, "")[[1L]], c("I", "E", "V"))
  all(freedom(family$covariance) <= freedom(within$covariance))
}

# Structures whose M-step takes a hundred times as long as that of one which allows all that they do.
quicker_within <- list(EVE = "EVV", VVE = "VVV")

#' @export
family_has_relatives.em_family_gaussian <- function(family) is.null(family$prior)

#' @export
family_freest.em_family_gaussian <- function(family, x) {
  family$covariance <- if (ncol(x) == 1L) "V" else "VVV"
  family
}

# Structures for which the fit of rescaled columns is not the rescaled fit.
unit_structures <- c("EII", "VII", "EVE", "VVE", "EEV", "VEV")

#' @export
family_compares_columns.em_family_gaussian <- function(family, data) {
  family$covariance %in% unit_structures && ncol(data$x) > 1L
}

#' @export
family_has_units.em_family_gaussian <- function(family) TRUE

#' @export
family_can_collapse.em_family_gaussian <- function(family) TRUE

# A common volume is an average over all rows, which no component can make vanish.
#' @export
family_is_bounded.em_family_gaussian <- function(family) {
  !is.null(.subset2(family, "prior")) || startsWith(.subset2(family, "covariance"), "E")
}

# Nor does it keep few rows from lying flat, where axes or shape are a component's own, and the more so the more
# components do.
#' @export
family_can_lean.em_family_gaussian <- function(family) is.null(family$prior)

#' @export
family_fills_gaps.em_family_gaussian <- function(family) TRUE

#' @export
family_rows_needed.em_family_gaussian <- function(family, data) ncol(data$x) + 1

# As rows_needed() of src/family_gaussian_base.cpp.
#' @export
family_least_rows.em_family_gaussian <- function(family, data) {
  if (!is.null(family$prior) || length(family$held)) return(0)
  if (family$covariance %in% c("VVV", "EVV")) return(ncol(data$x) + 1)
  if (grepl("^V|^.V", family$covariance)) 2 else 0
}
