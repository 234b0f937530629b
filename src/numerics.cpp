#include "numerics.h"

#include <array>
#include <cmath>
#include <unordered_set>

namespace em {

namespace {

constexpr int table_size = 256;

std::array<double, table_size> make_log_factorials() {
  std::array<double, table_size> table{};
  long double sum = 0.0L;
  for (int n = 2; n < table_size; ++n) {
    sum += std::log(static_cast<long double>(n));
    table[static_cast<std::size_t>(n)] = static_cast<double>(sum);
  }
  return table;
}

}  // namespace

double log_factorial(double n) {
  static const std::array<double, table_size> table = make_log_factorials();
  if (n < table_size) return table[static_cast<std::size_t>(n)];
  const double inverse = 1.0 / n;
  const double square = inverse * inverse;
  const double series = inverse * (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0)));
  return n * std::log(n) - n + 0.5 * (log_two_pi + std::log(n)) + series;
}

double log_choose(double n, double y) {
  if (y <= 0.0 || y >= n) return 0.0;
  return log_factorial(n) - log_factorial(y) - log_factorial(n - y);
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

// x - x is 0 for a finite x alone; several sums at once keep the processor busy.
Index count_distinct(const double* x, Index n, Index enough) {
  std::unordered_set<double> met;
  Index missing = 0;
  for (Index i = 0; i < n && static_cast<Index>(met.size()) + missing < enough; ++i) {
    if (std::isnan(x[i])) {
      missing = 1;
    } else {
      met.insert(x[i]);
    }
  }
  return static_cast<Index>(met.size()) + missing;
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
