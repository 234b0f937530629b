#' Print, tabulate and extend a classification
#'
#' `print()` shows what was chosen, the rows by true and decided class, and the hardest component: the one that loses
#' most of its own
#' rows to other classes. `tidy()` gives a row for each component, `glance()` one row for the whole,
#' `augment()` the data with what is decided for each row.
#'
#' @param x,object What [em_classify()] returned.
#' @param data The data of the fit, where further columns are wanted.
#' @param newdata,prior,costs,size,exposure As in [predict.em_classify()].
#' @param ... Arguments of [print.default()]; any other is an error.
#' @return `print()` returns `x`, invisibly; `format()` a character vector, a line each.
#'
#'   `tidy()`: `class`, `component`, `share` (of its class), `n` (expected rows), `lost` (share of its own rows that
#'   are decided to be
#'   of another class), `lost.to` (which of them most often), and the columns of [tidy()][tidy.em_fit] for its
#'   parameters.
#'
#'   `glance()`: `family`, `covariance`, `classes`, `k` (components), `nobs`, `df`, `logLik` (of rows and classes
#'   together), `logLik.marginal` (of the
#'   rows alone), `AIC`, `BIC`, `error` (share of wrong decisions among the rows with a class), `converged`.
#'
#'   `augment()`: the data and `.class`, `.component`, `.prob.<class>`, and for the rows of the fit `.wrong`.
#'
#'   `logLik()` is that of rows and classes together; [AIC()] and [BIC()] follow from it. `nobs()`: the sum of the
#'   weights.
#' @section Errors: `emfit_error_argument`, and for `newdata` those of [predict.em_fit()].
#' @references Fraley, C. and Raftery, A. E. (2002) Model-based clustering, discriminant analysis, and density
#'   estimation.
#'   *Journal of the American Statistical Association* 97, 611-631. \doi{10.1198/016214502760047131}
#' @seealso [em_classify()], [em_cv()]
#' @examples
#' cl <- em_classify(iris[1:4], iris$Species, covariance = "VVV")
#' cl
#' tidy(cl)
#' glance(cl)
#' @export
print.em_classify <- function(x, ...) {
  check_dots(..., let_pass = print_arguments)
  cat(format(x), sep = "\n")
  invisible(x)
}

#' @rdname print.em_classify
#' @export
format.em_classify <- function(x, ...) {
  check_dots(..., let_pass = format_arguments)
  total <- sum(x$confusion)
  wrong <- total - agreeing_weight(x$confusion)
  c(classify_title(x),
    sprintf("%s of %s rows decided wrongly (%s %%); em_cv() leaves rows out.", fixed(wrong, 0L), fixed(total, 0L),
            fixed(100 * wrong / total, 1L)),
    "", confusion_lines(x$confusion), "", hardest_line(x$lost), "Priors: class shares. Costs: equal.",
    sprintf("logLik %s (df %d), of the rows alone %s   BIC %s (smaller is better)", fixed(x$loglik, 2L), x$df,
            fixed(x$marginal, 2L), fixed(stats::BIC(x), 1L)),
    unconverged_line(x))
}

classify_title <- function(x) {
  sizes <- as.vector(table(factor(x$components$class, x$classes)))
  label <- family_label(x$fits[[1L]]$family, reading_fit(x)$data)
  detail <- if (length(x$fits) == 1L) label$detail else {
    structures <- vapply(x$fits, function(fit) family_structure(fit$family), "")
    paste0(if (!anyNA(structures)) paste0("covariances ", enumerate(structures), ", "), "each class by itself")
  }
  c(paste0(sprintf("%s for each of %d classes: ", label$title, length(x$classes)), paste(sizes, collapse = " + "),
           " components", if (!is.null(detail)) ", ", detail),
    sprintf("%s%s", plural(length(x$y), "observation"),
            if (anyNA(x$y)) sprintf(", %d without a class", sum(is.na(x$y))) else ""))
}

confusion_lines <- function(confusion) {
  shown <- confusion[, seq_len(min(12L, ncol(confusion))), drop = FALSE]
  shown <- shown[seq_len(min(12L, nrow(shown))), , drop = FALSE]
  cells <- data.frame(true = shorten(rownames(shown), 18L), matrix(fixed(shown, 0L), nrow(shown)))
  names(cells) <- c("true \\ decided", shorten(colnames(shown), 18L))
  c(table_lines(cells), if (nrow(confusion) > 12L) sprintf(" (%d more classes)", nrow(confusion) - 12L))
}

hardest_line <- function(lost) {
  if (!nrow(lost) || max(lost$lost, na.rm = TRUE) == 0) return("No component loses rows to another class.")
  hard <- lost[which.max(lost$lost), ]
  sprintf("Hardest component: %s, %s of %s rows decided %s.", hard$component, fixed(hard$wrong, 0L),
          fixed(hard$rows, 0L), hard$lost.to)
}

