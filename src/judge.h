// judge.h: what is said of the end of a run: components that lean on too few rows or have no spread, two that
// nearly coincide, and what the fit is worth beside others (Fit::rank).
#pragma once

#include "engine.h"

namespace em {

// Components closer than this are one: EM has stopped on its way between one maximum and another, or the data
// hold no more components. So close are two normal densities whose means are a tenth of a standard deviation
// apart: see Family::distance().
constexpr double coincident = 0.1 * 0.1 / 8.0;

// Effective rows, in parts of one, below which a component is empty. A single row may be worth a bit less
// than 1.
constexpr double least_rows = 0.5;

// The two nearest components, where they are nearer than that; else none.
std::vector<Index> find_coincident(const Family& family, double nearest);

// Fills degenerate, coincident and rank; needs counts, relative_spread, status and component.
void judge(const Model& model, double row_weight, Fit& fit);

}  // namespace em
