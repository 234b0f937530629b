# Rscript inst/bench/run.R [W1 W2 ...] [csv = file]
#
# Times em_fit() beside mclust, mixtools and flexmix, where these are installed: CPU time (user + system) of one
# thread, alternating runs, medians. Time for one iteration is the slope between two numbers of iterations. Each line
# shows by how much the log-likelihoods differ, relative to their size, after the same iterations from the same start.

arguments <- commandArgs(trailingOnly = TRUE)
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE)[1]))
source(file.path(here, "workloads.R"))
library(emfit)
has <- function(package) requireNamespace(package, quietly = TRUE)

cpu <- function(code) {
  gc(FALSE)
  time <- system.time(code, gcFirst = FALSE)
  1000 * sum(time[1:2])
}

plain <- function(n_iter) em_control(tol = 0, max_iter = n_iter, accelerate = FALSE, threads = 1)

ours <- function(case, family) function(n_iter) {
  em_fit(case$x, start = case$start, family = family, control = plain(n_iter))$loglik
}

# mclust's em() counts iterations as emfit does: the start, then M- and E-step.
theirs_mclust <- function(case, structure) {
  d <- ncol(as.matrix(case$x))
  variance <- if (d == 1) {
    list(modelName = structure, d = 1, G = case$k, sigmasq = rep_len(case$start$sd^2, case$k), scale = case$start$sd^2)
  } else {
    sigma <- array(case$start$covariance, c(d, d, case$k))
    value <- sigma[1, 1, 1]
    list(modelName = structure, d = d, G = case$k, sigma = sigma, Sigma = sigma[, , 1], cholSigma = chol(sigma[, , 1]),
         cholsigma = array(apply(sigma, 3, chol), dim(sigma)), sigmasq = rep(value, case$k),
         scale = rep(value, case$k), shape = matrix(1, d, case$k))
  }
  parameters <- list(pro = rep(1 / case$k, case$k), mean = if (d == 1) case$start$mean else t(case$start$mean),
                     variance = variance)
  function(n_iter) {
    control <- mclust::emControl(itmax = n_iter, tol = 0)
    mclust::em(modelName = structure, data = case$x, parameters = parameters, control = control)$loglik
  }
}

# Time for an iteration of each, from alternating runs of `few` and `many` iterations.
slopes <- function(systems, few, many, rounds) {
  times <- lapply(systems, function(system) NULL)
  for (round in seq_len(rounds)) {
    for (name in names(systems)) {
      times[[name]] <- c(times[[name]], (cpu(systems[[name]](many)) - cpu(systems[[name]](few))) / (many - few))
    }
  }
  times
}

line <- function(name, label, peer, us, them, agree) {
  ratio <- them / us
  data.frame(workload = name, label = label, peer = peer, ours_ms = signif(median(us), 3),
             peer_ms = signif(median(them), 3), ratio = signif(median(ratio), 3), lowest = signif(min(ratio), 3),
             highest = signif(max(ratio), 3), loglik_differs = signif(agree, 2))
}

per_iteration <- function(name) {
  work <- workloads[[name]]
  case <- work$make()
  us <- ours(case, em_gaussian(work$structure))
  them <- theirs_mclust(case, work$structure)
  agree <- abs(them(5) / us(5) - 1)
  few <- slopes(list(peer = them), 2, 6, 3)$peer
  mine <- slopes(list(ours = us), 2, if (nrow(as.matrix(case$x)) > 5e5) 12 else 42, 3)$ours
  line(name, paste(work$label, "(an iteration)"), "mclust", mine, few, agree)
}

# Whole calls of 20 iterations.
whole_call <- function(name, label, peer, us, them, agree, rounds = 5, repeats = 1) {
  times <- slopes(list(ours = function(n) for (i in seq_len(n)) us(), peer = function(n) for (i in seq_len(n)) them()),
                  0, repeats, rounds)
  line(name, label, peer, times$ours, times$peer, agree)
}

# mixtools keeps the log-likelihood of the iteration before the last, and begins again at random where rounding makes
# it fall: the groups overlap enough that 20 iterations do not get there.
binomial_call <- function() {
  if (!has("mixtools")) return(NULL)
  case <- binomial_groups(1e6, 3, 8)
  us <- function(x) em_fit(x, start = case$start, family = em_binomial(), control = plain(20))
  them <- function(x) {
    utils::capture.output(fit <- mixtools::multmixEM(x, lambda = rep(1 / 3, 3), maxit = 20, epsilon = 0,
                                                     theta = cbind(case$start$prob, 1 - case$start$prob)))
    fit
  }
  small <- case$x[1:20000, ]
  agree <- abs(them(small)$loglik / us(small)$trace$loglik[20] - 1)
  whole_call("W8", "binomial n=1e6 k=3, 20 iterations, call", "mixtools", function() us(case$x), function() them(case$x),
             agree, rounds = 2)
}

