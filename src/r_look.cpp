// r_look.cpp: what R would do with a call of a function for each of many small things, done in one. R's
// checks stay where they are: a look says that all is in order, and where it does not they find what is wrong
// and say it.

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "numerics.h"
#include "r_convert.h"

namespace {

bool is_single(SEXP x, int type) { return TYPEOF(x) == type && Rf_xlength(x) == 1 && !Rf_isObject(x); }

// A single number, NaN for anything else.
double number_of(SEXP x) {
  if (is_single(x, REALSXP)) return REAL(x)[0];
  if (is_single(x, INTSXP) && INTEGER(x)[0] != NA_INTEGER) return INTEGER(x)[0];
  return NA_REAL;
}

// The word itself where it is one of the choices, the first of these where all were left standing.
SEXP chosen(SEXP x, SEXP choices) {
  if (TYPEOF(x) != STRSXP || Rf_isObject(x)) return nullptr;
  const R_xlen_t size = Rf_xlength(choices);
  bool all = Rf_xlength(x) == size;
  for (R_xlen_t i = 0; i < size; ++i) {
    if (Rf_xlength(x) == 1 && Rf_NonNullStringMatch(STRING_ELT(x, 0), STRING_ELT(choices, i))) return x;
    all = all && Rf_NonNullStringMatch(STRING_ELT(x, i), STRING_ELT(choices, i));
  }
  return all ? Rf_ScalarString(STRING_ELT(choices, 0)) : nullptr;
}

// One setting as its kind is kept; nullptr where it is none.
SEXP tidy(SEXP x, SEXP kind) {
  if (TYPEOF(kind) != STRSXP || Rf_xlength(kind) < 1) throw std::invalid_argument("a kind must be words");
  if (Rf_xlength(kind) > 1) return chosen(x, kind);
  const std::string word = CHAR(STRING_ELT(kind, 0));
  if (word == "flag") {
    return is_single(x, LGLSXP) && LOGICAL(x)[0] != NA_LOGICAL ? Rf_ScalarLogical(LOGICAL(x)[0]) : nullptr;
  }
  if (word == "count or NULL" && Rf_isNull(x)) return x;
  const double value = number_of(x);
  if (word == "number") return value >= 0.0 && std::isfinite(value) ? Rf_ScalarReal(value) : nullptr;
  const double least = word == "count from 0" ? 0.0 : 1.0;
  const bool sound = value >= least && value <= std::numeric_limits<int>::max() && value == std::floor(value);
  return sound ? Rf_ScalarInteger(static_cast<int>(value)) : nullptr;
}

// Without names, shape and class? Other attributes mean nothing to a start, and are left behind.
bool is_bare(SEXP x) {
  return !Rf_isObject(x) && Rf_isNull(Rf_getAttrib(x, R_NamesSymbol)) &&
         Rf_isNull(Rf_getAttrib(x, R_DimSymbol));
}

// k finite numbers without names, shape or class, each inside of lowest .. highest; else nullptr.
const double* plain_numbers(SEXP x, R_xlen_t k, double lowest, double highest) {
  if (TYPEOF(x) != REALSXP || !is_bare(x) || Rf_xlength(x) != k) return nullptr;
  const double* first = REAL(x);
  const auto inside = [&](double value) {
    return std::isfinite(value) && value >= lowest && value <= highest;
  };
  return std::all_of(first, first + k, inside) ? first : nullptr;
}

// Does every two differ by more than rounding may make of them?
bool all_apart(const double* x, R_xlen_t k) {
  double largest = 0.0;
  for (R_xlen_t i = 0; i < k; ++i) largest = std::max(largest, std::abs(x[i]));
  for (R_xlen_t i = 1; i < k; ++i) {
    for (R_xlen_t j = 0; j < i; ++j) {
      if (std::abs(x[i] - x[j]) <= 8.0 * std::numeric_limits<double>::epsilon() * largest) return false;
    }
  }
  return true;
}

Rcpp::CharacterVector with_noise(const Rcpp::CharacterVector& labels) {
  Rcpp::CharacterVector out(labels.size() + 1, "noise");
  std::copy(labels.begin(), labels.end(), out.begin());
  return out;
}

// Is there a name for each of so many?
bool serves(SEXP names, R_xlen_t size) {
  return Rf_isNull(names) || (TYPEOF(names) == STRSXP && Rf_xlength(names) == size);
}

// Can named() say what each number of this parameter is?
bool can_be_named(SEXP parameter, const Rcpp::CharacterVector& labels, SEXP variables) {
  if (TYPEOF(parameter) != REALSXP && TYPEOF(parameter) != INTSXP) return false;
  SEXP dims = Rf_getAttrib(parameter, R_DimSymbol);
  const R_xlen_t k = labels.size();
  if (Rf_isNull(dims)) return Rf_xlength(parameter) == k || Rf_xlength(parameter) == k + 1;
  if (TYPEOF(dims) != INTSXP) return false;
  const int* size = INTEGER(dims);
  if (Rf_xlength(dims) == 2) return size[0] == k && serves(variables, size[1]);
  return Rf_xlength(dims) == 3 && size[0] == size[1] && serves(variables, size[0]) && size[2] == k;
}

// A copy of a parameter under the names of its components, and of its variables where it has some; of a list,
// each of its elements.
SEXP named(SEXP parameter, const Rcpp::CharacterVector& labels, SEXP variables) {
  const bool sound = TYPEOF(parameter) == VECSXP || can_be_named(parameter, labels, variables);
  if (!sound) throw std::invalid_argument("a parameter has another shape than its names");
  Rcpp::Shield<SEXP> out(Rf_shallow_duplicate(parameter));
  const R_xlen_t dims = Rf_xlength(Rf_getAttrib(out, R_DimSymbol));
  if (TYPEOF(out) == VECSXP) {
    for (R_xlen_t i = 0; i < Rf_xlength(out); ++i) {
      SET_VECTOR_ELT(out, i, named(VECTOR_ELT(out, i), labels, variables));
    }
  } else if (dims == 3) {
    Rf_setAttrib(out, R_DimNamesSymbol, Rcpp::List::create(variables, variables, labels));
  } else if (dims == 2) {
    Rf_setAttrib(out, R_DimNamesSymbol, Rcpp::List::create(labels, variables));
  } else if (Rf_xlength(out) == labels.size()) {
    Rf_setAttrib(out, R_NamesSymbol, labels);
  } else {
    Rf_setAttrib(out, R_NamesSymbol, with_noise(labels));
  }
  return out;
}

}  // namespace

