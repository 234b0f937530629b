#include "chain.h"

#include <algorithm>
#include <cmath>

#include "chain_scaled.h"
#include "dense.h"
#include "numerics.h"

namespace em {

namespace {

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

void Chain::set(const double* initial, const double* transition, Index k) {
  k_ = k;
  width_ = k + k % 2;
  initial_ = Vector::Zero(width_);
  initial_.head(k) = ConstVectorMap(initial, k);
  const ConstMatrixMap to(transition, k, k);
  to_ = from_ = Vector::Zero(width_ * k);
  MatrixMap(to_.data(), width_, k).topRows(k) = to;
  MatrixMap(from_.data(), width_, k).topRows(k) = to.transpose();
  log_initial_ = logarithms(ConstVectorMap(initial, k)).array();
  log_to_ = logarithms(ConstVectorMap(transition, k * k)).array();
  log_from_.resize(k * k);
  MatrixMap(log_from_.data(), k, k) = ConstMatrixMap(log_to_.data(), k, k).transpose();
}

Index Chain::work_size(Index rows) const { return rows * (2 * width_ + 1) + k_ * width_ + 4 * width_; }

double Chain::smooth(MatrixRef inout, double weight, double* row_loglik, double* first, double* moves,
                     double* work) const {
  const Index rows = inout.rows();
  if (rows == 0) return 0.0;
  const ScaledChain tables{initial_.data(), to_.data(), from_.data(), k_};
  double* density = work;
  double* sums = density + rows * width_;
  double* counts = sums + rows * width_;
  const double top = relative_densities(inout, width_, row_loglik, density);
  const double loglik = scaled_forward(tables, rows, density, sums, row_loglik);
  if (loglik == -infinity || !scaled_backward(tables, rows, density, sums, counts, counts + k_ * width_)) {
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
