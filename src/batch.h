// batch.h: many models at once, each with one start or with starts that race.
#pragma once

#include <memory>
#include <vector>

#include "engine.h"

namespace em {

// The fit of each model from its start or, where control.finalists says that starts race (race.h), the best
// of its fits. With several threads a thread takes a model; where one may not leave the main thread, or there
// is one, the model has them all. The answers do not depend on their number. A model whose data no component
// can fit comes back with Status::bad_start.
std::vector<Fit> run_batch(const std::vector<std::unique_ptr<Model>>& models,
                           const std::vector<std::vector<Start>>& starts, const Control& control,
                           Interrupt& interrupt);

}  // namespace em
