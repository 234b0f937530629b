#' Choose the number of components and their kind
#'
#' Fits a table of mixtures, every number of components under every covariance structure, and ranks them by a
#' criterion. `best()` returns the first of them as a fit.
#'
#' Every fit of the table helps the others. The k-means++ partitions are drawn once for each k and tried under every
#' structure; a structure also starts from the optima of the other structures, from its own optimum with one component
#' less (each component split in turn), and from its own optimum with one component more (pairs of components merged,
#' those that lose least by it). The starts of a fit race: they run together and pause after 2, 4, 8, ... iterations,
#' and at each pause those that lag behind, have become the same as another, or promise too little to overtake the
#' best are set aside; at most three run to the end. Partitions, splits and the optima of others race apart, because
#' the last begin higher and would crowd out what ends higher. No structure ends below one that is nested in it. Of five
#' or more structures a fit that is more than 50 behind the best by BIC gets fewer of these starts, and may end lower
#' than [em_fit()] would.
#'
#' What decides is then searched once more, by itself, as [em_fit()] would with the same `control`: the best fit by
#' the criterion (BIC under `"CV"`), all within 10 of it, and, in a thorough search, the best of each k (of five or more
#' structures: where it is within 50 of the best); until the best and its rivals have all been searched so. Print says how many were. A table of
#' a single fit is that search and no other.
#'
#' A fit that leans on few rows, as [em_fit()] describes it, does not win over one that does not and is worth more to
#' rows left out, whatever the criterion; nor does one with a component of a single row, as it comes about where all
#' spread is shared, over one without that is within 10 of it. It keeps its row, with `leaning` set. [best()] and
#' [plot()] judge anew where they are given another criterion. Where all fits lean the first of them wins, and print
#' says so.
#'
#' That is the thorough search. With more than 1000 rows (of Gaussian components without a prior and without noise) it
#' is a quick one. The sums over the rows that one pass takes serve all structures: for each they give the parameters
#' of one M-step, and a number that the log-likelihood there is at least. By that number four of the k-means++
#' partitions (made in 2000 of the rows) and four of the optima of other structures join one race. The races end when
#' less than 0.1 is to be gained or after 50 iterations; in the end the best run of each fit goes on to its optimum, as
#' `control` says. The thorough search of such data takes about twice as long. It seldom changes the best fits, and
#' often ends higher where there are more components than groups, where the log-likelihood has very many maxima.
#'
#' A fit that does not exist, or whose likelihood is unbounded because a component shrank onto a few points, keeps
#' its row: `status` and `reason` say what happened, the criteria are `NA`, and it is never the best.
#'
#' Fits share the threads of `control`; the answer does not depend on their number. An interrupt (Ctrl-C, Esc) keeps
#' what was done so far. A progress bar appears in interactive sessions where it takes more than two seconds;
#' `options(emfit.progress = FALSE)` hides it.
#'
#' @inheritParams em_fit
#' @param k Numbers of components to try, whole numbers of 1 or more.
#' @param covariance For Gaussian components: the structures to try, names as in [em_gaussian()], or `"all"` (the 14
#'   of them; E and V in one dimension). Left out: the structure that `family` names, as in
#'   `family = em_gaussian("EEE")`, or all where it names none. Both may be given where they agree.
#'   Of [em_mixed()]: structures of the numbers, where these are one block; left out: the one that it has.
#' @param criterion What ranks the fits; smaller is better in all of them. `"BIC"`, `"ICL"` ([icl()]), `"AIC"`, or
#'   `"CV"`: minus twice the log-likelihood of rows left out of the fit, summed over `folds` (Smyth 2000).
#' @param folds In how many parts the rows are cut for `"CV"`, at random.
#' @param search `"thorough"` or `"quick"`, see Details; `"auto"` is quick where it can be and there are more than
#'   1000 rows.
#' @return An object of class `em_select`, a list with
#' \describe{
#'   \item{table}{Data frame, a row for each fit: `family`, `covariance`, `k`, `logLik`, `df`, `AIC`, `BIC`, `ICL`,
#'     `CV` (where asked for), `entropy` (1 where all rows are certain), `n.min` (expected rows of the smallest
#'     component), `prob.min` (the smallest mean probability of a component among the rows put into it),
#'     `converged`, `starts.agree` (how many of the starts came within 0.001 of the best; in the quick search within
#'     0.1, before the best was run to its end. Starts that were set aside on the way do not count; print tells where the best fit of a
#'     thorough search has fewer than 3), `leaning` (is it passed over, because it leans on few rows?),
#'     `status` (`"converged"`, `"max_iter"`, `"not_monotone"`, `"collapsed"`, `"failed"` or `"not_run"`), `reason`.}
#'   \item{criterion, quick, searched, interrupted, call}{The criterion; was the search a quick one? how many fits
#'     were searched by themselves? was it interrupted? the
#'     call.}
#'   \item{cells, data, latent, control, nobs}{What `best()` makes a fit of.}
#' }
#' @section Topics: With [em_topics()] the rows are documents and the criterion is the perplexity of documents left out
#'   (column `CV`), in 5 folds (fewer where there are fewer documents) if `folds` is not given: each number of topics is
#'   fitted to the other documents, from at most three starts; words of terms that these lack are left out, the same for every k. The table has `bound` and
#'   `perplexity` (of the documents fitted) in place of likelihood criteria, which are errors there. `plot()` draws both
#'   perplexities by k.
#' @section Errors: `emfit_error_argument`, and those of [em_fit()] for the data; `emfit_error_unsupported` for
#'   `search = "quick"` with other components, a prior or noise. What only some of the fits can't do is no error: see
#'   `reason`.
#' @section Warnings: `emfit_warning_interrupted`: the table is incomplete.
#' @references Fraley, C. and Raftery, A. E. (2002) Model-based clustering, discriminant analysis, and density
#'   estimation. *Journal of the American Statistical Association* 97, 611-631. \doi{10.1198/016214502760047131}
#'
#'   Celeux, G. and Govaert, G. (1995) Gaussian parsimonious clustering models. *Pattern Recognition* 28,
#'   781-793. \doi{10.1016/0031-3203(94)00125-6}
#'
#'   Smyth, P. (2000) Model selection for probabilistic clustering using cross-validated likelihood. *Statistics
#'   and Computing* 10, 63-72. \doi{10.1023/A:1008940618127}
#' @seealso [best()], [icl()], [em_lrt()], [em_fit()]
#' @examples
#' models <- em_select(faithful, k = 1:3, covariance = c("EEE", "VVV"))
#' models
#' best(models)
#' @export
em_select <- function(x, ...) UseMethod("em_select")

