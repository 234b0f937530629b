#include "digamma.h"

#include <cmath>

namespace em {

namespace {

constexpr double least = 10.0;
constexpr double half_log_two_pi = 0.918938533204672741780329736406;

}  // namespace

LogGamma log_gamma_and_slope(double x) {
  if (!(x > 0.0)) return {std::nan(""), std::nan("")};
  double product = 1.0;
  double reciprocals = 0.0;
  while (x < least) {
    product *= x;
    reciprocals += 1.0 / x;
    x += 1.0;
  }
  const double log_x = std::log(x);
  const double r = 1.0 / x;
  const double s = r * r;
  const double series =
      r * (1.0 / 12 -
           s * (1.0 / 360 - s * (1.0 / 1260 - s * (1.0 / 1680 - s * (1.0 / 1188 - s * (691.0 / 360360))))));
  const double slope =
      s * (1.0 / 12 -
           s * (1.0 / 120 - s * (1.0 / 252 - s * (1.0 / 240 - s * (1.0 / 132 - s * (691.0 / 32760))))));
  double value = (x - 0.5) * log_x - x + half_log_two_pi + series;
  if (product != 1.0) value -= std::log(product);
  return {value, log_x - 0.5 * r - slope - reciprocals};
}

double trigamma(double x) {
  if (!(x > 0.0)) return std::nan("");
  double squares = 0.0;
  while (x < least) {
    squares += 1.0 / (x * x);
    x += 1.0;
  }
  const double r = 1.0 / x;
  const double s = r * r;
  const double series =
      r * s *
      (1.0 / 6 - s * (1.0 / 30 -
                      s * (1.0 / 42 - s * (1.0 / 30 - s * (5.0 / 66 - s * (691.0 / 2730 - s * (7.0 / 6)))))));
  return squares + r + 0.5 * s + series;
}

}  // namespace em
