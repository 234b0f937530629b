#include "r_mixed.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "family_mixed.h"
#include "r_fields.h"

namespace em {

namespace {

bool has_gaps(const Data& rows, const std::vector<Index>& columns) {
  return std::any_of(columns.begin(), columns.end(),
                     [&](Index column) { return rows.matrix().col(column).hasNaN(); });
}

std::vector<Index> columns_of(const Rcpp::List& part, Index d) {
  std::vector<Index> out;
  for (const int column : Rcpp::as<std::vector<int>>(element(part, "part_columns"))) {
    if (column < 1 || column > d) throw std::invalid_argument("a part has columns that data$x lacks");
    out.push_back(column - 1);
  }
  if (out.empty()) throw std::invalid_argument("a part needs columns");
  return out;
}

Part make_part(const Rcpp::List& one, const Data& rows, FamilyMaker make) {
  Part part;
  part.name = Rcpp::as<std::string>(element(one, "part"));
  part.columns = columns_of(one, rows.d);
  Data own = rows;
  own.d = static_cast<Index>(part.columns.size());
  const bool gaps = has_gaps(rows, part.columns);
  const auto reading = Rcpp::as<std::string>(element(one, "reading"));
  if (reading == "counts") {
    part.reading = Reading::counts;
    part.exposures = gaps ? own.d : 0;
    own.d += part.exposures;
  } else if (reading == "trials") {
    part.reading = Reading::trials;
    if (own.d == 1) part.size = Rcpp::as<double>(element(one, "size"));
    own.d = 2;
  }
  part.family = make(one, own, gaps);
  return part;
}

}  // namespace

std::unique_ptr<Family> make_mixed(const Rcpp::List& family, const Data& rows, Index k, FamilyMaker make) {
  std::vector<Part> parts;
  const Rcpp::List given = element(family, "parts");
  for (R_xlen_t i = 0; i < given.size(); ++i) {
    parts.push_back(make_part(given[i], rows, make));
    if (parts.back().family->n_components() != k) throw std::invalid_argument("all parts need the same k");
  }
  if (parts.empty()) throw std::invalid_argument("family$parts must not be empty");
  return std::make_unique<FamilyMixed>(k, std::move(parts));
}

}  // namespace em
