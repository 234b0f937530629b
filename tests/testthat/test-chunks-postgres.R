# Rows in chunks from a PostgreSQL server: EMFIT_POSTGRES says where one is that may be written to. See .ci/databases.

skip_if_not(nzchar(Sys.getenv("EMFIT_POSTGRES")), "no server is named")
skip_if_not_installed("RPostgres")

connect <- function() {
  given <- strsplit(strsplit(Sys.getenv("EMFIT_POSTGRES"), "[[:space:]]+")[[1L]], "=", fixed = TRUE)
  do.call(DBI::dbConnect, c(list(getExportedValue("RPostgres", "Postgres")()), stats::setNames(lapply(given, `[`, 2L), vapply(given, `[`, "", 1L))))
}

set.seed(14)
obs <- data.frame(id = seq_len(30000L), grp = rep(seq_len(3000L), each = 10L), a = rnorm(30000), b = rnorm(30000))
obs$a <- obs$a + 4 * (obs$grp %% 2)
at_two <- list(mean = rbind(c(0, 0), c(4, 0)), covariance = diag(2))
query <- "SELECT a, b FROM emfit_obs ORDER BY id"
bits_of <- function(fit) rlang::hash(list(lapply(unclass(fit$parameters), unname), fit$loglik, fit$trace$loglik))
memory <- em_fit(obs[c("a", "b")], 2, start = at_two)

fill <- function(con) {
  for (name in c("emfit_obs", "emfit_classes")) if (DBI::dbExistsTable(con, name)) DBI::dbRemoveTable(con, name)
  DBI::dbWriteTable(con, "emfit_obs", obs[sample(nrow(obs)), ])
}

test_that("a query with an order has the bits of memory, kept or read again", {
  con <- connect()
  on.exit(DBI::dbDisconnect(con))
  fill(con)
  for (cache in c("memory", "file", "none")) {
    fit <- em_fit(em_chunks(con, query, rows = 7000, cache = cache), 2, start = at_two)
    expect_identical(bits_of(fit), bits_of(memory), label = cache)
  }
  unit <- em_mixture(unit = "grp")
  fit <- em_fit(em_chunks(con, "SELECT grp, a, b FROM emfit_obs ORDER BY id", rows = 7001), 2, latent = unit, start = at_two)
  expect_identical(bits_of(fit), bits_of(em_fit(obs[c("grp", "a", "b")], 2, latent = unit, start = at_two)))
  out <- connect()
  on.exit(DBI::dbDisconnect(out), add = TRUE)
  predict(memory, em_chunks(con, "SELECT * FROM emfit_obs ORDER BY id", rows = 7000), into = em_table(out, "emfit_classes"), keep = "id")
  written <- DBI::dbGetQuery(out, "SELECT * FROM emfit_classes ORDER BY id")
  expect_identical(written$class, as.character(predict(memory, obs)))
})

test_that("a table that changes between passes is seen, and a lost connection leaves the checkpoint", {
  con <- connect()
  on.exit(DBI::dbDisconnect(con))
  fill(con)
  other <- connect()
  on.exit(DBI::dbDisconnect(other), add = TRUE)
  look <- em_look(em_chunks(con, query, rows = 7000, cache = "none"))
  for (change in c("UPDATE emfit_obs SET a = a + 1e-9 WHERE id = 20000", "DELETE FROM emfit_obs WHERE id = 5",
                   "INSERT INTO emfit_obs VALUES (40000, 1, 1, 1)")) {
    DBI::dbExecute(other, change)
    expect_error(em_fit(look, 2, start = at_two), "other rows than at the first look", class = "emfit_error_changed")
    fill(other)
  }
  path <- tempfile(fileext = ".checkpoint")
  control <- em_control(checkpoint = path)
  at <- reads <- 0L
  mine <- connect()
  reader <- function(reset = FALSE) {
    if (reset) reads <<- reads + 1L
    if (reads == 5L && at > 3L) {
      DBI::dbExecute(other, sprintf("SELECT pg_terminate_backend(%d)", DBI::dbGetQuery(mine, "SELECT pg_backend_pid() AS pid")$pid))
    }
    at <<- if (reset) 0L else at + 1L
    found <- DBI::dbGetQuery(mine, sprintf("%s LIMIT 7000 OFFSET %d", query, 7000L * at))
    if (nrow(found)) found
  }
  err <- expect_error(em_fit(em_chunks(reader, cache = "none"), 2, start = at_two, control = control), "could not be read", class = "emfit_error_source")
  expect_s3_class(err$parent, "error")
  expect_true(file.exists(path))
  mine <- connect()
  on.exit(DBI::dbDisconnect(mine), add = TRUE)
  reads <- 10L
  fit <- suppressMessages(em_fit(em_chunks(reader, cache = "none"), 2, start = at_two, control = control))
  expect_identical(bits_of(fit), bits_of(memory))
  fill(con)
  DBI::dbRemoveTable(con, "emfit_obs")
})
