#' Fit a mixture by the EM algorithm
#'
#' Data come from several hidden groups; `em_fit()` finds the groups' parameters and, with them, each row's
#' probability of belonging to each.
#'
#' The default tries sixty starts of four kinds, runs the ten most promising to the end and keeps the best; the
#' fit says how many of them agree. Randomness follows [set.seed()] and nothing else, and the answer does not
#' depend on the number of threads.
#'
#' @param x The data: a numeric vector, a matrix or data frame (tibble, data.table) of numeric columns (or
#'   such as the family takes), or a formula: `~ a + b` for Gaussian components, `cbind(successes, failures) ~ 1`
#'   for binomial ones. More rows than memory holds come in chunks, see [em_chunks()].
#' @param k Number of components, a whole number of 1 or more. May be left out where `start` or the proportions
#'   say it.
#' @param family What a component looks like: [em_gaussian()], [em_t()], [em_binomial()], [em_poisson()], [em_negbin()],
#'   [em_gamma()], [em_categorical()], [em_bernoulli()], [em_multinomial()], [em_mixed()] for columns of several kinds,
#'   or the name of one; or a family of your own, [em_family()].
#' @param latent Which component a row comes from: [em_mixture()], or [em_markov()] for rows that follow each other.
#'   With [em_topics()] `x` is a table of counts, documents by terms, of many packages; see there what such a fit has.
#' @param start Where to begin; honoured exactly. `NULL` or a method name: `"varied"` (default), `"kmeans++"`,
#'   `"random"`, `"partition"`; see the section on starts. Or one start of your own: a partition (factor, or
#'   labels 1 to k), a matrix of responsibilities (n x k), a named list of parameters, an earlier fit, the groups
#'   that another package found (what `kmeans()`, `cluster::pam()`, `mclust::Mclust()`, flexmix and the like return, or
#'   `hclust()` with `k`), or a `function(x, k)` that returns one of these. The list is shaped as the `parameters` of a fit:
#'   `proportions` (k numbers; left out: 1/k; of a chain `initial` and `transition`) and for Gaussian components `mean` (k numbers, or k x d) with `sd`
#'   (k numbers, one dimension) or `covariance` (d x d x k, or one d x d matrix for all); for binomial ones
#'   `prob` (k). Names given there become the names of the components.
#' @param weights Case weights: one number of 0 or more for each row. A row of weight 2 counts as the row twice.
#' @param labels What is known of the components of the rows: a factor (or names, or numbers 1 to k), `NA` where
#'   unknown, or an n x k matrix of beliefs of 0 or more. A labelled row belongs to its component; beliefs b
#'   multiply the densities, responsibilities are proportional to b times proportion times density (Biecek et al.
#'   2012). Components have the names and the order of the levels; with `k` above their number further ones
#'   are found. Where all rows are labelled the fit is the closed form.
#' @param fixed Parameters that are held: a list shaped like `start`, numbers where held and `NA` where free, as
#'   `list(mean = c(0, NA))`. They come back to the last bit, and `df` counts what is free. Covariances can be held
#'   as a whole, for single components under `"VVV"`, `"VVI"`, `"VII"` and `"V"`, otherwise for all or none; under
#'   `"VVI"` also single variances. The step of a mean that is held in part is one of ECM (Meng & Rubin 1993).
#' @param na.action What to do with rows that have missing values (NA). `NULL`, the default, keeps them all: the
#'   fit is the maximum of the likelihood of the cells that are observed, and one message says how many are not.
#'   [na.pass()] does the same without the message. [na.omit()] and [na.exclude()] leave the rows out,
#'   [na.fail()] stops.
#' @param control Settings of the run: [em_control()].
#' @param data,subset As in [stats::lm()]: where the variables of a formula are found, and which rows are used.
#' @param ... Nothing: an unknown argument is an error.
#'
#' @return An object of class `em_fit` (and `em_fit_gaussian` or `em_fit_binomial`): a list of plain data with
#' \describe{
#'   \item{parameters}{`proportions` (k), and `mean` (k x d) with `covariance` (d x d x k), or `mean` and `sd`
#'     (k each) in one dimension, or `prob` (k).}
#'   \item{loglik, df, nobs}{Log-likelihood, free parameters, sum of the weights.}
#'   \item{objective}{What was maximised: `loglik`, with a prior plus its logarithm (see [em_prior()]), by
#'     `em_control(algorithm = "cem")` the classification log-likelihood, as the log-likelihoods in `trace`, `starts` and
#'     `traces`.}
#'   \item{trace}{Data frame with `iteration` (from 0, the start), `loglik`, `accelerated`.}
#'   \item{converged, status, iterations, passes}{How the run ended; `passes` counts the E-steps, those of
#'     accelerated steps tried in vain included.}
#'   \item{starts}{Data frame with `method`, `loglik`, `iterations`, `status` (`"converged"`, `"max_iter"`,
#'     `"stopped_early"`, `"collapsed"`, `"bad_start"`, `"not_monotone"`) and `degenerate` of every start.}
#'   \item{traces}{Log-likelihoods of every start, a list; `NULL` where there was one.}
#'   \item{start}{The parameters of iteration 0 of the best start.}
#'   \item{path}{Parameters of every iteration, where `em_control(path = TRUE)` asked for them.}
#'   \item{order}{Where components were put in order after the run: which of the run's each of them was.}
#'   \item{counts}{Expected number of rows in each component.}
#'   \item{leaning, passed_over}{Components that lean on few rows, or are a single one; the log-likelihood of a higher end
#'     that was passed over because it does. See *Few rows*.}
#'   \item{relative_spread, degenerate}{Each component's smallest spread in any direction, relative to the data's;
#'     the numbers of those components that are degenerate, see below.}
#'   \item{noise_volume}{The volume V of the density 1/V of noise, where there is noise: see [em_mixture()].}
#'   \item{raced}{`TRUE` for a fit of [em_select()], whose starts raced: those that had become like another were set
#'     aside, so that few can agree.}
#'   \item{best_iteration, average, seed}{Of `em_control(algorithm = "sem")`: the iteration whose parameters these are, the
#'     mean of the parameters over the second half of the iterations, and what the draws followed.}
#'   \item{call, family, latent, k, control, data}{What was asked, and the data as they were used.}
#' }
#' Components keep the order of a start of your own or of given proportions; otherwise they are ordered by
#' decreasing proportion, ties by increasing first mean or probability.
#'
#' @section Starts: The log-likelihood of a mixture has many maxima, and EM climbs the one it starts under.
#'   `"kmeans++"` starts from groups of near rows, by k-means on standardised columns (Arthur & Vassilvitskii
#'   2007); `"random"` from k rows as means with the covariance of all; `"partition"` from random labels. A fourth kind,
#'   `joined`, takes 2 k + 2 groups of near rows and joins them at random until there are k: one group alone and the
#'   others together (not where there are fewer than 5 k (d + 1) rows). Each
#'   finds maxima that the others miss, so `"varied"` takes 6 `n_start` in all, as many of each kind, runs 40 iterations, and
#'   goes on with the `n_start` most promising, among them some of each kind (Biernacki, Celeux & Govaert 2003). Of more than
#'   10000 rows a sample of so many serves to choose them; and one that after 200 iterations promises too little to
#'   reach the best is left there. Where one start alone came to the best end, of at least 5 k (d + 1) rows, others
#'   are drawn, at most twice. From the best end two components are merged and another is split, or a part of one
#'   joins another, up to five times, as long as that leads higher (Ueda et al. 2000). In print, starts *agree* that
#'   reach the best log-likelihood within 0.001 (or within twice what `tol` left to be gained): fewer than three are
#'   a reason to ask for more, `em_control(n_start = 50)`, and a warning says so.
#'
#'   A component is *degenerate* where it has fewer than d + 1 effective rows (d columns), or where its own rows
#'   have no spread in some direction: they are too few, or lie on a plane, as ties do, or differ by rounding alone.
#'   There the likelihood grows without bound (Hathaway 1985). What lies elsewhere is of no account, so a narrow group
#'   far from the others is a group. A run that ends so counts only where there is nothing better; where most do, other
#'   starts are drawn, at most twice; then the optimum of one component less with one split, and that of a simpler
#'   covariance; then up to 200 starts of very different widths; and where nothing is left a warning names the component, its rows and remedies. Fewer rows than k
#'   components need are an error at once.
#'
#'   From a start of any kind, your own included, EM may come to a saddle, on which two components are one. A run does
#'   not end there: the rows of the two are cut in two across their longest axes, and EM goes on from a cut that leads
#'   higher within 20 iterations. Such a step is an iteration that `trace$accelerated` marks. Only components of a
#'   start that are the same to the last digit stay so.
#'
#' @section Few rows: There are maxima that a few rows make. Each row is taken out of the sums with its copies, and one
#'   M-step tells what it is worth to the others. A component *leans on few rows* where its own rows lose more than 2.5
#'   per parameter by that, or more than 2, or nearly all there is to lose, where it has fewer than 1.5 (d + 1) rows (a
#'   single row counts for at most one component's parameters); near 1 is usual. Such an end does not win over a lower
#'   one that does not lean and is worth more to rows left out; print tells of either. Left out, a row is taken to be
#'   worth no less than the least likely row of the fit less one component's parameters: so one far row decides
#'   nothing. Not asked are components of more than 3 (d + 1) rows, and none where there is a prior, or parameters
#'   are held or cells are missing. Equal volumes bound the likelihood as long as some component has more than d
#'   rows; but with axes or shapes of their own, components of d to d + 2 rows lie nearly flat, and where many do,
#'   all gain by it. A lone row under equal volumes or a prior is a maximum like any other: print tells of a
#'   component that is a single row with its copies, and [em_select()] asks more of it.
#'
#' @section Missing values: Rows of Gaussian data count with the cells that are observed, exactly and under every
#'   covariance structure; values are taken to be missing at random (Ghahramani & Jordan 1994). A row with
#'   nothing observed keeps its place in every output: its responsibilities are the proportions, its log density
#'   is 0, and [nobs()] does not count it. The same holds for a row of counts with a missing one. See
#'   `vignette("missing-values")`.
#'
#' @section Under other names: What other packages keep in their fits is asked for here: the classification is
#'   `predict(fit)`, the posterior probabilities (`z`) are `predict(fit, type = "prob")`, the uncertainties
#'   `predict(fit, type = "uncertainty")`, the criteria `BIC(fit)`, `AIC(fit)` and [icl()]. Their names of arguments,
#'   such as `G`, `nstart` or `modelNames`, are errors that give the call to write. `data` and `formula` may come in
#'   any order, under their names or in a pipe.
#' @section Errors: All inherit from `emfit_error`. `emfit_error_input` (data that can't be used: the message
#'   names columns and rows), `emfit_error_missing`, `emfit_error_counts`, `emfit_error_argument`, `emfit_error_fixed`,
#'   `emfit_error_unsupported` (a structure that can't honour `fixed`),
#'   `emfit_error_start`, `emfit_error_degenerate` (no start led anywhere).
#' @section Warnings: All inherit from `emfit_warning`. `emfit_warning_not_converged` (with the last gain),
#'   `emfit_warning_collapse` (a component shrank onto too few points), `emfit_warning_coincide` (two components
#'   of the start are equal, or two of the fit nearly so: their Bhattacharyya distance is below 0.00125, that of two
#'   normal densities a tenth of a standard deviation apart), `emfit_warning_unidentified` (the data don't determine
#'   all parameters: a component is empty, or there are more parameters than rows), `emfit_warning_agreement` (fewer
#'   than three of the starts that were drawn came to the maximum), `emfit_warning_not_monotone`. Nothing is said of
#'   parameters that are held, or of a start that is only scored (`max_iter = 0`).
#' @section Messages: `emfit_message_missing` counts missing values; see `na.action`.
#'
#' @references Biernacki, C., Celeux, G. and Govaert, G. (2003) Choosing starting values for the EM algorithm for
#'   getting the highest likelihood in multivariate Gaussian mixture models. *Computational Statistics & Data
#'   Analysis* 41, 561-575. \doi{10.1016/S0167-9473(02)00163-9}
#'
#'   Hathaway, R. J. (1985) A constrained formulation of maximum-likelihood estimation for normal mixture
#'   distributions. *Annals of Statistics* 13, 795-800. \doi{10.1214/aos/1176349557}
#'
#'   Dempster, A. P., Laird, N. M. and Rubin, D. B. (1977) Maximum likelihood from incomplete data via
#'   the EM algorithm. *Journal of the Royal Statistical Society B* 39, 1-38.
#'   \doi{10.1111/j.2517-6161.1977.tb01600.x}
#'
#'   Biecek, P., Szczurek, E., Vingron, M. and Tiuryn, J. (2012) The R package bgmm: mixture modeling with
#'   uncertain knowledge. *Journal of Statistical Software* 47(3), 1-31. \doi{10.18637/jss.v047.i03}
#'
#'   Ueda, N., Nakano, R., Ghahramani, Z. and Hinton, G. E. (2000) SMEM algorithm for mixture models. *Neural
#'   Computation* 12, 2109-2128. \doi{10.1162/089976600300015088}
#'
#'   Ghahramani, Z. and Jordan, M. I. (1994) Supervised learning from incomplete data via an EM approach.
#'   *Advances in Neural Information Processing Systems* 6, 120-127.
#' @seealso [em_diagnose()] and `vignette("trouble")`; [predict.em_fit()], [plot.em_fit()], [em_control()],
#'   [em_estep()] and [em_mstep()] for one iteration at a time
#' @examples
#' fit <- em_fit(faithful, k = 2)
#' fit
#' predict(fit, data.frame(eruptions = c(2, 4.5), waiting = c(50, 80)), type = "prob")
#'
#' # Two coins, five rows of ten tosses, a start of one's own
#' em_fit(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial",
#'        latent = em_mixture("equal"), start = list(prob = c(A = 0.6, B = 0.5)))
#' @export
em_fit <- function(x, ...) UseMethod("em_fit")

