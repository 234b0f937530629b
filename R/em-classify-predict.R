#' Predict classes
#'
#' Classes of new rows, or of the rows of the fit, by Bayes' rule.
#'
#' @param object What [em_classify()] returned.
#' @param newdata,size,exposure New rows, as in [predict.em_fit()]: columns by name, missing cells welcome. Left out:
#'   the
#'   rows of the fit, as if their classes were not known.
#' @param type What to return for each row:
#' \describe{
#'   \item{`"class"`}{the class, a factor: that of least expected cost, which with equal costs is the most probable}
#'   \item{`"prob"`}{the probabilities of the classes, n x C}
#'   \item{`"component"`}{the most probable component of the decided class, a factor}
#'   \item{`"typicality"`}{for each class the probability that a row of it is less likely than this one, n x C}
#' }
#' @param prior The shares of the classes where the new rows come from: `"shares"` (those of the fit), `"equal"`,
#'   numbers
#'   that sum to one, in the order of the classes or under their names; or `"newdata"`: estimated from these rows by EM,
#'   the classes as they are (Saerens, Latinne & Decaestecker 2002). They do not change the fit.
#' @param costs A C x C matrix: row, the true class; column, the decided class; the diagonal 0. Rows and columns are
#'   matched
#'   by name where they have names.
#' @param seed For `"typicality"`: a number for [set.seed()]; the generator's state is put back afterwards.
#' @param ... Nothing: an unknown argument is an error.
#' @return A factor or a matrix, with an entry or row for each row, under its row names. With
#'   `prior = "newdata"` it has the attribute `"prior"`.
#' @section Typicality: A row may belong nowhere, and yet one class has nearly all the probability. Typicality is
#'   small in
#'   all classes then. Of a single Gaussian component it is the probability that chi-squared with d degrees of freedom
#'   is
#'   above the squared Mahalanobis distance, d the cells that are observed; of a mixture, or of other components,
#'   the share of 4000 simulated rows of the class that are not denser (so that the smallest number but 0 is 1/4000).
#' @section Errors: `emfit_error_argument` for `prior` and `costs` that are none; `emfit_error_newdata` and others as in
#'   [predict.em_fit()].
#' @references Saerens, M., Latinne, P. and Decaestecker, C. (2002) Adjusting the outputs of a classifier to new a
#'   priori
#'   probabilities: a simple procedure. *Neural Computation* 14, 21-41. \doi{10.1162/089976602753284446}
#'
#'   McLachlan, G. J. (1992) *Discriminant Analysis and Statistical Pattern Recognition*. Wiley.
#'   \doi{10.1002/0471725293}
#' @seealso [em_classify()]
#' @examples
#' cl <- em_classify(iris[1:4], iris$Species, covariance = "VVV")
#' new <- iris[c(1, 71, 134), 1:4]
#' predict(cl, new)
#' predict(cl, new, type = "prob", prior = c(setosa = 0.1, versicolor = 0.1, virginica = 0.8))
#'
#' # Deciding versicolor for a true virginica costs 5
#' costs <- 1 - diag(3)
#' dimnames(costs) <- list(true = cl$classes, decided = cl$classes)
#' costs["virginica", "versicolor"] <- 5
#' predict(cl, new, costs = costs)
#' @export
predict.em_classify <- function(object, newdata = NULL, type = c("class", "prob", "component", "typicality"),
                                prior = "shares", costs = NULL, size = NULL, exposure = NULL, seed = NULL, ...) {
  check_no_dots(list(...), names(formals(predict.em_classify)))
  type <- check_choice(type, "type", c("class", "prob", "component", "typicality"))
  costs <- check_costs(costs, object$classes)
  data <- judged_rows(object, newdata, said_beside(size, exposure))
  told <- decide(object, data, check_class_prior(prior, object), costs)
  out <- switch(type, class = class_factor(told$decided, object$classes), prob = told$prob,
                component = most_probable_component(object, told),
                typicality = typicality(object, told, data, seed))
  if (is.matrix(out)) colnames(out) <- object$classes
  out <- with_row_names(spread_over(out, data$complete), data$row_names)
  if (identical(prior, "newdata")) attr(out, "prior") <- stats::setNames(told$prior, object$classes)
  out
}

# As factor(classes[codes], levels = classes), which looks each of a million names up again.
class_factor <- function(codes, classes) {
  structure(as.integer(codes), levels = as.character(classes), class = "factor")
}

# A fit that stands for all of them where rows are read: they have the same family and columns.
reading_fit <- function(object) {
  fit <- object$fits[[1L]]
  if (!is.null(object$data)) fit$data <- object$data
  fit
}

