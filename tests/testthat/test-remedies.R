# A remedy is true where it is shown, and what can be pasted works.
hint_of <- function(call) {
  error <- tryCatch(call, error = identity)
  expect_s3_class(error, "emfit_error")
  error$message <- conditionMessage(error)
  sub("^(i|\u2139) ", "", utils::tail(strsplit(error$message, "\n")[[1L]], 1L))
}

fit <- em_fit(faithful, k = 1)

test_that("numbers beside categories are for mixed columns, or dropped where they stand: in the data or in the formula", {
  mixed <- "Numbers beside categories are for family = \"mixed\". Or "
  expect_identical(hint_of(em_fit(iris, k = 3)), paste0(mixed, "drop it: iris[-5]."))
  expect_identical(hint_of(em_fit(k = 3, iris)), paste0(mixed, "drop it: iris[-5]."))
  expect_identical(hint_of(em_start(x = iris, k = 3)), paste0(mixed, "drop it: iris[-5]."))
  expect_identical(hint_of(em_fit(~ ., data = iris, k = 3)), paste0(mixed, "take it out of the formula: ~ . - Species"))
  two <- cbind(iris, `a b` = "z")
  expect_identical(hint_of(em_fit(two, k = 3)), paste0(mixed, "drop them: two[-c(5, 6)]."))
  expect_identical(hint_of(em_select(~ ., two)), paste0(mixed, "take them out of the formula: ~ . - Species - `a b`"))
  expect_s3_class(suppressMessages(em_fit(iris, k = 1, family = "mixed")), "em_fit")
  listed <- cbind(faithful, group = I(as.list(1:272)))
  expect_identical(hint_of(em_fit(listed, k = 3)), "Drop it: listed[-3].")
  new <- transform(faithful, waiting = "long")
  expect_identical(hint_of(predict(fit, new)), "The fit has numbers there.")
})

test_that("numbers in disguise are converted, not dropped, and the fix can be pasted", {
  d <- faithful
  cases <- list(
    d$waiting + Sys.Date(), as.difftime(d$waiting, units = "mins"), as.character(d$waiting), factor(d$waiting),
    d$waiting > 60, structure(d$waiting, class = c("haven_labelled", "vctrs_vctr", "double"))
  )
  for (column in cases) {
    d$waiting <- column
    hint <- hint_of(em_fit(d, k = 1))
    expect_match(hint, "Its values are numbers: d$waiting <- as.numeric(", fixed = TRUE)
    eval(parse(text = sub(".*: ", "", hint)))
    expect_s3_class(em_fit(d, k = 1), "em_fit")
    d$waiting <- column
    expect_match(hint_of(em_fit(~ ., d, k = 1)), "d$waiting <- as.numeric(", fixed = TRUE)
    if (is.logical(column)) next # of new rows TRUE and FALSE are read
    expect_match(hint_of(predict(fit, d)), "d$waiting <- as.numeric(", fixed = TRUE)
    expect_match(hint_of(predict(fit, newdata = d)), "d$waiting <- as.numeric(", fixed = TRUE)
  }
  names(d) <- c("eruptions", "")
  expect_match(hint_of(em_fit(d, k = 1)), "d[[2]] <- as.numeric(", fixed = TRUE)
  few <- data.frame(x = 1:4 + 0, group = factor(c(1, 2, 1, 2)))
  expect_identical(hint_of(em_fit(few, k = 1)), paste("Numbers beside categories are for family = \"mixed\". Or", "drop it: few[-2]."))
})

test_that("other shapes are told how to become a matrix of numbers", {
  days <- Sys.Date() + c(1, 5, 9)
  expect_identical(hint_of(em_fit(days, k = 1)), "Its values are numbers: days <- as.numeric(days)")
  sparse <- structure(list(), class = "simple_triplet_matrix")
  expect_identical(hint_of(em_fit(sparse, k = 1)), "It becomes one by as.matrix(sparse).")
  apart <- dist(faithful[1:5, ])
  expect_identical(hint_of(em_fit(apart, k = 1)), "Distances have no coordinates; cmdscale(apart) finds some.")
  listed <- as.list(faithful)
  expect_identical(hint_of(em_fit(listed, k = 1)),
                   "Columns of the same length make a data frame: as.data.frame(listed).")
  cube <- array(0, c(2, 3, 4))
  expect_match(hint_of(em_fit(cube, k = 1)), "matrix(cube, nrow = dim(cube)[1])", fixed = TRUE)
  yes <- matrix(TRUE, 2, 2)
  expect_identical(hint_of(em_fit(yes, k = 1)), "TRUE and FALSE are 1 and 0 in yes + 0.")
  expect_identical(hint_of(em_fit(letters, k = 1)), "Groups are what EM finds; give it the measurements.")
})

test_that("integer64 is never read as the doubles that it is not", {
  skip_if(isNamespaceLoaded("bit64"))
  wide <- data.frame(x = 1:5 + 0)
  wide$id <- structure(as.double(1:5), class = "integer64")
  expect_identical(hint_of(em_fit(wide, k = 1)), "library(bit64) is needed to read integer64.")
  expect_identical(hint_of(em_fit(wide$id, k = 1)), "library(bit64) is needed to read integer64.")
})

test_that("NaN is told from NA, and infinite values from missing ones", {
  v <- c(1, NaN, 3, 4)
  expect_identical(hint_of(em_fit(v, k = 1)), paste(
    "NaN is what 0/0 gives, and not NA. Where it stands for a missing value: v[is.nan(v)] <- NA"))
  d <- replace(faithful, 1L, replace(faithful$eruptions, 3L, Inf))
  hint <- hint_of(em_fit(d, k = 1))
  expect_match(hint, "infinite ones are not", fixed = TRUE)
  eval(parse(text = sub(".*value: ", "", hint)))
  expect_identical(sum(is.na(d)), 1L)
  expect_match(hint_of(em_fit(~ log(waiting - 43), faithful, k = 1)), "make it NA.", fixed = TRUE)
})

test_that("a simpler covariance is simpler, and nobody is told to use what he uses", {
  letters_of <- function(name) family_simpler(em_gaussian(name))
  expect_identical(letters_of("VVV"), "EEE")
  expect_identical(letters_of("EEE"), "EEI")
  expect_identical(letters_of("VVI"), "EEI")
  expect_identical(letters_of("EEI"), "EII")
  expect_identical(letters_of("VII"), "EII")
  expect_identical(letters_of("V"), "E")
  expect_null(letters_of("E"))
  expect_null(letters_of("EII"))
  expect_null(family_simpler(em_binomial()))
  expect_identical(simpler_hint(em_gaussian("E")), "Use fewer components.")
})

test_that("several constant columns are removed together", {
  expect_identical(hint_of(abort_constant(list(names = c("a", "b", "c"), x = diag(3)), diag(3), 1:2)), "Remove them.")
})
