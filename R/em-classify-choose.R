# Which numbers of components and which structure: choose_classes() returns what an em_classify is made of.

choose_classes <- function(plan, asked, warn = TRUE) {
  if (!asked$shared) return(choose_apart(plan, asked))
  cells <- list()
  score <- function(k, family) {
    key <- paste(family_structure(family), paste(k, collapse = "+"))
    if (is.null(cells[[key]])) cells[[key]] <<- try_classes(plan, k, family, asked)
    cells[[key]]$value
  }
  for (family in asked$families) climb(function(k) score(k, family), asked$k)
  values <- vapply(cells, `[[`, 0, "value")
  best <- cells[[order(values, vapply(cells, function(cell) c(cell$df, NA)[1L], 0L))[1L]]]
  if (!is.finite(best$value)) abort_no_classes(cells)
  fit <- as_class_fit(plan, best, quote(em_fit()))
  groups <- best$groups
  shares <- rowsum(unname(shares_of(fit)), groups, reorder = FALSE)[, 1L]
  components <- data.frame(component = names(fit$counts), class = all_classes(plan)[groups],
                           share = unname(shares_of(fit)) / shares[groups], n = unname(fit$counts), fit = 1L,
                           at = seq_along(groups))
  list(fits = list(fit), components = components, shares = stats::setNames(shares, all_classes(plan)),
       loglik = fit$loglik, df = fit$df, table = class_table(cells, asked$criterion))
}

# From the fewest components on, class by class, as long as one of them gains by another number.
climb <- function(score, candidates) {
  k <- vapply(candidates, `[[`, 0L, 1L)
  best <- score(k)
  repeat {
    before <- k
    for (at in which(lengths(candidates) > 1L)) for (one in candidates[[at]]) {
      value <- score(replace(k, at, one))
      if (value < best) {
        k[at] <- one
        best <- value
      }
    }
    if (identical(k, before)) return(k)
  }
}

# A candidate with its value by the criterion, Inf where it came to nothing; the only one has to come to something.
try_classes <- function(plan, k, family, asked) {
  cell <- if (has_choice(asked)) {
    tryCatch(suppress_emfit(fit_classes(plan, k, family)), emfit_error = function(e) {
      list(k = k, sound = FALSE, reason = first_line(e))
    })
  } else fit_classes(plan, k, family)
  cell$family <- family
  if (!has_choice(asked)) cell$sound <- TRUE
  cell$BIC <- if (is.null(cell$loglik)) NA_real_ else cell$df * log(count_observations(plan$data)) - 2 * cell$loglik
  if (cell$sound && asked$criterion == "CV" && has_choice(asked)) cell$CV <- held_out_loss(plan, k, family)
  value <- if (cell$sound) c(cell[["CV"]], cell$BIC)[1L] else Inf
  cell$value <- if (is.na(value)) Inf else value
  cell
}

abort_no_classes <- function(cells) {
  reasons <- unique(unlist(lapply(cells, `[[`, "reason")))
  reasons <- utils::head(reasons[!is.na(reasons)], 3L)
  abort_em("degenerate", c("None of these numbers of components and structures led to a fit.",
                           stats::setNames(reasons, rep("x", length(reasons)))))
}

class_table <- function(cells, criterion) {
  of <- function(name) vapply(cells, function(cell) if (is.null(cell[[name]])) NA_real_ else as.double(cell[[name]]), 0)
  out <- data.frame(k = vapply(cells, function(cell) paste(cell$k, collapse = " + "), ""),
                    covariance = vapply(cells, function(cell) family_structure(cell$family), ""), logLik = of("loglik"),
                    df = as.integer(of("df")), BIC = of("BIC"), CV = of("CV"),
                    status = vapply(cells, function(cell) if (is.null(cell$run)) "failed" else run_status(cell$run),
                                    ""),
                    reason = vapply(cells, function(cell) c(cell$reason, NA_character_)[1L], ""), row.names = NULL)
  if (criterion != "CV") out$CV <- NULL
  out[order(vapply(cells, `[[`, 0, "value")), ]
}

# Each class by itself, by the search of em_select().
choose_apart <- function(plan, asked) {
  n <- length(plan$classes)
  picked <- lapply(seq_len(n), function(at) {
    data <- keep_data_rows(plan$data, class_rows(plan, at))
    folds <- if (is.null(plan$folds)) 2L else min(max(plan$folds, na.rm = TRUE), data$n)
    for_class(plan$classes[at], {
      models <- suppress_emfit(select_data(data, asked$k[[at]], asked$covariance, asked$families[[1L]], em_mixture(),
                                           if (is.null(plan$folds)) "BIC" else "CV", folds, "auto", plan$control,
                                           quote(em_select())))
      list(fit = best(models), table = models$table)
    })
  })
  fits <- lapply(picked, `[[`, "fit")
  sizes <- vapply(fits, `[[`, 0, "nobs")
  ks <- vapply(fits, `[[`, 0L, "k")
  shares <- sizes / sum(sizes)
  components <- data.frame(component = component_names_by_class(plan, ks), class = rep(plan$classes, ks),
                           share = unlist(lapply(fits, function(fit) unname(shares_of(fit)))),
                           n = unlist(lapply(fits, function(fit) unname(fit$counts))), fit = rep(seq_len(n), ks),
                           at = unlist(lapply(ks, seq_len)))
  table <- do.call(rbind, lapply(seq_len(n), function(at) {
    columns <- intersect(c("k", "covariance", "logLik", "df", "BIC", "CV", "status", "reason"),
                         names(picked[[at]]$table))
    data.frame(class = plan$classes[at], picked[[at]]$table[columns])
  }))
  list(fits = stats::setNames(fits, plan$classes), components = components,
       shares = stats::setNames(shares, plan$classes),
       loglik = sum(vapply(fits, `[[`, 0, "loglik")) + sum(sizes * log(shares)),
       df = sum(vapply(fits, `[[`, 0L, "df")) + n - 1L, table = table)
}

