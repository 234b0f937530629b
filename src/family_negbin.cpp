#include "family_negbin.h"

#include <algorithm>
#include <cmath>

#include "blocks.h"
#include "gamma_functions.h"
#include "numerics.h"

namespace em {

namespace {

// Counts below this have a place in the table.
constexpr double most_in_table = 1024.0;

// Up to this size log(1 + x / a) may be a logarithm of 1 + x / a: what that loses is nothing beside the rest.
constexpr double moderate = 1e4;

}  // namespace

FamilyNegbin::FamilyNegbin(Index k, Index p, Index n_exposures)
    : FamilyPoisson(k, p, n_exposures), size_(Matrix::Ones(k, p)) {}

// A first E-step needs rates near those of the components.
void FamilyNegbin::bind(const Data& data) {
  const bool first = pooled_.isZero(0.0);
  FamilyPoisson::bind(data);
  n_table_ = static_cast<Index>(std::min(largest_ + 1.0, most_in_table));
  if (!first) return;
  for (Index k = 0; k < k_; ++k) rate_.row(k) = pooled_.transpose();
  restore_held();
}

// The logarithms log(1 + m e / a), a column for each component and column of counts.
Index FamilyNegbin::n_workspace(Index block_rows) const {
  return k_ * p_ * static_cast<Index>(block_stride(size_of(block_rows)));
}

FamilyNegbin::Count FamilyNegbin::make_count(double y, double a) const {
  if (y <= 0.0) return {0.0, 0.0, log_less_digamma(a)};
  const double away = std::log1p(y / a);
  const double rising = (y - 0.5) * away - a * less_log1p(y / a) + gamma_error(y + a) - gamma_error(a);
  return {rising, away, log_less_digamma(y + a)};
}

FamilyNegbin::Count FamilyNegbin::count_of(double y, Index component, Index j) const {
  if (y < static_cast<double>(n_table_)) {
    return table_[size_of((component + j * k_) * n_table_ + static_cast<Index>(y))];
  }
  return make_count(y, size_(component, j));
}

Index FamilyNegbin::prepare(Accuracy /*accuracy*/) {
  table_.resize(size_of(k_ * p_ * n_table_));
  for (Index j = 0; j < p_; ++j) {
    for (Index k = 0; k < k_; ++k) {
      const double a = size_(k, j);
      if (!(a > 0.0 && a < infinity && rate_(k, j) >= 0.0 && rate_(k, j) < infinity)) return k;
      for (Index y = 0; y < n_table_; ++y) {
        table_[size_of((k + j * k_) * n_table_ + y)] = make_count(static_cast<double>(y), a);
      }
    }
  }
  return -1;
}

void FamilyNegbin::pack(Rows rows, double* work) const {
  const auto stride = static_cast<Index>(block_stride(size_of(rows.size)));
  for (Index j = 0; j < p_; ++j) {
    for (Index k = 0; k < k_; ++k) {
      double* out = work + (k + j * k_) * stride;
      const double ratio = rate_(k, j) / size_(k, j);
      if (q_ == 0) {
        std::fill_n(out, rows.size, std::log1p(ratio));
        continue;
      }
      for (Index i = 0; i < rows.size; ++i) out[i] = ratio * exposure_at(rows.begin + i, j);
      if (size_(k, j) < moderate) {
        for (Index i = 0; i < rows.size; ++i) out[i] += 1.0;
        kernels().log(out, size_of(rows.size));
      } else {
        for (Index i = 0; i < rows.size; ++i) out[i] = std::log1p(out[i]);
      }
    }
  }
}

void FamilyNegbin::log_density(Rows rows, double* work, MatrixRef out) const {
  const auto stride = static_cast<Index>(block_stride(size_of(rows.size)));
  for (Index k = 0; k < k_; ++k) {
    for (Index i = 0; i < rows.size; ++i) out(i, k) = (*at_pooled_)[rows.begin + i];
    for (Index j = 0; j < p_; ++j) {
      const double* logs = work + (k + j * k_) * stride;
      const double a = size_(k, j);
      const double to_pooled = std::log(rate_(k, j) / pooled_[j]);
      for (Index i = 0; i < rows.size; ++i) {
        const Index row = rows.begin + i;
        const double y = count_at(row, j);
        const double up = y > 0.0 ? y * to_pooled + count_of(y, k, j).rising : 0.0;
        out(i, k) += pooled_[j] * exposure_at(row, j) + up - (y + a) * logs[i];
      }
    }
  }
}

void FamilyNegbin::accumulate(Rows rows, double* work, ConstMatrixRef responsibilities,
                              VectorRef statistics) const {
  const auto stride = static_cast<Index>(block_stride(size_of(rows.size)));
  for (Index k = 0; k < k_; ++k) {
    for (Index j = 0; j < p_; ++j) {
      const double* logs = work + (k + j * k_) * stride;
      const double a = size_(k, j);
      double count = 0.0, gap = 0.0, spread = 0.0;
      for (Index i = 0; i < rows.size; ++i) {
        const Index row = rows.begin + i;
        const double exposure = exposure_at(row, j);
        if (!(exposure > 0.0)) continue;
        const double r = responsibilities(i, k);
        const double y = count_at(row, j);
        const double mean = rate_(k, j) * exposure;
        const double delta = (y - mean) / (a + mean);
        const Count own = count_of(y, k, j);
        count += r;
        gap += r * delta;
        spread += r * ((delta - (own.away - logs[i])) + own.digamma);
      }
      double* out = statistics.data() + j + 3 * p_ * k;
      out[0] += count;
      out[p_] += gap;
      out[2 * p_] += spread;
    }
  }
}

void FamilyNegbin::maximise(ConstVectorRef statistics, Step /*step*/) {
  for (Index k = 0; k < k_; ++k) {
    for (Index j = 0; j < p_; ++j) {
      const double* sums = statistics.data() + j + 3 * p_ * k;
      if (!(sums[0] > 0.0)) continue;  // nothing speaks for other numbers
      const double gap = sums[p_] / sums[0];
      const double moved = is_held(k + j * k_) ? 0.0 : less_log1p(gap);
      const double spread = sums[2 * p_] / sums[0] - moved;
      rate_(k, j) *= 1.0 + gap;
      if (spread > 0.0) size_(k, j) = shape_from(spread);
    }
  }
  restore_held();
}

// What one row with known component tells: of the mean by the variance m e (1 + m e / a) at the mean
// exposure; of the size about as much as a variance tells of the part of it that the size makes.
void FamilyNegbin::score(ConstVectorRef statistics, VectorRef slope, VectorRef rows,
                         VectorRef information) const {
  for (Index j = 0; j < p_; ++j) {
    for (Index k = 0; k < k_; ++k) {
      const Index at = k + j * k_;
      const Index behind = k_ * p_ + at;
      const double* sums = statistics.data() + j + 3 * p_ * k;
      const double a = size_(k, j);
      const double mean = rate_(k, j) * mean_exposure_[j];
      slope[at] = a * sums[p_];
      slope[behind] = a * (sums[0] * log_less_digamma(a) - sums[2 * p_]);
      rows[at] = rows[behind] = sums[0];
      information[at] = mean * a / (a + mean);
      information[behind] = 0.5 * mean / (a + mean) * mean / (a + mean);
    }
  }
}

Fields FamilyNegbin::parameters() {
  std::vector<Extent> axes{{Axis::component, k_}};
  if (p_ > 1) axes.push_back({Axis::variable, p_});
  return {{"mean", Scale::positive, axes, rate_.data()}, {"size", Scale::positive, axes, size_.data()}};
}

double FamilyNegbin::distance(Index a, Index b, double enough) const {
  return Family::distance(a, b, enough);
}

std::unique_ptr<Family> FamilyNegbin::clone() const { return std::make_unique<FamilyNegbin>(*this); }

}  // namespace em
