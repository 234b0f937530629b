# update(fit, append = rows): rows of a source that has grown. They are looked at as the others were, and stand behind them; the
# fit goes on from where it was, with all rows.

update_by_append <- function(object, given, plain) {
  if (!is_sample(object$data)) {
    abort_em("unsupported", c("`append` is for fits of rows in chunks.",
                              i = "Fit both together from here: em_fit(rbind(rows, more), k, start = fit)."))
  }
  if (!plain) abort_em("argument", "`formula.` can't be given beside `append`.")
  append_to_fit(object, given)
}

append_to_fit <- function(fit, given) {
  check_append_arguments(given)
  look <- append_to_look(fit, given$append)
  control <- if (is.null(given$control)) fit$control else as_em_control(given$control)
  latent <- if (is.null(fit$asked$latent)) unresolved_latent(fit$latent) else fit$asked$latent
  fit_look(look, fit$k, latent, fit, fit$asked$fixed, control, fit$call)
}

check_append_arguments <- function(given) {
  other <- setdiff(names_of(given), c("append", "control"))
  if (!length(other)) return(invisible())
  abort_em("argument", c(sprintf("`%s` can't be changed while rows are put behind others.", other[1L]),
                         i = "update(fit, append = rows), and then what else is wanted: em_fit(look, ...)."))
}

# The old fit, its sample and its rows stay as they are.
append_to_look <- function(fit, rows) {
  old <- fit$data$whole$look
  if (!is.null(old$store$crew)) {
    abort_em("unsupported", c("Rows can't be put behind those that the workers of a cluster hold.",
                              i = "Fit both from here: em_fit(em_chunks(all, cluster = cl), k, start = fit)."))
  }
  reading <- list2env(as.list(old$reading, all.names = TRUE), parent = emptyenv())
  source <- if (inherits(rows, "em_chunks")) rows$source else chunk_source(rows, NULL, page_rows, NULL)
  opened <- source$open()
  read <- read_whole_units(careful_reader(opened, reading), reading)
  on.exit(shut_reader(opened))
  began <- proc.time()[["elapsed"]]
  added <- new_store(if (old$store$kind() == "file") "file" else if (reading$spec$cache == "none") "memory" else reading$spec$cache)
  keeper <- old$keeper$copy()
  moments <- new_moments(old$moments$total())
  take_rows(reading, read, added, keeper, moments, on = TRUE)
  if (reading$row == fit$data$whole$n) abort_em("input", "`append` has no rows.")
  new_look(reading, store_of_both(old$store, added), keeper, moments, proc.time()[["elapsed"]] - began)
}

# One behind the other.
store_of_both <- function(first, second) {
  ends <- first$ends
  list(get = function(i) {
    if (i <= first$count()) return(first$get(i))
    if (i == first$count() + 1 && !is.null(ends)) ends()
    second$get(i - first$count())
  }, count = function() first$count() + second$count(), kind = function() first$kind(),
  bytes = function() first$bytes() + second$bytes())
}
