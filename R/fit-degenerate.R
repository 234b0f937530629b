# Degenerate components of a fit: found by the core (find_degenerate() in src/engine.cpp), told here with their
# rows and a remedy.

collapsed_components <- function(fit) {
  if (!length(fit$degenerate)) return(integer())
  sort(unique(c(fit$collapsed, which(fit$relative_spread == 0))))
}

# Components of too few rows for what their covariance has of its own.
thin_components <- function(fit) setdiff(fit$degenerate, collapsed_components(fit))

warn_collapsed <- function(fit) {
  collapsed <- collapsed_components(fit)
  thin <- thin_components(fit)
  if (length(collapsed)) {
    warn_em("collapse", c(
      sprintf("Component %s shrank onto %s; its %s.", names(fit$counts)[collapsed[1L]],
              describe_points(fit, collapsed[1L]), what_shrank(fit$family)),
      x = more_of(collapsed, fit), i = collapse_remedy(fit)
    ))
  } else if (length(thin)) {
    warn_em("collapse", c(
      sprintf("Component %s has too few rows for a covariance of its own: %s effective, %s.",
              names(fit$counts)[thin[1L]], number(fit$counts[[thin[1L]]], 3L), describe_points(fit, thin[1L])),
      x = more_of(thin, fit), i = collapse_remedy(fit)
    ))
  }
}

# Two components that nearly coincide, as at a saddle or where the data hold fewer. Told of a start already where
# that was so there.
warn_nearly_coincident <- function(fit) {
  if (fit$iterations == 0L) return(invisible())
  if (!is.null(coincident_components(fit$start, fit_fields(fit), fit$k))) return(invisible())
  warn_em("coincide", c(
    sprintf("Components %s and %s nearly coincide: together they are one.", names(fit$counts)[fit$coincident[1L]],
            names(fit$counts)[fit$coincident[2L]]),
    x = family_hint(fit$family, fit$data), i = "Use fewer components, or other starts."
  ))
}

more_of <- function(components, fit) {
  others <- names(fit$counts)[components[-1L]]
  if (length(others)) sprintf("The same holds for component %s.", enumerate(others))
}

collapse_remedy <- function(fit) {
  simpler <- family_simpler(fit$family)
  ways <- c("fewer components", if (!is.null(simpler)) sprintf("a simpler covariance, em_gaussian(\"%s\")", simpler),
            if (!has_prior(fit)) family_steadier(fit$family))
  sprintf("Use %s.", paste(ways, collapse = ", or "))
}

# "20 identical points (rows 4, 9, 14, 19, 24, ... (15 more))"
describe_points <- function(fit, component) {
  rows <- rows_of_component(fit, component)
  if (!length(rows)) return("no row that is more its own than another's")
  alike <- length(rows) > 1L && nrow(unique(fit$data$x[rows, , drop = FALSE])) == 1L
  sprintf("%s (%s %s%s)", plural(length(rows), if (alike) "identical point" else "point"),
          if (length(rows) == 1L) "row" else "rows", enumerate(rows), if (is_sample(fit$data)) " of the sample" else "")
}

# Rows that count and belong to a component, by an E-step at the parameters.
rows_of_component <- function(fit, component) {
  classes <- max.col(responsibilities(fit), ties.method = "first")
  which(classes == component & row_weights(fit) > 0)
}

what_shrank <- function(family) {
  if (family_is_bounded(family)) "covariance has no inverse" else "likelihood is unbounded"
}
