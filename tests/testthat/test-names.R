# One rule for names that are blank, missing or double, in every output.
test_that("names are numbers where they don't tell, and never equal", {
  expect_identical(clean_names(c("a", "a", "b", "")), c("a", "a.1", "b", "x4"))
  expect_identical(clean_names(c(NA, "x1")), c("x1", "x1.1"))
  expect_identical(clean_names(c("red", NA, ""), ""), c("red", "2", "3"))
  expect_null(clean_names(NULL))
  expect_identical(clean_names(c("a b", "c")), c("a b", "c"))
})

x <- cbind(as.matrix(faithful), faithful$eruptions + sin(1:272), cos(1:272))

test_that("every output shows the same names of the variables", {
  for (given in list(c("a", "a", "b", ""), c("a", NA, "b", "b"), rep("", 4), rep("v", 4))) {
    y <- x
    colnames(y) <- given
    names <- clean_names(given)
    set.seed(1)
    fit <- em_fit(y, k = 2, start = "kmeans++", control = em_control(n_start = 2))
    expect_identical(fit$data$names, names)
    expect_match(format(fit)[4L], paste0(names, collapse = " +"))
    expect_identical(colnames(fit$parameters$mean), names)
    expect_identical(names(tidy(fit))[4:7], paste0("mean.", names))
    expect_identical(unique(stats::na.omit(tidy(fit, "parameters")$variable)), names)
    expect_identical(anyDuplicated(names(coef(fit))), 0L)
    expect_identical(rownames(vcov(fit)), names(coef(fit)))
    expect_identical(rownames(confint(fit)), names(coef(fit)))
    expect_identical(unique(em_path(fit)$term)[2:5], paste0("mean.", names))
    expect_identical(names(augment(fit))[1:4], names)
    expect_identical(names(simulate(fit)[[1L]]), names)
    expect_identical(colnames(fitted(fit)), names)
    expect_identical(plot_data(fit)$variables, names)
    expect_identical(predict(fit, y), predict(fit))
    expect_identical(predict(fit, stats::setNames(as.data.frame(unname(y)), given)), unname(predict(fit)))
  }
})

test_that("new rows are matched by these names, and a lacking column is told", {
  y <- as.data.frame(x)
  names(y) <- c("a", "a", "b", "c")
  fit <- em_fit(y, k = 2, start = "kmeans++", control = em_control(n_start = 2))
  expect_identical(predict(fit, y[c(3, 4, 1, 2)]), predict(fit))
  error <- expect_error(predict(fit, y[c(1, 3, 4)]), class = "emfit_error_newdata")
  expect_match(conditionMessage(error), "a.1", fixed = TRUE)
})

test_that("components are numbered where their names don't tell, whoever names them", {
  groups <- faithful$eruptions > 3
  labels_of <- function(...) names(em_fit(faithful, ...)$parameters$proportions)
  expect_identical(labels_of(start = factor(ifelse(groups, "", "b"))), c("1", "b"))
  expect_identical(labels_of(labels = factor(ifelse(groups, "", "b"))), c("1", "b"))
  expect_identical(labels_of(start = addNA(factor(ifelse(groups, NA, "b")))), c("b", "2"))
  expect_identical(labels_of(start = cbind(a = groups, a = !groups) + 0), c("a", "a.1"))
  expect_identical(labels_of(k = 2, latent = em_mixture(c(a = 0.4, a = 0.6))), c("a", "a.1"))
  one <- em_fit(faithful$eruptions, start = list(mean = c(a = 2, 4), sd = c(1, 1)))
  expect_identical(names(coef(one)), c("proportion[a]", "proportion[2]", "mean[a]", "mean[2]", "sd[a]", "sd[2]"))
  expect_identical(levels(predict(one)), c("a", "2"))
})

test_that("a level NA of the labels says that the group is not known", {
  known <- replace(ifelse(faithful$eruptions > 3, "long", "short"), 20:272, NA)
  set.seed(1)
  plain <- em_fit(faithful, labels = factor(known))
  set.seed(1)
  expect_identical(em_fit(faithful, labels = addNA(factor(known)))$parameters, plain$parameters)
})

test_that("two covariances never share a name", {
  table <- data.frame(component = "1", term = "covariance", variable = c("a", "a.b"), variable2 = c("b.c", "c"))
  expect_identical(anyDuplicated(parameter_names(table)), 0L)
})
