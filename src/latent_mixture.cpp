#include "latent_mixture.h"

#include <cmath>
#include <utility>

#include "blocks.h"
#include "chart_fields.h"
#include "knowledge.h"
#include "numerics.h"

namespace em {

namespace {

// The logit of noise's proportion; the others share what it leaves. A proportion as good as 0 or 1 stays.
class NoiseChart : public Chart {
 public:
  NoiseChart(double* proportions, ConstVectorRef counts)
      : Chart(Vector::Constant(1, counts.sum() > 0.0 ? 1.0 / std::sqrt(counts.sum()) : 1.0)),
        proportions_(proportions, counts.size()),
        origin_(proportions_[counts.size() - 1]),
        inside_(counts.sum() * std::min(origin_, 1.0 - origin_) > least_count),
        unit_(inside_ ? 1.0 / std::sqrt(origin_ * (1.0 - origin_)) : 0.0) {}

  void place(ConstVectorRef z) override {
    if (!inside_) return;
    const Index k = proportions_.size() - 1;
    const double odds = origin_ / (1.0 - origin_) * std::exp(z[0] * unit_);
    proportions_.setConstant(1.0 / (1.0 + odds) / static_cast<double>(k));
    proportions_[k] = odds / (1.0 + odds);
  }

  void slope(ConstVectorRef statistics, VectorRef g) const override {
    const Index k = proportions_.size() - 1;
    g[0] = unit_ * (statistics[k] - statistics.head(k + 1).sum() * proportions_[k]);
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
      free_((held.array() != held.array()).cast<Index>()),
      free_mass_(1.0 - (free_ == 1).select(0.0, held.array()).sum()),
      noise_(noise),
      log_proportions_(proportions_.size()) {
  held_ = std::move(held);
}

void LatentMixture::prepare() { log_proportions_ = proportions_.array().log(); }

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
  inout.col(n_columns() - 1) = ConstVectorMap(data_.known.log_noise + rows.begin, rows.size);
}

void LatentMixture::accumulate(Rows /*unit*/, ConstMatrixRef responsibilities, VectorRef statistics) const {
  kernels().column_sums(block_of(responsibilities), statistics.data());
}

void LatentMixture::maximise(ConstVectorRef statistics) {
  const auto is_free = free_ == 1;
  const auto mass = statistics.head(n_columns()).array();
  const double total = is_free.select(mass, 0.0).sum();
  if (total > 0.0) {
    proportions_ = is_free.select(mass / total * free_mass_, held_.array());
  } else {
    proportions_ = is_free.select(proportions_.array(), held_.array());
  }
  if (noise_ != Noise::beside_alike) return;
  const Index k = n_columns() - 1;
  proportions_.head(k).setConstant((1.0 - proportions_[k]) / static_cast<double>(k));
}

Fields LatentMixture::parameters() {
  return {{"proportions", Scale::simplex, {{Axis::column, proportions_.size()}}, proportions_.data()}};
}

void LatentMixture::score(ConstVectorRef statistics, VectorRef slope, VectorRef rows,
                          VectorRef /*information*/) const {
  slope = rows = statistics.head(n_columns());
}

std::unique_ptr<Chart> LatentMixture::chart(ConstVectorRef statistics) {
  if (noise_ != Noise::beside_alike) return Latent::chart(statistics);
  return std::make_unique<NoiseChart>(proportions_.data(), statistics.head(n_columns()));
}

std::unique_ptr<Latent> LatentMixture::clone() const { return std::make_unique<LatentMixture>(*this); }

}  // namespace em
