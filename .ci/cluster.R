# The same fit in memory and on every kind of cluster that can be had here, each called for by name:
#
#   Rscript .ci/cluster.R [PSOCK] [FORK] [MIRAI] [MPI]
#
# One line for each: "cluster KIND WORKERS: same bits" or what is wrong. MPI wants Rmpi and snow, and to be started by
# mpirun where workers can't be spawned. Status 1 where bits differ; after MPI the word alone counts.
suppressPackageStartupMessages(library(emfit))

set.seed(1)
n <- 200003
group <- sample(4, n, TRUE)
x <- matrix(rnorm(5 * n), n) + 2 * group + 100
colnames(x) <- letters[1:5]
pieces <- unname(split(as.data.frame(x), cut(seq_len(n), 7)))
start <- list(mean = x[1:4, ], covariance = diag(5))
control <- em_control(max_iter = 12, tol = 0)
bits <- function(fit) rlang::hash(list(lapply(unclass(fit$parameters), unname), fit$loglik, fit$trace$loglik))
memory <- bits(em_fit(x, 4, start = start, control = control))
failed <- FALSE

# snow's stopCluster() disconnects from workers that it spawned, and under Open MPI 4 that call never returns, also with
# nothing but snow loaded: the run is ended as a whole.
end_mpi <- function(cluster) getExportedValue("Rmpi", "mpi.abort")(1L)

judge <- function(kind, workers, make, stop = parallel::stopCluster) {
  cl <- make(workers)
  on.exit(stop(cl))
  look <- em_look(em_chunks(pieces, cluster = cl))
  began <- proc.time()[["elapsed"]]
  fit <- em_fit(look, 4, start = start, control = control)
  seconds <- (proc.time()[["elapsed"]] - began) / 14
  right <- identical(bits(fit), memory)
  failed <<- failed || !right
  cat(sprintf("cluster %s %d: %s, %.3f s a pass\n", kind, workers, if (right) "same bits" else "OTHER BITS", seconds))
}

kinds <- list(
  PSOCK = function() for (n in 1:3) judge("PSOCK", n, function(n) parallel::makeCluster(n)),
  FORK = function() judge("FORK", 2L, function(n) parallel::makeForkCluster(n)),
  MIRAI = function() judge("MIRAI", 2L, function(n) getExportedValue("mirai", "make_cluster")(n), getExportedValue("mirai", "stop_cluster")),
  MPI = function() judge("MPI", 1L, function(n) getExportedValue("snow", "makeMPIcluster")(n), end_mpi)
)
for (kind in commandArgs(TRUE)) kinds[[kind]]()
if (failed) quit(status = 1)
