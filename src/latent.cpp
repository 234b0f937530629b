#include "latent.h"

#include "chart_fields.h"

namespace em {

std::unique_ptr<Chart> Latent::chart(ConstVectorRef statistics) {
  return make_field_chart(parameters(), held_, statistics,
                          [this](ConstVectorRef sums, VectorRef slope, VectorRef rows,
                                 VectorRef information) { score(sums, slope, rows, information); });
}

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
