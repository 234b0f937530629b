// The form of family_gaussian_missing.h in which all components share y, on the vector kernels.

#include <algorithm>
#include <cmath>
#include <limits>

#include "blocks.h"
#include "family_gaussian_missing.h"

namespace em {

namespace {

// What a log density may lose by differences about the centre.
constexpr double tolerated_loss = 1e-10;

}  // namespace

// What a run needs besides y. The kernels take whole vectors of rows, so numbers that come and go by row have
// padded columns of their own here; y itself may be read behind the run, where the responsibilities are 0.
struct FamilyGaussianMissing::Shared {
  Shared(Index d, Index k, Index block_rows, double* at)
      : stride(static_cast<Index>(block_stride(size_of(block_rows)))),
        columns(at),
        shifts(columns + (k + 1) * stride),
        sums(shifts + d * k),
        constants(sums + d * k),
        centre(constants + k),
        first(centre + d),
        products(first + d),
        scratch(products + 2 * d * d) {}

  static Index size(Index d, Index k, Index block_rows) {
    const Index stride = static_cast<Index>(block_stride(size_of(block_rows)));
    return (k + 1) * stride + 2 * d * k + k + 2 * d + 2 * d * d +
           static_cast<Index>(full_scratch(size_of(block_rows), size_of(d)));
  }

  Index stride;
  double* columns;    // K, and one more
  double* shifts;     // a_k
  double* sums;       // sum r_k y
  double* constants;  // K
  double* centre;     // zeros
  double* first;
  double* products;
  double* scratch;
};

Index FamilyGaussianMissing::shared_workspace(Index block_rows) const {
  return storage_ == Storage::pooled ? Shared::size(d_, k_, block_rows) : 0;
}

FamilyGaussianMissing::Shared FamilyGaussianMissing::shared_room(Index block_rows, double* work) const {
  return {d_, k_, block_rows, scratch(work, block_rows) + factor_size() + 2 * d_ * d_ + d_ + block_rows * d_};
}

// Is no row, and no mean, so far from the centre that differences about it lose digits?
bool FamilyGaussianMissing::can_share() const {
  if (storage_ != Storage::pooled || !alike_ || k_ == 1 || reach_.size() == 0) return false;
  const Eigen::LLT<Matrix> factor(sigma(0));
  const Matrix inverse = factor.matrixL().solve(Matrix::Identity(d_, d_));
  double far = (inverse.cwiseAbs() * reach_).squaredNorm();
  for (Index j = 0; j < k_; ++j) {
    far = std::max(far, (inverse * (mean_.row(j).transpose() - centre_)).squaredNorm());
  }
  return far * std::numeric_limits<double>::epsilon() < tolerated_loss;
}

// a_k = L^-1 (mu_k - c)_o, a column for each component.
void FamilyGaussianMissing::find_shifts(const Pattern& pattern, const double* factor,
                                        const Shared& room) const {
  for (Index component = 0; component < k_; ++component) {
    double* shift = room.shifts + component * pattern.observed;
    for (Index j = 0; j < pattern.observed; ++j) {
      const Index column = pattern.order[static_cast<std::size_t>(j)];
      shift[j] = mean_(component, column) - centre_[column];
      for (Index i = 0; i < j; ++i) shift[j] -= factor[i * d_ + j] * shift[i];
      shift[j] /= factor[j * (d_ + 1)];
    }
  }
}

// |y - a_k|^2 = |y|^2 - 2 a_k'y + |a_k|^2
void FamilyGaussianMissing::shared_density(Rows rows, Rows run, const Pattern& pattern, const double* factor,
                                           double* work, MatrixRef out) const {
  const Index at = run.begin - rows.begin;
  const Index observed = pattern.observed;
  const Shared room = shared_room(rows.size, work);
  find_shifts(pattern, factor, room);
  for (Index component = 0; component < k_; ++component) {
    const ConstVectorMap shift(room.shifts + component * observed, observed);
    room.constants[component] = factor[d_ * d_] - 0.5 * shift.squaredNorm();
  }
  const ConstBlock y{work + at, size_of(run.size), size_of(observed), size_of(rows.size)};
  const Block density{room.columns, size_of(run.size), size_of(k_), size_of(room.stride)};
  const Block norm{room.columns + k_ * room.stride, size_of(run.size), 1, size_of(room.stride)};
  kernels().linear_density(y, room.constants, room.shifts, density);
  kernels().pack_norm(y, norm);
  const ConstArrayMap square(norm.data, run.size);
  for (Index component = 0; component < k_; ++component) {
    out.col(component).segment(at, run.size).array() =
        ConstArrayMap(room.columns + component * room.stride, run.size) - 0.5 * square;
  }
}

// With s_k = sum r_k y and P = sum (r_1 + ... + r_K) y y' the scatter about the means is P - sum (s_k a_k' +
// a_k s_k') + sum n_k a_k a_k'.
void FamilyGaussianMissing::shared_sums(Rows rows, Rows run, const Pattern& pattern, const double* factor,
                                        double* work, ConstMatrixRef responsibilities,
                                        VectorRef statistics) const {
  const Index at = run.begin - rows.begin;
  const Index observed = pattern.observed;
  const Index padded = static_cast<Index>(padded_rows(size_of(run.size)));
  const Shared room = shared_room(rows.size, work);
  find_shifts(pattern, factor, room);
  MatrixMap columns(room.columns, room.stride, k_ + 1);
  columns.middleRows(run.size, padded - run.size).setZero();
  columns.topLeftCorner(run.size, k_) = responsibilities.middleRows(at, run.size);
  columns.col(k_).head(run.size) = columns.col(0).head(run.size);
  for (Index component = 1; component < k_; ++component) {
    columns.col(k_).head(run.size) += columns.col(component).head(run.size);
  }
  const ConstBlock y{work + at, size_of(run.size), size_of(observed), size_of(rows.size)};
  const ConstBlock each{room.columns, size_of(run.size), size_of(k_), size_of(room.stride)};
  const ConstBlock all{room.columns + k_ * room.stride, size_of(run.size), 1, size_of(room.stride)};
  std::fill(room.sums, room.products + observed * observed, 0.0);
  kernels().column_sums(each, room.constants);
  kernels().linear_sums(y, each, room.sums, size_of(observed));
  kernels().full_sums(y, room.centre, all, room.first, room.products, 0, room.scratch);
  double count = 0.0;
  for (Index component = 0; component < k_; ++component) {
    const double* shift = room.shifts + component * observed;
    double* own = room.sums + component * observed;
    const double n = room.constants[component];
    for (Index b = 0; b < observed; ++b) {
      for (Index a = b; a < observed; ++a) {
        room.products[b * observed + a] -= own[a] * shift[b] + shift[a] * (own[b] - n * shift[b]);
      }
    }
    for (Index a = 0; a < observed; ++a) own[a] -= n * shift[a];
    complete_first(pattern, factor, own, statistics.data() + k_ + component * d_);
    statistics[component] += n;
    count += n;
  }
  // From the columns of `observed` to those of d that complete_second() expects.
  for (Index b = observed; b-- > 1;) {
    std::copy_backward(room.products + b * observed, room.products + (b + 1) * observed,
                       room.products + b * d_ + observed);
  }
  complete_second(pattern, factor, count, room.products, statistics.data() + k_ * (1 + d_));
}

}  // namespace em
