#' Merge components into clusters
#'
#' A mixture needs as many components as its density asks for; a bent or skewed cluster may need several. `em_merge()` joins
#' components pair by pair into clusters, and shows all steps from as many clusters as components down to one. It chooses no
#' number of clusters: that is said in `predict(m, k = )`.
#'
#' In each step two clusters are joined, by `method`:
#' \describe{
#'   \item{`"entropy"`}{those whose joining lowers the entropy of the classification most (Baudry et al. 2010). It reads
#'     the responsibilities alone, so it is for all families.}
#'   \item{`"demp"`}{those with the largest directly estimated misclassification probability, that a row of one is put into the
#'     other (Hennig 2010); cut-off 0.025. For all families.}
#'   \item{`"bhattacharyya"`}{those with the largest \eqn{\exp(-d)}{exp(-d)}, d Bhattacharyya's distance of distributions of the
#'     components' kind with the clusters' means and covariances (of counts and categories their means and shares); cut-off 0.1.
#'     For Gaussian, binomial, Poisson, gamma and categorical components and mixed columns: of columns that are independent
#'     within a component the distances add.}
#'   \item{`"ridgeline"`}{those with the highest valley: the density of the two on the ridge line between them (Ray & Lindsay
#'     2005), the lowest point between two peaks divided by the lower peak, 1 where there is one peak; cut-off 0.2.
#'     Gaussian components.}
#' }
#' The cut-offs are Hennig's: the number of clusters where the next value falls below the cut-off is told as `at_cutoff`.
#' Of the entropy the elbow is told: the number of clusters where two straight lines, fitted to entropy against the
#' cumulated number of rows that were merged, meet. Both are hints.
#'
#' The density of a fit does not change: a cluster's density is the sum of its components'. Case weights enter all sums,
#' rows of a unit count once together. Noise is never merged.
#'
#' @param fit A fit by [em_fit()] with two components or more.
#' @param method See above.
#' @param cutoff `NULL`: that of the method; or a number from 0 to 1.
#' @param x,object What `em_merge()` returned.
#' @param newdata New rows, as in [predict.em_fit()]; left out: the rows of the fit.
#' @param k The number of clusters. It has no default.
#' @param type `"class"`, `"prob"` or `"uncertainty"`, of clusters; `"density"` and `"logdensity"` are those of the fit.
#' @param digits Significant digits.
#' @param ... Arguments of [print.default()], or of [predict.em_fit()] (`size`, `exposure`); any other is an error.
#' @return An object of class `em_merge`, a list: `fit`; `method`; `path`, a data frame with a row for each number of clusters `k` from that
#'   of the components on: the two clusters that were `joined`, the `value` of the method, `entropy`, the weight `merged` of rows that
#'   are put into the joined cluster and its cumulated sum; `groups`, a matrix with a row for each number of clusters and the cluster of each component;
#'   `tree`, an object of class [stats::hclust] whose heights are steps; `elbow`, `cutoff` and `at_cutoff` (NA where there is none).
#'   `predict()` answers as [predict.em_fit()] does; clusters are named by their components, `"1+3"`.
#' @section Errors: `emfit_error_argument` for a fit of one component, an unknown `method` or where `k` is not said or impossible;
#'   `emfit_error_unsupported` where a method is not for the family.
#' @references Baudry, J.-P., Raftery, A. E., Celeux, G., Lo, K. and Gottardo, R. (2010) Combining mixture components for
#'   clustering. *Journal of Computational and Graphical Statistics* 19, 332-353. \doi{10.1198/jcgs.2010.08111}
#'
#'   Hennig, C. (2010) Methods for merging Gaussian mixture components. *Advances in Data Analysis and Classification* 4,
#'   3-34. \doi{10.1007/s11634-010-0058-3}
#'
#'   Ray, S. and Lindsay, B. G. (2005) The topography of multivariate normal mixtures. *Annals of Statistics* 33, 2042-2065.
#'   \doi{10.1214/009053605000000417}
#' @seealso [icl()], [em_modes()], `plot(m)`
#' @examples
#' fit <- em_fit(faithful, k = 3, family = em_gaussian("EEE"))
#' m <- em_merge(fit, "entropy")
#' m
#' table(predict(m, k = 2))
#' @export
em_merge <- function(fit, method = c("entropy", "demp", "bhattacharyya", "ridgeline"), cutoff = NULL) {
  check_fit(fit, "em_merge()")
  method <- check_choice(method, "method", names(merge_methods))
  cutoff <- check_cutoff(cutoff, method)
  if (fit$k < 2L) {
    abort_em("argument", c("A fit of one component has nothing to merge.", i = "update(fit, k = 3)"))
  }
  state <- merge_state(fit, method)
  path <- list(merge_row(state, NULL))
  groups <- matrix(seq_len(fit$k), fit$k, fit$k, byrow = TRUE)
  for (step in seq_len(fit$k - 1L)) {
    pair <- best_pair(merge_methods[[method]]$values(state))
    state <- join_pair(state, pair$pair)
    path[[step + 1L]] <- merge_row(state, pair)
    groups[step + 1L, ] <- state$group
  }
  path <- do.call(rbind, path)
  path$cumulated <- cumsum(path$merged)
  dimnames(groups) <- list(path$k, component_names_of(fit)[seq_len(fit$k)])
  out <- list(fit = fit, method = method, path = path, groups = groups, tree = merge_tree(groups),
              elbow = entropy_elbow(path), cutoff = cutoff, at_cutoff = clusters_at(path, cutoff))
  structure(out, class = "em_merge")
}

