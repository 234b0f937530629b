# The laws of test-laws.R for chains, with every family of the table of cases. 150 rows in five series of different lengths,
# one of them a single row.

chain_cases <- law_cases()
series_of <- function(n) rep(seq_len(5), c(floor(n * c(0.4, 0.3, 0.2)), 1, n - 1 - sum(floor(n * c(0.4, 0.3, 0.2)))))
chain_moves <- rbind(c(0.7, 0.2, 0.1), c(0.1, 0.6, 0.3), c(0.25, 0.25, 0.5))

each_chain <- function(law, test) {
  for (case in chain_cases) {
    test_that(paste0("chains: ", law, ": ", case$name), {
      test(case, case$x_of(150))
    })
  }
}

chain_start <- function(case) {
  c(list(initial = c(0.5, 0.2, 0.3), transition = chain_moves), case$start[setdiff(names(case$start), "proportions")])
}

# A run of so many plain iterations.
chain_run <- function(case, x, n_iter = 8, latent = em_markov(series), series = series_of(NROW(x)), start = chain_start(case),
                      threads = 1, ...) {
  suppressMessages(em_fit(x, k = case$k, family = case$family, latent = latent, start = start, ...,
                          control = em_control(max_iter = n_iter, tol = 0, accelerate = FALSE, threads = threads)))
}

# The family's numbers, without those of the latent structure.
own_numbers <- function(fit) {
  unlist(fit$parameters[setdiff(names(fit$parameters), c("proportions", "initial", "transition"))], use.names = FALSE)
}

each_chain("rows of transitions that are all equal are a mixture", function(case, x) {
  p <- c(0.5, 0.3, 0.2)
  latent <- em_markov(series_of(150), initial = p, transition = rbind(p, p, p, deparse.level = 0))
  chain <- chain_run(case, x, 6, latent, start = case$start[setdiff(names(case$start), "proportions")])
  start <- case$start
  start$proportions <- NULL
  mixture <- em_fit(x, k = case$k, family = case$family, latent = em_mixture(p), start = start,
                    control = em_control(max_iter = 6, tol = 0, accelerate = FALSE))
  expect_equal(chain$trace$loglik, mixture$trace$loglik, tolerance = 1e-9)
  expect_equal(own_numbers(chain), own_numbers(mixture), tolerance = law_loose(c(case, structure = case$name)))
})

each_chain("ascent at every iteration", function(case, x) {
  loglik <- chain_run(case, x, 40)$trace$loglik
  expect_gte(min(diff(loglik)), -1e-10 * (1 + max(abs(loglik))))
})

each_chain("1, 2 and 3 threads give the same bits", function(case, x) {
  many <- case$x_of(9001)
  one <- chain_run(case, many, 3)
  for (threads in 2:3) {
    other <- chain_run(case, many, 3, threads = threads)
    expect_identical(other$parameters, one$parameters)
    expect_identical(other$trace$loglik, one$trace$loglik)
  }
})

each_chain("weight 2 is the series twice, weight 0 it absent", function(case, x) {
  series <- series_of(150)
  w <- c(1, 2, 0, 1, 3)
  at <- unlist(lapply(seq_along(w), function(s) rep(list(which(series == s)), w[s])), recursive = FALSE)
  weighted <- chain_run(case, x, weights = w[series])
  again <- chain_run(case, law_rows(x, unlist(at)), series = rep(seq_along(at), lengths(at)))
  expect_equal(parameter_numbers(again), parameter_numbers(weighted), tolerance = 1e-8)
  expect_equal(again$loglik, weighted$loglik, tolerance = 1e-10)
})

each_chain("the order of series and the numbers of states do not matter", function(case, x) {
  base <- chain_run(case, x)
  series <- series_of(150)
  at <- unlist(split(1:150, series)[c(3, 1, 5, 2, 4)], use.names = FALSE)
  moved <- chain_run(case, law_rows(x, at), series = series[at])
  expect_equal(moved$loglik, base$loglik, tolerance = 1e-10)
  o <- c(3, 1, 2)
  start <- rapply(chain_start(case), how = "replace", f = function(p) {
    if (is.null(dim(p))) return(p[c(o, seq_along(p)[-o])])
    if (length(dim(p)) == 3) return(p[, , o])
    if (nrow(p) == 3 && !identical(p, diag(3))) p[o, , drop = FALSE] else p
  })
  start$transition <- chain_moves[o, o]
  turned <- chain_run(case, x, start = start)
  expect_equal(turned$loglik, base$loglik, tolerance = 1e-10)
  expect_equal(sort(own_numbers(turned)), sort(own_numbers(base)), tolerance = 1e-7)
  expect_equal(sort(turned$parameters$transition), sort(base$parameters$transition), tolerance = 1e-7)
})

each_chain("one state is the family's closed form", function(case, x) {
  # What is augmented comes to it in steps.
  control <- if (isTRUE(case$augmented)) em_control(tol = 1e-14, max_iter = 5000) else em_control()
  chain <- suppressMessages(em_fit(x, k = 1, family = case$family, latent = em_markov(series_of(150)), control = control))
  mixture <- suppressMessages(em_fit(x, k = 1, family = case$family, control = control))
  expect_equal(chain$loglik, mixture$loglik, tolerance = 1e-12)
  expect_equal(own_numbers(chain), own_numbers(mixture), tolerance = if (isTRUE(case$augmented)) 1e-5 else 1e-12)
})

each_chain("known states are counts", function(case, x) {
  group <- rep_len(c(1L, 1L, 2L, 3L, 3L, 2L, 2L), 150)
  series <- series_of(150)
  fit <- suppressMessages(em_fit(x, k = 3, family = case$family, latent = em_markov(series), labels = group))
  later <- which(duplicated(series))
  expect_equal(unname(fit$parameters$transition), unname(prop.table(unclass(table(group[later - 1], group[later])), 1)),
               tolerance = 1e-12, ignore_attr = TRUE)
  expect_identical(as.integer(predict(fit, type = "path")), group)
})

each_chain("what is read from a fit belongs to its rows", function(case, x) {
  fit <- chain_run(case, x)
  r <- predict(fit, type = "prob")
  expect_identical(dim(r), c(150L, 3L))
  expect_equal(unname(rowSums(r)), rep(1, 150), tolerance = 1e-12)
  expect_equal(sum(predict(fit, type = "logdensity")), fit$loglik, tolerance = 1e-10)
  drawn <- withr_seed(1, simulate(fit, 1))[[1]]
  expect_identical(NROW(drawn), 150L)
  filtered <- predict(fit, type = "filter")
  last <- cumsum(tabulate(series_of(150)))
  expect_equal(unname(filtered[last, ]), unname(r[last, ]), tolerance = 1e-10)
})
