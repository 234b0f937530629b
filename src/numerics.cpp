#include "numerics.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "gamma_functions.h"

namespace em {

namespace {

// stirling_error(0), which is not asked for, to stirling_error(15).
constexpr std::array<double, 16> first_errors = {0.0,
                                                 0.08106146679532725822,
                                                 0.041340695955409294094,
                                                 0.027677925684998339149,
                                                 0.020790672103765093112,
                                                 0.016644691189821192163,
                                                 0.013876128823070747999,
                                                 0.011896709945891770095,
                                                 0.010411265261972096497,
                                                 0.0092554621827127329177,
                                                 0.0083305634333628712565,
                                                 0.007573675487951840795,
                                                 0.0069428401072095298657,
                                                 0.0064089941880042070684,
                                                 0.0059513701127588477356,
                                                 0.005554733551962801371};

// x log(x / mean) + mean - x without the digits that its terms lose against each other, for x > 0 and mean >
// 0; difference: x - mean, known better than the two tell.
double deviance(double x, double mean, double difference) {
  const double u = -difference / x;  // mean / x - 1
  if (std::abs(u) > 0.1) {
    const double ratio = x / mean;
    return x * (std::isfinite(ratio) ? std::log(ratio) : std::log(x) - std::log(mean)) - difference;
  }
  return x * less_log1p(u);
}

}  // namespace

double stirling_error(double n) {
  if (n < 16.0) return first_errors[static_cast<std::size_t>(n)];
  return gamma_error(n);
}

double log_binomial_scale(double n, double y) {
  if (y <= 0.0 || y >= n) return 0.0;
  const double errors = stirling_error(n) - stirling_error(y) - stirling_error(n - y);
  return errors - 0.5 * (log_two_pi + std::log(y) + std::log((n - y) / n));
}

double log_choose(double n, double y) {
  if (y <= 0.0 || y >= n) return 0.0;
  const double fewer = std::min(y, n - y);
  return log_binomial_scale(n, fewer) - fewer * std::log(fewer / n) - (n - fewer) * std::log1p(-fewer / n);
}

double log_binomial(double n, double y, double p, double scale) {
  if (y <= 0.0) return n > 0.0 ? n * std::log1p(-p) : 0.0;
  if (y >= n) return n * std::log(p);
  if (p <= 0.0 || p >= 1.0) return -infinity;
  // y - n p to the last digit: a rounded n p is as wrong as a unit, in 1e16 trials.
  const double mean = n * p;
  const double difference = (y - mean) - std::fma(n, p, -mean);
  return scale - deviance(y, mean, difference) - deviance(n - y, n * (1.0 - p), -difference);
}

double log_poisson(double y, double rate, double exposure) {
  const double mean = rate * exposure;
  if (y <= 0.0) return -mean;
  if (mean <= 0.0) return -infinity;
  const double difference = (y - mean) - std::fma(rate, exposure, -mean);
  return -stirling_error(y) - 0.5 * (log_two_pi + std::log(y)) - deviance(y, mean, difference);
}

Index cholesky_in_place(Index d, double* a, const double* floor) {
  // A pivot below this part of its diagonal entry has no correct digit left.
  const double lost = 4.0 * static_cast<double>(d) * std::numeric_limits<double>::epsilon();
  for (Index j = 0; j < d; ++j) {
    double* column = a + j * d;
    const double diagonal = column[j];
    for (Index i = 0; i < j; ++i) {
      const double factor = a[i * d + j];
      const double* previous = a + i * d;
      for (Index row = j; row < d; ++row) column[row] -= factor * previous[row];
    }
    const double pivot = column[j];
    if (!(pivot > lost * diagonal) || (floor && !(pivot > floor[j])) || !(pivot < infinity)) return j;
    const double root = std::sqrt(pivot);
    column[j] = root;
    for (Index row = j + 1; row < d; ++row) column[row] /= root;
  }
  return -1;
}

bool all_finite(const double* x, Index n) {
  double sum[4] = {0.0, 0.0, 0.0, 0.0};
  Index i = 0;
  for (; i + 4 <= n; i += 4) {
    for (Index lane = 0; lane < 4; ++lane) sum[lane] += x[i + lane] - x[i + lane];
  }
  for (; i < n; ++i) sum[0] += x[i] - x[i];
  return sum[0] + sum[1] + sum[2] + sum[3] == 0.0;
}

}  // namespace em