check_cutoff <- function(cutoff, method) {
  if (is.null(cutoff)) return(merge_methods[[method]]$cutoff)
  if (is_number(cutoff) && cutoff >= 0 && cutoff <= 1 && method != "entropy") return(as.double(cutoff))
  abort_em("argument", if (method == "entropy") "`cutoff` is not for method = \"entropy\": its hint is the elbow."
           else sprintf("`cutoff` must be a number from 0 to 1, not %s.", describe_value(cutoff)))
}

# What is known of the clusters as they are joined: responsibilities (a column each, noise behind them) and weights; where
# the method needs them, proportions, means and covariances.
merge_state <- function(fit, method) {
  r <- unname(responsibilities(fit))
  w <- stats::weights(fit)
  if (!is.null(shared_units(fit$data))) {
    first <- !duplicated(fit$data$units$codes)
    r <- r[first, , drop = FALSE]
    w <- w[first]
  }
  state <- list(r = r[w > 0, , drop = FALSE], w = w[w > 0], group = seq_len(fit$k), names = component_names_of(fit)[seq_len(fit$k)],
                labels = component_names_of(fit), members = as.list(seq_len(fit$k)))
  if (merge_methods[[method]]$shapes) {
    state$blocks <- if (merge_methods[[method]]$modal) list(need_one_normal(fit, method)) else need_affinity(fit, method)
    state$share <- unname(latent_mixture(fit$latent, fit)[seq_len(fit$k)])
  }
  state
}

# The block of a fit whose components are normal along all columns together.
need_one_normal <- function(fit, method) {
  blocks <- tryCatch(family_margin(fit$family, fit$parameters, fit$data, list(size = 1, exposure = 1)), emfit_error = function(e) NULL)
  modal <- if (length(blocks) == 1L) block_modal(blocks[[1L]])
  if (!is.null(modal)) return(blocks[[1L]])
  says <- if (method == "directions") "Directions are" else sprintf("Method \"%s\" is", method)
  abort_em("unsupported", c(sprintf("%s for Gaussian components, not for %s ones.", says, fit$family$name),
                            i = if (method != "directions") "Methods \"entropy\" and \"demp\" are for all."))
}

