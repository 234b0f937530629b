// tree.h: the sum of many vectors, in a fixed binary tree.
//
// Vectors 0, 1, 2, ... come in that order and are the leaves: 0 and 1 are added, 2 and 3, then these two
// sums, and so on; what has no partner at the end is added from the right. So the sum, to the last bit, hangs
// on their numbers alone, and 2^l leaves that begin at a multiple of 2^l have a sum of their own, whoever
// added it. Errors of rounding grow with the logarithm of the number of leaves.
//
//   SumTree tree;
//   tree.reset(size, leaves);       // room for them; allocates only where there was less
//   tree.add(leaf);                 // for each, in order
//   tree.total(out);
#pragma once

#include <utility>
#include <vector>

#include "eigen.h"

namespace em {

class SumTree {
 public:
  void reset(Index size, Index leaves) {
    std::size_t levels = 1;
    while ((Index{1} << levels) <= leaves) ++levels;
    if (sums_.size() < levels) sums_.resize(levels);
    for (Vector& sum : sums_) sum.resize(size);
    count_ = 0;
  }

  void add(ConstVectorRef leaf) {
    std::size_t level = 0;
    if (!has(0)) {
      sums_[0] = leaf;
    } else {
      sums_[0] += leaf;
      for (level = 1; has(level); ++level) sums_[level] += sums_[level - 1];
      std::swap(sums_[level], sums_[level - 1]);
    }
    ++count_;
  }

  void total(VectorRef out) const {
    out.setZero();
    bool begun = false;
    for (std::size_t level = 0; level < sums_.size(); ++level) {
      if (!has(level)) continue;
      if (begun) {
        out = sums_[level] + out;
      } else {
        out = sums_[level];
      }
      begun = true;
    }
  }

 private:
  // Is there a sum of 2^level leaves that waits for its partner?
  bool has(std::size_t level) const { return (count_ >> level) % 2 == 1; }

  std::vector<Vector> sums_;
  Index count_ = 0;
};

}  // namespace em
