# The picture of em_select(): what its axis shows, and where the names of its lines stand.

table_of <- function(...) data.frame(..., stringsAsFactors = FALSE)

test_that("the axis is that of the rivals, and counts what lies beyond", {
  points <- table_of(covariance = rep(c("A", "B"), each = 4), k = rep(1:4, 2),
                     value = c(2000, 110, 100, 105, 3000, 190, 140, 130))
  limits <- emfit:::rival_limits(points, points[3, ])
  expect_lt(limits[1], 100)
  expect_gt(limits[2], 130) # the best of B
  expect_lt(limits[2], 200)
  near <- transform(points, value = c(120, 110, 100, 105, 125, 140, 135, 130))
  expect_gt(emfit:::rival_limits(near, near[3, ])[2], 140)
  # A structure that is far behind throughout does not press the contest of the others together.
  far <- rbind(points, table_of(covariance = "C", k = 1:4, value = c(4000, 3000, 2500, 2000)))
  expect_lt(emfit:::rival_limits(far, far[3, ])[2], 200)
  one <- points[3, ]
  expect_true(all(diff(emfit:::rival_limits(one, one)) > 0))
  models <- withr_seed(1, em_select(faithful, k = 1:3, covariance = c("EII", "VVV")))
  data <- plot_data(models)
  expect_identical(data$beyond, sum(data$points$value > data$limits[2], na.rm = TRUE))
  expect_true(data$best$value > data$limits[1] && data$best$value < data$limits[2])
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  before <- graphics::par(c("mar", "lab"))
  expect_no_error(plot(models, ylim = c(2000, 4000)))
  expect_no_error(plot(models))
  expect_identical(graphics::par(c("mar", "lab")), before)
  skip_if_not_installed("ggplot2")
  drawn <- ggplot2::autoplot(models)
  expect_no_error(print(drawn))
  expect_identical(drawn$coordinates$limits$y, data$limits)
})

test_that("names of lines stand apart, in order, within the axis, and as near as that allows", {
  expect_identical(emfit:::moved_apart(c(1, 5, 9), 1, c(0, 10)), c(1, 5, 9))
  moved <- emfit:::moved_apart(c(5, 5, 5), 1, c(0, 10))
  expect_equal(moved, c(4, 5, 6))
  top <- emfit:::moved_apart(c(9.8, 9.9, 10), 1, c(0, 10))
  expect_equal(top, c(8, 9, 10))
  expect_equal(emfit:::moved_apart(c(0, 0.1), 1, c(0, 10)), c(0, 1))
})

test_that("the axis of a trace begins after the first step, and says where the start was", {
  fit <- em_fit(faithful, k = 2, start = list(mean = rbind(c(0, 0), c(9, 200)), covariance = diag(c(4, 900))))
  data <- plot_data(fit, "trace")
  limits <- emfit:::trace_limits(data)
  later <- fit$trace$loglik[-1]
  expect_gt(limits[1], fit$trace$loglik[1])
  expect_true(limits[1] <= min(later) && limits[2] >= max(later))
  expect_true(emfit:::from_below(data$trace[1, ], limits)$below)
  scored <- em_fit(faithful, k = 2, start = fit, control = em_control(max_iter = 0))
  expect_true(all(is.finite(emfit:::trace_limits(plot_data(scored, "trace")))))
})

test_that("names at the ends of fourteen lines are apart, in as many columns as the height asks for", {
  set.seed(1)
  y <- sort(runif(14, 0.2, 0.6))
  for (high in c(0.5, 0.9, 1.4, 4)) {
    places <- emfit:::lay_out_ends(y * high, high, 0.1)
    for (column in unique(places$column)) {
      at <- places$at[places$column == column]
      expect_true(all(diff(at) >= 0.1 * places$cex - 1e-12))
      expect_true(all(at >= 0 & at <= high))
    }
  }
  expect_true(all(emfit:::lay_out_ends(y * 4, 4, 0.1)$column == 0))
  expect_gt(max(emfit:::lay_out_ends(y * 0.9, 0.9, 0.1)$column), 0L)
})

test_that("names off the ends of their lines have lines to them, in order, and symbols; then they are the key where each has one", {
  places <- emfit:::lay_out_ends(c(1, 1.02, 1.04, 3), 4, 0.1)
  lines <- emfit:::end_leaders(rep(5, 4), c(1, 1.02, 1.04, 3), 5, places, 0.5)
  expect_identical(lines$y, c(1, 1.02, 1.04, 3))
  expect_identical(lines$at, places$at)
  expect_true(all(lines$x < lines$bend & lines$bend < lines$end & lines$end < 5 + places$gutter))
  expect_gt(places$symbol, 0)
  apart <- emfit:::lay_out_ends(c(1, 2, 3), 4, 0.1)
  expect_null(emfit:::end_leaders(rep(5, 3), 1:3, 5, apart, 0.5))
  expect_identical(apart$symbol, 0)
  # A line to the second column passes between names of the first.
  two <- emfit:::lay_out_ends(seq(0.4, 0.5, length.out = 14), 0.9, 0.1)
  first <- two$at[two$column == 0]
  for (at in two$at[two$column == 1]) expect_gte(min(abs(first - at)), 0.4 * two$cex * 0.1)
  style <- data.frame(component = letters[1:7])
  expect_true(emfit:::ends_are_key(data.frame(value = 1:7), style))
  expect_false(emfit:::ends_are_key(data.frame(value = 1:6), style)) # one line ends outside of the picture
  expect_false(emfit:::ends_are_key(data.frame(value = 1:3), style[1:3, , drop = FALSE]))
})

test_that("fourteen structures: names, lines to them and symbols in both painters, large and small, with the lines' own colours", {
  set.seed(1)
  models <- suppressWarnings(em_select(iris[1:4], k = 1:3, covariance = "all"))
  data <- plot_data(models)
  data$limits <- range(data$points$value, na.rm = TRUE) + c(-1, 1)
  ends <- emfit:::line_ends(data)
  expect_identical(nrow(ends), 14L)
  own <- match(ends$covariance, data$components$component)
  expect_identical(ends$symbol, data$components$symbol[own])
  expect_identical(ends$colour, data$components$colour[own])
  for (size in list(c(7, 5), c(3.4, 2.6))) {
    grDevices::pdf(NULL, size[1], size[2])
    expect_no_error(plot(data))
    graphics::par(mar = c(3.6, 4, 0.6, 0.8)) # those of the small picture
    places <- emfit:::end_places(ends, data$limits)
    expect_true(all(places$column == 0))
    skip_if_not_installed("ggplot2", "3.4.0")
    picture <- ggplot2::autoplot(data)
    expect_identical(picture$theme$legend.position, "none")
    expect_no_error(print(picture))
    grDevices::dev.off()
  }
})
