# Rows kept as pages of 65536 rows each, the last with what is left, cut without regard to chunks. A page is list(x = a
# matrix of the family's columns, w = NULL or weights, l = NULL or codes of labels, u = NULL or the last row of each unit),
# so that a pass copies nothing. Of rows that belong together a page holds whole units, and is as long as that. A store is
#   put(page)       behind the others
#   get(i)          page i, which is good until the next is asked for
#   count()         how many
#   kind(), bytes() for print
# in memory, in a scratch file, or, with cache = "none", the source read again and each page compared with what it was.
page_rows <- 65536L

# From rows with the number of their unit, where they have one. Rows by themselves stand by their patterns of missing cells, where
# that matters.
as_page <- function(rows, sorts = FALSE) {
  if (!is.null(rows$u)) rows$u <- ends_of(rows$u)
  else if (sorts && anyNA(rows$x)) rows <- rows_of_page(rows, order_by_pattern(rows$x))
  list(x = rows$x, w = if (!is.null(rows$w) && any(rows$w != 1)) rows$w, l = rows$l, u = rows$u)
}

# Any of them, of rows that have no ends of units.
rows_of_page <- function(page, rows) {
  list(x = page$x[rows, , drop = FALSE], w = page$w[rows], l = page$l[rows], u = page$u[rows])
}

page_size <- function(page) dim(page$x)[1L]

# Rows that follow each other.
page_part <- function(page, rows) {
  first <- rows[1L]
  last <- rows[length(rows)]
  ends <- if (!is.null(page$u)) c(page$u[page$u >= first & page$u < last], last) - first + 1L
  list(x = page$x[rows, , drop = FALSE], w = page$w[rows], l = page$l[rows], u = ends)
}

join_pages <- function(pages) {
  out <- join_rows(pages)
  before <- cumsum(c(0L, vapply(pages, page_size, 0L)))
  if (!is.null(pages[[1L]]$u)) out$u <- unlist(Map(function(page, rows) page$u + rows, pages, before[seq_along(pages)]))
  out
}

join_rows <- function(pages) {
  if (length(pages) == 1L) return(pages[[1L]])
  weighted <- !vapply(pages, function(page) is.null(page$w), NA)
  if (any(weighted)) pages[!weighted] <- lapply(pages[!weighted], function(page) {
    page$w <- rep(1, page_size(page))
    page
  })
  pick <- function(name) do.call(c, lapply(pages, `[[`, name))
  list(x = do.call(rbind, lapply(pages, `[[`, "x")), w = pick("w"), l = pick("l"), u = pick("u"))
}

# Cuts rows, however many come at once, into pages and calls put() with each; finish() with what is left. Those that have the number
# of their unit come as whole units, and remain so.
new_cutter <- function(put) {
  waiting <- list()
  count <- 0
  add <- function(rows) {
    size <- page_size(rows)
    if (!size) return(invisible())
    if (!length(waiting) && size == page_rows && is.null(rows$u)) return(put(rows))
    waiting[[length(waiting) + 1L]] <<- rows
    count <<- count + size
    if (count < page_rows) return(invisible())
    all <- join_rows(waiting)
    waiting <<- list()
    first <- 1L
    ends <- if (!is.null(all$u)) ends_of(all$u)
    while (count - first + 1L >= page_rows) {
      last <- first + page_rows - 1L
      if (!is.null(ends)) last <- c(max(ends[ends <= last], 0L), min(ends[ends >= last]))
      last <- last[last >= first][1L]
      put(rows_of_page(all, seq.int(first, last)))
      first <- last + 1L
    }
    waiting <<- if (first <= count) list(rows_of_page(all, seq.int(first, count))) else list()
    count <<- max(count - first + 1, 0)
  }
  finish <- function() {
    if (count > 0) put(join_rows(waiting))
    waiting <<- list()
    count <<- 0
  }
  list(add = add, finish = finish)
}

# Equal rows of counts or codes become one, with their weights, as long as there are few different ones.
new_merger <- function(put) {
  kept <- NULL
  merge <- function(rows) {
    all <- if (is.null(kept)) rows else join_rows(list(kept, rows))
    tally <- tallied_part(all$x, all$w)
    kept <<- list(x = tally$x, w = tally$weights, l = NULL, u = NULL)
  }
  list(add = function(rows) {
    if (!page_size(rows)) return(invisible())
    merge(rows)
    if (page_size(kept) > page_rows / 2) {
      put(kept)
      kept <<- NULL
    }
  }, finish = function() if (!is.null(kept)) put(kept))
}

page_bytes <- function(page) 8 * sum(lengths(page))

new_store <- function(cache) {
  switch(cache, memory = store_in_memory(), file = store_in_file(), auto = store_while_it_fits(), none = store_of_hashes())
}

