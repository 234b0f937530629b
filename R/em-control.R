#' How a run is done
#'
#' Settings of the iteration, for the `control` argument of [em_fit()].
#'
#' @param tol What `stop` bounds; a number of 0 or more. `tol = 0` runs exactly `max_iter` iterations and warns
#'   of nothing.
#' @param stop `"loglik"`: stop when the last gain in log-likelihood and the estimated gain still to come are
#'   both below `tol` (log-likelihood units), or where the last gain is lost in the rounding of the sum over the rows
#'   (about 4e-15 of their number and of the absolute log-likelihood together). `"parameters"`: stop when no
#'   parameter other than the proportions changed by `tol` or more (units of the data).
#' @param max_iter The most iterations; an iteration is one M-step followed by one E-step.
#' @param n_start How many starts run to the end where `start` names a method; see the section on starts of
#'   [em_fit()]. A start given by the user is one, and one component needs one.
#' @param algorithm `"em"`; `"ecm"`, which takes the spread about the previous mean (Meng & Rubin 1993); `"cem"`, classification
#'   EM, and `"sem"`, stochastic EM: see below.
#' @param accelerate Let long steps take over where plain iterations have become slow? See below. A replay of a
#'   textbook says `FALSE`.
#' @param path Keep the parameters of every iteration? [em_path()] can also replay them later.
#' @param checkpoint Of rows in chunks, [em_chunks()]: `NULL`, or the name of a file that the sums of every pass are written
#'   to. A fit that was broken off (by an interrupt, an error of the source, a crash) and is called again goes on from there,
#'   to the same numbers, and says so; one of another model, start or rows is an error, `emfit_error_checkpoint`, as is a
#'   file that can't be read or written. The file goes when the fit is done.
#' @param threads How many threads; `NULL` chooses: one for small work, otherwise two, within
#'   `OMP_THREAD_LIMIT`. The answer does not depend on it.
#' @param verbose Tell what is being done?
#' @param ... Nothing: an unknown argument is an error.
#' @return A list of class `em_control`.
#' @section Acceleration:
#' EM is slow where components overlap. After ten iterations or more, once gains shrink at a steady rate and not much is
#' still to come (0.003 units of log-likelihood for each row), quasi-Newton steps (L-BFGS, in coordinates in which an EM
#' step is a unit step along the gradient) take its place. Each must raise the log-likelihood; where none does, a plain
#' iteration follows. What the steps learn of the likelihood is forgotten at some distance, so that their way keeps near
#' that of EM. `trace$accelerated` tells which iterations were such steps. Easy problems end before that and look like
#' the textbook. Where several optima lie close to one another long steps may lead to another one than plain iterations
#' would in the end have found, a higher or, less often, a lower one.
#'
#' After an accelerated step the gain still to come is estimated from the gradient and taken a hundredfold, so that
#' `converged` means within `tol` of the local optimum.
#' @section Classification EM and stochastic EM: Between the E-step and the M-step these give each row wholly to one component;
#' families know nothing of it, so every family has both, of [em_mixture()] with noise, labels, weights and persons (of rows
#' that belong together all go to the same component).
#'
#' `"cem"` takes the most probable component (Celeux & Govaert 1992). What it climbs is the classification log-likelihood, the
#' sum of the logarithms of proportion times density of each row's own component. It ends after few iterations, and with
#' spherical components of equal spread and proportions it is k-means. Where groups overlap it sets them too far apart and makes
#' them too narrow, also from many rows: its parameters are no maximum of the likelihood, and have no standard errors. In
#' the fit `objective`, and the numbers in `trace`, `starts` and [em_path()], are the classification log-likelihood;
#' `loglik` is the log-likelihood at the parameters it came to.
#'
#' `"sem"` draws the component of each row with its responsibilities (Celeux & Diebolt 1985), which leads away from
#' saddles and poor maxima. The log-likelihood rises and falls, and nothing is said of that: it makes `max_iter` iterations
#' (`tol` is 0), from `n_start` starts. The fit is the iteration of the highest log-likelihood, `best_iteration`; `average`
#' has the mean of the parameters over the second half of the iterations, for components that do not change places there, and
#' serves as a start of EM: `em_fit(x, start = fit$average)`. A draw that leaves a component fewer rows than it needs is
#' made again, as an iteration that changes nothing. What is drawn follows [set.seed()], and is the same for any number of
#' threads. A row of weight 2 is drawn once.
#'
#' Neither takes accelerated steps. Only [em_fit()] has them, and not of a chain, of topics or of rows in chunks:
#' what compares likelihoods, as [em_select()] or [em_lrt()], asks for `"em"` or `"ecm"`.
#' @section Errors: `emfit_error_argument` names the setting, what it must be and what it was; `tol` and `accelerate = TRUE` are
#'   refused where an algorithm has no use for them. `emfit_error_unsupported` where `"cem"` or `"sem"` is asked of something else.
#' @references Meng, X.-L. and Rubin, D. B. (1993) Maximum likelihood estimation via the ECM algorithm.
#'   *Biometrika* 80, 267-278. \doi{10.1093/biomet/80.2.267}
#'
#'   Celeux, G. and Govaert, G. (1992) A classification EM algorithm for clustering and two stochastic versions.
#'   *Computational Statistics & Data Analysis* 14, 315-332. \doi{10.1016/0167-9473(92)90042-E}
#'
#'   Celeux, G. and Diebolt, J. (1985) The SEM algorithm: a probabilistic teacher algorithm derived from the EM algorithm
#'   for the mixture problem. *Computational Statistics Quarterly* 2, 73-82.
#'
#'   Böhning, D., Dietz, E., Schaub, R., Schlattmann, P. and Lindsay, B. G. (1994) The distribution of the
#'   likelihood ratio for mixtures of densities from the one-parameter exponential family. *Annals of the
#'   Institute of Statistical Mathematics* 46, 373-388. \doi{10.1007/BF01720593}
#'   Jamshidian, M. and Jennrich, R. I. (1997) Acceleration of the EM algorithm by using quasi-Newton methods.
#'   *Journal of the Royal Statistical Society B* 59, 569-587. \doi{10.1111/1467-9868.00083}
#' @seealso [em_fit()]
#' @examples
#' em_fit(faithful, k = 2, control = em_control(n_start = 3, tol = 1e-8))
#' @export
em_control <- function(tol = 1e-6, stop = c("loglik", "parameters"), max_iter = 1000, n_start = 10,
                       algorithm = c("em", "ecm", "cem", "sem"), accelerate = TRUE, path = FALSE, threads = NULL,
                       checkpoint = NULL, verbose = FALSE, ...) {
  if (...length()) check_no_dots(list(...), names(formals(em_control)))
  if (assigns(list(algorithm = algorithm))) {
    check_assigned_settings(algorithm, if (!missing(tol)) tol, if (!missing(accelerate)) accelerate)
    accelerate <- FALSE
    if (draws_classes(list(algorithm = algorithm))) tol <- 0
  }
  out <- list(
    tol = check_nonnegative(tol, "tol"), stop = check_choice(stop, "stop", c("loglik", "parameters")),
    max_iter = check_count(max_iter, "max_iter", 0L), n_start = check_count(n_start, "n_start"),
    algorithm = check_choice(algorithm, "algorithm", c("em", "ecm", "cem", "sem")),
    accelerate = check_flag(accelerate, "accelerate"), path = check_flag(path, "path"),
    threads = if (!is.null(threads)) check_count(threads, "threads"), verbose = check_flag(verbose, "verbose"),
    checkpoint = check_path(checkpoint, "checkpoint")
  )
  class(out) <- "em_control"
  out
}

