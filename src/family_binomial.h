// family_binomial.h: successes out of a number of trials that may differ by row.
//
//   log f_k(y; m) = log choose(m, y) + y log p_k + (m - y) log(1 - p_k),   0 log 0 = 0
//   p_k = sum w r y / sum w r m                                        (Do & Batzoglou 2008)
//
// Two columns of data, y and m. Statistics: sum w r y (K), sum w r m (K).
//
// The sum above loses digits as m grows: its terms are of the order m, f_k itself of the order log m. Rows
// are products of three numbers there (Form::linear), which a kernel makes; where that isn't good enough each
// density is made by itself (Form::saddle, log_binomial() of numerics.h).
#pragma once

#include "family.h"

namespace em {

class FamilyBinomial : public Family {
 public:
  explicit FamilyBinomial(Index k);
  FamilyBinomial(const FamilyBinomial& other) = default;

  Index n_statistics() const override { return 2 * k_; }
  Index n_workspace(Index block_rows) const override;
  Index n_free() const override { return k_ - n_held(); }
  void bind(const Data& data) override;
  Index describe() override;
  Index prepare(Accuracy accuracy) override;
  bool is_exact() const override { return form_ == form_for(Accuracy::exact); }
  void pack(Rows rows, double* work) const override;
  void log_density(Rows rows, double* work, MatrixRef out) const override;
  void accumulate(Rows rows, double* work, ConstMatrixRef responsibilities,
                  VectorRef statistics) const override;
  void maximise(ConstVectorRef statistics, Step step) override;
  Fields parameters() override;
  void score(ConstVectorRef statistics, VectorRef slope, VectorRef rows,
             VectorRef information) const override;
  double distance(Index a, Index b, double enough) const override;
  Index n_features() const override { return 1; }
  void features(Rows rows, MatrixRef out) const override;
  void start_at(const std::vector<Index>& rows) override;
  std::unique_ptr<Family> clone() const override;

 private:
  enum class Form { linear, saddle };

  // What a row has whatever the probabilities are.
  struct Constants {
    Vector log_choose;
    Vector scale;  // log_binomial_scale(); empty where no form reads it
    double most_trials = 0.0;
  };

  static std::shared_ptr<const Constants> constants_of(const Data& data);
  Form form_for(Accuracy accuracy) const;
  void log_density_of_each(Index size, const double* work, MatrixRef out) const;
  double successes(Index row) const { return data_.x[row]; }
  double trials(Index row) const { return data_.x[data_.n + row]; }

  std::shared_ptr<const Constants> constants_;  // shared by clones
  Form form_ = Form::linear;
  Vector prob_;
  double mean_trials_ = 1.0;  // of the rows that have trials; set by describe()
  Matrix theta_;  // 3 x K: what successes, failures and the logarithm of the coefficient count for
  Vector zero_;   // K
};

}  // namespace em
