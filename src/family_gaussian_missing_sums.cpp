// The statistics of family_gaussian_missing.h from sums about the centre.

#include <algorithm>

#include "family_gaussian_missing_room.h"

namespace em {

namespace {

// Runs of so few rows are filled in row by row.
bool is_thin(Index rows, Index d) { return 3 * rows <= d; }

}  // namespace

// weights, and for Form::pooled their sums by row, in padded columns.
void FamilyGaussianMissing::take_weights(ConstMatrixRef weights, Index at, Index size,
                                         const Room& room) const {
  const auto padded = static_cast<Index>(padded_rows(size_of(size)));
  MatrixMap columns(room.columns, room.stride, k_ + 1);
  columns.middleRows(size, padded - size).setZero();
  columns.topLeftCorner(size, k_) = weights.middleRows(at, size);
  if (form_ != Form::pooled) return;
  columns.col(k_).head(size) = columns.col(0).head(size);
  for (Index j = 1; j < k_; ++j) columns.col(k_).head(size) += columns.col(j).head(size);
}

void FamilyGaussianMissing::fast_sums(Rows rows, double* work, ConstMatrixRef weights,
                                      ConstMatrixRef responsibilities, VectorRef statistics) const {
  const Room here = room(rows.size, work);
  const bool same = weights.data() == responsibilities.data();
  Vector counts(k_), filled(k_);
  for_each_block(rows, work, [&](Rows run, std::size_t number, Block x) {
    if (x.columns == 0) return;
    const Index at = run.begin - rows.begin;
    take_weights(weights, at, run.size, here);
    counts.setZero();
    kernels().column_sums({here.columns, x.rows, size_of(k_), size_of(here.stride)}, counts.data());
    filled = same ? counts : Vector(responsibilities.middleRows(at, run.size).colwise().sum().transpose());
    statistics.head(k_) += counts;
    const Sums sums{plan_->patterns[number], parts_of(number, here), here, x, counts, filled};
    if (form_ == Form::diagonal) {
      diagonal_sums(sums, statistics);
    } else if (form_ == Form::pooled) {
      pooled_sums(sums, statistics);
    } else if (is_thin(run.size, d_)) {
      row_sums(sums, statistics);
    } else {
      full_sums(sums, statistics);
    }
  });
}

void FamilyGaussianMissing::diagonal_sums(const Sums& run, VectorRef statistics) const {
  const Index observed = run.pattern.observed;
  const double* sums = run.room.sums;
  std::fill(run.room.sums, run.room.sums + k_ * 2 * observed, 0.0);
  kernels().square_sums(run.x, {run.room.columns, run.x.rows, size_of(k_), size_of(run.room.stride)},
                        run.room.sums, size_of(2 * observed));
  for (Index j = 0; j < k_; ++j, sums += 2 * observed) {
    double* const first = statistics.data() + k_ + j * d_;
    double* const second = statistics.data() + k_ * (1 + d_) + j * d_;
    for (Index a = 0; a < observed; ++a) {
      const Index column = run.pattern.order[size_of(a)];
      const double away = shift(j, column);
      first[column] += sums[a] - run.counts[j] * away;
      second[column] += sums[observed + a] - away * (2.0 * sums[a] - run.counts[j] * away);
    }
    for (Index a = observed; a < d_; ++a) {
      const Index column = run.pattern.order[size_of(a)];
      second[column] += run.filled[j] * sigma(j)(column, column);
    }
  }
}

// With s_k = sum r_k x and P = sum (r_1 + ... + r_K) x x' the scatter about the means is P - sum (s_k m_k' +
// m_k s_k') + sum n_k m_k m_k'.
void FamilyGaussianMissing::pooled_sums(const Sums& run, VectorRef statistics) const {
  const Index observed = run.pattern.observed;
  const Room& here = run.room;
  double* const p = here.products;
  std::fill(here.sums, here.sums + k_ * observed, 0.0);
  std::fill(p, p + observed * observed, 0.0);
  kernels().linear_sums(run.x, {here.columns, run.x.rows, size_of(k_), size_of(here.stride)}, here.sums,
                        size_of(observed));
  kernels().full_sums(run.x, here.zeros,
                      {here.columns + k_ * here.stride, run.x.rows, 1, size_of(here.stride)}, here.first, p,
                      0, here.scratch);
  for (Index j = 0; j < k_; ++j) {
    double* const own = here.sums + j * observed;
    const double n = run.counts[j];
    for (Index a = 0; a < observed; ++a) here.first[a] = shift(j, run.pattern.order[size_of(a)]);
    for (Index b = 0; b < observed; ++b) {
      const double away = here.first[b], less = own[b] - n * away;
      for (Index a = b; a < observed; ++a) p[b * observed + a] -= own[a] * away + here.first[a] * less;
    }
    for (Index a = 0; a < observed; ++a) own[a] -= n * here.first[a];
    fill_first(run, 0, own, statistics.data() + k_ + j * d_);
  }
  fill_second(run, 0, run.filled.sum(), statistics.data() + k_ * (1 + d_));
}

// Sums of x and of x x' about the centre, or of x - m and its square -> those about the mean.
void FamilyGaussianMissing::full_sums(const Sums& run, VectorRef statistics) const {
  const Index observed = run.pattern.observed;
  const Room& here = run.room;
  const bool few = observed <= few_observed;
  const Index terms = few ? observed * (observed + 3) / 2 : observed;
  const ConstBlock r{here.columns, run.x.rows, size_of(k_), size_of(here.stride)};
  std::fill(here.sums, here.sums + k_ * observed * (few ? observed + 3 : observed + 1), 0.0);
  double* const scatters = here.sums + k_ * observed;
  if (few) {
    kernels().product_sums(run.x, r, here.sums, size_of(terms));
  } else {
    kernels().full_sums(run.x, run.parts.offsets, r, here.sums, scatters, size_of(observed * observed),
                        here.scratch);
  }
  for (Index j = 0; j < k_; ++j) {
    if (!(run.counts[j] > 0.0)) continue;
    double* const own = here.sums + j * terms;
    if (few) {
      move_products(run, j, own);
    } else {
      std::copy_n(scatters + j * observed * observed, observed * observed, here.products);
    }
    fill_first(run, j, own, statistics.data() + k_ + j * d_);
    fill_second(run, j, run.filled[j], statistics.data() + k_ * (1 + d_) + j * d_ * d_);
  }
}

// With m = mean - centre: S1 = sum - n m, and S2 = sum of products - m sum' - sum m' + n m m'.
void FamilyGaussianMissing::move_products(const Sums& run, Index component, double* sums) const {
  const Index observed = run.pattern.observed;
  double* const m = run.room.first;
  const double* product = sums + observed;
  const double n = run.counts[component];
  for (Index a = 0; a < observed; ++a) m[a] = shift(component, run.pattern.order[size_of(a)]);
  for (Index a = 0; a < observed; ++a) {
    for (Index b = 0; b <= a; ++b) {
      run.room.products[b * observed + a] = *product++ - m[b] * sums[a] - m[a] * (sums[b] - n * m[b]);
    }
  }
  for (Index a = 0; a < observed; ++a) sums[a] -= n * m[a];
}

// Sums of what is observed, about the mean -> those of the filled rows, added to first.
void FamilyGaussianMissing::fill_first(const Sums& run, Index each, const double* sums, double* first) const {
  const Index observed = run.pattern.observed, missing = d_ - observed;
  const double* slopes = run.parts.slopes + each * observed * missing;
  for (Index a = 0; a < observed; ++a) first[run.pattern.order[size_of(a)]] += sums[a];
  for (Index i = 0; i < missing; ++i, slopes += observed) {
    double sum = 0.0;
    for (Index a = 0; a < observed; ++a) sum += slopes[a] * sums[a];
    first[run.pattern.order[size_of(observed + i)]] += sum;
  }
}

// Sums P of products of what is observed, about the mean (lower triangle) -> those of the filled rows, added
// to second: P, W P and W P W' + count C.
void FamilyGaussianMissing::fill_second(const Sums& run, Index each, double count, double* second) const {
  const Index observed = run.pattern.observed, missing = d_ - observed;
  double* const p = run.room.products;
  const auto column = [&](Index j) { return run.pattern.order[size_of(j)]; };
  for (Index b = 0; b < observed; ++b) {
    double* const to = second + column(b) * d_;
    for (Index a = 0; a < b; ++a) p[b * observed + a] = p[a * observed + b];
    for (Index a = 0; a < observed; ++a) to[column(a)] += p[b * observed + a];
  }
  const double* const slopes = run.parts.slopes + each * observed * missing;
  const double* const rest = run.parts.rest + each * missing * missing;
  VectorMap half(run.room.half, observed);
  for (Index i = 0; i < missing; ++i) {
    const Index row = column(observed + i);
    half.setZero();
    for (Index a = 0; a < observed; ++a)
      half += slopes[i * observed + a] * ConstVectorMap(p + a * observed, observed);
    for (Index a = 0; a < observed; ++a) {
      second[row * d_ + column(a)] += half[a];
      second[column(a) * d_ + row] += half[a];
    }
    for (Index j = 0; j <= i; ++j) {
      const double sum =
          half.dot(ConstVectorMap(slopes + j * observed, observed)) + count * rest[j * missing + i];
      second[column(observed + j) * d_ + row] += sum;
      if (j != i) second[row * d_ + column(observed + j)] += sum;
    }
  }
}

// The rows one by one, filled in.
void FamilyGaussianMissing::row_sums(const Sums& run, VectorRef statistics) const {
  const Index observed = run.pattern.observed, missing = d_ - observed;
  const auto column = [&](Index j) { return run.pattern.order[size_of(j)]; };
  VectorMap seen(run.room.first, observed);
  VectorMap row(run.room.half, d_);
  for (Index k = 0; k < k_; ++k) {
    if (!(run.counts[k] > 0.0)) continue;
    VectorMap first(statistics.data() + k_ + k * d_, d_);
    MatrixMap second(statistics.data() + k_ * (1 + d_) + k * d_ * d_, d_, d_);
    const double* const slopes = run.parts.slopes + k * observed * missing;
    const double* const rest = run.parts.rest + k * missing * missing;
    for (Index i = 0; i < static_cast<Index>(run.x.rows); ++i) {
      const double r = run.room.columns[k * run.room.stride + i];
      for (Index a = 0; a < observed; ++a) {
        row[column(a)] = seen[a] = run.x.data[size_of(a) * run.x.stride + size_of(i)] - shift(k, column(a));
      }
      for (Index j = 0; j < missing; ++j) {
        row[column(observed + j)] = seen.dot(ConstVectorMap(slopes + j * observed, observed));
      }
      first += r * row;
      for (Index j = 0; j < d_; ++j) second.col(j) += (r * row[j]) * row;
    }
    for (Index i = 0; i < missing; ++i) {
      for (Index j = 0; j < missing; ++j) {
        second(column(observed + i), column(observed + j)) +=
            run.filled[k] * rest[std::min(i, j) * missing + std::max(i, j)];
      }
    }
  }
}

}  // namespace em
