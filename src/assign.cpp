#include "assign.h"

#include <cmath>

namespace em {

namespace {

Index most_probable(ConstMatrixRef shares, Index row) {
  Index out = 0;
  for (Index j = 1; j < shares.cols(); ++j) {
    if (shares(row, j) > shares(row, out)) out = j;
  }
  return out;
}

// Of columns without a share none is drawn.
Index drawn_column(ConstMatrixRef shares, Index row, double place) {
  double left = place * shares.row(row).sum();
  Index out = most_probable(shares, row);
  for (Index j = 0; j < shares.cols(); ++j) {
    if (left < shares(row, j)) return j;
    left -= shares(row, j);
  }
  return out;
}

}  // namespace

std::uint64_t scramble(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

double drawn_at(std::uint64_t base, std::uint64_t row) {
  return static_cast<double>(scramble(base + row * 0x9E3779B97F4A7C15u) >> 11) * 0x1p-53;
}

double Assigner::assign(Rows unit, bool together, const double* weights, MatrixRef inout) const {
  const std::uint64_t base =
      scramble(scramble(seed + 0x9E3779B97F4A7C15u) + static_cast<std::uint64_t>(pass));
  double sum = 0.0;
  Index column = 0;
  double log_share = 0.0;
  for (Index i = 0; i < unit.size; ++i) {
    const double weight = weights ? weights[i] : 1.0;
    if (!(weight > 0.0)) continue;
    if (!together || i == 0) {
      const auto row = static_cast<std::uint64_t>(unit.begin + i) + 1u;
      column =
          kind == Assignment::hard ? most_probable(inout, i) : drawn_column(inout, i, drawn_at(base, row));
      log_share = std::log(inout(i, column) / weight);
      if (kind == Assignment::hard) sum += weight * log_share;
    }
    inout.row(i).setZero();
    inout(i, column) = weight;
  }
  return sum;
}

}  // namespace em
