# The code of the README gives the README's output, to the letter: counts of iterations and of starts as well.
# data-raw/readme.R writes the output anew.

readme_blocks <- function(lines) {
  begin <- which(lines == "```r")
  lapply(begin, function(at) {
    end <- at + which(lines[-seq_len(at)] == "```")[1]
    has_output <- lines[end + 1] == "```"
    last <- if (has_output) end + 1 + which(lines[-seq_len(end + 1)] == "```")[1]
    list(code = lines[(at + 1):(end - 1)], output = if (has_output) lines[(end + 2):(last - 1)])
  })
}

test_that("the README's code gives the README's output", {
  file <- c(test_path("../../README.md"), test_path("../../00_pkg_src/emfit/README.md"))
  file <- file[file.exists(file)]
  skip_if(!length(file), "no README beside the tests")
  blocks <- readme_blocks(readLines(file[1], encoding = "UTF-8"))
  expect_gte(length(blocks), 5)
  home <- new.env(parent = globalenv())
  old <- options(width = 80, digits = 7)
  on.exit(options(old))
  for (block in blocks) {
    out <- unlist(lapply(parse(text = block$code), function(expression) {
      value <- withVisible(eval(expression, home))
      if (value$visible) utils::capture.output(print(value$value))
    }))
    expect_identical(out, block$output, label = block$code[1])
  }
})

test_that("every call of the README's table parses, and names functions there are", {
  file <- c(test_path("../../README.md"), test_path("../../00_pkg_src/emfit/README.md"))
  file <- file[file.exists(file)]
  skip_if(!length(file), "no README beside the tests")
  lines <- readLines(file[1], encoding = "UTF-8")
  at <- which(lines == "| I want to | write |")
  rows <- lines[at + 1 + seq_len(which(lines[-seq_len(at)] == "")[1] - 2)]
  calls <- unlist(regmatches(rows, gregexpr("`[^`]+`", rows)))
  calls <- gsub("`", "", calls)
  expect_gt(length(calls), 15)
  for (call in calls) {
    names <- setdiff(all.names(parse(text = call)), all.vars(parse(text = call)))
    names <- names[grepl("^em_|^icl|^plot|^augment|^tidy|^confint", names)]
    for (name in names) expect_true(exists(name, mode = "function"), label = name)
  }
})
