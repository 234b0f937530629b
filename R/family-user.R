#' A family of one's own
#'
#' Makes a family of components from three functions in R: what a row adds to the statistics, the log density, and the
#' M-step. Everything else (proportions, starts, stopping, labels, weights, held parameters, standard errors, selection,
#' prediction) is that of [em_fit()]. [em_check_family()] tells whether the functions belong together, and
#' [emfit-extend] what comes for free and what can be added.
#'
#' `x` reaches the functions as the user's columns: a matrix with their names, or a vector where there is one column.
#' Rows with a missing value do not reach them: they keep their place in every output, their responsibilities are the
#' proportions, and they are not counted.
#'
#' `parameters` is a list with an element for each field: k numbers, or a matrix with a row for each component. With
#' `statistics`, the M-step of component j reads the sums over the rows of w r s(x), with the case weight w and
#' the row's responsibility r; the columns of s must be such that these sums say all that the maximum needs (sufficient
#' statistics). Without, it reads the rows themselves with their weights: `maximise(x, w)`, w the n x k matrix w r. That
#' fits any density, but costs n k numbers for each thread.
#'
#' The functions are called by R on one thread, so several starts run one after another; the sums over the rows
#' are made in the compiled core. There is no acceleration for such families, and standard errors are taken from
#' differences of the log-likelihood (see [vcov()][em_fit-errors]). A fit holds the functions, with copies of
#' what they name: [saveRDS()] keeps a fit that works in another session, but [identical()] of two functions is `FALSE`
#' where they were read from files.
#'
#' @param name A word for the family: letters, digits and dots.
#' @param fields The parameters of a component: a named list that gives each its scale, `"real"`, `"positive"`, `"unit"`
#'   (from 0 to 1): one number for each component; or `list(scale, size)`: `size` numbers, in a k x size matrix, where
#'   `size` is their number or `"variable"` for one for each column of the data. The scale may then also be
#'   `"simplex"`: numbers of 0 or more whose sum is one.
#' @param log_density `function(x, parameters)` that returns the logarithm of the density (or probability) of each row
#'   under each component, an n x k matrix. It is finite, or `-Inf` where a row is impossible.
#' @param maximise `function(s)` of the statistics, a k x p matrix with the column names that `statistics` gave; or
#'   without `statistics` `function(x, w)`. It returns the parameters that maximise the weighted log-likelihood, a list
#'   as `parameters`. Where it has an argument `parameters` it gets the present ones, and need only improve on them. A
#'   component without rows keeps its parameters and is left out of what `maximise` gets.
#' @param statistics `NULL`, or `function(x)` that returns what each row adds to the statistics: an n x p matrix.
#' @param simulate `NULL`, or `function(n, parameters)` that draws n rows from one component, whose parameters are
#'   numbers (of tables: a row): a vector, or an n x d matrix. For [simulate()], [em_lrt()] and parametric bootstraps.
#' @param means `NULL`, or `function(parameters)` that returns the expected value of a row of each component: k
#'   numbers, or a k x d matrix. For [fitted()] and [residuals()].
#' @param start `NULL`, or `function(x, k)` that returns a start: parameters, or a partition. It takes the place of
#'   the starts `"random"` and may draw random numbers.
#' @return An object of class `em_family`: a list, to be given to [em_fit()] as its `family`.
#' @section Errors: `emfit_error_argument` where an argument is none of the above. In a fit, `emfit_error_family` names
#'   the function and the component where it fails, returns another shape, or numbers that can't be.
#' @section Warnings: `emfit_warning_not_monotone` where the log-likelihood falls: `maximise` does not maximise what
#'   `log_density` says.
#' @references Gruen, B. and Leisch, F. (2008) FlexMix version 2: finite mixtures with concomitant variables and varying
#'   and constant parameters. *Journal of Statistical Software* 28(4), 1-35. \doi{10.18637/jss.v028.i04}
#' @seealso [em_check_family()], [emfit-extend], `vignette("your-own-family")`
#' @examples
#' geometric <- em_family("geometric", fields = list(prob = "unit"),
#'   statistics = function(x) cbind(n = 1, sum = x),
#'   log_density = function(x, parameters) outer(x, parameters$prob, dgeom, log = TRUE),
#'   maximise = function(s) list(prob = s[, "n"] / (s[, "n"] + s[, "sum"]))
#' )
#' set.seed(1)
#' x <- c(rgeom(80, 0.5), rgeom(80, 0.05))
#' em_fit(x, k = 2, family = geometric)
#' @export
em_family <- function(name, fields, log_density, maximise, statistics = NULL, simulate = NULL, means = NULL,
                      start = NULL) {
  check_family_name(name)
  functions <- list(
    log_density = check_closure(log_density, "log_density", 2L),
    maximise = check_closure(maximise, "maximise", if (is.null(statistics)) 2L else 1L),
    statistics = if (!is.null(statistics)) check_closure(statistics, "statistics", 1L),
    simulate = if (!is.null(simulate)) check_closure(simulate, "simulate", 2L),
    means = if (!is.null(means)) check_closure(means, "means", 1L),
    start = if (!is.null(start)) check_closure(start, "start", 2L)
  )
  functions <- lapply(functions[lengths(functions) > 0L], pack_closure)
  out <- list(name = name, fields = check_family_fields(fields), functions = functions)
  structure(out, class = c(paste0("em_family_", name), "em_family_user", "em_family"))
}

