#include "engine.h"

#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include "accelerate.h"
#include "draws.h"
#include "judge.h"
#include "saddle.h"

namespace em {

namespace {

// Relative to Model::size_of_sum(): a change that is none in double precision, and a fall beyond rounding.
constexpr double same_loglik = 16.0 * std::numeric_limits<double>::epsilon();
constexpr double fall = 1e-10;

// What an accelerated step says is left speaks of directions that were met; there may be others.
constexpr double caution = 100.0;
// Off a saddle two components may be as far apart as this; and so near they are the same.
constexpr double coming_apart = 0.5 * 0.5 / 8.0;
constexpr double identical = 1e-14;
// A run that creeps away from such a point is helped off it: asked after 32, 64, 128, ... iterations.
constexpr int first_look = 32;
constexpr int most_departures = 3;
constexpr double inf = std::numeric_limits<double>::infinity();

// The largest absolute change of a parameter of the family.
double largest_change(const Model& model, ConstVectorRef before) {
  double largest = 0.0;
  Index at = model.n_parameters() - packed_size(model.family_fields());
  for (const Field& field : model.family_fields()) {
    const ConstArrayMap now(field.data, field.size());
    largest = std::max(largest, (now - before.segment(at, field.size()).array()).abs().maxCoeff());
    at += field.size();
  }
  return largest;
}

void place_at(const Start& start, Model& model, int threads, Interrupt& interrupt) {
  if (start.responsibilities || start.partition) {
    const Step step = start.may_borrow ? Step::start : Step::em;
    model.maximise_from({start.responsibilities, start.partition}, step, threads, interrupt);
  } else {
    unpack(start.parameters, model.fields());
  }
}

}  // namespace

// One run, from the model's present parameters.
class Run {
 public:
  Run(Model& model, const Control& control, Interrupt& interrupt, std::uint64_t seed)
      : model_(model),
        control_(control),
        interrupt_(interrupt),
        rows_(model.total_weight()),
        accelerator_(model, control.threads, interrupt),
        seed_(seed),
        before_(model.n_parameters()) {}

  const Fit& so_far() const { return fit_; }
  bool has_ended() const { return ended_; }

  // Until so many iterations were made, or the run has ended.
  void advance(int iterations) {
    if (fit_.trace.empty() && !ended_) ended_ = !score_start();
    while (!ended_ && fit_.iterations < std::min(iterations, control_.max_iter)) {
      ended_ = !iterate() || fit_.status != Status::max_iter;
    }
    ended_ = ended_ || fit_.iterations >= control_.max_iter;
  }

  Fit close() {
    if (fit_.status == Status::bad_start) return std::move(fit_);
    if (draws() && fit_.best_iteration >= 0) go_to_best();
    if (ended_) {
      settle();
    } else {
      fit_.status = Status::stopped_early;
    }
    if (interrupt_.raised()) fit_.status = Status::interrupted;
    describe();
    tell_classes();
    model_.set_assigner({});
    return std::move(fit_);
  }

 private:
  // The last iteration is known to be it where it is the last that is allowed.
  Accuracy accuracy() const {
    return static_cast<int>(fit_.trace.size()) < control_.max_iter ? Accuracy::fast : Accuracy::exact;
  }

  bool draws() const { return control_.assignment == Assignment::drawn; }

  double expect() {
    ++fit_.passes;
    model_.set_assigner({at_best_ ? Assignment::expected : control_.assignment, seed_, fit_.passes});
    return model_.objective(control_.threads, interrupt_);
  }

  bool score_start() {
    fit_.start.resize(model_.n_parameters());
    pack(model_.fields(), fit_.start);
    fit_.component = model_.prepare(accuracy());
    if (fit_.component >= 0) {
      fit_.status = Status::bad_start;
      fit_.loglik = -inf;
      return false;
    }
    record(expect(), false);
    fit_.gain = fit_.remaining = inf;
    return true;
  }

  // False where nothing came of it: an interrupt, or a component that collapsed.
  bool iterate() {
    if (interrupt_.raised()) return false;
    pack(model_.fields(), before_);
    double loglik = fit_.loglik;
    const bool accelerated = long_step(loglik);
    if (interrupt_.raised() || (!accelerated && !plain_step(loglik)) || interrupt_.raised()) return false;
    fit_.gain = loglik - fit_.loglik;
    if (accelerated) {
      pace_.restart();
    } else {
      pace_.add(fit_.gain);
    }
    fit_.remaining = accelerated ? accelerator_.remaining() : pace_.remaining();
    ++fit_.iterations;
    record(loglik, accelerated);
    // The first M-step may leave a start that lay outside its structure, and that start's log-likelihood.
    if (draws()) return !interrupt_.raised();
    if (fit_.iterations > 1 && fit_.gain < -fall * size_) {
      fit_.status = Status::not_monotone;
    } else if (has_converged()) {
      if (!leave_saddle(coincident)) fit_.status = Status::converged;
    } else if (is_creeping()) {
      leave_saddle(coming_apart);
    }
    return !interrupt_.raised();
  }

