# What can be said against a fit of categories: zeros that a start put there, associations that the components leave,
# parameters that no data determine. Codes are 1, 2, ... of the levels, NA where missing; `prob` is a list of matrices,
# components by levels, for each item.

# Does the table of all rows say what can be said of the fit?
is_told_by_table <- function(fit) fit$family$name != "multinomial" && rows_stand_alone(fit$data)

# Distinct rows with their summed weights, and the parameters: what all of it reads.
table_of_fit <- function(fit) {
  rows <- tallied_rows(fit$data)
  list(codes = rows$x, weights = rows$weights, proportions = unname(fit$parameters$proportions),
       prob = lapply(item_probs(fit$family, fit$parameters), unname))
}

row_densities <- function(codes, prob) {
  out <- matrix(0, nrow(codes), nrow(prob[[1L]]))
  for (j in seq_along(prob)) {
    seen <- which(!is.na(codes[, j]))
    out[seen, ] <- out[seen, ] + t(log(prob[[j]][, codes[seen, j], drop = FALSE]))
  }
  out
}

row_logliks <- function(joint) {
  top <- row_max(joint)
  top[!is.finite(top)] <- 0
  top + log(rowSums(exp(joint - top)))
}

joint_densities <- function(codes, prob, proportions) {
  row_densities(codes, prob) + rep(log(proportions), each = nrow(codes))
}

# Frozen zeros --------------------------------------------------------------------------------------------------

# With p_kjl = 0, moving mass to it from the others of its row in proportion raises the log-likelihood at the rate
#   sum over rows with x_ij = l of w_i pi_k f_k,-j(x_i) / f(x_i)  -  n_kj,
# n_kj = sum w r_ik over the rows where item j was seen. Where that is positive the zero is no maximum: EM can't leave
# it, as it has no responsibility for such rows. `base` of the table, where it is there, has log(pi_k) and the density of
# what a row says beside its items. A data frame of item, level, component, slope, rows; NULL: none.
frozen_cells <- function(table) {
  codes <- table$codes
  base <- if (is.null(table$base)) rep(log(table$proportions), each = nrow(codes)) else table$base
  joint <- row_densities(codes, table$prob) + base
  log_f <- row_logliks(joint)
  r <- table$weights * exp(joint - log_f)
  found <- list()
  for (j in seq_along(table$prob)) {
    zero <- which(table$prob[[j]] == 0, arr.ind = TRUE)
    if (!nrow(zero)) next
    others <- table$prob
    others[[j]][] <- 1
    without <- row_densities(codes, others) + base
    for (i in seq_len(nrow(zero))) {
      k <- zero[[i, 1L]]
      at <- which(codes[, j] == zero[[i, 2L]] & is.finite(log_f))
      slope <- sum(table$weights[at] * exp(without[at, k] - log_f[at]))
      rows <- sum(r[!is.na(codes[, j]), k])
      if (slope > rows * (1 + 1e-6)) {
        found[[length(found) + 1L]] <- data.frame(item = j, level = zero[[i, 2L]], component = k, slope = slope, rows = rows)
      }
    }
  }
  do.call(rbind, found)
}

# The package's own starts have no zeros.
starts_at_zero <- function(fit) any(vapply(item_probs(fit$family, fit$start), function(p) any(p == 0), NA))

warn_frozen <- function(fit, table) {
  if (holds_parameters(fit_model(fit)) || !is.null(fit$data$labels)) return(invisible())
  found <- frozen_cells(table)
  if (is.null(found)) return(invisible())
  one <- found[1L, ]
  warn_em("frozen", c(
    sprintf("`start` put the probability of \"%s\" of %s in component %s at 0, and EM can't move it; the likelihood would.",
            fit$data$items[[one$item]][one$level], item_names(fit$data)[one$item], names(fit$counts)[one$component]),
    x = if (nrow(found) > 1L) sprintf("%d probabilities are held so.", nrow(found)),
    i = "Start from probabilities above 0, or leave `start` out."
  ))
}

# Cells ---------------------------------------------------------------------------------------------------------

# So many cells are listed one by one, with those that nobody is in.
most_cells <- 4096

all_cells <- function(table) {
  sizes <- vapply(table$prob, ncol, 0L)
  if (sum(log(sizes)) <= log(most_cells)) unname(as.matrix(expand.grid(lapply(sizes, seq_len))))
}

