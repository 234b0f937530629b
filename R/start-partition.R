# Partitions: groups of the rows that a user knows or that another package found.

partition_levels <- function(start) if (is.factor(start)) levels(start) else sort(unique(start), method = "radix")

# The group of each row, from 1 to k: a factor or integers, as they were given, so that many rows are not copied. As
# tabulate() counts labels from 1 to k alone, all are such where it counts every row.
partition_labels <- function(start, data, k, arg = "start") {
  labels <- align_rows(start, data, arg)
  if (!is.numeric(labels) && !is.factor(labels)) {
    labels <- match(as.character(labels), as.character(partition_levels(labels)))
  }
  if (is.double(labels)) labels <- whole_labels(labels, k, arg)
  sizes <- tabulate(labels, k)
  if (sum(sizes) < length(labels)) abort_label(as.integer(labels), k, arg)
  empty <- which(sizes == 0L)
  if (length(empty)) {
    abort_em("start", sprintf("`%s` must have rows in every group: group %d has none.", arg, empty[1L]))
  }
  labels
}

whole_labels <- function(labels, k, arg) {
  if (anyNA(labels) || any(labels < 1 | labels > k | labels != floor(labels))) abort_label(labels, k, arg)
  as.integer(labels)
}

# One of them is missing or no number from 1 to k.
abort_label <- function(labels, k, arg) {
  if (anyNA(labels)) {
    abort_em("start", sprintf("`%s` must label every row: row %d is NA.", arg, which(is.na(labels))[1L]))
  }
  bad <- which(labels < 1 | labels > k | labels != floor(labels))
  abort_em("start", sprintf("`%s` must hold labels from 1 to %d: row %d has %s.", arg, k, bad[1L],
                            number(labels[bad[1L]])))
}

# A value for each row the user gave, less the rows that were left out.
align_rows <- function(x, data, arg) {
  omitted <- data$na.action
  if (length(x) == data$n + length(omitted) && length(omitted)) x <- x[-as.integer(omitted)]
  if (length(x) != data$n) {
    abort_em("start", sprintf("`%s` must have one label for each row: %d, not %s.", arg, data$n, count(x)))
  }
  x
}

# What other packages return, as the responsibilities or the partition that it holds; anything else as it is. Rows that
# such a partition puts into no group have the number 0.
start_of_object <- function(start, k, latent) {
  if (inherits(start, "hclust")) return(cut_tree(start, k))
  if (!isS4(start) && !is.list(start) || inherits(start, c("data.frame", "em_parameters", "em_fit"))) return(start)
  if (!is.object(start)) return(start)
  soft <- first_part(start, c("z", "posterior", "membership"), function(x) is.matrix(x) && is.numeric(x))
  if (!is.null(soft)) return(unname(soft))
  groups <- first_part(start, c("classification", "clustering", "cluster"), function(x) is.numeric(x) || is.factor(x))
  if (is.null(groups)) return(start)
  groups <- unplaced_as_noise(factor(unname(groups)), latent)
  if (identical(levels(groups), as.character(seq_along(levels(groups))))) as.integer(groups) else groups
}

# The first of these parts of a list or of slots of an S4 object that is what it should be; NULL where none is.
first_part <- function(x, names, is_right) {
  for (name in names) {
    part <- if (isS4(x)) attr(x, name, exact = TRUE) else .subset2(x, name)
    if (is.list(part)) part <- .subset2(part, "scaled")
    if (!is.null(part) && is_right(part)) return(part)
  }
  NULL
}

cut_tree <- function(tree, k) {
  if (is.null(k)) {
    abort_em("argument", c("`k` must say into how many groups to cut the tree given as `start`.",
                           i = "em_fit(x, k = 2, start = hclust(dist(x)))"))
  }
  k <- check_count(k, "k")
  n <- nrow(tree$merge) + 1L
  if (k > n) {
    abort_em("start", sprintf("The tree given as `start` has %s, which can't be cut into %d groups.",
                              plural(n, "row"), k))
  }
  unname(stats::cutree(tree, k = k))
}
