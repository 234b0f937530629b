# What a fit to rows in chunks can say: it has a sample of its rows, fit$data, and where all of them are,
# fit$data$whole. What is asked of every row is refused with the way out; what adds up over rows is added up.

is_sample <- function(data) !is.null(data$whole)

sample_remedy <- "Fit the sample, em_fit(em_look(chunks)$rows, k), or give rows: predict(fit, chunks, into = )."

refuse_sample <- function(fit, what, instead = sample_remedy) {
  if (!is_sample(fit$data)) return(invisible())
  abort_em("unsupported", c(
    sprintf("%s is about each row, and the fit keeps a sample of %s of its %s.", what, number(fit$data$n, 10L),
            plural(fit$data$whole$n, "row")),
    i = instead
  ))
}

# Derivatives in free coordinates about the parameters, as score_em(): see there.
score_chunks <- function(data, parameters, model, want, threads) {
  if (want == "scores") {
    abort_em("unsupported", c("Gradients of single rows are not kept for rows in chunks.", i = "vcov(fit, type = \"opg\") adds them up."))
  }
  look <- c(list(data = data), data$whole$look)
  at <- about_means(data, parameters, model, whole = TRUE)
  native <- native_chunks(look, model, shift = at$centre, row_weight = data$whole$row_weight)
  native$x <- at$native$x
  threads <- resolve_threads(list(threads = threads), data$whole$n * ncol(data$x) * model$k)
  score_parts(native, at, want, threads)
}

# Sums over all rows of what a page of responsibilities gives: f(r, weights).
sum_over_pages <- function(data, parameters, model, f) {
  sum_over_look(c(list(data = data), data$whole$look), parameters, model, f)
}

sum_over_look <- function(look, parameters, model, f) {
  total <- 0
  visit_pages(look$store, function(page) {
    part <- native_part(page, look, model, NULL, 1)
    part$missing <- look$gaps && look$sorts
    r <- responsibilities_of_part(part, parameters, model)
    units <- if (latent_keeps_order(model$latent)) NULL else part$units
    total <<- total + if (is.null(units)) f(r, part$weights) else f(r[units, , drop = FALSE], part$weights[units])
  })
  total
}

# clarity(), added up.
clarity_of_pages <- function(fit) {
  found <- clarity_of_all(fit$data, fit$parameters, fit_model(fit))
  log_top <- log_top_of_pages(fit)
  if (!is.null(log_top)) found$log_top <- log_top
  c(found, icl = stats::BIC(fit) - 2 * found$log_top)
}

# latent_log_top(), added up; NULL where rows are by themselves.
log_top_of_pages <- function(fit) {
  if (!latent_keeps_order(fit$latent)) return(NULL)
  look <- fit$data$whole$look
  total <- 0
  visit_pages(look$store, function(page) {
    data <- part_data(page, look, fit_model(fit))
    if (anyNA(data$x)) data$order <- seq_len(data$n)
    total <<- total + latent_log_top(fit$latent, fit_model(fit), data, fit$parameters)
  })
  total
}

clarity_of_all <- function(data, parameters, model) {
  k <- latent_columns(model$latent, model$k)
  crew <- data$whole$look$store$crew
  sums <- if (is.null(crew)) sum_over_pages(data, parameters, model, certainty_sums(model))
          else certainty_on_crew(crew, parameters, model)
  put <- sums[2L + k + seq_len(k)]
  list(log_top = sums[1L], entropy = if (k == 1L) 1 else 1 - sums[2L] / (sum(put) * log(k)),
       least = min((sums[2L + seq_len(k)] / put)[put > 0]))
}

# What they are made of, of a page of responsibilities.
certainty_sums <- function(model) {
  k <- latent_columns(model$latent, model$k)
  function(r, w) {
    w <- if (is.null(w)) rep(1, nrow(r)) else w
    class <- max.col(r, ties.method = "first")
    top <- r[cbind(seq_along(class), class)]
    put <- function(x) as.vector(tapply(x, factor(class, seq_len(k)), sum, default = 0))
    used <- w > 0
    c(sum((w * log(top))[used]), -sum(w * r * log(pmax(r, .Machine$double.xmin))), put(w * top), put(w))
  }
}
