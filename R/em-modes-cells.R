# Peaks and regions in tables of counts and categories, alone and beside numbers.

most_table_cells <- 50000
most_cells_beside_numbers <- 2000

discrete_columns <- function(density) {
  vapply(seq_along(density_columns(density)), function(j) column_law(density$blocks, j)$discrete, NA)
}

# All cells of the columns `at`, counts as far as they reach: list(cells n x p, size, ordered). NULL: too many.
density_table <- function(density, at, most = most_table_cells) {
  lines <- lapply(at, function(j) density_line(density, j))
  values <- list()
  size <- 1
  for (line in lines) {
    own <- if (is.null(line$law$levels)) count_range(line, 1e-10) else seq_along(line$law$levels)
    size <- size * length(own)
    if (size > most) return(NULL)
    values <- c(values, list(as.double(own)))
  }
  list(cells = unname(as.matrix(expand.grid(values, KEEP.OUT.ATTRS = FALSE))), size = lengths(values),
       ordered = vapply(lines, function(line) is.null(line$law$levels), NA))
}

# Numbers as a user has them, in columns with their names.
show_cells <- function(density, cells) {
  first <- 0L
  columns <- list()
  for (block in density$blocks) {
    for (j in seq_along(block$variables)) columns[[first + j]] <- block_show(block, j, cells[, first + j])
    first <- first + length(block$variables)
  }
  plain_frame(stats::setNames(columns, density_columns(density)))
}

# The numbers of the cells beside each cell: those next to it in a count, or with another level.
cells_beside <- function(table, i) {
  stride <- cumprod(c(1, table$size))
  unlist(lapply(seq_along(table$size), function(j) {
    place <- (i - 1) %/% stride[j] %% table$size[j]
    to <- if (table$ordered[j]) place + c(-1, 1) else seq_len(table$size[j]) - 1
    to <- to[to >= 0 & to < table$size[j] & to != place]
    i + (to - place) * stride[j]
  }))
}

cell_modes <- function(density) {
  shared <- vapply(density$blocks, function(block) inherits(block, "em_block_sharing") && length(block$variables) > 1L, NA)
  if (any(shared)) {
    abort_em("unsupported", c("Counts that share a total have no peaks here: none of them changes alone.",
                              i = sprintf("Ask for one column: columns = %s.", dQuote(density_columns(density)[1L], FALSE))))
  }
  discrete <- discrete_columns(density)
  most <- if (all(discrete)) most_table_cells else most_cells_beside_numbers
  table <- density_table(density, which(discrete), most)
  if (is.null(table)) {
    abort_em("unsupported", c(sprintf("Peaks are looked for in tables of at most %s cells, and these columns have more.", number(most, 15L)),
                              i = sprintf("Ask for fewer: columns = %s.", dQuote(density_columns(density)[1L], FALSE))))
  }
  if (all(discrete)) table_modes(density, table) else modes_beside_cells(density, table, discrete)
}

# A cell with a higher one beside it is none; nor are cells as high as one of these. Of equal ones the first.
table_modes <- function(density, table) {
  p <- log_sum(joint_log_density(density, table$cells))
  beside <- lapply(seq_along(p), function(i) cells_beside(table, i))
  level <- function(i) beside[[i]][abs(p[beside[[i]]] - p[i]) <= 1e-12]
  lower <- vapply(seq_along(p), function(i) any(p[beside[[i]]] > p[i] + 1e-12), NA)
  repeat {
    more <- which(!lower)
    more <- more[vapply(more, function(i) any(lower[level(i)]), NA)]
    if (!length(more)) break
    lower[more] <- TRUE
  }
  left <- which(!lower)
  table$cells[left[vapply(left, function(i) !any(level(i) < i), NA)], , drop = FALSE]
}

# In every cell the peaks of the numbers; of these the ones that no cell beside rises above.
modes_beside_cells <- function(density, table, discrete) {
  numbers <- which(!discrete)
  weights <- joint_log_density(pick_in_place(density, which(discrete)), table$cells)
  in_cell <- pick_in_place(density, numbers)
  modal <- if (length(numbers) > 1L) need_modal(in_cell)
  found <- list()
  for (i in which(apply(weights, 1L, max) > -Inf)) {
    log_weights <- weights[i, ] - log_sum(weights[i, , drop = FALSE])
    in_cell$log_weights <- log_weights
    in_cell$weights <- exp(log_weights)
    at <- if (is.null(modal)) matrix(line_turns(density_line(in_cell, 1L))$modes) else space_modes(modal, in_cell)
    for (row in seq_len(nrow(at))) {
      place <- at[row, , drop = FALSE]
      height <- each_cell_at(in_cell, weights, place, c(i, cells_beside(table, i)))
      if (height[1L] < max(height)) next
      cell <- numeric(length(discrete))
      cell[discrete] <- table$cells[i, ]
      cell[numbers] <- place
      found <- c(found, list(cell))
    }
  }
  do.call(rbind, found)
}

# The columns in the order that they have already.
pick_in_place <- function(density, at) {
  out <- pick_density(density, at)
  out$log_weights <- density$log_weights
  out
}

# Log densities of one place in the numbers, in several cells.
each_cell_at <- function(numbers, weights, place, cells) {
  numbers$log_weights <- rep(0, ncol(weights))
  own <- drop(joint_log_density(numbers, place))
  log_sum(weights[cells, , drop = FALSE] + rep(own, each = length(cells)))
}
