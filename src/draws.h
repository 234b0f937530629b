// draws.h: what is kept of iterations of stochastic EM (assign.h): the best, the mean of the second half, and
// how often in a row a draw was of no use.
#pragma once

#include "engine.h"

namespace em {

class Draws {
 public:
  // The parameters of the model, which is at this iteration, with their log-likelihood.
  void keep(const Model& model, double loglik, const Control& control, Fit& fit);

  // To the best of them.
  void restore(Model& model) const { unpack(best_, model.fields()); }

  // The first component that the last draw gave fewer rows than it needs, or none; -1 where there is none.
  static Index first_too_few(const Model& model, double row_weight);

  // Counts those that could not be used one after the other; too many are the end of a run.
  void count(bool used) { poor_ = used ? 0 : poor_ + 1; }
  bool are_hopeless() const { return poor_ >= most_poor; }
  bool were_useful(int iterations) const { return iterations >= most_poor; }

 private:
  static constexpr int most_poor = 20;

  Vector best_;
  double loglik_ = 0.0;
  int averaged_ = 0;
  int poor_ = 0;
};

}  // namespace em
