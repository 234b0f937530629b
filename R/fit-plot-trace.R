# type = "trace": the log-likelihood by iteration, the start included; every start thin, the best bold.

plot_data_trace <- function(fit) {
  list(trace = fit$trace, starts = start_traces(fit), ends = trace_ends(fit),
       variable = if (has_prior(fit)) "log-likelihood + log prior" else "log-likelihood")
}

# The log-likelihoods of all starts in long form; those of -Inf (a start far off) leave a gap.
start_traces <- function(fit) {
  traces <- if (is.null(fit$traces)) list(fit$trace$loglik) else fit$traces
  lengths <- lengths(traces)
  data.frame(start = rep(seq_along(traces), lengths), iteration = sequence(lengths) - 1L,
             loglik = as.double(unlist(traces)))
}

# Where each start ended; the kept one is the end of the trace.
trace_ends <- function(fit) {
  data.frame(start = seq_len(nrow(fit$starts)), iteration = fit$starts$iterations, loglik = fit$starts$loglik,
             status = fit$starts$status)
}

#' @export
draw_plot.em_plot_trace <- function(data, look) {
  trace <- data$trace
  several <- nrow(data$ends) > 1L
  xlim <- c(-0.02, 1.03) * max(trace$iteration, data$starts$iteration, 1)
  ylim <- padded_range(c(trace$loglik, data$starts$loglik), 0.06)
  old <- open_frame(xlim, ylim, look, "iteration", data$variable, if (several) trace_key())
  on.exit(graphics::par(old))
  if (several) draw_starts_thin(data)
  graphics::lines(trace$iteration, trace$loglik, col = okabe_ito[["blue"]], lwd = 3)
  if (nrow(trace) <= 60L) {
    graphics::points(trace$iteration, trace$loglik, pch = 19L, col = okabe_ito[["blue"]], cex = 0.8)
  }
}

draw_starts_thin <- function(data) {
  for (rows in split(seq_len(nrow(data$starts)), data$starts$start)) {
    graphics::lines(data$starts$iteration[rows], data$starts$loglik[rows], col = quiet_grey, lwd = 0.8)
  }
  graphics::points(data$ends$iteration, data$ends$loglik, pch = 1L, cex = 1.2, col = quiet_grey)
}

trace_key <- function() {
  rbind(key_entries("best start", okabe_ito[["blue"]], symbol = 19L, line = "solid", width = 3),
        key_entries("every start", quiet_grey, symbol = 1L, line = "solid", width = 0.8))
}
