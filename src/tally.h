// tally.h: counts as rows of two numbers, successes and trials, checked; and equal rows of counts or codes
// made one.
//
// A mixture sees nothing of a row but its numbers, so that equal rows with their weights summed have the same
// likelihood: a million rows are often a thousand different ones.
#pragma once

#include <vector>

#include "eigen.h"

namespace em {

struct Counts {
  // Whole numbers, 0 <= successes <= trials, in every row, and all trials together a number that doubles can
  // count.
  bool sound = true;
  std::vector<Index> empty;  // rows without trials
};

// Writes successes and trials, n each, one behind the other. failures: the second column of the data; or
// null, and then trials are given (one, or n). A row with a missing count becomes a row without trials.
Counts count_rows(Index n, const double* successes, const double* failures, const double* trials,
                  bool one_for_all, double* out);

struct Tally {
  std::vector<Index> first;     // the row where each different one was first met, in that order
  std::vector<double> weights;  // summed
};

// The different rows of n x d whole numbers, NaN where one is missing. weights: null where each row counts
// once.
Tally tally_rows(const double* x, Index n, Index d, const double* weights);

}  // namespace em
