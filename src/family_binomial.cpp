#include "family_binomial.h"

#include <cmath>

#include "numerics.h"

namespace em {

namespace {

std::shared_ptr<const Vector> log_coefficients(Index n, const double* successes, const double* trials) {
  auto out = std::make_shared<Vector>(n);
  for (Index i = 0; i < n; ++i) (*out)[i] = log_choose(trials[i], successes[i]);
  return out;
}

}  // namespace

FamilyBinomial::FamilyBinomial(Index n_rows, const double* successes, const double* trials, Index k)
    : n_(n_rows),
      successes_(successes),
      trials_(trials),
      log_choose_(log_coefficients(n_rows, successes, trials)),
      prob_(Vector::Constant(k, 0.5)),
      log_prob_(k),
      log_complement_(k) {}

Index FamilyBinomial::describe(const double* /*weights*/) { return -1; }

Index FamilyBinomial::prepare(Accuracy /*accuracy*/) {
  log_prob_ = prob_.array().log();
  for (Index j = 0; j < prob_.size(); ++j) log_complement_[j] = std::log1p(-prob_[j]);
  return -1;
}

void FamilyBinomial::pack(Rows /*rows*/, double* /*work*/) const {}

void FamilyBinomial::log_density(Rows rows, double* /*work*/, MatrixRef out) const {
  for (Index j = 0; j < n_components(); ++j) {
    for (Index i = 0; i < rows.size; ++i) {
      const double successes = successes_[rows.begin + i];
      const double failures = trials_[rows.begin + i] - successes;
      double sum = (*log_choose_)[rows.begin + i];
      if (successes > 0.0) sum += successes * log_prob_[j];
      if (failures > 0.0) sum += failures * log_complement_[j];
      out(i, j) = sum;
    }
  }
}

void FamilyBinomial::accumulate(Rows rows, double* /*work*/, ConstMatrixRef responsibilities,
                                VectorRef statistics) const {
  const Index k = n_components();
  const ConstVectorMap successes(successes_ + rows.begin, rows.size);
  const ConstVectorMap trials(trials_ + rows.begin, rows.size);
  for (Index j = 0; j < k; ++j) {
    statistics[j] += responsibilities.col(j).dot(successes);
    statistics[k + j] += responsibilities.col(j).dot(trials);
  }
}

void FamilyBinomial::maximise(ConstVectorRef statistics, Step /*step*/) {
  const Index k = n_components();
  for (Index j = 0; j < k; ++j) {
    const double trials = statistics[k + j];
    // A component without trials keeps its probability: nothing speaks for another.
    if (trials > 0.0) prob_[j] = std::min(1.0, statistics[j] / trials);
  }
}

Fields FamilyBinomial::parameters() { return {{"prob", Scale::logit, {prob_.size()}, prob_.data()}}; }

std::unique_ptr<Chart> FamilyBinomial::chart(ConstVectorRef statistics) {
  return make_logit_chart(prob_.data(), statistics, prob_.size());
}

void FamilyBinomial::features(Rows rows, MatrixRef out) const {
  for (Index i = 0; i < rows.size; ++i) {
    const double trials = trials_[rows.begin + i];
    out(i, 0) = trials > 0.0 ? successes_[rows.begin + i] / trials : 0.5;
  }
}

void FamilyBinomial::start_at(const std::vector<Index>& rows) {
  // Half a success and half a failure more keep a start off the boundary, where a probability would stay.
  for (Index j = 0; j < n_components(); ++j) {
    const Index row = rows[static_cast<std::size_t>(j)];
    prob_[j] = (successes_[row] + 0.5) / (trials_[row] + 1.0);
  }
}

std::unique_ptr<Family> FamilyBinomial::clone() const { return std::make_unique<FamilyBinomial>(*this); }

}  // namespace em
