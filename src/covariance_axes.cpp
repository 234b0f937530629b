// EVE and VVE: common axes, variable shapes.
//
// With omega_jk = (D'W_k D)_jj the objective is sum_k n_k sum_j log omega_jk (VVE) or n d log sum_k g_k,
// g_k = |diag omega_k|^(1/d) (EVE). Replacing each log by its tangent gives a majoriser (that of Browne &
// McNicholas 2014 before their second bound), which is minimised exactly in the plane of two axes (as Flury &
// Gautschi 1986 do by iteration): with v_k = n_k or g_k it is a constant plus P cos 2a + Q sin 2a. Each
// rotation makes the objective smaller, and near the optimum it is about a Newton step for that plane. Planes
// that pull at each other make sweeps over all of them slow; after some, Newton steps of all angles together
// take over.
#include <algorithm>
#include <cmath>
#include <limits>

#include "covariance_angles.h"
#include "covariance_parts.h"
#include "dense.h"

namespace em {

namespace {

class CommonAxes {
 public:
  CommonAxes(Structure structure, const Spread& spread)
      : equal_volume_(structure.volume == Letter::equal),
        spread_(spread),
        pull_(Vector::Zero(spread.k)),
        axes_(spread.d, spread.d),
        rotated_(spread.d, spread.d * spread.k),
        room_(spread.d, spread.d),
        angles_(spread.d <= most_together ? spread.d : 0),
        diagonals_(spread.d, spread.k) {}

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
      add_scaled(spread_.counts[j] / trace(spread_.own_scatter(j)), spread_.own_scatter(j), pooled);
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
      const double size = trace(spread_.covariance(j));
      if (spread_.empty(j) || !(size > 0)) continue;
      add_scaled(1 / (double(j + 1) * size), spread_.covariance(j), sum);
    }
    return sum;
  }

  // Up to a factor.
  bool all_alike() const {
    const MatrixMap first = spread_.covariance(0);
    const double size = trace(first);
    const double least = 1e-12 * largest_size(first);
    for (Index j = 1; j < spread_.k; ++j) {
      const MatrixMap other = spread_.covariance(j);
      const double factor = size / trace(other);
      for (Index i = 0; i < first.size(); ++i) {
        if (std::abs(factor * other.data()[i] - first.data()[i]) > least) return false;
      }
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
    const double* m = rotated_.data() + j * spread_.d * spread_.d;
    double sum = 0;
    for (Index i = 0; i < spread_.d; ++i) sum += std::log(m[i * (spread_.d + 1)]);
    return sum / double(spread_.d);
  }

  // From scratch: the D'W_k D, and what pulls at each.
  void turn_to(const Matrix& axes) {
    axes_ = axes;
    rotate_scatters();
    double largest = -std::numeric_limits<double>::infinity();
    for (Index j = 0; j < spread_.k; ++j) {
      if (spread_.empty(j)) continue;
      pull_[j] = equal_volume_ ? mean_log(j) : spread_.counts[j];
      largest = std::max(largest, pull_[j]);
    }
    for (Index j = 0; equal_volume_ && j < spread_.k; ++j) {
      if (!spread_.empty(j)) pull_[j] = std::exp(pull_[j] - largest);
    }
  }

  void rotate_scatters() {
    const Index d = spread_.d;
    for (Index j = 0; j < spread_.k; ++j) {
      if (spread_.empty(j)) continue;
      multiply(spread_.own_scatter(j).data(), axes_.data(), room_.data());
      double* m = scatter_of(j);
      for (Index b = 0; b < d; ++b) {
        for (Index a = 0; a <= b; ++a) {
          double sum = 0;
          for (Index i = 0; i < d; ++i) sum += axes_(i, a) * room_(i, b);
          m[a + b * d] = m[b + a * d] = sum;
        }
      }
    }
  }

  // to = a b, of d x d each. product() would make a matrix of its own at every step.
  void multiply(const double* a, const double* b, double* to) const {
    const Index d = spread_.d;
    for (Index j = 0; j < d; ++j) {
      for (Index i = 0; i < d; ++i) {
        double sum = 0;
        for (Index l = 0; l < d; ++l) sum += a[i + l * d] * b[l + j * d];
        to[i + j * d] = sum;
      }
    }
  }

  void descend(int most) {
    bool sweeping = false;
    const bool few = spread_.d <= most_together;
    for (int step = 0; step < most; ++step) {
      const double gain = step < first_sweeps || sweeping || !few ? rotate_planes() : turn_together();
      sweeping = gain < 0;
      if (!sweeping && !(gain > converged * sum(pull_))) return;
    }
  }

  // A Newton step of all angles; returns by how much it lowered the objective, -1 where it was not taken.
  double turn_together() {
    const double total = sum(pull_);
    if (!angles_.find(pull_, rotated_.data(), equal_volume_)) return -1;
    const double size = angles_.largest();
    if (!std::isfinite(size)) return -1;
    const double part = std::min(1.0, far / size);
    const double promised = angles_.promise(part);
    if (!(promised > converged * total)) return 0;
    before_ = axes_;
    const double gain = turn_by(part, total);
    if (promised < trusted * total) return promised > arrived * total || !angles_.convex() ? promised : 0;
    if (gain > promised / 4) return gain;
    turn_to(before_);
    return -1;
  }

  // The axes turned by such a part of the angles; returns by how much the objective, in the units of
  // AxesAngles::find() and with pulls that added up to so much, fell. As ratios of what was to what is: a
  // difference of two objectives has fewer digits.
  double turn_by(double part, double total) {
    const Index d = spread_.d;
    for (Index j = 0; j < spread_.k; ++j) {
      const double* m = scatter_of(j);
      for (Index i = 0; i < d; ++i) diagonals_(i, j) = m[i * (d + 1)];
    }
    angles_.turn(part, room_);
    multiply(before_.data(), room_.data(), axes_.data());
    rotate_scatters();
    double gain = 0;
    for (Index j = 0; j < spread_.k; ++j) {
      if (!(pull_[j] > 0)) continue;
      const double* m = scatter_of(j);
      double ratio = 1;
      for (Index i = 0; i < d; ++i) ratio *= m[i * (d + 1)] / diagonals_(i, j);
      if (equal_volume_)
        pull_[j] *= std::pow(ratio, 1 / double(d));
      else
        gain -= pull_[j] * std::log(ratio);
    }
    return equal_volume_ ? double(d) * total * std::log(total / sum(pull_)) : gain;
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

  static constexpr int first_sweeps = 1;
  static constexpr int few_sweeps = 10;
  static constexpr int most_sweeps = 1000;
  // In more dimensions, of which the angles are the square, a step of all is dearer than sweeps.
  static constexpr Index most_together = 10;
  static constexpr double converged = 1e-18;  // of the objective per row: the axes to about 1e-9
  // Newton steps: of more than this angle none is taken; below the first gain (as above) they are surer than
  // the difference of two objectives, below the second what is left behind them is below `converged`.
  static constexpr double far = 0.3;
  static constexpr double trusted = 1e-9;
  static constexpr double arrived = 1e-11;

  bool equal_volume_;
  const Spread& spread_;
  Vector pull_;     // v_k, 0 for an empty component
  Matrix axes_;     // D
  Matrix rotated_;  // the D'W_k D, side by side
  Matrix room_;     // of d x d

  // Of a Newton step: where it began.
  AxesAngles angles_;
  Matrix diagonals_;  // of the D'W_k D, d x K
  Matrix before_;     // D
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
