// test_chain.cpp: the Markov chain against the enumeration of all paths where there are few, and against
// forward and backward sums in long double logs where there are many, with densities down to exp(-2e8),
// structural zeros, known states and missing rows.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "chain.h"
#include "chain_maximise.h"

namespace {

using em::Chain;
using em::Index;
using em::Matrix;
using em::Vector;
using Real = long double;

constexpr double inf = std::numeric_limits<double>::infinity();

int n_failures = 0;

void check(bool holds, const std::string& what) {
  if (holds) return;
  ++n_failures;
  if (n_failures < 40) std::printf("FAILED: %s\n", what.c_str());
}

void check_near(double a, double b, double tolerance, const std::string& what) {
  const bool near = a == b || std::abs(a - b) <= tolerance * std::max(1.0, std::abs(b));
  check(near, what + ": " + std::to_string(a) + " is not " + std::to_string(b));
}

void check_near(const Matrix& a, const Matrix& b, double tolerance, const std::string& what) {
  check(a.rows() == b.rows() && a.cols() == b.cols(), what + ": size");
  for (Index j = 0; j < a.cols(); ++j) {
    for (Index i = 0; i < a.rows(); ++i) check_near(a(i, j), b(i, j), tolerance, what);
  }
}

// ---- cases
// -------------------------------------------------------------------------------------------------

struct Case {
  Vector initial;
  Vector transition;  // k x k, the state that is reached running fastest
  Matrix log_density;

  Index k() const { return initial.size(); }
  Index rows() const { return log_density.rows(); }
  double move(Index i, Index j) const { return transition[i * k() + j]; }
};

class Draw {
 public:
  explicit Draw(unsigned seed) : engine_(seed) {}
  double uniform() { return std::uniform_real_distribution<double>()(engine_); }
  double normal() { return std::normal_distribution<double>()(engine_); }
  Index below(Index n) { return static_cast<Index>(engine_() % static_cast<std::uint64_t>(n)); }

  // k probabilities, some of them 0 with chance `zeros`.
  Vector simplex(Index k, double zeros) {
    Vector out(k);
    for (Index j = 0; j < k; ++j) out[j] = uniform() < zeros ? 0.0 : uniform() + 0.01;
    if (out.sum() == 0.0) out[below(k)] = 1.0;
    return out / out.sum();
  }

  // Log densities about 0 times `size`; `known` and `missing` are chances of a row.
  Case chain(Index k, Index rows, double zeros, double size, double known = 0.0, double missing = 0.0) {
    Case out;
    out.initial = simplex(k, zeros);
    out.transition.resize(k * k);
    for (Index i = 0; i < k; ++i) out.transition.segment(i * k, k) = simplex(k, zeros);
    out.log_density.resize(rows, k);
    for (Index t = 0; t < rows; ++t) {
      for (Index j = 0; j < k; ++j) out.log_density(t, j) = size * normal();
      if (uniform() < known) {
        const Index state = below(k);
        for (Index j = 0; j < k; ++j) {
          if (j != state) out.log_density(t, j) = -inf;
        }
      }
      if (uniform() < missing) out.log_density.row(t).setZero();
    }
    return out;
  }

