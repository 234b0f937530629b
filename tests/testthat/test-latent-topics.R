# Topic models against plain R (helper-topics.R), and what they must hold to.

plain_run <- function(iterations, accelerate = FALSE, ...) {
  em_control(tol = 0, max_iter = iterations, accelerate = accelerate, ...)
}
quiet_fit <- function(...) suppressMessages(suppressWarnings(em_fit(...)))

test_that("iterates are those of plain R, with alpha held and estimated", {
  x <- withr_seed(3, plain_corpus(draw_documents(12, 15, 3)))
  for (alpha in list(0.3, c(0.2, 0.5, 1.1), "symmetric", "free")) {
    start <- withr_seed(4, random_topics(3, x, if (is.numeric(alpha)) alpha else 0.4))
    kind <- if (is.numeric(alpha)) "held" else alpha
    for (i in c(0L, 1L, 2L, 7L)) {
      fit <- em_fit(x, latent = em_topics(alpha), start = start, control = plain_run(i))
      plain <- topics_em(x, start, kind, i)
      expect_within(fit$trace$bound, plain$trace, 1e-10)
      expect_within(fit$parameters$topic, plain$topic, 1e-10)
      expect_within(fit$parameters$alpha, plain$alpha, 1e-10)
      expect_within(fit$documents, plain$gamma, 1e-10)
      expect_identical(fit$loglik, utils::tail(fit$trace$bound, 1))
    }
  }
})

test_that("every thirtieth iteration decides documents anew, and keeps what is better", {
  x <- withr_seed(5, plain_corpus(draw_documents(15, 12, 3, words = 25)))
  start <- withr_seed(6, random_topics(3, x, 0.1))
  plain <- topics_em(x, start, "held", 31, fresh = 30)
  without <- topics_em(x, start, "held", 31)
  expect_gt(plain$trace[31] - without$trace[31], 1e-3) # so that the comparison says something
  fit <- em_fit(x, latent = em_topics(0.1), start = start, control = plain_run(31, accelerate = TRUE))
  expect_within(fit$trace$bound, plain$trace, 1e-9)
})

test_that("two topics: the bound lies below the exact log-likelihood of every document, and near it", {
  x <- withr_seed(7, plain_corpus(draw_documents(20, 10, 2, words = 30)))
  fit <- quiet_fit(x, 2, latent = em_topics(c(0.4, 0.7)))
  exact <- apply(x, 1, topics_exact, topics = fit$parameters)
  gap <- exact - predict(fit, type = "bound")
  expect_true(all(gap > 0 & gap < 1))
  expect_within(sum(predict(fit, type = "bound")), logLik(fit), 1e-8)
})

test_that("one topic is a closed form, and its bound the log-likelihood", {
  x <- withr_seed(8, plain_corpus(draw_documents(9, 6, 2)))
  fit <- em_fit(x, 1, latent = em_topics())
  share <- colSums(x) / sum(x)
  expect_within(fit$parameters$topic, share, 1e-14)
  expect_within(fit$loglik, sum(colSums(x) * log(share)), 1e-9)
  expect_identical(fit$df, 5L)
})

test_that("the bound never falls: 100 corpora, alpha held and estimated", {
  falls <- vapply(1:100, function(seed) {
    withr_seed(seed, {
      k <- sample(2:5, 1)
      x <- plain_corpus(draw_documents(sample(6:25, 1), sample(4:30, 1), k, words = sample(3:60, 1), sharp = 0.1))
      x[sample(length(x), 3)] <- 0
      alpha <- list(0.05, 2, "symmetric", "free")[[seed %% 4 + 1]]
      fit <- quiet_fit(x, k, latent = em_topics(alpha), control = em_control(n_start = 2, max_iter = 200))
      worst <- vapply(fit$traces, function(trace) min(diff(trace) / abs(trace[-1])), 0)
      min(worst)
    })
  }, 0)
  expect_gt(min(falls), -1e-13)
})

