// gaussian_chart_parts.h: what the two forms of gaussian_chart.h share. No one else includes it.
#pragma once

#include <cmath>
#include <memory>

#include "dense.h"
#include "gaussian_chart.h"

namespace em {

// How many sets of numbers a letter stands for.
inline Index sets_of(Letter letter, Index k) {
  return letter == Letter::identity ? 0 : letter == Letter::equal ? 1 : k;
}

// Where the coordinates are: means, then volumes, shapes, orientations.
struct Layout {
  Layout(Structure structure, Index dimension, Index components)
      : d(dimension),
        k(components),
        volumes(sets_of(structure.volume, k)),
        shapes(d > 1 ? sets_of(structure.shape, k) : 0),
        orientations(d > 1 ? sets_of(structure.orientation, k) : 0),
        volume_at(d * k),
        shape_at(volume_at + volumes),
        orientation_at(shape_at + shapes * (d - 1)),
        size(orientation_at + orientations * planes()) {}

  Index planes() const { return d * (d - 1) / 2; }

  // The first coordinate of component j's own set, or of the common one.
  Index volume(Index j) const { return volume_at + (volumes > 1 ? j : 0); }
  Index shape(Index j) const { return shape_at + (shapes > 1 ? j * (d - 1) : 0); }
  Index orientation(Index j) const { return orientation_at + (orientations > 1 ? j * planes() : 0); }

  Index d, k, volumes, shapes, orientations;
  Index volume_at, shape_at, orientation_at, size;
};

// 1 / sqrt(rows that speak of each coordinate).
Vector scale_of(const Layout& at, const double* counts);

// Columns that should be the same become their mean, by rows, where more than rounding lies between them.
void make_alike(Matrix& columns, const double* counts);

class GaussianChart : public Chart {
 public:
  GaussianChart(Structure structure, const Layout& layout, const Fields& fields, const double* counts)
      : Chart(scale_of(layout, counts)),
        at_(layout),
        storage_(storage_of(structure)),
        mean_(fields[0].data, at_.k, at_.d),
        spread_(fields[1].data),
        mean0_(mean_),
        root0_(at_.d * at_.d, at_.k),
        contrasts_(complement_of(Vector::Constant(at_.d, 1.0 / std::sqrt(double(at_.d))))) {}

 protected:
  MatrixMap square(Matrix& columns, Index j) const { return MatrixMap(columns.col(j).data(), at_.d, at_.d); }
  ConstMatrixMap square(const Matrix& columns, Index j) const {
    return ConstMatrixMap(columns.col(j).data(), at_.d, at_.d);
  }

  Matrix covariance(Index j) const {
    if (at_.d == 1) return Matrix::Constant(1, 1, spread_[j] * spread_[j]);
    return ConstMatrixMap(spread_ + j * at_.d * at_.d, at_.d, at_.d);
  }

  // Exactly symmetric.
  void set_covariance(Index j, const Matrix& root) {
    if (at_.d == 1) {
      spread_[j] = root(0, 0);
      return;
    }
    MatrixMap sigma(spread_ + j * at_.d * at_.d, at_.d, at_.d);
    sigma = outer_product(root, root);
    mirror_lower(sigma);
  }

  void set_mean(Index j, ConstVectorRef z) {
    const Vector shift = times(square(root0_, j), ConstVectorMap(z.data() + j * at_.d, at_.d));
    for (Index i = 0; i < at_.d; ++i) mean_(j, i) = mean0_(j, i) + shift[i];
  }

  // log of the volume's and shape's factors on the variances along the axes.
  double log_volume(ConstVectorRef z, Index j) const {
    return z[at_.volume(j)] * std::sqrt(2.0 / double(at_.d));
  }
  Vector log_shape(ConstVectorRef z, Index j) const {
    if (at_.shapes == 0) return Vector::Zero(at_.d);
    Vector out = times(contrasts_, ConstVectorMap(z.data() + at_.shape(j), at_.d - 1));
    scale_to(out, std::sqrt(2.0), out);
    return out;
  }

  // Adds what component j tells of volume and shape: slope is d loglik / d log of the variances that the two
  // multiply.
  void add_volume(Index j, double slope, VectorRef g) const {
    g[at_.volume(j)] += slope * std::sqrt(2.0 / double(at_.d));
  }
  void add_shape(Index j, const Vector& slope, VectorRef g) const {
    if (at_.shapes == 0) return;
    const Vector own = transposed_times(contrasts_, slope);
    for (Index i = 0; i < own.size(); ++i) g[at_.shape(j) + i] += own[i] * std::sqrt(2.0);
  }

  Layout at_;
  Storage storage_;
  MatrixMap mean_;
  double* spread_;
  Matrix mean0_;
  Matrix root0_;      // d*d x K: F_k, Sigma0_k = F_k F_k'
  Matrix contrasts_;  // d x (d - 1): log-shapes sum to zero
};

std::unique_ptr<Chart> make_axes_chart(Structure structure, const Layout& layout, const Fields& fields,
                                       const double* counts);

}  // namespace em