#' @rdname em_select
#' @export
em_select.default <- function(x, k = 1:9, covariance = NULL, family = em_gaussian(), latent = em_mixture(),
                              criterion = c("BIC", "ICL", "AIC", "CV"), weights = NULL, na.action = NULL,
                              folds = 10, search = c("auto", "thorough", "quick"), control = em_control(), ...) {
  if (has_formula(...names(), k, covariance, family, latent)) {
    return(call_by_formula(sys.call(), parent.frame(), em_select))
  }
  check_dots(...)
  latent <- as_em_latent(latent)
  own <- latent_select(latent, x, list(
    k = k, covariance = covariance, family = if (!missing(family)) family,
    criterion = if (!missing(criterion)) criterion, weights = weights, na.action = na.action,
    folds = if (!missing(folds)) folds, control = control, call = match.call()
  ))
  if (!is.null(own)) return(own)
  covariance <- structures_asked_for(covariance, family)
  family <- as_em_family(family)
  parted <- part_units(x, latent)
  data <- em_data(parted$x, family, weights, na.action, units = parted$units)
  tell_of_data(data, family)
  select_data(data, k, covariance, family, latent_settle(latent, data$units), criterion, folds, search, as_em_control(control),
              match.call())
}

#' @rdname em_select
#' @export
em_select.formula <- function(x, data = NULL, k = 1:9, covariance = NULL, family = em_gaussian(),
                              latent = em_mixture(), criterion = c("BIC", "ICL", "AIC", "CV"), weights = NULL,
                              subset = NULL, na.action = NULL, folds = 10,
                              search = c("auto", "thorough", "quick"), control = em_control(), ...) {
  if ("formula" %in% ...names()) return(call_by_formula(sys.call(), parent.frame(), em_select))
  check_dots(...)
  latent <- as_em_latent(latent)
  own <- latent_select(latent, x, list(
    k = k, covariance = covariance, family = if (!missing(family)) family,
    criterion = if (!missing(criterion)) criterion, weights = substitute(weights), na.action = na.action,
    folds = if (!missing(folds)) folds, control = control, call = match.call(), data = data, subset = substitute(subset)
  ))
  if (!is.null(own)) return(own)
  covariance <- structures_asked_for(covariance, family)
  family <- as_em_family(family)
  input <- data_of_formula(x, data, substitute(weights), substitute(subset), family, na.action, latent = latent)
  tell_of_data(input, family)
  select_data(input, k, covariance, family, latent_settle(latent, input$units), criterion, folds, search,
              as_em_control(control), match.call())
}

