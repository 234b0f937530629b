# Formulas, as stats::lm() has them: the columns are those of the terms, what a transformation learned from the rows
# (predvars) serves new rows too, and names are found in the data first, then where the formula was made. The terms
# of a fit have
#   rows    names of the variables that new rows must have
#   home    what else the terms need, in an environment of its own (see pack_environment()); NULL where nothing
#   plain   are the columns variables as they stand?
#   joint   the terms whose value in a row depends on the other rows, beyond what predvars know of
# and nothing of the environment in which the formula was made.

# em_data() of a formula; `weights`, `subset` and `labels` as the user wrote them.
data_of_formula <- function(formula, data, weights, subset, family, na.action, labels = NULL,
                            latent = em_mixture()) {
  check_formula_data(data)
  home <- environment(formula)
  weights <- evaluate(weights, data, home, "weights")
  labels <- evaluate(labels, data, home, "labels")
  rows <- evaluate(subset, data, home, "subset")
  parted <- part_units(data, latent, home, "data")
  units <- parted$units
  if ("." %in% all.vars(formula)) data <- parted$x
  frame <- rows_of_formula(formula, data, rows, family)
  if (!is.null(rows) && !is.null(units$value)) units <- keep_units(units, rows_kept(rows, length(units$value)))
  if (!is.null(rows) && !is.null(weights)) weights <- weights[rows_kept(rows, length(weights))]
  if (!is.null(rows) && !is.null(labels)) {
    at <- rows_kept(rows, NROW(labels))
    labels <- if (is.matrix(labels)) labels[at, , drop = FALSE] else labels[at]
  }
  em_data(frame$x, family, weights, na.action, terms = frame$terms, labels = labels, units = units)
}

check_formula_data <- function(data) {
  if (is.null(data) || is.list(data) || is.environment(data)) return(invisible())
  abort_em("argument", sprintf("`data` must be a data frame, not %s.", describe_input(data)))
}

# An argument that is looked up in the data first, then where the formula was written, as lm() does.
evaluate <- function(expression, data, home, arg) {
  tryCatch(eval(expression, data, home), error = function(e) {
    abort_em("argument", c(sprintf("`%s` can't be evaluated.", arg), x = conditionMessage(e)))
  })
}

# The columns that a formula names: list(x = data frame, terms). A response goes with `~ 1`. Those that the family
# reads come along, whether or not the formula names them.
rows_of_formula <- function(formula, data, rows, family) {
  beside <- family_variables(family)
  home <- environment(formula)
  terms <- formula_terms(formula, data, family)
  frame <- model_frame(terms, data)
  n <- nrow(frame)
  terms <- remember_terms(attr(frame, "terms"), frame, data, home)
  attr(frame, "terms") <- NULL
  frame <- flatten_matrices(undo_offset(frame, terms))
  for (name in setdiff(beside, names(frame))) frame[[name]] <- column_beside(name, data, home, n)
  if (!is.null(rows)) frame <- frame[rows_kept(rows, n), , drop = FALSE]
  list(x = frame, terms = terms)
}

formula_terms <- function(formula, data, family) {
  refuse_bar(formula)
  terms <- tryCatch(stats::terms(formula, data = data), error = function(e) {
    abort_em("input", c("The formula can't be read.", x = conditionMessage(e)))
  })
  offsets <- length(attr(terms, "offset"))
  if (any(attr(terms, "order") > 1L) || offsets && !family_takes_offset(family)) {
    abort_em("unsupported", c(
      "The formula has interactions or an offset; a mixture only has columns.",
      i = "Write ~ a + b. I(a * b) is a column."
    ))
  }
  if (offsets > 1L) {
    abort_em("unsupported", c("The formula has more than one offset.", i = "Write offset(log(a * b))."))
  }
  if (attr(terms, "response") == 1L && length(attr(terms, "term.labels"))) {
    abort_em("unsupported", c(
      "The formula has variables on both sides; a mixture has no predictors.",
      i = "Write ~ a + b, or cbind(successes, failures) ~ 1."
    ))
  }
  attr(terms, "predvars") <- NULL
  drop_unused(terms)
}

