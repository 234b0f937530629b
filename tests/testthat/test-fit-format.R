# What is printed under the options of R that change how things are printed: the same numbers, each rounded from all its
# digits, and no NA. Every print method of the package is walked.

halves <- function() 1 + (faithful$waiting < 68)

# For each class with a print method, functions that give an object of it: what is computed for print alone, such as the
# words of a diagnosis, is computed under the options.
printed_objects <- function() {
  fit <- em_fit(faithful, start = halves())
  line <- em_fit(faithful$waiting, k = 2)
  units <- em_fit(cbind(far = faithful$waiting + 1234567.8, small = faithful$eruptions / 12345), start = halves())
  coin <- em_fit(coins[c("heads", "tails")], 2, "binomial", em_mixture(c(0.25, 0.75)), start = list(prob = c(0.8, 0.52)))
  noise <- em_fit(faithful, latent = em_mixture(noise = TRUE), start = halves())
  heavy <- em_fit(faithful, weights = rep(c(0.123456, 1234.5), 136), start = halves())
  prior <- em_prior(mean = c(1.5, 2.25), kappa = 0.01)
  held <- em_fit(faithful, family = em_gaussian(prior = prior), start = halves())
  select <- em_select(faithful, k = 1:2, covariance = c("EEE", "VVV"))
  boot <- em_bootstrap(fit, n_boot = 5)
  folded <- em_cv(line, folds = 3)
  test <- em_lrt(line, n_boot = 4)
  begin <- em_start(faithful, start = halves())
  wrong <- em_family("exponential", list(rate = "positive"), statistics = function(x) cbind(1, x),
                     log_density = function(x, parameters) -outer(x, parameters$rate), maximise = function(s) list(rate = s[, 1] / s[, 2]))
  laws <- em_check_family(wrong, islands)
  words <- matrix(stats::rpois(60, 3), 10, dimnames = list(NULL, letters[1:6]))
  topics <- em_fit(words, 2, latent = em_topics(0.123456789))
  classes <- em_classify(iris[1:2], iris$Species, covariance = c("EEE", "VVV"))
  chunks <- em_chunks(list(faithful))
  look <- em_look(chunks)
  list(
    em_fit = function() list(fit, line, units, coin, noise, heavy, held, topics),
    summary.em_fit = function() lapply(list(fit, units, noise), summary),
    em_select = function() list(select), em_cv = function() list(folded), em_bootstrap = function() list(boot), em_lrt = function() list(test),
    em_diagnosis = function() lapply(list(fit, units, heavy), em_diagnose), em_parameters = function() list(begin),
    em_prior = function() list(prior), em_family = function() list(em_gaussian(prior = prior), em_binomial(10)),
    em_family_check = function() list(laws), summary.em_fit_topics = function() list(summary(topics)),
    em_classify = function() list(classes), em_classify_cv = function() list(em_cv(classes, folds = rep(1:3, 50))),
    em_agree = function() list(em_agree(fit, halves()), em_agree(halves(), faithful$eruptions > 4.5)),
    em_latent = function() list(em_mixture(c(0.25, 0.75))),
    em_chunks = function() list(chunks), em_look = function() list(look),
    em_plot = function() list(plot_data(fit), plot_data(coin, "responsibility")),
    em_density = function() list(em_marginal(noise), em_conditional(fit, eruptions = 3)),
    em_hdr = function() list(em_hdr(fit, 0.9, "waiting"), em_hdr(fit, n = 500, seed = 1)),
    em_merge = function() list(em_merge(fit), em_merge(fit, "ridgeline")),
    matrix = function() list(vcov(fit), confint(line), confint(boot), vcov(boot))
  )
}

objects <- withr_seed(1, suppressWarnings(printed_objects()))

# What is printed with the options; a warning is an error.
printed <- function(make, ...) {
  old <- options(list(..., warn = 2))
  on.exit(options(old))
  unlist(lapply(make(), function(x) capture.output(print(x))))
}

