// topics.h: latent Dirichlet allocation by variational EM (Blei, Ng & Jordan 2003), on sparse counts by
// documents.
//
// A document d draws shares of the topics from a Dirichlet distribution with parameters alpha; each of its
// words draws a topic from the shares, and a term from the topic. The bound of its log-likelihood has
// gamma_d, a Dirichlet distribution of its shares, and for each term the probabilities phi of the topics; phi
// is at its best wherever the bound is given, and never stored:
//   e_j = exp(digamma(gamma_j) - digamma(sum gamma)),   q_w = sum_j e_j b_jw,   phi_jw = e_j b_jw / q_w
//   bound = sum_w n_w log q_w + lnG(sum alpha) - sum lnG(alpha_j) + sum (alpha_j - gamma_j) log e_j
//           + sum lnG(gamma_j) - lnG(sum gamma)
// What goes on from iteration to iteration is the expected words of each topic in each document,
// expected_jd = sum_w n_w phi_jw, and gamma = alpha + expected. An iteration is one M-step (topics from the
// sums of phi, alpha from the sums of log e) and one sweep over all documents at the new topics, alpha and
// the gamma they make. Each of these moves is the maximum of the bound in one of its arguments, so it never
// falls; converged E-steps from a fresh gamma would let it. A pass with fresh tries also decides each
// document anew, from equal shares, and keeps whichever gamma has the higher bound.
//
// Documents go in slices that depend on the data alone; sums of slices are added in their order. The answer
// is the same to the last bit for any number of threads. Memory: 2 k x documents, and k x terms for each
// thread and twice more.
#pragma once

#include <string>
#include <vector>

#include "eigen.h"
#include "parallel.h"

namespace em {

// Counts by documents, in compressed rows; all pointers are borrowed.
struct Corpus {
  Index n_documents = 0;
  Index n_terms = 0;
  const int* begin = nullptr;      // n_documents + 1
  const int* term = nullptr;       // from 0
  const double* count = nullptr;   // above 0
  const double* weight = nullptr;  // of documents; null: 1

  Index begin_of(Index d) const { return begin[d]; }
  Index end_of(Index d) const { return begin[d + 1]; }
  double weight_of(Index d) const { return weight ? weight[d] : 1.0; }
};

// topic: k x terms, each row sums to 1.
struct TopicParameters {
  Matrix topic;
  Vector alpha;
};

// What the M-step needs, and the bound at the parameters and gamma it was made with.
struct TopicStatistics {
  Matrix words;          // k x terms: expected words
  Vector log_shares;     // k: sum of log e over documents with words
  double documents = 0;  // their summed weights
  double bound = 0;
};

enum class AlphaKind { held, symmetric, free };

// The maximum of the bound in alpha, from where it is; 1e-4 and 1e6 are the ends of its range.
void maximise_alpha(Vector& alpha, AlphaKind kind, Vector log_shares, double documents);

class TopicModel {
 public:
  TopicModel(const Corpus& corpus, Index k, int threads);

  // A sweep from `expected` (k x documents) to `next`. fresh: the most sweeps of a fresh try; 0: none.
  // bounds: of each document, null where nobody asks.
  TopicStatistics sweep(const TopicParameters& at, Matrix& expected, Matrix& next, int fresh, double* bounds,
                        Interrupt& interrupt) const;

  // Sweeps until no document gains `tol` for each of its words, at most `most`; from equal shares, or from
  // the better of these and `expected`. What is returned belongs to `expected` as it is then.
  TopicStatistics settle(const TopicParameters& at, Matrix& expected, bool warm, double tol, int most,
                         double* bounds, Interrupt& interrupt) const;

  // held: as topic, NaN where free; null: nothing.
  static void maximise(const TopicStatistics& from, AlphaKind kind, const Matrix* held, TopicParameters& at);

  double words() const { return words_; }

 private:
  struct Workspace;
  template <class Visit>
  TopicStatistics pass(const TopicParameters& at, Interrupt& interrupt, Visit visit) const;
  void fresh_try(Workspace& work, Index d, int most, double tol) const;
  double evaluate(Workspace& work, Index d, bool keep) const;
  double unlikely_term(Workspace& work, Index w, double n, double weight, bool keep) const;

  Corpus corpus_;
  Index k_;
  int threads_;
  double words_ = 0;
  std::vector<double> length_;  // words of each document
  std::vector<Index> slices_;   // first documents, and the end
};

struct TopicControl {
  double tol = 0;  // of the gain for each word; 0: all iterations
  int max_iter = 0;
  int fresh_every = 0;  // 0: no fresh tries
  int fresh_first = 0;  // so many iterations at the beginning all have one, that of the start included
  int fresh_sweeps = 40;
  int first = 0;       // iterations made before
  int alpha_from = 1;  // the first iteration that estimates alpha
  AlphaKind alpha = AlphaKind::held;
};

struct TopicRun {
  std::vector<double> trace;  // bounds, that of the start first
  std::string status;         // converged, max_iter, interrupted, impossible (a bound that is no number)
  TopicStatistics last;
};

// EM from `at` and `expected`, which become where it ends.
TopicRun run_topics(const TopicModel& model, const TopicControl& control, const Matrix* held,
                    TopicParameters& at, Matrix& expected, Interrupt& interrupt);

}  // namespace em
