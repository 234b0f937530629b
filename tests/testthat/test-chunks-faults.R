# What can go wrong with rows in chunks: each fault has its class, says where it is, and loses nothing.

set.seed(4)
small <- data.frame(a = rnorm(900) + 4 * (seq_len(900) %% 2), b = rnorm(900))
thirds <- unname(split(small, rep(1:3, each = 300)))
at_two <- list(mean = rbind(c(0, 0), c(4, 0)), covariance = diag(2))
fit_small <- function(chunks, ...) em_fit(chunks, 2, start = at_two, ...)
memory <- em_fit(small, 2, start = at_two)
same <- function(fit) expect_identical(list(fit$loglik, unclass(fit$parameters)), list(memory$loglik, unclass(memory$parameters)))

test_that("chunks that are empty, of one row, or in another order of columns change nothing", {
  none <- small[0, ]
  same(fit_small(em_chunks(list(none, thirds[[1]], none, none, thirds[[2]], thirds[[3]], none))))
  same(fit_small(em_chunks(split(small, seq_len(900)))))
  turned <- thirds
  turned[[2]] <- turned[[2]][2:1]
  turned[[3]]$more <- "x"
  same(fit_small(em_chunks(turned)))
  whole <- thirds
  whole[[2]] <- data.frame(a = thirds[[2]]$a, b = thirds[[2]]$b)
  same(fit_small(em_chunks(lapply(whole, as.matrix))))
})

test_that("a column that is lacking or of another kind is named with its chunk", {
  lacking <- thirds
  names(lacking[[3]])[2] <- "B"
  err <- expect_error(em_look(em_chunks(lacking)), "lacks the column \"b\"", class = "emfit_error_input")
  expect_match(conditionMessage(err), "In chunk 3, whose rows begin at 601")
  words <- thirds
  words[[2]]$b <- as.character(words[[2]]$b)
  err <- expect_error(em_look(em_chunks(words)), class = "emfit_error_input")
  expect_match(conditionMessage(err), "In chunk 2, whose rows begin at 301")
  endless <- thirds
  endless[[2]]$b[5] <- Inf
  expect_match(conditionMessage(expect_error(em_look(em_chunks(endless)), class = "emfit_error_input")), "In chunk 2")
  expect_error(em_look(em_chunks(list(1:3, "a"))), "must be a data frame or a matrix", class = "emfit_error_input")
  expect_error(em_look(em_chunks(list(unname(as.matrix(small)), matrix(1, 2, 3)))), "must have 2 columns, not 3", class = "emfit_error_input")
  expect_error(em_look(em_chunks(list(unname(as.matrix(small))), weights = "w")), "no names of columns", class = "emfit_error_input")
  expect_error(em_look(em_chunks(list(small["a"]), weights = "a")), "no column left", class = "emfit_error_input")
  weighted <- thirds
  for (i in 1:3) weighted[[i]]$w <- 1
  weighted[[2]]$w[4] <- -1
  err <- expect_error(em_look(em_chunks(weighted, weights = "w")), "finite numbers of 0 or more", class = "emfit_error_argument")
  expect_match(conditionMessage(err), "Row 304 of all has -1")
  weighted[[2]]$w <- "a"
  expect_error(em_look(em_chunks(weighted, weights = "w")), "must be numeric", class = "emfit_error_argument")
  for (i in 1:3) weighted[[i]]$w <- 0
  expect_error(em_look(em_chunks(weighted, weights = "w")), "No row of the source counts", class = "emfit_error_input")
})

test_that("a column that is missing or constant in one chunk only is no matter", {
  holes <- thirds
  holes[[1]]$b <- NA_real_
  holes[[2]]$a <- 1
  joined <- do.call(rbind, holes)
  expect_equal(fit_small(em_chunks(holes))$loglik, suppressMessages(em_fit(joined, 2, start = at_two))$loglik, tolerance = 1e-12)
  heavy <- lapply(thirds, transform, w = 1)
  heavy[[2]]$w <- 0
  expect_equal(fit_small(em_chunks(heavy, weights = "w"))$loglik, em_fit(small, 2, start = at_two, weights = rep(c(1, 0, 1), each = 300))$loglik,
               tolerance = 1e-12)
})

