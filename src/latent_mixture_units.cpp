#include "latent_mixture_units.h"

#include <algorithm>
#include <cmath>

#include "dense.h"
#include "numerics.h"

namespace em {

namespace {

// log sum_j exp(row_j); -infinity where all of them are.
double log_sum(ConstMatrixRef matrix, Index row) {
  double largest = matrix(row, 0);
  for (Index j = 1; j < matrix.cols(); ++j) largest = std::max(largest, matrix(row, j));
  if (largest == -infinity) return largest;
  double sum = 0.0;
  for (Index j = 0; j < matrix.cols(); ++j) sum += std::exp(matrix(row, j) - largest);
  return largest + std::log(sum);
}

}  // namespace

// log densities of rows -> log pi_k f_k(x_1) .. f_k(x_t) in row t, what is known of the unit included.
void LatentMixtureUnits::make_joint(Rows unit, MatrixRef inout) const {
  add_noise(unit, inout);
  const Known& known = data_.known;
  for (Index j = 0; j < n_columns(); ++j) {
    inout(0, j) += log_proportions()[j];
    if (known.log_beliefs) inout(0, j) += known.log_beliefs[j * data_.n + unit.begin];
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
    const double here = log_sum(inout, i);
    // Once a unit has no density, its later rows take nothing more away.
    row_loglik[i] = before == -infinity ? 0.0 : here - before;
    before = here;
  }
  const double weight = weights ? weights[0] : 1.0;
  const double loglik = log_sum(inout, last);
  for (Index j = 0; j < k; ++j) {
    const double r = loglik == -infinity ? proportions()[j] : std::exp(inout(last, j) - loglik);
    const double weighted = weight == 0.0 ? 0.0 : weight * r;
    std::fill_n(inout.data() + j * inout.outerStride(), unit.size, weighted);
    statistics[j] += weighted;
    statistics[k + j] += weighted * static_cast<double>(unit.size);
  }
  return weight == 0.0 ? 0.0 : weight * loglik;
}

// Where the rows of a unit differ, it is as they are on average.
void LatentMixtureUnits::accumulate(Rows unit, ConstMatrixRef responsibilities, VectorRef statistics) const {
  const Index k = n_columns();
  for (Index j = 0; j < k; ++j) {
    const double rows =
        sum(ConstVectorMap(responsibilities.data() + j * responsibilities.outerStride(), unit.size));
    statistics[j] += rows / static_cast<double>(unit.size);
    statistics[k + j] += rows;
  }
}

void LatentMixtureUnits::decode(Rows unit, Decoding want, MatrixRef inout) const {
  if (want == Decoding::path) return Latent::decode(unit, want, inout);
  make_joint(unit, inout);
  for (Index i = 0; i < unit.size; ++i) {
    const double loglik = log_sum(inout, i);
    for (Index j = 0; j < n_columns(); ++j) {
      inout(i, j) = loglik == -infinity ? proportions()[j] : std::exp(inout(i, j) - loglik);
    }
  }
}

std::unique_ptr<Latent> LatentMixtureUnits::clone() const {
  return std::make_unique<LatentMixtureUnits>(*this);
}

}  // namespace em
