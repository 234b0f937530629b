#include "family_t.h"

#include <algorithm>
#include <cmath>

#include "blocks.h"
#include "numerics.h"

namespace em {

FamilyT::FamilyT(Index d, Index k, Structure structure, Freedom freedom)
    : FamilyGaussian(d, k, structure), tails_(d, k, freedom), constant_(k), beside_(k) {}

// Behind the workspace of the normal components: delta, log(1 + delta / nu), and r u.
Index FamilyT::n_workspace(Index rows) const {
  return FamilyGaussian::n_workspace(rows) + 8 + 3 * k_ * static_cast<Index>(block_stride(size_of(rows)));
}

// Distances are wanted in full, so no form will do that leaves out what all components share.
Index FamilyT::prepare(Accuracy accuracy) {
  const Index lacking = FamilyGaussian::prepare(accuracy);
  for (Index k = 0; k < k_ && lacking < 0; ++k) {
    const double nu = tails_[k];
    if (!(nu > 0.0)) return k;
    constant_[k] = log_density_at_mean(k);
    beside_[k] = nu < infinity ? rising_factor(0.5 * nu, 0.5 * static_cast<double>(d_)) : 0.0;
  }
  return lacking;
}

void FamilyT::pack(Rows rows, double* work) const {
  FamilyGaussian::pack(rows, work);
  const auto stride = static_cast<Index>(block_stride(size_of(rows.size)));
  double* const room = aligned(work + FamilyGaussian::n_workspace(rows.size));
  MatrixMap delta(room, stride, k_);
  FamilyGaussian::log_density(rows, work, delta.topRows(rows.size));
  for (Index k = 0; k < k_; ++k) {
    find_distances(ArrayMap(room + k * stride, rows.size), constant_[k], tails_[k],
                   ArrayMap(room + (k_ + k) * stride, rows.size));
  }
}

void FamilyT::log_density(Rows rows, double* work, MatrixRef out) const {
  const auto stride = static_cast<Index>(block_stride(size_of(rows.size)));
  const double* const room = aligned(work + FamilyGaussian::n_workspace(rows.size));
  for (Index k = 0; k < k_; ++k) {
    const double top = constant_[k] + beside_[k];
    const double nu = tails_[k];
    if (nu < infinity) {
      const double power = 0.5 * (nu + static_cast<double>(d_));
      out.col(k).array() = top - power * ConstArrayMap(room + (k_ + k) * stride, rows.size);
    } else {
      out.col(k).array() = top - 0.5 * ConstArrayMap(room + k * stride, rows.size);
    }
  }
}

void FamilyT::accumulate(Rows rows, double* work, ConstMatrixRef responsibilities,
                         VectorRef statistics) const {
  const auto stride = static_cast<Index>(block_stride(size_of(rows.size)));
  double* const room = aligned(work + FamilyGaussian::n_workspace(rows.size));
  MatrixMap weighted(room + 2 * k_ * stride, stride, k_);
  for (Index k = 0; k < k_; ++k) {
    double* const out = weighted.data() + k * stride;
    const TailSums sums = weigh_rows(
        ConstArrayMap(room + k * stride, rows.size), ConstArrayMap(room + (k_ + k) * stride, rows.size),
        ConstArrayMap(responsibilities.data() + k * responsibilities.outerStride(), rows.size), tails_[k],
        static_cast<double>(d_), ArrayMap(out, rows.size));
    std::fill(out + rows.size, out + stride, 0.0);
    statistics[n_gaussian() + k] += sums.count;
    statistics[n_gaussian() + k_ + k] += sums.spread;
  }
  FamilyGaussian::accumulate(rows, work, weighted.topRows(rows.size), statistics.head(n_gaussian()));
}

void FamilyT::close_slice(VectorRef statistics, double* work) const {
  FamilyGaussian::close_slice(statistics.head(n_gaussian()), work);
}

double FamilyT::close_pass(VectorRef statistics) const {
  return FamilyGaussian::close_pass(statistics.head(n_gaussian()));
}

void FamilyT::maximise(ConstVectorRef statistics, Step step) {
  FamilyGaussian::maximise(tails_.sums_of_rows(statistics, storage_, step), step);
  tails_.maximise(statistics);
}

Fields FamilyT::parameters() {
  Fields out = FamilyGaussian::parameters();
  out.push_back(tails_.field());
  return out;
}

void FamilyT::start_at(const std::vector<Index>& rows) {
  FamilyGaussian::start_at(rows);
  tails_.start();
}

std::unique_ptr<Chart> FamilyT::chart(ConstVectorRef statistics) {
  return tails_.chart(statistics, [this](ConstVectorRef sums) { return FamilyGaussian::chart(sums); });
}

std::unique_ptr<Family> FamilyT::clone() const { return std::make_unique<FamilyT>(*this); }

}  // namespace em
