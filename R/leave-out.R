# What a fit is worth without single rows: the core takes each row out of the sums, makes one M-step and asks what the
# row is worth then (src/leave_out.h). A component of few rows follows each of them, and pays when it leaves.
#
#   leave_out()   list(loglik, gap, rows): the log-likelihood of rows that were left out, and for each component what
#                 its own rows, of which there are so many, lose by it, for each of its parameters. Near 1 for a maximum
#                 that rows in plenty made, also where the model is wrong; it does not depend on units, offsets, what lies
#                 elsewhere, or how often all rows are there.
#
# It is an alarm and no criterion: what chooses k by it takes too many components (inst/bench/select.md).
#
# Equal rows leave together: they would vouch for each other. What one row can lose is limited, lest a single far one
# condemn the component that holds it, or the whole fit. In the gap by the parameters of one component: a far row
# among others is not enough to lean, two or three rows with nothing beside them are. In the log-likelihood a row is worth no less, left out, than the least likely row of the
# fit less these parameters: a far row is that row, and loses no more than them, while rows that are likely because a
# component is made of them lose all of it, however narrow that is. (With one limit for both, three rows that are nearly
# one would lose three limits and win by the rest.)

# A component that leans on few rows loses more: a normal group loses 1 per parameter in large samples and near 2 in
# 2.5 (d + 1) rows. One of fewer than 1.5 (d + 1) rows, which is nearly always spurious, has to lose less. Any bar between
# 1.75 and 3 leads much nearer to the truth than none, and all about as near (inst/bench/few-rows.md).
least_gap <- 2.5
least_gap_of_tiny <- 2
tiny <- 1.5
nearly_all <- 0.9 # of what its rows can lose: two rows lose no more than 2
most_left_out <- 10000L # rows, up to which glance() and em_diagnose() count what leaving them out costs
one_row <- 0.9 # of the rows of a component that is a single one
most_copies <- 5 # of it

# Times as many rows as a component needs, d + 1 of Gaussian ones: it then leans on none of them. Those that lean have
# d + 1 or d + 2 or little more; sound groups of few rows lose 1.7 per parameter (12 rows in three dimensions), and
# large ones may lose more than that where the common spread is not theirs. 2 and 5 choose nearly the same winners.
enough_rows <- 3

# NULL where there is no such number: rows with missing cells, rows in units, counts with weights.
leave_out <- function(data, parameters, model, df, threads = 1L) {
  ask_once(data, list(parameters, model, df), function() leave_out_of(data, parameters, model, df, threads))
}

# The data for one search, in which all who judge a run ask the same of it: with room for what was answered.
remembering <- function(data) {
  data$answers <- new.env(parent = emptyenv())
  data
}

ask_once <- function(data, asked, answer) {
  if (is.null(data$answers)) return(answer())
  for (one in data$answers$all) if (identical(one$asked, asked)) return(one$answer)
  one <- list(asked = asked, answer = answer())
  data$answers$all <- c(data$answers$all, list(one))
  one$answer
}

leave_out_of <- function(data, parameters, model, df, threads) {
  counted <- is_tallied(model)
  if (!is.null(data$order) || (counted && !is.null(data$weights))) return(NULL)
  group <- if (counted) seq_len(data$n) else ask_once(data, "rows", function() number_of_row(data$x))
  rows <- leave_out_em(data, parameters, model, group, threads)
  if (!length(rows)) return(NULL)
  own <- df / model$k
  r <- expect_em(data, parameters, model, "responsibilities")$responsibilities[, seq_len(model$k), drop = FALSE]
  weights <- if (is.null(data$weights)) rep(1, data$n) else data$weights / weight_of_row(data$weights)
  counts <- weights > 0
  with <- rows$with[counts]
  loss <- with - rows$without[counts]
  r <- r[counts, , drop = FALSE] * weights[counts]
  copies <- sum(weights) / length(unique(group[counts]))
  list(loglik = sum(weights[counts] * (with - pmin(loss, with - min(with) + own))),
       gap = colSums(r * pmin(loss, own)) / (own * copies), rows = colSums(r) / copies)
}

# Equal rows get equal numbers, from 1 as they appear.
number_of_row <- function(x) {
  columns <- lapply(seq_len(ncol(x)), function(j) match(x[, j], x[, j]))
  key <- Reduce(function(a, b) match(a + nrow(x) * b, a + nrow(x) * b), lapply(columns, as.double))
  match(key, unique(key))
}

