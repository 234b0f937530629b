# The map of standards names tests that there are, and the life cycle is told.

test_that("every test file that the map of standards names is there, and no standard is named twice", {
  lines <- readLines(system.file("standards.md", package = "emfit"), encoding = "UTF-8")
  rows <- grep("^\\| (G|UL)[0-9]", lines, value = TRUE)
  named <- unique(unlist(regmatches(rows, gregexpr("test-[a-z-]+[.]R", rows))))
  expect_gt(length(named), 30)
  expect_identical(named[!file.exists(test_path(named))], character())
  first <- unlist(strsplit(sub("^\\| ([^|]+) \\|.*", "\\1", rows), ", "))
  expect_identical(first[duplicated(first)], character())
  held <- sub("^.*\\| ([^|]+) \\|$", "\\1", rows)
  expect_true(all(nzchar(held)))
  for (part in c("G1", "G2", "G3", "G4", "G5", "UL1", "UL2", "UL3", "UL4", "UL6", "UL7")) {
    expect_true(any(startsWith(first, paste0(part, "."))), label = part)
  }
})
