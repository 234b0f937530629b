// accelerate.h: safe long steps where plain iterations have become slow.
//
// Near an optimum EM goes a fixed part of the way with each iteration, and a small part where components
// overlap: the hidden labels leave little information in some directions. In the coordinates of a chart
// (chart.h) an EM step is about a unit step along the gradient, and what it lacks is the inverse of the
// observed information. Accelerator learns that from the gradients it meets (L-BFGS: Nocedal 1980; for EM:
// Jamshidian & Jennrich 1997), one E-step for each gradient, and takes a step only if the log-likelihood
// gains enough by it (Armijo). With a prior that is the log-likelihood plus the prior's logarithm: see
// Model::objective().
//
//   Pace pace;                                    // tells when, from the gains of plain iterations
//   Accelerator accelerator(model, threads, interrupt);
//   if (pace.is_slow(rows) && accelerator.step(accuracy, loglik)) ...
//   else ...                                      // all is as it was: make a plain iteration, forget()
//
// Neither knows families or latent structures. Steps are bounded in natural units (standard deviations,
// logarithms, angles), and what the gradients told is forgotten at some distance from where they told it.
// So the way stays near the one that EM would have taken, and mostly ends where that does.
#pragma once

#include <limits>
#include <memory>
#include <vector>

#include "model.h"

namespace em {

// How the log-likelihood of plain iterations goes up. With g the last gain and r = g_t / g_(t-1), the gain
// still to come is estimated as g r / (1 - r) (Aitken; Boehning et al. 1994), infinite unless 0 <= r < 1: of
// a first gain nothing is known, and gains that grow, however small, leave a saddle.
class Pace {
 public:
  void add(double gain);

  double remaining() const { return remaining_; }

  // Long steps pay: after ten iterations, where r is settled between 0.5 and 1 and little is to come, 0.003
  // of a unit of log-likelihood for each of so many rows. Before that EM may still be choosing its optimum (r
  // above 1 is a plateau that it is about to leave), and a long step might choose another.
  bool is_slow(double rows) const;

  // Gains to come have nothing to do with those before.
  void restart() { gain_ = rate_ = std::numeric_limits<double>::quiet_NaN(); }

 private:
  double gain_ = std::numeric_limits<double>::quiet_NaN();
  double rate_ = std::numeric_limits<double>::quiet_NaN();
  double drift_ = std::numeric_limits<double>::quiet_NaN();  // of the rate
  double remaining_ = std::numeric_limits<double>::infinity();
  int iterations_ = 0;
};

class Accelerator {
 public:
  Accelerator(Model& model, int threads, Interrupt& interrupt);

  // From the present parameters, whose E-step was the model's last pass and gave loglik. True: parameters,
  // statistics and loglik are those of the step taken. False: they are what they were, though the model needs
  // prepare() before another E-step.
  bool step(Accuracy accuracy, double& loglik);

  // The gain still to come, estimated at the last step taken. Directions that no step has met yet are taken
  // to hold as little information as the worst of those met.
  double remaining() const { return remaining_; }

  // The parameters were changed by others.
  void forget() { chart_.reset(); }

  int passes() const { return passes_; }  // E-steps made so far

 private:
  // A step, and by how much the gradient fell along it.
  struct Pair {
    Vector step;
    Vector bend;
    double product;
  };

  void begin();
  void keep_near();
  void direct();
  bool try_step(double length, Accuracy accuracy, double& loglik);
  void accept();
  void estimate_remaining();

  Model& model_;
  int threads_;
  Interrupt& interrupt_;
  std::unique_ptr<Chart> chart_;
  Vector at_;         // coordinates of the present parameters
  Vector gradient_;   // there
  Vector direction_;  // what is taken for the inverse information, times the gradient
  Vector to_;         // coordinates of a trial
  Vector gradient_to_;
  Vector parameters_;  // to come back to
  Vector statistics_;
  std::vector<Pair> pairs_;  // the newest last
  std::vector<double> weights_;
  double remaining_ = 0.0;
  double reach_;  // how far from the origin of the chart the pairs are trusted, in natural units
  int passes_ = 0;
};

}  // namespace em
