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
  expect_within(scene$frames[[2]]$prob, c(0.7130122354, 0.5813393083), 1e-9)
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
