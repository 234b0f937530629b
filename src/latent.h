// latent.h: the contract of a latent structure.
//
// A latent structure says which component each row comes from: independently with given proportions
// (latent_mixture.h), one for all rows of a person (latent_mixture_units.h), or in any other way that turns
// the components' log densities into responsibilities.
//
// It also says which rows belong together, its units. It is always asked about one whole unit or, where it
// has no units, about any run of rows; what it says of a unit must not depend on any other. One pass makes,
// in this order:
//   prepare()                            once, one thread
//   for each unit, on any thread:
//     posterior(unit, ..., statistics)   log densities -> responsibilities; adds what maximise() reads
// and then
//   maximise(statistics)                 the only function but unpack() that changes parameters
//
// A unit's matrix has a row for each of its rows, and so has the memory of a thread: a series of a million
// rows and ten states takes 80 MB. A unit is also the most that threads can share: one series is the work of
// one.
//
// A new structure writes what is pure virtual here. Laws (tests/testthat/test-laws.R): statistics add over
// units; a unit of weight 2 counts as the unit twice; what a pass calls is const but for prepare(), and may
// run on several threads at once.
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

// What can be said of the rows of a unit besides responsibilities. path: the most probable components of all
// of them together, as 1 in their columns and 0 elsewhere. filtered: the probabilities of each row's
// component given that row and those before it in its unit.
enum class Decoding { path, filtered };

class Latent {
 public:
  virtual ~Latent() = default;
  Latent& operator=(const Latent&) = delete;

  // --- What every structure must say ---

  virtual Index n_columns() const = 0;  // of responsibilities: the components, and what it has beside them
  virtual Index n_statistics() const = 0;
  virtual Index n_free() const = 0;  // free parameters: degrees of freedom

  virtual Fields parameters() = 0;

  // Makes ready for posterior() at the present parameters: once for each pass, on one thread.
  virtual void prepare() = 0;

  // In: inout(i, k) = log f_k(x_i) in the components' columns. Out: inout(i, k) = w_i r_ik, what
  // Family::accumulate adds. weights and row_loglik point at the unit's first row; either may be null (all
  // ones; not wanted). row_loglik receives the log density of each row given those before it in its unit, so
  // that they add up to the unit's log-likelihood. Adds its own statistics. Returns the unit's log-likelihood
  // times its weight, which is that of its rows where they are not by themselves; weight 0 adds 0 whatever
  // the density. Where there are no units, columns have room for padded_rows(unit.size) entries and hold
  // zeros behind the last row on return; a unit's matrix may be a part of a larger one, and nothing but its
  // rows is written. (A chain needs no other matrix: what is filtered forwards is smoothed backwards in its
  // place.)
  // next: data that will be read after this; may be fetched into the cache meanwhile, and may be empty.
  virtual double posterior(Rows unit, const double* weights, MatrixRef inout, double* row_loglik,
                           VectorRef statistics, ConstBlock next) const = 0;

  // The statistics of responsibilities that somebody else gave (already times the weights), maybe such as
  // posterior() would never give.
  virtual void accumulate(Rows unit, ConstMatrixRef responsibilities, VectorRef statistics) const = 0;

  // The effective rows of each column, out of the statistics.
  virtual Vector counts(ConstVectorRef statistics) const = 0;

  virtual void maximise(ConstVectorRef statistics) = 0;

  // As Family::score().
  virtual void score(ConstVectorRef statistics, VectorRef slope, VectorRef rows,
                     VectorRef information) const = 0;

  virtual std::unique_ptr<Latent> clone() const = 0;  // own parameters, the same data

  // --- What need not be said ---

  // From now on these are the rows, and what is known of them.
  virtual void bind(const Data& data) { data_ = data; }

  // Runs of rows that belong together, none of them empty, one behind the other and all rows in one of them;
  // empty where every row is by itself. Asked once, after bind().
  virtual std::vector<Rows> units() const { return {}; }

  // Are all rows of a unit of one component? What is known of them must then be the same in all.
  virtual bool units_share_component() const { return false; }

  // Do the responsibilities of every row always sum to its weight, over the components' own columns?
  virtual bool rows_are_complete() const { return false; }

  // As Family::chart(); the default follows score().
  virtual std::unique_ptr<Chart> chart(ConstVectorRef statistics);

  // In: as posterior(). Out: what Decoding says. The default is that of rows by themselves.
  virtual void decode(Rows unit, Decoding want, MatrixRef inout) const;

 protected:
  Latent() = default;
  Latent(const Latent& other) = default;

  Data data_;
  Vector held_;  // parameters that are held: packed as parameters(), NaN where free; empty: all are free
};

}  // namespace em
