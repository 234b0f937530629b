# Names beside points: where they stand, and the lines that lead to those further out.

test_that("names stand where they hide no point, within the frame, and never on each other", {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  avoid <- list(x = c(5, seq(5.2, 9, 0.05)), y = rep(5, 78))
  none <- matrix(0, 0, 5)
  box <- emfit:::label_place(5, 5, 1, 0.4, c(0.1, 0.1), c(10, 10), none, avoid)
  expect_true(box[2] <= 5 || box[3] >= 5 || box[4] <= 5) # not to the right, where the points are
  again <- emfit:::label_place(5, 5, 1, 0.4, c(0.1, 0.1), c(10, 10), rbind(box), avoid)
  expect_false(again[1] < box[2] && box[1] < again[2] && again[3] < box[4] && box[3] < again[4])
  wide <- emfit:::label_place(5, 5, 20, 0.4, c(0.1, 0.1), c(10, 10), none, avoid) # wider than the picture: there all the same
  expect_length(wide, 5L)
})

boxes_apart <- function(boxes) {
  pairs <- utils::combn(nrow(boxes), 2)
  a <- boxes[pairs[1, ], , drop = FALSE]
  b <- boxes[pairs[2, ], , drop = FALSE]
  all(a[, 2] <= b[, 1] | b[, 2] <= a[, 1] | a[, 4] <= b[, 3] | b[, 4] <= a[, 3])
}

test_that("a name that finds no place beside its point goes further out, with a line, and none is left out", {
  # Twelve points within the height of a letter.
  x <- 2 + seq(0, 0.11, by = 0.01)
  boxes <- emfit:::place_labels(x, rep(2, 12), rep(0.5, 12), 0.12, matrix(0.1, 12, 2), c(4, 4), list(x = x, y = rep(2, 12)))
  expect_identical(nrow(boxes), 12L)
  expect_true(boxes_apart(boxes))
  expect_true(all(boxes[, c(1, 3)] >= 0 & boxes[, c(2, 4)] <= 4))
  # Only the first has a place that is no other point's.
  expect_identical(boxes[, 5], c(0, rep(1, 11)))
  expect_lt(boxes[1, 2], 2)
  # Where there is no room at all they stay in the picture.
  crowded <- emfit:::place_labels(rep(0.5, 30), rep(0.5, 30), rep(0.4, 30), 0.12, matrix(0.1, 30, 2), c(1, 1), list(x = 0.5, y = 0.5))
  expect_identical(nrow(crowded), 30L)
  expect_true(all(crowded[, c(1, 3)] >= 0 & crowded[, c(2, 4)] <= 1 + 1e-12))
})

# How far each box is from each point.
box_gaps <- function(boxes, x, y) {
  outer(seq_len(nrow(boxes)), seq_along(x), function(i, j) {
    sqrt(pmax(boxes[i, 1] - x[j], x[j] - boxes[i, 2], 0)^2 + pmax(boxes[i, 3] - y[j], y[j] - boxes[i, 4], 0)^2)
  })
}

test_that("a name without a line is nearer to its own point than to any other that is named", {
  # Ends of arrows as those of the irises: the place right of the first is beside the second.
  x <- c(2.0, 2.15, 2.2, 1.2)
  y <- c(1.5, 1.55, 1.4, 2.2)
  boxes <- emfit:::place_labels(x, y, c(0.8, 0.75, 0.8, 0.7), 0.13, matrix(0.1, 4, 2), c(5, 3), list(x = x, y = y))
  gaps <- box_gaps(boxes, x, y)
  own <- diag(gaps)
  diag(gaps) <- Inf
  expect_true(all(boxes[, 5] == 1 | own < apply(gaps, 1, min)))
  expect_true(boxes_apart(boxes))
  expect_lt(boxes[1, 2], 2)
  # Two points in the very same place may share what is about them.
  same <- emfit:::place_labels(c(2, 2), c(2, 2), c(0.5, 0.5), 0.13, matrix(0.1, 2, 2), c(4, 4), list(x = 2, y = 2))
  expect_identical(same[, 5], c(0, 0))
})

test_that("lines to names cross no other name and no arrow, and names that would hide an arrow go where they don't", {
  grid <- seq(0.1, 3.9, by = 0.1)
  bar <- list(x = grid, y = rep(2, length(grid)))
  boxes <- emfit:::place_labels(2, 1.95, 1.6, 0.13, matrix(0.02, 1, 2), c(4, 4), bar)
  expect_true(boxes[1, 3] >= 2 || boxes[1, 4] <= 2)
  taken <- rbind(c(2.5, 3.5, 1.8, 2.2, 0))
  far <- emfit:::boxes_at(c(3.6, 2.1), c(1.95, 2.6), 0.3, 0.1)
  none <- list(x = numeric(), y = numeric())
  expect_identical(emfit:::clear_lines(2, 2, far, taken, none, 0.1), c(FALSE, TRUE)) # through the name, above it
  expect_identical(emfit:::clear_lines(2, 2, far, taken[0, , drop = FALSE], list(x = 2.7, y = 2), 0.1), c(FALSE, TRUE))
  expect_identical(emfit:::points_crossed(2, 2, far, list(x = c(2.9, 3, 3.1), y = rep(2, 3)), 0.1), c(3, 0))
})

test_that("names of the irises' columns stand at their own arrows, in both painters, in large and small pictures", {
  skip_if_not_installed("ggplot2", "3.4.0")
  fit <- em_fit(iris[1:4], k = 3)
  seen <- list()
  note <- function(x, y, boxes) seen[[length(seen) + 1L]] <<- list(boxes = boxes, gaps = box_gaps(boxes, x, y))
  suppressMessages(trace("place_labels", exit = bquote(.(note)(x, y, boxes)), where = asNamespace("emfit"), print = FALSE))
  on.exit(suppressMessages(untrace("place_labels", where = asNamespace("emfit"))))
  for (size in list(c(7, 5), c(3.4, 2.6))) {
    grDevices::pdf(NULL, size[1], size[2])
    plot(fit, type = "directions")
    print(ggplot2::autoplot(fit, type = "directions"))
    grDevices::dev.off()
  }
  expect_gte(length(seen), 4L)
  for (one in seen) {
    other <- one$gaps
    diag(other) <- Inf
    expect_true(all(one$boxes[, 5] == 1 | diag(one$gaps) < apply(other, 1, min)))
  }
})

test_that("both painters name every arrow of the directions of iris", {
  skip_if_not_installed("ggplot2", "3.4.0")
  grDevices::pdf(NULL, 7, 5)
  on.exit(grDevices::dev.off())
  set.seed(1)
  fit <- em_fit(iris[1:4], k = 3)
  names <- placed_grobs(ggplot2::autoplot(fit, type = "directions"), "em_names")
  expect_length(names, 1L)
  grid::grid.newpage()
  expect_setequal(written(names[[1L]]), colnames(iris)[1:4])
  expect_setequal(names[[1L]]$at$label, colnames(iris)[1:4])
  expect_silent(plot(fit, type = "directions"))
})