judged_rows <- function(object, newdata = NULL, beside = list()) rows_to_judge(reading_fit(object), newdata, beside)

# Densities, probabilities and decisions of rows.
decide <- function(object, data, prior = object$shares, costs = NULL) {
  components <- component_densities(object, data)
  log_density <- class_densities(object, components)
  if (identical(prior, "newdata")) prior <- prior_of_rows(log_density, object$shares, data$weights)
  prob <- class_posterior(log_density, prior)
  decided <- if (is.null(costs)) max.col(prob, ties.method = "first") else row_first_min(prob %*% costs)
  list(components = components, log_density = log_density, prior = prior, prob = prob, decided = decided)
}

row_first_min <- function(x) max.col(-x, ties.method = "first")

# log f of every component, all fits side by side: n x K.
component_densities <- function(object, data) {
  data["labels"] <- list(NULL)
  each <- lapply(object$fits, function(fit) expect_em(data, fit$parameters, fit_model(fit), "log_density")$log_density)
  if (length(each) == 1L) each[[1L]] else do.call(cbind, each)
}

# log f of every class: n x C.
class_densities <- function(object, components) {
  of_class <- split(seq_len(ncol(components)), factor(object$components$class, unique(object$components$class)))
  each <- lapply(of_class, function(at) {
    bayes_em(components[, at, drop = FALSE], object$components$share[at], posterior = FALSE)$loglik
  })
  matrix(unlist(each, use.names = FALSE), nrow(components))
}

# Where no class has a density nothing is learned of the row.
class_posterior <- function(log_density, prior) bayes_em(log_density, prior)$posterior

# Shares of the classes among rows without them: EM in which only these move.
prior_of_rows <- function(log_density, prior, weights, tol = 1e-10, most = 10000L) {
  if (is.null(weights)) weights <- rep(1, nrow(log_density))
  for (i in seq_len(most)) {
    new <- colSums(weights * class_posterior(log_density, prior)) / sum(weights)
    done <- max(abs(new - prior)) < tol
    prior <- new
    if (done) break
  }
  prior
}

check_class_prior <- function(prior, object) {
  classes <- object$classes
  if (is.character(prior)) {
    check_choice(prior, "prior", c("shares", "equal", "newdata"))
    return(switch(prior, shares = object$shares, equal = rep(1 / length(classes), length(classes)),
                  newdata = "newdata"))
  }
  if (!is.numeric(prior) || length(prior) != length(classes)) {
    abort_em("argument", c(sprintf("`prior` must be \"shares\", \"equal\", \"newdata\" or %d numbers, not %s.",
                                   length(classes), describe_value(prior)),
                           x = sprintf("The classes are %s.", quoted(classes))))
  }
  prior <- by_class(prior, names(prior), classes, "prior")
  if (anyNA(prior) || any(prior < 0) || abs(sum(prior) - 1) > 1e-8) {
    abort_em("argument", sprintf("`prior` must be numbers of 0 or more that sum to 1; %s sum to %s.",
                                 enumerate(number(prior)), number(sum(prior), 8L)))
  }
  as.double(prior)
}

# In the order of the classes, where names say another.
by_class <- function(x, names, classes, arg) {
  if (is.null(names)) return(x)
  if (!setequal(names, classes)) {
    abort_em("argument", c(sprintf("`%s` must name the classes: %s, not %s.", arg, quoted(classes), quoted(names)),
                           i = did_you_mean(setdiff(names, classes)[1L], classes)))
  }
  x[match(classes, names)]
}

check_costs <- function(costs, classes) {
  if (is.null(costs)) return(NULL)
  size <- length(classes)
  if (!is.matrix(costs) || !is.numeric(costs) || !identical(dim(costs), c(size, size))) {
    abort_em("argument", c(sprintf("`costs` must be a matrix of numbers, %d x %d, not %s.", size, size,
                                   describe_value(costs)),
                           i = "Rows are true classes, columns decided ones."))
  }
  costs <- costs[by_class(seq_len(size), rownames(costs), classes, "costs"), , drop = FALSE]
  costs <- costs[, by_class(seq_len(size), colnames(costs), classes, "costs"), drop = FALSE]
  check_sides(costs)
  bad <- is.na(costs) | costs < 0 | is.infinite(costs) | (row(costs) == col(costs) & costs != 0)
  if (any(bad)) {
    at <- which(bad, arr.ind = TRUE)[1L, ]
    abort_em("argument", c("`costs` must be numbers of 0 or more, with 0 for right decisions.",
                           x = describe_cost(costs, at[1L], at[2L], classes)))
  }
  unname(costs)
}

