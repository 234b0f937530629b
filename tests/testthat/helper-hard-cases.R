# The table of hard cases: how its rows are written, read and checked.
#
#   fails(what, call, "input", "says", ...)   an error of class emfit_error_input, its message with all of "says"
#   warns(what, call, "collapse", "says", ..., value = )   a warning so classed, and the value, where given
#   gives(what, call, value, tolerance = 0)   no condition, and the value (identical where tolerance is 0)
#
# A call is evaluated in an environment of its own, after set.seed(1); `value` in the same one.

read_hard_cases <- function(folder) {
  cases <- list()
  add <- function(...) cases[[length(cases) + 1L]] <<- list(...)
  fixtures <- hard_case_fixtures()
  table <- new.env(parent = fixtures)
  table$fails <- function(what, call, class, ...) {
    add(what = what, call = substitute(call), error = class, says = c(...), home = fixtures)
  }
  table$warns <- function(what, call, class, ..., value) {
    add(what = what, call = substitute(call), warning = class, says = c(...), home = fixtures,
        value = if (!missing(value)) substitute(value), tolerance = 1e-6)
  }
  table$gives <- function(what, call, value, tolerance = 0) {
    add(what = what, call = substitute(call), value = substitute(value), tolerance = tolerance,
        home = fixtures)
  }
  for (file in sort(list.files(folder, full.names = TRUE), method = "radix")) sys.source(file, table)
  cases
}

hard_case_fixtures <- function() {
  home <- new.env(parent = environment(hard_case_fixtures))
  evalq({
    two <- faithful
    both <- as.matrix(faithful)
    one <- faithful$eruptions
    fit2 <- em_fit(faithful, start = list(mean = cbind(c(4.3, 2), c(80, 55)), covariance = diag(c(0.2, 40))))
    fit1 <- em_fit(one, start = list(mean = c(4.3, 2), sd = c(0.4, 0.2)))
    near <- list(mean = c(4.3, 2), sd = c(0.4, 0.2))
    tight <- em_control(tol = 1e-11)
    exactly <- function(iterations) em_control(tol = 0, max_iter = iterations, accelerate = FALSE)
  }, home)
  home
}

expect_outcome <- function(case) {
  set.seed(1)
  seen <- list()
  keep <- function(condition, restart) {
    seen[[length(seen) + 1L]] <<- condition
    invokeRestart(restart)
  }
  got <- tryCatch(
    withCallingHandlers(eval(case$call, new.env(parent = case$home)),
                        warning = function(w) keep(w, "muffleWarning"),
                        message = function(m) keep(m, "muffleMessage")),
    error = identity
  )
  if (!is.null(case$error)) return(expect_condition_of(got, "error", case$error, case$says))
  if (inherits(got, "error")) return(fail(paste("an error:", conditionMessage(got))))
  told <- vapply(seen, conditionMessage, "")
  if (is.null(case$warning)) expect_identical(told, character())
  else if (length(seen) != 1L) fail(paste0(length(seen), " conditions: ", paste(told, collapse = " / ")))
  else expect_condition_of(seen[[1L]], "warning", case$warning, case$says)
  if (is.null(case$value)) return(invisible())
  set.seed(1)
  value <- eval(case$value, new.env(parent = case$home))
  if (case$tolerance == 0) expect_identical(got, value)
  else expect_equal(got, value, tolerance = case$tolerance)
}

expect_condition_of <- function(condition, kind, what, says) {
  wanted <- c(paste0("emfit_", kind, c(paste0("_", what), "")), paste0("rlang_", kind), kind, "condition")
  expect_identical(class(condition), wanted)
  expect_true(is.call(conditionCall(condition)))
  message <- conditionMessage(condition)
  for (piece in says) expect_match(message, piece, fixed = TRUE)
}
