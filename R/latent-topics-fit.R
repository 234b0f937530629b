# The fit of a topic model: what was asked, starts, the search, and the object.

#' @export
latent_fit.em_latent_topics <- function(latent, x, asked) {
  check_asked_of_topics(asked)
  corpus <- corpus_asked_for(x, asked)
  fit_corpus(corpus, asked$k, latent, asked$start, asked$fixed, as_em_control(asked$control), asked$call)
}

# x, a formula or a table, with what was said beside it.
corpus_asked_for <- function(x, asked) {
  if (inherits(x, "formula")) corpus_of_formula(x, asked$data, asked$weights, asked$subset)
  else as_corpus(x, asked$weights)
}

check_asked_of_topics <- function(asked) {
  if (!is.null(asked$family)) {
    family <- as_em_family(asked$family)
    if (!inherits(family, "em_family_categorical")) {
      abort_em("unsupported", c(sprintf("Topics are laws of terms, not of a %s family.", family$name),
                                i = "Leave `family` out."))
    }
  }
  if (!is.null(asked$labels)) {
    abort_em("unsupported", c("`labels` are of rows with one component each; a document has a share of every topic.",
                              i = "Seed words go into start = list(topic = ) or fixed = list(topic = )."))
  }
  if (!is.null(asked$na.action)) {
    abort_em("unsupported", c("`na.action` has nothing to do: a table of counts has no missing cells.",
                              i = "Leave it out."))
  }
}

fit_corpus <- function(corpus, k, latent, start, fixed, control, call) {
  start <- resolve_topic_start(start, k, corpus, latent, fixed)
  check_corpus(corpus, start$k)
  tell_empty(corpus)
  search <- search_topics(corpus, start, latent, control)
  new_topics_fit(search, start, corpus, latent, control, call)
}

check_corpus <- function(corpus, k) {
  filled <- sum(corpus$lengths > 0 & corpus_weights(corpus) > 0)
  if (!filled) abort_em("input", "No document has a word that counts: all counts or weights are 0.")
  if (corpus$n_terms == 1L) {
    abort_em("input", c("There is one term, and topics differ in their terms.",
                        i = "Is the table transposed? Rows are documents, columns are terms."))
  }
  if (k > filled) {
    abort_em("argument", c(sprintf("k = %d topics need as many documents with words; there %s %d.", k,
                                   if (filled == 1L) "is" else "are", filled),
                           i = sprintf("Use k = %d or less.", filled)))
  }
}

tell_empty <- function(corpus) {
  empty <- sum(corpus$lengths == 0)
  if (!empty) return(invisible())
  inform_em("missing", sprintf("%s no words: kept, with the shares of no document in particular.",
                               if (empty == 1L) "1 document has" else paste(empty, "documents have")))
}

# Starts ------------------------------------------------------------------------------------------------------------

topic_starts <- c("varied", "partition", "settled")

# list(k, supplied, at = list(topic, alpha), expected, held, names, method)
resolve_topic_start <- function(start, k, corpus, latent, fixed) {
  given <- given_topics(start, corpus)
  k <- topics_asked_for(k, latent, given, fixed)
  out <- list(k = k, supplied = !is.null(given), 
              method = if (!is.null(given)) "parameters" else if (is.null(start)) "varied" else start)
  held <- held_topics(fixed, k, corpus)
  if (!is.null(held$alpha)) {
    if (!identical(latent$alpha, "symmetric")) {
      abort_em("fixed", c("`fixed$alpha` and em_topics(alpha = ) both speak of alpha.", i = "Say it in one place."))
    }
    latent$alpha <- held$alpha
  }
  out$latent <- latent
  out$held <- held$topic
  out$kind <- if (is.numeric(latent$alpha)) "held" else if (k == 1L) "held" else latent$alpha
  alpha <- if (is.numeric(latent$alpha)) rep_len(latent$alpha, k)
           else if (is.null(given$alpha)) rep(1 / k, k) else rep_len(given$alpha, k)
  if (out$kind == "symmetric") alpha[] <- mean(alpha)
  out$alpha <- alpha
  out$topic <- if (!is.null(given$topic)) override_topics(given$topic, out$held)
  if (!is.null(given$documents)) out$expected <- t(sweep(given$documents, 2L, given$alpha))
  out$names <- rownames(given$topic)
  out
}

