// engine.h: the one loop. It repeats expect and maximise, records, and stops; it knows no family and no
// latent structure.
//
// An iteration is one M-step followed by one E-step, so that the log-likelihood, the statistics and the
// parameters of a fit belong together. Iteration 0 is the scored start: trace has iterations + 1 entries.
// With a prior "log-likelihood" means Model::objective() throughout.
//
// Stopping. Both the last gain and the estimated gain still to come must be below tol, in log-likelihood
// units. Pace (accelerate.h) makes the estimate where iterations are plain; alone it is fooled by a large
// first jump. After an accelerated step it comes from the gradient, and is taken a hundredfold. A run does
// not stop where two components are one and do better apart (saddle.h).
//
// Assignment (assign.h) turns EM into classification EM, for which "log-likelihood" means the classification
// log-likelihood, or into stochastic EM, which makes max_iter iterations, none of them judged, and ends at
// the best of them. Neither takes long steps or leaves saddles. A draw that leaves a component too few rows
// for an M-step counts as an iteration that stays where it was.
//
// Inside the loop an E-step may trade digits that do not show for speed (Accuracy::fast); the last one is
// exact.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "model.h"

namespace em {

enum class Stop { loglik, parameters };

// How many starts become few: see race.h.
struct RacePlan {
  int finalists = 0;        // so many run to the end, at most; 0: all starts do
  int of_each = 0;          // and so many of each kind of start are among them
  int first_pause = 2;      // iterations; each pause comes after twice as many as the one before
  double kept = 0.4;        // of those that meet at a pause, until the finalists are left
  int patience = 10;        // iterations, after which what can't reach the best is given up
  bool drop_equals = true;  // set aside what has become the same as another?
  int usable = 1;           // so many are to end in something usable, or the others run on too
};

struct Control {
  double tol = 1e-6;
  Stop stop = Stop::loglik;
  int max_iter = 1000;  // tol = 0 runs exactly so many
  Step step = Step::em;
  Assignment assignment = Assignment::expected;
  bool path = false;
  bool accelerate = false;
  int threads = 1;
  double row_weight = 1.0;  // what a row weighs; tol is in log-likelihoods of such a row

  RacePlan race;
  int trials = 0;  // steps that several starts make together before the best of them runs on: run_trials()
  double to_beat = -std::numeric_limits<double>::infinity();  // a log-likelihood that is had already
};

// Where a run begins. Exactly one of the three is set.
struct Start {
  Vector parameters;                         // packed as Model::fields()
  const double* responsibilities = nullptr;  // n x Model::n_columns()
  const int* partition = nullptr;            // n labels, from 1
  bool may_borrow = false;  // a start of our own: components short of rows borrow the data's spread
  std::uint64_t seed = 0;   // of what is drawn on the way
  int kind = 0;             // how it was found: RacePlan::of_each
};

enum class Status {
  converged,
  max_iter,       // stopped by max_iter, or ran exactly so many as tol = 0 asked
  collapsed,      // component `component` lost its spread; parameters are those before that
  not_monotone,   // the log-likelihood fell: a defect, reported rather than hidden
  bad_start,      // component `component` of the start has no density
  stopped_early,  // set aside: others promise more
  interrupted
};

struct Fit {
  Status status = Status::max_iter;
  Vector start;  // the parameters of iteration 0
  Vector parameters;
  double loglik = 0.0;
  double log_prior = 0.0;                                         // its part of loglik
  double log_classes = std::numeric_limits<double>::quiet_NaN();  // that of hard assignment, where it is made
  double gain = 0.0;                                              // of the last iteration
  double remaining = 0.0;                                         // estimated gain still to come
  int iterations = 0;
  Index component = -1;
  Vector relative_spread;         // Family::relative_spread() at the end
  Vector counts;                  // effective rows of each component at the end
  std::vector<Index> degenerate;  // components of too few rows or too little spread
  std::vector<Index> coincident;  // the nearest two components, if they nearly coincide
  int rank = 0;                   // see is_better()
  std::vector<double> trace;
  std::vector<bool> accelerated;  // entries of trace that no step of EM reached
  int passes = 0;                 // E-steps made
  std::vector<Vector> path;
  int best_iteration = -1;  // of iterations that draw: which one the parameters are those of
  Vector average;           // and the mean of the parameters over the second half of them
};

// Of two fits the one that is worth more, and of equals the one of the higher log-likelihood. Worth 3: none
// of its components is degenerate; 2: some are; 1: one collapsed or is empty, or two coincide, as at a
// saddle; 0: a bad start. Whether a component leans on few rows, which takes a pass over the rows, is asked
// of the best alone: R/run.R.
bool is_better(const Fit& a, const Fit& b);

// Puts the model at a start, then runs.
Fit run_from(Model& model, const Start& start, const Control& control, Interrupt& interrupt);

// A run on a model of its own that pauses and goes on.
class PausedRun {
 public:
  PausedRun(std::unique_ptr<Model> model, const Start& start, const Control& control, Interrupt& interrupt);
  ~PausedRun();

  // Goes on until so many iterations were made in all, or the run ends.
  void advance(int iterations, int threads);
  bool has_ended() const;

  // Only after an advance():
  const Fit& so_far() const;  // status, loglik, gain, remaining, iterations
  bool is_sound() const;      // has no component that lost its rows
  Vector counts() const;      // effective rows of each component

  // Once, last of all: what came of it. A run that has not ended is set aside.
  Fit close();

 private:
  std::unique_ptr<Model> model_;
  Control control_;
  Interrupt& interrupt_;
  const Start& start_;
  std::unique_ptr<class Run> run_;
};

// All starts, each on a clone of the model; with several starts and several threads a thread takes a start,
// with one start the threads share its slices. The answers are the same.
std::vector<Fit> run_all(const Model& model, const std::vector<Start>& starts, const Control& control,
                         Interrupt& interrupt);

}  // namespace em