can_lean <- function(model) model$k > 1L && family_can_lean(model$family) && !holds_parameters(model)

# What the search and the fit itself ask of a run: list(loglik, components), NULL where no component is small enough to
# be asked. A component of a single row is none of them where it is a maximum like any other: see single_rows().
leaning_of <- function(run, data, model) {
  if (is_assigned(run)) return(NULL) # no maximum of the likelihood
  if (!is.null(data$whole)) return(NULL) # of a sample it would say something else
  if (length(run$degenerate) || run$status %in% c("bad_start", "collapsed")) return(NULL)
  row_weight <- weight_of_row(data$weights)
  size <- run$counts[seq_len(model$k)] / (row_weight * family_rows_needed(model$family, data))
  few <- size < enough_rows
  if (!any(few) || !can_lean(model)) return(NULL)
  left <- leave_out(data, run$parameters, model, run$df)
  if (is.null(left)) return(NULL)
  components <- which(few & left$gap > ifelse(size < tiny, pmin(least_gap_of_tiny, nearly_all * left$rows), least_gap))
  if (length(components)) components <- setdiff(components, single_rows(run, data, model))
  list(loglik = left$loglik, components = components)
}

# Where the likelihood is bounded a lone row is a maximum like any other, and stays one when it leaves: it is told, and
# in a table it must be worth more than `rival_bic` to win. Components that are one row, with its copies; not of
# counts, which repeat themselves.
single_rows <- function(run, data, model) {
  apart <- model$k > 1L && family_is_bounded(model$family) && !holds_parameters(model) && !is_tallied(model)
  if (!apart || !is.null(data$whole) || run$status %in% c("bad_start", "collapsed")) return(integer())
  few <- unname(which(run$counts[seq_len(model$k)] < most_copies * weight_of_row(data$weights)))
  if (!length(few) || !is.null(shared_units(data)) || latent_keeps_order(model$latent)) return(integer())
  r <- expect_em(data, run$parameters, model, "responsibilities")$responsibilities[, few, drop = FALSE]
  if (!is.null(data$weights)) r <- r * data$weights
  r <- rowsum(r, ask_once(data, "rows", function() number_of_row(data$x)), reorder = FALSE)
  few[apply(r, 2L, max) > one_row * colSums(r)]
}

leans <- function(left) length(left$components) > 0L

# Does b stand the loss of rows where a does not? Then a does not win over it, however high.
stands_better <- function(b, a, data, model) {
  if (!run_is_sound(b)) return(FALSE)
  worth <- worth_of_sound(b, data, model)
  !is.na(worth) && worth > leaning_of(a, data, model)$loglik
}

# The log-likelihood of rows left out; NA of a run that leans, or where there is no such number.
worth_of_sound <- function(run, data, model, left = leaning_of(run, data, model)) {
  if (leans(left)) return(NA_real_)
  if (is.null(left)) left <- leave_out(data, run$parameters, model, run$df)
  if (is.null(left)) NA_real_ else left$loglik
}

describe_leaning <- function(fit) {
  if (!length(fit$leaning)) {
    if (is.null(fit$passed_over)) return(NULL)
    return(sprintf("A higher maximum, %s, leans on few rows and was passed over.", fixed(fit$passed_over, 2L)))
  }
  single <- intersect(fit$leaning, single_rows(fit, fit$data, fit_model(fit)))
  paste(c(describe_single(fit, single), describe_few(fit, setdiff(fit$leaning, single))), collapse = " ")
}

describe_single <- function(fit, components) {
  if (!length(components)) return(NULL)
  many <- length(components) > 1L
  rows <- vapply(components, function(component) describe_points(fit, component), "")
  sprintf("%s %s %s no group: %s.", if (many) "Components" else "Component", enumerate(names(fit$counts)[components]),
          if (many) "are" else "is", enumerate(rows))
}

describe_few <- function(fit, components) {
  if (!length(components)) return(NULL)
  many <- length(components) > 1L
  sprintf("%s %s %s on few rows: without one of them %s would be elsewhere.", if (many) "Components" else "Component",
          enumerate(names(fit$counts)[components]), if (many) "lean" else "leans", if (many) "they" else "it")
}

# glance()'s number: NA where there is none, or too many rows to count it in passing.
left_out_loglik <- function(fit) {
  if (is_sample(fit$data) || fit$data$n > most_left_out) return(NA_real_)
  left <- leave_out(fit$data, fit$parameters, fit_model(fit), fit$df)
  if (is.null(left)) NA_real_ else left$loglik
}
