# type = "counts": observed counts in bars, the fitted mass beside them.

plot_data_counts <- function(fit, bins = NULL, variable = 1L) {
  need_plot(fit, "counts")
  if (!is.null(bins)) bins <- check_count(bins, "bins")
  family_counts(fit$family, fit, bins, variable)
}

#' @export
family_counts.em_family_binomial <- function(family, fit, bins, variable) {
  pick_variables(family_responses(family, fit$data), variable, "variable", most = 1L)
  successes <- fit$data$x[, 1L]
  trials <- fit$data$x[, 2L]
  weights <- row_weights(fit)
  used <- which(trials > 0 & weights > 0)
  share <- length(unique(trials[used])) > 1L
  edges <- if (share) share_edges(length(used), bins) else success_edges(trials[used[1L]], bins)
  value <- if (share) successes / trials else successes
  bin <- cut_counts(value[used], edges)
  observed <- vapply(seq_len(nrow(edges)), function(i) sum(weights[used][bin == i]), 0)
  list(variable = if (share) "share of successes" else success_name(fit, trials[used[1L]]),
       components = fit_style(fit), bars = data.frame(edges, observed = observed),
       curves = expected_bars(fit$parameters, edges, trials[used], weights[used], share,
                              function(upper, m, j) stats::pbinom(upper, m, fit$parameters$prob[[j]])))
}

success_name <- function(fit, size) {
  name <- if (is.null(fit$data$names)) "successes" else fit$data$names[1L]
  paste(name, "out of", fixed(size, 0L))
}

# Bars for 0, 1, ..., size, or for runs of these; `from` and `to` belong to the bar.
success_edges <- function(size, bins) {
  if (is.null(bins)) bins <- min(size + 1, 51)
  width <- ceiling((size + 1) / bins)
  from <- seq(0, size, by = width)
  to <- pmin(from + width - 1, size)
  data.frame(from = from, to = to, left = from - 0.45, right = to + 0.45, at = (from + to) / 2)
}

# Bars of equal width over [0, 1]; the first holds its left edge too.
share_edges <- function(n, bins) {
  if (is.null(bins)) bins <- min(20, max(5, ceiling(sqrt(n))))
  from <- (seq_len(bins) - 1) / bins
  to <- seq_len(bins) / bins
  data.frame(from = from, to = to, left = from, right = to, at = (from + to) / 2)
}

cut_counts <- function(value, edges) {
  if (edges$from[1L] == edges$left[1L]) return(pmax(findInterval(value, c(0, edges$to), left.open = TRUE), 1L))
  findInterval(value, edges$from)
}

# How many rows each component is expected to put into each bar: summed over the sizes of rows (trials, exposures)
# there are, of which so many as are drawn stand for all. share: are bars of counts over size? cdf(upper, size, j): of
# component j.
expected_bars <- function(parameters, edges, size, weights, share, cdf) {
  rows <- tapply(weights, size, sum)
  sizes <- sort(unique(size))
  drawn <- rows_to_draw(length(sizes))
  rows <- as.vector(rows)[drawn] * (sum(rows) / sum(rows[drawn]))
  sizes <- sizes[drawn]
  k <- length(parameters$proportions)
  mass <- matrix(0, nrow(edges), k)
  for (j in seq_len(k)) {
    below <- 0
    for (i in seq_len(nrow(edges))) {
      upper <- if (share) floor(edges$to[i] * sizes * (1 + 1e-12)) else edges$to[i]
      up_to <- sum(rows * cdf(upper, sizes, j))
      mass[i, j] <- up_to - below
      below <- up_to
    }
  }
  mass <- mass * rep(unname(parameters$proportions), each = nrow(edges))
  data.frame(at = rep(edges$at, k + 1L), component = rep(c(names(parameters$proportions), NA), each = nrow(edges)),
             expected = c(mass, rowSums(mass)))
}

#' @export
draw_plot.em_plot_counts <- function(data, look) {
  bars <- data$bars
  curves <- data$curves
  style <- data$components
  top <- 1.06 * max(bars$observed, curves$expected)
  old <- open_frame(padded_range(c(bars$left, bars$right), 0.01), c(0, top), look, data$variable, "rows",
                    counts_key(style))
  on.exit(graphics::par(old))
  graphics::rect(bars$left, 0, bars$right, bars$observed, col = light_grey, border = "white")
  steps <- mixture_steps(data)
  size <- count_size(nrow(bars) * 0.12 / graphics::par("pin")[1L])
  if (nrow(style) > 1L) graphics::segments(steps$left, steps$expected, steps$right, steps$expected, lwd = 3)
  for (i in seq_len(nrow(style))) {
    rows <- which(curves$component == style$component[i])
    graphics::lines(curves$at[rows], curves$expected[rows], col = translucent(style$colour[i], 0.6), lty = style$line[i])
    graphics::points(curves$at[rows], curves$expected[rows], col = style$colour[i], pch = style$symbol[i],
                     cex = 1.1 * size)
  }
}

# Symbols are smaller where bars are narrow (`crowd` above one), or they would hide what they are compared with.
count_size <- function(crowd) min(1, max(0.4, 1 / crowd))

# What the mixture expects of each bar, as a level over it: nothing is expected between counts. The thin lines of the
# components only lead the eye from symbol to symbol.
mixture_steps <- function(data) {
  data.frame(left = data$bars$left, right = data$bars$right, expected = data$curves$expected[is.na(data$curves$component)])
}

counts_key <- function(style) {
  key <- rbind(key_entries("observed", light_grey, symbol = 15L),
               key_entries(style$component, style$colour, symbol = style$symbol, line = style$line, width = 1))
  if (nrow(style) > 1L) key <- rbind(key, key_entries("the mixture", "black", line = "solid", width = 3))
  key
}
