#' Categorical components: latent classes, Bernoulli and multinomial mixtures
#'
#' Say that within a component the columns are independent, each with probabilities of its own: the latent class model
#' (Lazarsfeld and Henry 1968; Goodman 1974). They are the `family` argument of [em_fit()].
#'
#' `em_categorical()` takes factor, character and logical columns, with any numbers of levels. Its parameter `prob` is
#' a list with a matrix for each column: a row for each component, a column for each level. `em_bernoulli()` takes
#' columns of 0 and 1, or logical ones; `prob` is a matrix of the probabilities of 1, a column for each variable.
#' `em_multinomial()` takes rows of counts, each column a category; `prob` is a matrix with a column for each category,
#' and the log-likelihood includes the multinomial coefficients.
#'
#' A missing cell has the factor 1, so a row is used for what it says; a row of counts with one of them missing is
#' missing as a whole, as its total isn't known. A row with nothing observed keeps its place in every output, its
#' responsibilities are the proportions, and it is not counted by [nobs()].
#'
#' Levels are kept by name in every output. A level that is declared but never seen is left out with a message and
#' isn't counted as a parameter; ordered factors are taken as categories, which is said once. In new data a level that the
#' fit never saw is an error.
#'
#' Probabilities of 0 and 1 are maxima like any other, and they count as parameters (as in poLCA and Latent GOLD); their
#' standard errors are `NA`. But a 0 at a *start* never moves: the package's own starts add half a row to every component,
#' spread as the column is in all rows. A start of the user's is honoured exactly, and `emfit_warning_frozen` names the
#' zeros that the likelihood would leave.
#'
#' @section How many components can be told apart:
#' With few items the model has parameters that no data determine: four
#' items of two levels and 3 components have 14 parameters for 15 cells, and yet only 13 of them can be known (Goodman
#' 1974). `emfit_warning_unidentified` says so: where there are more parameters than cells, and where the rank of the
#' information at the fit is less than the parameters.
#'
#' With a `prior` every component gets so many rows more, spread as the column is in all rows (Latent GOLD's Bayes
#' constant; Galindo Garre and Vermunt 2006): no probability is then 0 or 1, and the fit is the mode of the posterior.
#'
#' @param prior `NULL`, or [em_prior()] with `counts`.
#' @return An object of class `em_family`: a plain list, to be given to [em_fit()].
#' @section What a fit says:
#' [print()][print.em_fit] shows the most probable level of every column, [summary()][print.em_fit] all of them,
#' `tidy(fit)` has a column `prob.<column>.<level>` for each. [fitted()][fitted.em_fit] and
#' [residuals()][residuals.em_fit] speak of indicators, a column `<column>.<level>` each. `residuals(fit, "pairwise")`
#' has a row for each pair of columns: Pearson's X2 of the observed table of the two against the one that the fit
#' expects, among rows where both were seen, and the same divided by `(L1 - 1) (L2 - 1)`. Values of that ratio far above
#' 1 say that the two share what the components do not explain.
#'
#' `residuals(fit, "cells")` has a row for each different row of the data: how many there are (`n`), how many the fit expects,
#' and Pearson's residual `(n - expected) / sqrt(expected)`; a last row, all `NA`, pools the cells that nobody is in. It needs
#' rows without missing cells.
#'
#' G2 in print is twice the log-likelihood that the table of all cells itself has above the fit. It is compared with
#' chi-squared only where cells are full enough: not where there are more cells than rows or one is expected to have
#' less than a row; `em_lrt(fit, against = "saturated")` then has its distribution from samples. With missing cells or
#' counts it isn't given. Where rows belong to units or follow each other ([em_mixture()] with `unit`, [em_markov()]) they are no independent draws: there is then no G2, no table of pairs and no
#' warning about what single rows can't tell.
#' @section Errors: `emfit_error_input` names columns of the wrong class, of one level, or of more than 10 000
#'   different values, and numbers that are not 0 and 1. `emfit_error_levels` names a level of new data that the fit
#'   never saw. `emfit_error_counts` names counts that are negative or not whole.
#' @section Warnings: `emfit_warning_unidentified`, `emfit_warning_frozen`, see above.
#' @section Messages: `emfit_message_columns` says which levels were left out and which columns were ordered.
#' @references Goodman, L. A. (1974) Exploratory latent structure analysis using both identifiable and unidentifiable
#'   models. *Biometrika* 61, 215-231. \doi{10.1093/biomet/61.2.215}
#'
#'   Galindo Garre, F. and Vermunt, J. K. (2006) Avoiding boundary estimates in latent class analysis by Bayesian posterior
#'   mode estimation. *Behaviormetrika* 33, 43-59. \doi{10.2333/bhmk.33.43}
#'
#'   Lazarsfeld, P. F. and Henry, N. W. (1968) *Latent Structure Analysis*. Houghton Mifflin.
#'
#'   Allman, E. S., Matias, C. and Rhodes, J. A. (2009) Identifiability of parameters in latent structure models with
#'   many observed variables. *Annals of Statistics* 37, 3099-3132. \doi{10.1214/09-AOS689}
#' @seealso [em_fit()], [interview], [role_conflict], `vignette("latent-class")`
#' @examples
#' set.seed(1)
#' em_fit(interview, k = 2, family = "categorical")
#' em_fit(role_conflict == "universalistic", k = 2, family = "bernoulli")
#' em_fit(interview, k = 3, family = em_categorical(prior = em_prior(counts = 1)))
#' @export
em_categorical <- function(prior = NULL) new_categorical("categorical", prior)

