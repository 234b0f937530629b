# Noise: one component more, the last, of constant density 1 / V over a box around the data (Banfield & Raftery
# 1993). A latent structure with noise carries that box once it has met the data:
#   kind       "range" (along the columns) or "principal" (along the principal axes of all rows)
#   lower, upper   the box's ends along its axes, measured from `centre`
#   centre, axes   where it is measured from, and a column for each axis
#   log_volume     log V
#   sides          the sides of the box along the columns: what rows with missing cells have
# Rows that lie outside have the same density: it is a constant, not a distribution over the box alone.

# `$` of an object with a class looks for a method first, in ten times the time of .subset2(); a small fit asks often.
has_noise <- function(latent) {
  noise <- .subset2(latent, "noise")
  !is.null(noise) && noise
}

# What a start gives noise that says nothing of it.
noise_share <- 0.05

with_noise_share <- function(proportions) c((1 - noise_share) * proportions, noise_share)

bind_noise <- function(latent, data, family) {
  if (!family_allows_noise(family)) {
    abort_em("unsupported", c(sprintf("Noise has no density beside %s components.", family$name), x = family_without_box(family),
                              i = "Use em_mixture() without noise, or one component more."))
  }
  latent$box <- noise_box(data)
  check_box_is_no_plane(latent$box, data)
  latent
}

# As it was before it met any data.
unresolved_latent <- function(latent) {
  if (!is.null(.subset2(latent, "box"))) latent$box <- NULL
  latent
}

check_box_is_no_plane <- function(box, data) {
  flat <- if (box$kind == "range") which(!(box$upper > box$lower))
  if (!length(flat)) return(invisible())
  abort_em("input", c(
    sprintf("%s %s constant: noise has no density over a box without volume.", name_column(data, flat),
            if (length(flat) > 1L) "are" else "is"),
    i = "Use em_mixture() without noise, or leave the column out."
  ))
}

# The smaller of the two boxes; where cells are missing the one along the columns, whose margins are boxes too.
noise_box <- function(data) {
  over <- function(f, join = `+`) over_counting_rows(data, f, join)
  d <- ncol(data$x)
  ends <- over(function(x, w) column_ends(x), widest)
  centre <- colMeans(ends)
  straight <- new_box("range", centre, diag(d), ends - rep(centre, each = 2L))
  if (d == 1L || over(function(x, w) anyNA(x), `||`)) return(straight)
  from <- function(x, centre) x - rep(centre, each = nrow(x))
  total <- over(function(x, w) sum(w))
  centre <- centre + over(function(x, w) colSums(w * from(x, centre))) / total
  reach <- max(abs(from(ends, centre)))
  if (!is.finite(reach) || !(reach > 0)) return(straight)
  axes <- eigen(over(function(x, w) {
    z <- from(x, centre) / reach
    crossprod(z, w / total * z)
  }), symmetric = TRUE)$vectors
  turned <- new_box("principal", centre, axes, over(function(x, w) apply(from(x, centre) %*% axes, 2L, range), widest))
  turned$sides <- straight$sides
  smaller <- straight$log_volume - turned$log_volume
  if (is.finite(smaller) && smaller > 0 && smaller < most_shrinkage) turned else straight
}

column_ends <- function(x) suppressWarnings(apply(x, 2L, range, na.rm = TRUE)) # a part of the rows may have none of a column

widest <- function(a, b) rbind(pmin(a[1L, ], b[1L, ]), pmax(a[2L, ], b[2L, ]))

# f(rows, weights) of the rows that count, joined over the parts in which they come.
over_counting_rows <- function(data, f, join) {
  part <- function(x, w) {
    counts <- if (is.null(w)) rep(TRUE, nrow(x)) else w > 0
    if (any(counts)) f(x[counts, , drop = FALSE], if (is.null(w)) rep(1, nrow(x)) else w[counts])
  }
  if (!is_sample(data)) return(part(data$x, data$weights))
  out <- NULL
  visit_pages(data$whole$look$store, function(page) {
    now <- part(page$x, page$w)
    out <<- if (is.null(out)) now else if (is.null(now)) out else join(out, now)
  })
  out
}

