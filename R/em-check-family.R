#' Do the functions of a family belong together?
#'
#' Puts a family of [em_family()] through the laws that a family must obey, on data that it can be fitted to, and says
#' what to look at where one is broken. Laws are checked at numbers, so that a pass is no proof, but a function
#' that is wrong nearly always breaks one.
#'
#' The laws: the functions return what they should; a row's density and statistics do not depend on the other rows;
#' components and rows in another order give the same in another order; weight 2 is the row twice; the M-step is the
#' maximum that a numerical search finds, also for k = 1; the log-likelihood never falls; its gradient is about 0 at
#' convergence; single steps by hand are [em_fit()]; a row with a missing value is a row left out; and, where the family
#' has `simulate` and `means`, what was simulated comes back when it is fitted. Where `maximise` takes `parameters`,
#' so that it need only improve, the law on the maximum asks only that.
#'
#' @param family A family by [em_family()].
#' @param x Data, as for [em_fit()] without a formula: fifty rows are enough, a few hundred tell more.
#' @param k The number of components to try it with, 2 or more.
#' @return A data frame of class `em_family_check`, a row for each law: `law`, `passed`, `worst` (the largest violation
#'   met, in the units of the law: a relative difference, or a log-likelihood), `allowed` (up to where it is rounding),
#'   and `look`, what to look at where it is broken. It prints as a table.
#' @section Errors: `emfit_error_argument` where `family` is not by [em_family()] or `k` is no number of 2 or more;
#'   those of [em_fit()] for `x`. What the family's functions raise is told in the table.
#' @references Dempster, A. P., Laird, N. M. and Rubin, D. B. (1977) Maximum likelihood from incomplete data via
#'   the EM algorithm. *Journal of the Royal Statistical Society B* 39, 1-38.
#'   \doi{10.1111/j.2517-6161.1977.tb01600.x}
#' @seealso [em_family()], [emfit-extend]
#' @examples
#' exponential <- em_family("exponential", fields = list(rate = "positive"),
#'   statistics = function(x) cbind(n = 1, sum = x),
#'   log_density = function(x, parameters) outer(x, parameters$rate, dexp, log = TRUE),
#'   maximise = function(s) list(rate = s[, "n"] / s[, "sum"])
#' )
#' em_check_family(exponential, islands)
#' @export
em_check_family <- function(family, x, k = 2) {
  if (!inherits(family, "em_family_user")) {
    abort_em("argument", c(sprintf("`family` must come from em_family(), not %s.", describe_value(family)),
                           i = "The families of the package are checked by its tests."))
  }
  k <- check_count(k, "k", 2L)
  data <- em_data(x, family)
  family <- family_check(family, data, k)
  rows <- user_rows(data$x, family$columns)
  data <- part_of_check(data, rows$whole)
  trial <- list(family = family, data = data, k = k, x = user_matrix(data), improves = is_improving(family))
  trial$mass <- uneven_mass(data$x, k)
  done <- lapply(family_laws(), judge_law, trial = trial)
  out <- do.call(rbind, done)
  structure(out, class = c("em_family_check", "data.frame"), family = family$name)
}

part_of_check <- function(data, rows) {
  list(x = data$x[rows, , drop = FALSE], names = data$names, n = length(rows))
}

is_improving <- function(family) "parameters" %in% names(formals(family$functions$maximise))

# Responsibilities without chance that tell components apart: groups by the first column, blurred.
uneven_mass <- function(x, k) {
  n <- nrow(x)
  groups <- pmin(k, 1 + (rank(x[, 1L], ties.method = "first") - 1) %/% (n / k))
  blur <- outer(seq_len(n), seq_len(k), function(i, j) (i * 0.6180339887 + j * 0.3247179572) %% 1)
  mass <- 0.05 + 0.3 * blur + outer(groups, seq_len(k), `==`)
  mass / rowSums(mass)
}

# A row of the table. worst is what the law returns.
judge_law <- function(law, trial) {
  failed <- NULL
  worst <- tryCatch(suppressMessages(suppressWarnings(law$test(trial))), error = function(e) {
    failed <<- conditionMessage(e)
    NA_real_
  })
  if (is.null(worst)) return(NULL)
  allowed <- law$allowed
  passed <- isTRUE(worst <= allowed)
  data.frame(law = law$law, passed = passed, worst = worst, allowed = allowed,
             look = if (!is.null(failed)) failed else if (passed) "" else law$look)
}

family_laws <- function() {
  law <- function(law, allowed, test, look) list(law = law, allowed = allowed, test = test, look = look)
  list(
    law("functions return what they should", 0, law_shapes, ""),
    law("a row by itself has its density", 1e-9, law_rows_alone,
        "`log_density`: the value of a row depends on the other rows (a mean or a maximum of x?)."),
    law("statistics add over rows", 1e-9, law_additive,
        "`statistics`: what a row adds depends on the other rows. Without such, leave `statistics` out."),
    law("components in another order", 1e-9, law_components,
        "Column j of `log_density` and row j of what `maximise` returns must be those of component j alone."),
    law("rows in another order", 1e-8, law_order, "`maximise` depends on the order of the rows."),
    law("weight 2 is the row twice", 1e-8, law_weights,
        "`maximise` must count rows by their weights, the sums of w or a column of ones in `statistics`."),
    law("the M-step is the maximum", 1e-8, law_maximum,
        "A search found higher: `maximise` is not the maximum of what `log_density` says, or `statistics` lacks something."),
    law("k = 1 is the maximum likelihood", 1e-8, law_single,
        "A search found higher: compare `maximise` with the textbook's estimate for one sample."),
    law("the log-likelihood never falls", 1e-9, law_ascent,
        "An iteration lowered it: does `log_density` have all terms that depend on the parameters?"),
    law("the gradient is 0 at convergence", 1e-2, law_gradient,
        "EM stopped where the log-likelihood still rises: `maximise` and `log_density` are not of one family."),
    law("single steps are em_fit()", 1e-8, law_steps, "Do the functions keep something between calls, or draw numbers?"),
    law("a missing row is a row left out", 1e-9, law_missing, "Do the functions keep something between calls?"),
    law("what is simulated comes back", 1, law_simulate,
        "`simulate` draws from another distribution than `log_density` says, or `means` are not its means.")
  )
}

#' @export
print.em_family_check <- function(x, ...) {
  check_dots(..., let_pass = print_arguments)
  cat(format(x), sep = "\n")
  invisible(x)
}

#' @export
format.em_family_check <- function(x, ...) {
  check_dots(..., let_pass = format_arguments)
  law <- formatC(x$law, width = -max(nchar(x$law)))
  worst <- ifelse(is.na(x$worst), "-", vapply(x$worst, number, "", digits = 2L))
  lines <- paste0(" ", law, "  ", ifelse(x$passed, "ok    ", "BROKEN"), "  ", formatC(worst, width = max(nchar(worst))))
  broken <- split(x$law[!x$passed], factor(x$look[!x$passed], unique(x$look[!x$passed])))
  looks <- sprintf("\n%s:\n  %s", vapply(broken, enumerate, "", most = 3L), gsub("\n", "\n  ", names(broken)))
  c(sprintf("Laws of the family \"%s\": %d of %d hold", attr(x, "family"), sum(x$passed), nrow(x)), "", lines, looks)
}
