#include "chain.h"

#include <algorithm>
#include <cmath>

#include "kernels.h"
#include "numerics.h"

namespace em {

namespace {

// ---- scaled forward-backward
// ------------------------------------------------------------------------------- u_t, the forward sums, and
// b_t, the backward sums, up to factors that are kept only where they make the log-likelihood. Both are
// brought back to a sum of 1 when they fall below `small`, so they lie in (0, 1]. With g_t = sum_j u_tj b_tj,
// the share of a path in the likelihood is its part of g_t, and whatever underflow took from a row is below
// 1e-307 beside g_t: where every g_t is above `lost` nothing that counts was lost.
constexpr double small = 1e-30;
constexpr double lost = 1e-280;

constexpr Index chunk = 256;         // rows whose densities are made together
constexpr int largest_unrolled = 6;  // states

// Two states; a row of k states is (k + 1) / 2 of them, the last one padded with 0.
using Pair = double __attribute__((vector_size(16)));
typedef double PairMemory __attribute__((vector_size(16), aligned(8), may_alias));

[[gnu::always_inline]] inline Pair load(const double* p) { return *reinterpret_cast<const PairMemory*>(p); }
[[gnu::always_inline]] inline void store(double* p, Pair v) { *reinterpret_cast<PairMemory*>(p) = v; }
[[gnu::always_inline]] inline Pair both(double a) { return Pair{a, a}; }

// What the two passes read.
struct Tables {
  const double* initial;
  const double* to;
  const double* from;
  Index k;
};

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
double forward(const Tables& chain, Index rows, const double* density, double* sums, double* row_loglik) {
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
bool backward(const Tables& chain, Index rows, const double* density, double* sums, double* counts) {
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

double forward_any(const Tables& chain, Index rows, const double* density, double* sums, double* row_loglik) {
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
bool backward_any(const Tables& chain, Index rows, const double* density, double* sums, double* counts,
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

double run_forward(const Tables& chain, Index rows, const double* density, double* sums, double* row_loglik) {
  switch (chain.k) {
    case 1:
      return forward<1>(chain, rows, density, sums, row_loglik);
    case 2:
      return forward<2>(chain, rows, density, sums, row_loglik);
    case 3:
      return forward<3>(chain, rows, density, sums, row_loglik);
    case 4:
      return forward<4>(chain, rows, density, sums, row_loglik);
    case 5:
      return forward<5>(chain, rows, density, sums, row_loglik);
    case 6:
      return forward<6>(chain, rows, density, sums, row_loglik);
    default:
      return forward_any(chain, rows, density, sums, row_loglik);
  }
}

bool run_backward(const Tables& chain, Index rows, const double* density, double* sums, double* counts,
                  double* scratch) {
  switch (chain.k) {
    case 1:
      return backward<1>(chain, rows, density, sums, counts);
    case 2:
      return backward<2>(chain, rows, density, sums, counts);
    case 3:
      return backward<3>(chain, rows, density, sums, counts);
    case 4:
      return backward<4>(chain, rows, density, sums, counts);
    case 5:
      return backward<5>(chain, rows, density, sums, counts);
    case 6:
      return backward<6>(chain, rows, density, sums, counts);
    default:
      return backward_any(chain, rows, density, sums, counts, scratch);
  }
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

// ---- logs
// --------------------------------------------------------------------------------------------------

// log sum_i exp(a_i + b_i); -Inf of nothing, NaN where one is NaN.
double log_sum(const double* a, const double* b, Index n) {
  double largest = -infinity;
  for (Index i = 0; i < n; ++i) {
    const double x = a[i] + b[i];
    if (x != x) return x;
    if (x > largest) largest = x;
  }
  if (largest == -infinity) return largest;
  double sum = 0.0;
  for (Index i = 0; i < n; ++i) sum += std::exp(a[i] + b[i] - largest);
  return largest + std::log(sum);
}

}  // namespace

// ---- Chain
// -------------------------------------------------------------------------------------------------

void Chain::set(const double* initial, const double* transition, Index k) {
  k_ = k;
  width_ = k + k % 2;
  initial_ = Vector::Zero(width_);
  initial_.head(k) = ConstVectorMap(initial, k);
  const ConstMatrixMap to(transition, k, k);
  to_ = from_ = Vector::Zero(width_ * k);
  MatrixMap(to_.data(), width_, k).topRows(k) = to;
  MatrixMap(from_.data(), width_, k).topRows(k) = to.transpose();
  log_initial_ = ConstArrayMap(initial, k).log();
  log_to_ = ConstArrayMap(transition, k * k).log();
  log_from_.resize(k * k);
  MatrixMap(log_from_.data(), k, k) = ConstMatrixMap(log_to_.data(), k, k).transpose();
}

Index Chain::work_size(Index rows) const { return rows * (2 * width_ + 1) + k_ * width_ + 4 * width_; }

double Chain::smooth(MatrixRef inout, double weight, double* row_loglik, double* first, double* moves,
                     double* work) const {
  const Index rows = inout.rows();
  if (rows == 0) return 0.0;
  const Tables tables{initial_.data(), to_.data(), from_.data(), k_};
  double* density = work;
  double* sums = density + rows * width_;
  double* counts = sums + rows * width_;
  const double top = relative_densities(inout, width_, row_loglik, density);
  const double loglik = run_forward(tables, rows, density, sums, row_loglik);
  if (loglik == -infinity || !run_backward(tables, rows, density, sums, counts, counts + k_ * width_)) {
    return smooth_in_logs(inout, weight, row_loglik, first, moves, work);
  }
  for (Index j = 0; j < k_; ++j) {
    double* out = inout.col(j).data();
    for (Index t = 0; t < rows; ++t) out[t] = weight * sums[t * width_ + j];
    first[j] += weight * sums[j];
  }
  if (rows > 1) {
    for (Index i = 0; i < k_; ++i) {
      for (Index j = 0; j < k_; ++j) {
        moves[i * k_ + j] += weight * counts[i * width_ + j] * to_[i * width_ + j];
      }
    }
  }
  return top + loglik;
}

// The log densities of row t; zeros where it is impossible after the rows before.
void Chain::row_densities(ConstMatrixRef log_density, double row_loglik, Index t, double* out) const {
  for (Index j = 0; j < k_; ++j) out[j] = row_loglik == -infinity ? 0.0 : log_density(t, j);
}

// The log of P(state in row t | rows before), from the filtered ones of the row before; null: there is none.
void Chain::log_predict(const double* before, double* out) const {
  for (Index j = 0; j < k_; ++j) {
    out[j] = before ? log_sum(before, log_from_.data() + j * k_, k_) : log_initial_[j];
  }
}

// pass.forward gets log P(state | rows up to t). Returns the sum of pass.row_loglik.
double Chain::log_forward(ConstMatrixRef log_density, const LogPass& pass) const {
  double sum = 0.0;
  for (Index t = 0; t < log_density.rows(); ++t) {
    double* now = pass.forward + t * k_;
    log_predict(t > 0 ? now - k_ : nullptr, now);
    row_densities(log_density, 0.0, t, pass.density);
    const double own = log_sum(now, pass.density, k_);
    pass.row_loglik[t] = own;
    sum += own;
    for (Index j = 0; j < k_ && own != -infinity; ++j) now[j] += pass.density[j] - own;
  }
  return sum;
}

// From the last row to the first: row(t, b) with b_j = log P(rows after t | state j in t), and move(t, d, b,
// total) between t - 1 and t: d_j = b_j + the log density of row t, b those of t - 1, and total the log of
// the sum of forward * b in t - 1; all up to one constant. row() may write on the row's densities.
template <class RowVisit, class MoveVisit>
void Chain::log_backward(ConstMatrixRef log_density, const LogPass& pass, RowVisit row,
                         MoveVisit move) const {
  double* b = pass.backward;
  std::fill(b, b + k_, 0.0);
  for (Index t = log_density.rows() - 1; t >= 0; --t) {
    row_densities(log_density, pass.row_loglik[t], t, pass.density);
    row(t, b);
    if (t == 0) return;
    for (Index j = 0; j < k_; ++j) pass.density[j] += b[j];
    for (Index i = 0; i < k_; ++i) b[i] = log_sum(log_to_.data() + i * k_, pass.density, k_);
    const double total = log_sum(pass.forward + (t - 1) * k_, b, k_);
    move(t, pass.density, b, total);
    for (Index i = 0; i < k_; ++i) b[i] -= total;
  }
}

Chain::LogPass Chain::log_pass(Index rows, double* work) const {
  LogPass out;
  out.row_loglik = work;
  out.forward = out.row_loglik + rows;
  out.density = out.forward + rows * k_;
  out.backward = out.density + k_;
  out.scratch = out.backward + k_;
  return out;
}

// exp(a + b), made to sum to 1.
void Chain::probabilities(const double* a, const double* b, double* out) const {
  const double total = log_sum(a, b, k_);
  for (Index j = 0; j < k_; ++j) out[j] = std::exp(a[j] + b[j] - total);
}

double Chain::smooth_in_logs(MatrixRef inout, double weight, double* row_loglik, double* first, double* moves,
                             double* work) const {
  const LogPass pass = log_pass(inout.rows(), work);
  const double loglik = log_forward(inout, pass);
  if (row_loglik) std::copy(pass.row_loglik, pass.row_loglik + inout.rows(), row_loglik);
  log_backward(
      inout, pass,
      [&](Index t, const double* b) {
        probabilities(pass.forward + t * k_, b, pass.scratch);
        for (Index j = 0; j < k_; ++j) inout(t, j) = weight * pass.scratch[j];
        for (Index j = 0; j < k_ && t == 0; ++j) first[j] += weight * pass.scratch[j];
      },
      [&](Index t, const double* d, const double*, double total) {
        const double* before = pass.forward + (t - 1) * k_;
        for (Index i = 0; i < k_; ++i) {
          const double* to = log_to_.data() + i * k_;
          for (Index j = 0; j < k_; ++j)
            moves[i * k_ + j] += weight * std::exp(before[i] + to[j] + d[j] - total);
        }
      });
  return loglik;
}

double Chain::filter(ConstMatrixRef log_density, MatrixRef out, double* row_loglik, double* work) const {
  const LogPass pass = log_pass(log_density.rows(), work);
  const double loglik = log_forward(log_density, pass);
  if (row_loglik) std::copy(pass.row_loglik, pass.row_loglik + log_density.rows(), row_loglik);
  for (Index t = 0; t < log_density.rows(); ++t) {
    for (Index j = 0; j < k_; ++j) out(t, j) = std::exp(pass.forward[t * k_ + j]);
  }
  return loglik;
}

void Chain::predict(ConstMatrixRef log_density, bool one_step, MatrixRef out, double* work) const {
  const LogPass pass = log_pass(log_density.rows(), work);
  log_forward(log_density, pass);
  double* predicted = pass.scratch;
  double* weights = pass.scratch + k_;
  const auto write = [&](Index t, const double* b) {
    log_predict(t > 0 ? pass.forward + (t - 1) * k_ : nullptr, predicted);
    probabilities(predicted, b, weights);
    for (Index j = 0; j < k_; ++j) out(t, j) = weights[j];
  };
  if (!one_step) {
    log_backward(log_density, pass, write, [](Index, const double*, const double*, double) {});
    return;
  }
  std::fill(pass.backward, pass.backward + k_, 0.0);
  for (Index t = 0; t < log_density.rows(); ++t) write(t, pass.backward);
}

double Chain::best_path(ConstMatrixRef log_density, int* path, double* work) const {
  const Index rows = log_density.rows();
  if (rows == 0) return 0.0;
  double* from = work;  // rows x k: the state before
  double* now = from + rows * k_;
  double* next = now + k_;
  double level = 0.0;
  bool impossible = false;
  for (Index t = 0; t < rows; ++t) {
    for (Index j = 0; j < k_; ++j) {
      Index best = 0;
      for (Index i = 1; i < k_ && t > 0; ++i) {
        if (now[i] + log_to_[i * k_ + j] > now[best] + log_to_[best * k_ + j]) best = i;
      }
      from[t * k_ + j] = static_cast<double>(best);
      next[j] = t > 0 ? now[best] + log_to_[best * k_ + j] : log_initial_[j];
    }
    double largest = -infinity;
    for (Index j = 0; j < k_; ++j) largest = std::max(largest, next[j] + log_density(t, j));
    const bool missing = largest == -infinity;  // no state can have it: as if nothing were known of the row
    for (Index j = 0; j < k_; ++j) now[j] = next[j] + (missing ? 0.0 : log_density(t, j) - largest);
    level += missing ? 0.0 : largest;
    impossible = impossible || missing;
  }
  Index state = 0;
  for (Index j = 1; j < k_; ++j) {
    if (now[j] > now[state]) state = j;
  }
  level += now[state];
  for (Index t = rows - 1; t >= 0; --t) {
    path[t] = static_cast<int>(state);
    state = static_cast<Index>(from[t * k_ + state]);
  }
  return impossible ? -infinity : level;
}

double Chain::path_entropy(ConstMatrixRef log_density, double* work) const {
  const LogPass pass = log_pass(log_density.rows(), work);
  log_forward(log_density, pass);
  double entropy = 0.0;
  log_backward(
      log_density, pass,
      [&](Index t, const double* b) {
        if (t > 0) return;
        probabilities(pass.forward, b, pass.scratch);
        for (Index j = 0; j < k_; ++j) {
          if (pass.scratch[j] > 0.0) entropy -= pass.scratch[j] * std::log(pass.scratch[j]);
        }
      },
      [&](Index t, const double* d, const double* b, double total) {
        const double* before = pass.forward + (t - 1) * k_;
        for (Index i = 0; i < k_; ++i) {
          const double* to = log_to_.data() + i * k_;
          for (Index j = 0; j < k_; ++j) {
            const double share = std::exp(before[i] + to[j] + d[j] - total);
            if (share > 0.0) entropy -= share * (to[j] + d[j] - b[i]);
          }
        }
      });
  return entropy;
}

}  // namespace em
