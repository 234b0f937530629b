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

#include "covariance_parts.h"
#include "dense.h"

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
      Matrix relative(spread_.d, spread_.d);
      divide_to(spread_.covariance(j), double(j + 1) * size, relative);
      add_scaled(1.0, relative, sum);
    }
    return sum;
  }

  // Up to a factor.
  bool all_alike() const {
    Matrix first(spread_.d, spread_.d);
    divide_to(spread_.covariance(0), trace(spread_.covariance(0)), first);
    for (Index j = 1; j < spread_.k; ++j) {
      Matrix other(spread_.d, spread_.d);
      divide_to(spread_.covariance(j), trace(spread_.covariance(j)), other);
      add_scaled(-1.0, first, other);
      if (largest_size(other) > 1e-12 * largest_size(first)) return false;
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

  void turn_to(const Matrix& axes) {
    const Index d = spread_.d;
    axes_ = axes;
    rotated_.resize(d, d * spread_.k);
    double largest = -std::numeric_limits<double>::infinity();
    for (Index j = 0; j < spread_.k; ++j) {
      if (spread_.empty(j)) continue;
      MatrixMap(scatter_of(j), d, d) = cross_product(axes_, product(spread_.own_scatter(j), axes_));
      pull_[j] = equal_volume_ ? mean_log(j) : spread_.counts[j];
      largest = std::max(largest, pull_[j]);
    }
    for (Index j = 0; equal_volume_ && j < spread_.k; ++j) {
      if (!spread_.empty(j)) pull_[j] = std::exp(pull_[j] - largest);
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

  // A Newton step of all angles; returns by how much it lowered the objective, -1 where it was not taken. To
  // second order in a skew S the logarithms of the diagonal of exp(-S) M exp(S) are those of M plus, for each
  // axis c,
  //   -2 sum_i S_ci M_ci / M_cc + sum_il S_ci S_cl (M_il (1/M_cc - 1/2M_ii - 1/2M_ll) - 2 M_ci M_cl /
  //   M_cc^2).
  double turn_together() {
    const Index d = spread_.d;
    const double total = sum(pull_);
    Matrix hessian = Matrix::Zero(d * (d - 1) / 2, d * (d - 1) / 2);
    Vector slope = Vector::Zero(hessian.rows());
    if (!add_curvature(slope, hessian)) return -1;
    const Cholesky factor(hessian);
    const bool convex = factor.exists();
    Vector angles = convex ? factor.solve_vector(slope) : downhill(slope, hessian);
    if (convex) scale_to(angles, -1.0, angles);
    const double size = largest_size(angles);
    if (!std::isfinite(size)) return -1;
    const double part = std::min(1.0, far / size);
    const double promised = -dot(slope, angles) * part * (1 - part / 2);
    scale_to(angles, part, angles);
    if (!(promised > converged * total)) return 0;
    const Matrix before = axes_;
    const double height = objective(total);
    turn_to(product(before, rotation(angles)));
    if (promised < trusted * total) return promised > arrived * total || !convex ? promised : 0;
    const double gain = height - objective(total);
    if (gain > promised / 4) return gain;
    turn_to(before);
    return -1;
  }

  // Where the objective bends downwards: as if it bent upwards as much, which leads away from a saddle.
  Vector downhill(const Vector& slope, const Matrix& hessian) const {
    const SymmetricEigen eigen = symmetric_eigen(hessian);
    const double least = largest_size(eigen.values) * std::numeric_limits<double>::epsilon();
    Vector along = transposed_times(eigen.vectors, slope);
    for (Index i = 0; i < along.size(); ++i) along[i] /= -std::max(std::abs(eigen.values[i]), least);
    return times(eigen.vectors, along);
  }

  // The objective's slope and second derivatives by the angles, in the order of place().
  bool add_curvature(VectorRef slope, MatrixRef hessian) const {
    const Index d = spread_.d;
    Vector own(slope.size());
    for (Index j = 0; j < spread_.k; ++j) {
      if (!(pull_[j] > 0)) continue;
      const ConstMatrixMap m(rotated_.data() + j * d * d, d, d);
      Vector inverse(d);
      for (Index i = 0; i < d; ++i) {
        inverse[i] = 1 / m(i, i);
        if (!(m(i, i) > 0) || !std::isfinite(inverse[i])) return false;
      }
      for (Index c = 0; c < d; ++c) {
        for (Index i = 0; i < d; ++i) {
          if (i == c) continue;
          if (c < i) own[place(c, i)] = 2 * m(c, i) * (inverse[i] - inverse[c]);
          for (Index l = 0; l < d; ++l) {
            if (l == c) continue;
            const double bent = m(i, l) * (inverse[c] - (inverse[i] + inverse[l]) / 2) -
                                2 * (m(c, i) * inverse[c]) * (m(c, l) * inverse[c]);
            hessian(place(c, i), place(c, l)) += pull_[j] * ((c < i) == (c < l) ? 2 : -2) * bent;
          }
        }
      }
      add_scaled(pull_[j], own, slope);
      if (equal_volume_) add_outer_product(pull_[j] / double(d), own, own, hessian);
    }
    if (!equal_volume_) return true;
    const double rows = double(d) * sum(pull_);
    for (Index b = 0; b < slope.size(); ++b) {
      for (Index a = 0; a < slope.size(); ++a) hessian(a, b) -= slope[a] * slope[b] / rows;
    }
    return true;
  }

  // Of the angle between two axes.
  Index place(Index a, Index b) const {
    const Index low = std::min(a, b), high = std::max(a, b);
    return high * (high - 1) / 2 + low;
  }

  // Cayley's; to second order that of the angles.
  Matrix rotation(ConstVectorRef angles) const {
    const Index d = spread_.d;
    Matrix skew = Matrix::Zero(d, d);
    for (Index b = 1; b < d; ++b) {
      for (Index a = 0; a < b; ++a) {
        skew(a, b) = angles[place(a, b)] / 2;
        skew(b, a) = -skew(a, b);
      }
    }
    Matrix less = Matrix::Identity(d, d), more = less;
    add_scaled(-1.0, skew, less);
    add_scaled(1.0, skew, more);
    return solve(less, more);
  }

  // score() in the units of add_curvature(), where the pulls added up to so much.
  double objective(double total) const { return score() * double(spread_.d) * (equal_volume_ ? total : 1.0); }

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