topics_asked_for <- function(k, latent, given, fixed) {
  implied <- c(if (is.matrix(given$topic)) nrow(given$topic), if (is.matrix(fixed$topic)) nrow(fixed$topic),
               if (is.numeric(latent$alpha) && length(latent$alpha) > 1L) length(latent$alpha))
  if (is.null(k)) {
    if (!length(implied)) abort_em("argument", c("`k`, the number of topics, is missing.", i = "em_fit(x, k = 5, latent = em_topics())"))
    k <- implied[1L]
  }
  k <- check_count(k, "k")
  if (any(implied != k)) {
    abort_em("argument", sprintf("k = %d, but `start`, `fixed` or `alpha` speak of %s.", k,
                                 plural(implied[implied != k][1L], "topic")))
  }
  k
}

# A start of the user's own, or NULL.
given_topics <- function(start, corpus) {
  if (is.null(start)) return(NULL)
  if (is.character(start) && length(start) == 1L) {
    check_choice(start, "start", topic_starts)
    return(NULL)
  }
  if (inherits(start, "em_fit_topics")) return(topics_of_fit(start, corpus))
  start <- if (inherits(start, "em_parameters")) unclass_parameters(start) else start
  if (!is.list(start) || is.null(start$topic) || is.data.frame(start)) {
    abort_em("start", c(sprintf("`start` of topics must be a list with `topic`, a fit or a word, not %s.",
                                describe_value(start)),
                        i = "start = list(topic = ), k x terms, each row summing to 1."))
  }
  unknown <- setdiff(names(start), c("topic", "alpha"))
  if (length(unknown)) {
    abort_em("start", c(sprintf("`start` has %s, which topics don't have.", quoted(unknown)),
                        i = "They have `topic` (k x terms) and `alpha`."))
  }
  topic <- check_topic_matrix(start$topic, corpus, "start")
  alpha <- start$alpha
  if (!is.null(alpha)) alpha <- check_alpha_numbers(alpha, "start$alpha", "start", nrow(topic))
  list(topic = topic, alpha = alpha)
}

topics_of_fit <- function(fit, corpus) {
  topic <- check_topic_matrix(fit$parameters$topic, corpus, "start")
  same <- identical(fit$data[c("begin", "term", "count")], corpus[c("begin", "term", "count")])
  list(topic = topic, alpha = unname(fit$parameters$alpha), documents = if (same) unname(fit$documents))
}

# k x terms in the corpus' order; named columns are found by name. Laws, or with held: NA where free.
check_topic_matrix <- function(topic, corpus, what) {
  arg <- paste0(what, "$topic")
  if (is.data.frame(topic)) topic <- as.matrix(topic)
  if (!is.matrix(topic) || !(is.numeric(topic) || is.logical(topic) && all(is.na(topic)))) {
    refuse_topics(what, sprintf("`%s` must be a matrix, topics by terms, not %s.", arg, describe_value(topic)))
  }
  at <- if (is.null(colnames(topic))) seq_len(ncol(topic)) else match(corpus$terms, colnames(topic))
  if (length(at) != corpus$n_terms || anyNA(at)) {
    lost <- corpus$terms[is.na(at)]
    refuse_topics(what, c(
      sprintf("`%s` must have a column for each of the %s.", arg, plural(corpus$n_terms, "term")),
      x = if (length(lost)) sprintf("It lacks %s.", quoted(lost)) else sprintf("It has %d.", ncol(topic))
    ))
  }
  topic <- topic[, at, drop = FALSE]
  storage.mode(topic) <- "double"
  colnames(topic) <- NULL
  bad <- which(if (what == "start") is.na(topic) | topic < 0 else !is.na(topic) & (topic < 0 | topic > 1))
  if (length(bad)) refuse_topics(what, sprintf("`%s` must hold probabilities; it has %s.", arg, number(topic[bad[1L]])))
  if (what == "start") check_topic_rows(topic) else check_held_rows(topic)
}

