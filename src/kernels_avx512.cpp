// kernels_avx512.cpp: the kernels for AVX-512 (F, DQ, VL).
//
// Nothing but the kernels may be compiled for this target (see kernels_impl.h): no other include.
#include "kernels.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(_WIN32)

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,avx2,fma"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512vl,avx2,fma")
#endif

namespace em {
namespace {

constexpr std::size_t lanes = 8;
constexpr int registers = 32;

}  // namespace
}  // namespace em

#include "kernels_impl.h"

namespace em {

extern const Kernels kernels_avx512;
const Kernels kernels_avx512 = make_kernels("avx512");

}  // namespace em

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
