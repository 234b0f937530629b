# Cross-validation of a classification: what em_classify() did, the choice included, is done again without each part.

#' Cross-validate a classification
#'
#' Leaves out a part of the rows at a time, repeats on the others all that was done, the choice of numbers of
#' components and
#' structure included, and judges the rows left out.
#'
#' @param object What [em_classify()] returned.
#' @param folds How many parts the rows are cut into, each class by itself, at random; or the part of each row. As many
#'   as rows with a class leave out one at a time.
#' @param prior,costs As in [predict.em_classify()]; `"shares"` are those of the rows that are not left out.
#' @param ... Nothing: an unknown argument is an error.
#' @return An object of class `em_classify_cv`, a list with `error` (share of wrong decisions), `brier` (half the
#'   squared
#'   distance of the probabilities from 0 and 1), `log_loss` (mean of minus the logarithm of the probability of the
#'   true class), each with
#'   `estimate` and `std.error` (from its spread over the parts); `cost` where there are `costs`; `folds`, a data
#'   frame with a row for each part (`fold`, `n`, `error`, `brier`, `log_loss`, and what was chosen: `k`, `covariance`);
#'   `confusion`; `lost` (components of the fit on all rows, as in [tidy()][tidy.em_classify]); `class` and `prob` of
#'   the rows. Rows without a class are never left out and have `NA`.
#'
#'   `tidy()` gives `folds`, `glance()` one row.
#' @section Errors: `emfit_error_argument` where a class has all its rows in one part; `emfit_error_degenerate` where
#'   a part leaves too few rows of
#'   a class for its components.
#' @references Stone, M. (1974) Cross-validatory choice and assessment of statistical predictions. *Journal of the Royal
#'   Statistical Society B* 36, 111-147. \doi{10.1111/j.2517-6161.1974.tb00994.x}
#'
#'   Varma, S. and Simon, R. (2006) Bias in error estimation when using cross-validation for model selection. *BMC
#'   Bioinformatics* 7, 91. \doi{10.1186/1471-2105-7-91}
#' @seealso [em_classify()]
#' @examples
#' cl <- em_classify(iris[1:4], iris$Species, covariance = "EEE")
#' set.seed(1)
#' em_cv(cl, folds = 5)
#' @export
em_cv.em_classify <- function(object, folds = 10, prior = "shares", costs = NULL, ...) {
  check_dots(...)
  costs <- check_costs(costs, object$classes)
  if (is.numeric(prior)) check_class_prior(prior, object)
  else check_choice(prior, "prior", c("shares", "equal", "newdata"))
  plan <- plan_of(object)
  plan$folds <- class_folds(plan, folds)
  parts <- lapply(class_fold_parts(plan), judge_part, object = object, prior = prior, costs = costs)
  new_em_classify_cv(object, plan, parts, costs)
}

plan_of <- function(object) {
  data <- reading_fit(object)$data
  data["labels"] <- list(NULL)
  data["na.action"] <- list(NULL)
  list(data = data, codes = object$y, classes = setdiff(object$classes, if (object$unknown > 0L) "unknown"),
       unknown = object$unknown, control = object$control, cache = new.env(parent = emptyenv()))
}

# One part: the whole of em_classify() without it, then its rows.
judge_part <- function(part, object, prior, costs) {
  asked <- object$asked
  plan <- part$plan
  if (asked$criterion == "CV" && has_choice(asked)) {
    plan$folds <- class_folds(plan, min(if (length(asked$folds) == 1L) asked$folds else 10, sum(!is.na(plan$codes))))
  }
  chosen <- suppress_emfit(choose_classes(plan, asked))
  chosen$classes <- object$classes
  told <- decide(chosen, part$held, check_class_prior(prior, chosen), costs)
  structures <- unique(vapply(chosen$fits, function(fit) family_structure(fit$family), ""))
  list(rows = part$rows, prob = told$prob, decided = told$decided,
       k = paste(table(factor(chosen$components$class, object$classes)), collapse = " + "),
       covariance = paste(structures, collapse = ", "))
}

