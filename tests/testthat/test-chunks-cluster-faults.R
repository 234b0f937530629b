# What can go wrong on a cluster: the same bits from those that are left, or an error that says who is lost.

set.seed(22)
small <- data.frame(a = rnorm(9000) + 4 * (seq_len(9000) %% 2), b = rnorm(9000))
quarters <- unname(split(small, rep(1:4, c(2000, 1500, 4100, 1400))))
at_two <- list(mean = rbind(c(0, 0), c(4, 0)), covariance = diag(2))
memory <- em_fit(small, 2, start = at_two)
same <- function(fit) {
  expect_identical(list(fit$loglik, unclass(fit$parameters), fit$trace), list(memory$loglik, unclass(memory$parameters), memory$trace))
}
lost <- function(fit) suppressMessages(fit, classes = "emfit_message_worker")

# Of a part that comes to do(flag), once, when it is read for the n-th time.
troubled <- function(trouble, at, do, flag = tempfile()) {
  force(trouble)
  force(at)
  force(do)
  force(flag)
  quarters <- quarters
  function(part, parts) {
    own <- quarters[ceiling(1:4 * parts / 4) == part]
    now <- reads <- 0L
    function(reset = FALSE) {
      if (reset) reads <<- reads + 1L
      if (reset && part %in% trouble && reads == at && !file.exists(paste0(flag, part))) {
        file.create(paste0(flag, part))
        do()
      }
      now <<- if (reset) 1L else now + 1L
      if (now <= length(own)) own[[now]]
    }
  }
}
die <- function() tools::pskill(Sys.getpid(), 9L)
passes <- memory$iterations + 1L
first_pass <- 7L # times that it was read before: columns, look, sample, halo or not, two descriptions

test_that("the part of a worker that is killed goes to the other one", {
  skip_on_os("windows")
  cl <- start_workers(2)
  began <- proc.time()[["elapsed"]]
  expect_message(
    fit <- em_fit(em_chunks(troubled(2, first_pass + 1L, die), cluster = cl, cache = "none"), 2, start = at_two),
    "worker 2 on .* is lost", class = "emfit_message_worker"
  )
  same(fit)
  # The survivor has nothing left to say, and goes on with other fits.
  expect_identical(parallel::clusterCall(cl[1], function() 3), list(3))
  same(em_fit(em_chunks(quarters, cluster = cl), 2, start = at_two))
  expect_lt(proc.time()[["elapsed"]] - began, 30)
})

test_that("answers that nobody waited for are dropped", {
  cl <- start_workers(2)
  send <- get("sendCall", asNamespace("parallel"))
  for (node in cl) send(node, function() 10, list())
  same(em_fit(em_chunks(quarters, cluster = cl), 2, start = at_two))
  expect_identical(parallel::clusterCall(cl, function() 7), list(7, 7))
})

test_that("a worker that says nothing is given up, and one that is asleep at first is an error", {
  cl <- start_workers(2)
  old <- options(emfit.timeout = 4)
  on.exit(options(old))
  sleep <- function() Sys.sleep(60)
  fit <- lost(em_fit(em_chunks(troubled(1, first_pass, sleep), cluster = cl, cache = "none"), 2, start = at_two))
  same(fit)
  options(emfit.timeout = 2)
  err <- expect_error(em_look(em_chunks(quarters, cluster = cl)), "could not start: nothing was heard of it for 2 seconds",
                      class = "emfit_error_worker")
})

test_that("workers that can't load the package are an error at once", {
  cl <- start_workers(1)
  parallel::clusterCall(cl, function() {
    unlockBinding("requireNamespace", baseenv())
    assign("requireNamespace", function(...) FALSE, envir = baseenv())
  })
  expect_error(em_look(em_chunks(quarters, cluster = cl)), "can't load package emfit", class = "emfit_error_worker")
})

test_that("what only a lost worker held is an error that names it, and leaves the checkpoint", {
  skip_on_os("windows")
  cl <- start_workers(2)
  parallel::clusterApply(cl, list(small[1:4000, ], small[4001:9000, ]), function(half) assign("emfit_half", half, envir = globalenv()))
  look <- em_look(em_chunks(resident = "emfit_half", cluster = cl))
  parallel::clusterCall(cl[2], function() options(emfit.kernels = NULL))
  try(parallel::clusterCall(cl[2], function() tools::pskill(Sys.getpid(), 9L)), silent = TRUE)
  path <- tempfile(fileext = ".checkpoint")
  err <- expect_error(em_fit(look, 2, start = at_two, control = em_control(checkpoint = path)), "worker 2 on .* is lost", class = "emfit_error_worker")
  expect_match(conditionMessage(err), "can't be read by another worker")
  expect_true(file.exists(path))
})