expected_rows <- function(codes, table) {
  sum(table$weights) * exp(row_logliks(joint_densities(codes, table$prob, table$proportions)))
}

# G2 and Pearson's X2 against the table itself: NULL where rows have missing cells, where rows have labels, or where
# there are too many cells to count. `thin`: chi-squared means nothing.
fit_statistics <- function(fit, table) {
  cells <- categorical_cells(fit$family)
  if (anyNA(table$codes) || !is.null(fit$data$labels) || !is.finite(cells)) return(NULL)
  expected <- expected_rows(table$codes, table)
  n <- sum(table$weights)
  some <- table$weights > 0
  observed <- table$weights[some]
  everywhere <- all_cells(table)
  least <- if (is.null(everywhere)) min(expected) else min(expected_rows(everywhere, table))
  df <- cells - 1 - fit$df
  list(gsq = 2 * sum(observed * log(observed / expected[some])),
       chisq = sum((table$weights - expected)^2 / expected) + max(0, n - sum(expected)), df = df,
       thin = cells > n || least < 1)
}

#' @export
family_remarks.em_family_categorical <- function(family, fit) {
  if (!is_told_by_table(fit) || length(family$sizes) < 2L) return(NULL)
  table <- table_of_fit(fit)
  found <- fit_statistics(fit, table)
  if (is.null(found) || found$df <= 0) return(NULL)
  p <- stats::pchisq(found$gsq, found$df, lower.tail = FALSE)
  pair <- pairwise_table(fit, table)[1L, ]
  c(sprintf("G2 %s on %s df (%s)", fixed(found$gsq, 1L), number(found$df, 15L),
            if (found$thin) "cells are too thin for chi-squared"
            else if (p < 0.001) "p < 0.001" else paste("p", fixed(p, 3L))),
    sprintf("Largest pair: %s and %s, X2 %s on %d df; all: residuals(fit, \"pairwise\")", pair$variable1, pair$variable2,
            fixed(pair$chisq, 1L), as.integer(pair$df)))
}

# Pairs of items --------------------------------------------------------------------------------------------------

# Pearson's X2 of the observed two-way table against the model's, among the rows where both were seen.
pairwise_table <- function(fit, table) {
  names <- item_names(fit$data)
  pairs <- utils::combn(length(names), 2L)
  rows <- Map(function(a, b) {
    both <- which(!is.na(table$codes[, a]) & !is.na(table$codes[, b]))
    pa <- table$prob[[a]]
    pb <- table$prob[[b]]
    observed <- matrix(0, ncol(pa), ncol(pb))
    sums <- rowsum(table$weights[both], table$codes[both, a] + ncol(pa) * (table$codes[both, b] - 1))
    observed[as.integer(rownames(sums))] <- sums[, 1L]
    expected <- sum(observed) * crossprod(pa, table$proportions * pb)
    chisq <- sum(((observed - expected)^2 / expected)[expected > 0])
    df <- (ncol(pa) - 1) * (ncol(pb) - 1)
    data.frame(variable1 = names[a], variable2 = names[b], chisq = chisq, df = df, ratio = chisq / df)
  }, pairs[1L, ], pairs[2L, ])
  out <- do.call(rbind, rows)
  out[order(-out$ratio), ]
}

#' @export
family_residuals.em_family_categorical <- function(family, fit, type) {
  if (!is_told_by_table(fit) || length(family$sizes) < 2L) return(NextMethod())
  as_tidy(switch(type, pairwise = pairwise_table(fit, table_of_fit(fit)), cells = cells_table(fit, table_of_fit(fit))))
}

# Every cell that somebody is in, and the others pooled in a last row: n, expected and Pearson's residual.
cells_table <- function(fit, table) {
  if (anyNA(table$codes)) {
    abort_em("unsupported", c("Rows with missing cells are in no cell of the table.",
                              i = "residuals(fit, \"pairwise\") has pairs of columns."))
  }
  some <- table$weights > 0
  codes <- table$codes[some, , drop = FALSE]
  at <- do.call(order, columns_of(codes))
  codes <- codes[at, , drop = FALSE]
  n <- table$weights[some][at]
  expected <- expected_rows(codes, table)
  rest <- max(0, sum(n) - sum(expected))
  levels <- Map(function(code, levels) c(levels[code], NA), columns_of(codes), fit$data$items)
  out <- plain_frame(stats::setNames(levels, item_names(fit$data)))
  out$n <- c(n, 0)
  out$expected <- c(expected, rest)
  out$residual <- c((n - expected) / sqrt(expected), -sqrt(rest))
  if (rest > 1e-9 * sum(n)) out else out[-nrow(out), ]
}