test_that("sources without rows, and what is no source, are refused", {
  expect_error(em_look(em_chunks(list(small[0, ]))), "The source has no rows", class = "emfit_error_input")
  expect_error(em_chunks(list()), "empty list", class = "emfit_error_input")
  expect_error(em_chunks(), "must say where rows come from", class = "emfit_error_argument")
  expect_error(em_chunks(3), "must be files, a connection", class = "emfit_error_argument")
  expect_error(em_chunks(function(x) x), "a function of `reset`", class = "emfit_error_argument")
  expect_error(em_chunks(c("no-such.csv", "file.csv")), "There is no file", class = "emfit_error_input")
  expect_error(em_chunks(character()), "there are none", class = "emfit_error_input")
  expect_error(em_chunks(thirds, "SELECT 1"), "`query` is for a database", class = "emfit_error_argument")
  expect_error(em_chunks(thirds, weights = 1:3), "must say the name of a column", class = "emfit_error_argument")
  expect_error(em_chunks(thirds, reader = 1), "must be a function of a file's name", class = "emfit_error_argument")
  expect_error(em_look(small), "must come from em_chunks", class = "emfit_error_argument")
  expect_error(em_fit(em_look(em_chunks(thirds)), 2, "poisson"), "of the kind that the look was made for", class = "emfit_error_argument")
  odd <- tempfile(fileext = ".xyz")
  file.create(odd)
  expect_error(em_chunks(odd), "can't be read without help", class = "emfit_error_argument")
  rds <- tempfile(fileext = ".rds")
  saveRDS("words", rds)
  expect_error(em_look(em_chunks(rds)), "must hold a data frame or a matrix", class = "emfit_error_input")
  parquet <- tempfile(fileext = ".parquet")
  file.create(parquet)
  if (!requireNamespace("nanoparquet", quietly = TRUE)) {
    expect_error(em_look(em_chunks(parquet)), "which is not installed", class = "emfit_error")
  }
  expect_error(em_table(1, "x"), "`con` must be a connection", class = "emfit_error_argument")
  mine <- em_family("mine", fields = list(mu = em_field("real")), density = function(x, parameters) x[, 1], maximise = function(...) NULL) |>
    tryCatch(error = function(e) NULL)
  if (!is.null(mine)) expect_error(em_look(em_chunks(thirds), mine), "can't be fitted to rows in chunks", class = "emfit_error_unsupported")
})

test_that("a reader's own error is kept, with the chunk", {
  at <- 0L
  broken <- function(reset = FALSE) {
    at <<- if (reset) 1L else at + 1L
    if (at == 2L) stop("disk on fire")
    if (at <= 3L) thirds[[at]]
  }
  err <- expect_error(em_look(em_chunks(broken)), "Chunk 2 could not be read", class = "emfit_error_source")
  expect_identical(conditionMessage(err$parent), "disk on fire")
})

test_that("with cache = \"none\" other rows than at the first look are seen, and in a cache they don't matter", {
  source <- new.env()
  source$rows <- thirds
  source$reads <- 0L
  reader <- function(change) {
    at <- 0L
    function(reset = FALSE) {
      if (reset) source$reads <- source$reads + 1L
      if (source$reads == 4L && reset) change()
      at <<- if (reset) 1L else at + 1L
      if (at <= length(source$rows)) source$rows[[at]]
    }
  }
  changes <- list(
    cell = function() source$rows[[2]]$a[1] <- source$rows[[2]]$a[1] + 1e-9,
    order = function() source$rows <- source$rows[c(1, 3, 2)],
    fewer = function() source$rows <- source$rows[1:2],
    more = function() source$rows <- c(source$rows, thirds[1])
  )
  for (change in changes) {
    source$rows <- thirds
    source$reads <- 0L
    expect_error(fit_small(em_chunks(reader(change), cache = "none")), "other rows than at the first look", class = "emfit_error_changed")
  }
  source$rows <- thirds
  source$reads <- 0L
  same(fit_small(em_chunks(reader(changes$cell), cache = "memory")))
  at <- 0L
  stuck <- function(reset = FALSE) {
    at <<- at + 1L
    if (at <= 6L) thirds[[(at - 1L) %% 3L + 1L]]
  }
  expect_error(fit_small(em_chunks(stuck, cache = "none")), class = "emfit_error")
})

test_that("text that is cut short is seen", {
  csv <- tempfile(fileext = ".csv")
  utils::write.csv(small, csv, row.names = FALSE)
  lines <- readLines(csv)
  writeLines(c(lines[1:500], "0.1"), csv)
  expect_error(em_look(em_chunks(csv)), "can't be read as it stands", class = "emfit_error_input")
})

