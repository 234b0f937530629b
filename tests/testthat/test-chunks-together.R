# Rows in chunks that belong together, noise beside them, and rows that are added: as in memory.

set.seed(11)
persons <- rep(seq_len(900L), times = sample(1:12, 900L, TRUE))
kind <- sample(3L, 900L, TRUE)[persons]
visits <- data.frame(id = persons, a = rnorm(length(persons), 4 * kind), b = rnorm(length(persons), -2 * kind, 1.5))
by_id <- em_mixture(unit = "id")
begin3 <- list(mean = cbind(c(4, 8, 12), c(-2, -4, -6)), covariance = diag(2))
cut_at <- function(frame, sizes) unname(split(frame, rep(seq_along(sizes), sizes)))
anywhere <- cut_at(visits, c(1, 1500, 2, 700, nrow(visits) - 2203))
bits_of <- function(fit) rlang::hash(list(lapply(unclass(fit$parameters), unname), fit$loglik, fit$trace$loglik))
same_numbers <- function(fit, memory, tolerance = 1e-10) {
  expect_equal(fit$loglik, memory$loglik, tolerance = tolerance)
  expect_equal(lapply(unclass(fit$parameters), unname), lapply(unclass(memory$parameters), unname), tolerance = 1e-7)
  expect_equal(nobs(fit), nobs(memory))
}

test_that("units give the bits of memory, wherever chunks end", {
  memory <- em_fit(visits, 3, latent = by_id, start = begin3)
  for (cache in c("memory", "file", "none")) {
    fit <- em_fit(em_chunks(anywhere, cache = cache), 3, latent = by_id, start = begin3)
    expect_identical(bits_of(fit), bits_of(memory), label = cache)
  }
  expect_identical(bits_of(em_fit(em_chunks(list(visits)), 3, latent = em_mixture(unit = ~ id), start = begin3)), bits_of(memory))
  expect_equal(nobs(fit), 900)
  expect_equal(icl(fit), icl(memory))
  expect_equal(vcov(fit), vcov(memory, type = "opg"), tolerance = 1e-8)
  expect_match(format(fit), "900 units of 1 to 12 rows", all = FALSE)
  # One that is more than a part of the pass, among small ones.
  long <- rbind(visits, data.frame(id = 2000L, a = rnorm(70000, 4), b = rnorm(70000, -2, 1.5)), transform(visits, id = id + 3000L))
  control <- em_control(max_iter = 3, tol = 0)
  memory <- em_fit(long, 3, latent = by_id, start = begin3, control = control)
  fit <- em_fit(em_chunks(cut_at(long, c(30000, 40000, nrow(long) - 70000))), 3, latent = by_id, start = begin3, control = control)
  expect_identical(bits_of(fit), bits_of(memory))
})

test_that("a slice that another unit would still fit into waits for the next part of a pass", {
  threes <- data.frame(id = rep(1:23400, each = 3L), a = rep_len(visits$a, 70200), b = rep_len(visits$b, 70200))
  control <- em_control(max_iter = 2, tol = 0, accelerate = FALSE)
  memory <- em_fit(threes, 3, latent = by_id, start = begin3, control = control)
  fit <- em_fit(em_chunks(cut_at(threes, c(40000, 30200)), cache = "none"), 3, latent = by_id, start = begin3, control = control)
  expect_identical(bits_of(fit), bits_of(memory))
})

test_that("units may be mixed within a chunk, have weights, labels and missing cells", {
  rows <- visits
  rows$w <- round(0.5 + persons %% 5 / 4, 2)
  rows$known <- ifelse(persons %% 40 == 0, letters[kind], NA)
  rows$a[sample(nrow(rows), 300)] <- NA
  rows[7, c("a", "b")] <- NA
  halves <- list(rows[persons <= 400, ], rows[persons > 400, ])
  set.seed(2)
  halves <- lapply(halves, function(half) half[sample(nrow(half)), ])
  rows <- do.call(rbind, halves)
  named <- begin3
  rownames(named$mean) <- letters[1:3]
  memory <- suppressMessages(em_fit(rows[c("id", "a", "b")], 3, latent = by_id, start = named, weights = rows$w, labels = rows$known))
  fit <- em_fit(em_chunks(halves, columns = c("a", "b"), weights = "w", labels = "known"), 3, latent = by_id, start = named)
  same_numbers(fit, memory)
})

