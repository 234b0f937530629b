#include "latent_mixture.h"

#include <cmath>
#include <utility>

#include "numerics.h"

namespace em {

namespace {

constexpr Index block_rows = 128;

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
  const Index k = n_components();
  double total = 0.0;
  for (Index i = 0; i < rows.size; ++i) {
    auto row = inout.row(i);
    double largest = -infinity;
    for (Index j = 0; j < k; ++j) {
      row[j] += log_proportions_[j];
      largest = std::max(largest, row[j]);
    }
    double loglik = -infinity;
    if (largest > -infinity) {
      double sum = 0.0;
      for (Index j = 0; j < k; ++j) sum += row[j] = std::exp(row[j] - largest);
      row /= sum;
      loglik = largest + std::log(sum);
    } else {
      row = proportions_.transpose();  // impossible under every component: the row tells nothing
    }
    if (row_loglik) row_loglik[i] = loglik;
    const double weight = weights ? weights[i] : 1.0;
    if (weight == 0.0) {
      row.setZero();
      continue;
    }
    total += weight * loglik;
    if (weight != 1.0) row *= weight;
  }
  accumulate(rows, inout, statistics);
  return total;
}

void LatentMixture::accumulate(Rows /*rows*/, ConstMatrixRef responsibilities, VectorRef statistics) const {
  for (Index j = 0; j < n_components(); ++j) statistics[j] += responsibilities.col(j).sum();
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
