// leave_out.h: what rows would be worth to a fit that never saw them, after one M-step.
//
// Statistics add, so the parameters without a row come from the statistics less the row's own. One M-step is
// near to fitting again where no row carries much, and where one does it tells.
#pragma once

#include <vector>

#include "model.h"

namespace em {

struct LeftOut {
  Vector with;     // the log density of each row, as if its weight were 1
  Vector without;  // the same under the parameters that the others give; -infinity where these give none
};

// At the model's present parameters, which it keeps. group: a number from 0 for each row; the rows of a group
// are equal and leave together. Rows must be by themselves (Latent::units()), and Family::close_pass() must
// add nothing.
LeftOut leave_out(Model& model, const std::vector<int>& group, int threads, Interrupt& interrupt);

}  // namespace em
