# Pictures of mixed columns: those of one block, as the family of its columns draws them, with the responsibilities of
# the whole; and the profile of all.

pictures_of_blocks <- c("density", "cluster", "pairs", "counts", "uncertainty", "qq", "path")

#' @export
family_plots.em_family_mixed <- function(family, data) {
  able <- unlist(lapply(blocks_of(family, data), plots_of_block))
  c("profile", intersect(pictures_of_blocks, able), "trace")
}

plots_of_block <- function(block) {
  out <- intersect(family_plots(block$family, block_shape(block)), pictures_of_blocks)
  if (length(block$names) > 1L) out else setdiff(out, c("cluster", "pairs"))
}

# The first block that can be drawn so, and has the variables that are asked for.
#' @export
family_view.em_family_mixed <- function(family, fit, type, variables = NULL) {
  if (!type %in% pictures_of_blocks) return(fit)
  able <- Filter(function(block) type %in% plots_of_block(block), family$blocks)
  if (!length(able)) return(fit)
  has <- vapply(able, function(block) is.character(variables) && all(variables %in% block$names), NA)
  block <- able[[if (any(has)) which(has)[1L] else 1L]]
  out <- fit_of_block(fit, block)
  named <- function(parameters) named_like(c(parameters["proportions"], part_of(parameters, block)), fit, block)
  out$parameters <- named(fit$parameters)
  if (type == "path") out$path <- lapply(path_parameters(fit), named)
  out$whole <- fit
  out
}

# With the labels that parameters of the block alone would have.
named_like <- function(parameters, fit, block) {
  fields <- family_fields(block$family, fit$k, block_shape(block))
  labels <- list(component = names(fit$counts), variable = block$names)
  own <- name_parameters(parameters[names(fields)], fields, labels)
  c(parameters["proportions"], own)
}

#' @export
family_profile_cells.em_family_mixed <- function(family, fit) {
  cells <- do.call(rbind, lapply(family$blocks, function(block) {
    own <- fit_of_block(fit, block)
    if (block_kinds[[block$family$name]]$takes == "number") return(number_cells(own, block))
    out <- profile_cells(own)
    data.frame(out, label = ifelse(is.na(out$level), paste(out$variable, "= 1"), out$level), from = 0, width = 1)
  }))
  heads <- cumsum(!duplicated(cells$variable) & !is.na(cells$level))
  cells$row <- seq_len(nrow(cells)) + heads
  cells
}

# Means, rates and expected successes in the range of the data.
number_cells <- function(own, block) {
  x <- family_observed(block$family, own$data)
  low <- apply(x, 2L, min, na.rm = TRUE)
  high <- apply(x, 2L, max, na.rm = TRUE)
  size <- block$family$size
  if (block$family$name != "gaussian") low[] <- 0
  if (!is.null(size)) high[] <- size
  w <- stats::weights(own)
  mean <- colSums(x * w, na.rm = TRUE) / colSums(!is.na(x) * w)
  term <- c(gaussian = "mean", poisson = "rate", binomial = "prob")[[block$family$name]]
  unit <- if (is.null(size)) 1 else size
  data.frame(variable = block$names, level = NA_character_, row = seq_along(low), share = (mean - low) / (high - low),
             name = paste0(term, ".", block$names),
             label = sprintf("%s (%s to %s)", block$names, number(low, 3L), number(high, 3L)), from = low / unit,
             width = (high - low) / unit, row.names = NULL)
}
