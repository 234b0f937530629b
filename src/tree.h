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
//
// Who has only leaves first, first + 1, ... says so to reset(), and hands on the nodes: sums of 2^level
// leaves that wait for partners elsewhere. join() puts nodes of several such trees, in order, into one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "eigen.h"

namespace em {

class SumTree {
 public:
  // The sum of leaves index * 2^level and the 2^level - 1 behind.
  struct Node {
    int level = 0;
    Index index = 0;
    Vector sum;
  };

  void reset(Index size, Index leaves, Index first = 0) {
    std::size_t levels = 2;
    while ((Index{1} << levels) <= leaves) ++levels;
    levels = first > 0 ? 2 * levels + 2 : levels + 1;
    if (nodes_.size() < levels) nodes_.resize(levels);
    for (Node& node : nodes_) node.sum.resize(size);
    count_ = 0;
    next_ = first;
  }

  void add(ConstVectorRef leaf) { join(0, next_, leaf); }

  // A node that begins where the one before ended.
  void join(int level, Index index, ConstVectorRef sum) {
    if (count_ == nodes_.size()) nodes_.emplace_back();
    Node& node = nodes_[count_++];
    node.level = level;
    node.index = index;
    node.sum = sum;
    next_ = (index + 1) << level;
    while (count_ > 1 && are_partners(nodes_[count_ - 2], nodes_[count_ - 1])) {
      --count_;
      Node& left = nodes_[count_ - 1];
      left.sum += nodes_[count_].sum;
      ++left.level;
      left.index /= 2;
    }
  }

  void total(VectorRef out) const {
    std::fill_n(out.data(), out.size(), 0.0);
    for (std::size_t i = count_; i-- > 0;) {
      const double* sum = nodes_[i].sum.data();
      const bool first = i + 1 == count_;
      for (Index j = 0; j < out.size(); ++j) out[j] = first ? sum[j] : sum[j] + out[j];
    }
  }

  std::size_t n_nodes() const { return count_; }
  const Node& node(std::size_t i) const { return nodes_[i]; }

 private:
  static bool are_partners(const Node& left, const Node& right) {
    return left.level == right.level && left.index % 2 == 0 && right.index == left.index + 1;
  }

  std::vector<Node> nodes_;
  std::size_t count_ = 0;  // of these that are in use
  Index next_ = 0;         // the number of the next leaf
};

}  // namespace em
