#' Adding a family: what to write, what comes for free
#'
#' A family says what one component looks like. [em_family()] makes one from functions in R, and nothing else in
#' the package has to know of it. `vignette("your-own-family")` writes two.
#'
#' @section What to write:
#' | argument | what it is | needed for |
#' |---|---|---|
#' | `fields` | the parameters and their scales | everything |
#' | `log_density(x, parameters)` | n x k log densities | everything |
#' | `maximise(s)` or `maximise(x, w)` | the M-step | everything |
#' | `statistics(x)` | n x p numbers whose weighted sums are sufficient | speed, memory, [em_mstep()] from sums |
#' | `simulate(n, parameters)` | n rows of one component | [simulate()], [em_lrt()], parametric bootstraps |
#' | `means(parameters)` | expected values, k or k x d | [fitted()], [residuals()] |
#' | `start(x, k)` | a start | better starts than random rows |
#'
#' Units are those of the data. `log_density` must have all terms that depend on the parameters, and should have the others
#' too, so that log-likelihoods of different families can be compared.
#'
#' @section What comes for free:
#' Proportions free, equal or held ([em_mixture()]); starts by k-means, random rows and random partitions, or by
#' parameters, partitions and responsibilities of your own; case weights; labels and beliefs; `fixed`, of whole
#' components; rows with missing values, which keep their place and do not count; [predict()], [tidy()], [glance()],
#' [augment()], [coef()], [logLik()], AIC and BIC; standard errors and confidence intervals on the scales of
#' the fields ([vcov()][em_fit-errors]); [em_select()] over k; [em_bootstrap()], [em_lrt()], [em_diagnose()];
#' [em_estep()] and [em_mstep()].
#'
#' What there is not: acceleration, priors, noise, threads over starts, [em_impute()].
#'
#' @section Further methods:
#' The rest of the package asks a family by S3 generics that begin with `family_`. Those below have a default, and a method
#' for the class `em_family_<name>` takes its place: defined where R finds methods, in the workspace or (registered, as
#' `S3method(emfit::family_split, em_family_geometric)` in its `NAMESPACE`) in a package. `parameters` are those of a
#' fit, `data$x` is the matrix of the rows.
#'
#' | generic | returns | default |
#' |---|---|---|
#' | `family_label(family, ...)` | `list(title, detail)` for print | the name |
#' | `family_summary(family, parameters, data)` | a data frame, a row for each component | all parameters |
#' | `family_order(family, parameters)` | what breaks ties of equal proportions | the first parameter |
#' | `family_split(family, parameters, j)` | parameters of k + 1 components, j in two | none: [em_select()] and [em_lrt()] do without |
#' | `family_plots(family, data)` | types of [plot()][plot.em_fit], the default first | `"trace"` |
#' | `family_distribution(family, parameters, x, column, what, data)` | density or cdf of each component, `length(x)` x k | an error that says so |
#' | `family_margin(family, parameters, data, beside)` | what a component is along columns: blocks, as [em_marginal()] has them | an error that says so |
#' | `family_is_discrete(family)` | are the data counts? | `FALSE` |
#' | `family_hint(family, data)` | what may be wrong where components come out alike | nothing |
#'
#' @section Errors: `emfit_error_family` where a function of the family fails or returns what it should not: it names the
#'   function and the component. `emfit_error_unsupported` where something is asked that an absent function would say: it
#'   names the argument to give.
#' @references Chambers, J. M. (2014) Object-oriented programming, functional programming and R. *Statistical Science*
#'   29, 167-180. \doi{10.1214/13-STS452}
#' @seealso [em_family()], [em_check_family()]
#' @examples
#' # The M-step may read the rows themselves: a Laplace distribution, by weighted medians.
#' weighted_median <- function(x, w) x[order(x)][which(cumsum(w[order(x)]) >= sum(w) / 2)[1]]
#' laplace <- em_family("laplace", fields = list(centre = "real", scale = "positive"),
#'   log_density = function(x, parameters) {
#'     scale <- rep(parameters$scale, each = length(x))
#'     -abs(outer(x, parameters$centre, "-")) / scale - log(2 * scale)
#'   },
#'   maximise = function(x, w) {
#'     centre <- apply(w, 2, weighted_median, x = x)
#'     list(centre = centre, scale = colSums(w * abs(outer(x, centre, "-"))) / colSums(w))
#'   }
#' )
#' em_fit(faithful$eruptions, k = 2, family = laplace, control = em_control(n_start = 2))
#'
#' # A method for a generic: what print says.
#' family_label.em_family_laplace <- function(family, ...) {
#'   list(title = "Mixture of double exponentials", detail = NULL)
#' }
#' @name emfit-extend
NULL
