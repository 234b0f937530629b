# type = "qq": quantile residuals against the normal distribution, with a pointwise envelope.

# A residual is the normal quantile of a row's place in the fitted distribution (Dunn & Smyth 1996). Counts leave
# room for choice; equal rows share it evenly, so nothing is random.
plot_data_qq <- function(fit, variable = 1L, label = 3L) {
  label <- check_count(label, "label", 0L)
  need_plot(fit, "qq")
  names <- family_responses(fit$family, fit$data)
  j <- pick_variables(names, variable, "variable", most = 1L)
  place <- places_of(fit, j)
  w <- row_weights(fit)
  rows <- which(!is.na(place) & w > 0)
  rows <- rows[order(place[rows])]
  drawn <- rows_to_draw(length(rows))
  points <- data.frame(row = rows[drawn], residual = qnorm_inside(place[rows[drawn]]), envelope_of(w[rows], drawn))
  points$label <- qq_labels(points, fit, label)
  list(variable = names[j], points = points)
}

# The smaller tail is where digits are: a place beyond double precision is still a finite residual.
qnorm_inside <- function(p) stats::qnorm(pmin(pmax(p, 1e-300), 1 - 1e-16))

# The fitted distribution function of a column at each row's value, given the other rows; of counts it jumps there, and rows that are
# alike share the jump.
places_of <- function(fit, j) {
  x <- family_observed(fit$family, fit$data)[, j]
  at <- distribution_at(fit, x, j)
  if (!family_is_discrete(fit$family)) return(at)
  below <- distribution_at(fit, x - 1, j)
  alike <- lapply(seq_len(ncol(fit$data$x)), function(column) fit$data$x[, column])
  share <- do.call(stats::ave, c(list(x), alike, FUN = function(same) (seq_along(same) - 0.5) / length(same)))
  below + share * (at - below)
}

distribution_at <- function(fit, x, j) {
  each <- family_distribution(fit$family, fit$parameters, x, j, "cdf", fit$data)
  place <- rowSums(each * latent_weights(fit$latent, whole_fit(fit)))
  noise <- noise_curve(fit, j)
  if (is.null(noise)) place else place + noise$cumulated(x)
}

# Where the i-th smallest of n normal residuals is expected, and where 95 of 100 fall: order statistics are beta. Of those
# that are drawn.
envelope_of <- function(weights, drawn) {
  n <- sum(weights)
  at <- (cumsum(weights) - weights / 2 + 0.5)[drawn]
  data.frame(expected = stats::qnorm((at - 0.5) / n), lower = stats::qnorm(stats::qbeta(0.025, at, n - at + 1)),
             upper = stats::qnorm(stats::qbeta(0.975, at, n - at + 1)))
}

# Those of the points drawn that are furthest outside the envelope.
qq_labels <- function(points, fit, label) {
  outside <- pmax(points$residual - points$upper, points$lower - points$residual)
  worst <- utils::head(order(-outside), label)
  worst <- worst[outside[worst] > 0]
  labels_of_few(points, worst, fit)
}

# The names, or the numbers, of the rows behind some points; NA for the others.
labels_of_few <- function(points, at, fit) {
  out <- rep(NA_character_, nrow(points))
  names <- fit$data$row_names
  out[at] <- if (is.null(names)) as.character(points$row[at]) else names[points$row[at]]
  out
}

#' @export
draw_plot.em_plot_qq <- function(data, look) {
  points <- data$points
  old <- open_frame(padded_range(points$expected), padded_range(c(points$residual, points$lower, points$upper)), look,
                    "normal quantile", paste("quantile residual of", data$variable))
  on.exit(graphics::par(old))
  graphics::polygon(c(points$expected, rev(points$expected)), c(points$lower, rev(points$upper)), col = light_grey,
                    border = NA)
  graphics::abline(0, 1, col = quiet_grey)
  graphics::points(points$expected, points$residual, pch = 19L, cex = 0.6, col = okabe_ito[["blue"]])
  named <- which(!is.na(points$label))
  draw_labels(points$expected[named], points$residual[named], points$label[named], 1, list(x = points$expected, y = points$residual))
}
