// gaussian_held.h: free coordinates of normal components of which some parameters are held at given numbers.
//
// What is free of a component's mean has coordinates mu_F = mu0_F + G z, Sigma0_FF = G G'. A component's
// covariance is free, held as a whole or, where it is diagonal, held in some of its variances; then each of
// the others has its logarithm. All else is left to the chart of components that are free.
#pragma once

#include <memory>

#include "chart.h"
#include "covariance.h"
#include "fields.h"

namespace em {

// What is held, NaN where free. mean is K x d; spread as the second field of the family: d x d x K, or K
// standard deviations. Either may be empty: all free.
struct HeldGaussian {
  Matrix mean;
  Vector spread;

  bool any() const { return mean.size() > 0 || spread.size() > 0; }
  bool holds_mean(Index component, Index column) const;
  bool holds_variance(Index d, Index component, Index column) const;
  Index n_held_means() const;
  Index n_held_variances(Index d, Index component) const;

  // Free parameters of the K covariances.
  Index n_free_spread(Structure structure, Index d, Index k) const;
};

// inner: the chart of the same components as if they were free.
std::unique_ptr<Chart> make_held_chart(std::unique_ptr<Chart> inner, const HeldGaussian& held,
                                       Structure structure, Index d, Index k, const Fields& fields,
                                       ConstVectorRef statistics);

}  // namespace em
