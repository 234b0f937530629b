#include "family_t_missing.h"

#include <algorithm>

#include "blocks.h"
#include "numerics.h"

namespace em {

FamilyTMissing::FamilyTMissing(Index d, Index k, Structure structure, Freedom freedom)
    : FamilyGaussianMissing(d, k, structure), tails_(d, k, freedom), beside_(Matrix::Zero(d + 1, k)) {}

// Behind the workspace of the normal components: delta, log(1 + delta / nu), and r u.
Index FamilyTMissing::n_workspace(Index rows) const {
  return FamilyGaussianMissing::n_workspace(rows) + 8 +
         3 * k_ * static_cast<Index>(block_stride(size_of(rows)));
}

double* FamilyTMissing::room(Rows rows, double* work) const {
  return aligned(work + FamilyGaussianMissing::n_workspace(rows.size));
}

Index FamilyTMissing::prepare(Accuracy accuracy) {
  const Index lacking = FamilyGaussianMissing::prepare(accuracy);
  for (Index k = 0; k < k_ && lacking < 0; ++k) {
    const double nu = tails_[k];
    if (!(nu > 0.0)) return k;
    for (Index p = 1; p <= d_; ++p) {
      beside_(p, k) = nu < infinity ? rising_factor(0.5 * nu, 0.5 * static_cast<double>(p)) : 0.0;
    }
  }
  return lacking;
}

void FamilyTMissing::pack(Rows rows, double* work) const {
  FamilyGaussianMissing::pack(rows, work);
  const auto stride = static_cast<Index>(block_stride(size_of(rows.size)));
  double* const own = room(rows, work);
  MatrixMap density(own, stride, k_);
  FamilyGaussianMissing::log_density(rows, work, density.topRows(rows.size));
  for_each_pattern(rows, work, [&](Rows run, Index /*observed*/, Index k, double constant) {
    const Index at = k * stride + run.begin - rows.begin;
    find_distances(ArrayMap(own + at, run.size), constant, tails_[k],
                   ArrayMap(own + k_ * stride + at, run.size));
  });
}

void FamilyTMissing::log_density(Rows rows, double* work, MatrixRef out) const {
  const auto stride = static_cast<Index>(block_stride(size_of(rows.size)));
  const double* const own = room(rows, work);
  for_each_pattern(rows, work, [&](Rows run, Index observed, Index k, double constant) {
    const Index at = k * stride + run.begin - rows.begin;
    const double top = constant + beside_(observed, k);
    const double nu = tails_[k];
    auto to = out.col(k).segment(run.begin - rows.begin, run.size).array();
    if (observed == 0) {
      to.setZero();
    } else if (nu < infinity) {
      const double power = 0.5 * (nu + static_cast<double>(observed));
      to = top - power * ConstArrayMap(own + k_ * stride + at, run.size);
    } else {
      to = top - 0.5 * ConstArrayMap(own + at, run.size);
    }
  });
}

void FamilyTMissing::accumulate(Rows rows, double* work, ConstMatrixRef responsibilities,
                                VectorRef statistics) const {
  const auto stride = static_cast<Index>(block_stride(size_of(rows.size)));
  double* const own = room(rows, work);
  MatrixMap weighted(own + 2 * k_ * stride, stride, k_);
  for_each_pattern(rows, work, [&](Rows run, Index observed, Index k, double /*constant*/) {
    const Index first = run.begin - rows.begin;
    const Index at = k * stride + first;
    ArrayMap out(weighted.data() + at, run.size);
    if (observed == 0) {
      out.setZero();
      return;
    }
    const TailSums sums = weigh_rows(
        ConstArrayMap(own + at, run.size), ConstArrayMap(own + k_ * stride + at, run.size),
        ConstArrayMap(responsibilities.data() + k * responsibilities.outerStride() + first, run.size),
        tails_[k], static_cast<double>(observed), out);
    statistics[n_gaussian() + k] += sums.count;
    statistics[n_gaussian() + k_ + k] += sums.spread;
  });
  accumulate_weighted(rows, work, weighted.topRows(rows.size), responsibilities,
                      statistics.head(n_gaussian()));
}

void FamilyTMissing::maximise(ConstVectorRef statistics, Step step) {
  FamilyGaussianMissing::maximise(tails_.sums_of_rows(statistics, storage_, step), step);
  tails_.maximise(statistics);
}

Fields FamilyTMissing::parameters() {
  Fields out = FamilyGaussianMissing::parameters();
  out.push_back(tails_.field());
  return out;
}

void FamilyTMissing::start_at(const std::vector<Index>& rows) {
  FamilyGaussianMissing::start_at(rows);
  tails_.start();
}

std::unique_ptr<Chart> FamilyTMissing::chart(ConstVectorRef statistics) {
  return tails_.chart(statistics, [this](ConstVectorRef sums) { return FamilyGaussianMissing::chart(sums); });
}

std::unique_ptr<Family> FamilyTMissing::clone() const { return std::make_unique<FamilyTMissing>(*this); }

}  // namespace em