test_that("the same bits on 1, 2 and 3 threads", {
  x <- withr_seed(9, plain_corpus(draw_documents(300, 60, 4, words = 150, sharp = 1)))
  expect_gt(sum(x > 0), 6000) # several slices
  fits <- lapply(1:3, function(threads) {
    withr_seed(1, em_fit(x, 4, latent = em_topics("free"), control = plain_run(65, TRUE, threads = threads, n_start = 2)))
  })
  for (fit in fits[-1]) {
    expect_identical(fit$trace, fits[[1]]$trace)
    expect_identical(fit$parameters, fits[[1]]$parameters)
    expect_identical(fit$documents, fits[[1]]$documents)
  }
})

test_that("a document of weight 2 is the document twice, of weight 0 is none", {
  x <- withr_seed(10, plain_corpus(draw_documents(14, 9, 2)))
  start <- withr_seed(11, random_topics(2, x))
  w <- rep(c(1, 2), 7)
  control <- plain_run(20, TRUE)
  weighted <- em_fit(x, latent = em_topics(), start = start, weights = w, control = control)
  twice <- em_fit(x[rep(1:14, w), ], latent = em_topics(), start = start, control = control)
  expect_within(weighted$loglik, twice$loglik, 1e-9)
  expect_within(weighted$parameters$topic, twice$parameters$topic, 1e-11)
  expect_within(weighted$parameters$alpha, twice$parameters$alpha, 1e-11)
  expect_identical(c(nobs(weighted), nobs(twice)), c(21, 21))
  none <- em_fit(x, latent = em_topics(), start = start, weights = rep(0:1, 7), control = control)
  left <- em_fit(x[c(2, 4, 6, 8, 10, 12, 14), ], latent = em_topics(), start = start, control = control)
  expect_within(none$loglik, left$loglik, 1e-9)
})

test_that("halves of the published algorithm, and em_fit() from the same start ends no lower", {
  x <- withr_seed(12, plain_corpus(draw_documents(25, 14, 3)))
  start <- withr_seed(13, random_topics(3, x, 0.2))
  for (alpha in list(0.2, "symmetric")) {
    p <- em_fit(x, latent = em_topics(alpha), start = start, control = plain_run(0))
    plain <- start
    for (i in 1:4) {
      e <- em_estep(x, p)
      docs <- lapply(seq_len(nrow(x)), function(d) topics_document(x[d, ], plain, topics_fresh(x[d, ], plain, 200)))
      expect_within(e$bounds, vapply(docs, `[[`, 0, "bound"), 1e-9)
      expect_within(e$words, Reduce(`+`, lapply(docs, `[[`, "phi")), 1e-9)
      p <- em_mstep(x, e, p)
      words <- Reduce(`+`, lapply(docs, `[[`, "phi"))
      plain <- list(topic = words / rowSums(words), alpha = topics_alpha(plain$alpha, if (is.numeric(alpha)) "held" else alpha,
                    Reduce(`+`, lapply(docs, `[[`, "log_e")), nrow(x)))
      expect_within(p$topic, plain$topic, 1e-9)
      expect_within(p$alpha, plain$alpha, 1e-8)
    }
    for (i in 1:60) p <- em_mstep(x, em_estep(x, p), p)
    fit <- em_fit(x, latent = em_topics(alpha), start = start, control = em_control(tol = 1e-9, max_iter = 3000))
    expect_identical(nrow(fit$starts), 2L)
    # With alpha estimated, each of the two ends in the higher maximum for some starts.
    if (is.numeric(alpha)) expect_gt(fit$loglik, em_estep(x, p)$bound - 1e-6)
  }
  expect_output(print(p), "Topics")
  expect_error(em_mstep(x, e$words, p), "what em_estep() returned", fixed = TRUE, class = "emfit_error_start")
})