new_em_classify_cv <- function(object, plan, parts, costs) {
  classes <- object$classes
  n <- length(plan$codes)
  prob <- matrix(NA_real_, n, length(classes), dimnames = list(NULL, classes))
  decided <- rep(NA_integer_, n)
  for (part in parts) {
    prob[part$rows, ] <- part$prob
    decided[part$rows] <- part$decided
  }
  weights <- if (is.null(plan$data$weights)) rep(1, n) else plan$data$weights
  scores <- row_scores(prob, decided, plan$codes, costs)
  by_part <- lapply(parts, function(part) {
    w <- weights[part$rows]
    c(n = sum(w), vapply(scores, function(score) stats::weighted.mean(score[part$rows], w), 0))
  })
  folds <- data.frame(fold = seq_along(parts), do.call(rbind, by_part), k = vapply(parts, `[[`, "", "k"),
                      covariance = vapply(parts, `[[`, "", "covariance"))
  spread <- lapply(stats::setNames(nm = names(scores)), function(name) with_spread(folds[[name]], folds$n))
  known <- !is.na(plan$codes)
  told <- list(components = component_densities(object, plan$data), decided = ifelse(known, decided, 1L))
  structure(c(spread, list(
    folds = folds, confusion = tally_classes(plan$codes, decided, weights, classes),
    lost = lost_table(object, told, weights), class = class_factor(decided, classes), prob = prob,
    n = sum(weights[known])
  )), class = "em_classify_cv")
}

# What each row left out adds.
row_scores <- function(prob, decided, codes, costs) {
  truth <- outer(codes, seq_len(ncol(prob)), `==`) + 0
  out <- list(error = (decided != codes) + 0, brier = rowSums((prob - truth)^2) / 2, log_loss = log_loss(prob, codes))
  if (!is.null(costs)) out$cost <- costs[cbind(codes, decided)]
  out
}

with_spread <- function(values, n) {
  used <- n > 0
  share <- n[used] / sum(n)
  estimate <- sum(share * values[used])
  # of a mean of parts that are not quite of one size
  parts <- sum(used)
  error <- sqrt(sum(share^2 * (values[used] - estimate)^2) * parts / (parts - 1))
  c(estimate = estimate, std.error = if (parts > 1L) error else NA_real_)
}

#' @rdname em_cv.em_classify
#' @param x What `em_cv()` returned.
#' @export
print.em_classify_cv <- function(x, ...) {
  check_dots(..., let_pass = print_arguments)
  cat(format(x), sep = "\n")
  invisible(x)
}

#' @rdname em_cv.em_classify
#' @export
format.em_classify_cv <- function(x, ...) {
  check_dots(..., let_pass = format_arguments)
  score <- function(name, digits) sprintf("%s (standard error %s)", fixed(x[[name]][["estimate"]], digits),
                                          fixed(x[[name]][["std.error"]], digits))
  wrong <- sum(x$confusion) - agreeing_weight(x$confusion)
  chosen <- sort(table(trimws(paste(x$folds$covariance, x$folds$k))), decreasing = TRUE)
  c(sprintf("%s of %s rows decided wrongly by %d-fold cross-validation", fixed(wrong, 0L), fixed(x$n, 0L),
            nrow(x$folds)),
    sprintf("Error %s; Brier score %s; log loss %s", score("error", 4L), score("brier", 4L), score("log_loss", 4L)),
    if (!is.null(x$cost)) sprintf("Mean cost %s", score("cost", 4L)),
    "", confusion_lines(x$confusion), "", hardest_line(x$lost),
    if (length(chosen) > 1L) sprintf("Chosen in the parts: %s.", enumerate(sprintf("%s (%d)", names(chosen), chosen),
                                                                           4L)))
}

#' @rdname em_cv.em_classify
#' @export
tidy.em_classify_cv <- function(x, ...) {
  check_dots(...)
  as_tidy(x$folds)
}

#' @rdname em_cv.em_classify
#' @export
glance.em_classify_cv <- function(x, ...) {
  check_dots(...)
  names <- intersect(c("error", "brier", "log_loss", "cost"), names(x))
  columns <- do.call(c, lapply(names, function(name) {
    stats::setNames(as.list(x[[name]]), c(name, paste0(name, ".std.error")))
  }))
  as_tidy(data.frame(folds = nrow(x$folds), nobs = x$n, columns, check.names = FALSE))
}
