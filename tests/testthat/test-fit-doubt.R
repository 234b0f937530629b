one <- faithful$eruptions
near <- list(mean = c(4.3, 2), sd = c(0.4, 0.2))
warnings_of <- function(code) {
  classes <- character()
  withCallingHandlers(code, warning = function(w) {
    classes <<- c(classes, class(w)[1L])
    invokeRestart("muffleWarning")
  })
  classes
}

test_that("a component that nothing is left of is told of, by a warning and in print", {
  x <- c(one, 30)
  start <- list(mean = c(4.3, 2, 60), sd = rep(0.5, 3))
  expect_warning(fit <- em_fit(one, start = start, family = em_gaussian("E")), "Component 3 is empty: the fit is one of 2",
                 class = "emfit_warning_unidentified")
  expect_equal(fit$loglik, em_fit(one, 2, em_gaussian("E"))$loglik, tolerance = 1e-8)
  expect_match(format(fit), "^Component 3 is empty", all = FALSE)
  # Names, weights in other units.
  names(start$mean) <- c("a", "b", "c")
  expect_warning(em_fit(one, start = start, family = em_gaussian("E"), weights = rep(1e-4, 272)),
                 "Component c is empty", class = "emfit_warning_unidentified")
  expect_identical(warnings_of(em_fit(one, start = near, family = em_gaussian("E"), weights = rep(1e-4, 272))), character())
})

test_that("nothing is told of what was asked for", {
  # Scored, held, with proportions that are held.
  far <- list(mean = c(4.3, 60), sd = c(0.5, 0.5))
  expect_silent(em_fit(one, start = far, family = em_gaussian("E"), control = em_control(max_iter = 0)))
  expect_silent(em_fit(one, 2, fixed = far))
  expect_silent(em_fit(one, start = far, family = em_gaussian("E"), latent = em_mixture("equal")))
  # Scored as it is given: three rows, five parameters.
  expect_silent(em_fit(1:3, start = near, control = em_control(max_iter = 0)))
})

test_that("a component with rows is not empty, however small a share it is held at", {
  x <- c(one, one[1:60] + 100)
  start <- list(mean = c(3.5, 103), sd = c(1, 1))
  fit_held <- function() em_fit(x, start = start, latent = em_mixture(c(1 - 1e-6, 1e-6)))
  expect_identical(warnings_of(fit <- fit_held()), character())
  expect_equal(unname(fit$counts), c(272, 60))
  expect_null(describe_empty(fit))
})

test_that("components of few rows are asked whether they lean on them, others need not be", {
  few <- em_fit(c(one, 30, 30.2), start = list(mean = c(4.3, 2, 30), sd = c(0.4, 0.2, 0.1)))
  run <- unclass(few)
  asked <- function(run) c(leaning_of(run, few$data, fit_model(few))$components, single_rows(run, few$data, fit_model(few)))
  expect_identical(components_on_few_rows(run, few$data, fit_model(few)), asked(run))
  expect_identical(few$leaning, 3L)
  enough <- em_fit(one, start = near)
  expect_identical(enough$leaning, integer())
  # Below what either asks of: three times d + 1 rows, and five; in whatever units weights are.
  lone <- em_fit(c(one, 30), start = list(mean = c(4.3, 2, 30), sd = rep(0.4, 3)), family = em_gaussian("E"))
  expect_identical(lone$leaning, 3L)
  light <- em_fit(c(one, 30), start = list(mean = c(4.3, 2, 30), sd = rep(0.4, 3)), family = em_gaussian("E"),
                  weights = rep(1e-4, 273))
  expect_identical(light$leaning, 3L)
})

test_that("more parameters than rows", {
  few <- faithful[1:9, ]
  expect_warning(fit <- em_fit(few, start = rep(1:2, c(4, 5))), "more parameters (11) than rows (9)", fixed = TRUE,
                 class = "emfit_warning_unidentified")
  expect_match(format(fit), "There are more parameters (11) than rows (9).", fixed = TRUE, all = FALSE)
  # A row that counts twice is two rows; rows are no fewer in small weights; a prior stands for rows.
  expect_identical(warnings_of(em_fit(few, start = rep(1:2, c(4, 5)), weights = rep(2, 9))), character())
  expect_identical(warnings_of(em_fit(faithful, start = list(mean = rbind(c(4, 80), c(2, 54)), covariance = cov(faithful)),
                                      weights = rep(1 / 272, 272))), character())
  expect_identical(warnings_of(em_fit(few, start = rep(1:2, c(4, 5)), family = em_gaussian(prior = em_prior()))), character())
  # With one component, and beside what is told already, nothing more is said.
  expect_silent(em_fit(faithful[1:3, ], 1))
  expect_identical(warnings_of(em_fit(1:3, start = list(mean = c(1.3, 2.7), sd = c(0.5, 0.5)))), "emfit_warning_collapse")
  expect_warning(em_fit(cbind(c(1, 9), c(9, 1)), 2, "binomial"), "parameters (3) than rows (2)", fixed = TRUE,
                 class = "emfit_warning_unidentified")
})

