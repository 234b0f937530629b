// r_lists.h: what is read from R's lists of plain data, with a word where it is not as the model says.
#pragma once

#include "r_headers.h"

#include <stdexcept>
#include <string>

#include "r_fields.h"

namespace em {

inline bool has(const Rcpp::List& list, const char* name) { return !Rf_isNull(element(list, name)); }

inline bool is_true(const Rcpp::List& list, const char* name) {
  SEXP value = element(list, name);
  return !Rf_isNull(value) && Rcpp::as<bool>(value);
}

// A single word; "" where there is none.
inline std::string word_of(const Rcpp::List& list, const char* name) {
  SEXP value = element(list, name);
  return TYPEOF(value) == STRSXP && Rf_xlength(value) == 1 ? CHAR(STRING_ELT(value, 0)) : "";
}

// Null where the list has none of that name.
inline const double* doubles_of(const Rcpp::List& list, const char* name, Index size) {
  if (!has(list, name)) return nullptr;
  SEXP value = element(list, name);
  if (TYPEOF(value) != REALSXP || Rf_xlength(value) != size) {
    throw std::invalid_argument(std::string(name) + " must be doubles, as many as the model says");
  }
  return REAL(value);
}

}  // namespace em