test_that("a unit in two chunks is named, with both", {
  torn <- list(visits[1:40, ], visits[41:90, ], visits[5:6, ])
  unit <- visits$id[5]
  err <- expect_error(em_look(em_chunks(torn), latent = by_id), "again in chunk 3", class = "emfit_error_input")
  expect_match(conditionMessage(err), sprintf("Unit \"%d\" \\(column \"id\"\\) has rows in chunk 1", unit))
  texts <- lapply(torn, transform, id = paste0("p", id))
  expect_error(em_look(em_chunks(texts), latent = by_id), sprintf("Unit \"p%d\"", unit), class = "emfit_error_input")
  blank <- visits
  blank$id[50] <- NA
  expect_error(em_look(em_chunks(cut_at(blank, c(30, nrow(blank) - 30))), latent = by_id), "row 50 of all has NA", class = "emfit_error_input")
  uneven <- transform(visits, w = seq_along(id))
  expect_error(em_look(em_chunks(list(uneven), weights = "w"), latent = by_id), "must be the same in all rows of a unit", class = "emfit_error_argument")
  expect_error(em_look(em_chunks(anywhere), latent = em_mixture(unit = visits$id)), "a column must say which belong together", class = "emfit_error_argument")
  expect_error(em_look(em_chunks(anywhere), latent = em_mixture(unit = "person")), "lacks the column \"person\"", class = "emfit_error_input")
  shared <- em_chunks(anywhere)
  shared$cluster <- list()
  expect_error(em_look(shared, latent = by_id), "among the workers of a cluster", class = "emfit_error_unsupported")
  look <- em_look(em_chunks(anywhere))
  expect_error(em_fit(look, 2, latent = by_id), "The look was made for rows by themselves", class = "emfit_error_argument")
  look <- em_look(em_chunks(anywhere), latent = by_id)
  expect_error(em_fit(look, 2), "needs rows by themselves", class = "emfit_error_argument")
  expect_error(em_select(look, 2), "the column \"id\" puts together", class = "emfit_error_argument")
  fit <- em_fit(look, 3, latent = by_id, start = begin3)
  expect_error(predict(fit, em_chunks(torn), into = function(rows, i) NULL), "chunks must hold whole units", class = "emfit_error_input")
})

test_that("the sample has whole units, the same for any chunks, and leads to the fit", {
  set.seed(3)
  a <- em_look(em_chunks(anywhere, sample = 1000), latent = by_id)
  set.seed(3)
  b <- em_look(em_chunks(cut_at(visits, c(3000, nrow(visits) - 3000)), sample = 1000), latent = by_id)
  expect_identical(a$rows, b$rows)
  expect_gte(a$sample, 1000)
  sizes <- table(visits$id)
  expect_identical(as.vector(table(a$rows$id)), as.vector(sizes[names(table(a$rows$id))]))
  fit <- em_fit(a, 3, latent = by_id)
  expect_equal(fit$loglik, em_fit(visits, 3, latent = by_id)$loglik, tolerance = 1e-7)
  written <- list()
  counts <- predict(fit, em_chunks(anywhere), into = function(rows, i) written[[length(written) + 1L]] <<- rows, keep = "id")
  written <- do.call(rbind, written)
  expect_identical(written$id, visits$id)
  expect_identical(as.character(written$class), as.character(predict(fit, visits)))
})

# ---- chains ----

set.seed(5)
steps <- 4000L
state <- integer(steps)
series <- rep(seq_len(40L), each = 100L)
for (i in seq_len(steps)) state[i] <- if (i %% 100 == 1) sample(2L, 1) else if (runif(1) < 0.1) 3L - state[i - 1L] else state[i - 1L]
walk <- data.frame(run = series, y = rnorm(steps, 3 * state), z = rnorm(steps, -state))
begin_chain <- list(mean = rbind(c(3, -1), c(6, -2)), covariance = diag(2), initial = c(0.5, 0.5), transition = rbind(c(0.8, 0.2), c(0.2, 0.8)))

