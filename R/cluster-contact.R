# Workers of a cluster of package parallel (sockets, forks, MPI, mirai), each asked for itself. What is sent and received
# goes through parallel's own functions for a node, so that anything of class "cluster" will do. Every question has a tag
# that comes back with its answer, and an answer with another tag is somebody else's, or late, and is dropped:
# after an interrupt, or after the loss of a worker, answers of the question before are still under way.

check_cluster <- function(cluster) {
  if (inherits(cluster, "cluster") && length(cluster) > 0L) return(cluster)
  abort_em("argument", c(sprintf("`cluster` must be a cluster of package parallel, not %s.", describe_value(cluster)),
                         i = "cl <- parallel::makeCluster(2); em_chunks(files, cluster = cl)"))
}

# parallel exports what asks all workers at once, and not what it is made of.
of_parallel <- function(name) get(name, envir = asNamespace("parallel"), inherits = FALSE)

# The only function that is sent: a worker need not have the package to understand it.
on_worker <- function(name, args) {
  if (!requireNamespace("emfit", quietly = TRUE)) return(list(absent = .libPaths()))
  get("worker_answer", envir = asNamespace("emfit"))(name, args)
}
environment(on_worker) <- baseenv()

tell_node <- function(node, name, args, tag) of_parallel("sendCall")(node, on_worker, list(name, args), tag = tag)

hear_node <- function(node) of_parallel("recvData")(node)

# Which of the nodes have an answer? Waits so many seconds for the first.
are_ready <- function(nodes, seconds) {
  if (all(vapply(nodes, inherits, NA, c("SOCKnode", "SOCK0node")))) {
    return(socketSelect(lapply(nodes, `[[`, "con"), FALSE, seconds))
  }
  until <- clock() + seconds
  repeat {
    ready <- vapply(nodes, is_ready, NA)
    if (any(ready) || clock() >= until) return(ready)
    Sys.sleep(0.002)
  }
}

# Of other kinds of nodes; one that can't tell is waited for.
is_ready <- function(node) {
  if (inherits(node, "miraiNode")) return(!get("unresolved", asNamespace("mirai"))(node[["mirai"]]))
  if (inherits(node, "MPInode")) return(isTRUE(get("mpi.iprobe", asNamespace("Rmpi"))(node$rank, node$RECVTAG, node$comm)))
  TRUE
}

clock <- function() proc.time()[["elapsed"]]

# Seconds in which a worker must say something: at first, and while it works.
first_seconds <- function() min(30, silence_allowed())
silence_allowed <- function() {
  limit <- getOption("emfit.timeout", 600)
  if (is.numeric(limit) && length(limit) == 1L && limit > 0) return(limit)
  abort_em("argument", sprintf("The option `emfit.timeout` must be seconds above 0, not %s.", describe_value(limit)))
}

# What came back: the value of worker_answer(), or why there is none.
answer_of <- function(message) {
  value <- message$value
  if (inherits(value, "errorValue")) return(list(lost = "its process ended"))
  if (inherits(value, "try-error") || inherits(value, "miraiError")) return(list(failed = list(message = as.character(value))))
  value
}