unconverged_line <- function(x) {
  bad <- !vapply(x$fits, `[[`, NA, "converged")
  if (!any(bad)) return(NULL)
  if (length(bad) == 1L) "NOT converged: raise max_iter in em_control()."
  else sprintf("NOT converged: class %s.", enumerate(names(x$fits)[bad]))
}

agreeing_weight <- function(confusion) {
  sum(confusion[cbind(seq_len(nrow(confusion)), match(rownames(confusion), colnames(confusion)))])
}

# Weights of rows by true and decided class; classes that no row is known to be of have no row.
tally_classes <- function(true, decided, weights, classes) {
  known <- which(!is.na(true))
  out <- matrix(0, max(true[known]), length(classes))
  sums <- tapply(weights[known],
                 list(factor(true[known], seq_len(nrow(out))), factor(decided[known], seq_along(classes))), sum)
  out[!is.na(sums)] <- sums[!is.na(sums)]
  dimnames(out) <- list(true = classes[seq_len(nrow(out))], decided = classes)
  out
}

# For each component: rows of its own class that are most probably its own, and how many of them are decided otherwise.
lost_table <- function(object, told, weights, y = object$y) {
  known <- which(!is.na(y))
  own <- told
  own$decided <- y
  own$decided[is.na(y)] <- told$decided[is.na(y)]
  at <- as.integer(most_probable_component(object, own))[known]
  names <- object$components$component
  sums <- tapply(weights[known],
                 list(factor(at, seq_along(names)), factor(told$decided[known], seq_along(object$classes))), sum)
  sums[is.na(sums)] <- 0
  class <- match(object$components$class, object$classes)
  rows <- rowSums(sums)
  right <- sums[cbind(seq_along(class), class)]
  sums[cbind(seq_along(class), class)] <- -1
  wrong <- rows - right
  data.frame(component = names, class = object$components$class, rows = unname(rows), wrong = unname(wrong),
             lost = unname(ifelse(rows > 0, wrong / rows, NA_real_)),
             lost.to = ifelse(wrong > 0, object$classes[max.col(sums, ties.method = "first")], NA_character_))
}

#' @rdname print.em_classify
#' @export
tidy.em_classify <- function(x, ...) {
  check_dots(...)
  parts <- lapply(x$fits, function(fit) family_columns(fit$family, fit$parameters, fit$data))
  at <- x$components$at
  columns <- do.call(rbind, lapply(seq_along(at), function(i) parts[[x$components$fit[i]]][at[i], , drop = FALSE]))
  as_tidy(data.frame(class = x$components$class, component = x$components$component, share = x$components$share,
                     n = x$components$n, x$lost[c("lost", "lost.to")], columns, check.names = FALSE))
}

#' @rdname print.em_classify
#' @export
glance.em_classify <- function(x, ...) {
  check_dots(...)
  total <- sum(x$confusion)
  as_tidy(data.frame(
    family = x$fits[[1L]]$family$name,
    covariance = paste(unique(vapply(x$fits, function(fit) family_structure(fit$family), "")), collapse = ", "),
    classes = length(x$classes), k = nrow(x$components), nobs = x$nobs, df = x$df, logLik = x$loglik,
    logLik.marginal = x$marginal, AIC = stats::AIC(x), BIC = stats::BIC(x),
    error = 1 - agreeing_weight(x$confusion) / total,
    converged = all(vapply(x$fits, `[[`, NA, "converged"))
  ))
}

#' @rdname print.em_classify
#' @export
augment.em_classify <- function(x, data = NULL, newdata = NULL, prior = "shares", costs = NULL, size = NULL,
                                exposure = NULL, ...) {
  check_no_dots(list(...), names(formals(augment.em_classify)))
  fit <- reading_fit(x)
  if (!is.null(newdata)) frame <- named_frame(newdata, fit)
  else if (is.null(data)) frame <- fitted_frame(fit)
  else {
    frame <- named_frame(data, fit)
    check_rows_of(fit, frame)
  }
  rows <- judged_rows(x, newdata, said_beside(size, exposure))
  told <- decide(x, rows, check_class_prior(prior, x), check_costs(costs, x$classes))
  columns <- list(.class = class_factor(told$decided, x$classes), .component = most_probable_component(x, told))
  for (j in seq_along(x$classes)) columns[[paste0(".prob.", x$classes[j])]] <- told$prob[, j]
  if (is.null(newdata)) columns$.wrong <- told$decided != x$y
  if (nrow(frame) != rows$n) {
    gone <- fit$data$na.action
    columns <- lapply(columns, spread_over, !seq_len(nrow(frame)) %in% gone)
  }
  out <- c(as.list(frame)[!names(frame) %in% names(columns)], columns)
  structure(out, class = c("tbl_df", "tbl", "data.frame"), row.names = attr(frame, "row.names"))
}

#' @rdname print.em_classify
#' @export
logLik.em_classify <- function(object, ...) {
  check_dots(...)
  structure(object$loglik, df = object$df, nobs = object$nobs, class = "logLik")
}

#' @rdname print.em_classify
#' @export
nobs.em_classify <- function(object, ...) {
  check_dots(..., let_pass = "use.fallback")
  object$nobs
}
