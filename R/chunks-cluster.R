# Rows in chunks on a cluster: each worker opens its share of the source, keeps its rows, and sends sums. A share is a run of
# consecutive chunks. It is list(label, recipe, again = may another worker open it?), and, once it was read, rows (stored), n
# and begin (stored rows before it). Rows of all shares are numbered on, and what is added up (slices of an E-step, blocks of a
# description) begins at fixed numbers, whoever has the row: a worker does those that begin in its share, for which it is
# given some rows of the next, its halo. So any number of workers gives the sums of memory, to the last bit.

# Of em_chunks(cluster =): list(kind, x, ...) for each share.
cluster_source <- function(x, query, cluster, resident, given) {
  check_cluster(cluster)
  n <- length(cluster)
  if (!is.null(resident)) {
    if (given) abort_em("argument", "Give either `x` or `resident`: where rows come from, or the name of what the workers hold.")
    check_names_of(resident, "resident")
    return(cluster_shares(lapply(seq_len(n), function(i) list(kind = "resident", x = resident)),
                          sprintf("\"%s\" of worker %d", resident, seq_len(n)), sprintf("\"%s\" on the workers", resident), FALSE))
  }
  if (is.character(x)) return(shares_of_files(x, n))
  if (is.function(x)) return(shares_of_maker(x, query, n))
  if (is.list(x) && !is.object(x) && length(x)) {
    parts <- even_parts(rep(1, length(x)), n)
    return(cluster_shares(lapply(parts, function(at) list(kind = "chunks", x = x[at])), chunks_of("chunk", parts),
                          paste("a list of", plural(length(x), "chunk"))))
  }
  abort_em("argument", c(
    sprintf("`x` must be what each worker can open, files, a list of data frames or a function, not %s.", describe_value(x)),
    i = "A connection can't be sent: em_chunks(function() DBI::dbConnect(...), queries, cluster = cl)."
  ))
}

cluster_shares <- function(sources, labels, label, again = TRUE, ordered = TRUE) {
  shares <- Map(function(source, own) list(label = own, source = source, again = again), sources, labels)
  list(shares = unname(shares), label = label, ordered = ordered)
}

chunks_of <- function(what, parts) {
  vapply(parts, function(at) {
    if (length(at) == 1L) sprintf("%s %d", what, at) else sprintf("%ss %d to %d", what, at[1L], at[length(at)])
  }, "")
}

shares_of_files <- function(files, n) {
  if (!length(files) || anyNA(files)) abort_em("input", "`x` must name files for the workers: there are none.")
  sizes <- file.size(files)
  sizes[is.na(sizes)] <- 1 # they may be the workers' alone
  parts <- even_parts(sizes + 1, n)
  labels <- vapply(parts, function(at) {
    if (length(at) == 1L) sprintf("the file %s", dQuote(basename(files[at]), FALSE))
    else sprintf("the files %s to %s", dQuote(basename(files[at[1L]]), FALSE), dQuote(basename(files[at[length(at)]]), FALSE))
  }, "")
  cluster_shares(lapply(parts, function(at) list(kind = "files", x = files[at])), labels, plural(length(files), "file"))
}

# A function(part, parts) that is called on the worker; with queries one of no arguments that opens a database.
shares_of_maker <- function(x, query, n) {
  wanted <- formals(args(x))
  if ("reset" %in% names(wanted)) {
    abort_em("argument", c("On a cluster `x` must be a function of `part` and `parts`: one that has `reset` can't tell whose rows to give.",
                           i = "em_chunks(function(part, parts) function(reset = FALSE) ..., cluster = cl)"))
  }
  if (is.null(query)) {
    if (length(wanted) < 2L) {
      abort_em("argument", c("On a cluster `x` must be a function of `part` and `parts`, which returns what em_chunks() takes.",
                             i = "em_chunks(function(part, parts) sprintf(\"rows-%d.csv\", part), cluster = cl)"))
    }
    sources <- lapply(seq_len(n), function(i) list(kind = "maker", x = x, part = i, parts = n))
    return(cluster_shares(sources, sprintf("part %d of %d", seq_len(n), n), "a function"))
  }
  if (!is.character(query) || anyNA(query)) abort_em("argument", "`query` must be SQL: one for each share of the rows.")
  sources <- lapply(seq_along(query), function(i) list(kind = "maker", x = x, part = i, parts = length(query), query = query[i]))
  cluster_shares(sources, sprintf("query %d", seq_along(query)), plural(length(query), "query", "queries"),
                 ordered = all(grepl("order[[:space:]]+by", query, ignore.case = TRUE)))
}

# Runs of consecutive chunks, about as large as each other: two for each worker, so that those of a lost one can be divided.
even_parts <- function(sizes, workers) {
  wanted <- min(length(sizes), 2L * workers)
  at <- ceiling(cumsum(sizes) / sum(sizes) * wanted - 1e-9)
  unname(split(seq_along(sizes), at))
}

# ---- the first look ----

