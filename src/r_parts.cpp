#include "r_parts.h"

#include <cstdint>
#include <fstream>
#include <stdexcept>

#include "assign.h"
#include "r_fits.h"

namespace em {

namespace {

double number_or(const Rcpp::List& list, const char* name, double otherwise) {
  SEXP value = element(list, name);
  return Rf_isNull(value) ? otherwise : Rcpp::as<double>(value);
}

// Numbers that a function of R gave, as many as there should be.
void take_numbers(SEXP found, VectorRef out) {
  if (TYPEOF(found) != REALSXP || Rf_xlength(found) != out.size()) {
    throw std::invalid_argument("a pass has other sums than those that are recalled");
  }
  out = ConstVectorMap(REAL(found), out.size());
}

}  // namespace

RParts::RParts(const Rcpp::List& parts, Index columns)
    : functions_(parts),
      columns_(columns),
      n_(static_cast<Index>(Rcpp::as<double>(element(parts, "n")))),
      weighted_(Rcpp::as<bool>(element(parts, "weighted"))),
      first_leaf_(static_cast<Index>(number_or(parts, "first_leaf", 0.0))),
      weight_(number_or(parts, "weight", -1.0)) {}

bool RParts::take(const char* from, Index rows, Data& part) {
  const Rcpp::Function ask(element(functions_, from));
  part_ = ask(static_cast<double>(rows), first_);
  first_ = false;
  if (part_.isNULL()) return false;
  part = make_part(Rcpp::List(part_), columns_);
  return true;
}

bool RParts::next(Index rows, Data& part) { return take("next", rows, part); }

bool RParts::next_at_hand(Index least, Index wanted, Data& part, Index& skip) {
  if (Rf_isNull(element(functions_, "at_hand"))) return Parts::next_at_hand(least, wanted, part, skip);
  if (!take("at_hand", least, part)) return false;
  skip = static_cast<Index>(Rcpp::as<double>(element(Rcpp::List(part_), "skip")));
  if (skip < 0 || skip >= part.n) throw std::invalid_argument("a part has no rows but those given before");
  return true;
}

bool RParts::put_back(Index rows) {
  SEXP tell = element(functions_, "put_back");
  if (Rf_isNull(tell)) return false;
  const Rcpp::Function function(tell);
  return Rcpp::as<bool>(function(static_cast<double>(rows)));
}

bool RParts::gather(ConstVectorRef about, VectorRef state) {
  SEXP ask = element(functions_, "gather");
  if (Rf_isNull(ask)) return false;
  const Rcpp::Function function(ask);
  const Rcpp::RObject found = function(to_r(about), to_r(state));
  take_numbers(found, state);
  return true;
}

bool RParts::recall(const PassAsked& pass, VectorRef sums) {
  SEXP ask = element(functions_, "recall");
  if (Rf_isNull(ask)) return false;
  const Rcpp::Function function(ask);
  Rcpp::RObject description;
  if (pass.description) description = to_r(*pass.description);
  const Rcpp::RObject found =
      function(to_r(pass.parameters), pass.exact, static_cast<double>(pass.slice), description);
  if (found.isNULL()) return false;
  take_numbers(found, sums);
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

// Doubles of a file, from the byte `begin` on, into the memory of a vector that nobody else has; false where
// there are not as many.
// [[Rcpp::export(rng = false)]]
bool em_read_doubles_cpp(std::string path, double begin, Rcpp::NumericVector into) {
  if (!(begin >= 0.0 && begin < 0x1p53)) throw std::invalid_argument("a file begins at byte 0");
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(begin));
  const auto size = static_cast<std::streamsize>(into.size() * static_cast<R_xlen_t>(sizeof(double)));
  return file.read(reinterpret_cast<char*>(into.begin()), size).gcount() == size;
}