test_that("chains give the bits of memory: series in chunks, or one that is all of them", {
  chain <- em_markov(series = "run")
  pieces <- cut_at(walk, c(150, 1, 1849, 2000))
  memory <- em_fit(walk, 2, latent = chain, start = begin_chain)
  for (cache in c("file", "none")) {
    fit <- em_fit(em_chunks(pieces, cache = cache), 2, latent = chain, start = begin_chain)
    expect_identical(bits_of(fit), bits_of(memory), label = cache)
  }
  expect_match(format(fit), "in 40 series", all = FALSE)
  expect_equal(icl(fit), icl(memory))
  expect_equal(BIC(fit), BIC(memory))
  written <- list()
  for (type in c("path", "filter", "class")) {
    written <- list()
    predict(fit, em_chunks(pieces), into = function(rows, i) written[[length(written) + 1L]] <<- rows, type = type)
    found <- do.call(rbind, written)
    expected <- predict(memory, walk, type = type)
    if (type == "filter") expect_equal(unname(as.matrix(found)), unname(expected), tolerance = 1e-12)
    else expect_identical(as.character(found[[1L]]), as.character(expected))
  }
  one <- em_fit(em_chunks(lapply(pieces, `[`, c("y", "z"))), 2, latent = em_markov(), start = begin_chain)
  expect_identical(bits_of(one), bits_of(em_fit(walk[c("y", "z")], 2, latent = em_markov(), start = begin_chain)))
  apart <- list(walk[1:100, ], walk[101:300, ], walk[1:100, ])
  expect_error(em_look(em_chunks(apart), latent = chain), "chunks must hold whole units", class = "emfit_error_input")
  set.seed(1)
  searched <- em_fit(em_chunks(pieces, sample = 500), 2, latent = chain)
  expect_equal(searched$loglik, memory$loglik, tolerance = 1e-6)
  holes <- walk
  holes$y[c(5, 6, 2000)] <- holes$z[c(5, 7)] <- NA
  memory <- suppressMessages(em_fit(holes, 2, latent = chain, start = begin_chain))
  same_numbers(em_fit(em_chunks(cut_at(holes, c(150, 3850))), 2, latent = chain, start = begin_chain), memory)
})

test_that("topics are refused with the way out", {
  expect_error(em_look(em_chunks(anywhere), latent = em_topics()), "a table of counts in memory", class = "emfit_error_unsupported")
})

# ---- noise ----

test_that("the box of noise is that of all rows", {
  set.seed(8)
  x <- rbind(cbind(rnorm(3000), rnorm(3000)), cbind(rnorm(3000, 5), rnorm(3000, 5)), cbind(runif(600, -20, 25), runif(600, -20, 25)))
  colnames(x) <- c("a", "b")
  x <- x[sample(nrow(x)), ]
  x <- data.frame(x %*% matrix(c(1, 0.9, 0.8, 1), 2, dimnames = list(NULL, c("a", "b"))), w = rep(c(0, 1, 2), each = 2200))
  noisy <- em_mixture(noise = TRUE)
  begin <- list(mean = rbind(c(0, 0), c(9, 9.5)), covariance = diag(2))
  pieces <- cut_at(x, c(1, 5000, 1599))
  memory <- em_fit(x[1:2], 2, latent = noisy, start = begin)
  fit <- em_fit(em_chunks(pieces, columns = c("a", "b"), sample = 300), 2, latent = noisy, start = begin)
  expect_equal(fit$latent$box, memory$latent$box, tolerance = 1e-12)
  expect_identical(fit$latent$box$kind, "principal")
  same_numbers(fit, memory)
  heavy <- em_fit(em_chunks(pieces, columns = c("a", "b"), weights = "w", cache = "none"), 2, latent = noisy, start = begin)
  same_numbers(heavy, em_fit(x[1:2], 2, latent = noisy, start = begin, weights = x$w))
  set.seed(4)
  expect_equal(em_fit(em_chunks(pieces, columns = c("a", "b"), sample = 2000), 2, latent = noisy)$loglik, memory$loglik, tolerance = 1e-6)
  holes <- x[1:2]
  holes$a[1:900] <- NA
  memory <- suppressMessages(em_fit(holes, 2, latent = noisy, start = begin))
  same_numbers(em_fit(em_chunks(cut_at(holes, c(800, 5800))), 2, latent = noisy, start = begin), memory)
  known <- transform(x[1:2], what = c("noise", "low", rep(NA, 6598)))
  named <- begin
  rownames(named$mean) <- c("low", "high")
  known$what[which.max(x$a)] <- "high"
  memory <- em_fit(x[1:2], 2, latent = noisy, start = named, labels = known$what)
  same_numbers(em_fit(em_chunks(cut_at(known, c(1, 6599)), columns = c("a", "b"), labels = "what"), 2, latent = noisy, start = named), memory)
})

