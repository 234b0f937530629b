// covariance_angles.h: a Newton step of the angles between common axes. Only covariance_axes.cpp includes it.
//
// The objective is sum_k v_k sum_c log M_k,cc (VVE) or d V log sum_k v_k, v_k the geometric mean of that
// diagonal and V the sum of the v_k (EVE), M_k = D'W_k D; the angles of a skew matrix S turn the axes D to
// D exp(S).
#pragma once

#include "eigen.h"

namespace em {

class AxesAngles {
 public:
  explicit AxesAngles(Index d);

  // From the pulls v_k and the M_k, side by side; a component whose pull is 0 takes no part. False where an
  // M_k has no positive diagonal.
  bool find(const Vector& pull, const double* rotated, bool equal_volume);

  bool convex() const { return convex_; }  // does the objective bend upwards in all directions?
  double largest() const;                  // of the angles
  double promise(double part) const;       // what such a part of the step should lower the objective by

  // The rotation by such a part of the angles, d x d.
  void turn(double part, Matrix& rotation) const;

 private:
  bool find_derivatives(const Vector& pull, const double* rotated, bool equal_volume);
  void add_bend(const double* m, Index c, double weight);
  void add_to_hessian(double weight, const Vector& v);
  Index place(Index a, Index b) const;
  void step();
  void step_off_saddle();

  Index d_;
  bool convex_ = true;
  Vector slope_, angles_, own_, inverse_;
  Matrix hessian_, factor_;  // hessian_: its lower triangle
};

}  // namespace em
