// family_gaussian.h: normal components in any number of dimensions, under any covariance structure.
//
//   log f_k(x) = -d/2 log 2 pi - log |L_k| - |L_k^-1 (x - mu_k)|^2 / 2,   Sigma_k = L_k L_k'
//
// Statistics, about the pivot c_k, the mean that the E-step used (so that offsets of 1e8 cost no digits):
//   n_k = sum w r                      K
//   S1_k = sum w r (x - c_k)           d x K
//   S2_k = sum w r (x - c_k)(x - c_k)' stored as the structure needs it: see Storage in covariance.h
//
// Parameters as R shows them: mean is K x d and covariance d x d x K, or mean and sd with K numbers where d
// = 1.
#pragma once

#include "covariance.h"
#include "family.h"

namespace em {

class FamilyGaussian : public Family {
 public:
  // data: n_rows x d, column-major; not copied, must outlive the family.
  FamilyGaussian(Index n_rows, Index d, const double* data, Index k, Structure structure);
  FamilyGaussian(const FamilyGaussian& other) = default;

  Index n_rows() const override { return x_.rows(); }
  Index n_components() const override { return k_; }
  Index n_statistics() const override { return k_ * (1 + d_) + storage_size(storage_, d_, k_); }
  Index n_workspace(Index block_rows) const override { return 2 * block_rows * d_; }
  Index n_free() const override { return k_ * d_ + n_covariance_parameters(structure_, d_, k_); }
  Index describe(const double* weights) override;
  Index prepare(Accuracy accuracy) override;
  void pack(Rows rows, double* work) const override;
  void log_density(Rows rows, double* work, MatrixRef out) const override;
  void accumulate(Rows rows, double* work, ConstMatrixRef responsibilities,
                  VectorRef statistics) const override;
  void maximise(ConstVectorRef statistics, Step step) override;
  Fields parameters() override;
  std::unique_ptr<Chart> chart(ConstVectorRef statistics) override;
  Vector relative_spread() const override;
  Index n_features() const override { return d_; }
  void features(Rows rows, MatrixRef out) const override;
  void start_at(const std::vector<Index>& rows) override;
  std::unique_ptr<Family> clone() const override;

 private:
  MatrixMap sigma(Index component) { return {covariance_.data() + component * d_ * d_, d_, d_}; }
  ConstMatrixMap sigma(Index component) const { return {covariance_.data() + component * d_ * d_, d_, d_}; }
  void load_covariance();
  void store_covariance();
  void lend_spread(const double* counts);
  bool lacks_spread() const;

  ConstMatrixMap x_;
  Index d_;
  Index k_;
  Structure structure_;
  Storage storage_;

  // Parameters: covariance_ where d > 1, sd_ where d = 1; the other one follows.
  Matrix mean_;        // K x d
  Matrix covariance_;  // d*d x K
  Vector sd_;          // K

  // What the data look like; set by describe().
  Vector centre_;       // means of the columns
  Matrix total_;        // covariance of all rows
  Vector pivot_floor_;  // a Cholesky pivot below this part of the data's own is a collapse

  // Made by prepare().
  Matrix factor_;        // d*d x K: the Cholesky factors
  Vector log_constant_;  // K
  Vector scatter_;       // scratch of maximise()
};

}  // namespace em
