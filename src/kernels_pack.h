// kernels_pack.h: the block as the other kernels want it, and features made from it.
#pragma once

#include "kernels_vector.h"

namespace em {
namespace {

void pack(ConstBlock x, const double* centre, const double* scale, Block out) {
  const std::size_t padded = padded_rows(x.rows);
  for (std::size_t j = 0; j < x.columns; ++j) {
    const double* from = x.data + j * x.stride;
    double* to = out.data + j * out.stride;
    const double c = centre == nullptr ? 0.0 : centre[j];
    const double s = scale == nullptr ? 1.0 : scale[j];
    std::size_t i = 0;
    for (; i + lanes <= x.rows; i += lanes) store(to + i, (load(from + i) - c) * s);
    for (; i < x.rows; ++i) to[i] = (from[i] - c) * s;
    for (; i < padded; ++i) to[i] = 0.0;
  }
}

void pack_norm(ConstBlock x, Block out) {
  for (std::size_t i = 0; i < vectors(x.rows) * lanes; i += lanes) {
    Vec sum{};
    for (std::size_t j = 0; j < x.columns; ++j) {
      const Vec a = load(x.data + j * x.stride + i);
      sum += a * a;
    }
    store(out.data + i, sum);
  }
}

void pack_products(ConstBlock x, Block out) {
  double* to = out.data;
  for (std::size_t a = 0; a < x.columns; ++a) {
    for (std::size_t b = 0; b <= a; ++b, to += out.stride) {
      const double* xa = x.data + a * x.stride;
      const double* xb = x.data + b * x.stride;
      for (std::size_t i = 0; i < vectors(x.rows) * lanes; i += lanes)
        store(to + i, load(xa + i) * load(xb + i));
    }
  }
}

}  // namespace
}  // namespace em
