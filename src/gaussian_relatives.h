// gaussian_relatives.h: one set of responsibilities, and what an M-step makes of it under every covariance
// structure.
//
// Starts are dear to try, but the sums of a single E-step serve all structures, and tell which start promises
// most under each: with the responsibilities r of parameters p, and the parameters q of an M-step,
//   loglik(q) >= loglik(p) + Q(q) - Q(p),   Q(q) = sum r log(proportion f(x; q)),
// and with those of a partition loglik(q) >= Q(q). Q is in closed form in the sums that the M-step reads.
#pragma once

#include <vector>

#include "covariance.h"
#include "engine.h"

namespace em {

struct Relatives {
  Vector proportions;              // K
  Matrix mean;                     // K x d
  std::vector<Vector> covariance;  // d x d x K for each structure
  Vector bound;                    // no structure's log-likelihood is less; -infinity where it has no density
  double fewest = 0.0;             // effective rows of the smallest component
};

// model: Gaussian components under VVV (V in one dimension), with neither priors nor held parameters, and no
// noise. start: parameters or a partition. Nothing is found where the start has no density.
Relatives find_relatives(Model& model, const Start& start, const std::vector<Structure>& structures,
                         int threads, Interrupt& interrupt);

}  // namespace em
