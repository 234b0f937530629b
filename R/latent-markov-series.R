# What is said of the rows of a chain in their order: weights, known states, rows left out. Which rows are a series is in
# `data$units`: see units.R.

# Rows that na.omit took out of the inside of a series; rows at its ends may go.
check_omitted <- function(data) {
  omitted <- as.integer(data$na.action)
  if (!length(omitted)) return(invisible())
  kept <- setdiff(seq_len(data$n + length(omitted)), omitted)
  series <- character(data$n + length(omitted))
  series[kept] <- as.character(data$units$value)
  series[omitted] <- as.character(data$omitted$units)
  for (i in omitted) {
    own <- kept[series[kept] == series[i]]
    if (!any(own < i) || !any(own > i)) next
    abort_em("argument", c(
      sprintf("`na.action = na.omit` would join rows %d and %d of a series.", max(own[own < i]), min(own[own > i])),
      i = "Leave it out: missing rows count as steps of the chain."
    ))
  }
}

# counting: rows in which nothing is observed have lost their weights.
check_series_weights <- function(weights, units, counting = FALSE) {
  if (is.null(weights) || is.null(units)) return(invisible())
  looked_at <- if (counting) which(weights > 0) else seq_along(weights)
  first <- looked_at[match(units[looked_at], units[looked_at])]
  bad <- looked_at[weights[looked_at] != weights[first]]
  if (!length(bad)) return(invisible())
  first <- first[match(bad[1L], looked_at)]
  abort_em("argument", c(
    "`weights` must be the same in all rows of a series.",
    x = sprintf("Row %d has %s, and row %d of the same series %s.", first, number(weights[first]), bad[1L],
                number(weights[bad[1L]])),
    i = "A row that should not count: make it NA, so that the chain still steps over it."
  ))
}

# The weight of a series is that of all its rows, also of those in which nothing is observed.
series_weights <- function(weights, units) {
  if (is.null(weights)) return(NULL)
  if (is.null(units)) return(rep(max(weights), length(weights)))
  as.double(tapply(weights, units, max))[units]
}

# Where rows follow each other they stay as they are, and one that says nothing counts as those beside it.
in_own_order <- function(data) {
  if (!is.null(data$order)) data$order <- seq_len(data$n)
  data$weights <- series_weights(data$weights, unit_codes(data))
  data
}

# Known states that held zeros forbid: a first one that no beginning leads to, or two with no way between them.
check_labels_possible <- function(labels, units, latent) {
  codes <- labels$codes
  if (is.null(codes) || !is.null(labels$beliefs)) return(invisible())
  k <- latent_k(latent)
  if (is.null(k) || any(codes > k, na.rm = TRUE)) return(invisible())
  held <- markov_held(latent, k)
  possible <- !held$transition %in% 0
  dim(possible) <- c(k, k)
  if (all(possible) && !any(held$initial %in% 0)) return(invisible())
  known <- which(!is.na(codes))
  begins <- match(units, units)
  for (i in seq_along(known)) {
    row <- known[i]
    before <- if (i > 1L && known[i - 1L] >= begins[row]) known[i - 1L]
    from <- if (is.null(before)) which(!held$initial %in% 0) else codes[before]
    steps <- row - (if (is.null(before)) begins[row] else before)
    if (!any(reached_in(possible, steps)[from, codes[row]])) abort_labels_impossible(labels, row, before, begins[row])
  }
}

# Can a state be reached from another in so many steps?
reached_in <- function(possible, steps) {
  out <- diag(nrow(possible)) > 0
  while (steps > 0) {
    if (steps %% 2 == 1) out <- out %*% possible > 0
    possible <- possible %*% possible > 0
    steps <- steps %/% 2
  }
  out
}

abort_labels_impossible <- function(labels, row, before, begin) {
  own <- label_of(labels$codes[row], labels)
  if (is.null(before)) {
    abort_em("argument", if (row == begin) sprintf(
      "Row %d is labelled %s, with which no series can begin: its initial probability is held at 0.", row, own
    ) else sprintf(
      "Row %d is labelled %s, which no series reaches in %s: the ways there are held at 0.", row, own,
      plural(row - begin, "step")
    ))
  }
  said <- sprintf("Rows %d and %d are labelled %s and %s", before, row, label_of(labels$codes[before], labels), own)
  abort_em("argument", c(
    if (row == before + 1L) paste0(said, ", a transition that is held at 0.")
    else sprintf("%s, and no way of %d steps leads there: transitions are held at 0.", said, row - before),
    i = "Free it with NA in `transition`, or leave one of the labels out."
  ))
}

label_of <- function(code, labels) if (is.null(labels$levels)) code else dQuote(labels$levels[code], FALSE)

# Starts ----------------------------------------------------------------------------------------------------------

mixture_iterations <- 10L

