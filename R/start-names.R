# Names in a user's list, `start` or `fixed` (arg): of its parts, and of the components, whose order they tell.

# The latent structure's part may be left out.
check_start_names <- function(start, fields, own = own_names(fields)) {
  found <- match(names(fields), names(start), 0L) > 0L
  if (is.null(names(start)) || sum(found) < length(start)) {
    check_no_twice(start, "start")
    unknown <- setdiff(names(start), names(fields))
    known <- own_first(fields)
    abort_em("start", c(
      sprintf("`start` must hold %s.", paste(sQuote(known, FALSE), collapse = ", ")),
      x = if (length(unknown)) sprintf("It holds %s.", quoted(unknown)),
      i = if (length(unknown)) did_you_mean(unknown[1L], known)
    ))
  }
  if (all(found)) return(invisible())
  lacking <- own[match(own, names(start), 0L) == 0L]
  if (length(lacking)) {
    abort_em("start", sprintf("`start` must also hold %s.", quoted(intersect(own_first(fields), own_first(fields[lacking])))))
  }
}

check_no_twice <- function(given, arg) {
  if (!anyDuplicated(names(given))) return(invisible())
  abort_slot(arg, sprintf("`%s` must hold every parameter once, not %s twice.", arg,
                        quoted(unique(names(given)[duplicated(names(given))]))))
}

# Names of the components, from whichever parameter carries them.
component_names <- function(given, k, arg = "start") {
  found <- NULL
  for (name in names(given)) {
    if (is.null(attributes(given[[name]]))) next
    here <- names_along_components(given, name)
    if (is.null(here) || length(here) != k) next
    if (is.null(found)) found <- here
    if (!setequal(found, here)) {
      abort_slot(arg, sprintf("`%s` must name the components alike: %s in one place, %s in `%s`.", arg,
                            quoted(found), quoted(here), name))
    }
  }
  if (is.null(found)) return(NULL)
  if (anyDuplicated(found)) {
    abort_slot(arg, sprintf("`%s` has two components named %s.", arg, quoted(found[duplicated(found)])))
  }
  found
}

# One matrix for all components names the variables alone.
names_along_components <- function(given, name) {
  x <- given[[name]]
  if (grepl("(^|[.])covariance$", name) && length(dim(x)) == 2L) return(NULL)
  if (inherits(x, "data.frame")) {
    return(if (is.character(attr(x, "row.names"))) row.names(x))
  }
  if (length(dim(x)) == 3L) return(dimnames(x)[[3L]])
  if (length(dim(x)) == 2L) return(rownames(x))
  names(x)
}

# Parameters named in different orders are brought into the first one's. A proportion of noise stays the last.
align_components <- function(given, names) {
  given <- unclass(given)
  out <- lapply(names(given), function(name) {
    x <- given[[name]]
    here <- names_along_components(given, name)
    if (name == "proportions" && length(here) == length(names) + 1L) names <- c(names, "noise")
    if (is.null(here) || length(here) != length(names)) return(x)
    at <- match(names, here)
    if (anyNA(at)) return(x)
    if (length(dim(x)) == 3L) return(x[, , at, drop = FALSE])
    if (name == "transition") return(x[at, at, drop = FALSE])
    if (length(dim(x)) == 2L) return(x[at, , drop = FALSE])
    x[at]
  })
  stats::setNames(out, names(given))
}

# What is held goes to the components that `fixed` names: in the order of the labels or of the start where these have
# names, else in its own.
align_fixed <- function(fixed, k, wanted) {
  has <- component_names(fixed, k, "fixed")
  if (is.null(has)) return(fixed)
  if (is.null(wanted)) return(align_components(fixed, has))
  if (!setequal(has, wanted)) {
    abort_em("fixed", sprintf("`fixed` must name the components as `start` or `labels` does: %s, not %s.",
                              quoted(wanted), quoted(has)))
  }
  align_components(fixed, wanted)
}
