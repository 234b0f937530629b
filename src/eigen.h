// eigen.h: the include of Eigen's matrices, and the short names the core uses for its types. Decompositions
// are in dense.h.
//
// The pragma makes gcc and clang treat all that follows as a system header, so that Eigen's own
// warnings (which differ between its versions) never drown ours.
#pragma once
#pragma GCC system_header

#include <Eigen/Core>

namespace em {

using Index = Eigen::Index;
using Matrix = Eigen::MatrixXd;  // column-major, as in R
using Vector = Eigen::VectorXd;
using Array = Eigen::ArrayXd;

using MatrixMap = Eigen::Map<Matrix>;
using ConstMatrixMap = Eigen::Map<const Matrix>;
using VectorMap = Eigen::Map<Vector>;
using ConstVectorMap = Eigen::Map<const Vector>;
using ArrayMap = Eigen::Map<Array>;
using ConstArrayMap = Eigen::Map<const Array>;

// Arguments of functions: any contiguous column, or any matrix with contiguous columns.
using MatrixRef = Eigen::Ref<Matrix>;
using ConstMatrixRef = const Eigen::Ref<const Matrix>&;
using VectorRef = Eigen::Ref<Vector>;
using ConstVectorRef = const Eigen::Ref<const Vector>&;

}  // namespace em