#' @rdname em_categorical
#' @export
em_bernoulli <- function(prior = NULL) new_categorical("bernoulli", prior)

#' @rdname em_categorical
#' @export
em_multinomial <- function(prior = NULL) new_categorical("multinomial", prior)

new_categorical <- function(name, prior) {
  prior <- check_prior(prior, "counts", categorical_words[[name]])
  out <- if (is.null(prior)) new_em_family(name) else new_em_family(name, prior = prior)
  class(out) <- c(class(out)[1L], "em_family_categorical", "em_family")
  out
}

#' @export
format.em_family_categorical <- function(x, ...) {
  check_dots(..., let_pass = format_arguments)
  paste0(categorical_words[[x$name]], " components", if (!is.null(x$prior)) ", with a prior")
}

categorical_words <- c(categorical = "Categorical", bernoulli = "Bernoulli", multinomial = "Multinomial")

#' @export
family_tallies.em_family_categorical <- function(family) TRUE

#' @export
family_needs_levels.em_family_categorical <- function(family) family$name == "categorical"

# The items of a fit: what each column, or each column of counts, can be.
item_names <- function(data) names(data$items)

# Matrices of probabilities, one for each item, flat or nested; of Bernoulli components both levels.
item_probs <- function(family, parameters) {
  flat <- flat_parameters(parameters)
  prob <- unname(flat[startsWith(names(flat), "prob")])
  if (family$name != "bernoulli") return(prob)
  lapply(seq_len(ncol(prob[[1L]])), function(j) unname(cbind(1 - prob[[1L]][, j], prob[[1L]][, j])))
}

#' @export
family_fields.em_family_categorical <- function(family, k, data) {
  items <- data$items
  if (family$name == "bernoulli") {
    return(list(prob = new_field("unit", c("component", "variable"), c(k, length(items)), "prob")))
  }
  one <- function(levels, nest) {
    new_field("simplex", c("component", "category"), c(k, length(levels)), "prob", nest = nest, levels = levels)
  }
  if (family$name == "multinomial") return(list(prob = one(items[[1L]], NULL)))
  out <- Map(function(levels, name) one(levels, c("prob", name)), items, names(items))
  stats::setNames(out, paste0("prob.", seq_along(items)))
}

# ---- before a run ----

# The core reads `sizes`, how many levels the items have; `items` serve rows that come later.
#' @export
family_check.em_family_categorical <- function(family, data, k, estimated = TRUE) {
  family$items <- data$items
  family$sizes <- unname(lengths(data$items))
  if (!is.null(family$prior)) family$prior <- resolve_counts(family, data)
  if (!estimated || k == 1L) return(family)
  rows <- rows_that_count(data)
  different <- count_rows_apart(rows)
  if (k > most_components(data, nrow(rows), different)) abort_too_many(k, nrow(rows), different, "Use fewer components.")
  if (!rows_stand_alone(data)) return(family)
  if (family$name == "multinomial") warn_few_counts(rows, k) else warn_too_few_cells(family, k)
  family
}

warn_few_counts <- function(rows, k) {
  most <- max(rowSums(rows), na.rm = TRUE)
  if (most >= 2 * k - 1) return(invisible())
  warn_em("unidentified", c(
    sprintf("A mixture of %d multinomials needs rows of at least %d counts to be identified; the most here is %s.", k,
            2L * k - 1L, number(most, 15L)),
    i = "Other parameters have the same likelihood. Use fewer components."
  ))
}

categorical_free <- function(family, k) k - 1 + k * sum(family$sizes - 1)

# Infinite beyond what doubles count.
categorical_cells <- function(family) {
  cells <- exp(sum(log(family$sizes)))
  if (cells > 2^53) Inf else round(cells)
}

# More parameters than cells. Fewer are no proof: see rank_of_model().
warn_too_few_cells <- function(family, k) {
  free <- categorical_free(family, k)
  cells <- categorical_cells(family)
  if (free <= cells - 1) return(invisible())
  warn_em("unidentified", c(
    sprintf("%d components have %s, but the %s that are possible can tell no more than %s.", k,
            plural(free, "parameter"), plural(cells, "different row"), number(cells - 1, 15L)),
    i = "Other parameters have the same likelihood. Use fewer components, or more columns."
  ))
}

