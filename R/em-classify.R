#' Known classes: cluster each class, then classify
#'
#' Where the classes of rows are known, each gets a mixture of its own, and new rows go to the class under which they
#' are
#' most probable: discriminant analysis by mixtures. With one component in each class it is linear or quadratic
#' discriminant analysis and what lies between (eigenvalue decomposition discriminant analysis); with several a class
#' may
#' have any shape, and its components tell what it is made of.
#'
#' A row x of class c has the density \eqn{f(x | c) = \sum_j \pi_{cj} f_{cj}(x)}{f(x | c) = sum_j pi_cj f_cj(x)}, and
#' classes have the shares of the rows. With `shared = TRUE` all components of all classes are one mixture, fitted by
#' one
#' EM in which a row with a class belongs to the components of its class alone. So a covariance structure compares
#' components across classes: `"EEE"` with `k = 1` is linear discriminant analysis, `"EEE"` with several components the
#' mixture discriminant analysis of Hastie and Tibshirani (1996). With `shared = FALSE` each class is a fit of its own,
#' with a structure of its own.
#'
#' Starts are searched inside each class, as [em_fit()] would search it; where components share something or rows lack
#' a class, groups drawn inside the classes are further starts of the whole.
#'
#' Where `k` and `covariance` leave a choice, each structure begins with the fewest components, and class by class the
#' number changes as long as that improves the criterion. Where components share no parameter that finds the best of
#' all combinations.
#'
#' @param x The data, as in [em_fit()]; or a formula with the class on its left, `Species ~ .`.
#' @param y The class of each row: a factor, text, logical values or numbers; `NA` where it is not known. Rows without a
#'   class help to find the components (`shared = TRUE` only).
#' @param k Numbers of components. Numbers without names are candidates, of which each class takes what suits it;
#'   numbers under the names of the classes are what each of them has, `c(car = 10, bike = 3, truck = 3)`; a list
#'   under these
#'   names has candidates for each class.
#' @param covariance Structures to try, as in [em_select()]. Left out: the one that `family` names, or all.
#' @param family As in [em_fit()].
#' @param shared Are all components one mixture, with one structure? `FALSE`: one fit for each class.
#' @param criterion What chooses, smaller is better: `"BIC"`, of rows and classes together; or `"CV"`, by
#'   cross-validation: with
#'   `shared = TRUE` minus twice the log probability of the classes of rows left out, with `FALSE` of each class by
#'   itself minus twice the log-likelihood of its rows left out.
#' @param folds For `"CV"`: how many parts the rows are cut into, each class by itself; or the part of each row.
#' @param unknown How many components there are beside the classes, for rows of a class that nobody labelled. They are
#'   the class `"unknown"`. Needs rows whose class is `NA`.
#' @param weights,na.action,control As in [em_fit()].
#' @param data,subset The variables of the formula, and which rows of them, as in [em_fit()].
#' @param ... Nothing: an unknown argument is an error.
#' @return An object of class `em_classify`, a list with
#' \describe{
#'   \item{fits}{The fit of [em_fit()] with all components, or one for each class.}
#'   \item{components}{Data frame, a row for each component: `component`, `class`, `share` of its class, `n` (expected
#'     rows),
#'     and `fit`, `at`: which component of which fit.}
#'   \item{classes, shares}{The names of the classes and their shares of the rows.}
#'   \item{loglik, marginal, df, nobs}{Log-likelihood of rows and classes together, \eqn{\sum \log \pi_y f(x | y)}{sum
#'     log pi_y f(x | y)}; of the rows
#'     alone; free parameters; sum of the weights.}
#'   \item{table}{What was tried: `k`, `covariance`, `logLik`, `df`, `BIC` and `CV` where asked for, `status`,
#'     `reason`.}
#'   \item{confusion, lost}{Weights of the rows by true class and decided class; by component and decided class.}
#'   \item{call, y, asked, control, data}{What was asked; `data` where there is more than one fit.}
#' }
#' The error printed is that of the rows the fit was made of, which flatters it; [em_cv()] leaves rows out.
#' @section Errors: `emfit_error_argument`: `y` of the wrong length, a level without rows, `k` that names no class or is
#'   more than a class has rows; `emfit_error_degenerate`: a class with too few rows for a covariance of its own;
#'   `emfit_error_unsupported`: rows without a class, or `unknown`, with `shared = FALSE`. Others as in [em_fit()].
#' @references Bensmail, H. and Celeux, G. (1996) Regularized Gaussian discriminant analysis through eigenvalue
#'   decomposition. *Journal of the American Statistical Association* 91, 1743-1748.
#'   \doi{10.1080/01621459.1996.10476746}
#'
#'   Fraley, C. and Raftery, A. E. (2002) Model-based clustering, discriminant analysis, and density estimation.
#'   *Journal of the American Statistical Association* 97, 611-631. \doi{10.1198/016214502760047131}
#'
#'   Hastie, T. and Tibshirani, R. (1996) Discriminant analysis by Gaussian mixtures. *Journal of the Royal Statistical
#'   Society B* 58, 155-176. \doi{10.1111/j.2517-6161.1996.tb02073.x}
#' @seealso [predict.em_classify()], [plot.em_classify()], [em_cv()], [em_agree()]
#' @examples
#' cl <- em_classify(iris[1:4], iris$Species, covariance = c("EEE", "VVV"))
#' cl
#' predict(cl, iris[c(1, 71), 1:4], type = "prob")
#' @export
em_classify <- function(x, ...) UseMethod("em_classify")

