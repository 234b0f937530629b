# Mixed columns taken apart and put together again: what every block says of its own rows, side by side. Numbers of a
# row stand in the order of the user's columns.

# n x (columns of all blocks) from matrices of each; at: the user's column that each belongs to.
side_by_side <- function(parts, at) {
  out <- do.call(cbind, parts)
  out[, order(unlist(at)), drop = FALSE]
}

# The user's columns that those of family_observed() belong to.
columns_observed <- function(block) {
  if (block$family$name == "categorical") rep(block$columns, lengths(block$items)) else block$columns
}

#' @export
family_observed.em_family_mixed <- function(family, data) {
  parts <- for_blocks(family, list(), data, function(child, part, own, block) {
    out <- family_observed(child, own)
    if (ncol(out) == length(block$names)) colnames(out) <- block$names
    out
  })
  side_by_side(parts, lapply(blocks_of(family, data), columns_observed))
}

#' @export
family_means.em_family_mixed <- function(family, parameters, data) {
  parts <- for_blocks(family, parameters, data, function(child, part, own, block) family_means(child, part, own))
  n <- max(vapply(parts, nrow, 0L))
  k <- dim(parts[[1L]])[3L]
  at <- lapply(blocks_of(family, data), columns_observed)
  each <- lapply(seq_len(k), function(j) {
    side_by_side(lapply(parts, function(part) matrix(part[, , j], n, ncol(part), byrow = nrow(part) < n)), at)
  })
  array(unlist(each), c(dim(each[[1L]]), k))
}

#' @export
family_simulate.em_family_mixed <- function(family, parameters, component, data) {
  parts <- for_blocks(family, parameters, data, function(child, part, own, block) {
    stats::setNames(family_simulate(child, part, component, own), block$names)
  })
  in_user_columns(do.call(c, lapply(parts, as.list)), family, data)
}

in_user_columns <- function(columns, family, data) {
  columns <- columns[order(unlist(lapply(blocks_of(family, data), `[[`, "columns")))]
  plain_frame(stats::setNames(columns, variable_names(data)))
}

#' @export
family_numbers.em_family_mixed <- function(family, rows, data) {
  blocks <- blocks_of(family, data)
  parts <- lapply(blocks, function(block) {
    own <- rows[block$columns]
    if (block_kinds[[block$family$name]]$takes == "number") return(unname(as.matrix(own)))
    family_numbers(block$family, own, block_shape(block))
  })
  side_by_side(parts, lapply(blocks, `[[`, "columns"))
}

# Given the component, gaps of one block have nothing to do with cells of another.
#' @export
family_conditional.em_family_mixed <- function(family, parameters, x, o, g, j) {
  draw <- function() {
    out <- matrix(0, nrow(x), length(g))
    for (block in family$blocks) {
      own <- match(g, block$columns)
      if (all(is.na(own))) next
      seen <- match(o, block$columns)
      out[, !is.na(own)] <- draw_cells(block, part_of(parameters, block), x[, block$columns, drop = FALSE],
                                       seen[!is.na(seen)], own[!is.na(own)], j)
    }
    out
  }
  list(draw = draw)
}

# Counts of several columns are independent: theirs is a draw of whole rows.
draw_cells <- function(block, parameters, x, o, g, j) {
  if (family_can(block$family, "conditional")) return(family_conditional(block$family, parameters, x, o, g, j)$draw())
  x[] <- 0
  data <- block_data(list(x = x), replace(block, "columns", list(seq_len(ncol(x)))))
  rows <- family_simulate(block$family, parameters, rep(j, nrow(x)), data)
  unname(as.matrix(rows))[, g, drop = FALSE]
}

#' @export
family_fills.em_family_mixed <- function(family) "draw"

#' @export
family_filled.em_family_mixed <- function(family, filled, data) {
  blocks <- blocks_of(family, data)
  parts <- lapply(blocks, function(block) {
    own <- filled[, block$columns, drop = FALSE]
    if (block_kinds[[block$family$name]]$takes == "number") return(columns_of(own))
    family_filled(block$family, own, list(items = block$items, declared = data$declared[block$names]))
  })
  unname(as.list(in_user_columns(do.call(c, parts), family, data)))
}

# Tables ------------------------------------------------------------------------------------------------------------

# A mean, a rate or a probability for each number, of categories the most probable level.
#' @export
family_summary.em_family_mixed <- function(family, parameters, data) {
  parts <- for_blocks(family, parameters, data, function(child, part, own, block) {
    out <- family_summary(child, part, own)
    stats::setNames(out[seq_along(block$names)], summary_names(block))
  })
  plain_frame(do.call(c, lapply(parts, as.list)))
}

# What isn't a mean or a level says what it is.
summary_names <- function(block) {
  term <- switch(block$family$name, poisson = "rate.", bernoulli = , binomial = "prob.", "")
  paste0(term, block$names)
}

#' @export
family_groups.em_family_mixed <- function(family) if (length(family$blocks) > 1L) lapply(family$blocks, summary_names)

#' @export
family_columns.em_family_mixed <- function(family, parameters, data) {
  parts <- for_blocks(family, parameters, data, function(child, part, own, block) {
    out <- as.list(family_columns(child, part, own))
    if (length(block$names) == 1L) {
      bare <- names(out) %in% c("mean", "sd", "rate", "prob")
      names(out)[bare] <- paste0(names(out)[bare], ".", block$names)
    }
    out
  })
  plain_frame(do.call(c, parts))
}

# What a block's family says of a fit it reads in one of its own.
fit_of_block <- function(fit, block) {
  own <- fit
  own$family <- block$family
  own$data <- block_data(fit$data, block)
  own$parameters <- c(list(proportions = unname(shares_of(fit))), part_of(fit$parameters, block))
  own
}

#' @export
family_print_more.em_family_mixed <- function(family, fit, digits) {
  for (block in family$blocks) {
    own <- fit_of_block(fit, block)
    if (!is.null(own$parameters$covariance) && !gaussian_is_diagonal(block$family)) print_covariances(own, digits)
    else if (block$family$name == "gaussian") print_deviations(own, block, digits)
    family_print_more(block$family, own, digits)
  }
}

# Standard deviations, where there is no covariance to tell.
print_deviations <- function(own, block, digits) {
  sd <- if (is.null(own$parameters$covariance)) matrix(own$parameters$sd)
        else t(apply(own$parameters$covariance, 3L, function(sigma) sqrt(diag(as.matrix(sigma)))))
  table <- data.frame(component = names(own$counts), unname(matrix(sd, length(own$counts))))
  names(table)[-1L] <- block$names
  cat("\nStandard deviations:\n")
  cat(table_lines(format_columns(table, digits)), sep = "\n")
}

# The blocks of each kind of columns, one after the other, under the user's names: given the component they are
# independent.
#' @export
family_margin.em_family_mixed <- function(family, parameters, data, beside = list()) {
  parts <- for_blocks(family, parameters, data, function(child, part, own, block) {
    named <- block$names
    # Its counts have no exposure and one number of trials, also where a row lacks them.
    beside[c("exposure", "size")] <- list(1, child$size)
    lapply(family_margin(child, part, own, beside), function(one) {
      one$variables <- named[seq_along(one$variables)]
      named <<- named[-seq_along(one$variables)]
      one
    })
  })
  do.call(c, parts)
}

#' @export
family_cells.em_family_mixed <- function(family, data) {
  do.call(cbind, for_blocks(family, list(), data, function(child, part, own, block) unname(family_cells(child, own))))
}
