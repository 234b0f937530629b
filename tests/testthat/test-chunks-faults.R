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