# ---- the race ----

test_that("what the sample takes for second may win on all rows, and is told", {
  set.seed(21)
  z <- sample(3L, 6000, TRUE)
  x <- data.frame(a = rnorm(6000, c(0, 3, 6)[z]), b = rnorm(6000, c(0, 2.5, 0)[z], 1.3))
  won <- 0
  for (seed in 1:6) {
    set.seed(seed)
    look <- em_look(em_chunks(cut_at(x, c(2500, 3500)), sample = 100))
    set.seed(seed)
    fit <- suppressWarnings(em_fit(look, 3))
    raced <- fit$searched$raced
    if (length(raced) < 2L) next
    expect_match(format(fit), "optima tried on all rows", all = FALSE)
    won <- won + (which.max(raced) > 1L)
    # From the others nothing better is reached than what they promised.
    expect_gte(fit$loglik, max(raced) - 1e-6)
  }
  expect_gt(won, 0)
})

# ---- rows that are added ----

test_that("update(append = ) is the fit of old and new rows", {
  old <- visits[1:3000, c("a", "b")]
  new <- visits[3001:nrow(visits), c("a", "b")]
  tight <- em_control(tol = 1e-9)
  memory <- em_fit(rbind(old, new), 3, start = begin3, control = tight)
  for (cache in c("memory", "file", "none")) {
    fit <- em_fit(em_chunks(cut_at(old, c(1000, 2000)), cache = cache), 3, start = begin3, control = tight)
    before <- bits_of(fit)
    more <- update(fit, append = new)
    expect_equal(more$loglik, memory$loglik, tolerance = 1e-10)
    expect_equal(lapply(unclass(more$parameters), unname), lapply(unclass(memory$parameters), unname), tolerance = 1e-4)
    expect_identical(nobs(more), nrow(visits) + 0)
    expect_lt(more$iterations, memory$iterations + 1)
    # The old fit is as it was, rows and all.
    expect_identical(bits_of(fit), before)
    expect_equal(icl(fit), icl(em_fit(old, 3, start = begin3, control = tight)))
    again <- update(more, append = em_chunks(list(new[1:10, ], new[11:20, ])))
    expect_identical(nobs(again), nrow(visits) + 20)
  }
  expect_error(update(fit, append = new[0, ]), "`append` has no rows", class = "emfit_error_input")
  expect_error(update(fit, append = new["a"]), "lacks the column \"b\"", class = "emfit_error_input")
  expect_error(update(fit, append = new, k = 2), "`k` can't be changed while rows are put behind others", class = "emfit_error_argument")
  expect_error(update(fit, ~ a, append = new), "can't be given beside `append`", class = "emfit_error_argument")
  expect_error(update(em_fit(old, 2), append = new), "`append` is for fits of rows in chunks", class = "emfit_error_unsupported")
  united <- em_fit(em_chunks(anywhere), 3, latent = by_id, start = begin3, control = em_control(max_iter = 3, tol = 0))
  err <- expect_error(update(united, append = visits[1:4, ]), "chunks must hold whole units", class = "emfit_error_input")
  expect_identical(nobs(update(united, append = transform(visits[1:4, ], id = 5000L))), 901)
})

test_that("a misspelt argument of update() is told before what it can't do", {
  fit <- suppressMessages(em_fit(em_chunks(split(faithful, rep(1:2, 136))), 2))
  expect_error(update(fit, apend = faithful), "Did you mean \"append\"", class = "emfit_error_argument")
})