# The rows that the prior adds to each component: spread over the levels of an item as all rows that have it are.
resolve_counts <- function(family, data) {
  w <- if (is.null(data$weights)) rep(1, nrow(data$x)) else data$weights
  shares <- if (family$name == "multinomial") {
    sums <- colSums(w * data$x, na.rm = TRUE)
    list(sums / sum(w[!is.na(rowSums(data$x))]))
  } else {
    lapply(seq_along(data$items), function(j) shares_of_codes(data$x[, j], w, length(data$items[[j]])))
  }
  structure(list(counts = family$prior$counts, rows = family$prior$counts * unlist(shares, use.names = FALSE)),
            class = "em_prior")
}

# ---- what a fit says ----

#' @export
family_label.em_family_categorical <- function(family, ...) {
  n <- length(family$items)
  switch(family$name,
    categorical = list(title = "Latent class model", word = "categorical", detail = plural(n, "categorical variable")),
    bernoulli = list(title = "Bernoulli mixture", detail = sprintf("P(= 1) of %s", plural(n, "variable"))),
    multinomial = list(title = "Multinomial mixture", detail = sprintf("counts of %s",
                                                                       plural(family$sizes, "category", "categories")))
  )
}

#' @export
family_rows.em_family_categorical <- function(family, data) {
  plural(count_rows_apart(rows_that_count(data)), "distinct row")
}

# Of every column the most probable level and its probability; of Bernoulli and multinomial components all numbers.
#' @export
family_summary.em_family_categorical <- function(family, parameters, data) {
  if (family$name != "categorical") {
    out <- as.data.frame(unname(parameters$prob))
    names(out) <- if (family$name == "bernoulli") item_names(data) else data$items[[1L]]
    return(out)
  }
  out <- Map(function(p, levels) {
    at <- max.col(p, "first")
    paste(levels[at], fixed(p[cbind(seq_len(nrow(p)), at)], 3L))
  }, item_probs(family, parameters), data$items)
  plain_frame(stats::setNames(out, item_names(data)))
}

#' @export
family_columns.em_family_categorical <- function(family, parameters, data) {
  prob <- if (family$name == "categorical") do.call(cbind, item_probs(family, parameters)) else parameters$prob
  out <- as.data.frame(unname(prob))
  names(out) <- paste0("prob.", if (family$name == "bernoulli") item_names(data) else level_names(family, data))
  out
}

# "item.level" of all of them; of counts the levels alone.
level_names <- function(family, data) {
  if (family$name == "multinomial") return(data$items[[1L]])
  paste0(rep(item_names(data), lengths(data$items)), ".", unlist(data$items, use.names = FALSE))
}

# summary(): for every column a table, levels by components and, beside them, of all rows that have it.
#' @export
family_print_more.em_family_categorical <- function(family, fit, digits) {
  if (family$name != "categorical") return(invisible())
  prob <- item_probs(family, fit$parameters)
  for (j in seq_along(prob)) {
    cat("\n", item_names(fit$data)[j], ":\n", sep = "")
    table <- data.frame(level = fit$data$items[[j]], t(unname(prob[[j]])))
    names(table)[-1L] <- names(fit$counts)
    table[["all rows"]] <- shares_of_codes(fit$data$x[, j], row_weights(fit), ncol(prob[[j]]))
    table[-1L] <- lapply(table[-1L], fixed, 3L)
    cat(table_lines(table), sep = "\n")
  }
}

shares_of_codes <- function(codes, weights, levels) {
  sums <- vapply(seq_len(levels), function(level) sum(weights[which(codes == level)]), 0)
  sums / sum(sums)
}

#' @export
family_responses.em_family_categorical <- function(family, data) item_names(data)

#' @export
family_is_discrete.em_family_categorical <- function(family) TRUE

# What fitted() and residuals() compare: an indicator for each level; of Bernoulli components the 1s; counts.
#' @export
family_observed.em_family_categorical <- function(family, data) {
  if (family$name == "multinomial") {
    out <- data$x
    out[data$missing$rows, ] <- NA
  } else if (family$name == "bernoulli") {
    out <- data$x - 1
  } else {
    out <- do.call(cbind, lapply(seq_along(data$items), function(j) {
      outer(data$x[, j], seq_along(data$items[[j]]), `==`) + 0
    }))
  }
  colnames(out) <- if (family$name == "bernoulli") item_names(data) else level_names(family, data)
  out
}

#' @export
family_means.em_family_categorical <- function(family, parameters, data) {
  prob <- if (family$name == "categorical") do.call(cbind, item_probs(family, parameters)) else parameters$prob
  if (family$name != "multinomial") return(same_means(prob))
  n <- nrow(data$x)
  each <- rowSums(data$x)
  array(vapply(seq_len(nrow(prob)), function(j) outer(each, unname(prob[j, ])), matrix(0, n, ncol(prob))),
        c(n, ncol(prob), nrow(prob)))
}

