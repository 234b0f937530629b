// kernels_linear.h: the expanded form, Phi Theta and R' Phi, as products of tall blocks in register tiles.
// Where `squares` is set the features are the columns of phi and then their squares, made in registers.
#pragma once

#include "kernels_vector.h"

namespace em {
namespace {

// R vectors of rows from row i on, K components.
template <int R, int K, bool squares>
[[gnu::always_inline]] inline void linear_density_tile(ConstBlock phi, std::size_t i, const double* constant,
                                                       const double* theta, Block out) {
  const std::size_t n_features = squares ? 2 * phi.columns : phi.columns;
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
      const double slope = theta[j + k * n_features];
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) sum[r][k] += slope * feature[r];
    }
    if constexpr (squares) {
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) feature[r] *= feature[r];
#pragma GCC unroll 8
      for (int k = 0; k < K; ++k) {
        const double slope = theta[phi.columns + j + k * n_features];
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) sum[r][k] += slope * feature[r];
      }
    }
  }

#pragma GCC unroll 8
  for (int k = 0; k < K; ++k)
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) store(out.data + i + k * out.stride + r * lanes, sum[r][k]);
}

template <int K, bool squares>
void linear_density_columns(ConstBlock phi, const double* constant, const double* theta, Block out) {
  const std::size_t end = vectors(phi.rows) * lanes;
  std::size_t i = 0;
  for (; i + row_tile * lanes <= end; i += row_tile * lanes)
    linear_density_tile<row_tile, K, squares>(phi, i, constant, theta, out);
  for (; i < end; i += lanes) linear_density_tile<1, K, squares>(phi, i, constant, theta, out);
}

template <bool squares>
[[gnu::always_inline]] inline void linear_density_by(ConstBlock phi, const double* constant,
                                                     const double* theta, Block out) {
  constexpr void (*columns[])(ConstBlock, const double*, const double*, Block) = {
      linear_density_columns<1, squares>, linear_density_columns<2, squares>,
      linear_density_columns<3, squares>, linear_density_columns<4, squares>,
      linear_density_columns<5, squares>, linear_density_columns<6, squares>};
  const std::size_t n_features = squares ? 2 * phi.columns : phi.columns;
  std::size_t size = 0;
  for (std::size_t k = 0; k < out.columns; k += size) {
    size = tile_size(out.columns, k, component_tile);
    columns[size - 1](phi, constant + k, theta + k * n_features,
                      {out.data + k * out.stride, out.rows, size, out.stride});
  }
}

void linear_density(ConstBlock phi, const double* constant, const double* theta, Block out) {
  linear_density_by<false>(phi, constant, theta, out);
}

void square_density(ConstBlock x, const double* constant, const double* theta, Block out) {
  linear_density_by<true>(x, constant, theta, out);
}

// What features are made of columns: the columns; these and then their squares; the columns times another.
enum class Made { plain, squares, products };

// The features of F columns from phi.data on, `second` numbers from the columns to their squares in the sums;
// K components from responsibilities.data on.
template <int F, int K, Made made>
[[gnu::always_inline]] inline void linear_sums_tile(ConstBlock phi, const double* times, std::size_t second,
                                                    ConstBlock responsibilities, double* sums,
                                                    std::size_t sums_stride) {
  constexpr int n = made == Made::squares ? 2 * F : F;  // features
  Vec sum[n * K];
#pragma GCC unroll 32
  for (int s = 0; s < n * K; ++s) sum[s] = Vec{};

  const std::size_t end = vectors(phi.rows) * lanes;
  for (std::size_t i = 0; i < end; i += lanes) {
    Vec feature[n];
#pragma GCC unroll 8
    for (int f = 0; f < F; ++f) feature[f] = load(phi.data + i + f * phi.stride);
    if constexpr (made == Made::squares) {
#pragma GCC unroll 8
      for (int f = 0; f < F; ++f) feature[F + f] = feature[f] * feature[f];
    }
    if constexpr (made == Made::products) {
      const Vec other = load(times + i);
#pragma GCC unroll 8
      for (int f = 0; f < F; ++f) feature[f] *= other;
    }
#pragma GCC unroll 8
    for (int k = 0; k < K; ++k) {
      const Vec r = load(responsibilities.data + i + k * responsibilities.stride);
#pragma GCC unroll 8
      for (int f = 0; f < n; ++f) sum[k * n + f] += r * feature[f];
    }
  }

  double total[room_for(n * K)];
  sum_lanes<n * K>(sum, total);
  for (int k = 0; k < K; ++k) {
    double* to = sums + k * sums_stride;
    for (int f = 0; f < F; ++f) to[f] += total[k * n + f];
    for (int f = F; f < n; ++f) to[second + f - F] += total[k * n + f];
  }
}

