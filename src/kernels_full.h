// kernels_full.h: Gaussians with full covariances, by differences from the means, any number of dimensions.
//
// The d x d work of a row is done in square tiles of registers; tiles above the diagonal are skipped, and so
// is what lies above it in the tiles on it. Differences from the means are taken again in each tile, which is
// faster than to write them to memory; only the densities of many dimensions gain from that.
#pragma once

#include "kernels_vector.h"

namespace em {
namespace {

constexpr std::size_t few_dimensions = 16;

// What is taken from x before it is multiplied by the factor, or (offset) from the product behind it.
enum class Centre { none, mean, offset };

template <Centre from>
[[gnu::always_inline]] inline Vec difference(const double* x, const double* centre, std::size_t j) {
  if constexpr (from == Centre::mean)
    return load(x) - centre[j];
  else
    return load(x);
}

// Adds to norm the squares of the J elements of factor (x - mean), or of factor x - offset, from element `at`
// on; R vectors of rows.
template <int R, int J, Centre from>
[[gnu::always_inline]] inline void whiten_tile(const double* x, std::size_t stride, const double* centre,
                                               const double* factor, std::size_t d, std::size_t at,
                                               Vec* norm) {
  Vec y[R][J];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int j = 0; j < J; ++j) y[r][j] = from == Centre::offset ? all(-centre[at + j]) : Vec{};

  const double* column = factor + at;
  for (std::size_t i = 0; i < at; ++i, column += d, x += stride) {
    Vec u[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) u[r] = difference<from>(x + r * lanes, centre, i);
#pragma GCC unroll 8
    for (int j = 0; j < J; ++j)
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) y[r][j] += column[j] * u[r];
  }
#pragma GCC unroll 8
  for (int i = 0; i < J; ++i) {
    Vec u[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) u[r] = difference<from>(x + i * stride + r * lanes, centre, at + i);
#pragma GCC unroll 8
    for (int j = i; j < J; ++j)
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) y[r][j] += column[i * d + j] * u[r];
  }

#pragma GCC unroll 8
  for (int j = 0; j < J; ++j)
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) norm[r] += y[r][j] * y[r][j];
}

template <int R, Centre from>
[[gnu::always_inline]] inline void whiten(const double* x, std::size_t stride, std::size_t d,
                                          const double* centre, const double* factor, double constant,
                                          double* out) {
  Vec norm[R];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) norm[r] = Vec{};
  std::size_t size = 0;
  for (std::size_t at = 0; at < d; at += size) {
    size = tile_size(d, at, square_tile);
    if (size == 1) whiten_tile<R, 1, from>(x, stride, centre, factor, d, at, norm);
    if (size == 2) whiten_tile<R, 2, from>(x, stride, centre, factor, d, at, norm);
    if (size == 3) whiten_tile<R, 3, from>(x, stride, centre, factor, d, at, norm);
    if constexpr (square_tile > 3) {
      if (size == 4) whiten_tile<R, 4, from>(x, stride, centre, factor, d, at, norm);
      if (size == 5) whiten_tile<R, 5, from>(x, stride, centre, factor, d, at, norm);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) store(out + r * lanes, constant - 0.5 * norm[r]);
}

// The same about a mean, choosing how to take the differences.
template <int R>
void whiten_rows(const double* x, std::size_t stride, std::size_t d, const double* mean, const double* factor,
                 double constant, double* scratch, double* out) {
  if (d <= few_dimensions) {
    whiten<R, Centre::mean>(x, stride, d, mean, factor, constant, out);
  } else {
    for (std::size_t j = 0; j < d; ++j)
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r)
        store(scratch + (j * R + r) * lanes, load(x + j * stride + r * lanes) - mean[j]);
    whiten<R, Centre::none>(scratch, R * lanes, d, mean, factor, constant, out);
  }
}

void full_density(ConstBlock x, const double* means, const double* factors, std::size_t factor_stride,
                  const double* constant, double* scratch, Block out) {
  const std::size_t d = x.columns;
  const std::size_t end = vectors(x.rows) * lanes;
  const std::size_t whole = end - end % (row_tile * lanes);
  for (std::size_t k = 0; k < out.columns; ++k) {
    const double* mean = means + k * d;
    const double* factor = factors + k * factor_stride;
    double* to = out.data + k * out.stride;
    for (std::size_t i = 0; i < whole; i += row_tile * lanes)
      whiten_rows<row_tile>(x.data + i, x.stride, d, mean, factor, constant[k], scratch, to + i);
    for (std::size_t i = whole; i < end; i += lanes)
      whiten_rows<1>(x.data + i, x.stride, d, mean, factor, constant[k], scratch, to + i);
  }
}