  // Gains that grow, and are small, are those of a way off a saddle.
  bool is_creeping() const {
    const int i = fit_.iterations;
    const bool asked = i >= first_look && (i & (i - 1)) == 0;
    return asked && control_.tol > 0.0 && !(fit_.remaining < inf) && fit_.gain < rows_;
  }

  // Where two components are as near as that and may do better apart: an iteration more, by a step that is
  // not EM's. Not where the run would end before EM could go on from there.
  bool leave_saddle(double near) {
    const bool may = model_.n_components() > 1 && departures_ < most_departures &&
                     fit_.iterations < control_.max_iter - 1 && control_.step == Step::em &&
                     control_.assignment == Assignment::expected;
    if (!may) return false;
    const std::vector<Index> pair = find_coincident(model_.family(), near);
    if (pair.empty() || began_alike()) return false;
    ++departures_;
    const double more = std::max(control_.tol * control_.row_weight, same_loglik * size_);
    const Departure departure = em::leave_saddle(model_, pair[0], pair[1], fit_.loglik + more,
                                                 control_.row_weight, control_.threads, interrupt_);
    fit_.passes += departure.passes;
    if (!departure.found) {
      departures_ = most_departures;
      return false;
    }
    accelerator_.forget();
    pace_.restart();
    fit_.gain = departure.loglik - fit_.loglik;
    fit_.remaining = inf;
    ++fit_.iterations;
    record(departure.loglik, true);
    return true;
  }

  // Components that a start made the same stay so: nothing tells them apart.
  bool began_alike() {
    Vector now(model_.n_parameters());
    pack(model_.fields(), now);
    unpack(fit_.start, model_.fields());
    const bool alike =
        model_.prepare(Accuracy::fast) < 0 && !find_coincident(model_.family(), identical).empty();
    unpack(now, model_.fields());
    model_.prepare(Accuracy::fast);
    return alike;
  }

  bool long_step(double& loglik) {
    const bool wanted = control_.accelerate && control_.assignment == Assignment::expected &&
                        (fit_.accelerated.back() || pace_.is_slow(rows_));
    if (!wanted) return false;
    const int passes = accelerator_.passes();
    const bool taken = accelerator_.step(accuracy(), loglik);
    fit_.passes += accelerator_.passes() - passes;
    if (taken) return true;
    accelerator_.forget();
    pace_.restart();
    return false;
  }

  bool plain_step(double& loglik) {
    if (draws()) return drawn_step(loglik);
    model_.maximise(control_.step);
    fit_.component = model_.prepare(accuracy());
    if (fit_.component >= 0) {
      fit_.status = Status::collapsed;
      unpack(before_, model_.fields());
      model_.prepare(Accuracy::fast);
      return false;
    }
    loglik = expect();
    return true;
  }

  bool drawn_step(double& loglik) {
    fit_.component = Draws::first_too_few(model_, control_.row_weight);
    if (fit_.component < 0) {
      model_.maximise(control_.step);
      fit_.component = model_.prepare(accuracy());
    }
    draws_.count(fit_.component < 0);
    if (draws_.are_hopeless()) {
      fit_.status = Status::collapsed;
      return false;
    }
    if (fit_.component >= 0) {
      fit_.component = -1;
      unpack(before_, model_.fields());
      model_.prepare(accuracy());
    }
    loglik = expect();
    return true;
  }

  void go_to_best() {
    draws_.restore(model_);
    at_best_ = true;
    if (fit_.status == Status::collapsed && draws_.were_useful(fit_.iterations)) {
      fit_.component = -1;
      fit_.status = Status::max_iter;
    }
    model_.prepare(Accuracy::exact);
    fit_.loglik = expect();
    exact_ = true;
  }

  void record(double loglik, bool accelerated) {
    fit_.loglik = loglik;
    fit_.trace.push_back(loglik);
    fit_.accelerated.push_back(accelerated);
    size_ = model_.size_of_sum();
    exact_ = model_.is_exact();
    if (draws()) draws_.keep(model_, loglik, control_, fit_);
    if (!control_.path) return;
    fit_.path.emplace_back(model_.n_parameters());
    pack(model_.fields(), fit_.path.back());
  }

