# Numbers in the prose of a vignette are computed, not typed, and every picture has a text for those who can't see
# it. The sources are read; that they knit is shown by building the package.

vignette_files <- function() {
  folders <- c(test_path("../../vignettes"), test_path("../../00_pkg_src/emfit/vignettes"),
               system.file("doc", package = "emfit"))
  list.files(folders[dir.exists(folders)][1], "[.]Rmd$", full.names = TRUE)
}

# Line by line: FALSE inside code chunks and the header.
is_prose <- function(lines) {
  fence <- grepl("^```", lines)
  header <- seq_along(lines) <= which(lines == "---")[2]
  !header & !fence & cumsum(fence) %% 2 == 0
}

# Inline code, code in backticks, links and citations are no prose.
plain_prose <- function(lines) {
  lines <- paste(lines, collapse = "\n")
  lines <- gsub("`[^`]*`", "", lines)
  lines <- gsub("<https?://[^>]*>|\\]\\([^)]*\\)|doi:[^ ,)]*", "", lines)
  strsplit(lines, "\n")[[1]]
}

test_that("there are vignettes, and the test of their prose notices a typed decimal", {
  expect_true(all(paste0(c("emfit", "red-blue", "two-coins", "three-groups", "why-em-works", "coming-from", "inside"), ".Rmd")
                  %in% basename(vignette_files())))
  lines <- c("---", "v: 0.1", "---", "```{r}", "x <- 0.5", "```", "A `r 0.5` of 0.8 or -.45; 3. Then 12 in 1:2.")
  expect_identical(is_prose(lines), rep(c(FALSE, TRUE), c(6, 1)))
  expect_identical(regmatches(plain_prose(lines[7]), gregexpr("[0-9]*[.][0-9]+", plain_prose(lines[7])))[[1]],
                   c("0.8", ".45"))
})

test_that("no decimal is typed in the prose", {
  for (file in vignette_files()) {
    lines <- readLines(file, encoding = "UTF-8")
    found <- grep("[0-9]*[.][0-9]+", plain_prose(lines[is_prose(lines)]), value = TRUE)
    expect_identical(found, character(), label = paste("decimals in the prose of", basename(file)))
  }
})

test_that("every chunk that draws has an alternative text", {
  for (file in vignette_files()) {
    lines <- readLines(file, encoding = "UTF-8")
    open <- grep("^```\\{r", lines)
    close <- vapply(open, function(at) at + which(lines[-seq_len(at)] == "```")[1], 0)
    draws <- vapply(seq_along(open), function(i) {
      any(grepl("\\b(plot|autoplot|curve|hist|barplot|stripchart|contour|matplot)\\(", lines[open[i]:close[i]]))
    }, NA)
    silent <- open[draws & !grepl("fig[.]alt|include *= *FALSE|fig[.]show", lines[open])]
    expect_identical(lines[silent], character(), label = paste("pictures without fig.alt in", basename(file)))
  }
})

test_that("no code that is shown is wider than a page, and what is printed wraps", {
  for (file in vignette_files()) {
    lines <- readLines(file, encoding = "UTF-8")
    open <- grep("^```\\{r", lines)
    shown <- open[!grepl("include *= *FALSE|echo *= *FALSE", lines[open])]
    code <- unlist(lapply(shown, function(at) lines[at + seq_len(which(lines[-seq_len(at)] == "```")[1] - 1L)]))
    expect_identical(code[nchar(code) > 88L], character(), label = paste("wide code in", basename(file)))
    expect_true(any(lines == "      in_header: page-head.txt"), label = paste(basename(file), "wraps long lines"))
  }
})

test_that("what is scattered at random for a picture is scattered alike each time", {
  for (file in vignette_files()) {
    lines <- readLines(file, encoding = "UTF-8")
    open <- grep("^```\\{r", lines)
    chunks <- lapply(open, function(at) lines[at + seq_len(which(lines[-seq_len(at)] == "```")[1] - 1L)])
    wild <- Filter(function(chunk) any(grepl("jitter", chunk)) && !any(grepl("set[.]seed", chunk)), chunks)
    expect_identical(wild, list(), label = paste("unseeded jitter in", basename(file)))
  }
})

# The code of a vignette, run; its objects can then be looked at. What it compares for all to see must be equal.
run_vignette <- function(name) {
  file <- grep(paste0("/", name, "[.]Rmd$"), vignette_files(), value = TRUE)
  code <- tempfile(fileext = ".R")
  knitr::purl(file, output = code, documentation = 0, quiet = TRUE)
  home <- new.env(parent = globalenv())
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  for (step in parse(code)) {
    utils::capture.output(value <- suppressMessages(suppressWarnings(eval(step, home))))
    compares <- is.call(step) && as.character(step[[1]])[1] %in% c("all.equal", "identical")
    if (compares) expect_true(value, label = paste0(name, ": ", deparse(step)[1]))
  }
  home
}