# Blocks that know how much two of their components overlap.
need_affinity <- function(fit, method) {
  says <- sprintf("Method \"%s\" is for components whose overlap has a formula, not for %s ones.", method, fit$family$name)
  differ <- function(e) {
    says <<- sprintf("Method \"%s\" compares components at one exposure or number of trials, and rows of the fit differ in it.", method)
    NULL
  }
  blocks <- tryCatch(family_margin(fit$family, fit$parameters, fit$data), emfit_error_argument = differ, emfit_error = function(e) NULL)
  known <- vapply(blocks, function(block) is.finite(block_affinity(block, 1L, 1L)), NA)
  if (length(known) && all(known)) return(blocks)
  abort_em("unsupported", c(says, i = "Methods \"entropy\" and \"demp\" are for all."))
}

# The pair with the largest value, the first of equal ones.
best_pair <- function(values) {
  values[!lower.tri(values)] <- -Inf
  top <- max(values)
  ties <- which(values >= top - 1e-12 * abs(top) & lower.tri(values), arr.ind = TRUE)
  ties <- ties[order(ties[, 2L], ties[, 1L]), , drop = FALSE]
  list(pair = unname(ties[1L, 2:1]), value = top)
}

join_pair <- function(state, pair) {
  a <- pair[1L]
  b <- pair[2L]
  state$joined <- paste(state$names[a], "and", state$names[b])
  state$r[, a] <- pmin(state$r[, a] + state$r[, b], 1)
  state$r <- state$r[, -b, drop = FALSE]
  state$members[[a]] <- sort(c(state$members[[a]], state$members[[b]]))
  state$members <- state$members[-b]
  state$group[state$members[[a]]] <- a
  state$group[state$group > b] <- state$group[state$group > b] - 1L
  state$names[a] <- paste(state$labels[state$members[[a]]], collapse = "+")
  state$names <- state$names[-b]
  state$merged <- sum(state$w[max.col(state$r, ties.method = "first") == a])
  if (!is.null(state$blocks)) state <- join_blocks(state, a, b)
  state
}

join_blocks <- function(state, a, b) {
  share <- state$share[c(a, b)] / sum(state$share[c(a, b)])
  state$blocks <- lapply(state$blocks, block_pool, a, b, share)
  state$share[a] <- sum(state$share[c(a, b)])
  state$share <- state$share[-b]
  state
}

x_log_x <- function(x) ifelse(x > 0, x * log(x), 0)

merge_row <- function(state, pair) {
  data.frame(k = length(state$names), joined = if (is.null(pair)) "" else state$joined, value = if (is.null(pair)) NA_real_ else pair$value,
             entropy = -sum(state$w * x_log_x(state$r)), merged = if (is.null(pair)) 0 else state$merged)
}

# Two straight lines with a point in common, by least squares: which number of clusters that is. NA: too few points.
entropy_elbow <- function(path) {
  k <- nrow(path)
  if (k < 3L) return(NA_integer_)
  x <- path$cumulated
  y <- path$entropy
  error <- function(at) if (length(at) < 3L) 0 else sum(stats::lm.fit(cbind(1, x[at]), y[at])$residuals^2)
  errors <- vapply(2:(k - 1L), function(c) error(1:c) + error(c:k), 0)
  path$k[which.min(errors) + 1L]
}

clusters_at <- function(path, cutoff) {
  if (is.null(cutoff)) return(NA_integer_)
  below <- which(path$value[-1L] <= cutoff)
  if (length(below)) path$k[below[1L]] else 1L
}

# As hclust() has it: negative numbers are components, others steps.
merge_tree <- function(groups) {
  k <- ncol(groups)
  now <- -seq_len(k)
  merge <- matrix(0L, k - 1L, 2L)
  for (step in seq_len(k - 1L)) {
    old <- groups[step, ]
    new <- groups[step + 1L, ]
    lost <- Filter(function(cluster) length(unique(old[new == cluster])) == 2L, unique(new))
    pair <- unique(old[new == lost])
    merge[step, ] <- sort(now[pair])
    now[pair[1L]] <- step
    now <- now[-pair[2L]]
  }
  structure(list(merge = merge, height = seq_len(k - 1L), order = tree_order(merge, k - 1L), labels = colnames(groups), method = "em_merge"),
            class = "hclust")
}

