// family_gaussian_expanded.cpp: the forms of FamilyGaussian that are linear in features of the row about the
// centre of the data: which there are, when they cost no digits, and the way back to sums about the means.
#include <algorithm>
#include <cmath>
#include <limits>

#include "family_gaussian.h"

namespace em {

namespace {

// Up to so many dimensions the expanded forms of full covariances are faster than the exact one.
constexpr Index some_dimensions = 16;

// To store products of columns pays where they are few and many components read them.
constexpr Index few_dimensions = 5;
constexpr Index few_components = 6;

// What a term of a log density may lose by expansion.
constexpr double tolerated_loss = 1e-10;

// Numbers of a block and its responsibilities that leave room in 48 KB of cache.
constexpr Index block_room = 5120;

// Features are stored as triangle: (0,0) (1,0) (1,1) (2,0) ...
constexpr Index triangle(Index d) { return d * (d + 1) / 2; }

}  // namespace

bool FamilyGaussian::all_spherical() const {
  for (Index j = 0; j < k_; ++j) {
    if ((sigma(j).diagonal().array() != sigma(j)(0, 0)).any()) return false;
  }
  return true;
}

bool FamilyGaussian::all_equal() const {
  for (Index j = 1; j < k_; ++j) {
    if (covariance_.col(j) != covariance_.col(0)) return false;
  }
  return true;
}

// The fastest form at the present parameters, loss of digits left aside. A start may give a structure
// covariances that are not of its kind.
FamilyGaussian::Form FamilyGaussian::best_form() const {
  if (reach_.size() == 0) return Form::exact;
  if (storage_ == Storage::diagonal) {
    if (!diagonal_) return Form::exact;
    const bool spherical = d_ > 1 && structure_.shape == Letter::identity && all_spherical();
    return spherical ? Form::spherical : Form::diagonal;
  }
  if (d_ == 1) return Form::exact;
  if (storage_ == Storage::pooled) return equal_ && complete_ ? Form::tied : Form::exact;
  if (stores_products()) return Form::full;
  return d_ <= some_dimensions ? Form::offset : Form::exact;
}

bool FamilyGaussian::stores_products() const { return d_ <= few_dimensions && k_ > few_components; }

Index FamilyGaussian::n_columns(Form form) const {
  if (form == Form::spherical) return d_ + 1;
  return form == Form::full && stores_products() ? d_ + triangle(d_) : d_;
}

Index FamilyGaussian::n_terms(Form form) const {
  if (form == Form::offset) return d_ + triangle(d_);
  return form == Form::diagonal ? 2 * d_ : n_columns(form);
}

Index FamilyGaussian::most_features() const {
  const Index of_full = d_ <= some_dimensions ? n_terms(Form::offset) : d_;
  return std::max({of_full, n_terms(Form::diagonal), n_terms(Form::spherical)});
}

Index FamilyGaussian::block_rows() const {
  const Index columns = storage_ == Storage::full ? n_columns(Form::full) : n_columns(Form::spherical);
  return std::clamp<Index>(block_room / (columns + k_) / 64 * 64, 128, 1024);
}

FamilyGaussian::Form FamilyGaussian::safe_form() const {
  const Form best = best_form();
  for (Index j = 0; j < k_ && best != Form::exact; ++j) {
    const double far = radius(j);
    if (!(far * far * std::numeric_limits<double>::epsilon() < tolerated_loss)) return Form::exact;
  }
  return best;
}

// No row is farther from the centre than this, in standard deviations of the component.
double FamilyGaussian::radius(Index component) const {
  const double* factor = factor_.data() + component * d_ * d_;
  double square = 0.0;
  for (Index i = 0; i < d_; ++i) {
    double sum = 0.0;
    for (Index j = 0; j <= i; ++j) sum += std::abs(factor[j * d_ + i]) * reach_[j];
    square += sum * sum;
  }
  return std::sqrt(square);
}

// l = constant + phi' theta about the centre: see the table in kernels.h.
void FamilyGaussian::expand(Index component) {
  const double* f = factor_.data() + component * d_ * d_;
  if (form_ == Form::offset) {
    double* offset = theta_.data() + component * d_;
    for (Index i = 0; i < d_; ++i) {
      offset[i] = 0.0;
      for (Index j = 0; j <= i; ++j) offset[i] += f[j * d_ + i] * shift_(j, component);
    }
    return;
  }
  double* theta = theta_.data() + component * n_terms(form_);
  double norm = 0.0;
  std::fill(theta, theta + d_, 0.0);
  for (Index i = 0; i < d_; ++i) {
    double y = 0.0;
    for (Index j = 0; j <= i; ++j) y += f[j * d_ + i] * shift_(j, component);
    for (Index j = 0; j <= i; ++j) theta[j] += f[j * d_ + i] * y;
    norm += y * y;
  }
  constant_[component] -= 0.5 * norm;
  double* second = theta + d_;
  if (form_ == Form::spherical) *second = -0.5 * f[0] * f[0];
  for (Index a = 0; a < d_ && form_ == Form::diagonal; ++a) {
    second[a] = -0.5 * inverse_sd_(a, component) * inverse_sd_(a, component);
  }
  if (form_ != Form::full) return;
  for (Index a = 0; a < d_; ++a) {
    for (Index b = 0; b <= a; ++b) {
      double precision = 0.0;
      for (Index i = a; i < d_; ++i) precision += f[a * d_ + i] * f[b * d_ + i];
      *second++ = a == b ? -0.5 * precision : -precision;
    }
  }
}

// Sums of features about the centre, in the place of the statistics: counts, then n_terms() x K.
void FamilyGaussian::add_expanded(const Packed& block, ConstBlock responsibilities,
                                  VectorRef statistics) const {
  const Kernels& kernel = kernels();
  kernel.column_sums(responsibilities, statistics.data());
  const auto sums_of = form_ == Form::diagonal ? kernel.square_sums
                       : form_ == Form::offset ? kernel.product_sums
                                               : kernel.linear_sums;
  sums_of(block.features, responsibilities, statistics.data() + k_, size_of(n_terms(form_)));
}

// The sums about the centre -> those about the pivots. With m = shift, S1 = sum - n m and
// S2 = sum of products - m sum' - sum m' + n m m'.
void FamilyGaussian::translate(Index component, const double* sums, VectorRef statistics) const {
  const bool products = form_ == Form::full || form_ == Form::offset;
  const double* m = shift_.data() + component * d_;
  const double count = statistics[component];
  double* first = statistics.data() + k_ + component * d_;
  double* second = statistics.data() + k_ * (1 + d_) + component * (products ? d_ * d_ : d_);
  const double* squares = sums + d_;
  for (Index a = 0; a < d_; ++a) first[a] = sums[a] - count * m[a];
  if (form_ == Form::spherical) {
    double trace = *squares;
    for (Index a = 0; a < d_; ++a) trace -= m[a] * (2.0 * sums[a] - count * m[a]);
    for (Index a = 0; a < d_; ++a) second[a] = trace / static_cast<double>(d_);
  } else if (form_ == Form::diagonal) {
    for (Index a = 0; a < d_; ++a) second[a] = squares[a] - m[a] * (2.0 * sums[a] - count * m[a]);
  } else if (products) {
    for (Index a = 0; a < d_; ++a) {
      for (Index b = 0; b <= a; ++b) {
        second[b * d_ + a] = *squares++ - m[b] * sums[a] - m[a] * (sums[b] - count * m[b]);
      }
    }
  }
}

// Slice by slice, so that little is lost.
void FamilyGaussian::close_slice(VectorRef statistics, double* work) const {
  if (form_ != Form::exact) {
    const Index p = n_terms(form_);
    double* sums = packed({}, work).sums;
    std::copy_n(statistics.data() + k_, p * k_, sums);
    for (Index j = 0; j < k_; ++j) translate(j, sums + j * p, statistics);
  }
  if (storage_ == Storage::diagonal) return;
  for (Index at = k_ * (1 + d_); at < statistics.size(); at += d_ * d_) {
    MatrixMap second(statistics.data() + at, d_, d_);
    second.triangularView<Eigen::StrictlyUpper>() = second.transpose();
  }
}

// Where rows are complete, the scatter about the means is that about the centre less what the means explain.
double FamilyGaussian::close_pass(VectorRef statistics) const {
  if (form_ != Form::tied) return 0.0;
  const ConstMatrixMap first(statistics.data() + k_, d_, k_);
  MatrixMap second(statistics.data() + k_ * (1 + d_), d_, d_);
  for (Index b = 0; b < d_; ++b) {
    for (Index a = b; a < d_; ++a) {
      double sum = weight_ * total_(a, b);
      for (Index j = 0; j < k_; ++j) {
        sum -= first(a, j) * shift_(b, j) + shift_(a, j) * (first(b, j) + statistics[j] * shift_(b, j));
      }
      second(a, b) = second(b, a) = sum;
    }
  }
  // The sum over all rows of -|F x|^2 / 2, which the blocks left out.
  double sum = 0.0;
  for (Index a = 0; a < d_; ++a) {
    for (Index b = 0; b < d_; ++b) {
      double precision = 0.0;
      for (Index i = std::max(a, b); i < d_; ++i)
        precision += factor_(a * d_ + i, 0) * factor_(b * d_ + i, 0);
      sum += precision * total_(a, b);
    }
  }
  return -0.5 * weight_ * sum;
}

}  // namespace em
