# What the help pages say of calls.

help_files <- function() {
  folders <- c(test_path("../../man"), test_path("../../00_pkg_src/emfit/man"))
  list.files(folders[dir.exists(folders)][1], "[.]Rd$", full.names = TRUE)
}

test_that("Usage shows methods as methods, also those of generics of other packages", {
  skip_if(!length(help_files()), "no help pages beside the tests")
  methods <- getNamespaceInfo("emfit", "S3methods")
  names <- paste(sub("^.*::", "", methods[, 1]), methods[, 2], sep = ".")
  plain <- unlist(lapply(help_files(), function(file) {
    calls <- grep("^[A-Za-z._]+\\(", readLines(file)[-1], value = TRUE)
    intersect(sub("\\(.*", "", calls), c(names, "autoplot.em_fit", "autoplot.em_plot", "autoplot.em_select"))
  }))
  expect_identical(as.character(plain), character())
})

test_that("methods of suggested packages are registered when these are loaded", {
  lines <- unlist(lapply(c(test_path("../../NAMESPACE"), system.file("NAMESPACE", package = "emfit")),
                         function(file) if (file.exists(file)) readLines(file)))
  delayed <- unique(grep("^S3method\\([A-Za-z0-9]+::", lines, value = TRUE))
  expect_gte(length(delayed), 6)
  for (line in delayed) {
    parts <- regmatches(line, regexec("^S3method\\(([A-Za-z0-9]+)::([A-Za-z._]+), ?([a-z_]+)\\)", line))[[1]]
    if (!requireNamespace(parts[2], quietly = TRUE)) next
    expect_true(is.function(utils::getS3method(parts[3], parts[4], envir = asNamespace(parts[2]))), label = line)
  }
})

test_that("no line of an example is wider than the page of a manual", {
  pages <- tools::Rd_db("emfit")
  skip_if(!length(pages), "installed without help")
  wide <- lapply(names(pages), function(page) {
    lines <- utils::capture.output(tools::Rd2ex(pages[[page]]))
    sprintf("%s: %s", page, lines[nchar(lines) > 100L & !startsWith(lines, "###")])
  })
  expect_identical(unlist(wide), character())
})
