#include "gaussian_chart.h"

#include <algorithm>
#include <cmath>

#include "gaussian_chart_parts.h"

namespace em {

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

namespace {

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
      Matrix root = product(square(root0_, j), t);
      scale_to(root, std::exp(0.5 * log_volume(z, j)), root);
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
  return make_axes_chart(structure, layout, fields, statistics.data());
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
