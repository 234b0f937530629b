// EVE and VVE: common axes, variable shapes.
//
// With omega_jk = (D'W_k D)_jj the objective is sum_k n_k sum_j log omega_jk (VVE) or n d log sum_k g_k,
// g_k = |diag omega_k|^(1/d) (EVE). Replacing each log by its tangent gives a majoriser (that of Browne &
// McNicholas 2014 before their second bound), which is minimised exactly in the plane of two axes (as Flury &
// Gautschi 1986 do by iteration): with v_k = n_k or g_k it is a constant plus P cos 2a + Q sin 2a. Each
// rotation makes the objective smaller, and near the optimum it is about a Newton step for that plane.
#include <algorithm>
#include <cmath>
#include <limits>

#include "covariance_parts.h"

namespace em {

namespace {

class CommonAxes {
 public:
  CommonAxes(Structure structure, const Spread& spread)
      : equal_volume_(structure.volume == Letter::equal), spread_(spread), pull_(Vector::Zero(spread.k)) {}

  // Where a scatter is singular the maximiser does not exist: its own axes show that.
  Matrix find() {
    for (Index j = 0; j < spread_.k; ++j) {
      if (!spread_.empty(j) && !std::isfinite(log_determinant(spread_.own_scatter(j)))) {
        return eigenvectors(spread_.own_scatter(j));
      }
    }
    turn_to(starting_axes());
    descend(most_sweeps);
    return axes_;
  }

 private:
  // The present axes; or, where the present covariances are all alike and so say little, the best after a few
  // sweeps from those, from the axes of the pooled scatter and from those of each component's own.
  Matrix starting_axes() {
    Matrix best = eigenvectors(present_summary());
    if (!all_alike()) return best;
    double lowest = descend_from(best);
    const auto consider = [&](const Matrix& w) {
      const double value = descend_from(eigenvectors(w));
      if (value < lowest) {
        lowest = value;
        best = axes_;
      }
    };
    best = axes_;
    Matrix pooled = Matrix::Zero(spread_.d, spread_.d);
    for (Index j = 0; j < spread_.k; ++j) {
      if (spread_.empty(j)) continue;
      consider(spread_.own_scatter(j));
      pooled += spread_.own_scatter(j) * (spread_.counts[j] / spread_.own_scatter(j).trace());
    }
    consider(pooled);
    return best;
  }

  double descend_from(const Matrix& axes) {
    turn_to(axes);
    descend(few_sweeps);
    return score();
  }

  // A matrix whose axes are the common ones of the present covariances. Each is taken relative to its size;
  // unequal factors keep two axes apart whose variances would add up to the same.
  Matrix present_summary() const {
    Matrix sum = Matrix::Zero(spread_.d, spread_.d);
    for (Index j = 0; j < spread_.k; ++j) {
      const double trace = spread_.covariance(j).trace();
      if (!spread_.empty(j) && trace > 0) sum += spread_.covariance(j) / (double(j + 1) * trace);
    }
    return sum;
  }

  // Up to a factor.
  bool all_alike() const {
    const Matrix first = spread_.covariance(0) / spread_.covariance(0).trace();
    for (Index j = 1; j < spread_.k; ++j) {
      const Matrix other = spread_.covariance(j) / spread_.covariance(j).trace();
      if ((other - first).cwiseAbs().maxCoeff() > 1e-12 * first.cwiseAbs().maxCoeff()) return false;
    }
    return true;
  }

  // The objective, up to a constant and a factor.
  double score() const {
    Vector logs(spread_.k);
    double largest = -std::numeric_limits<double>::infinity();
    double sum = 0;
    for (Index j = 0; j < spread_.k; ++j) {
      if (spread_.empty(j)) continue;
      logs[j] = mean_log(j);
      largest = std::max(largest, logs[j]);
      sum += spread_.counts[j] * logs[j];
    }
    if (!equal_volume_) return sum;
    double volumes = 0;
    for (Index j = 0; j < spread_.k; ++j) {
      if (!spread_.empty(j)) volumes += std::exp(logs[j] - largest);
    }
    return largest + std::log(volumes);
  }

  double mean_log(Index j) const {
    return rotated_.middleCols(j * spread_.d, spread_.d).diagonal().array().log().mean();
  }

