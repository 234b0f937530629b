# Cross-validation for em_select(): the rows, or units, are cut into folds; every model is fitted to all folds but one, and
# scored by the log-likelihood of that one. A model starts from its own partition of all rows and from k-means++.

draw_folds <- function(data, folds, units = NULL) {
  folds <- check_count(folds, "folds", 2L)
  if (!is.null(units)) {
    n <- length(unique(units))
    check_units_drawn(n, "criterion = \"CV\"", "criterion = \"BIC\"")
    return(sample(rep_len(seq_len(min(folds, n)), n))[units])
  }
  most <- if (is.null(data$unit)) data$n else max(data$unit$codes)
  if (folds > most) {
    abort_em("argument", sprintf("`folds` can't be more than the %s: %d, not %d.",
                                 if (is.null(data$unit)) "rows" else "units", most, folds))
  }
  draw_units(data, function(w) sample(rep_len(seq_len(folds), length(w))))
}

cross_validate <- function(search) {
  folds <- seq_len(max(search$folds))
  model <- search$cells[[1L]][[1L]]$model
  parts <- lapply(folds, function(fold) {
    fitted <- keep_data_rows(search$data, which(search$folds != fold))
    list(fold = fold, fitted = fitted, native = tallied(fitted, model),
         held = keep_data_rows(search$data, which(search$folds == fold)))
  })
  for (at in seq_along(search$ks)) {
    drawn <- lapply(parts, function(part) draw_fold_starts(search, at, part$fitted))
    for (i in seq_along(search$cells[[at]])) {
      if (is_sound(search$cells[[at]][[i]])) {
        search$cells[[at]][[i]]$cv <- held_out_deviance(search, at, i, parts, drawn)
      }
      search$tick()
    }
  }
}

keep_data_rows <- function(data, rows) {
  data$x <- data$x[rows, , drop = FALSE]
  data$weights <- data$weights[rows]
  data$row_names <- data$row_names[rows]
  if (!is.null(data$series)) data$series <- data$series[rows, drop = TRUE]
  data$n <- length(rows)
  data["missing"] <- list(NULL)
  data["unit"] <- list(keep_units(data$unit, rows))
  data["order"] <- list(row_order(data))
  data
}

draw_fold_starts <- function(search, at, fitted) {
  sound <- Filter(is_sound, search$cells[[at]])
  if (!length(sound)) return(NULL)
  model <- sound[[1L]]$model
  n_start <- latent_draws(model$latent, model$k, search$control$n_start)
  items <- tryCatch(draw_starts(fitted, model, "kmeans++", n_start, deep = FALSE), emfit_error = function(e) NULL)
  lapply(items, function(item) c(item, method = "kmeans++"))
}

# NA where the rows that are left can't be fitted.
held_out_deviance <- function(search, at, i, parts, drawn) {
  model <- search$cells[[at]][[i]]$model
  items <- lapply(seq_along(parts), function(f) c(own_start(search, at, i, parts[[f]]), drawn[[f]]))
  if (!all(lengths(items) > 0L)) return(NA_real_)
  runs <- race_em(lapply(parts, `[[`, "native"), items, model, search$long, 2L, weight_unit(search$data$weights))
  if (!all(vapply(runs, run_is_sound, NA))) return(NA_real_)
  scores <- Map(function(part, run) {
    rows <- expect_em(part$held, run$parameters, model, "row_loglik")$row_loglik
    weighted_sum(rows, part$held$weights)
  }, parts, runs)
  -2 * sum(unlist(scores))
}

own_start <- function(search, at, i, part) {
  cell <- search$cells[[at]][[i]]
  if (is_tallied(cell$model)) return(list(parameters_start(cell$run$parameters, "full")))
  partition_of_rows(search, at, i, which(search$folds != part$fold), part$fitted)
}

partition_of_rows <- function(search, at, i, rows, fitted) {
  cell <- search$cells[[at]][[i]]
  labels <- usable_partition(cell_labels(search, at, i)[rows], latent_columns(cell$model$latent, cell$model$k))
  if (is.null(labels)) NULL else list(partition_start(labels, "full", fitted))
}

# Rows of weight 0 take no part, whatever they have.
weighted_sum <- function(x, weights) if (is.null(weights)) sum(x) else sum((weights * x)[weights > 0])

# The most probable component of each row; kept, as every fold asks for it.
cell_labels <- function(search, at, i) {
  cell <- search$cells[[at]][[i]]
  if (is.null(cell$labels)) {
    r <- expect_em(search$data, cell$run$parameters, cell$model, "responsibilities",
                   threads = search$control$threads)$responsibilities
    cell$labels <- max.col(r, ties.method = "first")
    search$cells[[at]][[i]] <- cell
  }
  cell$labels
}

usable_partition <- function(labels, k) if (length(unique(labels)) == k && max(labels) == k) labels
