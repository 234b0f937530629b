// refit.h: many models, each with one start or with starts of its own.
#pragma once

#include <memory>
#include <vector>

#include "engine.h"

namespace em {

// Runs every model from the same start; with several threads a thread takes a model. The answers do not
// depend on their number. A model whose data no component can fit comes back with Status::bad_start.
std::vector<Fit> refit(const std::vector<std::unique_ptr<Model>>& models, const Start& start,
                       const Control& control, Interrupt& interrupt);

// The same, but each model has a start of its own.
std::vector<Fit> run_each(const std::vector<std::unique_ptr<Model>>& models, const std::vector<Start>& starts,
                          const Control& control, Interrupt& interrupt);

// The same with a race of starts for each model (race.h), of which the best fit is kept.
std::vector<Fit> race_each(const std::vector<std::unique_ptr<Model>>& models,
                           const std::vector<std::vector<Start>>& starts, const Control& control,
                           Interrupt& interrupt);

}  // namespace em
