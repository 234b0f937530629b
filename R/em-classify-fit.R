# A fit of classes: K components, k of them for each class, rows with a class held to the components of it.

# Rows that count in each class.
class_rows <- function(plan, at) {
  rows <- which(plan$codes == at)
  if (is.null(plan$data$weights)) rows else rows[plan$data$weights[rows] > 0]
}

check_class_rows <- function(plan, k, family) {
  needed <- family_least_rows(family, plan$data)
  row_weight <- weight_of_row(plan$data$weights)
  for (at in seq_along(plan$classes)) {
    rows <- length(class_rows(plan, at))
    if (k[at] > rows) {
      abort_em("argument", sprintf("`k` can't be %d for class %s: it has %s.", k[at], dQuote(plan$classes[at], FALSE),
                                   plural(rows, "row")))
    }
    if (anyNA(plan$codes)) next
    weight <- if (is.null(plan$data$weights)) rows else sum(plan$data$weights[class_rows(plan, at)]) / row_weight
    if (weight >= k[at] * needed) next
    abort_em("degenerate", c(
      sprintf("Class %s has %s, too few for %s: each needs %s at least for a covariance of its own.",
              dQuote(plan$classes[at], FALSE), plural(weight, "row"), plural(k[at], "component"), number(needed)),
      i = simpler_class_hint(family)
    ))
  }
}

simpler_class_hint <- function(family) {
  simpler <- family_simpler(family)
  if (!is.null(simpler)) sprintf("Use fewer components, or covariance = \"%s\".", simpler)
}

component_names_by_class <- function(plan, k) {
  paste(rep(all_classes(plan), k), unlist(lapply(k, seq_len)))
}

# What the classes say of the components that rows may belong to.
class_labels <- function(plan, k) {
  names <- component_names_by_class(plan, k)
  if (all(k == 1L)) return(list(levels = names, codes = plan$codes, beliefs = NULL))
  groups <- rep(seq_along(k), k)
  beliefs <- matrix(1, length(plan$codes), length(groups))
  known <- which(!is.na(plan$codes))
  beliefs[known, ] <- outer(plan$codes[known], groups, `==`) + 0
  first <- match(plan$codes, groups)
  list(levels = names, codes = ifelse(k[plan$codes] == 1L, first, NA_integer_), beliefs = beliefs)
}

# One candidate, all classes in one fit: what came of it, and what makes a fit of it.
fit_classes <- function(plan, k, family) {
  check_class_rows(plan, k, family)
  k <- c(k, if (plan$unknown > 0L) plan$unknown)
  groups <- rep(seq_along(k), k)
  data <- plan$data
  data$labels <- class_labels(plan, k)
  model <- list(family = family_check(family, data, length(groups)), latent = em_mixture(), k = length(groups))
  task <- list(data = data, model = model, control = plan$control, native = tallied(data, model))
  check_enough_rows(task)
  items <- class_starts(plan, task, k)
  kinds <- vapply(items, `[[`, "", "method")
  run <- run_class_starts(task, items, kinds)
  if (run$status == "bad_start") abort_class_start(plan, groups[run$component])
  list(run = run, task = task, k = k, groups = groups, loglik = run$loglik - run$log_prior, df = as.integer(run$df),
       sound = run_is_sound(run), reason = run_reason(run))
}

abort_class_start <- function(plan, at) {
  abort_em("degenerate", c(
    sprintf("No start led to a fit: class %s has too few different rows for its components.",
            dQuote(all_classes(plan)[at], FALSE)),
    i = "Use fewer components, or a covariance that classes share, as covariance = \"EEE\"."
  ))
}

run_class_starts <- function(task, items, kinds) {
  if (length(items) == 1L) run_task(task, items, kinds) else race_starts(task, items, kinds)
}

as_class_fit <- function(plan, cell, call) {
  start <- list(model = cell$task$model, names = component_names_by_class(plan, cell$k), ordered = FALSE,
                groups = cell$groups, supplied = FALSE, raced = TRUE, method = cell$run$method)
  new_em_fit(cell$run, start, cell$task$data, plan$control, call)
}

# Starts: the optimum of each class by itself; where that is not what the whole comes to, groups drawn inside them.
class_starts <- function(plan, task, k) {
  own <- seq_along(plan$classes)
  optima <- lapply(own, function(at) class_optimum(plan, at, k[at], task$model$family))
  joined <- list(c(join_classes(task$data, plan, k, optima), method = "classes"))
  more <- any(k[own] > 1L) && (anyNA(plan$codes) || family_shares(task$model$family))
  if (more) joined <- c(joined, drawn_in_classes(plan, task, k))
  if (plan$unknown > 0L) joined <- with_unknown(joined, plan, task, k)
  lapply(joined, function(item) {
    item$responsibilities <- native_order(item$responsibilities, task$data)
    item
  })
}

