#include "chain_scaled.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "kernels.h"
#include "numerics.h"

namespace em {

namespace {

constexpr double small = 1e-30;
constexpr double lost = 1e-280;

constexpr Index chunk = 256;  // rows whose densities are made together

// Two states; a row of k states is (k + 1) / 2 of them, the last one padded with 0.
using Pair = double __attribute__((vector_size(16)));
typedef double PairMemory __attribute__((vector_size(16), aligned(8), may_alias));

[[gnu::always_inline]] inline Pair load(const double* p) { return *reinterpret_cast<const PairMemory*>(p); }
[[gnu::always_inline]] inline void store(double* p, Pair v) { *reinterpret_cast<PairMemory*>(p) = v; }
[[gnu::always_inline]] inline Pair both(double a) { return Pair{a, a}; }

// K states known at compile time: everything of one row is in registers.
template <int K>
class Row {
 public:
  static constexpr int pairs = (K + 1) / 2;
  static constexpr int width = 2 * pairs;

  [[gnu::always_inline]] static Row read(const double* p) {
    Row out;
#pragma GCC unroll 8
    for (int a = 0; a < pairs; ++a) out.v_[a] = load(p + 2 * a);
    return out;
  }

  [[gnu::always_inline]] void write(double* p) const {
#pragma GCC unroll 8
    for (int a = 0; a < pairs; ++a) store(p + 2 * a, v_[a]);
  }

  // v'M, with the rows of M `width` apart.
  [[gnu::always_inline]] Row times(const double* m) const {
    Row out;
#pragma GCC unroll 8
    for (int a = 0; a < pairs; ++a) out.v_[a] = both(v_[0][0]) * load(m + 2 * a);
#pragma GCC unroll 8
    for (int i = 1; i < K; ++i) {
      const Pair own = both(v_[i / 2][i % 2]);
#pragma GCC unroll 8
      for (int a = 0; a < pairs; ++a) out.v_[a] += own * load(m + i * width + 2 * a);
    }
    return out;
  }

  [[gnu::always_inline]] Row operator*(const Row& other) const {
    Row out;
#pragma GCC unroll 8
    for (int a = 0; a < pairs; ++a) out.v_[a] = v_[a] * other.v_[a];
    return out;
  }

  [[gnu::always_inline]] Row operator*(double factor) const {
    Row out;
#pragma GCC unroll 8
    for (int a = 0; a < pairs; ++a) out.v_[a] = v_[a] * both(factor);
    return out;
  }

  [[gnu::always_inline]] double sum() const {
    Pair total = v_[0];
#pragma GCC unroll 8
    for (int a = 1; a < pairs; ++a) total += v_[a];
    return total[0] + total[1];
  }

  // sums += this (as a column) times other (as a row).
  [[gnu::always_inline]] void add_product(const Row& other, Row* sums) const {
#pragma GCC unroll 8
    for (int i = 0; i < K; ++i) {
      const Pair own = both(v_[i / 2][i % 2]);
#pragma GCC unroll 8
      for (int a = 0; a < pairs; ++a) sums[i].v_[a] += own * other.v_[a];
    }
  }

  // a in each state, 0 in the padding.
  [[gnu::always_inline]] static Row constant(double a) {
    Row out;
#pragma GCC unroll 8
    for (int i = 0; i < width; ++i) out.v_[i / 2][i % 2] = i < K ? a : 0.0;
    return out;
  }

