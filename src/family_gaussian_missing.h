// family_gaussian_missing.h: normal components where some cells are missing at random.
//
// A row with the cells o observed has the density of its margin, N(x_o; mu_o, Sigma_oo). Its expected
// statistics are those of the row filled in by its conditional mean, plus, once for each row, the conditional
// covariance C = Sigma_mm - Sigma_mo Sigma_oo^-1 Sigma_om of what is missing (Ghahramani & Jordan 1994). They
// are laid out as those of complete rows, so the M-step of family_gaussian_base.h, any of the 14 structures,
// takes them as they are.
//
// A Cholesky factorisation of Sigma, observed cells first and stopped after them, gives all that a pattern
// needs: its columns H have the factor L of Sigma_oo on top, C is what is left over, and with y = L^-1 (x_o -
// mu_o) the filled row is mu + H y. Statistics are therefore taken of the y, a run of rows of one pattern at
// a time, and completed once for each run: the cost follows the rows and, apart from that, the patterns. Rows
// may come in any order; sorted by pattern they make the fewest runs.
//
// Accuracy::fast takes sums of x_o and x_o x_o' about the centre of the data instead, of a run and all its
// components at once, and fills them in by the regression W = Sigma_mo Sigma_oo^-1: from P, the scatter of
// what is observed, come W P and W P W' + n C. It does so while that costs no more than about 1e-10 of a log
// density. Runs of very few rows are filled in row by row.
//
// A row with nothing observed has the log density 0 and adds nothing.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include "blocks.h"
#include "family_gaussian_base.h"

namespace em {

class FamilyGaussianMissing : public FamilyGaussianBase {
 public:
  // The data are NaN where a cell is missing.
  FamilyGaussianMissing(Index d, Index k, Structure structure);
  FamilyGaussianMissing(const FamilyGaussianMissing& other) = default;

  void bind(const Data& data) override;
  Index block_rows() const override;
  Index n_workspace(Index block_rows) const override;
  // Means and variances are those of the cells observed in each column; correlations those of the rows filled
  // in by the means. Where enough rows are complete, they say which columns are collinear.
  Index describe() override;
  Index prepare(Accuracy accuracy) override;
  bool is_exact() const override { return form_ == Form::exact; }
  ConstBlock source(Rows rows) const override { return rows_of(data_.x, data_.n, d_, rows.begin, rows.size); }
  void pack(Rows rows, double* work) const override;
  void log_density(Rows rows, double* work, MatrixRef out) const override;
  void accumulate(Rows rows, double* work, ConstMatrixRef responsibilities,
                  VectorRef statistics) const override;
  void start_at(const std::vector<Index>& rows) override;
  std::unique_ptr<Family> clone() const override;

 protected:
  // visit(rows, cells observed in each, component, constant of its density) for every pattern among the rows.
  using PatternVisit = std::function<void(Rows run, Index observed, Index component, double constant)>;
  void for_each_pattern(Rows rows, double* work, const PatternVisit& visit) const;

  // The statistics of rows whose missing cells count with other weights, `responsibilities`, than what is
  // observed: for who weighs rows.
  void accumulate_weighted(Rows rows, double* work, ConstMatrixRef weights, ConstMatrixRef responsibilities,
                           VectorRef statistics) const;

 private:
  struct Pattern {
    std::vector<Index> order;  // of the columns: observed ones first
    Index observed;            // how many these are
  };
  struct Run {
    Index begin;
    std::size_t pattern;
  };
  struct Plan {
    std::vector<Pattern> patterns;
    std::vector<Run> runs;  // in order of their rows; one more at the end
  };

  static std::shared_ptr<const Plan> make_plan(const ConstMatrixMap& x);
  template <class Visit>
  void for_each_run(Rows rows, Visit visit) const;
  Index collinear_column(ConstVectorRef weight) const;

  // The factorisation for a pattern, d x d and the log of the density's constant after it: out of the store,
  // or made in scratch where the store would be too large.
  const double* factor(std::size_t pattern, Index component, double* scratch) const;
  void make_factor(const Pattern& pattern, Index component, double* out) const;
  void fill_store();
  Index factor_size() const { return d_ * d_ + 1; }
  double* scratch(double* work, Index block_rows) const { return work + k_ * d_ * block_rows; }
  void complete_first(const Pattern& pattern, const double* factor, const double* sums, double* first) const;
  void complete_second(const Pattern& pattern, const double* factor, double count, double* products,
                       double* second) const;

  void pack_run(Rows rows, Rows run, const Pattern& pattern, const double* factor, ConstVectorRef about,
                double* out) const;

  // The forms about the centre: see above. Pooled is that of one covariance for all.
  enum class Form { exact, full, pooled, diagonal };
  struct Parts;
  struct Room;
  struct Sums;
  bool is_near() const;
  Form best_form() const;
  Index n_factors() const { return alike_ && form_ != Form::full ? 1 : k_; }
  Index parts_size() const;
  void fill_parts(double* out) const;
  Parts parts_at(const Pattern& pattern, double* at) const;
  Parts parts_of(std::size_t number, const Room& room) const;
  void make_parts(const Pattern& pattern, const Parts& parts, double* factor) const;
  void make_offset(const Pattern& pattern, Index component, const double* f, const Parts& parts) const;
  void make_diagonal(const Pattern& pattern, const Parts& parts) const;
  double shift(Index component, Index column) const { return shift_(column, component); }
  Room room(Index block_rows, double* work) const;
  Index fast_workspace(Index block_rows) const;
  template <class Visit>
  void for_each_block(Rows rows, double* work, Visit visit) const;
  void fast_patterns(Rows rows, double* work, const PatternVisit& visit) const;
  void fast_pack(Rows rows, double* work) const;
  void fast_density(Rows rows, double* work, MatrixRef out) const;
  void fast_sums(Rows rows, double* work, ConstMatrixRef weights, ConstMatrixRef responsibilities,
                 VectorRef statistics) const;
  void take_weights(ConstMatrixRef weights, Index at, Index size, const Room& room) const;
  void diagonal_sums(const Sums& run, VectorRef statistics) const;
  void pooled_sums(const Sums& run, VectorRef statistics) const;
  void full_sums(const Sums& run, VectorRef statistics) const;
  void row_sums(const Sums& run, VectorRef statistics) const;
  void move_products(const Sums& run, Index component, double* sums) const;
  void fill_first(const Sums& run, Index each, const double* sums, double* first) const;
  void fill_second(const Sums& run, Index each, double count, double* second) const;

  std::shared_ptr<const Plan> plan_;  // shared by clones
  bool alike_ = false;                // one covariance for all components: one factor for each pattern
  bool diagonal_ = false;             // are all covariances diagonal?
  Form form_ = Form::exact;
  Matrix shift_;               // d x K: the means less the centre
  Matrix log_sd_;              // d x K, where diagonal
  Vector reach_;               // no cell is farther from the centre than this
  std::vector<double> store_;  // made by prepare(); empty where too large
};

// visit(rows of the run, its pattern's number)
template <class Visit>
void FamilyGaussianMissing::for_each_run(Rows rows, Visit visit) const {
  auto run = std::upper_bound(plan_->runs.begin(), plan_->runs.end(), rows.begin,
                              [](Index row, const Run& other) { return row < other.begin; });
  for (Index begin = rows.begin; begin < rows.end(); ++run) {
    const Index end = std::min(run->begin, rows.end());
    visit(Rows{begin, end - begin}, std::prev(run)->pattern);
    begin = end;
  }
}

}  // namespace em
