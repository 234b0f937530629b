# How often a default call finds the best known optimum: Rscript inst/bench/starts.R [seeds=100] [random=1000] [set ...]
#
# For each data set and k (full covariances, different variances in one dimension): the best known log-likelihood, which
# is the best non-degenerate end of `random` random starts of plain EM run to 1e-8 and of everything else tried here,
# and how often each package's default call ends within 0.001 of it. All ends are scored by one function, and judged by
# one rule: degenerate is a component of fewer than d + 1 expected rows, or whose smallest spread relative to the
# covariance of the data is below 1e-6. A peer that stopped too early is also credited, in a column of its own, with the
# optimum that EM reaches from where it stopped.
#
# The set "simulated" is no classic but a check on data that nothing was tuned on: a row sums up 40 overlapping mixtures.
#
# Prints a table in Markdown: that of starts.md. Peers are left out where they are not installed.

suppressPackageStartupMessages(library(emfit))
arguments <- commandArgs(trailingOnly = TRUE)
option <- function(name, default) {
  given <- grep(paste0("^", name, "="), arguments, value = TRUE)
  if (length(given)) as.integer(sub(".*=", "", given[1L])) else default
}
n_seeds <- option("seeds", 100L)
n_random <- option("random", 1000L)

here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE)[1]))
cases <- source(file.path(here, "starts-data.R"))$value

# --- one score and one rule for all ---
to_the_end <- em_control(tol = 1e-8, max_iter = 5000)

judged <- function(x, end) {
  nothing <- c(loglik = NA_real_, onwards = NA_real_)
  if (is.null(end)) return(nothing)
  sigma <- end$covariance
  relative <- solve(cov(x) * (nrow(x) - 1) / nrow(x))
  spread <- apply(sigma, 3L, function(s) min(Re(eigen(relative %*% matrix(s, ncol(x)), only.values = TRUE)$values)))
  start <- list(proportions = end$proportions, mean = unname(end$mean), covariance = unname(sigma))
  if (ncol(x) == 1L) start <- list(proportions = end$proportions, mean = as.double(end$mean), sd = sqrt(as.double(sigma)))
  run <- function(control) suppressWarnings(em_fit(x, start = start, control = control))
  here <- run(em_control(max_iter = 0))
  sound <- min(here$counts) >= ncol(x) + 1 && min(spread) >= 1e-6
  onwards <- run(to_the_end)
  c(loglik = if (sound) here$loglik else NA, onwards = if (length(onwards$degenerate)) NA else onwards$loglik)
}

# --- the packages: a default call each, from data to the parameters at its end, or NULL ---
full_em <- function(x, k) {
  fit <- em_fit(x, k)
  sd <- fit$parameters$sd
  list(proportions = fit$parameters$proportions, mean = matrix(fit$parameters$mean, k),
       covariance = if (is.null(sd)) fit$parameters$covariance else array(sd^2, c(1, 1, k)))
}

full_mclust <- function(x, k) {
  fit <- mclust::Mclust(x, G = k, modelNames = if (ncol(x) == 1L) "V" else "VVV", verbose = FALSE)
  if (is.null(fit)) return(NULL)
  p <- fit$parameters
  sigma <- if (ncol(x) == 1L) array(rep_len(p$variance$sigmasq, k), c(1, 1, k)) else p$variance$sigma
  list(proportions = p$pro, mean = t(matrix(p$mean, ncol(x))), covariance = sigma)
}

full_flexmix <- function(x, k) {
  model <- if (ncol(x) == 1L) flexmix::FLXMCnorm1() else flexmix::FLXMCmvnorm(diagonal = FALSE)
  fit <- flexmix::flexmix(x ~ 1, k = k, model = model)
  if (fit@k < k) return(NULL) # it dropped a component
  p <- flexmix::parameters(fit)
  d <- ncol(x)
  p <- if (is.list(p)) do.call(cbind, lapply(p, unlist)) else p
  sigma <- if (d == 1L) array(p["sd", ]^2, c(1, 1, k)) else array(p[-seq_len(d), ], c(d, d, k))
  list(proportions = flexmix::prior(fit), mean = t(p[seq_len(d), , drop = FALSE]), covariance = sigma)
}

full_mixtools <- function(x, k) {
  capture.output(fit <- mixtools::normalmixEM(as.double(x), k = k))
  list(proportions = fit$lambda, mean = matrix(fit$mu), covariance = array(fit$sigma^2, c(1, 1, k)))
}

