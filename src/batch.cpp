#include "batch.h"

#include <algorithm>

#include "race.h"

namespace em {

namespace {

// Threads that take a model each; where that is one, the model has them all.
int threads_over(const std::vector<std::unique_ptr<Model>>& models, int threads) {
  const bool spread = models.size() > 1 && std::all_of(models.begin(), models.end(), [](const auto& model) {
                        return model->thread_safe();
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

Fit best_of_race(Model& model, const std::vector<Start>& starts, const Control& control,
                 Interrupt& interrupt) {
  const std::vector<Fit> fits = run_race(model, starts, control, interrupt);
  return *std::max_element(fits.begin(), fits.end(),
                           [](const Fit& a, const Fit& b) { return is_better(b, a); });
}

}  // namespace

std::vector<Fit> run_batch(const std::vector<std::unique_ptr<Model>>& models,
                           const std::vector<std::vector<Start>>& starts, const Control& control,
                           Interrupt& interrupt) {
  std::vector<Fit> fits(models.size());
  Control each = control;
  const int over = threads_over(models, control.threads);
  if (over > 1) each.threads = 1;
  parallel_for(static_cast<Index>(models.size()), over, interrupt, [&](Index i, int) {
    if (interrupt.raised()) return;
    const auto at = static_cast<std::size_t>(i);
    Model& model = *models[at];
    if (model.describe() >= 0) {
      fits[at] = fit_that_begins_badly(model, starts[at].front());
    } else if (control.finalists > 0) {
      fits[at] = best_of_race(model, starts[at], each, interrupt);
    } else {
      fits[at] = run_from(model, starts[at].front(), each, interrupt);
    }
  });
  return fits;
}

}  // namespace em
