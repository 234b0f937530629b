#' @rdname em_select
#' @param finalists Of rows in chunks, [em_chunks()]: how many of the fits to a sample of the rows, the best by `criterion`,
#'   go on with all rows. The table has these; `x` may also be an [em_look()].
#' @export
em_select.em_chunks <- function(x, k = 1:9, covariance = NULL, family = em_gaussian(), latent = em_mixture(),
                                criterion = c("BIC", "ICL", "AIC"), finalists = 5, control = em_control(), ...) {
  check_dots(...)
  covariance <- structures_asked_for(covariance, family)
  latent <- as_em_latent(latent)
  check_latent_in_chunks(latent)
  look <- if (inherits(x, "em_look")) x else look_at(x, as_em_family(family), latent)
  check_look_latent(look, latent)
  select_look(look, k, covariance, latent, check_choice(criterion, "criterion", c("BIC", "ICL", "AIC")),
              check_count(finalists, "finalists"), as_em_control(control), match.call())
}

#' @rdname em_select
#' @export
em_select.em_look <- em_select.em_chunks

# A table of fits to the sample, its best made again with all rows.
select_look <- function(look, k, covariance, latent, criterion, finalists, control, call) {
  control$checkpoint <- NULL
  data <- look$data
  data["whole"] <- list(NULL)
  out <- select_data(data, k, covariance, look$family, latent, criterion, 10, "auto", control, call)
  rows <- utils::head(rank_fits(out$table, criterion), finalists)
  if (!length(rows)) abort_nothing_fitted(out$table)
  cells <- lapply(out$cells[rows], remake_cell, look = look, control = control)
  out$shortlist <- list(of = nrow(out$table), rows = data$n, all = look$n)
  out$nobs <- look$data$whole$weight
  out$data <- unclass(look$data)
  out$table <- remake_table(out$table[rows, ], cells, look)
  out$cells <- cells
  out
}

remake_cell <- function(cell, look, control) {
  item <- list(parameters = cell$run$parameters, may_borrow = FALSE)
  run <- run_chunks(chunk_task(look, cell$model, control), list(item))
  list(model = cell$model, run = run, starts = plain_frame(c(list(method = "sample"), run$starts)))
}

remake_table <- function(table, cells, look) {
  number_of <- function(ask) vapply(cells, ask, 0)
  table$logLik <- number_of(function(cell) cell$run$loglik - cell$run$log_prior)
  table$AIC <- 2 * table$df - 2 * table$logLik
  table$BIC <- table$df * log(look$data$whole$weight) - 2 * table$logLik
  clear <- lapply(cells, function(cell) clarity_of_all(look$data, cell$run$parameters, cell$model))
  table$ICL <- table$BIC - 2 * vapply(clear, `[[`, 0, "log_top")
  table$entropy <- vapply(clear, `[[`, 0, "entropy")
  table$prob.min <- vapply(clear, `[[`, 0, "least")
  table$n.min <- number_of(function(cell) min(cell$run$counts[seq_len(cell$model$k)]))
  table$converged <- vapply(cells, function(cell) cell$run$status == "converged", NA)
  row.names(table) <- NULL
  table
}

describe_shortlist <- function(x) {
  if (is.null(x$shortlist)) return(NULL)
  sprintf("The best of %s to a sample of %s rows, made again with all %s.", plural(x$shortlist$of, "fit"),
          number(x$shortlist$rows, 10L), plural(x$shortlist$all, "row"))
}
