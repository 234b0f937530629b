// family_gamma.h: positive numbers in one or several columns, as gamma distributions with a mean and a shape.
//
//   log f_k(x) = sum_j a_kj log(a_kj / m_kj) - log Gamma(a_kj) + (a_kj - 1) log x_j - a_kj x_j / m_kj
//   m_kj = sum w r x_j / sum w r
//   log a_kj - digamma(a_kj) = log m_kj - sum w r log x_j / sum w r
//
// so the maximiser of the mean does not depend on the shape, and a shape of 1 that is held is the exponential
// distribution. A missing cell has the factor 1.
//
// The log density is linear in z_j = x_j / c_j and log z_j, with c_j a scale of the column (kernels.h,
// expanded form), which loses about a |log(m / c)| eps. Where that shows it is taken from x / m - 1 cell by
// cell.
//
// Statistics, a matrix with a column for each component, about the mean m that the E-step used: sum w r x_j
// / m_j (p), sum w r log(x_j / m_j) (p), sum w r (one, or p where cells are missing).
//
// Likelihoods of rows that lie on one value have no bound: there the shape is infinite, and prepare() says
// that the component has no density.
#pragma once

#include "family.h"

namespace em {

class FamilyGamma : public Family {
 public:
  // gaps: may cells be missing (NaN)?
  FamilyGamma(Index k, Index p, bool gaps);
  FamilyGamma(const FamilyGamma& other) = default;

  Index n_statistics() const override { return stride() * k_; }
  Index n_workspace(Index block_rows) const override;
  Index n_free() const override { return 2 * k_ * p_ - n_held(); }
  void bind(const Data& data) override;
  Index describe() override;
  bool is_exact() const override { return exact_; }
  Index prepare(Accuracy accuracy) override;
  void pack(Rows rows, double* work) const override;
  void log_density(Rows rows, double* work, MatrixRef out) const override;
  void accumulate(Rows rows, double* work, ConstMatrixRef responsibilities,
                  VectorRef statistics) const override;
  void close_slice(VectorRef statistics, double* work) const override;
  void maximise(ConstVectorRef statistics, Step step) override;
  Fields parameters() override;
  void features(Rows rows, MatrixRef out) const override;
  Vector relative_spread() const override;
  double rows_needed(Index component) const override;
  double distance(Index a, Index b, double enough) const override;
  std::unique_ptr<Family> clone() const override;

  // On the log scale, on which mean and shape are orthogonal.
  void score(ConstVectorRef statistics, VectorRef slope, VectorRef rows,
             VectorRef information) const override;

 private:
  // z, log z and, where cells may be missing, whether it was seen: n rows each.
  using Table = std::vector<double>;

  Index n_columns() const { return gaps_ ? 3 * p_ : 2 * p_; }
  Index stride() const { return gaps_ ? 3 * p_ : 2 * p_ + 1; }
  double count_in(ConstVectorRef statistics, Index j, Index k) const {
    return statistics[2 * p_ + (gaps_ ? j : 0) + k * stride()];
  }
  const double* column(Index at) const { return table_->data() + at * data_.n; }
  bool is_seen(Index row, Index j) const { return !gaps_ || column(2 * p_ + j)[row] > 0.0; }
  bool shape_is_held(Index k, Index j) const { return is_held(k_ * p_ + k + j * k_); }
  void choose_scale();

  Index p_;
  bool gaps_;
  Vector scale_;                        // p: c, of the first data that were bound; 0 before
  std::shared_ptr<const Table> table_;  // of the data that are bound; shared by clones
  Vector pooled_shape_;                 // p: of all rows; 1 before describe()
  Vector feature_mean_;                 // p: of log z
  Vector feature_scale_;                // p
  Matrix mean_;                         // K x p
  Matrix shape_;                        // K x p
  bool linear_ = true;
  bool exact_ = true;
  Matrix theta_;     // n_columns() x K
  Vector constant_;  // K
};

}  // namespace em
