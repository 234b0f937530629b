// covariance.h: the 14 covariance structures and the M-step of each.
//
// Sigma_k = lambda_k D_k A_k D_k' with |A_k| = 1: volume lambda_k, shape A_k, orientation D_k, each equal
// (E) or variable (V) over the components, or the identity (I). The three letters of a structure's name are
// these three, in this order (Banfield & Raftery 1993; Celeux & Govaert 1995; EVE and VVE: Browne &
// McNicholas 2014). In one dimension only the volume is left: E and V.
//
// Every M-step reads nothing but the counts n_k and the scatters W_k about the means, so weights, labels,
// missing values and priors combine with all structures.
#pragma once

#include <string>

#include "eigen.h"

namespace em {

enum class Letter { equal, variable, identity };

struct Structure {
  Letter volume;
  Letter shape;
  Letter orientation;

  bool diagonal() const { return orientation == Letter::identity; }
};

// "VVV" -> Structure; "E" and "V" are the structures of one dimension. Throws std::invalid_argument.
Structure parse_structure(const std::string& name);

// How the scatters are stored: the least that the structure's M-step needs.
enum class Storage {
  diagonal,  // d x K: the diagonals of the W_k
  pooled,    // d x d: the sum of the W_k
  full       // d x d x K
};

Storage storage_of(Structure structure);
Index storage_size(Storage storage, Index d, Index k);

// Free parameters of the K covariance matrices.
Index n_covariance_parameters(Structure structure, Index d, Index k);

// The maximiser of the expected log-likelihood over the covariances.
//   counts   K effective sizes n_k
//   scatter  the W_k as storage_of(structure) says, both triangles filled
//   sigma    in: the present covariances, d x d x K; out: the new ones, exactly symmetric where the W_k are.
//            May come out singular, but not infinite: Family::prepare() finds that.
//
// A component with n_k = 0 takes no part. What it shares it takes from the others; what is its own is what
// its present covariance says. Where all n_k are 0, nothing changes.
//
// Otherwise only EVE and VVE depend on the present covariances: their objective has several optima, and they
// go downhill from the present orientation (where the covariances are all alike, as in a first step, from the
// best of several). VEI, VEE and VEV have one optimum, found by Newton steps from the pooled scatter.
//
// The maximiser does not exist where a scatter of EVI, EVV, EVE or VVE is singular, where one of VEI, VEE or
// VEV is zero, and where these three run away; the component concerned comes out singular.
void maximise_covariance(Structure structure, Index d, Index k, const double* counts, const double* scatter,
                         double* sigma);

}  // namespace em
