# Rows in chunks: the same fit as of the same rows in memory.

chunk_rows_of <- function(n = 20011L, seed = 1) {
  set.seed(seed)
  z <- sample(3, n, TRUE)
  x <- matrix(rnorm(n * 3), n) + c(0, 2.5, 5)[z] + 100
  data.frame(a = x[, 1], b = x[, 2], c = x[, 3], w = round(runif(n, 0.1, 3), 3), id = seq_len(n))
}
rows <- chunk_rows_of()
abc <- c("a", "b", "c")
begin <- list(mean = as.matrix(rows[1:3, abc]), covariance = diag(3))
in_chunks <- function(frame, sizes) unname(split(frame, rep(seq_along(sizes), sizes)))
odd <- in_chunks(rows, c(1, 9000, 10, 8000, 3000))
bits <- function(fit) rlang::hash(list(lapply(unclass(fit$parameters), unname), fit$loglik, fit$trace$loglik))
fit_chunks <- function(chunks, ..., k = 3, start = begin) em_fit(chunks, k, start = start, ...)

test_that("complete rows give the bits of memory, whatever the chunks and the structure", {
  x <- rows[abc]
  for (structure in c("VVV", "EEE", "VVI", "VII", "EVE")) {
    family <- em_gaussian(structure)
    whole <- bits(suppressWarnings(em_fit(x, 3, family, start = begin)))
    for (pieces in list(odd, list(rows), in_chunks(rows, c(4096, 4096, 11819)))) {
      fit <- suppressWarnings(fit_chunks(em_chunks(pieces, columns = abc), family = family))
      expect_identical(bits(fit), whole, label = structure)
    }
  }
})

test_that("so do weights, every cache, and more rows than a page", {
  big <- chunk_rows_of(140001L)
  control <- em_control(max_iter = 12, tol = 0)
  whole <- bits(em_fit(big[abc], 3, start = begin, weights = big$w, control = control))
  pieces <- in_chunks(big, c(65535, 2, 70000, 4464))
  for (cache in c("memory", "file", "none")) {
    chunks <- em_chunks(pieces, columns = abc, weights = "w", cache = cache)
    expect_identical(bits(fit_chunks(chunks, control = control)), whole, label = cache)
  }
  two <- fit_chunks(em_chunks(pieces, columns = abc, weights = "w"), control = em_control(max_iter = 12, tol = 0, threads = 2))
  expect_identical(bits(two), whole)
  expect_equal(nobs(two), sum(big$w))
})

test_that("files, functions and databases are read alike", {
  whole <- bits(em_fit(rows[abc], 3, start = begin))
  folder <- withr_tempdir()
  csv <- file.path(folder, c("1.csv", "2.csv"))
  halves <- list(rows[1:12000, ], rows[12001:20011, ])
  for (i in 1:2) utils::write.csv(format_exactly(halves[[i]]), csv[i], row.names = FALSE, quote = FALSE)
  expect_identical(bits(fit_chunks(em_chunks(csv, columns = abc, rows = 700))), whole)
  rds <- file.path(folder, c("1.rds", "2.rds"))
  for (i in 1:2) saveRDS(halves[[i]], rds[i])
  expect_identical(bits(fit_chunks(em_chunks(rds, columns = abc))), whole)
  expect_identical(bits(fit_chunks(em_chunks(rds, columns = abc, reader = function(file) readRDS(file)))), whole)
  at <- 0L
  maker <- function(reset = FALSE) {
    at <<- if (reset) 1L else at + 1L
    if (at <= length(odd)) odd[[at]]
  }
  expect_identical(bits(fit_chunks(em_chunks(maker, columns = abc))), whole)
})

test_that("a database is read by table and by query, and written to", {
  skip_if_not_installed("RSQLite")
  con <- DBI::dbConnect(RSQLite::SQLite(), ":memory:")
  on.exit(DBI::dbDisconnect(con))
  DBI::dbWriteTable(con, "obs", rows[sample(nrow(rows)), ])
  chunks <- em_chunks(con, "SELECT a, b, c FROM obs ORDER BY id", rows = 3000)
  fit <- fit_chunks(chunks)
  expect_identical(bits(fit), bits(em_fit(rows[abc], 3, start = begin)))
  unordered <- em_chunks(con, "obs", columns = abc)
  expect_match(format(unordered), "order of rows not fixed")
  expect_equal(as.numeric(logLik(fit_chunks(unordered))), fit$loglik, tolerance = 1e-10)
  out <- DBI::dbConnect(RSQLite::SQLite(), ":memory:")
  on.exit(DBI::dbDisconnect(out), add = TRUE)
  counts <- predict(fit, em_chunks(con, "SELECT * FROM obs ORDER BY id", rows = 3000), into = em_table(out, "classes"), keep = "id")
  written <- DBI::dbReadTable(out, "classes")
  expect_identical(written$id, rows$id)
  expect_identical(written$class, as.character(predict(fit, rows[abc])))
  expect_identical(as.vector(counts), as.vector(table(written$class)) + 0)
})

