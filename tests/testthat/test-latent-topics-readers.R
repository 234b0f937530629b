# What goes into a topic model, what reads it, and what refuses.

topics_rows <- withr_seed(31, plain_corpus(draw_documents(24, 12, 3)))
topics_fit <- withr_seed(1, suppressWarnings(em_fit(topics_rows, 3, latent = em_topics())))
fit_of <- function(x, ...) withr_seed(1, suppressWarnings(suppressMessages(em_fit(x, ..., k = 3, latent = em_topics()))))

quiet_topics <- function(...) suppressWarnings(em_fit(..., k = 3, latent = em_topics()))

as_triplets <- function(x, class = "simple_triplet_matrix") {
  at <- which(x > 0, arr.ind = TRUE)
  structure(list(i = unname(at[, 1]), j = unname(at[, 2]), v = x[x > 0], nrow = nrow(x), ncol = ncol(x),
                 dimnames = dimnames(x)), class = class)
}

test_that("every kind of table gives the same fit to the last bit", {
  x <- topics_rows
  long <- subset(as.data.frame(as.table(x), responseName = "n"), n > 0)
  long <- long[withr_seed(2, sample(nrow(long))), ]
  words <- long[rep(seq_len(nrow(long)), long$n), ]
  tables <- list(
    data.frame(x), as_triplets(x), as_triplets(x, c("DocumentTermMatrix", "simple_triplet_matrix")),
    as_triplets(t(x), c("TermDocumentMatrix", "simple_triplet_matrix")), as.table(x)
  )
  for (table in tables) expect_identical(fit_of(table)[c("parameters", "documents")], topics_fit[c("parameters", "documents")])
  expect_identical(fit_of(n ~ Var1 + Var2, data = long)$parameters, topics_fit$parameters)
  expect_identical(fit_of(~ Var1 + Var2, data = words)$documents, topics_fit$documents)
  expect_identical(fit_of(n ~ Var1 + Var2, data = rbind(long, long), subset = 1:nrow(long))$loglik, topics_fit$loglik)
  for (class in c("dgCMatrix", "dgTMatrix", "dgRMatrix")) {
    skip_if_not_installed("Matrix")
    sparse <- switch(class, dgCMatrix = Matrix::Matrix(x, sparse = TRUE), dgRMatrix = methods::as(Matrix::Matrix(x, sparse = TRUE), "RsparseMatrix"),
                     methods::as(Matrix::Matrix(x, sparse = TRUE), "TsparseMatrix"))
    expect_true(methods::is(sparse, class))
    expect_identical(fit_of(sparse)$parameters, topics_fit$parameters)
  }
})

test_that("what is no table of counts is refused, with the cell and what to do", {
  bad <- topics_rows
  bad[2, 3] <- -1
  expect_error(fit_of(bad), "-1 (document \"d2\", term \"w3\")", fixed = TRUE, class = "emfit_error_counts")
  bad[2, 3] <- 0.0132
  expect_error(fit_of(bad), "tf-idf", class = "emfit_error_counts")
  bad[2, 3] <- NA
  expect_error(fit_of(bad), "missing counts: document \"d2\", term \"w3\"", class = "emfit_error_missing")
  expect_error(fit_of(topics_rows[, 1, drop = FALSE]), "one term", class = "emfit_error_input")
  expect_error(fit_of(topics_rows[0, ]), "no documents", class = "emfit_error_input")
  expect_error(fit_of(topics_rows[, 0]), "no terms", class = "emfit_error_input")
  expect_error(fit_of(topics_rows * 0), "No document has a word", class = "emfit_error_input")
  expect_error(fit_of(topics_rows[1:2, ]), "k = 3 topics need", class = "emfit_error_argument")
  expect_error(fit_of(letters), "table of counts", class = "emfit_error_input")
  expect_error(fit_of(data.frame(id = letters[1:24], topics_rows)), "Column \"id\"", class = "emfit_error_input")
  two <- topics_rows
  colnames(two)[2] <- "w1"
  expect_error(fit_of(two), "same term, \"w1\"", class = "emfit_error_input")
  skip_if_not_installed("Matrix")
  expect_error(fit_of(Matrix::Matrix(topics_rows > 0, sparse = TRUE)), "dgCMatrix", class = "emfit_error_input")
})

