# Rows of one unit share a component: em_mixture(unit = ). The laws run with units too; here is what they don't see.

persons <- function(m = 30, seed = 5, apart = 1.5) {
  withr_seed(seed, {
    sizes <- sample(2:6, m, replace = TRUE)
    id <- rep(paste0("p", sample(m)), sizes)
    group <- rep(sample(2, m, replace = TRUE), sizes)
    rows <- data.frame(id = id, a = rnorm(length(id), apart * group), b = rnorm(length(id), group))
    rows <- rows[sample(nrow(rows)), ]
    rownames(rows) <- NULL
    rows
  })
}

by_id <- em_mixture(unit = "id")
people <- persons()
few <- em_control(n_start = 2)
fit <- withr_seed(1, em_fit(people, k = 2, latent = by_id, control = few))
counts <- withr_seed(8, {
  id <- rep(1:25, each = 3)
  yes <- rbinom(75, 6, rep(c(0.3, 0.7), c(10, 15))[id])
  data.frame(id = id, yes = yes, no = 6 - yes)
})
of_counts <- em_fit(counts, k = 2, family = "binomial", latent = by_id, control = few)

# Of each unit: log pi_k + the sum of its rows' log densities.
unit_joint <- function(fit, rows, id, component = predict(fit, rows, type = "component")) {
  rowsum(log(component), id, reorder = FALSE) + rep(log(fit$parameters$proportions), each = length(unique(id)))
}

log_sum <- function(joint) apply(joint, 1, function(row) max(row) + log(sum(exp(row - max(row)))))

test_that("a column, a formula and values for the rows say the same", {
  same <- list(
    em_fit(people, k = 2, latent = em_mixture(unit = ~ id), start = fit),
    em_fit(people[2:3], k = 2, latent = em_mixture(unit = people$id), start = fit),
    em_fit(people[2:3], k = 2, latent = em_mixture(unit = factor(people$id)), start = fit),
    em_fit(people[2:3], k = 2, latent = em_mixture(unit = ~ people$id), start = fit),
    em_fit(~ a + b, data = people, k = 2, latent = by_id, start = fit),
    em_fit(~ ., data = people, k = 2, latent = em_mixture(unit = ~ id), start = fit),
    em_fit(as.matrix(transform(people, id = as.integer(factor(id)))), k = 2, latent = by_id, start = fit)
  )
  for (other in same) {
    expect_equal(other$loglik, fit$loglik, tolerance = 1e-7)
    expect_identical(colnames(other$parameters$mean), c("a", "b"))
    expect_identical(nobs(other), 30L)
  }
  half <- em_fit(~ a + b, data = people, subset = a > 1, k = 1, latent = em_mixture(unit = ~ id))
  expect_identical(nobs(half), length(unique(people$id[people$a > 1])))
})

test_that("one responsibility for a unit, and BIC and ICL count units", {
  r <- predict(fit, type = "prob")
  expect_true(all(r == r[match(people$id, people$id), ]))
  joint <- unit_joint(fit, people, people$id)
  expect_equal(sum(log_sum(joint)), fit$loglik, tolerance = 1e-12)
  expect_equal(unname(exp(joint - log_sum(joint)))[match(people$id, unique(people$id)), ], unname(r),
               tolerance = 1e-10, ignore_attr = TRUE)
  expect_equal(BIC(fit), -2 * fit$loglik + fit$df * log(30))
  first <- !duplicated(people$id)
  expect_equal(icl(fit), BIC(fit) - 2 * sum(log(apply(r[first, ], 1, max))))
  expect_identical(glance(fit)$nobs, 30L)
  expect_equal(sum(fit$counts), nrow(people))
  expect_equal(unname(fit$parameters$proportions), unname(colMeans(r[first, ])), tolerance = 1e-4)
})

test_that("units of one row are rows", {
  alone <- transform(people, id = seq_along(id))
  rows <- em_fit(people[2:3], k = 2, start = fit$parameters)
  units <- em_fit(alone, k = 2, latent = by_id, start = fit$parameters)
  expect_equal(units$loglik, rows$loglik, tolerance = 1e-9)
  expect_equal(BIC(units), BIC(rows), tolerance = 1e-9)
  expect_equal(vcov(units), vcov(rows), tolerance = 1e-4)
})