# What other packages write for rows that belong together.
refuse_bar <- function(formula) {
  right <- formula[[length(formula)]]
  if (!is.call(right) || !identical(right[[1L]], as.name("|"))) return(invisible())
  unit <- deparse1(right[[3L]])
  abort_em("unsupported", c(
    sprintf("The formula can't have `| %s`: which rows share a component is part of the latent structure.", unit),
    i = sprintf("latent = em_mixture(unit = ~ %s)", unit)
  ))
}

# A model frame also has the variables that `-` took away; these terms name only what is left.
drop_unused <- function(terms) {
  variables <- as.list(attr(terms, "variables"))[-1L]
  response <- attr(terms, "response") == 1L
  factors <- attr(terms, "factors")
  used <- if (response) seq_along(variables) == 1L
          else if (length(factors)) rowSums(factors) > 0 else logical(length(variables))
  offset <- attr(terms, "offset")
  kept <- used
  kept[offset] <- TRUE
  used[offset] <- FALSE
  if (!any(used)) {
    abort_em("input", c("The formula names no columns.", i = "Write ~ a + b, or cbind(successes, failures) ~ 1."))
  }
  if (all(kept)) return(terms)
  sum <- Reduce(function(a, b) call("+", a, b), variables[if (response) offset else kept], if (response) 1)
  left <- if (response) call("~", variables[[1L]], sum) else call("~", sum)
  stats::terms(stats::as.formula(left, env = environment(terms)))
}

model_frame <- function(terms, data) {
  tryCatch(
    stats::model.frame(terms, data = data, na.action = stats::na.pass),
    error = function(e) abort_em("input", c("The formula can't be evaluated.", x = conditionMessage(e)))
  )
}

# A column that the formula does not name but the family does.
column_beside <- function(name, data, home, n) {
  value <- tryCatch(eval(as.name(name), data, home), error = function(e) NULL)
  if (is.numeric(value) && length(value) == n) return(value)
  abort_em("argument", sprintf("`data` must have a numeric column \"%s\" with a number for each row, which `family` names.",
                               name))
}

# The name that an offset's column has: of log(e), what the logarithm is of.
offset_name <- function(terms) {
  at <- attr(terms, "offset")
  if (is.null(at)) return(NULL)
  inside <- attr(terms, "variables")[[at + 1L]][[2L]]
  logarithm <- is.call(inside) && identical(inside[[1L]], quote(log)) && length(inside) == 2L
  paste(deparse(if (logarithm) inside[[2L]] else call("exp", inside), width.cutoff = 500L), collapse = " ")
}

offset_column <- function(terms) attr(terms, "offset_column")

# The column of an offset becomes what it is the logarithm of, and the last one.
undo_offset <- function(frame, terms) {
  at <- attr(terms, "offset")
  if (is.null(at)) return(frame)
  last <- stats::setNames(data.frame(exp(frame[[at]])), offset_column(terms))
  row_names <- attr(frame, "row.names")
  structure(c(as.list(frame)[-at], last), class = "data.frame", row.names = row_names)
}

remember_terms <- function(terms, frame, data, home) {
  n <- nrow(frame)
  variables <- as.list(attr(terms, "variables"))[-1L]
  predvars <- attr(terms, "predvars")
  names <- all.vars(predvars)
  attr(terms, "rows") <- names[vapply(names, comes_with_rows, NA, data = data, home = home, n = n)]
  attr(terms, "offset_column") <- offset_name(terms)
  attr(terms, "plain") <- all(vapply(variables, is_plain, NA))
  attr(terms, ".Environment") <- globalenv()
  if (attr(terms, "plain")) return(terms)
  attr(terms, "home") <- pack_environment(predvars, home, attr(terms, "rows"))
  attr(terms, "joint") <- joint_terms(terms, frame, data, home)
  terms
}

