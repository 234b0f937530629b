# What plot_data() computes is checked against the definitions; that plot() draws, leaves par() alone and returns
# its data is checked for every type and the corners (k = 1, d = 1, k = 9, long names, weights, unequal trials).

red_blue_fit <- function(...) {
  em_fit(red_blue$value, latent = em_mixture("equal"), start = list(mean = c(red = 1.1, blue = 9), sd = c(2, 1.7)), ...)
}
coin_fit <- function(k = 2) em_fit(cbind(heads, tails) ~ 1, data = coins, k = k, family = "binomial")

draw <- function(...) {
  file <- tempfile(fileext = ".pdf")
  grDevices::pdf(file)
  on.exit({
    grDevices::dev.off()
    unlink(file)
  })
  before <- graphics::par(no.readonly = TRUE)
  returned <- withVisible(plot(...))
  after <- graphics::par(no.readonly = TRUE)
  # usr, mfg and the like tell of the plot that was drawn, not of settings.
  settings <- setdiff(names(before), c("usr", "xaxp", "yaxp", "mfg", "fig", "fin", "pin", "plt", "page"))
  expect_identical(after[settings], before[settings])
  expect_false(returned$visible)
  returned$value
}

test_that("every type draws, puts par() back and returns its data", {
  set.seed(1)
  fits <- list(em_fit(faithful, k = 2), em_fit(faithful$waiting, k = 1), em_fit(iris[1:4], k = 3), coin_fit(),
               em_fit(iris[1:2], k = 9, family = em_gaussian("VII")))
  types <- list(c("cluster", "pairs", "density", "trace"), c("density", "trace"), c("pairs", "cluster"),
                c("counts", "trace"), c("cluster", "pairs", "density"))
  for (i in seq_along(fits)) for (type in types[[i]]) {
    expect_identical(draw(fits[[i]], type = type), plot_data(fits[[i]], type = type))
  }
  expect_identical(draw(plot_data(fits[[1]])), plot_data(fits[[1]], type = "cluster"))
  expect_output(print(plot_data(fits[[1]])), "cluster.*points: 272 rows")
})

test_that("long names, titles and a small device draw", {
  names <- c(strrep("a long name ", 9), "\u00e9\u00e8")
  fit <- em_fit(setNames(faithful, names), start = list(
    mean = matrix(c(2, 4.3, 54, 80), 2, dimnames = list(c(strrep("first ", 20), "b"), NULL)),
    covariance = diag(c(0.1, 36))
  ))
  expect_s3_class(draw(fit, main = "Title", xlab = "a", ylab = "b", xlim = c(0, 8), ylim = c(0, 99)), "em_plot")
  grDevices::pdf(NULL, width = 3, height = 2.5)
  on.exit(grDevices::dev.off())
  graphics::par(mar = c(2, 2, 1, 1)) # too narrow: margins grow, and shrink again
  for (type in c("cluster", "pairs", "density", "trace")) {
    expect_s3_class(plot(fit, type = type), "em_plot")
    expect_identical(graphics::par("mar"), c(2, 2, 1, 1))
  }
})

test_that("density: bars and curves integrate to one, and the sum is the density", {
  fit <- red_blue_fit()
  data <- plot_data(fit)
  expect_identical(class(data)[1], "em_plot_density")
  expect_within(sum(data$bars$density * (data$bars$right - data$bars$left)), 1, 1e-12)
  sum <- data$curves[is.na(data$curves$component), ]
  expect_within(sum$density, predict(fit, sum$x, type = "density"), 1e-12)
  area <- sum(diff(sum$x) * (head(sum$density, -1) + tail(sum$density, -1)) / 2)
  expect_within(area, 1, 5e-3)
  red <- data$curves[which(data$curves$component == "red"), ]
  expect_within(max(red$density), 0.5 * dnorm(0, 0, fit$parameters$sd[["red"]]), 1e-12)
  expect_identical(data$components$colour, c("#D55E00", "#0072B2"))
  expect_identical(data$rug$component, as.character(predict(fit)))
})

