// gaussian_prior.h: a conjugate prior on the means and covariances of normal components.
//
//   mu_k given Sigma_k: N(m, Sigma_k / kappa)      Sigma_k: inverse Wishart (nu, Lambda)
//
// for each component by itself, on its covariance as the structure makes it (Fraley & Raftery 2007 for single
// covariances). But for constants, and in units of Lambda, its logarithm is the sum over k of
//
//   -rows / 2 log|Lambda^-1 Sigma_k| - tr(Sigma_k^-1 (Lambda + kappa (mu_k - m)(mu_k - m)')) / 2
//
// with rows = nu + d + 1, and one more where kappa > 0. So it is so many rows more for the covariance, kappa
// rows at m for the mean, and Lambda more scatter: statistics that are added before the M-step of any
// structure.
#pragma once

#include <memory>

#include "chart.h"
#include "covariance.h"

namespace em {

struct GaussianPrior {
  Vector mean;         // m
  double kappa = 0.0;  // 0: nothing is said of the means
  double nu = 0.0;
  Matrix scale;  // Lambda; empty: no prior

  bool any() const { return scale.size() > 0; }

  // What a component's covariance has more of, in rows.
  double rows() const { return nu + static_cast<double>(scale.rows()) + (kappa > 0.0 ? 2.0 : 1.0); }

  // Adds kappa (m - c_k) to the first sums and Lambda + kappa (m - c_k)(m - c_k)' to the second ones; c_k, in
  // the rows of pivots, is what they are about.
  void add_to(Storage storage, ConstMatrixRef pivots, MatrixRef first, VectorRef second) const;

  // covariances: d * d x K.
  double log_density(ConstMatrixRef means, ConstMatrixRef covariances) const;
};

// inner: the chart of the same components without a prior; means: K x d, where it sets them.
std::unique_ptr<Chart> make_prior_chart(std::unique_ptr<Chart> inner, const GaussianPrior& prior,
                                        Storage storage, const double* means, Index k);

}  // namespace em
