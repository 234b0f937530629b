// The form `axes` of gaussian_chart.h.

#include <algorithm>
#include <cmath>
#include <utility>

#include "gaussian_chart_parts.h"

namespace em {

namespace {

// Log-variances along the axes, a column for each component: what components share comes rounded out of
// covariances whose axes differ much in length, and would stay apart in all that is placed from here.
void settle_shares(const Layout& at, const double* counts, Matrix& log_delta) {
  Matrix volume(1, at.k);
  for (Index j = 0; j < at.k; ++j) {
    volume(0, j) = sum(log_delta.col(j)) / double(at.d);
    for (Index i = 0; i < at.d; ++i) log_delta(i, j) -= volume(0, j);
  }
  if (at.volumes == 1) make_alike(volume, counts);
  if (at.shapes == 1) make_alike(log_delta, counts);
  for (Index j = 0; j < at.k; ++j) {
    for (Index i = 0; i < at.d; ++i) log_delta(i, j) += volume(0, j);
  }
}

class AxesChart : public GaussianChart {
 public:
  AxesChart(Structure structure, const Layout& layout, const Fields& fields, const double* counts)
      : GaussianChart(structure, layout, fields, counts),
        log_delta0_(at_.d, at_.k),
        axes0_(at_.orientations > 0 ? at_.d * at_.d : 0, at_.k) {
    if (at_.orientations > 0) find_axes();
    for (Index j = 0; j < at_.k; ++j) {
      const Vector variances = variances_along(j);
      for (Index i = 0; i < at_.d; ++i) log_delta0_(i, j) = std::log(variances[i]);
    }
    settle_shares(at_, counts, log_delta0_);
    for (Index j = 0; j < at_.k; ++j) {
      const Matrix root = root_of(log_delta0_, j);
      square(root0_, j) = at_.orientations > 0 ? product(square(axes0_, j), root) : root;
    }
    log_delta_ = log_delta0_;
    axes_ = axes0_;
    middle_.resize(at_.d * at_.d, at_.orientations);
    angle_.resize(at_.planes(), at_.orientations);
    for (Index set = 0; set < at_.orientations; ++set) {
      square(middle_, set).setIdentity();
      angle_.col(set) = angles(set, counts);
    }
  }

  void place(ConstVectorRef z) override {
    for (Index j = 0; j < at_.k; ++j) {
      const Vector shape = log_shape(z, j);
      for (Index i = 0; i < at_.d; ++i) log_delta_(i, j) = (log_delta0_(i, j) + shape[i]) + log_volume(z, j);
      Matrix root = root_of(log_delta_, j);
      if (at_.orientations > 0) {
        turn(z, j);
        root = product(square(axes_, j), root);
      }
      set_mean(j, z);
      set_covariance(j, root);
    }
  }

  void slope(ConstVectorRef statistics, VectorRef g) const override {
    const double* second = statistics.data() + at_.k * (1 + at_.d);
    std::fill_n(g.data(), g.size(), 0.0);
    for (Index j = 0; j < at_.k; ++j) {
      const Vector delta = exponentials(log_delta_.col(j));
      Vector pull = ConstVectorMap(statistics.data() + at_.k + j * at_.d, at_.d);
      Vector along(at_.d);
      if (at_.orientations > 0) {
        const ConstMatrixMap axes = square(axes_, j);
        pull = transposed_times(axes, pull);
        for (Index i = 0; i < at_.d; ++i) pull[i] /= delta[i];
        pull = times(axes, pull);
        const ConstMatrixMap scatter(second + j * at_.d * at_.d, at_.d, at_.d);
        Matrix turned = product(cross_product(axes, scatter), axes);
        for (Index i = 0; i < at_.d; ++i) {
          along[i] = turned(i, i);
          for (Index column = 0; column < at_.d; ++column) turned(i, column) *= 1.0 / delta[i];
        }
        add_orientation(j, turned, g);
      } else {
        for (Index i = 0; i < at_.d; ++i) pull[i] /= delta[i];
        along = ConstVectorMap(second + j * at_.d, at_.d);
      }
      VectorMap(g.data() + j * at_.d, at_.d) = transposed_times(square(root0_, j), pull);
      Vector slope(at_.d);
      for (Index i = 0; i < at_.d; ++i) slope[i] = 0.5 * (along[i] / delta[i] - statistics[j]);
      add_volume(j, sum(slope), g);
      add_shape(j, slope, g);
    }
  }

 private:
  Index set_of(Index j) const { return at_.orientations > 1 ? j : 0; }

