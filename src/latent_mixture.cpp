#include "latent_mixture.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "blocks.h"
#include "chart_fields.h"
#include "dense.h"
#include "knowledge.h"
#include "numerics.h"

namespace em {

namespace {

// The logit of noise's proportion; the others share what it leaves. A proportion as good as 0 or 1 stays.
class NoiseChart : public Chart {
 public:
  NoiseChart(double* proportions, ConstVectorRef counts)
      : Chart(Vector::Constant(1, sum(counts) > 0.0 ? 1.0 / std::sqrt(sum(counts)) : 1.0)),
        proportions_(proportions, counts.size()),
        origin_(proportions_[counts.size() - 1]),
        inside_(sum(counts) * std::min(origin_, 1.0 - origin_) > least_count),
        unit_(inside_ ? 1.0 / std::sqrt(origin_ * (1.0 - origin_)) : 0.0) {}

  void place(ConstVectorRef z) override {
    if (!inside_) return;
    const Index k = proportions_.size() - 1;
    const double odds = origin_ / (1.0 - origin_) * std::exp(z[0] * unit_);
    std::fill_n(proportions_.data(), k, 1.0 / (1.0 + odds) / static_cast<double>(k));
    proportions_[k] = odds / (1.0 + odds);
  }

  void slope(ConstVectorRef statistics, VectorRef g) const override {
    const Index k = proportions_.size() - 1;
    g[0] = unit_ * (statistics[k] - sum(ConstVectorMap(statistics.data(), k + 1)) * proportions_[k]);
  }

 private:
  VectorMap proportions_;
  double origin_;
  bool inside_;
  double unit_;
};

}  // namespace

LatentMixture::LatentMixture(Vector proportions, Vector held, Noise noise)
    : proportions_(std::move(proportions)),
      free_(held.size()),
      noise_(noise),
      log_proportions_(proportions_.size()) {
  double mass = 0.0;
  for (Index j = 0; j < held.size(); ++j) {
    free_[j] = std::isnan(held[j]);
    if (free_[j] == 0) mass += held[j];
  }
  free_mass_ = 1.0 - mass;
  held_ = std::move(held);
}

void LatentMixture::prepare() {
  for (Index j = 0; j < proportions_.size(); ++j) log_proportions_[j] = std::log(proportions_[j]);
}

double LatentMixture::posterior(Rows unit, const double* weights, MatrixRef inout, double* row_loglik,
                                VectorRef statistics, ConstBlock next) const {
  add_noise(unit, inout);
  apply_knowledge(data_, unit, inout);
  const double loglik = kernels().posterior(block_of(inout), proportions_.data(), log_proportions_.data(),
                                            weights, row_loglik, next);
  LatentMixture::accumulate(unit, inout, statistics);
  return loglik;
}

void LatentMixture::add_noise(Rows rows, MatrixRef inout) const {
  if (noise_ == Noise::none) return;
  std::copy_n(data_.known.log_noise + rows.begin, rows.size,
              inout.data() + (n_columns() - 1) * inout.outerStride());
}

void LatentMixture::accumulate(Rows /*unit*/, ConstMatrixRef responsibilities, VectorRef statistics) const {
  kernels().column_sums(block_of(responsibilities), statistics.data());
}

void LatentMixture::maximise(ConstVectorRef statistics) {
  double total = 0.0;
  for (Index j = 0; j < n_columns(); ++j) {
    if (free_[j] == 1) total += statistics[j];
  }
  for (Index j = 0; j < n_columns(); ++j) {
    if (free_[j] == 0) {
      proportions_[j] = held_[j];
    } else if (total > 0.0) {
      proportions_[j] = statistics[j] / total * free_mass_;
    }
  }
  if (noise_ != Noise::beside_alike) return;
  const Index k = n_columns() - 1;
  std::fill_n(proportions_.data(), k, (1.0 - proportions_[k]) / static_cast<double>(k));
}

Fields LatentMixture::parameters() {
  return {{"proportions", Scale::simplex, {{Axis::column, proportions_.size()}}, proportions_.data()}};
}

void LatentMixture::score(ConstVectorRef statistics, VectorRef slope, VectorRef rows,
                          VectorRef /*information*/) const {
  std::copy_n(statistics.data(), n_columns(), rows.data());
  std::copy_n(statistics.data(), n_columns(), slope.data());
}

std::unique_ptr<Chart> LatentMixture::chart(ConstVectorRef statistics) {
  if (noise_ != Noise::beside_alike) return Latent::chart(statistics);
  return std::make_unique<NoiseChart>(proportions_.data(), ConstVectorMap(statistics.data(), n_columns()));
}

std::unique_ptr<Latent> LatentMixture::clone() const { return std::make_unique<LatentMixture>(*this); }

}  // namespace em
