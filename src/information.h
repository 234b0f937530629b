// information.h: what standard errors are made of, in the free coordinates of a chart about the present
// parameters.
#pragma once

#include "model.h"

namespace em {

struct Information {
  int passes = 0;   // E-steps that were made
  Vector gradient;  // of the log-likelihood: about 0 at a maximum
  Matrix observed;  // minus the matrix of second derivatives, not symmetrised
  Matrix jacobian;  // n_parameters() x n_free(): of the packed parameters
  Matrix outer;     // the sum of w_u s_u s_u', s_u each unit's own gradient as if its weight were 1
  Matrix scores;    // n_units() x n_free(): these gradients
};

// Gradient, observed information and jacobian. Central differences of the analytic gradient, two E-steps for
// each coordinate after one at the present parameters, where it leaves the model. Empty where a density does
// not exist there.
Information observed_information(Model& model, int threads, Interrupt& interrupt);

// Gradient and outer products, of one slice after the other.
Information outer_information(Model& model, int threads, Interrupt& interrupt);

// The packed parameters at points of that chart, a column for each column of coordinates; the model's own
// stay. Empty where a density does not exist at these.
Matrix parameters_at(Model& model, ConstMatrixRef coordinates, int threads, Interrupt& interrupt);

// Gradient and scores.
Information row_scores(Model& model, int threads, Interrupt& interrupt);

}  // namespace em
