#include "clarity.h"

#include <algorithm>
#include <cmath>

namespace em {

Clarity measure_clarity(Model& model, int threads, Interrupt& interrupt) {
  Clarity out;
  const Index n = model.n_rows();
  const Index k = model.n_columns();
  Matrix r(n, k);
  model.prepare(Accuracy::exact);
  model.report(r.data(), nullptr, nullptr, threads, interrupt);

  Vector top = Vector::Zero(k);
  Vector put = Vector::Zero(k);
  double disorder = 0.0;
  double total = 0.0;
  for (Index i = 0; i < n; ++i) {
    const double weight = model.data().weight(i);
    if (!(weight > 0.0)) continue;
    Index first = 0;
    const double largest = r.row(i).maxCoeff(&first);
    for (Index j = 0; j < k; ++j) {
      if (r(i, j) > 0.0 && r(i, j) < 1.0) disorder -= weight * r(i, j) * std::log(r(i, j));
    }
    out.log_top += weight * std::log(largest);
    top[first] += weight * largest;
    put[first] += weight;
    total += weight;
  }
  if (k > 1) out.entropy = 1.0 - disorder / (total * std::log(static_cast<double>(k)));
  for (Index j = 0; j < k; ++j) {
    if (put[j] > 0.0) out.least = std::min(out.least, top[j] / put[j]);
  }
  return out;
}

}  // namespace em