test_that("the scratch file is the user's alone, is removed, and missed", {
  look <- em_look(em_chunks(thirds, cache = "file"))
  path <- look$store$path
  expect_identical(format(file.mode(path)), "600")
  same(em_fit(look, 2, start = at_two))
  expect_identical(look$cache, "file")
  cut <- em_look(em_chunks(thirds, cache = "file"))
  unlink(cut$store$path)
  expect_error(em_fit(cut, 2, start = at_two), "scratch file with the rows is gone", class = "emfit_error_source")
  rm(look)
  gc()
  expect_false(file.exists(path))
  old <- options(emfit.cache = 1000)
  on.exit(options(old))
  expect_identical(em_look(em_chunks(thirds))$cache, "file")
  same(fit_small(em_chunks(thirds)))
})

test_that("a scratch file that can't be written is an error, not a fit", {
  skip_if_not(file.exists("/dev/full"))
  scratch <- new.env()
  scratch$path <- "/dev/full"
  expect_error(emfit:::write_page(list(x = matrix(0, 1000, 10), w = NULL, l = NULL), scratch), "scratch file can't be written", class = "emfit_error_source")
})

# ---- checkpoints ----

broken_after <- function(passes) {
  at <- 0L
  reads <- 0L
  function(reset = FALSE) {
    if (reset) reads <<- reads + 1L
    if (reads > passes) stop("connection lost")
    at <<- if (reset) 1L else at + 1L
    if (at <= 3L) thirds[[at]]
  }
}

test_that("a fit that was broken off goes on to the same bits", {
  for (passes in c(5, 8, 11)) {
    path <- tempfile(fileext = ".checkpoint")
    control <- em_control(checkpoint = path)
    expect_error(fit_small(em_chunks(broken_after(passes), cache = "none"), control = control), "could not be read", class = "emfit_error_source")
    expect_true(file.exists(path))
    expect_message(fit <- fit_small(em_chunks(thirds, cache = "none"), control = control), "Going on from the checkpoint",
                   class = "emfit_message_checkpoint")
    same(fit)
    expect_identical(fit$trace, memory$trace)
    expect_false(file.exists(path))
  }
})

test_that("a record that was cut short is dropped, and a search is not drawn again", {
  path <- tempfile(fileext = ".checkpoint")
  control <- em_control(checkpoint = path)
  set.seed(5)
  whole <- em_fit(em_chunks(thirds, cache = "none"), 2)
  set.seed(5)
  expect_error(em_fit(em_chunks(broken_after(6), cache = "none"), 2, control = control), class = "emfit_error_source")
  size <- file.size(path)
  bytes <- readBin(path, "raw", size)
  writeBin(bytes[seq_len(size - 7)], path)
  expect_message(fit <- em_fit(em_chunks(thirds, cache = "none"), 2, control = control), "after")
  expect_identical(fit$loglik, whole$loglik)
  expect_identical(unclass(fit$parameters), unclass(whole$parameters))
})

test_that("a checkpoint of another fit, or that is none, is an error", {
  path <- tempfile(fileext = ".checkpoint")
  control <- em_control(checkpoint = path)
  begin <- function() expect_error(fit_small(em_chunks(broken_after(6), cache = "none"), control = control), class = "emfit_error_source")
  begin()
  expect_error(em_fit(em_chunks(thirds), 3, control = control), "another model, start or setting", class = "emfit_error_checkpoint")
  expect_error(em_fit(em_chunks(thirds), 2, em_gaussian("EEE"), start = at_two, control = control), "another model", class = "emfit_error_checkpoint")
  other <- thirds
  other[[1]]$a[1] <- 9
  expect_error(fit_small(em_chunks(other), control = control), "of other rows", class = "emfit_error_checkpoint")
  expect_true(file.exists(path))
  writeBin(readBin(path, "raw", 100), path)
  expect_error(fit_small(em_chunks(thirds), control = control), "cut short at its beginning", class = "emfit_error_checkpoint")
  con <- file(path, "wb")
  serialize(list(what = "emfit checkpoint", version = 99L), con)
  close(con)
  expect_error(fit_small(em_chunks(thirds), control = control), "newer version", class = "emfit_error_checkpoint")
  expect_error(fit_small(em_chunks(thirds), control = em_control(checkpoint = "/no/such/place/x")), "can't be written", class = "emfit_error_checkpoint")
  expect_error(em_control(checkpoint = 3), "must be the name of a file", class = "emfit_error_argument")
})

