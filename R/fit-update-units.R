# Units under update().

# The rows that the fit holds, under a latent structure that may say other units: by columns of theirs, by the fit's own
# units, or by columns of the data of the call.
with_new_units <- function(frame, held, object, change, latent) {
  said <- latent_unit(latent)
  old <- frame$units
  kept <- isTRUE(said) || identical(said, latent_unit(object$latent))
  if (!is.null(old) && kept && old$ordered == latent_keeps_order(latent)) return(frame)
  frame["units"] <- list(NULL)
  if (is.null(said) || isTRUE(said)) return(frame)
  n <- nrow(frame$x)
  columns <- c(as.list(held), if (length(old$value)) stats::setNames(list(old$value), old$name))
  if (!all(unit_variables(said) %in% names(columns))) {
    further <- original_data(object, change$home)
    if (!is.null(further$data)) {
      columns <- named_columns(further$data, unit_variables(said))
      columns <- lapply(columns, function(column) column[further$rows])
    }
  }
  units <- part_units(columns, latent, change$home, "fit")$units
  if (!length(unit_variables(said)) && !is.null(units$value)) units$value <- in_all_rows(units$value, object, n, NA)
  frame$units <- check_units(keep_units(units, TRUE), n)
  taken <- frame$names %in% units$columns
  if (is.null(frame$terms) && any(taken)) {
    frame$x <- frame$x[, !taken, drop = FALSE]
    frame$names <- frame$names[!taken]
  }
  frame
}

# Other rows: by their columns; values that were given row by row serve as many rows.
units_of_new_rows <- function(data, object, change, latent) {
  if (!isTRUE(latent_unit(latent))) return(part_units(data, latent, change$home, "data"))
  units <- frame_of_fit(object)$units
  if (NROW(data) == length(units$value)) return(list(x = data, units = units))
  abort_em("argument", c(
    "`unit` of the fit is of its own rows: say that of the new ones.",
    i = "update(fit, data = , latent = em_mixture(unit = \"id\"))"
  ))
}
