# The 14 structures and em_select() beside mclust: Rscript inst/bench/select.R [optima] [table] [speed]
#
#   optima  every structure from the same start as mclust's me(), both run to convergence
#   table   the default em_select(), k = 1..9, against mclust's default, five seeds, with CPU times
#   speed   the 14 x 9 table on n = 5000, d = 5: the default, the thorough search, other settings, and what one run of each fit
#           from a partition that is there already would cost; one and two threads
#
# Prints tables in Markdown: the sections of select.md. Needs mclust.

suppressPackageStartupMessages({
  library(emfit)
  library(mclust)
})
parts <- commandArgs(trailingOnly = TRUE)
if (!length(parts)) parts <- c("optima", "table", "speed")
structures <- c("EII", "VII", "EEI", "VEI", "EVI", "VVI", "EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV", "VVV")

from_mclust <- new.env()
data(diabetes, banknote, thyroid, package = "mclust", envir = from_mclust)
sets <- list(iris = as.matrix(iris[, 1:4]), faithful = as.matrix(faithful),
             diabetes = as.matrix(from_mclust$diabetes[, -1]), banknote = as.matrix(from_mclust$banknote[, -1]),
             thyroid = as.matrix(from_mclust$thyroid[, -1]))
components <- list(iris = 2:4, faithful = 2:3, diabetes = 2:4, banknote = 2:4, thyroid = 2:4)

markdown <- function(table) {
  cells <- vapply(table, function(column) {
    if (is.double(column)) formatC(column, digits = 6, format = "g", flag = "#") else as.character(column)
  }, character(nrow(table)))
  cells <- matrix(cells, nrow(table))
  cat("|", paste(names(table), collapse = " | "), "|\n|", strrep("---|", ncol(table)), "\n", sep = "")
  for (i in seq_len(nrow(table))) cat("|", paste(trimws(cells[i, ]), collapse = " | "), "|\n")
  cat("\n")
}

# --- the same start, to convergence ---
to_the_end <- em_control(tol = 1e-10, max_iter = 20000, accelerate = FALSE)
pair <- function(x, k, structure, partition) {
  peer <- me(x, modelName = structure, z = unmap(partition),
             control = emControl(tol = c(1e-14, 1e-12), itmax = c(20000L, 2000L)))
  ours <- em_fit(x, k, em_gaussian(structure), start = factor(partition), control = to_the_end)
  # From where mclust ended, as parameters: what is still to be had?
  sigma <- peer$parameters$variance$sigma
  end <- list(proportions = peer$parameters$pro, mean = t(peer$parameters$mean), covariance = sigma)
  on <- em_fit(x, k, em_gaussian(structure), start = end, control = to_the_end)
  data.frame(k = k, structure = structure, mclust = peer$loglik, emfit = ours$loglik,
             difference = ours$loglik - peer$loglik, onwards = on$loglik - peer$loglik)
}
if ("optima" %in% parts) {
  rows <- list()
  for (set in names(sets)) {
    tree <- hc(sets[[set]])
    for (k in components[[set]]) {
      partition <- hclass(tree, k)[, 1]
      for (structure in structures) {
        rows <- c(rows, list(data.frame(data = set, pair(sets[[set]], k, structure, partition))))
      }
    }
  }
  optima <- do.call(rbind, rows)
  same <- abs(optima$difference) <= 1e-6
  cat(sprintf("%d fits; %d agree to 1e-6 (largest difference %.1e).\n\n", nrow(optima), sum(same),
              max(abs(optima$difference[same]))))
  markdown(optima[!same, ])
}

