# Rscript inst/bench/memory.R: the most memory a call takes beyond its data, in MB, for W1, W2 and W5 at two numbers of
# rows, from a start that is given, from a partition and from the default starts; each in a process of its own, by the
# kernel's count of resident pages (Linux only). Blocks above 128 KB come straight from the kernel and go back to it, so
# that room left over from making the data hides none of them; "copy" shows that: it copies the data once.
arguments <- commandArgs(trailingOnly = TRUE)
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE)[1]))

resident <- function(field) {
  line <- grep(paste0("^", field, ":"), readLines("/proc/self/status"), value = TRUE)
  as.numeric(sub("[^0-9]*([0-9]+) kB", "\\1", line)) / 1024
}

peak <- function(name, n, start) {
  source(file.path(here, "workloads.R"))
  work <- workloads[[name]]
  case <- work$make(n)
  library(emfit)
  family <- em_gaussian(work$structure)
  control <- em_control(tol = 0, max_iter = 10, accelerate = FALSE)
  if (start == "partition") case$start <- factor(rep_len(seq_len(case$k), n))
  small <- case$x[1:500, , drop = FALSE]
  em_fit(small, case$k, family, control = control) # what loading and the first call take is not counted
  small <- NULL
  gc(FALSE)
  writeLines("5", "/proc/self/clear_refs")
  before <- resident("VmRSS")
  switch(start,
    copy = case$x * 2,
    default = em_fit(case$x, case$k, family, control = control),
    em_fit(case$x, start = case$start, family = family, control = control)
  )
  resident("VmHWM") - before
}

if (length(arguments) == 3L) {
  cat(suppressWarnings(peak(arguments[1], as.numeric(arguments[2]), arguments[3])), "\n")
} else {
  script <- file.path(here, "memory.R")
  rows <- list(W1 = c(1e5, 1e6), W2 = c(2e4, 1e5), W5 = c(1e5, 1e6))
  for (name in names(rows)) for (start in c("copy", "given", "partition", "default")) for (n in rows[[name]]) {
    found <- system2(file.path(R.home("bin"), "Rscript"), c(script, name, format(n, scientific = FALSE), start),
                     stdout = TRUE, env = "MALLOC_MMAP_THRESHOLD_=131072")
    cat(sprintf("%s n = %g, start %s: %.1f MB\n", name, n, start, as.numeric(found[length(found)])))
  }
}
