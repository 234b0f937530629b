#include "covariance_angles.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "dense.h"
#include "numerics.h"

namespace em {

AxesAngles::AxesAngles(Index d)
    : d_(d),
      slope_(d * (d - 1) / 2),
      angles_(slope_.size()),
      own_(slope_.size()),
      inverse_(d),
      hessian_(slope_.size(), slope_.size()),
      factor_(slope_.size(), slope_.size()) {}

bool AxesAngles::find(const Vector& pull, const double* rotated, bool equal_volume) {
  if (!find_derivatives(pull, rotated, equal_volume)) return false;
  step();
  return true;
}

double AxesAngles::largest() const { return largest_size(angles_); }

double AxesAngles::promise(double part) const { return -dot(slope_, angles_) * part * (1 - part / 2); }

// To second order in a skew S the logarithms of the diagonal of exp(-S) M exp(S) are those of M plus, for
// each axis c,
//   -2 sum_i S_ci M_ci / M_cc + sum_il S_ci S_cl (M_il (1/M_cc - 1/2M_ii - 1/2M_ll) - 2 M_ci M_cl / M_cc^2).
bool AxesAngles::find_derivatives(const Vector& pull, const double* rotated, bool equal_volume) {
  slope_.setZero();
  hessian_.setZero();
  for (Index j = 0; j < pull.size(); ++j) {
    if (!(pull[j] > 0)) continue;
    const double* m = rotated + j * d_ * d_;
    for (Index i = 0; i < d_; ++i) {
      inverse_[i] = 1 / m[i * (d_ + 1)];
      if (!(m[i * (d_ + 1)] > 0) || !std::isfinite(inverse_[i])) return false;
    }
    for (Index b = 1; b < d_; ++b) {
      for (Index a = 0; a < b; ++a) own_[place(a, b)] = 2 * m[a + b * d_] * (inverse_[b] - inverse_[a]);
    }
    add_scaled(pull[j], own_, slope_);
    for (Index c = 0; c < d_; ++c) add_bend(m, c, 2 * pull[j]);
    if (equal_volume) add_to_hessian(pull[j] / double(d_), own_);
  }
  if (equal_volume) add_to_hessian(-1 / (double(d_) * sum(pull)), slope_);
  return true;
}

// What axis c adds to the second derivatives.
void AxesAngles::add_bend(const double* m, Index c, double weight) {
  for (Index i = 0; i < d_; ++i) {
    if (i == c) continue;
    const double along = 2 * m[i + c * d_] * inverse_[c] * inverse_[c];
    for (Index l = 0; l <= i; ++l) {
      if (l == c) continue;
      const double bent =
          m[l + i * d_] * (inverse_[c] - (inverse_[i] + inverse_[l]) / 2) - along * m[l + c * d_];
      hessian_(place(c, i), place(c, l)) += (c < i) == (c < l) ? weight * bent : -weight * bent;
    }
  }
}

void AxesAngles::add_to_hessian(double weight, const Vector& v) {
  for (Index b = 0; b < v.size(); ++b) {
    for (Index a = b; a < v.size(); ++a) hessian_(a, b) += weight * v[a] * v[b];
  }
}

// Of the angle between two axes. It grows with either, so that the lower triangle is what add_bend() meets.
Index AxesAngles::place(Index a, Index b) const {
  const Index low = std::min(a, b), high = std::max(a, b);
  return high * (high - 1) / 2 + low;
}

void AxesAngles::step() {
  factor_ = hessian_;
  scale_to(slope_, -1.0, angles_);
  convex_ = cholesky_in_place(factor_.rows(), factor_.data(), nullptr) < 0;
  if (!convex_) return step_off_saddle();
  solve_lower_vector(factor_, angles_);
  solve_lower_transposed_vector(factor_, angles_);
}

// As if the objective bent upwards as much as it bends downwards, which leads away from a saddle.
void AxesAngles::step_off_saddle() {
  const SymmetricEigen eigen = symmetric_eigen(hessian_);
  const double least = largest_size(eigen.values) * std::numeric_limits<double>::epsilon();
  Vector along = transposed_times(eigen.vectors, angles_);
  for (Index i = 0; i < along.size(); ++i) along[i] /= std::max(std::abs(eigen.values[i]), least);
  angles_ = times(eigen.vectors, along);
}

// Cayley's, (I - S / 2)^-1 (I + S / 2) = 2 (I - S / 2)^-1 - I; to second order that of the angles.
void AxesAngles::turn(double part, Matrix& rotation) const {
  for (Index b = 0; b < d_; ++b) {
    rotation(b, b) = 1;
    for (Index a = 0; a < b; ++a) {
      rotation(b, a) = part * angles_[place(a, b)] / 2;
      rotation(a, b) = -rotation(b, a);
    }
  }
  invert_unpivoted(rotation);
  scale_to(rotation, 2.0, rotation);
  for (Index a = 0; a < d_; ++a) rotation(a, a) -= 1;
}

}  // namespace em