numbers_in <- function(lines) unlist(regmatches(lines, gregexpr("-?[0-9]+([.,][0-9]+)?(e[-+][0-9]+)?", lines)))

# Half a unit of the last digit shown: "4.8070" stands for 4.80695 to 4.80705, "1235000" for half a unit less or more.
half_unit <- function(text) {
  decimals <- nchar(sub("^[^.]*[.]?", "", sub("e.*", "", text)))
  exponent <- ifelse(grepl("e", text), suppressWarnings(as.numeric(sub(".*e", "", text))), 0)
  0.5 * 10^(exponent - decimals)
}

# Two texts of one number agree where both are roundings of it.
agree <- function(a, b) {
  a <- sub(",", ".", a)
  b <- sub(",", ".", b)
  abs(as.numeric(a) - as.numeric(b)) <= (half_unit(a) + half_unit(b)) * (1 + 1e-6)
}

test_that("agree() knows invented digits from rounded ones", {
  expect_identical(agree(c("4.807", "4.8073020", "4,807", "1.23e+06", "-0.50"),
                         c("4.80730204", "4.80730204", "4.8073", "1234567", "-0.5")), rep(TRUE, 5))
  expect_identical(agree(c("4.807000", "1235000", "4.81", "5"), c("4.80730204", "1234567.8", "4.80", "4")),
                   c(FALSE, FALSE, TRUE, TRUE))
})

test_that("every print method of the package has an object here", {
  methods <- getNamespaceInfo("emfit", "S3methods")
  expect_identical(setdiff(methods[methods[, 1] == "print", 2], names(objects)), character())
})

for (class in names(objects)) local({
  make <- objects[[class]]
  usual <- printed(make, width = 10000)

  test_that(paste("nothing printed is NA, and no digit is invented:", class), {
    expect_no_match(usual, "\\bNA\\b")
    full <- numbers_in(printed(make, width = 10000, digits = 15))
    expect_length(numbers_in(usual), length(full))
    for (options in list(list(digits = 3), list(digits = 7), list(scipen = -5), list(scipen = 50), list(OutDec = ","),
                         list(OutDec = ",", digits = 12, scipen = -5))) {
      lines <- do.call(printed, c(list(make, width = 10000), options))
      expect_no_match(lines, "\\bNA\\b")
      wrong <- which(!agree(numbers_in(lines), full))
      expect_identical(numbers_in(lines)[wrong], character(), label = paste(class, deparse(options)))
    }
  })

  test_that(paste("a decimal comma is all that OutDec changes:", class), {
    comma <- printed(make, width = 10000, OutDec = ",")
    expect_identical(gsub("([0-9]),([0-9])", "\\1.\\2", comma), usual)
  })

  test_that(paste("options that have nothing to do with numbers change nothing:", class), {
    expect_identical(printed(make, width = 10000, useFancyQuotes = FALSE, stringsAsFactors = FALSE,
                             contrasts = c("contr.sum", "contr.poly"), na.action = "na.fail", max.print = 200), usual)
  })

  test_that(paste("a narrow console shows no other numbers:", class), {
    narrow <- printed(make, width = 40)
    expect_no_match(narrow, "\\bNA\\b")
    expect_identical(setdiff(numbers_in(narrow), numbers_in(usual)), character())
  })
})

test_that("numbers that differ are not printed alike for want of digits, and small neighbours get no zeros", {
  x <- cbind(c(1234567.891, 1234590.907)[halves()], faithful$eruptions) + 0.3 * sin(seq_len(272)^2)
  fit <- em_fit(x, start = halves())
  expect_match(format(fit)[5], " 1234568 ", fixed = TRUE)
  expect_match(format(fit)[6], " 1234591 ", fixed = TRUE)
  expect_identical(format_columns(data.frame(a = c(4.807302, 0.00012344), b = c("x", NA)), 4L),
                   data.frame(a = c("4.8073020", "0.0001234"), b = c("x", "")))
})

