// family_gaussian_missing_room.h: what the forms of FamilyGaussianMissing about the centre keep and work
// with.
#pragma once

#include <algorithm>

#include "blocks.h"
#include "family_gaussian_missing.h"

namespace em {

// With more cells observed, products of two columns are summed in square tiles, about the means.
constexpr Index few_observed = 16;

// What a pattern of o observed and m missing columns has in the store. One of `each` where all components
// have one covariance.
struct FamilyGaussianMissing::Parts {
  Parts(Index o, Index m, Index each, Index k, double* at)
      : factors(at),
        slopes(factors + each * o * o),
        rest(slopes + each * m * o),
        offsets(rest + each * m * m),
        constants(offsets + k * o),
        tops(constants + k) {}

  double* factors;    // o x o for each: F, the inverse of the factor of Sigma_oo
  double* slopes;     // o x m for each: W'
  double* rest;       // m x m for each: C
  double* offsets;    // o for each component: F m, m or F'F m; or, where diagonal, 2 o for both features
  double* constants;  // one for each component
  double* tops;       // log densities at the means
};

// What a run needs besides x. The kernels take whole vectors of rows, so numbers that come and go by row have
// padded columns of their own here.
struct FamilyGaussianMissing::Room {
  Room(Index d, Index k, Index block_rows, double* at)
      : stride(static_cast<Index>(block_stride(size_of(block_rows)))),
        columns(aligned(at)),
        scratch(columns + (k + 1) * stride),
        sums(scratch + full_scratch(size_of(block_rows), size_of(d))),
        products(sums + k * d * (d + 3)),
        half(products + d * d),
        first(half + d),
        zeros(first + d),
        factor(zeros + d) {}

  static Index size(Index d, Index k, Index block_rows) {
    const Index stride = static_cast<Index>(block_stride(size_of(block_rows)));
    return 8 + (k + 1) * stride + static_cast<Index>(full_scratch(size_of(block_rows), size_of(d))) +
           k * d * (d + 3) + d * d + 3 * d + 2 * d * d + 1 + k * (d * d + 2 * d + 2);
  }

  Index stride;
  double* columns;   // K, and one more
  double* scratch;   // of the kernels
  double* sums;      // of features
  double* products;  // o x o
  double* half;      // a row of W products
  double* first;
  double* zeros;
  double* factor;  // where a pattern is factored, and its parts, where there is no store
};

// The rows of a run and what was found of them: its pattern, its columns of x about the centre, and for each
// component what its rows weigh and how many of them are filled in.
struct FamilyGaussianMissing::Sums {
  const Pattern& pattern;
  Parts parts;
  const Room& room;
  ConstBlock x;
  const Vector& counts;
  const Vector& filled;
};

// visit(rows of the run, its pattern's number, its block). Every run has a block of its own behind those
// before it.
template <class Visit>
void FamilyGaussianMissing::for_each_block(Rows rows, double* work, Visit visit) const {
  double* at = work;
  for_each_run(rows, [&](Rows run, std::size_t number) {
    const Index observed = plan_->patterns[number].observed;
    const Block x{at, size_of(run.size), size_of(observed), block_stride(size_of(run.size))};
    at += x.columns * x.stride;
    visit(run, number, x);
  });
}

}  // namespace em
