// fields.h: named views of a model's parameters.
//
// A family or a latent structure describes its parameters once, as Fields. Everything that moves
// parameters about is derived from that one description: R lists in and out (r_convert), the stored
// path, the saved state that a failed step falls back on, coordinates for acceleration.
//
//   Fields fields = family.parameters();
//   Vector theta(packed_size(fields));
//   pack(fields, theta);      // parameters -> theta
//   unpack(theta, fields);    // theta -> parameters, bit for bit
#pragma once

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "eigen.h"

namespace em {

// The set a parameter lives in, hence the transformation (its link) that frees it of constraints.
enum class Scale {
  real,       // any number: means
  positive,   // standard deviations, rates
  unit,       // between 0 and 1: success probabilities
  simplex,    // non-negative, sum to one along the last axis: proportions, rows of a transition matrix
  covariance  // symmetric, positive definite d x d matrices: the first two axes
};

// What an index of a parameter counts.
enum class Axis {
  component,  // what the family gives each a density of its own
  column,     // of responsibilities: the components, and noise where there is some
  variable,   // columns of the data
  category,   // values of a variable
  state       // components of a chain that are met one after the other
};

struct Extent {
  Axis axis;
  Index size;
};

struct Field {
  std::string name;  // the name in the R list
  Scale scale;
  std::vector<Extent> axes;  // the shape in R, first axis fastest; one for a plain vector
  double* data;              // owned by the family or the latent structure

  Index size() const {
    return std::accumulate(axes.begin(), axes.end(), Index{1},
                           [](Index size, const Extent& extent) { return size * extent.size; });
  }
};

using Fields = std::vector<Field>;

inline Index packed_size(const Fields& fields) {
  Index size = 0;
  for (const Field& field : fields) size += field.size();
  return size;
}

inline void pack(const Fields& fields, VectorRef out) {
  Index at = 0;
  for (const Field& field : fields) {
    std::copy(field.data, field.data + field.size(), out.data() + at);
    at += field.size();
  }
}

inline void unpack(ConstVectorRef in, const Fields& fields) {
  Index at = 0;
  for (const Field& field : fields) {
    std::copy(in.data() + at, in.data() + at + field.size(), field.data);
    at += field.size();
  }
}

}  // namespace em
