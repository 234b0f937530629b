// r_fields.h: the elements of R lists, and parameters as R has them: a named list in the order and shapes of
// Fields.
//
// A list that doesn't fit is a defect of the package and raises std::invalid_argument.
#pragma once

#include "r_headers.h"

#include <type_traits>

#include "fields.h"

namespace em {

// The element of that name; R's NULL where the list has none. (Rcpp's list[name] copies the name, and where
// it is lacking throws an exception, or catches its own: 5 microseconds of a call that has 30.)
SEXP element(const Rcpp::List& list, const char* name);

// An R list with room for `most` elements, put in one by one.
class ListBuilder {
 public:
  explicit ListBuilder(int most) : values_(most), names_(most) {}

  template <class T>
  ListBuilder& add(const char* name, const T& value) {
    if constexpr (std::is_convertible_v<T, SEXP>) {
      SET_VECTOR_ELT(values_, used_, value);
    } else {
      SET_VECTOR_ELT(values_, used_, Rcpp::wrap(value));
    }
    SET_STRING_ELT(names_, used_, Rf_mkChar(name));
    ++used_;
    return *this;
  }

  Rcpp::List list();

 private:
  Rcpp::List values_;
  Rcpp::CharacterVector names_;
  R_xlen_t used_ = 0;
};

void read_parameters(const Rcpp::List& list, const Fields& fields);
Vector packed_parameters(const Rcpp::List& list, const Fields& fields);
Rcpp::List write_parameters(const Fields& fields);
Rcpp::List write_parameters(const Fields& fields, ConstVectorRef packed);

}  // namespace em
