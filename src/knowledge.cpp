#include "knowledge.h"

#include "numerics.h"

namespace em {

void apply_knowledge(const Data& data, Rows rows, MatrixRef inout) {
  const Index k = inout.cols();
  const Known& known = data.known;
  if (known.labels) {
    for (Index i = 0; i < rows.size; ++i) {
      const int label = known.labels[rows.begin + i];
      for (Index j = 0; j < k && label > 0; ++j) {
        if (j + 1 != label) inout(i, j) = -infinity;
      }
    }
  }
  if (known.log_beliefs) {
    const ConstMatrixMap beliefs(known.log_beliefs, data.n, k);
    inout.topRows(rows.size) += beliefs.middleRows(rows.begin, rows.size);
  }
}

}  // namespace em
