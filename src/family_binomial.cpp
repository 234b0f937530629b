#include "family_binomial.h"

#include <algorithm>
#include <cmath>

#include "blocks.h"
#include "numerics.h"

namespace em {

namespace {

// For log 0, so that 0 times it is 0.
constexpr double log_zero = -1e300;

// With so many trials in a row, Form::linear is wrong by less than 1e-10 (fast), or by no more than the last
// digits of what is reported (exact).
constexpr double most_trials_fast = 1e5;
constexpr double most_trials_exact = 100.0;

}  // namespace

std::shared_ptr<const FamilyBinomial::Constants> FamilyBinomial::constants_of(const Data& data) {
  auto out = std::make_shared<Constants>();
  const double* successes = data.x;
  const double* trials = data.x + data.n;
  for (Index i = 0; i < data.n; ++i) out->most_trials = std::max(out->most_trials, trials[i]);
  out->log_choose.resize(data.n);
  for (Index i = 0; i < data.n; ++i) out->log_choose[i] = log_choose(trials[i], successes[i]);
  if (out->most_trials <= most_trials_exact) return out;
  out->scale.resize(data.n);
  for (Index i = 0; i < data.n; ++i) out->scale[i] = log_binomial_scale(trials[i], successes[i]);
  return out;
}

FamilyBinomial::FamilyBinomial(Index k)
    : Family(k), prob_(Vector::Constant(k, 0.5)), theta_(3, k), zero_(Vector::Zero(k)) {}

void FamilyBinomial::bind(const Data& data) {
  Family::bind(data);
  constants_ = constants_of(data);
}

Index FamilyBinomial::n_workspace(Index block_rows) const {
  return 3 * static_cast<Index>(block_stride(size_of(block_rows))) + 2 * n_components();
}

// Of counts with the mean number of trials. 1 - sum sqrt(f_a f_b) of one trial is half the sum of these
// squares.
double FamilyBinomial::distance(Index a, Index b, double /*enough*/) const {
  const auto squared_gap = [](double p, double q) {
    const double gap = p == q ? 0.0 : (p - q) / (std::sqrt(p) + std::sqrt(q));
    return gap * gap;
  };
  const double apart = 0.5 * (squared_gap(prob_[a], prob_[b]) + squared_gap(1.0 - prob_[a], 1.0 - prob_[b]));
  return -mean_trials_ * std::log1p(-std::min(apart, 1.0));
}

Index FamilyBinomial::describe() {
  double rows = 0.0;
  double sum = 0.0;
  for (Index i = 0; i < data_.n; ++i) {
    if (!(trials(i) > 0.0)) continue;
    rows += data_.weight(i);
    sum += data_.weight(i) * trials(i);
  }
  if (rows > 0.0) mean_trials_ = sum / rows;
  return -1;
}

FamilyBinomial::Form FamilyBinomial::form_for(Accuracy accuracy) const {
  const double most = accuracy == Accuracy::fast ? most_trials_fast : most_trials_exact;
  return constants_->most_trials > most ? Form::saddle : Form::linear;
}

Index FamilyBinomial::prepare(Accuracy accuracy) {
  form_ = form_for(accuracy);
  for (Index j = 0; j < n_components(); ++j) {
    theta_(0, j) = std::max(std::log(prob_[j]), log_zero);
    theta_(1, j) = std::max(std::log1p(-prob_[j]), log_zero);
    theta_(2, j) = 1.0;
  }
  return -1;
}

// Columns: successes, failures, and log choose(trials, successes) or log_binomial_scale().
void FamilyBinomial::pack(Rows rows, double* work) const {
  const Vector& constant = form_ == Form::linear ? constants_->log_choose : constants_->scale;
  const std::size_t stride = block_stride(size_of(rows.size));
  const std::size_t padded = padded_rows(size_of(rows.size));
  for (std::size_t i = 0; i < padded; ++i) {
    const Index row = rows.begin + static_cast<Index>(i);
    const bool there = row < rows.end();
    work[i] = there ? successes(row) : 0.0;
    work[i + stride] = there ? trials(row) - successes(row) : 0.0;
    work[i + 2 * stride] = there ? constant[row] : 0.0;
  }
}

void FamilyBinomial::log_density(Rows rows, double* work, MatrixRef out) const {
  const std::size_t size = size_of(rows.size);
  if (form_ == Form::saddle) return log_density_of_each(rows.size, work, out);
  kernels().linear_density({work, size, 3, block_stride(size)}, zero_.data(), theta_.data(), block_of(out));
  kernels().drop_below(block_of(out), 0.9 * log_zero);
}

void FamilyBinomial::log_density_of_each(Index size, const double* work, MatrixRef out) const {
  const std::size_t stride = block_stride(size_of(size));
  const double* failures = work + stride;
  const double* scale = failures + stride;
  const std::size_t padded = padded_rows(size_of(size));
  for (Index j = 0; j < n_components(); ++j) {
    double* column = &out(0, j);
    for (std::size_t i = 0; i < padded; ++i) {
      column[i] = log_binomial(work[i] + failures[i], work[i], prob_[j], scale[i]);
    }
  }
}

void FamilyBinomial::accumulate(Rows rows, double* work, ConstMatrixRef responsibilities,
                                VectorRef statistics) const {
  const std::size_t size = size_of(rows.size);
  const Index k = n_components();
  double* sums = work + 3 * block_stride(size);
  std::fill(sums, sums + 2 * k, 0.0);
  kernels().linear_sums({work, size, 2, block_stride(size)}, block_of(responsibilities), sums, 2);
  for (Index j = 0; j < k; ++j) {
    statistics[j] += sums[2 * j];
    statistics[k + j] += sums[2 * j] + sums[2 * j + 1];
  }
}

void FamilyBinomial::maximise(ConstVectorRef statistics, Step /*step*/) {
  const Index k = n_components();
  for (Index j = 0; j < k; ++j) {
    const double trials = statistics[k + j];
    // A component without trials keeps its probability: nothing speaks for another.
    if (trials > 0.0) prob_[j] = std::min(1.0, statistics[j] / trials);
  }
  restore_held();
}

Fields FamilyBinomial::parameters() {
  return {{"prob", Scale::unit, {{Axis::component, prob_.size()}}, prob_.data()}};
}

void FamilyBinomial::score(ConstVectorRef statistics, VectorRef slope, VectorRef rows,
                           VectorRef /*information*/) const {
  rows = statistics.tail(k_);
  slope = statistics.head(k_) - rows.cwiseProduct(prob_);
}

void FamilyBinomial::features(Rows rows, MatrixRef out) const {
  for (Index i = 0; i < rows.size; ++i) {
    const double m = trials(rows.begin + i);
    out(i, 0) = m > 0.0 ? successes(rows.begin + i) / m : 0.5;
  }
}

void FamilyBinomial::start_at(const std::vector<Index>& rows) {
  // Half a success and half a failure more keep a start off the boundary, where a probability would stay.
  for (Index j = 0; j < n_components(); ++j) {
    const Index row = rows[static_cast<std::size_t>(j)];
    prob_[j] = (successes(row) + 0.5) / (trials(row) + 1.0);
  }
  restore_held();
}

std::unique_ptr<Family> FamilyBinomial::clone() const { return std::make_unique<FamilyBinomial>(*this); }

}  // namespace em
