# Rows kept as pages: matrices of 65536 rows each, the last with what is left, cut without regard to chunks. A store is
#   put(page)       behind the others
#   get(i)          page i
#   count()         how many
#   close()
# in memory, in a scratch file, or, with cache = "none", the source read again and each page compared with what it was.
page_rows <- 65536L

# Cuts matrices of any number of rows into pages and calls put() with each; finish() with what is left.
new_cutter <- function(put) {
  waiting <- list()
  rows <- 0
  add <- function(x) {
    if (!nrow(x)) return(invisible())
    waiting[[length(waiting) + 1L]] <<- x
    rows <<- rows + nrow(x)
    if (rows < page_rows) return(invisible())
    all <- do.call(rbind, waiting)
    first <- 1L
    while (nrow(all) - first + 1L >= page_rows) {
      put(all[seq.int(first, length.out = page_rows), , drop = FALSE])
      first <- first + page_rows
    }
    rest <- if (first <= nrow(all)) all[seq.int(first, nrow(all)), , drop = FALSE]
    waiting <<- if (is.null(rest)) list() else list(rest)
    rows <<- if (is.null(rest)) 0 else nrow(rest)
  }
  finish <- function() {
    if (rows > 0) put(do.call(rbind, waiting))
    waiting <<- list()
    rows <<- 0
  }
  list(add = add, finish = finish)
}

# Equal rows of counts or codes become one, with their weights, as long as there are few different ones.
new_merger <- function(put, width) {
  kept <- NULL
  merge <- function(x) {
    all <- if (is.null(kept)) x else rbind(kept, x)
    tally <- em_tally_cpp(all[, seq_len(width), drop = FALSE], all[, width + 1L])
    kept <<- cbind(tally$x, tally$weights, deparse.level = 0L)
  }
  list(add = function(x) {
    if (!nrow(x)) return(invisible())
    merge(x)
    if (nrow(kept) > page_rows / 2) {
      put(kept)
      kept <<- NULL
    }
  }, finish = function() if (!is.null(kept)) put(kept))
}

new_store <- function(cache) {
  switch(cache, memory = store_in_memory(), file = store_in_file(), auto = store_while_it_fits(), none = store_of_hashes())
}

store_in_memory <- function(pages = list()) {
  list(put = function(page) pages[[length(pages) + 1L]] <<- page, get = function(i) pages[[i]],
       count = function() length(pages), close = function() pages <<- list(), kind = function() "memory",
       bytes = function() sum(vapply(pages, length, 0)) * 8)
}

# Columns of doubles, a page behind the other. The last page read stays at hand.
store_in_file <- function() {
  path <- tempfile("emfit-rows-", fileext = ".bin")
  old <- Sys.umask("077")
  con <- tryCatch(file(path, "wb"), finally = Sys.umask(old))
  Sys.chmod(path, "600", use_umask = FALSE)
  sizes <- list()
  begins <- numeric()
  end <- 0
  last <- list(i = 0L)
  owner <- new.env()
  reg.finalizer(owner, function(e) unlink(path), onexit = TRUE)
  reading <- FALSE
  put <- function(page) {
    write_page(page, con, path)
    sizes[[length(sizes) + 1L]] <<- dim(page)
    begins <<- c(begins, end)
    end <<- end + 8 * length(page)
  }
  get <- function(i) {
    owner
    if (last$i == i) return(last$page)
    if (!reading) {
      base::close(con)
      if (!file.exists(path)) abort_scratch(path)
      con <<- file(path, "rb")
      reading <<- TRUE
    }
    seek(con, begins[i])
    x <- readBin(con, "double", prod(sizes[[i]]))
    if (length(x) != prod(sizes[[i]])) abort_scratch(path)
    last <<- list(i = i, page = matrix(x, sizes[[i]][1L]))
    last$page
  }
  close <- function() {
    try(base::close(con), silent = TRUE)
    unlink(path)
  }
  list(put = put, get = get, count = function() length(sizes), close = close, kind = function() "file", bytes = function() end,
       path = path)
}

write_page <- function(page, con, path) {
  before <- file.size(path)
  failed <- function(e) {
    abort_em("source", c(sprintf("The scratch file can't be written: %s.", dirname(path)),
                         x = conditionMessage(e), i = "Set TMPDIR to a larger disk before R starts, or cache = \"none\"."))
  }
  tryCatch({
    writeBin(as.vector(page), con)
    flush(con)
  }, error = failed, warning = failed)
  if (!is.na(before) && file.size(path) - before != 8 * length(page)) failed(simpleError("the disk is full"))
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
      if (store$kind() == "memory" && store$bytes() + 8 * length(page) > limit) {
        file <- store_in_file()
        for (i in seq_len(store$count())) file$put(store$get(i))
        store <<- file
      }
      store$put(page)
    },
    get = function(i) store$get(i), count = function() store$count(), close = function() store$close(),
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
  }, count = function() length(hashes), close = function() NULL, kind = function() "none", bytes = function() 0,
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
