// r_topics.cpp: topic models, called by R/topics-engine.R alone. A corpus crosses as
//   list(begin = ends of documents, 0 first; term = from 0; count = doubles; weights = NULL or doubles;
//   n_terms =)
// topics as a k x terms matrix, expected words as a k x documents matrix.
#include <memory>
#include <stdexcept>
#include <string>

#include "r_fits.h"
#include "r_headers.h"
#include "topics.h"

namespace {

// The corpus, and what keeps its numbers alive.
struct BorrowedCorpus {
  Rcpp::IntegerVector begin;
  Rcpp::IntegerVector term;
  Rcpp::NumericVector count;
  Rcpp::NumericVector weights;
  em::Corpus corpus;

  explicit BorrowedCorpus(const Rcpp::List& from)
      : begin(from["begin"]), term(from["term"]), count(from["count"]) {
    corpus.n_documents = begin.size() - 1;
    corpus.n_terms = Rcpp::as<int>(from["n_terms"]);
    corpus.begin = begin.begin();
    corpus.term = term.begin();
    corpus.count = count.begin();
    if (!Rf_isNull(from["weights"])) {
      weights = Rcpp::as<Rcpp::NumericVector>(from["weights"]);
      if (weights.size() != corpus.n_documents) throw std::invalid_argument("weights are of documents");
      corpus.weight = weights.begin();
    }
    check();
  }

 private:
  void check() const {
    if (begin.size() < 1 || begin[0] != 0 || begin[corpus.n_documents] != term.size() ||
        term.size() != count.size())
      throw std::invalid_argument("a corpus needs a count for each term, and all ends");
    for (em::Index d = 0; d < corpus.n_documents; ++d) {
      if (begin[d + 1] < begin[d]) throw std::invalid_argument("documents must follow each other");
    }
    for (const int w : term) {
      if (w < 0 || w >= corpus.n_terms) throw std::invalid_argument("a term must be among the terms");
    }
  }
};

em::TopicParameters make_topics(const Rcpp::NumericMatrix& topic, const Rcpp::NumericVector& alpha,
                                em::Index n_terms) {
  if (topic.nrow() != alpha.size() || topic.ncol() != n_terms || topic.nrow() < 1)
    throw std::invalid_argument("topics need a row each, and an alpha");
  em::TopicParameters out;
  out.topic = em::ConstMatrixMap(topic.begin(), topic.nrow(), topic.ncol());
  out.alpha = em::ConstVectorMap(alpha.begin(), alpha.size());
  return out;
}

em::Matrix make_expected(const Rcpp::NumericMatrix& expected, em::Index k, em::Index n_documents) {
  if (expected.nrow() != k || expected.ncol() != n_documents)
    throw std::invalid_argument("expected words are k x documents");
  return em::ConstMatrixMap(expected.begin(), expected.nrow(), expected.ncol());
}

em::AlphaKind alpha_kind(const std::string& name) {
  if (name == "held") return em::AlphaKind::held;
  if (name == "symmetric") return em::AlphaKind::symmetric;
  if (name == "free") return em::AlphaKind::free;
  throw std::invalid_argument("unknown kind of alpha " + name);
}

std::unique_ptr<em::Matrix> make_held(const Rcpp::Nullable<Rcpp::NumericMatrix>& held, em::Index k,
                                      em::Index n_terms) {
  if (held.isNull()) return nullptr;
  const Rcpp::NumericMatrix given(held.get());
  if (given.nrow() != k || given.ncol() != n_terms) throw std::invalid_argument("held topics are k x terms");
  return std::make_unique<em::Matrix>(em::ConstMatrixMap(given.begin(), given.nrow(), given.ncol()));
}

Rcpp::NumericMatrix matrix_to_r(const em::Matrix& x) {
  return Rcpp::NumericMatrix(static_cast<int>(x.rows()), static_cast<int>(x.cols()), x.data());
}

Rcpp::NumericVector vector_to_r(const em::Vector& x) {
  return Rcpp::NumericVector(x.data(), x.data() + x.size());
}

Rcpp::List describe(const em::TopicParameters& at, const em::Matrix& expected,
                    const em::TopicStatistics& last) {
  return Rcpp::List::create(
      Rcpp::Named("topic") = matrix_to_r(at.topic), Rcpp::Named("alpha") = vector_to_r(at.alpha),
      Rcpp::Named("expected") = matrix_to_r(expected), Rcpp::Named("bound") = last.bound,
      Rcpp::Named("words") = matrix_to_r(last.words),
      Rcpp::Named("log_shares") = vector_to_r(last.log_shares), Rcpp::Named("documents") = last.documents);
}

}  // namespace

