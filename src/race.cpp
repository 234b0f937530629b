#include "race.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>

#include "parallel.h"

namespace em {

namespace {

// The first pause. Starts lie far apart in log-likelihood, and two iterations tell most of that.
constexpr int first_pause = 2;

// What is left after a pause, as a part of those before.
constexpr double kept = 0.4;

// From here on a run may be given up for what it promises; before, gains say little of those to come.
constexpr int settled = 10;

// The gain still to come is estimated from the last ones, and may be so many times as large.
constexpr double doubt = 3.0;

// Two runs with equally large components (this part of all rows may differ) and this difference of their
// log-likelihoods are on the way to the same optimum.
constexpr double same_sizes = 0.01;
constexpr double same_loglik = 0.1;

class Race {
 public:
  Race(const Model& model, const std::vector<Start>& starts, const Control& control, Interrupt& interrupt)
      : control_(control),
        interrupt_(interrupt),
        thread_safe_(model.thread_safe()),
        total_(model.total_weight()) {
    for (const Start& start : starts) {
      runs_.push_back(std::make_unique<PausedRun>(model.clone(), start, control, interrupt));
    }
    in_.resize(runs_.size());
    std::iota(in_.begin(), in_.end(), 0);
  }

  std::vector<Fit> all() {
    int pause = first_pause;
    for (; !interrupt_.raised() && any_runs(); pause *= 2) {
      advance(pause);
      if (interrupt_.raised()) break;
      rank();
      drop_equals();
      if (in_.size() > wanted()) {
        in_.resize(std::max(wanted(), static_cast<std::size_t>(kept * static_cast<double>(in_.size()))));
      } else if (pause > settled) {
        give_up_hopeless();
      }
    }
    return close();
  }

 private:
  std::size_t wanted() const { return static_cast<std::size_t>(control_.finalists); }

  bool any_runs() const {
    return std::any_of(in_.begin(), in_.end(), [&](std::size_t i) { return !runs_[i]->has_ended(); });
  }

  void advance(int iterations) {
    std::vector<std::size_t> on;
    for (const std::size_t i : in_) {
      if (!runs_[i]->has_ended()) on.push_back(i);
    }
    const bool spread = on.size() > 1 && control_.threads > 1 && thread_safe_;
    const int each = spread ? 1 : control_.threads;
    parallel_for(static_cast<Index>(on.size()), spread ? control_.threads : 1, interrupt_,
                 [&](Index at, int) {
                   if (!interrupt_.raised())
                     runs_[on[static_cast<std::size_t>(at)]]->advance(iterations, each);
                 });
  }

  double loglik(std::size_t i) const { return runs_[i]->so_far().loglik; }

  // Sound ones first, and the highest first.
  void rank() {
    std::stable_sort(in_.begin(), in_.end(), [&](std::size_t a, std::size_t b) {
      const bool sound = runs_[a]->is_sound();
      return sound != runs_[b]->is_sound() ? sound : loglik(a) > loglik(b);
    });
  }

  void give_up_hopeless() {
    const double bar = std::max(control_.to_beat, loglik(in_.front()));
    const auto hopeless = [&](std::size_t i) {
      const Fit& now = runs_[i]->so_far();
      return !runs_[i]->has_ended() && now.loglik + doubt * now.remaining < bar;
    };
    in_.erase(std::remove_if(in_.begin(), in_.end(), hopeless), in_.end());
  }

  Vector sizes(std::size_t i) const {
    Vector out = runs_[i]->counts();
    std::sort(out.data(), out.data() + out.size());
    return out;
  }

  // Of runs that have become the same the highest stays.
  void drop_equals() {
    std::vector<std::size_t> different;
    for (const std::size_t i : in_) {
      const bool known = std::any_of(different.begin(), different.end(), [&](std::size_t j) {
        return loglik(j) - loglik(i) < same_loglik * control_.row_weight &&
               (sizes(i) - sizes(j)).lpNorm<1>() < same_sizes * total_;
      });
      if (!known || runs_[i]->has_ended()) different.push_back(i);
    }
    in_.swap(different);
  }

  // Where nothing sound came of those that ran to the end, the others get their chance.
  std::vector<Fit> close() {
    std::vector<Fit> fits(runs_.size());
    std::vector<bool> closed(runs_.size());
    bool sound = std::isfinite(control_.to_beat);
    for (const std::size_t i : in_) {
      fits[i] = runs_[i]->close();
      closed[i] = true;
      sound = sound || (fits[i].degenerate.empty() && fits[i].status != Status::bad_start);
    }
    in_.clear();
    for (std::size_t i = 0; i < runs_.size(); ++i) {
      if (!closed[i]) in_.push_back(i);
    }
    if (!sound && !interrupt_.raised()) advance(control_.max_iter);
    for (const std::size_t i : in_) fits[i] = runs_[i]->close();
    return fits;
  }

  Control control_;
  Interrupt& interrupt_;
  bool thread_safe_;
  double total_;
  std::vector<std::unique_ptr<PausedRun>> runs_;
  std::vector<std::size_t> in_;  // those that are not set aside
};

}  // namespace

std::vector<Fit> run_race(const Model& model, const std::vector<Start>& starts, const Control& control,
                          Interrupt& interrupt) {
  return Race(model, starts, control, interrupt).all();
}

Trials run_trials(const Model& model, const std::vector<Start>& starts, int steps, const Control& control,
                  Interrupt& interrupt) {
  Trials out;
  out.loglik.assign(starts.size(), -std::numeric_limits<double>::infinity());
  out.best = starts.front();
  std::vector<std::unique_ptr<Model>> models;
  for (const Start& start : starts) {
    models.push_back(model.clone());
    unpack(start.parameters, models.back()->fields());
  }
  for (int step = 0; step < steps && !interrupt.raised(); ++step) {
    std::vector<Model*> on;
    std::vector<std::size_t> at;
    for (std::size_t i = 0; i < models.size(); ++i) {
      if (step > 0 && !std::isfinite(out.loglik[i])) continue;
      if (step > 0) models[i]->maximise(control.step);
      out.loglik[i] = -std::numeric_limits<double>::infinity();
      if (models[i]->prepare(Accuracy::fast) >= 0) continue;
      on.push_back(models[i].get());
      at.push_back(i);
    }
    const std::vector<double> found = Model::objectives(on, control.threads, interrupt);
    for (std::size_t i = 0; i < at.size(); ++i) out.loglik[at[i]] = found[i];
  }
  const std::size_t best =
      static_cast<std::size_t>(std::max_element(out.loglik.begin(), out.loglik.end()) - out.loglik.begin());
  if (interrupt.raised() || !std::isfinite(out.loglik[best])) return out;
  models[best]->maximise(control.step);
  out.best.parameters.resize(model.n_parameters());
  pack(models[best]->fields(), out.best.parameters);
  return out;
}

}  // namespace em