#' @export
family_order.em_family_categorical <- function(family, parameters) {
  flat <- flat_parameters(parameters)
  unname(flat[[match(TRUE, startsWith(names(flat), "prob"))]][, 1L])
}

# A quarter of the way to the first level of every item, and to the others.
#' @export
family_split.em_family_categorical <- function(family, parameters, j) {
  apart <- function(p) {
    first <- c(1, numeric(ncol(p) - 1L))
    rest <- (1 - first) / (ncol(p) - 1)
    out <- rbind(p, 0.75 * p[j, ] + 0.25 * rest)
    out[j, ] <- 0.75 * p[j, ] + 0.25 * first
    unname(out)
  }
  flat <- flat_parameters(parameters)
  own <- flat[startsWith(names(flat), "prob")]
  if (family$name != "bernoulli") return(lapply(own, apart))
  prob <- unname(rbind(own$prob, own$prob[j, ] + 0.25 * (1 - own$prob[j, ])))
  prob[j, ] <- 0.75 * prob[j, ]
  list(prob = prob)
}

# ---- rows that are drawn ----

#' @export
family_simulate.em_family_categorical <- function(family, parameters, component, data) {
  if (family$name == "multinomial") return(simulate_counts(parameters$prob, component, data))
  keep <- !is.null(data$missing)
  codes <- lapply(seq_along(data$items), function(j) {
    code <- draw_codes(item_probs(family, parameters)[[j]], component)
    if (keep) code[is.na(data$x[, j])] <- NA
    code
  })
  out <- if (family$name == "bernoulli") lapply(codes, function(code) code - 1)
         else Map(code_column, codes, data$items, data$declared)
  plain_frame(stats::setNames(out, item_names(data)))
}

# A code for each row, by the probabilities of its component.
draw_codes <- function(p, component) {
  below <- row_cumsum(unname(p))[component, -ncol(p), drop = FALSE]
  1L + as.integer(rowSums(stats::runif(length(component)) > below))
}

simulate_counts <- function(prob, component, data) {
  total <- rowSums(data$x)
  out <- matrix(NA_real_, length(component), ncol(prob))
  for (i in which(!is.na(total))) out[i, ] <- stats::rmultinom(1L, total[i], prob[component[i], ])
  out <- as.data.frame(out)
  names(out) <- data$items[[1L]]
  out
}

# Simulated columns -> codes, or counts.
#' @export
family_numbers.em_family_categorical <- function(family, rows, data) {
  if (family$name == "multinomial") return(unname(as.matrix(rows)))
  codes <- if (family$name == "bernoulli") unname(as.matrix(rows)) + 1
           else vapply(seq_along(rows), function(j) as.double(match(as.character(rows[[j]]), data$items[[j]])),
                       numeric(nrow(rows)))
  matrix(codes, nrow(rows))
}

# Cells that are missing have nothing to do with those that were seen but for the component.
#' @export
family_conditional.em_family_categorical <- function(family, parameters, x, o, g, j) {
  prob <- item_probs(family, parameters)
  draw <- function() {
    vapply(g, function(item) as.double(draw_codes(prob[[item]], rep(j, nrow(x)))), numeric(nrow(x)))
  }
  list(draw = draw)
}

#' @export
family_fills.em_family_categorical <- function(family) if (family$name != "multinomial") "draw"

#' @export
family_filled.em_family_categorical <- function(family, filled, data) {
  if (family$name == "bernoulli") return(columns_of(filled - 1))
  Map(code_column, columns_of(filled), data$items, data$declared)
}

# ---- pictures ----

#' @export
family_plots.em_family_categorical <- function(family, data) c("profile", "responsibility", "uncertainty", "trace")

# Different rows one after the other: by the number of ones, or in the order of their levels.
#' @export
family_line.em_family_categorical <- function(family, data) {
  if (family$name == "multinomial") {
    return(list(x = data$x[, 1L] / rowSums(data$x), name = paste("share of", data$items[[1L]][1L]), rows = "counts of each row",
                label = do.call(paste, c(columns_of(data$x), sep = "/"))))
  }
  codes <- ifelse(is.na(data$x), "-", format(data$x - (family$name == "bernoulli"), trim = TRUE, digits = 15L))
  label <- do.call(paste0, columns_of(codes))
  if (family$name == "bernoulli") {
    return(list(x = rowSums(data$x - 1, na.rm = TRUE), name = "number of ones", rows = "different rows", label = label))
  }
  list(x = match(label, sort(unique(label))), name = "different rows, in order of levels",
       rows = "different rows, by numbers of levels", label = label)
}
