#include "latent_mixture_units.h"

#include <cmath>

#include "numerics.h"

namespace em {

namespace {

// log sum_j exp(row_j); -infinity where all of them are.
template <class Row>
double log_sum(const Row& row) {
  const double largest = row.maxCoeff();
  if (largest == -infinity) return largest;
  return largest + std::log((row.array() - largest).exp().sum());
}

}  // namespace

// log densities of rows -> log pi_k f_k(x_1) .. f_k(x_t) in row t, what is known of the unit included.
void LatentMixtureUnits::make_joint(Rows unit, MatrixRef inout) const {
  add_noise(unit, inout);
  const Known& known = data_.known;
  inout.row(0) += log_proportions().transpose();
  if (known.log_beliefs) {
    inout.row(0) += ConstMatrixMap(known.log_beliefs, data_.n, n_columns()).row(unit.begin);
  }
  for (Index i = unit.begin; known.labels && i < unit.end(); ++i) {
    for (Index j = 0; j < n_columns() && known.labels[i] > 0; ++j) {
      if (j + 1 != known.labels[i]) inout(0, j) = -infinity;
    }
  }
  for (Index j = 0; j < inout.cols(); ++j) {
    for (Index i = 1; i < unit.size; ++i) inout(i, j) += inout(i - 1, j);
  }
}

double LatentMixtureUnits::posterior(Rows unit, const double* weights, MatrixRef inout, double* row_loglik,
                                     VectorRef statistics, ConstBlock /*next*/) const {
  const Index k = n_columns();
  const Index last = unit.size - 1;
  make_joint(unit, inout);
  double before = 0.0;
  for (Index i = 0; row_loglik && i < unit.size; ++i) {
    const double here = log_sum(inout.row(i));
    // Once a unit has no density, its later rows take nothing more away.
    row_loglik[i] = before == -infinity ? 0.0 : here - before;
    before = here;
  }
  const double weight = weights ? weights[0] : 1.0;
  const double loglik = log_sum(inout.row(last));
  for (Index j = 0; j < k; ++j) {
    const double r = loglik == -infinity ? proportions()[j] : std::exp(inout(last, j) - loglik);
    const double weighted = weight == 0.0 ? 0.0 : weight * r;
    inout.col(j).head(unit.size).setConstant(weighted);
    statistics[j] += weighted;
    statistics[k + j] += weighted * static_cast<double>(unit.size);
  }
  return weight == 0.0 ? 0.0 : weight * loglik;
}

// Where the rows of a unit differ, it is as they are on average.
void LatentMixtureUnits::accumulate(Rows unit, ConstMatrixRef responsibilities, VectorRef statistics) const {
  const Index k = n_columns();
  for (Index j = 0; j < k; ++j) {
    const double rows = responsibilities.col(j).head(unit.size).sum();
    statistics[j] += rows / static_cast<double>(unit.size);
    statistics[k + j] += rows;
  }
}

void LatentMixtureUnits::decode(Rows unit, Decoding want, MatrixRef inout) const {
  if (want == Decoding::path) return Latent::decode(unit, want, inout);
  make_joint(unit, inout);
  for (Index i = 0; i < unit.size; ++i) {
    const double loglik = log_sum(inout.row(i));
    if (loglik == -infinity) {
      inout.row(i) = proportions().transpose();
    } else {
      inout.row(i) = (inout.row(i).array() - loglik).exp();
    }
  }
}

std::unique_ptr<Latent> LatentMixtureUnits::clone() const {
  return std::make_unique<LatentMixtureUnits>(*this);
}

}  // namespace em
