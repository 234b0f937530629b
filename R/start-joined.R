# More groups of near rows than there are components, joined at random until there are as many.
#
# Where data have more groups than were asked for, a good maximum may leave one of them alone and put the others, near or
# far, under one wide component. Nearness doesn't lead there: k-means divides the rows evenly, and from its groups, or
# rows at random, EM ends elsewhere. Joined is what stands together in a random order that is cut at random places, so
# that one group alone and all others together is as likely as halves, and nothing is asked of the family.

# So many groups make k components.
groups_to_join <- function(k) 2L * k + 2L

# Where k-means itself leads nowhere (start-deep.R), its groups joined don't either. Where rows are few, ends are made by
# some of them, and of more kinds of starts there are more of those.
may_join <- function(task) {
  model <- task$model
  is.null(family_deep(model$family, "kmeans++", model$k)) &&
    nrow(task$native$x) >= model$k * luck_rows * (ncol(task$native$x) + 1L)
}

# Partitions. What is held is of k components, and has no part in groups of rows.
joined_starts <- function(rows, model, seeds) {
  k <- model$k
  model$k <- min(groups_to_join(k), nrow(rows$x))
  model$family["held"] <- list(NULL)
  items <- core_starts(rows, model, "kmeans++", seeds)
  lapply(items, function(item) list(partition = join_groups(item$partition, model$k, k)))
}

# Of equal rows there are fewer groups than were asked for.
join_groups <- function(labels, groups, k) {
  found <- which(tabulate(labels, groups) > 0L)
  m <- length(found)
  cuts <- c(1L, 1L + sample.int(m - 1L, min(k, m) - 1L))
  joined <- integer(groups)
  joined[found[sample.int(m)]] <- cumsum(tabulate(cuts, m))
  joined[labels]
}
