# type = "trace": the log-likelihood by iteration, the start included.

plot_data_trace <- function(fit) {
  list(trace = fit$trace, starts = trace_ends(fit), tol = fit$control$tol, converged = fit$converged)
}

# Where each start ended; the kept one is the end of the trace.
trace_ends <- function(fit) {
  data.frame(start = seq_len(nrow(fit$starts)), iteration = fit$starts$iterations, loglik = fit$starts$loglik,
             status = fit$starts$status)
}

#' @export
draw_plot.em_plot_trace <- function(data, look) {
  trace <- data$trace
  several <- nrow(data$starts) > 1L
  ends <- data$starts[is.finite(data$starts$loglik), ]
  xlim <- c(-0.3, max(trace$iteration, ends$iteration, 1) * 1.03)
  ylim <- padded_range(c(trace$loglik, ends$loglik), 0.06)
  key <- if (several) {
    rbind(key_entries("best start", okabe_ito[["blue"]], symbol = 19L, line = "solid", width = 2.5),
          key_entries("end of every start", quiet_grey, symbol = 1L))
  }
  old <- open_frame(xlim, ylim, look, "iteration", "log-likelihood", key)
  on.exit(graphics::par(old))
  if (several) graphics::points(ends$iteration, ends$loglik, pch = 1L, cex = 1.3, col = quiet_grey)
  graphics::lines(trace$iteration, trace$loglik, col = okabe_ito[["blue"]], lwd = 2.5)
  if (nrow(trace) <= 60L) {
    graphics::points(trace$iteration, trace$loglik, pch = 19L, col = okabe_ito[["blue"]], cex = 0.8)
  }
}
