// kernels.cpp: which kernels run on this machine.
#include "kernels.h"

namespace em {

#if defined(__x86_64__) && defined(__GNUC__) && !defined(_WIN32)
extern const Kernels kernels_avx512;
extern const Kernels kernels_avx2;
#endif
extern const Kernels kernels_baseline;

namespace {

const Kernels* in_use = nullptr;

bool same(const char* a, const char* b) {
  while (*a != '\0' && *a == *b) ++a, ++b;
  return *a == *b;
}

// The best kernels with that name; any name is right for "best".
const Kernels* find(const char* name) {
  const bool any = same(name, "best");
#if defined(__x86_64__) && defined(__GNUC__) && !defined(_WIN32)
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  if (avx512 && (any || same(name, kernels_avx512.name))) return &kernels_avx512;
  if (avx2 && (any || same(name, kernels_avx2.name))) return &kernels_avx2;
#endif
  return any || same(name, kernels_baseline.name) ? &kernels_baseline : nullptr;
}

}  // namespace

const Kernels* find_kernels(const char* name) { return find(name); }

bool use_kernels(const char* name) {
  const Kernels* found = find(name);
  if (found != nullptr) __atomic_store_n(&in_use, found, __ATOMIC_RELEASE);
  return found != nullptr;
}

const Kernels& kernels() {
  const Kernels* chosen = __atomic_load_n(&in_use, __ATOMIC_ACQUIRE);
  if (chosen == nullptr) {
    use_kernels("best");  // two threads that come here at once find the same
    chosen = __atomic_load_n(&in_use, __ATOMIC_ACQUIRE);
  }
  return *chosen;
}

}  // namespace em
