// family.h: the contract of a component family.
//
// A family says what one component looks like: its log density, the sufficient statistics that its
// M-step reads, and that M-step. It holds the parameters of all K components, is bound to a data set after it
// was made, and knows neither where the responsibilities come from nor how often it will be asked.
//
// One pass over the data makes, in this order:
//   prepare(accuracy)                   once, one thread: Cholesky factors, logarithms, constants
//   for each block, on any thread:
//     pack(rows, work)                  the block, laid out as the kernels want it
//     log_density(rows, work, out)      out(i, k) = log f_k(x_i)
//     accumulate(rows, work, resp, s)   s += the block's statistics, given resp(i, k) = w_i r_ik
//   close_slice(s, work)                once for each slice, before slices are added
//   close_pass(s)                       once, after the slices were added in order
// and then
//   maximise(statistics, step)          the only function but unpack() that changes parameters
// A block of rows that belong to a longer unit (latent.h) is packed again before accumulate().
//
// A new family writes what is pure virtual here, and a constructor that begins with Family(k) and leaves its
// parameters where prepare() is defined. What else there is has a default: for speed where a family has none
// to gain, for starts and for judgement where it knows nothing better.
//
// Blocks are laid out for the kernels (kernels.h, "Padding"): work begins at a multiple of 64 bytes, and each
// column of out and of resp has room for padded_rows(rows.size) entries; what log_density() writes behind the
// last row is of no account, and there resp holds zeros.
//
// Laws (tests/testthat/test-laws.R runs every family through them): statistics add over rows; a row of
// weight 2 counts as the row twice; pack() to accumulate() are const and may run on several threads at
// once, each with a workspace of its own.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "chart.h"
#include "data.h"
#include "eigen.h"
#include "fields.h"
#include "kernels.h"
#include "rows.h"

namespace em {

// How an M-step updates: em takes the spread about the new mean, ecm about the previous one (Meng & Rubin
// 1993). start is em, but lends the pooled spread to a component that has none of its own yet.
enum class Step { em, ecm, start };

// fast may trade digits that do not show (1e-10 of a log density) for speed inside the loop; exact is for all
// that is reported.
enum class Accuracy { fast, exact };

class Family {
 public:
  virtual ~Family() = default;
  Family& operator=(const Family&) = delete;

  Index n_components() const { return k_; }
  const Data& data() const { return data_; }

  // --- What every family must say ---

  virtual Index n_statistics() const = 0;
  virtual Index n_free() const = 0;  // free parameters: degrees of freedom

  // Views of the parameters. The pointers stay valid as long as the family lives.
  virtual Fields parameters() = 0;

  // Makes ready for log_density at the present parameters. Returns -1, or the first component whose
  // density does not exist there (a covariance that is not positive definite); accumulate(), for
  // responsibilities that somebody else gave, is ready all the same.
  virtual Index prepare(Accuracy accuracy) = 0;

  // See above. work: what pack() left of these rows, and scratch.
  virtual void log_density(Rows rows, double* work, MatrixRef out) const = 0;
  virtual void accumulate(Rows rows, double* work, ConstMatrixRef responsibilities,
                          VectorRef statistics) const = 0;

  // The parameters that maximise the expected log-likelihood, and the prior where there is one. A component
  // without rows keeps its own.
  virtual void maximise(ConstVectorRef statistics, Step step) = 0;

  // What statistics of an E-step at the present parameters say of each of them: see Score in chart_fields.h.
  // Not of a family that has a chart() of its own.
  virtual void score(ConstVectorRef statistics, VectorRef slope, VectorRef rows, VectorRef information) const;

  virtual std::unique_ptr<Family> clone() const = 0;  // own parameters, the same data

  // --- The rows ---

  // From now on these are the rows. A family that makes something of them once (constants of a row's density)
  // does it here, after Family::bind(). Parameters stay, and so does what describe() learned, so that parts
  // of described data can be bound in turn.
  virtual void bind(const Data& data) { data_ = data; }

  // Learns the location and spread of the data, to which floors and starts are relative. Called once, before
  // a run. Returns -1, or the first column that no component can model: constant, or a linear combination of
  // those before it. The default learns the columns' means and standard deviations, for features().
  virtual Index describe();

  // The same for n rows of this weight that come in parts (parts.h), wherever they are: gather(about, state)
  // lets each part in turn, bound to a family of this kind, add to `state` by add_description(); `first` is
  // the number of the part's first row. The default describes what is bound, a sample.
  using Gather = std::function<void(ConstVectorRef about, VectorRef state)>;
  virtual Index describe_parts(Index /*n*/, double /*weight*/, const Gather& /*gather*/) {
    return describe();
  }
  virtual void add_description(Index /*first*/, Index /*n*/, ConstVectorRef /*about*/,
                               VectorRef /*state*/) const {}

