// knowledge.h: what is known of rows beforehand, in what their components' densities become.
#pragma once

#include "data.h"
#include "eigen.h"

namespace em {

// rows: a run of those of the data, whose log densities `inout` has in a column for each of the
// responsibilities'. A label leaves its own column; beliefs multiply densities.
void apply_knowledge(const Data& data, Rows rows, MatrixRef inout);

}  // namespace em
