// chain_maximise.h: a Markov chain's probabilities from its expected counts, and its stationary distribution.
//
// first_j: how often a series began in state j. moves_ij: transitions from i to j. Vectors of length k x k
// have the state that is reached running fastest. Held numbers are NaN where a cell is free; null where all
// are.
#pragma once

#include "eigen.h"

namespace em {

// What responsibilities that somebody gave say of a series, rows taken by themselves: adds those of the first
// row to first and sum_t r_ti r_t+1,j to moves. In: weight * r, a row after the other in time; known states
// give counts.
void count_moves(ConstMatrixRef responsibilities, double weight, double* first, double* moves);

// Probabilities in proportion to counts; the free ones share what the held ones leave. Where the counts of
// the free ones sum to `least` or less, these stay as they are.
void maximise_simplex(const double* counts, const double* held, double least, Index k, double* probabilities);

// The same for each row of the transitions.
void maximise_transition(const double* moves, const double* held, double least, Index k, double* transition);

// The distribution that a step doesn't change, exact to rounding in each entry (Grassmann, Taksar & Heyman
// 1985, Operations Research 33, 1107-1116). False where there is more than one: the chain has several closed
// classes of states. Then `out` is left alone.
bool stationary_distribution(const double* transition, Index k, double* out);

// The stationary objective: sum_ij moves_ij log a_ij + sum_j first_j log delta_j(a), delta the stationary
// distribution, which is written too; 0 log 0 = 0. slope (null: not wanted) gets its derivatives in the
// cells, 0 for cells that are 0: moves_ij / a_ij + delta_i (Z (first / delta))_j with Z = (I - A + 1
// delta)^-1. -Inf, and nothing written, where the chain has no single stationary distribution.
double stationary_objective(const double* first, const double* moves, const double* transition, Index k,
                            double* delta, double* slope);

// A chain that begins in its stationary distribution: raises the objective by at most `steps` quasi-Newton
// steps in the logits of the free cells, from the present transitions or from the maximum without first
// states, whichever is better. Never lowers it. initial and transition belong together afterwards. False
// where nothing was changed, because neither has a single stationary distribution.
bool maximise_stationary(const double* first, const double* moves, const double* held, double least,
                         int steps, Index k, double* initial, double* transition);

}  // namespace em
