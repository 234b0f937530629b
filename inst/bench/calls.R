# Rscript inst/bench/calls.R [few default many bootstrap predict rows script] [csv = file]
#
# Whole calls as a user makes them, beside mclust and flexmix where these are installed: CPU time (user + system) of one
# thread, alternating rounds, medians. `rows` has calls of a fit of a million rows, each as a multiple of one E-step of
# the same rows that writes their responsibilities; `script` times whole R processes.

arguments <- commandArgs(trailingOnly = TRUE)
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE)[1]))
source(file.path(here, "workloads.R"))
library(emfit)
has <- function(package) requireNamespace(package, quietly = TRUE)
one_thread <- em_control(threads = 1)

cpu <- function(code) {
  gc(FALSE)
  1000 * sum(system.time(code, gcFirst = FALSE)[1:2])
}

# Milliseconds of a call of each system, a row for each peer.
beside <- function(what, systems, repeats, rounds = 5) {
  systems <- systems[!vapply(systems, is.null, NA)]
  for (system in systems) suppressWarnings(system())
  times <- matrix(0, rounds, length(systems), dimnames = list(NULL, names(systems)))
  for (round in seq_len(rounds)) {
    for (name in names(systems)) {
      times[round, name] <- cpu(suppressWarnings(for (i in seq_len(repeats)) systems[[name]]())) / repeats
    }
  }
  peers <- setdiff(names(systems), "emfit")
  ratio <- times[, peers, drop = FALSE] / times[, "emfit"]
  data.frame(call = what, ours_ms = signif(median(times[, "emfit"]), 3), peer = peers,
             peer_ms = signif(apply(times[, peers, drop = FALSE], 2, median), 3),
             ratio = signif(apply(ratio, 2, median), 3), lowest = signif(apply(ratio, 2, min), 3),
             highest = signif(apply(ratio, 2, max), 3), row.names = NULL)
}

mclust_one <- function(x) mclust::Mclust(x, G = 2, modelNames = "VVV", verbose = FALSE)
flexmix_one <- function(x) flexmix::flexmix(x ~ 1, k = 2, model = flexmix::FLXMCmvnorm(diagonal = FALSE))

few <- function() {
  case <- gaussian_groups(40, 1, 2, 10)
  control <- em_control(tol = 0, max_iter = 20, accelerate = FALSE, threads = 1)
  variance <- list(modelName = "V", d = 1, G = 2, sigmasq = case$start$sd^2, scale = case$start$sd^2)
  parameters <- list(pro = c(0.5, 0.5), mean = case$start$mean, variance = variance)
  beside("40 values, start given, 20 iterations", list(
    emfit = function() em_fit(case$x, start = case$start, family = em_gaussian("V"), control = control),
    mclust = if (has("mclust")) {
      function() mclust::em(case$x, "V", parameters, control = mclust::emControl(itmax = 20, tol = 0))
    }
  ), 300)
}

default <- function() {
  x <- gaussian_groups(50, 2, 2, 11)$x
  set.seed(1)
  beside("em_fit(x, 2), 50 x 2", list(
    emfit = function() em_fit(x, 2, control = one_thread),
    mclust = if (has("mclust")) function() mclust_one(x),
    flexmix = if (has("flexmix")) function() flexmix_one(x)
  ), 50)
}

# The same from one start each, as flexmix has it and as mclust's hierarchical clustering gives.
many <- function() {
  sets <- lapply(1:1000, function(seed) gaussian_groups(50, 2, 2, seed)$x)
  one <- em_control(n_start = 1, threads = 1)
  set.seed(1)
  ours <- function(sets) for (x in sets) em_fit(x, 2, start = "kmeans++", control = one)
  rbind(beside("1000 data sets of 50 x 2, one start each", list(
    emfit = function() ours(sets), mclust = if (has("mclust")) function() for (x in sets) mclust_one(x)
  ), 1, rounds = 3), beside("the first 100 of them", list(
    emfit = function() ours(sets[1:100]),
    flexmix = if (has("flexmix")) function() for (x in sets[1:100]) try(flexmix_one(x), silent = TRUE)
  ), 1, rounds = 3))
}

bootstrap <- function() {
  fit <- em_fit(faithful, 2)
  theirs <- if (has("mclust")) mclust_one(faithful)
  set.seed(1)
  beside("500 bootstrap samples of faithful, k = 2", list(
    emfit = function() em_bootstrap(fit, 500, threads = 1),
    mclust = if (has("mclust")) function() mclust::MclustBootstrap(theirs, nboot = 500, type = "bs", verbose = FALSE)
  ), 1, rounds = 3)
}

