# Everything that went wrong for users of such packages, one row each: the input, and the exact outcome. The rows
# are in hard-cases/*.R: fails(), warns() and gives() say the condition's whole class and what its message must
# contain, or the value.
cases <- read_hard_cases(test_path("hard-cases"))

test_that("the table is as large as it says, and no row is there twice", {
  expect_gte(length(cases), 80L)
  expect_identical(anyDuplicated(vapply(cases, `[[`, "", "what")), 0L)
})

for (case in cases) {
  test_that(case$what, {
    expect_outcome(case)
  })
}
