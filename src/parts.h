// parts.h: rows that are more than memory holds, and come in parts.
//
// A model that was given such rows (Model::take_parts()) goes through all of them in each pass: it asks for
// one part after the other, binds it, and adds up its slices where those of the part before end. So a pass is
// the same, to the last bit, as that over the same rows in memory, whatever they were read from.
//
// What a pass added up may be kept, and told again instead of the rows being read: that is how a run that was
// broken off goes on, and how somebody else makes the pass. Who has only some of the rows says with which
// leaf of the tree (tree.h) they begin, and hands on the tree's nodes.
#pragma once

#include "data.h"
#include "eigen.h"

namespace em {

// A pass, told to somebody else.
struct PassAsked {
  ConstVectorRef parameters;  // packed
  bool exact;                 // Accuracy::exact?
  Index slice;                // rows of a slice: a leaf of the tree
  const Vector* description;  // Family::description() where describe() was called; else null
};

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

  // The leaf that the first row begins.
  virtual Index first_leaf() const { return 0; }

  // The sum of weights where it is known; otherwise below 0.
  virtual double total_weight() const { return -1.0; }

  // Lets all rows add to a description, see Family::describe_parts(), where somebody else has them; false
  // where the rows must be read.
  virtual bool gather(ConstVectorRef /*about*/, VectorRef /*state*/) { return false; }

  // The sums of a pass, where they are known; false where they are not.
  virtual bool recall(const PassAsked& /*pass*/, VectorRef /*sums*/) { return false; }

  // Told of each pass that was made to its end.
  virtual void keep(ConstVectorRef /*parameters*/, ConstVectorRef /*sums*/) {}
};

}  // namespace em
