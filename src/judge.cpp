#include "judge.h"

namespace em {

std::vector<Index> find_coincident(const Family& family, double nearest) {
  std::vector<Index> out;
  for (Index a = 0; a < family.n_components(); ++a) {
    for (Index b = a + 1; b < family.n_components(); ++b) {
      const double here = family.distance(a, b, nearest);
      if (here >= nearest) continue;
      nearest = here;
      out = {a, b};
    }
  }
  return out;
}

void judge(const Model& model, double row_weight, Fit& fit) {
  const Family& family = model.family();
  for (Index j = 0; j < model.n_components(); ++j) {
    const bool sound = fit.counts[j] >= family.rows_needed(j) * row_weight && fit.relative_spread[j] > 0.0;
    if (!sound || j == fit.component) fit.degenerate.push_back(j);
  }
  fit.coincident = find_coincident(family, coincident);
  const double fewest = fit.counts.head(model.n_components()).minCoeff();
  fit.rank = fit.degenerate.empty() ? 3 : 2;
  const bool flat = !(fit.relative_spread.minCoeff() > 0.0);
  if (fit.status == Status::collapsed || flat || !fit.coincident.empty() ||
      fewest < least_rows * row_weight) {
    fit.rank = 1;
  }
}

}  // namespace em