  void turn_to(const Matrix& axes) {
    const Index d = spread_.d;
    axes_ = axes;
    rotated_.resize(d, d * spread_.k);
    double largest = -std::numeric_limits<double>::infinity();
    for (Index j = 0; j < spread_.k; ++j) {
      if (spread_.empty(j)) continue;
      rotated_.middleCols(j * d, d).noalias() = axes_.transpose() * (spread_.own_scatter(j) * axes_);
      pull_[j] = equal_volume_ ? mean_log(j) : spread_.counts[j];
      largest = std::max(largest, pull_[j]);
    }
    for (Index j = 0; equal_volume_ && j < spread_.k; ++j) {
      if (!spread_.empty(j)) pull_[j] = std::exp(pull_[j] - largest);
    }
  }

  void descend(int most) {
    for (int sweep = 0; sweep < most; ++sweep) {
      if (!(rotate_planes() > converged * pull_.sum())) return;
    }
  }

  // One sweep over all planes; returns by how much the majorisers fell.
  double rotate_planes() {
    double gain = 0;
    for (Index a = 0; a + 1 < spread_.d; ++a) {
      for (Index b = a + 1; b < spread_.d; ++b) gain += rotate_plane(a, b);
    }
    return gain;
  }

  double rotate_plane(Index a, Index b) {
    double p = 0, q = 0;
    for (Index j = 0; j < spread_.k; ++j) {
      if (!(pull_[j] > 0)) continue;
      const double* m = scatter_of(j);
      const double in_a = m[a + a * spread_.d], in_b = m[b + b * spread_.d];
      if (!(in_a > 0 && in_b > 0)) return 0;  // rounding, in a scatter that is nearly singular
      const double half = pull_[j] * (in_b - in_a) / in_a / in_b;
      p -= half * (in_b - in_a) / 2;
      q += half * m[a + b * spread_.d];
    }
    const double r = std::sqrt(p * p + q * q);
    if (!(r > 0) || !std::isfinite(r)) return 0;
    const double cosine = std::sqrt((1 - p / r) / 2);
    const double sine = -q / r / (2 * cosine);
    if (std::abs(sine) > std::numeric_limits<double>::epsilon()) turn(a, b, cosine, sine);
    return q * q / (r - p);
  }

  void turn(Index a, Index b, double cosine, double sine) {
    const Index d = spread_.d;
    mix(axes_.data() + a * d, axes_.data() + b * d, 1, cosine, sine);
    for (Index j = 0; j < spread_.k; ++j) {
      if (!(pull_[j] > 0)) continue;
      double* m = scatter_of(j);
      const double in_a = m[a + a * d], in_b = m[b + b * d];
      mix(m + a * d, m + b * d, 1, cosine, sine);
      mix(m + a, m + b, d, cosine, sine);
      if (equal_volume_) pull_[j] *= std::pow(m[a + a * d] / in_a * (m[b + b * d] / in_b), 1 / double(d));
    }
  }

  void mix(double* a, double* b, Index stride, double cosine, double sine) const {
    for (Index i = 0; i < spread_.d * stride; i += stride) {
      const double in_a = a[i], in_b = b[i];
      a[i] = cosine * in_a + sine * in_b;
      b[i] = cosine * in_b - sine * in_a;
    }
  }

  double* scatter_of(Index j) { return rotated_.data() + j * spread_.d * spread_.d; }

  static constexpr int few_sweeps = 10;
  static constexpr int most_sweeps = 1000;
  static constexpr double converged = 1e-18;  // of the objective per row: the axes to about 1e-9

  bool equal_volume_;
  const Spread& spread_;
  Vector pull_;     // v_k, 0 for an empty component
  Matrix axes_;     // D
  Matrix rotated_;  // the D'W_k D, side by side
};

}  // namespace

void maximise_common_axes(Structure structure, const Spread& spread) {
  const Matrix axes = CommonAxes(structure, spread).find();
  Matrix along(spread.d, spread.k);
  for (Index j = 0; j < spread.k; ++j) along.col(j) = rotated_diagonal(axes, spread.own_scatter(j));
  maximise_along_axes(structure, spread.counts, diagonals_of(along));
  for (Index j = 0; j < spread.k; ++j) compose(axes, along.col(j), spread.covariance(j));
}

}  // namespace em
