#include "latent_markov.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "chain_maximise.h"
#include "chart_fields.h"
#include "knowledge.h"
#include "numerics.h"

namespace em {

namespace {

// Fewer expected visits than this say nothing of where a state leads.
constexpr double least_visits = 1e-200;

constexpr int stationary_steps = 5;

// A thread's own, as long as it lives.
double* workspace(Index size) {
  thread_local std::vector<double> room;
  if (room.size() < static_cast<std::size_t>(size)) room.resize(static_cast<std::size_t>(size));
  return room.data();
}

// Transitions that also say where a series begins.
class StationaryChart : public Chart {
 public:
  StationaryChart(std::unique_ptr<Chart> transitions, Vector& initial, const Matrix& transition)
      : Chart(transitions->scale()),
        transitions_(std::move(transitions)),
        initial_(initial),
        transition_(transition) {}

  void place(ConstVectorRef z) override {
    transitions_->place(z);
    const Matrix to = transition_.transpose();
    stationary_distribution(to.data(), to.rows(), initial_.data());
  }

  void slope(ConstVectorRef statistics, VectorRef g) const override { transitions_->slope(statistics, g); }

 private:
  std::unique_ptr<Chart> transitions_;
  Vector& initial_;
  const Matrix& transition_;
};

}  // namespace

LatentMarkov::LatentMarkov(Vector initial, Matrix transition, Vector held, Beginning beginning)
    : initial_(std::move(initial)),
      transition_(std::move(transition)),
      beginning_(beginning),
      chain_(initial_.data(), transition_.data(), initial_.size()) {
  held_ = std::move(held);
}

Index LatentMarkov::n_free() const {
  const Index k = n_columns();
  Index first = 0;
  for (Index j = 0; j < k; ++j) first += std::isnan(held_[j]);
  Index out = beginning_ == Beginning::free ? std::max<Index>(first - 1, 0) : 0;
  for (Index i = 0; i < k; ++i) {
    Index cells = 0;
    for (Index j = 0; j < k; ++j) cells += std::isnan(held_[k + i + j * k]);
    out += std::max<Index>(cells - 1, 0);
  }
  return out;
}

Fields LatentMarkov::parameters() {
  const Index k = n_columns();
  return {{"initial", Scale::simplex, {{Axis::state, k}}, initial_.data()},
          {"transition", Scale::simplex, {{Axis::state, k}, {Axis::state, k}}, transition_.data()}};
}

std::vector<Rows> LatentMarkov::units() const {
  if (data_.units.size > 0) return data_.units.rows();
  return data_.n > 0 ? std::vector<Rows>{{0, data_.n}} : std::vector<Rows>{};
}

void LatentMarkov::prepare() {
  const Matrix to = transition_.transpose();
  chain_.set(initial_.data(), to.data(), n_columns());
}

double LatentMarkov::posterior(Rows unit, const double* weights, MatrixRef inout, double* row_loglik,
                               VectorRef statistics, ConstBlock /*next*/) const {
  const Index k = n_columns();
  const double weight = weights ? weights[0] : 1.0;
  apply_knowledge(data_, unit, inout);
  const double loglik = chain_.smooth(inout, weight, row_loglik, statistics.data(), statistics.data() + k,
                                      workspace(chain_.work_size(unit.size)));
  return weight == 0.0 ? 0.0 : weight * loglik;
}

void LatentMarkov::accumulate(Rows unit, ConstMatrixRef responsibilities, VectorRef statistics) const {
  const double weight = data_.weight(unit.begin);
  count_moves(responsibilities, weight, statistics.data(), statistics.data() + n_columns());
}

// A row is the first of its series, or somebody came there.
Vector LatentMarkov::counts(ConstVectorRef statistics) const {
  const Index k = n_columns();
  Vector out = ConstVectorMap(statistics.data(), k);
  for (Index i = 0; i < k; ++i) {
    double moves = 0.0;
    for (Index j = 0; j < k; ++j) moves += statistics[k + i + j * k];
    out[i] += moves;
  }
  return out;
}

Vector LatentMarkov::held_transition() const {
  const Index k = n_columns();
  const Matrix to = ConstMatrixMap(held_.data() + k, k, k).transpose();
  return ConstVectorMap(to.data(), k * k);
}

void LatentMarkov::maximise(ConstVectorRef statistics) {
  const Index k = n_columns();
  const double* first = statistics.data();
  const double* moves = first + k;
  const Vector held = held_transition();
  Matrix to = transition_.transpose();
  if (beginning_ == Beginning::free) {
    maximise_simplex(first, held_.data(), least_visits, k, initial_.data());
    maximise_transition(moves, held.data(), least_visits, k, to.data());
  } else {
    maximise_stationary(first, moves, held.data(), least_visits, stationary_steps, k, initial_.data(),
                        to.data());
  }
  transition_ = to.transpose();
}

void LatentMarkov::score(ConstVectorRef statistics, VectorRef slope, VectorRef rows,
                         VectorRef /*information*/) const {
  const Index k = n_columns();
  rows.head(k) = statistics.head(k);
  MatrixMap(&rows[k], k, k) = ConstMatrixMap(statistics.data() + k, k, k).transpose();
  slope = rows;
}

std::unique_ptr<Chart> LatentMarkov::chart(ConstVectorRef statistics) {
  if (beginning_ == Beginning::free) return Latent::chart(statistics);
  const Index k = n_columns();
  const auto score = [this, k](ConstVectorRef sums, VectorRef slope, VectorRef rows,
                               VectorRef /*information*/) {
    const Matrix to = transition_.transpose();
    Vector delta(k);
    Vector slopes = Vector::Zero(k * k);
    stationary_objective(sums.data(), sums.data() + k, to.data(), k, delta.data(), slopes.data());
    slopes.array() *= ConstArrayMap(to.data(), k * k);
    MatrixMap(&rows[0], k, k) = ConstMatrixMap(sums.data() + k, k, k).transpose();
    MatrixMap(&slope[0], k, k) = ConstMatrixMap(slopes.data(), k, k).transpose();
  };
  auto transitions = make_field_chart({parameters()[1]}, held_.tail(k * k), statistics, score);
  return std::make_unique<StationaryChart>(std::move(transitions), initial_, transition_);
}

void LatentMarkov::decode(Rows unit, Decoding want, MatrixRef inout) const {
  apply_knowledge(data_, unit, inout);
  double* work = workspace(chain_.work_size(unit.size));
  if (want == Decoding::filtered) {
    const Matrix log_density = inout;
    chain_.filter(log_density, inout, nullptr, work);
    return;
  }
  std::vector<int> path(static_cast<std::size_t>(unit.size));
  chain_.best_path(inout, path.data(), work);
  inout.setZero();
  for (Index t = 0; t < unit.size; ++t) inout(t, path[static_cast<std::size_t>(t)]) = 1.0;
}

std::unique_ptr<Latent> LatentMarkov::clone() const { return std::make_unique<LatentMarkov>(*this); }

}  // namespace em
