// family_gaussian.h: normal components in any number of dimensions, under any covariance structure.
//
//   log f_k(x) = -d/2 log 2 pi - log |L_k| - |L_k^-1 (x - mu_k)|^2 / 2,   Sigma_k = L_k L_k'
//
// Complete rows; parameters, statistics and M-step are those of family_gaussian_base.h.
#pragma once

#include "family_gaussian_base.h"

namespace em {

class FamilyGaussian : public FamilyGaussianBase {
 public:
  // data: n_rows x d, column-major; not copied, must outlive the family.
  FamilyGaussian(Index n_rows, Index d, const double* data, Index k, Structure structure);
  FamilyGaussian(const FamilyGaussian& other) = default;

  Index n_workspace(Index block_rows) const override { return 2 * block_rows * d_; }
  Index describe(const double* weights) override;
  Index prepare(Accuracy accuracy) override;
  void pack(Rows rows, double* work) const override;
  void log_density(Rows rows, double* work, MatrixRef out) const override;
  void accumulate(Rows rows, double* work, ConstMatrixRef responsibilities,
                  VectorRef statistics) const override;
  void features(Rows rows, MatrixRef out) const override;
  std::unique_ptr<Family> clone() const override;

 private:
  // Made by prepare().
  Matrix factor_;        // d*d x K: the Cholesky factors
  Vector log_constant_;  // K
};

}  // namespace em
