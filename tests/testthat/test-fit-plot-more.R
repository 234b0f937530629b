# The pictures of how a fit came about and how sure it is: path, trace, responsibility, uncertainty, qq, surface; and
# the twins in ggplot2.

replayed <- function(...) {
  em_fit(red_blue$value, latent = em_mixture("equal"), start = list(mean = c(red = 1.1, blue = 9), sd = c(2, 1.7)),
         control = em_control(algorithm = "ecm", max_iter = 20, tol = 0, accelerate = FALSE, ...))
}
two_coins <- function() {
  em_fit(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial", latent = em_mixture("equal"),
         start = list(prob = c(A = 0.6, B = 0.5)), control = em_control(accelerate = FALSE))
}
slow_groups <- function() {
  em_fit(three_groups[1:2], k = 3, start = list(mean = three_groups[c(80, 13, 205), 1:2], covariance = diag(2)),
         control = em_control(tol = 1e-4, accelerate = FALSE))
}

test_that("each type draws for each family it is for, puts par() back and returns its data", {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  one <- em_fit(red_blue$value, k = 1)
  jobs <- list(list(replayed(), c("path", "responsibility", "uncertainty", "qq")),
               list(two_coins(), c("path", "responsibility", "uncertainty", "qq", "surface")),
               list(slow_groups(), c("path", "uncertainty", "qq")),
               list(one, c("path", "responsibility", "uncertainty", "qq")))
  for (job in jobs) for (type in job[[2]]) {
    before <- graphics::par(c("mar", "mfrow", "oma", "cex", "mgp", "xpd"))
    data <- plot(job[[1]], type = type)
    expect_identical(graphics::par(c("mar", "mfrow", "oma", "cex", "mgp", "xpd")), before)
    expect_identical(data, plot_data(job[[1]], type = type))
  }
})

test_that("path: curves are those of em_path(), the newest strongest, with the rug of the newest", {
  fit <- replayed(path = TRUE)
  data <- plot_data(fit, "path", iterations = c(5, 0:4))
  expect_identical(data$steps$iteration, 0:5)
  expect_true(all(diff(data$steps$strength) > 0))
  expect_identical(data$steps$strength[6], 1)
  path <- em_path(fit)
  for (i in c(0, 3)) {
    sd <- path$value[path$iteration == i & path$term == "sd" & path$component == "blue"]
    top <- max(data$curves$density[data$curves$iteration == i & data$curves$component == "blue"])
    expect_within(top, 0.5 * dnorm(0, 0, sd), 1e-12)
  }
  expect_within(data$means$x[data$means$iteration == 0], c(1.1, 9), 1e-12) # dotted lines at the means
  expect_within(data$means$density[data$means$iteration == 0], 0.5 * dnorm(0, 0, c(2, 1.7)), 1e-12)
  expect_within(plot_data(fit, "density", means = TRUE)$means$x, fit$parameters$mean, 1e-12)
  expect_null(plot_data(fit, "density")$means)
  five <- em_fit(red_blue$value, latent = em_mixture("equal"), start = list(mean = c(red = 1.1, blue = 9), sd = c(2, 1.7)),
                 control = em_control(algorithm = "ecm", max_iter = 5, tol = 0, accelerate = FALSE))
  expect_identical(data$rug, plot_data(five, "density")$rug)
  expect_error(plot(fit, "path", iterations = 21), "from 0 to 20, not 21", class = "emfit_error_argument")
})

test_that("path: ellipses, walks and probabilities follow the iterations", {
  data <- plot_data(slow_groups(), "path")
  expect_identical(data$steps$iteration, c(0L, 1L, 2L, 5L, 10L, 20L, 41L))
  path <- em_path(slow_groups())
  expect_within(data$walk$x, path$value[path$term == "mean.x1"], 0)
  expect_identical(nrow(data$ellipses), 7L * 3L * 121L)
  walk <- plot_data(two_coins(), "path")$walk
  expect_within(walk$prob[walk$iteration == 1], c(0.7130122354, 0.5813393083), 1e-9)
})