# Each from 50 starts of its own kind and stopping by its own rule; the last column is how much lower the peer's best is.
many_starts <- function(peer) function() {
  x <- as.matrix(iris[, -5])
  best <- NA
  us <- function() em_fit(x, 3, start = "kmeans++", control = em_control(n_start = 50, threads = 1))
  them <- switch(peer,
    mclust = function() {
      reached <- vapply(1:50, function(i) {
        fit <- mclust::me(x, "VVV", mclust::unmap(kmeans(x, x[sample(150, 3), ])$cluster))
        if (is.null(fit$loglik)) NA_real_ else fit$loglik
      }, 0)
      best <<- max(reached, na.rm = TRUE)
    },
    flexmix = function() {
      model <- flexmix::FLXMCmvnorm(diagonal = FALSE)
      fit <- flexmix::initFlexmix(x ~ 1, k = 3, nrep = 50, model = model, verbose = FALSE)
      best <<- fit@logLik
    }
  )
  set.seed(1)
  suppressWarnings(them())
  whole_call("W11", "iris, 50 starts, call", peer, us, function() suppressWarnings(them()), 1 - us()$loglik / best, rounds = 3)
}

small_call <- function() {
  case <- gaussian_groups(40, 1, 2, 10)
  us <- ours(case, em_gaussian("V"))
  them <- theirs_mclust(case, "V")
  whole_call("W10", "40 values, 20 iterations, call", "mclust", function() us(20), function() them(20),
             abs(them(20) / us(20) - 1), repeats = 200)
}

plain_passes <- 5000

# Passes over the data until the log-likelihood is within 0.01 of the best known, ten seeds.
slow_mixtures <- function(name, make) {
  one <- function(seed) {
    case <- make(seed)
    fit <- em_fit(case$x, start = case$start, family = em_gaussian(case$structure),
                  control = em_control(tol = 1e-8, max_iter = 5000))
    plain <- em_fit(case$x, start = case$start, family = em_gaussian(case$structure),
                    control = em_control(tol = 0, max_iter = plain_passes, accelerate = FALSE, threads = 1))
    reach <- function(trace, top) which(trace >= top - 0.01)[1]
    at <- reach(fit$trace$loglik, fit$loglik)
    c(passes = at, em = reach(plain$trace$loglik, max(fit$loglik, plain$loglik)), ends = fit$loglik - plain$loglik)
  }
  found <- vapply(1:10, one, numeric(3))
  em <- pmin(found["em", ], plain_passes + 1, na.rm = TRUE)
  data.frame(workload = name, label = "slow mixture, passes to 0.01 (ten seeds)", peer = "plain EM (5001: not yet)",
             ours_ms = median(found["passes", ]), peer_ms = median(em), ratio = signif(median(em / found["passes", ]), 3),
             lowest = signif(min(em / found["passes", ]), 3), highest = signif(max(em / found["passes", ]), 3),
             loglik_differs = signif(min(found["ends", ]), 2))
}

wanted <- grep("^[WS]", arguments, value = TRUE)
jobs <- c(
  if (has("mclust")) stats::setNames(lapply(names(workloads), function(name) function() per_iteration(name)),
                                     names(workloads)),
  list(W8 = binomial_call, W10 = if (has("mclust")) small_call,
       W11 = if (has("mclust")) many_starts("mclust"), W11f = if (has("flexmix")) many_starts("flexmix"),
       SA = function() slow_mixtures("SA", slow_line),
       SD = function() slow_mixtures("SD", slow_cloud))
)
if (has("mclust")) suppressMessages(library(mclust))
if (length(wanted)) jobs <- jobs[wanted]
table <- NULL
for (job in jobs) {
  row <- if (!is.null(job)) job()
  if (is.null(row)) next
  table <- rbind(table, row)
  print(row, row.names = FALSE)
}
cat("\n")
print(table, row.names = FALSE)
csv <- sub("^csv=", "", grep("^csv=", arguments, value = TRUE))
if (length(csv)) utils::write.csv(table, csv, row.names = FALSE)
