# Cross-validation of classes, with the choice inside the parts.

left_out_errors <- function(structure, x, y) {
  cv <- em_cv(em_classify(x, y, covariance = structure), folds = nrow(x))
  round(cv$error[["estimate"]] * nrow(x))
}

plain_left_out <- function(x, y) {
  x <- as.matrix(x)
  vapply(seq_len(nrow(x)), function(i) {
    score <- vapply(levels(y), function(class) {
      own <- x[setdiff(which(y == class), i), ]
      sigma <- crossprod(sweep(own, 2, colMeans(own))) / nrow(own)
      log(nrow(own)) - (mahalanobis(x[i, ], colMeans(own), sigma) + log(det(sigma))) / 2
    }, 0)
    names(which.max(score)) != y[i]
  }, NA)
}

test_that("leaving one out makes the errors of MASS, and of plain R", {
  skip_if_not_installed("MASS")
  skip_if_not_installed("mclust")
  lda <- MASS::lda(iris[1:4], iris$Species, CV = TRUE)
  cv <- withr_seed(1, em_cv(em_classify(iris[1:4], iris$Species, covariance = "EEE"), folds = 150))
  expect_identical(as.character(cv$class), as.character(lda$class))
  expect_equal(round(150 * cv$error[["estimate"]]), 3)
  expect_equal(left_out_errors("VVV", iris[1:4], iris$Species), sum(plain_left_out(iris[1:4], iris$Species)))
  notes <- mclust::banknote
  expect_equal(left_out_errors("EEE", notes[-1], notes$Status), 1)
  expect_equal(left_out_errors("VVV", notes[-1], notes$Status), 1)
  gland <- mclust::thyroid
  expect_equal(left_out_errors("EEE", gland[-1], gland$Diagnosis), 19)
  expect_equal(left_out_errors("VVV", gland[-1], gland$Diagnosis), 8)
})

test_that("scores and their spread are those of the parts by hand", {
  parts <- rep(1:3, 50)
  cl <- em_classify(iris[1:4], iris$Species, covariance = "VVI")
  cv <- em_cv(cl, folds = parts, prior = "equal")
  scores <- vapply(1:3, function(part) {
    own <- parts == part
    fit <- em_classify(iris[!own, 1:4], iris$Species[!own], covariance = "VVI")
    p <- predict(fit, iris[own, 1:4], type = "prob", prior = "equal")
    truth <- outer(as.integer(iris$Species[own]), 1:3, `==`)
    c(mean(predict(fit, iris[own, 1:4], prior = "equal") != iris$Species[own]), mean(rowSums((p - truth)^2)) / 2, -mean(log(p[truth])))
  }, numeric(3))
  for (i in 1:3) {
    name <- c("error", "brier", "log_loss")[i]
    expect_equal(cv[[name]][["estimate"]], mean(scores[i, ]), tolerance = 1e-8)
    expect_equal(cv[[name]][["std.error"]], sd(scores[i, ]) / sqrt(3), tolerance = 1e-8)
    expect_equal(tidy(cv)[[name]], scores[i, ], tolerance = 1e-8)
  }
  expect_equal(sum(cv$confusion), 150)
  costs <- 1 - diag(3)
  costs[3, 2] <- 10
  costly <- em_cv(cl, folds = parts, costs = costs)
  expect_equal(costly$cost[["estimate"]], sum(costly$confusion * costs) / 150)
  expect_identical(glance(costly)$nobs, 150)
  expect_snapshot(print(costly))
})

test_that("numbers of components and structure are chosen again in each part", {
  cl <- withr_seed(1, em_classify(iris[1:2], iris$Species, k = 1:2, covariance = c("EEE", "VVI"), control = em_control(n_start = 2)))
  parts <- rep(1:3, 50)
  cv <- withr_seed(1, em_cv(cl, folds = parts))
  for (part in 1:3) {
    own <- parts == part
    alone <- withr_seed(1, em_classify(iris[!own, 1:2], iris$Species[!own], k = 1:2, covariance = c("EEE", "VVI"),
                                       control = em_control(n_start = 2)))
    expect_identical(cv$folds$covariance[part], glance(alone)$covariance)
    expect_identical(cv$folds$k[part], alone$table$k[1])
  }
  forced <- withr_seed(1, em_classify(iris[1:4], iris$Species, covariance = c("EII", "VVV"), criterion = "CV", folds = 3))
  expect_identical(withr_seed(1, em_cv(forced, folds = 3))$folds$covariance, rep("VVV", 3))
  # where there is nothing to choose by, parts choose differently
  outside <- withr_seed(7, {
    x <- matrix(rnorm(40 * 2), 40)
    y <- rep(c("a", "b"), 20)
    em_cv(em_classify(x, y, covariance = "all"), folds = 4)
  })
  expect_gt(length(unique(outside$folds$covariance)), 1L)
})

test_that("parts have of every class, and rows without one are never left out", {
  y <- iris$Species
  y[c(1:20, 60:70)] <- NA
  cl <- em_classify(iris[1:4], y, covariance = "EEE")
  cv <- withr_seed(1, em_cv(cl, folds = 5))
  expect_identical(which(is.na(cv$class)), which(is.na(y)))
  folds <- withr_seed(2, emfit:::class_folds(emfit:::plan_of(cl), 5))
  sizes <- table(folds, y)
  expect_lte(max(apply(sizes, 2, function(s) diff(range(s)))), 1)
  expect_lte(diff(range(rowSums(sizes))), 1)
  expect_error(em_cv(em_classify(iris[1:4], rep(c("a", "b"), c(149, 1)), covariance = "EEE")),
               "Class \"b\" has all its rows in one part", class = "emfit_error_argument")
  expect_error(em_cv(cl, folds = 1), "`folds` must be a whole number of 2 or more", class = "emfit_error_argument")
  weighted <- withr_seed(1, em_cv(em_classify(iris[1:4], iris$Species, covariance = "EEE", weights = rep(1:3, 50)), folds = 3))
  expect_equal(weighted$n, 300)
})
