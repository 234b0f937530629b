// chain_scaled.h: forward and backward sums of a chain by scaling, the fast way; see chain.h.
//
// u_t, the forward sums, and b_t, the backward sums, are known up to factors, which are kept only where they
// make the log-likelihood. Both are brought back to a sum of 1 when they fall below 1e-30, so they lie in (0,
// 1]. With g_t = sum_j u_tj b_tj, the share of a path in the likelihood is its part of g_t, and whatever
// underflow took from row t is below 1e-307 beside g_t. Where every g_t is above 1e-280 nothing that counts
// was lost; else these functions say so, and the caller has to take logs.
//
// Tables and rows are padded to an even number of states, with zeros: a row has `width` = k or k + 1 entries.
#pragma once

#include "eigen.h"

namespace em {

struct ScaledChain {
  const double* initial;  // width
  const double* to;       // k rows of width: probabilities of the moves from i
  const double* from;     // k rows of width: probabilities of the moves to j
  Index k;
};

// Densities relative to the largest of their row. Returns the sum of the logs of the largest, which
// row_loglik, where it is wanted, gets. A row of -Inf becomes zeros.
double relative_densities(ConstMatrixRef log_density, Index width, double* row_loglik, double* out);

// sums gets u_t of all rows. Returns the log-likelihood of the relative densities, -Inf where something was
// lost; row_loglik, where it is wanted, gets each row's part added.
double scaled_forward(const ScaledChain& chain, Index rows, const double* density, double* sums,
                      double* row_loglik);

// sums become P(state | all rows); counts (k rows of width) the expected moves, but for the factor P(j | i).
// scratch: three rows. False where something was lost.
bool scaled_backward(const ScaledChain& chain, Index rows, const double* density, double* sums,
                     double* counts, double* scratch);

}  // namespace em
