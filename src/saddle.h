// saddle.h: off a saddle of the likelihood, on which two components are one.
//
// EM from a partition at random comes near such a point within an iteration or two, and leaves it so slowly
// that it looks as if it had arrived. Where two components coincide each direction in which they may come
// apart is tried: the rows they share are cut in two across it, and EM goes on from there for a few
// iterations. Directions are the principal axes of these rows.
#pragma once

#include "model.h"

namespace em {

struct Departure {
  bool found = false;
  double loglik = 0.0;  // Model::objective() at the parameters found
  int passes = 0;       // E-steps made
};

// From components a and b of a model that an E-step was made of, to parameters whose objective is more than
// `above`; prepared, with statistics of an E-step there. Where there are none the model is as it was. Rows of
// which a label says that they are of one of the two stay with it; rows that belong together are cut as one.
// row_weight: what a row weighs.
Departure leave_saddle(Model& model, Index a, Index b, double above, double row_weight, int threads,
                       Interrupt& interrupt);

}  // namespace em