test_that("a formula names a document and a term", {
  long <- subset(as.data.frame(as.table(topics_rows), responseName = "n"), n > 0)
  expect_error(fit_of(n ~ Var1, data = long), "a document and a term", class = "emfit_error_argument")
  expect_error(fit_of(n ~ Var1 + Var2, data = long, weights = n), "weights. are of documents", class = "emfit_error_argument")
  long$Var2[3] <- NA
  expect_error(fit_of(n ~ Var1 + Var2, data = long), "row 3", class = "emfit_error_missing")
  expect_error(fit_of(Var2 ~ Var1 + n, data = long), "must be counts", class = "emfit_error_counts")
  none <- subset(long, FALSE)
  expect_error(fit_of(n ~ Var1 + Var2, data = droplevels(none)), "no rows", class = "emfit_error_input")
  short <- 1:3
  expect_error(fit_of(short ~ Var1 + Var2, data = na.omit(long)), "`short` 3", class = "emfit_error_input")
})

test_that("what does not belong to topics is refused", {
  x <- topics_rows
  ask <- function(...) em_fit(x, 3, latent = em_topics(), ...)
  expect_error(ask(family = em_poisson()), "poisson", class = "emfit_error_unsupported")
  expect_error(ask(labels = rep(1:3, 8)), "share of every topic", class = "emfit_error_unsupported")
  expect_error(ask(na.action = na.omit), "nothing to do", class = "emfit_error_unsupported")
  expect_error(em_fit(x, latent = em_topics()), "number of topics, is missing", class = "emfit_error_argument")
  expect_error(em_fit(x, 2, latent = em_topics(c(1, 2, 3))), "speak of 3 topics", class = "emfit_error_argument")
  expect_error(em_topics(c(1, -1)), "1, -1", class = "emfit_error_argument")
  expect_error(em_topics("asymmetric"), "symmetric", class = "emfit_error_argument")
  expect_error(ask(start = "kmeans++"), "varied", class = "emfit_error_argument")
  expect_error(ask(start = list(mean = 1)), "list with `topic`", class = "emfit_error_start")
  good <- withr_seed(1, random_topics(3, x))$topic
  expect_error(ask(start = list(topic = good, prob = 1)), "\"prob\"", class = "emfit_error_start")
  expect_error(ask(start = list(topic = good, alpha = c(1, 2))), "start$alpha", fixed = TRUE, class = "emfit_error_start")
  expect_error(ask(start = list(topic = 2 * good)), "Row 1 of `start$topic` must sum to 1", fixed = TRUE, class = "emfit_error_start")
  expect_error(ask(start = list(topic = good[, -1])), "lacks \"w1\"", class = "emfit_error_start")
  expect_error(ask(start = list(topic = -good)), "must hold probabilities", class = "emfit_error_start")
  expect_error(ask(start = list(topic = "a")), "topics by terms", class = "emfit_error_start")
  none <- good
  none[, "w2"] <- 0
  expect_error(ask(start = list(topic = none / rowSums(none))), "in every topic: \"w2\"", class = "emfit_error_start")
  suppressMessages(expect_message(quiet_topics(x, control = em_control(verbose = TRUE, n_start = 2)), "Start 2 of 2"))
  expect_error(ask(fixed = list(mean = 1)), "`fixed` of topics", class = "emfit_error_fixed")
  expect_error(ask(fixed = list(alpha = -1)), "fixed$alpha", fixed = TRUE, class = "emfit_error_fixed")
  held <- good * NA
  held[1, 1:2] <- c(0.5, 0.5)
  expect_error(ask(fixed = list(topic = held)), "nothing is left", class = "emfit_error_fixed")
  expect_error(em_fit(x, 3, latent = em_topics(0.1), fixed = list(alpha = 1)), "both speak", class = "emfit_error_fixed")
  expect_error(em_start(x, 3, latent = em_topics()), "no parameters of rows", class = "emfit_error_unsupported")
})

