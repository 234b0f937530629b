# Documents of a topic model, old and new.

#' Shares of topics, perplexity and first terms
#'
#' `predict()` gives the shares of the topics in documents, or the topic with the largest; `em_perplexity()` how well
#' documents are foretold; `em_terms()` the terms that make up the topics. `fitted()` gives expected counts and
#' `simulate()` draws documents.
#'
#' @param object,fit A fit by [em_fit()] with [em_topics()].
#' @param newdata New documents, in any shape that [em_fit()] takes; terms are found by name. Those that the model does
#'   not know are left out, and a message counts them. A vector of named counts is one document. Left out: the
#'   documents of the fit.
#' @param type `"class"`: the topic with the largest share (`NA` for a document without words); `"prob"`: the shares;
#'   `"bound"`: each document's part of the bound.
#' @param n How many terms of each topic; for `simulate()`: how many documents, left out: those of the fit, each with its
#'   number of words.
#' @param by `"prob"`: the most probable terms. `"lift"`: those whose probability is highest beside that in the whole
#'   corpus, among terms with at least one expected word in the topic.
#' @param nsim How many corpora.
#' @param seed `NULL`, or a number for [set.seed()]; the generator's state is put back afterwards.
#' @param ... Nothing: an unknown argument is an error.
#' @details New documents begin with equal shares, and sweeps go on until the bound gains less than 1e-8 a word. So do
#'   the documents of the fit at its end, from where they are and from equal shares; the better one is kept.
#'
#'   A word whose term has probability 0 in every topic can't be foretold: the bound is -Inf and the perplexity Inf.
#'   The shares are those of the other words. This is so for terms that never occur in the documents of the fit: leave
#'   such columns out of the table before the fit, and they are unknown terms of new documents.
#' @return `predict()`: a factor, a matrix (documents x k) whose rows sum to 1, or a vector. `em_perplexity()`: one
#'   number, exp(-bound / words) over all documents; smaller is better, and the number of terms is what equal
#'   probabilities have. `em_terms()`: a matrix, `n` x k, of terms, the first one on top, `NA` where a topic has fewer. `fitted()`:
#'   a matrix, documents x terms. `simulate()`: a list of `nsim` data frames with `document`, `term` and `n`, a row for each
#'   term of a document, for `n ~ document + term`; the true shares are the attribute `"shares"`.
#' @section Errors: `emfit_error_newdata` where no term of `newdata` is in the model; `emfit_error_unsupported` for other
#'   types, and where expected counts would have more than 1e8 cells; `emfit_error_argument`; those of [em_topics()] for
#'   cells that are no counts.
#' @references Blei, D. M., Ng, A. Y. and Jordan, M. I. (2003) Latent Dirichlet allocation. *Journal of Machine Learning
#'   Research* 3, 993-1022.
#' @seealso [em_topics()], [em_topics-tidy]
#' @examples
#' set.seed(1)
#' counts <- rbind(a = c(cat = 5, dog = 4, sun = 0, rain = 0), b = c(4, 6, 0, 1), c = c(0, 0, 7, 5),
#'                 d = c(1, 0, 4, 6))
#' fit <- em_fit(counts, k = 2, latent = em_topics(alpha = 0.5))
#' em_terms(fit, 2)
#' predict(fit)
#' new <- c(cat = 2, dog = 1, rain = 3)
#' predict(fit, new, type = "prob")
#' em_perplexity(fit, new)
#' head(simulate(fit, seed = 1)[[1]])
#' @export
predict.em_fit_topics <- function(object, newdata = NULL, type = c("class", "prob", "bound"), ...) {
  check_dots(...)
  other <- c("uncertainty", "density", "logdensity", "component", "path", "filter")
  if (is.character(type) && length(type) == 1L && type %in% other) {
    refuse_for_topics(sprintf("predict(type = \"%s\")", type), no_rows)
  }
  type <- check_choice(type, "type", c("class", "prob", "bound"))
  at <- judge_documents(object, newdata)
  if (type == "bound") return(stats::setNames(at$bounds, at$corpus$documents))
  shares <- at$gamma / rowSums(at$gamma)
  dimnames(shares) <- list(at$corpus$documents, names(object$counts))
  if (type == "prob") return(shares)
  top <- max.col(shares, ties.method = "first")
  top[at$corpus$lengths == 0] <- NA
  out <- factor(names(object$counts)[top], levels = names(object$counts))
  if (is.null(at$corpus$documents)) out else stats::setNames(out, at$corpus$documents)
}