test_that("missing cells, labels, counts and categories agree with memory to 1e-12", {
  holes <- rows
  set.seed(2)
  holes$a[sample(nrow(holes), 2000)] <- NA
  holes[c(7, 15000), abc] <- NA
  control <- em_control(max_iter = 10, tol = 0)
  close <- function(a, b) {
    expect_equal(a$loglik, b$loglik, tolerance = 1e-12)
    expect_equal(lapply(unclass(a$parameters), unname), lapply(unclass(b$parameters), unname), tolerance = 1e-9)
    expect_equal(nobs(a), nobs(b))
  }
  pieces <- in_chunks(holes, c(6, 1, 9000, 11004))
  for (structure in c("VVV", "EEE")) {
    memory <- suppressMessages(em_fit(holes[abc], 3, em_gaussian(structure), start = begin, control = control))
    close(fit_chunks(em_chunks(pieces, columns = abc), family = em_gaussian(structure), control = control), memory)
  }
  known <- rows
  known$group <- ifelse(rows$id %% 50 == 0, ifelse(rows$a > 102, "upper", "lower"), NA)
  two <- list(mean = begin$mean[1:2, ], covariance = diag(3))
  rownames(two$mean) <- c("lower", "upper")
  memory <- em_fit(known[abc], 2, labels = known$group, start = two, control = control)
  chunks <- em_chunks(in_chunks(known, c(60, 19951)), columns = abc, labels = "group")
  fit <- fit_chunks(chunks, k = 2, start = two, control = control)
  close(fit, memory)
  expect_identical(names(fit$counts), c("lower", "upper"))

  set.seed(3)
  counts <- data.frame(heads = rbinom(5000, 10, 0.3 + 0.4 * (seq_len(5000) %% 2)))
  counts$tails <- 10 - counts$heads
  counts$tails[5] <- NA
  memory <- suppressMessages(em_fit(counts, 2, "binomial", start = list(prob = c(0.2, 0.8))))
  close(em_fit(em_chunks(in_chunks(counts, c(4, 4996))), 2, "binomial", start = list(prob = c(0.2, 0.8))), memory)
  events <- data.frame(n = rpois(5000, 2 + 6 * (seq_len(5000) %% 2)))
  memory <- em_fit(events, 2, "poisson", start = list(rate = matrix(c(1, 9), 2)))
  close(em_fit(em_chunks(in_chunks(events, c(100, 4900))), 2, "poisson", start = list(rate = matrix(c(1, 9), 2))), memory)

  answers <- data.frame(p = sample(c("yes", "no", "rare"), 3000, TRUE, c(0.6, 0.399, 0.001)), q = factor(sample(letters[1:3], 3000, TRUE)),
                        r = sample(c(TRUE, FALSE), 3000, TRUE))
  answers$p[1:1000][answers$p[1:1000] == "rare"] <- "no"
  answers$p[2999] <- "rare"
  probs <- list(prob = list(p = matrix(c(0.3, 0.6, 0.1, 0.1, 0.6, 0.3), 2), q = matrix(c(0.2, 0.3, 0.4, 0.3, 0.4, 0.4), 2), r = matrix(c(0.4, 0.6, 0.6, 0.4), 2)))
  control <- em_control(max_iter = 5, tol = 0)
  memory <- suppressWarnings(em_fit(answers, 2, "categorical", start = probs, control = control))
  fit <- suppressWarnings(em_fit(em_chunks(in_chunks(answers, c(1000, 2000))), 2, "categorical", start = probs, control = control))
  close(fit, memory)
})

test_that("the default search is that of a sample that chunks don't change", {
  set.seed(7)
  a <- em_fit(em_chunks(odd, columns = abc, sample = 3000), 3)
  set.seed(7)
  b <- em_fit(em_chunks(list(rows), columns = abc, sample = 3000), 3)
  expect_identical(bits(a), bits(b))
  expect_match(format(a), "in a sample of 3000 rows", all = FALSE)
  expect_match(format(a), "20011 observations", all = FALSE)
  set.seed(7)
  expect_equal(a$loglik, em_fit(rows[abc], 3)$loglik, tolerance = 1e-8)
})

test_that("a look counts, and can be fitted more than once", {
  look <- em_look(em_chunks(odd, columns = abc))
  expect_identical(look$n, 20011)
  expect_equal(look$columns$mean, unname(colMeans(rows[abc])))
  expect_equal(look$columns$sd, unname(apply(rows[abc], 2, sd)))
  expect_identical(look$columns$min, unname(sapply(rows[abc], min)))
  expect_identical(bits(fit_chunks(look)), bits(fit_chunks(look)))
  expect_match(format(look), "5 chunks", all = FALSE)
})