test_that("new documents are matched by name; what is unknown is counted", {
  new <- cbind(topics_rows[1:3, 12:1], other = c(2, 0, 1), more = 1)
  expect_message(prob <- predict(topics_fit, new, type = "prob"), "2 terms of `newdata` (6 words) are not in the model",
                 fixed = TRUE, class = "emfit_message_columns")
  fresh <- t(apply(topics_rows[1:3, ], 1, topics_fresh, topics = topics_fit$parameters, most = 200)) + topics_fit$parameters$alpha[1]
  expect_within(prob, fresh / rowSums(fresh), 1e-6)
  # The documents of the fit had the better of these and where the iterations had led.
  expect_true(all(predict(topics_fit, type = "bound") > predict(topics_fit, topics_rows, type = "bound") - 1e-6))
  expect_within(rowSums(prob), c(1, 1, 1), 1e-14)
  expect_identical(predict(topics_fit, topics_rows[1, ], type = "prob")[1, ], predict(topics_fit, topics_rows, type = "prob")[1, ])
  expect_identical(rownames(predict(topics_fit, topics_rows, type = "prob")), rownames(topics_rows))
  expect_error(predict(topics_fit, cbind(a = 1, b = 2)), "None of the 2 terms", class = "emfit_error_newdata")
  docs <- apply(topics_rows, 1, function(counts) {
    topics_document(counts, topics_fit$parameters, topics_fresh(counts, topics_fit$parameters, 200))$bound
  })
  expect_within(predict(topics_fit, topics_rows, type = "bound"), docs, 1e-9)
  expect_within(em_perplexity(topics_fit, topics_rows), exp(-sum(docs) / sum(topics_rows)), 1e-10)
  expect_within(em_perplexity(topics_fit), exp(-topics_fit$loglik / sum(topics_rows)), 1e-12)
  expect_error(em_perplexity(topics_fit, 0 * topics_rows), "No document of `newdata`", class = "emfit_error_newdata")
  long <- subset(as.data.frame(as.table(topics_rows), responseName = "n"), n > 0)
  by_formula <- fit_of(n ~ Var1 + Var2, data = long)
  expect_identical(unname(predict(by_formula, long, type = "prob")), unname(predict(topics_fit, topics_rows, type = "prob")))
})

test_that("a term of probability 0 in every topic makes a document impossible, not its shares", {
  fit <- fit_of(cbind(topics_rows, never = 0))
  new <- c(topics_rows[1, ], never = 1)
  expect_identical(predict(fit, new, type = "bound"), -Inf)
  expect_identical(em_perplexity(fit, new), Inf)
  expect_within(predict(fit, new, type = "prob"), predict(fit, topics_rows[1, ], type = "prob"), 1e-5)
})

test_that("first terms, coherence and exclusivity are what they say", {
  topic <- topics_fit$parameters$topic
  terms <- em_terms(topics_fit, 4)
  expect_identical(unname(terms[, 2]), names(sort(topic[2, ], decreasing = TRUE))[1:4])
  quality <- summary(topics_fit, n = 3)$topics
  by_hand <- vapply(1:3, function(j) {
    top <- names(sort(topic[j, ], decreasing = TRUE))[1:3]
    has <- topics_rows[, top] > 0
    pairs <- cbind(c(1, 1, 2), c(2, 3, 3))
    mean(apply(pairs, 1, function(p) log((sum(has[, p[1]] & has[, p[2]]) + 1) / sum(has[, p[1]]))))
  }, 0)
  expect_within(quality$coherence, by_hand, 1e-12)
  exclusive <- vapply(1:3, function(j) {
    top <- names(sort(topic[j, ], decreasing = TRUE))[1:3]
    mean(topic[j, top] / colSums(topic[, top]))
  }, 0)
  expect_within(quality$exclusivity, exclusive, 1e-12)
  lift <- t(topic) / (colSums(topics_rows) / sum(topics_rows))
  lift[t(topic * topics_fit$counts) < 1] <- 0
  expect_identical(em_terms(topics_fit, 1, by = "lift")[1, ], stats::setNames(colnames(topic)[apply(lift, 2, which.max)], 1:3))
  expect_output(print(summary(topics_fit)), "Coherence (UMass", fixed = TRUE)
})

