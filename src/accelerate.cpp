#include "accelerate.h"

#include <algorithm>
#include <cmath>

namespace em {

namespace {

constexpr int least_plain = 10;
constexpr double slow_rate = 0.5;
constexpr double settled = 0.1;
constexpr double little = 0.003;  // of log-likelihood to come, for each row

constexpr std::size_t most_pairs = 50;

// Information is less than that of complete data; in directions that no step has met, about as much less as
// in the last one that was. It is not taken to be less than a third.
constexpr double most_stretch = 3.0;

// A step must gain this part of what the gradient promises, and may be shortened so many times.
constexpr double armijo = 1e-4;
constexpr int most_trials = 5;

// No coordinate moves by more than this in one step, in natural units.
constexpr double longest_step = 1.0;

// The first pairs are trusted within this distance from where they began, in natural units; those after them
// within a larger one, as the way turns out to be smooth.
constexpr double first_reach = 0.07;
constexpr double wider = 1.8;
constexpr double last_reach = 1.0;

// What a gradient promises is lost in rounding below this part of Model::size_of_sum().
constexpr double rounding = 1e-14;

}  // namespace

void Pace::add(double gain) {
  const double rate = gain / gain_;
  drift_ = std::abs(rate - rate_);
  rate_ = rate;
  gain_ = gain;
  ++iterations_;
  remaining_ =
      rate >= 0.0 && rate < 1.0 ? gain * rate / (1.0 - rate) : std::numeric_limits<double>::infinity();
}

bool Pace::is_slow(double rows) const {
  return iterations_ >= least_plain && drift_ < settled && rate_ > slow_rate && remaining_ < little * rows;
}

Accelerator::Accelerator(Model& model, int threads, Interrupt& interrupt)
    : model_(model), threads_(threads), interrupt_(interrupt), reach_(first_reach) {}

void Accelerator::begin() {
  chart_ = model_.chart();
  pairs_.clear();
  pairs_.reserve(most_pairs);
  weights_.resize(most_pairs);
  at_.setZero(chart_->size());
  gradient_.resize(chart_->size());
  gradient_to_.resize(chart_->size());
  parameters_.resize(model_.n_parameters());
  chart_->gradient(model_.statistics(), gradient_);
}

// Beyond reach a new chart, without pairs: its first step is again about one of EM's.
void Accelerator::keep_near() {
  if (chart_ && at_.cwiseProduct(chart_->scale()).lpNorm<Eigen::Infinity>() > reach_) {
    chart_.reset();
    reach_ = std::min(wider * reach_, last_reach);
  }
}

// The two loops of L-BFGS. They begin at the identity, the inverse information of complete data, stretched.
void Accelerator::direct() {
  direction_ = gradient_;
  for (std::size_t i = pairs_.size(); i-- > 0;) {
    weights_[i] = pairs_[i].step.dot(direction_) / pairs_[i].product;
    direction_ -= weights_[i] * pairs_[i].bend;
  }
  if (!pairs_.empty()) {
    const Pair& last = pairs_.back();
    direction_ *= std::clamp(last.product / last.bend.squaredNorm(), 1.0, most_stretch);
  }
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    const double correction = weights_[i] - pairs_[i].bend.dot(direction_) / pairs_[i].product;
    direction_ += correction * pairs_[i].step;
  }
}

bool Accelerator::step(Accuracy accuracy, double& loglik) {
  keep_near();
  if (!chart_) begin();
  if (chart_->size() == 0) return false;
  pack(model_.fields(), parameters_);
  statistics_ = model_.statistics();
  direct();
  const double longest = direction_.cwiseProduct(chart_->scale()).lpNorm<Eigen::Infinity>();
  if (longest > longest_step) direction_ *= longest_step / longest;

  const double slope = gradient_.dot(direction_);
  const double lost = rounding * model_.size_of_sum();
  double length = 1.0;
  for (int trial = 0; trial < most_trials && slope > lost; ++trial) {
    double reached = loglik;
    const bool exists = try_step(length, accuracy, reached);
    if (interrupt_.raised()) break;
    const double gain = reached - loglik;
    if (exists && gain >= armijo * length * slope) {
      accept();
      loglik = reached;
      return true;
    }
    // To the top of the parabola through what is known, within bounds.
    const double bow = length * slope - gain;
    length *= exists && bow > 0.0 ? std::clamp(0.5 * length * slope / bow, 0.1, 0.5) : 0.25;
  }
  unpack(parameters_, model_.fields());
  model_.set_statistics(statistics_);
  return false;
}

// The E-step so far along the direction; false where a density does not exist there.
bool Accelerator::try_step(double length, Accuracy accuracy, double& loglik) {
  to_ = at_ + length * direction_;
  chart_->move_to(to_);
  if (model_.prepare(accuracy) >= 0) return false;
  loglik = model_.objective(threads_, interrupt_);
  ++passes_;
  return std::isfinite(loglik);
}

void Accelerator::accept() {
  chart_->gradient(model_.statistics(), gradient_to_);
  if (pairs_.size() == most_pairs) {
    std::rotate(pairs_.begin(), pairs_.begin() + 1, pairs_.end());
  } else {
    pairs_.emplace_back();
  }
  Pair& pair = pairs_.back();
  pair.step = to_ - at_;
  pair.bend = gradient_ - gradient_to_;
  pair.product = pair.step.dot(pair.bend);
  // Where the gradient grew, the information has no inverse to learn.
  const double least = std::numeric_limits<double>::epsilon() * pair.step.norm() * pair.bend.norm();
  if (!(pair.product > least)) pairs_.pop_back();
  at_.swap(to_);
  gradient_.swap(gradient_to_);
  estimate_remaining();
}

void Accelerator::estimate_remaining() {
  direct();
  double information = 1.0;  // as a part of that of complete data
  for (const Pair& pair : pairs_) {
    information = std::min(information, pair.product / pair.step.squaredNorm());
  }
  remaining_ = 0.5 * std::max(gradient_.dot(direction_), gradient_.squaredNorm() / information);
}

}  // namespace em
