#include "bayes.h"

#include <algorithm>
#include <cmath>

#include "blocks.h"

namespace em {

namespace {

constexpr Index block_rows = 512;
constexpr Index slice_rows = 32 * block_rows;  // that a thread takes

}  // namespace

void apply_bayes(ConstMatrixRef log_density, const Vector& proportions, double* logs, double* posterior,
                 int threads, Interrupt& interrupt) {
  const Index n = log_density.rows(), k = log_density.cols();
  const Index stride = static_cast<Index>(block_stride(size_of(block_rows)));
  Vector log_proportions(k);
  for (Index j = 0; j < k; ++j) log_proportions[j] = std::log(proportions[j]);
  parallel_for((n + slice_rows - 1) / slice_rows, threads, interrupt, [&](Index slice, int) {
    Buffer room;
    room.resize(size_of(stride * k));
    const Index end = std::min(n, (slice + 1) * slice_rows);
    for (Index begin = slice * slice_rows; begin < end && !interrupt.raised(); begin += block_rows) {
      const Index size = std::min(block_rows, end - begin);
      for (Index j = 0; j < k; ++j) {
        std::copy_n(log_density.data() + begin + j * log_density.outerStride(), size,
                    room.data() + j * stride);
      }
      const Block block{room.data(), size_of(size), size_of(k), size_of(stride)};
      kernels().posterior(block, proportions.data(), log_proportions.data(), nullptr, logs + begin,
                          ConstBlock{});
      for (Index j = 0; posterior != nullptr && j < k; ++j) {
        std::copy_n(room.data() + j * stride, size, posterior + begin + j * n);
      }
    }
  });
}

}  // namespace em
