# Topic models: each word of a document draws its topic from the document's own shares. The structure is what the user
# said of alpha. Documents are no rows of one component each, so the fit has its own engine (src/topics.h), its own
# data (latent-topics-corpus.R) and its own readers (latent-topics-methods.R); what the rest of the package offers and
# topics can't serve is told in latent_serves().

#' Topics of documents: latent Dirichlet allocation
#'
#' Says that each document has shares of k topics, that each of its words comes from one of them, and that a topic is a
#' law of terms. It is the `latent` argument of [em_fit()], over a table of counts, documents by terms.
#'
#' A document draws its shares from a Dirichlet distribution with parameters `alpha`; each word draws a topic from the
#' shares and a term from the topic (Blei, Ng & Jordan 2003). The likelihood has no closed form, so a lower *bound* of
#' it is maximised: each document has a Dirichlet distribution of its shares, with parameters gamma, and each of its
#' words probabilities of the topics. [logLik()] of such a fit is that bound, and `print()` says so. It never falls
#' from one iteration to the next: gamma goes on from iteration to iteration, one sweep in each, and every thirty
#' iterations each document is also decided anew, from equal shares, and keeps whichever has the higher bound.
#'
#' @param alpha What is known of the parameters of the shares: `"symmetric"` (one number for all topics, estimated),
#'   `"free"` (one for each, estimated), or a number, or k numbers, above 0 that are held. Below 1 a document has few
#'   topics. Estimated ones begin at 1/k and mostly wait there for twenty iterations: while topics are still alike, so
#'   are the shares, and alpha would grow large.
#' @return An object of class `em_latent`: a plain list, to be given to [em_fit()].
#' @section Data: The first argument of [em_fit()] is a table of counts: a matrix, a data frame of counts, a
#'   `simple_triplet_matrix` of slam or a `DocumentTermMatrix` of tm (a `TermDocumentMatrix` is transposed), a `dgCMatrix`,
#'   `dgTMatrix` or `dgRMatrix` of Matrix, or a `dfm` of quanteda. Or a formula: `n ~ document + term` for a table with a
#'   row for each term of a document, `~ document + term` with a row for each word. None of these packages is needed.
#'   Only cells above 0 are kept. Documents without words stay, with gamma = alpha, and one message counts them; terms
#'   that never occur stay, with probability 0. `weights` are of documents: weight 2 is the document twice.
#' @section What a fit has: The list of [em_fit()] with `parameters$topic` (k x terms, each row sums to 1),
#'   `parameters$alpha` (k), `documents` (gamma: documents x k), `loglik` (the bound), `counts` (expected words of each
#'   topic), `words`, `nobs` (documents), `df` (k (terms - 1), and the parameters alpha that are estimated), `trace`
#'   (`iteration`, `bound`), `starts`. Topics are ordered by their expected words.
#'
#'   [coef()], `tidy()` (see [em_topics-tidy]), [em_terms()], [em_perplexity()], [predict()][predict.em_fit_topics],
#'   `summary()`, `plot()` ([plot.em_fit_topics]), [simulate()], [update()], [em_estep()] and [em_mstep()] read it.
#'   `AIC()`, `BIC()`, [icl()], [vcov()], [confint()], [em_lrt()] and other readers that need a likelihood, or rows of one
#'   component, are errors of class `emfit_error_unsupported` that name what serves instead: the number of topics is chosen
#'   by the perplexity of documents left out, `em_select(x, k = 2:10, latent = em_topics())`.
#' @section Starts: Documents are dealt out to the topics at random. Of `n_start` starts each has 40 iterations; the three
#'   with the highest bound run to the end. In every other one (`"settled"` in `fit$starts`) the first iterations take the
#'   shares of each document to convergence and estimate alpha at once, in the others (`"partition"`) not: that is better
#'   in small corpora, this in large ones. `start = "partition"` or `"settled"` has one kind only. Print tells how many of
#'   those that ran to the end come within a thousandth of the best perplexity: the bound has many maxima, and topics may
#'   differ between them. A `start` of one's own is `list(topic = , alpha = )`, with columns found by the names of terms, or
#'   a fit; it goes both ways. Seed words are large probabilities in `start$topic`; a probability that is 0 there stays 0.
#'   `fixed = list(topic = )` holds cells, `NA` where free.
#' @section Settings: `tol` of [em_control()] is the gain of the bound for each word in one iteration, so that it does not
#'   depend on the size of the corpus; an iteration with a fresh try of each document has the last say. `accelerate =
#'   FALSE` leaves these tries out, and estimates alpha from the first iteration, and `tol = 0` runs `max_iter` plain iterations, as a replay of a textbook wants them.
#' @section Not there: Correlated topics, topics with covariates and Gibbs sampling: see the packages topicmodels, stm
#'   and lda. A mixture in which every document has one topic is `em_fit(x, k, family = em_multinomial())`, and its
#'   likelihood is exact.
#' @section Errors: `emfit_error_counts` for cells that are no counts (negative, or weighted as tf-idf),
#'   `emfit_error_missing`, `emfit_error_input` (no documents, no terms, one term, two columns of one name),
#'   `emfit_error_argument` (more topics than documents with words), `emfit_error_start`, `emfit_error_fixed`,
#'   `emfit_error_unsupported`. Each names the cell or the argument.
#' @section Warnings: `emfit_warning_not_converged`; `emfit_warning_coincide` where two topics are nearly the same.
#' @references Blei, D. M., Ng, A. Y. and Jordan, M. I. (2003) Latent Dirichlet allocation. *Journal of Machine Learning
#'   Research* 3, 993-1022.
#'
#'   Minka, T. P. (2000) Estimating a Dirichlet distribution. Technical report, MIT.
#' @seealso [em_fit()], [em_terms()], [em_perplexity()], [em_select()]
#' @examples
#' set.seed(1)
#' counts <- rbind(
#'   a = c(cat = 5, dog = 4, sun = 0, rain = 0), b = c(4, 6, 0, 1),
#'   c = c(0, 0, 7, 5), d = c(1, 0, 4, 6),
#'   e = c(3, 2, 3, 3)
#' )
#' fit <- em_fit(counts, k = 2, latent = em_topics(alpha = 0.5))
#' fit
#' em_terms(fit, 2)
#' round(predict(fit, type = "prob"), 2)
#' @export
em_topics <- function(alpha = "symmetric") {
  if (is.character(alpha)) alpha <- check_choice(alpha, "alpha", c("symmetric", "free"))
  else alpha <- check_alpha_numbers(alpha, "alpha", "argument")
  new_em_latent("topics", alpha = alpha)
}