# A start is that of the mixture, run for a few iterations; its responsibilities tell of neighbouring rows. What labels
# say of every row are counts.
#' @export
latent_starts.em_latent_markov <- function(latent, items, native, model) {
  if (!length(items) || (!is.null(native$labels) && all(native$labels > 0L))) return(items)
  plain <- list(family = model$family, latent = em_mixture(), k = model$k)
  plain$family["held"] <- list(NULL)
  beside <- native
  beside["units"] <- list(NULL)
  items <- lapply(items, function(item) {
    if (!is.null(item$partition) && !is.null(native$labels)) {
      item$partition <- relabel(item$partition, native$labels, model$k)
    }
    if (is.null(item$parameters)) return(item)
    own <- item$parameters[setdiff(names(item$parameters), names(latent_fields(latent, model$k)))]
    item$parameters <- c(list(proportions = rep(1 / model$k, model$k)), own)
    item
  })
  rows <- if (is.null(native$units)) nrow(native$x) else diff(c(0L, native$units))
  cut <- is.null(native$labels) & seq_along(items) %% 3L != 0L & model$k > 1L
  chains <- c(chains_of_mixtures(items[!cut], beside, plain, rows, model),
              chains_of_stretches(sum(cut), beside, plain, rows, model))[order(c(which(!cut), which(cut)))]
  chains <- chains[lengths(chains) > 0L]
  if (length(chains)) chains else items_without_chain(items, latent, model)
}

chains_of_mixtures <- function(items, native, plain, lengths, model) {
  lapply(ends_of_starts(items, native, plain, mixture_iterations), function(end) {
    if (length(end)) chain_of_mixture(end, native, plain, lengths, model)
  })
}

# Rows cut into stretches, each of a state: what only the order tells apart is not known to a mixture.
chains_of_stretches <- function(n, native, plain, lengths, model) {
  items <- lapply(seq_len(n), function(i) {
    list(partition = random_stretches(lengths, model$k), may_borrow = TRUE)
  })
  ends <- ends_of_starts(items, native, plain, 0L)
  lapply(seq_len(n), function(i) {
    if (!length(ends[[i]])) return(NULL)
    chain_of_counts(transition_counts(items[[i]]$partition, lengths, model$k), ends[[i]], native, model)
  })
}

ends_of_starts <- function(items, native, plain, iterations) {
  if (!length(items)) return(list())
  ends <- ends_of_trial(items, native, plain, iterations)
  if (is.null(ends)) vector("list", length(items)) else ends
}

# Any state may follow, after stays that are short in some starts and long in others; each has its rows.
random_stretches <- function(lengths, k) {
  n <- sum(lengths)
  leave <- exp(stats::runif(1L, log(min(2 * k / n, 0.5)), log(0.5)))
  new <- stats::runif(n) < leave
  new[cumsum(lengths) - lengths + 1L] <- TRUE
  states <- sample.int(k, sum(new), replace = TRUE)
  out <- states[cumsum(new)]
  absent <- setdiff(seq_len(k), out)
  out[sample.int(n, length(absent))] <- absent
  out
}

# The core says itself what is wrong with the data.
items_without_chain <- function(items, latent, model) {
  lapply(items, function(item) {
    if (!is.null(item$parameters)) item$parameters <- latent_from_partition(latent, item$parameters, model$k)
    item
  })
}

chain_of_mixture <- function(end, native, plain, lengths, model) {
  r <- native_responsibilities(native, end, plain)
  own <- end[setdiff(names(end), "proportions")]
  if (is.null(r)) {
    return(list(parameters = c(settle_chain(NULL, NULL, model$latent, model$k), own), may_borrow = TRUE))
  }
  chain_of_counts(transition_counts(r, lengths), end, native, model)
}

chain_of_counts <- function(counts, end, native, model) {
  own <- end[setdiff(names(end), "proportions")]
  order <- if (is.null(native$labels)) best_order(counts, model) else seq_len(model$k)
  chain <- chain_in_order(counts, order, model)
  own <- permute_components(own, family_fields(model$family, model$k, native), order)
  list(parameters = c(chain, own), may_borrow = TRUE)
}

chain_in_order <- function(counts, order, model) {
  transition_of_counts(list(first = counts$first[order], moves = counts$moves[order, order, drop = FALSE]),
                       model$latent, model$k)
}

# Where transitions are held, groups that know no numbers take those under which the held ones are likeliest: two
# change places as long as that helps.
best_order <- function(counts, model) {
  order <- seq_len(model$k)
  if (!latent_is_ordered(model$latent) || model$k == 1L) return(order)
  log_likelihood_of <- function(order) {
    chain <- chain_in_order(counts, order, model)
    sum(counts$first[order] * log(chain$initial + 1e-8)) +
      sum(counts$moves[order, order] * log(chain$transition + 1e-8))
  }
  pairs <- utils::combn(model$k, 2L, simplify = FALSE)
  repeat {
    swapped <- lapply(pairs, function(pair) replace(order, pair, order[rev(pair)]))
    value <- vapply(swapped, log_likelihood_of, 0)
    if (max(value) <= log_likelihood_of(order)) return(order)
    order <- swapped[[which.max(value)]]
  }
}