# Identifiability ---------------------------------------------------------------------------------------------------

# Derivatives of log f of rows by the free parameters: logits of the proportions, where they are free, and of each item
# in each component.
score_matrix <- function(codes, table, free_proportions) {
  joint <- joint_densities(codes, table$prob, table$proportions)
  r <- exp(joint - row_logliks(joint))
  out <- if (free_proportions) list((r - rep(table$proportions, each = nrow(r)))[, -1L, drop = FALSE])
  for (j in seq_along(table$prob)) {
    hit <- outer(codes[, j], seq_len(ncol(table$prob[[j]])), `==`)
    for (k in seq_along(table$proportions)) {
      own <- r[, k] * (hit - rep(table$prob[[j]][k, ], each = nrow(hit)))
      own[is.na(own)] <- 0
      out[[length(out) + 1L]] <- own[, -1L, drop = FALSE]
    }
  }
  do.call(cbind, out)
}

# Its numerical rank over all cells, or over the rows that were seen where there are many cells; NULL where that is too
# much to compute. Probabilities are moved off 0 and 1 first: the rank is then the model's and not that of the boundary.
rank_of_model <- function(fit, table) {
  if (fit$k == 1L || holds_parameters(fit_model(fit)) || length(fit$coincident) || length(empty_components(fit))) return(NULL)
  free_proportions <- !latent_is_held(fit$latent, fit$k)
  codes <- all_cells(table)
  if (is.null(codes)) codes <- table$codes
  size <- fit$k * sum(fit$family$sizes - 1) + (fit$k - 1) * free_proportions
  if (nrow(codes) < size && is.null(all_cells(table)) || nrow(codes) * size^2 > 2e8) return(NULL)
  table$prob <- lapply(table$prob, function(p) (p + 1e-3) / rowSums(p + 1e-3))
  scores <- score_matrix(codes, table, free_proportions)
  lengths <- sqrt(colSums(scores^2))
  scores <- scores / rep(ifelse(lengths > 0, lengths, 1), each = nrow(scores))
  values <- svd(scores, 0L, 0L)$d
  list(rank = sum(values > 1e-9 * values[1L]), size = size)
}

# More parameters than cells were told before the run.
warn_rank <- function(fit, table) {
  if (categorical_free(fit$family, fit$k) > categorical_cells(fit$family) - 1) return(invisible())
  found <- rank_of_model(fit, table)
  if (is.null(found) || found$rank >= found$size) return(invisible())
  warn_em("unidentified", c(
    sprintf("%d components have %s, of which the rows can tell no more than %d.", fit$k,
            plural(found$size, "parameter"), found$rank),
    i = "Other parameters have the same likelihood. Use fewer components, or more columns."
  ))
}

#' @export
family_warn.em_family_categorical <- function(family, fit) {
  if (!is_told_by_table(fit) || fit$iterations == 0L) return(invisible())
  zero <- any(vapply(item_probs(family, fit$parameters), function(p) any(p == 0), NA))
  if (!zero && fit$k == 1L) return(invisible())
  table <- table_of_fit(fit)
  if (zero && starts_at_zero(fit)) warn_frozen(fit, table)
  warn_rank(fit, table)
}

#' @export
family_identifiability.em_family_categorical <- function(family, fit, name) {
  if (!is_told_by_table(fit)) return(NULL)
  found <- rank_of_model(fit, table_of_fit(fit))
  if (is.null(found)) return(NULL)
  described <- sprintf("Of %s the different rows that are possible can tell %d", plural(found$size, "free parameter"),
                       found$rank)
  if (found$rank == found$size) return(finding("identifiability", "ok", 1, paste0(described, ".")))
  finding("identifiability", "problem", found$rank / found$size,
          paste0(described, ": other parameters are just as likely."),
          sprintf("update(FIT, k = %d, start = NULL)", fit$k - 1L), name)
}