test_that("red-blue shows what it says", {
  skip_if_not_installed("knitr")
  v <- run_vignette("red-blue")
  expect_printed(v$likelihood, c(0.189, 0.000), 3)
  expect_printed(v$likelihood[["blue"]], 0.00003, 5)
  expect_printed(c(v$known$mean, v$known$sd), c(2.813, 6.973, 0.800, 2.039), 3)
  expect_printed(v$result$guess, c(2.910, 6.838, 0.854, 2.227), 3)
  expect_within(v$fit$parameters$mean, v$mean, 1e-9)
  expect_within(v$p$sd, v$sd, 1e-9)
  expect_identical(unique(vapply(v$ends, function(fit) round(fit$loglik, 4), 0)), round(v$limit$loglik, 4))
  expect_printed(v$free$parameters$proportions[["red"]], 0.484, 3)
})

test_that("two-coins shows what it says", {
  skip_if_not_installed("knitr")
  v <- run_vignette("two-coins")
  expect_printed(v$known$prob, c(0.80, 0.45), 2)
  expect_within(v$weights(v$binomial), v$weights(v$sequence), 1e-14)
  expect_within(v$weights(v$binomial), v$weights(v$multinomial), 1e-14)
  expect_printed(v$total, c(21.3, 8.6, 11.7, 8.4), 1)
  expect_printed(unlist(v$table[1, -1]), c(2.2, 2.2, 2.8, 2.8), 1)
  expect_printed(v$p1$prob, c(0.71, 0.58), 2)
  expect_printed(v$p$prob, c(0.80, 0.52), 2)
  expect_identical(v$stopped$iterations, 8L)
  expect_printed(v$stuck$parameters$prob, c(0.66, 0.66), 2)
  expect_printed(c(BIC(v$one), BIC(v$limit)), c(22.17, 22.81), 2)
})

test_that("three-groups shows what it says", {
  skip_if_not_installed("knitr")
  v <- run_vignette("three-groups")
  expect_identical(v$fit$iterations, 41L)
  expect_within(v$fit$loglik, -1146.1036342018924, 1e-8)
  expect_within(v$own$loglik, v$fit$loglik, 0.01)
  expect_identical(v$shapes[which.min(vapply(v$fits, BIC, 0))], "EII")
  expect_gt(sum(v$single < v$own$loglik - 1), 0)
  expect_lt(sum(v$single < v$own$loglik - 1), 10)
  expect_gt(sum(v$own$starts$status == "stopped_early"), 0)
  expect_length(unique(v$own$starts$method), 4)
})

test_that("inside shows what it says", {
  skip_if_not_installed("knitr")
  v <- run_vignette("inside")
  expect_length(v$whole, 16)
  expect_identical(v$in_chunks$loglik, v$in_memory$loglik)
  expect_equal(c(nobs(v$by_chick), nobs(v$series)), c(50, 578))
})

test_that("why-em-works shows what it says", {
  skip_if_not_installed("knitr")
  v <- run_vignette("why-em-works")
  expect_gt(min(diff(v$fit$trace$loglik)), 0)
  expect_true(all(diff(v$slow["iterations", ]) > 0) && all(diff(v$slow["ratio", ]) > 0))
  expect_within(v$short$remaining / (v$best$loglik - v$short$loglik), 1, 0.1)
  expect_lt(v$time(TRUE)$iterations, v$time(FALSE)$iterations / 10)
})

test_that("emfit shows what it says of noise and of a prior", {
  skip_if_not_installed("knitr")
  v <- run_vignette("emfit")
  expect_gt(sum(v$found), nrow(v$stray) / 2)
  expect_within(v$noisy$parameters$mean[, "waiting"], v$fit$parameters$mean[, "waiting"], 1.5)
  expect_gt(length(v$lost$degenerate), 0)
  expect_length(v$kept$degenerate, 0)
  expect_gt(min(v$kept$parameters$sd), 0.01)
})

test_that("missing-values shows what it says", {
  skip_if_not_installed("knitr")
  v <- run_vignette("missing-values")
  expect_gt(v$fits[["filled by means"]]$degenerate[1], 0)
  errors <- abs(sweep(v$estimates, 2, c(2 / 3, v$truth$mean[, 2], 1, v$truth$correlation)))
  expect_true(all(apply(errors, 1, max)["exact EM"] < apply(errors, 1, max)[-1] / 5))
})

test_that("how-many shows what it says", {
  skip_if_not_installed("knitr")
  v <- run_vignette("how-many")
  expect_identical(best(v$flowers)$k, 2L)
  expect_gt(BIC(best(v$flowers, k = 3)) - BIC(best(v$flowers)), 0)
  expect_identical(c(best(v$geyser)$k, best(v$geyser, criterion = "ICL")$k), c(3L, 2L))
  expect_gt(best(v$geyser, criterion = "AIC")$k, 3L)
})

test_that("coming-from shows what it says", {
  skip_if_not_installed("knitr")
  v <- run_vignette("coming-from")
  expect_within(v$small$parameters$mean * 1e6, v$fit$parameters$mean, 1e-4)
})
