// gamma_functions.h: the gamma function's logarithm with its first two derivatives, and what distributions
// with a shape need of them, for real a > 0, to the last digits from the smallest shape to the largest. No
// std::lgamma, which writes a global sign and is not safe on threads.
//
// From 12 on Stirling's series (Abramowitz & Stegun 6.1.40, 6.3.18, 6.4.12), below it the Taylor series about
// 2 (6.1.33), to which recurrences lead: so log_gamma() keeps its digits near its zeros at 1 and 2.
#pragma once

namespace em {

struct LogGamma {
  double value;
  double slope;  // digamma
};

// NaN where a > 0 is not true.
LogGamma log_gamma_and_slope(double a);
double log_gamma(double a);
double trigamma(double a);

// log Gamma(a) - ((a - 1/2) log a - a + log(2 pi) / 2): what Stirling's formula lacks.
double gamma_error(double a);

// log a - digamma(a), which is positive and falls: from 1 / a near 0 to 1 / (2 a).
double log_less_digamma(double a);

// a trigamma(a) - 1, which is positive and falls: minus the slope of log_less_digamma() in log a.
double trigamma_excess(double a);

// The a whose log_less_digamma(a) is s > 0: the maximiser of a (log a + 1 - s) - a - log Gamma(a). By
// Newton's method on logarithms, along which it is nearly a line of slope -1 everywhere.
double shape_from(double s);

// d - log(1 + d) for d > -1, without the digits that its terms lose against each other.
double less_log1p(double d);

}  // namespace em
