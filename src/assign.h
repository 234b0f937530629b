// assign.h: what becomes of responsibilities between an E-step and the M-step behind it.
//
//   expected  nothing: EM
//   hard      each unit goes wholly to its most probable column (the first of equals): classification EM
//   (Celeux
//             & Govaert 1992), which climbs the classification log-likelihood, sum w_i log pi_z f_z(x_i)
//   drawn     each unit goes wholly to a column drawn with its responsibilities: stochastic EM (Celeux &
//   Diebolt
//             1985), which climbs nothing
//
// No family and no latent structure knows of it. What is drawn depends on the seed, the number of the pass
// and the unit alone, so that it is the same for any number of threads.
#pragma once

#include <cstdint>

#include "eigen.h"
#include "rows.h"

namespace em {

enum class Assignment { expected, hard, drawn };

// A number that looks drawn for each whole one (Steele, Lea & Flood 2014), and one in [0, 1) for a row's key.
std::uint64_t scramble(std::uint64_t z);
double drawn_at(std::uint64_t base, std::uint64_t row);

struct Assigner {
  Assignment kind = Assignment::expected;
  std::uint64_t seed = 0;
  int pass = 0;

  bool changes() const { return kind != Assignment::expected; }

  // In: w_i r_ik of a unit's rows. Out: w_i in one column, 0 in the others. together: all rows have the same
  // column, that of the first; else each its own. Returns sum w_i log r_iz where the objective has it, else
  // 0.
  double assign(Rows unit, bool together, const double* weights, MatrixRef inout) const;
};

}  // namespace em