# a - mean(a) has other values where there are fewer rows; scale(a) has not, once it is learned.
joint_terms <- function(terms, frame, data, home) {
  half <- seq_len((nrow(frame) + 1L) %/% 2L)
  some <- lapply(stats::setNames(nm = attr(terms, "rows")), function(name) {
    value <- if (!is.null(data[[name]])) data[[name]] else look_up(name, home)
    if (length(dim(value)) == 2L) value[half, , drop = FALSE] else value[half]
  })
  values <- tryCatch(suppressWarnings(eval(attr(terms, "predvars"), some, attr(terms, "home"))),
                     error = function(e) NULL)
  same <- vapply(seq_along(values), function(j) {
    whole <- if (is.matrix(frame[[j]])) frame[[j]][half, ] else frame[[j]][half]
    isTRUE(all.equal(as.vector(unclass(whole)), as.vector(unclass(values[[j]])), tolerance = 1e-6))
  }, NA)
  names(frame)[seq_along(values)][!same]
}

# Such a term means the same for new rows only where these are all the rows of the fit.
check_joint <- function(frame, old) {
  joint <- attr(old$terms, "joint")
  if (!length(joint)) return(invisible())
  x <- as.matrix(frame)
  if (identical(dim(x), dim(old$x)) && isTRUE(all.equal(as.double(x), as.double(old$x), tolerance = 1e-12))) {
    return(invisible())
  }
  abort_em("newdata", c(
    sprintf("%s is computed from all rows together, so its values in other rows are not known.", quoted(joint)),
    i = "Compute it beforehand as a column, or use scale() or poly() as a term of its own."
  ))
}

# Does each row have a value of this variable? Those of the data do; elsewhere a value of another length is a constant.
comes_with_rows <- function(name, data, home, n) {
  if (!is.null(data)) {
    if (name %in% if (is.environment(data)) ls(data, all.names = TRUE) else names(data)) return(TRUE)
    if (n == 1L) return(FALSE)
  }
  value <- look_up(name, home)
  !is.null(value) && !is.function(value) && NROW(value) == n
}

is_plain <- function(variable) {
  is.symbol(variable) ||
    identical(variable[[1L]], quote(cbind)) && all(vapply(as.list(variable)[-1L], is.symbol, NA))
}

rows_kept <- function(rows, n) {
  if (is.logical(rows)) return(which(rep_len(rows, n) & !is.na(rep_len(rows, n))))
  seq_len(n)[rows]
}

# cbind(heads, tails) is one matrix column of a model frame; its columns carry the names people know. Those of
# poly(a, 2) are "1" and "2", and get the name of the term as well.
flatten_matrices <- function(frame) {
  wide <- vapply(frame, is.matrix, NA)
  if (!any(wide)) return(frame)
  columns <- lapply(names(frame), function(name) {
    column <- frame[[name]]
    if (!wide[[name]]) return(stats::setNames(list(column), name))
    stats::setNames(lapply(seq_len(ncol(column)), function(j) as.vector(column[, j])), column_names(column, name))
  })
  row_names <- attr(frame, "row.names")
  structure(do.call(c, columns), class = "data.frame", row.names = row_names)
}

column_names <- function(column, name) {
  labels <- colnames(column)
  if (is.null(labels)) return(if (ncol(column) == 1L) name else paste0(name, seq_len(ncol(column))))
  if (all(grepl("^[0-9]+$", labels))) paste0(name, labels) else labels
}

# New rows for a fit by formula: its columns, of the variables by their names. Columns under the names that the
# fitted ones have, as simulate() makes them, stand for themselves.
new_formula_rows <- function(newdata, old, beside) {
  terms <- old$terms
  if (is.matrix(newdata) && !is.null(colnames(newdata))) newdata <- as.data.frame(newdata)
  if (!inherits(newdata, "data.frame")) return(check_bare_rows(newdata, terms))
  needed <- c(attr(terms, "rows"), beside)
  lacking <- setdiff(needed, names(newdata))
  if (length(lacking)) {
    if (all(old$names %in% names(newdata))) return(newdata)
    abort_lacking(lacking, names(newdata))
  }
  if (!nrow(newdata)) return(matrix(0, 0L, length(old$names), dimnames = list(NULL, old$names)))
  frame <- frame_of_new(terms, newdata[attr(terms, "rows")])
  if (nrow(frame) != nrow(newdata)) {
    abort_em("newdata", c(
      sprintf("The formula gives %s for the %s of `newdata`.", plural(nrow(frame), "value"),
              plural(nrow(newdata), "row")),
      i = "It must name columns of the data, not objects of that length."
    ))
  }
  check_kinds(frame, terms)
  frame <- flatten_matrices(undo_offset(frame, terms))
  check_joint(frame, old)
  for (name in setdiff(beside, names(frame))) frame[[name]] <- newdata[[name]]
  frame
}

