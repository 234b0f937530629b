// How far apart components are, and how narrow: what FamilyGaussianBase is judged by.

#include <algorithm>
#include <cmath>

#include "dense.h"
#include "family_gaussian_base.h"
#include "numerics.h"

namespace em {

namespace {

// Bhattacharyya's distance of two normal distributions of one variable.
double distance_along(double gap, double first, double second) {
  if (!(first > 0.0) || !(second > 0.0)) return gap == 0.0 && first == second ? 0.0 : infinity;
  const double between = 0.5 * first + 0.5 * second;
  const double unit = gap / std::sqrt(between);
  const double spreads = std::log(between) - 0.5 * (std::log(first) + std::log(second));
  return unit * unit / 8.0 + 0.5 * std::max(spreads, 0.0);
}

}  // namespace

// Along a single column components are never farther apart than in all of them, so most pairs are settled
// there.
double FamilyGaussianBase::distance(Index a, Index b, double enough) const {
  double farthest = 0.0;
  for (Index column = 0; column < d_; ++column) {
    const double here =
        distance_along(mean_(a, column) - mean_(b, column), variance(a, column), variance(b, column));
    farthest = std::max(farthest, here);
    if (farthest >= enough) return farthest;
  }
  return d_ == 1 ? farthest : full_distance(a, b);
}

double FamilyGaussianBase::full_distance(Index a, Index b) const {
  Vector gap(d_);
  bool same = true;
  for (Index i = 0; i < d_; ++i) {
    gap[i] = mean_(a, i) - mean_(b, i);
    same = same && gap[i] == 0.0;
  }
  Matrix first = sigma(a);
  Matrix second = sigma(b);
  Matrix between(d_, d_);
  for (Index i = 0; i < between.size(); ++i) {
    between.data()[i] = 0.5 * (first.data()[i] + second.data()[i]);
    same = same && first.data()[i] == second.data()[i];
  }
  if (cholesky_in_place(d_, between.data(), nullptr) >= 0 ||
      cholesky_in_place(d_, first.data(), nullptr) >= 0 ||
      cholesky_in_place(d_, second.data(), nullptr) >= 0) {
    return same ? 0.0 : infinity;
  }
  solve_lower_vector(between, gap);
  const auto log_half = [](const Matrix& factor) {
    double sum = 0.0;
    for (Index i = 0; i < factor.cols(); ++i) sum += std::log(factor(i, i));
    return sum;
  };
  const double spreads = log_half(between) - 0.5 * (log_half(first) + log_half(second));
  return sum_of_squares(gap) / 8.0 + std::max(spreads, 0.0);
}

Vector FamilyGaussianBase::relative_spread() const {
  Matrix factor = own_total_;
  const bool regular = !structure_.diagonal() && cholesky_in_place(d_, factor.data(), nullptr) < 0;
  if (!regular) {
    // Of a column without spread any spread is wide: it is measured in its own units.
    factor = Matrix::Zero(d_, d_);
    for (Index a = 0; a < d_; ++a) factor(a, a) = own_total_(a, a) > 0.0 ? std::sqrt(own_total_(a, a)) : 1.0;
  }
  for (Index b = 1; b < d_; ++b) std::fill_n(factor.data() + b * d_, b, 0.0);  // what is above the diagonal
  Vector out = Vector::Ones(k_);
  for (Index j = 0; j < k_; ++j) {
    if (holds_spread(j)) continue;
    Matrix own = sigma(j);
    if (cholesky_in_place(d_, own.data(), floor_of(j)) >= 0) {
      out[j] = 0.0;
      continue;
    }
    // The largest spread of the data relative to the component's is the inverse of what is asked, and the
    // more exact the narrower the component.
    Matrix relative = factor;
    solve_lower(own, relative);
    out[j] = 1.0 / std::sqrt(symmetric_eigenvalues(outer_product(relative, relative))[d_ - 1]);
  }
  return out;
}

}  // namespace em
