// family_gaussian_base.h: what every Gaussian family shares, whatever its data look like: the parameters, the
// M-step and the judgement of collapse. FamilyGaussian reads complete rows, FamilyGaussianMissing rows with
// missing values; they differ in the E-step alone.
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
#include "gaussian_held.h"
#include "gaussian_prior.h"

namespace em {

class FamilyGaussianBase : public Family {
 public:
  Index n_statistics() const override { return k_ * (1 + d_) + storage_size(storage_, d_, k_); }
  Index n_free() const override {
    return k_ * d_ - held_.n_held_means() + held_.n_free_spread(structure_, d_, k_);
  }
  void maximise(ConstVectorRef statistics, Step step) override;
  double log_prior() const override;
  Fields parameters() override;
  std::unique_ptr<Chart> chart(ConstVectorRef statistics) override;
  Vector relative_spread() const override;
  double rows_needed(Index component) const override;
  double distance(Index a, Index b, double enough) const override;
  void start_at(const std::vector<Index>& rows) override;

  // Holds parameters from now on, to the last bit. Covariances that share anything must be held all or none.
  void hold(const HeldGaussian& held);

  void set_prior(const GaussianPrior& prior) { prior_ = prior; }

 protected:
  FamilyGaussianBase(Index d, Index k, Structure structure);
  FamilyGaussianBase(const FamilyGaussianBase& other) = default;

  MatrixMap sigma(Index component) { return {covariance_.data() + component * d_ * d_, d_, d_}; }
  ConstMatrixMap sigma(Index component) const { return {covariance_.data() + component * d_ * d_, d_, d_}; }

  bool has_prior() const { return prior_.any(); }

  // Takes note of what the data look like: the means of the columns and the covariance of all rows. Returns
  // -1, or the first column that no component can model. With a prior columns may be constant or collinear.
  Index set_overall(const Vector& centre, const Matrix& total);

  // The first column that is a linear combination of those before it, in a covariance or scatter; -1 where
  // none.
  Index first_collinear(Matrix scatter) const;

  // What the pivots of a component must be above. Null, for 0, where its spread was given, by a start or
  // held: that may be as narrow as it likes.
  const double* floor_of(Index component) const;

  // The first component whose covariance is not positive definite, or has collapsed; -1 where none.
  Index first_without_density() const;

  // Bhattacharyya's distance of two components whose covariances are known to be those of sigma().
  double full_distance(Index a, Index b) const;

  // A start may lie outside its structure, so this is asked of the matrices.
  bool all_diagonal() const;

  void restore_held();

  void load_covariance();   // where d = 1: sd -> covariance
  void store_covariance();  // and back

  ConstMatrixMap x() const { return data_.matrix(); }

  Index d_;
  Structure structure_;
  Storage storage_;

  // Parameters: covariance_ where d > 1, sd_ where d = 1; the other one follows.
  Matrix mean_;        // K x d
  Matrix covariance_;  // d*d x K
  Vector sd_;          // K

  // What the data look like; see set_overall().
  Vector centre_;
  Matrix total_;
  Matrix own_total_;     // total_, and more of it where a prior makes up for what the data lack
  Vector pivot_floor_;   // d for each component: a Cholesky pivot below that is no spread, but rounding
  bool fitted_ = false;  // were the present parameters, or those before, made by an M-step?

 private:
  Index first_defect() const;
  bool has_own_part(Index column) const;
  void move_mean(Index component, double count, const double* first, bool keep_scatter);
  Vector shift_of(Index component, ConstVectorRef wanted) const;
  void move_scatter(Index component, double count, const double* first);
  void move_scatter(Index component, double count, const double* first, const Vector& shift);
  double* scatter_of(Index component);
  void lend_spread(const double* counts);
  void set_floors();
  bool holds_spread(Index component) const { return held_.n_held_variances(d_, component) == d_; }
  double variance(Index component, Index a) const {
    return d_ == 1 ? sd_[component] * sd_[component] : sigma(component)(a, a);
  }

  HeldGaussian held_;
  GaussianPrior prior_;
  Vector scatter_;  // scratch of maximise(), as the next two
  Matrix first_;
  Vector counts_;
};

}  // namespace em
