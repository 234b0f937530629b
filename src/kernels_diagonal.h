// kernels_diagonal.h: Gaussians with diagonal covariances, by differences from the means.
#pragma once

#include "kernels_vector.h"

namespace em {
namespace {

template <int R, int K>
[[gnu::always_inline]] inline void diagonal_density_tile(ConstBlock x, std::size_t i, const double* means,
                                                         const double* inverse_sd, const double* constant,
                                                         Block out) {
  Vec sum[R][K];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int k = 0; k < K; ++k) sum[r][k] = Vec{};

  for (std::size_t j = 0; j < x.columns; ++j) {
    Vec value[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) value[r] = load(x.data + i + j * x.stride + r * lanes);
#pragma GCC unroll 8
    for (int k = 0; k < K; ++k) {
      const double mean = means[j + k * x.columns];
      const double scale = inverse_sd[j + k * x.columns];
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const Vec u = (value[r] - mean) * scale;
        sum[r][k] += u * u;
      }
    }
  }

#pragma GCC unroll 8
  for (int k = 0; k < K; ++k)
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
      store(out.data + i + k * out.stride + r * lanes, constant[k] - 0.5 * sum[r][k]);
}

template <int K>
[[gnu::always_inline]] inline void diagonal_density_columns(ConstBlock x, const double* means,
                                                            const double* inverse_sd, const double* constant,
                                                            Block out) {
  const std::size_t end = vectors(x.rows) * lanes;
  std::size_t i = 0;
  for (; i + row_tile * lanes <= end; i += row_tile * lanes)
    diagonal_density_tile<row_tile, K>(x, i, means, inverse_sd, constant, out);
  for (; i < end; i += lanes) diagonal_density_tile<1, K>(x, i, means, inverse_sd, constant, out);
}

void diagonal_density(ConstBlock x, const double* means, const double* inverse_sd, const double* constant,
                      Block out) {
  std::size_t size = 0;
  for (std::size_t k = 0; k < out.columns; k += size) {
    size = tile_size(out.columns, k, 4);
    const Block columns = {out.data + k * out.stride, out.rows, size, out.stride};
    const double* mean = means + k * x.columns;
    const double* scale = inverse_sd + k * x.columns;
    if (size == 1) diagonal_density_columns<1>(x, mean, scale, constant + k, columns);
    if (size == 2) diagonal_density_columns<2>(x, mean, scale, constant + k, columns);
    if (size == 3) diagonal_density_columns<3>(x, mean, scale, constant + k, columns);
    if (size == 4) diagonal_density_columns<4>(x, mean, scale, constant + k, columns);
  }
}

// D dimensions from x.data on, one component.
template <int D>
[[gnu::always_inline]] inline void diagonal_sums_tile(ConstBlock x, const double* mean, const double* r,
                                                      double* s1, double* s2) {
  Vec sum[2 * D];
#pragma GCC unroll 16
  for (int s = 0; s < 2 * D; ++s) sum[s] = Vec{};

  const std::size_t end = vectors(x.rows) * lanes;
  for (std::size_t i = 0; i < end; i += lanes) {
    const Vec weight = load(r + i);
#pragma GCC unroll 8
    for (int j = 0; j < D; ++j) {
      const Vec y = load(x.data + i + j * x.stride) - mean[j];
      const Vec z = weight * y;
      sum[j] += z;
      sum[D + j] += z * y;
    }
  }

  double total[room_for(2 * D)];
  sum_lanes<2 * D>(sum, total);
  for (int j = 0; j < D; ++j) s1[j] += total[j];
  for (int j = 0; j < D; ++j) s2[j] += total[D + j];
}

void diagonal_sums(ConstBlock x, const double* means, ConstBlock responsibilities, double* s1, double* s2) {
  const std::size_t d = x.columns;
  for (std::size_t k = 0; k < responsibilities.columns; ++k) {
    const double* r = responsibilities.data + k * responsibilities.stride;
    std::size_t size = 0;
    for (std::size_t j = 0; j < d; j += size) {
      size = tile_size(d, j, 4);
      const ConstBlock columns = {x.data + j * x.stride, x.rows, size, x.stride};
      const std::size_t at = j + k * d;
      if (size == 1) diagonal_sums_tile<1>(columns, means + at, r, s1 + at, s2 + at);
      if (size == 2) diagonal_sums_tile<2>(columns, means + at, r, s1 + at, s2 + at);
      if (size == 3) diagonal_sums_tile<3>(columns, means + at, r, s1 + at, s2 + at);
      if (size == 4) diagonal_sums_tile<4>(columns, means + at, r, s1 + at, s2 + at);
    }
  }
}

}  // namespace
}  // namespace em
