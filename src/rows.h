// rows.h: a run of consecutive rows of the data.
//
// A block (128 to 1024 rows) is what the kernels see; a unit is what a latent structure says belongs
// together; a slice (a fixed run of whole units) is what a thread takes, and what is added up in order. All
// are Rows.
#pragma once

#include "eigen.h"

namespace em {

struct Rows {
  Index begin = 0;
  Index size = 0;

  Index end() const { return begin + size; }
};

}  // namespace em
