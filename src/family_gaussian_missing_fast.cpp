// The forms of family_gaussian_missing.h that are taken about the centre of the data, on the vector kernels.

#include <algorithm>
#include <cmath>
#include <limits>

#include "blocks.h"
#include "dense.h"
#include "family_gaussian_missing_room.h"
#include "numerics.h"

namespace em {

namespace {

// What a log density may lose by differences about the centre.
constexpr double tolerated_loss = 1e-10;

// The inverse of a lower triangle, from one matrix to another.
void invert_lower(Index d, const double* a, Index stride, double* out) {
  for (Index j = 0; j < d; ++j) {
    double* column = out + j * d;
    column[j] = 1.0 / a[j * stride + j];
    for (Index i = j + 1; i < d; ++i) {
      double sum = 0.0;
      for (Index m = j; m < i; ++m) sum += a[m * stride + i] * column[m];
      column[i] = -sum / a[i * stride + i];
    }
  }
}

}  // namespace

// The blocks of runs, each with columns of its own length, then the room.
Index FamilyGaussianMissing::fast_workspace(Index block_rows) const {
  return 8 * block_rows * d_ + Room::size(d_, k_, block_rows);
}

FamilyGaussianMissing::Room FamilyGaussianMissing::room(Index block_rows, double* work) const {
  return {d_, k_, block_rows, work + 8 * block_rows * d_};
}

// Is no row, and no mean, so far from the centre that differences about it lose digits?
bool FamilyGaussianMissing::is_near() const {
  if (reach_.size() == 0) return false;
  for (Index j = 0; j < k_; ++j) {
    Matrix inverse = Matrix::Identity(d_, d_);
    solve_lower(Cholesky(sigma(j)).lower(), inverse);
    Vector shift(d_);
    for (Index a = 0; a < d_; ++a) shift[a] = mean_(j, a) - centre_[a];
    const double of_mean = sum_of_squares(times(inverse, shift));
    for (Index i = 0; i < inverse.size(); ++i) inverse.data()[i] = std::abs(inverse.data()[i]);
    const double far = std::max(sum_of_squares(times(inverse, reach_)), of_mean);
    if (!(far * std::numeric_limits<double>::epsilon() < tolerated_loss)) return false;
  }
  return true;
}

FamilyGaussianMissing::Form FamilyGaussianMissing::best_form() const {
  Form best = Form::exact;
  if (storage_ == Storage::diagonal && diagonal_) best = Form::diagonal;
  if (storage_ == Storage::pooled && alike_) best = Form::pooled;
  if (storage_ == Storage::full) best = Form::full;
  return best != Form::exact && is_near() ? best : Form::exact;
}

// Room for one pattern in the store, whatever it is.
Index FamilyGaussianMissing::parts_size() const {
  return form_ == Form::diagonal ? k_ * (2 * d_ + 2) : n_factors() * d_ * d_ + k_ * (d_ + 2);
}

FamilyGaussianMissing::Parts FamilyGaussianMissing::parts_at(const Pattern& pattern, double* at) const {
  const Index missing = d_ - pattern.observed;
  if (form_ == Form::diagonal) return {2 * pattern.observed, missing, 0, k_, at};
  return {pattern.observed, missing, n_factors(), k_, at};
}

// Out of the store, or made in the room.
FamilyGaussianMissing::Parts FamilyGaussianMissing::parts_of(std::size_t number, const Room& room) const {
  const Pattern& pattern = plan_->patterns[number];
  if (!store_.empty()) {
    const Index at = static_cast<Index>(number) * parts_size();
    return parts_at(pattern, const_cast<double*>(store_.data()) + at);
  }
  const Parts parts = parts_at(pattern, room.factor + factor_size());
  make_parts(pattern, parts, room.factor);
  return parts;
}

void FamilyGaussianMissing::fill_parts(double* out) const {
  Vector factor(factor_size());
  for (const Pattern& pattern : plan_->patterns) {
    make_parts(pattern, parts_at(pattern, out), factor.data());
    out += parts_size();
  }
}

void FamilyGaussianMissing::make_parts(const Pattern& pattern, const Parts& parts, double* factor) const {
  if (form_ == Form::diagonal) return make_diagonal(pattern, parts);
  const Index observed = pattern.observed, missing = d_ - observed;
  for (Index j = 0; j < k_; ++j) {
    const Index each = form_ == Form::pooled ? 0 : j;
    double* const f = parts.factors + each * observed * observed;
    if (each == j) {
      make_factor(pattern, j, factor);
      invert_lower(observed, factor, d_, f);
      double* const slopes = parts.slopes + each * observed * missing;
      double* const rest = parts.rest + each * missing * missing;
      for (Index i = 0; i < missing; ++i) {
        for (Index b = 0; b < observed; ++b) {
          double sum = 0.0;
          for (Index a = b; a < observed; ++a) sum += factor[a * d_ + observed + i] * f[b * observed + a];
          slopes[i * observed + b] = sum;
        }
        for (Index a = i; a < missing; ++a) {
          rest[i * missing + a] = factor[(observed + i) * d_ + observed + a];
        }
      }
    }
    parts.tops[j] = parts.constants[j] = factor[d_ * d_];
    make_offset(pattern, j, f, parts);
  }
}

void FamilyGaussianMissing::make_offset(const Pattern& pattern, Index component, const double* f,
                                        const Parts& parts) const {
  const Index observed = pattern.observed;
  double* const offset = parts.offsets + component * observed;
  if (form_ == Form::full && observed > few_observed) {
    for (Index a = 0; a < observed; ++a) offset[a] = shift(component, pattern.order[size_of(a)]);
    return;
  }
  std::fill(offset, offset + observed, 0.0);
  for (Index b = 0; b < observed; ++b) {
    const double away = shift(component, pattern.order[size_of(b)]);
    for (Index a = b; a < observed; ++a) offset[a] += f[b * observed + a] * away;
  }
  if (form_ == Form::full) return;
  // l = constant - |F m|^2 / 2 + x'F'F m - |F x|^2 / 2
  for (Index b = 0; b < observed; ++b) {
    parts.constants[component] -= 0.5 * offset[b] * offset[b];
    double sum = 0.0;
    for (Index a = b; a < observed; ++a) sum += f[b * observed + a] * offset[a];
    offset[b] = sum;
  }
}

// l = constant + sum of theta x and theta x^2 about the centre.
void FamilyGaussianMissing::make_diagonal(const Pattern& pattern, const Parts& parts) const {
  const Index observed = pattern.observed;
  for (Index j = 0; j < k_; ++j) {
    double* const theta = parts.offsets + j * 2 * observed;
    double top = -0.5 * static_cast<double>(observed) * log_two_pi, square = 0.0;
    for (Index a = 0; a < observed; ++a) {
      const Index column = pattern.order[size_of(a)];
      const double precision = 1.0 / sigma(j)(column, column);
      const double away = shift(j, column);
      theta[a] = away * precision;
      theta[observed + a] = -0.5 * precision;
      top -= log_sd_(column, j);
      square += away * away * precision;
    }
    parts.tops[j] = top;
    parts.constants[j] = top - 0.5 * square;
  }
}

void FamilyGaussianMissing::fast_patterns(Rows rows, double* work, const PatternVisit& visit) const {
  const Room here = room(rows.size, work);
  for_each_run(rows, [&](Rows run, std::size_t number) {
    const Parts parts = parts_of(number, here);
    for (Index j = 0; j < k_; ++j) visit(run, plan_->patterns[number].observed, j, parts.tops[j]);
  });
}

void FamilyGaussianMissing::fast_pack(Rows rows, double* work) const {
  for_each_block(rows, work, [&](Rows run, std::size_t number, Block x) {
    const Pattern& pattern = plan_->patterns[number];
    for (Index j = 0; j < pattern.observed; ++j) {
      const Index column = pattern.order[size_of(j)];
      kernels().pack(rows_of(data_.x + column * data_.n, data_.n, 1, run.begin, run.size), &centre_[column],
                     nullptr, columns_of(x, size_of(j), 1));
    }
  });
}

void FamilyGaussianMissing::fast_density(Rows rows, double* work, MatrixRef out) const {
  const Room here = room(rows.size, work);
  std::fill(here.zeros, here.zeros + d_, 0.0);
  for_each_block(rows, work, [&](Rows run, std::size_t number, Block x) {
    const Index at = run.begin - rows.begin;
    if (x.columns == 0) {
      out.middleRows(at, run.size).setZero();
      return;
    }
    const Parts parts = parts_of(number, here);
    const Block density{here.columns, x.rows, size_of(k_), size_of(here.stride)};
    const Block norm{here.columns + k_ * here.stride, x.rows, 1, size_of(here.stride)};
    const Kernels& kernel = kernels();
    if (form_ == Form::diagonal) {
      kernel.square_density(x, parts.constants, parts.offsets, density);
    } else if (form_ == Form::pooled) {
      kernel.linear_density(x, parts.constants, parts.offsets, density);
      kernel.full_density(x, here.zeros, parts.factors, 0, here.zeros, here.scratch, norm);
    } else if (x.columns > size_of(few_observed)) {
      kernel.full_density(x, parts.offsets, parts.factors, x.columns * x.columns, parts.constants,
                          here.scratch, density);
    } else {
      kernel.offset_density(x, parts.offsets, parts.factors, parts.constants, density);
    }
    for (Index j = 0; j < k_; ++j) {
      auto to = out.col(j).segment(at, run.size);
      to = ConstVectorMap(density.data + j * here.stride, run.size);
      if (form_ == Form::pooled) to += ConstVectorMap(norm.data, run.size);
    }
  });
}

}  // namespace em