void offset_density(ConstBlock x, const double* offsets, const double* factors, const double* constant,
                    Block out) {
  const std::size_t d = x.columns;
  const std::size_t end = vectors(x.rows) * lanes;
  const std::size_t whole = end - end % (row_tile * lanes);
  for (std::size_t k = 0; k < out.columns; ++k) {
    const double* offset = offsets + k * d;
    const double* factor = factors + k * d * d;
    double* to = out.data + k * out.stride;
    for (std::size_t i = 0; i < whole; i += row_tile * lanes)
      whiten<row_tile, Centre::offset>(x.data + i, x.stride, d, offset, factor, constant[k], to + i);
    for (std::size_t i = whole; i < end; i += lanes)
      whiten<1, Centre::offset>(x.data + i, x.stride, d, offset, factor, constant[k], to + i);
  }
}

// z = r (x - mean) for A columns, and their sums to s1.
template <int A>
[[gnu::always_inline]] inline void weigh(ConstBlock x, const double* mean, const double* r, double* z,
                                         std::size_t z_stride, double* s1) {
  Vec sum[A];
#pragma GCC unroll 8
  for (int a = 0; a < A; ++a) sum[a] = Vec{};
  const std::size_t end = vectors(x.rows) * lanes;
  for (std::size_t i = 0; i < end; i += lanes) {
    const Vec weight = load(r + i);
#pragma GCC unroll 8
    for (int a = 0; a < A; ++a) {
      const Vec product = weight * (load(x.data + i + a * x.stride) - mean[a]);
      store(z + i + a * z_stride, product);
      sum[a] += product;
    }
  }
  double total[room_for(A)];
  sum_lanes<A>(sum, total);
  for (int a = 0; a < A; ++a) s1[a] += total[a];
}

// s2[a + b d] += sum over rows of z_a (x_b - mean_b); only b <= a where the tile lies on the diagonal.
template <int A, int B, bool diagonal>
void cross_tile(ConstBlock z, ConstBlock x, const double* mean, double* s2, std::size_t d) {
  constexpr int n = diagonal ? A * (A + 1) / 2 : A * B;
  Vec sum[n];
#pragma GCC unroll 32
  for (int s = 0; s < n; ++s) sum[s] = Vec{};

  const std::size_t end = vectors(x.rows) * lanes;
  for (std::size_t i = 0; i < end; i += lanes) {
    Vec weighted[A];
#pragma GCC unroll 8
    for (int a = 0; a < A; ++a) weighted[a] = load(z.data + i + a * z.stride);
#pragma GCC unroll 8
    for (int b = 0; b < B; ++b) {
      const Vec y = load(x.data + i + b * x.stride) - mean[b];
#pragma GCC unroll 8
      for (int a = diagonal ? b : 0; a < A; ++a)
        sum[diagonal ? a * (a + 1) / 2 + b : a + b * A] += weighted[a] * y;
    }
  }

  double total[room_for(n)];
  sum_lanes<n>(sum, total);
  for (int b = 0; b < B; ++b)
    for (int a = diagonal ? b : 0; a < A; ++a)
      s2[a + b * d] += total[diagonal ? a * (a + 1) / 2 + b : a + b * A];
}

// Columns `at` to `at` + A of one component: z, the tiles to the left of the diagonal, the tile on it.
template <int A>
void scatter_rows(ConstBlock x, std::size_t at, const double* mean, const double* r, double* scratch,
                  double* s1, double* s2) {
  const std::size_t d = x.columns;
  const ConstBlock z = {scratch, x.rows, A, block_stride(x.rows)};
  const ConstBlock own = {x.data + at * x.stride, x.rows, A, x.stride};
  weigh<A>(own, mean + at, r, scratch, z.stride, s1 + at);
  std::size_t size = 0;
  for (std::size_t b = 0; b < at; b += size) {
    size = tile_size(d, b, square_tile);
    const ConstBlock columns = {x.data + b * x.stride, x.rows, size, x.stride};
    double* to = s2 + at + b * d;
    if (size == A) cross_tile<A, A, false>(z, columns, mean + b, to, d);
    if constexpr (A < square_tile) {
      if (size == A + 1) cross_tile<A, A + 1, false>(z, columns, mean + b, to, d);
    }
  }
  cross_tile<A, A, true>(z, own, mean + at, s2 + at + at * d, d);
}

void full_sums(ConstBlock x, const double* means, ConstBlock responsibilities, double* s1, double* s2,
               std::size_t s2_stride, double* scratch) {
  const std::size_t d = x.columns;
  for (std::size_t k = 0; k < responsibilities.columns; ++k) {
    const double* mean = means + k * d;
    const double* r = responsibilities.data + k * responsibilities.stride;
    double* first = s1 + k * d;
    double* second = s2 + k * s2_stride;
    std::size_t size = 0;
    for (std::size_t at = 0; at < d; at += size) {
      size = tile_size(d, at, square_tile);
      if (size == 1) scatter_rows<1>(x, at, mean, r, scratch, first, second);
      if (size == 2) scatter_rows<2>(x, at, mean, r, scratch, first, second);
      if (size == 3) scatter_rows<3>(x, at, mean, r, scratch, first, second);
      if constexpr (square_tile > 3) {
        if (size == 4) scatter_rows<4>(x, at, mean, r, scratch, first, second);
        if (size == 5) scatter_rows<5>(x, at, mean, r, scratch, first, second);
      }
    }
  }
}

}  // namespace
}  // namespace em
