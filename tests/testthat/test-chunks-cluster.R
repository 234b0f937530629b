# Rows in chunks on a cluster: the same fit as in memory, whoever holds the rows.

set.seed(21)
many <- data.frame(a = rnorm(20011) + 4 * (seq_len(20011) %% 3), b = rnorm(20011), c = rexp(20011),
                   w = round(runif(20011, 0.1, 3), 3))
abc <- c("a", "b", "c")
begin <- list(mean = as.matrix(many[1:3, abc]), covariance = diag(3))
bits <- function(fit) rlang::hash(list(lapply(unclass(fit$parameters), unname), fit$loglik, fit$trace$loglik))
pieces <- unname(split(many, rep(1:5, c(1, 9000, 10, 8000, 3000))))
whole <- bits(em_fit(many[abc], 3, start = begin))

cl <- tryCatch(if (!identical(Sys.getenv("NOT_CRAN"), "false")) parallel::makeCluster(2, setup_timeout = 60), error = function(e) NULL)
withr_cluster <- function() if (is.null(cl)) skip("no cluster can be started here") else cl

test_that("files on two workers give the bits of memory", {
  cl <- withr_cluster()
  folder <- withr_tempdir()
  csv <- file.path(folder, sprintf("%d.csv", 1:5))
  for (i in 1:5) write_csv_exactly(pieces[[i]], csv[i])
  look <- em_look(em_chunks(csv, columns = abc, cluster = cl, rows = 4000))
  expect_identical(look$n, 20011)
  expect_match(format(look), "in memory on the workers", all = FALSE)
  expect_match(format(look), "5 files, on 2 workers", all = FALSE)
  expect_identical(bits(em_fit(look, 3, start = begin)), whole)
  one <- em_chunks(csv, columns = abc, cluster = cl[1])
  expect_identical(bits(em_fit(one, 3, start = begin)), whole)
})

test_that("lists, functions and what workers hold are shared out alike", {
  cl <- withr_cluster()
  expect_identical(bits(em_fit(em_chunks(pieces, columns = abc, cluster = cl), 3, start = begin)), whole)
  reader <- function(part, parts) {
    own <- pieces[if (part == 1) 1:3 else 4:5]
    at <- 0L
    function(reset = FALSE) {
      at <<- if (reset) 1L else at + 1L
      if (at <= length(own)) own[[at]]
    }
  }
  for (cache in c("file", "none")) {
    chunks <- em_chunks(reader, columns = abc, cluster = cl, cache = cache)
    expect_identical(bits(em_fit(chunks, 3, start = begin)), whole, label = cache)
  }
  halves <- list(many[1:9001, ], many[9002:20011, ])
  parallel::clusterApply(cl, halves, function(half) assign("emfit_half", half, envir = globalenv()))
  held <- em_chunks(resident = "emfit_half", columns = abc, cluster = cl)
  expect_identical(bits(em_fit(held, 3, start = begin)), whole)
  expect_error(em_look(em_chunks(resident = "no_such_thing", cluster = cl)), "no object \"no_such_thing\" on the worker",
               class = "emfit_error_input")
})

test_that("each worker opens a database by itself, and closes it", {
  cl <- withr_cluster()
  skip_if_not_installed("RSQLite")
  path <- tempfile(fileext = ".sqlite")
  con <- DBI::dbConnect(RSQLite::SQLite(), path)
  DBI::dbWriteTable(con, "obs", cbind(id = seq_len(20011), many))
  DBI::dbDisconnect(con)
  connect <- local(function() DBI::dbConnect(RSQLite::SQLite(), path), list2env(list(path = path), parent = globalenv()))
  queries <- sprintf("SELECT a, b, c FROM obs WHERE id > %d AND id <= %d ORDER BY id", c(0, 7000, 13001), c(7000, 13001, 20011))
  for (cache in c("auto", "none")) {
    chunks <- em_chunks(connect, queries, cluster = cl, rows = 3000, cache = cache)
    expect_match(format(chunks), "3 queries, on 2 workers")
    expect_identical(bits(em_fit(chunks, 3, start = begin)), whole, label = cache)
  }
  expect_match(format(em_chunks(connect, "SELECT a FROM obs", cluster = cl)), "order of rows not fixed")
})