  Vector variances_along(Index j) const {
    const Matrix sigma = covariance(j);
    Vector out(at_.d);
    if (at_.orientations == 0) {
      for (Index i = 0; i < at_.d; ++i) out[i] = sigma(i, i);
      return out;
    }
    const ConstMatrixMap axes = square(axes0_, j);
    const Matrix turned = product(sigma, axes);
    for (Index i = 0; i < at_.d; ++i) out[i] = dot(axes.col(i), turned.col(i));
    return out;
  }

  // The standard deviations along the axes.
  Matrix root_of(const Matrix& log_delta, Index j) const {
    Matrix out = Matrix::Zero(at_.d, at_.d);
    for (Index i = 0; i < at_.d; ++i) out(i, i) = std::exp(0.5 * log_delta(i, j));
    return out;
  }

  // Own axes are those of each covariance, in increasing order, so that a shared shape pairs them up. Common
  // ones are those of a sum in which unequal factors keep two axes apart whose variances would add up to the
  // same.
  void find_axes() {
    Matrix sum = Matrix::Zero(at_.d, at_.d);
    for (Index j = 0; j < at_.k; ++j) {
      Matrix sigma = covariance(j);
      square(axes0_, j) = symmetric_eigen(sigma).vectors;
      divide_to(sigma, double(j + 1) * trace(sigma), sigma);
      add_scaled(1.0, sigma, sum);
    }
    if (at_.orientations > 1) return;
    const Matrix common = symmetric_eigen(sum).vectors;
    for (Index j = 0; j < at_.k; ++j) square(axes0_, j) = common;
  }

  // One row tells of a rotation in the plane of two axes (delta_a - delta_b)^2 / (delta_a delta_b): its
  // natural unit is the angle that makes this one.
  Vector angles(Index set, const double* counts) const {
    Vector rows = Vector::Zero(at_.planes());
    double total = 0.0;
    for (Index j = 0; j < at_.k; ++j) {
      if (set_of(j) != set) continue;
      const double count = counts[j] > 0.0 ? counts[j] : 1.0;
      total += count;
      Index next = 0;
      for (Index a = 0; a < at_.d; ++a) {
        for (Index b = a + 1; b < at_.d; ++b) {
          const double half = std::sinh(0.5 * (log_delta0_(a, j) - log_delta0_(b, j)));
          rows[next++] += count * 4.0 * half * half;
        }
      }
    }
    for (Index i = 0; i < rows.size(); ++i)
      rows[i] = 1.0 / std::sqrt(std::max(rows[i] / total, least_eccentricity));
    return rows;
  }

  // D = D0 (I - S/2)^-1 (I + S/2) = D0 (2M - I), M = (I - S/2)^-1, S skew.
  void turn(ConstVectorRef z, Index j) {
    Matrix middle = Matrix::Identity(at_.d, at_.d);
    Index next = 0;
    for (Index a = 0; a < at_.d; ++a) {
      for (Index b = a + 1; b < at_.d; ++b) {
        middle(b, a) = 0.5 * (z[at_.orientation(j) + next] * angle_(next, set_of(j)));
        middle(a, b) = -middle(b, a);
        ++next;
      }
    }
    invert_unpivoted(middle);
    square(middle_, set_of(j)) = middle;
    scale_to(middle, 2.0, middle);
    for (Index a = 0; a < at_.d; ++a) middle(a, a) -= 1.0;
    square(axes_, j) = product(square(axes0_, j), middle);
  }

  // With R = D'S2 D the slope along S is the skew part of M diag(delta)^-1 R M'.
  void add_orientation(Index j, const Matrix& relative, VectorRef g) const {
    const ConstMatrixMap middle = square(middle_, set_of(j));
    const Matrix x = outer_product(product(middle, relative), middle);
    Index next = 0;
    for (Index a = 0; a < at_.d; ++a) {
      for (Index b = a + 1; b < at_.d; ++b, ++next) {
        g[at_.orientation(j) + next] += angle_(next, set_of(j)) * (x(a, b) - x(b, a));
      }
    }
  }

  static constexpr double least_eccentricity = 1e-6;

  Matrix log_delta0_;  // d x K
  Matrix log_delta_;
  Matrix axes0_;  // d*d x K; nothing where D_k = I
  Matrix axes_;
  Matrix middle_;  // d*d for each set of axes: M
  Matrix angle_;   // angles of one natural unit, for each set of axes
};

}  // namespace

std::unique_ptr<Chart> make_axes_chart(Structure structure, const Layout& layout, const Fields& fields,
                                       const double* counts) {
  return std::make_unique<AxesChart>(structure, layout, fields, counts);
}

}  // namespace em
