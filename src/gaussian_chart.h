// gaussian_chart.h: free coordinates of normal components, under any covariance structure.
//
// Means: mu_k = mu0_k + F_k z with Sigma0_k = F_k F_k'. Covariances come in two forms.
//
//   factor  Sigma_k = c_k F_k T_k T_k' F_k', F_k lower triangular; EEE, VEE, EVV, VVV
//           T_k is lower triangular with determinant 1: T_k shared where shape and orientation are, else own
//   axes    Sigma_k = D_k diag(delta_k) D_k'; all others
//           D_k turns from its place at the origin by a Cayley transform; it is I in the diagonal structures
//
// In both the volumes, log-shapes and rotations (or the triangle of T_k) are one set for all components or
// one for each, as the letters of the structure say. In one dimension only the volume is left.
//
// The map is exact and smooth, so the gradient at u is that of one function of u. Two axes of equal length in
// every component they belong to have no orientation; the coordinate of that rotation then has no
// information.
#pragma once

#include <memory>
#include <vector>

#include "chart.h"
#include "covariance.h"
#include "fields.h"

namespace em {

// fields: mean and covariance, or mean and sd, of K components: what the chart reads and sets. statistics: as
// in family_gaussian.h, of an E-step at these parameters.
std::unique_ptr<Chart> make_gaussian_chart(Structure structure, Index d, Index k, const Fields& fields,
                                           ConstVectorRef statistics);

// Those of the covariance of one component, where it shares nothing with the others.
std::vector<Index> own_covariance_coordinates(Structure structure, Index d, Index k, Index component);

}  // namespace em