check_family_name <- function(name) {
  if (!is.character(name) || length(name) != 1L || is.na(name) || !grepl("^[A-Za-z][A-Za-z0-9.]*$", name)) {
    abort_em("argument", sprintf("`name` must be one word of letters, digits and dots, not %s.", describe_value(name)))
  }
  if (name %in% c(names(family_constructors()), "user")) {
    abort_em("argument", sprintf("`name` can't be \"%s\": that family is there already.", name))
  }
}

check_closure <- function(f, arg, least) {
  # A primitive has no environment that a fit could keep; wrapped it has.
  if (!is.function(f) || is.primitive(f)) {
    abort_em("argument", c(sprintf("`%s` must be a function, not %s.", arg,
                                   if (is.function(f)) "a primitive one" else describe_value(f)),
                           i = if (is.primitive(f)) sprintf("Wrap it: %s = function(x, ...) f(x, ...).", arg)))
  }
  takes <- names(formals(f))
  if (!"..." %in% takes && length(takes) < least) {
    abort_em("argument", sprintf("`%s` must be a function of %s, not of %d.", arg, plural(least, "argument"),
                                 length(takes)))
  }
  f
}

# With copies of what it names, so that a fit works in another session.
pack_closure <- function(f) {
  home <- new.env(parent = environment(f))
  assign("f", f, envir = home)
  get("f", envir = pack_environment(quote(f()), home, character()))
}

user_scales <- c("real", "positive", "unit", "simplex")

# list(scale, size) each: size 0 for a number, -1 for one by variable, else how many there are.
check_family_fields <- function(fields) {
  if (is.character(fields)) fields <- as.list(fields)
  names <- names(fields)
  if (!is.list(fields) || !length(fields) || is.null(names) || !all(nzchar(names)) || anyDuplicated(names)) {
    abort_em("argument", c("`fields` must be a list with a name for each parameter.",
                           i = "fields = list(mean = \"real\", sd = \"positive\")"))
  }
  if ("proportions" %in% names) {
    abort_em("argument", "`fields` can't have a parameter \"proportions\": those are the mixture's.")
  }
  Map(check_family_field, fields, names)
}

check_family_field <- function(field, name) {
  field <- as.list(field)
  scale <- field[[1L]]
  if (!is.character(scale) || length(scale) != 1L || !scale %in% user_scales) {
    abort_em("argument", c(sprintf("`fields$%s` must have the scale %s, not %s.", name, one_of(user_scales),
                                   describe_value(scale)),
                           i = did_you_mean(scale, user_scales)))
  }
  size <- if (length(field) > 1L) field[[2L]] else 0L
  if (identical(size, "variable")) size <- -1L
  if (!is_number(size) || size != floor(size) || length(field) > 2L || length(field) == 2L && size == 0 || size < -1) {
    abort_em("argument", sprintf("`fields$%s` must have as its size a whole number of 1 or more, or \"variable\".", name))
  }
  if (scale == "simplex" && size %in% 0:1) {
    abort_em("argument", c(sprintf("`fields$%s` must have a size: one number alone has no sum to keep.", name),
                           i = sprintf("%s = list(\"simplex\", 3)", name)))
  }
  list(scale = scale, size = as.integer(size))
}

#' @export
format.em_family_user <- function(x, ...) {
  check_dots(..., let_pass = format_arguments)
  scales <- vapply(x$fields, function(field) {
    paste0(field$scale, if (field$size < 0L) " by variable" else if (field$size > 0L) paste(" x", field$size))
  }, "")
  sprintf("%s components: %s", capital(x$name), paste0(names(scales), " (", scales, ")", collapse = ", "))
}