# mclust's default start is hierarchical and leaves nothing to chance below 2000 rows: once is enough.
systems <- list(
  emfit = list(run = full_em, seeds = n_seeds, most = Inf), mclust = list(run = full_mclust, seeds = 1L, most = Inf),
  flexmix = list(run = full_flexmix, seeds = n_seeds, most = Inf),
  mixtools = list(run = full_mixtools, seeds = min(n_seeds, 20L), most = 1)
)
# Some of them work only where they are attached.
attached <- function(name) suppressPackageStartupMessages(require(name, character.only = TRUE, quietly = TRUE))
systems <- systems[vapply(names(systems), attached, NA)]

# --- a case ---
repeated <- function(system, x, k) {
  spent <- 0
  ends <- vapply(seq_len(system$seeds), function(seed) {
    set.seed(seed)
    begun <- proc.time()
    end <- tryCatch(suppressWarnings(suppressMessages(system$run(x, k))), error = function(e) NULL)
    spent <<- spent + sum((proc.time() - begun)[1:2])
    judged(x, end)
  }, numeric(2L))
  list(ends = ends, seconds = spent / system$seeds)
}

best_of_random <- function(x, k) {
  plain <- em_control(tol = 1e-8, max_iter = 5000, accelerate = FALSE, n_start = n_random)
  set.seed(2026)
  starts <- suppressWarnings(em_fit(x, k, start = "random", control = plain))$starts
  max(starts$loglik[!starts$degenerate & starts$status != "bad_start"])
}

report <- function(case) {
  x <- as.matrix(case[[2L]])
  k <- case[[3L]]
  runs <- lapply(systems[vapply(systems, function(s) ncol(x) <= s$most, NA)], repeated, x = x, k = k)
  best <- max(best_of_random(x, k), unlist(lapply(runs, `[[`, "ends")), na.rm = TRUE)
  rate <- function(values, target) round(100 * mean(!is.na(values) & values > target - 1e-3))
  for (name in names(runs)) {
    ends <- runs[[name]]$ends
    cat(sprintf("| %s | %d | %.3f | %s | %d | %d %% | %d %% | %.3f | %.1f |\n", case[[1L]], k, best, name, ncol(ends),
                rate(ends["loglik", ], best), rate(ends["onwards", ], best), stats::median(ends["loglik", ], na.rm = TRUE),
                1000 * runs[[name]]$seconds))
  }
}

# Four overlapping groups of random place, size and covariance.
simulated_case <- function(seed, n = 300L, d = 2L, k = 4L) {
  set.seed(seed)
  label <- sample.int(k, n, replace = TRUE, prob = stats::runif(k, 0.5, 2))
  means <- matrix(stats::rnorm(k * d, sd = 2), k)
  turn <- lapply(seq_len(k), function(j) matrix(stats::rnorm(d * d), d))
  x <- t(vapply(label, function(j) means[j, ] + drop(turn[[j]] %*% stats::rnorm(d)), numeric(d)))
  list("simulated", x, k)
}

# The default call and mclust's only: 5 seeds of ours for each data set.
report_simulated <- function() {
  found <- vapply(1:40, function(seed) {
    case <- simulated_case(seed)
    ours <- repeated(replace(systems$emfit, "seeds", 5L), case[[2L]], case[[3L]])$ends["loglik", ]
    peer <- if (is.null(systems$mclust)) NA else repeated(systems$mclust, case[[2L]], case[[3L]])$ends["onwards", ]
    best <- max(best_of_random(case[[2L]], case[[3L]]), ours, peer, na.rm = TRUE)
    c(mean(!is.na(ours) & ours > best - 1e-3), !is.na(peer) & peer > best - 1e-3)
  }, numeric(2L))
  cat(sprintf("\nsimulated: emfit %.1f %% of %d runs, mclust (EM continued) %.1f %% of %d\n", 100 * mean(found[1L, ]),
              5L * ncol(found), 100 * mean(found[2L, ]), ncol(found)))
}

cat("| data | k | best known | package | seeds | found | found, EM continued | median end | CPU ms per call |\n|",
    strrep("---|", 9L), "\n", sep = "")
wanted <- grep("=", arguments, value = TRUE, invert = TRUE)
for (case in cases) if (!length(wanted) || case[[1L]] %in% wanted) report(case)
if (!length(wanted) || "simulated" %in% wanted) report_simulated()
