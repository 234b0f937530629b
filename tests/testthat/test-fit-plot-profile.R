# The profile of categories: the names of variables and levels at its lines.

many_levels <- function(columns = 9L) {
  frame <- as.data.frame(lapply(seq_len(columns), function(j) factor(paste0("level", (1:120 * j + 1:120 %/% 7) %% 5))))
  names(frame) <- paste0("variable", seq_len(columns))
  suppressWarnings(suppressMessages(em_fit(frame, k = 1, family = "categorical")))
}

test_that("names of levels become smaller with their lines; where there is no room for all, those of variables stay and the rest is told", {
  labels <- data.frame(row = 0:20, label = letters[1:21], head = rep(c(TRUE, FALSE, FALSE), 7))
  roomy <- emfit:::level_letters(labels, 0.2)
  expect_identical(roomy, list(size = 10, shown = rep(TRUE, 21), told = NULL))
  small <- emfit:::level_letters(labels, 0.07)
  expect_within(small$size, 0.95 * 72 * 0.07, 1e-12)
  expect_true(all(small$shown))
  tight <- emfit:::level_letters(labels, 0.03)
  expect_identical(tight$size, 4)
  expect_true(all(tight$shown[labels$head]))
  expect_gte(min(diff(labels$row[tight$shown])) * 0.03 * 72, 0.94 * 4)
  expect_identical(tight$told, sprintf("%d names left out", sum(!tight$shown)))
})

test_that("the twin of a profile leaves out no name that fits, and tells how many it does, large and small", {
  skip_if_not_installed("ggplot2", "3.4.0")
  names_in <- function(picture) {
    grid::grid.newpage()
    grid::pushViewport(grid::viewport(height = 0.6)) # what a key and an axis leave of the page
    unlist(lapply(placed_grobs(picture, "em_levels"), written))
  }
  few <- many_levels(3L)
  labels <- emfit:::profile_labels(plot_data(few)$margin)
  for (size in list(c(7, 5), c(3.4, 2.6))) {
    grDevices::pdf(NULL, size[1], size[2])
    expect_no_error(plot(few))
    expect_setequal(names_in(ggplot2::autoplot(few)), labels$label)
    grDevices::dev.off()
  }
  grDevices::pdf(NULL, 3.4, 2.6)
  on.exit(grDevices::dev.off())
  many <- many_levels(7L)
  expect_no_error(plot(many))
  shown <- unname(names_in(ggplot2::autoplot(many)))
  told <- grep("left out", shown, value = TRUE)
  all <- emfit:::profile_labels(plot_data(many)$margin)
  expect_identical(told, sprintf("%d names left out", nrow(all) - length(shown) + 1L))
  expect_true(all(all$label[all$head] %in% shown))
})
