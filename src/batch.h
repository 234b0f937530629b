// batch.h: models and their starts, one or many.
#pragma once

#include <limits>
#include <memory>
#include <vector>

#include "engine.h"

namespace em {

struct Task {
  std::unique_ptr<Model> model;
  std::vector<Start> starts;                                  // at least one
  double to_beat = -std::numeric_limits<double>::infinity();  // as Control::to_beat: the higher of both holds
};

// What became of a task.
struct Outcome {
  Index defect = -1;           // the column that no component can fit, where there is one
  std::vector<double> trials;  // log-likelihoods of the starts, where Control::trials chose one of them
  std::vector<Fit> fits;       // one for each start that was run; at a defect one with Status::bad_start
};

// Runs the starts of each task: all to the end, or as a race where control.race says so (race.h). With
// several tasks a thread takes a task; where there is one, or a model that may not leave the main thread, the
// starts have all threads. The answers do not depend on their number.
std::vector<Outcome> run_batch(const std::vector<Task>& tasks, const Control& control, Interrupt& interrupt);

}  // namespace em
