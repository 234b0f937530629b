# The page of em_animate(): its data are those of the path, it stands alone, and no text can break out of it. (That the
# page plays was seen in a browser.)

animated <- function(fit, ...) {
  file <- tempfile(fileext = ".html")
  on.exit(unlink(file))
  expect_identical(em_animate(fit, file, ...), file)
  paste(readLines(file, encoding = "UTF-8"), collapse = "\n")
}

scene_of <- function(page) {
  json <- sub("\nconst frames = .*", "", sub(".*\nconst scene = ", "", page))
  jsonlite::fromJSON(sub(";$", "", json), simplifyVector = TRUE, simplifyDataFrame = FALSE, simplifyMatrix = FALSE)
}

red_blue_run <- function() {
  em_fit(red_blue$value, latent = em_mixture("equal"), start = list(mean = c(red = 1.1, blue = 9), sd = c(2, 1.7)),
         control = em_control(algorithm = "ecm", max_iter = 20, tol = 0, accelerate = FALSE))
}

test_that("the page stands alone and has its controls", {
  page <- animated(red_blue_run(), title = "A <b> & \"c\"")
  expect_false(grepl("https?:|src=|@import|<link", page))
  expect_false(grepl("{{", page, fixed = TRUE))
  for (id in c("play", "slider", "back", "next", "scene", "trace")) expect_true(grepl(sprintf("id=\"%s\"", id), page))
  expect_true(grepl("<title>A &lt;b&gt; &amp; &quot;c&quot;</title>", page, fixed = TRUE))
})

test_that("curves: a frame for each iteration, with its log-likelihood, curves and colours", {
  skip_if_not_installed("jsonlite")
  fit <- red_blue_run()
  scene <- scene_of(animated(fit))
  expect_identical(scene$kind, "curves")
  expect_identical(vapply(scene$frames, `[[`, 0L, "iteration"), 0:20)
  expect_within(vapply(scene$frames, `[[`, 0, "loglik"), fit$trace$loglik, 1e-9)
  expect_within(scene$frames[[1]]$y[[2]], 0.5 * dnorm(scene$x, 9, 1.7), 1e-4)
  expect_identical(scene$frames[[21]]$colours, emfit:::mix_colours(predict(fit, type = "prob"), c("#D55E00", "#0072B2")))
  expect_identical(scene$components[[1]]$name, "red")
  expect_identical(scene$components[[1]]$dash, list())
  expect_within(scene$components[[2]]$dash, c(12, 6), 0)
})

test_that("ellipses and bars hold the parameters of their iterations", {
  skip_if_not_installed("jsonlite")
  fit <- em_fit(faithful, start = list(mean = rbind(c(2, 50), c(4, 80)), covariance = diag(c(1, 100))))
  scene <- scene_of(animated(fit, iterations = c(0, 2)))
  expect_identical(vapply(scene$frames, `[[`, 0L, "iteration"), c(0L, 2L))
  expect_within(scene$frames[[1]]$means[[2]], c(4, 80), 1e-9)
  outline <- scene$frames[[1]]$ellipses[[1]][[2]]
  expect_within(mahalanobis(cbind(outline$x, outline$y), c(2, 50), diag(c(1, 100))), rep(qchisq(0.95, 2), 61), 1e-3)

  tosses <- em_fit(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial", latent = em_mixture("equal"),
                   start = list(prob = c("A\"</script>" = 0.6, B = 0.5)))
  page <- animated(tosses)
  expect_identical(lengths(regmatches(page, gregexpr("</script>", page))), 1L)
  scene <- scene_of(page)
  expect_identical(scene$components[[1]]$name, "A\"</script>")
  expect_within(scene$frames[[1]]$responsibilities[[1]], c(.449, .805, .733, .352, .647), 6e-4)
  expect_within(scene$frames[[2]]$values, c(0.7130122354, 0.5813393083), 1e-9)
  expect_identical(scene$valuelab, "probability of success") # on an axis of its own
})

