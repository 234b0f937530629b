#include "r_fields.h"

#include <cstring>
#include <stdexcept>

namespace em {

SEXP element(const Rcpp::List& list, const char* name) {
  SEXP names = Rf_getAttrib(list, R_NamesSymbol);
  for (R_xlen_t i = 0; i < Rf_xlength(names); ++i) {
    if (std::strcmp(CHAR(STRING_ELT(names, i)), name) == 0) return VECTOR_ELT(list, i);
  }
  return R_NilValue;
}

Rcpp::List ListBuilder::list() {
  values_.names() = names_;
  return used_ == values_.size() ? values_ : Rcpp::List(Rf_xlengthgets(values_, used_));
}

namespace {

Rcpp::NumericVector write_field(const Field& field, const double* values) {
  Rcpp::NumericVector out(values, values + field.size());
  if (field.axes.size() > 1) {
    Rcpp::IntegerVector dims;
    for (const Extent& extent : field.axes) dims.push_back(static_cast<int>(extent.size));
    out.attr("dim") = dims;
  }
  return out;
}

}  // namespace

void read_parameters(const Rcpp::List& list, const Fields& fields) {
  unpack(packed_parameters(list, fields), fields);
}

Vector packed_parameters(const Rcpp::List& list, const Fields& fields) {
  Vector out(packed_size(fields));
  Index at = 0;
  for (const Field& field : fields) {
    SEXP value = element(list, field.name.c_str());
    if (TYPEOF(value) != REALSXP || Rf_xlength(value) != field.size()) {
      throw std::invalid_argument("parameter " + field.name + " has the wrong size or type");
    }
    out.segment(at, field.size()) = ConstVectorMap(REAL(value), field.size());
    at += field.size();
  }
  return out;
}

Rcpp::List write_parameters(const Fields& fields) {
  Vector packed(packed_size(fields));
  pack(fields, packed);
  return write_parameters(fields, packed);
}

Rcpp::List write_parameters(const Fields& fields, ConstVectorRef packed) {
  ListBuilder out(static_cast<int>(fields.size()));
  Index at = 0;
  for (const Field& field : fields) {
    out.add(field.name.c_str(), write_field(field, packed.data() + at));
    at += field.size();
  }
  return out.list();
}

}  // namespace em
