# What runs on a worker. It keeps a room for each crew: list(shares, model). Answers are plain lists: value; failed, with the
# words of an error; lacking, "share" or "model", where what is asked about isn't there.
worker_rooms <- new.env(parent = emptyenv())

worker_answer <- function(name, args) {
  fun <- get(name, envir = topenv())
  tryCatch(
    withCallingHandlers(fun(args), warning = function(w) rlang::cnd_muffle(w), emfit_message = function(m) rlang::cnd_muffle(m)),
    error = function(e) list(failed = failed_words(e))
  )
}

failed_words <- function(e) {
  if (!inherits(e, "emfit_error")) return(list(message = conditionMessage(e)))
  list(classes = grep("^emfit_", class(e), value = TRUE), message = e$message, body = e$body,
       parent = if (!is.null(e$parent)) conditionMessage(e$parent))
}

worker_hello <- function(args) {
  gone <- setdiff(ls(worker_rooms), args$live)
  rm(list = gone, envir = worker_rooms)
  list(value = list(host = Sys.info()[["nodename"]], version = own_version(), kernels = em_kernels_cpp()))
}

worker_room <- function(id) {
  room <- worker_rooms[[id]]
  if (is.null(room)) {
    room <- new.env(parent = emptyenv())
    room$shares <- list()
    assign(id, room, envir = worker_rooms)
  }
  room
}

worker_do <- function(args) {
  room <- worker_room(args$room)
  if (!is.null(args$kernels)) {
    old <- options(emfit.kernels = args$kernels)
    on.exit(options(old))
  }
  if (!is.null(args$model_sent)) room$model <- args$model_sent
  if (!is.null(args$model) && !identical(room$model$id, args$model)) return(list(lacking = "model"))
  share <- NULL
  if (!is.null(args$share)) {
    at <- as.character(args$share)
    if (!is.null(args$recipe)) room$shares[[at]] <- make_share(args$recipe)
    share <- room$shares[[at]]
    if (is.null(share)) return(list(lacking = "share"))
  }
  list(value = get(args$name, envir = topenv())(share, args$args, room$model))
}