test_that("tables are those of tidytext", {
  beta <- tidy(topics_fit)
  expect_identical(names(beta), c("topic", "term", "beta"))
  expect_identical(beta$topic[1:4], c(1:3, 1L))
  expect_identical(beta$beta[beta$topic == 2], unname(topics_fit$parameters$topic[2, ]))
  gamma <- tidy(topics_fit, matrix = "gamma")
  expect_identical(names(gamma), c("document", "topic", "gamma"))
  expect_identical(gamma$gamma[gamma$document == "d5"], unname(predict(topics_fit, type = "prob")["d5", ]))
  cells <- augment(topics_fit)
  expect_identical(names(cells), c("document", "term", "count", ".topic"))
  expect_identical(sum(cells$count), sum(topics_rows) + 0)
  one <- topics_document(topics_rows["d7", ], topics_fit$parameters, topics_fit$documents["d7", ] - topics_fit$parameters$alpha)
  own <- cells[cells$document == "d7", ]
  expect_identical(own$.topic, unname(apply(one$phi[, match(own$term, colnames(topics_rows))], 2, which.max)))
  some <- augment(topics_fit, data.frame(term = own$term[2], document = "d7", mine = 1))
  expect_identical(some$.topic, own$.topic[2])
  expect_error(augment(topics_fit, data = 1), "columns `document` and `term`", class = "emfit_error_argument")
  line <- glance(topics_fit)
  expect_identical(line$bound, topics_fit$loglik)
  expect_false(any(c("AIC", "BIC") %in% names(line)))
})

test_that("numbers of a fit", {
  expect_length(coef(topics_fit), 3 + 36)
  expect_identical(unname(coef(topics_fit)["topic.w5[2]"]), unname(topics_fit$parameters$topic[2, 5]))
  expect_identical(nobs(topics_fit), 24)
  expect_identical(attr(logLik(topics_fit), "df"), 3L * 11L + 1L)
  expect_identical(fit_of(topics_rows)$loglik, topics_fit$loglik)
  expect_null(formula(topics_fit))
  expect_within(rowSums(fitted(topics_fit)), rowSums(topics_rows), 1e-10)
  expect_identical(weights(topics_fit), rep(1, 24))
  drawn <- simulate(topics_fit, seed = 4, nsim = 2, n = 5)
  expect_length(drawn, 2)
  expect_identical(nlevels(drawn[[1]]$document), 5L)
  expect_identical(simulate(topics_fit, seed = 4)[[1]], simulate(topics_fit, seed = 4)[[1]])
  expect_identical(as.vector(tapply(simulate(topics_fit, seed = 4)[[1]]$n, simulate(topics_fit, seed = 4)[[1]]$document, sum)),
                   as.vector(rowSums(topics_rows)))
  expect_identical(update(topics_fit, k = 2, control = em_control(n_start = 2))$k, 2L)
  expect_identical(update(topics_fit, weights = rep(2, 24), start = topics_fit)$nobs, 48)
  expect_error(update(topics_fit, ~ a), "by a formula", class = "emfit_error_unsupported")
  expect_error(update(topics_fit, data = 1), "goes with a formula", class = "emfit_error_argument")
  expect_true(is.call(update(topics_fit, k = 2, evaluate = FALSE)))
})

