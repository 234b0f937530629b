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
