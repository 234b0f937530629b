// model.h: a family and a latent structure bound to data, and the one pass over them that joins the two.
//
//   log density -> posterior -> accumulate, a stretch at a time while it is in the cache;
//   slices of stretches on threads, their statistics added in a fixed binary tree (tree.h).
//
// A stretch is what fits into a block: as many rows as that, or as many whole units. A unit that is longer is
// a stretch of its own; its log densities are made block by block, and its blocks are packed twice.
//
// A slice has the first 4096 rows, or whole units, behind the slice before it, whatever comes after; more
// only where the statistics are larger than such a slice, and adding them would cost more than making them.
// So every result is the same, to the last bit, for any number of threads. Nothing is allocated inside a pass
// once there was one.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "assign.h"
#include "blocks.h"
#include "family.h"
#include "latent.h"
#include "parallel.h"
#include "parts.h"
#include "tree.h"

namespace em {

// Responsibilities that are given and not computed: a matrix of n rows, or a label 1, 2, ... for each row.
struct Given {
  const double* responsibilities = nullptr;
  const int* labels = nullptr;
};

class Model {
 public:
  // Binds both to the data.
  Model(std::unique_ptr<Family> family, std::unique_ptr<Latent> latent, const Data& data);
  Model(const Model& other);  // own parameters, the same data
  Model& operator=(const Model&) = delete;

  const Data& data() const { return data_; }
  Family& family() { return *family_; }
  const Family& family() const { return *family_; }
  Latent& latent() { return *latent_; }
  const Fields& fields() const { return fields_; }  // the latent structure's, then the family's
  const Fields& family_fields() const { return family_fields_; }
  Index n_parameters() const { return packed_size(fields_); }
  Index n_rows() const { return data_.n; }

  // What belongs together; where the latent structure has no units, each row is one.
  Index n_units() const { return units_.empty() ? data_.n : static_cast<Index>(units_.size()); }
  Rows unit(Index i) const { return units_.empty() ? Rows{i, 1} : units_[size_of(i)]; }

  Index n_components() const { return family_->n_components(); }
  Index n_columns() const { return latent_->n_columns(); }  // of responsibilities: noise may be one more
  Index n_free() const { return family_->n_free() + latent_->n_free(); }
  double total_weight() const { return total_weight_; }

  // From now on the rows of every pass that makes statistics or scores come from there; those that the model
  // was bound to are a sample of them, and all that the family shows of its rows.
  void take_parts(std::shared_ptr<Parts> parts);
  bool has_parts() const { return parts_ != nullptr; }

  // Family::describe(): before a run.
  Index describe();

  // The same where somebody else made it: see Family::take_description().
  Index take_description(ConstVectorRef description);

  // What rows in parts, the first of which is the first-th of n, add to a description.
  void add_description(Index first, Index n, ConstVectorRef about, VectorRef state);

  // What the last pass added up, by nodes of the tree.
  const SumTree& tree() const { return tree_; }

  // May it run on a thread of its own? See Family::thread_safe().
  bool thread_safe() const { return !parts_ && family_->thread_safe(); }

  // The statistics of the last pass: the family's, then the latent structure's.
  const Vector& statistics() const { return statistics_; }
  void set_statistics(ConstVectorRef statistics) { statistics_ = statistics; }
  Vector counts() const;  // effective rows of each column

  // Readies both at the present parameters; -1, or the component whose density does not exist there.
  Index prepare(Accuracy accuracy);
  // Of rows in parts each may have its own form, so that only what was asked to be exact is known to be.
  bool is_exact() const { return parts_ ? accuracy_ == Accuracy::exact : family_->is_exact(); }

  // From now on expect() does that to the responsibilities it makes, and to no others.
  void set_assigner(const Assigner& assigner) { assigner_ = assigner; }

  // E-step: fills statistics() and returns the log-likelihood; where units are assigned to their most
  // probable columns, the classification log-likelihood. Needs prepare().
  double expect(int threads, Interrupt& interrupt);

  // The same, and returns what is maximised: the log-likelihood, with a prior plus its logarithm.
  double objective(int threads, Interrupt& interrupt);

  // The same for several models whose rows come from the same parts, each at its own parameters: all of them
  // in one reading.
  static std::vector<double> objectives(const std::vector<Model*>& models, int threads, Interrupt& interrupt);

  // How large the numbers were that the last of these sums is made of: the rows' weights, the absolute sums
  // of the blocks, and what else was added. The sum is rounded to a few units in the last place of this, also
  // where its terms cancel.
  double size_of_sum() const { return size_; }

  // The statistics of given responsibilities (of n_columns() columns), about the present parameters. Needs
  // prepare(), whatever that said.
  void expect_given(const Given& given, int threads, Interrupt& interrupt);

