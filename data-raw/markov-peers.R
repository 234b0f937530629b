# Log-likelihoods and estimates of hidden Markov models from depmixS4 and HiddenMarkov, for tests/testthat/fixtures.
# Run in the root of the package, with both packages installed; takes some minutes.
#
#   markov_speed.csv      the response times of depmixS4's data set `speed` (three series)
#   markov_optima.csv     the best of depmixS4 in each case, from many random starts, run to 1e-10;
#                         how many of its starts end there; HiddenMarkov run on from there (one series only);
#                         "one_start": what depmixS4 finds by default with seed 1
#   markov_estimates.csv  the estimates at that optimum: initial, transition (row, column), and the family's
#   markov_best.csv       not made here: the best of so many random starts (means drawn from the rows, random transitions)
#                         of plain Baum-Welch over src/chain.h; higher than depmixS4's 40 starts for the earthquakes
#                         (k = 4) and the Nile (k = 3)
#   markov_printed.csv    -log-likelihoods that Zucchini & MacDonald print for the earthquakes
#
# Starts that end with a state on equal values (a standard deviation under 5 % of that of all rows), whose likelihood
# is without a bound, are left out.
suppressMessages({
  library(depmixS4)
  library(HiddenMarkov)
})
load("data/earthquakes.rda")
data(speed, package = "depmixS4")
fixture <- function(table, name) {
  write.csv(table, file.path("tests/testthat/fixtures", name), row.names = FALSE, quote = FALSE)
}
sizes <- c(168L, 134L, 137L)
fixture(data.frame(series = rep(1:3, sizes), rt = speed$rt), "markov_speed.csv")

cases <- list(
  list(data = "speed", x = speed$rt, sizes = sizes, k = 2:3, family = gaussian()),
  list(data = "earthquakes", x = earthquakes$count, sizes = 107L, k = 2:4, family = poisson()),
  list(data = "faithful", x = faithful$waiting, sizes = 272L, k = 2:3, family = gaussian()),
  list(data = "Nile", x = as.numeric(Nile), sizes = 100L, k = 2:3, family = gaussian())
)

one_fit <- function(case, k, control, seed) {
  set.seed(seed)
  model <- depmix(x ~ 1, data = data.frame(x = case$x), nstates = k, ntimes = case$sizes, family = case$family)
  fitted <- tryCatch(suppressWarnings(fit(model, verbose = FALSE, emcontrol = control)), error = function(e) NULL)
  if (is.null(fitted)) return(NULL)
  out <- list(loglik = as.numeric(logLik(fitted)), initial = as.numeric(fitted@init[1, ]),
              transition = t(sapply(fitted@transition, function(row) as.numeric(row@parameters$coefficients))))
  own <- sapply(fitted@response, function(state) unlist(state[[1]]@parameters))
  if (case$family$family == "poisson") {
    out$rate <- exp(as.numeric(own))
  } else {
    out$mean <- own[1, ]
    out$sd <- own[2, ]
    if (min(out$sd) < 0.05 * sd(case$x)) return(NULL)
  }
  out
}

# depmixS4 keeps transitions as multinomial logits; with the identity link they are probabilities.
run_on <- function(case, best) {
  if (length(case$sizes) > 1L) return(NA)
  poisson <- !is.null(best$rate)
  start <- dthmm(case$x, best$transition, best$initial, if (poisson) "pois" else "norm",
                 if (poisson) list(lambda = best$rate) else list(mean = best$mean, sd = best$sd))
  set <- bwcontrol(maxiter = 5000, tol = 1e-10, prt = FALSE, converge = expression(abs(diff) < tol))
  tryCatch(as.numeric(BaumWelch(start, set)$LL), error = function(e) NA)
}

estimates <- function(case, k, best) {
  first <- order(if (is.null(best$rate)) best$mean else best$rate)
  best$transition <- best$transition[first, first]
  rows <- function(name, i, j, value) data.frame(data = case$data, k = k, parameter = name, i = i, j = j, value = value)
  own <- intersect(c("mean", "sd", "rate"), names(best))
  rbind(rows("initial", seq_len(k), NA, best$initial[first]),
        rows("transition", rep(seq_len(k), k), rep(seq_len(k), each = k), as.vector(best$transition)),
        do.call(rbind, lapply(own, function(name) rows(name, seq_len(k), NA, best[[name]][first]))))
}

optima <- table <- NULL
for (case in cases) for (k in case$k) {
  n_start <- if (k == 2) 15L else 40L
  rough <- em.control(maxit = 300, tol = 1e-5, crit = "absolute", random.start = TRUE)
  fine <- em.control(maxit = 5000, tol = 1e-10, crit = "absolute", random.start = TRUE)
  fits <- lapply(seq_len(n_start), function(seed) one_fit(case, k, rough, seed))
  ended <- vapply(fits, function(fit) if (is.null(fit)) -Inf else fit$loglik, 0)
  best <- one_fit(case, k, fine, which.max(ended))
  plain <- one_fit(case, k, em.control(random.start = TRUE), 1)
  optima <- rbind(optima, data.frame(
    data = case$data, family = case$family$family, k = k, loglik = best$loglik,
    starts = n_start, at_best = sum(ended > best$loglik - 1e-2), hidden_markov = run_on(case, best),
    one_start = if (is.null(plain)) NA else plain$loglik
  ))
  table <- rbind(table, estimates(case, k, best))
  print(optima[nrow(optima), ], digits = 12)
}
round_columns <- function(table, names, digits) {
  table[names] <- lapply(table[names], signif, digits)
  table
}
fixture(round_columns(optima, c("loglik", "hidden_markov", "one_start"), 13), "markov_optima.csv")
fixture(round_columns(table, "value", 9), "markov_estimates.csv")

# Chapters 3 and 4 of Zucchini & MacDonald (2009): stationary chains of 1 to 4 states, and two states with a free
# initial distribution.
fixture(data.frame(
  initial = c(rep("stationary", 4), "free"), k = c(1:4, 2L),
  minus_loglik = c("391.9189", "342.3183", "329.4603", "327.8316", "341.8787")
), "markov_printed.csv")
cat("depmixS4", format(packageVersion("depmixS4")), "HiddenMarkov", format(packageVersion("HiddenMarkov")), "\n")