# What goes wrong in a class is told with its name.
for_class <- function(class, code) {
  tryCatch(code, emfit_error = function(e) {
    abort_em("degenerate", c(sprintf("Class %s can't be fitted by itself.", dQuote(class, FALSE)), x = first_line(e)))
  })
}

# Folds ---------------------------------------------------------------------------------------------------------

# The part of each row with a class: every class is cut by itself, so that all parts have of all classes. Rows without a
# class are never left out.
class_folds <- function(plan, folds) {
  known <- which(!is.na(plan$codes))
  if (length(folds) > 1L) return(given_folds(folds, plan, known))
  folds <- check_count(folds, "folds", 2L)
  if (folds > length(known)) {
    abort_em("argument", sprintf("`folds` can't be more than the rows with a class: %d, not %d.", length(known), folds))
  }
  out <- rep(NA_integer_, length(plan$codes))
  mixed <- known[sample.int(length(known))]
  mixed <- mixed[order(plan$codes[mixed])]
  out[mixed] <- rep_len(sample.int(folds), length(mixed))
  out
}

given_folds <- function(folds, plan, known) {
  if (length(folds) != length(plan$codes) || anyNA(folds[known]) || length(unique(folds[known])) < 2L) {
    abort_em("argument", sprintf("`folds` must be a number, or say in which of two parts or more each of the %s is.",
                                 plural(length(plan$codes), "row")))
  }
  out <- match(folds, unique(folds[known]))
  out[-known] <- NA
  out
}

# The plan without a part of the rows, and these.
plan_without <- function(plan, fold) {
  left <- which(plan$folds == fold)
  rows <- setdiff(seq_along(plan$codes), left)
  out <- plan
  out$data <- keep_data_rows(plan$data, rows)
  out$codes <- plan$codes[rows]
  out$cache <- new.env(parent = emptyenv())
  out["folds"] <- list(NULL)
  gone <- which(!seq_along(plan$classes) %in% out$codes)
  if (length(gone)) {
    abort_em("argument", c(
      sprintf("Class %s has all its rows in one part, so nothing is left to fit it to.", quoted(plan$classes[gone])),
      i = "It needs two rows at least, in different parts."
    ))
  }
  list(plan = out, held = keep_data_rows(plan$data, left), rows = left)
}

# Minus twice the log probability of the classes of rows that were left out; NA where a part leaves too few.
held_out_loss <- function(plan, k, family) {
  parts <- class_fold_parts(plan)
  losses <- vapply(parts, function(part) {
    tryCatch(suppress_emfit({
      cell <- fit_classes(part$plan, k, family)
      if (!cell$sound) return(NA_real_)
      prob <- held_out_prob(core_of_cell(cell), part$held, NULL)
      w <- if (is.null(part$held$weights)) 1 else part$held$weights
      sum(w * log_loss(prob, plan$codes[part$rows]))
    }), emfit_error = function(e) NA_real_)
  }, 0)
  2 * sum(losses)
}

# Kept with the plan, so that every candidate is judged by the same parts and searches each class of them once.
class_fold_parts <- function(plan) {
  if (is.null(plan$cache$parts)) {
    plan$cache$parts <- lapply(seq_len(max(plan$folds, na.rm = TRUE)), function(fold) plan_without(plan, fold))
  }
  plan$cache$parts
}

core_of_cell <- function(cell) {
  p <- cell$run$parameters
  share <- latent_shares(cell$task$model$latent, p)
  shares <- rowsum(share, cell$groups, reorder = FALSE)[, 1L]
  fit <- list(parameters = p, family = cell$task$model$family, latent = cell$task$model$latent, k = cell$task$model$k)
  list(fits = list(fit), shares = shares,
       components = data.frame(class = cell$groups, share = share / shares[cell$groups], fit = 1L,
                               at = seq_along(share)))
}

held_out_prob <- function(core, data, prior) {
  log_density <- class_densities(core, component_densities(core, data))
  class_posterior(log_density, if (is.null(prior)) core$shares else prior)
}

# -log of the probability of the true class; a probability of 0 counts as the smallest number there is.
log_loss <- function(prob, codes) -log(pmax(prob[cbind(seq_along(codes), codes)], .Machine$double.xmin))