test_that("trace: every start has its line", {
  set.seed(3)
  fit <- em_fit(iris[1:4], k = 3, control = em_control(n_start = 4))
  data <- plot_data(fit, "trace")
  expect_identical(unique(data$starts$start), seq_len(nrow(fit$starts)))
  last <- vapply(split(data$starts$loglik, data$starts$start), function(x) x[length(x)], 0)
  expect_equal(unname(last), fit$starts$loglik)
  expect_true(any(vapply(split(data$starts$loglik, data$starts$start), identical, NA, fit$trace$loglik)))
})

test_that("responsibility: curves and bars are the posterior probabilities", {
  fit <- replayed()
  data <- plot_data(fit, "responsibility")
  red <- data$curves[data$curves$component == "red", ]
  expect_within(red$responsibility, predict(fit, red$x, type = "prob")[, "red"], 1e-12)
  bars <- plot_data(two_coins(), "responsibility")$bars
  start <- plot_data(em_fit(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial",
                            latent = em_mixture("equal"), start = list(prob = c(A = 0.6, B = 0.5)),
                            control = em_control(max_iter = 0)), "responsibility")$bars
  expect_printed(start$responsibility[start$component == "A"], c(.449, .805, .733, .352, .647), 3)
  expect_identical(unique(bars$label), paste0(coins$heads, "/10"))
  expect_within(bars$top[bars$component == "B"], rep(1, 5), 1e-12)
  expect_error(plot(slow_groups(), "responsibility"), "one variable", class = "emfit_error_unsupported")
})

test_that("uncertainty: the worst rows are named", {
  fit <- em_fit(faithful, k = 2)
  data <- plot_data(fit, "uncertainty", label = 3)
  worst <- order(-predict(fit, type = "uncertainty"))[1:3]
  expect_setequal(data$points$label[!is.na(data$points$label)], as.character(worst))
  expect_within(plot_data(two_coins(), "uncertainty")$points$x, coins$heads / 10, 0)
})

test_that("qq: residuals are the normal quantiles of the fitted distribution, inside an envelope of order statistics", {
  fit <- replayed()
  data <- plot_data(fit, "qq")
  x <- sort(red_blue$value)
  p <- fit$parameters
  place <- 0.5 * pnorm(x, p$mean[1], p$sd[1]) + 0.5 * pnorm(x, p$mean[2], p$sd[2])
  expect_within(data$points$residual, qnorm(place), 1e-9)
  expect_within(pbeta(pnorm(data$points$upper), 1:40, 40:1), rep(0.975, 40), 1e-9)
  counts <- em_fit(c(0, 5, 5, 10), family = em_binomial(10), start = list(prob = c(a = 0.4)))
  F <- pbinom(c(-1, 0, 4, 5, 9, 10), 10, 0.5)
  counts$parameters$prob[] <- 0.5
  expect_within(pnorm(plot_data(counts, "qq")$points$residual),
                c(F[2] / 2, F[3] + (F[4] - F[3]) / 4, F[3] + 3 * (F[4] - F[3]) / 4, (F[5] + 1) / 2), 1e-9)
})

test_that("surface: heights are log-likelihoods, and the saddle is where both coins are alike", {
  fit <- two_coins()
  data <- plot_data(fit, "surface", grid = 11)
  at <- which(abs(data$surface$x - 0.6) < 1e-9 & abs(data$surface$y - 0.5) < 1e-9)
  expect_within(data$surface$loglik[at], -11.3205865761, 1e-9)
  expect_within(unlist(data$marks[data$marks$what == "saddle", c("x", "y")]), c(0.66, 0.66), 1e-12)
  expect_within(data$walk$x[1:2], c(0.6, 0.7130122354), 1e-9)
  expect_error(plot(replayed(), "surface"), class = "emfit_error_unsupported")
  expect_error(plot(fit, "surface", limits = c(1, 0)), "two probabilities", class = "emfit_error_argument")
})

