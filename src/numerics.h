// numerics.h: the few scalar functions that everything else leans on, with their edge cases stated once.
#pragma once

#include <limits>

#include "eigen.h"

namespace em {

constexpr double log_two_pi = 1.837877066409345483560659472811;
constexpr double infinity = std::numeric_limits<double>::infinity();

// log(n!) for a whole number n >= 0: exact sums up to 255, Stirling's series above (Abramowitz &
// Stegun 6.1.41). std::lgamma writes a global sign and is not safe on threads.
double log_factorial(double n);

// log of the binomial coefficient, 0 <= y <= n.
double log_choose(double n, double y);

// Cholesky factor of a symmetric d x d matrix, in place: the lower triangle of a becomes L, the upper is left
// alone. Returns -1, or the first j whose pivot L_jj^2 is not above floor[j] (null: 0) or is lost in rounding
// beside a_jj; a is then useless.
Index cholesky_in_place(Index d, double* a, const double* floor);

// Is none of them infinite or NaN?
bool all_finite(const double* x, Index n);

// How many different numbers there are, all NaN taken for one; counts up to `enough`, then stops.
Index count_distinct(const double* x, Index n, Index enough);

}  // namespace em
