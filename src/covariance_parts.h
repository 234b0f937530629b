// covariance_parts.h: what the covariance_*.cpp files share. No one else includes it.
#pragma once

#include "covariance.h"

namespace em {

// What an M-step reads and writes. An empty component's scatter is its present covariance with a count of
// one, so that the formula for what is its own gives back what it has.
struct Spread {
  Index d;
  Index k;
  const double* counts;
  const double* scatter;  // d x d x K
  double* sigma;          // d x d x K

  bool empty(Index j) const { return !(counts[j] > 0); }
  ConstMatrixMap own_scatter(Index j) const {
    return ConstMatrixMap((empty(j) ? sigma : scatter) + j * d * d, d, d);
  }
  MatrixMap covariance(Index j) const { return MatrixMap(sigma + j * d * d, d, d); }
};

// d x K numbers: the diagonals of K matrices where they stand, or a matrix of their own.
using Strides = Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>;
using Diagonals = Eigen::Map<Matrix, 0, Strides>;

inline Diagonals diagonals_of(Matrix& columns) {
  return {columns.data(), columns.rows(), columns.cols(), Strides(columns.rows(), 1)};
}

// The M-step along given axes, in place: the diagonals of the D_k'W_k D_k become those of lambda_k A_k.
void maximise_along_axes(Structure structure, const double* counts, Diagonals diagonals);

// Its part for variable volumes and one shape: VEI and, along the axes, VEV.
void share_shape(const double* counts, Diagonals diagonals);

void maximise_vee(const Spread& spread);
void maximise_common_axes(Structure structure, const Spread& spread);  // EVE, VVE

// log|W|, or -infinity where W is not positive definite in working precision. The test compares each pivot
// of the Cholesky factor with the diagonal that it is left of, so it does not depend on the units.
double log_determinant(ConstMatrixRef w);

Matrix eigenvectors(ConstMatrixRef w);

// The diagonal of D'W D. As Rayleigh quotients even the small ones are right to nearly full precision, which
// eigenvalues out of a solver are not. Where W is singular, what is rounding about zero becomes zero.
Vector rotated_diagonal(ConstMatrixRef axes, ConstMatrixRef w);

// D diag(delta) D', exactly symmetric.
void compose(ConstMatrixRef axes, ConstVectorRef delta, MatrixRef out);

}  // namespace em
