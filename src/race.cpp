#include "race.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <numeric>

#include "parallel.h"

namespace em {

namespace {

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
        total_(model.total_weight()),
        wanted_(static_cast<std::size_t>(control.race.finalists)) {
    for (const Start& start : starts) {
      runs_.push_back(std::make_unique<PausedRun>(model.clone(), start, control, interrupt));
      kinds_.push_back(start.kind);
    }
    fits_.resize(runs_.size());
    closed_.resize(runs_.size());
    in_.resize(runs_.size());
    std::iota(in_.begin(), in_.end(), 0);
  }

  std::vector<Fit> all() {
    go_on();
    close_ended();
    if (!interrupt_.raised() && n_usable() < plan().usable) bring_back();
    for (std::size_t i = 0; i < runs_.size(); ++i) {
      if (!closed_[i]) fits_[i] = runs_[i]->close();
    }
    return std::move(fits_);
  }

 private:
  const RacePlan& plan() const { return control_.race; }

  // From pause to pause, until all that are still in have ended.
  void go_on() {
    for (int pause = plan().first_pause; !interrupt_.raised() && any_runs(); pause *= 2) {
      advance(pause);
      if (interrupt_.raised()) break;
      rank();
      if (plan().drop_equals) drop_equals();
      if (in_.size() > wanted_) {
        cut();
      } else if (pause > plan().patience) {
        give_up_hopeless();
      }
    }
  }

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

  // To the finalists, or a part of those that are in where that is more: the best of each kind, then the best
  // of all.
  void cut() {
    const std::size_t left =
        std::max(wanted_, static_cast<std::size_t>(plan().kept * static_cast<double>(in_.size())));
    if (plan().of_each > 0) {
      std::map<int, int> met;
      std::stable_partition(in_.begin(), in_.end(),
                            [&](std::size_t i) { return met[kinds_[i]]++ < plan().of_each; });
    }
    in_.resize(left);
    rank();
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

  void close_ended() {
    for (std::size_t i = 0; i < runs_.size(); ++i) {
      if (closed_[i] || !runs_[i]->has_ended()) continue;
      fits_[i] = runs_[i]->close();
      closed_[i] = true;
    }
  }

  // Fits without degenerate components; where there is one, also what was given up because it would not reach
  // it.
  int n_usable() const {
    int ended = std::isfinite(control_.to_beat) ? plan().usable : 0;
    int left = 0;
    for (std::size_t i = 0; i < runs_.size(); ++i) {
      if (closed_[i]) {
        ended += fits_[i].degenerate.empty() && fits_[i].status != Status::bad_start;
      } else if (runs_[i]->so_far().iterations > plan().first_pause) {
        left += runs_[i]->is_sound();
      }
    }
    return ended > 0 ? ended + left : 0;
  }

  // Those that were set aside get their chance: to reach what there is, or, where nothing is, whatever there
  // may be.
  void bring_back() {
    in_.clear();
    for (std::size_t i = 0; i < runs_.size(); ++i) {
      if (!closed_[i]) {
        in_.push_back(i);
      } else if (fits_[i].degenerate.empty() && fits_[i].status != Status::bad_start) {
        control_.to_beat = std::max(control_.to_beat, fits_[i].loglik);
      }
    }
    wanted_ = in_.size();
    if (std::isfinite(control_.to_beat)) {
      go_on();
    } else {
      advance(control_.max_iter);
    }
  }

  Control control_;
  Interrupt& interrupt_;
  bool thread_safe_;
  double total_;
  std::vector<std::unique_ptr<PausedRun>> runs_;
  std::vector<int> kinds_;
  std::vector<std::size_t> in_;  // those that are not set aside
  std::size_t wanted_;           // of them at the end, at most
  std::vector<Fit> fits_;        // of those that are closed
  std::vector<bool> closed_;
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