test_that("every reader of fits serves topics, or says in a classed error what to do instead", {
  serve <- list(
    logLik = logLik, nobs = nobs, coef = coef, weights = weights, family = family, formula = formula, fitted = fitted,
    predict = predict, simulate = simulate, update = update, print = function(f) utils::capture.output(print(f)), format = format,
    summary = summary, as.data.frame = as.data.frame, tidy = tidy, glance = glance, augment = augment, plot_data = plot_data,
    plot = function(f) {
      grDevices::pdf(NULL)
      on.exit(grDevices::dev.off())
      plot(f)
    },
    em_estep = function(f) em_estep(topics_rows, f), em_mstep = function(f) em_mstep(topics_rows, em_estep(topics_rows, f), f),
    em_terms = em_terms, em_perplexity = em_perplexity, em_agree = function(f) em_agree(f, rep_len(c("a", "b"), 24))
  )
  refuse <- list(
    AIC = AIC, BIC = BIC, icl = icl, extractAIC = extractAIC, anova = anova, deviance = deviance, vcov = vcov, confint = confint,
    residuals = residuals, df.residual = df.residual, sigma = sigma, em_lrt = em_lrt, em_bootstrap = em_bootstrap,
    em_cv = em_cv, em_merge = em_merge, em_relabel = function(f) em_relabel(f, 3:1), em_directions = em_directions,
    quantile = quantile, em_cdf = function(f) em_cdf(f, 1), em_hdr = em_hdr, em_modes = em_modes, em_marginal = em_marginal,
    em_conditional = function(f) em_conditional(f, a = 1), em_impute = em_impute, em_diagnose = em_diagnose, em_path = em_path, em_animate = em_animate, em_stationary = em_stationary,
    as.Mclust = get("as.Mclust.em_fit_topics", asNamespace("emfit")),
    model_parameters = get("model_parameters.em_fit_topics", asNamespace("emfit")),
    model_performance = get("model_performance.em_fit_topics", asNamespace("emfit"))
  )
  for (name in names(serve)) expect_error(serve[[name]](topics_fit), NA)
  for (name in names(refuse)) {
    error <- expect_error(refuse[[name]](topics_fit), class = "emfit_error_unsupported")
    expect_match(conditionMessage(error), "\n", fixed = TRUE, label = name) # and says what serves instead
  }
  # None is forgotten: every generic with a method for fits is in one of the lists.
  all <- ls(asNamespace("emfit"))
  generics <- sub("[.]em_fit$", "", all[endsWith(all, ".em_fit")])
  expect_setequal(setdiff(generics, c(names(serve), names(refuse))), c("autoplot", "print.summary"))
  exported <- getNamespaceExports("emfit")
  takes_fit <- exported[vapply(exported, function(f) identical(names(formals(get(f, asNamespace("emfit"))))[1], "fit"), NA)]
  expect_setequal(setdiff(takes_fit, c(names(serve), names(refuse))), character())
  types <- setdiff(names(plot_makers()), "trace")
  for (type in types) expect_error(plot(topics_fit, type = type), "is not for topic models", class = "emfit_error_unsupported")
  for (type in c("uncertainty", "density", "path", "filter")) {
    expect_error(predict(topics_fit, type = type), "share of every topic", class = "emfit_error_unsupported")
  }
  gauss <- em_fit(faithful, 1)
  expect_error(em_terms(gauss), "for topic models", class = "emfit_error_unsupported")
  expect_error(em_perplexity(1), "must come from em_fit()", fixed = TRUE, class = "emfit_error_argument")
})

test_that("a misspelt argument is an error in every method", {
  all <- ls(asNamespace("emfit"))
  methods <- all[endsWith(all, ".em_fit_topics") & !grepl("^(draw|gg)_", all)]
  for (name in methods) {
    f <- get(name, asNamespace("emfit"))
    expect_error(f(topics_fit, tpyo = 1), class = "emfit_error")
  }
  expect_gt(length(methods), 25)
  models <- withr_seed(1, em_select(topics_rows, k = 1:2, latent = em_topics(), folds = 2, control = em_control(n_start = 1)))
  for (f in list(format, best, glance, plot_data, print, as.data.frame, tidy, plot)) {
    expect_error(f(models, tpyo = 1), class = "emfit_error_argument")
  }
})

