# A corpus: counts of terms in documents, as the core reads them (src/r_topics.cpp). Tables of other packages are taken
# by their shape, without those packages. A corpus is a plain list:
#   begin, term, count   counts by documents: ends with 0 first, terms from 0 and rising in each document, doubles above 0
#   weights   of documents, or NULL              weighted   were weights given?
#   n, n_terms           documents and terms     documents, terms   their names; documents NULL where there are none
#   lengths   words of each document             row_names  documents, as other data have them
#   formula   of a long table, or NULL

new_corpus <- function(i, j, count, n, n_terms, documents, terms, weights = NULL, formula = NULL) {
  order <- order(i, j)
  i <- i[order]
  j <- j[order]
  count <- as.double(count[order])
  again <- c(FALSE, diff(i) == 0 & diff(j) == 0)
  if (length(i) && any(again[seq_along(i)])) {
    group <- cumsum(!again)
    count <- as.vector(rowsum(count, group))
    i <- i[!again]
    j <- j[!again]
  }
  kept <- count > 0
  i <- i[kept]
  count <- count[kept]
  sizes <- tabulate(i, n)
  lengths <- numeric(n)
  if (length(i)) lengths[sort(unique(i))] <- as.vector(rowsum(count, i))
  list(begin = c(0L, as.integer(cumsum(sizes))), term = as.integer(j[kept]) - 1L, count = count, weights = weights,
       weighted = !is.null(weights), n = as.integer(n), n_terms = as.integer(n_terms), documents = documents,
       terms = terms, lengths = lengths, row_names = documents, formula = formula)
}

# The document of each cell, from 1.
cell_documents <- function(corpus) rep.int(seq_len(corpus$n), diff(corpus$begin))

corpus_weights <- function(corpus) if (is.null(corpus$weights)) rep(1, corpus$n) else corpus$weights

# How often each term occurs.
term_totals <- function(corpus) {
  w <- corpus$count * corpus_weights(corpus)[cell_documents(corpus)]
  out <- numeric(corpus$n_terms)
  if (length(w)) {
    sums <- rowsum(w, corpus$term)
    out[as.integer(rownames(sums)) + 1L] <- as.vector(sums)
  }
  out
}

total_words <- function(corpus) sum(corpus$lengths * corpus_weights(corpus))

# Some of its documents.
corpus_part <- function(corpus, rows) {
  cells <- unlist(lapply(rows, function(d) seq_len(corpus$begin[d + 1L] - corpus$begin[d]) + corpus$begin[d]))
  sizes <- diff(corpus$begin)[rows]
  corpus$begin <- c(0L, as.integer(cumsum(sizes)))
  corpus$term <- corpus$term[cells]
  corpus$count <- corpus$count[cells]
  corpus$weights <- corpus$weights[rows]
  corpus$documents <- corpus$row_names <- corpus$documents[rows]
  corpus$lengths <- corpus$lengths[rows]
  corpus$n <- length(rows)
  corpus
}

# From what the user has --------------------------------------------------------------------------------------------

as_corpus <- function(x, weights = NULL, arg = "x") {
  table <- corpus_triplets(x, arg)
  check_cells(table, arg)
  if (table$n == 0L) abort_em("input", sprintf("`%s` has no documents: it has 0 rows.", arg))
  terms <- if (length(table$terms)) enc2utf8(as.character(table$terms)) else paste0("term", seq_len(table$n_terms))
  if (anyDuplicated(terms)) {
    abort_em("input", c(sprintf("Two columns of `%s` are the same term, %s.", arg,
                                dQuote(terms[anyDuplicated(terms)], FALSE)),
                        i = "Add them up: x <- t(rowsum(t(as.matrix(x)), colnames(x)))."))
  }
  documents <- if (length(table$documents)) as.character(table$documents)
  if (!is.null(weights)) weights <- check_weights(weights, table$n)
  new_corpus(table$i, table$j, table$v, table$n, table$n_terms, documents, terms, weights)
}