test_that("after kill -9 the fit goes on to the same bits", {
  skip_on_os("windows")
  skip_if_not_installed("callr")
  path <- tempfile(fileext = ".checkpoint")
  killed <- function(thirds, at_two, path, library) {
    .libPaths(c(library, .libPaths()))
    reads <- at <- 0L
    reader <- function(reset = FALSE) {
      if (reset) reads <<- reads + 1L
      at <<- if (reset) 1L else at + 1L
      if (reads == 7L && at == 2L) tools::pskill(Sys.getpid(), 9L)
      if (at <= 3L) thirds[[at]]
    }
    emfit::em_fit(emfit::em_chunks(reader, cache = "none"), 2, start = at_two, control = emfit::em_control(checkpoint = path))
  }
  expect_error(callr::r(killed, list(thirds, at_two, path, dirname(system.file(package = "emfit")))))
  fit <- suppressMessages(fit_small(em_chunks(thirds, cache = "none"), control = em_control(checkpoint = path)))
  same(fit)
  expect_identical(fit$trace, memory$trace)
})

test_that("an interrupt leaves the checkpoint, from which the fit goes on to the same bits", {
  skip_on_os("windows")
  skip_if_not_installed("callr")
  path <- tempfile(fileext = ".checkpoint")
  slow <- function(thirds, at_two, path, library) {
    .libPaths(c(library, .libPaths()))
    at <- 0L
    reader <- function(reset = FALSE) {
      Sys.sleep(0.02)
      at <<- if (reset) 1L else at + 1L
      if (at <= 3L) thirds[[at]]
    }
    emfit::em_fit(emfit::em_chunks(reader, cache = "none"), 2, start = at_two, control = emfit::em_control(checkpoint = path))
  }
  session <- callr::r_bg(slow, list(thirds, at_two, path, dirname(system.file(package = "emfit"))))
  begun <- function() file.exists(path) && file.size(path) > 2000
  for (i in 1:200) if (begun() || !session$is_alive()) break else Sys.sleep(0.05)
  size <- file.size(path)
  session$interrupt()
  session$wait(20000)
  expect_false(session$is_alive())
  expect_true(file.exists(path))
  fit <- suppressMessages(fit_small(em_chunks(thirds, cache = "none"), control = em_control(checkpoint = path)))
  same(fit)
})

# ---- sources that change between passes ----

test_that("a file that is cut, replaced, emptied or removed between passes is no fit", {
  csv <- file.path(withr_tempdir(), c("1.csv", "2.csv", "3.csv"))
  write_all <- function() for (i in 1:3) utils::write.csv(format_exactly(thirds[[i]]), csv[i], row.names = FALSE, quote = FALSE)
  write_all()
  look <- em_look(em_chunks(csv, cache = "none"))
  same(em_fit(look, 2, start = at_two))
  changes <- list(
    line_end = function(lines) writeLines(lines[1:200], csv[2]),
    last_number = function(lines) cat(paste(lines[-301], collapse = "\n"), "\n", substr(lines[301], 1, nchar(lines[301]) - 3), "\n", sep = "", file = csv[2]),
    other_order = function(lines) writeLines(lines[c(1, 301:2)], csv[2]),
    one_cell = function(lines) writeLines(sub("^[^,]*", "0.125", lines), csv[2]),
    only_names = function(lines) writeLines(lines[1], csv[2])
  )
  for (name in names(changes)) {
    write_all()
    changes[[name]](readLines(csv[2]))
    expect_error(em_fit(look, 2, start = at_two), class = if (name == "one_cell") "emfit_error" else "emfit_error_changed", label = name)
  }
  file.create(csv[2])
  expect_error(em_fit(look, 2, start = at_two), class = "emfit_error")
  unlink(csv[2])
  err <- expect_error(suppressWarnings(em_fit(look, 2, start = at_two)), class = "emfit_error_source")
  expect_s3_class(err$parent, "error")
  # What was kept does not ask the files again.
  write_all()
  kept <- em_look(em_chunks(csv))
  unlink(csv)
  same(em_fit(kept, 2, start = at_two))
})

