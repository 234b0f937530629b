// race.h: many starts, of which few are worth running to the end.
//
// All starts run together and pause, again and again, as RacePlan says. At each pause some are set aside:
// first those that lag behind, until the finalists are left; then those that will not reach the best of the
// others, or Control::to_beat, by the gain they still promise. Where equals are dropped, those that have
// become the same as another go too. What is set aside ends as Status::stopped_early, unless too little that
// can be used came of the rest.
#pragma once

#include <vector>

#include "engine.h"

namespace em {

// A fit for each start, in their order. The answers do not depend on control.threads.
std::vector<Fit> run_race(const Model& model, const std::vector<Start>& starts, const Control& control,
                          Interrupt& interrupt);

// Before a run over rows in parts (parts.h): a few starts, given as parameters, make so many steps together,
// and every pass over the rows serves all of them.
struct Trials {
  std::vector<double> loglik;  // of each at its last pass; -infinity where it has no density
  Start best;                  // where the highest of them has come to
};

Trials run_trials(const Model& model, const std::vector<Start>& starts, int steps, const Control& control,
                  Interrupt& interrupt);

}  // namespace em