test_that("what adds up over rows is that of memory", {
  chunks <- em_chunks(odd, columns = abc)
  fit <- fit_chunks(chunks)
  memory <- em_fit(rows[abc], 3, start = begin)
  expect_identical(BIC(fit), BIC(memory))
  expect_equal(vcov(fit), vcov(memory, type = "opg"), tolerance = 1e-8)
  expect_equal(vcov(fit, type = "observed"), vcov(memory), tolerance = 1e-6)
  expect_equal(confint(fit), confint(memory, type = "opg"), tolerance = 1e-8)
  expect_equal(icl(fit), icl(memory))
  same <- c("nobs", "df", "logLik", "BIC", "ICL", "entropy", "prob.min")
  expect_equal(generics::glance(fit)[same], generics::glance(memory)[same])
  expect_identical(nrow(simulate(fit, n = 10, seed = 1)[[1L]]), 10L)
  heavy <- fit_chunks(em_chunks(odd, columns = abc, weights = "w"))
  expect_equal(vcov(heavy), vcov(em_fit(rows[abc], 3, start = begin, weights = rows$w), type = "opg"), tolerance = 1e-8)
})

test_that("what is about each row is refused with the way out", {
  fit <- fit_chunks(em_chunks(odd, columns = abc), control = em_control(max_iter = 3, tol = 0))
  for (ask in list(fitted, residuals, predict, weights, em_bootstrap, em_diagnose, em_lrt, em_impute, em_path, update,
                   generics::augment, simulate)) {
    expect_error(ask(fit), class = "emfit_error_unsupported")
  }
  expect_error(em_fit(em_chunks(odd), 2, weights = rows$w), "can't be given beside rows in chunks", class = "emfit_error_argument")
  expect_error(em_fit(rows[abc], 2, control = em_control(checkpoint = "x")), "for rows in chunks", class = "emfit_error_argument")
  expect_error(predict(fit, em_chunks(odd, columns = abc)), "where the predictions go", class = "emfit_error_argument")
  expect_error(predict(fit, rows[abc], keep = "id"), "are for rows in chunks", class = "emfit_error_argument")
})

test_that("pictures say that they are of a sample", {
  fit <- fit_chunks(em_chunks(odd, columns = abc, sample = 500), control = em_control(max_iter = 3, tol = 0))
  expect_identical(plot_data(fit)$sample, "a sample of 500 of 20011 rows")
  skip_if_not_installed("ggplot2")
  expect_identical(ggplot2::autoplot(fit)$labels$caption, "a sample of 500 of 20011 rows")
})

test_that("predictions go to files, with the columns that are kept", {
  fit <- fit_chunks(em_chunks(odd, columns = abc))
  folder <- withr_tempdir()
  predict(fit, em_chunks(odd), into = file.path(folder, "p-%02d.rds"), keep = "id", type = "prob")
  written <- do.call(rbind, lapply(list.files(folder, "rds$", full.names = TRUE), readRDS))
  expect_identical(written$id, rows$id)
  expect_equal(unname(as.matrix(written[-1L])), unname(predict(fit, rows, type = "prob")), tolerance = 1e-12)
})

test_that("a table of fits is shortlisted in the sample and finished on all rows", {
  set.seed(6)
  look <- em_look(em_chunks(odd, columns = abc, sample = 2000))
  models <- em_select(look, k = 2:4, covariance = c("EII", "VVI", "VVV"), finalists = 2)
  expect_identical(nrow(models$table), 2L)
  expect_match(format(models), "The best of 9 fits to a sample of 2000 rows, made again with all 20011 rows", all = FALSE)
  top <- best(models)
  memory <- em_fit(rows[abc], top$k, top$family, start = top)
  expect_equal(top$loglik, memory$loglik, tolerance = 1e-9)
  at <- match(TRUE, models$table$k == top$k & models$table$covariance == top$family$covariance)
  expect_equal(models$table$BIC[at], BIC(memory), tolerance = 1e-9)
  expect_equal(models$table$ICL[at], icl(memory), tolerance = 1e-6)
  expect_identical(nobs(top), 20011)
})

test_that("the keys of rows do not depend on how they are asked for", {
  all <- emfit:::em_row_keys_cpp(1, 0, 1000L)
  expect_identical(c(emfit:::em_row_keys_cpp(1, 0, 300L), emfit:::em_row_keys_cpp(1, 300, 700L)), all)
  expect_false(anyDuplicated(c(all, emfit:::em_row_keys_cpp(1, 2^33, 1000L))) > 0)
  expect_gt(stats::ks.test(all, "punif")$p.value, 0.01)
})