  bool has_converged() const {
    if (control_.tol <= 0.0) return false;
    if (control_.stop == Stop::parameters) return largest_change(model_, before_) < control_.tol;
    const bool accelerated = fit_.accelerated.back();
    const double gain = std::abs(fit_.gain);
    if (!accelerated && gain <= same_loglik * size_) return true;
    const double tol = control_.tol * control_.row_weight;
    // EM can't fall: what is left to gain is less than the rounding that a fall shows.
    if (!accelerated && fit_.iterations > 1 && fit_.gain <= 0.0 && gain < tol) return true;
    return gain < tol && fit_.remaining * (accelerated ? caution : 1.0) < tol;
  }

  // Puts the exact log-likelihood in the place of the last one, where that was not.
  void settle() {
    if (exact_ || interrupt_.raised() || model_.prepare(Accuracy::exact) >= 0) return;
    const double loglik = expect();
    if (interrupt_.raised()) return;
    fit_.loglik = fit_.trace.back() = loglik;
  }

  void describe() {
    fit_.parameters.resize(model_.n_parameters());
    pack(model_.fields(), fit_.parameters);
    if (fit_.status == Status::stopped_early) {
      describe_briefly();
      return;
    }
    fit_.relative_spread = model_.family().relative_spread();
    // The parameters are those before, where it still had some.
    if (fit_.status == Status::collapsed) fit_.relative_spread[fit_.component] = 0.0;
    fit_.log_prior = model_.family().log_prior();
    fit_.counts = model_.counts();
    judge(model_, control_.row_weight, fit_);
  }

  // What was set aside is compared with nothing, and its densities exist.
  void describe_briefly() {
    fit_.relative_spread = Vector::Ones(model_.n_components());
    fit_.log_prior = model_.family().log_prior();
    fit_.counts = model_.counts();
    for (Index j = 0; j < model_.n_components(); ++j) {
      if (!(fit_.counts[j] >= model_.family().rows_needed(j) * control_.row_weight))
        fit_.degenerate.push_back(j);
    }
  }

  // What the objective has beside the log-likelihood where units are assigned; the statistics are those of an
  // E-step then.
  void tell_classes() {
    if (control_.assignment != Assignment::hard || interrupt_.raised()) return;
    model_.set_assigner({});
    ++fit_.passes;
    fit_.log_classes = fit_.loglik - model_.objective(control_.threads, interrupt_);
  }

  Model& model_;
  const Control& control_;
  Interrupt& interrupt_;
  Fit fit_;
  Pace pace_;
  double rows_;
  Accelerator accelerator_;
  std::uint64_t seed_;
  Vector before_;      // the parameters before the iteration
  double size_ = 0.0;  // Model::size_of_sum() of the last log-likelihood
  bool exact_ = true;
  bool ended_ = false;
  int departures_ = 0;  // steps off saddles
  Draws draws_;
  bool at_best_ = false;
};

PausedRun::PausedRun(std::unique_ptr<Model> model, const Start& start, const Control& control,
                     Interrupt& interrupt)
    : model_(std::move(model)), control_(control), interrupt_(interrupt), start_(start) {}

PausedRun::~PausedRun() = default;

void PausedRun::advance(int iterations, int threads) {
  control_.threads = threads;
  if (!run_) {
    place_at(start_, *model_, threads, interrupt_);
    run_ = std::make_unique<Run>(*model_, control_, interrupt_, start_.seed);
  }
  run_->advance(iterations);
}

bool PausedRun::has_ended() const { return run_ && run_->has_ended(); }
const Fit& PausedRun::so_far() const { return run_->so_far(); }

bool PausedRun::is_sound() const {
  if (so_far().status == Status::bad_start || so_far().status == Status::collapsed) return false;
  const Vector rows = counts();
  for (Index j = 0; j < model_->n_components(); ++j) {
    if (!(rows[j] >= model_->family().rows_needed(j) * control_.row_weight)) return false;
  }
  return true;
}

Vector PausedRun::counts() const { return model_->counts(); }

Fit PausedRun::close() {
  if (run_) return run_->close();
  Fit none;
  none.status = Status::interrupted;
  return none;
}

bool is_better(const Fit& a, const Fit& b) {
  return a.rank != b.rank ? a.rank > b.rank : a.loglik > b.loglik;
}

Fit run_from(Model& model, const Start& start, const Control& control, Interrupt& interrupt) {
  place_at(start, model, control.threads, interrupt);
  Run run(model, control, interrupt, start.seed);
  run.advance(control.max_iter);
  return run.close();
}

std::vector<Fit> run_all(const Model& model, const std::vector<Start>& starts, const Control& control,
                         Interrupt& interrupt) {
  std::vector<Fit> fits(starts.size());
  const bool spread = starts.size() > 1 && control.threads > 1 && model.thread_safe();
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
