# How many topics: each number is fitted to the documents, and to all but each part of them in turn; what is left out is
# foretold. The table has the columns of em_select() that a bound can fill, and the criterion is CV.

#' @export
latent_select.em_latent_topics <- function(latent, x, asked) {
  check_asked_of_topics(asked)
  if (!is.null(asked$covariance)) abort_em("unsupported", "Topics have no `covariance`.")
  if (!is.null(asked$criterion) && !identical(asked$criterion, "CV")) {
    abort_em("unsupported", c(
      sprintf("`criterion` can't be %s: the bound of topics is no log-likelihood.", describe_value(asked$criterion)),
      i = "Leave it out: the perplexity of documents left out decides, criterion = \"CV\"."
    ))
  }
  ks <- check_counts_of_components(asked$k)
  control <- as_em_control(asked$control)
  corpus <- corpus_asked_for(x, asked)
  check_corpus(corpus, max(ks))
  folds <- topic_folds(corpus, asked$folds)
  call <- plain_call(asked$call)
  call[[1L]] <- quote(emfit::em_fit)
  call <- call[!names(call) %in% c("criterion", "folds", "covariance")]
  parts <- lapply(seq_len(max(folds)), function(fold) topic_part(corpus, folds, fold))
  fits <- lapply(ks, function(k) fit_of_k(corpus, k, latent, control, replace(call, "k", k)))
  held <- lapply(ks, function(k) vapply(parts, foretell_part, numeric(2L), k = k, latent = latent, control = control))
  new_topics_select(fits, held, ks, corpus, latent, control, call)
}

fit_of_k <- function(corpus, k, latent, control, call) {
  withCallingHandlers(
    fit_corpus(corpus, k, latent, NULL, NULL, control, call),
    emfit_warning_not_converged = function(w) invokeRestart("muffleWarning"),
    emfit_message = function(m) invokeRestart("muffleMessage")
  )
}

# Documents without words are in no part. Where `folds` is not given, 5, or as many as there are documents.
topic_folds <- function(corpus, folds = NULL) {
  filled <- which(corpus$lengths > 0 & corpus_weights(corpus) > 0)
  folds <- if (is.null(folds)) max(2L, min(5L, length(filled))) else check_count(folds, "folds", 2L)
  if (folds > length(filled)) {
    abort_em("argument", sprintf("`folds` can't be more than the documents with words: %d, not %d.", length(filled), folds))
  }
  out <- integer(corpus$n)
  out[filled] <- sample(rep_len(seq_len(folds), length(filled)))
  out
}

# The documents to fit, without terms that only the others have, and the others by the terms that are left: the same
# words for every number of topics.
topic_part <- function(corpus, folds, fold) {
  fitted <- corpus_part(corpus, which(folds != fold & folds > 0L))
  known <- which(term_totals(fitted) > 0)
  at <- match(seq_len(corpus$n_terms), known)
  held <- corpus_part(corpus, which(folds == fold))
  shrink <- function(part) match_terms(part, at, corpus$terms[known], quiet = TRUE)
  list(fitted = shrink(fitted), held = shrink(held))
}

# The bound of the documents left out, and their words.
foretell_part <- function(part, k, latent, control) {
  if (k > sum(part$fitted$lengths > 0)) return(c(NA_real_, NA_real_))
  control$n_start <- min(control$n_start, 3L)
  fit <- suppressWarnings(fit_of_k(part$fitted, k, latent, control, quote(em_fit())), classes = "emfit_warning")
  weights <- corpus_weights(part$held)
  c(sum(weights * expect_topics(part$held, fit$parameters)$bounds), sum(weights * part$held$lengths))
}

new_topics_select <- function(fits, held, ks, corpus, latent, control, call) {
  of_fits <- function(name, type) unname(vapply(fits, `[[`, type, name))
  table <- data.frame(
    family = "multinomial", covariance = NA_character_, k = ks, bound = of_fits("loglik", 0), df = of_fits("df", 0L),
    perplexity = vapply(fits, em_perplexity, 0),
    CV = vapply(held, function(part) exp(-sum(part[1L, ]) / sum(part[2L, ])), 0),
    converged = of_fits("converged", NA), starts.agree = vapply(fits, topics_agreeing, 0L), status = of_fits("status", "")
  )
  structure(list(call = call, table = table, criterion = "CV", quick = FALSE, interrupted = FALSE,
                 nobs = sum(corpus_weights(corpus)), fits = fits, latent = latent, control = control, data = corpus),
            class = c("em_select_topics", "em_select"))
}

rank_topics <- function(table, asked = rep(TRUE, nrow(table))) {
  rows <- which(asked & !is.na(table$CV))
  rows[order(table$CV[rows], table$k[rows])]
}

