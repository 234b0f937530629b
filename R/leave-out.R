# What a fit is worth without single rows: the core takes each row out of the sums, makes one M-step and asks what the
# row is worth then (src/leave_out.h). A component of few rows follows each of them, and pays when it leaves.
#
#   leave_out()   list(loglik, gap, beyond): the log-likelihood of rows that were left out, and for each component what
#                 its own rows lose by it, for each of its parameters. Near 1 for a maximum that rows in plenty made, also
#                 where the model is wrong; it does not depend on units, offsets, or what lies elsewhere.
#
# It is an alarm and no criterion: what chooses k by it takes too many components (inst/bench/select.md).
#
# Equal rows leave together: they would vouch for each other. What one row can lose is limited, lest a single far one
# condemn the component that holds it. `beyond` is what rows lose past that limit. It counts where all rows of a component
# are at it: three rows that are nearly one would else lose three limits, however narrow they are, and win by it.

least_gap <- 2 # of a component that leans on few rows
most_left_out <- 10000L # rows, up to which glance() and em_diagnose() count what leaving them out costs
enough_rows <- 5 # times as many as a component needs: it then leans on none of them
most_lost <- 1e6 # by one row, which may have no density at all without its component
nothing_left <- 0.9 # of the limits of all rows of a component: no row is worth anything without another
one_row <- 0.9 # of the rows of a component that is a single one

# NULL where there is no such number: rows with missing cells, rows in units, counts with weights.
leave_out <- function(data, parameters, model, df, threads = 1L) {
  counted <- is_tallied(model)
  if (!is.null(data$order) || (counted && !is.null(data$weights))) return(NULL)
  rows <- leave_out_em(data, parameters, model, if (counted) seq_len(data$n) else number_of_row(data$x), threads)
  if (!length(rows)) return(NULL)
  own <- df / model$k
  r <- expect_em(data, parameters, model, "responsibilities")$responsibilities[, seq_len(model$k), drop = FALSE]
  weights <- if (is.null(data$weights)) rep(1, data$n) else data$weights / weight_of_row(data$weights)
  counts <- weights > 0
  loss <- (rows$with - rows$without)[counts]
  lost <- pmin(loss, own)
  r <- r[counts, , drop = FALSE] * weights[counts]
  list(loglik = sum(weights[counts] * (rows$with[counts] - lost)), gap = colSums(r * lost) / own,
       beyond = colSums(r * pmin(loss - lost, most_lost)))
}

# Equal rows get equal numbers, from 1 as they appear.
number_of_row <- function(x) {
  columns <- lapply(seq_len(ncol(x)), function(j) match(x[, j], x[, j]))
  key <- Reduce(function(a, b) match(a + nrow(x) * b, a + nrow(x) * b), lapply(columns, as.double))
  match(key, unique(key))
}

# Only a likelihood without bound has maxima that a few rows make.
can_lean <- function(model, start = NULL) {
  model$k > 1L && !family_is_bounded(model$family) && !holds_parameters(model)
}

# What judge_ends() and the fit itself ask of a run: list(loglik, components), both empty where nothing leans.
leaning_of <- function(run, data, model) {
  if (is_assigned(run)) return(NULL) # no maximum of the likelihood
  if (!is.null(data$whole)) return(NULL) # of a sample it would say something else
  if (length(run$degenerate) || run$status %in% c("bad_start", "collapsed")) return(NULL)
  row_weight <- weight_of_row(data$weights)
  few <- run$counts[seq_len(model$k)] < enough_rows * row_weight * family_rows_needed(model$family, data)
  if (!any(few) || !can_lean(model)) return(NULL)
  left <- leave_out(data, run$parameters, model, run$df)
  if (is.null(left)) return(NULL)
  components <- which(few & left$gap > least_gap)
  empty <- components[left$gap[components] * row_weight > nothing_left * run$counts[components]]
  list(loglik = left$loglik - sum(left$beyond[empty]), components = components)
}

# Where the likelihood is bounded a lone row is a maximum like any other, and stays one when it leaves: it is told, and
# in a table it must be worth more than `rival_bic` to win. Components that are one row, with its copies; not of
# counts, which repeat themselves.
single_rows <- function(run, data, model) {
  apart <- model$k > 1L && family_is_bounded(model$family) && !holds_parameters(model) && !is_tallied(model)
  if (!apart || !is.null(data$whole) || run$status %in% c("bad_start", "collapsed")) return(integer())
  few <- which(run$counts[seq_len(model$k)] < enough_rows * weight_of_row(data$weights))
  if (!length(few) || !is.null(shared_units(data)) || latent_keeps_order(model$latent)) return(integer())
  r <- expect_em(data, run$parameters, model, "responsibilities")$responsibilities[, few, drop = FALSE]
  if (!is.null(data$weights)) r <- r * data$weights
  r <- rowsum(r, number_of_row(data$x), reorder = FALSE)
  few[apply(r, 2L, max) > one_row * colSums(r)]
}

leans <- function(left) length(left$components) > 0L

# Does b stand the loss of rows where a does not? Then a does not win over it, however high.
stands_better <- function(b, a, data, model) {
  if (run_status(b) == "collapsed" || b$status == "bad_start") return(FALSE)
  left <- leaning_of(b, data, model)
  if (leans(left)) return(FALSE)
  if (is.null(left)) left <- leave_out(data, b$parameters, model, b$df)
  !is.null(left) && left$loglik > leaning_of(a, data, model)$loglik
}

describe_leaning <- function(fit) {
  if (!length(fit$leaning)) {
    if (is.null(fit$passed_over)) return(NULL)
    return(sprintf("A higher maximum, %s, leans on few rows and was passed over.", fixed(fit$passed_over, 2L)))
  }
  many <- length(fit$leaning) > 1L
  if (family_is_bounded(fit$family)) {
    rows <- vapply(fit$leaning, function(component) describe_points(fit, component), "")
    return(sprintf("%s %s %s no group: %s.", if (many) "Components" else "Component",
                   enumerate(names(fit$counts)[fit$leaning]), if (many) "are" else "is", enumerate(rows)))
  }
  sprintf("%s %s %s on few rows: without one of them %s would be elsewhere.", if (many) "Components" else "Component",
          enumerate(names(fit$counts)[fit$leaning]), if (many) "lean" else "leans", if (many) "they" else "it")
}

# glance()'s number: NA where there is none, or too many rows to count it in passing.
left_out_loglik <- function(fit) {
  if (is_sample(fit$data) || fit$data$n > most_left_out) return(NA_real_)
  left <- leave_out(fit$data, fit$parameters, fit_model(fit), fit$df)
  if (is.null(left)) NA_real_ else left$loglik
}