test_that("fewer than three starts that come to the maximum", {
  set.seed(1)
  expect_warning(fit <- em_fit(iris[1:4], 7), "^Only 1 of [0-9]+ starts came to this maximum", class = "emfit_warning_agreement")
  expect_match(format(fit), "^Only 1 of [0-9]+ starts came to this maximum: there may be a higher one.", all = FALSE)
  found <- em_diagnose(fit)
  expect_identical(as.character(found$status[found$check == "starts"]), "note")
  # Two that agree are too few, three are not; nor do those count that were never to run to the end.
  told <- function(ended, gaps, ...) {
    doubtful <- utils::modifyList(fit, list(...))
    doubtful$starts <- data.frame(method = "random", loglik = fit$objective - gaps, iterations = 60L, status = ended,
                                  degenerate = FALSE)
    describe_disagreement(doubtful)
  }
  expect_match(told("converged", c(0, 0, 1, 2)), "Only 2 of 4 starts")
  expect_null(told("converged", c(0, 0, 0, 2)))
  expect_null(told("converged", c(0, 5e-4, 9e-4, 2)))
  expect_match(told(c("converged", "converged", "bad_start", "converged"), c(0, 1, 0, 2)), "Only 1 of 3 starts")
  # Asked for, or of no meaning.
  expect_null(told("converged", c(0, 1)))
  expect_null(told("converged", c(0, 1, 2), control = em_control(n_start = 2)))
  expect_null(told("converged", c(0, 1, 2), status = "max_iter"))
  expect_null(told("converged", c(0, 1, 2), degenerate = 1L))
  expect_null(told("converged", c(0, 1, 2), coincident = 1:2))
  expect_null(told("converged", c(0, 1, 2), raced = TRUE))
  # A coarse tol leaves ends short of their maximum by as much.
  expect_null(told("converged", c(0, 0.01, 0.015), remaining = 0.009))
})

test_that("sound default calls are warned of nothing", {
  for (seed in 1:3) {
    set.seed(seed)
    expect_identical(warnings_of({
      em_fit(faithful, 2)
      em_fit(faithful, 3)
      em_fit(iris[1:4], 2)
      em_fit(three_groups[1:2], 3)
      em_fit(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial")
      em_fit(faithful, 1)
      em_fit(faithful, 3, start = "random", control = em_control(n_start = 1))
      em_fit(faithful, 2, latent = em_mixture(noise = TRUE))
      best(em_select(faithful, k = 1:3, covariance = c("EEE", "VVV")))
    }), character())
  }
})

test_that("trials in the place of failures deserve a word", {
  set.seed(1)
  expect_warning(fit <- em_fit(cbind(heads, heads + tails) ~ 1, data = coins, k = 2, family = "binomial"),
                 "are the failures the trials?", fixed = TRUE, class = "emfit_warning_coincide")
  counts <- em_data(cbind(c(1, 2, 3), c(9, 8, 7)), em_binomial())
  expect_match(family_hint(em_binomial(), counts), "No row has more successes than failures")
  expect_null(family_hint(em_binomial(), em_data(cbind(c(1, 2, 8), c(9, 8, 2)), em_binomial())))
  expect_null(family_hint(em_binomial(10), em_data(c(1, 2, 3), em_binomial(10))))
  expect_null(family_hint(em_gaussian(), counts))
})

test_that("of a whole selection the best fit alone is doubted, in print", {
  skip_if_not_installed("MASS")
  set.seed(1)
  models <- expect_silent(em_select(MASS::crabs[4:8], k = 2:3, covariance = c("EEE", "VVV")))
  models$table$starts.agree <- 2L
  expect_match(format(models), "^Only [12] starts? came to the maximum of the best fit: there may be a higher one.$", all = FALSE)
  expect_silent(best(models))
  models$table$starts.agree <- 3L
  expect_null(describe_best_doubt(models))
  models$table$starts.agree <- 1L
  for (change in list(list(quick = TRUE), list(interrupted = TRUE), list(control = em_control(n_start = 2)))) {
    expect_null(describe_best_doubt(utils::modifyList(models, change)))
  }
  models$table$k <- 1L
  expect_null(describe_best_doubt(models))
})
