#include "gaussian_prior.h"

#include <cmath>
#include <limits>
#include <utility>

namespace em {

void GaussianPrior::add_to(Storage storage, ConstMatrixRef pivots, MatrixRef first, VectorRef second) const {
  const Index d = scale.rows();
  for (Index j = 0; j < pivots.rows(); ++j) {
    const Vector gap = mean - pivots.row(j).transpose();
    first.col(j) += kappa * gap;
    if (storage == Storage::diagonal) {
      second.segment(j * d, d) += scale.diagonal() + kappa * gap.cwiseAbs2();
    } else {
      MatrixMap(second.data() + (storage == Storage::pooled ? 0 : j * d * d), d, d) +=
          scale + kappa * gap * gap.transpose();
    }
  }
}

double GaussianPrior::log_density(ConstMatrixRef means, ConstMatrixRef covariances) const {
  const Index d = scale.rows();
  const auto log_size = [](const Eigen::LLT<Matrix>& factor) {
    return 2.0 * factor.matrixLLT().diagonal().array().log().sum();
  };
  const double unit = log_size(scale.llt());
  double out = 0.0;
  for (Index j = 0; j < means.rows(); ++j) {
    const Eigen::LLT<Matrix> factor(ConstMatrixMap(covariances.data() + j * d * d, d, d));
    if (factor.info() != Eigen::Success) return -std::numeric_limits<double>::infinity();
    const Vector gap = means.row(j).transpose() - mean;
    const double far = kappa > 0.0 ? kappa * factor.matrixL().solve(gap).squaredNorm() : 0.0;
    out -= 0.5 * (rows() * (log_size(factor) - unit) + factor.solve(scale).trace() + far);
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
    prior_.add_to(storage_, means_, MatrixMap(sums.data() + k, d, k), sums.tail(sums.size() - k * (1 + d)));
    sums.head(k).array() += prior_.rows();
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
