// kernels_impl.h: all kernels, written once; included by one file for each instruction set.
//
// The including file sets the target by pragma and defines, in an anonymous namespace of em, the constants
// `lanes` (doubles in a vector) and `registers` (vector registers). All that is included here lives in that
// anonymous namespace and uses no library: an inline function of a library, compiled for AVX-512, could be
// the copy that the linker keeps for the whole program, and would crash processors without it. For the same
// reason the table of kernels is a constant: its making runs no code when the library is loaded.
//
// Vectors are GCC and Clang vector extensions; loops over registers are unrolled by pragma, as -O2 does not.
#pragma once

#include "kernels_diagonal.h"
#include "kernels_full.h"
#include "kernels_linear.h"
#include "kernels_pack.h"
#include "kernels_posterior.h"
#include "kernels_tails.h"
#include "kernels_vector.h"

namespace em {
namespace {

constexpr Kernels make_kernels(const char* name) {
  return {name,          lanes,          pack,        pack_norm,      pack_products, linear_density,
          linear_sums,   square_density, square_sums, product_sums,   drop_below,    diagonal_density,
          diagonal_sums, full_density,   full_sums,   offset_density, posterior,     column_sums,
          tail_logs,     weigh_tails,    exp_all,     log_all};
}

}  // namespace
}  // namespace em
