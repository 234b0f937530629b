#include "engine.h"

#include <cmath>
#include <limits>
#include <memory>

namespace em {

namespace {

// Below this change, relative to 1 + |loglik|, two log-likelihoods are the same number in double precision.
constexpr double same_loglik = 1e-13;
// A fall beyond this, relative to 1 + |loglik|, is no rounding error.
constexpr double fall = 1e-10;

constexpr double inf = std::numeric_limits<double>::infinity();

// The gain still to come if gains go on shrinking at the present rate.
double remaining_gain(double gain, double previous) {
  const double rate = gain / previous;
  return rate >= 0.0 && rate < 1.0 ? gain * rate / (1.0 - rate) : inf;
}

// The largest absolute change of a parameter other than the proportions.
double largest_change(const Fields& fields, ConstVectorRef before) {
  double largest = 0.0;
  Index at = 0;
  for (const Field& field : fields) {
    if (field.scale != Scale::simplex) {
      const ConstArrayMap now(field.data, field.size());
      largest = std::max(largest, (now - before.segment(at, field.size()).array()).abs().maxCoeff());
    }
    at += field.size();
  }
  return largest;
}

class Recorder {
 public:
  Recorder(Model& model, const Control& control, Fit& fit) : model_(model), control_(control), fit_(fit) {}

  void record(double loglik) {
    fit_.loglik = loglik;
    fit_.trace.push_back(loglik);
    exact_ = model_.is_exact();
    if (!control_.path) return;
    fit_.path.emplace_back(model_.n_parameters());
    pack(model_.fields(), fit_.path.back());
  }

  // Puts the exact log-likelihood in the place of the last one, where that was not.
  void settle(Interrupt& interrupt) {
    if (exact_ || interrupt.raised() || model_.prepare(Accuracy::exact) >= 0) return;
    const double loglik = model_.expect(control_.threads, interrupt);
    if (interrupt.raised()) return;
    fit_.loglik = fit_.trace.back() = loglik;
  }

 private:
  Model& model_;
  const Control& control_;
  Fit& fit_;
  bool exact_ = true;
};

bool has_converged(const Fit& fit, const Control& control, const Fields& fields, ConstVectorRef before) {
  if (control.tol <= 0.0) return false;
  if (control.stop == Stop::parameters) return largest_change(fields, before) < control.tol;
  if (std::abs(fit.gain) <= same_loglik * (control.unit + std::abs(fit.loglik))) return true;
  const double tol = control.tol * control.unit;
  return std::abs(fit.gain) < tol && fit.remaining < tol;
}

void close(Model& model, Fit& fit) {
  fit.parameters.resize(model.n_parameters());
  pack(model.fields(), fit.parameters);
  fit.relative_spread = model.family().relative_spread();
  fit.counts = model.statistics().tail(model.n_columns());
}

}  // namespace

Fit run(Model& model, const Control& control, Interrupt& interrupt) {
  Fit fit;
  Recorder recorder(model, control, fit);
  // The last iteration is known to be it where it is the last that is allowed.
  const auto accuracy = [&] {
    return static_cast<int>(fit.trace.size()) < control.max_iter ? Accuracy::fast : Accuracy::exact;
  };
  fit.start.resize(model.n_parameters());
  pack(model.fields(), fit.start);
  fit.component = model.prepare(accuracy());
  if (fit.component >= 0) {
    fit.status = Status::bad_start;
    fit.loglik = -inf;
    return fit;
  }
  recorder.record(model.expect(control.threads, interrupt));

  Vector before(model.n_parameters());
  fit.gain = inf;
  fit.remaining = inf;
  while (fit.iterations < control.max_iter && !interrupt.raised()) {
    pack(model.fields(), before);
    model.maximise(control.step);
    fit.component = model.prepare(accuracy());
    if (fit.component >= 0) {
      fit.status = Status::collapsed;
      unpack(before, model.fields());
      model.prepare(Accuracy::fast);
      break;
    }
    const double loglik = model.expect(control.threads, interrupt);
    if (interrupt.raised()) break;
    const double gain = loglik - fit.loglik;
    fit.remaining = remaining_gain(gain, fit.gain);
    fit.gain = gain;
    ++fit.iterations;
    recorder.record(loglik);
    if (gain < -fall * (control.unit + std::abs(loglik))) {
      fit.status = Status::not_monotone;
      break;
    }
    if (has_converged(fit, control, model.fields(), before)) {
      fit.status = Status::converged;
      break;
    }
  }
  recorder.settle(interrupt);
  if (interrupt.raised()) fit.status = Status::interrupted;
  close(model, fit);
  return fit;
}

Fit run_from(Model& model, const Start& start, const Control& control, Interrupt& interrupt) {
  const Index n = model.n_rows();
  const Index k = model.n_columns();
  const Step step = start.forgiving ? Step::start : Step::em;
  if (start.responsibilities) {
    model.maximise_from(ConstMatrixMap(start.responsibilities, n, k), step, control.threads, interrupt);
  } else if (start.partition) {
    Matrix responsibilities = Matrix::Zero(n, k);
    for (Index i = 0; i < n; ++i) responsibilities(i, start.partition[i] - 1) = 1.0;
    model.maximise_from(responsibilities, step, control.threads, interrupt);
  } else {
    unpack(start.parameters, model.fields());
  }
  return run(model, control, interrupt);
}

std::vector<Fit> run_all(const Model& model, const std::vector<Start>& starts, const Control& control,
                         Interrupt& interrupt) {
  std::vector<Fit> fits(starts.size());
  const bool spread = starts.size() > 1 && control.threads > 1;
  Control each = control;
  if (spread) each.threads = 1;
  parallel_for(static_cast<Index>(starts.size()), spread ? control.threads : 1, interrupt, [&](Index i, int) {
    if (interrupt.raised()) return;
    const std::unique_ptr<Model> own = model.clone();
    const auto at = static_cast<std::size_t>(i);
    fits[at] = run_from(*own, starts[at], each, interrupt);
  });
  return fits;
}

}  // namespace em