test_that("density of one variable of several is its marginal", {
  fit <- em_fit(faithful, k = 2)
  data <- plot_data(fit, "density", variable = "waiting", bins = 7)
  expect_identical(data$variable, "waiting")
  expect_identical(nrow(data$bars), 7L)
  p <- fit$parameters
  expected <- with(p, proportions[1] * dnorm(80, mean[1, 2], sqrt(covariance[2, 2, 1])) +
                     proportions[2] * dnorm(80, mean[2, 2], sqrt(covariance[2, 2, 2])))
  sum <- data$curves[is.na(data$curves$component), ]
  expect_within(approx(sum$x, sum$density, 80)$y, expected, 1e-4)
})

test_that("weights count in the bars; rows of weight 0 don't", {
  x <- c(1, 2, 2, 10, 11, 12, 100)
  w <- c(1, 1, 1, 2, 2, 2, 0)
  bars <- emfit:::histogram_bars(x, w, bins = 5)
  expect_lt(max(bars$right), 100)
  expect_equal(bars, emfit:::histogram_bars(rep(x, w), rep(1, 9), bins = 5))
})

test_that("cluster: a row that lacks one of the two values is a tick on the axis of the other", {
  x <- as.matrix(faithful)
  x[1:3, 1] <- NA
  x[3:5, 2] <- NA
  x <- rbind(x, c(9, NA))
  fit <- quietly(em_fit(x, k = 2))
  data <- draw(plot_data(fit, type = "cluster"))
  expect_identical(data$rug[c("row", "axis", "at")],
                   data.frame(row = c(1:2, 4:5, 273L), axis = c(2L, 2L, 1L, 1L, 1L),
                              at = unname(c(x[1:2, 2], x[4:5, 1], 9))))
  expect_identical(data$rug$component, as.character(predict(fit))[data$rug$row])
  expect_setequal(data$points$row, 6:272)
  expect_identical(nrow(plot_data(em_fit(faithful, k = 1), type = "cluster")$rug), 0L)
})

test_that("cluster: the ellipses hold what they say, uncertainty is that of predict()", {
  set.seed(2)
  fit <- em_fit(faithful, k = 2)
  data <- plot_data(fit)
  expect_within(data$points$uncertainty, predict(fit, type = "uncertainty"), 1e-12)
  expect_identical(data$points$component, as.character(predict(fit)))
  for (j in 1:2) for (level in c(0.5, 0.95)) {
    outline <- data$ellipses[data$ellipses$component == j & data$ellipses$level == level, ]
    p <- fit$parameters
    distance <- mahalanobis(outline[c("x", "y")], p$mean[j, ], p$covariance[, , j])
    expect_within(distance, rep(qchisq(level, 2), nrow(outline)), 1e-9)
  }
  expect_within(data$means$y, fit$parameters$mean[, 2], 0)
})

test_that("pairs: one panel for each pair, marginal ellipses", {
  fit <- em_fit(iris[1:4], k = 2)
  data <- plot_data(fit, variables = c("Petal.Width", "Sepal.Length"))
  expect_identical(data$variables, c("Petal.Width", "Sepal.Length"))
  expect_within(data$points$x, iris$Petal.Width, 0)
  expect_within(data$points$y, iris$Sepal.Length, 0)
  expect_identical(unique(plot_data(fit)$points[c("column", "line")])$column, c(1L, 1L, 1L, 2L, 2L, 3L))
})

test_that("counts: bars hold the rows, curves what is expected of them", {
  fit <- coin_fit()
  data <- plot_data(fit)
  expect_identical(data$bars$observed, as.numeric(tabulate(coins$heads + 1, 11)))
  sum <- data$curves$expected[is.na(data$curves$component)]
  expected <- with(fit$parameters, proportions[1] * dbinom(0:10, 10, prob[1]) + proportions[2] * dbinom(0:10, 10, prob[2]))
  expect_within(sum, 5 * expected, 1e-12)
})

