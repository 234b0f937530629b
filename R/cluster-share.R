# A share of the rows, on the worker that holds it: an environment made by a recipe,
#   list(source, spec, facts, number, seen, settled, halo)
# where source says how to open it (see chunks-cluster.R), spec is the em_chunks without it, facts is what is learned before the
# first row is read (columns, width, guard, data), and the last three are there when it is made again for a worker that is
# lost: what it must turn out to be, what all rows say, the rows behind its own.
# It has, besides: reading, store, frames (what was read, for the sample, while that is not much), rows (stored).
# Each share_*() is asked by crew_run(): function(share, args, model).

make_share <- function(recipe) {
  share <- list2env(recipe, parent = emptyenv())
  x <- opened_source(recipe$source)
  share$open <- chunk_source(x, recipe$source$query, recipe$spec$rows, recipe$spec$reader)$open
  if (inherits(x, "DBIConnection")) share$connection <- x
  reg.finalizer(share, disconnect, onexit = TRUE)
  if (is.null(recipe$seen)) return(share)
  found <- share_read(share, recipe$facts)
  if (found$n != recipe$seen$n || !identical(found$hash, recipe$seen$hash)) {
    abort_em("changed", c(sprintf("Read again by another worker, %s has other rows than at the first look.", recipe$label),
                          x = sprintf("It has %s, and had %s.", plural(found$n, "row"), plural(recipe$seen$n, "row"))))
  }
  share$frames <- NULL
  if (share$spec$cache != "none") disconnect(share)
  share
}

# A database that was opened here is closed where it won't be read again.
disconnect <- function(share) {
  if (!is.null(share$connection)) DBI::dbDisconnect(share$connection)
  share$connection <- NULL
}

# What the recipe names, as chunk_source() takes it.
opened_source <- function(source) {
  x <- switch(source$kind,
    chunks = , files = source$x,
    resident = get0(source$x, envir = globalenv(), ifnotfound = NULL),
    maker = do.call(source$x, utils::head(list(source$part, source$parts), length(formals(args(source$x)))))
  )
  if (is.null(x)) {
    abort_em("input", c(sprintf("There is no object \"%s\" on the worker.", source$x),
                        i = sprintf("parallel::clusterApply(cl, parts, function(part) assign(\"%s\", part, envir = globalenv()))", source$x)))
  }
  x
}

share_reading <- function(share, facts = NULL) {
  reading <- new_reading(share$spec, share$spec$family)
  for (name in names(facts)) assign(name, facts[[name]], envir = reading)
  reading
}

# ---- before the first row ----

share_first <- function(share, args, model) {
  reading <- share_reading(share)
  opened <- share$open()
  on.exit(shut_reader(opened))
  found <- learn_first_rows(reading, careful_reader(opened, reading))
  list(found = found, facts = mget(c("columns", "width", "guard"), envir = reading, ifnotfound = list(NULL)))
}

share_levels <- function(share, args, model) {
  reading <- share_reading(share, args)
  opened <- share$open()
  on.exit(shut_reader(opened))
  see_levels(reading, rows_of_chunks(careful_reader(opened, reading)))
}

# ---- the first look ----

share_read <- function(share, args, model) {
  share$facts <- args
  reading <- share$reading <- share_reading(share, args)
  opened <- share$open()
  read <- careful_reader(opened, reading)
  on.exit(shut_reader(opened))
  moments <- new_moments()
  store <- share$store <- new_store(share$spec$cache)
  hashes <- character()
  put <- store$put
  store$put <- function(page) {
    hashes[length(hashes) + 1L] <<- rlang::hash(page)
    share$rows <- share$rows + page_size(page)
    put(page)
  }
  share$rows <- 0
  if (share$spec$cache == "none") share$store$read_by(page_reader(reading, read))
  cutter <- new_cutter_for(reading, store)
  share$frames <- if (share$spec$cache != "none") list()
  go_through(reading, read, function(frame) {
    x <- chunk_matrix(frame, reading)
    moments$add(fitted_part(pick_chunk(frame, reading), reading))
    cutter$add(x)
    add_weights(reading, x)
    keep_frame(share, frame)
  })
  cutter$finish()
  list(n = reading$row, rows = share$rows, chunks = reading$chunk, weight = reading$weight, n_positive = reading$n_positive,
       weighted = reading$weighted, gaps = reading$gaps, sorts = reading$sorts, label_levels = reading$label_levels,
       label_factor = isTRUE(reading$label_factor), moments = moments$all(), hash = rlang::hash(hashes), pages = store$count(),
       kind = store$kind(), bytes = store$bytes())
}

