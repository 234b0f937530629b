#include "chain_maximise.h"

#include <cmath>
#include <deque>
#include <vector>

#include "dense.h"
#include "numerics.h"

namespace em {

namespace {

bool is_free(const double* held, Index j) { return !held || held[j] != held[j]; }

// Is there a state that all others lead to? The first such, or -1.
Index common_end(const double* transition, Index k) {
  std::vector<char> leads(static_cast<std::size_t>(k * k));
  const auto at = [&](Index i, Index j) -> char& { return leads[static_cast<std::size_t>(i * k + j)]; };
  for (Index i = 0; i < k; ++i) {
    for (Index j = 0; j < k; ++j) at(i, j) = i == j || transition[i * k + j] > 0.0;
  }
  for (Index via = 0; via < k; ++via) {
    for (Index i = 0; i < k; ++i) {
      for (Index j = 0; j < k && at(i, via); ++j) at(i, j) = at(i, j) || at(via, j);
    }
  }
  for (Index j = 0; j < k; ++j) {
    bool all = true;
    for (Index i = 0; i < k; ++i) all = all && at(i, j);
    if (all) return j;
  }
  return -1;
}

double log_of_count(double count, double probability) {
  return count > 0.0 ? count * std::log(probability) : 0.0;
}

// The free cells of a stationary chain as logits, row by row. A free cell that is 0 stays 0.
class Logits {
 public:
  Logits(const double* first, const double* moves, const double* held, Index k)
      : first_(first), moves_(moves), held_(held), k_(k), slope_(k * k), delta_(k) {}

  // Makes a the origin: all logits 0.
  void begin(const Vector& a) {
    origin_ = a;
    cells_.clear();
    for (Index c = 0; c < k_ * k_; ++c) {
      if (is_free(held_, c) && a[c] > 0.0) cells_.push_back(c);
    }
  }

  Index size() const { return static_cast<Index>(cells_.size()); }
  const Vector& delta() const { return delta_; }

  Vector place(const Vector& z) const {
    Vector out = origin_;
    Vector mass = Vector::Zero(k_);
    Vector grown = Vector::Zero(k_);
    for (Index i = 0; i < size(); ++i) {
      const Index cell = cells_[static_cast<std::size_t>(i)];
      out[cell] = origin_[cell] * std::exp(z[i]);
      mass[cell / k_] += origin_[cell];
      grown[cell / k_] += out[cell];
    }
    for (Index cell : cells_) out[cell] *= mass[cell / k_] / grown[cell / k_];
    return out;
  }

  // The objective at a, its gradient in the logits there, and the scale of each coordinate.
  double look(const Vector& a, Vector& gradient, Vector& scale) {
    const double value = stationary_objective(first_, moves_, a.data(), k_, delta_.data(), slope_.data());
    Vector mean = Vector::Zero(k_);
    Vector mass = Vector::Zero(k_);
    Vector visits = Vector::Zero(k_);
    for (Index cell : cells_) {
      mean[cell / k_] += a[cell] * slope_[cell];
      mass[cell / k_] += a[cell];
      visits[cell / k_] += moves_[cell];
    }
    gradient.resize(size());
    scale.resize(size());
    for (Index i = 0; i < size(); ++i) {
      const Index cell = cells_[static_cast<std::size_t>(i)];
      const Index row = cell / k_;
      gradient[i] = a[cell] * (slope_[cell] - mean[row] / mass[row]);
      scale[i] = 1.0 / (std::max(visits[row], 1e-8) * a[cell] / mass[row]);
    }
    return value;
  }

