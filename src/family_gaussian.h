// family_gaussian.h: normal components in any number of dimensions, under any covariance structure.
//
//   log f_k(x) = -d/2 log 2 pi - log |L_k| - |L_k^-1 (x - mu_k)|^2 / 2,   Sigma_k = L_k L_k'
//
// Complete rows; parameters, statistics and M-step are those of family_gaussian_base.h.
//
// The exact form takes differences from the means first. Accuracy::fast may choose a form that is linear in
// features of the row about the centre of the data (kernels.h), where the structure has one that is faster:
//   spherical   x, |x|^2
//   diagonal    x, x^2; one dimension too
//   tied        x; what else a log density has is the same for all components, and its sum over the rows is
//               known, as the scatter is, from the scatter of all rows, which never changes
//   full        x, x_a x_b, where few dimensions and many components make it worth to store the products
//   offset      |L^-1 x - L^-1 mu|^2 in up to sixteen dimensions; sums of x and x_a x_b, which are not stored
// and only while that costs no more than about 1e-10 of a log density: see prepare().
#pragma once

#include "blocks.h"
#include "family_gaussian_base.h"

namespace em {

class FamilyGaussian : public FamilyGaussianBase {
 public:
  FamilyGaussian(Index d, Index k, Structure structure);
  FamilyGaussian(const FamilyGaussian& other) = default;

  Index block_rows() const override;
  Index n_workspace(Index block_rows) const override;
  Index describe() override;
  Index describe_parts(Index n, double weight, const Gather& gather) override;
  void add_description(Index first, Index n, ConstVectorRef about, VectorRef state) const override;
  Vector description() const override;
  Index take_description(ConstVectorRef description) override;
  void rows_are_complete() override { complete_ = true; }
  Index prepare(Accuracy accuracy) override;
  bool is_exact() const override { return form_ == Form::exact; }
  ConstBlock source(Rows rows) const override;
  void pack(Rows rows, double* work) const override;
  void log_density(Rows rows, double* work, MatrixRef out) const override;
  void accumulate(Rows rows, double* work, ConstMatrixRef responsibilities,
                  VectorRef statistics) const override;
  void close_slice(VectorRef statistics, double* work) const override;
  double close_pass(VectorRef statistics) const override;
  std::unique_ptr<Family> clone() const override;

 protected:
  // Of one component, as prepare() made it ready.
  double log_density_at_mean(Index component) const { return at_mean_[component]; }

 private:
  enum class Form { exact, spherical, diagonal, tied, full, offset };

  // A block in the workspace: x and, behind it, what else the form's features are made of.
  struct Packed {
    Block features;
    double* scratch;
    double* sums;  // n_terms() x K

    Block x(Index d) const { return columns_of(features, 0, size_of(d)); }
  };

  bool stores_products() const;
  Index n_columns(Form form) const;  // of a block in the workspace
  Index n_terms(Form form) const;    // in which log densities are linear
  Index most_features() const;
  Form best_form() const;
  Form safe_form() const;
  Packed packed(Rows rows, double* work) const;
  // Sums over the rows of w (x - about) and w (x - about)(x - about)' (the lower triangle; where statistics
  // are diagonal, the diagonal alone), and the largest |x - about| of each column.
  struct Moments {
    Vector first;
    Matrix second;
    Vector reach;
  };
  Moments measure(ConstVectorRef about, const Gather& gather) const;
  void add_moments(ConstVectorRef about, VectorRef state) const;
  void add_some_rows(Index first, Index n, VectorRef state) const;
  bool factorise(Index component);
  bool all_spherical() const;
  bool all_equal() const;
  double radius(Index component) const;
  void expand(Index component);
  void add_expanded(const Packed& block, ConstBlock responsibilities, VectorRef statistics) const;
  void translate(Index component, const double* sums, VectorRef statistics) const;

  // Set by describe().
  Vector reach_;         // no row is farther than this from the centre, column by column
  double weight_ = 0.0;  // of all rows

  bool complete_ = false;  // see rows_are_complete()

  // Made by prepare().
  Form form_ = Form::exact;
  bool diagonal_ = false;  // are all covariances diagonal?
  bool equal_ = false;     // are they all the same?
  Matrix pivot_;           // d x K: the means
  Matrix shift_;           // d x K: the means less the centre
  Matrix factor_;          // d*d x K: inverses of the Cholesky factors
  Matrix inverse_sd_;      // d x K: 1 / sd, where diagonal_
  Matrix theta_;           // features x K, or offsets in the form of that name; where it is not exact
  Vector at_mean_;         // K
  Vector constant_;        // K
};

}  // namespace em
