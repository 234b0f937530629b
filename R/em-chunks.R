#' Rows that are more than memory holds
#'
#' Says where rows come from that [em_fit()] is to read in chunks: files, a database, a list, or a function. The fit is
#' that of all rows, not of a sample: the sums of an EM step are added up chunk by chunk.
#'
#' The source is read once. A first look ([em_look()]) counts, checks and draws a sample; the rows are kept as doubles, in
#' memory while they are below a limit (`options(emfit.cache = 1e9)`, in bytes), else in a scratch file of the session's
#' temporary directory that nobody else may read and that goes with the session. Passes read it from there.
#' `cache = "none"` copies nothing: every pass reads the source, and each page of 65536 rows must be the one of the first
#' look, or `emfit_error_changed` says which is not.
#'
#' Starts are searched in the sample (`sample` rows, the same for any chunks). The best of its optima, up to three, make two
#' steps with all rows, in two readings together, and the highest of them goes on.
#' From a start of your own the fit has the very numbers of a fit in memory, whatever the chunks, where rows are complete
#' and come in a fixed order; with missing cells, counts and categories they agree to about 1e-12. A database promises no
#' order unless the query has an ORDER BY.
#'
#' @section On a cluster:
#' With `cluster = cl` each worker opens its share of the source, keeps its rows, and sends sums: a kilobyte for each pass. The
#' cluster is any of package parallel (`makeCluster()`, also of type `"FORK"`, and `"MPI"` and `"MIRAI"` through snow with Rmpi
#' and mirai), started and stopped by you, with this package where each worker finds it. Then `x` is
#' \describe{
#'   \item{files}{that any worker can open; runs of them are shared out, two for each worker}
#'   \item{a list}{of data frames, which are sent to the workers once}
#'   \item{a function}{`function(part, parts)`, called on a worker: returns what `em_chunks()` takes without a cluster (files, a
#'     list, `function(reset = FALSE)`) for this part of as many as there are workers}
#'   \item{a database}{`function() DBI::dbConnect(...)`, called on each worker; each `query` is a share of the rows}
#' }
#' or it is left out and `resident` names an object that every worker has in its global environment: data frames that are there
#' already. From a start of your own complete rows give the same numbers in memory and on any number of workers of any kind. On
#' unlike machines all use the same kernels, the best that each of them has, which may not be those of a fit in memory.
#'
#' The part of a worker that is lost, or says nothing for `options(emfit.timeout = 600)` seconds, goes to the others, which read
#' it again; what was `resident` can't be. What failed three times, or has nobody left to do it, is `emfit_error_worker`, with
#' the share and the worker's host; a checkpoint is kept. A cluster whose workers can't load the package, or say nothing for 30
#' seconds at first, is the same error. Interrupted, a fit waits up to 5 seconds for what the workers are doing; what they say
#' later is dropped by the next fit on the same cluster, but not by functions of package parallel: make the cluster anew for
#' these. `predict(into = )` writes on the workers, files or by a `function(rows, i, part)`. Score tests and
#' `vcov(type = "opg")` fetch the rows page by page, as nothing else does.
#' @param x Where rows come from:
#' \describe{
#'   \item{files}{a character vector of names, read one after the other: `.csv`, `.csv.gz` and `.txt` (with a line of
#'     names; no line breaks inside of quotes) in pieces of `rows` lines, by data.table where it is installed; `.rds` and
#'     `.parquet` (package nanoparquet) as a whole}
#'   \item{a database}{a connection of package DBI; `query` says what to read}
#'   \item{a list}{of data frames or matrices}
#'   \item{a function}{`function(reset = FALSE)` that returns the next data frame or matrix, `NULL` at the end, and begins
#'     anew with `reset = TRUE`, as in biglm}
#' }
#' @param query Of a database: the name of a table, or SQL.
#' @param columns Names of the columns to fit; left out: all but `weights`, `labels` and units, as the first chunk has them.
#'   They are found by name in every chunk.
#' @param weights,labels Names of columns that have the case weights, and what is known of the components: see [em_fit()].
#' @param rows How many rows to read at once, from a text file or a database.
#' @param reader A function of a file's name that returns its rows, for other kinds of files.
#' @param sample How many rows of a sample to keep, for starts and pictures.
#' @param cluster,resident A cluster of package parallel, and the name of an object that its workers hold: see below.
#' @param cache Where the rows are kept: see above. `"memory"`, `"file"` and `"none"` leave no choice.
#' @return An object of class `em_chunks`: a list that says all of this; nothing is read yet. A fit to it has the sample as its
#'   data, and holds on to where all rows are kept: it is as large as these where that is memory, and a fit that is saved and
#'   loaded in another session has no scratch file any more. What is asked of each row (`fitted()`, `residuals()`,
#'   `predict(fit)` without rows, [em_bootstrap()] and the like) is refused with the way out; `logLik()`, `BIC()`,
#'   [vcov()][em_fit-errors], `confint()`, `tidy()`, `glance()` and [icl()] are of all rows; [plot()][plot.em_fit] is of the
#'   sample and says so. A prior that is left to the package takes its scale from the sample. `update(fit, append = rows)`
#'   puts rows behind those of the fit: see [update()][update.em_fit].
#' @section Rows that belong together: With `latent = em_mixture(unit = "id")` or `em_markov(series = "id")` a column says which
#'   rows are of one unit. Where those of a unit stand together (as after ORDER BY) chunks may end anywhere: the last unit of a chunk
#'   waits for the next chunk. Otherwise a chunk must hold whole units; a unit that comes again in a later chunk is an error that
#'   names it and both chunks. `em_markov()` without `series` makes all rows one series, which is held in memory as a whole.
#'   The sample has whole units, 100 of them where there are as many (of series as many as have `sample` rows). One value for each
#'   unit is remembered, to know it again. Noise, `em_mixture(noise = TRUE)`, has the box of all rows, for which the rows that are kept
#'   are read four times more. [em_topics()] needs its counts in memory.
#' @section Errors: `emfit_error_argument`; `emfit_error_worker`, see above; `emfit_error_input` for a source without rows, a column that is lacking or not
#'   of its kind, a file that ends in the middle of a line: with the chunk's number and the row's among all;
#'   `emfit_error_source` where reading itself fails, with the reader's own error as its parent;
#'   `emfit_error_changed` where a source has other rows than at the first look. [em_fit()] refuses topics
#'   and families of your own: `emfit_error_unsupported`.
#' @references Miller, A. J. (1992) Algorithm AS 274: least squares routines to supplement those of Gentleman. *Applied
#'   Statistics* 41, 458-478. \doi{10.2307/2347583}
#'
#'   Chan, T. F., Golub, G. H. and LeVeque, R. J. (1983) Algorithms for computing the sample variance. *The American
#'   Statistician* 37, 242-247. \doi{10.1080/00031305.1983.10483115}
#' @seealso [em_look()], [em_fit()], [em_control()] for `checkpoint`
#' @examples
#' chunks <- em_chunks(split(faithful, rep(1:4, each = 68)))
#' em_look(chunks)
#' set.seed(1)
#' fit <- em_fit(chunks, k = 2)
#' fit
#' predict(fit, data.frame(eruptions = 2, waiting = 50))
#' @export
em_chunks <- function(x, query = NULL, columns = NULL, weights = NULL, labels = NULL, rows = 65536, reader = NULL,
                      sample = 10000, cache = c("auto", "memory", "file", "none"), cluster = NULL, resident = NULL) {
  if (missing(x) && is.null(resident)) abort_em("argument", c("`x` must say where rows come from.", i = "em_chunks(c(\"a.csv\", \"b.csv\"))"))
  rows <- check_count(rows, "rows")
  if (!is.null(reader) && !is.function(reader)) {
    abort_em("argument", sprintf("`reader` must be a function of a file's name, not %s.", describe_value(reader)))
  }
  if (!is.null(resident) && is.null(cluster)) {
    abort_em("argument", c("`resident` names what the workers of a cluster hold.", i = "em_chunks(resident = \"part\", cluster = cl)"))
  }
  source <- if (is.null(cluster)) chunk_source(x, query, rows, reader) else {
    cluster_source(if (missing(x)) NULL else x, query, cluster, resident, !missing(x))
  }
  out <- list(source = source, columns = check_names_of(columns, "columns", many = TRUE),
              weights = check_names_of(weights, "weights"), labels = check_names_of(labels, "labels"),
              sample = check_count(sample, "sample", 100L), cache = check_choice(cache, "cache", chunk_caches))
  if (!is.null(cluster)) out[c("cluster", "rows", "reader")] <- list(cluster, rows, reader)
  structure(out, class = "em_chunks")
}

chunk_caches <- c("auto", "memory", "file", "none")

check_names_of <- function(x, arg, many = FALSE) {
  if (is.null(x)) return(NULL)
  if (is.character(x) && length(x) > 0L && (many || length(x) == 1L) && !anyNA(x) && !anyDuplicated(x)) return(x)
  abort_em("argument", c(
    sprintf("`%s` must say %s, not %s.", arg, if (many) "names of columns" else "the name of a column", describe_value(x)),
    i = sprintf("The chunks have it as a column: em_chunks(x, %s = \"w\").", arg)
  ))
}

#' @export
format.em_chunks <- function(x, ...) {
  check_dots(..., let_pass = format_arguments)
  paste0("Rows in chunks: ", x$source$label, if (!x$source$ordered) ", order of rows not fixed",
         if (!is.null(x$cluster)) paste0(", on ", plural(length(x$cluster), "worker")))
}

#' @export
print.em_chunks <- function(x, ...) {
  check_dots(..., let_pass = print_arguments)
  cat(format(x), "\n", sep = "")
  invisible(x)
}
