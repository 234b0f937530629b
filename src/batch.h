// batch.h: many models at once, each with one start or with starts that race.
#pragma once

#include <memory>
#include <vector>

#include "engine.h"

namespace em {

struct Task {
  std::unique_ptr<Model> model;
  std::vector<Start> starts;
  double to_beat = -std::numeric_limits<double>::infinity();  // see Control
};

// What came of a task: a fit for each start. Where its data can't be fitted there is one, with
// Status::bad_start, and `defect` is the column that Model::describe() says.
struct Outcome {
  Index defect = -1;
  std::vector<Fit> fits;
};

// Each model from its start or, where control.finalists says that starts race (race.h), from all of them.
// With several threads a thread takes a model; where one may not leave the main thread, or there is one, the
// model has them all. The answers do not depend on their number.
std::vector<Outcome> run_batch(const std::vector<Task>& tasks, const Control& control, Interrupt& interrupt);

}  // namespace em
