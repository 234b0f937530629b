# What other packages call things. A name from there is an error that gives the call to write here, never something
# that is quietly taken for something else. This table is the only place that knows such names.

# By what they are here; a name counts whatever its case and its punctuation, unless a function has it itself.
foreign_names <- list(
  k = c("G", "g", "K", "n_components", "n_component", "ncomponents", "ncomp", "n_clusters", "nclusters", "centers",
        "clusters", "nclass", "nclasses", "nstates", "n_states", "nbCluster", "num_components"),
  covariance = c("modelNames", "modelName", "covariance_type", "covtype", "model", "models", "structure"),
  n_start = c("nstart", "n.start", "nrep", "nreps", "n_rep", "n_init", "ninit", "nstarts", "n_starts"),
  max_iter = c("iter.max", "itermax", "maxit", "max.iter", "maxiter", "iter", "niter", "n_iter", "max_iterations"),
  tol = c("eps", "epsilon", "reltol", "tolerance", "convergence"),
  seed = c("seed", "random_state", "random.seed"),
  equal = c("equalPro", "prop", "pro", "equal_proportions", "weights_init"),
  data = c("data", "X", "df"),
  formula = "formula"
)

# What becomes of one of them; NULL where `name` is none, or the function takes no such thing.
habit_hint <- function(name, value, known) {
  own <- setdiff(names(foreign_names), c("seed", "data", "formula"))
  if (name %in% c(known, own)) return(NULL)
  plain <- function(x) tolower(gsub("[^[:alnum:]]", "", x))
  meant <- names(foreign_names)[vapply(foreign_names, function(names) plain(name) %in% plain(names), NA)]
  if (!length(meant)) return(NULL)
  shown <- shown_value(value)
  switch(meant,
    k = if ("k" %in% known) sprintf("It is called `k` here: k = %s.", if (is.null(shown)) "2" else shown),
    covariance = covariance_hint(shown, known),
    n_start = , max_iter = , tol = setting_hint(meant, shown, known),
    seed = if (!"seed" %in% known) {
      sprintf("Random numbers follow R's generator: set.seed(%s) before the call.", if (is.null(shown)) "1" else shown)
    },
    equal = if ("latent" %in% known) "Equal proportions are latent = em_mixture(\"equal\").",
    data = if (all(c("x", "k") %in% known)) {
      "`data` goes with a formula. Data alone are the first argument: em_fit(faithful, k = 2)."
    },
    formula = if ("x" %in% known) "The formula is the first argument: em_fit(~ a + b, data = d, k = 2)."
  )
}

# A value that can stand in a call that is shown.
shown_value <- function(value) {
  if (!is.atomic(value) || is.object(value) || !length(value)) return(NULL)
  if (length(value) == 1L) return(describe_value(value))
  code <- deparse(value, width.cutoff = 60L)
  if (length(code) == 1L) code
}

covariance_hint <- function(shown, known) {
  if (is.null(shown)) shown <- "\"VVV\""
  if ("covariance" %in% known) return(sprintf("It is called `covariance` here: covariance = %s.", shown))
  if ("family" %in% known) sprintf("The structure is part of the family: family = em_gaussian(%s).", shown)
}

setting_hint <- function(name, shown, known) {
  if (is.null(shown)) shown <- ""
  if (name %in% known) return(sprintf("It is called `%s` here: %s = %s.", name, name, shown))
  if ("control" %in% known) sprintf("It is a setting: control = em_control(%s = %s).", name, shown)
}

# What a word that stands where a family should be means.
family_habit <- function(family) {
  if (is.character(family) && length(family) == 1L && family %in% gaussian_names) {
    sprintf("A structure of Gaussian components: family = em_gaussian(\"%s\").", family)
  }
}

# And where a latent structure should be.
latent_habit <- function(latent) {
  words <- c("equal", "free")
  if (is.character(latent) && length(latent) == 1L && latent %in% words) {
    return(sprintf("Write latent = em_mixture(\"%s\").", latent))
  }
  if (is.numeric(latent)) sprintf("Write latent = em_mixture(%s).", deparse(latent, width.cutoff = 100L)[1L])
}

# What other packages draw with `what =`.
plot_habit <- function(name, value, known) {
  if (!identical(name, "what") || !"type" %in% known || any(c("what", "object") %in% known)) return(NULL)
  word <- if (is.character(value) && length(value) == 1L) value else ""
  here <- c(classification = "cluster", density = "density", uncertainty = "uncertainty", scatterplot = "pairs",
            class = "cluster", diagnostic = "qq", cluster = "cluster", loglik = "trace", logLik = "trace")
  if (toupper(word) %in% select_criteria) {
    return(sprintf("One fit has one %s; plot(em_select(x, k = 1:9, criterion = \"%s\")) draws it by k.", toupper(word),
                   toupper(word)))
  }
  if (word %in% names(here)) sprintf("It is called `type` here: type = \"%s\".", here[[word]])
  else "It is called `type` here, as in type = \"density\"."
}

# Data and formula in lm()'s order, or under its names --------------------------------------------------------

# Is this a call by formula that went to another method: em_fit(data = d, formula = ~ a), d |> em_fit(~ a)?
# Whatever has no name stands for the first argument that is not named.
has_formula <- function(names, ...) {
  if (length(names) && "formula" %in% names) return(TRUE)
  for (given in list(...)) if (is.object(given) && inherits(given, "formula")) return(TRUE)
  FALSE
}

# The same call with the formula first, evaluated where it was written.
call_by_formula <- function(call, home, verb) {
  call <- match.call(function(x, ...) NULL, call, envir = home)
  names <- names(call)
  at <- c(which(names == "formula"), which(names == "")[-1L], which(names == "k"))
  at <- at[vapply(at, function(i) inherits(eval(call[[i]], home), "formula"), NA)][1L]
  if (is.na(at)) {
    abort_em("argument", c("A formula must be the first argument, and be one.",
                           i = "em_fit(~ a + b, data = d, k = 2)"))
  }
  names[names == "x"] <- "data"
  names[at] <- "x"
  names(call) <- names
  call[[1L]] <- verb
  eval(call[c(1L, at, setdiff(seq_along(call)[-1L], at))], home)
}
