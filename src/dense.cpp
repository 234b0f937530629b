#include "dense.h"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <Eigen/LU>
#include <algorithm>
#include <cmath>

namespace em {

Matrix product(ConstMatrixRef a, ConstMatrixRef b) { return a * b; }

Matrix cross_product(ConstMatrixRef a, ConstMatrixRef b) { return a.transpose() * b; }

Matrix outer_product(ConstMatrixRef a, ConstMatrixRef b) { return a * b.transpose(); }

Vector times(ConstMatrixRef a, ConstVectorRef v) { return a * v; }

Vector transposed_times(ConstMatrixRef a, ConstVectorRef v) { return a.transpose() * v; }

double sum(ConstVectorRef x) { return x.sum(); }

double dot(ConstVectorRef a, ConstVectorRef b) { return a.dot(b); }

double sum_of_squares(ConstVectorRef x) { return x.squaredNorm(); }

double trace(ConstMatrixRef a) {
  double out = 0.0;
  for (Index i = 0; i < a.cols(); ++i) out += a(i, i);
  return out;
}

double largest_size(ConstMatrixRef x) {
  double largest = 0.0;
  for (Index j = 0; j < x.cols(); ++j) {
    for (Index i = 0; i < x.rows(); ++i) {
      const double size = std::abs(x(i, j));
      if (std::isnan(size)) return size;
      largest = std::max(largest, size);
    }
  }
  return largest;
}

Vector exponentials(ConstVectorRef x) {
  Vector out(x.size());
  for (Index i = 0; i < x.size(); ++i) out[i] = std::exp(x[i]);
  return out;
}

Vector logarithms(ConstVectorRef x) {
  Vector out(x.size());
  for (Index i = 0; i < x.size(); ++i) out[i] = std::log(x[i]);
  return out;
}

void add_outer_product(double weight, ConstVectorRef u, ConstVectorRef v, MatrixRef to) {
  for (Index j = 0; j < to.cols(); ++j) {
    double* column = to.data() + j * to.outerStride();
    for (Index i = 0; i < to.rows(); ++i) column[i] += weight * u[i] * v[j];
  }
}

void add_lower_cross_product(ConstMatrixRef x, MatrixRef to) {
  to.selfadjointView<Eigen::Lower>().rankUpdate(x.transpose());
}

void add_scaled(double weight, ConstMatrixRef from, MatrixRef to) {
  for (Index j = 0; j < to.cols(); ++j) {
    const double* source = from.data() + j * from.outerStride();
    double* column = to.data() + j * to.outerStride();
    for (Index i = 0; i < to.rows(); ++i) column[i] += weight * source[i];
  }
}

void scale_to(ConstMatrixRef from, double weight, MatrixRef to) {
  for (Index j = 0; j < to.cols(); ++j) {
    const double* source = from.data() + j * from.outerStride();
    double* column = to.data() + j * to.outerStride();
    for (Index i = 0; i < to.rows(); ++i) column[i] = weight * source[i];
  }
}

void divide_to(ConstMatrixRef from, double by, MatrixRef to) {
  for (Index j = 0; j < to.cols(); ++j) {
    const double* source = from.data() + j * from.outerStride();
    double* column = to.data() + j * to.outerStride();
    for (Index i = 0; i < to.rows(); ++i) column[i] = source[i] / by;
  }
}

void mirror_lower(MatrixRef a) {
  for (Index j = 0; j < a.cols(); ++j) {
    for (Index i = j + 1; i < a.rows(); ++i) a(j, i) = a(i, j);
  }
}

void solve_lower(ConstMatrixRef l, MatrixRef b) { l.triangularView<Eigen::Lower>().solveInPlace(b); }

void solve_lower_transposed(ConstMatrixRef l, MatrixRef b) {
  l.transpose().triangularView<Eigen::Upper>().solveInPlace(b);
}

void solve_lower_vector(ConstMatrixRef l, VectorRef b) { l.triangularView<Eigen::Lower>().solveInPlace(b); }

void solve_lower_transposed_vector(ConstMatrixRef l, VectorRef b) {
  l.transpose().triangularView<Eigen::Upper>().solveInPlace(b);
}

Vector solve_vector(ConstMatrixRef a, ConstVectorRef b) { return a.partialPivLu().solve(b); }

void invert_unpivoted(MatrixRef a) {
  for (Index c = 0; c < a.cols(); ++c) {
    const double pivot = 1.0 / a(c, c);
    a(c, c) = 1.0;
    for (Index j = 0; j < a.cols(); ++j) a(c, j) *= pivot;
    for (Index i = 0; i < a.rows(); ++i) {
      if (i == c) continue;
      const double factor = a(i, c);
      a(i, c) = 0.0;
      for (Index j = 0; j < a.cols(); ++j) a(i, j) -= factor * a(c, j);
    }
  }
}

Cholesky::Cholesky(ConstMatrixRef a) {
  const Eigen::LLT<Matrix> factor(a);
  exists_ = factor.info() == Eigen::Success;
  factor_ = factor.matrixLLT();
}

Matrix Cholesky::lower() const {
  Matrix out = factor_;
  for (Index j = 1; j < out.cols(); ++j) {
    for (Index i = 0; i < j; ++i) out(i, j) = 0.0;
  }
  return out;
}

double Cholesky::log_determinant() const {
  double sum = 0.0;
  for (Index i = 0; i < factor_.cols(); ++i) sum += std::log(factor_(i, i));
  return 2.0 * sum;
}

Matrix Cholesky::solve(ConstMatrixRef b) const {
  Matrix out = b;
  solve_lower(factor_, out);
  solve_lower_transposed(factor_, out);
  return out;
}

Vector Cholesky::solve_vector(ConstVectorRef b) const {
  Vector out = b;
  solve_lower_vector(factor_, out);
  solve_lower_transposed_vector(factor_, out);
  return out;
}

double Cholesky::squared_distance(ConstVectorRef b) const {
  Vector out = b;
  solve_lower_vector(factor_, out);
  return out.squaredNorm();
}

double Cholesky::trace_of_solved(ConstMatrixRef b) const { return trace(solve(b)); }

void Cholesky::whiten(MatrixRef b) const {
  for (int side = 0; side < 2; ++side) {  // L^-1 b L'^-1 = L^-1 (L^-1 b)'
    solve_lower(factor_, b);
    b.transposeInPlace();
  }
}

SymmetricEigen symmetric_eigen(ConstMatrixRef a) {
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(a);
  return {solver.eigenvalues(), solver.eigenvectors()};
}

Vector symmetric_eigenvalues(ConstMatrixRef a) {
  return Eigen::SelfAdjointEigenSolver<Matrix>(a, Eigen::EigenvaluesOnly).eigenvalues();
}

}  // namespace em
