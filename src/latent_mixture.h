// latent_mixture.h: rows come from the components independently, with given proportions.
//
// Each proportion is free (estimated) or held at a number. What is known of a row beforehand, a label or
// beliefs b_i1 .. b_iK, multiplies the densities of its components: the row's log-likelihood is log sum b_ik
// pi_k f_k(x_i), and a row labelled l contributes log pi_l f_l(x_i). Noise is one component more, the last,
// whose log density is given for each row (Banfield & Raftery 1993). Beside it the others may be alike: then
// they share equally what noise leaves them, and its proportion is the one that is free.
#pragma once

#include "latent.h"

namespace em {

// Is there noise, and are the components alike beside it?
enum class Noise { none, beside, beside_alike };

// The statistics begin with the expected weight of each column; what else a structure made of this one has,
// it puts behind them.
class LatentMixture : public Latent {
 public:
  // proportions: the start, noise's last. held: NaN where free, else the number that is held; all are free
  // where components are alike. With noise the data must have its log density.
  LatentMixture(Vector proportions, Vector held, Noise noise = Noise::none);

  Index n_columns() const override { return proportions_.size(); }
  Index n_statistics() const override { return proportions_.size(); }
  Index n_free() const override {
    return noise_ == Noise::beside_alike ? 1 : std::max<Index>(free_.sum() - 1, 0);
  }
  void prepare() override;
  bool rows_are_complete() const override { return noise_ == Noise::none; }
  double posterior(Rows unit, const double* weights, MatrixRef inout, double* row_loglik,
                   VectorRef statistics, ConstBlock next) const override;
  void accumulate(Rows unit, ConstMatrixRef responsibilities, VectorRef statistics) const override;
  Vector counts(ConstVectorRef statistics) const override { return statistics; }
  void maximise(ConstVectorRef statistics) override;
  Fields parameters() override;
  void score(ConstVectorRef statistics, VectorRef slope, VectorRef rows,
             VectorRef information) const override;
  std::unique_ptr<Chart> chart(ConstVectorRef statistics) override;
  std::unique_ptr<Latent> clone() const override;

 protected:
  // Noise's column.
  void add_noise(Rows rows, MatrixRef inout) const;

  const Vector& proportions() const { return proportions_; }
  const Vector& log_proportions() const { return log_proportions_; }

 private:
  Vector proportions_;
  Eigen::Array<Index, Eigen::Dynamic, 1> free_;  // 1 where free, else 0
  double free_mass_;                             // what is left for the free ones
  Noise noise_;
  Vector log_proportions_;
};

}  // namespace em
