# Rscript tests/fuzz/fuzz.R [seconds [seed [case]]]: random inputs against em_fit(), the methods of what it returns,
# and the functions of the boundary to C++, for so many seconds (20), or until FUZZ_CASES of them (environment variable) are
# done; with a case, that case alone. The package must be installed.
#
# Whatever is given, nothing may crash or hang. From R: errors and warnings are of this package's classes, and a fit holds
# numbers that belong together. At the boundary, where R's checks have been bypassed: C++ refuses by an exception or
# returns. Ends with "fuzz: N cases, N failed" and status 1 where one failed. A crash shows in tests/fuzz/run, which knows
# the last case begun.
suppressMessages(library(emfit))
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)[1]))
source(file.path(here, "values.R"))
source(file.path(here, "boundary.R"))

arguments <- as.numeric(commandArgs(trailingOnly = TRUE))
seconds <- if (length(arguments) >= 1) arguments[1] else 20
seed <- if (length(arguments) >= 2) arguments[2] else 1
only <- if (length(arguments) >= 3) arguments[3]
case_limit <- 60 # seconds; a case takes a few milliseconds
note_file <- Sys.getenv("FUZZ_NOTE")
most_cases <- as.numeric(Sys.getenv("FUZZ_CASES", "Inf"))

# What went wrong in the case at hand.
faults <- character()
fault <- function(...) faults[length(faults) + 1L] <<- sprintf(...)
holds <- function(condition, what) if (!isTRUE(condition)) fault("%s", what)

one_line <- function(x) substr(gsub("[[:space:]]+", " ", paste(x, collapse = " ")), 1L, 200L)

# Runs code as a user's session would; NULL where it was refused in the package's own words.
asked <- function(what, code) {
  refused <- function(e) {
    if (!inherits(e, "emfit_error")) {
      fault("%s: error of class %s: %s", what, class(e)[1L], one_line(conditionMessage(e)))
    }
    NULL
  }
  told <- function(w) {
    if (!inherits(w, c("emfit_warning"))) {
      fault("%s: warning of class %s: %s", what, class(w)[1L], one_line(conditionMessage(w)))
    }
    odd <- inherits(w, "emfit_warning_not_monotone") && !grepl("^Rounding", conditionMessage(w))
    if (odd) fault("%s: %s", what, one_line(conditionMessage(w)))
    invokeRestart("muffleWarning")
  }
  heard <- function(m) {
    if (!inherits(m, "emfit_message")) fault("%s: message of class %s", what, class(m)[1L])
    invokeRestart("muffleMessage")
  }
  tryCatch(withCallingHandlers(code, warning = told, message = heard), error = refused)
}

sums_to_one <- function(r) nrow(r) == 0L || isTRUE(max(abs(rowSums(r) - 1)) < 1e-9)

check_numbers <- function(fit) {
  numbers <- unlist(fit$parameters)
  holds(all(is.finite(numbers)), "parameters that aren't finite")
  holds(abs(sum(fit$parameters$proportions) - 1) < 1e-9 && all(fit$parameters$proportions >= 0), "proportions")
  # A start that is only scored may give rows no density at all.
  holds(is.finite(fit$loglik) || (identical(fit$loglik, -Inf) && fit$iterations == 0L), "a log-likelihood that isn't finite")
  holds(is.finite(stats::BIC(fit)) || fit$iterations == 0L, "a BIC that isn't finite")
  holds(all(is.finite(fit$counts)) && all(fit$counts >= 0), "counts")
  holds(identical(fit$trace$loglik[nrow(fit$trace)], fit$objective), "a trace that doesn't end at what was maximised")
  l <- fit$trace$loglik
  rows <- if (is.null(fit$data$weights)) fit$data$n else sum(fit$data$weights)
  l <- l[-1L] # the first M-step may leave a start that lay outside its structure
  holds(all(diff(l) >= -1e-9 * (rows + max(abs(l), 0))) || fit$status == "not_monotone", "a log-likelihood that falls untold")
}