// Settings in the types they are kept in; NULL where one is not of its kind: "number" (0 or more), "count",
// "count from 0", "count or NULL", "flag", or one of several words.
// [[Rcpp::export(rng = false)]]
SEXP em_tidy_cpp(Rcpp::List settings, Rcpp::List kinds) {
  if (settings.size() != kinds.size()) throw std::invalid_argument("there must be a kind for each setting");
  Rcpp::List out(settings.size());
  for (R_xlen_t i = 0; i < settings.size(); ++i) {
    SEXP value = tidy(VECTOR_ELT(settings, i), VECTOR_ELT(kinds, i));
    if (value == nullptr) return R_NilValue;
    SET_VECTOR_ELT(out, i, value);
  }
  Rf_setAttrib(out, R_NamesSymbol, Rf_getAttrib(settings, R_NamesSymbol));
  return out;
}

// A start that gives each component one number of each of the family's own parameters, and no more, as the
// core takes it, with equal proportions; NULL where it is another kind of start or anything must be said of
// it.
// [[Rcpp::export(rng = false)]]
SEXP em_plain_start_cpp(Rcpp::List start, std::string family, int k, int columns) {
  constexpr double most = std::numeric_limits<double>::max();
  if (k < 1) throw std::invalid_argument("there must be a component");
  const auto values = [k](const double* first) { return Rcpp::NumericVector(first, first + k); };
  if (family == "gaussian" && columns == 1 && start.size() == 2) {
    const double* mean = plain_numbers(em::element(start, "mean"), k, -most, most);
    const double* sd = plain_numbers(em::element(start, "sd"), k, 1.5e-154, 1.3e154);
    if (!mean || !sd || !all_apart(mean, k)) return R_NilValue;
    const Rcpp::NumericVector equal(k, 1.0 / k);
    return em::ListBuilder(3)
        .add("proportions", equal)
        .add("mean", values(mean))
        .add("sd", values(sd))
        .list();
  }
  if (family == "binomial" && start.size() == 1) {
    const double* prob = plain_numbers(em::element(start, "prob"), k, 0.0, 1.0);
    if (!prob || !all_apart(prob, k)) return R_NilValue;
    const Rcpp::NumericVector equal(k, 1.0 / k);
    return em::ListBuilder(2).add("proportions", equal).add("prob", values(prob)).list();
  }
  return R_NilValue;
}

// How many different values the first `rows` of the first column have, counted up to `enough`.
// [[Rcpp::export(rng = false)]]
int em_distinct_cpp(Rcpp::NumericMatrix x, int rows, int enough) {
  if (x.ncol() < 1) throw std::invalid_argument("there must be a column");
  return static_cast<int>(em::count_distinct(x.begin(), std::min(rows, x.nrow()), enough));
}

// The largest number of each row; NaN where it has one.
// [[Rcpp::export(rng = false)]]
Rcpp::NumericVector em_row_max_cpp(Rcpp::NumericMatrix x) {
  if (x.ncol() < 1) throw std::invalid_argument("there must be a column");
  const R_xlen_t n = x.nrow();
  Rcpp::NumericVector out(x.begin(), x.begin() + n);
  for (int j = 1; j < x.ncol(); ++j) {
    const double* column = x.begin() + j * n;
    for (R_xlen_t i = 0; i < n; ++i) {
      if (column[i] > out[i] || std::isnan(column[i])) out[i] = column[i];
    }
  }
  return out;
}

// Parameters, or a list of such, under the names of components and variables; a proportion more is noise's.
// [[Rcpp::export(rng = false)]]
Rcpp::List em_named_cpp(Rcpp::List parameters, Rcpp::CharacterVector labels, SEXP variables) {
  return named(parameters, labels, variables);
}