test_that("all are lost: an error with the checkpoint, from which another cluster goes on", {
  skip_on_os("windows")
  cl <- start_workers(2)
  path <- tempfile(fileext = ".checkpoint")
  control <- em_control(checkpoint = path)
  both <- troubled(1:2, first_pass + 3L, die)
  err <- lost(expect_error(em_fit(em_chunks(both, cluster = cl, cache = "none"), 2, start = at_two, control = control), "It was the last",
                           class = "emfit_error_worker"))
  expect_true(file.exists(path))
  expect_error(em_look(em_chunks(quarters, cluster = cl)), "None of the workers answers", class = "emfit_error_worker")
  fit <- suppressMessages(em_fit(em_chunks(quarters), 2, start = at_two, control = control))
  same(fit)
})

test_that("killed in any pass, first or second worker, the trace is the unbroken one", {
  skip_if_not(nzchar(Sys.getenv("EMFIT_LONG_TESTS")))
  skip_on_os("windows")
  for (worker in 1:2) for (at in c(2L, 3L, first_pass, first_pass + 2L, first_pass + passes - 2L)) {
    cl <- start_workers(2)
    same(lost(em_fit(em_chunks(troubled(worker, at, die), cluster = cl, cache = "none"), 2, start = at_two)))
    stop_workers(cl)
  }
  cl <- start_workers(3)
  same(lost(em_fit(em_chunks(troubled(1, first_pass + 1L, die), cluster = cl, cache = "none"), 2, start = at_two)))
})

test_that("rows that another worker reads differently are not fitted", {
  skip_on_os("windows")
  cl <- start_workers(2)
  folder <- withr_tempdir()
  rds <- file.path(folder, sprintf("%d.rds", 1:4))
  for (i in 1:4) saveRDS(quarters[[i]], rds[i])
  look <- em_look(em_chunks(rds, cluster = cl))
  for (i in 1:4) saveRDS(quarters[[i]][nrow(quarters[[i]]):1, ], rds[i])
  try(parallel::clusterCall(cl[2], function() tools::pskill(Sys.getpid(), 9L)), silent = TRUE)
  lost(expect_error(em_fit(look, 2, start = at_two), "Read again by another worker", class = "emfit_error_changed"))
})

test_that("forked workers give the same bits", {
  skip_if_not(nzchar(Sys.getenv("EMFIT_LONG_TESTS")))
  skip_on_os("windows")
  cl <- start_workers(2, type = "FORK")
  same(em_fit(em_chunks(quarters, cluster = cl), 2, start = at_two))
})

test_that("after an interrupt the same cluster gives the right bits", {
  skip_if_not(nzchar(Sys.getenv("EMFIT_LONG_TESTS")))
  skip_on_os("windows")
  skip_if_not_installed("callr")
  interrupted <- function(quarters, at_two, library) {
    .libPaths(c(library, .libPaths()))
    cl <- parallel::makeCluster(2)
    on.exit(parallel::stopCluster(cl))
    parallel::clusterCall(cl, .libPaths, .libPaths())
    slow <- function(part, parts) {
      own <- quarters[if (part == 1) 1:2 else 3:4]
      now <- 0L
      function(reset = FALSE) {
        Sys.sleep(0.2)
        now <<- if (reset) 1L else now + 1L
        if (now <= 2L) own[[now]]
      }
    }
    environment(slow) <- list2env(list(quarters = quarters), parent = globalenv())
    ended <- tryCatch({
      cat("working\n")
      emfit::em_fit(emfit::em_chunks(slow, cluster = cl, cache = "none"), 2, start = at_two)
      "not interrupted"
    }, interrupt = function(e) "interrupted")
    fit <- emfit::em_fit(emfit::em_chunks(quarters, cluster = cl), 2, start = at_two)
    list(ended, fit$loglik, unclass(fit$parameters), parallel::clusterCall(cl, function() 7))
  }
  session <- callr::r_bg(interrupted, list(quarters, at_two, dirname(system.file(package = "emfit"))), stdout = "|")
  for (i in 1:200) if (any(grepl("working", session$read_output_lines()))) break else Sys.sleep(0.1)
  Sys.sleep(4)
  session$interrupt()
  session$wait(60000)
  expect_identical(session$get_result(), list("interrupted", memory$loglik, unclass(memory$parameters), list(7, 7)))
})
