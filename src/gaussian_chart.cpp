#include "gaussian_chart.h"

#include <algorithm>
#include <cmath>

#include "dense.h"

namespace em {

namespace {

// How many sets of numbers a letter stands for.
Index sets_of(Letter letter, Index k) {
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
Vector scale_of(const Layout& at, const double* counts) {
  const auto scale = [](double rows) { return 1.0 / std::sqrt(rows > 0.0 ? rows : 1.0); };
  const double total = sum(ConstVectorMap(counts, at.k));
  Vector out(at.size);
  for (Index j = 0; j < at.k; ++j) {
    const double own = scale(counts[j]);
    const auto fill = [&](Index begin, Index n, Index sets) {
      std::fill_n(out.data() + begin, n, sets > 1 ? own : scale(total));
    };
    std::fill_n(out.data() + j * at.d, at.d, own);
    fill(at.volume(j), 1, at.volumes);
    if (at.shapes > 0) fill(at.shape(j), at.d - 1, at.shapes);
    if (at.orientations > 0) fill(at.orientation(j), at.planes(), at.orientations);
  }
  return out;
}

// A difference that is none, beside numbers of about one or larger ones.
constexpr double rounding = 1e-10;

// Columns that should be the same become their mean, by rows, where more than that lies between them.
void make_alike(Matrix& columns, const double* counts) {
  Vector rows(columns.cols());
  for (Index j = 0; j < rows.size(); ++j) rows[j] = std::max(counts[j], 0.0);
  const double total = sum(rows);
  if (!(total > 0.0)) return;
  Vector mean = times(columns, rows);
  divide_to(mean, total, mean);
  double away = 0.0;
  for (Index j = 0; j < columns.cols(); ++j) {
    for (Index i = 0; i < mean.size(); ++i) away = std::max(away, std::abs(columns(i, j) - mean[i]));
  }
  if (!(away > rounding * std::max(1.0, largest_size(columns)))) return;
  for (Index j = 0; j < columns.cols(); ++j) columns.col(j) = mean;
}

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

class FactorChart : public GaussianChart {
 public:
  FactorChart(Structure structure, const Layout& layout, const Fields& fields, const double* counts)
      : GaussianChart(structure, layout, fields, counts), triangle_(at_.d * at_.d, at_.k) {
    for (Index j = 0; j < at_.k; ++j) {
      square(root0_, j) = Cholesky(covariance(j)).lower();
      square(triangle_, j).setIdentity();
    }
    if (at_.volumes == 1 || at_.shapes == 1) settle_roots(counts);
    root_ = root0_;
  }

  void place(ConstVectorRef z) override {
    for (Index j = 0; j < at_.k; ++j) {
      MatrixMap t = square(triangle_, j);
      const Vector shape = log_shape(z, j);
      for (Index i = 0; i < at_.d; ++i) t(i, i) = std::exp(0.5 * shape[i]);
      Index next = at_.orientation(j);
      for (Index column = 0; column < at_.d; ++column) {
        for (Index row = column + 1; row < at_.d; ++row) t(row, column) = z[next++];
      }
      const Matrix root = scaled_product(std::exp(0.5 * log_volume(z, j)), square(root0_, j), t);
      square(root_, j) = root;
      set_mean(j, z);
      set_covariance(j, root);
    }
  }

  void slope(ConstVectorRef statistics, VectorRef g) const override {
    const double* second = statistics.data() + at_.k * (1 + at_.d);
    std::fill_n(g.data(), g.size(), 0.0);
    for (Index j = 0; j < at_.k; ++j) {
      const ConstMatrixMap root = square(root_, j);
      Vector pull = ConstVectorMap(statistics.data() + at_.k + j * at_.d, at_.d);
      solve_lower_vector(root, pull);
      solve_lower_transposed_vector(root, pull);
      VectorMap(g.data() + j * at_.d, at_.d) = transposed_times(square(root0_, j), pull);
      if (storage_ != Storage::pooled) {
        add_spread(j, statistics[j], ConstMatrixMap(second + j * at_.d * at_.d, at_.d, at_.d), g);
      }
    }
    if (storage_ == Storage::pooled) {
      add_spread(0, sum(ConstVectorMap(statistics.data(), at_.k)), ConstMatrixMap(second, at_.d, at_.d), g);
    }
  }

 private:
  // As settle_shares() does.
  void settle_roots(const double* counts) {
    Matrix volume(1, at_.k);
    for (Index j = 0; j < at_.k; ++j) {
      double logs = 0.0;
      for (Index i = 0; i < at_.d; ++i) logs += std::log(root0_(i * (at_.d + 1), j));
      volume(0, j) = logs / double(at_.d);
    }
    multiply_roots(-1.0, volume);
    if (at_.volumes == 1) make_alike(volume, counts);
    if (at_.shapes == 1) make_alike(root0_, counts);
    multiply_roots(1.0, volume);
  }

  // By the exponentials of `sign` times the logarithms.
  void multiply_roots(double sign, const Matrix& logs) {
    for (Index j = 0; j < at_.k; ++j) {
      scale_to(root0_.col(j), std::exp(sign * logs(0, j)), root0_.col(j));
    }
  }

  // With X = R^-1 S R^-T - n I, R the factor of Sigma, the slope along T is T^-T X.
  void add_spread(Index j, double count, const ConstMatrixMap& scatter, VectorRef g) const {
    const ConstMatrixMap root = square(root_, j);
    Matrix half = scatter;
    solve_lower(root, half);
    Matrix excess(at_.d, at_.d);
    for (Index a = 0; a < at_.d; ++a) {
      for (Index b = 0; b < at_.d; ++b) excess(a, b) = half(b, a);
    }
    solve_lower(root, excess);
    double trace = 0.0;
    for (Index i = 0; i < at_.d; ++i) trace += excess(i, i) -= count;
    add_volume(j, 0.5 * trace, g);
    const ConstMatrixMap triangle = square(triangle_, j);
    solve_lower_transposed(triangle, excess);
    Vector own(at_.d);
    for (Index i = 0; i < at_.d; ++i) own[i] = 0.5 * excess(i, i) * triangle(i, i);
    add_shape(j, own, g);
    if (at_.orientations == 0) return;
    Index next = at_.orientation(j);
    for (Index column = 0; column < at_.d; ++column) {
      for (Index row = column + 1; row < at_.d; ++row) g[next++] += excess(row, column);
    }
  }

  Matrix triangle_;  // T_k
  Matrix root_;      // factor of Sigma_k
};

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

  // D = D0 (I - S/2)^-1 (I + S/2), S skew.
  void turn(ConstVectorRef z, Index j) {
    Matrix half = Matrix::Zero(at_.d, at_.d);
    Index next = 0;
    for (Index a = 0; a < at_.d; ++a) {
      for (Index b = a + 1; b < at_.d; ++b) {
        half(a, b) = 0.5 * (z[at_.orientation(j) + next] * angle_(next, set_of(j)));
        half(b, a) = -half(a, b);
        ++next;
      }
    }
    const Matrix identity = Matrix::Identity(at_.d, at_.d);
    Matrix less = identity, more = identity;
    add_scaled(-1.0, half, less);
    add_scaled(1.0, half, more);
    const Matrix middle = solve(less, identity);
    square(middle_, set_of(j)) = middle;
    square(axes_, j) = product(square(axes0_, j), product(middle, more));
  }

  // With M = (I - S/2)^-1 and R = D'S2 D the slope along S is the skew part of M diag(delta)^-1 R M'.
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

// One component has nothing to share, and the axes of one covariance need not be told apart.
bool by_factor(Structure structure, Index d, Index k) {
  if (d == 1 || structure.diagonal()) return false;
  return k == 1 || structure.shape == structure.orientation;
}

}  // namespace

std::unique_ptr<Chart> make_gaussian_chart(Structure structure, Index d, Index k, const Fields& fields,
                                           ConstVectorRef statistics) {
  const Layout layout(structure, d, k);
  if (by_factor(structure, d, k)) {
    return std::make_unique<FactorChart>(structure, layout, fields, statistics.data());
  }
  return std::make_unique<AxesChart>(structure, layout, fields, statistics.data());
}

std::vector<Index> own_covariance_coordinates(Structure structure, Index d, Index k, Index component) {
  const Layout at(structure, d, k);
  std::vector<Index> out;
  const auto add = [&](Index begin, Index size) {
    for (Index i = 0; i < size; ++i) out.push_back(begin + i);
  };
  add(at.volume(component), 1);
  if (at.shapes > 0) add(at.shape(component), d - 1);
  if (at.orientations > 0) add(at.orientation(component), at.planes());
  return out;
}

}  // namespace em
