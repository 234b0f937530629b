# What readers of fits find in a topic model: print, numbers, predictions, refusals.

#' @export
format.em_fit_topics <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  check_dots(..., let_pass = format_arguments)
  c(topics_title(x), "", topics_table(x), "", topics_bound(x), topics_ending(x))
}

topics_title <- function(x) {
  empty <- sum(x$data$lengths == 0)
  unused <- sum(colSums(x$parameters$topic) == 0)
  alpha <- x$parameters$alpha
  alpha <- paste0("alpha ", if (length(unique(alpha)) == 1L) number(alpha[1L]) else enumerate(number(alpha)),
                  if (identical(x$latent$alpha, "symmetric")) " (symmetric, estimated)"
                  else if (identical(x$latent$alpha, "free")) " (estimated)" else " (held)")
  weights <- if (x$data$weighted) paste0(", weights sum to ", number(x$nobs, 7L))
  c(paste0("Topic model: ", plural(x$k, "topic"), ", ", plural(x$data$n_terms, "term"),
           if (unused) sprintf(" (%d never occur)", unused)),
    paste0(plural(x$data$n, "document"), if (empty) sprintf(" (%d without words)", empty), ", ", number(x$words, 10L),
           " words", weights, "; ", alpha))
}

topics_table <- function(x, most = 12L, n = 7L) {
  shown <- seq_len(min(x$k, most))
  terms <- top_terms(x, n)
  width <- max(nchar(c("topic", names(x$counts)[shown])))
  lines <- sprintf(" %s %s  %s", formatC(names(x$counts)[shown], width = width),
                   formatC(shares_of(x)[shown], format = "f", digits = 3L),
                   vapply(terms[shown], paste, "", collapse = ", "))
  lines <- strtrim(c(sprintf(" %s share  first terms", formatC("topic", width = width)), lines), getOption("width"))
  c(lines, if (x$k > most) sprintf(" (%s more: see em_terms())", plural(x$k - most, "topic")))
}

topics_bound <- function(x) {
  sprintf("Bound %s (a lower bound of the log-likelihood); perplexity %s", fixed(x$loglik, 1L),
          fixed(exp(-x$loglik / x$words), 1L))
}

topics_ending <- function(x) {
  ending <- switch(x$status, converged = "Converged in", if (x$control$tol > 0 && x$control$max_iter > 0L)
    "NOT converged in" else "Ran")
  ending <- paste(ending, plural(x$iterations, "iteration"))
  n <- nrow(x$starts)
  early <- sum(x$starts$status == "stopped_early")
  if (n > 1L) {
    ending <- sprintf("%s; best of %d starts (%d of the %d run to the end agree within 0.1 %%)", ending, n,
                      topics_agreeing(x), n - early)
  }
  paste0(ending, ".")
}

# Judgement of the topics -------------------------------------------------------------------------------------------

#' @export
summary.em_fit_topics <- function(object, n = 10, ...) {
  check_dots(...)
  n <- check_count(n, "n", 2L)
  structure(list(fit = object, topics = topic_quality(object, n), n = n,
                 criteria = c(bound = object$loglik, df = object$df, nobs = object$nobs,
                              perplexity = exp(-object$loglik / object$words))),
            class = c("summary.em_fit_topics", "summary.em_fit"))
}

#' @export
print.summary.em_fit_topics <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  check_dots(..., let_pass = print_arguments)
  fit <- x$fit
  cat("Call: ", paste(deparse(fit$call, width.cutoff = 100L), collapse = "\n"), "\n\n", sep = "")
  cat(topics_title(fit), "", sep = "\n")
  table <- x$topics
  table$share <- fixed(table$share, 3L)
  table$words <- fixed(table$words, 0L)
  table[c("coherence", "exclusivity")] <- lapply(table[c("coherence", "exclusivity")], fixed, 3L)
  cat(table_lines(table), sep = "\n")
  cat(sprintf("Coherence (UMass, nearer 0 is better) and exclusivity of the first %d terms.\n\n", x$n))
  cat(topics_table(fit), "", topics_bound(fit), topics_ending(fit), sep = "\n")
  invisible(x)
}