#' @export
format.em_select_topics <- function(x, n = 6L, ...) {
  check_dots(..., let_pass = format_arguments)
  ranked <- utils::head(rank_topics(x$table), n)
  shown <- x$table[ranked, ]
  lines <- table_lines(data.frame(k = shown$k, bound = fixed(shown$bound, 1L), perplexity = fixed(shown$perplexity, 1L),
                                  CV = fixed(shown$CV, 1L)))
  c(sprintf("Topic models: k = %s", enumerate(sort(x$table$k), 12L)),
    sprintf("%s, %s, %s words", plural(x$data$n, "document"), plural(x$data$n_terms, "term"), number(total_words(x$data), 15L)),
    "", lines, "", sprintf("Best by the perplexity of documents left out (CV, smaller is better): %s.",
                           plural(x$table$k[ranked[1L]], "topic")),
    if (!all(x$table$converged)) sprintf("Not converged: k = %s.", enumerate(x$table$k[!x$table$converged], 12L)))
}

#' @export
best.em_select_topics <- function(x, criterion = x$criterion, k = NULL, covariance = NULL, ...) {
  check_no_dots(list(...), names(formals(best.em_select_topics)))
  if (!identical(criterion, "CV")) refuse_for_topics(sprintf("best(criterion = %s)", describe_value(criterion)), by_perplexity)
  if (!is.null(covariance)) abort_em("argument", "The table of topics has no `covariance`.")
  asked <- if (is.null(k)) rep(TRUE, nrow(x$table)) else x$table$k %in% check_counts_of_components(k)
  row <- rank_topics(x$table, asked)[1L]
  if (is.na(row)) {
    abort_em("argument", c("The table has no such number of topics.",
                           x = sprintf("It has k = %s.", enumerate(x$table$k, 20L))))
  }
  x$fits[[row]]
}

#' @export
glance.em_select_topics <- function(x, ...) {
  check_dots(...)
  as_tidy(data.frame(x$table[rank_topics(x$table)[1L], names(x$table) != "status"], nobs = x$nobs,
                     criterion = x$criterion, fits = nrow(x$table)))
}

#' @export
plot_data.em_select_topics <- function(fit, type = "perplexity", criterion = fit$criterion, ...) {
  check_no_dots(list(...), c("type", "criterion"))
  check_choice(type, "type", "perplexity")
  if (!identical(criterion, "CV")) refuse_for_topics("Another criterion", by_perplexity)
  line <- function(which, value) data.frame(line = which, k = fit$table$k, perplexity = value)
  structure(list(type = "perplexity", best = fit$table$k[rank_topics(fit$table)[1L]],
                 points = rbind(line("left out", fit$table$CV), line("fitted", fit$table$perplexity))),
            class = c("em_plot_perplexity", "em_plot"))
}

perplexity_style <- function() {
  data.frame(component = c("left out", "fitted"), colour = c(okabe_ito[["blue"]], quiet_grey), symbol = c(19L, 1L),
             line = c("solid", "42"), size = 1)
}

#' @export
draw_plot.em_plot_perplexity <- function(data, look) {
  style <- perplexity_style()
  points <- data$points[is.finite(data$points$perplexity), ]
  key <- key_entries(paste("documents", style$component), style$colour, symbol = style$symbol, line = style$line)
  old <- open_frame(padded_range(points$k), padded_range(points$perplexity), look, "topics", "perplexity", key, bottom = FALSE)
  on.exit(graphics::par(old))
  graphics::axis(1L, at = sort(unique(points$k)), col = quiet_grey, tcl = -0.3, mgp = c(3, 0.6, 0), cex.axis = 0.95)
  for (i in seq_len(nrow(style))) {
    own <- points[points$line == style$component[i], ]
    graphics::lines(own$k, own$perplexity, type = "o", col = style$colour[i], pch = style$symbol[i], lty = style$line[i], lwd = 2)
  }
  best <- points[points$line == "left out" & points$k == data$best, ]
  graphics::points(best$k, best$perplexity, pch = 1L, cex = 2.6, lwd = 2)
}

#' @export
gg_plot.em_plot_perplexity <- function(data) {
  style <- perplexity_style()
  points <- data$points[is.finite(data$points$perplexity), ]
  best <- points[points$line == "left out" & points$k == data$best, ]
  ggplot2::ggplot(points, ggplot2::aes(.data$k, .data$perplexity, colour = .data$line, shape = .data$line,
                                       linetype = .data$line)) +
    ggplot2::geom_line() + ggplot2::geom_point(size = 2) +
    ggplot2::geom_point(ggplot2::aes(.data$k, .data$perplexity), data = best, shape = 1L, size = 6, stroke = 1,
                        inherit.aes = FALSE) +
    gg_scales(style, title = "documents") + ggplot2::scale_x_continuous(breaks = sort(unique(points$k))) +
    gg_frame("topics", "perplexity (smaller is better)")
}
