// r_family.h: a family whose density and M-step are functions of R, as em_family() of family-user.R makes
// one.
//
// The functions are asked on the main thread and for all rows at once: bind() for what each row adds to the
// statistics, prepare() for the log densities, maximise() for new parameters. What a block of rows is asked
// for is then copied, or summed, from what they returned, so that no other thread meets R. For the same
// reason it may not be cloned, bound, prepared or destroyed on another thread: see thread_safe().
//
//   statistics of component j: its rows (sum w r), then
//     sum w r s(x), one for each column of the user's statistics    additive
//     w r of each row                                               where the M-step reads the rows
//     themselves
//
// The functions that R hands over (family_native() in family-user.R) check what the user's own return, and
// raise what is to be said against it:
//   bind(x)                              list(statistics = n x p matrix or NULL, ...), handed back as `rows`
//   density(rows, parameters, untouched) list(component = 0, or the number of one without density;
//                                        density = n x K matrix). untouched: nobody has set parameters yet
//   maximise(rows, counts, s, parameters)  parameters, from s (K x p) or w r (n x K)
#pragma once

#include "r_convert.h"

#include <memory>
#include <string>
#include <vector>

namespace em {

class RFamily : public Family {
 public:
  // family: list(k, fields = list of list(name, scale, size: 0 for a number, -1 for one by variable, else the
  // number of categories), held, additive, bind, density, maximise).
  RFamily(const Rcpp::List& family, Index d, Index k);

  Index n_statistics() const override { return k_ * width(); }
  Index n_free() const override;
  Fields parameters() override;
  Index prepare(Accuracy accuracy) override;
  void log_density(Rows rows, double* work, MatrixRef out) const override;
  void accumulate(Rows rows, double* work, ConstMatrixRef responsibilities,
                  VectorRef statistics) const override;
  void maximise(ConstVectorRef statistics, Step step) override;
  std::unique_ptr<Family> clone() const override { return std::make_unique<RFamily>(*this); }
  void bind(const Data& data) override;
  bool thread_safe() const override { return false; }

 private:
  struct Functions {
    Rcpp::Function bind;
    Rcpp::Function density;
    Rcpp::Function maximise;
  };

  struct Bound {
    Rcpp::List rows;
    Matrix statistics;  // n x p; empty where the M-step reads the rows
  };

  struct Table {
    std::string name;
    Scale scale;
    std::vector<Extent> axes;
    Vector values;
  };

  Index width() const { return 1 + (additive_ ? n_sums_ : data_.n); }

  bool additive_;
  std::vector<Table> tables_;
  Vector untouched_;                            // the parameters as they were made, packed
  std::shared_ptr<const Functions> functions_;  // these two are shared by clones
  std::shared_ptr<const Bound> bound_;
  Index n_sums_ = 0;
  Matrix density_;  // n x K
};

}  // namespace em
