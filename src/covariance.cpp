#include "covariance.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "covariance_parts.h"
#include "dense.h"

namespace em {

namespace {

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

// How many sets of `each` free numbers a letter stands for.
Index n_free(Letter letter, Index k, Index each) {
  return letter == Letter::identity ? 0 : letter == Letter::equal ? each : k * each;
}

double sum_of_counts(const double* counts, Index k) {
  double total = 0;
  for (Index j = 0; j < k; ++j) {
    if (counts[j] > 0) total += counts[j];
  }
  return total;
}

// One dimension has no shape and no orientation, and one component nothing to share.
Structure simplify(Structure structure, Index d, Index k) {
  if (d == 1) return {structure.volume, Letter::identity, Letter::identity};
  if (k > 1) return structure;
  if (structure.diagonal() && structure.shape == Letter::identity) return structure;
  return {Letter::variable, Letter::variable, structure.diagonal() ? Letter::identity : Letter::variable};
}

double sum_of_column(const Diagonals& diagonals, Index j) {
  double sum = 0;
  for (Index i = 0; i < diagonals.rows(); ++i) sum += diagonals(i, j);
  return sum;
}

void set_column(Diagonals& diagonals, Index j, double value) {
  for (Index i = 0; i < diagonals.rows(); ++i) diagonals(i, j) = value;
}

// log of the volumes' geometric means -> what to multiply the scatters with for one common volume: lambda /
// g_k, lambda = sum g_k / n, g_k = |W_k|^(1/d). A singular scatter gets 1 / n_k, and stays singular.
void equal_volume_factors(const double* counts, VectorRef log_to_factor) {
  const Index k = log_to_factor.size();
  double largest = minus_infinity;
  for (Index j = 0; j < k; ++j) {
    if (counts[j] > 0) largest = std::max(largest, log_to_factor[j]);
  }
  double sum = 0;
  for (Index j = 0; j < k; ++j) {
    if (counts[j] > 0 && log_to_factor[j] > minus_infinity) sum += std::exp(log_to_factor[j] - largest);
  }
  const double log_lambda = largest + std::log(sum / sum_of_counts(counts, k));
  for (Index j = 0; j < k; ++j) {
    const double own = counts[j] > 0 ? 1 / std::max(counts[j], std::numeric_limits<double>::min()) : 1;
    const bool exists = sum > 0 && log_to_factor[j] > minus_infinity;
    log_to_factor[j] = exists ? std::exp(log_lambda - log_to_factor[j]) : own;
  }
}

void maximise_spherical(Letter volume, const double* counts, Diagonals diagonals) {
  const Index d = diagonals.rows(), k = diagonals.cols();
  if (volume == Letter::variable) {
    for (Index j = 0; j < k; ++j) {
      if (counts[j] > 0) set_column(diagonals, j, sum_of_column(diagonals, j) / (counts[j] * double(d)));
    }
    return;
  }
  double sum = 0;
  for (Index j = 0; j < k; ++j) {
    if (counts[j] > 0) sum += sum_of_column(diagonals, j);
  }
  const double variance = sum / (sum_of_counts(counts, k) * double(d));
  for (Index j = 0; j < k; ++j) set_column(diagonals, j, variance);
}

void average_diagonals(const double* counts, Diagonals diagonals) {
  const double total = sum_of_counts(counts, diagonals.cols());
  for (Index i = 0; i < diagonals.rows(); ++i) {
    double sum = 0;
    for (Index j = 0; j < diagonals.cols(); ++j) {
      if (counts[j] > 0) sum += diagonals(i, j);
    }
    for (Index j = 0; j < diagonals.cols(); ++j) diagonals(i, j) = sum / total;
  }
}

void share_volume(const double* counts, Diagonals diagonals) {
  Vector factors(diagonals.cols());
  for (Index j = 0; j < factors.size(); ++j) {
    double logs = 0;
    for (Index i = 0; i < diagonals.rows(); ++i) logs += std::log(diagonals(i, j));
    factors[j] = logs / double(diagonals.rows());
  }
  equal_volume_factors(counts, factors);
  for (Index j = 0; j < factors.size(); ++j) {
    for (Index i = 0; i < diagonals.rows(); ++i) diagonals(i, j) *= factors[j];
  }
}

// EII VII EEI VEI EVI VVI. The diagonals of sigma are the workspace, and those of empty components are
// already there.
void maximise_diagonal(Structure structure, Index d, Index k, const double* counts, const double* scatter,
                       double* sigma) {
  const Diagonals diagonals(sigma, d, k, Strides(d * d, d + 1));
  for (Index j = 0; j < k; ++j) {
    MatrixMap covariance(sigma + j * d * d, d, d);
    const ConstVectorMap own(scatter + j * d, d);
    for (Index i = 0; i < d; ++i) {
      const double variance = counts[j] > 0 ? own[i] : covariance(i, i);
      covariance.col(i).setZero();
      covariance(i, i) = variance;
    }
  }
  maximise_along_axes(structure, counts, diagonals);
}

// EEE
void maximise_pooled(Index d, Index k, const double* counts, const double* scatter, double* sigma) {
  const double total = sum_of_counts(counts, k);
  const ConstMatrixMap pooled(scatter, d, d);
  for (Index j = 0; j < k; ++j) divide_to(pooled, total, MatrixMap(sigma + j * d * d, d, d));
}

// EEV, VEV: the axes are those of each scatter, in increasing order.
void maximise_own_axes(Structure structure, const Spread& spread) {
  const Index d = spread.d, k = spread.k;
  std::vector<Matrix> axes(static_cast<std::size_t>(k));
  Matrix along(d, k);
  for (Index j = 0; j < k; ++j) {
    Matrix& own = axes[static_cast<std::size_t>(j)];
    own = eigenvectors(spread.own_scatter(j));
    along.col(j) = rotated_diagonal(own, spread.own_scatter(j));
  }
  maximise_along_axes(structure, spread.counts, diagonals_of(along));
  for (Index j = 0; j < k; ++j) {
    compose(axes[static_cast<std::size_t>(j)], along.col(j), spread.covariance(j));
  }
}

// VVV
void maximise_free(const Spread& spread) {
  for (Index j = 0; j < spread.k; ++j) {
    if (!spread.empty(j)) divide_to(spread.own_scatter(j), spread.counts[j], spread.covariance(j));
  }
}

// EVV
void maximise_evv(const Spread& spread) {
  Vector factors(spread.k);
  for (Index j = 0; j < spread.k; ++j) factors[j] = log_determinant(spread.own_scatter(j)) / double(spread.d);
  equal_volume_factors(spread.counts, factors);
  for (Index j = 0; j < spread.k; ++j) scale_to(spread.own_scatter(j), factors[j], spread.covariance(j));
}

void maximise_full(Structure structure, const Spread& spread) {
  const bool equal_shape = structure.shape == Letter::equal;
  if (structure.orientation == Letter::equal) {
    return equal_shape ? maximise_vee(spread) : maximise_common_axes(structure, spread);
  }
  if (equal_shape) return maximise_own_axes(structure, spread);
  return structure.volume == Letter::equal ? maximise_evv(spread) : maximise_free(spread);
}

}  // namespace

Structure parse_structure(const std::string& name) {
  const auto letter = [](char c) {
    return c == 'E' ? Letter::equal : c == 'V' ? Letter::variable : Letter::identity;
  };
  if (name == "E" || name == "V") return {letter(name[0]), Letter::identity, Letter::identity};
  const bool known = name.size() == 3 && name.find_first_not_of("EVI") == std::string::npos &&
                     name[0] != 'I' && (name[1] != 'I' || name[2] == 'I');
  if (!known) throw std::invalid_argument("unknown covariance structure: " + name);
  return {letter(name[0]), letter(name[1]), letter(name[2])};
}

Storage storage_of(Structure structure) {
  if (structure.diagonal()) return Storage::diagonal;
  const bool all_equal = structure.volume == Letter::equal && structure.shape == Letter::equal &&
                         structure.orientation == Letter::equal;
  return all_equal ? Storage::pooled : Storage::full;
}

Index storage_size(Storage storage, Index d, Index k) {
  return storage == Storage::diagonal ? d * k : storage == Storage::pooled ? d * d : d * d * k;
}

Index n_covariance_parameters(Structure structure, Index d, Index k) {
  return n_free(structure.volume, k, 1) + n_free(structure.shape, k, d - 1) +
         n_free(structure.orientation, k, d * (d - 1) / 2);
}

void maximise_covariance(Structure structure, Index d, Index k, const double* counts, const double* scatter,
                         double* sigma) {
  if (!(sum_of_counts(counts, k) > 0)) return;
  const Storage storage = storage_of(structure);
  if (storage == Storage::pooled) return maximise_pooled(d, k, counts, scatter, sigma);
  const Structure simple = simplify(structure, d, k);
  if (simple.diagonal()) return maximise_diagonal(simple, d, k, counts, scatter, sigma);
  maximise_full(simple, Spread{d, k, counts, scatter, sigma});
}

void maximise_along_axes(Structure structure, const double* counts, Diagonals diagonals) {
  if (structure.shape == Letter::identity) return maximise_spherical(structure.volume, counts, diagonals);
  const bool equal_volume = structure.volume == Letter::equal;
  if (structure.shape == Letter::equal) {
    return equal_volume ? average_diagonals(counts, diagonals) : share_shape(counts, diagonals);
  }
  if (equal_volume) return share_volume(counts, diagonals);
  for (Index j = 0; j < diagonals.cols(); ++j) {
    for (Index i = 0; i < diagonals.rows() && counts[j] > 0; ++i) diagonals(i, j) /= counts[j];
  }
}

double log_determinant(ConstMatrixRef w) {
  const Index d = w.rows();
  const double tolerance = 4 * double(d) * std::numeric_limits<double>::epsilon();
  Matrix factor = w;
  double sum = 0;
  for (Index i = 0; i < d; ++i) {
    const double pivot = factor(i, i);
    if (!(pivot > tolerance * w(i, i))) return minus_infinity;
    sum += std::log(pivot);
    const double root = std::sqrt(pivot);
    double* const done = factor.data() + i * d;
    for (Index row = i; row < d; ++row) done[row] /= root;
    for (Index j = i + 1; j < d; ++j) {
      double* const column = factor.data() + j * d;
      for (Index row = j; row < d; ++row) column[row] -= done[row] * done[j];
    }
  }
  return sum;
}

Matrix eigenvectors(ConstMatrixRef w) { return symmetric_eigen(w).vectors; }

Vector rotated_diagonal(ConstMatrixRef axes, ConstMatrixRef w) {
  const Matrix turned = product(w, axes);
  Vector out(axes.cols());
  for (Index j = 0; j < out.size(); ++j) out[j] = std::max(dot(axes.col(j), turned.col(j)), 0.0);
  if (!std::isfinite(log_determinant(w))) {
    const double rounding = double(w.rows()) * std::numeric_limits<double>::epsilon() * out.maxCoeff();
    for (Index j = 0; j < out.size(); ++j) {
      if (!(out[j] > rounding)) out[j] = 0;
    }
  }
  return out;
}

void compose(ConstMatrixRef axes, ConstVectorRef delta, MatrixRef out) {
  for (Index j = 0; j < axes.cols(); ++j) {
    for (Index i = 0; i <= j; ++i) {
      double sum = 0;
      for (Index a = 0; a < axes.cols(); ++a) sum += axes(i, a) * axes(j, a) * delta[a];
      out(i, j) = sum;
      out(j, i) = sum;
    }
  }
}

}  // namespace em