 private:
  Pair v_[pairs];
};

// u_t for all rows. Returns the sum of log c_t, -Inf where it got too small; row_loglik, where it is wanted,
// gets log c_t added.
template <int K>
double forward(const ScaledChain& chain, Index rows, const double* density, double* sums,
               double* row_loglik) {
  using State = Row<K>;
  double to[K * State::width];
  std::copy(chain.to, chain.to + K * State::width, to);
  State u = State::read(chain.initial) * State::read(density);
  double log_scale = 0.0;
  double before = 1.0;
  for (Index t = 0;;) {
    double total = u.sum();
    if (row_loglik) row_loglik[t] += std::log(total / before);
    if (!(total >= small)) {
      if (!(total >= lost)) return -infinity;
      log_scale += std::log(total);
      u = u * (1.0 / total);
      total = 1.0;
    }
    before = total;
    u.write(sums);
    if (++t == rows) return log_scale + std::log(total);
    density += State::width;
    sums += State::width;
    u = u.times(to) * State::read(density);
  }
}

// Turns u_t into P(state | all rows), from the last row to the first, and sets counts (k rows of width) to
// the expected transitions, but for the factor transition_ij. False where something may have been lost.
template <int K>
bool backward(const ScaledChain& chain, Index rows, const double* density, double* sums, double* counts) {
  using State = Row<K>;
  double from[K * State::width];
  std::copy(chain.from, chain.from + K * State::width, from);
  State moves[K];
  for (int i = 0; i < K; ++i) moves[i] = State::constant(0.0);
  density += rows * State::width;
  sums += (rows - 1) * State::width;
  State u = State::read(sums);
  (u * (1.0 / u.sum())).write(sums);
  State b = State::constant(1.0 / K);
  double least = 1.0;
  for (Index t = rows - 1; t > 0; --t) {
    density -= State::width;
    sums -= State::width;
    const State v = State::read(density) * b;
    u = State::read(sums);
    b = v.times(from);
    const State product = u * b;
    const double g = product.sum();
    least = g < least ? g : least;
    const double inverse = 1.0 / g;
    (product * inverse).write(sums);
    u.add_product(v * inverse, moves);
    const double total = b.sum();
    if (!(total >= small)) b = b * (1.0 / total);
  }
  for (int i = 0; i < K; ++i) moves[i].write(counts + i * State::width);
  return least >= lost;
}

// The same two for any number of states, a row in memory.

// out = v'M times density, the rows of M `width` apart; eight columns at a time. density may be null: ones.
void times_any(const double* v, const double* m, const double* density, Index k, double* out) {
  const Index width = k + k % 2;
  for (Index begin = 0; begin < width; begin += 8) {
    const Index pairs = std::min<Index>(width - begin, 8) / 2;
    Pair sum[4] = {};
    if (pairs == 4) {
      for (Index i = 0; i < k; ++i) {
        const Pair own = both(v[i]);
#pragma GCC unroll 4
        for (Index a = 0; a < 4; ++a) sum[a] += own * load(m + i * width + begin + 2 * a);
      }
    } else {
      for (Index a = 0; a < pairs; ++a) {
        for (Index i = 0; i < k; ++i) sum[a] += both(v[i]) * load(m + i * width + begin + 2 * a);
      }
    }
    for (Index a = 0; a < pairs; ++a) {
      const Index at = begin + 2 * a;
      store(out + at, density ? sum[a] * load(density + at) : sum[a]);
    }
  }
}

double sum_any(const double* v, Index k) {
  Pair sum{};
  for (Index j = 0; j < k; j += 2) sum += load(v + j);
  return sum[0] + sum[1];
}

// out = a times b times factor; returns the sum.
double product_any(const double* a, const double* b, double factor, Index k, double* out) {
  Pair sum{};
  for (Index j = 0; j < k; j += 2) {
    const Pair product = load(a + j) * load(b + j) * both(factor);
    sum += product;
    store(out + j, product);
  }
  return sum[0] + sum[1];
}

void scale_any(double factor, Index k, double* inout) {
  for (Index j = 0; j < k; j += 2) store(inout + j, load(inout + j) * both(factor));
}

double forward_any(const ScaledChain& chain, Index rows, const double* density, double* sums,
                   double* row_loglik) {
  const Index width = chain.k + chain.k % 2;
  product_any(chain.initial, density, 1.0, chain.k, sums);
  double log_scale = 0.0;
  double before = 1.0;
  for (Index t = 0;;) {
    double total = sum_any(sums, chain.k);
    if (row_loglik) row_loglik[t] += std::log(total / before);
    if (!(total >= small)) {
      if (!(total >= lost)) return -infinity;
      log_scale += std::log(total);
      scale_any(1.0 / total, chain.k, sums);
      total = 1.0;
    }
    before = total;
    if (++t == rows) return log_scale + std::log(total);
    density += width;
    sums += width;
    times_any(sums - width, chain.to, density, chain.k, sums);
  }
}

// scratch: three rows.
bool backward_any(const ScaledChain& chain, Index rows, const double* density, double* sums, double* counts,
                  double* scratch) {
  const Index k = chain.k;
  const Index width = k + k % 2;
  double* v = scratch;
  double* b = v + width;
  double* product = b + width;
  std::fill(counts, counts + k * width, 0.0);
  for (Index j = 0; j < width; ++j) b[j] = j < k ? 1.0 / static_cast<double>(k) : 0.0;
  density += rows * width;
  sums += (rows - 1) * width;
  scale_any(1.0 / sum_any(sums, k), k, sums);
  double least = 1.0;
  for (Index t = rows - 1; t > 0; --t) {
    density -= width;
    sums -= width;
    product_any(density, b, 1.0, k, v);
    times_any(v, chain.from, nullptr, k, b);
    const double g = product_any(sums, b, 1.0, k, product);
    least = g < least ? g : least;
    scale_any(1.0 / g, k, v);
    for (Index i = 0; i < k; ++i) {
      const Pair own = both(sums[i]);
      double* to = counts + i * width;
      for (Index j = 0; j < k; j += 2) store(to + j, load(to + j) + own * load(v + j));
    }
    for (Index j = 0; j < k; j += 2) store(sums + j, load(product + j) * both(1.0 / g));
    const double total = sum_any(b, k);
    if (!(total >= small)) scale_any(1.0 / total, k, b);
  }
  return least >= lost;
}

// work(k) where the number of states is known when this is compiled, any() where it is not.
template <typename Work, typename Any>
auto with_states(Index k, Work work, Any any) {
  switch (k) {
    case 1:
      return work(std::integral_constant<int, 1>());
    case 2:
      return work(std::integral_constant<int, 2>());
    case 3:
      return work(std::integral_constant<int, 3>());
    case 4:
      return work(std::integral_constant<int, 4>());
    case 5:
      return work(std::integral_constant<int, 5>());
    case 6:
      return work(std::integral_constant<int, 6>());
    default:
      return any();
  }
}

}  // namespace

double scaled_forward(const ScaledChain& chain, Index rows, const double* density, double* sums,
                      double* row_loglik) {
  return with_states(
      chain.k, [&](auto k) { return forward<k()>(chain, rows, density, sums, row_loglik); },
      [&] { return forward_any(chain, rows, density, sums, row_loglik); });
}

bool scaled_backward(const ScaledChain& chain, Index rows, const double* density, double* sums,
                     double* counts, double* scratch) {
  return with_states(
      chain.k, [&](auto k) { return backward<k()>(chain, rows, density, sums, counts); },
      [&] { return backward_any(chain, rows, density, sums, counts, scratch); });
}

// Densities relative to the largest of their row, rows of `width`. Returns the sum of the logs of the
// largest, which row_loglik, where it is wanted, gets. A row of -Inf becomes zeros.
double relative_densities(ConstMatrixRef log_density, Index width, double* row_loglik, double* out) {
  const Index k = log_density.cols();
  double largest[chunk];
  double column[chunk];
  double sum = 0.0;
  for (Index begin = 0; begin < log_density.rows(); begin += chunk) {
    const Index rows = std::min(chunk, log_density.rows() - begin);
    std::copy(log_density.col(0).data() + begin, log_density.col(0).data() + begin + rows, largest);
    for (Index j = 1; j < k; ++j) {
      const double* own = log_density.col(j).data() + begin;
      for (Index t = 0; t < rows; ++t) largest[t] = own[t] > largest[t] ? own[t] : largest[t];
    }
    double part = 0.0;
    for (Index t = 0; t < rows; ++t) {
      if (largest[t] == -infinity) largest[t] = 0.0;
      part += largest[t];
    }
    sum += part;
    if (row_loglik) std::copy(largest, largest + rows, row_loglik + begin);
    for (Index j = 0; j < k; ++j) {
      const double* own = log_density.col(j).data() + begin;
      for (Index t = 0; t < rows; ++t) column[t] = own[t] - largest[t];
      kernels().exp(column, static_cast<std::size_t>(rows));
      for (Index t = 0; t < rows; ++t) out[(begin + t) * width + j] = column[t];
    }
    for (Index j = k; j < width; ++j) {
      for (Index t = 0; t < rows; ++t) out[(begin + t) * width + j] = 0.0;
    }
  }
  return sum;
}

}  // namespace em