test_that("pictures have what they draw", {
  terms <- plot_data(topics_fit, n = 3, topics = 2:3)$terms
  expect_identical(terms$term[terms$topic == "2"], unname(em_terms(topics_fit, 3)[, 2]))
  bars <- plot_data(topics_fit, type = "documents")$documents
  expect_within(bars$top[bars$topic == "3"], rep(1, 24), 1e-12)
  own <- bars[bars$document == "d3", ]
  expect_within(own$top - own$bottom, predict(topics_fit, type = "prob")["d3", ], 1e-12)
  expect_identical(plot_data(topics_fit, type = "trace")$trace$loglik, topics_fit$trace$bound)
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  for (type in c("terms", "documents", "trace")) {
    expect_s3_class(plot(topics_fit, type = type), paste0("em_plot_", type))
    skip_if_not_installed("ggplot2")
    expect_s3_class(print(ggplot2::autoplot(topics_fit, type = type)), "ggplot")
  }
})

test_that("the number of topics is chosen by documents left out", {
  x <- withr_seed(41, plain_corpus(draw_documents(90, 20, 3, words = 60)))
  table <- withr_seed(1, em_select(x, k = c(1, 3, 5), latent = em_topics(), folds = 3, control = em_control(n_start = 3)))
  expect_identical(best(table)$k, 3L)
  expect_identical(best(table, k = 5)$k, 5L)
  expect_identical(withr_seed(1, em_select(x, k = c(1, 3, 5), latent = em_topics(), folds = 3, control = em_control(n_start = 3)))$table,
                   table$table)
  one <- as.data.frame(table)
  # One topic is a closed form, so what is left out can be foretold by hand, in the same folds.
  folds <- withr_seed(1, sample(rep_len(1:3, 90)))
  lost <- vapply(1:3, function(fold) {
    share <- colSums(x[folds != fold, ]) / sum(x[folds != fold, ])
    seen <- share > 0
    c(sum(t(x[folds == fold, seen]) * log(share[seen])), sum(x[folds == fold, seen]))
  }, numeric(2))
  expect_within(one$CV[1], exp(-sum(lost[1, ]) / sum(lost[2, ])), 1e-10)
  expect_match(format(table), "Best by the perplexity of documents left out .*: 3 topics", all = FALSE)
  expect_identical(glance(table)$k, 3L)
  expect_identical(tidy(table)$CV, one$CV)
  data <- plot_data(table)
  expect_identical(data$best, 3L)
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  expect_s3_class(plot(table), "em_plot_perplexity")
  if (requireNamespace("ggplot2", quietly = TRUE)) expect_s3_class(print(ggplot2::autoplot(table)), "ggplot")
  expect_error(em_select(x, k = 2, latent = em_topics(), criterion = "BIC"), "no log-likelihood", class = "emfit_error_unsupported")
  expect_error(em_select(x, k = 2, latent = em_topics(), covariance = "VVV"), "no `covariance`", class = "emfit_error_unsupported")
  expect_error(em_select(x, k = 2, latent = em_topics(), folds = 91), "documents with words", class = "emfit_error_argument")
  expect_error(best(table, criterion = "BIC"), "is not for topic models", class = "emfit_error_unsupported")
  expect_error(best(table, k = 2), "no such number", class = "emfit_error_argument")
  expect_error(best(table, covariance = "V"), "has no `covariance`", class = "emfit_error_argument")
  expect_error(plot(table, criterion = "AIC"), "is not for topic models", class = "emfit_error_unsupported")
  long <- withr_seed(1, em_select(n ~ document + term, simulate(topics_fit, seed = 1)[[1]], k = 1:2, latent = em_topics(), folds = 2,
                                  control = em_control(n_start = 2)))
  expect_identical(nrow(long$table), 2L)
})

test_that("print says that the bound is one", {
  expect_snapshot({
    topics_fit
    em_topics()
    em_topics(c(0.1, 0.2))
  })
})
