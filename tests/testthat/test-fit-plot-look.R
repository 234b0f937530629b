# What pictures look like where there is little room, and what is said of their look wrongly.

test_that("limits of axes that aren't two different finite numbers are refused by every plot method", {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  fit <- em_fit(faithful, k = 2)
  for (bad in list("a", 3, c(NA, 1), c(0, Inf), c(2, 2), 1:3)) {
    expect_error(plot(fit, xlim = bad), "`xlim` must be two different finite numbers", class = "emfit_error_argument")
    expect_error(plot(plot_data(fit), ylim = bad), "`ylim` must be", class = "emfit_error_argument")
  }
  expect_no_error(plot(fit, xlim = c(6, 0))) # from right to left
  models <- suppressWarnings(em_select(faithful, k = 1:2, covariance = c("EII", "VVV")))
  expect_error(plot(models, ylim = 3), class = "emfit_error_argument")
  expect_error(plot(em_classify(iris[1:2], iris$Species), xlim = NA), class = "emfit_error_argument")
})

test_that("long labels that begin alike keep their ends, and one label is the same wherever it comes again", {
  words <- c("characteristically1", "characteristically2", "sun", "internationalisation")
  short <- emfit:::shorten(words, 12L)
  expect_identical(short, c("chara...lly1", "chara...lly2", "sun", "internati..."))
  expect_true(all(nchar(short) <= 12L))
  expect_identical(emfit:::shorten(c("alike alike x alike", "alike alike y alike"), 12L), c("alike...like (1)", "alike...like (2)"))
  terms <- emfit:::shorten_terms(rep(words, 2), 12L)
  expect_identical(terms[1:4], terms[5:8])
})

test_that("terms of the twin have their half of a facet, and bars the other, in a column of print", {
  skip_if_not_installed("ggplot2", "3.4.0")
  set.seed(3)
  words <- c(paste0("characteristically", 1:8), "electroencephalogram", "sun", "rain", "dog")
  counts <- matrix(rpois(40 * 12, rep(c(0.3, 6), length.out = 40 * 12)), 40, 12, dimnames = list(NULL, words))
  fit <- suppressWarnings(em_fit(counts, k = 12, latent = em_topics(alpha = 0.5), control = em_control(n_start = 1, max_iter = 3)))
  grDevices::pdf(NULL, 3.4, 2.6)
  on.exit(grDevices::dev.off())
  picture <- ggplot2::autoplot(fit)
  limits <- ggplot2::ggplot_build(picture)$layout$panel_params[[1]]$x.range
  expect_lt(limits[1], 0)
  expect_gte(limits[2], max(plot_data(fit)$terms$beta))
  grobs <- placed_grobs(picture, "em_terms")
  expect_length(grobs, 12L)
  grid::grid.newpage()
  grid::pushViewport(grid::viewport(width = 0.2, height = 0.2))
  for (grob in grobs) {
    expect_length(written(grob), 8L)
    made <- grid::makeContent(grob)$children[[1]]
    width <- grid::convertWidth(grid::grobWidth(made), "inches", TRUE)
    expect_lt(width, 0.75 * emfit:::panel_inches()[1])
  }
})

test_that("starts that collapsed are crosses with an entry of the key, in both painters", {
  data <- plot_data(em_fit(faithful, k = 2), "trace")
  expect_false("collapsed" %in% emfit:::trace_key(data)$label)
  data$ends$status[1] <- "collapsed"
  expect_identical(emfit:::end_symbols(data$ends)[1], 4L)
  expect_true("collapsed" %in% emfit:::trace_key(data)$label)
  expect_identical(as.character(emfit:::trace_stops(data)$how[1]), "collapsed")
})

test_that("noise has a symbol but no line in the key of a cluster; symbols over many bars are smaller", {
  style <- data.frame(component = c("1", "noise"), line = c("solid", "42"))
  expect_identical(emfit:::key_lines(style, data.frame(component = "1"))$line, c("solid", "blank"))
  expect_identical(emfit:::count_size(0.5), 1)
  expect_identical(emfit:::count_size(2), 0.5)
  expect_identical(emfit:::count_size(1e4), 0.4)
})

test_that("directions don't depend on the units of columns", {
  set.seed(1)
  z <- c(rnorm(100), rnorm(100, 9))
  fits <- lapply(c(1, 1e15, 1e150), function(s) em_fit(cbind(a = z * s, b = rev(z)), k = 2))
  values <- lapply(fits, function(fit) em_directions(fit)$values)
  expect_equal(values[[2]], values[[1]], tolerance = 1e-6)
  expect_equal(values[[3]], values[[1]], tolerance = 1e-6)
  expect_equal(em_directions(fits[[3]], lambda = 0.5)$values, em_directions(fits[[1]], lambda = 0.5)$values, tolerance = 1e-6)
})

test_that("pictures of missing cells and of whole numbers: no points without a place, whole ticks", {
  skip_if_not_installed("ggplot2", "3.4.0")
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  x <- faithful
  x[1:20, 1] <- NA
  fit <- suppressWarnings(em_fit(x, k = 2))
  expect_false(anyNA(plot_data(fit, "path")$points))
  expect_no_warning <- function(object) expect_warning(object, NA)
  expect_no_warning(print(ggplot2::autoplot(fit, type = "path")))
  density <- plot_data(fit, "hdr", variables = "waiting")
  plot(density)
  expect_gt(diff(emfit:::hdr_xlim(density, 0.2)), diff(emfit:::hdr_xlim(density)))
})

test_that("strips of rows below the curves of classes are deeper the more classes there are", {
  depth <- vapply(c(1, 3, 6, 30), function(n) emfit:::strip_depth(data.frame(component = seq_len(n))), 0)
  expect_equal(depth, c(0.12, 0.24, 0.42, 0.45))
})

test_that("ticks of rows that miss a value leave the key of the twin to the components", {
  skip_if_not_installed("ggplot2", "3.4.0")
  fit <- em_fit(faithful, k = 2)
  rugs <- Filter(function(layer) inherits(layer$geom, "GeomRug"), ggplot2::autoplot(fit)$layers)
  expect_length(rugs, 2L)
  for (rug in rugs) expect_false(rug$show.legend)
})