# A single row is evaluated as two: poly() of several variables and other functions of matrices fail on one.
frame_of_new <- function(terms, rows) {
  terms <- terms_at_home(terms)
  if (nrow(rows) != 1L || attr(terms, "plain")) return(model_frame(terms, rows))
  twice <- model_frame(terms, rows[c(1L, 1L), , drop = FALSE])
  frame <- twice[seq_len(nrow(twice) %/% 2L), , drop = FALSE]
  attr(frame, "row.names") <- attr(rows, "row.names")
  frame
}

# Terms that are evaluated in what the fit kept, and nowhere else.
terms_at_home <- function(terms, home = attr(terms, "home")) {
  attr(terms, ".Environment") <- if (is.null(home)) baseenv() else home
  terms
}

check_bare_rows <- function(newdata, terms) {
  if (attr(terms, "plain")) return(newdata)
  abort_em("newdata", c(
    sprintf("`newdata` must be a data frame with %s %s: the formula transforms %s.",
            if (length(attr(terms, "rows")) > 1L) "columns" else "column", quoted(attr(terms, "rows")),
            if (length(attr(terms, "rows")) > 1L) "them" else "it"),
    x = sprintf("It is %s.", describe_input(newdata))
  ))
}

abort_lacking <- function(lacking, has) {
  abort_em("newdata", c(
    sprintf("`newdata` lacks %s %s.", if (length(lacking) > 1L) "columns" else "column", quoted(lacking)),
    x = sprintf("It has %s.", quoted(has))
  ))
}

# As .checkMFClasses(): what was a number is one. A column without any value has no kind.
check_kinds <- function(frame, terms) {
  kind <- function(classes) ifelse(classes %in% c("ordered", "character"), "factor", classes)
  was <- kind(attr(terms, "dataClasses")[names(frame)])
  is <- kind(vapply(frame, stats::.MFclass, ""))
  blank <- vapply(frame, function(column) all(is.na(column)), NA)
  bad <- which(is != was & !blank)
  if (!length(bad)) return(invisible())
  abort_em("newdata", sprintf("`newdata` must have the kinds of columns that were fitted: \"%s\" was %s and is %s.",
                              names(frame)[bad[1L]], was[bad[1L]], is[bad[1L]]))
}

# What a formula needs of its environment ---------------------------------------------------------------------------

# The value of a name, NULL where there is none.
look_up <- function(name, home) tryCatch(get0(name, envir = home), error = function(e) NULL)

# A copy of what the expression names, functions with what they name in turn, and nothing else: a fit is written to a
# file with it and works in another session. Functions of packages stay as they are.
pack_environment <- function(expression, home, except) {
  seen <- list()
  pack <- function(names, from, except) {
    to <- NULL
    for (pair in seen) if (identical(pair$from, from)) to <- pair$to
    if (is.null(to)) {
      to <- new.env(parent = globalenv())
      seen[[length(seen) + 1L]] <<- list(from = from, to = to)
    }
    for (name in setdiff(names, except)) {
      value <- look_up(name, from)
      if (is.null(value) || exists(name, envir = to, inherits = FALSE)) next
      assign(name, value, envir = to) # there before it is packed, as functions may call each other
      if (is_of_user(value)) assign(name, pack_function(value), envir = to)
    }
    to
  }
  pack_function <- function(f) {
    f <- utils::removeSource(f)
    formals <- as.list(formals(f))
    names <- c(all.names(body(f)), unlist(lapply(formals, function(default) all.names(as.call(list(default))))))
    environment(f) <- pack(unique(names), environment(f), names(formals))
    f
  }
  pack(unique(all.names(expression)), home, except)
}

is_of_user <- function(value) typeof(value) == "closure" && !isNamespace(topenv(environment(value)))
