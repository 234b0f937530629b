// kernels_linear.h: the expanded form, Phi Theta and R' Phi, as products of tall blocks in register tiles.
#pragma once

#include "kernels_vector.h"

namespace em {
namespace {

// R vectors of rows from row i on, K components.
template <int R, int K>
[[gnu::always_inline]] inline void linear_density_tile(ConstBlock phi, std::size_t i, const double* constant,
                                                       const double* theta, Block out) {
  Vec sum[R][K];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int k = 0; k < K; ++k) sum[r][k] = all(constant[k]);

  const double* x = phi.data + i;
  for (std::size_t j = 0; j < phi.columns; ++j, x += phi.stride) {
    Vec feature[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) feature[r] = load(x + r * lanes);
#pragma GCC unroll 8
    for (int k = 0; k < K; ++k) {
      const double slope = theta[j + k * phi.columns];
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) sum[r][k] += slope * feature[r];
    }
  }

#pragma GCC unroll 8
  for (int k = 0; k < K; ++k)
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) store(out.data + i + k * out.stride + r * lanes, sum[r][k]);
}

template <int K>
void linear_density_columns(ConstBlock phi, const double* constant, const double* theta, Block out) {
  const std::size_t end = vectors(phi.rows) * lanes;
  std::size_t i = 0;
  for (; i + row_tile * lanes <= end; i += row_tile * lanes)
    linear_density_tile<row_tile, K>(phi, i, constant, theta, out);
  for (; i < end; i += lanes) linear_density_tile<1, K>(phi, i, constant, theta, out);
}

void linear_density(ConstBlock phi, const double* constant, const double* theta, Block out) {
  constexpr void (*columns[])(ConstBlock, const double*, const double*, Block) = {
      linear_density_columns<1>, linear_density_columns<2>, linear_density_columns<3>,
      linear_density_columns<4>, linear_density_columns<5>, linear_density_columns<6>};
  std::size_t size = 0;
  for (std::size_t k = 0; k < out.columns; k += size) {
    size = tile_size(out.columns, k, component_tile);
    columns[size - 1](phi, constant + k, theta + k * phi.columns,
                      {out.data + k * out.stride, out.rows, size, out.stride});
  }
}

// F features from phi.data on, K components from responsibilities.data on.
template <int F, int K>
[[gnu::always_inline]] inline void linear_sums_tile(ConstBlock phi, ConstBlock responsibilities, double* sums,
                                                    std::size_t sums_stride) {
  Vec sum[F * K];
#pragma GCC unroll 32
  for (int s = 0; s < F * K; ++s) sum[s] = Vec{};

  const std::size_t end = vectors(phi.rows) * lanes;
  for (std::size_t i = 0; i < end; i += lanes) {
    Vec feature[F];
#pragma GCC unroll 8
    for (int f = 0; f < F; ++f) feature[f] = load(phi.data + i + f * phi.stride);
#pragma GCC unroll 8
    for (int k = 0; k < K; ++k) {
      const Vec r = load(responsibilities.data + i + k * responsibilities.stride);
#pragma GCC unroll 8
      for (int f = 0; f < F; ++f) sum[k * F + f] += r * feature[f];
    }
  }

  double total[room_for(F * K)];
  sum_lanes<F * K>(sum, total);
  for (int k = 0; k < K; ++k)
    for (int f = 0; f < F; ++f) sums[f + k * sums_stride] += total[k * F + f];
}

template <int K>
void linear_sums_columns(ConstBlock phi, ConstBlock responsibilities, double* sums, std::size_t sums_stride) {
  std::size_t size = 0;
  for (std::size_t j = 0; j < phi.columns; j += size) {
    size = tile_size(phi.columns, j, feature_tile);
    const ConstBlock features = {phi.data + j * phi.stride, phi.rows, size, phi.stride};
    if (size == 1) linear_sums_tile<1, K>(features, responsibilities, sums + j, sums_stride);
    if (size == 2) linear_sums_tile<2, K>(features, responsibilities, sums + j, sums_stride);
    if constexpr (feature_tile > 2) {
      if (size == 3) linear_sums_tile<3, K>(features, responsibilities, sums + j, sums_stride);
      if (size == 4) linear_sums_tile<4, K>(features, responsibilities, sums + j, sums_stride);
    }
  }
}

void linear_sums(ConstBlock phi, ConstBlock responsibilities, double* sums, std::size_t sums_stride) {
  constexpr void (*columns[])(ConstBlock, ConstBlock, double*, std::size_t) = {
      linear_sums_columns<1>, linear_sums_columns<2>, linear_sums_columns<3>,
      linear_sums_columns<4>, linear_sums_columns<5>, linear_sums_columns<6>};
  std::size_t size = 0;
  for (std::size_t k = 0; k < responsibilities.columns; k += size) {
    size = tile_size(responsibilities.columns, k, component_tile);
    columns[size - 1](phi,
                      {responsibilities.data + k * responsibilities.stride, responsibilities.rows, size,
                       responsibilities.stride},
                      sums + k * sums_stride, sums_stride);
  }
}

}  // namespace
}  // namespace em
