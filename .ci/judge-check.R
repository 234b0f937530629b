# Rscript .ci/judge-check.R 00check.log: status 1 where R CMD check found anything that counts against the
# package. Not held against it: that it is new, how large it is once installed, and suggested packages this
# machine lacks.

log <- readLines(commandArgs(trailingOnly = TRUE)[1], warn = FALSE)
heads <- grep("^[*] ", log)
ends <- c(heads[-1] - 1L, length(log))
entries <- Map(function(from, to) log[from:to], heads, ends)
status <- sub(".*[.]{3}.* (ERROR|WARNING|NOTE)$", "\\1", vapply(entries, `[[`, "", 1L))
# The verdict may also end a later line, after the output of what was run.
late <- vapply(entries, function(entry) {
  found <- grep("^ *(ERROR|WARNING|NOTE)$", entry, value = TRUE)
  if (length(found)) trimws(found[1]) else ""
}, "")
verdict <- ifelse(status %in% c("ERROR", "WARNING", "NOTE"), status, late)

is_new <- function(entry) {
  body <- entry[-1][nzchar(trimws(entry[-1]))]
  grepl("CRAN incoming feasibility", entry[1]) &&
    all(grepl("^(Note_to_CRAN_maintainers|Maintainer: .*|New submission)$", trimws(body)))
}
is_size <- function(entry) grepl("installed package size", entry[1])
is_absent <- function(entry) {
  grepl("package dependencies", entry[1]) &&
    any(grepl("suggested but not available", entry)) && !any(grepl("required but not available", entry))
}
forgiven <- verdict == "NOTE" & vapply(entries, function(entry) {
  is_new(entry) || is_size(entry) || is_absent(entry)
}, NA)

counts <- verdict != "" & !forgiven
# The log's own total is the second witness: an entry that was not understood must not pass.
total <- grep("^Status: ", log, value = TRUE)
claimed <- if (length(total) == 1) {
  sum(as.integer(regmatches(total, gregexpr("[0-9]+", total))[[1]]))
} else {
  NA
}
if (is.na(claimed)) cat("The check did not come to an end.\n")
if (!is.na(claimed) && claimed != sum(verdict != "")) {
  cat("The log counts", claimed, "findings,", sum(verdict != ""), "were read.\n")
}
for (entry in entries[counts]) cat("\nHeld against the package:\n", paste0("  ", entry, "\n"), sep = "")
quit(status = as.integer(any(counts) || is.na(claimed) || claimed != sum(verdict != "")))
