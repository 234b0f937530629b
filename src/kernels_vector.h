// kernels_vector.h: vectors of `lanes` doubles: memory, choice, sums, exp and log.
#pragma once

#include "kernels.h"

namespace em {
namespace {

using Vec = double __attribute__((vector_size(lanes * 8)));
using Bits = unsigned long long __attribute__((vector_size(lanes * 8)));
using Mask = decltype(Vec{} < Vec{});  // all bits of a lane set, or none
// In memory, at any address of a double. (A typedef: clang overlooks the alignment in a using-declaration.)
typedef double Memory __attribute__((vector_size(lanes * 8), aligned(8), may_alias));

// Sizes of the register tiles. Vectors of rows: row_tile. Components: component_tile. Both sides of the tile
// of a matrix of sums: square_tile; features in a tile of sums: feature_tile.
constexpr int row_tile = registers == 32 ? 4 : 2;
constexpr int component_tile = 6;
constexpr int feature_tile = registers == 32 ? 4 : 2;
constexpr int square_tile = registers == 32 ? 5 : 3;

constexpr double infinity = __builtin_huge_val();

[[gnu::always_inline]] inline Vec load(const double* p) { return *reinterpret_cast<const Memory*>(p); }
[[gnu::always_inline]] inline void store(double* p, Vec v) { *reinterpret_cast<Memory*>(p) = v; }

// All lanes a. (0 + a would cost an addition: it differs for a = -0.)
[[gnu::always_inline]] inline Vec all(double a) { return a - Vec{}; }

// Vectors in a column.
[[gnu::always_inline]] inline std::size_t vectors(std::size_t rows) { return (rows + lanes - 1) / lanes; }

// n things in tiles of at most `tile`, as equal as they can be: the size of the tile that starts at `at`.
[[gnu::always_inline]] inline std::size_t tile_size(std::size_t n, std::size_t at, std::size_t tile) {
  const std::size_t left = n - at;
  const std::size_t tiles = (left + tile - 1) / tile;
  return (left + tiles - 1) / tiles;
}

// ---- sums of lanes ----

template <int... I>
struct Sequence {};
template <std::size_t n>
struct Lanes;
template <>
struct Lanes<2> {
  using All = Sequence<0, 1>;
};
template <>
struct Lanes<4> {
  using All = Sequence<0, 1, 2, 3>;
};
template <>
struct Lanes<8> {
  using All = Sequence<0, 1, 2, 3, 4, 5, 6, 7>;
};

// Where lane i of a merge of a and b (whose lanes count on from a's) comes from: runs of `step` lanes, from a
// and from b in turn, the first (half = 0) or the second (half = 1) run of each pair.
constexpr int merged_lane(int i, int step, int half) {
  const int pair = i / (2 * step) * (2 * step);
  const int within = i % (2 * step);
  const int from_b = within >= step ? 1 : 0;
  return from_b * static_cast<int>(lanes) + pair + within % step + half * step;
}

template <int step, int... I>
[[gnu::always_inline]] inline Vec merge(Vec a, Vec b, Sequence<I...>) {
#ifdef __clang__
  return __builtin_shufflevector(a, b, merged_lane(I, step, 0)...) +
         __builtin_shufflevector(a, b, merged_lane(I, step, 1)...);
#else
  return __builtin_shuffle(a, b, Mask{merged_lane(I, step, 0)...}) +
         __builtin_shuffle(a, b, Mask{merged_lane(I, step, 1)...});
#endif
}

// The sums of n vectors, n at most `lanes`, as one vector (zeros behind): a tree of merges.
template <int step, int n>
[[gnu::always_inline]] inline Vec sums_of(const Vec* v) {
  if constexpr (n <= 0) {
    return Vec{};
  } else if constexpr (step == 0) {
    return v[0];
  } else {
    return merge<step>(sums_of<step / 2, (n < step ? n : step)>(v), sums_of<step / 2, n - step>(v + step),
                       typename Lanes<lanes>::All{});
  }
}

// out[i] = the sum of the lanes of v[i]. out has room for n rounded up to a multiple of `lanes`.
template <int n>
[[gnu::always_inline]] inline void sum_lanes(const Vec* v, double* out) {
  constexpr int whole = static_cast<int>(lanes);
  store(out, sums_of<whole / 2, (n < whole ? n : whole)>(v));
  if constexpr (n > whole) sum_lanes<n - whole>(v + whole, out + whole);
}

constexpr int room_for(int n) { return (n + 7) / 8 * 8; }

[[gnu::always_inline]] inline double sum_lanes(Vec v) {
  double sum[room_for(1)];
  sum_lanes<1>(&v, sum);
  return sum[0];
}

// ---- exp and log ----

// exp(x) for x <= 0, relative error below 2.5e-16; 0 below -709; NaN passes.
// With x = n log 2 + r, it is 2^n (1 + r + r^2 q(r)); q has degree 9 (relative error 1.6e-17).
// The shift rounds to a whole number and leaves n + 1023, the exponent of 2^n, in the low bits: none is left
// at the lowest x, and 2^n is 0 there.
[[gnu::always_inline]] inline Vec exp_vector(Vec x) {
  constexpr double shift = 6755399441055744.0 + 1023;  // 1.5 2^52 + 1023
  const Vec lowest = all(-1023 * 0.6931471805599453);
  x = lowest > x ? lowest : x;
  const Vec shifted = x * 1.4426950408889634 + shift;
  const Vec n = shifted - shift;
  const Vec r = (x - n * 0.6931471805582987) - n * 1.6465949582897082e-12;
  const Vec r2 = r * r;
  Vec even = r2 * 2.7620088445409746e-07 + 2.4801521295954376e-05;
  Vec odd = r2 * 2.510038549551032e-08 + 2.7557268459997064e-06;
  even = even * r2 + 0.0013888888917213717;
  odd = odd * r2 + 0.00019841269863053618;
  even = even * r2 + 0.04166666666662413;
  odd = odd * r2 + 0.008333333333330062;
  even = even * r2 + 0.5000000000000001;
  odd = odd * r2 + 0.16666666666666669;
  const Vec q = odd * r + even;
  const Vec power = reinterpret_cast<Vec>(reinterpret_cast<Bits>(shifted) << 52);
  return (q * r2 + r) * power + power;
}

// log(s) for s positive, finite and not denormal; NaN passes. s = 2^e m with m in [sqrt(1/2), sqrt(2)); with
// f = m - 1 and z = f / (2 + f), log m = 2 artanh z = f - z (f - 2 z^2 (1/3 + z^2/5 + ...)).
[[gnu::always_inline]] inline Vec log_vector(Vec s) {
  constexpr double two52 = 4503599627370496.0;
  const Bits bits = reinterpret_cast<Bits>(s);
  Vec m = reinterpret_cast<Vec>((bits & 0x000fffffffffffffULL) | 0x3ff0000000000000ULL);
  Vec e = reinterpret_cast<Vec>((bits >> 52) | 0x4330000000000000ULL) - (two52 + 1023);
  const Mask big = m > 1.4142135623730951;
  m = big ? m * 0.5 : m;
  e = big ? e + 1.0 : e;
  const Vec f = m - 1.0;
  const Vec z = f / (2.0 + f);
  const Vec z2 = z * z;
  Vec series = all(1.0 / 23);
  series = series * z2 + 1.0 / 21;
  series = series * z2 + 1.0 / 19;
  series = series * z2 + 1.0 / 17;
  series = series * z2 + 1.0 / 15;
  series = series * z2 + 1.0 / 13;
  series = series * z2 + 1.0 / 11;
  series = series * z2 + 1.0 / 9;
  series = series * z2 + 1.0 / 7;
  series = series * z2 + 1.0 / 5;
  series = series * z2 + 1.0 / 3;
  const Vec value = e * 0.6931471805582987 + (f - (z * (f - 2.0 * z2 * series) - e * 1.6465949582897082e-12));
  return value + (s - s);  // NaN again, where s was
}

// The whole vectors of x in place, then the rest by way of a padded copy.
void exp_all(double* x, std::size_t n) {
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) store(x + i, exp_vector(load(x + i)));
  double tail[lanes] = {};
  for (std::size_t l = 0; i + l < n; ++l) tail[l] = x[i + l];
  store(tail, exp_vector(load(tail)));
  for (std::size_t l = 0; i + l < n; ++l) x[i + l] = tail[l];
}

void log_all(double* x, std::size_t n) {
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) store(x + i, log_vector(load(x + i)));
  double tail[lanes] = {};
  for (std::size_t l = 0; i + l < n; ++l) tail[l] = x[i + l];
  store(tail, log_vector(load(tail)));
  for (std::size_t l = 0; i + l < n; ++l) x[i + l] = tail[l];
}

}  // namespace
}  // namespace em
