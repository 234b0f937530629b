# predict(type = "response"): what a fit says of columns that rows lack, given those they have. The components' shares in
# each row are its responsibilities, so that noise, units and the neighbours of a row in a chain have their say.
predict_response <- function(fit, newdata, beside, probs) {
  family_check_response(fit$family)
  data <- if (is.null(newdata)) rows_to_judge(fit, NULL, beside) else new_data(with_lacking(newdata, fit), fit, beside)
  blocks <- family_margin(fit$family, fit$parameters, data, beside)
  cells <- family_cells(fit$family, data)
  variables <- block_variables(blocks)
  lacking <- if (nrow(cells)) which(colSums(is.na(cells)) > 0) else which(!variables %in% colnames(newdata))
  if (!length(lacking)) {
    abort_em("newdata", c(sprintf("`%s` %s all columns: there is nothing to predict.", if (is.null(newdata)) "x" else "newdata",
                                  if (is.null(newdata)) "of the fit has" else "has"),
                          i = if (length(variables) > 1L) sprintf("Leave out those to be predicted: newdata[%s].", dQuote(variables[1L], FALSE))))
  }
  r <- expect_em(data, fit$parameters, fit_model(fit), "responsibilities")$responsibilities
  each <- lapply(lacking, function(j) response_of(fit, blocks, cells, r, j, probs))
  names(each) <- variables[lacking]
  out <- if (length(each) == 1L) each[[1L]] else do.call(data.frame, c(unname(Map(response_names, each, names(each))),
                                                                       check.names = FALSE))
  out <- out[spread_over(seq_len(nrow(out)), data$complete), , drop = FALSE]
  row.names(out) <- data$row_names
  out
}

# "mean.waiting"; of levels "purpose.good", as in tables.
response_names <- function(x, name) {
  of_levels <- !identical(names(x)[1L], "mean")
  stats::setNames(x, if (of_levels) paste(name, names(x), sep = ".") else paste(names(x), name, sep = "."))
}

# Columns that are not there become missing ones. A formula's are its variables.
with_lacking <- function(newdata, fit) {
  wanted <- if (is.null(fit$data$terms)) setdiff(fit$data$names, fit$data$beside) else all.vars(fit$data$terms)
  if (is.null(wanted)) return(newdata)
  if (is.null(dim(newdata)) && !is.list(newdata) && !is.null(names(newdata))) newdata <- as.list(newdata)
  if (is.matrix(newdata) && is.null(colnames(newdata))) return(newdata)
  if (is.list(newdata) || is.matrix(newdata)) newdata <- as.data.frame(newdata, optional = TRUE, stringsAsFactors = FALSE)
  if (!is.data.frame(newdata)) return(newdata)
  if (!any(wanted %in% names(newdata))) abort_lacking(wanted, names(newdata))
  strange <- setdiff(names(newdata), wanted)
  for (name in setdiff(wanted, names(newdata))) {
    near <- nearest(name, strange)
    if (!is.null(near)) {
      abort_em("newdata", c(sprintf("`newdata` lacks column %s, and has %s.", dQuote(name, FALSE), dQuote(near, FALSE)),
                            i = sprintf("Is it the same, misspelt? Otherwise leave %s out.", dQuote(near, FALSE))))
    }
    newdata[[name]] <- rep(lacking_value(fit, name), nrow(newdata))
  }
  newdata
}

lacking_value <- function(fit, name) if (name %in% names(fit$data$items)) NA_character_ else NA_real_

# Of one column, in all rows: mean, sd and quantiles; of categories the probabilities of their levels.
response_of <- function(fit, blocks, cells, r, j, probs) {
  n <- nrow(cells)
  place <- column_place(blocks, j)
  block <- blocks[[place[1L]]]
  levels <- block_law(block, place[2L])$levels
  names <- if (is.null(levels)) c("mean", "sd", percent(probs)) else levels
  out <- matrix(NA_real_, n, length(names), dimnames = list(NULL, names))
  known <- which(!is.na(cells[, j]))
  out[known, ] <- if (is.null(levels)) c(cells[known, j], rep(0, length(known)), rep(cells[known, j], length(probs)))
                  else outer(cells[known, j], seq_along(levels), `==`) + 0
  noise <- if (!is.null(.subset2(fit$latent, "box"))) noise_margin(fit$latent$box, j)
  own <- j - place[2L] + seq_along(block$variables)
  for_each_pattern(cells, function(rows, o, g) {
    if (!j %in% g) return(NULL)
    o <- intersect(o, own)
    law <- block_law(block, place[2L], cells[rows, o, drop = FALSE], o - own[1L] + 1L)
    w <- r[rows, , drop = FALSE]
    out[rows, ] <<- if (is.null(levels)) as.matrix(law_told(new_line(w, law, noise), length(rows), probs))
                    else w %*% do.call(rbind, lapply(seq_along(law$parts[[1L]]), function(i) vapply(law$parts, function(part) part[1L, i], 0)))
  })
  as.data.frame(out, optional = TRUE)
}

law_told <- function(line, n, probs) {
  out <- line_moments(line)
  if (nrow(out) < n) out <- out[rep(1L, n), , drop = FALSE]
  if (!length(probs)) return(out)
  rows <- rep(seq_len(n), length(probs))
  quantiles <- line_quantile(line_rows(line, rows), rep(probs, each = n))
  cbind(out, matrix(quantiles, n))
}
