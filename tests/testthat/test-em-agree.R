# Agreement of groups with known classes.

permutations <- function(n) {
  if (n == 1) return(matrix(1L))
  do.call(rbind, lapply(seq_len(n), function(i) {
    rest <- permutations(n - 1)
    cbind(i, matrix(setdiff(seq_len(n), i)[rest], nrow(rest)))
  }))
}

test_that("the matching is the best of all, and the index is that of pairs", {
  for (seed in 1:12) {
    groups <- withr_seed(seed, sample(4, 60, TRUE))
    y <- withr_seed(seed + 100, ifelse(runif(60) < 0.5, groups, sample(sample(3:5, 1), 60, TRUE)))
    agree <- em_agree(groups, y)
    size <- max(dim(agree$table))
    square <- matrix(0, size, size)
    square[seq_len(nrow(agree$table)), seq_len(ncol(agree$table))] <- agree$table
    right <- max(apply(permutations(size), 1, function(p) sum(square[cbind(seq_len(size), p)])))
    expect_equal(agree$wrong, 60 - right)
    same_group <- outer(groups, groups, `==`)[lower.tri(diag(60))]
    same_class <- outer(y, y, `==`)[lower.tri(diag(60))]
    expected <- sum(same_group) * sum(same_class) / choose(60, 2)
    expect_equal(agree$rand, (sum(same_group & same_class) - expected) / ((sum(same_group) + sum(same_class)) / 2 - expected))
    majority <- tapply(y, groups, function(part) max(table(part)))
    expect_equal(agree$error.majority, 1 - sum(majority) / 60)
  }
  skip_if_not_installed("mclust")
  expect_equal(agree$rand, mclust::adjustedRandIndex(groups, y))
  expect_equal(em_agree(groups, groups)$rand, 1)
})

test_that("fits, classifications, rows left out and labels are understood", {
  fit <- em_fit(iris[1:4], k = 3, start = iris$Species)
  agree <- em_agree(fit, iris$Species)
  expect_identical(unname(agree$matching), levels(iris$Species))
  expect_equal(agree$error, mean(predict(fit) != iris$Species))
  expect_equal(em_agree(em_classify(iris[1:4], iris$Species, covariance = "EEE"), iris$Species)$wrong, 3)
  labelled <- em_fit(iris[1:4], labels = iris$Species) # what it was told does not count for it
  expect_gt(em_agree(labelled, iris$Species)$wrong, 0)
  holed <- iris[1:4]
  holed[5, 1] <- NA
  left <- quietly(em_fit(holed, k = 3, start = iris$Species[-5], na.action = na.omit))
  expect_identical(em_agree(left, iris$Species)$n, 149)
  expect_identical(em_agree(fit, replace(iris$Species, 1:10, NA))$n, 140)
  expect_snapshot(print(em_agree(rep(c("a", "b", "c"), c(60, 60, 30)), iris$Species == "setosa")))
  expect_equal(em_agree(rep(1, 10), rep(1, 10))$rand, 1)
})

test_that("what are no groups is refused", {
  fails <- function(message, ...) expect_error(em_agree(...), message, class = "emfit_error_argument", fixed = TRUE)
  fails("`y` is missing: the known class", 1:3)
  fails("`fit` must be a fit, or a factor", list(1), 1:3)
  fails("`y` must be a factor or vector", 1:3, list(1))
  fails("one class for each row of the fit: 3, not 2", 1:3, 1:2)
  fails("in some rows that `fit` has a group for", 1:3, rep(NA, 3))
})
