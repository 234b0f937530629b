# Winners that a few rows made. Rscript inst/bench/few-rows.R small [sets] | large [sets] | sound | tiny
#
# small, large: simulated sets with known truth, 16 to 60 rows or (those of criteria.R) 100 to 500; 14 structures, k = 1 to
#   5. What wins by each criterion before and after the judgement, and how much less likely are n new rows under it than
#   under the truth?
# sound: data sets whose groups are known, all structures: which components of em_fit() lean, falsely?
# tiny: data sets of 10 to 75 rows: what wins, and what leans.
suppressPackageStartupMessages(library(emfit))
own <- asNamespace("emfit")
arguments <- commandArgs(TRUE)
one <- em_control(threads = 1)
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE)[1L]))
criteria_file <- readLines(file.path(here, "criteria.R"))
eval(parse(text = criteria_file[grep("^log_density", criteria_file):(grep("^judge_set", criteria_file) - 1L)]))

packaged <- function(name, package) {
  home <- new.env()
  data(list = name, package = package, envir = home)
  home[[name]]
}
orthogonal <- function(d) qr.Q(qr(matrix(rnorm(d * d), d)))

draw_small_truth <- function(i) {
  d <- c(2, 3, 4)[1 + (i %/% 6) %% 3]
  k <- c(1, 2, 3)[1 + (i %/% 18) %% 3]
  mean <- matrix(rnorm(k * d), k)
  gaps <- as.matrix(dist(mean))
  if (k > 1) mean <- mean * (if (i %% 2) 6 else 3.5) / min(gaps[upper.tri(gaps)])
  covariance <- array(0, c(d, d, k))
  for (j in seq_len(k)) {
    axes <- orthogonal(d)
    here <- axes %*% diag(exp(runif(d, -0.7, 0.7)), d) %*% t(axes)
    covariance[, , j] <- if (i %% 3 == 0 && j > 1) covariance[, , 1] else here
  }
  w <- runif(k, 0.5, 1.5)
  list(w = w / sum(w), mean = mean, covariance = covariance, n = c(16, 20, 25, 30, 40, 60)[1 + i %% 6], k = k, d = d)
}

# For each criterion the winner before and after: regret and k too many.
judge_set <- function(i, draw_truth) {
  set.seed(1000 + i)
  truth <- draw_truth(i)
  x <- draw_rows(truth, truth$n)
  new <- draw_rows(truth, 4000)
  best <- mean(log_density(new, truth$w, truth$mean, truth$covariance))
  rows <- lapply(c("BIC", "ICL", "AIC"), function(criterion) {
    models <- suppressWarnings(em_select(x, k = 1:5, criterion = criterion, control = one))
    table <- models$table
    regret <- function(row) {
      p <- models$cells[[row]]$run$parameters
      k <- table$k[row]
      found <- log_density(new, c(p$proportions), matrix(p$mean, k), array(p$covariance, c(truth$d, truth$d, k)))
      truth$n * (best - mean(found))
    }
    before <- which.min(table[[criterion]])
    after <- own$rank_fits(table, criterion)[1L]
    data.frame(criterion, before = regret(before), after = regret(after), over_before = table$k[before] - truth$k,
               over = table$k[after] - truth$k, changed = before != after, passed = sum(table$leaning))
  })
  do.call(rbind, rows)
}

simulated <- function(draw_truth, sets) {
  all <- do.call(rbind, lapply(seq_len(sets), judge_set, draw_truth = draw_truth))
  cat("| criterion | sets | winner changed | nearer to the truth | farther | median regret before | after | mean, of at most",
      "1000, before | after | k right before | after | fits passed over |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n")
  for (part in split(all, factor(all$criterion, unique(all$criterion)))) {
    cat(sprintf("| %s | %d | %d | %d | %d | %.1f | %.1f | %.1f | %.1f | %d | %d | %d |\n", part$criterion[1L], nrow(part),
                sum(part$changed), sum(part$after < part$before - 1e-6), sum(part$after > part$before + 1e-6),
                median(part$before), median(part$after), mean(pmin(part$before, 1000)), mean(pmin(part$after, 1000)),
                sum(part$over_before == 0), sum(part$over == 0), sum(part$passed)))
  }
}

