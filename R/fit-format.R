# Numbers and tables as print() shows them. Digits are computed, never padded: a number is turned into text once, from
# all its digits, and text is never read back. The decimal mark is the user's, options(OutDec), as in all that R
# prints; messages, remedies and pages have a point: see number().

# So many decimals; a number so large that none of them is known is shown to its 15 digits.
fixed <- function(x, decimals, mark = getOption("OutDec")) {
  plain <- formatC(round(x, decimals) + 0, digits = decimals, format = "f", decimal.mark = mark)
  large <- which(abs(x) >= 1e15)
  plain[large] <- formatC(x[large], digits = 15L, format = "g", decimal.mark = mark)
  trimws(plain)
}

# A data frame of numbers -> one of text: in each column the number that needs the most decimals for `digits`
# significant digits decides for all. What is missing has nothing to show: noise has no parameters of its own.
format_columns <- function(frame, digits) {
  frame[] <- lapply(frame, function(column) {
    text <- if (is.numeric(column)) format_numbers(column, digits) else as.character(column)
    replace(text, is.na(column), "")
  })
  frame
}

# One number that takes a power of ten leaves the others as they are; what is less than the rounding of the largest of them,
# as a probability on its way to 0, is 0.
format_numbers <- function(x, digits) {
  x[abs(x) < .Machine$double.eps * max(abs(x), na.rm = TRUE)] <- 0
  text <- format(x, digits = digits)
  if (!any(is_power(text))) return(text)
  each <- vapply(x, format, "", digits = digits)
  if (all(is_power(each[is.finite(x)]))) text else each
}

is_power <- function(text) grepl("[0-9]e[-+]", text)

# A table of text, right-aligned, with a line for the names of its columns. Where the console is too narrow, the
# columns go on in further blocks, each with the first `id` columns again.
table_lines <- function(table, id = 1L, width = getOption("width")) {
  cells <- text_cells(table)
  wide <- nchar(vapply(cells, `[[`, "", 1L), "width") + 1L
  room <- max(width, sum(wide[seq_len(id)]) + max(wide))
  lines <- character()
  left <- seq_along(cells)[-seq_len(id)]
  repeat {
    fit <- cumsum(wide[left]) + sum(wide[seq_len(id)]) <= room
    lines <- c(lines, paste_cells(cells[c(seq_len(id), left[fit])]))
    left <- left[!fit]
    if (!length(left)) return(lines)
  }
}

# As many of the first columns as the console is wide, and no fewer than `least`.
first_columns <- function(table, least, width = getOption("width")) {
  wide <- cumsum(nchar(vapply(text_cells(table), `[[`, "", 1L), "width") + 1L)
  max(which(wide <= width), min(least, length(wide)))
}

text_cells <- function(table) {
  lapply(seq_along(table), function(j) format(c(names(table)[j], as.character(table[[j]])), justify = "right"))
}

paste_cells <- function(cells) do.call(paste0, unlist(lapply(cells, function(cell) list(" ", cell)), recursive = FALSE))
