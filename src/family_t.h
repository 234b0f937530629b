// family_t.h: Student components: Gaussian ones whose rows each have a hidden precision, so that far rows
// count for little.
//
//   x | u ~ N(mu_k, Sigma_k / u), u ~ gamma with mean 1 and shape nu_k / 2, so that with the squared distance
//   delta = (x - mu)' Sigma^-1 (x - mu)
//   log f_k(x) = log N(mu; mu, Sigma) + A - (nu + d) / 2 log(1 + delta / nu),
//   A = log Gamma((nu + d) / 2) - log Gamma(nu / 2) - d / 2 log(nu / 2)
//
// As nu grows it is the normal density, and no term of this form loses digits there. nu = infinity, which
// components have before their first M-step, is that density.
//
// EM by augmentation (Liu & Rubin 1995; Peel & McLachlan 2000): means are those of the rows weighted by r u,
// scatter is weighted by r u and divided by the sum of r as FamilyGaussianBase does under any structure, and
// nu goes its own way: student_tails.h.
//
// Statistics: those of FamilyGaussian with r u for r, then those of Tails.
#pragma once

#include "family_gaussian.h"
#include "student_tails.h"

namespace em {

class FamilyT : public FamilyGaussian {
 public:
  FamilyT(Index d, Index k, Structure structure, Freedom freedom);
  FamilyT(const FamilyT& other) = default;

  Index n_statistics() const override { return FamilyGaussian::n_statistics() + tails_.n_statistics(); }
  Index n_workspace(Index block_rows) const override;
  Index n_free() const override { return FamilyGaussian::n_free() + tails_.n_free(); }
  void rows_are_complete() override {}  // they are weighted
  Index prepare(Accuracy accuracy) override;
  void pack(Rows rows, double* work) const override;
  void log_density(Rows rows, double* work, MatrixRef out) const override;
  void accumulate(Rows rows, double* work, ConstMatrixRef responsibilities,
                  VectorRef statistics) const override;
  void close_slice(VectorRef statistics, double* work) const override;
  double close_pass(VectorRef statistics) const override;
  void maximise(ConstVectorRef statistics, Step step) override;
  Fields parameters() override;
  void start_at(const std::vector<Index>& rows) override;
  std::unique_ptr<Chart> chart(ConstVectorRef statistics) override;
  std::unique_ptr<Family> clone() const override;

  void hold_df(ConstVectorRef held) { tails_.hold(held); }

 private:
  Index n_gaussian() const { return FamilyGaussian::n_statistics(); }

  Tails tails_;
  Vector constant_;  // K: log density of the normal at its mean
  Vector beside_;    // K: A
};

}  // namespace em