test_that("k = 1, long runs and what can't be drawn", {
  expect_type(animated(em_fit(faithful, k = 1), variables = "waiting"), "character")
  expect_identical(emfit:::frames_of(3L), 0:3)
  expect_identical(range(emfit:::frames_of(4000L)), c(0L, 4000L))
  expect_lte(length(emfit:::frames_of(4000L)), 151)
  expect_error(em_animate(faithful, "a.html"), "must come from em_fit", class = "emfit_error_argument")
  expect_error(em_animate(red_blue_run()), "`file` must say", class = "emfit_error_argument")
  expect_error(em_animate(red_blue_run(), tempfile(), iterations = 99), class = "emfit_error_argument")
})

test_that("every frame has the numbers of its iteration, and the component of each row beside its colour", {
  skip_if_not_installed("jsonlite")
  fit <- red_blue_run()
  scene <- scene_of(animated(fit))
  expect_identical(scene$columns, c("mean", "sd")) # proportions are held alike
  expect_identical(scene$frames[[1]]$numbers, list(c("1.1000", "2.0000"), c("9.0000", "1.7000")))
  expect_identical(scene$frames[[21]]$members + 1L, unname(max.col(predict(fit, type = "prob"), ties.method = "first")))
  expect_identical(vapply(scene$components, `[[`, 0L, "symbol"), c(19L, 17L))
  expect_within(scene$frames[[1]]$means, c(1.1, 9), 1e-12)

  free <- em_fit(faithful, start = list(mean = rbind(c(2, 50), c(4, 80)), covariance = diag(c(1, 100))))
  scene <- scene_of(animated(free))
  expect_identical(scene$columns, c("proportion", "eruptions: mean (sd)", "waiting: mean (sd)"))
  expect_identical(scene$frames[[1]]$numbers[[2]], c("0.5000", "4.0000 (1.0000)", "80.000 (10.000)"))

  set.seed(1)
  x <- c(faithful$waiting, runif(40, 0, 200))
  noisy <- scene_of(animated(em_fit(x, k = 2, latent = em_mixture(noise = TRUE))))
  expect_identical(noisy$frames[[1]]$numbers[[3]][2:3], c("", ""))
})

test_that("of several variables those are drawn along which components overlap least", {
  skip_if_not_installed("jsonlite")
  set.seed(4)
  x <- matrix(rnorm(400 * 5), 400, dimnames = list(NULL, letters[1:5]))
  x[1:200, c("b", "e")] <- x[1:200, c("b", "e")] * 0.5 + rep(c(0, 6), each = 200) # b differs by spread, e by mean
  fit <- em_fit(x, start = list(mean = rbind(c(0, 0, 0, 0, 6), 0), covariance = diag(5)))
  scene <- scene_of(animated(fit))
  expect_identical(c(scene$xlab, scene$ylab), c("b", "e"))
  expect_identical(plot_data(fit, "path")$variables, c("b", "e"))
  expect_identical(plot_data(fit, "path", variables = 1:2)$variables, c("a", "b"))
  # Overlap of two normal laws, by Bhattacharyya's distance of one column.
  p <- fit$parameters
  v <- p$covariance[5, 5, ]
  gap <- diff(p$mean[, 5])
  distance <- gap^2 / (4 * sum(v)) + log(mean(v) / sqrt(prod(v))) / 2
  expect_within(emfit:::overlap_along(p$mean, p$covariance, p$proportions, 5L), sqrt(prod(p$proportions)) * exp(-distance), 1e-12)
})

test_that("a file without an ending gets one, others keep theirs", {
  file <- tempfile("film")
  on.exit(unlink(paste0(file, c("", ".html", ".htm"))))
  expect_identical(em_animate(red_blue_run(), file), paste0(file, ".html"))
  expect_true(file.exists(paste0(file, ".html")) && !file.exists(file))
  expect_identical(em_animate(red_blue_run(), paste0(file, ".htm")), paste0(file, ".htm"))
})

test_that("the last curves are within the frame, however narrow they have become", {
  skip_if_not_installed("jsonlite")
  x <- c(qnorm(ppoints(50), 0, 0.01), qnorm(ppoints(50), 5))
  fit <- em_fit(x, start = list(mean = c(2, 3), sd = c(4, 4)), control = em_control(tol = 0, max_iter = 40, accelerate = FALSE))
  scene <- scene_of(animated(fit))
  last <- scene$frames[[length(scene$frames)]]
  expect_lte(max(unlist(last$y)), scene$ylim[2])
})
