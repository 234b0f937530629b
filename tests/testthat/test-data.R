test_that("red_blue has twenty numbers of each colour", {
  expect_named(red_blue, c("value", "colour"))
  expect_identical(levels(red_blue$colour), c("red", "blue"))
  expect_equal(as.integer(table(red_blue$colour)), c(20L, 20L))
  expect_type(red_blue$value, "double")
  expect_identical(red_blue$value[1:3], c(3.262877681138166, 2.3630411611233346, 4.122499062745511))
})

test_that("coins has five sets of ten tosses that agree with the counts", {
  expect_named(coins, c("set", "sequence", "heads", "tails", "coin"))
  expect_identical(levels(coins$coin), c("A", "B"))
  expect_equal(nchar(coins$sequence), rep(10L, 5))
  expect_equal(nchar(gsub("T", "", coins$sequence)), coins$heads)
  expect_equal(coins$heads + coins$tails, rep(10L, 5))
  expect_equal(coins$heads, c(5L, 9L, 8L, 4L, 7L))
})

test_that("three_groups has a hundred points in each group", {
  expect_named(three_groups, c("x1", "x2", "group"))
  expect_identical(levels(three_groups$group), c("1", "2", "3"))
  expect_equal(as.integer(table(three_groups$group)), rep(100L, 3))
  expect_identical(three_groups$x1[1], 0.4967141530112327)
  expect_identical(three_groups$x2[300], 5.377300493044852)
  centres <- aggregate(three_groups[1:2], three_groups["group"], mean)
  expect_equal(centres$x1, c(0, 5, 0), tolerance = 0.1)
})