// EM from topics, alpha and expected words.
// [[Rcpp::export(rng = false)]]
Rcpp::List em_topics_run_cpp(Rcpp::List corpus, Rcpp::NumericMatrix topic, Rcpp::NumericVector alpha,
                             Rcpp::NumericMatrix expected, Rcpp::Nullable<Rcpp::NumericMatrix> held,
                             Rcpp::List control) {
  const BorrowedCorpus rows(corpus);
  em::TopicParameters at = make_topics(topic, alpha, rows.corpus.n_terms);
  em::Matrix state = make_expected(expected, at.alpha.size(), rows.corpus.n_documents);
  const auto fixed = make_held(held, at.alpha.size(), rows.corpus.n_terms);
  em::TopicControl settings;
  settings.tol = Rcpp::as<double>(control["tol"]);
  settings.max_iter = Rcpp::as<int>(control["max_iter"]);
  settings.fresh_every = Rcpp::as<int>(control["fresh_every"]);
  settings.fresh_first = Rcpp::as<int>(control["fresh_first"]);
  settings.alpha_from = Rcpp::as<int>(control["alpha_from"]);
  settings.first = Rcpp::as<int>(control["first"]);
  constexpr int most = 1000000000;
  if (settings.first < 0 || settings.first > most || settings.max_iter < 0 || settings.max_iter > most)
    throw std::invalid_argument("iterations are counted from 0");
  settings.alpha = alpha_kind(Rcpp::as<std::string>(control["alpha"]));
  const em::TopicModel model(rows.corpus, at.alpha.size(), Rcpp::as<int>(control["threads"]));
  em::Interrupt interrupt(em::user_wants_out);
  em::TopicRun run = em::run_topics(model, settings, fixed.get(), at, state, interrupt);
  em::leave_if_raised(interrupt);
  Rcpp::List out = describe(at, state, run.last);
  out["trace"] = Rcpp::wrap(run.trace);
  out["status"] = run.status;
  return out;
}

// The E-step until it gains no more: of each document from equal shares, warm: or from expected, whichever is
// better.
// [[Rcpp::export(rng = false)]]
Rcpp::List em_topics_expect_cpp(Rcpp::List corpus, Rcpp::NumericMatrix topic, Rcpp::NumericVector alpha,
                                Rcpp::Nullable<Rcpp::NumericMatrix> expected, double tol, int most,
                                int threads) {
  const BorrowedCorpus rows(corpus);
  em::TopicParameters at = make_topics(topic, alpha, rows.corpus.n_terms);
  const em::Index k = at.alpha.size();
  const bool warm = expected.isNotNull();
  em::Matrix state = warm ? make_expected(Rcpp::NumericMatrix(expected.get()), k, rows.corpus.n_documents)
                          : em::Matrix(em::Matrix::Zero(k, rows.corpus.n_documents));
  const em::TopicModel model(rows.corpus, k, threads);
  em::Interrupt interrupt(em::user_wants_out);
  Rcpp::NumericVector bounds(static_cast<int>(rows.corpus.n_documents));
  const em::TopicStatistics last = model.settle(at, state, warm, tol, most, bounds.begin(), interrupt);
  em::leave_if_raised(interrupt);
  Rcpp::List out = describe(at, state, last);
  out["bounds"] = bounds;
  return out;
}

// The M-step from expected words and log shares.
// [[Rcpp::export(rng = false)]]
Rcpp::List em_topics_maximise_cpp(Rcpp::NumericMatrix words, Rcpp::NumericVector log_shares, double documents,
                                  Rcpp::NumericMatrix topic, Rcpp::NumericVector alpha, std::string kind,
                                  Rcpp::Nullable<Rcpp::NumericMatrix> held) {
  em::TopicParameters at = make_topics(topic, alpha, words.ncol());
  const auto fixed = make_held(held, at.alpha.size(), words.ncol());
  if (words.nrow() != at.alpha.size() || log_shares.size() != at.alpha.size())
    throw std::invalid_argument("expected words and log shares are of each topic");
  em::TopicStatistics from;
  from.words = em::ConstMatrixMap(words.begin(), words.nrow(), words.ncol());
  from.log_shares = em::ConstVectorMap(log_shares.begin(), log_shares.size());
  from.documents = documents;
  em::TopicModel::maximise(from, alpha_kind(kind), fixed.get(), at);
  return Rcpp::List::create(Rcpp::Named("topic") = matrix_to_r(at.topic),
                            Rcpp::Named("alpha") = vector_to_r(at.alpha));
}
