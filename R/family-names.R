# The families of the package by name: the one list of them in R; the other is src/r_families.cpp.

family_constructors <- function() {
  list(gaussian = em_gaussian, t = em_t, binomial = em_binomial, poisson = em_poisson, negbin = em_negbin,
       gamma = em_gamma, categorical = em_categorical, bernoulli = em_bernoulli, multinomial = em_multinomial,
       mixed = em_mixed)
}

# The first of them that takes all of these columns, NULL where none does.
family_for <- function(columns) {
  constructors <- family_constructors()
  for (name in names(constructors)) {
    family <- constructors[[name]]()
    if (all(vapply(columns, function(column) family_accepts(family, column), NA))) return(name)
  }
}

# Components have no predictors, so there is nothing for a link to link: a mean or a probability is a parameter itself.
check_link <- function(family, constructors, arg) {
  if (!isTRUE(family$family %in% names(constructors))) return(invisible())
  usual <- get(family$family, asNamespace("stats"))()$link
  if (identical(family$link, usual)) return(invisible())
  abort_em("unsupported", c(
    sprintf("`%s` has the link %s, but components have no link: their %s.", arg, dQuote(family$link, FALSE),
            "means and probabilities are the parameters themselves"),
    i = sprintf("Use %s = em_%s().", arg, family$family)
  ))
}
