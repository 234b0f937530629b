# vignette("trouble") treats every condition that the package can raise, and no other.

condition_classes <- function() {
  found <- character()
  look <- function(e) {
    if (!is.call(e)) return(invisible())
    raiser <- if (is.name(e[[1L]])) as.character(e[[1L]]) else ""
    kind <- c(abort_em = "error", warn_em = "warning", inform_em = "message")[raiser]
    if (!is.na(kind) && length(e) > 1L) {
      expect_type(e[[2L]], "character") # a class that is computed can't be looked up
      found[length(found) + 1L] <<- paste("emfit", kind, e[[2L]], sep = "_")
    }
    for (part in as.list(e)) if (!missing(part)) look(part)
  }
  home <- asNamespace("emfit")
  for (name in ls(home, all.names = TRUE)) if (is.function(get(name, home))) look(body(get(name, home)))
  sort(unique(found), method = "radix")
}

trouble_file <- function() grep("/trouble[.]Rmd$", vignette_sources(), value = TRUE)
vignette_sources <- function() {
  folders <- c(test_path("../../vignettes"), test_path("../../00_pkg_src/emfit/vignettes"), system.file("doc", package = "emfit"))
  list.files(folders[dir.exists(folders)][1], "[.]Rmd$", full.names = TRUE)
}

test_that("every class is treated under a heading of its own, and every heading is a class", {
  skip_if(!length(trouble_file()), "no vignettes beside the tests")
  lines <- readLines(trouble_file(), encoding = "UTF-8")
  headings <- grep("^## emfit_", lines, value = TRUE)
  treated <- sub("^## ([a-z_]+).*", "\\1", headings)
  expect_identical(sub(".*[{]#([a-z_]+)[}]$", "\\1", headings), treated)
  expect_identical(sort(treated, method = "radix"), condition_classes())
  links <- unlist(regmatches(lines, gregexpr("\\(#emfit_[a-z_]+\\)", lines)))
  expect_setequal(gsub("[(#)]", "", links), treated)
})

# The chunks under a heading: the first shows the condition, that named *-mended must raise nothing of the kind.
chunks_of <- function(lines) {
  open <- grep("^```\\{r ", lines)
  close <- vapply(open, function(at) at + which(lines[-seq_len(at)] == "```")[1], 0)
  headings <- grep("^##? ", lines)
  lapply(seq_along(open), function(i) {
    list(name = sub("^```\\{r ([a-z-]+).*", "\\1", lines[open[i]]), run = !grepl("eval = FALSE|include = FALSE", lines[open[i]]),
         code = lines[seq(open[i] + 1, close[i] - 1)], heading = lines[max(headings[headings < open[i]], 1)])
  })
}

test_that("each condition is seen where it is treated, and its remedy raises none", {
  skip_if(!length(trouble_file()), "no vignettes beside the tests")
  home <- new.env(parent = globalenv())
  set.seed(1)
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  seen <- list()
  for (chunk in chunks_of(readLines(trouble_file(), encoding = "UTF-8"))) {
    if (!chunk$run) next
    classes <- character()
    note <- function(condition) classes <<- c(classes, class(condition)[1L])
    for (expression in parse(text = chunk$code)) {
      tryCatch(withCallingHandlers(utils::capture.output(print(eval(expression, home))),
                                   warning = function(w) { note(w); invokeRestart("muffleWarning") },
                                   message = function(m) { note(m); invokeRestart("muffleMessage") }),
               error = note)
    }
    treated <- sub("^## ([a-z_]+).*", "\\1", chunk$heading)
    if (grepl("-mended$", chunk$name)) {
      expect_identical(setdiff(classes, "emfit_message_missing"), character(), label = chunk$name)
    } else if (grepl("^emfit_", treated)) {
      seen[[treated]] <- c(seen[[treated]], classes)
    }
  }
  shown <- names(seen)[vapply(names(seen), function(name) name %in% seen[[name]], NA)]
  # No keyboard is at hand to interrupt by, and no disk is full: test-em-select.R and test-chunks-faults.R raise these.
  expect_setequal(shown, setdiff(condition_classes(), c("emfit_warning_interrupted", "emfit_warning_checkpoint")))
})