 private:
  std::mt19937_64 engine_;
};

// ---- what a chain says
// -------------------------------------------------------------------------------------

struct Answer {
  double loglik = 0.0;
  Matrix smoothed, filtered, one_step, others, moves;  // moves: from x to
  Vector first, row_loglik;
  double entropy = 0.0;
  double best = -inf;
  std::vector<int> path;
};

Answer ask(const Case& c) {
  const Index k = c.k();
  const Index rows = c.rows();
  Chain chain(c.initial.data(), c.transition.data(), k);
  Answer out;
  Vector work(chain.work_size(rows));
  Matrix table(rows + 3, k);  // columns further apart than they are long
  table.setConstant(7.0);
  table.topRows(rows) = c.log_density;
  out.first = Vector::Constant(k, 1.0);  // sums are added to what is there
  Vector moves = Vector::Constant(k * k, 2.0);
  out.row_loglik.resize(rows);
  out.loglik = chain.smooth(table.topRows(rows), 2.0, out.row_loglik.data(), out.first.data(), moves.data(),
                            work.data());
  out.smoothed = table.topRows(rows) / 2.0;
  check((table.bottomRows(3).array() == 7.0).all(), "nothing is written behind the rows");
  out.first = (out.first.array() - 1.0) / 2.0;
  out.moves.resize(k, k);
  for (Index i = 0; i < k; ++i) {
    for (Index j = 0; j < k; ++j) out.moves(i, j) = (moves[i * k + j] - 2.0) / 2.0;
  }
  Matrix again = c.log_density;
  Vector spare = Vector::Zero(k * k + k);
  const double bare = chain.smooth(again, 1.0, nullptr, spare.data(), spare.data() + k, work.data());
  check_near(bare, out.loglik, 1e-14, "with and without row log-likelihoods");

  out.filtered = out.one_step = out.others = Matrix(rows, k);
  Vector row_loglik(rows);
  const double filtered = chain.filter(c.log_density, out.filtered, row_loglik.data(), work.data());
  check_near(filtered, out.loglik, 1e-12, "filter's log-likelihood");
  check_near(row_loglik, out.row_loglik, 1e-11, "filter's row log-likelihoods");
  chain.predict(c.log_density, true, out.one_step, work.data());
  chain.predict(c.log_density, false, out.others, work.data());
  out.entropy = chain.path_entropy(c.log_density, work.data());
  out.path.resize(static_cast<std::size_t>(rows));
  out.best = chain.best_path(c.log_density, out.path.data(), work.data());
  return out;
}

double joint(const Case& c, const std::vector<int>& path) {
  Real sum = 0.0L;
  for (Index t = 0; t < c.rows(); ++t) {
    const Index j = path[static_cast<std::size_t>(t)];
    const double step = t == 0 ? c.initial[j] : c.move(path[static_cast<std::size_t>(t) - 1], j);
    sum += std::log(static_cast<Real>(step)) + static_cast<Real>(c.log_density(t, j));
  }
  return static_cast<double>(sum);
}

// ---- enumeration
// -------------------------------------------------------------------------------------------

// All paths of the first `rows` rows, with row `left_out` (if any) as missing: their log joint probabilities.
struct Paths {
  std::vector<std::vector<int>> path;
  std::vector<Real> log_joint;
  Real log_total;
};

Paths enumerate(const Case& c, Index rows, Index left_out = -1) {
  Case part = c;
  part.log_density = c.log_density.topRows(rows);
  Paths out;
  std::vector<int> path(static_cast<std::size_t>(rows), 0);
  std::vector<Real> logs;
  Real largest = -std::numeric_limits<Real>::infinity();
  for (bool more = true; more;) {
    Real sum = 0.0L;
    for (Index t = 0; t < rows; ++t) {
      const int j = path[static_cast<std::size_t>(t)];
      sum += std::log(
          static_cast<Real>(t == 0 ? c.initial[j] : c.move(path[static_cast<std::size_t>(t) - 1], j)));
      if (t != left_out) sum += static_cast<Real>(c.log_density(t, j));
    }
    out.path.push_back(path);
    out.log_joint.push_back(sum);
    largest = std::max(largest, sum);
    more = false;
    for (std::size_t t = 0; t < path.size() && !more; ++t) {
      more = ++path[t] < c.k();
      if (!more) path[t] = 0;
    }
  }
  Real total = 0.0L;
  for (Real x : out.log_joint) {
    if (std::isfinite(largest)) total += std::exp(x - largest);
  }
  out.log_total = largest + std::log(total);
  if (!std::isfinite(largest)) out.log_total = largest;
  return out;
}

Vector states_of(const Paths& paths, Index t, Index k) {
  Vector out = Vector::Zero(k);
  for (std::size_t p = 0; p < paths.path.size(); ++p) {
    out[paths.path[p][static_cast<std::size_t>(t)]] +=
        static_cast<double>(std::exp(paths.log_joint[p] - paths.log_total));
  }
  return out;
}

void check_enumeration(const Case& c, double tolerance, const std::string& what) {
  const Index k = c.k();
  const Index rows = c.rows();
  const Answer answer = ask(c);
  const Paths all = enumerate(c, rows);
  check_near(answer.loglik, static_cast<double>(all.log_total), tolerance, what + ": log-likelihood");
  if (!std::isfinite(static_cast<double>(all.log_total))) {
    check(answer.loglik == -inf && answer.best == -inf, what + ": an impossible series");
    check(answer.smoothed.allFinite() && answer.moves.allFinite() && answer.filtered.allFinite() &&
              answer.others.allFinite() && std::isfinite(answer.entropy),
          what + ": what comes out of an impossible series is finite");
    check_near(answer.smoothed.rowwise().sum(), Vector::Ones(rows), 1e-12,
               what + ": sums of an impossible series");
    return;
  }
  Matrix smoothed(rows, k), filtered(rows, k), one_step(rows, k), others(rows, k), moves = Matrix::Zero(k, k);
  Real entropy = 0.0L;
  for (std::size_t p = 0; p < all.path.size(); ++p) {
    const Real share = std::exp(all.log_joint[p] - all.log_total);
    if (share > 0.0L) entropy -= share * (all.log_joint[p] - all.log_total);
    for (std::size_t t = 1; t < all.path[p].size(); ++t)
      moves(all.path[p][t - 1], all.path[p][t]) += static_cast<double>(share);
  }
  Real before = 0.0L;
  Vector row_loglik(rows);
  for (Index t = 0; t < rows; ++t) {
    smoothed.row(t) = states_of(all, t, k);
    const Paths up_to = enumerate(c, t + 1);
    filtered.row(t) = states_of(up_to, t, k);
    one_step.row(t) = states_of(enumerate(c, t + 1, t), t, k);
    others.row(t) = states_of(enumerate(c, rows, t), t, k);
    row_loglik[t] = static_cast<double>(up_to.log_total - before);
    before = up_to.log_total;
  }
  check_near(answer.smoothed, smoothed, tolerance, what + ": smoothed");
  check_near(answer.filtered, filtered, tolerance, what + ": filtered");
  check_near(answer.one_step, one_step, tolerance, what + ": one step ahead");
  check_near(answer.others, others, tolerance, what + ": given all others");
  check_near(answer.moves, moves, tolerance, what + ": moves");
  check_near(answer.first, smoothed.row(0).transpose(), tolerance, what + ": first");
  check_near(answer.row_loglik, row_loglik, tolerance, what + ": row log-likelihoods");
  check_near(answer.entropy, static_cast<double>(entropy), tolerance, what + ": entropy");
  const Real best = *std::max_element(all.log_joint.begin(), all.log_joint.end());
  check_near(answer.best, static_cast<double>(best), tolerance, what + ": the best path's probability");
  check_near(joint(c, answer.path), static_cast<double>(best), tolerance, what + ": the best path");
}

// ---- long series in long double
// ----------------------------------------------------------------------------

Real log_sum(const std::vector<Real>& x) {
  const Real largest = *std::max_element(x.begin(), x.end());
  if (!std::isfinite(largest)) return largest;
  Real sum = 0.0L;
  for (Real a : x) sum += std::exp(a - largest);
  return largest + std::log(sum);
}

void check_long(const Case& c, double tolerance, const std::string& what) {
  const Index k = c.k();
  const Index rows = c.rows();
  const auto at = [k](Index t, Index j) { return static_cast<std::size_t>(t * k + j); };
  std::vector<Real> forward(at(rows, 0)), backward(at(rows, 0)), terms(static_cast<std::size_t>(k));
  for (Index t = 0; t < rows; ++t) {
    for (Index j = 0; j < k; ++j) {
      for (Index i = 0; i < k && t > 0; ++i) {
        terms[static_cast<std::size_t>(i)] =
            forward[at(t - 1, i)] + std::log(static_cast<Real>(c.move(i, j)));
      }
      const Real start = t == 0 ? std::log(static_cast<Real>(c.initial[j])) : log_sum(terms);
      forward[at(t, j)] = start + static_cast<Real>(c.log_density(t, j));
    }
  }
  for (Index j = 0; j < k; ++j) backward[at(rows - 1, j)] = 0.0L;
  for (Index t = rows - 1; t > 0; --t) {
    for (Index i = 0; i < k; ++i) {
      for (Index j = 0; j < k; ++j) {
        terms[static_cast<std::size_t>(j)] = std::log(static_cast<Real>(c.move(i, j))) + backward[at(t, j)] +
                                             static_cast<Real>(c.log_density(t, j));
      }
      backward[at(t - 1, i)] = log_sum(terms);
    }
  }
  const std::vector<Real> last(forward.end() - k, forward.end());
  const Real loglik = log_sum(last);
  const Answer answer = ask(c);
  check_near(answer.loglik, static_cast<double>(loglik), 1e-13, what + ": log-likelihood");
  check_near(answer.row_loglik.sum(), static_cast<double>(loglik), 1e-12,
             what + ": sum of row log-likelihoods");
  Matrix smoothed(rows, k), moves = Matrix::Zero(k, k);
  for (Index t = 0; t < rows; ++t) {
    for (Index i = 0; i < k; ++i) {
      smoothed(t, i) = static_cast<double>(std::exp(forward[at(t, i)] + backward[at(t, i)] - loglik));
      for (Index j = 0; j < k && t + 1 < rows; ++j) {
        moves(i, j) += static_cast<double>(
            std::exp(forward[at(t, i)] + std::log(static_cast<Real>(c.move(i, j))) +
                     static_cast<Real>(c.log_density(t + 1, j)) + backward[at(t + 1, j)] - loglik));
      }
    }
  }
  check_near(answer.smoothed, smoothed, tolerance, what + ": smoothed");
  check_near(answer.moves, moves, tolerance, what + ": moves");
  check(answer.best <= answer.loglik + 1e-9 * std::abs(answer.loglik),
        what + ": a path is likelier than all");
  check_near(answer.best, joint(c, answer.path), 1e-12, what + ": the best path's probability");
}

// ---- checks
// ------------------------------------------------------------------------------------------------

void check_small() {
  Draw draw(1);
  for (int round = 0; round < 60; ++round) {
    const Index k = 1 + draw.below(4);
    const Index rows = 1 + draw.below(5);
    const std::string size = "k " + std::to_string(k) + ", " + std::to_string(rows) + " rows";
    check_enumeration(draw.chain(k, rows, 0.0, 1.0), 1e-12, size);
    check_enumeration(draw.chain(k, rows, 0.4, 2.0), 1e-12, size + ", zeros");
    check_enumeration(draw.chain(k, rows, 0.2, 1.0, 0.4, 0.3), 1e-12, size + ", known and missing rows");
    check_enumeration(draw.chain(k, rows, 0.0, 30.0), 1e-11, size + ", far apart");
    check_enumeration(draw.chain(k, rows, 0.3, 400.0), 1e-10, size + ", farther than exp reaches");
  }
  for (Index k = 5; k <= 9; ++k) {
    check_enumeration(draw.chain(k, 3, 0.2, 1.0), 1e-12, "k " + std::to_string(k));
    check_enumeration(draw.chain(k, 1, 0.2, 1.0), 1e-12, "one row, k " + std::to_string(k));
  }
}

void check_large() {
  Draw draw(2);
  for (Index k : {1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 17}) {
    const std::string states = "long, k " + std::to_string(k);
    check_long(draw.chain(k, 700, 0.0, 1.0), 1e-11, states);
    check_long(draw.chain(k, 700, 0.0, 100.0, 0.1, 0.1), 1e-10, states + ", far apart");
    Case zeros = draw.chain(k, 300, 0.3, 300.0);
    zeros.transition.array() += 1e-300;  // every path possible, some hardly
    check_long(zeros, 1e-9, states + ", hardly possible");
  }
}

// Evidence that turns: the state that leads at first has died out below the smallest double when the rows
// begin to favour it, and no transition brings it back. Scaled sums alone would not notice.
void check_turning() {
  for (double gap : {5.0, 200.0, 1e4, 2e8}) {
    for (Index rows : {6, 40, 1000}) {
      Case c;
      c.initial = Vector::Constant(2, 0.5);
      c.transition.resize(4);
      c.transition << 1.0, 0.0, 0.0, 1.0;
      c.log_density = Matrix::Zero(rows, 2);
      for (Index t = 0; t < rows; ++t) c.log_density(t, t < rows / 3 ? 1 : 0) = -gap;
      const double first = -gap * static_cast<double>(rows - rows / 3);
      const double second = -gap * static_cast<double>(rows / 3);
      const std::string what = "turning, gap " + std::to_string(gap) + ", " + std::to_string(rows) + " rows";
      const Answer answer = ask(c);
      check_near(answer.loglik, std::log(0.5) + second + std::log1p(std::exp(first - second)), 1e-14, what);
      check_near(answer.smoothed(0, 1), 1.0 / (1.0 + std::exp(first - second)), 1e-9, what + ": smoothed");
      const double tolerance = 1e-11 + 1e-18 * gap * static_cast<double>(rows);  // of the logs in long double
      check_long(c, tolerance, what);
      c.transition << 0.9, 0.1, 0.0, 1.0;  // left to right
      check_long(c, tolerance, what + ", left to right");
    }
  }
}

void check_extreme() {
  Draw draw(3);
  for (double size : {1e3, 1e6, 2e8}) {
    const Case c = draw.chain(3, 200, 0.0, size);
    check_long(c, 1e-6, "densities of exp(-" + std::to_string(size) + ")");
  }
  // The largest density of a row in a state that can't be reached.
  Case c = draw.chain(2, 50, 0.0, 1.0);
  c.initial << 1.0, 0.0;
  c.transition << 1.0, 0.0, 0.0, 1.0;
  c.log_density.col(0).array() -= 2e8;
  check_long(c, 1e-12, "the only likely state can't be reached");
}

void check_impossible() {
  Draw draw(4);
  Case c = draw.chain(2, 6, 0.0, 1.0);
  c.transition << 1.0, 0.0, 0.0, 1.0;
  c.log_density(1, 0) = c.log_density(4, 1) = -inf;
  check_enumeration(c, 1e-12, "known states that zeros forbid");
  c = draw.chain(3, 6, 0.0, 1.0);
  c.log_density.row(0).setConstant(-inf);
  c.log_density.row(5).setConstant(-inf);
  check_enumeration(c, 1e-12, "rows without density");
  Case missing = c;
  missing.log_density.row(0).setZero();
  missing.log_density.row(5).setZero();
  check_near(ask(c).smoothed, ask(missing).smoothed, 1e-12, "an impossible row counts as missing");
  c.log_density(2, 1) = std::numeric_limits<double>::quiet_NaN();
  Chain chain(c.initial.data(), c.transition.data(), 3);
  Vector work(chain.work_size(6)), sums = Vector::Zero(12);
  const double loglik = chain.smooth(c.log_density, 1.0, nullptr, sums.data(), sums.data() + 3, work.data());
  check(std::isnan(loglik), "NaN stays NaN");
}

void check_ties() {
  Case c;
  c.initial = Vector::Constant(3, 1.0 / 3.0);
  c.transition = Vector::Constant(9, 1.0 / 3.0);
  c.log_density = Matrix::Zero(4, 3);
  check(ask(c).path == std::vector<int>({0, 0, 0, 0}), "ties go to the smaller state");
  check_near(ask(c).entropy, 4.0 * std::log(3.0), 1e-13, "entropy of a path of which nothing is known");
}

// One series on several threads, each with its own work, and beside others.
void check_threads() {
  Draw draw(5);
  const Case c = draw.chain(3, 5000, 0.0, 3.0);
  const Chain chain(c.initial.data(), c.transition.data(), 3);
  std::vector<Matrix> out(3, c.log_density);
  std::vector<Vector> sums(3, Vector::Zero(12));
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      Vector work(chain.work_size(5000));
      chain.smooth(out[i], 1.0, nullptr, sums[i].data(), sums[i].data() + 3, work.data());
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 1; i < 3; ++i) {
    check(out[i] == out[0] && sums[i] == sums[0], "threads: the same bits");
  }
}

