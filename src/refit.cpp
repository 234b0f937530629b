#include "refit.h"

namespace em {

std::vector<Fit> refit(const std::vector<std::unique_ptr<Model>>& models,
                       const std::vector<const double*>& weights, const Start& start, const Control& control,
                       Interrupt& interrupt) {
  std::vector<Fit> fits(models.size());
  Control each = control;
  each.threads = 1;
  parallel_for(static_cast<Index>(models.size()), control.threads, interrupt, [&](Index i, int) {
    if (interrupt.raised()) return;
    const auto at = static_cast<std::size_t>(i);
    Model& model = *models[at];
    if (model.family().describe(weights[at]) >= 0) {
      fits[at].status = Status::bad_start;
      fits[at].parameters = start.parameters;
      return;
    }
    fits[at] = run_from(model, start, each, interrupt);
  });
  return fits;
}

}  // namespace em
