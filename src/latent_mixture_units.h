// latent_mixture_units.h: a mixture whose components are those of units: all rows of a person, a series or a
// document come from the same component.
//
//   unit u = (x_1 .. x_m):   f(u) = sum_k pi_k prod_t f_k(x_t),   r_uk = pi_k prod_t f_k(x_t) / f(u)
//
// Rows are independent given the component of their unit, and each of them has its unit's responsibilities.
// row_loglik is log f(x_t | x_1 .. x_t-1), what the rows before it in the unit tell of row t included: these
// add up to log f(u), and each is the prediction of one row more of the same unit.
//
// The weight of a unit is that of its rows, which must all have the same; so must their beliefs, which count
// once. A label on any of the rows holds for the unit; labels of two components in one unit leave it without
// a density. Noise is a component of units, too.
//
// Statistics: the expected weights of units (columns), from which the proportions are, and those of rows,
// which counts() gives.
#pragma once

#include "latent_mixture.h"

namespace em {

class LatentMixtureUnits : public LatentMixture {
 public:
  using LatentMixture::LatentMixture;

  Index n_statistics() const override { return 2 * n_columns(); }
  std::vector<Rows> units() const override { return data_.units.rows(); }
  bool units_share_component() const override { return true; }
  double posterior(Rows unit, const double* weights, MatrixRef inout, double* row_loglik,
                   VectorRef statistics, ConstBlock next) const override;
  void accumulate(Rows unit, ConstMatrixRef responsibilities, VectorRef statistics) const override;
  Vector counts(ConstVectorRef statistics) const override {
    return ConstVectorMap(statistics.data() + statistics.size() - n_columns(), n_columns());
  }
  void decode(Rows unit, Decoding want, MatrixRef inout) const override;
  std::unique_ptr<Latent> clone() const override;

 private:
  void make_joint(Rows unit, MatrixRef inout) const;
};

}  // namespace em
