// chart_fields.h: free coordinates of parameters that are numbers or probabilities, from their description.
//
//   real      theta0 + z unit
//   positive  theta0 exp(z unit)
//   unit      odds(theta) = odds(theta0) exp(z unit)
//   simplex   log theta = log theta0 + A z, less what keeps the sum: one coordinate less than there are
//   entries
//             along the last axis, for each of the others' places
//
// The unit is 1 / sqrt(information), that of a simplex makes the information of one row the identity. What is
// held has no coordinate. What lies on a boundary, or as good as there, stays: EM comes to it in ever smaller
// steps, and stops short of it. Its coordinate (of a simplex, the last ones) does nothing and has slope 0.
#pragma once

#include <functional>
#include <memory>

#include "chart.h"
#include "fields.h"

namespace em {

// What statistics say of each parameter, packed as the fields, on the link of its scale: itself, logarithm,
// logit; for a simplex the logarithm, as if the sum were free.
//   slope        d log-likelihood / d link. Of a simplex: the expected counts
//   rows         how many rows (trials, events) speak of it. Of a simplex: the expected counts
//   information  what one of them tells about the link. Comes in as what the scale implies (unit: p (1 - p),
//                else 1), so that only real parameters, and what knows better, need to say
using Score =
    std::function<void(ConstVectorRef statistics, VectorRef slope, VectorRef rows, VectorRef information)>;

// Fewer expected rows (or successes, failures, events) than this speak for a boundary.
constexpr double least_count = 1e-4;

// held: packed as the fields, NaN where free; empty where all is. statistics: of an E-step at the present
// parameters. There must be no field of Scale::covariance.
std::unique_ptr<Chart> make_field_chart(const Fields& fields, const Vector& held, ConstVectorRef statistics,
                                        Score score);

}  // namespace em
