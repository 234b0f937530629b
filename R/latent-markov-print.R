# What print says of a chain.

#' @export
latent_title.em_latent_markov <- function(latent, label, k) {
  paste0("Hidden Markov model, ", emission_word(label), ": ", plural(k, "state"))
}

# What the states emit: "Poisson" of "Poisson mixture"; a title that says nothing of that has a word of its own.
emission_word <- function(label) if (is.null(label$word)) sub(" mixture$", "", label$title) else label$word

#' @export
latent_models.em_latent_markov <- function(latent, label) {
  c(paste0("Hidden Markov models, ", emission_word(label)), "states")
}

#' @export
latent_rows_label.em_latent_markov <- function(latent, data) {
  paste(" in", plural(count_series(data), "series", "series"))
}

# The lines below the table of a fit; of many states only what they are called is left to coef().
#' @export
latent_lines.em_latent_markov <- function(latent, fit) {
  if (fit$k == 1L || fit$k > 6L) return(NULL)
  transition <- fit$parameters$transition
  held <- markov_held(latent, fit$k)
  cells <- formatC(transition, digits = 3L, format = "f")
  cells[!is.nan(held$transition) & transition == 0] <- "held at 0"
  states <- names(fit$counts)
  # A state that the chain never leaves in all these rows is not left after 1e11 of them either.
  times <- ifelse((1 - diag(transition)) * fit$counts < 1e-3, Inf, dwell_times(transition))
  stay <- c("stay", number(round(times, 1L)))
  columns <- apply(cbind(rbind(states, cells), stay), 2L, format, justify = "right")
  label <- format(c("Transition from row to column", states), justify = "right")
  at_limit <- count_series(fit$data) == 1L && anyNA(held$initial) && identical(latent$initial, "free") &&
    max(fit$parameters$initial) > 1 - 1e-6
  c(paste(label, apply(columns, 1L, paste, collapse = " ")),
    paste0("Initial: ", paste(number(round(fit$parameters$initial, 3L)), collapse = ", "),
           if (identical(latent$initial, "stationary")) " (stationary)",
           if (at_limit) " (one series: at its limit)"), "")
}
