# Decision regions.

test_that("regions of two variables are what predict() decides, and errors are marked", {
  cl <- withr_seed(1, em_classify(Species ~ Sepal.Length + Sepal.Width, data = iris, k = c(setosa = 1, versicolor = 2, virginica = 1),
                                  covariance = "VVI", control = em_control(n_start = 2)))
  data <- plot_data(cl, grid = 25)
  points <- setNames(data$regions[c("x", "y")], c("Sepal.Length", "Sepal.Width"))
  expect_identical(as.character(predict(cl, points)), data$regions$class)
  expect_identical(data$points$row[data$points$wrong], unname(which(predict(cl) != iris$Species)))
  expect_setequal(data$ellipses$component, cl$components$component)
  costs <- 1 - diag(3)
  costs[1, 2] <- 50
  costly <- plot_data(cl, grid = 25, costs = costs, prior = c(0.2, 0.3, 0.5))
  expect_identical(as.character(predict(cl, points, costs = costs, prior = c(0.2, 0.3, 0.5))), costly$regions$class)
  # on the border the two best are alike
  at <- setNames(plot_data(cl, grid = 200)$borders[c("x", "y")], c("Sepal.Length", "Sepal.Width"))
  prob <- t(apply(predict(cl, at, type = "prob"), 1, sort, decreasing = TRUE))
  expect_lt(median(abs(prob[, 1] - prob[, 2])), 0.02)
})

test_that("canonical axes are those of lda, and components seen along them keep their spread", {
  skip_if_not_installed("MASS")
  cl <- em_classify(iris[1:4], iris$Species, covariance = "EEE")
  data <- plot_data(cl, grid = 20)
  scaling <- MASS::lda(iris[1:4], iris$Species)$scaling
  for (j in 1:2) expect_equal(abs(cor(data$axes[, j], scaling[, j])), 1, tolerance = 1e-8)
  sigma <- cl$fits[[1]]$parameters$covariance[, , 1]
  expect_equal(unname(crossprod(data$axes, sigma %*% data$axes)), diag(2), tolerance = 1e-8)
  expect_equal(data$points$x, unname(drop(as.matrix(iris[1:4]) %*% data$axes[, 1])))
  two <- em_classify(iris[51:150, 1:4], droplevels(iris$Species[51:150]), covariance = "VVV")
  axes <- plot_data(two, grid = 20)$axes
  expect_equal(qr(axes)$rank, 2L)
  some <- plot_data(cl, variables = c("Petal.Width", "Sepal.Width"), grid = 20)
  expect_identical(some$variables, c("Petal.Width", "Sepal.Width"))
  expect_equal(some$points$x, iris$Petal.Width)
})

test_that("pictures are drawn in base and ggplot2, and put par() back", {
  one <- em_classify(iris["Sepal.Length"], iris$Species, covariance = "V")
  two <- em_classify(iris[1:2], replace(iris$Species, 1:5, NA), covariance = "VVV")
  four <- em_classify(iris[1:4], iris$Species, covariance = "EEE", shared = FALSE)
  file <- tempfile(fileext = ".pdf")
  grDevices::pdf(file)
  old <- graphics::par(no.readonly = TRUE)
  for (cl in list(one, two, four)) {
    data <- plot(cl, grid = 20, main = "Title")
    expect_s3_class(data, "em_plot")
    plot(data)
  }
  expect_equal(graphics::par(no.readonly = TRUE)[c("mar", "mfrow")], old[c("mar", "mfrow")])
  if (requireNamespace("ggplot2", quietly = TRUE)) {
    for (cl in list(one, two, four)) expect_silent(print(ggplot2::autoplot(cl, grid = 20)))
  }
  grDevices::dev.off()
  expect_output(print(plot_data(two, grid = 20)), "type \"regions\"")
  expect_null(plot_data(one)$regions)
})

test_that("what can't be drawn is refused", {
  cl <- em_classify(iris[1:4], iris$Species, covariance = "EEE")
  expect_error(plot(cl, variables = "Petal"), "`variables` must be among", class = "emfit_error_argument")
  expect_error(plot(cl, variables = 1), "2 variables, not 1", class = "emfit_error_argument")
  expect_error(plot(cl, grid = 2), "`grid` must be a whole number of 10", class = "emfit_error_argument")
  expect_error(plot(cl, type = "cluster"), "`type` must be \"regions\"", class = "emfit_error_argument")
  counts <- em_classify(data.frame(a = c(1:5, 9:13), b = 1:10), rep(1:2, each = 5), family = "poisson")
  expect_error(plot(counts), class = "emfit_error_unsupported")
})

test_that("classes of one component each have lines of their own, components of a class theirs", {
  expect_identical(anyDuplicated(emfit:::line_of_component(c("a 1", "b 1", "c 1"), c("a", "b", "c"))), 0L)
  lines <- emfit:::line_of_component(c("a 1", "a 2", "b 1"), c("a", "a", "b"))
  expect_false(lines[1] == lines[2])
  expect_identical(lines[1], lines[3])
})
