// numerics.h: the few scalar functions that everything else leans on, with their edge cases stated once.
#pragma once

#include <limits>

#include "eigen.h"

namespace em {

constexpr double log_two_pi = 1.837877066409345483560659472811;
constexpr double infinity = std::numeric_limits<double>::infinity();

// Binomial probabilities to the last digits for any number of trials, in the saddle-point form of Loader
// (2000), "Fast and accurate computation of binomial probabilities": no term grows with n, where log n! is of
// the order n log n and leaves few digits of what remains. No std::lgamma, which writes a global sign and is
// not safe on threads.

// log n! - log(sqrt(2 pi n) (n / e)^n) for a whole number n > 0: gamma_error() of it, the first ones from a
// table.
double stirling_error(double n);

// The part of log_binomial() that does not know p: log_binomial() at p = y / n. 0 where y is 0 or n.
double log_binomial_scale(double n, double y);

// log(choose(n, y) p^y (1 - p)^(n - y)) for whole numbers 0 <= y <= n and 0 <= p <= 1, 0 log 0 being 0;
// scale: log_binomial_scale(n, y).
double log_binomial(double n, double y, double p, double scale);

// log of the Poisson probability of y where rate times exposure are expected, for a whole number y >= 0, in
// the same form. y = 0 has probability 1 where none is expected.
double log_poisson(double y, double rate, double exposure);

// log of the binomial coefficient, 0 <= y <= n.
double log_choose(double n, double y);

// Cholesky factor of a symmetric d x d matrix, in place: the lower triangle of a becomes L, the upper is left
// alone. Returns -1, or the first j whose pivot L_jj^2 is not above floor[j] (null: 0) or is lost in rounding
// beside a_jj; a is then useless.
Index cholesky_in_place(Index d, double* a, const double* floor);

// Is none of them infinite or NaN?
bool all_finite(const double* x, Index n);

}  // namespace em