// ---- maximisation
// ------------------------------------------------------------------------------------------

void check_simplex() {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double counts[] = {3.0, 5.0, 1.0, 1.0};
  double p[] = {0.25, 0.25, 0.25, 0.25};
  em::maximise_simplex(counts, nullptr, 0.0, 4, p);
  check(p[0] == 0.3 && p[1] == 0.5 && p[2] == 0.1, "counts become proportions");
  const double held[] = {nan, 0.4, 0.0, nan};
  em::maximise_simplex(counts, held, 0.0, 4, p);
  check_near(p[0], 0.45, 1e-15, "free cells share what is left");
  check(p[1] == 0.4 && p[2] == 0.0, "held cells stay");
  check_near(p[3], 0.15, 1e-15, "free cells share what is left");
  const double none[] = {0.0, 0.0, 0.0, 0.0, 1.0, 3.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1e-5, 0.0};
  Vector a = Vector::Constant(16, 0.25);
  em::maximise_transition(none, nullptr, 1e-4, 4, a.data());
  check(a[0] == 0.25 && a[5] == 0.75 && a[6] == 0.0 && a[14] == 0.25, "a state without visits keeps its row");
}

void check_counts() {
  Matrix known = Matrix::Zero(5, 2);  // states 0, 1, 1, 0, 1, weight 2
  const int states[] = {0, 1, 1, 0, 1};
  for (Index t = 0; t < 5; ++t) known(t, states[t]) = 2.0;
  Vector first = Vector::Zero(2), moves = Vector::Zero(4);
  em::count_moves(known, 2.0, first.data(), moves.data());
  check(first[0] == 2.0 && first[1] == 0.0, "first states are counted");
  check(moves[0] == 0.0 && moves[1] == 4.0 && moves[2] == 2.0 && moves[3] == 2.0, "moves are counted");
  em::count_moves(known.topRows(1), 2.0, first.data(), moves.data());
  check(first[0] == 4.0 && moves.sum() == 8.0, "one row has no moves");
}

