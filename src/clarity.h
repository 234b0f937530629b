// clarity.h: how clearly rows fall into components.
#pragma once

#include "model.h"

namespace em {

struct Clarity {
  double log_top = 0.0;  // sum of w log r of each row's most probable component
  double entropy = 1.0;  // 1 where every row is certain, 0 where every row could be of any component
  double least = 1.0;    // the smallest mean probability of a component among the rows that are put into it
};

// At the parameters of the model, which must have a density.
Clarity measure_clarity(Model& model, int threads, Interrupt& interrupt);

}  // namespace em
