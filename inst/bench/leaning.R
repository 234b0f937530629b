# From which loss on does a component lean on few rows? Rscript inst/bench/leaning.R [sets=240] [structure=VVV]
#
# Simulated sets with known truth, at the true number of components and at one more: of the distinct ends of 60 starts the
# highest, unless one of its components loses more than the bar and a lower end, without such a component, is worth more to
# rows left out. Regret: how much less likely n new rows are under the choice than under the best of the ends (natural
# logarithms). Prints a table in Markdown, which inst/bench/select.md has.
suppressPackageStartupMessages(library(emfit))
own <- asNamespace("emfit")
arguments <- commandArgs(TRUE)
option <- function(name, default) {
  given <- grep(paste0("^", name, "="), arguments, value = TRUE)
  if (length(given)) sub(".*=", "", given[1L]) else default
}
structure <- option("structure", "VVV")
bars <- c(Inf, 1.75, 2, 2.25, 2.5, 2.75, 3)

draw_set <- function(i) {
  set.seed(9000 + i)
  d <- sample(2:6, 1L)
  k <- sample(2:4, 1L)
  n <- max(sample(c(60, 100, 150, 300), 1L), ceiling(3 * k * (d + 1)))
  mean <- matrix(rnorm(k * d, sd = runif(1L, 1, 3)), k)
  share <- rexp(k) + 0.3
  turned <- lapply(seq_len(k), function(j) matrix(rnorm(d * d, sd = 0.6), d) + diag(0.5, d))
  draw <- function(n) {
    z <- sample(k, n, TRUE, prob = share)
    t(vapply(seq_len(n), function(i) drop(mean[z[i], ] + turned[[z[i]]] %*% rnorm(d)), numeric(d)))
  }
  list(d = d, k = k, x = draw(n), new = draw(4000L))
}

# The distinct sound ends of 60 starts, the highest first: log-likelihood, worth, largest loss, log density of new rows.
ends_of <- function(set, k) {
  data <- own$em_data(set$x, em_gaussian(structure))
  fresh <- own$em_data(set$new, em_gaussian(structure))
  model <- list(family = own$family_check(em_gaussian(structure), data, k), latent = em_mixture(), k = k)
  items <- lapply(own$varied_kinds, function(kind) own$draw_starts(data, model, kind, 20L))
  run <- own$run_em(data, list(items = unlist(items, recursive = FALSE)), model, em_control(threads = 1), ends = TRUE)
  usable <- which(run$starts$status == "converged" & !run$starts$degenerate)
  usable <- usable[order(-run$starts$loglik[usable])]
  usable <- head(usable[!duplicated(round(run$starts$loglik[usable], 3))], 12L)
  do.call(rbind, lapply(usable, function(end) {
    parameters <- run$ends[[end]]
    left <- own$leave_out(data, parameters, model, run$df)
    rows <- colSums(own$expect_em(data, parameters, model, "responsibilities")$responsibilities)
    data.frame(worth = left$loglik, lost = max(left$gap[rows < own$enough_rows * (set$d + 1)], 0),
               new = mean(own$expect_em(fresh, parameters, model, "row_loglik")$row_loglik) * nrow(set$x))
  }))
}

choose_by <- function(ends, bar) {
  if (ends$lost[1L] <= bar) return(1L)
  better <- which(ends$lost <= bar & ends$worth > ends$worth[1L])
  if (length(better)) better[1L] else 1L
}

found <- do.call(rbind, lapply(seq_len(as.integer(option("sets", 240))), function(i) {
  set <- draw_set(i)
  do.call(rbind, lapply(set$k + 0:1, function(k) {
    ends <- if (nrow(set$x) >= 1.5 * k * (set$d + 1)) ends_of(set, k)
    if (is.null(ends)) return(NULL)
    chosen <- vapply(bars, function(bar) choose_by(ends, bar), 0L)
    data.frame(more = k > set$k, bar = bars, moved = chosen > 1L, regret = max(ends$new) - ends$new[chosen],
               gain = ends$new[chosen] - ends$new[1L])
  }))
}))

cat("|components|bar|sets|regret|moved|better|worse|\n|---|---|---|---|---|---|---|\n")
for (part in split(found, list(found$bar, found$more))) {
  cat(sprintf("| %s | %s | %d | %.1f | %d | %d | %d |\n", if (part$more[1L]) "one more" else "true number", format(part$bar[1L]),
              nrow(part), mean(part$regret), sum(part$moved), sum(part$gain > 0.01), sum(part$gain < -0.01)))
}