# Of columns that determine each other the box along the principal axes has no volume but what rounding gives it.
most_shrinkage <- log(1e8)

new_box <- function(kind, centre, axes, ends) {
  sides <- ends[2L, ] - ends[1L, ]
  list(kind = kind, centre = centre, axes = axes, lower = ends[1L, ], upper = ends[2L, ],
       log_volume = sum(log(sides)), sides = sides)
}

# What crosses to the core with rows x.
native_noise <- function(latent, x) if (has_noise(latent)) list(log_noise = noise_log_density(latent, x))

# The log density of noise of each row, as the core takes it.
# What is left of a turned box along some of the columns has no constant density, so a row with missing cells has
# that of the box along the columns. A row with nothing observed has density 1, as everywhere.
noise_log_density <- function(latent, x) {
  box <- latent$box
  if (!anyNA(x)) return(rep(-box$log_volume, nrow(x)))
  seen <- !is.na(x)
  ifelse(rowSums(seen) == ncol(x), -box$log_volume, -as.vector(seen %*% log(box$sides)))
}

noise_centre <- function(box) box$centre + as.vector(box$axes %*% ((box$lower + box$upper) / 2))

simulate_noise <- function(box, n) {
  z <- matrix(stats::runif(n * length(box$lower), rep(box$lower, each = n), rep(box$upper, each = n)), n)
  z %*% t(box$axes) + rep(box$centre, each = n)
}

simulate_rows <- function(model, parameters, component, data) {
  out <- family_simulate(model$family, parameters, pmin(component, model$k), data)
  noise <- which(component > model$k)
  if (length(noise)) out[noise, ] <- simulate_noise(model$latent$box, length(noise))
  out
}

# What noise adds to the means of rows: r, its responsibilities, times its own mean in these columns.
noise_part <- function(latent, r, columns = seq_along(latent$box$lower)) {
  if (has_noise(latent)) r[, ncol(r)] %o% noise_centre(latent$box)[columns] else 0
}

# A column of responsibilities more has a column of log densities more.
with_noise_density <- function(log_density, native) {
  if (is.null(native$log_noise)) log_density else cbind(log_density, native$log_noise, deparse.level = 0L)
}

# Density and distribution function (and what is above) of the box along one column: of a sum of uniform numbers, each
# along an axis, put together one axis after the other on a grid; along one axis it is known exactly. The law is the same
# about its middle on both sides.
noise_margin <- function(box, j, points = 2001L) {
  reach <- abs(box$axes[j, ]) * (box$upper - box$lower)
  middle <- noise_centre(box)[j]
  total <- sum(reach)
  variance <- sum(reach^2) / 12
  reach <- sort(reach[reach > 1e-6 * total], decreasing = TRUE)
  # About the middle: far from 0 the points of the grid would be rounded into each other.
  out <- if (length(reach) == 1L) even_margin(total) else summed_margin(reach, total, points)
  list(density = function(x) out$density(x - middle),
       cumulated = function(x, lower = TRUE) out$below((x - middle) * (if (lower) 1 else -1)),
       ends = middle + c(-0.5, 0.5) * total, mean = middle, variance = variance, exact = length(reach) == 1L)
}

even_margin <- function(total) {
  list(density = function(x) ifelse(abs(x) <= total / 2, 1 / total, 0),
       below = function(x) pmin(pmax((x + total / 2) / total, 0), 1))
}

summed_margin <- function(reach, total, points) {
  grid <- seq(-0.5, 0.5, length.out = points) * total
  at <- function(y, x) stats::approx(grid, y, x, rule = 2L)$y
  below <- pmin(pmax(grid / reach[1L] + 0.5, 0), 1)
  density <- as.double(abs(grid) <= reach[1L] / 2) / reach[1L]
  for (width in reach[-1L]) {
    # The mean of a distribution function over a window is the next one; the gain from end to end its density.
    area <- c(0, cumsum((below[-1L] + below[-points]) / 2)) * (grid[2L] - grid[1L])
    up_to <- function(x) at(area, x) + pmax(x - grid[points], 0)
    density <- (at(below, grid + width / 2) - at(below, grid - width / 2)) / width
    below <- (up_to(grid + width / 2) - up_to(grid - width / 2)) / width
  }
  below <- cummax(pmin(pmax(below, 0), 1))
  list(density = function(x) stats::approx(grid, density, x, yleft = 0, yright = 0)$y,
       below = function(x) stats::approx(grid, below, x, yleft = 0, yright = 1)$y)
}

