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
