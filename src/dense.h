// dense.h: the decompositions and products of small dense matrices, behind plain functions.
//
// Each kind of expression of Eigen is a type with some hundred members, which every file that forms one
// compiles and describes for the debugger again; a decomposition is made of dozens. They are formed in
// dense.cpp alone: others call these functions, or write a loop. Blocks and maps with contiguous columns are
// passed without a copy.
#pragma once

#include "eigen.h"

namespace em {

Matrix product(ConstMatrixRef a, ConstMatrixRef b);           // a b
Matrix cross_product(ConstMatrixRef a, ConstMatrixRef b);     // a' b
Matrix outer_product(ConstMatrixRef a, ConstMatrixRef b);     // a b'
Vector times(ConstMatrixRef a, ConstVectorRef v);             // a v
Vector transposed_times(ConstMatrixRef a, ConstVectorRef v);  // a' v

double sum(ConstVectorRef x);
double dot(ConstVectorRef a, ConstVectorRef b);
double sum_of_squares(ConstVectorRef x);
double trace(ConstMatrixRef a);
double largest_size(ConstMatrixRef x);  // max |x|, NaN where there is one

// Those of the standard library. Eigen's own take several numbers at once, and where the range ends they give
// 0, the least number or NaN, as its version says.
Vector exponentials(ConstVectorRef x);
Vector logarithms(ConstVectorRef x);

// to += weight u v'.
void add_outer_product(double weight, ConstVectorRef u, ConstVectorRef v, MatrixRef to);

// The lower triangle of to += that of x' x.
void add_lower_cross_product(ConstMatrixRef x, MatrixRef to);

// to += weight from.
void add_scaled(double weight, ConstMatrixRef from, MatrixRef to);

// to = from weight; to = from / by. `to` may be `from`.
void scale_to(ConstMatrixRef from, double weight, MatrixRef to);
void divide_to(ConstMatrixRef from, double by, MatrixRef to);

// The upper triangle becomes that of the lower one.
void mirror_lower(MatrixRef a);

// b becomes L^-1 b, or L'^-1 b; only the lower triangle of l is read.
void solve_lower(ConstMatrixRef l, MatrixRef b);
void solve_lower_transposed(ConstMatrixRef l, MatrixRef b);
void solve_lower_vector(ConstMatrixRef l, VectorRef b);
void solve_lower_transposed_vector(ConstMatrixRef l, VectorRef b);

Vector solve_vector(ConstMatrixRef a, ConstVectorRef b);  // a^-1 b

// a becomes a^-1. No pivots: for an a whose symmetric part is positive definite and not far from the
// identity.
void invert_unpivoted(MatrixRef a);

// a = L L' for a symmetric a, of which the lower triangle is read.
class Cholesky {
 public:
  Cholesky() = default;
  explicit Cholesky(ConstMatrixRef a);

  bool exists() const { return exists_; }  // is a positive definite?
  Matrix lower() const;                    // L
  double log_determinant() const;          // of a
  Matrix solve(ConstMatrixRef b) const;    // a^-1 b
  Vector solve_vector(ConstVectorRef b) const;
  double squared_distance(ConstVectorRef b) const;  // b' a^-1 b
  double trace_of_solved(ConstMatrixRef b) const;   // tr(a^-1 b)
  void whiten(MatrixRef b) const;                   // a symmetric b becomes L^-1 b L'^-1

 private:
  Matrix factor_;  // its upper triangle is that of a
  bool exists_ = false;
};

// Of a symmetric a, of which the lower triangle is read: values in increasing order, vectors as columns.
struct SymmetricEigen {
  Vector values;
  Matrix vectors;
};
SymmetricEigen symmetric_eigen(ConstMatrixRef a);
Vector symmetric_eigenvalues(ConstMatrixRef a);

}  // namespace em