test_that("flexmix agrees", {
  skip_if_not_installed("flexmix")
  peer <- flexmix::flexmix(cbind(yes, no) ~ 1 | id, data = counts, k = 2, cluster = as.integer(predict(of_counts)),
                           model = flexmix::FLXMRglm(family = "binomial"),
                           control = list(tolerance = 1e-13, iter.max = 2000))
  tight <- em_fit(counts, k = 2, family = "binomial", latent = by_id, start = of_counts,
                  control = em_control(tol = 1e-12, max_iter = 5000))
  expect_equal(tight$loglik, peer@logLik, tolerance = 1e-6 / abs(peer@logLik))
  expect_equal(unname(predict(tight, type = "prob")), unname(flexmix::posterior(peer)), tolerance = 1e-5)
})

test_that("print tells of units", {
  expect_match(format(fit), "observations, 2 variables, 30 units of 2 to 6 rows", all = FALSE)
  expect_match(format(of_counts), "25 units of 3 rows", all = FALSE)
  expect_match(format(by_id), "one component for each unit (id)", fixed = TRUE)
  expect_match(format(em_mixture(unit = ~ paste(id))), "unit (paste(id))", fixed = TRUE)
  expect_match(format(em_mixture(unit = 1:3)), "unit$")
  table <- em_select(people, k = 1:2, covariance = "EEE", latent = by_id, control = few)
  expect_match(format(table), "30 units of 2 to 6 rows", all = FALSE)
})

test_that("what can't be units is refused", {
  expect_error(em_mixture(unit = TRUE), "`unit` must be the name of a column", class = "emfit_error_argument")
  expect_error(em_fit(cbind(a, b) ~ 1 | id, data = people, k = 2), "em_mixture(unit = ~ id)", fixed = TRUE,
               class = "emfit_error_unsupported")
  expect_error(em_mixture(unit = a ~ id), class = "emfit_error_argument")
  expect_error(em_fit(people, k = 2, latent = em_mixture(unit = "person")), "lacks the column \"person\"",
               class = "emfit_error_argument")
  expect_error(em_fit(people[2:3], k = 2, latent = em_mixture(unit = ~ nowhere)), "`unit` can't be evaluated",
               class = "emfit_error_argument")
  expect_error(em_fit(people[2:3], k = 2, latent = em_mixture(unit = 1:7)), "a value for each row",
               class = "emfit_error_argument")
  expect_error(em_fit(people[2:3], k = 2, latent = em_mixture(unit = ~ list(1, 2))), "factor, text or numbers",
               class = "emfit_error_argument")
  blank <- replace(people$id, c(4, 9), NA)
  expect_error(em_fit(people[2:3], k = 2, latent = em_mixture(unit = blank)), "NA in 2 rows (4, 9)", fixed = TRUE,
               class = "emfit_error_argument")
  expect_error(em_fit(people, k = 31, latent = by_id), "31 components to 30 units", class = "emfit_error_input")
  expect_error(em_select(people, k = 1:2, latent = by_id, search = "quick"), "units", class = "emfit_error_unsupported")
  expect_error(em_select(people, k = 1:2, latent = by_id, criterion = "CV", folds = 31), "more than the units: 30",
               class = "emfit_error_argument")
})

test_that("a unit has one weight", {
  w <- rep(1, nrow(people))
  same <- which(people$id == people$id[1])
  w[same[2]] <- 2
  expect_error(em_fit(people, k = 2, latent = by_id, weights = w),
               sprintf("rows %d and %d are of unit \"%s\"", same[1], same[2], people$id[1]), class = "emfit_error_argument")
  w[same] <- 2
  weighted <- em_fit(people, k = 2, latent = by_id, weights = w, start = fit)
  expect_identical(nobs(weighted), 31)
  again <- rbind(people, transform(people[same, ], id = "once more"))
  expect_equal(em_fit(again, k = 2, latent = by_id, start = fit)$loglik, weighted$loglik, tolerance = 1e-8)
})