refuse_topics <- function(what, bullets) if (what == "fixed") abort_em("fixed", bullets) else abort_em("start", bullets)

check_topic_rows <- function(topic) {
  sums <- rowSums(topic)
  bad <- which(abs(sums - 1) > 1e-6)
  if (length(bad)) {
    abort_em("start", c(sprintf("Row %d of `start$topic` must sum to 1, not %s.", bad[1L], number(sums[bad[1L]], 8L)),
                        i = "Divide it: topic / rowSums(topic)."))
  }
  topic / sums
}

check_held_rows <- function(topic) {
  for (j in seq_len(nrow(topic))) {
    free <- is.na(topic[j, ])
    sum <- sum(topic[j, !free])
    if (any(free) && sum >= 1 || !any(free) && abs(sum - 1) > 1e-8) {
      abort_em("fixed", sprintf("Row %d of `fixed$topic` holds %s: %s.", j, number(sum, 8L),
                                if (any(free)) "nothing is left to its free terms" else "all of it must be 1"))
    }
  }
  topic
}

held_topics <- function(fixed, k, corpus) {
  if (is.null(fixed)) return(NULL)
  unknown <- setdiff(names(fixed), c("topic", "alpha"))
  if (!is.list(fixed) || length(unknown) || !length(fixed)) {
    abort_em("fixed", "`fixed` of topics must be a list with `topic` (k x terms, NA where free), `alpha`, or both.")
  }
  alpha <- if (!is.null(fixed$alpha)) check_alpha_numbers(fixed$alpha, "fixed$alpha", "fixed", k)
  list(topic = if (!is.null(fixed$topic)) check_topic_matrix(fixed$topic, corpus, "fixed"), alpha = alpha)
}

# Held cells in their places; the free ones share what they leave.
override_topics <- function(topic, held) {
  if (is.null(held)) return(topic)
  free <- is.na(held)
  left <- 1 - rowSums(ifelse(free, 0, held))
  inside <- ifelse(free, topic, 0)
  sums <- rowSums(inside)
  inside[sums == 0, ] <- free[sums == 0, ] + 0
  out <- inside * (left / pmax(rowSums(inside), 1e-300))
  out[!free] <- held[!free]
  out
}

# Documents dealt out to the topics; every topic begins with every term that occurs, for what begins at 0 stays there.
draw_topics <- function(corpus, k, held) {
  dealt <- sample(rep_len(seq_len(k), corpus$n))
  w <- corpus$count * corpus_weights(corpus)[cell_documents(corpus)]
  topic <- matrix(rep(term_totals(corpus) / k, each = k), k)
  cells <- rowsum(w, dealt[cell_documents(corpus)] + k * corpus$term)
  at <- as.integer(rownames(cells))
  topic[at] <- topic[at] + cells[, 1L]
  override_topics(topic / rowSums(topic), held)
}

# Search ------------------------------------------------------------------------------------------------------------

topic_trial_iterations <- 40L
topic_finalists <- 3L

# Equal shares to begin with.
equal_shares <- function(corpus, k) matrix(rep(corpus$lengths / k, each = k), k)

