// rows.h: a run of consecutive rows of the data.
//
// A block (128 to 1024 rows) is what the kernels see; a slice (a fixed run of blocks) is the unit of
// threads and of reduction. Both are Rows.
#pragma once

#include "eigen.h"

namespace em {

struct Rows {
  Index begin = 0;
  Index size = 0;

  Index end() const { return begin + size; }
};

}  // namespace em
