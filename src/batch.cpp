#include "batch.h"

#include <algorithm>

#include "race.h"

namespace em {

namespace {

int threads_over(const std::vector<Task>& tasks, int threads) {
  const bool spread = tasks.size() > 1 && std::all_of(tasks.begin(), tasks.end(), [](const Task& task) {
                        return task.model->thread_safe();
                      });
  return spread ? threads : 1;
}

// Parameters that are given or held need no spread of the data.
bool estimates(const Task& task, const Control& control) {
  const bool given = std::all_of(task.starts.begin(), task.starts.end(),
                                 [](const Start& start) { return start.parameters.size() > 0; });
  return !given || (control.max_iter > 0 && task.model->family().n_free() > 0);
}

Fit fit_that_begins_badly(Model& model, const Start& start) {
  Fit fit;
  fit.status = Status::bad_start;
  if (start.parameters.size() > 0) unpack(start.parameters, model.fields());
  fit.start.resize(model.n_parameters());
  pack(model.fields(), fit.start);
  fit.parameters = fit.start;
  return fit;
}

Outcome run_task(const Task& task, Control control, Interrupt& interrupt) {
  Outcome out;
  Model& model = *task.model;
  const Index defect = model.describe();
  if (defect >= 0 && estimates(task, control)) {
    out.defect = defect;
    out.fits.push_back(fit_that_begins_badly(model, task.starts.front()));
    return out;
  }
  control.to_beat = std::max(control.to_beat, task.to_beat);
  if (control.trials > 0 && task.starts.size() > 1) {
    Trials found = run_trials(model, task.starts, control.trials, control, interrupt);
    if (interrupt.raised()) return out;
    out.trials = std::move(found.loglik);
    out.fits = run_all(model, {found.best}, control, interrupt);
  } else if (control.race.finalists > 0) {
    out.fits = run_race(model, task.starts, control, interrupt);
  } else {
    out.fits = run_all(model, task.starts, control, interrupt);
  }
  return out;
}

}  // namespace

std::vector<Outcome> run_batch(const std::vector<Task>& tasks, const Control& control, Interrupt& interrupt) {
  std::vector<Outcome> out(tasks.size());
  const int over = threads_over(tasks, control.threads);
  Control each = control;
  if (over > 1) each.threads = 1;
  parallel_for(static_cast<Index>(tasks.size()), over, interrupt, [&](Index i, int) {
    const auto at = static_cast<std::size_t>(i);
    if (!interrupt.raised()) out[at] = run_task(tasks[at], each, interrupt);
  });
  return out;
}

}  // namespace em
