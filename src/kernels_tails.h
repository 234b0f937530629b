// kernels_tails.h: what Student components do with each row beside the normal ones.
#pragma once

#include "kernels_vector.h"

namespace em {
namespace {

// The whole vectors of n numbers, then the rest by way of padded copies.
void tail_logs(double* inout, std::size_t n, double top, double farthest, double inverse_nu, double* logs) {
  const Vec most = all(farthest), none{};
  for (std::size_t i = 0; i < n; i += lanes) {
    const std::size_t size = n - i < lanes ? n - i : lanes;
    double tail[lanes] = {};
    for (std::size_t l = 0; size < lanes && l < size; ++l) tail[l] = inout[i + l];
    Vec distance = 2.0 * (top - load(size < lanes ? tail : inout + i));
    distance = distance < none ? none : distance;
    distance = distance > most ? most : distance;
    const Vec logarithm = log_vector(1.0 + distance * inverse_nu);
    if (size == lanes) {
      store(inout + i, distance);
      store(logs + i, logarithm);
    } else {
      for (std::size_t l = 0; l < size; ++l) inout[i + l] = distance[l];
      for (std::size_t l = 0; l < size; ++l) logs[i + l] = logarithm[l];
    }
  }
}

double weigh_tails(const double* distance, const double* logs, const double* r, std::size_t n, double nu,
                   double p, double at_centre, double* out, double* count) {
  Vec spread{}, rows{};
  for (std::size_t i = 0; i < n; i += lanes) {
    const std::size_t size = n - i < lanes ? n - i : lanes;
    double d[lanes] = {}, g[lanes] = {}, w[lanes] = {};
    for (std::size_t l = 0; size < lanes && l < size; ++l) {
      d[l] = distance[i + l];
      g[l] = logs[i + l];
      w[l] = r[i + l];
    }
    const bool whole = size == lanes;
    const Vec delta = load(whole ? distance + i : d);
    const Vec weight = load(whole ? r + i : w);
    const Vec more = weight * ((p - delta) / (nu + delta));
    spread += more - weight * (at_centre - load(whole ? logs + i : g));
    rows += weight;
    if (whole) {
      store(out + i, weight + more);
    } else {
      const Vec sum = weight + more;
      for (std::size_t l = 0; l < size; ++l) out[i + l] = sum[l];
    }
  }
  *count = sum_lanes(rows);
  return sum_lanes(spread);
}

}  // namespace
}  // namespace em
