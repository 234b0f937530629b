// latent_markov.h: rows follow each other in series, and the component of a row, its state, depends on that
// of the row before: a hidden Markov model. The mathematics are those of chain.h.
//
// A unit is a series; without units all rows are one. What is known of a row multiplies its densities, as in
// latent_mixture.h; a row without anything observed is a step of the chain all the same.
//
// The field `transition` is a matrix with a row for the state that is left, its columns contiguous; cells are
// free (estimated) or held, and the free ones of a row share what the held ones leave. The first state is
// free, held, or drawn from the distribution that the transitions lead to in the long run; then the M-step
// raises what it should maximise and need not end there.
//
// Statistics: the expected first states (k), and the expected transitions (k x k, the state that is reached
// running fastest). The weight of a series is that of its rows, which must all have the same.
#pragma once

#include "chain.h"
#include "latent.h"

namespace em {

enum class Beginning { free, stationary };  // free: as far as it is not held

class LatentMarkov : public Latent {
 public:
  // initial: k. transition: k x k as the field. held: of both, one behind the other, NaN where free.
  LatentMarkov(Vector initial, Matrix transition, Vector held, Beginning beginning);

  Index n_columns() const override { return initial_.size(); }
  Index n_statistics() const override { return initial_.size() * (initial_.size() + 1); }
  Index n_free() const override;
  Fields parameters() override;
  bool rows_are_complete() const override { return true; }
  std::vector<Rows> units() const override;
  void prepare() override;
  double posterior(Rows unit, const double* weights, MatrixRef inout, double* row_loglik,
                   VectorRef statistics, ConstBlock next) const override;
  void accumulate(Rows unit, ConstMatrixRef responsibilities, VectorRef statistics) const override;
  Vector counts(ConstVectorRef statistics) const override;
  void maximise(ConstVectorRef statistics) override;
  void score(ConstVectorRef statistics, VectorRef slope, VectorRef rows,
             VectorRef information) const override;
  std::unique_ptr<Chart> chart(ConstVectorRef statistics) override;
  void decode(Rows unit, Decoding want, MatrixRef inout) const override;
  std::unique_ptr<Latent> clone() const override;

 private:
  Vector held_transition() const;

  Vector initial_;
  Matrix transition_;
  Beginning beginning_;
  Chain chain_;
};

}  // namespace em
