# Rscript inst/bench/threads.R [rounds]: wall time and CPU time (user + system) of an iteration of W1, W2 and W4, and of
# 20 default starts on n = 5000, with one and two threads, runs in turn, medians. Where others use the machine, two
# threads get less than two processors: "granted" is CPU time / wall time of the runs with two, and the speed-up is to be
# read beside it. Also: are the answers the same to the last bit?
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE)[1]))
source(file.path(here, "workloads.R"))
library(emfit)
rounds <- commandArgs(trailingOnly = TRUE)
rounds <- if (length(rounds)) as.integer(rounds[1]) else 5L

clock <- function(code) {
  gc(FALSE)
  time <- system.time(code, gcFirst = FALSE)
  c(wall = time[["elapsed"]], cpu = time[["user.self"]] + time[["sys.self"]]) * 1000
}

# Milliseconds for an iteration.
iteration <- function(case, structure, few, many) {
  force(case)
  function(threads) {
    run <- function(n) {
      em_fit(case$x, start = case$start, family = em_gaussian(structure),
             control = em_control(tol = 0, max_iter = n, accelerate = FALSE, threads = threads))
    }
    list(time = (clock(fit <- run(many)) - clock(run(few))) / (many - few), answer = fit[c("parameters", "loglik")])
  }
}

starts <- function(case) {
  force(case)
  function(threads) {
    set.seed(1)
    time <- clock(fit <- em_fit(case$x, case$k, control = em_control(n_start = 20, threads = threads)))
    list(time = time, answer = fit[c("parameters", "loglik", "starts")])
  }
}

jobs <- lapply(workloads[c("W1", "W2", "W4")], function(work) {
  iteration(work$make(), work$structure, 2, if (work$label == workloads$W1$label) 42 else 22)
})
jobs$starts <- starts(workloads$W9$make())
for (name in names(jobs)) {
  one <- two <- NULL
  same <- TRUE
  for (round in seq_len(rounds)) {
    a <- jobs[[name]](1)
    b <- jobs[[name]](2)
    one <- rbind(one, a$time)
    two <- rbind(two, b$time)
    same <- same && identical(a$answer, b$answer)
  }
  one <- apply(one, 2, median)
  granted <- median(two[, "cpu"] / two[, "wall"])
  two <- apply(two, 2, median)
  cat(sprintf(paste0("%-7s one thread: wall %.3g, CPU %.3g ms; two: wall %.3g, CPU %.3g ms; speed-up %.2f, granted %.2f, ",
                     "more CPU %.0f %%, same bits %s\n"),
              name, one["wall"], one["cpu"], two["wall"], two["cpu"], one["wall"] / two["wall"], granted,
              100 * (two["cpu"] / one["cpu"] - 1), same))
}