look_at_cluster <- function(spec, family) {
  began <- clock()
  crew <- open_crew(spec, family)
  reading <- new_reading(spec, family)
  facts <- learn_on_crew(crew, reading)
  found <- ask_shares(crew, "share_read", function(share) facts)
  note_shares(crew, found)
  join_readings(reading, found)
  check_look(reading)
  rows <- sample_of_crew(crew, spec$sample)
  labels <- settle_crew(crew, reading, found)
  total <- Reduce(function(a, b) if (is.null(a)) b else if (is.null(b)) a else add_moments(a, b), lapply(found, `[[`, "moments"))
  new_look(reading, store_on_crew(crew, found), list(rows = function() rows), list(table = function() moments_table(total)),
           clock() - began, labels)
}

open_crew <- function(spec, family) {
  crew <- new_crew(spec$cluster)
  plain <- unclass(spec)
  plain[c("source", "cluster")] <- NULL
  plain$family <- family
  crew$shares <- lapply(seq_along(spec$source$shares), function(i) {
    share <- spec$source$shares[[i]]
    c(share["again"], share["label"], list(stage = 0, recipe = list(source = share$source, spec = plain, label = share$label, number = i)))
  })
  n <- length(crew$shares)
  living <- which(crew$alive)
  resident <- !crew$shares[[1L]]$again
  if (resident && !all(crew$alive)) abort_worker("A worker is lost, and what it held with it.", remedy_start)
  crew$owner <- living[ceiling(seq_len(n) * length(living) / n)]
  crew$holds <- matrix(FALSE, n, length(crew$cluster))
  crew
}

# One question to the shares, args(share) for each.
ask_shares <- function(crew, name, args, shares = seq_along(crew$shares), model = NULL) {
  crew_run(crew, lapply(shares, function(i) list(name = name, args = args(i), share = i, model = model)))
}

learn_on_crew <- function(crew, reading) {
  facts <- NULL
  for (share in seq_along(crew$shares)) {
    first <- ask_shares(crew, "share_first", function(i) NULL, share)[[1L]]
    if (is.null(facts$width)) facts <- first$facts
    if (!is.null(first$facts$guard)) break
  }
  if (is.null(facts$width)) abort_em("input", "No worker has any rows.")
  facts$guard <- first$facts$guard
  if (family_needs_levels(reading$family)) {
    seen <- ask_shares(crew, "share_levels", function(i) facts)
    facts$guard <- guard_of_levels(Reduce(join_levels, Filter(length, seen)))
    facts$data <- data_of_guard(facts$guard, reading$family)
  }
  for (name in names(facts)) assign(name, facts[[name]], envir = reading)
  facts
}

# Where each share begins, and what it must be when it is read again.
note_shares <- function(crew, found) {
  begin <- n <- 0
  for (i in seq_along(found)) {
    own <- found[[i]]
    crew$shares[[i]][c("begin", "before", "rows")] <- list(begin, n, own$rows)
    crew$shares[[i]]$recipe$seen <- list(n = own$n, hash = own$hash)
    begin <- begin + own$rows
    n <- n + own$n
  }
  crew$rows <- begin
}

join_readings <- function(reading, found) {
  pick <- function(name) lapply(found, `[[`, name)
  total <- function(name) sum(unlist(pick(name)))
  reading$row <- total("n")
  reading$chunk <- total("chunks")
  reading$weight <- total("weight")
  reading$n_positive <- total("n_positive")
  for (name in c("weighted", "gaps", "sorts", "label_factor")) assign(name, any(unlist(pick(name))), envir = reading)
  reading$label_levels <- Reduce(union, pick("label_levels"))
}

sample_of_crew <- function(crew, size) {
  seed <- draw_seed()
  found <- ask_shares(crew, "share_sample", function(i) list(size = size, seed = seed, before = crew$shares[[i]]$before))
  found <- Filter(function(own) length(own$keys) > 0L, found)
  keys <- unlist(lapply(found, `[[`, "keys"))
  frames <- lapply(found, `[[`, "frames")
  frames <- do.call(rbind, lapply(frames, function(frame) frame[names(frames[[1L]])]))
  keep <- sort(order(keys, method = "radix")[seq_len(min(size, length(keys)))])
  rows <- frames[keep, , drop = FALSE]
  row.names(rows) <- NULL
  rows
}

# Tells all shares what only all rows can say, and returns the labels.
settle_crew <- function(crew, reading, found) {
  labels <- settle_labels(reading)
  settled <- list(gaps = reading$gaps, sorts = reading$sorts, weighted = reading$weighted || family_tallies(reading$family), weight = NULL)
  for (i in seq_along(crew$shares)) {
    own <- found[[i]]$label_levels
    mine <- c(settled, list(labels = list(levels = labels$levels, codes = if (!is.null(labels$codes)) labels$codes[match(own, reading$label_levels)])))
    crew$shares[[i]]$recipe$settled <- mine
  }
  ask_shares(crew, "share_settle", function(i) crew$shares[[i]]$recipe$settled)
  crew$halo <- 0
  crew$weight <- if (settled$weighted) weight_of_crew(crew) else crew$rows
  for (i in seq_along(crew$shares)) crew$shares[[i]]$recipe$settled$weight <- crew$weight
  ask_shares(crew, "share_settle", function(i) crew$shares[[i]]$recipe$settled)
  labels["codes"] <- list(NULL)
  labels
}

