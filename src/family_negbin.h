// family_negbin.h: counts that vary more than Poisson counts, in one or several columns, with exposure.
//
//   y | lambda ~ Poisson(lambda e), lambda ~ gamma with mean m and shape a (the size), so that
//   log f_k(y; e) = sum_j log Poisson(y_j; m e) + m e + A(y_j) - (y_j + a) log(1 + m e / a),
//   A(y) = log Gamma(y + a) - log Gamma(a) - y log a = log(1 + 1 / a) + ... + log(1 + (y - 1) / a)
//
// whose mean is m e and whose variance is m e (1 + m e / a): as the size grows it is the Poisson
// distribution, and no term of this form loses digits there. Data, missing cells and features are those of
// FamilyPoisson.
//
// EM by augmentation: the rates lambda of the rows are hidden too. Given y, lambda is gamma with shape y + a
// and mean m (1 + delta), delta = (y - m e) / (a + m e), and the M-step is that of gamma components
// (family_gamma.h). It climbs, but needs more steps than one that knew the counts alone.
//
// Statistics, a matrix with a column for each component, about the mean that the E-step used: sum w r (p) of
// cells with exposure, sum w r delta (p), sum w r g (p) with g = delta - log(1 + delta) + log(y + a) -
// digamma(y + a).
#pragma once

#include "family_poisson.h"

namespace em {

class FamilyNegbin : public FamilyPoisson {
 public:
  FamilyNegbin(Index k, Index p, Index n_exposures);
  FamilyNegbin(const FamilyNegbin& other) = default;

  Index n_statistics() const override { return 3 * p_ * k_; }
  Index n_workspace(Index block_rows) const override;
  Index n_free() const override { return 2 * k_ * p_ - n_held(); }
  void bind(const Data& data) override;
  bool is_exact() const override { return true; }
  Index prepare(Accuracy accuracy) override;
  void pack(Rows rows, double* work) const override;
  void log_density(Rows rows, double* work, MatrixRef out) const override;
  void accumulate(Rows rows, double* work, ConstMatrixRef responsibilities,
                  VectorRef statistics) const override;
  void maximise(ConstVectorRef statistics, Step step) override;
  double log_prior() const override { return 0.0; }
  Fields parameters() override;
  double distance(Index a, Index b, double enough) const override;
  std::unique_ptr<Family> clone() const override;

  // On the log scale.
  void score(ConstVectorRef statistics, VectorRef slope, VectorRef rows,
             VectorRef information) const override;

 private:
  // What depends on a count and the size alone.
  struct Count {
    double rising;   // A(y)
    double away;     // log(1 + y / a)
    double digamma;  // log(y + a) - digamma(y + a)
  };
  Count make_count(double y, double size) const;
  Count count_of(double y, Index component, Index j) const;

  Matrix size_;               // K x p
  std::vector<Count> table_;  // of small counts, for each component and column
  Index n_table_ = 0;
};

}  // namespace em