test_that("autoplot() draws every type from the same data", {
  skip_if_not_installed("ggplot2", "3.4.0")
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  jobs <- list(list(replayed(), c("density", "path", "responsibility", "uncertainty", "qq", "trace")),
               list(two_coins(), c("counts", "path", "responsibility", "surface")),
               list(slow_groups(), c("cluster", "pairs", "path", "uncertainty")))
  for (job in jobs) for (type in job[[2]]) {
    picture <- ggplot2::autoplot(job[[1]], type = type)
    expect_s3_class(picture, "ggplot")
    expect_gt(length(ggplot2::ggplot_build(picture)$data), 0)
  }
  data <- plot_data(slow_groups())
  built <- ggplot2::ggplot_build(ggplot2::autoplot(data))$data[[1]]
  expect_within(built$x, data$points$x, 0)
})

test_that("every ggplot2 picture says in words what it shows, with its numbers", {
  skip_if_not_installed("ggplot2")
  fit <- em_fit(faithful, k = 2)
  coins_fit <- em_fit(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial")
  chain <- em_fit(faithful$waiting, k = 2, latent = em_markov())
  words <- function(fit, type) ggplot2::get_alt_text(ggplot2::autoplot(fit, type))
  for (type in c("cluster", "density", "pairs", "path", "uncertainty", "qq")) expect_match(words(fit, type), "eruptions")
  expect_match(words(fit, "cluster"), "of eruptions, waiting with .* Means: 1 at \\(4.29, 79.97\\), 2 at")
  expect_match(words(fit, "trace"), sprintf("to -1130 at iteration %d", fit$iterations))
  expect_match(words(coins_fit, "surface"), "Contours of the log-likelihood over the probabilities of 1, 2, with the walk")
  for (type in c("series", "transition", "dwell", "acf", "forecast")) {
    expect_false(grepl("Picture of type|%", words(chain, type)))
  }
  models <- em_select(faithful, k = 1:2, covariance = c("EEE", "VVV"))
  expect_match(ggplot2::get_alt_text(ggplot2::autoplot(models)), "The best is .* with 2 components")
})

# Every number that a layer of the picture holds.
drawn_numbers <- function(picture) {
  unlist(lapply(ggplot2::ggplot_build(picture)$data, function(layer) unlist(layer[vapply(layer, is.numeric, NA)])), use.names = FALSE)
}

test_that("both painters draw all parts of what plot_data() says", {
  skip_if_not_installed("ggplot2", "3.4.0")
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  jobs <- list(list(replayed(), c("density", "path", "responsibility", "uncertainty", "qq")),
               list(two_coins(), c("counts", "path", "responsibility", "surface")),
               list(slow_groups(), c("cluster", "pairs", "path", "uncertainty")))
  # What is drawn of a part; thin outlines of pairs are stretched on the diagonal, and contours are computed.
  at <- c(bars = "left", curves = "x", rug = "x", points = "x", ellipses = "x", means = "x", walk = "x", arrows = "x", marks = "x")
  for (job in jobs) for (type in job[[2]]) {
    data <- plot_data(job[[1]], type)
    numbers <- drawn_numbers(ggplot2::autoplot(data))
    for (part in intersect(names(at), names(data))) {
      own <- data[[part]][[intersect(c(at[[part]], "at"), names(data[[part]]))[1]]]
      if (is.null(own) || !is.numeric(own)) next
      expect_true(all(own %in% numbers | vapply(own, function(v) min(abs(numbers - v), na.rm = TRUE) < 1e-9, NA)),
                  label = paste(part, "of", type, "in the twin"))
    }
  }
})

test_that("the twins' keys tell of the mixture, and counts have no line between them", {
  skip_if_not_installed("ggplot2", "3.4.0")
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  for (picture in list(ggplot2::autoplot(replayed(), "density"), ggplot2::autoplot(two_coins(), "counts"))) {
    expect_true("the mixture" %in% picture$scales$get_scales("colour")$get_limits())
    expect_no_error(ggplot2::ggplotGrob(picture))
  }
  steps <- emfit:::mixture_steps(plot_data(two_coins(), "counts"))
  expect_true(all(steps$right > steps$left))
  expect_true(all(steps$left[-1] > steps$right[-nrow(steps)] - 1e-9))
})

test_that("the bars of a chain hold what rows of one value have together, and their names fit the bars", {
  skip_if_not_installed("ggplot2", "3.4.0")
  grDevices::pdf(NULL, 3.4, 2.6)
  on.exit(grDevices::dev.off())
  set.seed(3)
  s <- rep(rep(1:2, each = 15), 4)
  y <- rbinom(120, 6, c(0.3, 0.7)[s])
  fit <- em_fit(cbind(y, 6 - y), k = 2, family = "binomial", latent = em_markov())
  bars <- plot_data(fit, "responsibility")$bars
  r <- predict(fit, type = "prob")
  own <- vapply(split(r[, 1], y), mean, 0)
  expect_equal(bars$responsibility[bars$component == "1"], unname(own), tolerance = 1e-12)
  grid::grid.newpage()
  grid::pushViewport(grid::viewport(width = grid::unit(2.4, "inches")))
  labels <- written(placed_grobs(ggplot2::autoplot(fit, type = "responsibility"), "em_bars")[[1L]])
  expect_true(all(labels %in% c("1", "2"))) # "1 0.98" would stand on its neighbours
})

test_that("conditional: the line of a peak ends where its component has no weight", {
  set.seed(1)
  fit <- em_fit(iris[3:4], k = 3)
  modes <- plot_data(fit, "conditional")$modes
  # Setosa are below a length of 2, the others above 3: at 1.5 there is one peak, though all components have theirs.
  expect_true(all(modes$peaks[modes$x < 1.9] == 1))
  expect_true(all(modes$y[modes$x < 1.9] < 0.5))
  expect_true(all(modes$y[modes$x > 2.5] > 0.6))
  expect_true(all(c(tapply(modes$y, modes$line, function(y) max(abs(diff(y)), 0))) < 0.15 * diff(range(modes$y)) + 1e-9))
  # Weights far from the means are 0, and the highest peak stays.
  given <- emfit:::conditional_line(emfit:::as_em_density(fit), 1:2, 1e6)
  expect_length(emfit:::weighty_peaks(given), 1L)
})

test_that("a peak goes on the line of the nearest one before, each once, and none across a leap", {
  expect_identical(emfit:::follow_peaks(c(0, 5), 1:2, c(0.1, 5.1), 1), 1:2)
  expect_identical(emfit:::follow_peaks(c(0, 5), 1:2, 5.1, 1), 2L)
  expect_identical(emfit:::follow_peaks(2, 7L, c(1.9, 2.3), 1), c(7L, NA))
  expect_identical(emfit:::follow_peaks(0, 1L, 5, 1), NA_integer_)
  expect_identical(emfit:::follow_peaks(numeric(), integer(), 5, 1), NA_integer_)
})

test_that("a small device gives most of its height to the picture, and its key at most two rows", {
  grDevices::png(tempfile(fileext = ".png"), 3.4, 2.6, units = "in", res = 90)
  on.exit(grDevices::dev.off())
  style <- emfit:::component_style(as.character(1:12))
  key <- emfit:::key_entries(style$component, style$colour, line = style$line)
  expect_lte(emfit:::key_rows(key[1:8, ], 2.6), 2L)
  old <- emfit:::make_room(key[1:3, ], list(ylim = c(0, 1)))
  expect_gt(graphics::par("pin")[2], 0.5 * 2.6)
  graphics::par(old)
  expect_equal(graphics::par("mar"), c(5.1, 4.1, 4.1, 2.1))
  graphics::par(mar = c(6, 6, 1, 1)) # margins that somebody chose are kept
  old <- emfit:::make_room(NULL, list(ylim = c(0, 1)))
  expect_identical(graphics::par("mar")[1:2], c(6, 6))
  for (type in c("path", "density", "uncertainty")) {
    expect_s3_class(plot(em_fit(c(1:40, 3 * (1:40)), start = list(mean = 10 * (1:12), sd = rep(5, 12))), type = type), "em_plot")
  }
})

test_that("twins have the circles of the trace, the names of regions, and the key of dwell", {
  skip_if_not_installed("ggplot2", "3.4.0")
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  set.seed(2)
  fit <- em_fit(faithful, k = 2)
  data <- plot_data(fit, "trace")
  numbers <- drawn_numbers(ggplot2::autoplot(data))
  expect_true(all(data$ends$loglik[is.finite(data$ends$loglik)] %in% numbers))
  words <- function(picture) {
    unlist(lapply(ggplot2::ggplot_build(picture)$data, function(layer) unlist(layer[vapply(layer, is.character, NA)])), use.names = FALSE)
  }
  expect_true(all(c("50%", "95%") %in% words(ggplot2::autoplot(fit, "hdr", variables = "waiting"))))
  chain <- ggplot2::autoplot(em_fit(faithful$waiting, k = 2, latent = em_markov()), "dwell")
  expect_false(is.null(chain$scales$get_scales("colour")))
  expect_true(any(grepl("geometric law", unlist(lapply(chain$layers, function(l) as.character(l$mapping))))))
})

test_that("the keys of twins fit a column of print: two rows, no title, and names in two lines, where one is too long", {
  skip_if_not_installed("ggplot2")
  expect_identical(emfit:::gg_key(1:3)$nrow, 1L)
  expect_identical(emfit:::gg_key(1:12)$nrow, 3L)
  expect_identical(emfit:::gg_key(c(0, 1, 2, 5, 10), "iteration")$nrow, 2L)
  expect_identical(emfit:::in_two_lines(c("Sepal.Length", "waiting", "a_b", "nodotsatallhere")),
                   c("Sepal.\nLength", "waiting", "a_b", "nodotsatallhere"))
  expect_identical(emfit:::gg_key_title(as.character(1:3), "component"), "component")
  expect_null(emfit:::gg_key_title(as.character(1:12), "component"))
})

test_that("small pictures of topics, profiles and chains draw, and no twin tells groups apart by colour alone", {
  skip_if_not_installed("ggplot2", "3.4.0")
  grDevices::png(tempfile(fileext = ".png"), 3.4, 2.6, units = "in", res = 90)
  on.exit(grDevices::dev.off())
  set.seed(4)
  words <- matrix(rpois(40 * 30, 2), 40, dimnames = list(NULL, paste0("government", 1:30)))
  topics <- em_fit(words, k = 12, latent = em_topics(), control = em_control(n_start = 1, max_iter = 5))
  before <- graphics::par(c("mar", "mai", "mfrow", "cex", "oma"))
  expect_s3_class(plot(topics), "em_plot")
  expect_identical(graphics::par(c("mar", "mai", "mfrow", "cex", "oma")), before)
  places <- emfit:::topic_places(plot_data(topics, "documents")$documents)
  expect_true(all(places$x >= 1 & places$x <= 40) && !anyDuplicated(places$topic))
  answers <- em_fit(data.frame(a = factor(sample(c("a very long answer", "no"), 200, TRUE)), b = factor(sample(1:4, 200, TRUE)),
                               c = factor(sample(1:5, 200, TRUE))), k = 2, family = em_categorical(), control = em_control(n_start = 2))
  expect_s3_class(plot(answers), "em_plot")
  bars <- ggplot2::autoplot(answers, "responsibility")
  expect_gt(max(plot_data(answers, "responsibility")$bars$at), 20)
  expect_false(is.null(bars$scales$get_scales("shape")))
  regions <- ggplot2::autoplot(em_classify(iris[1:4], iris$Species, covariance = "VVV"))
  expect_identical(regions$scales$get_scales("fill")$guide, "none") # its key would hide the symbols
  expect_false(is.null(regions$scales$get_scales("size"))) # those that are decided wrongly have an entry
  fit <- em_fit(faithful, k = 3, start = list(mean = rbind(c(2, 54), c(4, 80), c(4.4, 81)), covariance = diag(c(0.1, 30))))
  expect_match(ggplot2::get_alt_text(ggplot2::autoplot(em_merge(fit))), "as a tree")
})

test_that("qq: of many rows those that are drawn have their envelope, and the labels are on drawn ones", {
  x <- withr_seed(3, stats::rnorm(10500))
  x[7] <- 12
  points <- plot_data(em_fit(x, 1, control = em_control(n_start = 1)), "qq")$points
  expect_identical(nrow(points), 10000L)
  expect_identical(points$label[nrow(points)], "7")
  expect_within(points$expected[c(1L, 10000L)], stats::qnorm(c(0.5, 10499.5) / 10500), 1e-12)
})