# What was read stays for the sample, while it is less than may be kept of pages.
keep_frame <- function(share, frame) {
  if (is.null(share$frames)) return(invisible())
  share$frames[[length(share$frames) + 1L]] <- frame
  share$size <- sum(share$size, as.numeric(utils::object.size(frame)))
  if (share$size > getOption("emfit.cache", 1e9)) share$frames <- NULL
}

# The rows of this share that may be in the sample: those with the smallest keys.
share_sample <- function(share, args, model) {
  keeper <- new_sample(args$size, args$seed)
  opened <- if (length(share$frames)) source_of_list(share$frames)$open() else share$open()
  on.exit(shut_reader(opened))
  reading <- share_reading(share, share$facts)
  go_through(reading, careful_reader(opened, reading), function(frame) keeper$add(frame, args$before + reading$row))
  share$frames <- NULL
  keeper$kept()
}

# What all rows say: labels, gaps, sorts, and how many there are.
share_settle <- function(share, args, model) {
  share$settled <- args
  if (share$spec$cache != "none") disconnect(share)
  TRUE
}

share_halo <- function(share, args, model) {
  share$halo <- args
  TRUE
}

# ---- rows for the core ----

# The first rows, with labels as they are in all shares.
share_head <- function(share, args, model) {
  page <- seq_pages(share)(args, TRUE)
  if (!is.null(page)) settled_labels(page, share)
}

share_page <- function(share, args, model) settled_labels(share$store$get(args), share)

settled_labels <- function(page, share) {
  codes <- share$settled$labels$codes
  if (!is.null(page$l) && !is.null(codes)) page$l <- codes[page$l]
  page
}

# Rows skip + 1, ... skip + total of the share and of those behind it, as seq_pages() gives them.
share_feed <- function(share, skip, total) {
  own <- seq_pages(share)
  left <- used <- 0
  function(rows, first) {
    if (first) {
      left <<- total
      used <<- 0
      if (skip > 0) own(skip, TRUE)
    }
    rows <- min(rows, left)
    if (rows <= 0) {
      if (!is.null(share$store$ends)) share$store$ends()
      return(NULL)
    }
    of_own <- min(rows, share$rows - skip - (total - left))
    page <- if (of_own > 0) settled_labels(own(of_own, first && skip == 0), share)
    if (of_own < rows) {
      of_own <- max(of_own, 0)
      behind <- page_part(share$halo, used + seq_len(rows - of_own))
      used <<- used + rows - of_own
      page <- if (is.null(page)) behind else join_pages(list(page, behind))
    }
    left <<- left - rows
    page
  }
}

# The sample as the core takes it, with the rows skip + 1, ... as its parts.
share_native <- function(share, args, model, ...) {
  feed <- share_feed(share, args$skip, args$total)
  settled <- share$settled
  settled$labels["codes"] <- list(NULL)
  native <- model$native
  native$kernels <- kernels_wanted()
  native$parts <- list(
    n = args$total, weighted = settled$weighted, weight = settled$weight, ...,
    `next` = function(rows, first) native_part(feed(rows, first), settled, model$model, model$shift, model$row_weight)
  )
  native
}

share_expect <- function(share, args, model) {
  native <- share_native(share, args, model, first_leaf = args$first)
  expect_share(native, model$model, args)
}

share_describe <- function(share, args, model) {
  native <- share_native(share, args, model)
  describe_share(native, model$model, args)
}

# The weights' sum, added to that of the rows before.
share_weight <- function(share, args, model) {
  feed <- share_feed(share, args$skip, args$total)
  sum <- args$before
  first <- TRUE
  while (!is.null(page <- feed(page_rows, first))) {
    first <- FALSE
    sum <- weight_of_share(if (is.null(page$w)) rep(1, page_size(page)) else as.double(page$w), sum)
  }
  sum
}

# Sums over the share's pages of what each gives: see sum_over_pages().
share_certainty <- function(share, args, model) {
  look <- share$settled
  look$store <- share$store
  sum_over_look(look, args, model$model, certainty_sums(model$model))
}