test_that("a label of a row is that of its unit", {
  labels <- rep(NA_character_, nrow(people))
  first <- match(c("p1", "p2"), people$id)
  labels[first] <- c("low", "high")
  labelled <- em_fit(people, k = 2, latent = by_id, labels = labels, control = few)
  expect_identical(as.character(unique(predict(labelled)[people$id == "p1"])), "low")
  expect_true(all(predict(labelled, type = "prob")[people$id == "p2", "high"] == 1))
  of_all <- replace(rep(NA, nrow(people)), !duplicated(people$id), ifelse(unique(people$id) < "p3", 1, 2))
  known <- em_fit(people, k = 2, latent = by_id, labels = of_all)
  expect_identical(nrow(known$starts), 1L)
  groups <- ifelse(people$id < "p3", 1, 2)
  expect_equal(unname(known$parameters$mean[, "a"]), as.vector(tapply(people$a, groups, mean)), tolerance = 1e-12)
  last <- rev(which(people$id == "p1"))[1]
  labels[last] <- "high"
  expect_error(em_fit(people, k = 2, latent = by_id, labels = labels),
               sprintf("rows %d and %d are of unit \"p1\"", first[1], last), class = "emfit_error_argument")
  beliefs <- matrix(0.5, nrow(people), 2)
  beliefs[last, ] <- c(0.9, 0.1)
  expect_error(em_fit(people, k = 2, latent = by_id, labels = beliefs), "`labels` must be the same in all rows of a unit",
               class = "emfit_error_argument")
  beliefs[people$id == "p1", ] <- rep(c(0.9, 0.1), each = sum(people$id == "p1"))
  believed <- em_fit(people, k = 2, latent = by_id, labels = beliefs, start = fit$parameters,
                     control = em_control(max_iter = 0))
  joint <- unit_joint(believed, people, people$id) + log(beliefs[!duplicated(people$id), ])
  expect_equal(sum(log_sum(joint)), believed$loglik, tolerance = 1e-12)
})

test_that("rows with missing cells have their say in their unit", {
  holed <- people
  holed$a[c(3, 8)] <- NA
  holed$b[11] <- NA
  holed[20, 2:3] <- NA
  filled <- quietly(em_fit(holed, k = 2, latent = by_id, control = few))
  joint <- unit_joint(filled, holed, holed$id)
  expect_equal(sum(log_sum(joint)), filled$loglik, tolerance = 1e-12)
  expect_equal(nobs(filled), 30)
  expect_gte(min(diff(filled$trace$loglik)), -1e-9)
  expect_equal(filled$loglik, quietly(em_fit(holed[nrow(holed):1, ], k = 2, latent = by_id, start = filled))$loglik,
               tolerance = 1e-8)
  rows <- quietly(em_fit(holed[2:3], k = 2, start = filled$parameters))
  alone <- quietly(em_fit(transform(holed, id = seq_along(id)), k = 2, latent = by_id, start = filled$parameters))
  expect_equal(alone$loglik, rows$loglik, tolerance = 1e-9)
  expect_identical(alone$nobs, rows$nobs)
  drawn <- withr_seed(2, em_impute(filled, m = 3, parameters = "estimate"))
  expect_false(anyNA(drawn[[1]]))
  counts$yes[2] <- NA
  gap <- quietly(em_fit(counts, k = 2, family = "binomial", latent = by_id, start = of_counts))
  expect_equal(nobs(gap), 25)
  expect_equal(sum(log_sum(unit_joint(gap, counts, counts$id))), gap$loglik, tolerance = 1e-12)
  counts$yes[1:3] <- NA
  expect_equal(nobs(quietly(em_fit(counts, k = 2, family = "binomial", latent = by_id, start = of_counts))), 24)
})

test_that("rows that na.action leaves out leave their units", {
  holed <- people
  holed$a[3] <- NA
  left <- em_fit(holed, k = 2, latent = by_id, na.action = na.exclude, start = fit$parameters)
  expect_equal(left$loglik, em_fit(holed[-3, ], k = 2, latent = by_id, start = fit$parameters)$loglik)
  expect_true(is.na(predict(left)[3]))
  expect_identical(augment(left)$id, holed$id)
  full <- em_impute(left, newdata = holed, parameters = "estimate")[[1]]
  expect_identical(full$id, holed$id)
  expect_false(anyNA(full))
  kept <- quietly(update(left, na.action = NULL))
  expect_equal(kept$loglik, quietly(em_fit(holed, k = 2, latent = by_id, start = fit$parameters))$loglik, tolerance = 1e-7)
})

test_that("noise takes whole units", {
  stray <- data.frame(id = rep(c("x", "y"), c(4, 3)), a = c(9, -9, 8, -7, 9, 0, -9), b = c(-8, 9, 0, 9, 9, -9, 8))
  noisy <- em_fit(rbind(people, stray), k = 2, latent = em_mixture(noise = TRUE, unit = "id"), control = few)
  expect_identical(as.character(utils::tail(predict(noisy), 7)), rep("noise", 7))
  rows <- rbind(people, stray)
  joint <- unit_joint(noisy, rows, rows$id)
  expect_equal(sum(log_sum(joint)), noisy$loglik, tolerance = 1e-10)
})