prediction <- function() {
  case <- gaussian_groups(1e5, 5, 3, 4)
  fit <- em_fit(case$x, start = case$start, control = one_thread)
  theirs <- if (has("mclust")) mclust::Mclust(case$x[1:5000, ], G = 3, modelNames = "VVV", verbose = FALSE)
  rbind(beside("predict(fit, x) of 1e5 x 5, k = 3", list(
    emfit = function() predict(fit, case$x, type = "prob"),
    mclust = if (has("mclust")) function() predict(theirs, case$x)
  ), 3), beside("predict(fit, x) of 50 x 5, k = 3", list(
    emfit = function() predict(fit, case$x[1:50, ], type = "prob"),
    mclust = if (has("mclust")) function() predict(theirs, case$x[1:50, ])
  ), 100))
}

rows <- function(n = 1e6) {
  case <- gaussian_groups(n, 5, 3, 4)
  x <- as.data.frame(case$x)
  fit <- suppressWarnings(em_fit(case$x, start = case$start, control = em_control(max_iter = 30, threads = 1)))
  classes <- predict(fit)
  known <- em_classify(case$x[1:5000, ], classes[1:5000], k = 1)
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  picture <- function(type) function() plot(fit, type = type)
  calls <- list(
    "predict(fit)" = function() predict(fit), "predict(fit, data frame)" = function() predict(fit, x),
    "predict(fit, type = \"density\")" = function() predict(fit, type = "density"),
    "augment(fit)" = function() augment(fit), "fitted(fit)" = function() fitted(fit),
    "residuals(fit)" = function() residuals(fit), "glance(fit)" = function() glance(fit),
    "simulate(fit)" = function() simulate(fit), "em_cdf(fit, one column)" = function() em_cdf(fit, case$x[, 1], 1),
    "predict(em_classify(), x)" = function() predict(known, case$x),
    "print(fit)" = function() utils::capture.output(fit),
    "plot(fit), density" = picture("density"), "plot(fit), cluster" = picture("cluster"),
    "plot(fit), pairs" = picture("pairs"), "plot(fit), uncertainty" = picture("uncertainty"),
    "plot(fit), qq" = picture("qq"), "plot(fit), conditional" = picture("conditional"),
    "plot(fit), hdr" = picture("hdr")
  )
  step <- function() predict(fit, case$x, type = "prob")
  found <- lapply(names(calls), function(name) {
    now <- beside(name, list(emfit = calls[[name]], `E-step` = step), 1, rounds = 3)
    now$ratio <- 1 / now$ratio
    now[c("call", "ours_ms", "peer", "peer_ms", "ratio")]
  })
  do.call(rbind, found)
}

# CPU time of whole processes, less that of one that does nothing.
script <- function() {
  run <- function(code) {
    before <- sum(proc.time()[4:5])
    system2(file.path(R.home("bin"), "Rscript"), c("--vanilla", "-e", shQuote(code)), stdout = FALSE, stderr = FALSE)
    sum(proc.time()[4:5]) - before
  }
  codes <- c(nothing = "1", "library(emfit)" = "library(emfit)", "library(mclust)" = "library(mclust)",
             "... and em_fit(faithful, 2)" = "library(emfit); em_fit(faithful, 2)",
             "... and Mclust(faithful, 2)" = "library(mclust); Mclust(faithful, 2, verbose = FALSE)")
  times <- vapply(1:7, function(round) vapply(codes, run, 0), numeric(length(codes)))
  ms <- 1000 * apply(times, 1, median)
  data.frame(process = names(codes), ms = round(ms), beyond_nothing = round(ms - ms[1]), row.names = NULL)
}

jobs <- list(few = few, default = default, many = many, bootstrap = bootstrap, predict = prediction, rows = rows,
             script = script)
if (has("mclust")) suppressMessages(library(mclust))
wanted <- intersect(arguments, names(jobs))
for (name in if (length(wanted)) wanted else names(jobs)) {
  table <- jobs[[name]]()
  print(table, row.names = FALSE)
  csv <- sub("^csv=", "", grep("^csv=", arguments, value = TRUE))
  if (length(csv)) utils::write.table(table, csv, append = TRUE, sep = ",", row.names = FALSE)
}
