test_that("conditions carry their whole class and the call that the user typed", {
  error <- tryCatch(em_fit(faithful, k = 0), error = identity)
  expect_identical(class(error),
                   c("emfit_error_argument", "emfit_error", "rlang_error", "error", "condition"))
  expect_identical(conditionCall(error), quote(em_fit(faithful, k = 0)))
  warning <- tryCatch(em_fit(c(3, 4), 2, em_binomial(10), start = list(prob = c(0.5, 0.5))),
                      warning = identity)
  expect_identical(class(warning),
                   c("emfit_warning_coincide", "emfit_warning", "rlang_warning", "warning", "condition"))
  message <- tryCatch(inform_em("missing", "word"), message = identity)
  expect_s3_class(message, c("emfit_message_missing", "emfit_message"))
})

test_that("the call shown is the outermost of the package's, also from inside a function", {
  analyse <- function(data) em_fit(data, 0)
  error <- tryCatch(analyse(faithful), error = identity)
  expect_identical(conditionCall(error), quote(em_fit(data, 0)))
})

test_that("lists are cut after five, and the rest counted", {
  expect_identical(enumerate(1:5), "1, 2, 3, 4, 5")
  expect_identical(enumerate(1:8), "1, 2, 3, 4, 5, ... (3 more)")
  expect_identical(quoted(c("a", "b")), "\"a\", \"b\"")
})

test_that("numbers and counts in messages obey no option", {
  old <- options(digits = 3, scipen = -9, OutDec = ",")
  on.exit(options(old))
  expect_identical(number(c(0.5, 1234.56, NaN, Inf, 1e-300)), c("0.5", "1235", "NaN", "Inf", "1e-300"))
  expect_identical(plural(1, "row"), "1 row")
  expect_identical(plural(100000, "row"), "100000 rows")
})

# Every message must be told from every other by its first line.
test_that("no two conditions in the sources begin alike", {
  # The first sentence that each call of abort_em() and the like gives, as it stands in the code.
  first_text <- function(call) {
    strings <- character()
    walk <- function(e) {
      if (is.character(e)) strings[length(strings) + 1L] <<- e
      else if (is.call(e)) lapply(as.list(e)[-1L], function(a) if (!missing(a)) walk(a))
    }
    lapply(as.list(call)[-(1:2)], walk)
    strings[1L]
  }
  texts <- character()
  find <- function(e) {
    if (!is.call(e)) return(invisible())
    if (is.name(e[[1L]]) && as.character(e[[1L]]) %in% c("abort_em", "warn_em", "inform_em")) {
      texts[length(texts) + 1L] <<- first_text(e)
    }
    for (part in as.list(e)) if (!missing(part)) find(part)
  }
  home <- asNamespace("emfit")
  for (name in ls(home, all.names = TRUE)) {
    f <- get(name, home)
    if (is.function(f)) find(body(f))
  }
  texts <- texts[!is.na(texts)]
  expect_gt(length(texts), 60)
  expect_identical(unique(texts[duplicated(texts)]), character())
})

test_that("what conditions need is not loaded with the package", {
  expect_length(intersect(c("rlang", "cli"), names(getNamespaceImports("emfit"))), 0)
})

test_that("warnings are written as rlang writes them, with colours, without, and in plain letters", {
  lines <- list("one", c("one", "two", "three"), c("one", i = "two"), c("one", x = "two", i = "three", i = "four"))
  settings <- list(list(), list(cli.num_colors = 256L), list(cli.unicode = TRUE),
                   list(cli.condition_unicode_bullets = FALSE))
  for (setting in settings) {
    old <- options(setting)
    for (bullets in lines) {
      theirs <- tryCatch(rlang::warn(bullets), warning = conditionMessage)
      expect_identical(tryCatch(warn_em("agreement", bullets), warning = conditionMessage), theirs)
    }
    options(old)
  }
})

test_that("a long warning is shown to its end", {
  code <- c(sprintf(".libPaths(%s)", paste(deparse(.libPaths()), collapse = "")),
            "emfit:::warn_em('agreement', c(strrep('word ', 500), i = 'the end'))")
  out <- system2(file.path(R.home("bin"), "Rscript"), c("--vanilla", rbind("-e", shQuote(code))), stdout = TRUE,
                 stderr = TRUE)
  expect_match(out, "the end$", all = FALSE)
})
