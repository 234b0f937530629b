#' Distribution function and quantiles of a mixture
#'
#' `em_cdf()` gives the probability of a value up to `q` (or above it) along one column, or of values up to `q` in all of
#' several columns; `quantile()` is the inverse along one.
#'
#' Both tails are sums of the components' tails, neither is one less the other, and the logarithm of a tail is computed
#' from logarithms, so that small probabilities keep all their digits. Answers come in the order asked. A quantile is
#' solved on the smaller of its two tails, between the components' own quantiles, until no number is left between two
#' bounds: there is no tolerance. Of counts it is the smallest value that reaches the probability.
#'
#' Of several columns `variable` says which. Where it names more than one, or `q` has columns, it is the probability that
#' **all** of them are at most `q`, with `lower.tail = FALSE` that all are above. Columns that are independent within a component
#' multiply; two correlated normal columns are integrated to about 1e-15 (Genz 2004), three or more by package mvtnorm
#' (three to 1e-14, more to 1e-7). Small probabilities of correlated columns have that absolute error, not all their digits.
#'
#' Noise has the margin of its box; where the box lies along the axes of the rows, by a table of 2001 points, and of two
#' columns as a polygon. Of a chain ([em_markov()]) it is that of a row of which nothing else is known, by the stationary distribution.
#'
#' @param x A fit by [em_fit()], or a density by [em_marginal()] or [em_conditional()].
#' @param q Values: numbers. Of several columns a matrix or data frame with a column for each, found by name, and a row
#'   for each point; or one number for each of `variable`.
#' @param variable The column, by name or number; it may be left out where there is one. Of `em_cdf()` also several.
#' @param lower.tail `TRUE`: of values up to q; `FALSE`: above it.
#' @param log.p `TRUE`: probabilities are logarithms.
#' @param size,exposure As in [em_marginal()].
#' @param probs Probabilities from 0 to 1, or their logarithms with `log.p`.
#' @param names `TRUE`: the answer has names, "5%".
#' @param ... Nothing: an unknown argument is an error.
#' @return A number for each of `q` or `probs`, in their order; NA for NA.
#' @section Errors: `emfit_error_argument` where `q` or `probs` are not numbers, `probs` not from 0 to 1, `variable` is not a
#'   column or not said, or `size` or `exposure` must be said; `emfit_error_unsupported` for categories, for several columns
#'   of t components or multinomial counts, for three or more correlated columns without package mvtnorm, and for
#'   families of which it is not known what they are along a column.
#' @references Genz, A. (2004) Numerical computation of rectangular bivariate and trivariate normal and t probabilities.
#'   *Statistics and Computing* 14, 251-260. \doi{10.1023/B:STCO.0000035304.20635.31}
#'
#'   Wichura, M. J. (1988) Algorithm AS 241: The percentage points of the normal distribution. *Applied
#'   Statistics* 37, 477-484. \doi{10.2307/2347330}
#' @seealso [em_hdr()], [em_modes()], [em_conditional()]
#' @examples
#' fit <- em_fit(faithful$waiting, k = 2)
#' em_cdf(fit, c(90, 68))
#' em_cdf(fit, 150, lower.tail = FALSE)
#' quantile(fit, c(0.05, 0.95))
#'
#' both <- em_fit(faithful, k = 2)
#' quantile(both, c(0.05, 0.95), variable = "waiting")
#' em_cdf(both, data.frame(eruptions = c(2, 4), waiting = c(60, 80))) # both at most
#' @export
em_cdf <- function(x, q, variable = NULL, lower.tail = TRUE, log.p = FALSE, size = NULL, exposure = NULL) {
  density <- as_em_density(x, size, exposure)
  lower.tail <- check_flag(lower.tail, "lower.tail")
  log.p <- check_flag(log.p, "log.p")
  if (is.matrix(q) || is.data.frame(q) || length(variable) > 1L) return(joint_cdf(density, q, variable, lower.tail, log.p))
  line <- density_line(density, one_column(density, variable))
  q <- check_values(q, "q")
  if (line$law$discrete) q <- floor(q + 1e-7)
  out <- rep(NA_real_, length(q))
  known <- which(!is.na(q))
  for (block in row_blocks(length(known))) {
    rows <- known[block]
    out[rows] <- line_cdf(line_repeat(line, length(rows)), q[rows], lower.tail, log.p)
  }
  stats::setNames(out, names(q))
}

one_column <- function(density, variable) {
  names <- density_columns(density)
  if (is.null(variable)) {
    if (length(names) == 1L) return(1L)
    abort_em("argument", c(sprintf("`variable` must say which column, of %s.", quoted(names)),
                           i = sprintf("variable = %s", dQuote(names[length(names)], FALSE))))
  }
  at <- find_columns(density, variable, "variable")
  if (length(at) != 1L) abort_em("argument", sprintf("`variable` must be one column, not %d.", length(at)))
  at
}

check_values <- function(q, arg) {
  if (is.numeric(q) && !is.object(q) && is.null(dim(q)) || is.atomic(q) && length(q) && all(is.na(q))) {
    return(stats::setNames(as.double(q), names(q)))
  }
  abort_em("argument", sprintf("`%s` must be numbers, not %s.", arg, describe_value(q)))
}

# From 0 to 1; NA may be among them.
check_probabilities <- function(p, arg, log = FALSE) {
  p <- check_values(p, arg)
  bad <- which(if (log) p > 0 else p < 0 | p > 1)
  if (length(bad)) {
    abort_em("argument", c(
      sprintf("`%s` must hold %s, not %s.", arg, if (log) "logarithms of probabilities, 0 or less" else "probabilities from 0 to 1",
              number(p[bad[1L]], 15L)),
      i = if (!log && p[bad[1L]] > 1 && p[bad[1L]] <= 100) sprintf("Per cent? %s = %s", arg, number(p[bad[1L]] / 100))
    ))
  }
  p
}

percent <- function(p) {
  if (!length(p)) return(character())
  paste0(vapply(100 * p, function(x) formatC(x, digits = 7L, width = 1L, format = "g"), ""), "%")
}

#' @rdname em_cdf
#' @importFrom stats quantile
#' @export
quantile.em_fit <- function(x, probs = seq(0, 1, 0.25), variable = NULL, lower.tail = TRUE, log.p = FALSE, names = TRUE,
                            size = NULL, exposure = NULL, ...) {
  check_dots(...)
  density <- as_em_density(x, size, exposure)
  line <- density_line(density, one_column(density, variable))
  lower.tail <- check_flag(lower.tail, "lower.tail")
  log.p <- check_flag(log.p, "log.p")
  probs <- check_probabilities(probs, "probs", log.p)
  out <- line_quantile(line_repeat(line, length(probs)), unname(probs), lower.tail, log.p)
  if (!check_flag(names, "names")) return(out)
  told <- percent(if (log.p) exp(probs) else probs)
  told[is.na(probs)] <- ""
  stats::setNames(out, told)
}

#' @rdname em_cdf
#' @export
quantile.em_density <- quantile.em_fit