 private:
  const double* first_;
  const double* moves_;
  const double* held_;
  Index k_;
  Vector slope_;
  Vector delta_;
  Vector origin_;
  std::vector<Index> cells_;
};

struct Pair {
  Vector move;
  Vector change;
};

// The direction of the two-loop recursion (Nocedal & Wright 2006, algorithm 7.4), for a maximum.
Vector direction(const std::deque<Pair>& history, const Vector& gradient, const Vector& scale) {
  Vector q = gradient;
  std::vector<double> share(history.size());
  for (std::size_t i = history.size(); i-- > 0;) {
    share[i] = dot(history[i].move, q) / dot(history[i].move, history[i].change);
    add_scaled(-share[i], history[i].change, q);
  }
  for (Index i = 0; i < q.size(); ++i) q[i] *= scale[i];
  for (std::size_t i = 0; i < history.size(); ++i) {
    const double back = dot(history[i].change, q) / dot(history[i].move, history[i].change);
    add_scaled(share[i] - back, history[i].move, q);
  }
  return q;
}

}  // namespace

void count_moves(ConstMatrixRef responsibilities, double weight, double* first, double* moves) {
  const Index k = responsibilities.cols();
  const Index rows = responsibilities.rows();
  if (rows == 0 || !(weight > 0.0)) return;
  for (Index j = 0; j < k; ++j) first[j] += responsibilities(0, j);
  Matrix found = cross_product(responsibilities.bottomRows(rows - 1), responsibilities.topRows(rows - 1));
  divide_to(found, weight, found);
  add_scaled(1.0, found, MatrixMap(moves, k, k));
}

void maximise_simplex(const double* counts, const double* held, double least, Index k,
                      double* probabilities) {
  double mass = 1.0;
  double total = 0.0;
  for (Index j = 0; j < k; ++j) {
    if (is_free(held, j)) {
      total += counts[j];
    } else {
      mass -= held[j];
    }
  }
  for (Index j = 0; j < k; ++j) {
    if (!is_free(held, j)) {
      probabilities[j] = held[j];
    } else if (total > least) {
      probabilities[j] = counts[j] / total * mass;
    }
  }
}

void maximise_transition(const double* moves, const double* held, double least, Index k, double* transition) {
  for (Index i = 0; i < k; ++i) {
    maximise_simplex(moves + i * k, held ? held + i * k : nullptr, least, k, transition + i * k);
  }
}

bool stationary_distribution(const double* transition, Index k, double* out) {
  const Index end = common_end(transition, k);
  if (end < 0) return false;
  // The common end comes first, so that each state that is taken out leads to one that is left.
  std::vector<Index> order(static_cast<std::size_t>(k));
  for (Index i = 0; i < k; ++i) order[static_cast<std::size_t>(i)] = i == 0 ? end : i == end ? 0 : i;
  Matrix a(k, k);
  for (Index i = 0; i < k; ++i) {
    for (Index j = 0; j < k; ++j) {
      a(i, j) = transition[order[static_cast<std::size_t>(i)] * k + order[static_cast<std::size_t>(j)]];
    }
  }
  for (Index n = k - 1; n > 0; --n) {
    double leaving = 0.0;
    for (Index j = 0; j < n; ++j) leaving += a(n, j);
    for (Index i = 0; i < n; ++i) a(i, n) /= leaving;
    for (Index j = 0; j < n; ++j) {
      for (Index i = 0; i < n; ++i) a(i, j) += a(i, n) * a(n, j);
    }
  }
  Vector visits(k);
  visits[0] = 1.0;
  for (Index n = 1; n < k; ++n) {
    visits[n] = dot(ConstVectorMap(visits.data(), n), ConstVectorMap(a.data() + n * k, n));
  }
  divide_to(visits, sum(visits), visits);
  if (!all_finite(visits.data(), k)) return false;
  for (Index i = 0; i < k; ++i) out[order[static_cast<std::size_t>(i)]] = visits[i];
  return true;
}

double stationary_objective(const double* first, const double* moves, const double* transition, Index k,
                            double* delta, double* slope) {
  if (!stationary_distribution(transition, k, delta)) return -infinity;
  double value = 0.0;
  for (Index j = 0; j < k; ++j) value += log_of_count(first[j], delta[j]);
  for (Index c = 0; c < k * k; ++c) value += log_of_count(moves[c], transition[c]);
  if (!slope) return value;
  const ConstMatrixMap to(transition, k, k);  // transposed
  Matrix system(k, k);
  for (Index j = 0; j < k; ++j) {
    for (Index i = 0; i < k; ++i) system(i, j) = (i == j ? 1.0 : 0.0) - to(j, i) + delta[j];
  }
  Vector ratio(k);
  for (Index j = 0; j < k; ++j) ratio[j] = first[j] > 0.0 ? first[j] / delta[j] : 0.0;
  const Vector pull = solve_vector(system, ratio);
  for (Index i = 0; i < k; ++i) {
    for (Index j = 0; j < k; ++j) {
      const Index c = i * k + j;
      slope[c] = transition[c] > 0.0 ? moves[c] / transition[c] + delta[i] * pull[j] : 0.0;
    }
  }
  return value;
}

bool maximise_stationary(const double* first, const double* moves, const double* held, double least,
                         int steps, Index k, double* initial, double* transition) {
  Vector a = ConstVectorMap(transition, k * k);
  Vector other = a;
  Vector delta(k);
  maximise_transition(moves, held, least, k, other.data());
  double value = stationary_objective(first, moves, a.data(), k, delta.data(), nullptr);
  const double without = stationary_objective(first, moves, other.data(), k, delta.data(), nullptr);
  if (value == -infinity && without == -infinity) return false;
  if (without > value) a = other;
  Logits logits(first, moves, held, k);
  Vector gradient, scale;
  std::deque<Pair> history;
  logits.begin(a);
  Vector z = Vector::Zero(logits.size());
  value = logits.look(a, gradient, scale);
  for (int step = 0; step < steps; ++step) {
    const Vector way = direction(history, gradient, scale);
    const double rise = dot(gradient, way);
    if (!(rise > 1e-14 * (1.0 + std::abs(value)))) break;
    double length = 1.0;
    Vector next_gradient, next_scale;
    Vector next, move(way.size());
    double reached = -infinity;
    for (int halving = 0; halving < 20; ++halving, length /= 2.0) {
      scale_to(way, length, move);
      Vector there = z;
      add_scaled(1.0, move, there);
      next = logits.place(there);
      reached = stationary_objective(first, moves, next.data(), k, delta.data(), nullptr);
      if (reached >= value + 1e-4 * length * rise) break;
      reached = -infinity;
    }
    if (reached == -infinity) break;
    logits.look(next, next_gradient, next_scale);
    Pair pair{move, gradient};
    add_scaled(-1.0, next_gradient, pair.change);
    if (dot(pair.move, pair.change) > 0.0) history.push_back(pair);
    if (history.size() > 8) history.pop_front();
    add_scaled(1.0, move, z);
    a = next;
    value = reached;
    gradient = next_gradient;
    scale = next_scale;
  }
  stationary_distribution(a.data(), k, initial);
  VectorMap(transition, k * k) = a;
  return true;
}

}  // namespace em