# A row for each topic. coherence: the mean over pairs of its first terms of log((D(w, v) + 1) / D(v)), where D counts
# documents with a term, or with both, and v is the more probable one (Mimno et al. 2011). exclusivity: the mean over
# its first terms of the topic's part of the term's probabilities in all topics.
topic_quality <- function(fit, n) {
  topic <- fit$parameters$topic
  first <- lapply(seq_len(fit$k), function(j) first_terms(topic[j, ], n))
  all <- sort(unique(unlist(first)))
  seen <- term_presence(fit$data, all)
  together <- crossprod(seen * corpus_weights(fit$data), seen)
  coherence <- vapply(first, function(terms) {
    if (length(terms) < 2L) return(NA_real_)
    at <- match(terms, all)
    pairs <- utils::combn(length(at), 2L)
    mean(log((together[cbind(at[pairs[2L, ]], at[pairs[1L, ]])] + 1) / diag(together)[at[pairs[1L, ]]]))
  }, 0)
  exclusivity <- vapply(seq_len(fit$k), function(j) {
    mean(topic[j, first[[j]]] / colSums(topic[, first[[j]], drop = FALSE]))
  }, 0)
  data.frame(topic = names(fit$counts), share = unname(shares_of(fit)), words = unname(fit$counts),
             coherence = coherence, exclusivity = exclusivity)
}

# Those with the highest probabilities, none of them 0; ties in the order of the terms.
first_terms <- function(probabilities, n) {
  at <- utils::head(order(-probabilities), n)
  at[probabilities[at] > 0]
}

# Which documents have the terms: 0 or 1.
term_presence <- function(corpus, terms) {
  column <- match(corpus$term + 1L, terms)
  kept <- !is.na(column)
  out <- matrix(0, corpus$n, length(terms))
  out[cbind(cell_documents(corpus)[kept], column[kept])] <- 1
  out
}

# Numbers -----------------------------------------------------------------------------------------------------------

#' @export
coef.em_fit_topics <- function(object, ...) {
  check_dots(...)
  table <- as.data.frame(object)
  stats::setNames(table$estimate, ifelse(is.na(table$variable), paste0("alpha[", table$component, "]"),
                                         paste0("topic.", table$variable, "[", table$component, "]")))
}

#' @export
as.data.frame.em_fit_topics <- function(x, row.names = NULL, optional = FALSE, ...) {
  check_dots(..., let_pass = frame_arguments)
  names <- names(x$counts)
  terms <- x$data$terms
  data.frame(component = c(names, rep(names, length(terms))), term = rep(c("alpha", "topic"), c(x$k, x$k * length(terms))),
             variable = c(rep(NA_character_, x$k), rep(terms, each = x$k)), variable2 = NA_character_,
             estimate = c(unname(x$parameters$alpha), as.vector(x$parameters$topic)))
}

#' @export
formula.em_fit_topics <- function(x, ...) {
  check_dots(...)
  if (!is.null(x$data$formula)) fit_formula(x)
}

# What a bound can't tell, or documents don't have ------------------------------------------------------------------

refuse_for_topics <- function(what, instead) {
  abort_em("unsupported", c(sprintf("%s is not for topic models: %s", what, instead[[1L]]), i = instead[[2L]]))
}

by_perplexity <- c("the bound is no log-likelihood, and its distance from it grows with the number of topics.",
                   "em_select(x, k = 2:10, latent = em_topics()) compares by the perplexity of documents left out.")
no_errors <- c("a bound has no information about its parameters.",
               "Fit again with other seeds, and compare em_terms(fit); em_perplexity(fit, newdata) judges the fit.")
no_rows <- c("a document has a share of every topic.",
             "predict(fit, type = \"prob\") has the shares, tidy(fit, matrix = \"gamma\") the table.")

#' @importFrom stats AIC
#' @export
AIC.em_fit_topics <- function(object, ..., k = 2) refuse_for_topics("AIC()", by_perplexity)