# --- the defaults ---
cpu <- function(code) sum(system.time(code)[c("user.self", "sys.self")])
mclust_loglik <- function(x, bic) {
  df <- outer(1:9, structures, Vectorize(function(k, s) nMclustParams(s, ncol(x), k)))
  (matrix(as.numeric(bic), 9, dimnames = list(1:9, colnames(bic)))[, structures] + df * log(nrow(x))) / 2
}
compare_defaults <- function(set, seed) {
  x <- sets[[set]]
  peer <- cpu(bic <- mclustBIC(x, G = 1:9, verbose = FALSE))
  set.seed(seed)
  own <- cpu(ours <- em_select(x, control = em_control(threads = 1))$table)
  ours$mclust <- mclust_loglik(x, bic)[cbind(as.character(ours$k), ours$covariance)]
  data.frame(data = set, seed = seed, ours, difference = ours$logLik - ours$mclust, seconds = own, mclust.seconds = peer)
}
if ("table" %in% parts) {
  all <- do.call(rbind, lapply(names(sets), function(set) {
    do.call(rbind, lapply(1:5, function(seed) compare_defaults(set, seed)))
  }))
  good <- is.finite(all$BIC)
  summary <- do.call(rbind, lapply(split(all, list(all$data, all$seed)), function(one) {
    both <- is.finite(one$BIC) & is.finite(one$mclust)
    gain <- one$difference[both]
    data.frame(data = one$data[1], seed = one$seed[1], fits = nrow(one), `no fit` = sum(!is.finite(one$BIC)),
               `no fit in mclust` = sum(!is.finite(one$mclust)), `below mclust` = sum(gain < -1e-3),
               worst = min(gain), higher = sum(gain > 1e-3), `median gain` = median(gain),
               `CPU s` = one$seconds[1], `mclust CPU s` = one$mclust.seconds[1], check.names = FALSE)
  }))
  markdown(summary)
  below <- all[good & !is.na(all$difference) & all$difference < -1e-3, ]
  cat(nrow(below), "of", nrow(all), "fits end below mclust:\n\n")
  if (nrow(below)) markdown(below[c("data", "seed", "covariance", "k", "logLik", "mclust", "difference", "n.min")])
  winners <- do.call(rbind, lapply(names(sets), function(set) {
    one <- all[all$data == set & all$seed == 1, ]
    mine <- one[which.min(one$BIC), ]
    bic <- -2 * one$mclust + one$df * log(nrow(sets[[set]]))
    peer <- which.min(bic)
    data.frame(data = set, emfit = paste(mine$covariance, mine$k), BIC = mine$BIC,
               mclust = paste(one$covariance[peer], one$k[peer]), `its BIC` = bic[peer], check.names = FALSE)
  }))
  markdown(winners)
}

# --- speed ---
if ("speed" %in% parts) {
  set.seed(20)
  centre <- matrix(rnorm(4 * 5, sd = 2.5), 4)
  group <- sample(4, 5000, replace = TRUE, prob = c(0.4, 0.3, 0.2, 0.1))
  x <- centre[group, ] + matrix(rnorm(5000 * 5), 5000) %*% chol(0.5 + diag(0.5, 5))
  one <- em_control(threads = 1)
  few <- em_control(threads = 1, n_start = 3, tol = 0.01)
  partitions <- lapply(1:9, function(k) factor(kmeans(x, k, nstart = 5, iter.max = 50)$cluster))
  single <- function() {
    cells <- expand.grid(k = 1:9, covariance = structures, stringsAsFactors = FALSE)
    cells$logLik <- mapply(function(k, s) {
      suppressWarnings(em_fit(x, k, em_gaussian(s), start = partitions[[k]], control = one))$loglik
    }, cells$k, cells$covariance)
    cells
  }
  ways <- list(default = function() em_select(x, control = one)$table,
               `search = "thorough"` = function() em_select(x, search = "thorough", control = one)$table,
               `n_start = 3, tol = 0.01` = function() em_select(x, control = few)$table, `one run each` = single)
  runs <- do.call(rbind, lapply(1:3, function(run) {
    peer <- cpu(bic <- mclustBIC(x, G = 1:9, verbose = FALSE))
    do.call(rbind, lapply(names(ways), function(name) {
      set.seed(run)
      ours <- cpu(table <- ways[[name]]())
      gain <- table$logLik - mclust_loglik(x, bic)[cbind(as.character(table$k), table$covariance)]
      data.frame(run = run, way = name, `mclust s` = peer, `emfit s` = ours, ratio = peer / ours,
                 `below mclust` = sum(gain < -1e-2, na.rm = TRUE), worst = min(gain, na.rm = TRUE),
                 `median gain` = median(gain, na.rm = TRUE), check.names = FALSE)
    }))
  }))
  markdown(runs)
  wall <- do.call(rbind, lapply(1:2, function(threads) {
    set.seed(1)
    time <- system.time(em_select(x, control = em_control(threads = threads)))
    data.frame(threads = threads, `CPU s` = sum(time[1:2]), `wall s` = time[[3]], check.names = FALSE)
  }))
  markdown(wall)
}