void check_stationary() {
  Draw draw(6);
  for (int round = 0; round < 50; ++round) {
    const Index k = 1 + draw.below(5);
    Case c = draw.chain(k, 1, 0.0, 1.0);
    Vector delta(k);
    check(em::stationary_distribution(c.transition.data(), k, delta.data()), "a stationary distribution");
    const em::ConstMatrixMap to(c.transition.data(), k, k);
    check_near(to * delta, delta, 1e-14, "a step doesn't change it");

    Vector first(k), moves(k * k), slope(k * k), other(k);
    for (Index j = 0; j < k; ++j) first[j] = 3.0 * draw.uniform();
    for (Index j = 0; j < k * k; ++j) moves[j] = 20.0 * draw.uniform();
    em::stationary_objective(first.data(), moves.data(), c.transition.data(), k, delta.data(), slope.data());
    for (Index i = 0; i < k && k > 1; ++i) {  // from cell (i, 0) to cell (i, 1)
      double value[2];
      for (int side = 0; side < 2; ++side) {
        Vector a = c.transition;
        const double h = (side == 0 ? -1e-5 : 1e-5) * std::min(a[i * k], a[i * k + 1]);
        a[i * k] -= h;
        a[i * k + 1] += h;
        value[side] =
            em::stationary_objective(first.data(), moves.data(), a.data(), k, other.data(), nullptr);
      }
      const double h = 1e-5 * std::min(c.transition[i * k], c.transition[i * k + 1]);
      check_near((value[1] - value[0]) / (2.0 * h), slope[i * k + 1] - slope[i * k], 1e-5,
                 "the stationary slope");
    }

    const double before =
        em::stationary_objective(first.data(), moves.data(), c.transition.data(), k, other.data(), nullptr);
    Vector a = c.transition, initial(k),
           held = Vector::Constant(k * k, std::numeric_limits<double>::quiet_NaN());
    if (k > 2 && round % 2 == 0) held[1] = a[1];
    check(em::maximise_stationary(first.data(), moves.data(), held.data(), 0.0, 100, k, initial.data(),
                                  a.data()),
          "maximised");
    const double after =
        em::stationary_objective(first.data(), moves.data(), a.data(), k, delta.data(), slope.data());
    check(after >= before, "the stationary objective rises");
    check(initial == delta, "initial is stationary");
    for (Index i = 0; i < k; ++i) {
      check_near(a.segment(i * k, k).sum(), 1.0, 1e-13, "rows sum to 1");
      double low = inf, high = -inf;  // at the maximum the slopes of free cells are equal
      for (Index j = 0; j < k; ++j) {
        if (held[i * k + j] == held[i * k + j]) {
          check(a[i * k + j] == c.transition[i * k + j], "a held cell stays");
          continue;
        }
        low = std::min(low, slope[i * k + j]);
        high = std::max(high, slope[i * k + j]);
      }
      check(high - low <= 1e-4 * (1.0 + std::abs(high)), "gradient 0 at the stationary maximum");
    }
    Vector b = c.transition;
    em::maximise_stationary(first.data(), moves.data(), held.data(), 0.0, 1, k, initial.data(), b.data());
    check(em::stationary_objective(first.data(), moves.data(), b.data(), k, other.data(), nullptr) >= before,
          "one step rises too");
  }
  const double apart[] = {1.0, 0.0, 0.0, 1.0};
  double out[] = {7.0, 7.0};
  check(!em::stationary_distribution(apart, 2, out) && out[0] == 7.0, "two closed classes");
  const double absorbing[] = {0.9, 0.1, 0.0, 1.0};
  check(em::stationary_distribution(absorbing, 2, out) && out[0] == 0.0 && out[1] == 1.0,
        "an absorbing state");
  const double rare[] = {1.0, 1e-200, 1e-250, 1.0};
  check(em::stationary_distribution(rare, 2, out), "rare moves");
  check_near(out[0] / out[1], 1e-50, 1e-14, "rare moves");
}

}  // namespace

int main() {
  check_small();
  check_large();
  check_turning();
  check_extreme();
  check_impossible();
  check_ties();
  check_threads();
  check_simplex();
  check_counts();
  check_stationary();
  if (n_failures > 0) {
    std::printf("test_chain: %d checks failed\n", n_failures);
    return 1;
  }
  std::printf("test_chain: passed\n");
  return 0;
}