# Shown ------------------------------------------------------------------------------------------------------

noise_volume <- function(latent) if (has_noise(latent)) exp(latent$box$log_volume)

# Noise has none of the components' own parameters.
with_noise_row <- function(frame, latent) {
  if (!has_noise(latent)) return(frame)
  row.names(frame) <- NULL
  frame[nrow(frame) + 1L, ] <- NA
  frame
}

# Noise along one variable, times its proportion: its density, and where that has corners; NULL without noise.
noise_curve <- function(fit, j, parameters = fit$parameters) {
  if (!has_noise(fit$latent)) return(NULL)
  margin <- noise_margin(fit$latent$box, j)
  proportion <- parameters$proportions[[fit$k + 1L]]
  steps <- rep(margin$ends, each = 2L) + c(-1, 1, -1, 1) * 1e-9 * diff(margin$ends)
  list(density = function(x) proportion * margin$density(x), cumulated = function(x) proportion * margin$cumulated(x),
       steps = steps)
}

# Noise is small grey crosses, and a thin line of its own.
with_noise_style <- function(style, latent) {
  if (!has_noise(latent)) return(style)
  rbind(style, data.frame(component = "noise", colour = quiet_grey, symbol = 4L, line = "1343", size = 0.75))
}

# Starts ------------------------------------------------------------------------------------------------------

# The parts of the rows that starts of our own take for noise, in turn: those least likely under the groups,
# beside the density of noise.
noise_shares <- c(0.05, 0.15, 0.3)

# native: the rows as the core has them, of which items speak. Items of parameters stay: they give noise its share.
noisy_starts <- function(items, native, model) {
  plain <- list(family = model$family, latent = em_mixture(), k = model$k)
  plain$family["held"] <- list(NULL)
  known <- native[["labels"]]
  native[c("labels", "log_beliefs")] <- NULL
  lapply(seq_along(items), function(i) {
    item <- items[[i]]
    if (!is.null(item$parameters)) return(item)
    found <- first_step(item, native, plain)
    if (is.null(found)) return(without_noise_rows(item, model$k))
    excess <- found$row_loglik - native$log_noise
    share <- noise_shares[(i - 1L) %% length(noise_shares) + 1L]
    labelled <- is.null(item$partition)
    partition <- if (labelled) max.col(found$responsibilities, ties.method = "first") else item$partition
    partition <- if (is.null(native$units)) mark_noise(partition, excess, share, known, model$k)
                 else mark_noise_units(partition, excess, share, known, model$k, native$units)
    if (labelled && !is.null(known)) partition[known > 0L] <- known[known > 0L]
    list(partition = partition, may_borrow = TRUE)
  })
}

# A start whose rows can't be ranked keeps the noise for rows that nothing is known of.
without_noise_rows <- function(item, k) {
  r <- item$responsibilities
  if (!is.null(r)) item$responsibilities <- cbind(r, as.numeric(rowSums(r) == 0), deparse.level = 0L)
  item
}

# Whole units, by the mean of their rows.
mark_noise_units <- function(partition, excess, share, known, k, ends) {
  codes <- codes_of_ends(ends)
  excess <- as.vector(rowsum(excess, codes, reorder = FALSE)) / tabulate(codes)
  mark_noise(partition[ends], excess, share, known[ends], k)[codes]
}

mark_noise <- function(partition, excess, share, known, k) {
  free <- seq_along(partition)
  if (!is.null(known)) free <- which(known == 0L)
  least <- order(excess[free], method = "radix")
  partition[free[utils::head(least, max(1L, round(share * length(partition))))]] <- k + 1L
  if (!is.null(known)) partition[known == k + 1L] <- k + 1L
  as.integer(partition)
}