test_that("fixed() has the decimals asked for, the mark of the options, and no more digits than a number has", {
  expect_identical(fixed(c(-0.001, 1234567.125, NA, Inf, 1e15), 2L), c("0.00", "1234567.12", "NA", "Inf", "1e+15"))
  old <- options(OutDec = ",", scipen = -9, digits = 3)
  on.exit(options(old))
  expect_identical(fixed(c(0.25, 100000), 1L), c("0,2", "100000,0"))
  expect_identical(fixed(0.25, 2L, "."), "0.25")
  expect_identical(plural(12.25, "row"), "12.25 rows")
})

test_that("a table too wide goes on in further blocks that repeat the names of its rows", {
  table <- data.frame(id = c("a", "bb"), one = c("1", "22"), two = c("333", "4"), check.names = FALSE)
  expect_identical(table_lines(table, width = 80), c(" id one two", "  a   1 333", " bb  22   4"))
  expect_identical(table_lines(table, width = 7), c(" id one", "  a   1", " bb  22", " id two", "  a 333", " bb   4"))
  expect_identical(table_lines(table, width = 1), table_lines(table, width = 7))
  expect_identical(first_columns(table, least = 1L, width = 7), 2L)
  expect_identical(first_columns(table, least = 3L, width = 7), 3L)
})

test_that("tables and diagnoses keep within a narrow console; remedies stay in one line", {
  fit <- em_fit(setNames(cbind(faithful, faithful^2), c("one", "another_one", "third", "fourth_of_them")),
                start = halves())
  selection <- em_select(faithful$waiting, k = 1:2, covariance = c("E", "V"), search = "quick")
  for (width in c(40, 60)) {
    old <- options(width = width)
    table <- format(fit)
    expect_lte(max(nchar(table[4:(which(table == "")[2] - 1)])), width)
    expect_lte(max(nchar(table_lines(format_columns(summary(fit)$components, 4L)))), width)
    expect_lte(max(nchar(grep("^ ", format(selection), value = TRUE))), width)
    told <- format(em_diagnose(fit), all = TRUE)[-(1:2)]
    expect_lte(max(nchar(grep("^ +Try ", told, value = TRUE, invert = TRUE))), width)
    options(old)
  }
})

test_that("the page of em_animate() is the same whatever the options", {
  page <- function(fit, ...) {
    old <- options(...)
    on.exit(options(old))
    file <- tempfile(fileext = ".html")
    on.exit(unlink(file), add = TRUE)
    readLines(em_animate(fit, file))
  }
  control <- em_control(path = TRUE, max_iter = 5, tol = 0)
  for (fit in list(em_fit(faithful, start = halves(), control = control),
                   em_fit(faithful$waiting, start = halves(), control = control),
                   em_fit(coins[c("heads", "tails")], 2, "binomial", start = list(prob = c(0.8, 0.52)),
                          control = control))) {
    expect_identical(page(fit, OutDec = ",", scipen = -9, digits = 3), page(fit))
  }
})

test_that("one number that takes a power of ten leaves its column as it is", {
  text <- emfit:::format_columns(data.frame(df = c(104100000000, 18.667)), 4L)$df
  expect_identical(text, c("1.041e+11", "18.67"))
  tiny <- emfit:::format_columns(data.frame(v = c(1.5e-9, 2.25e-9)), 4L)$v
  expect_identical(tiny, c("1.50e-09", "2.25e-09"))
})

test_that("what is less than the rounding of the largest number beside it prints as 0", {
  expect_identical(emfit:::format_numbers(c(7.28e-22, 0.9691), 4), c("0.0000", "0.9691"))
  expect_identical(emfit:::format_numbers(c(3.987e-10, 0.4223), 4), c("3.987e-10", "0.4223"))
  expect_identical(emfit:::format_numbers(c(NA, 1), 4), c("NA", " 1"))
})
