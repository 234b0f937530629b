#include "gaussian_prior.h"

#include <cmath>
#include <limits>
#include <utility>

#include "dense.h"

namespace em {

void GaussianPrior::add_to(Storage storage, ConstMatrixRef pivots, MatrixRef first, VectorRef second) const {
  const Index d = scale.rows();
  for (Index j = 0; j < pivots.rows(); ++j) {
    Vector gap = mean;
    for (Index a = 0; a < d; ++a) {
      gap[a] -= pivots(j, a);
      first(a, j) += kappa * gap[a];
    }
    if (storage == Storage::diagonal) {
      for (Index a = 0; a < d; ++a) second[j * d + a] += scale(a, a) + kappa * (gap[a] * gap[a]);
    } else {
      Matrix more = scale;
      add_outer_product(kappa, gap, gap, more);
      add_scaled(1.0, more, MatrixMap(second.data() + (storage == Storage::pooled ? 0 : j * d * d), d, d));
    }
  }
}

double GaussianPrior::log_density(ConstMatrixRef means, ConstMatrixRef covariances) const {
  const Index d = scale.rows();
  const double unit = Cholesky(scale).log_determinant();
  double out = 0.0;
  for (Index j = 0; j < means.rows(); ++j) {
    const Cholesky factor(ConstMatrixMap(covariances.data() + j * d * d, d, d));
    if (!factor.exists()) return -std::numeric_limits<double>::infinity();
    Vector gap(d);
    for (Index a = 0; a < d; ++a) gap[a] = means(j, a) - mean[a];
    const double far = kappa > 0.0 ? kappa * factor.squared_distance(gap) : 0.0;
    out -= 0.5 * (rows() * (factor.log_determinant() - unit) + factor.trace_of_solved(scale) + far);
  }
  return out;
}

namespace {

class PriorChart : public Chart {
 public:
  PriorChart(std::unique_ptr<Chart> inner, const GaussianPrior& prior, Storage storage, const double* means,
             Index k)
      : Chart(inner->scale()),
        inner_(std::move(inner)),
        prior_(prior),
        storage_(storage),
        means_(means, k, prior.mean.size()) {}

  void place(ConstVectorRef z) override { inner_->place(z); }

  void slope(ConstVectorRef statistics, VectorRef g) const override {
    const Index k = means_.rows();
    const Index d = means_.cols();
    Vector sums = statistics;
    prior_.add_to(storage_, means_, MatrixMap(sums.data() + k, d, k),
                  VectorMap(sums.data() + k * (1 + d), sums.size() - k * (1 + d)));
    for (Index j = 0; j < k; ++j) sums[j] += prior_.rows();
    inner_->slope(sums, g);
  }

 private:
  std::unique_ptr<Chart> inner_;
  GaussianPrior prior_;
  Storage storage_;
  ConstMatrixMap means_;
};

}  // namespace

std::unique_ptr<Chart> make_prior_chart(std::unique_ptr<Chart> inner, const GaussianPrior& prior,
                                        Storage storage, const double* means, Index k) {
  return std::make_unique<PriorChart>(std::move(inner), prior, storage, means, k);
}

}  // namespace em