test_that("starts are groups of units", {
  data <- fit$data
  model <- emfit:::fit_model(fit)
  for (method in c("kmeans++", "partition")) {
    items <- withr_seed(1, emfit:::draw_starts(data, model, method, 3))
    for (item in items) {
      by_unit <- tapply(item$partition, data$units$value[data$order], function(group) length(unique(group)))
      expect_true(all(by_unit == 1))
    }
  }
  # Groups that only the means of units tell apart
  wide <- withr_seed(9, {
    id <- rep(1:40, each = 30)
    data.frame(id, x = rnorm(1200, c(-0.7, 0.7)[id %% 2 + 1], 2))
  })
  item <- withr_seed(1, emfit:::draw_starts(
    emfit:::em_data(wide["x"], em_gaussian("V"), units = emfit:::part_units(wide, by_id)$units),
    list(family = em_gaussian("V"), latent = by_id, k = 2L), "kmeans++", 1))[[1]]
  right <- abs(mean(item$partition == wide$id %% 2 + 1) - 0.5)
  expect_gt(right, 0.4)
})

test_that("what draws rows draws units", {
  expect_identical(emfit:::draw_units(fit$data, function(w) seq_along(w)), fit$data$units$codes)
  folds <- withr_seed(1, emfit:::draw_folds(fit$data, 5))
  expect_true(all(folds == folds[match(people$id, people$id)]))
  expect_identical(as.vector(table(folds[!duplicated(people$id)])), rep(6L, 5))
  for (type in c("nonparametric", "weighted")) {
    drawn <- withr_seed(1, emfit:::resampler(fit, type)())
    codes <- emfit:::codes_of_ends(drawn$units)
    expect_equal(sum(drawn$weights[drawn$units]), 30)
    expect_true(all(drawn$weights == drawn$weights[drawn$units][codes]))
  }
  native <- emfit:::native_data(fit$data, emfit:::fit_model(fit))
  rows <- withr_seed(1, emfit:::sample_rows_of(native, 50))
  taken <- emfit:::codes_of_ends(native$units)
  expect_true(all(taken %in% taken[rows] == seq_along(taken) %in% rows))
  expect_true(length(rows) >= 50 && length(rows) < 56)
  part <- emfit:::native_rows(native, rows)
  expect_identical(utils::tail(part$units, 1), length(rows))
  expect_length(part$units, length(unique(taken[rows])))
})

test_that("samples, replicates and folds give what they should", {
  w <- as.numeric(factor(people$id)) %% 3 + 1
  weighted <- em_fit(people, k = 2, latent = by_id, weights = w, start = fit)
  for (type in c("nonparametric", "weighted", "parametric")) {
    boot <- withr_seed(1, em_bootstrap(weighted, type = type, n_boot = 3))
    expect_false(anyNA(boot$replicates))
  }
  data <- withr_seed(1, emfit:::simulated_data(weighted))
  expect_equal(max(data$units$codes), sum(w[!duplicated(people$id)]))
  table <- withr_seed(1, em_select(people, k = 1:2, covariance = "EEE", latent = by_id, criterion = "CV", folds = 5,
                                   control = few))
  expect_identical(table$nobs, 30L)
  expect_equal(best(table, k = 2)$loglik,
               em_fit(people, k = 2, family = em_gaussian("EEE"), latent = by_id, control = few)$loglik, tolerance = 1e-5)
  one <- em_fit(people, k = 1, latent = by_id)
  test <- withr_seed(1, em_lrt(one, n_boot = 4, control = few))
  expect_equal(unname(test$statistic), 2 * (fit$loglik - one$loglik), tolerance = 1e-4)
  expect_length(test$simulated, 4)
  many <- withr_seed(1, persons(3000))
  large <- em_fit(many, k = 2, latent = by_id, control = few)
  expect_gt(large$loglik, em_fit(many, k = 2, latent = by_id, start = fit$parameters,
                                 control = em_control(max_iter = 0))$loglik)
})

test_that("simulated rows of a unit share their component", {
  drawn <- simulate(fit, seed = 1)[[1]]
  expect_identical(drawn$id, people$id)
  component <- attr(drawn, "component")
  expect_true(all(component == component[match(people$id, people$id)]))
  new <- simulate(fit, seed = 1, n = 7)[[1]]
  expect_identical(length(unique(new$id)), 7L)
  expect_true(all(tapply(as.integer(attr(new, "component")), new$id, function(i) length(unique(i))) == 1))
  expect_named(simulate(em_fit(people[2:3], k = 2, latent = em_mixture(unit = people$id), start = fit), seed = 1)[[1]],
               c("unit", "a", "b"))
})

