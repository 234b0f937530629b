#include "latent_mixture.h"

#include <utility>

#include "blocks.h"

namespace em {

namespace {

constexpr Index block_rows = 256;

}  // namespace

LatentMixture::LatentMixture(Proportions kind, Vector proportions)
    : kind_(kind), proportions_(std::move(proportions)), log_proportions_(proportions_.size()) {}

std::vector<Rows> LatentMixture::blocks(Index n_rows) const {
  std::vector<Rows> out;
  out.reserve(static_cast<std::size_t>((n_rows + block_rows - 1) / block_rows));
  for (Index begin = 0; begin < n_rows; begin += block_rows) {
    out.push_back({begin, std::min(block_rows, n_rows - begin)});
  }
  return out;
}

void LatentMixture::prepare() { log_proportions_ = proportions_.array().log(); }

double LatentMixture::posterior(Rows rows, const double* weights, MatrixRef inout, double* row_loglik,
                                VectorRef statistics) const {
  const double loglik =
      kernels().posterior(block_of(inout), proportions_.data(), log_proportions_.data(), weights, row_loglik);
  accumulate(rows, inout, statistics);
  return loglik;
}

void LatentMixture::accumulate(Rows /*rows*/, ConstMatrixRef responsibilities, VectorRef statistics) const {
  kernels().column_sums(block_of(responsibilities), statistics.data());
}

void LatentMixture::maximise(ConstVectorRef statistics) {
  const double total = statistics.sum();
  if (kind_ == Proportions::held || !(total > 0.0)) return;
  proportions_ = statistics / total;
}

Fields LatentMixture::parameters() {
  return {{"proportions", Scale::simplex, {proportions_.size()}, proportions_.data()}};
}

std::unique_ptr<Chart> LatentMixture::chart(ConstVectorRef statistics) {
  if (kind_ == Proportions::held) return make_empty_chart();
  return make_simplex_chart(proportions_.data(), statistics.data(), n_components());
}

std::unique_ptr<Latent> LatentMixture::clone() const { return std::make_unique<LatentMixture>(*this); }

}  // namespace em