  // Row by row, as if every weight were 1; each pointer may be null. responsibilities are n x n_columns(),
  // log_density (of the components, without proportions) is n x K, row_loglik has n entries. Needs prepare().
  void report(double* responsibilities, double* log_density, double* row_loglik, int threads,
              Interrupt& interrupt);

  // Latent::decode() of every unit: n x n_columns(). Needs prepare().
  void decode(Decoding want, double* out, int threads, Interrupt& interrupt);

  void maximise(Step step);

  // Parameters from responsibilities alone. Two passes, the second about the means of the first, because
  // there are no means yet to take sums about.
  void maximise_from(const Given& given, Step step, int threads, Interrupt& interrupt);

  // Free coordinates about the present parameters, n_free() of them, the latent structure's first; needs the
  // statistics of an E-step there. See chart.h.
  std::unique_ptr<Chart> chart();

  // Each unit's own gradient of the log-likelihood at the origin of a new chart, as if its weight were 1.
  // visit(units, scores) is called for one slice after the other: the numbers of its units (of its rows,
  // where these are by themselves), and a row of chart.size() for each. Needs prepare().
  using ScoreVisitor = std::function<void(Rows units, ConstMatrixRef scores)>;
  void score(const Chart& chart, int threads, Interrupt& interrupt, const ScoreVisitor& visit);

  std::unique_ptr<Model> clone() const { return std::make_unique<Model>(*this); }

 private:
  struct Stretch {
    Rows rows;
    Rows units;  // their numbers; as many as rows where these are by themselves
  };

  struct Worker {
    Buffer work;
    Buffer room;  // for a matrix of a stretch's rows
    Vector sums;  // of a slice: statistics, log-likelihood, absolute log-likelihoods
  };

  VectorMap family_part(VectorRef statistics) const { return {statistics.data(), family_->n_statistics()}; }
  VectorMap latent_part(VectorRef statistics) const {
    const Index size = latent_->n_statistics();
    return {statistics.data() + statistics.size() - size, size};
  }
  void bind(const Data& data, Index skip = 0);
  void for_each_part(Interrupt& interrupt, Index rows, const std::function<void()>& action);
  void for_whole_slices(Interrupt& interrupt, const std::function<void()>& action);
  Index rows_left_over() const;
  Index slice_rows() const;
  Index whole_slice() const;
  Index rows_of_part() const;
  bool recall_pass();
  void keep_pass();
  void open_sums();
  double close_sums();
  double expect_stretch(const Stretch& stretch, double* work, MatrixRef matrix, VectorRef statistics);
  double close_expect();
  double with_prior(double loglik);
  void make_stretches(Index skip);
  void make_slices();
  void make_workers(int threads);
  MatrixMap matrix_of(Worker& worker) const;
  ConstBlock source_behind(Rows rows) const;
  template <class Task>
  void for_each_block(Rows rows, Task task) const;
  template <class Task>
  void for_each_unit(const Stretch& stretch, Task task) const;
  void add_densities(Rows rows, double* work, MatrixRef matrix) const;
  double find_posterior(const Stretch& stretch, const double* weights, MatrixRef matrix, double* row_loglik,
                        VectorRef statistics, ConstBlock next) const;
  double find_assigned(const Stretch& stretch, const double* weights, MatrixRef matrix, VectorRef statistics,
                       ConstBlock next) const;
  void add_statistics(Rows rows, double* work, bool packed, ConstMatrixRef responsibilities,
                      VectorRef statistics) const;
  void fill_given(Rows rows, const Given& given, MatrixRef matrix) const;
  void score_slices(const Chart& chart, ConstVectorRef prior, int threads, Interrupt& interrupt,
                    const ScoreVisitor& visit);
  void score_unit(Rows unit, const Chart& chart, Worker& worker, VectorRef gradient) const;
  template <class Task>
  double pass(int threads, Interrupt& interrupt, Task task);
  template <class Task>
  void add_part(int threads, Interrupt& interrupt, Task task);
  template <class Task>
  void add_slices(int threads, Interrupt& interrupt, Task task);

  std::unique_ptr<Family> family_;
  std::unique_ptr<Latent> latent_;
  Data data_;
  Index skip_ = 0;                // rows of them, from the first, that no pass goes through
  std::shared_ptr<Parts> parts_;  // null: the rows that are bound are all
  Accuracy accuracy_ = Accuracy::exact;
  Assigner assigner_;
  bool described_ = false;
  double total_weight_;
  double size_ = 0.0;
  Fields family_fields_;
  Fields fields_;
  std::vector<Rows> units_;
  std::vector<Stretch> stretches_;
  std::vector<Rows> slices_;  // of stretches
  Index block_rows_ = 0;
  Index longest_ = 0;  // rows of a stretch
  std::vector<Worker> workers_;
  SumTree tree_;
  Vector sums_;  // all that a pass adds up
  Vector statistics_;
};

}  // namespace em