# A table of any kind -> list(i, j, v, n, n_terms, documents, terms): a cell each, rows are documents.
corpus_triplets <- function(x, arg) {
  out <- if (inherits(x, "simple_triplet_matrix")) triplets_of_slam(x)
    else if (inherits(x, c("dgCMatrix", "dgRMatrix", "dgTMatrix"))) triplets_of_matrix_package(x)
    else if (is.matrix(x) && (is.numeric(x) || is.logical(x))) triplets_of_table(x)
    else if (inherits(x, "data.frame")) triplets_of_frame(x, arg)
  if (is.null(out)) {
    abort_em("input", c(
      sprintf("`%s` must be a table of counts, documents by terms, not %s.", arg, describe_input(x)),
      i = if (isS4(x)) sprintf("Convert it first: as(%s, \"dgCMatrix\").", arg)
          else "A table of documents, terms and counts: em_fit(n ~ document + term, data = d, k = 5, latent = em_topics())."
    ))
  }
  if (inherits(x, "TermDocumentMatrix")) {
    out <- list(i = out$j, j = out$i, v = out$v, n = out$n_terms, n_terms = out$n, documents = out$terms,
                terms = out$documents)
  }
  out
}

triplets_of_slam <- function(x) {
  list(i = x$i, j = x$j, v = x$v, n = x$nrow, n_terms = x$ncol, documents = x$dimnames[[1L]], terms = x$dimnames[[2L]])
}

# The columns of slots i, j and p that these classes have; a dfm of quanteda is a dgCMatrix.
triplets_of_matrix_package <- function(x) {
  slot <- function(name) attr(x, name, exact = TRUE)
  size <- slot("Dim")
  runs <- if (!is.null(slot("p"))) rep.int(seq_len(length(slot("p")) - 1L), diff(slot("p")))
  list(i = if (is.null(slot("i"))) runs else slot("i") + 1L, j = if (is.null(slot("j"))) runs else slot("j") + 1L,
       v = slot("x"), n = size[1L], n_terms = size[2L], documents = slot("Dimnames")[[1L]],
       terms = slot("Dimnames")[[2L]])
}

triplets_of_table <- function(x) {
  at <- which(is.na(x) | x != 0)
  list(i = (at - 1L) %% nrow(x) + 1L, j = (at - 1L) %/% nrow(x) + 1L, v = as.double(x[at]), n = nrow(x),
       n_terms = ncol(x), documents = rownames(x), terms = colnames(x))
}

triplets_of_frame <- function(x, arg) {
  good <- vapply(x, function(column) is.numeric(column) || is.logical(column), NA)
  if (!all(good)) {
    abort_em("input", c(
      sprintf("Column %s of `%s` holds no counts.", dQuote(names(x)[!good][1L], FALSE), arg),
      i = "A row for each document and term is a formula: em_fit(n ~ document + term, data = d, k = 5, latent = em_topics()).",
      i = "Names of documents are row names: row.names(x) <- x$id; x$id <- NULL."
    ))
  }
  row_names <- attr(x, "row.names")
  names <- names(x)
  x <- as.matrix(as.data.frame(x))
  dimnames(x) <- list(if (is.character(row_names)) row_names, names)
  triplets_of_table(x)
}

check_cells <- function(table, arg) {
  place <- function(at) {
    name <- function(names, number, what) {
      if (length(names)) sprintf("%s %s", what, dQuote(names[number], FALSE)) else paste(what, number)
    }
    paste(name(table$documents, table$i[at], "document"), name(table$terms, table$j[at], "term"), sep = ", ")
  }
  v <- table$v
  if (anyNA(v)) {
    abort_em("missing", c(sprintf("`%s` has missing counts: %s.", arg, place(which(is.na(v))[1L])),
                          i = "A term that was not found counts 0: x[is.na(x)] <- 0."))
  }
  bad <- which(v < 0 | is.infinite(v))
  if (length(bad)) {
    abort_em("counts", c(sprintf("`%s` must hold counts of 0 or more.", arg),
                         x = sprintf("It has %s (%s).", number(v[bad[1L]]), place(bad[1L]))))
  }
  bad <- which(v != floor(v))
  if (length(bad)) {
    abort_em("counts", c(
      sprintf("`%s` must hold counts; it looks like tf-idf or other weights.", arg),
      x = sprintf("It has %s (%s).", number(v[bad[1L]]), place(bad[1L])),
      i = "Take the table before it was weighted; weights of whole documents are `weights`."
    ))
  }
  if (table$n_terms == 0L) abort_em("input", sprintf("`%s` has no terms: it has 0 columns.", arg))
}