# A reader whose connection is closed under it in the second chunk of a reading.
losing <- function(con, at_read) {
  reads <- at <- 0L
  function(reset = FALSE) {
    if (reset) reads <<- reads + 1L
    at <<- if (reset) 0L else at + 1L
    if (reads == at_read && at == 1L) DBI::dbDisconnect(con)
    found <- DBI::dbGetQuery(con, sprintf("SELECT a, b FROM obs ORDER BY id LIMIT 300 OFFSET %d", 300L * at))
    if (nrow(found)) found
  }
}

test_that("a database that changes, or is gone, is told from the same", {
  skip_if_not_installed("RSQLite")
  path <- file.path(withr_tempdir(), "rows.sqlite")
  con <- DBI::dbConnect(RSQLite::SQLite(), path)
  fill <- function() DBI::dbWriteTable(con, "obs", cbind(id = 1:900, small), overwrite = TRUE)
  fill()
  look <- em_look(em_chunks(con, "SELECT a, b FROM obs ORDER BY id", rows = 250, cache = "none"))
  same(em_fit(look, 2, start = at_two))
  for (change in c("UPDATE obs SET a = a + 1e-9 WHERE id = 700", "DELETE FROM obs WHERE id = 3", "INSERT INTO obs VALUES (901, 0, 0)")) {
    DBI::dbExecute(con, change)
    expect_error(em_fit(look, 2, start = at_two), "page 1, from row 1 on", class = "emfit_error_changed")
    fill()
  }
  checkpoint <- tempfile(fileext = ".checkpoint")
  control <- em_control(checkpoint = checkpoint)
  lost <- em_chunks(losing(con, at_read = 4L), cache = "none")
  err <- expect_error(fit_small(lost, control = control), "Chunk 2 could not be read", class = "emfit_error_source")
  expect_match(conditionMessage(err), "em_control\\(checkpoint = \\)")
  expect_true(file.exists(checkpoint))
  con <- DBI::dbConnect(RSQLite::SQLite(), path)
  on.exit(DBI::dbDisconnect(con))
  same(suppressMessages(fit_small(em_chunks(losing(con, at_read = 1000L), cache = "none"), control = control)))
})

test_that("parquet files are read, and one that is cut is named", {
  skip_if_not_installed("nanoparquet")
  parquet <- file.path(withr_tempdir(), c("1.parquet", "2.parquet", "3.parquet"))
  for (i in 1:3) nanoparquet::write_parquet(thirds[[i]], parquet[i])
  for (cache in c("memory", "none")) same(fit_small(em_chunks(parquet, cache = cache)))
  bytes <- readBin(parquet[3], "raw", file.size(parquet[3]))
  writeBin(bytes[seq_len(length(bytes) - 20L)], parquet[3])
  err <- expect_error(em_look(em_chunks(parquet)), "Chunk 3 could not be read", class = "emfit_error_source")
  expect_match(conditionMessage(err), "3.parquet", fixed = TRUE)
})

test_that("other types than in the first chunk are as in memory, with the chunk", {
  kinds <- function(column) {
    chunks <- thirds
    chunks[[2]]$b <- column
    em_look(em_chunks(chunks))
  }
  for (column in list(rep(c("1", "2"), 150), rep(c(TRUE, FALSE), 150), as.Date("2020-01-01") + 1:300, factor(rep(1:2, 150)))) {
    err <- expect_error(kinds(column), class = "emfit_error_input")
    expect_match(conditionMessage(err), "In chunk 2")
  }
  expect_identical(kinds(rep(1:2, 150))$n, 900)
  answers <- data.frame(p = factor(rep(c("x", "y"), 200)), q = factor(rep(c("u", "v", "v", "u"), 100)))
  start <- list(prob = list(p = rbind(c(0.3, 0.7), c(0.6, 0.4)), q = rbind(c(0.2, 0.8), c(0.5, 0.5))))
  fit <- suppressWarnings(em_fit(em_chunks(list(answers)), 2, "categorical", start = start))
  unseen <- transform(answers, p = factor(rep(c("x", "z"), 200)))
  expect_error(predict(fit, em_chunks(list(answers, unseen)), into = function(rows, i) NULL), "In chunk 2", class = "emfit_error_levels")
  skip_if_not_installed("bit64")
  expect_identical(kinds(getExportedValue("bit64", "as.integer64")(1:300))$n, 900)
})

# ---- full disks ----

