// latent_mixture.h: rows come from the components independently, with given proportions.
//
// Proportions are free (estimated), or held: equal, or at given numbers.
#pragma once

#include "latent.h"

namespace em {

enum class Proportions { free, held };

class LatentMixture : public Latent {
 public:
  // proportions: the start where they are free, the truth where they are held.
  LatentMixture(Proportions kind, Vector proportions);

  Index n_components() const override { return proportions_.size(); }
  Index n_statistics() const override { return proportions_.size(); }
  Index n_free() const override { return kind_ == Proportions::free ? proportions_.size() - 1 : 0; }
  std::vector<Rows> blocks(Index n_rows) const override;
  void prepare() override;
  bool rows_are_complete() const override { return true; }
  double posterior(Rows rows, const double* weights, MatrixRef inout, double* row_loglik,
                   VectorRef statistics) const override;
  void accumulate(Rows rows, ConstMatrixRef responsibilities, VectorRef statistics) const override;
  void maximise(ConstVectorRef statistics) override;
  Fields parameters() override;
  std::unique_ptr<Chart> chart(ConstVectorRef statistics) override;
  std::unique_ptr<Latent> clone() const override;

 private:
  Proportions kind_;
  Vector proportions_;
  Vector log_proportions_;
};

}  // namespace em
