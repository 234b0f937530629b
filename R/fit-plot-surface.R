# type = "surface": the log-likelihood over the probabilities of two coins, and the way EM took across it.

plot_data_surface <- function(fit, limits = c(0, 1), grid = 81L) {
  need_plot(fit, "surface")
  if (fit$k != 2L) {
    abort_em("unsupported", sprintf("A plot of type \"surface\" needs two components, and this fit has %d.", fit$k))
  }
  grid <- check_count(grid, "grid", 11L)
  if (!is.numeric(limits) || length(limits) != 2L || anyNA(limits) || limits[1L] < 0 || limits[2L] > 1 ||
      limits[1L] >= limits[2L]) {
    abort_em("argument", c("`limits` must be two probabilities, the smaller first.",
                           x = sprintf("It is %s.", enumerate(number(limits)))))
  }
  at <- seq(limits[1L], limits[2L], length.out = grid)
  path <- path_parameters(fit)
  walk <- data.frame(iteration = seq_along(path) - 1L, x = vapply(path, function(p) p$prob[[1L]], 0),
                     y = vapply(path, function(p) p$prob[[2L]], 0), loglik = fit$trace$loglik[seq_along(path)])
  list(variables = component_names_of(fit), components = fit_style(fit),
       surface = data.frame(x = rep(at, grid), y = rep(at, each = grid), loglik = as.vector(coin_surface(fit, at))),
       walk = walk, marks = surface_marks(fit))
}

# Log-likelihood at every pair of probabilities, proportions as fitted: grid x grid.
coin_surface <- function(fit, at) {
  rows <- tallied(fit$data, fit_model(fit))
  w <- if (is.null(rows$weights)) rep(1, nrow(rows$x)) else rows$weights
  pi <- shares_of(fit)
  out <- matrix(0, length(at), length(at))
  for (i in seq_along(w)) {
    if (w[i] == 0) next
    density <- stats::dbinom(rows$x[i, 1L], rows$x[i, 2L], at)
    out <- out + w[i] * log(outer(pi[[1L]] * density, pi[[2L]] * density, `+`))
  }
  out
}

# The maximum that was found, and the saddle where both coins are alike.
surface_marks <- function(fit) {
  w <- row_weights(fit)
  alike <- sum(w * fit$data$x[, 1L]) / sum(w * fit$data$x[, 2L])
  p <- unname(fit$parameters$prob)
  data.frame(what = c("maximum", "saddle"), x = c(p[1L], alike), y = c(p[2L], alike))
}

# Contours close together near the top, each two and a half times as far down as the one before.
surface_levels <- function(loglik) {
  finite <- loglik[is.finite(loglik)]
  levels <- max(finite) - 0.05 * 2.5^(0:14)
  sort(levels[levels > min(finite)])
}

#' @export
draw_plot.em_plot_surface <- function(data, look) {
  limits <- range(data$surface$x)
  n <- as.integer(round(sqrt(nrow(data$surface))))
  labels <- paste("probability of", data$variables)
  old <- open_frame(limits, limits, look, labels[1L], labels[2L], surface_key())
  on.exit(graphics::par(old))
  z <- matrix(data$surface$loglik, n)
  levels <- surface_levels(z)
  z[!is.finite(z)] <- min(z[is.finite(z)])
  graphics::contour(unique(data$surface$x), unique(data$surface$y), z, levels = levels, add = TRUE,
                    labels = fixed(levels, 1L), col = quiet_grey, lwd = 0.8, labcex = 0.7)
  graphics::abline(0, 1, col = quiet_grey, lty = "12")
  draw_walk_arrows(data$walk)
  graphics::points(data$marks$x, data$marks$y, pch = c(8L, 4L), lwd = 2.5, cex = 1.6,
                   col = c(okabe_ito[["vermillion"]], "black"))
}

surface_key <- function() {
  rbind(key_entries("path of EM", okabe_ito[["blue"]], symbol = 19L, line = "solid"),
        key_entries("maximum", okabe_ito[["vermillion"]], symbol = 8L), key_entries("saddle", "black", symbol = 4L))
}

# Arrows where a step is long enough to carry a head; a line otherwise.
draw_walk_arrows <- function(walk) {
  blue <- okabe_ito[["blue"]]
  graphics::points(walk$x[1L], walk$y[1L], pch = 19L, col = blue)
  n <- nrow(walk)
  if (n < 2L) return(invisible())
  inches <- sqrt((diff(walk$x) / diff(graphics::par("usr")[1:2]) * graphics::par("pin")[1L])^2 +
                   (diff(walk$y) / diff(graphics::par("usr")[3:4]) * graphics::par("pin")[2L])^2)
  long <- inches > 0.05
  from <- seq_len(n - 1L)
  if (any(long)) graphics::arrows(walk$x[from][long], walk$y[from][long], walk$x[from + 1L][long],
                                  walk$y[from + 1L][long], length = 0.07, lwd = 2, col = blue)
  if (any(!long)) graphics::segments(walk$x[from][!long], walk$y[from][!long], walk$x[from + 1L][!long],
                                     walk$y[from + 1L][!long], lwd = 2, col = blue)
}