test_that("counts with different trials are drawn as shares, and every row is counted", {
  y <- c(0, 5, 3, 20, 1, 7, 2)
  m <- c(4, 5, 10, 20, 9, 8, 0)
  y[7] <- 0
  fit <- em_fit(cbind(y, m - y), start = list(prob = c(0.2, 0.9)), family = "binomial",
                weights = c(1, 2, 1, 1, 0, 1, 1))
  data <- draw(fit)
  expect_within(sum(data$bars$observed), 6, 0)
  expect_within(sum(data$curves$expected[is.na(data$curves$component)]), 6, 1e-12)
  expect_identical(data$variable, "share of successes")
  expect_identical(nrow(plot_data(fit, bins = 10)$bars), 10L)
  many <- em_fit(c(0, 3, 100, 990), family = em_binomial(1000), start = list(prob = c(0.1, 0.9)))
  bars <- plot_data(many)$bars
  expect_lte(nrow(bars), 51)
  expect_within(sum(bars$observed), 4, 0)
})

test_that("trace: the start counts as iteration 0", {
  data <- plot_data(red_blue_fit(), type = "trace")
  expect_identical(data$trace$iteration[1], 0L)
  expect_identical(data$trace, red_blue_fit()$trace)
})

test_that("what can't be drawn is said", {
  fit <- red_blue_fit()
  expect_error(plot(fit, type = "clusters"), class = "emfit_error_argument")
  expect_error(plot(fit, type = "cluster"), "needs two variables", class = "emfit_error_unsupported")
  expect_error(plot(fit, type = "counts"), "for gaussian components", class = "emfit_error_unsupported")
  expect_error(plot(fit, type = "density", bin = 3), "Did you mean \"bins\"", class = "emfit_error_argument")
  expect_error(plot(fit, type = "density", variable = "y"), "must be among", class = "emfit_error_argument")
  expect_error(plot(em_fit(faithful, k = 1), type = "cluster", variables = 1), "must be 2 variables, not 1",
               class = "emfit_error_argument")
  expect_error(plot(plot_data(fit), bins = 3), class = "emfit_error_argument")
})

test_that("points are thinned evenly, never at random", {
  expect_identical(emfit:::rows_to_draw(5L), 1:5)
  expect_length(emfit:::rows_to_draw(1e6L, 1000L), 1000)
  expect_identical(range(emfit:::rows_to_draw(1e6L, 1000L)), c(1, 1e6))
})

# Vienot, Brettel and Mollon (1999): colours as those see them who lack the cones for green.
as_deuteranope <- function(colours) {
  v <- t(grDevices::col2rgb(colours)) / 255
  linear <- ifelse(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055)^2.4)
  cones <- rbind(c(17.8824, 43.5161, 4.11935), c(3.45565, 27.1554, 3.86714), c(0.0299566, 0.184309, 1.46709))
  lost <- rbind(c(1, 0, 0), c(0.494207, 0, 1.24827), c(0, 0, 1))
  seen <- pmin(pmax(linear %*% t(solve(cones) %*% lost %*% cones), 0), 1)
  grDevices::convertColor(ifelse(seen <= 0.0031308, 12.92 * seen, 1.055 * seen^(1 / 2.4) - 0.055), "sRGB", "Lab")
}

test_that("colours are told apart without the cones for green", {
  expect_gt(min(dist(as_deuteranope(emfit:::okabe_ito))), 15)
  expect_gt(min(dist(as_deuteranope(emfit:::topic_style(as.character(1:12))$colour))), 15)
  share <- seq(0, 1, 0.1)
  ramp <- as_deuteranope(emfit:::mix_colours(cbind(share, 1 - share), c("#D55E00", "#0072B2")))
  expect_gt(min(sqrt(rowSums(diff(ramp)^2))), 3)
  expect_lt(min(dist(as_deuteranope(c("#D55E00", "#7B8F00")))), 15) # red and olive would not be
})
