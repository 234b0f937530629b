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
  list(value = list(host = Sys.info()[["nodename"]], version = own_version(), kernels = kernels_here()))
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
  share <- if (!is.null(args$share)) share_at_stage(room, args)
  lacking <- c(if (!is.null(args$model) && !identical(room$model$id, args$model)) "model",
               if (!is.null(args$share) && is.null(share)) "share")
  if (length(lacking)) return(list(lacking = lacking))
  value <- get(args$name, envir = topenv())(share, args$args, room$model)
  if (args$name %in% steps_of_share) share$stage <- share$stage + 1
  list(value = value)
}

# Several processes may answer for one worker, as mirai's do, or a new one in the place of another: what was told to one of
# them the others need not know. So a share counts its steps, and one that is behind is made again.
steps_of_share <- c("share_read", "share_settle", "share_halo")

share_at_stage <- function(room, args) {
  at <- as.character(args$share)
  if (!is.null(args$recipe)) {
    room$shares[[at]] <- make_share(args$recipe)
    room$shares[[at]]$stage <- args$stage
  }
  share <- room$shares[[at]]
  if (identical(share$stage, args$stage)) share
}