# One number or k of them.
check_alpha_numbers <- function(alpha, arg, what, k = NULL) {
  wrong <- if (!is.numeric(alpha) || !length(alpha)) describe_value(alpha)
    else if (anyNA(alpha) || any(alpha <= 0) || any(is.infinite(alpha))) enumerate(number(alpha))
    else if (!is.null(k) && !length(alpha) %in% c(1L, k)) plural(length(alpha), "number")
  if (is.null(wrong)) return(if (is.null(k)) as.double(alpha) else rep_len(as.double(alpha), k))
  bullets <- sprintf("`%s` must be %s above 0%s, not %s.", arg,
                     if (is.null(k)) "numbers" else paste("one number or", k),
                     if (arg == "alpha") ", \"symmetric\" or \"free\"" else "", wrong)
  switch(what, argument = abort_em("argument", bullets), start = abort_em("start", bullets), abort_em("fixed", bullets))
}

#' @export
format.em_latent_topics <- function(x, ...) {
  check_dots(..., let_pass = format_arguments)
  paste0("Topics, alpha ", if (is.numeric(x$alpha)) paste(enumerate(number(x$alpha)), "(held)") else x$alpha)
}

#' @export
latent_shares.em_latent_topics <- function(latent, parameters, counts = NULL) counts / sum(counts)

#' @export
latent_unit.em_latent_topics <- function(latent) {
  abort_em("unsupported", c("Topics are no parameters of rows: this function draws or reads single rows.",
                            i = "A start is a list: start = list(topic = , alpha = ); one step is em_estep(x, fit)."))
}

# What serves instead.
instead_for_topics <- c(
  "em_animate()" = "plot(fit, type = \"trace\") shows the iterations.",
  "em_bootstrap()" = "Fit again with other seeds, and compare em_terms(fit).",
  "em_cv()" = "em_select(x, k = 2:10, latent = em_topics()) judges documents that are left out.",
  "A density of columns" = "Words are terms, not numbers: em_terms(fit) has the laws of the topics.",
  "em_diagnose()" = "summary(fit) has coherence and exclusivity of the topics, fit$starts the starts.",
  "em_directions()" = "Words are terms, not numbers: plot(fit) and em_terms(fit) tell topics apart.",
  "em_impute()" = "A table of counts has no missing cells; predict(fit, newdata, type = \"prob\") has shares of topics.",
  "em_merge()" = "Fit fewer topics, em_select(x, k = 2:10, latent = em_topics()).",
  "em_relabel()" = "Topics come by their share; start = names them otherwise.",
  "em_path()" = "fit$trace has the bound; em_fit(x, k, start = , control = em_control(max_iter = i, tol = 0)) step i.",
  "em_stationary()" = "Documents do not follow each other; colMeans(predict(fit, type = \"prob\")) are mean shares."
)

#' @export
latent_against_chunks.em_latent_topics <- function(latent) "its documents are a table of counts in memory"

#' @export
latent_serves.em_latent_topics <- function(latent, reader) {
  abort_em("unsupported", c(sprintf("%s is not for topic models.", reader), i = unname(instead_for_topics[reader])))
}
