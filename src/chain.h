// chain.h: the mathematics of a Markov chain over hidden states, for one series of rows.
//
// Row t of a series has a log density l_tj under each state j. The first state is drawn with probabilities
// initial_j, each later one with transition_ij = P(j | i before). What is known of a row is in its densities:
// a row without anything observed has log density 0 under every state, a row with a known state -Inf under
// all others. A structural zero is a transition of probability 0.
//
// smooth() scales (Rabiner 1989): densities relative to the largest of their row, forward and backward sums
// brought back to 1 before they become small. Both then stay below 1, and their product says how much of the
// likelihood may have been lost to underflow, row by row; where that can't be excluded the series is done
// again in logs, which takes some twenty times as long. The other functions, which report and are not in the
// loop, work in logs throughout. Both ways are exact for densities down to exp(-2e8).
//
// A row that is impossible after the rows before (labels that the zeros forbid, no density under any state)
// has log density -Inf, and so has the series. The chain goes on from it as if the row were missing, so that
// all that comes out is finite. NaN stays NaN.
//
// Nothing is allocated but in set(); const functions may run on several threads at once, each with its own
// `work`, which has work_size(rows) doubles. Matrices of log densities are rows x states, columns contiguous.
// Vectors of length k x k have the state that is reached running fastest: transition[i * k + j].
//
// Rabiner, L. R. (1989) A tutorial on hidden Markov models and selected applications in speech recognition.
// Proceedings of the IEEE 77, 257-286. Zucchini, W., MacDonald, I. L. and Langrock, R. (2016) Hidden Markov
// Models for Time Series, 2nd ed. Chapman & Hall.
#pragma once

#include "eigen.h"

namespace em {

class Chain {
 public:
  Chain(const double* initial, const double* transition, Index k) { set(initial, transition, k); }

  // The probabilities from now on; copied.
  void set(const double* initial, const double* transition, Index k);

  Index n_states() const { return k_; }
  Index work_size(Index rows) const;

  // Forward-backward. In: log densities. Out: weight * P(state j in row t | all rows). Adds weight * the
  // expected number of first states to first (k) and of transitions to moves (k x k). row_loglik (null: not
  // wanted) gets the log density of each row given the rows before. Returns their sum, not times the weight.
  double smooth(MatrixRef inout, double weight, double* row_loglik, double* first, double* moves,
                double* work) const;

  // Out: P(state j in row t | rows up to t). Returns as smooth().
  double filter(ConstMatrixRef log_density, MatrixRef out, double* row_loglik, double* work) const;

  // The weights of the states in the law of row t given the rows before (one_step), or given all others.
  void predict(ConstMatrixRef log_density, bool one_step, MatrixRef out, double* work) const;

  // The most probable path, states counted from 0, of equal ones that with the smaller state where they part
  // last. Returns the log of its joint probability with the rows; -Inf where every path is impossible.
  double best_path(ConstMatrixRef log_density, int* path, double* work) const;

  // Entropy of the path given all rows, from the transitions of each row.
  double path_entropy(ConstMatrixRef log_density, double* work) const;

 private:
  struct LogPass {  // parts of `work`
    double* row_loglik;
    double* forward;
    double* density;
    double* backward;
    double* scratch;
  };

  LogPass log_pass(Index rows, double* work) const;
  void row_densities(ConstMatrixRef log_density, double row_loglik, Index t, double* out) const;
  void log_predict(const double* before, double* out) const;
  void probabilities(const double* a, const double* b, double* out) const;
  double log_forward(ConstMatrixRef log_density, const LogPass& pass) const;
  template <class RowVisit, class MoveVisit>
  void log_backward(ConstMatrixRef log_density, const LogPass& pass, RowVisit row, MoveVisit move) const;
  double smooth_in_logs(MatrixRef inout, double weight, double* row_loglik, double* first, double* moves,
                        double* work) const;

  Index k_ = 0;
  Index width_ = 0;     // k, or k + 1 where k is odd: rows of the tables below
  Vector initial_;      // width, zeros behind the last state
  Vector to_;           // k rows of width: transition probabilities from i
  Vector from_;         // k rows of width: transition probabilities to j
  Vector log_initial_;  // k
  Vector log_to_;       // k x k
  Vector log_from_;     // k x k, transposed
};

}  // namespace em
