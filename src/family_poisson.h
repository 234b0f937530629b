// family_poisson.h: counts in one or several columns, as rates for a unit of exposure.
//
//   log f_k(y; e) = sum_j y_j log(rate_kj e_j) - rate_kj e_j - log y_j!,   0 log 0 = 0
//   rate_kj = sum w r y_j / sum w r e_j
//
// A cell that is missing is y = 0 with e = 0, whose factor is 1; so is a row without exposure. A component
// without counts has the rate 0, which is a maximum like any other.
//
// The log density is linear in y and e (kernels.h, expanded form) about pooled rates c_j:
//   sum_j y_j log(rate_kj / c_j) - (rate_kj - c_j) e_j + h,   h = sum_j log f(y_j; c_j e_j),
// which loses about y |log(rate / c)| eps. Where that shows, counts above some 10 000, the saddle-point form
// is taken cell by cell (numerics.h).
//
// Statistics, a matrix with a column for each component: sum w r y_j (p), sum w r e_j (one, or p where the
// exposure differs by column).
#pragma once

#include "family.h"

namespace em {

// A gamma distribution for every rate: what it says is added to the statistics, shape - 1 counts in `rate`
// units of exposure.
struct GammaPrior {
  double counts = 0.0;    // shape - 1
  double exposure = 0.0;  // rate
};

class FamilyPoisson : public Family {
 public:
  // Data of p columns of counts, and n_exposures columns behind them: none (1 everywhere), one, or p.
  FamilyPoisson(Index k, Index p, Index n_exposures);
  FamilyPoisson(const FamilyPoisson& other) = default;

  Index n_statistics() const override { return stride() * k_; }
  Index n_workspace(Index block_rows) const override;
  Index n_free() const override { return k_ * p_ - n_held(); }
  void bind(const Data& data) override;
  Index describe() override;
  bool is_exact() const override { return exact_; }
  Index prepare(Accuracy accuracy) override;
  void pack(Rows rows, double* work) const override;
  void log_density(Rows rows, double* work, MatrixRef out) const override;
  void accumulate(Rows rows, double* work, ConstMatrixRef responsibilities,
                  VectorRef statistics) const override;
  void maximise(ConstVectorRef statistics, Step step) override;
  double log_prior() const override;
  Fields parameters() override;
  double distance(Index a, Index b, double enough) const override;
  Index n_features() const override { return p_; }
  void features(Rows rows, MatrixRef out) const override;
  std::unique_ptr<Family> clone() const override;

  // On the log scale, log_prior() included; rows are the events that are expected.
  void score(ConstVectorRef statistics, VectorRef slope, VectorRef rows,
             VectorRef information) const override;

  void set_prior(GammaPrior prior) { prior_ = prior; }

 protected:
  Index stride() const { return p_ + std::max<Index>(q_, 1); }
  double exposure_at(Index row, Index j) const {
    return q_ == 0 ? 1.0 : data_.x[row + (p_ + (q_ == 1 ? 0 : j)) * data_.n];
  }
  double count_at(Index row, Index j) const { return data_.x[row + j * data_.n]; }
  double exposure_in(ConstVectorRef statistics, Index j, Index k) const {
    return statistics[p_ + (q_ <= 1 ? 0 : j) + k * stride()];
  }
  double feature(Index row, Index j) const;
  void pool();

  Index p_;
  Index q_;                                  // columns of exposure
  double largest_ = 0.0;                     // count
  Vector pooled_;                            // p: c, of the first data that were bound; 0 before
  Vector mean_exposure_;                     // p: of the rows that have some
  std::shared_ptr<const Vector> at_pooled_;  // n: h; shared by clones
  Vector feature_mean_;                      // p
  Vector feature_scale_;                     // p
  Matrix rate_;                              // K x p

 private:
  GammaPrior prior_;
  bool linear_ = true;
  bool exact_ = true;
  Matrix theta_;     // (p + q + 1) x K
  Vector constant_;  // K
};

}  // namespace em
