#' Do groups agree with what is known?
#'
#' Compares the components of a fit, or any grouping, with known classes: by the adjusted Rand index, and by the rows
#' that are wrong after components and classes were matched as well as can be.
#'
#' @param fit A fit by [em_fit()], what [em_classify()] returned, or a grouping: a factor or vector.
#' @param y The known class of each row; rows with `NA` are left out.
#' @param ... Nothing: an unknown argument is an error.
#' @return An object of class `em_agree`, a list with `rand`, the adjusted Rand index (1 for the same groups, 0 expected
#'   of groups at random), `error`, the share of wrong rows where each component stands for one class at most and each
#'   class for
#'   one component at most, `error.majority`, where every component stands for the class that most of its rows have,
#'   `wrong` (rows, of the first kind),
#'   `n`, `matching` (the class of each component, `NA` for those left over) and `table` (components x classes). Case
#'   weights
#'   have no say.
#' @section Errors: `emfit_error_argument`.
#' @references Hubert, L. and Arabie, P. (1985) Comparing partitions. *Journal of Classification* 2, 193-218.
#'   \doi{10.1007/BF01908075}
#'
#'   Kuhn, H. W. (1955) The Hungarian method for the assignment problem. *Naval Research Logistics Quarterly* 2, 83-97.
#'   \doi{10.1002/nav.3800020109}
#' @seealso [em_fit()], [em_classify()]
#' @examples
#' fit <- em_fit(iris[1:4], k = 3, control = em_control(n_start = 3))
#' em_agree(fit, iris$Species)
#' @export
em_agree <- function(fit, y, ...) {
  check_dots(...)
  if (missing(y)) abort_em("argument", "`y` is missing: the known class of each row.")
  groups <- if (inherits(fit, c("em_fit", "em_classify"))) unlabelled_classes(fit) else fit
  check_grouping(groups, "fit")
  check_grouping(y, "y")
  gone <- left_out_rows(fit)
  if (length(gone) && length(y) == length(groups) + length(gone)) y <- y[-as.integer(gone)]
  if (length(y) != length(groups)) {
    abort_em("argument", sprintf("`y` must have one class for each row of the fit: %d, not %s.", length(groups),
                                 count(y)))
  }
  known <- !is.na(y) & !is.na(groups)
  if (!any(known)) abort_em("argument", "`y` must have a class in some rows that `fit` has a group for.")
  counts <- table(component = factor(groups[known]), class = factor(y[known]))
  new_em_agree(matrix(as.double(counts), nrow(counts), dimnames = dimnames(counts)))
}

left_out_rows <- function(fit) {
  if (inherits(fit, "em_fit")) return(fit$data$na.action)
  if (inherits(fit, "em_classify")) reading_fit(fit)$data$na.action
}

# What is decided for a row where its label is not told; labels would agree with themselves.
unlabelled_classes <- function(fit) {
  if (inherits(fit, "em_fit")) fit$data["labels"] <- list(NULL)
  unname(stats::predict(fit))
}

check_grouping <- function(x, arg) {
  plain <- is.factor(x) || is.character(x) || is.numeric(x) || is.logical(x)
  if (plain && is.null(dim(x)) && length(x)) return(invisible())
  abort_em("argument", sprintf("`%s` must be %sa factor or vector of groups, not %s.", arg,
                               if (arg == "fit") "a fit, or " else "", describe_value(x)))
}

new_em_agree <- function(counts) {
  n <- sum(counts)
  to <- best_matching(counts)
  matched <- which(!is.na(to))
  wrong <- n - sum(counts[cbind(matched, to[matched])])
  structure(list(rand = adjusted_rand(counts), error = wrong / n, error.majority = 1 - sum(row_max(counts)) / n,
                 wrong = wrong, n = n, matching = stats::setNames(colnames(counts)[to], rownames(counts)),
                 table = counts),
            class = "em_agree")
}

adjusted_rand <- function(counts) {
  pairs <- function(m) sum(m * (m - 1) / 2)
  both <- pairs(counts)
  a <- pairs(rowSums(counts))
  b <- pairs(colSums(counts))
  all <- pairs(sum(counts))
  expected <- if (all > 0) a * b / all else 0
  if ((a + b) / 2 == expected) return(1) # one group each, or every row a group: nothing to disagree about
  (both - expected) / ((a + b) / 2 - expected)
}

# For each row a column of its own such that the sum of their cells is largest, NA where there are too few: the assignment
# problem, by shortest augmenting paths (Kuhn 1955).
best_matching <- function(counts) {
  size <- max(dim(counts))
  cost <- matrix(0, size, size)
  cost[seq_len(nrow(counts)), seq_len(ncol(counts))] <- -counts
  u <- numeric(size + 1L)
  v <- numeric(size + 1L)
  owner <- integer(size + 1L) # of each column, the last being a column of no row
  for (row in seq_len(size)) {
    path <- augmenting_path(cost, row, owner, u, v)
    u <- path$u
    v <- path$v
    owner <- path$owner
  }
  to <- match(seq_len(nrow(counts)), owner[seq_len(size)])
  to[to > ncol(counts)] <- NA
  to
}

augmenting_path <- function(cost, row, owner, u, v) {
  size <- nrow(cost)
  none <- size + 1L
  owner[none] <- row
  at <- none
  slack <- rep(Inf, size)
  way <- integer(size)
  done <- logical(none)
  repeat {
    done[at] <- TRUE
    open <- which(!done[seq_len(size)])
    now <- cost[owner[at], open] - u[owner[at]] - v[open]
    closer <- now < slack[open]
    slack[open[closer]] <- now[closer]
    way[open[closer]] <- at
    nearest <- open[which.min(slack[open])]
    step <- slack[nearest]
    u[owner[done]] <- u[owner[done]] + step
    v[done] <- v[done] - step
    slack[open] <- slack[open] - step
    at <- nearest
    if (owner[at] == 0L) break
  }
  while (at != none) {
    owner[at] <- owner[way[at]]
    at <- way[at]
  }
  list(owner = owner, u = u, v = v)
}

#' @rdname em_agree
#' @param x What `em_agree()` returned.
#' @export
print.em_agree <- function(x, ...) {
  check_dots(..., let_pass = print_arguments)
  cat(format(x), sep = "\n")
  invisible(x)
}

#' @rdname em_agree
#' @export
format.em_agree <- function(x, ...) {
  check_dots(..., let_pass = format_arguments)
  cells <- data.frame(component = shorten(rownames(x$table), 18L), matrix(fixed(x$table, 0L), nrow(x$table)),
                      stands.for = ifelse(is.na(x$matching), "-", x$matching))
  names(cells) <- c("component", shorten(colnames(x$table), 18L), "stands for")
  c(sprintf("Adjusted Rand index %s; %s of %s rows wrong after matching (%s %%).", fixed(x$rand, 3L),
            fixed(x$wrong, 0L),
            fixed(x$n, 0L), fixed(100 * x$error, 1L)), "", table_lines(utils::head(cells, 12L)),
    if (anyNA(x$matching)) sprintf("With every component for the class of most of its rows: %s %% wrong.",
                                   fixed(100 * x$error.majority, 1L)))
}