# Short runs of all starts, then the best of them to the end. list(run, starts, traces)
search_topics <- function(corpus, start, latent, control) {
  settings <- unclass(control)
  runs <- begin_topics(corpus, start, settings)
  several <- length(runs) > 1L
  short <- replace(settings, "max_iter", if (several) min(topic_trial_iterations, settings$max_iter) else settings$max_iter)
  runs <- lapply(seq_along(runs), function(i) {
    if (settings$verbose) message(sprintf("Start %d of %d", i, length(runs)))
    go_on_with_topics(runs[[i]], corpus, start, short)
  })
  ends <- vapply(runs, `[[`, 0, "bound")
  if (!any(is.finite(ends))) refuse_impossible(corpus, runs[[1L]]$topic)
  unfinished <- settings$max_iter > short$max_iter & vapply(runs, function(run) run$status == "max_iter", NA)
  chosen <- utils::head(order(-ends), topic_finalists)
  for (i in chosen[unfinished[chosen]]) {
    if (settings$verbose) message(sprintf("Start %d to its end", i))
    runs[[i]] <- go_on_with_topics(runs[[i]], corpus, start, settings)
  }
  early <- unfinished & !seq_along(runs) %in% chosen
  if (settings$tol > 0) runs[chosen] <- lapply(runs[chosen], settle_topics, corpus = corpus, settings = settings)
  list(runs = runs, early = early, best = which.max(vapply(runs, `[[`, 0, "bound")))
}

# Whether the first sweep or the converged shares of the first topics lead further depends on the corpus, so a start of
# the user's own goes both ways, and of those that are drawn every other one goes each.
begin_topics <- function(corpus, start, settings) {
  if (!start$supplied) {
    n <- if (start$k == 1L) 1L else settings$n_start
    settled <- switch(start$method, varied = rep_len(c(FALSE, TRUE), n), partition = rep(FALSE, n), rep(TRUE, n))
    return(lapply(settled, function(settled) {
      list(topic = draw_topics(corpus, start$k, start$held), alpha = start$alpha, settled = settled)
    }))
  }
  at <- list(topic = start$topic, alpha = start$alpha, expected = start$expected, settled = FALSE)
  both <- is.null(start$expected) && settings$accelerate && settings$tol > 0 && start$k > 1L && settings$max_iter > 0L
  if (both) list(at, replace(at, "settled", TRUE)) else list(at)
}

refuse_impossible <- function(corpus, topic) {
  lost <- corpus$terms[term_totals(corpus) > 0 & colSums(topic) == 0]
  abort_em("start", c(
    "`start` or `fixed` make a document impossible.",
    x = if (length(lost)) sprintf("Terms that occur have probability 0 in every topic: %s.", quoted(lost)),
    i = "Give every term that occurs some probability in one of the topics."
  ))
}

go_on_with_topics <- function(run, corpus, start, settings) {
  done <- max(0L, length(run$trace) - 1L)
  settings$max_iter <- settings$max_iter - done
  expected <- if (is.null(run$expected)) equal_shares(corpus, start$k) else run$expected
  out <- run_topics_em(corpus, run, expected, start$held, start$kind, settings, done, isTRUE(run$settled))
  out$settled <- run$settled
  out$trace <- c(utils::head(run$trace, -1L), out$trace)
  out
}

# Each document's shares to where they gain no more; the bound of the last iteration is the one after it.
settle_topics <- function(run, corpus, settings) {
  if (!settings$accelerate) return(run)
  out <- expect_topics(corpus, run, run$expected, 1e-8, 200L, settings$threads)
  run[c("expected", "words")] <- out[c("expected", "words")]
  run$bound <- max(out$bound, run$bound)
  run$trace[length(run$trace)] <- run$bound
  run
}

# The object --------------------------------------------------------------------------------------------------------

