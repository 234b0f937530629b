# Winners of a table that a few rows made: whatever the criterion is, they don't win over fits that stand better.
#
# What leans on few rows falls where any fit that does not is worth more to rows left out (leave-out.R), also where that
# is far behind: a winner that a few rows made leaves all others behind. A component of a single row wins only where the
# evidence is very strong (Kass & Raftery 1995): not where a fit without one is within `rival_bic`.

# Places of those that fall. cells: list(model, run, left, single), the last two known where `searched` is set; values:
# of the criterion, smaller is better, Inf where there is nothing. Stops at a winner that may not be judged yet.
winners_that_fall <- function(cells, values, data, may_judge = TRUE) {
  may_judge <- rep_len(may_judge, length(cells))
  falling <- integer()
  verdicts <- new_verdicts(cells, data)
  stands_near <- function(p, best) values[p] <= values[best] + rival_bic && !verdicts$leans(p) && !verdicts$single(p)
  repeat {
    best <- which.min(values)
    if (!is.finite(values[best]) || !may_judge[best]) return(falling)
    others <- setdiff(which(is.finite(values)), best)
    others <- others[order(!is_searched(cells[others]), values[others])]
    falls <- verdicts$leans(best) && any_of(others, function(p) verdicts$worth(p) > verdicts$left(best)$loglik)
    if (!falls) falls <- verdicts$single(best) && any_of(others, function(p) stands_near(p, best))
    if (!falls) return(falling)
    falling <- c(falling, best)
    values[best] <- Inf
  }
}

any_of <- function(places, ask) {
  for (p in places) if (isTRUE(ask(p))) return(TRUE)
  FALSE
}

is_searched <- function(cells) vapply(cells, function(cell) isTRUE(cell$searched), NA)

# What is asked of the cells, each at most once and only when it is asked.
new_verdicts <- function(cells, data) {
  known <- list(left = list(), single = list(), worth = list())
  once <- function(what, p, ask) {
    at <- as.character(p)
    if (!at %in% names(known[[what]])) known[[what]][at] <<- list(ask(cells[[p]]))
    known[[what]][[at]]
  }
  left <- function(p) once("left", p, function(cell) {
    if (isTRUE(cell$searched)) cell$left else leaning_of(cell$run, data, cell$model)
  })
  list(
    left = left, leans = function(p) leans(left(p)),
    single = function(p) {
      length(once("single", p, function(cell) {
        if (isTRUE(cell$searched)) cell$single else single_rows(cell$run, data, cell$model)
      })) > 0L
    },
    worth = function(p) once("worth", p, function(cell) worth_of_sound(cell$run, data, cell$model, left(p)))
  )
}

# Which rows of a table are passed over, by a criterion that may be another than the one it was made with.
passed_by <- function(x, criterion) {
  if (criterion == x$criterion || nrow(x$table) == 1L) return(x$table$leaning)
  values <- x$table[[criterion]]
  values[is.na(values)] <- Inf
  seq_along(values) %in% winners_that_fall(x$cells, values, x$data)
}