# Labels and names ----------------------------------------------------------------------------------------------

# Beside noise the level "noise" is no component: its rows get the code 0. Of beliefs it is the last column.
labels_beside_noise <- function(labels, latent) {
  if (is.null(labels) || !has_noise(latent)) return(labels)
  if (!is.null(labels$beliefs)) return(beliefs_beside_noise(labels))
  at <- match("noise", labels$levels)
  if (is.na(at)) return(labels)
  codes <- labels$codes
  labels$codes <- ifelse(codes == at, 0L, codes - (codes > at))
  labels$levels <- labels$levels[-at]
  labels
}

beliefs_beside_noise <- function(labels) {
  columns <- ncol(labels$beliefs)
  at <- match("noise", labels$levels, nomatch = columns)
  order <- c(setdiff(seq_len(columns), at), at)
  labels$beliefs <- labels$beliefs[, order, drop = FALSE]
  labels$codes <- match(labels$codes, order)
  labels$codes[which(labels$codes == columns)] <- 0L
  if (!is.null(labels$levels)) labels$levels <- labels$levels[-at]
  labels$noise <- TRUE
  labels
}

# The labels as they were given, noise the last of their levels.
labels_with_noise <- function(labels, latent) {
  if (is.null(labels) || !has_noise(latent)) return(labels)
  noise <- which(labels$codes == 0L)
  if (!is.null(labels$beliefs)) {
    labels$codes[noise] <- ncol(labels$beliefs)
    if (!is.null(labels$levels)) labels$levels <- c(labels$levels, "noise")
    labels$noise <- NULL
  } else if (length(noise)) {
    labels$levels <- c(labels$levels, "noise")
    labels$codes[noise] <- length(labels$levels)
  }
  labels
}

check_noise_name <- function(names, latent) {
  if (!has_noise(latent) || !"noise" %in% names) return(invisible())
  abort_em("start", "No component can be named \"noise\" beside em_mixture(noise = TRUE).")
}

# A user's start that says which rows are noise: a partition with a level "noise" becomes responsibilities.
noise_of_start <- function(start, kind, data) {
  if (kind == "partition" && !is.numeric(start) && "noise" %in% partition_levels(start)) {
    return(list(start = noisy_partition(start, data), kind = "responsibilities"))
  }
  if (kind == "responsibilities" && "noise" %in% colnames(start)) {
    start <- start[, c(setdiff(colnames(start), "noise"), "noise"), drop = FALSE]
  }
  list(start = start, kind = kind)
}

# Rows that another package put into no group, number 0.
unplaced_as_noise <- function(groups, latent) {
  if (has_noise(latent)) levels(groups)[levels(groups) == "0"] <- "noise"
  groups
}

# k + 1 numbers in the order of the components, noise last; k numbers leave it its share.
noise_of_proportions <- function(proportions, latent, k, names) {
  if (!has_noise(latent)) return(proportions)
  if (length(proportions) == k) proportions <- with_noise_share(proportions)
  at <- match(c(names, "noise"), names(proportions))
  if (length(at) == length(proportions) && !anyNA(at)) proportions <- proportions[at]
  proportions
}

share_equally <- function(proportions) {
  k <- length(proportions) - 1L
  c(rep((1 - proportions[k + 1L]) / k, k), proportions[k + 1L])
}

# A factor of known groups, with or without rows of noise.
known_with_noise <- function(groups, data) {
  levels <- if (is.numeric(groups)) NULL else as.character(partition_levels(groups))
  if ("noise" %in% levels) return(noisy_partition(groups, data, "responsibilities"))
  cbind(one_hot(groups, data, length(partition_levels(groups))), 0)
}

noisy_partition <- function(start, data, arg = "start") {
  levels <- as.character(partition_levels(start))
  levels <- c(setdiff(levels, "noise"), "noise")
  labels <- partition_labels(factor(as.character(start), levels = levels), data, length(levels), arg)
  out <- matrix(0, data$n, length(levels), dimnames = list(NULL, levels))
  out[cbind(seq_len(data$n), labels)] <- 1
  out
}