sound_sets <- function() {
  set.seed(9)
  beside <- function(d, at, sd, rows) rbind(matrix(rnorm(100 * d), 100), matrix(rnorm(rows * d, at, sd), rows))
  thin <- function(d) {
    z <- rnorm(40)
    rbind(matrix(rnorm(60 * d, 5), 60), cbind(z, z + 0.01 * rnorm(40), matrix(rnorm(40 * (d - 2)), 40)))
  }
  list(
    `iris 3` = list(iris[1:4], 3), `crabs 4` = list(packaged("crabs", "MASS")[4:8], 4),
    `banknote 2` = list(packaged("banknote", "mclust")[-1], 2), `thyroid 3` = list(packaged("thyroid", "mclust")[-1], 3),
    `diabetes 3` = list(packaged("diabetes", "mclust")[-1], 3), `faithful 2` = list(faithful, 2),
    `swiss 2` = list(swiss[1:4], 2), `quakes 2` = list(quakes[1:300, 1:4], 2),
    `tight group of 12, d = 2` = list(beside(2, 4, 0.05, 12), 2), `of 12, d = 3` = list(beside(3, 4, 0.05, 12), 2),
    `tight group of 12, far, d = 2` = list(beside(2, 1e4, 0.05, 12), 2), `far, d = 3` = list(beside(3, 1e4, 0.05, 12), 2),
    `thin group, d = 2` = list(thin(2), 2), `thin group, d = 3` = list(thin(3), 2)
  )
}

sound <- function() {
  cat("| data, k | fits | lean | which (rows) |\n|---|---|---|---|\n")
  sets <- sound_sets()
  for (name in names(sets)) {
    lean <- character()
    fits <- 0L
    for (structure in own$gaussian_structures) {
      set.seed(1)
      fit <- tryCatch(suppressWarnings(em_fit(sets[[name]][[1L]], sets[[name]][[2L]], em_gaussian(structure), control = one)),
                      emfit_error = function(e) NULL)
      if (is.null(fit) || length(fit$degenerate)) next
      fits <- fits + 1L
      rows <- paste(round(fit$counts[fit$leaning], 1), collapse = ", ")
      if (length(fit$leaning)) lean <- c(lean, sprintf("%s (%s)", structure, rows))
    }
    cat(sprintf("| %s | %d | %d | %s |\n", name, fits, length(lean), paste(lean, collapse = ", ")))
  }
}

tiny_sets <- function() {
  list(
    stackloss = stackloss, mtcars = mtcars[c(1, 3, 4)], longley = longley[, 1:3], trees = trees,
    EuroUnemployment = packaged("EuroUnemployment", "mclust"), women = women, rock = rock, attitude = attitude[, 1:3],
    LifeCycleSavings = LifeCycleSavings[, 1:3], hills = packaged("hills", "MASS"),
    cpus = packaged("cpus", "MASS")[1:60, c(3, 5, 8)], ruspini = packaged("ruspini", "cluster"),
    pluton = packaged("pluton", "cluster")[, 1:3], Animals = log(packaged("Animals", "MASS")),
    mammals = log(packaged("mammals", "MASS")), swiss = swiss[, 1:3], USArrests = USArrests[, 1:3], cars = cars,
    pressure = pressure, Puromycin = Puromycin[, 1:2], freeny = freeny[, 2:4], road = packaged("road", "MASS")[, 1:3],
    cement = packaged("cement", "MASS")[, 1:3]
  )
}

tiny <- function() {
  cat("| data | n | d | BIC | ICL | AIC |\n|---|---|---|---|---|---|\n")
  sets <- tiny_sets()
  for (name in names(sets)) {
    winners <- vapply(c("BIC", "ICL", "AIC"), function(criterion) {
      set.seed(1)
      models <- suppressWarnings(em_select(sets[[name]], k = 1:5, criterion = criterion, control = one))
      fit <- suppressWarnings(best(models))
      sprintf("%s %d (%.1f%s)", fit$family$covariance, fit$k, min(fit$counts), if (length(fit$leaning)) ", leans" else "")
    }, "")
    cat(sprintf("| %s | %d | %d | %s |\n", name, nrow(sets[[name]]), ncol(sets[[name]]), paste(winners, collapse = " | ")))
  }
}

switch(arguments[1L],
  small = simulated(draw_small_truth, as.integer(c(arguments[-1L], "72")[1L])),
  large = simulated(draw_truth, as.integer(c(arguments[-1L], "40")[1L])), sound = sound(), tiny = tiny(),
  stop("Which part: small, large, sound or tiny?"))