capital <- function(word) paste0(toupper(substr(word, 1L, 1L)), substring(word, 2L))

# The contract -------------------------------------------------------------------------------------------------------

# A row with a missing value says nothing.
#' @export
family_data.em_family_user <- function(family, frame, old = NULL, ...) {
  if (!is.null(old) && ncol(frame$x) != ncol(old$x)) {
    abort_em("newdata", sprintf("`newdata` must have %s of the family \"%s\", not %d.",
                                plural(ncol(old$x), "column"), family$name, ncol(frame$x)))
  }
  if (is.null(frame$missing)) return(frame)
  frame$missing$what <- "values"
  if (!is.null(old)) return(frame)
  if (length(frame$missing$rows) == nrow(frame$x)) {
    abort_em("missing", "`x` has a missing value in every row, so that no row says anything.")
  }
  drop_from_weights(frame, frame$missing$rows)
}

#' @export
family_takes_chunks.em_family_user <- function(family) FALSE

#' @export
family_fields.em_family_user <- function(family, k, data) {
  d <- dim(data$x)[2L]
  fields <- lapply(names(family$fields), function(name) {
    field <- family$fields[[name]]
    if (field$size == 0L) return(new_field(field$scale, "component", k, name))
    second <- if (field$size < 0L) "variable" else "category"
    new_field(field$scale, c("component", second), c(k, if (field$size < 0L) d else field$size), name)
  })
  stats::setNames(fields, names(family$fields))
}

#' @export
family_check.em_family_user <- function(family, data, k, estimated = TRUE) {
  family["columns"] <- list(data$names)
  if (!estimated) return(family)
  x <- rows_that_count(data)
  if (k > most_components(data, nrow(x), distinct_rows(x, k))) {
    abort_too_many(k, nrow(x), nrow(unique(x)), "Components of equal rows can't be told apart: use fewer.")
  }
  family
}

#' @export
family_parameters.em_family_user <- function(family, start, k, data, fields = family_fields(family, k, data)) {
  out <- read_fields(start, fields, data$names, "start")
  for (name in names(fields)) {
    bad <- if (fields[[name]]$scale == "simplex") which(off_simplex(out[[name]]))
    if (length(bad)) {
      abort_em("start", sprintf("`start$%s` must have rows of 0 or more that sum to 1: component %d has %s.", name,
                                bad[1L], enumerate(number(out[[name]][bad[1L], ]))))
    }
  }
  out
}

off_simplex <- function(x) rowSums(x < 0) > 0 | abs(rowSums(x) - 1) > 1e-6

# The M-step gives all numbers of a component together: with some of them held it would be no maximum.
#' @export
family_check_held.em_family_user <- function(family, k, data) {
  fields <- family_fields(family, k, data)
  held <- do.call(cbind, lapply(names(fields), function(name) {
    given <- family$held[[name]]
    if (is.null(given)) return(matrix(FALSE, k, prod(fields[[name]]$size[-1L])))
    !is.na(as_rows(given, fields[[name]], k))
  }))
  partly <- which(rowSums(held) > 0L & rowSums(held) < ncol(held))
  if (!length(partly)) return(invisible())
  abort_em("unsupported", c(
    sprintf("Components of the family \"%s\" can be held as a whole only: component %d is held in part.", family$name,
            partly[1L]),
    i = "Hold all of its numbers, or none; or write a family with fewer parameters."
  ))
}

#' @export
family_label.em_family_user <- function(family, ...) {
  list(title = paste(capital(family$name), "mixture"), detail = NULL)
}

#' @export
family_summary.em_family_user <- function(family, parameters, data) {
  fields <- family_fields(family, NROW(parameters[[names(family$fields)[1L]]]), data)
  columns <- lapply(names(fields), function(name) {
    rows <- as_rows(parameters[[name]], fields[[name]], fields[[name]]$size[1L])
    along <- colnames(parameters[[name]])
    if (is.null(along)) along <- seq_len(ncol(rows))
    colnames(rows) <- if (length(fields[[name]]$axes) == 1L) name else paste0(name, ".", along)
    rows
  })
  as.data.frame(do.call(cbind, columns))
}