check_methods <- function(fit, x) {
  r <- asked("predict(prob)", predict(fit, type = "prob"))
  if (!is.null(r)) holds(sums_to_one(r[!is.na(r[, 1L]), , drop = FALSE]) && nrow(r) == fit$data$n + length(fit$data$na.action), "responsibilities")
  l <- asked("predict(logdensity)", predict(fit, type = "logdensity"))
  if (!is.null(l)) holds(!any(is.nan(l)), "a log density of NaN")
  again <- asked("predict(newdata)", predict(fit, x, "prob"))
  if (!is.null(again)) holds(sums_to_one(again) && !anyNA(again), "responsibilities of new data")
  far <- x
  far[] <- 1e5 * x
  asked("predict(far)", predict(fit, far, "prob"))
  method <- sample(names(fuzz_methods), 2L)
  for (name in method) asked(name, fuzz_methods[[name]](fit))
}

fuzz_methods <- list(
  print = function(fit) utils::capture.output(print(fit), print(summary(fit))),
  coef = function(fit) coef(fit), tidy = function(fit) tidy(fit), glance = function(fit) glance(fit),
  augment = function(fit) augment(fit), simulate = function(fit) simulate(fit, 2), icl = function(fit) icl(fit),
  vcov = function(fit) vcov(fit), confint = function(fit) confint(fit), residuals = function(fit) residuals(fit),
  path = function(fit) em_path(fit),
  again = function(fit) em_fit(fit$data$x, start = fit, family = fit$family, control = em_control(max_iter = 2)),
  step = function(fit) em_mstep(fit$data$x, em_estep(fit$data$x, fit), fit),
  impute = function(fit) em_impute(fit),
  diagnose = function(fit) utils::capture.output(print(em_diagnose(fit), all = TRUE)),
  bootstrap = function(fit) em_bootstrap(fit, n_boot = 3, control = em_control(max_iter = 20)),
  frame = function(fit) as.data.frame(fit), cluster = function(fit) plot_data(fit)
)

# The rows of the fit as they were given.
fuzz_fit <- function() {
  n <- some_count()
  binomial <- rarely(4)
  d <- pick(1L, 1L, 2L, 2L, 3L, 5L, if (rarely(4)) 14L else 4L)
  x <- if (binomial) some_counts(n) else some_matrix(n, d)
  k <- some_k(n)
  family <- if (binomial) pick("binomial", em_binomial()) else some_gaussian(d)
  given <- if (rarely(40)) rubbish() else if (d == 1L && !binomial && rarely(2)) x[, 1L] else x
  arguments <- list(given, k, family = if (rarely(60)) rubbish() else family, latent = some_latent(k),
                    start = some_start(x, k, binomial), weights = some_weights(n), labels = some_labels(n, k),
                    control = some_control())
  if (nzchar(Sys.getenv("FUZZ_KEEP"))) saveRDS(arguments, Sys.getenv("FUZZ_KEEP"))
  fit <- asked("em_fit", do.call(em_fit, arguments, quote = TRUE))
  if (is.null(fit)) return("refused")
  holds(inherits(fit, "em_fit"), "no em_fit")
  check_numbers(fit)
  check_methods(fit, x)
  "fitted"
}

one_case <- function(i) {
  set.seed((seed * 1e5 + i) %% .Machine$integer.max) # seeds above 21474 go round
  faults <<- character()
  if (nzchar(note_file)) cat(i, "\n", file = note_file)
  setTimeLimit(elapsed = case_limit, transient = TRUE)
  on.exit(setTimeLimit())
  kind <- if (rarely(3)) "boundary" else "fit"
  outcome <- tryCatch(if (kind == "fit") fuzz_fit() else fuzz_boundary(), error = function(e) {
    fault("%s: %s", kind, one_line(conditionMessage(e)))
    "failed"
  })
  if (length(faults)) {
    cat(sprintf("case %d (tests/fuzz/fuzz.R 1 %g %d): %s\n", i, seed, i, faults), sep = "")
    outcome <- "failed"
  }
  paste(kind, outcome)
}

outcomes <- integer()
begin <- proc.time()[["elapsed"]]
i <- if (is.null(only)) 0 else only - 1
repeat {
  i <- i + 1
  outcome <- one_case(i)
  outcomes[outcome] <- sum(outcomes[outcome], 1L, na.rm = TRUE)
  if (!is.null(only) || i >= most_cases || proc.time()[["elapsed"]] - begin > seconds) break
}
failed <- sum(outcomes[grepl("failed$", names(outcomes))])
cat(paste0(names(outcomes), ": ", outcomes, collapse = ", "), "\n")
cat(sprintf("fuzz: %d cases, %d failed\n", sum(outcomes), failed))
quit(status = as.integer(failed > 0))
