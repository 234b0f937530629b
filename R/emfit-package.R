#' emfit: the expectation-maximisation algorithm
#'
#' A family says what a component looks like ([em_gaussian()], [em_binomial()]), a latent structure says which
#' component each row comes from ([em_mixture()]), and one engine alternates expectation and maximisation
#' ([em_fit()]). The steps are there singly for teaching: [em_start()], [em_estep()], [em_mstep()], [em_path()].
#'
#' `vignette("emfit")` is the place to begin. The words the package uses are explained in [emfit-glossary].
#'
#' @section Options:
#' The compiled core exists for several instruction sets and takes the best that the processor has; the last digits
#' of a result depend on which. `options(emfit.kernels = "baseline")` takes what every processor of the platform
#' has, for the same digits on different machines. `"avx2"` and `"avx512"` choose these where they exist, `NULL` and
#' `"best"` the best.
#'
#' @references Dempster, A. P., Laird, N. M. and Rubin, D. B. (1977) Maximum likelihood from incomplete data via
#'   the EM algorithm. *Journal of the Royal Statistical Society B* 39, 1-38.
#'   \doi{10.1111/j.2517-6161.1977.tb01600.x}
#' @useDynLib emfit, .registration = TRUE
#' @importFrom Rcpp evalCpp
#' @keywords internal
"_PACKAGE"

#' Words used in emfit
#'
#' @description
#' \describe{
#'   \item{component, k}{One of the hidden groups; k of them.}
#'   \item{responsibilities}{Posterior probabilities of the components for each row: an n x k matrix whose rows sum
#'     to one.}
#'   \item{proportions}{The mixing proportions: k numbers that sum to one.}
#'   \item{weights}{Case weights, as in [stats::lm()], and nothing else.}
#'   \item{family}{What a component looks like: its density, the statistics its M-step needs, its M-step.}
#'   \item{latent}{The latent structure: which component each row comes from.}
#'   \item{engine}{The loop that repeats expectation and maximisation, records and stops.}
#'   \item{statistics}{Expected sufficient statistics; they add up over rows.}
#'   \item{expect, maximise}{The E-step and the M-step.}
#'   \item{iteration}{One M-step followed by one E-step; iteration 0 is the scored start.}
#'   \item{start}{Where a run begins.}
#'   \item{structure}{Which parts of the covariances the components share: three letters, as "VVV".}
#'   \item{loglik}{The log-likelihood.}
#'   \item{trace}{The log-likelihood at every iteration.}
#'   \item{path}{The parameters at every iteration.}
#'   \item{tol, max_iter, n_start}{Stopping bound, most iterations, number of starts.}
#'   \item{AIC, BIC}{-2 loglik + 2 df, and -2 loglik + df log(sum of weights): smaller is better, always.}
#' }
#' @references McLachlan, G. J. and Krishnan, T. (2008) *The EM Algorithm and Extensions*. Wiley.
#'   \doi{10.1002/9780470191613}
#' @examples
#' fit <- em_fit(faithful, k = 2)
#' fit$parameters$proportions
#' @name emfit-glossary
NULL
