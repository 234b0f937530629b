#include "r_parts.h"

#include <cstdint>
#include <stdexcept>

#include "assign.h"
#include "r_fits.h"

namespace em {

RParts::RParts(const Rcpp::List& parts, Index columns)
    : functions_(parts),
      columns_(columns),
      n_(static_cast<Index>(Rcpp::as<double>(element(parts, "n")))),
      weighted_(Rcpp::as<bool>(element(parts, "weighted"))) {}

bool RParts::next(Index rows, Data& part) {
  const Rcpp::Function ask(element(functions_, "next"));
  part_ = ask(static_cast<double>(rows), first_);
  first_ = false;
  if (part_.isNULL()) return false;
  part = make_part(Rcpp::List(part_), columns_);
  return true;
}

bool RParts::recall(ConstVectorRef parameters, VectorRef sums) {
  SEXP ask = element(functions_, "recall");
  if (Rf_isNull(ask)) return false;
  const Rcpp::Function function(ask);
  const Rcpp::RObject found = function(to_r(parameters));
  if (found.isNULL()) return false;
  if (TYPEOF(found) != REALSXP || Rf_xlength(found) != sums.size()) {
    throw std::invalid_argument("a pass has other sums than those that are recalled");
  }
  sums = ConstVectorMap(REAL(found), sums.size());
  return true;
}

void RParts::keep(ConstVectorRef parameters, ConstVectorRef sums) {
  SEXP tell = element(functions_, "keep");
  if (Rf_isNull(tell)) return;
  const Rcpp::Function function(tell);
  function(to_r(parameters), to_r(sums));
}

}  // namespace em

// A number between 0 and 1 for each of n rows behind the first `before`: the same whatever they are read
// with.
// [[Rcpp::export(rng = false)]]
Rcpp::NumericVector em_row_keys_cpp(double seed, double before, int n) {
  const auto whole = [](double x) { return x >= 0.0 && x < 0x1p53; };
  if (!whole(seed) || !whole(before) || n < 0) {
    throw std::invalid_argument("keys need a seed, a place and a number of rows of 0 or more");
  }
  Rcpp::NumericVector out(n);
  const std::uint64_t base = em::scramble(static_cast<std::uint64_t>(seed) + 0x9E3779B97F4A7C15u);
  for (int i = 0; i < n; ++i) {
    const std::uint64_t row = static_cast<std::uint64_t>(before) + static_cast<std::uint64_t>(i) + 1u;
    out[i] = em::drawn_at(base, row);
  }
  return out;
}