# Names of the two sides that say they are the other way round.
check_sides <- function(costs) {
  sides <- names(dimnames(costs))
  turned <- sides[1L] %in% c("decided", "predicted") || sides[2L] %in% c("true", "actual")
  if (is.null(sides) || !turned) return(invisible())
  abort_em("argument",
           c(sprintf("`costs` has \"%s\" in its rows: they must be true classes, and columns decided ones.", sides[1L]),
                         i = "costs = t(costs)"))
}

describe_cost <- function(costs, true, decided, classes) {
  sprintf("Deciding %s for a true %s costs %s.", classes[decided], classes[true], number(costs[true, decided]))
}

# Of the decided class.
most_probable_component <- function(object, told) {
  joint <- told$components + rep(log(object$components$share), each = nrow(told$components))
  at <- match(object$components$class, object$classes)
  joint[outer(told$decided, at, `!=`)] <- -Inf
  class_factor(max.col(joint, ties.method = "first"), object$components$component)
}

# Typicality ----------------------------------------------------------------------------------------------------

simulated_rows <- 4000L

typicality <- function(object, told, data, seed) {
  if (!is.null(seed)) {
    state <- get0(".Random.seed", globalenv(), inherits = FALSE)
    on.exit(if (is.null(state)) rm(".Random.seed", envir = globalenv()) else
      assign(".Random.seed", state, envir = globalenv()))
    base::set.seed(seed)
  }
  out <- vapply(seq_along(object$classes), function(class) {
    at <- which(object$components$class == object$classes[class])
    fit <- object$fits[[object$components$fit[at[1L]]]]
    exact <- if (length(at) == 1L) family_typicality(fit$family, fit$parameters, data, object$components$at[at])
    if (is.null(exact)) simulated_typicality(object, fit, class, at, told$log_density[, class], data) else exact
  }, numeric(data$n))
  matrix(out, data$n)
}

# Rows are compared with simulated ones of the same missing cells, trials or exposure.
simulated_typicality <- function(object, fit, class, at, log_density, data) {
  kind <- kind_of_row(data, fit$family)
  out <- numeric(data$n)
  for (one in unique(kind)) {
    rows <- which(kind == one)
    like <- keep_data_rows(data, rep(rows[1L], simulated_rows))
    part <- object$components$at[at][sample.int(length(at), simulated_rows, TRUE, object$components$share[at])]
    drawn <- family_numbers(fit$family, family_simulate(fit$family, fit$parameters, part, like), like)
    drawn <- with_same_gaps(drawn, like)
    density <- class_densities(object, component_densities(object, drawn))[, class]
    out[rows] <- vapply(log_density[rows], function(value) mean(density <= value + 1e-9 * abs(value)), 0)
  }
  out
}

kind_of_row <- function(data, family) {
  beside <- seq_len(ncol(data$x))[-seq_len(data_width(data))]
  gaps <- is.na(data$x)
  number_of_row(cbind(gaps + 0, data$x[, beside, drop = FALSE], family_row_kind(family, data)))
}

with_same_gaps <- function(drawn, like) {
  if (identical(dim(drawn), dim(like$x))) drawn[is.na(like$x)] <- NA
  else drawn <- cbind(drawn, like$x[, -seq_len(ncol(drawn)), drop = FALSE])
  like$x <- bare(drawn)
  like["order"] <- list(row_order(like))
  like
}

# What a row of data has beside the values that are simulated, such as its trials; and the typicality of a single
# component, NULL where it has to be simulated.
family_row_kind <- function(family, data) UseMethod("family_row_kind")
#' @export
family_row_kind.default <- function(family, data) NULL
#' @export
family_row_kind.em_family_binomial <- function(family, data) data$x[, 2L]
family_typicality <- function(family, parameters, data, j) UseMethod("family_typicality")
#' @export
family_typicality.default <- function(family, parameters, data, j) NULL

#' @export
family_typicality.em_family_gaussian <- function(family, parameters, data, j) {
  mean <- as.matrix(parameters$mean)[j, ]
  sigma <- gaussian_covariance(parameters, j)
  gaps <- is.na(data$x)
  kind <- number_of_row(gaps + 0)
  out <- rep(1, data$n)
  for (one in unique(kind)) {
    rows <- which(kind == one)
    seen <- which(!gaps[rows[1L], ])
    if (!length(seen)) next
    distance <- stats::mahalanobis(data$x[rows, seen, drop = FALSE], mean[seen], sigma[seen, seen, drop = FALSE])
    out[rows] <- stats::pchisq(distance, length(seen), lower.tail = FALSE)
  }
  out
}
