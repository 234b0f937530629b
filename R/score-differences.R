# What score_em() returns for families whose derivatives the core does not know: by central differences with a step of
# Richardson's, in coordinates that the sheet gives. Numbers that are real stay themselves, positive ones become logarithms, those
# from 0 to 1 logits, and a simplex has logarithms of ratios. Each coordinate is scaled so that its information would be
# 1 if the components of the rows were known; what is held, or as good as on its boundary, has none.
score_by_differences <- function(data, parameters, model, want) {
  parameters <- lapply(unclass(parameters), bare_numbers)
  row_weight <- weight_of_row(data$weights)
  weights <- if (is.null(data$weights)) rep(1, data$n) else data$weights / row_weight
  step <- expect_em(data, parameters, model, "responsibilities")
  mass <- step$responsibilities * weights
  moves <- free_moves(parameters, model, data, colSums(mass))
  expected <- function(z) expected_loglik(place_moves(parameters, moves, z), data, model, mass)
  units <- vapply(seq_along(moves), function(i) step_of(expected, i, length(moves)), 0)
  at <- function(u) place_moves(parameters, moves, u * units)
  loglik <- function(u) expect_em(data, at(u), model, "loglik")$loglik / row_weight
  rows <- function(u) expect_em(data, at(u), model, "row_loglik")$row_loglik
  p <- length(moves)
  out <- list(passes = 1L, gradient = first_differences(loglik, p), outer = matrix(0, 0L, 0L),
              scores = matrix(0, 0L, 0L), information = matrix(0, 0L, 0L), jacobian = matrix(0, 0L, 0L))
  out$gradient <- as.vector(out$gradient)
  if (want == "information") {
    out$information <- -second_differences(loglik, p)
    out$jacobian <- first_differences(function(u) unlist(at(u), use.names = FALSE), p, 1e-2)
  } else {
    scores <- first_differences(rows, p)
    if (want == "outer") out$outer <- crossprod(scores * sqrt(weights)) else out$scores <- scores
  }
  out
}

# A coordinate each: list(name, scale, at = its place in the parameter, among = places that keep their sum).
free_moves <- function(parameters, model, data, counts) {
  fields <- model_fields(model, data)
  held <- held_parameters(model)
  out <- lapply(names(fields), function(name) {
    field <- fields[[name]]
    if (!field$own && latent_is_held(model$latent, model$k)) return(NULL)
    x <- parameters[[name]]
    rows <- if (field$own) rep_len(counts, length(x)) else rep(sum(counts), length(x))
    inside <- switch(field$scale, real = rows > least_count, positive = x > 0 & rows > least_count,
                     rows * (if (field$scale == "simplex") x else pmin(x, 1 - x)) > least_count)
    free <- inside & (if (is.null(held[[name]])) TRUE else is.na(held[[name]]))
    if (field$scale == "simplex") simplex_moves(name, x, field, free)
    else lapply(which(free), function(at) list(name = name, scale = field$scale, at = at))
  })
  do.call(c, out)
}

# Of each row of a table, or of a vector, all that are free but the largest.
simplex_moves <- function(name, x, field, free) {
  last <- field$size[length(field$size)]
  places <- matrix(seq_along(x), ncol = last)
  out <- lapply(seq_len(nrow(places)), function(i) {
    among <- places[i, free[places[i, ]]]
    lapply(setdiff(among, among[which.max(x[among])]), function(at) {
      list(name = name, scale = "simplex", at = at, among = among)
    })
  })
  do.call(c, out)
}

place_moves <- function(parameters, moves, z) {
  out <- parameters
  for (i in seq_along(moves)) {
    move <- moves[[i]]
    if (z[i] == 0) next
    x <- parameters[[move$name]][move$at]
    out[[move$name]][move$at] <- switch(move$scale, real = x + z[i], positive = , simplex = x * exp(z[i]),
                                        unit = stats::plogis(stats::qlogis(x) + z[i]))
  }
  for (move in moves) {
    if (is.null(move$among)) next
    now <- out[[move$name]][move$among]
    out[[move$name]][move$among] <- now * sum(parameters[[move$name]][move$among]) / sum(now)
  }
  out
}

# What is expected of the complete data, for responsibilities that stay.
expected_loglik <- function(parameters, data, model, mass) {
  density <- expect_em(data, parameters, model, "log_density")$log_density
  terms <- mass * density
  terms[mass == 0] <- 0
  proportions <- colSums(mass) * log(parameters$proportions)
  sum(terms) + sum(proportions[colSums(mass) > 0])
}

# How far a coordinate goes until the expected log-likelihood has fallen by about a half: in the end one standard error
# of the complete data.
step_of <- function(expected, i, p) {
  origin <- expected(numeric(p))
  h <- 1e-3
  for (try in 1:20) {
    moved <- replace(numeric(p), i, h)
    drop <- origin - (expected(moved) + expected(-moved)) / 2
    if (!is.finite(drop)) h <- h / 10
    else if (drop <= 1e-9 * (1 + abs(origin))) h <- h * 10
    else if (drop > 0.02 || drop < 0.001) h <- h * sqrt(0.005 / drop)
    else break
    if (h > 1e8) return(1)
  }
  h / sqrt(2 * drop)
}

# The error of order h^2 is taken out by a second difference at h / 2.
richardson <- function(difference, h) (4 * difference(h / 2) - difference(h)) / 3

# A column for each coordinate.
first_differences <- function(f, p, h = 0.1) {
  columns <- lapply(seq_len(p), function(i) {
    richardson(function(h) {
      moved <- replace(numeric(p), i, h)
      (f(moved) - f(-moved)) / (2 * h)
    }, h)
  })
  do.call(cbind, columns)
}

second_differences <- function(f, p, h = 0.1) richardson(function(h) hessian_at(f, p, h), h)

hessian_at <- function(f, p, h) {
  centre <- f(numeric(p))
  both <- function(i, j) {
    moved <- replace(numeric(p), c(i, j), h)
    f(moved) + f(-moved) - 2 * centre
  }
  alone <- vapply(seq_len(p), function(i) both(i, i), 0)
  out <- diag(alone, p)
  for (i in seq_len(p)) {
    for (j in seq_len(i - 1L)) out[i, j] <- out[j, i] <- (both(i, j) - alone[i] - alone[j]) / 2
  }
  out / h^2
}
