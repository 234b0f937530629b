#' Integrated completed likelihood
#'
#' BIC with a penalty for rows that could belong to more than one component:
#' \eqn{ICL = BIC - 2 \sum_i w_i \log \max_k r_{ik}}{ICL = BIC - 2 sum w log max r}, with the responsibilities
#' r; of a hidden Markov model the logarithm of the probability of the most probable path, given the rows, takes the place
#' of the sum. Smaller is better, as for [stats::BIC()]; where every row is certain both are equal. It prefers components
#' that are apart from one another, where BIC asks for as many as the density needs.
#'
#' There are two criteria of this name. This is the first of them, with each row assigned to its most probable
#' component: the completed likelihood of Biernacki, Celeux and Govaert (2000), as their equation is written. The other
#' (called ICL-BIC by McLachlan and Peel 2000, section 6.10) takes the expectation over the assignments, the entropy of
#' the responsibilities: \eqn{BIC - 2 \sum_i w_i \sum_k r_{ik} \log r_{ik}}{BIC - 2 sum w sum r log r}. It is never
#' smaller than the first. Numbers of other software are comparable only where both the definition and the sign agree:
#' mclust's function of this name has this definition and the opposite sign.
#'
#' The mclust package has a function of this name with the opposite sign. Whichever of the two packages was attached
#' last, `icl()` of a fit is the number described here, and `icl()` of an object of mclust's is mclust's.
#'
#' @param object A fit by [em_fit()], or an object of mclust's.
#' @param ... Nothing: an unknown argument is an error.
#' @return One number.
#' @section Errors: `emfit_error_argument` for anything else.
#' @references Biernacki, C., Celeux, G. and Govaert, G. (2000) Assessing a mixture model for clustering with the
#'   integrated completed likelihood. *IEEE Transactions on Pattern Analysis and Machine Intelligence* 22, 719-725.
#'   \doi{10.1109/34.865189}
#'
#'   McLachlan, G. J. and Peel, D. (2000) *Finite Mixture Models*. Wiley. \doi{10.1002/0471721182}
#' @seealso [em_select()] with `criterion = "ICL"`
#' @examples
#' fit <- em_fit(faithful, k = 2)
#' c(BIC = BIC(fit), ICL = icl(fit))
#'
#' r <- predict(fit, type = "prob") # the other definition
#' BIC(fit) - 2 * sum(r * log(pmax(r, 1e-300)))
#' @export
icl <- function(object, ...) UseMethod("icl")

# mclust's generic gets this method too, when that package is loaded.
#' @rdname icl
#' @rawNamespace S3method(mclust::icl, em_fit)
#' @export
icl.em_fit <- function(object, ...) {
  check_dots(...)
  fit_clarity(object)$icl
}

# This generic has no methods of mclust's: it asks for them.
#' @rdname icl
#' @export
icl.default <- function(object, ...) {
  if (any(c("Mclust", "MclustDA") %in% class(object)) && requireNamespace("mclust", quietly = TRUE)) {
    return(mclust::icl(object, ...))
  }
  abort_em("argument", c(sprintf("`object` must come from em_fit(), not %s.", describe_value(object)),
                         i = if (inherits(object, "em_select")) "icl(best(models)); the table has a column ICL."))
}

# clarity() of a fit, from one E-step, and its ICL.
fit_clarity <- function(fit) {
  if (is_sample(fit$data)) return(clarity_of_pages(fit))
  whole <- whole_fit(fit)
  model <- fit_model(whole)
  found <- clarity_em(tallied(whole$data, model), whole$parameters, model)
  log_top <- latent_log_top(fit$latent, fit_model(fit), fit$data, fit$parameters)
  if (!is.null(log_top)) found$log_top <- log_top
  c(found, icl = stats::BIC(fit) - 2 * found$log_top)
}

# How clearly rows fall into components, from responsibilities (n x k) and case weights: a list of
#   log_top   the sum of w log r of each row's most probable component: what ICL takes off BIC
#   entropy   1 where every row is certain, 0 where every row could be of any component
#   least     the smallest mean probability of a component among the rows that are put into it
clarity <- function(r, weights) {
  used <- weights > 0
  if (!all(used)) r <- r[used, , drop = FALSE]
  w <- weights[used]
  class <- max.col(r, ties.method = "first")
  top <- r[cbind(seq_along(class), class)]
  disorder <- -sum(w * r * log(pmax(r, .Machine$double.xmin)))
  put <- tapply(w * top, class, sum) / tapply(w, class, sum)
  list(log_top = sum(w * log(top)),
       entropy = if (ncol(r) == 1L) 1 else 1 - disorder / (sum(w) * log(ncol(r))),
       least = min(put))
}