# ---- runs of rows that begin in a share ----

# Those of so many rows each: list(first = number of the first run, skip = rows of the share before it, total), NULL where none
# begins there.
runs_in <- function(crew, share, size) {
  own <- crew$shares[[share]]
  first <- ceiling(own$begin / size)
  end <- ceiling((own$begin + own$rows) / size)
  if (first >= end) return(NULL)
  list(first = first, skip = first * size - own$begin, total = min(end * size, crew$rows) - first * size)
}

# Every share needs the first rows of those behind it, one less than a run has.
ensure_halo <- function(crew, size) {
  n <- length(crew$shares)
  if (n < 2L || crew$halo >= size) return(invisible())
  size <- max(size, 8192)
  heads <- ask_shares(crew, "share_head", function(i) size, seq_len(n)[-1L])
  for (i in seq_len(n - 1L)) crew$shares[[i]]$recipe$halo <- halo_from(heads[i:(n - 1L)], size)
  ask_shares(crew, "share_halo", function(i) crew$shares[[i]]$recipe$halo, seq_len(n - 1L))
  crew$halo <- size
}

halo_from <- function(heads, size) {
  pieces <- list()
  for (head in heads) {
    if (size <= 0) break
    if (is.null(head)) next
    piece <- if (page_size(head) > size) page_part(head, seq_len(size)) else head
    pieces[[length(pieces) + 1L]] <- piece
    size <- size - page_size(piece)
  }
  if (length(pieces)) join_pages(pieces)
}

# Sums that are one running sum over all rows go from share to share: state -> ask(share, run, state).
carry_through <- function(crew, size, state, ask) {
  ensure_halo(crew, size)
  for (share in seq_along(crew$shares)) {
    run <- runs_in(crew, share, size)
    if (!is.null(run)) state <- ask(share, run, state)
  }
  state
}

weight_of_crew <- function(crew) {
  carry_through(crew, 4096, 0, function(share, run, state) {
    ask_shares(crew, "share_weight", function(i) c(run, before = state), share)[[1L]]
  })
}

# ---- passes ----

certainty_on_crew <- function(crew, parameters, model) {
  crews$made <- crews$made + 1
  known <- list(id = paste0("model ", crews$made), model = model)
  Reduce(`+`, ask_shares(crew, "share_certainty", function(i) plain_parameters(parameters), model = known))
}

# All pages, wherever they are: what has to see each row here asks for them one by one.
store_on_crew <- function(crew, found) {
  pages <- vapply(found, `[[`, 0L, "pages")
  share <- rep(seq_along(pages), pages)
  number <- sequence(pages)
  kinds <- unique(vapply(found, `[[`, "", "kind"))
  bytes <- sum(vapply(found, `[[`, 0, "bytes"))
  list(get = function(i) ask_shares(crew, "share_page", function(s) number[i], share[i])[[1L]],
       count = function() length(share), kind = function() paste0(kinds[1L], ", on workers"), bytes = function() bytes, crew = crew)
}

# What the core asks in the place of rows: see src/r_parts.h. `book` is a checkpoint, which is asked first.
parts_on_crew <- function(parts, native, look, model, book, shift, row_weight) {
  crew <- look$store$crew
  crews$made <- crews$made + 1
  known <- list(id = paste0("model ", crews$made), native = native, model = model, shift = shift, row_weight = row_weight)
  parts$weight <- crew$weight / row_weight
  parts$recall <- function(parameters, exact, slice, description) {
    sums <- if (!is.null(book$recall)) book$recall(parameters)
    if (!is.null(sums)) return(sums)
    sums <- pass_on_crew(crew, known, parameters, exact, slice, description)
    if (!is.null(book$keep)) book$keep(parameters, sums)
    sums
  }
  parts$gather <- function(about, state) {
    carry_through(crew, 256, state, function(share, run, state) {
      args <- c(run, list(row = run$first * 256, n = look$data$whole$n, about = about, state = state))
      ask_shares(crew, "share_describe", function(i) args, share, known)[[1L]]
    })
  }
  parts
}

pass_on_crew <- function(crew, known, parameters, exact, slice, description) {
  ensure_halo(crew, slice)
  runs <- lapply(seq_along(crew$shares), function(i) runs_in(crew, i, slice))
  asked <- which(!vapply(runs, is.null, NA))
  args <- function(i) c(runs[[i]], list(parameters = parameters, exact = exact, description = description))
  total_of_shares(ask_shares(crew, "share_expect", args, asked, known))
}
