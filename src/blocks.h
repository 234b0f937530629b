// blocks.h: Eigen's matrices as the kernels see them. See "Padding" in kernels.h: the columns of a block have
// room behind their last row.
#pragma once

#include <vector>

#include "eigen.h"
#include "kernels.h"

namespace em {

inline std::size_t size_of(Index i) { return static_cast<std::size_t>(i); }

inline Block block_of(MatrixRef m) {
  return {m.data(), size_of(m.rows()), size_of(m.cols()), size_of(m.outerStride())};
}

inline ConstBlock block_of(ConstMatrixRef m) {
  return {m.data(), size_of(m.rows()), size_of(m.cols()), size_of(m.outerStride())};
}

// Some of a block's columns.
inline Block columns_of(Block block, std::size_t begin, std::size_t size) {
  return {block.data + begin * block.stride, block.rows, size, block.stride};
}

// Rows of a matrix whose columns are `stride` doubles apart.
inline ConstBlock rows_of(const double* data, Index stride, Index columns, Index begin, Index size) {
  return {data + begin, size_of(size), size_of(columns), size_of(stride)};
}

// Doubles of the caller's own that begin at a multiple of 64 bytes.
class Buffer {
 public:
  void resize(std::size_t size) { room_.assign(size + 7, 0.0); }
  double* data() { return aligned(room_.data()); }

 private:
  std::vector<double> room_;
};

}  // namespace em
