// digamma.h: log gamma with its first two derivatives, safe on threads (std::lgamma writes a global sign).
//
// For x > 0, NaN elsewhere; recurrence up to 10, then Stirling's series and its derivatives (Abramowitz &
// Stegun 6.1.41, 6.3.18, 6.4.12). Relative errors are a few units in the last place, but near the zeros of
// log gamma at 1 and 2, where the absolute error is.
#pragma once

namespace em {

struct LogGamma {
  double value;
  double derivative;  // digamma
};

LogGamma log_gamma_and_slope(double x);
double trigamma(double x);

}  // namespace em
