// gaussian_relatives.h: one set of responsibilities, and what an M-step makes of it under every covariance
// structure; and what two components become where they are merged.
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

// What one E-step, or a partition, tells: an M-step under VVV and the log-likelihood of a structure that
// leaves no volume. Nothing is found where the start has no density.
struct SharedSums {
  Vector counts;                   // effective rows
  Vector proportions;              // K
  Matrix mean;                     // K x d
  std::vector<Matrix> covariance;  // K of d x d
  double level = 0.0;

  bool found() const;
};

struct Relative {
  Vector covariance;  // d x d x K
  double bound;       // its log-likelihood is no less; -infinity where it has no density
};

// model: Gaussian components under VVV (V in one dimension), with neither priors nor held parameters, and no
// noise. start: parameters or a partition.
SharedSums share_sums(Model& model, const Start& start, int threads, Interrupt& interrupt);

Relative find_relative(const SharedSums& sums, Structure structure);

// Two components and the one with the same weight, mean and covariance as both together differ in the
// log-likelihood of rows that are known to be theirs by a loss, per row.
struct Merge {
  Index a;
  Index b;            // behind a
  Vector mean;        // of both
  Matrix covariance;  // of both
  double loss;
};

// Of all pairs those, at most so many, that lose least. proportions: K and perhaps that of noise; mean:
// K x d; covariance: d x d x K.
std::vector<Merge> cheapest_merges(ConstVectorRef proportions, ConstMatrixRef mean, const double* covariance,
                                   std::size_t most);

}  // namespace em
