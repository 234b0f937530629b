#include "saddle.h"

#include <algorithm>

#include "dense.h"

namespace em {

namespace {

constexpr Index most_axes = 4;
constexpr int most_iterations = 20;  // of EM, from each cut

class Cuts {
 public:
  Cuts(Model& model, Index a, Index b, int threads, Interrupt& interrupt)
      : a_(a), b_(b), responsibilities_(model.n_rows(), model.n_columns()) {
    model.report(responsibilities_.data(), nullptr, nullptr, threads, interrupt);
    shared_ = responsibilities_.col(a);
    for (Index i = 0; i < shared_.size(); ++i) {
      shared_[i] += responsibilities_(i, b);
      const double of_a = responsibilities_(i, a);
      if (of_a == 0.0 || of_a == shared_[i]) shared_[i] = 0.0;  // known, or of neither
    }
    project(model);
  }

  Index size() const { return std::min(most_axes, static_cast<Index>(scores_.cols())); }

  // The rows on either side of their mean along an axis, the longest first.
  const Matrix& across(Index axis) {
    const double* along = scores_.data() + (scores_.cols() - 1 - axis) * scores_.rows();
    for (Index i = 0; i < shared_.size(); ++i) {
      if (shared_[i] == 0.0) continue;
      responsibilities_(i, a_) = along[i] > 0.0 ? shared_[i] : 0.0;
      responsibilities_(i, b_) = along[i] > 0.0 ? 0.0 : shared_[i];
    }
    return responsibilities_;
  }

 private:
  // What the rows are along the principal axes of those that are shared.
  void project(Model& model) {
    const Family& family = model.family();
    const Index n = model.n_rows();
    Matrix x(n, family.n_features());
    family.features({0, n}, x);
    for (Index u = 0; u < model.n_units() && model.n_units() < n; ++u) {
      const Rows rows = model.unit(u);
      for (Index j = 0; j < x.cols(); ++j) {
        VectorMap own(x.data() + j * n + rows.begin, rows.size);
        const double mean = sum(own) / static_cast<double>(rows.size);
        std::fill_n(own.data(), rows.size, mean);
      }
    }
    Vector weights = shared_;
    for (Index i = 0; model.data().weights && i < n; ++i) weights[i] *= model.data().weights[i];
    const double total = sum(weights);
    if (!(total > 0.0)) return;
    const Vector means = transposed_times(x, weights);
    for (Index j = 0; j < x.cols(); ++j) {
      const double mean = means[j] / total;
      for (Index i = 0; i < n; ++i) x(i, j) -= mean;
    }
    Matrix weighted = x;
    for (Index j = 0; j < x.cols(); ++j) {
      for (Index i = 0; i < n; ++i) weighted(i, j) *= weights[i];
    }
    scores_ = product(x, symmetric_eigen(cross_product(x, weighted)).vectors);
  }

  Index a_;
  Index b_;
  Matrix responsibilities_;
  Vector shared_;  // what rows have of both
  Matrix scores_;
};

bool has_rows(const Model& model, Family& family, double row_weight) {
  const Vector counts = model.counts();
  for (Index j = 0; j < model.n_components(); ++j) {
    if (!(counts[j] >= std::max(1.0, family.rows_needed(j)) * row_weight)) return false;
  }
  return true;
}

}  // namespace

Departure leave_saddle(Model& model, Index a, Index b, double above, double row_weight, int threads,
                       Interrupt& interrupt) {
  Departure out;
  Vector before(model.n_parameters());
  pack(model.fields(), before);
  const Vector statistics = model.statistics();
  Cuts cuts(model, a, b, threads, interrupt);
  ++out.passes;
  for (Index axis = 0; axis < cuts.size() && !interrupt.raised(); ++axis) {
    const Matrix& cut = cuts.across(axis);
    model.maximise_from({cut.data(), nullptr}, Step::em, threads, interrupt);
    double last = -std::numeric_limits<double>::infinity();
    for (int i = 0; i < most_iterations && !interrupt.raised(); ++i) {
      if (i > 0) model.maximise(Step::em);
      if (model.prepare(Accuracy::exact) >= 0) break;
      const double loglik = model.objective(threads, interrupt);
      ++out.passes;
      if (interrupt.raised() || !has_rows(model, model.family(), row_weight)) break;
      if (loglik > above) {
        out.found = true;
        out.loglik = loglik;
        return out;
      }
      // It falls back to where it came from.
      if (i > 4 && above - loglik > most_iterations * (loglik - last)) break;
      last = loglik;
    }
    unpack(before, model.fields());
    model.prepare(Accuracy::fast);
  }
  model.set_statistics(statistics);
  return out;
}

}  // namespace em