# n ~ document + term: a row for each term of a document; ~ document + term: for each word.
corpus_of_formula <- function(formula, data, weights, subset) {
  check_formula_data(data)
  names <- corpus_names(formula)
  if (!is.null(weights)) {
    abort_em("argument", c("`weights` are of documents, and a formula names rows of terms.",
                           i = "Make a table first: em_fit(xtabs(n ~ document + term, d), weights = w, ...)."))
  }
  home <- environment(formula)
  columns <- lapply(names, function(name) evaluate(name, data, home, paste(deparse(name), collapse = " ")))
  rows <- length(columns$document)
  if (is.null(columns$count)) columns$count <- rep(1, rows)
  wrong <- which(lengths(columns) != rows)
  if (length(wrong)) {
    abort_em("input", sprintf("`%s` has %d values, `%s` %d.", paste(deparse(names[[1L]]), collapse = " "), rows,
                              paste(deparse(names[[names(columns)[wrong[1L]]]]), collapse = " "),
                              length(columns[[wrong[1L]]])))
  }
  kept <- evaluate(subset, data, home, "subset")
  if (!is.null(kept)) columns <- lapply(columns, `[`, rows_kept(kept, rows))
  corpus_of_columns(columns, formula)
}

corpus_names <- function(formula) {
  right <- formula[[length(formula)]]
  if (is.call(right) && identical(right[[1L]], as.name("+")) && length(right) == 3L &&
      !is.call(right[[2L]]) | identical(length(all.vars(right)), 2L)) {
    return(list(document = right[[2L]], term = right[[3L]], count = if (length(formula) == 3L) formula[[2L]]))
  }
  abort_em("argument", c(
    sprintf("A formula of topics names a document and a term, not %s.", paste(deparse(right), collapse = " ")),
    i = "Write n ~ document + term, or ~ document + term where each row is a word."
  ))
}

corpus_of_columns <- function(columns, formula) {
  code <- function(x, what) {
    if (anyNA(x)) {
      abort_em("missing", c(sprintf("The column of %s has missing values, first in row %d.", what, which(is.na(x))[1L]),
                            i = "Leave these rows out: subset = !is.na(term)."))
    }
    if (is.factor(x)) x else factor(x, levels = unique(x))
  }
  document <- code(columns$document, "documents")
  term <- code(columns$term, "terms")
  if (!length(document)) abort_em("input", "The formula names no rows.")
  if (!is.numeric(columns$count)) {
    abort_em("counts", sprintf("The left side of the formula must be counts, not %s.", describe_input(columns$count)))
  }
  table <- list(i = as.integer(document), j = as.integer(term), v = as.double(columns$count), n = nlevels(document),
                n_terms = nlevels(term), documents = levels(document), terms = levels(term))
  check_cells(table, "data")
  formula <- formula[seq_along(formula)]
  new_corpus(table$i, table$j, table$v, table$n, table$n_terms, table$documents, table$terms, formula = formula)
}

# New documents, by the terms of a fit; others are left out, and one message counts them.
corpus_for_fit <- function(newdata, fit, quiet = FALSE) {
  known <- fit$data$terms
  new <- if (is_long_table(newdata, fit$data$formula)) corpus_of_formula(fit_formula(fit), newdata, NULL, NULL)
         else as_corpus(one_document(newdata, known), arg = "newdata")
  at <- match(new$terms, known)
  if (all(is.na(at))) {
    abort_em("newdata", c(sprintf("None of the %s of `newdata` is in the model.", plural(new$n_terms, "term")),
                          x = sprintf("The model has %s.", quoted(known)), i = "Columns are found by their names."))
  }
  match_terms(new, at, known, quiet)
}

fit_formula <- function(fit) structure(fit$data$formula, class = "formula", .Environment = globalenv())

is_long_table <- function(x, formula) {
  !is.null(formula) && inherits(x, "data.frame") && all(all.vars(formula) %in% names(x))
}

# Named counts are one document.
one_document <- function(x, known) {
  if (is.numeric(x) && is.null(dim(x)) && !is.null(names(x))) return(matrix(x, 1L, dimnames = list(NULL, names(x))))
  if (is.matrix(x) && is.null(colnames(x)) && ncol(x) == length(known)) colnames(x) <- known
  x
}

match_terms <- function(new, at, known, quiet = FALSE) {
  j <- at[new$term + 1L]
  lost <- is.na(j)
  if (any(lost) && !quiet) {
    inform_em("columns", sprintf("%s of `newdata` (%s) %s not in the model and left out.",
                                 plural(length(unique(new$term[lost])), "term"), plural(sum(new$count[lost]), "word"),
                                 if (length(unique(new$term[lost])) == 1L) "is" else "are"))
  }
  new_corpus(cell_documents(new)[!lost], j[!lost], new$count[!lost], new$n, length(known), new$documents, known,
             new$weights)
}
