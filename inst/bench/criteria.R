# What chooses the number of components? Rscript inst/bench/criteria.R [sets]
#
# Simulated sets with known truth (100 to 500 rows, 2 to 5 columns, 2 to 4 components of free covariances), a table of
# four structures by k = 1 to 6, and what each criterion takes from it: is k right, and how much less likely are 5000
# new rows than under the truth, for each n of them? LOO is the log-likelihood of rows left out by one M-step
# (R/leave-out.R), with the loss of a row limited as the judgement of few rows has it, and without.
suppressPackageStartupMessages(library(emfit))
sets <- as.integer(c(commandArgs(trailingOnly = TRUE), "40")[1L])
own <- asNamespace("emfit")
structures <- c("EII", "EEE", "VVI", "VVV")
one <- em_control(threads = 1)

log_density <- function(x, w, mean, covariance) {
  each <- vapply(seq_along(w), function(j) {
    root <- chol(covariance[, , j])
    z <- backsolve(root, t(x) - mean[j, ], transpose = TRUE)
    log(w[j]) - sum(log(diag(root))) - ncol(x) / 2 * log(2 * pi) - colSums(z^2) / 2
  }, numeric(nrow(x)))
  top <- apply(each, 1L, max)
  top + log(rowSums(exp(each - top)))
}

draw_truth <- function(i) {
  d <- c(2, 3, 5)[1 + i %% 3]
  k <- c(2, 3, 4)[1 + (i %/% 3) %% 3]
  mean <- matrix(rnorm(k * d), k)
  gaps <- as.matrix(dist(mean))
  mean <- mean * (if (i %% 2) 4.5 else 3) / min(gaps[upper.tri(gaps)])
  covariance <- array(0, c(d, d, k))
  for (j in seq_len(k)) {
    axes <- qr.Q(qr(matrix(rnorm(d * d), d)))
    covariance[, , j] <- axes %*% diag(exp(runif(d, -0.7, 0.7)), d) %*% t(axes)
  }
  w <- runif(k, 0.5, 1.5)
  list(w = w / sum(w), mean = mean, covariance = covariance, n = c(100, 200, 500)[1 + (i %/% 9) %% 3], k = k, d = d)
}
draw_rows <- function(truth, n) {
  z <- sample(truth$k, n, TRUE, truth$w)
  one_row <- function(j) truth$mean[j, ] + drop(t(chol(truth$covariance[, , j])) %*% rnorm(truth$d))
  t(vapply(z, one_row, numeric(truth$d)))
}

judge_set <- function(i) {
  set.seed(1000 + i)
  truth <- draw_truth(i)
  x <- draw_rows(truth, truth$n)
  new <- draw_rows(truth, 5000)
  models <- suppressWarnings(em_select(x, k = 1:6, covariance = structures, criterion = "CV", control = one))
  table <- models$table
  regret <- table$LOO <- table[["LOO, unlimited"]] <- rep(NA_real_, nrow(table))
  for (row in which(!is.na(table$BIC))) {
    cell <- models$cells[[row]]
    p <- cell$run$parameters
    left <- own$leave_out(models$data, p, cell$model, cell$run$df)
    table$LOO[row] <- -2 * left$loglik
    group <- own$number_of_row(models$data$x)
    each <- own$em_leave_out_cpp(own$native_data(models$data, cell$model), own$native_family(cell$model),
                                 own$native_latent(cell$model), own$plain_parameters(p), group, 1L)
    table[["LOO, unlimited"]][row] <- -2 * sum(each$without)
    k <- table$k[row]
    found <- log_density(new, c(p$proportions), matrix(p$mean, k), array(p$covariance, c(truth$d, truth$d, k)))
    regret[row] <- truth$n * mean(log_density(new, truth$w, truth$mean, truth$covariance) - found)
  }
  criteria <- c("BIC", "ICL", "AIC", "CV", "LOO", "LOO, unlimited")
  chosen <- vapply(criteria, function(name) which.min(replace(table[[name]], table$leaning, Inf)), 0L)
  chosen <- c(chosen, `best of the table` = which.min(regret))
  data.frame(criterion = names(chosen), over = table$k[chosen] - truth$k, regret = regret[chosen])
}

all <- do.call(rbind, lapply(seq_len(sets), judge_set))
bic <- all$regret[all$criterion == "BIC"]
cat("| criterion | k right | too many | too few | mean regret | median | better than BIC | worse |\n")
cat("|---|---|---|---|---|---|---|---|\n")
for (name in unique(all$criterion)) {
  one_of <- all[all$criterion == name, ]
  cat(sprintf("| %s | %.1f %% | %.1f %% | %.1f %% | %.1f | %.1f | %d | %d |\n", name, 100 * mean(one_of$over == 0),
              100 * mean(one_of$over > 0), 100 * mean(one_of$over < 0), mean(one_of$regret), median(one_of$regret),
              sum(one_of$regret < bic - 1e-6), sum(one_of$regret > bic + 1e-6)))
}