check_path <- function(x, arg) {
  if (is.null(x) || is.character(x) && length(x) == 1L && !is.na(x) && nzchar(x)) return(x)
  abort_em("argument", sprintf("`%s` must be the name of a file, not %s.", arg, describe_value(x)))
}

# assigned: may it ask for an algorithm that assigns rows?
as_em_control <- function(control, assigned = FALSE) {
  if (inherits(control, "em_control")) {
    if (!assigned && assigns(control)) abort_assigned(unclass(control)$algorithm)
    return(control)
  }
  if (is.list(control) && (!length(control) || !is.null(names(control)))) {
    known <- setdiff(names(formals(em_control)), "...")
    unknown <- setdiff(names(control), known)
    if (!length(unknown)) return(as_em_control(do.call(em_control, control), assigned))
    check_no_dots(control[unknown[1L]], known)
  }
  abort_em("argument", sprintf("`control` must be a call of em_control(), not %s.", describe_value(control)))
}

# How many threads a run gets: small work stays on one, more than two must be asked for.
resolve_threads <- function(control, work) {
  wanted <- control$threads
  if (is.null(wanted)) wanted <- if (work > 1e6) 2L else 1L
  if (wanted == 1L) return(1L)
  limit <- suppressWarnings(as.integer(Sys.getenv("OMP_THREAD_LIMIT", "")))
  if (is.na(limit) || limit < 1L) limit <- .Machine$integer.max
  if (nzchar(Sys.getenv("_R_CHECK_LIMIT_CORES_", ""))) limit <- min(limit, 2L)
  min(wanted, limit)
}