  // All that describe_parts() learned and what is bound does not tell; take_description() is describe() with
  // that.
  virtual Vector description() const { return {}; }
  virtual Index take_description(ConstVectorRef /*description*/) { return describe(); }

  // --- Speed ---

  virtual Index block_rows() const { return 256; }  // rows that fill the cache, workspace and all
  virtual Index n_workspace(Index /*block_rows*/) const { return 0; }  // doubles of it, for so many rows
  virtual void pack(Rows /*rows*/, double* /*work*/) const {}

  // The data that pack() will read for these rows, so that they can be fetched into the cache beforehand.
  // Empty where that's of no use.
  virtual ConstBlock source(Rows /*rows*/) const { return {}; }

  // Is what prepare() made ready as good as Accuracy::exact?
  virtual bool is_exact() const { return true; }

  // Told once: in all passes but expect_given() the responsibilities of every row sum to its weight. Sums
  // over all rows and components then need not be taken again.
  virtual void rows_are_complete() {}

  // The kernel's own sums -> the statistics that maximise() reads.
  virtual void close_slice(VectorRef /*statistics*/, double* /*work*/) const {}

  // What a whole E-step adds that no slice can know, to the statistics and (returned) to the log-likelihood.
  virtual double close_pass(VectorRef /*statistics*/) const { return 0.0; }

  // May all but pack(), log_density() and accumulate(), which always may, be called on a thread other than
  // the main one? Where not, several starts wait for each other and threads share the rows of one.
  virtual bool thread_safe() const { return true; }

  // --- Starts, all of which need describe() ---

  // Comparable, scaled numbers for rows of data (k-means works on them). The default: the columns less their
  // means, in standard deviations, 0 where a cell is missing.
  virtual Index n_features() const { return data_.d; }
  virtual void features(Rows rows, MatrixRef out) const;

  // Puts the components at the given rows, with a common spread. The default: the M-step from that row and,
  // as a quarter of a row more, the mean of all rows, which keeps the parameters off their boundaries.
  virtual void start_at(const std::vector<Index>& rows);

  // --- Free coordinates ---

  // About the present parameters, n_free() of them, and the gradient of the log-likelihood and log_prior() in
  // them: see chart.h. statistics: of an E-step at these parameters. Valid as long as the family lives. The
  // default knows all scales but covariances, and follows score().
  virtual std::unique_ptr<Chart> chart(ConstVectorRef statistics);

  // Holds parameters from now on, to the last bit: packed as parameters(), NaN where free. maximise() and
  // start_at() of a family that can be held end with restore_held(), and n_free() leaves n_held() out.
  void hold(ConstVectorRef held);

  // --- Judgement ---

  // For each component its smallest spread (standard deviation) in any direction, relative to the spread of
  // the data: 0 for a component that collapsed, which has in some direction no spread but rounding, 1 for
  // what cannot collapse: other families, a spread that is held. Needs describe().
  virtual Vector relative_spread() const;

  // Effective rows of a component: with fewer they don't determine what it has of its own.
  virtual double rows_needed(Index /*component*/) const { return 0.0; }

  // How far apart two components are, by Bhattacharyya's distance: minus the logarithm of the integral (sum)
  // of sqrt(f_a f_b), the same in other units and coordinates. 0 where they are the same; d^2 / 8 for means
  // that are d standard deviations apart. Exact where it is below `enough`; else whatever is not below. The
  // default estimates it from some of the rows that either may have made, and needs prepare().
  virtual double distance(Index a, Index b, double enough) const;

  // The logarithm of a prior at the present parameters, but for constants: what is maximised besides the
  // log-likelihood. Needs prepare().
  virtual double log_prior() const { return 0.0; }

 protected:
  explicit Family(Index k) : k_(k) {}
  Family(const Family& other) = default;

  bool is_held(Index at) const { return held_.size() > 0 && held_[at] == held_[at]; }
  Index n_held() const {
    Index out = 0;
    for (Index i = 0; i < held_.size(); ++i) out += is_held(i);
    return out;
  }
  void restore_held();

  // For a describe() of one's own: what features() takes the columns' means and standard deviations to be.
  void set_columns(const Vector& mean, const Vector& sd);

  const Index k_;
  Data data_;

 private:
  Vector held_;  // empty: all are free
  Vector column_mean_;
  Vector column_sd_;
};

}  // namespace em