test_that("structures, weights and slices of other lengths have their bits too", {
  cl <- withr_cluster()
  look <- em_look(em_chunks(pieces, columns = abc, weights = "w", cluster = cl))
  for (structure in c("EEE", "VVI", "VII")) {
    control <- em_control(max_iter = 8, tol = 0)
    memory <- suppressWarnings(em_fit(many[abc], 7, em_gaussian(structure), weights = many$w,
                                      start = list(mean = as.matrix(many[1:7, abc]), covariance = diag(3)), control = control))
    there <- suppressWarnings(em_fit(look, 7, em_gaussian(structure), control = control,
                                     start = list(mean = as.matrix(many[1:7, abc]), covariance = diag(3))))
    expect_identical(bits(there), bits(memory), label = structure)
  }
})

test_that("the sample and the search in it do not depend on who has the rows", {
  cl <- withr_cluster()
  set.seed(3)
  here <- em_look(em_chunks(pieces, columns = abc, sample = 1500))
  set.seed(3)
  there <- em_look(em_chunks(pieces, columns = abc, sample = 1500, cluster = cl))
  expect_identical(there$rows, here$rows)
  expect_equal(there$columns, here$columns)
  set.seed(4)
  one <- em_fit(here, 3)
  set.seed(4)
  two <- em_fit(there, 3)
  expect_identical(bits(two), bits(one))
  expect_equal(icl(two), icl(one), tolerance = 1e-12)
  expect_equal(vcov(two), vcov(one), tolerance = 1e-8)
  expect_equal(vcov(two, type = "opg"), vcov(one, type = "opg"), tolerance = 1e-8)
})

test_that("missing cells, labels, counts and categories agree to 1e-12", {
  cl <- withr_cluster()
  holes <- many
  holes$a[seq(7, 20011, 13)] <- NA
  holes$known <- ifelse(seq_len(20011) %% 10 == 0, c("x", "y", "z")[1 + seq_len(20011) %% 3], NA)
  parts <- unname(split(holes, rep(1:4, c(5000, 6000, 11, 9000))))
  alike <- function(family, columns, k, start, labels = NULL) {
    control <- em_control(max_iter = 20)
    here <- suppressWarnings(em_fit(em_chunks(parts, columns = columns, labels = labels), k, family, start = start, control = control))
    there <- suppressWarnings(em_fit(em_chunks(parts, columns = columns, labels = labels, cluster = cl), k, family, start = start, control = control))
    expect_equal(there$loglik, here$loglik, tolerance = 1e-12)
    expect_equal(unclass(there$parameters), unclass(here$parameters), tolerance = 1e-8)
  }
  alike(em_gaussian(), abc, 3, begin)
  named <- begin
  rownames(named$mean) <- c("x", "y", "z")
  alike(em_gaussian("VVI"), abc, 3, named, "known")
  for (i in 1:4) {
    parts[[i]]$n <- stats::qpois(stats::pnorm(parts[[i]]$b), 4)
    parts[[i]]$f <- factor(letters[1 + parts[[i]]$n %% 4], levels = letters[4:1])
    parts[[i]]$g <- if (i == 3) "only" else c("p", "q")[1 + (parts[[i]]$w > 1)]
  }
  alike("poisson", "n", 2, list(rate = c(3, 6)))
  set.seed(8)
  here <- em_look(em_chunks(parts, columns = c("f", "g")), em_categorical())
  set.seed(8)
  there <- em_look(em_chunks(parts, columns = c("f", "g"), cluster = cl), em_categorical())
  expect_identical(there$data$x, here$data$x)
  expect_equal(em_fit(there, 1)$loglik, em_fit(here, 1)$loglik, tolerance = 1e-12)
})

test_that("predictions are written by the workers, numbered over all", {
  cl <- withr_cluster()
  fit <- em_fit(em_chunks(pieces, columns = abc, cluster = cl), 3, start = begin)
  folder <- withr_tempdir()
  counts <- predict(fit, em_chunks(pieces, cluster = cl), into = file.path(folder, "class-%02d.rds"), keep = "w")
  expect_identical(list.files(folder), sprintf("class-%02d.rds", 1:5))
  classes <- do.call(rbind, lapply(list.files(folder, full.names = TRUE), readRDS))
  expect_identical(classes$w, many$w)
  expect_identical(as.integer(classes$class), as.integer(predict(fit, many[abc])))
  expect_identical(as.vector(counts), as.vector(tabulate(as.integer(classes$class), 3)) + 0)
  expect_error(predict(fit, em_chunks(pieces, cluster = cl), into = function(rows, i) NULL), "each worker can write to",
               class = "emfit_error_argument")
  seen <- predict(fit, em_chunks(pieces, cluster = cl), into = function(rows, i, part) NULL)
  expect_identical(seen, counts)
})