# A matrix would get to the default method too, but only after methods for its other implicit classes were looked for.
#' @rdname em_fit
#' @rawNamespace S3method(em_fit, matrix, em_fit.default)
#' @export
em_fit.default <- function(x, k = NULL, family = em_gaussian(), latent = em_mixture(), start = NULL,
                           weights = NULL, labels = NULL, fixed = NULL, na.action = NULL, control = em_control(),
                           ...) {
  if (has_formula(...names(), k, family, latent, start)) {
    return(call_by_formula(sys.call(), parent.frame(), em_fit))
  }
  if (...length()) check_no_dots(list(...), names(formals(em_fit.default)))
  if (missing(x)) abort_em("input", c("`x` is missing: there are no data.", i = "em_fit(faithful, k = 2)"))
  latent <- as_em_latent(latent)
  own <- latent_fit(latent, x, list(
    k = k, family = if (!missing(family)) family, start = start, weights = weights, labels = labels, fixed = fixed,
    na.action = na.action, control = control, call = match.call(em_fit.default, sys.call(), envir = parent.frame())
  ))
  if (!is.null(own)) return(own)
  family <- as_em_family(family)
  parted <- part_units(x, latent)
  data <- em_data(parted$x, family, weights, na.action, labels = labels, units = parted$units)
  tell_of_data(data, family)
  fit_data(data, k, family, latent_settle(latent, data$units), start, as_em_control(control, assigned = TRUE),
           match.call(em_fit.default, sys.call(), envir = parent.frame()), fixed)
}

