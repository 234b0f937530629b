// family_t_missing.h: Student components (family_t.h) where some cells are missing at random.
//
// A row with the cells o observed has the density of its margin, which is Student with the same nu: the row's
// precision u is known from the p cells that are seen, at the squared distance of those (Wang, Zhang, Luo &
// Wei 2004). Filled in by its conditional mean it is weighted by r u as a complete row is; the conditional
// covariance of what is missing is C / u, so that C comes with r alone.
//
// Statistics: those of FamilyGaussianMissing with r u for r, but for C, then those of Tails. A row with
// nothing observed adds nothing.
#pragma once

#include "family_gaussian_missing.h"
#include "student_tails.h"

namespace em {

class FamilyTMissing : public FamilyGaussianMissing {
 public:
  FamilyTMissing(Index d, Index k, Structure structure, Freedom freedom);
  FamilyTMissing(const FamilyTMissing& other) = default;

  Index n_statistics() const override { return n_gaussian() + tails_.n_statistics(); }
  Index n_workspace(Index block_rows) const override;
  Index n_free() const override { return FamilyGaussianMissing::n_free() + tails_.n_free(); }
  Index prepare(Accuracy accuracy) override;
  void pack(Rows rows, double* work) const override;
  void log_density(Rows rows, double* work, MatrixRef out) const override;
  void accumulate(Rows rows, double* work, ConstMatrixRef responsibilities,
                  VectorRef statistics) const override;
  void maximise(ConstVectorRef statistics, Step step) override;
  Fields parameters() override;
  void start_at(const std::vector<Index>& rows) override;
  std::unique_ptr<Chart> chart(ConstVectorRef statistics) override;
  std::unique_ptr<Family> clone() const override;

  void hold_df(ConstVectorRef held) { tails_.hold(held); }

 private:
  Index n_gaussian() const { return FamilyGaussianMissing::n_statistics(); }
  double* room(Rows rows, double* work) const;

  Tails tails_;
  Matrix beside_;  // (d + 1) x K: A for 0, 1, .. d cells that are seen
};

}  // namespace em
