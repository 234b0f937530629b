# Known labels: what the user says of which component a row comes from. `data$labels` is NULL or
#   list(levels = names of the components, or NULL; codes = integers, NA where unknown; beliefs = NULL, or
#   a matrix with a column for each component)

check_labels <- function(labels, n) {
  if (is.null(labels)) return(NULL)
  if (is.matrix(labels) && is.numeric(labels)) return(check_beliefs(labels, n))
  if (is.data.frame(labels) || is.list(labels) || !(is.factor(labels) || is.atomic(labels))) {
    abort_em("argument", sprintf("`labels` must be a factor or a matrix of beliefs, not %s.", describe_value(labels)))
  }
  if (length(labels) != n) {
    abort_em("argument", sprintf("`labels` must have one label for each row: %d, not %s.", n, count(labels)))
  }
  if (is.numeric(labels) && !is.factor(labels)) return(check_codes(labels))
  levels <- if (is.factor(labels)) levels(labels) else sort(unique(as.character(labels)), method = "radix")
  levels <- levels[!is.na(levels)] # a level NA says what NA says: not known
  list(levels = clean_names(levels, ""), codes = match(as.character(labels), levels), beliefs = NULL)
}

check_codes <- function(codes) {
  bad <- which(!is.na(codes) & (codes < 1 | codes != floor(codes) | is.infinite(codes)))
  if (length(bad)) {
    abort_em("argument", sprintf("`labels` must be names or whole numbers from 1: row %d has %s.", bad[1L],
                                 number(codes[bad[1L]])))
  }
  list(levels = NULL, codes = as.integer(codes), beliefs = NULL)
}

check_beliefs <- function(beliefs, n) {
  if (nrow(beliefs) != n) {
    abort_em("argument", sprintf("`labels` must have one row for each row of `x`: %d, not %d.", n, nrow(beliefs)))
  }
  sums <- rowSums(beliefs)
  bad <- which(!is.finite(sums) | rowSums(beliefs < 0) > 0 | sums <= 0)
  if (length(bad)) {
    abort_em("argument", c("`labels` must hold beliefs of 0 or more, not all 0 in a row.",
                           x = sprintf("Row %d has %s.", bad[1L], enumerate(number(beliefs[bad[1L], ])))))
  }
  top <- max.col(beliefs, ties.method = "first")
  unique_top <- rowSums(beliefs == beliefs[cbind(seq_len(n), top)]) == 1
  storage.mode(beliefs) <- "double"
  list(levels = clean_names(colnames(beliefs), ""), codes = ifelse(unique_top, top, NA_integer_),
       beliefs = unname(beliefs))
}

keep_labels <- function(labels, keep) {
  if (is.null(labels)) return(NULL)
  labels$codes <- labels$codes[keep]
  if (!is.null(labels$beliefs)) labels$beliefs <- labels$beliefs[keep, , drop = FALSE]
  labels
}

# A row without data but with a label still tells of the proportions.
unlabelled <- function(labels, rows) {
  if (is.null(labels)) return(rows)
  if (!is.null(labels$beliefs)) return(integer())
  rows[is.na(labels$codes[rows])]
}

# How many components the labels speak of, NULL where they leave it open.
labels_k <- function(labels) {
  if (is.null(labels)) return(NULL)
  if (!is.null(labels$beliefs)) return(ncol(labels$beliefs) - isTRUE(labels$noise))
  if (is.null(labels$levels)) return(if (!all(is.na(labels$codes))) max(labels$codes, na.rm = TRUE))
  if (length(labels$levels)) length(labels$levels)
}

check_labels_k <- function(labels, k) {
  named <- labels_k(labels)
  if (is.null(named) || named == k || (named < k && is.null(labels$beliefs))) return(invisible())
  abort_em("argument", sprintf("`labels` must have %s one of %s, but k = %d.",
                               if (is.null(labels$beliefs)) "a component for every" else "a column for every",
                               plural(named, "group"), k))
}