test_that("a selection runs over all rows on the workers", {
  cl <- withr_cluster()
  set.seed(6)
  here <- em_select(em_look(em_chunks(pieces, columns = abc, sample = 1000)), k = 2:3, covariance = c("VVI", "VVV"), finalists = 2)
  set.seed(6)
  there <- em_select(em_look(em_chunks(pieces, columns = abc, sample = 1000, cluster = cl)), k = 2:3, covariance = c("VVI", "VVV"), finalists = 2)
  expect_identical(there$table$logLik, here$table$logLik)
  expect_equal(there$table, here$table, tolerance = 1e-10)
})

test_that("refits are the same on workers", {
  cl <- withr_cluster()
  fit <- em_fit(faithful, k = 2, start = list(mean = faithful[1:2, ], covariance = diag(2)))
  again <- function(...) {
    set.seed(1)
    em_bootstrap(fit, n_boot = 9, ...)$replicates
  }
  expect_identical(again(cluster = cl), again())
  expect_identical(again("weighted", cluster = cl), again("weighted"))
  folds <- rep_len(1:4, 272)
  set.seed(2)
  here <- em_cv(fit, folds)
  set.seed(2)
  expect_identical(em_cv(fit, folds, cluster = cl)$table, here$table)
  set.seed(3)
  small <- em_lrt(em_fit(faithful, k = 1), n_boot = 4)
  set.seed(3)
  expect_identical(em_lrt(em_fit(faithful, k = 1), n_boot = 4, cluster = cl)$simulated, small$simulated)
})

test_that("what no worker can open is refused at once", {
  cl <- withr_cluster()
  expect_error(em_chunks("a.csv", cluster = 2), "must be a cluster of package parallel", class = "emfit_error_argument")
  expect_error(em_chunks(cluster = cl), "must say where rows come from", class = "emfit_error_argument")
  expect_error(em_chunks(resident = "x"), "what the workers of a cluster hold", class = "emfit_error_argument")
  expect_error(em_chunks("a.csv", resident = "x", cluster = cl), "Give either `x` or `resident`", class = "emfit_error_argument")
  expect_error(em_chunks(3, cluster = cl), "must be what each worker can open", class = "emfit_error_argument")
  expect_error(em_chunks(character(), cluster = cl), "files for the workers", class = "emfit_error_input")
  expect_error(em_chunks(function(reset) 1, cluster = cl), "can't tell whose rows to give", class = "emfit_error_argument")
  expect_error(em_chunks(function() 1, cluster = cl), "returns what em_chunks\\(\\) takes", class = "emfit_error_argument")
  expect_error(em_chunks(function() 1, 3, cluster = cl), "one for each share", class = "emfit_error_argument")
  expect_error(em_look(em_chunks(list(many[0, ]), cluster = cl)), "No worker has any rows|has no rows", class = "emfit_error_input")
  old <- options(emfit.timeout = -1)
  on.exit(options(old))
  expect_error(em_look(em_chunks(pieces, cluster = cl)), "must be seconds above 0", class = "emfit_error_argument")
})

test_that("an error on a worker is the error here, with its place", {
  cl <- withr_cluster()
  err <- expect_error(em_look(em_chunks(c("no-such-1.csv", "no-such-2.csv"), cluster = cl)), "There is no file", class = "emfit_error_input")
  expect_match(conditionMessage(err), "On worker 1 on .*, in the file \"no-such-1.csv\"")
  odd <- pieces
  odd[[4]]$b <- as.character(odd[[4]]$b)
  err <- expect_error(em_look(em_chunks(odd, columns = abc, cluster = cl)), class = "emfit_error_input")
  expect_match(conditionMessage(err), "On worker 2 on .*, in chunks 4 to 5")
  broken <- function(part, parts) function(reset = FALSE) stop("disk on fire")
  err <- expect_error(em_look(em_chunks(broken, cluster = cl)), "could not be read", class = "emfit_error_source")
  expect_identical(conditionMessage(err$parent), "disk on fire")
  # The others' answers are not left behind.
  expect_identical(parallel::clusterCall(cl, function() 7), list(7, 7))
})

if (!is.null(cl)) parallel::stopCluster(cl)
