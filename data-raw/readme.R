# Runs the R code of README.md and puts its output beneath each block: Rscript data-raw/readme.R, in the root of the
# package, with the package installed. tests/testthat/test-readme.R checks that nothing has changed since.
options(width = 80)
lines <- readLines("README.md")
home <- new.env(parent = globalenv())

output_of <- function(code) {
  unlist(lapply(parse(text = code), function(expression) {
    value <- withVisible(eval(expression, home))
    if (value$visible) utils::capture.output(print(value$value))
  }))
}

out <- character()
at <- 1
while (at <= length(lines)) {
  if (lines[at] != "```r") {
    out <- c(out, lines[at])
    at <- at + 1
    next
  }
  end <- at + which(lines[-seq_len(at)] == "```")[1]
  out <- c(out, lines[at:end], "```", output_of(lines[(at + 1):(end - 1)]), "```")
  after <- end + 1
  if (after <= length(lines) && lines[after] == "```") after <- after + which(lines[-seq_len(after)] == "```")[1] + 1
  at <- after
}
writeLines(out, "README.md")
