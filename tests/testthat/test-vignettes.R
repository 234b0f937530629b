# Numbers in the prose of a vignette are computed, not typed, and every picture has a text for those who can't see
# it. The sources are read; that they knit is shown by building the package.

vignette_files <- function() {
  folders <- c(test_path("../../vignettes"), test_path("../../00_pkg_src/emfit/vignettes"),
               system.file("doc", package = "emfit"))
  list.files(folders[dir.exists(folders)][1], "[.]Rmd$", full.names = TRUE)
}

# Line by line: FALSE inside code chunks and the header.
is_prose <- function(lines) {
  fence <- grepl("^```", lines)
  header <- seq_along(lines) <= which(lines == "---")[2]
  !header & !fence & cumsum(fence) %% 2 == 0
}

# Inline code, code in backticks, links and citations are no prose.
plain_prose <- function(lines) {
  lines <- paste(lines, collapse = "\n")
  lines <- gsub("`[^`]*`", "", lines)
  lines <- gsub("<https?://[^>]*>|\\]\\([^)]*\\)|doi:[^ ,)]*", "", lines)
  strsplit(lines, "\n")[[1]]
}

test_that("there are vignettes, and the test of their prose notices a typed decimal", {
  expect_true("emfit.Rmd" %in% basename(vignette_files()))
  lines <- c("---", "v: 0.1", "---", "```{r}", "x <- 0.5", "```", "A `r 0.5` of 0.8 or -.45; 3. Then 12 in 1:2.")
  expect_identical(is_prose(lines), rep(c(FALSE, TRUE), c(6, 1)))
  expect_identical(regmatches(plain_prose(lines[7]), gregexpr("[0-9]*[.][0-9]+", plain_prose(lines[7])))[[1]],
                   c("0.8", ".45"))
})

test_that("no decimal is typed in the prose", {
  for (file in vignette_files()) {
    lines <- readLines(file, encoding = "UTF-8")
    found <- grep("[0-9]*[.][0-9]+", plain_prose(lines[is_prose(lines)]), value = TRUE)
    expect_identical(found, character(), label = paste("decimals in the prose of", basename(file)))
  }
})

test_that("every chunk that draws has an alternative text", {
  for (file in vignette_files()) {
    lines <- readLines(file, encoding = "UTF-8")
    open <- grep("^```\\{r", lines)
    close <- vapply(open, function(at) at + which(lines[-seq_len(at)] == "```")[1], 0)
    draws <- vapply(seq_along(open), function(i) {
      any(grepl("\\b(plot|autoplot|curve|hist|barplot|stripchart|contour|matplot)\\(", lines[open[i]:close[i]]))
    }, NA)
    silent <- open[draws & !grepl("fig[.]alt|include *= *FALSE|fig[.]show", lines[open])]
    expect_identical(lines[silent], character(), label = paste("pictures without fig.alt in", basename(file)))
  }
})