#' @rdname em_classify
#' @export
em_classify.default <- function(x, y, k = 1, covariance = NULL, family = em_gaussian(), shared = TRUE,
                                criterion = c("BIC", "CV"), folds = 10, unknown = 0, weights = NULL, na.action = NULL,
                                control = em_control(), ...) {
  if ("formula" %in% ...names() || !missing(y) && inherits(y, "formula")) {
    return(call_by_formula(sys.call(), parent.frame(), em_classify))
  }
  check_dots(...)
  if (missing(y)) {
    abort_em("argument", c("`y` is missing: which class is each row of?", i = "em_classify(iris[1:4], iris$Species)"))
  }
  covariance <- structures_asked_for(covariance, family)
  family <- as_em_family(family)
  y <- as_classes(y, NROW(x), columns = colnames(x))
  data <- em_data(x, family, weights, na.action, labels = y)
  tell_missing(data)
  classify_data(data, k, covariance, family, shared, criterion, folds, unknown, as_em_control(control), match.call())
}

#' @rdname em_classify
#' @export
em_classify.formula <- function(x, data = NULL, k = 1, covariance = NULL, family = em_gaussian(), shared = TRUE,
                                criterion = c("BIC", "CV"), folds = 10, unknown = 0, weights = NULL, subset = NULL,
                                na.action = NULL, control = em_control(), ...) {
  check_dots(...)
  covariance <- structures_asked_for(covariance, family)
  family <- as_em_family(family)
  if (length(x) != 3L) {
    abort_em("input", c("The formula has no class on its left side.", i = "em_classify(Species ~ ., data = iris)"))
  }
  y <- evaluate(x[[2L]], data, environment(x), "the left side of the formula")
  columns <- right_side(x, data)
  y <- as_classes(y, length(y), dropped = substitute(subset))
  input <- data_of_formula(columns, data, substitute(weights), substitute(subset), family, na.action, y)
  tell_missing(input)
  classify_data(input, k, covariance, family, shared, criterion, folds, unknown, as_em_control(control), match.call())
}

# `y ~ .` as the formula of a mixture: the columns without the class.
right_side <- function(formula, data) {
  check_formula_data(data)
  terms <- tryCatch(stats::terms(formula, data = data), error = function(e) {
    abort_em("input", c("The formula with the class can't be read.", x = conditionMessage(e)))
  })
  out <- stats::formula(stats::delete.response(terms))
  environment(out) <- environment(formula)
  out
}

# Whatever tells classes apart -> a factor. Of a part of the rows (`dropped`) a level may be left without any.
as_classes <- function(y, n, dropped = NULL, columns = NULL) {
  if (is.data.frame(y) && length(y) == 1L) y <- y[[1L]]
  if (!is.null(dim(y)) || !(is.factor(y) || is.character(y) || is.numeric(y) || is.logical(y))) {
    abort_em("argument", sprintf("`y` must be a factor, or a vector with the class of each row, not %s.",
                                 describe_value(y)))
  }
  if (length(y) != n) {
    named <- is.character(y) && length(y) == 1L && y %in% columns
    abort_em("argument", c(sprintf("`y` must have one class for each row: %s, not %s.", number(n, 15L), count(y)),
                           i = if (named) sprintf("By the name of a column: em_classify(%s ~ ., data = ).",
                                                  code_name(y))))
  }
  if (!is.factor(y)) y <- factor(y, levels = sort(unique(y[!is.na(y)]), method = "radix"))
  if (!is.null(dropped)) return(y)
  empty <- setdiff(levels(y), as.character(y))
  if (length(empty)) {
    abort_em("argument", c(sprintf("`y` must have rows in every class: %s %s none.", quoted(empty),
                                   if (length(empty) > 1L) "have" else "has"),
                           i = "droplevels(y) takes such levels away."))
  }
  y
}

