// family_categorical.h: categories, and counts of categories: a product of multinomials over items.
//
//   log f_k(x) = sum over the items j of log p_kj[x_j]                          an item is one column of
//   codes log f_k(y) = log m! + sum_l (-log y_l! + y_l log p_kl),   m = sum y_l       an item is a column for
//   each level p_kjl = s_kjl / sum_l s_kjl,   s_kjl = sum w r 1[x_j = l], or sum w r y_l
//
// A latent class model has several items of codes; Bernoulli is the same with two levels each, and p of the
// second is what its parameters say; a multinomial is one item of counts. 0 log 0 = 0. An item that is
// missing (its code is NaN, or one of its counts is) has the factor 1: it adds neither density nor
// statistics. Probabilities of 0 and 1 are maxima like any other; an M-step never leaves them, so starts add
// half a row.
//
// Codes are looked up, never expanded: memory and time don't grow with the number of levels. Items of few
// levels are crossed: those whose combinations are no more than `most_crossed` become one look-up of the sum
// of their logarithms, and one sum that is shared out again at the end of a block.
//
// Statistics: s as a K x (levels of all items) matrix.
#pragma once

#include <string>
#include <vector>

#include "family.h"

namespace em {

struct Item {
  Index column;         // the first column of the data
  Index n_levels;       // codes 1 .. n_levels, or so many columns of counts
  bool counts = false;  // are they counts?
};

enum class CategoricalFields {
  by_item,   // "prob.1", "prob.2", ...: K x levels each, rows sum to one; R nests them in a list
  together,  // one item: "prob", K x levels
  binary     // items of two levels: "prob", K x items, of the second level
};

class FamilyCategorical : public Family {
 public:
  FamilyCategorical(Index k, std::vector<Item> items, CategoricalFields shape);
  FamilyCategorical(const FamilyCategorical& other) = default;

  Index n_statistics() const override { return k_ * n_cells_; }
  Index block_rows() const override { return 512; }
  Index n_workspace(Index block_rows) const override;
  Index n_free() const override;
  void bind(const Data& data) override;
  Index describe() override;
  Index prepare(Accuracy accuracy) override;
  void pack(Rows rows, double* work) const override;
  void log_density(Rows rows, double* work, MatrixRef out) const override;
  void accumulate(Rows rows, double* work, ConstMatrixRef responsibilities,
                  VectorRef statistics) const override;
  void maximise(ConstVectorRef statistics, Step step) override;
  double log_prior() const override;
  Fields parameters() override;
  double distance(Index a, Index b, double enough) const override;
  Index n_features() const override;
  void features(Rows rows, MatrixRef out) const override;
  std::unique_ptr<Family> clone() const override;

  // log_prior() included. Of rows that sum to one, both are the expected counts; binary: on the logit scale,
  // and the rows that were seen.
  void score(ConstVectorRef statistics, VectorRef slope, VectorRef rows,
             VectorRef information) const override;

  // A Dirichlet distribution for every row of probabilities: what it adds to the statistics of each
  // component, by cell.
  void set_prior(const Vector& counts) { prior_ = counts; }

 private:
  // Items that are looked up together, one number for each combination of their codes.
  struct Group;
  struct Lookup;  // what does not change with the parameters: shared by clones

  bool is_binary() const { return shape_ == CategoricalFields::binary; }
  Index n_items() const { return static_cast<Index>(items_.size()); }
  const Item& item(Index j) const { return items_[static_cast<std::size_t>(j)]; }
  Index first_cell(Index j) const { return first_cell_[static_cast<std::size_t>(j)]; }
  double at(Index row, Index column) const { return data_.x[row + column * data_.n]; }
  bool is_missing(Index row, Index j) const;
  double count(Index row, Index j, Index level) const;  // 0 or 1 where codes are given
  double total(Index row, Index j) const;
  double probability(Index j, Index level, Index k) const;
  Vector more_rows(Index j, double rows) const;
  Vector prior_of(Index j) const;
  void cross_items(Lookup& lookup) const;
  void list_cells(Group& group) const;
  void copy_counts(Lookup& lookup);
  void pool(const Matrix& counts);
  double log_multinomial(const Vector& counts, const Vector& shares) const;
  void maximise_item(Index j, Index k, const Vector& counts);

  std::vector<Item> items_;
  CategoricalFields shape_;
  std::vector<Index> first_cell_;  // of each item; a cell is a level of an item
  Index n_cells_ = 0;
  Index n_counts_ = 0;  // columns of counts
  std::shared_ptr<const Lookup> lookup_;
  Vector reference_;   // shares of the first counts that were bound, by column; nothing before
  Vector margin_;      // by cell: shares of all rows
  Vector mean_total_;  // by item: 1, or the mean of its counts
  Vector prob_;        // as parameters()
  Vector prior_;       // by cell; empty where there is none
  bool has_zero_ = false;
  Matrix tables_;  // combinations x K: sums of logarithms
  bool linear_ = true;
  Matrix shares_;  // columns of counts x K
  Matrix theta_;   // (columns of counts + 1) x K
  Vector zero_;    // K
};

}  // namespace em
