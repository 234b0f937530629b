// kernels_baseline.cpp: the kernels for what every processor of the platform has.
#include "kernels.h"

namespace em {
namespace {

constexpr std::size_t lanes = 2;
#ifdef __aarch64__
constexpr int registers = 32;
#else
constexpr int registers = 16;
#endif

}  // namespace
}  // namespace em

#include "kernels_impl.h"

namespace em {

extern const Kernels kernels_baseline;
const Kernels kernels_baseline = make_kernels("baseline");

}  // namespace em
