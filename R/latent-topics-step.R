# The published algorithm, half by half: each document's gamma from equal shares to convergence, then topics and alpha.

#' @export
latent_step.em_latent_topics <- function(latent, x, of, expected = NULL) {
  parameters <- if (inherits(of, "em_fit")) of$parameters else unclass_parameters(of)
  k <- length(parameters$alpha)
  if (is.null(expected)) return(topics_estep(corpus_under(x, colnames(parameters$topic), of), parameters))
  topics_mstep(latent, parameters, expected, k)
}

# The documents under the terms of the parameters.
corpus_under <- function(x, terms, of) {
  corpus_for_fit(x, list(data = list(terms = terms, formula = if (inherits(of, "em_fit")) of$data$formula)))
}

topics_estep <- function(corpus, parameters) {
  out <- expect_topics(corpus, parameters)
  names <- names(parameters$alpha)
  documents <- t(out$expected) + rep(unname(parameters$alpha), each = corpus$n)
  dimnames(documents) <- list(corpus$documents, names)
  words <- out$words
  dimnames(words) <- list(names, corpus$terms)
  list(documents = documents, words = words, log_shares = stats::setNames(as.vector(out$log_shares), names),
       n = out$documents, bounds = stats::setNames(out$bounds, corpus$documents), bound = out$bound)
}

topics_mstep <- function(latent, parameters, expected, k) {
  if (!is.list(expected) || !all(c("words", "log_shares", "n") %in% names(expected)) ||
      !identical(dim(expected$words), dim(parameters$topic))) {
    abort_em("start", c("The second argument must be what em_estep() returned at these topics.",
                        i = "e <- em_estep(x, fit); em_mstep(x, e, fit)."))
  }
  kind <- if (is.numeric(latent$alpha) || k == 1L) "held" else latent$alpha
  out <- maximise_topics(expected$words, as.vector(expected$log_shares), expected$n, parameters, kind)
  topic <- out$topic
  dimnames(topic) <- dimnames(parameters$topic)
  structure(list(alpha = stats::setNames(as.vector(out$alpha), names(parameters$alpha)), topic = topic),
            class = "em_parameters", family = em_multinomial(), latent = latent, k = k, columns = colnames(topic),
            width = NULL)
}