test_that("new rows need their units", {
  new <- data.frame(b = c(1, 2, 1.5), id = c("z", "y", "z"), a = c(1, 3, 2))
  prob <- predict(fit, new, type = "prob")
  expect_identical(prob[1, ], prob[3, ])
  expect_equal(unname(prob[2, ]), unname(predict(fit, new[2, ], type = "prob")[1, ]))
  expect_error(predict(fit, new[c("a", "b")]), "`newdata` lacks \"id\"", class = "emfit_error_newdata")
  expect_error(predict(fit, c(1, 2)), "lacks \"id\"", class = "emfit_error_newdata")
  values <- em_fit(people[2:3], k = 2, latent = em_mixture(unit = people$id), start = fit)
  expect_error(predict(values, new), "The units of the new rows are not said", class = "emfit_error_newdata")
  expect_named(augment(fit)[1:3], c("id", "a", "b"))
  expect_identical(augment(fit, newdata = new)$.class, predict(fit, new))
  expect_equal(augment(fit)$.prob.1, unname(predict(fit, type = "prob")[, 1]))
})

test_that("update() keeps units, and changes them", {
  three <- update(fit, k = 3, start = NULL)
  expect_identical(nobs(three), 30L)
  rows <- update(fit, latent = em_mixture(), start = fit$parameters)
  expect_equal(rows$loglik, em_fit(people[2:3], k = 2, start = fit$parameters)$loglik, tolerance = 1e-8)
  back <- update(em_fit(~ a + b, data = people, k = 2, start = fit$parameters), latent = em_mixture(unit = ~ id))
  expect_equal(back$loglik, fit$loglik, tolerance = 1e-6)
  expect_equal(update(rows, latent = em_mixture(unit = people$id), start = fit$parameters)$loglik, fit$loglik,
               tolerance = 1e-6)
  expect_equal(nobs(update(fit, data = people[people$id %in% c("p1", "p2", "p3"), ], k = 1)), 3)
  expect_identical(nobs(update(fit, subset = a > 1)), length(unique(people$id[people$a > 1])))
  expect_equal(update(fit, latent = em_mixture("equal", unit = "id"))$parameters$proportions, c(`1` = 0.5, `2` = 0.5))
  values <- em_fit(people[2:3], k = 2, latent = em_mixture(unit = people$id), start = fit)
  expect_equal(update(values, data = people[2:3])$loglik, fit$loglik, tolerance = 1e-6)
  expect_error(update(values, data = people[1:9, 2:3]), "`unit` of the fit is of its own rows",
               class = "emfit_error_argument")
})

test_that("standard errors are those of independent units", {
  tight <- em_fit(counts, k = 2, family = "binomial", latent = by_id, start = of_counts,
                  control = em_control(tol = 1e-12, max_iter = 5000))
  of_unit <- function(z) {
    logs <- sapply(1:2, function(j) dbinom(counts$yes, 6, plogis(z[j]), log = TRUE))
    joint <- rowsum(logs, counts$id) + rep(log(c(plogis(z[3]), plogis(-z[3]))), each = 25)
    log_sum(joint)
  }
  at <- c(qlogis(unname(tight$parameters$prob)), qlogis(unname(tight$parameters$proportions[1])))
  hessian <- optimHess(at, function(z) -sum(of_unit(z)), control = list(ndeps = rep(1e-4, 3)))
  slope <- c(unname(tight$parameters$prob * (1 - tight$parameters$prob)), prod(tight$parameters$proportions))
  plain <- outer(slope, slope) * solve(hessian)
  ours <- vcov(tight)[c("prob[1]", "prob[2]", "proportion[1]"), c("prob[1]", "prob[2]", "proportion[1]")]
  expect_equal(unname(ours), plain, tolerance = 1e-4)
  scores <- sapply(1:3, function(i) {
    h <- replace(numeric(3), i, 1e-5)
    (of_unit(at + h) - of_unit(at - h)) / 2e-5
  })
  opg <- vcov(tight, type = "opg")[rownames(ours), rownames(ours)]
  expect_equal(unname(opg), outer(slope, slope) * solve(crossprod(scores)), tolerance = 1e-4)
})

test_that("em_diagnose() and the pictures take units", {
  checks <- em_diagnose(fit)
  expect_match(checks$explanation[checks$check == "identifiability"], "30 units for 11 free parameters", all = FALSE)
  for (type in c("cluster", "trace", "uncertainty", "qq", "path")) expect_s3_class(plot_data(fit, type), "em_plot")
  for (type in c("counts", "responsibility", "surface")) expect_s3_class(plot_data(of_counts, type), "em_plot")
})
