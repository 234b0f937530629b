# Names that tell: one rule for variables and components, wherever their names come from. A blank or missing one is
# the number, with a letter before it for variables (x3), as where there are no names at all; of equal ones the later
# get a number behind (a, a.1). Every output has these, and new rows are matched by them.
clean_names <- function(names, letter = "x") {
  if (is.null(names) || !anyNA(names) && all(nzchar(names)) && !anyDuplicated(names)) return(names)
  blank <- which(is.na(names) | !nzchar(names))
  names[blank] <- paste0(letter, blank)
  make.unique(names)
}

component_labels <- function(names, k) {
  if (is.null(names)) as.character(seq_len(k)) else clean_names(names, "")
}

# "covariance.a.b[1]"; parts that are missing are left out.
parameter_names <- function(table) make.unique(paste0(parameter_terms(table), "[", table$component, "]"))

parameter_terms <- function(table) {
  variable <- ifelse(is.na(table$variable), "", paste0(".", table$variable))
  variable2 <- ifelse(is.na(table$variable2), "", paste0(".", table$variable2))
  paste0(table$term, variable, variable2)
}

names_of <- function(x) if (is.null(names(x))) rep("", length(x)) else names(x)
