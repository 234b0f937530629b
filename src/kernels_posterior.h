// kernels_posterior.h: Bayes' rule for a block, and the small things that go with it.
//
// For each row: m = the largest log joint density, s = sum exp(l_k - m), responsibilities exp(l_k - m) / s
// and log density m + log s. The sum of log s over unweighted rows is the log of a running product, one log
// for many rows. A row whose densities are all zero has m = -Inf; it goes through as if s = 1, comes out with
// responsibilities 0, which no other row has, and is put right at the end of the block.
#pragma once

#include "kernels_vector.h"

namespace em {
namespace {

// What is known of `lanes` rows after exponentials were taken.
struct Totals {
  Vec maximum;
  Vec sum;
};

// One component: no exponential.
[[gnu::always_inline]] inline Totals normalise_one(double* p, const double* log_proportions, Vec weight) {
  const Vec maximum = load(p) + log_proportions[0];
  const Vec own = weight + (maximum - maximum);  // NaN stays
  store(p, maximum == -infinity ? Vec{} : own);
  return {maximum, all(1.0)};
}

[[gnu::always_inline]] inline Vec minus_size(Vec x) {
  return reinterpret_cast<Vec>(reinterpret_cast<Bits>(x) | 0x8000000000000000ULL);
}

// Two components: one exponential. Turns log densities into responsibilities times weight.
[[gnu::always_inline]] inline Totals normalise_two(double* p, std::size_t stride,
                                                   const double* log_proportions, Vec weight) {
  const Vec first = load(p) + log_proportions[0];
  const Vec second = load(p + stride) + log_proportions[1];
  const Vec difference = second - first;
  const Mask above = difference > 0.0;
  const Vec maximum = above ? second : first;
  const Mask none = maximum == -infinity;
  Vec e = exp_vector(minus_size(difference));
  e = none ? Vec{} : e;
  const Vec sum = 1.0 + e;
  Vec larger = weight / sum;
  larger = none ? Vec{} : larger;
  const Vec smaller = larger * e;
  store(p, above ? smaller : larger);
  store(p + stride, above ? larger : smaller);
  return {maximum, sum};
}

[[gnu::always_inline]] inline Vec where_finite(Vec maximum) { return maximum == -infinity ? Vec{} : maximum; }

[[gnu::always_inline]] inline Vec one_for_zero(Vec sum) {
  return sum == 0.0 ? all(1.0) : sum;  // all of them -Inf; NaN stays
}

// A few components, which stay in registers.
template <int n>
[[gnu::always_inline]] inline Totals normalise_few(double* p, std::size_t stride,
                                                   const double* log_proportions, Vec weight) {
  Vec e[n];
#pragma GCC unroll 8
  for (int k = 0; k < n; ++k) e[k] = load(p + k * stride) + log_proportions[k];
  Vec maximum = e[0];
#pragma GCC unroll 8
  for (int k = 1; k < n; ++k) maximum = e[k] > maximum ? e[k] : maximum;
  const Vec origin = where_finite(maximum);
  Vec sum{};
#pragma GCC unroll 8
  for (int k = 0; k < n; ++k) {
    e[k] = exp_vector(e[k] - origin);
    sum += e[k];
  }
  sum = one_for_zero(sum);
  const Vec scale = weight / sum;
#pragma GCC unroll 8
  for (int k = 0; k < n; ++k) store(p + k * stride, e[k] * scale);
  return {maximum, sum};
}

// Any number of components, by way of memory.
[[gnu::always_inline]] inline Totals normalise_many(double* p, std::size_t stride, std::size_t columns,
                                                    const double* log_proportions, Vec weight) {
  Vec maximum = load(p) + log_proportions[0];
  store(p, maximum);
  for (std::size_t k = 1; k < columns; ++k) {
    const Vec l = load(p + k * stride) + log_proportions[k];
    store(p + k * stride, l);
    maximum = l > maximum ? l : maximum;
  }
  const Vec origin = where_finite(maximum);
  Vec sum{};
  for (std::size_t k = 0; k < columns; ++k) {
    const Vec e = exp_vector(load(p + k * stride) - origin);
    store(p + k * stride, e);
    sum += e;
  }
  sum = one_for_zero(sum);
  const Vec scale = weight / sum;
  for (std::size_t k = 0; k < columns; ++k) store(p + k * stride, load(p + k * stride) * scale);
  return {maximum, sum};
}

// n components, known at compile time; 0: any number.
template <int n>
[[gnu::always_inline]] inline Totals responsibilities(Block b, std::size_t i, const double* log_proportions,
                                                      Vec weight) {
  if constexpr (n == 0)
    return normalise_many(b.data + i, b.stride, b.columns, log_proportions, weight);
  else if constexpr (n == 1)
    return normalise_one(b.data + i, log_proportions, weight);
  else if constexpr (n == 2)
    return normalise_two(b.data + i, b.stride, log_proportions, weight);
  else
    return normalise_few<n>(b.data + i, b.stride, log_proportions, weight);
}

// Rows of weight 0 may have got NaN: 0 times anything is 0 here.
[[gnu::always_inline]] inline void clear_unweighted(Block b, std::size_t i, Vec weight) {
  const Mask absent = weight == 0.0;
  for (std::size_t k = 0; k < b.columns; ++k) {
    double* p = b.data + i + k * b.stride;
    const Vec r = load(p);
    store(p, absent ? Vec{} : r);
  }
}

// `lanes` rows with a logarithm of their own. Returns weight times log density.
template <int n>
[[gnu::always_inline]] inline Vec weighted_rows(Block b, std::size_t i, const double* log_proportions,
                                                Vec weight, double* row_loglik) {
  const Totals t = responsibilities<n>(b, i, log_proportions, weight);
  clear_unweighted(b, i, weight);
  const Vec l = t.maximum + log_vector(t.sum);
  if (row_loglik != nullptr) store(row_loglik, l);
  return weight == 0.0 ? Vec{} : weight * l;
}

// The rows behind the last whole vector, by way of padded copies; rows that don't exist have weight 0.
template <int n>
Vec last_rows(Block b, std::size_t i, const double* log_proportions, const double* weights,
              double* row_loglik) {
  double weight[lanes] = {};
  double loglik[lanes];
  for (std::size_t l = 0; i + l < b.rows; ++l) weight[l] = weights == nullptr ? 1.0 : weights[i + l];
  const Vec sum = weighted_rows<n>(b, i, log_proportions, load(weight), loglik);
  for (std::size_t l = 0; row_loglik != nullptr && i + l < b.rows; ++l) row_loglik[i + l] = loglik[l];
  return sum;
}

// How many factors between 1 and k can be multiplied without overflow.
inline std::size_t safe_factors(std::size_t k) {
  std::size_t bits = 1;
  while (k >> bits != 0) ++bits;
  return 1000 / bits;
}

// Asks for the cache lines of rows i to i + 8: spread over the work on as many rows, this costs next to
// nothing, and the next block is there when it is wanted.
[[gnu::always_inline]] inline void fetch(ConstBlock next, std::size_t i) {
  if (i % 8 != 0 || i >= next.rows) return;
  const double* p = next.data + i;
  for (std::size_t j = 0; j < next.columns; ++j, p += next.stride) __builtin_prefetch(p);
}

template <int n>
double posterior_of(Block b, const double* log_proportions, const double* weights, double* row_loglik,
                    ConstBlock next) {
  const std::size_t whole = b.rows - b.rows % lanes;
  Vec sum{};
  std::size_t i = 0;
  if (weights == nullptr && row_loglik == nullptr) {
    const std::size_t stretch = safe_factors(b.columns) * lanes;
    while (i < whole) {
      const std::size_t end = i + stretch < whole ? i + stretch : whole;
      Vec product = all(1.0);
      for (; i < end; i += lanes) {
        fetch(next, i);
        const Totals t = responsibilities<n>(b, i, log_proportions, all(1.0));
        sum += t.maximum;
        product *= t.sum;
      }
      sum += log_vector(product);
    }
  } else {
    for (; i < whole; i += lanes) {
      fetch(next, i);
      const Vec weight = weights == nullptr ? all(1.0) : load(weights + i);
      sum +=
          weighted_rows<n>(b, i, log_proportions, weight, row_loglik == nullptr ? nullptr : row_loglik + i);
    }
  }
  if (i < b.rows) sum += last_rows<n>(b, i, log_proportions, weights, row_loglik);
  return sum_lanes(sum);
}

// Gives rows without any density their responsibilities.
void repair(Block b, const double* proportions, const double* weights) {
  for (std::size_t i = 0; i < b.rows; ++i) {
    bool none = true;
    for (std::size_t k = 0; k < b.columns; ++k) none = none && b.data[i + k * b.stride] == 0.0;
    if (!none) continue;
    const double weight = weights == nullptr ? 1.0 : weights[i];
    for (std::size_t k = 0; k < b.columns; ++k) b.data[i + k * b.stride] = weight * proportions[k];
  }
}

double posterior(Block b, const double* proportions, const double* log_proportions, const double* weights,
                 double* row_loglik, ConstBlock next) {
  if (b.rows == 0) return 0.0;
  constexpr double (*of[])(Block, const double*, const double*, double*, ConstBlock) = {
      posterior_of<0>, posterior_of<1>, posterior_of<2>, posterior_of<3>, posterior_of<4>, posterior_of<5>};
  const std::size_t known = b.columns < 6 ? b.columns : 0;
  const double loglik = of[known](b, log_proportions, weights, row_loglik, next);
  // -Inf: some row has no density. NaN may hide one.
  if (!(loglik > -infinity)) repair(b, proportions, weights);
  return loglik;
}

void column_sums(ConstBlock x, double* sums) {
  const std::size_t end = vectors(x.rows) * lanes;
  for (std::size_t k = 0; k < x.columns; ++k) {
    const double* p = x.data + k * x.stride;
    Vec sum[4] = {};
    std::size_t i = 0;
    for (; i + 4 * lanes <= end; i += 4 * lanes) {
#pragma GCC unroll 4
      for (std::size_t s = 0; s < 4; ++s) sum[s] += load(p + i + s * lanes);
    }
    for (; i < end; i += lanes) sum[0] += load(p + i);
    sums[k] += sum_lanes((sum[0] + sum[1]) + (sum[2] + sum[3]));
  }
}

void drop_below(Block b, double limit) {
  for (std::size_t k = 0; k < b.columns; ++k) {
    double* p = b.data + k * b.stride;
    for (std::size_t i = 0; i < vectors(b.rows) * lanes; i += lanes) {
      const Vec l = load(p + i);
      store(p + i, l < limit ? all(-infinity) : l);
    }
  }
}

}  // namespace
}  // namespace em
