// start.h: starting partitions and centres, from a seed that R drew.
//
// kmeans_partition   k-means++ seeding (Arthur & Vassilvitskii 2007) and a few of Lloyd's steps, on the
//                    family's features: one label 1..K for each row
// random_partition   every row a label at random
// random_rows        K different rows, drawn in proportion to the weights
//
// The generator and the way numbers are made of its bits are our own or fixed by the C++ standard, so that a
// seed means the same start on every platform.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "family.h"

namespace em {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }  // in [0, 1)
  Index below(Index n) { return std::min(n - 1, static_cast<Index>(uniform() * static_cast<double>(n))); }

  // An index drawn in proportion to mass, whose sum must be positive.
  Index proportional_to(const Vector& mass);

 private:
  std::mt19937_64 engine_;
};

std::vector<int> kmeans_partition(const Family& family, Index k, Random& random);
std::vector<int> random_partition(const Family& family, Index k, Random& random);
std::vector<Index> random_rows(const Family& family, Index k, Random& random);

}  // namespace em