test_that("a disk that is full while rows are kept is an error that leaves no file", {
  skip_on_os("windows")
  skip_if(!nzchar(Sys.which("sh")))
  folder <- withr_tempdir()
  script <- file.path(folder, "full.R")
  writeLines(c(
    sprintf(".libPaths(c(%s, .libPaths()))", deparse(dirname(system.file(package = "emfit")))),
    "rows <- lapply(1:4, function(i) matrix(i + (1:160000) / 7, ncol = 2))",
    "err <- tryCatch(emfit::em_look(emfit::em_chunks(rows, cache = \"file\")), error = identity)",
    "gc()", "cat(class(err)[1L], conditionMessage(err), length(list.files(tempdir(), \"emfit-rows\")), sep = \"\\n\")"
  ), script)
  # Files may have so many blocks of 512 or 1024 bytes: a write beyond them fails as it does on a full disk.
  command <- sprintf("trap '' XFSZ; ulimit -f 2000; exec %s --vanilla %s", shQuote(file.path(R.home("bin"), "Rscript")), shQuote(script))
  told <- suppressWarnings(system2("sh", c("-c", shQuote(command)), stdout = TRUE, stderr = FALSE, env = paste0("TMPDIR=", folder)))
  expect_match(told, "emfit_error_source", all = FALSE)
  expect_match(told, "scratch file can't be written", all = FALSE)
  expect_identical(told[length(told)], "0")
})

test_that("a checkpoint that can't grow is told once, and nothing is lost", {
  skip_if_not(file.exists("/dev/full"))
  expect_false(emfit:::add_record("/dev/full", as.raw(1:100)))
  path <- tempfile(fileext = ".checkpoint")
  reads <- at <- 0L
  reader <- function(reset = FALSE) {
    if (reset) reads <<- reads + 1L
    if (reads == 5L && reset) {
      unlink(path)
      file.symlink("/dev/full", path)
    }
    at <<- if (reset) 1L else at + 1L
    if (at <= 3L) thirds[[at]]
  }
  warned <- testthat::capture_warnings(fit <- fit_small(em_chunks(reader, cache = "none"), control = em_control(checkpoint = path)))
  expect_length(grep("can't be written any more", warned), 1L)
  same(fit)
})

# ---- many rows ----

test_that("counts beyond 2^31 are counted", {
  block <- matrix(seq(-1, 1, length.out = 1000), ncol = 1L)
  reading <- emfit:::new_reading(em_chunks(list(block)), em_gaussian())
  emfit:::learn_before(reading, emfit:::careful_reader(em_chunks(list(block))$source$open(), reading))
  reading$chunk <- 40001
  reading$row <- 2^33
  broken <- block
  broken[3] <- Inf
  err <- expect_error(emfit:::in_chunk(reading, emfit:::chunk_matrix(broken, reading)), class = "emfit_error_input")
  expect_match(conditionMessage(err), "In chunk 40001, whose rows begin at 8589934593", fixed = TRUE)
  expect_match(conditionMessage(expect_error(emfit:::abort_changed(2^17, NULL), class = "emfit_error_changed")), "from row 8589869057", fixed = TRUE)
  # The arithmetic of a look of so many rows, by the same weights on few.
  heavy <- em_fit(em_chunks(list(data.frame(x = block[, 1], w = 2^23)), weights = "w"), 1)
  expect_identical(nobs(heavy), 1000 * 2^23)
  expect_equal(unname(heavy$parameters$mean[1]), 0, tolerance = 1e-12)
  expect_equal(BIC(heavy), -2 * as.numeric(logLik(heavy)) + 2 * log(1000 * 2^23))
})

test_that("more than 2^31 rows are fitted", {
  skip_if_not(nzchar(Sys.getenv("EMFIT_LONG_TESTS")))
  block <- matrix(seq(-1, 1, length.out = 65536L), ncol = 1L)
  look <- em_look(em_chunks(list(block), cache = "memory"))
  times <- 33000
  one <- look$store$get(1L)
  look$store <- list(get = function(i) one, count = function() times, kind = function() "memory", bytes = function() 0)
  look$n <- look$data$whole$n <- look$data$whole$weight <- 65536 * times
  look$data$whole$look$store <- look$store
  fit <- em_fit(look, 1)
  expect_identical(nobs(fit), 65536 * 33000)
  expect_equal(as.numeric(fit$parameters$mean), 0, tolerance = 1e-12)
  expect_equal(as.numeric(fit$parameters$covariance), mean(block^2), tolerance = 1e-12)
  expect_match(format(fit), "2162688000 observations", all = FALSE)
})