select_criteria <- c("BIC", "ICL", "AIC", "CV")

select_data <- function(data, k, covariance, family, latent, criterion, folds, search, control, call) {
  k <- check_counts_of_components(k)
  criterion <- check_choice(criterion, "criterion", select_criteria)
  families <- family_structures(family, covariance, data)
  way <- check_choice(search, "search", c("auto", "thorough", "quick"))
  search <- new_search(data, families, k, latent_bind(latent, data, family), control, way)
  search$criterion <- criterion
  if (criterion == "CV") search$folds <- draw_folds(data, folds)
  run_search(search)
  if (criterion == "CV") pass_over_leaning(search, "CV")
  new_em_select(search, criterion, call)
}

check_counts_of_components <- function(k) {
  if (!is.numeric(k) || !length(k)) {
    abort_em("argument", sprintf("`k` must be whole numbers of 1 or more, not %s.", describe_value(k)))
  }
  sort(unique(vapply(k, check_count, 0L, arg = "k")))
}

#' The best fit of a table
#'
#' @param x What [em_select()] returned.
#' @param criterion What decides; left out: the criterion that `x` was made with.
#' @param k,covariance Only fits with these numbers of components and these structures; left out: all.
#' @param ... Nothing: an unknown argument is an error.
#' @return A fit, as [em_fit()] returns it. Nothing is fitted again.
#' @section Errors: `emfit_error_degenerate` where no such fit came about (the message says why);
#'   `emfit_error_argument`.
#' @references Schwarz, G. (1978) Estimating the dimension of a model. *Annals of Statistics* 6, 461-464.
#'   \doi{10.1214/aos/1176344136}
#' @seealso [em_select()]
#' @examples
#' models <- em_select(faithful, k = 1:3, covariance = c("EEE", "VVV"))
#' best(models)
#' best(models, criterion = "ICL")
#' best(models, k = 2)
#' @export
best <- function(x, ...) UseMethod("best")

#' @rdname best
#' @export
best.em_select <- function(x, criterion = x$criterion, k = NULL, covariance = NULL, ...) {
  check_no_dots(list(...), names(formals(best.em_select)))
  criterion <- check_choice(criterion, "criterion", intersect(select_criteria, names(x$table)))
  asked <- rep(TRUE, nrow(x$table))
  if (!is.null(k)) asked <- asked & x$table$k %in% check_counts_of_components(k)
  if (!is.null(covariance)) asked <- asked & x$table$covariance %in% covariance
  if (!any(asked)) {
    abort_em("argument", c("The table has no such fit.", x = sprintf(
      "It has k = %s%s.", enumerate(unique(x$table$k), 20L),
      if (anyNA(x$table$covariance)) "" else paste(" and covariance", quoted(unique(x$table$covariance)))
    )))
  }
  x$table$leaning <- passed_by(x, criterion)
  row <- rank_fits(x$table, criterion, asked)[1L]
  if (is.na(row)) abort_nothing_fitted(x$table[asked, ])
  fit_of_row(x, row)
}

# Rows of the table by a criterion, best first, those that lean on few rows last; equal ones in the order of the structures, the simplest first.
rank_fits <- function(table, criterion, asked = rep(TRUE, nrow(table))) {
  value <- table[[criterion]]
  rows <- which(asked & !is.na(value))
  rows[order(table$leaning[rows], value[rows], table$df[rows], rows, method = "radix")]
}

abort_nothing_fitted <- function(table) {
  reasons <- unique(table$reason[!is.na(table$reason)])
  shown <- utils::head(reasons, 3L)
  abort_em("degenerate", c("None of these fits came about.", stats::setNames(shown, rep("x", length(shown)))))
}

fit_of_row <- function(x, row) {
  cell <- x$cells[[row]]
  start <- list(model = cell$model, ordered = latent_is_ordered(cell$model$latent), supplied = FALSE, raced = !is_alone(x),
                names = latent_names(cell$model$latent, cell$model$k), method = cell$starts$method)
  run <- cell$run
  run$starts <- cell$starts[names(cell$starts) != "method"]
  new_em_fit(run, start, x$data, x$control, call_of_row(x, cell$model))
}

# A table of one fit is em_fit()'s search.
is_alone <- function(x) nrow(x$table) == 1L

# The call that would make this one fit.
call_of_row <- function(x, model) {
  call <- x$call[!names(x$call) %in% c("covariance", "criterion", "folds", "search")]
  call$k <- model$k
  call$family <- family_call(model$family, call$family)
  call
}
