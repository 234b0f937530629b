#include "draws.h"

#include <algorithm>

#include "judge.h"

namespace em {

void Draws::keep(const Model& model, double loglik, const Control& control, Fit& fit) {
  Vector now(model.n_parameters());
  pack(model.fields(), now);
  if (fit.best_iteration < 0 || loglik > loglik_) {
    loglik_ = loglik;
    best_ = now;
    fit.best_iteration = fit.iterations;
  }
  if (2 * fit.iterations < control.max_iter) return;
  if (fit.average.size() == 0) fit.average = Vector::Zero(now.size());
  fit.average += (now - fit.average) / static_cast<double>(++averaged_);
}

Index Draws::first_too_few(const Model& model, double row_weight) {
  const Vector counts = model.counts();
  for (Index j = 0; j < model.n_components(); ++j) {
    if (counts[j] < std::max(model.family().rows_needed(j), least_rows) * row_weight) return j;
  }
  return -1;
}

}  // namespace em