# Responsibilities of all rows from those of the rows of each class; rows without a class have none.
join_classes <- function(data, plan, k, parts) {
  r <- matrix(0, data$n, sum(k))
  last <- cumsum(k)
  for (at in seq_along(parts)) {
    r[class_rows(plan, at), last[at] - k[at] + seq_len(k[at])] <- parts[[at]]
  }
  list(responsibilities = r, may_borrow = TRUE)
}

class_task <- function(plan, at, k, family) {
  data <- keep_data_rows(plan$data, class_rows(plan, at))
  model <- list(family = family_check(family, data, k), latent = em_mixture(), k = k)
  list(data = data, model = model, control = plan$control, native = tallied(data, model))
}

# As em_fit() would find it; kept, because many candidates ask for it.
class_optimum <- function(plan, at, k, family) {
  if (k == 1L) return(matrix(1, length(class_rows(plan, at)), 1L))
  key <- paste(at, k, format(family))
  if (is.null(plan$cache[[key]])) plan$cache[[key]] <- search_class(plan, at, k, family)
  plan$cache[[key]]
}

search_class <- function(plan, at, k, family) {
  tryCatch(suppress_emfit({
    task <- class_task(plan, at, k, family)
    run <- search_em(task$data, list(supplied = FALSE, model = task$model, method = "varied"),
                     replace(plan$control, "path", FALSE))
    expect_em(task$data, run$parameters, task$model, "responsibilities")$responsibilities
  }), emfit_error = function(e) any_groups(length(class_rows(plan, at)), k))
}

any_groups <- function(n, k) diag(k)[sample(rep_len(seq_len(k), n)), , drop = FALSE]

suppress_emfit <- function(code) {
  withCallingHandlers(code, emfit_warning = function(w) tryInvokeRestart("muffleWarning"))
}

class_kinds <- c("kmeans++", "random")

drawn_in_classes <- function(plan, task, k) {
  n <- task$control$n_start
  drawn <- lapply(class_kinds, function(kind) {
    parts <- lapply(seq_along(plan$classes), function(at) draw_in_class(plan, at, k[at], task$model$family, kind, n))
    lapply(seq_len(n), function(s) c(join_classes(task$data, plan, k, lapply(parts, `[[`, s)), method = kind))
  })
  do.call(c, drawn)
}

# n matrices of responsibilities.
draw_in_class <- function(plan, at, k, family, kind, n) {
  rows <- length(class_rows(plan, at))
  if (k == 1L) return(rep(list(matrix(1, rows, 1L)), n))
  groups <- tryCatch(suppress_emfit({
    task <- class_task(plan, at, k, family)
    items <- draw_starts(task$data, task$model, kind, n, native_data(task$data, task$model))
    lapply(items, responsibilities_of_item, task = task)
  }), emfit_error = function(e) list())
  lapply(seq_len(n), function(s) if (s > length(groups) || is.null(groups[[s]])) any_groups(rows, k) else groups[[s]])
}

responsibilities_of_item <- function(item, task) {
  r <- if (is.null(item$partition)) first_step(item, native_data(task$data, task$model), task$model)$responsibilities
       else diag(task$model$k)[item$partition, , drop = FALSE]
  if (!is.null(r)) user_order(r, task$data)
}

unknown_shares <- c(0.1, 0.3, 0.6) # of the rows without a class, those least likely in the classes

with_unknown <- function(items, plan, task, k) {
  free <- which(is.na(plan$codes))
  columns <- sum(k) - plan$unknown + seq_len(plan$unknown)
  known <- list(family = task$model$family, latent = em_mixture(), k = columns[1L] - 1L)
  data <- plan$data
  do.call(c, lapply(items, function(item) {
    begun <- list(responsibilities = native_order(item$responsibilities[, seq_len(known$k), drop = FALSE], data),
                  may_borrow = TRUE)
    step <- first_step(begun, native_data(data, known), known)
    far <- if (is.null(step)) sample(free) else free[order(user_order(step$row_loglik, data)[free])]
    lapply(unknown_shares, function(share) {
      rows <- utils::head(far, max(plan$unknown, ceiling(share * length(far))))
      item$responsibilities[cbind(rows, columns[sample(rep_len(seq_along(columns), length(rows)))])] <- 1
      item
    })
  }))
}

# Have its components parameters in common?
family_shares <- function(family) UseMethod("family_shares")
#' @export
family_shares.default <- function(family) FALSE
#' @export
family_shares.em_family_gaussian <- function(family) !family$covariance %in% c("VVV", "VVI", "VII", "V")