#' @rdname em_fit
#' @export
em_fit.formula <- function(x, data = NULL, k = NULL, family = em_gaussian(), latent = em_mixture(), start = NULL,
                           weights = NULL, labels = NULL, fixed = NULL, subset = NULL, na.action = NULL,
                           control = em_control(),
                           ...) {
  if ("formula" %in% ...names()) return(call_by_formula(sys.call(), parent.frame(), em_fit))
  if (...length()) check_no_dots(list(...), names(formals(em_fit.formula)))
  if (is_number(data) && is.null(k)) {
    abort_em("argument", c("`data` must be a data frame, not a number.", i = "Name `k`: em_fit(~ a, k = 2)."))
  }
  latent <- as_em_latent(latent)
  own <- latent_fit(latent, x, list(
    k = k, family = if (!missing(family)) family, start = start, weights = substitute(weights),
    labels = substitute(labels), fixed = fixed, na.action = na.action, control = control, call = match.call(),
    data = data, subset = substitute(subset)
  ))
  if (!is.null(own)) return(own)
  family <- as_em_family(family)
  input <- data_of_formula(x, data, substitute(weights), substitute(subset), family, na.action, substitute(labels),
                           latent)
  tell_of_data(input, family)
  fit_data(input, k, family, latent_settle(latent, input$units), start, as_em_control(control, assigned = TRUE),
           match.call(), fixed)
}

# The four stages of every fit, behind both methods.
fit_data <- function(data, k, family, latent, start, control, call, fixed = NULL) {
  if (!is.null(.subset2(control, "checkpoint"))) {
    abort_em("argument", c("`checkpoint` is for rows in chunks.", i = "em_fit(em_chunks(list(x)), k, control = control)"))
  }
  check_assigned_latent(control, latent)
  if (!is.null(data$labels)) data$labels <- labels_beside_noise(data$labels, latent)
  specified <- start
  start <- resolve_start(start, k, data, family, latent, control, fixed)
  run <- search_em(data, start, control)
  start$asked <- what_was_asked(specified, start, family, latent, fixed)
  start$method <- run$method
  new_em_fit(run, start, data, control, call, start$fields)
}