# Names of the components; those that no label names are numbered.
label_names <- function(labels, k) {
  if (is.null(labels$levels)) return(NULL)
  free <- setdiff(as.character(seq_len(k)), labels$levels)
  c(labels$levels, utils::tail(free, k - length(labels$levels)))
}

# As the core takes them, in its order of rows.
native_labels <- function(labels, order, k) {
  if (is.null(labels)) return(NULL)
  if (!is.null(order)) labels <- keep_labels(labels, order)
  if (!is.null(labels$beliefs)) return(list(log_beliefs = log(labels$beliefs)))
  codes <- labels$codes
  codes[which(codes == 0L)] <- k + 1L # noise
  codes[is.na(codes)] <- 0L
  list(labels = codes)
}

# A user's start gets its components in the order of the labels.
align_to_labels <- function(start, kind, labels, k) {
  wanted <- label_names(labels, k)
  if (is.null(wanted) || kind == "method") return(start)
  has <- switch(kind, parameters = component_names(start, k), responsibilities = colnames(start),
                partition = if (!is.numeric(start)) as.character(partition_levels(start)))
  if (is.null(has)) return(start)
  if (!setequal(has, wanted)) {
    abort_em("start", sprintf("`start` must name the components as `labels` does: %s, not %s.", quoted(wanted),
                              quoted(has)))
  }
  switch(kind, parameters = align_components(align_components(start, has), wanted),
         responsibilities = start[, wanted, drop = FALSE],
         partition = factor(as.character(start), levels = wanted))
}

# Starts that agree with the labels. The first is made of the labelled rows alone, where every component has
# some; the others are partitions of all rows whose groups take the labels that most of their rows have.
labelled_starts <- function(data, model, method, n_start) {
  codes <- data$labels$codes
  if (!is.null(data$order)) codes <- codes[data$order]
  counting <- if (is.null(data$weights)) rep(TRUE, data$n) else data$weights > 0
  seen <- seq_len(model$k) %in% data$labels$codes[counting]
  items <- if (all(seen)) list(supervised_start(codes, model$k)) else list()
  items <- latent_starts(model$latent, items, tallied(data, model), model)
  if (!anyNA(codes)) {
    if (all(seen)) return(items)
    abort_em("argument", sprintf("`labels` must have rows in every group: group %s has none.",
                                 dQuote(component_labels(label_names(data$labels, model$k), model$k)[!seen][1L],
                                        FALSE)))
  }
  drawn <- lapply(draw_starts(data, model, method, n_start), function(item) {
    if (!is.null(item$partition)) item$partition <- relabel(item$partition, codes, model$k)
    item
  })
  utils::head(c(items, drawn), max(1L, n_start))
}

supervised_start <- function(codes, k) {
  r <- matrix(0, length(codes), k)
  known <- which(codes > 0L)
  r[cbind(known, codes[known])] <- 1
  list(responsibilities = r, may_borrow = TRUE)
}

relabel <- function(partition, codes, k) {
  shared <- unclass(table(factor(partition, seq_len(k)), factor(codes, seq_len(k))))
  to <- integer(k)
  for (i in seq_len(k)) {
    best <- which(shared == max(shared), arr.ind = TRUE)[1L, ]
    to[best[[1L]]] <- best[[2L]]
    shared[best[[1L]], ] <- shared[, best[[2L]]] <- -1
  }
  partition <- c(to, k + 1L)[partition]
  known <- which(codes > 0L)
  partition[known] <- codes[known]
  as.integer(partition)
}

# With one component more there is nothing to hold it at, nor a belief in it.
refuse_held <- function(fit, verb) {
  if (holds_parameters(fit_model(fit))) abort_em("unsupported", sprintf("%s can't take a fit with `fixed`.", verb))
  if (is.null(fit$data$labels$beliefs)) return(invisible())
  abort_em("unsupported", sprintf("%s can't take a fit with beliefs for `labels`.", verb))
}
