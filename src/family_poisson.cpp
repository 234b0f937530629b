#include "family_poisson.h"

#include <algorithm>
#include <cmath>

#include "blocks.h"
#include "dense.h"
#include "numerics.h"

namespace em {

namespace {

// For log 0, so that 0 times it is 0.
constexpr double log_zero = -1e300;

// What the linear form may lose of a log density.
constexpr double loss_fast = 1e-10;
constexpr double loss_exact = 4e-12;

}  // namespace

FamilyPoisson::FamilyPoisson(Index k, Index p, Index n_exposures)
    : Family(k),
      p_(p),
      q_(n_exposures),
      pooled_(Vector::Zero(p)),
      mean_exposure_(Vector::Ones(p)),
      feature_mean_(Vector::Zero(p)),
      feature_scale_(Vector::Ones(p)),
      rate_(Matrix::Ones(k, p)),
      theta_(p + q_ + 1, k),
      constant_(k) {}

void FamilyPoisson::bind(const Data& data) {
  Family::bind(data);
  if (pooled_.isZero(0.0)) pool();
  auto at_pooled = std::make_shared<Vector>(Vector::Zero(data_.n));
  largest_ = 0.0;
  for (Index j = 0; j < p_; ++j) {
    for (Index i = 0; i < data_.n; ++i) {
      largest_ = std::max(largest_, count_at(i, j));
      (*at_pooled)[i] += log_poisson(count_at(i, j), pooled_[j], exposure_at(i, j));
    }
  }
  at_pooled_ = std::move(at_pooled);
}

// A rate near those of the components, whatever the units of exposure; its last digits don't matter.
void FamilyPoisson::pool() {
  for (Index j = 0; j < p_; ++j) {
    double events = 0.0;
    double exposed = 0.0;
    for (Index i = 0; i < data_.n; ++i) {
      events += count_at(i, j);
      exposed += exposure_at(i, j);
    }
    pooled_[j] = exposed > 0.0 ? std::max(events, 0.5) / exposed : 1.0;
  }
}

Index FamilyPoisson::n_workspace(Index block_rows) const {
  return (p_ + q_ + 1) * static_cast<Index>(block_stride(size_of(block_rows))) + k_;
}

Index FamilyPoisson::describe() {
  for (Index j = 0; j < p_; ++j) {
    double mass = 0.0;
    double exposed = 0.0;
    double mean = 0.0;
    double scatter = 0.0;
    for (Index i = 0; i < data_.n; ++i) {
      const double w = data_.weight(i);
      if (w == 0.0 || exposure_at(i, j) == 0.0) continue;
      const double gap = feature(i, j) - mean;
      mass += w;
      exposed += w * exposure_at(i, j);
      mean += gap * (w / mass);
      scatter += w * gap * (feature(i, j) - mean);
    }
    if (mass > 0.0) mean_exposure_[j] = exposed / mass;
    feature_mean_[j] = mean;
    feature_scale_[j] = scatter > 0.0 ? std::sqrt(mass / scatter) : 1.0;
  }
  return -1;
}

Index FamilyPoisson::prepare(Accuracy accuracy) {
  constexpr double eps = std::numeric_limits<double>::epsilon();
  double reach = 1.0;
  for (Index k = 0; k < k_; ++k) {
    constant_[k] = 0.0;
    for (Index j = 0; j < p_; ++j) {
      const double above = (rate_(k, j) - pooled_[j]) / pooled_[j];
      theta_(j, k) =
          std::max(above < -0.5 ? std::log(rate_(k, j) / pooled_[j]) : std::log1p(above), log_zero);
      if (rate_(k, j) > 0.0) reach = std::max(reach, std::abs(theta_(j, k)));
      if (q_ == p_) theta_(p_ + j, k) = pooled_[j] - rate_(k, j);
      constant_[k] += pooled_[j] - rate_(k, j);
    }
    if (q_ == 1) theta_(p_, k) = constant_[k];
    if (q_ > 0) constant_[k] = 0.0;
    theta_(p_ + q_, k) = 1.0;
  }
  const double loss = largest_ * reach * eps;
  linear_ = loss < (accuracy == Accuracy::fast ? loss_fast : loss_exact);
  exact_ = !linear_ || loss < loss_exact;
  return -1;
}

// Columns: counts, exposures, h.
void FamilyPoisson::pack(Rows rows, double* work) const {
  const std::size_t size = size_of(rows.size);
  const std::size_t stride = block_stride(size);
  const Block all{work, size, size_of(p_ + q_ + 1), stride};
  kernels().pack(rows_of(data_.x, data_.n, p_ + q_, rows.begin, rows.size), nullptr, nullptr,
                 columns_of(all, 0, size_of(p_ + q_)));
  kernels().pack(rows_of(at_pooled_->data(), data_.n, 1, rows.begin, rows.size), nullptr, nullptr,
                 columns_of(all, size_of(p_ + q_), 1));
}

void FamilyPoisson::log_density(Rows rows, double* work, MatrixRef out) const {
  const std::size_t size = size_of(rows.size);
  if (linear_) {
    kernels().linear_density({work, size, size_of(p_ + q_ + 1), block_stride(size)}, constant_.data(),
                             theta_.data(), block_of(out));
    kernels().drop_below(block_of(out), 0.9 * log_zero);
    return;
  }
  out.setZero();
  for (Index k = 0; k < k_; ++k) {
    for (Index j = 0; j < p_; ++j) {
      for (Index i = 0; i < rows.size; ++i) {
        const Index row = rows.begin + i;
        out(i, k) += log_poisson(count_at(row, j), rate_(k, j), exposure_at(row, j));
      }
    }
  }
}

void FamilyPoisson::accumulate(Rows rows, double* work, ConstMatrixRef responsibilities,
                               VectorRef statistics) const {
  const std::size_t size = size_of(rows.size);
  const std::size_t columns = size_of(p_ + q_);
  kernels().linear_sums({work, size, columns, block_stride(size)}, block_of(responsibilities),
                        statistics.data(), size_of(stride()));
  if (q_ > 0) return;
  double* rows_of_each = work + (p_ + 1) * static_cast<Index>(block_stride(size));
  std::fill_n(rows_of_each, k_, 0.0);
  kernels().column_sums(block_of(responsibilities), rows_of_each);
  for (Index k = 0; k < k_; ++k) statistics[p_ + k * stride()] += rows_of_each[k];
}

// A start gets half a row of the pooled rate more: a rate of 0 would never move.
void FamilyPoisson::maximise(ConstVectorRef statistics, Step step) {
  for (Index k = 0; k < k_; ++k) {
    for (Index j = 0; j < p_; ++j) {
      const double more = step == Step::start ? 0.5 * mean_exposure_[j] : 0.0;
      const double counts = statistics[j + k * stride()] + prior_.counts + more * pooled_[j];
      const double exposure = exposure_in(statistics, j, k) + prior_.exposure + more;
      // A component without exposure keeps its rate: nothing speaks for another.
      if (exposure > 0.0) rate_(k, j) = std::max(0.0, counts / exposure);
    }
  }
  restore_held();
}

double FamilyPoisson::log_prior() const {
  if (prior_.counts == 0.0) return -prior_.exposure * rate_.sum();
  return prior_.counts * sum(logarithms(ConstVectorMap(rate_.data(), rate_.size()))) -
         prior_.exposure * rate_.sum();
}

void FamilyPoisson::score(ConstVectorRef statistics, VectorRef slope, VectorRef rows,
                          VectorRef /*information*/) const {
  for (Index j = 0; j < p_; ++j) {
    for (Index k = 0; k < k_; ++k) {
      const Index at = k + j * k_;
      rows[at] = rate_(k, j) * (exposure_in(statistics, j, k) + prior_.exposure);
      slope[at] = statistics[j + k * stride()] + prior_.counts - rows[at];
    }
  }
}

Fields FamilyPoisson::parameters() {
  std::vector<Extent> axes{{Axis::component, k_}};
  if (p_ > 1) axes.push_back({Axis::variable, p_});
  return {{"rate", Scale::positive, axes, rate_.data()}};
}

// At the mean exposure.
double FamilyPoisson::distance(Index a, Index b, double /*enough*/) const {
  const Vector gap = rate_.row(a).cwiseSqrt() - rate_.row(b).cwiseSqrt();
  return 0.5 * gap.cwiseAbs2().dot(mean_exposure_);
}

// Anscombe's root, whose variance hardly depends on the rate.
double FamilyPoisson::feature(Index row, Index j) const {
  return 2.0 * std::sqrt((count_at(row, j) + 0.375) / exposure_at(row, j));
}

void FamilyPoisson::features(Rows rows, MatrixRef out) const {
  for (Index j = 0; j < p_; ++j) {
    for (Index i = 0; i < rows.size; ++i) {
      const Index row = rows.begin + i;
      out(i, j) = exposure_at(row, j) > 0.0 ? (feature(row, j) - feature_mean_[j]) * feature_scale_[j] : 0.0;
    }
  }
}

std::unique_ptr<Family> FamilyPoisson::clone() const { return std::make_unique<FamilyPoisson>(*this); }

}  // namespace em
