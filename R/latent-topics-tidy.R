# Tables of a topic model, under the names that the tidytext package uses.

#' Tidy tables of topics
#'
#' The tables that the tidytext package makes of topic models, under the same names of columns, so that its pictures
#' and joins work as they are.
#'
#' @param x A fit by [em_fit()] with [em_topics()].
#' @param matrix `"beta"`: the probability of each term in each topic; `"gamma"`: the share of each topic in each
#'   document.
#' @param data Further columns for `augment()`: a table with columns `document` and `term`. Left out: the cells of the
#'   fit.
#' @param ... Nothing: an unknown argument is an error.
#' @return Tibbles where the tibble package is loaded, data frames otherwise. `tidy()`: `topic` (a whole number, or its
#'   name where topics have names), `term`, `beta`; or `document`, `topic`, `gamma`. `augment()`: a row for each term of a
#'   document, with `document`, `term`, `count` and `.topic`, the most probable topic of the term in that document.
#'   `glance()`: one row with `k`, `nobs` (documents), `terms`, `words`, `df`, `bound`, `perplexity`, `alpha` (its mean),
#'   `coherence` and `exclusivity` (means over topics), `iterations`, `converged`, `starts.agree`.
#' @section Errors: `emfit_error_argument`.
#' @references Silge, J. and Robinson, D. (2017) *Text Mining with R*. O'Reilly.
#'
#'   Mimno, D., Wallach, H. M., Talley, E., Leenders, M. and McCallum, A. (2011) Optimizing semantic coherence in topic
#'   models. *Proceedings of EMNLP*, 262-272.
#' @seealso [em_topics()], [em_terms()]
#' @examples
#' set.seed(1)
#' counts <- rbind(a = c(cat = 5, dog = 4, sun = 0, rain = 0), b = c(4, 6, 0, 1), c = c(0, 0, 7, 5),
#'                 d = c(1, 0, 4, 6))
#' fit <- em_fit(counts, k = 2, latent = em_topics(alpha = 0.5))
#' tidy(fit)
#' tidy(fit, matrix = "gamma")
#' augment(fit)
#' glance(fit)
#' @name em_topics-tidy
NULL

#' @rdname em_topics-tidy
#' @export
tidy.em_fit_topics <- function(x, matrix = c("beta", "gamma"), ...) {
  check_no_dots(list(...), names(formals(tidy.em_fit_topics)))
  matrix <- check_choice(matrix, "matrix", c("beta", "gamma"))
  topics <- topic_numbers(x)
  if (matrix == "beta") {
    return(as_tidy(data.frame(topic = rep(topics, x$data$n_terms), term = rep(x$data$terms, each = x$k),
                              beta = as.vector(x$parameters$topic))))
  }
  shares <- x$documents / rowSums(x$documents)
  as_tidy(data.frame(document = rep(document_names(x$data), x$k), topic = rep(topics, each = x$data$n),
                     gamma = as.vector(shares)))
}

# As tidytext has them: numbers.
topic_numbers <- function(fit) {
  names <- names(fit$counts)
  if (identical(names, as.character(seq_len(fit$k)))) seq_len(fit$k) else names
}

document_names <- function(corpus) if (is.null(corpus$documents)) seq_len(corpus$n) else corpus$documents

#' @rdname em_topics-tidy
#' @export
augment.em_fit_topics <- function(x, data = NULL, ...) {
  check_no_dots(list(...), names(formals(augment.em_fit_topics)))
  at <- cell_documents(x$data)
  cells <- data.frame(document = document_names(x$data)[at], term = x$data$terms[x$data$term + 1L], count = x$data$count,
                      .topic = topic_numbers(x)[cell_topics(x, at)])
  if (is.null(data)) return(as_tidy(cells))
  if (!inherits(data, "data.frame") || !all(c("document", "term") %in% names(data))) {
    abort_em("argument", "`data` must be a data frame with columns `document` and `term`.")
  }
  key <- function(table) paste(table$document, table$term, sep = "\r")
  data$.topic <- cells$.topic[match(key(data), key(cells))]
  as_tidy(as.data.frame(data))
}

# The most probable topic of each cell; `at` are their documents.
cell_topics <- function(fit, at) {
  logs <- digamma(fit$documents)
  top <- numeric(length(at))
  for (part in split(seq_along(at), (seq_along(at) - 1L) %/% 100000L)) {
    score <- logs[at[part], , drop = FALSE] + log(t(fit$parameters$topic[, fit$data$term[part] + 1L, drop = FALSE]))
    top[part] <- max.col(pmax(score, -1e300), ties.method = "first")
  }
  top
}

#' @rdname em_topics-tidy
#' @export
glance.em_fit_topics <- function(x, ...) {
  check_no_dots(list(...), names(formals(glance.em_fit_topics)))
  quality <- topic_quality(x, 10L)
  as_tidy(data.frame(k = x$k, nobs = x$nobs, terms = x$data$n_terms, words = x$words, df = x$df, bound = x$loglik,
                     perplexity = em_perplexity(x), alpha = mean(x$parameters$alpha),
                     coherence = mean(quality$coherence), exclusivity = mean(quality$exclusivity),
                     iterations = x$iterations, converged = x$converged, starts.agree = topics_agreeing(x)))
}
