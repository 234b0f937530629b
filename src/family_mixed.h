// family_mixed.h: columns of several kinds, each kind with a family of its own: given the component they are
// independent.
//
//   log f_k(x) = sum over the parts p of log f_pk(x_p)      x_p: the columns of part p
//
// So log densities add, statistics and free coordinates stand side by side, and every M-step is its part's
// own. No part knows of the others: what one of them makes of its columns in other units, the rest never
// sees.
//
// Parameters are those of the parts, with the part's name and a dot before theirs: "numeric.mean".
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "family.h"

namespace em {

// How a part's family is shown its columns.
enum class Reading {
  plain,   // as they are
  counts,  // counts as family_poisson.h has them: where one is missing it is 0, as is its exposure
  trials   // successes and trials, as family_binomial.h has them: both 0 where missing. The columns are
           // successes and failures; or successes alone, of `size` trials each
};

struct Part {
  std::string name;
  std::vector<Index> columns;  // of the data
  Reading reading = Reading::plain;
  Index exposures = 0;  // Reading::counts: columns of them, 0 or as many as there are counts
  double size = 0.0;    // Reading::trials
  std::unique_ptr<Family> family;
};

class FamilyMixed : public Family {
 public:
  FamilyMixed(Index k, std::vector<Part> parts);
  FamilyMixed(const FamilyMixed& other);

  Index n_statistics() const override;
  Index n_free() const override;
  Fields parameters() override;
  void bind(const Data& data) override;
  Index describe() override;
  Index block_rows() const override;
  Index n_workspace(Index block_rows) const override;
  void pack(Rows rows, double* work) const override;
  bool is_exact() const override;
  void rows_are_complete() override;
  Index prepare(Accuracy accuracy) override;
  void log_density(Rows rows, double* work, MatrixRef out) const override;
  void accumulate(Rows rows, double* work, ConstMatrixRef responsibilities,
                  VectorRef statistics) const override;
  void close_slice(VectorRef statistics, double* work) const override;
  double close_pass(VectorRef statistics) const override;
  void maximise(ConstVectorRef statistics, Step step) override;
  std::unique_ptr<Chart> chart(ConstVectorRef statistics) override;
  bool thread_safe() const override;
  Index n_features() const override;
  void features(Rows rows, MatrixRef out) const override;
  void start_at(const std::vector<Index>& rows) override;
  Vector relative_spread() const override;
  double rows_needed(Index component) const override;
  double distance(Index a, Index b, double enough) const override;
  double log_prior() const override;
  std::unique_ptr<Family> clone() const override { return std::make_unique<FamilyMixed>(*this); }

 private:
  // visit(part's family, where its statistics begin)
  template <class Visit>
  void for_each(Visit visit) const;

  std::vector<Part> parts_;
  std::vector<std::shared_ptr<const Matrix>> rows_;  // of each part, empty where the data's own serve
};

}  // namespace em