# It has a density of whole rows alone.
#' @export
family_margin.em_family_user <- function(family, parameters, data, beside = list()) {
  abort_em("unsupported", c(
    sprintf("What %s components are along a column is not known: the family has a density of rows.", family$name),
    i = if (is.null(family$functions$simulate)) "predict(fit, newdata, type = \"density\") is that of rows."
        else "predict(fit, newdata, type = \"density\") is that of rows, and simulate(fit) draws some."
  ))
}

#' @export
family_observed.em_family_user <- function(family, data) data$x

#' @export
family_order.em_family_user <- function(family, parameters) {
  as.matrix(parameters[[names(family$fields)[1L]]])[, 1L]
}

#' @export
family_has_score.em_family_user <- function(family) FALSE

#' @export
family_means.em_family_user <- function(family, parameters, data) {
  need_function(family, "means", "the expected value of a row", "function(parameters) parameters$mean")
  own <- parameters[names(family$fields)]
  k <- NROW(own[[1L]])
  means <- call_user(family, "means", lapply(own, unname))
  d <- ncol(data$x)
  if (!is.numeric(means) || length(means) != k * d || d > 1L && !identical(dim(means), c(k, d))) {
    abort_em("family", sprintf("`means` of the family \"%s\" must return a number for each component%s, not %s.",
                               family$name, if (d > 1L) " and column, k x d" else "", describe_shape(means)))
  }
  out <- array(rep(t(matrix(means, k, d)), each = data$n), c(data$n, d, k))
  out[data$missing$rows, , ] <- NA
  out
}

#' @export
family_simulate.em_family_user <- function(family, parameters, component, data) {
  need_function(family, "simulate", "how rows are drawn", "function(n, parameters) rexp(n, parameters$rate)")
  own <- parameters[names(family$fields)]
  d <- ncol(data$x)
  out <- matrix(NA_real_, length(component), d)
  for (j in unique(component)) {
    at <- which(component == j)
    one <- lapply(own, function(p) if (is.matrix(p)) unname(p[j, ]) else unname(p[j]))
    drawn <- call_user(family, "simulate", length(at), one)
    if (!is.numeric(drawn) || length(drawn) != length(at) * d || d > 1L && !identical(dim(drawn), c(length(at), d))) {
      abort_em("family", sprintf("`simulate` of the family \"%s\" must return %s of %s, not %s.", family$name,
                                 plural(length(at), "row"), plural(d, "number"), describe_shape(drawn)))
    }
    out[at, ] <- drawn
  }
  out[data$missing$rows, ] <- NA
  stats::setNames(as.data.frame(out), variable_names(data))
}

need_function <- function(family, what, described, example) {
  if (!is.null(family$functions[[what]])) return(invisible())
  abort_em("unsupported", c(
    sprintf("The family \"%s\" does not say %s.", family$name, described),
    i = sprintf("Give it to em_family(): %s = %s.", what, example)
  ))
}

# Starts of the family's own, in the place of random rows.
#' @export
family_starts.em_family_user <- function(family, x, k, method, n_start) {
  if (method != "random" || is.null(family$functions$start)) return(NULL)
  rows <- user_rows(x, family$columns)
  lapply(seq_len(n_start), function(i) {
    start <- call_user(family, "start", rows$x, k)
    if (is.list(start)) {
      lacking <- setdiff(names(family$fields), names(start))
      if (length(lacking)) {
        abort_em("family", sprintf("`start` of the family \"%s\" must also hold %s.", family$name, quoted(lacking)))
      }
      data <- list(x = x, names = family$columns)
      check_types(start, family_fields(family, k, data), "start")
      return(list(parameters = family_parameters(family, start, k, data)))
    }
    groups <- if (is.numeric(start)) as.integer(start) else as.integer(factor(start))
    if (length(groups) != length(rows$whole) || anyNA(groups) || any(groups < 1L | groups > k)) {
      abort_em("family", sprintf(paste("`start` of the family \"%s\" must return parameters, or a group from 1 to %d for",
                                       "each row, not %s."), family$name, k, describe_shape(start)))
    }
    list(partition = replace(rep_len(1L, nrow(x)), rows$whole, groups))
  })
}

#' @export
family_fall.em_family_user <- function(family) {
  c(x = sprintf("`maximise` of the family \"%s\" does not maximise what its `log_density` says.", family$name),
    i = "em_check_family(family, x) shows where.")
}

#' @export
family_no_density.em_family_user <- function(family, parameters) {
  sprintf("a number of the family \"%s\" is at the end of its scale", family$name)
}

#' @export
family_too_few.em_family_user <- function(family) "lost its density"