new_topics_fit <- function(search, start, corpus, latent, control, call) {
  run <- search$runs[[search$best]]
  k <- start$k
  order <- if (start$supplied || !is.null(start$held)) seq_len(k) else order(-rowSums(run$words))
  names <- if (is.null(start$names)) as.character(seq_len(k)) else start$names
  call <- plain_call(call)
  call[[1L]] <- quote(emfit::em_fit)
  iterations <- length(run$trace) - 1L
  topic <- run$topic[order, , drop = FALSE]
  dimnames(topic) <- list(names, corpus$terms)
  alpha <- stats::setNames(as.vector(run$alpha)[order], names)
  documents <- t(run$expected[order, , drop = FALSE]) + rep(alpha, each = corpus$n)
  dimnames(documents) <- list(corpus$documents, names)
  fit <- list(
    call = call, family = em_multinomial(), latent = start$latent, k = k,
    parameters = list(alpha = alpha, topic = topic), documents = documents, loglik = run$bound,
    df = topics_df(start, corpus), objective = run$bound, nobs = sum(corpus_weights(corpus)),
    words = total_words(corpus), trace = plain_frame(list(iteration = seq_along(run$trace) - 1L, bound = run$trace)),
    converged = run$status == "converged", status = run$status, iterations = iterations,
    gain = if (iterations) diff(utils::tail(run$trace, 2L)) else NA_real_,
    counts = stats::setNames(rowSums(run$words)[order], names), alpha_estimated = start$kind != "held",
    starts = starts_of_topics(search, start), traces = lapply(search$runs, `[[`, "trace"),
    start = start[c("topic", "alpha")], held = start$held, control = control, data = corpus,
    asked = list(latent = latent, supplied = start$supplied)
  )
  class(fit) <- c("em_fit_topics", "em_fit")
  warn_about_topics(fit)
  fit
}

starts_of_topics <- function(search, start) {
  settled <- vapply(search$runs, function(run) isTRUE(run$settled), NA)
  data.frame(method = if (start$supplied) "parameters" else ifelse(settled, "settled", "partition"), settled = settled,
             bound = vapply(search$runs, `[[`, 0, "bound"),
             iterations = vapply(search$runs, function(run) length(run$trace) - 1L, 0L),
             status = ifelse(search$early, "stopped_early", vapply(search$runs, `[[`, "", "status")))
}

topics_df <- function(start, corpus) {
  free <- if (is.null(start$held)) start$k * (corpus$n_terms - 1L) else sum(pmax(rowSums(is.na(start$held)) - 1L, 0L))
  as.integer(free + switch(start$kind, held = 0L, symmetric = 1L, free = start$k))
}

# Starts whose perplexity is within a thousandth of the best.
topics_agreeing <- function(fit) {
  sum(fit$starts$status != "stopped_early" & fit$starts$bound >= fit$loglik - 1e-3 * fit$words)
}

# Half the sum of the differences of two laws: 0 where they are the same, 1 where they have no term in common.
topic_distances <- function(topic) {
  k <- nrow(topic)
  out <- matrix(0, k, k)
  for (j in seq_len(k - 1L)) for (l in (j + 1L):k) out[j, l] <- out[l, j] <- sum(abs(topic[j, ] - topic[l, ])) / 2
  out
}

warn_about_topics <- function(fit) {
  control <- unclass(fit$control)
  if (fit$status == "max_iter" && control$tol > 0 && control$max_iter > 0L) {
    warn_em("not_converged", c(
      sprintf("Topics stopped after %s, the bound still gaining %s in the last.", plural(fit$iterations, "iteration"),
              number(fit$gain)),
      i = "Go on from here, update(fit, start = fit), or be content with less: em_control(tol = 1e-5)."
    ))
  }
  if (control$max_iter == 0L || fit$k == 1L) return(invisible())
  near <- topic_distances(fit$parameters$topic)
  near[lower.tri(near, TRUE)] <- 1
  if (min(near) >= 0.01) return(invisible())
  at <- which(near == min(near), arr.ind = TRUE)[1L, ]
  warn_em("coincide", c(
    sprintf("Topics %s and %s nearly coincide: less than a hundredth of their words would have to change.",
            names(fit$counts)[at[1L]], names(fit$counts)[at[2L]]),
    i = "Use a smaller k; documents that are all alike have one topic."
  ))
}