test_that("topics of a drawn corpus come back", {
  x <- withr_seed(14, draw_documents(300, 40, 3, words = 100, sharp = 0.15))
  truth <- attr(x, "topic")
  fit <- withr_seed(1, em_fit(plain_corpus(x), 3, latent = em_topics()))
  distance <- apply(truth, 1, function(own) min(colSums(abs(t(fit$parameters$topic) - own)) / 2))
  expect_lt(max(distance), 0.05)
  expect_within(fit$parameters$alpha, rep(0.4, 3), 0.1)
  again <- withr_seed(2, em_fit(n ~ document + term, simulate(fit, seed = 3)[[1]], k = 3, latent = em_topics()))
  distance <- apply(fit$parameters$topic, 1, function(own) min(colSums(abs(t(again$parameters$topic[, colnames(x)]) - own)) / 2))
  expect_lt(max(distance), 0.05)
})

test_that("a start and fixed cells are honoured: seeds, zeros, held cells to the last bit", {
  x <- withr_seed(15, plain_corpus(draw_documents(30, 8, 2)))
  start <- withr_seed(16, random_topics(2, x))
  start$topic[1, "w3"] <- 0
  start$topic <- start$topic / rowSums(start$topic)
  rownames(start$topic) <- c("sport", "money")
  fit <- quiet_fit(x, latent = em_topics(), start = start)
  expect_identical(fit$parameters$topic["sport", "w3"], 0)
  expect_identical(names(fit$counts), c("sport", "money"))
  shuffled <- list(topic = start$topic[, 8:1], alpha = start$alpha)
  expect_identical(quiet_fit(x, latent = em_topics(), start = shuffled)$loglik, fit$loglik)
  held <- matrix(NA_real_, 2, 8, dimnames = list(NULL, colnames(x)))
  held[1, c("w1", "w2")] <- c(0.3, 0)
  fit <- quiet_fit(x, 2, latent = em_topics(), fixed = list(topic = held, alpha = 0.7), control = em_control(n_start = 2))
  at <- which(fit$parameters$topic[, "w1"] == 0.3)
  expect_length(at, 1)
  expect_identical(unname(fit$parameters$topic[at, "w2"]), 0)
  expect_within(rowSums(fit$parameters$topic), c(1, 1), 1e-12)
  expect_identical(unname(fit$parameters$alpha), c(0.7, 0.7))
  expect_identical(fit$df, 12L)
  on <- update(fit, start = fit)
  expect_gte(on$loglik, fit$loglik - 1e-9)
})

test_that("going on from a fit begins where it ended", {
  x <- withr_seed(17, plain_corpus(draw_documents(20, 10, 2)))
  start <- withr_seed(18, random_topics(2, x))
  first <- em_fit(x, latent = em_topics(0.5), start = start, control = plain_run(5))
  second <- em_fit(x, latent = em_topics(0.5), start = first, control = plain_run(5))
  whole <- em_fit(x, latent = em_topics(0.5), start = start, control = plain_run(10))
  expect_within(c(first$trace$bound, second$trace$bound[-1]), whole$trace$bound, 1e-9)
})

test_that("documents without words and terms that never occur are kept, and change nothing else", {
  x <- withr_seed(19, plain_corpus(draw_documents(10, 7, 2)))
  start <- withr_seed(20, random_topics(2, x))
  fit <- em_fit(x, latent = em_topics(), start = start)
  wide <- rbind(x[1:4, ], empty = 0, x[5:10, ])
  expect_message(with <- em_fit(wide, latent = em_topics(), start = start), "1 document has no words",
                 class = "emfit_message_missing")
  expect_within(with$loglik, fit$loglik, 1e-9)
  expect_identical(unname(with$documents["empty", ]), unname(with$parameters$alpha))
  expect_identical(unname(is.na(predict(with))), rep(c(FALSE, TRUE, FALSE), c(4, 1, 6)))
  expect_false(anyNA(predict(with, type = "prob")))
  expect_message(em_fit(rbind(wide, more = 0), latent = em_topics(), start = start), "2 documents have no words")
  set.seed(1)
  fit <- em_fit(cbind(x, never = 0), 2, latent = em_topics())
  expect_identical(unname(fit$parameters$topic[, "never"]), c(0, 0))
  expect_match(format(fit)[1], sprintf("8 terms (%d never occur)", sum(colSums(x) == 0) + 1), fixed = TRUE)
})

