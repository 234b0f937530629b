# Deeper starts, for families whose likelihood has many maxima close to each other and whose iterations are cheap: many
# groups drawn at random are tried for some iterations, and the best of what they lead to are the starts.
#
#   family_deep(family, method, k)   NULL: starts of that method are what they are. Or list(methods, times, iterations):
#                                    instead, of these methods, so many are tried for each start that is wanted

family_deep <- function(family, method, k) UseMethod("family_deep")
family_deep.default <- function(family, method, k) NULL

# k-means knows distances, not associations: of 200 such starts of six classes on the largest of the public tables none
# led to the best maximum, of random ones one in 20. Of up to five classes, with 184 parameters, the usual starts find it.
many_parameters <- 200
most_deep_rows <- 5000L # different ones

#' @export
family_deep.em_family_categorical <- function(family, method, k) {
  if (method != "kmeans++" || k == 1L || categorical_free(family, k) < many_parameters) return(NULL)
  list(methods = c("random", "partition"), times = 8L, iterations = 60L)
}

# NULL where starts are not looked for like that.
deep_starts <- function(data, model, method, n_start, native) {
  plan <- family_deep(model$family, method, model$k)
  if (is.null(plan) || n_start < 2L || holds_parameters(model) || !is.null(data$labels)) return(NULL)
  if (!is.null(native$units) || latent_keeps_order(model$latent) || nrow(native$x) > most_deep_rows) return(NULL)
  each <- (n_start * plan$times + 1L) %/% 2L
  drawn <- lapply(plan$methods, function(one) draw_starts(data, model, one, each, native, FALSE))
  items <- unlist(drawn, recursive = FALSE)
  run <- run_native(data, native, items, model, em_control(max_iter = plan$iterations), ends = TRUE)
  if (!is.null(run$defect)) return(NULL)
  starts <- as.data.frame(run$starts)
  usable <- which(!starts$degenerate & starts$status != "bad_start" & lengths(run$ends) > 0L)
  best <- usable[order(-starts$loglik[usable], method = "radix")]
  # Those that have arrived at the same maximum are one; where there are not enough others, any.
  best <- c(best[!duplicated(round(starts$loglik[best], 6L))], best[duplicated(round(starts$loglik[best], 6L))])
  if (length(best) < n_start) return(NULL)
  lapply(run$ends[best[seq_len(n_start)]], function(end) list(parameters = end, may_borrow = TRUE))
}
