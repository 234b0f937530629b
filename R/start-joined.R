# More groups of near rows than there are components, joined at random until there are as many.
#
# Where data have more groups than were asked for, a good maximum may leave one of them alone and put the others, near or
# far, under one wide component. Nearness doesn't lead there: k-means divides the rows evenly, and from its groups, or
# rows at random, EM ends elsewhere. Joined is what stands together in a random order that is cut at random places, so
# that one group alone and all others together is as likely as halves, and nothing is asked of the family.

# So many groups make k components.
groups_to_join <- function(k) 2L * k + 2L

# Starts as em_start_cpp() gives them. What is held is of k components, and has no part in groups of rows.
joined_starts <- function(native, model, seeds) {
  family <- model$family
  family["held"] <- list(NULL)
  groups <- min(groups_to_join(model$k), nrow(native$x))
  items <- em_start_cpp(native, native_family(list(family = family, k = groups)), "kmeans++", seeds)
  lapply(items, function(item) list(partition = join_groups(item$partition, groups, model$k)))
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
