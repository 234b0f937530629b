// latent.h: the contract of a latent structure.
//
// A latent structure says which component each row comes from: independently with given proportions
// (latent_mixture), or in any other way that turns the components' log densities into responsibilities.
// It also says where rows may be cut into blocks, because only it knows which rows belong together.
#pragma once

#include <memory>
#include <vector>

#include "chart.h"
#include "data.h"
#include "eigen.h"
#include "fields.h"
#include "kernels.h"
#include "rows.h"

namespace em {

class Latent {
 public:
  virtual ~Latent() = default;

  virtual Index n_components() const = 0;
  virtual Index n_statistics() const = 0;
  virtual Index n_free() const = 0;  // free parameters: degrees of freedom

  // From now on these are the rows, and what is known of them.
  virtual void bind(const Data& data) = 0;

  // block_rows: how many rows a block should have where nothing else cuts it.
  virtual std::vector<Rows> blocks(Index n_rows, Index block_rows) const = 0;

  // Makes ready for posterior() at the present parameters: once for each pass, on one thread.
  virtual void prepare() = 0;

  // Do the responsibilities of every row always sum to its weight?
  virtual bool rows_are_complete() const { return false; }

  // In: inout(i, k) = log f_k(x_i). Out: inout(i, k) = w_i r_ik, what Family::accumulate adds.
  // weights and row_loglik point at the block's first row; either may be null (all ones; not wanted).
  // row_loglik receives log f(x_i), the log density of the mixture. Adds its own statistics.
  // Returns the sum of w_i log f(x_i), in which a row of weight 0 adds 0 whatever its density. Columns have
  // room for padded_rows(rows.size) entries, and hold zeros behind the last row on return: see kernels.h.
  // next: data that will be read after this; may be fetched into the cache meanwhile, and may be empty.
  virtual double posterior(Rows rows, const double* weights, MatrixRef inout, double* row_loglik,
                           VectorRef statistics, ConstBlock next) const = 0;

  // The statistics of responsibilities that somebody else gave (already times the weights).
  virtual void accumulate(Rows rows, ConstMatrixRef responsibilities, VectorRef statistics) const = 0;

  virtual void maximise(ConstVectorRef statistics) = 0;

  virtual Fields parameters() = 0;

  // Free coordinates about the present parameters and the gradient in them, as Family::chart().
  virtual std::unique_ptr<Chart> chart(ConstVectorRef statistics) = 0;

  virtual std::unique_ptr<Latent> clone() const = 0;
};

}  // namespace em