# gamma and bounds of documents: stored ones, or new ones from equal shares.
judge_documents <- function(fit, newdata) {
  alpha <- unname(fit$parameters$alpha)
  if (is.null(newdata)) {
    corpus <- fit$data
    return(list(corpus = corpus, gamma = unname(fit$documents), bounds = document_bounds(fit, corpus)))
  }
  corpus <- corpus_for_fit(newdata, fit)
  out <- expect_topics(corpus, fit$parameters)
  list(corpus = corpus, gamma = t(out$expected) + rep(alpha, each = corpus$n), bounds = out$bounds)
}

# At the gamma that the fit has.
document_bounds <- function(fit, corpus) {
  expected <- t(fit$documents - rep(fit$parameters$alpha, each = corpus$n))
  expect_topics(corpus, fit$parameters, unname(expected), most = 0L)$bounds
}

#' @rdname predict.em_fit_topics
#' @export
em_perplexity <- function(fit, newdata = NULL) {
  check_topics(fit)
  if (is.null(newdata)) return(exp(-fit$loglik / fit$words))
  at <- judge_documents(fit, newdata)
  words <- sum(at$corpus$lengths)
  if (words == 0) abort_em("newdata", "No document of `newdata` has a word that the model knows.")
  exp(-sum(at$bounds) / words)
}

check_topics <- function(fit) {
  if (inherits(fit, "em_fit_topics")) return(invisible())
  check_fit(fit)
  abort_em("unsupported", c("This is for topic models.", i = "Fit one: em_fit(x, k, latent = em_topics())."))
}

#' @rdname predict.em_fit_topics
#' @export
em_terms <- function(fit, n = 10, by = c("prob", "lift")) {
  check_topics(fit)
  n <- check_count(n, "n")
  terms <- top_terms(fit, n, check_choice(by, "by", c("prob", "lift")))
  n <- min(n, fit$data$n_terms)
  out <- matrix(vapply(terms, function(own) own[seq_len(n)], character(n)), n, fit$k)
  dimnames(out) <- list(NULL, names(fit$counts))
  out
}

top_terms <- function(fit, n, by = "prob") {
  topic <- fit$parameters$topic
  lapply(seq_len(fit$k), function(j) {
    own <- topic[j, ]
    if (by == "lift") {
      total <- term_totals(fit$data)
      own <- ifelse(own * fit$counts[j] >= 1, own / (total / sum(total)), 0)
    }
    fit$data$terms[first_terms(own, n)]
  })
}

#' @rdname predict.em_fit_topics
#' @export
fitted.em_fit_topics <- function(object, ...) {
  check_dots(...)
  corpus <- object$data
  if (as.double(corpus$n) * corpus$n_terms > 1e8) {
    refuse_for_topics("fitted()", c(sprintf("%s x %d cells are too many.", number(corpus$n, 15L), corpus$n_terms),
                                    "Take some documents: predict(fit, type = \"prob\")[i, ] %*% fit$parameters$topic."))
  }
  corpus$lengths * (predict(object, type = "prob") %*% object$parameters$topic)
}

#' @rdname predict.em_fit_topics
#' @export
simulate.em_fit_topics <- function(object, nsim = 1, seed = NULL, n = NULL, ...) {
  check_dots(...)
  nsim <- check_count(nsim, "nsim")
  if (!is.null(n)) n <- check_count(n, "n")
  with_seed(seed, lapply(seq_len(nsim), function(i) draw_corpus(object, n)))
}

draw_corpus <- function(fit, n) {
  corpus <- fit$data
  lengths <- if (is.null(n)) corpus$lengths
             else corpus$lengths[sample.int(corpus$n, n, replace = TRUE, prob = corpus$weights)]
  documents <- if (is.null(n) && !is.null(corpus$documents)) corpus$documents else as.character(seq_along(lengths))
  shares <- draw_shares(length(lengths), fit$parameters$alpha)
  dimnames(shares) <- list(documents, names(fit$counts))
  rows <- lapply(which(lengths > 0), function(d) {
    topics <- stats::rmultinom(1L, lengths[d], shares[d, ])
    counts <- numeric(corpus$n_terms)
    for (j in which(topics > 0)) counts <- counts + stats::rmultinom(1L, topics[j], fit$parameters$topic[j, ])
    at <- which(counts > 0)
    list(document = rep.int(d, length(at)), term = at, n = counts[at])
  })
  part <- function(name) unlist(lapply(rows, `[[`, name))
  structure(
    data.frame(document = factor(documents[part("document")], levels = documents),
               term = factor(corpus$terms[part("term")], levels = corpus$terms), n = part("n")),
    shares = shares
  )
}

# Dirichlet shares by logarithms of gamma variates: those of a small alpha are lost in the range of numbers.
draw_shares <- function(n, alpha) {
  k <- length(alpha)
  logs <- matrix(log(stats::rgamma(n * k, rep(alpha + 1, each = n))) + log(stats::runif(n * k)) / rep(alpha, each = n), n, k)
  shares <- exp(logs - row_max(logs))
  shares / rowSums(shares)
}