#' @importFrom stats BIC
#' @export
BIC.em_fit_topics <- function(object, ...) refuse_for_topics("BIC()", by_perplexity)

#' @export
icl.em_fit_topics <- function(object, ...) refuse_for_topics("icl()", by_perplexity)

#' @export
extractAIC.em_fit_topics <- function(fit, scale = 0, k = 2, ...) refuse_for_topics("extractAIC()", by_perplexity)

#' @export
anova.em_fit_topics <- function(object, ...) refuse_for_topics("anova()", by_perplexity)

#' @export
em_lrt.em_fit_topics <- function(fit, ...) refuse_for_topics("em_lrt()", by_perplexity)

#' @export
deviance.em_fit_topics <- function(object, ...) refuse_for_topics("deviance()", by_perplexity)

#' @export
vcov.em_fit_topics <- function(object, ...) refuse_for_topics("vcov()", no_errors)

#' @export
confint.em_fit_topics <- function(object, parm, level = 0.95, ...) refuse_for_topics("confint()", no_errors)

#' @export
residuals.em_fit_topics <- function(object, ...) {
  refuse_for_topics("residuals()", c("its documents are sparse counts.", "fitted(fit) has the expected counts."))
}

#' @method as.Mclust em_fit_topics
#' @exportS3Method mclust::as.Mclust em_fit_topics
as.Mclust.em_fit_topics <- function(x, ...) refuse_for_topics("as.Mclust()", no_rows)

#' @method model_parameters em_fit_topics
#' @exportS3Method parameters::model_parameters em_fit_topics
model_parameters.em_fit_topics <- function(model, ...) {
  refuse_for_topics("model_parameters()", c("topics have no standard errors.", "tidy(fit, matrix = \"beta\") has their terms."))
}

#' @method model_performance em_fit_topics
#' @exportS3Method performance::model_performance em_fit_topics
model_performance.em_fit_topics <- function(model, ...) refuse_for_topics("model_performance()", by_perplexity)

# Again -------------------------------------------------------------------------------------------------------------

#' @export
update.em_fit_topics <- function(object, formula., ..., evaluate = TRUE) {
  given <- list(...)
  if (!missing(formula.)) {
    refuse_for_topics("update() by a formula", c("its formula only names columns.", "Fit the other table: em_fit(x, ...)."))
  }
  known <- c("x", "data", "k", "latent", "start", "weights", "fixed", "control")
  check_no_dots(given[!names_of(given) %in% known], known)
  call <- updated_call(object$call, as.list(substitute(list(...)))[-1L], NULL)
  if (!check_flag(evaluate, "evaluate")) return(call)
  pick <- function(name, otherwise) if (name %in% names(given)) given[[name]] else otherwise
  corpus <- object$data
  if ("data" %in% names(given)) {
    formula <- fit_formula_or_refuse(object)
    corpus <- corpus_of_formula(formula, given$data, NULL, NULL)
  }
  if ("x" %in% names(given)) corpus <- as_corpus(given$x)
  if ("weights" %in% names(given)) {
    corpus["weights"] <- list(if (!is.null(given$weights)) check_weights(given$weights, corpus$n))
    corpus$weighted <- !is.null(given$weights)
  }
  start <- pick("start", if (object$asked$supplied && !any(c("k", "x", "data") %in% names(given))) object$start[c("topic", "alpha")])
  k <- if (is.null(given$start)) pick("k", object$k) else given$k
  fixed <- pick("fixed", if (!is.null(object$held) && !"k" %in% names(given)) list(topic = object$held))
  fit_corpus(corpus, k, as_em_latent(pick("latent", object$asked$latent)), start, fixed,
             as_em_control(pick("control", object$control)), call)
}

fit_formula_or_refuse <- function(fit) {
  if (!is.null(fit$data$formula)) return(fit_formula(fit))
  abort_em("argument", c("`data` goes with a formula, and the fit has none.", i = "Give the table: update(fit, x = ...)."))
}
