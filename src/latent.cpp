#include "latent.h"

namespace em {

void Latent::decode(Rows unit, Decoding want, MatrixRef inout) const {
  Vector ignored = Vector::Zero(n_statistics());
  posterior(unit, nullptr, inout, nullptr, ignored, {});
  for (Index i = 0; want == Decoding::path && i < unit.size; ++i) {
    Index first = 0;
    inout.row(i).maxCoeff(&first);
    inout.row(i).setZero();
    inout(i, first) = 1.0;
  }
}

}  // namespace em
