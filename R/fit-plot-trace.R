# type = "trace": the log-likelihood by iteration, the start included; every start thin, the best bold. The first step
# gains more than all others together, so the axis is that of what follows it; starts below are marked at its foot.

plot_data_trace <- function(fit) {
  list(trace = fit$trace, starts = start_traces(fit), ends = trace_ends(fit),
       variable = objective_label(fit))
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

# What is within the axis: everything but the starts, which are far below where the first step leads. All of it, where
# nothing follows or the starts take little room.
trace_limits <- function(data) {
  all <- c(data$trace$loglik, data$starts$loglik)
  all <- all[is.finite(all)]
  later <- c(data$trace$loglik[data$trace$iteration > 0L], data$starts$loglik[data$starts$iteration > 0L])
  later <- later[is.finite(later)]
  if (!length(later) || diff(range(all)) < 2 * diff(range(later))) later <- all
  padded_range(later, 0.06)
}

# Lines begin where they come into the picture; those that come from below it have a mark there.
from_below <- function(part, limits) {
  part$below <- part$loglik < limits[1L]
  part$loglik <- pmax(part$loglik, limits[1L])
  part
}

# Where the mark of a start below the axis stands, in parts of the height.
trace_foot <- 0.05

#' @export
draw_plot.em_plot_trace <- function(data, look) {
  trace <- data$trace
  several <- nrow(data$ends) > 1L
  xlim <- c(-0.02, 1.03) * max(trace$iteration, data$starts$iteration, 1)
  ylim <- if (is.null(look$ylim)) trace_limits(data) else look$ylim
  old <- open_frame(xlim, ylim, look, "iteration", data$variable, if (several) trace_key(data), whole = TRUE)
  on.exit(graphics::par(old))
  if (several) draw_starts_thin(data)
  graphics::lines(trace$iteration, trace$loglik, col = okabe_ito[["blue"]], lwd = 3)
  if (nrow(trace) <= 60L) {
    graphics::points(trace$iteration, trace$loglik, pch = 19L, col = okabe_ito[["blue"]], cex = 0.8)
  }
  if (from_below(trace[1L, ], ylim)$below) {
    foot <- ylim[1L] + trace_foot * diff(ylim)
    label <- paste("start at", number(trace$loglik[1L]))
    left <- graphics::par("cxy")[1L]
    half <- 0.6 * graphics::strheight(label, cex = 0.8)
    graphics::rect(left, foot - half, left + graphics::strwidth(label, cex = 0.8), foot + half, col = translucent("white", 0.75), border = NA)
    graphics::text(left, foot, label, adj = c(0, 0.5), cex = 0.8, col = quiet_grey)
    graphics::points(0, foot, pch = 25L, bg = okabe_ito[["blue"]], col = okabe_ito[["blue"]])
  }
}

draw_starts_thin <- function(data) {
  for (rows in split(seq_len(nrow(data$starts)), data$starts$start)) {
    graphics::lines(data$starts$iteration[rows], data$starts$loglik[rows], col = quiet_grey, lwd = 0.8)
  }
  graphics::points(data$ends$iteration, data$ends$loglik, pch = end_symbols(data$ends), cex = 1.2, col = quiet_grey)
}

# Starts that collapsed have likelihoods without bound, above that of the best: crosses say why they don't count.
end_symbols <- function(ends) ifelse(ends$status %in% "collapsed", 4L, 1L)

trace_key <- function(data) {
  rbind(key_entries("best start", okabe_ito[["blue"]], symbol = 19L, line = "solid", width = 3),
        key_entries("every start", quiet_grey, symbol = 1L, line = "solid", width = 0.8),
        if (any(data$ends$status %in% "collapsed")) key_entries("collapsed", quiet_grey, symbol = 4L))
}
