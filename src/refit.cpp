#include "refit.h"

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

}  // namespace

std::vector<Fit> refit(const std::vector<std::unique_ptr<Model>>& models, const Start& start,
                       const Control& control, Interrupt& interrupt) {
  return run_each(models, std::vector<Start>(models.size(), start), control, interrupt);
}

std::vector<Fit> run_each(const std::vector<std::unique_ptr<Model>>& models, const std::vector<Start>& starts,
                          const Control& control, Interrupt& interrupt) {
  std::vector<Fit> fits(models.size());
  Control each = control;
  const int over = threads_over(models, control.threads);
  if (over > 1) each.threads = 1;
  parallel_for(static_cast<Index>(models.size()), over, interrupt, [&](Index i, int) {
    if (interrupt.raised()) return;
    const auto at = static_cast<std::size_t>(i);
    Model& model = *models[at];
    if (model.describe() >= 0) {
      if (starts[at].parameters.size() > 0) unpack(starts[at].parameters, model.fields());
      fits[at].status = Status::bad_start;
      fits[at].start.resize(model.n_parameters());
      pack(model.fields(), fits[at].start);
      fits[at].parameters = fits[at].start;
      return;
    }
    fits[at] = run_from(model, starts[at], each, interrupt);
  });
  return fits;
}

std::vector<Fit> race_each(const std::vector<std::unique_ptr<Model>>& models,
                           const std::vector<std::vector<Start>>& starts, const Control& control,
                           Interrupt& interrupt) {
  std::vector<Fit> best(models.size());
  Control each = control;
  const int over = threads_over(models, control.threads);
  if (over > 1) each.threads = 1;
  parallel_for(static_cast<Index>(models.size()), over, interrupt, [&](Index i, int) {
    const auto at = static_cast<std::size_t>(i);
    best[at].status = Status::bad_start;
    if (interrupt.raised() || models[at]->describe() >= 0) return;
    const std::vector<Fit> fits = run_race(*models[at], starts[at], each, interrupt);
    const auto worse = [](const Fit& a, const Fit& b) { return is_better(b, a); };
    best[at] = *std::max_element(fits.begin(), fits.end(), worse);
  });
  return best;
}

}  // namespace em