tree_order <- function(merge, step) {
  unlist(lapply(merge[step, ], function(node) if (node < 0L) -node else tree_order(merge, node)))
}

#' @rdname em_merge
#' @export
format.em_merge <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  check_dots(..., let_pass = format_arguments)
  path <- x$path
  path$entropy <- without_dust(path$entropy, path$entropy[1L])
  path$value <- without_dust(path$value, path$entropy[1L])
  path <- format_columns(path, digits)
  path$value[1L] <- ""
  c(sprintf("%s merged by %s", plural(ncol(x$groups), "component"), merge_methods[[x$method]]$label), "", table_lines(path), "",
    merge_hint(x))
}

# What rounding leaves of 0 beside numbers of some size.
without_dust <- function(x, beside) ifelse(abs(x) < 1e-12 * abs(beside), 0, x)

merge_hint <- function(x) {
  if (x$method == "entropy") {
    hint <- if (is.na(x$elbow)) "With two components there is no elbow" else sprintf("The entropy bends at %s", plural(x$elbow, "cluster"))
  } else {
    hint <- sprintf("Values above %s join down to %s", number(x$cutoff), plural(x$at_cutoff, "cluster"))
  }
  k <- if (x$method == "entropy") x$elbow else x$at_cutoff
  if (is.na(k)) return(paste0(hint, "; nothing is chosen. predict(m, k = 1) has both in one cluster."))
  sprintf("%s: a hint, nothing is chosen. predict(m, k = %d) has the clusters.", hint, k)
}

#' @rdname em_merge
#' @export
print.em_merge <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  check_dots(..., let_pass = print_arguments)
  cat(format(x, digits = digits), sep = "\n")
  invisible(x)
}

#' @rdname em_merge
#' @export
predict.em_merge <- function(object, newdata = NULL, k, type = c("class", "prob", "uncertainty", "density", "logdensity"), ...) {
  type <- check_choice(type, "type", c("class", "prob", "uncertainty", "density", "logdensity"))
  dots <- list(...)
  check_no_dots(dots[!names(dots) %in% c("size", "exposure")], names(formals(predict.em_merge)))
  if (type %in% c("density", "logdensity")) return(stats::predict(object$fit, newdata, type = type, ...))
  group <- groups_of(object, if (missing(k)) NULL else k)
  prob <- stats::predict(object$fit, newdata, type = "prob", ...)
  components <- object$fit$k
  out <- vapply(seq_len(max(group)), function(g) rowSums(prob[, which(group == g), drop = FALSE]), numeric(nrow(prob)))
  out <- cbind(matrix(out, nrow(prob)), prob[, -seq_len(components), drop = FALSE])
  dimnames(out) <- list(rownames(prob), c(group_names(object, group), colnames(prob)[-seq_len(components)]))
  switch(type, prob = out, uncertainty = with_row_names(1 - row_max(unname(out)), rownames(prob)),
         class = with_row_names(structure(max.col(out, ties.method = "first") + ifelse(is.na(out[, 1L]), NA_integer_, 0L),
                                          levels = colnames(out), class = "factor"), rownames(prob)))
}

groups_of <- function(object, k) {
  most <- ncol(object$groups)
  if (is_number(k) && k %in% seq_len(most)) return(object$groups[as.character(k), ])
  abort_em("argument", c(sprintf("`k` must be a number of clusters from 1 to %d, not %s.", most, if (is.null(k)) "left out" else describe_value(k)),
                         i = "print(m) and plot(m) tell what each number would join: predict(m, k = 2)"))
}

group_names <- function(object, group) {
  vapply(seq_len(max(group)), function(g) paste(colnames(object$groups)[group == g], collapse = "+"), "")
}
