// parts.h: rows that are more than memory holds, and come in parts.
//
// A model that was given such rows (Model::take_parts()) goes through all of them in each pass: it asks for
// one part after the other, binds it, and adds up its slices where those of the part before end. So a pass is
// the same, to the last bit, as that over the same rows in memory, whatever they were read from.
//
// What a pass added up may be kept, and told again instead of the rows being read: that is how a run that was
// broken off goes on, and how somebody else may make the pass.
#pragma once

#include "data.h"
#include "eigen.h"

namespace em {

class Parts {
 public:
  virtual ~Parts() = default;

  virtual Index n_rows() const = 0;
  virtual bool has_weights() const = 0;

  // From the first row again.
  virtual void rewind() = 0;

  // The next rows, so many, fewer only at the end; false where there are none left. What `part` points at
  // stays until the next call. Units may be cut.
  virtual bool next(Index rows, Data& part) = 0;

  // The next rows as they are at hand: `least` of them at least, fewer only at the end, in whole units. The
  // first `skip` rows of the part were given before; they are no rows of it. Who has nothing at hand gives
  // `wanted` rows.
  virtual bool next_at_hand(Index /*least*/, Index wanted, Data& part, Index& skip) {
    skip = 0;
    return next(wanted, part);
  }

  // The last rows of a part at hand, which come again before those behind them; false where there are none
  // behind them.
  virtual bool put_back(Index /*rows*/) { return false; }

  // The sums of the pass at these parameters, where they are known; false where they are not.
  virtual bool recall(ConstVectorRef /*parameters*/, VectorRef /*sums*/) { return false; }

  // Told of each pass that was made to its end.
  virtual void keep(ConstVectorRef /*parameters*/, ConstVectorRef /*sums*/) {}
};

}  // namespace em
