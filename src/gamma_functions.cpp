#include "gamma_functions.h"

#include <cmath>

#include "numerics.h"

namespace em {

namespace {

// From here on asymptotic series (Abramowitz & Stegun 6.1.41, 6.3.18, 6.4.12) are exact; recurrences lead up
// to it.
constexpr double far = 14.0;

}  // namespace

double gamma_error(double a) {
  double out = 0.0;
  for (; a < far; a += 1.0) out += (a + 0.5) * std::log1p(1.0 / a) - 1.0;
  const double inverse = 1.0 / a;
  const double q = inverse * inverse;
  return out + inverse * (1.0 / 12 -
                          q * (1.0 / 360 -
                               q * (1.0 / 1260 - q * (1.0 / 1680 - q * (1.0 / 1188 - q * 691.0 / 360360)))));
}

double log_gamma(double a) { return (a - 0.5) * std::log(a) - a + 0.5 * log_two_pi + gamma_error(a); }

double log_less_digamma(double a) {
  double out = 0.0;
  for (; a < far; a += 1.0) out += 1.0 / a - std::log1p(1.0 / a);
  const double inverse = 1.0 / a;
  const double q = inverse * inverse;
  return out + 0.5 * inverse +
         q * (1.0 / 12 -
              q * (1.0 / 120 - q * (1.0 / 252 - q * (1.0 / 240 - q * (1.0 / 132 - q * 691.0 / 32760)))));
}

double trigamma_excess(double a) {
  if (a < far) return 1.0 / a + (a * trigamma_excess(a + 1.0) - 1.0) / (a + 1.0);
  const double inverse = 1.0 / a;
  const double q = inverse * inverse;
  return inverse *
         (0.5 + inverse * (1.0 / 6 - q * (1.0 / 30 - q * (1.0 / 42 - q * (1.0 / 30 - q * 5.0 / 66)))));
}

double shape_from(double s) {
  double a = (3.0 - s + std::sqrt((s - 3.0) * (s - 3.0) + 24.0 * s)) / (12.0 * s);
  if (!(a > 0.0)) a = 1.0 / s;
  for (int iteration = 0; iteration < 20; ++iteration) {
    const double value = log_less_digamma(a);
    const double step = std::log(value / s) * value / trigamma_excess(a);
    a *= std::exp(step);
    if (std::abs(step) < 1e-14) break;
  }
  return a;
}

double less_log1p(double d) {
  if (std::abs(d) > 0.1) return d - std::log1p(d);
  // With v = d / (2 + d): log(1 + d) = 2 (v + v^3 / 3 + v^5 / 5 + ...), and d - 2 v = d v.
  const double v = d / (2.0 + d);
  const double square = v * v;
  double sum = 0.0;
  for (int j = 13; j >= 3; j -= 2) sum = square * (1.0 / j + sum);
  return v * (d - 2.0 * sum);
}

}  // namespace em
