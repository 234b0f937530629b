// data.h: the rows that a model is bound to, and all that is told of them.
//
// Nothing is copied: what the pointers point at belongs to somebody else and must outlive all that is bound
// to it. A Data itself is a few words, and copied freely.
#pragma once

#include <algorithm>
#include <vector>

#include "rows.h"

namespace em {

// What is known of rows beforehand, an entry for each row; null where nothing is. A latent structure says
// what becomes of it.
struct Known {
  const int* labels = nullptr;          // 1 .. columns of responsibilities; 0: not known
  const double* log_beliefs = nullptr;  // n x columns of responsibilities
  const double* log_noise = nullptr;    // the log density of noise
};

// Runs of rows that belong together: a person, a series, a document. A latent structure says what that means.
struct Units {
  const int* ends = nullptr;  // how many rows there are up to the end of each: increasing, the last is n
  Index size = 0;             // 0: every row is by itself

  std::vector<Rows> rows() const {
    std::vector<Rows> out;
    Index begin = 0;
    for (Index i = 0; i < size; begin = ends[i], ++i) out.push_back({begin, ends[i] - begin});
    return out;
  }
};

struct Data {
  const double* x = nullptr;  // n x d, column-major
  Index n = 0;
  Index d = 0;
  const double* weights = nullptr;  // n; null where every row counts once
  Known known;
  Units units;

  ConstMatrixMap matrix() const { return {x, n, d}; }
  double weight(Index row) const { return weights ? weights[row] : 1.0; }

  // Added to those of the rows before, a run of rows after the other, so that parts of so many rows give the
  // same sum.
  double total_weight(double before = 0.0) const {
    if (!weights) return before + static_cast<double>(n);
    constexpr Index run = 4096;
    for (Index i = 0; i < n; i += run) before += ConstVectorMap(weights + i, std::min(run, n - i)).sum();
    return before;
  }
};

}  // namespace em