test_that("documents that are all alike, and topics that come to be the same, are told", {
  x <- matrix(c(1, 2, 3, 4), 6, 4, byrow = TRUE) * 1:6
  expect_warning(em_fit(x, 2, latent = em_topics()), "nearly coincide", class = "emfit_warning_coincide")
  x <- withr_seed(1, plain_corpus(draw_documents(10, 7, 2)))
  expect_warning(em_fit(x, 2, latent = em_topics(), control = em_control(max_iter = 3)), "still gaining",
                 class = "emfit_warning_not_converged")
})

test_that("a corpus of a million cells is fitted sparse", {
  skip_on_cran()
  n <- 20000
  long <- withr_seed(21, data.frame(document = rep(seq_len(n), each = 50), term = sample.int(5000, 50 * n, TRUE)))
  table <- structure(list(i = long$document, j = long$term, v = rep(1, 50 * n), nrow = n, ncol = 5000L, dimnames = NULL),
                     class = "simple_triplet_matrix")
  fit <- withr_seed(1, quiet_fit(table, 2, latent = em_topics(0.5), control = plain_run(2, n_start = 1)))
  expect_gt(length(fit$data$count), 9e5)
  expect_identical(fit$words, 1e6)
})

test_that("a term whose topics have lost their share in the range of numbers is reckoned by logarithms", {
  corpus <- as_corpus(rbind(c(0, 3, 1)))
  at <- list(topic = rbind(c(0.6, 0, 0.4), c(0, 0.7, 0.3)), alpha = c(1e-3, 1e-3))
  expected <- cbind(c(4, 0))
  out <- expect_topics(corpus, at, expected, most = 0L)
  gamma <- at$alpha + drop(expected)
  log_e <- digamma(gamma) - digamma(sum(gamma))
  expect_identical(exp(log_e[2]), 0)
  log_q <- c(log_e[2] + log(0.7), log_e[1] + log(0.4))
  bound <- sum(c(3, 1) * log_q) + lgamma(sum(at$alpha)) - sum(lgamma(at$alpha)) + sum((at$alpha - gamma) * log_e) +
    sum(lgamma(gamma)) - lgamma(sum(gamma))
  expect_within(out$bounds, bound, 1e-9)
  expect_within(out$words, rbind(c(0, 0, 1), c(0, 3, 0)), 1e-12)
})

test_that("the two ways to begin: shares that converge in the first five iterations, or alpha that waits for twenty", {
  x <- withr_seed(22, plain_corpus(draw_documents(15, 12, 3)))
  start <- withr_seed(23, random_topics(3, x, 1 / 3))
  run <- function(iterations, settled) {
    settings <- list(tol = 0, max_iter = as.integer(iterations), accelerate = TRUE, threads = 1L)
    run_topics_em(as_corpus(x), start, equal_shares(as_corpus(x), 3), NULL, "symmetric", settings, settled = settled)
  }
  plain <- topics_em(x, start, "symmetric", 8, fresh = 0:4)
  expect_within(run(8, TRUE)$trace, plain$trace, 1e-9)
  expect_identical(as.vector(run(19, FALSE)$alpha), rep(1 / 3, 3))
  expect_false(run(20, FALSE)$alpha[1] == 1 / 3)
  expect_within(run(19, FALSE)$trace, topics_em(x, start, "held", 19)$trace, 1e-9)
  fits <- lapply(c("partition", "settled", "varied"), function(start) {
    withr_seed(1, em_fit(x, 3, latent = em_topics(), start = start, control = em_control(n_start = 4)))$starts$settled
  })
  expect_identical(fits, list(rep(FALSE, 4), rep(TRUE, 4), rep(c(FALSE, TRUE), 2)))
})

test_that("em_select() of four documents takes four folds where none are asked for", {
  set.seed(1)
  models <- em_select(as.matrix(HairEyeColor[, , 1]), k = 1:2, latent = em_topics())
  expect_identical(nrow(models$table), 2L)
  expect_error(em_select(as.matrix(HairEyeColor[, , 1]), k = 1:2, latent = em_topics(), folds = 5),
               "can't be more than the documents with words: 4, not 5", class = "emfit_error_argument")
})