store_in_memory <- function(pages = list()) {
  list(put = function(page) pages[[length(pages) + 1L]] <<- page, get = function(i) pages[[i]],
       count = function() length(pages), kind = function() "memory",
       bytes = function() sum(vapply(pages, page_bytes, 0)))
}

# Doubles, a page behind the other. The last page read stays at hand, and the next of its shape takes its memory: nothing is
# made anew in a pass. What goes with the file (its name, the
# connection) is the scratch's own, so that it is closed and removed when nobody holds the store any more.
store_in_file <- function() {
  scratch <- new_scratch()
  sizes <- list()
  begins <- numeric()
  end <- 0
  last <- list(i = 0L)
  put <- function(page) {
    write_page(page, scratch)
    sizes[[length(sizes) + 1L]] <<- c(dim(page$x), length(page$w), length(page$l), length(page$u))
    begins <<- c(begins, end)
    end <<- end + page_bytes(page)
  }
  get <- function(i) {
    if (last$i == i) return(last$page)
    room <- if (last$i > 0L && identical(sizes[[last$i]], sizes[[i]])) last$room
                else c(list(matrix(0, sizes[[i]][1L], sizes[[i]][2L])), lapply(sizes[[i]][3:5], numeric))
    last <<- list(i = 0L)
    last <<- list(i = i, room = room, page = read_page(scratch, begins[i], room))
    last$page
  }
  list(put = put, get = get, count = function() length(sizes), kind = function() "file", bytes = function() end,
       path = scratch$path)
}

new_scratch <- function() {
  scratch <- new.env(parent = emptyenv())
  scratch$path <- tempfile("emfit-rows-", fileext = ".bin")
  old <- Sys.umask("077")
  tryCatch(file.create(scratch$path), finally = Sys.umask(old))
  reg.finalizer(scratch, function(scratch) unlink(scratch$path), onexit = TRUE)
  scratch
}

# The file is open only while a page goes in or out. room: vectors for what it has, which nobody else holds.
read_page <- function(scratch, begin, room) {
  for (part in room) {
    if (!length(part)) next
    if (!read_doubles(scratch$path, begin, part)) abort_scratch(scratch$path)
    begin <- begin + 8 * length(part)
  }
  whole <- function(x) if (length(x)) as.integer(x)
  list(x = room[[1L]], w = if (length(room[[2L]])) room[[2L]], l = whole(room[[3L]]), u = whole(room[[4L]]))
}

write_page <- function(page, scratch) {
  path <- scratch$path
  before <- file.size(path)
  failed <- function(e) {
    abort_em("source", c(sprintf("The scratch file can't be written: %s.", dirname(path)),
                         x = conditionMessage(e), i = "Set TMPDIR to a larger disk before R starts, or cache = \"none\"."))
  }
  write <- function() {
    con <- file(path, "ab")
    on.exit(close(con))
    for (part in page) if (length(part)) writeBin(as.double(part), con)
  }
  tryCatch(write(), error = failed, warning = failed)
  if (is.na(before) || !identical(file.size(path) - before, page_bytes(page))) failed(simpleError("the disk is full"))
}

abort_scratch <- function(path) {
  abort_em("source", c(sprintf("The scratch file with the rows is gone or cut short: %s.", path),
                       i = "It lasts as long as the session that made it: look at the source again, em_look()."))
}

# In memory up to a limit, then all in a file.
store_while_it_fits <- function() {
  limit <- getOption("emfit.cache", 1e9)
  store <- store_in_memory()
  list(
    put = function(page) {
      if (store$kind() == "memory" && store$bytes() + page_bytes(page) > limit) {
        file <- store_in_file()
        for (i in seq_len(store$count())) file$put(store$get(i))
        store <<- file
      }
      store$put(page)
    },
    get = function(i) store$get(i), count = function() store$count(),
    kind = function() store$kind(), bytes = function() store$bytes()
  )
}

# Nothing is kept but what the pages were: get() reads the source on, from the beginning for page 1.
store_of_hashes <- function() {
  hashes <- character()
  again <- NULL
  list(put = function(page) hashes[length(hashes) + 1L] <<- rlang::hash(page), get = function(i) {
    page <- again(i == 1L)
    if (is.null(page) || !identical(rlang::hash(page), hashes[i])) abort_changed(i, page)
    page
  }, ends = function() {
    if (!is.null(again(FALSE))) abort_changed(length(hashes) + 1L, NULL)
  }, count = function() length(hashes), kind = function() "none", bytes = function() 0,
  read_by = function(f) again <<- f)
}

abort_changed <- function(i, page) {
  first <- (i - 1) * page_rows + 1
  abort_em("changed", c(
    sprintf("The source has other rows than at the first look: page %d, from row %s on%s.", i, number(first, 15L),
            if (is.null(page)) " (it ends earlier, or goes on longer)" else ""),
    x = "A function that does not begin anew with reset = TRUE does that too.",
    i = "Keep what was read: cache = \"auto\"; or read a database in one transaction, with ORDER BY."
  ))
}
