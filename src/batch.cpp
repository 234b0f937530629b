#include "batch.h"

#include <algorithm>

#include "race.h"

namespace em {

namespace {

// Threads that take a model each; where that is one, the model has them all.
int threads_over(const std::vector<Task>& tasks, int threads) {
  const bool spread = tasks.size() > 1 && std::all_of(tasks.begin(), tasks.end(), [](const Task& task) {
                        return task.model->thread_safe();
                      });
  return spread ? threads : 1;
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
  out.defect = model.describe();
  if (out.defect >= 0) {
    out.fits.push_back(fit_that_begins_badly(model, task.starts.front()));
  } else if (control.finalists > 0) {
    control.to_beat = task.to_beat;
    out.fits = run_race(model, task.starts, control, interrupt);
  } else {
    out.fits.push_back(run_from(model, task.starts.front(), control, interrupt));
  }
  return out;
}

}  // namespace

std::vector<Outcome> run_batch(const std::vector<Task>& tasks, const Control& control, Interrupt& interrupt) {
  std::vector<Outcome> out(tasks.size());
  Control each = control;
  const int over = threads_over(tasks, control.threads);
  if (over > 1) each.threads = 1;
  parallel_for(static_cast<Index>(tasks.size()), over, interrupt, [&](Index i, int) {
    if (interrupt.raised()) return;
    const auto at = static_cast<std::size_t>(i);
    out[at] = run_task(tasks[at], each, interrupt);
  });
  return out;
}

}  // namespace em