classify_data <- function(data, k, covariance, family, shared, criterion, folds, unknown, control, call) {
  plan <- new_plan(data, check_count(unknown, "unknown", 0L), control)
  shared <- check_flag(shared, "shared")
  if (!shared) check_apart(plan)
  asked <- list(k = candidates(k, plan), families = family_structures(family, covariance, plan$data), shared = shared,
                criterion = check_choice(criterion, "criterion",
                                         c("BIC", "CV")), covariance = covariance, folds = folds)
  if (asked$criterion == "CV" && has_choice(asked)) plan$folds <- class_folds(plan, folds)
  new_em_classify(choose_classes(plan, asked), plan, asked, call)
}

# What a fit of classes needs of the rows: data without labels, the class of each row (NA: not known), the classes.
new_plan <- function(data, unknown, control) {
  labels <- data$labels
  data["labels"] <- list(NULL)
  codes <- labels$codes
  counting <- if (is.null(data$weights)) rep(TRUE, data$n) else data$weights > 0
  used <- seq_along(labels$levels) %in% codes[counting]
  if (any(!used) && is.null(data$terms)) {
    abort_em("argument", sprintf("No row of class %s counts.", quoted(labels$levels[!used])))
  }
  plan <- list(data = data, codes = match(codes, which(used)), classes = labels$levels[used], unknown = unknown,
               control = control, cache = new.env(parent = emptyenv()))
  if (length(plan$classes) + (unknown > 0L) < 2L) {
    abort_em("argument", sprintf("`y` must have two classes or more, not %d.", length(plan$classes)))
  }
  if (unknown > 0L) check_unknown(plan)
  plan
}

check_unknown <- function(plan) {
  if ("unknown" %in% plan$classes) abort_em("argument", "`y` can't have a class \"unknown\" beside `unknown`.")
  if (anyNA(plan$codes)) return(invisible())
  abort_em("argument", c("`unknown` needs rows whose class is NA: every row has one.", i = "Leave `unknown` out."))
}

check_apart <- function(plan) {
  if (plan$unknown == 0L && !anyNA(plan$codes)) return(invisible())
  abort_em("unsupported", c(
    sprintf("With shared = FALSE each class is fitted by itself, so %s without a class can't help.",
            plural(sum(is.na(plan$codes)), "row")),
    i = "Use shared = TRUE, or leave these rows out."
  ))
}

# A list of candidates for each class, in the order of the classes.
candidates <- function(k, plan) {
  classes <- plan$classes
  if (!(is.numeric(k) || is.list(k)) || !length(k)) {
    abort_em("argument", c(sprintf("`k` must be numbers of components, not %s.", describe_value(k)),
                           i = sprintf("k = 1:3, or for each class: k = c(%s)",
                                       paste0(vapply(classes[1:min(3L, length(classes))], code_name, ""), " = 2",
                                              collapse = ", "))))
  }
  if (is.null(names(k)) && is.list(k) && length(k) == length(classes)) names(k) <- classes
  if (is.null(names(k))) return(rep(list(check_counts_of_components(unlist(k))), length(classes)))
  if (!setequal(names(k), classes) || anyDuplicated(names(k))) {
    abort_em("argument", c(sprintf("`k` must name each class once: %s, not %s.", quoted(classes), quoted(names(k))),
                           i = did_you_mean(setdiff(names(k), classes)[1L], classes)))
  }
  lapply(unname(as.list(k)[classes]), check_counts_of_components)
}

has_choice <- function(asked) length(asked$families) > 1L || any(lengths(asked$k) > 1L)
all_classes <- function(plan) c(plan$classes, if (plan$unknown > 0L) "unknown")

new_em_classify <- function(chosen, plan, asked, call) {
  data <- plan$data
  weights <- if (is.null(data$weights)) rep(1, data$n) else data$weights
  call <- plain_call(call)
  call[[1L]] <- quote(emfit::em_classify)
  out <- c(list(call = call), chosen, list(
    classes = all_classes(plan), y = plan$codes, nobs = count_observations(data), asked = asked, unknown = plan$unknown,
    control = plan$control, data = if (length(chosen$fits) > 1L) unclass(data)
  ))
  class(out) <- "em_classify"
  told <- decide(out, judged_rows(out))
  marginal <- bayes_em(told$log_density, out$shares, posterior = FALSE)$loglik
  out$marginal <- sum((weights * marginal)[weights > 0])
  out$confusion <- tally_classes(plan$codes, told$decided, weights, out$classes)
  out$lost <- lost_table(out, told, weights)
  out
}
