#' Components in another order, or under other names
#'
#' The same fit with its components in an order of one's own: parameters, path, start, labels, counts and what is held
#' move together, and every method answers in the new order. Numbers do not change.
#'
#' @param fit A fit by [em_fit()].
#' @param order The components in the new order: all of their numbers, as `c(2, 1)`, or all of their names. Names of `order`
#'   become the components' names: `c(short = 2, long = 1)`; without them named components keep theirs, others are numbered anew.
#' @return The fit. [update()][update.em_fit] repeats the call of the fit, and so has the order of that. A noise component stays the last.
#' @section Errors: `emfit_error_argument` where `order` is not each component once, or a new name is empty, `"noise"` or there twice.
#' @references Stephens, M. (2000) Dealing with label switching in mixture models. *Journal of the Royal Statistical Society
#'   B* 62, 795-809. \doi{10.1111/1467-9868.00265}
#' @seealso [em_fit()] on the order of components, [em_merge()]
#' @examples
#' fit <- em_fit(faithful, k = 2)
#' em_relabel(fit, c(short = 2, long = 1))
#' @export
em_relabel <- function(fit, order) {
  check_fit(fit, "em_relabel()")
  own <- component_names_of(fit)[seq_len(fit$k)]
  at <- check_order(order, own)
  # Numbers say where a component is, and stay; names go with it.
  labels <- if (identical(own, as.character(seq_along(own)))) own else own[at]
  if (!is.null(names(order))) labels <- check_new_names(ifelse(nzchar(names(order)), names(order), labels), fit)
  fields <- fit_fields(fit)
  sheet <- sheet_labels(fit_model(fit), labels, fit$data)
  move <- function(parameters) {
    if (is.null(parameters)) return(NULL)
    name_parameters(permute_components(bare_parameters(parameters), fields, at), fields, sheet)
  }
  fit$parameters <- move(fit$parameters)
  fit["start"] <- list(move(fit$start))
  fit$order <- (if (is.null(fit$order)) seq_along(own) else fit$order)[at]
  if (!is.null(fit$path)) fit$path <- lapply(fit$path, move)
  fit$counts <- stats::setNames(fit$counts[c(at, seq_along(fit$counts)[-at])], sheet$column)
  fit$relative_spread <- stats::setNames(fit$relative_spread[at], labels)
  for (name in c("degenerate", "coincident", "leaning")) if (!is.null(fit[[name]])) fit[[name]] <- places(fit[[name]], at)
  if (!is.null(fit$collapsed)) fit$collapsed <- match(fit$collapsed, at)
  fit$latent <- latent_permute(fit$latent, at)
  held <- .subset2(fit$family, "held")
  if (!is.null(held)) fit$family$held <- permute_components(held, fields[names(held)], at)
  if (!is.null(fit$data$labels)) fit$data$labels <- permute_labels(fit$data$labels, own, at, labels)
  fit
}

# Numbers alone: their names are given anew.
bare_parameters <- function(parameters) lapply(flat_parameters(parameters), function(x) {
  if (is.null(dim(x))) unname(x) else array(as.vector(x), dim(x))
})

check_order <- function(order, own) {
  at <- if (is.character(order)) match(order, own) else if (is.numeric(order)) match(order, seq_along(own))
  if (length(at) == length(own) && !anyNA(at) && !anyDuplicated(at)) return(at)
  given <- if (is.character(order)) quoted(order) else if (is.numeric(order)) enumerate(number(order)) else describe_value(order)
  abort_em("argument", c(
    sprintf("`order` must have each of the %s once (%s), not %s.", plural(length(own), "component"), enumerate(own), given),
    i = sprintf("em_relabel(fit, c(%s))", paste(rev(seq_along(own)), collapse = ", "))
  ))
}

check_new_names <- function(names, fit) {
  twice <- names[duplicated(names)]
  noise <- "noise" %in% names && length(fit$counts) > fit$k
  if (!length(twice) && !noise) return(names)
  abort_em("argument", sprintf("`order` can't name %s \"%s\".", if (length(twice)) "two components" else "a component",
                               if (length(twice)) twice[1L] else "noise"))
}

permute_labels <- function(labels, own, at, names) {
  k <- length(own)
  if (!is.null(labels$beliefs)) {
    rest <- seq_len(ncol(labels$beliefs))[-seq_len(k)]
    labels$beliefs <- labels$beliefs[, c(at, rest), drop = FALSE]
    colnames(labels$beliefs) <- if (!is.null(colnames(labels$beliefs))) c(names, colnames(labels$beliefs)[rest])
  }
  known <- which(labels$codes >= 1L & labels$codes <= k)
  labels$codes[known] <- match(labels$codes[known], at)
  if (!is.null(labels$levels)) labels$levels <- names
  labels
}

# The structure with its components in another order, as its own fields are moved.
latent_permute <- function(latent, order) UseMethod("latent_permute")
#' @export
latent_permute.default <- function(latent, order) latent

permute_some <- function(x, order) {
  if (is.numeric(x) || is.logical(x)) x[c(order, seq_along(x)[-order])] else x
}

#' @export
latent_permute.em_latent_mixture <- function(latent, order) {
  for (name in c("proportions", "held")) {
    x <- .subset2(latent, name)
    if (!is.null(x)) latent[[name]] <- permute_some(x, order)
  }
  latent
}

#' @export
latent_permute.em_latent_markov <- function(latent, order) {
  if (is.numeric(latent$initial)) latent$initial <- latent$initial[order]
  if (is.matrix(latent$transition)) latent$transition <- latent$transition[order, order, drop = FALSE]
  latent
}