template <int K, Made made>
void linear_sums_columns(ConstBlock phi, const double* times, ConstBlock responsibilities, double* sums,
                         std::size_t sums_stride) {
  constexpr std::size_t tile = made == Made::squares ? feature_tile / 2 : feature_tile;
  const std::size_t p = phi.columns;
  std::size_t size = 0;
  for (std::size_t j = 0; j < p; j += size) {
    size = tile_size(p, j, tile);
    const ConstBlock some = {phi.data + j * phi.stride, phi.rows, size, phi.stride};
    double* to = sums + j;
    if (size == 1) linear_sums_tile<1, K, made>(some, times, p, responsibilities, to, sums_stride);
    if constexpr (tile > 1) {
      if (size == 2) linear_sums_tile<2, K, made>(some, times, p, responsibilities, to, sums_stride);
    }
    if constexpr (tile > 2) {
      if (size == 3) linear_sums_tile<3, K, made>(some, times, p, responsibilities, to, sums_stride);
      if (size == 4) linear_sums_tile<4, K, made>(some, times, p, responsibilities, to, sums_stride);
    }
  }
}

template <Made made>
[[gnu::always_inline]] inline void linear_sums_by(ConstBlock phi, const double* times,
                                                  ConstBlock responsibilities, double* sums,
                                                  std::size_t sums_stride) {
  constexpr void (*columns[])(ConstBlock, const double*, ConstBlock, double*, std::size_t) = {
      linear_sums_columns<1, made>, linear_sums_columns<2, made>, linear_sums_columns<3, made>,
      linear_sums_columns<4, made>, linear_sums_columns<5, made>, linear_sums_columns<6, made>};
  std::size_t size = 0;
  for (std::size_t k = 0; k < responsibilities.columns; k += size) {
    size = tile_size(responsibilities.columns, k, component_tile);
    columns[size - 1](phi, times,
                      {responsibilities.data + k * responsibilities.stride, responsibilities.rows, size,
                       responsibilities.stride},
                      sums + k * sums_stride, sums_stride);
  }
}

void linear_sums(ConstBlock phi, ConstBlock responsibilities, double* sums, std::size_t sums_stride) {
  linear_sums_by<Made::plain>(phi, nullptr, responsibilities, sums, sums_stride);
}

void square_sums(ConstBlock x, ConstBlock responsibilities, double* sums, std::size_t sums_stride) {
  linear_sums_by<Made::squares>(x, nullptr, responsibilities, sums, sums_stride);
}

void product_sums(ConstBlock x, ConstBlock responsibilities, double* sums, std::size_t sums_stride) {
  linear_sums_by<Made::plain>(x, nullptr, responsibilities, sums, sums_stride);
  sums += x.columns;
  for (std::size_t a = 0; a < x.columns; sums += ++a) {
    const ConstBlock first = {x.data, x.rows, a + 1, x.stride};
    linear_sums_by<Made::products>(first, x.data + a * x.stride, responsibilities, sums, sums_stride);
  }
}

}  // namespace
}  // namespace em
